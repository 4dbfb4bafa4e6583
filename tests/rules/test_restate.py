"""Restatement: what became known late, as lines of a later month; what was issued stays."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.contract import Terms
from rules.errors import CalculationError
from rules.payments.money import read
from rules.payments.restate import Earlier
from rules.payments.statement import Statement, opening_of_nothing, settle
from rules.records import Act, Determination, Verdict, canonical
from tests.rules.contracts import HOUR_US, STARTED, Table, contract_table, full_standard, terms_of
from tests.rules.drawn import ORDERS, fact, facts, tables

SEPTEMBER, OCTOBER, NOVEMBER = "2026-09", "2026-10", "2026-11"
NAME = "2026-09/container-full/C-1/2026-09-10"
NOUGHT = Fraction(0)


def one_standard(nature: str, inconclusive: str = "by_cause") -> Terms:
    consequence: Table = {"nature": nature, "tariff": {"kind": "per_event", "amount": "1000", "unit": "CLP"}}
    return terms_of(contract_table(full_standard(consequence=[consequence], inconclusive=inconclusive)))


def said(terms: Terms, verdict: Verdict, day: str = "2026-09-10") -> list[Determination]:
    return [fact(terms, "container-full", "C-1", day, verdict)]


class Story:
    """A contract's months, one after the other."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.known: dict[str, Sequence[Determination]] = {}
        self.issued: dict[str, Statement] = {}
        self.last: Statement | None = None

    def issue(self, period: str, found: Sequence[Determination], *acts: Act, drop: Sequence[str] = ()) -> Statement:
        """Issue a month; the earlier ones are restated from what is known of them by now."""
        opening = self.last.closing if self.last else opening_of_nothing(self.terms, period)
        earlier = {month: Earlier(self.terms, rows) for month, rows in self.known.items() if month not in drop}
        self.last = self.issued[period] = settle(self.terms, found, period, opening, acts, earlier)
        self.known = {month: rows for month, rows in self.known.items() if month not in drop} | {period: found}
        return self.last


def lines(statement: Statement, block: str) -> dict[str, Fraction]:
    rows: list[dict[str, Any]] = statement.body["blocks"][block]["lines"]
    return {row["id"]: read(row["amount"]) for row in rows if row["kind"] != "base"}


def firm(line: str, effect: str = "firm") -> Act:
    return Act(line, effect, "12", "2026-10-20", "alcaldesa", "0" * 64)


def test_price_is_paid_back_when_late_data_clear_it() -> None:
    story = Story(terms := one_standard("price"))
    before = canonical(story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET)).body)
    story.known[SEPTEMBER] = said(terms, Verdict.MET)
    october = story.issue(OCTOBER, [])

    assert {f"2026-10/restatement/{NAME}": Fraction(1_000)} == lines(october, "A")
    assert before == canonical(story.issued[SEPTEMBER].body)
    line = next(row for row in october.body["blocks"]["A"]["lines"] if row["kind"] == "restatement")
    assert (NAME, "2026-09", [said(terms, Verdict.MET)[0].id]) == (
        line["says"]["restates"], line["fact_month"], line["determinations"],
    )  # fmt: skip
    assert {} == lines(story.issue(NOVEMBER, []), "A")


def test_price_is_deducted_later_when_late_data_show_it() -> None:
    story = Story(terms := one_standard("price"))
    story.issue(SEPTEMBER, said(terms, Verdict.MET))
    story.known[SEPTEMBER] = said(terms, Verdict.NOT_MET)

    assert {f"2026-10/restatement/{NAME}": Fraction(-1_000)} == lines(story.issue(OCTOBER, []), "A")
    story.known[SEPTEMBER] = said(terms, Verdict.MET)
    assert {f"2026-11/restatement/{NAME}": Fraction(1_000)} == lines(story.issue(NOVEMBER, []), "A")


