"""Share of a zone's street length that was swept: of a night, or of the worst tenth of segments over a month."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from rules.assets import Register
from rules.calendar import Window, month_days, month_of
from rules.contract import Standard, Terms
from rules.records import Determination
from rules.shifts import KIND
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, zones_of
from rules.standards.streets import (
    Swept,
    coverage_of,
    declared,
    digests_of,
    gaps_told,
    margin_us,
    network_of,
    passes_told,
)
from rules.windows import daily_windows

_PPM = 1_000_000


def _looks(standard: Standard, window: Window) -> tuple[int, int]:
    beyond_us = margin_us(declared(standard)[0])
    return window.start_us - beyond_us, window.end_us + beyond_us


def _subjects(terms: Terms, _register: Register, standard: Standard, _window: Window) -> Iterable[tuple[str, str]]:
    return [(zone, zone) for zone in zones_of(terms, standard)]


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    is_worst = standard.measure.kind == "swept_share_worst_tenth"
    for window in windows:
        for zone in zones_of(facts.terms, standard):
            judged = _worst(facts, standard, zone, window) if is_worst else _night(facts, standard, zone, window)
            yield determination(facts.terms, standard, judged)


FAMILY = Family((KIND,), _looks, _subjects, _judge)


def _night(facts: Facts, standard: Standard, zone: str, window: Window) -> Judged:
    found = coverage_of(facts, standard, zone, window)
    length_mm = found.length_mm
    bounds = Bounds(
        found.proven_mm * _PPM // length_mm,
        -(-found.borne_mm * _PPM // length_mm),
        -(-found.possible_mm * _PPM // length_mm),
    )
    network = network_of(facts.terms)
    looked = _looks(standard, window)
    gaps = [gap for shift in found.shifts for gap in gaps_told(shift, window)]
    return Judged(
        subject=zone,
        zone=zone,
        window=window,
        bounds=bounds,
        received=sum(shift.received for shift in found.shifts),
        expected=sum(shift.expected for shift in found.shifts),
        digests=digests_of(found.shifts, looked),
        trace={
            "looked_from_us": looked[0],
            "looked_until_us": looked[1],
            "detail": {
                "length_mm": length_mm,
                "proven_mm": found.proven_mm,
                "borne_mm": found.borne_mm,
                "possible_mm": found.possible_mm,
            },
            "segments": sorted(found.told(network)),
            "passes": passes_told(found, network),
            "gaps": gaps,
        },
    )


def _worst(facts: Facts, standard: Standard, zone: str, window: Window) -> Judged:
    """Mean of the lowest tenth of the segments' shares over the month's windows, each bound by itself."""
    nights = daily_windows(facts.terms, standard, month_days(month_of(window.day)))
    network = network_of(facts.terms)
    found = [coverage_of(facts, standard, zone, night) for night in nights]
    shifts = [shift for one in found for shift in one.shifts]
    gaps = [
        gap
        for one, night in zip(found, nights, strict=True)
        for shift in one.shifts
        for gap in gaps_told(shift, night)
    ]
    places, swept = found[0].places, reduce(Swept.plus, (one.segments for one in found))
    chosen = -(-places.size // 10)
    proven_ppm = swept.proven_mm * _PPM // swept.length_mm
    proven, borne, possible = (
        np.sort(share)[:chosen].tolist()
        for share in (
            proven_ppm,
            -(-swept.borne_mm * _PPM // swept.length_mm),
            -(-swept.possible_mm * _PPM // swept.length_mm),
        )
    )
    looked = _looks(standard, window)
    told = replace(found[0], segments=swept).told(network)
    worst = [told[row] for row in np.argsort(proven_ppm, kind="stable").tolist()]
    return Judged(
        subject=zone,
        zone=zone,
        window=window,
        bounds=Bounds(sum(proven) // chosen, -(-sum(borne) // chosen), -(-sum(possible) // chosen)),
        received=sum(shift.received for shift in shifts),
        expected=sum(shift.expected for shift in shifts),
        digests=digests_of(shifts, looked),
        trace={
            "looked_from_us": looked[0],
            "looked_until_us": looked[1],
            "detail": {"segments": chosen, "of": places.size, "nights": len(nights)},
            "segments": worst,
            "gaps": gaps,
        },
    )
