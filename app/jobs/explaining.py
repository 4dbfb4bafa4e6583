"""From a line of a statement back to the readings, in three steps: line, determination, readings.

What a determination rests on is told by its measure: a container's fill levels; a zone's streets, each vehicle's
passes along one of them and the position fixes of a pass; inspections, steps of a case, versions of a report, lifts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.errors import RefusedError, UsageError
from app.jobs import statements
from app.jobs.contracts import Loaded, load_stored
from rules.assets import Installation
from rules.calendar import month_days, month_of
from rules.contract import Standard, Terms
from rules.measures import (
    EmptiedMeasure,
    FeedMeasure,
    FullMeasure,
    InspectedMeasure,
    PassMeasure,
    RecordedMeasure,
    ReportMeasure,
    RespondMeasure,
    SpeedMeasure,
    SweptMeasure,
)
from rules.records import Determination
from rules.sampling import plan
from rules.standards.people import CASE_DESK, COLLECTOR, CONTRACTOR_DESK, INSPECTION
from sensors.readings import Kind
from sensors.registry import kinds
from storage import determinations, readings
from storage import statements as stored
from storage.connection import Connection
from storage.readings import Said
from storage.sequence import ALL_KNOWN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Before and after a pass, so that one sees the vehicle come and go.
_MARGIN_US = 60 * 1_000_000
_PPM = 1_000_000

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one device said of what is asked: readings of one kind in the order of time."""

    kind: Kind
    source: str
    device: str
    asset: str
    said: list[Said]


@dataclass(frozen=True, slots=True)
class Segment:
    """How much of a street segment was swept.

    Parameters
    ----------
    segment, street : str
        The street's name is empty where the terms say none.
    length_mm, proven_mm, possible_mm : int
        Over all windows of the check. [mm]
    passes : int
        Visits of vehicles at work, whether or not anything is proven of them.
    """

    segment: str
    street: str
    length_mm: int
    proven_mm: int
    possible_mm: int
    passes: int


