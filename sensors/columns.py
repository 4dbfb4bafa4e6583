"""Readings as columns: how many of them travel together, between the database and the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sensors.readings import Clock, Kind


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings of one kind, sorted by device, event time, sequence and digest.

    All arrays have shape (n,). Conflicting contents of one key stand side by side.

    Parameters
    ----------
    kind : Kind
    device_id : ndarray of int64
        The database's number of the device.
    event_time_us : ndarray of int64
        [us since 1970, UTC]
    sequence : ndarray of int64
    clock : ndarray of int16
        See `sensors.readings.Clock`.
    numbers : mapping of str to ndarray of int32
        By the names of the kind's quantities; `NOT_SAID` where not said.
    words : mapping of str to ndarray of str
        By the names of the kind's words; empty where not said.
    digest : ndarray of V16
        Digest of what the reading says.
    """

    kind: Kind
    device_id: NDArray[np.int64]
    event_time_us: NDArray[np.int64]
    sequence: NDArray[np.int64]
    clock: NDArray[np.int16]
    numbers: Mapping[str, NDArray[np.int32]]
    words: Mapping[str, NDArray[np.str_]]
    digest: NDArray[np.void]

    def __len__(self) -> int:
        return len(self.event_time_us)

    @property
    def is_doubted(self) -> NDArray[np.bool_]:
        """Whether a reading's clock was found wrong, on any arrival of its key.

        A device that sends the same observation again later, when its clock can no more be held against the
        network's, must not take the doubt away.
        """
        wrong = self.clock >= Clock.DISAGREES
        if not wrong.any():
            return wrong
        keys = (self.device_id, self.event_time_us, self.sequence)
        is_first = np.logical_or.reduce([np.diff(key, prepend=key[0] - 1) != 0 for key in keys])
        starts = np.flatnonzero(is_first)
        return np.logical_or.reduceat(wrong, starts)[np.cumsum(is_first) - 1]

    def of_device(self, device_id: int) -> "Columns":
        """Readings of one device."""
        return self.rows(slice(*np.searchsorted(self.device_id, (device_id, device_id + 1))))

    def between(self, first_us: int, until_us: int) -> "Columns":
        """Readings of one device in [first, until)."""
        return self.rows(slice(*np.searchsorted(self.event_time_us, (first_us, until_us))))

    def moved(self, event_time_us: NDArray[np.int64]) -> "Columns":
        """The same readings at other times."""
        return replace(self, event_time_us=event_time_us)

    def rows(self, chosen: slice | NDArray[np.bool_] | NDArray[np.intp]) -> "Columns":
        """Some of the rows; a slice makes no copy."""
        return Columns(
            self.kind,
            self.device_id[chosen],
            self.event_time_us[chosen],
            self.sequence[chosen],
            self.clock[chosen],
            {name: column[chosen] for name, column in self.numbers.items()},
            {name: column[chosen] for name, column in self.words.items()},
            self.digest[chosen],
        )


def nothing(kind: Kind) -> Columns:
    """No readings of a kind."""
    whole = np.empty(0, np.int64)
    return Columns(
        kind,
        whole,
        whole,
        whole,
        np.empty(0, np.int16),
        {quantity.name: np.empty(0, np.int32) for quantity in kind.quantities},
        {word.name: np.empty(0, np.str_) for word in kind.words},
        np.empty(0, "V16"),
    )
