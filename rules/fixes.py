"""Position fixes of a vehicle: those that prove something, whether it worked, and where nothing is known.

Derived at assessment from the installations that held at event time. A fix whose clock disagreed with the network's,
that its receiver held for invalid, or that stands in conflict with another of the same instant, proves nothing; it
does tell why a gap is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rules.assets import Asset
from rules.causes import Presence, silence_cause
from rules.events import Source, unwatched
from rules.places import Network, to_local
from rules.records import GapCause
from rules.traversals import Fixes
from sensors.quantities import REJECTED_QUALITY_CODES
from sensors.readings import NOT_SAID

WORKING, IDLE, UNSAID = 1, 0, -1
# Time, latitude, longitude, accuracy, speed, working, whether it proves nothing, device: a row each, for each fix.
_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Track:
    """What a vehicle's fixes say of a span.

    Parameters
    ----------
    fixes : Fixes
        Shape (n,), strictly ascending.
    speed_mmps : ndarray of int32
        As the device says, `NOT_SAID` where it does not. Shape (n,).
    working : ndarray of int8
        `WORKING`, `IDLE`, or `UNSAID` where no input tells. Shape (n,).
    excluded_us : ndarray of int64
        Times of fixes that prove nothing, ascending. [us since 1970, UTC]
    conflicts_us : ndarray of int64
        Those of them that contradict each other, ascending. [us since 1970, UTC]
    """

    fixes: Fixes
    speed_mmps: NDArray[np.int32]
    working: NDArray[np.int8]
    excluded_us: NDArray[np.int64]
    conflicts_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.fixes.t_us)


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which nothing is known of a vehicle.

    Parameters
    ----------
    from_us, until_us : int
        Half open, within what is looked at. [us since 1970, UTC]
    before, after : int
        Place of the fix before and after, -1 where there is none.
    cause : GapCause or None
        None where the vehicle was heard and only its way is in doubt.
    """

    from_us: int
    until_us: int
    before: int
    after: int
    cause: GapCause | None


def track_of(sources: Sequence[Source], span: tuple[int, int], gps_mm: int) -> Track:
    """Read a vehicle's fixes in a span.

    Parameters
    ----------
    sources : sequence of Source
        Its installations and what they said.
    span : tuple of int
        Half open. [us since 1970, UTC]
    gps_mm : int
        Accuracy of a fix that states none. [mm]
    """
    parts = [_part(source, place, span, gps_mm) for place, source in enumerate(sources)]
    rows = np.concatenate([*parts, np.empty((_COLUMNS, 0), np.int64)], axis=1)
    # By time, device, then content: two devices on one vehicle, or two contents of one key, stand side by side.
    if np.any(np.diff(rows[0]) <= 0):
        rows = rows[:, np.lexsort(tuple(rows[column] for column in (6, 5, 4, 3, 2, 1, 7, 0)))]
    is_bad = rows[6] == 1
    excluded_us = rows[0, is_bad]
    if excluded_us.size:
        rows = rows[:, ~is_bad]
    good, conflicts_us = _agreed(rows)
    return Track(
        Fixes(good[0], *(good[place].astype(np.int32) for place in (2, 1, 3))),
        good[4].astype(np.int32),
        good[5].astype(np.int8),
        np.unique(np.concatenate([excluded_us, conflicts_us])),
        conflicts_us,
    )


