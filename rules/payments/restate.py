"""Restatement: what became known after a month was issued, as lines of a later one that name what they restate.

An issued statement never changes. Each month still open to late data is settled again as it stands now and held
against what was stated of it so far; the difference of a price is paid or deducted now, a fine in procedure goes on
with its new amount, a charged fine that turns out too high is given back. What an act has decided is never raised:
that would be a new fine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any

from rules.calendar import month_days, previous_month
from rules.contract import Step, Terms
from rules.errors import CalculationError
from rules.payments.carry import Carried, carry_over
from rules.payments.checks import Checks
from rules.payments.fold import Folded, Known, fold
from rules.payments.lines import Block, Line, LineKind, line_rounded
from rules.payments.money import read, written
from rules.records import Determination

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An issued month, as it is known now.

    Parameters
    ----------
    terms : Terms
        The version that held in it.
    determinations : Checks or sequence of Determination
        One for each of its opportunities.
    """

    terms: Terms
    determinations: Checks | Sequence[Determination]

    @property
    def checks(self) -> Checks:
        """The determinations as columns."""
        return Checks.of(self.determinations)


@dataclass(slots=True)
class Restated:
    """What restating leaves.

    Parameters
    ----------
    lines : list of Line
        Of this month, in any block.
    in_procedure : list of Line
        Lines of earlier months, with their amounts as of now.
    stated : dict
        Month to line to what has been stated of it, see `stated_of`.
    carried : dict
        Month to what its caps carry over into the next, as it is known now; see `carry_over`.
    history : dict
        What is remembered of the months, as it is known now.
    """

    lines: list[Line] = field(default_factory=list[Line])
    in_procedure: list[Line] = field(default_factory=list[Line])
    stated: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    carried: dict[str, Carried] = field(default_factory=dict[str, Carried])
    history: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict[str, dict[str, dict[str, str]]])


def stated_of(lines: Sequence[Line]) -> dict[str, Any]:
    """What a month states of its deductions: line to amount, status, and the line under which it is in procedure.

    Parameters
    ----------
    lines : sequence of Line
        Those that cost nothing are left out.
    """
    return {line.id: _entry(line, amount, line.id) for line in lines if (amount := read(line.amount))}


def restate(
    opening: Mapping[str, Any], earlier: Mapping[str, Earlier], period: str, known: Known | None = None
) -> Restated:
    """Settle earlier months again and find what differs from what was stated of them.

    Parameters
    ----------
    opening : mapping
        Opening state of this month.
    earlier : mapping of str to Earlier
        Months still open to late data.
    period : str
        This month, whose lines restate.
    known : Known, optional
        What officers decided for any month.

    Raises
    ------
    CalculationError
        When a month was never stated, a determination is of another month or other terms, or what a cap carried over
        differs for a month that is not open any more.
    """
    # A state in which no cap carried anything over does not say so.
    carried = dict(opening.get("cap_carry", {}))
    in_procedure = [line_from(said) for said in opening["in_procedure"]]
    restated = Restated(in_procedure=in_procedure, carried=carried, history=dict(opening.get("history", {})))
    for month in sorted(earlier):
        if month not in opening["stated"]:
            raise CalculationError(f"{month} is not open to restatement in {period}")
        again, checks = earlier[month], earlier[month].checks
        checks.refuse_foreign(again.terms, month)
        before = opening["stated"][month]
        folded = fold(again.terms, checks, month, known, restated.history)
        # What was retained of the month stands as it was stated.
        restated.history[month] = {**restated.history.get(month, {}), **folded.history}
        restated.stated[month] = _restate_month(before, again, (month, period), (folded, restated))
    _check_carried(opening.get("cap_carry", {}), restated, earlier, period)
    needed = {period, *earlier}
    # The first month to restate next time opens with what the month before it carried over.
    restated.carried = {
        month: rows
        for month, rows in restated.carried.items()
        if rows and any(previous_month(one) == month for one in needed)
    }
    return restated


