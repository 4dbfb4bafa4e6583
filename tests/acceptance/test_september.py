"""A September in Santiago: settlement, four fines, defences, an appeal, a factored invoice, reliefs; in Spanish.

Told by the commands alone, each on its own day of 2026: only the clock of the machine is set, as it would have stood.
"""

import json
import re
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import time_machine
from typer.testing import CliRunner

from app.cli.main import explain, main
from tests.narrow import CONTAINERS, FILLS_MAPPING, only, rows_of
from tests.procedure import process_terms

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

CONTRACT = "vega-poniente-2026"
YEAR = "2026"
# 4, 8, 14 and 22 September: full from nine to four.
FULL = (4, 8, 14, 22)
DEFENDED, APPEALED, UNOPPOSED, EXCUSED = (f"{YEAR}-09/container-full/VP-0401/{YEAR}-09-{day:02d}" for day in FULL)
MAYOR = ("--signer", "A. Vera", "--role", "mayor", "--reason", "visto el informe")
SECRETARY = ("--signer", "P. Rojas", "--role", "secretary")
INSPECTOR = ("--signer", "M. Soto", "--role", "inspector")


class Office:
    """A contract office: a folder, a database, the command line in Spanish, the day."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.now = datetime(2026, 8, 20, 15, tzinfo=UTC)
        self.environment = {"PONIENTE_DATABASE": dsn, "PONIENTE_LANGUAGE": "es"}

    def on(self, day: str, hour: int = 22) -> None:
        """Let it be a day, at an hour of UTC."""
        self.now = datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a command in this process: half a hundred of them would spend a minute on starting Python."""
        with time_machine.travel(self.now):
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


def _readings(*months: tuple[str, range]) -> str:
    """Half-hourly: emptied every night at 02:00 but for 25 to 28 September, and full on four days of September."""
    rows = ["device,time,fill"]
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
    """20 August: the contract, with fines in half UTM of the month of the act that makes them firm."""
    monkeypatch.chdir(tmp_path)
    office = Office(tmp_path, embedded_database)
    folder = tmp_path / CONTRACT
    office.run("new", "contract", CONTRACT)
    added = process_terms()
    text = only((folder / "contract.toml").read_text(), *CONTAINERS).replace("free = 2", "free = 0")
    text = text.replace('{ series = "UTM", month = "fact" }', '{ series = "UTM", month = "act" }')
    papers = 'checklist = [ { id = "acceptance", clause = "31.1" }, '
    text += added["contract.toml"].replace("checklist = [ ", papers)
    (folder / "contract.toml").write_text(text)
    (folder / "calendar.toml").write_text(added["calendar.toml"])
    for name in ("assets.csv", "installations.csv"):
        rows = rows_of((folder / name).read_text(), "VP-0401")
        (folder / name).write_text(rows.replace("1450,250", ","))
    (tmp_path / "readings.toml").write_text(FILLS_MAPPING)
    office.run("migrate")
    _know_indexes(office, 1, "2026-09-01", "2026-09")
    return office


def _know_indexes(office: Office, version: int, since: str, *months: str) -> None:
    """Add a version of the terms whose indexes are those published so far."""
    folder = office.folder / CONTRACT
    terms, indexes = folder / "contract.toml", folder / "indexes.csv"
    if version == 1:
        (office.folder / "indexes.csv").write_text(indexes.read_text())
    head, *rows = (office.folder / "indexes.csv").read_text().splitlines(keepends=True)
    indexes.write_text("".join([head, *(row for row in rows if row.split(",")[1] in months)]))
    text = re.sub(r"^version = \d+ ", f"version = {version} ", terms.read_text(), flags=re.MULTILINE)
    text = re.sub(r"effective = \{ from = [\d-]+", f"effective = {{ from = {since}", text)
    terms.write_text(text)
    office.run("contract", "add", CONTRACT)


def _import(office: Office, *months: tuple[str, range]) -> None:
    (office.folder / "readings.csv").write_text(_readings(*months))
    office.run("import", "readings.csv", "--mapping", "readings.toml")


