"""Whatever is sent, the stream goes on: every message is counted, every refusal has its reason, memory stays flat."""

import random
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.reasoncodes import ReasonCode

from app.local.broker import LocalMosquitto
from ingest.accept import PAYLOAD_BYTES_MAX, accept, source_of
from ingest.client import Broker, new_client
from ingest.publisher import publish
from ingest.sources import read_sources
from sensors.registry import kinds
from tests.deploy.shipped import ShippedMosquitto
from tests.faults import rig
from tests.fuzz.mutations import SOURCES, forms, golden, spoilt
from tests.ingest.rig import broker_of, wait_until

_CASES = Path(__file__).parents[1] / "cases" / "malformed"
# Every so many messages one is good.
_GOOD_EVERY = 10
_DEVICES = 20
# Topics never seen before are remembered, some 300 bytes each of which every tenth message here brings one; the
# allocator keeps what the largest batch took, of 2,000 messages of up to 100 kB. A leak of each message is more.
_GROWTH_MAX_KB = 96_000


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['what']}")
        for path in sorted(_CASES.glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["cases"]
    ]


def _payload(case: dict[str, Any]) -> bytes:
    repeated = case.get("repeated", {"text": "", "times": 0})
    text = case.get("payload", "") + repeated["text"] * repeated["times"] + case.get("end", "")
    return bytes.fromhex(case["hex"]) if "hex" in case else text.encode()


@pytest.mark.parametrize("case", _cases())
def test_message_is_refused_with_its_reason_when_malformed(case: dict[str, Any]) -> None:
    topic = case["topic"]
    decoded = accept(source_of(read_sources(SOURCES), topic), topic, _payload(case))
    assert ([], [case["reason"]]) == (decoded.readings, [one.reason.value for one in decoded.rejections])


