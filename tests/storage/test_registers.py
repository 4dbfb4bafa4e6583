"""Registers on a real server: requests made once, rows kept for good, rights of who writes, a tail cut off."""

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from storage import audit, ledger, registers
from storage.connection import Connection, connect
from storage.errors import AlreadyThereError, LedgerError
from storage.registers import KEY_CHARACTERS_MAX, Request
from tests.storage.cases import put, reading, writer

CONTRACT = "vega-poniente"
PLACE = (CONTRACT, "process")
NOW = datetime(2026, 12, 1, tzinfo=UTC)
BODY = {"kind": "notice", "at_us": 7, "person": "Soto"}
_KEPT = (
    "record",
    "request",
    "ledger",
    "act",
    "statement",
    "assessed",
    "determination",
    "committed",
    "contract_version",
)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with closing(connect(database, "test")) as connected:
        yield connected


@pytest.fixture
def as_writer(database: str) -> Iterator[str]:
    """Give the connection string of an account that belongs to the group role, and to nothing else."""
    name = f"office_{secrets.token_hex(6)}"
    with closing(connect(database, "test")) as owner:
        owner.execute(sql.SQL("create role {} login in role poniente_writer").format(sql.Identifier(name)))
        try:
            yield make_conninfo(database, user=name)
        finally:
            # Its session may still be taking its temporary tables down.
            owner.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
            owner.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def _append(connection: Connection, key: str = "", subject: str = "line-1", kind: str = "notice") -> int:
    body = {**BODY, "kind": kind}
    return registers.append(connection, PLACE, [(subject, body)], Request(key, {"body": body}), NOW)


def test_records_come_back_as_they_were_said_and_in_their_order(connection: Connection) -> None:
    first = _append(connection)
    second = registers.append(
        connection, PLACE, [("line-2", BODY), ("line-1", {**BODY, "kind": "x"})], Request("", {}), NOW
    )
    rows = [(row.subject, row.body["kind"], row.seq) for row in registers.read(connection, CONTRACT, "process")]
    assert [("line-1", "notice", first), ("line-1", "x", second), ("line-2", "notice", second)] == rows
    assert 1 == len(registers.read(connection, CONTRACT, "process", first))
    assert [] == registers.read(connection, CONTRACT, "relief")
    ledger.check(connection, CONTRACT)
    audit.check(connection, CONTRACT)


def test_twenty_equal_requests_make_one_entry(database: str, connection: Connection) -> None:
    together = threading.Barrier(20)

    def ask(_: int) -> int:
        with closing(connect(database, "test")) as own:
            together.wait(timeout=60)
            return _append(own, "request-1")

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(ask, range(20)))
    assert 1 == len(answers)
    assert 1 == len(registers.read(connection, CONTRACT, "process"))
    assert 1 == ledger.head(connection, CONTRACT).entry


def test_other_words_under_a_key_are_refused(connection: Connection) -> None:
    _append(connection, "request-1")
    with pytest.raises(AlreadyThereError, match="something else"):
        _append(connection, "request-1", kind="decision")
    assert 1 == len(registers.read(connection, CONTRACT, "process"))
    _append(connection, "request-2", kind="decision")
    _append(connection, kind="decision")
    _append(connection, kind="decision")
    assert 4 == len(registers.read(connection, CONTRACT, "process"))


def test_key_is_refused_when_it_is_a_text(connection: Connection) -> None:
    with pytest.raises(AlreadyThereError, match="exceeds 200"):
        _append(connection, "x" * (KEY_CHARACTERS_MAX + 1))


def test_answered_number_is_the_one_of_the_first_time(connection: Connection) -> None:
    request = Request("request-1", {"body": BODY})
    assert registers.answered(connection, CONTRACT, request) is None
    seq = _append(connection, "request-1")
    assert seq == registers.answered(connection, CONTRACT, request) == _append(connection, "request-1")
    assert registers.answered(connection, "another", request) is None


@pytest.mark.parametrize("table", ["record", "request"])
@pytest.mark.parametrize("statement", ["update {} set seq = 0", "delete from {}", "truncate {}"])
def test_owner_is_refused_by_triggers(connection: Connection, table: str, statement: LiteralString) -> None:
    _append(connection, "request-1")
    with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
        connection.execute(sql.SQL(statement).format(sql.Identifier(table)))


@pytest.mark.parametrize("table", _KEPT)
def test_writer_is_refused_by_its_rights(as_writer: str, table: str) -> None:
    with closing(connect(as_writer, "test")) as own:
        for statement in ("update {} set seq = 0", "delete from {}", "truncate {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                own.execute(sql.SQL(statement).format(sql.Identifier(table)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own.execute(sql.SQL("alter table {} disable trigger all").format(sql.Identifier(table)))


def test_writer_is_refused_by_its_rights_even_without_the_triggers(connection: Connection, as_writer: str) -> None:
    _append(connection)
    connection.execute("alter table record disable trigger all")
    with closing(connect(as_writer, "test")) as own, pytest.raises(psycopg.errors.InsufficientPrivilege):
        own.execute("delete from record")


def test_writer_can_do_its_work(as_writer: str) -> None:
    with closing(connect(as_writer, "test")) as own:
        _append(own, "request-1")
        assert 1 == len(registers.read(own, CONTRACT, "process"))
        audit.check(own, CONTRACT)
    with writer(as_writer) as own:
        put(own, reading())


@pytest.mark.parametrize(
    ("forgery", "told"),
    [
        ("update record set body = replace(body, 'notice', 'notacc')", "is not what its ledger entry says"),
        ("delete from record where subject = 'line-2'", "is not what its ledger entry says"),
        ("update record set subject = 'line-3' where subject = 'line-2'", "is not what its ledger entry says"),
        # The chain itself holds without its last entry.
        ("delete from ledger where entry = 2", "lacks the entry of a record"),
    ],
)
def test_audit_finds_it_when_rows_are_forged_behind_the_triggers(
    connection: Connection, forgery: str, told: str
) -> None:
    _append(connection)
    _append(connection, subject="line-2")
    audit.check(connection, CONTRACT)
    connection.execute("set session_replication_role = replica")
    assert connection.execute(forgery.encode()).rowcount > 0
    ledger.check(connection, CONTRACT)
    with pytest.raises(LedgerError, match=told):
        audit.check(connection, CONTRACT)
