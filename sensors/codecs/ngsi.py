"""Waste containers of FIWARE context brokers: entities of type `WasteContainer`, alone, in a list, in a notification.

An entity comes as key-values, or normalized, as NGSI-LD and NGSI v2 write it::

    {"id": "urn:ngsi-ld:WasteContainer:VP-03:bin-0417", "type": "WasteContainer", "fillingLevel": 0.675,
     "temperature": 19.5, "binLoggedTime": "2026-09-05T22:14:03Z"}

    {"id": ..., "type": ...,
     "fillingLevel": {"type": "Property", "value": 0.675, "observedAt": "2026-09-05T22:14:03Z"}}

Several stand in a list, or under `data` of a notification; each is judged by itself.

The device is the entity's id in small letters, of `urn:ngsi-ld:TYPE:` what follows; a colon, which no device's name
has, becomes a dot: `vp-03.bin-0417`. Under that name a source declares it.

`fillingLevel` is a share, 0 to 1. One above 3 is a percentage written by mistake, and out of range like any other
such number; one that looks like a share is taken for one. A `unitCode` that says another unit is refused. Thresholds,
which the same model has in percent, are not read.

The time of the observation is the first that is said of: `observedAt` of the filling level; `TimeInstant` among its
metadata; `binLoggedTime`, `dateLastReading` and `TimeInstant` of the entity. Where none is, `dateModified` rules, as
the network's time: it is the broker's, of the last change of anything. A temperature with an `observedAt` of its own,
other than the level's, is of another moment and left out.
"""

import re
from collections.abc import Mapping

import msgspec

from sensors.codecs.native import READINGS_MAX
from sensors.codecs.sensorthings import instant_of
from sensors.kinds.fill_level import KIND
from sensors.making import DETAIL_MAX, Fault, Times, device_of, make, refused
from sensors.readings import NO_TIME_US, Decoded, Reading, Reason, Rejection
from sensors.sources import Source
from sensors.topics import is_part, normal_device

_TYPE = "WasteContainer"
_LEVEL, _TEMPERATURE = "fillingLevel", "temperature"
_URN = re.compile(r"urn:ngsi-ld:[^:]+:(.+)", re.DOTALL | re.IGNORECASE)
# Of the observation, in the order in which they are asked; then the broker's own.
_OBSERVED, _MODIFIED = ("binLoggedTime", "dateLastReading", "TimeInstant"), "dateModified"
# UN/CEFACT codes: one, and degrees Celsius.
_UNITS = {_LEVEL: "C62", _TEMPERATURE: "CEL"}
_NOTHING = msgspec.Raw(b"null")
_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Message(msgspec.Struct):
    data: msgspec.Raw = _NOTHING


class _Named(msgspec.Struct):
    id: str
    type: str | list[str] = ""


class _Property(msgspec.Struct, rename="camel"):
    """A value with what is said of it; `value` as NGSI writes it, `@value` as JSON-LD does."""

    value: msgspec.Raw = _NOTHING
    literal: msgspec.Raw = msgspec.field(name="@value", default=_NOTHING)
    observed_at: str | None = None
    unit_code: str | None = None
    metadata: dict[str, msgspec.Raw] | None = None


_message_decoder = msgspec.json.Decoder(_Message)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_named_decoder = msgspec.json.Decoder(_Named)
_entity_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_property_decoder = msgspec.json.Decoder(_Property)
_number_decoder = msgspec.json.Decoder(float | None)
_text_decoder = msgspec.json.Decoder(str | None)


def decode(source: Source, _topic: str, payload: bytes) -> Decoded:
    """Decode one entity or several; a bad one leaves its neighbours alone."""
    who = (source.name, "")
    try:
        entities = _entities(payload)
    except _MALFORMED as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), who)
    if not entities:
        return refused(Reason.PAYLOAD_MALFORMED, "there is no entity in it", who)
    if len(entities) > READINGS_MAX:
        return refused(Reason.TOO_MANY_READINGS, f"{len(entities)} entities exceed {READINGS_MAX}", who)
    decoded = Decoded([], [])
    for index, entity in enumerate(entities):
        made, device = _judged(source, entity)
        if isinstance(made, Fault):
            decoded.rejections.append(Rejection(made.reason, made.detail[:DETAIL_MAX], index, source.name, device))
        else:
            decoded.readings.append(made)
    return decoded


