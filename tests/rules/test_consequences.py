"""Consequences: what each tariff costs, what silence does to it, what caps carry over, what the linter refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.contract import Terms
from rules.payments import statement as statements
from rules.payments.money import read
from rules.payments.statement import Statement, opening_of_nothing
from rules.records import Act, Determination, Op, Verdict
from tests.rules.contracts import HOUR_US, Table, changed, contract_table, terms_of
from tests.rules.drawn import (
    FAIR_ORDERS,
    MOST,
    ORDERS,
    PERIOD,
    determined,
    fact,
    facts,
    judged,
    standard_of,
    tables,
    terms_standard,
)

NOUGHT = Fraction(0)
SOME = settings(deadline=None, max_examples=80)
FEW = settings(deadline=None, max_examples=40)


def one(unit: str, tariff: Table, *, nature: str = "price", inconclusive: str = "by_cause", **more: Any) -> Table:
    """Build a contract of one standard and one consequence."""
    consequence = [{"nature": nature, "tariff": tariff, **more}]
    # Only who bears every gap may pay for all of them.
    bearer = "contractor" if inconclusive == "deduct" else "city"
    return contract_table(
        standard_of(unit, id="s", inconclusive=inconclusive, consequence=consequence), bearer=bearer
    )


def settle(
    terms: Terms,
    found: Sequence[Determination],
    period: str = PERIOD,
    opening: dict[str, Any] | None = None,
    acts: Sequence[Act] = (),
) -> Statement:
    """Settle a month that opens with nothing unless told otherwise."""
    return statements.settle(terms, found, period, opening or opening_of_nothing(terms, period), acts)


def lines(settled: Statement) -> list[dict[str, Any]]:
    """List every line of a statement but the base sums."""
    found = [line for block in settled.body["blocks"].values() for line in block["lines"]]
    return [line for line in found if line["kind"] != "base"]


def cost(settled: Statement) -> Fraction:
    """Sum of all deductions, in whatever block."""
    return -sum((read(line["amount"]) for line in lines(settled)), NOUGHT)


def of_bounds(terms: Terms, *bounds: int) -> Determination:
    """Make a determination of the only standard, from its three bounds, or the one value of all."""
    standard = terms_standard(terms, "s")
    proven, borne, possible = bounds[0], bounds[len(bounds) // 2], bounds[-1]
    verdict = judged(standard, (proven, borne, possible))
    return determined(terms, standard, ("C-1", f"{PERIOD}-01"), (proven, borne, possible), verdict)


HOURLY: Table = {
    "kind": "per_time",
    "amount": "100",
    "unit": "CLP",
    "time": "PT1H",
    "count": "started",
    "of": "excess",
}
MINUTE_US = HOUR_US // 60


@pytest.mark.parametrize(("minutes", "hours"), [(240, 0), (241, 1), (300, 1), (301, 2), (384, 3)])
def test_started_hours_cost_when_pleasanton_counts_them(minutes: int, hours: int) -> None:
    terms = terms_of(one("us", HOURLY))
    settled = settle(terms, [of_bounds(terms, minutes * MINUTE_US)])
    assert 100 * hours == cost(settled)


def test_hours_of_the_contractors_gap_cost_when_a_miss_is_certain_without_them() -> None:
    terms = terms_of(one("us", HOURLY))
    found = of_bounds(terms, 5 * HOUR_US, 7 * HOUR_US, 9 * HOUR_US)
    (line,) = lines(settle(terms, [found]))
    (step,) = (step for step in line["trace"] if step["step"] == "tariff")
    assert ("not_met", "-300", "3", "borne") == (
        line["says"]["verdict"],
        line["amount"],
        step["count"],
        step["bound"],
    )


@pytest.mark.parametrize(
    ("inconclusive", "hours"), [("by_cause", 0), ("deduct", 1), ("hold", 1), ("no_deduction", 0)]
)
def test_doubt_of_the_city_costs_the_least_when_terms_charge_it_at_all(inconclusive: str, hours: int) -> None:
    terms = terms_of(one("us", HOURLY, inconclusive=inconclusive))
    assert 100 * hours == cost(settle(terms, [of_bounds(terms, 0, 4 * HOUR_US, 16 * HOUR_US)]))


@pytest.mark.parametrize(
    ("inconclusive", "hours"), [("by_cause", 2), ("deduct", 2), ("hold", 2), ("no_deduction", 0)]
)
def test_doubt_of_the_contractor_costs_what_it_bears_when_terms_charge_it(inconclusive: str, hours: int) -> None:
    terms = terms_of(one("us", HOURLY, inconclusive=inconclusive))
    assert 100 * hours == cost(settle(terms, [of_bounds(terms, 0, 6 * HOUR_US, 16 * HOUR_US)]))


def test_each_one_too_many_costs_when_the_tariff_is_per_unit() -> None:
    terms = terms_of(one("count", {"kind": "per_unit", "amount": "0.01", "unit": "UTM"}))
    assert [0, 680, 3 * 680] == [cost(settle(terms, [of_bounds(terms, n)])) for n in (2, 3, 5)]


@pytest.mark.parametrize(
    ("ppm", "amount"), [(800_000, "0"), (799_999, "200001"), (500_000, "500000"), (0, "1000000")]
)
def test_share_not_rendered_is_taken_off_when_the_tariff_is_proportional(ppm: int, amount: str) -> None:
    table = one("ppm", {"kind": "proportional", "amount": "1000000", "unit": "CLP"})
    terms = terms_of(table)
    assert Fraction(amount) == cost(settle(terms, [of_bounds(terms, ppm)]))


BANDED: Table = {
    "kind": "band",
    "bands": [
        {"from": "0.8", "pct": "0"},
        {"from": "0.6", "pct": "2.5"},
        {"from": "0", "pct": "10", "clause": "9.2"},
    ],
    "base": "monthly-fee",
    "unit": "CLP",
}


@pytest.mark.parametrize(("ppm", "pct"), [(799_999, "2.5"), (600_000, "2.5"), (599_999, "10"), (0, "10")])
def test_band_is_closed_below_and_open_above_when_a_share_falls_on_its_edge(ppm: int, pct: str) -> None:
    terms = terms_of(one("ppm", BANDED))
    (line,) = lines(settle(terms, [of_bounds(terms, ppm)]))
    (step,) = (step for step in line["trace"] if step["step"] == "tariff")
    assert (-1_479_000 * Fraction(pct) / 100, pct) == (read(line["amount"]), step["parameter"]["value"])
    assert ("9.2" if pct == "10" else "14.2") == step["parameter"]["clause"]


def nth(*amounts: str, key: str = "contract") -> Table:
    """Build a tariff by occurrence."""
    return {"kind": "nth", "amounts": list(amounts), "key": key, "unit": "CLP"}


@pytest.mark.parametrize(
    ("amounts", "count", "whole"),
    [(("1000", "5000", "10000"), 4, 26_000), (("75", "100", "200"), 5, 775), (("75", "100", "200"), 1, 75)],
)
def test_nth_event_costs_its_own_when_indian_river_and_arden_hills_count(
    amounts: tuple[str, ...], count: int, whole: int
) -> None:
    terms = terms_of(one("us", nth(*amounts)))
    found = [fact(terms, "s", "C-1", f"{PERIOD}-{n + 1:02}", Verdict.NOT_MET) for n in range(count)]
    assert whole == cost(settle(terms, found[::-1]))


@pytest.mark.parametrize(
    ("key", "whole"), [("contract", 1 + 10 + 100 + 100), ("zone", 1 + 10 + 100 + 1), ("asset", 14)]
)
def test_events_are_counted_together_when_they_share_the_key(key: str, whole: int) -> None:
    terms = terms_of(one("us", nth("1", "10", "100", key=key)))
    # C-2 and C-3 stand in one zone, C-1 in another.
    places = (("C-2", 1), ("C-2", 2), ("C-3", 3), ("C-1", 4))
    found = [fact(terms, "s", subject, f"{PERIOD}-0{day}", Verdict.NOT_MET) for subject, day in places]
    expected = whole if key != "asset" else 1 + 10 + 1 + 1
    assert expected == cost(settle(terms, found))


def test_free_event_has_no_number_when_the_allowance_stands_before_the_tariff() -> None:
    table = one("us", nth("1", "10", "100"), allowance={"free": "1", "per": "contract"})
    orders = [table["money"]["order"], ["tariff", "allowance", "overlap", "index", "cap", "round"]]
    found: list[Fraction] = []
    for order in orders:
        terms = terms_of(changed(table, "money.order", order))
        events = [fact(terms, "s", "C-1", f"{PERIOD}-0{n}", Verdict.NOT_MET) for n in (1, 2, 3)]
        found.append(cost(settle(terms, events)))
    assert [11, 110] == found


@pytest.mark.parametrize(("is_borne", "second"), [(True, "-10"), (False, "-1")])
def test_held_event_makes_the_next_a_second_one_when_the_contractor_bears_the_doubt(
    *, is_borne: bool, second: str
) -> None:
    terms = terms_of(one("us", nth("1", "10"), inconclusive="hold"))
    doubt = fact(terms, "s", "C-1", f"{PERIOD}-01", Verdict.INCONCLUSIVE, is_borne=is_borne)
    settled = settle(terms, [doubt, fact(terms, "s", "C-1", f"{PERIOD}-02", Verdict.NOT_MET)])
    assert {"held": "-1", "charged": second} == {line["state"]: line["amount"] for line in lines(settled)}


def test_dearest_is_kept_when_facts_of_one_day_cost_by_their_size() -> None:
    overlap = {"group": "asset_day", "keep": "highest"}
    table = contract_table(
        standard_of("us", id="s", overlap=overlap, consequence=[{"nature": "price", "tariff": HOURLY}]),
        standard_of(
            "us", id="t", overlap=overlap,
            consequence=[{"nature": "price", "tariff": {"kind": "per_event", "amount": "250", "unit": "CLP"}}],
        ),
    )  # fmt: skip
    terms = terms_of(table)
    fixed = fact(terms, "t", "C-1", f"{PERIOD}-01", Verdict.NOT_MET)
    for hours, kept in ((2, 250), (3, 300)):
        found = [of_bounds(terms, (4 + hours) * HOUR_US), fixed]
        assert kept == cost(settle(terms, found))


def test_line_says_what_its_sentence_needs_when_the_measure_is_no_containers() -> None:
    terms = terms_of(one("ppm", BANDED))
    found = replace(of_bounds(terms, 700_000), trace={"detail": {"devices": 2}})
    (line,) = lines(settle(terms, [found]))
    says = line["says"]
    assert ("ppm", ">=", "", "", "band") == (
        says["unit"], says["op"], says["proven_from"], says["proven_until"], says["tariff"],
    )  # fmt: skip
    assert {"devices": 2} == says["detail"]


def worth(settled: Statement) -> Fraction:
    """What the contractor has in the end if all in procedure becomes firm."""
    totals = settled.body["totals"]
    return read(totals["net"]) - read(settled.closing["carry_over"]) + read(totals["in_procedure"])


def silenced(
    data: st.DataObject, terms: Terms, found: Sequence[Determination], place: int, *, is_contractors: bool
) -> list[Determination]:
    """Replace one determination by one in which less is known, by the doing of one side."""
    twin = found[place]
    standard = terms_standard(terms, twin.standard)
    proven = data.draw(st.integers(0, twin.proven))
    possible = data.draw(st.integers(twin.possible, max(MOST[twin.unit], twin.possible)))
    # The contractor's gap counts at its worst; to the city's the contractor has the benefit.
    is_raised = is_contractors == (twin.op == Op.AT_MOST)
    borne = data.draw(st.integers(twin.borne, possible) if is_raised else st.integers(proven, twin.borne))
    bounds = (proven, borne, possible)
    other = determined(terms, standard, (twin.subject, twin.day), bounds, judged(standard, bounds))
    return [*found[:place], other, *found[place + 1 :]]


def story(data: st.DataObject) -> tuple[Terms, list[Determination], int, Fraction]:
    """Draw a month under `by_cause`, one of its determinations, and the slack where the total is rounded."""
    # A cap shared by days of which another standard takes some is the one term under which a breach can pay.
    table = data.draw(tables(has_cap=False, orders=FAIR_ORDERS, policies=["by_cause"]))
    terms = terms_of(table)
    found = data.draw(facts(terms, size=12).filter(bool))
    rounding = table["money"]["rounding"]
    slack = Fraction(rounding["step"]) if rounding["at"] == "total" else NOUGHT
    return terms, found, data.draw(st.integers(0, len(found) - 1)), slack


@given(st.data())
@SOME
def test_silence_of_the_contractor_costs_no_less_when_any_tariff_is_applied(data: st.DataObject) -> None:
    terms, found, place, slack = story(data)
    silent = silenced(data, terms, found, place, is_contractors=True)
    assert worth(settle(terms, silent)) <= worth(settle(terms, found)) + slack


@given(st.data())
@SOME
def test_silence_of_the_city_costs_no_more_when_any_tariff_is_applied(data: st.DataObject) -> None:
    terms, found, place, slack = story(data)
    silent = silenced(data, terms, found, place, is_contractors=False)
    assert worth(settle(terms, silent)) >= worth(settle(terms, found)) - slack


FEE: list[Table] = [{"id": "monthly-fee", "amount": "1479000.45", "clause": "7"}]
CAP: Table = {"per": "month", "pct": "10", "base": "monthly-fee", "carry_over": "next_month"}


def capped(amount: str = "100", nature: str = "price", **more: Any) -> Terms:
    """Build terms with a monthly cap of 147.90 on a fee of 1 479, which carries over."""
    tariff = {"kind": "per_event", "amount": amount, "unit": "CLP"}
    table = one("us", tariff, nature=nature, cap={**CAP, **more})
    table["base"][0]["amount"] = "1479"
    table["money"]["rounding"]["at"] = "total"
    return terms_of(table)


def breaches(terms: Terms, count: int, period: str = PERIOD) -> list[Determination]:
    return [fact(terms, "s", "C-1", f"{period}-{n + 1:02}", Verdict.NOT_MET) for n in range(count)]


def chain(terms: Terms, counts: Mapping[str, int]) -> list[Statement]:
    """Settle months one after the other."""
    settled: list[Statement] = []
    for period, count in counts.items():
        opening = settled[-1].closing if settled else None
        settled.append(settle(terms, breaches(terms, count, period), period, opening))
    return settled


def carried(settled: Statement) -> Table:
    return settled.closing.get("cap_carry", {}).get(settled.closing["period"], {})


def test_excess_of_a_cap_goes_on_when_the_terms_carry_it_over() -> None:
    months = chain(capped(), {"2026-09": 3, "2026-10": 1, "2026-11": 0, "2026-12": 0})
    assert [Fraction("147.9"), Fraction("147.9"), Fraction("104.2"), 0] == [
        -sum((read(line["amount"]) for line in lines(month) if line["kind"] != "rounding"), NOUGHT)
        for month in months
    ]
    key = "s/price/all"
    assert [{key: {PERIOD: "152.1"}}, {key: {PERIOD: "104.2"}}, {}, {}] == [carried(month) for month in months]
    (line,) = (line for line in lines(months[1]) if line["kind"] == "carry_over")
    assert ("2026-10/carry-over/s/price/all", "A", "-47.9") == (line["id"], line["block"], line["amount"])


def test_months_own_deductions_come_first_when_an_excess_is_carried_over() -> None:
    _, october, november = chain(capped(), {"2026-09": 3, "2026-10": 2, "2026-11": 0})
    amounts = {line["id"]: line["amount"] for line in lines(october) if line["kind"] != "rounding"}
    assert {
        "2026-10/s/C-1/2026-10-01": "-100",
        "2026-10/s/C-1/2026-10-02": "-47.9",
        "2026-10/carry-over/s/price/all": "0",
    } == amounts
    assert {"s/price/all": {PERIOD: "152.1", "2026-10": "52.1"}} == carried(october)
    # Of two months the older is charged first.
    assert {"s/price/all": {PERIOD: "4.2", "2026-10": "52.1"}} == carried(november)


def test_carried_sum_stays_under_the_cap_when_rounding_would_lift_it() -> None:
    table = one("us", {"kind": "per_event", "amount": "250.5", "unit": "CLP"}, cap=CAP)
    terms = terms_of(changed(table, "base.0.amount", "1005"))
    # 100.5 may be charged each month, in whole pesos.
    september, october, november = chain(terms, {"2026-09": 1, "2026-10": 0, "2026-11": 0})
    assert [100, 100, 50] == [cost(month) for month in (september, october, november)]
    assert [{PERIOD: "150"}, {PERIOD: "50"}, None] == [
        carried(month).get("s/price/all") for month in (september, october, november)
    ]


def test_excess_of_a_zone_takes_no_room_of_another_when_the_cap_is_the_zones() -> None:
    terms = capped(per="zone_month")
    first = settle(terms, breaches(terms, 2))
    other = [fact(terms, "s", "C-2", "2026-10-01", Verdict.NOT_MET)]
    second = settle(terms, other, "2026-10", first.closing)
    assert {"2026-10/s/C-2/2026-10-01": "-100", "2026-10/carry-over/s/price/VP-01": "-52.1"} == {
        line["id"]: line["amount"] for line in lines(second) if line["kind"] != "rounding"
    }


def test_carried_fine_waits_for_an_act_when_it_is_charged_in_a_later_month() -> None:
    terms = capped(nature="fine")
    first = settle(terms, breaches(terms, 2))
    second = settle(terms, [], "2026-10", first.closing)
    name = "2026-10/carry-over/s/fine/all"
    assert {name: "-52.1"} == {line["id"]: line["amount"] for line in lines(second) if line["kind"] == "carry_over"}
    assert "0" == second.body["totals"]["firm"]
    third = settle(
        terms, [], "2026-11", second.closing, [Act(name, "firm", "1", "2026-11-02", "alcaldesa", "0" * 64)]
    )
    assert "-52.1" == third.body["totals"]["firm"]
    assert {} == carried(second)


def test_bonus_takes_no_room_of_what_is_carried_when_both_are_of_one_nature() -> None:
    table = one("us", {"kind": "per_event", "amount": "250", "unit": "CLP"}, cap={**CAP, "amount": "150"})
    del table["standard"][0]["consequence"][0]["cap"]["pct"], table["standard"][0]["consequence"][0]["cap"]["base"]
    bonus = {"nature": "price", "on": "met", "tariff": {"kind": "per_event", "amount": "90", "unit": "CLP"}}
    table["standard"][0]["consequence"].append(bonus)
    terms = terms_of(table)
    first = settle(terms, breaches(terms, 1))
    second = settle(terms, [fact(terms, "s", "C-1", "2026-10-01", Verdict.MET)], "2026-10", first.closing)
    assert {"2026-10/s/C-1/2026-10-01/price/bonus": "90", "2026-10/carry-over/s/price/all": "-100"} == {
        line["id"]: line["amount"] for line in lines(second)
    }


def test_excess_stays_carried_when_later_terms_carry_nothing_over() -> None:
    terms = capped()
    first = settle(terms, breaches(terms, 2))
    second = settle(capped(carry_over="none"), [], "2026-10", first.closing)
    (line,) = (line for line in lines(second) if line["kind"] == "carry_over")
    assert ("0", "capped") == (line["amount"], line["state"])
    assert carried(first) == carried(second)


def test_closing_state_says_nothing_of_caps_when_none_carries_over() -> None:
    terms = capped(carry_over="none")
    assert "cap_carry" not in settle(terms, breaches(terms, 3)).closing


@given(st.data())
@FEW
def test_sum_before_caps_is_charged_or_carried_when_months_follow_each_other(data: st.DataObject) -> None:
    table = data.draw(
        tables(
            bearer="contractor",
            policies=["by_cause", "deduct"],
            orders=[order for order in ORDERS if order[-2] == "cap"],
            is_shared=False,
        )
    )
    table["money"]["rounding"]["at"] = "total"
    table["base"] = FEE
    limits: dict[tuple[str, str], tuple[str, Fraction]] = {}
    for standard in table["standard"]:
        # Months without caps are settled by themselves here, and know nothing of each other.
        standard["count_window"] = {"kind": "calendar_month", "reset": "period"}
        for consequence in standard["consequence"]:
            pct = data.draw(st.sampled_from(["0", "1.25", "12.5", "100"]))
            per = data.draw(st.sampled_from(["month", "zone_month"]))
            consequence["cap"] = {**CAP, "per": per, "pct": pct}
            limit = Fraction(table["base"][0]["amount"]) * Fraction(pct) / 100
            limits[standard["id"], consequence["nature"]] = (per, limit)
    free = changed(table, "contract.version", 1)
    for standard in free["standard"]:
        for consequence in standard["consequence"]:
            del consequence["cap"]
    terms, uncapped = terms_of(table), terms_of(free)
    settled, charged, whole = None, NOUGHT, NOUGHT
    for period in ("2026-08", "2026-09", "2026-10"):
        found = data.draw(facts(terms, period, 10))
        settled = settle(terms, found, period, settled.closing if settled else None)
        spent: dict[tuple[str, str, str], Fraction] = {}
        new = [line for line in lines(settled) if line["fact_month"] and line["id"].startswith(f"{period}/")]
        for line in new:
            if line["standard"]:
                per, limit = limits[line["standard"], line["nature"]]
                key = (line["standard"], line["nature"], line["zone"] if per == "zone_month" else "")
                spent[key] = spent.get(key, NOUGHT) - read(line["amount"])
                assert spent[key] <= limit
        charged += sum(spent.values(), NOUGHT)
        twins = [replace(one, digests={**one.digests, "terms": uncapped.digest}) for one in found]
        whole += cost(replace_rounding(settle(uncapped, twins, period)))
    assert settled is not None
    left = sum((read(amount) for rows in carried(settled).values() for amount in rows.values()), NOUGHT)
    assert whole == charged + left


def replace_rounding(settled: Statement) -> Statement:
    """Leave only the deductions of a statement."""
    blocks = {
        name: {"lines": [line for line in block["lines"] if line["kind"] == "deduction"]}
        for name, block in settled.body["blocks"].items()
    }
    return Statement({"blocks": blocks}, {})
