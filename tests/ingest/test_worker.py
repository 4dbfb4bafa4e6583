"""The worker on a quiet day: all that is sent is stored once, then acknowledged; a bad message stops nothing."""

import json
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import Client, MQTTMessage

from app.local.broker import LocalIotcore, LocalMosquitto
from ingest.client import Broker, Delivery, new_client
from ingest.decoding import Decoding
from ingest.publisher import publish
from ingest.receipts import Receipt, parse, topic
from ingest.worker import run
from sensors.topics import ROOT
from storage import masks, readings
from storage.connection import connect
from storage.instants import microseconds
from tests.ingest.rig import (
    DEADLINE_S,
    broker_of,
    fleet,
    make_session,
    not_acknowledged,
    wait_until,
    wait_until_still,
    watching,
    working,
)
from tests.storage.cases import writer

_OURS = f"{ROOT}/city/bin-1/fill_level"
_GOOD = b'{"v":1,"time":"2026-09-05T22:00:00Z","distance_mm":640}'


def device_of(topic: str) -> str:
    """Name the device of a topic."""
    return topic.split("/")[3]


def sequence_of(payload: bytes) -> int:
    """Give the sequence of a message of `fleet`."""
    return int(json.loads(payload)["sequence"])


@pytest.mark.parametrize("version", [4, 5])
def test_everything_is_stored_and_acknowledged_when_published(
    database: str, mosquitto: LocalMosquitto, version: int
) -> None:
    broker = broker_of(mosquitto, version)
    make_session(broker)
    with watching(database) as watch:
        with working(database, broker) as worker:
            assert publish(broker, fleet(2_000)) == 2_000
            watch.wait_for(accepted=2_000)
        assert (watch.readings(), watch.messages()) == ({"accepted": 2_000}, {"decoded": 2_000})
        assert worker.tally is not None
        assert (worker.tally.messages_decoded, worker.tally.readings["accepted"]) == (2_000, 2_000)
    assert not_acknowledged(broker) == []


def test_everything_is_stored_and_acknowledged_when_the_broker_is_iotcore(database: str, server_folder: Path) -> None:
    with LocalIotcore(server_folder / "iotcore") as server, watching(database) as watch:
        broker = broker_of(server, 4)
        make_session(broker)
        publish(broker, fleet(300))
        with working(database, broker):
            publish(broker, fleet(600, sequence=1_000))
            watch.wait_for(accepted=600, conflict=0)
            wait_until(lambda: watch.messages().get("decoded", 0) >= 900, "all messages are in")
            # This broker cuts the line of who asks for its drops: what was not acknowledged before comes again.
            wait_until_still(watch.messages, 3)
        assert not_acknowledged(broker) == []


@pytest.mark.parametrize("version", [4, 5])
def test_the_stream_does_not_stall_when_the_window_is_smaller_than_the_batch(
    embedded_database: str, mosquitto: LocalMosquitto, version: int
) -> None:
    broker = broker_of(mosquitto, version)
    make_session(broker)
    publish(broker, fleet(1_000))
    with watching(embedded_database) as watch, working(embedded_database, broker, window=50):
        watch.wait_for(accepted=1_000)
        assert watch.messages() == {"decoded": 1_000}


@pytest.mark.parametrize("version", [4, 5])
def test_messages_are_delivered_later_when_no_worker_runs(
    database: str, mosquitto: LocalMosquitto, version: int
) -> None:
    broker = broker_of(mosquitto, version)
    with watching(database) as watch:
        with working(database, broker):
            # The worker's own subscription makes the session: a message is repeated until one arrives.
            wait_until(lambda: bool(publish(broker, fleet(1)) and watch.readings()), "the worker has subscribed")
        publish(broker, fleet(500))
        with working(database, broker):
            watch.wait_for(accepted=500)
        assert watch.readings()["accepted"] == 500


