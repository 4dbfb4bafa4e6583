"""Reports: late, missing or contradicted; worked days, and what must not change a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assess import assess
from rules.contract import Terms
from rules.errors import TermsError
from rules.records import Determination, FindingCode, Verdict
from tests.rules.contracts import Table, contract_table, terms_of
from tests.rules.standards_cases import (
    ASSETS,
    FAR_US,
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
OFFICE, CREW = ("report", "office"), ("lift", "rc1")
LATE, MISSING, CONTRADICTED = "report_late", "report_missing", "report_contradicted"


def duty(kind: str, **changes: Any) -> Table:
    """The daily report comes by noon of the next day; a day later it is missing; it may be off by two lifts."""
    claim = {"claim": "lifts", "margin": 2} if kind == CONTRADICTED else {}
    due = {"days_after": 1, "at": time(12)}
    measure = {"kind": kind, "report": "daily", "due": due, "missing_after": "P1D", **claim, **changes}
    return standard("zone", measure, {"op": "<=", "value": 0}, id=kind.replace("_", "-"))


ALL = [duty(kind) for kind in (LATE, MISSING, CONTRADICTED)]
TERMS = contract(*ALL)


def report(clock: str, lifts: int = 5, version: int = 1, **said: Any) -> Told:
    """Report on the 10th, at a local time of September."""
    about: dict[str, Any] = {"zone": "VP-01", "day": "2026-09-10", "report": "daily", **said}
    return told(f"2026-09-{clock}", lifts=lifts, version=version, **about)


def lifts(count: int, container: str = "C-1", minute: int = 10) -> list[Told]:
    """Lift a container at some minutes past each hour from eight."""
    return [told(f"2026-09-10T{8 + n:02}:{minute}", container=container) for n in range(count)]


def day(reports: Sequence[Told], crew: Sequence[Told] = (), terms: Terms = TERMS) -> dict[str, Determination]:
    """Judge the north yard's 10th, by measure."""
    found = judge(terms, {OFFICE: reports, CREW: crew}, (DAY, NEXT))
    return {one.trace["measure"]: one for one in found if one.zone == "VP-01"}


@pytest.mark.parametrize(
    ("came", "late", "missing"),
    [
        ("10T23:00", 0, 0),
        ("11T12:00", 0, 0),
        ("11T12:01", 1, 0),
        ("12T12:00", 1, 0),
        ("12T12:01", 0, 1),
        ("09T12:00", 0, 1),  # of a day that has not begun nobody can report
    ],
)
def test_report_is_late_or_missing_when_its_first_version_came_then(came: str, late: int, missing: int) -> None:
    found = day([report(came)])
    assert ((late,) * 3, (missing,) * 3) == (bounds(found[LATE]), bounds(found[MISSING]))
    assert (Verdict.NOT_MET if late else Verdict.MET) == found[LATE].verdict


def test_report_is_missing_and_not_late_when_none_came() -> None:
    found = day([])
    assert [0, 1, 0] == [found[kind].proven for kind in (LATE, MISSING, CONTRADICTED)]
    detail = {"report": "daily", "due": "2026-09-11T12:00:00", "came": ""}
    assert detail == found[MISSING].trace["detail"]


@pytest.mark.parametrize(
    "other",
    [{"zone": "VP-02"}, {"day": "2026-09-09"}, {"report": "weekly"}, {"is_clock_wrong": True}],
)
def test_report_is_missing_when_another_came(other: dict[str, Any]) -> None:
    assert 1 == day([report("11T09:00", **other)])[MISSING].proven


def test_correction_does_not_make_it_late_when_the_first_version_was_in_time() -> None:
    assert 0 == day([report("11T09:00"), report("11T15:00", version=2)])[LATE].possible


@pytest.mark.parametrize(
    ("claimed", "off"),
    [(8, 0), (10, 0), (6, 0), (11, 1), (15, 5), (3, 3)],
)
def test_report_is_contradicted_when_it_is_off_by_more_than_the_margin(claimed: int, off: int) -> None:
    found = day([report("11T09:00", claimed)], lifts(8))[CONTRADICTED]
    assert (Verdict.NOT_MET if off else Verdict.MET, (off,) * 3) == (found.verdict, bounds(found))
    detail = found.trace["detail"]
    assert (claimed, 8, 2) == (detail["claimed"], detail["lifts"], detail["margin"])


