"""The truth lies between the bounds, and silence neither pays the one who bears it nor costs the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from rules.assess import assess
from rules.assets import Register
from rules.contract import Terms
from rules.records import Determination, Verdict
from tests.rules.contracts import (
    MINUTE_US,
    Said,
    contract_table,
    full_standard,
    readings_of,
    register_of,
    terms_of,
    unemptied_standard,
    utc_us,
)

DAY, NEXT = date(2026, 9, 10), date(2026, 9, 11)
START_US = utc_us("2026-09-05T00:00-03:00")
MINUTES = 7 * 1_440
FAR_US = utc_us("2030-01-01T00:00+00:00")
ERROR_PPM = 20_000
TOLERANCE = {"signal_error": "0.02", "bound": "favour_contractor"}
WINDOW = (5 * 1_440 + 6 * 60, 5 * 1_440 + 22 * 60)
DAY_WINDOW = (5 * 1_440, 6 * 1_440)
SEEDS = range(40)


@dataclass(frozen=True)
class World:
    """What truly happened, minute by minute, and what the sensor said of it."""

    fill_ppm: list[int]
    emptied: list[int]
    said: list[Said]


@cache
def world(seed: int) -> World:
    """Draw a container that fills steadily and is emptied at once, and a sensor that errs and falls silent.

    The contract's sampling assumption holds: once full it stays full for longer than `max_gap`, and once emptied it
    takes longer than that to show no remainder.
    """
    random = np.random.default_rng(seed)
    fill_ppm: list[int] = []
    emptied: list[int] = []
    level, rate, since_full = 0.1, float(random.uniform(100, 1_600)), 0
    for minute in range(MINUTES):
        since_full = since_full + 1 if level >= 900_000 else 0
        if random.random() < 0.0008 and (since_full == 0 or since_full > 46):
            level, rate = float(random.uniform(0, 40_000)), float(random.uniform(100, 1_600))
            emptied.append(minute)
            since_full = 0
        level = min(level + rate, 1_050_000)
        fill_ppm.append(int(level))
    said: list[Said] = []
    minute = 0
    while minute < MINUTES:
        error = int(random.integers(-ERROR_PPM, ERROR_PPM + 1))
        said.append(Said(START_US + minute * MINUTE_US, fill_ppm=fill_ppm[minute] + error))
        minute += int(random.integers(5, 31)) if random.random() > 0.01 else int(random.integers(46, 400))
    return World(fill_ppm, emptied, said)


def judge(terms: Terms, register: Register, said: Iterable[Said]) -> Determination:
    found = assess(terms, register, readings_of(d1=[*said]), (DAY, NEXT), FAR_US)
    return next(one for one in found if one.subject == "C-1")


def loaded(kind: str, bearer: str) -> tuple[Terms, Register]:
    if kind == "unemptied":
        standard = unemptied_standard(tolerance=TOLERANCE)
    else:
        standard = full_standard(tolerance=TOLERANCE, measure={**full_standard()["measure"], "kind": kind})
    terms = terms_of(contract_table(standard, bearer=bearer))
    return terms, register_of(terms)


def true_measure(kind: str, happened: World) -> int:
    """Measure the truth itself, in microseconds."""
    if kind == "unemptied":
        start, end = DAY_WINDOW
        cuts = [end - 4 * 1_440, *(m for m in happened.emptied if end - 4 * 1_440 < m < end), end]
        return max(until - since for since, until in pairwise(cuts) if until > start) * MINUTE_US
    is_full = [fill >= 900_000 for fill in happened.fill_ppm[slice(*WINDOW)]]
    if kind == "total_time":
        return sum(is_full) * MINUTE_US
    longest = run = 0
    for full in is_full:
        run = run + 1 if full else 0
        longest = max(longest, run)
    return longest * MINUTE_US


KINDS = ("longest_run", "total_time", "unemptied")


@pytest.mark.parametrize("kind", KINDS)
def test_truth_lies_between_the_bounds_when_the_sampling_assumption_holds(kind: str) -> None:
    terms, register = loaded(kind, "contractor")
    verdicts: set[Verdict] = set()
    for seed in SEEDS:
        happened = world(seed)
        found = judge(terms, register, happened.said)
        truth = true_measure(kind, happened)
        assert found.proven <= truth <= found.possible, seed
        assert found.proven <= found.borne <= found.possible, seed
        verdicts.add(found.verdict)
    assert {*Verdict} == verdicts, "the draw must reach every verdict"


@pytest.mark.parametrize("kind", KINDS)
def test_verdict_is_true_when_there_is_one(kind: str) -> None:
    terms, register = loaded(kind, "city")
    for seed in SEEDS:
        happened = world(seed)
        found = judge(terms, register, happened.said)
        is_met = true_measure(kind, happened) <= found.target
        assert found.verdict in {Verdict.INCONCLUSIVE, Verdict.MET if is_met else Verdict.NOT_MET}, seed


def silenced(happened: World, seed: int) -> list[Said]:
    """Leave out what was said over a stretch longer than `max_gap`."""
    random = np.random.default_rng(10_000 + seed)
    first = START_US + int(random.integers(4 * 1_440, 6 * 1_440)) * MINUTE_US
    until = first + int(random.integers(46, 1_500)) * MINUTE_US
    return [one for one in happened.said if not first <= one.t_us < until]


@pytest.mark.parametrize("kind", KINDS)
def test_silence_never_pays_when_the_contractor_bears_it(kind: str) -> None:
    terms, register = loaded(kind, "contractor")
    for seed in SEEDS:
        happened = world(seed)
        heard, unheard = (judge(terms, register, said) for said in (happened.said, silenced(happened, seed)))
        assert unheard.borne >= heard.borne, seed
        if heard.verdict == Verdict.NOT_MET:
            assert unheard.borne > unheard.target, seed


@pytest.mark.parametrize("kind", KINDS)
def test_silence_never_costs_when_the_city_bears_it(kind: str) -> None:
    terms, register = loaded(kind, "city")
    for seed in SEEDS:
        happened = world(seed)
        heard, unheard = (judge(terms, register, said) for said in (happened.said, silenced(happened, seed)))
        assert unheard.borne == unheard.proven <= heard.proven, seed
        assert unheard.possible >= heard.possible, seed
