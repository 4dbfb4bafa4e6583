# the expected value stands on the left
"""From full to emptied, from an alarm to the emptying, over the night: by the obvious version, by hand, by truth."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kernels import intervals, levels, waits
from tests import oracle, waits_oracle
from tests.kernels.cases import HOUR_US, MINUTE_US, Case, at_least, cases, i8, i32, i64, lists, u8

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY = Case(
    t_us=[],
    lo_ppm=[],
    hi_ppm=[],
    threshold_ppm=[],
    adverse=[1],
    max_gap_us=5,
    scan_start_us=[0, 4],
    start_us=[3, 4],
    end_us=[9, 4],
)


def kinds(case: Case, drop_ppm: int = 200, residual_ppm: int = 100) -> list[int]:
    return oracle.drops(case.t_us, case.lo_ppm, case.hi_ppm, drop_ppm, residual_ppm, case.max_gap_us)


def states(case: Case) -> list[int]:
    return oracle.states(case.lo_ppm, case.hi_ppm, case.threshold_ppm)


def wait(case: Case) -> levels.Measure:
    return waits.longest_wait(
        i64(case.t_us),
        i8(states(case)),
        i8(kinds(case)),
        u8(case.adverse),
        case.max_gap_us,
        i64(case.scan_start_us),
        i64(case.start_us),
        i64(case.end_us),
    )


def answer(case: Case) -> levels.Measure:
    bounds = (i64(case.start_us), i64(case.end_us))
    return waits.time_to_emptying(i64(case.t_us), i8(kinds(case)), u8(case.adverse), case.max_gap_us, *bounds)


def carry(case: Case) -> levels.Measure:
    bounds = (i64(case.start_us), i64(case.end_us))
    return waits.carried(i64(case.t_us), i8(states(case)), u8(case.adverse), case.max_gap_us, *bounds)


@given(cases(), st.data())
def test_leading_is_the_oracles_when_parts_are_any(case: Case, data: st.DataObject) -> None:
    size = len(case.t_us) + 1
    part = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    expected = waits_oracle.leading(case.t_us, part, case.start_us, case.end_us)
    assert expected == intervals.leading(i64(case.t_us), u8(part), i64(case.start_us), i64(case.end_us)).tolist()


@given(cases(levels=6))
@example(EMPTY)
def test_longest_wait_is_the_oracles_when_samples_are_any(case: Case) -> None:
    bounds = (case.scan_start_us, case.start_us, case.end_us)
    columns = (case.t_us, states(case), kinds(case), case.adverse)
    assert waits_oracle.longest_wait(*columns, case.max_gap_us, *bounds) == lists(*wait(case))


@given(cases(levels=6))
@example(EMPTY)
def test_time_to_emptying_is_the_oracles_when_samples_are_any(case: Case) -> None:
    bounds = (case.start_us, case.end_us)
    expected = waits_oracle.time_to_emptying(case.t_us, kinds(case), case.adverse, case.max_gap_us, *bounds)
    assert expected == lists(*answer(case))


@given(cases())
@example(EMPTY)
def test_carried_is_the_oracles_when_samples_are_any(case: Case) -> None:
    bounds = (case.start_us, case.end_us)
    expected = waits_oracle.carried(case.t_us, states(case), case.adverse, case.max_gap_us, *bounds)
    assert expected == lists(*carry(case))


@pytest.mark.parametrize("measure", [wait, answer, carry])
@given(case=cases(levels=6))
def test_bounds_are_in_order_when_samples_are_any(measure: "Callable[[Case], levels.Measure]", case: Case) -> None:
    proven_us, borne_us, possible_us = measure(case)
    assert at_least(borne_us, proven_us)
    assert at_least(possible_us, borne_us)
    assert at_least(i64(case.end_us) - i64(case.scan_start_us), possible_us)


@given(cases(levels=6))
def test_longest_wait_is_at_least_the_longest_run_when_no_emptying_can_hide(case: Case) -> None:
    # A container full without a break waits all along: only an emptying could part the wait.
    nothing = i8([levels.NONE] * (len(case.t_us) + 1))
    columns = (i64(case.t_us), i8(states(case)))
    rest = (u8([0] * nothing.size), case.max_gap_us, i64(case.scan_start_us), i64(case.start_us), i64(case.end_us))
    waited_us, _, _ = waits.longest_wait(*columns, nothing, *rest)
    run_us, _, _ = levels.longest_run(*columns, *rest)
    assert at_least(waited_us, run_us)


@given(cases(samples=14, levels=9), st.data())
def test_true_waits_lie_within_bounds_when_emptyings_show(case: Case, data: st.DataObject) -> None:
    # An emptied container stays at the residual or falls by the drop for as long as the longest gap, and is then
    # below the threshold; between two samples no further apart it does not become full and less than full again.
    instants = data.draw(st.sets(st.integers(-10, 60), max_size=6))
    full = 500
    level, true = 0, list[int]()
    became_full: list[int] = []
    for at, t in enumerate(case.t_us):
        before = case.t_us[at - 1] if at else -11
        emptied = [instant for instant in instants if before < instant <= t]
        if emptied:
            level = data.draw(st.integers(0, 100))
        elif data.draw(st.booleans()):
            level = min(level + data.draw(st.integers(0, 300)), 900)
        else:
            level = max(level - 100, 200, 0) if level > 200 else level  # pressed down a little
        true.append(level)
        if level >= full:
            became_full.append(t)
    seen = Case(
        t_us=case.t_us,
        lo_ppm=[one - data.draw(st.integers(0, 90)) for one in true],
        hi_ppm=[one + data.draw(st.integers(0, 90)) for one in true],
        threshold_ppm=[full] * len(true),
        adverse=case.adverse,
        max_gap_us=case.max_gap_us,
        scan_start_us=case.scan_start_us,
        start_us=case.start_us,
        end_us=case.end_us,
    )
    proven_us, _, possible_us = wait(seen)
    for window, (scan, start, end) in enumerate(zip(case.scan_start_us, case.start_us, case.end_us, strict=True)):
        edges = [-100, *sorted(instants), 100]
        truths = [0]
        for begun, until in pairwise(edges):
            # Full at the samples; the container is emptied at the instant, before the sample of that instant.
            first = min((t for t in became_full if begun <= t < until), default=until)
            cut = (max(first, scan), min(until, end))
            if cut[0] < cut[1] and cut[1] > start:
                truths.append(cut[1] - cut[0])
        assert int(proven_us[window]) <= max(truths) <= int(possible_us[window])


@given(cases(levels=9), st.data())
def test_true_time_to_emptying_lies_within_bounds_when_emptyings_show(case: Case, data: st.DataObject) -> None:
    instants = data.draw(st.sets(st.integers(-10, 60), max_size=6))
    level, true = data.draw(st.integers(0, 900)), list[int]()
    for at, t in enumerate(case.t_us):
        before = case.t_us[at - 1] if at else -11
        is_emptied = any(before < instant <= t for instant in instants)
        level = data.draw(st.integers(0, 100)) if is_emptied else min(level + data.draw(st.integers(0, 200)), 900)
        true.append(level)
    kind = oracle.drops(case.t_us, true, true, 200, 100, case.max_gap_us)
    bounds = (i64(case.start_us), i64(case.end_us))
    proven_us, _, possible_us = waits.time_to_emptying(
        i64(case.t_us), i8(kind), u8(case.adverse), case.max_gap_us, *bounds
    )
    for window, (start, end) in enumerate(zip(case.start_us, case.end_us, strict=True)):
        truth = min([instant for instant in instants if instant > start] + [end]) - start
        assert int(proven_us[window]) <= min(truth, end - start) <= int(possible_us[window])


def day(fills: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Half-hourly samples from midnight, states against 90 % and kinds with a drop of 50 %, without errors."""
    t_us = [30 * at * MINUTE_US for at in range(len(fills))]
    state = oracle.states(fills, fills, [90] * len(fills))
    return t_us, state, oracle.drops(t_us, fills, fills, 50, 10, 45 * MINUTE_US)


