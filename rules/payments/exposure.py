"""The most that each consequence can cost in a month, before anything has happened: where the money lies.

An upper bound, not a forecast: every opportunity is missed by as much as it can be, no two facts absorb each other,
and nothing was carried over from months before. Numbers are those of the first day of the terms.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import assert_never

from rules.calendar import month_of
from rules.consequences import (
    BandTariff,
    Consequence,
    EventTariff,
    Nature,
    NthTariff,
    PlanTariff,
    RangeTariff,
    ShareTariff,
    TimeTariff,
    UnitTariff,
)
from rules.contract import Level, Standard, Step, Terms
from rules.instruments import LinearPoints, PointBands, PointRatchet, Points
from rules.numbers import value_on
from rules.payments.bases import base_amount, index_value
from rules.payments.steps import limit_on
from rules.records import Unit


@dataclass(frozen=True, slots=True)
class Exposure:
    """The most that one consequence of a standard can cost in a month.

    Parameters
    ----------
    standard : str
    level : Level
    goal : str
    nature : Nature
    amount : Fraction
        [currency]
    is_capped : bool
        Whether its cap, and not the number of opportunities, is what limits it.
    """

    standard: str
    level: Level
    goal: str
    nature: Nature
    amount: Fraction
    is_capped: bool


def exposure(terms: Terms, counts: Mapping[str, int], most: Mapping[str, int] | None = None) -> list[Exposure]:
    """Find the most that each consequence of each standard can cost in a month.

    Parameters
    ----------
    terms : Terms
    counts : mapping of str to int
        Opportunities of a month by standard; none where a standard is missing.
    most : mapping of str to int, optional
        Largest value that a standard's measure can take, for tariffs by started hour or by unit. [measure's unit]

    Raises
    ------
    CalculationError
        When an index or a base sum has no value.
    """
    first = terms.file.contract.effective.since
    found: list[Exposure] = []
    for standard in terms.file.standard:
        for consequence in standard.consequence:
            if consequence.on == "met":
                continue
            excess = _excess(standard, (most or {}).get(standard.id, 0), first)
            amount = _dearest(terms, standard, consequence, counts.get(standard.id, 0), excess)
            limit = _limit(terms, standard, consequence)
            is_capped = limit is not None and amount > limit
            capped = amount if limit is None else min(amount, limit)
            found.append(Exposure(standard.id, standard.level, standard.goal, consequence.nature, capped, is_capped))
    return found


def share_by_level(exposures: Iterable[Exposure]) -> dict[Level, Fraction]:
    """Share of the whole exposure by what the standards look at; all nought where nothing is at stake."""
    sums = dict.fromkeys(Level, Fraction(0))
    for one in exposures:
        sums[one.level] += one.amount
    whole = sum(sums.values(), Fraction(0))
    return {level: amount / whole if whole else Fraction(0) for level, amount in sums.items()}


def _excess(standard: Standard, most: int, day: date) -> Fraction:
    """By how much the measure can pass its target. [measure's unit]."""
    unit = "us" if standard.measure.unit == Unit.MICROSECONDS else "amount"
    return max(most - value_on(standard.target.value, day, unit), Fraction(0))


def _dearest(terms: Terms, standard: Standard, consequence: Consequence, count: int, excess: Fraction) -> Fraction:
    """What so many events cost, each missed by as much as it can be."""
    first = terms.file.contract.effective.since
    allowance, tariff = consequence.allowance, consequence.tariff
    # Where earlier months count too, they may have used up what is free, and taken the cheap steps of a ladder.
    is_month = standard.count_window.kind == "calendar_month"
    free = min(int(value_on(allowance.free, first)), count) if allowance and is_month else 0
    paid = count - free
    match tariff:
        case EventTariff() | ShareTariff():
            amount = paid * value_on(tariff.amount, first)
        case TimeTariff():
            target = value_on(standard.target.value, first, "us") if tariff.of == "whole" else Fraction(0)
            # A part begun counts as one at most.
            units = -(-(excess + target) // value_on(tariff.length, first, "us"))
            amount = paid * value_on(tariff.amount, first) * units
        case RangeTariff():
            amount = paid * value_on(tariff.max, first)
        case PlanTariff():
            amount = base_amount(terms, tariff.base, first) * Fraction(paid, max(count, 1))
        case UnitTariff():
            amount = paid * value_on(tariff.amount, first) * excess
        case BandTariff():
            dearest = max(Fraction(band.pct) for band in tariff.bands)
            amount = paid * base_amount(terms, tariff.base, first) * dearest / 100
        case NthTariff():
            order = terms.file.money.order
            # Free events are counted too where the tariff stands before the allowance.
            is_counted = allowance is not None and order.index(Step.TARIFF) < order.index(Step.ALLOWANCE)
            skipped = (free if is_counted else 0) if is_month else len(tariff.amounts)
            sums = [value_on(numbers, first) for numbers in tariff.amounts]
            amount = sum((sums[min(skipped + n, len(sums) - 1)] for n in range(paid)), Fraction(0))
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
    if consequence.repeat:
        amount *= max(Fraction(step.multiplier) for step in consequence.repeat.steps)
    if account := terms.account(tariff.unit):
        return _dearest_points(terms, account, amount)
    return amount * _index_value(terms, tariff.unit)


def _dearest_points(terms: Terms, account: Points, points: Fraction) -> Fraction:
    """What so many points cost by themselves, none of them free."""
    first, rule = terms.file.contract.effective.since, account.to_money
    match rule:
        case LinearPoints():
            times = Fraction(1)
        case PointBands():
            times = 1 / value_on(rule.band, first)
        case PointRatchet():
            times = max(Fraction(one.multiplier) for one in rule.slices)
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
    return points * times * value_on(rule.amount, first) * _index_value(terms, rule.unit)


def _index_value(terms: Terms, unit: str) -> Fraction:
    """Value of a unit in the first month, or the earliest known where that one is not."""
    first = terms.file.contract.effective.since
    known = sorted(month for series, month in terms.index_values if series == unit)
    if known and month_of(first) not in known:
        return terms.index_values[unit, known[0]]
    return index_value(terms, unit, first)


def _limit(terms: Terms, standard: Standard, consequence: Consequence) -> Fraction | None:
    if consequence.cap is None or consequence.cap.per == "event":
        return None
    limit, order = limit_on(terms, consequence.cap, terms.file.contract.effective.since), terms.file.money.order
    if consequence.repeat and order.index(Step.CAP) < order.index(Step.REPEAT):
        # What was capped is multiplied afterwards.
        limit *= max(Fraction(step.multiplier) for step in consequence.repeat.steps)
    zones = len(terms.zones) if standard.zones == "all" else len(standard.zones)
    return limit * zones if consequence.cap.per == "zone_month" else limit
