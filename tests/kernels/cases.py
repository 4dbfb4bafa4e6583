"""Samples and windows for the tests of kernels: small numbers, so that ties and touching bounds are common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US

SPAN: Final = 40
"""Times of the samples lie in [0, SPAN), bounds of windows a little beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Samples, who bears which gap, and windows."""

    t_us: list[int]
    lo_ppm: list[int]
    hi_ppm: list[int]
    threshold_ppm: list[int]
    adverse: list[int]
    max_gap_us: int
    scan_start_us: list[int]
    start_us: list[int]
    end_us: list[int]


def i64(values: Sequence[int]) -> NDArray[np.int64]:
    """Make a column of times or counts."""
    return np.array(values, np.int64)


def i32(values: Sequence[int]) -> NDArray[np.int32]:
    """Make a column of fills."""
    return np.array(values, np.int32)


def i8(values: Sequence[int]) -> NDArray[np.int8]:
    """Make a column of codes."""
    return np.array(values, np.int8)


def u8(values: Sequence[int]) -> NDArray[np.uint8]:
    """Make a column of flags."""
    return np.array(values, np.uint8)


def lists(*columns: NDArray[np.generic]) -> tuple[list[int], ...]:
    """Turn columns into lists, to compare them."""
    return tuple(column.tolist() for column in columns)


def at_least(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Tell whether no element of one column lies below that of another."""
    return bool(np.all(one >= other))


@st.composite
def cases(draw: st.DrawFn, levels: int = 4, samples: int = 10) -> Case:
    """Draw samples and windows.

    With few levels (of 100 ppm each) equal values, uncertain samples and samples on the threshold are common.
    """
    t_us = sorted(draw(st.sets(st.integers(0, SPAN - 1), max_size=samples)))
    count = len(t_us)
    level = st.integers(0, levels)
    ends = draw(st.lists(st.tuples(level, level), min_size=count, max_size=count))
    bound = st.integers(-3, SPAN + 3)
    windows = draw(st.lists(st.tuples(bound, bound, bound).map(sorted), max_size=5))
    return Case(
        t_us=t_us,
        lo_ppm=[100 * min(pair) for pair in ends],
        hi_ppm=[100 * max(pair) for pair in ends],
        threshold_ppm=draw(st.lists(level.map(lambda value: 100 * value), min_size=count, max_size=count)),
        adverse=draw(st.lists(st.integers(0, 1), min_size=count + 1, max_size=count + 1)),
        max_gap_us=draw(st.integers(0, 15)),
        scan_start_us=[scan for scan, _, _ in windows],
        start_us=[start for _, start, _ in windows],
        end_us=[end for _, _, end in windows],
    )
