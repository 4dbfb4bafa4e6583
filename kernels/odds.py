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

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, float64, inner, int64, kernel, pair, several, triple
from kernels._odds_link import BEND, COLUMN, LEAST_US, NAMED_PPM, Five, Four, likelihood, link_of, weigh
from kernels._odds_part import costs, heap_room, mark, part_of, walk
from kernels._odds_pieces import PIECE, ROW, driven, likelier
from kernels._path import COST_UNIT
from kernels._ways import NOWHERE, UNREACHED

__all__ = ["odds"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]
Sums = tuple[Floats, Floats, Floats]
Named = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints]


@inner(int64(several(I64, 4), int64, int64, int64, COLUMN))
def _begin(states: Four, fix: int, chosen: int, is_open: int, chance: Floats) -> int:
    """Say how likely each state of a fix is by its emission, or that it is the chosen one."""
    start, _, _, emission = states
    least = UNREACHED
    for state in range(start[fix], start[fix + 1]):
        least = min(least, emission[state])
    for state in range(start[fix], start[fix + 1]):
        if is_open:
            chance[state] = likelihood(float(emission[state] - least) / COST_UNIT)
        else:
            chance[state] = 1.0 if state == chosen else 0.0
    return 1


@inner(float64(COLUMN, int64, int64))
def _level(chance: Floats, first: int, last: int) -> float:
    """Divide chances by their sum, and give that."""
    total = 0.0
    for state in range(first, last):
        total += chance[state]
    for state in range(first, last):
        chance[state] = chance[state] / total if total > 0 else 0.0
    return total


@kernel(int64(triple(I64), several(I64, 4), several(I64, 5), pair(I64), I64, NEW_I64, COLUMN, COLUMN))
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
    new = np.empty(chance.shape[0], np.float64)
    columns = (start, edges, along_mm)
    for fix in range(chosen.shape[0]):
        first, last = start[fix], start[fix + 1]
        if source[fix] == NOWHERE or asked[fix] == NOWHERE:
            _begin(states, fix, chosen[fix], int(source[fix] == NOWHERE), chance)
            _level(chance, first, last)
            continue
        begin, middle = start[source[fix]], start[source[fix] + 1]
        link = link_of(fixes, numbers, source[fix], fix)
        span = (int(begin), int(middle), int(first), int(last))
        part = part_of(streets, columns, span, (link[2], int(numbers[BEND]), link[8]))
        length_mm, aims = costs(streets[0], part[0], edges, first, last)
        size = part[0].shape[0]
        heap, is_aim = np.empty(heap_room(part), np.int64), np.empty(size, np.int64)
        work, due = (np.empty(size, np.int64), np.empty(size, np.int64), heap, is_aim), mark(aims, is_aim)
        new[first:last] = 0.0
        for one in range(begin, middle if size > 0 else begin):
            if chance[one] == 0.0:
                continue
            walk(streets, part, length_mm, edges[one], work, numbers[BEND], link[8], due)
            at = asked[fix] + (one - begin) * (last - first)
            here = (int(one), int(first), int(last), int(at))
            weigh(streets[0], states, link, here, work[0], aims, weight)
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


@kernel(int64(several(I64, 4), pair(I64), I64, COLUMN, COLUMN))
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


@kernel(NEW_I64(triple(I64), several(I64, 4), several(I64, 5), pair(I64), I64, I64, triple(COLUMN)))
def _named(  # noqa: PLR0917  # the network, the states, the fixes, the path, the numbers, links, what is likely
    streets: Triple, states: Four, fixes: Five, path: Pair, numbers: Ints, asked: Ints, odds_of: Sums
) -> Ints:
    """List the pieces that were likelier driven than asked for, link by link."""
    start, edges, along_mm, _ = states
    weight, chance, rest = odds_of
    columns, own = (start, edges, along_mm), np.empty(chance.shape[0], np.float64)
    found, total = np.empty(1024, np.int64), 0
    for fix in range(asked.shape[0]):
        if asked[fix] == NOWHERE:
            continue
        before = path[1][fix]
        begin, middle, first, last = start[before], start[before + 1], start[fix], start[fix + 1]
        link = link_of(fixes, numbers, before, fix)
        span = (int(begin), int(middle), int(first), int(last))
        part = part_of(streets, columns, span, (link[2], int(numbers[BEND]), link[8]))
        count = last - first
        pieces = np.zeros(PIECE * (part[0].shape[0] + count + (middle - begin) * (count + 1)), np.float64)
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
            driven(streets, states, part, link, here, numbers, likely[at : at + count], pieces)
        rows = likelier(pieces, fix, numbers[NAMED_PPM])
        if total + rows.shape[0] > found.shape[0]:
            found = np.concatenate((found, np.empty(found.shape[0] + rows.shape[0], np.int64)))
        found[total : total + rows.shape[0]] = rows
        total += rows.shape[0]
    return found[:total].copy()


@inner(int64(I64, COLUMN, COLUMN, int64, int64))
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
        Records of the edges and the table, as `kernels.matching.table` gives them, and the edges that leave nodes.
    states : tuple of four ndarray of int64
        The first four of what `kernels.matching.states` gives. [index, index, mm, 1e-6]
    fixes : tuple of five ndarray of int64
        Times, places, accuracies, and the radii within which streets are in doubt. Shape (n,) each.
        [us, mm, mm, mm, mm]
    path : tuple of two ndarray of int64
        State chosen of each fix, and the fix that the path comes from, -1 where none. Shape (n,) each. [index]
    numbers : ndarray of int64
        What a bend costs; the cost of turning round; by how much a way differs from the straight line for a cost of
        one, and how much that grows; the fastest; the usual limit; this vehicle's speed, 0 where it is not known, and
        which shares of what it drives at that more and less cost one; from which interval on links are asked for;
        how likely a street must be; then sixteen factors by which what a street costs scatters among drivers.
        Shape (27,). [mm, 1e-6, mm, mm/s, mm/s, mm/s, mm/s, 1e-6, 1e-6, us, 1e-6, 1e-6 ...]

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
        if one != NOWHERE and fixes[0][fix] - fixes[0][one] >= numbers[LEAST_US]:
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
        rows[0::ROW].copy(),
        rows[1::ROW].copy(),
        rows[2::ROW].copy(),
        rows[3::ROW].copy(),
        rows[4::ROW].copy(),
        rows[5::ROW].copy(),
        rows[6::ROW].copy(),
        best,
    )
