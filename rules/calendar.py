"""The contract's calendar: its zone's transitions, periods, windows.

The only place below `app` that knows local time. Transitions come in as numbers, snapshotted when the terms were
loaded, so that an assessment a year later does not depend on that year's time-zone data.
"""

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as the instants at which its offset changes.

    Parameters
    ----------
    name : str
        For example `America/Santiago`.
    starts_us : tuple of int
        Ascending; the first holds from the beginning of time. [us since 1970, UTC]
    offsets_s : tuple of int
        Offset from UTC that holds from each start. [s]
    """

    name: str
    starts_us: tuple[int, ...]
    offsets_s: tuple[int, ...]

    def offset_s(self, instant_us: int) -> int:
        """Offset from UTC at an instant, in seconds."""
        return self.offsets_s[max(bisect.bisect_right(self.starts_us, instant_us) - 1, 0)]

    def local(self, instant_us: int) -> datetime:
        """Local wall-clock time of an instant, without an offset."""
        return datetime(1970, 1, 1) + timedelta(  # noqa: DTZ001  # a wall clock has no offset
            microseconds=instant_us + self.offset_s(instant_us) * SECOND_US
        )

    def instant(self, day: date, clock: time) -> int:
        """Instant of a wall-clock time.

        A time that a change skips is read with the offset before the change, so it falls as long after the change
        as the clock claims; of a time that comes twice, the first is meant (PEP 495, fold 0).

        Parameters
        ----------
        day : date
        clock : time

        Returns
        -------
        int
            [us since 1970, UTC]
        """
        wall_us = (datetime.combine(day, clock, UTC) - _EPOCH) // timedelta(microseconds=1)
        # Offsets are less than a day: the one in force a day earlier is the one before any change near.
        before_s = self.offset_s(wall_us - DAY_US)
        candidate_us = wall_us - before_s * SECOND_US
        after_s = self.offset_s(candidate_us)
        if after_s == before_s:
            return candidate_us
        corrected_us = wall_us - after_s * SECOND_US
        return corrected_us if self.offset_s(corrected_us) == after_s else candidate_us

    def midnight(self, day: date) -> int:
        """Instant at which a local day begins. [us since 1970, UTC]."""
        return self.instant(day, time(0))


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a standard.

    Parameters
    ----------
    day : date
        Local date on which it starts.
    start_us, end_us : int
        Half open. [us since 1970, UTC]
    """

    day: date
    start_us: int
    end_us: int


def window_on(zone: Zone, day: date, start: time, end: time) -> Window:
    """Lay a window on a day.

    A window whose end is not after its start runs over midnight. Bounds are wall-clock times, so a window over a
    change of offset is shorter or longer in elapsed time.

    Parameters
    ----------
    zone : Zone
    day : date
    start, end : time
        Wall clock; equal means a whole day.
    """
    last = day if end > start else day + timedelta(days=1)
    return Window(day, zone.instant(day, start), zone.instant(last, end))


def each_day(days: tuple[date, date]) -> Iterator[date]:
    """Go through a span of days.

    Parameters
    ----------
    days : tuple of date
        First day, and the day after the last.
    """
    return (date.fromordinal(number) for number in range(days[0].toordinal(), days[1].toordinal()))


def month_days(period: str) -> tuple[date, date]:
    """First day of a month written `2026-09`, and the day after its last.

    Raises
    ------
    ValueError
        When the period is not written so.
    """
    found = _PERIOD.fullmatch(period)
    if not found:
        raise ValueError(f"period {period!r} is not a month written as 2026-09")
    if int(found[1]) not in range(1970, 2200):
        raise ValueError(f"period {period!r} is not between 1970 and 2200")
    first = date(int(found[1]), int(found[2]), 1)
    return first, (first + timedelta(days=31)).replace(day=1)


def month_of(day: date) -> str:
    """Month of a day, as `2026-09`."""
    return f"{day:%Y-%m}"


def previous_month(period: str) -> str:
    """Month before, as `2026-08`."""
    return month_of(month_days(period)[0] - timedelta(days=1))


def duration_us(text: str) -> int:
    """Read an ISO 8601 duration of days, hours, minutes and seconds, in microseconds; a day is 24 hours.

    Raises
    ------
    ValueError
        When the text is no such duration.
    """
    found = _DURATION.fullmatch(text)
    if not found or text[-1] in "PT":
        raise ValueError(f"{text!r} is not a duration such as PT45M, PT4H or P3D")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (days * 86_400 + hours * 3_600 + minutes * 60 + seconds) * SECOND_US
