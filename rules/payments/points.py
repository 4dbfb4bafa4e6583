"""Points accounts: events fill them, and at the month's end their points become one sum of money."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, assert_never

from rules.contract import Step
from rules.instruments import LinearPoints, PointBands, PointRatchet, Points
from rules.numbers import dated_on, value_on
from rules.payments.bases import index_value
from rules.payments.charges import Charge, ChargeState, Month, Sum, parameter
from rules.payments.money import written

_NOTHING = Fraction(0)


def fill_accounts(month: Month, charges: Sequence[Charge]) -> list[Sum]:
    """Take the points of the month's events into their accounts, and make money of them.

    Parameters
    ----------
    month : Month
        Its charges that are in points owe no money by themselves afterwards.
    charges : sequence of Charge
        Those that are charged.

    Returns
    -------
    list of Sum
        One for each account of the terms, in their order; of nought where there are no points.

    Raises
    ------
    CalculationError
        When an index has no value.
    """
    return [_sum(month, account, charges) for account in month.terms.file.points]


def _sum(month: Month, account: Points, charges: Sequence[Charge]) -> Sum:
    counted = [one for one in charges if one.consequence.tariff.unit == account.id]
    for charge in counted:
        charge.points, before = charge.amount, charge.amount
        charge.close(ChargeState.COUNTED)
        charge.note(Step.POINTS, before, {"account": account.id})
    shadowed = [
        one for one in month.charges if one.state == ChargeState.SHADOW and one.consequence.tariff.unit == account.id
    ]
    points = sum((one.points for one in counted), _NOTHING)
    shadow = sum((one.points for one in shadowed), _NOTHING)
    ids = sorted({one.determination.id for one in (*counted, *shadowed)})
    found = Sum(account, _NOTHING, points, shadow, ids, [])
    free = min(value_on(account.free, month.first), points)
    found.amount, detail = _to_money(month, account, points, free)
    number = parameter(month.terms, account.clause, dated_on(account.free, month.first), account.id)
    found.note(
        Step.POINTS, _NOTHING, {"points": written(points), "free": written(free), "parameter": number, **detail}
    )
    return found


def _to_money(month: Month, account: Points, points: Fraction, free: Fraction) -> tuple[Fraction, dict[str, Any]]:
    """What so many points cost, the free ones off, and by which numbers. [currency]."""
    rule, detail = account.to_money, dict[str, Any]()
    match rule:
        case LinearPoints():
            units = points - free
        case PointBands():
            units = Fraction((points - free) // value_on(rule.band, month.first))
            detail = {"bands": int(units), "band": str(dated_on(rule.band, month.first).value)}
        case PointRatchet():
            units, detail = _weighted(rule, points, free), {"hits": rule.hits}
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
    rate = parameter(month.terms, account.clause, dated_on(rule.amount, month.first), rule.unit)
    # A month without points needs no index, which may not be published yet.
    value = index_value(month.terms, rule.unit, month.first) if units else Fraction(1)
    return units * value_on(rule.amount, month.first) * value, {"kind": rule.kind, "rate": rate, **detail}


def _weighted(rule: PointRatchet, points: Fraction, free: Fraction) -> Fraction:
    """Points above the free ones, each as many times as its slice says, or all as the highest slice reached."""
    starts = [Fraction(one.above) for one in rule.slices]
    times = [Fraction(one.multiplier) for one in rule.slices]
    if rule.hits == "whole":
        reached = [factor for start, factor in zip(starts, times, strict=True) if start < points]
        return (points - free) * reached[-1] if reached else _NOTHING
    total = _NOTHING
    for start, end, factor in zip(starts, [*starts[1:], max(points, starts[-1])], times, strict=True):
        total += max(min(points, end) - max(start, free), _NOTHING) * factor
    return total
