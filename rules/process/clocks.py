"""Clocks of due process: which days count, when something is deemed received, when a time limit ends.

A clock begins on the next day of its kind after what it runs from, and ends with its last day, or at an hour of it.
Days are local dates of the contract's zone, so a night of 23 or 25 hours is one day like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from rules.calendar import Zone
from rules.days import WEEKDAYS
from rules.errors import CalculationError
from rules.numbers import dated_on, value_on
from rules.process.terms import Channel, Clock, ClockName, DayKind

_DAY = timedelta(days=1)
# Longer than any clock of a contract: a kind of day that never comes must end in an error, not in a search for ever.
_SEARCH_DAYS_MAX = 20 * 366


@dataclass(frozen=True, slots=True)
class Pause:
    """A span in which clocks may stand still: a relief that was granted.

    Parameters
    ----------
    code : str
    since_us, until_us : int
        Half open. [us since 1970, UTC]
    """

    code: str
    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A day that did not count, and why: `weekday`, `holiday`, or the code of a relief."""

    day: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time limit and how it was computed.

    Parameters
    ----------
    clock : ClockName
    since_us : int
        What it runs from. [us since 1970, UTC]
    until_us : int
        End: what comes at it or later is late. [us since 1970, UTC]
    length : int
        Days counted.
    day_kind : str
    first_day, last_day : str
        Local dates, ISO.
    skipped : tuple of Skipped
        Days between that did not count.
    clause : str
    """

    clock: ClockName
    since_us: int
    until_us: int
    length: int
    day_kind: str
    first_day: str
    last_day: str
    skipped: tuple[Skipped, ...]
    clause: str


@dataclass(frozen=True, slots=True)
class Days:
    """Which local days count.

    Parameters
    ----------
    zone : Zone
    kinds : mapping of str to DayKind
    holidays : mapping of str to frozenset of date
        By list; those of the newest version that is known, for a holiday is no term of the contract.
    """

    zone: Zone
    kinds: Mapping[str, DayKind]
    holidays: Mapping[str, frozenset[date]]

    def day_of(self, instant_us: int) -> date:
        """Local date of an instant."""
        return self.zone.local(instant_us).date()

    def why_not(self, kind: str, day: date) -> str:
        """Say why a day does not count; empty where it does.

        Parameters
        ----------
        kind : str
        day : date
        """
        found = self.kinds[kind]
        if WEEKDAYS[day.weekday()] not in found.weekdays:
            return "weekday"
        return "holiday" if day in self.holidays.get(found.holidays, frozenset()) else ""


def days_of(zone: Zone, kinds: Iterable[DayKind], holidays: Mapping[str, frozenset[date]]) -> Days:
    """Gather what decides which days count.

    Parameters
    ----------
    zone : Zone
    kinds : iterable of DayKind
    holidays : mapping of str to frozenset of date
    """
    return Days(zone, {kind.id: kind for kind in kinds}, holidays)


def deemed_us(days: Days, channel: Channel, sent_us: int) -> int:
    """When what was sent counts as received.

    Parameters
    ----------
    days : Days
    channel : Channel
    sent_us : int
        [us since 1970, UTC]

    Returns
    -------
    int
        [us since 1970, UTC]; the beginning of the local day where the channel counts days.
    """
    rule, sent = channel.deemed, days.day_of(sent_us)
    if rule.after is not None:
        return sent_us + int(value_on(rule.after, sent, "us"))
    length = int(value_on(rule.length or (), sent))
    counted, _ = _count(days, rule.day_kind, sent, length, ())
    return days.zone.instant(counted[-1], time(0))


def deadline(days: Days, name: ClockName, clock: Clock, since_us: int, pauses: Sequence[Pause] = ()) -> Deadline:
    """Compute a time limit.

    Parameters
    ----------
    days : Days
    name : ClockName
    clock : Clock
    since_us : int
        What it runs from. [us since 1970, UTC]
    pauses : sequence of Pause
        Reliefs of the line; those whose code the clock names stop it on every local day that they touch.

    Raises
    ------
    CalculationError
        When too few days of the kind ever come.
    """
    start = days.day_of(since_us)
    length = dated_on(clock.length, start)
    holding = [one for one in pauses if one.code in clock.pauses]
    counted, skipped = _count(days, clock.day_kind, start, int(value_on(clock.length, start)), holding)
    last = counted[-1]
    until_us = days.zone.instant(last + _DAY, time(0))
    if clock.ends_at is not None:
        until_us = days.zone.instant(last, clock.ends_at)
    return Deadline(
        clock=name,
        since_us=since_us,
        until_us=until_us,
        length=len(counted),
        day_kind=clock.day_kind,
        first_day=counted[0].isoformat(),
        last_day=last.isoformat(),
        skipped=tuple(skipped),
        clause=(length.clause or clock.clause).article,
    )


def _count(
    days: Days, kind: str, start: date, length: int, pauses: Sequence[Pause]
) -> tuple[list[date], list[Skipped]]:
    """Count days of a kind after a day; returns those that count and those that do not."""
    counted: list[date] = []
    skipped: list[Skipped] = []
    day = start
    while len(counted) < length:
        day += _DAY
        if (day - start).days > _SEARCH_DAYS_MAX:
            raise CalculationError(f"{length} {kind} days after {start} never come; give the day kind more days")
        if reason := days.why_not(kind, day) or _paused(days.zone, day, pauses):
            skipped.append(Skipped(day.isoformat(), reason))
        else:
            counted.append(day)
    return counted, skipped


def _paused(zone: Zone, day: date, pauses: Sequence[Pause]) -> str:
    first_us, until_us = zone.instant(day, time(0)), zone.instant(day + _DAY, time(0))
    codes = [one.code for one in pauses if one.since_us < until_us and one.until_us > first_us]
    return min(codes, default="")
