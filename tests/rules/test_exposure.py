"""Exposure: the most that consequences can cost in a month, and at which level the money lies."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.consequences import Nature
from rules.contract import Level
from rules.payments.exposure import Exposure, exposure, share_by_level
from tests.rules.contracts import HOUR_US, Table, terms_of
from tests.rules.drawn import MOST, facts, standard_of, tables
from tests.rules.test_consequences import BANDED, CAP, HOURLY, cost, nth, one, settle

NOUGHT = Fraction(0)


def exposed(table: Table, count: int, most: int = 0) -> Exposure:
    (found,) = exposure(terms_of(table), {"s": count}, {"s": most})
    return found


def test_exposure_is_what_all_opportunities_cost_when_all_are_missed_by_the_most() -> None:
    cases = (
        (one("us", {**HOURLY, "unit": "UTM"}), 3, 16 * HOUR_US - 1, 3 * 12 * 100 * 67_000),
        (one("count", {"kind": "per_unit", "amount": "7", "unit": "CLP"}), 3, 30, 3 * 28 * 7),
        (one("ppm", {"kind": "proportional", "amount": "50", "unit": "CLP"}), 3, 0, 150),
        (one("ppm", BANDED), 2, 0, 295_800),
        (one("us", nth("1", "10", "100")), 4, 0, 211),
        (one("us", nth("1", "10", "100"), allowance={"free": "1", "per": "zone"}), 4, 0, 111),
    )
    for table, count, most, amount in cases:
        found = exposed(table, count, most)
        assert (amount, False) == (found.amount, found.is_capped)


def test_exposure_is_the_cap_when_the_opportunities_cost_more() -> None:
    for per, zones in (("month", 1), ("zone_month", 2)):
        found = exposed(one("us", HOURLY, cap={**CAP, "per": per}), 1_000, 16 * HOUR_US)
        assert Exposure("s", Level.OUTPUT, "clean-market", Nature.PRICE, Fraction(147_900 * zones), True) == found


def test_exposure_is_more_than_the_cap_when_what_is_capped_is_multiplied_afterwards() -> None:
    repeat = {"per": "contract", "steps": [{"from": 3, "multiplier": "2"}], "hits": "top"}
    table = one("us", HOURLY, cap={**CAP, "carry_over": "none"}, repeat=repeat)
    table["money"]["order"] = ["allowance", "overlap", "tariff", "index", "repeat", "cap", "round"]
    assert 147_900 == exposed(table, 1_000, 16 * HOUR_US).amount
    table["money"]["order"] = ["allowance", "overlap", "tariff", "index", "cap", "repeat", "round"]
    assert 2 * 147_900 == exposed(table, 1_000, 16 * HOUR_US).amount


def test_shares_by_level_make_one_when_anything_is_at_stake() -> None:
    table = one("us", HOURLY)
    table["standard"].append({**standard_of("us", id="t"), "level": "data_duty"})
    table["standard"][1]["consequence"] = [
        {"nature": "fine", "tariff": {"kind": "per_event", "amount": "300", "unit": "CLP"}}
    ]
    found = exposure(terms_of(table), {"s": 1, "t": 1}, {"s": 5 * HOUR_US})
    shares = {Level.INPUT: 0, Level.OUTPUT: Fraction(1, 4), Level.OUTCOME: 0, Level.DATA_DUTY: Fraction(3, 4)}
    assert shares == share_by_level(found)
    assert dict.fromkeys(Level, 0) == share_by_level(exposure(terms_of(table), {}))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_month_costs_no_more_than_its_exposure_when_facts_are_any(data: st.DataObject) -> None:
    table = data.draw(tables(bearer="contractor", policies=["by_cause", "deduct"]))
    table["money"]["rounding"] = {"mode": "down", "step": "0.01", "at": "line"}
    terms = terms_of(table)
    found = data.draw(facts(terms, "2026-08"))
    counts = {standard.id: sum(one.standard == standard.id for one in found) for standard in terms.file.standard}
    most = {standard.id: MOST[standard.measure.unit] for standard in terms.file.standard}
    whole = sum((one.amount for one in exposure(terms, counts, most)), NOUGHT)
    assert cost(settle(terms, found, "2026-08")) <= whole
