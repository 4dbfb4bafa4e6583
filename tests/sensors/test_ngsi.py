"""FIWARE's waste containers: one entity in each of its forms, notifications of several, times, every refusal."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.codecs import ngsi
from sensors.codecs.native import READINGS_MAX
from sensors.kinds.fill_level import KIND
from sensors.making import microseconds
from sensors.readings import NO_TIME_US, NOT_SAID, Clock, Decoded, EventTimeSource, Reading, Reason
from sensors.sources import Device, Source
from tests.rules.contracts import zone_info

_SOURCE = Source("broker", "ngsi/#", "ngsi")
_TIME = "2026-09-05T22:14:03Z"
_LATER = "2026-09-05T23:00:00Z"
_NAMED: dict[str, Any] = {"id": "urn:ngsi-ld:WasteContainer:VP-03:bin-0417", "type": "WasteContainer"}
_KEY_VALUES: dict[str, Any] = {
    **_NAMED,
    "location": {"type": "Point", "coordinates": [-70.6521, -33.4287]},
    "fillingLevel": 0.675,
    "binFullnessThreshold": 90,
    "temperature": 19.5,
    "status": "ok",
    "dateLastEmptying": "2026-09-05T09:40:00Z",
    "binLoggedTime": _TIME,
}
_LINKED: dict[str, Any] = {
    **_NAMED,
    "fillingLevel": {"type": "Property", "value": 0.675, "observedAt": _TIME, "unitCode": "C62"},
    "temperature": {"type": "Property", "value": 19.5, "unitCode": "CEL"},
    "binLoggedTime": {"type": "Property", "value": {"@type": "DateTime", "@value": _LATER}},
    "@context": ["https://example.org/context.jsonld"],
}
_V2: dict[str, Any] = {
    **_NAMED,
    "fillingLevel": {
        "type": "Number",
        "value": 0.675,
        "metadata": {"TimeInstant": {"type": "DateTime", "value": _TIME}},
    },
    "temperature": {"type": "Number", "value": 19.5, "metadata": {}},
}


def _us(instant: str) -> int:
    return microseconds(datetime.fromisoformat(instant))[0]


def _decode(message: object, source: Source = _SOURCE) -> Decoded:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return ngsi.decode(source, "ngsi/city", payload)


def _reading(message: object, source: Source = _SOURCE) -> Reading:
    decoded = _decode(message, source)
    assert (decoded.rejections, len(decoded.readings)) == ([], 1)
    return decoded.readings[0]


def _refusal(message: object, source: Source = _SOURCE) -> tuple[Reason, int]:
    decoded = _decode(message, source)
    assert [] == decoded.readings
    return decoded.rejections[0].reason, decoded.rejections[0].index


def _values(**said: int) -> tuple[int, ...]:
    return tuple(said.get(one.name, NOT_SAID) for one in KIND.quantities)


@pytest.mark.parametrize(
    "message",
    [
        _KEY_VALUES,
        _LINKED,
        _V2,
        [_KEY_VALUES],
        {"subscriptionId": "51c0ac9ed714fb3b37d7d5a8", "data": [_V2]},
        {"id": "urn:ngsi-ld:Notification:1", "type": "Notification", "notifiedAt": _LATER, "data": [_LINKED]},
        {**_KEY_VALUES, "data": {"type": "Property", "value": 1}},
        {**_KEY_VALUES, "type": "https://uri.fiware.org/ns/data-models#WasteContainer"},
        {**_KEY_VALUES, "type": ["Thing", "WasteContainer"]},
    ],
)
def test_reading_when_golden(message: object) -> None:
    expected = Reading(
        KIND,
        "broker",
        "vp-03.bin-0417",
        _us(_TIME),
        EventTimeSource.DEVICE,
        0,
        _us(_TIME),
        NO_TIME_US,
        NO_TIME_US,
        Clock.UNCHECKED,
        _values(fill_ppm=675_000, temperature_mdegc=19_500),
    )
    assert expected == _reading(message)


@pytest.mark.parametrize(
    ("entity_id", "device"),
    [
        ("urn:ngsi-ld:WasteContainer:bin-0417", "bin-0417"),
        ("urn:ngsi-ld:wastecontainer:1021:AAWD", "1021.aawd"),
        ("wastecontainer:Fleming:12a", "wastecontainer.fleming.12a"),
        ("bin-0417", "bin-0417"),
    ],
)
def test_device_when_entity_is_called(entity_id: str, device: str) -> None:
    assert device == _reading({**_KEY_VALUES, "id": entity_id}).device


def test_device_when_source_has_another_name_for_it() -> None:
    devices = {"vp-03.bin-0417": Device("bin-0417")}
    source = Source("broker", "ngsi/#", "ngsi", devices=devices, is_closed=True)
    assert "bin-0417" == _reading(_KEY_VALUES, source).device


def test_times_when_many_are_said() -> None:
    # The level's own first, then those of the entity; the broker's last.
    names = ["binLoggedTime", "dateLastReading", "TimeInstant", "dateModified"]
    said = {name: f"2026-09-0{day}T00:00:00Z" for day, name in enumerate(names, start=1)}
    levels = (_LINKED["fillingLevel"], _V2["fillingLevel"])
    found = [_reading({**_NAMED, **said, "fillingLevel": level}).event_time_us for level in levels]
    for name in list(said):
        found.append(_reading({**_NAMED, **said, "fillingLevel": 0.5}).event_time_us)
        del said[name]
    assert [_us(_TIME)] * 2 + [_us(f"2026-09-0{day}T00:00:00Z") for day in (1, 2, 3, 4)] == found


def test_network_time_when_only_the_broker_says_one() -> None:
    reading = _reading({**_NAMED, "fillingLevel": 0.5, "dateModified": _TIME})
    assert (EventTimeSource.NETWORK, NO_TIME_US) == (reading.event_time_source, reading.device_time_us)


def test_event_time_when_nothing_is_said_of_it() -> None:
    assert EventTimeSource.RECEIPT == _reading({**_NAMED, "fillingLevel": 0.5}).event_time_source


@pytest.mark.parametrize(
    ("observed", "kept"), [({}, 19_500), ({"observedAt": _TIME}, 19_500), ({"observedAt": _LATER}, NOT_SAID)]
)
def test_temperature_when_observed(observed: dict[str, str], kept: int) -> None:
    temperature = {"type": "Property", "value": 19.5, **observed}
    reading = _reading({**_LINKED, "temperature": temperature})
    assert _values(fill_ppm=675_000, temperature_mdegc=kept) == reading.values


def test_notification_when_entities_are_bad() -> None:
    bad = [{**_KEY_VALUES, "fillingLevel": 67.5}, 7, {**_KEY_VALUES, "type": "WasteContainerIsle"}]
    other = {**_KEY_VALUES, "id": "urn:ngsi-ld:WasteContainer:bin-1"}
    decoded = _decode({"data": [_KEY_VALUES, *bad, other]})
    assert ["vp-03.bin-0417", "bin-1"] == [one.device for one in decoded.readings]
    assert [
        (1, Reason.VALUE_OUT_OF_RANGE, "vp-03.bin-0417"),
        (2, Reason.READING_MALFORMED, ""),
        (3, Reason.KIND_UNKNOWN, ""),
    ] == [(one.index, one.reason, one.device) for one in decoded.rejections]


@pytest.mark.parametrize(("count", "readings"), [(READINGS_MAX, READINGS_MAX), (READINGS_MAX + 1, 0)])
def test_notification_when_it_is_long(count: int, readings: int) -> None:
    decoded = _decode([_KEY_VALUES] * count)
    assert readings == len(decoded.readings)
    assert [Reason.TOO_MANY_READINGS] * (readings == 0) == [one.reason for one in decoded.rejections]


@pytest.mark.parametrize(
    "broken",
    [b"", b"null", b"7", b"[]", b'{"data":[]}', b'{"data":[', b"\xff", b"[" * 100_000, b'{"x":' + b"[" * 100_000],
)
def test_message_when_malformed(broken: bytes) -> None:
    assert (Reason.PAYLOAD_MALFORMED, -1) == _refusal(broken)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        # A percentage by mistake: never guessed.
        ({"fillingLevel": 67.5}, Reason.VALUE_OUT_OF_RANGE),
        ({"fillingLevel": 1e300}, Reason.VALUE_OUT_OF_RANGE),
        ({"fillingLevel": None}, Reason.VALUE_MISSING),
        ({"fillingLevel": {"type": "Property"}}, Reason.VALUE_MISSING),
        ({"fillingLevel": "0.675"}, Reason.READING_MALFORMED),
        ({"fillingLevel": True}, Reason.READING_MALFORMED),
        ({"fillingLevel": [{"value": 0.5}]}, Reason.READING_MALFORMED),
        ({"fillingLevel": {"value": {"value": 0.5}}}, Reason.READING_MALFORMED),
        ({"fillingLevel": {"value": 67.5, "unitCode": "P1"}}, Reason.READING_MALFORMED),
        ({"fillingLevel": {"value": 0.5, "observedAt": 5}}, Reason.READING_MALFORMED),
        ({"fillingLevel": {"value": 0.5, "metadata": 5}}, Reason.READING_MALFORMED),
        ({"temperature": {"value": 67, "unitCode": "FAH"}}, Reason.READING_MALFORMED),
        ({"temperature": 201}, Reason.VALUE_OUT_OF_RANGE),
        ({"binLoggedTime": "yesterday"}, Reason.READING_MALFORMED),
        ({"binLoggedTime": 1_788_646_443}, Reason.READING_MALFORMED),
        ({"binLoggedTime": "2026-09-05T22:14:03"}, Reason.READING_MALFORMED),
        ({"binLoggedTime": "2107-01-01T00:00:00Z"}, Reason.TIME_OUT_OF_RANGE),
        ({"type": "WasteContainerModel"}, Reason.KIND_UNKNOWN),
        ({"type": 5}, Reason.READING_MALFORMED),
        ({"id": None}, Reason.READING_MALFORMED),
        ({"id": "no name"}, Reason.DEVICE_UNKNOWN),
        ({"id": "urn:ngsi-ld:WasteContainer:" + 65 * "x"}, Reason.DEVICE_UNKNOWN),
    ],
)
def test_entity_when_refused(said: dict[str, Any], reason: Reason) -> None:
    assert (reason, 0) == _refusal({**_KEY_VALUES, **said})


@pytest.mark.parametrize("number", ["NaN", "1e400", "6" * 5_000])
def test_number_when_it_is_none(number: str) -> None:
    reason, _ = _refusal(json.dumps(_KEY_VALUES).replace("0.675", number).encode())
    assert reason in (Reason.READING_MALFORMED, Reason.PAYLOAD_MALFORMED)


def test_local_time_when_no_zone_is_declared() -> None:
    (rejection,) = _decode({**_KEY_VALUES, "binLoggedTime": "2026-09-05T18:14:03"}).rejections
    assert "binLoggedTime has no offset, and broker no time zone" == rejection.detail


@pytest.mark.parametrize(
    ("said", "instant", "clock"),
    [
        ("2026-09-05T18:14:03", _TIME, Clock.UNCHECKED),
        ("2026-04-04T23:30:00", "2026-04-05T02:30:00Z", Clock.DISAGREES),
    ],
)
def test_local_time_when_zone_is_declared(said: str, instant: str, clock: Clock) -> None:
    source = Source("broker", "ngsi/#", "ngsi", zone=zone_info("America/Santiago"))
    reading = _reading({**_KEY_VALUES, "binLoggedTime": said}, source)
    assert (_us(instant), clock) == (reading.event_time_us, reading.clock)


def test_device_when_source_is_closed() -> None:
    source = Source("broker", "ngsi/#", "ngsi", devices={"bin-1": Device("a")}, is_closed=True)
    (rejection,) = _decode(_KEY_VALUES, source).rejections
    assert (Reason.DEVICE_UNKNOWN, "vp-03.bin-0417") == (rejection.reason, rejection.device)


_ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "@value", "observedAt", "unitCode", "metadata", "TimeInstant", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
_ENTITIES = st.dictionaries(st.sampled_from([*_KEY_VALUES, "TimeInstant", "dateModified"]), _ANY).map(
    lambda said: {**_KEY_VALUES, **said}
)


@given(
    st.binary(max_size=200)
    | (_ANY | _ENTITIES | st.lists(_ENTITIES, max_size=3)).map(lambda said: json.dumps(said).encode()),
    st.sampled_from([None, zone_info("America/Santiago")]),
)
def test_bytes_when_any(payload: bytes, zone: Any) -> None:
    decoded = _decode(payload, Source("broker", "ngsi/#", "ngsi", zone=zone))
    assert decoded.readings or decoded.rejections
    assert all(len(one.detail) <= 200 for one in decoded.rejections)
