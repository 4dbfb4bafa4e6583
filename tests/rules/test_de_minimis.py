"""A month's sums that are little together are listed, counted and not charged."""

from dataclasses import replace
from typing import Any

import pytest

from rules.contract import Terms
from rules.payments.money import read
from rules.payments.statement import Statement
from rules.records import Determination, Verdict
from tests.rules.contracts import Table, contract_table, full_standard, terms_of
from tests.rules.test_instruments import lines, missed, settled


def breaches(found: Terms, count: int) -> list[Determination]:
    return [missed(found, day) for day in range(1, count + 1)]


def deducted(found: Statement) -> int:
    mine = [line for line in found.body["blocks"]["A"]["lines"] if line["kind"] == "deduction"]
    return -int(sum(read(line["amount"]) for line in mine))


SMALL: Table = {"amount": "300", "natures": ["price"], "clause": "24"}


def small_terms(nature: str = "price", policy: str = "by_cause", **changes: Any) -> Terms:
    """Build terms under which prices of less than 300 a month are not charged."""
    one = {"nature": nature, "tariff": {"kind": "per_event", "amount": "100", "unit": "CLP"}}
    table = contract_table(full_standard(inconclusive=policy, consequence=[one]))
    table["money"] |= {"de_minimis": {**SMALL, **changes}}
    table["money"]["order"].insert(-1, "de_minimis")
    return terms_of(table)


@pytest.mark.parametrize(("count", "cost"), [(0, 0), (1, 0), (2, 0), (3, 300), (4, 400)])
def test_small_sums_are_not_charged_when_the_month_stays_below_the_limit(count: int, cost: int) -> None:
    terms = small_terms()
    found = settled(terms, breaches(terms, count))
    assert cost == deducted(found)
    told = found.body.get("de_minimis")
    assert told == (
        {"amount": str(100 * count), "lines": count, "clause": "24", "limit": "300"} if 0 < count < 3 else None
    )
    # Listed all the same, each with what it would have cost.
    mine = [line for line in lines(found).values() if line["kind"] == "deduction"]
    assert count == len(mine)
    assert {"de_minimis" if count < 3 else "charged"} == {line["state"] for line in mine} or not mine


def test_small_sums_stand_when_they_are_of_another_nature() -> None:
    terms = small_terms("fine")
    assert "-100" == settled(terms, breaches(terms, 1)).body["totals"]["in_procedure"]


def test_doubt_of_the_city_lifts_nothing_when_it_is_held() -> None:
    terms = small_terms(policy="hold")
    found = breaches(terms, 3)
    doubtful = replace(found[0], verdict=Verdict.INCONCLUSIVE, proven=0, borne=0)
    held = settled(terms, [doubtful, *found[1:]])
    # Two are certain, which is too little; the third alone waits for an act, since all together are not.
    assert (0, "-100") == (deducted(held), held.body["totals"]["in_procedure"])
    borne = replace(found[0], verdict=Verdict.INCONCLUSIVE, proven=0)
    held = settled(terms, [borne, *found[1:]])
    assert (200, "-100") == (deducted(held), held.body["totals"]["in_procedure"])
