"""Workers that share the messages: each goes to one of them, and none is lost with one of them.

What Mosquitto has given to a member of a group, in flight or queued, stays in that member's session: no other member
ever gets it, and when the session ends it is gone. So a member's session outlives it, and who takes up its name gets
its messages.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from app.local.broker import LocalMosquitto
from ingest.client import Broker
from ingest.publisher import publish
from ingest.worker import Options, Tally, run
from tests.faults import rig
from tests.ingest.rig import broker_of, wait_until

_COUNT = 4_000
_DEVICES = 20
_GROUP = "city"


def _messages(first: int, until: int) -> list[tuple[str, bytes]]:
    return [rig.message(place, _DEVICES)[:2] for place in range(first, until)]


def _sent(count: int) -> set[tuple[str, int]]:
    return {rig.message(place, _DEVICES)[2:] for place in range(count)}


@contextmanager
def _member(dsn: str, broker: Broker, client_id: str) -> Generator[Tally, None, None]:
    """Run a member of the group in a thread of this process; its tally is complete when it has ended."""
    stop, tally = threading.Event(), Tally()
    options = Options(client_id, share=_GROUP)
    thread = threading.Thread(target=run, args=(dsn, broker, stop, options, tally), daemon=True)
    thread.start()
    try:
        yield tally
    finally:
        stop.set()
        thread.join(rig.FOUND_S)


def _apart(dsn: str, port: int, folder: Path, client_id: str, window: int = 30_000) -> rig.Worker:
    """Run a member in a process of its own."""
    return rig.Worker(dsn, port, folder / f"{client_id}.log", client_id=client_id, window=window, share=_GROUP)


def test_each_message_reaches_one_worker_when_two_share(
    durable_database: str, durable_broker: LocalMosquitto, tmp_path: Path
) -> None:
    broker = broker_of(durable_broker)
    # Both sessions are there before the first message.
    for name in ("one", "other"):
        with rig.at_work(_apart(durable_database, broker.port, tmp_path, name)) as worker:
            worker.wait_ready()
            worker.stop()
    with _member(durable_database, broker, "one") as one, _member(durable_database, broker, "other") as other:
        publish(broker, _messages(0, _COUNT))
        wait_until(lambda: rig.readings_stored(durable_database) == _COUNT, "all are stored")
    here = rig.found(durable_database)
    rig.check_once(here, _sent(_COUNT))
    assert 0 == here.readings.get("duplicate", 0)
    assert _COUNT == one.messages_decoded + other.messages_decoded
    assert min(one.messages_decoded, other.messages_decoded) > 0


def test_nothing_is_lost_when_a_worker_that_shares_is_killed_and_its_name_taken_up(
    durable_database: str, durable_broker: LocalMosquitto, tmp_path: Path
) -> None:
    broker = broker_of(durable_broker)
    with (
        rig.looking(durable_database) as blocker,
        rig.at_work(_apart(durable_database, broker.port, tmp_path, "one", 500)) as killed,
        rig.at_work(_apart(durable_database, broker.port, tmp_path, "other", 500)) as survivor,
    ):
        killed.wait_ready()
        survivor.wait_ready()
        # Both hold messages that are not committed when one dies.
        blocker.execute("begin")
        blocker.execute("lock table ingest_count in access exclusive mode")
        publish(broker, _messages(0, _COUNT // 2))
        killed.kill()
        publish(broker, _messages(_COUNT // 2, _COUNT))
        blocker.execute("rollback")
        # The other's own come through; what was given to the dead one waits for its name.
        rig.wait(lambda: rig.readings_stored(durable_database) >= _COUNT // 4, rig.FOUND_S, "some are stored")
        assert rig.readings_stored(durable_database) < _COUNT
        with rig.at_work(_apart(durable_database, broker.port, tmp_path, "one")) as heir:
            rig.wait(lambda: rig.readings_stored(durable_database) == _COUNT, rig.FOUND_S, "all are stored")
            heir.stop()
        survivor.stop()
    here = rig.found(durable_database)
    rig.check_once(here, _sent(_COUNT))
    assert 0 == here.readings.get("duplicate", 0)
