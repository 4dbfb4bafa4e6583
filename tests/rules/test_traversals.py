"""What vehicles drove, against vehicles whose drive is known: what is certain was driven, whatever the errors."""

from collections.abc import Iterable
from itertools import pairwise
from math import cos, pi, sin
from random import Random

import numpy as np
import pytest

from kernels import geodesy
from rules.places import Network, Street, network_of
from rules.traversals import Fixes, Traversals, path, traverse

SECOND_US = 1_000_000
MAX_GAP_US = 60 * SECOND_US
METRE_E7 = 90
"""Near the equator, nearly the same to the east as to the north."""


def street(name: str, *line_m: tuple[float, float], is_oneway: bool = False) -> Street:
    line_e7 = tuple((round(x * METRE_E7), round(y * METRE_E7)) for x, y in line_m)
    return Street(name, line_e7, is_oneway=is_oneway)


def fixes(*places_m: tuple[float, float], step_s: float = 5, accuracy_m: float = 5) -> Fixes:
    return Fixes(
        t_us=(np.arange(len(places_m)) * round(step_s * SECOND_US)).astype(np.int64),
        lon_e7=np.array([round(x * METRE_E7) for x, _ in places_m], np.int32),
        lat_e7=np.array([round(y * METRE_E7) for _, y in places_m], np.int32),
        accuracy_mm=np.full(len(places_m), round(accuracy_m * 1_000), np.int32),
    )


def along(until_m: int, y_m: float = 0) -> list[tuple[float, float]]:
    return [(x, y_m) for x in range(0, until_m + 1, 20)]


def certain_m(found: Traversals) -> int:
    return int((found.to_mm - found.from_mm)[found.is_certain].sum()) // 1_000


LINE = street("a", (0, 0), (200, 0))
CROSS = [LINE, street("b", (200, 0), (400, 0)), street("n", (200, 0), (200, 200)), street("s", (200, -200), (200, 0))]


@pytest.mark.parametrize("count", [0, 1])
def test_rows_when_fixes_are_few(count: int) -> None:
    found = traverse(network_of([LINE]), fixes(*along(0)[:count]), MAX_GAP_US)
    assert 0 == found.fix.size
    assert [] == path(network_of([LINE]), fixes(*along(0)[:count]), MAX_GAP_US)


def test_rows_when_network_is_empty() -> None:
    assert 0 == traverse(network_of([]), fixes(*along(100)), MAX_GAP_US).fix.size


def test_line_when_driven() -> None:
    found = traverse(network_of([LINE]), fixes(*along(200)), MAX_GAP_US)
    assert list(range(10)) == sorted(set(found.fix.tolist()))
    assert {1} == set(found.direction.tolist())
    assert (found.enter_us[1:] == found.leave_us[:-1]).all()
    # All but what is near the fix at each end, 10 m.
    assert 180 == pytest.approx(certain_m(found), abs=1)


def test_line_when_driven_backwards() -> None:
    assert [("a", -1)] == path(network_of([LINE]), fixes(*along(200)[::-1]), MAX_GAP_US)


def test_oneway_when_driven_against() -> None:
    oneway = network_of([street("a", (0, 0), (200, 0), is_oneway=True)])
    assert [] == path(oneway, fixes(*along(200)[::-1]), MAX_GAP_US)


def test_crossing_when_driven_straight_on() -> None:
    found = traverse(network_of(CROSS), fixes(*along(400)), MAX_GAP_US)
    assert [("a", 1), ("b", 1)] == path(network_of(CROSS), fixes(*along(400)), MAX_GAP_US)
    assert 360 <= certain_m(found) <= 381


@pytest.mark.parametrize(("apart_m", "expected_m"), [(8, 0), (60, 180)])
def test_parallel_street_when_near_and_when_far(apart_m: int, expected_m: int) -> None:
    network = network_of([LINE, street("p", (0, apart_m), (200, apart_m))])
    assert expected_m == pytest.approx(certain_m(traverse(network, fixes(*along(200)), MAX_GAP_US)), abs=1)


