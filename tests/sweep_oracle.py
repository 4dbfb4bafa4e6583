"""The obvious version of a sweep: pair by pair, and every street of the network looked at for each doubt.

Slow, in plain Python; of the product it takes the rows that were matched, which fixes are witnesses, and what lies on
ways between two fixes, which have obvious versions of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kernels import matching, reach
from rules.fixes import IDLE, WORKING, Gap, Track
from rules.places import Network, to_local
from rules.sweeps import VISIT_US, Work
from rules.traversals import Traversals
from sensors.readings import NOT_SAID
from tests.matching_oracle import nearest
from tests.vehicle_oracle import pieces, stays

SECOND_US = 1_000_000
LOOKED = 12
"""Rows of a way that are looked at to either side of a piece."""
Piece = tuple[int, int, int, int, int]
"""Segment, from, until, enter, leave."""
Hides = tuple[tuple[int, int], int, list[int]]
"""Span, how much at most, and where."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a vehicle said, which fixes were matched, and the rows between them."""

    network: Network
    track: Track
    chosen: Sequence[int]
    rows: Traversals
    work: Work

    def line(self, segment: int) -> list[tuple[int, int]]:
        """Vertices of a segment."""
        x_mm, y_mm, _ = self.network.vertices
        vertices = np.flatnonzero(self.network.vertex_segment == segment)
        return [(int(x_mm[one]), int(y_mm[one])) for one in vertices]

    def near(self, fix: int, reach_mm: int) -> dict[int, tuple[int, int]]:
        """How far from a fix each segment is that is within reach, and where along it."""
        fixes = self.track.fixes
        x_mm, y_mm = to_local(self.network, fixes.lon_e7[[fix]], fixes.lat_e7[[fix]])
        place = int(x_mm[0]), int(y_mm[0])
        found = {one: nearest(self.line(one), place) for one in range(len(self.network.segment_ids))}
        return {one: how for one, how in found.items() if how[0] <= reach_mm}

    def within(self, fix: int, segment: int, reach_mm: int) -> tuple[int, int]:
        """From where to where along its line a segment lies within reach of a fix."""
        fixes, asked = self.track.fixes, (np.array([0]), np.array([2 * segment]))
        x_mm, y_mm = to_local(self.network, fixes.lon_e7[[fix]], fixes.lat_e7[[fix]])
        places = (x_mm, y_mm, np.array([reach_mm]))
        low_mm, high_mm = matching.extents(self.network.vertices, self.network.vertex_segment, places, asked)
        return int(low_mm[0]), int(high_mm[0])

    def t_us(self, fix: int) -> int:
        """When a fix was."""
        return int(self.track.fixes.t_us[fix])

    def error_mm(self, fix: int) -> int:
        """How far off a fix may be."""
        return int(self.track.fixes.accuracy_mm[fix])

    def apart_mm(self, first: int, last: int) -> float:
        """How far two fixes are from each other."""
        fixes = self.track.fixes
        x_mm, y_mm = to_local(self.network, fixes.lon_e7[[first, last]], fixes.lat_e7[[first, last]])
        return float(np.hypot(float(x_mm[1] - x_mm[0]), float(y_mm[1] - y_mm[0])))

    def driven_mm(self, pair: int) -> int:
        """Length of the way between two witnesses."""
        of_pair = self.rows.fix == pair
        return int((self.rows.to_mm[of_pair] - self.rows.from_mm[of_pair]).sum())


