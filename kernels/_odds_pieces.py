"""The loops behind `kernels.odds`: over which streets several drivers go from state to state, and how many do.

A *piece* is an edge, from where to where, how likely it was driven, and that times which parts of the way lie before
its begin and its end: six numbers. The first pieces of a link are the edges in between, by their numbers; then those
that lead to each target; then of each source the one that it leaves by and those that need no search, by target.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, float64, inner, int64, kernel, pair, several, triple
from kernels._odds_link import BEND, COLUMN, FACTORS, Four, Link, cost_of, likelihood, link_type
from kernels._odds_part import Part, costs, heap_room, mark, part_type, walk
from kernels._path import COST_UNIT, KEPT, NEXT, ROUND, STRAIGHT, Span, kind_of, span_type
from kernels._ways import LENGTH, NOWHERE, RECORD, UNREACHED, turn_mm

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Triple = tuple[Ints, Ints, Ints]
Share = tuple[float, float, float]

# How many factors there are, and drivers: a power of two.
DRIVERS: Final = 16
PIECE: Final = 6
ROW: Final = 7
# Pairs of states less likely than that are none.
_SLIGHT: Final = 1e-4

_pair_of_numbers: Final = pair(int64)  # pyright: ignore[reportArgumentType]  # numbers make a tuple as arrays do
_numbers: Final = triple(int64)  # pyright: ignore[reportArgumentType]
_share: Final = triple(float64)  # pyright: ignore[reportArgumentType]


@inner(int64(I64, I64, int64, I64, NEW_I64))
def _liked(inside: Ints, length_mm: Ints, driver: int, numbers: Ints, cost_mm: Ints) -> int:
    """Say what the edges of a part cost one driver; of as many drivers as factors each has another for a street."""
    for one in range(inside.shape[0]):
        drawn = (inside[one] // 2 + 1) * 2_654_435_761 >> 9
        place = (drawn + driver * (2 * (drawn >> 4) + 1)) & (DRIVERS - 1)
        cost_mm[one] = length_mm[one] * numbers[FACTORS + place] // COST_UNIT
    return 1


@inner(_pair_of_numbers(I64, part_type, I64, I64, int64, int64, int64, int64))
def _way(  # noqa: PLR0917  # the network, the part, its lengths, the way, from where to where, costs of turns
    graph: Ints, part: Part, length_mm: Ints, before: Ints, edge: int, at: int, bend_mm: int, round_mm: int
) -> tuple[int, int]:
    """Measure a way between an edge's head and another's tail: its length, and its key, which counts turns too."""
    inside = part[0]
    driven_mm, key = 0, 0
    while before[at] != NOWHERE:
        one = int(before[at])
        driven_mm += length_mm[one]
        key += length_mm[one] + turn_mm(graph, inside[one], inside[at], bend_mm, round_mm)
        at = one
    return int(driven_mm), int(key + turn_mm(graph, edge, inside[at], bend_mm, round_mm))


@inner(int64(COLUMN, int64, _numbers, _share))
def _add(pieces: Floats, at: int, piece: tuple[int, int, int], share: Share) -> int:
    """Add to a piece, an edge with begin and end, how likely it was driven, and from where to where of the way."""
    pieces[PIECE * at], pieces[PIECE * at + 1], pieces[PIECE * at + 2] = piece[0], piece[1], piece[2]
    pieces[PIECE * at + 3] += share[0]
    pieces[PIECE * at + 4] += share[0] * share[1]
    pieces[PIECE * at + 5] += share[0] * share[2]
    return 1


@inner(int64(I64, several(I64, 4), link_type, span_type, COLUMN, COLUMN, int64))
def _direct(  # noqa: PLR0917  # the network, the states, the link, the source, how likely, what is filled, from which place on
    graph: Ints, states: Four, link: Link, span: Span, likely: Floats, pieces: Floats, place: int
) -> int:
    """Add the ways from one source that take no search; those that do are left in `likely`, and counted."""
    _, edges, along_mm, _ = states
    source, first, last, _ = span
    edge, at_mm, left = edges[source], along_mm[source], 0
    length_mm = graph[RECORD * edge + LENGTH]
    for target in range(first, last):
        chance = likely[target - first]
        if chance < _SLIGHT:
            likely[target - first] = 0.0
            continue
        until_mm = along_mm[target]
        kind = kind_of(graph, edge, at_mm, edges[target], until_mm, link[3])
        at, whole = place + target - first, (chance, 0.0, 1.0)
        if kind in (NEXT, KEPT):
            left += 1
            continue
        likely[target - first] = 0.0
        if kind == STRAIGHT:
            _add(pieces, at, (int(edge), int(at_mm), int(until_mm)), whole)
        elif kind == ROUND and length_mm - until_mm >= at_mm:
            _add(pieces, at, (int(edge), int(at_mm), int(length_mm - until_mm)), whole)
        elif kind == ROUND:
            _add(pieces, at, (int(edge ^ 1), int(length_mm - at_mm), int(until_mm)), whole)
    return left


@kernel(int64(triple(I64), several(I64, 4), part_type, link_type, span_type, I64, COLUMN, COLUMN))
def driven(  # noqa: PLR0917  # the network, the states, the part and link, the source, then what is filled
    streets: Triple,
    states: Four,
    part: Part,
    link: Link,
    span: Span,
    numbers: Ints,
    likely: Floats,
    pieces: Floats,
) -> int:
    """Add what was driven from one source, the last of `span` is the first of its fix; `likely` is by target."""
    graph = streets[0]
    _, edges, along_mm, _ = states
    source, first, last, begin = span
    inside, size, count = part[0], part[0].shape[0], last - first
    edge, at_mm = edges[source], along_mm[source]
    rest_mm = graph[RECORD * edge + LENGTH] - at_mm
    own = size + count + (source - begin) * (count + 1)
    if _direct(graph, states, link, span, likely, pieces, own + 1) == 0:
        return 0
    length_mm, aims = costs(graph, inside, edges, first, last)
    cost_mm, key, befores = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(DRIVERS * size, np.int64)
    heap, weight = np.empty(heap_room(part), np.int64), np.zeros(DRIVERS * count, np.float64)
    total, is_aim = np.zeros(count, np.float64), np.empty(size, np.int64)
    for target in range(count):
        aims[target] = NOWHERE if likely[target] == 0.0 else aims[target]
    due = mark(aims, is_aim)
    for driver in range(DRIVERS):
        _liked(inside, length_mm, driver, numbers, cost_mm)
        before = befores[driver * size : (driver + 1) * size]
        walk(streets, part, cost_mm, edge, (key, before, heap, is_aim), numbers[BEND], link[8], due)
        for target in range(count):
            aim = aims[target]
            if aim == NOWHERE or key[aim] >= UNREACHED:
                continue
            turned = rest_mm + _way(graph, part, length_mm, before, edge, aim, numbers[BEND], link[8])[1]
            turned += along_mm[first + target]
            # No less than nothing, so that of ways which are all too long each has its part.
            one = likelihood(cost_of(link, turned, turned)) + 1e-30
            weight[driver * count + target] = one
            total[target] += one
    for driver in range(DRIVERS):
        before = befores[driver * size : (driver + 1) * size]
        for target in range(count):
            at, chance = aims[target], weight[driver * count + target]
            if chance == 0.0:
                continue
            chance *= likely[target] / total[target]
            until_mm = along_mm[first + target]
            driven_mm = _way(graph, part, length_mm, before, edge, at, numbers[BEND], link[8])[0]
            left_mm, whole_mm = rest_mm + driven_mm, max(float(rest_mm + driven_mm + until_mm), 1.0)
            _add(pieces, size + target, (int(inside[at]), 0, int(until_mm)), (chance, left_mm / whole_mm, 1.0))
            while before[at] != NOWHERE:
                at = before[at]
                share = (chance, (left_mm - length_mm[at]) / whole_mm, left_mm / whole_mm)
                _add(pieces, int(at), (int(inside[at]), 0, int(length_mm[at])), share)
                left_mm -= length_mm[at]
            share = (chance, 0.0, rest_mm / whole_mm)
            _add(pieces, own, (int(edge), int(at_mm), int(at_mm + rest_mm)), share)
    return 1


@kernel(NEW_I64(COLUMN, int64, int64))
def likelier(pieces: Floats, fix: int, least_ppm: int) -> Ints:
    """Cut the pieces of each edge where one begins or ends, and keep what was driven likelier than asked for."""
    count = pieces.shape[0] // PIECE
    found, total = np.empty(ROW * 3 * count, np.int64), 0
    cuts, is_done = np.empty(2 * count, np.float64), np.zeros(count, np.int64)
    for one in range(count):
        if is_done[one] or pieces[PIECE * one + 3] == 0.0:
            continue
        edge, whole, size = pieces[PIECE * one], 0.0, 0
        for other in range(one, count):
            if pieces[PIECE * other] == edge and pieces[PIECE * other + 3] > 0.0:
                is_done[other] = 1
                whole += pieces[PIECE * other + 3]
                cuts[size], cuts[size + 1] = pieces[PIECE * other + 1], pieces[PIECE * other + 2]
                size += 2
        if whole * COST_UNIT < least_ppm:
            continue
        ends = np.sort(cuts[:size])
        is_open = False
        for cut in range(size - 1):
            low, high = ends[cut], ends[cut + 1]
            if low == high:
                continue
            chance, came, went = 0.0, 0.0, 0.0
            for other in range(one, count):
                at = PIECE * other
                mass = pieces[at + 3]
                if pieces[at] != edge or mass == 0.0 or pieces[at + 1] > low or pieces[at + 2] < high:
                    continue
                length, span = pieces[at + 2] - pieces[at + 1], pieces[at + 5] - pieces[at + 4]
                chance += mass
                came += pieces[at + 4] + span * (low - pieces[at + 1]) / length
                went += pieces[at + 4] + span * (high - pieces[at + 1]) / length
            if chance * COST_UNIT < least_ppm:
                is_open = False
                continue
            if not is_open:
                at = ROW * total
                found[at], found[at + 1], found[at + 2] = fix, np.int64(edge), np.int64(low)
                found[at + 4], found[at + 5] = COST_UNIT, np.int64(came / chance * COST_UNIT + 0.5)
                total += 1
            at = ROW * (total - 1)
            found[at + 3], found[at + 6] = np.int64(high), np.int64(went / chance * COST_UNIT + 0.5)
            found[at + 4] = min(found[at + 4], np.int64(chance * COST_UNIT))
            is_open = True
    return found[: ROW * total].copy()
