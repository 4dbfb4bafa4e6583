"""What the tests by faults stand on: workers in processes of their own, what was sent, what is there in the end."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg

from app.local.broker import LocalMosquitto
from ingest.failpoints import VARIABLE
from sensors.topics import ReadingTopic, build
from storage.connection import connect
from tests.ingest.rig import CLIENT_ID, wait_until

ROOT = Path(__file__).parents[2]
SOURCE = "city"
START = datetime(2026, 9, 1, tzinfo=UTC)
# A worker's start, a server's recovery and a try at the broker (30 s apart at most) together.
FOUND_S = 60.0
_PROGRAM = """
import json, signal, sys, threading
from ingest.client import Broker
from ingest.sources import read_sources
from ingest.worker import Options, run
said = json.loads(sys.argv[1])
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
sources = read_sources(said["sources"])
options = Options(said["client_id"], said["window"], sources, said["share"], is_bulk=said["is_bulk"])
run(said["dsn"], Broker("127.0.0.1", said["port"]), stop, options)
"""


class Worker:
    """A worker in a process of its own, whose log is read; killed at the end if it is not before.

    Parameters
    ----------
    dsn : str
    port : int
        The broker's.
    log : Path
        What it says; added to.
    """

    def __init__(
        self,
        dsn: str,
        port: int,
        log: Path,
        *,
        client_id: str = CLIENT_ID,
        window: int = 30_000,
        share: str = "",
        sources: str = "",
        is_bulk: bool = True,
        failpoint: str = "",
    ) -> None:
        said = {"dsn": dsn, "port": port, "client_id": client_id, "window": window, "share": share}
        said |= {"sources": sources, "is_bulk": is_bulk}
        self._log = log
        environment = {**os.environ, VARIABLE: failpoint}
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(said)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait(FOUND_S)

    def stop(self) -> None:
        """End it in good order."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(FOUND_S) == 0, f"the worker died:\n{self.said()[-2_000:]}"

    def code(self) -> int:
        """Wait for its end and give its exit code."""
        return self._process.wait(FOUND_S)

    def said(self) -> str:
        """All it has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def memory_kb(self) -> int:
        """Give its resident memory, in kB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def wait_ready(self) -> None:
        """Wait until it says that it is subscribed."""
        wait_until(lambda: "ingest_ready" in self.said(), "the worker is subscribed")


@contextmanager
def at_work(worker: Worker) -> Generator[Worker, None, None]:
    """Kill a worker at the end, if it is still there."""
    try:
        yield worker
    finally:
        worker.kill()


