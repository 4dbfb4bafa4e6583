"""Readings on their way from the broker to the database, as columns: one object a batch and kind, none a reading."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensors.readings import NOT_SAID, Clock, Kind, Reading, content_digest


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Readings of one kind that arrived together. All arrays have shape (n,) unless said.

    Parameters
    ----------
    kind : Kind
    device : ndarray of int64
        Places in a list of devices that travels beside.
    event_time_us : ndarray of int64
        [us since 1970, UTC]
    event_time_source : ndarray of int16
        See `sensors.readings.EventTimeSource`.
    sequence : ndarray of int64
    device_time_us, network_time_us, sent_time_us : ndarray of int64
        `NO_TIME_US` where not said. [us since 1970, UTC]
    received_us : ndarray of int64
        [us since 1970, UTC]
    clock : ndarray of int16
        See `sensors.readings.Clock`.
    values : ndarray of int32
        Shape (quantities, n); `NOT_SAID` where not said.
    digest : ndarray of V16
        Digest of what each reading says, as `sensors.readings.content_digest` makes it.
    words : tuple of tuple of str
        Of each reading, in the order of the kind's words; empty for a kind without words.
    """

    kind: Kind
    device: NDArray[np.int64]
    event_time_us: NDArray[np.int64]
    event_time_source: NDArray[np.int16]
    sequence: NDArray[np.int64]
    device_time_us: NDArray[np.int64]
    network_time_us: NDArray[np.int64]
    sent_time_us: NDArray[np.int64]
    received_us: NDArray[np.int64]
    clock: NDArray[np.int16]
    values: NDArray[np.int32]
    digest: NDArray[np.void]
    words: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.event_time_us)

    def told(self, device: NDArray[np.int64], received_us: NDArray[np.int64]) -> "Arrivals":
        """The same readings, told who sent them and when they came."""
        return replace(self, device=device, received_us=received_us)

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "Arrivals":
        """Some of the readings, by place or by choice."""
        places = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        columns = {name: getattr(self, name)[places] for name in _COLUMNS}
        words = tuple(self.words[place] for place in places.tolist()) if self.words else ()
        return replace(self, **columns, values=self.values[:, places], words=words)


_COLUMNS = [one.name for one in fields(Arrivals) if one.name not in {"kind", "values", "words"}]
_NUMBERS = [name for name in _COLUMNS if name != "digest"]


def of_readings(kind: Kind, readings: Sequence[tuple[Reading, int]], place_of: Callable[[str, str], int]) -> Arrivals:
    """Lay readings of one kind into columns.

    Parameters
    ----------
    kind : Kind
    readings : sequence of (Reading, int)
        Each with the instant at which its message was received. [us since 1970, UTC]
    place_of : callable
        Gives the place of (source, device) in the list that travels beside.
    """
    numbers = np.array(
        [
            (
                place_of(one.source, one.device),
                one.event_time_us,
                one.event_time_source,
                one.sequence,
                one.device_time_us,
                one.network_time_us,
                one.sent_time_us,
                received_us,
                one.clock,
            )
            for one, received_us in readings
        ],
        np.int64,
    ).reshape(-1, 9)
    values = np.array([one.values for one, _ in readings], np.int32).reshape(len(readings), len(kind.quantities))
    laid: list[NDArray[np.int64]] = [np.ascontiguousarray(column) for column in numbers.T]
    columns: dict[str, NDArray[Any]] = dict(zip(_NUMBERS, laid, strict=True))
    for name in ("event_time_source", "clock"):
        columns[name] = columns[name].astype(np.int16)
    words = tuple(one.words for one, _ in readings) if kind.words else ()
    said = np.ascontiguousarray(values.T)
    return Arrivals(kind, **columns, values=said, digest=digests(said, columns["clock"], words), words=words)


def joined(parts: Sequence[Arrivals]) -> Arrivals:
    """Put readings of one kind behind each other."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    values = np.concatenate([part.values for part in parts], axis=1)
    return replace(parts[0], **columns, values=values, words=tuple(one for part in parts for one in part.words))


def digests(
    values: NDArray[np.int32], clock: NDArray[np.int16], words: Sequence[tuple[str, ...]] = ()
) -> NDArray[np.void]:
    """Digest what each reading says, as `sensors.readings.content_digest` does. Shape (n,) of 16 bytes.

    Parameters
    ----------
    values : ndarray of int32
        Shape (quantities, n).
    clock : ndarray of int16
        Shape (n,).
    words : sequence of tuple of str
        Empty for a kind without words.
    """
    if words:
        rows = zip(values.T.tolist(), clock.tolist(), words, strict=True)
        return _collected(content_digest(tuple(said), Clock(seen), letters) for said, seen, letters in rows)
    is_said = values != NOT_SAID
    # Device by device the same quantities are said: all rows of one pattern are one array.
    mask = (is_said.astype(np.uint64) << np.arange(len(is_said), dtype=np.uint64)[:, None]).sum(
        axis=0, dtype=np.uint64
    )
    found = np.empty(len(clock), "V16")
    for pattern in np.unique(mask).tolist():
        chosen = np.flatnonzero(mask == np.uint64(pattern))
        said = [place for place in range(len(is_said)) if pattern >> place & 1]
        layout = np.dtype([("mask", "<u8"), ("values", "<i4", (len(said),)), ("is_wrong", "u1")])
        rows = np.empty(len(chosen), layout)
        rows["mask"] = pattern
        rows["values"] = values[said][:, chosen].T
        rows["is_wrong"] = clock[chosen] >= Clock.DISAGREES
        found[chosen] = _digested(rows.tobytes(), layout.itemsize)
    return found


def _digested(content: bytes, width: int) -> NDArray[np.void]:
    found: list[bytes] = []
    # A copy of a hash that has seen nothing costs two thirds of a new one.
    fresh = hashlib.blake2b(digest_size=16).copy
    for first in range(0, len(content), width):
        one = fresh()
        one.update(content[first : first + width])
        found.append(one.digest())
    return _collected(found)


def _collected(several: Iterable[bytes]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(several), "V16")
