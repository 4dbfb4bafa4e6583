"""Kinds and quantities: what is declared holds together, and nothing declared reaches a sentinel."""

import struct
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.columns import FillLevels
from sensors.quantities import Quantity
from sensors.readings import KINDS, NOT_SAID, Clock, Kind, content_digest

_QUANTITIES = [
    pytest.param(quantity, id=f"{kind.name}.{quantity.name}")
    for kind in KINDS.values()
    for quantity in kind.quantities
]
_INT32 = st.integers(-(2**31), 2**31 - 1)
_VALUES = st.lists(_INT32, min_size=6, max_size=6).map(tuple)


@pytest.mark.parametrize("quantity", _QUANTITIES)
def test_range_fits_its_column_and_misses_the_sentinel_when_declared(quantity: Quantity) -> None:
    assert NOT_SAID < quantity.minimum < quantity.maximum < 2**31


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_needed_names_are_quantities_when_declared(kind: Kind) -> None:
    assert set(kind.needs_one_of) <= {quantity.name for quantity in kind.quantities}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_names_are_unique_when_declared(kind: Kind) -> None:
    names = [quantity.name for quantity in kind.quantities] + [quantity.said for quantity in kind.quantities]
    said_elsewhere = [quantity.said for quantity in kind.quantities if quantity.said != quantity.name]
    assert len({quantity.name for quantity in kind.quantities} | set(said_elsewhere)) == len(set(names))


@given(_VALUES, _VALUES)
def test_digest_is_equal_only_when_the_values_are(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    is_equal = content_digest(first, Clock.AGREES) == content_digest(second, Clock.AGREES)
    assert (first == second) is is_equal


@given(_VALUES)
def test_digest_differs_when_the_clock_is_found_wrong(values: tuple[int, ...]) -> None:
    digests = [content_digest(values, clock) for clock in Clock]
    assert digests[Clock.UNCHECKED] == digests[Clock.AGREES] != digests[Clock.DISAGREES]


def test_digest_is_the_same_for_ever_when_the_content_is() -> None:
    # Stored digests outlive releases: another digest would make a conflict of every old duplicate.
    content = (640, NOT_SAID, 3600, 19_500, 2, 4)
    assert content_digest(content, Clock.UNCHECKED).hex() == "2e6794b94d7e211bc2a10a1ca8c6bcac"


def test_digest_refuses_when_a_value_is_wider_than_its_column() -> None:
    with pytest.raises(struct.error):
        content_digest((2**31,), Clock.UNCHECKED)


def _levels(device_id: list[int]) -> FillLevels:
    n = len(device_id)
    return FillLevels(
        np.array(device_id, np.int64),
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int16),
        np.arange(n, dtype=np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, "V16"),
    )


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(-1, 6))
def test_of_device_gives_all_and_only_its_rows_when_sorted(device_id: list[int], wanted: int) -> None:
    device_id.sort()
    expected = [place for place, one in enumerate(device_id) if one == wanted]
    assert expected == _levels(device_id).of_device(wanted).distance_mm.tolist()


@given(st.integers(0, 10), st.integers(-1, 11), st.integers(-1, 11))
def test_between_is_half_open_when_the_bounds_are_any(n: int, first_us: int, until_us: int) -> None:
    expected = [instant for instant in range(n) if first_us <= instant < until_us]
    assert expected == _levels([1] * n).between(first_us, until_us).event_time_us.tolist()


def test_rows_keep_every_column_when_cut() -> None:
    cut = _levels([1, 1, 2]).rows(slice(1, 3))
    assert [2] * len(fields(FillLevels)) == [len(getattr(cut, field.name)) for field in fields(FillLevels)]
