"""Position fixes of a vehicle: those that prove something, whether it worked, and where nothing is known.

Derived at assessment from the installations that held at event time. A fix whose clock disagreed with the network's,
or that stands in conflict with another of the same instant, proves nothing; it does tell why a gap is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rules.assets import Asset
from rules.causes import Presence, silence_cause
from rules.events import Source, unwatched
from rules.records import GapCause
from rules.traversals import Fixes
from sensors.readings import NOT_SAID

WORKING, IDLE, UNSAID = 1, 0, -1


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
    parts = [_part(source, span, gps_mm) for source in sources]
    rows = np.concatenate([*parts, np.empty((0, 7), np.int64)])
    # By time, then content: two devices on one vehicle, or two contents of one key, stand side by side.
    rows = rows[np.lexsort(tuple(rows[:, column] for column in (6, 5, 4, 3, 2, 1, 0)))]
    is_bad = rows[:, 6] == 1
    excluded_us, rows = rows[is_bad, 0], rows[~is_bad]
    starts = np.flatnonzero(np.diff(rows[:, 0], prepend=np.int64(-1)))
    differs = np.zeros(len(rows), np.bool_)
    if len(rows):
        differs[1:] = (rows[1:, 0] == rows[:-1, 0]) & (rows[1:, 1:6] != rows[:-1, 1:6]).any(axis=1)
    is_conflict = np.logical_or.reduceat(differs, starts) if len(rows) else np.zeros(0, np.bool_)
    first = rows[starts]
    good = first[~is_conflict]
    conflicts_us = first[is_conflict, 0]
    return Track(
        Fixes(good[:, 0].copy(), *(good[:, place].astype(np.int32) for place in (2, 1, 3))),
        good[:, 4].astype(np.int32),
        good[:, 5].astype(np.int8),
        np.unique(np.concatenate([excluded_us, conflicts_us])),
        conflicts_us,
    )


def gaps_of(
    track: Track, asset: Asset, sources: Sequence[Source], span: tuple[int, int], presence: Presence, max_gap_us: int
) -> list[Gap]:
    """Find where nothing is known of a vehicle for longer than the terms allow, and why.

    Parameters
    ----------
    track : Track
    asset : Asset
    sources : sequence of Source
    span : tuple of int
        What is looked at. Half open. [us since 1970, UTC]
    presence : Presence
    max_gap_us : int
        Fixes further apart say nothing of the time between. [us]
    """
    first_us, until_us = span
    bare = unwatched(asset, sources, first_us, until_us)
    edges = sorted({us for each in bare for us in each if first_us < us < until_us})
    t_us = track.fixes.t_us
    found: list[Gap] = []
    ends = np.concatenate(([first_us], t_us, [until_us]))
    for k in np.flatnonzero(np.diff(ends) > max_gap_us):
        left_us, right_us = int(ends[k]), int(ends[k + 1])
        before, after = int(k) - 1, int(k) if k < len(t_us) else -1
        cuts = [left_us, *(us for us in edges if left_us < us < right_us), right_us]
        for begin_us, end_us in pairwise(cuts):
            if any(since_us <= begin_us < till_us for since_us, till_us in bare):
                cause = GapCause.CITY
            else:
                cause = _cause(track, sources, presence, (begin_us, end_us))
            found.append(Gap(begin_us, end_us, before, after, cause))
    return found


def _cause(track: Track, sources: Sequence[Source], presence: Presence, span: tuple[int, int]) -> GapCause:
    from_us, until_us = span
    if np.searchsorted(track.conflicts_us, from_us, "right") < np.searchsorted(track.conflicts_us, until_us):
        return GapCause.CONFLICT
    if np.searchsorted(track.excluded_us, from_us, "right") < np.searchsorted(track.excluded_us, until_us):
        return GapCause.DEVICE
    installed = [one.installation for one in sources if one.installation.since_us < until_us]
    return silence_cause(presence, installed[-1], from_us, until_us) if installed else GapCause.UNKNOWN


def _part(source: Source, span: tuple[int, int], gps_mm: int) -> NDArray[np.int64]:
    """Rows of time, latitude, longitude, accuracy, speed, working, and whether the row proves nothing."""
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
        said.is_doubted,
    )
    return np.stack([column.astype(np.int64) for column in columns], axis=1)
