"""The worker on a bad day: lines cut, servers away, a kill; nothing is lost and nothing counts twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import pytest

from app.local.broker import LocalMosquitto
from ingest.client import Broker
from ingest.publisher import publish
from storage.connection import connect
from storage.migrate import migrate
from tests.ingest.proxy import Proxy
from tests.ingest.rig import (
    Watch,
    broker_of,
    fleet,
    make_session,
    not_acknowledged,
    wait_until,
    watching,
    working,
    working_apart,
)

_COUNT = 1_500


def _through(dsn: str, port: int) -> str:
    """Lead a connection string over another port."""
    return " ".join(f"port={port}" if part.startswith("port=") else part for part in dsn.split())


def _port(dsn: str) -> int:
    return next(int(part.removeprefix("port=")) for part in dsn.split() if part.startswith("port="))


def _is_right(watch: Watch) -> None:
    """Check that all of the fleet is in once, whatever was delivered twice."""
    found = watch.readings()
    assert (found["accepted"], len(watch.stored()), found.get("conflict", 0), found.get("rejected", 0)) == (
        _COUNT,
        _COUNT,
        0,
        0,
    )
    # Each delivery that was committed was counted, as a message and as a reading.
    assert watch.messages() == {"decoded": sum(found.values())}


def test_nothing_is_acknowledged_when_the_database_does_not_commit(database: str, mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    publish(broker, fleet(100))
    with watching(database) as watch:
        with closing(connect(database, "test")) as blocker:
            blocker.execute("begin")
            blocker.execute("lock table ingest_count in access exclusive mode")
            with working_apart(database, broker) as worker, watching(database) as lookout:
                lookout.wait_for_worker(locked=True)
                worker.kill()
                worker.wait()
            waiting = not_acknowledged(broker)
        assert (len(set(waiting)), len(waiting), watch.readings()) == (100, 100, {})


@pytest.mark.parametrize("kills", [1, 3])
def test_nothing_is_lost_or_doubled_when_the_worker_is_killed(
    database: str, mosquitto: LocalMosquitto, kills: int
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    with watching(database) as watch, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(publish, broker, fleet(_COUNT))
        for kill in range(kills):
            with working_apart(database, broker, window=100) as worker:
                # In mid-stream: some are in, none of the later half is.
                watch.wait_for(accepted=1 + kill * 100)
                worker.kill()
        sending.result()
        with working(database, broker):
            watch.wait_for(accepted=_COUNT)
        _is_right(watch)
    assert not_acknowledged(broker) == []


@pytest.mark.parametrize("version", [4, 5])
def test_nothing_is_lost_or_doubled_when_the_line_to_the_broker_is_cut(
    database: str, mosquitto: LocalMosquitto, version: int
) -> None:
    direct = broker_of(mosquitto, version)
    make_session(direct)
    with (
        Proxy(mosquitto.port, cut_at=(30_000, 150_000)) as proxy,
        watching(database) as watch,
        working(database, Broker("127.0.0.1", proxy.port, version=version), window=200),
    ):
        publish(direct, fleet(_COUNT))
        watch.wait_for(accepted=_COUNT)
        assert proxy.cuts == 2
    with watching(database) as watch:
        _is_right(watch)
    assert not_acknowledged(direct) == []


def test_nothing_is_lost_or_doubled_when_the_line_to_the_database_is_cut(
    database: str, mosquitto: LocalMosquitto
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    cut_at = (20_000, 60_000, 60_500, 150_000)
    with (
        Proxy(_port(database), cut_at=cut_at) as proxy,
        watching(database) as watch,
        working(_through(database, proxy.port), broker, window=200),
    ):
        publish(broker, fleet(_COUNT))
        watch.wait_for(accepted=_COUNT)
        assert proxy.cuts == len(cut_at)
    with watching(database) as watch:
        _is_right(watch)
    assert not_acknowledged(broker) == []


def test_nothing_is_lost_or_doubled_when_the_database_ends_the_connection_again_and_again(
    database: str, mosquitto: LocalMosquitto
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    done = threading.Event()

    def end_connections() -> None:
        with closing(connect(database, "test")) as connection, watching(database) as watch:
            for step in count(1):
                wait_until(
                    lambda least=step * 300: done.is_set() or watch.readings().get("accepted", 0) >= least,
                    "more came",
                )
                if done.is_set():
                    return
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and application_name = 'poniente ingest'"
                )

    with watching(database) as watch, ThreadPoolExecutor(1) as pool:
        ending = pool.submit(end_connections)
        with working(database, broker, window=100):
            publish(broker, fleet(_COUNT))
            watch.wait_for(accepted=_COUNT)
            done.set()
        ending.result()
        _is_right(watch)


def test_worker_waits_when_the_database_is_away_at_the_start(database: str, mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    publish(broker, fleet(100))
    with Proxy() as proxy, watching(database) as watch, working(_through(database, proxy.port), broker):
        wait_until(lambda: proxy.turned_away > 1, "the worker has tried twice")
        proxy.open(_port(database))
        watch.wait_for(accepted=100)


def test_worker_waits_when_the_schema_is_missing_at_the_start(empty_database: str, mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    publish(broker, fleet(100))
    with watching(empty_database) as watch, working(empty_database, broker):
        watch.wait_for_worker()
        migrate(empty_database)
        watch.wait_for(accepted=100)


def test_worker_waits_when_the_broker_is_away_at_the_start(database: str, mosquitto: LocalMosquitto) -> None:
    direct = broker_of(mosquitto)
    make_session(direct)
    publish(direct, fleet(100))
    with Proxy() as proxy, watching(database) as watch, working(database, Broker("127.0.0.1", proxy.port)):
        wait_until(lambda: proxy.turned_away > 0, "the worker has tried")
        proxy.open(mosquitto.port)
        watch.wait_for(accepted=100)


def test_worker_goes_on_when_the_broker_comes_back_without_its_sessions(
    embedded_database: str, mosquitto: LocalMosquitto
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    with watching(embedded_database) as watch, working(embedded_database, broker):
        publish(broker, fleet(100))
        watch.wait_for(accepted=100)
        mosquitto.kill()
        mosquitto.start()
        # Its memory is empty: only the worker's own subscription can bring it these.
        wait_until(
            lambda: bool(publish(broker, fleet(200)) and watch.readings()["accepted"] == 200),
            "the worker has subscribed again",
        )


def _database_away(dsn: str, proxy: Proxy, broker: Broker) -> tuple[str, Broker]:
    return _through(dsn, proxy.port), broker


def _broker_away(dsn: str, proxy: Proxy, _broker: Broker) -> tuple[str, Broker]:
    return dsn, Broker("127.0.0.1", proxy.port)


@pytest.mark.parametrize("away", [_database_away, _broker_away])
def test_worker_stops_soon_when_a_server_is_away(
    embedded_database: str, mosquitto: LocalMosquitto, away: Callable[[str, Proxy, Broker], tuple[str, Broker]]
) -> None:
    with Proxy() as proxy:
        dsn, broker = away(embedded_database, proxy, broker_of(mosquitto))
        with working(dsn, broker) as worker:
            wait_until(lambda: proxy.turned_away > 0, "the worker has tried")
            assert worker.end() < 10


def test_nothing_is_acknowledged_when_stopped_while_the_database_is_away(
    embedded_database: str, mosquitto: LocalMosquitto
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    with Proxy(_port(embedded_database)) as proxy, watching(embedded_database) as watch:
        with working(_through(embedded_database, proxy.port), broker) as worker:
            publish(broker, fleet(100))
            watch.wait_for(accepted=100)
            proxy.close_door()
            publish(broker, fleet(200))
            wait_until(lambda: proxy.turned_away > 0, "the worker has tried")
            assert worker.end() < 10
        assert (len(set(not_acknowledged(broker))), watch.readings()) == (200, {"accepted": 100})
