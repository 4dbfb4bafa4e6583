"""Parts of streets on ways between fixes, against a walk in single steps."""

from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.reach import Ints, reached

Place = tuple[int, int]
"""A street and a place along it; a node is a street of -1."""

Near = list[tuple[int, int, int]]
"""Street, and from where to where."""


def i64(*numbers: int) -> Ints:
    return np.array(numbers, np.int64)


@st.composite
def towns(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Draw streets between a few nodes: where each leads to and comes from, and its length, an even number."""
    node, count = st.integers(0, 4), draw(st.integers(1, 7))
    heads = draw(st.lists(node, min_size=2 * count, max_size=2 * count))
    return heads, draw(st.lists(st.integers(1, 8).map(lambda half: 2 * half), min_size=count, max_size=count))


@st.composite
def parts(draw: st.DrawFn, lengths: Sequence[int]) -> Near:
    """Draw parts of some streets."""
    streets = draw(st.lists(st.integers(0, len(lengths) - 1), max_size=2, unique=True))
    cuts = [sorted(draw(st.tuples(*[st.integers(0, lengths[one] // 2)] * 2))) for one in streets]
    return [(one, 2 * low, 2 * high) for one, (low, high) in zip(streets, cuts, strict=True)]


def walked(heads: Sequence[int], lengths: Sequence[int], near: Near) -> dict[Place, int]:
    """Walk step by step from around a fix, and count."""

    def at(street: int, along: int) -> Place:
        if 0 < along < lengths[street]:
            return street, along
        return -1, heads[2 * street + (along == 0)]

    beside: defaultdict[Place, list[Place]] = defaultdict(list)
    for street, length in enumerate(lengths):
        for along in range(length):
            beside[at(street, along)].append(at(street, along + 1))
            beside[at(street, along + 1)].append(at(street, along))
    begun = {at(street, along) for street, low, high in near for along in range(low, high + 1)}
    steps, waiting = dict.fromkeys(begun, 0), deque(begun)
    while waiting:
        place = waiting.popleft()
        for other in beside[place]:
            if other not in steps:
                steps[other] = steps[place] + 1
                waiting.append(other)
    return steps


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_nothing_is_left_out_when_all_ways_are_walked(data: st.DataObject) -> None:
    heads, lengths = data.draw(towns())
    near = [data.draw(parts(lengths)) for _ in range(3)]
    limits = data.draw(st.lists(st.integers(-1, 14).map(lambda half: max(2 * half, -1)), min_size=2, max_size=2))
    start = np.cumsum([0, *(len(one) for one in near)], dtype=np.int64)
    columns = (i64(*(one[which] for each in near for one in each)) for which in range(3))
    found = reached(i64(*heads), i64(*lengths), (start, *columns), i64(*limits))  # pyright: ignore[reportArgumentType]
    steps = [walked(heads, lengths, one) for one in near]
    assert sorted(found[0].tolist()) == found[0].tolist()
    for pair, limit in enumerate(limits):
        rows = [row[1:] for row in zip(*(column.tolist() for column in found), strict=True) if row[0] == pair]
        got = [(street, along) for street, low, high in rows for along in range(low, high + 1)]
        assert len(set(got)) == len(got)
        wanted = {
            place
            for place in steps[pair].keys() & steps[pair + 1].keys()
            if place[0] >= 0 and steps[pair][place] + steps[pair + 1][place] <= limit
        }
        # A place alone has no length.
        wanted = {(street, along) for street, along in wanted if {(street, along - 1), (street, along + 1)} & wanted}
        assert wanted <= set(got)
        assert limit >= 0 or not rows


def test_side_street_is_reached_by_half_of_what_is_left() -> None:
    # Along one street of 100 from 10 to 40, and another of 50 from its end.
    heads, lengths = i64(1, 0, 2, 1), i64(100, 50)
    near = (i64(0, 1, 2), i64(0, 0), i64(10, 80), i64(10, 80))
    found = reached(heads, lengths, near, i64(130))
    assert [(0, 0, 0, 100), (0, 1, 0, 10)] == [*zip(*(column.tolist() for column in found), strict=True)]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_reached_when_fixes_are_few(count: int) -> None:
    near = (i64(*range(count + 1)), i64(*[0] * count), i64(*[0] * count), i64(*[5] * count))
    assert 0 == reached(i64(1, 0), i64(10), near, i64())[0].size


def test_street_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="street 1 of 1"):
        reached(i64(1, 0), i64(10), (i64(0, 1, 1), i64(1), i64(0), i64(5)), i64(7))
