"""The steps of a line's calculation in words: name, what came in and went out, by which number of the terms.

What a line's sentence says of a step is said here by the same phrases, so that both read alike.
"""

from collections.abc import Mapping
from typing import Any

from app.wording.catalogue import Language, marked, told
from app.wording.charges import exact, phrase, priced
from app.wording.figures import amount, day, month
from rules.contract import Step
from rules.payments.lines import LineKind

_NAMES = {
    Step.RELIEF.value: marked("relief"),
    Step.OVERLAP.value: marked("overlap of facts"),
    Step.ALLOWANCE.value: marked("allowance"),
    Step.TARIFF.value: marked("price of the event"),
    Step.REPEAT.value: marked("coming again"),
    Step.BEDDING_IN.value: marked("bedding-in"),
    Step.INDEX.value: marked("value of the index"),
    Step.CAP.value: marked("cap"),
    Step.POINTS.value: marked("points account"),
    Step.DE_MINIMIS.value: marked("small sums"),
    Step.TOTAL_CAP.value: marked("cap on the whole"),
    Step.ROUND.value: marked("rounding"),
    "base": marked("contracted monthly sum"),
    "pro_rata": marked("parts of the month"),
    "adjustment": marked("adjustment by indexes"),
    LineKind.RETENTION.value: marked("retention by performance"),
    LineKind.RELEASE.value: marked("release of a retention"),
    LineKind.RESTATEMENT.value: marked("restatement"),
    "act": marked("act of an officer"),
    "decision": marked("decision that reduces it"),
}
# Units of numbers that are no money.
_UNITS = {
    "event": marked("{value} events"),
    "times": marked("times {value}"),
    "percent": marked("{value} %"),
}
_ORIGINS = {
    "tender": marked("tender"),
    "offer": marked("offer"),
    "amendment": marked("amendment"),
    "court": marked("court"),
}


def step_row(
    line: Mapping[str, Any], step: Mapping[str, Any], currency: str, language: Language
) -> tuple[str, str, str]:
    """Say one step of a line's trace.

    Parameters
    ----------
    line : mapping
        As `statement.json` holds it.
    step : mapping
        One of its trace.
    currency : str
        ISO 4217.
    language : str

    Returns
    -------
    tuple of str
        The step's name; what came in and went out; what it did, and the number of the terms that it took.

    Raises
    ------
    ValueError
        When the step has no name.
    """
    name = _NAMES.get(step["step"])
    if name is None:
        raise ValueError(f"step {step['step']!r} has no name; known are {', '.join(_NAMES)}")
    change = f"{exact(step['in'], language)} → {exact(step['out'], language)}"
    said = [_did(line, step, currency, language), _parameter(step, currency, language)]
    return told(name, language), change, " ".join(one for one in said if one)


def _did(line: Mapping[str, Any], step: Mapping[str, Any], currency: str, language: Language) -> str:
    match step["step"]:
        case Step.CAP | Step.TOTAL_CAP if step["in"] == step["out"]:
            return ""
        case "act" | "decision":
            act = step["act"]
            return told(
                "Act {number} of {day}, {signer}.",
                language,
                number=act["number"],
                day=day(act["date"], language),
                signer=act["signer"],
            )
        case Step.INDEX if step is not next(one for one in line["trace"] if one["step"] == Step.INDEX):
            # The month that counts is known by now: what comes in is a sum in the currency already.
            values = {"series": step["series"], "month": month(step["month"], language)}
            value = amount(step["value"], currency, language)
            return told("{series} of {month}: {value}.", language, value=value, **values)
        case LineKind.RESTATEMENT:
            return str(step["restates"])
        case _:
            return phrase(line, step, currency, language)


def _parameter(step: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say a number of the terms: what it is, where it is written, from when it holds, where it comes from."""
    number = step.get("parameter") or step.get("rate")
    if number is None or "clause" not in number:
        return ""
    origin = _ORIGINS[number["origin"]]
    values = {
        "value": _number(number["value"], number["unit"], currency, language),
        "clause": number["clause"],
        "day": day(number["from"], language),
        "origin": told(origin, language),
    }
    if "tender" not in number:
        return told("{value}: clause {clause}, from {day} ({origin}).", language, **values)
    tender = _number(number["tender"], number["unit"], currency, language)
    return told(
        "{value}: clause {clause}, from {day} ({origin}; {tender} in the tender).", language, tender=tender, **values
    )


def _number(value: str, unit: str, currency: str, language: Language) -> str:
    if unit in _UNITS:
        return told(_UNITS[unit], language, value=exact(value, language))
    return priced(value, unit, currency, language)
