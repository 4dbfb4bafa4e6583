"""The matcher on drives with known truth: a small town, so that a slip of the matcher is seen at once."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from kernels.around import around
from rules.places import Network, Street, network_of, to_local
from tests.accuracy import drives, ours
from tests.accuracy.drives import Piece
from tests.accuracy.scores import Score, score

SIDE = 8
# 90 m of latitude and of longitude in Santiago.
NORTH_E7, EAST_E7 = 8_100, 9_700


@pytest.fixture(scope="module")
def town() -> Network:
    """Make a chessboard of crooked streets, every third one-way, with an avenue of two carriageways 15 m apart."""
    random = Random(5)  # noqa: S311  # a drawn town keeps no secrets
    nodes = {
        (x, y): (
            -706_500_000 + x * EAST_E7 + random.randrange(-1_500, 1_500),
            -334_400_000 + y * NORTH_E7 + random.randrange(-1_200, 1_200),
        )
        for x in range(SIDE)
        for y in range(SIDE)
    }
    streets: list[Street] = []
    for (x, y), place in nodes.items():
        for other in ((x + 1, y), (x, y + 1)):
            if other in nodes:
                line, number = (place, nodes[other]), y if other[1] == y else x
                is_avenue = other[1] == y == SIDE // 2
                is_oneway = number % 3 == 0 or is_avenue
                turned = line[::-1] if number % 2 else line
                streets.append(Street(f"{x}-{y}-{len(streets)}", turned, is_oneway=is_oneway))
                if is_avenue:
                    beside = tuple((lon, lat + 1_350) for lon, lat in line)
                    streets.append(Street(f"beside-{x}", (line[1], *beside[::-1], line[0]), is_oneway=True))
    return network_of(streets)


@pytest.mark.parametrize("step_s", [5])
def test_matched_length_when_fixes_are_dense_and_good(town: Network, step_s: int) -> None:
    total = Score()
    for seed in range(6):
        seen = drives.seen(town, drives.drive(town, Random(seed), 3_000), step_s, 5)  # noqa: S311  # no secrets
        pieces, segments = ours.answer(town, seen)
        total += score(seen.truth, pieces, [edge // 2 for edge in seen.edges], segments)
    assert 0.99 <= total.recall
    assert 0.02 >= total.extra


def test_drive_when_drawn_again(town: Network) -> None:
    one, other = (drives.seen(town, drives.drive(town, Random(3), 2_000), 5, 10) for _ in range(2))  # noqa: S311
    assert one.truth == other.truth
    assert one.fixes.lon_e7.tobytes() == other.fixes.lon_e7.tobytes()


def test_route_when_streets_are_one_way(town: Network) -> None:
    route = drives.drive(town, Random(4), 5_000).pieces  # noqa: S311
    assert not [piece for piece in route if piece.edge % 2 and town.is_oneway[piece.edge // 2]]
    heads = town.edges[0]
    joins = [heads[one.edge] == heads[two.edge ^ 1] or one.edge == two.edge ^ 1 for one, two in pairwise(route)]
    assert all(joins)


def test_fixes_when_there_is_no_error(town: Network) -> None:
    driven = drives.drive(town, Random(5), 2_000)  # noqa: S311
    seen = drives.seen(town, driven, 5, 0)
    on_street = ours.answer(town, seen)[1]
    # The right-hand side of the street at most, so that nothing but a junction can be mistaken: there several streets
    # are within that.
    x_mm, y_mm = to_local(town, seen.fixes.lon_e7, seen.fixes.lat_e7)
    places = (x_mm, y_mm, np.full(x_mm.size, 4_000))
    is_plain = np.diff(around(town.vertices, town.vertex_segment, town.grid, places)[0]) == 1
    is_right = [one == edge // 2 for one, edge in zip(on_street, seen.edges, strict=True)]
    assert 20 <= is_plain.sum()
    assert 0.98 <= np.mean(np.array(is_right)[is_plain])


def test_error_when_drawn() -> None:
    network = network_of([Street("1", ((0, 0), (100_000, 0))), Street("2", ((100_000, 0), (0, 10_000), (0, 0)))])
    error = drives.drive(network, Random(6), 60_000).error  # noqa: S311
    assert 0.8 <= float(np.std(error)) <= 1.2


def test_score_when_counted() -> None:
    truth = [Piece(0, 0, 100), Piece(0, 0, 100), Piece(2, 0, 50)]
    assert Score(250, 250, 0, 0, 0) == score(truth, truth, [], [])
    # Once instead of twice, half of another, and against the line.
    assert Score(250, 125, 50, 2, 1) == score(
        truth, [Piece(0, 0, 100), Piece(2, 25, 50), Piece(3, 0, 50)], [0, 1], [0, 0]
    )
    assert Score(250, 100, 20, 0, 0) == score(truth, [Piece(0, 0, 60), Piece(0, 60, 100), Piece(4, 0, 20)], [], [])
