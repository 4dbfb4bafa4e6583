"""Terms, register and readings → determinations: a pure function, whatever the order of arrival.

Each opportunity looks at the readings from `max_gap` before its scan to `max_gap` after its window, and at nothing
else; their digest, with the register's and the terms', is what its id rests on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, assert_never

import numpy as np

from kernels.availability import gaps, slots
from rules.assets import Asset, Register
from rules.calendar import Window, windows
from rules.contract import Bearer, EmptiedMeasure, FullMeasure, Standard, Terms, value_on
from rules.events import (
    Samples,
    Source,
    bounded,
    gap_causes,
    readings_digest,
    samples_of,
    sources_of,
    unwatched,
)
from rules.records import Determination, GapCause, Verdict, digest, opportunity_name
from rules.standards import full, unemptied
from rules.standards.measured import Measured, Question
from sensors.columns import FillLevels

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A standard's numbers on one day. Ratios in ppm, durations in microseconds."""

    error_ppm: int
    max_gap_us: int
    look_back_us: int
    target_us: int
    complete_ppm: int
    every_us: int


def assess(
    terms: Terms,
    register: Register,
    readings: Mapping[tuple[str, str], FillLevels],
    days: tuple[date, date],
    as_of_us: int,
) -> list[Determination]:
    """Judge every opportunity whose window starts in a span of days.

    Parameters
    ----------
    terms : Terms
    register : Register
    readings : mapping of (source, device) to FillLevels
        At least those that `span_us` asks for.
    days : tuple of date
        First local day, and the day after the last.
    as_of_us : int
        Windows that ended less than the terms' grace before are left out. [us since 1970, UTC]

    Returns
    -------
    list of Determination
        In the order of standard, subject, window.
    """
    found: list[Determination] = []
    for standard in sorted(terms.file.standard, key=lambda standard: standard.id):
        laid = [
            window
            for window in standard_windows(terms, standard, days)
            if window.end_us + int(value_on(terms.file.late.grace, window.day, "us")) <= as_of_us
        ]
        for asset in sorted(register.assets, key=lambda asset: (asset.asset, asset.since_us)):
            judged = [window for window in laid if _is_judged(terms, standard, asset, window)]
            if judged:
                sources = sources_of(asset.asset, register.installations, readings)
                samples = samples_of(sources).between(asset.since_us, asset.until_us)
                known = _Known(asset, tuple(sources), samples)
                found += [_determine(terms, standard, known, window) for window in judged]
    return found


def standard_windows(terms: Terms, standard: Standard, days: tuple[date, date]) -> list[Window]:
    """Lay a standard's windows over the days on which the terms hold.

    Parameters
    ----------
    terms : Terms
    standard : Standard
    days : tuple of date
        First local day, and the day after the last.
    """
    effective, hours = terms.file.contract.effective, standard.window
    weekdays = frozenset(n for n, name in enumerate(_WEEKDAYS) if hours.days == "daily" or name in hours.days)
    held = (max(days[0], effective.since), min(days[1], effective.until))
    return windows(terms.zone, hours.start, hours.end, held, weekdays)


def span_us(terms: Terms, days: tuple[date, date]) -> tuple[int, int]:
    """Span of the readings that the opportunities of a span of days look at.

    Parameters
    ----------
    terms : Terms
    days : tuple of date
        First local day, and the day after the last.

    Returns
    -------
    tuple of int
        Half open. [us since 1970, UTC]
    """
    spans = [
        (window.start_us - numbers.look_back_us - numbers.max_gap_us, window.end_us + numbers.max_gap_us)
        for standard in terms.file.standard
        for window in standard_windows(terms, standard, days)
        for numbers in (_numbers(standard, window.day),)
    ]
    return (min(first for first, _ in spans), max(until for _, until in spans)) if spans else (0, 0)


@dataclass(frozen=True, slots=True)
class _Known:
    asset: Asset
    sources: tuple[Source, ...]
    samples: Samples


def _numbers(standard: Standard, day: date) -> Numbers:
    measure = standard.measure
    if isinstance(measure, EmptiedMeasure):
        look_back_us = int(value_on(measure.look_back, day, "us"))
    else:
        carries = measure.across_windows and measure.look_back is not None
        look_back_us = int(value_on(measure.look_back, day, "us")) if carries and measure.look_back else 0
    return Numbers(
        error_ppm=round(value_on(standard.tolerance.signal_error, day) * 1_000_000),
        max_gap_us=int(value_on(measure.max_gap, day, "us")),
        look_back_us=look_back_us,
        target_us=int(value_on(standard.target.value, day, "us")),
        complete_ppm=round(value_on(standard.completeness.min, day) * 1_000_000),
        every_us=int(value_on(standard.completeness.every, day, "us")),
    )


