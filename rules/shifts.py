"""A vehicle's shift: its fixes in one window, where nothing is known of it, and what it swept."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kernels.availability import slots
from rules.assets import Asset, Register
from rules.causes import Presence
from rules.events import Source, readings_digest, sources_of
from rules.fixes import Gap, Seen, gaps_of, track_of
from rules.places import Network
from rules.sweeps import Sweep, Work, sweep_of
from sensors.columns import Columns

KIND = "position_fix"


@dataclass(frozen=True, slots=True)
class Shift:
    """One vehicle in one window.

    Parameters
    ----------
    asset : Asset
    sources : tuple of Source
    gaps : tuple of Gap
    sweep : Sweep
    max_gap_us : int
        Fixes further apart say nothing of the way between. [us]
    received, expected : int
        Fixes by slot.
    readings_sha256 : str
        Of the fixes looked at.
    """

    asset: Asset
    sources: tuple[Source, ...]
    gaps: tuple[Gap, ...]
    sweep: Sweep
    max_gap_us: int
    received: int
    expected: int
    readings_sha256: str


@dataclass(frozen=True, slots=True)
class Field:
    """Where shifts are looked up: streets, register, readings, presence."""

    network: Network
    register: Register
    readings: Mapping[tuple[str, str, str], Columns]
    presence: Presence


def shift_of(field: Field, asset: Asset, window: tuple[int, int], work: Work, gps_mm: int) -> Shift:
    """Match a vehicle's fixes in a window and find what it swept.

    Parameters
    ----------
    field : Field
    asset : Asset
    window : tuple of int
        Half open. [us since 1970, UTC]
    work : Work
    gps_mm : int
        Accuracy of a fix that states none. [mm]

    Notes
    -----
    Looks from `max_gap` before the window to `max_gap` after it and at nothing else, so that the way found does not
    depend on how much is loaded.
    """
    # What was before the vehicle came, or after it went, is no fact about it.
    span = (max(window[0] - work.max_gap_us, asset.since_us), min(window[1] + work.max_gap_us, asset.until_us))
    sources = sources_of(asset.asset, KIND, field.register.installations, field.readings)
    track = track_of(sources, span, gps_mm)
    gaps = gaps_of(
        field.network, track, Seen(asset, tuple(sources), span, field.presence), (work.every_us, work.max_gap_us)
    )
    start, end = (np.array([us], np.int64) for us in (max(window[0], span[0]), min(window[1], span[1])))
    received, expected = (int(count[0]) for count in slots(track.fixes.t_us, work.max_gap_us, start, end))
    sweep = sweep_of(field.network, track, gaps, window, work)
    heard = readings_digest(sources, *span)
    return Shift(asset, tuple(sources), tuple(gaps), sweep, work.max_gap_us, received, expected, heard)
