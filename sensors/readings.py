"""Readings: what a kind is, what a reading is, and what can become of a message.

Each kind is declared once, in a file of its own under `sensors/kinds`. From its declaration come the decoder's check,
the table's columns, the COPY layout and the documentation. A reading is kept as its device said it; fill from
distance, and all else that needs an installation, is derived later. Event time comes from the payload or the network,
never from our own clock, and is labelled.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from sensors.quantities import Quantity, Word

# Stored in place of "not said" while a batch is columns: no quantity reaches it.
NOT_SAID = -(2**31)
# The same for instants. [us since 1970]
NO_TIME_US = -(2**63)
# Outside these the clock was never set (before 1970) or has overflowed its 32 bits (February 2106).
EVENT_TIME_MIN_US = 0
EVENT_TIME_MAX_US = 2**32 * 1_000_000
# A device that sends at most this far from the network's time has a clock that can be believed: LoRaWAN class A
# queues and retries take seconds, the clocks of cheap trackers drift by less than a minute a month.
CLOCK_TOLERANCE_US = 120 * 1_000_000


# Networks deliver one frame again within minutes, by another gateway or server; the same counter later is a reset.
REPEAT_US = 600 * 1_000_000


class EventTimeSource(IntEnum):
    """Which clock became the event time."""

    DEVICE = 1
    NETWORK = 2
    RECEIPT = 3  # neither said one: the reading is kept under a digest of what it says, at 1970, and proves nothing


class Clock(IntEnum):
    """Whether the device's clock can be believed. From `DISAGREES` on it can't: the reading proves nothing."""

    UNCHECKED = 0
    AGREES = 1
    DISAGREES = 2  # with the network's
    UNSET = 3  # before 2000 or after 2100: never set, or overflown
    ROLLED_OVER = 4  # 1,024 or 2,048 weeks behind the network's: an old GPS receiver's calendar
    REPLAYED = 5  # several observations of one message stamped with one instant: that of sending

    @property
    def is_wrong(self) -> bool:
        """Whether what the clock says can't be believed."""
        return self >= Clock.DISAGREES


class Outcome(StrEnum):
    """What became of one reading: exactly one of these."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    REDUCED = "reduced"  # a position fix outside its vehicle's collection mask: only a count per hour is kept
    SIMULATED = "simulated"


class Reason(StrEnum):
    """Why a message or a reading was rejected."""

    TOPIC_UNKNOWN = "topic_unknown"
    KIND_UNKNOWN = "kind_unknown"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    PAYLOAD_MALFORMED = "payload_malformed"
    VERSION_UNKNOWN = "version_unknown"
    TOO_MANY_READINGS = "too_many_readings"
    READING_MALFORMED = "reading_malformed"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    VALUE_MISSING = "value_missing"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    DEVICE_UNKNOWN = "device_unknown"
    FRAME_MALFORMED = "frame_malformed"
    NOT_STORABLE = "not_storable"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of reading.

    Parameters
    ----------
    name : str
        In topics, tables and files.
    quantities : tuple of Quantity
        What it may say, in the order of its columns.
    needs : tuple of tuple of str
        Of each group of names at least one must be said.
    meaning : str
        One sentence.
    words : tuple of Word
        What it may say in letters, in the order of its columns, after the quantities.
    """

    name: str
    quantities: tuple[Quantity, ...]
    needs: tuple[tuple[str, ...], ...]
    meaning: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One observation by one device, as said.

    Parameters
    ----------
    kind : Kind
    source, device : str
        Who publishes, and the device in normal form.
    event_time_us : int
        When it was observed. [us since 1970, UTC]
    event_time_source : EventTimeSource
    sequence : int
        The device's own counter, 0 where it has none.
    device_time_us, network_time_us, sent_time_us : int
        The device's clock at the observation, the network's at reception, the device's at sending.
        `NO_TIME_US` where not said. [us since 1970, UTC]
    clock : Clock
    values : tuple of int
        In the order of `kind.quantities`; `NOT_SAID` where not said.
    words : tuple of str
        In the order of `kind.words`; empty where not said.
    """

    kind: Kind
    source: str
    device: str
    event_time_us: int
    event_time_source: EventTimeSource
    sequence: int
    device_time_us: int
    network_time_us: int
    sent_time_us: int
    clock: Clock
    values: tuple[int, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message or one reading of it that could not be accepted.

    Parameters
    ----------
    reason : Reason
    detail : str
        What was wrong, without the payload.
    index : int
        Place of the reading in its message, -1 for the message as a whole.
    source, device : str
        Empty where the topic did not say.
    """

    reason: Reason
    detail: str
    index: int = -1
    source: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one message held.

    Parameters
    ----------
    readings : list of Reading
    rejections : list of Rejection
        Of single readings, or one of the whole message (`index` -1).
    simulated : list of Reading
        Marked as made up by who sent them: counted, never stored.
    """

    readings: list[Reading]
    rejections: list[Rejection]
    simulated: list[Reading] = field(default_factory=list[Reading])

    @property
    def is_message_rejected(self) -> bool:
        """Whether nothing of the message could be read."""
        return any(rejection.index < 0 for rejection in self.rejections)


def content_digest(values: tuple[int, ...], clock: Clock, words: tuple[str, ...] = ()) -> bytes:
    """Digest what a reading says, to tell a duplicate from a conflict.

    The times of transport stay out: a device that sends the same observation again sends a duplicate. A clock
    found wrong goes in: otherwise the first arrival would decide whether the reading proves anything.

    Parameters
    ----------
    values : tuple of int
        In the order of the kind's quantities.
    clock : Clock
    words : tuple of str
        In the order of the kind's words.

    Returns
    -------
    bytes
        16 bytes, BLAKE2b.

    Notes
    -----
    Only what was said goes in, under a mask of the places said, so that a quantity that is declared later changes no
    digest of before. Words that come after the last one said stay out for the same reason.
    """
    said = [value for value in values if value != NOT_SAID]
    mask = sum(1 << place for place, value in enumerate(values) if value != NOT_SAID)
    content = struct.pack(f"<Q{len(said)}iB", mask, *said, clock.is_wrong)
    words = words[: max((place for place, word in enumerate(words, 1) if word), default=0)]
    for word in words:
        letters = word.encode()
        content += struct.pack("<H", len(letters)) + letters
    return hashlib.blake2b(content, digest_size=16).digest()
