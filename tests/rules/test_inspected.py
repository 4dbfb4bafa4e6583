"""Inspected points: worked months of a market, the draw, and what must not change a verdict."""

from collections.abc import Sequence
from datetime import date, time
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.contract import Point, Terms
from rules.errors import TermsError
from rules.measures import InspectedMeasure
from rules.records import Determination, FindingCode, Verdict
from rules.sampling import draw, plan
from tests.rules.contracts import Table, contract_table, terms_of
from tests.rules.standards_cases import (
    POINTS,
    Told,
    assert_bounded,
    assert_only_looked_counts,
    assert_order_is_free,
    assert_parts_make_the_whole,
    at,
    bounds,
    contract,
    judge,
    local_us,
    standard,
    told,
    transports,
)

SEPTEMBER = (date(2026, 9, 1), date(2026, 10, 1))
GRADES = {"A": "1", "B": "0.7", "C": "0.3", "D": "0"}
CLOSING = {"start": time(15), "end": time(19), "days": "daily", "dst": "elapsed", "span": "month"}
KEY = ("inspection", "t1")


def closing(**changes: Any) -> Table:
    """At least 80 % of 15 drawn points of each zone are B or better within four hours of closing."""
    measure = {
        "kind": "share_at_or_above",
        "scale": "four grades",
        "grades": [{"grade": grade, "weight": weight} for grade, weight in GRADES.items()],
        "grade": "B",
        "sample": {
            "strata": [{"id": "street", "n": 10}, {"id": "hall", "n": 5}],
            "draw": "seeded",
            "seed": "acta-12",
            "min_n": 12,
            "off_plan_counts": False,
        },
    }
    return standard("zone", {**measure, **changes}, {"op": ">=", "value": "0.80"}, window=CLOSING)


MEAN = {"kind": "mean_grade", "grade": ""}


def drawn(terms: Terms, zone: str = "VP-01") -> list[str]:
    """List the points drawn in September, streets first."""
    measure = terms.file.standard[0].measure
    assert isinstance(measure, InspectedMeasure)
    return [point for points in plan(terms, measure.sample, zone, SEPTEMBER[0]).values() for point in points]


def visits(terms: Terms, grades: str) -> list[Told]:
    """Inspect the drawn points in turn on the 10th at 18:00; a dot is a point that nobody went to."""
    return [
        told("2026-09-10T18:00", point=point, grade=grade, plan="2026-09", sequence=n)
        for n, (point, grade) in enumerate(zip(drawn(terms), grades, strict=True))
        if grade != "."
    ]


def month(terms: Terms, said: Sequence[Told]) -> Determination:
    (found,) = [one for one in judge(terms, {KEY: said}, SEPTEMBER) if one.zone == "VP-01"]
    return found


@pytest.mark.parametrize(
    ("grades", "verdict", "proven", "possible"),
    [
        ("AABBBBBABCCDBBA", Verdict.MET, 800_000, 800_000),  # twelve of fifteen
        ("AABBBBBABCCDCBA", Verdict.NOT_MET, 733_333, 733_334),  # eleven
        ("AABBBBBABCCD.BA", Verdict.INCONCLUSIVE, 733_333, 800_000),  # eleven, and one that may have been good
        ("AABBBBBACCCC...", Verdict.NOT_MET, 533_333, 733_334),  # eight, and at most three more
        ("DDDDDDDDDDD....", Verdict.INCONCLUSIVE, 0, 1_000_000),  # eleven inspected: fewer than twelve
        ("...............", Verdict.INCONCLUSIVE, 0, 1_000_000),
    ],
)
def test_market_month_when_points_are_inspected(grades: str, verdict: Verdict, proven: int, possible: int) -> None:
    terms = contract(closing())
    found = month(terms, visits(terms, grades))
    assert (verdict, proven, possible, possible) == (found.verdict, *bounds(found))


