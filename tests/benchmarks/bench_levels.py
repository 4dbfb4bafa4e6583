# the expected value stands on the left
"""
How long the level measures take; collected by its name only.

Run ``pytest tests/benchmarks/bench_levels.py --benchmark-enable``.

Ten million half-hourly samples, as of 570 containers over a year, in one column; windows of 16 hours.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import levels

SAMPLES: Final = 10_000_000
WINDOWS: Final = 200_000
STEP_US: Final = 30 * 60 * 1_000_000
WINDOW_US: Final = 16 * 60 * 60 * 1_000_000
CARRY_US: Final = 24 * 60 * 60 * 1_000_000

Columns = tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture(scope="module")
def columns() -> Columns:
    """Make samples that fill up, are emptied, and miss one in a hundred."""
    random = np.random.default_rng(20_181_101)
    t_us = np.cumsum(np.where(random.random(SAMPLES) < 0.01, 5 * STEP_US, STEP_US), dtype=np.int64)
    fill_ppm = (np.arange(SAMPLES) * 20_000 % 1_000_000).astype(np.int32)
    threshold_ppm = np.full(SAMPLES, 900_000, np.int32)
    state = levels.states(fill_ppm - np.int32(20_000), fill_ppm + np.int32(20_000), threshold_ppm)
    adverse = random.integers(0, 2, SAMPLES + 1).astype(np.uint8)
    start_us = t_us[:: SAMPLES // WINDOWS].copy()
    return t_us, state, adverse, start_us


Benchmark = Callable[..., Any]  # pytest-benchmark's fixture has no types


@pytest.mark.parametrize("carry_us", [0, CARRY_US])
def test_longest_run_when_ten_million_samples(benchmark: Benchmark, columns: Columns, carry_us: int) -> None:
    t_us, state, adverse, start_us = columns
    scan_start_us, end_us = start_us - carry_us, start_us + WINDOW_US
    found = benchmark(levels.longest_run, t_us, state, adverse, 45 * 60 * 1_000_000, scan_start_us, start_us, end_us)
    assert WINDOWS == found[0].size


def test_time_above_when_ten_million_samples(benchmark: Benchmark, columns: Columns) -> None:
    t_us, state, adverse, start_us = columns
    found = benchmark(levels.time_above, t_us, state, adverse, 45 * 60 * 1_000_000, start_us, start_us + WINDOW_US)
    assert WINDOWS == found[0].size
