"""Sweeps: what one vehicle swept in one span of service, by segment; matched once, then used by every zone.

Proven are metres driven with the working signal on, at a speed the terms count, along the only way that the fixes'
errors allow, less the error at both ends of a run. Possible is all that nothing excludes: other ways within the
error, an unsaid signal, and what the vehicle could have swept in a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import coverage, matching, reach
from kernels.around import around
from rules.fixes import IDLE, WORKING, Gap, Track
from rules.paths import Fixes, doubt_mm_of, some_of, witnesses
from rules.places import Network, to_local
from rules.traversals import Traversals, traverse
from sensors.readings import NOT_SAID

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]
Flags = NDArray[np.bool_]

# Back within two minutes is the same visit: a turn at the street's end, a stop.
VISIT_US: Final = 120 * 1_000_000
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
class Pieces:
    """Parts of segments, and when they were driven.

    Parameters
    ----------
    segment : ndarray of int32
        Shape (m,). [index into the network]
    from_mm, until_mm : ndarray of int32
        Along the segment, from <= until. Shape (m,). [mm]
    enter_us, leave_us : ndarray of int64
        Shape (m,). [us since 1970, UTC]
    """

    segment: Rows
    from_mm: Rows
    until_mm: Rows
    enter_us: Ints
    leave_us: Ints

    def some(self, chosen: Flags) -> "Pieces":
        """Take some of them."""
        return Pieces(*(getattr(self, name)[chosen] for name in Pieces.__slots__))


@dataclass(frozen=True, slots=True)
class Visits:
    """When a vehicle may have been at work on a segment, and how much of it was swept; by segment, then by time.

    Parameters
    ----------
    segment : ndarray of int64
        Shape (v,). [index into the network]
    enter_us, leave_us : ndarray of int64
        From the fix before it to the fix after it. Shape (v,). [us since 1970, UTC]
    proven_mm, possible_mm : ndarray of int64
        Shape (v,). [mm]
    """

    segment: Ints
    enter_us: Ints
    leave_us: Ints
    proven_mm: Ints
    possible_mm: Ints


@dataclass(frozen=True, slots=True)
class Runs:
    """What was surely swept of a segment in one visit: pieces that surely are of one; by segment, then by time.

    Parameters
    ----------
    segment : ndarray of int64
        Shape (r,). [index into the network]
    enter_us : ndarray of int64
        When the first of them was entered, as it was matched. Shape (r,). [us since 1970, UTC]
    proven_mm : ndarray of int64
        Shape (r,). [mm]
    by_us, until_us : ndarray of int64
        By when it had surely begun, and until when at least it went on. Shape (r,). [us since 1970, UTC]
    """

    segment: Ints
    enter_us: Ints
    proven_mm: Ints
    by_us: Ints
    until_us: Ints


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
    segments : ndarray of int32
        What was within reach, ascending. [index into the network]
    """

    gap: Gap
    span: tuple[int, int]
    most_mm: int
    segments: Rows


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one vehicle swept in one window.

    Parameters
    ----------
    proven, possible : Pieces
        The possible ones cover the proven.
    visits : Visits
    runs : Runs
    hidden : list of Hidden
    """

    proven: Pieces
    possible: Pieces
    visits: Visits
    runs: Runs
    hidden: list[Hidden]


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
    chosen = _witnesses(network, track, gaps, window)
    fixes = some_of(track.fixes, chosen)
    rows = traverse(network, fixes, work.max_gap_us)
    driven_mm = _driven_mm(fixes, rows)
    certain, possible = _pairs(network, track, chosen, driven_mm, work)
    silent = np.searchsorted(chosen, [gap.before for gap in gaps if gap.before >= 0 and gap.after == gap.before + 1])
    certain[silent] = possible[silent] = False
    # Where between two fixes a vehicle was as the window began is a guess: whole pairs are within it, or not.
    t_us = fixes.t_us
    inside = certain & (t_us[:-1] >= window[0]) & (t_us[1:] <= window[1])
    touching = possible & (t_us[1:] > window[0]) & (t_us[:-1] < window[1])
    sure, when = _proven(network, fixes, rows, inside, work.max_gap_us)
    furthest_mm = np.maximum(work.fastest_mmps * np.diff(t_us) // _SECOND_US, driven_mm)
    may = _possible(network, fixes, rows, touching, furthest_mm)
    doubts = [*gaps, *_doubts(track, chosen, rows, possible)]
    return Sweep(
        sure[1],
        may[1],
        _visits(network, t_us, sure, may),
        _runs(sure[1], when, VISIT_US - 2 * work.every_us),
        _hidden(network, track, doubts, window, work),
    )


def _witnesses(network: Network, track: Track, gaps: Sequence[Gap], window: tuple[int, int]) -> Ints:
    """Choose the fixes that are matched: witnesses of their own, and all at the ends of gaps, work and window.

    Of fixes nearer to each other than their errors a vehicle seems to roll back and to turn round, and next to a turn
    little is certain. But where work begins and ends only the fixes there can tell.
    """
    chosen = np.zeros(len(track), np.bool_)
    chosen[witnesses(network, track.fixes)] = True
    chosen[[place for gap in gaps for place in (gap.before, gap.after) if place >= 0]] = True
    changes = np.flatnonzero(np.diff(track.working))
    chosen[changes] = chosen[changes + 1] = True
    first, last = np.searchsorted(track.fixes.t_us, (window[0], window[1] + 1))
    chosen[first : first + 1] = chosen[max(last - 1, 0) : last] = True
    return np.flatnonzero(chosen)


def _driven_mm(fixes: Fixes, rows: Traversals) -> Ints:
    """Length of the way between each two neighbouring fixes. Shape (n - 1,)."""
    length_mm = np.zeros(max(fixes.t_us.size - 1, 0), np.int64)
    np.add.at(length_mm, rows.fix, rows.to_mm.astype(np.int64) - rows.from_mm)
    return length_mm


def _pairs(network: Network, track: Track, chosen: Ints, length_mm: Ints, work: Work) -> tuple[Flags, Flags]:
    """Whether the vehicle certainly, and possibly, worked between two witnesses. Shape (n - 1,) each.

    Certainly, if every fix from the one to the other says so; possibly, unless every one says that it did not.
    """
    first, last = chosen[:-1], chosen[1:]

    def all_are(said: Flags) -> Flags:
        missing = np.concatenate(([0], np.cumsum(~said)))
        return missing[last + 1] == missing[first]

    dt_us = track.fixes.t_us[last] - track.fixes.t_us[first]
    error_mm = track.fixes.accuracy_mm[first].astype(np.int64) + track.fixes.accuracy_mm[last]
    said = track.speed_mmps != NOT_SAID
    fits = said & (track.speed_mmps >= work.slowest_mmps) & (track.speed_mmps <= work.fastest_mmps)
    # Where the device says no speed, that of the way between counts, with the error of both ends.
    least = (length_mm - error_mm) * _SECOND_US >= work.slowest_mmps * dt_us
    most = (length_mm + error_mm) * _SECOND_US <= work.fastest_mmps * dt_us
    # What the device says of its speed must not contradict its places.
    fitting = (length_mm - error_mm) * _SECOND_US <= work.fastest_mmps * dt_us
    # Another way may have been shorter than the one found, but none than the straight line.
    x_mm, y_mm = to_local(network, track.fixes.lon_e7[chosen], track.fixes.lat_e7[chosen])
    furthest_mm = work.fastest_mmps * dt_us // _SECOND_US + error_mm
    could = ((length_mm + error_mm) * _SECOND_US >= work.slowest_mmps * dt_us) & (
        np.diff(x_mm) ** 2 + np.diff(y_mm) ** 2 <= furthest_mm**2
    )
    by_device = all_are(said)
    certain = all_are(track.working == WORKING) & np.where(by_device, all_are(fits) & fitting, least & most)
    possible = ~all_are(track.working == IDLE) & (could | (by_device & ~all_are(~fits)))
    return certain, possible | certain


def _joined(*parts: Pieces) -> Pieces:
    """Put pieces one after the other."""
    return Pieces(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pieces.__slots__))


def _proven(
    network: Network, fixes: Fixes, rows: Traversals, inside: Flags, max_gap_us: int
) -> tuple[tuple[Ints, Pieces], tuple[Ints, Ints]]:
    """Find what was surely swept: the pair of each piece, and the pieces; and by when surely, and after when.

    Work may have begun further along the way than the first fix of a run says, and ended before the last: as far as
    the street lies within two accuracies of the fix, and by twice that round a corner.
    """
    row, from_mm, until_mm = coverage.pieces(
        rows.fix,
        rows.segment,
        rows.direction,
        (rows.from_mm, rows.to_mm),
        inside[rows.fix].astype(np.uint8),
        _errors_mm(network, fixes, rows, inside),
    )
    is_sure = rows.is_certain[row]
    row, from_mm, until_mm = row[is_sure], from_mm[is_sure], until_mm[is_sure]
    pieces = Pieces(rows.segment[row], from_mm, until_mm, rows.enter_us[row], rows.leave_us[row])
    return (rows.fix[row].astype(np.int64), pieces), _when(fixes, rows, row, pieces, max_gap_us)


def _errors_mm(network: Network, fixes: Fixes, rows: Traversals, inside: Flags) -> Ints:
    """Say of the first and the last fix of each run of work how far off along the way the vehicle may be. Shape (n,).

    What is matched to a corner may be further round it than two accuracies. Where the street ends within them the
    error is no less than the way to its end, so that it counts twice there (`kernels.coverage.pieces`).
    """
    error_mm = 2 * fixes.accuracy_mm.astype(np.int64)
    found_mm = error_mm.copy()
    x_mm, y_mm = to_local(network, fixes.lon_e7, fixes.lat_e7)
    pair = rows.fix.astype(np.int64)
    runs = np.zeros(fixes.t_us.size + 1, np.bool_)
    runs[1 + pair[inside[pair]]] = True
    edge, length_mm = 2 * rows.segment.astype(np.int64) + (rows.direction < 0), network.length_mm[rows.segment]
    # Along the edge, from where it begins.
    begin_mm = np.where(rows.direction > 0, rows.from_mm, length_mm - rows.to_mm)
    end_mm = np.where(rows.direction > 0, rows.to_mm, length_mm - rows.from_mm)
    firsts = np.flatnonzero(runs[1 + pair] & ~runs[pair] & (np.diff(pair, prepend=-1) > 0))
    lasts = np.flatnonzero(runs[1 + pair] & ~runs[2 + pair] & (np.diff(pair, append=-1) != 0))
    for row, fix, is_first in ((firsts, pair[firsts], True), (lasts, pair[lasts] + 1, False)):
        asked = (x_mm, y_mm, error_mm), (fix, edge[row])
        low_mm, high_mm = matching.extents(network.vertices, network.vertex_segment, *asked)
        off_mm = high_mm - begin_mm[row] if is_first else end_mm[row] - low_mm
        rest_mm = length_mm[row] - begin_mm[row] if is_first else end_mm[row]
        is_round = (off_mm <= 0) | (off_mm >= rest_mm)
        found_mm[fix] = np.where(is_round, np.maximum(error_mm[fix], rest_mm + 1), off_mm)
    return found_mm


def _when(fixes: Fixes, rows: Traversals, row: Rows, pieces: Pieces, max_gap_us: int) -> tuple[Ints, Ints]:
    """Say by when each piece's beginning was surely driven, and after when its end. Shape (p,) each.

    At a fix the vehicle is no further on along the way than twice what lies near, and no less far back: so of the
    rows along the same street before and after a piece the nearest tells that lies so far from it. Where there is
    none, the longest interval between two fixes is added.
    """
    return coverage.when(
        rows.fix,
        rows.segment,
        rows.direction,
        (rows.from_mm, rows.to_mm),
        (fixes.t_us, 2 * doubt_mm_of(fixes.accuracy_mm)),
        row,
        (pieces.from_mm, pieces.until_mm),
        (pieces.enter_us, pieces.leave_us),
        max_gap_us,
    )


def _possible(
    network: Network, fixes: Fixes, rows: Traversals, touching: Flags, furthest_mm: Ints
) -> tuple[Ints, Pieces]:
    """Find what may have been swept between each two fixes: all that lies on a way that is not too long for work.

    From wherever the error of the one fix allows to wherever that of the other does, on whatever street, and turning
    round anywhere; and the way that was found. The pair of each piece, and the pieces.
    """
    x_mm, y_mm = to_local(network, fixes.lon_e7, fixes.lat_e7)
    near_mm = doubt_mm_of(fixes.accuracy_mm)
    start, street, at_mm, _ = around(network.vertices, network.vertex_segment, network.grid, (x_mm, y_mm, near_mm))
    wide_mm = np.repeat(near_mm, np.diff(start))
    from_mm, until_mm = np.maximum(at_mm - wide_mm, 0), np.minimum(at_mm + wide_mm, network.length_mm[street])
    pair, segment, *ends_mm = reach.reached(
        network.edges[0],
        network.length_mm,
        (start, street, from_mm, until_mm),
        np.where(touching, furthest_mm, -1),
    )
    low_mm, high_mm = (column.astype(np.int32) for column in ends_mm)
    found = Pieces(segment.astype(np.int32), low_mm, high_mm, fixes.t_us[pair], fixes.t_us[pair + 1])
    kept = np.flatnonzero(touching[rows.fix] & (rows.from_mm < rows.to_mm))
    ends_mm, span_us = (rows.from_mm[kept], rows.to_mm[kept]), (rows.enter_us[kept], rows.leave_us[kept])
    way = Pieces(rows.segment[kept], *ends_mm, *span_us)
    return np.concatenate((rows.fix[kept].astype(np.int64), pair)), _joined(way, found)


def _around(network: Network, fixes: Fixes, fix: Ints, reach_mm: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Find the streets within reach of each of some fixes: which of them, street, where along it, and how near."""
    x_mm, y_mm = to_local(network, fixes.lon_e7[fix], fixes.lat_e7[fix])
    places = (x_mm, y_mm, reach_mm)
    start, street, at_mm, off_mm = around(network.vertices, network.vertex_segment, network.grid, places)
    return np.repeat(np.arange(fix.size), np.diff(start)), street, at_mm, off_mm


