"""Real clauses: each folder of `tests/cases/clauses` is a contract as a clerk writes it, facts, what they come to.

Run as people run it: `poniente pay FOLDER determinations.csv --period P`. A folder with a table for each month is a
chain of months, each opened by the closing state of the one before.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app import text
from app.cli.main import main

CASES = Path(__file__).parents[1] / "cases" / "clauses"
NAMES = sorted(folder.name for folder in CASES.iterdir())
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


def test_every_worked_example_has_its_case() -> None:
    assert COUNT <= len(NAMES)
