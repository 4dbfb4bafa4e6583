# the expected value stands on the left
"""Fill levels and emptyings: against the obvious version, and by hand."""

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import levels
from tests import oracle
from tests.kernels.cases import HOUR_US, MINUTE_US, Case, cases, i8, i32, i64, lists, u8

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY = Case(
    t_us=[],
    lo_ppm=[],
    hi_ppm=[],
    threshold_ppm=[],
    adverse=[1],
    max_gap_us=5,
    scan_start_us=[0, 2, 4],
    start_us=[0, 3, 4],
    end_us=[9, 9, 4],
)
ONE = Case(
    t_us=[5],
    lo_ppm=[200],
    hi_ppm=[200],
    threshold_ppm=[200],
    adverse=[1, 0],
    max_gap_us=5,
    scan_start_us=[0, 5, 0],
    start_us=[0, 5, 0],
    end_us=[9, 9, 5],
)
UNCERTAIN = Case(
    t_us=[0, 4, 20],
    lo_ppm=[0, 0, 0],
    hi_ppm=[400, 400, 400],
    threshold_ppm=[200, 200, 200],
    adverse=[1, 1, 1, 1],
    max_gap_us=5,
    scan_start_us=[0],
    start_us=[4],
    end_us=[20],
)


def state_of(case: Case) -> list[int]:
    return oracle.states(case.lo_ppm, case.hi_ppm, case.threshold_ppm)


@given(cases())
def test_states_are_the_oracles_when_samples_are_any(case: Case) -> None:
    found = levels.states(i32(case.lo_ppm), i32(case.hi_ppm), i32(case.threshold_ppm))
    assert state_of(case) == found.tolist()


@given(cases())
@example(EMPTY)
@example(ONE)
@example(UNCERTAIN)
def test_longest_run_is_the_oracles_when_samples_are_any(case: Case) -> None:
    state = state_of(case)
    bounds = (case.scan_start_us, case.start_us, case.end_us)
    expected = oracle.longest_run(case.t_us, state, case.adverse, case.max_gap_us, *bounds)
    found = levels.longest_run(i64(case.t_us), i8(state), u8(case.adverse), case.max_gap_us, *map(i64, bounds))
    assert expected == lists(*found)


@given(cases())
@example(EMPTY)
@example(ONE)
@example(UNCERTAIN)
def test_time_above_is_the_oracles_when_samples_are_any(case: Case) -> None:
    state = state_of(case)
    bounds = (case.start_us, case.end_us)
    expected = oracle.time_above(case.t_us, state, case.adverse, case.max_gap_us, *bounds)
    found = levels.time_above(i64(case.t_us), i8(state), u8(case.adverse), case.max_gap_us, *map(i64, bounds))
    assert expected == lists(*found)


@given(cases(levels=5), st.sampled_from([1, 100, 200, 300]), st.sampled_from([0, 50, 100, 200]))
@example(EMPTY, 100, 100)
@example(ONE, 100, 100)
@example(UNCERTAIN, 100, 100)
def test_drops_are_the_oracles_when_samples_are_any(case: Case, drop_ppm: int, residual_ppm: int) -> None:
    expected = oracle.drops(case.t_us, case.lo_ppm, case.hi_ppm, drop_ppm, residual_ppm, case.max_gap_us)
    found = levels.drops(i64(case.t_us), i32(case.lo_ppm), i32(case.hi_ppm), drop_ppm, residual_ppm, case.max_gap_us)
    assert expected == found.tolist()


def kinds(case: Case, data: st.DataObject) -> list[int]:
    inner = max(len(case.t_us) - 1, 0)
    return [3, *data.draw(st.lists(st.integers(0, 3), min_size=inner, max_size=inner)), 3][: len(case.t_us) + 1]


@given(cases(samples=7), st.data())  # the oracle tries two ways for each borne gap
def test_longest_unemptied_is_the_oracles_when_kinds_are_any(case: Case, data: st.DataObject) -> None:
    kind = kinds(case, data)
    bounds = (case.scan_start_us, case.start_us, case.end_us)
    expected = oracle.longest_unemptied(case.t_us, kind, case.adverse, case.max_gap_us, *bounds)
    found = levels.longest_unemptied(i64(case.t_us), i8(kind), u8(case.adverse), case.max_gap_us, *map(i64, bounds))
    assert expected == lists(*found)


