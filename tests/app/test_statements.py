"""Statements out of a real database: what must not slip in, what must not block, what must not be forged."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg.sql import SQL

from app.errors import RefusedError
from app.jobs import assess, explaining, health, imports, statements
from app.jobs.contracts import add_folder
from app.jobs.templates import contract_files, write_contract
from app.text import sentence
from rules.records import Act
from storage import contracts, readings
from storage.connection import Connection, connect
from tests.narrow import CONTAINERS, FILLS_MAPPING, only, rows_of

CONTRACT = "vega-poniente-2026"
MONTH = (date(2026, 9, 1), date(2026, 10, 1))
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
LINE = "2026-09/container-full/VP-0401/2026-09-14"


@dataclass
class Office:
    """A contract office over one database."""

    folder: Path
    connection: Connection

    def add(self, **changed: str) -> None:
        """Add the contract folder, some of its files changed."""
        for name, text in changed.items():
            (self.folder / "contract" / f"{name}.{'toml' if name == 'contract' else 'csv'}").write_text(text)
        add_folder(self.connection, self.folder / "contract", NOW)

    def text(self, name: str) -> str:
        """A file of the contract folder."""
        return (self.folder / "contract" / name).read_text()

    def load(self, rows: str, device: str = "24e124713b000401") -> None:
        """Import readings: rows of local time and fill."""
        (self.folder / "mapping.toml").write_text(FILLS_MAPPING)
        (self.folder / "rows.csv").write_text("device,time,fill\n" + rows.replace("\n2", f"\n{device},2"))
        list(
            imports.load(
                self.connection, self.folder / "rows.csv", imports.read_mapping(self.folder / "mapping.toml"), NOW
            )
        )


def september() -> str:
    """Half-hourly readings of a few days: emptied every night at 02:00, full from 09:00 to 16:00 on the 14th."""
    rows = [""]
    for day in range(12, 17):
        for half in range(48):
            hour, minute = divmod(half * 30, 60)
            fill = 0.97 if day == 14 and 9 <= hour < 16 else (0.40 if hour < 2 else 0.02 + 0.01 * half)
            rows.append(f"2026-09-{day}T{hour:02d}:{minute:02d},{fill:.2f}")
    return "\n".join(rows) + "\n"


@pytest.fixture
def office(tmp_path: Path, embedded_database: str) -> Iterator[Office]:
    with connect(embedded_database, "test") as connection:
        files = contract_files()
        changed = {
            "contract.toml": only(files["contract.toml"], *CONTAINERS).replace("free = 2", "free = 0"),
            "assets.csv": rows_of(files["assets.csv"], "VP-0401"),
            "installations.csv": rows_of(files["installations.csv"], "VP-0401").replace("1450,250", ","),
        }
        write_contract(tmp_path / "contract", changed)
        office = Office(tmp_path, connection)
        office.add()
        office.load(september())
        yield office


def test_removed_container_is_charged_no_more_when_the_register_changed(office: Office) -> None:
    assess.run(office.connection, CONTRACT, MONTH, NOW)
    office.add(assets=office.text("assets.csv").replace("2026-08-01,", "2026-08-01,2026-09-10"))
    issued = statements.issue(office.connection, CONTRACT, "2026-09", NOW)

    assert [] == statements.body_of(issued)["blocks"]["C"]["lines"]
    assert 18 == statements.body_of(issued)["determinations"]["count"]


def test_month_is_computed_when_the_next_version_knows_more_zones(office: Office) -> None:
    terms = (
        office.text("contract.toml")
        .replace("version = 1 ", "version = 2 ")
        .replace("from = 2026-09-01, until", "from = 2026-12-01, until")
    )
    zones = office.folder / "contract" / "zones.geojson"
    feature = '{"type": "Feature", "properties": {"zone_id": "VP-05", "name": "Nuevo"}, "geometry": null},'
    zones.write_text(zones.read_text().replace('"features":[', f'"features":[{feature}'))
    office.add(contract=terms, assets=office.text("assets.csv") + "VP-0501,VP-05,container_1100l,2026-12-01,\n")

    issued = statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    assert 1 == statements.body_of(issued)["terms"]["version"]


def test_month_without_a_container_pays_its_base_when_none_stood_yet(office: Office) -> None:
    office.add(assets=office.text("assets.csv").replace("2026-08-01", "2026-11-05"))
    issued = statements.issue(office.connection, CONTRACT, "2026-09", NOW)

    assert "41000000" == statements.body_of(issued)["totals"]["net"]


def test_issue_is_refused_when_no_device_said_anything(office: Office) -> None:
    statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    with pytest.raises(RefusedError, match="no reading of 2026-10 is stored for any of"):
        statements.issue(office.connection, CONTRACT, "2026-10", NOW)

    assert statements.issue(office.connection, CONTRACT, "2026-10", NOW, is_hasty=True)


def test_issue_waits_when_readings_are_still_coming_in(office: Office) -> None:
    readings.prepare(office.connection)
    readings.store(office.connection, readings.Batch([], [], [], 1), NOW)
    with pytest.raises(RefusedError, match="say --now"):
        statements.issue(office.connection, CONTRACT, "2026-09", NOW)

    assert statements.issue(office.connection, CONTRACT, "2026-09", NOW, is_hasty=True)


def test_assessment_waits_when_another_one_works(office: Office, embedded_database: str) -> None:
    """A second assessment begins to read only when the first has stored what it found."""
    done = threading.Event()

    def other() -> None:
        with connect(embedded_database, "other") as connection:
            assess.run(connection, CONTRACT, MONTH, NOW)
        done.set()

    with contracts.alone(office.connection, CONTRACT):
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        _wait_for_lock(office.connection)
        assert not done.is_set()
        assert 60 == assess.run(office.connection, CONTRACT, MONTH, NOW).new
    thread.join(30)
    assert done.is_set()


def _wait_for_lock(connection: Connection) -> None:
    until = datetime.now(UTC).timestamp() + 15
    while not connection.execute("select 1 from pg_locks where locktype = 'advisory' and not granted").fetchone():
        assert datetime.now(UTC).timestamp() < until


def test_two_issues_at_once_give_the_same_statement(office: Office, embedded_database: str) -> None:
    bodies: list[str] = []

    def other() -> None:
        with connect(embedded_database, "other") as connection:
            bodies.append(statements.issue(connection, CONTRACT, "2026-09", NOW).body)

    threads = [threading.Thread(target=other) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [statements.issue(office.connection, CONTRACT, "2026-09", NOW).body] * 3 == bodies


def test_line_keeps_its_readings_when_the_sensor_is_another_one_by_now(office: Office) -> None:
    statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    office.add(installations=office.text("installations.csv").replace("24e124713b000401", "another"))
    (evidence,) = explaining.explain(office.connection, CONTRACT, LINE, NOW).evidence

    assert [("sim", "24e124713b000401", 51)] == [(one.source, one.device, len(one.said)) for one in evidence.heard]


@pytest.mark.parametrize(
    "forgery",
    [
        "update statement set body = replace(body, '41000000', '91000000')",
        "update determination set body = replace(body, 'not_met', 'met')",
        "delete from assessed where day = '2026-09-14'",
        "update act set body = replace(body, 'firm', 'annulled')",
        "update ledger set body = replace(body, 'firm', 'annulled') where kind = 'act'",
        "delete from ledger where entry = 2",
    ],
)
def test_doctor_finds_it_when_rows_are_forged_behind_the_triggers(office: Office, forgery: LiteralString) -> None:
    statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    act = Act(LINE, "firm", "12", "2026-11-20", "alcaldesa", "0" * 64)
    statements.record_act(office.connection, CONTRACT, act, NOW)
    assert [] == health.findings(office.connection)

    office.connection.execute("set session_replication_role = replica")
    changed = office.connection.execute(SQL(forgery)).rowcount
    assert changed > 0
    assert ["ledger_broken"] == [one.what for one in health.findings(office.connection)]


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (Act(LINE, "firm", "12", "2027-01-20", "alcaldesa", "0"), "still to come"),
        (Act(LINE, "firm", "12", "2026-08-20", "alcaldesa", "0"), "older than the fact"),
        (Act(LINE, "firm", "12", "2026-11-20", " ", "0"), "named officer"),
        (Act(LINE, "firm", "", "2026-11-20", "alcaldesa", "0"), "named officer"),
        (Act(f"{LINE}0", "firm", "12", "2026-11-20", "alcaldesa", "0"), "not in procedure"),
    ],
)
def test_act_is_refused_when_it_cannot_be_one(office: Office, act: Act, told: str) -> None:
    statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    with pytest.raises(RefusedError, match=told):
        statements.record_act(office.connection, CONTRACT, act, NOW)


def test_late_reading_becomes_a_line_of_the_next_month_when_it_clears_a_fine(office: Office) -> None:
    """September is issued with a fine; then readings come in that show the container was emptied at noon."""
    september = statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    office.load("\n2026-09-14T12:10,0.05\n2026-09-14T12:20,0.04\n")
    october = statements.issue(office.connection, CONTRACT, "2026-10", NOW, is_hasty=True)
    (line,) = [one for one in statements.body_of(october)["blocks"]["C"]["lines"] if one["id"] == LINE]

    assert september == statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    assert ("restatement", "0", "withdrawn") == (line["kind"], line["amount"], line["state"])
    assert "Withdrawn" in sentence(line, "CLP", "en")
    assert [] == health.findings(office.connection)


def test_late_reading_changes_nothing_when_the_cut_off_is_past(office: Office) -> None:
    statements.issue(office.connection, CONTRACT, "2026-09", NOW)
    office.load("\n2026-09-14T12:10,0.05\n2026-09-14T12:20,0.04\n")
    october = statements.issue(office.connection, CONTRACT, "2026-10", NOW + timedelta(days=60), is_hasty=True)
    (line,) = [one for one in statements.body_of(october)["blocks"]["C"]["lines"] if one["id"] == LINE]

    assert ("deduction", "-34000") == (line["kind"], line["amount"])
