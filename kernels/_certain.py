"""The loops behind `kernels.matching`: which streets every vehicle that fits the fixes must have driven.

A *state* fits where it lies within its fix's error (`is_near`), a way of plausible length leads to it from a state of
the fix before that fits, and one leads on. Vehicles may turn round: a sweeper does the other kerb next. Where the
chain is cut, nothing is asked. Turns cost nothing here but for turning round in the street: what is shortest for a
driver is not asked, only what is short enough.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel, several, triple
from kernels._path import BACK, NEXT, ROUND, STRAIGHT, Triple, kind_of
from kernels._ways import (
    LABELS_MAX,
    LENGTH,
    NOWHERE,
    RECORD,
    ROW,
    UNREACHED,
    aim,
    clear,
    empty_search,
    entry_of,
    follow,
    key_at,
    key_of,
    label_of,
    settle,
)

Ints = NDArray[np.int64]
Link = tuple[int, int, int, int]

# What a driver goes out of the way to avoid turning round in the street.
TURN_MM: Final = 50_000
# How many rows of the path are looked over from a fix to either side. Beyond that a state ahead or behind counts as
# another street, which can only cost certainty.
_ROWS_MAX: Final = 64

UNFIT, MATCHED, RIVAL, AHEAD, BEHIND = range(5)

_link = several(int64, 4)  # pyright: ignore[reportArgumentType]  # numbers make a tuple as arrays do


@kernel(int64(I64, int64, int64, int64, int64, int64))
def _near_mm(graph: Ints, edge: int, at_mm: int, following: int, until_mm: int, slack_mm: int) -> int:
    """Measure the way between two places of one street or of two that meet; `UNREACHED` if that takes a search."""
    kind = kind_of(graph, edge, at_mm, following, until_mm, slack_mm)
    rest_mm = graph[RECORD * edge + LENGTH] - at_mm
    if kind == STRAIGHT:
        return until_mm - at_mm
    if kind == BACK:
        return 0
    if kind == ROUND:
        return abs(until_mm - rest_mm)
    return rest_mm + until_mm if kind == NEXT else UNREACHED


@kernel(int64(triple(I64), triple(I64), NEW_I64, NEW_I64, NEW_I64, _link))
def _meet(  # the network, the states, the work, then which
    streets: Triple, states: Triple, fits: Ints, is_reached: Ints, search: Ints, link: Link
) -> int:
    """Mark the states of one of two neighbouring fixes that a way of plausible length joins to one that fits."""
    fix, turn, plausible_mm, slack_mm = link
    graph, entry, leaving = streets
    start, edges, along_mm = states
    first, middle, last = start[fix], start[fix + 1], start[fix + 2]
    is_reached[first:last] = 0
    for source in range(first, middle):
        for target in range(middle, last):
            if fits[source] == 1 and fits[target] == 1:
                at_mm, until_mm = along_mm[source], along_mm[target]
                way_mm = _near_mm(graph, edges[source], at_mm, edges[target], until_mm, slack_mm)
                if way_mm == UNREACHED:
                    # A key charges bends, so that the way is no longer than this.
                    place = entry_of(entry, int(graph[RECORD * edges[source] + ROW]), edges[target])
                    if place != NOWHERE:
                        way_mm = graph[RECORD * edges[source] + LENGTH] - at_mm + until_mm + key_of(entry, place)
                if way_mm <= plausible_mm:
                    is_reached[source], is_reached[target] = 1, 1
    asked = 0
    for state in range(first if turn == 1 else middle, middle if turn == 1 else last):
        asked += 1 if fits[state] == 1 and is_reached[state] == 0 else 0
    turns_mm, goal, is_aim = np.zeros(2, np.int64), np.zeros(4, np.int64), np.zeros(last - middle, np.int64)
    for source in range(first, middle):
        if asked == 0:
            break
        if fits[source] == 0 or (turn == 1 and is_reached[source] == 1):
            continue
        for target in range(middle, last):
            is_aim[target - middle] = 1 if fits[target] == 1 and (turn == 1 or is_reached[target] == 0) else 0
        if aim(graph, edges, along_mm, is_aim, middle, last, goal) == 0:
            continue
        rest_mm = graph[RECORD * edges[source] + LENGTH] - along_mm[source]
        follow(graph, leaving, search, turns_mm, edges[source], rest_mm, plausible_mm, NOWHERE)
        while search[1] > 0:
            settle(graph, leaving, search, turns_mm, plausible_mm, NOWHERE, goal)
        for target in range(middle, last):
            label = label_of(search, edges[target])
            is_way = label != NOWHERE and key_at(search, label) + along_mm[target] <= plausible_mm
            if is_aim[target - middle] and (is_way or search[0] == LABELS_MAX):
                state = source if turn == 1 else target
                asked -= 1 if is_reached[state] == 0 else 0
                is_reached[state] = 1
        clear(search)
    return asked


@kernel(NEW_I64(triple(I64), triple(I64), I64, I64, I64, I64))
def possible(streets: Triple, states: Triple, is_near: Ints, plausible_mm: Ints, near_mm: Ints, chosen: Ints) -> Ints:
    """Mark the states that fit the fixes; see `kernels.matching`."""
    count = chosen.shape[0]
    start = states[0]
    fits, is_reached = is_near.copy(), np.zeros(is_near.shape[0], np.int64)
    search = empty_search()
    for fix in range(count):
        if chosen[fix] != NOWHERE:
            fits[chosen[fix]] = 1
    # Forwards: from which state has it come; then backwards: to which does it go on.
    for turn in range(2):
        for step in range(1, count):
            fix = step if turn == 0 else count - step
            if plausible_mm[fix - 1] < 0:
                continue
            link = (fix - 1, turn, int(plausible_mm[fix - 1]), int(near_mm[fix - 1] + near_mm[fix]))
            _meet(streets, states, fits, is_reached, search, link)
            side = fix - turn
            for state in range(start[side], start[side + 1]):
                if state != chosen[side]:
                    fits[state] &= is_reached[state]
    return fits


@kernel(int64(I64, I64, I64, I64, int64, int64, int64))
def _side(  # noqa: PLR0917  # the rows, then which edge at which fix
    row_start: Ints, row_edge: Ints, row_mm: Ints, plausible_mm: Ints, fix: int, edge: int, reach_mm: int
) -> int:
    """Tell whether an edge is the matched path's own a little ahead of a fix, or behind it; else it is a rival."""
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
    start, edges, _ = states
    row_start, row_edge, row_mm = rows
    side = np.full(fits.shape[0], UNFIT, np.int64)
    for fix in range(chosen.shape[0]):
        for state in range(start[fix], start[fix + 1]):
            if state == chosen[fix]:
                side[state] = MATCHED
            elif fits[state]:
                reach_mm = 2 * near_mm[fix]
                side[state] = _side(row_start, row_edge, row_mm, plausible_mm, fix, edges[state], reach_mm)
    return side


