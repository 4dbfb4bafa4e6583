"""Fixes far from each other → the odds that a street was driven between them, over all states and several ways.

Between two fixes a minute apart a vehicle can have driven several ways, and where a fix lies near a junction or on a
street of two directions, from and to several states. The likeliest path names one. Here each street is asked for
itself: how likely is it that the vehicle drove it, when all states and ways are weighed? Streets likelier driven than
not are those of which more length is right than wrong: no other choice has more right length less wrong.

*States.* Forwards and backwards over each run of such links, as for any hidden Markov model; at its ends, where fixes
come closely, the state that was chosen. *Ways.* From state to state the shortest tells how likely the pair is; which
way was driven is asked of several drivers, each of whom takes what is shortest to them, as costs scatter from street
to street. *Time.* A way that takes longer, or less long, than this vehicle takes for such, is less likely.

*What it believes.* Columns of int64 as `kernels.matching` gives them. *What is left to others.* All numbers, and what
is done with the odds: nothing here is ever proof.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, float64, inner, int64, kernel, pair, several, triple
from kernels._local import PART_MAX, Part, number_of, part_of, part_type, span_type, walk
from kernels._path import BACK, COST_UNIT, GAP_MAX_US, KEPT, NEXT, ROUND, STRAIGHT, kind_of
from kernels._ways import LENGTH, NOWHERE, RECORD, UNREACHED, empty_search, turn_mm

__all__ = ["odds"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Named = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]
Four = tuple[Ints, Ints, Ints, Ints]
Five = tuple[Ints, Ints, Ints, Ints, Ints]
Six = tuple[Ints, Ints, Ints, Ints, Ints, Ints]
Sums = tuple[Floats, Floats, Floats]
Share = tuple[float, float, float]
Link = tuple[int, int, int, int, int, int, int, int, int]
Span = tuple[int, int, int, int]

# Places in the numbers.
_BEND, _TURNED, _STRANGE, _STRANGE_MMPS, _TOP, _URBAN, _SPEED, _UP_PPM, _DOWN_PPM, _LEAST_US, _NAMED_PPM = range(11)
_FACTORS: Final = 11
_DRIVERS: Final = 16
"""How many factors there are, and drivers: a power of two."""
_PIECE: Final = 6
"""A piece is its edge, begin and end, how likely it is, and that times where on the way it begins and ends."""
_ROW: Final = 7
_EARLY_MAX: Final = 2.0
"""A vehicle that stands has driven no way at all: the time it did so tells no more than that."""
_SLIGHT: Final = 1e-4
"""Pairs of states less likely than that are none."""
_MOST_COST: Final = 60.0
_HALVINGS: Final = 10
_ROLL: Final = 9.0

_link_type: Final = several(int64, 9)  # pyright: ignore[reportArgumentType]  # numbers make a tuple as arrays do
_COLUMN: Final = float64[::1]
_pair_of_numbers: Final = pair(int64)  # pyright: ignore[reportArgumentType]
_numbers: Final = triple(int64)  # pyright: ignore[reportArgumentType]
_share: Final = triple(float64)  # pyright: ignore[reportArgumentType]


@inner(float64(float64))
def _likelihood(cost: float) -> float:
    """Raise e to minus a cost by products only, so that every machine has the same."""
    if cost >= _MOST_COST:
        return 0.0
    part = max(cost, 0.0) / 2**_HALVINGS
    found = 1.0 / (1.0 + part * (1.0 + part / 2 * (1.0 + part / 3)))
    for _ in range(_HALVINGS):
        found *= found
    return found


@inner(_link_type(several(I64, 5), I64, int64, int64))
def _link_of(fixes: Five, numbers: Ints, one: int, other: int) -> Link:
    """Measure a link.

    Gives the straight distance, the difference that costs one, the longest way, the slack; the length beyond which a
    way costs more, and by how much one; below which it does, and by how much; and what turning round costs.
    """
    t_us, x_mm, y_mm, accuracy_mm, near_mm = fixes
    gap_ms = min(t_us[other] - t_us[one], GAP_MAX_US) // 1_000
    east, north = float(x_mm[other] - x_mm[one]), float(y_mm[other] - y_mm[one])
    straight_mm = np.int64(np.sqrt(east * east + north * north) + 0.5)
    slack_mm = near_mm[one] + near_mm[other]
    strange_mm = numbers[_STRANGE] + (accuracy_mm[one] + accuracy_mm[other]) // 2
    strange_mm += gap_ms * numbers[_STRANGE_MMPS] // 1_000
    most_mm, more_mm = gap_ms * numbers[_URBAN] // 1_000 + slack_mm, strange_mm
    least_mm, less_mm = 0, 1
    if numbers[_SPEED] > 0:
        most_mm = gap_ms * numbers[_SPEED] // 1_000
        more_mm = most_mm * numbers[_UP_PPM] // COST_UNIT + slack_mm // 4 + 1
        least_mm, less_mm = most_mm, most_mm * numbers[_DOWN_PPM] // COST_UNIT + 1
    fastest_mm = gap_ms * numbers[_TOP] // 1_000 + slack_mm
    limit_mm = min(fastest_mm, max(straight_mm, most_mm) + 4 * strange_mm) if straight_mm <= fastest_mm else -1
    return (
        int(straight_mm),
        int(strange_mm),
        int(limit_mm),
        int(slack_mm),
        int(most_mm),
        int(more_mm),
        int(least_mm),
        int(less_mm),
        int(numbers[_TURNED]),
    )


@inner(float64(_link_type, int64, int64))
def _cost(link: Link, key: int, driven_mm: int) -> float:
    """Weigh a way by its key against the straight distance, and by its length against the time."""
    cost = abs(key - link[0]) / link[1] + max(driven_mm - link[4], 0) / link[5]
    return cost + min(max(link[6] - driven_mm, 0) / link[7], _EARLY_MAX)


@inner(int64(I64, several(I64, 4), part_type, _link_type, span_type, I64, _COLUMN, I64))
def _weigh(  # noqa: PLR0917  # the network, the states, the part, then one source
    graph: Ints, states: Four, part: Part, link: Link, span: Span, key_mm: Ints, weight: Floats, aims: Ints
) -> int:
    """Fill in how likely the ways from one source are; `span` is the source, the targets, and the first place."""
    _, edges, along_mm, _ = states
    source, first, last, at = span
    edge, at_mm = edges[source], along_mm[source]
    rest_mm = graph[RECORD * edge + LENGTH] - at_mm
    for target in range(first, last):
        until_mm, key, rolled = along_mm[target], UNREACHED, 0.0
        kind = kind_of(graph, edge, at_mm, edges[target], until_mm, link[3])
        turned = 0
        if kind == STRAIGHT:
            key = until_mm - at_mm
        elif kind == BACK:
            back = float(at_mm - until_mm) / link[3]
            key, rolled = 0, _ROLL * back * back
        elif kind == ROUND:
            turned = link[8]
            key = abs(until_mm - rest_mm) + turned
        elif aims[target - first] != NOWHERE and key_mm[aims[target - first]] < UNREACHED:
            key = rest_mm + key_mm[aims[target - first]] + until_mm
        weight[at + target - first] = 0.0
        if key < UNREACHED:
            weight[at + target - first] = _likelihood(_cost(link, key, key - turned) + rolled)
    return last - first


@inner(int64(several(I64, 4), int64, int64, int64, _COLUMN))
def _begin(states: Four, fix: int, chosen: int, is_open: int, chance: Floats) -> int:
    """Say how likely each state of a fix is before anything else is asked: by its emission, or the chosen one only."""
    start, _, _, emission = states
    least = UNREACHED
    for state in range(start[fix], start[fix + 1]):
        least = min(least, emission[state])
    for state in range(start[fix], start[fix + 1]):
        if is_open:
            chance[state] = _likelihood(float(emission[state] - least) / COST_UNIT)
        else:
            chance[state] = 1.0 if state == chosen else 0.0
    return 1


@inner(float64(_COLUMN, int64, int64))
def _level(chance: Floats, first: int, last: int) -> float:
    """Divide chances by their sum, and give that."""
    total = 0.0
    for state in range(first, last):
        total += chance[state]
    for state in range(first, last):
        chance[state] = chance[state] / total if total > 0 else 0.0
    return total


@kernel(pair(NEW_I64)(I64, I64, I64, int64, int64))
def _costs(graph: Ints, inside: Ints, edges: Ints, first: int, last: int) -> Pair:
    """Give the lengths of a part's edges, and the numbers of the edges of some states."""
    length_mm, aims = np.empty(inside.shape[0], np.int64), np.empty(last - first, np.int64)
    for one in range(inside.shape[0]):
        length_mm[one] = graph[RECORD * inside[one] + LENGTH]
    for state in range(first, last):
        aims[state - first] = number_of(inside, edges[state])
    return length_mm, aims


