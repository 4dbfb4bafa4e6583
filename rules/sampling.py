"""Which points of the sampling frame are inspected in a month: drawn by a published seed; anyone can draw again.

Nobody chooses: the order of the points is that of digests that nobody can steer once the seed is published. When they
are inspected, within the standard's hours, is left to the inspectors; what else they inspect is off plan.
"""

import hashlib
from collections.abc import Iterable
from datetime import date

from rules.calendar import month_of
from rules.contract import Point, Terms
from rules.measures import Sample
from rules.numbers import value_on


def draw(seed: str, month: str, zone: str, points: Iterable[Point], n: int) -> list[str]:
    """Draw points of one stratum of a zone.

    Parameters
    ----------
    seed : str
        As the terms publish it.
    month : str
        As `2026-09`.
    zone : str
    points : iterable of Point
        Of one stratum of the zone, in any order.
    n : int
        How many; all where there are fewer.

    Returns
    -------
    list of str
        In the order of the draw: the first n by the SHA-256 of `seed/month/zone/stratum/point` in UTF-8.
    """

    def place(point: Point) -> tuple[str, str]:
        key = f"{seed}/{month}/{zone}/{point.stratum}/{point.point}"
        return hashlib.sha256(key.encode()).hexdigest(), point.point

    return [point.point for point in sorted(points, key=place)[:n]]


def plan(terms: Terms, sample: Sample, zone: str, day: date) -> dict[str, list[str]]:
    """Draw a zone's points of a month, by stratum.

    Parameters
    ----------
    terms : Terms
        With the sampling frame.
    sample : Sample
    zone : str
    day : date
        First day of the month.
    """
    month = month_of(day)
    frame = [point for point in terms.points if point.zone == zone]
    return {
        stratum.id: draw(
            sample.seed,
            month,
            zone,
            (point for point in frame if point.stratum == stratum.id),
            int(value_on(stratum.n, day)),
        )
        for stratum in sample.strata
    }
