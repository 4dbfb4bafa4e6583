"""The loops behind `kernels.matching`: which streets every vehicle that fits the fixes must have driven.

A *state* fits where it lies within its fix's error (`is_near`), a way of plausible length leads to it from a state of
the fix before that fits, and one leads on. Vehicles may turn round: a sweeper does the other kerb next. Where the
chain is cut, nothing is asked.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel, pair, triple
from kernels._ways import NOWHERE, UNREACHED, Pair, Triple, clear, empty_labels, empty_queue, leave, spread

Ints = NDArray[np.int64]

# How many rows of the path are looked over from a fix to either side. Beyond that a state ahead or behind counts as
# another street, which can only cost certainty.
_ROWS_MAX: Final = 64

UNFIT: Final = 0
MATCHED: Final = 1
RIVAL: Final = 2
AHEAD: Final = 3
BEHIND: Final = 4


@kernel(NEW_I64(I64, I64, I64, pair(I64), I64, I64))
def possible(state_start: Ints, is_near: Ints, pair_start: Ints, way: Pair, plausible_mm: Ints, chosen: Ints) -> Ints:
    """Mark the states that fit the fixes; see `kernels.matching`."""
    count = chosen.shape[0]
    fits = is_near.copy()
    for fix in range(count):
        if chosen[fix] != NOWHERE:
            fits[chosen[fix]] = 1
    # Forwards: from which state has it come; then backwards: to which does it go on.
    for turn in range(2):
        for step in range(1, count):
            fix = step if turn == 0 else count - step
            if plausible_mm[fix - 1] < 0:
                continue
            first, middle, last = state_start[fix - 1], state_start[fix], state_start[fix + 1]
            begin, end = (middle, last) if turn == 0 else (first, middle)
            for state in range(begin, end):
                if fits[state] == 0 or state in (chosen[fix], chosen[fix - 1]):
                    continue
                other_begin, other_end = (first, middle) if turn == 0 else (middle, last)
                is_met = 0
                for other in range(other_begin, other_end):
                    source, target = (other, state) if turn == 0 else (state, other)
                    at = pair_start[fix - 1] + (source - first) * (last - middle) + target - middle
                    is_way = way[0][at] != NOWHERE and way[0][at] <= plausible_mm[fix - 1]
                    if fits[other] and is_way:
                        is_met = 1
                        break
                fits[state] = is_met
    return fits


@kernel(int64(triple(I64), I64, int64, int64, int64))
def _side(rows: Triple, plausible_mm: Ints, fix: int, edge: int, reach_mm: int) -> int:
    """Tell whether an edge is the matched path's own a little ahead of a fix, or behind it; else it is a rival."""
    row_start, row_edge, row_mm = rows
    is_ahead, is_behind = False, False
    walked_mm, here, row = 0, fix, row_start[fix]
    end = min(row_start[row_start.shape[0] - 1], row + _ROWS_MAX)
    while row < end and walked_mm <= reach_mm and not is_ahead:
        while row_start[here + 1] <= row:
            here += 1
        if plausible_mm[here] < 0:
            break
        is_ahead = row_edge[row] == edge
        walked_mm += row_mm[row]
        row += 1
    walked_mm, here, row = 0, fix - 1, row_start[fix] - 1
    end = max(-1, row - _ROWS_MAX)
    while row > end and walked_mm <= reach_mm and not is_behind:
        while row_start[here] > row:
            here -= 1
        if plausible_mm[here] < 0:
            break
        is_behind = row_edge[row] == edge
        walked_mm += row_mm[row]
        row -= 1
    if is_ahead == is_behind:
        return RIVAL
    return AHEAD if is_ahead else BEHIND


@kernel(NEW_I64(triple(I64), I64, I64, triple(I64), I64, I64))
def sides(states: Triple, fits: Ints, chosen: Ints, rows: Triple, plausible_mm: Ints, near_mm: Ints) -> Ints:
    """Tell what each state is to the matched path; see `kernels.matching`."""
    side = np.full(fits.shape[0], UNFIT, np.int64)
    for fix in range(chosen.shape[0]):
        for state in range(states[0][fix], states[0][fix + 1]):
            if state == chosen[fix]:
                side[state] = MATCHED
            elif fits[state]:
                side[state] = _side(rows, plausible_mm, fix, states[1][state], 2 * near_mm[fix])
    return side


