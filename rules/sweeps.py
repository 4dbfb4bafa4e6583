"""Sweeps: what one vehicle swept in one span of service, by segment; matched once, then used by every zone.

Proven are metres driven with the working signal on, at a speed the terms count, along the only way that the fixes'
errors allow, less the error at both ends of a run. Possible is all that nothing excludes: other ways within the
error, an unsaid signal, and what the vehicle could have swept in a gap.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kernels import matching, reach
from rules.fixes import IDLE, WORKING, Gap, Track
from rules.paths import doubt_mm_of
from rules.places import Network, distances_mm, to_local
from rules.traversals import Traversals, traverse
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
    certain, possible = _pairs(network, track, rows, work)
    silent = [gap.before for gap in gaps if gap.before >= 0 and gap.after == gap.before + 1]
    certain[silent] = possible[silent] = False
    # Where between two fixes a vehicle was as the window began is a guess: whole pairs are within it, or not.
    t_us, accuracy_mm = track.fixes.t_us, track.fixes.accuracy_mm.astype(np.int64)
    inside = certain & (t_us[:-1] >= window[0]) & (t_us[1:] <= window[1])
    touching = possible & (t_us[1:] > window[0]) & (t_us[:-1] < window[1])
    sweep = Sweep()
    worked = _worked(rows, inside, accuracy_mm)
    _add(sweep.proven, worked, worked.is_certain)
    _add(sweep.possible, rows, touching[rows.fix])
    reached = _reached(network, track, rows, touching, work)
    for pair, segment, from_mm, until_mm in zip(*(column.tolist() for column in reached), strict=True):
        sweep.possible[segment].append(Piece(from_mm, until_mm, int(t_us[pair]), int(t_us[pair + 1])))
    driven = [column[touching[rows.fix]].astype(np.int64) for column in (rows.fix, rows.segment)]
    sweep.spans = _spans(t_us, *(np.concatenate(both) for both in zip(reached[:2], driven, strict=True)))
    doubts = [gap for gap in _doubts(track, rows, possible) if gap.from_us < window[1] and window[0] < gap.until_us]
    sweep.hidden = [
        hidden for gap in (*gaps, *doubts) if (hidden := _hidden(network, track, gap, window, work)) is not None
    ]
    return sweep


def _driven_mm(track: Track, rows: Traversals) -> NDArray[np.int64]:
    """Length of the way between each two neighbouring fixes. Shape (n - 1,)."""
    length_mm = np.zeros(max(len(track) - 1, 0), np.int64)
    np.add.at(length_mm, rows.fix, rows.to_mm.astype(np.int64) - rows.from_mm)
    return length_mm


def _pairs(
    network: Network, track: Track, rows: Traversals, work: Work
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the vehicle certainly, and possibly, worked between two fixes. Shape (n - 1,) each."""
    on, off = track.working == WORKING, track.working == IDLE
    length_mm, dt_us = _driven_mm(track, rows), np.diff(track.fixes.t_us)
    error_mm = track.fixes.accuracy_mm[:-1].astype(np.int64) + track.fixes.accuracy_mm[1:]
    said = track.speed_mmps != NOT_SAID
    fits = said & (track.speed_mmps >= work.slowest_mmps) & (track.speed_mmps <= work.fastest_mmps)
    # Where the device says no speed, that of the way between counts, with the error of both ends.
    least = (length_mm - error_mm) * _SECOND_US >= work.slowest_mmps * dt_us
    most = (length_mm + error_mm) * _SECOND_US <= work.fastest_mmps * dt_us
    # What the device says of its speed must not contradict its places.
    fitting = (length_mm - error_mm) * _SECOND_US <= work.fastest_mmps * dt_us
    # Another way may have been shorter than the one found, but none than the straight line.
    x_mm, y_mm = to_local(network, track.fixes.lon_e7, track.fixes.lat_e7)
    furthest_mm = work.fastest_mmps * dt_us // _SECOND_US + error_mm
    could = ((length_mm + error_mm) * _SECOND_US >= work.slowest_mmps * dt_us) & (
        np.diff(x_mm) ** 2 + np.diff(y_mm) ** 2 <= furthest_mm**2
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
        from_mm[run] += np.where(is_forward, before_mm, after_mm)
        to_mm[run] -= np.where(is_forward, after_mm, before_mm)
        is_certain[run] = rows.is_certain[run]
    return replace(rows, from_mm=from_mm, to_mm=to_mm, is_certain=is_certain & (from_mm < to_mm))


def _along(rows: Traversals, run: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where rows that follow on each other begin and end along their way.

    Fixes of a vehicle that stands go to and fro: what was driven already is not counted anew.
    """
    from_mm, to_mm = rows.from_mm[run].astype(np.int64), rows.to_mm[run].astype(np.int64)
    is_forward = rows.direction[run] > 0
    is_same = (np.diff(rows.segment[run]) == 0) & (np.diff(rows.direction[run]) == 0)
    again_mm = np.where(is_forward[1:], to_mm[:-1] - from_mm[1:], to_mm[1:] - from_mm[:-1])
    again_mm = np.where(is_same, np.maximum(again_mm, 0), 0)
    length_mm = to_mm - from_mm
    until_mm = np.cumsum(length_mm) - np.append(0, np.cumsum(again_mm))
    return until_mm - length_mm, until_mm


def _add(into: defaultdict[int, list[Piece]], rows: Traversals, chosen: NDArray[np.bool_]) -> None:
    """Add the chosen rows' pieces."""
    for row in np.flatnonzero(chosen & (rows.from_mm < rows.to_mm)):
        ends_mm, span_us = (rows.from_mm[row], rows.to_mm[row]), (rows.enter_us[row], rows.leave_us[row])
        into[int(rows.segment[row])].append(Piece(*map(int, ends_mm), *map(int, span_us)))


def _reached(
    network: Network, track: Track, rows: Traversals, touching: NDArray[np.bool_], work: Work
) -> tuple[NDArray[np.int64], ...]:
    """Find what may have been swept between each two fixes: all that lies on a way that is not too long for work.

    From wherever the error of the one fix allows to wherever that of the other does, on whatever street, and turning
    round anywhere. Pair, segment, and from where to where along it. Shape (m,) each.
    """
    x_mm, y_mm = to_local(network, track.fixes.lon_e7, track.fixes.lat_e7)
    near_mm, count = doubt_mm_of(track.fixes.accuracy_mm), len(network.segment_ids)
    start, street, _, at_mm, _ = matching.locate(
        network.vertices, network.vertex_segment, network.grid, (x_mm, y_mm, near_mm), count
    )
    wide_mm = np.repeat(near_mm, np.diff(start))
    from_mm, until_mm = np.maximum(at_mm - wide_mm, 0), np.minimum(at_mm + wide_mm, network.length_mm[street])
    furthest_mm = np.maximum(work.fastest_mmps * np.diff(track.fixes.t_us) // _SECOND_US, _driven_mm(track, rows))
    limit_mm = np.where(touching, furthest_mm, -1)
    return reach.reached(network.edges[0], network.length_mm, (start, street, from_mm, until_mm), limit_mm)


def _spans(
    t_us: NDArray[np.int64], pair: NDArray[np.int64], segment: NDArray[np.int64]
) -> dict[int, list[tuple[int, int]]]:
    """Put pairs of fixes between which a vehicle may have been at work on a segment together, each run to a span."""
    key = np.unique(segment * t_us.size + pair)
    first, last = np.diff(key, prepend=key[:1] - 2) > 1, np.diff(key, append=key[-1:] + 2) > 1
    spans: dict[int, list[tuple[int, int]]] = {}
    for begin, end in zip(key[first].tolist(), key[last].tolist(), strict=True):
        span = (int(t_us[begin % t_us.size]), int(t_us[end % t_us.size + 1]))
        spans.setdefault(begin // t_us.size, []).append(span)
    return spans


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
