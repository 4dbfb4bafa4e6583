"""Traccar's forwarded positions: the golden one, inputs from each place, doubtful positions, every refusal."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.codecs import traccar
from sensors.kinds.position_fix import KIND
from sensors.making import microseconds
from sensors.readings import NOT_SAID, Clock, Decoded, EventTimeSource, Reading, Reason
from sensors.sources import Device, Source
from tests.rules.contracts import zone_info

_SOURCE = Source("fleet", "traccar/#", "traccar")
_POSITION: dict[str, Any] = {
    "id": 918273,
    "deviceId": 44,
    "protocol": "teltonika",
    "serverTime": "2026-09-06T01:10:05.000Z",
    "deviceTime": "2026-09-06T01:10:03.000Z",
    "fixTime": "2026-09-06T01:10:02.000Z",
    "outdated": False,
    "valid": True,
    "latitude": -33.42871,
    "longitude": -70.65210,
    "altitude": 531.0,
    "speed": 4.32,
    "course": 184.0,
    "accuracy": 6.0,
    "geofenceIds": [12],
}
_ATTRIBUTES: dict[str, Any] = {
    "ignition": True,
    "motion": True,
    "sat": 11,
    "hdop": 0.8,
    "io1": 1,
    "driverUniqueId": "secret-driver",
    "totalDistance": 1840221.4,
}
_DEVICE = {"id": 44, "uniqueId": "352094081234567", "name": "secret-plate", "status": "online"}


def _us(instant: str) -> int:
    return microseconds(datetime.fromisoformat(instant))[0]


def _message(attributes: object = None, **position: object) -> dict[str, Any]:
    said = _ATTRIBUTES if attributes is None else attributes
    return {"position": {**_POSITION, "attributes": said, **position}, "device": _DEVICE}


def _decode(message: object, source: Source = _SOURCE) -> Decoded:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return traccar.decode(source, "traccar/positions", payload)


def _reading(message: object, source: Source = _SOURCE) -> Reading:
    decoded = _decode(message, source)
    assert (decoded.rejections, len(decoded.readings)) == ([], 1)
    return decoded.readings[0]


def _said(reading: Reading, name: str) -> int:
    return reading.values[[one.said for one in KIND.quantities].index(name)]


def test_reading_when_golden() -> None:
    # 4.32 knots are 8.00064 km/h.
    expected = Reading(
        KIND,
        "fleet",
        "352094081234567",
        _us("2026-09-06T01:10:02Z"),
        EventTimeSource.DEVICE,
        0,
        _us("2026-09-06T01:10:02Z"),
        _us("2026-09-06T01:10:05Z"),
        _us("2026-09-06T01:10:03Z"),
        Clock.AGREES,
        (-334_287_100, -706_521_000, 2_222, 18_400, 6_000, 1, 1, NOT_SAID, 80, 11),
    )
    assert expected == _reading(_message())


def test_reading_when_names_of_people_are_said() -> None:
    assert "secret" not in repr(_decode(_message()))


def test_device_when_source_has_another_name_for_it() -> None:
    source = Source("fleet", "traccar/#", "traccar", devices={"352094081234567": Device("sweeper-7")}, is_closed=True)
    assert "sweeper-7" == _reading(_message(), source).device


def test_times_when_in_milliseconds() -> None:
    milliseconds = {name: _us(_POSITION[name]) // 1_000 for name in ("fixTime", "deviceTime", "serverTime")}
    assert _reading(_message()) == _reading(_message(**milliseconds))


def test_network_time_when_there_is_no_fix_time() -> None:
    reading = _reading(_message(fixTime=None))
    assert (EventTimeSource.NETWORK, _us("2026-09-06T01:10:05Z")) == (
        reading.event_time_source,
        reading.event_time_us,
    )


def test_event_time_when_nothing_is_said_of_it() -> None:
    reading = _reading(_message(fixTime=None, serverTime=None, deviceTime=None))
    assert EventTimeSource.RECEIPT == reading.event_time_source


@pytest.mark.parametrize(
    ("attributes", "inputs"),
    [
        ({}, NOT_SAID),
        ({"input": 5}, 5),
        ({"input": 5, "in2": True}, 5),
        ({"input": "00000101", "in2": True}, 2),
        ({"input": "00000101"}, NOT_SAID),
        ({"in1": True, "in2": False, "in3": True}, 5),
        ({"in1": False, "io1": 1}, 0),
        ({"in16": 1}, 32_768),
        ({"in17": 1, "in0": 1}, NOT_SAID),
        ({"io1": 1, "io9": 12_250, "io3": False}, 1),
        ({"io9": 12_250}, NOT_SAID),
        (None, 1),
    ],
)
def test_inputs_when_said_as(attributes: dict[str, Any], inputs: int) -> None:
    assert inputs == _said(_reading(_message(attributes)), "inputs")


@pytest.mark.parametrize(("ignition", "kept"), [(True, 1), (False, 0), (None, NOT_SAID)])
def test_ignition_when_said(ignition: bool | None, kept: int) -> None:  # noqa: FBT001  # a case, not a flag
    assert kept == _said(_reading(_message({"ignition": ignition})), "ignition")


@pytest.mark.parametrize(
    ("knots", "kept"), [(0, 0), (1, 514), (0.00097, 0), (19.4384449244, 10_000), (None, NOT_SAID)]
)
def test_speed_when_in_knots(knots: float | None, kept: int) -> None:
    assert kept == _said(_reading(_message(speed=knots)), "speed_mps")


def test_accuracy_when_zero() -> None:
    assert NOT_SAID == _said(_reading(_message(accuracy=0.0)), "accuracy_m")


@pytest.mark.parametrize(
    ("valid", "outdated", "quality"),
    [(True, False, NOT_SAID), (False, False, 1), (True, True, 3), (False, True, 1), (None, None, NOT_SAID)],
)
def test_quality_when_position_is(valid: object, outdated: object, quality: int) -> None:
    assert quality == _said(_reading(_message(valid=valid, outdated=outdated)), "quality")


def test_outdated_position_when_it_repeats_a_true_one() -> None:
    # With other inputs it would be another content of the true fix's key, and take that one along.
    true, again = _reading(_message()), _reading(_message({"io1": 0}, outdated=True))
    sent_ms = _us("2026-09-06T01:10:03Z") // 1_000
    assert (true.event_time_us, sent_ms, Clock.REPLAYED) == (again.event_time_us, again.sequence, again.clock)


def test_outdated_position_when_time_of_sending_is_not_said() -> None:
    assert 0 == _reading(_message(outdated=True, deviceTime=None)).sequence


@pytest.mark.parametrize("name", ["fixTime", "deviceTime", "serverTime"])
def test_local_time_when_no_zone_is_declared(name: str) -> None:
    (rejection,) = _decode(_message(**{name: "2026-09-05T22:10:02"})).rejections
    assert (Reason.READING_MALFORMED, 0, "352094081234567") == (rejection.reason, rejection.index, rejection.device)
    assert f"{name} has no offset, and fleet no time zone" == rejection.detail


@pytest.mark.parametrize(
    ("said", "instant", "clock"),
    [
        ("2026-09-05T21:10:02", "2026-09-06T01:10:02Z", Clock.AGREES),
        # Comes twice: clocks go back at midnight.
        ("2026-04-04T23:30:00", "2026-04-05T02:30:00Z", Clock.DISAGREES),
    ],
)
def test_local_time_when_zone_is_declared(said: str, instant: str, clock: Clock) -> None:
    source = Source("fleet", "traccar/#", "traccar", zone=zone_info("America/Santiago"))
    reading = _reading(_message(fixTime=said), source)
    assert (_us(instant), clock) == (reading.event_time_us, reading.clock)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"position":' + b"[" * 100_000,
        json.dumps({"position": _POSITION}).encode(),
        json.dumps({"position": _POSITION, "device": {"name": "x"}}).encode(),
        json.dumps(_message(latitude="here")).encode(),
        json.dumps(_message(latitude=True)).encode(),
        json.dumps(_message(fixTime="yesterday")).encode(),
        json.dumps(_message(fixTime=-1)).encode(),
        json.dumps(_message(fixTime=10**30)).encode(),
        json.dumps(_message(attributes=[1])).encode(),
        json.dumps(_message(attributes={"ignition": 2})).encode(),
        json.dumps(_message(latitude=0.5)).replace("0.5", "NaN").encode(),
        json.dumps(_message(latitude=0.5)).replace("0.5", "1e400").encode(),
        json.dumps(_message(latitude=0.5)).replace("0.5", "1" * 5_000).encode(),
    ],
)
def test_message_when_malformed(broken: bytes) -> None:
    (rejection,) = _decode(broken).rejections
    assert (Reason.PAYLOAD_MALFORMED, -1, "fleet") == (rejection.reason, rejection.index, rejection.source)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"latitude": None}, Reason.VALUE_MISSING),
        ({"latitude": 90.1}, Reason.VALUE_OUT_OF_RANGE),
        ({"speed": 195}, Reason.VALUE_OUT_OF_RANGE),
        ({"speed": 1e308}, Reason.VALUE_OUT_OF_RANGE),
        ({"attributes": {"input": 65_536}}, Reason.VALUE_OUT_OF_RANGE),
        ({"attributes": {"input": 10**4_000}}, Reason.VALUE_OUT_OF_RANGE),
        ({"fixTime": "2107-01-01T00:00:00Z"}, Reason.TIME_OUT_OF_RANGE),
    ],
)
def test_position_when_refused(said: dict[str, Any], reason: Reason) -> None:
    assert [(0, reason)] == [(one.index, one.reason) for one in _decode(_message(**said)).rejections]


@pytest.mark.parametrize(("name", "shown"), [("352094081234567", "352094081234567"), ("Ana's van", ""), ("", "")])
def test_device_when_it_may_not_be_stored(name: str, shown: str) -> None:
    source = Source("fleet", "traccar/#", "traccar", devices={"1": Device("a")}, is_closed=True)
    (rejection,) = _decode({**_message(), "device": {"uniqueId": name}}, source).rejections
    assert (Reason.DEVICE_UNKNOWN, -1, shown) == (rejection.reason, rejection.index, rejection.device)


_ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
_SAID = st.dictionaries(st.sampled_from([*_POSITION, "attributes"]), _ANY, max_size=4)


@given(
    st.binary(max_size=200)
    | _ANY.map(lambda said: json.dumps(said).encode())
    | st.tuples(_SAID, st.dictionaries(st.sampled_from([*_ATTRIBUTES, "input", "in1"]), _ANY)).map(
        lambda parts: json.dumps(_message(**{"attributes": parts[1], **parts[0]})).encode()
    ),
    st.sampled_from([None, zone_info("America/Santiago")]),
)
def test_bytes_when_any(payload: bytes, zone: Any) -> None:
    decoded = _decode(payload, Source("fleet", "traccar/#", "traccar", zone=zone))
    assert 1 == len(decoded.readings) + len(decoded.rejections)
    assert all(len(one.detail) <= 200 for one in decoded.rejections)
