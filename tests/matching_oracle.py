"""The obvious version of the matcher: every street looked at, every way relaxed, every sequence of states tried.

Slow, in plain Python, without arrays; shares nothing with the kernels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import dist, floor, hypot, inf

Place = tuple[int, int]
Heading = tuple[int, int, int]
"""A street, where along it, and the direction in which it is driven."""


def nearest(line: Sequence[Place], place: Place) -> tuple[int, int]:
    """Find how near a line comes to a place, and how far along it that is first the case."""
    best, walked = (2**62, 0), 0
    for one, other in pairwise(line):
        east, north = other[0] - one[0], other[1] - one[1]
        length = floor(hypot(east, north) + 0.5)
        square = east * east + north * north
        share = ((place[0] - one[0]) * east + (place[1] - one[1]) * north) / square if square else 0.0
        share = min(max(share, 0.0), 1.0)
        away = hypot(place[0] - one[0] - share * east, place[1] - one[1] - share * north)
        best = min(best, (floor(away + 0.5), walked + floor(share * length + 0.5)))
        walked += length
    return best


def located(lines: Sequence[Sequence[Place]], place: Place, reach: int) -> list[tuple[int, int, int]]:
    """List the lines within reach: distance, line, where; the nearest first."""
    found = [(*nearest(line, place), index) for index, line in enumerate(lines)]
    return sorted((distance, index, at) for distance, at, index in found if distance <= reach)


def keys_from(
    heads: Sequence[int], lengths: Sequence[int], drivable: Sequence[int], edge: int, round_mm: int
) -> dict[int, int]:
    """Find the least key of each edge that can be come to from an edge's head."""
    keys: dict[int, int] = {one: round_mm * (one == edge ^ 1) for one in drivable if heads[one ^ 1] == heads[edge]}
    # Relax every two edges that follow on each other, until nothing changes.
    changed = True
    while changed:
        changed = False
        for one, following in product(list(keys), drivable):
            key = keys[one] + lengths[one] + round_mm * (following == one ^ 1)
            if heads[following ^ 1] == heads[one] and key < keys.get(following, key + 1):
                keys[following] = key
                changed = True
    return keys


def way(
    network: tuple[Sequence[int], Sequence[int], Sequence[int]],
    source: tuple[int, int],
    target: tuple[int, int],
    slack: int,
    round_mm: int,
) -> int | None:
    """Find the way from one state (edge, how far along it) to another: its key, None where there is none."""
    heads, lengths, drivable = network
    (edge, at), (goal, until) = source, target
    rest = lengths[edge] - at
    if edge == goal and until >= at - slack:
        return max(until - at, 0)
    if goal == edge ^ 1:
        return abs(until - rest) + round_mm
    key = keys_from(heads, lengths, drivable, edge, round_mm).get(goal)
    return None if key is None else rest + key + until


def likeliest(emission: Sequence[Sequence[int]], step: Sequence[Sequence[Sequence[int | None]]]) -> int | None:
    """Try every sequence of states of one chain; give the least cost, None where there is none."""
    best: int | None = None
    for states in product(*(range(len(costs)) for costs in emission)):
        steps = [step[fix][one][other] for fix, (one, other) in enumerate(pairwise(states))]
        if None in steps:
            continue
        cost = sum(costs[state] for costs, state in zip(emission, states, strict=True))
        cost += sum(one for one in steps if one is not None)
        best = cost if best is None else min(best, cost)
    return best


def nearest_line(lines: Sequence[Sequence[Place]], place: Place, reach: int) -> tuple[int, int]:
    """Look at every line for the one nearest to a place: its index and how near, both -1 if none is within reach."""
    best = (-1, -1)
    least = reach * reach + 0.0
    for index, line in enumerate(lines):
        for one, other in pairwise(line):
            east, north = other[0] - one[0], other[1] - one[1]
            square = east * east + north * north
            along = (place[0] - one[0]) * east + (place[1] - one[1]) * north
            if along <= 0 or square == 0:
                away = float((place[0] - one[0]) ** 2 + (place[1] - one[1]) ** 2)
            elif along >= square:
                away = float((place[0] - other[0]) ** 2 + (place[1] - other[1]) ** 2)
            else:
                across = float((place[0] - one[0]) * north - (place[1] - one[1]) * east)
                away = across * across / square
            if away < least or (away == least and best[0] < 0):
                least = away
                best = (index, floor(away**0.5 + 0.5))
    return best


