"""From an empty database to a fine that has become firm, by the commands alone, on both databases."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.narrow import CONTAINERS, FILLS_MAPPING, only, rows_of

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]

CONTRACT = "patio-2025"


class Office:
    """A contract office: a folder, a database, the command line."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PONIENTE_DATABASE": dsn, "PONIENTE_LANGUAGE": "es"}

    def run(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=self.folder,
            timeout=120,
        )
        assert status == done.returncode, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + (done.stderr if status else "")

    def statement(self, month: str, *more: str) -> dict[str, Any]:
        out = f"out-{month}"
        self.run("statement", CONTRACT, month, "--issue", "--out", out, *more)
        return json.loads((self.folder / out / "statement.json").read_text())


@pytest.fixture
def office(tmp_path: Path, database: str) -> Office:
    office = Office(tmp_path, database)
    office.run("new", "contract", CONTRACT)
    terms = tmp_path / CONTRACT / "contract.toml"
    text = terms.read_text().replace("2026-07-10T", "2024-12-10T")
    text = text.replace("from = 2026-09-01, until = 2028-09-01", "from = 2025-01-01, until = 2026-01-01")
    # Everything reads the fill directly, and the third event a zone is rare in one container.
    terms.write_text(only(text, *CONTAINERS).replace("free = 2", "free = 0"))
    (tmp_path / CONTRACT / "indexes.csv").write_text(
        "series,month,value,published,source\nUTM,2025-01,67429,2024-12-10,SII\nUTM,2025-02,67294,2025-01-10,SII\n"
    )
    for name in ("assets.csv", "installations.csv"):
        path = tmp_path / CONTRACT / name
        path.write_text(
            rows_of(path.read_text(), "VP-0401").replace("2026-08-01", "2024-12-01").replace("1450,250", ",")
        )
    (tmp_path / "readings.toml").write_text(FILLS_MAPPING)
    (tmp_path / "readings.csv").write_text(_readings())
    (tmp_path / "decreto-12.pdf").write_bytes(b"decreto 12")
    office.run("migrate")
    # It loads, and is asked about: nothing of it hangs on what comes of the work.
    assert "only_outputs" in office.run("check", CONTRACT, status=1)
    office.run("contract", "add", CONTRACT)
    office.run("import", "readings.csv", "--mapping", "readings.toml")
    return office


def _readings() -> str:
    """Two months, half-hourly: emptied every night at 02:00, full from 09:00 to 16:00 on 14 January only."""
    rows = ["device,time,fill"]
    for month, days in (
        ("2024-12", range(25, 32)),
        ("2025-01", range(1, 32)),
        ("2025-02", range(1, 29)),
        ("2025-03", range(1, 3)),
    ):
        for day in days:
            for half in range(48):
                hour, minute = divmod(half * 30, 60)
                fill = 0.40 if hour < 2 else 0.02 + 0.01 * half
                if (month, day) == ("2025-01", 14) and 9 <= hour < 16:
                    fill = 0.97
                rows.append(f"24e124713b000401,{month}-{day:02d}T{hour:02d}:{minute:02d},{fill:.2f}")
    return "\n".join(rows) + "\n"


def test_fine_is_charged_when_an_act_has_made_it_firm(office: Office) -> None:
    """A contract's story: too early, January, the act, late data, February, why, once more."""
    line = "2025-01/container-full/VP-0401/2025-01-14"
    act = ("--effect", "firm", "--number", "12", "--date", "2025-02-20", "--signer", "alcaldesa")
    act = (*act, "--document", "decreto-12.pdf")
    assert "statement of 2025-01 is not issued" in office.run("statement", CONTRACT, "2025-02", "--issue", status=1)
    assert "run poniente assess" in office.run("statement", CONTRACT, "2025-01", status=1)
    assert "issue the month first" in office.run("act", CONTRACT, line, *act, status=1)

    january = office.statement("2025-01")
    assert ("41000000", "-33715") == (january["totals"]["net"], january["totals"]["in_procedure"])

    office.run("act", CONTRACT, line, *act)
    assert "not in procedure" in office.run("act", CONTRACT, f"{line}x", *act, status=1)
    (office.folder / "late.csv").write_text("device,time,fill\n24e124713b000401,2025-01-20T10:10,0.99\n")
    office.run("import", "late.csv", "--mapping", "readings.toml")
    office.run("assess", CONTRACT, "--from", "2025-01-20", "--to", "2025-01-21")
    assert january == office.statement("2025-01")

    february = office.statement("2025-02")
    assert [line] == [one["id"] for one in february["blocks"]["B"]["lines"]]
    assert ("40966285", "0") == (february["totals"]["net"], february["totals"]["in_procedure"])
    assert january["closing_sha256"] == february["opening_sha256"]

    said = office.run("explain", CONTRACT, line)
    for part in ("permaneció lleno al menos 6 h 30 min", "Cláusula 14.2", "sim/24e124713b000401", "0.97", "67.429"):
        assert part in said
    office.run("doctor")


def test_nothing_changes_when_done_again(office: Office) -> None:
    """The same version and the same rows again are nothing new; another content under a version is refused."""
    office.run("contract", "add", CONTRACT)
    said = office.run("import", "readings.csv", "--mapping", "readings.toml", "--format", "json")
    counts = {row["outcome"]: row["n"] for row in json.loads(said) if row["unit"] == "reading"}
    assert (0, 3264) == (counts.get("accepted", 0), counts["duplicate"])

    terms = office.folder / CONTRACT / "contract.toml"
    terms.write_text(terms.read_text().replace('"41000000"', '"42000000"'))
    assert "give the new terms version 2" in office.run("contract", "add", CONTRACT, status=1)


def test_wrong_use_says_what_to_do_when_anywhere(tmp_path: Path) -> None:
    office = Office(tmp_path, "host=127.0.0.1 port=1 dbname=none")

    assert "is not a month" in office.run("statement", CONTRACT, "2025-1", status=2)
    assert "the database does not answer" in office.run("doctor", status=1)
    assert "poniente new contract" in office.run("check", "nowhere", status=2)
    assert "is not host:port" in office.run("publish", "x.jsonl", "--broker", "nowhere", status=2)
    office.environment["PONIENTE_WINDOW"] = "many"
    assert "PONIENTE_WINDOW" in office.run("ingest", status=2)
