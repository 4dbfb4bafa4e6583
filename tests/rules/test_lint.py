"""Every finding is reached by a broken contract that a clerk could have written: `tests/cases/broken`."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules.errors import TermsError
from rules.load import load_terms
from rules.records import Finding, FindingCode
from rules.register import load_register
from tests.rules.contracts import (
    SANTIAGO,
    changed,
    contract_table,
    folder,
    full_standard,
    terms_of,
    unemptied_standard,
    without,
    zone_of,
)

CASES = sorted((Path(__file__).parent.parent / "cases" / "broken").glob("*.toml"))


def broken(case: dict[str, Any]) -> dict[str, str]:
    """Make the folder that a case describes: changes by key, rows added to files, files replaced or left out."""
    table = contract_table(full_standard(), unemptied_standard())
    for change in case.get("change", []):
        key = change["key"]
        table = changed(table, key, change["value"]) if "value" in change else without(table, key)
    files = folder(table)
    for name, rows in case.get("add", {}).items():
        files[name] += rows
    for name, text in case.get("replace", {}).items():
        files[name] = text
    for name in case.get("missing", []):
        del files[name]
    return files


def findings_of(files: dict[str, str]) -> list[Finding]:
    try:
        terms = load_terms(files, zone_of(SANTIAGO))
        load_register(files, terms)
    except TermsError as error:
        return list(error.findings)
    return []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_finding_is_the_only_one_when_one_thing_is_wrong(path: Path) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    found = [(one.code.value, one.file, one.key) for one in findings_of(broken(case))]
    assert [(case["finding"]["code"], case["finding"]["file"], case["finding"]["key"])] == found


def test_every_code_has_a_case_when_cases_are_read() -> None:
    codes = {tomllib.loads(path.read_text(encoding="utf-8"))["finding"]["code"] for path in CASES}
    # Flags keep nothing from loading: tests/app/test_flags.py; nor do rule packs: tests/rules/packs.
    flags = {
        FindingCode.ONLY_OUTPUTS,
        FindingCode.NEVER_CHARGED,
        FindingCode.FINES_UNBOUNDED,
        FindingCode.HOLIDAYS_MISSING,
    }
    flags |= {code for code in FindingCode if code.startswith("pack_")}
    assert flags == set(FindingCode) - {FindingCode(code) for code in codes}


def test_nothing_is_found_when_nothing_is_wrong() -> None:
    assert [] == findings_of(broken({}))


@pytest.mark.parametrize(
    "order",
    [
        ["tariff", "index", "cap", "overlap", "allowance", "round"],
        ["allowance", "overlap", "tariff", "index", "cap", "round"],
        ["allowance", "tariff", "overlap", "index", "cap", "round"],
    ],
)
def test_order_loads_when_money_steps_follow_each_other(order: list[str]) -> None:
    assert order == list(terms_of(changed(contract_table(), "money.order", order)).file.money.order)
