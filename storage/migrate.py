"""Migrations: numbered plain-SQL files, each once, each in a transaction, under one lock, never edited once landed.

A file's name is its number, `pre` or `post` (before or after the new code is deployed), and what it does. The
database is asked once what it is; nothing else in the code knows the difference between PostgreSQL and TimescaleDB.
The tables of readings are in no file: after the migrations each kind gets those that its declaration asks for.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString, cast

import psycopg

from sensors.registry import kinds
from storage import kinds as tables
from storage.connection import connect
from storage.errors import MigrationError
from storage.sql import query

# Any number, the same in every release: two migrators meet at this lock.
_LOCK = 7_262_026


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text, the digest of its text."""

    name: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Server:
    """What the database server is.

    Parameters
    ----------
    postgresql : str
        Version, for example `17.12`.
    timescaledb : str
        Version of the extension, empty without it.
    license : str
        `apache` or `timescale`, empty without the extension.
    """

    postgresql: str
    timescaledb: str
    license: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """What `migrate` found and did.

    Parameters
    ----------
    server : Server
    applied : tuple of str
        Names of the migrations applied now.
    present : int
        Migrations applied before.
    kinds : tuple of str
        Kinds of reading that have tables now and had none.
    columns : tuple of str
        Columns added to kinds that had tables, as `kind.column`.
    """

    server: Server
    applied: tuple[str, ...]
    present: int
    kinds: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def migrations() -> tuple[Migration, ...]:
    """Read this release's migrations, in order."""
    folder = files("storage") / "migrations"
    found = sorted((path for path in folder.iterdir() if path.name.endswith(".sql")), key=lambda path: path.name)
    texts = [(path.name, path.read_text(encoding="utf-8")) for path in found]
    return tuple(Migration(name, text, hashlib.sha256(text.encode()).hexdigest()) for name, text in texts)


def migrate(dsn: str) -> Migrated:
    """Create the schema or bring it to this release.

    Parameters
    ----------
    dsn : str
        Connection string of a role that may create tables.

    Raises
    ------
    MigrationError
        When a landed migration was edited, the database is of a later release, or a kind's table holds what its
        declaration does not.
    """
    with connect(dsn, "migrate") as connection:
        connection.execute(query("migrate", "lock"), {"lock": _LOCK})
        connection.execute(query("migrate", "use_timescaledb"))
        connection.execute(query("migrate", "create_table"))
        rows = connection.execute(query("migrate", "select_applied")).fetchall()
        applied: dict[str, str] = dict(rows)
        pending = _pending(applied, migrations())
        for migration in pending:
            _apply(connection, migration)
        server = ask_server(connection)
        made, added = tables.make(connection, kinds().values(), is_timescale=bool(server.timescaledb))
        names = tuple(migration.name for migration in pending)
        return Migrated(server, names, len(applied), tuple(made), tuple(added))


def ask_server(connection: psycopg.Connection) -> Server:
    """Ask the server what it is."""
    row = connection.execute(query("migrate", "ask_server")).fetchone()
    if row is None:
        raise MigrationError("the server does not say its version")
    return Server(*row)


def is_current(connection: psycopg.Connection) -> bool:
    """Whether the schema is of this release, and every kind has its tables."""
    found = connection.execute(query("migrate", "has_table")).fetchone()
    if found is None or not found[0]:
        return False
    applied: dict[str, str] = dict(connection.execute(query("migrate", "select_applied")).fetchall())
    is_migrated = applied == {migration.name: migration.sha256 for migration in migrations()}
    return is_migrated and tables.are_made(connection, tuple(kinds().values()))


def _pending(applied: dict[str, str], known: tuple[Migration, ...]) -> list[Migration]:
    names = {migration.name for migration in known}
    if unknown := sorted(set(applied) - names):
        raise MigrationError(
            f"the database has migration {unknown[-1]}, unknown here: this release is too old for it"
        )
    for migration in known:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationError(f"migration {migration.name} was edited after it was applied; add a new one instead")
    return [migration for migration in known if migration.name not in applied]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            # The text is a file of this package, not input.
            connection.execute(cast("LiteralString", migration.text))
            connection.execute(
                query("migrate", "insert_applied"), {"name": migration.name, "sha256": migration.sha256}
            )
    except psycopg.Error as error:
        raise MigrationError(f"migration {migration.name} failed and left nothing behind: {error}") from error
