"""The street nearest to each of many places: a grid of which each cell lists all that can be nearest within it."""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I32, I64, NEW_I32, NEW_I64, float64, inner, int64, kernel, pair, several, triple

Ints = NDArray[np.int64]
Grid = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]
Four = tuple[Ints, Ints, Ints, Ints]

# What a cell keeps of a piece: its beginning, from the grid's corner, the way to its end, how far it lies from the
# cell's middle, and its street.
_PIECE = 6
# Places looked up at once: each waits for memory, and all together no longer than one.
_AT_ONCE = 64
# Half of the memory is a third of the time. No city is a thousand kilometres wide.
_EXTENT_MAX_MM = 1_000_000_000
# A box of streets is cut into no more cells than this for each piece.
_CELLS_MAX = 16


_numbers = pair(int64)  # pyright: ignore[reportArgumentType]  # numbers make a pair as arrays do


@inner(_numbers(I64, I64, I64, int64, int64, int64))
def nearest_on(x: Ints, y: Ints, measure: Ints, piece: int, x_mm: int, y_mm: int) -> tuple[int, int]:
    """Find where a straight piece comes nearest to a place: distance, and measure along the street."""
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


@inner(int64(I64, int64, int64, int64, int64))
def is_beyond(axis: Ints, piece: int, at_mm: int, reach_mm: int, seen_mm: int) -> int:
    """Tell by one axis whether a piece lies out of reach of a place, or begins before what was seen already."""
    low, high = min(axis[piece], axis[piece + 1]), max(axis[piece], axis[piece + 1])
    return 1 if low - at_mm > reach_mm or at_mm - high > reach_mm or low < seen_mm else 0


