"""Servers that are away, full or read-only: nothing is acknowledged meanwhile, and the worker recovers by itself.

Whatever was acknowledged while it could not be stored would be lost with the worker, so the worker is killed in the
middle of each outage: what the broker then delivers to the next one is all there is.
"""

import secrets
import shutil
import subprocess
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql

from app.local.account import make_owned_folder, make_run_folder
from app.local.broker import LocalMosquitto
from app.local.postgres import LocalPostgres
from ingest.publisher import publish
from storage.migrate import migrate
from tests.faults import rig
from tests.ingest.rig import broker_of, make_session, wait_until

_DEVICES = 20
# What a window of messages takes, in buffers and as columns, many times over: 3,000 messages of some 100 bytes.
_GROWTH_MAX_KB = 40_000
_DISK_BYTES = 48 * 2**20


def _messages(first: int, until: int) -> list[tuple[str, bytes]]:
    return [rig.message(place, _DEVICES)[:2] for place in range(first, until)]


def _sent(count: int) -> set[tuple[str, int]]:
    return {rig.message(place, _DEVICES)[2:] for place in range(count)}


class Outage(Protocol):
    """Something that keeps a database from storing for a while."""

    dsn: str

    def begin(self) -> None: ...

    def end(self) -> None: ...


class _ReadOnly:
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def begin(self) -> None:
        self._set("on")
        with rig.looking(self.dsn) as connection:
            # It holds for new connections: those that are there are ended, as a failover would.
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and application_name = 'poniente ingest'"
            )

    def end(self) -> None:
        self._set("off")

    def _set(self, value: str) -> None:
        with rig.looking(self.dsn) as connection:
            connection.execute("set default_transaction_read_only = off")
            name = sql.Identifier(connection.info.dbname)
            statement = sql.SQL("alter database {} set default_transaction_read_only = {}")
            connection.execute(statement.format(name, sql.SQL(value)))  # pyright: ignore[reportArgumentType]


class _FullDisk:
    """A disk that somebody else fills: the database lies in a table space of its own on it."""

    def __init__(self, dsn: str, disk: Path) -> None:
        self.dsn = dsn
        self._ballast = disk / "ballast"

    def begin(self) -> None:
        block = b"\0" * 65_536
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while file.write(block) == len(block):
                    pass
            except OSError:
                pass  # full

    def end(self) -> None:
        self._ballast.unlink(missing_ok=True)


class _Quota:
    """What the server says of a full disk, said by a trigger: where we may not mount a small one."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def begin(self) -> None:
        with rig.looking(self.dsn) as connection:
            connection.execute(
                "create function full_disk() returns trigger language plpgsql as"
                " $$ begin raise exception 'No space left on device' using errcode = '53100'; end $$;"
                " create trigger full_disk before insert or update on ingest_count"
                " for each row execute function full_disk()"
            )

    def end(self) -> None:
        with rig.looking(self.dsn) as connection:
            connection.execute("drop trigger full_disk on ingest_count")


@contextmanager
def _small_disk(folder: Path) -> Generator[bool, None, None]:
    """Mount a small disk in memory; false where we may not."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "poniente-test", str(folder)]
    program = shutil.which("mount")
    is_mounted = program is not None and subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


@pytest.fixture
def full_disk(durable_server: LocalPostgres, durable_database: str) -> Iterator[Outage]:
    folder = make_run_folder()
    disk = folder / "disk"
    disk.mkdir()
    with _small_disk(disk) as is_mounted:
        if not is_mounted:
            yield _Quota(durable_database)
        else:
            space = disk / "space"
            make_owned_folder(space, durable_server.account)
            with _table_space(durable_server, space) as dsn:
                outage = _FullDisk(dsn, disk)
                yield outage
                outage.end()
    shutil.rmtree(folder)


@contextmanager
def _table_space(server: LocalPostgres, space: Path) -> Generator[str, None, None]:
    name = f"disk_{secrets.token_hex(6)}"
    names = {"name": sql.Identifier(name), "place": sql.Literal(str(space))}
    with closing(psycopg.connect(server.dsn(), autocommit=True)) as connection:
        connection.execute(sql.SQL("create tablespace {name} location {place}").format(**names))
        connection.execute(sql.SQL("create database {name} tablespace {name}").format(**names))
        migrate(server.dsn(name))
        try:
            yield server.dsn(name)
        finally:
            connection.execute(sql.SQL("drop database {name} with (force)").format(**names))
            connection.execute(sql.SQL("drop tablespace {name}").format(**names))


