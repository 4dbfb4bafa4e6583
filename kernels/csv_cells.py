"""Bytes of a CSV file → cells, and cells → integers: decimal numbers, instants, and which texts are the same.

Files of millions of rows are read this way, exactly: a decimal number is scaled and rounded by its digits, never by
way of a binary fraction, and an instant with its offset becomes microseconds since 1970.

*What it believes.* UTF-8 or any other code that keeps ASCII; commas; cells in quotes as RFC 4180 has them, but for
line ends inside. Blank lines are passed over, and blanks around a cell that is not in quotes are no part of it.
*What is left to others.* What the columns mean, which numbers are out of bounds, and how a fault is worded.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, U8, inner, int64, kernel, pair

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Pair = tuple[Ints, Ints]

READ: Final = 0
EMPTY: Final = 1
MALFORMED: Final = 2
NO_OFFSET: Final = 3
"""What became of a cell: read; nothing in it; not what it should be; an instant that does not say its offset."""
FAULT_QUOTE: Final = 1
FAULT_COUNT: Final = 2
"""What is wrong with a line: a quotation mark where none may be, or none at the end; more or fewer cells."""

HUGE: Final = 1 << 62
"""Stands for every number of which the digits do not fit."""

_DAY_US: Final = 86_400_000_000
_LINE, _RETURN, _TAB, _BLANK, _QUOTE, _COMMA = 10, 13, 9, 32, 34, 44
_PLUS, _MINUS, _POINT, _COLON, _ZERO = 43, 45, 46, 58, 48

_numbers = pair(int64)  # pyright: ignore[reportArgumentType]  # numbers make a pair as arrays do
_number_pairs = pair(pair(int64))  # pyright: ignore[reportArgumentType]
_pairs = pair(pair(NEW_I64))  # pyright: ignore[reportArgumentType]  # so do pairs


@inner(_number_pairs(U8, int64, int64))
def _cell(text: Bytes, at: int, end: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Find one cell: where it begins and ends, and then where the comma or line end is, and what is wrong."""
    # Whatever means something stands at or before the comma in the code: most cells need no more than this.
    first = at
    while at < end and text[at] > _COMMA:
        at += 1
    if at == end or text[at] == _COMMA or text[at] == _LINE:
        return (first, at), (at, 0)
    at = first
    while at < end and (text[at] == _BLANK or text[at] == _TAB):
        at += 1
    first = last = at
    is_quoted = at < end and text[at] == _QUOTE
    if is_quoted:
        at += 1
        first, last = at, -1
        while at < end and text[at] != _LINE and last < 0:
            if text[at] == _QUOTE:
                if at + 1 < end and text[at + 1] == _QUOTE:
                    at += 1
                else:
                    last = at
            at += 1
        if last < 0:
            return (first, at), (at, FAULT_QUOTE)
    fault = 0
    while at < end and text[at] != _COMMA and text[at] != _LINE:
        if text[at] != _BLANK and text[at] != _TAB and text[at] != _RETURN:
            if is_quoted or text[at] == _QUOTE:
                fault = FAULT_QUOTE
            last = at + 1
        at += 1
    return (first, last), (at, fault)


