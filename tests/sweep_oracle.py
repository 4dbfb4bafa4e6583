"""The obvious version of a sweep: pair by pair, and every street of the network looked at for each doubt.

Slow, in plain Python; of the product it takes the rows that were matched and which fixes are witnesses, which have
obvious versions of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rules.fixes import IDLE, WORKING, Gap, Track
from rules.places import Network, to_local
from rules.sweeps import VISIT_US, Work
from rules.traversals import Traversals
from sensors.readings import NOT_SAID
from tests.matching_oracle import nearest
from tests.vehicle_oracle import pieces, stays

SECOND_US = 1_000_000
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

    def t_us(self, fix: int) -> int:
        """When a fix was."""
        return int(self.track.fixes.t_us[fix])

    def error_mm(self, fix: int) -> int:
        """How far off a fix may be."""
        return int(self.track.fixes.accuracy_mm[fix])

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
        could = low_mm <= furthest_mm and shortest_mm <= high_mm
        certain.append(all(one == WORKING for one in worked) and surely)
        possible.append(certain[-1] or (any(one != IDLE for one in worked) and (could or maybe)))
    return certain, possible


def driven(scene: Scene, rows: Sequence[bool], sign: int) -> list[Piece]:
    """Pieces of the rows that count, with the error at the ends of runs."""
    found = pieces(
        scene.rows.fix.tolist(),
        scene.rows.segment.tolist(),
        scene.rows.direction.tolist(),
        list(zip(scene.rows.from_mm.tolist(), scene.rows.to_mm.tolist(), strict=True)),
        [int(one) for one in rows],
        [sign * scene.error_mm(fix) for fix in scene.chosen],
        scene.network.length_mm.tolist(),
    )
    enter_us, leave_us = scene.rows.enter_us.tolist(), scene.rows.leave_us.tolist()
    return [(int(scene.rows.segment[row]), low, high, enter_us[row], leave_us[row]) for row, low, high in found]


def others(scene: Scene, doubtful: Sequence[int]) -> Iterator[Piece]:
    """What else lies within the errors of two witnesses, or of a fix between them."""
    for pair in sorted(set(doubtful)):
        ends = scene.chosen[pair], scene.chosen[pair + 1]
        spans: dict[int, list[int]] = {}
        for fix in range(ends[0], ends[1] + 1):
            near_mm = max(2 * scene.error_mm(fix), 8_000)
            for segment, (_, at_mm) in scene.near(fix, near_mm).items():
                low_mm, high_mm = max(at_mm - near_mm, 0), min(at_mm + near_mm, int(scene.network.length_mm[segment]))
                spans.setdefault(segment, []).extend((low_mm, high_mm))
        for segment, span in spans.items():
            if min(span) < max(span):
                yield segment, min(span), max(span), scene.t_us(ends[0]), scene.t_us(ends[1])


def turns(scene: Scene, segments: set[int]) -> Iterator[Piece]:
    """How far a vehicle may have gone on before it turned back."""
    rows = scene.rows
    for row in range(rows.fix.size - 1):
        segment = int(rows.segment[row])
        is_turn = segment == rows.segment[row + 1] and rows.direction[row] != rows.direction[row + 1]
        if not is_turn or rows.fix[row + 1] - rows.fix[row] > 1 or segment not in segments:
            continue
        slack_mm = 0
        for pair in (int(rows.fix[row]), int(rows.fix[row + 1])):
            first, last = scene.chosen[pair], scene.chosen[pair + 1]
            most_mm = scene.work.fastest_mmps * (scene.t_us(last) - scene.t_us(first)) // SECOND_US
            slack_mm = max(slack_mm, (most_mm - scene.driven_mm(pair)) // 2 + scene.error_mm(last))
        turned_mm = int(rows.to_mm[row] if rows.direction[row] > 0 else rows.from_mm[row])
        low_mm, high_mm = (
            max(turned_mm - slack_mm, 0),
            min(turned_mm + slack_mm, int(scene.network.length_mm[segment])),
        )
        yield segment, low_mm, high_mm, int(rows.enter_us[row]), int(rows.leave_us[row + 1])


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


def visits(proven: Sequence[Piece], possible: Sequence[Piece]) -> Iterator[tuple[int, int, int, int, int]]:
    """Stays on each segment: from, until, what was surely swept, and what at most."""
    for segment in sorted({one[0] for one in possible}):
        known = [one for one in possible if one[0] == segment]
        for stay in stays([one[3:] for one in known], VISIT_US):
            begin_us, end_us = min(known[one][3] for one in stay), max(known[one][4] for one in stay)
            sure = [one for one in proven if one[0] == segment and begin_us <= one[3] and one[4] <= end_us]
            every = [*sure, *(known[one] for one in stay)]
            yield segment, begin_us, end_us, united(sure), united(every)


def united(spans: Sequence[Piece]) -> int:
    """Length that pieces of one segment cover together."""
    covered, reached = 0, 0
    for _, low, high, _, _ in sorted(spans, key=lambda one: one[1]):
        covered += max(high - max(low, reached), 0)
        reached = max(reached, high)
    return covered


@dataclass(frozen=True, slots=True)
class Swept:
    """What a vehicle swept: surely, maybe, visit by visit, and what gaps may hide."""

    proven: list[Piece]
    possible: list[Piece]
    visits: list[tuple[int, int, int, int, int]]
    hidden: list[Hides]


def swept(scene: Scene, gaps: Sequence[Gap], window: tuple[int, int]) -> Swept:
    """Put together what a vehicle swept in a window."""
    certain, possible = pairs(scene, gaps)
    sure, may = [False] * scene.rows.fix.size, [False] * scene.rows.fix.size
    for row, pair in enumerate(int(one) for one in scene.rows.fix):
        enter_us, leave_us = int(scene.rows.enter_us[row]), int(scene.rows.leave_us[row])
        is_certain = bool(scene.rows.is_certain[row])
        sure[row] = window[0] <= enter_us and leave_us <= window[1] and is_certain and certain[pair]
        may[row] = leave_us > window[0] and enter_us < window[1] and possible[pair]
    doubtful = [int(scene.rows.fix[row]) for row, one in enumerate(may) if one and not scene.rows.is_certain[row]]
    proven, found = driven(scene, sure, -1), [*driven(scene, may, 1), *others(scene, doubtful)]
    found += turns(scene, {one[0] for one in found})
    lost = [pair for pair, one in enumerate(possible) if one and pair not in scene.rows.fix]
    ends = [(scene.chosen[pair], scene.chosen[pair + 1]) for pair in lost]
    doubts = [Gap(scene.t_us(first), scene.t_us(last), first, last, None) for first, last in ends]
    return Swept(sorted(proven), sorted(found), [*visits(proven, found)], [*hidden(scene, [*gaps, *doubts], window)])