@pytest.fixture
def read_only(durable_database: str) -> Outage:
    return _ReadOnly(durable_database)


@pytest.mark.parametrize("name", ["read_only", "full_disk"])
def test_nothing_is_acknowledged_when_the_database_takes_nothing(
    request: pytest.FixtureRequest, durable_broker: LocalMosquitto, tmp_path: Path, name: str
) -> None:
    outage: Outage = request.getfixturevalue(name)
    broker = broker_of(durable_broker)
    make_session(broker)
    first_log, second_log = tmp_path / "first.log", tmp_path / "second.log"
    with rig.at_work(rig.Worker(outage.dsn, broker.port, first_log)) as first:
        publish(broker, _messages(0, 300))
        rig.wait(lambda: rig.readings_stored(outage.dsn) == 300, rig.FOUND_S, "the first are stored")
        outage.begin()
        # Of many weeks, so that they need new tables.
        publish(broker, _messages(100_000, 100_300))
        rig.wait(lambda: _tries(first) > 2, rig.FOUND_S, "it has tried")
        first.kill()
    with rig.at_work(rig.Worker(outage.dsn, broker.port, second_log)) as second:
        rig.wait(lambda: _tries(second) > 2, rig.FOUND_S, "the second has tried")
        assert 300 == rig.readings_stored(outage.dsn)
        outage.end()
        rig.wait(lambda: rig.readings_stored(outage.dsn) == 600, rig.FOUND_S, "all are stored")
        second.stop()
    places = [*range(300), *range(100_000, 100_300)]
    rig.check_once(rig.found(outage.dsn), {rig.message(place, _DEVICES)[2:] for place in places})


def _tries(worker: rig.Worker) -> int:
    """How often it has found that nothing can be stored: at work, and at its start."""
    return worker.said().count("database_lost") + worker.said().count("database_awaited")


def test_worker_recovers_within_bounds_when_the_database_is_away_under_load(
    durable_database: str, durable_server: LocalPostgres, durable_broker: LocalMosquitto, tmp_path: Path
) -> None:
    broker = broker_of(durable_broker)
    make_session(broker)
    log = tmp_path / "worker.log"
    with rig.at_work(rig.Worker(durable_database, broker.port, log, window=3_000)) as worker:
        publish(broker, _messages(0, 5_000))
        rig.wait(lambda: rig.readings_stored(durable_database) == 5_000, rig.FOUND_S, "the first are stored")
        before_kb = worker.memory_kb()
        durable_server.kill()
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(publish, broker, _messages(5_000, 25_000))
            peak_kb = max(_memory_while_away(worker, 20.0))
            sending.result()
        durable_server.start()
        rig.wait(lambda: rig.readings_stored(durable_database) == 25_000, rig.FOUND_S, "it has caught up by itself")
        worker.stop()
    rig.check_once(rig.found(durable_database), _sent(25_000))
    assert peak_kb - before_kb < _GROWTH_MAX_KB


def _memory_while_away(worker: rig.Worker, span_s: float) -> Iterator[int]:
    for _ in rig.ticks(span_s):
        yield worker.memory_kb()


def test_drops_are_told_when_the_brokers_queue_overflows(
    durable_database: str, mosquitto_binary: Path, server_folder: Path, tmp_path: Path
) -> None:
    """Only a broker left at its defaults drops; no device hears of it, so the worker has to."""
    settings = {"max_queued_messages": "1000", "max_inflight_messages": "20", "sys_interval": "1"}
    with LocalMosquitto(mosquitto_binary, server_folder / "broker", settings=settings) as server:
        broker = broker_of(server)
        make_session(broker)
        publish(broker, _messages(0, 5_000))
        with rig.at_work(rig.Worker(durable_database, server.port, tmp_path / "worker.log")) as worker:
            rig.wait(lambda: "broker_dropped_messages" in worker.said(), rig.FOUND_S, "the drops are told")
            wait_until(lambda: rig.readings_stored(durable_database) >= 1_000, "what was kept is stored")
            worker.stop()
        stored = rig.readings_stored(durable_database)
        assert stored < 5_000
        assert f"messages={5_000 - stored}" in _plain(worker.said())


def _plain(log: str) -> str:
    """Take the colours out of a log."""
    return "".join(part.partition("m")[2] if place else part for place, part in enumerate(log.split("\x1b[")))
