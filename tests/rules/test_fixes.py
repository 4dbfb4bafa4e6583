"""Which position fixes prove something."""

from collections.abc import Sequence

import numpy as np
import pytest

from rules.assets import Installation
from rules.events import Source
from rules.fixes import track_of
from sensors.columns import Columns
from sensors.kinds.position_fix import KIND
from sensors.readings import NOT_SAID, Clock

FAR_US = 10**15
TRACKER = Installation("net", "t1", "V-1", 0, FAR_US, None, None, None, "ana", "luis")


def fixes(qualities: Sequence[int], clocks: Sequence[Clock] | None = None) -> Columns:
    """Fixes a second apart from 1 us on, in one place."""
    count = len(qualities)
    numbers = {quantity.name: np.full(count, NOT_SAID, np.int32) for quantity in KIND.quantities}
    numbers["latitude_e7"] = np.full(count, -334_287_100, np.int32)
    numbers["longitude_e7"] = np.full(count, -706_521_000, np.int32)
    numbers["quality_code"] = np.array(qualities, np.int32)
    return Columns(
        KIND,
        np.ones(count, np.int64),
        np.arange(count, dtype=np.int64) * 1_000_000 + 1,
        np.zeros(count, np.int64),
        np.array(clocks or [Clock.AGREES] * count, np.int16),
        numbers,
        {},
        np.array([bytes([place]) * 16 for place in range(count)], "V16"),
    )


def times_s(said: Columns) -> tuple[list[int], list[int]]:
    track = track_of([Source(TRACKER, said)], (0, FAR_US), 5_000)
    return [int(us) // 1_000_000 for us in track.fixes.t_us], [int(us) // 1_000_000 for us in track.excluded_us]


def test_fix_proves_nothing_when_its_receiver_rejects_it() -> None:
    assert ([0, 3, 4, 5], [1, 2]) == times_s(fixes([0, 1, 2, 3, 4, NOT_SAID]))


@pytest.mark.parametrize("clock", [clock for clock in Clock if clock.is_wrong])
def test_fix_proves_nothing_when_its_clock_is_wrong(clock: Clock) -> None:
    assert ([0, 2], [1]) == times_s(fixes([4, 4, 4], [Clock.AGREES, clock, Clock.UNCHECKED]))


def test_rejected_fix_is_no_conflict_when_another_device_was_elsewhere() -> None:
    said = fixes([1, 4])
    said.event_time_us[:] = 7
    said.numbers["latitude_e7"][0] = 0
    track = track_of([Source(TRACKER, said)], (0, FAR_US), 5_000)
    assert ([7], [7], []) == (track.fixes.t_us.tolist(), track.excluded_us.tolist(), track.conflicts_us.tolist())