@kernel(int64(int64, int64, int64))
def _counts(side: int, path_side: int, is_trusted: int) -> int:
    """Tell whether a state is to be asked for a way around; one on the path's own side is not, while trusted."""
    # AHEAD + BEHIND - path_side is the other side of the path, which is asked always.
    return 1 if side in (RIVAL, AHEAD + BEHIND - path_side) or (side == path_side and not is_trusted) else 0


@kernel(int64(I64, I64, NEW_I64, NEW_I64, int64, int64, triple(int64)))  # pyright: ignore[reportArgumentType]
def _reaches(  # noqa: PLR0917  # the states, from where, how far; then where to, around what
    edges: Ints,
    along_mm: Ints,
    is_asked: Ints,
    search: Ints,
    plausible_mm: int,
    row_edge: int,
    at: tuple[int, int, int],
) -> int:
    """Tell whether a state is reached, through the network or straight along a street other than the row's."""
    target, first, last = at
    edge, until_mm = edges[target], along_mm[target]
    label = label_of(search, edge)
    if label != NOWHERE and key_at(search, label) + until_mm <= plausible_mm:
        return 1
    if edge // 2 == row_edge // 2:
        return 0
    for source in range(first, last):
        # Backwards too: both places are known no better than the fixes.
        if is_asked[source] and edges[source] == edge and abs(until_mm - along_mm[source]) <= plausible_mm:
            return 1
    return 0