def pairs(scene: Scene, gaps: Sequence[Gap]) -> tuple[list[bool], list[bool]]:
    """Whether the vehicle certainly, and possibly, worked between each two witnesses."""
    silent = {gap.before for gap in gaps if 0 <= gap.before == gap.after - 1}
    certain: list[bool] = []
    possible: list[bool] = []
    for pair, (first, last) in enumerate(zip(scene.chosen[:-1], scene.chosen[1:], strict=True)):
        if first in silent:
            certain.append(False)
            possible.append(False)
            continue
        every = range(first, last + 1)
        length_mm, error_mm = scene.driven_mm(pair), scene.error_mm(first) + scene.error_mm(last)
        dt_us = scene.t_us(last) - scene.t_us(first)
        low_mm, high_mm = (speed * dt_us for speed in (scene.work.slowest_mmps, scene.work.fastest_mmps))
        shortest_mm, furthest_mm = (length_mm - error_mm) * SECOND_US, (length_mm + error_mm) * SECOND_US
        speeds = [int(scene.track.speed_mmps[fix]) for fix in every]
        fits = [scene.work.slowest_mmps <= speed <= scene.work.fastest_mmps for speed in speeds]
        if NOT_SAID in speeds:
            surely, maybe = low_mm <= shortest_mm and furthest_mm <= high_mm, False
        else:
            surely, maybe = all(fits) and shortest_mm <= high_mm, any(fits)
        worked = [int(scene.track.working[fix]) for fix in every]
        # Another way may have been shorter, but none than the straight line.
        could = low_mm <= furthest_mm and scene.apart_mm(first, last) <= high_mm // SECOND_US + error_mm
        certain.append(all(one == WORKING for one in worked) and surely)
        possible.append(certain[-1] or (any(one != IDLE for one in worked) and (could or maybe)))
    return certain, possible


def worked(scene: Scene, at_work: Sequence[bool]) -> list[tuple[int, Piece]]:
    """What was surely swept: the certain rows of pairs at work, less the error at both ends of each run of them."""
    rows = scene.rows
    left = pieces(
        rows.fix.tolist(),
        rows.segment.tolist(),
        rows.direction.tolist(),
        list(zip(rows.from_mm.tolist(), rows.to_mm.tolist(), strict=True)),
        [int(at_work[int(pair)]) for pair in rows.fix],
        errors_mm(scene, at_work),
    )
    return [
        (row, (int(rows.segment[row]), low, high, int(rows.enter_us[row]), int(rows.leave_us[row])))
        for row, low, high in left
        if rows.is_certain[row]
    ]


def errors_mm(scene: Scene, at_work: Sequence[bool]) -> list[int]:
    """How far off the vehicle may be along its way where a run of work begins or ends: fix by fix."""
    found_mm = [2 * scene.error_mm(fix) for fix in scene.chosen]
    rows, known = scene.rows, {int(pair) for pair in scene.rows.fix if at_work[int(pair)]}
    for pair in known:
        of_pair = np.flatnonzero(rows.fix == pair)
        for fix, row, is_first in ((pair, of_pair[0], True), (pair + 1, of_pair[-1], False)):
            if pair + (-1 if is_first else 1) in known:
                continue
            way, segment = int(rows.direction[row]), int(rows.segment[row])
            # From where the row begins or ends to what of its street is within the error, and to the street's end.
            line_mm = int(rows.from_mm[row] if is_first == (way > 0) else rows.to_mm[row])
            towards = way if is_first else -way
            rest_mm = int(scene.network.length_mm[segment]) - line_mm if towards > 0 else line_mm
            low_mm, high_mm = scene.within(scene.chosen[fix], segment, found_mm[fix])
            off_mm = high_mm - line_mm if towards > 0 else line_mm - low_mm
            found_mm[fix] = max(found_mm[fix], rest_mm + 1) if not 0 < off_mm < rest_mm else off_mm
    return found_mm