def _agreed(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keep of each instant what its first device says, unless it contradicts itself; and the times where it does."""
    is_first = np.diff(rows[0], prepend=np.int64(-1)) != 0
    if is_first.all():
        return rows, np.empty(0, np.int64)
    # Two devices of one vehicle differ by their errors: the first one's word counts.
    is_same = ~is_first[1:] & (rows[7, 1:] == rows[7, :-1])
    differs = np.concatenate(([False], is_same & (rows[1:6, 1:] != rows[1:6, :-1]).any(axis=0)))
    is_conflict = np.logical_or.reduceat(differs, np.flatnonzero(is_first))
    first = rows[:, is_first]
    return first[:, ~is_conflict], first[0, is_conflict]


@dataclass(frozen=True, slots=True)
class Seen:
    """A vehicle, what hung in it, and the span that is looked at. Half open. [us since 1970, UTC]."""

    asset: Asset
    sources: tuple[Source, ...]
    span: tuple[int, int]
    presence: Presence


def gaps_of(network: Network | None, track: Track, seen: Seen, limits_us: tuple[int, int]) -> list[Gap]:
    """Find where nothing is known of a vehicle for longer than the terms allow, and why.

    Parameters
    ----------
    network : Network or None
        Whose plane distances are measured on; None where only the longest gap matters.
    track : Track
    seen : Seen
    limits_us : tuple of int
        Fixes further apart than the first say nothing of the way between, unless the vehicle stood; than the second,
        nothing at all. [us]
    """
    every_us, max_gap_us = limits_us
    bare = unwatched(seen.asset, seen.sources, *seen.span)
    edges = sorted({us for each in bare for us in each if seen.span[0] < us < seen.span[1]})
    t_us = track.fixes.t_us
    found: list[Gap] = []
    ends = np.concatenate(([seen.span[0]], t_us, [seen.span[1]]))
    is_silent = np.diff(ends) > max_gap_us
    if network is not None:
        late = np.flatnonzero(np.diff(t_us) > every_us)
        is_silent[1 + late] |= _has_moved(network, track, late)
    for k in np.flatnonzero(is_silent):
        left_us, right_us = int(ends[k]), int(ends[k + 1])
        before, after = int(k) - 1, int(k) if k < len(t_us) else -1
        cuts = [left_us, *(us for us in edges if left_us < us < right_us), right_us]
        for begin_us, end_us in pairwise(cuts):
            if any(since_us <= begin_us < till_us for since_us, till_us in bare):
                cause = GapCause.CITY
            else:
                cause = _cause(track, seen.sources, seen.presence, (begin_us, end_us))
            found.append(Gap(begin_us, end_us, before, after, cause))
    return found


def _has_moved(network: Network, track: Track, fix: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a vehicle was elsewhere at the fix after each of some, whatever the errors. Shape (m,)."""
    pair, fixes = np.stack([fix, fix + 1]).ravel(), track.fixes
    x_mm, y_mm = (one.reshape(2, -1) for one in to_local(network, fixes.lon_e7[pair], fixes.lat_e7[pair]))
    apart_mm = fixes.accuracy_mm[pair].astype(np.int64).reshape(2, -1).sum(axis=0)
    return (x_mm[1] - x_mm[0]) ** 2 + (y_mm[1] - y_mm[0]) ** 2 > apart_mm**2


def _cause(track: Track, sources: Sequence[Source], presence: Presence, span: tuple[int, int]) -> GapCause:
    from_us, until_us = span
    if np.searchsorted(track.conflicts_us, from_us, "right") < np.searchsorted(track.conflicts_us, until_us):
        return GapCause.CONFLICT
    if np.searchsorted(track.excluded_us, from_us, "right") < np.searchsorted(track.excluded_us, until_us):
        return GapCause.DEVICE
    installed = [
        one.installation
        for one in sources
        if one.installation.since_us < until_us and from_us < one.installation.until_us
    ]
    # Of several devices in one vehicle any may tell why.
    told = {silence_cause(presence, one, from_us, until_us) for one in installed} - {GapCause.UNKNOWN}
    return min(told, key=lambda cause: cause.value) if told else GapCause.UNKNOWN


def _part(source: Source, place: int, span: tuple[int, int], gps_mm: int) -> NDArray[np.int64]:
    """Rows of time, latitude, longitude, accuracy, speed, working, whether the row proves nothing, and its device."""
    said, one = source.readings.between(*span), source.installation
    inputs, accuracy_mm = said.numbers["inputs"], said.numbers["accuracy_mm"]
    if one.working_input:
        is_high = (inputs >> (one.working_input - 1)) & 1
        working = np.where(inputs == NOT_SAID, UNSAID, is_high if one.is_working_high else 1 - is_high)
    else:
        working = np.full(len(said), UNSAID)
    columns = (
        said.event_time_us,
        said.numbers["latitude_e7"],
        said.numbers["longitude_e7"],
        np.where(accuracy_mm == NOT_SAID, gps_mm, accuracy_mm),
        said.numbers["speed_mmps"],
        working,
        said.is_doubted | np.isin(said.numbers["quality_code"], REJECTED_QUALITY_CODES),
        np.full(len(said), place),
    )
    return np.stack([column.astype(np.int64) for column in columns])
