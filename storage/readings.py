"""Readings in and out: one transaction stores a batch with its counts and marks, and says what became of each.

A reading's key is (device, event time, sequence) within its kind. The first content of a key is accepted; the same
content again is a duplicate; other content is a conflict, kept beside and given back together with the first, so
that the order of arrival decides nothing. A position fix outside its vehicle's collection mask is counted, and no
more of it is written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from numpy.typing import NDArray

from sensors.arrivals import Arrivals, of_readings
from sensors.columns import Columns
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.readings import REPEAT_US, Kind, Outcome, Reading
from sensors.registry import kinds
from storage import columns, masks, refusals, repeats, sequence, staging
from storage.instants import HOUR_US, hour_number, microseconds
from storage.kinds import copy_known, statement
from storage.masks import Masks
from storage.reduction import reduce
from storage.refusals import Refused
from storage.sql import query
from storage.tallies import EMPTY, Tally, tally_of

_COUNT_TYPES = ("bigint", "text", "timestamptz", "text", "text", "bigint", "bigint")
_READ_TYPES = ("bigint", "timestamptz", "bigint", "smallint", "smallint", "uuid")
# A network delivers one frame a few times within minutes; so far before a span its first delivery is looked for.
_LOOK_BACK = timedelta(microseconds=6 * REPEAT_US)
# Source and device.
Named: TypeAlias = tuple[str, str]
# By kind, unit and outcome.
_Counts: TypeAlias = dict[tuple[str, str, str], Tally]
# Number under which is counted what no known device sent.
_NOBODY = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored in one transaction.

    Parameters
    ----------
    devices : sequence of (source, device)
        May hold more than the batch has to do with; only ever added to.
    arrivals : sequence of Arrivals
        One a kind at most; their `device` are places in `devices`.
    refused : sequence of Refused
    messages : int
        Decoded and rejected together.
    simulated : mapping of (device's place, kind's name, number of the hour) to int
        Readings marked as made up: counted, never stored.
    laid : mapping of str to Laid
        What `ready` has laid out, by kind.
    """

    devices: Sequence[Named]
    arrivals: Sequence[Arrivals]
    refused: Sequence[Refused]
    messages: int
    simulated: Mapping[tuple[int, str, int], int] = field(default_factory=dict[tuple[int, str, int], int])
    laid: Mapping[str, columns.Laid | None] = field(default_factory=dict[str, columns.Laid | None])

    def ready(self) -> "Batch":
        """The same, laid out for the database: done by whoever has time, it need not be done while it waits."""
        return replace(self, laid={one.kind.name: staging.lay(one) for one in self.arrivals if len(one)})