def test_longest_wait_goes_on_when_waste_is_pressed_down() -> None:
    # Full at 1:00, pressed down to 60 % at 2:00, half-emptied at 3:00, emptied between 4:00 and 4:30.
    t_us, state, kind = day([20, 60, 92, 95, 60, 62, 40, 45, 65, 2, 3])
    window = (i64([-HOUR_US]), i64([0]), i64([5 * HOUR_US]))
    measured = waits.longest_wait(i64(t_us), i8(state), i8(kind), u8([0] * 12), 45 * MINUTE_US, *window)
    assert ([3 * HOUR_US], [3 * HOUR_US]) == lists(*measured[:2])
    # What was before the first sample is not known.
    assert [5 * HOUR_US + 30 * MINUTE_US] == measured[2].tolist()


def test_longest_wait_is_bounded_by_the_emptying_before_when_the_scan_holds_one() -> None:
    t_us, state, kind = day([80, 2, 60, 92, 95, 60, 2, 3, 4])
    window = (i64([30 * MINUTE_US]), i64([30 * MINUTE_US]), i64([4 * HOUR_US]))
    measured = waits.longest_wait(i64(t_us), i8(state), i8(kind), u8([0] * 10), 45 * MINUTE_US, *window)
    assert ([60 * MINUTE_US], [60 * MINUTE_US], [2 * HOUR_US]) == lists(*measured)


