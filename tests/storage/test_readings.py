"""Storing readings: exactly one outcome each, counts that add up, marks of what changed, nothing half done."""

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.readings import NOT_SAID, Clock, Outcome, Reading, Reason, Rejection
from storage import readings, sequence
from storage.connection import connect
from storage.instants import microseconds
from storage.readings import Batch
from storage.refusals import REJECTED_PAYLOAD_BYTES, Refused
from storage.sql import query
from tests.storage.cases import (
    EVER,
    LAST,
    START,
    batch_of,
    content,
    count_rows,
    counted,
    expected_outcomes,
    marks,
    put,
    reading,
    seen,
    writer,
)

_HOUR = timedelta(hours=1)
_A, _B, _C = reading(distance_mm=1), reading(distance_mm=2), reading(distance_mm=3)
_ON_A_DATABASE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_READINGS = st.builds(
    reading,
    st.sampled_from(["bin-1", "bin-2"]),
    at=st.sampled_from([START - timedelta(microseconds=1), START, START + timedelta(days=30)]),
    sequence=st.integers(0, 1),
    distance_mm=st.integers(0, 2),
    clock=st.sampled_from(Clock),
    network=st.none() | st.just(START),
)


def _sourced(several: list[Reading], source: str) -> list[Reading]:
    return [
        reading(
            one.device,
            at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=one.event_time_us),
            sequence=one.sequence,
            distance_mm=one.values[0],
            clock=one.clock,
            source=source,
        )
        for one in several
    ]


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        pytest.param([[_A]], [{"accepted": 1}], id="one"),
        pytest.param([[_A, _A]], [{"accepted": 1, "duplicate": 1}], id="duplicate_in_a_batch"),
        pytest.param([[_A], [_A]], [{"accepted": 1}, {"duplicate": 1}], id="duplicate_over_batches"),
        pytest.param([[_A, _B]], [{"accepted": 1, "conflict": 1}], id="conflict_in_a_batch"),
        pytest.param([[_A], [_B]], [{"accepted": 1}, {"conflict": 1}], id="conflict_over_batches"),
        pytest.param([[_A], [_B, _B]], [{"accepted": 1}, {"conflict": 1, "duplicate": 1}], id="same_conflict_twice"),
        pytest.param(
            [[_A], [_B], [_B]], [{"accepted": 1}, {"conflict": 1}, {"duplicate": 1}], id="duplicate_of_a_conflict"
        ),
        pytest.param([[_A, _B, _C]], [{"accepted": 1, "conflict": 2}], id="three_contents"),
        pytest.param(
            [[_A, _B, _A, _B, _C, _A]], [{"accepted": 1, "conflict": 2, "duplicate": 3}], id="all_in_one_batch"
        ),
    ],
)
def test_outcome_is_exactly_one_each_when_a_key_comes_again(
    database: str, batches: list[list[Reading]], expected: list[dict[str, int]]
) -> None:
    with writer(database) as connection:
        found = [put(connection, *batch).readings for batch in batches]
    assert [{outcome: n for outcome, n in one.items() if n} for one in found] == expected


def test_order_of_arrival_changes_nothing_when_batches_are_split_and_shuffled(database: str) -> None:
    number = 0
    with writer(database) as connection:

        @given(st.lists(_READINGS, max_size=10), st.data())
        @_ON_A_DATABASE
        def holds(several: list[Reading], data: st.DataObject) -> None:
            nonlocal number
            number += 1
            expected = sorted({content(one) for one in several})
            for arrangement in ("first", "second"):
                source = f"{arrangement}-{number}"
                rest = _sourced(data.draw(st.permutations(several)), source)
                while rest:
                    size = data.draw(st.integers(1, len(rest)))
                    put(connection, *rest[:size])
                    rest = rest[size:]
                assert expected == seen(connection, source=source)
                assert expected_outcomes(several) == counted(connection, source)

        holds()


