"""Closing a month: what it knows of stays as it is until it is issued, or opened again with a reason."""

from datetime import datetime

from app.errors import RefusedError
from app.jobs.contracts import load_stored
from rules.calendar import month_days
from rules.process import registers as rules
from rules.process.registers import Taken
from storage import contracts, registers, statements
from storage.connection import Connection
from storage.registers import Request

_REGISTER = "period"


def steps(connection: Connection, contract: str) -> list[Taken]:
    """Read when which month was closed and opened again."""
    return [rules.step_from(row.body, row.seq) for row in registers.read(connection, contract, _REGISTER)]


def closed_through(connection: Connection, contract: str, period: str) -> int | None:
    """Last number that a closed month knows of; None while it is open."""
    return rules.closed_through(steps(connection, contract), period)


def close(connection: Connection, contract: str, said: Taken, request: Request, now: datetime) -> tuple[int, bool]:
    """Close a month: its statement looks at nothing that is committed later.

    Parameters
    ----------
    contract : str
    said : Taken
        Step `close` of the month.
    request : Request
    now : datetime
        Aware.

    Returns
    -------
    tuple of (int, bool)
        Last number that the month knows of, and whether this call closed it: a month that is closed stays so, whoever
        asks again.

    Raises
    ------
    RefusedError
        When the month is issued, or the permissions do not allow it.
    """
    with contracts.alone(connection, contract):
        if (before := closed_through(connection, contract, said.subject)) is not None:
            return before, False
        return _take(connection, contract, said, request, now), True


def reopen(connection: Connection, contract: str, said: Taken, request: Request, now: datetime) -> int:
    """Open a closed month again, with a reason.

    Parameters
    ----------
    contract : str
    said : Taken
        Step `reopen` of the month.
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
        When the month is not closed or is issued, or the permissions do not allow it.
    """
    with contracts.alone(connection, contract):
        if (before := registers.answered(connection, contract, request)) is not None:
            return before
        return _take(connection, contract, said, request, now)


def _take(connection: Connection, contract: str, said: Taken, request: Request, now: datetime) -> int:
    month = said.subject
    if statements.read(connection, contract, month) is not None:
        raise RefusedError(f"the statement of {contract} for {month} is issued and never changes")
    process = load_stored(connection, contract, month_days(month)[0]).terms.file.process
    if process is None:
        raise RefusedError(f"the terms of {contract} have no table process, so nobody may close a month; add one")
    if why := rules.why_not(_REGISTER, process, steps(connection, contract), said):
        raise RefusedError(f"{said.step} of {month} is refused: {' '.join(why)}")
    body = rules.record_of(said)
    return registers.append(connection, (contract, _REGISTER), [(month, body)], request, now)
