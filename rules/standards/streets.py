"""What the measures of streets share: which vehicles, their shifts, how much of each segment they swept."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import coverage
from rules.assets import Asset, Register
from rules.calendar import Window, duration_us
from rules.contract import Standard, Terms
from rules.measures import PassMeasure, SweptMeasure
from rules.numbers import value_on
from rules.places import Network
from rules.records import GapCause, digest
from rules.shifts import Field, Shift, shift_of
from rules.standards.judging import Facts, register_digest
from rules.sweeps import Hidden, Pieces, Work

Ints = NDArray[np.int64]

_MM = 1_000


@dataclass(frozen=True, slots=True)
class Swept:
    """Length of segments swept: proven, without what the contractor's gaps may hide, at most.

    Parameters
    ----------
    length_mm, proven_mm, borne_mm, possible_mm : ndarray of int64
        Shape (k,). [mm]
    """

    length_mm: Ints
    proven_mm: Ints
    borne_mm: Ints
    possible_mm: Ints

    def plus(self, other: "Swept") -> "Swept":
        """Add what the same segments were swept in another window."""
        return Swept(*(getattr(self, name) + getattr(other, name) for name in Swept.__slots__))

    def total(self) -> tuple[int, int, int]:
        """Proven, borne and possible of all of them together [mm]."""
        return int(self.proven_mm.sum()), int(self.borne_mm.sum()), int(self.possible_mm.sum())


@dataclass(frozen=True, slots=True)
class Coverage:
    """One zone in one window.

    Parameters
    ----------
    places : ndarray of int64
        Its segments, ascending. Shape (k,). [index into the network]
    segments : Swept
        Of each of them; each bound holds for its segment alone.
    proven_mm, borne_mm, possible_mm : int
        Of all of them together: a gap hides no more than its time allows. [mm]
    shifts : list of Shift
    """

    places: Ints
    segments: Swept
    proven_mm: int
    borne_mm: int
    possible_mm: int
    shifts: list[Shift] = field(default_factory=list[Shift])

    @property
    def length_mm(self) -> int:
        """Length of the zone's streets [mm]."""
        return int(self.segments.length_mm.sum())

    def told(self, network: Network) -> list[list[Any]]:
        """Name and lengths of each segment, for a trace."""
        names = [network.segment_ids[int(place)] for place in self.places]
        columns = (getattr(self.segments, name).tolist() for name in Swept.__slots__)
        return [[*row] for row in zip(names, *columns, strict=True)]


def work_of(measure: SweptMeasure | PassMeasure, day: date) -> Work:
    """What counts as work on a day.

    Parameters
    ----------
    measure : SweptMeasure or PassMeasure
    day : date
    """
    slowest, fastest, travel = (
        int(value_on(number, day) * _MM)
        for number in (measure.speed_mps.min, measure.speed_mps.max, measure.travel_mps)
    )
    every_us, max_gap_us = (int(value_on(number, day, "us")) for number in (measure.every, measure.max_gap))
    return Work(slowest, fastest, travel, every_us, max_gap_us)


def margin_us(measure: SweptMeasure | PassMeasure) -> int:
    """How far beyond a window is looked: the longest gap that the terms ever allow.

    Parameters
    ----------
    measure : SweptMeasure or PassMeasure
    """
    return max(int(duration_us(str(dated.value))) for dated in measure.max_gap)


def shifts_of(facts: Facts, standard: Standard, zone: str, window: Window) -> list[Shift]:
    """Shifts of all vehicles that may work in a zone, each matched once.

    Parameters
    ----------
    facts : Facts
    standard : Standard
        With a measure of streets.
    zone : str
    window : Window
    """
    measure, gps_m = declared(standard)
    work, gps_mm = work_of(measure, window.day), int(value_on(gps_m, window.day) * _MM)
    streets = Field(network_of(facts.terms), facts.register, facts.readings, facts.presence)
    found: list[Shift] = []
    for asset in vehicles_of(facts.register, measure.vehicles, zone, window):
        key = (asset.asset, asset.since_us, window.start_us, window.end_us, work, gps_mm)
        if key not in facts.sweeps:
            facts.sweeps[key] = shift_of(streets, asset, (window.start_us, window.end_us), work, gps_mm)
        found.append(facts.sweeps[key])
    return found


