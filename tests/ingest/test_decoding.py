"""Batches of anything: each message has exactly one fate, in the columns or in a rejection, as if it came alone."""

import base64
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import decoding
from ingest.accept import PAYLOAD_BYTES_MAX, accept, source_of
from ingest.client import DROPPED_TOPIC, Delivery
from ingest.decoding import Decoding
from sensors.arrivals import Arrivals
from sensors.readings import Clock, EventTimeSource, Reading, Reason
from sensors.sources import Source
from sensors.topics import ROOT
from storage.instants import hour_number, microseconds
from storage.readings import Batch

_START_US = 1_788_645_600_000_000
_SOURCES = (
    Source("lns", "application/+/device/+/event/up", "chirpstack", "milesight_em400"),
    Source("tts", "v3/+/devices/+/up", "things_stack", "dragino_ldds"),
    Source("gps", "traccar/#", "traccar"),
    Source("phones", "owntracks/#", "owntracks"),
)
_TIME = "2026-09-05T22:00:00Z"
_PHONE = "owntracks/maria/phone-7"
_TTS = "v3/app@ttn/devices/bin-5/up"


@dataclass(frozen=True, slots=True)
class _Message:
    topic: bytes
    payload: bytes
    received_us: int = _START_US


def _json(**said: object) -> bytes:
    return json.dumps(said).encode()


def _delivery(messages: Sequence[_Message]) -> Delivery:
    return Delivery(
        [one.topic for one in messages],
        [one.payload for one in messages],
        [0] * len(messages),
        [one.received_us for one in messages],
        1,
    )


def _uplink(counter: int = 7, frame: str = "0D4D028000000001", *, simulated: bool = False) -> bytes:
    return _json(
        end_device_ids={"device_id": "bin-5", "dev_eui": "A84041FFFF180588", "dev_addr": "260B1234"},
        received_at="2026-09-05T22:20:11.950Z",
        uplink_message={
            "session_key_id": "AZG5b1k0Qm2nW0m2m8Q1xQ==",
            "f_port": 2,
            "f_cnt": counter,
            "frm_payload": base64.b64encode(bytes.fromhex(frame)).decode(),
            "received_at": "2026-09-05T22:20:11.745Z",
        },
        **({"simulated": True} if simulated else {}),
    )


_PAYLOADS = st.one_of(
    st.just(_json(v=1, time=_TIME, distance_mm=640)),
    st.integers(0, 59).map(lambda s: _json(v=1, time=f"2026-09-05T22:00:{s:02d}Z", sequence=s, distance_mm=s)),
    st.just(_json(v=1, time=_TIME, latitude=1, longitude=2)),
    st.just(_json(v=1, distance_mm=640)),
    st.just(_json(v=1, readings=[{"time": _TIME, "distance_mm": 1}, {"time": "x"}, {"distance_mm": 2}])),
    st.just(_json(v=1, readings=[])),
    st.just(_json(v=2)),
    st.just(_json(v=1, time=_TIME, container="V-1")),
    st.just(_json(_type="location", tst=1_788_657_002, lat=1, lon=2)),
    st.just(_json(_type="lwt", tst=1_788_657_002)),
    st.builds(_uplink, st.integers(0, 3), simulated=st.booleans()),
    st.just((PAYLOAD_BYTES_MAX + 1) * b" "),
    st.sampled_from([b"", b"\xff", b"null", b"{", b"[]", b"12", b"-1"]),
    st.binary(max_size=20),
)
_NAMED = [
    f"{ROOT}/city/{device}/{kind}" for device in ("a", "B", " a") for kind in ("fill_level", "position_fix", "lift")
]
_TOPICS = st.sampled_from(
    [
        *_NAMED,
        f"{ROOT}/city/a/noise",
        f"{ROOT}/city/a b/fill_level",
        f"{ROOT}/city/a",
        _PHONE,
        "owntracks/x",
        _TTS,
        "application/1/device/24e124713b000417/event/up",
        "traccar/positions",
        DROPPED_TOPIC,
        "$SYS/broker/uptime",
        "elsewhere",
        "",
    ]
).map(str.encode) | st.binary(max_size=8)
_MESSAGES = st.builds(_Message, _TOPICS, _PAYLOADS, st.integers(_START_US, _START_US + 10**10))


