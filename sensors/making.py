"""Making readings of what was said: ranges, event time, the look at the clock; the same for every format.

A codec says *what* stands in a message; this module says whether that is a reading. Nothing is clamped, rounded to
anything but the unit in which it is kept, or taken from our own clock.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

from sensors.quantities import Quantity
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
    content_digest,
)
from sensors.sources import Device, Source
from sensors.topics import is_part, normal_device

# An error's text may name a field of any length: its beginning tells what went wrong.
DETAIL_MAX = 200
# 1 January 2000 and 2100: no device of this field was there before, and none of today's will be after.
SET_MIN_US, SET_MAX_US = 946_684_800_000_000, 4_102_444_800_000_000
# GPS counts weeks in ten bits. [us]
ROLLOVER_US = 1_024 * 7 * 86_400 * 1_000_000
_DAY_US = 86_400 * 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Times:
    """When, by whose clock.

    Parameters
    ----------
    device_us, network_us, sent_us : int
        The device's clock at the observation, the network's at reception, the device's at sending; `NO_TIME_US`
        where not said. [us since 1970, UTC]
    is_doubtful : bool
        Whether the device's time is a local one of the hour that comes twice.
    is_replayed : bool
        Whether several observations of the message are stamped with this one instant.
    """

    device_us: int = NO_TIME_US
    network_us: int = NO_TIME_US
    sent_us: int = NO_TIME_US
    is_doubtful: bool = False
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no reading."""

    reason: Reason
    detail: str


def make(
    kind: Kind,
    who: tuple[str, str],
    times: Times,
    said: Mapping[str, float | str | None],
    *,
    sequence: int = 0,
) -> Reading | Fault:
    """Make a reading of what a format said.

    Parameters
    ----------
    kind : Kind
    who : tuple of str
        Source, and device in normal form.
    times : Times
    said : mapping
        By the names used in messages (`distance_mm`, `battery_v`), in their units; None for not said.
    sequence : int
        The device's own counter, 0 where it has none.
    """
    values = stored_values(kind.quantities, [said.get(quantity.said) for quantity in kind.quantities])
    if isinstance(values, Fault):
        return values
    words = checked_words(kind, [said.get(word.said) for word in kind.words])
    if isinstance(words, Fault):
        return words
    return of_values(kind, who, times, (values, words), sequence=sequence)


def of_values(
    kind: Kind,
    who: tuple[str, str],
    times: Times,
    content: tuple[tuple[int, ...], tuple[str, ...]],
    *,
    sequence: int,
) -> Reading | Fault:
    """Make a reading of stored values and words that are in their ranges."""
    values, words = content
    for group in _places(kind):
        if not any(words[place] if is_word else values[place] != NOT_SAID for is_word, place in group):
            said = [(kind.words if is_word else kind.quantities)[place].said for is_word, place in group]
            return Fault(Reason.VALUE_MISSING, f"{' or '.join(said)} is not said")
    event_us, source = times.device_us, EventTimeSource.DEVICE
    if event_us == NO_TIME_US:
        event_us, source = times.network_us, EventTimeSource.NETWORK
    if event_us == NO_TIME_US:
        digest = receipt(who, kind, content_digest(values, Clock.UNCHECKED, words), sequence)
        times_said = (NO_TIME_US, NO_TIME_US, times.sent_us)
        return Reading(kind, *who, 0, EventTimeSource.RECEIPT, digest, *times_said, Clock.UNSET, values, words)
    if not EVENT_TIME_MIN_US <= event_us < EVENT_TIME_MAX_US:
        return Fault(Reason.TIME_OUT_OF_RANGE, f"event time {event_us} us is outside 1970 to 2106")
    transport = (times.device_us, times.network_us, times.sent_us)
    return Reading(kind, *who, event_us, source, sequence, *transport, look_at_clock(times, event_us), values, words)


def receipt(who: tuple[str, str], kind: Kind, content: bytes, sequence: int) -> int:
    """Number a reading without a time by what it says, so that it is found again when it comes again: 63 bits."""
    said = "\0".join((*who, kind.name, str(sequence))).encode() + content
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "little") >> 1