def _settle_september(office: Office) -> dict[str, Any]:
    """5 October: the settlement is proposed, the fines are notified, deemed on the 6th."""
    office.on("2026-09-25")
    _know_indexes(office, 2, "2026-10-01", "2026-09", "2026-10")
    office.on("2026-10-02")
    _import(office, ("08", range(25, 32)), ("09", range(1, 31)), ("10", range(1, 2)))
    office.on("2026-10-05")
    office.run("period", "close", CONTRACT, "2026-09", *SECRETARY)
    september = office.statement("2026-09")
    lines = (DEFENDED, APPEALED, UNOPPOSED, EXCUSED)
    for line in lines:
        proof = ("--channel", "portal", "--proof", office.document("alerta.eml"))
        office.process("alert", line, *proof, *INSPECTOR, "--at", f"{line[-10:]}T10:30")
    office.process("propose", *lines, *office.act("OF-101"), *INSPECTOR, "--at", "2026-10-05")
    office.notify("notice", "2026-10-05T12:00", *lines)
    return september


def _invoice(office: Office) -> None:
    """8 to 13 October: acceptance with observations, the certificate, the invoice."""
    office.on("2026-10-08")
    finance, acceptance = ("--by", "P. Silva", "--role", "finance"), "2026-09/acceptance"
    valid = ("--set", "valid_until=2026-12-31")
    noted = (*valid, "--document", office.document("recepcion-con-observaciones.pdf"))
    office.run(
        "checklist", "record", CONTRACT, acceptance, "receive", *noted, "--by", "M. Soto", "--at", "2026-10-08"
    )
    missing = office.run("checklist", "list", CONTRACT, "--month", "2026-09", status=1)
    office.run("checklist", "list", CONTRACT, "--month", "2026-9", status=2)
    assert "labour-certificate" in missing
    office.on("2026-10-12")
    paper = "2026-09/labour-certificate"
    received = (*valid, "--document", office.document("F30-1.pdf"))
    office.run(
        "checklist", "record", CONTRACT, paper, "receive", *received, "--by", "Aseos SpA", "--at", "2026-10-12"
    )
    for name in (acceptance, paper):
        office.run("checklist", "record", CONTRACT, name, "approve", *finance, "--at", "2026-10-12T10:00")
    office.run("checklist", "list", CONTRACT, "--month", "2026-09")

    folio = ("invoice", "record", CONTRACT, "F-1204")
    issued = ("--set", "amount=40964000", "--set", "month=2026-09", "--document", office.document("F-1204.xml"))
    office.on("2026-10-13")
    office.run(*folio, "issue", *issued, "--by", "Aseos SpA", "--at", "2026-10-13T09:00")
    office.run(*folio, "receive", "--by", "Oficina de partes", "--at", "2026-10-13T10:00")


def _assign(office: Office) -> None:
    """22 October: eight days are over, so the invoice is accepted; the same day a factoring company has it."""
    office.on("2026-10-22")
    folio, finance = ("invoice", "record", CONTRACT, "F-1204"), ("--by", "P. Silva", "--role", "finance")
    late = office.run(*folio, "reject", *finance, "--set", "reason=multa", "--at", "2026-10-22T09:00", status=1)
    assert "the invoice is accepted" in late
    assigned = ("--set", "to=Factoring del Sur", "--document", office.document("cesion.pdf"))
    office.run(*folio, "assign", *assigned, "--by", "Aseos SpA", "--at", "2026-10-22T10:00")
    told = office.run("invoice", "list", CONTRACT)
    assert {"aceptada", "bloqueada:"} <= set(told.split())
    (row,) = json.loads(office.run("invoice", "list", CONTRACT, "--format", "json"))
    assert ("blocked", "2026-10-22T03:00:00Z", "") == (row["set_off"], row["answer_by"], row["interest"])


def _pay_late(office: Office) -> None:
    """20 November: eight days late, paid to the factoring company; interest is owed on the invoice."""
    paid = ("--set", "amount=40964000", "--by", "P. Silva", "--role", "finance", "--at", "2026-11-20T11:00")
    office.run("invoice", "record", CONTRACT, "F-1204", "pay", *paid)
    (row,) = json.loads(office.run("invoice", "list", CONTRACT, "--format", "json"))
    assert Fraction(40_964_000) * 6 / 100 * 8 / 365 == Fraction(row["interest"])
    assert "$53.87" in office.run("invoice", "list", CONTRACT)


def _defend(office: Office) -> None:
    """21 and 22 October: two defences in time, one too late."""
    office.on("2026-10-21")
    early = office.process("firm", UNOPPOSED, *office.act("DA-1"), *SECRETARY, "--at", "2026-10-21", status=1)
    assert "comes before 2026-10-22 00:00" in early
    for line in (DEFENDED, APPEALED):
        paper = ("--by", "Aseos SpA", "--document", office.document("descargos.pdf"), "--ground", "calle cerrada")
        office.process("defend", line, *paper, "--at", "2026-10-21T16:40")
    office.on("2026-10-22")
    late = office.process(
        "defend", EXCUSED, "--by", "Aseos SpA", "--document", "descargos.pdf", "--at", "2026-10-22T09:00"
    )
    assert "kept, without effect" in late
    assert "comes after the time limit" in late


