"""The matcher's kernels, against the obvious version, on small networks of any kind."""

from dataclasses import dataclass
from itertools import pairwise
from math import dist, floor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

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
    start, street, _, at_mm, distance_mm = matching.locate(
        network.vertices, network.vertex_segment, network.grid, places, 16
    )
    for index, one in enumerate(at):
        rows = slice(start[index], start[index + 1])
        found = zip(distance_mm[rows].tolist(), street[rows].tolist(), at_mm[rows].tolist(), strict=True)
        assert oracle.located(town.lines, one, reach_mm) == list(found)


@given(towns(), st.lists(place, max_size=4), st.integers(1, 80_000), st.integers(1, 60_000))
def test_nearest_is_the_oracles_when_places_are_any(
    town: Town, at: list[tuple[int, int]], reach_mm: int, side_mm: int
) -> None:
    grid = matching.nearest_grid(town.network.vertices, town.network.vertex_segment, side_mm, reach_mm)
    street, distance_mm = matching.nearest(grid, i64([x for x, _ in at]), i64([y for _, y in at]))
    found = list(zip(street.tolist(), distance_mm.tolist(), strict=True))
    assert [oracle.nearest_line(town.lines, one, reach_mm) for one in at] == found


def test_nearest_when_there_are_no_streets() -> None:
    empty = network_of([])
    grid = matching.nearest_grid(empty.vertices, empty.vertex_segment, 10_000, 50_000)
    assert [-1] == matching.nearest(grid, i64([0]), i64([0]))[0].tolist()


def test_nearest_gives_the_lower_index_when_two_meet() -> None:
    cross = [Street("b", ((0, 0), (4_000, 0))), Street("a", ((0, 0), (0, 4_000))), Street("a2", ((0, 4_000), (0, 0)))]
    network = network_of(cross)
    grid = matching.nearest_grid(network.vertices, network.vertex_segment, 10_000, 50_000)
    x_mm, y_mm = network.vertices[0][0], network.vertices[1][0]
    street, distance_mm = matching.nearest(grid, i64([x_mm - 3_000, x_mm - 5]), i64([y_mm - 4_000, y_mm + 9_000]))
    assert ([0, 1], [5_000, 5]) == (street.tolist(), distance_mm.tolist())


@given(towns(), st.lists(st.tuples(st.integers(0, 60), place, st.integers(0, 80_000)), max_size=5), st.data())
def test_beside_is_the_oracles_when_rows_are_any(
    town: Town, said: list[tuple[int, tuple[int, int], int]], data: st.DataObject
) -> None:
    fixes = sorted(said)
    streets = st.integers(0, len(town.lines) - 1)
    rows: list[tuple[int, int, int, int]] = []
    for pair, several in enumerate(data.draw(st.lists(st.lists(streets, max_size=3), max_size=5))):
        # Ten microseconds a pair, of which the last is heard of no more; every other pair begins late.
        rows += [(pair, street, 10 * pair + at + pair % 2, 10 * pair + at + 2) for at, street in enumerate(several)]
    pairs, driven, enter_us, leave_us = (i64([row[k] for row in rows]) for k in range(4))
    t_us = i64([t for t, _, _ in fixes])
    x_mm, y_mm = i64([x for _, (x, _), _ in fixes]), i64([y for _, (_, y), _ in fixes])
    path, places = (pairs, driven, enter_us, leave_us), (t_us, x_mm, y_mm, i64([near for *_, near in fixes]))
    found = matching.beside(town.network.vertices, town.network.vertex_segment, path, places)
    expected: list[int] = []
    for t, here, near_mm in fixes:
        here_us = next((row for row in rows if row[3] >= t), None)
        taken = [row for row in rows if here_us and row[0] == here_us[0] and here_us[2] <= t]
        away = [(oracle.nearest(town.lines[street], here)[0], street) for _, street, *_ in taken]
        near = min((one for one in away if one[0] <= near_mm), default=None)
        first = next((k for k, row in enumerate(rows) if near and row in taken and row[1] == near[1]), -1)
        expected.append(first)
    assert expected == found.tolist()


def edges_of(network: Network) -> tuple[list[int], list[int], list[int]]:
    heads, lengths = (column.tolist() for column in network.edges)
    return heads, lengths, network.adjacency[1].tolist()


