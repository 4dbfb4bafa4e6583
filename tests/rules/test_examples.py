"""What each reading of an open clause would give: the sums of the worked examples, from their own contracts."""

from fractions import Fraction
from pathlib import Path

import pytest

from app.jobs.contracts import read_folder
from app.zones import snapshot
from rules.errors import TermsError
from rules.examples import readings_of
from rules.load import load_terms, zone_needed
from rules.records import Finding, FindingCode

CASES = Path(__file__).parents[1] / "cases"


def readings(name: str, said: str) -> dict[str, Fraction]:
    """Leave a key out of a case's contract, and price what it might say."""
    files = read_folder(CASES / name)
    assert said in files["contract.toml"]
    files["contract.toml"] = files["contract.toml"].replace(said, "")
    needed = zone_needed(files)
    zone = snapshot(needed.name, needed.first_year, needed.last_year)
    with pytest.raises(TermsError) as caught:
        _ = load_terms(files, zone)
    (finding,) = caught.value.findings
    return {one.choice: one.amount for one in readings_of(finding, files, zone)}


def test_readings_are_those_of_the_source_when_a_ratchet_does_not_say_what_it_hits() -> None:
    assert {"later": 1_450, "graded": 1_600, "top": 2_000} == readings("W3.later", 'hits = "later", ')


def test_hours_differ_when_a_tariff_does_not_say_what_becomes_of_a_part() -> None:
    assert {"started": 4_000, "completed": 3_000, "exact": 3_400} == readings("W13.exact", ', count = "exact"')


def test_points_differ_when_a_ratchet_by_level_does_not_say_whether_it_goes_by_slices() -> None:
    # Thirty points, of which twenty are free: in the lowest slice both readings agree, so neither is shown.
    assert {} == readings("W2.250", 'hits = "slice", ')


def ways(name: str, *changes: tuple[str, str]) -> dict[str, Fraction]:
    """Change a case's contract so that something is found, and price each way to settle it."""
    files = read_folder(CASES / name)
    for said, instead in changes:
        assert said in files["contract.toml"]
        files["contract.toml"] = files["contract.toml"].replace(said, instead, 1)
    needed = zone_needed(files)
    zone = snapshot(needed.name, needed.first_year, needed.last_year)
    with pytest.raises(TermsError) as caught:
        _ = load_terms(files, zone)
    (finding,) = caught.value.findings
    return {one.choice: one.amount for one in readings_of(finding, files, zone)}


def test_both_natures_or_the_dearest_count_when_a_fact_would_cost_twice() -> None:
    fine = '  [[standard.consequence]]\n  nature = "fine"\n'
    price = '  [[standard.consequence]]\n  nature = "price"\n'
    price += '  tariff = { kind = "per_event", amount = "10000", unit = "CLP" }\n\n'
    # Ten fines of half a UTM of 68,000, beside ten deductions or in their place.
    found = ways("W28", (fine, price + fine))
    assert {"consequence.beside": 440_000, 'overlap.across = "natures"': 340_000} == found


def test_gaps_are_priced_when_silence_would_pay() -> None:
    bearer = ('operator_off = "city"', 'operator_off = "contractor"')
    found = ways("W28", bearer, ('inconclusive = "by_cause"', 'inconclusive = "no_deduction"'))
    assert {"no_deduction": 0, "by_cause": 340_000, "hold": 340_000} == found


def test_gaps_are_priced_when_the_citys_would_cost() -> None:
    found = ways("W28", ('inconclusive = "by_cause"', 'inconclusive = "deduct"'))
    assert {"by_cause": 0, "hold": 340_000} == found


def test_the_dearest_or_the_sum_counts_when_overlap_is_not_said_at_all() -> None:
    # Ten facts of 5, 12 and 8 points: the first beside the dearest of the others, or absorbed by it.
    found = ways("W18b", ('overlap = { group = "asset_day", keep = "highest" }\n', ""))
    assert {'group = "none", keep = "sum"': 170, 'group = "asset_day", keep = "highest"': 120} == found


def test_nothing_is_priced_when_the_finding_is_no_open_choice() -> None:
    files = read_folder(CASES / "W7")
    zone = snapshot("America/New_York", 2010, 2030)
    for code, choices in ((FindingCode.MALFORMED, ("a", "b")), (FindingCode.UNDECLARED, ())):
        assert [] == readings_of(Finding(code, "contract.toml", "standard[breaches].id", "", choices), files, zone)
    lost = Finding(FindingCode.UNDECLARED, "contract.toml", "standard[nowhere].x.y", "", ("a", "b"))
    assert [] == readings_of(lost, files, zone)
