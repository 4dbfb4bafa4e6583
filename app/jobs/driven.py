"""Rows of matched paths → what a file tells of them: the path by segment, and metres and passes of each segment.

A row between two fixes is proven work where the matcher proves it and every fix from the one to the other says that
the vehicle worked; it is possible work unless all of them say that it did not. Lengths are unions: driven twice
counts once. What was driven while a vehicle was silent for too long is not guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import driven
from rules.matched import Matched

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Path:
    """What one vehicle drove, in the order of driving; neighbouring rows of one segment and proof are one.

    Parameters
    ----------
    segment : ndarray of int64
        Shape (m,). [index into the network]
    is_against : ndarray of int64
        Driven against the segment's line. Shape (m,). [flag]
    from_mm, to_mm : ndarray of int64
        Along the line from its first vertex; against it, from > to. Shape (m,). [mm]
    enter_us, leave_us : ndarray of int64
        Shape (m,). [us since 1970, UTC]
    is_proven : ndarray of int64
        Shape (m,). [flag]
    """

    segment: Ints
    is_against: Ints
    from_mm: Ints
    to_mm: Ints
    enter_us: Ints
    leave_us: Ints
    is_proven: Ints


@dataclass(frozen=True, slots=True)
class Pieces:
    """Stretches of segments that one vehicle worked on, or may have.

    Parameters
    ----------
    segment, from_mm, to_mm : ndarray of int64
        Shape (m,), from <= to. [index into the network, mm, mm]
    is_proven : ndarray of int64
        Shape (m,). [flag]
    """

    segment: Ints
    from_mm: Ints
    to_mm: Ints
    is_proven: Ints


def path_of(matched: Matched) -> Path:
    """Join the rows of a path that go on on the same segment with the same proof: see `kernels.driven.path`."""
    rows = matched.path
    places, times_us = (rows.segment, rows.from_mm, rows.to_mm), (rows.enter_us, rows.leave_us)
    return Path(*driven.path(places, rows.direction, times_us, rows.is_proven.view(np.uint8)))


def pieces_of(matched: Matched, t_us: Ints, working: NDArray[np.int8]) -> tuple[Pieces, Ints]:
    """Choose what was worked on, or may have been, and count passes.

    Parameters
    ----------
    matched : Matched
    t_us : ndarray of int64
        Of the fixes. Shape (n,). [us since 1970, UTC]
    working : ndarray of int8
        2 where a fix says that the vehicle worked, 1 where it says nothing, 0 where not. Shape (n,). [code]

    Returns
    -------
    pieces : Pieces
        Of the likeliest way, and of the path where it holds others: those are possible, and never proven.
    passes : ndarray of int64
        Segment of each proven pass: proven stretches that only lead on along the segment in one direction, with
        nothing else between, are one. Shape (passes,). [index into the network]
    """
    rows = (matched.fix, matched.segment, matched.from_mm, matched.to_mm)
    found = driven.work(rows, matched.direction, matched.leave_us, matched.is_proven.view(np.uint8), t_us, working)
    pieces, told = Pieces(*found[:4]), matched.path
    if told.fix is not matched.fix:
        # All rows between two fixes have one end, which some in the path do not come to.
        leave_us = matched.leave_us[np.searchsorted(matched.fix, told.fix, side="right") - 1]
        rows, unproven = (told.fix, told.segment, told.from_mm, told.to_mm), np.zeros(told.fix.size, np.uint8)
        others = driven.work(rows, told.direction, leave_us, unproven, t_us, working)
        pieces = joined([pieces, Pieces(*others[:4])])
    return pieces, found[4]


def joined(parts: Sequence[Pieces]) -> Pieces:
    """Put the pieces of several vehicles one after the other."""
    nothing = np.empty(0, np.int64)
    return Pieces(
        np.concatenate([nothing, *(one.segment for one in parts)]),
        np.concatenate([nothing, *(one.from_mm for one in parts)]),
        np.concatenate([nothing, *(one.to_mm for one in parts)]),
        np.concatenate([nothing, *(one.is_proven for one in parts)]),
    )


def united_mm(segment: Ints, from_mm: Ints, to_mm: Ints, segments: int) -> Ints:
    """Measure how much of each segment some pieces cover together.

    Parameters
    ----------
    segment, from_mm, to_mm : ndarray of int64
        The pieces. Shape (m,). [index into the network, mm, mm]
    segments : int
        How many there are. [count]

    Returns
    -------
    ndarray of int64
        Shape (segments,). [mm]

    Notes
    -----
    Beginnings and ends are sorted apart from each other: where as many have ended as have begun, nothing is covered.
    """
    if segment.size == 0:
        return np.zeros(segments, np.int64)
    # Lay all segments end to end, and apart, so that one walk serves them all.
    apart_mm = int(to_mm.max()) + 1
    begin, end = np.sort(segment * apart_mm + from_mm), np.sort(segment * apart_mm + to_mm)
    is_apart = begin[1:] > end[:-1]
    begin, end = begin[np.append(True, is_apart)], end[np.append(is_apart, True)]
    united = np.zeros(segments, np.int64)
    np.add.at(united, begin // apart_mm, end - begin)
    return united
