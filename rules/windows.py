"""Windows of a standard: each of its days or nights, or all of a month's together."""

from datetime import date

from rules.calendar import Window, month_days, month_of, windows
from rules.contract import Standard, Terms
from rules.measures import Hours

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def standard_windows(terms: Terms, standard: Standard, days: tuple[date, date]) -> list[Window]:
    """Lay the windows that a standard judges over the days on which the terms hold.

    Parameters
    ----------
    terms : Terms
    standard : Standard
    days : tuple of date
        First local day, and the day after the last.

    Returns
    -------
    list of Window
        With `span = "month"` one for each month whose first day lies in the span, from the start of its first daily
        window to the end of its last.
    """
    if standard.window.span == "day":
        return daily_windows(terms, standard, days)
    span = (date.fromordinal(n) for n in range(days[0].toordinal(), days[1].toordinal()))
    laid = [daily_windows(terms, standard, month_days(month_of(day))) for day in span if day.day == 1]
    return [Window(one[0].day.replace(day=1), one[0].start_us, one[-1].end_us) for one in laid if one]


def daily_windows(terms: Terms, standard: Standard, days: tuple[date, date]) -> list[Window]:
    """Lay a standard's daily windows over the days on which the terms hold.

    Parameters
    ----------
    terms : Terms
    standard : Standard
    days : tuple of date
        First local day, and the day after the last.
    """
    effective, hours = terms.file.contract.effective, standard.window
    held = (max(days[0], effective.since), min(days[1], effective.until))
    return windows(terms.zone, hours.start, hours.end, held, weekdays_of(hours))


def weekdays_of(hours: Hours) -> frozenset[int]:
    """Days of the week on which hours hold, Monday is 0."""
    return frozenset(n for n, name in enumerate(_WEEKDAYS) if hours.days == "daily" or name in hours.days)
