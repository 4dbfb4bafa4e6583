"""A contract held against a rule pack: each kind of bound is passed by one contract and kept by another."""

import copy
from datetime import date
from typing import Any

import pytest

from app.jobs.packs import is_binding, known_packs, pack_findings, pack_of
from rules.contract import Terms
from rules.errors import PackError
from rules.load import load_terms
from rules.packs.lint import lint_pack
from rules.packs.model import Pack, read_pack, value_of
from rules.records import FindingCode
from tests.rules.contracts import SANTIAGO, Table, changed, contract_table, folder, full_standard, zone_of
from tests.rules.process.cases import TABLE

CALENDAR = '[[holidays]]\nid = "chile"\nsource = "x"\npublished = 2026-01-02\ndays = [2026-09-18]\n'
HEAD: Table = {
    "id": "one",
    "source": "law 1, 2",
    "date": date(2026, 7, 1),
    "reviewer": "legal",
    "status": "confirmed",
}
FINE: Table = {"nature": "fine", "tariff": {"kind": "per_event", "amount": "1000", "unit": "CLP"}}
BOOKED: Table = {"nature": "fine", "taxed": False, "budget": "115"}
WHOLE: Table = {"id": "whole", "clause": "22", "natures": ["fine"], "per": "contract"}


def terms(*changes: tuple[str, Any]) -> Terms:
    """Load a contract with fines, a process and a cap of 30 % of the contract, with some keys changed."""
    table = contract_table(full_standard(consequence=[FINE]))
    table["process"] = copy.deepcopy(TABLE)
    table["relief"] = [{"code": "strike", "clause": "30.1", "effect": "stops_clocks", "covers": "touched"}]
    table["money"]["order"].insert(0, "relief")
    table["money"] |= {"vat": "0.19", "natures": [BOOKED]}
    table["total_cap"] = [{**WHOLE, "pct": "30", "base": "monthly-fee", "of": "span"}]
    table["money"]["order"].insert(-1, "total_cap")
    for path, value in changes:
        table = changed(table, path, value)
    return load_terms({**folder(table), "calendar.toml": CALENDAR}, zone_of(SANTIAGO))


def pack(**entry: Any) -> Pack:
    return Pack.model_validate({"jurisdiction": "xx", "entry": [{**HEAD, **entry}]})


# Confirmed by nobody.
NOBODY = """
jurisdiction = "xx"
[[entry]]
id = "a"
bounds = "invoice_answer"
most = 8
source = "s"
date = 2026-07-01
status = "confirmed"
"""
MONTHLY: Table = {**WHOLE, "per": "month", "pct": "50", "base": "monthly-fee"}
CAP: Table = {"bounds": "nature_cap", "natures": ["fine", "damages"], "pct": "30", "of": "contract"}
CASES: list[tuple[Table, tuple[str, Any], FindingCode, str]] = [
    # 24 months of 1 479 000, of which 31 % are more than 30 %.
    (CAP, ("total_cap.0.pct", "31"), FindingCode.PACK_CAP, "11003760"),
    (CAP, ("total_cap.0.natures", ["price"]), FindingCode.PACK_CAP, ""),
    # A tenth of each month is a tenth of the whole; of half of it each month, half.
    (
        CAP,
        ("total_cap.0", {**WHOLE, "per": "month", "pct": "50", "base": "monthly-fee"}),
        FindingCode.PACK_CAP,
        "17748000",
    ),
    ({**CAP, "of": "month"}, ("total_cap.0.per", "contract"), FindingCode.PACK_CAP, ""),
    (
        {"bounds": "defence", "least": 10, "weekdays": ["mon", "tue", "wed", "thu", "fri"]},
        ("process.clocks.defence.length", 9),
        FindingCode.PACK_DEFENCE,
        "9",
    ),
    (
        {"bounds": "defence", "weekdays": ["mon", "tue", "wed", "thu", "fri"]},
        ("process.clocks.defence.day_kind", "running"),
        FindingCode.PACK_DEFENCE,
        "sat, sun",
    ),
    (
        {"bounds": "deemed", "least": "PT24H"},
        ("process.channel.0.deemed.after", "PT1H"),
        FindingCode.PACK_DEEMED,
        "PT1H",
    ),
    ({"bounds": "vat", "rate": "0.19"}, ("money.vat", "0.18"), FindingCode.PACK_VAT, "0.18"),
    ({"bounds": "vat", "untaxed": ["fine"]}, ("money.natures.0.taxed", True), FindingCode.PACK_VAT, "true"),
    (
        {"bounds": "index_months", "series": "UTM", "months": ["fact"]},
        ("money.indexes.0.month", "act"),
        FindingCode.PACK_INDEX,
        "act",
    ),
    (
        {"bounds": "invoice_answer", "most": 8},
        ("process.clocks.invoice_answer.length", 9),
        FindingCode.PACK_INVOICE,
        "9",
    ),
    (
        {"bounds": "invoice_payment", "most": 60},
        ("process.clocks.invoice_payment.length", 61),
        FindingCode.PACK_INVOICE,
        "61",
    ),
    (
        {"bounds": "city_silence", "outcomes": ["annulled", "open"]},
        ("process.city_silence", {"outcome": "upheld", "clause": "9"}),
        FindingCode.PACK_CITY_SILENCE,
        "upheld",
    ),
    (
        {"bounds": "forgiving", "natures": ["fine"]},
        ("money.natures.0", {**BOOKED, "forgiven_by": "mayor", "clause": "33"}),
        FindingCode.PACK_FORGIVING,
        "mayor",
    ),
]


