"""Readings in and out: one transaction stores a batch with its counts and marks, and says what became of each.

A reading's key is (device, event time, sequence) within its kind. The first content of a key is accepted; the same
content again is a duplicate; other content is a conflict, kept beside and given back together with the first, so
that the order of arrival decides nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from sensors.columns import FillLevels
from sensors.readings import FILL_LEVEL, Outcome, Reading, Rejection, content_digest
from storage import columns, sequence
from storage.sql import query

_STAGE_TYPES = (
    "integer", "bigint", "timestamptz", "bigint", "smallint", "timestamptz", "timestamptz", "timestamptz",
    "timestamptz", "smallint", *("integer" for _ in FILL_LEVEL.quantities), "uuid",
)  # fmt: skip
_READ_TYPES = ("bigint", "timestamptz", "bigint", "smallint", "integer", "integer", "integer", "uuid")
# A rejected payload is evidence, not cargo: its head tells what went wrong.
REJECTED_PAYLOAD_BYTES = 4_096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message of which something was rejected."""

    topic: str
    payload: bytes
    received_time: datetime
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored in one transaction.

    Parameters
    ----------
    readings : sequence of tuple of (Reading, datetime)
        Each with the instant at which its message was received.
    refused : sequence of Refused
    messages : int
        Decoded and rejected together.
    """

    readings: Sequence[tuple[Reading, datetime]]
    refused: Sequence[Refused]
    messages: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch."""

    batch_seq: int
    readings: dict[Outcome, int]
    messages_decoded: int
    messages_rejected: int


def prepare(connection: psycopg.Connection) -> None:
    """Make a new connection ready for `store`."""
    connection.execute(query("readings", "create_stage_fill_level"))


def store(connection: psycopg.Connection, batch: Batch, now: datetime, *, what: str = "readings") -> Stored:
    """Store a batch in one transaction: readings, rejections, counts, sequence number, marks.

    Parameters
    ----------
    connection : psycopg.Connection
        Made ready with `prepare`.
    now : datetime
        When the batch is written, aware.
    what : str
        `readings` from the broker, `import` from a file.

    Raises
    ------
    psycopg.Error
        Nothing of the batch is stored then.
    """
    with connection.transaction():
        # Devices first and sequence last taken would let two writers wait for each other.
        batch_seq = sequence.take(connection, what, now)
        outcomes: Counter[Outcome] = Counter()
        if batch.readings:
            outcomes += _store_fill_levels(connection, batch.readings, batch_seq)
        rejected_messages = _store_refused(connection, batch.refused, batch_seq)
        outcomes[Outcome.REJECTED] += sum(
            rejection.index >= 0 for refused in batch.refused for rejection in refused.rejections
        )
        _count_messages(connection, batch, rejected_messages, now)
    return Stored(batch_seq, dict(outcomes), batch.messages - rejected_messages, rejected_messages)


