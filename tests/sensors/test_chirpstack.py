"""ChirpStack: golden events, every way to be refused, times of gateways, and nothing raised."""

import base64
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.codecs import chirpstack
from sensors.making import microseconds
from sensors.readings import NO_TIME_US, Clock, Decoded, EventTimeSource, Reading, Reason
from sensors.sources import Device, Source
from sensors.uplinks import FRAME_BYTES_MAX, frame_sequence

_TOPIC = "application/ca739e26-7b67-4f14-b69e-d568c22a5a75/device/24e124713b000417/event/up"
_SOURCE = Source("vega", "application/+/device/+/event/up", "chirpstack", "milesight_em400")
_EVENT: dict[str, Any] = {
    "deduplicationId": "5c7f0f3e-7a41-4f7f-9d6c-6a2b6a0f1b11",
    "time": "2026-09-05T22:14:03.412Z",
    "deviceInfo": {
        "tenantName": "municipality",
        "applicationName": "vega-poniente",
        "deviceProfileName": "EM400-MUD",
        "deviceName": "secret-name",
        "devEui": "24E124713B000417",
        "tags": {"plate": "secret-plate"},
    },
    "devAddr": "00189440",
    "adr": True,
    "dr": 3,
    "fCnt": 1532,
    "fPort": 85,
    "confirmed": False,
    "data": "AXVcA2fDAASCgAIFAAA=",
    "object": {"battery": 92, "temperature": 19.5, "distance": 640, "position": "normal"},
    "rxInfo": [
        {"gatewayId": "0016c001f153a14c", "time": "2026-09-05T22:14:03.398Z", "rssi": -97, "snr": 7.2},
        {"gatewayId": "0016c001f153a14d", "time": "2026-09-05T22:14:03.401Z", "rssi": -99, "snr": 5.2},
    ],
    "txInfo": {"frequency": 916800000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 9}}},
}
_RECEIVED = "2026-09-05T22:14:03.398Z"
_KEPT = bytes.fromhex("20CE00AD9C6A8002")


def _us(instant: str) -> int:
    return microseconds(datetime.fromisoformat(instant))[0]


def _decode(event: object, source: Source = _SOURCE, topic: str = _TOPIC) -> Decoded:
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    return chirpstack.decode(source, topic, payload)


def _one(event: dict[str, Any], source: Source = _SOURCE) -> Reading:
    decoded = _decode(event, source)
    assert [] == decoded.rejections
    (reading,) = decoded.readings
    return reading


def _said(reading: Reading) -> dict[str, int]:
    pairs = zip(reading.kind.quantities, reading.values, strict=True)
    return {quantity.name: value for quantity, value in pairs if value != -(2**31)}


def _reasons(decoded: Decoded) -> list[tuple[int, Reason]]:
    assert [] == decoded.readings
    return [(one.index, one.reason) for one in decoded.rejections]


def _frame(frame: bytes, **fields: Any) -> dict[str, Any]:
    return {**_EVENT, "data": base64.b64encode(frame).decode(), **fields}


def test_reading_is_what_the_frame_says_when_the_event_is_golden() -> None:
    reading = _one(_EVENT)
    expected = {
        "distance_mm": 640,
        "temperature_mdegc": 19_500,
        "battery_pct": 92,
        "tilted": 0,
    }
    assert expected == _said(reading)
    assert ("vega", "24e124713b000417") == (reading.source, reading.device)
    assert (_us(_RECEIVED), EventTimeSource.NETWORK) == (reading.event_time_us, reading.event_time_source)
    times = (reading.device_time_us, reading.network_time_us, reading.sent_time_us)
    assert (NO_TIME_US, _us(_RECEIVED), NO_TIME_US) == times
    assert Clock.UNCHECKED == reading.clock


def test_nothing_of_names_and_tags_is_kept_when_decoded() -> None:
    bad = _decode({**_EVENT, "fPort": 1})
    assert "secret" not in repr((_decode(_EVENT), bad))


def test_reading_is_the_same_when_fields_of_value_0_are_missing() -> None:
    full = _one({**_EVENT, "fCnt": 0})
    event = {name: value for name, value in _EVENT.items() if name not in ("fCnt", "dr", "confirmed")}
    assert full == _one(event)


# Sequence


