"""Migrations: each once, under one lock, never edited, all or nothing."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from sensors.registry import kinds
from storage import readings
from storage.connection import connect
from storage.errors import MigrationError
from storage.migrate import ask_server, is_current, migrate, migrations
from storage.sql import query

_NAMES = tuple(migration.name for migration in migrations())


def _is_current(dsn: str) -> bool:
    with closing(connect(dsn, "test")) as connection:
        return is_current(connection)


def _applied(dsn: str) -> list[tuple[str, str]]:
    with closing(connect(dsn, "test")) as connection:
        return connection.execute("select name, sha256 from schema_migration order by name").fetchall()


def test_migrate_applies_all_when_the_database_is_new(empty_database: str) -> None:
    migrated = migrate(empty_database)
    assert (migrated.applied, migrated.present, migrated.kinds) == (_NAMES, 0, tuple(kinds()))


def test_migrate_applies_nothing_when_done_before(empty_database: str) -> None:
    migrate(empty_database)
    before = _applied(empty_database)
    again = migrate(empty_database)
    assert (again.applied, again.present, _applied(empty_database)) == ((), len(_NAMES), before)
    assert (again.kinds, again.columns) == ((), ())


def test_is_current_turns_true_when_migrated(empty_database: str) -> None:
    before = _is_current(empty_database)
    migrate(empty_database)
    assert (before, _is_current(empty_database)) == (False, True)


def test_each_migration_is_applied_once_when_six_migrate_together(empty_database: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(migrate, [empty_database] * 6))
    applied = sorted(name for migrated in results for name in migrated.applied)
    assert (tuple(applied), len(_applied(empty_database))) == (_NAMES, len(_NAMES))
    assert sorted(kind for migrated in results for kind in migrated.kinds) == list(kinds())


@pytest.mark.parametrize("name", _NAMES)
def test_migrate_refuses_when_a_landed_migration_was_edited(database: str, name: str) -> None:
    with closing(connect(database, "test")) as connection:
        connection.execute("update schema_migration set sha256 = 'other' where name = %s", [name])
    with pytest.raises(MigrationError, match=f"{name} was edited"):
        migrate(database)
    assert not _is_current(database)


def test_migrate_refuses_when_the_database_is_of_a_later_release(database: str) -> None:
    with closing(connect(database, "test")) as connection:
        connection.execute("insert into schema_migration (name, sha256) values ('9999_post_later.sql', 'x')")
    with pytest.raises(MigrationError, match="this release is too old"):
        migrate(database)


def test_migrate_leaves_nothing_when_a_migration_fails(empty_database: str) -> None:
    with closing(connect(empty_database, "test")) as connection:
        # The last table of the first migration is in the way.
        connection.execute("create table touched (x integer)")
        with pytest.raises(MigrationError, match="failed and left nothing behind"):
            migrate(empty_database)
        found = connection.execute("select to_regclass('known_sequence'), count(*) from schema_migration").fetchone()
        assert found == (None, 0)
        connection.execute("drop table touched")
    assert migrate(empty_database).applied == _NAMES


def _migrate_through(connection: psycopg.Connection, last: str) -> None:
    """Bring a new database to an older release's schema."""
    connection.execute(query("migrate", "create_table"))
    for migration in (one for one in migrations() if one.name <= last):
        connection.execute(migration.text.encode())
        connection.execute(query("migrate", "insert_applied"), {"name": migration.name, "sha256": migration.sha256})


_HOURS = [datetime(2026, 9, 5, hour, tzinfo=UTC) for hour in (22, 23)]
# Source, device, kind, hour, unit, outcome, how many.
_OLD_COUNTS = [
    ("city", "bin-1", "fill_level", _HOURS[0], "reading", "accepted", 5),
    ("city", "bin-1", "fill_level", _HOURS[0], "reading", "duplicate", 2),
    ("city", "bin-1", "fill_level", _HOURS[1], "reading", "conflict", 1),
    ("city", "bin-1", "lift", _HOURS[0], "reading", "accepted", 3),
    ("town", "bin-1", "fill_level", _HOURS[0], "reading", "accepted", 7),
    ("city", "truck-1", "position_fix", _HOURS[0], "reading", "reduced", 4),
    ("city", "never", "", _HOURS[0], "message", "rejected", 11),
    ("city", "nor", "", _HOURS[0], "message", "rejected", 13),
    ("", "", "", _HOURS[0], "message", "rejected", 17),
    ("", "", "", _HOURS[0], "message", "decoded", 19),
    ("city", "never", "", _HOURS[0], "reading", "rejected", 23),
]
_OLD_MARKS = [(1, "fill_level", _HOURS[0], 8), (1, "fill_level", _HOURS[1], 9), (2, "fill_level", _HOURS[0], 6),
              (1, "lift", _HOURS[0], 7)]  # fmt: skip


