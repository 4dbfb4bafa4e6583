"""Steps from verdicts to money, each a function over the month's charges, run in the order that the terms declare.

Every step leaves a trace on the charges it looks at: what came in, which number of the terms it used, what went out.
Charges are always taken in the order of time, so the order in which determinations arrive decides nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from rules.calendar import month_of
from rules.consequences import Cap, Consequence, Inconclusive, NthTariff
from rules.contract import Standard, Step, Terms
from rules.numbers import Dated, dated_on, value_on
from rules.payments.money import rounded, written
from rules.payments.tariffs import base_amount, index_value, price
from rules.records import Determination, Verdict


class ChargeState(StrEnum):
    """What became of a charge."""

    CHARGED = "charged"
    FREE = "free"
    ABSORBED = "absorbed"
    CAPPED = "capped"
    HELD = "held"


@dataclass(slots=True)
class Charge:
    """One consequence of one determination, on its way to an amount.

    Parameters
    ----------
    determination : Determination
    standard : Standard
    place : int
        Which of the standard's consequences.
    amount : Fraction
        Not negative. In the tariff's unit until the step `index`, in the currency afterwards.
    state : ChargeState
    cut : Fraction
        What the cap took off. [currency]
    trace : list of dict
    """

    determination: Determination
    standard: Standard
    place: int
    amount: Fraction = Fraction(0)
    state: ChargeState = ChargeState.CHARGED
    cut: Fraction = Fraction(0)
    trace: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def consequence(self) -> Consequence:
        """The consequence that is applied."""
        return self.standard.consequence[self.place]

    @property
    def day(self) -> date:
        """Local day of the fact."""
        return date.fromisoformat(self.determination.day)

    @property
    def order(self) -> tuple[int, str, str, int]:
        """Place in time: which of two charges counts first."""
        return (
            self.determination.window_start_us,
            self.determination.standard,
            self.determination.subject,
            self.place,
        )

    @property
    def is_counted(self) -> bool:
        """Whether it makes a later event a later one: certain, or held by a doubt that the contractor bears."""
        return self.state == ChargeState.CHARGED or self.determination.is_missed_borne

    def scope(self, per: str) -> str:
        """What it is counted with: its `zone`, its `asset`, or the whole `contract`."""
        return {"contract": "", "zone": self.determination.zone, "asset": self.determination.subject}[per]

    def close(self, state: ChargeState) -> None:
        """Take the charge out: nothing is owed."""
        self.state, self.amount = state, Fraction(0)


def charges_of(terms: Terms, determinations: Iterable[Determination]) -> list[Charge]:
    """Make a charge of every determination that costs something, or may.

    Parameters
    ----------
    terms : Terms
    determinations : iterable of Determination
    """
    standards = {standard.id: standard for standard in terms.file.standard}
    charges: list[Charge] = []
    for one in determinations:
        standard = standards[one.standard]
        state = _state(standard, one)
        if state is not None:
            charges += [Charge(one, standard, place, state=state) for place in range(len(standard.consequence))]
    return sorted(charges, key=lambda charge: charge.order)


def run_steps(terms: Terms, charges: list[Charge]) -> None:
    """Run the terms' steps, in their order, on the charges of a period.

    Parameters
    ----------
    terms : Terms
    charges : list of Charge
        In the order of time; changed in place.
    """
    for step in terms.file.money.order:
        # A held sum awaits an act: it compares with nothing, and takes what a cap leaves it. It uses up an allowance,
        # or makes the next event a second one, only where the contractor bears the doubt: else silence about a cheap
        # event would free a dear one.
        certain = [charge for charge in charges if charge.state == ChargeState.CHARGED]
        held = [charge for charge in charges if charge.state == ChargeState.HELD]
        counted = [charge for charge in held if charge.is_counted]
        match step:
            case Step.OVERLAP:
                taken = certain
            case Step.ALLOWANCE:
                taken = sorted([*certain, *counted], key=lambda charge: charge.order)
            case _:
                taken = certain + held
        _STEPS[step](terms, taken)


def _state(standard: Standard, one: Determination) -> ChargeState | None:
    """What a verdict leads to; an inconclusive one pays what the terms say."""
    if one.verdict != Verdict.INCONCLUSIVE:
        return ChargeState.CHARGED if one.verdict == Verdict.NOT_MET else None
    match standard.inconclusive:
        case Inconclusive.NO_DEDUCTION:
            return None
        case Inconclusive.DEDUCT:
            return ChargeState.CHARGED
        case Inconclusive.HOLD:
            return ChargeState.HELD
        case Inconclusive.BY_CAUSE:
            # Every gap that the contractor bears hid the worst, every other doubt is to its benefit.
            return ChargeState.CHARGED if one.is_missed_borne else None


def parameter(terms: Terms, standard: Standard, number: Dated, unit: str) -> dict[str, Any]:
    """Write a number of the terms and where it comes from.

    Parameters
    ----------
    terms : Terms
    standard : Standard
        Whose clause and origin hold where the number says none.
    number : Dated
    unit : str
    """
    clause = number.clause or standard.clause
    return {
        "value": str(number.value),
        "unit": unit,
        "clause": clause.article,
        "from": (number.since or terms.file.contract.effective.since).isoformat(),
        "origin": number.origin or standard.origin or terms.file.contract.origin,
    }


def _note(charge: Charge, step: Step, before: Fraction, detail: Mapping[str, Any]) -> None:
    charge.trace.append({"step": step.value, "in": written(before), "out": written(charge.amount), **detail})


def _overlap(terms: Terms, charges: list[Charge]) -> None:
    """Of a group's facts of one nature keep the dearest; the others are absorbed and name it."""
    groups: defaultdict[tuple[str, str, str], list[Charge]] = defaultdict(list)
    for charge in charges:
        if charge.standard.overlap.group == "asset_day" and charge.standard.overlap.keep == "highest":
            one = charge.determination
            groups[one.subject, one.day, charge.consequence.nature].append(charge)
    for group in groups.values():
        kept = max(
            group, key=lambda charge: (_worth(terms, charge), [-n for n in charge.order[:1]], charge.place == 0)
        )
        for charge in group:
            if charge is not kept:
                before = charge.amount
                charge.close(ChargeState.ABSORBED)
                _note(charge, Step.OVERLAP, before, {"absorbed_by": kept.determination.id})