def test_trace_says_how_the_share_came_about_when_a_point_is_bad_or_left_out() -> None:
    terms = contract(closing())
    found = month(terms, visits(terms, "AABBBBBABCCD.BA"))
    points, at_us = drawn(terms), local_us("2026-09-10T18:00")
    detail = {"planned": 15, "achieved": 14, "good": 11, "grade": "B", "scale": "four grades", "min_n": 12}
    assert detail == found.trace["detail"]
    assert [
        {"stratum": "hall", "planned": 5, "achieved": 4, "good": 2},
        {"stratum": "street", "planned": 10, "achieved": 10, "good": 9},
    ] == found.trace["strata"]
    assert [points[12]] == found.trace["not_inspected"]
    assert (
        sorted([[points[9], "C", at_us], [points[10], "C", at_us], [points[11], "D", at_us]]) == found.trace["under"]
    )
    assert (14, 15) == (found.received, found.expected)


def test_mean_weighs_grades_when_the_scale_has_weights() -> None:
    # Ten A, two B and two C of fifteen: 10 + 1.4 + 0.6; the one left out is worth nothing, or as much as an A.
    terms = contract(closing(**MEAN))
    found = month(terms, visits(terms, "AAAAAAAAAABB.CC"))
    assert (800_000, 866_667, 866_667) == bounds(found)


def test_inspection_counts_only_in_hours_of_the_plan_when_there_are_more() -> None:
    terms = contract(closing())
    first, *_ = points = drawn(terms)
    others = sorted({line.split(",")[0] for line in POINTS.splitlines() if ",VP-01," in line} - {*points})
    said = [
        told("2026-09-10T14:59", point=first, grade="A", plan="2026-09"),
        told("2026-09-10T19:00", point=first, grade="A", plan="2026-09"),
        told("2026-09-10T16:00", point=first, grade="A"),
        told("2026-09-10T16:01", point=first, grade="A", plan="2026-08"),
        told("2026-09-10T16:02", point=others[0], grade="D", plan="2026-09"),
        told("2026-09-10T16:03", point="nowhere", grade="D", plan="2026-09"),
        told("2026-09-10T16:04", point=first, grade="A", plan="2026-09", is_clock_wrong=True),
        told("2026-09-10T18:59", point=first, grade="C", plan="2026-09"),
        told("2026-09-11T18:00", point=first, grade="A", plan="2026-09"),
    ]
    trace = month(terms, said).trace
    assert [[first, "C", local_us("2026-09-10T18:59")]] == trace["under"]
    counts = {name: trace[name] for name in ("off_plan", "outside_hours", "repeated", "excluded")}
    assert {"off_plan": 3, "outside_hours": 2, "repeated": 1, "excluded": 1} == counts


@pytest.mark.parametrize("grade", ["E", "a"])
def test_point_is_not_inspected_when_its_grade_is_none_of_the_scale(grade: str) -> None:
    terms = contract(closing())
    said = visits(terms, "AAAAAAAAAAAAAA.")
    point = drawn(terms)[-1]
    found = month(terms, [*said, told("2026-09-11T18:00", point=point, grade=grade, plan="2026-09")])
    assert (933_333, 1_000_000) == (found.proven, found.possible)
    assert [[point, grade, local_us("2026-09-11T18:00")]] == found.trace["unread"]


def test_point_is_not_inspected_when_two_contents_are_in_conflict() -> None:
    terms = contract(closing())
    said = visits(terms, "AAAAAAAAAAAAAAA")
    again = told("2026-09-10T18:00", point=drawn(terms)[-1], grade="D", plan="2026-09", sequence=14)
    found = month(terms, [*said, again])
    assert (933_333, 1_000_000, 14) == (found.proven, found.possible, found.received)


def test_draw_is_anyones_when_seed_and_frame_are_known() -> None:
    points = [Point(f"P{n}", "VP-01", "street") for n in range(20)]
    named = sorted((sha256(f"s/2026-09/VP-01/street/P{n}".encode()).hexdigest(), f"P{n}") for n in range(20))
    assert [name for _, name in named[:5]] == draw("s", "2026-09", "VP-01", reversed(points), 5)
    assert 20 == len(draw("s", "2026-09", "VP-01", points, 30))


