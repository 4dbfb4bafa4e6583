"""Sweeps: what one vehicle swept in one span of service, by segment; matched once, then used by every zone.

Proven are metres driven with the working signal on, at a speed the terms count, along the only way that the fixes'
errors allow, less the error at both ends of a run. Possible is all that nothing excludes: other ways within the
error, an unsaid signal, and what the vehicle could have swept in a gap.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kernels import matching
from rules.fixes import IDLE, WORKING, Gap, Track
from rules.paths import doubt_mm_of
from rules.places import Network, distances_mm, to_local
from rules.traversals import Traversals, near_of, traverse
from sensors.readings import NOT_SAID

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """What counts as work.

    Parameters
    ----------
    slowest_mmps, fastest_mmps : int
        Speeds at which it counts, both included. [mm/s]
    travel_mmps : int
        No vehicle is faster. [mm/s]
    every_us, max_gap_us : int
        Fixes further apart say nothing of the way between, unless the vehicle stood; and nothing at all. [us]
    """

    slowest_mmps: int
    fastest_mmps: int
    travel_mmps: int
    every_us: int
    max_gap_us: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a segment, and when it was driven.

    Parameters
    ----------
    from_mm, until_mm : int
        Along the segment. [mm]
    enter_us, leave_us : int
        [us since 1970, UTC]
    """

    from_mm: int
    until_mm: int
    enter_us: int
    leave_us: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a gap may hide.

    Parameters
    ----------
    gap : Gap
    span : tuple of int
        Its part within the window. Half open. [us since 1970, UTC]
    most_mm : int
        No more could be swept in it. [mm]
    segments : frozenset of int
        What was within reach.
    """

    gap: Gap
    span: tuple[int, int]
    most_mm: int
    segments: frozenset[int]


@dataclass(slots=True)
class Sweep:
    """What one vehicle swept in one window.

    Parameters
    ----------
    proven, possible : dict of int to list of Piece
        By place of the segment in the network, in the order of time; the possible ones include the proven.
    spans : dict of int to list of tuple of int
        When it may have been at work on each segment, or within the error of it; ascending. [us since 1970, UTC]
    hidden : list of Hidden
    """

    proven: defaultdict[int, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    possible: defaultdict[int, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    spans: dict[int, list[tuple[int, int]]] = field(default_factory=dict[int, list[tuple[int, int]]])
    hidden: list[Hidden] = field(default_factory=list[Hidden])


def sweep_of(network: Network, track: Track, gaps: list[Gap], window: tuple[int, int], work: Work) -> Sweep:
    """Find what a vehicle swept in a window.

    Parameters
    ----------
    network : Network
    track : Track
        From `max_gap` before the window to `max_gap` after it.
    gaps : list of Gap
        Of the track.
    window : tuple of int
        Half open. [us since 1970, UTC]
    work : Work
    """
    rows = traverse(network, track.fixes, work.max_gap_us)
    certain, possible = _pairs(track, rows, work)
    silent = [gap.before for gap in gaps if gap.before >= 0 and gap.after == gap.before + 1]
    certain[silent] = possible[silent] = False
    # Where between two fixes a vehicle was as the window began is a guess: whole pairs are within it, or not.
    t_us, accuracy_mm = track.fixes.t_us, track.fixes.accuracy_mm.astype(np.int64)
    inside = certain & (t_us[:-1] >= window[0]) & (t_us[1:] <= window[1])
    touching = possible & (t_us[1:] > window[0]) & (t_us[:-1] < window[1])
    is_end = touching & ~(np.append(touching[1:], False) & np.append(False, touching[:-1])) if t_us.size else touching
    sweep = Sweep()
    worked = _worked(rows, inside, accuracy_mm)
    _add(sweep.proven, network, worked, worked.is_certain, np.zeros_like(accuracy_mm))
    _add(sweep.possible, network, rows, touching[rows.fix], accuracy_mm)
    _add_others(sweep.possible, network, track, rows, touching[rows.fix] & (~rows.is_certain | is_end[rows.fix]))
    _add_turns(sweep.possible, network, track, rows, work)
    sweep.spans = _spans(network, track, rows, touching)
    doubts = [gap for gap in _doubts(track, rows, possible) if gap.from_us < window[1] and window[0] < gap.until_us]
    sweep.hidden = [
        hidden for gap in (*gaps, *doubts) if (hidden := _hidden(network, track, gap, window, work)) is not None
    ]
    return sweep


def _pairs(track: Track, rows: Traversals, work: Work) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the vehicle certainly, and possibly, worked between two fixes. Shape (n - 1,) each."""
    n = max(len(track) - 1, 0)
    on, off = track.working == WORKING, track.working == IDLE
    length_mm = np.zeros(n, np.int64)
    np.add.at(length_mm, rows.fix, rows.to_mm.astype(np.int64) - rows.from_mm)
    dt_us = np.diff(track.fixes.t_us)
    error_mm = track.fixes.accuracy_mm[:-1].astype(np.int64) + track.fixes.accuracy_mm[1:] if n else length_mm
    said = track.speed_mmps != NOT_SAID
    fits = said & (track.speed_mmps >= work.slowest_mmps) & (track.speed_mmps <= work.fastest_mmps)
    # Where the device says no speed, that of the way between counts, with the error of both ends.
    least = (length_mm - error_mm) * _SECOND_US >= work.slowest_mmps * dt_us
    most = (length_mm + error_mm) * _SECOND_US <= work.fastest_mmps * dt_us
    # What the device says of its speed must not contradict its places.
    fitting = (length_mm - error_mm) * _SECOND_US <= work.fastest_mmps * dt_us
    could = ((length_mm + error_mm) * _SECOND_US >= work.slowest_mmps * dt_us) & (
        (length_mm - error_mm) * _SECOND_US <= work.fastest_mmps * dt_us
    )
    by_device = said[:-1] & said[1:]
    certain = on[:-1] & on[1:] & np.where(by_device, fits[:-1] & fits[1:] & fitting, least & most)
    possible = ~(off[:-1] & off[1:]) & (could | (by_device & (fits[:-1] | fits[1:])))
    return certain, possible | certain


