"""Readings → samples of an asset's fill, and gaps with their causes.

Derived at assessment from the installations that held at event time. A sample is an interval that surely contains
the true fill: rounding, the signal's declared error and conflicting contents are inside it. Readings whose device
rejected them, whose clock disagreed with the network's, or whose echoes disagree with each other, prove nothing; they
do tell why a gap is there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rules.assets import Asset, Installation
from rules.causes import Looked, Presence, Silence, silence_cause, silences
from rules.numbers import PPM
from rules.records import GapCause
from sensors.columns import Columns, nothing
from sensors.quantities import REJECTED_QUALITY_CODES
from sensors.readings import NOT_SAID
from sensors.registry import kinds

_Number = TypeVar("_Number", np.int32, np.int64)
# A thousand times full: what a sensor sees beyond a nearly flat geometry must not overflow its column.
_FILL_MAX_PPM = 1_000 * PPM
# Echoes of one measurement further apart than this (largest less smallest) do not say which of them is the waste: a
# quarter of the depth of a common container (1.2 m), so half full and overflowing could both be meant. Echoes of one
# uneven surface lie within some centimetres; a wall, a strut or a lid half open lies decimetres off. [mm]
ECHO_SPREAD_MAX_MM = 300
# Nothing lies a quarter of a container under its floor, and no fill that a device itself works out is half a
# container above the rim: it says the most that it can say (254 of a byte), or the least, because nothing came back.
# A distance short of the rim may be waste heaped to the sensor. [ppm]
FLOOR_MIN_PPM, RIM_MAX_PPM = -250_000, 1_500_000
_ECHOES = ("echo_1_mm", "echo_2_mm", "echo_3_mm", "echo_4_mm")


@dataclass(frozen=True, slots=True)
class Source:
    """Readings of one installation: its device's, while it hung there."""

    installation: Installation
    readings: Columns


@dataclass(frozen=True, slots=True)
class Samples:
    """What is known of an asset's fill over time.

    Parameters
    ----------
    t_us : ndarray of int64
        Strictly ascending. Shape (n,). [us since 1970, UTC]
    lo_ppm, hi_ppm : ndarray of int32
        The true fill lies between, without the signal's error. Shape (n,). [ppm]
    full_at_ppm : ndarray of int32
        Fill at which the container counts as full by its installation, `NOT_SAID` where that says nothing. [ppm]
    excluded_us : ndarray of int64
        Times of readings that prove nothing, ascending. Shape (m,). [us since 1970, UTC]
    """

    t_us: NDArray[np.int64]
    lo_ppm: NDArray[np.int32]
    hi_ppm: NDArray[np.int32]
    full_at_ppm: NDArray[np.int32]
    excluded_us: NDArray[np.int64]

    def between(self, first_us: int, until_us: int) -> "Samples":
        """Samples of a span.

        Parameters
        ----------
        first_us, until_us : int
            Half open. [us since 1970, UTC]
        """
        chosen = slice(*np.searchsorted(self.t_us, (first_us, until_us)))
        excluded = slice(*np.searchsorted(self.excluded_us, (first_us, until_us)))
        return Samples(
            self.t_us[chosen],
            self.lo_ppm[chosen],
            self.hi_ppm[chosen],
            self.full_at_ppm[chosen],
            self.excluded_us[excluded],
        )


def sources_of(
    asset: str, kind: str, installations: Sequence[Installation], readings: Mapping[tuple[str, str, str], Columns]
) -> list[Source]:
    """Find an asset's installations and the readings that fall into each, none where the device is not there.

    Parameters
    ----------
    asset : str
    kind : str
        Of the readings.
    installations : sequence of Installation
    readings : mapping of (kind, source, device) to Columns
    """
    none = nothing(kinds()[kind])
    return [
        Source(one, readings.get((kind, one.source, one.device), none).between(one.since_us, one.until_us))
        for one in sorted(installations, key=lambda one: (one.source, one.device, one.since_us))
        if one.asset == asset
    ]


def samples_of(sources: Sequence[Source]) -> Samples:
    """Turn an asset's readings into samples.

    Contents at one instant, in conflict or from two devices, become one interval that covers them all.
    """
    parts = [_intervals(source) for source in sources]
    t_us = _joined([part.t_us for part in parts], np.int64)
    order = np.argsort(t_us, kind="stable")
    t_us = t_us[order]
    starts = np.flatnonzero(np.diff(t_us, prepend=np.int64(-1)))
    excluded_us = np.sort(_joined([part.excluded_us for part in parts], np.int64))
    if not len(t_us):
        nothing = np.empty(0, np.int32)
        return Samples(t_us, nothing, nothing, nothing, excluded_us)
    lo_ppm, hi_ppm, full_at_ppm = (
        _joined(columns, np.int32)[order]
        for columns in ([p.lo_ppm for p in parts], [p.hi_ppm for p in parts], [p.full_at_ppm for p in parts])
    )
    if len(starts) < len(t_us):
        t_us, lo_ppm = t_us[starts], np.minimum.reduceat(lo_ppm, starts)
        hi_ppm, full_at_ppm = np.maximum.reduceat(hi_ppm, starts), np.maximum.reduceat(full_at_ppm, starts)
    return Samples(t_us, lo_ppm, hi_ppm, full_at_ppm, excluded_us)


