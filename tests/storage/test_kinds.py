"""Every kind from its declaration alone: tables made, said and stored, read back, counted; and one that is new."""

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from ingest.accept import NATIVE, accept
from sensors import kinds as folder
from sensors.quantities import BATTERY, COUNT, PLACE, Quantity, Word
from sensors.readings import Clock, Kind, Outcome, Reading, content_digest
from sensors.registry import kinds
from sensors.topics import ROOT
from storage import kinds as tables
from storage import readings
from storage.connection import connect
from storage.errors import MigrationError
from storage.instants import microseconds
from storage.migrate import is_current, migrate
from tests.sensors.cases import Said, least, message_of, said_by
from tests.storage.cases import EVER, LAST, START, batch_of, decoded, put, writer

_KINDS = pytest.mark.parametrize("name", sorted(kinds()))
_HOUR = timedelta(hours=1)
_TICK = timedelta(microseconds=1)
_DAY_US = 86_400_000_000
_START_US = microseconds(START)


def _accepted(kind: Kind, device: str, elements: Sequence[tuple[int, int, Said]]) -> list[Reading]:
    """Say elements of (event time, sequence, what) as a device would, and accept them."""
    said = [
        {
            "time": (datetime.fromtimestamp(0, UTC) + time_us * _TICK).isoformat(),
            "sequence": number,
            **message_of(kind, what),
        }
        for time_us, number, what in elements
    ]
    found = accept(NATIVE, f"{ROOT}/city/{device}/{kind.name}", json.dumps({"v": 1, "readings": said}).encode())
    assert found.rejections == []
    return found.readings


def _rows(several: Sequence[Reading]) -> list[tuple[Any, ...]]:
    """Lay distinct readings out as they must be read back."""
    rows = {
        (one.device, one.event_time_us, one.sequence, content_digest(one.values, one.clock, one.words)): (
            *one.values,
            *one.words,
        )
        for one in several
    }
    return [(*key, *said) for key, said in sorted(rows.items())]


def _seen(connection: psycopg.Connection, kind: Kind, device: str) -> list[tuple[Any, ...]]:
    ids = readings.device_ids(connection, [("city", device)])
    found = readings.read_columns(connection, kind, list(ids.values()), EVER, LAST)
    assert (kind, len(found)) == (found.kind, len(found.digest))
    assert [one.name for one in kind.quantities] == list(found.numbers)
    assert [one.name for one in kind.words] == list(found.words)
    columns: list[list[Any]] = [
        [device] * len(found),
        found.event_time_us.tolist(),
        found.sequence.tolist(),
        [digest.tobytes() for digest in found.digest],
        *(column.tolist() for column in found.numbers.values()),
        *(column.tolist() for column in found.words.values()),
    ]
    return list(zip(*columns, strict=True))


def _outcomes(stored: readings.Stored) -> dict[str, int]:
    return {outcome.value: n for outcome, n in stored.readings.items() if n}


@_KINDS
def test_everything_said_is_read_back_when_it_came_as_json(database: str, name: str) -> None:
    kind = kinds()[name]
    elements = st.lists(
        st.tuples(st.sampled_from([_START_US, _START_US + 1, _START_US + 30 * _DAY_US]), st.integers(0, 2**53),
                  said_by(kind)), max_size=8
    )  # fmt: skip
    number = 0
    with writer(database) as connection:

        @given(elements)
        @settings(max_examples=12, deadline=None)
        def holds(said: list[tuple[int, int, Said]]) -> None:
            nonlocal number
            number += 1
            device = f"{number:04d}"
            several = _accepted(kind, device, said)
            put(connection, *several)
            assert _rows(several) == _seen(connection, kind, device)
            put(connection, *reversed(several))
            assert _rows(several) == _seen(connection, kind, device)

        holds()


@_KINDS
def test_duplicate_and_conflict_are_told_apart_when_a_key_comes_again(database: str, name: str) -> None:
    kind = kinds()[name]
    (one,) = _accepted(kind, "a", [(_START_US, 1, least(kind))])
    other = replace(one, clock=Clock.DISAGREES)
    with writer(database) as connection:
        found = [_outcomes(put(connection, *batch)) for batch in ([one, one], [one, other], [other])]
        assert len(_seen(connection, kind, "a")) == 2
        counts = connection.execute(
            "select kind, outcome, sum(n)::bigint from ingest_count where unit = 'reading' group by 1, 2 order by 2"
        )
        assert counts.fetchall() == [(name, "accepted", 1), (name, "conflict", 1), (name, "duplicate", 3)]
        assert connection.execute("select kind, hour from touched").fetchall() == [(name, START)]
    assert found == [{"accepted": 1, "duplicate": 1}, {"duplicate": 1, "conflict": 1}, {"duplicate": 1}]