@given(cases(), st.data())
def test_emptying_count_is_the_oracles_when_kinds_are_any(case: Case, data: st.DataObject) -> None:
    kind = kinds(case, data)
    expected = oracle.emptying_count(kind, case.t_us, case.start_us, case.end_us)
    found = levels.emptying_count(i8(kind), i64(case.t_us), i64(case.start_us), i64(case.end_us))
    assert expected == lists(*found)


def full_then_empty(*, with_last: bool) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Half-hourly samples from 06:00 to 22:00, above until 10:00 or 10:05, below from 10:20."""
    full = [at * MINUTE_US for at in range(6 * 60, 10 * 60 + 1, 30)] + with_last * [605 * MINUTE_US]
    low = [620 * MINUTE_US] + [at * MINUTE_US for at in range(10 * 60 + 30, 22 * 60 + 1, 30)]
    fill_ppm = i32([920_000] * len(full) + [300_000] * len(low))
    return i64(full + low), levels.states(fill_ppm, fill_ppm, i32([900_000] * fill_ppm.size))


@pytest.mark.parametrize(("with_last", "proven_min"), [(True, 245), (False, 240)])
def test_longest_run_is_bounded_by_the_next_samples_when_a_day_is_worked_by_hand(
    with_last: bool,  # noqa: FBT001
    proven_min: int,
) -> None:
    t_us, state = full_then_empty(with_last=with_last)
    start_us, end_us = i64([6 * HOUR_US]), i64([22 * HOUR_US])
    city = u8([0] * (t_us.size + 1))
    found = levels.longest_run(t_us, state, city, 45 * MINUTE_US, start_us, start_us, end_us)
    assert ([proven_min * MINUTE_US], [proven_min * MINUTE_US], [260 * MINUTE_US]) == lists(*found)


def run(t_us: list[int], state: list[int], adverse: list[int], scan_start_us: int, start_us: int) -> list[int]:
    """Measure one window that ends at 100, with a longest gap of 10."""
    found = levels.longest_run(
        i64(t_us), i8(state), u8(adverse), 10, i64([scan_start_us]), i64([start_us]), i64([100])
    )
    return [column[0] for column in lists(*found)]


def test_longest_run_is_the_gap_when_it_lies_between_two_low_samples() -> None:
    assert [0, 25, 50] == run([0, 50, 75, 100], [0, 0, 0, 0], [0, 0, 1, 0, 0], 0, 0)


def test_longest_run_is_broken_when_a_low_sample_parts_two_borne_gaps() -> None:
    assert [0, 60, 60] == run([0, 60, 100], [0, 0, 0], [0, 1, 1, 0], 0, 0)


def test_longest_run_is_joined_when_a_high_sample_parts_two_borne_gaps() -> None:
    assert [0, 100, 100] == run([0, 60, 100], [0, 1, 0], [0, 1, 1, 0], 0, 0)


def test_longest_run_favours_the_contractor_when_an_uncertain_sample_parts_two_borne_gaps() -> None:
    assert [0, 60, 100] == run([0, 60, 100], [0, -1, 0], [0, 1, 1, 0], 0, 0)


def test_longest_run_carries_in_when_the_scan_starts_earlier() -> None:
    t_us = list(range(0, 101, 5))
    state = [0, 1, 1, 1, 1, 1, 1] + [0] * 14
    assert [25, 25, 35] == run(t_us, state, [0] * 22, 0, 28)


def test_longest_run_leaves_a_run_out_when_it_ends_at_the_windows_start() -> None:
    t_us = list(range(0, 101, 10))
    state = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert [0, 0, 0] == run(t_us, state, [0] * 12, 0, 40)


def test_longest_unemptied_counts_a_borne_gap_when_a_sure_emptying_lies_in_it() -> None:
    kind = i8([3, 0, 2, 0, 3])
    t_us, one = i64([0, 10, 80, 90]), i64([0])
    found = levels.longest_unemptied(t_us, kind, u8([0, 0, 1, 0, 0]), 10, one, one, i64([90]))
    assert ([10], [80], [80]) == lists(*found)


def test_longest_unemptied_ignores_the_bearer_when_an_interval_is_no_gap() -> None:
    kind = i8([3, 0, 2, 0, 3])
    t_us, one = i64([0, 10, 20, 30]), i64([0])
    found = levels.longest_unemptied(t_us, kind, u8([1, 1, 1, 1, 1]), 10, one, one, i64([30]))
    assert ([10], [10], [20]) == lists(*found)


def test_drops_are_right_when_fills_fill_the_type() -> None:
    least, most = -(2**31), 2**31 - 1
    kind = levels.drops(i64([0, 1]), i32([most, least]), i32([most, least]), 2**32 - 1, least, 1)
    assert [3, 2, 3] == kind.tolist()


def test_longest_run_is_the_same_when_arrays_are_read_only_or_strided() -> None:
    t_us, state = full_then_empty(with_last=True)
    start_us, end_us = i64([6 * HOUR_US]), i64([22 * HOUR_US])
    city = u8([0] * (t_us.size + 1))
    expected = lists(*levels.longest_run(t_us, state, city, 45 * MINUTE_US, start_us, start_us, end_us))
    strided = np.repeat(t_us, 2)[::2]
    assert not strided.flags.c_contiguous
    for column in (state, city, start_us, end_us):
        column.flags.writeable = False
    assert expected == lists(*levels.longest_run(strided, state, city, 45 * MINUTE_US, start_us, start_us, end_us))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"t_us": [0, 1]}, TypeError, "t_us is list; pass a numpy array of int64"),
        ({"t_us": i32([0, 1])}, TypeError, "t_us has elements of int32; pass int64"),
        ({"t_us": i64([0, 1]).astype(">i8")}, TypeError, "t_us has elements of >i8; pass int64"),
        ({"t_us": i64([0, 0])}, ValueError, r"t_us\[1\] = 0 does not come after t_us\[0\] = 0"),
        ({"t_us": i64([[0, 1]])}, ValueError, "t_us has 2 dimensions"),  # pyright: ignore[reportArgumentType]
        ({"state": i64([1, 1])}, TypeError, "state has elements of int64; pass int8"),
        ({"state": i8([1])}, ValueError, "state has 1 elements; pass 2"),
        ({"adverse": u8([0, 0])}, ValueError, "adverse has 2 elements; pass 3"),
        ({"max_gap_us": 0.5}, TypeError, "max_gap_us is float; pass an integer"),
        ({"max_gap_us": -1}, ValueError, "max_gap_us = -1 lies outside 0"),
        ({"start_us": i64([4])}, ValueError, r"start_us\[0\] = 4 lies after end_us\[0\] = 3; swap the bounds"),
        ({"scan_start_us": i64([1])}, ValueError, r"scan_start_us\[0\] = 1 lies after start_us\[0\] = 0"),
        ({"end_us": i64([])}, ValueError, "end_us has 0 elements; pass 1"),
    ],
)
def test_longest_run_raises_when_an_argument_is_wrong(
    changed: dict[str, object], error: type[Exception], message: str
) -> None:
    right: dict[str, object] = {
        "t_us": i64([0, 1]),
        "state": i8([1, 1]),
        "adverse": u8([0, 0, 0]),
        "max_gap_us": 1,
        "scan_start_us": i64([0]),
        "start_us": i64([0]),
        "end_us": i64([3]),
    }
    with pytest.raises(error, match=message):
        cast("Callable[..., object]", levels.longest_run)(**(right | changed))


def test_states_raise_when_bounds_are_crossed() -> None:
    with pytest.raises(ValueError, match=r"lo_ppm\[1\] = 9 exceeds hi_ppm\[1\] = 8"):
        levels.states(i32([1, 9]), i32([1, 8]), i32([5, 5]))


def test_measures_hold_when_the_span_is_the_largest_of_the_calendar() -> None:
    first_us, last_us = -62_135_596_800_000_000, 253_402_300_799_999_999
    found = levels.time_above(
        i64([first_us, last_us]), i8([1, 1]), u8([0, 0, 0]), last_us - first_us, i64([first_us]), i64([last_us])
    )
    assert ([last_us - first_us],) * 3 == lists(*found)
