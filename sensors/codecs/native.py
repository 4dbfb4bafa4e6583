"""Native JSON, version 1: one reading, or an array of them under `readings`.

One reading::

    {"v": 1, "time": "2026-09-05T22:00:00Z", "sequence": 1532, "distance_mm": 640}

Several, sent together::

    {"v": 1, "sent_time": "2026-09-06T04:00:02Z", "network_time": "2026-09-06T04:00:03Z",
     "readings": [{"time": "2026-09-05T22:00:00Z", "distance_mm": 640}, ...]}

`time` is the device's clock at the observation (phenomenonTime in OGC SensorThings), `sent_time` the same clock
at sending, `network_time` the gateway's at reception. Where both of the latter are said, the device's clock is
held against the network's. Where `time` is missing and `network_time` is said, the network's rules, for a single
reading only. All instants carry an offset. Unknown fields are refused: a misspelt name must not pass in silence.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from sensors.readings import (
    CLOCK_TOLERANCE_US,
    EVENT_TIME_MAX_US,
    EVENT_TIME_MIN_US,
    NO_TIME_US,
    NOT_SAID,
    Clock,
    Decoded,
    EventTimeSource,
    Kind,
    Reading,
    Reason,
    Rejection,
)
from sensors.topics import ReadingTopic

# 500 readings of 100 bytes: ten days of half-hourly values after an outage, in one message.
READINGS_MAX = 500
PAYLOAD_BYTES_MAX = 65_536
VERSION = 1
# Counters of devices are 16 to 32 bits, some send milliseconds: 53 bits are what every JSON writer keeps exact.
_SEQUENCE_MAX = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_Instant = Annotated[datetime, msgspec.Meta(tz=True)] | None
_Counter = Annotated[int, msgspec.Meta(ge=0, le=_SEQUENCE_MAX)]


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    v: Literal[1]
    readings: list[msgspec.Raw]
    sent_time: _Instant = None
    network_time: _Instant = None


class _Version(msgspec.Struct):
    v: int = 0
    readings: msgspec.Raw = msgspec.Raw(b"")


@cache
def _element(kind: Kind, *, single: bool) -> msgspec.json.Decoder[Any]:
    """Make the decoder of one reading from the kind's declaration."""
    fields: list[tuple[str, Any, Any]] = [("time", _Instant, None), ("sequence", _Counter, 0)]
    fields += [(quantity.said, float | None, None) for quantity in kind.quantities]
    if single:
        fields += [("v", Literal[1], 1), ("sent_time", _Instant, None), ("network_time", _Instant, None)]
    return msgspec.json.Decoder(msgspec.defstruct(kind.name, fields, forbid_unknown_fields=True))


_version_decoder = msgspec.json.Decoder(_Version)
_envelope_decoder = msgspec.json.Decoder(_Envelope)