def vehicles_of(register: Register, vehicle_class: str, zone: str, window: Window) -> list[Asset]:
    """Vehicles of a class that serve a zone, or any, at some time of a window.

    Parameters
    ----------
    register : Register
    vehicle_class, zone : str
    window : Window
    """
    return sorted(
        (
            one
            for one in register.assets
            if one.asset_class == vehicle_class
            and one.zone in ("", zone)
            and one.since_us < window.end_us
            and window.start_us < one.until_us
        ),
        key=lambda one: (one.asset, one.since_us),
    )


def network_of(terms: Terms) -> Network:
    """Streets of the terms.

    Raises
    ------
    TypeError
        When they have none: the linter refuses such terms.
    """
    if terms.network is None:
        raise TypeError(f"terms {terms.id}@{terms.version} have no streets")
    return terms.network


def coverage_of(facts: Facts, standard: Standard, zone: str, window: Window) -> Coverage:
    """How much of each of a zone's segments was swept in a window.

    Parameters
    ----------
    facts : Facts
    standard : Standard
    zone : str
    window : Window
    """
    network = network_of(facts.terms)
    shifts = shifts_of(facts, standard, zone, window)
    places = places_of(network, zone)
    length_mm = network.length_mm[places]
    if not shifts:
        # No vehicle is registered, so none could have been heard.
        nothing = np.zeros_like(length_mm)
        borne_mm = nothing if facts.is_borne(GapCause.CITY) else length_mm
        return _summed(places, Swept(length_mm, nothing, borne_mm, length_mm), shifts)
    proven = [shift.sweep.proven for shift in shifts]
    possible = [shift.sweep.possible for shift in shifts]
    free = [_free(facts, shift) for shift in shifts]
    proven_mm, borne_mm, possible_mm = (
        _united_mm(network, places, parts) for parts in (proven, [*proven, *free], [*proven, *possible])
    )
    found = _summed(places, Swept(length_mm, proven_mm, borne_mm, possible_mm), shifts)
    return hide(
        found, [(hidden, is_borne(facts, shift, hidden)) for shift in shifts for hidden in shift.sweep.hidden]
    )


def places_of(network: Network, zone: str) -> Ints:
    """Segments of a zone, ascending.

    Parameters
    ----------
    network : Network
    zone : str
    """
    return np.array([place for place, where in enumerate(network.zone_ids) if where == zone], np.int64)


def _summed(places: Ints, segments: Swept, shifts: list[Shift]) -> Coverage:
    return Coverage(places, segments, *segments.total(), shifts)


def _free(facts: Facts, shift: Shift) -> Pieces:
    """What may have been swept, but for the doubts beside gaps that the contractor bears."""
    pieces = shift.sweep.possible
    return pieces.some(~near_borne(facts, shift, pieces.enter_us, pieces.leave_us))


def _united_mm(network: Network, places: Ints, parts: Sequence[Pieces]) -> Ints:
    """Measure how much of each of some segments pieces cover together. Shape (k,). [mm]."""
    number = np.full(len(network.segment_ids), -1, np.int32)
    number[places] = np.arange(places.size, dtype=np.int32)
    segment, from_mm, until_mm = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("segment", "from_mm", "until_mm")
    )
    is_in = number[segment] >= 0
    return coverage.covered(number[segment[is_in]], (from_mm[is_in], until_mm[is_in]), places.size)


def is_borne(facts: Facts, shift: Shift, hidden: Hidden) -> bool:
    """Whether the contractor bears what may be hidden: its gap, or a doubt right beside one.

    Parameters
    ----------
    facts : Facts
    shift : Shift
    hidden : Hidden
    """
    if hidden.gap.cause is not None:
        return facts.is_borne(hidden.gap.cause)
    return bool(near_borne(facts, shift, *(np.array([us], np.int64) for us in hidden.span))[0])


