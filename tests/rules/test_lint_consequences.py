"""Consequences that do not load: tariffs that do not fit, ladders that pay for the worse, orders that err."""

from dataclasses import replace
from datetime import date

import pytest

from rules.contract import ContractFile
from rules.lint_consequences import lint_consequences
from rules.records import FindingCode
from tests.rules.contracts import Table, contract_table, terms_of
from tests.rules.test_consequences import BANDED, CAP, HOURLY, nth, one


def findings(table: Table) -> list[tuple[FindingCode, str, str, tuple[str, ...]]]:
    """Lint the consequences of terms that parse."""
    terms = replace(terms_of(contract_table()), file=ContractFile.model_validate(table))
    found = [one for standard in terms.file.standard for one in lint_consequences(standard, terms)]
    return [(one.code, one.key.removeprefix("standard[s].consequence."), one.value, one.choices) for one in found]


@pytest.mark.parametrize(
    ("unit", "tariff", "fitting"),
    [
        (
            "us",
            {"kind": "per_unit", "amount": "1", "unit": "CLP"},
            ("per_event", "per_time", "nth", "planned_share", "range"),
        ),
        ("ppm", HOURLY, ("per_event", "proportional", "band", "nth", "planned_share", "range")),
        ("count", BANDED, ("per_event", "per_unit", "nth", "planned_share", "range")),
    ],
)
def test_tariff_is_refused_when_it_does_not_fit_the_measure(
    unit: str, tariff: Table, fitting: tuple[str, ...]
) -> None:
    assert [(FindingCode.NOT_A_CHOICE, "tariff.kind", tariff["kind"], fitting)] == findings(one(unit, tariff))


@pytest.mark.parametrize(
    ("bands", "finding"),
    [
        ([("0.8", "0"), ("0.6", "5")], ("tariff.bands.from", "0.8, 0.6", ("0",))),
        ([("0.6", "0"), ("0.8", "5"), ("0", "9")], ("tariff.bands.from", "0.6, 0.8, 0", ())),
        ([("0.8", "0"), ("0.8", "5"), ("0", "9")], ("tariff.bands.from", "0.8, 0.8, 0", ())),
        ([("0.8", "5"), ("0", "4")], ("tariff.bands.pct", "5, 4", ())),
    ],
)
def test_bands_are_refused_when_a_share_has_none_or_two_or_a_worse_one_costs_less(
    bands: list[tuple[str, str]], finding: tuple[str, str, tuple[str, ...]]
) -> None:
    tariff = {**BANDED, "bands": [{"from": start, "pct": pct} for start, pct in bands]}
    assert [(FindingCode.MALFORMED, *finding)] == findings(one("ppm", tariff))


def test_band_is_refused_when_its_base_or_unit_is_unknown() -> None:
    assert [
        (FindingCode.UNKNOWN_REFERENCE, "tariff.base", "fee", ("monthly-fee",)),
        (FindingCode.NOT_A_CHOICE, "tariff.unit", "UTM", ("CLP",)),
    ] == findings(one("ppm", {**BANDED, "base": "fee", "unit": "UTM"}))


def test_ladder_is_refused_when_a_later_event_costs_less_on_any_day() -> None:
    rising = [{"value": "100"}, {"value": "300", "from": date(2027, 1, 1)}]
    tariff = {**nth(), "amounts": [rising, "200"]}
    assert [(FindingCode.MALFORMED, "tariff.amounts", "300, 200", ())] == findings(one("us", tariff))
    tariff = {**nth(), "amounts": [rising[::-1]]}
    assert [(FindingCode.VALUE_DATES, "tariff.amounts", "2027-01-01, None", ())] == findings(one("us", tariff))


def test_order_is_refused_when_facts_are_compared_before_they_have_their_number() -> None:
    table = one("us", nth("1", "2"))
    table["standard"][0]["overlap"] = {"group": "asset_day", "keep": "highest"}
    assert [] == findings(table)
    table["standard"].append({**table["standard"][0], "id": "t"})
    expected = (FindingCode.STEP_ORDER, "money.order", "overlap", ("tariff",))
    assert [expected, expected] == findings(table)


def test_carry_over_is_refused_when_the_cut_sum_is_no_debt_yet() -> None:
    table = one("us", HOURLY, inconclusive="hold", cap=CAP)
    table["money"]["order"] = ["tariff", "index", "cap", "allowance", "overlap", "round"]
    assert [
        (FindingCode.STEP_ORDER, "money.order", "cap", ("overlap", "allowance")),
        (FindingCode.NOT_A_CHOICE, "cap.carry_over", "next_month", ("none",)),
    ] == findings(table)
