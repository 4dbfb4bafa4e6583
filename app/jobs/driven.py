"""Rows of matched paths → what a file tells of them: the path by segment, and metres and passes of each segment.

A row between two fixes is proven work where the matcher proves it and every fix from the one to the other says that
the vehicle worked; it is possible work unless all of them say that it did not. Lengths are unions: driven twice
counts once. What was driven while a vehicle was silent for too long is not guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.matched import Matched, Rows

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Path:
    """What one vehicle drove, in the order of driving; neighbouring rows of one segment and proof are one.

    Parameters
    ----------
    segment : ndarray of int64
        Shape (m,). [index into the network]
    is_against : ndarray of bool
        Driven against the segment's line. Shape (m,).
    enter_us, leave_us : ndarray of int64
        Shape (m,). [us since 1970, UTC]
    from_mm, to_mm : ndarray of int64
        Along the line from its first vertex; against it, from > to. Shape (m,). [mm]
    is_proven : ndarray of bool
        Shape (m,).
    """

    segment: Ints
    is_against: Flags
    enter_us: Ints
    leave_us: Ints
    from_mm: Ints
    to_mm: Ints
    is_proven: Flags


@dataclass(frozen=True, slots=True)
class Pieces:
    """Stretches of segments that one vehicle worked on, or may have.

    Parameters
    ----------
    segment, from_mm, to_mm : ndarray of int64
        Shape (m,), from <= to. [index into the network, mm, mm]
    is_proven : ndarray of bool
        Shape (m,).
    """

    segment: Ints
    from_mm: Ints
    to_mm: Ints
    is_proven: Flags


def path_of(matched: Matched) -> Path:
    """Join the rows of a path that go on on the same segment with the same proof.

    Parameters
    ----------
    matched : Matched

    Notes
    -----
    A row of no length, where the vehicle stood, belongs to the row before it, whatever its proof: it proves no metre.
    """
    rows = matched.path
    is_first = _turns(rows)
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], is_first.size)[: first.size] - 1
    is_against = rows.direction[first] < 0
    low_mm, high_mm = rows.from_mm.astype(np.int64), rows.to_mm.astype(np.int64)
    return Path(
        segment=rows.segment[first].astype(np.int64),
        is_against=is_against,
        enter_us=rows.enter_us[first],
        leave_us=rows.leave_us[last],
        from_mm=np.where(is_against, high_mm[first], low_mm[first]),
        to_mm=np.where(is_against, low_mm[last], high_mm[last]),
        is_proven=_proof(rows)[first],
    )


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
    after = _fix_after(matched, t_us)
    is_on = _all_between(working == 2, matched.fix, after)  # noqa: PLR2004  # said on
    is_off = _all_between(working == 0, matched.fix, after)
    has_length = matched.to_mm > matched.from_mm
    is_proven = matched.is_proven & is_on & has_length
    kept = np.flatnonzero(has_length & ~is_off)
    pieces = _pieces(matched, kept, is_proven)
    if matched.path.fix is not matched.fix:
        # All rows between two fixes have one end; of those in the path some of the likeliest way are known.
        off = np.unique(matched.fix[is_off])
        told = np.flatnonzero((matched.path.to_mm > matched.path.from_mm) & ~np.isin(matched.path.fix, off))
        pieces = joined([pieces, _pieces(matched.path, told, np.zeros(matched.path.fix.size, np.bool_))])
    return pieces, _passes(matched, is_proven)


def _pieces(rows: Rows, kept: Ints, is_proven: Flags) -> Pieces:
    """Take pieces out of rows."""
    return Pieces(
        rows.segment[kept].astype(np.int64),
        rows.from_mm[kept].astype(np.int64),
        rows.to_mm[kept].astype(np.int64),
        is_proven[kept],
    )


def joined(parts: Sequence[Pieces]) -> Pieces:
    """Put the pieces of several vehicles one after the other."""
    nothing = np.empty(0, np.int64)
    return Pieces(
        np.concatenate([nothing, *(one.segment for one in parts)]),
        np.concatenate([nothing, *(one.from_mm for one in parts)]),
        np.concatenate([nothing, *(one.to_mm for one in parts)]),
        np.concatenate([nothing.astype(np.bool_), *(one.is_proven for one in parts)]),
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
    """
    if segment.size == 0:
        return np.zeros(segments, np.int64)
    order = np.lexsort((from_mm, segment))
    segment, from_mm, to_mm = segment[order], from_mm[order], to_mm[order]
    # Lay all segments end to end, so that one running maximum serves them all.
    apart_mm = int(to_mm.max()) + 1
    begin, end = segment * apart_mm + from_mm, segment * apart_mm + to_mm
    reached = np.maximum.accumulate(end)
    covered = end - np.maximum(begin, np.concatenate(([begin[0]], reached[:-1])))
    united = np.zeros(segments, np.int64)
    np.add.at(united, segment, np.maximum(covered, 0))
    return united