@dataclass(frozen=True, slots=True)
class Cut:
    """Streets of which one is cut in two at a point, and ways over them.

    Parameters
    ----------
    ends : sequence of tuple of two int
        Nodes where each street begins and ends.
    lengths, is_oneway : sequence
        Of each street.
    cut : tuple of two int
        The street, and where along it.
    round_mm : int
        What turning round costs.
    """

    ends: Sequence[tuple[int, int]]
    lengths: Sequence[int]
    is_oneway: Sequence[bool]
    cut: tuple[int, int]
    round_mm: int

    def directions(self, street: int) -> tuple[int, ...]:
        """List the directions in which a street may be driven."""
        return (1,) if self.is_oneway[street] else (1, -1)

    def is_open(self, street: int, begin: int, end: int) -> bool:
        """Tell whether a stretch of a street does not go over the cut."""
        low, high = sorted((begin, end))
        return street != self.cut[0] or not low <= self.cut[1] <= high

    def head(self, street: int, direction: int) -> int:
        """Give the node that a street leads to."""
        return self.ends[street][1 if direction > 0 else 0]

    def reached(self, place: Heading) -> dict[tuple[int, int], float]:
        """Measure the least way from a place to the beginning of each street, in each direction."""
        least: dict[tuple[int, int], float] = {}
        todo: list[tuple[float, int, int]] = []
        street, at, heading = place
        for direction in self.directions(street):
            until = self.lengths[street] if direction > 0 else 0
            if self.is_open(street, at, until):
                todo.append((abs(until - at) + self.round_mm * (direction != heading), street, direction))
        # Relax until nothing is shorter: networks are small.
        while todo:
            way, street, direction = todo.pop()
            node = self.head(street, direction)
            for onward, heading in product(range(len(self.ends)), (1, -1)):
                if heading not in self.directions(onward) or self.head(onward, -heading) != node:
                    continue
                here = way + self.round_mm * (onward == street and heading == -direction)
                if here < least.get((onward, heading), inf):
                    least[onward, heading] = here
                    if self.is_open(onward, 0, self.lengths[onward]):
                        todo.append((here + self.lengths[onward], onward, heading))
        return least

    def ways(self, place: Heading, goals: Sequence[Heading]) -> list[float]:
        """Measure the least way from a place to others, turning round in the street on the way or at its end."""
        least = self.reached(place)
        found: dict[Heading, float] = {}
        for street, until, heading in goals:
            begin = 0 if heading > 0 else self.lengths[street]
            ways = [inf]
            if self.is_open(street, begin, until):
                ways.append(least.get((street, heading), inf) + abs(until - begin))
            onward = (until - place[1]) * heading
            if street == place[0] and onward >= 0 and self.is_open(street, place[1], until):
                ways.append(onward + self.round_mm * (heading != place[2]))
            found[street, until, heading] = min(ways)
        return [min(found[goal], found.get((goal[0], goal[1], -goal[2]), inf) + self.round_mm) for goal in goals]


def is_avoidable(streets: Cut, places: Sequence[Sequence[Heading]], limits: Sequence[int]) -> bool:
    """Tell whether a vehicle can have been at one of the places of each fix without coming over the cut.

    `limits` is how long the way from each fix to the next may be.
    """
    here = set(places[0])
    for onward, limit in zip(places[1:], limits, strict=True):
        there: set[Heading] = set()
        for place in here:
            found = streets.ways(place, onward)
            there |= {one for one, way in zip(onward, found, strict=True) if way <= limit}
        here = there
    return bool(here)


def witnesses(times: Sequence[int], places: Sequence[Place], apart: Sequence[int], apart_us: int) -> list[int]:
    """Choose fixes far enough from the last one chosen, at the ends of silences, and where a vehicle turned round."""
    chosen: list[int] = []
    for fix, place in enumerate(places):
        last = chosen[-1] if chosen else 0
        is_end = fix in {0, len(places) - 1} or times[fix + 1] - times[fix] >= apart_us
        away = dist(place, places[last])
        if not is_end and times[fix] - times[last] < apart_us and away < apart[fix]:
            continue
        between = range(last + 1, fix)
        turned = max(between, key=lambda one: (dist(places[one], place), -one), default=None)
        if turned is not None and dist(places[turned], place) > away + apart[fix] / 2:
            chosen.append(turned)
        chosen.append(fix)
    return chosen
