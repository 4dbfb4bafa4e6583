"""The servers that everybody runs against: one TimescaleDB, durable as in life, and a fresh Mosquitto a run."""

import shutil
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import LiteralString, Self

import psycopg
from psycopg import sql

from app.local.account import clear_dead_runs, make_run_folder
from app.local.broker import LocalMosquitto
from app.local.postgres import LocalPostgres, timescale_settings
from storage.migrate import migrate
from tests.benchmarks.ingest.loads import DEVICES, SOURCE
from tests.servers import mosquitto_program, timescale_binaries_folder

# The worker's own default: three of its batches, one that comes, one that is decoded, one that is stored.
WINDOW = 30_000
# Nobody is spared a write that survives a power cut; nobody meets a checkpoint that another does not.
DATABASE_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}
# The window of a subscriber that says none itself (MQTT 3.1.1) is the broker's; queues without limit.
BROKER_SETTINGS = {"max_inflight_messages": str(WINDOW), "max_queued_messages": "0"}
_DATABASE = "bench"


class Rig:
    """The database server of all runs, and a broker for each; a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.folder = Path()

    def __enter__(self) -> Self:
        clear_dead_runs()
        self.folder = make_run_folder()
        _ = self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        settings = {**timescale_settings(), **DATABASE_SETTINGS}
        self._postgres = LocalPostgres(timescale_binaries_folder(), self.folder / "postgres", settings=settings)
        _ = self._stack.enter_context(self._postgres)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def database_pid(self) -> int:
        """The database server's first process."""
        return self._postgres.pid

    @contextmanager
    def database(self) -> Generator[str, None, None]:
        """Make a fresh database with the product's own schema and a known fleet; dropped afterwards."""
        with closing(psycopg.connect(self._postgres.dsn(), autocommit=True)) as connection:
            name = sql.Identifier(_DATABASE)
            _ = connection.execute(sql.SQL("create database {}").format(name))
            try:
                dsn = self._postgres.dsn(_DATABASE)
                _ = migrate(dsn)
                _add_fleet(dsn)
                yield dsn
            finally:
                _ = connection.execute(sql.SQL("drop database {} with (force)").format(name))

    def settle(self) -> None:
        """Write out what earlier runs have left, so that a run pays for itself alone."""
        with closing(psycopg.connect(self._postgres.dsn(), autocommit=True)) as connection:
            _ = connection.execute("checkpoint")

    @contextmanager
    def broker(self) -> Generator[LocalMosquitto, None, None]:
        """Start a broker that knows nobody; stopped afterwards."""
        with LocalMosquitto(mosquitto_program(), self.folder / "mosquitto", settings=BROKER_SETTINGS) as broker:
            yield broker


def ask(dsn: str, question: LiteralString, *values: object) -> tuple[object, ...]:
    """Ask for one row."""
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        row = connection.execute(question, values).fetchone()
    assert row is not None
    return row


def _add_fleet(dsn: str) -> None:
    """Number the devices beforehand: a fleet is registered once, and the peers do not register at all."""
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        for name in ("bin", "truck"):
            _ = connection.execute(
                "insert into device (source, device)"
                " select %s, %s || '-' || n from generate_series(0, %s) n order by n",
                [SOURCE, name, DEVICES - 1],
            )
