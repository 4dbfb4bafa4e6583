"""CSV files of a contract folder → rows whose every cell can be read; all else is a finding.

A comma too many moves all that stands after it, and with it money: a row with more cells than columns is refused, as
is a column that nobody reads.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from rules.calendar import month_days
from rules.records import Finding, FindingCode

_SURPLUS = "beyond the last column"
# What can stand in a path, a topic and a line's id without being taken for something else.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAMED = {
    "assets.csv": ("asset", "zone"),
    "installations.csv": ("source", "device", "asset"),
    "indexes.csv": ("series",),
}


def rows_of(
    files: Mapping[str, str], name: str, columns: Sequence[str], findings: list[Finding]
) -> list[dict[str, str]]:
    """Read the rows of a CSV file.

    Parameters
    ----------
    files : mapping of str to str
        Name to text.
    name : str
        Which of them.
    columns : sequence of str
        All that the file must have, and all that it may.
    findings : list of Finding
        Gets what is wrong.

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
    if unread := [column for column in given if column not in columns]:
        findings.append(Finding(FindingCode.UNKNOWN_KEY, name, ", ".join(unread), "", tuple(columns)))
    good: list[dict[str, str]] = []
    for number, row in rows:
        problem = f"{row[_SURPLUS]} {_SURPLUS}" if _SURPLUS in row else ""
        named = _NAMED.get(name, ())
        problem = problem or next((bad for column in columns if (bad := _problem(column, row[column], named))), "")
        if problem:
            findings.append(Finding(FindingCode.MALFORMED, name, f"line {number}", problem))
        else:
            good.append({column: row[column].strip() for column in columns})
    return good


def _problem(column: str, cell: str | None, named: Sequence[str]) -> str:
    """Say what is wrong with a cell, by its column's name."""
    if cell is None:
        return f"{column} is missing"
    text = cell.strip()
    is_bad = False
    try:
        if column in ("valid_from", "valid_until") and (text or column == "valid_from"):
            datetime.fromisoformat(text)
        elif column.endswith("_mm") and text:
            int(text)
        elif column == "full_at" and text:
            is_bad = not 0 < Decimal(text) <= 1
        elif column == "value":
            number = Decimal(text)
            is_bad = not number.is_finite() or number <= 0
        elif column == "month":
            month_days(text)
        elif column == "published":
            date.fromisoformat(text)
        elif column in named:
            is_bad = not _NAME.fullmatch(text) or (column == "source" and text != text.lower())
    except (ValueError, InvalidOperation):
        is_bad = True
    return f"{column} {text!r}" if is_bad else ""
