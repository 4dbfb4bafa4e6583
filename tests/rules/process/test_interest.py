"""Interest on late invoices: exact sums worked by hand, and what holds of any."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.process.interest import interest
from rules.process.registers import Taken, entries
from rules.process.terms import LateInterest
from tests.rules.process.cases import DIGEST, at, days_for, process_of

TERMS = {"pct": "6", "day_count": "actual_365", "clause": "31.4"}
DUE = date(2026, 11, 12)


def _terms(**changed: Any) -> LateInterest:
    return LateInterest.model_validate({**TERMS, **changed})


@pytest.mark.parametrize(
    ("count", "late", "expected"),
    [
        ("actual_365", 0, Fraction(0)),
        ("actual_365", 1, Fraction(6_000_000, 36_500)),
        ("actual_365", 10, Fraction(60_000_000, 36_500)),
        ("actual_360", 30, Fraction(5_000)),
        # 49 days of 2026, all of 2027, and all of 2028, a leap year.
        ("actual_actual", 49 + 365 + 366, Fraction(60_000) * (Fraction(49, 365) + 2)),
    ],
)
def test_interest_is_the_sum_worked_by_hand(count: str, late: int, expected: Fraction) -> None:
    assert expected == interest(_terms(day_count=count), Fraction(1_000_000), DUE, DUE + timedelta(days=late))


def test_rate_of_each_day_counts_when_it_changes() -> None:
    rates = [{"value": "6"}, {"value": "12", "from": date(2026, 11, 15)}]
    found = interest(_terms(pct=rates), Fraction(36_500), DUE, date(2026, 11, 16))
    # The 13th and 14th at six percent, the 15th and 16th at twelve.
    assert Fraction(2 * 6 + 2 * 12) == found


_COUNTS = st.sampled_from(["actual_365", "actual_360", "actual_actual"])


@given(st.integers(-50, 900), st.integers(0, 900), st.integers(1, 10**12), _COUNTS)
def test_interest_adds_up_over_days_and_is_never_below_nought(late: int, more: int, amount: int, count: str) -> None:
    terms, paid = _terms(day_count=count), DUE + timedelta(days=late)
    first = interest(terms, Fraction(amount), DUE, paid)
    assert (first == 0) == (late <= 0)
    if late >= 0:
        rest = interest(terms, Fraction(amount), paid, paid + timedelta(days=more))
        assert first + rest == interest(terms, Fraction(amount), DUE, paid + timedelta(days=more))


def _invoice(*steps: Taken, when: str, terms: dict[str, str] | None = TERMS) -> Fraction | None:
    process = process_of(("late_interest", terms)) if terms else process_of()
    issued = {"amount": "1000000", "month": "2026-09", "document": DIGEST}
    made = [
        Taken("F-1", "issue", at("2026-10-13"), "Aseos", says=issued),
        Taken("F-1", "receive", at("2026-10-13"), "x"),
    ]
    (entry,) = entries("invoice", process, days_for(process), [*made, *steps], at(when))
    return entry.interest


def test_invoice_owes_interest_from_its_last_day_until_it_is_paid() -> None:
    """Received on 13 October, thirty running days: payable until 12 November."""
    paid = Taken("F-1", "pay", at("2026-11-22T10:00"), "Silva", "finance", {"amount": "1000000"})
    assert _invoice(when="2026-11-12T23:00") is None
    assert Fraction(6_000_000, 36_500) == _invoice(when="2026-11-13")
    assert (
        Fraction(60_000_000, 36_500) == _invoice(paid, when="2026-11-22T11:00") == _invoice(paid, when="2027-03-01")
    )
    assert _invoice(when="2027-03-01", terms=None) is None


def test_rejected_invoice_owes_none() -> None:
    rejected = Taken("F-1", "reject", at("2026-10-15"), "Silva", "finance", {"reason": "monto"})
    assert _invoice(rejected, when="2027-03-01") is None
