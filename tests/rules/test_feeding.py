"""Data duties: worked shifts of a sweeper and a container, who bears what is missing, and what must not change it."""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assets import Register
from rules.contract import Terms
from rules.errors import TermsError
from rules.records import Determination, FindingCode, Verdict
from sensors.readings import Clock
from tests.rules.contracts import HOUR_US, MINUTE_US, Table, contract_table, terms_of
from tests.rules.standards_cases import (
    ASSETS,
    INSTALLATIONS,
    Told,
    assert_bounded,
    assert_only_looked_counts,
    assert_parts_make_the_whole,
    bounds,
    contract,
    judge,
    local_us,
    register,
    standard,
    transports,
    written,
)

DAY = date(2026, 9, 10)
NEXT = DAY + timedelta(days=1)
FIX, FILL = ("position_fix", "s1"), ("fill_level", "d1")
START_US = local_us("2026-09-10T22:00")
# A shift of ten hours with one fix owed each half hour: twenty.
SHIFT = {"start": time(22), "end": time(8), "days": "daily", "dst": "elapsed"}
HERE = (("latitude_e7", -334_500_000), ("longitude_e7", -706_600_000))
FLEET = ASSETS + "SW-1,,sweeper,2026-01-01,\nSW-2,VP-02,sweeper,2026-01-01,\n"
TRACKERS = INSTALLATIONS + "net,s1,SW-1,2026-01-01,,,,,ana,luis\nnet,s2,SW-2,2026-01-01,,,,,ana,luis\n"


def feed(**changes: Any) -> Table:
    """Nine tenths of a sweeper's half hours hold a fix."""
    measure = {"kind": "feed_completeness", "of": "position_fix", "assets": "sweeper", "every": "PT30M"}
    return standard("vehicle", measure, {"op": ">=", "value": "0.90"}, window=SHIFT, **changes)


def fleet(terms: Terms, installations: str = TRACKERS) -> Register:
    return register(terms, assets=FLEET, installations=installations)


def fixes(slots: Sequence[int], *, ignition: int = 1, clock: Clock = Clock.AGREES) -> list[Told]:
    """Send a fix ten minutes into some half hours of the shift, and one each before and after it."""
    return [
        Told(START_US + slot * 30 * MINUTE_US + 10 * MINUTE_US, (), (*HERE, ("ignition", ignition)), 0, clock)
        for slot in slots
    ]


ALL = [*range(-1, 21)]


def without(*slots: int) -> list[Told]:
    return fixes([slot for slot in ALL if slot not in slots])


def shift(said: Sequence[Told], bearer: str = "contractor", **bearers: str) -> Determination:
    """Judge the first sweeper's shift."""
    table = contract_table(feed(), bearer=bearer)
    table["evidence"]["gap_bearer"] |= bearers
    terms = terms_of(table)
    (found,) = [one for one in judge(terms, {FIX: said}, (DAY, NEXT), fleet(terms)) if one.subject == "SW-1"]
    return found


@pytest.mark.parametrize(
    ("lost", "verdict", "proven"),
    [
        ((), Verdict.MET, 1_000_000),
        ((4, 9), Verdict.MET, 900_000),
        ((4, 9, 15), Verdict.NOT_MET, 850_000),
        (tuple(range(-1, 21)), Verdict.NOT_MET, 0),
    ],
)
def test_share_is_of_the_slots_when_the_contractor_bears_what_is_lost(
    lost: tuple[int, ...], verdict: Verdict, proven: int
) -> None:
    found = shift(without(*lost))
    assert (verdict, (proven,) * 3) == (found.verdict, bounds(found))


def test_lost_slots_decide_nothing_when_the_city_bears_them() -> None:
    found = shift(without(4, 9, 15), "city")
    assert (Verdict.INCONCLUSIVE, (850_000, 1_000_000, 1_000_000)) == (found.verdict, bounds(found))
    assert not found.is_missed_borne


