"""SensorThings observations: the golden one, what results mean, who speaks, when, and every refusal."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.codecs import sensorthings
from sensors.kinds.fill_level import KIND
from sensors.making import microseconds
from sensors.readings import NO_TIME_US, NOT_SAID, Clock, Decoded, EventTimeSource, Reading, Reason
from sensors.sources import Device, Source
from tests.rules.contracts import zone_info

_TOPIC = "v1.1/Observations"
_OF_417 = "v1.1/Datastreams(417)/Observations"
_SOURCE = Source("things", "v1.1/#", "sensorthings")
_OBSERVATION: dict[str, Any] = {
    "phenomenonTime": "2026-09-05T22:14:03Z",
    "resultTime": "2026-09-05T22:14:04Z",
    "result": 640,
    "resultQuality": {"code": 4, "scheme": "LwM2M-6042"},
    "Datastream": {"@iot.id": 417},
    "parameters": {"fcnt": 1532, "installation": "24e124713b000417/2"},
}


def _us(instant: str) -> int:
    return microseconds(datetime.fromisoformat(instant))[0]


def _decode(message: object, topic: str = _TOPIC, source: Source = _SOURCE) -> Decoded:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return sensorthings.decode(source, topic, payload)


def _reading(message: object, topic: str = _TOPIC, source: Source = _SOURCE) -> Reading:
    decoded = _decode(message, topic, source)
    assert (decoded.rejections, len(decoded.readings)) == ([], 1)
    return decoded.readings[0]


def _refusal(message: object, topic: str = _TOPIC, source: Source = _SOURCE) -> tuple[Reason, int]:
    decoded = _decode(message, topic, source)
    assert [] == decoded.readings
    return decoded.rejections[0].reason, decoded.rejections[0].index


def _values(**said: int) -> tuple[int, ...]:
    return tuple(said.get(one.name, NOT_SAID) for one in KIND.quantities)


def _but(*names: str, **said: object) -> dict[str, Any]:
    return {name: value for name, value in {**_OBSERVATION, **said}.items() if name not in names}


def test_reading_when_golden() -> None:
    expected = Reading(
        KIND,
        "things",
        "417",
        _us("2026-09-05T22:14:03Z"),
        EventTimeSource.DEVICE,
        1532,
        _us("2026-09-05T22:14:03Z"),
        _us("2026-09-05T22:14:04Z"),
        NO_TIME_US,
        Clock.UNCHECKED,
        _values(distance_mm=640, quality_code=4),
    )
    assert expected == _reading(_OBSERVATION)


@pytest.mark.parametrize(
    ("codec", "result", "kept"),
    [
        ("", 640.4, {"distance_mm": 640}),
        ("distance_mm", 640, {"distance_mm": 640}),
        ("fill_ratio", 0.675, {"fill_ppm": 675_000}),
        ("fill_pct", 67.5, {"fill_ppm": 675_000}),
        ("fill_pct", 0.0001, {"fill_ppm": 1}),
        ("echo_1_mm", 640, {"echo_1_mm": 640}),
    ],
)
def test_result_when_declared_as(codec: str, result: float, kept: dict[str, int]) -> None:
    devices = {"417": Device("bin-0417", codec)}
    source = Source("things", "v1.1/#", "sensorthings", devices=devices, is_closed=True)
    reading = _reading(_but("resultQuality", result=result), source=source)
    assert ("bin-0417", _values(**kept)) == (reading.device, reading.values)


@given(st.integers(-1_000_000, 3_000_000))
def test_percentage_when_kept(ppm: int) -> None:
    source = Source("things", "v1.1/#", "sensorthings", "fill_pct")
    reading = _reading(_but("resultQuality", result=ppm / 10_000), source=source)
    assert _values(fill_ppm=ppm) == reading.values


def test_results_when_declared_they_make_readings() -> None:
    for codec in sensorthings.RESULTS:
        assert _reading(_OBSERVATION | {"result": 1}, source=Source("things", "v1.1/#", "sensorthings", codec))


@pytest.mark.parametrize(
    ("named", "topic", "device"),
    [
        ({"@iot.id": 417}, _OF_417, "417"),
        ({"@iot.id": "Bin-A"}, _TOPIC, "bin-a"),
        (None, _OF_417, "417"),
        ({}, "frost/v1.0/Datastreams('Bin-A')/Observations", "bin-a"),
        (None, "Datastreams(bin-a)/Observations", "bin-a"),
    ],
)
def test_device_when_named_by(named: object, topic: str, device: str) -> None:
    assert device == _reading(_but(Datastream=named), topic).device


@pytest.mark.parametrize(
    "topic", [_TOPIC, "v1.1/Datastreams()/Observations", "v1.1/Datastreams(1)", "v1.1/Datastreams(1)/Observations/x"]
)
def test_device_when_nobody_names_it(topic: str) -> None:
    assert (Reason.DEVICE_UNKNOWN, -1) == _refusal(_but("Datastream"), topic)


def test_device_when_topic_names_another() -> None:
    assert (Reason.PAYLOAD_MALFORMED, -1) == _refusal(_OBSERVATION, "v1.1/Datastreams(418)/Observations")


@pytest.mark.parametrize(("named", "shown"), [(418, "418"), ("no name", "")])
def test_device_when_it_may_not_be_stored(named: object, shown: str) -> None:
    source = Source("things", "v1.1/#", "sensorthings", devices={"417": Device("a")}, is_closed=True)
    (rejection,) = _decode(_but(Datastream={"@iot.id": named}), source=source).rejections
    assert (Reason.DEVICE_UNKNOWN, shown) == (rejection.reason, rejection.device)


def test_phenomenon_time_when_it_is_an_interval() -> None:
    interval = "2026-09-05T22:00:00Z/2026-09-05T22:14:03Z"
    assert _us("2026-09-05T22:14:03Z") == _reading(_but(phenomenonTime=interval)).event_time_us


def test_network_time_when_phenomenon_time_is_missing() -> None:
    reading = _reading(_but("phenomenonTime"))
    assert (EventTimeSource.NETWORK, _us("2026-09-05T22:14:04Z")) == (
        reading.event_time_source,
        reading.event_time_us,
    )


def test_event_time_when_nothing_is_said_of_it() -> None:
    assert EventTimeSource.RECEIPT == _reading(_but("phenomenonTime", "resultTime")).event_time_source


@pytest.mark.parametrize(
    ("parameters", "sequence"),
    [({"fcnt": 0, "sequence": 7}, 0), ({"sequence": 7}, 7), ({}, 0), (None, 0), ({"fcnt": None}, 0)],
)
def test_sequence_when_said_as(parameters: object, sequence: int) -> None:
    assert sequence == _reading(_but(parameters=parameters)).sequence


@pytest.mark.parametrize(
    ("quality", "kept"),
    [
        ({"code": 2, "scheme": "LwM2M-6042"}, 2),
        ({"code": 2, "scheme": "other"}, NOT_SAID),
        ({"code": 2}, NOT_SAID),
        ({"nameOfMeasure": "x"}, NOT_SAID),
        ("good", NOT_SAID),
        ([{"code": 2}], NOT_SAID),
        (None, NOT_SAID),
    ],
)
def test_quality_when_said_as(quality: object, kept: int) -> None:
    assert _values(distance_mm=640, quality_code=kept) == _reading(_but(resultQuality=quality)).values


@pytest.mark.parametrize("name", ["phenomenonTime", "resultTime"])
@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("2026-09-05T22:14:03", " has no offset, and things no time zone"),
        ("yesterday", " is no time as RFC 3339 writes it"),
        ("", " is no time as RFC 3339 writes it"),
        ("2026-09-05T22:14:03Z/..", " is no time as RFC 3339 writes it"),
    ],
)
def test_time_when_refused(name: str, said: str, detail: str) -> None:
    (rejection,) = _decode(_but(**{name: said})).rejections
    expected = (Reason.READING_MALFORMED, 0, name + detail)
    assert expected == (rejection.reason, rejection.index, rejection.detail)


@pytest.mark.parametrize(
    ("said", "instant", "clock"),
    [
        ("2026-09-05T18:14:03", "2026-09-05T22:14:03Z", Clock.UNCHECKED),
        ("2026-04-04T23:30:00", "2026-04-05T02:30:00Z", Clock.DISAGREES),
    ],
)
def test_local_time_when_zone_is_declared(said: str, instant: str, clock: Clock) -> None:
    source = Source("things", "v1.1/#", "sensorthings", zone=zone_info("America/Santiago"))
    reading = _reading(_but("resultTime", phenomenonTime=said), source=source)
    assert (_us(instant), clock) == (reading.event_time_us, reading.clock)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"null",
        b"[]",
        b'{"x":' + b"[" * 100_000,
        json.dumps(_but(result="640")).encode(),
        json.dumps(_but(result=True)).encode(),
        json.dumps(_but(phenomenonTime=5)).encode(),
        json.dumps(_but(Datastream={"@iot.id": -1})).encode(),
        json.dumps(_but(Datastream={"@iot.id": 1.5})).encode(),
        json.dumps(_but(Datastream={"@iot.id": 10**40})).encode(),
        json.dumps(_but(parameters={"fcnt": -1})).encode(),
        json.dumps(_but(parameters={"fcnt": 2**53 + 1})).encode(),
        json.dumps(_but(parameters={"sequence": "7"})).encode(),
        json.dumps(_OBSERVATION).replace("640", "NaN").encode(),
        json.dumps(_OBSERVATION).replace("640", "1e400").encode(),
        json.dumps(_OBSERVATION).replace("640", "6" * 5_000).encode(),
    ],
)
def test_message_when_malformed(broken: bytes) -> None:
    assert (Reason.PAYLOAD_MALFORMED, -1) == _refusal(broken)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"result": None}, Reason.VALUE_MISSING),
        ({"result": 20_001}, Reason.VALUE_OUT_OF_RANGE),
        ({"result": 1e300}, Reason.VALUE_OUT_OF_RANGE),
        ({"resultQuality": {"code": 16, "scheme": "LwM2M-6042"}}, Reason.VALUE_OUT_OF_RANGE),
        ({"phenomenonTime": "1969-12-31T23:59:59Z"}, Reason.TIME_OUT_OF_RANGE),
    ],
)
def test_observation_when_refused(said: dict[str, Any], reason: Reason) -> None:
    assert (reason, 0) == _refusal(_but(**said))


def test_result_when_declared_as_what_it_cannot_be() -> None:
    source = Source("things", "v1.1/#", "sensorthings", "temperature_degc")
    assert (Reason.READING_MALFORMED, 0) == _refusal(_OBSERVATION, source=source)


_ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.binary(max_size=200)
    | _ANY.map(lambda said: json.dumps(said).encode())
    | st.dictionaries(st.sampled_from(list(_OBSERVATION)), _ANY).map(lambda said: json.dumps(_but(**said)).encode()),
    st.sampled_from([_TOPIC, _OF_417]) | st.text(max_size=40),
    st.sampled_from([None, zone_info("America/Santiago")]),
)
def test_bytes_when_any(payload: bytes, topic: str, zone: Any) -> None:
    decoded = _decode(payload, topic, Source("things", "v1.1/#", "sensorthings", zone=zone))
    assert 1 == len(decoded.readings) + len(decoded.rejections)
    assert all(len(one.detail) <= 200 for one in decoded.rejections)