def test_nothing_is_restated_when_nothing_changed_or_the_month_is_closed_for_good() -> None:
    story = Story(terms := one_standard("price"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    assert {} == lines(story.issue(OCTOBER, []), "A")
    story.known[SEPTEMBER] = said(terms, Verdict.MET)
    november = story.issue(NOVEMBER, [], drop=[SEPTEMBER])

    assert {} == lines(november, "A")
    assert [OCTOBER, NOVEMBER] == sorted(november.closing["stated"])


def test_fine_is_withdrawn_when_late_data_clear_it_in_procedure() -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    story.known[SEPTEMBER] = said(terms, Verdict.MET)
    october = story.issue(OCTOBER, [], firm(NAME))

    assert ({NAME: NOUGHT}, {}) == (lines(october, "B"), lines(october, "C"))
    assert [] == october.closing["in_procedure"]


def test_fine_leaves_the_procedure_when_it_is_withdrawn_without_an_act() -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    story.known[SEPTEMBER] = said(terms, Verdict.MET)
    october = story.issue(OCTOBER, [])

    (line,) = october.body["blocks"]["C"]["lines"]
    assert (NAME, "0", "withdrawn") == (line["id"], line["amount"], line["state"])
    assert {} == lines(story.issue(NOVEMBER, []), "C")


def test_fine_is_given_back_when_late_data_clear_it_after_it_was_charged() -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    assert {NAME: Fraction(-1_000)} == lines(story.issue(OCTOBER, [], firm(NAME)), "B")
    story.known[SEPTEMBER] = said(terms, Verdict.MET)

    assert {f"2026-11/restatement/{NAME}": Fraction(1_000)} == lines(story.issue(NOVEMBER, []), "B")
    assert {} == lines(story.issue("2026-12", []), "B")


def reduced(line: str, amount: str) -> Act:
    return replace(firm(line, "reduced"), amount=amount)


@pytest.mark.parametrize(("amount", "charged"), [("400", -400), ("1000", -1_000), ("5000", -1_000), ("0.4", 0)])
def test_reduced_fine_is_charged_with_its_amount_and_never_more(amount: str, charged: int) -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    october = story.issue(OCTOBER, [], reduced(NAME, amount))
    assert {NAME: Fraction(charged)} == lines(october, "B")
    (line,) = [row for row in october.body["blocks"]["B"]["lines"] if row["id"] == NAME]
    step = line["trace"][-1]
    assert ("reduced", "decision", "-1000", amount) == (
        line["state"],
        step["step"],
        step["in"],
        step["act"]["amount"],
    )
    # Later data neither open it again nor add to it.
    assert ({}, {}) == (lines(november := story.issue(NOVEMBER, []), "B"), lines(november, "C"))


def test_reduced_fine_is_given_back_as_far_as_late_data_make_it_smaller() -> None:
    consequence: Table = {"nature": "fine", "tariff": {**STARTED, "amount": "1000", "unit": "CLP"}}
    story = Story(terms := terms_of(contract_table(full_standard(consequence=[consequence]))))
    (missed,) = said(terms, Verdict.NOT_MET)

    def hours(count: int) -> list[Determination]:
        value = missed.target + count * HOUR_US
        return [replace(missed, proven=value, borne=value, possible=value)]

    story.issue(SEPTEMBER, hours(9))
    assert {NAME: Fraction(-4_000)} == lines(story.issue(OCTOBER, [], reduced(NAME, "4000")), "B")
    story.known[SEPTEMBER] = hours(6)
    assert {} == lines(story.issue(NOVEMBER, []), "B")
    story.known[SEPTEMBER] = hours(3)
    assert {f"2026-12/restatement/{NAME}": Fraction(1_000)} == lines(story.issue("2026-12", []), "B")
    story.known[SEPTEMBER] = said(terms, Verdict.MET)
    assert {f"2027-01/restatement/{NAME}": Fraction(3_000)} == lines(story.issue("2027-01", []), "B")


def test_fine_by_the_index_of_its_act_is_given_back_as_it_was_charged() -> None:
    """Stated by the index of September, charged by that of October, cleared afterwards: all of it comes back."""
    consequence: Table = {"nature": "fine", "tariff": {"kind": "per_event", "amount": "1", "unit": "UTM"}}
    table = contract_table(full_standard(consequence=[consequence]))
    table["money"]["indexes"] = [{"series": "UTM", "month": "act"}]
    story = Story(terms := terms_of(table))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    assert {NAME: Fraction(-68_000)} == lines(story.issued[SEPTEMBER], "C")
    assert {NAME: Fraction(-68_501)} == lines(story.issue(OCTOBER, [], firm(NAME)), "B")
    assert {} == lines(story.issue(NOVEMBER, []), "B")
    story.known[SEPTEMBER] = said(terms, Verdict.MET)
    assert {f"2026-12/restatement/{NAME}": Fraction(68_501)} == lines(story.issue("2026-12", []), "B")


def test_value_published_later_fixes_what_waited_for_it_and_changes_no_value_that_was_known() -> None:
    consequence: Table = {"nature": "fine", "tariff": {"kind": "per_event", "amount": "1", "unit": "UTM"}}
    table = contract_table(full_standard(consequence=[consequence]))
    table["money"]["indexes"] = [{"series": "UTM", "month": "act"}]
    terms = terms_of(table)
    early = replace(terms, index_values={("UTM", "2026-09"): Fraction(68_000)})
    first = settle(early, said(terms, Verdict.NOT_MET), SEPTEMBER, opening_of_nothing(terms, SEPTEMBER))
    with pytest.raises(CalculationError, match="no value of UTM for 2026-10"):
        settle(early, [], OCTOBER, first.closing, [firm(NAME)])
    later = {("UTM", "2026-10"): Fraction(70_000), ("UTM", "2026-09"): Fraction(1)}
    second = settle(replace(early, index_later=later), [], OCTOBER, first.closing, [firm(NAME)])
    assert {NAME: Fraction(-70_000)} == lines(second, "B")
    known = settle(replace(terms, index_later=later), [], OCTOBER, first.closing, [firm(NAME)])
    assert {NAME: Fraction(-68_501)} == lines(known, "B")


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (firm(NAME, "reduced"), "needs one above nought"),
        (reduced(NAME, "-4"), "needs one above nought"),
        (reduced(NAME, "a lot"), "needs one above nought"),
        (replace(firm(NAME), amount="4"), "no other has one"),
        (firm(NAME, "waived"), "not firm, annulled or reduced"),
    ],
)
def test_act_is_refused_when_it_says_no_sum_or_one_too_many(act: Act, told: str) -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    with pytest.raises(CalculationError, match=told):
        story.issue(OCTOBER, [], act)