def test_draw_is_another_when_month_or_seed_is() -> None:
    points = [Point(f"P{n}", "VP-01", "street") for n in range(20)]
    assert draw("s", "2026-09", "VP-01", points, 20) != draw("s", "2026-10", "VP-01", points, 20)
    assert draw("s", "2026-09", "VP-01", points, 20) != draw("t", "2026-09", "VP-01", points, 20)


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        ({"strata": [{"id": "street", "n": 3}, {"id": "street", "n": 4}], "min_n": 3}, FindingCode.DUPLICATE_ID),
        ({"strata": [{"id": "street", "n": 13}], "min_n": 3}, FindingCode.TARGET_IMPOSSIBLE),
        ({"strata": [{"id": "street", "n": 10}], "min_n": 11}, FindingCode.TARGET_IMPOSSIBLE),
    ],
)
def test_sample_is_refused_when_it_cannot_be_drawn(sample: Table, code: FindingCode) -> None:
    table = closing()
    table["measure"]["sample"] |= sample
    with pytest.raises(TermsError) as error:
        terms_of(contract_table(table), points=POINTS)
    assert {code} == {one.code for one in error.value.findings}


MONTHS = [(date(2026, 8, 1), date(2026, 9, 1)), SEPTEMBER, (date(2026, 10, 1), date(2026, 11, 1))]
TERMS = contract(closing(), {**closing(**MEAN), "id": "mean"})
POOL = [*drawn(TERMS)[8:12], *drawn(TERMS, "VP-02")[:2], "VP-01-s01", "nowhere"]
visited = st.builds(
    at,
    st.one_of(st.integers(-9, 20).map(lambda day: 24 * day + 16), st.integers(-50 * 24, 60 * 24)),
    st.fixed_dictionaries(
        {
            "point": st.sampled_from(POOL),
            "grade": st.sampled_from([*GRADES, "E"]),
            "plan": st.sampled_from(["2026-09", "2026-09", "2026-10", ""]),
        }
    ),
    transports,
)
spoken = st.fixed_dictionaries({("inspection", device): st.lists(visited, max_size=25) for device in ("t1", "t2")})
many = settings(deadline=None, max_examples=40)


@given(spoken, st.randoms(use_true_random=False))
@many
def test_months_are_one_when_inspections_come_in_any_order(
    said: dict[tuple[str, str], list[Told]], random: Any
) -> None:
    assert_order_is_free(TERMS, said, SEPTEMBER, random)


@given(spoken, spoken)
@many
def test_month_is_one_when_only_inspections_far_off_differ(
    said: dict[tuple[str, str], list[Told]], others: dict[tuple[str, str], list[Told]]
) -> None:
    assert_only_looked_counts(TERMS, said, others, SEPTEMBER)


@given(spoken)
@many
def test_months_one_by_one_give_the_year_when_each_sees_its_own_span(said: dict[tuple[str, str], list[Told]]) -> None:
    assert_parts_make_the_whole(TERMS, said, MONTHS)


@given(spoken, st.text("ABCD.E", min_size=15, max_size=15), st.integers(0, 14), st.sampled_from([0, 12]))
@many
def test_contractor_loses_nothing_when_the_city_leaves_a_point_out(
    said: dict[tuple[str, str], list[Told]], grades: str, place: int, min_n: int
) -> None:
    tables: list[Table] = [closing(), {**closing(**MEAN), "id": "mean"}]
    for table in tables:
        table["measure"]["sample"]["min_n"] = min_n
    terms = contract(*tables)
    whole = {**said, KEY: [*said[KEY], *visits(terms, grades)]}
    point = ("point", drawn(terms)[place])
    less = {key: [one for one in rows if point not in one.words] for key, rows in whole.items()}
    before, after = judge(terms, whole, SEPTEMBER), judge(terms, less, SEPTEMBER)
    assert_bounded(before)
    for had, has in zip(before, after, strict=True):
        assert had.opportunity == has.opportunity
        assert had.borne <= has.borne
        assert had.possible <= has.possible
        assert had.is_missed or not has.is_missed