def message(place: int, devices: int) -> tuple[str, bytes, str, int]:
    """Give a good message of one reading: topic, payload, device, number; all are different."""
    device, sequence = f"bin-{place % devices}", 1 + place // devices
    said = {
        "v": 1,
        "time": (START + timedelta(minutes=10) * (place // devices)).isoformat(),
        "sequence": sequence,
        "distance_mm": 300 + place % 1_000,
    }
    return build(ReadingTopic(SOURCE, device, "fill_level")), json.dumps(said).encode(), device, sequence


_GARBAGE = (
    ("payload_malformed", '{{"v":1,"x":"{place}",'),
    ("payload_malformed", "[{place}]"),
    ("version_unknown", '{{"v":9,"time":"2026-09-05T22:00:00Z","sequence":{place},"distance_mm":640}}'),
    ("value_missing", '{{"v":1,"time":"2026-09-05T22:00:00Z","sequence":{place}}}'),
    ("value_out_of_range", '{{"v":1,"time":"2026-09-05T22:00:00Z","sequence":{place},"distance_mm":1e9}}'),
)


def garbage(place: int) -> tuple[str, bytes, str]:
    """Give a bad message and the reason why it will be refused; all are different."""
    reason, text = _GARBAGE[place % len(_GARBAGE)]
    return build(ReadingTopic(SOURCE, "bad-1", "fill_level")), text.format(place=place).encode(), reason


@dataclass(frozen=True, slots=True)
class Found:
    """What a database holds in the end.

    Parameters
    ----------
    keys : list of (device, sequence)
        Of every row, in order.
    conflicts : int
        Rows kept beside others.
    readings, messages : mapping of str to int
        Counts by outcome.
    reasons : mapping of bytes to str
        Reason by payload of every rejection.
    """

    keys: list[tuple[str, int]]
    conflicts: int
    readings: Mapping[str, int] = field(default_factory=dict[str, int])
    messages: Mapping[str, int] = field(default_factory=dict[str, int])
    reasons: Mapping[bytes, str] = field(default_factory=dict[bytes, str])


@contextmanager
def looking(dsn: str) -> Generator[psycopg.Connection, None, None]:
    """Look into a database."""
    with closing(connect(dsn, "watch")) as connection:
        yield connection


def count(dsn: str, statement: LiteralString) -> int:
    """Ask for one number; -1 while the database is away or starting."""
    try:
        with looking(dsn) as connection:
            row = connection.execute(statement).fetchone()
    except psycopg.Error:
        return -1
    return int(row[0]) if row else 0


def readings_stored(dsn: str) -> int:
    """Count the rows of readings."""
    return count(dsn, "select count(*) from fill_level")


def found(dsn: str) -> Found:
    """Read what is there in the end."""
    with looking(dsn) as connection:
        keys = connection.execute(
            "select device, sequence from fill_level join device using (device_id) order by 1, 2"
        )
        conflicts = connection.execute("select count(*) from fill_level_conflict").fetchone()
        counts = {
            unit: dict(
                connection.execute(
                    "select outcome, sum(n)::bigint from ingest_count where unit = %s group by 1", [unit]
                ).fetchall()
            )
            for unit in ("reading", "message")
        }
        reasons = dict(connection.execute("select payload, reason from rejection").fetchall())
        return Found(
            keys.fetchall(), int(conflicts[0]) if conflicts else -1, counts["reading"], counts["message"], reasons
        )


def check_once(here: Found, sent: set[tuple[str, int]]) -> None:
    """Check that all that was sent is there, once, and that the counts add up to what came."""
    assert (set(), set()) == (sent - set(here.keys), set(here.keys) - sent), "lost, or never sent"
    assert len(here.keys) == len(set(here.keys)), "doubled"
    assert here.conflicts == here.readings.get("conflict", 0) == 0
    # Rows and counts are written in one transaction, so each row is one accepted reading, whatever came again.
    assert here.readings["accepted"] == len(here.keys)
    # All messages here are of one reading: what was decoded became exactly one outcome.
    decoded = here.readings["accepted"] + here.readings.get("duplicate", 0) + here.readings.get("rejected", 0)
    assert here.messages["decoded"] == decoded


def wait(holds: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait until the condition holds, looked at ten times a second; fail when it does not in time."""
    until = time.monotonic() + limit_s
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < until, f"waited {limit_s:g} s in vain until {what}"
        pause.wait(0.1)


def ticks(span_s: float) -> Iterator[None]:
    """Go on ten times a second for a while."""
    until = time.monotonic() + span_s
    pause = threading.Event()
    while time.monotonic() < until:
        yield
        pause.wait(0.1)


def seeded(seed: int) -> random.Random:
    """Give chance that can be had again, and say by which seed; pytest shows it when a test fails."""
    sys.stdout.write(f"seed {seed}\n")
    return random.Random(seed)  # noqa: S311  # not a secret


def marks(chance: random.Random, total: int, kinds: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """Draw at which message sent which fault comes, in order: spread over the middle of a run."""
    names = [name for name, times in kinds.items() for _ in range(times)]
    chance.shuffle(names)
    step = 0.8 * total / max(1, len(names))
    for place, name in enumerate(names):
        yield int(0.1 * total + step * (place + chance.uniform(0.1, 0.9))), name


def restart(broker: LocalMosquitto) -> None:
    """Kill a broker and start it again; what it had in memory is gone."""
    broker.kill()
    broker.start()
