"""Position fixes of a vehicle on a network of directed streets: the most likely path, as a hidden Markov model.

*States.* A fix may have come from any place within its search radius that a street comes nearest at; each direction
in which that street may be driven is a state of its own. *Emission*: the further from the street, the less likely,
by the normal law of the fix's error. *Transition*: the more the way over the network differs from the straight line
between two fixes, the less likely, by an exponential law; each turn-round costs extra. The path is the sequence of
states with the least sum of costs (Viterbi). Costs are logarithms of likelihood, turned round, in millionths:
squares, absolute differences and products only, no exponential or logarithm is ever taken. They are integers, and so
is every length, so that sums do not depend on an order.

*Certainty.* The likeliest path is not proof. `possible` keeps the states that lie within the fixes' error and that a
vehicle can have come to and gone on from; `certain` then tells the streets over which every such vehicle drove.

*What it believes.* Columns of int64 in the shapes declared; a street that passes a fix twice is taken where it is
nearest. *What is left to others.* Costs, radii and limits, where a chain of fixes is cut, and what follows from a
street that was driven. Edges, labels and the search for ways: `kernels._ways`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._certain import certain, possible, sides
from kernels._jit import I64, NEW_I64, int64, kernel, pair, triple
from kernels._ways import NOWHERE, TURN_MM, UNREACHED, routes, ways

__all__ = [
    "COST_UNIT",
    "NOWHERE",
    "TURN_MM",
    "cells",
    "certain",
    "decode",
    "distances",
    "locate",
    "possible",
    "routes",
    "sides",
    "ways",
]

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]

_numbers = pair(int64)  # pyright: ignore[reportArgumentType]  # numbers make a pair as arrays do
_pairs = pair(pair(NEW_I64))  # pyright: ignore[reportArgumentType]  # so do pairs

COST_UNIT: Final = 1_000_000
"""A cost of one, that is odds of one to e."""


@kernel(_numbers(triple(I64), int64, int64, int64))
def _nearest(vertices: Triple, piece: int, x_mm: int, y_mm: int) -> tuple[int, int]:
    """Find where a straight piece comes nearest to a place: distance, and measure along the street."""
    x, y, measure = vertices
    east, north = x[piece + 1] - x[piece], y[piece + 1] - y[piece]
    squared = float(east * east + north * north)
    share = 0.0
    if squared > 0:
        share = float((x_mm - x[piece]) * east + (y_mm - y[piece]) * north) / squared
        share = min(max(share, 0.0), 1.0)
    beside = float(x_mm - x[piece]) - share * float(east)
    above = float(y_mm - y[piece]) - share * float(north)
    distance_mm = np.int64(np.sqrt(beside * beside + above * above) + 0.5)
    at_mm = measure[piece] + np.int64(share * float(measure[piece + 1] - measure[piece]) + 0.5)
    return int(distance_mm), int(at_mm)


@kernel(pair(NEW_I64)(triple(I64), I64, I64))
def cells(vertices: Triple, street: Ints, shape: Ints) -> Pair:
    """Sort the straight pieces of all streets into the cells of a grid.

    Parameters
    ----------
    vertices : tuple of three ndarray of int64
        x, y and measure along its street of each vertex, street by street. Shape (v,) each. [mm]
    street : ndarray of int64
        Street of each vertex. Piece k runs from vertex k to k + 1 where both are of one street. Shape (v,). [index]
    shape : ndarray of int64
        West and south edge, side of a cell, columns, rows. Shape (5,). [mm, mm, mm, count, count]

    Returns
    -------
    cell_start, cell_piece : ndarray of int64
        The pieces of cell c are ``cell_piece[cell_start[c]:cell_start[c + 1]]``, ascending; a piece is in each cell
        that its bounding box touches. Shapes (cells + 1,) and (entries,). [index]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Counts, then places: O(v + entries).

    References
    ----------
    J. L. Bentley, J. H. Friedman, Data structures for range searching, ACM Computing Surveys 11(4), section 2.4,
    1979, doi:10.1145/356789.356797.
    """
    x, y, _ = vertices
    west, south, side, columns, rows = shape[0], shape[1], shape[2], shape[3], shape[4]
    start = np.zeros(columns * rows + 1, np.int64)
    found = np.empty(0, np.int64)
    for turn in range(2):
        for piece in range(x.shape[0] - 1):
            if street[piece] != street[piece + 1]:
                continue
            left = (min(x[piece], x[piece + 1]) - west) // side
            right = (max(x[piece], x[piece + 1]) - west) // side
            low = (min(y[piece], y[piece + 1]) - south) // side
            high = (max(y[piece], y[piece + 1]) - south) // side
            for row in range(low, high + 1):
                for cell in range(row * columns + left, row * columns + right + 1):
                    if turn == 1:
                        found[start[cell]] = piece
                    start[cell] += 1
        # The first turn leaves counts, the second each cell's end: both become starts.
        if turn == 0:
            total = 0
            for cell in range(start.shape[0]):
                size = start[cell]
                start[cell] = total
                total += size
            found = np.empty(total, np.int64)
        else:
            for cell in range(start.shape[0] - 1, 0, -1):
                start[cell] = start[cell - 1]
            start[0] = 0
    return start, found


@kernel(int64(NEW_I64, NEW_I64, int64, int64, int64))
def _settle(order: Ints, distance_mm: Ints, count: int, street: int, new_mm: int) -> int:
    """Insert a street into those found, nearest first, ties by index; or move it up."""
    at = count
    for index in range(count):
        if order[index] == street:
            if distance_mm[index] <= new_mm:
                return count
            at = index
    if at == count:
        count += 1
    while at > 0 and (distance_mm[at - 1] > new_mm or (distance_mm[at - 1] == new_mm and order[at - 1] > street)):
        order[at] = order[at - 1]
        distance_mm[at] = distance_mm[at - 1]
        at -= 1
    order[at] = street
    distance_mm[at] = new_mm
    return count


@kernel(_pairs(triple(I64), I64, triple(I64), triple(I64), int64))
def locate(vertices: Triple, street: Ints, grid: Triple, places: Triple, count_max: int) -> tuple[Pair, Pair]:
    """Find the streets around each place, the nearest first.

    Parameters
    ----------
    vertices, street
        As in `cells`.
    grid : tuple of three ndarray of int64
        The shape, and what `cells` gave for it.
    places : tuple of three ndarray of int64
        x, y, and how far to search. Shape (n,) each. [mm]
    count_max : int
        The most streets a place is given; the nearest are kept. [count]

    Returns
    -------
    (start, street), (at_mm, distance_mm) : pairs of ndarray of int64
        The streets of place k are those from ``start[k]`` to before ``start[k + 1]``, each once, with where it comes
        nearest (from its first vertex) and how near. Ties go to the lower index. Shapes (n + 1,) and three times
        (found,). [index, index], [mm, mm]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Looks at the pieces of the cells that the search square touches, O(p c) for p pieces and c streets found. The
    nearest place of a piece is found in floating point by + - x / sqrt, then rounded to a millimetre.

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009, section
    4, doi:10.1145/1653771.1653818.
    """
    shape, cell_start, cell_piece = grid
    count = places[0].shape[0]
    streets = street[street.shape[0] - 1] + 1 if street.shape[0] else 0
    order, near_mm, where_mm = np.empty(streets, np.int64), np.empty(streets, np.int64), np.zeros(streets, np.int64)
    best_mm = np.full(streets, UNREACHED, np.int64)
    start = np.zeros(count + 1, np.int64)
    found = np.empty((3, count * count_max), np.int64)
    total = 0
    for place in range(count):
        x_mm, y_mm, reach_mm = places[0][place], places[1][place], places[2][place]
        seen = 0
        left, right = (x_mm - reach_mm - shape[0]) // shape[2], (x_mm + reach_mm - shape[0]) // shape[2]
        low, high = (y_mm - reach_mm - shape[1]) // shape[2], (y_mm + reach_mm - shape[1]) // shape[2]
        for row in range(max(low, 0), min(high, shape[4] - 1) + 1):
            for column in range(max(left, 0), min(right, shape[3] - 1) + 1):
                cell = row * shape[3] + column
                for index in range(cell_start[cell], cell_start[cell + 1]):
                    piece = cell_piece[index]
                    distance_mm, at_mm = _nearest(vertices, piece, x_mm, y_mm)
                    one = int(street[piece])
                    closer = distance_mm == best_mm[one] and at_mm < where_mm[one]
                    if distance_mm <= reach_mm and (distance_mm < best_mm[one] or closer):
                        best_mm[one], where_mm[one] = distance_mm, at_mm
                        seen = _settle(order, near_mm, seen, one, distance_mm)
        for index in range(seen):
            one = order[index]
            best_mm[one] = UNREACHED
            if index < count_max:
                found[0, total], found[1, total], found[2, total] = one, where_mm[one], near_mm[index]
                total += 1
        start[place + 1] = total
    return (start, found[0, :total].copy()), (found[1, :total].copy(), found[2, :total].copy())


@kernel(NEW_I64(triple(I64), I64, int64, int64))
def distances(vertices: Triple, street: Ints, x_mm: int, y_mm: int) -> Ints:
    """Measure the straight distance from one place to every street.

    Parameters
    ----------
    vertices, street
        As in `cells`.
    x_mm, y_mm : int
        The place. [mm]

    Returns
    -------
    ndarray of int64
        To the nearest place of each street, rounded to the millimetre. Shape (streets,). [mm]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    O(v).

    References
    ----------
    C. Ericson, Real-Time Collision Detection, section 5.1.2, 2005.
    """
    streets = street[street.shape[0] - 1] + 1 if street.shape[0] else 0
    nearest_mm = np.full(streets, UNREACHED, np.int64)
    for piece in range(street.shape[0] - 1):
        if street[piece] == street[piece + 1]:
            distance_mm = _nearest(vertices, piece, x_mm, y_mm)[0]
            nearest_mm[street[piece]] = min(nearest_mm[street[piece]], distance_mm)
    return nearest_mm


@kernel(pair(NEW_I64)(I64, I64, I64, pair(I64), pair(I64), int64))
def decode(state_start: Ints, emission: Ints, pair_start: Ints, way: Pair, scale: Pair, turn_cost: int) -> Pair:
    """Find the likeliest state of each fix.

    Parameters
    ----------
    state_start : ndarray of int64
        The states of fix k are those from ``state_start[k]`` to before ``state_start[k + 1]``. Shape (n + 1,).
        [index]
    emission : ndarray of int64
        Cost of each state. Shape (states,). [1e-6]
    pair_start : ndarray of int64
        Where the ways between the states of fix k and those of fix k + 1 begin, the first state's first; where the
        next begin at once, none were looked for. Shape (n,), its last the number of all. [index]
    way : tuple of two ndarray of int64
        Length of each way, `NOWHERE` where there is none, and turn-rounds in it. Shape (ways,) each. [mm, count]
    scale : tuple of two ndarray of int64
        For each two neighbouring fixes the straight distance, and the difference between way and distance that costs
        one. Shape (n - 1,) each. [mm]
    turn_cost : int
        Cost of a turn-round. [1e-6]

    Returns
    -------
    chosen : ndarray of int64
        State of each fix, `NOWHERE` where it has none. Shape (n,). [index]
    linked : ndarray of int64
        1 where a way leads on to the next fix; 0 where the chain ends. Shape (n,). [flag]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    O(ways). Where no way leads from any state to any of the next, the chain ends and another begins. Ties go to the
    lower state, which is the street nearer to the fix.

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009,
    doi:10.1145/1653771.1653818. A. J. Viterbi, Error bounds for convolutional codes, IEEE Transactions on Information
    Theory 13(2), 1967, doi:10.1109/TIT.1967.1054010.
    """
    count = state_start.shape[0] - 1
    cost = emission.copy()
    before = np.full(emission.shape[0], NOWHERE, np.int64)
    chosen = np.full(count, NOWHERE, np.int64)
    linked = np.zeros(count, np.int64)
    for fix in range(1, count):
        if pair_start[fix] == pair_start[fix - 1]:
            continue
        first, middle, last = state_start[fix - 1], state_start[fix], state_start[fix + 1]
        for target in range(middle, last):
            best = UNREACHED
            for source in range(first, middle):
                at = pair_start[fix - 1] + (source - first) * (last - middle) + target - middle
                if way[0][at] == NOWHERE or cost[source] >= UNREACHED:
                    continue
                strange_mm = abs(way[0][at] - scale[0][fix - 1])
                step = cost[source] + strange_mm * COST_UNIT // scale[1][fix - 1] + way[1][at] * turn_cost
                if step < best:
                    best = step
                    before[target] = source
            cost[target] = min(best + emission[target], UNREACHED)
            linked[fix - 1] |= best < UNREACHED
        if linked[fix - 1] == 0:
            cost[middle:last] = emission[middle:last]
    for fix in range(count - 1, -1, -1):
        first, middle = state_start[fix], state_start[fix + 1]
        if fix < count - 1 and linked[fix] == 1:
            chosen[fix] = before[chosen[fix + 1]]
        elif middle > first:
            chosen[fix] = first + np.argmin(cost[first:middle])
    return chosen, linked
