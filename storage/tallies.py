"""How many readings of which device in which UTC hour: the counts of a batch, as arrays."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storage.instants import HOUR_US

# As one number each, device and hour are counted in one sort: hours until 2106 are below 2^21, ids far below 2^40.
_HOUR_BITS = 21


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by device and hour, each key once. Shape (n,) each.

    Parameters
    ----------
    key : ndarray of int64
        Device's number and hour's number since 1970, in one.
    n : ndarray of int64
        May be nought, of an hour that was touched and where nothing is to be counted.
    """

    key: NDArray[np.int64]
    n: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def device_id(self) -> NDArray[np.int64]:
        """Numbers of the devices. Shape (n,)."""
        return self.key >> _HOUR_BITS

    @property
    def hour(self) -> NDArray[np.int64]:
        """Numbers of the hours. Shape (n,)."""
        return self.key & (2**_HOUR_BITS - 1)

    @property
    def total(self) -> int:
        """All together."""
        return int(self.n.sum())

    def plus(self, other: "Tally") -> "Tally":
        """Add counts."""
        if not len(other):
            return self
        key, place = np.unique(np.concatenate((self.key, other.key)), return_inverse=True)
        n = np.zeros(len(key), np.int64)
        np.add.at(n, place, np.concatenate((self.n, other.n)))
        return Tally(key, n)

    def minus(self, other: "Tally") -> "Tally":
        """Take counts away; a nought stays."""
        return self.plus(Tally(other.key, -other.n))

    def without_noughts(self) -> "Tally":
        """Leave out what was not counted at all."""
        return Tally(self.key[self.n != 0], self.n[self.n != 0])


def tally(device_id: NDArray[np.int64], time_us: NDArray[np.int64]) -> Tally:
    """Count readings by device and hour."""
    key, n = np.unique(device_id << _HOUR_BITS | time_us // HOUR_US, return_counts=True)
    return Tally(key, n.astype(np.int64))


def tally_of(rows: Iterable[tuple[int, int, int]]) -> Tally:
    """Take rows of device, hour and count; a device's hour may come several times."""
    table = np.array(list(rows), np.int64).reshape(-1, 3)
    return EMPTY.plus(Tally(table[:, 0] << _HOUR_BITS | table[:, 1], table[:, 2]))


EMPTY = Tally(np.empty(0, np.int64), np.empty(0, np.int64))
