"""Interest on an invoice that is paid late: exact, by the day, at the rate of each day."""

from calendar import isleap
from datetime import date, timedelta
from fractions import Fraction
from typing import assert_never

from rules.numbers import value_on
from rules.process.terms import LateInterest

_DAY = timedelta(days=1)


def interest(terms: LateInterest, amount: Fraction, last_day: date, paid_on: date) -> Fraction:
    """Interest owed to whoever the invoice belongs to. [currency].

    Parameters
    ----------
    terms : LateInterest
    amount : Fraction
        Of the invoice. [currency]
    last_day : date
        Last local day on which it could be paid in time.
    paid_on : date
        Local day of the payment, or the one asked about; it counts itself.

    Returns
    -------
    Fraction
        Nought where it was paid in time. Simple: no interest on interest.
    """
    total, day = Fraction(0), last_day
    while day < paid_on:
        day += _DAY
        total += value_on(terms.pct, day) / 100 / _basis(terms, day)
    return amount * total


def _basis(terms: LateInterest, day: date) -> int:
    """Days of the year that a day is counted in."""
    match terms.day_count:
        case "actual_365":
            return 365
        case "actual_360":
            return 360
        case "actual_actual":
            return 366 if isleap(day.year) else 365
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