def _make_firm(office: Office) -> None:
    """26 October: nobody opposed one fine, and an act makes it firm."""
    office.on("2026-10-26")
    office.process("firm", UNOPPOSED, *office.act("DA-2"), *SECRETARY, "--at", "2026-10-26")


def _excuse(office: Office) -> None:
    """30 October to 3 November: papers show that the market was closed on two days; relief is claimed and granted."""
    office.on("2026-10-30")
    for number, day in (("R-1", "22"), ("R-2", "28")):
        span = ("--from", f"2026-09-{day}T08:00", "--until", f"2026-09-{day}T18:00")
        papers = ("--by", "Aseos SpA", "--evidence", office.document(f"resolucion-sanitaria-{day}.pdf"))
        office.run(
            "relief", "claim", CONTRACT, number, "--code", "market-closed", *span, *papers, "--subject", "VP-0401"
        )
    unknown = ("--from", "2026-09-22", "--until", "2026-09-23", "--by", "Aseos SpA")
    refused = office.run("relief", "claim", CONTRACT, "R-3", "--code", "rain", *unknown, status=1)
    assert "names a code that the terms do not have" in refused
    office.on("2026-11-03")
    for number, act in (("R-1", "DA-40"), ("R-2", "DA-41")):
        office.run("relief", "decide", CONTRACT, number, "--grant", *office.act(act), *MAYOR, "--at", "2026-11-03")


def _decide(office: Office) -> None:
    """4 November: one fine is reduced, the other upheld; what the inspector may not do."""
    office.on("2026-11-04")
    lower = ("--outcome", "reduced", "--amount", "20000", *office.act("DA-3"))
    himself = ("--signer", "m. soto", "--role", "mayor", "--reason", "x")
    refused = office.process("decide", DEFENDED, *lower, *himself, "--at", "2026-11-04", status=1)
    assert "an act on this line that does not go with it" in refused
    office.process("decide", DEFENDED, *lower, *MAYOR, "--at", "2026-11-04")
    office.process("decide", APPEALED, "--outcome", "upheld", *office.act("DA-4"), *MAYOR, "--at", "2026-11-04")
    office.notify("decision", "2026-11-04T12:00", DEFENDED, APPEALED)


def _appeal(office: Office) -> None:
    """11 November to 3 December: the appeal and its decision; both fines become firm, each by its act."""
    office.on("2026-11-11")
    appeal = ("--by", "Aseos SpA", "--document", office.document("recurso.pdf"), "--at", "2026-11-11T11:00")
    office.process("appeal", APPEALED, *appeal)
    office.on("2026-11-15")
    _know_indexes(office, 3, "2026-12-01", "2026-09", "2026-10", "2026-11", "2026-12")
    office.on("2026-11-20")
    office.process("firm", DEFENDED, *office.act("DA-5"), *SECRETARY, "--at", "2026-11-20")
    _pay_late(office)
    office.on("2026-12-01")
    upheld = ("--appeal", "--outcome", "upheld", *office.act("DA-6"), *MAYOR)
    office.process("decide", APPEALED, *upheld, "--at", "2026-12-01")
    act = ("--number", "DA-7", "--document", office.document("DA-7.pdf"), "--signer", "P. Rojas")
    firm = ("act", CONTRACT, APPEALED, "--effect", "firm", *act, "--role", "secretary")
    office.on("2026-12-03")
    assert "cannot be done as the line stands" in office.run(*firm, "--date", "2026-12-03", status=1)
    office.notify("appeal_decision", "2026-12-01T12:00", APPEALED)
    assert "comes before 2026-12-02 12:00" in office.run(*firm, "--date", "2026-12-02", status=1)
    office.run(*firm, "--date", "2026-12-03")


def _of(statement: dict[str, Any], block: str) -> dict[str, tuple[str, str]]:
    lines = statement["blocks"][block]["lines"]
    return {line["id"]: (line["amount"], line["state"]) for line in lines if line["kind"] != "base"}


