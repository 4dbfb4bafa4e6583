"""The loops behind `kernels.matching`: the ways of a link, and what they cost.

*Link*: the step from one fix to a later one, not always the next, as a fix may be passed over. A way not in the table
is searched for only where it could matter: its cost is no less than that of the shortest the table does not hold, and
a state that costs `BEAM` more than the best of its fix is dropped anyway.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel, several, triple
from kernels._ways import (
    BOUND,
    HEAD,
    LENGTH,
    NOWHERE,
    RECORD,
    ROW,
    TAIL,
    UNREACHED,
    aim,
    clear,
    entry_at,
    follow,
    key_at,
    key_of,
    place_of,
    settle,
    turn_mm,
)

Ints = NDArray[np.int64]
Triple = tuple[Ints, Ints, Ints]
Work = tuple[Ints, Ints, Ints, Ints]
Link = tuple[int, int, int, int, int, int, int]
Span = tuple[int, int, int, int, int]

COST_UNIT: Final = 1_000_000
"""A cost of one, that is odds of one to e."""

# Places in the weights; what turns cost comes first, as `kernels._ways` takes it.
BEND_MM, ROUND_MM, STRANGE_MM, STRANGE_MMPS, TOP_MMPS, URBAN_MMPS = range(6)
DETOUR_MM, DETOUR_RATIO, BEAM, SKIP, SKIPS_MAX, BRIDGE_US = range(6, 12)

# Kinds of ways.
STRAIGHT, BACK, ROUND, NEXT, KEPT = range(5)

# Rolling back is an error along the street, by the normal law: the slack is six deviations of one fix. Without that a
# vehicle which drove back seemed to roll all the way.
_ROLL_COST: Final = 9 * COST_UNIT
_GAP_MAX_US: Final = 2**41  # 24 days at the top speed: keeps products within 64 bits

# Numbers make a tuple as arrays do.
link_type: Final = several(int64, 7)  # pyright: ignore[reportArgumentType]
span_type: Final = several(int64, 5)  # pyright: ignore[reportArgumentType]
work_type: Final = several(NEW_I64, 4)


@kernel(link_type(I64, I64, I64, I64, I64, I64, int64, int64))
def link_of(  # noqa: PLR0917  # columns of fixes, the weights, then which
    t_us: Ints, x_mm: Ints, y_mm: Ints, accuracy_mm: Ints, near_mm: Ints, weights: Ints, one: int, other: int
) -> Link:
    """Measure a link: straight distance, difference that costs one, longest way, slack, usual way, costs of turns.

    The longest way is -1 where the fixes are too far from each other.
    """
    gap_us = min(t_us[other] - t_us[one], _GAP_MAX_US)
    east, north = float(x_mm[other] - x_mm[one]), float(y_mm[other] - y_mm[one])
    straight_mm = np.int64(np.sqrt(east * east + north * north) + 0.5)
    slack_mm = near_mm[one] + near_mm[other]
    gap_ms = gap_us // 1_000
    fastest_mm = gap_ms * weights[TOP_MMPS] // 1_000 + slack_mm
    usual_mm = gap_ms * weights[URBAN_MMPS] // 1_000 + slack_mm
    strange_mm = weights[STRANGE_MM] + (accuracy_mm[one] + accuracy_mm[other]) // 2
    strange_mm += gap_ms * weights[STRANGE_MMPS] // 1_000
    limit_mm = min(fastest_mm, max(weights[DETOUR_RATIO] * straight_mm + weights[DETOUR_MM], usual_mm))
    limit_mm += weights[ROUND_MM]
    if gap_us > weights[BRIDGE_US] or straight_mm > fastest_mm:
        limit_mm = -1
    bend_mm, round_mm = int(weights[BEND_MM]), int(weights[ROUND_MM])
    return int(straight_mm), int(strange_mm), int(limit_mm), int(slack_mm), int(usual_mm), bend_mm, round_mm


@kernel(int64(link_type, int64))
def _cost(link: Link, key: int) -> int:
    """Weigh a way by its key: against the straight distance, and once more by what no usual speed covers."""
    strange = (abs(key - link[0]) + max(key - link[4], 0)) * COST_UNIT
    # Integers are divided slowly. A quotient of floats is one off at most, and what is left tells: this is exact.
    quotient = np.int64(float(strange) / float(link[1]))
    left = strange - quotient * link[1]
    return int(quotient - np.int64(left < 0) + np.int64(left >= link[1]))


@kernel(int64(I64, int64, int64, int64, int64, int64))
def kind_of(graph: Ints, edge: int, at_mm: int, following: int, until_mm: int, slack_mm: int) -> int:
    """Tell how to come from a place on one edge to a place on another."""
    if edge == following:
        if until_mm >= at_mm:
            return STRAIGHT
        return BACK if at_mm - until_mm <= slack_mm else KEPT
    if following == edge ^ 1:
        return ROUND
    return NEXT if graph[RECORD * following + TAIL] == graph[RECORD * edge + HEAD] else KEPT


@kernel(int64(I64, I64, I64, I64, NEW_I64, NEW_I64, link_type, span_type))
def _look(  # noqa: PLR0917  # the network, the states, then what is filled for which link
    graph: Ints, entry: Ints, edges: Ints, along_mm: Ints, cost: Ints, way: Ints, link: Link, span: Span
) -> int:
    """Fill in the costs of ways that need no search; of others, least cost - `UNREACHED`, which is negative.

    Gives the number of those others.
    """
    begin, middle, first, last, at = span
    lacking = 0
    for source in range(begin, middle):
        edge, at_mm = edges[source], along_mm[source]
        rest_mm = graph[RECORD * edge + LENGTH] - at_mm
        bound_mm, row = rest_mm + graph[RECORD * edge + BOUND], int(graph[RECORD * edge + ROW])
        sought, place = NOWHERE, NOWHERE
        for target in range(first, last):
            following, until_mm = edges[target], along_mm[target]
            key, rolled = UNREACHED, 0
            if cost[source] < UNREACHED:
                kind = kind_of(graph, edge, at_mm, following, until_mm, link[3])
                if kind == STRAIGHT:
                    key = until_mm - at_mm
                elif kind == BACK:
                    key = 0
                    back_mm = at_mm - until_mm
                    rolled = back_mm * back_mm * _ROLL_COST // (link[3] * link[3])
                elif kind == ROUND:
                    key = abs(until_mm - rest_mm) + link[6]
                elif kind == NEXT:
                    key = rest_mm + until_mm + turn_mm(graph, edge, following, link[5], link[6])
                else:
                    # The two directions of a street are neighbours among the states, and in the row.
                    if sought == following - 1 and following & 1:
                        place += 1 if entry_at(entry, row, place, sought) != NOWHERE else 0
                    else:
                        place = place_of(entry, row, following)
                    sought = following
                    if entry_at(entry, row, place, following) != NOWHERE:
                        key = rest_mm + until_mm + key_of(entry, place)
                    elif bound_mm + until_mm <= link[2]:
                        # No shorter than the shortest way that the table does not hold.
                        key = UNREACHED + 1
            if key <= link[2]:
                way[at] = _cost(link, key) + rolled
            elif key > UNREACHED:
                way[at] = _cost(link, max(bound_mm + until_mm, link[0])) - UNREACHED
                lacking += 1
            else:
                way[at] = UNREACHED
            at += 1
    return lacking


@kernel(int64(I64, NEW_I64, NEW_I64, NEW_I64, NEW_I64, span_type))
def _least(emission: Ints, cost: Ints, way: Ints, new: Ints, before: Ints, span: Span) -> int:
    """Find for each target the least cost by known ways, and the least of all."""
    begin, middle, first, last, at = span
    least = UNREACHED
    for target in range(first, last):
        best, best_source = UNREACHED, NOWHERE
        place = at + target - first
        for source in range(begin, middle):
            if 0 <= way[place] < UNREACHED and cost[source] + way[place] < best:
                best, best_source = cost[source] + way[place], source
            place += last - first
        if best < UNREACHED:
            best += emission[target]
            least = min(least, best)
        new[target], before[target] = best, best_source
    return least


@kernel(int64(triple(I64), I64, I64, NEW_I64, NEW_I64, link_type, int64, span_type))
def _search(  # noqa: PLR0917  # the network, the states, the labels, then what is filled for which link
    streets: Triple, edges: Ints, along_mm: Ints, search: Ints, way: Ints, link: Link, most: int, span: Span
) -> int:
    """Search the ways from one source that the table does not hold, up to a cost; what is dearer is left out."""
    source, _, first, last, at = span
    graph, _, leaving = streets
    turns_mm = np.array([link[5], link[6]])
    edge = edges[source]
    # Beyond this a way costs too much: the sum of two differences, of which the second may be nothing.
    limit_mm = min(link[2], link[0] + most // COST_UNIT * link[1] + link[1])
    goal = np.zeros(4, np.int64)
    asked = aim(graph, edges, along_mm, (way[at : at + last - first] < 0).astype(np.int64), first, last, goal)
    follow(
        graph, leaving, search, turns_mm, edge, graph[RECORD * edge + LENGTH] - along_mm[source], limit_mm, NOWHERE
    )
    while search[1] > 0 and asked > 0:
        label = settle(graph, leaving, search, turns_mm, limit_mm, NOWHERE, goal)
        for target in range(first, last):
            if way[at + target - first] < 0 and edges[target] == search[label]:
                key = key_at(search, label) + along_mm[target]
                way[at + target - first] = _cost(link, key) if key <= link[2] else UNREACHED
                asked -= 1
    for target in range(first, last):
        if way[at + target - first] < 0:
            way[at + target - first] = UNREACHED
    clear(search)
    return 0


@kernel(int64(triple(I64), triple(I64), work_type, NEW_I64, link_type, int64, span_type))
def advance(  # noqa: PLR0917  # the network, the states, the work, then which link
    streets: Triple, states: Triple, work: Work, search: Ints, link: Link, beam: int, span: Span
) -> int:
    """Link one fix to another: costs of the other's states, and where each came from; gives the least cost.

    `work` is the cost of each state, what it will be, the state before, and the ways, which are put from `at` on.
    """
    begin, middle, first, last, at = span
    cost, new, before, way = work
    edges, along_mm, emission = states
    if link[2] < 0:
        new[first:last] = UNREACHED
        return UNREACHED
    lacking = _look(streets[0], streets[1], edges, along_mm, cost, way, link, span)
    least = _least(emission, cost, way, new, before, span)
    for source in range(begin, middle if lacking > 0 else begin):
        most = -1
        for target in range(first, last):
            if way[at] < 0:
                so_far = cost[source] + emission[target]
                most_here = min(new[target] - 1, least + beam) - so_far
                if way[at] + UNREACHED > most_here:
                    way[at] = UNREACHED
                else:
                    most = max(most, most_here)
            at += 1
        if most >= 0:
            here = (source, source + 1, first, last, at - (last - first))
            _search(streets, edges, along_mm, search, way, link, most, here)
            # Of equal costs the first source's is taken, as `_least` does.
            for target in range(first, last):
                known = way[here[4] + target - first]
                total = cost[source] + known + emission[target]
                if known < UNREACHED and (total < new[target] or (total == new[target] and source < before[target])):
                    new[target], before[target] = total, source
                    least = min(least, total)
    for target in range(first, last):
        if new[target] > least + beam:
            new[target] = UNREACHED
    return least
