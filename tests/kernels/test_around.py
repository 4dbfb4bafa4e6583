"""Streets around places, against the obvious version."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels.around import around
from rules.places import Street, network_of
from tests import matching_oracle as oracle
from tests.kernels.cases import i64
from tests.kernels.test_matching import Town, place, towns


@given(towns(), st.lists(place, max_size=4), st.sampled_from([0, 5_000, 60_000, 2**50]))
def test_around_is_the_oracles_when_places_are_any(town: Town, at: list[tuple[int, int]], reach_mm: int) -> None:
    network = town.network
    places = (i64([x for x, _ in at]), i64([y for _, y in at]), i64([reach_mm] * len(at)))
    start, street, at_mm, distance_mm = around(network.vertices, network.vertex_segment, network.grid, places)
    for index, one in enumerate(at):
        rows = slice(start[index], start[index + 1])
        found = zip(distance_mm[rows].tolist(), street[rows].tolist(), at_mm[rows].tolist(), strict=True)
        assert sorted(oracle.located(town.lines, one, reach_mm), key=lambda one: one[1]) == list(found)


def test_around_when_there_are_no_streets() -> None:
    empty = network_of([])
    start, street, _, _ = around(empty.vertices, empty.vertex_segment, empty.grid, (i64([0]), i64([0]), i64([9])))
    assert ([0, 0], 0) == (start.tolist(), street.size)


def test_all_streets_are_found_when_there_are_more_than_there_was_room_for() -> None:
    town = network_of([Street(str(number), ((0, number), (900, number))) for number in range(300)])
    far = i64([0] * 5)
    start, street, _, _ = around(town.vertices, town.vertex_segment, town.grid, (far, far, far + 2**40))
    assert [list(range(300))] * 5 == [street[start[k] : start[k + 1]].tolist() for k in range(5)]
    assert np.all(np.diff(start) == 300)
