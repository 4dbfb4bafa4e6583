"""Findings on what a standard measures: what is missing for it, what does not fit, what cannot be met or missed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import cast

from pydantic import BaseModel

from rules.calendar import SECOND_US
from rules.contract import Standard, Terms
from rules.measures import (
    EmptiedMeasure,
    FeedMeasure,
    FullMeasure,
    Hours,
    InspectedMeasure,
    PassMeasure,
    RecordedMeasure,
    ReportMeasure,
    RespondMeasure,
    SpeedMeasure,
    SweptMeasure,
)
from rules.numbers import Dated, dated_on, value_on
from rules.records import Finding, FindingCode, Op, Unit
from rules.windows import laid_windows

_FILE = "contract.toml"
# Faster than anything that drives; what is reckoned with it must fit 64 bits.
_TRAVEL_MAX_MPS = 1_000
# Days that a finding names; a target too long for every night needs no list of all.
_SHORT_MAX = 3


def lint_measure(standard: Standard, terms: Terms) -> Iterator[Finding]:
    """Find what is wrong with a standard's measure, subject, window and target.

    Parameters
    ----------
    standard : Standard
    terms : Terms
    """
    key = f"standard[{standard.id}]"
    shape = [*_shape(standard, key)]
    yield from shape
    if shape:
        return
    match standard.measure:
        case FullMeasure() | EmptiedMeasure():
            # What is wrong on the first day and stays so is said once.
            yield from dict.fromkeys(
                found for day in _days(standard, terms) for found in _reach(standard, terms, day, key)
            )
        case SweptMeasure() | PassMeasure():
            yield from _streets(standard, standard.measure, terms, key)
        case InspectedMeasure() as measure:
            yield from _sample(standard, measure, terms, key)
        case RespondMeasure() as measure:
            yield from _outlasts(standard, measure.horizon, terms, f"{key}.measure.horizon")
        case ReportMeasure() as measure:
            yield from _report(standard, measure, terms, key)
        case FeedMeasure() as measure:
            yield from _feed(standard, measure, terms, key)
        case SpeedMeasure() as measure:
            yield from _speed(standard, measure, terms, key)
        case RecordedMeasure():
            yield from _recorded(standard, terms, key)


def _days(standard: Standard, terms: Terms) -> list[date]:
    """First day, and every day at which a number of the standard changes."""
    first = terms.file.contract.effective.since
    return sorted({first, *(one.since for one in _dated_in(standard) if one.since and one.since > first)})


def _dated_in(table: BaseModel) -> Iterator[Dated]:
    """Every dated value in a table and the tables within."""
    for name in type(table).model_fields:
        value = getattr(table, name)
        for one in cast("Iterable[object]", value) if isinstance(value, tuple) else (value,):
            if isinstance(one, Dated):
                yield one
            elif isinstance(one, BaseModel):
                yield from _dated_in(one)


def _shape(standard: Standard, key: str) -> Iterator[Finding]:
    """Subject, span, target and what the measure needs beside it."""
    measure, target = standard.measure, standard.target
    if standard.subject not in measure.subjects:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.subject", standard.subject, measure.subjects)
    spans = ("month",) if measure.kind == "swept_share_worst_tenth" else measure.spans
    spans = ("day",) if measure.kind == "swept_share" else spans
    if standard.window.span not in spans:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.window.span", standard.window.span, spans)
    # A clause may ask for at least so much of what people record, or allow at most so much.
    if target.op != measure.op_needed and not isinstance(measure, RecordedMeasure):
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.target.op", target.op, (measure.op_needed,))
    for dated in target.value:
        if not _is_in_unit(str(dated.value), measure.unit):
            yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.target.value", str(dated.value), (measure.unit,))
    for name in measure.needs:
        holder = standard if name == "completeness" else standard.tolerance
        if getattr(holder, name) is None:
            place = f"{key}.{name}" if name == "completeness" else f"{key}.tolerance.{name}"
            choices = ("min", "every") if name == "completeness" else ()
            yield Finding(FindingCode.UNDECLARED, _FILE, place, "", choices)


def _is_in_unit(text: str, unit: Unit) -> bool:
    if unit == Unit.MICROSECONDS:
        return text.startswith("P")
    if text.startswith("P"):
        return False
    value = Decimal(text)
    return value <= 1 if unit == Unit.PPM else value == int(value)


def _streets(standard: Standard, measure: SweptMeasure | PassMeasure, terms: Terms, key: str) -> Iterator[Finding]:
    if terms.network is None:
        yield Finding(FindingCode.FILE_MISSING, "segments.geojson", "")
        return
    for zone in sorted(terms.zones if standard.zones == "all" else standard.zones):
        if zone not in terms.network.zone_ids:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, "segments.geojson", "zone_id", zone)
    for day in _days(standard, terms):
        speeds = (measure.speed_mps.min, measure.speed_mps.max, measure.travel_mps)
        slowest, fastest, travel = (value_on(number, day) for number in speeds)
        if not slowest < fastest <= travel:
            said = ", ".join(str(dated_on(number, day).value) for number in speeds)
            yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.measure.speed_mps, travel_mps", said)
    if isinstance(measure, PassMeasure):
        yield from _outlasts(standard, measure.look_back, terms, f"{key}.measure.look_back")
    elif any(value_on(standard.target.value, day) == 0 for day in _days(standard, terms)):
        yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, f"{key}.target.value", "0")


def _sample(standard: Standard, measure: InspectedMeasure, terms: Terms, key: str) -> Iterator[Finding]:
    grades = [one.grade for one in measure.grades]
    weights = [one.weight for one in measure.grades]
    if len(set(grades)) < len(grades) or weights != sorted(weights, reverse=True):
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.measure.grades", ", ".join(grades))
    if (measure.kind == "share_at_or_above") != (measure.grade in grades):
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.measure.grade", measure.grade, tuple(grades))
    yield from _missable(standard, terms, key)
    yield from _sureness(standard, measure, terms, f"{key}.measure")
    yield from _frame(standard, measure, terms, key)


def _sureness(standard: Standard, measure: InspectedMeasure, terms: Terms, key: str) -> Iterator[Finding]:
    """Pieces hold every grade and rise; a sample that must be sure is one of good and bad points."""
    for day in _days(standard, terms):
        pieces = [None if one.up_to is None else value_on(one.up_to, day) for one in measure.grades]
        counted = [one for one in pieces if one is not None]
        if counted and (len(counted) < len(pieces) or any(one >= more for one, more in pairwise(counted))):
            said = ", ".join("" if one is None else str(one) for one in pieces)
            yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.grades.up_to", said)
        confidence = measure.sample.confidence
        if confidence and value_on(confidence.level, day) == 1:
            yield Finding(FindingCode.TARGET_IMPOSSIBLE, _FILE, f"{key}.sample.confidence.level", "1")
    if measure.sample.confidence and measure.kind == "mean_grade":
        choices = ("share_at_or_above",)
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.kind", measure.kind, choices)


def _frame(standard: Standard, measure: InspectedMeasure, terms: Terms, key: str) -> Iterator[Finding]:
    """The sample can be drawn: each stratum once, from points enough, and enough to conclude from."""
    for stratum, count in Counter(one.id for one in measure.sample.strata).items():
        if count > 1:
            yield Finding(FindingCode.DUPLICATE_ID, _FILE, f"{key}.measure.sample.strata", stratum)
    if not terms.points:
        yield Finding(FindingCode.FILE_MISSING, "points.csv", "")
        return
    frame = Counter((point.zone, point.stratum) for point in terms.points)
    for day in _days(standard, terms):
        for stratum in measure.sample.strata:
            n = int(value_on(stratum.n, day))
            for zone in sorted(terms.zones if standard.zones == "all" else standard.zones):
                if frame[zone, stratum.id] < n:
                    told = f"{zone} {stratum.id}: {frame[zone, stratum.id]} < {n}"
                    yield Finding(FindingCode.TARGET_IMPOSSIBLE, "points.csv", "zone, stratum", told)
        drawn = sum(int(value_on(stratum.n, day)) for stratum in measure.sample.strata)
        if value_on(measure.sample.min_n, day) > drawn:
            yield Finding(FindingCode.TARGET_IMPOSSIBLE, _FILE, f"{key}.measure.sample.min_n", str(drawn))


def _report(standard: Standard, measure: ReportMeasure, terms: Terms, key: str) -> Iterator[Finding]:
    if measure.kind == "report_contradicted":
        if not (measure.claim and measure.margin):
            yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.measure.claim, margin")
    elif any(value_on(standard.target.value, day) >= 1 for day in _days(standard, terms)):
        # It is late, or missing, once at most.
        said = str(standard.target.value[-1].value)
        yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, f"{key}.target.value", said, ("0",))


def _feed(standard: Standard, measure: FeedMeasure, terms: Terms, key: str) -> Iterator[Finding]:
    yield from _missable(standard, terms, key)
    for day in _days(standard, terms):
        if value_on(measure.every, day, "us") > _length_us(terms, standard.window):
            # No slot is whole: nothing is owed.
            said = str(dated_on(measure.every, day).value)
            yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, f"{key}.measure.every", said)
            return


def _speed(standard: Standard, measure: SpeedMeasure, terms: Terms, key: str) -> Iterator[Finding]:
    for day in _days(standard, terms):
        above, travel = value_on(measure.above_mps, day), value_on(measure.travel_mps, day)
        if not above < travel <= _TRAVEL_MAX_MPS:
            said = ", ".join(str(dated_on(number, day).value) for number in (measure.above_mps, measure.travel_mps))
            yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.measure.above_mps, travel_mps", said)
        if value_on(standard.target.value, day, "us") >= _length_us(terms, standard.window):
            said = str(dated_on(standard.target.value, day).value)
            yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, f"{key}.target.value", said)


def _recorded(standard: Standard, terms: Terms, key: str) -> Iterator[Finding]:
    """Find what is always reached; and so many hours that a window has not, such as that of a night of six."""
    if standard.target.op != Op.AT_LEAST:
        return
    yield from _missable(standard, terms, key)
    effective = terms.file.contract.effective
    if standard.measure.unit != Unit.MICROSECONDS or effective.since >= effective.until:
        return
    short: list[str] = []
    lengths: dict[date, int] = {}
    for one in laid_windows(terms, standard.window, (effective.since, effective.until)):
        day = one.day.replace(day=1) if standard.window.span == "month" else one.day
        lengths[day] = lengths.get(day, 0) + one.end_us - one.start_us
    for day, length_us in lengths.items():
        if value_on(standard.target.value, day, "us") > length_us:
            hours, minutes = divmod(length_us // (60 * SECOND_US), 60)
            short.append(f"{day} (PT{hours}H{minutes}M)" if minutes else f"{day} (PT{hours}H)")
    if short:
        said = str(dated_on(standard.target.value, effective.since).value)
        more = ("…",) if len(short) > _SHORT_MAX else ()
        yield Finding(FindingCode.TARGET_IMPOSSIBLE, _FILE, f"{key}.target.value", said, (*short[:_SHORT_MAX], *more))


def _missable(standard: Standard, terms: Terms, key: str) -> Iterator[Finding]:
    """Nought or more is always reached."""
    scale = "us" if standard.measure.unit == Unit.MICROSECONDS else "amount"
    if any(value_on(standard.target.value, day, scale) == 0 for day in _days(standard, terms)):
        yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, f"{key}.target.value", "0")


def _outlasts(standard: Standard, span: tuple[Dated, ...], terms: Terms, place: str) -> Iterator[Finding]:
    """What is looked at or waited for must be longer than the target, else nobody can miss it."""
    for day in _days(standard, terms):
        if value_on(span, day, "us") <= value_on(standard.target.value, day, "us"):
            yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, place, str(dated_on(span, day).value))
            return


def _reach(standard: Standard, terms: Terms, day: date, key: str) -> Iterator[Finding]:
    """Find targets of containers that cannot be met, or cannot be missed, on a day."""
    measure = cast("FullMeasure | EmptiedMeasure", standard.measure)
    target = value_on(standard.target.value, day, "us")
    completeness = standard.completeness
    if completeness and value_on(measure.max_gap, day, "us") < value_on(completeness.every, day, "us"):
        yield Finding(
            FindingCode.TARGET_IMPOSSIBLE,
            _FILE,
            f"{key}.measure.max_gap",
            str(dated_on(measure.max_gap, day).value),
            (str(dated_on(completeness.every, day).value),),
        )
    reach = _reach_us(measure, terms, standard.window, day)
    if reach is None:
        yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.measure.look_back")
    elif target >= reach:
        said = str(dated_on(standard.target.value, day).value)
        yield Finding(FindingCode.TARGET_UNREACHABLE, _FILE, f"{key}.target.value", said)


def _reach_us(measure: FullMeasure | EmptiedMeasure, terms: Terms, hours: Hours, day: date) -> Fraction | None:
    """Largest value that the measure can take, None where it is not declared."""
    if isinstance(measure, FullMeasure) and not measure.across_windows:
        return _length_us(terms, hours)
    return None if measure.look_back is None else value_on(measure.look_back, day, "us")


def _length_us(terms: Terms, hours: Hours) -> Fraction:
    """Length of a daily window on a day without a change of offset; of a market's state the longest there is."""
    if hours.state:
        market = terms.markets[hours.state.list]
        every = [*market.hours, *(one for each in market.exception for one in each.hours)]
        return max(_between_us(one.start, one.end) for one in every if one.state == hours.state.state)
    return _between_us(hours.start or time(), hours.end or time())


def _between_us(start: time, end: time) -> Fraction:
    start_s, end_s = (clock.hour * 3_600 + clock.minute * 60 + clock.second for clock in (start, end))
    return Fraction((end_s - start_s if end_s > start_s else end_s - start_s + 86_400) * SECOND_US)
