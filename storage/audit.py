"""Audit: what is stored against what the ledger says was stored.

The chain shows that no entry was changed; this shows that no statement, act or determination was changed behind it.
"""

import hashlib
import json
from typing import Any

import psycopg

from rules.records import canonical
from storage.errors import LedgerError
from storage.ledger import rows_digest
from storage.sql import query


def check(connection: psycopg.Connection, contract: str) -> None:
    """Compare every statement, act and assessment with its ledger entry.

    Raises
    ------
    LedgerError
        With the first that differs.
    """
    for kind, body, seq in connection.execute(query("ledger", "select_entries"), {"contract": contract}).fetchall():
        entry: dict[str, Any] = json.loads(body)
        key = {"contract": contract, "seq": seq}
        match kind:
            case "statement":
                stored = _hashes(connection, "select_statements_of", key)
                _same(contract, f"statement of {entry['period']}", [entry["body_sha256"]], stored)
            case "act":
                said = {name: value for name, value in entry.items() if name not in ("seq", "recorded")}
                expected = [hashlib.sha256(canonical(said).encode()).hexdigest()]
                _same(contract, f"act on {entry['line']}", expected, _hashes(connection, "select_acts_of", key))
            case "assessment":
                rows = connection.execute(query("ledger", "select_determinations_of"), key).fetchall()
                span = f"determinations of {entry['from']} to {entry['until']}"
                _same(contract, span, [entry["rows_sha256"]], [rows_digest(rows)])
            case other:
                raise LedgerError(f"the ledger of {contract} holds an entry of unknown kind {other!r}")


def _hashes(connection: psycopg.Connection, name: str, key: dict[str, Any]) -> list[str]:
    rows = connection.execute(query("ledger", name), key)
    return [hashlib.sha256(body.encode()).hexdigest() for (body,) in rows]


def _same(contract: str, what: str, expected: list[str], stored: list[str]) -> None:
    if expected != stored:
        raise LedgerError(f"the {what} of {contract} is not what its ledger entry says it was")
