"""The loops behind `kernels.matching`: which streets every vehicle that fits the fixes must have driven.

A *state* fits where it lies within its fix's error (`is_near`), a way of plausible length leads to it from a state of
the fix before that fits, and one leads on. Vehicles may turn round: a sweeper does the other kerb next. Where the
chain is cut, nothing is asked. Turns cost nothing here but for turning round in the street: what is shortest for a
driver is not asked, only what is short enough.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, inner, int64, kernel, several, triple
from kernels._path import BACK, NEXT, ROUND, STRAIGHT, Triple, kind_of
from kernels._ways import (
    COUNT,
    HEAP_COUNT,
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
    label_before,
    may_lead,
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

# Numbers make a tuple as arrays do, and tuples another.
_link = several(int64, 4)  # pyright: ignore[reportArgumentType]
_links = several(_link, 2)  # pyright: ignore[reportArgumentType]


@kernel(several(NEW_I64, 4)(triple(I64), I64, I64))
def kept(states: Triple, is_kept: Ints, chosen: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Leave out states, but never those chosen; see `kernels.matching`."""
    start, edges, along_mm = states
    new_start, new_chosen = np.zeros(start.shape[0], np.int64), np.full(chosen.shape[0], NOWHERE)
    total = chosen.shape[0] + is_kept.sum()
    new_edges, new_along_mm = np.empty(total, np.int64), np.empty(total, np.int64)
    place = 0
    for fix in range(chosen.shape[0]):
        for state in range(start[fix], start[fix + 1]):
            if state == chosen[fix]:
                new_chosen[fix] = place
            elif is_kept[state] == 0:
                continue
            new_edges[place], new_along_mm[place] = edges[state], along_mm[state]
            place += 1
        new_start[fix + 1] = place
    return new_start, new_edges[:place].copy(), new_along_mm[:place].copy(), new_chosen


@inner(int64(I64, int64, int64, int64, int64, int64), is_laid_in=True)
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


@inner(int64(triple(I64), int64, int64, int64, int64, int64), is_laid_in=True)
def _is_far(  # the network, from where to where, how far
    streets: Triple, edge: int, at_mm: int, following: int, until_mm: int, limit_mm: int
) -> int:
    """Tell whether the table holds a way that is short enough, as keys charge turns.

    Turning round at the first street's end, or at the last one's, may be shorter than what the table charges for it.
    """
    graph, entry, _ = streets
    length_mm, last_mm = graph[RECORD * edge + LENGTH], graph[RECORD * following + LENGTH]
    row, back = graph[RECORD * edge + ROW], graph[RECORD * (edge ^ 1) + ROW]
    limit_mm -= length_mm - at_mm + until_mm
    # Most are too far by the straight line, and the table takes longer.
    if may_lead(graph, edge, following, limit_mm) == 0:
        return 0
    place = entry_of(entry, row, following)
    if place != NOWHERE and key_of(entry, row, place) <= limit_mm:
        return 1
    # It turns into the last street only where that may be driven, which has a row of its own then.
    place = entry_of(entry, row, following ^ 1)
    if place != NOWHERE and last_mm + key_of(entry, row, place) <= limit_mm:
        return 1
    place = entry_of(entry, back, following) if length_mm <= limit_mm else NOWHERE
    return 1 if place != NOWHERE and length_mm + key_of(entry, back, place) <= limit_mm else 0


@inner(int64(triple(I64), triple(I64), I64, NEW_I64, _link), is_laid_in=True)
def _meet_near(streets: Triple, states: Triple, fits: Ints, is_reached: Ints, link: Link) -> int:
    """Mark the states of one of two neighbouring fixes that a way which is known joins to one that fits.

    Gives the number of those that fit and are not marked.
    """
    fix, turn, plausible_mm, slack_mm = link
    graph = streets[0]
    start, edges, along_mm = states
    first, middle, last = start[fix], start[fix + 1], start[fix + 2]
    # Only of one side it is asked, and one way is enough: those that need no table come first, the others if need be.
    near, far, far_end = (middle, first, middle) if turn == 0 else (first, middle, last)
    near_end = last if turn == 0 else middle
    asked = 0
    for one in range(near, near_end):
        is_reached[one] = 0
        for turn_to in range(2 if fits[one] == 1 else 0):
            other = far
            while other < far_end and is_reached[one] == 0:
                if fits[other] == 1:
                    source, target = (other, one) if turn == 0 else (one, other)
                    at_mm, until_mm = along_mm[source], along_mm[target]
                    if turn_to == 0:
                        way_mm = _near_mm(graph, edges[source], at_mm, edges[target], until_mm, slack_mm)
                        is_reached[one] = 1 if way_mm <= plausible_mm else 0
                    else:
                        is_reached[one] = _is_far(
                            streets, edges[source], at_mm, edges[target], until_mm, plausible_mm
                        )
                other += 1
        asked += 1 if fits[one] == 1 and is_reached[one] == 0 else 0
    return asked


