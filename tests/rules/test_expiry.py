"""Firm lines that were not charged in time, said from acts, terms and opening state alone."""

from typing import Any

import pytest

from rules.load import load_terms
from rules.payments.expiry import chargeable
from rules.records import Act, Relief
from tests.rules.contracts import SANTIAGO, changed, contract_table, folder, zone_of
from tests.rules.process.cases import TABLE, at

NAME = "2026-09/full/C-1/2026-09-14"
LINE = {"id": NAME, "fact_month": "2026-09", "standard": "full", "zone": "VP-01", "subject": "C-1"}
CALENDAR = '[[holidays]]\nid = "chile"\nsource = "invented"\npublished = 2026-01-02\ndays = []\n'
CODE = {"code": "strike", "clause": "30", "effect": "stops_clocks", "covers": "touched"}
STRIKE = Relief("R-1", "strike", at("2026-11-02"), at("2026-11-12"), "9", "2026-11-20", "Vera", "huelga")


def _effects(
    period: str, effect: str = "firm", *reliefs: Relief, process: dict[str, Any] | None = TABLE
) -> list[str]:
    table = {**contract_table(), "relief": [CODE]} | ({"process": process} if process else {})
    terms = load_terms({**folder(table), "calendar.toml": CALENDAR}, zone_of(SANTIAGO))
    act = Act(NAME, effect, "5", "2026-10-26", "Rojas", "0" * 64)
    return [one.effect for one in chargeable([act], [LINE], period, {"2026-09": terms, "": terms}, reliefs)]


@pytest.mark.parametrize(("period", "effect"), [("2026-10", "firm"), ("2027-01", "firm"), ("2027-02", "annulled")])
def test_firm_line_is_charged_no_more_when_its_time_is_over(period: str, effect: str) -> None:
    """Ninety running days after 26 October are over with 24 January."""
    assert [effect] == _effects(period)


def test_time_to_charge_stands_still_under_a_relief_that_its_clock_names() -> None:
    pausing = changed(TABLE, "clocks.charge_by.pauses", ["strike"])
    assert ["annulled"] == _effects("2027-02", "firm", STRIKE)
    assert ["firm"] == _effects("2027-02", "firm", STRIKE, process=pausing)


def test_nothing_expires_without_due_process() -> None:
    assert ["firm"] == _effects("2030-01", process=None)


def test_act_on_a_line_that_is_not_open_is_left_as_it_is() -> None:
    act = Act("2026-08/other", "firm", "5", "2026-01-26", "Rojas", "0" * 64)
    assert [act] == chargeable([act], [LINE], "2027-02", {})
