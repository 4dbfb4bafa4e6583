"""Retention by a score: a part of each month's base sum is kept, and given back as the score of its months says."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rules.calendar import month_days, month_of
from rules.consequences import Nature
from rules.contract import Step, Terms
from rules.instruments import Retention, ReturnBand
from rules.numbers import Dated, dated_on, rounded, value_on
from rules.payments.bases import base_amount
from rules.payments.charges import parameter
from rules.payments.history import History, months_between, months_until, total
from rules.payments.lines import Block, Line, LineKind
from rules.payments.money import written


def retain(terms: Terms, history: History, period: str) -> tuple[list[Line], dict[str, str]]:
    """Keep a part of the month's base sums, and give back what is due for the months that end with it.

    Parameters
    ----------
    terms : Terms
    history : mapping
        This month's scores in it.
    period : str

    Returns
    -------
    lines : list of Line
        A `retention` for each of the terms; a `release` where its months are over.
    kept : dict of str to str
        What the month keeps, by retention. [currency]
    """
    lines: list[Line] = []
    kept: dict[str, str] = {}
    for one in terms.file.retention:
        amount, trace = _kept(terms, one, period)
        kept[one.id] = written(amount)
        lines.append(_line(one, LineKind.RETENTION, -amount, period, {"base": one.base}, trace))
        elapsed = months_between(month_of(terms.begun), period)
        # Months of the span so far, this one with them.
        left = elapsed % one.months + 1
        is_last = month_days(period)[1] == terms.file.contract.effective.until
        if left == one.months or (is_last and one.at_end == "release"):
            remembered = {**history, period: {**history.get(period, {}), "retained": kept}}
            lines.append(_release(terms, one, remembered, months_until(period, left)))
    return lines, kept


def _kept(terms: Terms, one: Retention, period: str) -> tuple[Fraction, list[dict[str, Any]]]:
    first = month_days(period)[0]
    base = base_amount(terms, one.base, first)
    exact = base * value_on(one.pct, first) / 100
    number = parameter(terms, one.clause, dated_on(one.pct, first), "percent")
    said = {"base": one.base, "base_amount": written(base), "parameter": number}
    return _rounded(terms, exact, period, [{"step": "retention", "in": "0", "out": written(-exact), **said}], -1)


def _release(terms: Terms, one: Retention, history: History, months: list[str]) -> Line:
    """Give back the percentage that the score of the months reaches, never more than was kept of them."""
    period = months[-1]
    score = _score(one, history, months)
    band = next(band for band in one.returned if score >= Fraction(band.since))
    bases = sum((base_amount(terms, one.base, month_days(month)[0]) for month in months), Fraction(0))
    kept = total(history, "retained", one.id, months)
    exact = min(bases * Fraction(band.pct) / 100, kept)
    number = parameter(terms, one.clause, _number(band), "percent")
    said = {"months": months, "score": written(score), "kept": written(kept), "band_from": str(band.since)}
    trace = [{"step": "release", "in": "0", "out": written(exact), "parameter": number, **said}]
    amount, trace = _rounded(terms, exact, period, trace, 1)
    detail = {"months": months, "score": written(score), "kept": written(kept), "lost": written(kept - amount)}
    return _line(one, LineKind.RELEASE, amount, period, detail, trace)


def _score(one: Retention, history: History, months: list[str]) -> Fraction:
    """Share of the checks of some months that were not failed; where there were none, all are good."""
    said = [history.get(month, {}).get("score", {}).get(one.standard, "0/0").split("/") for month in months]
    of = sum(int(count) for _, count in said)
    return Fraction(sum(int(good) for good, _ in said), of) if of else Fraction(1)


def _number(band: ReturnBand) -> Dated:
    return Dated.model_validate({"value": str(band.pct), "clause": band.clause})


def _rounded(
    terms: Terms, exact: Fraction, period: str, trace: list[dict[str, Any]], sign: int
) -> tuple[Fraction, list[dict[str, Any]]]:
    rounding = terms.file.money.rounding
    if rounding.at != "line":
        return exact, trace
    amount = rounded(exact, value_on(rounding.step, month_days(period)[0]), rounding.mode)
    if amount != exact:
        said = {"mode": rounding.mode, "unit": terms.file.money.currency}
        trace.append({"step": Step.ROUND.value, "in": written(sign * exact), "out": written(sign * amount), **said})
    return amount, trace


def _line(
    one: Retention,
    kind: LineKind,
    amount: Fraction,
    period: str,
    detail: Mapping[str, Any],
    trace: list[dict[str, Any]],
) -> Line:
    return Line(
        id=f"{period}/{kind.value}/{one.id}",
        block=Block.SETTLEMENT,
        kind=kind,
        nature=Nature.RETENTION,
        amount=written(amount),
        fact_month=period,
        firm_month=period,
        charge_month=period,
        state="due",
        standard=one.standard,
        says={"code": kind.value, "retention": one.id, "clause": one.clause.article, **detail},
        trace=trace,
    )
