# the expected value stands on the left
"""Many containers in one call: the numbers of one by one, in one thread or two."""

import threading
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import levels, runs
from tests import oracle
from tests.kernels.cases import HOUR_US, MINUTE_US, Case, cases, i8, i32, i64, lists, u8

_GAP_US: Final = 7
_ERROR_PPM: Final = 60
_NONE: Final = (i32([]), i32([]))
_BOUNDS_US: Final = (i64([0]), i64([0]), i64([0]))


class City:
    """Columns of some containers, one after the other."""

    def __init__(self, several: list[Case]) -> None:
        def joined(name: str) -> list[int]:
            return [value for one in several for value in getattr(one, name)]

        self.t_us = i64(joined("t_us"))
        self.fills = (i32(joined("lo_ppm")), i32(joined("hi_ppm")))
        threshold_ppm = i32([threshold_of(one) for one in several])
        self.limits = (threshold_ppm + np.int32(_ERROR_PPM), threshold_ppm - np.int32(_ERROR_PPM))
        self.adverse = u8(joined("adverse"))
        self.series = (starts(several, "t_us"), starts(several, "start_us"))
        self.bounds_us = (i64(joined("scan_start_us")), i64(joined("start_us")), i64(joined("end_us")))


def threshold_of(case: Case) -> int:
    """One threshold for all samples, as it is of one container."""
    return case.threshold_ppm[0] if case.threshold_ppm else 200


def states_of(case: Case) -> list[int]:
    lo_ppm = [fill - _ERROR_PPM for fill in case.lo_ppm]
    hi_ppm = [fill + _ERROR_PPM for fill in case.hi_ppm]
    return oracle.states(lo_ppm, hi_ppm, [threshold_of(case)] * len(case.t_us))


def starts(several: list[Case], name: str) -> NDArray[np.int64]:
    return np.cumsum([0, *(len(getattr(one, name)) for one in several)], dtype=np.int64)


@given(st.lists(cases(), max_size=4))
def test_longest_runs_are_the_oracles_when_containers_are_any(several: list[Case]) -> None:
    expected: tuple[list[int], ...] = ([], [], [])
    for one in several:
        state = states_of(one)
        bounds = (one.scan_start_us, one.start_us, one.end_us)
        measured = oracle.longest_run(one.t_us, state, one.adverse, _GAP_US, *bounds)
        for column, part in zip(expected, measured, strict=True):
            column.extend(part)
    city = City(several)
    found = runs.longest_runs(city.t_us, city.fills, city.limits, city.adverse, _GAP_US, city.series, city.bounds_us)
    assert expected == lists(*found)


@given(st.lists(cases(), max_size=4))
def test_times_above_are_the_oracles_when_containers_are_any(several: list[Case]) -> None:
    expected: tuple[list[int], ...] = ([], [], [])
    for one in several:
        state = states_of(one)
        measured = oracle.time_above(one.t_us, state, one.adverse, _GAP_US, one.start_us, one.end_us)
        for column, part in zip(expected, measured, strict=True):
            column.extend(part)
    city = City(several)
    found = runs.times_above(
        city.t_us, city.fills, city.limits, city.adverse, _GAP_US, city.series, city.bounds_us[1:]
    )
    assert expected == lists(*found)


@st.composite
def steady(draw: st.DrawFn) -> Case:
    """Draw a container whose fill stays for dozens of samples, in silence now and then, and is asked about twice."""
    stretches = draw(
        st.lists(st.tuples(st.sampled_from([100, 200, 300]), st.integers(1, 40), st.sampled_from([1, 8])), max_size=6)
    )
    fill_ppm = [level for level, count, _ in stretches for _ in range(count)]
    steps = [since if at == 0 else 1 for _, count, since in stretches for at in range(count)]
    count = len(fill_ppm)
    windows = draw(st.lists(st.tuples(*[st.integers(-9, sum(steps) + 9)] * 3).map(sorted), min_size=2, max_size=2))
    adverse = draw(st.lists(st.integers(0, 1), min_size=count + 1, max_size=count + 1))
    return Case(
        t_us=np.cumsum(steps, dtype=np.int64).tolist(),
        lo_ppm=fill_ppm,
        hi_ppm=fill_ppm,
        threshold_ppm=[200] * count,
        adverse=adverse,
        max_gap_us=_GAP_US,
        scan_start_us=[window[0] for window in windows],
        start_us=[window[1] for window in windows],
        end_us=[window[2] for window in windows],
    )


@given(st.lists(steady(), min_size=1, max_size=3))
def test_longest_runs_are_the_oracles_when_fills_stay(several: list[Case]) -> None:
    expected: tuple[list[int], ...] = ([], [], [])
    for one in several:
        bounds = (one.scan_start_us, one.start_us, one.end_us)
        measured = oracle.longest_run(one.t_us, states_of(one), one.adverse, _GAP_US, *bounds)
        for column, part in zip(expected, measured, strict=True):
            column.extend(part)
    city = City(several)
    found = runs.longest_runs(city.t_us, city.fills, city.limits, city.adverse, _GAP_US, city.series, city.bounds_us)
    assert expected == lists(*found)