def readings_digest(sources: Sequence[Source], first_us: int, until_us: int) -> str:
    """SHA-256 of all that is known of an asset in a span: who said what when, as canonical columns.

    Parameters
    ----------
    sources : sequence of Source
    first_us, until_us : int
        Half open. [us since 1970, UTC]

    Notes
    -----
    Per installation: source, device and number of readings, each ended by a zero byte; then event times and sequence
    numbers as little-endian 64-bit integers, then the 16-byte digests of what was said.
    """
    state = hashlib.sha256()
    for source in sources:
        part = source.readings.between(first_us, until_us)
        if not len(part):
            continue
        state.update(f"{source.installation.source}\0{source.installation.device}\0{len(part)}\0".encode())
        state.update(part.event_time_us.astype("<i8").tobytes())
        state.update(part.sequence.astype("<i8").tobytes())
        state.update(part.digest.tobytes())
    return state.hexdigest()


def unwatched(asset: Asset, sources: Sequence[Source], first_us: int, until_us: int) -> list[tuple[int, int]]:
    """Find the spans in which no sensor hung at an asset, or the asset stood elsewhere.

    Parameters
    ----------
    asset : Asset
        With its place's dates.
    sources : sequence of Source
    first_us, until_us : int
        Half open. [us since 1970, UTC]

    Returns
    -------
    list of tuple of int
        Half open, ascending, apart. [us since 1970, UTC]
    """
    spans: list[tuple[int, int]] = []
    reached_us = first_us
    for one in sorted((source.installation for source in sources), key=lambda one: one.since_us):
        since_us, end_us = max(one.since_us, asset.since_us), min(one.until_us, asset.until_us)
        if since_us >= end_us or end_us <= reached_us:
            continue
        if since_us > reached_us:
            spans.append((reached_us, min(since_us, until_us)))
        reached_us = end_us
        if reached_us >= until_us:
            break
    if reached_us < until_us:
        spans.append((reached_us, until_us))
    return [(begin_us, end_us) for begin_us, end_us in spans if begin_us < end_us]


def bounded(samples: Samples, spans: Sequence[tuple[int, int]], first_us: int, until_us: int) -> Samples:
    """Set a sample that says nothing at each edge of spans, so that a gap does not run across it.

    A gap that is part unwatched and part silence is then two gaps, each with its own cause.

    Parameters
    ----------
    samples : Samples
    spans : sequence of tuple of int
        As `unwatched` gives them. [us since 1970, UTC]
    first_us, until_us : int
        Edges there get none: nothing is looked at beyond. [us since 1970, UTC]
    """
    edges = {us for span in spans for us in span if first_us < us < until_us}
    new_us = np.array(sorted(edges - set(map(int, samples.t_us))), np.int64)
    if not len(new_us):
        return samples
    places = np.searchsorted(samples.t_us, new_us)
    return Samples(
        np.insert(samples.t_us, places, new_us),
        np.insert(samples.lo_ppm, places, -_FILL_MAX_PPM),
        np.insert(samples.hi_ppm, places, _FILL_MAX_PPM),
        np.insert(samples.full_at_ppm, places, NOT_SAID),
        samples.excluded_us,
    )


def gap_causes(
    samples: Samples,
    spans: Sequence[tuple[int, int]],
    sources: Sequence[Source],
    presence: Presence,
    looked: Looked,
) -> list[Silence]:
    """Say why nothing is known between samples, before the first and after the last.

    Parameters
    ----------
    samples : Samples
        As `bounded` gives them, within what is looked at.
    spans : sequence of tuple of int
        As `unwatched` gives them. [us since 1970, UTC]
    sources : sequence of Source
        Installations at the asset.
    presence : Presence
    looked : Looked

    Returns
    -------
    list of Silence
        Ascending, apart, together all intervals longer than `max_gap`: `city` where nothing was installed, then
        outages, then `device` where the device spoke but its word proves nothing, else what its last word told.
    """
    ends = np.concatenate(([looked.first_us], samples.t_us, [looked.until_us]))
    found: list[Silence] = []
    # What is shorter before the first sample or after the last lies outside of what is measured.
    for k in np.flatnonzero(np.diff(ends) > looked.max_gap_us):
        left_us, right_us = int(ends[k]), int(ends[k + 1])
        # An interval meets a span either whole or not at all: their edges are samples.
        if any(begin_us < right_us and left_us < end_us for begin_us, end_us in spans):
            found.append(Silence(left_us, right_us, GapCause.CITY))
            continue
        hung = [one.installation for one in sources]
        hung = [one for one in hung if one.since_us < right_us and left_us < one.until_us]
        causes = {silence_cause(presence, one, left_us, right_us) for one in hung}
        if np.searchsorted(samples.excluded_us, left_us) < np.searchsorted(samples.excluded_us, right_us):
            causes = {GapCause.DEVICE}
        own = next((one for one in (GapCause.OPERATOR_OFF, GapCause.DEVICE) if one in causes), GapCause.UNKNOWN)
        found += silences(presence, looked, hung, (left_us, right_us), own)
    return found


