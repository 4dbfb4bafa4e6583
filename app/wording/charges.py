"""What follows from a fact: what is charged, held or free, by which number of the terms, what a cap left of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.wording.catalogue import Language, counted, marked, told
from app.wording.figures import amount, count, day, duration, exact_share, month, number
from app.wording.names import nature_name
from rules.calendar import duration_us
from rules.consequences import Nature
from rules.contract import Step
from rules.payments.charges import ChargeState
from rules.payments.lines import Block, LineKind
from rules.payments.money import read, written

_PPM = 1_000_000
# States of a line that an act has ended.
DECIDED = frozenset({"firm", "reduced", "annulled"})


@dataclass(frozen=True, slots=True)
class Phrases:
    """Sentences of what is owed in one nature: settled now, in procedure, firm by an act, reduced by one."""

    settled: str
    in_procedure: str
    firm: str
    reduced: str


# A court tells a fine from damages: no nature is called by the name of another.
_BY_NATURE = {
    Nature.FINE.value: Phrases(
        marked("Fine of {amount}."),
        marked("Fine of {amount}, in procedure, not charged."),
        marked("Fine of {amount}, firm by act {number} of {day}, charged."),
        marked("Fine of {before}, reduced to {amount}, firm by act {number} of {day}, charged."),
    ),
    Nature.PRICE.value: Phrases(
        marked("Service-level deduction of {amount}."),
        marked("Service-level deduction of {amount}, in procedure, not charged."),
        marked("Service-level deduction of {amount}, firm by act {number} of {day}, charged."),
        marked("Service-level deduction of {before}, reduced to {amount}, firm by act {number} of {day}, charged."),
    ),
}
_ANY_NATURE = Phrases(
    marked("{nature} of {amount}."),
    marked("{nature} of {amount}, in procedure, not charged."),
    marked("{nature} of {amount}, firm by act {number} of {day}, charged."),
    marked("{nature} of {before}, reduced to {amount}, firm by act {number} of {day}, charged."),
)
# What is said of a step: of the line, the step, the currency, in the language.
_PHRASES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], str, Language], str]] = {
    Step.RELIEF: lambda _line, step, _currency, language: _relieved(step, language),
    Step.OVERLAP: lambda line, step, _currency, language: _absorbed(step["absorbed_by"], line, language),
    Step.ALLOWANCE: lambda _line, step, _currency, language: _free(step, language),
    Step.TARIFF: lambda _line, step, currency, language: _priced_by(step, currency, language),
    Step.REPEAT: lambda _line, step, _currency, language: _repeated(step, language),
    Step.BEDDING_IN: lambda _line, step, currency, language: _shadow(step, currency, language),
    Step.INDEX: lambda _line, step, currency, language: _indexed(step, currency, language),
    Step.CAP: lambda _line, step, currency, language: _limited(step, currency, language),
    Step.POINTS: lambda _line, step, _currency, language: _counted(step, language),
    Step.DE_MINIMIS: lambda _line, step, currency, language: _small(step, currency, language),
    Step.TOTAL_CAP: lambda _line, step, currency, language: _limited(step, currency, language),
}
_EVENT = {
    "contract": marked("Event number {event} of the month under the contract: {rate}."),
    "zone": marked("Event number {event} of the month in the zone: {rate}."),
    "asset": marked("Event number {event} of the month for the item: {rate}."),
}


def consequence(line: Mapping[str, Any], currency: str, language: Language) -> list[str]:
    """Say what became of a line, and which number of the terms decided it.

    Parameters
    ----------
    line : mapping
        A line as `statement.json` holds it.
    currency : str
        ISO 4217.
    language : str
    """
    steps = {step["step"]: step for step in line["trace"]}
    match line["state"]:
        case ChargeState.FREE:
            decisive = [steps[Step.ALLOWANCE]]
        case ChargeState.RELIEVED:
            decisive = [steps[Step.RELIEF]]
        case ChargeState.SHADOW:
            decisive = [steps[Step.BEDDING_IN]]
        case ChargeState.ABSORBED:
            decisive = [steps[Step.OVERLAP]]
        case ChargeState.COUNTED:
            decisive = [step for name, step in steps.items() if name in {Step.TARIFF, Step.POINTS}]
        case ChargeState.CAPPED | ChargeState.DE_MINIMIS:
            return [_left_off(steps, currency, language)]
        case state if state in DECIDED:
            return [decided(line, currency, language)]
        case _:
            # A cap may stand before what multiplies: each in its own place.
            worked = (Step.TARIFF, Step.INDEX, Step.REPEAT, Step.CAP, Step.TOTAL_CAP)
            said = [owed(line, currency, language)]
            return said + [phrase(line, step, currency, language) for name, step in steps.items() if name in worked]
    return [phrase(line, step, currency, language) for step in decisive]


def phrase(line: Mapping[str, Any], step: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say what a step made of a sum, or why there is none; nothing where a line's sentence has no words for it.

    Parameters
    ----------
    line : mapping
        A line as `statement.json` holds it.
    step : mapping
        Of its trace.
    currency : str
        ISO 4217.
    language : str
    """
    said = _PHRASES.get(step["step"])
    return said(line, step, currency, language) if said else ""


