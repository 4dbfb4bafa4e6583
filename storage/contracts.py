"""Contract versions and registers: files as loaded, immutable, numbered by the one sequence.

A version holds the terms' files and the time zone's transitions with which they were loaded; a register revision
holds the lists of assets and installations. What a file means is not known here.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from storage import sequence
from storage.errors import AlreadyThereError, NotThereError
from storage.sequence import ALL_KNOWN
from storage.sql import query


@dataclass(frozen=True, slots=True)
class Added:
    """What was added; None where it was there already."""

    version_seq: int | None
    register_revision: int | None


def add(
    connection: psycopg.Connection,
    contract: str,
    version: int,
    terms: tuple[dict[str, Any], str],
    register: tuple[dict[str, Any], str],
    now: datetime,
) -> Added:
    """Add a version of the terms and a revision of the register, whichever is new.

    Parameters
    ----------
    contract : str
    version : int
    terms, register : tuple of (dict, str)
        JSON content and its digest.
    now : datetime
        Aware.

    Raises
    ------
    AlreadyThereError
        When the version is there with other content.
    """
    with connection.transaction():
        seq = sequence.take(connection, "contract", now)
        key = {"contract": contract, "version": version}
        stored = connection.execute(query("contracts", "select_version"), key).fetchone()
        if stored and stored[1] != terms[1]:
            raise AlreadyThereError(
                f"version {version} of {contract} is stored with other content and never changes; "
                f"give the new terms version {version + 1}"
            )
        if not stored:
            row = {**key, "files": json.dumps(terms[0]), "digest": terms[1], "seq": seq}
            connection.execute(query("contracts", "insert_version"), row)
        last = _last_register(connection, contract, ALL_KNOWN)
        revision = last[0] + 1 if last else 1
        is_new = not last or last[2] != register[1]
        if is_new:
            row = {"contract": contract, "revision": revision, "files": json.dumps(register[0])}
            connection.execute(query("contracts", "insert_register"), {**row, "digest": register[1], "seq": seq})
    return Added(None if stored else seq, revision if is_new else None)


@contextmanager
def alone(connection: psycopg.Connection, contract: str) -> Generator[None]:
    """Let nobody else assess or issue for a contract meanwhile; whoever holds it may enter again.

    Two assessments at once could finish in the other order than they read, and the older would hold.
    """
    connection.execute(query("contracts", "lock"), {"contract": contract})
    try:
        yield
    finally:
        connection.execute(query("contracts", "unlock"), {"contract": contract})


def versions(connection: psycopg.Connection, contract: str, known_through: int = ALL_KNOWN) -> dict[int, Any]:
    """Content of each version of a contract's terms, by number.

    Raises
    ------
    NotThereError
        When there is none.
    """
    parameters = {"contract": contract, "known_through": known_through}
    rows = connection.execute(query("contracts", "select_versions"), parameters).fetchall()
    if not rows:
        known = ", ".join(name for name, _ in contracts(connection)) or "none yet"
        raise NotThereError(f"contract {contract!r} is not stored (there: {known}); run poniente contract add")
    return {version: json.loads(files) for version, files in rows}


def register(connection: psycopg.Connection, contract: str, known_through: int = ALL_KNOWN) -> Any:  # noqa: ANN401  # JSON
    """Content of a contract's register, as known.

    Raises
    ------
    NotThereError
        When there is none.
    """
    last = _last_register(connection, contract, known_through)
    if last is None:
        raise NotThereError(f"contract {contract!r} has no assets and installations; run poniente contract add")
    return json.loads(last[1])


def contracts(connection: psycopg.Connection) -> list[tuple[str, int]]:
    """Return each contract and its newest version."""
    return [(name, version) for name, version in connection.execute(query("contracts", "select_contracts"))]


def _last_register(connection: psycopg.Connection, contract: str, known_through: int) -> tuple[int, str, str] | None:
    parameters = {"contract": contract, "known_through": known_through}
    row = connection.execute(query("contracts", "select_last_register"), parameters).fetchone()
    return None if row is None else (row[0], row[1], row[2])
