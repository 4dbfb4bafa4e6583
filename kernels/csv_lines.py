"""Columns → the lines of a CSV file: the path of a vehicle over its streets.

Writes what `kernels.csv_cells` can read again. It believes that texts need no quotes any more and that numbers are
within their bounds; which rows there are, and their heading, is left to others.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_U8, U8, inner, int64, kernel, pair, triple

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Triple = tuple[Ints, Ints, Ints]

_DAY_S: Final = 86_400
# Sequence (19), direction (8), two instants (27 each), two shares (8 each), proven (5), commas and line end (9).
_ROW_BYTES: Final = 19 + 8 + 2 * 27 + 2 * 8 + 5 + 9
_INSTANT_BYTES: Final = 27
_COMMA, _LINE, _ZERO, _POINT, _MINUS, _COLON, _T, _Z = 44, 10, 48, 46, 45, 58, 84, 90
_WORDS: Final = np.frombuffer(b"forwardbackwardtruefalse", np.uint8)


@inner(int64(NEW_U8, int64, U8, int64, int64))
def _copy(line: Bytes, at: int, text: Bytes, begin: int, end: int) -> int:
    """Copy a stretch of text; where the next goes."""
    for index in range(begin, end):
        line[at] = text[index]
        at += 1
    return at


@inner(int64(NEW_U8, int64, int64, int64))
def _number(line: Bytes, at: int, value: int, digits: int) -> int:
    """Write a number of so many digits, with noughts before it; where the next goes."""
    for index in range(at + digits - 1, at - 1, -1):
        line[index] = _ZERO + value % 10
        value //= 10
    return at + digits


@inner(int64(NEW_U8, int64, int64))
def _day(line: Bytes, at: int, day: int) -> int:
    """Write a day, counted from 1970-01-01; where the next goes."""
    day += 719_468
    era, of_era = day // 146_097, day % 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9  # noqa: PLR2004  # the year begins in March
    year += era * 400 + (month <= 2)  # noqa: PLR2004  # February
    at = _number(line, at, year, 4)
    line[at] = _MINUS
    at = _number(line, at + 1, month, 2)
    line[at] = _MINUS
    return _number(line, at + 1, of_year - (153 * shifted + 2) // 5 + 1, 2)


@inner(int64(NEW_U8, int64, int64))
def _instant(line: Bytes, at: int, t_us: int) -> int:
    """Write an instant to the microsecond, in UTC; where the next goes."""
    second = t_us // 1_000_000
    day = second // _DAY_S
    of_day = second - day * _DAY_S
    at = _day(line, at, day)
    line[at] = _T
    at = _number(line, at + 1, of_day // 3_600, 2)
    line[at] = _COLON
    at = _number(line, at + 1, of_day // 60 % 60, 2)
    line[at] = _COLON
    at = _number(line, at + 1, of_day % 60, 2)
    line[at] = _POINT
    at = _number(line, at + 1, t_us - second * 1_000_000, 6)
    line[at] = _Z
    return at + 1


@kernel(NEW_U8(U8, U8, pair(I64), triple(I64), pair(I64), pair(I64)))
def path_lines(
    vehicle: Bytes,
    names: Bytes,
    segments: tuple[Ints, Ints],
    place: tuple[Ints, Ints, Ints],
    span_us: tuple[Ints, Ints],
    flags: tuple[Ints, Ints],
) -> Bytes:
    """Write the path of one vehicle, a line a row.

    Parameters
    ----------
    vehicle : ndarray of uint8
        Its name, as it shall stand in the file. Shape (bytes,).
    names : ndarray of uint8
        The names of all segments, one after the other, as they shall stand in the file. Shape (bytes,).
    segments : tuple of two ndarray of int64
        Where each name begins, and where the last ends; and how long each segment is. Shapes (segments + 1,) and
        (segments,). [index, mm]
    place : tuple of three ndarray of int64
        Segment of each row, and where it was entered and left, from nought to its length. Shape (n,) each.
        [index, mm, mm]
    span_us : tuple of two ndarray of int64
        When it was entered and left; years 0 to 9999. Shape (n,) each. [us since 1970, UTC]
    flags : tuple of two ndarray of int64
        Where it was driven against its line, and where it is proven. Shape (n,) each. [flag]

    Returns
    -------
    ndarray of uint8
        ``vehicle,seq,segment,direction,entered,left,from,to,proven`` for each row, `seq` from 1 on. Shape (bytes,).

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    O(bytes). Every instant has six decimals and every share of a length too, halves rounded up, so that whoever reads
    the file sees one form. A row is mostly entered when the one before was left: that text is written once.

    References
    ----------
    Y. Shafranovich, Common Format and MIME Type for CSV Files, RFC 4180, 2005, doi:10.17487/RFC4180.
    """
    segment, from_mm, to_mm = place
    enter_us, leave_us = span_us
    name_start, length_mm = segments
    size = segment.shape[0] * (_ROW_BYTES + vehicle.shape[0])
    for row in range(segment.shape[0]):
        size += name_start[segment[row] + 1] - name_start[segment[row]]
    line = np.empty(size, np.uint8)
    at, left, digits, power = 0, 0, 1, 10
    for row in range(segment.shape[0]):
        one = segment[row]
        at = _copy(line, at, vehicle, 0, vehicle.shape[0])
        line[at] = _COMMA
        if row + 1 == power:
            digits, power = digits + 1, power * 10
        at = _number(line, at + 1, row + 1, digits)
        line[at] = _COMMA
        at = _copy(line, at + 1, names, int(name_start[one]), int(name_start[one + 1]))
        line[at] = _COMMA
        at = _copy(line, at + 1, _WORDS, 7, 15) if flags[0][row] else _copy(line, at + 1, _WORDS, 0, 7)
        line[at] = _COMMA
        at += 1
        if row > 0 and enter_us[row] == leave_us[row - 1]:
            for index in range(left, left + _INSTANT_BYTES):
                line[at] = line[index]
                at += 1
        else:
            at = _instant(line, at, enter_us[row])
        line[at] = _COMMA
        left = at + 1
        at = _instant(line, left, leave_us[row])
        whole_mm = max(length_mm[one], 1)
        for mm in (from_mm[row], to_mm[row]):
            ppm = (mm * 1_000_000 + whole_mm // 2) // whole_mm
            line[at], line[at + 1], line[at + 2] = _COMMA, _ZERO + ppm // 1_000_000, _POINT
            at = _number(line, at + 3, ppm % 1_000_000, 6)
        line[at] = _COMMA
        at = _copy(line, at + 1, _WORDS, 15, 19) if flags[1][row] else _copy(line, at + 1, _WORDS, 19, 24)
        line[at] = _LINE
        at += 1
    return line[:at].copy()