def test_fine_stays_annulled_when_late_data_show_it_again() -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    story.issue(OCTOBER, [], firm(NAME, "annulled"))

    assert {} == lines(story.issue(NOVEMBER, []), "B") | lines(story.issue("2026-12", []), "C")


def test_new_fine_goes_through_its_own_procedure_when_late_data_show_it() -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.MET))
    story.known[SEPTEMBER] = said(terms, Verdict.NOT_MET)
    name = f"2026-10/restatement/{NAME}"

    assert {name: Fraction(-1_000)} == lines(story.issue(OCTOBER, []), "C")
    november = story.issue(NOVEMBER, [], firm(name))
    assert {name: Fraction(-1_000)} == lines(november, "B")
    assert {} == lines(story.issue("2026-12", []), "B") | lines(story.issued["2026-12"], "C")


def test_held_price_is_deducted_when_late_data_prove_it() -> None:
    story = Story(terms := one_standard("price", "hold"))
    assert {NAME: Fraction(-1_000)} == lines(story.issue(SEPTEMBER, said(terms, Verdict.INCONCLUSIVE)), "C")
    story.known[SEPTEMBER] = said(terms, Verdict.NOT_MET)
    october = story.issue(OCTOBER, [])

    assert {f"2026-10/restatement/{NAME}": Fraction(-1_000)} == lines(october, "A")
    assert {NAME: NOUGHT} == lines(october, "C")


def test_price_is_paid_back_and_held_when_late_data_make_it_doubtful() -> None:
    story = Story(terms := one_standard("price", "hold"))
    story.issue(SEPTEMBER, said(terms, Verdict.NOT_MET))
    story.known[SEPTEMBER] = said(terms, Verdict.INCONCLUSIVE)
    october = story.issue(OCTOBER, [])

    assert {f"2026-10/restatement/{NAME}": Fraction(1_000)} == lines(october, "A")
    assert {f"2026-10/restatement/{NAME}/held": Fraction(-1_000)} == lines(october, "C")
    story.known[SEPTEMBER] = said(terms, Verdict.NOT_MET)
    november = story.issue(NOVEMBER, [])
    assert {f"2026-11/restatement/{NAME}": Fraction(-1_000)} == lines(november, "A")


def test_month_is_refused_when_it_was_never_stated() -> None:
    terms = one_standard("price")
    opening = opening_of_nothing(terms, OCTOBER)
    with pytest.raises(CalculationError, match="not open to restatement"):
        settle(terms, [], OCTOBER, opening, (), {SEPTEMBER: Earlier(terms, [])})


def test_month_is_refused_when_its_facts_are_of_other_terms_or_another_month() -> None:
    story = Story(terms := one_standard("price"))
    story.issue(SEPTEMBER, said(terms, Verdict.MET))
    for rows, told in (
        (said(one_standard("fine"), Verdict.MET), "other terms"),
        (said(terms, Verdict.MET, "2026-10-10"), "not of 2026-09"),
    ):
        story.known[SEPTEMBER] = rows
        with pytest.raises(CalculationError, match=told):
            story.issue(OCTOBER, [])