def _entities(payload: bytes) -> list[msgspec.Raw]:
    if payload.lstrip()[:1] == b"[":
        return _list_decoder.decode(payload)
    data = _message_decoder.decode(payload).data
    # An entity may have an attribute of that name, which is no list.
    return _list_decoder.decode(data) if bytes(data)[:1] == b"[" else [msgspec.Raw(payload)]


def _judged(source: Source, entity: msgspec.Raw) -> tuple[Reading | Fault, str]:
    """Make an entity's reading, or say why there is none; and the name of its device, where it has one."""
    try:
        named, attributes = _named_decoder.decode(entity), _entity_decoder.decode(entity)
    except _MALFORMED as error:
        return Fault(Reason.READING_MALFORMED, str(error)), ""
    types = [named.type] if isinstance(named.type, str) else named.type
    if not any(re.split(r"[#/]", one)[-1] == _TYPE for one in types):
        return Fault(Reason.KIND_UNKNOWN, f"type {', '.join(types)!r} is not {_TYPE}"), ""
    name = normal_device(_device_name(named.id))
    device = device_of(source, name)
    if device is None:
        return Fault(Reason.DEVICE_UNKNOWN, "the source declares no such device"), name if is_part(name) else ""
    try:
        return _reading((source, device.name), attributes), device.name
    except _MALFORMED as error:
        return Fault(Reason.READING_MALFORMED, str(error)), device.name


def _device_name(entity_id: str) -> str:
    urn = _URN.fullmatch(entity_id.strip())
    return (urn.group(1) if urn else entity_id).replace(":", ".")


def _reading(who: tuple[Source, str], attributes: Mapping[str, msgspec.Raw]) -> Reading | Fault:
    source, device = who
    level, temperature = (_property(attributes.get(name, _NOTHING)) for name in (_LEVEL, _TEMPERATURE))
    said: dict[str, float | str | None] = {}
    for name, one, said_name in ((_LEVEL, level, "fill_ratio"), (_TEMPERATURE, temperature, "temperature_degc")):
        if one.unit_code not in (None, _UNITS[name]):
            return Fault(Reason.READING_MALFORMED, f"{name} has unitCode {one.unit_code!r}, not {_UNITS[name]}")
        try:
            said[said_name] = _number_decoder.decode(one.value)
        except msgspec.DecodeError:
            return Fault(Reason.READING_MALFORMED, f"{name} is no number")
    if temperature.observed_at not in (None, level.observed_at):
        said["temperature_degc"] = None
    times = _times(source, level, attributes)
    return times if isinstance(times, Fault) else make(KIND, (source.name, device), times, said)


def _times(source: Source, level: _Property, attributes: Mapping[str, msgspec.Raw]) -> Times | Fault:
    metadata = (level.metadata or {}).get("TimeInstant", _NOTHING)
    told: list[tuple[str, str | None]] = [
        (f"{_LEVEL}.observedAt", level.observed_at),
        (f"{_LEVEL}.metadata.TimeInstant", _text(metadata)),
        *((name, _text(attributes.get(name, _NOTHING))) for name in (*_OBSERVED, _MODIFIED)),
    ]
    name, text = next((one for one in told if one[1] is not None), ("", None))
    read = instant_of(source, name, text)
    if isinstance(read, Fault):
        return read
    instant_us, is_doubtful = read
    if name == _MODIFIED:
        return Times(NO_TIME_US, instant_us, is_doubtful=is_doubtful)
    return Times(instant_us, is_doubtful=is_doubtful)


def _property(said: msgspec.Raw) -> _Property:
    """Read an attribute in any of its forms; a bare value is one of which nothing else is said."""
    if bytes(said)[:1] != b"{":
        return _Property(said)
    found = _property_decoder.decode(said)
    return found if bytes(found.literal) == bytes(_NOTHING) else _Property(found.literal)


def _text(said: msgspec.Raw) -> str | None:
    """Read text, as the value of a property, as JSON-LD's typed value, or both."""
    return _text_decoder.decode(_property(_property(said).value).value)