def test_sequence_holds_session_and_counter_when_decoded() -> None:
    sequence = _one(_EVENT).sequence
    assert (1532, True, True) == (sequence % 2**32, 0 < sequence >> 32 < 2**31, sequence < 2**63)


def test_sequence_differs_when_the_device_has_joined_again() -> None:
    assert _one(_EVENT).sequence != _one({**_EVENT, "devAddr": "00189441"}).sequence


@given(st.text(), st.integers(0, 2**32 - 1))
def test_sequence_fits_63_bits_when_session_and_counter_are_any(session: str, counter: int) -> None:
    sequence = frame_sequence(session, counter)
    assert (counter, True) == (sequence % 2**32, 2**32 <= sequence < 2**63)


# Time


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, _RECEIVED, id="earliest_gateway"),
        pytest.param({"rxInfo": []}, "2026-09-05T22:14:03.412Z", id="no_gateway"),
        pytest.param({"rxInfo": None}, "2026-09-05T22:14:03.412Z", id="null"),
        pytest.param({"rxInfo": [{"rssi": -97}]}, "2026-09-05T22:14:03.412Z", id="gateway_without_a_time"),
        pytest.param(
            {"rxInfo": [{"time": "1980-01-06T00:00:00Z"}]}, "2026-09-05T22:14:03.412Z", id="gateway_never_set"
        ),
        pytest.param(
            {"rxInfo": [{"time": "2026-09-05T22:12:03.412Z"}]}, "2026-09-05T22:12:03.412Z", id="120_s_before"
        ),
        pytest.param(
            {"rxInfo": [{"time": "2026-09-05T22:12:03.411Z"}]},
            "2026-09-05T22:14:03.412Z",
            id="more_than_120_s_before",
        ),
        pytest.param(
            {"rxInfo": [{"time": "2026-09-05T22:16:03.413Z"}]}, "2026-09-05T22:14:03.412Z", id="more_than_120_s_after"
        ),
        pytest.param(
            {"rxInfo": [{"time": "1980-01-06T00:00:00Z"}, {"time": "2026-09-05T22:14:03.401Z"}]},
            "2026-09-05T22:14:03.401Z",
            id="one_gateway_never_set",
        ),
        pytest.param(
            {"rxInfo": [{"gwTime": "2026-09-05T19:14:03.39-03:00", "nsTime": "2026-09-05T22:14:03.5Z"}]},
            "2026-09-05T22:14:03.390Z",
            id="fields_of_4_6",
        ),
        pytest.param(
            {
                "time": "2026-09-05T20:00:00Z",
                "rxInfo": [{"gwTime": "2026-09-05T20:00:00Z", "nsTime": "2026-09-05T22:14:03.5Z"}],
            },
            "2026-09-05T22:14:03.500Z",
            id="outer_time_copied_from_a_wrong_gateway",
        ),
    ],
)
def test_event_time_is_the_best_reception_when_gateways_say_any(fields: dict[str, Any], expected: str) -> None:
    assert _us(expected) == _one({**_EVENT, **fields}).event_time_us


@pytest.mark.parametrize("time", [None, "2026-09-05T22:14:03"])
def test_reading_has_no_time_when_the_server_says_none(time: str | None) -> None:
    reading = _one({**_EVENT, "time": time})
    assert (EventTimeSource.RECEIPT, 0, NO_TIME_US) == (
        reading.event_time_source,
        reading.event_time_us,
        reading.network_time_us,
    )


def test_kept_observation_has_the_devices_time_and_no_sequence_when_sent_again() -> None:
    source = Source("vega", "#", "chirpstack", "milesight_em500")
    first = _one(_frame(_KEPT, object=None), source)
    again = _decode(_frame(b"\x03\x82\x81\x02" + _KEPT, fCnt=1533), source)
    assert [] == again.rejections
    assert (_us("2026-09-06T00:00:00Z"), EventTimeSource.DEVICE, 0) == (
        first.event_time_us,
        first.event_time_source,
        first.sequence,
    )
    assert first == again.readings[1]


@pytest.mark.parametrize(("second", "clock"), [("8002", Clock.DISAGREES), ("8102", Clock.REPLAYED)])
def test_clock_is_replayed_when_one_instant_says_different_things(second: str, clock: Clock) -> None:
    source = Source("vega", "#", "chirpstack", "milesight_em500")
    decoded = _decode(_frame(_KEPT + _KEPT[:6] + bytes.fromhex(second)), source)
    # The frame was received before its clock says that it observed.
    assert [clock, clock] == [one.clock for one in decoded.readings]


