"""Degrees to millimetres, against the length of known arcs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import geodesy
from tests.kernels.cases import i32


def test_factors_when_at_the_equator() -> None:
    # One degree is 111.3195 km of the equator and 110.5743 km of the meridian (WGS 84).
    east, north = (factor * geodesy.DEGREE_E7 / 2**24 for factor in geodesy.factors(0))
    assert 111_319_491 == pytest.approx(east, abs=2)
    assert 110_574_276 == pytest.approx(north, abs=5_000)


def test_project_when_empty() -> None:
    x_mm, y_mm = geodesy.project(i32([]), i32([]), (0, 0))
    assert (0, 0) == (x_mm.size, y_mm.size)


def test_project_when_across_the_antimeridian() -> None:
    x_mm, _ = geodesy.project(i32([-1_799_999_999]), i32([0]), (1_799_999_999, 0))
    assert [22] == x_mm.tolist()


@given(st.integers(-800_000_000, 800_000_000), st.integers(-100_000, 100_000))
def test_project_is_odd_and_ordered_when_places_lie_on_both_sides(lat_e7: int, step_e7: int) -> None:
    lat = np.full(3, lat_e7, np.int32)
    x_mm, y_mm = geodesy.project(i32([-step_e7, 0, step_e7]), lat, (0, lat_e7))
    assert [0, 0, 0] == y_mm.tolist()
    assert 0 == x_mm[1]
    assert abs(int(x_mm[0] + x_mm[2])) <= 1


@pytest.mark.parametrize("lat_e7", [-900_000_000, 900_000_000])
def test_factors_when_at_a_pole(lat_e7: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        geodesy.factors(lat_e7)
