"""What a sweeper drove lies between the bounds of what was swept, passed and driven too fast, in small towns."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.records import Determination
from rules.sweeps import VISIT_US
from tests.rules.contracts import HOUR_US
from tests.rules.driven import ABOVE_MMPS, DAYS, NIGHTS, Leg, World, world
from tests.rules.standards_cases import assert_bounded, judge, local_us

DAY_US = 24 * HOUR_US
SLACK_MM = 300
"""The map is in whole millimetres, a fix in whole centimetres."""


# A broom put down just round a corner, by a fix that was matched to the corner.
@example(3_001_194)
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_bounds_hold_what_was_driven(seed: int) -> None:
    here = world(seed)
    found = judge(here.terms, {("position_fix", "s1"): here.said}, DAYS, here.held)
    assert_bounded(found)
    assert {"swept", "passed", "fast"} == {one.standard for one in found}
    assert [] == [*_wrong(here, found)]


def _wrong(here: World, found: Iterable[Determination]) -> Iterable[tuple[object, ...]]:
    """List what lies outside of its bounds: standard, day, subject, proven, truth, possible."""
    lengths_mm = dict(zip(here.network.segment_ids, here.network.length_mm.tolist(), strict=True))
    for one in found:
        window = (one.window_start_us, one.window_end_us)
        bounds = [(one.subject, one.proven, one.possible)]
        if one.standard == "swept":
            rows = one.trace["segments"]
            true = {name: _swept_mm(here, name, window) for name, *_ in rows}
            bounds = [(name, proven, possible) for name, _, proven, _, possible in rows]
            true[one.subject] = 1_000_000 * sum(true.values()) / sum(lengths_mm.values())
            slack = float(SLACK_MM)
            slack_ppm = 1_000_000 * SLACK_MM * len(rows) / sum(lengths_mm.values())
            if not one.proven - slack_ppm <= true[one.subject] <= one.possible + slack_ppm:
                yield one.standard, one.day, one.subject, one.proven, true[one.subject], one.possible
        elif one.standard == "passed":
            true, slack = {one.subject: _unpassed_us(here, one, lengths_mm[one.subject])}, 0
        else:
            true, slack = {one.subject: _fast_us(here, window)}, 0
        for name, proven, possible in bounds:
            if not proven - slack <= true[name] <= possible + slack:
                yield one.standard, one.day, name, proven, true[name], possible


def _swept_mm(here: World, name: str, window: tuple[int, int]) -> float:
    place = here.network.segment_ids.index(name)
    return _union_mm([leg for leg in here.worked if leg.segment == place], window)


def _union_mm(legs: Iterable[Leg], window: tuple[int, int]) -> float:
    """Length that legs cover together within a window."""
    covered_mm = until_mm = 0.0
    for from_mm, to_mm in sorted(
        sorted(leg.at_mm(min(max(us, leg.start_us), leg.end_us)) for us in window) for leg in legs
    ):
        covered_mm += max(to_mm - max(from_mm, until_mm), 0)
        until_mm = max(until_mm, to_mm)
    return covered_mm


def _unpassed_us(here: World, one: Determination, length_mm: int) -> int:
    """Longest time without a visit that swept three fifths; what was too long before the month counts from then."""
    place = here.network.segment_ids.index(one.subject)
    passes_us: list[int] = []
    for night in NIGHTS:
        window = (local_us(f"{night}T22:00"), local_us(f"{night}T23:00"))
        stays: list[list[Leg]] = []
        for leg in here.worked:
            if leg.segment != place or leg.end_us <= window[0] or window[1] <= leg.start_us:
                continue
            if stays and leg.start_us - stays[-1][-1].end_us <= VISIT_US:
                stays[-1].append(leg)
            else:
                stays.append([leg])
        passes_us += [min(stay[-1].end_us, window[1]) for stay in stays if _union_mm(stay, window) >= 0.6 * length_mm]
    start_us = one.window_start_us
    cuts_us = [start_us - 20 * DAY_US, *passes_us, one.window_end_us]
    return max(
        until_us - (start_us if from_us < start_us - one.target else from_us)
        for from_us, until_us in pairwise(cuts_us)
        if until_us > start_us
    )


def _fast_us(here: World, window: tuple[int, int]) -> int:
    return sum(
        max(min(leg.end_us, window[1]) - max(leg.start_us, window[0]), 0)
        for leg in here.legs
        if leg.is_down and leg.speed_mmps > ABOVE_MMPS
    )
