"""The loops behind `kernels.levels`: each sample's state, each interval's kind, each interval's part in a measure.

They check nothing: columns come from `kernels.levels`, which says what the numbers mean. Interval k lies between
samples k-1 and k; interval 0 before the first, interval n after the last.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I8, I32, I64, NEW_I8, NEW_I64, NEW_U8, U8, int64, kernel, pair, triple
from kernels.intervals import BREAK, JOIN, SHARED, first_after

ABOVE: Final = 1
BELOW: Final = 0
UNCERTAIN: Final = -1

NONE: Final = 0
HIDDEN: Final = 1
SURE: Final = 2
GAP: Final = 3


@kernel(NEW_I8(I32, I32, I32))
def compare(
    lo_ppm: NDArray[np.int32], hi_ppm: NDArray[np.int32], threshold_ppm: NDArray[np.int32]
) -> NDArray[np.int8]:
    """Compare each sample with its threshold; see `states`."""
    state = np.empty(lo_ppm.shape[0], np.int8)
    for sample in range(lo_ppm.shape[0]):
        if lo_ppm[sample] >= threshold_ppm[sample]:
            state[sample] = ABOVE
        elif hi_ppm[sample] < threshold_ppm[sample]:
            state[sample] = BELOW
        else:
            state[sample] = UNCERTAIN
    return state


@kernel(NEW_I8(I64, I32, I32, int64, int64, int64))
def classify_drops(
    t_us: NDArray[np.int64],
    lo_ppm: NDArray[np.int32],
    hi_ppm: NDArray[np.int32],
    drop_ppm: int,
    residual_ppm: int,
    max_gap_us: int,
) -> NDArray[np.int8]:
    """Classify the intervals; see `drops`."""
    count = t_us.shape[0]
    kind = np.full(count + 1, GAP, np.int8)
    for interval in range(1, count):
        # In 64 bits: where compilation is switched off, numpy would let a difference of int32 overflow.
        lo_before, hi_before = np.int64(lo_ppm[interval - 1]), np.int64(hi_ppm[interval - 1])
        lo_after, hi_after = np.int64(lo_ppm[interval]), np.int64(hi_ppm[interval])
        if lo_before - hi_after >= drop_ppm:
            kind[interval] = SURE
        elif t_us[interval] - t_us[interval - 1] > max_gap_us:
            kind[interval] = GAP
        elif lo_after <= residual_ppm or hi_before - lo_after >= drop_ppm:
            kind[interval] = HIDDEN
        else:
            kind[interval] = NONE
    return kind


@kernel(triple(NEW_U8)(I64, I8, U8, int64))
def unemptied_parts(
    t_us: NDArray[np.int64], kind: NDArray[np.int8], adverse: NDArray[np.uint8], max_gap_us: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Classify the intervals for the three measures of `longest_unemptied`."""
    count = t_us.shape[0]
    proven = np.full(count + 1, BREAK, np.uint8)
    borne = np.full(count + 1, BREAK, np.uint8)
    possible = np.full(count + 1, JOIN, np.uint8)
    for interval in range(count + 1):
        if kind[interval] == NONE:
            proven[interval] = JOIN
            borne[interval] = JOIN
        elif kind[interval] == GAP:
            if adverse[interval]:
                borne[interval] = JOIN
        elif kind[interval] == SURE:
            possible[interval] = SHARED
            is_gap = interval in (0, count) or t_us[interval] - t_us[interval - 1] > max_gap_us
            if is_gap and adverse[interval]:
                borne[interval] = SHARED
    return proven, borne, possible


@kernel(pair(NEW_I64)(I8, I64, I64, I64))
def count_emptyings(
    kind: NDArray[np.int8], t_us: NDArray[np.int64], start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count in each window; see `emptying_count`."""
    count = t_us.shape[0]
    sure = np.zeros(start_us.shape[0], np.int64)
    possible = np.zeros(start_us.shape[0], np.int64)
    for window in range(start_us.shape[0]):
        if start_us[window] == end_us[window]:
            continue
        # The first interval whose second sample does not come before the window.
        interval = first_after(t_us, start_us[window] - 1)
        while interval <= count and (interval == 0 or t_us[interval - 1] < end_us[window]):
            if kind[interval] != NONE:
                possible[window] += 1
            if kind[interval] == SURE and interval < count and t_us[interval] < end_us[window]:
                sure[window] += 1
            interval += 1
    return sure, possible
