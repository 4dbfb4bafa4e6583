"""Where a line stands: each way through the process, what has no effect and why, and laws over drawn records."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.process.clocks import Pause
from rules.process.permits import one_spelling
from rules.process.records import ACTS, PERMISSIONS, Record, RecordKind
from rules.process.standing import Cause, Refusal, Standing, State
from rules.process.terms import Permission
from tests.rules.process.cases import (
    ALL,
    APPEAL,
    APPEAL_DECISION,
    APPEAL_SENT,
    DECISION,
    DECISION_SENT,
    DEFENCE,
    FIRM,
    NOTICE,
    SENT,
    at,
    matter,
    process_of,
    record,
    standing,
)

_YEAR_LATER = "2027-12-01"


def _why(found: Standing) -> list[tuple[str, str]]:
    return [(one.record.kind.value, one.why.value) for one in found.refused]


def test_line_becomes_firm_when_every_step_is_taken() -> None:
    found = standing(ALL, "2026-12-10")
    assert (State.FIRM, "34000", []) == (found.state, found.amount, _why(found))
    assert found.effect is not None
    assert ("firm", "34000", FIRM) == (found.effect.effect, found.effect.amount, found.effect.record)
    assert ALL == list(found.held)


@pytest.mark.parametrize(
    ("steps", "when", "state", "may"),
    [
        (0, "2026-10-05", State.DRAFT, ["notice"]),
        (1, "2026-10-05T11:00", State.DRAFT, ["notification"]),
        (2, "2026-10-06", State.NOTIFIED, ["defence", "firm"]),
        (3, "2026-10-21", State.DEFENDED, ["decision"]),
        (4, "2026-11-04T09:00", State.DECIDED, ["notification", "appeal"]),
        (5, "2026-11-05", State.DECIDED, ["appeal", "firm"]),
        (6, "2026-11-12", State.APPEALED, ["appeal_decision"]),
        (7, "2026-12-01T09:00", State.DECIDED, ["notification"]),
        (8, "2026-12-02", State.DECIDED, ["firm"]),
        (9, "2026-12-03", State.FIRM, []),
    ],
)
def test_next_steps_when_asked_on_the_way(steps: int, when: str, state: State, may: list[str]) -> None:
    found = standing(ALL[:steps], when)
    assert (state, may) == (found.state, [one.kind.value for one in found.following])


@pytest.mark.parametrize(
    ("clock", "first", "last", "until"),
    [
        ("raise_by", "2026-09-16", "2026-11-14", "2026-11-15"),
        # Sent on the 5th, deemed on the 6th; Columbus day and two weekends do not count.
        ("defence", "2026-10-07", "2026-10-21", "2026-10-22"),
        ("decision", "2026-10-21", "2026-11-10", "2026-11-11"),
        ("appeal", "2026-11-06", "2026-11-12", "2026-11-13"),
        ("appeal_decision", "2026-11-12", "2026-12-02", "2026-12-03"),
        ("charge_by", "2026-12-04", "2027-03-03", "2027-03-04"),
    ],
)
def test_deadline_when_its_days_are_counted_by_hand(clock: str, first: str, last: str, until: str) -> None:
    (found,) = [one for one in standing(ALL, "2026-12-10").deadlines if one.clock == clock]
    assert (first, last, at(until)) == (found.first_day, found.last_day, found.until_us)


def test_contractor_silence_opens_the_way_to_firm_but_time_alone_does_not_go_it() -> None:
    notified = [NOTICE, SENT]
    assert State.NOTIFIED == standing(notified, _YEAR_LATER).state
    early = standing([*notified, record("firm", "2026-10-21")], "2026-10-25")
    assert (State.NOTIFIED, [("firm", "too_early")]) == (early.state, _why(early))
    assert at("2026-10-22") == early.refused[0].until_us
    assert State.FIRM == standing([*notified, record("firm", "2026-10-22")], "2026-10-25").state


def test_decision_is_due_all_the_same_when_the_terms_want_one_without_a_defence() -> None:
    terms = process_of(("contractor_silence.outcome", "decide"))
    firm = standing([NOTICE, SENT, record("firm", "2026-10-22")], "2026-10-25", terms)
    assert [("firm", "not_now")] == _why(firm)
    decided = standing([NOTICE, SENT, record("decision", "2026-10-26")], "2026-10-27", terms)
    assert State.DECIDED == decided.state
    assert (State.ANNULLED, Cause.CITY_SILENCE) == (
        (late := standing([NOTICE, SENT], _YEAR_LATER, terms)).state,
        late.cause,
    )


def test_late_defence_is_kept_without_effect() -> None:
    found = standing([NOTICE, SENT, record("defence", "2026-10-22")], "2026-10-23")
    assert (State.NOTIFIED, [("defence", "too_late")]) == (found.state, _why(found))
    assert at("2026-10-22") == found.refused[0].until_us


@pytest.mark.parametrize(
    ("outcome", "clause", "state"),
    [("annulled", None, State.ANNULLED), ("open", None, State.DEFENDED), ("upheld", "28.4", State.DECIDED)],
)
def test_city_silence_when_a_defence_is_not_decided(outcome: str, clause: str | None, state: State) -> None:
    terms = process_of(("city_silence", {"outcome": outcome} | ({"clause": clause} if clause else {})))
    found = standing([NOTICE, SENT, DEFENCE], _YEAR_LATER, terms)
    assert state == found.state
    assert ("0" if state == State.ANNULLED else "34000") == found.amount


def test_late_decision_holds_only_when_the_citys_silence_leaves_it_open() -> None:
    late = [NOTICE, SENT, DEFENCE, record("decision", "2026-11-11")]
    annulled = standing(late, "2026-11-12")
    assert (State.ANNULLED, [("decision", "too_late")]) == (annulled.state, _why(annulled))
    assert State.DECIDED == standing(late, "2026-11-12", process_of(("city_silence", {"outcome": "open"}))).state


def test_silence_on_an_appeal_annuls_too() -> None:
    found = standing([*ALL[:6]], _YEAR_LATER)
    assert (State.ANNULLED, Cause.CITY_SILENCE, "0") == (found.state, found.cause, found.amount)


def test_line_expires_when_nobody_notifies_in_time() -> None:
    late = [record("notice", "2026-11-10"), record("notification", "2026-11-14T00:00")]
    found = standing(late, "2026-11-20")
    # Deemed 24 hours later, which is when the time limit ends.
    assert (State.EXPIRED, Cause.RAISE_BY, [("notification", "too_late")]) == (found.state, found.cause, _why(found))
    assert State.NOTIFIED == standing([late[0], record("notification", "2026-11-13T23:59")], "2026-11-20").state


def test_firm_line_expires_when_it_is_not_charged_in_time() -> None:
    assert State.FIRM == standing(ALL, "2027-03-03T23:00").state
    found = standing(ALL, "2027-03-04")
    assert (State.EXPIRED, Cause.CHARGE_BY, None) == (found.state, found.cause, found.effect)
    assert State.FIRM == standing(ALL, "2027-03-04", what=matter(is_charged=True)).state


def test_expiry_is_noted_by_an_act() -> None:
    sealed = standing([record("expiry", "2026-11-20")], "2026-11-21")
    assert sealed.effect is not None
    assert (State.EXPIRED, "annulled", "0") == (sealed.state, sealed.effect.effect, sealed.effect.amount)
    assert [("expiry", "not_now")] == _why(standing([record("expiry", "2026-11-01")], "2026-11-02"))


@pytest.mark.parametrize(
    ("outcome", "amount", "state", "left"),
    [
        ("upheld", "", State.FIRM, ("firm", "34000")),
        ("reduced", "20000.50", State.FIRM, ("reduced", "20000.50")),
        ("accepted", "", State.ANNULLED, ("annulled", "0")),
    ],
)
def test_decision_when_it_goes_each_way(outcome: str, amount: str, state: State, left: tuple[str, str]) -> None:
    decision = replace(DECISION, outcome=outcome, amount=amount)
    found = standing([NOTICE, SENT, DEFENCE, decision, DECISION_SENT, record("firm", "2026-11-13")], "2026-11-20")
    assert found.effect is not None
    assert (state, left) == (found.state, (found.effect.effect, found.effect.amount))


@pytest.mark.parametrize("amount", ["34000", "0", "-1", "40000", "x", ""])
def test_reduction_is_refused_when_it_is_none(amount: str) -> None:
    found = standing([NOTICE, SENT, DEFENCE, replace(DECISION, outcome="reduced", amount=amount)], "2026-11-05")
    assert [("decision", "amount")] == _why(found)


def test_appeal_never_makes_a_fine_higher() -> None:
    reduced = replace(DECISION, outcome="reduced", amount="20000")
    higher = replace(APPEAL_DECISION, outcome="reduced", amount="30000")
    found = standing([NOTICE, SENT, DEFENCE, reduced, DECISION_SENT, APPEAL, higher], "2026-12-01T01:00")
    assert ("20000", [("appeal_decision", "amount")]) == (found.amount, _why(found))
    upheld = standing([NOTICE, SENT, DEFENCE, reduced, DECISION_SENT, APPEAL, APPEAL_DECISION], "2026-12-01T01:00")
    assert "20000" == upheld.amount


def test_decision_without_notification_starts_no_clock_and_opens_no_way() -> None:
    found = standing([NOTICE, SENT, DEFENCE, DECISION, record("firm", "2027-06-01")], _YEAR_LATER)
    assert (State.DECIDED, [("firm", "not_now")]) == (found.state, _why(found))
    assert "appeal" not in {one.clock for one in found.deadlines}


def test_contract_without_appeal_is_firm_after_the_decision_is_deemed_known() -> None:
    terms = process_of(("clocks.appeal", None), ("clocks.appeal_decision", None))
    steps = [NOTICE, SENT, DEFENCE, DECISION, DECISION_SENT]
    assert [("firm", "too_early")] == _why(standing([*steps, record("firm", "2026-11-05")], "2026-11-06", terms))
    assert State.FIRM == standing([*steps, record("firm", "2026-11-06")], "2026-11-07", terms).state
    assert [("appeal", "no_clause")] == _why(standing([*steps, APPEAL], "2026-11-12", terms))


def test_forgiving_is_off_without_a_clause() -> None:
    forgiven = [NOTICE, SENT, record("forgiving", "2026-10-10")]
    unclaused = replace(matter(), forgiven_by="")
    assert [("forgiving", "no_clause")] == _why(standing(forgiven, "2026-10-11", what=unclaused))
    found = standing(forgiven, "2026-10-11")
    assert found.effect is not None
    assert (State.FORGIVEN, "0", "annulled") == (found.state, found.amount, found.effect.effect)
    # Another office that may decide all else may not forgive this nature.
    other = [NOTICE, SENT, record("forgiving", "2026-10-10", role="all")]
    assert [("forgiving", "role_lacks_permission")] == _why(standing(other, "2026-10-11"))


@pytest.mark.parametrize(
    ("alert", "why"),
    [
        (None, [("notification", "no_alert")]),
        (record("alert", "2026-09-13T21:59"), []),
        # Deemed a day later: two hours before the fact was complete would have been in time, a minute less is not.
        (record("alert", "2026-09-13T22:01"), [("notification", "no_alert")]),
        (record("alert", "2026-09-13T10:00", proof_sha256=""), [("alert", "lacking"), ("notification", "no_alert")]),
        (
            record("alert", "2026-09-13T10:00", channel="e-mail"),
            [("alert", "channel_unknown"), ("notification", "no_alert")],
        ),
    ],
)
def test_alert_when_the_terms_want_one(alert: Record | None, why: list[tuple[str, str]]) -> None:
    terms = process_of(("alert", {"lead": "PT2H", "clause": "28.6"}))
    found = standing([NOTICE, SENT, *([alert] if alert else [])], "2026-10-06", terms)
    assert why == _why(found)


def test_alert_when_it_comes_after_the_limit_was_reached() -> None:
    terms = process_of(("alert", {"lead": "PT2H", "clause": "28.6"}))
    found = [record("alert", "2026-09-13T10:00"), NOTICE, SENT]
    what = replace(matter(), act_by_us=at("2026-09-14T12:00"))
    assert State.NOTIFIED == standing(found, "2026-10-06", terms, what).state
    assert State.DRAFT == standing(found, "2026-10-06", terms, replace(what, act_by_us=at("2026-09-14T11:59"))).state


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (replace(NOTICE, number=" "), "lacking"),
        (replace(NOTICE, document_sha256="abc"), "lacking"),
        (replace(NOTICE, role="gardener"), "role_unknown"),
        (replace(NOTICE, role="mayor"), "role_lacks_permission"),
    ],
)
def test_notice_is_refused_when_it_is_none(made: Record, why: str) -> None:
    assert [("notice", why)] == _why(standing([made], "2026-10-06"))


def test_same_person_does_not_propose_and_decide_in_two_offices() -> None:
    found = standing([NOTICE, SENT, DEFENCE, replace(DECISION, person="  SOTO", role="all")], "2026-11-05")
    assert (State.DEFENDED, [("decision", "incompatible_act")]) == (found.state, _why(found))


def test_relief_stops_the_clock_that_names_its_code() -> None:
    strike = Pause("strike", at("2026-10-08T10:00"), at("2026-10-13T01:00"))
    market = Pause("market-closed", at("2026-10-08"), at("2026-10-30"))
    limits = {
        one.clock.value: one for one in standing([NOTICE, SENT], "2026-10-07", what=matter(strike, market)).deadlines
    }
    # The 8th, 9th and 13th; the 10th to the 12th would not have counted anyhow.
    assert "2026-10-26" == limits["defence"].last_day
    assert ["2026-10-08", "2026-10-09", "2026-10-13"] == [
        one.day for one in limits["defence"].skipped if one.reason == "strike"
    ]
    assert "2026-11-14" == limits["raise_by"].last_day


_WHEN = st.integers(0, 200).map(lambda day: at("2026-09-20") + day * 86_400_000_000 // 2)
_PEOPLE = st.sampled_from(("Soto", "soto ", "Vera", "Rojas", "Lagos"))
_ROLES = st.sampled_from(("inspector", "mayor", "secretary", "legal", "all"))


@st.composite
def _drawn(draw: st.DrawFn) -> Record:
    """Draw a record, whole in most of its fields, of any person at any time."""
    kind = draw(st.sampled_from(list(RecordKind)))
    fields: dict[str, Any] = {}
    if kind in PERMISSIONS:
        fields = {"person": draw(_PEOPLE), "role": draw(_ROLES)}
    if kind == RecordKind.NOTIFICATION:
        fields["of"] = draw(st.sampled_from(("notice", "decision", "appeal_decision")))
        fields["proof_sha256"] = draw(st.sampled_from(("0" * 64, "")))
    if kind in {RecordKind.DECISION, RecordKind.APPEAL_DECISION}:
        fields["outcome"] = draw(st.sampled_from(("upheld", "accepted", "reduced")))
        fields["amount"] = draw(st.sampled_from(("10000", "20000", "50000", "")))
    return replace(record(kind.value, "2026-10-01", **fields), at_us=draw(_WHEN))


_MANY = st.lists(_drawn(), max_size=12)
# Whole ways too: drawn records alone seldom get far.
_WAYS = st.tuples(st.lists(st.sampled_from(ALL), unique=True), _MANY).map(lambda two: [*two[0], *two[1]])
_TERMS = st.builds(
    process_of,
    st.sampled_from(("annulled", "open")).map(lambda outcome: ("city_silence", {"outcome": outcome})),
    st.sampled_from(("firm_by_act", "decide")).map(lambda outcome: ("contractor_silence.outcome", outcome)),
)


@given(_WAYS, st.randoms(use_true_random=False), _TERMS)
@settings(max_examples=200)
def test_order_of_records_does_not_matter(records: list[Record], random: Any, terms: Any) -> None:
    shuffled = [*records, *records[:3]]
    random.shuffle(shuffled)
    assert standing(records, _YEAR_LATER, terms) == standing(shuffled, _YEAR_LATER, terms)


@given(_WAYS, _TERMS, _WHEN)
@settings(max_examples=200)
def test_silence_of_the_city_never_turns_against_the_contractor(records: list[Record], terms: Any, when: int) -> None:
    """Whatever was done: once the city does nothing any more, the line asks for no more and does not become firm."""
    so_far = [one for one in records if one.at_us <= when]
    before = standing(so_far, "2027-01-15", terms)
    # The contractor's own filings may still come.
    later = standing([*so_far, *(one for one in records if one.kind not in PERMISSIONS)], _YEAR_LATER, terms)
    if before.state != State.FIRM:
        assert later.state != State.FIRM
        assert int(later.amount) <= int(before.amount)
    if later.state == State.DECIDED:
        assert {RecordKind.DECISION, RecordKind.APPEAL_DECISION} & {one.kind for one in later.held}


@given(_WAYS, _TERMS)
@settings(max_examples=200)
def test_clocks_stand_still_when_nothing_is_notified_with_proof(records: list[Record], terms: Any) -> None:
    unproved = [
        replace(one, proof_sha256="") if one.kind == RecordKind.NOTIFICATION else one
        for one in records
        if one.kind != RecordKind.FORGIVING
    ]
    found = standing(unproved, _YEAR_LATER, terms)
    assert found.state == State.EXPIRED
    assert ["raise_by"] == [one.clock.value for one in found.deadlines]


@given(_WAYS, _TERMS)
@settings(max_examples=200)
def test_incompatible_acts_never_meet_in_one_person(records: list[Record], terms: Any) -> None:
    done: dict[str, set[Permission]] = {}
    for one in standing(records, _YEAR_LATER, terms).held:
        if one.kind in PERMISSIONS:
            done.setdefault(one_spelling(one.person), set()).add(PERMISSIONS[one.kind])
    for acts in done.values():
        assert not {Permission.PROPOSE, Permission.DECIDE} <= acts
        assert not {Permission.HEAR, Permission.DECIDE} <= acts


@given(_WAYS, _TERMS)
@settings(max_examples=200)
def test_nothing_is_lost_and_nothing_is_firm_without_its_act(records: list[Record], terms: Any) -> None:
    found = standing(records, _YEAR_LATER, terms)
    assert set(records) == {*found.held, *(one.record for one in found.refused)}
    if found.effect is not None:
        assert found.effect.record in found.held
        assert found.effect.record.kind in ACTS
    if found.state == State.FIRM:
        assert RecordKind.FIRM in {one.kind for one in found.held}
    assert Refusal.LACKING not in {one.why for one in found.refused if not one.what}


def test_records_hold_when_all_are_told_twice() -> None:
    assert standing(ALL, "2026-12-10") == standing([*ALL, *ALL, APPEAL_SENT], "2026-12-10")
