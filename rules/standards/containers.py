"""Standards of containers: each asset in a zone, each window."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

from kernels.availability import slots
from rules.assets import Asset, Installation, Register
from rules.calendar import Window
from rules.causes import Looked, Silence
from rules.contract import Standard, Terms
from rules.emptyings import SCREEN_WITHIN_US, jump_of, screened
from rules.events import Samples, Source, bounded, gap_causes, readings_digest, samples_of, sources_of, unwatched
from rules.measures import EmptiedMeasure, FullMeasure
from rules.numbers import value_on
from rules.records import Determination, digest
from rules.standards import full, unemptied
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, register_digest
from rules.standards.measured import Measured, Question

_KIND = "fill_level"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A standard's numbers on one day. Ratios in ppm, durations in microseconds."""

    error_ppm: int
    max_gap_us: int
    look_back_us: int
    every_us: int


@dataclass(frozen=True, slots=True)
class Known:
    """An asset, its installations with their readings, what these say of its fill, and what of it is believed."""

    asset: Asset
    sources: tuple[Source, ...]
    said: Samples
    samples: Samples


def _looks(standard: Standard, window: Window) -> tuple[int, int]:
    numbers = numbers_of(standard, window.day)
    # Samples reach `max_gap` further than the measure, and what tells the cause of a gap as far again; or what tells
    # whether a sample lies off its neighbours.
    further_us = numbers.max_gap_us + max(numbers.max_gap_us, SCREEN_WITHIN_US)
    return window.start_us - numbers.look_back_us - further_us, window.end_us + further_us


def _subjects(terms: Terms, register: Register, standard: Standard, window: Window) -> Iterable[tuple[str, str]]:
    return [(asset.asset, asset.zone) for asset in register.assets if is_judged(terms, standard, asset, window)]


def is_judged(terms: Terms, standard: Standard, asset: Asset, window: Window) -> bool:
    """Whether an asset stands, as the window starts, in a zone that the standard covers and these terms know.

    Parameters
    ----------
    terms : Terms
    standard : Standard
    asset : Asset
    window : Window
    """
    is_covered = asset.zone in (terms.zones if standard.zones == "all" else standard.zones)
    return is_covered and asset.since_us <= window.start_us < asset.until_us


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    for asset in sorted(facts.register.assets, key=lambda asset: (asset.asset, asset.since_us)):
        judged = [window for window in windows if is_judged(facts.terms, standard, asset, window)]
        if judged:
            known = known_of(facts, asset, facts.register.installations)
            for window in judged:
                yield determination(facts.terms, standard, judged_window(facts, standard, known, window))


FAMILY = Family((_KIND,), _looks, _subjects, _judge)


def known_of(facts: Facts, asset: Asset, installations: Sequence[Installation]) -> Known:
    """Find what is known of an asset's fill.

    Parameters
    ----------
    facts : Facts
    asset : Asset
    installations : sequence of Installation
        The asset's own, or all there are.
    """
    sources = sources_of(asset.asset, _KIND, installations, facts.readings)
    samples = samples_of(sources).between(asset.since_us, asset.until_us)
    return Known(asset, tuple(sources), samples, screened(samples, jump_of(one.installation for one in sources)))


def numbers_of(standard: Standard, day: date) -> Numbers:
    """Find a standard's numbers on a day.

    Parameters
    ----------
    standard : Standard
    day : date
    """
    measure, tolerance, completeness = _declared(standard)
    if isinstance(measure, EmptiedMeasure):
        look_back_us = int(value_on(measure.look_back, day, "us"))
    else:
        carries = measure.across_windows and measure.look_back is not None
        look_back_us = int(value_on(measure.look_back, day, "us")) if carries and measure.look_back else 0
    return Numbers(
        error_ppm=round(value_on(tolerance, day) * 1_000_000),
        max_gap_us=int(value_on(measure.max_gap, day, "us")),
        look_back_us=look_back_us,
        every_us=int(value_on(completeness.every, day, "us")),
    )


def _declared(standard: Standard) -> tuple[Any, Any, Any]:
    """Measure, error of the signal and completeness: the linter sees to it that a container's standard has them."""
    return standard.measure, standard.tolerance.signal_error, standard.completeness