@dataclass(frozen=True, slots=True)
class Pass:
    """A vehicle's visit to a segment.

    Parameters
    ----------
    segment, vehicle : str
    from_us, until_us : int
        [us since 1970, UTC]
    proven_mm : int
        Length proven swept. [mm]
    """

    segment: str
    vehicle: str
    from_us: int
    until_us: int
    proven_mm: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A determination, and what it looked at.

    Parameters
    ----------
    determination : Determination
    loaded : Loaded
        Terms and register that it was made under.
    segments : list of Segment
        Of measures of streets, the worst first.
    passes : list of Pass
        Along the segment that was asked for.
    asked : str
        That segment, empty where none was.
    heard : list of Heard
    """

    determination: Determination
    loaded: Loaded
    segments: list[Segment] = field(default_factory=list[Segment])
    passes: list[Pass] = field(default_factory=list[Pass])
    asked: str = ""
    heard: list[Heard] = field(default_factory=list[Heard])


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line and all that it rests on."""

    line: dict[str, Any]
    currency: str
    is_issued: bool
    evidence: list[Evidence]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of the database about one determination."""

    connection: Connection
    loaded: Loaded
    determination: Determination
    known_through: int

    @property
    def standard(self) -> Standard:
        return next(one for one in self.loaded.terms.file.standard if one.id == self.determination.standard)

    @property
    def looked(self) -> Span:
        trace = self.determination.trace
        return trace["looked_from_us"], trace["looked_until_us"]


def explain(connection: Connection, contract: str, line_id: str, now: datetime, segment: str = "") -> Explanation:
    """Find a line in its month's statement, as the last statement that has it says it, and what it rests on.

    Parameters
    ----------
    connection : Connection
    contract, line_id : str
    now : datetime
        Aware.
    segment : str
        Street segment whose passes are asked for; for a line about one street, that one by default.

    Raises
    ------
    UsageError
        When the id does not begin with a month.
    RefusedError
        When the month's statement has no such line, or the line has no such segment.
    """
    month = line_id.split("/", 1)[0]
    try:
        month_days(month)
    except ValueError as error:
        raise UsageError(f"line {line_id!r} does not begin with a month such as 2026-09/") from error
    issued = stored.read(connection, contract, month)
    body = statements.body_of(issued) if issued else statements.draft(connection, contract, month, now).statement.body
    line = next((one for one in statements.lines_of(body) if one["id"] == line_id), None)
    if issued and line:
        line = _last_stated(connection, contract, month, line)
    if line is None:
        raise RefusedError(f"the statement of {contract} for {month} has no line {line_id!r}")
    # The register of the day of issue: a container's sensor may be another one by now.
    known_through = issued.issue["known_through"] if issued else ALL_KNOWN
    evidence: list[Evidence] = []
    for name in line["determinations"]:
        one = determinations.read_one(connection, name)
        # A line that restates rests on a determination of the month that it restates, under the terms of then.
        loaded = load_stored(connection, contract, date.fromisoformat(one.day), known_through)
        evidence.append(_evidence(_Question(connection, loaded, one, known_through), segment))
    if segment and not any(segment == one.asked for one in evidence):
        raise RefusedError(f"line {line_id!r} rests on no street segment; leave --segment out")
    return Explanation(line, body["currency"], issued is not None, evidence)


def _last_stated(connection: Connection, contract: str, month: str, line: dict[str, Any]) -> dict[str, Any]:
    """Take a line as the last issued statement that has it says it: an act may have decided it since."""
    last = stored.last(connection, contract)
    newest = statements.body_of(last)["period"] if last else month
    for later in sorted({*stored.issued_before(connection, contract, newest), newest}):
        if later > month:
            body = statements.body_of(statements.issued(connection, contract, later))
            line = next((one for one in statements.lines_of(body) if one["id"] == line["id"]), line)
    return line


def _evidence(question: _Question, segment: str) -> Evidence:
    one, measure = question.determination, question.standard.measure
    heard: list[Heard] = []
    match measure:
        case FullMeasure() | EmptiedMeasure():
            heard = _heard(question, "fill_level", lambda link: link.asset == one.subject, question.looked)
        case SweptMeasure() | PassMeasure():
            return _streets(question, segment or (one.subject if isinstance(measure, PassMeasure) else ""))
        case InspectedMeasure():
            drawn = plan(question.loaded.terms, measure.sample, one.zone, date.fromisoformat(one.day))
            points = {point for names in drawn.values() for point in names}
            inspectors = _of_class(question, INSPECTION)
            heard = _heard(question, "inspection", inspectors, question.looked, lambda said: said["point"] in points)
        case RespondMeasure():
            desks = _of_class(question, CASE_DESK, CONTRACTOR_DESK)
            heard = _heard(question, "case", desks, question.looked, lambda said: said["case"] == one.subject)
        case ReportMeasure():
            heard = _reports(question, measure)
        case SpeedMeasure():
            heard = _heard(question, "position_fix", lambda link: link.asset == one.subject, question.looked)
        case FeedMeasure() | RecordedMeasure():
            # What was not sent has no readings: its gaps tell it; what people record has none.
            pass
    return Evidence(one, question.loaded, heard=heard)


def _streets(question: _Question, segment: str) -> Evidence:
    one = question.determination
    passes = passes_of(_with_passes(question))
    segments = segments_of(one, question.loaded.terms, passes)
    if segment and segment not in {each.segment for each in segments} | {one.subject}:
        known = ", ".join(each.segment for each in segments[:5])
        raise RefusedError(f"street segment {segment!r} is none of {one.id}; the worst are {known}")
    asked = [each for each in passes if each.segment == segment] if segment else []
    heard: list[Heard] = []
    for each in asked:
        if not _is_telling(one, each):
            continue
        vehicle, span = each.vehicle, (each.from_us - _MARGIN_US, each.until_us + _MARGIN_US)
        heard += _heard(question, "position_fix", lambda link, vehicle=vehicle: link.asset == vehicle, span)
    return Evidence(one, question.loaded, segments, asked, segment, heard)


def _is_telling(one: Determination, visit: Pass) -> bool:
    """Whether a pass bounds or interrupts the stretch that is proven; where there is no stretch, every pass tells."""
    begin_us, end_us = (one.trace.get(f"proven_{name}_us") for name in ("from", "until"))
    return begin_us is None or end_us is None or (visit.from_us <= end_us and begin_us <= visit.until_us)


def _with_passes(question: _Question) -> list[Determination]:
    """Determinations that tell the passes: the one itself, or those of the nights that a month sums up."""
    one, measure = question.determination, question.standard.measure
    if "passes" in one.trace or not isinstance(measure, SweptMeasure):
        return [one]
    nightly = {
        standard.id
        for standard in question.loaded.terms.file.standard
        if isinstance(standard.measure, SweptMeasure)
        and standard.measure.kind == "swept_share"
        and standard.measure.model_dump(exclude={"kind"}) == measure.model_dump(exclude={"kind"})
    }
    days = month_days(month_of(date.fromisoformat(one.day)))
    held = determinations.read(question.connection, one.contract, days, question.known_through)
    return [each for each in held if each.zone == one.zone and each.standard in nightly]


def passes_of(found: Iterable[Determination]) -> list[Pass]:
    """Read the passes out of some determinations, in the order of time."""
    passes = [Pass(*row) for one in found for row in one.trace.get("passes", ())]
    return sorted(passes, key=lambda one: (one.from_us, one.vehicle, one.segment))


def segments_of(one: Determination, terms: Terms, passes: Iterable[Pass]) -> list[Segment]:
    """Read the streets out of a determination, the worst first: by proven share, then the longest."""
    network = terms.network
    names = dict(zip(network.segment_ids, network.names, strict=True)) if network else {}
    visits = [each.segment for each in passes]
    segments = [
        Segment(segment, names.get(segment, ""), length_mm, proven_mm, possible_mm, visits.count(segment))
        for segment, length_mm, proven_mm, _, possible_mm in one.trace.get("segments", ())
    ]
    return sorted(segments, key=lambda each: (each.proven_mm * _PPM // each.length_mm, -each.length_mm, each.segment))


def _reports(question: _Question, measure: ReportMeasure) -> list[Heard]:
    """Versions of the report, and the lifts that it is held against."""
    one, terms = question.determination, question.loaded.terms
    named = {"report": measure.report, "day": one.day, "zone": one.zone}
    desks = _of_class(question, CONTRACTOR_DESK)
    heard = _heard(question, "report", desks, question.looked, lambda said: named.items() <= said.items())
    if measure.kind != "report_contradicted":
        return heard
    day = date.fromisoformat(one.day)
    span = (terms.zone.instant(day, time(0)), terms.zone.instant(day + timedelta(days=1), time(0)))
    stood = {asset.asset for asset in question.loaded.register.assets if asset.zone == one.zone}

    def is_here(said: Mapping[str, Any]) -> bool:
        return said["container"] in stood if said["container"] else said["zone"] == one.zone

    return heard + _heard(question, "lift", _of_class(question, COLLECTOR), span, is_here)


def _of_class(question: _Question, *classes: str) -> Callable[[Installation], bool]:
    assets = {one.asset for one in question.loaded.register.assets if one.asset_class in classes}
    return lambda link: link.asset in assets


def _heard(
    question: _Question,
    kind_name: str,
    is_asked: Callable[[Installation], bool],
    span: Span,
    fits: Callable[[Mapping[str, Any]], bool] = bool,
) -> list[Heard]:
    """Read what some devices said in a span, while they hung where they are asked for."""
    kind, found = kinds()[kind_name], list[Heard]()
    for link in question.loaded.register.installations:
        since_us, until_us = max(link.since_us, span[0]), min(link.until_us, span[1])
        if not is_asked(link) or since_us >= until_us:
            continue
        ids = readings.device_ids(question.connection, [(link.source, link.device)])
        if (device := ids.get((link.source, link.device))) is not None:
            between = (_EPOCH + timedelta(microseconds=since_us), _EPOCH + timedelta(microseconds=until_us))
            said = [
                one for one in readings.said_between(question.connection, kind, device, between) if fits(one.values)
            ]
            found.append(Heard(kind, link.source, link.device, link.asset, said))
    return found