def test_report_is_not_contradicted_when_a_later_version_is_right() -> None:
    found = day([report("11T09:00", 15), report("12T11:00", 8, version=2)], lifts(8))
    assert 0 == found[CONTRADICTED].possible
    too_late = day([report("11T09:00", 15), report("12T12:01", 8, version=2)], lifts(8))
    assert 5 == too_late[CONTRADICTED].proven


def test_lifts_count_once_and_in_their_zone_when_they_are_held_against_a_report() -> None:
    crew = [
        *lifts(3),
        told("2026-09-10T08:10", container="C-1", sequence=1),
        *lifts(2, "C-2", 20),
        *lifts(2, "C-9", 30),
        told("2026-09-09T23:59", container="C-1"),
        told("2026-09-11T00:00", container="C-1"),
        told("2026-09-10T20:00", container="C-1", is_clock_wrong=True),
        told("2026-09-10T20:30", zone="VP-01"),
        told("2026-09-10T20:40", zone="VP-02"),
    ]
    trace = day([report("11T09:00", 3)], crew)[CONTRADICTED].trace
    assert 3 == trace["detail"]["lifts"]
    assert {"elsewhere": 3, "excluded": 1, "unknown_container": 2} == trace["ignored"]
    assert (1, 0) == (trace["unnamed"], trace["in_conflict"])


@pytest.mark.parametrize(("bearer", "borne"), [("city", 1), ("contractor", 2)])
def test_lift_leaves_a_doubt_when_it_names_no_container(bearer: str, borne: int) -> None:
    crew = [*lifts(4), told("2026-09-10T20:30", zone="VP-01")]
    found = day([report("11T09:00", 8)], crew, contract(*ALL, bearer=bearer))[CONTRADICTED]
    assert (1, borne, 2) == bounds(found)


@pytest.mark.parametrize(
    "installed",
    [
        INSTALLATIONS.replace("net,rc1,RC-1,2026-01-01,,", "net,rc1,RC-1,2026-01-01,2026-09-10T20:00,"),
        INSTALLATIONS.replace("net,rc1,RC-1,2026-01-01,,,,,ana,luis\n", ""),
    ],
)
def test_more_lifts_than_seen_contradict_nothing_when_a_collector_carried_no_device(installed: str) -> None:
    held = register(TERMS, installations=installed)
    spoken = {OFFICE: [report("11T09:00", 30)], CREW: lifts(8)}
    (found,) = [
        one
        for one in judge(TERMS, spoken, (DAY, NEXT), held)
        if one.zone == "VP-01" and one.trace["measure"] == CONTRADICTED
    ]
    assert (0, 0, Verdict.INCONCLUSIVE) == (found.proven, found.borne, found.verdict)
    assert not found.trace["is_watched"]


def test_fewer_lifts_than_seen_are_contradicted_when_a_collector_carried_no_device() -> None:
    """Who saw eight saw eight, whatever else there was."""
    rows = ASSETS + "RC-2,,collector,2026-01-01,\n"
    spoken = {OFFICE: [report("11T09:00", 3)], CREW: lifts(8)}
    found = judge(TERMS, spoken, (DAY, NEXT), register(TERMS, assets=rows))
    assert [3] == [one.proven for one in found if one.zone == "VP-01" and one.trace["measure"] == CONTRADICTED]


@pytest.mark.parametrize(("bearer", "borne"), [("city", 0), ("contractor", 6)])
@pytest.mark.parametrize(
    "crew",
    [
        [],
        [told("2026-09-09T23:59", container="C-1")],
        [told("2026-09-10T09:00", container="C-1", is_clock_wrong=True)],
    ],
)
def test_claim_leaves_a_doubt_when_no_lift_was_heard_all_day(crew: list[Told], bearer: str, borne: int) -> None:
    """A dead reader contradicts nobody."""
    found = day([report("11T09:00", 8)], crew, contract(*ALL, bearer=bearer))[CONTRADICTED]
    assert (0, borne, 6) == bounds(found)
    assert (True, False) == (found.trace["is_watched"], found.trace["is_heard"])


def test_claim_is_contradicted_when_lifts_were_heard_elsewhere() -> None:
    found = day([report("11T09:00", 8)], lifts(1, "C-2"))[CONTRADICTED]
    assert ((6, 6, 6), True) == (bounds(found), found.trace["is_heard"])