def when(scene: Scene, row: int, piece: Piece) -> tuple[int, int]:
    """By when a piece's beginning was surely driven, and after when its end: by fixes that are far enough from it."""
    rows = scene.rows
    way = int(rows.direction[row])
    by_us, after_us = piece[4] + scene.work.max_gap_us, piece[3] - scene.work.max_gap_us

    def off_mm(fix: int) -> int:
        return 2 * max(2 * scene.error_mm(scene.chosen[fix]), 8_000)

    def is_one(one: int, other: int) -> bool:
        are_same = rows.segment[one] == rows.segment[other] and rows.direction[one] == rows.direction[other]
        return are_same and int(rows.fix[other]) - int(rows.fix[one]) <= 1

    first_mm, last_mm = sorted((way * piece[1], way * piece[2]))
    one, looked = row, 0
    while looked < LOOKED and (one == row or (one >= 0 and is_one(one, one + 1))):
        fix = int(rows.fix[one])
        if min(way * int(rows.from_mm[one]), way * int(rows.to_mm[one])) + off_mm(fix) <= last_mm:
            after_us = max(after_us, scene.t_us(scene.chosen[fix]))
        one, looked = one - 1, looked + 1
    one, looked = row, 0
    while looked < LOOKED and (one == row or (one < rows.fix.size and is_one(one - 1, one))):
        fix = int(rows.fix[one]) + 1
        if max(way * int(rows.from_mm[one]), way * int(rows.to_mm[one])) - off_mm(fix) >= first_mm:
            by_us = min(by_us, scene.t_us(scene.chosen[fix]))
        one, looked = one + 1, looked + 1
    return by_us, after_us


