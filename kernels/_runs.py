"""The walk behind the measures of time above a threshold: all three bounds, for many series, in one pass.

It checks little: columns come from `kernels.levels` and `kernels.runs`, which say what the numbers mean. Series lie
one after the other: series s holds the samples ``sample_start[s]`` to ``sample_start[s + 1]``, its n samples make n+1
intervals, and its windows are ``window_start[s]`` to ``window_start[s + 1]``. Where the state stays and no gap comes,
nothing begins and nothing ends: changes are marked by wide registers, and what lies between two, nearly all of a
month, is passed over by eight samples at a time.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I8, I32, I64, NEW_I8, NEW_I64, U8, inner, int64, kernel, pair, several, triple
from kernels._levels import ABOVE, BELOW, UNCERTAIN

Ints = NDArray[np.int64]
States = NDArray[np.int8]
Flags = NDArray[np.uint8]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]
Ppm = NDArray[np.int32]
Fills = tuple[Ppm, Ppm]
Window = tuple[int, int, int, int, int]

LONGEST: Final = 0
TOTAL: Final = 1
# What `scan` gives for the windows of a series whose times do not ascend, or whose bounds cross.
WRONG: Final = -1

_found = triple(int64)  # pyright: ignore[reportArgumentType]  # numbers make a tuple as arrays do
_rules = pair(int64)  # pyright: ignore[reportArgumentType]
_window = several(int64, 5)  # pyright: ignore[reportArgumentType]


@inner(int64(I64))
def _widest(t_us: Ints) -> int:
    """Measure the longest time between two neighbours; -1 if a sample does not come after the one before it."""
    least_us, most_us = 1, 0
    # Without a way out of the loop, so that it is done by wide registers.
    for sample in range(1, t_us.shape[0]):
        apart_us = t_us[sample] - t_us[sample - 1]
        least_us, most_us = min(least_us, apart_us), max(most_us, apart_us)
    return most_us if least_us > 0 else -1


@inner(int64(I32, I32, int64, int64, NEW_I8))
def _compare(lo_ppm: Ppm, hi_ppm: Ppm, above_ppm: int, below_ppm: int, state: States) -> int:
    """Tell of each sample whether it is surely above, surely below, or neither; count the bounds that cross."""
    wrong = 0
    # As narrow as the fills, so that the wide registers take twice as many.
    above, below = np.int32(above_ppm), np.int32(below_ppm)
    for sample in range(lo_ppm.shape[0]):
        is_above, is_open = lo_ppm[sample] >= above, hi_ppm[sample] >= below
        # 1, 0, -1 without a branch: ABOVE where both hold, BELOW where none does.
        state[sample] = np.int8(2 * is_above - is_open)
        wrong += int(lo_ppm[sample] > hi_ppm[sample])
    return wrong


@inner(int64(I64, int64, int64))
def _first_after(t_us: Ints, low: int, instant_us: int) -> int:
    """Find the first sample from one on that comes after an instant, n if there is none; looks near it first."""
    step, high = 1, t_us.shape[0]
    while low + step < high and t_us[low + step - 1] <= instant_us:
        low += step
        step *= 2
    high = min(high, low + step)
    while low < high:
        middle = (low + high) // 2
        if t_us[middle] <= instant_us:
            low = middle + 1
        else:
            high = middle
    return low


@inner(int64(I64, I8, int64, NEW_I8))
def _mark(t_us: Ints, state: States, max_gap_us: int, mark: States) -> int:
    """Mark the samples that differ from the one before, or come after a gap; gives the widest time between two.

    It is -1 if a sample does not come after the one before it.
    """
    widest_us = _widest(t_us)
    for sample in range(1, state.shape[0]):
        mark[sample] = state[sample] != state[sample - 1]
    if widest_us > max_gap_us:
        for sample in range(1, state.shape[0]):
            mark[sample] |= t_us[sample] - t_us[sample - 1] > max_gap_us
    return widest_us


@inner(int64(I64, int64, int64))
def _steady(marks: Ints, sample: int, last: int) -> int:
    """Find the first marked sample from one on, the last if there is none before it.

    Eight marks lie in one number, the first in its lowest byte, as on every machine that Numba is made for.
    """
    if sample >= last:
        return last
    at = sample >> 3
    word = marks[at] >> (8 * (sample & 7))
    if word == 0:
        at += 1
        while 8 * at < last and marks[at] == 0:
            at += 1
        if 8 * at >= last:
            return last
        word, sample = marks[at], 8 * at
    # Which of the eight, without a branch.
    high = int((word & 0xFFFFFFFF) == 0)
    word >>= 32 * high
    middle = int((word & 0xFFFF) == 0)
    word >>= 16 * middle
    sample += 4 * high + 2 * middle + int((word & 0xFF) == 0)
    return min(sample, last)


@inner(int64(int64, int64, int64, int64, int64))
def _ended(best_us: int, from_us: int, until_us: int, start_us: int, how: int) -> int:
    """Count a run that has ended: by its length, or if it is the longest."""
    length_us = until_us - from_us if until_us > start_us else 0
    return best_us + length_us if how == TOTAL else max(best_us, length_us)


@inner(_found(I64, I8, I64, U8, _rules, _window))
def _measured(
    t_us: Ints,
    state: States,
    marks: Ints,
    adverse: Flags,
    rules: tuple[int, int],
    window: tuple[int, int, int, int, int],
) -> tuple[int, int, int]:
    """Measure one window of one series, from change to change: over the interval, then over what is steady after it.

    The window is told by when it may be scanned from, its start and end, the first sample after the one and the first
    that is not before the other.
    """
    max_gap_us, how = rules
    scan_us, start_us, end_us, sample, last = window
    count = t_us.shape[0]
    proven_us, borne_us, possible_us = 0, 0, 0
    # The state since `steady_us`, and since when what is borne, and possible, would have run.
    here = state[sample - 1] if sample > 0 else UNCERTAIN
    steady_us, borne_from, possible_from, until_us = scan_us, scan_us, scan_us, scan_us
    while True:
        first = sample
        if sample > 0:
            sample = _steady(marks, sample, last)
        until_us = t_us[sample - 1] if sample > first else steady_us
        is_gap = sample in (0, count) or t_us[sample] - t_us[sample - 1] > max_gap_us
        after = state[sample] if sample < count else UNCERTAIN
        if not is_gap and after == here:
            # Steady to the end.
            if here == ABOVE:
                proven_us = _ended(proven_us, steady_us, end_us, start_us, how)
                borne_us = _ended(borne_us, borne_from, end_us, start_us, how)
            break
        is_borne = is_gap and adverse[sample] != 0
        if here == ABOVE:
            proven_us = _ended(proven_us, steady_us, until_us, start_us, how)
            if not is_borne:
                borne_us = _ended(borne_us, borne_from, until_us, start_us, how)
        elif is_borne:
            # Two intervals hang together at a sample surely above, and only there.
            borne_from = until_us
        if here == BELOW:
            possible_from = until_us
        here = after
        if sample == last:
            if is_borne:
                borne_us = _ended(borne_us, borne_from, end_us, start_us, how)
            here = UNCERTAIN
            break
        steady_us = t_us[sample]
        if not is_borne:
            borne_from = steady_us
        elif after != ABOVE:
            borne_us = _ended(borne_us, borne_from, steady_us, start_us, how)
        if after == BELOW:
            possible_us = _ended(possible_us, possible_from, steady_us, start_us, how)
        sample += 1
    if here != BELOW:
        possible_us = _ended(possible_us, possible_from, end_us, start_us, how)
    return proven_us, borne_us, possible_us


@inner(int64(I64, I8, I64, U8, int64, triple(I64), triple(NEW_I64), int64))
def _walk(  # noqa: PLR0917  # what is known, what is asked, where to write
    t_us: Ints,
    state: States,
    marks: Ints,
    adverse: Flags,
    max_gap_us: int,
    windows: Triple,
    found: Triple,
    how: int,
) -> int:
    """Measure one series; gives how many windows it has."""
    near, near_us, count = 0, 0, windows[0].shape[0]
    for window in range(count):
        scan_us, start_us, end_us = windows[0][window], windows[1][window], windows[2][window]
        if scan_us >= end_us:
            found[0][window], found[1][window], found[2][window] = 0, 0, 0
            continue
        # Windows mostly come in the order of time: what lay before the last one lies before this.
        near = _first_after(t_us, near if near > 0 and scan_us >= near_us else 0, scan_us)
        near_us = scan_us
        asked = (scan_us, start_us, end_us, near, _first_after(t_us, near, end_us - 1))
        measured = _measured(t_us, state, marks, adverse, (max_gap_us, how), asked)
        found[0][window], found[1][window], found[2][window] = measured
    return count


@kernel(triple(NEW_I64)(I64, I8, U8, int64, triple(I64), int64))
def measure(
    t_us: Ints, state: States, adverse: Flags, max_gap_us: int, windows: Triple, how: int
) -> tuple[Ints, Ints, Ints]:
    """Measure one series whose states are known: proven, borne, possible for each window."""
    count = windows[0].shape[0]
    found = (np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64))
    mark = np.zeros(t_us.shape[0] // 8 * 8 + 8, np.int8)
    _mark(t_us, state, max_gap_us, mark)
    _walk(t_us, state, mark.view(np.int64), adverse, max_gap_us, windows, found, how)
    return found


@kernel(triple(NEW_I64)(I64, pair(I32), pair(I32), U8, int64, pair(I64), triple(I64), int64))
def scan(  # noqa: PLR0917  # the same
    t_us: Ints,
    fills: Fills,
    limits: Fills,
    adverse: Flags,
    max_gap_us: int,
    series: Pair,
    windows: Triple,
    how: int,
) -> tuple[Ints, Ints, Ints]:
    """Measure many series, each while it lies in the processor's cache; gives `WRONG` for one out of order."""
    sample_start, window_start = series
    count, longest = windows[0].shape[0], 0
    for one in range(sample_start.shape[0] - 1):
        longest = max(longest, sample_start[one + 1] - sample_start[one])
    state, mark = np.empty(longest, np.int8), np.zeros(longest // 8 * 8 + 8, np.int8)
    marks = mark.view(np.int64)
    found = (np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64))
    for one in range(sample_start.shape[0] - 1):
        first, last = sample_start[one], sample_start[one + 1]
        begin, end = window_start[one], window_start[one + 1]
        if begin == end:
            continue
        t_here, known = t_us[first:last], state[: last - first]
        wrong = _compare(fills[0][first:last], fills[1][first:last], limits[0][one], limits[1][one], known)
        widest_us = _mark(t_here, known, max_gap_us, mark)
        if wrong or widest_us < 0:
            found[0][begin:end] = WRONG
            continue
        asked = (windows[0][begin:end], windows[1][begin:end], windows[2][begin:end])
        told = (found[0][begin:end], found[1][begin:end], found[2][begin:end])
        _walk(t_here, known, marks, adverse[first + one : last + one + 1], max_gap_us, asked, told, how)
    return found
