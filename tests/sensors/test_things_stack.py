"""The Things Stack: golden messages, omitted fields, simulated ones, and nothing raised."""

import base64
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.codecs import things_stack
from sensors.making import microseconds
from sensors.readings import Decoded, EventTimeSource, Reading, Reason
from sensors.sources import Device, Source
from sensors.uplinks import frame_sequence

_TOPIC = "v3/vega-poniente@ttn/devices/bin-0588/up"
_SOURCE = Source("vega", "v3/+/devices/+/up", "things_stack", "dragino_ldds")
_UPLINK: dict[str, Any] = {
    "session_key_id": "AZG5b1k0Qm2nW0m2m8Q1xQ==",
    "f_port": 2,
    "f_cnt": 208,
    "frm_payload": "DU0CgAAAAAE=",
    "decoded_payload": {"Bat": 3.405, "Distance": "640 mm", "Interrupt_flag": 0, "Sensor_flag": 1},
    "rx_metadata": [
        {"gateway_ids": {"gateway_id": "gw-market-north"}, "time": "2026-09-05T22:20:11.702Z", "rssi": -104}
    ],
    "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 10}}, "frequency": "917000000"},
    "received_at": "2026-09-05T22:20:11.745Z",
    "consumed_airtime": "0.329728s",
}
_MESSAGE: dict[str, Any] = {
    "end_device_ids": {
        "device_id": "secret-name",
        "application_ids": {"application_id": "vega-poniente"},
        "dev_eui": "A84041FFFF180588",
        "join_eui": "A840410000000101",
        "dev_addr": "260B1234",
    },
    "correlation_ids": ["gs:uplink:01J7X0Z5S7W5F3T2V0Q4H9N8KD"],
    "received_at": "2026-09-05T22:20:11.950Z",
    "uplink_message": _UPLINK,
    "simulated": False,
}


def _us(instant: str) -> int:
    return microseconds(datetime.fromisoformat(instant))[0]


def _decode(message: object, source: Source = _SOURCE, topic: str = _TOPIC) -> Decoded:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return things_stack.decode(source, topic, payload)


def _with(**fields: Any) -> dict[str, Any]:
    """Give the golden message with other fields in its uplink; `...` takes one out."""
    uplink = {name: value for name, value in {**_UPLINK, **fields}.items() if value is not ...}
    return {**_MESSAGE, "uplink_message": uplink}


def _ids(**ids: str) -> dict[str, Any]:
    return {**_MESSAGE, "end_device_ids": ids}


def _one(message: dict[str, Any], source: Source = _SOURCE) -> Reading:
    decoded = _decode(message, source)
    assert [] == decoded.rejections
    (reading,) = decoded.readings
    return reading


def _said(reading: Reading) -> dict[str, int]:
    pairs = zip(reading.kind.quantities, reading.values, strict=True)
    return {quantity.name: value for quantity, value in pairs if value != -(2**31)}


def _reasons(decoded: Decoded) -> list[tuple[int, Reason]]:
    assert ([], []) == (decoded.readings, decoded.simulated)
    return [(one.index, one.reason) for one in decoded.rejections]


def test_reading_is_what_the_frame_says_when_the_message_is_golden() -> None:
    reading = _one(_MESSAGE)
    assert {"distance_mm": 640, "battery_mv": 3_405, "temperature_mdegc": 0, "alarm": 0} == _said(reading)
    assert ("vega", "a84041ffff180588") == (reading.source, reading.device)
    assert (_us("2026-09-05T22:20:11.702Z"), EventTimeSource.NETWORK) == (
        reading.event_time_us,
        reading.event_time_source,
    )


def test_nothing_of_the_networks_names_is_kept_when_the_eui_is_said() -> None:
    assert "secret" not in repr((_decode(_MESSAGE), _decode(_with(f_port=1))))


@pytest.mark.parametrize(
    ("ids", "device"),
    [
        ({"dev_eui": "A84041FFFF180588"}, "a84041ffff180588"),
        ({"device_id": "bin-0588"}, "bin-0588"),
        ({"device_id": "bin-0588", "dev_eui": ""}, "bin-0588"),
    ],
)
def test_device_goes_by_its_eui_when_it_has_one(ids: dict[str, str], device: str) -> None:
    assert device == _one(_ids(**ids)).device


def test_device_goes_by_the_sources_name_when_declared() -> None:
    devices = {"a84041ffff180588": Device("bin-0588")}
    source = Source("vega", "#", "things_stack", "dragino_ldds", devices=devices, is_closed=True)
    assert "bin-0588" == _one(_MESSAGE, source).device


# Omitted


def test_counter_is_0_when_it_is_left_out() -> None:
    sequence = _one(_with(f_cnt=...)).sequence
    assert (frame_sequence("AZG5b1k0Qm2nW0m2m8Q1xQ==", 0), _one(_with(f_cnt=0)).sequence) == (sequence, sequence)


def test_session_is_the_address_when_no_key_is_named() -> None:
    assert frame_sequence("260B1234", 208) == _one(_with(session_key_id=...)).sequence


