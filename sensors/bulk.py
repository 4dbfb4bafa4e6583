"""Many clean native messages of one kind at once, straight into columns.

Nothing is decided here: a message that is not clean in every respect (see `read`) is left to `sensors.codecs.native`,
which says what is wrong with it. So this file may leave too much, never take what the codec would not take; the tests
hold both against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from sensors.arrivals import Arrivals, digests, joined
from sensors.codecs import native
from sensors.making import ROLLOVER_US, SET_MAX_US, SET_MIN_US
from sensors.readings import CLOCK_TOLERANCE_US, NO_TIME_US, NOT_SAID, Clock, EventTimeSource, Kind

_DAY_US = 86_400 * 1_000_000
# Up to here a double of seconds still tells microseconds apart (February 2106). [s]
_EXACT_MAX_S = 2.0**32
# Instants in microseconds, and which of them are too far off to be exact. Shape (n,) each.
_Times: TypeAlias = tuple[NDArray[np.int64], NDArray[np.bool_]]
# Messages' places, shape (n,), and what they say.
_Said: TypeAlias = tuple[NDArray[np.int64], list[Any]]
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Read:
    """What could be read.

    Parameters
    ----------
    arrivals : Arrivals
        `device` and `received_us` are nought: who sent a message, and when, its bytes do not say.
    message : ndarray of int64
        Place of each reading's message. Shape (n,).
    left : list of int
        Places of the messages that were left.
    """

    arrivals: Arrivals
    message: NDArray[np.int64]
    left: list[int]


@cache
def _decoders(kind: Kind) -> tuple[Any, Any]:
    """Make decoders of a message that is one reading, and of one that holds several."""
    single, element = native.fields(kind, version=Literal[1], unsaid=0)
    one = msgspec.defstruct(kind.name, [*element, *single], forbid_unknown_fields=True, gc=False)
    reading = msgspec.defstruct(kind.name, element, forbid_unknown_fields=True, gc=False)
    readings: tuple[str, Any, Any] = ("readings", list[reading], [])
    several = msgspec.defstruct(kind.name, [readings, *single], forbid_unknown_fields=True)
    return msgspec.json.Decoder(one), msgspec.json.Decoder(several)


def read(kind: Kind, payloads: Sequence[bytes]) -> Read:
    """Read the clean ones among native messages of one kind.

    Clean is a message of a kind without words, of version 1, whose readings all say their own time, between 2000 and
    2100, no two of them the same; whose numbers are in their ranges, and that says what its kind must say.

    Parameters
    ----------
    kind : Kind
    payloads : sequence of bytes

    Notes
    -----
    Some 3 us a message of one reading, 1 us a reading of an array.
    """
    if kind.words:
        return Read(_nothing(kind), np.empty(0, np.int64), list(range(len(payloads))))
    singles, arrays, left = _decoded(kind, payloads)
    parts = [part for part in (_of_singles(kind, singles), _of_arrays(kind, arrays)) if part is not None]
    if not parts:
        return Read(_nothing(kind), np.empty(0, np.int64), left)
    arrivals, message = joined([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    is_bad = np.concatenate([part[2] for part in parts])
    if not is_bad.any():
        return Read(arrivals, message, left)
    # One reading that is not clean leaves its whole message: the codec judges each of them.
    bad = np.unique(message[is_bad])
    kept = ~np.isin(message, bad)
    return Read(arrivals.rows(kept), message[kept], sorted([*left, *bad.tolist()]))


def _decoded(kind: Kind, payloads: Sequence[bytes]) -> tuple[_Said, _Said, list[int]]:
    """Decode to structs: messages of one reading, of several, each with its place; and those that do not."""
    one, several = (decoder.decode for decoder in _decoders(kind))
    singles: list[Any] = []
    others: list[int] = []
    rest = iter(payloads)
    while True:
        # What was decoded before an error stays in the list, and the iterator is past the message that made it.
        try:
            singles.extend(map(one, rest))
            break
        except _UNREADABLE:
            others.append(len(singles) + len(others))
    arrays: list[Any] = []
    places: list[int] = []
    left: list[int] = []
    for place in others:
        try:
            said = several(payloads[place]) if b'"readings"' in payloads[place] else None
        except _UNREADABLE:
            said = None
        if said is not None and 0 < len(said.readings) <= native.READINGS_MAX:
            places.append(place)
            arrays.append(said)
        else:
            left.append(place)
    whole = np.delete(np.arange(len(payloads)), others) if others else np.arange(len(payloads))
    return (whole, singles), (np.array(places, np.int64), arrays), left


_Part: TypeAlias = tuple[Arrivals, NDArray[np.int64], NDArray[np.bool_]]


def _of_singles(kind: Kind, decoded: _Said) -> _Part | None:
    """Lay messages of one reading into columns; with the place of each, and whether it is not clean."""
    message, said = decoded
    if not said:
        return None
    *fields, version, sent, network = zip(*map(msgspec.structs.astuple, said), strict=True)
    return _laid(kind, fields, message, (np.array(version), _times(sent), _times(network)))


def _of_arrays(kind: Kind, decoded: _Said) -> _Part | None:
    """Do the same with messages of several readings."""
    places, said = decoded
    if not said:
        return None
    astuple = msgspec.structs.astuple
    several, version, sent, network = zip(*map(astuple, said), strict=True)
    owner = np.repeat(np.arange(len(said)), [len(readings) for readings in several])
    fields = list(zip(*map(astuple, chain.from_iterable(several)), strict=True))
    message = places[owner]
    (sent_us, is_far), (network_us, is_further) = _times(sent), _times(network)
    around = (np.array(version)[owner], (sent_us[owner], is_far[owner]), (network_us[owner], is_further[owner]))
    arrivals, message, is_bad = _laid(kind, fields, message, around)
    return arrivals, message, is_bad | _is_stamped_again(owner, arrivals.event_time_us)


def _laid(
    kind: Kind,
    fields: Sequence[tuple[Any, ...]],
    message: NDArray[np.int64],
    around: tuple[NDArray[np.int64], _Times, _Times],
) -> _Part:
    """Lay readings into columns, and say which are not clean."""
    version, (sent_us, is_far), (network_us, is_further) = around
    time_us, is_bad = _times(fields[0])
    is_bad |= (time_us < SET_MIN_US) | (time_us >= SET_MAX_US)
    values, is_beyond = _values(kind, fields[2:])
    is_bad |= is_beyond | (version != native.VERSION) | is_far | is_further
    nought = np.zeros(len(message), np.int64)
    clock = _clocks(time_us, network_us, sent_us)
    arrivals = Arrivals(
        kind,
        nought,
        time_us,
        np.full(len(message), EventTimeSource.DEVICE, np.int16),
        np.array(fields[1], np.int64),
        time_us,
        network_us,
        sent_us,
        nought,
        clock,
        values,
        digests(values, clock),
    )
    return arrivals, message, is_bad


def _times(said: Sequence[datetime | None]) -> _Times:
    """Turn instants into microseconds, and say which are too far off to be exact; None is no time, which is exact."""
    unsaid = said.count(None)
    if unsaid == len(said):
        return np.full(len(said), NO_TIME_US, np.int64), np.zeros(len(said), np.bool_)
    if unsaid:
        seconds = np.array([np.nan if one is None else one.timestamp() for one in said], np.float64)
    else:
        seconds = np.fromiter(map(datetime.timestamp, said), np.float64, len(said))  # pyright: ignore[reportArgumentType]  # none is None
    is_said = ~np.isnan(seconds)
    is_far = is_said & ~((seconds >= 0) & (seconds < _EXACT_MAX_S))
    time_us = np.full(len(seconds), NO_TIME_US, np.int64)
    exact = is_said & ~is_far
    time_us[exact] = np.rint(seconds[exact] * 1e6).astype(np.int64)
    return time_us, is_far


def _values(kind: Kind, columns: Sequence[tuple[float | None, ...]]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Turn numbers into stored ones, and say which readings hold one beyond its range, or not what they must."""
    count = len(columns[0])
    values = np.full((len(columns), count), NOT_SAID, np.int32)
    is_bad = np.zeros(count, np.bool_)
    for place, (quantity, column) in enumerate(zip(kind.quantities, columns, strict=True)):
        if column.count(None) == count:
            continue
        said = np.array(column, np.float64)
        with np.errstate(over="ignore"):
            stored = np.rint(said * quantity.scale)
        is_said = ~np.isnan(said)
        is_in = (stored >= quantity.minimum) & (stored <= quantity.maximum)
        is_bad |= is_said & ~is_in
        values[place, is_in] = stored[is_in].astype(np.int32)
    names = [quantity.name for quantity in kind.quantities]
    for group in kind.needs:
        is_bad |= (values[[names.index(name) for name in group]] == NOT_SAID).all(axis=0)
    return values, is_bad


