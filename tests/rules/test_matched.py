"""Paths for people: what is driven is told once, what was not seen is marked, and threads change nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.matched import Matched, Rows, match
from rules.paths import Fixes, some_of
from rules.places import Street, network_of
from tests.rules.test_traversals import CROSS, LINE, MAX_GAP_US, SECOND_US, along, drive, fixes, seen, street, town

NAMES = [column.name for column in fields(Rows)]
RIGHT_CDEG, LEFT_CDEG = 9_000, 27_000


def said(one: Fixes, speed_mmps: int, course_cdeg: int) -> Fixes:
    columns = (np.full(one.t_us.size, number, np.int32) for number in (speed_mmps, course_cdeg))
    return replace(one, **dict(zip(("speed_mmps", "course_cdeg"), columns, strict=True)))


def digest(found: Matched) -> bytes:
    parts = [getattr(one, name) for one in (found, found.path) for name in NAMES]
    return b"".join(part.tobytes() for part in (*parts, found.confidence_ppm, found.fix_segment))


@pytest.mark.parametrize("count", [0, 1])
def test_path_when_fixes_are_few(count: int) -> None:
    found = match(network_of([LINE]), fixes(*along(0)[:count]), MAX_GAP_US)
    assert (0, [0] * count) == (found.fix.size, found.fix_segment.tolist())


def test_path_when_network_is_empty() -> None:
    assert [-1] * 6 == match(network_of([]), fixes(*along(100)), MAX_GAP_US).fix_segment.tolist()


def test_fixes_have_their_segments_when_driven_straight_on() -> None:
    found = match(network_of(CROSS), fixes(*along(380)), MAX_GAP_US)
    assert ({0}, {1}) == (set(found.fix_segment[:10].tolist()), set(found.fix_segment[11:].tolist()))
    assert found.is_proven.any()
    assert (found.confidence_ppm[found.is_proven] >= 500_000).all()


def test_stretch_is_interpolated_when_no_fix_lies_on_it() -> None:
    network = network_of([LINE, street("b", (200, 0), (215, 0)), street("c", (215, 0), (500, 0))])
    found = match(network, fixes(*[(x, 0.0) for x in range(20, 480, 100)], step_s=10), MAX_GAP_US)
    assert {0, 1, 2} == set(found.segment.tolist())
    assert not found.is_proven[found.segment == 1].any()


def test_way_goes_on_unproven_when_the_gap_is_too_long() -> None:
    found = match(network_of(CROSS), fixes((20, 0), (60, 0), (300, 0), (340, 0), step_s=20), 10 * SECOND_US)
    assert {0, 1} == set(found.segment.tolist())
    assert not found.is_proven.any()


def test_fix_is_passed_over_when_it_lies_off_all_streets() -> None:
    off = fixes((20, 0), (60, 0), (60, 900), (100, 0), (140, 0), step_s=20)
    found = match(network_of([LINE]), off, MAX_GAP_US)
    assert [0, 0, -1, 0, 0] == found.fix_segment.tolist()
    assert [0, 1, 3] == sorted(set(found.fix.tolist()))
    assert not found.is_proven[found.fix == 1].any()


def test_fix_is_passed_over_when_it_is_an_outlier_on_another_street() -> None:
    network = network_of([*CROSS, street("far", (200, 200), (0, 200)), street("up", (0, 200), (0, 0))])
    places = [*along(80), (100, 200), *[(x, 0.0) for x in range(120, 201, 20)]]
    found = match(network, fixes(*places), MAX_GAP_US)
    assert -1 == found.fix_segment[5]
    assert {0} == set(found.segment[found.to_mm > found.from_mm].tolist())


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_no_more_than_three_fixes_in_a_row_are_outliers_when_they_jump_to_and_fro(count: int) -> None:
    north = [street("far", (400, 200), (0, 200)), street("up", (0, 200), (0, 0))]
    south = [street("low", (400, -200), (0, -200)), street("down", (0, -200), (0, 0))]
    jumps = [(100.0 + place, 200.0 * (-1) ** place) for place in range(count)]
    places = [*along(80), *jumps, *[(x, 0.0) for x in range(120, 201, 20)]]
    found = match(network_of([*CROSS, *north, *south]), fixes(*places), MAX_GAP_US)
    assert (count <= 3) == ({0} == set(found.segment[found.to_mm > found.from_mm].tolist()))
    assert [-1] * min(count, 3) == found.fix_segment[5 : 5 + min(count, 3)].tolist()


def test_course_decides_when_the_direction_is_in_doubt() -> None:
    one = fixes((100, 0), (100, 0), (100, 0))
    network = network_of([LINE])
    assert {1} == set(match(network, said(one, 5_000, RIGHT_CDEG), MAX_GAP_US).direction.tolist())
    assert {-1} == set(match(network, said(one, 5_000, LEFT_CDEG), MAX_GAP_US).direction.tolist())


def test_course_says_nothing_when_the_vehicle_stands() -> None:
    one = fixes(*along(200))
    assert {1} == set(match(network_of([LINE]), said(one, 100, LEFT_CDEG), MAX_GAP_US).direction.tolist())
    assert {1} == set(match(network_of([LINE]), said(one, -1, -1), MAX_GAP_US).direction.tolist())


def test_carriageway_is_kept_when_noise_comes_nearer_to_the_other() -> None:
    there = street("there", (0, 0), (400, 0), is_oneway=True)
    back = street("back", (400, 12), (0, 12), is_oneway=True)
    ends = [street("in", (-100, 6), (0, 0)), street("out", (400, 0), (500, 6))]
    noisy = [(-50.0, 3.0), *[(float(x), 7.0 if x % 80 else 2.0) for x in range(0, 401, 20)], (450.0, 3.0)]
    found = match(network_of([there, back, *ends]), fixes(*noisy), MAX_GAP_US)
    assert {0, 2, 3} == set(found.segment.tolist())


def test_path_across_the_antimeridian() -> None:
    half, metre = 1_800_000_000, 90
    network = network_of([Street("a", ((half - 100 * metre, 0), (-half + 100 * metre, 0)))])
    x_e7 = np.array([half - 60 * metre, half - 20 * metre, -half + 20 * metre, -half + 60 * metre], np.int64)
    one = fixes((0, 0), (0, 0), (0, 0), (0, 0))
    found = match(network, replace(one, lon_e7=x_e7.astype(np.int32)), MAX_GAP_US)
    assert ({0}, {1}) == (set(found.segment.tolist()), set(found.direction.tolist()))


coordinate = st.integers(-3_000, 40_000)
spot = st.tuples(st.integers(0, 3).map(lambda x: 40 * 90 * x), st.integers(0, 3).map(lambda y: 40 * 90 * y))


@given(
    st.lists(st.tuples(st.lists(spot, min_size=2, max_size=3), st.booleans()), min_size=1, max_size=6),
    st.lists(st.tuples(coordinate, coordinate, st.integers(1, 90), st.integers(0, 60)), max_size=8),
)
@settings(deadline=None)
def test_rows_are_whole_when_streets_and_fixes_are_any(
    lines: list[tuple[list[tuple[int, int]], bool]], places: list[tuple[int, int, int, int]]
) -> None:
    network = network_of([Street(f"s{k}", tuple(line), is_oneway=one) for k, (line, one) in enumerate(lines)])
    t_us = np.cumsum([gap for _, _, gap, _ in places]).astype(np.int64) * SECOND_US
    lon_e7, lat_e7 = (np.array([one[axis] for one in places], np.int32) for axis in (0, 1))
    accuracy_mm = np.array([1_000 * one[3] for one in places], np.int32)
    found = match(network, Fixes(t_us, lon_e7, lat_e7, accuracy_mm), 30 * SECOND_US)
    assert (found.from_mm <= found.to_mm).all()
    assert (found.enter_us <= found.leave_us).all()
    assert (found.enter_us[1:] >= found.leave_us[:-1]).all()
    assert (found.from_mm >= 0).all()
    assert (found.to_mm <= network.length_mm[found.segment]).all()
    assert (network.is_oneway[found.segment[found.direction < 0]] == 0).all()
    gap_us = np.diff(t_us)[found.fix]
    assert not found.is_proven[gap_us > 30 * SECOND_US].any()


def test_paths_when_threads_are_one_or_two() -> None:
    random = Random(5)  # noqa: S311  # a drawn town keeps no secrets
    network = town(random)
    vehicles = [seen(random, network, drive(random, network))[0] for _ in range(12)]

    def matched(one: Fixes) -> bytes:
        return digest(match(network, one, MAX_GAP_US))

    alone = [matched(one) for one in vehicles]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(matched, vehicles))
    assert alone == together
    assert alone == [matched(one) for one in vehicles]


def proven_mm(rows: Rows) -> dict[tuple[int, int, int], int]:
    found: dict[tuple[int, int, int], int] = {}
    columns = [getattr(rows, name)[rows.is_proven].tolist() for name in NAMES]
    for fix, segment, low, high, direction, *_ in zip(*columns, strict=True):
        found[fix, segment, direction] = found.get((fix, segment, direction), 0) + high - low
    return {place: mm for place, mm in found.items() if mm}


THREE_WAYS = [
    LINE,
    *(street(f"{y}", (200, 0), (300, y), (400, 0)) for y in (-60, 58, 62)),
    street("z", (400, 0), (600, 0)),
]


def test_path_has_a_hole_when_several_ways_are_as_likely() -> None:
    found = match(network_of(THREE_WAYS), fixes((100, 0), (500, 0), step_s=60), MAX_GAP_US)
    # The likeliest way goes over one of the three, and may be followed; in the path none is.
    assert 3 == len(set(found.segment.tolist()))
    assert {0, 4} == set(found.path.segment.tolist())
    assert found.path.is_proven.any()
    end, begin = found.path.segment.tolist().index(4) - 1, found.path.segment.tolist().index(4)
    assert found.path.leave_us[end] < found.path.enter_us[begin]


def test_path_goes_on_when_one_way_is_likelier() -> None:
    network = network_of([LINE, street("b", (200, 0), (400, 0)), street("c", (200, 0), (300, 150), (400, 0))])
    found = match(network, fixes((100, 0), (300, 0), step_s=60), MAX_GAP_US)
    assert [0, 1] == np.unique(found.path.segment).tolist()
    assert (found.path.leave_us[:-1] == found.path.enter_us[1:]).all()


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5])
def test_path_holds_what_is_proven_when_fixes_are_far(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a drawn town keeps no secrets
    network = town(random)
    one, _ = seen(random, network, drive(random, network))
    apart = -(-25 * SECOND_US // int(np.diff(one.t_us).min()))
    found = match(network, some_of(one, np.arange(0, one.t_us.size, apart)), MAX_GAP_US)
    assert found.path.fix is not found.fix
    assert proven_mm(found) == proven_mm(found.path)
    assert (found.path.enter_us <= found.path.leave_us).all()
    assert (found.path.leave_us[:-1] <= found.path.enter_us[1:]).all()
