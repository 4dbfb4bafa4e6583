"""The odds that a street was driven, against every way and every chain of states written out."""

from random import Random

import numpy as np
import pytest

from kernels import odds
from rules import paths
from rules.paths import Path
from rules.places import Network, network_of
from tests.odds_oracle import Odds, as_dict
from tests.rules.test_traversals import fixes, street

# As the kernel takes them: turns, differences, speeds, shares, from which interval on and how likely; then factors.
NUMBERS = [20_000, 2_500_000, 5_000, 2_000, 40_000, 13_900, 0, 150_000, 300_000, 20_000_000, 500_000]
FACTORS = [560_000 + 75_000 * at for at in range(16)]
# Pairs of states less likely than one in ten thousand are left out.
NEAR = 0.005


def town(random: Random) -> Network:
    """Make two rows of blocks, crooked, one street in three of them one-way."""
    places = {
        (x, y): (100 * x + random.uniform(-20, 20), 80 * y + random.uniform(-20, 20))
        for x in range(3)
        for y in range(2)
    }
    pairs = [((x, y), other) for x, y in places for other in ((x + 1, y), (x, y + 1)) if other in places]
    lines = [(places[one], places[other]) for one, other in pairs]
    return network_of([street(f"{at}", *line, is_oneway=random.random() < 1 / 3) for at, line in enumerate(lines)])


def matched(network: Network, random: Random, count: int) -> Path:
    places = [(random.uniform(-10, 210), random.uniform(-10, 90)) for _ in range(count)]
    return paths.likeliest(network, fixes(*places, step_s=60, accuracy_m=4), 300_000_000)


def given(network: Network, path: Path, numbers: list[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    ways = (network.graph, network.entry, network.adjacency[1])
    states = (path.states.start, path.states.edge, path.states.along_mm, path.states.cost)
    return list(odds.odds(ways, states, path.fixes, (path.chosen, path.source), np.array(numbers, np.int64)))


def test_odds_when_very_many_streets_meet() -> None:
    # More than any heap was once made for: each may follow on the first.
    legs = [(100 * np.cos(at * np.pi / 20), 100 * np.sin(at * np.pi / 20)) for at in range(40)]
    network = network_of([street(f"{at}", (0, 0), (float(x), float(y))) for at, (x, y) in enumerate(legs)])
    path = paths.likeliest(network, fixes((80, 0), (-80, 0), step_s=60, accuracy_m=2), 300_000_000)
    is_asked, *columns, _ = given(network, path, [*NUMBERS, *FACTORS])
    assert [0, 1] == is_asked.tolist()
    # In on one, out on the one opposite.
    assert [1, 40] == sorted(edge for edge, *_ in as_dict(columns, 1))


# Such as have a path from end to end.
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 7, 10])
@pytest.mark.parametrize("speed_mmps", [0, 4_000])
@pytest.mark.parametrize("least", [0.5, 0.2])
def test_odds_when_all_ways_are_written_out(seed: int, speed_mmps: int, least: float) -> None:
    random = Random(seed)  # noqa: S311  # a drawn town keeps no secrets
    network = town(random)
    path = matched(network, random, 3)
    assert [-1, 0, 1] == path.source.tolist()
    numbers = [*NUMBERS[:6], speed_mmps, *NUMBERS[7:10], round(least * 1e6), *FACTORS]
    is_asked, *columns, _ = given(network, path, numbers)
    assert [0, 1, 1] == is_asked.tolist()
    for fix in (1, 2):
        expected, found = Odds(network, path, numbers).above(fix, least), as_dict(columns, fix)
        sure = {piece for piece, mass in expected.items() if abs(mass - least) > NEAR}
        for piece in sure | set(found):
            assert expected.get(piece, least) == pytest.approx(found.get(piece, least), abs=NEAR)