@kernel(int64(triple(I64), several(I64, 4), several(I64, 5), pair(I64), I64, NEW_I64, _COLUMN, _COLUMN))
def _forwards(  # noqa: PLR0917  # the network, the states, the fixes, the path, the numbers, then what is filled
    streets: Triple,
    states: Four,
    fixes: Five,
    path: Pair,
    numbers: Ints,
    asked: Ints,
    weight: Floats,
    chance: Floats,
) -> int:
    """Weigh the links and go over them forwards.

    `asked` holds of each fix where the weights of the link to it begin, `NOWHERE` where it is not asked for, which it
    becomes where no way is likely. `chance` becomes how likely each state is by all that is before.
    """
    start, edges, along_mm, _ = states
    chosen, source = path
    search = empty_search(numbers[_BEND], numbers[_TURNED])
    new = np.empty(chance.shape[0], np.float64)
    columns = (start, edges, along_mm)
    for fix in range(chosen.shape[0]):
        first, last = start[fix], start[fix + 1]
        if source[fix] == NOWHERE or asked[fix] == NOWHERE:
            _begin(states, fix, chosen[fix], int(source[fix] == NOWHERE), chance)
            _level(chance, first, last)
            continue
        begin, middle = start[source[fix]], start[source[fix] + 1]
        link = _link_of(fixes, numbers, source[fix], fix)
        span = (int(begin), int(middle), int(first), int(last))
        part = part_of(streets, columns, search, span, (link[2], int(numbers[_BEND]), link[8]))
        length_mm, aims = _costs(streets[0], part[0], edges, first, last)
        size = part[0].shape[0]
        work = (np.empty(size, np.int64), np.empty(size, np.int64), np.empty(part[2].shape[0] + 16, np.int64))
        new[first:last] = 0.0
        for one in range(begin, middle if size > 0 else begin):
            if chance[one] == 0.0:
                continue
            walk(streets, part, length_mm, edges[one], work, numbers[_BEND], link[8])
            at = asked[fix] + (one - begin) * (last - first)
            here = (int(one), int(first), int(last), int(at))
            _weigh(streets[0], states, part, link, here, work[0], weight, aims)
            for state in range(first, last):
                new[state] += chance[one] * weight[at + state - first]
        _begin(states, fix, chosen[fix], 1, chance)
        for state in range(first, last):
            new[state] *= chance[state]
        if _level(new, first, last) > 0.0:
            chance[first:last] = new[first:last]
        else:
            asked[fix] = NOWHERE
            _begin(states, fix, chosen[fix], 0, chance)
    return 1


