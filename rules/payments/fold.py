"""A month's facts folded into its lines, and what the months after must know of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rules.calendar import month_days
from rules.contract import Terms
from rules.payments.charges import Charge, ChargeState, Month, charges_of
from rules.payments.history import History, spent_before
from rules.payments.lines import Line, line_of, sum_line
from rules.payments.money import written
from rules.payments.steps import run_steps
from rules.records import Determination, Relief, Verdict


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
    """

    charges: list[Charge]
    lines: list[Line]
    history: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])


def fold(
    terms: Terms,
    determinations: Sequence[Determination],
    period: str,
    reliefs: Iterable[Relief] = (),
    history: History | None = None,
) -> Folded:
    """Make the lines of a month's facts.

    Parameters
    ----------
    terms : Terms
        The version that holds in the month.
    determinations : sequence of Determination
    period : str
    reliefs : iterable of Relief
        All that were granted; each covers what its code says.
    history : mapping, optional
        Of the months before.
    """
    month = Month(
        terms,
        month_days(period)[0],
        charges_of(terms, determinations),
        planned=Counter(one.standard for one in determinations),
        reliefs=sorted(reliefs, key=lambda relief: relief.id),
        spent=spent_before(terms, history or {}, period),
    )
    run_steps(month)
    lines = [line_of(terms, charge, period) for charge in month.charges]
    lines += [sum_line(one, period) for one in month.sums]
    return Folded(month.charges, lines, _remembered(month, determinations))


def _remembered(month: Month, determinations: Sequence[Determination]) -> dict[str, dict[str, str]]:
    """What triggers, caps on the whole and retentions of later months ask of this one."""
    return {
        "points": {one.account.id: written(one.points + _shadow(month, one.shadow)) for one in month.sums},
        "not_met": _not_met(month, determinations),
        "total_cap": {name: written(amount) for name, amount in month.capped.items()},
        "score": _scores(month, determinations),
    }


def _shadow(month: Month, points: Fraction) -> Fraction:
    bedding = month.terms.file.bedding_in
    return points if bedding and bedding.counts_for_triggers else Fraction(0)


def _not_met(month: Month, determinations: Sequence[Determination]) -> dict[str, str]:
    """Events not met of the standards that a trigger counts; those excused, or of bedding-in, as the terms say."""
    watched = {one.of for one in month.terms.file.trigger}
    left_out = {ChargeState.RELIEVED}
    bedding = month.terms.file.bedding_in
    if bedding and not bedding.counts_for_triggers:
        left_out.add(ChargeState.SHADOW)
    excused = {one.determination.opportunity for one in month.charges if one.state in left_out}
    counted = Counter(
        one.standard
        for one in determinations
        if one.standard in watched and one.verdict == Verdict.NOT_MET and one.opportunity not in excused
    )
    standards = {one.id for one in month.terms.file.standard}
    return {name: str(counted[name]) for name in sorted(watched & standards)}


def _scores(month: Month, determinations: Sequence[Determination]) -> dict[str, str]:
    """How many checks of a retention's standard were not failed, of how many: `n/m`."""
    found: dict[str, str] = {}
    excused = {one.determination.opportunity for one in month.charges if one.state == ChargeState.RELIEVED}
    charged = {one.determination.opportunity for one in month.charges} - excused
    for name in sorted({one.standard for one in month.terms.file.retention}):
        of = [one for one in determinations if one.standard == name]
        failed = sum(one.opportunity in charged for one in of)
        found[name] = f"{len(of) - failed}/{len(of)}"
    return found
