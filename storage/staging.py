"""Readings of one kind into their tables: what is new straight in, what is there already sorted out by content.

A batch is copied into the table itself, but for readings whose key may be there already (`storage.recent` guesses):
these few go through a stage, where the server holds key and content against what it has. If a key is there that
nobody guessed, the server refuses the copy, and the whole batch goes through the stage, as do the next ones. Kinds of
numbers alone come by hundreds of thousands a day and travel as arrays; those with words are few and travel row by
row.
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
from storage.recent import places_of, recent_of

# A device's UTC hour, numbered from 1970.
DeviceHour: TypeAlias = tuple[int, int]

_TYPES = (
    "bigint", "timestamptz", "bigint", "smallint", "timestamptz", "timestamptz", "timestamptz", "timestamptz",
    "smallint", "uuid",
)  # fmt: skip
# Who met keys that it did not guess meets more of them: history that is loaded again, a worker that was restarted.
_CAUTIOUS_BATCHES = 8
# How many batches of a kind a connection stages yet before it tries to copy again.
_caution: "WeakKeyDictionary[psycopg.Connection, Counter[str]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the readings of one kind in a batch, by device and hour."""

    accepted: Counter[DeviceHour]
    conflicting: Counter[DeviceHour]
    duplicate: Counter[DeviceHour]

    def plus(self, other: "Fates") -> "Fates":
        """Put two together."""
        return Fates(
            self.accepted + other.accepted,
            self.conflicting + other.conflicting,
            self.duplicate + other.duplicate,
        )


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
    # Sorted by time, then device: half the cost of any order, and writers lock in one order. The sort is stable, so
    # of one key the first to arrive comes first.
    order = np.lexsort((sequence, device_id, time_us))
    again = _is_twin(device_id[order], time_us[order], sequence[order])
    recent, caution = recent_of(connection), _caution.setdefault(connection, Counter())
    flags = places_of(kind.name, device_id, time_us, sequence)[order]
    again |= recent.holds(flags) | (caution[kind.name] > 0)
    recent.add(flags)
    caution[kind.name] = max(caution[kind.name] - 1, 0)
    if not _copied(connection, arrivals, device_id, order[~again], batch_seq):
        again[:] = True
        caution[kind.name] = _CAUTIOUS_BATCHES
    fates = Fates(_by_hour(device_id[order[~again]], time_us[order[~again]]), Counter(), Counter())
    if again.any():
        # In the order of arrival, not of the sort.
        places = np.sort(order[again])
        fates = fates.plus(_sorted_out(connection, arrivals.rows(places), device_id[places], batch_seq))
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


def _is_twin(*key: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which have the same key as the one before them."""
    found = np.zeros(len(key[0]), np.bool_)
    found[1:] = np.logical_and.reduce([np.diff(part) == 0 for part in key])
    return found


def _copied(
    connection: psycopg.Connection,
    arrivals: Arrivals,
    device_id: NDArray[np.int64],
    order: NDArray[np.intp],
    batch_seq: int,
) -> bool:
    """Copy readings straight into their table; False where a key is there already, and nothing was done."""
    if not len(order):
        return True
    last = np.full(len(arrivals), batch_seq, np.int64)
    try:
        with connection.transaction():
            _copy(connection, "copy_table", arrivals, device_id, (order, None, last))
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _sorted_out(
    connection: psycopg.Connection, arrivals: Arrivals, device_id: NDArray[np.int64], batch_seq: int
) -> Fates:
    """Store readings by key and content; they come in the order of arrival."""
    first = np.arange(len(arrivals), dtype=np.int32)
    time_us = arrivals.event_time_us
    order = np.lexsort((arrivals.sequence, device_id, time_us))
    _copy(connection, "copy_stage", arrivals, device_id, (order, first, None))
    span = {"first": instant(int(time_us.min())), "last": instant(int(time_us.max())), "batch_seq": batch_seq}
    accepted = _counted(connection.execute(statement(arrivals.kind, "insert"), span))
    conflicting: Counter[DeviceHour] = Counter()
    if accepted.total() < len(arrivals):
        conflicting = _counted(connection.execute(statement(arrivals.kind, "insert_conflict"), span))
    return Fates(accepted, conflicting, _by_hour(device_id, time_us) - accepted - conflicting)


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
    # Nought stays: the hour is marked, for an earlier delivery moves what is there to its own time.
    return Fates(accepted, conflicting, duplicate)


def _by_hour(device_id: NDArray[np.int64], time_us: NDArray[np.int64]) -> Counter[DeviceHour]:
    """Count readings by device and hour."""
    # As one number each they are counted in one sort; ids stay far under 2^40, hours until 2106 under 2^21.
    found, counts = np.unique(device_id << 21 | time_us // HOUR_US, return_counts=True)
    keys = zip((found >> 21).tolist(), (found & (2**21 - 1)).tolist(), strict=True)
    return Counter(dict(zip(keys, counts.tolist(), strict=True)))


def _counted(rows: Iterable[tuple[int, int, int]]) -> Counter[DeviceHour]:
    return Counter({(device_id, hour): n for device_id, hour, n in rows})


def prepare(connection: psycopg.Connection, kinds: Iterable[Kind]) -> None:
    """Make the stages of a new connection."""
    for kind in kinds:
        connection.execute(statement(kind, "create_stage"))
