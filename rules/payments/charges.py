"""Charges: what a determination costs by one consequence, on its way through the steps to an amount."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any, assert_never

import numpy as np

from rules.consequences import Consequence, Inconclusive
from rules.contract import Standard, Step, Terms
from rules.instruments import Points
from rules.numbers import Clause, Dated
from rules.payments.checks import Checks, Mask
from rules.payments.money import written
from rules.records import Choice, Determination, Relief, Verdict


class ChargeState(StrEnum):
    """What became of a charge."""

    CHARGED = "charged"
    RELIEVED = "relieved"
    FREE = "free"
    ABSORBED = "absorbed"
    SHADOW = "shadow"
    COUNTED = "counted"
    CAPPED = "capped"
    DE_MINIMIS = "de_minimis"
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
    points : Fraction
        What it puts into a points account. [point]
    trace : list of dict
    """

    determination: Determination
    standard: Standard
    place: int
    amount: Fraction = Fraction(0)
    state: ChargeState = ChargeState.CHARGED
    cut: Fraction = Fraction(0)
    points: Fraction = Fraction(0)
    trace: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def consequence(self) -> Consequence:
        """The consequence that is applied."""
        return self.standard.consequence[self.place]

    @property
    def is_bonus(self) -> bool:
        """Whether it is paid to the contractor."""
        return self.consequence.on == "met"

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

    def counter(self, step: Step, per: str) -> str:
        """Name of the count that it belongs to: of a step, a standard, a consequence and what they count for.

        Parameters
        ----------
        step : Step
        per : str
            As for `scope`.
        """
        return f"{step}/{self.standard.id}/{self.place}/{self.scope(per)}"

    def close(self, state: ChargeState) -> None:
        """Take the charge out: nothing is owed."""
        self.state, self.amount = state, Fraction(0)

    def note(self, step: Step, before: Fraction, detail: Mapping[str, Any]) -> None:
        """Write a step into the trace: what came in, what goes out, by which numbers.

        Parameters
        ----------
        step : Step
        before : Fraction
            What came in; the amount of now goes out.
        detail : mapping
            Codes and numbers that the step used.
        """
        self.trace.append({"step": step.value, "in": written(before), "out": written(self.amount), **detail})


@dataclass(slots=True)
class Sum:
    """What a points account makes of a month's points: charged by no event alone.

    Parameters
    ----------
    account : Points
    amount : Fraction
        Not negative. [currency]
    points, shadow : Fraction
        Points of the month that are charged, and those that bedding-in does not charge.
    determinations : list of str
        Ids of what the points came from.
    trace : list of dict
    state : ChargeState
        `free` where it costs nothing, `de_minimis` where that is so because all is little.
    """

    account: Points
    amount: Fraction
    points: Fraction
    shadow: Fraction
    determinations: list[str]
    trace: list[dict[str, Any]]
    state: ChargeState = ChargeState.CHARGED

    def close(self, state: ChargeState) -> None:
        """Take the sum out: nothing is owed."""
        self.state, self.amount = state, Fraction(0)

    def note(self, step: Step, before: Fraction, detail: Mapping[str, Any]) -> None:
        """Write a step into the trace: what came in, what goes out, by which numbers.

        Parameters
        ----------
        step : Step
        before : Fraction
            What came in; the amount of now goes out.
        detail : mapping
            Codes and numbers that the step used.
        """
        self.trace.append({"step": step.value, "in": written(before), "out": written(self.amount), **detail})


