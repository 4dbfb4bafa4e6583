"""Native messages of virtual devices, as networks and platforms would publish them: the codecs' counterpart.

A *voice* is how one device is heard: under which name, on which topic, in which format. It turns the device's native
messages into its own, one by one, so that what goes wrong on the way goes wrong in every format alike: a message that
came twice comes twice, a conflict stays one, and what cannot be read is passed on as it is.

What is believed of networks here: a radio without a memory sends each reading at once, and its frame carries no
clock, so the gateway's time is that of the reading; one with a memory sends several, each with its own time. A server
of a network forwards a frame under the time at which it first came in, however often it forwards it. A platform
(Traccar, SensorThings, FIWARE) keeps the device's own times.
"""

import base64
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, TypeAlias

from sensors.fleet import Message, iso
from sensors.frames import dragino_ldds, milesight_em310
from sensors.making import microseconds
from sensors.registry import kinds
from sensors.topics import parse

# One native reading as it was said, with its message's `sent_time` and `network_time`.
Told: TypeAlias = Mapping[str, Any]

# What a lithium cell gives when it is full and when its sensor stops. [V]
_FULL_V, _EMPTY_V = 3.6, 2.9
_METRES_A_MILE, _SECONDS_AN_HOUR = 1_852, 3_600
# From gateway to network server. [us]
_BACKHAUL_US = 180_000
# What a native reading lacks or says out of a frame's range.
_UNSPEAKABLE = (ValueError, LookupError, TypeError, AttributeError, struct.error)


class Pace(Enum):
    """When the readings of one native message are sent."""

    TOGETHER = auto()  # in one message, as they were
    APART = auto()  # each in a message of its own, at the same moment
    LIVE = auto()  # each in a message of its own, as it was taken


@dataclass(frozen=True, slots=True)
class Voice:
    """How one device is heard.

    Parameters
    ----------
    source : str
        Who publishes what it says.
    device : str
        Its name in the register.
    name : str
        Its name in the network.
    topic : str
    write : callable
        The readings of one message, the oldest first, to its payload.
    pace : Pace
    codec : str
        Of its frames or results; empty for its source's.
    """

    source: str
    device: str
    name: str
    topic: str
    write: Callable[[Sequence[Told]], bytes]
    pace: Pace
    codec: str = ""


def spoken(messages: Iterable[Message], voices: Mapping[str, Voice]) -> Iterator[Message]:
    """Let devices speak in their own voice, and those that have none as they did.

    Parameters
    ----------
    messages : iterable of Message
        Native, before they are delayed on their way.
    voices : mapping of str to Voice
        By the device in native topics.
    """
    for message in messages:
        topic = parse(message.topic)
        voice = voices.get(topic.device) if topic else None
        if topic is None or voice is None:
            yield message
        elif topic.kind in kinds():
            yield from _as_heard(voice, message)
        else:  # a mistaken topic, which its network has not
            yield Message(message.arrival_us, voice.topic, message.payload)


def _as_heard(voice: Voice, message: Message) -> Iterator[Message]:
    """Say in a voice what a message says; what cannot be said stays as broken as it is."""
    try:
        told = _told(message.payload)
        parts = [told] if voice.pace is Pace.TOGETHER else [[one] for one in told]
        written = [voice.write(part) for part in parts]
        ages_us = _ages_us(told) if voice.pace is Pace.LIVE else [0] * len(parts)
    except _UNSPEAKABLE:
        yield Message(message.arrival_us, voice.topic, message.payload)
        return
    for payload, age_us in zip(written, ages_us, strict=True):
        yield Message(message.arrival_us - age_us, voice.topic, payload)


def _told(payload: bytes) -> list[Told]:
    said = json.loads(payload)
    if said.pop("v") != 1:
        raise ValueError("no message of version 1")
    readings: list[dict[str, Any]] = said.pop("readings", [said])
    return [{**said, **one} for one in readings]


