"""The loops behind `kernels.emptyings`. They check nothing; levels are twice the middle of a sample's bounds."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I8, I64, NEW_I8, NEW_I64, int64, kernel, pair, triple
from kernels._levels import HIDDEN, NONE, SURE

Ints = NDArray[np.int64]

EMPTIED: Final = 1
PARTIAL: Final = 2
DRAINED: Final = 3
REHUNG: Final = 4
PPM: Final = 1_000_000
# So many floors on either side of an event are compared.
_FLOORS: Final = 3
_FLOORS_MIN: Final = 2


@kernel(int64(NEW_I64, int64))
def _median(values: Ints, count: int) -> int:
    """Give the lower median of the first values; sorts them in place, for they are few."""
    for at in range(1, count):
        value, place = values[at], at
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
    return values[(count - 1) // 2]


@kernel(pair(NEW_I64)(I64, I64, I64, int64, int64, int64))
def screen(t_us: Ints, lo_ppm: Ints, hi_ppm: Ints, reach: int, within_us: int, jump_ppm: int) -> tuple[Ints, Ints]:
    """Widen what departs from both its sides; see `kernels.emptyings.screen`."""
    count = t_us.shape[0]
    low, high = lo_ppm.copy(), hi_ppm.copy()
    sides = np.empty(reach, np.int64)
    for at in range(count):
        known = 0
        while known < reach and at - known > 0 and t_us[at] - t_us[at - known - 1] <= within_us:
            sides[known] = lo_ppm[at - known - 1] + hi_ppm[at - known - 1]
            known += 1
        if known == 0:
            continue
        before = _median(sides, known)
        known = 0
        while known < reach and at + known + 1 < count and t_us[at + known + 1] - t_us[at] <= within_us:
            sides[known] = lo_ppm[at + known + 1] + hi_ppm[at + known + 1]
            known += 1
        if known == 0:
            continue
        after = _median(sides, known)
        least, most = min(before, after), max(before, after)
        level = lo_ppm[at] + hi_ppm[at]
        if level < least - 2 * jump_ppm or level > most + 2 * jump_ppm:
            low[at] = min(lo_ppm[at], least // 2)
            high[at] = max(hi_ppm[at], -(-most // 2))
    return low, high


@kernel(int64(I64, int64, int64, int64))
def _pairs(level: Ints, at: int, reach: int, drop_ppm: int) -> int:
    """Count the pairs of samples before and after an edge between which the level falls by half the drop."""
    found = 0
    for before in range(max(0, at - reach), at):
        for after in range(at, min(level.shape[0], at + reach)):
            # Levels are doubled, and half the drop is asked.
            if level[before] - level[after] >= drop_ppm:
                found += 1
    return found


@kernel(triple(NEW_I64)(I64, int64, int64, int64))
def edges(level: Ints, drop_ppm: int, reach: int, share_ppm: int) -> tuple[Ints, Ints, Ints]:
    """Find falls that stay: the sample before, the sample after, the pairs that agree."""
    count = level.shape[0]
    first, last = np.empty(count, np.int64), np.empty(count, np.int64)
    pairs = np.empty(count, np.int64)
    found, is_open = 0, False
    for at in range(1, count):
        # Only steps down by a quarter of the drop are asked; such steps side by side are one fall.
        agreeing = 0
        if 2 * (level[at - 1] - level[at]) >= drop_ppm:
            agreeing = _pairs(level, at, reach, drop_ppm)
        if agreeing * PPM <= share_ppm * min(reach, at) * min(reach, count - at):
            is_open = False
            continue
        if not is_open:
            first[found], pairs[found] = at - 1, 0
            found += 1
        is_open = True
        last[found - 1], pairs[found - 1] = at, max(pairs[found - 1], agreeing)
    return first[:found].copy(), last[:found].copy(), pairs[:found].copy()


@kernel(NEW_I8(I64, I64, pair(I64), int64, int64, int64))
def codes(
    t_us: Ints, level: Ints, bounds: tuple[Ints, Ints], drop_ppm: int, residual_ppm: int, quick_us: int
) -> NDArray[np.int8]:
    """Say what each fall is; 0 where it is too small to be anything."""
    first, last = bounds
    code = np.zeros(first.shape[0], np.int8)
    for event in range(first.shape[0]):
        fall = level[first[event]] - level[last[event]]
        steepest = 0
        for at in range(first[event] + 1, last[event] + 1):
            steepest = max(steepest, level[at - 1] - level[at])
        if fall < 2 * drop_ppm:
            continue
        if t_us[last[event]] - t_us[first[event]] > quick_us and 2 * steepest < fall:
            code[event] = DRAINED
        else:
            code[event] = EMPTIED if level[last[event]] <= 2 * residual_ppm else PARTIAL
    return code


@kernel(int64(I8, I64, int64, int64, NEW_I64))
def _floors(code: NDArray[np.int8], floor_ppm: Ints, event: int, step: int, found: Ints) -> int:
    """Gather the floors on one side of an event, up to where a sensor was hung anew; gives how many."""
    known, at = 0, event + step
    while 0 <= at < code.shape[0] and known < _FLOORS and code[at] != REHUNG:
        if code[at] in (EMPTIED, PARTIAL):
            found[known] = floor_ppm[at]
            known += 1
        at += step
    return known


@kernel(pair(NEW_I64)(I8, I64, I64, int64))
def floors(code: NDArray[np.int8], fall_ppm: Ints, floor_ppm: Ints, jump_ppm: int) -> tuple[Ints, Ints]:
    """Find where the floor changed; see `kernels.emptyings.floors`."""
    count = code.shape[0]
    judged = code.copy()
    shift_ppm = np.zeros(count, np.int64)
    sides = np.empty(_FLOORS + 1, np.int64)
    for turn in range(2):
        for event in range(count):
            if judged[event] not in (EMPTIED, PARTIAL):
                continue
            known = _floors(judged, floor_ppm, event, -1, sides)
            if known < _FLOORS_MIN:
                continue
            before = _median(sides, known)
            spread = sides[known - 1] - sides[0]
            known = _floors(judged, floor_ppm, event, 1, sides)
            if known < _FLOORS_MIN:
                continue
            if turn == 1:  # the event's own floor is of the time after
                sides[known] = floor_ppm[event]
                known += 1
            after = _median(sides, known)
            spread = max(spread, sides[known - 1] - sides[0])
            if spread >= jump_ppm or abs(after - before) < jump_ppm:
                continue
            if turn == 1:
                shift_ppm[event] = after - before
            elif abs(before - after - fall_ppm[event]) < jump_ppm:
                judged[event] = REHUNG
    return judged.astype(np.int64), shift_ppm


@kernel(NEW_I8(I8, I64, I64))
def confirm(kind: NDArray[np.int8], first: Ints, last: Ints) -> NDArray[np.int8]:
    """Leave only confirmed emptyings sure; see `kernels.emptyings.confirm`."""
    told = kind.copy()
    event = 0
    for interval in range(1, kind.shape[0] - 1):
        while event < last.shape[0] and last[event] < interval:
            event += 1
        is_inside = event < first.shape[0] and first[event] < interval
        if (kind[interval] == SURE and not is_inside) or (kind[interval] == NONE and is_inside):
            told[interval] = HIDDEN
    return told