def _read_back(batch: Batch, arrivals: Arrivals, row: int) -> Reading:
    return Reading(
        arrivals.kind,
        *batch.devices[int(arrivals.device[row])],
        int(arrivals.event_time_us[row]),
        EventTimeSource(int(arrivals.event_time_source[row])),
        int(arrivals.sequence[row]),
        int(arrivals.device_time_us[row]),
        int(arrivals.network_time_us[row]),
        int(arrivals.sent_time_us[row]),
        Clock(int(arrivals.clock[row])),
        tuple(arrivals.values[:, row].tolist()),
        arrivals.words[row] if arrivals.kind.words else (),
    )


def _found(batch: Batch) -> Counter[tuple[Reading, int]]:
    return Counter(
        (_read_back(batch, arrivals, row), int(arrivals.received_us[row]))
        for arrivals in batch.arrivals
        for row in range(len(arrivals))
    )


def _alone(message: _Message) -> Any:
    """Say what a message holds, by its own format's codec."""
    try:
        topic = message.topic.decode()
    except UnicodeDecodeError:
        topic = ""
    return accept(source_of(_SOURCES, topic), topic, message.payload)


@given(st.lists(st.lists(_MESSAGES, min_size=1, max_size=12), min_size=1, max_size=3))
@settings(max_examples=200)
def test_each_message_has_one_fate_when_batches_are_any(batches: list[list[_Message]]) -> None:
    taking = Decoding(_SOURCES)
    for messages in batches:
        batch = taking.batch(_delivery(messages))
        ours = [one for one in messages if one.topic != DROPPED_TOPIC.encode()]
        alone = [(one, _alone(one)) for one in ours]
        assert len(ours) == batch.messages
        assert Counter((reading, one.received_us) for one, said in alone for reading in said.readings) == _found(
            batch
        )
        refused = Counter(
            (hour_number(one.received_us), tuple(said.rejections)) for one, said in alone if said.rejections
        )
        assert refused == Counter(
            (hour_number(microseconds(one.received_time)), one.rejections) for one in batch.refused
        )
        assert sum(len(said.simulated) for _, said in alone) == sum(batch.simulated.values())
        names = [arrivals.kind.name for arrivals in batch.arrivals]
        assert sorted(set(names)) == names


def test_devices_keep_their_places_when_more_come() -> None:
    taking = Decoding()
    seen: list[list[tuple[str, str]]] = []
    for device in ("a", "b", "a", "A ", "c"):
        topic = f"{ROOT}/city/{device}/fill_level".encode()
        batch = taking.batch(_delivery([_Message(topic, _json(v=1, time=_TIME, distance_mm=1))]))
        (arrivals,) = batch.arrivals
        assert ("city", device.strip().lower()) == batch.devices[int(arrivals.device[0])]
        seen.append(list(batch.devices))
    assert [[("city", one) for one in names] for names in ("a", "ab", "ab", "ab", "abc")] == seen


def test_topic_is_looked_at_once_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def look(sources: Sequence[Source], topic: str) -> Source | None:
        looked.append(topic)
        return source_of(sources, topic)

    monkeypatch.setattr(decoding, "source_of", look)
    taking = Decoding(_SOURCES)
    messages = [_Message(topic, b"{") for topic in (b"elsewhere", b"\xff", _PHONE.encode(), b"elsewhere") * 3]
    for _ in range(3):
        taking.batch(_delivery(messages))
    assert ["elsewhere", "", _PHONE] == looked


def test_topics_are_forgotten_when_somebody_makes_them_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_TOPICS_KEPT", 10)
    taking = Decoding()
    messages = [
        _Message(f"{ROOT}/city/bin-{place % 7}/fill_level".encode(), _json(v=1, time=_TIME, distance_mm=place))
        for place in range(50)
    ]
    made_up = [_Message(f"x/{place}".encode(), b"{}") for place in range(50)]
    for place in range(0, 50, 5):
        batch = taking.batch(_delivery([*messages[place : place + 5], *made_up[place : place + 5]]))
        assert (10, 5, 5) == (batch.messages, len(batch.refused), len(batch.arrivals[0]))
        whose = [batch.devices[int(one)][1] for one in batch.arrivals[0].device]
        assert [f"bin-{one % 7}" for one in range(place, place + 5)] == whose
        assert len(taking._routes) <= 10  # pyright: ignore[reportPrivateUsage]


