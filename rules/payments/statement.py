"""The month's statement: a fold over determinations, acts and an opening state, into a body and a closing state.

Block A settles the month: base sums and price adjustments. Block B charges what has become firm by an officer's act.
Block C shows what is in procedure and charges nothing. Amounts are signed as the contractor sees them: what it is
paid is positive. The body is a pure function of its inputs and comes out the same, byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from rules.calendar import month_days, month_of, previous_month
from rules.consequences import Nature
from rules.contract import Base, Terms
from rules.errors import CalculationError
from rules.numbers import dated_on, rounded, value_on
from rules.payments.bases import agreed, base_amount, growth
from rules.payments.carry import carry_over
from rules.payments.charges import parameter
from rules.payments.checks import Checks
from rules.payments.fold import Known, fold
from rules.payments.history import remembered
from rules.payments.indexed import fix_index
from rules.payments.lines import Block, Line, LineKind, line_rounded
from rules.payments.money import read, written
from rules.payments.restate import Earlier, decide, restate, stated_of
from rules.payments.retention import retain
from rules.payments.tax import booked
from rules.payments.triggers import notices
from rules.records import ENGINE, Act, Choice, Determination, Relief, Verdict, digest

STATEMENT_SCHEMA = "poniente.statement/1"
STATE_SCHEMA = "poniente.state/1"
# What officers decide, and a statement takes as given.
Decided = Act | Relief | Choice


@dataclass(frozen=True, slots=True)
class Statement:
    """A month's statement.

    Parameters
    ----------
    body : dict
        What `statement.json` holds.
    closing : dict
        The next month's opening state.
    """

    body: dict[str, Any]
    closing: dict[str, Any]


def opening_of_nothing(terms: Terms, period: str) -> dict[str, Any]:
    """Opening state of a contract's first period: nothing owed, nothing in procedure.

    Parameters
    ----------
    terms : Terms
    period : str
        The first period.
    """
    return {
        "schema": STATE_SCHEMA,
        "contract": terms.id,
        "period": previous_month(period),
        "carry_over": "0",
        "in_procedure": [],
        "stated": {},
        "opening_sha256": "",
    }


def settle(
    terms: Terms,
    determinations: Checks | Sequence[Determination],
    period: str,
    opening: dict[str, Any] | None = None,
    decided: Iterable[Decided] = (),
    earlier: Mapping[str, Earlier] | None = None,
) -> Statement:
    """Make the statement of a period.

    Parameters
    ----------
    terms : Terms
        The version that holds on the period's first day.
    determinations : Checks or sequence of Determination
        One for each opportunity of the period, in any order.
    period : str
        For example `2026-09`.
    opening : dict, optional
        Closing state of the period before; nothing for the first.
    decided : iterable of Act, Relief or Choice
        What officers decided: acts on lines in procedure, reliefs granted and sums chosen for any month.
    earlier : mapping of str to Earlier, optional
        Issued months still open to late data, as they are known now; others are not restated any more.

    Raises
    ------
    CalculationError
        When an input belongs to another contract, period or state.
    """
    if opening is None and period > (first := month_of(terms.file.contract.effective.since)):
        raise CalculationError(
            f"{period} is not the first month of {terms.id}, which is {first}; give the closing state of the month "
            f"before as the opening"
        )
    opened = opening_of_nothing(terms, period) if opening is None else opening
    checks = Checks.of(determinations)
    _check(terms, checks, period, opened)
    said = list(decided)
    acts, known = [one for one in said if isinstance(one, Act)], Known.of(said)
    again = {month: Earlier(one.terms, one.checks) for month, one in (earlier or {}).items()}
    _check_codes({period: terms} | {month: one.terms for month, one in again.items()}, known.reliefs)
    restated = restate(opened, again, period, known)
    folded = fold(terms, checks, period, known, restated.history)
    restated.history[period] = folded.history
    before = restated.carried.get(previous_month(period), {})
    carried, restated.carried[period] = carry_over(terms, folded.charges, before, period)
    retained, folded.history["retained"] = retain(terms, restated.history, period)
    new = [*folded.lines, *carried]
    decided_lines, pending = _decide(terms, restated.in_procedure, _by_line(acts), period)
    decide(restated.stated, decided_lines)
    lines = [*_base_lines(terms, period), *new, *retained, *restated.lines, *decided_lines]
    net = _total(lines, Block.SETTLEMENT) + _total(lines, Block.FIRM)
    closing_lines, left_over = _close(terms, net, read(opened["carry_over"]), period)
    lines = sorted([*lines, *closing_lines, *pending], key=lambda line: (line.block, line.kind, line.id))
    still_open = [_content(line) for line in lines if line.block == Block.IN_PROCEDURE and read(line.amount) != 0]
    closing: dict[str, Any] = {
        "schema": STATE_SCHEMA,
        "contract": terms.id,
        "period": period,
        "carry_over": written(left_over),
        "in_procedure": still_open,
        "stated": {**restated.stated, period: stated_of(new)},
        "opening_sha256": digest(opened),
    }
    # Said only where there is something: a state of terms without such caps is what it was before there were any.
    if any(restated.carried.values()):
        closing["cap_carry"] = {month: rows for month, rows in sorted(restated.carried.items()) if rows}
    if history := remembered(restated.history):
        closing["history"] = history
    body = _body(terms, period, lines, checks, opened, closing)
    body["restates"] = _restates(again)
    body |= booked(terms, lines, period)
    if (small := terms.file.money.de_minimis) and folded.spared:
        spared = sum(folded.spared, Fraction(0))
        rolled_up = {"amount": written(spared), "lines": len(folded.spared), "clause": small.clause.article}
        body["de_minimis"] = {**rolled_up, "limit": written(value_on(small.amount, month_days(period)[0]))}
    if given := notices(terms, restated.history, period, known.reliefs):
        body["notices"] = given
    return Statement(body, closing)


def _restates(earlier: Mapping[str, Earlier]) -> dict[str, Any]:
    """Which months were looked at again, under which terms and from which determinations."""
    return {
        month: {"terms_version": one.terms.version, "determinations_sha256": one.checks.sha256}
        for month, one in earlier.items()
    }


def _check(terms: Terms, checks: Checks, period: str, opening: dict[str, Any]) -> None:
    first = month_days(period)[0]
    effective = terms.file.contract.effective
    if not effective.since <= first < effective.until:
        raise CalculationError(f"terms {terms.id}@{terms.version} hold from {effective.since}, not in {period}")
    if missing := {"contract", "period", "carry_over", "in_procedure", "stated"} - opening.keys():
        raise CalculationError(
            f"opening state lacks {', '.join(sorted(missing))}; give a closing state as it was written"
        )
    if (opening["contract"], opening["period"]) != (terms.id, previous_month(period)):
        told = f"{opening['contract']} {opening['period']}"
        raise CalculationError(f"opening state of {told} does not open {terms.id} {period}")
    checks.refuse_foreign(terms, period)


def _check_codes(terms_in: Mapping[str, Terms], reliefs: Iterable[Relief]) -> None:
    """Refuse a relief of no code of the months that it may touch: it would be left out without a word."""
    month = min(terms_in)
    begins_us = terms_in[month].zone.midnight(month_days(month)[0])
    codes = sorted({one.code for terms in terms_in.values() for one in terms.file.relief})
    for one in reliefs:
        # What was over before them excuses nothing here, and the terms of its time may have had its code.
        if one.until_us > begins_us and one.code not in codes:
            raise CalculationError(
                f"relief {one.id} names code {one.code!r}, which the terms do not have; they have "
                f"{', '.join(codes) or 'none'}"
            )


def _by_line(acts: Iterable[Act]) -> dict[str, Act]:
    """Find the act on each line; only a named officer's act of a known effect decides, and only one."""
    found: dict[str, Act] = {}
    for act in acts:
        if act.effect not in {"firm", "annulled", "reduced"}:
            told = f"act {act.number} on {act.line} has effect {act.effect!r}"
            raise CalculationError(f"{told}, not firm, annulled or reduced")
        if (act.effect == "reduced") != _is_sum(act.amount) or (act.amount and act.effect != "reduced"):
            told = f"act {act.number} on {act.line} has effect {act.effect} and amount {act.amount!r}"
            raise CalculationError(f"{told}; a reduced line needs one above nought, and no other has one")
        try:
            date.fromisoformat(act.date)
        except ValueError as error:
            raise CalculationError(
                f"act {act.number} on {act.line} has date {act.date!r}, not such as 2026-12-03"
            ) from error
        if not act.signer.strip():
            raise CalculationError(f"act {act.number} on {act.line} names no signer")
        if found.setdefault(act.line, act) != act:
            raise CalculationError(f"two acts decide {act.line}; keep the one that holds")
    return found


