"""CSV files of a contract folder → rows whose every cell can be read; all else is a finding.

A comma too many moves all that stands after it, and with it money: a row with more cells than columns is refused, as
is a column that nobody reads.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from rules.calendar import month_days
from rules.records import Finding, FindingCode

_SURPLUS = "beyond the last column"
# What can stand in a path, a topic and a line's id without being taken for something else.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WORKING = re.compile(r"(?:[1-9]|1[0-6]):(?:high|low)")
_NAMED = {
    "assets.csv": ("asset",),
    "installations.csv": ("source", "device", "asset"),
    "points.csv": ("point", "zone", "stratum"),
    "indexes.csv": ("series",),
}


def rows_of(
    files: Mapping[str, str],
    name: str,
    columns: Sequence[str],
    findings: list[Finding],
    optional: Sequence[str] = (),
) -> list[dict[str, str]]:
    """Read the rows of a CSV file.

    Parameters
    ----------
    files : mapping of str to str
        Name to text.
    name : str
        Which of them.
    columns : sequence of str
        All that the file must have.
    findings : list of Finding
        Gets what is wrong.
    optional : sequence of str
        What it may have besides; empty cells where it has not.

    Returns
    -------
    list of dict
        Good rows only, cells without blanks around them.
    """
    if name not in files:
        findings.append(Finding(FindingCode.FILE_MISSING, name, ""))
        return []
    reader = csv.DictReader(io.StringIO(files[name]), restkey=_SURPLUS, strict=True)
    try:
        given, rows = tuple(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        findings.append(Finding(FindingCode.FILE_MALFORMED, name, "", str(error)))
        return []
    if missing := [column for column in columns if column not in given]:
        findings.append(Finding(FindingCode.UNDECLARED, name, ", ".join(missing), ", ".join(given), tuple(columns)))
        return []
    if unread := [column for column in given if column not in (*columns, *optional)]:
        findings.append(Finding(FindingCode.UNKNOWN_KEY, name, ", ".join(unread), "", (*columns, *optional)))
    read = [*columns, *(column for column in optional if column in given)]
    good: list[dict[str, str]] = []
    for number, row in rows:
        problem = f"{row[_SURPLUS]} {_SURPLUS}" if _SURPLUS in row else ""
        named = _NAMED.get(name, ())
        problem = problem or next((bad for column in read if (bad := _problem(column, row[column], named))), "")
        if problem:
            findings.append(Finding(FindingCode.MALFORMED, name, f"line {number}", problem))
        else:
            good.append({column: row[column].strip() if column in read else "" for column in (*columns, *optional)})
    return good


def _problem(column: str, cell: str | None, named: Sequence[str]) -> str:
    """Say what is wrong with a cell, by its column's name."""
    if cell is None:
        return f"{column} is missing"
    text = cell.strip()
    try:
        if column in named:
            is_good = bool(_NAME.fullmatch(text)) and (column != "source" or text == text.lower())
        elif text or column in _NEVER_EMPTY:
            is_good = _CHECKS.get(column, _is_anything)(text)
        else:
            is_good = True
    except (ValueError, InvalidOperation):
        is_good = False
    return "" if is_good else f"{column} {text!r}"


def _is_anything(_text: str) -> bool:
    return True


def _is_instant(text: str) -> bool:
    return bool(datetime.fromisoformat(text))


def _is_length(text: str) -> bool:
    int(text)
    return True


def _is_share(text: str) -> bool:
    return 0 < Decimal(text) <= 1


def _is_value(text: str) -> bool:
    number = Decimal(text)
    return number.is_finite() and number > 0


def _is_month(text: str) -> bool:
    return bool(month_days(text))


def _is_date(text: str) -> bool:
    return bool(date.fromisoformat(text))


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text))


def _is_input(text: str) -> bool:
    return bool(_WORKING.fullmatch(text))


_NEVER_EMPTY = ("valid_from", "value", "month", "published")
_CHECKS: dict[str, Callable[[str], bool]] = {
    "valid_from": _is_instant,
    "valid_until": _is_instant,
    "empty_mm": _is_length,
    "full_mm": _is_length,
    "full_at": _is_share,
    "jump": _is_share,
    "value": _is_value,
    "month": _is_month,
    "published": _is_date,
    "zone": _is_name,
    "gateway": _is_name,
    "working": _is_input,
}
