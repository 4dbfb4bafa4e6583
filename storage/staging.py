"""Readings of one kind into their tables: copied straight in, or, where something may be there already, sorted out.

A batch is copied into the table itself first. If a key is there already the server refuses all of it; then the batch
goes into a stage, and from there by key and content: that costs twice as much, so where one batch met a duplicate the
next ones go by the stage at once. Kinds of numbers alone come by hundreds of thousands a day and travel as arrays;
those with words are few and travel row by row.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from numpy.typing import NDArray

from sensors.arrivals import Arrivals
from sensors.readings import NO_TIME_US, NOT_SAID, REPEAT_US, EventTimeSource, Kind
from storage import columns
from storage.instants import HOUR_US, instant
from storage.kinds import statement

# A device's UTC hour, numbered from 1970.
DeviceHour: TypeAlias = tuple[int, int]

_TYPES = (
    "bigint", "timestamptz", "bigint", "smallint", "timestamptz", "timestamptz", "timestamptz", "timestamptz",
    "smallint", "uuid",
)  # fmt: skip
# A link that drops brings duplicates in several batches; after so many without one the straight way is tried again.
_CAUTIOUS_BATCHES = 8
# How many batches a connection stages yet before it tries the straight way, by table.
_caution: "WeakKeyDictionary[psycopg.Connection, Counter[str]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the readings of one kind in a batch, by device and hour."""

    accepted: Counter[DeviceHour]
    conflicting: Counter[DeviceHour]
    duplicate: Counter[DeviceHour]


def add(connection: psycopg.Connection, arrivals: Arrivals, device_id: NDArray[np.int64], batch_seq: int) -> Fates:
    """Store readings of one kind inside the batch's transaction.

    Parameters
    ----------
    arrivals : Arrivals
        One reading at least.
    device_id : ndarray of int64
        The database's number of each reading's device. Shape (n,).
    """
    kind, time_us, sequence = arrivals.kind, arrivals.event_time_us, arrivals.sequence
    # Sorted by time, then device: half the cost of any order, and writers lock in one order.
    order = np.lexsort((sequence, device_id, time_us))
    caution = _caution.setdefault(connection, Counter())
    is_new = caution[kind.name] <= 0 and not _has_twins(device_id[order], time_us[order], sequence[order])
    if is_new and _copied(connection, arrivals, device_id, order, batch_seq):
        fates = Fates(_by_hour(device_id, arrivals), Counter(), Counter())
    else:
        fates = _sorted_out(connection, arrivals, device_id, order, batch_seq)
        caution[kind.name] = _CAUTIOUS_BATCHES if fates.accepted.total() < len(arrivals) else caution[kind.name] - 1
    return _without_repeats(connection, arrivals, device_id, fates, batch_seq)


def are_present(connection: psycopg.Connection, arrivals: Arrivals, device_id: NDArray[np.int64]) -> set[int]:
    """Places of those readings that are stored already, with the same content."""
    times = [instant(time_us) for time_us in arrivals.event_time_us.tolist()]
    parameters = {
        "places": list(range(len(arrivals))),
        "device_ids": device_id.tolist(),
        "event_times": times,
        "sequences": arrivals.sequence.tolist(),
        "digests": [UUID(bytes=one.tobytes()) for one in arrivals.digest],
        "first": min(times),
        "last": max(times),
    }
    return {place for (place,) in connection.execute(statement(arrivals.kind, "select_present"), parameters)}


def _has_twins(*key: NDArray[np.int64]) -> bool:
    """Tell whether two neighbours have the same key."""
    return bool(np.logical_and.reduce([np.diff(part) == 0 for part in key]).any())


def _copied(
    connection: psycopg.Connection,
    arrivals: Arrivals,
    device_id: NDArray[np.int64],
    order: NDArray[np.intp],
    batch_seq: int,
) -> bool:
    """Copy readings straight into their table; False where a key is there already, and nothing was done."""
    last = np.full(len(arrivals), batch_seq, np.int64)
    try:
        with connection.transaction():
            _copy(connection, "copy_table", arrivals, device_id, (order, None, last))
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _sorted_out(
    connection: psycopg.Connection,
    arrivals: Arrivals,
    device_id: NDArray[np.int64],
    order: NDArray[np.intp],
    batch_seq: int,
) -> Fates:
    """Store readings by key and content."""
    first = np.arange(len(arrivals), dtype=np.int32)
    _copy(connection, "copy_stage", arrivals, device_id, (order, first, None))
    time_us = arrivals.event_time_us
    span = {"first": instant(int(time_us.min())), "last": instant(int(time_us.max())), "batch_seq": batch_seq}
    accepted = _counted(connection.execute(statement(arrivals.kind, "insert"), span))
    conflicting: Counter[DeviceHour] = Counter()
    if accepted.total() < len(arrivals):
        conflicting = _counted(connection.execute(statement(arrivals.kind, "insert_conflict"), span))
    return Fates(accepted, conflicting, _by_hour(device_id, arrivals) - accepted - conflicting)


