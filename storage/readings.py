"""Readings in and out: one transaction stores a batch with its counts and marks, and says what became of each.

A reading's key is (device, event time, sequence) within its kind. The first content of a key is accepted; the same
content again is a duplicate; other content is a conflict, kept beside and given back together with the first, so
that the order of arrival decides nothing. A position fix outside its vehicle's collection mask is counted, and no
more of it is written.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from sensors.columns import Columns
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.readings import Kind, Outcome
from sensors.registry import kinds
from storage import columns, masks, refusals, sequence, staging
from storage.instants import hour_of, microseconds
from storage.kinds import copy_known, statement
from storage.masks import Masks
from storage.reduction import reduce
from storage.refusals import Refused
from storage.sql import query
from storage.staging import Arrived, DeviceHour

_READ_TYPES = ("bigint", "timestamptz", "bigint", "smallint", "uuid")


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

    readings: Sequence[Arrived]
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
    for kind in kinds().values():
        connection.execute(statement(kind, "create_stage"))


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
        # After the number: a mask with a lower one is committed, one with a higher is not yet asked for.
        held = masks.current(connection)
        outcomes: Counter[Outcome] = Counter()
        if batch.readings:
            outcomes += _store_readings(connection, batch.readings, held, batch_seq)
        refusals.add(connection, batch.refused, held, batch_seq)
        rejected = refusals.counts_of(batch.refused)
        outcomes[Outcome.REJECTED] += sum(n for (*_, unit, _), n in rejected.items() if unit == "reading")
        rejected_messages = sum(one.is_whole for one in batch.refused)
        rows: list[tuple[Any, ...]] = [(*key, n) for key, n in rejected.items()]
        if decoded := batch.messages - rejected_messages:
            rows.append(("", "", "", hour_of(now), "message", "decoded", decoded))
        _add_counts(connection, rows)
        sequence.hold_commit(connection)
    return Stored(batch_seq, dict(outcomes), decoded, rejected_messages)


def device_ids(connection: psycopg.Connection, devices: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Look up (source, device); those never heard of are missing from the answer."""
    sources, names = _transposed(sorted(set(devices)))
    rows = connection.execute(query("readings", "select_devices"), {"sources": sources, "devices": names})
    return {(source, device): device_id for source, device, device_id in rows}


