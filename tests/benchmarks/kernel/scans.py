"""Contests over containers: the longest run above a threshold, with all bounds, against plain runs by others."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from kernels import runs
from kernels.levels import Measure
from tests.benchmarks.kernel.contest import Bar, Contest, Setup, keep, peer, timed
from tests.benchmarks.kernel.field import DAY_US, ERROR_PPM, FIRST_US, QUARTER_US, THRESHOLD_PPM, Levels, levels

_CONTAINERS, _SAMPLES = 10_000, 1_000
_MAX_GAP_US = 3 * QUARTER_US


class Scan:
    """The longest runs of all containers, one window each, or one a day.

    Parameters
    ----------
    seen : Levels
    error_ppm : int
    is_daily : bool
        Windows from 06:00 to 22:00 of each day; else one over everything.
    """

    def __init__(self, seen: Levels, error_ppm: int = ERROR_PPM, *, is_daily: bool = False) -> None:
        count = seen.starts.size - 1
        samples = int(seen.starts[1])
        days = samples // 96 if is_daily else 1
        begin_us = FIRST_US + np.arange(days) * DAY_US
        start_us = np.tile(begin_us + 24 * QUARTER_US if is_daily else begin_us, count)
        until_us = 64 * QUARTER_US if is_daily else samples * QUARTER_US
        self.count = count
        self._seen = seen
        self._limits = tuple(np.full(count, THRESHOLD_PPM + error, np.int32) for error in (error_ppm, -error_ppm))
        self._adverse = np.arange(seen.t_us.size + count) % 2 == 0
        self._window_start = np.arange(count + 1, dtype=np.int64) * days
        self._bounds_us = (start_us, start_us, start_us + until_us)

    def part(self, first: int, last: int) -> Measure:
        """Measure some of the containers."""
        starts = self._seen.starts
        here, asked = slice(starts[first], starts[last]), slice(self._window_start[first], self._window_start[last])
        fill_ppm = self._seen.fill_ppm[here]
        above_ppm, below_ppm = (limit[first:last] for limit in self._limits)
        scan_us, start_us, end_us = (column[asked] for column in self._bounds_us)
        return runs.longest_runs(
            self._seen.t_us[here],
            (fill_ppm, fill_ppm),
            (above_ppm, below_ppm),
            self._adverse.view(np.uint8)[starts[first] + first : starts[last] + last],
            _MAX_GAP_US,
            (starts[first : last + 1] - here.start, self._window_start[first : last + 1] - asked.start),
            (scan_us, start_us, end_us),
        )

    def whole(self, threads: int) -> list[NDArray[np.int64]]:
        """Measure all of them, in one thread or several."""
        cuts = [self.count * k // threads for k in range(threads + 1)]
        if threads == 1:
            return list(self.part(0, self.count))
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(self.part, cuts[:-1], cuts[1:]))
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


@contextmanager
def scan(setup: Setup) -> Generator[Contest]:
    """Longest run above 90 % of each container: three bounds here, one number there."""
    seen = levels(setup.of(_CONTAINERS), _SAMPLES)
    keep(setup.folder, t_us=seen.t_us, container=seen.container, fill_ppm=seen.fill_ppm)
    monthly, daily = Scan(seen), Scan(seen, is_daily=True)
    peers = ("expert polars", "expert polars, gathered", "natural polars", "pandas")
    with peer(setup, "scan") as others:
        ours = {
            "poniente, 1 thread": timed(lambda: monthly.whole(1)),
            "poniente, 2 threads": timed(lambda: monthly.whole(2)),
            "poniente, 2 threads, a window a day": timed(lambda: daily.whole(2)),
        }
        runners = ours | {name: others.runner(name) for name in peers}
        # Without an error and without gaps the proven run is the plain one.
        plain = Scan(seen, 0).whole(1)[0]
        for name in peers:
            _ = others.ask(name)
            found = np.load(setup.folder / f"found {name}.npy")
            if not np.array_equal(plain[plain > 0], found[found > 0]):
                raise AssertionError(f"{name} finds other runs than the kernel")
        amounts = dict.fromkeys(runners, seen.t_us.size)
        bars = [
            Bar("poniente, 2 threads", "expert polars", 1.0),
            Bar("poniente, 2 threads", "expert polars, gathered", 1.0),
            Bar("poniente, 2 threads", "natural polars", 20.0),
            Bar("poniente, 2 threads", "poniente, 1 thread", 1.7),
        ]
        notes = [
            (
                "Ours: proven, borne and possible, gaps and their bearers looked at; theirs: one number a container. "
                "Without error and gap all find the same numbers (checked)."
            )
        ]
        yield Contest("Run scan", "readings", amounts, runners, bars, notes)


@contextmanager
def growth(setup: Setup) -> Generator[Contest]:
    """Show that the cost of a scan is linear in what is scanned."""
    sizes = [setup.of(containers) for containers in (1_000, 10_000, 100_000)]
    scans = {f"{size * _SAMPLES:,} readings": Scan(levels(size, _SAMPLES)) for size in sizes}
    amounts = dict(zip(scans, (size * _SAMPLES for size in sizes), strict=True))
    runners = {name: timed(lambda one=one: one.whole(2)) for name, one in scans.items()}
    first, *others = scans
    bars = [Bar(name, first, 0.7) for name in others]
    yield Contest("Run scan, more and more readings", "readings", amounts, runners, bars)