def test_month_is_refused_when_a_check_of_it_is_judged_twice() -> None:
    story = Story(terms := one_standard("price"))
    (one,) = said(terms, Verdict.MET)
    story.issue(SEPTEMBER, [one])
    story.known[SEPTEMBER] = [one, replace(one, digests={**one.digests, "readings": "9" * 64})]
    with pytest.raises(CalculationError, match="two determinations judge"):
        story.issue(OCTOBER, [])


@pytest.mark.timeout(600)  # seven months a contract; longer on a busy machine
@given(st.data())
@settings(max_examples=1_000)
def test_months_pay_in_all_what_they_would_have_when_known_at_once(data: st.DataObject) -> None:
    """Prices and fines, capped and free ones too: what is known late costs, in the end, what it would have cost."""
    table = data.draw(tables())
    table["money"]["rounding"]["at"] = "line"
    table["base"] = [{"id": "monthly-fee", "amount": "100000000", "clause": "7"}]
    terms = terms_of(table)
    first, late, again = (data.draw(facts(terms)) for _ in range(3))
    story, prompt = Story(terms), Story(terms)
    story.issue(SEPTEMBER, first)
    story.known[SEPTEMBER] = late
    story.issue(OCTOBER, [])
    story.known[SEPTEMBER] = again
    story.issue(NOVEMBER, [])
    for month, found in ((SEPTEMBER, again), (OCTOBER, []), (NOVEMBER, [])):
        prompt.issue(month, found)

    assert _paid(prompt) == _paid(story)
    assert _open(prompt) == _open(story)


def carrying(nature: str = "price") -> Terms:
    """Build terms whose cap of 100 carries over what it cuts off: 60 an event."""
    consequence: Table = {
        "nature": nature,
        "tariff": {"kind": "per_event", "amount": "60", "unit": "CLP"},
        "cap": {"per": "month", "pct": "10", "base": "monthly-fee", "carry_over": "next_month"},
    }
    table = contract_table(full_standard(consequence=[consequence]))
    table["base"] = [{"id": "monthly-fee", "amount": "1000", "clause": "7"}]
    return terms_of(table)


def days(terms: Terms, month: str, count: int) -> list[Determination]:
    return [fact(terms, "container-full", "C-1", f"{month}-{n + 1:02}", Verdict.NOT_MET) for n in range(count)]


def test_carried_sum_is_given_back_when_late_data_clear_what_it_came_from() -> None:
    story = Story(terms := carrying())
    story.issue(SEPTEMBER, days(terms, SEPTEMBER, 3))
    name = "carry-over/container-full/price/all"
    assert {f"2026-10/{name}": Fraction(-80)} == lines(story.issue(OCTOBER, []), "A")
    # One of three events is cleared: 20 are carried over, not 80.
    story.known[SEPTEMBER] = [*days(terms, SEPTEMBER, 2), *said(terms, Verdict.MET, "2026-09-03")]
    november = story.issue(NOVEMBER, [])

    assert {f"2026-11/restatement/2026-10/{name}": Fraction(60)} == lines(november, "A")
    assert {} == lines(story.issue("2026-12", []), "A")


def test_more_is_carried_when_late_data_show_another_event() -> None:
    story = Story(terms := carrying())
    story.issue(SEPTEMBER, days(terms, SEPTEMBER, 2))
    story.issue(OCTOBER, days(terms, OCTOBER, 1))
    story.known[SEPTEMBER] = days(terms, SEPTEMBER, 4)
    november = story.issue(NOVEMBER, [])

    # October had room for 40, of which 20 were used; September's cap was spent before.
    assert {
        "2026-11/restatement/2026-10/carry-over/container-full/price/all": Fraction(-20),
        "2026-11/carry-over/container-full/price/all": Fraction(-100),
    } == lines(november, "A")
    assert {"2026-09": {"container-full/price/all": {"2026-09": "140"}}} == {
        month: rows for month, rows in november.closing["cap_carry"].items() if month == SEPTEMBER
    }


def test_month_is_refused_when_what_it_opened_with_changes_and_it_is_closed_for_good() -> None:
    story = Story(terms := carrying())
    story.issue(SEPTEMBER, days(terms, SEPTEMBER, 3))
    story.issue(OCTOBER, [])
    assert story.last is not None
    opening = story.last.closing
    for found, is_refused in ((days(terms, SEPTEMBER, 3), False), (days(terms, SEPTEMBER, 2), True)):
        earlier = {SEPTEMBER: Earlier(terms, found)}
        if is_refused:
            with pytest.raises(CalculationError, match="restate the month after it too"):
                settle(terms, [], NOVEMBER, opening, (), earlier)
        else:
            assert {} == lines(settle(terms, [], NOVEMBER, opening, (), earlier), "A")


