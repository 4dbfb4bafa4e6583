"""The sentence of a statement's line: what was measured, against which limit, when, by which clause, what follows.

A sentence names the proven bound, never the truth: "at least". Where the data do not conclude it says so, and who
bears what is missing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.wording.catalogue import Language, counted, marked, told
from app.wording.figures import amount, clock, day, duration
from app.wording.names import nature_name
from rules.contract import Nature
from rules.payments.lines import Block, LineKind
from rules.payments.steps import ChargeState
from rules.records import Verdict

# What is proven of a container.
_PROVEN = {
    "longest_run": marked("Container {asset} was full for at least {proven} (limit: {limit}) {when}."),
    "total_time": marked("Container {asset} was full for at least {proven} in total (limit: {limit}) {when}."),
    "longest_unemptied": marked(
        "Container {asset} went for at least {proven} without being emptied (limit: {limit}) {when}."
    ),
}
# What counts against the contractor when its own gaps hide the rest.
_BORNE = {
    "longest_run": marked(
        "Container {asset} counts as full for {borne} (limit: {limit}) {when}: {proven} are proven, and the rest "
        "are gaps in the data that the contractor bears."
    ),
    "total_time": marked(
        "Container {asset} counts as full for {borne} in total (limit: {limit}) {when}: {proven} are proven, and "
        "the rest are gaps in the data that the contractor bears."
    ),
    "longest_unemptied": marked(
        "Container {asset} counts as not emptied for {borne} (limit: {limit}) {when}: {proven} are proven, and the "
        "rest are gaps in the data that the contractor bears."
    ),
}
# What stays open.
_DOUBTFUL = {
    "longest_run": marked(
        "Container {asset} was full for at least {proven} and at most {possible} (limit: {limit}) {when}: the data "
        "are insufficient to conclude."
    ),
    "total_time": marked(
        "Container {asset} was full for at least {proven} and at most {possible} in total (limit: {limit}) {when}: "
        "the data are insufficient to conclude."
    ),
    "longest_unemptied": marked(
        "Container {asset} went for at least {proven} and at most {possible} without being emptied (limit: {limit}) "
        "{when}: the data are insufficient to conclude."
    ),
}


def sentence(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say why a line of the statement is there and what became of it.

    Parameters
    ----------
    line : mapping
        A line as `statement.json` holds it.
    currency : str
        ISO 4217.
    language : str

    Raises
    ------
    ValueError
        When the line's code is unknown.
    """
    says = line["says"]
    if says["code"] in _PROVEN:
        parts = [_fact(line, language), _clause(says, language), *_consequence(line, currency, language)]
    elif says["code"] == LineKind.RESTATEMENT:
        parts = [_restated(line, currency, language), _clause(says, language), _follows(line, currency, language)]
    else:
        parts = [_sum(line, currency, language), _clause(says, language)]
    return " ".join(part for part in parts if part)


def remedy(line: Mapping[str, Any], language: Language) -> str:
    """Say what would have kept a line from being there; empty where nothing could.

    Parameters
    ----------
    line : mapping
        A line as `statement.json` holds it.
    language : str
    """
    says = line["says"]
    if says["code"] not in _PROVEN or line["state"] == "annulled":
        return ""
    limit = duration(says["target"], language)
    if says["proven"] <= says["target"]:
        return told("No line if complete data had shown {limit} at most.", language, limit=limit)
    if says["code"] == "total_time":
        return told("No line if the container had been full for {limit} at most in total.", language, limit=limit)
    begun, ended = _span(says)
    latest = begun + timedelta(microseconds=says["target"])
    told_clock, told_day = clock(latest), day(latest.isoformat(), language)
    # Local clocks that moved in between: the wall-clock time of the limit cannot be told from both ends.
    if abs(ended - begun - timedelta(microseconds=says["proven"])) > timedelta(seconds=1):
        return told(
            "No line if the container had been emptied within {limit} from {clock} on {day}.",
            language,
            limit=limit,
            clock=clock(begun),
            day=day(says["proven_from"], language),
        )
    if says["code"] == "longest_unemptied":
        return told(
            "No line if the container had been emptied by {clock} on {day}.", language, clock=told_clock, day=told_day
        )
    if begun.date() == ended.date():
        return told("No line if the container had been emptied before {clock}.", language, clock=told_clock)
    return told(
        "No line if the container had been emptied before {clock} on {day}.", language, clock=told_clock, day=told_day
    )


