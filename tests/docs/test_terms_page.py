"""`docs/terms.md` names every key, choice and finding of the terms, and no finding that is none."""

import re
from collections.abc import Iterator
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from rules.contract import Clause, ContractFile, Dated
from rules.load import TERMS_FILES
from rules.records import FindingCode
from rules.register import REGISTER_FILES
from tests.docs.pages import assert_named, page
from tests.house.sources import assert_none

PAGE = page("terms.md")


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
            yield from map(str, get_args(part))
        elif isinstance(part, type) and issubclass(part, StrEnum):
            yield from (member.value for member in part)


def test_keys_when_looked_up() -> None:
    keys = {key for key, _ in _leaves(ContractFile)}
    assert {"standard.measure.residual", "standard.consequence.cap.pct", "late.grace"} <= keys
    assert_named(PAGE, keys)


def test_keys_of_clause_and_value_when_looked_up() -> None:
    keys = {f"clause.{name}" for name in Clause.model_fields}
    assert_named(PAGE, keys | {field.alias or name for name, field in Dated.model_fields.items()})


def test_choices_when_looked_up() -> None:
    of_values = [field.annotation for field in Dated.model_fields.values()]
    annotations = [annotation for _, annotation in _leaves(ContractFile)] + of_values
    choices = {choice for annotation in annotations for choice in _choices(annotation)}
    assert {"by_cause", "es-CL", "operator_off", "longest_unemptied"} <= choices
    assert_named(PAGE, choices)


def test_findings_when_looked_up() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("\n## Findings\n")[2], re.MULTILINE))
    assert_none({code.value for code in FindingCode} ^ listed)


def test_page_when_it_names_keys() -> None:
    tables = "contract|calendar|money|late|evidence|base|goal|standard"
    stated = set(re.findall(rf"^\| (`(?:{tables})\.[\w.`, ]+`) \|", PAGE, re.MULTILINE))
    keys = {key for key, _ in _leaves(ContractFile)} | {*TERMS_FILES}
    assert_none(name for cell in stated for name in re.findall(r"`([\w.]+)`", cell) if name not in keys)


def test_files_when_looked_up() -> None:
    assert_named(PAGE, (*TERMS_FILES, *REGISTER_FILES))
