"""The obvious version of the matcher: every street looked at, every way relaxed, every sequence of states tried.

Slow, in plain Python, without arrays; shares nothing with the kernels.
"""

from collections.abc import Sequence
from itertools import pairwise, product
from math import floor, hypot

Place = tuple[int, int]
TURN_MM = 50_000


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


def way(  # noqa: PLR0917, C901  # all in one place, as it is read; the network, then from where to where
    heads: Sequence[int],
    lengths: Sequence[int],
    drivable: Sequence[int],
    source: tuple[int, int],
    target: tuple[int, int],
    limit: int,
    slack: int,
) -> tuple[int, int] | None:
    """Find the way from one state (edge, how far along it) to another: its least key and its turn-rounds."""
    (edge, at), (goal, until) = source, target
    if edge == goal and 0 <= until - at <= limit:
        return until - at, 0
    if edge == goal and 0 < at - until <= slack:
        return 0, 0
    # Relax every two edges that follow on each other, until nothing changes.
    keys: dict[int, tuple[int, int]] = {}

    def reach(following: int, key: int, turns: int) -> bool:
        if key <= limit and key < keys.get(following, (2**62, 0))[0]:
            keys[following] = (key, turns)
            return True
        return False

    def tail(one: int) -> int:
        return heads[one ^ 1]

    for following in drivable:
        if tail(following) == heads[edge]:
            turn = int(following == edge ^ 1)
            reach(following, lengths[edge] - at + turn * TURN_MM, turn)
    changed = True
    while changed:
        changed = False
        for one, following in product(list(keys), drivable):
            if tail(following) == heads[one]:
                turn = int(following == one ^ 1)
                key, turns = keys[one]
                changed |= reach(following, key + lengths[one] + turn * TURN_MM, turns + turn)
    found = [(keys[goal][0] + until, keys[goal][1])] if goal in keys else []
    ahead = until - (lengths[edge] - at)
    if goal == edge ^ 1 and ahead >= 0:
        found.append((ahead + TURN_MM, 1))
    found = [one for one in found if one[0] <= limit]
    return min(found) if found else None


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
