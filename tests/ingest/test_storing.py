"""Storing whatever the server says: what it cannot take costs the others nothing, and long histories go in parts."""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import numpy as np
import psycopg
import pytest

from ingest.client import Delivery
from ingest.decoding import Decoding
from ingest.storing import WEEKS_MAX, Database, parts
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.sources import Source
from sensors.topics import ROOT
from storage import masks
from storage.connection import connect
from storage.instants import instant, microseconds
from storage.readings import Batch, Stored, batch_of
from storage.refusals import WITHHELD, Refused
from tests.storage.cases import START, marks, reading

_START_US = microseconds(START)
_WEEK_US = 7 * 86_400_000_000
_POISON = 666
_PHONES = Source("phones", "owntracks/#", "owntracks")
# What makes a server refuse a row for what is in it, by the two classes of it that the driver knows.
_REFUSALS = {
    "CheckViolation": "alter table fill_level add constraint no_poison check (distance_mm <> 666)",
    "NumericValueOutOfRange": (
        "create function refuse_poison() returns trigger language plpgsql as $$ begin"
        " if new.distance_mm = 666 then raise exception 'poison' using errcode = '22003'; end if; return new; end $$;"
        " create trigger no_poison before insert on fill_level for each row execute function refuse_poison()"
    ),
}


def _message(place: int, distance_mm: int = 1, *, device: str = "bin-1") -> tuple[str, bytes]:
    time_said = instant(_START_US + place * 60_000_000).isoformat()
    said = {"v": 1, "time": time_said, "sequence": place + 1, "distance_mm": distance_mm}
    return f"{ROOT}/city/{device}/fill_level", json.dumps(said).encode()


def _delivery(messages: Sequence[tuple[str, bytes]]) -> Delivery:
    topics, payloads = [topic.encode() for topic, _ in messages], [payload for _, payload in messages]
    count = len(messages)
    return Delivery(topics, payloads, list(range(1, count + 1)), [_START_US] * count, 1)


@contextmanager
def _storing(dsn: str, *sources: Source) -> Generator[tuple[Database, Decoding], None, None]:
    taking = Decoding(sources)
    database = Database(dsn, threading.Event(), lambda _step: None, taking)
    try:
        yield database, taking
    finally:
        database.close()


def _store(dsn: str, messages: Sequence[tuple[str, bytes]], *sources: Source) -> list[Stored]:
    with _storing(dsn, *sources) as (database, taking):
        delivery = _delivery(messages)
        pairs = database.store(delivery, taking.batch(delivery))
        assert pairs is not None
        return [stored for _, stored in pairs]


def _sequences(connection: psycopg.Connection) -> list[int]:
    return [one for (one,) in connection.execute("select sequence from fill_level order by 1").fetchall()]


