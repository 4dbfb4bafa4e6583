"""A month's facts folded into its lines, and what the months after must know of it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Self

from rules.calendar import month_days
from rules.consequences import PlanTariff
from rules.contract import Terms
from rules.errors import CalculationError
from rules.payments.charges import Charge, ChargeState, Month, charges_of
from rules.payments.checks import Checks
from rules.payments.history import History, counted_before, spent_before
from rules.payments.lines import Line, line_of, sum_line
from rules.payments.money import written
from rules.payments.steps import run_steps
from rules.records import Choice, Relief, Verdict


@dataclass(frozen=True, slots=True)
class Folded:
    """What a month's facts come to.

    Parameters
    ----------
    charges : list of Charge
        After all steps.
    lines : list of Line
    history : dict
        What later months must know of it, see `rules.payments.history`.
    spared : list of Fraction
        Sums that are not charged because all of them together are little. [currency]
    """

    charges: list[Charge]
    lines: list[Line]
    history: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    spared: list[Fraction] = field(default_factory=list[Fraction])


@dataclass(frozen=True, slots=True)
class Known:
    """What officers decided for the facts of any month.

    Parameters
    ----------
    reliefs : tuple of Relief
        Granted; each covers what its code says. By id.
    choices : tuple of Choice
        Sums chosen within a range.
    """

    reliefs: tuple[Relief, ...] = ()
    choices: tuple[Choice, ...] = ()

    @classmethod
    def of(cls, decided: Iterable[object]) -> Self:
        """Pick what concerns facts out of all that was decided."""
        said = list(decided)
        reliefs = sorted((one for one in said if isinstance(one, Relief)), key=lambda relief: relief.id)
        return cls(tuple(reliefs), tuple(one for one in said if isinstance(one, Choice)))


def _choices(charges: Sequence[Charge], choices: Sequence[Choice]) -> dict[tuple[str, str], Choice]:
    """Find which check each choice is for; two for one check are refused."""
    said = {(one.standard, one.subject, one.day, one.nature): one for one in choices}
    if len(said) < len(choices):
        raise CalculationError("two acts choose a sum for the same line; keep the one that holds")
    facts = [charge.determination for charge in charges] if said else []
    places = {(one.standard, one.subject, one.day): one.opportunity for one in facts}
    return {(places[key[:3]], key[3]): one for key, one in said.items() if key[:3] in places}


def fold(
    terms: Terms,
    checks: Checks,
    period: str,
    known: Known | None = None,
    history: History | None = None,
) -> Folded:
    """Make the lines of a month's facts.

    Parameters
    ----------
    terms : Terms
        The version that holds in the month.
    checks : Checks
    period : str
    known : Known, optional
        What officers decided for any month.
    history : mapping, optional
        Of the months before.
    """
    decided, spent = known or Known(), spent_before(terms, history or {}, period)
    counted = counted_before(terms, history or {}, period)

    def run(in_plan: set[str], reliefs: tuple[Relief, ...] = decided.reliefs) -> Month:
        charges = charges_of(terms, checks)
        month = Month(
            terms,
            month_days(period)[0],
            charges,
            planned=checks.standard.counts(),
            reliefs=reliefs,
            spent=spent,
            choices=_choices(charges, decided.choices),
            counted_before=counted,
            in_plan=in_plan,
        )
        run_steps(month)
        return month

    month = run(set())
    if leaving := _leaving(month):
        # A check that costs nothing anyway would leave the plan, and others share the same sum: relief would cost.
        plain = run(set(), ())
        while dearer := _dearer(month, plain, leaving - month.in_plan):
            month = run(month.in_plan | dearer)
    lines = [line_of(terms, charge, period) for charge in month.charges]
    lines += [sum_line(one, period) for one in month.sums]
    return Folded(month.charges, lines, _remembered(month, checks), month.spared)


def _leaving(month: Month) -> set[str]:
    """Standards of which excused checks leave the plan that others share a sum by."""
    return {
        standard.id
        for standard in month.terms.file.standard
        if month.excused.get(standard.id)
        and any(
            isinstance(one.tariff, PlanTariff) and one.tariff.excused == "out_of_plan" for one in standard.consequence
        )
    }


def _dearer(month: Month, plain: Month, leaving: set[str]) -> set[str]:
    """Standards that a relief makes cost more than none would; all that are left where the month as a whole does."""
    costs, plain_costs = _costs(month), _costs(plain)
    found = {name for name, place in costs if costs[name, place] > plain_costs[name, place]} & leaving
    return found or (leaving if sum(costs.values()) > sum(plain_costs.values()) else set())


def _costs(month: Month) -> defaultdict[tuple[str, bool], Fraction]:
    """What each standard and account costs, apart by whether it settles with the month; a bonus costs less."""
    found: defaultdict[tuple[str, bool], Fraction] = defaultdict(Fraction)
    for one in month.charges:
        is_settled = one.consequence.nature.is_settled and one.state != ChargeState.HELD
        found[one.standard.id, is_settled] += -one.amount if one.is_bonus else one.amount
    for one in month.sums:
        found[one.account.id, one.account.nature.is_settled] += one.amount
    return found


def _remembered(month: Month, checks: Checks) -> dict[str, dict[str, str]]:
    """What triggers, caps on the whole and retentions of later months ask of this one."""
    return {
        "points": {one.account.id: written(one.points + _shadow(month, one.shadow)) for one in month.sums},
        "not_met": _not_met(month, checks),
        "total_cap": {name: written(amount) for name, amount in month.capped.items()},
        "score": _scores(month),
        "counts": _counts(month),
    }


def _counts(month: Month) -> dict[str, str]:
    """Events that later months count with theirs."""
    kept = {one.id for one in month.terms.file.standard if one.count_window.kind != "calendar_month"}
    return {name: str(count) for name, count in sorted(month.counted.items()) if count and name.split("/")[1] in kept}


def _shadow(month: Month, points: Fraction) -> Fraction:
    bedding = month.terms.file.bedding_in
    return points if bedding and bedding.counts_for_triggers else Fraction(0)


def _not_met(month: Month, checks: Checks) -> dict[str, str]:
    """Events not met of the standards that a trigger counts; those excused, or of bedding-in, as the terms say."""
    watched = {one.of for one in month.terms.file.trigger} & {one.id for one in month.terms.file.standard}
    left_out = {ChargeState.RELIEVED}
    bedding = month.terms.file.bedding_in
    if bedding and not bedding.counts_for_triggers:
        left_out.add(ChargeState.SHADOW)
    counted = checks.standard.counts(checks.verdict.where(Verdict.NOT_MET))
    excused = [one.determination for one in month.charges if one.state in left_out]
    missed = {(one.opportunity, one.standard) for one in excused if one.verdict == Verdict.NOT_MET}
    counted.subtract(standard for _, standard in missed)
    return {name: str(counted[name]) for name in sorted(watched)}


def _scores(month: Month) -> dict[str, str]:
    """How many checks of a retention's standard were not failed, of how many: `n/m`."""
    found: dict[str, str] = {}
    excused = {one.determination.opportunity for one in month.charges if one.state == ChargeState.RELIEVED}
    for name in sorted({one.standard for one in month.terms.file.retention}):
        own = [one for one in month.charges if one.standard.id == name and not one.is_bonus]
        failed, of = {one.determination.opportunity for one in own} - excused, month.planned.get(name, 0)
        found[name] = f"{of - len(failed)}/{of}"
    return found
