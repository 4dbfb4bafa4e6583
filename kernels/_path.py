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
    entry_of,
    expect,
    follow,
    key_at,
    key_of,
    may_lead,
    settle,
    turn_mm,
)

Ints = NDArray[np.int64]
Triple = tuple[Ints, Ints, Ints]
Work = tuple[Ints, Ints, Ints, Ints, Ints]
Link = tuple[int, int, int, int, int, int, int, int]
Span = tuple[int, int, int, int]

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
# Whatever may be spent above this counts as no limit: products with what costs one stay within 64 bits.
_ROOM_MAX: Final = 2**31

# Rolling back is an error along the street, by the normal law: the slack is six deviations of one fix. Without that a
# vehicle which drove back seemed to roll all the way.
_ROLL_COST: Final = 9 * COST_UNIT
GAP_MAX_US: Final = 2**41  # 24 days at the top speed: keeps products within 64 bits

# Numbers make a tuple as arrays do.
link_type: Final = several(int64, 8)  # pyright: ignore[reportArgumentType]
span_type: Final = several(int64, 4)  # pyright: ignore[reportArgumentType]
_numbers: Final = triple(int64)  # pyright: ignore[reportArgumentType]
work_type: Final = several(NEW_I64, 5)


@inner(link_type(I64, I64, I64, I64, I64, I64, int64, int64))
def link_of(  # noqa: PLR0917  # columns of fixes, the weights, then which
    t_us: Ints, x_mm: Ints, y_mm: Ints, accuracy_mm: Ints, near_mm: Ints, weights: Ints, one: int, other: int
) -> Link:
    """Measure a link: straight distance, difference that costs one, longest way, slack, usual way, turns, beam.

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
    turns = (int(weights[BEND_MM]), int(weights[ROUND_MM]))
    return int(straight_mm), int(strange_mm), int(limit_mm), int(slack_mm), int(usual_mm), *turns, int(weights[BEAM])


@inner(int64(link_type, int64), is_laid_in=True)
def _strange(link: Link, key: int) -> int:
    """Weigh a way by its key: against the straight distance, and once more by what no usual speed covers."""
    return (abs(key - link[0]) + max(key - link[4], 0)) * COST_UNIT


@inner(int64(int64, int64), is_laid_in=True)
def _divided(strange: int, unit: int) -> int:
    """Divide, rounding down."""
    # Integers are divided slowly. A quotient of floats is one off at most, and what is left tells: this is exact.
    quotient = np.int64(float(strange) / float(unit))
    left = strange - quotient * unit
    return int(quotient - np.int64(left < 0) + np.int64(left >= unit))


@inner(int64(I64, int64, int64, int64, int64, int64), is_laid_in=True)
def kind_of(graph: Ints, edge: int, at_mm: int, following: int, until_mm: int, slack_mm: int) -> int:
    """Tell how to come from a place on one edge to a place on another."""
    if edge == following:
        if until_mm >= at_mm:
            return STRAIGHT
        return BACK if at_mm - until_mm <= slack_mm else KEPT
    if following == edge ^ 1:
        return ROUND
    return NEXT if graph[RECORD * following + TAIL] == graph[RECORD * edge + HEAD] else KEPT


@inner(_numbers(I64, int64))
def pair_of(pairs: Ints, at: int) -> tuple[int, int, int]:
    """Read a way that was kept: its source and target, counted from the first of their fixes, and its cost."""
    mask = (1 << _SIDE_BITS) - 1
    return int((pairs[at] >> _SIDE_BITS) & mask), int(pairs[at] & mask), int(pairs[at] >> _PAIR_BITS)


@inner(int64(int64))
def _lacking_at(size: int) -> int:
    """Say where in what is asked the ways begin that take a search: their number, then each as a way that is kept."""
    return size + 1


@inner(int64(I64, link_type, int64, int64, int64, _numbers), is_laid_in=True)
def _is_out(  # the network, the link, what may be spent, then from where to where
    graph: Ints, link: Link, room: int, edge: int, following: int, way_mm: tuple[int, int, int]
) -> int:
    """Tell whether a way surely costs more than that by the straight line alone, so that no table need be asked.

    `way_mm` is what is driven of the first edge and of the last, and the least that a way which the row lacks has.
    """
    if room >= _ROOM_MAX:
        return 0
    rest_mm, until_mm, bound_mm = way_mm
    # Two millimetres are more than a float is off.
    most_mm = link[0] + np.int64(float((room + 1) * link[1]) / COST_UNIT) + 2
    # What the row may lack may have to be searched for.
    return 0 if bound_mm <= most_mm else 1 - may_lead(graph, edge, following, int(most_mm - rest_mm - until_mm))


@inner(int64(work_type, link_type, int64, int64, int64, _numbers), is_laid_in=True)
def _take(  # what is filled, the link, what the way is charged, then what else is and may be
    work: Work, link: Link, strange: int, so_far: int, most: int, ends: tuple[int, int, int]
) -> int:
    """Take a way from a source to a target if the target costs no more than `most`; gives the most from now on.

    `so_far` is what source and target cost without the way, `ends` are the source, the target counted from the first
    of its fix, and both as one number.
    """
    source, target, pair = ends
    # A cost is rounded down. Most ways are too strange, and integers are divided slowly.
    if most - so_far < _ROOM_MAX and strange >= (most - so_far + 1) * link[1]:
        return most
    _, new, before, pairs, _ = work
    way = _divided(strange, link[1])
    pairs[0] += 1
    pairs[pairs[0]] = (way << _PAIR_BITS) | pair
    # Of equal costs the first source's is taken.
    if so_far + way < new[target] or (so_far + way == new[target] and source < before[target]):
        new[target], before[target] = so_far + way, source
    return int(min(most, so_far + way + link[7]))


@inner(int64(triple(I64), triple(I64), work_type, link_type, int64, span_type), is_laid_in=True)
def _look_near(streets: Triple, states: Triple, work: Work, link: Link, most: int, span: Span) -> int:
    """Take the ways from one source that need no table, and list the targets for which it is asked.

    Their number goes to the first place of what is asked. Gives the most that a target may cost from now on.
    """
    begin, source, first, last = span
    graph, entry, _ = streets
    edges, along_mm, emission = states
    asked = work[4]
    edge, at_mm, cost = edges[source], along_mm[source], work[0][source]
    rest_mm, row = graph[RECORD * edge + LENGTH] - at_mm, int(graph[RECORD * edge + ROW])
    bound_mm = rest_mm + graph[RECORD * edge + BOUND]
    count = 0
    for target in range(first, last):
        so_far = cost + emission[target]
        if so_far > most:
            continue
        following, until_mm = edges[target], along_mm[target]
        kind = kind_of(graph, edge, at_mm, following, until_mm, link[3])
        rolled = 0
        if kind == KEPT:
            way_mm = (int(rest_mm), int(until_mm), int(bound_mm + until_mm))
            if _is_out(graph, link, most - so_far, edge, following, way_mm) == 0:
                # The memory is asked for now, and waited for when it is read: others come meanwhile.
                expect(entry, row, int(following))
                count += 1
                asked[count] = target
            continue
        if kind == STRAIGHT:
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
            strange = _strange(link, key) + rolled * link[1]
            ends = (source, target - first, ((source - begin) << _SIDE_BITS) | (target - first))
            most = _take(work, link, strange, int(so_far), most, ends)
    asked[0] = count
    return most


@inner(int64(triple(I64), triple(I64), work_type, link_type, int64, span_type))
def _look(streets: Triple, states: Triple, work: Work, link: Link, most: int, span: Span) -> int:
    """Take the ways from one source, and list those that take a search; gives the most a target may cost then.

    A target that costs more than `most` is dropped in the end: its ways are passed over.
    """
    begin, source, first, last = span
    graph, entry, _ = streets
    edges, along_mm, emission = states
    asked = work[4]
    edge, cost = edges[source], work[0][source]
    rest_mm = graph[RECORD * edge + LENGTH] - along_mm[source]
    bound_mm, row = rest_mm + graph[RECORD * edge + BOUND], int(graph[RECORD * edge + ROW])
    most = _look_near(streets, states, work, link, most, span)
    lacking = _lacking_at(last - first)
    for index in range(asked[0]):
        target = int(asked[index + 1])
        place, until_mm = entry_of(entry, row, int(edges[target])), along_mm[target]
        so_far, pair = int(cost + emission[target]), ((source - begin) << _SIDE_BITS) | (target - first)
        if place != NOWHERE:
            key = rest_mm + until_mm + key_of(entry, row, place)
            if key <= link[2]:
                most = _take(work, link, _strange(link, key), so_far, most, (source, target - first, pair))
        elif bound_mm + until_mm <= link[2]:
            # No shorter than the shortest way that the table does not hold.
            least = _divided(_strange(link, max(bound_mm + until_mm, link[0])), link[1])
            if so_far + least <= most:
                asked[lacking] += 1
                asked[lacking + asked[lacking]] = (least << _PAIR_BITS) | pair
    return most


@inner(int64(triple(I64), triple(I64), work_type, NEW_I64, link_type, int64, span_type))
def _search(  # noqa: PLR0917  # the network, the states, what is filled, the labels, then for which link
    streets: Triple, states: Triple, work: Work, search: Ints, link: Link, most: int, span: Span
) -> int:
    """Search the ways from one source that the table does not hold; gives the most that a target may cost then.

    What costs more is left out.
    """
    begin, source, first, last = span
    graph, _, leaving = streets
    edges, along_mm, emission = states
    cost, new, _, _, asked = work
    lacking, dearest = _lacking_at(last - first), -1
    asked[: last - first] = 0
    for index in range(lacking + 1, lacking + 1 + asked[lacking]):
        one, other, least = pair_of(asked, index)
        if one == source - begin:
            room = min(new[other] - 1, most) - cost[source] - emission[first + other]
            if least <= room:
                asked[other], dearest = 1, max(dearest, room)
    if dearest < 0:
        return most
    edge = edges[source]
    rest_mm = graph[RECORD * edge + LENGTH] - along_mm[source]
    # Beyond this a way costs too much: the sum of two differences, of which the second may be nothing.
    limit_mm = min(link[2], link[0] + dearest // COST_UNIT * link[1] + link[1])
    aims = aim(graph, edges, along_mm, asked, first, last, search)
    follow(graph, leaving, search, (edge, rest_mm, NOWHERE), limit_mm, NOWHERE)
    while search[HEAP_COUNT] > 0 and aims > 0:
        label = settle(graph, leaving, search, limit_mm, NOWHERE)
        for target in range(first, last):
            if asked[target - first] == 1 and edges[target] == search[label]:
                asked[target - first] = 0
                aims -= 1
                key, so_far = key_at(search, label) + along_mm[target], int(cost[source] + emission[target])
                if key <= link[2]:
                    ends = (source, target - first, ((source - begin) << _SIDE_BITS) | (target - first))
                    most = _take(work, link, _strange(link, key), so_far, most, ends)
    clear(search)
    return most


@inner(int64(triple(I64), triple(I64), work_type, NEW_I64, link_type, span_type))
def advance(  # the network, the states, the work, then which link
    streets: Triple, states: Triple, work: Work, search: Ints, link: Link, span: Span
) -> int:
    """Link one fix to another: costs of the other's states, and where each came from; gives the least cost.

    `work` is the cost of each state; of the other's states what it will be, and the state before; room for the number
    of ways and all ways, and for that and the targets. What costs more than the least by the beam is dropped.
    """
    begin, middle, first, last = span
    cost, new, before, pairs, asked = work
    lacking = _lacking_at(last - first)
    pairs[0], asked[lacking] = 0, 0
    best = begin
    for source in range(begin + 1, middle):
        best = source if cost[source] < cost[best] else best
    for target in range(last - first):
        new[target], before[target] = UNREACHED, NOWHERE
    if link[2] < 0:
        return UNREACHED
    # The best source first: of the others only what may cost less than its ways and the beam is looked at.
    most = _look(streets, states, work, link, UNREACHED + link[7], (begin, best, first, last))
    for source in range(begin, middle):
        if source != best and cost[source] <= most:
            most = _look(streets, states, work, link, most, (begin, source, first, last))
    if asked[lacking] > 0:
        for source in range(begin, middle):
            most = _search(streets, states, work, search, link, most, (begin, source, first, last))
    for target in range(last - first):
        if new[target] > most:
            new[target] = UNREACHED
    return most - link[7]


@inner(int64(I64, I64, NEW_I64, NEW_I64, int64, int64, span_type))
def keep(  # noqa: PLR0917  # the states, the ways, what is filled, then for which link
    emission: Ints, cost: Ints, found: Ints, pairs: Ints, used: int, most: int, span: Span
) -> int:
    """Keep the ways over which no state costs more than `most`; gives where the next may be put."""
    for at in range(1, found[0] + 1):
        one, other, way = pair_of(found, at)
        if cost[span[0] + one] + way + emission[span[2] + other] <= most:
            pairs[used] = found[at]
            used += 1
    return used