def _sum(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """Sentence of a line that is a sum and no fact."""
    says = line["says"]
    paid = amount(line["amount"], currency, language)
    unsigned = _unsigned(line["amount"], currency, language)
    match says["code"]:
        case "base":
            return told("Contracted monthly sum ({base}): {amount}.", language, base=says["base"], amount=paid)
        case "carry-over/from-before":
            return told("Left over from earlier payments and taken off now: {amount}.", language, amount=unsigned)
        case "carry-over/to-next":
            return told("To be taken off the next payment: {amount}.", language, amount=unsigned)
        case "rounding/total":
            return told("Rounding of the total, as the terms say: {amount}.", language, amount=paid)
        case code:
            raise ValueError(f"line {line['id']} says {code!r}, for which there is no sentence")


def _restated(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """Which line of an issued statement is restated, and how."""
    says = line["says"]
    return told(
        "Restatement of {line}: {before} becomes {after}, by what became known after it was stated.",
        language,
        line=says["restates"],
        before=amount(says["before"], currency, language),
        after=amount(says["after"], currency, language),
    )


def _follows(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """What follows from a restatement: nothing more for a sum settled now."""
    match line["state"]:
        case "withdrawn":
            return told("Withdrawn; nothing is charged.", language)
        case "firm" | "annulled":
            act = next(step["act"] for step in line["trace"] if step["step"] == "act")
            return _decided(line, act, currency, language)
        case _:
            return _owed(line, currency, language) if line["block"] == Block.IN_PROCEDURE else ""


def _fact(line: Mapping[str, Any], language: Language) -> str:
    """What was measured, with the bound that counts."""
    says = line["says"]
    measure, state = says["code"], line["state"]
    values = {name: duration(says[name], language) for name in ("proven", "borne", "possible")}
    values |= {"asset": line["subject"], "limit": duration(says["target"], language)}
    when = told("on {day}", language, day=day(says["day"], language))
    is_open = says["verdict"] == Verdict.INCONCLUSIVE
    if not is_open or says["proven"] > says["target"]:
        source, when = _PROVEN[measure], _when(says, language)
        note = told("The data fall short of the required completeness.", language) if is_open else ""
    elif state != ChargeState.HELD and says["borne"] > says["target"]:
        source, note = _BORNE[measure], ""
    else:
        source = _DOUBTFUL[measure]
        is_charged = state == ChargeState.CHARGED
        note = told("The contract terms charge what is inconclusive.", language) if is_charged else ""
    return f"{told(source, language, **values, when=when)} {note}".rstrip()


def _when(says: Mapping[str, Any], language: Language) -> str:
    """Day, and from when until when where the proven part has one place."""
    begun, ended = _span(says)
    if begun == ended or says["code"] == "total_time":
        return told("on {day}", language, day=day(says["day"], language))
    start, end = clock(begun), clock(ended)
    first, last = (day(says[name], language) for name in ("proven_from", "proven_until"))
    if first == last:
        return told("on {day}, between {start} and {end}", language, day=first, start=start, end=end)
    return told(
        "between {start} on {first} and {end} on {last}", language, start=start, first=first, end=end, last=last
    )


def _span(says: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(says["proven_from"]), datetime.fromisoformat(says["proven_until"])


def _clause(says: Mapping[str, Any], language: Language) -> str:
    article = says.get("clause", "")
    return told("Clause {article}.", language, article=article) if article else ""


def _consequence(line: Mapping[str, Any], currency: str, language: Language) -> list[str]:
    """What became of the line, and which number of the terms decided it."""
    steps = {step["step"]: step for step in line["trace"]}
    match line["state"]:
        case ChargeState.FREE:
            return [_free(steps["allowance"], language)]
        case ChargeState.ABSORBED:
            return [_absorbed(steps["overlap"]["absorbed_by"], line, language)]
        case ChargeState.CAPPED:
            limit = amount(steps["cap"]["limit"], currency, language)
            return [told("Nothing is charged: the cap of {limit} is reached.", language, limit=limit)]
        case "firm" | "annulled":
            return [_decided(line, steps["act"]["act"], currency, language)]
        case _:
            owed = [_owed(line, currency, language)]
    if "cap" in steps:
        limit = amount(steps["cap"]["limit"], currency, language)
        owed.append(told("Limited by the cap of {limit}.", language, limit=limit))
    return owed


def _free(step: Mapping[str, Any], language: Language) -> str:
    free = int(Decimal(step["parameter"]["value"]))
    return counted(
        "Nothing is charged: the allowance is {free} event and this is number {event}.",
        "Nothing is charged: the allowance is {free} events and this is number {event}.",
        free,
        language,
        free=str(free),
        event=str(step["event"]),
    )


def _absorbed(absorbed_by: str, line: Mapping[str, Any], language: Language) -> str:
    """Name the fact that takes this one's place; its id begins with contract / standard @ version."""
    if absorbed_by in line["determinations"]:
        return told("Nothing is charged: a dearer consequence of the same fact absorbs it.", language)
    standard = absorbed_by.split("/")[1].partition("@")[0]
    return told(
        "Nothing is charged: the dearer fact of the same day under standard {standard} absorbs it.",
        language,
        standard=standard,
    )


def _owed(line: Mapping[str, Any], currency: str, language: Language) -> str:
    owed = _unsigned(line["amount"], currency, language)
    if line["state"] == ChargeState.HELD:
        nature = nature_name(line["nature"], language)
        return told("Sum held, not charged: {amount} ({nature}).", language, amount=owed, nature=nature)
    is_fine = line["nature"] == Nature.FINE
    if line["block"] == Block.IN_PROCEDURE:
        if is_fine:
            return told("Fine of {amount}, in procedure, not charged.", language, amount=owed)
        return told("Service-level deduction of {amount}, in procedure, not charged.", language, amount=owed)
    if is_fine:
        return told("Fine of {amount}.", language, amount=owed)
    return told("Service-level deduction of {amount}.", language, amount=owed)


def _decided(line: Mapping[str, Any], act: Mapping[str, str], currency: str, language: Language) -> str:
    values = {"number": act["number"], "day": day(act["date"], language)}
    if line["state"] == "annulled":
        return told("Annulled by act {number} of {day}; nothing is charged.", language, **values)
    values["amount"] = _unsigned(line["amount"], currency, language)
    if line["nature"] == Nature.FINE:
        return told("Fine of {amount}, firm by act {number} of {day}, charged.", language, **values)
    return told("Service-level deduction of {amount}, firm by act {number} of {day}, charged.", language, **values)


def _unsigned(value: str, currency: str, language: Language) -> str:
    """Write an amount without its sign, where the sentence itself says which way it goes."""
    return amount(value.removeprefix("-"), currency, language)