@inner(int64(I64, int64))
def _first(column: Ints, number: int) -> int:
    """Find the first place of a column, ascending, that holds no less than a number."""
    low, high = 0, column.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if column[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low


@kernel(NEW_I64(triple(I64), I64, several(I64, 4), several(I64, 4)))
def beside(vertices: Triple, street: Ints, rows: Four, fixes: Four) -> Ints:
    """Find the row of a path that a fix lies beside.

    Parameters
    ----------
    vertices, street
        As in `nearest_grid`.
    rows : tuple of four ndarray of int64
        Of each row of the path, in the order of driving: the pair of fixes it lies between, its street, and when it
        was entered and left. Shape (m,) each. [index, index, us, us]
    fixes : tuple of four ndarray of int64
        Times, ascending, places, and how near the street must be. Shape (n,) each. [us, mm, mm, mm]

    Returns
    -------
    ndarray of int64
        Of each fix the first row whose street is the nearest of those driven between the same two fixes of the path;
        -1 where none is near, or where nothing was driven then. Shape (n,). [index]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Of streets equally near the lower is taken. O(n p) for p pieces of the streets of a pair.

    References
    ----------
    None: the definition is this project's own.
    """
    pair_of, driven, enter_us, leave_us = rows
    t_us, x_mm, y_mm, near_mm = fixes
    found = np.full(t_us.shape[0], -1)
    row, total = 0, leave_us.shape[0]
    for fix in range(t_us.shape[0]):
        while row < total and leave_us[row] < t_us[fix]:
            row += 1
        if row == total:
            break
        if enter_us[row] > t_us[fix]:
            continue
        first = row
        while first > 0 and pair_of[first - 1] == pair_of[row]:
            first -= 1
        least_mm = near_mm[fix] + 1
        at = first
        while at < total and pair_of[at] == pair_of[row]:
            piece = _first(street, driven[at])
            while piece + 1 < street.shape[0] and street[piece + 1] == driven[at]:
                away_mm = nearest_on(vertices[0], vertices[1], vertices[2], piece, x_mm[fix], y_mm[fix])[0]
                is_lower = away_mm == least_mm and found[fix] >= 0 and driven[at] < driven[found[fix]]
                if away_mm < least_mm or is_lower:
                    least_mm, found[fix] = away_mm, at
                piece += 1
            at += 1
    return found


@inner(int64(int64, int64, int64, int64, int64, int64))
def _apart_mm(x_mm: int, y_mm: int, east: int, north: int, x: int, y: int) -> int:
    """Measure how far a place lies from a piece, rounded down."""
    beside, above = float(x - x_mm), float(y - y_mm)
    squared = float(east * east + north * north)
    share = (beside * east + above * north) / squared if squared > 0 else 0.0
    share = min(max(share, 0.0), 1.0)
    beside -= share * east
    above -= share * north
    return int(np.int64(np.sqrt(beside * beside + above * above)))


@kernel(NEW_I64(triple(I64), I64, int64, int64))
def _shape(vertices: Triple, street: Ints, side_mm: int, reach_mm: int) -> Ints:
    """Lay a grid over all streets and what is within reach of them."""
    x, y, _ = vertices
    shape = np.array([0, 0, max(side_mm, 1), 1, 1, reach_mm])
    if street.shape[0] > 0:
        shape[0], shape[1] = x.min() - reach_mm, y.min() - reach_mm
        width, height = x.max() + reach_mm - shape[0], y.max() + reach_mm - shape[1]
        # Long and narrow or nearly empty: larger cells, so that there are never many more of them than pieces.
        most = float(_CELLS_MAX * street.shape[0] + 64)
        needed = max(float(width) * float(height) / most, (max(width, height) / most) ** 2)
        shape[2] = max(shape[2], np.int64(np.sqrt(needed)) + 1)
        shape[3], shape[4] = width // shape[2] + 1, height // shape[2] + 1
    return shape


@inner(int64(NEW_I32, int64, int64, int64))
def _placed(found: NDArray[np.int32], first: int, at: int, apart_mm: int) -> int:
    """Make room in a cell for a piece, the nearest to its middle first; gives where it goes."""
    while at > first and found[_PIECE * at - 2] > apart_mm:
        for index in range(_PIECE * at, _PIECE * (at + 1)):
            found[index] = found[index - _PIECE]
        at -= 1
    return at


@kernel(triple(NEW_I32)(triple(I64), I64, int64, int64))
def nearest_grid(vertices: Triple, street: Ints, side_mm: int, reach_mm: int) -> Grid:
    """Make a grid of which each cell lists the pieces that can be nearest to a place within it.

    Parameters
    ----------
    vertices : tuple of three ndarray of int64
        x, y and measure along its street of each vertex, street by street. Shape (v,) each. [mm]
    street : ndarray of int64
        Street of each vertex. Shape (v,). [index]
    side_mm : int
        Side of a cell; made larger where the grid would have more than 16 cells for each vertex. [mm]
    reach_mm : int
        How far to search. [mm]

    Returns
    -------
    shape, start, piece : ndarray of int32
        The grid, where the pieces of each cell begin, and they themselves, the nearest to its middle first.

    Raises
    ------
    TypeError
        If an array is of another type than declared.
    ValueError
        If streets lie more than a thousand kilometres apart, or from the origin.

    Notes
    -----
    A piece is left out of a cell where it is out of reach, or where another is nearer to every place of the cell.
    Both are told from the distance to the cell's middle, which differs from that to any of its places by no more than
    half its diagonal. O(v c p) for c cells within reach of a piece and p pieces in each.

    References
    ----------
    J. L. Bentley, J. H. Friedman, Data structures for range searching, ACM Computing Surveys 11(4), section 2.4,
    1979, doi:10.1145/356789.356797.
    """
    x, y, _ = vertices
    shape = _shape(vertices, street, side_mm, reach_mm)
    if np.abs(shape).max() > _EXTENT_MAX_MM:
        raise ValueError("streets lie more than a thousand kilometres apart; give those of one city")
    side, columns = shape[2], shape[3]
    half = side * 708 // 1_000 + 2
    least = np.full(columns * shape[4], 2**62, np.int64)
    start = np.zeros(columns * shape[4] + 1, np.int64)
    found, filled = np.empty(0, np.int32), start
    # First how near the nearest is to each cell's middle, then how many could be, then which.
    for turn in range(3):
        for piece in range(x.shape[0] - 1):
            if street[piece] != street[piece + 1]:
                continue
            west, south = x[piece] - shape[0], y[piece] - shape[1]
            east, north = x[piece + 1] - x[piece], y[piece + 1] - y[piece]
            left, right = (west + min(east, 0) - reach_mm) // side, (west + max(east, 0) + reach_mm) // side
            low, high = (south + min(north, 0) - reach_mm) // side, (south + max(north, 0) + reach_mm) // side
            for row in range(low, high + 1):
                for cell in range(row * columns + left, row * columns + right + 1):
                    middle = ((cell - row * columns) * side + side // 2, row * side + side // 2)
                    apart_mm = _apart_mm(west, south, east, north, middle[0], middle[1])
                    if turn == 0:
                        least[cell] = min(least[cell], apart_mm)
                    elif apart_mm <= reach_mm + half and apart_mm <= least[cell] + 2 * half:
                        if turn == 2:  # noqa: PLR2004  # the third
                            at = _PIECE * _placed(found, start[cell], filled[cell], apart_mm)
                            found[at], found[at + 1], found[at + 2], found[at + 3] = west, south, east, north
                            found[at + 4], found[at + 5] = apart_mm, street[piece]
                        filled[cell] += 1
        if turn == 1:
            total = 0
            for cell in range(start.shape[0]):
                start[cell], total = total, total + start[cell]
            filled, found = start.copy(), np.empty(_PIECE * total, np.int32)
    return shape.astype(np.int32), start.astype(np.int32), found


@inner(_numbers(I32, float64, int64, int64))
def _cell(shape: NDArray[np.int32], per_side: float, east: int, north: int) -> tuple[int, int]:
    """Find the cell of a place, told from the grid's corner, -1 where there is none; and how far its middle is."""
    side, columns = int(shape[2]), int(shape[3])
    # A quotient may come out one too low or high at a cell's very edge.
    column, row = np.int64(east * per_side), np.int64(north * per_side)
    column += np.int64(east >= (column + 1) * side) - np.int64(east < column * side)
    row += np.int64(north >= (row + 1) * side) - np.int64(north < row * side)
    if column < 0 or row < 0 or column >= columns or row >= shape[4]:
        return -1, 0
    beside, above = float(column * side + side // 2 - east), float(row * side + side // 2 - north)
    # Rounded up, as what is kept of a piece is rounded down.
    return int(row * columns + column), int(np.int64(np.sqrt(beside * beside + above * above))) + 1


@inner(pair(float64)(I32, _numbers, _numbers, int64, float64))  # pyright: ignore[reportArgumentType]
def _least(
    piece: NDArray[np.int32], span: tuple[int, int], place: tuple[int, int], between_mm: int, most: float
) -> tuple[float, float]:
    """Find the nearest of a cell's pieces: the square of its distance, and its street, -1 where none is near."""
    best, street = most, -1
    for at in range(_PIECE * span[0], _PIECE * span[1], _PIECE):
        # Nearer to the place than this no piece is from here on.
        spare_mm = float(piece[at + 4] - between_mm)
        if spare_mm > 0 and spare_mm * spare_mm > best:
            break
        beside, above = place[0] - piece[at], place[1] - piece[at + 1]
        east, north = int(piece[at + 2]), int(piece[at + 3])
        along, length = beside * east + above * north, east * east + north * north
        if along <= 0:
            squared = float(beside * beside + above * above)
        elif along >= length:
            beside -= east
            above -= north
            squared = float(beside * beside + above * above)
        else:
            across = float(beside * north - above * east)
            squared = across * across / float(length)
        if squared < best or (squared == best and (street < 0 or piece[at + 5] < street)):
            best, street = squared, np.int64(piece[at + 5])
    return best, float(street)


@kernel(pair(NEW_I64)(triple(I32), I64, I64))
def nearest(grid: Grid, x_mm: Ints, y_mm: Ints) -> Pair:
    """Find the street nearest to each place.

    Parameters
    ----------
    grid : tuple of three ndarray of int32
        As `nearest_grid` made it.
    x_mm, y_mm : ndarray of int64
        The places. Shape (n,) each. [mm]

    Returns
    -------
    street : ndarray of int64
        -1 where none is within reach; ties go to the lower index. Shape (n,). [index]
    distance_mm : ndarray of int64
        Rounded to the millimetre, -1 where there is no street. Shape (n,). [mm]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Distances are compared by their squares: those to the ends of pieces are integers and exact, those to their
    insides a quotient of integers. O(p) for p pieces in a place's cell, of which those that lie further from its
    middle than the nearest can are not looked at.

    References
    ----------
    C. Ericson, Real-Time Collision Detection, section 5.1.2, 2005.
    """
    shape, start, piece = grid
    reach_squared = float(shape[5]) * float(shape[5])
    total, per_side = x_mm.shape[0], 1.0 / float(shape[2])
    street, distance_mm = np.full(total, -1, np.int64), np.full(total, -1, np.int64)
    first, last, between_mm = (
        np.zeros(_AT_ONCE, np.int64),
        np.zeros(_AT_ONCE, np.int64),
        np.zeros(_AT_ONCE, np.int64),
    )
    for begin in range(0, total, _AT_ONCE):
        count = min(_AT_ONCE, total - begin)
        for one in range(count):
            east, north = x_mm[begin + one] - shape[0], y_mm[begin + one] - shape[1]
            first[one], between_mm[one] = _cell(shape, per_side, east, north)
        for one in range(count):
            cell = first[one]
            first[one], last[one] = (start[cell], start[cell + 1]) if cell >= 0 else (0, 0)
        # Lines of memory are asked for one after the other, and are there when they are needed.
        asked = 0
        for one in range(count):
            if first[one] < last[one]:
                at, end = _PIECE * first[one], _PIECE * last[one]
                asked += piece[at] + piece[min(at + 2 * _PIECE, end - 1)]
        for one in range(count):
            here = (x_mm[begin + one] - shape[0], y_mm[begin + one] - shape[1])
            best, found = _least(piece, (first[one], last[one]), here, between_mm[one], reach_squared)
            if found >= 0:
                street[begin + one], distance_mm[begin + one] = found, np.int64(np.sqrt(best) + 0.5)
        first[0] = asked
    return street, distance_mm


@kernel(pair(NEW_I64)(triple(I64), I64, triple(I64), pair(I64)))
def extents(vertices: Triple, street: Ints, places: Triple, asked: Pair) -> Pair:
    """Find from where to where along edges they lie within reach of places.

    Parameters
    ----------
    vertices, street
        As in `nearest_grid`.
    places : tuple of three ndarray of int64
        x, y, and how far it is to the edge of reach. Shape (n,) each. [mm]
    asked : tuple of two ndarray of int64
        A place and an edge: twice a street, and one more where it goes against the line. Shape (m,) each. [index]

    Returns
    -------
    low_mm, high_mm : ndarray of int64
        Along the edge, from its beginning: the first and the last that is within reach, a millimetre or two too much
        and never too little; the edge's length and nought where none is. Shape (m,) each. [mm]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    What lies between the two may be out of reach, where a street bends. O(p) for p pieces of the streets asked for.

    References
    ----------
    C. Ericson, Real-Time Collision Detection, section 5.3.2, 2005.
    """
    x, y, measure = vertices
    low_mm, high_mm = np.zeros(asked[1].shape[0], np.int64), np.zeros(asked[1].shape[0], np.int64)
    for one in range(asked[1].shape[0]):
        place, edge = asked[0][one], asked[1][one]
        reach = float(places[2][place] + 1)
        piece = _first(street, edge // 2)
        low, high = np.int64(2**61), np.int64(-1)
        while piece + 1 < street.shape[0] and street[piece + 1] == edge // 2:
            east, north = float(x[piece + 1] - x[piece]), float(y[piece + 1] - y[piece])
            beside, above = float(places[0][place] - x[piece]), float(places[1][place] - y[piece])
            squared = east * east + north * north
            foot = (beside * east + above * north) / squared if squared > 0 else 0.0
            off = (beside - foot * east) * (beside - foot * east) + (above - foot * north) * (above - foot * north)
            if off <= reach * reach:
                half = np.sqrt((reach * reach - off) / squared) if squared > 0 else 0.0
                if foot + half >= 0 and foot - half <= 1:
                    long = float(measure[piece + 1] - measure[piece])
                    low = min(low, measure[piece] + np.int64(max(foot - half, 0.0) * long))
                    high = max(high, measure[piece] + np.int64(min(foot + half, 1.0) * long + 1))
            piece += 1
        length_mm = measure[piece]
        low, high = min(low, length_mm), max(min(high, length_mm), 0)
        low_mm[one], high_mm[one] = (low, high) if edge % 2 == 0 else (length_mm - high, length_mm - low)
    return low_mm, high_mm