class Month:
    """Forty containers, each 15 min for ten days with some silence, in windows of 16 hours."""

    def __init__(self) -> None:
        random = np.random.default_rng(20_261_128)
        count, samples, days = 40, 960, 10
        kept = random.random((count, samples)) > 0.02
        t_us = np.broadcast_to(np.arange(samples) * 15 * MINUTE_US, kept.shape)
        fill = (np.arange(samples) * 3_400 + random.integers(0, 10**6, (count, 1))) % 10**6
        fill = fill + random.integers(-9_000, 9_001, fill.shape)
        start_us = np.arange(days) * 24 * HOUR_US + 6 * HOUR_US
        self.count = count
        self.t_us = t_us[kept]
        fill_ppm = fill[kept].astype(np.int32)
        self.fills = (fill_ppm - np.int32(20_000), fill_ppm + np.int32(20_000))
        self.limits = (np.full(count, 900_000, np.int32), np.full(count, 900_000, np.int32))
        self.adverse = random.integers(0, 2, fill_ppm.size + count).astype(np.uint8)
        self.sample_start = np.concatenate(([0], np.cumsum(kept.sum(axis=1)))).astype(np.int64)
        self.window_start = np.arange(count + 1, dtype=np.int64) * days
        starts_us = np.tile(start_us, count)
        self.bounds_us = (starts_us - 24 * HOUR_US, starts_us, starts_us + 16 * HOUR_US)

    def measured(self, first: int, last: int) -> levels.Measure:
        """Measure some of the containers."""
        here = slice(self.sample_start[first], self.sample_start[last])
        gaps = slice(self.sample_start[first] + first, self.sample_start[last] + last)
        asked = slice(self.window_start[first], self.window_start[last])
        fills = (self.fills[0][here], self.fills[1][here])
        limits = (self.limits[0][first:last], self.limits[1][first:last])
        scan_us, start_us, end_us = (bound[asked] for bound in self.bounds_us)
        series = (
            self.sample_start[first : last + 1] - here.start,
            self.window_start[first : last + 1] - asked.start,
        )
        asked_us = (scan_us, start_us, end_us)
        return runs.longest_runs(self.t_us[here], fills, limits, self.adverse[gaps], 45 * MINUTE_US, series, asked_us)


@pytest.fixture(scope="module")
def month() -> Month:
    return Month()


def test_runs_are_those_of_levels_when_measured_one_by_one(month: Month) -> None:
    found = month.measured(0, month.count)
    for one in range(month.count):
        here = slice(month.sample_start[one], month.sample_start[one + 1])
        asked = slice(month.window_start[one], month.window_start[one + 1])
        threshold_ppm = np.full(here.stop - here.start, 900_000, np.int32)
        state = levels.states(month.fills[0][here], month.fills[1][here], threshold_ppm)
        adverse = month.adverse[here.start + one : here.stop + one + 1]
        bounds_us = (bound[asked] for bound in month.bounds_us)
        expected = levels.longest_run(month.t_us[here], state, adverse, 45 * MINUTE_US, *bounds_us)
        assert lists(*expected) == lists(*(column[asked] for column in found))


def test_runs_are_the_same_bits_when_two_threads_share_them(month: Month) -> None:
    halves: list[levels.Measure | None] = [None, None]
    middle = month.count // 2

    def measure(place: int, first: int, last: int) -> None:
        halves[place] = month.measured(first, last)

    threads = [threading.Thread(target=measure, args=args) for args in ((0, 0, middle), (1, middle, month.count))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for expected, one, two in zip(month.measured(0, month.count), *(half or () for half in halves), strict=True):
        assert expected.tobytes() == np.concatenate([one, two]).tobytes()


def test_runs_are_refused_when_a_container_is_out_of_order() -> None:
    t_us, fills, limits = i64([5, 0, 9, 9]), (i32([0] * 4), i32([0] * 4)), (i32([0, 0]), i32([0, 0]))
    bounds_us = (i64([0, 0]), i64([0, 0]), i64([9, 9]))
    with pytest.raises(ValueError, match="does not come after"):
        runs.longest_runs(t_us, fills, limits, u8([0] * 6), 5, (i64([0, 1, 4]), i64([0, 1, 2])), bounds_us)


def test_runs_are_refused_when_bounds_cross() -> None:
    fills, limits = (i32([0, 3]), i32([0, 2])), (i32([0, 0]), i32([0, 0]))
    with pytest.raises(ValueError, match=r"lo_ppm\[1\] = 3 exceeds"):
        runs.longest_runs(i64([1, 1]), fills, limits, u8([0] * 4), 5, (i64([0, 1, 2]), i64([0, 0, 1])), _BOUNDS_US)


@pytest.mark.parametrize("sample_start", [[0, 1], [1, 2], [0, 3, 2], []])
def test_runs_are_refused_when_series_do_not_fit(sample_start: list[int]) -> None:
    fills = (i32([0, 0]), i32([0, 0]))
    with pytest.raises(ValueError, match="sample_start must ascend from 0 to 2"):
        runs.longest_runs(i64([1, 2]), fills, _NONE, u8([0] * 3), 5, (i64(sample_start), i64([0, 1])), _BOUNDS_US)


def test_states_have_one_byte_when_made() -> None:
    assert i8([1, 0, -1]).tobytes() == levels.states(i32([9, 0, 4]), i32([9, 4, 6]), i32([5, 5, 5])).tobytes()
