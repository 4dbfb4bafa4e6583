"""The loops behind `kernels.waits`: which intervals count, for a container that was full and one that is.

It checks nothing: columns come from `kernels.waits`. Interval k lies between samples k-1 and k; interval 0 before the
first, interval n after the last.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I8, I64, NEW_U8, U8, int64, kernel, triple
from kernels._levels import ABOVE, BELOW, GAP, NONE, SURE, UNCERTAIN
from kernels.intervals import ANEW, BREAK, JOIN, SHARED


@kernel(triple(NEW_U8)(I64, I8, I8, U8, int64))
def waiting_parts(
    t_us: NDArray[np.int64],
    state: NDArray[np.int8],
    kind: NDArray[np.int8],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Classify the intervals for the three measures of `longest_wait`."""
    count = t_us.shape[0]
    proven = np.full(count + 1, BREAK, np.uint8)
    borne = np.full(count + 1, BREAK, np.uint8)
    possible = np.full(count + 1, BREAK, np.uint8)
    # Whether it was full since the last emptying: surely; for the worst in borne gaps; possibly.
    is_full, is_full_borne, is_full_possible = False, False, False
    is_new = False
    for interval in range(count + 1):
        is_gap = interval in (0, count) or t_us[interval] - t_us[interval - 1] > max_gap_us
        if interval > 0 and state[interval - 1] == ABOVE:
            is_full, is_full_borne = True, True
        is_mute = is_gap and adverse[interval] == 1
        if kind[interval] == NONE and interval > 0:
            proven[interval] = JOIN if is_full else BREAK
            borne[interval] = JOIN if is_full_borne else BREAK
        elif is_mute and kind[interval] in (GAP, SURE):
            borne[interval] = SHARED if kind[interval] == SURE else JOIN
            is_full, is_full_borne = False, True
        else:
            is_full, is_full_borne = False, False
        if not is_gap and state[interval - 1] == BELOW and state[interval] == BELOW and not is_full_possible:
            is_new = False
            continue
        may_refill = is_gap or state[interval] != BELOW
        if kind[interval] == SURE and may_refill and not is_new:
            possible[interval] = SHARED
        else:
            possible[interval] = ANEW if is_new else JOIN
        # After a sure emptying that ends below the threshold the next wait begins with the next interval.
        is_full_possible = kind[interval] != SURE or may_refill
        is_new = not is_full_possible
    return proven, borne, possible


@kernel(triple(NEW_U8)(I64, I8, U8, int64))
def full_parts(
    t_us: NDArray[np.int64], state: NDArray[np.int8], adverse: NDArray[np.uint8], max_gap_us: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Classify the intervals for the three measures of `carried`."""
    count = t_us.shape[0]
    proven = np.full(count + 1, BREAK, np.uint8)
    borne = np.full(count + 1, BREAK, np.uint8)
    possible = np.full(count + 1, JOIN, np.uint8)
    for interval in range(count + 1):
        # Whatever hangs on the sample at the interval's beginning; before the first sample there is none.
        before = state[interval - 1] if interval > 0 else UNCERTAIN
        is_gap = interval in (0, count) or t_us[interval] - t_us[interval - 1] > max_gap_us
        if before == BELOW:
            possible[interval] = ANEW
        if is_gap:
            if adverse[interval]:
                borne[interval] = JOIN if before == ABOVE else ANEW
        elif before == ABOVE and state[interval] == ABOVE:
            proven[interval] = JOIN
            borne[interval] = JOIN
        elif before == BELOW and state[interval] == BELOW:
            possible[interval] = BREAK
    return proven, borne, possible
