"""Instants: whole microseconds since 1970 here, timestamptz there."""

from datetime import UTC, datetime, timedelta

HOUR_US = 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(instant: datetime) -> int:
    """Turn an aware instant into microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant(time_us: int) -> datetime:
    """Turn microseconds since 1970 into an aware instant."""
    return _EPOCH + timedelta(microseconds=time_us)


def hour_number(time_us: int) -> int:
    """Number an instant's UTC hour from 1970."""
    return time_us // HOUR_US


def hour_of(moment: datetime) -> datetime:
    """Give the beginning of an instant's UTC hour."""
    # In UTC, for in another zone an hour that comes twice is unequal to the same instant (PEP 495).
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