def _check_carried(
    before: Mapping[str, Carried], restated: Restated, earlier: Mapping[str, Earlier], period: str
) -> None:
    """Refuse to leave a month as it is whose opening is no more what it was settled with."""
    for month in earlier:
        is_same = before.get(month, {}) == restated.carried.get(month, {})
        if not is_same and not any(previous_month(one) == month for one in (*earlier, period)):
            raise CalculationError(
                f"caps of {month} carry over otherwise than stated; restate the month after it too"
            )


def decide(stated: dict[str, dict[str, Any]], decided: Sequence[Line]) -> None:
    """Note which lines an act has decided, and what is charged, so that later data do not open them again.

    Parameters
    ----------
    stated : dict
        Changed in place; see `Restated`.
    decided : sequence of Line
        Of block B.
    """
    by_line = {line.id: line for line in decided}
    for entries in stated.values():
        for entry in entries.values():
            if (line := by_line.get(entry["line"])) is None:
                continue
            entry["status"] = line.state
            # What was asked for when it was decided, by the index that then held, and what was charged of it.
            asked = read(line.trace[-1]["in"])
            if line.state != "annulled" and (asked, read(line.amount)) != (read(entry["amount"]),) * 2:
                entry |= {"asked": written(asked), "charged": line.amount}


def line_from(said: Mapping[str, Any]) -> Line:
    """Read a line out of a state.

    Raises
    ------
    CalculationError
        When it is none.
    """
    try:
        return Line(**said)
    except TypeError as error:
        raise CalculationError(f"opening state holds no line of a statement: {error}") from error


def _restate_month(
    before: Mapping[str, Any], again: Earlier, months: tuple[str, str], known: tuple[Folded, Restated]
) -> dict[str, Any]:
    folded, restated = known
    opening = restated.carried.get(previous_month(months[0]), {})
    carried, restated.carried[months[0]] = carry_over(again.terms, folded.charges, opening, months[0])
    found = [*folded.lines, *carried]
    now = {line.id: line for line in found}
    entries: dict[str, Any] = {}
    for name in sorted(before.keys() | now.keys()):
        entry = before.get(name) or {"status": "", "amount": "0", "line": name}
        after = _restate_line(name, entry, now.get(name), _Month(again, months[1], restated))
        if after:
            entries[name] = after
    return entries


@dataclass(frozen=True, slots=True)
class _Month:
    again: Earlier
    period: str
    restated: Restated


def _restate_line(name: str, entry: Mapping[str, Any], line: Line | None, month: _Month) -> dict[str, Any] | None:
    """Restate one line; returns what is stated of it from now on, None where nothing is."""
    stated = read(entry["amount"])
    after = read(line.amount) if line else _NOTHING
    is_open = line is not None and line.block == Block.IN_PROCEDURE
    match entry["status"]:
        case "annulled":
            return dict(entry)
        case "firm" | "reduced":
            return _restate_charged(name, entry, line, month, after)
        case "open":
            kept = after if is_open else _NOTHING
            _change_pending(entry, line, month, (stated, kept), name)
            if is_open or line is None:
                return {**entry, "amount": written(kept)} if kept else None
            stated = _NOTHING
        case _:
            pass
    settled = _NOTHING if is_open else after
    if settled != stated:
        _add(name, line, month, (stated, settled), Block.SETTLEMENT, entry)
    if line is not None and is_open and after:
        new = _add(name, line, month, (_NOTHING, after), Block.IN_PROCEDURE, entry)
        return _entry(line, after, new)
    return _entry(line, settled, name) if line is not None and settled else None


