"""Columns → the lines of a CSV file: the path of a vehicle over its streets.

Writes what `kernels.csv_cells` can read again. It believes that texts need no quotes any more and that numbers are
within their bounds; which rows there are, and their heading, is left to others.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_U8, U8, int64, kernel, pair, triple

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Triple = tuple[Ints, Ints, Ints]

_DAY_S: Final = 86_400
# Sequence (19), direction (8), two instants (27 each), two shares (8 each), proven (5), commas and line end (9).
_ROW_BYTES: Final = 19 + 8 + 2 * 27 + 2 * 8 + 5 + 9
_COMMA, _LINE, _ZERO, _POINT, _MINUS, _COLON, _T, _Z = 44, 10, 48, 46, 45, 58, 84, 90
_WORDS: Final = np.frombuffer(b"forwardbackwardtruefalse", np.uint8)


@kernel(int64(NEW_U8, int64, U8, int64, int64))
def _copy(line: Bytes, at: int, text: Bytes, begin: int, end: int) -> int:
    """Copy a stretch of text; where the next goes."""
    for index in range(begin, end):
        line[at] = text[index]
        at += 1
    return at


@kernel(int64(NEW_U8, int64, int64, int64))
def _number(line: Bytes, at: int, value: int, digits: int) -> int:
    """Write a number of so many digits, with noughts before it; where the next goes."""
    for index in range(at + digits - 1, at - 1, -1):
        line[index] = _ZERO + value % 10
        value //= 10
    return at + digits


@kernel(int64(NEW_U8, int64, int64))
def _instant(line: Bytes, at: int, t_us: int) -> int:
    """Write an instant to the microsecond, in UTC; where the next goes."""
    second, part_us = t_us // 1_000_000, t_us % 1_000_000
    day, of_day = second // _DAY_S + 719_468, second % _DAY_S
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
    at = _number(line, at + 1, of_year - (153 * shifted + 2) // 5 + 1, 2)
    line[at] = _T
    at = _number(line, at + 1, of_day // 3_600, 2)
    line[at] = _COLON
    at = _number(line, at + 1, of_day // 60 % 60, 2)
    line[at] = _COLON
    at = _number(line, at + 1, of_day % 60, 2)
    line[at] = _POINT
    at = _number(line, at + 1, part_us, 6)
    line[at] = _Z
    return at + 1


@kernel(NEW_U8(U8, U8, I64, triple(I64), pair(I64), I64))
def path_lines(
    vehicle: Bytes,
    names: Bytes,
    name_start: Ints,
    place: tuple[Ints, Ints, Ints],
    span_us: tuple[Ints, Ints],
    mark: Ints,
) -> Bytes:
    """Write the path of one vehicle, a line a row.

    Parameters
    ----------
    vehicle : ndarray of uint8
        Its name, as it shall stand in the file. Shape (bytes,).
    names : ndarray of uint8
        The names of all segments, one after the other, as they shall stand in the file. Shape (bytes,).
    name_start : ndarray of int64
        Where each name begins, and where the last ends. Shape (segments + 1,). [index]
    place : tuple of three ndarray of int64
        Segment of each row, and where it was entered and left, as shares of its length from 0 to 1,000,000.
        Shape (n,) each. [index, ppm, ppm]
    span_us : tuple of two ndarray of int64
        When it was entered and left; years 0 to 9999. Shape (n,) each. [us since 1970, UTC]
    mark : ndarray of int64
        1 where it was driven against its line, plus 2 where it is proven. Shape (n,). [flags]

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
    O(bytes). Every instant has six decimals and every share too, so that whoever reads the file sees one form.

    References
    ----------
    Y. Shafranovich, Common Format and MIME Type for CSV Files, RFC 4180, 2005, doi:10.17487/RFC4180.
    """
    segment, from_ppm, to_ppm = place
    size = segment.shape[0] * (_ROW_BYTES + vehicle.shape[0])
    for row in range(segment.shape[0]):
        size += name_start[segment[row] + 1] - name_start[segment[row]]
    line = np.empty(size, np.uint8)
    at = 0
    for row in range(segment.shape[0]):
        at = _copy(line, at, vehicle, 0, vehicle.shape[0])
        line[at] = _COMMA
        digits, power = 1, 10
        while power <= row + 1:
            digits, power = digits + 1, power * 10
        at = _number(line, at + 1, row + 1, digits)
        line[at] = _COMMA
        at = _copy(line, at + 1, names, int(name_start[segment[row]]), int(name_start[segment[row] + 1]))
        line[at] = _COMMA
        is_against, is_proven = mark[row] % 2 == 1, mark[row] >= 2  # noqa: PLR2004  # the second flag
        at = _copy(line, at + 1, _WORDS, 7, 15) if is_against else _copy(line, at + 1, _WORDS, 0, 7)
        for t_us in (span_us[0][row], span_us[1][row]):
            line[at] = _COMMA
            at = _instant(line, at + 1, t_us)
        for ppm in (from_ppm[row], to_ppm[row]):
            line[at] = _COMMA
            at = _number(line, at + 1, ppm // 1_000_000, 1)
            line[at] = _POINT
            at = _number(line, at + 1, ppm % 1_000_000, 6)
        line[at] = _COMMA
        at = _copy(line, at + 1, _WORDS, 15, 19) if is_proven else _copy(line, at + 1, _WORDS, 19, 24)
        line[at] = _LINE
        at += 1
    return line[:at].copy()