@pytest.mark.parametrize(("entry", "change", "code", "value"), CASES)
def test_bound_is_found_when_it_is_passed_and_only_then(
    entry: Table, change: tuple[str, Any], code: FindingCode, value: str
) -> None:
    found = list(lint_pack(terms(change), pack(**entry)))
    assert [(code, value)] == [(one.code, one.value) for one in found]
    assert all(one.basis and one.basis.source == "law 1, 2" for one in found)
    if entry.get("of") != "month":
        assert [] == list(lint_pack(terms(), pack(**entry)))


def test_cap_asks_nothing_when_the_contract_charges_no_such_nature() -> None:
    plain = load_terms(folder(contract_table()), zone_of(SANTIAGO))
    assert [] == list(lint_pack(plain, pack(**CAP)))


def test_status_decides_whether_a_finding_binds() -> None:
    passed = terms(("process.clocks.invoice_answer.length", 9))
    for status, is_bound in (("confirmed", True), ("unconfirmed", False)):
        (found,) = lint_pack(passed, pack(bounds="invoice_answer", most=8, status=status))
        assert is_bound == is_binding(found)


def test_every_pack_is_whole_when_it_is_read() -> None:
    assert ("cl",) == known_packs()
    for name in known_packs():
        read = pack_of(name)
        assert name == read.jurisdiction
        assert all(value_of(one) and one.source for one in read.entry)
        assert all(one.reviewer for one in read.entry if one.status == "confirmed")


def test_terms_are_held_against_the_pack_that_they_name() -> None:
    assert [] == pack_findings(terms())
    found = pack_findings(terms(("contract.jurisdiction", "cl"), ("process.clocks.invoice_answer.length", 9)))
    assert [(FindingCode.PACK_INVOICE, "cl/invoice-eight-days")] == [
        (one.code, one.basis.entry if one.basis else "") for one in found
    ]
    (unknown,) = pack_findings(terms(("contract.jurisdiction", "zz")))
    assert (FindingCode.UNKNOWN_REFERENCE, ("cl",), True) == (unknown.code, unknown.choices, is_binding(unknown))


@pytest.mark.parametrize(
    "text",
    [
        "jurisdiction = 3",
        'jurisdiction = "xx"\n[[entry]]\nid = "a"\nbounds = "guess"\n',
        NOBODY,
    ],
)
def test_pack_is_refused_when_it_is_none(text: str) -> None:
    with pytest.raises(PackError):
        read_pack(text)