def test_silence_is_the_citys_when_the_collector_carried_no_device() -> None:
    terms = contract(*ALL, bearer="contractor")
    held = register(terms, installations=INSTALLATIONS.replace("net,rc1,RC-1,2026-01-01,,,,,ana,luis\n", ""))
    found = judge(terms, {OFFICE: [report("11T09:00", 8)]}, (DAY, NEXT), held)
    assert [(0, 0, 6)] == [bounds(one) for one in found if one.trace["detail"].get("claimed") == 8]


def judged_with(assets: str, kind: str = CONTRADICTED) -> Determination:
    spoken = {OFFICE: [report("11T09:00", 8)], CREW: lifts(8)}
    found = judge(TERMS, spoken, (DAY, NEXT), register(TERMS, assets=assets))
    (one,) = (one for one in found if one.zone == "VP-01" and one.trace["measure"] == kind)
    return one


@pytest.mark.parametrize(
    "moved",
    [
        ASSETS.replace("C-1,VP-01", "C-1,VP-02"),
        ASSETS.replace("C-1,VP-01,container_1100l,2026-01-01,", "C-1,VP-01,container_1100l,2026-09-10T12:00,"),
    ],
)
def test_id_is_another_when_a_lifted_container_stood_elsewhere(moved: str) -> None:
    was, now = judged_with(ASSETS), judged_with(moved)
    assert was.verdict != now.verdict
    assert was.id != now.id


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (LATE, ASSETS.replace("C-1,VP-01", "C-1,VP-02")),
        (CONTRADICTED, ASSETS.replace("C-2,VP-02", "C-2,VP-01")),
        (
            CONTRADICTED,
            ASSETS.replace(
                "C-1,VP-01,container_1100l,2026-01-01,", "C-1,VP-01,container_1100l,2026-01-01,2026-09-11"
            ),
        ),
    ],
)
def test_id_is_the_same_when_no_lift_of_the_day_tells_of_the_move(kind: str, changed: str) -> None:
    assert judged_with(ASSETS, kind).id == judged_with(changed, kind).id


@pytest.mark.parametrize(("bearer", "borne"), [("city", 0), ("contractor", 1)])
def test_report_leaves_a_doubt_when_two_contents_are_in_conflict(bearer: str, borne: int) -> None:
    """One content is of the 10th, the other of the 9th: whether there is a report is open."""
    reports = [report("11T15:00", 20), report("11T15:00", 20, day="2026-09-09")]
    found = day(reports, lifts(8), contract(*ALL, bearer=bearer))
    assert (0, borne, 1) == bounds(found[LATE]) == bounds(found[MISSING])
    assert (0, borne * 10, 10) == bounds(found[CONTRADICTED])


def test_claims_leave_a_doubt_when_two_are_in_conflict() -> None:
    found = day([report("11T09:00", 15), report("11T09:00", 8)], lifts(8))
    assert (0, 0, 5) == bounds(found[CONTRADICTED])
    assert 0 == found[LATE].possible


def test_claims_leave_a_doubt_when_two_offices_send_one_version_at_one_instant() -> None:
    rows = ASSETS + "OFFICE-2,,contractor_desk,2026-01-01,\n"
    held = register(TERMS, assets=rows, installations=INSTALLATIONS + "net,o2,OFFICE-2,2026-01-01,,,,,ana,luis\n")
    spoken = {OFFICE: [report("11T09:00", 15)], ("report", "o2"): [report("11T09:00", 8)], CREW: lifts(8)}
    found = judge(TERMS, spoken, (DAY, NEXT), held)
    assert [(0, 0, 5)] == [bounds(one) for one in found if one.trace["detail"].get("lifts") == 8]


def test_day_is_judged_when_a_report_would_be_missing_and_the_grace_is_over() -> None:
    known, held = readings({OFFICE: []}), register(TERMS)
    ripe_us = local_us("2026-09-14T12:00")
    assert [] == assess(TERMS, held, known, (DAY, NEXT), ripe_us - 1)
    assert 6 == len(assess(TERMS, held, known, (DAY, NEXT), ripe_us))


def test_due_is_noon_of_the_wall_when_clocks_change() -> None:
    """On 5 September the clocks of Santiago go forward at midnight: noon of the 6th is at 15:00 UTC, not 16:00."""
    found = assess(TERMS, register(TERMS), readings({}), (date(2026, 9, 5), date(2026, 9, 6)), FAR_US)
    assert {local_us("2026-09-06T12:00")} == {one.trace["due_us"] for one in found}


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({**duty(LATE), "target": {"op": "<=", "value": 1}}, FindingCode.TARGET_UNREACHABLE),
        (duty(CONTRADICTED, claim=""), FindingCode.UNDECLARED),
    ],
)
def test_duty_is_refused_when_it_cannot_be_missed_or_held_against_anything(table: Table, code: FindingCode) -> None:
    with pytest.raises(TermsError) as error:
        terms_of(contract_table(table))
    assert [code] == [one.code for one in error.value.findings]