def _junk(chance: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Give messages that are mostly bad, on topics that somebody is subscribed to."""
    sources = read_sources(SOURCES)
    saved = [(case["topic"], _payload(case)) for (case,) in (one.values for one in _cases())]
    heard = [one for one in saved if one[0].isprintable() and _is_heard(sources, one[0])]
    small = [one for one in heard if len(one[1]) < 10_000]
    large = [one for one in heard if len(one[1]) >= 10_000]
    for place in range(count):
        lot = chance.random()
        if lot < 0.005:
            yield chance.choice(large)
        elif lot < 0.15:
            yield chance.choice(small)
        elif lot < 0.25:
            kind = chance.choice([*kinds(), "Status", "x y", "%00", "кг"])
            yield (
                f"poniente/v1/{chance.choice(('city', 'City', 'кг', ''))}/any-{place}/{kind}",
                spoilt(chance, golden("native")[1]),
            )
        else:
            topic, payload = golden(chance.choice(forms()))
            yield topic, spoilt(chance, payload)


def _is_heard(sources: Any, topic: str) -> bool:  # only source_of knows what it takes
    source = source_of(sources, topic)
    return source is not None and (source.format != "native" or topic.count("/") == 4)


def _mixed(seed: int, junk: int) -> tuple[list[tuple[str, bytes]], set[tuple[str, int]]]:
    """Put good messages between the bad ones, evenly."""
    messages: list[tuple[str, bytes]] = []
    sent: set[tuple[str, int]] = set()
    for place, one in enumerate(_junk(rig.seeded(seed), junk)):
        messages.append(one)
        if place % _GOOD_EVERY == 0:
            topic, payload, device, sequence = rig.message(place // _GOOD_EVERY, _DEVICES)
            messages.append((topic, payload))
            sent.add((device, sequence))
    return messages, sent


def _publish_retained(broker: Broker, messages: list[tuple[str, bytes]]) -> None:
    client = new_client(broker, "retainer", is_persistent=False)
    client.connect(broker.host, broker.port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1, retain=True).wait_for_publish(rig.FOUND_S)
    client.disconnect()
    client.loop_stop()


def _messages_counted(dsn: str) -> int:
    return rig.count(dsn, "select coalesce(sum(n), 0) from ingest_count where unit = 'message'")


# Stock paho hands over the same messages, so fewer of them show it.
@pytest.mark.parametrize(("client", "junk"), [("bulk", 20_000), ("stock", 4_000)])
def test_stream_goes_on_when_most_of_it_is_junk(
    timescale_database: str, mosquitto_binary: Path, server_folder: Path, tmp_path: Path, client: str, junk: int
) -> None:
    messages, sent = _mixed(20260905, junk)
    with LocalMosquitto(mosquitto_binary, server_folder / "broker") as server:
        broker = broker_of(server)
        retained = [(f"poniente/v1/city/kept-{place}/fill_level", b"[" * place) for place in range(20)]
        # An empty retained message takes the kept one away, so that one is not there.
        _publish_retained(broker, retained)
        log = tmp_path / "worker.log"
        worker = rig.Worker(
            timescale_database, server.port, log, window=2_000, sources=SOURCES, is_bulk=client == "bulk"
        )
        with rig.at_work(worker):
            worker.wait_ready()
            wait_until(
                lambda: _messages_counted(timescale_database) == len(retained) - 1, "the kept ones are refused"
            )
            _publish_system(broker)
            publish(broker, messages[:2_000])
            before_kb = worker.memory_kb()
            publish(broker, messages[2_000:])
            total = len(messages) + len(retained) - 1
            rig.wait(lambda: _messages_counted(timescale_database) >= total, rig.FOUND_S, "all are counted")
            after_kb = worker.memory_kb()
            worker.stop()
    here = rig.found(timescale_database)
    assert total == sum(here.messages.values())
    assert set() == sent - set(here.keys)
    assert after_kb - before_kb < _GROWTH_MAX_KB
    assert set() == _reasons_missing(timescale_database)
    # Nobody but the broker says what the broker has dropped.
    assert "broker_dropped_messages" not in worker.said()


def _publish_system(broker: Broker) -> None:
    """Say something in the broker's own name, as nobody may."""
    for topic in ("$SYS/broker/publish/messages/dropped", "$share/x/poniente/v1/a/b/fill_level", "$x/y"):
        client = new_client(broker, "impostor", is_persistent=False)
        client.connect(broker.host, broker.port)
        client.loop_start()
        # The broker may hang up on who does that.
        with suppress(RuntimeError):
            client.publish(topic, b"77", qos=0).wait_for_publish(rig.FOUND_S)
        client.disconnect()
        client.loop_stop()


def _reasons_missing(dsn: str) -> set[str]:
    """Reasons that the saved cases have, of formats whose refused messages are kept, and the quarantine has not."""
    with rig.looking(dsn) as connection:
        rows = connection.execute("select reason, count(*) from rejection group by 1").fetchall()
    counted = Counter(dict(rows))
    wanted = {"payload_malformed", "reading_malformed", "value_out_of_range", "value_missing", "time_out_of_range"}
    wanted |= {"topic_unknown", "kind_unknown", "version_unknown", "payload_too_large", "frame_malformed"}
    return {reason for reason in wanted if not counted[reason]}


def test_oversized_messages_are_refused_and_others_pass(
    timescale_database: str, mosquitto_binary: Path, server_folder: Path, tmp_path: Path
) -> None:
    chance = rig.seeded(7)
    messages: list[tuple[str, bytes]] = []
    for place in range(100):
        size = PAYLOAD_BYTES_MAX + 1 if place == 0 else chance.randint(PAYLOAD_BYTES_MAX + 1, 262_144)
        messages.append((f"poniente/v1/city/large-{place}/fill_level", b'{"v":1,' + b" " * (size - 8) + b"}"))
        messages += [rig.message(good, _DEVICES)[:2] for good in range(place * 10, place * 10 + 10)]
    with LocalMosquitto(mosquitto_binary, server_folder / "broker") as server:
        worker = rig.Worker(timescale_database, server.port, tmp_path / "worker.log", window=2_000)
        with rig.at_work(worker):
            worker.wait_ready()
            publish(broker_of(server), messages)
            rig.wait(lambda: _messages_counted(timescale_database) >= len(messages), rig.FOUND_S, "all are counted")
            worker.stop()
    here = rig.found(timescale_database)
    rig.check_once(here, {rig.message(good, _DEVICES)[2:] for good in range(1_000)})
    assert {"decoded": 1_000, "rejected": 100} == dict(here.messages)
    with rig.looking(timescale_database) as connection:
        kept = connection.execute("select reason, min(payload_bytes), count(*) from rejection group by 1").fetchall()
    assert [("payload_too_large", PAYLOAD_BYTES_MAX + 1, 100)] == kept


@pytest.mark.parametrize(("size", "is_taken"), [(100_000, True), (131_072, False), (262_144, False)])
def test_broker_cuts_off_who_sends_more_than_it_takes(
    mosquitto_binary: Path, server_folder: Path, size: int, *, is_taken: bool
) -> None:
    """With the shipped configuration; what it lets through and is too much for us, the worker refuses."""
    topic = "poniente/v1/city/large-1/fill_level"
    with ShippedMosquitto(mosquitto_binary, server_folder / "broker", ["city"]) as server:
        client = new_client(server.user("city"), "", is_persistent=False)
        cut: list[str] = []

        def on_disconnect(_client: object, _user: object, _flags: object, reason: ReasonCode, _more: object) -> None:
            cut.append(str(reason))

        client.on_disconnect = on_disconnect
        client.connect(server.host, server.port)
        client.loop_start()
        try:
            info = client.publish(topic, b" " * size, qos=1)
            wait_until(lambda: info.is_published() or bool(cut), "the broker takes it, or hangs up")
            assert (is_taken, [] if is_taken else ["Packet too large"]) == (info.is_published(), cut[:1])
            # Others are not concerned.
            assert 1 == publish(server.user("city"), [(topic, b"{}")])
        finally:
            client.disconnect()
            client.loop_stop()
