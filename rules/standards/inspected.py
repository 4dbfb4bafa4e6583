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
from rules.sampling import plan
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
    """

    grades: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    unread: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    counts: Counter[str] = field(default_factory=Counter[str])


def _looks(_standard: Standard, window: Window) -> tuple[int, int]:
    return window.start_us, window.end_us


def _subjects(terms: Terms, _register: Register, standard: Standard, _window: Window) -> Iterable[tuple[str, str]]:
    return [(zone, zone) for zone in zones_of(terms, standard)]


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    heard = speakers(facts, _KIND, INSPECTION)
    for window in windows:
        said = entries(heard, window.start_us, window.end_us)
        for zone in zones_of(facts.terms, standard):
            yield determination(facts.terms, standard, _judged(facts, standard, (zone, window), heard, said))


FAMILY = Family((_KIND,), _looks, _subjects, _judge)


def _judged(
    facts: Facts, standard: Standard, place: tuple[str, Window], heard: Sequence[Speaker], said: Sequence[Entry]
) -> Judged:
    zone, window = place
    measure = cast("InspectedMeasure", standard.measure)
    drawn = plan(facts.terms, measure.sample, zone, window.day)
    found = _found(facts.terms, standard, place, drawn, said)
    planned = sum(len(points) for points in drawn.values())
    min_n = int(value_on(measure.sample.min_n, window.day))
    detail = {
        "planned": planned,
        "achieved": len(found.grades),
        "good": sum(_is_good(measure, grade) for grade, _ in found.grades.values()),
        "grade": measure.grade,
        "scale": measure.scale,
        "min_n": min_n,
    }
    span = (window.start_us, window.end_us)
    return Judged(
        subject=zone,
        zone=zone,
        window=window,
        bounds=_bounds(measure, [grade for grade, _ in found.grades.values()], planned, min_n),
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
    terms: Terms, standard: Standard, place: tuple[str, Window], drawn: dict[str, list[str]], said: Iterable[Entry]
) -> _Found:
    """Go through what was said of a zone's points, in the order of time."""
    zone, window = place
    measure = cast("InspectedMeasure", standard.measure)
    month = month_of(window.day)
    hours = daily_windows(terms, standard, month_days(month))
    starts_us = [one.start_us for one in hours]
    scale = {one.grade for one in measure.grades}
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
            elif point in found.grades or point in found.unread:
                found.counts[_REPEATED] += 1
            elif len(entry.contents) > 1:
                found.unread[point] = ("", entry.time_us)
            else:
                grade = of_point[0].words["grade"]
                (found.grades if grade in scale else found.unread)[point] = (grade, entry.time_us)
    return found


def _bounds(measure: InspectedMeasure, grades: Sequence[str], planned: int, min_n: int) -> Bounds:
    """Share or mean over all points that were drawn; rounded apart, so that the true one lies between.

    Too few inspected points say nothing, whatever they are like: a handful that somebody chose among those drawn is
    no sample.
    """
    if not planned or len(grades) < min_n:
        return Bounds(0, PPM, PPM)
    worth = _worth(measure)
    least = sum((worth(grade) for grade in grades), Fraction(0))
    most = least + (planned - len(grades)) * max(worth(one.grade) for one in measure.grades)
    proven, possible = least * PPM // planned, -(-most * PPM // planned)
    return Bounds(proven, possible, possible)


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
