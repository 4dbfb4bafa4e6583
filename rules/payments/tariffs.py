"""What one event costs: the tariff of the terms applied to the value of the measure that counts.

Which value counts is the same for every kind: `borne`, the measure with the contractor's own gaps at their worst and
every other doubt to its benefit. Where the contractor bears no gap that is the bound certain in its favour; where it
bears one, more silence never costs less. An event that is charged or held although that value meets the target counts
as the smallest miss there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, assert_never

from rules.consequences import (
    BandTariff,
    EventTariff,
    NthTariff,
    PlanTariff,
    RangeTariff,
    ShareTariff,
    Tariff,
    TimeTariff,
    UnitTariff,
)
from rules.contract import Terms
from rules.errors import CalculationError
from rules.numbers import PPM, Dated, dated_on, value_on
from rules.payments.bases import agreed, base_amount, base_of
from rules.payments.money import read, written
from rules.records import Choice, Determination, Op


@dataclass(frozen=True, slots=True)
class Price:
    """What one event costs, and by which number.

    Parameters
    ----------
    amount : Fraction
        [tariff's unit]
    number : Dated
        The number of the terms that was used.
    unit : str
        Its unit.
    detail : mapping
        What else was used: codes and numbers.
    """

    amount: Fraction
    number: Dated
    unit: str
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


def value_charged(one: Determination, *, is_bonus: bool = False) -> int:
    """Value of the measure that a tariff is applied to. [the determination's unit].

    Parameters
    ----------
    one : Determination
    is_bonus : bool
        Whether the tariff pays what goes beyond the target.
    """
    if one.is_missed_borne or is_bonus:
        return one.borne
    return one.target + 1 if one.op == Op.AT_MOST else max(one.target - 1, 0)


@dataclass(frozen=True, slots=True)
class Among:
    """Where an event stands among the others of its month.

    Parameters
    ----------
    occurrence : int
        Which event of the count window it is; 1 is the first.
    planned : int
        Checks of its standard in the month, those that failed among them.
    choice : Choice or None
        What an officer chose for it, where the terms leave a range.
    is_bonus : bool
        Whether the tariff pays what goes beyond the target.
    """

    occurrence: int = 1
    planned: int = 1
    choice: Choice | None = None
    is_bonus: bool = False


def price(terms: Terms, tariff: Tariff, one: Determination, among: Among) -> Price:
    """Apply a tariff to an event.

    Parameters
    ----------
    terms : Terms
    tariff : Tariff
    one : Determination
    among : Among

    Raises
    ------
    CalculationError
        When the terms have no such base sum.

    Notes
    -----
    A measure of another unit than the tariff is made for is refused by the linter, never here.
    """
    day, value = date.fromisoformat(one.day), value_charged(one, is_bonus=among.is_bonus)
    bound = {"measured": value, "bound": "borne" if one.is_missed_borne or among.is_bonus else "least"}
    match tariff:
        case EventTariff():
            return _times(tariff, day, Fraction(1), {})
        case TimeTariff():
            counted = _counted(tariff, day, value if tariff.of == "whole" else abs(value - one.target))
            return _times(tariff, day, counted, {"count": written(counted), "time": _said(tariff, day), **bound})
        case UnitTariff():
            units = abs(value - one.target)
            return _times(tariff, day, Fraction(units), {"units": units, **bound})
        case ShareTariff():
            missing = 1 - _share(value)
            return _times(tariff, day, missing, {"missing": written(missing), **bound})
        case BandTariff():
            return _banded(terms, tariff, day, value, bound)
        case NthTariff():
            numbers = tariff.amounts[min(among.occurrence, len(tariff.amounts)) - 1]
            detail = {"kind": tariff.kind, "occurrence": among.occurrence, "key": tariff.key}
            return Price(value_on(numbers, day), dated_on(numbers, day), tariff.unit, detail)
        case RangeTariff():
            return _chosen(tariff, day, among.choice)
        case PlanTariff():
            return _planned(terms, tariff, day, among.planned)
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)


def _share(value: int) -> Fraction:
    return min(max(Fraction(value, PPM), Fraction(0)), Fraction(1))


def _counted(tariff: TimeTariff, day: date, length_us: int) -> Fraction:
    """How many hours, days or others a time counts as."""
    exact = Fraction(length_us) / value_on(tariff.length, day, "us")
    match tariff.count:
        case "started":
            return Fraction(-(-exact // 1))
        case "completed":
            return Fraction(exact // 1)
        case "exact":
            return exact
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)


def _said(tariff: TimeTariff, day: date) -> str:
    return str(dated_on(tariff.length, day).value)


def _planned(terms: Terms, tariff: PlanTariff, day: date, planned: int) -> Price:
    base = base_of(terms, tariff.base)
    number, (sum_agreed, weighted) = dated_on(base.amount, day.replace(day=1)), agreed(terms, base, day)
    if weighted:
        number = number.model_copy(update={"value": written(sum_agreed), "clause": base.clause})
    detail = {"kind": tariff.kind, "base": tariff.base, "planned": planned, "excused": tariff.excused}
    said = number if number.clause else number.model_copy(update={"clause": base.clause})
    return Price(base_amount(terms, tariff.base, day) / planned, said, tariff.unit, detail)


def _chosen(tariff: RangeTariff, day: date, choice: Choice | None) -> Price:
    """Take what an officer chose; the least where nobody did."""
    least, most = (value_on(numbers, day) for numbers in (tariff.min, tariff.max))
    detail: dict[str, Any] = {"kind": tariff.kind, "min": written(least), "max": written(most)}
    if choice is None:
        return Price(least, dated_on(tariff.min, day), tariff.unit, detail)
    amount = read(choice.amount)
    if not least <= amount <= most:
        told = f"act {choice.number} chooses {choice.amount} for {choice.standard}/{choice.subject}/{choice.day}"
        raise CalculationError(f"{told}, not between {written(least)} and {written(most)}")
    if not (choice.reason.strip() and choice.signer.strip()):
        raise CalculationError(f"act {choice.number} chooses {choice.amount} without a reason or a signer")
    said = {"number": choice.number, "date": choice.date, "signer": choice.signer, "reason": choice.reason}
    number = dated_on(tariff.min, day).model_copy(update={"value": choice.amount})
    return Price(amount, number, tariff.unit, {**detail, "choice": said})


def _times(
    tariff: EventTariff | TimeTariff | UnitTariff | ShareTariff,
    day: date,
    factor: Fraction,
    detail: Mapping[str, Any],
) -> Price:
    amount = value_on(tariff.amount, day) * factor
    return Price(amount, dated_on(tariff.amount, day), tariff.unit, {"kind": tariff.kind, **detail})


def _banded(terms: Terms, tariff: BandTariff, day: date, value: int, bound: Mapping[str, Any]) -> Price:
    share = _share(value)
    # The last band begins at nought, so one always holds the share.
    band = next(one for one in tariff.bands if share >= Fraction(one.since))
    base = base_amount(terms, tariff.base, day)
    detail = {"kind": tariff.kind, "band_from": _plain(band.since), "base": tariff.base, "base_amount": written(base)}
    number = Dated.model_validate({"value": _plain(band.pct), "clause": band.clause})
    return Price(base * Fraction(band.pct) / 100, number, "percent", {**detail, **bound})


def _plain(number: Decimal) -> str:
    return written(Fraction(number))