def _base_lines(terms: Terms, period: str) -> list[Line]:
    first = month_days(period)[0]
    return [
        Line(
            id=f"{period}/base/{base.id}",
            block=Block.SETTLEMENT,
            kind=LineKind.BASE,
            nature=Nature.PRICE,
            amount=written(line_rounded(terms, base_amount(terms, base.id, first), first)),
            trace=_base_steps(terms, base, first),
            fact_month=period,
            firm_month=period,
            charge_month=period,
            state="due",
            says={"code": "base", "base": base.id, "clause": base.clause.article},
        )
        for base in terms.file.base
    ]


def _base_steps(terms: Terms, base: Base, first: date) -> list[dict[str, Any]]:
    """Steps of a base sum: the number of the terms, then how days and indexes changed it."""
    factor, said = growth(terms, base, first)
    sum_agreed, weighted = agreed(terms, base, first)
    grown = sum_agreed * factor
    before = value_on(base.amount, first)
    number = parameter(terms, base.clause, dated_on(base.amount, first), terms.file.money.currency)
    steps = [{"step": "base", "in": "0", "out": written(before), "parameter": number}]
    if weighted:
        steps.append({"step": "pro_rata", "in": written(before), "out": written(sum_agreed), **weighted})
    if factor != 1:
        steps.append({"step": "adjustment", "in": written(sum_agreed), "out": written(grown), **said})
    if (paid := line_rounded(terms, grown, first)) != grown:
        rounding = {"mode": terms.file.money.rounding.mode, "unit": terms.file.money.currency}
        steps.append({"step": "round", "in": written(grown), "out": written(paid), **rounding})
    return steps