def _intervals(source: Source) -> Samples:
    readings, installation = source.readings, source.installation
    distance_mm, agrees = _distances(readings)
    proves = ~readings.is_doubted & ~np.isin(readings.numbers["quality_code"], REJECTED_QUALITY_CODES) & agrees
    lo_ppm = readings.numbers["fill_ppm"].astype(np.int64)
    hi_ppm = lo_ppm.copy()
    if installation.empty_mm is not None and installation.full_mm is not None:
        measured = distance_mm != NOT_SAID
        depth_ppm = (installation.empty_mm - distance_mm.astype(np.int64)) * PPM
        span_mm = installation.empty_mm - installation.full_mm
        floor_ppm = depth_ppm // span_mm
        lo_ppm = np.where(measured, floor_ppm, lo_ppm)
        # Rounded up: one more, unless nothing was left.
        hi_ppm = np.where(measured, floor_ppm + (floor_ppm * span_mm != depth_ppm), hi_ppm)
        proves &= ~measured | (hi_ppm >= FLOOR_MIN_PPM)
    # A distance without a geometry says nothing of the fill.
    proves &= lo_ppm != NOT_SAID
    proves &= (distance_mm != NOT_SAID) | ((hi_ppm >= FLOOR_MIN_PPM) & (lo_ppm <= RIM_MAX_PPM))
    full_at = NOT_SAID if installation.full_at_ppm is None else installation.full_at_ppm
    return Samples(
        readings.event_time_us[proves],
        _clipped(lo_ppm[proves]),
        _clipped(hi_ppm[proves]),
        np.full(int(np.count_nonzero(proves)), full_at, np.int32),
        readings.event_time_us[~proves],
    )


def _clipped(fill_ppm: NDArray[np.int64]) -> NDArray[np.int32]:
    # Two calls for each `clip`, which takes twice as long for a month of a container.
    return np.minimum(np.maximum(fill_ppm, -_FILL_MAX_PPM), _FILL_MAX_PPM).astype(np.int32)


def _distances(readings: Columns) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Give what was measured, and whether it is one distance.

    Parameters
    ----------
    readings : Columns
        Of fill levels.

    Returns
    -------
    ndarray of int32
        The distance said, else the lower median of the echoes said (a number that was seen, never one between two),
        else `NOT_SAID`. Shape (n,). [mm]
    ndarray of bool
        False where echoes stand for the distance and lie further apart than `ECHO_SPREAD_MAX_MM`, or where their
        median is 0: nothing came back, for no sonar measures that near. Shape (n,).
    """
    distance_mm = readings.numbers["distance_mm"]
    agrees, by_echo = np.ones(len(readings), np.bool_), distance_mm == NOT_SAID
    if not by_echo.any():
        return distance_mm, agrees
    echoes_mm = np.stack([readings.numbers[name] for name in _ECHOES])
    count = np.count_nonzero(echoes_mm != NOT_SAID, axis=0)
    by_echo &= count > 0
    if not by_echo.any():
        return distance_mm, agrees
    # Ascending; what was not said is the least of all, and so stands first.
    echoes_mm = np.sort(echoes_mm, axis=0)
    first = np.minimum(len(_ECHOES) - count, len(_ECHOES) - 1)
    places = np.stack([first, first + np.maximum(count - 1, 0) // 2])
    least_mm, median_mm = np.take_along_axis(echoes_mm, places, axis=0)
    spread_mm = echoes_mm[-1].astype(np.int64) - least_mm
    agrees = ~by_echo | ((spread_mm <= ECHO_SPREAD_MAX_MM) & (median_mm > 0))
    return np.where(by_echo, median_mm, distance_mm), agrees


def _joined(columns: Sequence[NDArray[_Number]], kind: type[_Number]) -> NDArray[_Number]:
    return np.concatenate([np.empty(0, kind), *columns])
