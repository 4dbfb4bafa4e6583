"""Locations of the OwnTracks apps, on topics `owntracks/{user}/{device}`.

Of a location are used::

    {"_type": "location", "tst": 1788657002, "created_at": 1788657004, "lat": -33.42871, "lon": -70.6521, "acc": 6,
     "vel": 8, "cog": 184}

`tst` is the observation and `created_at` the sending, both in seconds since 1970 by the phone's clock; there is no
network's. Speed comes in km/h. A phone's battery (`batt`) says nothing of a position and is left out; so is what
names or describes a person or a place. Messages of other types are refused, with the type as the detail.

The topic's second level is a person's name: it is not read, and stands in no reading and no rejection. The device is
the third level, so two users whose devices have one name would be one device: name each its own.
"""

from typing import Annotated

import msgspec

from sensors.kinds.position_fix import KIND
from sensors.making import Fault, Times, device_of, make, refused
from sensors.readings import NO_TIME_US, Decoded, Reason, Rejection
from sensors.sources import Device, Source
from sensors.topics import is_part, normal_device

_LOCATION = "location"
_TYPE_CHARACTERS_MAX = 32
_ROOT, _LEVELS = "owntracks", 3
# Of the year 9999; also keeps microseconds within 64 bits. [s since 1970]
_TIME_MAX_S = 253_402_300_799
_METRES_A_KILOMETRE, _SECONDS_AN_HOUR = 1_000, 3_600

_Seconds = Annotated[int, msgspec.Meta(ge=0, le=_TIME_MAX_S)] | None


class _Typed(msgspec.Struct):
    type: str = msgspec.field(name="_type", default="")


class _Location(msgspec.Struct):
    tst: _Seconds = None
    created_at: _Seconds = None
    lat: float | None = None
    lon: float | None = None
    acc: float | None = None
    vel: float | None = None
    cog: float | None = None


_type_decoder = msgspec.json.Decoder(_Typed)
_location_decoder = msgspec.json.Decoder(_Location)


def decode(source: Source, topic: str, payload: bytes) -> Decoded:
    """Decode one location; other messages of the apps are refused."""
    levels = topic.split("/")
    # Under any other root the third level could be the person's.
    named = levels[_LEVELS - 1] if levels[0] == _ROOT and len(levels) >= _LEVELS else ""
    device, name = device_of(source, named), normal_device(named)
    who = (source.name, device.name if device else name if is_part(name) else "")
    try:
        said_type = _type_decoder.decode(payload).type
        if said_type != _LOCATION:
            return refused(Reason.PAYLOAD_MALFORMED, f"_type {_shown(said_type)} is not {_LOCATION}", who)
        location = _location_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), who)
    if len(levels) != _LEVELS or levels[0] != _ROOT:
        return refused(Reason.TOPIC_UNKNOWN, "topic is not owntracks/{user}/{device}", who)
    if device is None:
        return refused(Reason.DEVICE_UNKNOWN, "the source declares no such device", who)
    return _decoded(source, device, location)


def _shown(said_type: str) -> str:
    """Name a type as the apps name theirs; anything else could be anything."""
    is_name = said_type.isascii() and said_type.isidentifier() and len(said_type) <= _TYPE_CHARACTERS_MAX
    return said_type if is_name else f"of {len(said_type)} characters"


def _decoded(source: Source, device: Device, location: _Location) -> Decoded:
    vel = location.vel
    said = {
        "latitude": location.lat,
        "longitude": location.lon,
        "accuracy_m": location.acc,
        "speed_mps": None if vel is None else vel * _METRES_A_KILOMETRE / _SECONDS_AN_HOUR,
        "course_deg": location.cog,
    }
    times = Times(device_us=_microseconds(location.tst), sent_us=_microseconds(location.created_at))
    who = (source.name, device.name)
    made = make(KIND, who, times, said)
    if isinstance(made, Fault):
        return Decoded([], [Rejection(made.reason, made.detail, 0, *who)])
    return Decoded([made], [])


def _microseconds(seconds: int | None) -> int:
    return NO_TIME_US if seconds is None else seconds * 1_000_000