DAYS = [(DAY + timedelta(days=n), DAY + timedelta(days=n + 1)) for n in range(-2, 4)]
hours = st.one_of(st.integers(0, 65), st.integers(-150, 150))


def claiming(one: Told, lifts: int, version: int) -> Told:
    """Claim lifts; nought is not said."""
    return replace(one, numbers=(*((("lifts", lifts),) if lifts else ()), ("version", version)))


reported = st.builds(
    claiming,
    st.builds(
        at,
        hours,
        st.fixed_dictionaries(
            {
                "report": st.just("daily"),
                "day": st.sampled_from(["2026-09-10", "2026-09-10", "2026-09-09"]),
                "zone": st.sampled_from(["VP-01", "VP-01", "VP-02"]),
            }
        ),
        transports,
    ),
    st.integers(0, 9),
    st.integers(1, 3),
)
lifted = st.builds(
    at,
    st.one_of(st.integers(0, 23), hours),
    st.sampled_from([{"container": "C-1"}, {"container": "C-2"}, {"container": "C-9"}, {"zone": "VP-01"}]),
    transports,
)
spoken_by = st.fixed_dictionaries(
    {OFFICE: st.lists(reported, max_size=10), CREW: st.lists(lifted, max_size=15)},
)
many = settings(deadline=None, max_examples=60)
Spoken = Mapping[tuple[str, str], list[Told]]


@given(spoken_by, st.randoms(use_true_random=False))
@many
def test_days_are_one_when_reports_come_in_any_order(said: Spoken, random: Any) -> None:
    assert_order_is_free(TERMS, said, (DAY, NEXT), random)


@given(spoken_by, spoken_by)
@many
def test_day_is_one_when_only_reports_far_off_differ(said: Spoken, others: Spoken) -> None:
    assert_only_looked_counts(TERMS, said, others, (DAY, NEXT))


@given(spoken_by)
@many
def test_days_one_by_one_give_the_month_when_each_sees_its_own_span(said: Spoken) -> None:
    assert_parts_make_the_whole(TERMS, said, DAYS)


@given(spoken_by, st.data(), st.sampled_from(["city", "contractor"]))
@many
def test_contractor_gains_nothing_when_it_keeps_a_report_back(said: Spoken, data: Any, bearer: str) -> None:
    """Missing never falls, and late only to become missing."""
    terms = contract(*ALL[:2], bearer=bearer)
    kept_back = data.draw(st.sampled_from([*said[OFFICE], None]))
    less = {**said, OFFICE: [one for one in said[OFFICE] if not one.is_of_key(kept_back)]}
    before, after = (judge(terms, each, (DAY, NEXT)) for each in (said, less))
    late, missing = (slice(2), slice(2, 4))
    for had, has in zip(before[missing], after[missing], strict=True):
        assert all(was <= now for was, now in zip(bounds(had), bounds(has), strict=True))
    for k, (had, has) in enumerate(zip(before[late], after[late], strict=True)):
        assert had.borne <= max(has.borne, after[missing][k].borne)
        assert had.proven <= max(has.proven, after[missing][k].possible)


@given(spoken_by, st.sampled_from(["city", "contractor"]))
@many
def test_bounds_hold_when_anything_is_said(said: Spoken, bearer: str) -> None:
    assert_bounded(judge(contract(*ALL, bearer=bearer), said, (DAY, NEXT)))


@given(st.integers(0, 9), st.integers(0, 12), st.lists(st.booleans(), min_size=12, max_size=12))
@many
def test_true_figure_lies_between_when_some_lifts_are_in_doubt(claimed: int, count: int, doubts: list[bool]) -> None:
    """Some lifts lose their container's name: whatever is true, the bounds hold it."""
    clocks = [f"2026-09-10T{8 + n:02}:10" for n in range(count)]
    crew = [
        told(clock, zone="VP-01") if is_unnamed else told(clock, container="C-1")
        for clock, is_unnamed in zip(clocks, doubts, strict=False)
    ]
    found = day([report("11T09:00", claimed)], crew)[CONTRADICTED]
    true = max(abs(claimed - count) - 2, 0)
    assert found.proven <= true <= found.possible
    assert found.borne == found.proven
