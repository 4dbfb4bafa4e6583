"""Real clauses: each folder of `tests/cases` is a contract as a clerk writes it, facts, what they come to.

Run as people run it: `poniente pay FOLDER determinations.csv --period P`. A folder with a table for each month is a
chain of months, each opened by the closing state of the one before.
"""

import csv
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app import text
from app.cli.main import main
from app.jobs.contracts import load_files, read_folder
from app.jobs.templates import write_contract

CASES = Path(__file__).parents[1] / "cases"
NAMES = sorted(path.parent.name for path in CASES.glob("*/expected.json"))
# As many as there are worked examples of real clauses; more clauses stand beside them.
COUNT = 42


def pay(folder: Path, facts: Path, period: str, *options: str) -> dict[str, Any]:
    """Run `poniente pay`, with the reliefs and officers' acts that lie beside the terms."""
    more = [
        word
        for name in ("reliefs", "inputs")
        if (folder / f"{name}.json").is_file()
        for word in (f"--{name}", str(folder / f"{name}.json"))
    ]
    done = CliRunner().invoke(main, ["pay", str(folder), str(facts), "--period", period, *more, *options])
    assert done.exception is None, done.exception
    body: dict[str, Any] = json.loads(done.stdout)
    return body


def months(folder: Path, states: Path) -> list[dict[str, Any]]:
    """Statements of a case, month by month."""
    single = folder / "determinations.csv"
    if single.is_file():
        return [pay(folder, single, "2026-09")]
    bodies: list[dict[str, Any]] = []
    opening: tuple[str, ...] = ()
    for facts in sorted(folder.glob("20*.csv")):
        closing = states / f"{facts.stem}.json"
        bodies.append(pay(folder, facts, facts.stem, *opening, "--closing", str(closing)))
        opening = ("--opening", str(closing))
    return bodies


def found(expected: str, bodies: list[dict[str, Any]]) -> Fraction:
    """What a case asks for, of its last statement."""
    lines = [line for block in bodies[-1]["blocks"].values() for line in block["lines"]]
    match expected:
        case "deducted":
            return -sum((Fraction(line["amount"]) for line in lines if line["kind"] == "deduction"), Fraction(0))
        case "paid":
            return Fraction(bodies[-1]["totals"]["net"])
        case "kept":
            kinds = ("retention", "release")
            return -sum((Fraction(line["amount"]) for line in lines if line["kind"] in kinds), Fraction(0))
        case "highest_notice":
            return max(Fraction(one["sum"]) for body in bodies for one in body.get("notices", []))
        case "barred":
            return Fraction(sum(bool(one.get("barred_by")) for one in bodies[-1].get("notices", [])))
        case other:
            raise ValueError(f"no case asks for {other!r}")


@pytest.mark.parametrize("name", NAMES)
def test_clause_pays_what_its_source_says(name: str, tmp_path: Path) -> None:
    said: dict[str, str] = json.loads((CASES / name / "expected.json").read_text(encoding="utf-8"))
    assert name == said.pop("vector")
    bodies = months(CASES / name, tmp_path)
    assert said == {key: value for key, value in said.items() if Fraction(value) == found(key, bodies)}


@pytest.mark.parametrize("name", NAMES)
def test_clause_has_a_sentence_for_each_line(name: str, tmp_path: Path) -> None:
    for body in months(CASES / name, tmp_path):
        for block in body["blocks"].values():
            for line in block["lines"]:
                said = {text.sentence(line, body["currency"], language) for language in text.LANGUAGES}
                assert len(text.LANGUAGES) == len(said)
                assert not [one for one in said if "{" in one]
                for step in line["trace"]:
                    rows = [text.step_row(line, step, body["currency"], language) for language in text.LANGUAGES]
                    assert not [one for row in rows for one in row if "{" in one]


# A fact of each measure that sensors or inspectors feed, as a clerk hands it in to `poniente pay`.
HANDED_IN = {
    "container-full": "PT5H",
    "emptied-every-three-days": "P4D",
    "night-sweep": "0.5",
    "worst-streets": "0.5",
    "time-without-pass": "P5D",
    "closing-condition": "0.5",
    "time-to-respond": "PT30H",
    "report-in-time": "1",
    "report-given": "1",
    "report-true": "7",
    "tracker-feed": "0.5",
}


def test_statement_has_sentence_and_remedy_when_a_clerk_hands_in_any_measure(tmp_path: Path) -> None:
    folder, facts = tmp_path / "contract", tmp_path / "facts.csv"
    write_contract(folder)
    rows = [f"{name},VP-01,VP-01,2026-09-01,{value}" for name, value in HANDED_IN.items()]
    facts.write_text("\n".join(["standard,subject,zone,day,value", *rows, ""]))
    body = pay(folder, facts, "2026-09")
    standards = load_files(read_folder(folder)).terms.file.standard
    lines = [line for block in body["blocks"].values() for line in block["lines"] if line["standard"]]
    assert {one.id for one in standards} == {line["standard"] for line in lines}
    for line in lines:
        assert len(text.LANGUAGES) == len({text.sentence(line, "CLP", language) for language in text.LANGUAGES})
        assert len(text.LANGUAGES) == len({text.remedy(line, language) for language in text.LANGUAGES})
    arguments = ["pay", str(folder), str(facts), "--period", "2026-09", "--format"]
    table = CliRunner().invoke(main, [*arguments, "table", "--lang", "es"])
    assert "Proporción barrida del largo de calles, VP-01: a lo más 50,0" in " ".join(table.stdout.split())
    assert "No habría línea si hubiera sido al menos" in " ".join(table.stdout.split())
    printed = list(csv.DictReader(CliRunner().invoke(main, [*arguments, "csv"]).stdout.splitlines()))
    assert [row["standard"] for row in printed if row["remedy_en"]] == [line["standard"] for line in lines]


def test_every_worked_example_has_its_case() -> None:
    assert COUNT <= len(NAMES)
