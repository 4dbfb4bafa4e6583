"""A contract folder loads whole or not at all, and says of each mandatory term that is missing which it is."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from rules.consequences import EventTariff
from rules.errors import TermsError
from rules.load import load_terms, zone_needed
from rules.numbers import value_on
from rules.records import Finding, FindingCode
from tests.rules.contracts import (
    ASSETS,
    INDEXES,
    INSTALLATIONS,
    SANTIAGO,
    Table,
    changed,
    contract_table,
    folder,
    full_standard,
    register_of,
    terms_of,
    unemptied_standard,
    utc_us,
    without,
    zone_of,
)

FIRST = date(2026, 9, 1)


def rich() -> Table:
    """Build a contract that uses every term of this release."""
    full = full_standard(
        measure={**full_standard()["measure"], "across_windows": True, "look_back": "P2D"},
        consequence=[
            {
                "nature": "fine",
                "tariff": {"kind": "per_event", "amount": "0.5", "unit": "UTM"},
                "allowance": {"free": 2, "per": "zone"},
                "cap": {"per": "zone_month", "pct": "10", "base": "monthly-fee"},
            }
        ],
    )
    return contract_table(full, unemptied_standard())


def findings_of(load: Callable[[], Any]) -> list[Finding]:
    with pytest.raises(TermsError) as refused:
        load()
    return list(refused.value.findings)


def test_folder_loads_when_it_is_whole() -> None:
    terms = terms_of(rich())
    register = register_of(terms)
    assert ("vega-poniente", 1) == (terms.id, terms.version)
    assert {"VP-01": "Patio norte", "VP-02": "Patio sur"} == terms.zones
    assert Fraction(68_000) == terms.index_values["UTM", "2026-09"]
    assert ["C-1", "C-2"] == [asset.asset for asset in register.assets]
    assert 900_000 == register.installations[0].full_at_ppm


# Each mandatory term, where it stands, and whether the finding can offer choices.
MANDATORY = {
    "time zone": ("calendar.time_zone", "calendar.time_zone", ()),
    "dst": ("standard.0.window.dst", "standard[container-full].window.dst", ("elapsed",)),
    "period": ("calendar.period", "calendar.period", ("calendar_month",)),
    "payment period": ("calendar.payment_period", "calendar.payment_period", ("calendar_month",)),
    "count window": ("standard.0.count_window", "standard[container-full].count_window", ("kind", "reset")),
    "kind of count": (
        "standard.0.count_window.kind",
        "standard[container-full].count_window.kind",
        ("calendar_month",),
    ),
    "reset": ("standard.0.count_window.reset", "standard[container-full].count_window.reset", ("period",)),
    "max gap": ("standard.0.measure.max_gap", "standard[container-full].measure.max_gap", ()),
    "max gap unemptied": ("standard.1.measure.max_gap", "standard[unemptied].measure.max_gap", ()),
    "look back": ("standard.1.measure.look_back", "standard[unemptied].measure.look_back", ()),
    "look back across": ("standard.0.measure.look_back", "standard[container-full].measure.look_back", ()),
    "completeness": ("standard.0.completeness", "standard[container-full].completeness", ("min", "every")),
    "completeness min": ("standard.0.completeness.min", "standard[container-full].completeness.min", ()),
    "inconclusive": (
        "standard.0.inconclusive",
        "standard[container-full].inconclusive",
        ("no_deduction", "deduct", "hold", "by_cause"),
    ),
    "tolerance": ("standard.0.tolerance", "standard[container-full].tolerance", ("signal_error", "bound")),
    "bound": ("standard.0.tolerance.bound", "standard[container-full].tolerance.bound", ("favour_contractor",)),
    "overlap": ("standard.0.overlap", "standard[container-full].overlap", ("group", "keep")),
    "overlap keep": ("standard.0.overlap.keep", "standard[container-full].overlap.keep", ("sum", "highest")),
    "order": ("money.order", "money.order", ("overlap", "allowance", "tariff", "index", "cap", "round")),
    "rounding": ("money.rounding", "money.rounding", ("mode", "step", "at")),
    "rounding mode": ("money.rounding.mode", "money.rounding.mode", ("half_up", "half_even", "down")),
    "rounding step": ("money.rounding.step", "money.rounding.step", ()),
    "rounding place": ("money.rounding.at", "money.rounding.at", ("line", "total")),
    "index month": ("money.indexes.0.month", "money.indexes[1].month", ("fact",)),
    "cap base": (
        "standard.0.consequence.0.cap.base",
        "standard[container-full].consequence.cap.base",
        ("monthly-fee",),
    ),
    "late cut-off": ("late.late_cutoff", "late.late_cutoff", ()),
    "grace": ("late.grace", "late.grace", ()),
    "disputed money": ("money.disputed_money", "money.disputed_money", ("paid_until_firm",)),
    "nature": (
        "standard.0.consequence.0.nature",
        "standard[container-full].consequence[1].nature",
        ("price", "fine"),
    ),
    "clause": ("standard.0.clause", "standard[container-full].clause", ("article", "document", "page")),
    "gap bearers": ("evidence.gap_bearer", "evidence.gap_bearer", ()),
    **{
        f"bearer of {cause}": (f"evidence.gap_bearer.{cause}", f"evidence.gap_bearer.{cause}", ("city", "contractor"))
        for cause in ("device", "gateway", "network", "operator_off", "city", "conflict", "unknown")
    },
}


@pytest.mark.parametrize("term", MANDATORY)
def test_term_is_named_when_it_is_undeclared(term: str) -> None:
    path, key, choices = MANDATORY[term]
    files = folder(without(rich(), path))
    (finding,) = findings_of(lambda: load_terms(files, zone_of(SANTIAGO)))
    assert (FindingCode.UNDECLARED, "contract.toml", key) == (finding.code, finding.file, finding.key)
    assert set(choices) <= set(finding.choices)


def test_zone_name_is_named_when_it_is_undeclared() -> None:
    (finding,) = findings_of(lambda: zone_needed(folder(without(rich(), "calendar.time_zone"))))
    assert (FindingCode.UNDECLARED, "calendar.time_zone") == (finding.code, finding.key)


def test_every_finding_comes_at_once_when_several_terms_are_wrong() -> None:
    table = changed(without(without(rich(), "late.grace"), "standard.1.overlap"), "money.currency", "XXX")
    codes = sorted((one.code, one.key) for one in findings_of(lambda: terms_of(table)))
    assert [
        (FindingCode.NOT_A_CHOICE, "money.currency"),
        (FindingCode.UNDECLARED, "late.grace"),
        (FindingCode.UNDECLARED, "standard[unemptied].overlap"),
    ] == codes


@pytest.mark.parametrize("written", [Decimal("0.1"), "0.1"])
def test_number_stays_exact_when_binary_has_no_such_number(written: object) -> None:
    path = "standard.0.consequence.0.tariff.amount"
    tariff = terms_of(changed(rich(), path, written)).file.standard[0].consequence[0].tariff
    assert isinstance(tariff, EventTariff)
    assert Fraction(1, 10) == value_on(tariff.amount, FIRST)


def test_index_stays_exact_when_it_has_many_digits() -> None:
    digits = "68000.123456789012345678901234567890123456789"
    indexes = INDEXES.replace("68000", digits)
    assert Fraction(digits) == terms_of(rich(), indexes=indexes).index_values["UTM", "2026-09"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("standard.0.consequence.0.tariff.amount", True),
        ("standard.0.consequence.0.tariff.amount", "-0.5"),
        ("standard.0.consequence.0.tariff.amount", "NaN"),
        ("standard.0.consequence.0.tariff.amount", "Infinity"),
        ("standard.0.consequence.0.tariff.amount", "half"),
        ("standard.0.consequence.0.tariff.amount", []),
        ("money.order", "tariff"),
        ("base", []),
        ("standard.0.consequence.0.allowance.free", "2.5"),
        ("standard.0.consequence.0.allowance.free", -1),
        ("standard.0.consequence.0.cap.pct", "-10"),
        ("standard.0.tolerance.signal_error", "installation"),
        ("standard.0.tolerance.signal_error", "2"),
        ("standard.0.measure.value", "90"),
        ("standard.1.measure.drop", "0"),
        ("standard.0.completeness.min", "85"),
        ("standard.0.completeness.every", "PT0S"),
        ("standard.0.target.value", "4"),
        ("standard.0.target.value", 4),
        ("money.rounding.step", "0"),
        ("base.0.amount", "-1"),
        ("late.grace", "2 days"),
    ],
)
def test_number_is_malformed_when_its_unit_forbids_it(path: str, value: object) -> None:
    findings = findings_of(lambda: terms_of(changed(rich(), path, value)))
    assert {FindingCode.MALFORMED} == {one.code for one in findings}
    assert path.rsplit(".", 1)[-1] in findings[0].key


def test_number_holds_from_its_date_when_values_are_dated() -> None:
    values = [
        {"value": "0.5"},
        {"value": "0.7", "from": date(2026, 9, 15), "clause": "14.2 bis", "origin": "amendment"},
        {"value": "0.6", "from": date(2027, 1, 1)},
    ]
    terms = terms_of(changed(rich(), "standard.0.consequence.0.tariff.amount", values))
    tariff = terms.file.standard[0].consequence[0].tariff
    assert isinstance(tariff, EventTariff)
    days = (date(2026, 8, 1), date(2026, 9, 14), date(2026, 9, 15), date(2026, 12, 31), date(2027, 1, 1))
    assert [Fraction(n, 10) for n in (5, 5, 7, 7, 6)] == [value_on(tariff.amount, day) for day in days]


@pytest.mark.parametrize("days", ["dayly", ["mon", "tues"]])
def test_choice_is_named_by_its_key_when_it_stands_in_a_union(days: object) -> None:
    findings = findings_of(lambda: terms_of(changed(rich(), "standard.0.window.days", days)))
    assert {FindingCode.NOT_A_CHOICE} == {one.code for one in findings}
    assert all(one.key.startswith("standard[container-full].window.days") for one in findings)
    assert all("literal" not in one.key and "mon" in one.choices for one in findings)


def test_kind_is_named_with_its_choices_when_it_is_misspelt() -> None:
    tariff = {"kind": "per_evnt", "amount": "0.5", "unit": "UTM"}
    (found,) = findings_of(lambda: terms_of(changed(rich(), "standard.0.consequence.0.tariff", tariff)))
    assert (FindingCode.NOT_A_CHOICE, "per_evnt") == (found.code, found.value)
    assert found.key.endswith(".tariff.kind")
    assert "per_event" in found.choices


def test_digest_changes_when_any_file_or_the_zone_changes() -> None:
    other = zone_of("America/Sao_Paulo")
    digests = [
        terms_of(rich()).digest,
        terms_of(rich(), indexes=INDEXES.replace("68000", "68001")).digest,
        terms_of(changed(rich(), "contract.title", {"es": "Otro"})).digest,
        load_terms(folder(rich()), type(other)(SANTIAGO, other.starts_us, other.offsets_s)).digest,
    ]
    assert 4 == len(set(digests))
    assert digests[0] == terms_of(rich()).digest


def test_row_begins_at_local_midnight_when_only_a_date_is_given() -> None:
    rows = INSTALLATIONS.replace("C-1,2026-01-01,", "C-1,2026-09-06,2026-09-07T12:00")
    register = register_of(terms_of(), installations=rows)
    first = next(one for one in register.installations if one.device == "d1")
    # Midnight of 6 September 2026 is skipped in Santiago: the day begins at 01:00.
    assert (utc_us("2026-09-06T01:00-03:00"), utc_us("2026-09-07T12:00-03:00")) == (first.since_us, first.until_us)


def test_row_holds_the_instant_when_an_offset_is_given() -> None:
    rows = INSTALLATIONS.replace("C-1,2026-01-01,", "C-1,2026-09-06T03:15:00.000001+00:00,")
    register = register_of(terms_of(), installations=rows)
    assert utc_us("2026-09-06T03:15:00.000001+00:00") == register.installations[0].since_us


def test_device_is_in_normal_form_when_written_in_capitals() -> None:
    register = register_of(terms_of(), installations=INSTALLATIONS.replace("d1", "D1"))
    assert "d1" == register.installations[0].device


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("indexes", INDEXES.replace("68000,", "68,000,"), "beyond the last column"),
        ("indexes", INDEXES.replace("2026-08-31", "whenever"), "published 'whenever'"),
        ("assets", ASSETS.replace("C-1,", "C 1,"), "asset 'C 1'"),
        ("assets", ASSETS.replace("\n", ",\n", 1), ""),
        ("installations", INSTALLATIONS.replace("net,", "NET,", 1), "source 'NET'"),
        ("installations", INSTALLATIONS.replace(",0.9,", ",90,", 1), "full_at '90'"),
        ("installations", INSTALLATIONS.replace("net,d1", '"net,d1', 1), "unexpected end of data"),
    ],
)
def test_table_is_refused_when_a_row_does_not_fit_its_columns(file: str, text: str, told: str) -> None:
    with pytest.raises(TermsError) as refused:
        register_of(terms_of(None, **({file: text} if file == "indexes" else {})), **{file: text})
    assert any(told in finding.value for finding in refused.value.findings)


@pytest.mark.parametrize("name", ["Vega 2026/9", "x/../y", "Vega", "a" * 65])
def test_id_is_refused_when_it_could_be_taken_for_a_path(name: str) -> None:
    with pytest.raises(TermsError) as refused:
        terms_of(changed(contract_table(), "contract.id", name))
    assert ["contract.id"] == [finding.key for finding in refused.value.findings]


def test_target_is_refused_when_only_its_later_value_can_never_be_missed() -> None:
    later = [{"value": "PT4H"}, {"value": "PT40H", "from": date(2026, 11, 1)}]
    with pytest.raises(TermsError) as refused:
        terms_of(contract_table(full_standard(target={"op": "<=", "value": later})))
    assert [FindingCode.TARGET_UNREACHABLE] == [finding.code for finding in refused.value.findings]