def decode(topic: ReadingTopic, kind: Kind, payload: bytes) -> Decoded:
    """Decode one message.

    Parameters
    ----------
    topic : ReadingTopic
        Names source and device.
    kind : Kind
    payload : bytes
        At most `PAYLOAD_BYTES_MAX` bytes are looked at.

    Returns
    -------
    Decoded
        Each element is a reading or a rejection; a bad element leaves its neighbours alone.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        detail = f"payload of {len(payload)} bytes exceeds {PAYLOAD_BYTES_MAX}"
        return _rejected(topic, Reason.PAYLOAD_TOO_LARGE, detail)
    try:
        head = _version_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _rejected(topic, Reason.PAYLOAD_MALFORMED, str(error))
    if head.v != VERSION:
        return _rejected(topic, Reason.VERSION_UNKNOWN, f"version {head.v} is not {VERSION}")
    if head.readings == msgspec.Raw(b""):
        return _decode_elements(topic, kind, [msgspec.Raw(payload)], None)
    try:
        envelope = _envelope_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _rejected(topic, Reason.PAYLOAD_MALFORMED, str(error))
    if len(envelope.readings) > READINGS_MAX:
        detail = f"{len(envelope.readings)} readings exceed {READINGS_MAX}"
        return _rejected(topic, Reason.TOO_MANY_READINGS, detail)
    return _decode_elements(topic, kind, envelope.readings, envelope)


def _rejected(topic: ReadingTopic, reason: Reason, detail: str) -> Decoded:
    return Decoded([], [Rejection(reason, detail, -1, topic.source, topic.device)])


def _decode_elements(
    topic: ReadingTopic, kind: Kind, elements: Sequence[msgspec.Raw], envelope: _Envelope | None
) -> Decoded:
    decoder = _element(kind, single=envelope is None)
    is_alone = len(elements) == 1
    decoded = Decoded([], [])
    for index, element in enumerate(elements):
        try:
            said = msgspec.structs.astuple(decoder.decode(element))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            detail = str(error)
            decoded.rejections.append(Rejection(Reason.READING_MALFORMED, detail, index, topic.source, topic.device))
            continue
        sent, network = (envelope.sent_time, envelope.network_time) if envelope else said[-2:]
        if said[0] is None and not is_alone:
            # The network's time of several would make one instant, and so conflicts, of different observations.
            detail = "time is not said, and network_time stands for the time of a single reading only"
            decoded.rejections.append(Rejection(Reason.TIME_MISSING, detail, index, topic.source, topic.device))
            continue
        reading = _reading(topic, kind, said, (_microseconds(sent), _microseconds(network)))
        if isinstance(reading, Reading):
            decoded.readings.append(reading)
        else:
            reason, detail = reading
            decoded.rejections.append(Rejection(reason, detail, index, topic.source, topic.device))
    return decoded


def _reading(
    topic: ReadingTopic, kind: Kind, said: tuple[Any, ...], transport: tuple[int, int]
) -> Reading | tuple[Reason, str]:
    """Make a reading of what was said, or say why not."""
    sent_us, network_us = transport
    device_us = _microseconds(said[0])
    event_us, source = (
        (device_us, EventTimeSource.DEVICE) if device_us != NO_TIME_US else (network_us, EventTimeSource.NETWORK)
    )
    if event_us == NO_TIME_US:
        return Reason.TIME_MISSING, "neither time nor network_time is said"
    if not EVENT_TIME_MIN_US <= event_us < EVENT_TIME_MAX_US:
        return Reason.TIME_OUT_OF_RANGE, f"event time {event_us} us is outside 1970 to 2106"
    values: list[int] = []
    for quantity, value in zip(kind.quantities, said[2:], strict=False):
        if value is None:
            values.append(NOT_SAID)
            continue
        # Only what was not said may become the sentinel; 1e308 in a finer unit is infinite, which has no integer.
        scaled = value * quantity.scale
        stored = round(scaled) if math.isfinite(scaled) else quantity.maximum + 1
        if not quantity.minimum <= stored <= quantity.maximum:
            limits = f"{quantity.minimum / quantity.scale:g} to {quantity.maximum / quantity.scale:g}"
            return Reason.VALUE_OUT_OF_RANGE, f"{quantity.said} {value:g} is outside {limits} {quantity.unit}"
        values.append(stored)
    if all(
        stored == NOT_SAID
        for quantity, stored in zip(kind.quantities, values, strict=True)
        if quantity.name in kind.needs_one_of
    ):
        return Reason.VALUE_MISSING, f"none of {', '.join(kind.needs_one_of)} is said"
    return Reading(
        kind,
        topic.source,
        topic.device,
        event_us,
        source,
        said[1],
        device_us,
        network_us,
        sent_us,
        _clock(sent_us, network_us, event_us),
        tuple(values),
    )


def _clock(sent_us: int, network_us: int, event_us: int) -> Clock:
    """Hold the device's clock against the network's."""
    if network_us == NO_TIME_US:
        return Clock.UNCHECKED
    if event_us > network_us + CLOCK_TOLERANCE_US:
        return Clock.DISAGREES  # observed after it was received
    if sent_us == NO_TIME_US:
        return Clock.UNCHECKED
    return Clock.AGREES if abs(sent_us - network_us) <= CLOCK_TOLERANCE_US else Clock.DISAGREES


def _microseconds(instant: datetime | None) -> int:
    return NO_TIME_US if instant is None else (instant - _EPOCH) // _MICROSECOND
