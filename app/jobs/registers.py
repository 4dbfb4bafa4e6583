"""Registers of invoices, guarantees and the payment checklist: steps stored, and where each subject stands."""

from datetime import datetime

from app.errors import RefusedError
from app.jobs.contracts import load_stored, newest_day
from rules.process import registers as rules
from rules.process.clocks import Days, days_of
from rules.process.registers import Entry, Taken
from rules.process.terms import Process
from storage import contracts, registers
from storage.connection import Connection
from storage.instants import instant, microseconds
from storage.registers import Request


def take(connection: Connection, place: tuple[str, str], step: Taken, request: Request, now: datetime) -> int:
    """Record a step of a register's subject.

    Parameters
    ----------
    place : tuple of str
        Contract and register.
    step : Taken
    request : Request
    now : datetime
        Aware.

    Returns
    -------
    int
        Number of the commit.

    Raises
    ------
    RefusedError
        When the step cannot be taken.
    """
    contract, register = place
    with contracts.alone(connection, contract):
        if (before := registers.answered(connection, contract, request)) is not None:
            return before
        process, days = process_of(connection, contract)
        if step.at_us > microseconds(now):
            raise RefusedError(
                f"{step.step} of {step.subject} is dated {instant(step.at_us):%Y-%m-%d %H:%M} UTC, which is to come"
            )
        if why := rules.why_not(register, process, steps(connection, contract, register), step, days):
            raise RefusedError(_told(register, step, why))
        body = rules.record_of(step)
        return registers.append(connection, place, [(step.subject, body)], request, now)


def steps(connection: Connection, contract: str, register: str) -> list[Taken]:
    """Read the steps of a register."""
    return [rules.step_from(row.body, row.seq) for row in registers.read(connection, contract, register)]


def entries(connection: Connection, contract: str, register: str, now: datetime) -> list[Entry]:
    """Find where each subject of a register stands."""
    process, days = process_of(connection, contract)
    found = steps(connection, contract, register)
    return rules.entries(register, process, days, found, microseconds(now))


def missing(connection: Connection, contract: str, month: str, now: datetime) -> list[str]:
    """Papers of the checklist that are not approved for a month."""
    process, _ = process_of(connection, contract)
    return rules.missing_items(process, month, entries(connection, contract, "checklist", now))


def process_of(connection: Connection, contract: str) -> tuple[Process, Days]:
    """Due process of a contract's newest terms, and which days count.

    Raises
    ------
    RefusedError
        When the terms have none.
    """
    terms = load_stored(connection, contract, newest_day(connection, contract)).terms
    process = terms.file.process
    if process is None:
        raise RefusedError(f"the terms of {contract} have no table process, so no clocks and roles; add one")
    return process, days_of(terms.zone, process.day_kind, terms.holidays)


def _told(register: str, step: Taken, why: tuple[str, ...]) -> str:
    code, *what = why
    listed = ", ".join(what) or "none"
    told = {
        "step_unknown": f"is no step of the register; it has {listed}",
        "not_now": f"cannot follow {what[0] or 'nothing'!r}; it follows {', '.join(what[1:]) or 'nothing'}"
        if what
        else "",
        "lacking": f"lacks {listed}",
        "malformed": f"says what the register cannot read: {listed}",
        "too_late": f"comes after the time limit, which ended with {listed}: the invoice is accepted",
        "exceeds": f"takes more than the {listed} that are left",
        "item_unknown": f"is no month and paper of the checklist, such as 2026-09/{what[0] if what else 'paper'}",
        "role_unknown": f"is made in role {step.role!r}, which the terms do not have",
        "role_lacks_permission": f"is made in role {step.role!r}, which may not do this",
    }
    return f"{step.step} of {register} {step.subject} {told[code]}"
