"""Cases: worked complaints, who may say what, and what must not change a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assess import assess
from rules.contract import Bearer, Terms
from rules.records import Determination, GapCause, Verdict
from tests.rules.contracts import HOUR_US, Table, utc_us
from tests.rules.standards_cases import (
    INSTALLATIONS,
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
    readings,
    register,
    standard,
    told,
    transports,
)

DAY = date(2026, 9, 10)
NEXT = DAY + timedelta(days=1)
DESK, OFFICE = ("case", "desk"), ("case", "office")


def answered(until: str = "resolved", **changes: Any) -> Table:
    """A case is answered within 24 hours; three days are waited for it."""
    measure = {"kind": "time_to_respond", "until": until, "horizon": "P3D", **changes}
    return standard("case", measure, {"op": "<=", "value": "PT24H"})


def step(clock: str, name: str, case: str = "R-1", zone: str = "VP-01", priority: str = "normal") -> Told:
    """Take a step in a case, of the north yard where nothing else is said, at a local time."""
    return told(f"2026-09-{clock}", step=name, case=case, zone=zone, priority=priority)


OPENED = step("10T10:00", "opened")


def cases(desk: Sequence[Told], office: Sequence[Told] = (), terms: Terms | None = None) -> list[Determination]:
    return judge(terms or contract(answered()), {DESK: desk, OFFICE: office}, (DAY, NEXT))


def case(desk: Sequence[Told], office: Sequence[Told] = (), terms: Terms | None = None) -> Determination:
    (found,) = cases(desk, office, terms)
    return found


@pytest.mark.parametrize(
    ("resolved", "verdict", "hours"),
    [("11T10:00", Verdict.MET, 24), ("11T11:00", Verdict.NOT_MET, 25), ("13T10:00", Verdict.NOT_MET, 72)],
)
def test_case_waits_until_its_answer_when_the_contractor_says_so(resolved: str, verdict: Verdict, hours: int) -> None:
    found = case([OPENED], [step(resolved, "resolved")])
    assert (verdict, (hours * HOUR_US,) * 3) == (found.verdict, bounds(found))
    assert ("R-1", "VP-01") == (found.subject, found.zone)


def test_case_waits_to_the_horizon_when_nobody_answers() -> None:
    found = case([OPENED])
    assert (Verdict.NOT_MET, (72 * HOUR_US,) * 3) == (found.verdict, bounds(found))
    detail = {"case": "R-1", "opened": "2026-09-10T10:00:00", "answered": "", "step": "resolved", "void": ""}
    assert detail == found.trace["detail"]


def test_trace_lists_who_took_which_step_when_a_case_was_answered() -> None:
    found = case([OPENED], [step("10T12:00", "responded"), step("10T15:00", "resolved")])
    assert [
        [local_us("2026-09-10T10:00"), "opened", "net", "desk", True],
        [local_us("2026-09-10T12:00"), "responded", "net", "office", True],
        [local_us("2026-09-10T15:00"), "resolved", "net", "office", True],
    ] == found.trace["steps"]
    assert "2026-09-10T15:00:00" == found.trace["detail"]["answered"]


@pytest.mark.parametrize(("until", "hours"), [("responded", 2), ("resolved", 5), ("confirmed", 30)])
def test_answer_is_the_step_of_the_terms_when_there_are_several(until: str, hours: int) -> None:
    office = [step("10T12:00", "responded"), step("10T15:00", "resolved"), step("10T16:00", "confirmed")]
    desk = [OPENED, step("11T16:00", "confirmed")]
    # That the contractor confirms its own case is nothing.
    assert hours * HOUR_US == case(desk, office, contract(answered(until))).proven


def test_case_is_responded_to_when_it_is_resolved_at_once() -> None:
    assert HOUR_US == case([OPENED], [step("10T11:00", "resolved")], contract(answered("responded"))).proven


@pytest.mark.parametrize(("until", "hours"), [("responded", 1), ("resolved", 28)])
def test_clock_runs_on_when_the_city_reopens_the_case(until: str, hours: int) -> None:
    desk = [OPENED, step("10T20:00", "reopened")]
    office = [step("10T11:00", "responded"), step("10T12:00", "resolved"), step("11T14:00", "resolved")]
    assert hours * HOUR_US == case(desk, office, contract(answered(until))).proven


def test_answer_stands_when_only_the_contractor_reopens() -> None:
    office = [step("10T12:00", "resolved"), step("10T20:00", "reopened")]
    assert 2 * HOUR_US == case([OPENED], office).proven


def test_case_costs_nothing_when_the_city_withdraws_it() -> None:
    """It is void and not left out: had it been judged before the withdrawal came, that verdict would stand."""
    found = case([OPENED, step("11T20:00", "withdrawn")])
    assert (Verdict.MET, (0, 0, 0), 0) == (found.verdict, bounds(found), found.expected)
    assert "withdrawn" == found.trace["detail"]["void"]


def test_case_counts_once_when_it_is_opened_again() -> None:
    desk = [OPENED, step("10T18:00", "opened"), step("11T09:00", "opened")]
    found = judge(contract(answered()), {DESK: desk}, (DAY, NEXT + timedelta(days=1)))
    assert [("2026-09-10", ""), ("2026-09-11", "repeated")] == [
        (one.day, one.trace["detail"]["void"]) for one in found
    ]
    assert [72 * HOUR_US, 0] == [one.possible for one in found]


@pytest.mark.parametrize(
    "opened",
    [
        step("10T10:00", "opened", zone="VP-09"),
        step("10T10:00", "opened", zone=""),
        step("10T10:00", "opened", priority="low"),
        step("09T23:59", "opened"),
    ],
)
def test_case_is_not_judged_when_it_is_none_of_the_standards(opened: Told) -> None:
    assert [] == cases([opened], terms=contract(answered(priority=["normal", "urgent"])))


def test_case_is_not_judged_when_only_the_contractor_opened_it() -> None:
    assert [] == cases([], [OPENED])


def test_steps_count_for_nothing_when_their_clock_is_wrong() -> None:
    wrong = told("2026-09-10T12:00", step="resolved", case="R-1", is_clock_wrong=True)
    found = case([OPENED], [wrong])
    assert (72 * HOUR_US, 1) == (found.possible, found.trace["excluded"])


@pytest.mark.parametrize(("bearer", "borne"), [("city", 2), ("contractor", 30)])
def test_answer_leaves_a_doubt_when_two_contents_are_in_conflict(bearer: str, borne: int) -> None:
    office = [step("10T12:00", "resolved"), step("10T12:00", "responded"), step("11T16:00", "resolved")]
    found = case([OPENED], office, contract(answered(), bearer=bearer))
    assert (2 * HOUR_US, borne * HOUR_US, 30 * HOUR_US) == bounds(found)
    assert (Verdict.INCONCLUSIVE, 0) == (found.verdict, found.received)


def test_opening_leaves_a_doubt_when_it_may_be_another_cases() -> None:
    found = cases([OPENED, step("10T10:00", "opened", case="R-2")])
    assert [("R-1", (0, 0, 72 * HOUR_US)), ("R-2", (0, 0, 72 * HOUR_US))] == [
        (one.subject, bounds(one)) for one in found
    ]


def test_case_is_not_void_for_certain_when_an_earlier_opening_may_be_another_cases() -> None:
    early = [step("09T09:00", "opened"), step("09T09:00", "opened", case="R-2")]
    terms = contract(answered(), bearer="contractor")
    found = judge(terms, {DESK: [*early, OPENED]}, (DAY, NEXT))
    assert [("", (0, 72 * HOUR_US, 72 * HOUR_US))] == [(one.trace["detail"]["void"], bounds(one)) for one in found]


DESK_ROW = "net,desk,DESK,2026-01-01,,"


@pytest.mark.parametrize(("bearer", "borne"), [("city", 1), ("contractor", 72)])
@pytest.mark.parametrize("until", ["", "2026-09-10T10:30"])
def test_doubt_is_the_citys_when_it_never_confirms_what_was_resolved(bearer: str, borne: int, until: str) -> None:
    terms = contract(answered("confirmed"), bearer=bearer)
    held = register(terms, installations=INSTALLATIONS.replace(DESK_ROW, f"net,desk,DESK,2026-01-01,{until},"))
    office = [step("10T11:00", "resolved"), step("10T12:00", "confirmed")]
    (found,) = judge(terms, {DESK: [OPENED], OFFICE: office}, (DAY, NEXT), held)
    assert (HOUR_US, borne * HOUR_US, 72 * HOUR_US) == bounds(found)
    assert (Verdict.INCONCLUSIVE, "") == (found.verdict, found.trace["detail"]["answered"])


def test_case_is_not_met_when_it_was_resolved_too_late_and_never_confirmed() -> None:
    found = case([OPENED], [step("11T12:00", "resolved")], contract(answered("confirmed")))
    assert (Verdict.NOT_MET, 26 * HOUR_US) == (found.verdict, found.proven)


@pytest.mark.parametrize(
    ("desk", "office"),
    [
        ([OPENED], []),
        ([OPENED], [step("10T11:00", "responded")]),
        # What the city reopened was not resolved.
        ([OPENED, step("10T20:00", "reopened")], [step("10T11:00", "resolved")]),
    ],
)
def test_case_waits_to_the_horizon_when_it_was_not_resolved_let_alone_confirmed(
    desk: list[Told], office: list[Told]
) -> None:
    found = case(desk, office, contract(answered("confirmed")))
    assert (Verdict.NOT_MET, (72 * HOUR_US,) * 3) == (found.verdict, bounds(found))


@pytest.mark.parametrize(
    ("conflict", "city", "borne"),
    [("city", "city", 2), ("contractor", "city", 30), ("city", "contractor", 72), ("contractor", "contractor", 72)],
)
def test_each_bears_its_doubt_when_a_resolution_in_conflict_is_never_confirmed(
    conflict: str, city: str, borne: int
) -> None:
    terms = contract(answered("confirmed"))
    bearers = {
        **terms.file.evidence.gap_bearer,
        GapCause.CONFLICT: Bearer(conflict),
        GapCause.CITY: Bearer(city),
    }
    evidence = terms.file.evidence.model_copy(update={"gap_bearer": bearers})
    terms = replace(terms, file=terms.file.model_copy(update={"evidence": evidence}))
    office = [step("10T12:00", "resolved"), step("10T12:00", "responded"), step("11T16:00", "resolved")]
    assert (2 * HOUR_US, borne * HOUR_US, 72 * HOUR_US) == bounds(case([OPENED], office, terms))


def test_opening_is_sure_when_only_its_priority_is_in_conflict() -> None:
    assert 72 * HOUR_US == case([OPENED, step("10T10:00", "opened", priority="urgent")]).proven


def test_case_is_judged_when_its_horizon_and_the_grace_are_over() -> None:
    terms = contract(answered())
    known, held = readings({DESK: [OPENED]}), register(terms)
    ripe_us = utc_us("2026-09-16T00:00-03:00")
    assert [] == assess(terms, held, known, (DAY, NEXT), ripe_us - 1)
    assert 1 == len(assess(terms, held, known, (DAY, NEXT), ripe_us))


TABLES = [{**answered(until), "id": until} for until in ("responded", "resolved", "confirmed")]
TERMS = contract(*TABLES)
DAYS = [(DAY + timedelta(days=n), DAY + timedelta(days=n + 1)) for n in range(-2, 4)]
STEPS = ["opened", "opened", "responded", "resolved", "confirmed", "reopened", "withdrawn"]
steps = st.builds(
    at,
    st.one_of(st.integers(-10, 90), st.integers(-400, 400)),
    st.fixed_dictionaries(
        {
            "case": st.sampled_from(["R-1", "R-2"]),
            "step": st.sampled_from(STEPS),
            "zone": st.sampled_from(["VP-01", "VP-01", "VP-02", ""]),
            "priority": st.sampled_from(["", "low"]),
        }
    ),
    transports,
)
spoken = st.fixed_dictionaries({key: st.lists(steps, max_size=25) for key in (DESK, OFFICE)})
many = settings(deadline=None, max_examples=60)
Spoken = Mapping[tuple[str, str], list[Told]]


@given(spoken, st.randoms(use_true_random=False))
@many
def test_cases_are_one_when_steps_come_in_any_order(said: Spoken, random: Any) -> None:
    assert_order_is_free(TERMS, said, (DAY, NEXT), random)


@given(spoken, spoken)
@many
def test_cases_are_one_when_only_steps_far_off_differ(said: Spoken, others: Spoken) -> None:
    assert_only_looked_counts(TERMS, said, others, (DAY, NEXT))


@given(spoken)
@many
def test_days_one_by_one_give_the_month_when_each_sees_its_own_span(said: Spoken) -> None:
    assert_parts_make_the_whole(TERMS, said, DAYS)


@given(spoken, st.data(), st.sampled_from(["city", "contractor"]))
@many
def test_contractor_gains_nothing_when_it_keeps_an_answer_back(said: Spoken, data: Any, bearer: str) -> None:
    terms = contract(*TABLES, bearer=bearer)
    kept_back = data.draw(st.sampled_from([*said[OFFICE], None]))
    # All that was said under that key: taking back half of a conflict is no silence.
    less = {**said, OFFICE: [one for one in said[OFFICE] if not one.is_of_key(kept_back)]}
    before, after = judge(terms, said, (DAY, NEXT)), judge(terms, less, (DAY, NEXT))
    assert_bounded(before)
    for had, has in zip(before, after, strict=True):
        assert had.opportunity == has.opportunity
        assert all(was <= now for was, now in zip(bounds(had), bounds(has), strict=True))
