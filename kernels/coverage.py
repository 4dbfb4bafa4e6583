"""Rows of driven streets to what they cover: length of each street, and visits.

*A row* is a part of one street that one vehicle drove between two of its fixes (`rules.traversals`). Which rows are
proven and which are only possible is said by whoever calls, from the working signal, speed and window; so is the
group that a row counts for: a street, or a street and a direction where both kerbs are to be swept.

*What comes out.* `pieces` takes the error of the fixes from the ends of what is proven; `covered` measures the union
of pieces, group by group, so that nothing counts twice; `visits` gathers rows into stays on a street. Proven
never exceeds possible if the possible rows include the proven ones. Passes are judged in `rules.standards.passes`.

*What is left to others.* What a gap may hide beyond the rows that are there, who bears it, and what a share is worth.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import _coverage
from kernels._columns import column, whole

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]

_GROUPS_MAX = 2**31


def pieces(  # columns of rows first, then what is asked of them
    fix: Rows,
    segment: Rows,
    direction: NDArray[np.int8],
    ends_mm: tuple[Rows, Rows],
    chosen: NDArray[np.uint8],
    error_mm: Ints,
) -> tuple[Rows, Rows, Rows]:
    """Take the error of the fixes from both ends of each run of chosen rows, along its way.

    Parameters
    ----------
    fix : ndarray of int32
        k where the row lies between fix k and fix k + 1, ascending. Shape (m,). [index]
    segment : ndarray of int32
        Street of each row. Shape (m,). [index]
    direction : ndarray of int8
        1 along the street's line, -1 against it. Shape (m,). [code]
    ends_mm : tuple of two ndarray of int32
        Where each row begins and ends along the line, from <= to. Shape (m,) each. [mm]
    chosen : ndarray of uint8
        1 for the rows that count. Shape (m,). [flag]
    error_mm : ndarray of int64
        How much further on along a street work may have begun than a fix says, or ended before it. Shape (n,). [mm]

    Returns
    -------
    row : ndarray of int32
        The chosen rows of which something is left, ascending. Shape (p,). [index]
    from_mm, until_mm : ndarray of int32
        What is left of them, within their street. Shape (p,). [mm]

    Raises
    ------
    TypeError
        If an array is of another type.
    ValueError
        If lengths differ, fixes do not ascend, or a row names a fix that is not there.

    Notes
    -----
    A run begins at a pair of fixes before which no chosen row lies, and ends where none follows. The error is taken
    off along the way, over as many rows as it reaches: the next fixes may be nearer than that. Where a corner is
    nearer it counts twice, as the way round a corner is longer than the error is wide. Two walks, O(m).

    References
    ----------
    R. E. Moore, Interval Analysis, chapter 2, 1966.
    """
    fix = column("fix", fix, np.int32)
    error_mm = column("error_mm", error_mm, np.int64)
    _within("fix", fix, max(error_mm.size - 1, 0))
    if np.any(fix[1:] < fix[:-1]):
        raise ValueError("fix descends; pass the rows in the order of time")
    return _coverage.pieces(
        fix,
        column("segment", segment, np.int32, fix.size),
        column("direction", direction, np.int8, fix.size),
        _ends(ends_mm, fix.size),
        column("chosen", chosen, np.uint8, fix.size),
        error_mm,
    )


def when(  # noqa: PLR0917  # the rows, the fixes, then the pieces
    fix: Rows,
    segment: Rows,
    direction: NDArray[np.int8],
    ends_mm: tuple[Rows, Rows],
    known: tuple[Ints, Ints],
    row: Rows,
    cuts_mm: tuple[Rows, Rows],
    span_us: tuple[Ints, Ints],
    max_gap_us: int,
) -> tuple[Ints, Ints]:
    """Say by when the beginning of each piece of a row was surely driven, and after when its end.

    Parameters
    ----------
    fix, segment, direction, ends_mm
        Rows as of `pieces`. Shape (m,) each. [index, index, code, mm]
    known : tuple of two ndarray of int64
        When each fix was, and how much further on along its street the vehicle may have been, or further back.
        Shape (n,) each. [us, mm]
    row : ndarray of int32
        The row that each piece is of. Shape (p,). [index]
    cuts_mm : tuple of two ndarray of int32
        Where each piece begins and ends along its street's line. Shape (p,) each. [mm]
    span_us : tuple of two ndarray of int64
        When its row was entered and left, as it was matched. Shape (p,) each. [us]
    max_gap_us : int
        What is added where no fix tells: the longest interval between two. [us]

    Returns
    -------
    by_us, after_us : ndarray of int64
        Shape (p,) each. [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If lengths differ, or a row or a fix is named that is not there.

    Notes
    -----
    Of the rows along the same street before and after a piece the nearest tells whose fix surely lies beyond it; no
    more than twelve are asked. O(m + p).

    References
    ----------
    R. E. Moore, Interval Analysis, chapter 2, 1966.
    """
    fix = column("fix", fix, np.int32)
    t_us = column("t_us", known[0], np.int64)
    _within("fix", fix, max(t_us.size - 1, 0))
    row = column("row", row, np.int32)
    _within("row", row, fix.size)
    return _coverage.when(
        fix,
        column("segment", segment, np.int32, fix.size),
        column("direction", direction, np.int8, fix.size),
        _ends(ends_mm, fix.size),
        (t_us, column("off_mm", known[1], np.int64, t_us.size)),
        row,
        _ends(cuts_mm, row.size),
        (column("enter_us", span_us[0], np.int64, row.size), column("leave_us", span_us[1], np.int64, row.size)),
        whole("max_gap_us", max_gap_us, 0),
    )


def covered(group: Rows, ends_mm: tuple[Rows, Rows], group_count: int) -> Ints:
    """Measure what pieces cover together, group by group.

    Parameters
    ----------
    group : ndarray of int32
        What each piece counts for: its street, or twice the street and one more where it is driven against the line.
        Shape (p,). [index]
    ends_mm : tuple of two ndarray of int32
        Where each piece begins and ends along its street, from <= to. Shape (p,) each. [mm]
    group_count : int
        Number of groups. [count]

    Returns
    -------
    ndarray of int64
        Length of the union of each group's pieces, nought where there is none. Shape (group_count,). [mm]

    Raises
    ------
    TypeError
        If an array is of another type, or `group_count` is no integer.
    ValueError
        If lengths differ, a piece ends before it begins, or names a group that is not there.

    Notes
    -----
    Pieces that touch the one before are joined to it, which leaves few of a vehicle's many; what is left is put in
    order by counting, then by where it begins. O(p + groups), and O(k log k) for k pieces left in a group.

    References
    ----------
    V. Klee, Can the measure of union of intervals be computed in less than O(n log n) steps?, American Mathematical
    Monthly 84(4), 1977, doi:10.1080/00029890.1977.11994336.
    """
    group = column("group", group, np.int32)
    group_count = whole("group_count", group_count, 0)
    _within("group", group, group_count)
    return _coverage.covered(group, _ends(ends_mm, group.size), group_count)


def visits(
    segment: Rows,
    ends_mm: tuple[Rows, Rows],
    span_us: tuple[Ints, Ints],
    is_proven: NDArray[np.uint8],
    apart_us: int,
    segment_count: int,
) -> tuple[Ints, tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Gather one vehicle's pieces into visits: stays on a street that follow on each other.

    Parameters
    ----------
    segment : ndarray of int32
        Street of each piece, in any order. Shape (p,). [index]
    ends_mm : tuple of two ndarray of int32
        Where each piece begins and ends along its street. Shape (p,) each. [mm]
    span_us : tuple of two ndarray of int64
        When each piece was entered and left. Shape (p,) each. [us]
    is_proven : ndarray of uint8
        1 where the piece is proven, 0 where it is only possible. Shape (p,). [flag]
    apart_us : int
        Back on the street within this time is the same visit. [us]
    segment_count : int
        Number of streets. [count]

    Returns
    -------
    start : ndarray of int64
        The visits of street s are ``start[s]:start[s + 1]``, in the order of time. Shape (segment_count + 1,).
        [index]
    enter_us, leave_us : tuple of two ndarray of int64
        From when until when. Shape (v,) each. [us]
    proven_mm, possible_mm : tuple of two ndarray of int64
        Length that the visit's proven pieces, and all its pieces, cover together. Shape (v,) each. [mm]

    Raises
    ------
    TypeError
        If an array is of another type, or a number no integer.
    ValueError
        If lengths differ, a piece ends before it begins or is left before it is entered, or names a street that is
        not there, or `apart_us` is negative.

    Notes
    -----
    Pieces are put in order by counting, then by when they are entered; each visit is measured by its pieces' order
    along the street. O(p log k) for k pieces on a street.

    References
    ----------
    V. Klee, American Mathematical Monthly 84(4), 1977, doi:10.1080/00029890.1977.11994336.
    """
    segment = column("segment", segment, np.int32)
    segment_count = whole("segment_count", segment_count, 0)
    _within("segment", segment, segment_count)
    enter_us = column("enter_us", span_us[0], np.int64, segment.size)
    leave_us = column("leave_us", span_us[1], np.int64, segment.size)
    if np.any(leave_us < enter_us):
        raise ValueError("a piece is left before it is entered; swap its times")
    start, from_us, until_us, proven_mm, possible_mm = _coverage.visits(
        segment,
        _ends(ends_mm, segment.size),
        (enter_us, leave_us),
        column("is_proven", is_proven, np.uint8, segment.size),
        whole("apart_us", apart_us, 0),
        segment_count,
    )
    return start, (from_us, until_us), (proven_mm, possible_mm)


def _within(name: str, index: Rows, count: int) -> None:
    """Check that indices name what is there."""
    if not 0 <= count <= _GROUPS_MAX:
        raise ValueError(f"{name} has {count} to name; pass 0 to {_GROUPS_MAX}")
    if index.size and not 0 <= int(index.min()) <= int(index.max()) < count:
        raise ValueError(f"{name} holds {index.min()} to {index.max()}; pass 0 to {count - 1}")


def _ends(ends_mm: tuple[Rows, Rows], size: int) -> tuple[Rows, Rows]:
    """Check where pieces begin and end."""
    from_mm = column("from_mm", ends_mm[0], np.int32, size)
    to_mm = column("to_mm", ends_mm[1], np.int32, size)
    if np.any(from_mm > to_mm):
        at = int(np.argmax(from_mm > to_mm))
        raise ValueError(f"from_mm[{at}] = {from_mm[at]} exceeds to_mm[{at}] = {to_mm[at]}; swap the ends")
    return from_mm, to_mm