def judged_window(facts: Facts, standard: Standard, known: Known, window: Window) -> Judged:
    """Measure an asset in one window, gaps with their causes looked at.

    Parameters
    ----------
    facts : Facts
    standard : Standard
    known : Known
    window : Window
    """
    numbers = numbers_of(standard, window.day)
    asset = known.asset
    # What was before the asset stood there is no fact about it.
    scan_us = max(_scan_start_us(standard, window, numbers), asset.since_us)
    first_us, until_us = scan_us - numbers.max_gap_us, window.end_us + numbers.max_gap_us
    hung = [one.installation for one in known.sources]
    samples = known.samples.between(first_us, until_us)
    said_us = (first_us - SCREEN_WITHIN_US, until_us + SCREEN_WITHIN_US)
    bare = unwatched(asset, known.sources, first_us, until_us)
    marked = bounded(samples, bare, first_us, until_us)
    looked = Looked(_KIND, first_us, until_us, numbers.max_gap_us)
    silent = gap_causes(marked, bare, known.sources, facts.presence, looked)
    question = Question(marked, (), scan_us, window, numbers.error_ppm, numbers.max_gap_us)
    measured = _measured(facts, standard, question, silent)
    if any(facts.is_borne(one.cause) for one in silent):
        # Which samples are believed depends on their neighbours: who removes these must not gain by it.
        said = bounded(known.said.between(first_us, until_us), bare, first_us, until_us)
        literal = _measured(facts, standard, replace(question, samples=said, is_literal=True), silent)
        measured = replace(measured, borne=literal.borne)
    start, end = np.array([window.start_us], np.int64), np.array([window.end_us], np.int64)
    received, expected = (int(count[0]) for count in slots(samples.t_us, numbers.every_us, start, end))
    trace = _trace(samples, scan_us, window, measured, silent)
    return Judged(
        subject=asset.asset,
        zone=asset.zone,
        window=window,
        bounds=Bounds(measured.proven, measured.borne, measured.possible),
        received=received,
        expected=expected,
        digests={
            "readings": readings_digest(known.sources, *said_us),
            "register": register_digest([asset], hung, said_us),
            "causes": digest([[one.from_us, one.until_us, one.cause.value] for one in silent]),
        },
        trace={"looked_from_us": said_us[0], "looked_until_us": said_us[1], "samples": len(samples.t_us), **trace},
    )


def _scan_start_us(standard: Standard, window: Window, numbers: Numbers) -> int:
    """From where a stretch may begin: the window's start, or `look_back` before its end where it may carry in."""
    measure = standard.measure
    carries = isinstance(measure, EmptiedMeasure) or (isinstance(measure, FullMeasure) and measure.across_windows)
    return min(window.start_us, window.end_us - numbers.look_back_us) if carries else window.start_us


def _measure(standard: Standard, question: Question) -> Measured:
    match standard.measure:
        case FullMeasure() as terms:
            return full.measure(terms, question)
        case EmptiedMeasure() as terms:
            return unemptied.measure(terms, question)
        case other:
            raise TypeError(f"{other.kind} is no measure of a container")


def _measured(facts: Facts, standard: Standard, question: Question, silent: Sequence[Silence]) -> Measured:
    """Measure; where one silence has two bearers, `borne` is measured anew with a cut between them.

    Only there: a cut between two causes that one side bears would shorten what they hide. And only `borne`: what is
    proven and possible follows from the container's own readings, whatever became of others.
    """
    samples, first_us = question.samples, silent[0].from_us if silent else 0

    def asked(known: Samples) -> Question:
        return replace(question, samples=known, is_borne=_borne(facts, silent, [first_us, *map(int, known.t_us)]))

    measured = _measure(standard, asked(samples))
    turns = [b.from_us for a, b in pairwise(silent) if facts.is_borne(a.cause) != facts.is_borne(b.cause)]
    cut = bounded(samples, [(us, us) for us in turns], first_us, silent[-1].until_us if silent else 0)
    if len(cut.t_us) == len(samples.t_us):
        return measured
    return replace(measured, borne=_measure(standard, asked(cut)).borne)


def _borne(facts: Facts, silent: Sequence[Silence], begins_us: Sequence[int]) -> tuple[bool, ...]:
    """For each interval, whether the contractor bears it if it is a gap."""
    reached_us = [one.until_us for one in silent]
    places = (bisect_right(reached_us, begin_us) for begin_us in begins_us)
    return tuple(k < len(silent) and facts.is_borne(silent[k].cause) for k in places)


def _trace(
    samples: Samples, scan_us: int, window: Window, measured: Measured, silent: Sequence[Silence]
) -> dict[str, Any]:
    cut = [(max(one.from_us, scan_us), min(one.until_us, window.end_us), one.cause.value) for one in silent]
    return {
        "excluded": len(samples.excluded_us),
        "scan_start_us": scan_us,
        "proven_from_us": measured.from_us,
        "proven_until_us": measured.until_us,
        "gaps": [
            {"from_us": from_us, "until_us": until_us, "cause": cause}
            for from_us, until_us, cause in cut
            if from_us < until_us
        ],
    }
