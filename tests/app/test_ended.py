"""Lines that ended without a charge: forgiven by an officer, or by time; reported and counted."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import main
from app.errors import RefusedError
from app.jobs import process, statements
from storage.connection import Connection
from tests.app.offices import CONTRACT, LINE, NOTIFIED, NOW, OTHER, opened, record, tell

THEN = datetime(2026, 11, 10, 12, tzinfo=UTC)
NATURE = """
[[money.natures]]
nature = "fine"
taxed = false
budget = "115.08.02"
forgiven_by = "mayor"
clause = "29"
"""
FORGIVEN = record("forgiving", "2026-11-02T12:00", person="A. Vera", role="mayor", reason="primera vez")


@pytest.fixture
def forgiving(contract_folder: Path, embedded_database: str) -> Iterator[Connection]:
    """Office whose terms let the mayor forgive fines."""
    terms = contract_folder / "contract.toml"
    terms.write_text(terms.read_text() + NATURE)
    yield from opened(contract_folder, embedded_database)


def test_forgiven_lines_are_reported_by_month_and_approver(forgiving: Connection, embedded_database: str) -> None:
    tell(forgiving, *NOTIFIED, FORGIVEN, now=THEN)
    tell(
        forgiving,
        record("forgiving", "2026-11-03T12:00", OTHER, person="a. vera", role="mayor", reason="x"),
        now=THEN,
    )
    found = process.cases(forgiving, CONTRACT, THEN)
    assert {"forgiven"} == {one.state for one in found.values()}
    (row,) = process.forgiven(found)
    assert ("2026-11", "a. vera", "mayor", 2, "68000") == (row.month, row.person, row.role, row.lines, row.amount)
    body = statements.draft(forgiving, CONTRACT, "2026-10", NOW).statement.body
    assert {LINE: "0", OTHER: "0"} == {line["id"]: line["amount"] for line in body["blocks"]["B"]["lines"]}
    shown = ["process", "forgiven", CONTRACT, "--at", "2026-11-10", "--format", "csv"]
    done = CliRunner().invoke(main, shown, env={"PONIENTE_DATABASE": embedded_database})
    assert ["month,person,role,lines,amount", "2026-11,a. vera,mayor,2,68000"] == done.stdout.splitlines()


@pytest.mark.parametrize(("role", "told"), [("secretary", "may not do this"), ("inspector", "may not do this")])
def test_forgiving_is_refused_of_another_office(forgiving: Connection, role: str, told: str) -> None:
    tell(forgiving, *NOTIFIED, now=THEN)
    with pytest.raises(RefusedError, match=told):
        tell(forgiving, record("forgiving", "2026-11-02T12:00", role=role, reason="x"), now=THEN)


def test_forgiving_is_refused_without_a_clause(office: Connection) -> None:
    tell(office, *NOTIFIED, now=THEN)
    with pytest.raises(RefusedError, match="no clause"):
        tell(office, FORGIVEN, now=THEN)


def test_lines_that_expired_are_counted_beside_the_statement(office: Connection, embedded_database: str) -> None:
    """One fine is notified in time, its defence never decided; of the other nobody was notified."""
    tell(office, *NOTIFIED, record("defence", "2026-10-20T12:00"), now=THEN)
    drafted = statements.draft(office, CONTRACT, "2026-10", NOW)
    assert {} == statements.issue_record(office, drafted, "2026-10", THEN)["expired"]
    expected = {"raise_by": {"count": 1, "amount": "34000"}, "city_silence": {"count": 1, "amount": "34000"}}
    assert expected == statements.issue_record(office, drafted, "2026-10", NOW)["expired"]
    assert expected == statements.issue(office, CONTRACT, "2026-10", NOW, is_hasty=True).issue["expired"]
    # Once an act has noted it, it is counted still.
    tell(office, record("expiry", "2026-12-09T12:00"))
    assert expected == process.expired(process.cases(office, CONTRACT, NOW))

    def run(*arguments: str) -> str:
        return CliRunner().invoke(main, list(arguments), env={"PONIENTE_DATABASE": embedded_database}).stdout

    told = "Terminadas por el plazo, sin cobro: no se notificó a tiempo: 1 línea, $34.000"
    assert told in run("process", "show", CONTRACT, "--at", "2026-12-10", "--lang", "es")
    assert told in run("statement", CONTRACT, "2026-10", "--lang", "es")
    assert "raise_by" not in run("process", "show", CONTRACT, "--at", "2026-11-10", "--format", "json")


def test_line_that_was_not_charged_in_time_is_counted(office: Connection) -> None:
    tell(office, *NOTIFIED, record("firm", "2026-10-26T12:00"))
    found = process.cases(office, CONTRACT, datetime(2027, 2, 1, tzinfo=UTC), names=[LINE])
    assert {"charge_by": {"count": 1, "amount": "34000"}} == process.expired(found)
    assert json.dumps(process.expired({})) == "{}"
