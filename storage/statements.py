"""Statements and acts: issued once, never changed, each with its ledger entry."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

from rules.records import Act, canonical
from storage import ledger, sequence
from storage.errors import AlreadyThereError
from storage.sequence import ALL_KNOWN
from storage.sql import query


@dataclass(frozen=True, slots=True)
class Issued:
    """An issued statement, byte for byte as it was issued.

    Parameters
    ----------
    body : str
        Canonical JSON.
    closing, issue : dict
        Closing state; issue record.
    """

    body: str
    closing: dict[str, Any]
    issue: dict[str, Any]


def issue(
    connection: psycopg.Connection,
    period: str,
    statement: tuple[dict[str, Any], dict[str, Any]],
    record: dict[str, Any],
    now: datetime,
) -> Issued:
    """Issue a statement: store body, closing state and issue record, and enter it in the ledger.

    Parameters
    ----------
    period : str
    statement : tuple of dict
        Body and closing state.
    record : dict
        Issue record with what was known; ledger head, digest and time are added.
    now : datetime
        Aware.

    Raises
    ------
    AlreadyThereError
        When the period's statement is issued: it never changes.
    """
    body, closing = statement
    contract, text = str(body["contract"]), canonical(body)
    digest = hashlib.sha256(text.encode()).hexdigest()
    with connection.transaction():
        seq = sequence.take(connection, "statement", now)
        if read(connection, contract, period):
            raise AlreadyThereError(f"the statement of {contract} for {period} is issued and never changes")
        entry = {"period": period, "body_sha256": digest, "closing_sha256": body["closing_sha256"]}
        head = ledger.append(connection, contract, "statement", entry, seq, now)
        written = {
            **record,
            "body_sha256": digest,
            "issued": now.isoformat(),
            "ledger_head": asdict(head),
        }
        row = {"contract": contract, "period": period, "revision": 1, "body": text, "digest": digest}
        states = {"closing": canonical(closing), "issue": canonical(written), "seq": seq}
        connection.execute(query("statements", "insert"), {**row, **states})
    return Issued(text, closing, written)


def read(connection: psycopg.Connection, contract: str, period: str) -> Issued | None:
    """Read an issued statement, None where there is none."""
    parameters = {"contract": contract, "period": period}
    row = connection.execute(query("statements", "select"), parameters).fetchone()
    return None if row is None else Issued(row[1], json.loads(row[2]), json.loads(row[3]))


def issued_before(connection: psycopg.Connection, contract: str, period: str) -> dict[str, datetime]:
    """When each earlier month's statement was issued."""
    rows = connection.execute(query("statements", "select_before"), {"contract": contract, "period": period})
    return {month: datetime.fromisoformat(json.loads(record)["issued"]) for month, record in rows}


def last(connection: psycopg.Connection, contract: str) -> Issued | None:
    """Read a contract's last issued statement, None where there is none."""
    row = connection.execute(query("statements", "select_last"), {"contract": contract}).fetchone()
    return None if row is None else Issued(row[0], json.loads(row[1]), json.loads(row[2]))


def record_act(connection: psycopg.Connection, contract: str, act: Act, now: datetime) -> None:
    """Record an officer's act on a line, once.

    Raises
    ------
    AlreadyThereError
        When another act on the line is recorded.
    """
    body = canonical(act.content())
    with connection.transaction():
        seq = sequence.take(connection, "act", now)
        key = {"contract": contract, "line": act.line}
        stored = connection.execute(query("statements", "select_act"), key).fetchone()
        if stored:
            if stored[0] != body:
                before = json.loads(stored[0])
                raise AlreadyThereError(
                    f"act {before['number']} of {before['date']} on {act.line} is recorded and never changes"
                )
            return
        connection.execute(query("statements", "insert_act"), {**key, "body": body, "seq": seq})
        ledger.append(connection, contract, "act", act.content(), seq, now)


def acts(connection: psycopg.Connection, contract: str, known_through: int = ALL_KNOWN) -> list[Act]:
    """Read the acts recorded on a contract's lines."""
    parameters = {"contract": contract, "known_through": known_through}
    return [Act(**json.loads(body)) for (body,) in connection.execute(query("statements", "select_acts"), parameters)]
