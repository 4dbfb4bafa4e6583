"""`docs/terms.md` names every key, choice and finding of the terms, and no finding that is none."""

import re
import subprocess
from collections.abc import Iterator
from datetime import date, time
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from app import text, zones
from app.jobs.contracts import load_files
from app.jobs.stakes import stakes
from app.jobs.templates import contract_files
from rules import causes
from rules.calendar import SECOND_US, window_on
from rules.consequences import Consequence
from rules.contract import ContractFile, Point
from rules.days import HolidayList
from rules.load import TERMS_FILES
from rules.measures import Measure, RecordedMeasure
from rules.numbers import Clause, Dated
from rules.payments.money import written
from rules.process.standing import State
from rules.process.terms import ClockName, Permission, Start
from rules.records import FindingCode
from rules.register import REGISTER_FILES
from rules.sampling import draw
from rules.standards import people
from rules.sweeps import VISIT_US
from tests.docs.pages import assert_named, page
from tests.house.sources import ROOT, assert_none

PAGE = page("terms.md")
PROCESS_PAGE = page("due-process.md")
_STREET = ["VP-01", "street"]


def _unwrapped(annotation: Any) -> Iterator[Any]:
    """Give what an annotation is made of: classes and literals."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _unwrapped(get_args(annotation)[0])
    elif origin in {tuple, list, dict, Union, UnionType}:
        for part in get_args(annotation):
            if part not in {Ellipsis, NoneType}:
                yield from _unwrapped(part)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give each key that holds a value, with its annotation; a clause and a dated value are values."""
    for name, field in model.model_fields.items():
        here = f"{path}.{field.alias or name}".removeprefix(".")
        parts = list(_unwrapped(field.annotation))
        tables = [part for part in parts if _is_model(part) and part not in {Clause, Dated}]
        for table in tables:
            yield from _leaves(table, here)
        if not tables:
            yield here, field.annotation


def _choices(annotation: Any) -> Iterator[str]:
    for part in _unwrapped(annotation):
        if get_origin(part) is Literal:
            # As TOML writes them; the empty text is no choice that one would write.
            yield from (
                str(one).lower() if isinstance(one, bool) else str(one) for one in get_args(part) if one != ""
            )
        elif isinstance(part, type) and issubclass(part, StrEnum):
            yield from (member.value for member in part)


def test_keys_when_looked_up() -> None:
    keys = {key for key, _ in _leaves(ContractFile)}
    assert {"standard.measure.residual", "standard.consequence.cap.pct", "late.grace"} <= keys
    # Every clock has the same keys: they are written once, under `process.clocks.NAME`.
    assert_named(PAGE + PROCESS_PAGE, {re.sub(r"^(process\.clocks)\.\w+\.", r"\1.NAME.", key) for key in keys})
    assert_named(PROCESS_PAGE, {f"holidays.{name}" for name in HolidayList.model_fields})
    assert_named(PROCESS_PAGE, {*ClockName, *Permission, *Start, *State})


def test_keys_of_clause_and_value_when_looked_up() -> None:
    keys = {f"clause.{name}" for name in Clause.model_fields}
    assert_named(PAGE, keys | {field.alias or name for name, field in Dated.model_fields.items()})


def test_choices_when_looked_up() -> None:
    of_values = [field.annotation for field in Dated.model_fields.values()]
    annotations = [annotation for _, annotation in _leaves(ContractFile)] + of_values
    choices = {choice for annotation in annotations for choice in _choices(annotation)}
    assert {"by_cause", "es-CL", "operator_off", "longest_unemptied", "firm_by_act"} <= choices
    assert_named(PAGE + PROCESS_PAGE, choices)


def test_findings_when_looked_up() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("\n## Findings\n")[2], re.MULTILINE))
    assert_none({code.value for code in FindingCode} ^ listed)


def test_page_when_it_names_keys() -> None:
    tables = "|".join(ContractFile.model_fields)
    stated = set(re.findall(rf"^\| (`(?:{tables})\.[\w.`, ]+`) \|", PAGE, re.MULTILINE))
    keys = {key for key, _ in _leaves(ContractFile)} | {*TERMS_FILES}
    assert_none(name for cell in stated for name in re.findall(r"`([\w.]+)`", cell) if name not in keys)


def test_files_when_looked_up() -> None:
    assert_named(PAGE, (*TERMS_FILES, *REGISTER_FILES))


