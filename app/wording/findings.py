"""What the linter found, in words: what is wrong, where, and what may stand there."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import get_args

from babel.lists import format_list
from pydantic import BaseModel

from app.wording.catalogue import LANGUAGES, LOCALES, Language, marked, told
from app.wording.figures import amount, day
from rules import consequences, contract, measures
from rules.contract import Step
from rules.examples import Reading
from rules.payments.money import written
from rules.process import terms as process
from rules.records import Basis, Finding, FindingCode, GapCause, Unit

# What needs no more than file, key, value and choices; the codes that several mistakes share stand in `_SHARED`.
_PLAIN = {
    FindingCode.FILE_MISSING: marked("{file} is missing; put it into the contract folder."),
    FindingCode.NOT_A_CHOICE: marked("{place} is {value}; choose one of {choices}."),
    FindingCode.CLAUSE_MISSING: marked("{place} names no clause; give the article where it is written."),
    FindingCode.PUBLISHED_LATE: marked(
        "{place} is {value}, later than the first day on which the terms hold; let contract.effective.from be later."
    ),
    FindingCode.EFFECTIVE_INSIDE_PERIOD: marked(
        "{place} is {value}, in the middle of a payment period; use the first day of a month."
    ),
    FindingCode.INDEX_UNDECLARED: marked(
        "{place} is {value}, neither the currency nor a declared index; choose one of {choices}, or declare it in "
        "money.indexes."
    ),
    FindingCode.OVERLAP_DISAGREES: marked(
        "{place} is {value}, yet standard {choices} of the same group says otherwise; let both say the same."
    ),
    FindingCode.BANDS_OVERLAP: marked(
        "{place}: shares of {value} lie in two bands and would cost {either}; let the lower band end (until) where "
        "the upper one begins (from), or leave out until."
    ),
    FindingCode.BANDS_GAP: marked(
        "{place}: shares of {value} lie in no band, beside bands of {either}; let the lower band end (until) where "
        "the upper one begins (from), or leave out until."
    ),
    FindingCode.SILENCE_PAYS: marked(
        "{place}: silence pays: gaps of cause {value} are borne by the contractor, yet an inconclusive check deducts "
        "nothing; choose {either}."
    ),
    FindingCode.GAP_COSTS_CONTRACTOR: marked(
        "{place}: silence costs: gaps of cause {value} are borne by the city, yet an inconclusive check costs "
        "the contractor; choose {either}."
    ),
    FindingCode.CHARGED_TWICE: marked(
        "{place}: one fact would be charged twice, as {value}; name the clause that allows it, or let the dearest "
        "absorb the others: {either}."
    ),
    FindingCode.CITY_SILENCE_CONDEMNS: marked(
        "{place}: the city's own silence would count against the contractor, and no clause says so; cite the clause, "
        "or choose {either}."
    ),
    FindingCode.INSTALLATION_OVERLAP: marked(
        "{place}: device {value} hangs in two places at once; end the first installation before the next begins."
    ),
    FindingCode.ONLY_OUTPUTS: marked(
        "{place}: money hangs on {value} alone, and on nothing that comes of it; add a standard of level {choices}."
    ),
    FindingCode.FINES_UNBOUNDED: marked("{place}: nothing bounds this fine; add {either}."),
    FindingCode.HOLIDAYS_MISSING: marked(
        "{place}: no holiday of {value} is listed, so that windows of those years would not rest on any; add them "
        "with a version of the terms before that year begins."
    ),
    FindingCode.PACK_DEFENCE: marked("{place} is {value}; the rule pack asks for {choices}."),
    FindingCode.PACK_DEEMED: marked("{place} is {value}; by the rule pack not sooner than {choices}."),
    FindingCode.PACK_INDEX: marked("{place} is {value}; by the rule pack one of {choices}."),
    FindingCode.PACK_INVOICE: marked("{place} is {value}; by the rule pack {choices} days at most."),
    FindingCode.PACK_CITY_SILENCE: marked("{place} is {value}; by the rule pack one of {choices}."),
    FindingCode.PACK_FORGIVING: marked("{place} lets it be forgiven ({value}); the rule pack does not."),
    FindingCode.UNSIGNED: marked("{place}: the installation is not signed by both the city and the contractor."),
}


# What stands in an order, and what a target must be: by the end of the key, by the unit.
_OUT_OF_ORDER = {
    "bands.from": marked(
        "{place}: bands go from the highest share to the lowest, and the last begins at 0; found: {value}."
    ),
    "bands.pct": marked("{place}: no band may cost less than the one above it; found: {value}."),
    "repeat.steps": marked(
        "{place}: steps begin at rising numbers, and no multiplier is lower than the one before; found: {value}."
    ),
    "window.state": marked(
        "{place}: a state of the market has hours of its own in calendar.toml; leave out {value}."
    ),
    "].hours": marked("{place}: a market is in one state at a time, and in each once a day at most; found: {value}."),
    "to_money.slices": marked(
        "{place}: slices rise from 0, and no multiplier is lower than the one before; found: {value}."
    ),
    "returned": marked(
        "{place}: from the highest score to the lowest, which begins at 0; no lower score gives back more, and none "
        "more than was kept; found: {value}."
    ),
    "terms.weight": marked("{place}: the weights must make 1 together, not {value}."),
    "tariff.min": marked("{place}: the least must not be more than the most; found: {value}."),
    "cap.pct": marked("{place}: a cap is a percentage or a sum, not both; found: {value}."),
    "tariff.amounts": marked("{place}: no amount may be lower than the one before it; found: {value}."),
    "grades.up_to": marked(
        "{place}: where pieces are counted each grade says its most, more than the grade above it; found: {value}."
    ),
    "measure.grades": marked(
        "{place}: each grade once, from the best to the worst, none worth more than the one before; found: {value}."
    ),
    "speed_mps, travel_mps": marked(
        "{place}: min must be less than max, and max no more than travel_mps; found: {value}."
    ),
}
_NEEDED = {
    Unit.MICROSECONDS.value: marked("{place} is {value}; this measure needs a duration, such as PT4H."),
    Unit.PPM.value: marked("{place} is {value}; this measure needs a share from 0 to 1, such as 0.90."),
    Unit.COUNT.value: marked("{place} is {value}; this measure needs a whole number."),
}


def finding_text(finding: Finding, language: Language = "en") -> str:
    """Say what is wrong, where, and what may stand there.

    Parameters
    ----------
    finding : Finding
    language : str

    Returns
    -------
    str
        One or two sentences. Keys and choices stay as the file writes them.
    """
    values = {
        "file": finding.file,
        "key": finding.key,
        "place": f"{finding.file}: {finding.key}" if finding.key else finding.file,
        "value": finding.value,
        "choices": ", ".join(finding.choices),
        "either": format_list(finding.choices, style="or", locale=LOCALES[language]) if finding.choices else "",
    }
    source = _PLAIN.get(finding.code) or _SHARED[finding.code](finding)
    return " ".join(filter(None, (told(source, language, **values), _basis(finding.basis, language))))


def _basis(basis: Basis | None, language: Language) -> str:
    """Say by which entry of a rule pack something is found, and whether anybody has confirmed it."""
    if basis is None:
        return ""
    values = {"entry": basis.entry, "source": basis.source, "day": day(basis.date, language)}
    if basis.status == "confirmed":
        reviewer = basis.reviewer
        return told("{entry} of {day}, confirmed ({reviewer}): {source}.", language, reviewer=reviewer, **values)
    return told("{entry} of {day}, not confirmed by anybody: {source}.", language, **values)


def readings_text(readings: Sequence[Reading], language: Language) -> str:
    """Say what an example would cost by each reading of an open clause; nothing where there is no difference.

    Parameters
    ----------
    readings : sequence of Reading
    language : str
    """
    if not readings:
        return ""
    sums = "; ".join(f"{one.choice} {amount(written(one.amount), one.currency, language)}" for one in readings)
    if readings[0].is_doubt:
        return told(
            "With ten checks of the standard in doubt, by gaps of this kind, it would cost: {sums}.",
            language,
            sums=sums,
        )
    return told(
        "With ten checks of each standard missed in the first month it would cost: {sums}.", language, sums=sums
    )


def _never_charged(finding: Finding) -> str:
    if finding.key.endswith("bands"):
        return marked(
            "{place}: shares from {value} on reach the target, so that the band can never cost anything; raise the "
            "target, or let the band cost 0."
        )
    return marked("{place}: no month can make it cost anything ({value}); lower the allowance, or raise the sum.")


def _step_order(finding: Finding) -> str:
    if finding.value == Step.CAP and Step.INDEX in finding.choices:
        return marked(
            "{place}: {value} stands before {choices}; a cap in money would be held against units of another kind, "
            "so it may only stand after."
        )
    return marked("{place}: {value} stands before {choices}; it may only stand after.")


def _file_malformed(finding: Finding) -> str:
    if finding.key:
        return marked("{file} cannot be read: {value}. It needs {key}.")
    return marked("{file} cannot be read: {value}.")


def _malformed(finding: Finding) -> str:
    if finding.key == "contract.published":
        return marked("{place} is no instant with an offset from UTC: {value}; write it like 2026-07-10T12:00:00Z.")
    for end, source in _OUT_OF_ORDER.items():
        if finding.key.endswith(end):
            return source
    if finding.choices and finding.choices[0] in _NEEDED:
        return _NEEDED[finding.choices[0]]
    if finding.choices:
        return marked("{place} cannot be read: {value}. It may hold {choices}.")
    return marked("{place} cannot be read: {value}.")


def _unknown_key(finding: Finding) -> str:
    if finding.file.endswith(".csv"):
        return marked("{file}: column {key} is not known; known here: {choices}.")
    return marked("{place} is not a key that the terms have; known here: {choices}.")


def _target_impossible(finding: Finding) -> str:
    if finding.file == "points.csv":
        return marked("{place}: fewer points than the terms want to draw: {value}; list more of them.")
    if finding.key.endswith("confidence.level"):
        return marked("{place} is 1: no sample is sure without doubt; lower it.")
    if finding.key.endswith("target.value"):
        return marked(
            "{place} is {value}, longer than the window of {choices}, so that nobody could reach it; lower it, or "
            "ask for a share of what there is to do."
        )
    if finding.key.endswith("min_n"):
        return marked("{place} is more than the {value} points that are drawn; lower it, or draw more.")
    return marked(
        "{place} is {value}, shorter than the {choices} between expected readings, so that nothing could be proven; "
        "make it at least as long."
    )


def _target_unreachable(finding: Finding) -> str:
    if finding.key.endswith(".window"):
        return marked(
            "{place} never comes while the terms hold ({value}); name other days, or add the hours to calendar.toml."
        )
    if finding.key.endswith(("look_back", "horizon")):
        return marked("{place} is {value}, no longer than the target, so that the standard could not be missed.")
    if finding.key.endswith("measure.every"):
        return marked("{place} is {value}, longer than the window, so that no reading would be owed; shorten it.")
    if finding.value == "0":
        return marked(
            "{place} is {value}, which is always reached, so that the standard could not be missed; raise it."
        )
    return marked(
        "{place} is {value}, and the measure can never exceed it, so that the standard could not be missed; lower "
        "it, or lengthen the window or look_back."
    )


def _pack_cap(finding: Finding) -> str:
    if finding.value:
        return marked("{place}: by its caps the contract may charge {value}; by the rule pack {choices} at most.")
    return marked("{place}: no cap on the whole holds what the rule pack bounds to {choices}.")


def _pack_vat(finding: Finding) -> str:
    if finding.key == "money.vat":
        return marked("{place} is {value}; by the rule pack {choices}.")
    return marked("{place}: the rule pack leaves this nature out of the sum on which VAT is due.")


def _duplicate_id(finding: Finding) -> str:
    if finding.file == "assets.csv":
        return marked("{place}: {value} stands in two places at once; end the first before the next begins.")
    return marked("{place}: {value} stands there more than once; each may stand only once.")


def _value_dates(finding: Finding) -> str:
    if finding.key == "contract.begun":
        return marked("{place} is {value}, later than the first day on which this version holds.")
    if finding.key.endswith("until"):
        return marked("{place} is not later than the day from which it holds; found: {value}.")
    return marked(
        "{place}: each value must begin later than the one before, and the first no later than "
        "contract.effective.from; found: {value}."
    )


def _geometry_missing(finding: Finding) -> str:
    if finding.key.endswith("full_at"):
        return marked("{place} is empty, and the terms leave to the installation when the container is full.")
    return marked("{place}: give both distances or neither, with empty_mm the larger.")


def _undeclared(finding: Finding) -> str:
    if finding.file.endswith(".csv"):
        return marked("{file} lacks the column {key}; it needs {choices}.")
    if finding.key == "money.order" and finding.choices:
        return marked("{place} must name each step once; missing: {choices}.")
    if finding.key == "money.order":
        return marked("{place} names a step more than once: {value}.")
    if finding.key.endswith("clause"):
        return _PLAIN[FindingCode.CLAUSE_MISSING]
    if not finding.choices:
        return marked("{place} is not declared; give it a value.")
    if frozenset(finding.choices) in _tables():
        return marked("{place} is not declared; it needs {choices}.")
    return marked("{place} is not declared; choose one of {choices}.")


def _unknown_reference(finding: Finding) -> str:
    if finding.file == "indexes.csv":
        return marked("{file} has no value of {value}; add a row for each month.")
    if finding.file == "segments.geojson":
        return marked("{file}: no street has {key} {value}; add its streets, or leave the zone out of the standard.")
    if finding.choices:
        return marked("{place} names {value}, which is not declared; choose one of {choices}.")
    return marked("{place} names {value}, which is not declared; declare it first.")


@cache
def _tables() -> frozenset[frozenset[str]]:
    """Keys of each table of the terms: choices that are all of a table's keys are needed, not one of them."""
    modules = (contract, measures, consequences, process)
    models = {
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, BaseModel)
    }
    # A measure or a tariff that names no kind could be any of them.
    unions = [get_args(measures.Measure), get_args(consequences.Tariff)]
    keys = [frozenset(_keys(one)) for one in models]
    keys += [frozenset(key for one in union for key in _keys(one)) for union in unions]
    return frozenset([*keys, frozenset(GapCause), frozenset(LANGUAGES)])


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


# Codes that different mistakes share, each with a sentence of its own.
_SHARED: dict[FindingCode, Callable[[Finding], str]] = {
    FindingCode.UNDECLARED: _undeclared,
    FindingCode.STEP_ORDER: _step_order,
    FindingCode.NEVER_CHARGED: _never_charged,
    FindingCode.UNKNOWN_KEY: _unknown_key,
    FindingCode.FILE_MALFORMED: _file_malformed,
    FindingCode.MALFORMED: _malformed,
    FindingCode.DUPLICATE_ID: _duplicate_id,
    FindingCode.VALUE_DATES: _value_dates,
    FindingCode.UNKNOWN_REFERENCE: _unknown_reference,
    FindingCode.GEOMETRY_MISSING: _geometry_missing,
    FindingCode.PACK_CAP: _pack_cap,
    FindingCode.PACK_VAT: _pack_vat,
    FindingCode.TARGET_IMPOSSIBLE: _target_impossible,
    FindingCode.TARGET_UNREACHABLE: _target_unreachable,
}