def streets_of(network: Network, bend_mm: int, round_mm: int) -> tuple[NDArray[np.int64], ...]:
    none = np.zeros(network.edges[0].size, np.int64)
    first = np.searchsorted(network.vertex_segment, np.arange(none.size // 2))
    last = np.searchsorted(network.vertex_segment, np.arange(none.size // 2), side="right") - 1
    vertex = np.stack([last, first]).T.ravel()
    heads = (network.vertices[0][vertex], network.vertices[1][vertex])
    return matching.table(network.edges, heads, (none, none), network.adjacency, i64([bend_mm, round_mm]))


@given(towns())
def test_table_is_the_oracles_when_streets_are_any(town: Town) -> None:
    heads, lengths, drivable = edges_of(town.network)
    graph, entry = streets_of(town.network, 0, 50_000)
    for edge in drivable:
        row, size = int(graph[8 * edge + 4]) >> 10, int(graph[8 * edge + 4]) & 1_023
        found = {int(one) >> 34: (int(one) >> 10) & (2**24 - 1) for one in entry[row : row + size] if one >= 0}
        assert oracle.keys_from(heads, lengths, drivable, edge, 50_000) == found


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(-20, 20), st.integers(-20, 20)), max_size=12), st.data())
def test_witnesses_are_the_oracles_when_fixes_are_any(fixes: list[tuple[int, int, int]], data: st.DataObject) -> None:
    times = [sum(step for step, _, _ in fixes[: at + 1]) for at in range(len(fixes))]
    places, apart_us = [(x, y) for _, x, y in fixes], data.draw(st.integers(1, 12))
    apart = data.draw(st.lists(st.integers(0, 20), min_size=len(fixes), max_size=len(fixes)))
    columns = (i64(times), i64([x for x, _ in places]), i64([y for _, y in places]), i64(apart))
    assert oracle.witnesses(times, places, apart, apart_us) == matching.witnesses(*columns, apart_us).tolist()


def test_witness_is_where_a_vehicle_turned_round() -> None:
    x_mm = [0, 5_000, 10_000, 15_000, 10_000, 5_000, 0, -5_000, -10_000, -15_000, -20_000]
    columns = (i64(list(range(11))), i64(x_mm), i64([0] * 11), i64([20_000] * 11))
    assert [0, 3, 10] == matching.witnesses(*columns, 60).tolist()


BRIDGE_US = 60_000_000
STRANGE_MM = 7_000
ROUND_MM = 40_000


def weights(beam: int) -> NDArray[np.int64]:
    """Weigh nothing but lengths: no bends, no speeds; no fix is passed over."""
    return i64([0, ROUND_MM, STRANGE_MM, 0, 10**6, 10**6, 10**6, 1, beam, 2**60, 0, BRIDGE_US])


@given(towns(), st.data())
def test_chain_is_the_cheapest_sequence_when_all_are_tried(town: Town, data: st.DataObject) -> None:
    heads, lengths, drivable = edges_of(town.network)
    count = data.draw(st.integers(2, 4))
    at = data.draw(st.lists(place, min_size=count, max_size=count))
    state = st.sampled_from(drivable).flatmap(lambda edge: st.tuples(st.just(edge), st.integers(0, lengths[edge])))
    states = [data.draw(st.lists(state, min_size=1, max_size=3)) for _ in range(count)]
    emission = [[data.draw(st.integers(0, 4)) * matching.COST_UNIT for _ in one] for one in states]
    flat = [one for each in states for one in each]
    start = np.concatenate(([0], np.cumsum([len(one) for one in states]))).astype(np.int64)
    columns = (start, i64([edge for edge, _ in flat]), i64([along for _, along in flat]))
    near_mm, zero = i64([4_000] * count), i64([0] * count)
    fixes = (
        i64(list(range(0, 10**6 * count, 10**6))),
        i64([x for x, _ in at]),
        i64([y for _, y in at]),
        zero,
        near_mm,
    )
    graph, entry = streets_of(town.network, 0, ROUND_MM)
    if data.draw(st.booleans()):
        # As if the table held nothing: every way is searched for.
        graph[4::8], graph[5::8], entry = 0, 0, entry[:0].copy()
    streets = (graph, entry, town.network.adjacency[1])
    emitted = i64([one for each in emission for one in each])
    linked = matching.chains(streets, (*columns, emitted), fixes, weights(2**61))
    chosen, source, _ = matching.decode((*columns, emitted), linked)
    step: list[list[list[int | None]]] = []
    for before in range(count - 1):
        straight = floor(dist(at[before], at[before + 1]) + 0.5)
        keys = [
            [oracle.way((heads, lengths, drivable), one, two, 8_000, ROUND_MM) for two in states[before + 1]]
            for one in states[before]
        ]
        # Rolling back costs by the normal law: slack is six deviations of a fix, of which there are two.
        rolled = [
            [max(one[1] - two[1], 0) if one[0] == two[0] else 0 for two in states[before + 1]]
            for one in states[before]
        ]
        step.append(
            [
                [
                    None
                    if key is None
                    else abs(key - straight) * matching.COST_UNIT // STRANGE_MM
                    + (back_mm**2 * 9 * matching.COST_UNIT // 8_000**2 if back_mm <= 8_000 else 0)
                    for key, back_mm in zip(row, back, strict=True)
                ]
                for row, back in zip(keys, rolled, strict=True)
            ]
        )
    best = oracle.likeliest(emission, step)
    if best is None:
        assert (source < 0).sum() > 1
        return
    assert [-1, *range(count - 1)] == source.tolist()
    taken = [int(one) - int(first) for one, first in zip(chosen, start[:-1], strict=True)]
    cost = sum(emission[fix][one] for fix, one in enumerate(taken))
    for before, (one, two) in enumerate(pairwise(taken)):
        found = step[before][one][two]
        assert found is not None
        cost += found
    assert best == cost
