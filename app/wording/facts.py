"""What was measured, in one sentence: the proven bound against the limit, when, and who bears what is missing.

Each measure has a sentence for what is certain, one for what counts because the contractor bears the gaps, and one
for what stays open. A target that must be reached is missed for certain when even the possible bound falls short of
it, so that sentence says "at most".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from app.wording.catalogue import Language, counted, marked, told
from app.wording.figures import bound, clock, count, day, exact_share, hours, instant, length, month, quantity
from rules.payments.charges import ChargeState
from rules.records import Op, Verdict


@dataclass(frozen=True, slots=True)
class Phrases:
    """Sentences of one measure.

    Parameters
    ----------
    proven, borne, doubtful : str
        What is certain; what counts with the contractor's gaps; what stays open.
    """

    proven: str
    borne: str
    doubtful: str


_PHRASES = {
    "longest_run": Phrases(
        marked("Container {subject} was full for at least {proven} (limit: {limit}) {when}."),
        marked(
            "Container {subject} counts as full for {borne} (limit: {limit}) {when}: {proven} are proven, and the "
            "rest are gaps in the data that the contractor bears."
        ),
        marked(
            "Container {subject} was full for at least {proven} and at most {possible} (limit: {limit}) {when}: the "
            "data are insufficient to conclude."
        ),
    ),
    "total_time": Phrases(
        marked("Container {subject} was full for at least {proven} in total (limit: {limit}) {when}."),
        marked(
            "Container {subject} counts as full for {borne} in total (limit: {limit}) {when}: {proven} are proven, "
            "and the rest are gaps in the data that the contractor bears."
        ),
        marked(
            "Container {subject} was full for at least {proven} and at most {possible} in total (limit: {limit}) "
            "{when}: the data are insufficient to conclude."
        ),
    ),
    "longest_unemptied": Phrases(
        marked("Container {subject} went for at least {proven} without being emptied (limit: {limit}) {when}."),
        marked(
            "Container {subject} counts as not emptied for {borne} (limit: {limit}) {when}: {proven} are proven, and "
            "the rest are gaps in the data that the contractor bears."
        ),
        marked(
            "Container {subject} went for at least {proven} and at most {possible} without being emptied (limit: "
            "{limit}) {when}: the data are insufficient to conclude."
        ),
    ),
    "swept_share": Phrases(
        marked(
            "Zone {subject}: at most {possible} of {length} of street was swept in the shift that began on {day} (at "
            "least {limit} due)."
        ),
        marked(
            "Zone {subject}: at most {borne} of {length} of street counts as swept in the shift that began on {day} "
            "(at least {limit} due): {proven} is proven, and what could raise it to {possible} are gaps in the data "
            "that the contractor bears."
        ),
        marked(
            "Zone {subject}: between {proven} and {possible} of {length} of street was swept in the shift that began "
            "on {day} (at least {limit} due): the data are insufficient to conclude."
        ),
    ),
    "swept_share_worst_tenth": Phrases(
        marked(
            "Zone {subject}: the worst-swept tenth of its streets ({segments} of {of} street segments) was swept at "
            "most {possible} on average over the shifts of {month} (at least {limit} due)."
        ),
        marked(
            "Zone {subject}: the worst-swept tenth of its streets ({segments} of {of} street segments) counts as "
            "swept at most {borne} on average over the shifts of {month} (at least {limit} due): {proven} is proven, "
            "and what could raise it to {possible} are gaps in the data that the contractor bears."
        ),
        marked(
            "Zone {subject}: the worst-swept tenth of its streets ({segments} of {of} street segments) was swept "
            "between {proven} and {possible} on average over the shifts of {month} (at least {limit} due): the data "
            "are insufficient to conclude."
        ),
    ),
    "longest_without_pass": Phrases(
        marked("Street segment {street} went for at least {proven} without a sweeping pass (limit: {limit}) {when}."),
        marked(
            "Street segment {street} counts as without a sweeping pass for {borne} (limit: {limit}) {when}: {proven} "
            "are proven, and the rest are gaps in the data that the contractor bears."
        ),
        marked(
            "Street segment {street} went for at least {proven} and at most {possible} without a sweeping pass "
            "(limit: {limit}) {when}: the data are insufficient to conclude."
        ),
    ),
    "share_at_or_above": Phrases(
        marked(
            "Zone {subject}: at most {possible} of the drawn points were at grade {grade} or better in {month} (at "
            "least {limit} due): it was found at {good} of {planned}."
        ),
        marked(
            "Zone {subject}: at most {borne} of the drawn points count as at grade {grade} or better in {month} (at "
            "least {limit} due): it was found at {good} of {planned}, and the contractor bears what is missing."
        ),
        marked(
            "Zone {subject}: between {proven} and {possible} of the drawn points were at grade {grade} or better in "
            "{month} (at least {limit} due): the data are insufficient to conclude."
        ),
    ),
    "mean_grade": Phrases(
        marked(
            "Zone {subject}: the drawn points were worth at most {possible} on average in {month}, on the scale "
            "{scale} (at least {limit} due): {achieved} of {planned} were inspected."
        ),
        marked(
            "Zone {subject}: the drawn points count as worth at most {borne} on average in {month}, on the scale "
            "{scale} (at least {limit} due): {achieved} of {planned} were inspected, and the contractor bears what "
            "is missing."
        ),
        marked(
            "Zone {subject}: the drawn points were worth between {proven} and {possible} on average in {month}, on "
            "the scale {scale} (at least {limit} due): the data are insufficient to conclude."
        ),
    ),
    "time_to_respond/responded": Phrases(
        marked("Complaint {subject} of {opened} was answered after {proven} (limit: {limit})."),
        marked(
            "Complaint {subject} of {opened} counts as answered after {borne} (limit: {limit}): {proven} are proven, "
            "and the contractor bears the contradictory entries."
        ),
        marked(
            "Complaint {subject} of {opened} was answered after at least {proven} and at most {possible} (limit: "
            "{limit}): the entries contradict each other."
        ),
    ),
    "time_to_respond/resolved": Phrases(
        marked("Complaint {subject} of {opened} was resolved after {proven} (limit: {limit})."),
        marked(
            "Complaint {subject} of {opened} counts as resolved after {borne} (limit: {limit}): {proven} are proven, "
            "and the contractor bears the contradictory entries."
        ),
        marked(
            "Complaint {subject} of {opened} was resolved after at least {proven} and at most {possible} (limit: "
            "{limit}): the entries contradict each other."
        ),
    ),
    "time_to_respond/confirmed": Phrases(
        marked("Complaint {subject} of {opened} was confirmed as resolved after {proven} (limit: {limit})."),
        marked(
            "Complaint {subject} of {opened} counts as confirmed as resolved after {borne} (limit: {limit}): "
            "{proven} are proven, and the contractor bears the contradictory entries."
        ),
        marked(
            "Complaint {subject} of {opened} was confirmed as resolved after at least {proven} and at most "
            "{possible} (limit: {limit}): the entries contradict each other."
        ),
    ),
    "report_late": Phrases(
        marked("Zone {subject}: the report {report} of {day} came late, on {came} (due by {due})."),
        marked(
            "Zone {subject}: the report {report} of {day} counts as late (due by {due}): the contractor bears its "
            "contradictory versions."
        ),
        marked(
            "Zone {subject}: the report {report} of {day} may have come late (due by {due}): its versions contradict "
            "each other."
        ),
    ),
    "report_missing": Phrases(
        marked("Zone {subject}: the report {report} of {day} did not come and counts as missing (due by {due})."),
        marked(
            "Zone {subject}: the report {report} of {day} counts as missing (due by {due}): the contractor bears its "
            "contradictory versions."
        ),
        marked(
            "Zone {subject}: the report {report} of {day} may be missing (due by {due}): its versions contradict "
            "each other."
        ),
    ),
    "report_contradicted": Phrases(
        marked(
            "Zone {subject}: the report {report} of {day} declares {claimed} lifts, and the vehicles recorded "
            "{lifts}: at least {proven} beyond the margin of {margin}."
        ),
        marked(
            "Zone {subject}: the report {report} of {day} declares {claimed} lifts, and the vehicles recorded "
            "{lifts}: {borne} beyond the margin of {margin}; {proven} are proven, and the contractor bears the rest."
        ),
        marked(
            "Zone {subject}: the report {report} of {day} declares {claimed} lifts, and the vehicles recorded "
            "{lifts}: between {proven} and {possible} beyond the margin of {margin}; the data are insufficient to "
            "conclude."
        ),
    ),
    "time_above_speed": Phrases(
        marked(
            "Vehicle {subject} worked faster than allowed for at least {proven} in total (limit: {limit}) {when}."
        ),
        marked(
            "Vehicle {subject} counts as working faster than allowed for {borne} in total (limit: {limit}) {when}: "
            "{proven} are proven, and the rest are gaps in the data that the contractor bears."
        ),
        marked(
            "Vehicle {subject} worked faster than allowed for at least {proven} and at most {possible} in total "
            "(limit: {limit}) {when}: the data are insufficient to conclude."
        ),
    ),
    "feed_completeness": Phrases(
        marked(
            "The device on {subject} delivered {received} of the {expected} readings that it owed in the service "
            "hours that began on {day}: {possible} at most, the gaps that the city bears counted in (at least "
            "{limit} due)."
        ),
        marked(
            "The device on {subject} counts as having delivered at most {borne} of the readings that it owed in the "
            "service hours that began on {day} (at least {limit} due): {proven} is proven, and the contractor bears "
            "the rest."
        ),
        marked(
            "The device on {subject} delivered {received} of the {expected} readings that it owed in the service "
            "hours that began on {day}: between {proven} and {possible}, as far as the city bears the gaps (at least "
            "{limit} due)."
        ),
    ),
}
_RECORDED = {
    Op.AT_MOST: Phrases(
        marked("{what}, {subject}: at least {proven} (limit: {limit}) {when}, as recorded."),
        marked(
            "{what}, {subject}: counts as {borne} (limit: {limit}) {when}; {proven} are recorded, and the contractor "
            "bears the rest."
        ),
        marked(
            "{what}, {subject}: at least {proven} and at most {possible} (limit: {limit}) {when}: the records are "
            "insufficient to conclude."
        ),
    ),
    Op.AT_LEAST: Phrases(
        marked("{what}, {subject}: at most {possible} (at least {limit} due) {when}, as recorded."),
        marked(
            "{what}, {subject}: counts as at most {borne} (at least {limit} due) {when}; {proven} is recorded, and "
            "the contractor bears the rest."
        ),
        marked(
            "{what}, {subject}: between {proven} and {possible} (at least {limit} due) {when}: the records are "
            "insufficient to conclude."
        ),
    ),
}
# Measures whose sentences tell more than figures. What a clerk hands in has figures alone: it is told as recorded.
_WHAT = {
    "swept_share": marked("Share of the street length swept"),
    "swept_share_worst_tenth": marked("Share swept of the worst-swept tenth of the streets"),
    "share_at_or_above": marked("Share of the drawn points at the grade or better"),
    "mean_grade": marked("Mean worth of the drawn points"),
    "time_to_respond": marked("Time until the answer"),
    "report_late": marked("Late reports"),
    "report_missing": marked("Missing reports"),
    "report_contradicted": marked("Lifts by which the report is off"),
    "feed_completeness": marked("Share of the readings owed that were delivered"),
}
# Nobody answered for as long as was waited.
_UNANSWERED = {
    "responded": marked(
        "Complaint {subject} of {opened} was not answered within the {proven} that were waited (limit: {limit})."
    ),
    "resolved": marked(
        "Complaint {subject} of {opened} was not resolved within the {proven} that were waited (limit: {limit})."
    ),
    "confirmed": marked(
        "Complaint {subject} of {opened} was not confirmed as resolved within the {proven} that were waited (limit: "
        "{limit})."
    ),
}
_TOO_FEW = marked(
    "Zone {subject}: of {planned} drawn points {achieved} were inspected in {month}, fewer than the {min_n} that are "
    "needed: the data are insufficient to conclude."
)


def is_fact(code: str) -> bool:
    """Whether a line's code is a measure, so that its sentence tells a fact."""
    return code in _PHRASES or code in {"time_to_respond", "recorded"}


