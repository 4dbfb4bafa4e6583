"""Collection masks: what lies outside is counted and leaves nothing else behind, by whichever door it came."""

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from ingest.accept import NATIVE, accept
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.readings import Clock, Reason, Rejection
from sensors.topics import ROOT
from storage import masks, readings, sequence
from storage.connection import connect
from storage.errors import StorageError
from storage.instants import microseconds
from storage.masks import Area, Masks
from storage.readings import Batch
from storage.refusals import WITHHELD, Refused
from tests.storage.cases import EVER, LAST, START, decoded, writer

_RECEIVED = START + timedelta(hours=5)
_START_US = microseconds(START)
_HOUR_US = 3_600_000_000
_TRUCK = ("city", "truck-1")
_OTHER = ("city", "truck-2")
# One hour in a square around 12.5 S 34.5 W.
_AREA = Area(_START_US, _START_US + _HOUR_US, -126_000_000, -124_000_000, -346_000_000, -344_000_000)
_INSIDE = (-12.5, -34.5)
# Digits that stand nowhere else.
_OUTSIDE = (-23.7654321, -41.8765432)
_TRACES = ("237654321", "23.7654321", "418765432", "41.8765432", "61234", "61.234")


def _fix(
    at_s: float = 60.0, where: tuple[float, float] = _OUTSIDE, *, sequence: int = 0, **more: object
) -> dict[str, Any]:
    time = (START + timedelta(seconds=at_s)).isoformat()
    return {
        "time": time, "sequence": sequence, "latitude": where[0], "longitude": where[1], "speed_mps": 61.234, **more
    }  # fmt: skip


def _message(fixes: Sequence[object], device: tuple[str, str] = _TRUCK, **more: object) -> tuple[str, bytes]:
    payload = json.dumps({"v": 1, "readings": fixes, **more}).encode()
    return f"{ROOT}/{device[0]}/{device[1]}/position_fix", payload


def _store(connection: psycopg.Connection, *messages: tuple[str, bytes], what: str = "readings") -> dict[str, int]:
    stored = readings.store(connection, decoded(messages, _RECEIVED), _RECEIVED, what=what)
    return {outcome.value: n for outcome, n in stored.readings.items() if n}


def _kept(connection: psycopg.Connection, device: tuple[str, str] = _TRUCK) -> int:
    ids = readings.device_ids(connection, [device])
    return len(readings.read_columns(connection, POSITION_FIX, list(ids.values()), EVER, LAST))


def _everything(connection: psycopg.Connection) -> str:
    """Give every row of every table as text, bytes both as hexadecimal and as what they spell."""
    names = connection.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchall()
    found: list[str] = []
    for (name,) in names:
        rows = connection.execute(sql.SQL("select * from {}").format(sql.Identifier(name))).fetchall()
        for row in rows:
            found += [one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in row]
        texts = connection.execute(sql.SQL("select t::text from {} t").format(sql.Identifier(name)))
        found += [text for (text,) in texts]
    return "\n".join(found)


def _counts(connection: psycopg.Connection) -> list[tuple[str, str, datetime, int]]:
    return connection.execute(
        "select device, outcome, hour, sum(n)::bigint from ingest_count join device using (device_id)"
        " where unit = 'reading' group by 1, 2, 3"
        " order by device, outcome, hour"
    ).fetchall()


def test_fixes_are_kept_or_reduced_when_the_device_has_a_mask(database: str) -> None:
    disagreeing: dict[str, Any] = {"sent_time": "2026-09-01T00:00:00Z", "network_time": START.isoformat()}
    fixes = [
        _fix(60, _INSIDE),
        _fix(61),
        _fix(-1, _INSIDE, sequence=5),
        _fix(3_600, _INSIDE, sequence=6),
        _fix(0, (-12.6, -34.6), sequence=7),
    ]
    with writer(database) as connection:
        masks.replace(connection, "c", {_TRUCK: [_AREA]}, START)
        assert _store(connection, _message(fixes)) == {"accepted": 2, "reduced": 3}
        assert _store(connection, _message([_fix(62)], **disagreeing)) == {"reduced": 1}
        assert (_kept(connection), _counts(connection)) == (
            2,
            [
                ("truck-1", "accepted", START, 2),
                ("truck-1", "reduced", START - timedelta(hours=1), 1),
                ("truck-1", "reduced", START, 2),
                ("truck-1", "reduced", START + timedelta(hours=1), 1),
            ],
        )