def look_at_clock(times: Times, event_us: int) -> Clock:
    """Hold the device's clock against what is possible, and against the network's. It is flagged, never altered.

    Only what the message itself says is looked at, never when we received it: the same message must say the same
    whenever it comes.
    """
    if times.is_replayed:
        return Clock.REPLAYED
    if times.is_doubtful:
        return Clock.DISAGREES
    if times.device_us != NO_TIME_US and not SET_MIN_US <= event_us < SET_MAX_US:
        return Clock.UNSET
    network_us, sent_us = times.network_us, times.sent_us
    if network_us == NO_TIME_US:
        return Clock.UNCHECKED
    behind_us = network_us - event_us
    if any(abs(behind_us - weeks * ROLLOVER_US) <= _DAY_US for weeks in (1, 2)):
        return Clock.ROLLED_OVER
    if behind_us < -CLOCK_TOLERANCE_US:
        return Clock.DISAGREES  # observed after it was received
    if sent_us == NO_TIME_US:
        return Clock.UNCHECKED
    return Clock.AGREES if abs(sent_us - network_us) <= CLOCK_TOLERANCE_US else Clock.DISAGREES


def stored_values(quantities: Sequence[Quantity], said: Sequence[float | str | None]) -> tuple[int, ...] | Fault:
    """Turn numbers in the units of messages into stored ones, or say which is no number of its quantity."""
    values: list[int] = []
    for quantity, value in zip(quantities, said, strict=True):
        if value is None:
            values.append(NOT_SAID)
            continue
        if isinstance(value, str):
            return Fault(Reason.READING_MALFORMED, f"{quantity.said} is text, not a number")
        # Only what was not said may become the sentinel; 1e308 in a finer unit is infinite, which has no integer.
        scaled = value * quantity.scale
        stored = round(scaled) if math.isfinite(scaled) else quantity.maximum + 1
        if not quantity.minimum <= stored <= quantity.maximum:
            limits = f"{quantity.minimum / quantity.scale:g} to {quantity.maximum / quantity.scale:g}"
            return Fault(Reason.VALUE_OUT_OF_RANGE, f"{quantity.said} {value:g} is outside {limits} {quantity.unit}")
        values.append(stored)
    return tuple(values)


def checked_words(kind: Kind, said: Sequence[float | str | None]) -> tuple[str, ...] | Fault:
    """Check text against its patterns, or say which does not fulfil its own; the text itself is not repeated."""
    for (word, pattern), value in zip(_patterns(kind), said, strict=True):
        if value is not None and not isinstance(value, str):
            return Fault(Reason.READING_MALFORMED, f"{word} is a number, not text")
        if value is not None and not pattern.fullmatch(value):
            detail = f"{word}, {len(value)} characters, does not match {pattern.pattern}"
            return Fault(Reason.VALUE_OUT_OF_RANGE, detail)
    return tuple(str(value) if value else "" for value in said)


def refused(reason: Reason, detail: str, who: tuple[str, str] = ("", "")) -> Decoded:
    """Refuse a whole message."""
    return Decoded([], [Rejection(reason, detail[:DETAIL_MAX], -1, *who)])


def device_of(source: Source, said: str) -> Device | None:
    """Find the device that a source means by a name; `None` where it is not one that may be stored."""
    # Lower case of other scripts would make one device's name of another's (the Kelvin sign is a k).
    if not said.isascii():
        return None
    name = normal_device(said)
    known = source.devices.get(name)
    if known is not None:
        return known if known.codec else Device(known.name, source.codec)
    return Device(name, source.codec) if not source.is_closed and is_part(name) else None


def microseconds(instant: datetime | None, zone: tzinfo | None = None) -> tuple[int, bool]:
    """Turn an instant into microseconds since 1970, and say whether it is doubtful: of the hour that comes twice.

    Parameters
    ----------
    instant : datetime, optional
        `NO_TIME_US` comes of None, and of a local time where no zone is declared.
    zone : tzinfo, optional
        Of local times.
    """
    if instant is None or (instant.tzinfo is None and zone is None):
        return NO_TIME_US, False
    is_doubtful = False
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone)
        is_doubtful = instant.utcoffset() != instant.replace(fold=1).utcoffset()
    return (instant - _EPOCH) // _MICROSECOND, is_doubtful


@cache
def _patterns(kind: Kind) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((word.said, re.compile(word.pattern)) for word in kind.words)


@cache
def _places(kind: Kind) -> tuple[tuple[tuple[bool, int], ...], ...]:
    """Places, among words or quantities, of each group of which one must be said."""
    numbers = [quantity.name for quantity in kind.quantities]
    words = [word.name for word in kind.words]
    return tuple(
        tuple((name in words, words.index(name) if name in words else numbers.index(name)) for name in group)
        for group in kind.needs
    )