# What is not kept


@pytest.mark.parametrize("payload", [b"\xff", b'{"_type":"lwt"}', b'{"_type":"location","lat":1,"lon":400,"tst":5}'])
def test_topic_and_payload_are_withheld_when_they_name_a_person(payload: bytes) -> None:
    (refused,) = Decoding(_SOURCES).batch(_delivery([_Message(_PHONE.encode(), payload)])).refused
    assert ("owntracks/#", b"") == (refused.topic, refused.payload)
    assert "maria" not in str(refused)


def test_topic_and_payload_are_kept_when_they_name_a_device() -> None:
    (refused,) = Decoding(_SOURCES).batch(_delivery([_Message(_TTS.encode(), b"{")])).refused
    assert (_TTS, b"{") == (refused.topic, refused.payload)


def test_payload_is_kept_when_its_topic_is_no_text() -> None:
    batch = Decoding(_SOURCES).batch(_delivery([_Message(b"owntracks/\xff", b"x")]))
    ((reason, payload),) = [(one.rejections[0].reason, one.payload) for one in batch.refused]
    assert (Reason.TOPIC_UNKNOWN, b"x") == (reason, payload)


# What is counted beside


def test_dropped_messages_are_heard_when_the_broker_tells_them() -> None:
    taking = Decoding()
    heard: list[int] = []
    for payload in (b"0", b"17", b"x", b"", b"-5", b"\xff", "\u0663".encode(), b"17", b"0", 40 * b"9"):
        batch = taking.batch(_delivery([_Message(DROPPED_TOPIC.encode(), payload)]))
        assert (0, [], []) == (batch.messages, list(batch.arrivals), list(batch.refused))
        heard.append(taking.dropped_by_broker)
    assert [0, 17, 17, 17, 17, 17, 17, 17, 0, 10**18 - 1] == heard


def test_simulated_readings_are_counted_and_not_kept_when_marked() -> None:
    messages = [_Message(_TTS.encode(), _uplink(counter, simulated=counter < 3)) for counter in range(5)]
    batch = Decoding(_SOURCES).batch(_delivery(messages))
    ((place, kind, hour), n) = next(iter(batch.simulated.items()))
    assert ("a84041ffff180588", "fill_level", hour_number(_START_US), 3) == (batch.devices[place][1], kind, hour, n)
    assert (1, 2, 5) == (len(batch.simulated), len(batch.arrivals[0]), batch.messages)


def test_reading_is_at_1970_when_nobody_said_a_time() -> None:
    topic = f"{ROOT}/city/a/fill_level".encode()
    batch = Decoding().batch(_delivery([_Message(topic, _json(v=1, distance_mm=1))] * 2))
    (arrivals,) = batch.arrivals
    assert ([0, 0], {int(EventTimeSource.RECEIPT)}) == (
        arrivals.event_time_us.tolist(),
        set(arrivals.event_time_source.tolist()),
    )
    assert 1 == len(set(arrivals.sequence.tolist()))


@pytest.mark.parametrize("size", [PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX + 1])
@pytest.mark.parametrize("others", [0, 1])
def test_long_payload_is_refused_when_all_else_is_read_together(size: int, others: int) -> None:
    topic, good = f"{ROOT}/city/a/fill_level".encode(), _json(v=1, time=_TIME, distance_mm=1)
    messages = [_Message(topic, good.ljust(size)), *[_Message(topic, good)] * others]
    batch = Decoding().batch(_delivery(messages))
    reasons = [rejection.reason for one in batch.refused for rejection in one.rejections]
    assert [Reason.PAYLOAD_TOO_LARGE] * (size > PAYLOAD_BYTES_MAX) == reasons
    assert len(messages) == len(reasons) + sum(map(len, batch.arrivals))