@kernel(_pairs(U8, int64, int64, int64))
def cells(text: Bytes, begin: int, end: int, width: int) -> tuple[Pair, Pair]:
    """Find the cells of the rows in a stretch of text.

    Parameters
    ----------
    text : ndarray of uint8
        The file. Shape (bytes,).
    begin, end : int
        The stretch, which begins where a line does. Half open. [index]
    width : int
        How many cells a row has. [count]

    Returns
    -------
    (start, stop), (line, fault) : pairs of ndarray of int64
        Cell c of row r is ``text[start[c * lines + r]:stop[c * lines + r]]``, without the quotes around it; doubled
        quotes inside are still doubled; of what lies behind the last row nothing is told. Line of each row, the
        stretch's first being nought. What is wrong (`FAULT_QUOTE`, `FAULT_COUNT`) with the line after the last row's,
        or nothing; there it ends. Shapes (width * lines,) twice, lines being one more than there are line ends,
        (rows,), and (0,) or (2,): line and fault. [index, index], [count, code]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    O(bytes).

    References
    ----------
    Y. Shafranovich, Common Format and MIME Type for CSV Files, RFC 4180, 2005, doi:10.17487/RFC4180.
    """
    lines = 1
    for at in range(begin, end):
        lines += text[at] == _LINE
    start, stop = np.empty(lines * width, np.int64), np.empty(lines * width, np.int64)
    line_of = np.empty(lines, np.int64)
    rows, line, at, fault = 0, 0, begin, 0
    while at < end:
        count, is_open, is_blank = 0, True, True
        while is_open:
            (first, last), (at, wrong) = _cell(text, at, end)
            fault = max(fault, wrong)
            if count < width:
                start[count * lines + rows], stop[count * lines + rows] = first, last
            count += 1
            is_open = at < end and text[at] == _COMMA
            # Two quotes with nothing between them are a cell, nothing at all is a blank line.
            is_blank = count == 1 and not is_open and first == last and (first == begin or text[first - 1] != _QUOTE)
            at += 1
        if fault == 0 and count != width and not is_blank:
            fault = FAULT_COUNT
        if fault:
            break
        if not is_blank:
            line_of[rows] = line
            rows += 1
        line += 1
    found = np.empty(2 if fault else 0, np.int64)
    if fault:
        found[0], found[1] = line, fault
    return (start, stop), (line_of[:rows].copy(), found)


@inner(int64(int64, int64, int64))
def _scaled(mantissa: int, power: int, rest: int) -> int:
    """Multiply by a power of ten, halves to even; `rest` says whether there was more than the mantissa."""
    if mantissa == 0:
        return 0
    while power > 0:
        if mantissa > HUGE // 10:
            return HUGE
        mantissa *= 10
        power -= 1
    if power < -18:  # noqa: PLR2004  # the mantissa has eighteen digits
        return 0
    unit = 1
    for _ in range(-power):
        unit *= 10
    whole, left = mantissa // unit, mantissa % unit
    half = unit // 2
    is_more = left > half or (left == half and (rest != 0 or whole % 2 == 1))
    return whole + (1 if unit > 1 and is_more else 0)


@inner(_numbers(U8, int64, int64, int64))
def _decimal(text: Bytes, at: int, end: int, places: int) -> tuple[int, int]:
    """Read one number: the scaled integer, and what became of it."""
    if at == end:
        return 0, EMPTY
    is_negative = text[at] == _MINUS
    if is_negative or text[at] == _PLUS:
        at += 1
    # Eighteen digits fit; of those beyond only matters whether one is not nought.
    mantissa, power, digits, rest, has_point = 0, places, 0, 0, False
    while at < end:
        digit = int(text[at]) - _ZERO
        if 0 <= digit <= 9:  # noqa: PLR2004  # decimal digits
            digits += 1
            if mantissa < 10**17:
                mantissa = mantissa * 10 + digit
                power -= has_point
            else:
                rest |= digit
                power += not has_point
        elif text[at] == _POINT and not has_point:
            has_point = True
        else:
            break
        at += 1
    if digits == 0:
        return 0, MALFORMED
    if at < end:
        if text[at] != 101 and text[at] != 69:  # noqa: PLR2004  # e, E
            return 0, MALFORMED
        at += 1
        sign = -1 if at < end and text[at] == _MINUS else 1
        if at < end and (text[at] == _MINUS or text[at] == _PLUS):
            at += 1
        if at == end:
            return 0, MALFORMED
        exponent = 0
        while at < end:
            digit = int(text[at]) - _ZERO
            if digit < 0 or digit > 9:  # noqa: PLR2004
                return 0, MALFORMED
            exponent = min(exponent * 10 + digit, 1_000_000_000)
            at += 1
        power += sign * exponent
    scaled = _scaled(mantissa, power, rest)
    return -scaled if is_negative else scaled, READ