def near_borne(facts: Facts, shift: Shift, begin_us: Ints, end_us: Ints) -> NDArray[np.bool_]:
    """Whether spans lie within `max_gap` of a gap that the contractor bears.

    Where a gap begins and ends the way is in doubt for want of fixes; that doubt is the gap's, else a silence would
    pay by its edges.

    Parameters
    ----------
    facts : Facts
    shift : Shift
    begin_us, end_us : ndarray of int64
        Shape (m,). [us since 1970, UTC]
    """
    is_near = np.zeros(begin_us.size, np.bool_)
    for gap in shift.gaps:
        if gap.cause is not None and facts.is_borne(gap.cause):
            is_near |= (begin_us < gap.until_us + shift.max_gap_us) & (gap.from_us - shift.max_gap_us < end_us)
    return is_near


def hide(found: Coverage, hidden: Sequence[tuple[Hidden, bool]]) -> Coverage:
    """Add what gaps may hide; what the contractor bears stays out of `borne`.

    Parameters
    ----------
    found : Coverage
    hidden : sequence of tuple of Hidden and bool
        What each gap may hide, and whether the contractor bears it.
    """
    swept = found.segments
    bare_mm, open_mm = swept.length_mm - swept.possible_mm, swept.length_mm - swept.borne_mm
    possible_mm, borne_mm = found.possible_mm, found.borne_mm
    room_mm, room_open_mm = np.zeros_like(bare_mm), np.zeros_like(open_mm)
    for one, is_adverse in hidden:
        within = np.flatnonzero(np.isin(found.places, one.segments))
        possible_mm += min(one.most_mm, int(bare_mm[within].sum()))
        room_mm[within] += np.minimum(one.most_mm, bare_mm[within])
        if not is_adverse:
            borne_mm += min(one.most_mm, int(open_mm[within].sum()))
            room_open_mm[within] += np.minimum(one.most_mm, open_mm[within])
    segments = replace(
        swept,
        borne_mm=np.minimum(swept.borne_mm + room_open_mm, swept.length_mm),
        possible_mm=np.minimum(swept.possible_mm + room_mm, swept.length_mm),
    )
    possible_mm = min(possible_mm, found.length_mm)
    return replace(found, segments=segments, borne_mm=min(borne_mm, possible_mm), possible_mm=possible_mm)


def declared(standard: Standard) -> tuple[Any, Any]:
    """Measure and accuracy of a fix that states none: the linter sees to it that a street's standard has both."""
    return standard.measure, standard.tolerance.gps_m


def digests_of(shifts: Sequence[Shift], looked: tuple[int, int]) -> dict[str, str]:
    """Digests of what some shifts rest on.

    Parameters
    ----------
    shifts : sequence of Shift
    looked : tuple of int
        Half open. [us since 1970, UTC]
    """
    assets = {(one.asset.asset, one.asset.since_us): one.asset for one in shifts}
    installations = {
        (each.installation.source, each.installation.device, each.installation.since_us): each.installation
        for one in shifts
        for each in one.sources
    }
    return {
        "readings": digest([[one.asset.asset, one.readings_sha256] for one in shifts]),
        "register": register_digest(list(assets.values()), installations.values(), looked),
        "causes": digest([[gap.from_us, gap.until_us, gap.cause] for one in shifts for gap in one.gaps]),
    }


def gaps_told(shift: Shift, window: Window) -> list[dict[str, Any]]:
    """Gaps of a vehicle within a window, for a trace.

    Parameters
    ----------
    shift : Shift
    window : Window
    """
    return [
        {
            "vehicle": shift.asset.asset,
            "from_us": max(gap.from_us, window.start_us),
            "until_us": min(gap.until_us, window.end_us),
            "cause": str(gap.cause),
        }
        for gap in shift.gaps
        if gap.from_us < window.end_us and window.start_us < gap.until_us
    ]


def passes_told(found: Coverage, network: Network) -> list[list[Any]]:
    """Who drove along which segment when, and how much of it is proven swept, for a trace.

    Parameters
    ----------
    found : Coverage
    network : Network
    """
    told: list[list[Any]] = []
    for shift in found.shifts:
        visits = shift.sweep.visits
        is_in = np.isin(visits.segment, found.places)
        columns = (visits.segment, visits.enter_us, visits.leave_us, visits.proven_mm)
        told += [
            [network.segment_ids[place], shift.asset.asset, *visit]
            for place, *visit in zip(*(column[is_in].tolist() for column in columns), strict=True)
        ]
    return sorted(told)
