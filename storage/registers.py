"""Registers: records of due process, reliefs, invoices and the like, appended and never changed.

What a record means is not known here. Each commit of records has one ledger entry with the digest of its rows. A
request with a key is made once: said again it changes nothing, and other words under the same key are refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from rules.records import canonical, digest
from storage import ledger, sequence
from storage.errors import AlreadyThereError
from storage.sequence import ALL_KNOWN
from storage.sql import query

# The digest of a UUID with room to spare; a key is a name, not a place to keep text in.
KEY_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Request:
    """A request under a key of the caller's.

    Parameters
    ----------
    key : str
        Empty where the caller gave none: then each call is a request of its own.
    said : mapping
        What was asked for, JSON without floats; no times of ours.
    """

    key: str
    said: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of what was asked for."""
        return digest(dict(self.said))


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a register, and the number under which it was committed."""

    subject: str
    body: dict[str, Any]
    seq: int


def answered(connection: psycopg.Connection, contract: str, request: Request) -> int | None:
    """Return the number under which a request was committed, None where it was not.

    Raises
    ------
    AlreadyThereError
        When something else was asked for under the key.
    """
    if not request.key:
        return None
    if len(request.key) > KEY_CHARACTERS_MAX:
        raise AlreadyThereError(
            f"request key of {len(request.key)} characters exceeds {KEY_CHARACTERS_MAX}; give a shorter one"
        )
    key = {"contract": contract, "key": request.key}
    row = connection.execute(query("registers", "select_request"), key).fetchone()
    if row is None:
        return None
    if row[0] != request.digest:
        raise AlreadyThereError(
            f"request key {request.key!r} was used for something else and never changes; give this request its own"
        )
    return int(row[1])


def append(
    connection: psycopg.Connection,
    place: tuple[str, str],
    records: Sequence[tuple[str, Mapping[str, Any]]],
    request: Request,
    now: datetime,
) -> int:
    """Append records to a register, all or none.

    Parameters
    ----------
    place : tuple of str
        Contract and register.
    records : sequence of (subject, body)
        Bodies are JSON without floats.
    request : Request
    now : datetime
        Aware.

    Returns
    -------
    int
        Number of the commit; of the one before, where the request was made already.

    Raises
    ------
    AlreadyThereError
        When something else was asked for under the request's key.
    """
    contract, register = place
    before: int | None = None
    with connection.transaction() as transaction:
        # Whoever takes the next number waits here, and then sees the request that was committed meanwhile.
        seq = sequence.take(connection, register, now)
        if (before := answered(connection, contract, request)) is not None:
            # The number goes back.
            raise psycopg.Rollback(transaction)
        subjects = sorted({subject for subject, _ in records})
        key = {"contract": contract, "register": register, "subjects": subjects}
        counts: dict[str, int] = dict(connection.execute(query("registers", "select_places"), key).fetchall())
        rows: list[tuple[str, int, str]] = []
        for subject, body in records:
            counts[subject] = counts.get(subject, 0) + 1
            rows.append((subject, counts[subject], canonical(dict(body))))
        columns = {
            "contract": contract,
            "register": register,
            "subject": [row[0] for row in rows],
            "place": [row[1] for row in rows],
            "body": [row[2] for row in rows],
            "seq": seq,
        }
        connection.execute(query("registers", "insert"), columns)
        entry: dict[str, Any] = {
            "register": register,
            "subjects": subjects,
            "count": len(rows),
            "rows_sha256": rows_digest(register, rows),
        }
        if request.key:
            said = {"contract": contract, "key": request.key, "digest": request.digest, "seq": seq}
            connection.execute(query("registers", "insert_request"), said)
            entry |= {"request_key": request.key, "request_sha256": request.digest}
        ledger.append(connection, contract, "record", entry, seq, now)
    return seq if before is None else before


def rows_digest(register: str, rows: Sequence[tuple[str, int, str]]) -> str:
    """Digest of the rows of a commit: register, subject, place, body."""
    return ledger.rows_digest([register, subject, str(place), body] for subject, place, body in rows)


def read(connection: psycopg.Connection, contract: str, register: str, known_through: int = ALL_KNOWN) -> list[Row]:
    """Read a register, as known; by subject, in the order of its records."""
    parameters = {"contract": contract, "register": register, "known_through": known_through}
    rows = connection.execute(query("registers", "select"), parameters)
    return [Row(subject, json.loads(body), seq) for subject, body, seq in rows]
