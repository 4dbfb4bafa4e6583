"""Rows of a matched path → the path segment by segment, and the stretches and passes of work.

A row lies between two neighbouring fixes of the path, on one segment, in the order of driving. One walk over the rows
joins those that lead on along a segment; another asks of each what the fixes from its one end to its other say of the
work. What a row proves, and what a fix says, is left to others.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I8, I32, I64, NEW_I64, U8, kernel, pair, several, triple

Ints = NDArray[np.int64]
Mm = NDArray[np.int32]
Codes = NDArray[np.int8]
Flags = NDArray[np.uint8]

OFF: Final = 0
ON: Final = 2
"""What a fix says of the work; anything in between is nothing."""


@kernel(several(NEW_I64, 7)(triple(I32), I8, pair(I64), U8))
def path(
    places: tuple[Mm, Mm, Mm], direction: Codes, times_us: tuple[Ints, Ints], proven: Flags
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """Join the rows of a path that go on on the same segment with the same proof.

    Parameters
    ----------
    places : tuple of three ndarray of int32
        Segment of each row, and from where to where along its line, the lower end first. Shape (m,) each.
        [index, mm, mm]
    direction : ndarray of int8
        1 along the line, -1 against it. Shape (m,). [code]
    times_us : tuple of two ndarray of int64
        When it was entered and left. Shape (m,) each. [us]
    proven : ndarray of uint8
        Shape (m,). [flag]

    Returns
    -------
    segment, is_against, from_mm, to_mm, enter_us, leave_us, is_proven : ndarray of int64
        Of each row of the path; against the line, from > to. Shape (rows,) each. [index, flag, mm, mm, us, us, flag]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    A row of no length, where the vehicle stood, belongs to the row before it, whatever its proof: it proves no metre.
    O(m).

    References
    ----------
    None: the definition is this project's own.
    """
    segment, low_mm, high_mm = places
    enter_us, leave_us = times_us
    count = segment.shape[0]
    found, against, proof = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    from_mm, to_mm = np.empty(count, np.int64), np.empty(count, np.int64)
    begin_us, end_us = np.empty(count, np.int64), np.empty(count, np.int64)
    rows = 0
    for row in range(count):
        is_back = direction[row] < 0
        first, last = (high_mm[row], low_mm[row]) if is_back else (low_mm[row], high_mm[row])
        at = rows - 1
        goes_on = (
            rows > 0
            and segment[row] == found[at]
            and direction[row] == direction[row - 1]
            and first == to_mm[at]
            and enter_us[row] == end_us[at]
        )
        if goes_on and (high_mm[row] <= low_mm[row] or proven[row] == proof[at]):
            to_mm[at], end_us[at] = last, leave_us[row]
            continue
        found[rows], against[rows], proof[rows] = segment[row], is_back, proven[row]
        from_mm[rows], to_mm[rows], begin_us[rows], end_us[rows] = first, last, enter_us[row], leave_us[row]
        rows += 1
    return (
        found[:rows].copy(),
        against[:rows].copy(),
        from_mm[:rows].copy(),
        to_mm[:rows].copy(),
        begin_us[:rows].copy(),
        end_us[:rows].copy(),
        proof[:rows].copy(),
    )


@kernel(several(NEW_I64, 5)(several(I32, 4), I8, I64, U8, I64, I8))
def work(
    rows: tuple[Mm, Mm, Mm, Mm], direction: Codes, leave_us: Ints, proven: Flags, t_us: Ints, working: Codes
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Choose what was worked on, or may have been, and find the passes.

    Parameters
    ----------
    rows : tuple of four ndarray of int32
        The fix that each row follows, ascending, its segment, and from where to where along its line, the lower end
        first. Shape (m,) each. [index, index, mm, mm]
    direction : ndarray of int8
        1 along the line, -1 against it. Shape (m,). [code]
    leave_us : ndarray of int64
        When it was left; not before its fix. Shape (m,). [us]
    proven : ndarray of uint8
        Shape (m,). [flag]
    t_us : ndarray of int64
        Of the fixes, strictly ascending. Shape (n,). [us]
    working : ndarray of int8
        `ON`, `OFF`, or anything in between where a fix says nothing. Shape (n,). [code]

    Returns
    -------
    segment, from_mm, to_mm, is_proven : ndarray of int64
        Of each row with a length that was worked on, or may have been. Shape (pieces,) each. [index, mm, mm, flag]
    passes : ndarray of int64
        Segment of each proven pass: rows that only lead on along the segment in one direction, with nothing else
        between, are one. Shape (passes,). [index]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    All fixes from a row's own to the first at or after the last row of the same pair must say so. O(m + n), where
    rows follow their fixes.

    References
    ----------
    None: the definition is this project's own.
    """
    fix, segment, low_mm, high_mm = rows
    count, fixes = fix.shape[0], t_us.shape[0]
    # How many fixes before each do not say on, or off.
    not_on, not_off = np.zeros(fixes + 1, np.int64), np.zeros(fixes + 1, np.int64)
    for one in range(fixes):
        not_on[one + 1] = not_on[one] + (working[one] != ON)
        not_off[one + 1] = not_off[one] + (working[one] != OFF)
    found, proof = np.empty(count, np.int64), np.empty(count, np.int64)
    from_mm, to_mm, passes = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    pieces, passed, before, end, is_counted = 0, 0, -1, 0, False
    is_on = is_off = False
    for row in range(count):
        if row == end:
            while end < count and fix[end] == fix[row]:
                end += 1
            first = after = int(fix[row])
            while after < fixes - 1 and t_us[after] < leave_us[end - 1]:
                after += 1
            is_on, is_off = not_on[after + 1] == not_on[first], not_off[after + 1] == not_off[first]
        if high_mm[row] <= low_mm[row]:
            continue
        is_sure = proven[row] != 0 and is_on
        if before >= 0:
            leads_on = low_mm[row] >= high_mm[before] if direction[row] > 0 else high_mm[row] <= low_mm[before]
            if segment[row] != segment[before] or direction[row] != direction[before] or not leads_on:
                is_counted = False
        before = row
        if is_sure and not is_counted:
            passes[passed] = segment[row]
            passed += 1
            is_counted = True
        if not is_off:
            found[pieces], from_mm[pieces], to_mm[pieces], proof[pieces] = (
                segment[row],
                low_mm[row],
                high_mm[row],
                is_sure,
            )
            pieces += 1
    return (
        found[:pieces].copy(),
        from_mm[:pieces].copy(),
        to_mm[:pieces].copy(),
        proof[:pieces].copy(),
        passes[:passed].copy(),
    )
