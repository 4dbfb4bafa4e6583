"""From where to where a street lies within reach of a place, against walking along it step by step."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels.matching import extents

Place = tuple[int, int]

# So many steps along each piece of a street.
STEPS = 500

coordinate = st.integers(-60_000, 60_000)
place = st.tuples(coordinate, coordinate)


def walked(line: list[Place], measure: list[int], here: Place, reach_mm: int) -> list[float]:
    """Walk along a street: the measures at which it is within reach."""
    found: list[float] = []
    for at in range(len(line) - 1):
        (x, y), (other_x, other_y) = line[at], line[at + 1]
        for step in range(STEPS + 1):
            share = step / STEPS
            away = math.hypot(x + share * (other_x - x) - here[0], y + share * (other_y - y) - here[1])
            if away <= reach_mm:
                found.append(measure[at] + share * (measure[at + 1] - measure[at]))
    return found


@given(st.lists(place, min_size=2, max_size=4), place, st.integers(0, 50_000))
def test_extents_are_those_of_a_walk_when_streets_and_places_are_any(
    line: list[Place], here: Place, reach_mm: int
) -> None:
    measure = [0]
    for one, other in pairwise(line):
        measure.append(measure[-1] + round(math.dist(one, other)))
    # Another street before it and one after it, far away.
    x, y = (np.array([900_000, 900_000, *(one[at] for one in line), 900_000, 900_000], np.int64) for at in range(2))
    vertices = (x, y, np.array([0, 9, *measure, 0, 9], np.int64))
    street = np.array([0, 0, *[1] * len(line), 2, 2], np.int64)
    places = (np.array([here[0]], np.int64), np.array([here[1]], np.int64), np.array([reach_mm], np.int64))
    asked = (np.array([0, 0], np.int64), np.array([2, 3], np.int64))

    low, high = (column.tolist() for column in extents(vertices, street, places, asked))

    length = measure[-1]
    # Against the line the same, from the other end.
    assert (low[1], high[1]) == (length - high[0], length - low[0])
    surely, perhaps = (walked(line, measure, here, reach) for reach in (reach_mm, reach_mm + 2))
    if surely:
        assert low[0] <= min(surely)
        assert max(surely) <= high[0]
    if perhaps and (low[0], high[0]) != (length, 0):
        step = max(other - one for one, other in pairwise(measure)) / STEPS + 2
        assert min(perhaps) - step <= low[0]
        assert high[0] <= max(perhaps) + step


def test_extents_when_a_street_is_out_of_reach() -> None:
    vertices = (np.array([0, 1_000], np.int64), np.array([0, 0], np.int64), np.array([0, 1_000], np.int64))
    places = (np.array([500], np.int64), np.array([400], np.int64), np.array([300], np.int64))
    asked = (np.array([0, 0], np.int64), np.array([0, 1], np.int64))
    low, high = extents(vertices, np.array([0, 0], np.int64), places, asked)
    assert ([1_000, 1_000], [0, 0]) == (low.tolist(), high.tolist())