@pytest.mark.parametrize("column", ["word", "number"])
def test_conflict_is_found_when_only_one_column_differs(database: str, column: str) -> None:
    kind = kinds()["weigh_ticket"]
    said = {"ticket": "a", "weight_g": 1}
    others = {"word": {"ticket": "b"}, "number": {"weight_g": 2}}
    both = [_accepted(kind, "a", [(_START_US, 1, one)])[0] for one in (said, {**said, **others[column]})]
    with writer(database) as connection:
        assert _outcomes(put(connection, *both)) == {"accepted": 1, "conflict": 1}
        assert _rows(both) == _seen(connection, kind, "a")


def test_kinds_share_a_number_and_keep_apart_when_in_one_batch(database: str) -> None:
    every = [_accepted(kind, "a", [(_START_US, 1, least(kind))])[0] for kind in kinds().values()]
    with writer(database) as connection:
        stored = put(connection, *every)
        assert (stored.batch_seq, _outcomes(stored)) == (1, {"accepted": len(every)})
        for one in every:
            assert _rows([one]) == _seen(connection, one.kind, "a")
        marks = connection.execute("select kind, batch_seq from touched order by kind").fetchall()
        assert marks == [(kind, 1) for kind in kinds()]
        span = (START, START + _HOUR)
        assert readings.count_of_devices(connection, [("city", "a")], span) == {"accepted": len(every)}
        assert [readings.is_touched_since(connection, [("city", "a")], span, seq) for seq in (0, 1)] == [True, False]


def test_nothing_is_left_of_any_kind_when_one_cannot_be_written(database: str) -> None:
    kind = kinds()["report"]
    good = _accepted(kind, "a", [(_START_US, 1, least(kind))])
    bad = replace(good[0], sequence=2, words=("a\0", "2026-09-05", ""))
    level = _accepted(kinds()["fill_level"], "a", [(_START_US, 1, {"distance_mm": 1})])
    with writer(database) as connection:
        with pytest.raises(psycopg.DataError):
            put(connection, *level, *good, bad)
        assert [_seen(connection, one, "a") for one in (kind, kinds()["fill_level"])] == [[], []]
        assert put(connection, *level).batch_seq == 1


@_KINDS
def test_a_reading_is_shown_as_said_when_people_ask(database: str, name: str) -> None:
    kind = kinds()[name]
    said = least(kind)
    several = _accepted(kind, "a", [(_START_US, 1, said), (_START_US + 1, 2, said)])
    with writer(database) as connection:
        put(connection, *several)
        ids = readings.device_ids(connection, [("city", "a")])
        shown = readings.said_between(connection, kind, ids["city", "a"], (START, START + _TICK))
    names = [one.name for one in (*kind.quantities, *kind.words)]
    digest = content_digest(several[0].values, several[0].clock, several[0].words)
    assert [(START, 1, 0, names, {one: said.get(one) for one in names}, digest.hex(), START + timedelta(days=1))] == [
        (one.event_time, one.sequence, one.clock, list(one.values), one.values, one.digest.replace("-", ""),
         one.received_time) for one in shown
    ]  # fmt: skip


@_KINDS
@pytest.mark.parametrize("suffix", ["", "_conflict"])
def test_update_is_refused_when_a_reading_of_any_kind_is_stored(database: str, name: str, suffix: str) -> None:
    (one,) = _accepted(kinds()[name], "a", [(_START_US, 1, least(kinds()[name]))])
    with writer(database) as connection:
        put(connection, one, replace(one, clock=Clock.DISAGREES))
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            connection.execute(sql.SQL("update {} set sequence = 5").format(sql.Identifier(name + suffix)))


# A new kind

_NEW = '''
"""Noise, in a file of its own."""

from sensors.quantities import PLACE, Quantity
from sensors.readings import Kind

LEVEL = Quantity("level_cdb", "level_db", "dB", 100, 0, 20_000, "Sound pressure level, A-weighted.")
KIND = Kind("noise_level", (LEVEL,), ((LEVEL.name,),), "How loud it is.", words=(PLACE,))
'''


@pytest.fixture
def new_kind(tmp_path: Path) -> Iterator[str]:
    """Put one file beside those of the kinds; take it away again."""
    (tmp_path / "noise_level.py").write_text(_NEW, encoding="utf-8")
    folder.__path__.append(str(tmp_path))
    importlib.invalidate_caches()
    kinds.cache_clear()
    yield "noise_level"
    folder.__path__.remove(str(tmp_path))
    sys.modules.pop("sensors.kinds.noise_level", None)
    kinds.cache_clear()


def test_a_new_kind_is_in_use_when_its_file_is_there(database: str, new_kind: str) -> None:
    with closing(connect(database, "test")) as connection:
        assert not is_current(connection)
        assert (migrate(database).kinds, is_current(connection)) == ((new_kind,), True)
    payload = b'{"v":1,"time":"2026-09-05T22:00:00Z","level_db":61.25,"place":"plaza-3"}'
    with writer(database) as connection:
        stored = readings.store(connection, decoded([(f"{ROOT}/city/mic-1/{new_kind}", payload)] * 2), START)
        assert _outcomes(stored) == {"accepted": 1, "duplicate": 1}
        ids = readings.device_ids(connection, [("city", "mic-1")])
        found = readings.read_columns(connection, kinds()[new_kind], list(ids.values()), EVER, LAST)
        assert ([6_125], ["plaza-3"]) == (found.numbers["level_cdb"].tolist(), found.words["place"].tolist())
        span = (START, START + _HOUR)
        assert readings.count_of_devices(connection, ids, span) == {"accepted": 1, "duplicate": 1}


