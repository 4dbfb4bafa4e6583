# the expected value stands on the left
"""Laws that bounds of measures keep, whatever the samples; and the truth, which lies between them."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import levels
from tests import oracle
from tests.kernels.cases import Case, at_least, cases, i8, i32, i64, u8

Measure = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
Point = tuple[int, int]


def run(case: Case) -> Measure:
    """Measure the longest run."""
    state = levels.states(i32(case.lo_ppm), i32(case.hi_ppm), i32(case.threshold_ppm))
    return levels.longest_run(
        i64(case.t_us),
        state,
        u8(case.adverse),
        case.max_gap_us,
        i64(case.scan_start_us),
        i64(case.start_us),
        i64(case.end_us),
    )


def above(case: Case) -> Measure:
    """Measure the time above."""
    state = levels.states(i32(case.lo_ppm), i32(case.hi_ppm), i32(case.threshold_ppm))
    bounds = (i64(case.start_us), i64(case.end_us))
    return levels.time_above(i64(case.t_us), state, u8(case.adverse), case.max_gap_us, *bounds)


def unemptied(case: Case) -> Measure:
    """Measure the time without an emptying."""
    kind = levels.drops(i64(case.t_us), i32(case.lo_ppm), i32(case.hi_ppm), 200, 100, case.max_gap_us)
    return levels.longest_unemptied(
        i64(case.t_us),
        kind,
        u8(case.adverse),
        case.max_gap_us,
        i64(case.scan_start_us),
        i64(case.start_us),
        i64(case.end_us),
    )


measures = st.sampled_from([run, above, unemptied])


@given(cases(), measures)
def test_bounds_are_in_order_when_samples_are_any(case: Case, measure: Callable[[Case], Measure]) -> None:
    proven_us, borne_us, possible_us = measure(case)
    assert at_least(borne_us, proven_us)
    assert at_least(possible_us, borne_us)


@given(cases(), measures)
def test_possible_fits_into_the_scan_when_samples_are_any(case: Case, measure: Callable[[Case], Measure]) -> None:
    _, _, possible_us = measure(case)
    assert at_least(i64(case.end_us) - i64(case.scan_start_us), possible_us)


@given(cases(), measures)
def test_borne_is_proven_when_the_contractor_bears_no_gap(case: Case, measure: Callable[[Case], Measure]) -> None:
    proven_us, borne_us, _ = measure(replace(case, adverse=[0] * len(case.adverse)))
    assert proven_us.tolist() == borne_us.tolist()


@given(cases(), measures)
def test_borne_is_proven_when_there_is_no_gap(case: Case, measure: Callable[[Case], Measure]) -> None:
    assume(case.t_us)
    inside = replace(
        case,
        max_gap_us=100,
        scan_start_us=[case.t_us[0]],
        start_us=[case.t_us[0]],
        end_us=[case.t_us[-1]],
    )
    proven_us, borne_us, _ = measure(inside)
    assert proven_us.tolist() == borne_us.tolist()


@given(cases(), measures, st.data())
def test_bounds_move_apart_when_samples_widen(
    case: Case, measure: Callable[[Case], Measure], data: st.DataObject
) -> None:
    size = len(case.t_us)
    by = data.draw(st.lists(st.sampled_from([0, 100, 200]), min_size=2 * size, max_size=2 * size))
    wider = replace(
        case,
        lo_ppm=[low - less for low, less in zip(case.lo_ppm, by[:size], strict=True)],
        hi_ppm=[high + more for high, more in zip(case.hi_ppm, by[size:], strict=True)],
    )
    assert at_least(measure(case)[0], measure(wider)[0])
    assert at_least(measure(wider)[2], measure(case)[2])


@given(cases(), measures, st.data())
def test_borne_never_falls_when_the_contractor_bears_more_gaps(
    case: Case, measure: Callable[[Case], Measure], data: st.DataObject
) -> None:
    size = len(case.adverse)
    more = data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    worse = replace(case, adverse=[max(one, other) for one, other in zip(case.adverse, more, strict=True)])
    assert at_least(measure(worse)[1], measure(case)[1])


def without(case: Case, at: int) -> Case:
    """Remove a sample; the interval that results is borne by the contractor where it is a gap."""
    return replace(
        case,
        t_us=case.t_us[:at] + case.t_us[at + 1 :],
        lo_ppm=case.lo_ppm[:at] + case.lo_ppm[at + 1 :],
        hi_ppm=case.hi_ppm[:at] + case.hi_ppm[at + 1 :],
        threshold_ppm=case.threshold_ppm[:at] + case.threshold_ppm[at + 1 :],
        adverse=[*case.adverse[:at], 1, *case.adverse[at + 2 :]],
    )


def leaves_gap(case: Case, at: int) -> bool:
    """Tell whether removing a sample leaves a gap in its place."""
    ends = at in {0, len(case.t_us) - 1}
    return ends or case.t_us[at + 1] - case.t_us[at - 1] > case.max_gap_us


@given(cases(), measures, st.data())
def test_silence_never_pays_when_a_removed_sample_leaves_a_borne_gap(
    case: Case, measure: Callable[[Case], Measure], data: st.DataObject
) -> None:
    assume(case.t_us)
    at = data.draw(st.integers(0, len(case.t_us) - 1))
    assume(leaves_gap(case, at))
    known, silent = measure(case), measure(without(case, at))
    assert at_least(known[0], silent[0])
    assert at_least(silent[1], known[1])
    assert at_least(silent[2], known[2])


@given(cases(), st.sampled_from([run, above]), st.data())
def test_proven_never_rises_when_a_removed_sample_was_surely_above(
    case: Case, measure: Callable[[Case], Measure], data: st.DataObject
) -> None:
    high = [at for at, state in enumerate(oracle.states(case.lo_ppm, case.hi_ppm, case.threshold_ppm)) if state == 1]
    assume(high)
    assert at_least(measure(case)[0], measure(without(case, data.draw(st.sampled_from(high))))[0])


def test_proven_rises_when_a_removed_sample_was_not_above_and_its_neighbours_vouch_for_it() -> None:
    # The contract's word on max_gap_us: what the removed sample showed would have gone unseen.
    case = Case(
        t_us=[0, 5, 10],
        lo_ppm=[300, 0, 300],
        hi_ppm=[300, 0, 300],
        threshold_ppm=[200, 200, 200],
        adverse=[1, 1, 1, 1],
        max_gap_us=10,
        scan_start_us=[0],
        start_us=[0],
        end_us=[10],
    )
    assert (0, 10) == (int(run(case)[0][0]), int(run(without(case, 1))[0][0]))


@st.composite
def simulations(draw: st.DrawFn) -> tuple[Case, list[Point]]:
    """Draw a true fill, in straight pieces, and samples of it with a bounded error.

    Between two samples no further apart than the longest gap the fill is straight, so that no excursion goes unseen;
    in gaps it does what it likes.
    """
    case = draw(cases(levels=9))
    level = st.integers(0, 900)
    points: list[Point] = [(-20, draw(level))]
    for at, t in enumerate(case.t_us):
        gap = at == 0 or t - case.t_us[at - 1] > case.max_gap_us
        before = points[-1][0]
        inside: set[int] = set()
        if gap and t - before > 1:
            inside = draw(st.sets(st.integers(before + 1, t - 1), max_size=3))
        points += [(instant, draw(level)) for instant in sorted(inside)]
        points.append((t, draw(level)))
    last = points[-1][0]
    after = draw(st.sets(st.integers(last + 1, 80), max_size=3))
    points += [(instant, draw(level)) for instant in sorted(after | {81})]
    true_ppm = dict(points)
    error = st.integers(0, 150)
    simulated = replace(
        case,
        threshold_ppm=[500] * len(case.t_us),
        lo_ppm=[true_ppm[t] - draw(error) for t in case.t_us],
        hi_ppm=[true_ppm[t] + draw(error) for t in case.t_us],
    )
    return simulated, points


def true_runs(points: list[Point], threshold: int) -> list[tuple[Fraction, Fraction]]:
    """Find the spans in which a fill of straight pieces is at or above a threshold."""
    found: list[tuple[Fraction, Fraction]] = []
    for (t_one, one), (t_two, two) in pairwise(points):
        begun, until = Fraction(t_one), Fraction(t_two)
        if max(one, two) < threshold:
            continue
        if min(one, two) < threshold:
            crossing = t_one + Fraction(threshold - one, two - one) * (t_two - t_one)
            begun, until = (crossing, until) if two >= threshold else (begun, crossing)
        if found and found[-1][1] == begun:
            found[-1] = (found[-1][0], until)
        else:
            found.append((begun, until))
    return found


@given(simulations())
def test_true_run_lies_within_bounds_when_no_excursion_is_unseen(simulation: tuple[Case, list[Point]]) -> None:
    case, points = simulation
    proven_us, _, possible_us = run(case)
    for window, (scan, start, end) in enumerate(zip(case.scan_start_us, case.start_us, case.end_us, strict=True)):
        cut = [(max(one, scan), min(two, end)) for one, two in true_runs(points, 500)]
        true = max((two - one for one, two in cut if two > start and two > one), default=0)
        assert int(proven_us[window]) <= true <= int(possible_us[window])


@given(simulations())
def test_true_time_lies_within_bounds_when_no_excursion_is_unseen(
    simulation: tuple[Case, list[Point]],
) -> None:
    case, points = simulation
    proven_us, _, possible_us = above(case)
    for window, (start, end) in enumerate(zip(case.start_us, case.end_us, strict=True)):
        cut = [(max(one, start), min(two, end)) for one, two in true_runs(points, 500)]
        true = sum(max(two - one, 0) for one, two in cut)
        assert int(proven_us[window]) <= true <= int(possible_us[window])


@given(cases(samples=14), st.data())
def test_true_time_without_emptying_lies_within_bounds_when_emptyings_show(case: Case, data: st.DataObject) -> None:
    # Within the longest gap the fill after an emptying stays at the residual (100), or falls by the drop (200).
    instants = data.draw(st.sets(st.integers(-10, 60), max_size=6))
    true: list[int] = []
    for at, t in enumerate(case.t_us):
        before = case.t_us[at - 1] if at else -11
        level = true[-1] if true else data.draw(st.integers(0, 900))
        if any(before < instant <= t for instant in instants):
            is_gap = at == 0 or t - before > case.max_gap_us
            true.append(data.draw(st.integers(0, 900 if is_gap else max(100, level - 200))))
        else:
            true.append(min(level + data.draw(st.integers(0, 200)), 900))
    error = st.integers(0, 150)
    seen = replace(
        case,
        lo_ppm=[level - data.draw(error) for level in true],
        hi_ppm=[level + data.draw(error) for level in true],
    )
    proven_us, _, possible_us = unemptied(seen)
    for window, (scan, start, end) in enumerate(zip(case.scan_start_us, case.start_us, case.end_us, strict=True)):
        edges = [scan, *sorted(instant for instant in instants if scan < instant < end), end]
        truth = max((two - one for one, two in pairwise(edges) if two > start), default=0)
        assert int(proven_us[window]) <= truth <= int(possible_us[window])


@given(cases(), st.lists(st.integers(0, 40), max_size=5))
def test_total_time_adds_up_when_a_window_is_cut_in_two(case: Case, cuts: list[int]) -> None:
    edges = sorted({0, 40, *cuts})
    whole = replace(case, scan_start_us=[0], start_us=[0], end_us=[40])
    parts = replace(case, scan_start_us=edges[:-1], start_us=edges[:-1], end_us=edges[1:])
    for one, many in zip(above(whole), above(parts), strict=True):
        assert one.tolist() == [int(many.sum())]


@given(cases())
def test_longest_run_is_at_most_the_total_when_runs_are_cut_at_the_start(case: Case) -> None:
    cut = replace(case, scan_start_us=case.start_us)
    for longest, total in zip(run(cut), above(cut), strict=True):
        assert at_least(total, longest)


@given(cases())
def test_sure_emptyings_add_up_when_windows_lie_end_to_end(case: Case) -> None:
    kind = levels.drops(i64(case.t_us), i32(case.lo_ppm), i32(case.hi_ppm), 100, 0, case.max_gap_us)
    edges = i64([0, 7, 13, 14, 40])
    sure, possible = levels.emptying_count(kind, i64(case.t_us), edges[:-1], edges[1:])
    assert int((kind == levels.SURE).sum()) == int(sure.sum())
    assert at_least(possible, sure)


@given(cases())
def test_bounds_are_the_same_when_windows_are_measured_one_by_one(case: Case) -> None:
    together = run(case)
    for window in range(len(case.start_us)):
        alone = replace(
            case,
            scan_start_us=case.scan_start_us[window : window + 1],
            start_us=case.start_us[window : window + 1],
            end_us=case.end_us[window : window + 1],
        )
        assert [int(column[window]) for column in together] == [int(column[0]) for column in run(alone)]


def test_uncertain_samples_prove_nothing_when_there_is_nothing_else() -> None:
    t_us, one = i64([0, 5, 10]), i64([0])
    found = levels.longest_run(t_us, i8([-1, -1, -1]), u8([1, 1, 1, 1]), 5, one, one, i64([10]))
    assert [[0], [0], [10]] == [column.tolist() for column in found]
