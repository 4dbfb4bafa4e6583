"""Registers beside the statement: invoices, guarantees, the payment checklist, periods. One design for all.

A register holds subjects (an invoice by its folio, a guarantee by its number); each goes through steps, which say
what they must. What a register declares is a table of steps; what follows from the steps is computed, never stored.
None of them changes a figure of a statement.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from rules.process.clocks import Days, Deadline, deadline
from rules.process.interest import interest
from rules.process.permits import Permits
from rules.process.records import is_digest
from rules.process.terms import ClockName, Permission, Process


class Shape(StrEnum):
    """What a field of a step holds."""

    TEXT = "text"
    AMOUNT = "amount"
    DAY = "day"
    MONTH = "month"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a subject can go through.

    Parameters
    ----------
    name : str
    after : tuple of str
        Steps of which the last one must be one; the empty text is the beginning.
    fields : mapping of str to Shape
        What it must say.
    permission : Permission or None
        None where it is not the city's act.
    """

    name: str
    after: tuple[str, ...]
    fields: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    permission: Permission | None = None


_INVOICE = (
    Step("issue", ("",), {"amount": Shape.AMOUNT, "month": Shape.MONTH, "document": Shape.DIGEST}),
    Step("receive", ("issue",)),
    Step("reject", ("receive",), {"reason": Shape.TEXT}, Permission.APPROVE_PAYMENT),
    Step("accept", ("receive", "assign"), {}, Permission.APPROVE_PAYMENT),
    Step("assign", ("receive", "accept"), {"to": Shape.TEXT, "document": Shape.DIGEST}),
    Step("pay", ("receive", "accept", "assign"), {"amount": Shape.AMOUNT}, Permission.APPROVE_PAYMENT),
)
_GUARANTEE = (
    Step(
        "lodge",
        ("",),
        {
            "kind": Shape.TEXT,
            "issuer": Shape.TEXT,
            "amount": Shape.AMOUNT,
            "currency": Shape.TEXT,
            "expires": Shape.DAY,
            "custodian": Shape.TEXT,
        },
    ),
    Step(
        "draw",
        ("lodge", "draw", "replenish", "extend"),
        {"amount": Shape.AMOUNT, "reason": Shape.TEXT, "number": Shape.TEXT, "document": Shape.DIGEST},
        Permission.DECIDE,
    ),
    Step("replenish", ("lodge", "draw", "replenish", "extend"), {"amount": Shape.AMOUNT}),
    Step("extend", ("lodge", "draw", "replenish", "extend"), {"expires": Shape.DAY}),
    Step("release", ("lodge", "draw", "replenish", "extend"), {"number": Shape.TEXT}, Permission.DECIDE),
)
_CHECKLIST = (
    Step("receive", ("", "receive", "approve"), {"valid_until": Shape.DAY, "document": Shape.DIGEST}),
    Step("approve", ("receive",), {}, Permission.APPROVE_PAYMENT),
)
_PERIOD = (
    Step("close", ("", "reopen"), {}, Permission.ATTEST),
    Step("reopen", ("close",), {"reason": Shape.TEXT}, Permission.ATTEST),
)
REGISTERS: dict[str, tuple[Step, ...]] = {
    "invoice": _INVOICE,
    "guarantee": _GUARANTEE,
    "checklist": _CHECKLIST,
    "period": _PERIOD,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken.

    Parameters
    ----------
    subject, step : str
    at_us : int
        [us since 1970, UTC]
    person, role : str
        Who took it, and in which office; no office for who is none of the city's.
    says : mapping of str to str
        The fields of the step.
    seq : int
        Number under which it was committed.
    """

    subject: str
    step: str
    at_us: int
    person: str
    role: str = ""
    says: Mapping[str, str] = field(default_factory=dict[str, str])
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A subject of a register, and where it stands.

    Parameters
    ----------
    subject : str
    state : str
        Its last step, or what time has made of it: `accepted_by_silence`, `expired`.
    says : mapping of str to str
        The newest of each field.
    deadlines : tuple of Deadline
    left : Fraction or None
        What a guarantee still holds; None elsewhere. [its currency]
    blocks_set_off : bool
        Whether an invoice belongs to somebody else, so that no fine may be set off against it.
    interest : Fraction or None
        On an invoice that is, or was, paid late; None elsewhere, and where the terms know none. [currency]
    """

    subject: str
    state: str
    says: Mapping[str, str]
    deadlines: tuple[Deadline, ...] = ()
    left: Fraction | None = None
    blocks_set_off: bool = False
    interest: Fraction | None = None


def why_not(
    register: str, process: Process, before: Iterable[Taken], step: Taken, days: Days | None = None
) -> tuple[str, ...]:
    """Say why a step cannot be taken; empty where it can.

    Parameters
    ----------
    register : str
    process : Process
    before : iterable of Taken
        Steps of the register before it.
    step : Taken
    days : Days, optional
        Which days count, for steps that a time limit ends.

    Returns
    -------
    tuple of str
        A code (`step_unknown`, `not_now`, `lacking`, `malformed`, `too_late`, `exceeds`, `item_unknown`, or what the
        permissions say), then what it is about.
    """
    declared = {one.name: one for one in REGISTERS[register]}.get(step.step)
    if declared is None:
        return "step_unknown", *(one.name for one in REGISTERS[register])
    mine = _in_order(one for one in before if one.subject == step.subject)
    last = mine[-1].step if mine else ""
    if last not in declared.after:
        return "not_now", last, *declared.after
    missing = [name for name in declared.fields if not step.says.get(name, "").strip()]
    if missing or not step.person.strip():
        return "lacking", *(missing or ["person"])
    unknown = sorted(step.says.keys() - declared.fields.keys())
    wrong = [name for name, shape in declared.fields.items() if not _is_shaped(step.says[name], shape)]
    if unknown or wrong:
        return "malformed", *(unknown or wrong)
    if declared.permission and (why := Permits(process).why_not(step.person, step.role, declared.permission)):
        return (why,)
    return _beyond(register, process, (mine, step), days)


def _beyond(register: str, process: Process, steps: tuple[list[Taken], Taken], days: Days | None) -> tuple[str, ...]:
    """What the declaration of steps cannot say: items of the terms, time limits, sums."""
    mine, step = steps
    item = step.subject.partition("/")[2]
    if register == "checklist" and item not in {one.id for one in process.checklist}:
        return "item_unknown", *(one.id for one in process.checklist)
    if register == "invoice" and step.step == "reject" and days is not None:
        limit = next((one for one in _limits(process, days, mine) if one.clock == ClockName.INVOICE_ANSWER), None)
        if limit and step.at_us >= limit.until_us:
            # From then on the invoice is accepted, and may belong to somebody who never saw the service.
            return "too_late", limit.last_day
    if step.step == "draw" and Fraction(step.says["amount"]) > _left(mine):
        return "exceeds", str(_left(mine))
    return ()


def entries(register: str, process: Process, days: Days, steps: Iterable[Taken], as_of_us: int) -> list[Entry]:
    """Where each subject of a register stands; sorted by subject.

    Parameters
    ----------
    register : str
    process : Process
    days : Days
    steps : iterable of Taken
        In any order; those after `as_of_us` are left out.
    as_of_us : int
        [us since 1970, UTC]
    """
    by_subject: dict[str, list[Taken]] = {}
    for one in _in_order(one for one in steps if one.at_us <= as_of_us):
        by_subject.setdefault(one.subject, []).append(one)
    return [_entry(register, process, days, mine, as_of_us) for _, mine in sorted(by_subject.items())]


def _entry(register: str, process: Process, days: Days, mine: list[Taken], as_of_us: int) -> Entry:
    says: dict[str, str] = {}
    for one in mine:
        says |= one.says
    state, limits, left = mine[-1].step, (), None
    names = {one.step for one in mine}
    if register == "invoice":
        limits = _limits(process, days, mine)
        is_answered = bool(names & {"accept", "reject", "pay"})
        answer = next((one for one in limits if one.clock == ClockName.INVOICE_ANSWER), None)
        if answer and not is_answered and as_of_us >= answer.until_us:
            state = "accepted_by_silence"
    if register == "guarantee":
        left = _left(mine)
    today = days.day_of(as_of_us).isoformat()
    if (register == "guarantee" and says["expires"] < today and state != "release") or (
        register == "checklist" and says["valid_until"] < today
    ):
        state = "expired"
    owed = _interest(process, days, mine, limits, as_of_us) if register == "invoice" else None
    return Entry(mine[0].subject, state, says, limits, left, "assign" in names, owed)


def _interest(
    process: Process, days: Days, mine: list[Taken], limits: tuple[Deadline, ...], as_of_us: int
) -> Fraction | None:
    """Interest until the invoice was paid, or until the day asked about; none on one that was rejected."""
    limit = next((one for one in limits if one.clock == ClockName.INVOICE_PAYMENT), None)
    by_step = {one.step: one for one in mine}
    if process.late_interest is None or limit is None or "reject" in by_step:
        return None
    until_us = by_step["pay"].at_us if "pay" in by_step else as_of_us
    amount = Fraction(by_step["issue"].says["amount"])
    owed = interest(process.late_interest, amount, date.fromisoformat(limit.last_day), days.day_of(until_us))
    return owed or None


def missing_items(process: Process, month: str, found: Iterable[Entry]) -> list[str]:
    """Papers of the checklist that are not approved for a month: while there is one, nothing of it is paid.

    Parameters
    ----------
    process : Process
    month : str
        For example `2026-09`.
    found : iterable of Entry
        Of the checklist.
    """
    approved = {one.subject for one in found if one.state == "approve"}
    return [one.id for one in process.checklist if f"{month}/{one.id}" not in approved]


def closed_through(steps: Iterable[Taken], month: str) -> int | None:
    """Last number that a closed month knows of; None while it is open.

    Parameters
    ----------
    steps : iterable of Taken
        Of the register of periods.
    month : str
    """
    mine = sorted((one for one in steps if one.subject == month), key=lambda one: one.seq)
    return mine[-1].seq if mine and mine[-1].step == "close" else None


def _in_order(steps: Iterable[Taken]) -> list[Taken]:
    """Steps as they were taken; what one instant holds, as it was committed."""
    return sorted(steps, key=lambda one: (one.at_us, one.seq))


def _limits(process: Process, days: Days, mine: list[Taken]) -> tuple[Deadline, ...]:
    received = next((one for one in mine if one.step == "receive"), None)
    if received is None:
        return ()
    names = (ClockName.INVOICE_ANSWER, ClockName.INVOICE_PAYMENT)
    clocks = [(name, clock) for name in names if (clock := process.clocks.named(name))]
    return tuple(deadline(days, name, clock, received.at_us) for name, clock in clocks)


def _left(mine: Iterable[Taken]) -> Fraction:
    signs = {"lodge": 1, "replenish": 1, "draw": -1}
    return sum((signs[one.step] * Fraction(one.says["amount"]) for one in mine if one.step in signs), Fraction(0))


def _is_shaped(text: str, shape: Shape) -> bool:
    match shape:
        case Shape.TEXT:
            return True
        case Shape.AMOUNT:
            return _is_amount(text)
        case Shape.DAY:
            return _is_day(text)
        case Shape.MONTH:
            return _is_day(f"{text}-01")
        case Shape.DIGEST:
            return is_digest(text)


def _is_amount(text: str) -> bool:
    whole, dot, rest = text.partition(".")
    parts = (whole, rest) if dot else (whole,)
    return all(one.isascii() and one.isdecimal() for one in parts) and Fraction(text) > 0


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def record_of(step: Taken) -> dict[str, Any]:
    """What is stored of a step."""
    return {
        "subject": step.subject,
        "step": step.step,
        "at_us": step.at_us,
        "person": step.person,
        "role": step.role,
        "says": dict(step.says),
    }


def step_from(body: Mapping[str, Any], seq: int) -> Taken:
    """Read a step out of what was stored.

    Parameters
    ----------
    body : mapping
        As `record_of` wrote it.
    seq : int
        Number under which it was committed.
    """
    return Taken(body["subject"], body["step"], body["at_us"], body["person"], body["role"], dict(body["says"]), seq)
