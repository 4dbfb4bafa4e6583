"""The loops behind `kernels.matching`: rows by the fix they follow, what a link vouches for, where certainty ends.

*Link*: two fixes of a path, one following on the other. *Chain*: links that vouch for the way between them, one after
the other. What vouches, and how long a way may be, are numbers of the caller.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I32, I64, NEW_I64, inner, int64, kernel, pair, several, triple
from kernels._path import GAP_MAX_US
from kernels._ways import NOWHERE, UNREACHED

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]
Four = tuple[Ints, Ints, Ints, Ints]
Five = tuple[Ints, Ints, Ints, Ints, Ints]
Six = tuple[Ints, Ints, Ints, Ints, Ints, Ints]

_four: Final = several(I64, 4)
_five: Final = several(I64, 5)

# Places in the limits.
_GAP_US, _STRANGE_MM, _COST, _RATIO, _URBAN_MMPS, _TOP_MMPS, _NEAR_MAX, _ACCURACIES, _SEARCH_MAX_MM = range(9)


@kernel(several(NEW_I64, 4)(triple(I64), pair(I64), _four))
def ordered(matched: Triple, rows: Pair, states: Four) -> Four:
    """Order the rows of a path by the fix they follow; see `kernels.matching`.

    `matched` are the chosen states, the sources and the rows' starts, `rows` their edges and ends. Gives the fix that
    follows each, where its rows start, the fix of each row, and how far the vehicle rolled back after each fix.
    """
    chosen, source, row_start = matched
    edge, end_mm = rows
    count = source.shape[0]
    following, start = np.full(count, NOWHERE), np.zeros(count + 1, np.int64)
    back_mm, fix = np.zeros(count, np.int64), np.empty(edge.shape[0], np.int64)
    for one in range(count):
        if source[one] != NOWHERE:
            following[source[one]] = one
            start[source[one] + 1] = row_start[one + 1] - row_start[one]
    for one in range(count):
        start[one + 1] += start[one]
        fix[start[one] : start[one + 1]] = one
        if following[one] != NOWHERE:
            last, until = start[one + 1] - 1, chosen[following[one]]
            if edge[last] == states[1][until]:
                back_mm[one] = max(end_mm[last] - states[2][until], 0)
    return following, start, fix, back_mm


@inner(int64(I64, I64, I64, I64, int64, int64))
def _turns(  # the rows, the states, then which
    start: Ints, edge: Ints, state_edge: Ints, chosen: Ints, fix: int, following: int
) -> int:
    """Tell whether the path turns round between a fix and the one that follows."""
    first, last = start[fix], start[fix + 1] - 1
    # Round in one street: the row is of the one direction, and one of the fixes of the other.
    if state_edge[chosen[fix]] != edge[first] or state_edge[chosen[following]] != edge[last]:
        return 1
    for row in range(first + 1, last + 1):
        if edge[row] == edge[row - 1] ^ 1:
            return 1
    return 0


@kernel(pair(NEW_I64)(_five, I32, _four, pair(I64), triple(I64), I64))
def vouched(  # the fixes, what they say of their error, the states, the path, its rows, and the limits
    fixes: Five, said_mm: NDArray[np.int32], states: Four, matched: Pair, rows: Triple, limits: Ints
) -> Pair:
    """Say of each fix how long a way to the next may be, -1 where none vouches, and which states are near.

    `matched` are the chosen states and the fix that follows each, `rows` where the rows of each fix start, their
    edges and lengths. See `kernels.matching`.
    """
    t_us, _, _, accuracy_mm, near_mm = fixes
    state_start, state_edge, _, distance_mm = states
    chosen, following = matched
    start, edge, length_mm = rows
    count = t_us.shape[0]
    plausible_mm, is_near = np.full(count, NOWHERE), np.zeros(state_edge.shape[0], np.int64)
    is_trusted = np.zeros(count, np.int64)
    for fix in range(count):
        near = 0
        for state in range(state_start[fix], state_start[fix + 1]):
            is_near[state] = 1 if distance_mm[state] <= near_mm[fix] else 0
            near += is_near[state]
        is_told = limits[_ACCURACIES] * said_mm[fix] <= limits[_SEARCH_MAX_MM]
        if chosen[fix] != NOWHERE and near < limits[_NEAR_MAX] and is_told:
            is_trusted[fix] = is_near[chosen[fix]]
    for fix in range(count - 1):
        gap_us = t_us[fix + 1] - t_us[fix]
        is_link = following[fix] == fix + 1 and gap_us <= limits[_GAP_US]
        if not is_link or is_trusted[fix] == 0 or is_trusted[fix + 1] == 0:
            continue
        if _turns(start, edge, state_edge, chosen, fix, fix + 1):
            continue
        driven_mm = length_mm[start[fix] : start[fix + 1]].sum()
        strange_mm = limits[_STRANGE_MM] + (accuracy_mm[fix] + accuracy_mm[fix + 1]) // 2
        longer_mm = max(limits[_RATIO] * driven_mm, driven_mm + limits[_COST] * strange_mm)
        gap_ms = min(gap_us, GAP_MAX_US) // 1_000
        urban_mm, fastest_mm = gap_ms * limits[_URBAN_MMPS] // 1_000, gap_ms * limits[_TOP_MMPS] // 1_000
        plausible_mm[fix] = min(max(longer_mm, urban_mm), fastest_mm) + near_mm[fix] + near_mm[fix + 1]
    return plausible_mm, is_near


@kernel(pair(NEW_I64)(I64, I64, pair(I64)))
def _chain_ends(plausible_mm: Ints, along_mm: Ints, off_mm: Pair) -> Pair:
    """Find of each link from where its chain is certain, and until where, along the path.

    The vehicle began no further on than every fix of the chain allows, and came at least as far as one proves.
    """
    count = plausible_mm.shape[0]
    from_mm, until_mm = np.empty(count, np.int64), np.empty(count, np.int64)
    first = 0
    while first < count:
        last = first
        while plausible_mm[first] >= 0 and last + 1 < count - 1 and plausible_mm[last + 1] >= 0:
            last += 1
        low, high = UNREACHED, -UNREACHED
        for fix in range(first, min(last + 2, count)):
            low, high = min(low, along_mm[fix] + off_mm[0][fix]), max(high, along_mm[fix] - off_mm[1][fix])
        from_mm[first : last + 1], until_mm[first : last + 1] = low, high
        first = last + 1
    return from_mm, until_mm


@kernel(triple(NEW_I64)(several(I64, 6), I64, pair(I64), I64, pair(I64)))
def _spans(rows: Six, back_mm: Ints, off_mm: Pair, plausible_mm: Ints, entered: Pair) -> Triple:
    """Find of each row where it begins along the path, and from where to where it is certain if it is."""
    start, fix, _, begin_mm, end_mm, _ = rows
    total = fix.shape[0]
    before_mm, from_mm, until_mm = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    # Where each fix lies along the path: not what was walked, as fixes of a vehicle that stands go to and fro.
    along_mm = np.zeros(back_mm.shape[0], np.int64)
    walked_mm, rolled_mm = 0, 0
    for one in range(back_mm.shape[0]):
        along_mm[one] = walked_mm - rolled_mm
        for row in range(start[one], start[one + 1]):
            before_mm[row] = walked_mm - rolled_mm
            walked_mm += end_mm[row] - begin_mm[row]
        rolled_mm += back_mm[one]
    chain_from_mm, chain_until_mm = _chain_ends(plausible_mm, along_mm, off_mm)
    # Who began in the street, or ended in it, was no further off than a fix allows; so for all rows after, or before.
    came_mm, went_mm = -UNREACHED, UNREACHED
    for row in range(total):
        if entered[0][row] >= 0:
            came_mm = max(came_mm, before_mm[row] + entered[0][row] - begin_mm[row])
        from_mm[row] = max(chain_from_mm[fix[row]], came_mm)
    for row in range(total - 1, -1, -1):
        if entered[1][row] >= 0:
            went_mm = min(went_mm, before_mm[row] + entered[1][row] - begin_mm[row])
        until_mm[row] = min(chain_until_mm[fix[row]], went_mm)
    return before_mm, from_mm, until_mm


@kernel(several(NEW_I64, 6)(several(I64, 6), I64, pair(I64), I64, pair(I64)))
def trimmed(rows: Six, back_mm: Ints, off_mm: Pair, plausible_mm: Ints, entered: Pair) -> Six:
    """Take certainty from the ends of each chain, and where a vehicle may have begun or ended, cutting rows in three.

    `rows` are where each fix's rows start, the fix of each, edge, begin and end, and whether it is certain; so what
    is given back. `off_mm` is how far ahead of each fix a vehicle may be along the path, and how far behind;
    `entered`, along each row's edge, how far one may have begun and how early ended. See `kernels.matching`.
    """
    start, fix, edge, begin_mm, end_mm, is_certain = rows
    before_mm, from_mm, until_mm = _spans(rows, back_mm, off_mm, plausible_mm, entered)
    total = fix.shape[0]
    new_start, row_of = np.zeros(start.shape[0], np.int64), np.empty(3 * total, np.int64)
    begins_mm, ends_mm, is_sure = (
        np.empty(3 * total, np.int64),
        np.empty(3 * total, np.int64),
        np.empty(3 * total, np.int64),
    )
    place = 0
    for row in range(total):
        length_mm = end_mm[row] - begin_mm[row]
        low_mm, high_mm = length_mm, length_mm
        stands = 0
        if is_certain[row]:
            low_mm = min(max(from_mm[row] - before_mm[row], 0), length_mm)
            high_mm = min(max(until_mm[row] - before_mm[row], low_mm), length_mm)
            is_inside = from_mm[row] <= before_mm[row] and before_mm[row] + length_mm <= until_mm[row]
            stands = 1 if length_mm == 0 and is_inside else 0
        cut_mm = 0
        for part in range(3):
            next_mm = low_mm if part == 0 else (high_mm if part == 1 else length_mm)
            # A row of no length has no part that is longer; it is kept once, and certain if it was.
            if next_mm > cut_mm or (length_mm == 0 and part == stands):
                row_of[place], is_sure[place] = row, 1 if part == 1 else 0
                begins_mm[place], ends_mm[place] = begin_mm[row] + cut_mm, begin_mm[row] + next_mm
                place += 1
            cut_mm = next_mm
        new_start[fix[row] + 1] = place
    for one in range(1, new_start.shape[0]):
        new_start[one] = max(new_start[one], new_start[one - 1])
    new_fix, new_edge = np.empty(place, np.int64), np.empty(place, np.int64)
    for at in range(place):
        new_fix[at], new_edge[at] = fix[row_of[at]], edge[row_of[at]]
    return new_start, new_fix, new_edge, begins_mm[:place].copy(), ends_mm[:place].copy(), is_sure[:place].copy()


@inner(int64(int64, int64, int64))
def _share(gap_us: int, part_mm: int, whole_mm: int) -> int:
    """Take part / whole of a time, rounded down; in two steps, as the product of a long gap would not fit."""
    return gap_us // whole_mm * part_mm + gap_us % whole_mm * part_mm // whole_mm


@kernel(several(NEW_I64, 5)(_five, I64, I64, I64))
def timed(rows: Five, following: Ints, t_us: Ints, street_mm: Ints) -> Five:
    """Give rows their times and their places along the line, and drop the streets only touched.

    `rows` are where each fix's rows start, the fix of each, edge, begin and end. Gives which rows are kept, from
    where to where along the line, and when entered and left. See `kernels.matching`.
    """
    start, fix, edge, begin_mm, end_mm = rows
    total = fix.shape[0]
    kept, from_mm, to_mm = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    enter_us, leave_us = np.empty(total, np.int64), np.empty(total, np.int64)
    place = 0
    for one in range(start.shape[0] - 1):
        first, last = start[one], start[one + 1]
        whole_mm, before_mm = (end_mm[first:last] - begin_mm[first:last]).sum(), 0
        for row in range(first, last):
            length_mm = end_mm[row] - begin_mm[row]
            if length_mm == 0 and (whole_mm > 0 or row > first):
                continue
            begun_us, gap_us = t_us[one], t_us[following[one]] - t_us[one]
            enter_us[place], leave_us[place] = begun_us, begun_us + gap_us
            if whole_mm > 0:
                enter_us[place] = begun_us + _share(gap_us, before_mm, whole_mm)
                leave_us[place] = begun_us + _share(gap_us, before_mm + length_mm, whole_mm)
            line_mm = street_mm[edge[row] // 2]
            is_against = edge[row] % 2 == 1
            from_mm[place] = line_mm - end_mm[row] if is_against else begin_mm[row]
            to_mm[place] = line_mm - begin_mm[row] if is_against else end_mm[row]
            kept[place] = row
            before_mm += length_mm
            place += 1
    return (
        kept[:place].copy(),
        from_mm[:place].copy(),
        to_mm[:place].copy(),
        enter_us[:place].copy(),
        leave_us[:place].copy(),
    )