@kernel(int64(int64, int64, int64))
def _counts(side: int, path_side: int, is_trusted: int) -> int:
    """Tell whether a state is to be asked for a way around; one on the path's own side is not, while trusted."""
    # AHEAD + BEHIND - path_side is the other side of the path, which is asked always.
    return 1 if side in (RIVAL, AHEAD + BEHIND - path_side) or (side == path_side and not is_trusted) else 0


@kernel(int64(triple(I64), I64, triple(NEW_I64), int64, int64, int64, int64, int64))
def _reaches(  # noqa: PLR0917  # where to, from where, how far
    states: Triple,
    is_source: Ints,
    labels: Triple,
    row_edge: int,
    target: int,
    first: int,
    last: int,
    plausible_mm: int,
) -> int:
    """Tell whether a state is reached, through the network or straight along a street other than the row's."""
    edge, until_mm = states[1][target], states[2][target]
    if labels[0][edge] < UNREACHED and labels[0][edge] + until_mm <= plausible_mm:
        return 1
    if edge // 2 == row_edge // 2:
        return 0
    for source in range(first, last):
        # Backwards too: both places are known no better than the fixes.
        if is_source[source] and states[1][source] == edge and abs(until_mm - states[2][source]) <= plausible_mm:
            return 1
    return 0


@kernel(NEW_I64(pair(I64), pair(I64), triple(I64), I64, triple(I64), I64))
def certain(edges: Pair, adjacency: Pair, states: Triple, side: Ints, rows: Triple, plausible_mm: Ints) -> Ints:
    """Mark the rows of the path that no vehicle which fits the fixes can have gone around; see `kernels.matching`."""
    row_start, row_edge, _ = rows
    count = plausible_mm.shape[0]
    is_certain = np.zeros(row_edge.shape[0], np.int64)
    is_source = np.zeros(side.shape[0], np.int64)
    labels, queue = empty_labels(edges[0].shape[0]), empty_queue(edges[0].shape[0])
    # A state ahead was come to over the path, if the row before the fix is certain; one behind goes on over it, if
    # the row after is. As long as that is so for both, they are the path itself, displaced.
    trust_ahead, trust_behind = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    for fix in range(count):
        if plausible_mm[fix] >= 0:
            trust_behind[fix], trust_ahead[fix + 1] = 1, 1
    is_due = np.ones(count, np.int64)
    dues = count
    while dues > 0:
        dues = 0
        for fix in range(count):
            limit_mm = plausible_mm[fix]
            if limit_mm < 0 or is_due[fix] == 0:
                continue
            is_due[fix] = 0
            first, middle, last = states[0][fix], states[0][fix + 1], states[0][fix + 2]
            begin, end = row_start[fix], row_start[fix + 1]
            for row in range(begin, end):
                for source in range(first, middle):
                    # The matched vehicle drives off over the first row: that is no way around it.
                    is_source[source] = (side[source] == MATCHED and row > begin) or _counts(
                        side[source], AHEAD, trust_ahead[fix]
                    )
                    if is_source[source]:
                        leave(edges, adjacency, labels, queue, states[1][source], states[2][source], limit_mm)
                spread(edges, adjacency, labels, queue, limit_mm, row_edge[row] // 2)
                is_certain[row] = 1
                for target in range(middle, last):
                    is_asked = (side[target] == MATCHED and row < end - 1) or _counts(
                        side[target], BEHIND, trust_behind[fix + 1]
                    )
                    if is_asked and _reaches(
                        states, is_source, labels, row_edge[row], target, first, middle, limit_mm
                    ):
                        is_certain[row] = 0
                        break
                clear(labels, queue)
            if is_certain[end - 1] == 0 and trust_ahead[fix + 1] == 1:
                trust_ahead[fix + 1] = 0
                if fix + 1 < count:
                    is_due[fix + 1] = 1
                    dues += 1
            if is_certain[begin] == 0 and trust_behind[fix] == 1:
                trust_behind[fix] = 0
                if fix > 0:
                    is_due[fix - 1] = 1
                    dues += 1
    return is_certain
