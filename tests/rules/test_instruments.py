"""What follows from natures, indexes and retention: tax, accounts to book to, sums fixed by an act, scores."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from rules.contract import Terms
from rules.errors import CalculationError
from rules.payments.bases import growth
from rules.payments.restate import Earlier
from rules.payments.statement import Statement, opening_of_nothing, settle
from rules.records import Act, Choice, Determination, Relief, Verdict
from tests.rules.contracts import HOUR_US, Table, contract_table, full_standard, terms_of, utc_us
from tests.rules.drawn import PERIOD, fact

FEE = [{"id": "monthly-fee", "amount": "1000000", "clause": "7"}]
LINE = f"{PERIOD}/container-full/C-1/{PERIOD}-01"


def terms(*consequences: Table, **changes: Any) -> Terms:
    table = contract_table(full_standard(consequence=list(consequences)))
    table["base"] = FEE
    for key, value in changes.items():
        if key in table["money"] or key in {"vat", "natures"}:
            table["money"][key] = value
        else:
            table[key] = value
    return terms_of(table)


def missed(found: Terms, day: int = 1, subject: str = "C-1", month: str = PERIOD) -> Determination:
    return fact(found, "container-full", subject, f"{month}-{day:02}", Verdict.NOT_MET)


def settled(found: Terms, facts: list[Determination], decided: list[Any] | None = None) -> Statement:
    return settle(found, facts, PERIOD, opening_of_nothing(found, PERIOD), decided or [])


def lines(statement: Statement) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for block in statement.body["blocks"].values() for line in block["lines"]}


PRICE: Table = {"nature": "price", "tariff": {"kind": "per_event", "amount": "10000", "unit": "CLP"}}
FINE: Table = {"nature": "fine", "tariff": {"kind": "per_event", "amount": "0.5", "unit": "UTM"}}


@pytest.mark.parametrize(
    ("amounts", "tax", "gross", "net"),
    [("net", "188100", "1178100", "990000"), ("gross", "158067", "990000", "831933")],
)
def test_tax_is_said_both_ways_when_terms_have_a_rate(amounts: str, tax: str, gross: str, net: str) -> None:
    found = terms(PRICE, vat="0.19", amounts=amounts)
    said = settled(found, [missed(found)]).body["tax"]
    assert {"rate": "0.19", "taxed": "990000", "tax": tax, "gross": gross, "net": net} == said


def test_fine_is_booked_apart_and_not_taxed_when_the_citys_table_says_so() -> None:
    table = [
        {"nature": "price", "taxed": True, "budget": "215-22-08-001"},
        {"nature": "fine", "taxed": False, "budget": "115-08-02-001"},
    ]
    found = terms(FINE, vat="0.19", natures=table)
    first = settled(found, [missed(found)])
    acts = [Act(LINE, "firm", "D-1", "2026-10-20", "alcalde", "f" * 64)]
    second = settle(found, [], "2026-10", first.closing, acts)
    assert {"amount": "-34000", "budget": "115-08-02-001", "taxed": False} == second.body["booked"]["fine"]
    assert ("1000000", "190000") == (second.body["tax"]["taxed"], second.body["tax"]["tax"])
    assert "fine" not in first.body["booked"], "what is in procedure is booked nowhere"


def test_index_is_provisional_before_the_act_and_fixed_by_it() -> None:
    found = terms(FINE, indexes=[{"series": "UTM", "month": "act"}])
    first = settled(found, [missed(found)])
    assert "-34000" == lines(first)[LINE]["amount"]
    (step,) = (step for step in lines(first)[LINE]["trace"] if step["step"] == "index")
    assert ("act", "2026-09") == (step["until"], step["month"])
    acts = [Act(LINE, "firm", "D-1", "2026-10-20", "alcalde", "f" * 64)]
    second = settle(found, [], "2026-10", first.closing, acts)
    # Half of 68,500.55, rounded to the peso.
    assert "-34250" == lines(second)[LINE]["amount"]


def test_annulled_line_needs_no_index_when_its_month_is_unknown() -> None:
    found = terms(FINE, indexes=[{"series": "UTM", "month": "payment"}])
    first = settled(found, [missed(found)])
    october = settle(found, [], "2026-10", first.closing)
    annulled = Act(LINE, "annulled", "D-1", "2026-11-20", "alcalde", "f" * 64)
    assert "0" == lines(settle(found, [], "2026-11", october.closing, [annulled]))[LINE]["amount"]
    with pytest.raises(CalculationError, match="no value of UTM for 2026-11"):
        _ = settle(found, [], "2026-11", october.closing, [replace(annulled, effect="firm")])


def test_base_sum_follows_its_indexes_when_the_adjustment_is_due() -> None:
    adjustment = {
        "clause": "7.2",
        "terms": [{"series": "UTM", "weight": "0.4"}, {"series": "UF", "weight": "0.6"}],
        "base_month": "2026-08",
        "every": 1,
        "lag": 0,
    }
    indexes = (
        "series,month,value,published,source\n"
        "UTM,2026-08,100,2026-08-31,x\nUTM,2026-09,110,2026-09-30,x\n"
        "UF,2026-08,200,2026-08-31,x\nUF,2026-09,210,2026-09-30,x\n"
    )
    table = contract_table(full_standard(consequence=[PRICE]))
    table["base"] = [{**FEE[0], "adjustment": adjustment}]
    found = terms_of(table, indexes=indexes)
    line = lines(settled(found, []))[f"{PERIOD}/base/monthly-fee"]
    # 0.4 x 1.10 + 0.6 x 1.05
    number = {"value": "1000000", "unit": "CLP", "clause": "7", "from": "2026-08-01", "origin": "tender"}
    assert {"step": "base", "in": "0", "out": "1000000", "parameter": number} == line["trace"][0]
    assert ("1070000", "1.07") == (line["amount"], line["trace"][1]["factor"])
    august = settle(found, [], "2026-08")
    assert "1000000" == lines(august)["2026-08/base/monthly-fee"]["amount"]


def test_choice_counts_when_it_lies_in_the_range_and_gives_a_reason() -> None:
    found = terms({"nature": "fine", "tariff": {"kind": "range", "min": "100", "max": "1000", "unit": "CLP"}})
    choice = Choice("container-full", "C-1", f"{PERIOD}-01", "fine", "700", "twice", "9", "2026-10-02", "ana")
    assert "-100" == lines(settled(found, [missed(found)]))[LINE]["amount"]
    assert "-700" == lines(settled(found, [missed(found)], [choice]))[LINE]["amount"]
    for wrong in (replace(choice, amount="1000.01"), replace(choice, reason=" "), replace(choice, signer="")):
        with pytest.raises(CalculationError, match="act 9"):
            _ = settled(found, [missed(found)], [wrong])
    with pytest.raises(CalculationError, match="two acts"):
        _ = settled(found, [missed(found)], [choice, replace(choice, amount="800")])


def test_retention_is_given_back_by_the_score_of_its_months() -> None:
    bands = [{"from": "0.9", "pct": "4"}, {"from": "0.5", "pct": "3"}, {"from": "0", "pct": "0"}]
    retention = {"id": "quality", "clause": "40", "base": "monthly-fee", "pct": "4", "months": 3}
    found = terms(PRICE, retention=[{**retention, "standard": "container-full", "returned": bands}])
    statement: Statement | None = None
    for month, failed in (("2026-08", 0), ("2026-09", 2), ("2026-10", 0)):
        facts = [
            fact(
                found, "container-full", "C-1", f"{month}-{day:02}", Verdict.NOT_MET if day <= failed else Verdict.MET
            )
            for day in (1, 2)
        ]
        statement = settle(found, facts, month, statement.closing if statement else None)
        assert "-40000" == lines(statement)[f"{month}/retention/quality"]["amount"]
    assert statement is not None
    line = lines(statement)["2026-10/release/quality"]
    # Four of six checks were not failed: three of four percent of each month.
    assert ("90000", "2/3", "30000") == (line["amount"], line["says"]["score"], line["says"]["lost"])


def test_relief_is_refused_when_no_terms_have_its_code() -> None:
    code = {"code": "works", "clause": "9", "effect": "spares_deduction", "covers": "touched"}
    found = terms(PRICE, relief=[code], order=["relief", "overlap", "allowance", "tariff", "index", "cap", "round"])
    since = utc_us("2026-09-01T00:00-03:00")
    relief = Relief("R-1", "work", since, since + 20 * HOUR_US, "5", "2026-10-09", "ana", "street closed")
    with pytest.raises(
        CalculationError, match=r"relief R-1 names code 'work', which the terms do not have; .* works"
    ):
        settled(found, [], [relief])
    over = replace(relief, since_us=since - 90 * 24 * HOUR_US, until_us=since - 80 * 24 * HOUR_US)
    assert settled(found, [missed(found)]).body == settled(found, [missed(found)], [over]).body


def test_excused_check_stays_in_the_plan_when_its_leaving_would_cost() -> None:
    """Of ten checks two failed; the first is free in the first days, and excused it would leave the plan dearer."""
    tariff = {"kind": "planned_share", "base": "monthly-fee", "unit": "CLP", "excused": "out_of_plan"}
    code = {"code": "works", "clause": "20", "effect": "spares_deduction", "covers": "touched"}
    plan = {"nature": "price", "tariff": tariff}
    since = utc_us("2026-09-01T00:00-03:00")
    relief = Relief("R-1", "works", since, since + 20 * HOUR_US, "5", "2026-10-09", "ana", "street closed")
    order = ["relief", "overlap", "tariff", "bedding_in", "round"]
    bedding = {"until": date(2026, 9, 2), "clause": "21", "counts_for_triggers": False}
    cost: dict[str, tuple[str, int, int]] = {}
    for name, more in (("charged", {}), ("free", {"bedding_in": bedding})):
        found = terms(
            plan, relief=[code], order=order if more else [one for one in order if one != "bedding_in"], **more
        )
        facts = [missed(found), missed(found, 2)]
        facts += [replace(missed(found, day), verdict=Verdict.MET) for day in range(3, 11)]
        line = lines(settled(found, facts, [relief]))[
            LINE.replace("-01", "-02").replace(f"{PERIOD}-02/", f"{PERIOD}/")
        ]
        step = next(one for one in line["trace"] if one["step"] == "tariff")
        cost[name] = line["amount"], step["planned"], step.get("stay_in_plan", 0)
    assert {"charged": ("-111111", 9, 0), "free": ("-100000", 10, 1)} == cost


def test_relief_granted_late_gives_back_what_was_deducted() -> None:
    code = {"code": "works", "clause": "20", "effect": "spares_deduction", "covers": "touched"}
    found = terms(PRICE, relief=[code], order=["relief", "overlap", "allowance", "tariff", "index", "cap", "round"])
    facts = [missed(found), missed(found, 2)]
    first = settled(found, facts)
    since = utc_us("2026-09-01T00:00-03:00")
    relief = Relief("R-1", "works", since, since + 20 * HOUR_US, "5", "2026-10-09", "ana", "street closed")
    second = settle(found, [], "2026-10", first.closing, [relief], {PERIOD: Earlier(found, facts)})
    restated = {name: line["amount"] for name, line in lines(second).items() if "restatement" in name}
    assert {f"2026-10/restatement/{LINE}": "10000"} == restated


def test_bedding_in_states_what_it_would_have_cost_and_charges_nothing() -> None:
    bedding = {"until": date(2026, 9, 2), "clause": "21", "counts_for_triggers": False}
    order = ["overlap", "allowance", "tariff", "bedding_in", "index", "cap", "round"]
    found = terms(PRICE, bedding_in=bedding, order=order)
    said = lines(settled(found, [missed(found), missed(found, 2)]))
    assert ("0", "shadow") == (said[LINE]["amount"], said[LINE]["state"])
    assert {"in": "10000", "out": "0"} == {key: said[LINE]["trace"][-1][key] for key in ("in", "out")}
    assert "-10000" == said[f"{PERIOD}/container-full/C-1/{PERIOD}-02"]["amount"]


def test_cap_on_the_whole_warns_when_a_share_of_it_is_used_up() -> None:
    cap = {"id": "tenth", "clause": "30", "natures": ["price"], "per": "contract_year", "amount": "50000"}
    order = ["overlap", "allowance", "tariff", "index", "cap", "total_cap", "round"]
    found = terms(PRICE, total_cap=[{**cap, "warn_at": ["0.5", "0.9"]}], order=order)
    first = settle(found, [missed(found, day, month="2026-08") for day in (1, 2)], "2026-08")
    second = settle(found, [missed(found, day) for day in (1, 2)], PERIOD, first.closing)
    third = settle(found, [missed(found, day, month="2026-10") for day in (1, 2)], "2026-10", second.closing)
    assert "notices" not in first.body
    assert [("tenth", "0.5")] == [(one["trigger"], one["share"]) for one in second.body["notices"]]
    assert [("tenth", "0.9")] == [(one["trigger"], one["share"]) for one in third.body["notices"]]
    # Of sixty thousand the last ten were not left.
    assert Fraction(-10_000) == Fraction(third.body["totals"]["adjustments"])


def test_cap_that_is_used_up_gives_the_notice_that_the_terms_name() -> None:
    cap = {"id": "third", "clause": "30", "natures": ["price"], "per": "contract", "amount": "30000"}
    order = ["relief", "overlap", "allowance", "tariff", "index", "cap", "total_cap", "round"]
    storm = {"code": "storm", "clause": "24", "effect": "bars_termination", "covers": "touched"}
    found = terms(
        PRICE, total_cap=[{**cap, "warn_at": ["0.5"], "reached": "termination"}], relief=[storm], order=order
    )
    first = settle(found, [missed(found, day, month="2026-08") for day in (1, 2)], "2026-08")
    second = settle(found, [missed(found, day) for day in (1, 2)], PERIOD, first.closing)
    third = settle(found, [missed(found, 1, month="2026-10")], "2026-10", second.closing)
    assert [("warning", "0.5")] == [(one["notice"], one["share"]) for one in first.body["notices"]]
    assert [("termination", "1", [])] == [
        (one["notice"], one["share"], one["barred_by"]) for one in second.body["notices"]
    ]
    assert "notices" not in third.body


GROWING: Table = {"clause": "7.3", "terms": [{"series": "UTM", "weight": "1"}], "base_month": "2026-07", "lag": 0}


@pytest.mark.parametrize(
    ("taken", "less", "expected"),
    [
        # 100 to 110 to 121: of the whole growth once, or of each tenth by itself.
        ("once", "subtracted", Fraction("1.20")),
        ("each_time", "subtracted", Fraction("1.09") ** 2),
        ("once", "compounded", Fraction("1.21") * Fraction("0.99")),
        ("each_time", "compounded", (Fraction("1.1") * Fraction("0.99")) ** 2),
    ],
)
def test_efficiency_is_taken_once_or_each_time_as_terms_say(taken: str, less: str, expected: Fraction) -> None:
    rule = {**GROWING, "every": 1, "efficiency": "1", "less": less, "taken": taken}
    table = contract_table(full_standard(consequence=[PRICE]))
    table["base"] = [{**FEE[0], "adjustment": rule}]
    rows = [f"UTM,2026-{n:02},{value},2026-07-31,SII" for n, value in ((7, 100), (8, 105), (9, 110), (10, 121))]
    found = terms_of(table, indexes="\n".join(["series,month,value,published,source", *rows, ""]))
    assert Fraction(1) == growth(found, found.file.base[0], date(2026, 8, 1))[0]
    assert expected == growth(found, found.file.base[0], date(2026, 10, 1))[0]


def test_span_goes_on_when_a_version_supersedes_another() -> None:
    cap = {"id": "whole", "clause": "22", "natures": ["price"], "per": "half_year", "amount": "15000"}
    order = ["overlap", "allowance", "tariff", "index", "cap", "total_cap", "round"]
    first = terms(PRICE, total_cap=[cap], order=order)
    table = contract_table(full_standard(consequence=[PRICE]))
    table["contract"] |= {"version": 2, "supersedes": "vega-poniente@1", "begun": date(2026, 8, 1)}
    table["contract"]["effective"] = {"from": date(2026, 9, 1), "until": date(2028, 8, 1)}
    table |= {"base": FEE, "total_cap": [cap]}
    table["money"]["order"] = order
    second = terms_of(table)
    august = settle(first, [missed(first, month="2026-08")], "2026-08")
    september = settle(second, [missed(second)], PERIOD, august.closing)
    # August has taken 10 000 of the half-year's 15 000, under the version before.
    assert ("-10000", "-5000") == (
        lines(august)["2026-08/container-full/C-1/2026-08-01"]["amount"],
        lines(september)[LINE]["amount"],
    )


@pytest.mark.parametrize(("of", "left"), [("month", 0), ("span", 20_000)])
def test_percentage_of_a_span_is_of_all_its_sums_when_terms_say_so(of: str, left: int) -> None:
    cap = {"id": "whole", "clause": "22", "natures": ["price"], "per": "half_year", "pct": "1", "of": of}
    order = ["overlap", "allowance", "tariff", "index", "cap", "total_cap", "round"]
    found = terms(PRICE, total_cap=[{**cap, "base": "monthly-fee"}], order=order)
    # One percent of a month is 10 000, of six 60 000.
    facts = [missed(found, day) for day in (1, 2, 3)]
    charged = -sum(
        Fraction(line["amount"]) for line in lines(settled(found, facts)).values() if line["kind"] == "deduction"
    )
    assert 10_000 + left == charged


@pytest.mark.parametrize(("at_end", "given"), [("release", "80000"), ("next_version", None)])
def test_retention_is_given_back_when_the_terms_end_before_its_months(at_end: str, given: str | None) -> None:
    retention = {"id": "quality", "clause": "40", "base": "monthly-fee", "pct": "4", "months": 3, "at_end": at_end}
    retention |= {"standard": "container-full", "returned": [{"from": "0", "pct": "4"}]}
    table = contract_table(full_standard(consequence=[PRICE]))
    table["contract"]["effective"] = {"from": date(2026, 8, 1), "until": date(2026, 10, 1)}
    found = terms_of({**table, "base": FEE, "retention": [retention]})
    august = settle(found, [], "2026-08")
    september = settle(found, [], PERIOD, august.closing)
    line = lines(september).get(f"{PERIOD}/release/quality")
    assert given == (line["amount"] if line else None)


def test_offer_overrides_the_tender_and_both_are_told() -> None:
    offered = [{"value": "8000", "origin": "offer", "clause": "Offer 3", "tender": "10000"}]
    found = terms({"nature": "price", "tariff": {**PRICE["tariff"], "amount": offered}})
    line = lines(settled(found, [missed(found)]))[LINE]
    assert "-8000" == line["amount"]
    said = next(step for step in line["trace"] if step["step"] == "tariff")["parameter"]
    assert ("8000", "10000", "offer", "Offer 3") == (said["value"], said["tender"], said["origin"], said["clause"])
