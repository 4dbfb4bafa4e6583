"""OwnTracks' locations: the golden one, the person's name that stays outside, every refusal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.codecs import owntracks
from sensors.kinds.position_fix import KIND
from sensors.readings import NO_TIME_US, NOT_SAID, Clock, Decoded, EventTimeSource, Reading, Reason
from sensors.sources import Device, Source

_TOPIC = "owntracks/secret-name/Phone-7"
_SOURCE = Source("crews", "owntracks/+/+", "owntracks")
_LOCATION: dict[str, Any] = {
    "_type": "location",
    "tst": 1_788_657_002,
    "created_at": 1_788_657_004,
    "lat": -33.42871,
    "lon": -70.65210,
    "alt": 531,
    "acc": 6,
    "vel": 8,
    "cog": 184,
    "batt": 71,
    "tid": "SN",
    "SSID": "secret-net",
    "inregions": ["secret-place"],
}


def _decode(message: object, topic: str = _TOPIC, source: Source = _SOURCE) -> Decoded:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return owntracks.decode(source, topic, payload)


def _refusal(message: object, topic: str = _TOPIC, source: Source = _SOURCE) -> tuple[Reason, int, str]:
    decoded = _decode(message, topic, source)
    (rejection,) = decoded.rejections
    assert (decoded.readings, rejection.source) == ([], "crews")
    assert "secret" not in repr(rejection)
    return rejection.reason, rejection.index, rejection.device


def test_reading_when_golden() -> None:
    expected = Reading(
        KIND,
        "crews",
        "phone-7",
        1_788_657_002_000_000,
        EventTimeSource.DEVICE,
        0,
        1_788_657_002_000_000,
        NO_TIME_US,
        1_788_657_004_000_000,
        Clock.UNCHECKED,
        (-334_287_100, -706_521_000, 2_222, 18_400, 6_000, *[NOT_SAID] * 5),
    )
    assert ([expected], []) == (_decode(_LOCATION).readings, _decode(_LOCATION).rejections)


def test_reading_when_the_person_has_a_name() -> None:
    assert "secret" not in repr(_decode(_LOCATION))


def test_device_when_source_has_another_name_for_it() -> None:
    source = Source("crews", "owntracks/+/+", "owntracks", devices={"phone-7": Device("sweeper-7")}, is_closed=True)
    assert ["sweeper-7"] == [one.device for one in _decode(_LOCATION, source=source).readings]


@pytest.mark.parametrize(("vel", "kept"), [(0, 0), (18, 5_000), (1, 278), (360, 100_000)])
def test_speed_when_in_kilometres_an_hour(vel: float, kept: int) -> None:
    (reading,) = _decode({**_LOCATION, "vel": vel}).readings
    assert kept == reading.values[2]


def test_event_time_when_it_is_not_said() -> None:
    # When it was sent is not when it was seen.
    (reading,) = _decode({**_LOCATION, "tst": None}).readings
    assert EventTimeSource.RECEIPT == reading.event_time_source


@pytest.mark.parametrize("said", ["lwt", "transition", "waypoint", "waypoints", "card", "encrypted", "cmd", "status"])
def test_message_when_of_another_type(said: str) -> None:
    message = {"_type": said, "tst": 1_788_657_002}
    assert (Reason.PAYLOAD_MALFORMED, -1, "phone-7") == _refusal(message, f"{_TOPIC}/event")
    assert f"_type {said} is not location" == _decode(message).rejections[0].detail


def test_type_when_it_is_no_name() -> None:
    (rejection,) = _decode({"_type": "Ana Soto, 5"}).rejections
    assert "_type of 11 characters is not location" == rejection.detail


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "owntracks",
        "owntracks/secret-name",
        f"{_TOPIC}/event",
        "/owntracks/secret-name/phone",
        "x/y/secret-name/phone",
    ],
)
def test_topic_when_it_is_another(topic: str) -> None:
    reason, index, _ = _refusal(_LOCATION, topic)
    assert (Reason.TOPIC_UNKNOWN, -1) == (reason, index)


@pytest.mark.parametrize(("named", "shown"), [("phone-8", "phone-8"), ("her phone", ""), ("", "")])
def test_device_when_it_may_not_be_stored(named: str, shown: str) -> None:
    source = Source("crews", "owntracks/+/+", "owntracks", devices={"phone-7": Device("a")}, is_closed=True)
    topic = f"owntracks/secret-name/{named}"
    assert (Reason.DEVICE_UNKNOWN, -1, shown) == _refusal(_LOCATION, topic, source)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"_type":1}',
        json.dumps({**_LOCATION, "lat": "north"}).encode(),
        json.dumps({**_LOCATION, "tst": 1.5}).encode(),
        json.dumps({**_LOCATION, "tst": "1788657002"}).encode(),
        json.dumps({**_LOCATION, "tst": -1}).encode(),
        # Milliseconds, and more digits than any clock has.
        json.dumps({**_LOCATION, "created_at": 1_788_657_002_000}).encode(),
        json.dumps({**_LOCATION, "tst": 10**30}).encode(),
        json.dumps({**_LOCATION, "lat": 0.5}).replace("0.5", "1e400").encode(),
        json.dumps({**_LOCATION, "lat": 0.5}).replace("0.5", "NaN").encode(),
    ],
)
def test_message_when_malformed(broken: bytes) -> None:
    assert (Reason.PAYLOAD_MALFORMED, -1, "phone-7") == _refusal(broken)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"lat": None}, Reason.VALUE_MISSING),
        ({"lon": 180.1}, Reason.VALUE_OUT_OF_RANGE),
        ({"vel": -1}, Reason.VALUE_OUT_OF_RANGE),
        ({"acc": 1e300}, Reason.VALUE_OUT_OF_RANGE),
        ({"tst": 2**32}, Reason.TIME_OUT_OF_RANGE),
    ],
)
def test_location_when_refused(said: dict[str, Any], reason: Reason) -> None:
    assert (reason, 0, "phone-7") == _refusal({**_LOCATION, **said})


_ANY: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(list(_LOCATION)), _ANY).map(
        lambda said: json.dumps({**_LOCATION, **said}).encode()
    ),
    st.just(_TOPIC) | st.text(max_size=30),
)
def test_bytes_when_any(payload: bytes, topic: str) -> None:
    decoded = _decode(payload, topic)
    assert 1 == len(decoded.readings) + len(decoded.rejections)