def _determine(terms: Terms, standard: Standard, known: _Known, window: Window) -> Determination:
    numbers = _numbers(standard, window.day)
    # What was before the asset stood there is no fact about it.
    scan_us = max(_scan_start_us(standard, window, numbers), known.asset.since_us)
    first_us, until_us = scan_us - numbers.max_gap_us, window.end_us + numbers.max_gap_us
    samples = known.samples.between(first_us, until_us)
    bare = unwatched(known.asset, known.sources, first_us, until_us)
    marked = bounded(samples, bare, first_us, until_us)
    causes = gap_causes(marked, bare)
    bearers = terms.file.evidence.gap_bearer
    borne = tuple(bearers[cause] == Bearer.CONTRACTOR for cause in causes)
    question = Question(marked, borne, scan_us, window, numbers.error_ppm, numbers.max_gap_us)
    measured = _measure(standard, question)
    start, end = np.array([window.start_us], np.int64), np.array([window.end_us], np.int64)
    received, expected = (int(count[0]) for count in slots(samples.t_us, numbers.every_us, start, end))
    return Determination(
        contract=terms.id,
        standard=standard.id,
        terms_version=terms.version,
        subject=known.asset.asset,
        zone=known.asset.zone,
        day=window.day.isoformat(),
        window_start_us=window.start_us,
        window_end_us=window.end_us,
        verdict=_verdict(measured, numbers, received, expected),
        proven=measured.proven,
        borne=measured.borne,
        possible=measured.possible,
        target=numbers.target_us,
        received=received,
        expected=expected,
        digests={
            "readings": readings_digest(known.sources, first_us, until_us),
            "register": _register_digest(known, first_us, until_us),
            "terms": terms.digest,
        },
        trace={
            "looked_from_us": first_us,
            "looked_until_us": until_us,
            "samples": len(samples.t_us),
            **_trace(standard, question, measured, causes),
        },
    )


def _register_digest(known: _Known, first_us: int, until_us: int) -> str:
    """SHA-256 of the asset's place and installations within a span.

    What was hung or taken down outside the span is no input: a sensor re-hung in October must not give September's
    determinations other ids.
    """
    asset = known.asset
    stands = [max(asset.since_us, first_us), min(asset.until_us, until_us)]
    held = [
        asdict(replace(one, since_us=max(one.since_us, first_us), until_us=min(one.until_us, until_us)))
        for one in (source.installation for source in known.sources)
        if one.since_us < until_us and first_us < one.until_us
    ]
    return digest([asset.asset, asset.zone, asset.asset_class, stands, held])


def _scan_start_us(standard: Standard, window: Window, numbers: Numbers) -> int:
    """From where a stretch may begin: the window's start, or `look_back` before its end where it may carry in."""
    carries = isinstance(standard.measure, EmptiedMeasure) or standard.measure.across_windows
    return min(window.start_us, window.end_us - numbers.look_back_us) if carries else window.start_us


def _measure(standard: Standard, question: Question) -> Measured:
    match standard.measure:
        case FullMeasure() as terms:
            return full.measure(terms, question)
        case EmptiedMeasure() as terms:
            return unemptied.measure(terms, question)
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)


def _verdict(measured: Measured, numbers: Numbers, received: int, expected: int) -> Verdict:
    """Both bounds decide: met if the whole interval meets the target, not met if none of it does."""
    if received * 1_000_000 < numbers.complete_ppm * expected:
        return Verdict.INCONCLUSIVE
    if measured.possible <= numbers.target_us:
        return Verdict.MET
    return Verdict.NOT_MET if measured.proven > numbers.target_us else Verdict.INCONCLUSIVE


def _trace(standard: Standard, question: Question, measured: Measured, causes: Sequence[GapCause]) -> dict[str, Any]:
    samples, window = question.samples, question.window
    from_us, until_us = gaps(samples.t_us, question.max_gap_us, question.scan_start_us, window.end_us)
    # The interval a gap begins in: that after the last sample at or before it.
    intervals = np.searchsorted(samples.t_us, from_us, side="right")
    return {
        "measure": standard.measure.kind,
        "excluded": len(samples.excluded_us),
        "scan_start_us": question.scan_start_us,
        "proven_from_us": measured.from_us,
        "proven_until_us": measured.until_us,
        "gaps": [
            {"from_us": int(begin), "until_us": int(end), "cause": causes[int(k)].value}
            for begin, end, k in zip(from_us, until_us, intervals, strict=True)
        ],
    }


def opportunities(terms: Terms, register: Register, days: tuple[date, date]) -> set[str]:
    """Name the opportunities of a span of days, judged or not.

    Parameters
    ----------
    terms : Terms
    register : Register
    days : tuple of date
        First local day, and the day after the last.
    """
    return {
        opportunity_name((terms.id, standard.id, terms.version, asset.asset), window.start_us)
        for standard in terms.file.standard
        for window in standard_windows(terms, standard, days)
        for asset in register.assets
        if _is_judged(terms, standard, asset, window)
    }


def _is_judged(terms: Terms, standard: Standard, asset: Asset, window: Window) -> bool:
    """Whether an asset stands, as the window starts, in a zone that the standard covers and these terms know."""
    is_covered = asset.zone in (terms.zones if standard.zones == "all" else standard.zones)
    return is_covered and asset.since_us <= window.start_us < asset.until_us
