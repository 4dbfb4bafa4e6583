"""Standards of inspected points: each zone, each month.

Only points that were drawn count, only within the standard's hours, and of several inspections of one point the
first: neither side gains by looking again. What was to be inspected and was not is the city's doubt, never the
contractor's: the point may have been as good as any.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

from rules.assets import Register
from rules.calendar import Window, month_days, month_of
from rules.contract import Standard, Terms
from rules.events import readings_digest
from rules.measures import InspectedMeasure
from rules.numbers import PPM, value_on
from rules.records import Determination
from rules.sampling import doubled, frame_bounds, plan
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, zones_of
from rules.standards.people import INSPECTION, Entry, Speaker, entries, speakers, speakers_digest
from rules.windows import daily_windows

_KIND = "inspection"
_OFF_PLAN, _OUTSIDE_HOURS, _REPEATED, _EXCLUDED = "off_plan", "outside_hours", "repeated", "excluded"


@dataclass(slots=True)
class _Found:
    """What became of a zone's points: the first inspection of each decides.

    Parameters
    ----------
    grades : dict of str to tuple
        Point to its grade, and when it was given.
    unread : dict of str to tuple
        Points whose inspection says no grade of the scale: what it says, and when; nothing where it is in conflict.
    counts : Counter of str
        Inspections that count nothing, by why.
    by : dict of str to tuple
        Point to source and device of the inspection that decides.
    seconds : dict of str to str
        Points that two inspectors grade, to what the second said; nothing where it is in conflict.
    """

    grades: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    unread: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    counts: Counter[str] = field(default_factory=Counter[str])
    by: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    seconds: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class _Zone:
    """A zone's points of a month: those drawn, those of them that two inspectors grade, and what became of them."""

    zone: str
    drawn: dict[str, list[str]]
    doubled: set[str]
    found: _Found


@dataclass(frozen=True, slots=True)
class _Agreement:
    """On how many points two inspectors agreed, over all zones, of how many that both were to grade."""

    agreed: int
    doubled: int
    least: Fraction

    @property
    def is_reached(self) -> bool:
        return self.agreed >= self.least * self.doubled


def _looks(_standard: Standard, window: Window) -> tuple[int, int]:
    return window.start_us, window.end_us


def _subjects(terms: Terms, _register: Register, standard: Standard, _window: Window) -> Iterable[tuple[str, str]]:
    return [(zone, zone) for zone in zones_of(terms, standard)]


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    heard = speakers(facts, _KIND, INSPECTION)
    for window in windows:
        said = entries(heard, window.start_us, window.end_us)
        zones = [_zone(facts.terms, standard, (zone, window), said) for zone in zones_of(facts.terms, standard)]
        agreement = _agreement(cast("InspectedMeasure", standard.measure), zones, window)
        for one in zones:
            yield determination(facts.terms, standard, _judged(facts, standard, window, one, (heard, agreement)))


FAMILY = Family((_KIND,), _looks, _subjects, _judge)


def _zone(terms: Terms, standard: Standard, place: tuple[str, Window], said: Sequence[Entry]) -> _Zone:
    zone, window = place
    measure = cast("InspectedMeasure", standard.measure)
    drawn, agreement = plan(terms, measure.sample, zone, window.day), measure.sample.agreement
    twice = doubled(drawn, value_on(agreement.share, window.day)) if agreement else set[str]()
    return _Zone(zone, drawn, twice, _found(terms, standard, place, (drawn, twice), said))


def _agreement(measure: InspectedMeasure, zones: Sequence[_Zone], window: Window) -> _Agreement | None:
    """Hold the second grades against the first; what nobody graded twice is no agreement."""
    rule = measure.sample.agreement
    if rule is None:
        return None
    scale, within = [one.grade for one in measure.grades], value_on(rule.within, window.day)
    agreed = sum(
        abs(scale.index(one.found.grades[point][0]) - scale.index(grade)) <= within
        for one in zones
        for point, grade in one.found.seconds.items()
        if point in one.found.grades and grade in scale
    )
    return _Agreement(agreed, sum(len(one.doubled) for one in zones), value_on(rule.min, window.day))


def _judged(
    facts: Facts,
    standard: Standard,
    window: Window,
    one: _Zone,
    known: tuple[Sequence[Speaker], _Agreement | None],
) -> Judged:
    (heard, agreement), (zone, drawn, found) = known, (one.zone, one.drawn, one.found)
    measure = cast("InspectedMeasure", standard.measure)
    planned = sum(len(points) for points in drawn.values())
    min_n = int(value_on(measure.sample.min_n, window.day))
    detail: dict[str, Any] = {
        "planned": planned,
        "achieved": len(found.grades),
        "good": sum(_is_good(measure, grade) for grade, _ in found.grades.values()),
        "grade": measure.grade,
        "scale": measure.scale,
        "min_n": min_n,
    }
    if agreement:
        detail["agreement"] = {
            "agreed": agreement.agreed,
            "doubled": agreement.doubled,
            "least": str(agreement.least),
        }
    is_sample = planned and len(found.grades) >= min_n and (agreement is None or agreement.is_reached)
    confidence = measure.sample.confidence
    if is_sample and confidence:
        level = value_on(confidence.level, window.day)
        detail["confidence"] = {"level": str(level), "frame": sum(_sizes(facts.terms, zone, drawn).values())}
    span = (window.start_us, window.end_us)
    return Judged(
        subject=zone,
        zone=zone,
        window=window,
        bounds=_bounds(facts.terms, measure, one, window) if is_sample else Bounds(0, PPM, PPM),
        received=len(found.grades),
        expected=planned,
        digests={
            "readings": readings_digest([one.source for one in heard], *span),
            "register": speakers_digest(facts, (INSPECTION,), span),
        },
        trace={
            "looked_from_us": window.start_us,
            "looked_until_us": window.end_us,
            "detail": detail,
            **_trace(measure, drawn, found),
        },
    )