@pytest.mark.parametrize("what", ["readings", "import"])
def test_nothing_of_the_position_is_anywhere_when_reduced(database: str, what: str) -> None:
    time_us = _START_US + 60_123_456
    with writer(database) as connection:
        masks.replace(connection, "c", {_TRUCK: [_AREA]}, START)
        assert _store(connection, _message([_fix(60.123456)]), what=what) == {"reduced": 1}
        text = _everything(connection)
        row = connection.execute("select received_hour from reduced_fix").fetchone()
        assert [] == [trace for trace in (*_TRACES, "60.123456", "01:00.123", str(time_us)) if trace in text]
        assert row == (START + timedelta(hours=5),)
        # The search finds what is there: the same fix of a device without a mask.
        _store(connection, _message([_fix(60.123456)], _OTHER), what=what)
        assert [trace for trace in _TRACES if trace in _everything(connection)] == ["237654321", "418765432", "61234"]


def test_redelivery_counts_once_when_reduced(database: str) -> None:
    one = _message([_fix(1), _fix(1), _fix(2)])
    with writer(database) as connection:
        masks.replace(connection, "c", {_TRUCK: [_AREA]}, START)
        found = [_store(connection, one, one), _store(connection, one)]
    with writer(database) as connection:
        found.append(_store(connection, one))
        assert {outcome: n for _, outcome, _, n in _counts(connection)} == {"reduced": 2, "duplicate": 10}
    assert found == [{"reduced": 2, "duplicate": 4}, {"duplicate": 3}, {"duplicate": 3}]


def test_other_content_under_one_key_is_reduced_too_when_outside(database: str) -> None:
    with writer(database) as connection:
        masks.replace(connection, "c", {_TRUCK: [_AREA]}, START)
        _store(connection, _message([_fix(60, _INSIDE)]))
        assert _store(connection, _message([_fix(60), _fix(60, ignition=1)])) == {"reduced": 2}
        assert _kept(connection) == 1


def test_a_new_revision_is_noticed_when_the_connection_stays(database: str) -> None:
    with writer(database) as connection, closing(connect(database, "test")) as job:
        found = [_store(connection, _message([_fix(1)]))]
        masks.replace(job, "c", {_TRUCK: []}, START)
        found.append(_store(connection, _message([_fix(2)])))
        masks.replace(job, "c", {_TRUCK: [_wide()]}, START)
        found.append(_store(connection, _message([_fix(3)])))
        # Stored before the mask, so it is there already; reduced before the wider mask, so it is kept now.
        found.append(_store(connection, _message([_fix(1), _fix(2)])))
        masks.replace(job, "c", {_TRUCK: []}, START)
        found.append(_store(connection, _message([_fix(1)])))
    assert found == [
        {"accepted": 1},
        {"reduced": 1},
        {"accepted": 1},
        {"accepted": 1, "duplicate": 1},
        {"duplicate": 1},
    ]


def _wide() -> Area:
    return Area(0, 2**62, -900_000_000, 900_000_000, -1_800_000_000, 1_800_000_000)


def test_a_revision_that_was_rolled_back_is_forgotten_when_another_follows(database: str) -> None:
    with writer(database) as connection:
        connection.execute("begin")
        masks.replace(connection, "c", {_TRUCK: []}, START)
        assert masks.current(connection).areas.keys() == {_TRUCK}
        connection.execute("rollback")
        assert _store(connection, _message([_fix(1)])) == {"accepted": 1}
        masks.replace(connection, "c", {_OTHER: []}, START)
        assert masks.current(connection).areas.keys() == {_OTHER}


