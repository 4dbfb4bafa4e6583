"""What networks make of native messages is read as the same readings, and goes wrong in the same ways."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from ingest.accept import accept
from sensors import dialects
from sensors.dialects import Voice, spoken
from sensors.fleet import HOUR_US, Message
from sensors.readings import NOT_SAID, Decoded, EventTimeSource, Reading, content_digest
from sensors.sources import Device, Source

BIN, TRACKER = "24e124713b000417", "gps-352094081234567"
# 5 September 2026, 22:00 UTC.
T_US = 1_788_645_600_000_000
LEVEL = {
    "time": "2026-09-05T22:00:00Z",
    "sequence": 1532,
    "distance_mm": 640,
    "battery_v": 3.4,
    "temperature_degc": -3.5,
}
FIX = {
    "time": "2026-09-05T22:00:00Z",
    "sequence": 77,
    "latitude": -33.42871,
    "longitude": -70.6521,
    "speed_mps": 2.22,
    "course_deg": 184.0,
    "accuracy_m": 6.1,
    "inputs": 1,
    "ignition": 1,
}
HEAD = {"v": 1, "sent_time": "2026-09-05T22:30:02Z", "network_time": "2026-09-05T22:30:03Z"}
LIVE = dialects.chirpstack("net", BIN, 417, "gw-01", has_memory=False)
KEEPING = dialects.chirpstack("net", BIN, 417, "gw-01", has_memory=True)
THINGS = dialects.things_stack("net", "ldds75-0417", 417, "gw-01")
STREAM = dialects.sensorthings("net", "datastream-417", 417)
ENTITY = dialects.fiware("net", "container-0417", "VP-01:VP-0417", (1450, 250))
TRACKED = dialects.traccar("net", TRACKER, 44, "352094081234567")
LEVELS = (LIVE, KEEPING, THINGS, STREAM, ENTITY)
DECLARED = {
    LIVE: ("chirpstack", "milesight_em400"),
    KEEPING: ("chirpstack", "milesight_em400"),
    THINGS: ("things_stack", "dragino_ldds"),
    STREAM: ("sensorthings", "distance_mm"),
    ENTITY: ("ngsi", ""),
    TRACKED: ("traccar", ""),
}


def native(*said: dict[str, Any], device: str = BIN, kind: str = "fill_level", arrival_us: int = T_US) -> Message:
    content = {**HEAD, **said[0]} if len(said) == 1 else {**HEAD, "readings": said}
    return Message(arrival_us, f"poniente/v1/sim/{device}/{kind}", json.dumps(content).encode())


def heard(voice: Voice, *messages: Message) -> list[Message]:
    return [*spoken(messages, {BIN: voice, TRACKER: voice})]


def decoded(voice: Voice, messages: Iterable[Message]) -> list[Decoded]:
    form, codec = DECLARED[voice]
    devices = {voice.name.lower(): Device(voice.device, voice.codec)}
    source = Source("net", voice.topic, form, codec, devices=devices, is_closed=True)
    return [accept(source, one.topic, one.payload) for one in messages]


def readings(voice: Voice, *messages: Message) -> list[Reading]:
    return [reading for one in decoded(voice, heard(voice, *messages)) for reading in one.readings]


def numbers(reading: Reading) -> dict[str, int]:
    names = (quantity.name for quantity in reading.kind.quantities)
    return {name: value for name, value in zip(names, reading.values, strict=True) if value != NOT_SAID}


def at(minutes: int, distance_mm: int = 640) -> dict[str, Any]:
    return {
        **LEVEL,
        "time": f"2026-09-05T22:{minutes:02d}:00Z",
        "sequence": 1500 + minutes,
        "distance_mm": distance_mm,
    }


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        (LIVE, {"distance_mm": 640, "temperature_mdegc": -3_500, "battery_pct": 71, "tilted": 0}),
        (KEEPING, {"distance_mm": 640}),
        (THINGS, {"distance_mm": 640, "temperature_mdegc": -3_500, "battery_mv": 3_400, "alarm": 0}),
        (STREAM, {"distance_mm": 640}),
        (ENTITY, {"fill_ppm": 675_000, "temperature_mdegc": -3_500}),
    ],
)
def test_level_is_what_was_said_when_read_again(voice: Voice, said: dict[str, int]) -> None:
    (reading,) = readings(voice, native(LEVEL))
    assert said == numbers(reading)
    assert ("net", voice.device, T_US) == (reading.source, reading.device, reading.event_time_us)


def test_fix_is_what_was_said_when_read_again() -> None:
    message = native(FIX, device=TRACKER, kind="position_fix")
    (reading,) = readings(TRACKED, message)
    (as_native,) = accept(Source("", "", "native"), message.topic, message.payload).readings
    assert numbers(as_native) == numbers(reading)
    assert (as_native.event_time_us, as_native.clock) == (reading.event_time_us, reading.clock)


@pytest.mark.parametrize(
    ("voice", "clock"),
    [
        (LIVE, EventTimeSource.NETWORK),
        (THINGS, EventTimeSource.NETWORK),
        (KEEPING, EventTimeSource.DEVICE),
        (STREAM, EventTimeSource.DEVICE),
        (ENTITY, EventTimeSource.DEVICE),
    ],
)
def test_clock_is_the_networks_when_the_frame_has_none(voice: Voice, clock: EventTimeSource) -> None:
    (reading,) = readings(voice, native(LEVEL))
    assert clock == reading.event_time_source


@pytest.mark.parametrize("voice", LEVELS)
def test_every_reading_is_there_when_several_were_sent_together(voice: Voice) -> None:
    found = readings(voice, native(at(0), at(10, 630), at(30, 620)))
    assert [T_US + minutes * 60_000_000 for minutes in (0, 10, 30)] == [one.event_time_us for one in found]


@pytest.mark.parametrize(("voice", "minutes"), [(LIVE, [30, 20, 0]), (STREAM, [0, 0, 0]), (KEEPING, [0])])
def test_message_leaves_when_its_reading_was_taken_if_it_is_live(voice: Voice, minutes: Sequence[int]) -> None:
    found = heard(voice, native(at(0), at(10), at(30)))
    assert [T_US - before * 60_000_000 for before in minutes] == [one.arrival_us for one in found]


@pytest.mark.parametrize("voice", LEVELS)
def test_reading_is_a_duplicate_when_sent_again_later(voice: Voice) -> None:
    again = {**HEAD, "network_time": "2026-09-05T23:30:00Z", "sent_time": "2026-09-05T23:30:00Z"}
    later = native({**LEVEL, **again}, arrival_us=T_US + HOUR_US)
    first, second = readings(voice, native(LEVEL), later)
    assert key(first) == key(second)
    assert said(first) == said(second)


@pytest.mark.parametrize("voice", LEVELS)
def test_reading_is_in_conflict_when_its_instant_has_another_content(voice: Voice) -> None:
    *_, last, other = readings(voice, native(at(0), at(10)), native(at(10, 55)))
    assert key(last) == key(other)
    assert said(last) != said(other)


@pytest.mark.parametrize("voice", [*LEVELS, TRACKED])
@pytest.mark.parametrize("change", ["cut", "noise", "misspelt", "version", "topic", "range"])
def test_message_is_refused_when_it_was_broken(voice: Voice, change: str) -> None:
    is_fix = voice is TRACKED
    device, kind = (TRACKER, "position_fix") if is_fix else (BIN, "fill_level")
    topic, payload = f"poniente/v1/sim/{device}/{kind}", native(FIX if is_fix else LEVEL).payload
    match change:
        case "cut":
            payload = payload[: len(payload) // 2]
        case "noise":
            payload = bytes(range(200, 240))
        case "misspelt":
            payload = payload.replace(b'distance_mm"', b'distance_mms"').replace(b'latitude"', b'latitudes"')
        case "version":
            payload = payload.replace(b'"v": 1', b'"v": 9')
        case "topic":
            topic = topic.replace(kind, "humidity")
        case _:
            payload = b'{"v":1,"time":"2026-09-01T00:00:00Z","distance_mm":999999}'
    found = heard(voice, Message(T_US, topic, payload))
    (judged,) = decoded(voice, found)
    assert (T_US, voice.topic) == (found[0].arrival_us, found[0].topic)
    assert ([], 1) == (judged.readings, len(judged.rejections))


def test_message_stays_native_when_its_device_has_no_voice() -> None:
    other = native(LEVEL, device="24e124713b000999")
    broken = Message(T_US, "not/ours", b"")
    assert [other, broken] == heard(LIVE, other, broken)


def key(one: Reading) -> tuple[int, int]:
    return one.event_time_us, one.sequence


def said(one: Reading) -> bytes:
    return content_digest(one.values, one.clock, one.words)