def maybe(scene: Scene, touching: Sequence[bool]) -> list[tuple[int, Piece]]:
    """What may have been swept: the way that was found, and all on others that are not too long; with its pair."""
    rows, found = scene.rows, list[tuple[int, Piece]]()
    for row in range(rows.fix.size):
        pair = int(rows.fix[row])
        if touching[pair] and rows.from_mm[row] < rows.to_mm[row]:
            enter_us, leave_us = int(rows.enter_us[row]), int(rows.leave_us[row])
            piece = int(rows.segment[row]), int(rows.from_mm[row]), int(rows.to_mm[row]), enter_us, leave_us
            found.append((pair, piece))
    start, parts, limits = [0], list[tuple[int, int, int]](), list[int]()
    for place, fix in enumerate(scene.chosen):
        near_mm = max(2 * scene.error_mm(fix), 8_000)
        for segment, (_, at_mm) in scene.near(fix, near_mm).items():
            length_mm = int(scene.network.length_mm[segment])
            parts.append((segment, max(at_mm - near_mm, 0), min(at_mm + near_mm, length_mm)))
        start.append(len(parts))
        if place + 1 < len(scene.chosen):
            dt_us = scene.t_us(scene.chosen[place + 1]) - scene.t_us(fix)
            most_mm = max(scene.work.fastest_mmps * dt_us // SECOND_US, scene.driven_mm(place))
            limits.append(most_mm if touching[place] else -1)
    columns = tuple(np.array([one[k] for one in parts], np.int64) for k in range(3))
    near = (np.array(start, np.int64), columns[0], columns[1], columns[2])
    ways = reach.reached(scene.network.edges[0], scene.network.length_mm, near, np.array(limits, np.int64))
    for row in range(ways[0].size):
        pair, segment, low, high = (int(column[row]) for column in ways)
        begin_us, end_us = scene.t_us(scene.chosen[pair]), scene.t_us(scene.chosen[pair + 1])
        found.append((pair, (segment, low, high, begin_us, end_us)))
    return found


def hidden(scene: Scene, gaps: Sequence[Gap], window: tuple[int, int]) -> Iterator[Hides]:
    """What gaps may hide: within reach of both ends, as far as there are any."""
    for gap in gaps:
        span = max(gap.from_us, window[0]), min(gap.until_us, window[1])
        if span[0] >= span[1]:
            continue
        begin_us = scene.t_us(gap.before) if gap.before >= 0 else gap.from_us
        end_us = scene.t_us(gap.after) if gap.after >= 0 else gap.until_us
        speed_mmps = scene.work.fastest_mmps if gap.cause is None else scene.work.travel_mmps
        away_mm = dict.fromkeys(range(len(scene.network.segment_ids)), 0)
        for fix in (one for one in (gap.before, gap.after) if one >= 0):
            for segment, (off_mm, _) in scene.near(fix, 2**60).items():
                away_mm[segment] += max(off_mm - scene.error_mm(fix), 0)
        reach_mm = speed_mmps * (end_us - begin_us) // SECOND_US
        within = [segment for segment, mm in away_mm.items() if mm <= reach_mm]
        yield span, -(-scene.work.fastest_mmps * (span[1] - span[0]) // SECOND_US), within


def visits(
    scene: Scene, proven: Sequence[Piece], possible: Sequence[tuple[int, Piece]]
) -> Iterator[tuple[int, int, int, int, int]]:
    """Stays on each segment: from, until, what was surely swept, and what at most."""
    for segment in sorted({one[0] for _, one in possible}):
        pairs = sorted({pair for pair, one in possible if one[0] == segment})
        spans = [(scene.t_us(scene.chosen[pair]), scene.t_us(scene.chosen[pair + 1])) for pair in pairs]
        for stay in stays(spans, VISIT_US):
            begin_us, end_us = min(spans[one][0] for one in stay), max(spans[one][1] for one in stay)
            sure = [one for one in proven if one[0] == segment and begin_us <= one[3] and one[4] <= end_us]
            known = [one for pair, one in possible if one[0] == segment and pair in {pairs[at] for at in stay}]
            yield segment, begin_us, end_us, united(sure), united(known)


def runs(scene: Scene, proven: Sequence[tuple[int, Piece]]) -> Iterator[tuple[int, int, int, int, int]]:
    """What was surely swept of a segment without a break: when begun, how much, by when surely, and until when."""
    parted_us, chains = max(VISIT_US - 2 * scene.work.every_us, 0), list[list[tuple[int, Piece]]]()
    for row, piece in sorted(proven, key=lambda one: (one[1][0], one[1][3])):
        before = chains[-1][-1][1] if chains else None
        if before and before[0] == piece[0] and piece[3] - before[4] <= parted_us:
            chains[-1].append((row, piece))
        else:
            chains.append([(row, piece)])
    for chain in chains:
        spans = [when(scene, row, piece) for row, piece in chain]
        by_us, until_us = min(one for one, _ in spans), max(one for _, one in spans)
        yield chain[0][1][0], chain[0][1][3], united([piece for _, piece in chain]), by_us, until_us


def united(spans: Sequence[Piece]) -> int:
    """Length that pieces of one segment cover together."""
    covered, reached = 0, 0
    for _, low, high, _, _ in sorted(spans, key=lambda one: one[1]):
        covered += max(high - max(low, reached), 0)
        reached = max(reached, high)
    return covered


@dataclass(frozen=True, slots=True)
class Swept:
    """What a vehicle swept: surely, maybe, visit by visit, run by run, and what gaps may hide."""

    proven: list[Piece]
    possible: list[Piece]
    visits: list[tuple[int, int, int, int, int]]
    runs: list[tuple[int, int, int, int, int]]
    hidden: list[Hides]


def swept(scene: Scene, gaps: Sequence[Gap], window: tuple[int, int]) -> Swept:
    """Put together what a vehicle swept in a window."""
    certain, possible = pairs(scene, gaps)
    times = [(scene.t_us(one), scene.t_us(two)) for one, two in zip(scene.chosen[:-1], scene.chosen[1:], strict=True)]
    inside = [
        one and window[0] <= begin and end <= window[1] for one, (begin, end) in zip(certain, times, strict=True)
    ]
    touching = [
        one and begin < window[1] and window[0] < end for one, (begin, end) in zip(possible, times, strict=True)
    ]
    sure, found = worked(scene, inside), maybe(scene, touching)
    proven = [piece for _, piece in sure]
    lost = [pair for pair, one in enumerate(possible) if one and pair not in scene.rows.fix]
    ends = [(scene.chosen[pair], scene.chosen[pair + 1]) for pair in lost]
    doubts = [Gap(scene.t_us(first), scene.t_us(last), first, last, None) for first, last in ends]
    return Swept(
        sorted(proven),
        sorted(one for _, one in found),
        [*visits(scene, proven, found)],
        [*runs(scene, sure)],
        [*hidden(scene, [*gaps, *doubts], window)],
    )