@kernel(pair(NEW_I64)(U8, I64, I64, int64))
def decimals(text: Bytes, start: Ints, stop: Ints, places: int) -> Pair:
    """Read a column of decimal numbers.

    Parameters
    ----------
    text : ndarray of uint8
        The file. Shape (bytes,).
    start, stop : ndarray of int64
        The cells. Shape (n,). [index]
    places : int
        Decimal places to keep: with 3, 4.5 is 4500. [count]

    Returns
    -------
    value : ndarray of int64
        Rounded, halves to even; `HUGE` with its sign where the digits do not fit, nought where it is no number.
        Shape (n,). [10 ** -places]
    outcome : ndarray of int64
        `READ`, `EMPTY` or `MALFORMED`. Shape (n,). [code]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    O(bytes of the cells). Takes what people and programs write: ``-70.65``, ``+3``, ``.5``, ``5.``, ``5e-05``.

    References
    ----------
    ISO 6093:1985, Representation of numerical values in character strings.
    """
    value, outcome = np.empty(start.shape[0], np.int64), np.empty(start.shape[0], np.int64)
    for row in range(start.shape[0]):
        value[row], outcome[row] = _decimal(text, start[row], stop[row], places)
    return value, outcome


@inner(int64(U8, int64, int64, int64))
def _digits(text: Bytes, at: int, end: int, count: int) -> int:
    """Read so many digits; -1 where there are others, or fewer."""
    if at + count > end:
        return -1
    number = 0
    for index in range(at, at + count):
        digit = int(text[index]) - _ZERO
        if digit < 0 or digit > 9:  # noqa: PLR2004  # decimal digits
            return -1
        number = number * 10 + digit
    return number


@inner(int64(int64, int64, int64))
def _day(year: int, month: int, day: int) -> int:
    """Count days since 1970-01-01 in the Gregorian calendar, the year beginning in March."""
    year -= month <= 2  # noqa: PLR2004  # February
    era, of_era = year // 400, year % 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@inner(int64(int64, int64))
def _month_days(year: int, month: int) -> int:
    """Count the days of a month."""
    if month == 2:  # noqa: PLR2004  # February
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    # A set would be made anew at each call.
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31  # noqa: PLR1714, PLR2004


