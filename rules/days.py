"""Days that a contract counts by: lists of holidays, and markets whose states come and go; the file `calendar.toml`.

The file is part of a version of the terms: a holiday that is declared late, or a day on which a market opens
otherwise, comes with a new version and never into an old one. Hours are wall-clock times; what day they belong to is
that on which they start.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from rules.calendar import Zone, each_day, window_on
from rules.numbers import NAME, Table
from rules.records import Finding, FindingCode

_FILE = "calendar.toml"
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekdays = Literal["daily"] | Annotated[tuple[Weekday, ...], Field(min_length=1)]


class MarketState(StrEnum):
    """What a market is doing."""

    LOADING = "loading"
    SELLING = "selling"
    CLOSING = "closing"
    CLOSED = "closed"


class HolidayList(Table):
    """Holidays by the day, as they were published."""

    id: str = Field(pattern=NAME)
    days: tuple[date, ...]
    source: str = Field(min_length=1, description="Where they were published.")
    published: date


class StateHours(Table):
    """Hours in which a market is in a state."""

    state: MarketState
    start: time
    end: time


class WeeklyHours(StateHours):
    """Hours in which a market is in a state on some days of the week."""

    days: Weekdays


class MarketException(Table):
    """Days on which a market keeps other hours than its week says; without hours it is in no state then."""

    days: Annotated[tuple[date, ...], Field(min_length=1)]
    hours: tuple[StateHours, ...]
    source: str = Field(min_length=1, description="Where they were published.")
    published: date


class Market(Table):
    """A market, and when it is in which state."""

    id: str = Field(pattern=NAME)
    source: str = Field(min_length=1, description="Where its hours were published.")
    published: date
    hours: Annotated[tuple[WeeklyHours, ...], Field(min_length=1)]
    exception: tuple[MarketException, ...] = ()

    def exception_on(self, day: date) -> MarketException | None:
        """Tell by which exception a day has its hours, if by any."""
        return next((one for one in self.exception if day in one.days), None)

    def hours_on(self, day: date) -> tuple[StateHours, ...]:
        """Hours of a day: those of its exception, or else of its day of the week."""
        if found := self.exception_on(day):
            return found.hours
        name = WEEKDAYS[day.weekday()]
        return tuple(one for one in self.hours if one.days == "daily" or name in one.days)


class CalendarFile(Table):
    """The whole of `calendar.toml`."""

    holidays: tuple[HolidayList, ...] = ()
    market: tuple[Market, ...] = ()


def read_calendar(files: Mapping[str, str], findings: list[Finding]) -> CalendarFile:
    """Read holidays and markets.

    Parameters
    ----------
    files : mapping of str to str
        The contract folder; the file may be missing.
    findings : list of Finding
        What is wrong is added.

    Returns
    -------
    CalendarFile
        Empty where the file is missing or cannot be read.
    """
    if _FILE not in files:
        return CalendarFile()
    try:
        read = CalendarFile.model_validate(tomllib.loads(files[_FILE]))
    except tomllib.TOMLDecodeError as error:
        findings.append(Finding(FindingCode.FILE_MALFORMED, _FILE, "", str(error)))
        return CalendarFile()
    except ValidationError as error:
        for one in error.errors():
            key = ".".join(str(part) for part in one["loc"])
            findings.append(Finding(FindingCode.MALFORMED, _FILE, key, f"{one['input']!r}: {one['msg']}"))
        return CalendarFile()
    findings += _repeated("holidays", (one.id for one in read.holidays))
    findings += _repeated("market", (one.id for one in read.market))
    for market in read.market:
        excepted = (day.isoformat() for one in market.exception for day in one.days)
        findings += _repeated(f"market[{market.id}].exception", excepted, "days")
    return read


def lint_markets(markets: Iterable[Market], zone: Zone, days: tuple[date, date]) -> Iterator[Finding]:
    """Find days on which a market would be in two states at once, or in one state twice.

    Parameters
    ----------
    markets : iterable of Market
    zone : Zone
    days : tuple of date
        First local day of the terms, and the day after the last.

    Yields
    ------
    Finding
        One a market, for the first such day.
    """
    for market in markets:
        laid = [
            (window_on(zone, day, one.start, one.end), one.state.value)
            for day in each_day(days)
            for one in sorted(market.hours_on(day), key=lambda hours: hours.start)
        ]
        for (window, state), (following, next_state) in pairwise(laid):
            # A state that comes twice a day would give one day two checks of one name.
            is_twice = state == next_state and window.day == following.day
            if following.start_us < window.end_us or is_twice:
                told = f"{following.day}: {state}, {next_state}"
                yield Finding(FindingCode.MALFORMED, _FILE, f"market[{market.id}].hours", told)
                break


def _repeated(table: str, names: Iterable[str], key: str = "id") -> Iterator[Finding]:
    for name, n in Counter(names).items():
        if n > 1:
            yield Finding(FindingCode.DUPLICATE_ID, _FILE, f"{table}[{name}].{key}", name)
