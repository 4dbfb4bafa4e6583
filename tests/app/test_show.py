"""What commands print: compliance by level, determinations in their unit, a short statement, where the money lies."""

import json
from fractions import Fraction
from typing import Any

import pytest

from app.cli import show
from app.cli.output import Format
from app.export.tables import determinations_csv, read_determinations
from app.jobs.contracts import load_files
from app.jobs.stakes import Stake, stakes
from app.jobs.templates import contract_files
from rules.compliance import by_standard, compliance
from rules.contract import Level
from rules.payments.lines import Block
from rules.records import Determination, Finding, FindingCode, Op, Unit, Verdict


def _judged(subject: str, unit: Unit, **changes: Any) -> Determination:
    values: dict[str, Any] = {
        "contract": "c",
        "standard": "night-sweep",
        "terms_version": 1,
        "subject": subject,
        "zone": subject[:5],
        "day": "2026-09-11",
        "window_start_us": 0,
        "window_end_us": 1,
        "verdict": Verdict.NOT_MET,
        "proven": 610_000,
        "borne": 899_990,
        "possible": 899_990,
        "target": 900_000,
        "received": 3,
        "expected": 4,
        "digests": {"terms": "x"},
        "trace": {"detail": {"length_mm": 1}},
        "op": Op.AT_LEAST,
        "unit": unit,
    }
    return Determination(**{**values, **changes})


_FOUND = [
    _judged("VP-01", Unit.PPM),
    _judged("VP-02", Unit.PPM, verdict=Verdict.MET),
    _judged("VP-02", Unit.COUNT, standard="report-true", op=Op.AT_MOST, proven=6, borne=6, possible=6, target=0),
]


def _line(name: str, amount: str, **changes: Any) -> dict[str, Any]:
    says = {"code": "restatement", "restates": "x", "before": "0", "after": amount, "clause": "1"}
    line: dict[str, Any] = {
        "id": name,
        "block": "A",
        "kind": "deduction",
        "state": "charged",
        "standard": name.split("/", maxsplit=1)[0],
        "amount": amount,
        "nature": "price",
        "says": says,
    }
    return {**line, **changes}


def _body(lines: list[dict[str, Any]]) -> dict[str, Any]:
    totals = dict.fromkeys(("base", "adjustments", "firm", "net", "in_procedure"), "0")
    blocks = {block.value: {"total": "0", "lines": lines if block == Block.SETTLEMENT else []} for block in Block}
    shared = {"contract": "c", "period": "2026-09", "currency": "CLP", "terms": {"version": 1}}
    return {**shared, "blocks": blocks, "totals": totals}


def test_compliance_when_summed_up_over_zones() -> None:
    found = by_standard(compliance(_FOUND))
    assert [("", "night-sweep", 2, 1, 1), ("", "report-true", 1, 0, 1)] == [
        (one.zone, one.standard, one.checks, one.met, one.not_met) for one in found
    ]
    assert (6, 8) == (found[0].received, found[0].expected)


def test_determinations_when_written_and_read_back() -> None:
    written = determinations_csv(_FOUND)
    assert written.splitlines()[0].split(",")[9:15] == ["verdict", "unit", "proven", "borne", "possible", "op"]
    assert _FOUND == read_determinations(written)


def test_determinations_when_shown_in_their_unit(capsys: pytest.CaptureFixture[str]) -> None:
    show.determinations(_FOUND, Format.TABLE, "en")
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    # Rounded to one decimal it would read as met.
    assert "night-sweep VP-01 11 Sep 2026 not met 61.0% 89.999% ≥ 90% 3/4" in rows
    assert "report-true VP-02 11 Sep 2026 not met 6 6 ≤ 0 3/4" in rows


def test_statement_when_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        _line("base/monthly-fee", "41000000", kind="base", says={"code": "base", "base": "fee"}),
        _line("first/a", "0", state="free"),
        _line("first/b", "-1"),
        _line("first/c", "-2"),
        _line("second/a", "-3"),
        _line("second/b", "-4"),
        _line("restated/a", "-5", kind="restatement", state="due"),
    ]
    most = {Block.SETTLEMENT: 3, Block.FIRM: 1, Block.IN_PROCEDURE: 1}
    show.statement(_body(lines), {}, Format.TABLE, "en", most=most)
    said = capsys.readouterr().out
    shown = [line.split()[0] for line in said.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert ["first/b", "second/a", "restated/a", "…"] == shown
    assert "+4 → statement.csv" in said
    assert "B. " not in said

    show.statement(_body(lines), {}, Format.TABLE, "en")
    said = capsys.readouterr().out
    assert "B. " in said
    assert "first/a" in said


def test_statement_says_notices_and_totals_with_tax_when_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    limit = {"value": "2", "unit": "not_met", "clause": "4.9"}
    notice = {"trigger": "t", "notice": "termination", "of": "a", "sum": "3", "months": ["2026-09"], "limit": limit}
    tax = {"rate": "0.19", "taxed": "100", "tax": "19", "gross": "119", "net": "100"}
    show.statement({**_body([]), "notices": [notice], "tax": tax}, {}, Format.TABLE, "es")
    said = capsys.readouterr().out
    assert "Causal para el término anticipado del contrato (t, cláusula 4.9)" in said
    assert ["IVA", "$19"] in [line.split() for line in said.splitlines()]
    assert ["Total", "con", "IVA", "$119"] in [line.split() for line in said.splitlines()]


def test_stakes_when_the_template_is_looked_at() -> None:
    found = {one.level: one for one in stakes(load_files(contract_files()))}
    assert [*Level] == [*found]
    assert Fraction(1) == sum((one.share for one in found.values()), Fraction(0))
    # Complaints cost as much as their cap lets them: 1 % of the fee; the bands 2 % of it in each of four zones.
    assert Fraction(410_000 + 4 * 820_000) == found[Level.OUTCOME].amount
    assert ("closing-condition", "time-to-respond") == found[Level.OUTCOME].standards
    assert Fraction(0) == found[Level.INPUT].amount
    assert not [one for one in found.values() if one.unforeseen]


def test_stakes_when_no_cap_bounds_complaints() -> None:
    files = contract_files()
    text = files["contract.toml"].replace('  cap = { per = "month", pct = "1", base = "monthly-fee" }\n', "")
    found = {one.level: one for one in stakes(load_files({**files, "contract.toml": text}))}
    assert ("time-to-respond",) == found[Level.OUTCOME].unforeseen
    assert Fraction(4 * 820_000) == found[Level.OUTCOME].amount


def test_stakes_when_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Stake(Level.OUTPUT, ("night-sweep",), Fraction(1_230_000), Fraction(2, 3), ("time-to-respond",))]
    show.stakes(found, "CLP", Format.TABLE, "es")
    said = capsys.readouterr().out
    assert "$1.230.000" in said
    assert "66,7\N{NO-BREAK SPACE}%" in said
    assert "No previsible: time-to-respond" in said
    show.stakes(found, "CLP", Format.JSON, "es")
    (row,) = json.loads(capsys.readouterr().out)
    assert ("output", "night-sweep", "1230000", "CLP", "2/3") == tuple(row.values())[:5]


def test_findings_when_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Finding(FindingCode.FILE_MISSING, "points.csv", "")]
    show.findings(found, Format.TABLE, "pt")
    assert "file_missing: Falta points.csv; inclua-o na pasta do contrato.\n" == capsys.readouterr().out
    show.findings(found, Format.JSON, "en")
    assert "points.csv" == json.loads(capsys.readouterr().out)[0]["file"]
