"""Base sums of a month: what was agreed, weighted where it changes within the month, grown as indexes say."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

from rules.calendar import each_day, month_days, month_of
from rules.contract import Base, Terms
from rules.days import WEEKDAYS
from rules.errors import CalculationError
from rules.numbers import dated_on, value_on
from rules.payments.history import months_between, months_until
from rules.payments.money import written


def base_amount(terms: Terms, base: str, day: date) -> Fraction:
    """Base sum of the month of a day: the one that its base line pays.

    Parameters
    ----------
    terms : Terms
    base : str
    day : date

    Raises
    ------
    CalculationError
        When the terms have no such base sum.
    """
    found = base_of(terms, base)
    return agreed(terms, found, day)[0] * growth(terms, found, day)[0]


def agreed(terms: Terms, base: Base, day: date) -> tuple[Fraction, dict[str, Any]]:
    """Sum that was agreed for the month of a day, and how its parts were weighted; nothing where it is one sum.

    Parameters
    ----------
    terms : Terms
    base : Base
    day : date

    Raises
    ------
    CalculationError
        When no working day lies in the month.
    """
    first, until = month_days(month_of(day))
    changes = [first, *(one.since for one in base.amount if one.since and first < one.since < until)]
    if base.pro_rata in {None, "none"} or len(changes) == 1:
        return value_on(base.amount, first), {}
    days = [
        sum(map(_counts(terms, base), each_day(span))) for span in zip(changes, [*changes[1:], until], strict=True)
    ]
    whole, total, parts = sum(days), Fraction(0), list[dict[str, Any]]()
    if not whole:
        raise CalculationError(f"{base.id} is weighted by working days, and {month_of(day)} has none")
    for begun, count in zip(changes, days, strict=True):
        number = dated_on(base.amount, begun)
        total += value_on(base.amount, begun) * Fraction(count, whole)
        clause = (number.clause or base.clause).article
        parts.append({"from": begun.isoformat(), "days": count, "value": str(number.value), "clause": clause})
    return total, {"by": base.pro_rata, "days": whole, "parts": parts}


def _counts(terms: Terms, base: Base) -> Callable[[date], bool]:
    """Tell which days of a month weigh."""
    working = base.working_days
    if base.pro_rata == "days" or working is None:
        return lambda _: True
    resting = terms.holidays.get(working.holidays, frozenset())
    return lambda day: WEEKDAYS[day.weekday()] in working.days and day not in resting


def growth(terms: Terms, base: Base, day: date) -> tuple[Fraction, dict[str, Any]]:
    """By what a base sum has grown in the month of a day, and by which values.

    Parameters
    ----------
    terms : Terms
    base : Base
    day : date

    Raises
    ------
    CalculationError
        When an index has no value for a month that counts.
    """
    adjustment = base.adjustment
    if adjustment is None:
        return Fraction(1), {}
    first, period = month_of(terms.begun), month_of(day)
    elapsed = months_between(first, period)
    if elapsed < adjustment.every:
        # Until the first adjustment it is the sum agreed.
        return Fraction(1), {}
    since = months_until(period, elapsed + adjustment.lag + 1)
    adjusted = [since[n] for n in range(adjustment.every, elapsed + 1, adjustment.every)]
    gain = value_on(adjustment.efficiency, day) / 100 if adjustment.efficiency else Fraction(0)
    # Each adjustment by what has grown since the one before, or the last by all that has grown.
    steps = [*zip([adjustment.base_month, *adjusted], adjusted, strict=False)]
    if adjustment.taken != "each_time":
        steps = [(adjustment.base_month, adjusted[-1])]
    factor, values = Fraction(1), dict[str, str]()
    for before, now in steps:
        grown = Fraction(0)
        for one in adjustment.terms:
            pair = [_index_of(terms, one.series, month) for month in (now, before)]
            grown += Fraction(one.weight) * pair[0] / pair[1]
            values[one.series] = "/".join(map(written, pair))
        factor *= grown * (1 - gain) if adjustment.less == "compounded" else grown - gain
    said = {"month": adjusted[-1], "base_month": steps[-1][0], "values": values, "factor": written(factor)}
    if adjustment.taken == "each_time":
        said["adjustments"] = str(len(steps))
    return factor, {**said, "efficiency": written(gain * 100), "clause": adjustment.clause.article}


def base_of(terms: Terms, name: str) -> Base:
    """Find a base sum by its id.

    Parameters
    ----------
    terms : Terms
    name : str

    Raises
    ------
    CalculationError
        When the terms have none of that name.
    """
    for one in terms.file.base:
        if one.id == name:
            return one
    raise CalculationError(f"terms {terms.id}@{terms.version} have no base sum {name}")


def index_value(terms: Terms, unit: str, day: date) -> Fraction:
    """Value of a unit in the month of the fact, in the currency.

    Parameters
    ----------
    terms : Terms
    unit : str
    day : date

    Raises
    ------
    CalculationError
        When the index has no value for the month.
    """
    if unit == terms.file.money.currency:
        return Fraction(1)
    return _index_of(terms, unit, month_of(day))


def last_known(terms: Terms, series: str, month: str) -> str:
    """Month of the last value of an index that is not later than a month; that month where there is none.

    Parameters
    ----------
    terms : Terms
    series, month : str
    """
    return max((one for name, one in terms.index_values if name == series and one <= month), default=month)


def _index_of(terms: Terms, series: str, month: str) -> Fraction:
    value = terms.index_values.get((series, month))
    if value is None:
        raise CalculationError(f"indexes.csv has no value of {series} for {month}; add it as a new version")
    return value
