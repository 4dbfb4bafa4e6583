"""`poniente check` with a rule pack, and `poniente packs`."""

import json
from pathlib import Path

from typer.testing import CliRunner

from app import text
from app.cli.main import main
from app.jobs.templates import contract_files, write_contract
from rules.records import Basis, Finding, FindingCode


def folder(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """Write the template under Chile's pack, with one text replaced."""
    terms = contract_files()["contract.toml"].replace("[contract]\n", '[contract]\njurisdiction = "cl"\n', 1)
    assert old in terms
    write_contract(tmp_path / "c", {"contract.toml": terms.replace(old, new, 1)})
    return tmp_path / "c"


def test_status_stays_when_only_unconfirmed_entries_find_anything(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["check", str(folder(tmp_path))])
    assert "not confirmed by anybody" in done.stdout
    assert "they do not change the exit status" in done.stderr
    assert 0 == done.exit_code


def test_packs_are_listed_with_source_and_status() -> None:
    done = CliRunner().invoke(main, ["packs", "cl", "--format", "json"])
    rows = {row["entry"]: row for row in json.loads(done.stdout)}
    assert "confirmed" == rows["cl/invoice-eight-days"]["status"]
    assert "unconfirmed" == rows["cl/fines-of-contract"]["status"]
    assert all(row["source"] and row["date"] for row in rows.values())
    assert CliRunner().invoke(main, ["packs", "zz"]).exit_code


def test_finding_names_its_basis_in_three_languages() -> None:
    basis = Basis("cl/invoice-eight-days", "8 days", "2026-07-01", "legal", "confirmed")
    found = Finding(
        FindingCode.PACK_INVOICE, "contract.toml", "process.clocks.invoice_answer.length", "9", ("8",), basis
    )
    assert text.finding_text(found, "es").endswith(
        "cl/invoice-eight-days del 01-07-2026, confirmado (legal): 8 days."
    )
    assert "by the rule pack 8 days at most. cl/invoice-eight-days of " in text.finding_text(found)
    assert "segundo o pacote de regras, 8 dias no máximo." in text.finding_text(found, "pt")
