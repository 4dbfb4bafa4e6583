"""Servers that a test may kill: TimescaleDB that syncs to disk, Mosquitto that keeps its store."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from app.local.account import make_run_folder
from app.local.broker import LocalMosquitto
from app.local.postgres import LocalPostgres, timescale_settings
from storage.migrate import migrate

# What is proved here is what a power cut leaves, so nothing that makes tests quick is switched on.
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "40"}


@pytest.fixture(scope="session")
def durable_server(timescale_binaries: Path) -> Iterator[LocalPostgres]:
    """Give a server of TimescaleDB that these tests alone use, and may kill and start again."""
    folder = make_run_folder()
    server = LocalPostgres(timescale_binaries, folder / "durable", settings={**timescale_settings(), **_DURABLE})
    with server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def durable_database(durable_server: LocalPostgres) -> Iterator[str]:
    """Give a fresh, migrated database on that server: its connection string."""
    durable_server.start()
    name = f"fault_{secrets.token_hex(6)}"
    _run(durable_server, "create database {}", name)
    dsn = durable_server.dsn(name)
    migrate(dsn)
    yield dsn
    durable_server.start()
    _run(durable_server, "drop database {} with (force)", name)


def _run(server: LocalPostgres, statement: str, name: str) -> None:
    with closing(psycopg.connect(server.dsn(), autocommit=True)) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def durable_broker(mosquitto_binary: Path, server_folder: Path) -> Iterator[LocalMosquitto]:
    """Give a Mosquitto with its store on disk, which it writes as it does by default: when stopped in good order."""
    settings = {"persistence": "true"}
    with LocalMosquitto(mosquitto_binary, server_folder / "mosquitto", settings=settings) as server:
        yield server
