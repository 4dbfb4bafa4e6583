"""What a contract that loads is asked about."""

from pathlib import Path
from typing import Any

import pytest

from app.jobs.contracts import Loaded, load_files, read_folder
from app.jobs.flags import flags
from app.jobs.templates import contract_files
from rules.errors import TermsError
from rules.records import FindingCode
from tests.rules.contracts import Table, contract_table, full_standard, register_of, terms_of, unemptied_standard

FINE: Table = {"nature": "fine", "tariff": {"kind": "per_event", "amount": "0.5", "unit": "UTM"}}
CAP = {"per": "month", "pct": "5", "base": "monthly-fee"}


def codes(*standards: Table, **changes: Any) -> list[FindingCode]:
    table = {**contract_table(*standards), **changes}
    if "total_cap" in changes:
        table["money"]["order"] = ["overlap", "allowance", "tariff", "index", "cap", "total_cap", "round"]
    terms = terms_of(table)
    return [one.code for one in flags(Loaded(terms, register_of(terms)))]


def test_nothing_is_asked_when_the_template_is_read() -> None:
    assert [] == flags(load_files(contract_files()))


def test_time_zone_is_a_finding_when_nobody_knows_it() -> None:
    files = contract_files()
    files["contract.toml"] = files["contract.toml"].replace("America/Santiago", "America/Vega")
    with pytest.raises(TermsError) as caught:
        _ = load_files(files)
    (found,) = caught.value.findings
    assert (FindingCode.MALFORMED, "calendar.time_zone", "America/Vega") == (found.code, found.key, found.value)


def test_outcomes_are_asked_for_when_only_outputs_cost() -> None:
    assert [FindingCode.ONLY_OUTPUTS] == codes(full_standard(), unemptied_standard())
    assert [] == codes(full_standard(), unemptied_standard(level="outcome"))


def test_allowance_is_asked_about_when_no_month_passes_it() -> None:
    free = {"nature": "price", "tariff": {"kind": "per_event", "amount": "10", "unit": "CLP"}}
    allowance = {"free": 31, "per": "contract"}
    # Two containers on thirty-one days are sixty-two checks of a month.
    assert [] == codes(full_standard(consequence=[{**free, "allowance": allowance}]))
    assert [FindingCode.NEVER_CHARGED] == codes(
        full_standard(consequence=[{**free, "allowance": {**allowance, "free": 62}}])
    )


def test_band_is_asked_about_when_it_lies_where_the_target_is_reached() -> None:
    folder = Path(__file__).parents[1] / "cases" / "W11.under"
    files = read_folder(folder)
    assert [] == [one for one in flags(load_files(files)) if one.code == FindingCode.NEVER_CHARGED]
    files["contract.toml"] = files["contract.toml"].replace('value = "0.95" }', 'value = "0.90" }', 1)
    (found,) = (one for one in flags(load_files(files)) if one.code == FindingCode.NEVER_CHARGED)
    assert ("standard[indicator-1].consequence.tariff.bands", "0.90") == (found.key, found.value)


def test_bound_is_asked_for_when_a_fine_has_none() -> None:
    assert [FindingCode.FINES_UNBOUNDED] == codes(full_standard(consequence=[FINE]))
    assert [] == codes(full_standard(consequence=[{**FINE, "cap": CAP}]))
    whole = {"id": "thirty", "clause": "30", "natures": ["fine"], "per": "contract", "amount": "1000"}
    assert [] == codes(full_standard(consequence=[FINE]), total_cap=[whole])