@inner(int64(triple(I64), triple(I64), I64, NEW_I64, NEW_I64, NEW_I64, _link))
def _meet(  # noqa: PLR0917  # the network, the states, the work, then which
    streets: Triple, states: Triple, fits: Ints, is_reached: Ints, is_aim: Ints, search: Ints, link: Link
) -> int:
    """Mark the states of one of two neighbouring fixes that a way of plausible length joins to one that fits."""
    fix, turn, plausible_mm, _ = link
    graph, _, leaving = streets
    start, edges, along_mm = states
    first, middle, last = start[fix], start[fix + 1], start[fix + 2]
    asked = _meet_near(streets, states, fits, is_reached, link)
    for source in range(first, middle):
        if asked == 0:
            break
        if fits[source] == 0 or (turn == 1 and is_reached[source] == 1):
            continue
        rest_mm = graph[RECORD * edges[source] + LENGTH] - along_mm[source]
        for target in range(middle, last):
            is_asked = fits[target] == 1 and (turn == 1 or is_reached[target] == 0)
            room_mm = plausible_mm - rest_mm - along_mm[target]
            is_aim[target - middle] = may_lead(graph, edges[source], edges[target], room_mm) if is_asked else 0
        aims = aim(graph, edges, along_mm, is_aim, middle, last, search)
        if aims == 0:
            continue
        follow(graph, leaving, search, (edges[source], rest_mm, NOWHERE), plausible_mm, NOWHERE)
        aims = 1 if turn == 1 else aims
        while search[HEAP_COUNT] > 0 and aims > 0:
            label = settle(graph, leaving, search, plausible_mm, NOWHERE)
            for target in range(middle, last):
                is_short = key_at(search, label) + along_mm[target] <= plausible_mm
                if is_aim[target - middle] and edges[target] == search[label] and is_short:
                    is_reached[source if turn == 1 else target] = 1
                    aims -= 1
        if search[COUNT] == LABELS_MAX:
            for target in range(middle, last):
                if is_aim[target - middle]:
                    is_reached[source if turn == 1 else target] = 1
        clear(search)
        asked = 0
        for state in range(first if turn == 1 else middle, middle if turn == 1 else last):
            asked += 1 if fits[state] == 1 and is_reached[state] == 0 else 0
    return asked


@inner(int64(I64))
def most_of(start: Ints) -> int:
    """Give the number of states of the fix that has the most."""
    most = 0
    for fix in range(start.shape[0] - 1):
        most = max(most, start[fix + 1] - start[fix])
    return int(most)


@kernel(NEW_I64(triple(I64), triple(I64), I64, I64, I64, I64))
def possible(streets: Triple, states: Triple, is_near: Ints, plausible_mm: Ints, near_mm: Ints, chosen: Ints) -> Ints:
    """Mark the states that fit the fixes; see `kernels.matching`."""
    count = chosen.shape[0]
    start = states[0]
    fits, is_reached = is_near.copy(), np.zeros(is_near.shape[0], np.int64)
    search, is_aim = empty_search(0, 0), np.zeros(most_of(start), np.int64)
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
            _meet(streets, states, fits, is_reached, is_aim, search, link)
            side = fix - turn
            for state in range(start[side], start[side + 1]):
                if state != chosen[side]:
                    fits[state] &= is_reached[state]
    return fits


@inner(int64(I64, I64, I64, I64, int64, int64, int64))
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


@inner(int64(int64, int64, int64))
def _counts(side: int, path_side: int, is_trusted: int) -> int:
    """Tell whether a state is to be asked for a way around; one on the path's own side is not, while trusted."""
    # AHEAD + BEHIND - path_side is the other side of the path, which is asked always.
    return 1 if side in (RIVAL, AHEAD + BEHIND - path_side) or (side == path_side and not is_trusted) else 0


@inner(int64(I64, I64, NEW_I64, int64, int64, triple(int64)))  # pyright: ignore[reportArgumentType]
def _goes_along(  # the states, how far, around what, then which
    edges: Ints, along_mm: Ints, is_asked: Ints, plausible_mm: int, row_edge: int, at: tuple[int, int, int]
) -> int:
    """Tell whether a state of the next fix is reached straight along a street other than the row's."""
    first, middle, last = at
    for target in range(middle, last):
        if is_asked[target] == 0 or edges[target] // 2 == row_edge // 2:
            continue
        for source in range(first, middle):
            # Backwards too: both places are known no better than the fixes.
            is_short = abs(along_mm[target] - along_mm[source]) <= plausible_mm
            if is_asked[source] and edges[source] == edges[target] and is_short:
                return 1
    return 0


