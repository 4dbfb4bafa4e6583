"""Position fixes of a vehicle → the streets it drove, when, in which direction, and how surely.

The likeliest path over the network is found first (`rules.paths`), then what of it is certain (`rules.certainty`).
What a traversal is worth, which ones sweep, and who bears a gap is left to others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import matching
from rules.certainty import Judged, judge
from rules.paths import Fixes
from rules.places import Network

__all__ = ["Fixes", "Traversals", "path", "traversals_of", "traverse"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Traversals:
    """What was driven: one row for each two neighbouring fixes and segment, or part of one, in order of time.

    Parameters
    ----------
    fix : ndarray of int32
        k where the row lies between fix k and fix k + 1. Shape (m,). [index]
    segment : ndarray of int32
        Shape (m,). [index into the network]
    from_mm, to_mm : ndarray of int32
        Along the line from its first vertex, from <= to. Shape (m,). [mm]
    direction : ndarray of int8
        1 along the line, -1 against it. Shape (m,). [code]
    enter_us, leave_us : ndarray of int64
        Linear in the length of the way between the two fixes. Shape (m,). [us since 1970, UTC]
    is_certain : ndarray of bool
        False where another way could as well have been driven. Shape (m,).
    """

    fix: NDArray[np.int32]
    segment: NDArray[np.int32]
    from_mm: NDArray[np.int32]
    to_mm: NDArray[np.int32]
    direction: NDArray[np.int8]
    enter_us: Ints
    leave_us: Ints
    is_certain: NDArray[np.bool_]


def traverse(network: Network, fixes: Fixes, max_gap_us: int) -> Traversals:
    """Match fixes to streets and tell what was driven, and what surely.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle.
    max_gap_us : int
        The longest interval over which two fixes vouch for the way between them. [us]

    Returns
    -------
    Traversals
        A pair of fixes further apart than `max_gap_us`, off all streets, or without a plausible way gives no rows.
        A vehicle that stands gives one row of no length for each pair, with the whole time; streets that a way
        only touches give none. One that seems to roll back by no more than both errors stands.

    Raises
    ------
    TypeError
        If a column is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend strictly, columns differ in length, an accuracy or `max_gap_us` is negative.

    Notes
    -----
    What is certain: see `rules.certainty.judge`.

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009,
    doi:10.1145/1653771.1653818.
    """
    judged = judge(network, fixes, max_gap_us)
    rows, kept = traversals_of(network, judged, fixes.t_us)
    fix = judged.fix[kept]
    gap_us = fixes.t_us[judged.following[fix]] - fixes.t_us[fix]
    is_pair = (judged.following[fix] == fix + 1) & (gap_us <= max_gap_us)
    return Traversals(*(getattr(rows, name)[is_pair] for name in Traversals.__slots__))


def traversals_of(network: Network, judged: Judged, t_us: Ints) -> tuple[Traversals, Ints]:
    """Give rows their times and their places along the line, and drop the streets only touched.

    Parameters
    ----------
    network : Network
    judged : Judged
    t_us : ndarray of int64
        Of the fixes. Shape (n,). [us since 1970, UTC]

    Returns
    -------
    Traversals
        Also over fixes that were passed over, and over gaps.
    ndarray of int64
        Which rows these are of those that were judged. Shape (m,). [index]
    """
    rows = (judged.start, judged.fix, judged.edge, judged.begin_mm, judged.end_mm)
    kept, from_mm, to_mm, enter_us, leave_us = matching.timed(rows, judged.following, t_us, network.length_mm)
    edge = judged.edge[kept]
    found = Traversals(
        fix=judged.fix[kept].astype(np.int32),
        segment=(edge // 2).astype(np.int32),
        from_mm=from_mm.astype(np.int32),
        to_mm=to_mm.astype(np.int32),
        direction=(1 - 2 * (edge % 2)).astype(np.int8),
        enter_us=enter_us,
        leave_us=leave_us,
        is_certain=judged.is_certain[kept],
    )
    return found, kept


def path(network: Network, fixes: Fixes, max_gap_us: int) -> list[tuple[str, int]]:
    """List the streets driven, each with its direction, without repeating one that goes on.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle.
    max_gap_us : int
        As in `traverse`. [us]

    Returns
    -------
    list of tuple of str and int
        Segment and direction, 1 along its line and -1 against it.

    Raises
    ------
    TypeError, ValueError
        As `traverse`.

    Notes
    -----
    Where a chain of fixes begins or ends on a street by less than its fix's accuracy, the vehicle may have been at
    the junction and never in that street: it is left out, unless the chain has no other.
    """
    found = traverse(network, fixes, max_gap_us)
    moved = found.to_mm > found.from_mm
    fix, segment, direction = found.fix[moved], found.segment[moved], found.direction[moved]
    length_mm = (found.to_mm - found.from_mm)[moved].astype(np.int64)
    chain = _chains(found.fix)[moved]
    steps: list[tuple[str, int]] = []
    for one in np.unique(chain):
        rows = np.flatnonzero(chain == one)
        changes = (np.diff(segment[rows], prepend=-1) != 0) | (np.diff(direction[rows], prepend=0) != 0)
        first = rows[changes]
        driven_mm = np.add.reduceat(length_mm[rows], np.flatnonzero(changes))
        ends_mm = fixes.accuracy_mm[fix[rows[0]]], fixes.accuracy_mm[fix[rows[-1]] + 1]
        begin = 1 if first.size > 1 and driven_mm[0] < ends_mm[0] else 0
        end = first.size - (1 if first.size - begin > 1 and driven_mm[-1] < ends_mm[1] else 0)
        for row in first[begin:end]:
            step = (network.segment_ids[segment[row]], int(direction[row]))
            if not steps or steps[-1] != step:
                steps.append(step)
    return steps


def _chains(fix: NDArray[np.int32]) -> Ints:
    """Number the chains of pairs that follow on each other."""
    return np.cumsum(np.diff(fix, prepend=fix[:1]) > 1, dtype=np.int64)
