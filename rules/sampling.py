"""Which points of the sampling frame are inspected in a month: drawn by a published seed; anyone can draw again.

Nobody chooses: the order of the points is that of digests that nobody can steer once the seed is published. When they
are inspected, within the standard's hours, is left to the inspectors; what else they inspect is off plan.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import comb

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


def doubled(drawn: Mapping[str, Sequence[str]], share: Fraction) -> set[str]:
    """Points that two inspectors grade: of each stratum's draw the first, at least one.

    Parameters
    ----------
    drawn : mapping
        Stratum to its points, in the order of the draw.
    share : Fraction
    """
    return {point for points in drawn.values() for point in points[: max(-(-share * len(points) // 1), 1)]}


def frame_bounds(good: tuple[int, int], n: int, size: int, miss: Fraction) -> tuple[int, int]:
    """Least and most good points of a stratum, given how many of those drawn are good.

    Parameters
    ----------
    good : tuple of int
        Of the points drawn, at least and at most: those that nobody graded may be either.
    n, size : int
        Points drawn, and points of the stratum.
    miss : Fraction
        How likely the truth may lie beyond either bound.

    Returns
    -------
    low, high : int
        Every number of good points under which so many (or more, or fewer) good ones drawn are likelier than `miss`.

    Notes
    -----
    Exact: tails of the hypergeometric distribution, in whole numbers; a few dozen binomial coefficients for each of
    the logarithm of `size` steps.
    """
    every = comb(size, n)

    def likelihood(whole: int, counts: range) -> Fraction:
        ways = sum(comb(whole, k) * comb(size - whole, n - k) for k in counts)
        return Fraction(ways, every)

    least, most = good
    fits = range(least, size - (n - least) + 1)
    low = fits[bisect_left(fits, True, key=lambda whole: likelihood(whole, range(least, n + 1)) > miss)]
    fits = range(most, size - (n - most) + 1)
    high = fits[bisect_left(fits, True, key=lambda whole: likelihood(whole, range(most + 1)) <= miss) - 1]
    return low, high


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