# Tables and declarations

_OLD = Kind("sample", (COUNT,), ((COUNT.name,),), "For a test.", words=(PLACE,))


@pytest.mark.parametrize("is_filled", [False, True])
def test_columns_are_added_when_more_is_declared(database: str, *, is_filled: bool) -> None:
    color = Word("color", "color", "[a-z]{1,9}", "For a test.")
    new = Kind("sample", (BATTERY, COUNT), (), "For a test.", words=(color, PLACE))
    with writer(database) as connection:
        is_timescale = bool(connection.execute("select from pg_extension where extname = 'timescaledb'").fetchone())
        assert tables.make(connection, [_OLD], is_timescale=is_timescale) == (["sample"], [])
        connection.execute(tables.statement(_OLD, "create_stage"))
        if is_filled:
            put(connection, _sample(_OLD, (3,), ("x",)))
        connection.execute("drop table stage_sample")
        assert tables.make(connection, [new], is_timescale=is_timescale) == (
            [],
            ["sample.battery_mv", "sample.color"],
        )
        assert tables.make(connection, [new], is_timescale=is_timescale) == ([], [])
        assert tables.are_made(connection, [new])
        connection.execute(tables.statement(new, "create_stage"))
        put(connection, replace(_sample(new, (3_600, 4), ("red", "y")), sequence=1))
        found = readings.read_columns(connection, new, [1], EVER, LAST)
        expected = [-(2**31), 3_600] if is_filled else [3_600]
        assert expected == found.numbers["battery_mv"].tolist()
        assert ["", "red"][-len(expected) :] == found.words["color"].tolist()


def _sample(kind: Kind, values: tuple[int, ...], words: tuple[str, ...]) -> Reading:
    (one,) = _accepted(kinds()["presence"], "a", [(_START_US, 0, {"count": 1, "place": "x"})])
    return replace(one, kind=kind, values=values, words=words)


@pytest.mark.parametrize(
    ("new", "match"),
    [
        (Kind("sample", (COUNT,), (), "x"), "has column place, which kind sample no longer declares"),
        (
            Kind("sample", (), (), "x", words=(PLACE, Word("count", "n", "a", "x"))),
            "count of table sample is integer",
        ),
    ],
)
def test_migrate_refuses_when_a_column_is_gone_or_of_another_type(database: str, new: Kind, match: str) -> None:
    with closing(connect(database, "test")) as connection:
        tables.make(connection, [_OLD], is_timescale=False)
        with pytest.raises(MigrationError, match=match):
            tables.make(connection, [new], is_timescale=False)
        assert (tables.are_made(connection, [_OLD]), tables.are_made(connection, [new])) == (True, False)


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (Kind("act", (COUNT,), (), "x"), "table act has column"),
        (Kind("Sample", (COUNT,), (), "x"), "can be no table"),
        (Kind('x"; drop table device; --', (COUNT,), (), "x"), "can be no table"),
        (Kind("a" * 41, (COUNT,), (), "x"), "can be no table"),
        (Kind("sample", (replace(COUNT, name="count()"),), (), "x"), "can be no table"),
        (Kind("sample", (replace(COUNT, name="digest"),), (), "x"), "is there already"),
        (Kind("sample", (COUNT, COUNT), (), "x"), "is there already"),
        (Kind("sample", (), (), "x"), "neither quantity nor word"),
    ],
)
def test_migrate_refuses_when_a_name_cannot_be_a_table_or_column(database: str, kind: Kind, match: str) -> None:
    with closing(connect(database, "test")) as connection:
        with pytest.raises(MigrationError, match=match):
            tables.make(connection, [kind], is_timescale=False)
        assert connection.execute("select to_regclass('device')::text, to_regclass('sample')").fetchone() == (
            "device",
            None,
        )


def test_half_a_kind_is_refused_when_its_conflict_table_is_gone(database: str) -> None:
    with closing(connect(database, "test")) as connection:
        connection.execute("drop table lift_conflict")
        assert not is_current(connection)
        with pytest.raises(MigrationError, match="table lift_conflict has no column"):
            migrate(database)


def test_a_batch_of_every_kind_names_each_in_its_outcomes_when_stored(database: str) -> None:
    quantity = Quantity("x", "x", "1", 1, 0, 1, "x")
    kind = Kind("sample", (quantity,), (), "x")
    with writer(database) as connection:
        tables.make(connection, [kind], is_timescale=False)
        connection.execute(tables.statement(kind, "create_stage"))
        stored = readings.store(connection, batch_of([_sample(kind, (1,), ())]), START)
    assert stored.readings[Outcome.ACCEPTED] == 1
