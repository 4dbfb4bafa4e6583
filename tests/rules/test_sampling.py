"""How sure a sample is, whether two inspectors agree, pieces in place of grades, and a share that is rounded."""

from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import TermsError
from rules.measures import InspectedMeasure
from rules.records import FindingCode, Verdict
from rules.sampling import doubled, frame_bounds, plan
from tests.rules.contracts import Table, contract_table, terms_of
from tests.rules.standards_cases import POINTS, Told, bounds, contract, judge, told
from tests.rules.test_inspected import KEY, SEPTEMBER, closing, drawn, month, visits

SURE = {"level": "0.9", "method": "hypergeometric"}
AGREE = {"share": "0.2", "min": "0.75", "within": 0}
PIECES = {"A+": 0, "A": 3, "B": 10, "C": 25, "D": 50}


def sampled(**sample: Any) -> Table:
    table = closing()
    table["measure"]["sample"] |= sample
    return table


def as_likely(size: int, whole: int, n: int, *, at_least: int, at_most: int) -> Fraction:
    """Count every draw of n points, of which the first `whole` are good."""
    draws = [sum(point < whole for point in one) for one in combinations(range(size), n)]
    return Fraction(sum(at_least <= good <= at_most for good in draws), len(draws))


@given(st.data())
def test_bounds_hold_every_truth_that_is_likely_enough(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 9))
    n = data.draw(st.integers(1, size))
    good = data.draw(st.integers(0, n))
    most = data.draw(st.integers(good, n))
    miss = data.draw(st.sampled_from([Fraction(1, 20), Fraction(1, 10), Fraction(1, 3)]))
    every = range(size + 1)
    low = min(k for k in every if as_likely(size, k, n, at_least=good, at_most=n) > miss)
    high = max(k for k in every if as_likely(size, k, n, at_least=0, at_most=most) > miss)
    assert (low, high) == frame_bounds((good, most), n, size, miss)
    assert low <= size - (n - good)
    assert high >= most


def test_bounds_are_the_truth_when_all_points_are_drawn() -> None:
    assert (7, 8) == frame_bounds((7, 8), 10, 10, Fraction(1, 20))


def test_month_concludes_nothing_when_the_sample_is_not_sure_enough() -> None:
    grades = "AABBBBBABCCDCBA"
    plain, sure = contract(closing()), contract(sampled(confidence=SURE))
    missed, open_ = month(plain, visits(plain, grades)), month(sure, visits(sure, grades))
    # Eleven of fifteen are fewer than 80 %; of all seventeen points as many may be good.
    assert (Verdict.NOT_MET, Verdict.INCONCLUSIVE) == (missed.verdict, open_.verdict)
    assert open_.proven <= missed.proven <= missed.possible <= open_.possible
    frame = sum(line.split(",")[1] == "VP-01" for line in POINTS.splitlines()[1:])
    assert {"level": "9/10", "frame": frame} == open_.trace["detail"]["confidence"]
    worse = month(sure, visits(sure, "DDDDDDDDDDDDDDD"))
    assert Verdict.NOT_MET == worse.verdict


def seconds(terms: Any, grades: str) -> list[Told]:
    """Grade the doubled points a second time, by the other tablet, an hour later; those of both zones."""
    measure = terms.file.standard[0].measure
    assert isinstance(measure, InspectedMeasure)
    points: list[str] = []
    for zone in ("VP-01", "VP-02"):
        found = plan(terms, measure.sample, zone, SEPTEMBER[0])
        points += [one for strata in found.values() for one in strata if one in doubled(found, Fraction(1, 5))]
    return [
        told("2026-09-10T18:30", point=point, grade=grade, plan="2026-09", sequence=n)
        for n, (point, grade) in enumerate(zip(points, grades, strict=True))
        if grade != "."
    ]


def everywhere(terms: Any) -> list[Told]:
    """Grade all drawn points of both zones D."""
    points = [*drawn(terms), *drawn(terms, "VP-02")]
    return [
        told("2026-09-10T18:00", point=point, grade="D", plan="2026-09", sequence=n) for n, point in enumerate(points)
    ]


@pytest.mark.parametrize(
    ("grades", "agreed", "verdict"),
    [
        ("DDDDDD", 6, Verdict.NOT_MET),
        ("DDDDDC", 5, Verdict.NOT_MET),
        ("DDDDCC", 4, Verdict.INCONCLUSIVE),
        # A point that nobody went to again is no agreement; nor is a grade off the scale.
        ("DDDD..", 4, Verdict.INCONCLUSIVE),
        ("DDDDDE", 5, Verdict.NOT_MET),
        ("......", 0, Verdict.INCONCLUSIVE),
    ],
)
def test_nothing_follows_when_inspectors_do_not_agree(grades: str, agreed: int, verdict: Verdict) -> None:
    terms = contract(sampled(agreement=AGREE))
    said = {KEY: everywhere(terms), ("inspection", "t2"): seconds(terms, grades)}
    for found in judge(terms, said, SEPTEMBER):
        assert verdict == found.verdict
        assert {"agreed": agreed, "doubled": 6, "least": "3/4"} == found.trace["detail"]["agreement"]
        assert verdict == Verdict.NOT_MET or (0, 1_000_000, 1_000_000) == bounds(found)


