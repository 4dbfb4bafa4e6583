"""Indexed sums whose month is known only once they are decided: provisional before, fixed by the act."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from rules.calendar import month_days
from rules.contract import Step, Terms
from rules.numbers import rounded, value_on
from rules.payments.bases import index_value
from rules.payments.lines import Line
from rules.payments.money import read, written

_LIMITED = frozenset({Step.CAP.value, Step.TOTAL_CAP.value})


def fix_index(terms: Terms, line: Line, months: Mapping[str, str]) -> Line:
    """Give a line that becomes firm the value of its index for good.

    Parameters
    ----------
    terms : Terms
        Those of the month in which it is charged; where their indexes do not know the value, those known since do.
    line : Line
        In procedure.
    months : mapping of str to str
        What a line may wait for (`act`, `payment`) to its month.

    Returns
    -------
    Line
        The same where nothing was provisional. A sum that a cap had limited does not rise.

    Raises
    ------
    CalculationError
        When the index has no value for the month.
    """
    waiting = [step for step in line.trace if step["step"] == Step.INDEX and "until" in step]
    if not waiting:
        return line
    step = waiting[-1]
    month, series = months[step["until"]], step["series"]
    first = month_days(month)[0]
    values = {**terms.index_later, **terms.index_values}
    value = index_value(replace(terms, index_values=values), series, first)
    amount = _exactly(line) * value / read(step["value"])
    rounding = terms.file.money.rounding
    if rounding.at == "line":
        amount = rounded(amount, value_on(rounding.step, first), rounding.mode)
    if any(one["step"] in _LIMITED for one in line.trace):
        amount = min(amount, abs(read(line.amount)))
    said = {"series": series, "month": month, "value": written(value)}
    fixed = {"step": Step.INDEX.value, "in": line.amount, "out": written(-amount), **said}
    return replace(line, amount=written(-amount), trace=[*line.trace, fixed])


def _exactly(line: Line) -> Fraction:
    """What a line came to before it was rounded, where that is the last that happened to it."""
    last = line.trace[-1]
    return read(last["in"]) if last["step"] == Step.ROUND else abs(read(line.amount))