def test_counts_and_marks_are_kept_when_they_come_from_a_release_that_named_devices(empty_database: str) -> None:
    with closing(connect(empty_database, "test")) as connection:
        _migrate_through(connection, "0002_pre_contracts_and_payment.sql")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into device (source, device) values (%s, %s)",
                [("city", "bin-1"), ("town", "bin-1"), ("city", "truck-1")],
            )
            cursor.executemany("insert into ingest_count values (%s, %s, %s, %s, %s, %s, %s)", _OLD_COUNTS)
            cursor.executemany("insert into touched values (%s, %s, %s, %s)", _OLD_MARKS)
        before = readings.count_by_outcome(connection)
        migrate(empty_database)
        assert before == readings.count_by_outcome(connection)
        span = (_HOURS[0], _HOURS[1] + timedelta(hours=1))
        found = [readings.count_of_devices(connection, [one], span) for one in (("city", "bin-1"), ("town", "bin-1"))]
        assert [{"accepted": 8, "duplicate": 2, "conflict": 1}, {"accepted": 7}] == found
        nobodys = connection.execute(
            "select unit, outcome, n from ingest_count where device_id = 0 order by 1, 2"
        ).fetchall()
        assert [("message", "decoded", 19), ("message", "rejected", 41), ("reading", "rejected", 23)] == nobodys
        marked = connection.execute("select device_id, kind, hour, batch_seq from touched").fetchall()
        assert sorted(_OLD_MARKS) == sorted(marked)
        expected = [(("city", "bin-1"), 8, True), (("city", "bin-1"), 9, False), (("town", "bin-1"), 5, True),
                    (("town", "bin-1"), 6, False), (("city", "truck-1"), 0, False)]  # fmt: skip
        assert expected == [
            (one, seq, readings.is_touched_since(connection, [one], span, seq)) for one, seq, _ in expected
        ]


def test_readings_are_in_hypertables_when_timescaledb_is_there(timescale_database: str) -> None:
    with closing(connect(timescale_database, "test")) as connection:
        found = connection.execute(
            "select hypertable_name, time_interval from timescaledb_information.dimensions order by 1"
        ).fetchall()
    assert found == [(kind, timedelta(days=7)) for kind in kinds()]


def test_readings_are_in_plain_tables_when_timescaledb_is_not_there(embedded_database: str) -> None:
    with closing(connect(embedded_database, "test")) as connection:
        found = connection.execute(
            "select c.relname from pg_class c where c.relkind = 'r' and c.relname = any(%s) and not exists "
            "(select from pg_extension where extname = 'timescaledb') order by 1",
            [list(kinds())],
        ).fetchall()
    assert [kind for (kind,) in found] == list(kinds())


def test_ask_server_names_the_extension_when_it_is_there(timescale_database: str) -> None:
    with closing(connect(timescale_database, "test")) as connection:
        server = ask_server(connection)
    assert (server.postgresql.split(".")[0], server.timescaledb[:2], server.license) == ("17", "2.", "apache")


def test_ask_server_names_no_extension_when_it_is_not_there(embedded_database: str) -> None:
    with closing(connect(embedded_database, "test")) as connection:
        server = ask_server(connection)
    assert (server.postgresql.split(".")[0], server.timescaledb, server.license) == ("18", "", "")


def test_migrate_raises_when_the_server_is_away() -> None:
    with pytest.raises(psycopg.OperationalError):
        migrate("host=127.0.0.1 port=1 user=postgres dbname=postgres connect_timeout=2")
