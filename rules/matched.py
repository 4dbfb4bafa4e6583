"""Position fixes of a vehicle → its likeliest path over the streets, with what of it the fixes prove.

A path has holes where a vehicle was off all streets or silent for too long, and stretches that no fix saw: those are
*interpolated*. They are in the path, so that it can be followed, and are never proven.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.places import Network
from rules.traversals import Fixes, traverse

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matched:
    """The path: one row for each two neighbouring fixes and segment, or part of one, in the order of driving.

    Parameters
    ----------
    fix : ndarray of int32
        k where the row lies between fix k and the next that was matched. Shape (m,). [index]
    segment : ndarray of int32
        Shape (m,). [index into the network]
    from_mm, to_mm : ndarray of int32
        Along the line from its first vertex, from <= to. Shape (m,). [mm]
    direction : ndarray of int8
        1 along the line, -1 against it. Shape (m,). [code]
    enter_us, leave_us : ndarray of int64
        Linear in the length of the way between the two fixes. Shape (m,). [us since 1970, UTC]
    is_proven : ndarray of bool
        False where the stretch is interpolated, or where another way could as well have been driven. Shape (m,).
    confidence_ppm : ndarray of int32
        How likely the vehicle was on this segment, in this direction, against its best rival. Shape (m,). [1e-6]
    fix_segment : ndarray of int32
        Segment that each fix lies on, -1 for none. Shape (n,). [index into the network]
    """

    fix: NDArray[np.int32]
    segment: NDArray[np.int32]
    from_mm: NDArray[np.int32]
    to_mm: NDArray[np.int32]
    direction: NDArray[np.int8]
    enter_us: Ints
    leave_us: Ints
    is_proven: NDArray[np.bool_]
    confidence_ppm: NDArray[np.int32]
    fix_segment: NDArray[np.int32]


def match(network: Network, fixes: Fixes, max_gap_us: int) -> Matched:
    """Match the fixes of one vehicle to streets.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle; speed and course are used where they are said.
    max_gap_us : int
        The longest interval over which two fixes vouch for the way between them. [us]

    Returns
    -------
    Matched
        Where a chain of fixes breaks there is no row: ``leave_us`` of one row lies before ``enter_us`` of the next.

    Raises
    ------
    TypeError
        If a column is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend strictly, columns differ in length, an accuracy or `max_gap_us` is negative.

    Notes
    -----
    See `rules.traversals.traverse`.

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009,
    doi:10.1145/1653771.1653818.
    """
    rows = traverse(network, fixes, max_gap_us)
    count = fixes.t_us.size
    fix_segment = np.full(count, -1, np.int32)
    fix_segment[rows.fix[::-1] + 1] = rows.segment[::-1]
    fix_segment[rows.fix[::-1]] = rows.segment[::-1]
    return Matched(
        fix=rows.fix,
        segment=rows.segment,
        from_mm=rows.from_mm,
        to_mm=rows.to_mm,
        direction=rows.direction,
        enter_us=rows.enter_us,
        leave_us=rows.leave_us,
        is_proven=rows.is_certain,
        confidence_ppm=np.where(rows.is_certain, 1_000_000, 500_000).astype(np.int32),
        fix_segment=fix_segment,
    )