def _worked(rows: Traversals, at_work: NDArray[np.bool_], accuracy_mm: NDArray[np.int64]) -> Traversals:
    """Keep the rows of pairs at work, less what the error leaves in doubt at both ends of each run of such pairs.

    Work may have begun further along the way than the first fix says, and ended before the last: by two accuracies,
    and by twice that where a corner is nearer, as the way round it is longer than the error is wide. The next fixes
    may be nearer than that.
    """
    chosen = np.flatnonzero(at_work[rows.fix])
    from_mm, to_mm, is_certain = rows.from_mm.copy(), rows.to_mm.copy(), np.zeros(rows.fix.size, np.bool_)
    for run in np.split(chosen, np.flatnonzero(np.diff(rows.fix[chosen]) > 1) + 1):
        if run.size == 0:
            continue
        begin_mm, until_mm = _along(rows, run)
        is_forward, corners = rows.direction[run] > 0, np.flatnonzero(np.diff(rows.segment[run]))
        first_mm = until_mm[corners[0]] - begin_mm[0] if corners.size else np.inf
        last_mm = until_mm[-1] - begin_mm[corners[-1] + 1] if corners.size else np.inf
        ends_mm = 2 * accuracy_mm[[rows.fix[run[0]], rows.fix[run[-1]] + 1]]
        ends_mm *= np.where(ends_mm > (first_mm, last_mm), 2, 1)
        length_mm = until_mm - begin_mm
        before_mm = np.clip(begin_mm[0] + ends_mm[0] - begin_mm, 0, length_mm)
        after_mm = np.clip(until_mm - (until_mm[-1] - ends_mm[1]), 0, length_mm)
        from_mm[run] += np.where(is_forward, before_mm, after_mm).astype(np.int32)
        to_mm[run] -= np.where(is_forward, after_mm, before_mm).astype(np.int32)
        is_certain[run] = rows.is_certain[run]
    return replace(rows, from_mm=from_mm, to_mm=to_mm, is_certain=is_certain & (from_mm < to_mm))


