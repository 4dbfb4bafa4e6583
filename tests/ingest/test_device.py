"""A device that keeps what it said until a receipt tells that it is committed: over restarts, losses and silence."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from paho.mqtt.client import Client, MQTTMessage

from app.local.broker import LocalMosquitto
from ingest import receipts
from ingest.client import Broker, new_client
from ingest.device import UNCONFIRMED_MAX, Patience, ReceiptPublisher, Unconfirmed
from ingest.publisher import publish
from sensors.errors import TopicError
from sensors.topics import ReadingTopic, build, subscription
from tests.ingest.rig import broker_of, fleet, make_session, wait_until, watching, working

_TOPIC = build(ReadingTopic("city", "bin-1", "fill_level"))
_SOON = Patience(first_s=0.3, most_s=1.0, tries=100)
_WAIT_S = 15.0


class _Office:
    """Somebody who confirms what a test tells it to."""

    def __init__(self, broker: Broker) -> None:
        self.heard: list[bytes] = []
        self.answers = True
        self._client = new_client(broker, "office", is_persistent=False)
        self._client.on_message = self._on_message
        self._is_there = False
        self._client.on_subscribe = self._on_subscribe
        self._client.connect(broker.host, broker.port)
        self._client.subscribe(subscription(), qos=1)

    def _on_subscribe(self, *_: object) -> None:
        self._is_there = True

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        self.heard.append(bytes(message.payload))
        if self.answers:
            _, _, source, device, kind = message.topic.split("/")
            self.confirm(source, device, kind, json.loads(message.payload)["sequence"])

    def confirm(self, source: str, device: str, kind: str, *numbers: int) -> None:
        said = {"v": 1, "source": source, "kind": kind, "sequences": [(one, one) for one in numbers]}
        self._client.publish(receipts.topic(device), msgspec.json.encode(said))

    def start(self) -> None:
        self._client.loop_start()
        wait_until(lambda: self._is_there, "the office listens")

    def end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def _office(broker: Broker, *, answers: bool = True) -> Generator[_Office, None, None]:
    office = _Office(broker)
    office.answers = answers
    office.start()
    try:
        yield office
    finally:
        office.end()


def _payload(sequence: int) -> bytes:
    said = {"v": 1, "time": "2026-09-05T22:00:00Z", "sequence": sequence, "distance_mm": 640}
    return json.dumps(said).encode()


def test_reading_is_sent_once_when_it_is_confirmed_at_once(mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    with _office(broker) as office, ReceiptPublisher(broker) as publisher:
        for sequence in range(1, 101):
            assert publisher.put(_TOPIC, _payload(sequence), sequence)
        assert publisher.wait(_WAIT_S)
        assert (100, 100, []) == (publisher.sent, publisher.confirmed, publisher.unconfirmed)
        assert 100 == len(office.heard)


def test_reading_comes_again_when_nobody_confirms_it(mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    with _office(broker, answers=False) as office, ReceiptPublisher(broker, patience=_SOON) as publisher:
        publisher.put(_TOPIC, _payload(7), 7)
        wait_until(lambda: len(office.heard) >= 3, "it came three times")
        assert {_payload(7)} == set(office.heard)
        assert [Unconfirmed(_TOPIC, _payload(7), 7)] == publisher.unconfirmed
        office.answers = True
        assert publisher.wait(_WAIT_S)


def test_reading_is_given_up_when_its_tries_are_used_up(mosquitto: LocalMosquitto) -> None:
    broker = broker_of(mosquitto)
    told: list[Unconfirmed] = []
    patience = Patience(first_s=0.1, most_s=0.1, tries=3)
    with ReceiptPublisher(broker, patience=patience, on_given_up=told.append) as publisher:
        publisher.put(_TOPIC, _payload(7), 7)
        assert publisher.wait(_WAIT_S)
        assert (3, 0, 1) == (publisher.sent, publisher.confirmed, publisher.given_up)
        wait_until(lambda: told == [Unconfirmed(_TOPIC, _payload(7), 7)], "the caller is told")


@pytest.mark.parametrize(
    ("source", "device", "kind", "number"),
    [
        ("other", "bin-1", "fill_level", 7),
        ("city", "bin-2", "fill_level", 7),
        ("city", "bin-1", "lift", 7),
        ("city", "bin-1", "fill_level", 8),
    ],
)
def test_reading_is_kept_when_the_receipt_is_of_another(
    mosquitto: LocalMosquitto, source: str, device: str, kind: str, number: int
) -> None:
    broker = broker_of(mosquitto)
    with _office(broker, answers=False) as office, ReceiptPublisher(broker, patience=_SOON) as publisher:
        publisher.put(_TOPIC, _payload(7), 7)
        publisher.put(_TOPIC, _payload(9), 9)
        wait_until(lambda: len(office.heard) >= 2, "both came")
        office.confirm(source, device, kind, number)
        office.confirm("city", "bin-1", "fill_level", 9)
        wait_until(lambda: publisher.confirmed == 1, "the other is confirmed")
        assert [7] == [one.sequence for one in publisher.unconfirmed]


@pytest.mark.parametrize(
    "payload", [b"", b"[", b"{}", b'{"v":2,"source":"city","kind":"fill_level","sequences":[[1,9]]}']
)
def test_reading_is_kept_when_the_receipt_is_none(mosquitto: LocalMosquitto, payload: bytes) -> None:
    broker = broker_of(mosquitto)
    with _office(broker, answers=False) as office, ReceiptPublisher(broker, patience=_SOON) as publisher:
        publisher.put(_TOPIC, _payload(7), 7)
        wait_until(lambda: bool(office.heard), "it came")
        publish(broker, [(receipts.topic("bin-1"), payload)])
        publisher.put(_TOPIC, _payload(8), 8)
        office.confirm("city", "bin-1", "fill_level", 8)
        office.answers = True
        assert publisher.wait(_WAIT_S)


def test_readings_wait_when_the_broker_is_away(mosquitto_binary: Path, server_folder: Path) -> None:
    with LocalMosquitto(mosquitto_binary, server_folder / "broker") as server:
        broker = broker_of(server)
        server.kill()
        patience = Patience(first_s=0.3, most_s=1.0, tries=2)
        with ReceiptPublisher(broker, patience=patience) as publisher:
            for sequence in range(1, 101):
                publisher.put(_TOPIC, _payload(sequence), sequence)
            # A try without a line is none: nothing is given up meanwhile.
            assert not publisher.wait(2.0)
            assert (0, 0) == (publisher.sent, publisher.given_up)
            server.start()
            with _office(broker):
                assert publisher.wait(_WAIT_S)
                assert publisher.confirmed == 100


def test_put_says_no_when_there_is_no_room(mosquitto: LocalMosquitto) -> None:
    # Not started: nothing is sent, and so nothing leaves.
    publisher = ReceiptPublisher(broker_of(mosquitto))
    assert all(publisher.put(_TOPIC, b"{}", sequence) for sequence in range(1, UNCONFIRMED_MAX + 1))
    assert not publisher.put(_TOPIC, b"{}", UNCONFIRMED_MAX + 1)


@pytest.mark.parametrize(("topic", "sequence"), [("weather/now", 1), (_TOPIC, 0)])
def test_put_says_so_when_nobody_could_confirm_it(mosquitto: LocalMosquitto, topic: str, sequence: int) -> None:
    publisher = ReceiptPublisher(broker_of(mosquitto))
    with pytest.raises(TopicError, match="no reading's"):
        publisher.put(topic, b"{}", sequence)


@pytest.mark.parametrize("first_s", [1.0, 10.0])
def test_wait_grows_to_its_most(first_s: float) -> None:
    patience = Patience(first_s=first_s, most_s=60.0)
    assert 0.75 * first_s <= patience.wait_s(1) <= 1.25 * first_s
    assert 1.5 * first_s <= patience.wait_s(2) <= 2.5 * first_s
    assert 45.0 <= patience.wait_s(1_000) <= 75.0


def test_what_the_broker_loses_comes_again_until_the_worker_has_it(
    embedded_database: str, mosquitto: LocalMosquitto
) -> None:
    broker = broker_of(mosquitto)
    make_session(broker)
    with ReceiptPublisher(broker, patience=_SOON) as publisher, watching(embedded_database) as watch:
        for place, (topic, payload) in enumerate(fleet(300)):
            publisher.put(topic, payload, 1 + place // 20)
        wait_until(lambda: publisher.sent >= 300, "all are with the broker")
        # It keeps nothing on disk: what it has acknowledged is lost, and the worker's session with it.
        mosquitto.kill()
        mosquitto.start()
        with working(embedded_database, broker):
            assert publisher.wait(_WAIT_S * 2)
            assert (300, 300) == (publisher.confirmed, watch.readings()["accepted"])
    assert publisher.given_up == 0
