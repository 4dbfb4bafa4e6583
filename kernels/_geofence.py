"""The loops behind `kernels.geofence`, which checks the columns and says what the numbers mean."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I8, NEW_I64, int64, kernel, pair, triple

Ints = NDArray[np.int64]
Edges = tuple[tuple[Ints, Ints], tuple[Ints, Ints]]

INSIDE: Final = 1
OUTSIDE: Final = 0
UNCERTAIN: Final = -1

_edges = pair(pair(I64))  # pyright: ignore[reportArgumentType]  # pairs of arrays make a pair as arrays do


@kernel(int64(_edges, int64, int64, int64, int64))
def _is_near(edges: Edges, edge: int, x_mm: int, y_mm: int, reach_mm: int) -> int:
    """Tell whether an edge is no further from a place than a reach."""
    (from_x, from_y), (to_x, to_y) = edges
    east, north = to_x[edge] - from_x[edge], to_y[edge] - from_y[edge]
    beside, above = x_mm - from_x[edge], y_mm - from_y[edge]
    reach = float(reach_mm)
    squared = float(east * east + north * north)
    # In doubt by the box first: most edges are far.
    if (
        min(from_x[edge], to_x[edge]) - x_mm > reach_mm
        or x_mm - max(from_x[edge], to_x[edge]) > reach_mm
        or min(from_y[edge], to_y[edge]) - y_mm > reach_mm
        or y_mm - max(from_y[edge], to_y[edge]) > reach_mm
    ):
        return 0
    along = float(beside * east + above * north)
    if along <= 0.0:
        return 1 if float(beside * beside + above * above) <= reach * reach else 0
    if along >= squared:
        beside, above = x_mm - to_x[edge], y_mm - to_y[edge]
        return 1 if float(beside * beside + above * above) <= reach * reach else 0
    across = float(east * above - north * beside)
    return 1 if across * across <= reach * reach * squared else 0


@kernel(int64(_edges, int64, int64, int64))
def _is_crossed(edges: Edges, edge: int, x_mm: int, y_mm: int) -> int:
    """Tell whether a ray from a place to the east crosses an edge: its lower end counts, its upper one does not."""
    (from_x, from_y), (to_x, to_y) = edges
    if (from_y[edge] > y_mm) == (to_y[edge] > y_mm):
        return 0
    east, north = to_x[edge] - from_x[edge], to_y[edge] - from_y[edge]
    # Left of the edge, seen upwards.
    across = east * (y_mm - from_y[edge]) - north * (x_mm - from_x[edge])
    return 1 if (across > 0) == (north > 0) and across != 0 else 0


@kernel(int64(_edges, int64, int64, int64))
def _distance_mm(edges: Edges, edge: int, x_mm: int, y_mm: int) -> int:
    """Measure from a place to an edge, rounded down."""
    (from_x, from_y), (to_x, to_y) = edges
    east, north = float(to_x[edge] - from_x[edge]), float(to_y[edge] - from_y[edge])
    beside, above = float(x_mm - from_x[edge]), float(y_mm - from_y[edge])
    squared = east * east + north * north
    share = 0.0
    if squared > 0.0:
        share = min(max((beside * east + above * north) / squared, 0.0), 1.0)
    beside -= share * east
    above -= share * north
    return int(np.int64(np.sqrt(beside * beside + above * above)))


@kernel(NEW_I64(_edges, I64))
def clearances(edges: Edges, shape: Ints) -> Ints:
    """Say of each cell how far from all edges its places lie at least; see `Area`."""
    west, south, columns, rows = shape[0], shape[1], shape[4], shape[5]
    width, height = np.int64(1) << shape[2], np.int64(1) << shape[3]
    count = edges[0][0].shape[0]
    # From the middle to the furthest corner, and a little for what was rounded.
    half_mm = np.int64(np.sqrt(float(width * width + height * height)) / 2.0) + 3
    clear_mm = np.zeros(columns * rows, np.int64)
    for row in range(rows):
        for at in range(columns):
            x_mm, y_mm = west + at * width + width // 2, south + row * height + height // 2
            nearest_mm = np.int64(2**62)
            crossed = 0
            for edge in range(count):
                nearest_mm = min(nearest_mm, _distance_mm(edges, edge, x_mm, y_mm))
                crossed += _is_crossed(edges, edge, x_mm, y_mm)
            clear = max(nearest_mm - half_mm, 0)
            clear_mm[row * columns + at] = clear if crossed % 2 == 1 else -clear
    return clear_mm


@kernel(pair(NEW_I64)(_edges, I64))
def rows(edges: Edges, shape: Ints) -> tuple[Ints, Ints]:
    """List for each row of cells the edges that come within one row of it."""
    (_, from_y), (_, to_y) = edges
    south, high, count = shape[1], shape[3], shape[5]
    start = np.zeros(count + 1, np.int64)
    found = np.empty(0, np.int64)
    for turn in range(2):
        for edge in range(from_y.shape[0]):
            first = ((min(from_y[edge], to_y[edge]) - south) >> high) - 1
            last = ((max(from_y[edge], to_y[edge]) - south) >> high) + 1
            for row in range(max(first, 0), min(last, count - 1) + 1):
                if turn == 1:
                    found[start[row]] = edge
                start[row] += 1
        # Counts become the places where each row's edges start, and after the second turn are shifted by one row.
        if turn == 0:
            total = 0
            for row in range(count + 1):
                start[row], total = total, total + start[row]
            found = np.empty(total, np.int64)
    for row in range(count, 0, -1):
        start[row] = start[row - 1]
    if count > 0:
        start[0] = 0
    return start, found


@kernel(NEW_I8(_edges, I64, I64, pair(I64), triple(I64)))
def sides(
    edges: Edges, shape: Ints, clear_mm: Ints, row_edges: tuple[Ints, Ints], places: tuple[Ints, Ints, Ints]
) -> NDArray[np.int8]:
    """Say on which side each place lies; see `geofence.sides`."""
    west, south, wide, high, columns = shape[0], shape[1], shape[2], shape[3], shape[4]
    width, height = np.int64(1) << wide, np.int64(1) << high
    east, north = west + columns * width, south + shape[5] * height
    x, y, reach = places
    side = np.empty(x.shape[0], np.int8)
    for place in range(x.shape[0]):
        x_mm, y_mm, reach_mm = x[place], y[place], reach[place]
        # The grid is a cell wider than the area.
        if (
            x_mm + reach_mm < west + width
            or x_mm - reach_mm >= east
            or y_mm + reach_mm < south + height
            or y_mm - reach_mm >= north
        ):
            side[place] = OUTSIDE
            continue
        is_within = west <= x_mm < east and south <= y_mm < north
        row = (y_mm - south) >> high
        if is_within:
            clear = clear_mm[row * columns + ((x_mm - west) >> wide)]
            if clear > reach_mm:
                side[place] = INSIDE
                continue
            if -clear > reach_mm:
                side[place] = OUTSIDE
                continue
        is_row = is_within and reach_mm <= height
        first = row_edges[0][row] if is_row else 0
        until = row_edges[0][row + 1] if is_row else edges[0][0].shape[0]
        crossed = 0
        is_near = 0
        for k in range(first, until):
            edge = row_edges[1][k] if is_row else k
            is_near = _is_near(edges, edge, x_mm, y_mm, reach_mm)
            if is_near:
                break
            crossed += _is_crossed(edges, edge, x_mm, y_mm)
        side[place] = UNCERTAIN if is_near else crossed % 2
    return side