@kernel(int64(several(I64, 4), pair(I64), I64, _COLUMN, _COLUMN))
def _backwards(states: Four, path: Pair, asked: Ints, weight: Floats, rest: Floats) -> int:
    """Go backwards: `rest` becomes how likely all is that comes after each state."""
    start = states[0]
    chosen, source = path
    likely = np.empty(rest.shape[0], np.float64)
    after = np.full(chosen.shape[0], NOWHERE)
    for fix in range(chosen.shape[0] - 1, -1, -1):
        first, last = start[fix], start[fix + 1]
        if source[fix] != NOWHERE:
            after[source[fix]] = fix
        following = after[fix]
        if following == NOWHERE:
            rest[first:last] = 1.0
        elif asked[following] == NOWHERE:
            _begin(states, fix, chosen[fix], 0, rest)
        else:
            begin, end = start[following], start[following + 1]
            _begin(states, following, NOWHERE, 1, likely)
            for state in range(first, last):
                rest[state] = 0.0
                at = asked[following] + (state - first) * (end - begin)
                for other in range(begin, end):
                    rest[state] += weight[at + other - begin] * likely[other] * rest[other]
        _level(rest, first, last)
    return 1


@inner(int64(I64, I64, int64, I64, NEW_I64))
def _liked(inside: Ints, length_mm: Ints, driver: int, numbers: Ints, cost_mm: Ints) -> int:
    """Say what the edges of a part cost one driver; of as many drivers as factors each has another for a street."""
    for one in range(inside.shape[0]):
        drawn = (inside[one] // 2 + 1) * 2_654_435_761 >> 9
        place = (drawn + driver * (2 * (drawn >> 4) + 1)) & (_DRIVERS - 1)
        cost_mm[one] = length_mm[one] * numbers[_FACTORS + place] // COST_UNIT
    return 1


@inner(_pair_of_numbers(I64, part_type, I64, I64, int64, int64, int64, int64))
def _way(  # noqa: PLR0917  # the network, the part, its lengths, the way, from where to where, costs of turns
    graph: Ints, part: Part, length_mm: Ints, before: Ints, edge: int, at: int, bend_mm: int, round_mm: int
) -> tuple[int, int]:
    """Measure a way between an edge's head and another's tail: its length, and its key, which counts turns too."""
    inside = part[0]
    driven_mm, key = 0, 0
    while before[at] != NOWHERE:
        one = before[at]
        driven_mm += length_mm[one]
        key += length_mm[one] + turn_mm(graph, inside[one], inside[at], bend_mm, round_mm)
        at = one
    return int(driven_mm), int(key + turn_mm(graph, edge, inside[at], bend_mm, round_mm))


@inner(int64(_COLUMN, int64, _numbers, _share))
def _add(pieces: Floats, at: int, piece: tuple[int, int, int], share: Share) -> int:
    """Add to a piece, which is an edge, begin and end, how likely it was driven, and from where to where of the way."""
    pieces[_PIECE * at], pieces[_PIECE * at + 1], pieces[_PIECE * at + 2] = piece[0], piece[1], piece[2]
    pieces[_PIECE * at + 3] += share[0]
    pieces[_PIECE * at + 4] += share[0] * share[1]
    pieces[_PIECE * at + 5] += share[0] * share[2]
    return 1


@inner(int64(I64, several(I64, 4), _link_type, span_type, _COLUMN, _COLUMN, int64))
def _direct(  # the network, the states, the link, the source, how likely, what is filled, from which place on
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


@kernel(int64(triple(I64), several(I64, 4), part_type, _link_type, span_type, I64, _COLUMN, _COLUMN))
def _driven(  # noqa: PLR0917  # the network, the states, the part and link, the source, then what is filled
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
    length_mm, aims = _costs(graph, inside, edges, first, last)
    cost_mm, key, befores = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(_DRIVERS * size, np.int64)
    heap, weight = np.empty(part[2].shape[0] + 16, np.int64), np.zeros(_DRIVERS * count, np.float64)
    total = np.zeros(count, np.float64)
    for driver in range(_DRIVERS):
        _liked(inside, length_mm, driver, numbers, cost_mm)
        before = befores[driver * size : (driver + 1) * size]
        walk(streets, part, cost_mm, edge, (key, before, heap), numbers[_BEND], link[8])
        for target in range(count):
            aim = aims[target]
            if likely[target] == 0.0 or aim == NOWHERE or key[aim] >= UNREACHED:
                continue
            turned = rest_mm + _way(graph, part, length_mm, before, edge, aim, numbers[_BEND], link[8])[1]
            turned += along_mm[first + target]
            # No less than nothing, so that of ways which are all too long each has its part.
            one = _likelihood(_cost(link, turned, turned)) + 1e-30
            weight[driver * count + target] = one
            total[target] += one
    for driver in range(_DRIVERS):
        before = befores[driver * size : (driver + 1) * size]
        for target in range(count):
            at, chance = aims[target], weight[driver * count + target]
            if chance == 0.0:
                continue
            chance *= likely[target] / total[target]
            until_mm = along_mm[first + target]
            driven_mm = _way(graph, part, length_mm, before, edge, at, numbers[_BEND], link[8])[0]
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


@kernel(NEW_I64(_COLUMN, int64, int64))
def _likelier(pieces: Floats, fix: int, least_ppm: int) -> Ints:
    """Cut the pieces of each edge where one begins or ends, and keep what was driven likelier than asked for."""
    count = pieces.shape[0] // _PIECE
    found, total = np.empty(_ROW * 3 * count, np.int64), 0
    cuts, is_done = np.empty(2 * count, np.float64), np.zeros(count, np.int64)
    for one in range(count):
        if is_done[one] or pieces[_PIECE * one + 3] == 0.0:
            continue
        edge, whole, size = pieces[_PIECE * one], 0.0, 0
        for other in range(one, count):
            if pieces[_PIECE * other] == edge and pieces[_PIECE * other + 3] > 0.0:
                is_done[other] = 1
                whole += pieces[_PIECE * other + 3]
                cuts[size], cuts[size + 1] = pieces[_PIECE * other + 1], pieces[_PIECE * other + 2]
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
                at = _PIECE * other
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
                at = _ROW * total
                found[at], found[at + 1], found[at + 2] = fix, np.int64(edge), np.int64(low)
                found[at + 4], found[at + 5] = COST_UNIT, np.int64(came / chance * COST_UNIT)
                total += 1
            at = _ROW * (total - 1)
            found[at + 3], found[at + 6] = np.int64(high), np.int64(went / chance * COST_UNIT)
            found[at + 4] = min(found[at + 4], np.int64(chance * COST_UNIT))
            is_open = True
    return found[: _ROW * total].copy()


@kernel(NEW_I64(triple(I64), several(I64, 4), several(I64, 5), pair(I64), I64, I64, triple(_COLUMN)))
def _named(  # the network, the states, the fixes, the path, the numbers, which links, then how likely what is
    streets: Triple, states: Four, fixes: Five, path: Pair, numbers: Ints, asked: Ints, odds_of: Sums
) -> Ints:
    """List the pieces that were likelier driven than asked for, link by link."""
    start, edges, along_mm, _ = states
    weight, chance, rest = odds_of
    search = empty_search(numbers[_BEND], numbers[_TURNED])
    columns, own = (start, edges, along_mm), np.empty(chance.shape[0], np.float64)
    found, total = np.empty(1024, np.int64), 0
    for fix in range(asked.shape[0]):
        if asked[fix] == NOWHERE:
            continue
        before = path[1][fix]
        begin, middle, first, last = start[before], start[before + 1], start[fix], start[fix + 1]
        link = _link_of(fixes, numbers, before, fix)
        span = (int(begin), int(middle), int(first), int(last))
        part = part_of(streets, columns, search, span, (link[2], int(numbers[_BEND]), link[8]))
        count = last - first
        pieces = np.zeros(_PIECE * (part[0].shape[0] + count + (middle - begin) * (count + 1)), np.float64)
        _begin(states, fix, NOWHERE, 1, own)
        likely = np.empty((middle - begin) * count, np.float64)
        for source in range(begin, middle):
            for target in range(first, last):
                at = (source - begin) * count + target - first
                likely[at] = chance[source] * weight[asked[fix] + at] * own[target] * rest[target]
        _level(likely, 0, likely.shape[0])
        for source in range(begin, middle):
            here = (int(source), int(first), int(last), int(begin))
            at = (source - begin) * count
            _driven(streets, states, part, link, here, numbers, likely[at : at + count], pieces)
        rows = _likelier(pieces, fix, numbers[_NAMED_PPM])
        if total + rows.shape[0] > found.shape[0]:
            found = np.concatenate((found, np.empty(found.shape[0] + rows.shape[0], np.int64)))
        found[total : total + rows.shape[0]] = rows
        total += rows.shape[0]
    return found[:total].copy()


@inner(int64(I64, _COLUMN, _COLUMN, int64, int64))
def _street(edges: Ints, chance: Floats, rest: Floats, first: int, last: int) -> int:
    """Choose of a fix's states one on the street that is likeliest, both directions together."""
    best, found = -1.0, NOWHERE
    for state in range(first, last):
        total = 0.0
        for other in range(first, last):
            total += chance[other] * rest[other] if edges[other] // 2 == edges[state] // 2 else 0.0
        if total > best:
            best, found = total, state
    return found


@kernel(several(NEW_I64, 9)(triple(I64), several(I64, 4), several(I64, 5), pair(I64), I64))
def odds(streets: Triple, states: Four, fixes: Five, path: Pair, numbers: Ints) -> Named:
    """Tell which streets were likelier driven than not between fixes far from each other.

    Parameters
    ----------
    streets : tuple of three ndarray of int64
        Records of the edges and the table, as `kernels.matching.table` gives them, and the edges that leave each node.
    states : tuple of four ndarray of int64
        The first four of what `kernels.matching.states` gives. [index, index, mm, 1e-6]
    fixes : tuple of five ndarray of int64
        Times, places, accuracies, and the radii within which streets are in doubt. Shape (n,) each.
        [us, mm, mm, mm, mm]
    path : tuple of two ndarray of int64
        State chosen of each fix, and the fix that the path comes from, -1 where none. Shape (n,) each. [index]
    numbers : ndarray of int64
        What a bend costs, and turning round; by how much a way differs from the straight line for a cost of one, and
        how much that grows; the fastest; the usual limit; this vehicle's speed, 0 where it is not known, and which
        shares of what it drives at that more and less cost one; from which interval on links are asked for; how
        likely a street must be; then sixteen factors by which what a street costs scatters among drivers.
        Shape (27,). [mm, mm, mm, mm/s, mm/s, mm/s, mm/s, 1e-6, 1e-6, us, 1e-6, 1e-6 ...]

    Returns
    -------
    is_asked : ndarray of int64
        1 where the link to a fix was asked for. Shape (n,). [flag]
    fix, edge, begin_mm, end_mm, odds_ppm, from_ppm, to_ppm : ndarray of int64
        Of each piece the fix that it leads to, its edge, from where to where, the odds, and which parts of the way
        from fix to fix lie before its begin and its end, in the mean of the ways over it. Shape (m,) each.
        [index, index, mm, mm, 1e-6, 1e-6, 1e-6]
    state : ndarray of int64
        Of each fix at an end of a link that was asked for one state on its likeliest street, -1 of others.
        Shape (n,). [index]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    A link is not asked for where no way is likely or where more than 2,048 edges lie between its fixes. Of each link
    a search for each state of its first fix, and sixteen for each that is likely: O(s e log e) for s states and e
    edges in between. Floating point by + - x / sqrt only, one addition after the other.

    References
    ----------
    Y. Sheffi, W. B. Powell, An algorithm for the equilibrium assignment problem with random link times, Networks
    12(2), 1982, doi:10.1002/net.3230120209. L. R. Rabiner, A tutorial on hidden Markov models, Proceedings of the
    IEEE 77(2), section III, 1989, doi:10.1109/5.18626. P. Newson, J. Krumm, Hidden Markov map matching through noise
    and sparseness, 17th ACM SIGSPATIAL, 2009, doi:10.1145/1653771.1653818.
    """
    start = states[0]
    count, source = path[0].shape[0], path[1]
    asked, total = np.full(count, NOWHERE), 0
    for fix in range(count):
        one = source[fix]
        if one != NOWHERE and fixes[0][fix] - fixes[0][one] >= numbers[_LEAST_US]:
            asked[fix] = total
            total += (start[one + 1] - start[one]) * (start[fix + 1] - start[fix])
    best = np.full(count, NOWHERE)
    if total == 0:
        nothing = np.empty(0, np.int64)
        return np.zeros(count, np.int64), nothing, nothing, nothing, nothing, nothing, nothing, nothing, best
    weight = np.zeros(total, np.float64)
    chance, rest = np.zeros(states[1].shape[0], np.float64), np.zeros(states[1].shape[0], np.float64)
    _forwards(streets, states, fixes, path, numbers, asked, weight, chance)
    _backwards(states, path, asked, weight, rest)
    rows = _named(streets, states, fixes, path, numbers, asked, (weight, chance, rest))
    is_asked = np.zeros(count, np.int64)
    for fix in range(count):
        if asked[fix] != NOWHERE:
            is_asked[fix], best[source[fix]], best[fix] = 1, 0, 0
    for fix in range(count):
        if best[fix] != NOWHERE:
            best[fix] = _street(states[1], chance, rest, start[fix], start[fix + 1])
    return (
        is_asked,
        rows[0::_ROW].copy(),
        rows[1::_ROW].copy(),
        rows[2::_ROW].copy(),
        rows[3::_ROW].copy(),
        rows[4::_ROW].copy(),
        rows[5::_ROW].copy(),
        rows[6::_ROW].copy(),
        best,
    )
