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

from kernels import coverage
from kernels.around import around
from rules.fixes import IDLE, WORKING, Gap, Track
from rules.paths import Fixes, some_of, witnesses
from rules.places import Network, to_local
from rules.traversals import Traversals, near_of, traverse
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
    """When a vehicle was on a segment at work, and how much of it was swept each time; by segment, then by time.

    Parameters
    ----------
    segment : ndarray of int64
        Shape (v,). [index into the network]
    enter_us, leave_us : ndarray of int64
        Shape (v,). [us since 1970, UTC]
    proven_mm, possible_mm : ndarray of int64
        Shape (v,). [mm]
    """

    segment: Ints
    enter_us: Ints
    leave_us: Ints
    proven_mm: Ints
    possible_mm: Ints


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
    hidden : list of Hidden
    """

    proven: Pieces
    possible: Pieces
    visits: Visits
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
    chosen = _witnesses(network, track, gaps)
    fixes = some_of(track.fixes, chosen)
    rows = traverse(network, fixes, work.max_gap_us)
    driven_mm = _driven_mm(fixes, rows)
    certain, possible = _pairs(track, chosen, driven_mm, work)
    silent = np.searchsorted(chosen, [gap.before for gap in gaps if gap.before >= 0 and gap.after == gap.before + 1])
    certain[silent] = possible[silent] = False
    inside = (rows.enter_us >= window[0]) & (rows.leave_us <= window[1])
    touching = (rows.leave_us > window[0]) & (rows.enter_us < window[1]) & possible[rows.fix]
    error_mm = fixes.accuracy_mm.astype(np.int64)
    proven = _widened(network, rows, inside & rows.is_certain & certain[rows.fix], -error_mm)
    ways = _widened(network, rows, touching, error_mm)
    others = _others(network, track.fixes, chosen, rows.fix[touching & ~rows.is_certain])
    turns = _turns(network, fixes, rows, work.fastest_mmps * np.diff(fixes.t_us) // _SECOND_US - driven_mm)
    turns = turns.some(np.isin(turns.segment, np.concatenate((ways.segment, others.segment))))
    driven = _joined(ways, others, turns)
    doubts = [*gaps, *_doubts(track, chosen, rows, possible)]
    return Sweep(proven, driven, _visits(network, proven, driven), _hidden(network, track, doubts, window, work))


def _witnesses(network: Network, track: Track, gaps: Sequence[Gap]) -> Ints:
    """Choose the fixes that are matched: witnesses of their own, and both beside a gap or a change of the signal.

    Of fixes nearer to each other than their errors a vehicle seems to roll back and to turn round, and next to a turn
    little is certain. But where work begins and ends only the fixes there can tell.
    """
    chosen = np.zeros(len(track), np.bool_)
    chosen[witnesses(network, track.fixes)] = True
    chosen[[place for gap in gaps for place in (gap.before, gap.after) if place >= 0]] = True
    changes = np.flatnonzero(np.diff(track.working))
    chosen[changes] = chosen[changes + 1] = True
    return np.flatnonzero(chosen)


def _driven_mm(fixes: Fixes, rows: Traversals) -> Ints:
    """Length of the way between each two neighbouring fixes. Shape (n - 1,)."""
    length_mm = np.zeros(max(fixes.t_us.size - 1, 0), np.int64)
    np.add.at(length_mm, rows.fix, rows.to_mm.astype(np.int64) - rows.from_mm)
    return length_mm


def _pairs(track: Track, chosen: Ints, length_mm: Ints, work: Work) -> tuple[Flags, Flags]:
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
    could = ((length_mm + error_mm) * _SECOND_US >= work.slowest_mmps * dt_us) & fitting
    by_device = all_are(said)
    certain = all_are(track.working == WORKING) & np.where(by_device, all_are(fits) & fitting, least & most)
    possible = ~all_are(track.working == IDLE) & (could | (by_device & ~all_are(~fits)))
    return certain, possible | certain


def _joined(*parts: Pieces) -> Pieces:
    """Put pieces one after the other."""
    return Pieces(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pieces.__slots__))


def _widened(network: Network, rows: Traversals, chosen: Flags, widen_mm: Ints) -> Pieces:
    """Take the chosen rows' pieces, at both ends of a run widened by the error, or with a minus narrowed."""
    row, from_mm, until_mm = coverage.pieces(
        rows.fix,
        rows.segment,
        rows.direction,
        (rows.from_mm, rows.to_mm),
        chosen.astype(np.uint8),
        # One more where there is no fix: a pair of none is none.
        widen_mm if widen_mm.size else np.zeros(1, np.int64),
        network.length_mm,
    )
    return Pieces(rows.segment[row], from_mm, until_mm, rows.enter_us[row], rows.leave_us[row])