# What the server decoded


@pytest.mark.parametrize(
    ("fields", "quality"),
    [
        ({"distance": 640}, None),
        ({"distance": 641}, None),
        ({"distance": 638.9}, 3),
        ({"distance": 642}, 3),
        ({"Distance": 3405}, 3),
        ({"Distance": "640 mm"}, None),
        ({"Distance": "640"}, None),
        ({"Distance": "3405 mm"}, 3),
        ({"distance_mm": 0}, 3),
        ({"distance": 640, "distance_mm": 64}, 3),
        ({"distance": "64 cm"}, None),
        ({"distance": "Invalid Reading"}, None),
        ({"distance": True}, None),
        ({"distance": None}, None),
        ({"distance": [1]}, None),
        ({"distance": {"value": 1}}, None),
        ({"distance": 10**400}, None),
        ({}, None),
        (None, None),
        ([], None),
        ("distance", None),
        (5, None),
    ],
)
def test_reading_is_suspicious_when_the_server_decoded_another_distance(fields: object, quality: int | None) -> None:
    said = _said(_one({**_EVENT, "object": fields}))
    assert (640, quality) == (said["distance_mm"], said.get("quality_code"))


def test_nothing_is_compared_when_the_observation_was_kept() -> None:
    source = Source("vega", "#", "chirpstack", "milesight_em500")
    assert "quality_code" not in _said(_one(_frame(_KEPT, object={"distance": 3}), source))


# Devices


def test_device_goes_by_its_own_name_and_codec_when_the_source_declares_it() -> None:
    devices = {"24e124713b000417": Device("bin-0417", "milesight_em400")}
    source = Source("vega", "#", "chirpstack", "dragino_ldds", devices=devices, is_closed=True)
    assert ("bin-0417", 640) == (_one(_EVENT, source).device, _said(_one(_EVENT, source))["distance_mm"])


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        (Source("vega", "#", "chirpstack", "milesight_em400", is_closed=True), "declares no such device"),
        (Source("vega", "#", "chirpstack"), "no frame codec is declared"),
        (Source("vega", "#", "chirpstack", "em400_mud"), "frame codec 'em400_mud' is none of dragino_ldds"),
    ],
)
def test_message_is_rejected_when_its_device_or_codec_is_unknown(source: Source, detail: str) -> None:
    decoded = _decode(_EVENT, source)
    assert [(-1, Reason.DEVICE_UNKNOWN)] == _reasons(decoded)
    (rejection,) = decoded.rejections
    assert (True, "vega", "24e124713b000417") == (detail in rejection.detail, rejection.source, rejection.device)


@pytest.mark.parametrize("eui", ["", "  ", "a/b", "\u212a" * 16, "x" * 65])
def test_message_is_rejected_when_its_devices_name_cannot_be_stored(eui: str) -> None:
    assert [(-1, Reason.DEVICE_UNKNOWN)] == _reasons(_decode({**_EVENT, "deviceInfo": {"devEui": eui}}))


# Refused


@pytest.mark.parametrize("event", [*chirpstack.EVENTS, "other"])
def test_message_is_rejected_when_the_event_is_no_uplink(event: str) -> None:
    decoded = _decode(_EVENT, topic=_TOPIC.replace("event/up", f"event/{event}"))
    assert [(-1, Reason.TOPIC_UNKNOWN)] == _reasons(decoded)


@pytest.mark.parametrize("topic", ["", "up", "a/command/down", f"{_TOPIC}/", "event/up/x"])
def test_message_is_rejected_when_the_topic_is_another(topic: str) -> None:
    assert [(-1, Reason.TOPIC_UNKNOWN)] == _reasons(_decode(_EVENT, topic=topic))


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"deviceInfo":{"devEui":"\xff"}}',
        50_000 * b"[",
        b'{"object":' + 50_000 * b"[",
        {},
        {**_EVENT, "deviceInfo": None},
        {**_EVENT, "deviceInfo": {}},
        {**_EVENT, "data": "AXVc A=="},
        {**_EVENT, "data": "AXVcA2f"},
        {**_EVENT, "data": "AX-_"},
        {**_EVENT, "data": 5},
        {**_EVENT, "fCnt": -1},
        {**_EVENT, "fCnt": 2**32},
        {**_EVENT, "fPort": 256},
        {**_EVENT, "fPort": "85"},
        {**_EVENT, "time": "yesterday"},
    ],
)
def test_message_is_rejected_when_it_is_no_event(event: object) -> None:
    assert [(-1, Reason.PAYLOAD_MALFORMED)] == _reasons(_decode(event))


