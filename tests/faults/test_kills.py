"""Kills of worker, database and broker in mid-stream: nothing that a device was told of is lost, nothing is double.

The check is one of sets: every number that a device has sent is in the table in the end, once.
"""

import threading
import time
from pathlib import Path

import pytest

from app.local.broker import LocalMosquitto
from app.local.postgres import LocalPostgres
from ingest.client import Broker
from ingest.device import Patience, ReceiptPublisher
from ingest.failpoints import KILLED, NAMES
from ingest.publisher import publish
from tests.faults import rig
from tests.ingest.rig import broker_of, make_session, wait_until, working

_DEVICES = 50
# A test does not wait as long as a device in the field does.
_PATIENCE = Patience(first_s=3.0, most_s=12.0, tries=200)
# A batch and a half late: by then most are confirmed, so that it really comes again.
_AGAIN_AFTER = 2_000
# What is under way when a fault comes.
_AHEAD = 500


class _Feed:
    """Sends readings at a steady rate in a thread: 3 % again, and 1 % of garbage in between."""

    def __init__(self, broker: Broker, total: int, rate: int, chance_seed: int) -> None:
        self._total, self._rate = total, rate
        self._chance = rig.seeded(chance_seed)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.publisher = ReceiptPublisher(broker, "fleet", patience=_PATIENCE)
        self.place = 0
        # It goes so far and waits, so that each fault finds it in mid-stream, however slow the machine.
        self.until = 0
        self.sent: set[tuple[str, int]] = set()
        self.bad: dict[bytes, str] = {}

    def start(self) -> None:
        self.publisher.start()
        self._thread.start()

    def end(self) -> None:
        self._thread.join(self._total / self._rate * 4 + rig.FOUND_S)
        assert not self._thread.is_alive(), "the feed does not end"

    def _run(self) -> None:
        pace = threading.Event()
        began_s = time.monotonic()
        for place in range(self._total):
            while place >= self.until:
                pace.wait(0.01)
                began_s += 0.01
            topic, payload, device, sequence = rig.message(place, _DEVICES)
            self.sent.add((device, sequence))
            self._put(topic, payload, sequence)
            if place >= _AGAIN_AFTER and self._chance.random() < 0.03:
                topic, payload, _, sequence = rig.message(place - _AGAIN_AFTER, _DEVICES)
                self._put(topic, payload, sequence)
            if self._chance.random() < 0.01:
                # Kept and sent again as all else: what refuses it gives no receipt, but the broker may lose it.
                topic, payload, reason = rig.garbage(place)
                self.bad[payload] = reason
                self._put(topic, payload, place + 1)
            self.place = place + 1
            if place % 50 == 0:
                pace.wait(max(0.0, began_s + place / self._rate - time.monotonic()))

    def _put(self, topic: str, payload: bytes, sequence: int) -> None:
        assert self.publisher.put(topic, payload, sequence, timeout_s=rig.FOUND_S), "no room for more"


class _Field:
    """A worker, a database and a broker, and somebody who kills them."""

    def __init__(self, dsn: str, database: LocalPostgres, broker: LocalMosquitto, log: Path) -> None:
        self._dsn, self._database, self._broker, self._log = dsn, database, broker, log
        self._stored = 0
        self.worker = self._new()

    def _new(self) -> rig.Worker:
        return rig.Worker(self._dsn, self._broker.port, self._log)

    def wait_at_work(self) -> None:
        """Wait until something more is stored than at the last fault."""
        stored = self._stored
        rig.wait(lambda: rig.readings_stored(self._dsn) > stored, rig.FOUND_S, "the worker is at work")

    def fault(self, name: str) -> None:
        self._stored = rig.readings_stored(self._dsn)
        if name in ("worker", "broker"):
            self.worker.kill()
        if name == "broker":
            # With nobody there to take them, all that it holds is lost: its store is written only when it stops.
            rig.restart(self._broker)
        elif name == "database":
            self._database.kill()
            self._database.start()
        if name in ("worker", "broker"):
            self.worker = self._new()


def _run(
    dsn: str,
    servers: tuple[LocalPostgres, LocalMosquitto],
    folder: Path,
    *,
    total: int,
    rate: int,
    kills: dict[str, int],
    seed: int,
) -> None:
    database, broker = servers
    chance = rig.seeded(seed)
    make_session(broker_of(broker))
    field = _Field(dsn, database, broker, folder / "worker.log")
    feed = _Feed(broker_of(broker), total, rate, seed)
    feed.start()
    try:
        for mark, name in rig.marks(chance, total, kills):
            feed.until = mark + _AHEAD
            rig.wait(lambda mark=mark: feed.place >= mark, total / rate * 4 + rig.FOUND_S, f"{mark} are sent")
            # A worker that has not come up again yet would not notice.
            field.wait_at_work()
            field.fault(name)
        feed.until = total
        feed.end()
        rig.wait(
            lambda: feed.publisher.kept <= len(feed.bad), rig.FOUND_S + total / 500, "every reading is confirmed"
        )
        wanted = len(feed.bad)
        rig.wait(
            lambda: rig.count(dsn, "select count(distinct payload) from rejection") == wanted,
            rig.FOUND_S,
            f"{wanted} bad messages are kept",
        )
        field.worker.stop()
    finally:
        feed.publisher.close()
        field.worker.kill()
    here = rig.found(dsn)
    rig.check_once(here, feed.sent)
    assert feed.bad == here.reasons
    assert 0 < here.readings["duplicate"]
    assert here.messages["rejected"] + here.readings["rejected"] >= wanted
    assert (feed.bad.keys(), 0) == ({one.payload for one in feed.publisher.unconfirmed}, feed.publisher.given_up)


def test_nothing_is_lost_or_doubled_when_everything_is_killed_in_turn(
    durable_database: str, durable_server: LocalPostgres, durable_broker: LocalMosquitto, tmp_path: Path
) -> None:
    servers = (durable_server, durable_broker)
    kills = {"worker": 5, "database": 1, "broker": 1}
    _run(durable_database, servers, tmp_path, total=10_000, rate=1_000, kills=kills, seed=20260905)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_nothing_is_lost_or_doubled_when_everything_is_killed_for_a_long_time(
    durable_database: str, durable_server: LocalPostgres, durable_broker: LocalMosquitto, tmp_path: Path
) -> None:
    servers = (durable_server, durable_broker)
    kills = {"worker": 200, "database": 20, "broker": 20}
    _run(durable_database, servers, tmp_path, total=500_000, rate=1_000, kills=kills, seed=20260906)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_or_doubled_when_the_worker_dies_at(
    durable_database: str, durable_broker: LocalMosquitto, tmp_path: Path, name: str
) -> None:
    """What is redelivered may count as a duplicate; the rows are there once, and the counts are those of the rows."""
    broker = broker_of(durable_broker)
    make_session(broker)
    messages = [rig.message(place, 20) for place in range(600)]
    publish(broker, [(topic, payload) for topic, payload, *_ in messages])
    log = tmp_path / "worker.log"
    with rig.at_work(rig.Worker(durable_database, broker.port, log, failpoint=name, window=200)) as first:
        assert KILLED == first.code(), first.said()
    with working(durable_database, broker):
        wait_until(lambda: rig.readings_stored(durable_database) == len(messages), "all are stored")
    here = rig.found(durable_database)
    rig.check_once(here, {(device, sequence) for _, _, device, sequence in messages})
    assert here.readings.get("duplicate", 0) <= 200, "more came again than were in flight"
