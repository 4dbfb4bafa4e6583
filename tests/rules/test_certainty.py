"""What is certain of a path, against every vehicle that fits the fixes, one by one, in small towns."""

from math import dist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import matching
from rules.certainty import Judged, judge
from rules.places import Network, Street, network_of
from rules.traversals import Fixes, Traversals, traversals_of, traverse
from tests import certainty_oracle as by_columns
from tests import matching_oracle as oracle

METRE_E7 = 90
"""Near the equator, nearly the same to the east as to the north."""

SECOND_US = 1_000_000
MAX_GAP_US = 60 * SECOND_US
ROUNDED_MM = 100
"""More than roundings of places and lengths add up to."""


GRID = [((x, y), other) for x in range(3) for y in range(3) for other in ((x + 1, y), (x, y + 1)) if max(other) < 3]


@st.composite
def towns(draw: st.DrawFn) -> list[Street]:
    """Draw a grid of streets of which some are missing, one-way or bent, and a few more across."""
    block_m = draw(st.sampled_from([30, 50, 80]))
    crooked = draw(st.lists(st.integers(-8, 8), min_size=18, max_size=18))

    def place_m(one: tuple[int, int]) -> tuple[int, int]:
        index = 2 * (3 * one[0] + one[1])
        return block_m * one[0] + crooked[index], block_m * one[1] + crooked[index + 1]

    node = st.tuples(st.integers(0, 2), st.integers(0, 2))
    # A street that comes back to a fix is taken where it is nearest: no hairpins here.
    bend = st.integers(-4, 4)
    across = st.tuples(node, node).filter(lambda ends: ends[0] != ends[1])
    drawn = draw(st.lists(st.sampled_from(GRID), min_size=5, max_size=12, unique=True))
    streets: list[Street] = []
    for ends in [*drawn, *draw(st.lists(across, max_size=2))]:
        line_m = [place_m(one) for one in (ends if draw(st.booleans()) else ends[::-1])]
        if draw(st.integers(0, 3)) == 0:
            middle = [(one + other) // 2 for one, other in zip(*line_m, strict=True)]
            line_m.insert(1, (middle[0] + draw(bend), middle[1] + draw(bend)))
        line_e7 = tuple((METRE_E7 * x, METRE_E7 * y) for x, y in line_m)
        streets.append(Street(f"s{len(streets)}", line_e7, is_oneway=draw(st.integers(0, 3)) == 0))
    return streets


@st.composite
def drives(draw: st.DrawFn, network: Network) -> Fixes:
    """Draw fixes around a drive at random, or anywhere."""
    start, leaving = (column.tolist() for column in network.adjacency)
    heads, lengths = (column.tolist() for column in network.edges)
    count, step_s = draw(st.integers(2, 5)), draw(st.sampled_from([3, 8, 15]))
    step_mm = draw(st.integers(0, 12)) * 1_000 * step_s
    edge, at_mm = draw(st.sampled_from(leaving)), draw(st.integers(0, 100_000))
    accuracy_m = draw(st.sampled_from([4, 8]))
    off = st.integers(-2 * accuracy_m, 2 * accuracy_m)
    places: list[tuple[float, float]] = []
    for _ in range(count):
        while at_mm > lengths[edge]:
            onward = leaving[start[heads[edge]] : start[heads[edge] + 1]]
            if not onward:
                at_mm = lengths[edge]
                break
            at_mm, edge = at_mm - lengths[edge], draw(st.sampled_from(onward))
        x_mm, y_mm = place_of(network, edge // 2, lengths[edge] - at_mm if edge % 2 else at_mm)
        places.append((x_mm / 1_000 + draw(off), y_mm / 1_000 + draw(off)))
        at_mm += step_mm
    origin = network.origin_e7
    return Fixes(
        t_us=np.arange(count, dtype=np.int64) * step_s * SECOND_US,
        lon_e7=np.array([origin[0] + round(x * METRE_E7) for x, _ in places], np.int32),
        lat_e7=np.array([origin[1] + round(y * METRE_E7) for _, y in places], np.int32),
        accuracy_mm=np.full(count, 1_000 * accuracy_m, np.int32),
    )


def place_of(network: Network, street: int, along_mm: int) -> tuple[float, float]:
    """Find the place that lies so far along a street."""
    own = network.vertex_segment == street
    x_mm, y_mm, measure_mm = (column[own] for column in network.vertices)
    return float(np.interp(along_mm, measure_mm, x_mm)), float(np.interp(along_mm, measure_mm, y_mm))


def places_near(network: Network, judged: Judged, fix: int, step_mm: int) -> list[oracle.Heading]:
    """List places on streets, each so many millimetres, that lie within a fix's error, in both directions."""
    _, x_mm, y_mm, _, near_mm = judged.path.fixes
    found: list[oracle.Heading] = []
    for street, length_mm in enumerate(network.length_mm.tolist()):
        for along_mm in range(0, length_mm + 1, step_mm):
            away_mm = dist(place_of(network, street, along_mm), (int(x_mm[fix]), int(y_mm[fix])))
            if away_mm <= near_mm[fix] - ROUNDED_MM:
                found += [(street, along_mm, 1), (street, along_mm, -1)][: 2 - int(network.is_oneway[street])]
    return found


def cut_at(network: Network, street: int, along_mm: int) -> oracle.Cut:
    """Cut a street of a network at a place."""
    heads = network.edges[0].tolist()
    return oracle.Cut(
        ends=[(heads[2 * one + 1], heads[2 * one]) for one in range(len(network.segment_ids))],
        lengths=network.length_mm.tolist(),
        is_oneway=[bool(one) for one in network.is_oneway],
        cut=(street, along_mm),
        round_mm=matching.TURN_MM,
    )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_vehicle_avoids_what_is_certain_when_all_are_tried(data: st.DataObject) -> None:
    network = network_of(data.draw(towns()))
    fixes = data.draw(drives(network))
    judged = judge(network, fixes, MAX_GAP_US)
    if not judged.is_certain.any():
        return
    plausible_mm = links_of(judged, fixes)
    near_mm = judged.path.fixes[4]
    places = [places_near(network, judged, fix, 5_000) for fix in range(fixes.t_us.size)]
    for row in np.flatnonzero(judged.is_certain & (judged.end_mm > judged.begin_mm)):
        first = last = int(judged.fix[row])
        while first > 0 and plausible_mm[first - 1] >= 0:
            first -= 1
        while plausible_mm[last + 1] >= 0:
            last += 1
        limits = [
            int(plausible_mm[fix] - near_mm[fix] - near_mm[fix + 1]) - ROUNDED_MM for fix in range(first, last + 1)
        ]
        street, is_against = divmod(int(judged.edge[row]), 2)
        for along_mm in {int(judged.begin_mm[row]) + 1, int(judged.end_mm[row]) - 1}:
            cut = cut_at(network, street, int(network.length_mm[street]) - along_mm if is_against else along_mm)
            assert not oracle.is_avoidable(cut, places[first : last + 2], limits)


def links_of(judged: Judged, fixes: Fixes) -> list[int]:
    """Say how long the way from each fix to the next may be, -1 where nothing is certain."""
    return by_columns.links(judged.path, fixes.accuracy_mm, MAX_GAP_US).tolist()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_judge_is_the_oracles_when_fixes_are_any(data: st.DataObject) -> None:
    network = network_of(data.draw(towns()))
    fixes = data.draw(drives(network))
    expected, judged = by_columns.judge(network, fixes, MAX_GAP_US), judge(network, fixes, MAX_GAP_US)
    for name in ("following", "start", "fix", "edge", "begin_mm", "end_mm", "is_certain"):
        assert getattr(expected, name).tolist() == getattr(judged, name).tolist(), name
    whole, kept = by_columns.traversals_of(network, expected, fixes.t_us)
    rows, found = traversals_of(network, judged, fixes.t_us)
    assert kept.tolist() == found.tolist()
    for name in Traversals.__slots__:
        assert getattr(whole, name).tolist() == getattr(rows, name).tolist(), name


def street(name: str, *line_m: tuple[int, int], is_oneway: bool = False) -> Street:
    return Street(name, tuple((METRE_E7 * x, METRE_E7 * y) for x, y in line_m), is_oneway=is_oneway)


@pytest.mark.parametrize(("is_oneway", "first_m"), [(False, 9), (True, 0)])
def test_street_is_certain_from_the_fixs_error_on_when_it_may_have_been_come_to_from_its_other_end(
    *, is_oneway: bool, first_m: int
) -> None:
    # North, west, and south again past the second fix; or west at once, north, and round in the street.
    streets = [
        street("north", (30, 30), (30, 60), is_oneway=True),
        street("west", (30, 60), (0, 60), is_oneway=True),
        street("at once", (30, 30), (0, 30), is_oneway=True),
        street("south", (0, 60), (0, 30), is_oneway=is_oneway),
        street("on", (0, 30), (0, 0), is_oneway=True),
    ]
    network, places_m = network_of(streets), [(30, 30), (0, 59), (0, 0)]
    fixes = Fixes(
        t_us=np.arange(3, dtype=np.int64) * 15 * SECOND_US,
        lon_e7=np.array([METRE_E7 * x for x, _ in places_m], np.int32),
        lat_e7=np.array([METRE_E7 * y for _, y in places_m], np.int32),
        accuracy_mm=np.full(3, 4_000, np.int32),
    )
    found = traverse(network, fixes, MAX_GAP_US)
    south = found.is_certain & (found.segment == 3)  # the fourth
    assert pytest.approx(1_000 * first_m, abs=300) == found.from_mm[south].min()
    assert pytest.approx(30_000, abs=300) == found.to_mm[south].max()
