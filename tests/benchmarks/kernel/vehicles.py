"""Contests over vehicles: what matched rows cover, and who was in a zone for how long."""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from kernels import coverage, dwell, geofence, matching
from tests.benchmarks.kernel.contest import Bar, Contest, Setup, keep, peer, timed
from tests.benchmarks.kernel.field import FIRST_US, SECOND_US, SEED, city

_FIXES, _STEP_MM, _BLOCK_MM, _STREETS = 5_000_000, 40_000, 100_000, 20_000
_ACCURACY_MM, _REACH_MM = 5_000, 50_000
_ZONE_CORNERS, _ZONE_RADIUS_MM = 60, 400_000
_STEP_US = 10 * SECOND_US


class Rows:
    """Rows as matching gives them: streets of a hundred metres, a fix each forty metres.

    Parameters
    ----------
    fixes : int
    """

    def __init__(self, fixes: int) -> None:
        random = np.random.default_rng(SEED)
        walked_mm = (fixes - 1) * _STEP_MM
        cuts_mm = np.union1d(np.arange(fixes) * _STEP_MM, np.arange(0, walked_mm, _BLOCK_MM))
        begin_mm, end_mm = cuts_mm[:-1], cuts_mm[1:]
        place = begin_mm // _BLOCK_MM
        street = random.integers(0, _STREETS, int(place[-1]) + 1)[place]
        is_back = random.integers(0, 2, int(place[-1]) + 1)[place] == 1
        near_mm, far_mm = begin_mm - place * _BLOCK_MM, end_mm - place * _BLOCK_MM
        self.count = fixes
        self.fix = (begin_mm // _STEP_MM).astype(np.int32)
        self.street = street.astype(np.int32)
        self.direction = np.where(is_back, -1, 1).astype(np.int8)
        self.ends_mm = (
            np.where(is_back, _BLOCK_MM - far_mm, near_mm).astype(np.int32),
            np.where(is_back, _BLOCK_MM - near_mm, far_mm).astype(np.int32),
        )
        # The broom is up now and then, the signal unsaid now and then.
        working = random.random(fixes) < 0.95
        self.proven = working[self.fix].astype(np.uint8)
        self.possible = (working | (random.random(fixes) < 0.5))[self.fix].astype(np.uint8)
        self.error_mm = np.full(fixes, _ACCURACY_MM, np.int64)
        self.length_mm = np.full(_STREETS, _BLOCK_MM, np.int64)

    def covered(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Measure what is proven and what is possible of each street."""
        row, from_mm, until_mm = coverage.pieces(
            self.fix, self.street, self.direction, self.ends_mm, self.proven, self.error_mm
        )
        is_in = self.possible == 1
        possible_mm = (self.ends_mm[0][is_in], self.ends_mm[1][is_in])
        return (
            coverage.covered(self.street[row], (from_mm, until_mm), _STREETS),
            coverage.covered(self.street[is_in], possible_mm, _STREETS),
        )


@contextmanager
def nearest(setup: Setup) -> Generator[Contest]:
    """Find the nearest street of each fix: the same one as shapely's tree, the lowest index where two are as near."""
    network, random = city(_STREETS), np.random.default_rng(SEED)
    count, some = setup.of(_FIXES, 1_000), setup.of(_FIXES // 20, 500)
    west, east, south, north = (int(bound) for axis in network.vertices[:2] for bound in (axis.min(), axis.max()))
    x_mm, y_mm = random.integers(west, east, count), random.integers(south, north, count)
    grid = matching.nearest_grid(network.vertices, network.vertex_segment, 50_000, _REACH_MM)
    ends_mm = np.stack(network.vertices[:2], axis=1).reshape(-1, 2, 2)
    keep(setup.folder, ends_mm=ends_mm, places_mm=np.stack([x_mm[:some], y_mm[:some]], axis=1))
    keep(setup.folder, radius_mm=np.array(_REACH_MM))
    with peer(setup, "nearest") as others:
        runners = {
            "poniente, 1 thread": timed(lambda: matching.nearest(grid, x_mm, y_mm)),
            "shapely STRtree": others.runner("shapely STRtree"),
        }
        _ = others.ask("shapely STRtree")
        place, theirs, _ = np.load(setup.folder / "found shapely STRtree.npy").astype(np.int64)
        # Of several as near, shapely names all; the lowest is ours.
        expected = np.full(some, ends_mm.shape[0])
        np.minimum.at(expected, place, theirs)
        expected[expected == ends_mm.shape[0]] = -1
        differ = int(np.count_nonzero(expected != matching.nearest(grid, x_mm[:some], y_mm[:some])[0]))
        amounts = {"poniente, 1 thread": count, "shapely STRtree": some}
        bars = [Bar("poniente, 1 thread", "shapely STRtree", 40.0)]
        told = [f"Of {some:,} places {differ:,} have another street here than there."]
        yield Contest("Nearest street", "places", amounts, runners, bars, told)


@contextmanager
def streets(setup: Setup) -> Generator[Contest]:
    """Measure proven and possible metres of each street, after matching."""
    rows = Rows(setup.of(_FIXES, 1_000))
    runners = {"poniente, 1 thread": timed(rows.covered)}
    amounts = dict.fromkeys(runners, rows.count)
    bars = [Bar("poniente, 1 thread", "", 5_000_000, is_by_core=True)]
    told = [f"{rows.fix.size:,} rows; errors of the fixes taken off what is proven and added to what is possible."]
    yield Contest("Coverage after matching", "fixes", amounts, runners, bars, told)


@contextmanager
def fence(setup: Setup) -> Generator[Contest]:
    """Find the time a vehicle was in a zone: sure and possible here, one number there."""
    random = np.random.default_rng(SEED)
    count = setup.of(_FIXES, 1_000)
    # A walk that goes in and out, kept near the zone.
    x_mm, y_mm = (np.cumsum(random.integers(-60_000, 60_001, count)) % 1_600_000 - 800_000 for _ in range(2))
    angle = np.linspace(0, 2 * np.pi, _ZONE_CORNERS, endpoint=False)
    radius = _ZONE_RADIUS_MM * (1 + 0.2 * np.sin(5 * angle))
    ring_mm = np.rint(np.stack([radius * np.cos(angle), radius * np.sin(angle)])).astype(np.int64)
    zone = geofence.area(ring_mm[0].copy(), ring_mm[1].copy(), np.zeros(_ZONE_CORNERS, np.int64))
    t_us = FIRST_US + np.arange(count, dtype=np.int64) * _STEP_US
    reach_mm, nothing = np.full(count, _ACCURACY_MM, np.int64), np.zeros(count, np.int64)
    span = (int(t_us[0]), int(t_us[-1]) + 1)
    keep(setup.folder, t_us=t_us, places_mm=np.stack([x_mm, y_mm]), ring_mm=ring_mm)

    def stayed() -> object:
        return dwell.visits(t_us, geofence.sides(zone, x_mm, y_mm, reach_mm), 6 * _STEP_US, *span)

    with peer(setup, "fence") as others:
        runners = {
            "poniente, sides and visits": timed(stayed),
            "poniente, sides alone": timed(lambda: geofence.sides(zone, x_mm, y_mm, reach_mm)),
            "shapely and pandas": others.runner("shapely and pandas"),
        }
        _ = others.ask("shapely and pandas")
        theirs = np.load(setup.folder / "found shapely and pandas.npy")
        ours = geofence.sides(zone, x_mm, y_mm, nothing) == 1
        # On the edge itself the two may differ; nothing else may.
        if abs(int(ours.sum()) - int(theirs[0])) > count // 10_000:
            raise AssertionError(f"{int(ours.sum())} places inside here, {int(theirs[0])} there")
        amounts = dict.fromkeys(runners, count)
        yield Contest("Dwell in a zone", "fixes", amounts, runners)