def _decide(
    terms: Terms, in_procedure: Sequence[Line], acts: dict[str, Act], period: str
) -> tuple[list[Line], list[Line]]:
    """Lines of earlier periods that an act has decided, and those that stay in procedure."""
    decided: list[Line] = []
    pending: list[Line] = []
    for line in in_procedure:
        act = acts.get(line.id)
        if act is None:
            pending.append(line)
            continue
        is_charged, month = act.effect != "annulled", month_of(date.fromisoformat(act.date))
        fixed = fix_index(terms, line, {"act": month, "payment": period}) if is_charged else line
        amount = _decided_amount(terms, fixed, act)
        step = {"step": "decision" if act.effect == "reduced" else "act", "in": fixed.amount, "out": amount}
        decided.append(
            replace(
                fixed,
                block=Block.FIRM,
                amount=amount,
                firm_month=month,
                charge_month=period if is_charged else "",
                state=act.effect,
                trace=[*fixed.trace, {**step, "act": act.content()}],
            )
        )
    return decided, pending


def _decided_amount(terms: Terms, line: Line, act: Act) -> str:
    """What an act leaves of a line: never more than the line asks for, and rounded as lines are."""
    match act.effect:
        case "annulled":
            return "0"
        case "reduced":
            asked = abs(read(line.amount))
            left = min(line_rounded(terms, read(act.amount), date.fromisoformat(act.date)), asked)
            return written(-left)
        case _:
            return line.amount


def _is_sum(text: str) -> bool:
    """Whether a text is an amount above nought."""
    try:
        return read(text) > 0
    except (ValueError, ZeroDivisionError):
        return False


def _close(terms: Terms, net: Fraction, owed: Fraction, period: str) -> tuple[list[Line], Fraction]:
    """Take off what earlier months left over, round the total where the terms say, never pay less than nothing."""
    lines: list[Line] = []

    def add(kind: LineKind, name: str, amount: Fraction) -> None:
        if amount:
            place = (f"{period}/{name}", Block.SETTLEMENT, kind, Nature.PRICE, written(amount))
            lines.append(Line(*place, period, period, period, "due", says={"code": name}))

    add(LineKind.CARRY_OVER, "carry-over/from-before", -owed)
    carry_over = max(owed - net, Fraction(0))
    add(LineKind.CARRY_OVER, "carry-over/to-next", carry_over)
    rounding = terms.file.money.rounding
    if rounding.at == "total":
        total = net - owed + carry_over
        step = value_on(rounding.step, month_days(period)[0])
        add(LineKind.ROUNDING, "rounding/total", rounded(total, step, rounding.mode) - total)
    return lines, carry_over


def _content(line: Line) -> dict[str, Any]:
    # Its parts are plain already: `asdict` would copy each of them, which takes as long as all the steps.
    return {name: getattr(line, name) for name in line.__slots__}


def _total(lines: Iterable[Line], block: Block) -> Fraction:
    return sum((read(line.amount) for line in lines if line.block == block), Fraction(0))


def _body(
    terms: Terms,
    period: str,
    lines: Sequence[Line],
    checks: Checks,
    opening: dict[str, Any],
    closing: dict[str, Any],
) -> dict[str, Any]:
    totals, verdicts = {block: _total(lines, block) for block in Block}, checks.verdict.counts()
    base = sum((read(line.amount) for line in lines if line.kind == LineKind.BASE), Fraction(0))
    return {
        "schema": STATEMENT_SCHEMA,
        "contract": terms.id,
        "terms": {"version": terms.version, "sha256": terms.digest},
        "engine": ENGINE,
        "period": period,
        "currency": terms.file.money.currency,
        "amounts": terms.file.money.amounts,
        "blocks": {
            block.value: {
                "total": written(totals[block]),
                "lines": [_content(line) for line in lines if line.block == block],
            }
            for block in Block
        },
        "totals": {
            "base": written(base),
            "adjustments": written(totals[Block.SETTLEMENT] - base),
            "firm": written(totals[Block.FIRM]),
            "net": written(totals[Block.SETTLEMENT] + totals[Block.FIRM]),
            "in_procedure": written(totals[Block.IN_PROCEDURE]),
        },
        "determinations": {
            "count": len(checks),
            **{verdict.value: verdicts[verdict] for verdict in Verdict},
            "sha256": checks.sha256,
        },
        "opening_sha256": digest(opening),
        "closing_sha256": digest(closing),
    }