def test_block_when_either_side_fits() -> None:
    # In at one corner, out at the other, and nothing seen in between.
    sides = [street("w", (0, 0), (0, 80), (80, 80)), street("e", (0, 0), (80, 0), (80, 80))]
    network = network_of([street("i", (-100, 0), (0, 0)), *sides, street("o", (80, 80), (180, 80))])
    found = traverse(network, fixes((-60, 0), (-30, 0), (110, 80), (140, 80), step_s=20), MAX_GAP_US)
    doubtful = {int(segment) for segment in found.segment[~found.is_certain]}
    assert doubtful & {1, 2}
    assert not {1, 2} & {int(segment) for segment in found.segment[found.is_certain]}


def test_turn_when_round() -> None:
    there_and_back = [*along(120), *along(120)[::-1]]
    network = network_of([LINE])
    found = traverse(network, fixes(*there_and_back), MAX_GAP_US)
    assert [("a", 1), ("a", -1)] == path(network, fixes(*there_and_back), MAX_GAP_US)
    assert found.to_mm[found.is_certain].max() <= 111_000


def test_standing_when_fixes_go_to_and_fro() -> None:
    found = traverse(network_of([LINE]), fixes(*[(100, 0), (108, 3)] * 6), MAX_GAP_US)
    assert 0 == certain_m(found)
    same = traverse(network_of([LINE]), fixes(*[(100, 0)] * 4), MAX_GAP_US)
    assert [(0, 5), (5, 10), (10, 15)] == [
        (int(enter) // SECOND_US, int(leave) // SECOND_US)
        for enter, leave in zip(same.enter_us, same.leave_us, strict=True)
    ]
    assert (same.from_mm == same.to_mm).all()


def test_chain_when_cut() -> None:
    network = network_of([LINE, street("far", (5_000, 0), (5_200, 0))])
    jump = fixes((20, 0), (60, 0), (5_020, 0), (5_060, 0), step_s=20)
    assert [0, 2] == sorted(set(traverse(network, jump, MAX_GAP_US).fix.tolist()))
    assert 0 == traverse(network, jump, SECOND_US).fix.size
    off = fixes((20, 0), (60, 0), (60, 900), (100, 0), (140, 0), step_s=20)
    assert [0, 3] == sorted(set(traverse(network, off, MAX_GAP_US).fix.tolist()))


def test_fixes_when_unordered_or_of_another_type() -> None:
    said = fixes(*along(40))
    with pytest.raises(ValueError, match="does not come after"):
        traverse(network_of([LINE]), Fixes(said.t_us[::-1], said.lon_e7, said.lat_e7, said.accuracy_mm), MAX_GAP_US)
    wrong = Fixes(said.t_us, said.lon_e7, said.lat_e7, -said.accuracy_mm)
    with pytest.raises(ValueError, match="accuracy_mm"):
        traverse(network_of([LINE]), wrong, MAX_GAP_US)


def town(random: Random) -> Network:
    """Make a town of crooked blocks, some streets missing, some doubled, some one-way."""
    size, block_m = 7, random.choice([40, 80, 120])
    crooked_m, missing, oneway = random.choice([2, 15]), random.choice([0, 0.1, 0.3]), random.choice([0, 0.3, 0.9])
    nodes = {
        (x, y): tuple(block_m * at + random.uniform(-crooked_m, crooked_m) for at in (x, y))
        for x in range(size)
        for y in range(size)
    }
    streets: list[Street] = []
    for (x, y), (east, north) in nodes.items():
        for other in ((x + 1, y), (x, y + 1)):
            if other not in nodes or random.random() < missing:
                continue
            ends = [(east, north), (nodes[other][0], nodes[other][1])]
            random.shuffle(ends)
            streets.append(street(f"{len(streets)}", *ends, is_oneway=random.random() < oneway))
            if random.random() < 0.05:
                beside = [(one[0] + 12, one[1] + 12) for one in ends]
                streets.append(street(f"{len(streets)}", ends[0], *beside, ends[1]))
    return network_of(streets)


def drive(random: Random, network: Network) -> list[int]:
    """Drive some 1.5 km at random; edges."""
    start, leaving = (column.tolist() for column in network.adjacency)
    route: list[int] = [random.choice(leaving)]
    while sum(int(network.edges[1][edge]) for edge in route) < 1_500_000:
        node = int(network.edges[0][route[-1]])
        ways = leaving[start[node] : start[node + 1]]
        onward = [edge for edge in ways if edge != route[-1] ^ 1 or random.random() < 0.1]
        if not onward:
            break
        route.append(random.choice(onward))
    return route


def seen(random: Random, network: Network, route: list[int]) -> tuple[Fixes, list[float]]:
    """See the vehicle from time to time, never further off than twice the accuracy; and where it truly was."""
    step_s, accuracy_m = random.choice([1, 5, 10, 30]), random.choice([5, 10, 20])
    ends_mm = np.cumsum([int(network.edges[1][edge]) for edge in route])
    speed_mps, at_mm = random.uniform(1, 13), random.uniform(0, 20_000)
    x_factor, y_factor = geodesy.factors(network.origin_e7[1])
    lengths_mm: list[int] = network.length_mm.tolist()
    places: list[tuple[int, int]] = []
    walked: list[float] = []
    while at_mm < ends_mm[-1]:
        index = int(np.searchsorted(ends_mm, at_mm, side="right"))
        edge, rest_mm = route[index], float(ends_mm[index]) - at_mm
        own = network.vertex_segment == edge // 2
        x_mm, y_mm, measure_mm = (column[own] for column in network.vertices)
        along_mm = rest_mm if edge % 2 else lengths_mm[edge // 2] - rest_mm
        angle, off_mm = random.uniform(0, 2 * pi), random.uniform(0, 1_900 * accuracy_m)
        x = float(np.interp(along_mm, measure_mm, x_mm)) + off_mm * cos(angle)
        y = float(np.interp(along_mm, measure_mm, y_mm)) + off_mm * sin(angle)
        places.append((round(x * 2**24 / x_factor), round(y * 2**24 / y_factor)))
        walked.append(at_mm)
        at_mm += 0 if random.random() < 0.1 else speed_mps * step_s * 1_000
    lon_e7, lat_e7 = (np.array([one[axis] + network.origin_e7[axis] for one in places], np.int32) for axis in (0, 1))
    t_us = np.arange(len(places), dtype=np.int64) * step_s * SECOND_US
    return Fixes(t_us, lon_e7, lat_e7, np.full(len(places), accuracy_m * 1_000, np.int32)), walked


def undriven_mm(spans: Iterable[tuple[float, float]], from_mm: int, to_mm: int) -> float:
    """Measure what of a span none of the others covers."""
    cuts = sorted({from_mm, to_mm, *(min(max(cut, from_mm), to_mm) for span in spans for cut in span)})
    return sum(end - begin for begin, end in pairwise(cuts) if not any(a <= begin and end <= b for a, b in spans))


@pytest.mark.parametrize("seed", range(60))
def test_certain_rows_when_the_drive_is_known(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a drawn town keeps no secrets
    network = town(random)
    route = drive(random, network)
    said, walked = seen(random, network, route)
    found = traverse(network, said, MAX_GAP_US)
    spans: dict[int, list[tuple[float, float]]] = {}
    begin_mm = 0
    for edge in route:
        length_mm = int(network.edges[1][edge])
        near, far = (min(max(at - begin_mm, 0), length_mm) for at in (walked[0], walked[-1]))
        spans.setdefault(edge // 2, []).append((length_mm - far, length_mm - near) if edge % 2 else (near, far))
        begin_mm += length_mm
    for row in np.flatnonzero(found.is_certain):
        driven = spans.get(int(found.segment[row]), [])
        # A hand's breadth for the rounding of places.
        assert undriven_mm(driven, int(found.from_mm[row]), int(found.to_mm[row])) <= 100
    again = traverse(network, said, MAX_GAP_US)
    assert all(
        getattr(found, name).tobytes() == getattr(again, name).tobytes() for name in ("fix", "from_mm", "is_certain")
    )