def test_redelivery_is_a_duplicate_when_messages_come_twice(database: str, mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    with watching(database) as watch, working(database, broker):
        for _ in range(2):
            publish(broker, fleet(300))
        watch.wait_for(accepted=300, duplicate=300)
        assert (watch.readings(), len(watch.stored())) == ({"accepted": 300, "duplicate": 300}, 300)


_GARBAGE: list[tuple[str, bytes]] = [
    (_OURS, b""),
    (_OURS, b"\x00"),
    (_OURS, bytes(range(256))),
    (_OURS, b"\xff\xfe\x00"),
    (_OURS, b"null"),
    (_OURS, b"[]"),
    (_OURS, b'{"v":1'),
    (_OURS, b'{"v":2}'),
    (_OURS, b'{"v":1,"\\udfff":1}'),
    (_OURS, 60_000 * b"["),
    (_OURS, 100_000 * b"["),
    (_OURS, 1_000_000 * b"x"),
    (_OURS, b'{"v":1,"readings":' + 60_000 * b"["),
    (_OURS, json.dumps({"v": 1, "readings": [{}] * 501}).encode()),
    (f"{ROOT}/city/bin-1/unknown", _GOOD),
    (f"{ROOT}/City/bin-1/fill_level", _GOOD),
    (f"{ROOT}/city/b\u00edn/fill_level", _GOOD),
    (f"{ROOT}/city/\u212a1/fill_level", _GOOD),
    (f"{ROOT}/city/{200 * 'a'}/fill_level", _GOOD),
    (f"{ROOT}///", _GOOD),
]
_BAD_READINGS: list[bytes] = [
    b'{"v":1,"time":"2026-09-05T22:00:00Z","fill_ratio":1e308}',
    b'{"v":1,"time":"2026-09-05T22:00:00Z","distance_mm":1e400}',
    b'{"v":1,"time":"2026-09-05T22:00:00Z","distance_mm":-2147483648}',
    b'{"v":1,"time":"0001-01-01T00:00:00+14:00","distance_mm":1}',
    b'{"v":1,"time":"9999-12-31T23:59:59-14:00","distance_mm":1}',
    b'{"v":1,"a\\u0000b":1}',
    b'{"v":1,"' + 50_000 * b"a" + b'":1}',
    b'{"v":1,"\xff":1}',
]


@pytest.mark.parametrize("version", [4, 5])
def test_the_stream_goes_on_when_garbage_is_among_it(database: str, mosquitto: LocalMosquitto, version: int) -> None:
    broker = broker_of(mosquitto, version)
    make_session(broker)
    good = list(fleet(len(_GARBAGE) + len(_BAD_READINGS)))
    bad = [*_GARBAGE, *((_OURS, payload) for payload in _BAD_READINGS)]
    with watching(database) as watch:
        with working(database, broker):
            publish(broker, (one for pair in zip(good, bad, strict=True) for one in pair))
            watch.wait_for(accepted=len(good))
            wait_until(lambda: sum(watch.messages().values()) == 2 * len(good), "all messages are in")
        assert watch.messages() == {"decoded": len(good) + len(_BAD_READINGS), "rejected": len(_GARBAGE)}
        assert watch.readings() == {"accepted": len(good), "rejected": len(_BAD_READINGS)}
    assert not_acknowledged(broker) == []


def test_a_bad_element_costs_its_neighbours_nothing_when_stored(database: str, mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    elements = [{"time": f"2026-09-05T22:00:{second:02d}Z", "distance_mm": 1} for second in range(10)]
    message = {"v": 1, "readings": [*elements[:5], {"time": "x"}, *elements[5:], *elements[:1]]}
    with watching(database) as watch, working(database, broker):
        publish(broker, [(_OURS, json.dumps(message).encode())])
        watch.wait_for(accepted=10, rejected=1, duplicate=1)
        assert watch.messages() == {"decoded": 1}


def test_a_running_worker_applies_a_mask_when_it_is_new(database: str, mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    topic = f"{ROOT}/city/truck-1/position_fix"
    fixes = [
        json.dumps({"v": 1, "time": f"2026-09-05T22:00:{second:02d}Z", "latitude": -12.5, "longitude": 1}).encode()
        for second in range(2)
    ]
    with watching(database) as watch, working(database, broker):
        publish(broker, [(topic, fixes[0])])
        watch.wait_for(accepted=1)
        with closing(connect(database, "test")) as job:
            masks.replace(job, "c", {("city", "truck-1"): []}, datetime.now(UTC))
        publish(broker, [(topic, fixes[1])])
        watch.wait_for(reduced=1)
        publish(broker, [(topic, fix) for fix in fixes])
        watch.wait_for(duplicate=2)
        assert watch.readings() == {"accepted": 1, "reduced": 1, "duplicate": 2}


def test_any_bytes_are_stored_or_rejected_when_they_come_on_any_topic(embedded_database: str) -> None:
    payloads = st.binary(max_size=80) | st.text(max_size=30).map(
        lambda name: json.dumps({"v": 1, "readings": [{name: 1}, name]}).encode()
    )
    topics = st.just(_OURS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=80)

    with writer(embedded_database) as connection:

        @given(st.lists(st.tuples(topics, payloads), max_size=5))
        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        def holds(messages: list[tuple[str, bytes]]) -> None:
            now = datetime.now(UTC)
            topics, payloads = [topic.encode() for topic, _ in messages], [payload for _, payload in messages]
            count = len(messages)
            delivery = Delivery(topics, payloads, [1] * count, [microseconds(now)] * count, 1)
            batch = Decoding().batch(delivery)
            stored = readings.store(connection, batch, now)
            assert stored.messages_decoded + stored.messages_rejected == len(messages)

        holds()


def test_committed_and_waiting_are_all_there_is_when_stopped_in_mid_stream(
    database: str, mosquitto: LocalMosquitto
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    messages = list(fleet(6_000))
    publish(broker, messages)
    with watching(database) as watch:
        with working(database, broker, window=200) as worker:
            watch.wait_for(accepted=1)
            took_s = worker.end()
        waiting = not_acknowledged(broker)
        stored = watch.stored()
        assert took_s < 10
        assert watch.messages() == {"decoded": len(stored)}
        # A broker that was still sending may have lost the last acknowledgements with the line: a window at most.
        both = len(stored) + len(set(waiting)) - len(messages)
        assert 0 <= both <= 200
        expected = sorted((device_of(topic), sequence_of(payload)) for topic, payload in messages)
        of_payload = {payload: device_of(topic) for topic, payload in messages}
        found = {*stored, *((of_payload[payload], sequence_of(payload)) for payload in waiting)}
    assert sorted(found) == expected


@contextmanager
def _listening(broker: Broker) -> Generator[list[Receipt], None, None]:
    """Collect the receipts that are given."""
    given_: list[Receipt] = []
    subscribed = threading.Event()

    def on_message(_client: Client, _user: object, message: MQTTMessage) -> None:
        receipt = parse(bytes(message.payload))
        assert receipt is not None
        given_.append(receipt)

    def on_connect(*_: object) -> None:
        client.subscribe(topic("+"))

    def on_subscribe(*_: object) -> None:
        subscribed.set()

    client = new_client(broker, "listener", is_persistent=False)
    client.on_message = on_message
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert subscribed.wait(DEADLINE_S)
        yield given_
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.parametrize("version", [4, 5])
def test_what_is_committed_is_confirmed_when_devices_listen(
    embedded_database: str, mosquitto: LocalMosquitto, version: int
) -> None:
    broker = broker_of(mosquitto, version)
    make_session(broker)
    with _listening(broker) as given_, working(embedded_database, broker):
        publish(broker, fleet(60, devices=3))
        wait_until(lambda: _confirmed(given_) == set(range(1, 21)), "all are confirmed")
        publish(broker, fleet(60, devices=3))
        wait_until(lambda: sum(map(_size, given_)) == 120, "what comes again is confirmed again")


def _confirmed(receipts: list[Receipt]) -> set[int]:
    return {number for one in receipts for first, last in one.sequences for number in range(first, last + 1)}


def _size(receipt: Receipt) -> int:
    return sum(last - first + 1 for first, last in receipt.sequences)


def test_a_reading_is_not_confirmed_when_the_server_refused_it(
    embedded_database: str, mosquitto: LocalMosquitto
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    with closing(connect(embedded_database, "test")) as connection:
        connection.execute("alter table fill_level add constraint no_poison check (sequence <> 2)")
    with _listening(broker) as given_, working(embedded_database, broker):
        publish(broker, fleet(3, devices=1))
        wait_until(lambda: {1, 3} <= _confirmed(given_), "the others are confirmed")
        assert {1, 3} == _confirmed(given_)


def test_run_returns_at_once_when_stopped_before_it_began(database: str, mosquitto: LocalMosquitto) -> None:
    stop = threading.Event()
    stop.set()
    assert run(database, broker_of(mosquitto), stop).batches == 0


def test_loss_shows_as_a_gap_in_the_sequence_when_the_broker_overflows(
    embedded_database: str, mosquitto_binary: Path, server_folder: Path
) -> None:
    limits = {"max_queued_messages": "1000", "max_inflight_messages": "20"}
    with (
        LocalMosquitto(mosquitto_binary, server_folder / "small", settings=limits) as server,
        watching(embedded_database) as watch,
    ):
        broker = broker_of(server)
        make_session(broker)
        # The publisher is told that all is well.
        assert publish(broker, fleet(3_000, devices=1)) == 3_000
        with working(embedded_database, broker):
            watch.wait_for(accepted=1_000)
            publish(broker, list(fleet(3_001, devices=1))[-1:])
            wait_until(lambda: ("bin-0", 3_001) in watch.stored(), "a later reading is in")
        found = [sequence for _, sequence in watch.stored()]
    assert len(found) < 3_001
    assert sorted(set(range(1, 3_002)) - set(found)) == list(range(len(found), 3_001))
