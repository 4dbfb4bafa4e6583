"""Visits, planned stops and time above a speed: against the obvious version, and against simulated drives."""

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import dwell, levels
from tests import vehicle_oracle as oracle
from tests.kernels.cases import HOUR_US, MINUTE_US, Case, cases, i8, i64, lists, u8

END = 50
codes = st.sampled_from((1, 0, -1))
fixes = st.dictionaries(st.integers(0, END), codes, max_size=10).map(lambda drawn: sorted(drawn.items()))
Fixes = list[tuple[int, int]]


def visited(drawn: Fixes, max_gap: int) -> dwell.Visits:
    """List visits of drawn fixes."""
    return dwell.visits(i64([t for t, _ in drawn]), i8([side for _, side in drawn]), max_gap, 0, END)


def columns(visits: dwell.Visits) -> list[oracle.Visit]:
    """Turn visits into rows, as the oracle has them."""
    every = (visits.from_us, visits.until_us, visits.first_us, visits.last_us, visits.stay_us, visits.is_sure)
    return [(a, b, c, d, e, f) for a, b, c, d, e, f in zip(*lists(*every), strict=True)]


@given(fixes, st.integers(0, 15))
def test_visits_are_the_oracles_when_fixes_are_any(drawn: Fixes, max_gap: int) -> None:
    times, sides = [t for t, _ in drawn], [side for _, side in drawn]
    assert oracle.visits(times, sides, max_gap, 0, END) == columns(visited(drawn, max_gap))


@given(fixes, st.integers(0, 15))
def test_stay_adds_up_to_the_time_inside(drawn: Fixes, max_gap: int) -> None:
    # What `levels` measures over the whole span, with the same codes.
    state, adverse = i8([side for _, side in drawn]), u8([0] * (len(drawn) + 1))
    proven, _, possible = levels.time_above(i64([t for t, _ in drawn]), state, adverse, max_gap, i64([0]), i64([END]))
    found = visited(drawn, max_gap)
    assert int(proven[0]) == int(found.stay_us.sum())
    assert int(possible[0]) == int((found.until_us - found.from_us).sum())


def test_visits_when_a_vehicle_stands_at_the_edge() -> None:
    # In, at the edge, in again: one visit, and only a sure absence ends it.
    found = visited([(0, 0), (5, 1), (10, -1), (15, 1), (20, 0), (50, 0)], 60)
    assert [(0, 20, 5, 15, 0, 1)] == columns(found)


plans = st.tuples(st.integers(0, END), st.integers(0, END), st.integers(0, 6)).map(
    lambda three: (min(three[:2]), max(three[:2]), three[2])
)
routes = st.lists(st.tuples(fixes, plans), max_size=4)


@given(routes, st.integers(0, 20))
def test_stops_are_the_oracles_when_plans_are_any(route: list[tuple[Fixes, tuple[int, int, int]]], gap: int) -> None:
    rows = [columns(visited(drawn, gap)) for drawn, _ in route]
    every = [visit for stop in rows for visit in stop]
    visits = dwell.Visits(*(i64([visit[part] for visit in every]) for part in range(6)))
    start = i64([0, *accumulate(len(stop) for stop in rows)])
    plan = [i64([one[part] for _, one in route]) for part in range(3)]
    stops = dwell.stops(start, visits, plan[0], plan[1], plan[2])
    how = [[oracle.is_as_planned(visit, one) for visit in stop] for stop, (_, one) in zip(rows, route, strict=True)]
    assert [any(sure for sure, _ in stop) for stop in how] == [flag == 1 for flag in stops[0].tolist()]
    assert [any(may for _, may in stop) for stop in how] == [flag == 1 for flag in stops[1].tolist()]
    counted = dwell.in_order(start, visits, plan[0], plan[1], plan[2])
    assert oracle.in_order(rows, [one for _, one in route]) == counted


@given(cases())
def test_time_above_is_the_oracles_when_intervals_are_any(case: Case) -> None:
    count = len(case.t_us) + 1
    least, most = [low % 4 for low in range(count)], [low % 4 + 2 * (low % 3) for low in range(count)]
    # No interval holds more than its length; what lies outside all fixes may hold anything.
    for k in range(1, count - 1):
        least[k] = min(least[k], case.t_us[k] - case.t_us[k - 1])
        most[k] = min(most[k], case.t_us[k] - case.t_us[k - 1])
    least[0] = least[-1] = 0
    found = dwell.time_above(
        i64(case.t_us),
        (i64(least), i64(most)),
        u8(case.adverse),
        case.max_gap_us,
        i64(case.start_us),
        i64(case.end_us),
    )
    expected = [
        oracle.time_above(case.t_us, least, most, case.adverse, case.max_gap_us, window)
        for window in zip(case.start_us, case.end_us, strict=True)
    ]
    assert expected == list(zip(*lists(*found), strict=True))


