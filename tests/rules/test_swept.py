"""Swept share, worst tenth and time without a pass: held against virtual sweepers whose truth is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import combinations, pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.jobs.demo_field import field_of, register_of
from rules.assess import assess
from rules.assets import Register
from rules.contract import Bearer, Terms
from rules.fixes import Gap
from rules.records import Determination, GapCause, Verdict
from rules.register import load_register
from rules.standards import stretches
from rules.standards.streets import Coverage, Swept, hide
from rules.sweeps import Hidden
from sensors import sweepers
from sensors.columns import Columns
from sensors.kinds.position_fix import KIND as FIX
from sensors.sweepers import Swept as Truth
from tests.acceptance.truth import swept_m
from tests.rules.field import stored

DAYS = 6
FAR_US = 2**61
# Truth is in floats, the map in whole millimetres of a projection. [mm]
SLACK_MM = 300
Readings = Mapping[tuple[str, str, str], Columns]


@dataclass(frozen=True)
class Scene:
    """Six nights of three sweepers."""

    terms: Terms
    register: Register
    readings: Readings
    truth: list[Truth]


@cache
def scene(seed: int, *, is_perfect: bool = False, step_s: int = 10) -> Scene:
    field = field_of(seed, 1, is_perfect=is_perfect, days=DAYS)
    names = ("night-sweep", "worst-streets", "time-without-pass")
    kept = tuple(one for one in field.terms.file.standard if one.id in names)
    terms = replace(field.terms, file=field.terms.file.model_copy(update={"standard": kept}))
    with patch.object(sweepers, "_MOVING_US", step_s * 1_000_000):
        readings = stored(sweepers.fixes(field.plan, field.streets))
    return Scene(
        terms, load_register(register_of(field), field.terms), readings, sweepers.swept(field.plan, field.streets)
    )


def bearing(terms: Terms, bearer: Bearer) -> Terms:
    bearers = dict.fromkeys(GapCause, bearer)
    standards = tuple(one.model_copy(update={"gap_bearer": bearers}) for one in terms.file.standard)
    return replace(terms, file=terms.file.model_copy(update={"standard": standards}))


def only(terms: Terms, *names: str) -> Terms:
    kept = tuple(one for one in terms.file.standard if one.id in names)
    return replace(terms, file=terms.file.model_copy(update={"standard": kept}))


def nights(one: Scene, terms: Terms | None = None, readings: Readings | None = None) -> list[Determination]:
    days = (date(2026, 9, 1), date(2026, 9, 1 + DAYS))
    return assess(terms or only(one.terms, "night-sweep"), one.register, readings or one.readings, days, FAR_US)


@pytest.mark.parametrize(("seed", "step_s"), [*((seed, 10) for seed in range(1, 5)), (1, 5), (2, 2), (3, 1)])
def test_bounds_hold_the_truth_when_sweepers_misbehave(seed: int, step_s: int) -> None:
    one = scene(seed, step_s=step_s)
    wrong = [
        (night.id, segment, proven_mm, true_mm, possible_mm)
        for night in nights(one)
        for segment, _, proven_mm, _, possible_mm in night.trace["segments"]
        for true_mm in [swept_m(one.truth, segment, night.window_start_us, night.window_end_us) * 1_000]
        if not proven_mm - SLACK_MM <= true_mm <= possible_mm + SLACK_MM
    ]

    assert [] == wrong


@pytest.mark.parametrize("seed", range(1, 5))
def test_share_holds_the_truth_when_sweepers_misbehave(seed: int) -> None:
    one = scene(seed)
    wrong = [
        (night.id, night.proven, true_ppm, night.possible)
        for night in nights(one)
        for true_ppm in [_true_ppm(one, night)]
        if not night.proven - 2_000 <= true_ppm <= night.possible + 2_000
    ]

    assert [] == wrong


def _true_ppm(one: Scene, night: Determination) -> float:
    true_mm = sum(
        swept_m(one.truth, segment, night.window_start_us, night.window_end_us) * 1_000
        for segment, *_ in night.trace["segments"]
    )
    return true_mm * 1_000_000 / night.trace["detail"]["length_mm"]


def test_verdicts_are_both_when_some_nights_are_left_out() -> None:
    verdicts = {night.verdict for seed in range(1, 5) for night in nights(scene(seed))}

    assert {Verdict.MET, Verdict.NOT_MET} <= verdicts


def test_every_night_is_met_when_sweepers_are_perfect() -> None:
    assert {Verdict.MET} == {night.verdict for night in nights(scene(1, is_perfect=True))}


def test_bounds_are_narrower_when_trackers_speak_more_often() -> None:
    sparse, dense = (
        sum(night.possible - night.proven for night in nights(scene(1, is_perfect=True, step_s=step_s)))
        for step_s in (10, 2)
    )

    assert 0 < dense < sparse


def test_night_has_six_hours_when_the_clocks_spring_forward() -> None:
    lengths = {night.day: (night.window_end_us - night.window_start_us) / 3.6e9 for night in nights(scene(1))}

    assert {6} == {lengths["2026-09-05"]}
    assert {7} == {hours for day, hours in lengths.items() if day != "2026-09-05"}


def without(readings: Readings, keep: Sequence[bool] | np.ndarray) -> Readings:
    """Leave out fixes, by their place among all of all vehicles."""
    kept: dict[tuple[str, str, str], Columns] = {}
    place = 0
    for key in sorted(readings):
        count = len(readings[key])
        kept[key] = readings[key].rows(np.resize(np.asarray(keep, np.bool_), place + count)[place:])
        place += count
    return kept


_SILENCES = st.lists(st.booleans(), min_size=3, max_size=40)


@pytest.mark.parametrize("seed", range(1, 4))
def test_silence_never_pays_when_only_the_words_broom_up_are_kept_back(seed: int) -> None:
    one = scene(seed)
    terms = bearing(only(one.terms, "night-sweep"), Bearer.CONTRACTOR)
    kept = {key: part.rows(part.numbers["inputs"] == 1) for key, part in one.readings.items()}

    whole, part = nights(one, terms), nights(one, terms, kept)

    assert not [
        (before.id, before.borne, after.borne)
        for before, after in zip(whole, part, strict=True)
        if after.borne > before.possible
    ]


def test_places_rule_when_the_speed_that_is_said_contradicts_them() -> None:
    one = scene(1, is_perfect=True)
    fast = {key: _times_eight(part) for key, part in one.readings.items()}

    found = nights(one, readings=fast)

    assert {0} == {night.proven for night in found}


def _times_eight(part: Columns) -> Columns:
    """The same places, driven eight times as fast, with the speed as it was said."""
    start_us = int(part.event_time_us[0])
    return replace(part, event_time_us=start_us + (part.event_time_us - start_us) // 8)


def test_vehicle_proves_nothing_after_it_has_left() -> None:
    one = scene(1, is_perfect=True)
    night_us = nights(one)[0].window_start_us
    gone = tuple(
        replace(asset, until_us=night_us + 1_000_000) if asset.asset_class == "sweeper" else asset
        for asset in one.register.assets
    )
    (first, *_) = nights(replace(one, register=replace(one.register, assets=gone)))

    assert (0, Verdict.NOT_MET) == (first.proven, first.verdict)


def test_vehicle_counts_when_it_came_after_the_window_began() -> None:
    one = scene(1, is_perfect=True)
    night_us = nights(one)[0].window_start_us
    late = tuple(
        replace(asset, since_us=night_us + 1_000_000) if asset.asset_class == "sweeper" else asset
        for asset in one.register.assets
    )
    (first, *_) = nights(replace(one, register=replace(one.register, assets=late)))

    assert Verdict.MET == first.verdict


@given(_SILENCES, st.integers(20, 400))
@settings(max_examples=8, deadline=None)
def test_silence_never_pays_when_the_contractor_bears_it(pattern: list[bool], block: int) -> None:
    one = scene(2)
    terms = bearing(only(one.terms, "night-sweep"), Bearer.CONTRACTOR)
    silent = without(one.readings, np.repeat(pattern, block))

    whole, part = nights(one, terms), nights(one, terms, silent)

    assert all(after.borne <= before.possible for before, after in zip(whole, part, strict=True))
    assert not [
        (before.id, before.borne, after.borne)
        for before, after in zip(whole, part, strict=True)
        if before.is_missed and not after.is_missed_borne
    ]


@given(_SILENCES, st.integers(20, 400))
@settings(max_examples=8, deadline=None)
def test_silence_never_costs_when_the_city_bears_it(pattern: list[bool], block: int) -> None:
    one = scene(2)
    terms = bearing(only(one.terms, "night-sweep"), Bearer.CITY)
    silent = without(one.readings, np.repeat(pattern, block))

    whole, part = nights(one, terms), nights(one, terms, silent)

    assert not [
        (before.id, before.proven, after.borne)
        for before, after in zip(whole, part, strict=True)
        if before.verdict == Verdict.MET and after.is_missed_borne
    ]


def test_nothing_changes_when_fixes_arrive_in_another_order_or_beyond_the_window() -> None:
    one = scene(3)
    first = nights(one)
    day = (date(2026, 9, 3), date(2026, 9, 4))

    alone = assess(only(one.terms, "night-sweep"), one.register, one.readings, day, FAR_US)

    assert [night.id for night in first if night.day == "2026-09-03"] == [night.id for night in alone]
    assert [night for night in first if night.day == "2026-09-03"] == alone


def test_nobody_could_be_heard_when_no_vehicle_is_registered() -> None:
    one = scene(1)
    register = Register((), ())
    (night, *_) = assess(only(one.terms, "night-sweep"), register, {}, (date(2026, 9, 1), date(2026, 9, 2)), FAR_US)

    # The doubt is the city's: it has nothing to see with.
    assert (0, 1_000_000, 1_000_000) == (night.proven, night.borne, night.possible)
    assert Verdict.INCONCLUSIVE == night.verdict


def test_share_is_that_of_the_worked_example_when_a_gap_hides_900_m() -> None:
    # A zone of 12,400 m, 9,500 m proven and 900 m inside a gap: 76.61 % to 83.87 %.
    swept_mm = np.array([9_500_000, 0])
    swept = Swept(np.array([9_500_000, 2_900_000]), swept_mm, swept_mm, swept_mm)
    gap = Hidden(Gap(0, 1, -1, -1, GapCause.DEVICE), (0, 1), 900_000, np.array([0, 1], np.int32))

    found = hide(Coverage(np.array([0, 1]), swept, *swept.total()), [(gap, True)])

    assert (766_129, 838_709) == (
        found.proven_mm * 1_000_000 // found.length_mm,
        found.possible_mm * 1_000_000 // found.length_mm,
    )
    assert 9_500_000 == found.borne_mm


def test_worst_tenth_lies_below_the_share_when_streets_are_left_out() -> None:
    one = scene(4)
    month = assess(only(one.terms, "worst-streets"), one.register, one.readings, _month(), FAR_US)

    assert 4 == len(month)
    for each in month:
        shares = sorted(proven * 1_000_000 // length for _, length, proven, _, _ in each.trace["segments"])
        chosen = -(-len(shares) // 10)
        assert sum(shares[:chosen]) // chosen == each.proven <= each.borne <= each.possible


def _month() -> tuple[date, date]:
    return date(2026, 9, 1), date(2026, 9, 2)


def test_pass_bounds_are_ordered_when_a_month_is_only_partly_heard() -> None:
    one = scene(1)
    month = assess(only(one.terms, "time-without-pass"), one.register, one.readings, _month(), FAR_US)
    network = one.terms.network

    assert network is not None
    assert sum(bool(zone) for zone in network.zone_ids) == len(month)
    assert all(each.proven <= each.borne <= each.possible for each in month)
    # Six nights were heard, of the rest nobody knows anything.
    assert {Verdict.INCONCLUSIVE} == {each.verdict for each in month}


_US = st.integers(0, 24)


def _value(passes: frozenset[int], edges: tuple[int, int, int, int]) -> int:
    """Longest stretch of known passes, by looking at each."""
    scan, start, end, target = edges
    cuts = [scan, *sorted(us for us in passes if scan < us < end), end]
    best = 0
    for low, high in pairwise(cuts):
        if high > start:
            best = max(best, high - (start if low < start - target else low))
    return best


_SPANS = st.lists(st.tuples(_US, st.integers(0, 3)), max_size=2)


@given(
    st.lists(st.tuples(_US, st.integers(0, 2)), max_size=3),
    _SPANS,
    _SPANS,
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 9)),
)
@settings(max_examples=300, deadline=None)
def test_stretches_hold_every_way_that_doubts_may_turn_out(
    sure: list[tuple[int, int]],
    benign: list[tuple[int, int]],
    adverse: list[tuple[int, int]],
    window: tuple[int, int, int],
) -> None:
    start, length, target = window
    edges = (0, start, start + length, target)
    passed, free, borne = ([(low, low + width) for low, width in spans] for spans in (sure, benign, adverse))
    instants = sorted({us for low, high in [*passed, *free, *borne] for us in range(low, high + 1)})
    assume(len(instants) <= 12)

    ways = [
        _value(frozenset(chosen), edges)
        for count in range(len(instants) + 1)
        for chosen in combinations(instants, count)
        if all(any(low <= us <= high for us in chosen) for low, high in passed)
    ]
    every = [*free, *borne]
    least, _, _ = stretches.at_least(passed, every, [], edges)
    middle, _, _ = stretches.at_least(passed, free, borne, edges)
    most, _, _ = stretches.at_most(passed, every, edges)

    assert least <= min(ways)
    assert max(ways) == most
    assert least <= middle <= most


def instants(*times: int) -> list[tuple[int, int]]:
    return [(us, us) for us in times]


def test_stretch_is_one_fact_when_it_runs_over_the_end_of_a_month() -> None:
    # Four days without a pass up to an hour into the month, limit three: that was last month's fact.
    edges = (0, 100, 200, 72)
    for bound in (
        stretches.at_least(instants(4, 101), [], [], edges),
        stretches.at_most(instants(4, 101), [], edges),
    ):
        assert 1 == bound[0] - 98
    # Begun two days before the month and ended two days into it: nobody has judged it yet.
    assert 96 == stretches.at_least(instants(52, 148, 150, 190), [], [], edges)[0]


def test_stretch_is_longer_or_shorter_by_a_visit_when_the_pass_was_at_some_time_of_it() -> None:
    edges, visits = (0, 0, 100, 200), [(20, 30), (70, 75)]
    assert 40 == stretches.at_least(visits, [], [], edges)[0]
    assert 55 == stretches.at_most(visits, [], edges)[0]


def test_fixes_of_a_kind_are_columns_when_stored() -> None:
    one = scene(1)

    assert {FIX.name} == {key[0] for key in one.readings}