def test_inspector_does_not_agree_with_himself() -> None:
    terms = contract(sampled(agreement=AGREE))
    again = [*everywhere(terms), *seconds(terms, "DDDDDD")]
    assert all(0 == one.trace["detail"]["agreement"]["agreed"] for one in judge(terms, {KEY: again}, SEPTEMBER))


def test_grades_apart_agree_when_the_clause_allows_it() -> None:
    terms = contract(sampled(agreement={**AGREE, "within": 1}))
    said = {KEY: everywhere(terms), ("inspection", "t2"): seconds(terms, "CCCCCC")}
    assert {6} == {one.trace["detail"]["agreement"]["agreed"] for one in judge(terms, said, SEPTEMBER)}


@given(st.text("ABCD.E", min_size=6, max_size=6), st.integers(0, 5))
def test_contractor_loses_nothing_when_a_second_grade_is_left_out(grades: str, place: int) -> None:
    terms = contract(sampled(agreement=AGREE, confidence=SURE))
    fewer = grades[:place] + "." + grades[place + 1 :]
    before, after = (
        judge(terms, {KEY: everywhere(terms), ("inspection", "t2"): seconds(terms, one)}, SEPTEMBER)
        for one in (grades, fewer)
    )
    for had, has in zip(before, after, strict=True):
        assert had.borne <= has.borne
        assert had.is_missed or not has.is_missed


def crow() -> Table:
    grades = [{"grade": grade, "weight": "0", "up_to": most} for grade, most in PIECES.items()]
    return closing(scale="CROW", grades=grades)


@pytest.mark.parametrize(
    ("pieces", "grade"),
    [("0", "A+"), ("1", "A"), ("3", "A"), ("4", "B"), ("10", "B"), ("11", "C"), ("26", "D"), ("50", "D"), ("51", "")],
)
def test_pieces_are_a_grade_when_a_scale_counts_them(pieces: str, grade: str) -> None:
    terms = contract(crow())
    (point, *_) = drawn(terms)
    found = month(terms, [told("2026-09-10T18:00", point=point, grade=pieces, plan="2026-09")])
    assert int(bool(grade)) == found.received
    # More than the scale holds is no grade, and never the worst by default.
    unread = [] if grade else [[point, pieces]]
    assert unread == [one[:2] for one in found.trace["unread"]]
    good = {"A+", "A", "B"}
    assert (grade in good) == (found.trace["detail"]["good"] == 1)


@pytest.mark.parametrize(
    ("table", "key", "code"),
    [
        (
            closing(grades=[{"grade": "A", "weight": 1, "up_to": 3}, {"grade": "B", "weight": 0}]),
            "up_to",
            "malformed",
        ),
        (
            closing(grades=[{"grade": "A", "weight": 1, "up_to": 3}, {"grade": "B", "weight": 0, "up_to": 3}]),
            "up_to",
            "malformed",
        ),
        (sampled(confidence={**SURE, "level": "1"}), "level", "target_impossible"),
    ],
)
def test_sample_is_refused_when_it_cannot_be_so(table: Table, key: str, code: str) -> None:
    with pytest.raises(TermsError) as error:
        terms_of(contract_table(table), points=POINTS)
    found = {(one.key.rpartition(".")[2], one.code) for one in error.value.findings}
    assert (key, FindingCode(code)) in found


def test_confidence_is_refused_of_a_mean() -> None:
    table = sampled(confidence=SURE)
    table["measure"] |= {"kind": "mean_grade", "grade": ""}
    with pytest.raises(TermsError) as error:
        terms_of(contract_table(table), points=POINTS)
    assert {FindingCode.NOT_A_CHOICE} == {one.code for one in error.value.findings}


@pytest.mark.parametrize(
    ("step", "mode", "verdict"),
    # Eleven of fifteen are 73.33 %.
    [
        ("0.01", "half_up", Verdict.NOT_MET),
        ("0.1", "half_up", Verdict.NOT_MET),
        ("0.2", "half_up", Verdict.MET),
        ("0.2", "down", Verdict.NOT_MET),
    ],
)
def test_share_is_rounded_before_it_is_judged_when_a_clause_says_so(step: str, mode: str, verdict: Verdict) -> None:
    terms = contract(closing(rounding={"step": step, "mode": mode}))
    found = month(terms, visits(terms, "AABBBBBABCCDCBA"))
    assert verdict == found.verdict
    assert [733_333, 733_334, 733_334] == found.trace["rounding"]["exact"]