@kernel(int64(triple(I64), triple(I64), I64, NEW_I64, NEW_I64, int64, _link, _link))
def _is_sure(  # noqa: PLR0917  # the network, the states, the work, then which row of which link
    streets: Triple,
    states: Triple,
    side: Ints,
    is_asked: Ints,
    search: Ints,
    row_edge: int,
    link: Link,
    row: Link,
) -> int:
    """Tell whether no state of the next fix is reached from one of this around a row."""
    fix, limit_mm, trust_ahead, trust_behind = link
    is_first, is_last = row[0] == 1, row[1] == 1
    graph, _, leaving = streets
    start, edges, along_mm = states
    first, middle, last = start[fix], start[fix + 1], start[fix + 2]
    sources, targets = 0, 0
    for source in range(first, middle):
        # The matched vehicle drives off over the first row: that is no way around it.
        is_own = side[source] == MATCHED and not is_first
        is_asked[source] = 1 if is_own else _counts(side[source], AHEAD, trust_ahead)
        sources += is_asked[source]
    for target in range(middle, last):
        is_own = side[target] == MATCHED and not is_last
        is_asked[target] = 1 if is_own else _counts(side[target], BEHIND, trust_behind)
        targets += is_asked[target]
    if sources == 0 or targets == 0:
        return 1
    turns_mm, goal = np.array([0, TURN_MM]), np.zeros(4, np.int64)
    aim(graph, edges, along_mm, is_asked[middle:last], middle, last, goal)
    for source in range(first, middle):
        if is_asked[source]:
            rest_mm = graph[RECORD * edges[source] + LENGTH] - along_mm[source]
            follow(graph, leaving, search, turns_mm, edges[source], rest_mm, limit_mm, NOWHERE)
    is_sure = 1
    while search[1] > 0 and is_sure:
        label = settle(graph, leaving, search, turns_mm, limit_mm, row_edge // 2, goal)
        for target in range(middle, last):
            if (
                is_asked[target]
                and edges[target] == search[label]
                and key_at(search, label) + along_mm[target] <= limit_mm
            ):
                is_sure = 0
    # A search that gave up has seen too little to be sure.
    is_sure = is_sure if search[0] < LABELS_MAX else 0
    for target in range(middle, last):
        if is_asked[target] and is_sure:
            at = (target, first, middle)
            is_sure -= _reaches(edges, along_mm, is_asked, search, limit_mm, row_edge, at)
    clear(search)
    return is_sure


@kernel(NEW_I64(triple(I64), triple(I64), I64, triple(I64), I64))
def certain(streets: Triple, states: Triple, side: Ints, rows: Triple, plausible_mm: Ints) -> Ints:
    """Mark the rows of the path that no vehicle which fits the fixes can have gone around; see `kernels.matching`."""
    row_start, row_edge, _ = rows
    count = plausible_mm.shape[0]
    is_certain = np.zeros(row_edge.shape[0], np.int64)
    is_asked = np.zeros(side.shape[0], np.int64)
    search = empty_search()
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
            if plausible_mm[fix] < 0 or is_due[fix] == 0:
                continue
            is_due[fix] = 0
            begin, end = row_start[fix], row_start[fix + 1]
            link = (fix, int(plausible_mm[fix]), int(trust_ahead[fix]), int(trust_behind[fix + 1]))
            for row in range(begin, end):
                place = (int(row == begin), int(row == end - 1), 0, 0)
                is_certain[row] = _is_sure(streets, states, side, is_asked, search, row_edge[row], link, place)
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
