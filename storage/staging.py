"""Readings of one kind into their tables: what is new straight in, what is there already sorted out by content.

A batch is copied into the table itself, but for readings whose key may be there already (`storage.recent` guesses):
these few go through a stage, where the server holds key and content against what it has. If a key is there that
nobody guessed, the server refuses the transaction, and the whole batch goes through the stage, as do the next ones.
Kinds of numbers alone come by hundreds of thousands a day and travel as arrays; those with words are few and travel
row by row.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from numpy.typing import NDArray

from sensors.arrivals import Arrivals
from sensors.readings import NO_TIME_US, NOT_SAID, REPEAT_US, EventTimeSource, Kind
from storage import columns
from storage.instants import instant
from storage.kinds import statement
from storage.recent import places_of, recent_of
from storage.tallies import EMPTY, Tally, tally, tally_of

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

    accepted: Tally
    conflicting: Tally
    duplicate: Tally

    def plus(self, other: "Fates") -> "Fates":
        """Put two together."""
        return Fates(
            self.accepted.plus(other.accepted),
            self.conflicting.plus(other.conflicting),
            self.duplicate.plus(other.duplicate),
        )


def lay(arrivals: Arrivals) -> columns.Laid | None:
    """Lay readings out for their table, all but what only the database knows; None for a kind with words."""
    if arrivals.kind.words:
        return None
    nought = np.zeros(len(arrivals), np.int64)
    types = [*_TYPES, *("integer" for _ in arrivals.kind.quantities), "bigint"]
    return columns.lay(types, [nought, *_columns(arrivals), nought])


def add(
    connection: psycopg.Connection,
    arrivals: Arrivals,
    device_id: NDArray[np.int64],
    batch_seq: int,
    laid: columns.Laid | None = None,
) -> Fates:
    """Store readings of one kind inside the batch's transaction.

    Parameters
    ----------
    arrivals : Arrivals
        One reading at least.
    device_id : ndarray of int64
        The database's number of each reading's device. Shape (n,).
    laid : Laid, optional
        What `lay` gives for these readings, where that was done already.

    Raises
    ------
    ValueError
        If it was laid out for others.
    """
    laid = laid or lay(arrivals)
    if laid is not None and len(laid.rows) != len(arrivals):
        raise ValueError(f"{len(laid.rows)} rows are laid out for {len(arrivals)} readings")
    kind, time_us, sequence = arrivals.kind, arrivals.event_time_us, arrivals.sequence
    # Sorted by time, then device: half the cost of any order, and writers lock in one order. The sort is stable, so
    # of one key the first to arrive comes first.
    order = np.lexsort((sequence, device_id, time_us))
    again = _is_twin(device_id[order], time_us[order], sequence[order])
    recent, caution = recent_of(connection), _caution.setdefault(connection, Counter())
    flags = places_of(kind.name, device_id[order], time_us[order], sequence[order])
    again |= recent.holds(flags) | (caution[kind.name] > 0)
    recent.add(flags)
    caution[kind.name] = max(caution[kind.name] - 1, 0)
    _copy(connection, arrivals, device_id, (order[~again], laid), batch_seq)
    fates = Fates(tally(device_id[order[~again]], time_us[order[~again]]), EMPTY, EMPTY)
    if again.any():
        # In the order of arrival, not of the sort.
        places = np.sort(order[again])
        fates = fates.plus(_sorted_out(connection, arrivals.rows(places), device_id[places], batch_seq))
    return _without_repeats(connection, arrivals, device_id, fates, batch_seq)


def beware(connection: psycopg.Connection, kinds: Iterable[str]) -> bool:
    """Let batches of some kinds go through the stage, this one again and the next; False where they all did."""
    caution = _caution.setdefault(connection, Counter())
    bold = [name for name in kinds if not caution[name]]
    caution.update(dict.fromkeys(bold, _CAUTIOUS_BATCHES))
    return bool(bold)


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


def _copy(
    connection: psycopg.Connection,
    arrivals: Arrivals,
    device_id: NDArray[np.int64],
    chosen: tuple[NDArray[np.intp], columns.Laid | None],
    batch_seq: int,
) -> None:
    """Copy readings straight into their table."""
    order, laid = chosen
    if not len(order):
        return
    last = np.full(len(order), batch_seq, np.int64)
    with connection.cursor() as cursor, cursor.copy(statement(arrivals.kind, "copy_table")) as copy:
        if laid is None:
            _write_rows(copy, arrivals, device_id, (order, None, last))
        else:
            block = laid.block(order, {0: device_id[order], len(_TYPES) + len(arrivals.values): last})
            copy.write(columns.stream([block]))


def _sorted_out(
    connection: psycopg.Connection, arrivals: Arrivals, device_id: NDArray[np.int64], batch_seq: int
) -> Fates:
    """Store readings by key and content; they come in the order of arrival."""
    first = np.arange(len(arrivals), dtype=np.int32)
    time_us = arrivals.event_time_us
    order = np.lexsort((arrivals.sequence, device_id, time_us))
    with connection.cursor() as cursor, cursor.copy(statement(arrivals.kind, "copy_stage")) as copy:
        if arrivals.kind.words:
            _write_rows(copy, arrivals, device_id, (order, first, None))
        else:
            types = ["integer", *_TYPES, *("integer" for _ in arrivals.kind.quantities)]
            laid = [first, device_id, *_columns(arrivals)]
            copy.write(columns.encode(types, [column[order] for column in laid]))
    span = {"first": instant(int(time_us.min())), "last": instant(int(time_us.max())), "batch_seq": batch_seq}
    accepted, conflicting = tally_of(connection.execute(statement(arrivals.kind, "insert"), span)), EMPTY
    if accepted.total < len(arrivals):
        conflicting = tally_of(connection.execute(statement(arrivals.kind, "insert_conflict"), span))
    duplicate = tally(device_id, time_us).minus(accepted).minus(conflicting).without_noughts()
    return Fates(accepted, conflicting, duplicate)


def _columns(arrivals: Arrivals) -> list[NDArray[Any]]:
    """Give what a table holds of readings, after the device."""
    return [
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


def _write_rows(
    copy: psycopg.Copy,
    arrivals: Arrivals,
    device_id: NDArray[np.int64],
    around: tuple[NDArray[np.intp], NDArray[np.int32] | None, NDArray[np.int64] | None],
) -> None:
    """Write readings with words, in an order, with a column of the stage before them or one of the table behind."""
    order, first, last = around
    types = [*_TYPES, *("integer" for _ in arrivals.kind.quantities)]
    laid = [device_id, *_columns(arrivals)]
    words = ["text" for _ in arrivals.kind.words]
    copy.set_types([*["integer"] * (first is not None), *types, *words, *["bigint"] * (last is not None)])
    places: list[int] = order.tolist()
    for at, place in enumerate(places):
        row = [_field(kind, column[place : place + 1]) for kind, column in zip(types, laid, strict=True)]
        before = [] if first is None else [int(first[place])]
        behind = [] if last is None else [int(last[at])]
        said = (word or None for word in arrivals.words[place])
        copy.write_row([*before, *row, *said, *behind])


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
    if not is_frame.any() or not len(fates.accepted):
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
    rows = connection.execute(statement(arrivals.kind, "count_repeats"), parameters).fetchall()
    conflicting = tally_of((one, hour, n) for one, hour, differs, n in rows if differs)
    duplicate = tally_of((one, hour, n) for one, hour, differs, n in rows if not differs)
    # Nought stays: the hour is marked, for an earlier delivery moves what is there to its own time.
    accepted = fates.accepted.minus(conflicting).minus(duplicate)
    return Fates(accepted, fates.conflicting.plus(conflicting), fates.duplicate.plus(duplicate))


def prepare(connection: psycopg.Connection, kinds: Iterable[Kind]) -> None:
    """Make the stages of a new connection."""
    for kind in kinds:
        connection.execute(statement(kind, "create_stage"))