def _ages_us(told: Sequence[Told]) -> list[int]:
    """How long before the last reading each was taken: so much earlier a radio sends it."""
    times_us = [_us(one["time"]) for one in told]
    return [times_us[-1] - one for one in times_us]


def milesight_em400(one: Told) -> bytes:
    """Write the frame of a Milesight EM400-MUD, on port 85."""
    charge_pct = round((one["battery_v"] - _EMPTY_V) / (_FULL_V - _EMPTY_V) * 100)
    battery = struct.pack("<2sB", b"\x01\x75", min(max(charge_pct, 0), 100))
    temperature = struct.pack("<2sh", b"\x03\x67", round(one["temperature_degc"] * 10))
    distance = struct.pack("<2sH", b"\x04\x82", one["distance_mm"])
    return battery + temperature + distance + b"\x05\x00\x00"


def milesight_em500(told: Sequence[Told]) -> bytes:
    """Write the frame in which a Milesight EM500-UDL says what it has kept, on port 85."""
    times_s = [_us(one["time"]) // 1_000_000 for one in told]
    return b"".join(
        struct.pack("<2sIH", b"\x20\xce", time_s, one["distance_mm"])
        for time_s, one in zip(times_s, told, strict=True)
    )


def dragino_ldds75(one: Told) -> bytes:
    """Write the frame of a Dragino LDDS75, on port 2."""
    battery_mv, tenths_degc = round(one["battery_v"] * 1_000), round(one["temperature_degc"] * 10)
    return struct.pack(">HHBhB", battery_mv, one["distance_mm"], 0, tenths_degc, 1)


def chirpstack(source: str, eui: str, number: int, gateway: str, *, has_memory: bool) -> Voice:
    """Make the voice of a Milesight on a ChirpStack server.

    Parameters
    ----------
    source : str
    eui : str
        In normal form; the register's name too.
    number : int
        Of the device in the network.
    gateway : str
    has_memory : bool
        Whether it is an EM500-UDL that sends what it has kept, or an EM400-MUD that sends each reading.
    """
    profile = "EM500-UDL" if has_memory else "EM400-MUD"
    info = {"applicationName": "vega-poniente", "deviceProfileName": profile, "devEui": eui}
    address = f"{0x00180000 + number:08x}"

    def write(told: Sequence[Told]) -> bytes:
        one = told[-1]
        heard = one["network_time"] if has_memory else one["time"]
        served = _later(heard)
        said = {
            "time": served,
            "deviceInfo": info,
            "devAddr": address,
            "fCnt": one["sequence"],
            "fPort": milesight_em310.PORT,
            "data": _base64(milesight_em500(told) if has_memory else milesight_em400(one)),
            "rxInfo": [{"gatewayId": gateway, "gwTime": heard, "nsTime": served, "rssi": -97, "snr": 7.2}],
        }
        fields = {"temperature": one["temperature_degc"], "distance": one["distance_mm"], "position": "normal"}
        return _json(said if has_memory else {**said, "object": fields})

    topic = f"application/vega-poniente/device/{eui}/event/up"
    codec, pace = ("milesight_em500", Pace.TOGETHER) if has_memory else ("", Pace.LIVE)
    return Voice(source, eui, eui, topic, write, pace, codec)


def things_stack(source: str, device: str, number: int, gateway: str) -> Voice:
    """Make the voice of a Dragino LDDS75 on The Things Stack.

    Parameters
    ----------
    source, device : str
    number : int
        Of the device in the network.
    gateway : str
    """
    eui = f"A84041FFFF{number:06X}"
    ids = {"device_id": device, "dev_eui": eui, "dev_addr": f"{0x260B0000 + number:08X}"}
    session = _base64(number.to_bytes(16, "big"))

    def write(told: Sequence[Told]) -> bytes:
        (one,) = told
        heard, served = one["time"], _later(one["time"])
        fields = {"Bat": one["battery_v"], "Distance": f"{one['distance_mm']} mm"}
        uplink = {
            "session_key_id": session,
            "f_port": dragino_ldds.PORT,
            "f_cnt": one["sequence"],
            "frm_payload": _base64(dragino_ldds75(one)),
            "decoded_payload": fields,
            "rx_metadata": [{"gateway_ids": {"gateway_id": gateway}, "time": heard, "rssi": -104, "snr": 4.5}],
            "received_at": served,
        }
        return _json({"end_device_ids": ids, "received_at": served, "uplink_message": uplink})

    topic = f"v3/vega-poniente@municipality/devices/{device}/up"
    return Voice(source, device, eui, topic, write, Pace.LIVE)


def sensorthings(source: str, device: str, number: int) -> Voice:
    """Make the voice of a level sensor whose distances a SensorThings server publishes.

    Parameters
    ----------
    source, device : str
    number : int
        Of its datastream.
    """

    def write(told: Sequence[Told]) -> bytes:
        (one,) = told
        said = {
            "phenomenonTime": one["time"],
            "resultTime": one.get("network_time"),
            "result": one["distance_mm"],
            "Datastream": {"@iot.id": number},
            "parameters": {"sequence": one.get("sequence", 0)},
        }
        return _json(said)

    return Voice(source, device, str(number), f"v1.1/Datastreams({number})/Observations", write, Pace.APART)


def fiware(source: str, device: str, entity: str, span_mm: tuple[int, int]) -> Voice:
    """Make the voice of a level sensor that reckons a share itself, through a FIWARE context broker.

    Parameters
    ----------
    source, device : str
    entity : str
        What follows `urn:ngsi-ld:WasteContainer:` in the entity's id.
    span_mm : tuple of int
        Distance when empty, and when full.
    """
    empty_mm, full_mm = span_mm

    def entity_of(one: Told) -> Told:
        said = {
            "id": f"urn:ngsi-ld:WasteContainer:{entity}",
            "type": "WasteContainer",
            "fillingLevel": round((empty_mm - one["distance_mm"]) / (empty_mm - full_mm), 4),
            "binLoggedTime": one["time"],
        }
        return said | ({"temperature": one["temperature_degc"]} if "temperature_degc" in one else {})

    def write(told: Sequence[Told]) -> bytes:
        entities = [entity_of(one) for one in told]
        return _json(entities[0] if len(entities) == 1 else {"type": "Notification", "data": entities})

    name = entity.replace(":", ".").lower()
    return Voice(source, device, name, f"fiware/vega-poniente/{name}", write, Pace.TOGETHER)


def traccar(source: str, device: str, number: int, name: str) -> Voice:
    """Make the voice of a tracker behind a Traccar server that forwards each position.

    Parameters
    ----------
    source, device : str
    number : int
        Of the device in the server.
    name : str
        What the tracker calls itself, an IMEI.
    """
    tracker = {"id": number, "uniqueId": name, "status": "online"}

    def write(told: Sequence[Told]) -> bytes:
        (one,) = told
        attributes = {"ignition": bool(one["ignition"]), "motion": one["speed_mps"] > 0, "in1": bool(one["inputs"])}
        position = {
            "id": one["sequence"],
            "deviceId": number,
            "protocol": "teltonika",
            "serverTime": one["network_time"],
            "deviceTime": one["sent_time"],
            "fixTime": one["time"],
            "outdated": False,
            "valid": True,
            "latitude": one["latitude"],
            "longitude": one["longitude"],
            "speed": one["speed_mps"] * _SECONDS_AN_HOUR / _METRES_A_MILE,
            "course": one.get("course_deg", 0.0),
            "accuracy": one["accuracy_m"],
            "attributes": attributes,
        }
        return _json({"position": position, "device": tracker})

    return Voice(source, device, name, "traccar/positions", write, Pace.APART)


def _us(said: str) -> int:
    return microseconds(datetime.fromisoformat(said))[0]


def _later(said: str) -> str:
    return iso(_us(said) + _BACKHAUL_US)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()