def device_ids(connection: psycopg.Connection, devices: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Look up (source, device); those never heard of are missing from the answer."""
    sources, names = _transposed(sorted(set(devices)))
    rows = connection.execute(query("readings", "select_devices"), {"sources": sources, "devices": names})
    return {(source, device): device_id for source, device, device_id in rows}


def all_devices(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Every (source, device) that ever sent a reading."""
    return [(source, device) for source, device in connection.execute(query("readings", "select_all_devices"))]


def read_fill_levels(
    connection: psycopg.Connection,
    devices: Sequence[int],
    span: tuple[datetime, datetime],
    known_through: int,
) -> FillLevels:
    """Read what is known of some devices in [first, until).

    Parameters
    ----------
    devices : sequence of int
        Device ids.
    span : tuple of datetime
        Aware, half open.
    known_through : int
        Last sequence number that counts.
    """
    parameters = {
        "device_ids": list(devices),
        "first": span[0],
        "until": span[1],
        "known_through": known_through,
    }
    with connection.cursor() as cursor, cursor.copy(query("readings", "copy_fill_level"), parameters) as copy:
        return FillLevels(*columns.decode(_READ_TYPES, copy))


def _store_fill_levels(
    connection: psycopg.Connection, readings: Sequence[tuple[Reading, datetime]], batch_seq: int
) -> Counter[Outcome]:
    known = _known_devices(connection, readings)
    by_id = {device_id: device for device, device_id in known.items()}
    # Sorted by time, then device: half the cost of any order, and writers lock in one order.
    rows = sorted(_stage_rows(readings, known), key=lambda row: (row[2], row[1], row[3], row[0]))
    stream = columns.encode(_STAGE_TYPES, list(zip(*rows, strict=True)))
    with connection.cursor() as cursor:
        with cursor.copy(query("readings", "copy_stage_fill_level")) as copy:
            copy.write(stream)
        span = {"first": _instant(rows[0][2]), "last": _instant(rows[-1][2]), "batch_seq": batch_seq}
        staged = Counter((row[1], _hour(row[2])) for row in rows)
        accepted = _counted(cursor.execute(query("readings", "insert_fill_level"), span))
        conflicting: Counter[tuple[int, datetime]] = Counter()
        if accepted.total() < len(rows):
            conflicting = _counted(cursor.execute(query("readings", "insert_fill_level_conflict"), span))
    # A batch of nothing but duplicates changes no result and leaves no mark.
    _touch(connection, sorted(accepted.keys() | conflicting.keys()), batch_seq)
    by_outcome = {
        Outcome.ACCEPTED: accepted,
        Outcome.CONFLICT: conflicting,
        Outcome.DUPLICATE: staged - accepted - conflicting,
    }
    _add_counts(
        connection,
        [
            (*by_id[device_id], FILL_LEVEL.name, hour, "reading", outcome, n)
            for outcome, counts in by_outcome.items()
            for (device_id, hour), n in counts.items()
        ],
    )
    return Counter({outcome: counts.total() for outcome, counts in by_outcome.items()})


def _counted(rows: Iterable[tuple[int, datetime, int]]) -> Counter[tuple[int, datetime]]:
    # In UTC, for in another zone an hour that comes twice is unequal to the same instant (PEP 495).
    return Counter({(device_id, hour.astimezone(UTC)): n for device_id, hour, n in rows})


def _hour(event_time_us: int) -> datetime:
    return _instant(event_time_us - event_time_us % 3_600_000_000)


def _known_devices(
    connection: psycopg.Connection, readings: Sequence[tuple[Reading, datetime]]
) -> dict[tuple[str, str], int]:
    wanted = {(reading.source, reading.device) for reading, _ in readings}
    known = device_ids(connection, wanted)
    if missing := sorted(wanted - known.keys()):
        sources, names = _transposed(missing)
        connection.execute(query("readings", "insert_devices"), {"sources": sources, "devices": names})
        known |= device_ids(connection, missing)
    return known


def _stage_rows(
    readings: Sequence[tuple[Reading, datetime]], known: dict[tuple[str, str], int]
) -> list[tuple[Any, ...]]:
    return [
        (
            place,
            known[reading.source, reading.device],
            reading.event_time_us,
            reading.sequence,
            reading.event_time_source,
            reading.device_time_us,
            reading.network_time_us,
            reading.sent_time_us,
            microseconds(received),
            reading.clock,
            *reading.values,
            content_digest(reading.values, reading.clock),
        )
        for place, (reading, received) in enumerate(readings)
    ]


def _store_refused(connection: psycopg.Connection, refused: Sequence[Refused], batch_seq: int) -> int:
    """Keep what was refused, once per distinct message; count each arrival."""
    rows = [
        {
            "digest": UUID(bytes=hashlib.blake2b(f"{one.topic}\n".encode() + one.payload, digest_size=16).digest()),
            "element": rejection.index,
            "reason": rejection.reason,
            "detail": rejection.detail.replace("\0", "")[:1_000],
            "topic": one.topic.replace("\0", "")[:1_000],
            "payload": one.payload[:REJECTED_PAYLOAD_BYTES],
            "payload_bytes": len(one.payload),
            "received_time": one.received_time,
            "batch_seq": batch_seq,
        }
        for one in refused
        for rejection in one.rejections
    ]
    with connection.cursor() as cursor:
        cursor.executemany(query("readings", "add_rejection"), rows)
    tally: Counter[tuple[str, str, str, datetime, str, str]] = Counter()
    for one in refused:
        hour = one.received_time.replace(minute=0, second=0, microsecond=0)
        for rejection in one.rejections:
            unit = "message" if rejection.index < 0 else "reading"
            tally[rejection.source, rejection.device, "", hour, unit, Outcome.REJECTED] += 1
    _add_counts(connection, [(*key, n) for key, n in tally.items()])
    return sum(any(rejection.index < 0 for rejection in one.rejections) for one in refused)


def _count_messages(connection: psycopg.Connection, batch: Batch, rejected: int, now: datetime) -> None:
    if decoded := batch.messages - rejected:
        hour = now.replace(minute=0, second=0, microsecond=0)
        _add_counts(connection, [("", "", "", hour, "message", "decoded", decoded)])


def _add_counts(connection: psycopg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        names = ("sources", "devices", "kinds", "hours", "units", "outcomes", "counts")
        arrays = (list(column) for column in zip(*rows, strict=True))
        connection.execute(query("readings", "add_count"), dict(zip(names, arrays, strict=True)))


def _touch(connection: psycopg.Connection, marks: Sequence[tuple[int, datetime]], batch_seq: int) -> None:
    if marks:
        ids, hours = zip(*marks, strict=True)
        parameters = {
            "kind": FILL_LEVEL.name,
            "batch_seq": batch_seq,
            "device_ids": list(ids),
            "hours": list(hours),
        }
        connection.execute(query("readings", "add_touched"), parameters)


def microseconds(instant: datetime) -> int:
    """Turn an aware instant into microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _instant(event_time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=event_time_us)


def _transposed(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [first for first, _ in pairs], [second for _, second in pairs]


def is_touched_since(
    connection: psycopg.Connection, devices: Iterable[tuple[str, str]], span: tuple[datetime, datetime], seq: int
) -> bool:
    """Whether anything committed after a number could change what some devices say of a span, or whose they are."""
    sources, names = _transposed(sorted(set(devices)))
    parameters = {"sources": sources, "devices": names, "first": span[0], "until": span[1], "seq": seq}
    row = connection.execute(query("readings", "is_touched_since"), parameters).fetchone()
    return row is None or bool(row[0])


def last_ingested(connection: psycopg.Connection) -> datetime | None:
    """When the worker last stored something, None if it never did."""
    row = connection.execute(query("readings", "select_last_ingested")).fetchone()
    return row[0] if row else None


def count_by_outcome(connection: psycopg.Connection) -> dict[tuple[str, str], int]:
    """Count everything that ever came, by unit (message, reading) and outcome."""
    rows = connection.execute(query("readings", "count_by_outcome"))
    return {(unit, outcome): n for unit, outcome, n in rows}


def count_of_devices(
    connection: psycopg.Connection, devices: Iterable[tuple[str, str]], span: tuple[datetime, datetime]
) -> dict[str, int]:
    """Count readings of some devices by outcome, by their event's UTC hour within a span."""
    sources, names = _transposed(sorted(set(devices)))
    parameters = {"sources": sources, "devices": names, "first": span[0], "until": span[1]}
    return dict(connection.execute(query("readings", "count_of_devices"), parameters).fetchall())


def count_rejected_since(connection: psycopg.Connection, since: datetime) -> dict[str, int]:
    """Count messages and readings rejected since an instant, by unit."""
    return dict(connection.execute(query("readings", "count_rejected_since"), {"since": since}).fetchall())


def count_rejections(connection: psycopg.Connection) -> dict[str, int]:
    """Count distinct rejected messages and readings by reason."""
    return dict(connection.execute(query("readings", "count_rejections")).fetchall())


@dataclass(frozen=True, slots=True)
class Said:
    """A fill-level reading for the eye, as said."""

    event_time: datetime
    sequence: int
    clock: int
    distance_mm: int | None
    fill_ppm: int | None
    battery_mv: int | None
    quality_code: int | None
    digest: str
    received_time: datetime


def said_between(connection: psycopg.Connection, device_id: int, span: tuple[datetime, datetime]) -> list[Said]:
    """Read a device's readings in a span, as said, in the order of time; conflicting contents included."""
    parameters = {"device_id": device_id, "first": span[0], "until": span[1]}
    return [Said(*row) for row in connection.execute(query("readings", "select_readings_for_people"), parameters)]
