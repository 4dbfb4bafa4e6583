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

CASES = Path(__file__).parents[1] / "cases" / "clauses"


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


def test_nothing_is_priced_when_the_finding_is_no_open_choice() -> None:
    files = read_folder(CASES / "W7")
    zone = snapshot("America/New_York", 2010, 2030)
    for code, choices in ((FindingCode.MALFORMED, ("a", "b")), (FindingCode.UNDECLARED, ())):
        assert [] == readings_of(Finding(code, "contract.toml", "standard[breaches].id", "", choices), files, zone)
    lost = Finding(FindingCode.UNDECLARED, "contract.toml", "standard[nowhere].x.y", "", ("a", "b"))
    assert [] == readings_of(lost, files, zone)