def batch_of(readings: Iterable[tuple[Reading, datetime]], refused: Sequence[Refused], messages: int) -> Batch:
    """Make a batch of single readings, each with the instant at which its message was received."""
    devices: dict[Named, int] = {}
    by_kind: dict[str, list[tuple[Reading, int]]] = {}
    for reading, received in readings:
        by_kind.setdefault(reading.kind.name, []).append((reading, microseconds(received)))

    def place_of(source: str, device: str) -> int:
        return devices.setdefault((source, device), len(devices))

    laid = [of_readings(several[0][0].kind, several, place_of) for _, several in sorted(by_kind.items())]
    return Batch(list(devices), laid, refused, messages)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch."""

    batch_seq: int
    readings: dict[Outcome, int]
    messages_decoded: int
    messages_rejected: int


@dataclass(slots=True)
class _Met:
    """Numbers of devices that a connection has met. A device's row never changes and is never deleted.

    Parameters
    ----------
    devices : sequence of (source, device)
        The batches' own list.
    ids : ndarray of int64
        Number of each, nought of those not met.
    """

    devices: Sequence[Named]
    ids: NDArray[np.int64]


_met: "WeakKeyDictionary[psycopg.Connection, _Met]" = WeakKeyDictionary()


def prepare(connection: psycopg.Connection) -> None:
    """Make a new connection ready for `store`."""
    staging.prepare(connection, kinds().values())


def _pass_by(_step: str) -> None:
    """Do nothing at a step."""


def store(
    connection: psycopg.Connection,
    batch: Batch,
    now: datetime,
    *,
    what: str = "readings",
    at_step: Callable[[str], None] = _pass_by,
) -> Stored:
    """Store a batch in one transaction: readings, rejections, counts, sequence number, marks.

    Parameters
    ----------
    connection : psycopg.Connection
        Made ready with `prepare`.
    now : datetime
        When the batch is written, aware.
    what : str
        `readings` from the broker, `import` from a file.
    at_step : callable
        Called with the name of each step that is about to be taken, for tests that end a process there.

    Raises
    ------
    psycopg.Error
        Nothing of the batch is stored then.
    """
    while True:
        try:
            return _store(connection, batch, (now, what), at_step)
        except psycopg.errors.UniqueViolation:
            # Of a key that was there and was not guessed. With a savepoint there would be less to do again, but two
            # questions more for each kind of each batch.
            if not staging.beware(connection, [one.kind.name for one in batch.arrivals]):
                raise


def _store(
    connection: psycopg.Connection, batch: Batch, about: tuple[datetime, str], at_step: Callable[[str], None]
) -> Stored:
    now, what = about
    with connection.transaction():
        # Devices first and sequence last taken would let two writers wait for each other.
        batch_seq = sequence.take(connection, what, now)
        # After the number: a mask with a lower one is committed, one with a higher is not yet asked for.
        held = masks.current(connection)
        at_step("before_readings")
        ids = _numbers(connection, batch)
        counts = _store_readings(connection, batch, held, ids, batch_seq)
        at_step("after_readings")
        refusals.add(connection, batch.refused, held, batch_seq)
        rejected_messages = sum(one.is_whole for one in batch.refused)
        decoded = batch.messages - rejected_messages
        counts |= _other_counts(batch, ids, _refused_devices(connection, batch), now, decoded)
        _add_counts(connection, counts, batch_seq)
        at_step("before_commit")
        sequence.hold_commit(connection)
    # Only now: what was inserted in a transaction that failed is not there.
    if len(ids):
        _met[connection] = _Met(batch.devices, ids)
    outcomes: Counter[Outcome] = Counter()
    for (_, unit, outcome), tally in counts.items():
        if unit == "reading":
            outcomes[Outcome(outcome)] += tally.total
    return Stored(batch_seq, dict(+outcomes), decoded, rejected_messages)


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
        "first": span[0] - _LOOK_BACK,
        "until": span[1],
        "known_through": known_through,
    }
    if kind.words:
        rows = connection.execute(statement(kind, "select_known"), parameters).fetchall()
        found, source = _columns_of(kind, rows)
    else:
        types = [*_READ_TYPES, *("integer" for _ in kind.quantities)]
        with connection.cursor() as cursor, cursor.copy(copy_known(kind), parameters) as copy:
            device_id, event_time_us, number, clock, source, digest, *values = columns.decode(types, copy)
        numbers = {quantity.name: value for quantity, value in zip(kind.quantities, values, strict=True)}
        found = Columns(kind, device_id, event_time_us, number, clock, numbers, {}, digest)
    found = repeats.settled(found, source)
    return found.rows(found.event_time_us >= microseconds(span[0]))


def _columns_of(kind: Kind, rows: Sequence[tuple[Any, ...]]) -> tuple[Columns, NDArray[np.int16]]:
    """Make columns of rows: of few readings, for text has no fixed width to copy. Beside them which clock ruled."""

    def column(place: int, kept_as: type[Any]) -> NDArray[Any]:
        return np.array([row[place] for row in rows], kept_as)

    first_word = len(_READ_TYPES) + len(kind.quantities)
    found = Columns(
        kind,
        column(0, np.int64),
        np.array([microseconds(row[1]) for row in rows], np.int64),
        column(2, np.int64),
        column(3, np.int16),
        {one.name: column(place, np.int32) for place, one in enumerate(kind.quantities, len(_READ_TYPES))},
        {one.name: column(place, np.str_) for place, one in enumerate(kind.words, first_word)},
        np.frombuffer(b"".join(row[5].bytes for row in rows), "V16"),
    )
    return found, column(4, np.int16)


def _store_readings(
    connection: psycopg.Connection, batch: Batch, held: Masks, ids: NDArray[np.int64], batch_seq: int
) -> _Counts:
    counts: _Counts = {}
    # In one order, so that two writers cannot wait for each other.
    for arrivals in sorted(batch.arrivals, key=lambda one: one.kind.name):
        name = arrivals.kind.name
        kept, tallies = arrivals, dict[Outcome, Tally]()
        if name == POSITION_FIX.name and held.areas:
            kept, tallies = reduce(connection, arrivals, held, batch.devices, ids)
        if len(kept):
            laid = batch.laid.get(name) if kept is arrivals else None
            fates = staging.add(connection, kept, ids[kept.device], batch_seq, laid)
            tallies[Outcome.ACCEPTED], tallies[Outcome.CONFLICT] = fates.accepted, fates.conflicting
            tallies[Outcome.DUPLICATE] = tallies.get(Outcome.DUPLICATE, EMPTY).plus(fates.duplicate)
        counts |= {(name, "reading", outcome): tally for outcome, tally in tallies.items()}
    return counts


def _numbers(connection: psycopg.Connection, batch: Batch) -> NDArray[np.int64]:
    """Number the devices of a batch, nought for others; who sent only what was refused is not made known by it."""
    ids = np.zeros(len(batch.devices), np.int64)
    met = _met.get(connection)
    if met is not None and met.devices is batch.devices:
        ids[: len(met.ids)] = met.ids
    simulated = np.array([place for place, *_ in batch.simulated], np.int64)
    sent = np.concatenate([simulated, *(one.device for one in batch.arrivals)])
    places: list[int] = np.unique(sent[ids[sent] == 0]).tolist()
    if places:
        missing = sorted(batch.devices[place] for place in places)
        sources, names = _transposed(missing)
        connection.execute(query("readings", "insert_devices"), {"sources": sources, "devices": names})
        known = device_ids(connection, missing)
        ids[places] = [known[batch.devices[place]] for place in places]
    return ids


def _refused_devices(connection: psycopg.Connection, batch: Batch) -> dict[Named, int]:
    """Look up who sent what was refused, where it was heard of before."""
    named = {(one.source, one.device) for refused in batch.refused for one in refused.rejections if one.device}
    return device_ids(connection, named) if named else {}


def _other_counts(
    batch: Batch, ids: NDArray[np.int64], known: Mapping[Named, int], now: datetime, decoded: int
) -> _Counts:
    """Count what was refused, what was made up, and the messages that could be decoded."""
    rows: dict[tuple[str, str, str], list[tuple[int, int, int]]] = {}
    for one in batch.refused:
        hour = hour_number(microseconds(one.received_time))
        for rejection in one.rejections:
            device_id = known.get((rejection.source, rejection.device), _NOBODY)
            unit = "message" if rejection.index < 0 else "reading"
            rows.setdefault(("", unit, Outcome.REJECTED), []).append((device_id, hour, 1))
    for (place, kind, hour), n in batch.simulated.items():
        rows.setdefault((kind, "reading", Outcome.SIMULATED), []).append((int(ids[place]), hour, n))
    if decoded:
        rows["", "message", "decoded"] = [(_NOBODY, hour_number(microseconds(now)), decoded)]
    return {key: tally_of(several) for key, several in rows.items()}


def _add_counts(connection: psycopg.Connection, counts: _Counts, batch_seq: int) -> None:
    """Add a batch's counts, which are its marks."""
    blocks: list[bytes] = []
    for (kind, unit, outcome), tally in sorted(counts.items(), key=lambda one: one[0]):
        words = (kind.encode(), unit.encode(), outcome.encode())
        laid = [tally.device_id, words[0], tally.hour * HOUR_US, *words[1:], tally.n, np.full(len(tally), batch_seq)]
        blocks.append(columns.rows_of(_COUNT_TYPES, laid))
    if any(blocks):
        with connection.cursor() as cursor, cursor.copy(query("readings", "copy_count")) as copy:
            copy.write(columns.stream(blocks))


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


def count_messages(connection: psycopg.Connection) -> int:
    """Count the messages that ever came: a look into an index of a few rows a batch."""
    row = connection.execute(query("readings", "count_messages")).fetchone()
    return int(row[0]) if row else 0


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