def _turns(network: Network, fixes: Fixes, rows: Traversals, spare_mm: Ints) -> Pieces:
    """Where a vehicle turned back, it may have gone on before, as far as its time between the fixes allowed."""
    is_turn = (np.diff(rows.segment) == 0) & (np.diff(rows.direction) != 0) & (np.diff(rows.fix) <= 1)
    row = np.flatnonzero(is_turn)
    segment = rows.segment[row]
    slack_mm = np.maximum(spare_mm // 2 + fixes.accuracy_mm[1:], 0)
    slack_mm = np.maximum(slack_mm[rows.fix[row]], slack_mm[rows.fix[row + 1]])
    turned_mm = np.where(rows.direction[row] > 0, rows.to_mm[row], rows.from_mm[row]).astype(np.int64)
    return Pieces(
        segment,
        np.maximum(turned_mm - slack_mm, 0).astype(np.int32),
        np.minimum(turned_mm + slack_mm, network.length_mm[segment]).astype(np.int32),
        rows.enter_us[row],
        rows.leave_us[row + 1],
    )


def _others(network: Network, fixes: Fixes, chosen: Ints, doubtful: Rows) -> Pieces:
    """Where the way is in doubt, whatever lies within the error of a fix may have been swept as well."""
    pair = np.unique(doubtful)
    first_fix, sizes = chosen[pair], chosen[pair + 1] - chosen[pair] + 1
    pair_of = np.repeat(np.arange(pair.size), sizes)
    # From the one witness to the other: those between were not matched, but they were somewhere.
    fix = first_fix[pair_of] + np.arange(pair_of.size) - (np.cumsum(sizes) - sizes)[pair_of]
    near_mm = near_of(fixes.accuracy_mm[fix])
    place, street, at_mm, _ = _around(network, fixes, fix, near_mm)
    # Near both ends of a pair: another carriageway, driven from the one fix to the other.
    order, first = _grouped(pair_of[place], street, len(network.segment_ids))
    low_mm = np.maximum(at_mm - near_mm[place], 0)
    high_mm = np.minimum(at_mm + near_mm[place], network.length_mm[street])
    segment, owner = street[order][first], pair[pair_of[place[order][first]]]
    found = Pieces(
        segment.astype(np.int32),
        _reduced(np.minimum, low_mm[order], first).astype(np.int32),
        _reduced(np.maximum, high_mm[order], first).astype(np.int32),
        fixes.t_us[chosen[owner]],
        fixes.t_us[chosen[owner + 1]],
    )
    return found.some(found.from_mm < found.until_mm)


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


def _visits(network: Network, proven: Pieces, possible: Pieces) -> Visits:
    """Gather pieces into visits."""
    every = _joined(proven, possible)
    is_proven = np.zeros(every.segment.size, np.uint8)
    is_proven[: proven.segment.size] = 1
    start, span_us, covered_mm = coverage.visits(
        every.segment,
        (every.from_mm, every.until_mm),
        (every.enter_us, every.leave_us),
        is_proven,
        VISIT_US,
        len(network.segment_ids),
    )
    return Visits(np.repeat(np.arange(start.size - 1), np.diff(start)), *span_us, *covered_mm)
