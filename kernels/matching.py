"""Position fixes of a vehicle on a network of directed streets: the most likely path, as a hidden Markov model.

*States.* A fix may have come from any place within its search radius that a street comes nearest at; each direction
in which that street may be driven is a state of its own. *Emission*: the further from the street, the less likely,
by the normal law of the fix's error. *Transition*: the more the way over the network differs from the straight line
between two fixes, the less likely, by an exponential law; each turn-round costs extra. The path is the sequence of
states with the least sum of costs (Viterbi). Costs are logarithms of likelihood, turned round, in millionths:
squares, absolute differences and products only, no exponential or logarithm is ever taken. They are integers, and so
is every length, so that sums do not depend on an order.

*Certainty.* The likeliest path is not proof. `possible` keeps the states that lie within the fixes' error and that a
vehicle can have come to and gone on from; `certain` then tells the streets over which every such vehicle drove, and
`entered` where one may have begun in such a street, or ended, so that it did not drive all of it; `trimmed` takes
that away. `ordered`, `vouched` and `timed` bring the path's rows into their order, say which of them can be certain
at all, and when each was driven.

*What it believes.* Columns of int64 in the shapes declared; a street that passes a fix twice is taken where it is
nearest. *What is left to others.* Costs, radii and limits, where a chain of fixes is cut, and what follows from a
street that was driven. Edges, labels and the search for ways: `kernels._ways`.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._certain import AHEAD, BEHIND, TURN_MM, certain, kept, possible, sides
from kernels._entered import entered
from kernels._jit import I64, NEW_I64, float64, inner, int64, kernel, pair, several, triple
from kernels._linked import ordered, timed, trimmed, vouched
from kernels._nearest import beside, extents, is_beyond, nearest, nearest_grid, nearest_on
from kernels._path import COST_UNIT
from kernels._rows import routes
from kernels._trellis import chains, decode
from kernels._ways import NOWHERE, UNREACHED, table
from kernels._witnesses import witnesses

__all__ = [
    "AHEAD",
    "BEHIND",
    "COST_UNIT",
    "NOWHERE",
    "TURN_MM",
    "beside",
    "cells",
    "certain",
    "chains",
    "decode",
    "entered",
    "extents",
    "kept",
    "locate",
    "nearest",
    "nearest_grid",
    "ordered",
    "possible",
    "routes",
    "sides",
    "states",
    "table",
    "timed",
    "trimmed",
    "vouched",
    "witnesses",
]

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]
Fixes4 = tuple[Ints, Ints, Ints, Ints]
Located = tuple[Ints, Ints, Ints, Ints, Ints]


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


@inner(int64(NEW_I64, int64, int64, int64, int64, int64, int64, int64), is_laid_in=True)
def _settle(  # noqa: PLR0917  # what was found, then the new
    best: Ints, first: int, count: int, count_max: int, street: int, piece: int, at_mm: int, distance_mm: int
) -> int:
    """Take a piece's street among those found for a place, if it is nearer than what was; gives how many they are.

    Four numbers of each lie together: street, piece, where along it and how near; the nearest first, ties by street.
    """
    begin, end = 4 * first, 4 * (first + count)
    at = begin
    while at < end and best[at] != street:
        at += 4
    if at < end:
        if distance_mm > best[at + 3] or (distance_mm == best[at + 3] and at_mm >= best[at + 2]):
            return count
    elif count < count_max:
        count += 1
    else:
        at = end - 4
        if distance_mm > best[at + 3] or (distance_mm == best[at + 3] and street > best[at]):
            return count
    while at > begin and (best[at - 1] > distance_mm or (best[at - 1] == distance_mm and best[at - 4] > street)):
        for index in range(at, at + 4):
            best[index] = best[index - 4]
        at -= 4
    best[at], best[at + 1], best[at + 2], best[at + 3] = street, piece, at_mm, distance_mm
    return count


@kernel(several(NEW_I64, 5)(triple(I64), I64, triple(I64), triple(I64), int64))
def locate(vertices: Triple, street: Ints, grid: Triple, places: Triple, count_max: int) -> Located:
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
    start, street, piece, at_mm, distance_mm : ndarray of int64
        The streets of place k are those from ``start[k]`` to before ``start[k + 1]``, each once, with the piece where
        it comes nearest, where that is along it (from its first vertex) and how near. Ties go to the lower index.
        Shapes (n + 1,) and four times (found,). [index, index, index, mm, mm]

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
    start = np.zeros(count + 1, np.int64)
    best = np.empty(4 * (4 * count + count_max), np.int64)
    x, y, measure = vertices
    total = 0
    for place in range(count):
        x_mm, y_mm, reach_mm = places[0][place], places[1][place], places[2][place]
        if 4 * (total + count_max) > best.shape[0]:
            best = np.concatenate((best, np.empty_like(best)))
        seen = 0
        left, right = (x_mm - reach_mm - shape[0]) // shape[2], (x_mm + reach_mm - shape[0]) // shape[2]
        low, high = (y_mm - reach_mm - shape[1]) // shape[2], (y_mm + reach_mm - shape[1]) // shape[2]
        left, right, low, high = max(left, 0), min(right, shape[3] - 1), max(low, 0), min(high, shape[4] - 1)
        for row in range(low, high + 1):
            for column in range(left, right + 1):
                cell = row * shape[3] + column
                # A piece that lies in a cell looked at before, to the west or to the south, was looked at there.
                seen_x = shape[0] + column * shape[2] if column > left else -UNREACHED
                seen_y = shape[1] + row * shape[2] if row > low else -UNREACHED
                for index in range(cell_start[cell], cell_start[cell + 1]):
                    piece = cell_piece[index]
                    if is_beyond(x, piece, x_mm, reach_mm, seen_x) or is_beyond(y, piece, y_mm, reach_mm, seen_y):
                        continue
                    distance_mm, at_mm = nearest_on(x, y, measure, piece, x_mm, y_mm)
                    if distance_mm <= reach_mm:
                        seen = _settle(best, total, seen, count_max, int(street[piece]), piece, at_mm, distance_mm)
        total += seen
        start[place + 1] = total
    found = best[: 4 * total]
    return start, found[::4].copy(), found[1::4].copy(), found[2::4].copy(), found[3::4].copy()


@inner(float64(I64, I64, int64, int64, int64))
def _ahead(x: Ints, y: Ints, piece: int, east: int, north: int) -> float:
    """Tell how far a heading agrees with a piece's line: 1 along it, 0 at right angles, -1 against it."""
    along, across = float(x[piece + 1] - x[piece]), float(y[piece + 1] - y[piece])
    length = np.sqrt(along * along + across * across) * 1_024
    return (along * east + across * north) / length if length > 0 else 0.0