@inner(int64(I64, I64, I64, NEW_I64, int64, triple(int64)))  # pyright: ignore[reportArgumentType]
def _narrow(  # the network, the states, how far, then which
    graph: Ints, edges: Ints, along_mm: Ints, is_asked: Ints, limit_mm: int, at: tuple[int, int, int]
) -> int:
    """Ask no more of states which even the straight line keeps apart from all of the other fix; give who is left."""
    first, middle, last = at
    for state in range(first, last):
        # Of each state 1 becomes 2 where another is near enough.
        for other in range(middle if state < middle else last, last):
            if is_asked[state] == 0 or is_asked[other] == 0:
                continue
            room_mm = limit_mm - (graph[RECORD * edges[state] + LENGTH] - along_mm[state] + along_mm[other])
            if may_lead(graph, edges[state], edges[other], room_mm):
                is_asked[state], is_asked[other] = 2, 2
    left = 0
    for state in range(first, last):
        is_asked[state] = 1 if is_asked[state] == 2 else 0  # noqa: PLR2004  # as above
        left += is_asked[state]
    return left


@inner(int64(I64, int64, I64))
def _is_around(found: Ints, row_edge: int, asked: Ints) -> int:
    """Tell whether the way that was found last leads around another row too, to a state that is asked for still."""
    if found[0] == 0 or asked[found[1]] == 0:
        return 0
    # Over the last edge, which is the first in the list, nobody need go on.
    for place in range(3, 2 + found[0]):
        if found[place] // 2 == row_edge // 2:
            return 0
    return 1


@inner(int64(triple(I64), triple(I64), I64, NEW_I64, NEW_I64, NEW_I64, int64, _links))
def _is_sure(  # noqa: PLR0917  # the network, the states, the work, then which row of which link
    streets: Triple,
    states: Triple,
    side: Ints,
    is_asked: Ints,
    search: Ints,
    found: Ints,
    row_edge: int,
    at: tuple[Link, Link],
) -> int:
    """Tell whether no state of the next fix is reached from one of this around a row.

    `found` is the way around an earlier row of the link: the number of its edges, 0 for none, the state it ends at,
    and the edges, the last one first.
    """
    fix, limit_mm, trust_ahead, trust_behind = at[0]
    is_first, is_last = at[1][0] == 1, at[1][1] == 1
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
    # From row to row of a link more sources are asked and never fewer.
    if _is_around(found, row_edge, is_asked):
        return 0
    span = (int(first), int(middle), int(last))
    if _goes_along(edges, along_mm, is_asked, limit_mm, row_edge, span):
        return 0
    if _narrow(graph, edges, along_mm, is_asked, limit_mm, span) == 0:
        return 1
    aim(graph, edges, along_mm, is_asked[middle:last], middle, last, search)
    for source in range(first, middle):
        if is_asked[source]:
            rest_mm = graph[RECORD * edges[source] + LENGTH] - along_mm[source]
            follow(graph, leaving, search, (edges[source], rest_mm, NOWHERE), limit_mm, row_edge // 2)
    is_sure = 1
    while search[HEAP_COUNT] > 0 and is_sure:
        label = settle(graph, leaving, search, limit_mm, row_edge // 2)
        for target in range(middle, last):
            if (
                is_asked[target]
                and edges[target] == search[label]
                and key_at(search, label) + along_mm[target] <= limit_mm
            ):
                is_sure, found[0], found[1] = 0, 0, target
        while not is_sure and label != NOWHERE:
            found[2 + found[0]] = search[label]
            found[0] += 1
            label = label_before(search, label)
    # A search that gave up has seen too little to be sure.
    is_sure = is_sure if search[COUNT] < LABELS_MAX else 0
    clear(search)
    return is_sure


@kernel(NEW_I64(triple(I64), triple(I64), I64, triple(I64), I64))
def certain(streets: Triple, states: Triple, side: Ints, rows: Triple, plausible_mm: Ints) -> Ints:
    """Mark the rows of the path that no vehicle which fits the fixes can have gone around; see `kernels.matching`."""
    row_start, row_edge, _ = rows
    count = plausible_mm.shape[0]
    is_certain = np.ones(row_edge.shape[0], np.int64)
    for fix in range(count):
        if plausible_mm[fix] < 0:
            is_certain[row_start[fix] : row_start[fix + 1]] = 0
    is_asked = np.zeros(side.shape[0], np.int64)
    search, found = empty_search(0, TURN_MM), np.empty(LABELS_MAX + 2, np.int64)
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
            found[0] = 0
            for row in range(begin, end):
                # Less trust never makes a row certain.
                if is_certain[row] == 1:
                    at = (link, (int(row == begin), int(row == end - 1), 0, 0))
                    is_certain[row] = _is_sure(streets, states, side, is_asked, search, found, row_edge[row], at)
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
