"""Places against an area on the plane: surely inside, surely outside, or too near its edge to tell.

*An area* is bounded by rings of straight edges, by the even-odd rule: a ring within a ring is a hole, and a third one
within that an island. Rings need not be closed; order and direction do not matter. *A place* is a point and a reach:
how far from the edge it must lie to be sure, that is the fix's error, and a margin where a vehicle that stands at the
edge shall not seem to come and go (hysteresis). A place on the edge is never sure.

*What it believes.* Places and areas lie on one plane of millimetres (`kernels.geodesy`), no further from its origin
than 500 km. Hand-drawn edges have no error of their own; who knows of one adds it to the reach. *What is left to
others.* Time: entries, exits and how long somebody stayed (`kernels.dwell`).
"""

from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import _geofence
from kernels._columns import column
from kernels._geofence import INSIDE, OUTSIDE, UNCERTAIN

__all__ = ["INSIDE", "OUTSIDE", "UNCERTAIN", "Area", "area", "sides"]

Ints = NDArray[np.int64]

EXTENT_MAX_MM: Final = 500_000_000
"""No coordinate is larger; products of two differences stay within 64 bits."""

# Cells for each edge: so few hold an edge that most places need no look at one; so many cells still fit a cache.
_CELLS_PER_EDGE: Final = 64
_CELLS_MIN, _CELLS_MAX = 1_024, 16_384


@dataclass(frozen=True, slots=True)
class Area:
    """An area, and a grid laid over it. Made by `area`.

    Parameters
    ----------
    edges : tuple of two tuple of two ndarray of int64
        x and y of the beginnings, and of the ends, of all edges. Shape (e,) each. [mm]
    shape : ndarray of int64
        West, south, binary logarithms of a cell's width and height, columns, rows. Shape (6,).
        [mm, mm, log2 mm, log2 mm, count, count]
    clear_mm : ndarray of int64
        For each cell: no place in it lies nearer to an edge. Negative where it lies outside. Shape (cells,). [mm]
    row_edges : tuple of two ndarray of int64
        Edges that may matter to places in row r are ``row_edges[1][row_edges[0][r]:row_edges[0][r + 1]]``.
        [index]
    """

    edges: tuple[tuple[Ints, Ints], tuple[Ints, Ints]]
    shape: Ints
    clear_mm: Ints
    row_edges: tuple[Ints, Ints]


def area(x_mm: Ints, y_mm: Ints, ring: Ints) -> Area:
    """Lay a grid over an area.

    Parameters
    ----------
    x_mm, y_mm : ndarray of int64
        Vertices, ring by ring. Shape (v,) each. [mm]
    ring : ndarray of int64
        Ring of each vertex; its last one is joined to its first. Shape (v,). [index]

    Returns
    -------
    Area

    Raises
    ------
    TypeError
        If an array is not of int64.
    ValueError
        If columns differ in length, a ring has less than three vertices or its vertices stand apart, or a coordinate
        is larger than `EXTENT_MAX_MM`.

    Notes
    -----
    Each cell is measured from its middle to the nearest edge, by all edges: O(cells e), once for an area.

    References
    ----------
    M. Shimrat, Algorithm 112: Position of point relative to polygon, Communications of the ACM 5(8), 1962,
    doi:10.1145/368637.368653.
    """
    x_mm = _plane("x_mm", x_mm)
    y_mm = _plane("y_mm", y_mm, x_mm.size)
    ring = column("ring", ring, np.int64, x_mm.size)
    first = np.flatnonzero(np.diff(ring, prepend=np.int64(-1) if not ring.size else ring[0] - 1))
    sizes = np.diff(np.append(first, ring.size))
    if np.unique(ring[first]).size != first.size:
        raise ValueError("vertices of a ring stand apart; pass them ring by ring")
    if first.size and sizes.min() < 3:  # noqa: PLR2004  # a triangle is the least that has an inside
        raise ValueError(f"ring {ring[first[sizes.argmin()]]} has {sizes.min()} vertices; pass three or more")
    following = np.arange(1, ring.size + 1)
    following[first + sizes - 1] = first
    edges = ((x_mm, y_mm), (x_mm[following], y_mm[following]))
    shape = _shape(x_mm, y_mm)
    clear_mm = _geofence.clearances(edges, shape)
    start, edge = _geofence.rows(edges, shape)
    return Area(edges, shape, clear_mm, (start, edge))


def sides(area: Area, x_mm: Ints, y_mm: Ints, reach_mm: Ints) -> NDArray[np.int8]:
    """Say of each place on which side of an area's edge it lies.

    Parameters
    ----------
    area : Area
    x_mm, y_mm : ndarray of int64
        Places. Shape (n,) each. [mm]
    reach_mm : ndarray of int64
        How far from the edge each must lie to be sure: error and margin. Shape (n,). [mm]

    Returns
    -------
    ndarray of int8
        `INSIDE` 1, `OUTSIDE` 0, `UNCERTAIN` -1 where an edge is no further than the reach. Shape (n,). [code]

    Raises
    ------
    TypeError
        If an array is not of int64.
    ValueError
        If columns differ in length, a coordinate is larger than `EXTENT_MAX_MM`, or a reach is negative.

    Notes
    -----
    The cell tells, unless an edge is near: then the edges of its row are looked at, or all of them where the reach is
    longer than a cell is high. Distances are compared as squares in floating point: exact for areas of some metres,
    and to the thousandth of a millimetre for those of a country. O(n) for places away from the edge.

    References
    ----------
    M. Shimrat, Communications of the ACM 5(8), 1962, doi:10.1145/368637.368653.
    """
    x_mm = _plane("x_mm", x_mm)
    y_mm = _plane("y_mm", y_mm, x_mm.size)
    reach_mm = column("reach_mm", reach_mm, np.int64, x_mm.size)
    if reach_mm.size and not 0 <= int(reach_mm.min()) <= int(reach_mm.max()) <= EXTENT_MAX_MM:
        raise ValueError(f"reach_mm holds {reach_mm.min()} to {reach_mm.max()}; pass 0 to {EXTENT_MAX_MM}")
    return _geofence.sides(area.edges, area.shape, area.clear_mm, area.row_edges, (x_mm, y_mm, reach_mm))


def _plane(name: str, values: Ints, size: int | None = None) -> Ints:
    """Check one coordinate of some places."""
    checked = column(name, values, np.int64, size)
    if checked.size and max(-int(checked.min()), int(checked.max())) > EXTENT_MAX_MM:
        raise ValueError(f"{name} holds {checked.min()} to {checked.max()}; pass at most {EXTENT_MAX_MM} either way")
    return checked


def _shape(x_mm: Ints, y_mm: Ints) -> Ints:
    """Choose a grid over the box of an area, one cell wider all around."""
    if not x_mm.size:
        return np.array([0, 0, 1, 1, 0, 0], np.int64)
    side = isqrt(min(max(_CELLS_PER_EDGE * x_mm.size, _CELLS_MIN), _CELLS_MAX))
    west, south = int(x_mm.min()), int(y_mm.min())
    # Powers of two: a place finds its cell by shifts in place of divisions.
    wide, high = (((int(line.max()) - int(line.min())) // side).bit_length() for line in (x_mm, y_mm))
    columns = ((int(x_mm.max()) - west) >> wide) + 3
    rows = ((int(y_mm.max()) - south) >> high) + 3
    return np.array([west - (1 << wide), south - (1 << high), wide, high, columns, rows], np.int64)
