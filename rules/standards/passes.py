"""Longest time that a segment went without a pass."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from rules.assets import Register
from rules.calendar import Window
from rules.contract import Standard, Terms
from rules.numbers import value_on
from rules.records import Determination, GapCause
from rules.shifts import KIND, Shift
from rules.standards import stretches
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, target_on, zones_of
from rules.standards.streets import (
    digests_of,
    gaps_told,
    is_borne,
    margin_us,
    near_borne,
    network_of,
    places_of,
    shifts_of,
    work_of,
)
from rules.standards.stretches import Span
from rules.sweeps import VISIT_US, Runs
from rules.windows import laid_windows

if TYPE_CHECKING:
    from rules.measures import PassMeasure

Ints = NDArray[np.int64]

_PPM = 1_000_000
_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000


@dataclass(slots=True)
class _Passes:
    """Spans in which passes of one segment were.

    Parameters
    ----------
    heard, proven : list of tuple of int
        In each there was one: as far as was heard, and until where a gap may have drawn it out. [us since 1970, UTC]
    possible, borne : list of tuple of int
        There may have been some; borne where that is the contractor's. [us since 1970, UTC]
    """

    heard: list[Span] = field(default_factory=list[Span])
    proven: list[Span] = field(default_factory=list[Span])
    possible: list[Span] = field(default_factory=list[Span])
    borne: list[Span] = field(default_factory=list[Span])


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A span in which some of a segment may have been swept."""

    begin_us: int
    end_us: int
    most_mm: int
    is_adverse: bool

    @property
    def span(self) -> Span:
        """From when until when."""
        return self.begin_us, self.end_us


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one shift says of each segment of a zone.

    Parameters
    ----------
    visits : dict of int to list of tuple
        Each as it is told, and as a doubt.
    runs : dict of int to list of _Run
        By time.
    hidden : dict of int to list of _Doubt
    """

    visits: defaultdict[int, list[tuple[tuple[int, int, int], _Doubt]]]
    runs: defaultdict[int, list["_Run"]]
    hidden: defaultdict[int, list[_Doubt]]


@dataclass(frozen=True, slots=True)
class _Run:
    """What was surely swept of a segment in one visit.

    Parameters
    ----------
    enter_us : int
        When that began, as it was matched. [us since 1970, UTC]
    proven_mm : int
        [mm]
    by_us, until_us : int
        By when it had surely begun, and until when at least it went on. [us since 1970, UTC]
    """

    enter_us: int
    proven_mm: int
    by_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class _Service:
    """Shifts looked at and what they say, spans of service without a registered vehicle, and digests of it all."""

    shifts: list[Shift]
    seen: list[_Seen]
    gaps: list[dict[str, Any]]
    bare: list[tuple[int, int]]
    digests: dict[str, str]


def _scan_us(standard: Standard, window: Window) -> int:
    look_back_us = int(value_on(cast("PassMeasure", standard.measure).look_back, window.day, "us"))
    return window.start_us - look_back_us


def _begin_us(terms: Terms, standard: Standard, window: Window) -> int:
    """From where a stretch may begin: `look_back` before the window, and not before the contract itself began."""
    contract = terms.file.contract
    begun_us = 0 if contract.supersedes else terms.zone.instant(contract.effective.since, time(0))
    return max(_scan_us(standard, window), begun_us)


def _looks(standard: Standard, window: Window) -> tuple[int, int]:
    max_gap_us = margin_us(cast("PassMeasure", standard.measure))
    # The windows of service of the first day looked at begin up to a day before.
    return _scan_us(standard, window) - _DAY_US - max_gap_us, window.end_us + max_gap_us


def _subjects(terms: Terms, _register: Register, standard: Standard, _window: Window) -> Iterable[tuple[str, str]]:
    network, covered = network_of(terms), set(zones_of(terms, standard))
    return [
        (segment, zone)
        for segment, zone in zip(network.segment_ids, network.zone_ids, strict=True)
        if zone in covered
    ]


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    network = network_of(facts.terms)
    for window in windows:
        for zone in zones_of(facts.terms, standard):
            services = _services(facts.terms, standard, window)
            by_service = [shifts_of(facts, standard, zone, service) for service in services]
            shifts = [shift for one in by_service for shift in one]
            # No vehicle is registered, so none could have been heard.
            bare = [
                (service.start_us, service.end_us)
                for service, one in zip(services, by_service, strict=True)
                if not one
            ]
            places = places_of(network, zone)
            service = _Service(
                shifts,
                [_seen(facts, shift, places) for shift in shifts],
                [gap for shift in shifts for gap in gaps_told(shift, window)],
                bare,
                digests_of(shifts, _looks(standard, window)),
            )
            for place in places.tolist():
                yield determination(facts.terms, standard, _segment(facts, standard, place, window, service))


FAMILY = Family((KIND,), _looks, _subjects, _judge)


def _services(terms: Terms, standard: Standard, window: Window) -> list[Window]:
    """Windows of service looked at: those of the month and of the days before, whichever terms held then."""
    scan_us, hours = _begin_us(terms, standard, window), standard.window
    first = terms.zone.local(scan_us).date()
    last = terms.zone.local(window.end_us).date() + timedelta(days=1)
    laid = laid_windows(terms, hours, (first, last))
    return [one for one in laid if scan_us <= one.start_us and one.end_us <= window.end_us]


def _segment(facts: Facts, standard: Standard, place: int, window: Window, service: _Service) -> Judged:
    shifts = service.shifts
    network, scan_us = network_of(facts.terms), _begin_us(facts.terms, standard, window)
    passes = _passes(facts, standard, place, window.day, service.seen)
    (passes.borne if facts.is_borne(GapCause.CITY) else passes.possible).extend(service.bare)
    edges = (scan_us, window.start_us, window.end_us, target_on(standard, window.day))
    every = [*passes.possible, *passes.borne]
    proven, from_us, until_us = stretches.at_least(passes.proven, every, [], edges)
    borne, _, _ = stretches.at_least(passes.heard, passes.possible, passes.borne, edges)
    possible, _, _ = stretches.at_most(passes.proven, every, edges)
    looked = _looks(standard, window)
    return Judged(
        subject=network.segment_ids[place],
        zone=network.zone_ids[place],
        window=window,
        bounds=Bounds(proven, borne, possible),
        received=sum(shift.received for shift in shifts),
        expected=sum(shift.expected for shift in shifts),
        digests=service.digests,
        trace={
            "looked_from_us": looked[0],
            "looked_until_us": looked[1],
            "detail": {"name": network.names[place]},
            "proven_from_us": from_us,
            "proven_until_us": until_us,
            "passes": [
                [network.segment_ids[place], shift.asset.asset, *visit]
                for shift, seen in zip(shifts, service.seen, strict=True)
                for visit, _ in seen.visits.get(place, ())
            ],
            "gaps": service.gaps,
        },
    )


def _seen(facts: Facts, shift: Shift, places: Ints) -> _Seen:
    """Sort what a shift says by segment."""
    visits, runs = shift.sweep.visits, shift.sweep.runs
    seen = _Seen(defaultdict(list), defaultdict(list), defaultdict(list))
    is_borne_near = near_borne(facts, shift, visits.enter_us, visits.leave_us)
    columns = (visits.segment, visits.enter_us, visits.leave_us, visits.proven_mm, visits.possible_mm, is_borne_near)
    is_in = np.isin(visits.segment, places)
    for row in zip(*(column[is_in].tolist() for column in columns), strict=True):
        place, begin_us, end_us, proven_mm, possible_mm, is_adverse = row
        doubt = _Doubt(begin_us, end_us, possible_mm, is_adverse)
        seen.visits[place].append(((begin_us, end_us, proven_mm), doubt))
    for place, *run in zip(*(getattr(runs, name).tolist() for name in Runs.__slots__), strict=True):
        seen.runs[place].append(_Run(*run))
    for hidden in shift.sweep.hidden:
        doubt = _Doubt(*hidden.span, hidden.most_mm, is_borne(facts, shift, hidden))
        for place in np.intersect1d(hidden.segments, places).tolist():
            seen.hidden[place].append(doubt)
    return seen


def _passes(facts: Facts, standard: Standard, place: int, day: date, shifts: Sequence[_Seen]) -> _Passes:
    """Passes of a segment: enough of its length in one visit, with what gaps beside it may hide."""
    measure = cast("PassMeasure", standard.measure)
    length_mm = int(network_of(facts.terms).length_mm[place])
    needed_mm = -(-round(value_on(measure.pass_share, day) * _PPM) * length_mm // _PPM)
    # So much is not swept in less.
    least_us = needed_mm * _SECOND_US // work_of(measure, day).fastest_mmps
    found = _Passes()
    for seen in shifts:
        visited = [doubt for _, doubt in seen.visits.get(place, ())]
        for stay in _stays([*visited, *seen.hidden.get(place, ())]):
            begin_us, end_us = stay[0].begin_us, max(one.end_us for one in stay)
            runs = [run for run in seen.runs.get(place, ()) if begin_us <= run.enter_us <= end_us]
            span = (min(_earliest_us(begin_us + least_us, runs), end_us), end_us)
            if sum(one.most_mm for one in stay if not one.is_adverse) >= needed_mm:
                found.possible.append(span)
            elif sum(one.most_mm for one in stay) >= needed_mm:
                found.borne.append(span)
            for run in runs:
                if run.proven_mm < needed_mm:
                    continue
                # Its visit ended after what proves it, but when that was is a guess.
                until_us = max(run.until_us, begin_us)
                heard = [one for one in visited if one.begin_us <= run.enter_us <= one.end_us and one in stay]
                found.heard += [(min(until_us, one.end_us), one.end_us) for one in heard]
                found.proven += [(until_us, end_us) for _ in heard]
    return found


def _earliest_us(least_us: int, runs: Sequence[_Run]) -> int:
    """Say when the first pass of a stay may have ended: with its first run's visit, if none can have been before.

    Work that ends no more than `VISIT_US` before a run begins is of that run's visit, which goes on as long as the
    run.
    """
    if runs and least_us >= runs[0].by_us - VISIT_US:
        return max(least_us, runs[0].until_us)
    return least_us


def _stays(doubtful: Sequence[_Doubt]) -> list[list[_Doubt]]:
    """Put together what may be one visit: begun before a gap, ended after it."""
    stays: list[list[_Doubt]] = []
    reached_us = 0
    for one in sorted(doubtful, key=lambda one: (one.begin_us, one.end_us)):
        if stays and one.begin_us - reached_us <= VISIT_US:
            stays[-1].append(one)
        else:
            stays.append([one])
        reached_us = max(reached_us, one.end_us)
    return stays
