"""The ledger: append-only, one hash chain per contract.

An entry's hash is the SHA-256, in hex, of the hash before it, its number, its kind and its body, one a line. The
first entry follows an empty hash. A cut tail cannot be seen from within: so every issue record carries the head.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from rules.records import canonical
from storage.errors import LedgerError
from storage.sql import query


@dataclass(frozen=True, slots=True)
class Head:
    """Last entry of a contract's chain; entry 0 and an empty hash before the first."""

    entry: int
    hash: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands in the chain; the body is canonical JSON."""

    entry: int
    kind: str
    body: str
    previous_hash: str
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """What the body says."""
        said: dict[str, Any] = json.loads(self.body)
        return said


def append(
    connection: psycopg.Connection, contract: str, kind: str, content: dict[str, Any], seq: int, now: datetime
) -> Head:
    """Append an entry inside the caller's transaction.

    Parameters
    ----------
    contract, kind : str
    content : dict
        JSON without floats; the sequence number and the time are added.
    seq : int
        Number of the commit.
    now : datetime
        Aware.
    """
    connection.execute(query("ledger", "lock"), {"contract": contract})
    last = head(connection, contract)
    body = canonical({**content, "seq": seq, "recorded": now.isoformat()})
    entry = last.entry + 1
    row = {
        "contract": contract,
        "entry": entry,
        "kind": kind,
        "body": body,
        "previous_hash": last.hash,
        "hash": entry_hash(last.hash, entry, kind, body),
        "seq": seq,
    }
    connection.execute(query("ledger", "insert"), row)
    return Head(entry, str(row["hash"]))


def head(connection: psycopg.Connection, contract: str) -> Head:
    """Return the last entry of a contract's chain."""
    row = connection.execute(query("ledger", "select_head"), {"contract": contract}).fetchone()
    return Head(row[0], row[1]) if row else Head(0, "")


def entries(connection: psycopg.Connection, contract: str, last: int) -> list[Entry]:
    """Read a contract's chain up to an entry."""
    rows = connection.execute(query("ledger", "select_chain"), {"contract": contract})
    return [Entry(*row) for row in rows if row[0] <= last]


def check(connection: psycopg.Connection, contract: str) -> Head:
    """Check the whole chain, here and in SQL, and return its head.

    Raises
    ------
    LedgerError
        With the first entry that does not hold.
    """
    before = Head(0, "")
    for entry, kind, body, previous_hash, stored in connection.execute(
        query("ledger", "select_chain"), {"contract": contract}
    ):
        expected = entry_hash(before.hash, entry, kind, body)
        if (entry, previous_hash, stored) != (before.entry + 1, before.hash, expected):
            raise LedgerError(f"the ledger of {contract} does not hold from entry {before.entry + 1} on")
        before = Head(entry, stored)
    broken = connection.execute(query("ledger", "first_broken"), {"contract": contract}).fetchone()
    if broken:
        raise LedgerError(f"the ledger of {contract} does not hold at entry {broken[0]}, by the database's own check")
    return before


def entry_hash(previous_hash: str, entry: int, kind: str, body: str) -> str:
    """Hash an entry with the one before it."""
    return hashlib.sha256(f"{previous_hash}\n{entry}\n{kind}\n{body}".encode()).hexdigest()


def rows_digest(rows: Iterable[Sequence[str]]) -> str:
    """SHA-256 of sorted rows, as canonical JSON."""
    return hashlib.sha256(canonical(sorted(list(row) for row in rows)).encode()).hexdigest()
