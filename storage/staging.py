"""Readings of one kind into their tables: copied into a stage, then sorted out by key and content in the server.

Kinds of numbers alone come by hundreds of thousands a day and travel as arrays; those with words are few and travel
row by row.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray

from sensors.readings import NO_TIME_US, NOT_SAID, Kind, Reading, content_digest
from storage import columns
from storage.instants import instant, microseconds
from storage.kinds import statement

# A reading, and the instant at which its message was received.
Arrived: TypeAlias = tuple[Reading, datetime]
# A device's UTC hour.
DeviceHour: TypeAlias = tuple[int, datetime]

_STAGE_TYPES = (
    "integer", "bigint", "timestamptz", "bigint", "smallint", "timestamptz", "timestamptz", "timestamptz",
    "timestamptz", "smallint", "uuid",
)  # fmt: skip
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the readings of one kind in a batch, by device and hour."""

    accepted: Counter[DeviceHour]
    conflicting: Counter[DeviceHour]
    duplicate: Counter[DeviceHour]


def digests_of(arrived: Iterable[Arrived]) -> list[bytes]:
    """Digest what each reading says."""
    return [content_digest(reading.values, reading.clock, reading.words) for reading, _ in arrived]


def add(
    connection: psycopg.Connection,
    kind: Kind,
    arrived: Sequence[Arrived],
    known: Mapping[tuple[str, str], int],
    batch_seq: int,
) -> Fates:
    """Store readings of one kind inside the batch's transaction.

    Parameters
    ----------
    arrived : sequence of (Reading, datetime)
        One at least, all of the kind.
    known : mapping of (source, device) to int
        Device ids.
    """
    device_id = np.array([known[reading.source, reading.device] for reading, _ in arrived], np.int64)
    time_us = np.array([reading.event_time_us for reading, _ in arrived], np.int64)
    sequence = np.array([reading.sequence for reading, _ in arrived], np.int64)
    # Sorted by time, then device: half the cost of any order, and writers lock in one order.
    order = np.lexsort((sequence, device_id, time_us))
    with connection.cursor() as cursor, cursor.copy(statement(kind, "copy_stage")) as copy:
        if kind.words:
            copy.set_types([*_STAGE_TYPES, *("integer" for _ in kind.quantities), *("text" for _ in kind.words)])
            ids: list[int] = device_id.tolist()
            places: list[int] = order.tolist()
            for place in places:
                copy.write_row(_row(place, ids[place], *arrived[place]))
        else:
            copy.write(_stream(kind, arrived, (device_id, time_us, sequence), order))
    hours = zip(device_id.tolist(), (time_us - time_us % _HOUR_US).tolist(), strict=True)
    staged = Counter({(one, instant(hour_us)): n for (one, hour_us), n in Counter(hours).items()})
    span = {"first": instant(int(time_us.min())), "last": instant(int(time_us.max())), "batch_seq": batch_seq}
    accepted = _counted(connection.execute(statement(kind, "insert"), span))
    conflicting: Counter[DeviceHour] = Counter()
    if accepted.total() < len(arrived):
        conflicting = _counted(connection.execute(statement(kind, "insert_conflict"), span))
    return Fates(accepted, conflicting, staged - accepted - conflicting)


def are_present(
    connection: psycopg.Connection,
    kind: Kind,
    arrived: Sequence[Arrived],
    known: Mapping[tuple[str, str], int],
) -> set[int]:
    """Places of those readings that are stored already, with the same content."""
    times = [instant(reading.event_time_us) for reading, _ in arrived]
    parameters = {
        "places": list(range(len(arrived))),
        "device_ids": [known[reading.source, reading.device] for reading, _ in arrived],
        "event_times": times,
        "sequences": [reading.sequence for reading, _ in arrived],
        "digests": [UUID(bytes=digest) for digest in digests_of(arrived)],
        "first": min(times),
        "last": max(times),
    }
    return {place for (place,) in connection.execute(statement(kind, "select_present"), parameters)}


def _stream(
    kind: Kind, arrived: Sequence[Arrived], key: tuple[NDArray[np.int64], ...], order: NDArray[np.intp]
) -> bytes:
    """Lay readings of numbers alone into the COPY format, in an order."""
    readings = [reading for reading, _ in arrived]
    device_id, time_us, sequence = key
    transport = [
        (
            reading.device_time_us,
            reading.network_time_us,
            reading.sent_time_us,
            reading.event_time_source,
            reading.clock,
        )
        for reading in readings
    ]
    device_time, network_time, sent_time, source, clock = np.array(transport, np.int64).T
    received = np.array([microseconds(received) for _, received in arrived], np.int64)
    values = np.array([reading.values for reading in readings], np.int32).reshape(len(readings), -1)
    digest = np.frombuffer(b"".join(digests_of(arrived)), "V16")
    laid: list[NDArray[Any]] = [
        np.arange(len(readings), dtype=np.int64),
        device_id,
        time_us,
        sequence,
        source,
        device_time,
        network_time,
        sent_time,
        received,
        clock,
        digest,
        *values.T,
    ]
    return columns.encode([*_STAGE_TYPES, *("integer" for _ in kind.quantities)], [column[order] for column in laid])


def _row(place: int, device_id: int, reading: Reading, received: datetime) -> tuple[Any, ...]:
    """Lay one reading into the stage's columns, nothing where not said."""
    times = (reading.device_time_us, reading.network_time_us, reading.sent_time_us)
    return (
        place,
        device_id,
        instant(reading.event_time_us),
        reading.sequence,
        int(reading.event_time_source),
        *(None if time_us == NO_TIME_US else instant(time_us) for time_us in times),
        received,
        int(reading.clock),
        UUID(bytes=content_digest(reading.values, reading.clock, reading.words)),
        *(None if value == NOT_SAID else value for value in reading.values),
        *(word or None for word in reading.words),
    )


def _counted(rows: Iterable[tuple[int, datetime, int]]) -> Counter[DeviceHour]:
    # In UTC, for in another zone an hour that comes twice is unequal to the same instant (PEP 495).
    return Counter({(device_id, hour.astimezone(UTC)): n for device_id, hour, n in rows})
