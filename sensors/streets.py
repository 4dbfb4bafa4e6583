"""Streets as ways between junctions, on a plane of metres, and the shortest way through them.

It believes that streets which meet share a point to the last digit, and that they lie within one district, where a
plane is true to centimetres.
"""

import heapq
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY_SQUARED = 0.0066943799901413165


@dataclass(frozen=True, slots=True)
class Street:
    """A street segment between two junctions.

    Parameters
    ----------
    segment_id : str
    zone : str or None
        None for a way between zones.
    oneway : bool
        Along the line only.
    points : tuple of (int, int)
        Longitude and latitude. [1e-7 degree]
    """

    segment_id: str
    zone: str | None
    oneway: bool
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Plane:
    """Metres to the east and north of an origin, by the radii of curvature there."""

    longitude_e7: int
    latitude_e7: int
    east_m: float
    north_m: float

    @classmethod
    def at(cls, longitude_e7: int, latitude_e7: int) -> "Plane":
        """Make the plane around an origin in 1e-7 degrees."""
        latitude = math.radians(latitude_e7 / 1e7)
        shrunk = 1 - _ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
        across_m = _SEMI_MAJOR_M / math.sqrt(shrunk)
        along_m = across_m * (1 - _ECCENTRICITY_SQUARED) / shrunk
        unit = math.radians(1e-7)
        return cls(longitude_e7, latitude_e7, across_m * math.cos(latitude) * unit, along_m * unit)

    def metres(self, point: tuple[int, int]) -> tuple[float, float]:
        """Lay a point of 1e-7 degrees on the plane."""
        return (point[0] - self.longitude_e7) * self.east_m, (point[1] - self.latitude_e7) * self.north_m

    def degrees(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Longitude and latitude in degrees, to seven decimals."""
        return (
            round(self.longitude_e7 + x_m / self.east_m) / 1e7,
            round(self.latitude_e7 + y_m / self.north_m) / 1e7,
        )


@dataclass(frozen=True, slots=True)
class Way:
    """A street in one direction; a standing place is a way without length."""

    segment_id: str
    zone: str | None
    is_forward: bool
    tail: tuple[int, int]
    head: tuple[int, int]
    line_m: tuple[tuple[float, float], ...]
    distances_m: tuple[float, ...]

    @property
    def length_m(self) -> float:
        """Length from tail to head."""
        return self.distances_m[-1]

    def place(self, distance_m: float) -> tuple[float, float, float]:
        """East, north, and course in degrees at a distance from the tail."""
        k = min(max(bisect_right(self.distances_m, distance_m), 1), len(self.line_m) - 1)
        if k == 0:
            return *self.line_m[0], 0.0
        (x0, y0), (x1, y1) = self.line_m[k - 1], self.line_m[k]
        done_m, step_m = self.distances_m[k - 1], self.distances_m[k] - self.distances_m[k - 1]
        share = (distance_m - done_m) / step_m
        course = math.degrees(math.atan2(x1 - x0, y1 - y0)) % 360
        return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, course


@dataclass(frozen=True, slots=True)
class Town:
    """Streets as ways between junctions, and where the depot is."""

    plane: Plane
    ways_from: dict[tuple[int, int], list[Way]]
    zones: tuple[str, ...]
    depot: tuple[int, int]

    def ways_in(self, zone: str) -> list[Way]:
        """All ways of a zone."""
        return [way for ways in self.ways_from.values() for way in ways if way.zone == zone]

    def route(self, start: tuple[int, int], goals: set[tuple[int, int]]) -> list[Way]:
        """Shortest way to the nearest of some junctions, where one-way streets allow it."""
        came: dict[tuple[int, int], Way | None] = {}
        # The number keeps junctions at the same distance in the order in which they were found.
        waiting: list[tuple[float, int, tuple[int, int], Way | None]] = [(0.0, 0, start, None)]
        number = 0
        while waiting:
            done_m, _, node, by = heapq.heappop(waiting)
            if node in came:
                continue
            came[node] = by
            if node in goals:
                return _back(came, node)
            for way in self.ways_from[node]:
                number += 1
                heapq.heappush(waiting, (done_m + way.length_m, number, way.head, way))
        raise ValueError(f"no way leads from {start} to any of {len(goals)} junctions; check one-way streets")


def _back(came: dict[tuple[int, int], Way | None], node: tuple[int, int]) -> list[Way]:
    ways: list[Way] = []
    while (by := came[node]) is not None:
        ways.append(by)
        node = by.tail
    return ways[::-1]


def town_of(streets: Sequence[Street]) -> Town:
    """Join streets at their ends; the dead end farthest from the zones is the depot."""
    plane = Plane.at(*streets[0].points[0])
    ends = [end for street in streets for end in (street.points[0], street.points[-1])]
    ways_from: dict[tuple[int, int], list[Way]] = {end: [] for end in ends}
    for street in streets:
        for is_forward in (True,) if street.oneway else (True, False):
            way = _way(plane, street, is_forward=is_forward)
            ways_from[way.tail].append(way)
    served = [plane.metres(point) for street in streets if street.zone is not None for point in street.points]
    dead_ends = {end for street in streets if street.zone is None for end in street.points if ends.count(end) == 1}
    depot = max(
        sorted(dead_ends), key=lambda end: min(math.dist(plane.metres(end), one) for one in served), default=ends[0]
    )
    return Town(plane, ways_from, tuple(sorted({one.zone for one in streets if one.zone is not None})), depot)


def _way(plane: Plane, street: Street, *, is_forward: bool) -> Way:
    points = street.points if is_forward else street.points[::-1]
    line_m = tuple(plane.metres(point) for point in points)
    distances_m = [0.0]
    for left, right in pairwise(line_m):
        distances_m.append(distances_m[-1] + math.dist(left, right))
    return Way(street.segment_id, street.zone, is_forward, points[0], points[-1], line_m, tuple(distances_m))
