"""Windows of a standard: each of its days or nights, or all of a month's together."""

from datetime import date

from rules.calendar import Window, each_day, month_days, month_of, window_on
from rules.contract import Standard, Terms
from rules.days import WEEKDAYS
from rules.measures import Hours


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
    laid = [daily_windows(terms, standard, month_days(month_of(day))) for day in each_day(days) if day.day == 1]
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
    effective = terms.file.contract.effective
    return laid_windows(terms, standard.window, (max(days[0], effective.since), min(days[1], effective.until)))


def laid_windows(terms: Terms, hours: Hours, days: tuple[date, date]) -> list[Window]:
    """Lay daily windows over a span of days, whichever version of the terms held then.

    Parameters
    ----------
    terms : Terms
        With the holidays and markets that the hours name.
    hours : Hours
    days : tuple of date
        First local day, and the day after the last.
    """
    laid: list[Window] = []
    for day in each_day(days):
        is_day = hours.days in {None, "daily"} or WEEKDAYS[day.weekday()] in (hours.days or ())
        if is_day and _is_counted(terms, hours, day):
            laid += _on(terms, hours, day)
    return laid


def _is_counted(terms: Terms, hours: Hours, day: date) -> bool:
    """Whether holidays leave a day to a window."""
    named = hours.holidays
    return named is None or (day in terms.holidays[named.list]) == (named.on == "only")


def _on(terms: Terms, hours: Hours, day: date) -> list[Window]:
    """The window of a day; none where the market is not in the state that day."""
    if hours.state:
        found = [one for one in terms.markets[hours.state.list].hours_on(day) if one.state == hours.state.state]
        return [window_on(terms.zone, day, one.start, one.end) for one in found]
    if hours.start is None or hours.end is None:
        # The linter asks for both.
        return []
    return [window_on(terms.zone, day, hours.start, hours.end)]
