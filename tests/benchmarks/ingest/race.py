"""One run: a subscriber between broker and database, everything sent as fast as it is taken, until all is committed.

The clock runs from the first packet of the publisher to the moment at which the database shows every reading.
"""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.benchmarks.ingest import nodered, wire
from tests.benchmarks.ingest.loads import SOURCE, START, Load, level
from tests.benchmarks.ingest.programs import Program, cpu_s, memory_mb, python
from tests.benchmarks.ingest.rig import WINDOW, Rig, ask

RUN_MAX_S = 300.0
_READY_MAX_S = 60.0
_POLL_S = 0.01
# Before everything that a load holds.
_PROBE_TIME = START - timedelta(days=30)
_COUNTS: dict[str, LiteralString] = {
    "fill_level": "select count(*) from fill_level where event_time >= %s",
    "position_fix": "select count(*) from position_fix where event_time >= %s",
}
_HAS_LAST: dict[str, LiteralString] = {
    "fill_level": "select 1 from fill_level where device_id = %s and event_time = %s",
    "position_fix": "select 1 from position_fix where device_id = %s and event_time = %s",
}

# Starts a subscriber: connection string, broker's port, a fresh folder's path.
Start = Callable[[str, int, Path], Program]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took.

    Parameters
    ----------
    messages : int
        Sent, those sent again included.
    rows : int
        Distinct readings committed.
    took_s : float
        [s]
    cpu_s : dict of str to float
        Processor time by who used it. [s]
    peak_mb : float
        Highest resident memory of the subscriber. [MB]
    """

    messages: int
    rows: int
    took_s: float
    cpu_s: dict[str, float]
    peak_mb: float = 0.0


def poniente(dsn: str, port: int, folder: Path) -> Program:
    """Start the product's worker, by its own command."""
    program = str(Path(sys.executable).parent / "poniente")
    command = [program, "ingest", "--database", dsn, "--broker", f"127.0.0.1:{port}"]
    environment = {"PONIENTE_WINDOW": str(WINDOW), "PONIENTE_BROKER_VERSION": "5"}
    return Program(command, log=folder.with_suffix(".log"), environment=environment)


def paho(batch: int, version: int) -> Start:
    """Give what starts a subscriber on paho; see `peers`."""

    def start(dsn: str, port: int, folder: Path) -> Program:
        options = {"dsn": dsn, "port": port, "batch": batch, "version": version, "window": WINDOW}
        return python("peers", folder.with_suffix(".log"), options, is_heard=False)

    return start


def node_red(*, is_batched: bool) -> Start:
    """Give what starts Node-RED; see `nodered`."""

    def start(dsn: str, port: int, folder: Path) -> Program:
        known = conninfo_to_dict(dsn)
        ports = (port, int(str(known["port"])))
        return nodered.start(folder, ports, str(known["dbname"]), is_batched=is_batched)

    return start


@contextmanager
def subscribed(rig: Rig, start: Start) -> Generator[tuple[str, int, Program, dict[str, int]], None, None]:
    """Bring up broker, database and a subscriber that has proved that it writes.

    Yields connection string, broker's port, the subscriber, and the processes by whose they are.
    """
    with rig.database() as dsn, rig.broker() as broker:
        folder = rig.folder / f"run-{time.monotonic_ns()}"
        with start(dsn, broker.port, folder) as program:
            await_first(dsn, broker.port, program)
            rig.settle()
            yield (
                dsn,
                broker.port,
                program,
                {"subscriber": program.pid, "broker": broker.pid, "database": rig.database_pid},
            )


def await_first(dsn: str, port: int, program: Program) -> None:
    """Publish readings of long ago until one is in the table: who subscribes, and when, the log need not say."""
    until_s = time.monotonic() + _READY_MAX_S
    with wire.connect("127.0.0.1", port, "bench-probe") as line:
        for sequence in range(round(_READY_MAX_S / 0.2)):
            probe = [level(0, _PROBE_TIME.isoformat(), sequence)]
            _ = wire.pump(line, wire.publishing(probe), window=1, limit_s=5)
            time.sleep(0.2)
            program.check()
            if ask(dsn, "select count(*) from fill_level") != (0,):
                return
    raise TimeoutError(f"no reading was stored within {time.monotonic() - until_s + _READY_MAX_S:g} s")


def race(rig: Rig, start: Start, load: Load) -> Run:
    """Send a load through a subscriber.

    Raises
    ------
    AssertionError
        When not exactly what was sent is stored.
    """
    with subscribed(rig, start) as (dsn, port, program, pids):
        options = {"port": port, "load": plain(load), "limit_s": RUN_MAX_S}
        with python("publisher", rig.folder / "publisher.log", options) as publisher:
            _ = publisher.hear(RUN_MAX_S)
            pids["publisher"] = publisher.pid
            before = {name: cpu_s([pid]) for name, pid in pids.items()}
            began_s = time.monotonic()
            publisher.go()
            await_all(dsn, load, program)
            took_s = time.monotonic() - began_s
            used = {name: cpu_s([pid]) - before[name] for name, pid in pids.items()}
            sent = int(publisher.hear(RUN_MAX_S)["sent"])
        return Run(sent, check_rows(dsn, load), took_s, used, memory_mb(program.pid)[1])


def await_all(dsn: str, load: Load, program: Program) -> None:
    """Wait until the last reading sent is there, and then until as many are as were sent.

    The last is looked for by its key: counting all the time would take from what is measured.
    """
    until_s = time.monotonic() + RUN_MAX_S
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        key = _last_key(connection, load)
        while connection.execute(_HAS_LAST[load.kind], key).fetchone() is None:
            _pause(until_s, program)
        while connection.execute(_COUNTS[load.kind], [START]).fetchone() != (load.rows,):
            _pause(until_s, program)


def check_rows(dsn: str, load: Load) -> int:
    """Count what is stored; the primary key keeps it distinct."""
    (count,) = ask(dsn, _COUNTS[load.kind], START)
    assert count == load.rows, f"{load.rows} readings were sent, {count} are stored"
    return load.rows


def _last_key(connection: psycopg.Connection, load: Load) -> tuple[int, datetime]:
    name, at = load.last
    row = connection.execute(
        "select device_id from device where source = %s and device = %s", [SOURCE, name]
    ).fetchone()
    assert row is not None
    return int(row[0]), at


def _pause(until_s: float, program: Program) -> None:
    program.check()
    if time.monotonic() > until_s:
        raise TimeoutError(f"not all was stored within {RUN_MAX_S:g} s")
    time.sleep(_POLL_S)


def plain(load: Load) -> dict[str, object]:
    """Give a load as another process is told of it."""
    return {"kind": load.kind, "count": load.count, "resent": load.resent}