def handed_in(line: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """Give a line whose fact a clerk handed in as one that is recorded; any other as it is."""
    says = line["says"]
    what = _WHAT.get(says["code"])
    if what is None or "detail" in says:
        return line
    return {**line, "says": {**says, "code": "recorded", "detail": {"what": told(what, language)}}}


def is_missed(says: Mapping[str, Any]) -> bool:
    """Whether the target is missed for certain."""
    if says["op"] == Op.AT_LEAST:
        return says["possible"] < says["target"]
    return says["proven"] > says["target"]


def is_missed_borne(says: Mapping[str, Any]) -> bool:
    """Whether the target is missed once the contractor's gaps count against it."""
    if says["op"] == Op.AT_LEAST:
        return says["borne"] < says["target"]
    return says["borne"] > says["target"]


def fact(line: Mapping[str, Any], language: Language) -> str:
    """Say what was measured, with the bound that counts.

    Parameters
    ----------
    line : mapping
        A line as `statement.json` holds it.
    language : str
    """
    line = handed_in(line, language)
    says, state = line["says"], line["state"]
    phrases = _phrases(says)
    values = _values(line, language)
    is_open = says["verdict"] == Verdict.INCONCLUSIVE
    notes: list[str] = []
    if not is_open or is_missed(says):
        source, values["when"] = _certain(says, phrases), _when(says, language)
        if is_open:
            notes.append(told("The data fall short of the required completeness.", language))
        if _is_inspected(says):
            notes += [_missing_points(says, language), _sureness(says, language)]
    elif state != ChargeState.HELD and is_missed_borne(says):
        source = phrases.borne
    else:
        source = _TOO_FEW if _is_too_few(says) else phrases.doubtful
        notes.append(_disagreed(says, language))
        if state == ChargeState.CHARGED:
            notes.append(told("The contract terms charge what is inconclusive.", language))
    return " ".join(part for part in (told(source, language, **values), *notes) if part)


def _phrases(says: Mapping[str, Any]) -> Phrases:
    if says["code"] == "recorded":
        return _RECORDED[Op(says["op"])]
    return _PHRASES[f"{says['code']}/{says['detail']['step']}" if _is_case(says) else says["code"]]


def span(says: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Find where the proven part lies, by the local clock."""
    return datetime.fromisoformat(says["proven_from"]), datetime.fromisoformat(says["proven_until"])


def limit(says: Mapping[str, Any], language: Language) -> str:
    """Write what a measure is held against."""
    return hours(says["target"], language) if _is_case(says) else quantity(says["target"], says["unit"], language)


def street(line: Mapping[str, Any]) -> str:
    """Name a street segment: its id, and the street's name where it has one."""
    name = line["says"].get("detail", {}).get("name", "")
    return f"{line['subject']} ({name})" if name else str(line["subject"])


def _certain(says: Mapping[str, Any], phrases: Phrases) -> str:
    if not _is_case(says):
        return phrases.proven
    if says["proven"] < says["possible"]:
        return phrases.doubtful
    return phrases.proven if says["detail"]["answered"] else _UNANSWERED[says["detail"]["step"]]


def _is_case(says: Mapping[str, Any]) -> bool:
    return says["code"] == "time_to_respond"


def _is_inspected(says: Mapping[str, Any]) -> bool:
    return says["code"] in {"share_at_or_above", "mean_grade"}


def _is_too_few(says: Mapping[str, Any]) -> bool:
    return _is_inspected(says) and says["detail"]["achieved"] < says["detail"]["min_n"]


def _missing_points(says: Mapping[str, Any], language: Language) -> str:
    missing = says["detail"]["planned"] - says["detail"]["achieved"]
    if not missing:
        return ""
    return counted(
        "{missing} drawn point was not inspected, which counts for the contractor.",
        "{missing} drawn points were not inspected, which counts for the contractor.",
        missing,
        language,
        missing=count(missing, language),
    )


def _disagreed(says: Mapping[str, Any], language: Language) -> str:
    """Say that two inspectors did not see the same, where that is why nothing follows."""
    told_of = says.get("detail", {}).get("agreement") if _is_inspected(says) else None
    if told_of is None or told_of["agreed"] >= Fraction(told_of["least"]) * told_of["doubled"]:
        return ""
    return told(
        "Two inspectors agreed on {agreed} of {doubled} points that both were to grade, fewer than are needed.",
        language,
        agreed=count(told_of["agreed"], language),
        doubled=count(told_of["doubled"], language),
    )


def _sureness(says: Mapping[str, Any], language: Language) -> str:
    """Say that the bound holds for all points, where the terms ask for that."""
    sure = says["detail"].get("confidence")
    if sure is None:
        return ""
    return told(
        "The figure holds for all {frame} points, with a confidence of {level}.",
        language,
        frame=count(sure["frame"], language),
        level=exact_share(int(Fraction(sure["level"]) * 1_000_000), language),
    )


def _values(line: Mapping[str, Any], language: Language) -> dict[str, str]:
    """Write all that a measure's sentences may name."""
    says = line["says"]
    is_least_due = says["op"] == Op.AT_LEAST
    values = {
        "subject": str(line["subject"]),
        "street": street(line),
        "proven": _bound(says, "proven", language, is_upper=False),
        # What counts is a bound from the side on which the contractor has the benefit.
        "borne": _bound(says, "borne", language, is_upper=is_least_due),
        "possible": _bound(says, "possible", language, is_upper=True),
        "limit": limit(says, language),
        "day": day(says["day"], language),
        "month": month(says["day"][:7], language),
        "when": _on(says, language),
    }
    return values | _details(says.get("detail", {}), language)


def _details(detail: Mapping[str, Any], language: Language) -> dict[str, str]:
    """Write the small facts that a measure hands to its sentences."""
    written: dict[str, str] = {}
    for key, value in detail.items():
        match key, value:
            case "length_mm", int():
                written["length"] = length(value, language)
            case "opened", str():
                written[key] = day(value, language)
            case (("due" | "came"), str()) if value:
                written[key] = instant(value, language)
            case _, int():
                written[key] = count(value, language)
            case _:
                written[key] = "" if value is None else str(value)
    return written


def _bound(says: Mapping[str, Any], name: str, language: Language, *, is_upper: bool) -> str:
    if _is_case(says):
        return hours(says[name], language)
    return bound(says[name], says, language, is_upper=is_upper)


def _on(says: Mapping[str, Any], language: Language) -> str:
    """Day, or month of a check that is made once a month."""
    if says.get("span") == "month":
        return told("in {month}", language, month=month(says["day"][:7], language))
    return told("on {day}", language, day=day(says["day"], language))


def _when(says: Mapping[str, Any], language: Language) -> str:
    """Day, and from when until when where the proven part has one place."""
    if not says.get("proven_from") or says["code"] == "total_time":
        return _on(says, language)
    begun, ended = span(says)
    if begun == ended:
        return _on(says, language)
    start, end = clock(begun), clock(ended)
    first, last = (day(says[name], language) for name in ("proven_from", "proven_until"))
    if first == last:
        return told("on {day}, between {start} and {end}", language, day=first, start=start, end=end)
    return told(
        "between {start} on {first} and {end} on {last}", language, start=start, first=first, end=end, last=last
    )
