"""What the measures of streets share: which vehicles, their shifts, how much of each segment they swept."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from rules.assets import Asset, Register
from rules.calendar import Window, duration_us
from rules.contract import Standard, Terms
from rules.measures import PassMeasure, SweptMeasure
from rules.numbers import value_on
from rules.places import Network
from rules.records import GapCause, digest
from rules.shifts import Field, Shift, shift_of
from rules.standards.judging import Facts, register_digest
from rules.sweeps import Hidden, Work, union_mm

_PPM = 1_000_000
_MM = 1_000
# Back within two minutes is the same visit: a turn at the street's end, a stop.
VISIT_US = 120 * 1_000_000


@dataclass(slots=True)
class Swept:
    """Length of a segment swept: proven, without what the contractor's gaps may hide, at most. Lengths in mm."""

    length_mm: int
    proven_mm: int = 0
    borne_mm: int = 0
    possible_mm: int = 0


@dataclass(slots=True)
class Coverage:
    """One zone in one window.

    Parameters
    ----------
    segments : dict of int to Swept
        By place in the network; each bound holds for its segment alone.
    proven_mm, borne_mm, possible_mm : int
        Of all of them together: a gap hides no more than its time allows. [mm]
    shifts : list of Shift
    """

    segments: dict[int, Swept]
    proven_mm: int = 0
    borne_mm: int = 0
    possible_mm: int = 0
    shifts: list[Shift] = field(default_factory=list[Shift])

    @property
    def length_mm(self) -> int:
        """Length of the zone's streets [mm]."""
        return sum(one.length_mm for one in self.segments.values())


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
    segments = {
        place: Swept(int(network.length_mm[place])) for place, where in enumerate(network.zone_ids) if where == zone
    }
    found = Coverage(segments, shifts=shifts)
    for place, one in segments.items():
        proven = [piece for shift in shifts for piece in shift.sweep.proven.get(place, ())]
        possible = [(shift, piece) for shift in shifts for piece in shift.sweep.possible.get(place, ())]
        free = [piece for shift, piece in possible if not is_near_borne(facts, shift, piece.enter_us, piece.leave_us)]
        one.proven_mm = union_mm(proven)
        one.borne_mm = union_mm([*proven, *free])
        one.possible_mm = union_mm([*proven, *(piece for _, piece in possible)])
    found.proven_mm = sum(one.proven_mm for one in segments.values())
    found.borne_mm = sum(one.borne_mm for one in segments.values())
    found.possible_mm = sum(one.possible_mm for one in segments.values())
    hide(found, [(hidden, is_borne(facts, shift, hidden)) for shift in shifts for hidden in shift.sweep.hidden])
    if not shifts:
        # No vehicle is registered, so none could have been heard.
        found.possible_mm = found.length_mm
        found.borne_mm = 0 if facts.is_borne(GapCause.CITY) else found.length_mm
        for one in segments.values():
            one.possible_mm = one.length_mm
            one.borne_mm = 0 if facts.is_borne(GapCause.CITY) else one.length_mm
    return found


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
    return is_near_borne(facts, shift, *hidden.span)


def is_near_borne(facts: Facts, shift: Shift, begin_us: int, end_us: int) -> bool:
    """Whether a span lies within `max_gap` of a gap that the contractor bears.

    Where a gap begins and ends the way is in doubt for want of fixes; that doubt is the gap's, else a silence would
    pay by its edges.

    Parameters
    ----------
    facts : Facts
    shift : Shift
    begin_us, end_us : int
        [us since 1970, UTC]
    """
    return any(
        gap.cause is not None
        and facts.is_borne(gap.cause)
        and begin_us < gap.until_us + shift.max_gap_us
        and gap.from_us - shift.max_gap_us < end_us
        for gap in shift.gaps
    )


def hide(found: Coverage, hidden: Sequence[tuple[Hidden, bool]]) -> None:
    """Add what gaps may hide; what the contractor bears stays out of `borne`.

    Parameters
    ----------
    found : Coverage
        Changed in place.
    hidden : sequence of tuple of Hidden and bool
        What each gap may hide, and whether the contractor bears it.
    """
    bare = {place: one.length_mm - one.possible_mm for place, one in found.segments.items()}
    open_mm = {place: one.length_mm - one.borne_mm for place, one in found.segments.items()}
    room: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one, is_adverse in hidden:
        within = [place for place in found.segments if place in one.segments]
        found.possible_mm += min(one.most_mm, sum(bare[place] for place in within))
        found.borne_mm += 0 if is_adverse else min(one.most_mm, sum(open_mm[place] for place in within))
        for place in within:
            room[place][0] += min(one.most_mm, bare[place])
            room[place][1] += 0 if is_adverse else min(one.most_mm, open_mm[place])
    for place, (possible_mm, borne_mm) in room.items():
        segment = found.segments[place]
        segment.borne_mm = min(segment.borne_mm + borne_mm, segment.length_mm)
        segment.possible_mm = min(segment.possible_mm + possible_mm, segment.length_mm)
    found.possible_mm = min(found.possible_mm, found.length_mm)
    found.borne_mm = min(found.borne_mm, found.possible_mm)


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
        for place in sorted(found.segments):
            told += [
                [network.segment_ids[place], shift.asset.asset, begin_us, end_us, proven_mm]
                for begin_us, end_us, proven_mm in visits(shift, place)
            ]
    return sorted(told)


def visits(shift: Shift, place: int) -> list[tuple[int, int, int]]:
    """When a vehicle was on a segment at work, and how much of it was proven swept each time.

    Parameters
    ----------
    shift : Shift
    place : int
        Of the segment in the network.

    Returns
    -------
    list of tuple of int
        Enter and leave [us since 1970, UTC], proven length [mm].
    """
    stays: list[list[int]] = []
    for piece in sorted(shift.sweep.possible.get(place, ()), key=lambda piece: piece.enter_us):
        if stays and piece.enter_us - stays[-1][1] <= VISIT_US:
            stays[-1][1] = max(stays[-1][1], piece.leave_us)
        else:
            stays.append([piece.enter_us, piece.leave_us])
    proven = shift.sweep.proven.get(place, ())
    return [
        (begin, end, union_mm([piece for piece in proven if begin <= piece.enter_us and piece.leave_us <= end]))
        for begin, end in stays
    ]