def _clocks(
    event_us: NDArray[np.int64], network_us: NDArray[np.int64], sent_us: NDArray[np.int64]
) -> NDArray[np.int16]:
    """Do what `sensors.making.look_at_clock` does, for device times between 2000 and 2100."""
    is_heard = network_us != NO_TIME_US
    clock = np.full(len(event_us), Clock.UNCHECKED, np.int16)
    if not is_heard.any():
        return clock
    behind = np.where(is_heard, network_us - np.where(is_heard, event_us, 0), 0)
    is_sent = is_heard & (sent_us != NO_TIME_US)
    off = np.abs(np.where(is_sent, sent_us - np.where(is_sent, network_us, 0), 0))
    clock[is_sent] = np.where(off[is_sent] <= CLOCK_TOLERANCE_US, Clock.AGREES, Clock.DISAGREES)
    clock[is_heard & (behind < -CLOCK_TOLERANCE_US)] = Clock.DISAGREES
    for weeks in (1, 2):
        clock[is_heard & (np.abs(behind - weeks * ROLLOVER_US) <= _DAY_US)] = Clock.ROLLED_OVER
    return clock


def _is_stamped_again(message: NDArray[np.int64], time_us: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which readings have the instant of the one before them in their message, in the order of time."""
    found = np.zeros(len(message), np.bool_)
    order = np.lexsort((time_us, message))
    again = (np.diff(message[order]) == 0) & (np.diff(time_us[order]) == 0)
    found[order[1:][again]] = True
    return found


def _nothing(kind: Kind) -> Arrivals:
    whole, small = np.empty(0, np.int64), np.empty(0, np.int16)
    values = np.empty((len(kind.quantities), 0), np.int32)
    return Arrivals(kind, whole, whole, small, whole, whole, whole, whole, whole, small, values, np.empty(0, "V16"))