def test_measures_when_looked_up() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `\w+`(?:, `\w+`)* \| .* \| `(?:<=|>=)` \|", line)]
    listed = {kind: row for row in rows for kind in re.findall(r"`(\w+)`", row.split(" | ")[0])}
    # What is recorded says itself what it counts in; its target points as that needs.
    for model in set(get_args(Measure)) - {RecordedMeasure}:
        for kind in get_args(model.model_fields["kind"].annotation):
            subject, span, op = (cell.strip() for cell in listed.pop(kind).split("|")[3:6])
            assert set(model.subjects) == set(re.findall(r"`(\w+)`", subject))
            assert span.strip("`") in model.spans
            assert f"`{model.op_needed}`" == op
    assert {} == listed


def test_recorded_measure_when_looked_up() -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| `recorded` | "))
    cells = [set(re.findall(r"`([\w<>=]+)`", cell)) for cell in row.split("|")[3:6]]
    assert [set(RecordedMeasure.subjects), set(RecordedMeasure.spans), {"<=", ">="}] == cells


def test_cases_when_looked_up() -> None:
    table = PAGE.partition("| clause | case | in the terms |")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines()[2:] for name in re.findall(r"`([\w.]+)`", row.split(" | ")[1])]
    assert sorted(path.parent.name for path in (ROOT / "tests" / "cases").glob("*/expected.json")) == sorted(listed)


def test_tariffs_when_looked_up() -> None:
    annotation = Consequence.model_fields["tariff"].annotation
    kinds = {kind for model in get_args(annotation) for kind in get_args(model.model_fields["kind"].annotation)}
    assert kinds == set(re.findall(r"^\| `(\w+)` \| (?:anything|\w+ with `[<>]=`) \|", PAGE, re.MULTILINE))


def test_classes_when_looked_up() -> None:
    table = PAGE.partition("| class | who speaks |")[2].partition("\n\n")[0]
    classes = {people.INSPECTION, people.CASE_DESK, people.CONTRACTOR_DESK, people.COLLECTOR}
    assert classes == set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_constants_when_looked_up() -> None:
    flat = " ".join(PAGE.split())
    assert f"at least {causes.GATEWAY_DEVICES_MIN} devices are silent, and there is no `network` one" in flat
    assert f"no name and at least {causes.NETWORK_DEVICES_MIN} devices must be silent" in flat
    assert (10, 3) == (causes.ONE_IN, causes.HABIT_READINGS_MIN)
    assert "nine in ten of those that tell anything" in flat
    assert "three readings at least, else it has none" in flat
    low_mv, high_mv = causes.BATTERY_SPENT_MV
    assert f"a battery of {low_mv / 1000:g} to {high_mv / 1000:g} V" in flat
    assert f"back within {VISIT_US // SECOND_US} s is the same visit" in flat


def test_night_of_the_change_when_laid() -> None:
    zone = zones.snapshot("America/Santiago", 2026, 2027)
    for day, hours in ((date(2026, 9, 5), 6), (date(2027, 4, 3), 8)):
        night = window_on(zone, day, time(22), time(5))
        assert hours * 3_600 * SECOND_US == night.end_us - night.start_us
    assert "5 to 6 September 2026, so that night has 6 hours" in " ".join(PAGE.split())


def test_draw_when_its_lines_are_run(tmp_path: Path) -> None:
    (commands,) = re.findall(r"^```sh\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "points.csv").write_text(contract_files()["points.csv"], encoding="utf-8")
    line = ["/bin/sh", "-c", commands]
    done = subprocess.run(line, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    points = [line.split(",") for line in contract_files()["points.csv"].splitlines()[1:]]
    drawn = draw("acta-2026-07-10", "2026-09", "VP-01", [Point(*one) for one in points if one[1:] == _STREET], 10)
    assert drawn == [line.split()[1] for line in done.stdout.splitlines()]


def test_stakes_when_computed_again() -> None:
    commands = " ".join(page("cli.md").split())
    for one in stakes(load_files(contract_files())):
        said = [
            text.amount(written(one.amount), "CLP", "en"),
            text.share(Fraction(round(one.share * 1_000), 1_000), "en"),
        ]
        assert text.level_name(one.level, "en") in commands
        assert " ".join(" ".join(said).split()) in commands, f"docs/cli.md does not say {one.level} {said}"