def _counts(connection: psycopg.Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute("select unit, outcome, sum(n)::bigint from ingest_count group by 1, 2").fetchall()
    return {(unit, outcome): n for unit, outcome, n in rows}


# One that cannot be stored


@pytest.mark.parametrize("refusal", _REFUSALS)
@pytest.mark.parametrize("poisoned", [[0], [49], [17], [17, 18], [0, 24, 25, 49]], ids=str)
def test_all_others_are_stored_when_the_server_refuses_some(database: str, refusal: str, poisoned: list[int]) -> None:
    messages = [_message(place, _POISON if place in poisoned else 1) for place in range(50)]
    with closing(connect(database, "test")) as connection:
        connection.execute(_REFUSALS[refusal].encode())
        stored = _store(database, messages)
        good = 50 - len(poisoned)
        assert [place + 1 for place in range(50) if place not in poisoned] == _sequences(connection)
        assert _counts(connection) == {
            ("reading", "accepted"): good,
            ("message", "decoded"): good,
            ("message", "rejected"): len(poisoned),
        }
        assert (good, len(poisoned)) == (
            sum(one.messages_decoded for one in stored),
            sum(one.messages_rejected for one in stored),
        )
        kept = connection.execute("select reason, detail, topic, payload, element from rejection").fetchall()
        expected = [
            ("not_storable", f"the database refused it: {refusal}", *messages[place], -1) for place in poisoned
        ]
        assert sorted(expected) == sorted(kept)


def test_nothing_is_stored_of_a_message_when_one_of_its_readings_is_refused(database: str) -> None:
    def array(*said: tuple[int, int]) -> tuple[str, bytes]:
        elements = [json.loads(_message(place, distance_mm)[1]) for place, distance_mm in said]
        for element in elements:
            del element["v"]
        return _message(0)[0], json.dumps({"v": 1, "readings": elements}).encode()

    messages = [array((0, 1), (1, 1)), array((2, 1), (3, _POISON), (4, 1)), _message(5), array((6, 1))]
    with closing(connect(database, "test")) as connection:
        connection.execute(_REFUSALS["CheckViolation"].encode())
        _store(database, messages)
        assert [1, 2, 6, 7] == _sequences(connection)
        assert {("reading", "accepted"): 4, ("message", "decoded"): 3, ("message", "rejected"): 1} == _counts(
            connection
        )


def test_other_fates_stay_as_they_are_when_a_message_among_them_is_refused(database: str) -> None:
    good, other = _message(0), _message(0, 2)
    messages = [good, _message(1, _POISON), good, other, (good[0], b"{"), ("elsewhere", b"x"), _message(2)]
    with closing(connect(database, "test")) as connection:
        connection.execute(_REFUSALS["CheckViolation"].encode())
        _store(database, messages)
        counts = _counts(connection)
        assert counts == {
            ("reading", "accepted"): 2,
            ("reading", "duplicate"): 1,
            ("reading", "conflict"): 1,
            ("message", "decoded"): 4,
            ("message", "rejected"): 3,
        }
        reasons = connection.execute("select reason from rejection order by 1").fetchall()
        assert [("not_storable",), ("payload_malformed",), ("topic_unknown",)] == reasons


def test_message_is_refused_once_when_it_comes_again_and_again(database: str) -> None:
    with closing(connect(database, "test")) as connection:
        connection.execute(_REFUSALS["NumericValueOutOfRange"].encode())
        for _ in range(3):
            _store(database, [_message(0, _POISON), _message(1)])
        assert 1 == len(connection.execute("select 1 from rejection").fetchall())
        assert 3 == _counts(connection)["message", "rejected"]
        assert {("reading", "accepted"): 1, ("reading", "duplicate"): 2}.items() <= _counts(connection).items()


_LOCATION = {"_type": "location", "tst": _START_US // 1_000_000, "lat": -33.42871, "lon": -70.6521}


def _refuse_fixes(connection: psycopg.Connection) -> None:
    connection.execute("alter table position_fix add constraint no_fix check (latitude_e7 <> -334287100)")


def test_person_is_not_named_when_the_server_refuses_a_location(database: str) -> None:
    with closing(connect(database, "test")) as connection:
        _refuse_fixes(connection)
        _store(database, [("owntracks/maria/phone-7", json.dumps(_LOCATION).encode())], _PHONES)
        rows = connection.execute("select reason, topic, payload from rejection").fetchall()
    assert [("not_storable", "owntracks/#", b"")] == rows


def test_position_is_withheld_when_the_server_refuses_a_fix_and_there_are_masks(database: str) -> None:
    said = {"v": 1, "time": START.isoformat(), "latitude": -33.42871, "longitude": -70.6521}
    with closing(connect(database, "test")) as connection:
        wide = masks.Area(0, 2**62, -900_000_000, 900_000_000, -1_800_000_000, 1_800_000_000)
        masks.replace(connection, "c", {("city", "truck-1"): [wide]}, START)
        _refuse_fixes(connection)
        _store(database, [(f"{ROOT}/city/truck-1/{POSITION_FIX.name}", json.dumps(said).encode())])
        rows = connection.execute("select reason, detail, payload from rejection").fetchall()
    assert [("not_storable", WITHHELD, b"")] == rows


def test_devices_are_not_mixed_up_when_halves_are_decoded_beside_the_next_batch() -> None:
    # What has to be halved is decoded again while the next batch is decoded in another thread.
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for attempt in range(30):
            taking = Decoding()
            together = threading.Barrier(2)

            def decode(side: str, taking: Decoding = taking, together: threading.Barrier = together) -> set[str]:
                names = [f"{side}-{place}" for place in range(200)]
                delivery = _delivery([_message(place, place, device=name) for place, name in enumerate(names)])
                together.wait(10)
                batch = taking.batch(delivery)
                (arrivals,) = batch.arrivals
                said = zip(arrivals.device.tolist(), arrivals.values[0].tolist(), strict=True)
                return {
                    batch.devices[device][1] for device, place in said if batch.devices[device][1] != names[place]
                }

            with ThreadPoolExecutor(2) as pool:
                wrong = [pool.submit(decode, side) for side in ("left", "right")]
                assert [set(), set()] == [one.result() for one in wrong], attempt
    finally:
        sys.setswitchinterval(before)


# In parts


def _history(weeks: int, *, devices: int = 3) -> Batch:
    readings = [
        (reading(f"bin-{place % devices}", at=instant(place * _WEEK_US + place), sequence=place + 1), START)
        for place in range(weeks)
    ]
    refused = Refused("x", b"{", START, ())
    batch = batch_of(readings, [refused], weeks + 1)
    return Batch(batch.devices, batch.arrivals, batch.refused, batch.messages, {(0, "fill_level", 5): 2})


@pytest.mark.parametrize("weeks", [0, 1, WEEKS_MAX, WEEKS_MAX + 1, 2 * WEEKS_MAX, 7_000])
def test_parts_hold_each_reading_once_when_a_batch_is_long(weeks: int) -> None:
    batch = _history(weeks)
    found = list(parts(batch))
    assert max(1, -(-weeks // WEEKS_MAX)) == len(found)
    arrivals = [one for part in found for one in part.arrivals]
    assert all(len(np.unique(one.event_time_us // _WEEK_US)) <= WEEKS_MAX for one in arrivals)
    sequences = Counter(number for one in arrivals for number in one.sequence.tolist())
    assert Counter(range(1, weeks + 1)) == sequences
    # Counted with the first alone.
    assert [(batch.messages, 1, 1)] + [(0, 0, 0)] * (len(found) - 1) == [
        (part.messages, len(part.refused), len(part.simulated)) for part in found
    ]


def test_parts_keep_kinds_together_when_their_weeks_differ() -> None:
    levels = _history(WEEKS_MAX).arrivals[0]
    later = _history(2 * WEEKS_MAX).arrivals[0].rows(np.arange(WEEKS_MAX, 2 * WEEKS_MAX))
    batch = Batch((), [levels, later], (), 2 * WEEKS_MAX)
    assert [[WEEKS_MAX], [WEEKS_MAX]] == [[len(one) for one in part.arrivals] for part in parts(batch)]


def _arrays(weeks: int) -> list[tuple[str, bytes]]:
    """Say a reading a week from 1970 on, 500 a message."""
    elements = [
        {"time": instant(week * _WEEK_US).isoformat(), "sequence": week + 1, "distance_mm": 1}
        for week in range(weeks)
    ]
    chunks = [elements[first : first + 500] for first in range(0, weeks, 500)]
    return [(_message(0)[0], json.dumps({"v": 1, "readings": chunk}).encode()) for chunk in chunks]


@pytest.mark.parametrize("weeks", [7_000])
def test_a_history_of_thousands_of_weeks_is_stored_soon_when_tables_are_plain(
    embedded_database: str, weeks: int
) -> None:
    _assert_is_stored(embedded_database, weeks, within_s=30)


def test_a_history_of_many_weeks_is_stored_when_each_is_a_chunk(timescale_database: str) -> None:
    _assert_is_stored(timescale_database, 10 * WEEKS_MAX, within_s=60)


def _assert_is_stored(dsn: str, weeks: int, *, within_s: float) -> None:
    messages = _arrays(weeks)
    began_s = time.monotonic()
    stored = _store(dsn, messages)
    took_s = time.monotonic() - began_s
    with closing(connect(dsn, "test")) as connection:
        assert list(range(1, weeks + 1)) == _sequences(connection)
        assert {("reading", "accepted"): weeks, ("message", "decoded"): len(messages)} == _counts(connection)
        hours = {hour: batch_seq for (_, hour), batch_seq in marks(connection).items()}
    # The batch of each part marks what it changed.
    assert [one.batch_seq for one in stored] == list(range(1, -(-weeks // WEEKS_MAX) + 1))
    assert hours == {_hour(week): 1 + week // WEEKS_MAX for week in range(weeks)}
    assert took_s < within_s


def _hour(week: int) -> datetime:
    return instant(0) + week * timedelta(weeks=1)


def test_long_history_and_a_refused_message_are_stored_when_in_one_batch(database: str) -> None:
    messages = [*_arrays(2 * WEEKS_MAX), _message(5_000, _POISON), _message(6_000)]
    with closing(connect(database, "test")) as connection:
        connection.execute(_REFUSALS["CheckViolation"].encode())
        _store(database, messages)
        assert [*range(1, 2 * WEEKS_MAX + 1), 6_001] == _sequences(connection)
        assert [("not_storable",)] == connection.execute("select reason from rejection").fetchall()