def test_september_is_settled_fined_defended_and_charged(office: Office) -> None:
    september = _settle_september(office)
    # Half a UTM of September each, for now: which month's value counts is known when an act has made them firm.
    assert dict.fromkeys((DEFENDED, APPEALED, UNOPPOSED, EXCUSED), ("-34000", "charged")) == _of(september, "C")
    # Three days on which the container had not been emptied for three days, $12.000 each.
    assert ("-36000", "40964000", "-136000") == tuple(
        september["totals"][name] for name in ("adjustments", "net", "in_procedure")
    )
    told = " ".join(office.run("statement", CONTRACT, "2026-09").split())
    assert "Valor provisorio, según la UTM de septiembre de 2026; lo fijará el mes del acto." in told
    office.on("2026-10-07")
    told = office.run("process", "show", CONTRACT, APPEALED)
    assert "notificada" in told
    assert "Plazo para los descargos: 10 días (administrative), del 07-10-2026 al 21-10-2026" in told
    assert "12-10-2026 (feriado)" in told

    _invoice(office)
    _defend(office)
    _assign(office)
    _make_firm(office)
    _excuse(office)
    _decide(office)
    october = _october(office)
    assert {UNOPPOSED: ("-34100", "firm")} == _of(october, "B")
    assert ("40977900", "-68000") == (october["totals"]["net"], october["totals"]["in_procedure"])

    _appeal(office)
    november = _november(office)
    assert {DEFENDED: ("-20000", "reduced"), APPEALED: ("-34300", "firm")} == _of(november, "B")
    assert ("40945700", "0") == (november["totals"]["net"], november["totals"]["in_procedure"])
    told = office.run("statement", CONTRACT, "2026-11")
    assert "Multa de $34.200, rebajada a $20.000, firme por acto administrativo DA-5" in " ".join(told.split())
    # Asked about by its own name, a line is what has become of it since.
    told = " ".join(office.run("explain", CONTRACT, DEFENDED, "--no-readings").split())
    assert "Multa de $34.200, rebajada a $20.000" in told
    assert "valor del evento: 0 → 0,5 0,5 UTM: cláusula 14.2" in told
    states = {DEFENDED: "firm", APPEALED: "firm", UNOPPOSED: "firm", EXCUSED: "withdrawn"}
    assert states == office.states("2026-12-10")
    assert "nothing is wrong" in office.run("doctor")
    _hand_over(office)


def _october(office: Office) -> dict[str, Any]:
    """5 November: October is settled; reliefs have withdrawn a fine and given a deduction back."""
    _import(office, ("10", range(2, 32)), ("11", range(1, 3)))
    office.on("2026-11-05")
    october = office.statement("2026-10")
    restated = "2026-10/restatement/2026-09/emptied-every-three-days/VP-0401/2026-09-28"
    assert {restated: ("12000", "due")} == _of(october, "A")
    pending = {DEFENDED: ("-34000", "charged"), APPEALED: ("-34000", "charged"), EXCUSED: ("0", "withdrawn")}
    assert pending == _of(october, "C")
    told = " ".join(office.run("statement", CONTRACT, "2026-10").split())
    assert "Causal de exención R-1 (market-closed, cláusula 30.2), acogida por el acto DA-40 del 03-11-2026." in told
    # What was known before the reliefs were granted knows of none.
    before = office.run("statement", CONTRACT, "2026-10", "--as-known-on", "2026-11-02", status=1)
    assert "nothing of 2026-10 is assessed" in before
    return october


def _november(office: Office) -> dict[str, Any]:
    """10 December: November is settled; what became firm early in December is charged in it, by December's UTM."""
    office.on("2026-12-10")
    _import(office, ("11", range(3, 31)), ("12", range(1, 3)))
    return office.statement("2026-11")


def _hand_over(office: Office) -> None:
    """The contractor checks each month for itself, and has the papers of the fine that it appealed."""
    office.run("key", "keys")
    for month in ("2026-09", "2026-10", "2026-11"):
        made = ("--out", f"{month}.zip", "--key", "keys/signing-key.pem")
        office.run("bundle", CONTRACT, month, *made)
        office.run("verify", f"{month}.zip", "--key", "keys/public-key.pem")
    office.run("casefile", "2026-11.zip", DEFENDED, "--out", "expediente.html")
    papers = (office.folder / "expediente.html").read_text()
    # Index, act, notice, proof, defence and decision, in words.
    for part in (
        "firme, rebajada",
        "OF-101",
        "acto que propone la línea",
        "notificación",
        "descargos",
        "calle cerrada",
    ):
        assert part in papers
    assert "queda en $20.000; visto el informe" in papers