@inner(_numbers(U8, int64, int64))
def _offset(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Read what stands behind the time of day: minutes to the east, and what became of it."""
    if at == end:
        return 0, NO_OFFSET
    if text[at] == 90 or text[at] == 122:  # noqa: PLR2004  # Z, z
        return 0, READ if at + 1 == end else MALFORMED
    if text[at] != _PLUS and text[at] != _MINUS:
        return 0, MALFORMED
    hours, minutes, last = _digits(text, at + 1, end, 2), 0, at + 3
    if last < end:
        last += text[last] == _COLON
        minutes = _digits(text, last, end, 2)
        last += 2
    if not (0 <= hours < 24 and 0 <= minutes < 60 and last == end):  # noqa: PLR2004  # a day, an hour
        return 0, MALFORMED
    east = hours * 60 + minutes
    return -east if text[at] == _MINUS else east, READ


@inner(_numbers(U8, int64, int64))
def _instant(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Read one instant: microseconds since 1970, and what became of it."""
    if at == end:
        return 0, EMPTY
    year, month, day = _digits(text, at, end, 4), _digits(text, at + 5, end, 2), _digits(text, at + 8, end, 2)
    hour, minute = _digits(text, at + 11, end, 2), _digits(text, at + 14, end, 2)
    second = _digits(text, at + 17, end, 2)
    if min(year, month, day) < 0 or min(hour, minute, second) < 0:
        return 0, MALFORMED
    is_parted = text[at + 4] == _MINUS and text[at + 7] == _MINUS
    is_parted = is_parted and text[at + 13] == _COLON and text[at + 16] == _COLON
    between = text[at + 10]
    is_parted = is_parted and (between == 84 or between == 116 or between == _BLANK)  # noqa: PLR1714, PLR2004  # T, t
    if not is_parted or month < 1 or month > 12 or day < 1 or day > _month_days(year, month):  # noqa: PLR2004
        return 0, MALFORMED
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004  # the last of a day, an hour, a minute
        return 0, MALFORMED
    at += 19
    fraction_us, unit_us = 0, 1_000_000
    if at < end and (text[at] == _POINT or text[at] == _COMMA):
        at += 1
        if _digits(text, at, end, 1) < 0:
            return 0, MALFORMED
        while at < end and _digits(text, at, end, 1) >= 0:
            unit_us //= 10
            fraction_us += unit_us * _digits(text, at, end, 1)
            at += 1
    east_min, outcome = _offset(text, at, end)
    if outcome != READ:
        return 0, outcome
    of_day_s = (hour * 60 + minute - east_min) * 60 + second
    return _day(year, month, day) * _DAY_US + of_day_s * 1_000_000 + fraction_us, READ


@kernel(pair(NEW_I64)(U8, I64, I64))
def instants(text: Bytes, start: Ints, stop: Ints) -> Pair:
    """Read a column of instants.

    Parameters
    ----------
    text : ndarray of uint8
        The file. Shape (bytes,).
    start, stop : ndarray of int64
        The cells. Shape (n,). [index]

    Returns
    -------
    t_us : ndarray of int64
        What is finer than a microsecond is cut off; nought where it is no instant. Shape (n,).
        [us since 1970, UTC]
    outcome : ndarray of int64
        `READ`, `EMPTY`, `MALFORMED` or `NO_OFFSET`. Shape (n,). [code]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    O(bytes of the cells). Takes ``2026-09-01T23:33:45Z``, a blank in place of the T, a fraction behind a point or a
    comma, and offsets ``Z``, ``+hh:mm``, ``+hhmm``, ``+hh``. A 60th second is refused: nobody says which instant
    it is.

    References
    ----------
    G. Klyne, C. Newman, Date and Time on the Internet: Timestamps, RFC 3339, 2002, doi:10.17487/RFC3339. H. Hinnant,
    chrono-Compatible Low-Level Date Algorithms, 2013.
    """
    t_us, outcome = np.empty(start.shape[0], np.int64), np.empty(start.shape[0], np.int64)
    for row in range(start.shape[0]):
        t_us[row], outcome[row] = _instant(text, start[row], stop[row])
    return t_us, outcome


@inner(int64(U8, int64, int64, int64, int64))
def _is_same(text: Bytes, first: int, first_end: int, second: int, second_end: int) -> int:
    """Tell whether two cells hold the same bytes."""
    if first_end - first != second_end - second:
        return 0
    for offset in range(first_end - first):
        if text[first + offset] != text[second + offset]:
            return 0
    return 1


@kernel(pair(NEW_I64)(U8, I64, I64))
def codes(text: Bytes, start: Ints, stop: Ints) -> Pair:
    """Number the different texts of a column, in the order in which they come first.

    Parameters
    ----------
    text : ndarray of uint8
        The file. Shape (bytes,).
    start, stop : ndarray of int64
        The cells. Shape (n,). [index]

    Returns
    -------
    code : ndarray of int64
        Number of each row's text. Shape (n,). [index]
    first : ndarray of int64
        The row in which each text comes first. Shape (texts,). [index]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    O(bytes of the cells) for texts that were not made to collide. Bytes are compared, so a text in quotes with a
    doubled quote inside is not the same as one that is not in quotes.

    References
    ----------
    D. E. Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm L, 1973.
    """
    count = start.shape[0]
    code, first = np.empty(count, np.int64), np.empty(count, np.int64)
    size = 16
    while size < 2 * count:
        size *= 2
    slot = np.full(size, -1, np.int64)
    known = 0
    for row in range(count):
        # Rows of one vehicle mostly follow on each other.
        if row > 0 and _is_same(text, start[row - 1], stop[row - 1], start[row], stop[row]):
            code[row] = code[row - 1]
            continue
        hashed = 2_166_136_261
        for at in range(start[row], stop[row]):
            hashed = ((hashed ^ int(text[at])) * 16_777_619) & 0xFFFFFFFF
        at = hashed & (size - 1)
        while slot[at] >= 0:
            other = int(first[slot[at]])
            if _is_same(text, start[other], stop[other], start[row], stop[row]):
                break
            at = (at + 1) & (size - 1)
        if slot[at] < 0:
            slot[at] = known
            first[known] = row
            known += 1
        code[row] = slot[at]
    return code, first[:known].copy()
