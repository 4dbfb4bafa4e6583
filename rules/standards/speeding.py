"""Time in which a vehicle worked faster than the terms allow, by what its device says and by its places.

Proven is the time between two fixes that both say "at work" and a speed above the limit, whatever the speed's error;
and, where the device says no speed, what nobody can have driven in a straight line without having been above it.
Possible is all that neither the device nor the places exclude, gaps included.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from kernels import dwell, geodesy
from kernels.availability import slots
from rules.assets import Asset, Register
from rules.calendar import Window
from rules.contract import Standard, Terms
from rules.events import readings_digest, sources_of
from rules.fixes import IDLE, WORKING, Gap, Seen, Track, gaps_of, track_of
from rules.numbers import value_on
from rules.paths import doubt_mm_of
from rules.records import Determination, digest
from rules.shifts import KIND
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, register_digest, zones_of
from rules.standards.streets import vehicles_of
from sensors.readings import NOT_SAID

if TYPE_CHECKING:
    from rules.measures import SpeedMeasure

_MM = 1_000
_Ints = NDArray[np.int64]


def _measure(standard: Standard) -> "SpeedMeasure":
    return cast("SpeedMeasure", standard.measure)


def _looks(standard: Standard, window: Window) -> tuple[int, int]:
    max_gap_us = int(value_on(_measure(standard).max_gap, window.day, "us"))
    return window.start_us - max_gap_us, window.end_us + max_gap_us


def _vehicles(terms: Terms, register: Register, standard: Standard, window: Window) -> list[Asset]:
    """Vehicles of the class that serve a covered zone, or any, at some time of a window; each once."""
    found = {
        (one.asset, one.since_us): one
        for zone in zones_of(terms, standard)
        for one in vehicles_of(register, _measure(standard).vehicles, zone, window)
    }
    return [found[key] for key in sorted(found)]


def _subjects(terms: Terms, register: Register, standard: Standard, window: Window) -> Iterable[tuple[str, str]]:
    return [(one.asset, one.zone) for one in _judged_in(terms, register, standard, window)]


def _judged_in(terms: Terms, register: Register, standard: Standard, window: Window) -> list[Asset]:
    """Those that stand in the register as the window starts: one that came later is judged from the next window."""
    found = _vehicles(terms, register, standard, window)
    return [one for one in found if one.since_us <= window.start_us]


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    for window in windows:
        for asset in _judged_in(facts.terms, facts.register, standard, window):
            yield determination(facts.terms, standard, _judged(facts, standard, asset, window))


FAMILY = Family((KIND,), _looks, _subjects, _judge)


def _judged(facts: Facts, standard: Standard, asset: Asset, window: Window) -> Judged:
    day, max_gap_us = window.day, int(value_on(_measure(standard).max_gap, window.day, "us"))
    looked = _looks(standard, window)
    # What was before the vehicle came, or after it went, is no fact about it.
    span = (max(looked[0], asset.since_us), min(looked[1], asset.until_us))
    held = (window.start_us, max(min(window.end_us, asset.until_us), window.start_us))
    sources = tuple(sources_of(asset.asset, KIND, facts.register.installations, facts.readings))
    track = track_of(sources, span, _millimetres(standard.tolerance.gps_m, day))
    gaps = gaps_of(None, track, Seen(asset, sources, span, facts.presence), (max_gap_us, max_gap_us))
    proven_us, possible_us = _bounds(standard, track, held, day)
    start, end = (np.array([us], np.int64) for us in held)
    received, expected = (int(count[0]) for count in slots(track.fixes.t_us, max_gap_us, start, end))
    told = _told(gaps, held)
    hidden_us = sum(gap.until_us - gap.from_us for gap in _cut(gaps, held) if gap.cause and facts.is_borne(gap.cause))
    return Judged(
        subject=asset.asset,
        zone=asset.zone,
        window=window,
        bounds=Bounds(proven_us, proven_us + hidden_us, possible_us),
        received=received,
        expected=expected,
        digests={
            "readings": readings_digest(sources, *span),
            "register": register_digest([asset], [one.installation for one in sources], span),
            "causes": digest([[one["from_us"], one["until_us"], one["cause"]] for one in told]),
        },
        trace={
            "looked_from_us": span[0],
            "looked_until_us": span[1],
            "excluded": len(track.excluded_us),
            "gaps": told,
        },
    )


def _bounds(standard: Standard, track: Track, held: tuple[int, int], day: date) -> tuple[int, int]:
    """At least and at most how long the vehicle worked above the limit. [us]."""
    measure = _measure(standard)
    limit, top = _millimetres(measure.above_mps, day), _millimetres(measure.travel_mps, day)
    max_gap_us = int(value_on(measure.max_gap, day, "us"))
    state = _states(track, limit, _millimetres(standard.tolerance.speed_mps, day))
    t_us, start, end = track.fixes.t_us, np.array([held[0]], np.int64), np.array([held[1]], np.int64)
    least_mm = _least_mm(track)
    bounds = dwell.above(t_us, state, (least_mm, np.full_like(least_mm, -1)), limit, top, max_gap_us)
    nobody = np.zeros(len(track) + 1, np.uint8)
    proven_us, _, possible_us = dwell.time_above(t_us, bounds, nobody, max_gap_us, start, end)
    return int(proven_us[0]), int(possible_us[0])


def _states(track: Track, limit_mmps: int, error_mmps: int) -> NDArray[np.int8]:
    """Whether the vehicle surely worked above the limit at each fix, surely did not, or neither."""
    speed_mmps = track.speed_mmps.astype(np.int64)
    is_said = track.speed_mmps != NOT_SAID
    is_above = (track.working == WORKING) & is_said & (speed_mmps - error_mmps > limit_mmps)
    is_below = (track.working == IDLE) | (is_said & (speed_mmps + error_mmps <= limit_mmps))
    return np.where(is_above, 1, np.where(is_below, 0, -1)).astype(np.int8)


def _least_mm(track: Track) -> _Ints:
    """How far each two neighbouring places surely lie apart, nought where it may not have been at work. [mm]."""
    fixes = track.fixes
    if len(track) == 0:
        return np.empty(0, np.int64)
    x_mm, y_mm = geodesy.project(fixes.lon_e7, fixes.lat_e7, (int(fixes.lon_e7[0]), int(fixes.lat_e7[0])))
    squared = np.diff(x_mm).astype(np.float64) ** 2 + np.diff(y_mm).astype(np.float64) ** 2
    straight_mm = np.floor(np.sqrt(squared)).astype(np.int64)
    near_mm = doubt_mm_of(fixes.accuracy_mm)
    is_working = track.working == WORKING
    surely_mm = np.maximum(straight_mm - near_mm[:-1] - near_mm[1:], 0)
    return np.where(is_working[:-1] & is_working[1:], surely_mm, 0)


def _millimetres(number: Any, day: date) -> int:  # noqa: ANN401  # a dated number: the linter sees to it that it is there
    return int(value_on(number, day) * _MM)


def _cut(gaps: Sequence[Gap], held: tuple[int, int]) -> Iterator[Gap]:
    """Parts of gaps within a span."""
    for gap in gaps:
        from_us, until_us = max(gap.from_us, held[0]), min(gap.until_us, held[1])
        if from_us < until_us:
            yield Gap(from_us, until_us, gap.before, gap.after, gap.cause)


def _told(gaps: Sequence[Gap], held: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"from_us": one.from_us, "until_us": one.until_us, "cause": str(one.cause)} for one in _cut(gaps, held)]