def test_frame_is_refused_when_port_and_bytes_are_left_out() -> None:
    assert [(-1, Reason.FRAME_MALFORMED)] == _reasons(_decode(_with(f_port=..., frm_payload=...)))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(_MESSAGE, "2026-09-05T22:20:11.702Z", id="gateway"),
        pytest.param(_with(rx_metadata=...), "2026-09-05T22:20:11.745Z", id="network_server"),
        pytest.param(_with(rx_metadata=..., received_at=...), "2026-09-05T22:20:11.950Z", id="application_server"),
        pytest.param(_with(rx_metadata=[{"time": None}, {}]), "2026-09-05T22:20:11.745Z", id="no_times"),
        pytest.param(
            _with(rx_metadata=[{"time": "2026-09-05T22:20:11.7Z"}, {"time": "2026-09-05T22:20:11.698Z"}]),
            "2026-09-05T22:20:11.698Z",
            id="earliest",
        ),
        pytest.param(
            _with(rx_metadata=[{"time": "2007-01-21T22:20:11Z"}, {"time": "2026-09-05T22:20:11.702Z"}]),
            "2026-09-05T22:20:11.702Z",
            id="one_is_absurd",
        ),
        pytest.param(
            _with(rx_metadata=[{"time": "2026-09-05T23:20:11Z"}]), "2026-09-05T22:20:11.745Z", id="an_hour_ahead"
        ),
        pytest.param(
            _with(received_at="2026-09-05T22:20:11.745123456Z", rx_metadata=[]),
            "2026-09-05T22:20:11.745123Z",
            id="nanoseconds",
        ),
    ],
)
def test_event_time_is_the_best_reception_when_several_are_said(message: dict[str, Any], expected: str) -> None:
    assert _us(expected) == _one(message).event_time_us


# What the server decoded


@pytest.mark.parametrize(
    ("fields", "quality"),
    [
        ({"Distance": "640 mm"}, None),
        ({"Distance": "641 mm"}, None),
        ({"Distance": "3405 mm"}, 3),
        ({"distance": 3.405}, 3),
        ({"Distance": "No Sensor"}, None),
        (..., None),
    ],
)
def test_reading_is_suspicious_when_the_formatter_says_another_distance(fields: object, quality: int | None) -> None:
    said = _said(_one(_with(decoded_payload=fields)))
    assert (640, quality) == (said["distance_mm"], said.get("quality_code"))


# Simulated


def test_nothing_becomes_a_reading_when_the_message_is_simulated() -> None:
    decoded = _decode({**_MESSAGE, "simulated": True})
    assert ([], [], _decode(_MESSAGE).readings) == (decoded.readings, decoded.rejections, decoded.simulated)


def test_message_is_rejected_when_a_simulated_frame_is_bad() -> None:
    assert [(-1, Reason.FRAME_MALFORMED)] == _reasons(_decode({**_with(f_port=5), "simulated": True}))


# Refused


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "up",
        "v3/vega@ttn/devices/bin-0588/join",
        "v3/vega@ttn/devices/bin-0588/down/queued",
        "v3/vega@ttn/devices/bin-0588/service/data",
        "v3/vega@ttn/devices/up",
    ],
)
def test_message_is_rejected_when_the_topic_is_no_uplink(topic: str) -> None:
    assert [(-1, Reason.TOPIC_UNKNOWN)] == _reasons(_decode(_MESSAGE, topic=topic))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        50_000 * b"[",
        {},
        {"end_device_ids": {"dev_eui": "A84041FFFF180588"}, "join_accept": {"session_key_id": "AZ=="}},
        {**_MESSAGE, "simulated": "true"},
        {**_MESSAGE, "simulated": 1},
        _with(frm_payload="DU0CgAAAAAE"),
        _with(frm_payload="DU0 CgAAAAE="),
        _with(f_cnt=2**32),
        _with(f_cnt=-1),
        _with(f_port=256),
        _with(received_at="now"),
    ],
)
def test_message_is_rejected_when_it_is_no_uplink(message: object) -> None:
    assert [(-1, Reason.PAYLOAD_MALFORMED)] == _reasons(_decode(message))


@pytest.mark.parametrize("ids", [{}, {"dev_addr": "260B1234"}, {"device_id": "a b"}])
def test_message_is_rejected_when_it_names_no_device(ids: dict[str, str]) -> None:
    assert [(-1, Reason.DEVICE_UNKNOWN)] == _reasons(_decode(_ids(**ids)))


@pytest.mark.parametrize(
    ("codec", "port", "frame"),
    [
        ("milesight_em310", 85, "01755C03828002040000"),
        ("milesight_em400", 85, "01755C0367C30004828002050000"),
        ("milesight_em500", 85, "20CE00AD9C6A8002"),
        ("netvox_r718x", 6, "0134012401028000C34803"),
    ],
)
def test_distance_is_640_mm_when_any_device_says_so(codec: str, port: int, frame: str) -> None:
    payload = base64.b64encode(bytes.fromhex(frame)).decode()
    source = Source("vega", "#", "things_stack", codec)
    assert 640 == _said(_one(_with(f_port=port, frm_payload=payload), source))["distance_mm"]


def test_four_echoes_and_no_distance_are_kept_when_the_device_says_echoes() -> None:
    payload = base64.b64encode(bytes.fromhex("FFFF221E40E20100013C3E3D3C6E130207")).decode()
    source = Source("vega", "#", "things_stack", "sensoneo_single")
    said = _said(_one(_with(f_port=1, frm_payload=payload), source))
    echoes = [said[f"echo_{place}_mm"] for place in (1, 2, 3, 4)]
    assert ([1_200, 1_240, 1_220, 1_200], False) == (echoes, "distance_mm" in said)


# Anything

_ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=3)


@given(st.binary(max_size=200))
def test_nothing_is_raised_when_the_payload_is_any_bytes(payload: bytes) -> None:
    assert 1 == len(_decode(payload).rejections)


@given(st.dictionaries(st.sampled_from(list(_UPLINK)), _ANY), st.dictionaries(st.sampled_from(list(_MESSAGE)), _ANY))
def test_nothing_is_raised_when_fields_are_anything(inner: dict[str, Any], outer: dict[str, Any]) -> None:
    decoded = _decode({**_with(**inner), **outer})
    assert 1 == len(decoded.rejections) + len(decoded.readings) + len(decoded.simulated)