@pytest.mark.timeout(600)  # seven months a contract; longer on a busy machine
@given(st.data())
@settings(max_examples=1_000)
def test_months_pay_in_all_what_they_would_have_when_caps_carry_over(data: st.DataObject) -> None:
    """What is known late costs, in the end, what it would have cost, also by way of the months it was carried to."""
    orders = [order for order in ORDERS if order[-2] == "cap"]
    table = data.draw(tables(bearer="contractor", policies=["by_cause", "deduct"], orders=orders, is_shared=False))
    table["money"]["rounding"]["at"] = "line"
    for standard in table["standard"]:
        for consequence in standard["consequence"]:
            pct, per = (
                data.draw(st.sampled_from(["0.1", "5", "50"])),
                data.draw(st.sampled_from(["month", "zone_month"])),
            )
            consequence["cap"] = {"per": per, "pct": pct, "base": "monthly-fee", "carry_over": "next_month"}
    terms = terms_of(table)
    # Index values are known of these.
    months = ("2026-08", SEPTEMBER, OCTOBER)
    first, final = ({month: data.draw(facts(terms, month, 10)) for month in months} for _ in range(2))
    story, prompt = Story(terms), Story(terms)
    for month in months:
        story.issue(month, first[month])
        # What is thought of a month in between may be neither.
        doubted = data.draw(st.sampled_from(sorted(story.known)))
        story.known[doubted] = data.draw(facts(terms, doubted, 5))
    story.known = dict(final)
    story.issue(NOVEMBER, [])
    for month in months:
        prompt.issue(month, final[month])
    prompt.issue(NOVEMBER, [])

    assert _paid(prompt) == _paid(story)
    assert _open(prompt) == _open(story)
    assert _carried(prompt) == _carried(story)


def _carried(story: Story) -> Table:
    assert story.last is not None
    return story.last.closing.get("cap_carry", {}).get(story.last.closing["period"], {})


def _paid(story: Story) -> Fraction:
    """All payments, less what the last one left to be taken off."""
    assert story.last is not None
    paid = sum((read(one.body["totals"]["net"]) for one in story.issued.values()), NOUGHT)
    return paid - read(story.last.closing["carry_over"])


def _open(story: Story) -> Fraction:
    assert story.last is not None
    return sum((read(line["amount"]) for line in story.last.closing["in_procedure"]), NOUGHT)


def test_lines_keep_their_ids_apart_when_a_line_is_restated_twice() -> None:
    story = Story(terms := one_standard("fine"))
    story.issue(SEPTEMBER, said(terms, Verdict.MET))
    for month, verdict in ((OCTOBER, Verdict.NOT_MET), (NOVEMBER, Verdict.MET), ("2026-12", Verdict.NOT_MET)):
        story.known[SEPTEMBER] = said(terms, verdict)
        story.issue(month, [])
    ids = [row["id"] for one in story.issued.values() for row in one.body["blocks"]["C"]["lines"]]
    assert [f"2026-10/restatement/{NAME}", f"2026-10/restatement/{NAME}", f"2026-12/restatement/{NAME}"] == ids


def test_silence_frees_no_dearer_event_when_its_sum_is_held() -> None:
    """One event is free, the tariff rises on the second day: a gap on the first must not free the second."""
    amount = [{"value": "0"}, {"value": "100", "from": date(2026, 9, 2)}]
    consequence: Table = {
        "nature": "price",
        "tariff": {"kind": "per_event", "amount": amount, "unit": "CLP"},
        "allowance": {"free": "1", "per": "contract"},
    }
    standard = full_standard(consequence=[consequence], inconclusive="hold")
    terms = terms_of(contract_table(standard, bearer="contractor"))
    second = said(terms, Verdict.NOT_MET, "2026-09-02")
    silent = fact(terms, "container-full", "C-1", "2026-09-01", Verdict.INCONCLUSIVE, is_borne=True)
    paid = [
        Story(terms).issue(SEPTEMBER, [*first, *second]).body["totals"]["adjustments"]
        for first in (said(terms, Verdict.NOT_MET, "2026-09-01"), [silent])
    ]
    assert ["-100", "-100"] == paid