def _along(rows: Traversals, run: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where rows that follow on each other begin and end along their way.

    Fixes of a vehicle that stands go to and fro: what was driven already is not counted anew.
    """
    from_mm, to_mm, is_forward = (column[run] for column in (rows.from_mm, rows.to_mm, rows.direction > 0))
    is_same = (np.diff(rows.segment[run]) == 0) & (np.diff(rows.direction[run]) == 0)
    again_mm = np.where(is_forward[1:], to_mm[:-1] - from_mm[1:], to_mm[1:] - from_mm[:-1])
    again_mm = np.where(is_same, np.maximum(again_mm, 0), 0)
    length_mm = to_mm.astype(np.int64) - from_mm
    until_mm = np.cumsum(length_mm) - np.append(0, np.cumsum(again_mm))
    return until_mm - length_mm, until_mm


def _add(
    into: defaultdict[int, list[Piece]],
    network: Network,
    rows: Traversals,
    chosen: NDArray[np.bool_],
    widen_mm: NDArray[np.int64],
) -> None:
    """Add the chosen rows' pieces; at both ends of a run they are widened, or with a minus narrowed, by the error."""
    places = np.flatnonzero(chosen)
    # Only what reaches the fix itself ends there; what ends before already left the error out.
    is_first = np.diff(rows.fix, prepend=-1) != 0
    is_last = np.diff(rows.fix, append=-1) != 0
    for place, row in enumerate(places):
        pair, segment = int(rows.fix[row]), int(rows.segment[row])
        from_mm, until_mm = int(rows.from_mm[row]), int(rows.to_mm[row])
        previous = int(rows.fix[places[place - 1]]) if place else -2
        following = int(rows.fix[places[place + 1]]) if place + 1 < len(places) else -2
        is_forward = rows.direction[row] > 0
        # A run begins where the pair before is none of it, and ends where the pair after is none.
        begins = int(widen_mm[pair]) if is_first[row] and previous != pair - 1 else 0
        ends = int(widen_mm[pair + 1]) if is_last[row] and following != pair + 1 else 0
        low, high = (begins, ends) if is_forward else (ends, begins)
        from_mm = max(from_mm - low, 0)
        until_mm = min(until_mm + high, int(network.length_mm[segment]))
        if from_mm < until_mm:
            into[segment].append(Piece(from_mm, until_mm, int(rows.enter_us[row]), int(rows.leave_us[row])))


def _add_turns(
    into: defaultdict[int, list[Piece]], network: Network, track: Track, rows: Traversals, work: Work
) -> None:
    """Where a vehicle turned back, it may have gone on before, as far as its time between the fixes allowed."""
    turns = (np.diff(rows.segment) == 0) & (np.diff(rows.direction) != 0) & (np.diff(rows.fix) <= 1)
    length_mm = rows.to_mm.astype(np.int64) - rows.from_mm
    for row in np.flatnonzero(turns):
        segment = int(rows.segment[row])
        if segment not in into:
            continue
        slack_mm = 0
        for pair in {int(rows.fix[row]), int(rows.fix[row + 1])}:
            dt_us = int(track.fixes.t_us[pair + 1] - track.fixes.t_us[pair])
            spare_mm = work.fastest_mmps * dt_us // _SECOND_US - int(length_mm[rows.fix == pair].sum())
            slack_mm = max(slack_mm, spare_mm // 2 + int(track.fixes.accuracy_mm[pair + 1]))
        turned_mm = int(rows.to_mm[row] if rows.direction[row] > 0 else rows.from_mm[row])
        from_mm, until_mm = turned_mm - slack_mm, turned_mm + slack_mm
        piece = (max(from_mm, 0), min(until_mm, int(network.length_mm[segment])))
        into[segment].append(Piece(*piece, int(rows.enter_us[row]), int(rows.leave_us[row + 1])))


def _add_others(
    into: defaultdict[int, list[Piece]], network: Network, track: Track, rows: Traversals, chosen: NDArray[np.bool_]
) -> None:
    """Where the way is in doubt, whatever lies within the error of a fix may have been swept as well."""
    for pair in np.unique(rows.fix[chosen]):
        ends = [_near(network, track, int(pair) + step) for step in (0, 1)]
        span_us = (int(track.fixes.t_us[pair]), int(track.fixes.t_us[pair + 1]))
        for segment in ends[0].keys() | ends[1].keys():
            # Near both: another carriageway, driven from the one fix to the other.
            spans = [one[segment] for one in ends if segment in one]
            from_mm, until_mm = min(low for low, _ in spans), max(high for _, high in spans)
            if from_mm < until_mm:
                into[segment].append(Piece(from_mm, until_mm, *span_us))


def _spans(
    network: Network, track: Track, rows: Traversals, touching: NDArray[np.bool_]
) -> dict[int, list[tuple[int, int]]]:
    """When a vehicle may have been at work on each segment: between fixes of which one is near, or a way leads there."""
    t_us, count = track.fixes.t_us, len(network.segment_ids)
    x_mm, y_mm = to_local(network, track.fixes.lon_e7, track.fixes.lat_e7)
    places = (x_mm, y_mm, doubt_mm_of(track.fixes.accuracy_mm))
    start, street, *_ = matching.locate(network.vertices, network.vertex_segment, network.grid, places, count)
    fix = np.repeat(np.arange(t_us.size), np.diff(start))
    pair = np.concatenate([rows.fix, fix, fix - 1])
    key = np.concatenate([rows.segment, street, street]) * t_us.size + pair
    key = np.unique(key[np.append(touching, False)[pair]])
    first, last = np.diff(key, prepend=key[:1] - 2) > 1, np.diff(key, append=key[-1:] + 2) > 1
    spans: dict[int, list[tuple[int, int]]] = {}
    for begin, end in zip(key[first].tolist(), key[last].tolist(), strict=True):
        span = (int(t_us[begin % t_us.size]), int(t_us[end % t_us.size + 1]))
        spans.setdefault(begin // t_us.size, []).append(span)
    return spans


def _near(network: Network, track: Track, place: int) -> dict[int, tuple[int, int]]:
    """Which part of which segment lies within the error of a fix."""
    here = to_local(network, track.fixes.lon_e7[[place]], track.fixes.lat_e7[[place]])
    x_mm, y_mm = int(here[0][0]), int(here[1][0])
    near_mm = near_of(int(track.fixes.accuracy_mm[place]))
    off_mm = distances_mm(network, x_mm, y_mm)
    return {
        int(segment): _within(network, int(segment), (x_mm, y_mm), near_mm)
        for segment in np.flatnonzero(off_mm <= near_mm)
    }


def _within(network: Network, segment: int, place: tuple[int, int], near_mm: int) -> tuple[int, int]:
    """Part of a segment's line that may lie within a distance of a place: around its nearest point."""
    vertices = network.vertex_segment == segment
    x_mm, y_mm, measure_mm = (column[vertices] for column in network.vertices)
    dx, dy = np.diff(x_mm), np.diff(y_mm)
    squared = np.maximum(dx * dx + dy * dy, 1)
    along = np.clip((place[0] - x_mm[:-1]) * dx + (place[1] - y_mm[:-1]) * dy, 0, squared)
    foot_x, foot_y = x_mm[:-1] + along * dx // squared, y_mm[:-1] + along * dy // squared
    nearest = int(np.argmin((foot_x - place[0]) ** 2 + (foot_y - place[1]) ** 2))
    step_mm = int(measure_mm[nearest + 1] - measure_mm[nearest])
    foot_mm = int(measure_mm[nearest]) + int(along[nearest]) * step_mm // int(squared[nearest])
    return max(foot_mm - near_mm, 0), min(foot_mm + near_mm, int(network.length_mm[segment]))


def _doubts(track: Track, rows: Traversals, possible: NDArray[np.bool_]) -> list[Gap]:
    """Pairs of fixes between which the vehicle may have worked, but no way was found: they hide as a gap does."""
    has_rows = np.zeros(len(possible), np.bool_)
    has_rows[rows.fix] = True
    t_us = track.fixes.t_us
    return [
        Gap(int(t_us[k]), int(t_us[k + 1]), int(k), int(k) + 1, None) for k in np.flatnonzero(possible & ~has_rows)
    ]


def _hidden(network: Network, track: Track, gap: Gap, window: tuple[int, int], work: Work) -> Hidden | None:
    """What may have been swept in a gap: no more than its time allows, nowhere that was out of reach."""
    from_us, until_us = max(gap.from_us, window[0]), min(gap.until_us, window[1])
    if from_us >= until_us:
        return None
    away_mm = np.zeros(len(network.segment_ids), np.int64)
    begin_us, end_us = gap.from_us, gap.until_us
    for place in (gap.before, gap.after):
        if place >= 0:
            x_mm, y_mm = to_local(network, track.fixes.lon_e7[[place]], track.fixes.lat_e7[[place]])
            off_mm = distances_mm(network, int(x_mm[0]), int(y_mm[0]))
            away_mm += np.maximum(off_mm - int(track.fixes.accuracy_mm[place]), 0)
            begin_us = min(begin_us, int(track.fixes.t_us[place]))
            end_us = max(end_us, int(track.fixes.t_us[place]))
    # Heard throughout and at work: no faster than work is.
    speed_mmps = work.fastest_mmps if gap.cause is None else work.travel_mmps
    reach_mm = speed_mmps * (end_us - begin_us) // _SECOND_US
    within = frozenset(np.flatnonzero(away_mm <= reach_mm).tolist())
    most_mm = -(-work.fastest_mmps * (until_us - from_us) // _SECOND_US)
    return Hidden(gap, (from_us, until_us), most_mm, within)


def union_mm(pieces: list[Piece]) -> int:
    """Length of a segment that some pieces cover together [mm]."""
    covered, reached = 0, 0
    for piece in sorted(pieces, key=lambda piece: piece.from_mm):
        if piece.until_mm > reached:
            covered += piece.until_mm - max(piece.from_mm, reached)
            reached = piece.until_mm
    return covered