@pytest.mark.parametrize("hours", [6, 7, 8])
def test_container_is_carried_over_when_it_is_full_all_night_long(hours: int) -> None:
    # Clocks are set in some nights: what counts is what passes, not what the clock says.
    t_us = list(range(-HOUR_US, (hours + 1) * HOUR_US + 1, 30 * MINUTE_US))
    night = (i64([0]), i64([hours * HOUR_US]))
    full = waits.carried(i64(t_us), i8([1] * len(t_us)), u8([0] * (len(t_us) + 1)), 45 * MINUTE_US, *night)
    assert ([hours * HOUR_US],) * 3 == lists(*full)


def test_container_is_carried_until_the_next_samples_when_it_is_emptied_at_night() -> None:
    t_us = [30 * MINUTE_US * at for at in range(-1, 8)]
    state = i8([1, 1, 1, 1, 0, 0, 1, 1, 1])
    found = waits.carried(
        i64(t_us), state, u8([0] * 10), 45 * MINUTE_US, i64([0, 15 * MINUTE_US]), i64([3 * HOUR_US] * 2)
    )
    assert ([60 * MINUTE_US, 45 * MINUTE_US], [60 * MINUTE_US, 45 * MINUTE_US], [90 * MINUTE_US, 75 * MINUTE_US]) == (
        lists(*found)
    )


def test_nothing_is_carried_when_the_sample_at_the_start_is_below() -> None:
    found = waits.carried(i64([0, 10, 20]), i8([0, 1, 1]), u8([1] * 4), 10, i64([0]), i64([20]))
    assert ([0], [0], [0]) == lists(*found)


def test_time_to_emptying_goes_on_when_the_emptying_may_have_been_before_the_alarm() -> None:
    kind = i8([3, 2, 0, 2, 3])
    found = waits.time_to_emptying(i64([0, 10, 20, 30]), kind, u8([0] * 5), 10, i64([0, 5, 10]), i64([40] * 3))
    assert ([0, 0, 10], [0, 0, 10], [10, 25, 20]) == lists(*found)


def test_longest_wait_counts_a_borne_gap_twice_when_an_emptying_lies_in_it() -> None:
    t_us, state, kind = i64([0, 10, 60, 70]), i8([1, 1, 0, 0]), i8([3, 0, 2, 0, 3])
    window = (i64([0]), i64([0]), i64([70]))
    assert ([10], [60], [60]) == lists(*waits.longest_wait(t_us, state, kind, u8([0, 0, 1, 0, 0]), 10, *window))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, 0], [1, 1], [3, 0, 3], [0] * 3), r"t_us\[1\] = 0 does not come after"),
        (([0, 1], [1], [3, 0, 3], [0] * 3), "state has 1 elements; pass 2"),
        (([0, 1], [1, 1], [3, 0], [0] * 3), "kind has 2 elements; pass 3"),
        (([0, 1], [1, 1], [3, 0, 3], [0] * 2), "adverse has 2 elements; pass 3"),
    ],
)
def test_longest_wait_raises_when_columns_do_not_fit(
    columns: tuple[list[int], list[int], list[int], list[int]], message: str
) -> None:
    t_us, state, kind, adverse = columns
    one = i64([0])
    with pytest.raises(ValueError, match=message):
        waits.longest_wait(i64(t_us), i8(state), i8(kind), u8(adverse), 1, one, one, one)


def test_states_feed_waits_when_they_come_from_columns() -> None:
    fill_ppm = i32([95, 95])
    state = levels.states(fill_ppm, fill_ppm, i32([90, 90]))
    found = waits.carried(i64([0, 10]), state, u8([0] * 3), 10, i64([0]), i64([10]))
    assert ([10], [10], [10]) == lists(*found)
