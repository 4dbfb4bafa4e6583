"""The JSON Schema of `contract.toml` takes what loads, and refuses what an editor should mark."""

import copy
import tomllib
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from app.jobs.templates import contract_files
from rules.schema import contract_schema

CASES = Path(__file__).parents[1] / "cases"
VALIDATOR = Draft202012Validator(contract_schema())


def plain(said: Any) -> Any:
    """Write dates and decimals as an editor hands them to a schema."""
    match said:
        case dict():
            return {key: plain(value) for key, value in cast("dict[str, Any]", said).items()}
        case list():
            return [plain(one) for one in cast("list[Any]", said)]
        case datetime() | date() | time():
            return said.isoformat()
        case Decimal():
            return float(said)
        case _:
            return said


def template() -> dict[str, Any]:
    return plain(tomllib.loads(contract_files()["contract.toml"], parse_float=Decimal))


def places(said: dict[str, Any]) -> set[str]:
    return {".".join(map(str, error.path)) for error in VALIDATOR.iter_errors(said)}  # pyright: ignore[reportUnknownMemberType]


def test_template_is_valid_when_an_editor_reads_it() -> None:
    Draft202012Validator.check_schema(contract_schema())
    assert set[str]() == places(template())


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CASES.glob("*/expected.json")))
def test_clause_is_valid_when_an_editor_reads_it(name: str) -> None:
    text = (CASES / name / "contract.toml").read_text(encoding="utf-8")
    assert set[str]() == places(plain(tomllib.loads(text, parse_float=Decimal)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("money", "currency"), "XXX"),
        (("money", "rounding", "at"), "nowhere"),
        (("standard", 0, "consequence", 0, "nature"), "tip"),
        (("standard", 0, "measure", "kind"), "guess"),
        (("calendar", "surprise"), 1),
    ],
)
def test_place_is_marked_when_something_else_stands_there(path: tuple[Any, ...], value: Any) -> None:
    said = copy.deepcopy(template())
    table: Any = said
    for part in path[:-1]:
        table = table[part]
    table[path[-1]] = value
    (found,) = places(said)
    assert ".".join(map(str, path)).startswith(found)