@dataclass(slots=True)
class Month:
    """A month's charges while the steps run over them.

    Parameters
    ----------
    terms : Terms
    first : date
        First day of the month.
    charges : list of Charge
        In the order of time; changed in place.
    planned : dict of str to int
        Checks of the month by standard.
    reliefs : sequence of Relief
        All that were granted.
    spent : mapping of str to Fraction
        What earlier months charged under each cap on the whole. [currency]
    choices : mapping of (opportunity, nature) to Choice
        Sums that officers chose within a range.
    in_plan : set of str
        Standards whose excused checks stay in the plan, whatever their tariff says.
    excused : dict of str to int
        Checks of the month that failed and were excused, by standard.
    sums : list of Sum
        What the points accounts charge.
    capped : dict of str to Fraction
        What this month charges under each cap on the whole. [currency]
    counted_before : mapping of str to int
        Events of earlier months that still count, see `rules.payments.history`.
    counted : Counter of str
        This month's, by the same names.
    spared : list of Fraction
        Sums that are not charged because all of them together are little. [currency]
    """

    terms: Terms
    first: date
    charges: list[Charge]
    planned: dict[str, int]
    reliefs: Sequence[Relief] = ()
    spent: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])
    choices: Mapping[tuple[str, str], Choice] = field(default_factory=dict[tuple[str, str], Choice])
    in_plan: set[str] = field(default_factory=set[str])
    excused: dict[str, int] = field(default_factory=dict[str, int])
    sums: list[Sum] = field(default_factory=list[Sum])
    capped: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    counted_before: Mapping[str, int] = field(default_factory=dict[str, int])
    counted: Counter[str] = field(default_factory=Counter[str])
    spared: list[Fraction] = field(default_factory=list[Fraction])


def charges_of(terms: Terms, checks: Checks) -> list[Charge]:
    """Make a charge of every check that costs something, or may.

    Parameters
    ----------
    terms : Terms
    checks : Checks

    Returns
    -------
    list of Charge
        In the order of time.
    """
    charges: list[Charge] = []
    for standard in terms.file.standard:
        leads = _leads(standard, checks)
        for row in np.flatnonzero(leads.charged | leads.held | leads.earned).tolist():
            one = checks.fact(row)
            for place, consequence in enumerate(standard.consequence):
                if consequence.on == "met" and leads.earned[row]:
                    charges.append(Charge(one, standard, place))
                elif consequence.on == "not_met" and not leads.earned[row]:
                    state = ChargeState.HELD if leads.held[row] else ChargeState.CHARGED
                    charges.append(Charge(one, standard, place, state=state))
    return sorted(charges, key=lambda charge: charge.order)


@dataclass(frozen=True, slots=True, eq=False)
class _Leads:
    """What a standard's checks lead to: nothing where none of the three."""

    charged: Mask
    held: Mask
    earned: Mask


def _leads(standard: Standard, checks: Checks) -> _Leads:
    """Find what verdicts lead to; an inconclusive one pays what the terms say."""
    of = checks.standard.where(standard.id)
    doubtful = of & checks.verdict.where(Verdict.INCONCLUSIVE)
    charged, earned = of & checks.verdict.where(Verdict.NOT_MET), of & checks.verdict.where(Verdict.MET)
    held = np.zeros_like(of)
    match standard.inconclusive:
        case Inconclusive.NO_DEDUCTION:
            pass
        case Inconclusive.DEDUCT:
            charged |= doubtful
        case Inconclusive.HOLD:
            held = doubtful
        case Inconclusive.BY_CAUSE:
            # Every gap that the contractor bears hid the worst, every other doubt is to its benefit: so a bonus is
            # earned too where the standard would be met but for what the city bears.
            charged |= doubtful & checks.is_missed_borne
            earned |= doubtful & ~checks.is_missed_borne
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
    if all(one.on == "not_met" for one in standard.consequence):
        # Nearly all checks of a month are met: without a bonus none of them becomes an object.
        earned = np.zeros_like(of)
    return _Leads(charged, held, earned)


def parameter(terms: Terms, holder: Standard | Clause, number: Dated, unit: str) -> dict[str, Any]:
    """Write a number of the terms and where it comes from.

    Parameters
    ----------
    terms : Terms
    holder : Standard or Clause
        Whose clause and origin hold where the number says none.
    number : Dated
    unit : str
    """
    clause, origin = (holder, None) if isinstance(holder, Clause) else (holder.clause, holder.origin)
    said = {
        "value": str(number.value),
        "unit": unit,
        "clause": (number.clause or clause).article,
        "from": (number.since or terms.file.contract.effective.since).isoformat(),
        "origin": number.origin or origin or terms.file.contract.origin,
    }
    return said if number.tender is None else {**said, "tender": str(number.tender)}