def test_lost_slots_are_each_their_causes_when_causes_differ() -> None:
    """Three half hours follow a last word that the ignition is off, one follows nothing that would tell."""
    said = [*fixes([slot for slot in ALL if slot not in {3, 4, 5, 6, 12}]), *fixes([3], ignition=0)]
    found = shift(said, operator_off="city")
    assert (800_000, 950_000, 950_000) == bounds(found)
    assert {"operator_off": 3, "unknown": 1} == found.trace["detail"]["missing"]
    assert (16, 20) == (found.received, found.expected)


@pytest.mark.parametrize(
    ("until", "spared"),
    # Taken down at 03:00; at 03:20, in the middle of a half hour without a fix, which the city then bears too.
    [("03:00", 10), ("03:20", 10)],
)
def test_hours_without_a_tracker_are_the_citys_when_the_contractor_bears_the_rest(until: str, spared: int) -> None:
    table = contract_table(feed(), bearer="contractor")
    table["evidence"]["gap_bearer"]["city"] = "city"
    terms = terms_of(table)
    hung = TRACKERS.replace("net,s1,SW-1,2026-01-01,,", f"net,s1,SW-1,2026-01-01,2026-09-11T{until},")
    (found,) = [
        one for one in judge(terms, {FIX: without(4, 10)}, (DAY, NEXT), fleet(terms, hung)) if one.subject == "SW-1"
    ]
    assert (450_000, 950_000, 950_000) == bounds(found)
    assert {"city": spared, "unknown": 1} == found.trace["detail"]["missing"]


def test_nothing_is_looked_at_when_the_vehicle_was_not_there_yet() -> None:
    terms = terms_of(contract_table(feed()))
    held = register(
        terms,
        assets=FLEET.replace("SW-1,,sweeper,2026-01-01", "SW-1,,sweeper,2026-09-10T20:00"),
        installations=TRACKERS,
    )
    found = judge(terms, {FIX: without()}, (DAY, NEXT), held)
    assert local_us("2026-09-10T20:00") == found[0].trace["looked_from_us"]


@pytest.mark.parametrize(("name", "value"), [("clock", Clock.DISAGREES), ("quality", 1)])
def test_reading_did_not_come_when_it_proves_nothing(name: str, value: int) -> None:
    table = feed()
    table["measure"] |= {"of": "fill_level", "assets": "container_1100l"}
    terms = contract({**table, "subject": "container"}, bearer="contractor")
    said = [Told(one.t_us, (), (("fill_ppm", 100_000),)) for one in without(4)]
    quality = (("quality_code", value),) if name == "quality" else ()
    clock = Clock.DISAGREES if name == "clock" else Clock.AGREES
    bad = Told(START_US + 130 * MINUTE_US, (), (("fill_ppm", 100_000), *quality), 0, clock)
    (found,) = [one for one in judge(terms, {FILL: [*said, bad]}, (DAY, NEXT)) if one.subject == "C-1"]
    assert (19, 20, 1) == (found.received, found.expected, found.trace["excluded"])
    assert {"device": 1} == found.trace["detail"]["missing"]


def test_vehicle_is_judged_when_it_belongs_to_no_zone() -> None:
    terms = terms_of(contract_table(feed(zones=["VP-01"])))
    found = judge(terms, {}, (DAY, NEXT), fleet(terms))
    assert [("SW-1", "")] == [(one.subject, one.zone) for one in found]


def test_night_owes_what_elapses_when_clocks_change() -> None:
    terms = terms_of(contract_table(feed()))
    found = judge(terms, {}, (date(2026, 9, 5), date(2026, 9, 6)), fleet(terms))
    assert {18} == {one.expected for one in found}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"target": {"op": ">=", "value": "0"}}, "standard[judged].target.value"),
        ({"measure": {**feed()["measure"], "every": "PT11H"}}, "standard[judged].measure.every"),
    ],
)
def test_duty_is_refused_when_it_cannot_be_missed(changes: Table, key: str) -> None:
    with pytest.raises(TermsError) as error:
        terms_of(contract_table({**feed(), **changes}))
    assert [(FindingCode.TARGET_UNREACHABLE, key)] == [(one.code, one.key) for one in error.value.findings]


