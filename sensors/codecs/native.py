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

`decode` is what decides; it takes one message. `sensors.bulk` reads many clean ones of one kind at once and leaves
every other to it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from sensors.making import DETAIL_MAX, Fault, Times, checked_words, microseconds, of_values, refused, stored_values
from sensors.readings import NO_TIME_US, Decoded, Kind, Reading, Reason, Rejection
from sensors.registry import kinds
from sensors.sources import Source
from sensors.topics import ReadingTopic, parse

# 500 readings of 100 bytes: ten days of half-hourly values after an outage, in one message.
READINGS_MAX = 500
VERSION = 1
# Counters of devices are 16 to 32 bits, some send milliseconds: 53 bits are what every JSON writer keeps exact.
_SEQUENCE_MAX = 2**53

# Name, type, default.
_Field: TypeAlias = tuple[str, Any, Any]
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


def fields(kind: Kind, *, version: object, unsaid: int) -> tuple[list[_Field], list[_Field]]:
    """Give the fields of a message and those of a reading, from the declaration of a kind.

    Parameters
    ----------
    version : type
        What `v` may be.
    unsaid : int
        What `v` is where it is not said.

    Returns
    -------
    tuple of list
        v, sent_time, network_time; and time, sequence, quantities, words.
    """
    reading: list[_Field] = [("time", _Instant, None), ("sequence", _Counter, 0)]
    reading += [(quantity.said, float | None, None) for quantity in kind.quantities]
    reading += [(word.said, str | None, None) for word in kind.words]
    return [("v", version, unsaid), ("sent_time", _Instant, None), ("network_time", _Instant, None)], reading


@cache
def _decoders(kind: Kind) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]:
    """Make the decoders of a message that is one reading, and of one reading among several."""
    message, reading = fields(kind, version=Literal[1], unsaid=VERSION)
    single = msgspec.defstruct(kind.name, [*reading, *message], forbid_unknown_fields=True)
    element = msgspec.defstruct(kind.name, reading, forbid_unknown_fields=True)
    return msgspec.json.Decoder(single), msgspec.json.Decoder(element)


_version_decoder = msgspec.json.Decoder(_Version)
_envelope_decoder = msgspec.json.Decoder(_Envelope)


def decode(_source: Source, topic: str, payload: bytes) -> Decoded:
    """Decode one message; a native topic names its own source.

    Returns
    -------
    Decoded
        Each element is a reading or a rejection; a bad element leaves its neighbours alone.
    """
    parsed = parse(topic)
    if parsed is None:
        return refused(Reason.TOPIC_UNKNOWN, "topic is not poniente/v1/{source}/{device}/{kind}")
    who = (parsed.source, parsed.device)
    kind = kinds().get(parsed.kind)
    if kind is None:
        return refused(Reason.KIND_UNKNOWN, f"kind {parsed.kind!r} is none of {', '.join(kinds())}", who)
    try:
        head = _version_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), who)
    if head.v != VERSION:
        return refused(Reason.VERSION_UNKNOWN, f"version {head.v} is not {VERSION}", who)
    if head.readings == msgspec.Raw(b""):
        return _decode_elements(parsed, kind, [msgspec.Raw(payload)], None)
    try:
        envelope = _envelope_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), who)
    if len(envelope.readings) > READINGS_MAX:
        detail = f"{len(envelope.readings)} readings exceed {READINGS_MAX}"
        return refused(Reason.TOO_MANY_READINGS, detail, who)
    return _decode_elements(parsed, kind, envelope.readings, envelope)


def _decode_elements(
    topic: ReadingTopic, kind: Kind, elements: Sequence[msgspec.Raw], envelope: _Envelope | None
) -> Decoded:
    single, element_decoder = _decoders(kind)
    decoder = element_decoder if envelope else single
    who = (topic.source, topic.device)
    decoded = Decoded([], [])
    said: list[tuple[int, tuple[Any, ...]]] = []
    for index, element in enumerate(elements):
        try:
            said.append((index, msgspec.structs.astuple(decoder.decode(element))))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            decoded.rejections.append(Rejection(Reason.READING_MALFORMED, str(error)[:DETAIL_MAX], index, *who))
    replayed = replayed_times([(one[0], one[1]) for _, one in said])
    for index, one in said:
        sent, network = (envelope.sent_time, envelope.network_time) if envelope else one[-2:]
        times = Times(
            microseconds(one[0])[0],
            # The network's time of several would make one instant, and so conflicts, of different observations.
            NO_TIME_US if one[0] is None and len(elements) > 1 else microseconds(network)[0],
            microseconds(sent)[0],
            is_replayed=one[0] in replayed,
        )
        reading = _reading(kind, who, times, one)
        if isinstance(reading, Reading):
            decoded.readings.append(reading)
        else:
            decoded.rejections.append(Rejection(reading.reason, reading.detail, index, *who))
    decoded.rejections.sort(key=lambda one: one.index)
    return decoded


def replayed_times(said: Sequence[tuple[datetime | None, int]]) -> frozenset[datetime]:
    """Give the times under which one message stamps observations that it numbers differently."""
    if len({at for at, _ in said}) == len(said):
        return frozenset()
    numbers: defaultdict[datetime, set[int]] = defaultdict(set)
    for at, number in said:
        if at is not None:
            numbers[at].add(number)
    return frozenset(at for at, several in numbers.items() if len(several) > 1)


def _reading(kind: Kind, who: tuple[str, str], times: Times, said: tuple[Any, ...]) -> Reading | Fault:
    first_word = 2 + len(kind.quantities)
    values = stored_values(kind.quantities, said[2:first_word])
    if isinstance(values, Fault):
        return values
    words = checked_words(kind, said[first_word : first_word + len(kind.words)])
    if isinstance(words, Fault):
        return words
    return of_values(kind, who, times, (values, words), sequence=said[1])