def _copy(
    connection: psycopg.Connection,
    name: str,
    arrivals: Arrivals,
    device_id: NDArray[np.int64],
    around: tuple[NDArray[np.intp], NDArray[np.int32] | None, NDArray[np.int64] | None],
) -> None:
    """Copy readings, in an order, with a column of the stage before them or one of the table behind."""
    order, first, last = around
    laid: list[NDArray[Any]] = [
        device_id,
        arrivals.event_time_us,
        arrivals.sequence,
        arrivals.event_time_source,
        arrivals.device_time_us,
        arrivals.network_time_us,
        arrivals.sent_time_us,
        arrivals.received_us,
        arrivals.clock,
        arrivals.digest,
        *arrivals.values,
    ]
    types = [*_TYPES, *("integer" for _ in arrivals.kind.quantities)]
    with connection.cursor() as cursor, cursor.copy(statement(arrivals.kind, name)) as copy:
        if arrivals.kind.words:
            words = ["text" for _ in arrivals.kind.words]
            copy.set_types([*["integer"] * (first is not None), *types, *words, *["bigint"] * (last is not None)])
            places: list[int] = order.tolist()
            for place in places:
                row = [_field(kind, column[place : place + 1]) for kind, column in zip(types, laid, strict=True)]
                before = [] if first is None else [int(first[place])]
                behind = [] if last is None else [int(last[place])]
                said = (word or None for word in arrivals.words[place])
                copy.write_row([*before, *row, *said, *behind])
            return
        if first is not None:
            types, laid = ["integer", *types], [first, *laid]
        if last is not None:
            types, laid = [*types, "bigint"], [*laid, last]
        copy.write(columns.encode(types, [column[order] for column in laid]))


def _field(kind: str, value: NDArray[Any]) -> UUID | datetime | int | None:
    """Turn one value of a column, an array of length one, into what the driver writes."""
    if kind == "uuid":
        return UUID(bytes=value.tobytes())
    whole = int(value[0])
    if kind == "timestamptz":
        return None if whole == NO_TIME_US else instant(whole)
    return None if kind == "integer" and whole == NOT_SAID else whole


def _without_repeats(
    connection: psycopg.Connection, arrivals: Arrivals, device_id: NDArray[np.int64], fates: Fates, batch_seq: int
) -> Fates:
    """Count a frame that a network delivers again, at another time, as what it is; it stays, as the network said."""
    is_frame = (arrivals.event_time_source == EventTimeSource.NETWORK) & (arrivals.sequence != 0)
    if not is_frame.any() or not fates.accepted:
        return fates
    time_us = arrivals.event_time_us[is_frame]
    parameters = {
        "device_ids": device_id[is_frame].tolist(),
        "event_times": [instant(one) for one in time_us.tolist()],
        "sequences": arrivals.sequence[is_frame].tolist(),
        "first": instant(int(time_us.min())),
        "last": instant(int(time_us.max())),
        "within": timedelta(microseconds=REPEAT_US),
        "batch_seq": batch_seq,
    }
    accepted, conflicting, duplicate = Counter(fates.accepted), Counter(fates.conflicting), Counter(fates.duplicate)
    for one, hour, differs, n in connection.execute(statement(arrivals.kind, "count_repeats"), parameters):
        key = (one, hour)
        accepted[key] -= n
        (conflicting if differs else duplicate)[key] += n
    return Fates(+accepted, conflicting, duplicate)


def _by_hour(device_id: NDArray[np.int64], arrivals: Arrivals) -> Counter[DeviceHour]:
    """Count readings by device and hour."""
    # As one number each they are counted in one sort; ids stay far under 2^40, hours until 2106 under 2^21.
    found, counts = np.unique(device_id << 21 | arrivals.event_time_us // HOUR_US, return_counts=True)
    keys = zip((found >> 21).tolist(), (found & (2**21 - 1)).tolist(), strict=True)
    return Counter(dict(zip(keys, counts.tolist(), strict=True)))


def _counted(rows: Iterable[tuple[int, int, int]]) -> Counter[DeviceHour]:
    return Counter({(device_id, hour): n for device_id, hour, n in rows})


def prepare(connection: psycopg.Connection, kinds: Iterable[Kind]) -> None:
    """Make the stages of a new connection."""
    for kind in kinds:
        connection.execute(statement(kind, "create_stage"))