def _restate_charged(
    name: str, entry: Mapping[str, Any], line: Line | None, month: _Month, after: Fraction
) -> dict[str, Any] | None:
    """Give back of a charged line what goes beyond what it should have asked for; never charge more of it."""
    stated = read(entry["amount"])
    asked, charged = (read(entry.get(key, entry["amount"])) for key in ("asked", "charged"))
    # What is known now is priced by the index as it was known when the line was stated.
    due = after
    if asked != stated:
        due = line_rounded(month.again.terms, after * asked / stated, month_days(month.period)[0])
    if due <= charged:
        return dict(entry)
    _add(name, line, month, (charged, due), Block.FIRM, entry)
    kept = {key: value for key, value in entry.items() if key not in {"asked", "charged"}}
    if not after:
        return None
    return {**kept, "amount": written(after)} | (
        {} if due == after else {"asked": written(due), "charged": written(due)}
    )


def _add(
    name: str,
    line: Line | None,
    month: _Month,
    amounts: tuple[Fraction, Fraction],
    block: Block,
    entry: Mapping[str, Any],
) -> str:
    """Add a line that states the difference; returns its id."""
    before, after = amounts
    is_open = block == Block.IN_PROCEDURE
    charged = "" if is_open else month.period
    base = line or _vanished(name, entry, month)
    new = replace(
        base,
        id=f"{month.period}/restatement/{name}" + ("/held" if is_open and base.state == "held" else ""),
        block=block,
        kind=LineKind.RESTATEMENT,
        amount=written(after - before),
        firm_month=charged,
        charge_month=charged,
        state=base.state if is_open else "due",
        says=_says(name, base, amounts),
        trace=[*base.trace, _step(name, amounts)],
    )
    month.restated.lines.append(new)
    return new.id


def _change_pending(
    entry: Mapping[str, Any], line: Line | None, month: _Month, amounts: tuple[Fraction, Fraction], name: str
) -> None:
    """Let a line in procedure go on with its new amount; with nought it is withdrawn."""
    before, after = amounts
    if before == after:
        return
    for place, pending in enumerate(month.restated.in_procedure):
        if pending.id == entry["line"]:
            base = line or _vanished(name, asdict(pending), month)
            excused = [step for step in base.trace if step["step"] == Step.RELIEF and step not in pending.trace]
            month.restated.in_procedure[place] = replace(
                pending,
                kind=LineKind.RESTATEMENT,
                amount=written(after),
                state=pending.state if after else "withdrawn",
                determinations=base.determinations,
                says=_says(name, pending, amounts),
                trace=[*pending.trace, *excused, _step(name, amounts)],
            )


def _vanished(name: str, entry: Mapping[str, Any], month: _Month) -> Line:
    """Make a line of what costs nothing any more, with the determination that now says so."""
    day = name.split("/")[3]
    # What a cap carried over rests on no determination of the month, and has no subject.
    found = month.again.checks.ids_at(entry["standard"], entry["subject"], day)
    place = {key: entry[key] for key in ("nature", "standard", "subject", "zone", "fact_month")}
    says = {"clause": entry["says"]["clause"]}
    return Line(
        id=name,
        block=Block.SETTLEMENT,
        kind=LineKind.DEDUCTION,
        amount="0",
        firm_month="",
        charge_month="",
        state="due",
        determinations=found,
        says=says,
        **place,
    )


def _entry(line: Line, amount: Fraction, line_id: str) -> dict[str, Any]:
    return {
        "amount": written(amount),
        "status": "open" if line.block == Block.IN_PROCEDURE else "settled",
        "line": line_id,
        "nature": line.nature,
        "standard": line.standard,
        "subject": line.subject,
        "zone": line.zone,
        "fact_month": line.fact_month,
        "says": {"clause": line.says["clause"]},
    }


def _says(name: str, line: Line, amounts: tuple[Fraction, Fraction]) -> dict[str, Any]:
    before, after = amounts
    return {
        "code": LineKind.RESTATEMENT.value,
        "restates": name,
        "before": written(before),
        "after": written(after),
        "clause": line.says["clause"],
    }


def _step(name: str, amounts: tuple[Fraction, Fraction]) -> dict[str, Any]:
    return {"step": "restatement", "in": written(amounts[0]), "out": written(amounts[1]), "restates": name}