@kernel(several(NEW_I64, 5)(triple(I64), several(I64, 5), pair(I64), several(I64, 4), I64))
def states(vertices: Triple, located: Located, streets: Pair, fixes: Fixes4, weights: Ints) -> Located:
    """Make a state of each direction in which a street near a fix may be driven.

    Parameters
    ----------
    vertices
        As in `cells`.
    located : tuple of five ndarray of int64
        As `locate` gives it for the fixes.
    streets : tuple of two ndarray of int64
        Length of each street, and 1 where it may be driven along its line only. Shape (s,) each. [mm, flag]
    fixes : tuple of four ndarray of int64
        Times, standard deviations to each side, and the heading to the east and to the north as a vector of length
        1024, of length 0 where none is known. Shape (n,) each. [us, mm, 1/1024, 1/1024]
    weights : ndarray of int64
        Half the width of a street, the time after which errors are independent, and the cost of a heading at right
        angles to the street. Shape (3,). [mm, us, 1e-6]

    Returns
    -------
    start, edge, along_mm, cost, distance_mm : ndarray of int64
        The states of fix k are those from ``start[k]`` to before ``start[k + 1]``. Shapes (n + 1,) and four times
        (states,). [index, index, mm, 1e-6, mm]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    The cost of a distance is that of the normal law up to three standard deviations, and goes on as a straight line:
    receivers in narrow streets err more often by much than the normal law says. Errors change slowly, so fixes in
    quick succession say little more than one: their costs count by the share of the time after which errors are
    independent, a fifth at least.

    References
    ----------
    P. J. Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35(1), 1964,
    doi:10.1214/aoms/1177703732.
    """
    start, street, piece, at_mm, distance_mm = located
    t_us, sigma_mm, heading_x, heading_y = fixes
    x, y, _ = vertices
    length_mm, is_oneway = streets
    count, total = start.shape[0] - 1, 0
    for found in range(street.shape[0]):
        total += 2 - is_oneway[street[found]]
    state_start, edge, along_mm = np.zeros(count + 1, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    cost, away_mm = np.empty(total, np.int64), np.empty(total, np.int64)
    state = 0
    for fix in range(count):
        since_us = t_us[fix] - t_us[fix - 1] if fix > 0 else weights[1]
        share_ppm = max(min(since_us, weights[1]) * COST_UNIT // weights[1], COST_UNIT // 5)
        width_mm = np.sqrt(float(sigma_mm[fix] * sigma_mm[fix] + weights[0] * weights[0]))
        is_heading = heading_x[fix] != 0 or heading_y[fix] != 0
        for found in range(start[fix], start[fix + 1]):
            one = street[found]
            ratio = float(distance_mm[found]) / width_mm
            unlikely = ratio * ratio / 2 if ratio < 3 else 3 * ratio - 4.5  # noqa: PLR2004
            ahead = _ahead(x, y, piece[found], heading_x[fix], heading_y[fix]) if is_heading else 1.0
            for side in range(2 - is_oneway[one]):
                edge[state] = 2 * one + side
                along_mm[state] = at_mm[found] if side == 0 else length_mm[one] - at_mm[found]
                away_mm[state] = distance_mm[found]
                turned = 1.0 - ahead * (1 - 2 * side) if is_heading else 0.0
                cost[state] = np.int64((unlikely + turned * weights[2] / COST_UNIT) * share_ppm)
                state += 1
        state_start[fix + 1] = state
    return state_start, edge, along_mm, cost, away_mm
