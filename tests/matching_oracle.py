"""The obvious version of the matcher: every street looked at, every way relaxed, every sequence of states tried.

Slow, in plain Python, without arrays; shares nothing with the kernels.
"""

from collections.abc import Sequence
from itertools import pairwise, product
from math import floor, hypot

Place = tuple[int, int]


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
