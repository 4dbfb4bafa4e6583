"""What the tests of the worker stand on: fleets, workers, sessions, and waiting for what the database says."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.local.server import LocalServer
from ingest.client import Broker, new_client
from ingest.publisher import publish
from ingest.worker import Options, Tally, run
from sensors.topics import ReadingTopic, build, subscription
from storage.connection import connect

DEADLINE_S = 90.0
CLIENT_ID = "test-ingest"
_START = datetime(2026, 9, 5, 22, tzinfo=UTC)
_MARKER = build(ReadingTopic("test", "marker", "fill_level"))
_ROOT = Path(__file__).parents[2]
_PROGRAM = """
import sys, threading
from ingest.client import Broker
from ingest.worker import Options, run
dsn, port, version, client_id, window = sys.argv[1:]
broker = Broker("127.0.0.1", int(port), version=int(version))
run(dsn, broker, threading.Event(), Options(client_id, int(window)))
"""


def broker_of(server: LocalServer, version: int = 5) -> Broker:
    """Give a local broker's address as ingest takes it."""
    return Broker(server.host, server.port, version=version)


def fleet(count: int, *, devices: int = 20, sequence: int = 1) -> Iterator[tuple[str, bytes]]:
    """Give messages of one reading each, all different; the sequence runs through each device's own."""
    for place in range(count):
        at = _START + timedelta(minutes=30) * (place // devices)
        message = {
            "v": 1,
            "time": at.isoformat(),
            "sequence": sequence + place // devices,
            "distance_mm": 300 + place % 1_000,
        }
        yield build(ReadingTopic("city", f"bin-{place % devices}", "fill_level")), json.dumps(message).encode()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds; fail when it does not by the deadline."""
    until = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < until, f"waited {DEADLINE_S:g} s in vain until {what}"
        time.sleep(0.01)


def wait_until_still(said: Callable[[], object], seconds: float) -> None:
    """Wait until something has stayed what it is for so long."""
    last, since = said(), time.monotonic()

    def is_still() -> bool:
        nonlocal last, since
        if (now := said()) != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= seconds

    wait_until(is_still, f"nothing changes for {seconds:g} s")


class Worker:
    """A worker in a thread of this process."""

    def __init__(self, dsn: str, broker: Broker, *, window: int) -> None:
        self.stop = threading.Event()
        self.tally: Tally | None = None
        self.error: Exception | None = None
        self._arguments = (dsn, broker, window)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        dsn, broker, window = self._arguments
        try:
            self.tally = run(dsn, broker, self.stop, Options(CLIENT_ID, window))
        except Exception as error:  # noqa: BLE001  # told to the test, which fails of it
            self.error = error

    def end(self) -> float:
        """Tell it to stop; give how long it took. [s]."""
        began_s = time.monotonic()
        self.stop.set()
        self._thread.join(DEADLINE_S)
        assert self.error is None, f"the worker died of {self.error!r}"
        assert not self._thread.is_alive(), "the worker does not stop"
        return time.monotonic() - began_s


@contextmanager
def working(dsn: str, broker: Broker, *, window: int = 10_000) -> Generator[Worker, None, None]:
    """Run a worker, stopped at the end; what it died of fails the test."""
    worker = Worker(dsn, broker, window=window)
    worker.start()
    try:
        yield worker
    finally:
        worker.end()


@contextmanager
def working_apart(
    dsn: str, broker: Broker, *, window: int = 10_000
) -> Generator[subprocess.Popen[bytes], None, None]:
    """Run a worker in a process of its own, killed at the end if it is not before."""
    arguments = [dsn, str(broker.port), str(broker.version), CLIENT_ID, str(window)]
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments], cwd=_ROOT, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class Watch:
    """A look into the database."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def readings(self) -> dict[str, int]:
        """Count the readings by outcome."""
        rows = self._connection.execute(
            "select outcome, sum(n)::bigint from ingest_count where unit = 'reading' group by 1"
        )
        return dict(rows.fetchall())

    def messages(self) -> dict[str, int]:
        """Count the messages by outcome."""
        rows = self._connection.execute(
            "select outcome, sum(n)::bigint from ingest_count where unit = 'message' group by 1"
        )
        return dict(rows.fetchall())

    def stored(self) -> list[tuple[str, int]]:
        """Give device and sequence of every reading stored, in order."""
        rows = self._connection.execute(
            "select device, sequence from fill_level join device using (device_id) order by 1, 2"
        )
        return rows.fetchall()

    def wait_for(self, **expected: int) -> None:
        """Wait until readings of each outcome are this many at least."""

        def is_there() -> bool:
            found = self.readings()
            return all(found.get(outcome, 0) >= n for outcome, n in expected.items())

        wait_until(is_there, f"readings are {expected}")

    def wait_for_worker(self, *, locked: bool = False) -> None:
        """Wait until a worker is connected here, and waits for a lock if asked."""

        def is_there() -> bool:
            rows = self._connection.execute(
                "select wait_event_type from pg_stat_activity"
                " where datname = current_database() and application_name = 'poniente ingest'"
            ).fetchall()
            return ("Lock",) in rows if locked else bool(rows)

        wait_until(is_there, "a worker is connected to the database")


@contextmanager
def watching(dsn: str) -> Generator[Watch, None, None]:
    """Look into a database."""
    with closing(connect(dsn, "watch")) as connection:
        yield Watch(connection)


@contextmanager
def _session(broker: Broker) -> Generator[tuple[Client, "queue.Queue[MQTTMessage]"], None, None]:
    """Be the worker's session for a while, with a plain client; all that comes is acknowledged."""
    came: queue.Queue[MQTTMessage] = queue.Queue()
    connected: queue.Queue[bool] = queue.Queue()
    client = new_client(broker, CLIENT_ID, is_persistent=True)
    client.on_message = lambda _client, _data, message: came.put(message)

    def on_answer(*_: object) -> None:
        connected.put(True)

    client.on_connect = on_answer
    client.on_subscribe = on_answer
    if broker.version == 5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3_600
        client.connect(broker.host, broker.port, clean_start=False, properties=properties)
    else:
        client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert connected.get(timeout=DEADLINE_S)
        client.subscribe(subscription(), qos=1)
        assert connected.get(timeout=DEADLINE_S)
        yield client, came
    finally:
        client.disconnect()
        client.loop_stop()


def make_session(broker: Broker) -> None:
    """Make the broker keep messages for the worker from now on."""
    with _session(broker):
        pass


def _has_callers(port: int) -> bool:
    """Tell whether the broker still holds a connection, by the kernel's table of sockets."""
    held = {"01", "08"}  # established, and closed by the caller alone
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] in held for row in rows)


def not_acknowledged(broker: Broker) -> list[bytes]:
    """Take over the worker's session; give the payloads that the broker had to deliver again."""
    # Whoever takes over while the worker's last acknowledgements are unread makes the broker drop them.
    wait_until(lambda: not _has_callers(broker.port), "the broker has let go of everybody")
    with _session(broker) as (_, came):
        # Sent last, so it arrives last: no need to wait for what does not come.
        publish(broker, [(_MARKER, b"")])
        payloads: list[bytes] = []
        while (message := came.get(timeout=DEADLINE_S)).topic != _MARKER:
            payloads.append(bytes(message.payload))
        return payloads