def _worth(terms: Terms, charge: Charge) -> Fraction:
    """What a charge would cost; where the cap stands before, what the cap left of it."""
    order = terms.file.money.order
    done = order[: order.index(Step.OVERLAP)]
    if Step.INDEX in done or Step.CAP in done:
        return charge.amount
    tariff = charge.consequence.tariff
    # Before the tariff no event has its number; the linter refuses a tariff that needs one.
    is_priced = Step.TARIFF in done
    amount = charge.amount if is_priced else price(terms, tariff, charge.determination, occurrence=1).amount
    return amount * index_value(terms, tariff.unit, charge.day)


def _allowance(terms: Terms, charges: list[Charge]) -> None:
    """Leave the first events of the count window free."""
    counts: defaultdict[tuple[str, int, str], int] = defaultdict(int)
    for charge in charges:
        allowance = charge.consequence.allowance
        if allowance is None:
            continue
        key = (charge.standard.id, charge.place, charge.scope(allowance.per))
        counts[key] += 1
        if counts[key] <= value_on(allowance.free, charge.day):
            before = charge.amount
            charge.close(ChargeState.FREE)
            number = parameter(terms, charge.standard, dated_on(allowance.free, charge.day), "event")
            detail = {"parameter": number, "event": counts[key], "per": allowance.per}
            _note(charge, Step.ALLOWANCE, before, detail)


