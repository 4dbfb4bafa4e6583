"""Facts that people record or suppose, as a clerk's plain rows → determinations.

A row names standard, subject, zone and day, and the measure's value as the terms write such values: `3`, `PT4H5M`,
`0.82`, `280/300`. Verdict and all else follow from the terms. No sensor vouches for such a fact: its digest is that
of the row.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction

from rules.calendar import Window, duration_us
from rules.contract import Standard, Terms
from rules.errors import CalculationError
from rules.measures import RecordedMeasure
from rules.records import Determination, Op, Unit, digest
from rules.standards.judging import Bounds, Judged, determination
from rules.windows import standard_windows

COLUMNS = ("standard", "subject", "zone", "day", "value", "borne", "possible", "count")
_PPM = 1_000_000
# A row that stands for more subjects than this is a slip of the pen.
_COUNT_MAX = 1_000_000


def facts_of(terms: Terms, rows: Iterable[Mapping[str, str]]) -> list[Determination]:
    """Judge plain facts.

    Parameters
    ----------
    terms : Terms
    rows : iterable of mapping of str to str
        `standard`, `subject`, `zone`, `day` and `value`: the measure, or its proven bound; `possible` where it may
        be more; `borne` where the contractor bears some of the doubt, of which it else has the benefit; `count` where
        the row stands for so many subjects, which get numbers.

    Returns
    -------
    list of Determination

    Raises
    ------
    CalculationError
        When a row names what the terms do not know, or a value is not written as the measure asks.
    """
    found: list[Determination] = []
    for number, row in enumerate(rows, 2):
        try:
            found += _facts(terms, row)
        except ValueError as error:
            raise CalculationError(f"line {number} is no fact: {error}") from error
    return found


def _facts(terms: Terms, row: Mapping[str, str]) -> list[Determination]:
    standard = next((one for one in terms.file.standard if one.id == row["standard"]), None)
    if standard is None:
        raise ValueError(f"the terms have no standard {row['standard']!r}")
    if row["zone"] and row["zone"] not in terms.zones:
        raise ValueError(f"the terms have no zone {row['zone']!r}")
    window = _window(terms, standard, _day(row["day"]))
    count = _value(Unit.COUNT, row.get("count") or "1")
    if count not in range(1, _COUNT_MAX + 1):
        raise ValueError(f"count {count} is not between 1 and {_COUNT_MAX}")
    bounds = _bounds(standard, row)
    digests = {"readings": digest({"row": {name: row.get(name, "") for name in COLUMNS}}), "register": digest({})}
    # A measure that people record is told in their words; another one is told as sensors would have.
    trace = {"detail": {"what": standard.measure.what}} if isinstance(standard.measure, RecordedMeasure) else {}
    names = [row["subject"]] if count == 1 else [f"{row['subject']}-{n:06}" for n in range(1, count + 1)]
    judged = (Judged(name, row["zone"], window, bounds, 1, 1, digests, trace) for name in names)
    return [determination(terms, standard, one) for one in judged]


def _window(terms: Terms, standard: Standard, day: date) -> Window:
    days = (day, date.fromordinal(day.toordinal() + 1))
    found = [window for window in standard_windows(terms, standard, days) if window.day == day]
    if not found:
        raise ValueError(f"standard {standard.id} has no window on {day}")
    return found[0]


def _bounds(standard: Standard, row: Mapping[str, str]) -> Bounds:
    unit = standard.measure.unit
    proven = _value(unit, row["value"])
    possible = _value(unit, row["possible"]) if row.get("possible") else proven
    benefit = possible if standard.target.op == Op.AT_LEAST else proven
    borne = _value(unit, row["borne"]) if row.get("borne") else benefit
    if not proven <= borne <= possible:
        raise ValueError(f"value {proven}, borne {borne} and possible {possible} do not rise")
    return Bounds(proven, borne, possible)


def _value(unit: Unit, text: str) -> int:
    match unit:
        case Unit.MICROSECONDS:
            return duration_us(text)
        case Unit.PPM:
            # To the benefit of nobody: the nearest millionth.
            return round(_share(text) * _PPM)
        case Unit.COUNT:
            if not (text.isascii() and text.strip().isdigit()):
                raise ValueError(f"{text!r} is no whole number, and the measure counts")
            return int(text)


def _share(text: str) -> Fraction:
    try:
        share = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{text!r} is no share such as 0.85 or 280/300") from error
    if not 0 <= share <= 1:
        raise ValueError(f"share {text} is not between 0 and 1")
    return share


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"day {text!r} is not written as 2026-09-01") from error
