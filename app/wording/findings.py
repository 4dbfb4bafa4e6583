"""What the linter found, in words: what is wrong, where, and what may stand there."""

from collections.abc import Callable
from functools import cache

from babel.lists import format_list
from pydantic import BaseModel

from app.wording.catalogue import LANGUAGES, LOCALES, Language, marked, told
from rules import contract
from rules.records import Finding, FindingCode, GapCause

# What needs no more than file, key, value and choices; the codes that several mistakes share stand in `_SHARED`.
_PLAIN = {
    FindingCode.FILE_MISSING: marked("{file} is missing; put it into the contract folder."),
    FindingCode.UNKNOWN_KEY: marked("{place} is not a key that the terms have; known here: {choices}."),
    FindingCode.NOT_A_CHOICE: marked("{place} is {value}; choose one of {choices}."),
    FindingCode.CLAUSE_MISSING: marked("{place} names no clause; give the article where it is written."),
    FindingCode.PUBLISHED_LATE: marked(
        "{place} is {value}, later than the first day on which the terms hold; let contract.effective.from be later."
    ),
    FindingCode.EFFECTIVE_INSIDE_PERIOD: marked(
        "{place} is {value}, in the middle of a payment period; use the first day of a month."
    ),
    FindingCode.STEP_ORDER: marked("{place}: {value} stands before {choices}; it may only stand after."),
    FindingCode.INDEX_UNDECLARED: marked(
        "{place} is {value}, neither the currency nor a declared index; choose one of {choices}, or declare it in "
        "money.indexes."
    ),
    FindingCode.OVERLAP_DISAGREES: marked(
        "{place} is {value}, yet standard {choices} of the same group says otherwise; let both say the same."
    ),
    FindingCode.SILENCE_PAYS: marked(
        "{place}: silence pays: gaps of cause {value} are borne by the contractor, yet an inconclusive check deducts "
        "nothing; choose {either}."
    ),
    FindingCode.GAP_COSTS_CONTRACTOR: marked(
        "{place}: silence costs: gaps of cause {value} are borne by the city, yet an inconclusive check costs "
        "the contractor; choose {either}."
    ),
    FindingCode.TARGET_IMPOSSIBLE: marked(
        "{place} is {value}, shorter than the {choices} between expected readings, so that nothing could be proven; "
        "make it at least as long."
    ),
    FindingCode.TARGET_UNREACHABLE: marked(
        "{place} is {value}, and the measure can never exceed it, so that the standard could not be missed; lower "
        "it, or lengthen the window or look_back."
    ),
    FindingCode.INSTALLATION_OVERLAP: marked(
        "{place}: device {value} hangs in two places at once; end the first installation before the next begins."
    ),
    FindingCode.UNSIGNED: marked("{place}: the installation is not signed by both the city and the contractor."),
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
    return told(source, language, **values)


def _file_malformed(finding: Finding) -> str:
    if finding.key:
        return marked("{file} cannot be read: {value}. It needs {key}.")
    return marked("{file} cannot be read: {value}.")


def _malformed(finding: Finding) -> str:
    if finding.key == "contract.published":
        return marked("{place} is no instant with an offset from UTC: {value}; write it like 2026-07-10T12:00:00Z.")
    if finding.choices:
        return marked("{place} cannot be read: {value}. It may hold {choices}.")
    return marked("{place} cannot be read: {value}.")


def _duplicate_id(finding: Finding) -> str:
    if finding.file == "assets.csv":
        return marked("{place}: {value} stands in two places at once; end the first before the next begins.")
    return marked("{place}: {value} stands there more than once; each may stand only once.")


def _value_dates(finding: Finding) -> str:
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
    if finding.choices:
        return marked("{place} names {value}, which is not declared; choose one of {choices}.")
    return marked("{place} names {value}, which is not declared; declare it first.")


@cache
def _tables() -> frozenset[frozenset[str]]:
    """Keys of each table of the terms: choices that are all of a table's keys are needed, not one of them."""
    models = [one for one in vars(contract).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    keys = [frozenset(field.alias or name for name, field in model.model_fields.items()) for model in models]
    # A measure that names no kind could be any of them.
    measures = frozenset({*contract.FullMeasure.model_fields, *contract.EmptiedMeasure.model_fields})
    return frozenset([*keys, measures, frozenset(GapCause), frozenset(LANGUAGES)])


# Codes that different mistakes share, each with a sentence of its own.
_SHARED: dict[FindingCode, Callable[[Finding], str]] = {
    FindingCode.UNDECLARED: _undeclared,
    FindingCode.FILE_MALFORMED: _file_malformed,
    FindingCode.MALFORMED: _malformed,
    FindingCode.DUPLICATE_ID: _duplicate_id,
    FindingCode.VALUE_DATES: _value_dates,
    FindingCode.UNKNOWN_REFERENCE: _unknown_reference,
    FindingCode.GEOMETRY_MISSING: _geometry_missing,
}