def _tariff(terms: Terms, charges: list[Charge]) -> None:
    counts: defaultdict[tuple[str, int, str], int] = defaultdict(int)
    # In the order of time, held ones among the certain: a tariff may ask which event of the month it is.
    for charge in sorted(charges, key=lambda charge: charge.order):
        tariff, before = charge.consequence.tariff, charge.amount
        key = (charge.standard.id, charge.place, charge.scope(tariff.key) if isinstance(tariff, NthTariff) else "")
        found = price(terms, tariff, charge.determination, counts[key] + 1)
        counts[key] += charge.is_counted
        charge.amount = found.amount
        number = parameter(terms, charge.standard, found.number, found.unit)
        _note(charge, Step.TARIFF, before, {"parameter": number, **found.detail})


def _index(terms: Terms, charges: list[Charge]) -> None:
    for charge in charges:
        unit = charge.consequence.tariff.unit
        if unit == terms.file.money.currency:
            continue
        before, value = charge.amount, index_value(terms, unit, charge.day)
        charge.amount *= value
        _note(charge, Step.INDEX, before, {"series": unit, "month": month_of(charge.day), "value": written(value)})


def limit_on(terms: Terms, cap: Cap, day: date) -> Fraction:
    """Most that a consequence may cost by the percentage of a day. [currency].

    Parameters
    ----------
    terms : Terms
    cap : Cap
    day : date

    Raises
    ------
    CalculationError
        When the terms have no such base sum.
    """
    # The base sum is that of the month, as its line pays it.
    return base_amount(terms, cap.base, day) * value_on(cap.pct, day) / 100


def _limit(terms: Terms, charge: Charge, cap: Cap) -> tuple[tuple[str, int, str], Fraction]:
    """What shares a cap, and the most that it may cost."""
    zone = charge.determination.zone if cap.per == "zone_month" else ""
    return (charge.standard.id, charge.place, zone), limit_on(terms, cap, charge.day)


def _cap(terms: Terms, charges: list[Charge]) -> None:
    """Charge in the order of time until the cap of the period is reached."""
    spent: defaultdict[tuple[str, int, str], Fraction] = defaultdict(Fraction)
    for charge in charges:
        cap = charge.consequence.cap
        if cap is None:
            continue
        number = dated_on(cap.pct, charge.day)
        key, limit = _limit(terms, charge, cap)
        # A cap lowered within the month may be spent already; what was charged before is not given back.
        before, left = charge.amount, max(limit - spent[key], Fraction(0))
        if before > left:
            detail: dict[str, Any] = {"limit": written(limit), "base": cap.base, "per": cap.per}
            # What is held would be no debt yet: the linter refuses to carry it over.
            if cap.carry_over == "next_month":
                charge.cut = before - left
                detail["carried"] = written(charge.cut)
            charge.amount = left
            charge.state = ChargeState.CAPPED if left == 0 else charge.state
            detail |= {"parameter": parameter(terms, charge.standard, number, "percent")}
            _note(charge, Step.CAP, before, detail)
        spent[key] += charge.amount


def _round(terms: Terms, charges: list[Charge]) -> None:
    """Round each line where the terms say so; what rounding up would add beyond a cap is left off."""
    rounding = terms.file.money.rounding
    spent: defaultdict[tuple[str, int, str], Fraction] = defaultdict(Fraction)
    for charge in charges:
        if rounding.at == "line":
            before, step = charge.amount, value_on(rounding.step, charge.day)
            charge.amount = rounded(before, step, rounding.mode)
            if cap := charge.consequence.cap:
                key, limit = _limit(terms, charge, cap)
                charge.amount = min(charge.amount, rounded(max(limit - spent[key], Fraction(0)), step, "down"))
                spent[key] += charge.amount
            if charge.amount != before:
                _note(charge, Step.ROUND, before, {"mode": rounding.mode, "unit": terms.file.money.currency})


_STEPS: dict[Step, Callable[[Terms, list[Charge]], None]] = {
    Step.OVERLAP: _overlap,
    Step.ALLOWANCE: _allowance,
    Step.TARIFF: _tariff,
    Step.INDEX: _index,
    Step.CAP: _cap,
    Step.ROUND: _round,
}
