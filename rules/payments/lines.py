"""Lines of a statement: what each says, and how a charge becomes one."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from rules.contract import Terms
from rules.numbers import rounded, value_on
from rules.payments.charges import Charge, ChargeState, Sum
from rules.payments.money import written


class Block(StrEnum):
    """Where a line stands."""

    SETTLEMENT = "A"
    FIRM = "B"
    IN_PROCEDURE = "C"


class LineKind(StrEnum):
    """What a line is."""

    BASE = "base"
    DEDUCTION = "deduction"
    CARRY_OVER = "carry_over"
    ROUNDING = "rounding"
    RESTATEMENT = "restatement"
    RETENTION = "retention"
    RELEASE = "release"
    BONUS = "bonus"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement.

    Parameters
    ----------
    id : str
        Period, standard, subject, day: never an ordinal.
    block : Block
    kind : LineKind
    nature : str
        Price or fine.
    amount : str
        Exact, signed as the contractor sees it. [currency]
    fact_month : str
        Month of the fact.
    firm_month, charge_month : str
        Empty while not firm, not charged.
    state : str
        See `ChargeState`; `firm`, `reduced` or `annulled` in block B.
    standard, subject, zone : str
        Empty on base lines.
    determinations : list of str
        Ids that the line rests on.
    says : dict
        What the line's sentence needs: numbers and instants, no prose.
    trace : list of dict
        Each step: what came in, the number used, what went out.
    """

    id: str
    block: Block
    kind: LineKind
    nature: str
    amount: str
    fact_month: str
    firm_month: str
    charge_month: str
    state: str
    standard: str = ""
    subject: str = ""
    zone: str = ""
    determinations: list[str] = field(default_factory=list[str])
    says: dict[str, Any] = field(default_factory=dict[str, Any])
    trace: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def line_of(terms: Terms, charge: Charge, period: str) -> Line:
    """Make a line of a charge, in the block where its nature and state put it.

    Parameters
    ----------
    terms : Terms
    charge : Charge
        After all steps.
    period : str
        Month of the fact.
    """
    one, consequence = charge.determination, charge.consequence
    is_settled = consequence.nature.is_settled and charge.state != ChargeState.HELD
    month = period if is_settled else ""
    return Line(
        id=f"{period}/{one.standard}/{one.subject}/{one.day}" + _suffix(charge),
        block=Block.SETTLEMENT if is_settled else Block.IN_PROCEDURE,
        kind=LineKind.BONUS if charge.is_bonus else LineKind.DEDUCTION,
        nature=consequence.nature,
        amount=written(charge.amount if charge.is_bonus else -charge.amount),
        fact_month=period,
        firm_month=month,
        charge_month=month,
        state=charge.state,
        standard=one.standard,
        subject=one.subject,
        zone=one.zone,
        determinations=[one.id],
        says=_says(terms, charge),
        trace=charge.trace,
    )


def line_rounded(terms: Terms, amount: Fraction, day: date) -> Fraction:
    """Round a sum as the terms round lines; where they round the total alone it stays as it is.

    Parameters
    ----------
    terms : Terms
    amount : Fraction
    day : date
    """
    rounding = terms.file.money.rounding
    return rounded(amount, value_on(rounding.step, day), rounding.mode) if rounding.at == "line" else amount


def _suffix(charge: Charge) -> str:
    """What tells a line from others of the same check: its nature where there are several, and that it is a bonus."""
    if len(charge.standard.consequence) == 1:
        return ""
    return f"/{charge.consequence.nature}/bonus" if charge.is_bonus else f"/{charge.consequence.nature}"


def sum_line(one: Sum, period: str) -> Line:
    """Make the line of a points account.

    Parameters
    ----------
    one : Sum
        After all steps.
    period : str
        Month of the points.
    """
    is_settled = one.account.nature.is_settled
    month = period if is_settled else ""
    return Line(
        id=f"{period}/points/{one.account.id}",
        block=Block.SETTLEMENT if is_settled else Block.IN_PROCEDURE,
        kind=LineKind.DEDUCTION,
        nature=one.account.nature,
        amount=written(-one.amount),
        fact_month=period,
        firm_month=month,
        charge_month=month,
        state=ChargeState.FREE if one.state == ChargeState.CHARGED and not one.amount else one.state,
        determinations=one.determinations,
        says={
            "code": "points",
            "account": one.account.id,
            "points": written(one.points),
            "shadow": written(one.shadow),
            "free": next(step["free"] for step in one.trace if "free" in step),
            "clause": one.account.clause.article,
        },
        trace=one.trace,
    )


def _says(terms: Terms, charge: Charge) -> dict[str, Any]:
    """What the sentence needs: which measure, both bounds, the limit, when, the clause, which tariff."""
    one = charge.determination
    said = {
        "code": charge.standard.measure.kind,
        "verdict": one.verdict,
        "proven": one.proven,
        "borne": one.borne,
        "possible": one.possible,
        "target": one.target,
        "unit": one.unit,
        "op": one.op,
        "day": one.day,
        "proven_from": _local(terms, one.trace.get("proven_from_us")),
        "proven_until": _local(terms, one.trace.get("proven_until_us")),
        "clause": charge.standard.clause.article,
        "tariff": charge.consequence.tariff.kind,
    }
    if charge.standard.window.span == "month":
        said["span"] = "month"
    if charge.points:
        said["points"] = written(charge.points)
    return {**said, **{name: one.trace[name] for name in ("detail", "hours") if name in one.trace}}


def _local(terms: Terms, instant_us: int | None) -> str:
    """Write an instant in the contract's zone; empty where a measure has none."""
    return "" if instant_us is None else terms.zone.local(instant_us).isoformat(timespec="seconds")