def _fix_after(matched: Matched, t_us: Ints) -> Ints:
    """Find the fix at which each row's two neighbours end: the first at or after the pair's last row."""
    if matched.fix.size == 0:
        return np.empty(0, np.int64)
    is_last = np.diff(matched.fix, append=-1) != 0
    pair = np.concatenate(([0], np.cumsum(is_last)[:-1]))
    return np.minimum(np.searchsorted(t_us, matched.leave_us[is_last]), t_us.size - 1)[pair]


def _all_between(flag: Flags, first: NDArray[np.int32], last: Ints) -> Flags:
    """Tell of spans of fixes, both ends included, whether all of them have a flag."""
    missing = np.concatenate(([0], np.cumsum(~flag)))
    return missing[last + 1] == missing[first]


def _goes_on(matched: Rows) -> Flags:
    """Tell of each row whether it goes on on the row before: same segment, direction and chain, from where it was."""
    if matched.segment.size == 0:
        return np.empty(0, np.bool_)
    from_mm, to_mm = matched.from_mm, matched.to_mm
    goes_on = np.zeros(matched.segment.size, np.bool_)
    meets_forward, meets_backward = from_mm[1:] == to_mm[:-1], to_mm[1:] == from_mm[:-1]
    goes_on[1:] = np.where(matched.direction[1:] > 0, meets_forward, meets_backward)
    goes_on[1:] &= (np.diff(matched.segment) == 0) & (np.diff(matched.direction) == 0)
    goes_on[1:] &= matched.enter_us[1:] == matched.leave_us[:-1]
    return goes_on


def _proof(rows: Rows) -> Flags:
    """Give rows of no length the proof of the row before, where they go on on it."""
    row = np.arange(rows.is_proven.size)
    own = np.where((rows.to_mm > rows.from_mm) | ~_goes_on(rows), row, 0)
    return rows.is_proven[np.maximum.accumulate(own)] if row.size else rows.is_proven


def _turns(rows: Rows) -> Flags:
    """Tell of each row whether it begins a new row of the path."""
    proof = _proof(rows)
    return ~_goes_on(rows) | np.concatenate(([True], proof[1:] != proof[:-1]))[: proof.size]


def _passes(matched: Matched, is_proven: Flags) -> Ints:
    """Give the segment of each proven pass."""
    moved = np.flatnonzero(matched.to_mm > matched.from_mm)
    segment, direction = matched.segment[moved], matched.direction[moved]
    low_mm, high_mm, proven = matched.from_mm[moved], matched.to_mm[moved], is_proven[moved]
    same = (np.diff(segment) == 0) & (np.diff(direction) == 0)
    ahead = np.where(direction[1:] > 0, low_mm[1:] >= high_mm[:-1], high_mm[1:] <= low_mm[:-1])
    visit = np.cumsum(np.concatenate(([False], ~(same & ahead)))[: moved.size])
    first = np.unique(visit[proven], return_index=True)[1]
    return segment[proven][first].astype(np.int64)
