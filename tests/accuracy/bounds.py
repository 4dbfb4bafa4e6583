"""Whether bounds hold: contract-months of simulated containers, judged by the template's terms, held against truth.

`python -m tests.accuracy.bounds` prints two tables as Markdown: false verdicts and months without a charge, also of
sensors in trouble, and the width of the bounds by how often a sensor reads. From the fleet's truth to columns, from
there through the rules' own samples to the kernels, all windows of a container at once; `test_bounds.py` holds that
short cut against `assess`. Nothing is decoded and no server is needed.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from datetime import time as clock
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from app import zones
from app.jobs.templates import contract_files
from kernels import availability, levels
from rules.assets import Installation
from rules.calendar import Window
from rules.contract import Standard, Terms
from rules.emptyings import confirmed, jump_of, screened
from rules.events import Samples, Source, samples_of
from rules.load import load_terms, zone_needed
from rules.measures import EmptiedMeasure, FullMeasure
from rules.numbers import PPM, value_on
from rules.records import Verdict
from rules.standards.judging import target_on
from rules.windows import standard_windows
from sensors import fleet
from sensors.columns import Columns
from sensors.fleet import DAY_US, HOUR_US, MINUTE_US, Container, Plan
from sensors.readings import NOT_SAID
from sensors.registry import kinds
from tests.acceptance.truth import longest_full_us, longest_unemptied_us

FIRST, UNTIL = date(2026, 9, 1), date(2026, 10, 1)
# Days before the month, so that what is looked back upon is known.
_BEFORE = 6
_KIND = "fill_level"
_ALWAYS_US = 2**61
Ints = NDArray[np.int64]


@cache
def terms_of_template() -> Terms:
    """Load the template's terms."""
    files = contract_files()
    needed = zone_needed(files)
    return load_terms(files, zones.snapshot(needed.name, needed.first_year, needed.last_year))


def plan_of(seed: int, containers: int, *, is_perfect: bool, days: int = (UNTIL - FIRST).days) -> Plan:
    """Plan a contract-month, with the days before it that are looked back upon."""
    terms, first = terms_of_template(), FIRST - timedelta(days=_BEFORE)
    midnights_us = tuple(terms.zone.instant(first + timedelta(days=n), clock(0)) for n in range(_BEFORE + days + 1))
    return Plan(seed, containers, tuple(terms.zones), midnights_us[0], _BEFORE + days, is_perfect, midnights_us)


def installation_of(one: Container) -> Installation:
    """Give the link between a container and its sensor."""
    geometry, signed = (one.empty_mm, one.full_mm, None), ("its-01", "jefe-01")
    return Installation(fleet.SOURCE, one.device, one.asset, 0, _ALWAYS_US, *geometry, *signed, one.gateway)


class Sensing(StrEnum):
    """How sensors behave."""

    LOSSY = "lossy"  # a reading in a hundred is lost, gateways are out, a sensor in twenty is away for two days
    TROUBLED = "troubled"  # and says something else than the waste now and then
    WHOLE = "whole"  # every reading comes
    EXACT = "exact"  # and is right to the millimetre