def test_resend_is_a_duplicate_when_only_the_transport_differs(database: str) -> None:
    with writer(database) as connection:
        first = put(connection, reading())
        again = put(
            connection,
            reading(network=START + _HOUR, clock=Clock.AGREES),
            reading(network=START + 2 * _HOUR),
        )
    assert (first.readings[Outcome.ACCEPTED], again.readings[Outcome.DUPLICATE]) == (1, 2)


def test_resend_is_a_conflict_when_the_clock_is_found_wrong(database: str) -> None:
    with writer(database) as connection:
        put(connection, reading(clock=Clock.AGREES))
        again = put(connection, reading(clock=Clock.DISAGREES))
        both = [one[3] for one in seen(connection)]
    assert (again.readings[Outcome.CONFLICT], sorted(both)) == (1, [False, True])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(reading(sequence=1), id="sequence"),
        pytest.param(reading("bin-2"), id="device"),
        pytest.param(reading(source="other"), id="source"),
        pytest.param(reading(at=START + timedelta(microseconds=1)), id="a_microsecond"),
    ],
)
def test_reading_is_accepted_when_any_part_of_the_key_differs(database: str, other: Reading) -> None:
    with writer(database) as connection:
        put(connection, reading())
        assert put(connection, other).readings[Outcome.ACCEPTED] == 1


def test_everything_said_is_stored_as_said_when_accepted(database: str) -> None:
    said = reading(distance_mm=0, network=START + _HOUR, clock=Clock.AGREES)
    with writer(database) as connection:
        put(connection, said)
        row = connection.execute(
            "select event_time, event_time_source, device_time, network_time, sent_time, clock, distance_mm,"
            " fill_ppm, battery_mv, temperature_mdegc, tilt_deg, quality_code, received_time from fill_level"
        ).fetchone()
    assert row == (
        START, 1, START, START + _HOUR, None, 1, 0, None, None, None, None, None, START + timedelta(days=1)
    )  # fmt: skip


# Rejections


def _refused(payload: bytes = b"{", received: datetime = START, *indexes: int) -> Refused:
    rejections = [
        Rejection(Reason.READING_MALFORMED if index >= 0 else Reason.PAYLOAD_MALFORMED, "x", index, "city", "bin-1")
        for index in indexes or (-1,)
    ]
    return Refused("poniente/v1/city/bin-1/fill_level", payload, received, tuple(rejections))


def test_rejection_is_kept_once_and_counted_each_time_when_it_comes_again(database: str) -> None:
    with writer(database) as connection:
        for day in range(3):
            one = _refused(b"{", START + timedelta(days=day))
            readings.store(connection, Batch([], [], [one, one], 2), START)
        kept = connection.execute("select reason, first_received_time from rejection").fetchall()
        count = connection.execute(
            "select hour, sum(n)::bigint from ingest_count where unit = 'message' group by 1 order by 1"
        ).fetchall()
    assert (kept, count) == (
        [("payload_malformed", START)],
        [(START + timedelta(days=day), 2) for day in range(3)],
    )


def test_message_is_decoded_when_only_its_elements_are_rejected(database: str) -> None:
    with writer(database) as connection:
        stored = readings.store(connection, Batch([], [], [_refused(b"[]", START, 0, 4)], 1), START)
        kept = connection.execute("select element, reason from rejection order by element").fetchall()
    assert (stored.messages_decoded, stored.messages_rejected, stored.readings[Outcome.REJECTED], kept) == (
        1,
        0,
        2,
        [(0, "reading_malformed"), (4, "reading_malformed")],
    )


def test_rejection_is_kept_when_text_and_payload_are_hostile(database: str) -> None:
    rejection = Rejection(Reason.READING_MALFORMED, "a\0b" + 5_000 * "\u00e9", 0)
    one = Refused("t\0" + 5_000 * "\U0001f5d1", bytes(range(256)) * 300, START, (rejection,))
    with writer(database) as connection:
        readings.store(connection, Batch([], [], [one], 1), START)
        row = connection.execute(
            "select length(topic), length(detail), length(payload), payload_bytes from rejection"
        ).fetchone()
    assert row == (1_000, 1_000, REJECTED_PAYLOAD_BYTES, 76_800)