def all_devices(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Every (source, device) that ever sent a reading."""
    return [(source, device) for source, device in connection.execute(query("readings", "select_all_devices"))]


def read_columns(
    connection: psycopg.Connection,
    kind: Kind,
    devices: Sequence[int],
    span: tuple[datetime, datetime],
    known_through: int,
) -> Columns:
    """Read what is known of one kind of some devices in [first, until).

    Parameters
    ----------
    kind : Kind
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
    if kind.words:
        rows = connection.execute(statement(kind, "select_known"), parameters).fetchall()
        return _columns_of(kind, rows)
    types = [*_READ_TYPES, *("integer" for _ in kind.quantities)]
    with connection.cursor() as cursor, cursor.copy(copy_known(kind), parameters) as copy:
        device_id, event_time_us, number, clock, digest, *values = columns.decode(types, copy)
    numbers = {quantity.name: value for quantity, value in zip(kind.quantities, values, strict=True)}
    return Columns(kind, device_id, event_time_us, number, clock, numbers, {}, digest)


def _columns_of(kind: Kind, rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Make columns of rows: of few readings, for text has no fixed width to copy."""

    def column(place: int, kept_as: type[Any]) -> NDArray[Any]:
        return np.array([row[place] for row in rows], kept_as)

    first_word = len(_READ_TYPES) + len(kind.quantities)
    return Columns(
        kind,
        column(0, np.int64),
        np.array([microseconds(row[1]) for row in rows], np.int64),
        column(2, np.int64),
        column(3, np.int16),
        {one.name: column(place, np.int32) for place, one in enumerate(kind.quantities, len(_READ_TYPES))},
        {one.name: column(place, np.str_) for place, one in enumerate(kind.words, first_word)},
        np.frombuffer(b"".join(row[4].bytes for row in rows), "V16"),
    )


def _store_readings(
    connection: psycopg.Connection, arrived: Sequence[Arrived], held: Masks, batch_seq: int
) -> Counter[Outcome]:
    known = _known_devices(connection, arrived)
    by_id = {device_id: device for device, device_id in known.items()}
    by_kind: dict[str, list[Arrived]] = {}
    for one in arrived:
        by_kind.setdefault(one[0].kind.name, []).append(one)
    counts: list[tuple[Any, ...]] = []
    outcomes: Counter[Outcome] = Counter()
    # In one order, so that two writers cannot wait for each other.
    for name, several in sorted(by_kind.items()):
        kept: Sequence[Arrived] = several
        if name == POSITION_FIX.name and held.areas:
            kept, reduced = reduce(connection, several, held, known)
            for (source, device, hour, outcome), n in reduced.items():
                counts.append((source, device, name, hour, "reading", outcome, n))
                outcomes[outcome] += n
        if not kept:
            continue
        fates = staging.add(connection, kept[0][0].kind, kept, known, batch_seq)
        # A batch of nothing but duplicates changes no result and leaves no mark.
        _touch(connection, name, sorted(fates.accepted.keys() | fates.conflicting.keys()), batch_seq)
        by_outcome = {
            Outcome.ACCEPTED: fates.accepted,
            Outcome.CONFLICT: fates.conflicting,
            Outcome.DUPLICATE: fates.duplicate,
        }
        for outcome, tally in by_outcome.items():
            counts += [(*by_id[one], name, hour, "reading", outcome, n) for (one, hour), n in tally.items()]
            outcomes[outcome] += tally.total()
    _add_counts(connection, counts)
    return outcomes


def _known_devices(connection: psycopg.Connection, arrived: Sequence[Arrived]) -> dict[tuple[str, str], int]:
    wanted = {(reading.source, reading.device) for reading, _ in arrived}
    known = device_ids(connection, wanted)
    if missing := sorted(wanted - known.keys()):
        sources, names = _transposed(missing)
        connection.execute(query("readings", "insert_devices"), {"sources": sources, "devices": names})
        known |= device_ids(connection, missing)
    return known


def _add_counts(connection: psycopg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    # One kind's reduced and stored fixes can be duplicates of one hour: a row is written once a statement.
    tally: Counter[tuple[Any, ...]] = Counter()
    for *key, n in rows:
        tally[tuple(key)] += n
    names = ("sources", "devices", "kinds", "hours", "units", "outcomes")
    arrays = (list(column) for column in zip(*tally, strict=True))
    parameters = dict(zip(names, arrays, strict=True))
    connection.execute(query("readings", "add_count"), {**parameters, "counts": list(tally.values())})


def _touch(connection: psycopg.Connection, kind: str, marks: Sequence[DeviceHour], batch_seq: int) -> None:
    if marks:
        ids, hours = zip(*marks, strict=True)
        parameters = {"kind": kind, "batch_seq": batch_seq, "device_ids": list(ids), "hours": list(hours)}
        connection.execute(query("readings", "add_touched"), parameters)


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
    """A reading for the eye, as said.

    Parameters
    ----------
    event_time : datetime
    sequence : int
    clock : int
        See `sensors.readings.Clock`.
    values : dict of str to int, str or None
        By column, in the order of the declaration; None where not said.
    digest : str
    received_time : datetime
    """

    event_time: datetime
    sequence: int
    clock: int
    values: dict[str, int | str | None]
    digest: str
    received_time: datetime


def said_between(
    connection: psycopg.Connection, kind: Kind, device_id: int, span: tuple[datetime, datetime]
) -> list[Said]:
    """Read a device's readings of a kind in a span, as said, in the order of time; conflicting contents included."""
    parameters = {"device_id": device_id, "first": span[0], "until": span[1]}
    names = [one.name for one in (*kind.quantities, *kind.words)]
    rows = connection.execute(statement(kind, "select_for_people"), parameters)
    return [
        Said(event_time, number, clock, dict(zip(names, values, strict=True)), str(digest), received)
        for event_time, number, clock, digest, received, *values in rows
    ]
