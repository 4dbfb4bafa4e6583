"""What would have kept a line from being there, as a fact that somebody could have brought about."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from app.wording.catalogue import Language, marked, told
from app.wording.facts import handed_in, is_fact, is_missed, limit, span
from app.wording.figures import clock, count, day, instant
from rules.payments.lines import LineKind
from rules.records import Op

_PPM = 1_000_000
_FIGURES = {
    Op.AT_MOST: marked("No line if it had been {limit} at most."),
    Op.AT_LEAST: marked("No line if it had been {limit} at least."),
}
# Measures of which no instant could be named.
_PLAIN = {
    "total_time": marked("No line if the container had been full for {limit} at most in total."),
    "time_above_speed": marked("No line if the vehicle had worked faster than allowed for {limit} at most in total."),
    "swept_share": marked("No line if at least {limit} of the street length had been swept."),
    "swept_share_worst_tenth": marked(
        "No line if the worst-swept tenth of the streets had been swept {limit} at least on average."
    ),
    "mean_grade": marked("No line if the drawn points had been worth {limit} at least on average."),
    "report_late": marked("No line if the report had come by {due}."),
    "report_missing": marked("No line if the report had come by {due}."),
    "report_contradicted": marked(
        "No line if the report had declared the lifts that the vehicles recorded, within the margin of {margin}."
    ),
    "feed_completeness": marked("No line if at least {limit} of the readings owed had been delivered."),
}
_ANSWERED = {
    "responded": marked("No line if the complaint had been answered within {limit} from {clock} on {day}."),
    "resolved": marked("No line if the complaint had been resolved within {limit} from {clock} on {day}."),
    "confirmed": marked(
        "No line if the complaint had been confirmed as resolved within {limit} from {clock} on {day}."
    ),
}


def remedy(line: Mapping[str, Any], language: Language) -> str:
    """Say what would have kept a line from being there; empty where nothing could.

    Parameters
    ----------
    line : mapping
        A line as `statement.json` holds it.
    language : str
    """
    line = handed_in(line, language)
    says = line["says"]
    if not is_fact(says["code"]) or line["state"] == "annulled" or line["kind"] == LineKind.BONUS:
        return ""
    if not is_missed(says):
        return _complete(says, language)
    values = {"limit": limit(says, language)}
    match says["code"]:
        case "time_to_respond":
            opened, source = datetime.fromisoformat(says["detail"]["opened"]), _ANSWERED[says["detail"]["step"]]
            values |= {"clock": clock(opened), "day": day(says["detail"]["opened"], language)}
            return told(source, language, **values)
        case "share_at_or_above":
            return _points(says, language)
        case code if code == "recorded" or (code in _SPANNED and not says["proven_from"]):
            return told(_FIGURES[Op(says["op"])], language, **values)
        case code if code in _SPANNED:
            return _SPANNED[code](says, language)
        case code:
            detail = says.get("detail", {})
            values["due"] = instant(detail["due"], language) if "due" in detail else ""
            values["margin"] = count(detail["margin"], language) if "margin" in detail else ""
            return told(_PLAIN[code], language, **values)


def _complete(says: Mapping[str, Any], language: Language) -> str:
    """What complete data would have had to show."""
    if says["code"] in {"report_late", "report_missing"}:
        return told("No line if the report had come in time and without contradictory versions.", language)
    if says["code"] == "report_contradicted":
        source = _PLAIN["report_contradicted"]
        return told(source, language, margin=count(says["detail"]["margin"], language))
    values = {"limit": limit(says, language)}
    if says["op"] == Op.AT_LEAST:
        return told("No line if complete data had shown {limit} at least.", language, **values)
    return told("No line if complete data had shown {limit} at most.", language, **values)


def _points(says: Mapping[str, Any], language: Language) -> str:
    """How many points would have been enough; those that nobody inspected count as good."""
    detail = says["detail"]
    needed = -(-Fraction(says["target"], _PPM) * detail["planned"] // 1)
    return told(
        "No line if {needed} of the {planned} drawn points had been at grade {grade} or better, those not inspected "
        "counted in.",
        language,
        needed=count(int(needed), language),
        planned=count(detail["planned"], language),
        grade=detail["grade"],
    )


def _pass(says: Mapping[str, Any], language: Language) -> str:
    latest, is_shifted = _latest(says)
    if is_shifted:
        begun, _ = span(says)
        return told(
            "No line if a sweeping pass had come within {limit} from {clock} on {day}.",
            language,
            limit=limit(says, language),
            clock=clock(begun),
            day=day(says["proven_from"], language),
        )
    return told(
        "No line if a sweeping pass had come by {clock} on {day}.",
        language,
        clock=clock(latest),
        day=day(latest.isoformat(), language),
    )


def _emptied(says: Mapping[str, Any], language: Language) -> str:
    begun, ended = span(says)
    latest, is_shifted = _latest(says)
    told_clock, told_day = clock(latest), day(latest.isoformat(), language)
    if is_shifted:
        return told(
            "No line if the container had been emptied within {limit} from {clock} on {day}.",
            language,
            limit=limit(says, language),
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


# Measures that lie between two instants, where sensors tell of them.
_SPANNED = {"longest_run": _emptied, "longest_unemptied": _emptied, "longest_without_pass": _pass}


def _latest(says: Mapping[str, Any]) -> tuple[datetime, bool]:
    """When the limit was reached by the local clock, and whether local clocks moved in between.

    Where they did, the wall-clock time of the limit cannot be told from both ends.
    """
    begun, ended = span(says)
    is_shifted = abs(ended - begun - timedelta(microseconds=says["proven"])) > timedelta(seconds=1)
    return begun + timedelta(microseconds=says["target"]), is_shifted
