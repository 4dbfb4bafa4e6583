"""Audit: what is stored against what the ledger says was stored.

The chain shows that no entry was changed; this shows that no statement, act, record or determination was changed
behind it, and that no entry was cut off its end: what is kept has its entry, and the heads of the issue records are
in the chain.
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
    """Compare every statement, act, record and assessment with its ledger entry, and look for entries cut off.

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
            case "record":
                rows = connection.execute(query("ledger", "select_records_of"), key).fetchall()
                stored = [rows_digest([str(value) for value in row] for row in rows)]
                _same(contract, f"{entry['register']} records", [entry["rows_sha256"]], stored)
            case other:
                raise LedgerError(f"the ledger of {contract} holds an entry of unknown kind {other!r}")

    _check_heads(connection, contract)


def _check_heads(connection: psycopg.Connection, contract: str) -> None:
    """Hold the heads in the issue records, and what is kept, against the chain: a cut tail shows."""
    for period, record in connection.execute(query("ledger", "select_issues"), {"contract": contract}).fetchall():
        head: dict[str, Any] = json.loads(record)["ledger_head"]
        key = {"contract": contract, "entry": head["entry"]}
        row = connection.execute(query("ledger", "select_hash"), key).fetchone()
        if row is None or row[0] != head["hash"]:
            raise LedgerError(
                f"the ledger of {contract} lacks entry {head['entry']} as the issue record of {period} names it: "
                "it was cut off or written anew"
            )
    cut = connection.execute(query("ledger", "first_unentered"), {"contract": contract}).fetchone()
    if cut:
        raise LedgerError(f"the ledger of {contract} lacks the entry of a {cut[0]} committed as number {cut[1]}")


def _hashes(connection: psycopg.Connection, name: str, key: dict[str, Any]) -> list[str]:
    rows = connection.execute(query("ledger", name), key)
    return [hashlib.sha256(body.encode()).hexdigest() for (body,) in rows]


def _same(contract: str, what: str, expected: list[str], stored: list[str]) -> None:
    if expected != stored:
        raise LedgerError(f"the {what} of {contract} is not what its ledger entry says it was")
