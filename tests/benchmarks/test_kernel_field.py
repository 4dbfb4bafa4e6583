"""What benchmarks of kernels are run on."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rules.places import to_local
from tests.benchmarks.kernel.field import city, to_degrees
from tests.benchmarks.kernel.months import sweeper_field, sweepers_part


def test_places_are_where_they_were_when_turned_to_degrees_and_back() -> None:
    network = city(2_000)
    x_mm, y_mm = (np.linspace(-2e7, 2e7, 9) * sign for sign in (1, -1))
    there = to_local(network, *to_degrees(network, x_mm, y_mm))
    # Half of 1e-7 degrees is 6 mm.
    assert all(np.abs(now - was).max() <= 7 for now, was in zip(there, (x_mm, y_mm), strict=True))


def test_sweeps_are_the_same_when_two_threads_take_vehicles_each() -> None:
    field = sweeper_field(3, 1)

    def part(number: int) -> list[tuple[int, int]]:
        return sweepers_part(field, 1, number, 2)

    alone = sweepers_part(field, 1, 0, 1)
    assert all(0 < proven_mm < possible_mm for proven_mm, possible_mm in alone)
    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            even, odd = pool.map(part, (0, 1))
        assert alone == [even[0], odd[0], even[1]]
