"""The sentence of a statement's line: what was measured, against which limit, when, by which clause, what follows.

A sentence names the proven bound, never the truth: "at least", or "at most" where the target must be reached. Where
the data do not conclude it says so, and who bears what is missing.
"""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from babel.lists import format_list

from app.wording.catalogue import LOCALES, Language, told
from app.wording.charges import DECIDED, carried, consequence, decided, exact, excused, owed, pointed, unsigned
from app.wording.facts import fact, is_fact
from app.wording.figures import amount, clock, count, exact_share, month, months
from app.wording.names import market_state_name
from rules.payments.lines import Block, LineKind

_PPM = 1_000_000


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
    if is_fact(says["code"]):
        hours = _hours(says.get("hours", {}), language)
        parts = [fact(line, language), hours, _clause(says, language), *consequence(line, currency, language)]
    elif says["code"] == LineKind.RESTATEMENT:
        parts = [_restated(line, currency, language), _clause(says, language), *excused(line, language)]
        parts.append(_follows(line, currency, language))
    elif says["code"] == "cap_carry":
        parts = [_cut(line, currency, language), _clause(says, language), *carried(line, currency, language)]
    elif says["code"] == "points":
        parts = [_points(says, language), _clause(says, language), *pointed(line, currency, language)]
    elif says["code"] in {"retention", "release"}:
        parts = [_retention(line, currency, language), _clause(says, language)]
    else:
        grown = [_weighed(line, currency, language), _adjusted(line, currency, language)]
        parts = [_sum(line, currency, language), _clause(says, language), *grown]
    return " ".join(part for part in parts if part)


def _hours(hours: Mapping[str, str], language: Language) -> str:
    """Say by which list of the calendar the hours were; nothing where they are the standard's own."""
    if "state" in hours:
        state = market_state_name(hours["state"], language)
        since, until = (datetime.fromisoformat(hours[name]) for name in ("from", "until"))
        return told(
            "Market {market}, {state}: from {since} to {until} ({source}).",
            language,
            market=hours["market"],
            state=state,
            since=clock(since),
            until=clock(until),
            source=hours["source"],
        )
    if hours.get("on") == "only":
        return told("A holiday of the list {list}.", language, list=hours["holidays"])
    return ""


def _sum(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """Sentence of a line that is a sum and no fact."""
    says = line["says"]
    paid = amount(line["amount"], currency, language)
    sum_owed = unsigned(line["amount"], currency, language)
    match says["code"]:
        case "base":
            return told("Contracted monthly sum ({base}): {amount}.", language, base=says["base"], amount=paid)
        case "carry-over/from-before":
            return told("Left over from earlier payments and taken off now: {amount}.", language, amount=sum_owed)
        case "carry-over/to-next":
            return told("To be taken off the next payment: {amount}.", language, amount=sum_owed)
        case "rounding/total":
            return told("Rounding of the total, as the terms say: {amount}.", language, amount=paid)
        case code:
            raise ValueError(f"line {line['id']} says {code!r}, for which there is no sentence")


def _points(says: Mapping[str, Any], language: Language) -> str:
    """How many points a month has in an account, and how many of them are free."""
    values = {name: exact(says[name], language) for name in ("points", "free", "shadow")}
    if Fraction(says["shadow"]):
        return told(
            "Account {account}: {points} points, {free} of them free; {shadow} more of the bedding-in.",
            language,
            account=says["account"],
            **values,
        )
    return told(
        "Account {account}: {points} points, {free} of them free.",
        language,
        account=says["account"],
        points=values["points"],
        free=values["free"],
    )


def _retention(line: Mapping[str, Any], currency: str, language: Language) -> str:
    says = line["says"]
    if says["code"] == "retention":
        kept = unsigned(line["amount"], currency, language)
        return told(
            "Retention by performance ({name}): {amount} kept.", language, name=says["retention"], amount=kept
        )
    return told(
        "Retention by performance ({name}) of {months}: {amount} given back of {kept}, at a score of {score}.",
        language,
        name=says["retention"],
        months=months(says["months"], language),
        amount=amount(line["amount"], currency, language),
        kept=amount(says["kept"], currency, language),
        score=exact_share(round(Fraction(says["score"]) * _PPM), language),
    )


def _weighed(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """How a base sum that changed within the month was weighted."""
    step = next((one for one in line.get("trace", ()) if one["step"] == "pro_rata"), None)
    if step is None:
        return ""
    said = [
        told(
            "{amount} on {days}",
            language,
            amount=amount(one["value"], currency, language),
            days=count(one["days"], language),
        )
        for one in step["parts"]
    ]
    parts, days = format_list(said, locale=LOCALES[language]), count(step["days"], language)
    if step["by"] == "days":
        return told("Weighted by days: {parts}, of {days}.", language, parts=parts, days=days)
    return told("Weighted by working days: {parts}, of {days}.", language, parts=parts, days=days)


def _adjusted(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """How indexes changed a base sum."""
    step = next((one for one in line.get("trace", ()) if one["step"] == "adjustment"), None)
    if step is None:
        return ""
    return told(
        "Adjusted by indexes of {month} against {base_month}: {agreed} agreed, times {factor}. Clause {clause}.",
        language,
        month=month(step["month"], language),
        base_month=month(step["base_month"], language),
        agreed=amount(step["in"], currency, language),
        factor=exact(step["factor"], language),
        clause=step["clause"],
    )


def _cut(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """Where a sum comes from that a cap cut off."""
    says = line["says"]
    return told(
        "Carried over from {months}, beyond the cap of that time: {owed}.",
        language,
        months=months(says["months"], language),
        owed=amount(says["owed"], currency, language),
    )


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
        case state if state in DECIDED:
            return decided(line, currency, language)
        case _:
            return owed(line, currency, language) if line["block"] == Block.IN_PROCEDURE else ""


def _clause(says: Mapping[str, Any], language: Language) -> str:
    article = says.get("clause", "")
    return told("Clause {article}.", language, article=article) if article else ""
