"""Findings on the terms of due process, from the text that a clerk writes."""

import copy
from typing import Any

import pytest

from rules.errors import TermsError
from rules.load import load_terms
from rules.records import Finding, FindingCode
from tests.rules.contracts import SANTIAGO, changed, contract_table, folder, without, zone_of
from tests.rules.process.cases import TABLE

CALENDAR = """
[[holidays]]
id = "chile"
source = "Diario Oficial"
published = 2026-01-02
days = [2026-09-18]
"""


def _contract() -> dict[str, Any]:
    code = {"code": "strike", "clause": "30.1", "effect": "stops_clocks", "covers": "touched"}
    return {**contract_table(), "process": copy.deepcopy(TABLE), "relief": [code]}


def _found(table: dict[str, Any], calendar: str | None = CALENDAR) -> list[tuple[FindingCode, str]]:
    return [(one.code, one.key) for one in _findings(table, calendar)]


def _findings(table: dict[str, Any], calendar: str | None) -> tuple[Finding, ...]:
    files = folder(table) | ({} if calendar is None else {"calendar.toml": calendar})
    try:
        load_terms(files, zone_of(SANTIAGO))
    except TermsError as error:
        return error.findings
    return ()


def test_terms_load_when_whole() -> None:
    terms = load_terms({**folder(_contract()), "calendar.toml": CALENDAR}, zone_of(SANTIAGO))
    assert terms.file.process is not None
    assert {"chile"} == set(terms.holidays)


def test_terms_are_another_version_when_a_holiday_is_added() -> None:
    files = folder(_contract())
    before = load_terms({**files, "calendar.toml": CALENDAR}, zone_of(SANTIAGO))
    after = load_terms({**files, "calendar.toml": CALENDAR.replace("18]", "18, 2026-09-21]")}, zone_of(SANTIAGO))
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"forgiven_by": "mayor", "clause": "29"}, []),
        ({}, []),
        ({"forgiven_by": "mayor"}, [(FindingCode.UNDECLARED, "money.natures[fine].clause")]),
        (
            {"forgiven_by": "inspector", "clause": "29"},
            [(FindingCode.UNKNOWN_REFERENCE, "money.natures[fine].forgiven_by")],
        ),
    ],
)
def test_forgiving_needs_a_clause_and_an_office_that_may_decide(row: dict[str, str], found: list[Any]) -> None:
    table = _contract()
    table["money"]["natures"] = [{"nature": "fine", "taxed": False, "budget": "115", **row}]
    assert found == _found(table)


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("city_silence", {"outcome": "upheld"}, (FindingCode.CITY_SILENCE_CONDEMNS, "process.city_silence")),
        (
            "city_silence",
            {"outcome": "upheld", "clause": " "},
            (FindingCode.CITY_SILENCE_CONDEMNS, "process.city_silence"),
        ),
        ("clocks.defence.day_kind", "lunar", (FindingCode.UNKNOWN_REFERENCE, "process.clocks.defence.day_kind")),
        ("clocks.defence.runs_from", "firm", (FindingCode.NOT_A_CHOICE, "process.clocks.defence.runs_from")),
        ("clocks.defence.pauses", ["flood"], (FindingCode.UNKNOWN_REFERENCE, "process.clocks.defence.pauses")),
        ("clocks.defence.length", 0, (FindingCode.MALFORMED, "process.clocks.defence.length")),
        ("clocks.defence.length", "1.5", (FindingCode.MALFORMED, "process.clocks.defence.length")),
        ("day_kind.0.holidays", "peru", (FindingCode.UNKNOWN_REFERENCE, "process.day_kind[administrative].holidays")),
        (
            "channel.1.deemed.day_kind",
            "lunar",
            (FindingCode.UNKNOWN_REFERENCE, "process.channel[registered-letter].deemed.day_kind"),
        ),
        ("channel.0.deemed", {"after": "PT1H", "length": 1, "day_kind": "running"}, None),
        ("role.1.id", "inspector", (FindingCode.DUPLICATE_ID, "process.role[inspector].id")),
        ("incompatible.0.acts", ["decide", "decide"], (FindingCode.DUPLICATE_ID, "process.incompatible.acts")),
        ("incompatible.0.acts", ["decide"], (FindingCode.UNDECLARED, "process.incompatible[1].acts[2]")),
        ("role.0.permissions", ["rule"], (FindingCode.NOT_A_CHOICE, "process.role[inspector].permissions[1]")),
    ],
)
def test_terms_are_refused_when_a_key_is_wrong(path: str, value: Any, found: tuple[FindingCode, str] | None) -> None:
    told = _found(changed(_contract(), f"process.{path}", value))
    if found is None:
        assert [FindingCode.MALFORMED] == [code for code, _ in told]
    else:
        assert found in told


def test_city_silence_counts_when_its_clause_is_named() -> None:
    silence = {"outcome": "upheld", "clause": "28.4"}
    assert [] == _found(changed(_contract(), "process.city_silence", silence))


def test_one_half_of_the_appeal_is_no_appeal() -> None:
    told = _found(without(_contract(), "process.clocks.appeal_decision"))
    assert [(FindingCode.UNDECLARED, "process.clocks.appeal_decision")] == told


@pytest.mark.parametrize("path", ["clause", "clocks.raise_by", "contractor_silence", "city_silence", "role"])
def test_terms_are_refused_when_something_is_undeclared(path: str) -> None:
    assert (FindingCode.UNDECLARED, f"process.{path}") in _found(without(_contract(), f"process.{path}"))


@pytest.mark.parametrize(
    ("calendar", "code"),
    [
        ("[[holidays]", FindingCode.FILE_MALFORMED),
        (CALENDAR.replace("2026-09-18", '"someday"'), FindingCode.MALFORMED),
        (CALENDAR.replace("published", "told"), FindingCode.MALFORMED),
        (CALENDAR + CALENDAR, FindingCode.DUPLICATE_ID),
        (None, FindingCode.UNKNOWN_REFERENCE),
    ],
)
def test_calendar_is_refused_when_it_cannot_be_read(calendar: str | None, code: FindingCode) -> None:
    assert code in {found for found, _ in _found(_contract(), calendar)}
