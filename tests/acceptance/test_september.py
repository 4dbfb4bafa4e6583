"""A September in Santiago: settlement, four fines, defences, an appeal, a factored invoice, late data; in Spanish.

Told by the commands alone. Its days are those of 2026, in a year that is past and has the same weekdays, so that
every act can be recorded with its own date.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.main import explain, main
from tests.narrow import CONTAINERS, only, rows_of
from tests.procedure import process_terms

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

CONTRACT = "vega-poniente-2020"
YEAR = "2020"
# 4, 8, 14 and 22 September: full from nine to four.
FULL = (4, 8, 14, 22)
DEFENDED, APPEALED, UNOPPOSED, CLEARED = (f"{YEAR}-09/container-full/VP-0401/{YEAR}-09-{day:02d}" for day in FULL)
MAPPING = """
source = "sim"
kind = "fill_level"
device = "device"
time = { column = "time", format = "%Y-%m-%dT%H:%M", time_zone = "America/Santiago" }
values = { fill_ratio = { column = "fill" } }
"""
MAYOR = ("--signer", "A. Vera", "--role", "mayor", "--reason", "visto el informe")
SECRETARY = ("--signer", "P. Rojas", "--role", "secretary")
INSPECTOR = ("--signer", "M. Soto", "--role", "inspector")


class Office:
    """A contract office: a folder, a database, the command line in Spanish."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.environment = {"PONIENTE_DATABASE": dsn, "PONIENTE_LANGUAGE": "es"}

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a command in this process: half a hundred of them would spend a minute on starting Python."""
        done = CliRunner().invoke(main, list(arguments), env=self.environment)
        told, code = done.output, done.exit_code
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            assert isinstance(done.exception, Exception)
            code = explain(done.exception)
            told += str(done.exception)
        assert status == code, f"{arguments}: {told}"
        return told

    def document(self, name: str) -> str:
        (self.folder / name).write_text(f"Municipalidad de Santiago: {name}\n")
        return name

    def act(self, number: str) -> tuple[str, ...]:
        return "--number", number, "--document", self.document(f"{number}.pdf")

    def process(self, step: str, *arguments: str, status: int = 0) -> str:
        return self.run("process", step, CONTRACT, *arguments, status=status)

    def notify(self, of: str, when: str, *lines: str) -> str:
        proof = ("--channel", "platform", "--proof", self.document(f"acuse-{of}-{when[:10]}.pdf"))
        return self.process("notify", *lines, "--of", of, *proof, *INSPECTOR, "--at", when)

    def statement(self, month: str) -> dict[str, Any]:
        self.run("statement", CONTRACT, month, "--issue", "--now", "--out", month)
        return json.loads((self.folder / month / "statement.json").read_text())

    def states(self, when: str) -> dict[str, str]:
        rows = json.loads(self.run("process", "show", CONTRACT, "--at", when, "--format", "json"))
        return {row["line"]: row["state"] for row in rows}


def _readings() -> str:
    """Half-hourly: emptied every night at 02:00 but for 25 to 28 September, and full on four days of September."""
    rows = ["device,time,fill"]
    months = (("08", range(25, 32)), ("09", range(1, 31)), ("10", range(1, 32)), ("11", range(1, 31)), ("12", (1, 2)))
    for month, days in months:
        for day in days:
            is_left = month == "09" and 25 <= day < 29
            for half in range(48):
                hour, minute = divmod(half * 30, 60)
                fill = 0.40 if hour < 2 else 0.02 + 0.01 * half
                if is_left or (month, day, hour < 2) == ("09", 29, True):
                    fill = 0.50
                if month == "09" and day in FULL and 9 <= hour < 16:
                    fill = 0.97
                rows.append(f"24e124713b000401,{YEAR}-{month}-{day:02d}T{hour:02d}:{minute:02d},{fill:.2f}")
    return "\n".join(rows) + "\n"


@pytest.fixture
def office(tmp_path: Path, embedded_database: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.chdir(tmp_path)
    office = Office(tmp_path, embedded_database)
    folder = tmp_path / CONTRACT
    office.run("new", "contract", CONTRACT)
    added = process_terms()
    # Told years later: by then a firm fine that was not charged in ninety days has long expired.
    added["contract.toml"] = added["contract.toml"].replace("{ length = 90,", "{ length = 4000,")
    text = only((folder / "contract.toml").read_text(), *CONTAINERS).replace("free = 2", "free = 0")
    (folder / "contract.toml").write_text((text + added["contract.toml"]).replace("2026-", f"{YEAR}-"))
    (folder / "calendar.toml").write_text(added["calendar.toml"].replace("2026-", f"{YEAR}-"))
    (folder / "indexes.csv").write_text((folder / "indexes.csv").read_text().replace("2026-", f"{YEAR}-"))
    for name in ("assets.csv", "installations.csv"):
        rows = rows_of((folder / name).read_text(), "VP-0401").replace("2026-", f"{YEAR}-")
        (folder / name).write_text(rows.replace("1450,250", ","))
    (tmp_path / "readings.toml").write_text(MAPPING)
    (tmp_path / "readings.csv").write_text(_readings())
    office.run("migrate")
    office.run("contract", "add", CONTRACT)
    office.run("import", "readings.csv", "--mapping", "readings.toml")
    return office


def _settle_september(office: Office) -> dict[str, Any]:
    """5 October: the settlement is proposed, the fines are notified, deemed on the 6th."""
    office.run("period", "close", CONTRACT, f"{YEAR}-09", *SECRETARY)
    september = office.statement(f"{YEAR}-09")
    for line in (DEFENDED, APPEALED, UNOPPOSED, CLEARED):
        proof = ("--channel", "portal", "--proof", office.document("alerta.eml"))
        office.process("alert", line, *proof, *INSPECTOR, "--at", f"{line[-10:]}T10:30")
    lines = (DEFENDED, APPEALED, UNOPPOSED, CLEARED)
    office.process("propose", *lines, *office.act("OF-101"), *INSPECTOR, "--at", f"{YEAR}-10-05")
    office.notify("notice", f"{YEAR}-10-05T12:00", *lines)
    return september


def _invoice(office: Office) -> None:
    """8 to 22 October: the certificate, the invoice, eight days, the factoring company."""
    paper = f"{YEAR}-09/labour-certificate"
    missing = office.run("checklist", "list", CONTRACT, "--month", f"{YEAR}-09", status=1)
    assert "labour-certificate" in missing
    received = ("--set", f"valid_until={YEAR}-12-31", "--document", office.document("F30-1.pdf"))
    office.run(
        "checklist", "record", CONTRACT, paper, "receive", *received, "--by", "Aseos SpA", "--at", f"{YEAR}-10-12"
    )
    finance = ("--by", "P. Silva", "--role", "finance")
    office.run("checklist", "record", CONTRACT, paper, "approve", *finance, "--at", f"{YEAR}-10-12")
    office.run("checklist", "list", CONTRACT, "--month", f"{YEAR}-09", "--at", f"{YEAR}-10-12")

    folio = ("invoice", "record", CONTRACT, "F-1204")
    issued = ("--set", "amount=40964000", "--set", f"month={YEAR}-09", "--document", office.document("F-1204.xml"))
    office.run(*folio, "issue", *issued, "--by", "Aseos SpA", "--at", f"{YEAR}-10-13T09:00")
    office.run(*folio, "receive", "--by", "Oficina de partes", "--at", f"{YEAR}-10-13T10:00")
    late = office.run(*folio, "reject", *finance, "--set", "reason=multa", "--at", f"{YEAR}-10-22T09:00", status=1)
    assert "the invoice is accepted" in late
    assigned = ("--set", "to=Factoring del Sur", "--document", office.document("cesion.pdf"))
    office.run(*folio, "assign", *assigned, "--by", "Aseos SpA", "--at", f"{YEAR}-10-22T10:00")
    told = office.run("invoice", "list", CONTRACT, "--at", f"{YEAR}-10-23")
    assert {"aceptada", "bloqueada:"} <= set(told.split())
    (row,) = json.loads(office.run("invoice", "list", CONTRACT, "--at", f"{YEAR}-10-23", "--format", "json"))
    assert ("blocked", f"{YEAR}-10-22T03:00:00Z") == (row["set_off"], row["answer_by"])


def _defend_and_decide(office: Office) -> None:
    """21 October to 4 November: two defences, one fine by act, what the office may not do, two decisions."""
    early = office.process("firm", UNOPPOSED, *office.act("DA-1"), *SECRETARY, "--at", f"{YEAR}-10-21", status=1)
    assert f"comes before {YEAR}-10-22 00:00" in early
    for line in (DEFENDED, APPEALED):
        paper = ("--by", "Aseos SpA", "--document", office.document("descargos.pdf"), "--ground", "calle cerrada")
        office.process("defend", line, *paper, "--at", f"{YEAR}-10-21T16:40")
    late = office.process(
        "defend", CLEARED, "--by", "Aseos SpA", "--document", "descargos.pdf", "--at", f"{YEAR}-10-22T09:00"
    )
    assert "kept, without effect" in late
    assert "comes after the time limit" in late
    office.process("firm", UNOPPOSED, *office.act("DA-2"), *SECRETARY, "--at", f"{YEAR}-10-26")

    accepted = ("--outcome", "accepted", *office.act("DA-3"))
    himself = ("--signer", "m. soto", "--role", "mayor", "--reason", "x")
    refused = office.process("decide", DEFENDED, *accepted, *himself, "--at", f"{YEAR}-11-04", status=1)
    assert "an act on this line that does not go with it" in refused
    office.process("decide", DEFENDED, *accepted, *MAYOR, "--at", f"{YEAR}-11-04")
    upheld = ("--outcome", "upheld", *office.act("DA-4"), *MAYOR, "--at", f"{YEAR}-11-04")
    office.process("decide", APPEALED, *upheld)
    office.notify("decision", f"{YEAR}-11-04T12:00", APPEALED)


def test_september_is_settled_fined_defended_and_charged(office: Office) -> None:
    september = _settle_september(office)
    fines = {line["id"]: line["amount"] for line in september["blocks"]["C"]["lines"]}
    assert dict.fromkeys((DEFENDED, APPEALED, UNOPPOSED, CLEARED), "-34000") == fines
    # Three days on which the container had not been emptied for three days, $12.000 each.
    assert ("-36000", "40964000", "-136000") == tuple(
        september["totals"][name] for name in ("adjustments", "net", "in_procedure")
    )
    told = office.run("process", "show", CONTRACT, APPEALED, "--at", f"{YEAR}-10-07")
    assert "notificada" in told
    assert f"Plazo para los descargos: 10 días (administrative), del 07-10-{YEAR} al 21-10-{YEAR}" in told
    assert f"12-10-{YEAR} (feriado)" in told

    _invoice(office)
    _defend_and_decide(office)

    # 30 October: late readings show that the truck had come at noon on the 22nd.
    rows = f"24e124713b000401,{YEAR}-09-22T12:10,0.05\n24e124713b000401,{YEAR}-09-22T12:20,0.04\n"
    (office.folder / "late.csv").write_text(f"device,time,fill\n{rows}")
    office.run("import", "late.csv", "--mapping", "readings.toml")
    october = office.statement(f"{YEAR}-10")
    charged = {line["id"]: (line["amount"], line["state"]) for line in october["blocks"]["B"]["lines"]}
    assert {UNOPPOSED: ("-34000", "firm"), DEFENDED: ("0", "annulled")} == charged
    pending = {line["id"]: (line["amount"], line["state"]) for line in october["blocks"]["C"]["lines"]}
    assert {APPEALED: ("-34000", "charged"), CLEARED: ("0", "withdrawn")} == pending

    # 11 November: the appeal; early December: decided, firm by act, charged in November's settlement.
    office.process(
        "appeal", APPEALED, "--by", "Aseos SpA", "--document", office.document("r.pdf"), "--at", f"{YEAR}-11-11T11:00"
    )
    upheld = ("--appeal", "--outcome", "upheld", *office.act("DA-5"), *MAYOR)
    office.process("decide", APPEALED, *upheld, "--at", f"{YEAR}-12-01")
    act = ("--number", "DA-6", "--document", office.document("DA-6.pdf"), "--signer", "P. Rojas")
    firm = ("act", CONTRACT, APPEALED, "--effect", "firm", *act, "--role", "secretary")
    assert "cannot be done as the line stands" in office.run(*firm, "--date", f"{YEAR}-12-03", status=1)
    office.notify("appeal_decision", f"{YEAR}-12-01T12:00", APPEALED)
    assert f"comes before {YEAR}-12-02 12:00" in office.run(*firm, "--date", f"{YEAR}-12-02", status=1)
    office.run(*firm, "--date", f"{YEAR}-12-03")
    november = office.statement(f"{YEAR}-11")
    assert {APPEALED: "-34000"} == {line["id"]: line["amount"] for line in november["blocks"]["B"]["lines"]}
    assert "40966000" == november["totals"]["net"]
    assert {DEFENDED: "annulled", APPEALED: "firm", UNOPPOSED: "firm", CLEARED: "withdrawn"} == office.states(
        f"{YEAR}-12-10"
    )
    assert "firme" in office.run("process", "show", CONTRACT, APPEALED, "--at", f"{YEAR}-12-10")
    assert "nothing is wrong" in office.run("doctor")
