"""What the linter finds, in words: each code and each mistake, in three languages."""

from typing import get_args

import pytest

from app import text
from rules.consequences import Tariff
from rules.records import Finding, FindingCode


def _fields_of(union: object) -> tuple[str, ...]:
    return tuple(field.alias or name for one in get_args(union) for name, field in one.model_fields.items())


_FILE = "contract.toml"
_INCONCLUSIVE = "standard[container-full].inconclusive"
_FOUND = [
    (Finding(FindingCode.FILE_MISSING, _FILE, ""), "contract.toml is missing; put it into the contract folder."),
    (Finding(FindingCode.FILE_MALFORMED, _FILE, "", "line 3"), "contract.toml cannot be read: line 3."),
    (
        Finding(FindingCode.FILE_MALFORMED, "zones.geojson", "name", "x"),
        "zones.geojson cannot be read: x. It needs name.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "money.rounding", "", ("mode", "step", "at")),
        "contract.toml: money.rounding is not declared; it needs mode, step, at.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, _INCONCLUSIVE, "", ("no_deduction", "deduct", "hold", "by_cause")),
        f"contract.toml: {_INCONCLUSIVE} is not declared; choose one of no_deduction, deduct, hold, by_cause.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "standard[a].count_window.reset", "", ("period",)),
        "contract.toml: standard[a].count_window.reset is not declared; choose one of period.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "evidence.gap_bearer.device", "", ("city", "contractor")),
        "contract.toml: evidence.gap_bearer.device is not declared; choose one of city, contractor.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "contract.title", "", ("en", "es", "pt")),
        "contract.toml: contract.title is not declared; it needs en, es, pt.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "calendar.time_zone"),
        "contract.toml: calendar.time_zone is not declared; give it a value.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "base[a].clause", "", ("article", "document", "page", "text_sha256")),
        "contract.toml: base[a].clause names no clause; give the article where it is written.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "money.order", "tariff", ("overlap", "round")),
        "contract.toml: money.order must name each step once; missing: overlap, round.",
    ),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "money.order", "round, round"),
        "contract.toml: money.order names a step more than once: round, round.",
    ),
    (
        Finding(FindingCode.UNDECLARED, "assets.csv", "zone", "asset", ("asset", "zone")),
        "assets.csv lacks the column zone; it needs asset, zone.",
    ),
    (Finding(FindingCode.UNKNOWN_KEY, _FILE, "money.colour", "red", ("currency",)), "is not a key"),
    (Finding(FindingCode.NOT_A_CHOICE, _FILE, "money.currency", "XYZ", ("CLP",)), "is XYZ; choose one of CLP."),
    (Finding(FindingCode.MALFORMED, _FILE, "base[a].amount", "'x'"), "base[a].amount cannot be read: 'x'."),
    (Finding(FindingCode.MALFORMED, _FILE, "standard", "1", ("id",)), "It may hold id."),
    (Finding(FindingCode.MALFORMED, _FILE, "contract.published", "2026-07-10"), "offset from UTC"),
    (Finding(FindingCode.DUPLICATE_ID, _FILE, "base[a].id", "a"), "base[a].id: a stands there more than once"),
    (Finding(FindingCode.DUPLICATE_ID, "assets.csv", "VP-1.valid_from", "VP-1"), "two places at once"),
    (Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, "standard[a].goal", "x", ("y",)), "choose one of y."),
    (Finding(FindingCode.UNKNOWN_REFERENCE, "installations.csv", "s/d.asset", "VP-9"), "declare it first."),
    (Finding(FindingCode.UNKNOWN_REFERENCE, "indexes.csv", "series", "UTM"), "indexes.csv has no value of UTM"),
    (Finding(FindingCode.CLAUSE_MISSING, _FILE, "base[a].clause"), "names no clause"),
    (Finding(FindingCode.VALUE_DATES, _FILE, "base[a].amount", "None, None"), "found: None, None."),
    (Finding(FindingCode.VALUE_DATES, "assets.csv", "VP-1.valid_until", "VP-1"), "not later than the day"),
    (Finding(FindingCode.PUBLISHED_LATE, _FILE, "contract.published", "2026-09-01"), "is 2026-09-01, later than"),
    (Finding(FindingCode.EFFECTIVE_INSIDE_PERIOD, _FILE, "contract.effective.from", "2026-08-15"), "is 2026-08-15"),
    (Finding(FindingCode.STEP_ORDER, _FILE, "money.order", "cap", ("tariff",)), "cap stands before tariff"),
    (Finding(FindingCode.STEP_ORDER, _FILE, "money.order", "cap", ("index",)), "units of another kind"),
    (
        Finding(FindingCode.BANDS_OVERLAP, _FILE, "bands", "0.7-0.8", ("0 % = 0 CLP", "1 % = 9 CLP")),
        "shares of 0.7-0.8 lie in two bands and would cost 0 % = 0 CLP or 1 % = 9 CLP",
    ),
    (Finding(FindingCode.BANDS_GAP, _FILE, "bands", "0.7-0.8", ("0 % = 0 CLP",)), "lie in no band"),
    (
        Finding(FindingCode.TARGET_IMPOSSIBLE, _FILE, "s.target.value", "PT7H", ("2026-09-05 (PT6H)",)),
        "longer than the window of 2026-09-05 (PT6H)",
    ),
    (Finding(FindingCode.NEVER_CHARGED, _FILE, "standard[a].consequence.tariff.bands", "0.9"), "from 0.9 on reach"),
    (Finding(FindingCode.INDEX_UNDECLARED, _FILE, "unit", "UF", ("CLP", "UTM")), "choose one of CLP, UTM"),
    (Finding(FindingCode.OVERLAP_DISAGREES, _FILE, "keep", "sum", ("other",)), "yet standard other"),
    (
        Finding(FindingCode.SILENCE_PAYS, _FILE, _INCONCLUSIVE, "operator_off", ("by_cause", "hold")),
        (
            f"contract.toml: {_INCONCLUSIVE}: silence pays: gaps of cause operator_off are borne by the contractor, "
            "yet an inconclusive check deducts nothing; choose by_cause or hold."
        ),
    ),
    (
        Finding(FindingCode.GAP_COSTS_CONTRACTOR, _FILE, _INCONCLUSIVE, "device", ("by_cause", "hold")),
        "gaps of cause device are borne by the city",
    ),
    (Finding(FindingCode.TARGET_IMPOSSIBLE, _FILE, "max_gap", "PT10M", ("PT30M",)), "shorter than the PT30M"),
    (Finding(FindingCode.TARGET_IMPOSSIBLE, "points.csv", "zone, stratum", "VP-01 hall: 3 < 5"), "VP-01 hall: 3 < 5"),
    (Finding(FindingCode.TARGET_IMPOSSIBLE, _FILE, "measure.sample.min_n", "15"), "the 15 points that are drawn"),
    (Finding(FindingCode.TARGET_UNREACHABLE, _FILE, "target.value", "PT16H"), "is PT16H"),
    (Finding(FindingCode.TARGET_UNREACHABLE, _FILE, "target.value", "0"), "is 0, which is always reached"),
    (Finding(FindingCode.TARGET_UNREACHABLE, _FILE, "measure.look_back", "P3D"), "no longer than the target"),
    (Finding(FindingCode.TARGET_UNREACHABLE, _FILE, "measure.every", "P1D"), "longer than the window"),
    (Finding(FindingCode.MALFORMED, _FILE, "target.value", "PT1H", ("ppm",)), "needs a share from 0 to 1"),
    (Finding(FindingCode.MALFORMED, _FILE, "target.value", "0.9", ("us",)), "needs a duration"),
    (Finding(FindingCode.MALFORMED, _FILE, "target.value", "0.9", ("count",)), "needs a whole number"),
    (Finding(FindingCode.MALFORMED, _FILE, "tariff.bands.from", "0.5, 0.7"), "from the highest share to the lowest"),
    (Finding(FindingCode.MALFORMED, _FILE, "tariff.bands.pct", "1, 0.5"), "no band may cost less"),
    (Finding(FindingCode.MALFORMED, _FILE, "tariff.amounts", "2, 1"), "lower than the one before it"),
    (Finding(FindingCode.MALFORMED, _FILE, "measure.grades", "A, A"), "each grade once"),
    (Finding(FindingCode.MALFORMED, _FILE, "consequence.repeat.steps", "4: 2, 3: 1"), "begin at rising numbers"),
    (Finding(FindingCode.MALFORMED, _FILE, "points[p].to_money.slices", "5: 1"), "slices rise from 0"),
    (Finding(FindingCode.MALFORMED, _FILE, "retention[r].returned", "0.5: 4"), "none more than was kept"),
    (
        Finding(FindingCode.MALFORMED, _FILE, "adjustment.terms.weight", "0.9", ("1",)),
        "must make 1 together",
    ),
    (Finding(FindingCode.MALFORMED, _FILE, "consequence.tariff.min", "9, 5"), "must not be more than the most"),
    (Finding(FindingCode.MALFORMED, _FILE, "consequence.cap.pct", "pct, amount", ("pct", "amount")), "not both"),
    (
        Finding(FindingCode.CHARGED_TWICE, _FILE, "consequence.nature", "price, fine", ("beside", "across")),
        "charged twice, as price, fine",
    ),
    (Finding(FindingCode.MALFORMED, _FILE, "measure.speed_mps, travel_mps", "5, 3, 14"), "found: 5, 3, 14"),
    (Finding(FindingCode.UNKNOWN_KEY, "assets.csv", "colour", "", ("asset",)), "column colour is not known"),
    (Finding(FindingCode.UNKNOWN_REFERENCE, "segments.geojson", "zone_id", "VP-09"), "no street has zone_id VP-09"),
    (
        Finding(FindingCode.UNDECLARED, _FILE, "standard[a].tariff", "", _fields_of(Tariff)),
        "contract.toml: standard[a].tariff is not declared; it needs",
    ),
    (Finding(FindingCode.INSTALLATION_OVERLAP, "installations.csv", "s/d.valid_from", "d"), "device d hangs"),
    (Finding(FindingCode.GEOMETRY_MISSING, "installations.csv", "s/d.full_at"), "s/d.full_at is empty"),
    (Finding(FindingCode.GEOMETRY_MISSING, "installations.csv", "s/d.empty_mm, full_mm", "1"), "both distances"),
    (Finding(FindingCode.ONLY_OUTPUTS, _FILE, "standard.level", "output", ("outcome",)), "hangs on output alone"),
    (Finding(FindingCode.NEVER_CHARGED, _FILE, "standard[a].consequence", "allowance"), "(allowance)"),
    (Finding(FindingCode.FINES_UNBOUNDED, _FILE, "cap", "", ("cap", "total_cap")), "add cap or total_cap"),
    (
        Finding(FindingCode.CITY_SILENCE_CONDEMNS, _FILE, "process.city_silence", "upheld", ("annulled", "open")),
        "cite the clause, or choose annulled or open.",
    ),
    (Finding(FindingCode.UNSIGNED, "installations.csv", "s/d.signed_city, signed_contractor"), "not signed by both"),
    (
        Finding(FindingCode.HOLIDAYS_MISSING, "calendar.toml", "holidays[chile].days", "2027"),
        (
            "calendar.toml: holidays[chile].days: no holiday of 2027 is listed, so that windows of those years would "
            "not rest on any; add them with a version of the terms before that year begins."
        ),
    ),
    (
        Finding(FindingCode.TARGET_UNREACHABLE, _FILE, "standard[a].window", "vega: closing"),
        (
            "contract.toml: standard[a].window never comes while the terms hold (vega: closing); name other days, or "
            "add the hours to calendar.toml."
        ),
    ),
    (
        Finding(FindingCode.MALFORMED, "calendar.toml", "market[vega].hours", "2026-09-05: selling, closing"),
        (
            "calendar.toml: market[vega].hours: a market is in one state at a time, and in each once a day at most; "
            "found: 2026-09-05: selling, closing."
        ),
    ),
    (
        Finding(FindingCode.MALFORMED, _FILE, "standard[a].window.state", "start, end"),
        (
            "contract.toml: standard[a].window.state: a state of the market has hours of its own in calendar.toml; "
            "leave out start, end."
        ),
    ),
    (
        Finding(FindingCode.PACK_CAP, _FILE, "total_cap", "", ("100",)),
        "contract.toml: total_cap: no cap on the whole holds what the rule pack bounds to 100.",
    ),
    (
        Finding(FindingCode.PACK_CAP, _FILE, "total_cap", "110", ("100",)),
        "contract.toml: total_cap: by its caps the contract may charge 110; by the rule pack 100 at most.",
    ),
    (
        Finding(FindingCode.PACK_DEFENCE, _FILE, "process.clocks.defence.length", "9", ("10",)),
        "contract.toml: process.clocks.defence.length is 9; the rule pack asks for 10.",
    ),
    (
        Finding(FindingCode.PACK_DEEMED, _FILE, "process.channel[a].deemed.after", "PT1H", ("PT24H",)),
        "contract.toml: process.channel[a].deemed.after is PT1H; by the rule pack not sooner than PT24H.",
    ),
    (
        Finding(FindingCode.PACK_VAT, _FILE, "money.vat", "0.18", ("0.19",)),
        "contract.toml: money.vat is 0.18; by the rule pack 0.19.",
    ),
    (
        Finding(FindingCode.PACK_VAT, _FILE, "money.natures[fine].taxed", "true", ("false",)),
        (
            "contract.toml: money.natures[fine].taxed: the rule pack leaves this nature out of the sum on which VAT "
            "is due."
        ),
    ),
    (
        Finding(FindingCode.PACK_INDEX, _FILE, "money.indexes[UTM].month", "act", ("fact",)),
        "contract.toml: money.indexes[UTM].month is act; by the rule pack one of fact.",
    ),
    (
        Finding(FindingCode.PACK_INVOICE, _FILE, "process.clocks.invoice_answer.length", "9", ("8",)),
        "contract.toml: process.clocks.invoice_answer.length is 9; by the rule pack 8 days at most.",
    ),
    (
        Finding(FindingCode.PACK_CITY_SILENCE, _FILE, "process.city_silence.outcome", "upheld", ("open",)),
        "contract.toml: process.city_silence.outcome is upheld; by the rule pack one of open.",
    ),
    (
        Finding(FindingCode.PACK_FORGIVING, _FILE, "money.natures[fine].forgiven_by", "mayor"),
        "contract.toml: money.natures[fine].forgiven_by lets it be forgiven (mayor); the rule pack does not.",
    ),
    (
        Finding(FindingCode.VALUE_DATES, _FILE, "contract.begun", "2027-01-01"),
        "contract.toml: contract.begun is 2027-01-01, later than the first day on which this version holds.",
    ),
]


@pytest.mark.parametrize(("finding", "said"), _FOUND)
def test_finding_when_told(finding: Finding, said: str) -> None:
    assert said in text.finding_text(finding)
    told = {text.finding_text(finding, language) for language in text.LANGUAGES}
    assert len(text.LANGUAGES) == len(told)
    assert not [one for one in told if not one.endswith(".") or ".." in one]


def test_finding_when_counted() -> None:
    assert set(FindingCode) == {finding.code for finding, _ in _FOUND}


def test_finding_when_value_holds_braces() -> None:
    assert "{file}" in text.finding_text(Finding(FindingCode.MALFORMED, _FILE, "a", "{file}"), "pt")
