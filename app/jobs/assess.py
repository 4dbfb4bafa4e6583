"""Readings → determinations: read what a month's opportunities look at, judge them, append what is new."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog

from app.jobs.contracts import Loaded, load_stored
from rules.assess import assess, spans_us
from rules.calendar import month_days, month_of
from rules.records import Determination
from rules.standards.judging import Readings
from sensors.registry import kinds
from storage import contracts, determinations, readings, sequence
from storage.connection import Connection
from storage.instants import microseconds

_log = structlog.get_logger()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Assessed:
    """What an assessment found, how many of its results are new, and the last number it looked at."""

    found: list[Determination]
    new: int
    known_through: int


def run(
    connection: Connection,
    contract: str,
    days: tuple[date, date],
    now: datetime,
    known_through: int | None = None,
) -> Assessed:
    """Assess a span of days, month by month, so that memory holds one month.

    Parameters
    ----------
    contract : str
    days : tuple of date
        Local, half open.
    now : datetime
        Windows that ended less than the terms' grace before it are left out. Aware.
    known_through : int, optional
        Last number to look at; the last one committed by default.

    Returns
    -------
    Assessed
    """
    found: list[Determination] = []
    new = 0
    with contracts.alone(connection, contract):
        known_through = known_through or sequence.last(connection)
        for first, until in _months(days):
            loaded = load_stored(connection, contract, first, known_through)
            known = read_known(connection, loaded, (first, until), known_through)
            part = assess(loaded.terms, loaded.register, known, (first, until), microseconds(now))
            added = determinations.append(connection, contract, (first, until), part, known_through, now)
            _log.debug("month_assessed", contract=contract, month=month_of(first), checks=len(part), new=added)
            found += part
            new += added
    return Assessed(found, new, known_through)


def read_known(
    connection: Connection,
    loaded: Loaded,
    days: tuple[date, date],
    known_through: int,
) -> Readings:
    """Read what the opportunities of a span of days look at, by (kind, source, device)."""
    installed = {(one.source, one.device) for one in loaded.register.installations}
    ids = readings.device_ids(connection, installed)
    found: Readings = {}
    for kind, span_us in spans_us(loaded.terms, days).items():
        first, until = (_EPOCH + timedelta(microseconds=us) for us in span_us)
        known = readings.read_columns(connection, kinds()[kind], sorted(ids.values()), (first, until), known_through)
        found = {**found, **{(kind, *device): known.of_device(device_id) for device, device_id in ids.items()}}
    return found


def _months(days: tuple[date, date]) -> list[tuple[date, date]]:
    spans: list[tuple[date, date]] = []
    first = days[0]
    while first < days[1]:
        until = min(month_days(month_of(first))[1], days[1])
        spans.append((first, until))
        first = until
    return spans