def said_by(plan: Plan, one: Container, every_us: int, sensing: Sensing) -> Columns:
    """Let a sensor speak at an interval, with the fleet's noise unless it is exact.

    In trouble an echo jumps to a wall or a strut, a lid is open, or the sensor says the most that it can say.
    """
    random = np.random.default_rng([plan.seed, int(one.asset[-4:]), every_us // MINUTE_US])
    end_us = plan.midnight_us(plan.days) + 12 * HOUR_US
    t_us = np.arange(plan.first_us - DAY_US + int(random.integers(30)) * MINUTE_US, end_us, every_us)
    distance_mm = one.empty_mm - np.round(fills_at(one, t_us) * (one.empty_mm - one.full_mm)).astype(np.int64)
    if sensing != Sensing.EXACT:
        distance_mm += random.integers(-fleet.NOISE_MM, fleet.NOISE_MM + 1, len(t_us))
    if sensing == Sensing.TROUBLED:
        _trouble(random, one, distance_mm)
    is_heard = np.ones(len(t_us), np.bool_)
    if sensing in {Sensing.LOSSY, Sensing.TROUBLED}:
        is_heard &= random.random(len(t_us)) >= 0.01  # one reading in a hundred is lost
        for out in fleet.gateway_outages(plan):
            is_heard &= (out.gateway != one.gateway) | (t_us < out.start_us) | (t_us >= out.end_us)
        if random.random() < 0.05:  # one sensor in twenty is away for two days and a bit
            begin_us = plan.midnight_us(_BEFORE + int(random.integers(plan.days - _BEFORE)))
            is_heard &= (t_us < begin_us) | (t_us >= begin_us + 55 * HOUR_US)
    return _columns(t_us[is_heard], np.maximum(distance_mm[is_heard], 0))


def fills_at(one: Container, t_us: Ints) -> NDArray[np.float64]:
    """Give the true fill at instants, after an emptying at that instant."""
    times, fills = np.array(one.times_us), np.array(one.fills)
    place = np.clip(np.searchsorted(times, t_us, side="right"), 1, len(times) - 1)
    span_us = np.maximum(times[place] - times[place - 1], 1)
    return fills[place - 1] + (fills[place] - fills[place - 1]) * (t_us - times[place - 1]) / span_us


def _trouble(random: np.random.Generator, one: Container, distance_mm: Ints) -> None:
    """Let one reading in eighty, and the one after in every other case, say something else than the waste."""
    for at in np.flatnonzero(random.random(len(distance_mm) - 1) < 1 / 80):
        what = random.integers(3)
        wrong_mm = (int(random.integers(60, 160)), one.empty_mm - 20, 5_080)[what]  # a lid, the floor, nothing came
        distance_mm[at : at + 1 + int(random.integers(2))] = wrong_mm


def _columns(t_us: Ints, distance_mm: Ints) -> Columns:
    kind, count = kinds()[_KIND], len(t_us)
    numbers = {quantity.name: np.full(count, NOT_SAID, np.int32) for quantity in kind.quantities}
    numbers["distance_mm"] = distance_mm.astype(np.int32)
    return Columns(
        kind=kind,
        device_id=np.ones(count, np.int64),
        event_time_us=t_us,
        sequence=np.arange(count, dtype=np.int64),
        clock=np.ones(count, np.int16),
        numbers=numbers,
        words={word.name: np.full(count, "") for word in kind.words},
        digest=np.zeros(count, "V16"),
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """Bounds and verdicts of one container's windows. Shape (m,). [us]."""

    windows: Sequence[Window]
    scan_us: Ints
    proven: Ints
    borne: Ints
    possible: Ints
    verdicts: list[Verdict]
    target: int


def judged(
    standard: Standard,
    samples: Samples,
    every_us: int,
    days: tuple[date, date] = (FIRST, UNTIL),
    *,
    is_exact: bool = False,
) -> Judged:
    """Judge one container by one standard, all its windows at once; the contractor bears every gap between samples.

    The readings expected follow the interval.
    """
    measure, day = standard.measure, days[0]
    windows = standard_windows(terms_of_template(), standard, days)
    start_us, end_us = (np.array(us, np.int64) for us in zip(*((w.start_us, w.end_us) for w in windows), strict=True))
    # To the millimetre is less than a thousandth of any container.
    declared_ppm = (
        round(value_on(standard.tolerance.signal_error, day) * PPM) if standard.tolerance.signal_error else 0
    )
    error_ppm = PPM // 1000 if is_exact else declared_ppm
    lo_ppm, hi_ppm = samples.lo_ppm - np.int32(error_ppm), samples.hi_ppm + np.int32(error_ppm)
    max_gap_us, adverse = max_gap_of(every_us), np.ones(len(samples.t_us) + 1, np.uint8)
    adverse[[0, -1]] = 0
    scan_us = start_us
    match measure:
        case FullMeasure():
            threshold_ppm = np.full(len(lo_ppm), round(value_on(measure.value, day) * PPM), np.int32)
            state = levels.states(lo_ppm, hi_ppm, threshold_ppm)
            bounds = levels.longest_run(samples.t_us, state, adverse, max_gap_us, scan_us, start_us, end_us)
        case EmptiedMeasure():
            drop_ppm, residual_ppm = (round(value_on(n, day) * PPM) for n in (measure.drop, measure.residual))
            scan_us = np.minimum(start_us, end_us - int(value_on(measure.look_back, day, "us")))
            kind = levels.drops(samples.t_us, lo_ppm, hi_ppm, drop_ppm, residual_ppm, max_gap_us)
            kind = confirmed(kind, samples, drop_ppm, residual_ppm, max_gap_us)
            bounds = levels.longest_unemptied(samples.t_us, kind, adverse, max_gap_us, scan_us, start_us, end_us)
        case other:
            raise TypeError(f"{other.kind} is no measure of a container")
    received, expected = availability.slots(samples.t_us, every_us, start_us, end_us)
    target = target_on(standard, day)
    least = value_on(standard.completeness.min, day) if standard.completeness else 0
    verdicts = [
        _verdict(int(low), int(high), target, is_measured=bool(came >= least * owed))
        for low, high, came, owed in zip(bounds[0], bounds[2], received, expected, strict=True)
    ]
    return Judged(windows, scan_us, *bounds, verdicts, target)


def max_gap_of(every_us: int) -> int:
    """Give the longest gap between readings: the template's 45 minutes, more where readings come less often. [us]."""
    return max(45 * MINUTE_US, every_us * 3 // 2)


def _verdict(proven: int, possible: int, target: int, *, is_measured: bool) -> Verdict:
    if not is_measured:
        return Verdict.INCONCLUSIVE
    return Verdict.NOT_MET if proven > target else Verdict.MET if possible <= target else Verdict.INCONCLUSIVE


@dataclass(slots=True)
class Tally:
    """What months add up to.

    Parameters
    ----------
    months, paid : int
        Contract-months, and those in which nothing is charged.
    verdicts : Counter of str
        Of all windows; `false` are those not met whose truth meets the target, `false_met` the other way round.
    outside, checked : int
        Windows whose truth lies outside the bounds, of those looked at.
    widths_us : list of ndarray
        Possible less proven, of windows in which something was possible. [us]
    """

    months: int = 0
    paid: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    outside: int = 0
    checked: int = 0
    widths_us: list[Ints] = field(default_factory=list[Ints])

    def width_min(self) -> float:
        """Mean width of the bounds. [min]."""
        widths_us = np.concatenate([np.empty(0, np.int64), *self.widths_us])
        return float(widths_us.mean()) / MINUTE_US if len(widths_us) else 0.0


def true_us(standard: Standard, one: Container, window: Window, scan_us: int) -> float:
    """Measure the truth of a window. [us]."""
    if isinstance(standard.measure, FullMeasure):
        threshold = float(value_on(standard.measure.value, window.day))
        return longest_full_us(one, window.start_us, window.end_us, threshold)
    return longest_unemptied_us(one, scan_us, window.start_us, window.end_us)


def count(tally: Tally, standard: Standard, one: Container, found: Judged, *, is_checked: bool) -> bool:
    """Count one container's windows; tell whether any of them is charged."""
    is_charged = False
    tally.widths_us.append((found.possible - found.proven)[found.possible > 0])
    for at, (window, verdict) in enumerate(zip(found.windows, found.verdicts, strict=True)):
        tally.verdicts[verdict.value] += 1
        is_charged |= verdict == Verdict.NOT_MET
        is_charged |= verdict == Verdict.INCONCLUSIVE and int(found.borne[at]) > found.target
        if verdict == Verdict.NOT_MET or is_checked:
            truth = true_us(standard, one, window, int(found.scan_us[at]))
            tally.verdicts["false"] += verdict == Verdict.NOT_MET and truth <= found.target
            tally.verdicts["false_met"] += verdict == Verdict.MET and truth > found.target
            tally.checked += 1
            # The fleet's truth is a fraction of a microsecond at the edges.
            tally.outside += not int(found.proven[at]) - 1 <= truth <= int(found.possible[at]) + 1
    return is_charged


def container_standards() -> list[Standard]:
    """Standards of containers of the template's terms."""
    standards = terms_of_template().file.standard
    return [one for one in standards if one.subject == "container" and one.tolerance.signal_error]


def simulated(
    seeds: Sequence[int], containers: int, every_us: int, sensing: Sensing, *, is_perfect: bool
) -> dict[str, Tally]:
    """Simulate a contract-month for each seed, and judge it by each standard of containers."""
    standards = container_standards()
    tallies = {one.id: Tally() for one in standards}
    for seed in seeds:
        plan = plan_of(seed, containers, is_perfect=is_perfect)
        charged = set[str]()
        for number, one in enumerate(fleet.containers(plan)):
            readings = said_by(plan, one, every_us, sensing)
            hung = installation_of(one)
            samples = screened(samples_of([Source(hung, readings)]), jump_of([hung]))
            for standard in standards:
                found = judged(standard, samples, every_us, is_exact=sensing == Sensing.EXACT)
                # To measure the truth takes longer than all else: of one container a month, and of all not met.
                if count(tallies[standard.id], standard, one, found, is_checked=number == 0):
                    charged.add(standard.id)
        for name, tally in tallies.items():
            tally.months += 1
            tally.paid += name not in charged
    return tallies


def verdict_rows(name: str, tallies: dict[str, Tally]) -> Iterator[str]:
    """Write what became of the months of a kind, a row for each standard."""
    for standard, one in tallies.items():
        said = one.verdicts
        windows = said["met"] + said["not_met"] + said["inconclusive"]
        yield (
            f"| {name} | {standard} | {one.months} | {windows} | {said['not_met']} | {said['inconclusive']} "
            f"| {said['false'] / one.months:.3f} | {one.paid / one.months:.2%} | {one.outside} of {one.checked} |"
        )


def tables(months: int, containers: int) -> Iterator[str]:
    """Write the tables."""
    half_hour_us, seeds = 30 * MINUTE_US, range(1, months + 1)
    yield f"Contract-months of {containers} containers, a reading each 30 minutes."
    yield ""
    yield (
        "| operations | standard | months | windows | not met | inconclusive | false not met a month "
        "| months without a charge | truth outside |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    fewer = range(1, max(months // 10, 1) + 1)
    yield from verdict_rows("honest", simulated(seeds, containers, half_hour_us, Sensing.LOSSY, is_perfect=False))
    yield from verdict_rows("perfect", simulated(seeds, containers, half_hour_us, Sensing.WHOLE, is_perfect=True))
    for name, is_perfect in (("honest", False), ("perfect", True)):
        found = simulated(fewer, containers, half_hour_us, Sensing.TROUBLED, is_perfect=is_perfect)
        yield from verdict_rows(f"{name}, sensors in trouble", found)
    yield ""
    yield "| standard | a reading each | mean width | of an exact sensor | in intervals | truth outside |"
    yield "|---|---|---|---|---|---|"
    for minutes in (60, 30, 15, 5, 1):
        yield from width_rows(range(1, max(months // 50, 1) + 1), containers, minutes)


def width_rows(seeds: Sequence[int], containers: int, minutes: int) -> Iterator[str]:
    """Write how wide the bounds are when a reading comes each so many minutes, a row for each standard."""
    several = [
        simulated(seeds, containers, minutes * MINUTE_US, sensing, is_perfect=False)
        for sensing in (Sensing.WHOLE, Sensing.EXACT)
    ]
    for standard in several[0]:
        whole, exact = (one[standard] for one in several)
        yield (
            f"| {standard} | {minutes} min | {whole.width_min():.1f} min | {exact.width_min():.1f} min "
            f"| {exact.width_min() / minutes:.2f} "
            f"| {whole.outside + exact.outside} of {whole.checked + exact.checked} |"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--months", type=int, default=1000)
    parser.add_argument("--containers", type=int, default=12)
    asked = parser.parse_args()
    for line in tables(asked.months, asked.containers):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
