"""Terms, register and readings → determinations: a pure function, whatever the order of arrival.

Each opportunity looks at a span of readings around its window and at nothing else; their digest, with the register's,
the terms' and that of the causes inferred for its gaps, is what its id rests on. How a measure is judged is its
family's affair.
"""

from dataclasses import replace
from datetime import date

from rules.assets import Register
from rules.calendar import Window
from rules.causes import Presence
from rules.contract import Standard, Terms
from rules.measures import (
    EmptiedMeasure,
    FeedMeasure,
    FullMeasure,
    InspectedMeasure,
    PassMeasure,
    RecordedMeasure,
    ReportMeasure,
    RespondMeasure,
    SpeedMeasure,
    SweptMeasure,
)
from rules.numbers import value_on
from rules.records import Determination, opportunity_name
from rules.standards import containers, feeding, inspected, passes, recorded, reporting, responding, speeding, swept
from rules.standards.judging import Facts, Family, Readings, zones_of
from rules.windows import standard_windows

_FAMILIES: dict[type, Family] = {
    FullMeasure: containers.FAMILY,
    EmptiedMeasure: containers.FAMILY,
    SweptMeasure: swept.FAMILY,
    PassMeasure: passes.FAMILY,
    InspectedMeasure: inspected.FAMILY,
    RespondMeasure: responding.FAMILY,
    ReportMeasure: reporting.FAMILY,
    FeedMeasure: feeding.FAMILY,
    SpeedMeasure: speeding.FAMILY,
    RecordedMeasure: recorded.FAMILY,
}


def assess(
    terms: Terms,
    register: Register,
    readings: Readings,
    days: tuple[date, date],
    as_of_us: int,
) -> list[Determination]:
    """Judge every opportunity whose window starts in a span of days.

    Parameters
    ----------
    terms : Terms
    register : Register
    readings : mapping of (kind, source, device) to Columns
        At least those that `spans_us` asks for.
    days : tuple of date
        First local day, and the day after the last.
    as_of_us : int
        Windows that ended less than the terms' grace before are left out. [us since 1970, UTC]

    Returns
    -------
    list of Determination
        In the order of standard, subject, window.
    """
    facts = Facts(terms, register, readings, Presence(register, readings))
    found: list[Determination] = []
    for standard in sorted(terms.file.standard, key=lambda standard: standard.id):
        laid = [
            window
            for window in standard_windows(terms, standard, days)
            if _ripe_us(terms, standard, window) <= as_of_us
        ]
        judged = _family(standard).judge(replace(facts, bearers=terms.bearers(standard)), standard, laid)
        found += sorted(judged, key=lambda one: (one.subject, one.window_start_us))
    return found


def _family(standard: Standard) -> Family:
    return _FAMILIES[type(standard.measure)]


def _ripe_us(terms: Terms, standard: Standard, window: Window) -> int:
    """From when on a window may be judged: its end, or how long an answer is waited for, and the terms' grace."""
    closes_us = window.end_us
    if isinstance(standard.measure, RespondMeasure | ReportMeasure):
        closes_us = max(closes_us, standard.measure.closes_us(terms.zone, window))
    return closes_us + int(value_on(terms.file.late.grace, window.day, "us"))


def ripe_us(terms: Terms, days: tuple[date, date]) -> int:
    """From when on every window of a span of days may be judged.

    Parameters
    ----------
    terms : Terms
    days : tuple of date
        First local day, and the day after the last.

    Returns
    -------
    int
        [us since 1970, UTC]
    """
    return max(
        (
            _ripe_us(terms, standard, window)
            for standard in terms.file.standard
            for window in standard_windows(terms, standard, days)
        ),
        default=0,
    )


def spans_us(terms: Terms, days: tuple[date, date]) -> dict[str, tuple[int, int]]:
    """Spans of the readings that the opportunities of a span of days look at, by kind.

    Parameters
    ----------
    terms : Terms
    days : tuple of date
        First local day, and the day after the last.

    Returns
    -------
    dict of str to tuple of int
        Half open. [us since 1970, UTC]
    """
    spans: dict[str, tuple[int, int]] = {}
    for standard in terms.file.standard:
        family = _family(standard)
        for window in standard_windows(terms, standard, days):
            first_us, until_us = family.looks(standard, window)
            for kind in family.kinds:
                known = spans.get(kind, (first_us, until_us))
                spans[kind] = (min(known[0], first_us), max(known[1], until_us))
    return spans


def kinds_of(standard: Standard) -> tuple[str, ...]:
    """Kinds of reading that a standard's checks look at.

    Parameters
    ----------
    standard : Standard
    """
    return _family(standard).kinds


def opportunities(terms: Terms, register: Register, days: tuple[date, date]) -> set[str]:
    """Name the opportunities of a span of days that terms and register foresee, judged or not.

    Parameters
    ----------
    terms : Terms
    register : Register
    days : tuple of date
        First local day, and the day after the last.
    """
    names: set[str] = set()
    for standard in terms.file.standard:
        subjects = _family(standard).subjects
        if subjects is None:
            continue
        for window in standard_windows(terms, standard, days):
            names |= {
                opportunity_name((terms.id, standard.id, terms.version, subject), window.start_us)
                for subject, _ in subjects(terms, register, standard, window)
            }
    return names


def is_held(terms: Terms, expected: set[str], one: Determination) -> bool:
    """Whether a determination still judges something: a subject that is foreseen, or one that only readings tell.

    Parameters
    ----------
    terms : Terms
    expected : set of str
        As `opportunities` gives them.
    one : Determination
    """
    if one.opportunity in expected:
        return True
    return any(
        standard.id == one.standard and _family(standard).subjects is None and one.zone in zones_of(terms, standard)
        for standard in terms.file.standard
        if one.terms_version == terms.version
    )