def _grouped(one: Ints, other: Ints, others: int) -> tuple[Ints, Ints]:
    """Put rows in order by two numbers, the second below `others`: their places, and where each group begins."""
    key = one * others + other
    order = np.argsort(key, kind="stable")
    return order, np.flatnonzero(np.diff(key[order], prepend=-1))


def _reduced(how: np.ufunc, numbers: Ints, first: Ints) -> Ints:
    """Reduce each group of rows to one number."""
    return how.reduceat(numbers, first) if first.size else numbers


def _doubts(track: Track, chosen: Ints, rows: Traversals, possible: Flags) -> list[Gap]:
    """Pairs of fixes between which the vehicle may have worked, but no way was found: they hide as a gap does."""
    is_doubt = possible.copy()
    is_doubt[rows.fix] = False
    pair = np.flatnonzero(is_doubt)
    before, after, t_us = chosen[pair], chosen[pair + 1], track.fixes.t_us
    columns = (t_us[before], t_us[after], before, after)
    return [
        Gap(from_us, until_us, first, last, None)
        for from_us, until_us, first, last in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _hidden(network: Network, track: Track, gaps: Sequence[Gap], window: tuple[int, int], work: Work) -> list[Hidden]:
    """What may have been swept in gaps: no more than their time allows, nowhere that was out of reach."""
    gaps = [gap for gap in gaps if max(gap.from_us, window[0]) < min(gap.until_us, window[1])]
    found: list[Hidden] = []
    if not gaps:
        return found
    for gap, segments in zip(gaps, _reached(network, track, gaps, work), strict=True):
        span = (max(gap.from_us, window[0]), min(gap.until_us, window[1]))
        most_mm = -(-work.fastest_mmps * (span[1] - span[0]) // _SECOND_US)
        found.append(Hidden(gap, span, most_mm, segments))
    return found


def _reached(network: Network, track: Track, gaps: Sequence[Gap], work: Work) -> list[Rows]:
    """Streets that could be come to from the fix before a gap, and left for the fix after it."""
    ends = np.array([(gap.before, gap.after) for gap in gaps], np.int64).reshape(-1, 2)
    is_fix = ends >= 0
    span_us = np.array([(gap.from_us, gap.until_us) for gap in gaps], np.int64).reshape(-1, 2)
    # A gap may begin or end between two fixes, where nothing hung in the vehicle any more.
    span_us[is_fix] = track.fixes.t_us[ends[is_fix]]
    # Heard throughout and at work: no faster than work is.
    speed_mmps = np.array([work.fastest_mmps if gap.cause is None else work.travel_mmps for gap in gaps], np.int64)
    reach_mm = speed_mmps * (span_us[:, 1] - span_us[:, 0]) // _SECOND_US
    fix, gap_of = ends[is_fix], np.nonzero(is_fix)[0]
    error_mm = track.fixes.accuracy_mm[fix].astype(np.int64)
    place, street, _, off_mm = _around(network, track.fixes, fix, reach_mm[gap_of] + error_mm)
    order, first = _grouped(gap_of[place], street, len(network.segment_ids))
    away_mm = _reduced(np.add, np.maximum(off_mm - error_mm[place], 0)[order], first)
    near = np.diff(first, append=order.size)
    owner, segment = gap_of[place[order][first]], street[order][first].astype(np.int32)
    # What is out of reach of one end was not found there.
    kept = (near == is_fix.sum(axis=1)[owner]) & (away_mm <= reach_mm[owner])
    cuts = np.searchsorted(owner[kept], np.arange(len(gaps) + 1))
    everywhere = np.arange(len(network.segment_ids), dtype=np.int32)
    return [segment[kept][cuts[k] : cuts[k + 1]] if is_fix[k].any() else everywhere for k in range(len(gaps))]


def _visits(network: Network, t_us: Ints, sure: tuple[Ints, Pieces], may: tuple[Ints, Pieces]) -> Visits:
    """Gather pairs of fixes between which a vehicle may have been at work on a segment into visits."""
    # What is proven is possible too, so each piece has its visit, and a visit's possible pieces cover its proven.
    pair, pieces = np.concatenate((sure[0], may[0])), _joined(sure[1], may[1])
    is_proven = np.zeros(pair.size, np.uint8)
    is_proven[: sure[0].size] = 1
    ends_mm, span_us = (pieces.from_mm, pieces.until_mm), (t_us[pair], t_us[pair + 1])
    segments = len(network.segment_ids)
    start, span_us, swept_mm = coverage.visits(pieces.segment, ends_mm, span_us, is_proven, VISIT_US, segments)
    return Visits(np.repeat(np.arange(segments), np.diff(start)), *span_us, *swept_mm)


def _runs(proven: Pieces, when: tuple[Ints, Ints], parted_us: int) -> Runs:
    """Gather pieces that surely are of one visit: whatever the time between two fixes, they are not further apart."""
    order = np.lexsort((proven.enter_us, proven.segment))
    segment, enter_us, leave_us = (getattr(proven, name)[order] for name in ("segment", "enter_us", "leave_us"))
    is_first = np.ones(order.size, np.bool_)
    is_first[1:] = (np.diff(segment) > 0) | (enter_us[1:] - leave_us[:-1] > max(parted_us, 0))
    number, first = (np.cumsum(is_first) - 1).astype(np.int32), np.flatnonzero(is_first)
    ends_mm = (proven.from_mm[order], proven.until_mm[order])
    return Runs(
        segment[first].astype(np.int64),
        enter_us[first],
        coverage.covered(number, ends_mm, first.size),
        _reduced(np.minimum, when[0][order], first),
        _reduced(np.maximum, when[1][order], first),
    )
