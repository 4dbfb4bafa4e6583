"""Determinations: appended when their inputs are new, never changed; what held when is kept beside."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg

from rules.records import Determination, canonical
from storage import ledger, sequence
from storage.errors import NotThereError
from storage.sequence import ALL_KNOWN
from storage.sql import query


class Stored(NamedTuple):
    """A determination as it is stored: what it judges, its id, its canonical JSON."""

    opportunity: str
    id: str
    body: str


def append(
    connection: psycopg.Connection,
    contract: str,
    days: tuple[date, date],
    found: Sequence[Determination],
    known_through: int,
    now: datetime,
) -> int:
    """Append what is new among the determinations of a span of days, with one ledger entry.

    Parameters
    ----------
    contract : str
    days : tuple of date
        Half open.
    found : sequence of Determination
    known_through : int
        Last number that was looked at.
    now : datetime
        Aware.

    Returns
    -------
    int
        How many opportunities have a new result.
    """
    with connection.transaction():
        seq = sequence.take(connection, "assessment", now)
        held = {one.opportunity: one.id for one in read(connection, contract, days)}
        new = [one for one in found if held.get(one.opportunity) != one.id]
        if new:
            bodies = [canonical(one.content()) for one in new]
            columns: dict[str, Any] = {
                "contract": contract,
                "seq": seq,
                "id": [one.id for one in new],
                "opportunity": [one.opportunity for one in new],
                "standard": [one.standard for one in new],
                "subject": [one.subject for one in new],
                "zone": [one.zone for one in new],
                "day": [date.fromisoformat(one.day) for one in new],
                "inputs_digest": [one.inputs_digest for one in new],
                "body": bodies,
            }
            connection.execute(query("determinations", "insert"), columns)
            connection.execute(query("determinations", "insert_assessed"), columns)
            entry = {
                "from": days[0].isoformat(),
                "until": days[1].isoformat(),
                "count": len(new),
                "known_through": known_through,
                "rows_sha256": ledger.rows_digest([one.id, body] for one, body in zip(new, bodies, strict=True)),
            }
            ledger.append(connection, contract, "assessment", entry, seq, now)
    return len(new)


def read(
    connection: psycopg.Connection, contract: str, days: tuple[date, date], known_through: int = ALL_KNOWN
) -> list[Determination]:
    """Read what holds for the opportunities of a span of days, as known; sorted by opportunity.

    Opportunities judged under several versions of the terms come once for each; the caller keeps the version it
    settles under.
    """
    return [Determination.read(one.body) for one in read_texts(connection, contract, days, known_through)]


def read_texts(
    connection: psycopg.Connection, contract: str, days: tuple[date, date], known_through: int = ALL_KNOWN
) -> list[Stored]:
    """Read the same as `read` does, as it is stored."""
    parameters = {"contract": contract, "first": days[0], "until": days[1], "known_through": known_through}
    return [Stored(*row) for row in connection.execute(query("determinations", "select_held"), parameters)]


def read_one(connection: psycopg.Connection, determination_id: str) -> Determination:
    """Read one determination.

    Raises
    ------
    NotThereError
        When there is none of that id.
    """
    row = connection.execute(query("determinations", "select_one"), {"id": determination_id}).fetchone()
    if row is None:
        raise NotThereError(f"determination {determination_id!r} is not stored")
    return Determination.read(row[0])
