"""What doctor says of devices that are reported again and again without moving on."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from app.jobs import health
from ingest.client import Delivery
from ingest.decoding import Decoding
from storage import readings
from storage.connection import Connection, connect
from storage.instants import microseconds

# Long before anything here is received by our clock, which must not matter.
START = datetime(2015, 12, 10, 3, 40, tzinfo=UTC)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with closing(connect(database, "test")) as connected:
        readings.prepare(connected)
        yield connected


def _say(connection: Connection, device: str, at: datetime, polled: datetime | None) -> None:
    """Store a message: where a device was at an instant, as polled."""
    message = {"v": 1, "time": at.isoformat(), "latitude": 40.7, "longitude": -74.1}
    if polled is not None:
        message["network_time"] = polled.isoformat()
    topic = f"poniente/v1/feed/{device}/position_fix".encode()
    delivery = Delivery([topic], [json.dumps(message).encode()], [0], [microseconds(NOW)], 0)
    readings.store(connection, Decoding().batch(delivery), NOW)


def _poll(connection: Connection, polled: datetime, **ages: timedelta) -> None:
    for device, age in ages.items():
        _say(connection, device, polled - age, polled)


def _stale(connection: Connection) -> list[str]:
    return [one.where for one in health.findings(connection) if one.what == "device_stale"]


def test_device_when_its_position_was_old_from_the_first(connection: Connection) -> None:
    _poll(connection, START, a=timedelta(days=300), b=HOUR)
    assert ["feed/a"] == _stale(connection)


@pytest.mark.parametrize(("hours", "found"), [(23, []), (24, []), (25, ["feed/a"])])
def test_device_when_reported_without_moving_on(hours: int, found: list[str], connection: Connection) -> None:
    for hour in range(hours + 1):
        _poll(connection, START + hour * HOUR, a=hour * HOUR, b=timedelta(0))
    assert found == _stale(connection)


def test_device_when_it_moves_on_again(connection: Connection) -> None:
    _poll(connection, START, a=timedelta(days=300), b=HOUR)
    _poll(connection, START + HOUR, a=HOUR, b=HOUR)
    assert [] == _stale(connection)


def test_device_when_silent(connection: Connection) -> None:
    _poll(connection, START, a=HOUR, b=HOUR)
    _poll(connection, START + 100 * HOUR, b=HOUR)
    assert [] == _stale(connection)


def test_device_when_its_whole_source_is_silent(connection: Connection) -> None:
    _poll(connection, START, a=HOUR)
    _poll(connection, START, a=HOUR)
    assert [] == _stale(connection)


def test_device_when_there_is_no_network_clock(connection: Connection) -> None:
    for _ in range(2):
        _say(connection, "a", START - timedelta(days=300), None)
        _say(connection, "b", START, None)
    assert [] == _stale(connection)


def test_finding_when_read(connection: Connection) -> None:
    _poll(connection, START, a=timedelta(days=2, minutes=40), b=HOUR)
    (found,) = [one for one in health.findings(connection) if one.what == "device_stale"]
    said = "still reported, with a position of 2015-12-08 03:00 UTC: 48 h before its source was last heard, "
    assert said + "2015-12-10 03:40 UTC" == found.says
