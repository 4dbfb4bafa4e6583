"""Areas: sides against exact fractions, and what a grid may not change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import geodesy, geofence
from tests import vehicle_oracle as oracle
from tests.kernels.cases import i32, i64

Place = tuple[int, int]

# Small, so that squares are exact and ties are common; and large, so that cells are.
small = st.tuples(st.integers(-12, 12), st.integers(-12, 12))
large = st.tuples(st.integers(-3_000, 3_000), st.integers(-3_000, 3_000))


def areas(place: st.SearchStrategy[Place]) -> st.SearchStrategy[list[list[Place]]]:
    """Draw rings of any kind: crossing themselves, within each other, without width, with vertices twice."""
    return st.lists(st.lists(place, min_size=3, max_size=6), max_size=3)


def made(rings: list[list[Place]]) -> geofence.Area:
    """Make an area of rings."""
    places = [place for ring in rings for place in ring]
    ring = [index for index, one in enumerate(rings) for _ in one]
    return geofence.area(i64([x for x, _ in places]), i64([y for _, y in places]), i64(ring))


def told(rings: list[list[Place]], places: list[Place], reach: list[int]) -> list[int]:
    """Ask on which side places lie."""
    x_mm, y_mm = i64([x for x, _ in places]), i64([y for _, y in places])
    return geofence.sides(made(rings), x_mm, y_mm, i64(reach)).tolist()


@given(areas(small), st.lists(st.tuples(small, st.integers(0, 9)), max_size=20))
def test_sides_are_the_oracles_when_areas_are_small(rings: list[list[Place]], asked: list[tuple[Place, int]]) -> None:
    expected = [oracle.side(rings, place, reach) for place, reach in asked]
    assert expected == told(rings, [place for place, _ in asked], [reach for _, reach in asked])


@given(areas(large), st.lists(st.tuples(large, st.integers(0, 900)), max_size=20))
def test_sides_are_the_oracles_when_areas_are_large(rings: list[list[Place]], asked: list[tuple[Place, int]]) -> None:
    expected = [oracle.side(rings, place, reach) for place, reach in asked]
    assert expected == told(rings, [place for place, _ in asked], [reach for _, reach in asked])


SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
HOLE = [(40, 40), (60, 40), (60, 60), (40, 60)]


def test_sides_when_an_area_has_a_hole() -> None:
    places = [(20, 20), (50, 50), (40, 50), (120, 50)]
    assert [1, 0, -1, 0] == told([SQUARE, HOLE], places, [5, 5, 5, 5])


def test_sides_when_a_place_is_as_far_from_the_edge_as_its_reach() -> None:
    assert [-1, 1, -1, 0] == told([SQUARE], [(10, 50), (11, 50), (-10, 50), (-11, 50)], [10] * 4)


def test_sides_when_the_reach_is_longer_than_a_cell() -> None:
    assert [-1, 0] == told([SQUARE], [(400, 50), (500, 50)], [300, 300])


def test_sides_when_the_reach_goes_through_the_whole_area() -> None:
    # On all sides nearer to the edge than the reach.
    assert [-1] == told([SQUARE], [(50, 50)], [1_000])


def test_sides_when_there_is_no_area() -> None:
    assert [0] == told([], [(0, 0)], [7])


def test_sides_when_there_are_no_places() -> None:
    assert [] == told([SQUARE], [], [])


def test_sides_when_an_area_lies_across_the_antimeridian() -> None:
    lon_e7, lat_e7 = i32([1_799_990_000, -1_799_990_000, -1_799_990_000, 1_799_990_000]), i32([0, 0, 20_000, 20_000])
    x_mm, y_mm = geodesy.project(lon_e7, lat_e7, (1_800_000_000 - 1, 10_000))
    area = geofence.area(x_mm, y_mm, i64([0] * 4))
    asked = geodesy.project(
        i32([1_799_999_000, -1_799_999_000, 1_799_980_000]), i32([10_000] * 3), (1_799_999_999, 10_000)
    )
    assert [1, 1, 0] == geofence.sides(area, *asked, i64([5_000] * 3)).tolist()


def test_area_when_a_ring_has_two_vertices() -> None:
    with pytest.raises(ValueError, match="ring 1 has 2 vertices"):
        made([SQUARE, SQUARE[:2]])


def test_area_when_a_rings_vertices_stand_apart() -> None:
    with pytest.raises(ValueError, match="ring by ring"):
        geofence.area(i64([0, 9, 9, 0, 1, 2]), i64([0, 0, 9, 9, 1, 2]), i64([0, 0, 0, 1, 1, 0]))


def test_area_when_a_vertex_lies_beyond_the_plane() -> None:
    with pytest.raises(ValueError, match="x_mm holds"):
        geofence.area(i64([0, 1, 2**40]), i64([0, 0, 0]), i64([0, 0, 0]))


def test_sides_when_a_reach_is_negative() -> None:
    with pytest.raises(ValueError, match="reach_mm holds -1"):
        told([SQUARE], [(0, 0)], [-1])


def test_sides_when_places_are_floating_point() -> None:
    with pytest.raises(TypeError, match="x_mm has elements of float64"):
        geofence.sides(made([SQUARE]), np.zeros(1), i64([0]), i64([0]))  # pyright: ignore[reportArgumentType]
