"""Positions forwarded by a Traccar server, as JSON: one position and its device a message.

Of the server's fields are used::

    {"position": {"fixTime": "2026-09-06T01:10:02.000Z", "deviceTime": ..., "serverTime": ..., "valid": true,
                  "outdated": false, "latitude": -33.42871, "longitude": -70.65210, "speed": 4.32, "course": 184.0,
                  "accuracy": 6.0, "attributes": {"ignition": true, "hdop": 0.8, "sat": 11, "in1": true}},
     "device": {"uniqueId": "352094081234567"}}

`fixTime` is the observation, `deviceTime` the device's clock at sending, `serverTime` the network's. Some releases
write them as milliseconds since 1970. Speed comes in knots. Accuracy 0 is Traccar's way to say nothing of it. A
position that the receiver held for invalid has quality 1.

A tracker without a new fix makes Traccar send the last one again, *outdated*: with the old fix's time and place, and
new inputs. Taken at its word it would be another content of the old fix's key, and that fix, a true one, would count
as unmeasured. So it has quality 3, the time of sending in milliseconds as its sequence, and the clock of a replay: it
is kept and proves nothing.

Digital inputs are taken from one place, the first that says any: `input`, a whole number with the bits of all; `in1`
to `in16`; `io1` to `io16`. The latter are numbered by the tracker's maker and hold anything, so of them, as of `in`,
only true, false, 1 and 0 count: `in3` or `io3` is the third bit, and what is not said is 0. `input` as text, which
some trackers' protocols lead to, is in a form of their own and not read.

The names of device and driver, plates and whatever else the server knows are not looked at.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from sensors.kinds.position_fix import KIND
from sensors.making import Fault, Times, device_of, make, microseconds, refused
from sensors.readings import NO_TIME_US, Decoded, Reason, Rejection
from sensors.sources import Source
from sensors.topics import is_part, normal_device

# What an installation can speak of: `inputs` has 16 bits.
_INPUTS_MAX = 16
# Of the year 9999, the last that a time written out could have. [ms since 1970]
_TIME_MAX_MS = 253_402_300_799_999
# A knot is a nautical mile, 1,852 m, an hour.
_METRES_A_MILE, _SECONDS_AN_HOUR = 1_852, 3_600
# LwM2M 6042: rejected by the device with certainty; suspicious.
_REJECTED, _SUSPICIOUS = 1, 3
_BITS = {b"true": 1, b"1": 1, b"false": 0, b"0": 0}

_Time = datetime | Annotated[int, msgspec.Meta(ge=0, le=_TIME_MAX_MS)] | None


class _Position(msgspec.Struct, rename="camel"):
    fix_time: _Time = None
    device_time: _Time = None
    server_time: _Time = None
    valid: bool | None = None
    outdated: bool | None = None
    latitude: float | None = None
    longitude: float | None = None
    speed: float | None = None
    course: float | None = None
    accuracy: float | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"{}")


class _Device(msgspec.Struct, rename="camel"):
    unique_id: str


class _Forward(msgspec.Struct):
    position: _Position
    device: _Device


class _Attributes(msgspec.Struct):
    ignition: bool | None = None
    hdop: float | None = None
    sat: float | None = None


_forward_decoder = msgspec.json.Decoder(_Forward)
_attributes_decoder = msgspec.json.Decoder(_Attributes | None)
_every_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)


def decode(source: Source, _topic: str, payload: bytes) -> Decoded:
    """Decode one forwarded position."""
    who = (source.name, "")
    try:
        message = _forward_decoder.decode(payload)
        named = _attributes_decoder.decode(message.position.attributes) or _Attributes()
        every = _every_decoder.decode(message.position.attributes) or dict[str, msgspec.Raw]()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), who)
    device = device_of(source, message.device.unique_id)
    if device is None:
        name = normal_device(message.device.unique_id)
        who = (source.name, name if is_part(name) else "")
        return refused(Reason.DEVICE_UNKNOWN, "the source declares no such device", who)
    who = (source.name, device.name)
    position = message.position
    times = _times(source, position)
    if isinstance(times, Fault):
        return Decoded([], [Rejection(times.reason, times.detail, 0, *who)])
    sequence = times.sent_us // 1_000 if times.is_replayed and times.sent_us != NO_TIME_US else 0
    made = make(KIND, who, times, _said(position, named, every), sequence=sequence)
    if isinstance(made, Fault):
        return Decoded([], [Rejection(made.reason, made.detail, 0, *who)])
    return Decoded([made], [])


def _said(
    position: _Position, named: _Attributes, every: Mapping[str, msgspec.Raw]
) -> Mapping[str, float | str | None]:
    speed = position.speed
    quality = _SUSPICIOUS if position.outdated else None
    return {
        "latitude": position.latitude,
        "longitude": position.longitude,
        "speed_mps": None if speed is None else speed * _METRES_A_MILE / _SECONDS_AN_HOUR,
        "course_deg": position.course,
        "accuracy_m": position.accuracy or None,
        "quality": _REJECTED if position.valid is False else quality,
        "ignition": named.ignition,
        "hdop": named.hdop,
        "satellites": named.sat,
        "inputs": _inputs(every),
    }


def _inputs(every: Mapping[str, msgspec.Raw]) -> int | None:
    """Read the digital inputs as bits; None where none is said."""
    whole = bytes(every.get("input", b""))
    if whole.isdigit():
        # Longer than any number of inputs; the range of the quantity refuses it.
        return int(whole[:20])
    for prefix in ("in", "io"):
        numbered = [(n, _BITS.get(bytes(every.get(f"{prefix}{n}", b"")))) for n in range(1, _INPUTS_MAX + 1)]
        said = [bit << (n - 1) for n, bit in numbered if bit is not None]
        if said:
            return sum(said)
    return None


def _times(source: Source, position: _Position) -> Times | Fault:
    named = {"fixTime": position.fix_time, "deviceTime": position.device_time, "serverTime": position.server_time}
    read: list[int] = []
    is_doubtful = False
    for name, said in named.items():
        if isinstance(said, int):
            read.append(said * 1_000)
            continue
        if said is not None and said.tzinfo is None and source.zone is None:
            return Fault(Reason.READING_MALFORMED, f"{name} has no offset, and {source.name} no time zone")
        instant_us, is_of_twice = microseconds(said, source.zone)
        read.append(instant_us)
        is_doubtful |= is_of_twice
    device_us, sent_us, network_us = read
    return Times(device_us, network_us, sent_us, is_doubtful, is_replayed=bool(position.outdated))