def test_a_device_keeps_what_either_mask_keeps_when_it_serves_two_contracts(database: str) -> None:
    fixes = [_fix(1, _INSIDE), _fix(2)]
    with writer(database) as connection:
        masks.replace(connection, "a", {_TRUCK: [_AREA]}, START)
        masks.replace(connection, "b", {_TRUCK: []}, START)
        assert _store(connection, _message(fixes)) == {"accepted": 1, "reduced": 1}
        masks.replace(connection, "b", {_TRUCK: [_wide()]}, START)
        assert _store(connection, _message([_fix(3)])) == {"accepted": 1}
        masks.replace(connection, "a", {_TRUCK: []}, START)
        masks.replace(connection, "b", {_TRUCK: []}, START)
        assert _store(connection, _message([_fix(4, _INSIDE)])) == {"reduced": 1}


def test_other_devices_and_kinds_are_kept_when_one_has_a_mask(database: str) -> None:
    level = (f"{ROOT}/city/truck-1/fill_level", b'{"v":1,"time":"2026-09-05T23:59:00Z","distance_mm":1}')
    with writer(database) as connection:
        masks.replace(connection, "c", {_TRUCK: []}, START)
        assert _store(connection, level, _message([_fix(1)], _OTHER), _message([_fix(1)], ("x", "truck-1"))) == {
            "accepted": 3
        }


def test_revisions_are_appended_when_replaced_and_left_alone_when_the_same(database: str) -> None:
    more = Area(_START_US + _HOUR_US, _START_US + 2 * _HOUR_US, -1, 1, -1, 1)
    wanted: list[dict[tuple[str, str], list[Area]]] = [
        {_TRUCK: [_AREA, more]},
        {_TRUCK: [more, _AREA, more]},
        {_TRUCK: [more]},
        {_OTHER: []},
    ]
    with closing(connect(database, "test")) as connection:
        numbers = [masks.replace(connection, "c", one, START) for one in wanted]
        rows = connection.execute("select device, seq from mask_revision order by revision").fetchall()
        found = masks.read(connection)
        assert sequence.last(connection) == numbers[-1]
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            connection.execute("delete from collection_mask")
    assert (numbers, rows) == ([1, 2, 3, 4], [("truck-1", 1), ("truck-1", 3), ("truck-2", 4)])
    assert {device: table.tolist() for device, table in found.areas.items()} == {
        _TRUCK: [[_START_US + _HOUR_US, _START_US + 2 * _HOUR_US, -1, 1, -1, 1]],
        _OTHER: [],
    }


@pytest.mark.parametrize(
    ("areas", "match"),
    [
        ([Area(0, 1, 1, 0, 0, 0)], "wrong way round"),
        ([Area(0, 1, 0, 0, 1, 0)], "antimeridian"),
        ([_AREA] * (masks.AREAS_MAX + 1), "exceeds 25000"),
    ],
)
def test_replace_refuses_when_an_area_cannot_be(embedded_database: str, areas: list[Area], match: str) -> None:
    with closing(connect(embedded_database, "test")) as connection:
        with pytest.raises(StorageError, match=match):
            masks.replace(connection, "c", {_TRUCK: areas}, START)
        assert sequence.last(connection) == 0


def test_secret_is_of_the_database_and_never_changed_when_migrated(database: str) -> None:
    with closing(connect(database, "test")) as connection:
        assert len(masks.read(connection).secret) == 32
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            connection.execute("update digest_secret set secret = 'x'")


