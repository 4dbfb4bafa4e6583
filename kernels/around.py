"""Streets around places: all of them, however many, where a bound must leave none out.

The matcher looks at the nearest few (`kernels.matching.locate`), because the others do not win; here every street
within reach counts, as what could have been driven. What that proves or excludes is left to others.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, inner, int64, kernel, several, triple
from kernels._nearest import is_beyond, nearest_on

Ints = NDArray[np.int64]
Triple = tuple[Ints, Ints, Ints]
Around = tuple[Ints, Ints, Ints, Ints]

_FAR = 2**62
# One street in so many.
_MANY = 16
# So few are put in order by hand.
_FEW = 32


@inner(int64(NEW_I64, int64))
def _put_in_order(column: Ints, count: int) -> int:
    """Put the first few numbers of a column in order."""
    for place in range(1, count):
        moved, at = column[place], place
        while at > 0 and column[at - 1] > moved:
            column[at] = column[at - 1]
            at -= 1
        column[at] = moved
    return count


@kernel(several(NEW_I64, 4)(triple(I64), I64, triple(I64), triple(I64)))
def around(vertices: Triple, street: Ints, grid: Triple, places: Triple) -> Around:
    """Find all streets within reach of each place.

    Parameters
    ----------
    vertices : tuple of three ndarray of int64
        x, y and measure along its street of each vertex, street by street. Shape (v,) each. [mm]
    street : ndarray of int64
        Street of each vertex. Shape (v,). [index]
    grid : tuple of three ndarray of int64
        The shape, and what `kernels.matching.cells` gave for it.
    places : tuple of three ndarray of int64
        x, y, and how far to search. Shape (n,) each. [mm]

    Returns
    -------
    start, street, at_mm, distance_mm : ndarray of int64
        The streets of place k are those from ``start[k]`` to before ``start[k + 1]``, each once, ascending, with
        where along it (from its first vertex) it is nearest, and how near. Shapes (n + 1,) and three times (found,).
        [index, index, mm, mm]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Looks at the pieces of the cells that the search square touches, O(p + c log c) for p pieces and c streets found,
    and O(streets) once.

    References
    ----------
    J. L. Bentley, J. H. Friedman, Data structures for range searching, ACM Computing Surveys 11(4), section 2.4,
    1979, doi:10.1145/356789.356797.
    """
    shape, cell_start, cell_piece = grid
    x, y, measure = vertices
    streets = street[street.shape[0] - 1] + 1 if street.shape[0] else 0
    nearest_mm, nearest_at = np.full(streets, _FAR, np.int64), np.zeros(streets, np.int64)
    seen = np.empty(streets, np.int64)
    start = np.zeros(places[0].shape[0] + 1, np.int64)
    found = np.empty(3 * max(streets, 4 * places[0].shape[0]), np.int64)
    total = 0
    for place in range(places[0].shape[0]):
        x_mm, y_mm, reach_mm = places[0][place], places[1][place], places[2][place]
        count = 0
        left, right = (x_mm - reach_mm - shape[0]) // shape[2], (x_mm + reach_mm - shape[0]) // shape[2]
        low, high = (y_mm - reach_mm - shape[1]) // shape[2], (y_mm + reach_mm - shape[1]) // shape[2]
        left, right, low, high = max(left, 0), min(right, shape[3] - 1), max(low, 0), min(high, shape[4] - 1)
        for row in range(low, high + 1):
            for column in range(left, right + 1):
                cell = row * shape[3] + column
                # A piece that lies in a cell looked at before, to the west or to the south, was looked at there.
                seen_x = shape[0] + column * shape[2] if column > left else -_FAR
                seen_y = shape[1] + row * shape[2] if row > low else -_FAR
                for index in range(cell_start[cell], cell_start[cell + 1]):
                    piece = cell_piece[index]
                    if is_beyond(x, piece, x_mm, reach_mm, seen_x) or is_beyond(y, piece, y_mm, reach_mm, seen_y):
                        continue
                    distance_mm, at_mm = nearest_on(x, y, measure, piece, x_mm, y_mm)
                    if distance_mm > reach_mm:
                        continue
                    one = street[piece]
                    if nearest_mm[one] == _FAR:
                        seen[count] = one
                        count += 1
                    is_same = distance_mm == nearest_mm[one]
                    if distance_mm < nearest_mm[one] or (is_same and at_mm < nearest_at[one]):
                        nearest_mm[one], nearest_at[one] = distance_mm, at_mm
        while 3 * (total + count) > found.shape[0]:
            found = np.concatenate((found, np.empty_like(found)))
        # Many are in order sooner by looking at each street than by sorting.
        is_many = _MANY * count > streets
        if count <= _FEW:
            _put_in_order(seen, count)
        elif not is_many:
            seen[:count].sort()
        for index in range(streets if is_many else count):
            one = index if is_many else seen[index]
            if nearest_mm[one] == _FAR:
                continue
            found[3 * total], found[3 * total + 1], found[3 * total + 2] = one, nearest_at[one], nearest_mm[one]
            nearest_mm[one] = _FAR
            total += 1
        start[place + 1] = total
    found = found[: 3 * total]
    return start, found[::3].copy(), found[1::3].copy(), found[2::3].copy()
