"""Migrations: each once, under one lock, never edited, all or nothing."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from sensors.registry import kinds
from storage.connection import connect
from storage.errors import MigrationError
from storage.migrate import ask_server, is_current, migrate, migrations

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