def test_messages_differ_when_the_topic_does(database: str) -> None:
    rejections = (Rejection(Reason.TOPIC_UNKNOWN, "x"),)
    refused = [Refused(topic, b"{}", START, rejections) for topic in ("a", "b", "a")]
    with writer(database) as connection:
        readings.store(connection, Batch([], [], refused, 3), START)
        assert count_rows(connection)["rejection"] == 2


# Counts


def test_counts_add_up_to_what_was_sent_when_batches_are_mixed(database: str) -> None:
    several = [
        reading(f"bin-{place % 3}", at=START + (place % 5) * timedelta(minutes=40), distance_mm=place % 4)
        for place in range(60)
    ]
    with writer(database) as connection:
        for first, until in pairwise([0, 1, 20, 21, 60]):
            readings.store(connection, batch_of(several[first:until], [_refused(b"[]", START, 0, 1)]), START)
        rows = connection.execute(
            "select device, hour, sum(n)::bigint from ingest_count join device using (device_id)"
            " where unit = 'reading' and outcome <> 'rejected' group by 1, 2"
        ).fetchall()
        total = counted(connection)
        messages = connection.execute(
            "select outcome, sum(n)::bigint from ingest_count where unit = 'message' group by 1"
        ).fetchall()
        nobodys = connection.execute(
            "select outcome, sum(n)::bigint from ingest_count where unit = 'reading' and device_id = 0 group by 1"
        ).fetchall()
    hours = Counter(
        (one.device, START + timedelta(hours=(place % 5) * 40 // 60)) for place, one in enumerate(several)
    )
    assert {(device, hour): n for device, hour, n in rows} == hours
    # Of a device that had sent nothing good yet, nobody is known to have sent it.
    assert (total, nobodys) == ({**expected_outcomes(several), "rejected": 6}, [("rejected", 2)])
    assert messages == [("decoded", 64)]


def test_count_of_devices_is_half_open_in_hours_when_asked(database: str) -> None:
    with writer(database) as connection:
        put(connection, *(reading(at=START + place * _HOUR) for place in range(4)))
        put(connection, reading("other"))
        span = {"sources": ["city"], "devices": ["bin-1"], "first": START + _HOUR, "until": START + 3 * _HOUR}
        rows = connection.execute(query("readings", "count_of_devices"), span).fetchall()
    assert rows == [("accepted", 2)]


@pytest.mark.parametrize(
    "zone", ["America/Santiago", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "Europe/Madrid"]
)
def test_counts_and_marks_are_the_same_when_the_session_is_in_an_odd_time_zone(database: str, zone: str) -> None:
    # Nights on which clocks go back, and forth, in Santiago and Madrid, by quarters of an hour.
    nights = [datetime(2026, 4, 5, 1, tzinfo=UTC), datetime(2026, 9, 6, 2, tzinfo=UTC)]
    nights.append(datetime(2026, 10, 24, 23, tzinfo=UTC))
    several = [
        reading(at=night + quarter * timedelta(minutes=15), distance_mm=content)
        for night in nights
        for quarter in range(20)
        for content in (1, 1, 2)
    ]
    with closing(psycopg.connect(database, autocommit=True, options=f"-c timezone={zone}")) as connection:
        readings.prepare(connection)
        put(connection, *several[::2])
        put(connection, *several)
    both = [*several[::2], *several]
    with writer(database) as connection:
        rows = connection.execute("select hour, sum(n)::bigint from ingest_count where unit = 'reading' group by 1")
        found = dict(rows.fetchall())
        assert expected_outcomes(both) == counted(connection)
        expected = Counter(datetime.fromtimestamp(one.event_time_us // 3_600_000_000 * 3_600, UTC) for one in both)
        assert expected == found
        assert {hour for _, hour in marks(connection)} == set(expected)


def test_session_is_in_utc_when_the_database_says_otherwise(database: str) -> None:
    with closing(connect(database, "test")) as connection:
        connection.execute("do $$ begin execute format('alter database %I set timezone to ''America/Santiago''',"
                           " current_database()); end $$")  # fmt: skip
    with closing(connect(database, "test")) as connection:
        assert connection.execute("select current_setting('timezone')").fetchone() == ("UTC",)


# Marks


def test_touched_carries_the_newest_batch_when_an_hour_changes_again(database: str) -> None:
    with writer(database) as connection:
        put(connection, reading(), reading(at=START + _HOUR), reading("bin-2"))
        second = put(connection, reading(distance_mm=1)).batch_seq
        assert marks(connection) == {
            ("bin-1", START): second,
            ("bin-1", START + _HOUR): second - 1,
            ("bin-2", START): second - 1,
        }


def test_touched_is_left_alone_when_a_batch_changes_nothing(database: str) -> None:
    with writer(database) as connection:
        put(connection, _A, _B)
        before = marks(connection)
        put(connection, _A, _B, _A)
        readings.store(connection, Batch([], [], [_refused()], 1), START)
        readings.store(connection, Batch([], [], [], 1), START)
        assert marks(connection) == before


def test_only_changed_hours_are_marked_when_a_batch_is_partly_known(database: str) -> None:
    with writer(database) as connection:
        put(connection, reading())
        second = put(connection, reading(), reading(at=START + _HOUR)).batch_seq
        assert marks(connection) == {("bin-1", START): second - 1, ("bin-1", START + _HOUR): second}


# Reading back


def test_known_through_limits_what_is_read_when_more_is_stored(database: str) -> None:
    batches = [[_A], [_B], [reading(at=START + _HOUR)], [_A], [_C]]
    with writer(database) as connection:
        numbers = [put(connection, *batch).batch_seq for batch in batches]
        found = [len(seen(connection, known_through=number)) for number in [0, *numbers, LAST]]
    assert found == [0, 1, 2, 3, 3, 4, 4]


def test_span_is_half_open_when_read(database: str) -> None:
    tick = timedelta(microseconds=1)
    with writer(database) as connection:
        put(connection, *(reading(at=START + k * tick, distance_mm=d) for k in range(-2, 3) for d in (1, 2)))
        found = [one[1] for one in seen(connection, span=(START - tick, START + tick))]
    start_us = microseconds(START)
    assert found == [start_us - 1, start_us - 1, start_us, start_us]


def test_columns_are_sorted_by_the_full_key_when_read(database: str) -> None:
    several = [
        reading(device, at=START + t * _HOUR, sequence=s, distance_mm=d)
        for d in (2, 1)
        for s in (1, 0)
        for t in (9, 400, 0)
        for device in ("bin-2", "bin-1")
    ]
    with writer(database) as connection:
        put(connection, *several)
        ids = readings.device_ids(connection, [("city", "bin-1"), ("city", "bin-2"), ("city", "never")])
        levels = readings.read_columns(connection, FILL_LEVEL, list(ids.values()), EVER, LAST)
    digests = [one.tobytes() for one in levels.digest]
    keys = list(
        zip(levels.device_id.tolist(), levels.event_time_us.tolist(), levels.sequence.tolist(), digests, strict=True)
    )
    assert (len(several), sorted(keys)) == (len(levels), keys)


@pytest.mark.parametrize("devices", [[], [10**9]])
def test_nothing_is_read_when_the_devices_are_unknown(database: str, devices: list[int]) -> None:
    with writer(database) as connection:
        put(connection, reading())
        assert len(readings.read_columns(connection, FILL_LEVEL, devices, EVER, LAST)) == 0


def test_not_said_is_read_as_not_said_when_stored(database: str) -> None:
    with writer(database) as connection:
        put(connection, reading(distance_mm=0))
        ((*_, distance_mm, fill_ppm, quality_code, _digest),) = seen(connection)
    assert (distance_mm, fill_ppm, quality_code) == (0, NOT_SAID, NOT_SAID)


# All or nothing


@pytest.mark.parametrize("what", ["value", "device", "refused"])
def test_nothing_is_left_when_a_batch_cannot_be_written(database: str, what: str) -> None:
    refused: list[Refused] = []
    several = [reading(), reading("bin-2")]
    if what == "value":
        several.append(reading(distance_mm=2**31))
    elif what == "device":
        several.append(reading("bin\0"))
    else:
        refused = [_refused(), _refused(b"{", START, 2**31)]
    with writer(database) as connection:
        empty = count_rows(connection)
        with pytest.raises(Exception, match=r"."):
            readings.store(connection, batch_of(several, refused), START)
        assert count_rows(connection) == empty
        # The connection is as good as new, and the number was not used up.
        assert put(connection, reading()).batch_seq == 1


def test_batch_is_undone_when_its_caller_rolls_back(database: str) -> None:
    with writer(database) as connection:
        empty = count_rows(connection)
        connection.execute("begin")
        put(connection, _A, _B)
        connection.execute("rollback")
        assert count_rows(connection) == empty


def test_a_sequence_number_is_taken_when_a_batch_holds_no_reading(database: str) -> None:
    with writer(database) as connection:
        stored = readings.store(connection, Batch([], [], [], 1), START)
        assert (stored.batch_seq, stored.messages_decoded, sequence.last(connection)) == (1, 1, 1)


def test_a_batch_of_ten_thousand_is_stored_once_when_it_comes_twice(database: str) -> None:
    several = [reading(f"bin-{n % 100}", at=START + n * timedelta(seconds=30)) for n in range(10_000)]
    with writer(database) as connection:
        outcomes = [put(connection, *several).readings for _ in range(2)]
    assert [one.get(Outcome.ACCEPTED, 0) for one in outcomes] == [10_000, 0]
    assert [one.get(Outcome.DUPLICATE, 0) for one in outcomes] == [0, 10_000]


# Never changed

# What money rests on; those not in this release's schema are looked for in vain.
_LEDGERS = ("contract_version", "installation", "determination", "act", "statement", "ledger", "committed")


@pytest.mark.parametrize("table", ["fill_level", "fill_level_conflict", "rejection", "committed"])
def test_update_is_refused_when_a_row_is_stored(database: str, table: str) -> None:
    with writer(database) as connection:
        readings.store(connection, batch_of([_A, _B], [_refused()]), START)
        changes = {
            "fill_level": "update fill_level set distance_mm = 5",
            "fill_level_conflict": "update fill_level_conflict set distance_mm = 5",
            "rejection": "update rejection set reason = 'x'",
            "committed": "update committed set what = 'x'",
        }
        with pytest.raises(psycopg.errors.RaiseException, match=r"never changed"):
            connection.execute(changes[table].encode())


def test_update_is_refused_when_a_reading_is_inserted_over_another(database: str) -> None:
    with writer(database) as connection:
        put(connection, _A)
        with pytest.raises(psycopg.errors.RaiseException, match=r"never changed"):
            connection.execute(
                "insert into fill_level select * from fill_level"
                " on conflict (device_id, event_time, sequence) do update set distance_mm = 5"
            )


@pytest.mark.parametrize("verb", ["delete from", "truncate"])
def test_removal_is_refused_when_the_row_is_a_committed_number(database: str, verb: str) -> None:
    with writer(database) as connection:
        put(connection, _A)
        with pytest.raises(psycopg.errors.RaiseException, match=r"never changed"):
            connection.execute(f"{verb} committed".encode())


def test_ledgers_refuse_change_and_removal_when_they_exist(database: str) -> None:
    with writer(database) as connection:
        rows = connection.execute(
            "select c.relname, bool_or(t.tgtype & 16 > 0), bool_or(t.tgtype & 8 > 0), bool_or(t.tgtype & 32 > 0)"
            " from pg_class c left join pg_trigger t on t.tgrelid = c.oid and t.tgenabled = 'O'"
            " and t.tgfoid = to_regproc('refuse_change') and t.tgtype & 2 > 0"
            " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname = any(%s) group by 1",
            [list(_LEDGERS)],
        ).fetchall()
    assert {name: refused for name, *refused in rows} == {name: [True, True, True] for name, *_ in rows}
    assert "committed" in {name for name, *_ in rows}
