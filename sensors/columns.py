"""Readings as columns: how many of them travel together, between the database and the rules."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FillLevels:
    """Fill-level readings, sorted by device, event time, sequence and digest.

    All arrays have shape (n,). Conflicting contents of one key stand side by side. `NOT_SAID` where not said.

    Parameters
    ----------
    device_id : ndarray of int64
        The database's number of the device.
    event_time_us : ndarray of int64
        [us since 1970, UTC]
    sequence : ndarray of int64
    clock : ndarray of int16
        See `sensors.readings.Clock`.
    distance_mm, fill_ppm, quality_code : ndarray of int32
        See `sensors.quantities`.
    digest : ndarray of V16
        Digest of what the reading says.
    """

    device_id: NDArray[np.int64]
    event_time_us: NDArray[np.int64]
    sequence: NDArray[np.int64]
    clock: NDArray[np.int16]
    distance_mm: NDArray[np.int32]
    fill_ppm: NDArray[np.int32]
    quality_code: NDArray[np.int32]
    digest: NDArray[np.void]

    def __len__(self) -> int:
        return len(self.event_time_us)

    def of_device(self, device_id: int) -> "FillLevels":
        """Readings of one device."""
        return self.rows(slice(*np.searchsorted(self.device_id, (device_id, device_id + 1))))

    def between(self, first_us: int, until_us: int) -> "FillLevels":
        """Readings of one device in [first, until)."""
        return self.rows(slice(*np.searchsorted(self.event_time_us, (first_us, until_us))))

    def rows(self, chosen: slice) -> "FillLevels":
        """Some of the rows, without a copy."""
        return FillLevels(
            self.device_id[chosen],
            self.event_time_us[chosen],
            self.sequence[chosen],
            self.clock[chosen],
            self.distance_mm[chosen],
            self.fill_ppm[chosen],
            self.quality_code[chosen],
            self.digest[chosen],
        )
