"""Which parts of streets a vehicle may have come by between two fixes.

*What is known.* Around each fix, the parts of streets on which the vehicle may have been; and for each two fixes that
follow on each other, how long its way can have been at most.

*What comes out.* Every part of a street that lies on a way of no more than that length, from somewhere around the one
fix to somewhere around the other. It may turn round anywhere, and drives one-way streets both ways: a little too much
is said, and never too little.

*What is left to others.* What a way is worth, and how fast a vehicle can have been.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import _reach
from kernels._columns import column

Ints = NDArray[np.int64]


def reached(
    heads: Ints, length_mm: Ints, near: tuple[Ints, Ints, Ints, Ints], limit_mm: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """List the parts of streets that lie on ways between neighbouring fixes.

    Parameters
    ----------
    heads : ndarray of int64
        Node at the head of each edge: 2 s along the line of street s, 2 s + 1 against it. Shape (2 s,). [index]
    length_mm : ndarray of int64
        Of each street. Shape (s,). [mm]
    near : tuple of four ndarray of int64
        The parts of streets around fix k are those from ``start[k]`` to before ``start[k + 1]``: street, and where it
        begins and ends along the line, from <= to; each street once. Shapes (n + 1,) and three times (found,).
        [index, index, mm, mm]
    limit_mm : ndarray of int64
        The longest way from fix k to fix k + 1, -1 where it is not asked. Shape (n - 1,). [mm]

    Returns
    -------
    pair, street, from_mm, until_mm : ndarray of int64
        The parts between fix k and fix k + 1, in the order of k, no two of a street overlapping. Shape (m,) each.
        [index, index, mm, mm]

    Raises
    ------
    TypeError
        If an array is of another type.
    ValueError
        If lengths differ, or a street is named that is not there.

    Notes
    -----
    A place lies on such a way if it is no further from the one fix and from the other together. From each fix the
    nodes within the limit are searched, the nearest first, in O(m^2) for m of them; of a street what lies beyond its
    ends or a fix by half of what is left is reached. What lies between two parts near the fixes in one street counts
    with them.

    References
    ----------
    E. W. Dijkstra, A note on two problems in connexion with graphs, Numerische Mathematik 1, 1959,
    doi:10.1007/BF01386390.
    """
    length_mm = column("length_mm", length_mm, np.int64)
    heads = column("heads", heads, np.int64, 2 * length_mm.size)
    limit_mm = column("limit_mm", limit_mm, np.int64)
    start = column("start", near[0], np.int64)
    if limit_mm.size != max(start.size - 2, 0):
        raise ValueError(
            f"limit_mm has {limit_mm.size} elements for {start.size - 1} fixes; pass one between each two"
        )
    street, low_mm, high_mm = (column("near", one, np.int64, int(start[-1])) for one in near[1:])
    if street.size and not 0 <= int(street.min()) <= int(street.max()) < length_mm.size:
        raise ValueError(f"near names street {street.max()} of {length_mm.size}; pass the same streets")
    town = (heads[1::2].copy(), heads[::2].copy(), length_mm, *_reach.meeting(heads))
    return _reach.reached(town, (start, street, low_mm, high_mm), limit_mm)
