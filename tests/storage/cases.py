"""Readings and connections for the tests of storage."""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ingest.client import Delivery
from ingest.decoding import Decoding
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.readings import NO_TIME_US, NOT_SAID, Clock, EventTimeSource, Reading, content_digest
from storage import readings
from storage.connection import connect
from storage.instants import microseconds
from storage.readings import Batch, Stored
from storage.refusals import Refused

START = datetime(2026, 9, 5, 22, tzinfo=UTC)
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2107, 1, 1, tzinfo=UTC))
LAST = 2**62
SOURCE = "city"

Content = tuple[str, int, int, bool, int, int, int, bytes]


def at_us(instant: datetime) -> int:
    """Give an instant as a reading holds it."""
    return microseconds(instant)


def reading(
    device: str = "bin-1",
    *,
    at: datetime = START,
    sequence: int = 0,
    distance_mm: int = 640,
    clock: Clock = Clock.UNCHECKED,
    source: str = SOURCE,
    network: datetime | None = None,
) -> Reading:
    """Make a reading that says a distance and nothing else."""
    said = {"distance_mm": distance_mm}
    return Reading(
        FILL_LEVEL,
        source,
        device,
        at_us(at),
        EventTimeSource.DEVICE,
        sequence,
        at_us(at),
        at_us(network) if network else NO_TIME_US,
        NO_TIME_US,
        clock,
        tuple(said.get(quantity.name, NOT_SAID) for quantity in FILL_LEVEL.quantities),
    )


@contextmanager
def writer(dsn: str) -> Generator[psycopg.Connection, None, None]:
    """Open a connection that can store."""
    with closing(connect(dsn, "test")) as connection:
        readings.prepare(connection)
        yield connection


def batch_of(several: Sequence[Reading], refused: Sequence[Refused] = ()) -> Batch:
    """Make a batch in which each reading came in a message of its own."""
    received = START + timedelta(days=1)
    return readings.batch_of(((one, received) for one in several), refused, len(several) + len(refused))


def decoded(messages: Sequence[tuple[str, bytes]], received: datetime = START) -> Batch:
    """Make a batch of messages as the broker delivers them."""
    topics, payloads = [topic.encode() for topic, _ in messages], [payload for _, payload in messages]
    count = len(messages)
    return Decoding().batch(Delivery(topics, payloads, [0] * count, [at_us(received)] * count, 1))


def put(connection: psycopg.Connection, *several: Reading) -> Stored:
    """Store one batch."""
    return readings.store(connection, batch_of(several), START + timedelta(days=1))


def key(one: Reading) -> tuple[str, str, int, int]:
    """Give what identifies a reading within its kind."""
    return (one.source, one.device, one.event_time_us, one.sequence)


def content(one: Reading) -> Content:
    """Give what a reader must see of a reading."""
    digest = content_digest(one.values, one.clock)
    said = one.values[0], one.values[1], one.values[5]
    return (one.device, one.event_time_us, one.sequence, one.clock.is_wrong, *said, digest)


def expected_outcomes(several: Iterable[Reading]) -> dict[str, int]:
    """Say what must become of readings, by definition and in any order."""
    arrived = Counter((key(one), content(one)) for one in several)
    accepted = len({one for one, _ in arrived})
    counts = {
        "accepted": accepted,
        "conflict": len(arrived) - accepted,
        "duplicate": arrived.total() - len(arrived),
    }
    return {outcome: n for outcome, n in counts.items() if n}


def seen(
    connection: psycopg.Connection,
    *,
    source: str = SOURCE,
    span: tuple[datetime, datetime] = EVER,
    known_through: int = LAST,
) -> list[Content]:
    """Read what is known of a source's devices, in an order that depends on no arrival."""
    rows = connection.execute("select device_id, device from device where source = %s", [source]).fetchall()
    names: dict[int, str] = dict(rows)
    levels = readings.read_columns(connection, FILL_LEVEL, sorted(names), span, known_through)
    columns: list[list[Any]] = [
        [names[device_id] for device_id in levels.device_id.tolist()],
        levels.event_time_us.tolist(),
        levels.sequence.tolist(),
        (levels.clock >= Clock.DISAGREES).tolist(),
        levels.numbers["distance_mm"].tolist(),
        levels.numbers["fill_ppm"].tolist(),
        levels.numbers["quality_code"].tolist(),
        [digest.tobytes() for digest in levels.digest],
    ]
    return sorted(zip(*columns, strict=True))


def counted(connection: psycopg.Connection, source: str = SOURCE) -> dict[str, int]:
    """Give the counts of a source's readings by outcome."""
    rows = connection.execute(
        "select outcome, sum(n)::bigint from ingest_count join device using (device_id)"
        " where source = %s and unit = 'reading' group by 1",
        [source],
    )
    return dict(rows.fetchall())


def marks(connection: psycopg.Connection) -> dict[tuple[str, datetime], int]:
    """Give the marks: batch number by device and hour."""
    names: dict[int, str] = dict(connection.execute("select device_id, device from device").fetchall())
    rows = connection.execute("select device_id, kind, hour, batch_seq from touched").fetchall()
    return {(names[device_id], hour): batch_seq for device_id, _, hour, batch_seq in rows}


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Count the rows of every table that a batch writes."""
    found = connection.execute(
        "select (select count(*) from fill_level), (select count(*) from fill_level_conflict),"
        " (select count(*) from rejection), (select count(*) from ingest_count), (select count(*) from touched),"
        " (select count(*) from committed), (select count(*) from device), (select last from known_sequence)"
    ).fetchone()
    assert found is not None
    names = (
        "fill_level",
        "fill_level_conflict",
        "rejection",
        "ingest_count",
        "touched",
        "committed",
        "device",
        "last",
    )
    return dict(zip(names, found, strict=True))
