"""Determinations to money: against a plain calculation, the laws, and the vectors of real clauses."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.contract import Step, Terms
from rules.errors import CalculationError
from rules.numbers import PPM, value_on
from rules.payments import statement as statements
from rules.payments.money import read, written
from rules.payments.statement import Statement, opening_of_nothing
from rules.payments.steps import limit_on
from rules.records import Act, Determination, Op, Relief, Verdict, canonical, digest
from tests.payment_months import Month, pay, step_of
from tests.payment_oracle import Payment
from tests.plain_events import NOUGHT
from tests.rules.contracts import Table, changed, contract_table, full_standard, terms_of
from tests.rules.drawn import FAIR_ORDERS, INDEXES, PERIOD, fact, facts, reliefs, tables

pytestmark = pytest.mark.timeout(600)  # a law that chains months draws for a minute, longer on a busy machine
MANY = settings(max_examples=1_000)  # contracts that are drawn for each law; test_laws.py draws more of them


def settle(
    terms: Terms,
    found: Sequence[Determination],
    period: str,
    opening: dict[str, Any] | None = None,
    acts: Iterable[Act | Relief] = (),
) -> Statement:
    """Settle a month that opens with nothing unless told otherwise."""
    return statements.settle(terms, found, period, opening or opening_of_nothing(terms, period), acts)


def amounts(settled: Statement, block: str) -> dict[str, Fraction]:
    """Lines of a block that are not nought, but what closes the sum."""
    return {
        line["id"]: read(line["amount"])
        for line in settled.body["blocks"][block]["lines"]
        if line["kind"] in {"base", "deduction", "bonus"} or line["says"]["code"] == "cap_carry"
        if read(line["amount"])
    }


def lines(settled: Statement) -> list[dict[str, Any]]:
    """List every line of a statement."""
    return [line for block in settled.body["blocks"].values() for line in block["lines"]]


def net(settled: Statement) -> Fraction:
    return read(settled.body["totals"]["net"])


def worth(settled: Statement) -> Fraction:
    """What the contractor has in the end if all in procedure becomes firm: no silence hides behind a delay."""
    return net(settled) - read(settled.closing["carry_over"]) + read(settled.body["totals"]["in_procedure"])


def exact_worth(settled: Statement) -> Fraction:
    """What the contractor has in the end, before totals are rounded: what is in procedure is so later."""
    said = settled.body["blocks"]["A"]["lines"]
    return worth(settled) - sum((read(line["amount"]) for line in said if line["kind"] == "rounding"), NOUGHT)


def plain(found: dict[str, Fraction]) -> dict[str, Fraction]:
    return {name: amount for name, amount in found.items() if amount}


def act(line: str, effect: str = "firm", *, number: str = "D-1", signer: str = "alcalde") -> Act:
    """Write an act; a sum in place of an effect is what it reduces a line to."""
    is_sum = effect[:1].isdigit()
    said = ("reduced", effect) if is_sum else (effect, "")
    return Act(line, said[0], number, "2026-10-20", signer, "f" * 64, said[1])


def agrees(settled: Statement, month: Month) -> None:
    """Check a statement against the plain calculation, to the last fraction."""
    assert plain(month.settled) == amounts(settled, "A")
    assert plain(month.firm) == amounts(settled, "B")
    assert plain(month.open) == amounts(settled, "C")
    carried = settled.closing.get("cap_carry", {}).get(settled.closing["period"], {})
    assert {key: {name: written(amount) for name, amount in rows} for key, rows in month.cut.items()} == carried
    assert (month.paid, month.carry) == (net(settled), read(settled.closing["carry_over"]))


@given(st.data())
@MANY
def test_statement_is_the_plain_one_when_terms_and_facts_are_any(data: st.DataObject) -> None:
    table = data.draw(tables(bonuses=True))
    terms = terms_of(table)
    found, granted = data.draw(facts(terms)), data.draw(reliefs(terms))
    settled = settle(terms, found, PERIOD, None, granted)
    agrees(settled, pay(Payment(table, INDEXES, PERIOD, granted), found))


@given(st.data())
@MANY
def test_statements_are_the_plain_ones_when_months_follow_each_other(data: st.DataObject) -> None:
    table = data.draw(tables(bonuses=True))
    terms = terms_of(table)
    settled: Statement | None = None
    month: Month | None = None
    charged: list[str] = []
    spent: dict[str, Fraction] = {}
    earlier: list[Payment] = []
    for period in ("2026-08", "2026-09", "2026-10"):
        found, granted = data.draw(facts(terms, period, 12)), data.draw(reliefs(terms, period))
        waiting: list[str] = [line["id"] for line in settled.closing["in_procedure"]] if settled else []
        chosen = data.draw(st.lists(st.sampled_from(waiting), unique=True)) if waiting else []
        decisions = {name: data.draw(st.sampled_from(["firm", "annulled", "1", "1234.5"])) for name in chosen}
        acts = [act(name, effect) for name, effect in decisions.items()]
        settled = settle(terms, found, period, settled.closing if settled else None, [*acts, *granted])
        payment = Payment(table, INDEXES, period, granted, spent, tuple(earlier))
        earlier.append(payment)
        month = pay(payment, found, month, decisions)
        agrees(settled, month)
        for cap in table.get("total_cap", []):
            if cap["per"] != "month":
                spent[cap["id"]] = spent.get(cap["id"], NOUGHT) + payment.capped[cap["id"]]
        charged += amounts(settled, "B")
    assert len(charged) == len(set(charged)), "a fine is charged once"


@given(st.data())
@MANY
def test_lines_add_up_and_stay_under_their_caps_when_terms_and_facts_are_any(data: st.DataObject) -> None:
    terms = terms_of(data.draw(tables()))
    settled = settle(terms, data.draw(facts(terms)), PERIOD)
    adds_up(terms, settled)
    stays_under_caps(terms, settled)


def adds_up(terms: Terms, settled: Statement) -> None:
    body, step = settled.body, value_on(terms.file.money.rounding.step, date(2026, 9, 1))
    for block in body["blocks"].values():
        assert read(block["total"]) == sum((read(line["amount"]) for line in block["lines"]), NOUGHT)
    totals = {name: read(amount) for name, amount in body["totals"].items()}
    assert totals["net"] == totals["base"] + totals["adjustments"] + totals["firm"] >= 0
    assert 1 == (totals["net"] / step).denominator
    assert len(lines(settled)) == len({line["id"] for line in lines(settled)})
    for line in lines(settled):
        steps = line["trace"]
        assert all(one["out"] == after["in"] for one, after in pairwise(steps))
        assert not steps or read(steps[-1]["out"]) == (1 if line["kind"] == "base" else -1) * read(line["amount"])
        assert line["kind"] != "deduction" or read(line["amount"]) <= 0


def stays_under_caps(terms: Terms, settled: Statement) -> None:
    spent: dict[tuple[str, ...], Fraction] = {}
    days = (date(2026, 9, 1), date(2026, 9, 30))
    order = terms.file.money.order
    for standard in terms.file.standard:
        for consequence in standard.consequence:
            # Where the terms multiply after the cap, it is a cap on what is multiplied.
            is_last = consequence.repeat is None or order.index(Step.REPEAT) < order.index(Step.CAP)
            if not (cap := consequence.cap) or not is_last:
                continue
            limit = max(limit_on(terms, cap, day) for day in days)
            for line in lines(settled):
                if (line["standard"], line["nature"]) == (standard.id, consequence.nature):
                    shares = {"zone_month": line["zone"], "month": "", "event": line["id"]}
                    key = (standard.id, consequence.nature.value, shares[cap.per])
                    spent[key] = spent.get(key, NOUGHT) - read(line["amount"])
                    assert spent[key] <= limit
    for cap in terms.file.total_cap:
        whole = [line for line in lines(settled) if line["nature"] in cap.natures and line["kind"] == "deduction"]
        assert -sum((read(line["amount"]) for line in whole), NOUGHT) <= limit_on(terms, cap, days[0])


@given(st.data())
@MANY
def test_relief_never_costs_when_terms_and_facts_are_any(data: st.DataObject) -> None:
    terms = terms_of(data.draw(tables(has_cap=False, orders=FAIR_ORDERS)))
    found, granted = data.draw(facts(terms)), data.draw(reliefs(terms))
    relieved = settle(terms, found, PERIOD, None, granted)
    assert exact_worth(settle(terms, found, PERIOD)) <= exact_worth(relieved)


def with_verdict(
    found: Sequence[Determination], place: int, verdict: Verdict, *, is_borne: bool = False
) -> list[Determination]:
    """Replace one determination by another of the same opportunity."""
    one = found[place]
    met, missed = (0, one.target + 1) if one.op == Op.AT_MOST else (PPM, one.target - 1)
    bounds = {
        Verdict.MET: (met, met, met),
        Verdict.NOT_MET: (missed, missed, missed),
        Verdict.INCONCLUSIVE: (min(met, missed), missed if is_borne else met, max(met, missed)),
    }
    proven, borne, possible = bounds[verdict]
    twin = replace(one, verdict=verdict, proven=proven, borne=borne, possible=possible)
    return [*found[:place], twin, *found[place + 1 :]]


def uncapped(data: st.DataObject, bearer: str) -> tuple[Terms, list[Determination], int]:
    # A cap shared by days of which another standard takes some is the one term under which a breach can pay: it
    # takes the day's place in the cap. So caps are left out here; they have their own laws.
    terms = terms_of(data.draw(tables(bearer=bearer, has_cap=False, orders=FAIR_ORDERS)))
    found = data.draw(facts(terms).filter(bool))
    return terms, found, data.draw(st.integers(0, len(found) - 1))


@given(st.data())
@MANY
def test_breach_never_pays_when_added_to_any_month(data: st.DataObject) -> None:
    terms, found, place = uncapped(data, "city")
    less, more = (settle(terms, with_verdict(found, place, one), PERIOD) for one in (Verdict.MET, Verdict.NOT_MET))
    assert worth(more) <= worth(less) + step_of(terms)


@given(st.data())
@MANY
def test_gap_of_the_contractor_pays_no_more_than_the_worst_fact(data: st.DataObject) -> None:
    terms, found, place = uncapped(data, "contractor")
    known = [with_verdict(found, place, verdict) for verdict in (Verdict.MET, Verdict.NOT_MET)]
    gap = worth(settle(terms, with_verdict(found, place, Verdict.INCONCLUSIVE, is_borne=True), PERIOD))
    assert gap <= min(worth(settle(terms, one, PERIOD)) for one in known) + step_of(terms)


@given(st.data())
@MANY
def test_gap_of_the_city_costs_nothing_of_the_best_fact(data: st.DataObject) -> None:
    terms, found, place = uncapped(data, "city")
    # Where natures overlap, a breach may put a fine in procedure in a price's place: what is open counts too then.
    paid = exact_worth if any(one.overlap.across == "natures" for one in terms.file.standard) else net
    known = [with_verdict(found, place, verdict) for verdict in (Verdict.MET, Verdict.NOT_MET)]
    gap = settle(terms, with_verdict(found, place, Verdict.INCONCLUSIVE), PERIOD)
    # What is held is charged by nobody's silence: only an act can make it firm.
    is_held = any(line["state"] == "held" for line in lines(gap))
    assert is_held or paid(gap) >= max(paid(settle(terms, one, PERIOD)) for one in known)


@given(st.data())
@MANY
def test_statement_is_the_same_bytes_when_determinations_and_acts_come_in_any_order(data: st.DataObject) -> None:
    random = data.draw(st.randoms(use_true_random=False))
    terms = terms_of(data.draw(tables()))
    before = settle(terms, data.draw(facts(terms, "2026-08")), "2026-08")
    found = data.draw(facts(terms))
    acts = [act(line["id"], ("firm", "annulled")[n % 2]) for n, line in enumerate(before.closing["in_procedure"])]
    first = settle(terms, found, PERIOD, before.closing, acts)
    random.shuffle(found)
    random.shuffle(acts)
    second = settle(terms, found, PERIOD, before.closing, acts)
    assert canonical([first.body, first.closing]) == canonical([second.body, second.closing])


def priced(amount: str, unit: str = "CLP", nature: str = "price", **more: Any) -> Table:
    """Build a contract of one standard and one consequence."""
    one = {"nature": nature, "tariff": {"kind": "per_event", "amount": amount, "unit": unit}, **more}
    return contract_table(full_standard(consequence=[one]))


def breaches(terms: Terms, count: int, period: str = PERIOD) -> list[Determination]:
    """Make breaches on the first days of a month, of as many containers as are needed."""
    places = [(f"C-{n // 28}", f"{period}-{n % 28 + 1:02}") for n in range(count)]
    return [fact(terms, "container-full", subject, day, Verdict.NOT_MET) for subject, day in places]


def deducted(settled: Statement) -> Fraction:
    return -sum((amount for name, amount in amounts(settled, "A").items() if "/base/" not in name), NOUGHT)


@pytest.mark.parametrize(("count", "cost"), [(0, 0), (15, 0), (16, 20), (22, 140)])
def test_complaints_cost_above_fifteen_when_lake_wales_counts_them(count: int, cost: int) -> None:
    terms = terms_of(priced("20", allowance={"free": 15, "per": "contract"}))
    assert cost == deducted(settle(terms, breaches(terms, count), PERIOD))


def test_breach_costs_half_a_unit_when_the_unit_is_of_its_month() -> None:
    terms = terms_of(priced("0.5", "UTM"))
    assert 34_000 == deducted(settle(terms, breaches(terms, 1), PERIOD))
    # 0.5 x 68 500.55 is 34 250.275 and rounds down to 34 250.
    assert 34_250 == deducted(settle(terms, breaches(terms, 1, "2026-10"), "2026-10"))


def test_deduction_is_capped_when_tenerife_reaches_an_eighth() -> None:
    # 12.5 % of the monthly fee of 1 479 000 are asked, 10 % may be taken.
    terms = terms_of(priced("184875", cap={"per": "month", "pct": "10", "base": "monthly-fee"}))
    settled = settle(terms, breaches(terms, 1), PERIOD)
    assert (147_900, 1_331_100) == (deducted(settled), net(settled))


def test_cap_holds_for_each_zone_when_it_is_the_zones() -> None:
    terms = terms_of(priced("100000", cap={"per": "zone_month", "pct": "10", "base": "monthly-fee"}))
    found = [
        fact(terms, "container-full", subject, f"{PERIOD}-0{day}", Verdict.NOT_MET)
        for subject in ("C-1", "C-2")
        for day in (1, 2)
    ]
    assert 2 * 147_900 == deducted(settle(terms, found, PERIOD))


def test_deduction_stays_under_its_cap_when_rounding_would_lift_it() -> None:
    table = changed(priced("200", cap={"per": "month", "pct": "10", "base": "monthly-fee"}), "base.0.amount", "1005")
    terms = terms_of(table)
    assert 100 == deducted(settle(terms, breaches(terms, 1), PERIOD))
    thirds = terms_of(changed(table, "standard.0.consequence.0.tariff.amount", "33.5"))
    assert [34, 34, 32] == [
        -amount
        for name, amount in sorted(amounts(settle(thirds, breaches(thirds, 3), PERIOD), "A").items())
        if "/base/" not in name
    ]


def test_nothing_is_given_back_when_a_cap_is_lowered_within_the_month() -> None:
    pct = [{"value": "10"}, {"value": "5", "from": date(2026, 9, 2)}]
    terms = terms_of(priced("140000", cap={"per": "month", "pct": pct, "base": "monthly-fee"}))
    assert 140_000 == deducted(settle(terms, breaches(terms, 3), PERIOD))


def test_base_is_rounded_when_lines_are() -> None:
    terms = terms_of(changed(priced("0.4"), "base.0.amount", "1000.5"))
    settled = settle(terms, breaches(terms, 1), PERIOD)
    assert (1_001, []) == (net(settled), [line for line in lines(settled) if line["kind"] == "rounding"])


def test_sum_is_closed_by_a_line_when_the_total_is_rounded() -> None:
    table = changed(changed(priced("0.4"), "base.0.amount", "1000.5"), "money.rounding.at", "total")
    terms = terms_of(table)
    settled = settle(terms, breaches(terms, 2), PERIOD)
    (closing,) = (line for line in lines(settled) if line["kind"] == "rounding")
    assert (Fraction("0.3"), 1_000) == (read(closing["amount"]), net(settled))


def test_excess_is_carried_when_deductions_pass_the_payment() -> None:
    terms = terms_of(changed(priced("4000"), "base.0.amount", "9000"))
    first = settle(terms, breaches(terms, 3), PERIOD)
    assert (0, "3000") == (net(first), first.closing["carry_over"])
    second = settle(terms, [], "2026-10", first.closing)
    assert (6_000, "0") == (net(second), second.closing["carry_over"])


def test_excess_goes_on_when_the_next_payment_does_not_cover_it() -> None:
    terms = terms_of(changed(priced("4000"), "base.0.amount", "9000"))
    first = settle(terms, breaches(terms, 6), PERIOD)
    second = settle(terms, [], "2026-10", first.closing)
    third = settle(terms, [], "2026-11", second.closing)
    assert [0, 0, 3_000] == [net(one) for one in (first, second, third)]
    assert ["15000", "6000", "0"] == [one.closing["carry_over"] for one in (first, second, third)]


def test_dearest_is_kept_when_one_fact_falls_under_three_clauses() -> None:
    overlap = {"group": "asset_day", "keep": "highest"}
    table = contract_table(
        *(
            full_standard(
                id=f"s{points}",
                overlap=overlap,
                consequence=[{"nature": "price", "tariff": {"kind": "per_event", "amount": points, "unit": "CLP"}}],
            )
            for points in ("5", "12", "8")
        )
    )
    terms = terms_of(table)
    found = [fact(terms, f"s{points}", "C-1", f"{PERIOD}-01", Verdict.NOT_MET) for points in (5, 12, 8)]
    settled = settle(terms, found, PERIOD)
    assert 12 == deducted(settled)
    absorbed = [line for line in lines(settled) if line["state"] == "absorbed"]
    kept = next(line for line in lines(settled) if line["state"] == "charged")
    assert [kept["determinations"][0]] * 2 == [line["trace"][-1]["absorbed_by"] for line in absorbed]


def test_highest_is_what_the_cap_leaves_when_the_cap_stands_before_the_overlap() -> None:
    def one(name: str, amount: str, **more: Any) -> Table:
        tariff = {"kind": "per_event", "amount": amount, "unit": "CLP"}
        overlap = {"group": "asset_day", "keep": "highest"}
        return full_standard(id=name, overlap=overlap, consequence=[{"nature": "price", "tariff": tariff, **more}])

    cap = {"per": "month", "pct": "10", "base": "monthly-fee"}
    table = changed(contract_table(one("s0", "100", cap=cap), one("s1", "50")), "base.0.amount", "100")
    order = ["tariff", "index", "cap", "allowance", "overlap", "round"]
    terms = terms_of(changed(table, "money.order", order))
    found = [fact(terms, name, "C-1", f"{PERIOD}-01", Verdict.NOT_MET) for name in ("s0", "s1")]
    assert 50 == deducted(settle(terms, found, PERIOD))


FINES = priced("1000", nature="fine")
LINE = f"{PERIOD}/container-full/C-0/{PERIOD}-01"


def fined() -> tuple[Terms, Statement]:
    terms = terms_of(FINES)
    return terms, settle(terms, breaches(terms, 1), PERIOD)


def test_fine_charges_nothing_when_no_act_has_made_it_firm() -> None:
    terms, first = fined()
    second = settle(terms, [], "2026-10", first.closing)
    for settled in (first, second):
        assert {LINE: Fraction(-1_000)} == amounts(settled, "C")
        assert (1_479_000, {}) == (net(settled), amounts(settled, "B"))


def test_fine_is_charged_once_when_an_act_makes_it_firm() -> None:
    terms, first = fined()
    second = settle(terms, [], "2026-10", first.closing, [act(LINE)])
    third = settle(terms, [], "2026-11", second.closing, [act(LINE)])
    assert [1_478_000, 1_479_000] == [net(second), net(third)]
    (line,) = second.body["blocks"]["B"]["lines"]
    months = (line["fact_month"], line["firm_month"], line["charge_month"])
    assert ("firm", PERIOD, "2026-10", "2026-10") == (line["state"], *months)
    assert [] == third.body["blocks"]["B"]["lines"] == third.body["blocks"]["C"]["lines"]


def test_fine_is_never_charged_when_an_act_annuls_it() -> None:
    terms, first = fined()
    second = settle(terms, [], "2026-10", first.closing, [act(LINE, "annulled")])
    third = settle(terms, [], "2026-11", second.closing, [act(LINE)])
    assert [1_479_000, 1_479_000] == [net(second), net(third)]
    (line,) = second.body["blocks"]["B"]["lines"]
    assert ("annulled", "0", "") == (line["state"], line["amount"], line["charge_month"])


@pytest.mark.parametrize(
    "acts",
    [
        [act(LINE, "frim")],
        [act(LINE, "")],
        [act(LINE), act(LINE, "annulled", number="D-2")],
        [act(LINE, "annulled", number="D-2"), act(LINE)],
        [act(LINE, signer=" ")],
    ],
)
def test_act_is_refused_when_it_decides_nothing_clearly(acts: Iterable[Act]) -> None:
    terms, first = fined()
    with pytest.raises(CalculationError):
        settle(terms, [], "2026-10", first.closing, acts)


def test_months_form_a_chain_when_each_opens_with_the_last_close() -> None:
    terms, first = fined()
    second = settle(terms, [], "2026-10", first.closing)
    assert digest(first.closing) == first.body["closing_sha256"] == second.body["opening_sha256"]
    assert second.body["opening_sha256"] == second.closing["opening_sha256"]


def test_month_is_refused_when_it_does_not_follow_its_opening() -> None:
    terms, first = fined()
    for period, opening in (("2026-11", first.closing), ("2026-10", {**first.closing, "contract": "other"})):
        with pytest.raises(CalculationError, match="does not open"):
            settle(terms, [], period, opening)


def test_month_is_refused_when_it_has_no_opening_and_is_not_the_first() -> None:
    terms = terms_of(FINES)
    assert statements.settle(terms, [], "2026-08").closing["period"] == "2026-08"
    with pytest.raises(CalculationError, match="closing state of the month before"):
        statements.settle(terms, [], "2026-09")


def test_month_is_refused_when_the_terms_do_not_hold_in_it() -> None:
    with pytest.raises(CalculationError, match="not in 2026-07"):
        settle(terms_of(FINES), [], "2026-07")


@pytest.mark.parametrize(
    "change",
    [
        {"contract": "other"},
        {"digests": {"readings": "0", "register": "1", "terms": "2"}},
        {"day": "2026-10-01"},
        {"day": "2026-08-31"},
    ],
)
def test_determination_is_refused_when_it_is_foreign(change: dict[str, Any]) -> None:
    terms = terms_of(FINES)
    with pytest.raises(CalculationError):
        settle(terms, [replace(one, **change) for one in breaches(terms, 1)], PERIOD)


def test_opportunity_is_refused_when_it_is_judged_twice() -> None:
    terms = terms_of(FINES)
    (one,) = breaches(terms, 1)
    again = replace(one, digests={**one.digests, "readings": "9" * 64})
    with pytest.raises(CalculationError, match="two determinations"):
        settle(terms, [one, again], PERIOD)


def test_statement_is_refused_when_the_index_has_no_value() -> None:
    terms = terms_of(priced("0.5", "UTM"))
    with pytest.raises(CalculationError, match="no value of UTM for 2026-11"):
        settle(terms, breaches(terms, 1, "2026-11"), "2026-11")


def test_held_money_waits_for_an_act_when_the_terms_hold_the_inconclusive() -> None:
    terms = terms_of(changed(priced("1000"), "standard.0.inconclusive", "hold"))
    found = [fact(terms, "container-full", "C-0", f"{PERIOD}-01", Verdict.INCONCLUSIVE)]
    first = settle(terms, found, PERIOD)
    assert (1_479_000, {LINE: Fraction(-1_000)}) == (net(first), amounts(first, "C"))
    second = settle(terms, [], "2026-10", first.closing, [act(LINE)])
    assert (1_478_000, {LINE: Fraction(-1_000)}) == (net(second), amounts(second, "B"))
