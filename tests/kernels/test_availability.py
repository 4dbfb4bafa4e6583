# the expected value stands on the left
"""Slots and gaps, against the obvious version and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import availability, levels
from tests import oracle
from tests.kernels.cases import HOUR_US, MINUTE_US, Case, cases, i8, i64, lists, u8


@given(cases(samples=25), st.integers(1, 12))
def test_slots_are_the_oracles_when_samples_are_any(case: Case, step_us: int) -> None:
    expected = oracle.slots(case.t_us, step_us, case.start_us, case.end_us)
    assert expected == lists(*availability.slots(i64(case.t_us), step_us, i64(case.start_us), i64(case.end_us)))


@given(cases(samples=25))
def test_unmeasured_is_the_oracles_when_samples_are_any(case: Case) -> None:
    expected = oracle.unmeasured(case.t_us, case.max_gap_us, case.start_us, case.end_us)
    found = availability.unmeasured(i64(case.t_us), case.max_gap_us, i64(case.start_us), i64(case.end_us))
    assert expected == found.tolist()


@given(cases(), st.integers(-5, 45), st.integers(0, 50))
def test_gaps_are_the_oracles_when_samples_are_any(case: Case, start_us: int, length_us: int) -> None:
    expected = oracle.gaps(case.t_us, case.max_gap_us, start_us, start_us + length_us)
    assert expected == lists(*availability.gaps(i64(case.t_us), case.max_gap_us, start_us, start_us + length_us))


@given(cases(), st.integers(-5, 45), st.integers(0, 50))
def test_gaps_add_up_to_unmeasured_when_samples_are_any(case: Case, start_us: int, length_us: int) -> None:
    end_us = start_us + length_us
    from_us, until_us = availability.gaps(i64(case.t_us), case.max_gap_us, start_us, end_us)
    total = availability.unmeasured(i64(case.t_us), case.max_gap_us, i64([start_us]), i64([end_us]))
    assert total.tolist() == [int((until_us - from_us).sum())]


@given(cases())
def test_unmeasured_is_what_borne_adds_when_all_is_above_and_every_gap_is_borne(case: Case) -> None:
    t_us, start_us, end_us = i64(case.t_us), i64(case.start_us), i64(case.end_us)
    above = i8([1] * len(case.t_us))
    borne = u8([1] * (len(case.t_us) + 1))
    proven_us, borne_us, _ = levels.time_above(t_us, above, borne, case.max_gap_us, start_us, end_us)
    unmeasured_us = availability.unmeasured(t_us, case.max_gap_us, start_us, end_us)
    assert unmeasured_us.tolist() == (borne_us - proven_us).tolist()


def test_slots_count_a_slot_once_when_it_holds_two_samples() -> None:
    t_us = i64([0, 10 * MINUTE_US, HOUR_US])
    found = availability.slots(t_us, HOUR_US, i64([0]), i64([3 * HOUR_US]))
    assert ([2], [3]) == lists(*found)


def test_slots_leave_out_the_rest_when_the_window_is_no_whole_number_of_steps() -> None:
    t_us = i64([0, HOUR_US, HOUR_US + MINUTE_US])
    found = availability.slots(t_us, HOUR_US, i64([0]), i64([HOUR_US + 30 * MINUTE_US]))
    assert ([1], [1]) == lists(*found)


def test_slots_are_none_when_there_is_no_window() -> None:
    assert ([], []) == lists(*availability.slots(i64([1]), 1, i64([]), i64([])))


def test_gaps_are_the_whole_window_when_there_is_no_sample() -> None:
    assert ([3], [9]) == lists(*availability.gaps(i64([]), 5, 3, 9))


def test_gaps_stay_two_when_one_sample_parts_them() -> None:
    assert ([0, 5], [5, 9]) == lists(*availability.gaps(i64([5]), 5, 0, 9))


def test_slots_raise_when_a_step_has_no_length() -> None:
    with pytest.raises(ValueError, match="step_us = 0 lies outside 1"):
        availability.slots(i64([1]), 0, i64([0]), i64([1]))


def test_gaps_raise_when_the_window_ends_before_it_starts() -> None:
    with pytest.raises(ValueError, match="end_us = 1 lies outside 2"):
        availability.gaps(i64([1]), 5, 2, 1)


def test_unmeasured_raises_when_times_are_of_another_type() -> None:
    times: object = np.array([1.0, 2.0])
    with pytest.raises(TypeError, match="t_us has elements of float64; pass int64"):
        availability.unmeasured(times, 5, i64([0]), i64([1]))  # pyright: ignore[reportArgumentType]
