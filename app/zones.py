"""Time zones: transitions out of the `tzdata` wheel, so that every machine reads the same ones.

The system's own copy can be another version; it is never looked at.
"""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

from app.errors import UsageError
from rules.calendar import Zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def snapshot(name: str, first_year: int, last_year: int) -> Zone:
    """Look up a zone's transitions over a span of years.

    Parameters
    ----------
    name : str
        IANA name, for example `America/Santiago`.
    first_year, last_year : int
        Both included.

    Raises
    ------
    UsageError
        When the zone is not known.
    """
    rules = _zone(name)
    day, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    starts, offsets = [day], [_offset(rules, day)]
    while day < end:
        # No zone changes its offset twice within a day.
        if _offset(rules, day + _DAY) != offsets[-1]:
            starts.append(_change(rules, day, day + _DAY))
            offsets.append(_offset(rules, starts[-1]))
        day += _DAY
    micros = tuple((start - _EPOCH) // timedelta(microseconds=1) for start in starts)
    return Zone(name, micros, tuple(offset // _SECOND for offset in offsets))


def _zone(name: str) -> ZoneInfo:
    try:
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
            return ZoneInfo.from_file(data, name)
    except (OSError, ValueError) as error:
        raise UsageError(f"time zone {name!r} is not known; write an IANA name such as America/Santiago") from error


def _offset(rules: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(rules).utcoffset() or timedelta(0)


def _change(rules: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the second at which the offset changes."""
    old = _offset(rules, before)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        before, after = (middle, after) if _offset(rules, middle) == old else (before, middle)
    return after