def _found(
    terms: Terms,
    standard: Standard,
    place: tuple[str, Window],
    points: tuple[dict[str, list[str]], set[str]],
    said: Iterable[Entry],
) -> _Found:
    """Go through what was said of a zone's points, in the order of time."""
    (zone, window), (drawn, twice) = place, points
    measure = cast("InspectedMeasure", standard.measure)
    month = month_of(window.day)
    hours = daily_windows(terms, standard, month_days(month))
    starts_us = [one.start_us for one in hours]
    frame = {point.point for point in terms.points if point.zone == zone}
    chosen = {point for points in drawn.values() for point in points}
    found = _Found()
    for entry in said:
        found.counts[_EXCLUDED] += sum(one.words["point"] in frame for one in entry.excluded)
        for point in sorted({one.words["point"] for one in entry.contents} & frame):
            of_point = [one for one in entry.contents if one.words["point"] == point]
            here = bisect_right(starts_us, entry.time_us) - 1
            if point not in chosen or all(one.words["plan"] != month for one in of_point):
                found.counts[_OFF_PLAN] += 1
            elif here < 0 or entry.time_us >= hours[here].end_us:
                found.counts[_OUTSIDE_HOURS] += 1
            else:
                said_of = "" if len(entry.contents) > 1 else of_point[0].words["grade"]
                _note(measure, found, (point, _graded(measure, said_of, window), point in twice), entry)
    return found


def _graded(measure: InspectedMeasure, said: str, window: Window) -> str:
    """Grade of what an inspector said: where pieces are counted the first that holds so many, else as it is said."""
    if not said.isdigit() or all(one.up_to is None for one in measure.grades):
        return said
    pieces = int(said)
    return next(
        (one.grade for one in measure.grades if one.up_to and pieces <= value_on(one.up_to, window.day)), said
    )


def _note(measure: InspectedMeasure, found: _Found, said: tuple[str, str, bool], entry: Entry) -> None:
    """Take a grade as the first of its point, as the second of one that two inspectors grade, or as repeated."""
    (point, grade, is_doubled), by = said, (entry.source, entry.device)
    if point not in found.by:
        found.by[point] = by
        is_on_scale = any(one.grade == grade for one in measure.grades)
        (found.grades if is_on_scale else found.unread)[point] = (grade, entry.time_us)
    elif is_doubled and point not in found.seconds and by != found.by[point]:
        found.seconds[point] = grade
    else:
        found.counts[_REPEATED] += 1


def _bounds(terms: Terms, measure: InspectedMeasure, one: _Zone, window: Window) -> Bounds:
    """Share or mean over all points that were drawn, or bounds of the share over all that there are.

    Rounded apart, so that the true one lies between. Points drawn that nobody graded may be as good as any.
    """
    worth, grades = _worth(measure), one.found.grades
    confidence = measure.sample.confidence
    if confidence is None:
        planned = sum(len(points) for points in one.drawn.values())
        least = sum((worth(grade) for grade, _ in grades.values()), Fraction(0))
        most = least + (planned - len(grades)) * max(worth(one.grade) for one in measure.grades)
    else:
        sizes = _sizes(terms, one.zone, one.drawn)
        # Each stratum misses so rarely that all of them together miss no more often than the terms allow.
        miss = (1 - value_on(confidence.level, window.day)) / len(one.drawn)
        least, most, planned = Fraction(0), Fraction(0), sum(sizes.values())
        for stratum, points in one.drawn.items():
            good = sum(_is_good(measure, grades[point][0]) for point in points if point in grades)
            ungraded = sum(point not in grades for point in points)
            low, high = frame_bounds((good, good + ungraded), len(points), sizes[stratum], miss)
            least, most = least + low, most + high
    proven, possible = least * PPM // planned, -(-most * PPM // planned)
    return Bounds(proven, possible, possible)


def _sizes(terms: Terms, zone: str, drawn: Iterable[str]) -> dict[str, int]:
    """How many points each stratum of a zone has."""
    frame = Counter(point.stratum for point in terms.points if point.zone == zone)
    return {stratum: frame[stratum] for stratum in drawn}


def _worth(measure: InspectedMeasure) -> Callable[[str], Fraction]:
    if measure.kind == "mean_grade":
        weights = {one.grade: Fraction(one.weight) for one in measure.grades}
        return weights.__getitem__
    return lambda grade: Fraction(_is_good(measure, grade))


def _is_good(measure: InspectedMeasure, grade: str) -> bool:
    """Whether a grade is good enough; for a mean, whether it is the best."""
    scale = [one.grade for one in measure.grades]
    lowest = scale.index(measure.grade) if measure.kind == "share_at_or_above" else 0
    return scale.index(grade) <= lowest


def _trace(measure: InspectedMeasure, drawn: dict[str, list[str]], found: _Found) -> dict[str, Any]:
    every = sorted(point for points in drawn.values() for point in points)
    return {
        "strata": [
            {
                "stratum": stratum,
                "planned": len(points),
                "achieved": sum(point in found.grades for point in points),
                "good": sum(_is_good(measure, found.grades[point][0]) for point in points if point in found.grades),
            }
            for stratum, points in sorted(drawn.items())
        ],
        "under": [
            [point, *found.grades[point]]
            for point in every
            if point in found.grades and not _is_good(measure, found.grades[point][0])
        ],
        "not_inspected": [point for point in every if point not in found.grades],
        "unread": [[point, *found.unread[point]] for point in every if point in found.unread],
        **{why: found.counts[why] for why in (_OFF_PLAN, _OUTSIDE_HOURS, _REPEATED, _EXCLUDED)},
    }