def _priced_by(step: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say how a sum came about, where it is not simply so much an event."""
    if step.get("kind", "per_event") == "per_event":
        return ""
    said = _tariff(step, currency, language)
    if step.get("bound") == "least":
        return f"{said} " + told("Taken as the smallest miss there can be.", language)
    return said


def _tariff(step: Mapping[str, Any], currency: str, language: Language) -> str:
    parameter = step["parameter"]
    rate = priced(parameter["value"], parameter["unit"], currency, language)
    match step["kind"]:
        case "per_time":
            return told(
                "{units} times {time}, at {rate} each.",
                language,
                units=exact(step["count"], language),
                time=duration(duration_us(step["time"]), language),
                rate=rate,
            )
        case "range":
            return _chosen(step, currency, language)
        case "planned_share":
            return told(
                "One of the {planned} planned checks that share {rate}.",
                language,
                planned=count(step["planned"], language),
                rate=rate,
            )
        case "per_unit":
            units = count(step["units"], language)
            return told("{units} beyond the limit, at {rate} each.", language, units=units, rate=rate)
        case "proportional":
            missing = exact_share(round(read(step["missing"]) * _PPM), language)
            return told("Service not rendered: {missing} of {rate}.", language, missing=missing, rate=rate)
        case "band":
            return told(
                "Band from {since} upwards: {percent} of {base}.",
                language,
                since=exact_share(round(read(step["band_from"]) * _PPM), language),
                percent=exact_share(round(read(parameter["value"]) * _PPM / 100), language),
                base=amount(step["base_amount"], currency, language),
            )
        case "nth":
            source = _EVENT[step["key"]]
            return told(source, language, event=count(step["occurrence"], language), rate=rate)
        case kind:
            raise ValueError(f"there is no sentence for tariff {kind!r}")


def priced(value: str, unit: str, currency: str, language: Language) -> str:
    """Write a sum in the currency, or in a unit such as UTM or points."""
    if unit == currency:
        return amount(value, currency, language)
    return f"{exact(value, language)} {unit}"


def carried(line: Mapping[str, Any], currency: str, language: Language) -> list[str]:
    """Say what became of a sum that an earlier month's cap cut off.

    Parameters
    ----------
    line : mapping
        A line with the code `cap_carry`.
    currency : str
        ISO 4217.
    language : str
    """
    steps = {step["step"]: step for step in line["trace"]}
    if line["state"] in DECIDED:
        return [decided(line, currency, language)]
    if not line["says"]["limit"]:
        return [told("The terms carry nothing over any more; nothing is charged.", language)]
    cap = steps["cap"]
    rest = read(cap["in"]) - read(cap["out"])
    said = {**cap, "carried": written(rest)} if rest else cap
    if line["state"] == ChargeState.CAPPED:
        return [_capped(said, currency, language)]
    return [owed(line, currency, language), *([_limited(said, currency, language)] if rest else [])]


def owed(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say what is owed, by its nature, and whether it is charged."""
    sum_owed, nature = unsigned(line["amount"], currency, language), nature_name(line["nature"], language)
    if line["state"] == ChargeState.HELD:
        return told("Sum held, not charged: {amount} ({nature}).", language, amount=sum_owed, nature=nature)
    if line["kind"] == LineKind.BONUS:
        return told("Performance bonus of {amount}.", language, amount=sum_owed)
    phrases = _BY_NATURE.get(line["nature"], _ANY_NATURE)
    source = phrases.in_procedure if line["block"] == Block.IN_PROCEDURE else phrases.settled
    return told(source, language, nature=_capital(nature), amount=sum_owed)


def decided(line: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say what an officer's act has made of a line."""
    step = next(step for step in reversed(line["trace"]) if "act" in step)
    act: Mapping[str, str] = step["act"]
    values = {"number": act["number"], "day": day(act["date"], language)}
    if line["state"] == "annulled":
        return told("Annulled by act {number} of {day}; nothing is charged.", language, **values)
    phrases = _BY_NATURE.get(line["nature"], _ANY_NATURE)
    values["amount"] = unsigned(line["amount"], currency, language)
    values["nature"] = _capital(nature_name(line["nature"], language))
    if line["state"] == "reduced":
        return told(phrases.reduced, language, before=unsigned(step["in"], currency, language), **values)
    return told(phrases.firm, language, **values)


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def unsigned(value: str, currency: str, language: Language) -> str:
    """Write an amount without its sign, where the sentence itself says which way it goes."""
    return amount(written(abs(Fraction(value))), currency, language)


def _capped(step: Mapping[str, Any], currency: str, language: Language) -> str:
    limit = amount(step["limit"], currency, language)
    if "carried" in step:
        return told(
            "Nothing is charged now: the cap of {limit} is reached; {carried} is carried over to the next month.",
            language,
            limit=limit,
            carried=amount(step["carried"], currency, language),
        )
    return told("Nothing is charged: the cap of {limit} is reached.", language, limit=limit)


def _limited(step: Mapping[str, Any], currency: str, language: Language) -> str:
    limit = amount(step["limit"], currency, language)
    if "carried" in step:
        return told(
            "Limited by the cap of {limit}; {carried} is carried over to the next month.",
            language,
            limit=limit,
            carried=amount(step["carried"], currency, language),
        )
    return told("Limited by the cap of {limit}.", language, limit=limit)


def exact(value: str, language: Language) -> str:
    """Write a number that need not be whole; a third stays a third."""
    return value if "/" in value else number(Decimal(value), language)


def _relieved(step: Mapping[str, Any], language: Language) -> str:
    return told(
        "Nothing is charged: relief {relief} ({code}, clause {clause}), granted by act {number} of {day}.",
        language,
        **_granted(step, language),
    )


def excused(line: Mapping[str, Any], language: Language) -> list[str]:
    """Name the relief by which a line is restated; nothing where there is none.

    Parameters
    ----------
    line : mapping
        A line that restates.
    language : str
    """
    steps = [step for step in line.get("trace", ()) if step["step"] == "relief"]
    return [
        told(
            "Relief {relief} ({code}, clause {clause}), granted by act {number} of {day}.",
            language,
            **_granted(step, language),
        )
        for step in steps[-1:]
    ]


def _granted(step: Mapping[str, Any], language: Language) -> dict[str, str]:
    said = {name: str(step[name]) for name in ("relief", "code", "clause", "number")}
    return {**said, "day": day(step["date"], language)}


def _shadow(step: Mapping[str, Any], currency: str, language: Language) -> str:
    return told(
        "Nothing is charged: bedding-in until {day} (clause {clause}); it would have been {amount}.",
        language,
        day=day(step["until"], language),
        clause=step["clause"],
        amount=priced(step["in"], step["unit"], currency, language),
    )


def _counted(step: Mapping[str, Any], language: Language) -> str:
    if "account" not in step:
        # The account's own line: its sentence says what its points come to.
        return ""
    points, account = exact(step["in"], language), step["account"]
    return told("{points} points in the account {account}.", language, points=points, account=account)


def _indexed(step: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say with which value a sum in an indexed unit became one in the currency, and whether that is for now only."""
    values = {"series": step["series"], "month": month(step["month"], language)}
    said = told(
        "{sum}; {series} of {month}: {value}.",
        language,
        sum=priced(step["in"], step["series"], currency, language),
        value=amount(step["value"], currency, language),
        **values,
    )
    match step.get("until"):
        case None:
            return said
        case "payment":
            until = told("Provisional, by {series} of {month}; the month of payment will fix it.", language, **values)
        case _:
            until = told("Provisional, by {series} of {month}; the month of the act will fix it.", language, **values)
    return f"{said} {until}"


def _chosen(step: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say who chose a sum within a range, and why; or that nobody did."""
    unit = step["parameter"]["unit"]
    least, most = (priced(step[name], unit, currency, language) for name in ("min", "max"))
    if "choice" not in step:
        return told("From {least} to {most}: the least, as nobody chose another.", language, least=least, most=most)
    choice = step["choice"]
    return told(
        "From {least} to {most}: chosen by act {number} of {day}, because: {reason}.",
        language,
        least=least,
        most=most,
        number=choice["number"],
        day=day(choice["date"], language),
        reason=choice["reason"],
    )


def _repeated(step: Mapping[str, Any], language: Language) -> str:
    return told(
        "Event number {event}, of {events}: times {factor} for coming again, from number {since} on.",
        language,
        event=count(step["event"], language),
        events=count(step["events"], language),
        factor=number(Decimal(step["parameter"]["value"]), language),
        since=count(step["from"], language),
    )


def pointed(line: Mapping[str, Any], currency: str, language: Language) -> list[str]:
    """Say what an account's points of a month come to.

    Parameters
    ----------
    line : mapping
        A line with the code `points`.
    currency : str
        ISO 4217.
    language : str
    """
    steps = {step["step"]: step for step in line["trace"]}
    if line["state"] in DECIDED:
        return [decided(line, currency, language)]
    rate = steps["points"]["rate"]
    at = priced(rate["value"], rate["unit"], currency, language)
    said = [owed(line, currency, language)] if read(line["amount"]) else []
    if steps["points"]["kind"] == "bands":
        bands, band = steps["points"]["bands"], steps["points"]["band"]
        whole = {"bands": count(bands, language), "band": exact(band, language)}
        said.append(told("{bands} whole bands of {band} points, at {rate} each.", language, rate=at, **whole))
    else:
        said.append(told("At {rate} a point, as the clause grades it.", language, rate=at))
    if "de_minimis" in steps:
        said.append(_small(steps["de_minimis"], currency, language))
    return said + [_limited(steps[name], currency, language) for name in ("total_cap",) if name in steps]


def _left_off(steps: Mapping[str, Any], currency: str, language: Language) -> str:
    """Why a sum that was priced is not charged at all."""
    if "de_minimis" in steps:
        return _small(steps["de_minimis"], currency, language)
    return _capped(steps.get("total_cap") or steps["cap"], currency, language)


def _small(step: Mapping[str, Any], currency: str, language: Language) -> str:
    return told(
        "Nothing is charged: such sums of the month come to {sum}, less than {limit} (clause {clause}).",
        language,
        sum=amount(step["sum"], currency, language),
        limit=amount(step["limit"], currency, language),
        clause=step["clause"],
    )


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
