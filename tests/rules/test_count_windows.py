"""Events counted over more than a month: what earlier months count, what they forget, what late data renumber."""

from typing import Any

import pytest

from rules.contract import Terms
from rules.payments.restate import Earlier
from rules.payments.statement import Statement, settle
from rules.records import Determination, Verdict
from tests.rules.contracts import Table, contract_table, full_standard, terms_of
from tests.rules.drawn import fact
from tests.rules.test_instruments import lines

LADDER: Table = {"kind": "nth", "amounts": ["100", "200", "400"], "key": "contract", "unit": "CLP"}
ROLLING: Table = {"kind": "rolling_months", "months": 3, "reset": "never"}
MONTHS = ("2026-08", "2026-09", "2026-10", "2026-11")


def counted(window: Table, **consequence: Any) -> Terms:
    one = {"nature": "price", "tariff": LADDER, **consequence}
    return terms_of(contract_table(full_standard(count_window=window, consequence=[one])))


def event(terms: Terms, month: str, verdict: Verdict = Verdict.NOT_MET, subject: str = "C-1") -> Determination:
    return fact(terms, "container-full", subject, f"{month}-05", verdict)


def chain(terms: Terms, months: dict[str, int]) -> list[Statement]:
    """Settle the months in turn, each with so many events."""
    found: list[Statement] = []
    for month, count in months.items():
        facts = [event(terms, month, subject=f"C-{n}") for n in range(1, count + 1)]
        found.append(settle(terms, facts, month, found[-1].closing if found else None))
    return found


def charged(statement: Statement) -> list[int]:
    said = [line for line in lines(statement).values() if line["kind"] == "deduction"]
    return sorted(-int(line["amount"]) for line in said)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"kind": "calendar_month", "reset": "period"}, [[100], [100], [100], [100]]),
        # November has forgotten August.
        (ROLLING, [[100], [200], [400], [400]]),
        ({"kind": "rolling_months", "months": 2, "reset": "never"}, [[100], [200], [200], [200]]),
        ({"kind": "contract_year", "reset": "period"}, [[100], [200], [400], [400]]),
    ],
)
def test_event_has_its_number_when_earlier_months_count(window: Table, expected: list[list[int]]) -> None:
    assert expected == [charged(one) for one in chain(counted(window), dict.fromkeys(MONTHS, 1))]


def test_count_begins_anew_when_a_contract_year_does() -> None:
    terms = counted({"kind": "contract_year", "reset": "period"})
    months = [f"{2026 + (7 + n) // 12}-{(7 + n) % 12 + 1:02}" for n in range(13)]
    found = chain(terms, dict.fromkeys(months, 1))
    assert ([400], [100]) == (charged(found[11]), charged(found[12]))


def test_allowance_is_used_up_by_earlier_months_when_they_count() -> None:
    terms = counted(ROLLING, allowance={"free": 2, "per": "contract"})
    found = chain(terms, {"2026-08": 1, "2026-09": 2, "2026-10": 0, "2026-11": 2})
    # August's and one of September's were free; in November September's two are counted.
    assert [[0], [0, 100], [], [200, 400]] == [charged(one) for one in found]


def test_repeat_goes_by_earlier_months_and_leaves_them_as_they_were_stated() -> None:
    steps = [{"from": 3, "multiplier": "2"}]
    tariff = {"kind": "per_event", "amount": "100", "unit": "CLP"}
    repeat = {"per": "contract", "steps": steps, "hits": "top"}
    terms = terms_of(
        changed_order(
            contract_table(
                full_standard(
                    count_window=ROLLING, consequence=[{"nature": "price", "tariff": tariff, "repeat": repeat}]
                )
            )
        )
    )
    found = chain(terms, {"2026-08": 2, "2026-09": 1})
    assert [[100, 100], [200]] == [charged(one) for one in found]


def changed_order(table: Table) -> Table:
    table["money"]["order"].insert(3, "repeat")
    return table


def test_later_month_is_renumbered_when_late_data_clear_an_earlier_event() -> None:
    terms = counted(ROLLING)
    august = settle(terms, [event(terms, "2026-08")], "2026-08")
    known = {"2026-08": Earlier(terms, [event(terms, "2026-08")])}
    september = settle(terms, [event(terms, "2026-09")], "2026-09", august.closing, (), known)
    earlier = {
        "2026-08": Earlier(terms, [event(terms, "2026-08", Verdict.MET)]),
        "2026-09": Earlier(terms, [event(terms, "2026-09")]),
    }
    october = settle(terms, [], "2026-10", september.closing, (), earlier)
    given = {name: line["amount"] for name, line in lines(october).items() if line["kind"] == "restatement"}
    # August's was none, so September's is a first one: 100 of its 200 come back, and August's 100.
    assert {
        "2026-10/restatement/2026-08/container-full/C-1/2026-08-05": "100",
        "2026-10/restatement/2026-09/container-full/C-1/2026-09-05": "100",
    } == given
