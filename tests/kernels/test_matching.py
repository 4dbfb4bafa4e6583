"""The matcher's kernels, against the obvious version, on small networks of any kind."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels import matching
from rules.places import Network, Street, network_of
from tests import matching_oracle as oracle
from tests.kernels.cases import i64

METRE_E7 = 90
"""Near the equator nearly the same to the east as to the north."""


@dataclass(frozen=True, slots=True)
class Town:
    """A network, and its lines on the plane."""

    network: Network
    lines: list[list[tuple[int, int]]]


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Draw streets between a few nodes: parallel, crossing, closed, unconnected or without length."""
    node = st.tuples(st.integers(0, 3), st.integers(0, 3))
    streets: list[Street] = []
    for index in range(draw(st.integers(1, 6))):
        line = draw(st.lists(node, min_size=2, max_size=3))
        line_e7 = tuple((40 * METRE_E7 * x, 40 * METRE_E7 * y) for x, y in line)
        streets.append(Street(f"s{index}", line_e7, is_oneway=draw(st.booleans())))
    network = network_of(streets)
    lines: list[list[tuple[int, int]]] = [[] for _ in streets]
    columns = (*network.vertices[:2], network.vertex_segment)
    x_mm, y_mm, segments = ([int(number) for number in column] for column in columns)
    for x, y, segment in zip(x_mm, y_mm, segments, strict=True):
        lines[segment].append((x, y))
    return Town(network, lines)


place = st.tuples(st.integers(-90_000, 90_000), st.integers(-90_000, 90_000))


@given(towns(), st.lists(place, max_size=4), st.integers(0, 80_000))
def test_locate_is_the_oracles_when_places_are_any(town: Town, at: list[tuple[int, int]], reach_mm: int) -> None:
    places = (i64([x for x, _ in at]), i64([y for _, y in at]), i64([reach_mm] * len(at)))
    network = town.network
    (start, street), (at_mm, distance_mm) = matching.locate(
        network.vertices, network.vertex_segment, network.grid, places, 16
    )
    for index, one in enumerate(at):
        rows = slice(start[index], start[index + 1])
        found = zip(distance_mm[rows].tolist(), street[rows].tolist(), at_mm[rows].tolist(), strict=True)
        assert oracle.located(town.lines, one, reach_mm) == list(found)


@given(towns(), place)
def test_distances_are_the_oracles_when_the_place_is_any(town: Town, at: tuple[int, int]) -> None:
    found = matching.distances(town.network.vertices, town.network.vertex_segment, *at)
    assert [oracle.nearest(line, at)[0] for line in town.lines] == found.tolist()


@given(towns(), st.data(), st.integers(0, 300_000), st.integers(0, 20_000))
def test_ways_are_the_oracles_when_states_are_any(
    town: Town, data: st.DataObject, limit_mm: int, slack_mm: int
) -> None:
    network = town.network
    heads, lengths = (column.tolist() for column in network.edges)
    drivable = network.adjacency[1].tolist()
    edge = st.sampled_from(drivable)
    states = [(one, data.draw(st.integers(0, lengths[one]))) for one in data.draw(st.lists(edge, max_size=6))]
    middle = len(states) // 2
    columns = (i64([0, middle, len(states)]), i64([one for one, _ in states]), i64([at for _, at in states]))
    pair_start = i64([0, middle * (len(states) - middle)])
    length_mm, turns = matching.ways(
        network.edges, network.adjacency, columns, pair_start, i64([limit_mm]), i64([slack_mm])
    )
    lengths_mm: list[int] = length_mm.tolist()
    found = iter(zip(lengths_mm, map(int, turns), strict=True))
    for source in states[:middle]:
        for target in states[middle:]:
            expected = oracle.way(heads, lengths, drivable, source, target, limit_mm, slack_mm)
            length, turned = next(found)
            key = None if length == matching.NOWHERE else length + turned * oracle.TURN_MM
            assert (None if expected is None else expected[0]) == key


@given(st.data())
def test_decode_is_the_cheapest_sequence_when_all_are_tried(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    costs = st.integers(0, 5).map(lambda cost: cost * matching.COST_UNIT)
    emission = [data.draw(st.lists(costs, min_size=size, max_size=size)) for size in sizes]
    length = st.one_of(st.none(), st.integers(0, 5))
    ways = [[[data.draw(length) for _ in range(after)] for _ in range(before)] for before, after in pairwise(sizes)]
    flat = [matching.NOWHERE if one is None else one for pair in ways for row in pair for one in row]
    pair_start = np.concatenate(([0], np.cumsum([len(pair) * len(pair[0]) for pair in ways]))).astype(np.int64)
    state_start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    count = len(sizes)
    chosen, linked = matching.decode(
        state_start,
        i64([cost for costs in emission for cost in costs]),
        pair_start[:count],
        (i64(flat), i64([0] * len(flat))),
        (i64([2] * (count - 1)), i64([1] * (count - 1))),
        0,
    )
    step = [
        [[None if one is None else abs(one - 2) * matching.COST_UNIT for one in row] for row in pair] for pair in ways
    ]
    begin = 0
    for fix in range(count):
        if linked[fix]:
            continue
        states = [int(chosen[one] - state_start[one]) for one in range(begin, fix + 1)]
        steps = [step[begin + at][one][two] for at, (one, two) in enumerate(pairwise(states))]
        cost = sum(emission[begin + at][one] for at, one in enumerate(states))
        cost += sum(one for one in steps if one is not None)
        assert oracle.likeliest(emission[begin : fix + 1], step[begin:fix]) == cost
        begin = fix + 1