# Rejections


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("truck-1/position_fix", json.dumps({"v": 1, **_fix(1), "x": 1})),
        ("truck-1/position_fix", json.dumps({"v": 1, **_fix(1, (-23.7654321, 418.765432))})),
        ("truck-1/position_fix", json.dumps({"v": 1, "readings": [_fix(1, _INSIDE), {**_fix(2), "-23.7654321": 1}]})),
        ("truck-1/position_fix", json.dumps({"v": 1, **_fix(1)})[:-1]),
        ("truck-1/position", json.dumps({"v": 1, **_fix(1)})),
        ("truck-1/position_fix/more", json.dumps({"v": 1, **_fix(1)})),
    ],
)
def test_payload_is_withheld_when_a_message_of_a_masked_device_is_rejected(
    database: str, topic: str, payload: str
) -> None:
    one = (f"{ROOT}/city/{topic}", payload.encode())
    with writer(database) as connection:
        masks.replace(connection, "c", {_TRUCK: [_AREA]}, START)
        for _ in range(2):
            readings.store(connection, decoded([one]), START)
        rows = connection.execute("select payload, payload_bytes, detail, count(*) over () from rejection").fetchall()
        text = _everything(connection)
        assert rows == [(b"", len(payload), WITHHELD, 1)]
        # The speed of a neighbour inside the mask is stored, and the same.
        assert [] == [trace for trace in _TRACES[:4] if trace in text]


def test_payload_is_kept_when_the_sender_has_no_mask(database: str) -> None:
    rejection = Rejection(Reason.PAYLOAD_MALFORMED, "x", -1, *_OTHER)
    with writer(database) as connection:
        masks.replace(connection, "c", {_TRUCK: []}, START)
        readings.store(connection, Batch([], [], [Refused("t", b"{", START, (rejection,))], 1), START)
        assert connection.execute("select payload, detail from rejection").fetchall() == [(b"{", "x")]


# The comparison itself

_EDGES = st.integers(-3, 3)
_SIDES = st.integers(0, 3)


def _area(since: int, length: int, corner: tuple[int, int], sides: tuple[int, int]) -> Area:
    (south, west), (height, width) = corner, sides
    since_us = _START_US + since
    return Area(since_us, since_us + length, south, south + height, west, west + width)


_AREAS = st.lists(
    st.builds(_area, st.integers(0, 8), st.integers(0, 5), st.tuples(_EDGES, _EDGES), st.tuples(_SIDES, _SIDES)),
    max_size=6,
)
_FIXES = st.lists(st.tuples(st.integers(-1, 14).map(lambda one: _START_US + one), _EDGES, _EDGES), max_size=12)


def _is_in(area: Area, fix: tuple[int, int, int]) -> bool:
    time_us, latitude, longitude = fix
    return (
        area.since_us <= time_us < area.until_us
        and area.min_latitude_e7 <= latitude <= area.max_latitude_e7
        and area.min_longitude_e7 <= longitude <= area.max_longitude_e7
    )


@given(_AREAS, _FIXES)
def test_keeps_is_what_the_areas_say_one_by_one_when_they_overlap(
    areas: list[Area], fixes: list[tuple[int, int, int]]
) -> None:
    held = Masks(1, b"x", {_TRUCK: masks.table_of(areas)})
    columns = np.array(fixes, np.int64).reshape(-1, 3).T
    assert [any(_is_in(area, fix) for area in areas) for fix in fixes] == held.keeps(_TRUCK, *columns).tolist()
    assert [True] * len(fixes) == held.keeps(_OTHER, *columns).tolist()


def test_what_is_said_here_is_a_fix_when_decoded() -> None:
    (one,) = accept(
        NATIVE, f"{ROOT}/city/truck-1/position_fix", json.dumps({"v": 1, **_fix(60.123456)}).encode()
    ).readings
    assert (one.event_time_us, one.clock, one.values[:3]) == (
        _START_US + 60_123_456,
        Clock.UNCHECKED,
        (-237_654_321, -418_765_432, 61_234),
    )
    assert datetime.fromtimestamp(_START_US // 1_000_000, UTC) == START