BOTH = [
    {**feed(), "zones": ["VP-01", "VP-02"]},
    {
        **feed(id="levels"),
        "subject": "container",
        "measure": {**feed()["measure"], "of": "fill_level", "assets": "container_1100l"},
    },
]
# What the laws need of vehicles holds of containers too, whose register the shared laws know.
LEVELS = contract(BOTH[1], bearer="contractor")
DAYS = [(DAY + timedelta(days=n), DAY + timedelta(days=n + 1)) for n in range(-2, 3)]


def level(minute: int, battery_mv: int, rest: tuple[int, Clock]) -> Told:
    return Told(START_US + minute * MINUTE_US, (), (("battery_mv", battery_mv), ("fill_ppm", 100_000)), *rest)


levels = st.builds(
    level,
    st.one_of(st.integers(-40, 640), st.integers(-5_000, 5_000)),
    st.sampled_from([3_600, 2_500]),
    transports,
)
spoken = st.fixed_dictionaries({("fill_level", device): st.lists(levels, max_size=40) for device in ("d1", "d2")})
many = settings(deadline=None, max_examples=40)
Spoken = Mapping[tuple[str, str], list[Told]]


@given(spoken, st.randoms(use_true_random=False))
@many
def test_feeds_are_one_when_readings_come_in_any_order(said: Spoken, random: Any) -> None:
    # Fixes too, of a fleet: what is said of levels is said again as fixes.
    terms = contract(*BOTH)
    both = {**said, FIX: [Told(one.t_us, (), HERE, one.sequence, one.clock) for one in said[FILL]]}
    mixed = [(key, [*rows, *rows[:3]]) for key, rows in both.items()]
    random.shuffle(mixed)
    for _, rows in mixed:
        random.shuffle(rows)
    held = fleet(terms)
    turned = Register(tuple(reversed(held.assets)), tuple(reversed(held.installations)))
    first = judge(terms, both, (DAY, NEXT), held)
    assert_bounded(first)
    assert written(first) == written(judge(terms, dict(mixed), (DAY, NEXT), turned))


@given(spoken, spoken)
@many
def test_feed_is_one_when_only_readings_far_off_differ(said: Spoken, others: Spoken) -> None:
    assert_only_looked_counts(LEVELS, said, others, (DAY, NEXT))


@given(spoken)
@many
def test_days_one_by_one_give_the_month_when_each_sees_its_own_span(said: Spoken) -> None:
    assert_parts_make_the_whole(LEVELS, said, DAYS)


@given(spoken, st.data())
@many
def test_contractor_gains_nothing_when_it_keeps_readings_back(said: Spoken, data: Any) -> None:
    """Where it bears every cause, what does not come never raises its share."""
    kept_back = data.draw(st.lists(st.sampled_from([*said[FILL], None]), max_size=10))
    less = {**said, FILL: [one for one in said[FILL] if one not in kept_back]}
    for had, has in zip(judge(LEVELS, said, (DAY, NEXT)), judge(LEVELS, less, (DAY, NEXT)), strict=True):
        assert all(was >= now for was, now in zip(bounds(had), bounds(has), strict=True))


@given(spoken, st.data())
@many
def test_contractor_loses_nothing_when_the_city_bears_what_is_lost(said: Spoken, data: Any) -> None:
    terms = contract(BOTH[1])
    lost = data.draw(st.lists(st.sampled_from([*said[FILL], None]), max_size=10))
    less = {**said, FILL: [one for one in said[FILL] if one not in lost]}
    for had, has in zip(judge(terms, said, (DAY, NEXT)), judge(terms, less, (DAY, NEXT)), strict=True):
        assert had.borne <= has.borne
        assert not has.is_missed


@given(st.sets(st.integers(0, 19)))
@many
def test_share_is_counted_when_slots_are_lost(lost: set[int]) -> None:
    """The obvious count: slots that hold a fix."""
    found = shift(without(*lost))
    assert (20 - len(lost)) * 1_000_000 // 20 == found.proven
    assert HOUR_US * len(lost) // 2 <= sum(gap["until_us"] - gap["from_us"] for gap in found.trace["gaps"])
