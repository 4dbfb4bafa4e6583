"""The loops behind `kernels.matching`: the ways of a link, and what they cost.

*Link*: the step from one fix to a later one, not always the next, as a fix may be passed over. A way not in the table
is searched for only where it could matter: its cost is no less than that of the shortest the table does not hold, and
a state that costs `BEAM` more than the best of its fix is dropped anyway.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, inner, int64, several, triple
from kernels._ways import (
    BOUND,
    HEAD,
    HEAP_COUNT,
    LENGTH,
    NOWHERE,
    RECORD,
    ROW,
    TAIL,
    UNREACHED,
    aim,
    clear,
    entry_first,
    entry_of,
    follow,
    key_at,
    key_of,
    settle,
    turn_mm,
)

Ints = NDArray[np.int64]
Triple = tuple[Ints, Ints, Ints]
Work = tuple[Ints, Ints, Ints, Ints, Ints]
Link = tuple[int, int, int, int, int, int, int]
Span = tuple[int, int, int, int]
Source = tuple[int, int, int, int]

COST_UNIT: Final = 1_000_000
"""A cost of one, that is odds of one to e."""

# Places in the weights; what turns cost comes first, as `kernels._ways` takes it.
BEND_MM, ROUND_MM, STRANGE_MM, STRANGE_MMPS, TOP_MMPS, URBAN_MMPS = range(6)
DETOUR_MM, DETOUR_RATIO, BEAM, SKIP, SKIPS_MAX, BRIDGE_US = range(6, 12)

# Kinds of ways.
STRAIGHT, BACK, ROUND, NEXT, KEPT = range(5)

# A way that is kept is its cost, its source and its target in one number.
_SIDE_BITS: Final = 8
_PAIR_BITS: Final = 2 * _SIDE_BITS

# Rolling back is an error along the street, by the normal law: the slack is six deviations of one fix. Without that a
# vehicle which drove back seemed to roll all the way.
_ROLL_COST: Final = 9 * COST_UNIT
GAP_MAX_US: Final = 2**41  # 24 days at the top speed: keeps products within 64 bits

# Numbers make a tuple as arrays do.
link_type: Final = several(int64, 7)  # pyright: ignore[reportArgumentType]
span_type: Final = several(int64, 4)  # pyright: ignore[reportArgumentType]
source_type: Final = span_type
_numbers: Final = triple(int64)  # pyright: ignore[reportArgumentType]
work_type: Final = several(NEW_I64, 5)


@inner(link_type(I64, I64, I64, I64, I64, I64, int64, int64))
def link_of(  # noqa: PLR0917  # columns of fixes, the weights, then which
    t_us: Ints, x_mm: Ints, y_mm: Ints, accuracy_mm: Ints, near_mm: Ints, weights: Ints, one: int, other: int
) -> Link:
    """Measure a link: straight distance, difference that costs one, longest way, slack, usual way, costs of turns.

    The longest way is -1 where the fixes are too far from each other.
    """
    gap_us = min(t_us[other] - t_us[one], GAP_MAX_US)
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


@inner(int64(link_type, int64))
def _cost(link: Link, key: int) -> int:
    """Weigh a way by its key: against the straight distance, and once more by what no usual speed covers."""
    strange = (abs(key - link[0]) + max(key - link[4], 0)) * COST_UNIT
    # Integers are divided slowly. A quotient of floats is one off at most, and what is left tells: this is exact.
    quotient = np.int64(float(strange) / float(link[1]))
    left = strange - quotient * link[1]
    return int(quotient - np.int64(left < 0) + np.int64(left >= link[1]))


@inner(int64(I64, int64, int64, int64, int64, int64))
def kind_of(graph: Ints, edge: int, at_mm: int, following: int, until_mm: int, slack_mm: int) -> int:
    """Tell how to come from a place on one edge to a place on another."""
    if edge == following:
        if until_mm >= at_mm:
            return STRAIGHT
        return BACK if at_mm - until_mm <= slack_mm else KEPT
    if following == edge ^ 1:
        return ROUND
    return NEXT if graph[RECORD * following + TAIL] == graph[RECORD * edge + HEAD] else KEPT


@inner(int64(triple(I64), triple(I64), NEW_I64, NEW_I64, link_type, int64, source_type))
def _look_near(  # noqa: PLR0917  # the network, the states, what is filled, then which link
    streets: Triple, states: Triple, way: Ints, asked: Ints, link: Link, most: int, span: Source
) -> int:
    """Fill in the costs of the ways from one source that need no table; gives for how many it is asked.

    Targets that cost more than `most` are passed over.
    """
    source, first, last, at = span
    graph, entry, _ = streets
    edges, along_mm, emission = states
    edge, at_mm = edges[source], along_mm[source]
    rest_mm, row = graph[RECORD * edge + LENGTH] - at_mm, int(graph[RECORD * edge + ROW])
    count = 0
    for target in range(first, last):
        following, until_mm = edges[target], along_mm[target]
        way[at + target - first] = UNREACHED
        if emission[target] > most:
            continue
        key, rolled = UNREACHED, 0
        kind = kind_of(graph, edge, at_mm, following, until_mm, link[3])
        if kind == KEPT:
            # The line is asked for now, and waited for when it is read: others come meanwhile.
            asked[2 * count], asked[2 * count + 1] = target, entry_first(entry, row, following)
            count += 1
        elif kind == STRAIGHT:
            key = until_mm - at_mm
        elif kind == BACK:
            key = 0
            back_mm = at_mm - until_mm
            rolled = back_mm * back_mm * _ROLL_COST // (link[3] * link[3])
        elif kind == ROUND:
            key = abs(until_mm - rest_mm) + link[6]
        else:
            key = rest_mm + until_mm + turn_mm(graph, edge, following, link[5], link[6])
        if key <= link[2]:
            way[at + target - first] = _cost(link, key) + rolled
    return count


@inner(int64(triple(I64), triple(I64), NEW_I64, NEW_I64, link_type, int64, source_type))
def _look(  # noqa: PLR0917  # the network, the states, what is filled, then which link
    streets: Triple, states: Triple, way: Ints, asked: Ints, link: Link, most: int, span: Source
) -> int:
    """Fill in the costs of the ways from one source; of those that take a search, least cost - `UNREACHED`.

    That is negative. Gives the number of those.
    """
    source, first, _, at = span
    graph, entry, _ = streets
    edges, along_mm, emission = states
    rest_mm = graph[RECORD * edges[source] + LENGTH] - along_mm[source]
    bound_mm, row = rest_mm + graph[RECORD * edges[source] + BOUND], int(graph[RECORD * edges[source] + ROW])
    lacking = 0
    for index in range(_look_near(streets, states, way, asked, link, most, span)):
        target = int(asked[2 * index])
        place, until_mm = entry_of(entry, row, int(edges[target])), along_mm[target]
        if place != NOWHERE:
            key = rest_mm + until_mm + key_of(entry, row, place)
            if key <= link[2]:
                way[at + target - first] = _cost(link, key)
        elif bound_mm + until_mm <= link[2]:
            # No shorter than the shortest way that the table does not hold.
            least = _cost(link, max(bound_mm + until_mm, link[0]))
            if least + emission[target] <= most:
                way[at + target - first] = least - UNREACHED
                lacking += 1
    return lacking


@inner(int64(I64, triple(NEW_I64), NEW_I64, int64, source_type))
def _take(emission: Ints, costs: Triple, way: Ints, least: int, span: Source) -> int:
    """Take the known ways from one source where they cost less; gives the least cost so far."""
    source, first, last, at = span
    cost, new, before = costs
    for target in range(first, last):
        known = way[at + target - first]
        if 0 <= known < UNREACHED:
            total = cost[source] + known + emission[target]
            # Of equal costs the first source's is taken.
            if total < new[target] or (total == new[target] and source < before[target]):
                new[target], before[target] = total, source
                least = min(least, total)
    return least


@inner(int64(triple(I64), triple(I64), NEW_I64, NEW_I64, NEW_I64, link_type, int64, source_type))
def _search(  # noqa: PLR0917  # the network, the states, the labels, then what is filled for which link
    streets: Triple, states: Triple, search: Ints, way: Ints, asked: Ints, link: Link, most: int, span: Source
) -> int:
    """Search the ways from one source that the table does not hold, up to a cost; what is dearer is left out."""
    source, first, last, at = span
    graph, _, leaving = streets
    edges, along_mm, _ = states
    edge = edges[source]
    rest_mm = graph[RECORD * edge + LENGTH] - along_mm[source]
    # Beyond this a way costs too much: the sum of two differences, of which the second may be nothing.
    limit_mm = min(link[2], link[0] + most // COST_UNIT * link[1] + link[1])
    for target in range(first, last):
        asked[target - first] = 1 if way[at + target - first] < 0 else 0
    aims = aim(graph, edges, along_mm, asked, first, last, search)
    follow(graph, leaving, search, edge, rest_mm, limit_mm, NOWHERE)
    while search[HEAP_COUNT] > 0 and aims > 0:
        label = settle(graph, leaving, search, limit_mm, NOWHERE)
        for target in range(first, last):
            if way[at + target - first] < 0 and edges[target] == search[label]:
                key = key_at(search, label) + along_mm[target]
                way[at + target - first] = _cost(link, key) if key <= link[2] else UNREACHED
                aims -= 1
    for target in range(first, last):
        if way[at + target - first] < 0:
            way[at + target - first] = UNREACHED
    clear(search)
    return 0


@inner(int64(triple(I64), triple(I64), work_type, NEW_I64, link_type, int64, span_type))
def advance(  # noqa: PLR0917  # the network, the states, the work, then which link
    streets: Triple, states: Triple, work: Work, search: Ints, link: Link, beam: int, span: Span
) -> int:
    """Link one fix to another: costs of the other's states, and where each came from; gives the least cost.

    `work` is the cost of each state, what it will be, the state before, the ways, source by source, and room for
    two numbers of each target. What costs more than the least by the beam is dropped.
    """
    begin, middle, first, last = span
    cost, new, before, way, asked = work
    emission = states[2]
    size = last - first
    new[first:last], before[first:last] = UNREACHED, NOWHERE
    least, lacking = UNREACHED, 0
    if link[2] < 0:
        return least
    # The best source first: of the others only what may cost less than its ways and the beam is looked at.
    best = begin + np.argmin(cost[begin:middle])
    for turn in range(begin - 1, middle):
        source = best if turn < begin else turn
        if turn == best:
            continue
        here = (int(source), int(first), int(last), int((source - begin) * size))
        most = min(least + beam, UNREACHED - 1) - cost[source]
        if most < 0:
            way[here[3] : here[3] + size] = UNREACHED
            continue
        lacking += _look(streets, states, way, asked, link, most, here)
        least = _take(emission, (cost, new, before), way, least, here)
    for source in range(begin, middle if lacking > 0 else begin):
        here, most = (int(source), int(first), int(last), int((source - begin) * size)), -1
        for target in range(first, last):
            at = here[3] + target - first
            if way[at] < 0:
                so_far = cost[source] + emission[target]
                most_here = min(new[target] - 1, least + beam) - so_far
                if way[at] + UNREACHED > most_here:
                    way[at] = UNREACHED
                else:
                    most = max(most, most_here)
        if most >= 0:
            _search(streets, states, search, way, asked, link, most, here)
            least = _take(emission, (cost, new, before), way, least, here)
    for target in range(first, last):
        if new[target] > least + beam:
            new[target] = UNREACHED
    return least


@inner(int64(I64, I64, I64, NEW_I64, int64, int64, span_type))
def keep(  # noqa: PLR0917  # the states, the ways, what is filled, then for which link
    emission: Ints, cost: Ints, way: Ints, pairs: Ints, used: int, most: int, span: Span
) -> int:
    """Keep the ways over which no state costs more than `most`; gives where the next may be put."""
    begin, middle, first, last = span
    at = 0
    for source in range(begin, middle):
        if cost[source] > most:
            at += last - first
            continue
        for target in range(first, last):
            if 0 <= way[at] < UNREACHED and cost[source] + way[at] + emission[target] <= most:
                pairs[used] = (way[at] << _PAIR_BITS) | ((source - begin) << _SIDE_BITS) | (target - first)
                used += 1
            at += 1
    return used


@inner(_numbers(I64, int64))
def pair_of(pairs: Ints, at: int) -> tuple[int, int, int]:
    """Read a way that was kept: its source and target, counted from the first of their fixes, and its cost."""
    mask = (1 << _SIDE_BITS) - 1
    return int((pairs[at] >> _SIDE_BITS) & mask), int(pairs[at] & mask), int(pairs[at] >> _PAIR_BITS)
