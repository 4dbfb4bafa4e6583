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
What a kind may say beside these comes from its declaration alone: numbers for its quantities, text for its words.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from sensors.quantities import Quantity, Word
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
# An error's text may name a field of any length: its beginning tells what went wrong.
_DETAIL_MAX = 200
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


@dataclass(frozen=True, slots=True)
class _Form:
    """What the declaration of a kind comes to.

    Parameters
    ----------
    kind : Kind
    single, element : msgspec.json.Decoder
        Of a message that is one reading; of one reading among several.
    words : tuple of (Word, re.Pattern)
    needs : tuple of (tuple of int, str)
        Places in what was said of which one must be filled, and their names.
    """

    kind: Kind
    single: msgspec.json.Decoder[Any]
    element: msgspec.json.Decoder[Any]
    words: tuple[tuple[Word, re.Pattern[str]], ...]
    needs: tuple[tuple[tuple[int, ...], str], ...]


@cache
def _form(kind: Kind) -> _Form:
    """Make the decoders of a kind from its declaration."""
    fields: list[tuple[str, Any, Any]] = [("time", _Instant, None), ("sequence", _Counter, 0)]
    fields += [(quantity.said, float | None, None) for quantity in kind.quantities]
    fields += [(word.said, str | None, None) for word in kind.words]
    envelope: list[tuple[str, Any, Any]] = [
        ("v", Literal[1], 1),
        ("sent_time", _Instant, None),
        ("network_time", _Instant, None),
    ]
    declared: list[Quantity | Word] = [*kind.quantities, *kind.words]
    places = {one.name: (place, one.said) for place, one in enumerate(declared, 2)}
    needs = [[places[name] for name in group] for group in kind.needs]
    return _Form(
        kind,
        msgspec.json.Decoder(msgspec.defstruct(kind.name, fields + envelope, forbid_unknown_fields=True)),
        msgspec.json.Decoder(msgspec.defstruct(kind.name, fields, forbid_unknown_fields=True)),
        tuple((word, re.compile(word.pattern)) for word in kind.words),
        tuple((tuple(place for place, _ in group), " or ".join(said for _, said in group)) for group in needs),
    )


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
        return _rejected(topic, Reason.PAYLOAD_MALFORMED, str(error)[:_DETAIL_MAX])
    if head.v != VERSION:
        return _rejected(topic, Reason.VERSION_UNKNOWN, f"version {head.v} is not {VERSION}")
    if head.readings == msgspec.Raw(b""):
        return _decode_elements(topic, kind, [msgspec.Raw(payload)], None)
    try:
        envelope = _envelope_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _rejected(topic, Reason.PAYLOAD_MALFORMED, str(error)[:_DETAIL_MAX])
    if len(envelope.readings) > READINGS_MAX:
        detail = f"{len(envelope.readings)} readings exceed {READINGS_MAX}"
        return _rejected(topic, Reason.TOO_MANY_READINGS, detail)
    return _decode_elements(topic, kind, envelope.readings, envelope)


def _rejected(topic: ReadingTopic, reason: Reason, detail: str) -> Decoded:
    return Decoded([], [Rejection(reason, detail, -1, topic.source, topic.device)])


def _decode_elements(
    topic: ReadingTopic, kind: Kind, elements: Sequence[msgspec.Raw], envelope: _Envelope | None
) -> Decoded:
    form = _form(kind)
    decoder = form.element if envelope else form.single
    is_alone = len(elements) == 1
    decoded = Decoded([], [])
    for index, element in enumerate(elements):
        try:
            said = msgspec.structs.astuple(decoder.decode(element))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            detail = str(error)[:_DETAIL_MAX]
            decoded.rejections.append(Rejection(Reason.READING_MALFORMED, detail, index, topic.source, topic.device))
            continue
        sent, network = (envelope.sent_time, envelope.network_time) if envelope else said[-2:]
        if said[0] is None and not is_alone:
            # The network's time of several would make one instant, and so conflicts, of different observations.
            detail = "time is not said, and network_time stands for the time of a single reading only"
            decoded.rejections.append(Rejection(Reason.TIME_MISSING, detail, index, topic.source, topic.device))
            continue
        reading = _reading(topic, form, said, (_microseconds(sent), _microseconds(network)))
        if isinstance(reading, Reading):
            decoded.readings.append(reading)
        else:
            reason, detail = reading
            decoded.rejections.append(Rejection(reason, detail, index, topic.source, topic.device))
    return decoded


def _reading(
    topic: ReadingTopic, form: _Form, said: tuple[Any, ...], transport: tuple[int, int]
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
    first_word = 2 + len(form.kind.quantities)
    end = first_word + len(form.words)
    values = _values(form.kind.quantities, said[2:first_word])
    if isinstance(values, str):
        return Reason.VALUE_OUT_OF_RANGE, values
    words = _words(form, said[first_word:end]) if form.words else ()
    if isinstance(words, str):
        return Reason.VALUE_OUT_OF_RANGE, words
    for group, names in form.needs:
        for place in group:
            if said[place] is not None:
                break
        else:
            return Reason.VALUE_MISSING, f"{names} is not said"
    return Reading(
        form.kind,
        topic.source,
        topic.device,
        event_us,
        source,
        said[1],
        device_us,
        network_us,
        sent_us,
        _clock(sent_us, network_us, event_us),
        values,
        words,
    )


def _values(quantities: Sequence[Quantity], said: Sequence[float | None]) -> tuple[int, ...] | str:
    """Turn numbers into stored ones, or say which is outside its range."""
    values: list[int] = []
    for quantity, value in zip(quantities, said, strict=True):
        if value is None:
            values.append(NOT_SAID)
            continue
        # Only what was not said may become the sentinel; 1e308 in a finer unit is infinite, which has no integer.
        scaled = value * quantity.scale
        stored = round(scaled) if math.isfinite(scaled) else quantity.maximum + 1
        if not quantity.minimum <= stored <= quantity.maximum:
            limits = f"{quantity.minimum / quantity.scale:g} to {quantity.maximum / quantity.scale:g}"
            return f"{quantity.said} {value:g} is outside {limits} {quantity.unit}"
        values.append(stored)
    return tuple(values)


def _words(form: _Form, said: Sequence[str | None]) -> tuple[str, ...] | str:
    """Check text against its patterns, or say which does not fulfil its own; the text itself is not repeated."""
    for (word, pattern), value in zip(form.words, said, strict=True):
        if value is not None and not pattern.fullmatch(value):
            return f"{word.said}, {len(value)} characters, does not match {word.pattern}"
    return tuple(value or "" for value in said)


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