@given(cases())
def test_time_above_is_that_of_levels_when_only_devices_speak(case: Case) -> None:
    t_us = i64(case.t_us)
    state = levels.states(*(np.array(one, np.int32) for one in (case.lo_ppm, case.hi_ppm, case.threshold_ppm)))
    pairs = i64([0] * max(len(case.t_us) - 1, 0))
    bounds = dwell.above(t_us, state, (pairs, pairs - 1), 10, 20, case.max_gap_us)
    windows = (i64(case.start_us), i64(case.end_us))
    expected = levels.time_above(t_us, state, u8(case.adverse), case.max_gap_us, *windows)
    found = dwell.time_above(t_us, bounds, u8(case.adverse), case.max_gap_us, *windows)
    assert lists(*expected) == lists(*found)


TOP_MMPS = 9
seconds = st.lists(st.integers(0, TOP_MMPS), min_size=2, max_size=20)


@given(seconds, st.integers(0, TOP_MMPS - 1), st.integers(1, 5), st.integers(0, 3))
def test_bounds_hold_when_a_drive_is_simulated(speeds: list[int], limit: int, step: int, error: int) -> None:
    # One speed a second; a fix each `step` seconds that says how far the vehicle came, give or take an error.
    walked = [0, *accumulate(speeds)]
    at = list(range(0, len(walked), step))
    truth = sum(speed > limit for speed in speeds[: at[-1]]) * 1_000_000
    way = [walked[b] - walked[a] for a, b in pairwise(at)]
    t_us = i64([second * 1_000_000 for second in at])
    bounds = (i64([max(one - error, 0) for one in way]), i64([one + error for one in way]))
    unsaid = i8([-1] * len(at))
    least, most = dwell.above(t_us, unsaid, bounds, limit, TOP_MMPS, 60 * 1_000_000)
    assert int(least[1:-1].sum()) <= truth <= int(most[1:-1].sum())


def test_time_above_a_speed_when_a_day_of_sweeping_is_too_fast() -> None:
    # Faster than 8 mph (3,576 mm/s) for 70 minutes, by fixes each 30 s, then slow until midnight and beyond.
    midnight_us, fast = 24 * HOUR_US, 140
    t_us = i64([midnight_us - 2 * HOUR_US + k * MINUTE_US // 2 for k in range(361)])
    state = i8([1 if k <= fast else 0 for k in range(361)])
    unknown = i64([0] * 360)
    bounds = dwell.above(t_us, state, (unknown, unknown - 1), 3_576, 30_000, MINUTE_US)
    no_one, days = u8([0] * 362), (i64([midnight_us - 2 * HOUR_US, midnight_us]), i64([midnight_us, 25 * HOUR_US]))
    proven, _, possible = dwell.time_above(t_us, bounds, no_one, MINUTE_US, *days)
    assert [70 * MINUTE_US, 0] == proven.tolist()
    # Between the last fast fix and the first slow one it may have been either.
    assert [70 * MINUTE_US + MINUTE_US // 2, 0] == possible.tolist()


def test_above_when_places_contradict_the_device() -> None:
    # It says fast at both ends of ten seconds, and came two millimetres: one of the two is wrong.
    t_us, fast = i64([0, 10_000_000]), i8([1, 1])
    least, most = dwell.above(t_us, fast, (i64([0]), i64([2])), 4, 9, 60_000_000)
    assert (0, 10_000_000) == (int(least[1]), int(most[1]))


def test_above_when_places_prove_what_no_device_says() -> None:
    # 60 m in ten seconds with a limit of 4 m/s and no vehicle faster than 9 m/s: at least (60 - 40) / (9 - 4) = 4 s.
    least, most = dwell.above(
        i64([0, 10_000_000]), i8([-1, -1]), (i64([60_000]), i64([-1])), 4_000, 9_000, 60_000_000
    )
    assert (4_000_000, 10_000_000) == (int(least[1]), int(most[1]))


def test_above_when_fixes_enclose_a_gap() -> None:
    least, most = dwell.above(i64([0, 100]), i8([1, 1]), (i64([0]), i64([0])), 4, 9, 99)
    assert (0, 100) == (int(least[1]), int(most[1]))


def test_visits_when_there_are_no_fixes() -> None:
    assert [(0, END, END, 0, 0, 0)] == columns(visited([], 5))


def test_visits_when_fixes_are_out_of_order() -> None:
    with pytest.raises(ValueError, match="does not come after"):
        dwell.visits(i64([2, 2]), i8([1, 1]), 5, 0, 9)


def test_visits_when_a_fix_lies_outside_the_span() -> None:
    with pytest.raises(ValueError, match="pass fixes within 0 to 9"):
        dwell.visits(i64([10]), i8([1]), 5, 0, 9)


def test_above_when_the_top_speed_is_the_limit() -> None:
    with pytest.raises(ValueError, match="top_mmps = 4"):
        dwell.above(i64([]), i8([]), (i64([]), i64([])), 4, 4, 9)


def test_stops_when_starts_do_not_fit() -> None:
    with pytest.raises(ValueError, match="start goes from 0 to 1 over 0 visits"):
        dwell.stops(i64([0, 1]), dwell.Visits(*[i64([])] * 6), i64([0]), i64([1]), i64([0]))
