"""Findings on the hours of a standard: what is missing or refers to nothing, and windows that never come."""

from collections.abc import Iterator
from datetime import date

from rules.contract import Standard, Terms
from rules.days import WEEKDAYS
from rules.measures import Hours
from rules.records import Finding, FindingCode
from rules.windows import laid_windows

_FILE = "contract.toml"
_OWN = ("start", "end")


def lint_window(standard: Standard, terms: Terms) -> Iterator[Finding]:
    """Find what is wrong with a standard's window.

    Parameters
    ----------
    standard : Standard
    terms : Terms

    Yields
    ------
    Finding
    """
    hours, key = standard.window, f"standard[{standard.id}].window"
    found = [*_said(hours, key), *_named(hours, terms, key)]
    yield from found
    if found:
        return
    effective = terms.file.contract.effective
    # Days of the week come each month. Dates that run backwards are a finding of their own.
    may_never_come = (hours.state or hours.holidays) and effective.since < effective.until
    if may_never_come and not laid_windows(terms, hours, (effective.since, effective.until)):
        yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, key, _told(hours))


def _said(hours: Hours, key: str) -> Iterator[Finding]:
    """Hours are the standard's own, or those of a market's state."""
    if hours.state:
        if own := [name for name in _OWN if getattr(hours, name) is not None]:
            yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.state", ", ".join(own))
        return
    for name in (*_OWN, "days"):
        if getattr(hours, name) is None:
            choices = ("daily", *WEEKDAYS) if name == "days" else ()
            yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.{name}", "", choices)


def _named(hours: Hours, terms: Terms, key: str) -> Iterator[Finding]:
    for name, said, known in (
        ("state", hours.state, terms.markets),
        ("holidays", hours.holidays, terms.holidays),
    ):
        if said and said.list not in known:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.{name}.list", said.list, tuple(known))


def _told(hours: Hours) -> str:
    """What keeps a window from coming, as the terms write it."""
    state = f"{hours.state.list}: {hours.state.state}" if hours.state else ""
    holidays = f"{hours.holidays.on} {hours.holidays.list}" if hours.holidays else ""
    return ", ".join(one for one in (state, holidays) if one)


def holidays_ended(terms: Terms) -> Iterator[Finding]:
    """Find years of the terms for which a list of holidays that a window goes by holds no day.

    Nothing keeps such terms from loading: holidays of later years are not known yet, and come with a new version.

    Parameters
    ----------
    terms : Terms

    Yields
    ------
    Finding
        One a list.
    """
    effective = terms.file.contract.effective
    last = date.fromordinal(effective.until.toordinal() - 1)
    named = {one.window.holidays.list for one in terms.file.standard if one.window.holidays}
    for name in sorted(named):
        known = {day.year for day in terms.holidays[name]}
        missing = [str(year) for year in range(effective.since.year, last.year + 1) if year not in known]
        if missing:
            yield Finding(FindingCode.HOLIDAYS_MISSING, "calendar.toml", f"holidays[{name}].days", ", ".join(missing))