@pytest.mark.parametrize(
    "event",
    [
        _frame(b""),
        {**_EVENT, "data": None},
        {name: value for name, value in _EVENT.items() if name != "data"},
        {**_EVENT, "fPort": 0},
        {name: value for name, value in _EVENT.items() if name != "fPort"},
        _frame(b"\x04\x82\x80"),
        _frame(_KEPT),
        _frame(b"\x01\x75\x00" * (FRAME_BYTES_MAX // 3 + 1)),
    ],
)
def test_message_is_rejected_when_its_frame_is_not_the_codecs(event: dict[str, Any]) -> None:
    assert [(-1, Reason.FRAME_MALFORMED)] == _reasons(_decode(event))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("8367220101", Reason.VALUE_MISSING),
        ("0482FFFF", Reason.VALUE_MISSING),
        ("0482214E", Reason.VALUE_OUT_OF_RANGE),
        ("0175FF 04828002", Reason.VALUE_OUT_OF_RANGE),
        ("03670080 04828002", Reason.VALUE_OUT_OF_RANGE),
    ],
)
def test_observation_is_rejected_at_its_place_when_it_is_no_reading(frame: str, reason: Reason) -> None:
    assert [(0, reason)] == _reasons(_decode(_frame(bytes.fromhex(frame))))


def test_other_observations_stay_when_one_of_a_frame_is_bad() -> None:
    source = Source("vega", "#", "chirpstack", "milesight_em500")
    bad = bytes.fromhex("20CE 00AD9C6A FFFF")
    decoded = _decode(_frame(b"\x03\x82\x80\x02" + bad + _KEPT), source)
    assert [(1, Reason.VALUE_MISSING)] == [(one.index, one.reason) for one in decoded.rejections]
    assert 2 == len(decoded.readings)


# Anything


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_nothing_is_raised_when_the_payload_is_any_bytes(payload: bytes) -> None:
    assert 1 == len(_decode(payload).rejections)


@given(st.text(max_size=60))
def test_nothing_is_raised_when_the_topic_is_any_text(topic: str) -> None:
    decoded = _decode(_EVENT, topic=topic)
    assert 1 == len(decoded.rejections) + len(decoded.readings)


@given(st.dictionaries(st.sampled_from([*_EVENT, "other"]), _JSON))
def test_nothing_is_raised_when_fields_are_anything(fields: dict[str, Any]) -> None:
    decoded = _decode({**_EVENT, **fields})
    assert 1 == len(decoded.rejections) + len(decoded.readings)


@given(st.binary(max_size=FRAME_BYTES_MAX + 8), st.integers(0, 255), st.sampled_from(["milesight_em500", "none"]))
def test_every_observation_is_a_reading_or_a_rejection_when_frames_are_anything(
    frame: bytes, port: int, codec: str
) -> None:
    decoded = _decode(_frame(frame, fPort=port), Source("vega", "#", "chirpstack", codec))
    assert decoded.rejections or decoded.readings
    assert all(len(one.detail) <= 200 for one in decoded.rejections)


@pytest.mark.parametrize("shape", [b"%s", b'{"object":%s}', b'{"rxInfo":%s}', b'{"deviceInfo":{"devEui":%s}}'])
def test_nothing_is_raised_when_brackets_nest_to_any_depth(shape: bytes) -> None:
    for depth in range(1, 1_100, 7):
        assert [] == _decode(shape % (depth * b"[" + depth * b"]")).readings


@pytest.mark.parametrize("depth", [1, 300, 900, 1_000, 5_000])
def test_reading_or_one_rejection_when_what_the_server_decoded_nests(depth: int) -> None:
    event = json.dumps({**_EVENT, "object": "@"}).encode()
    for inner in (depth * b"[" + depth * b"]", b'{"distance":' + depth * b"[" + depth * b"]" + b"}"):
        decoded = _decode(event.replace(b'"@"', inner))
        assert 1 == len(decoded.readings) + len(decoded.rejections)
