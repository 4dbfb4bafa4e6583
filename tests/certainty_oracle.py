"""What of a path is certain, and when it was driven, by whole columns: another way than `kernels._linked`."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import matching
from rules import paths
from rules.paths import Fixes, Path
from rules.places import Network
from rules.traversals import Traversals

Ints = NDArray[np.int64]

_PLAUSIBLE_COST, _PLAUSIBLE_RATIO = 10, 2
_GAP_MAX_US: Final = 2**41


@dataclass(frozen=True, slots=True)
class Judged:
    """As of `rules.certainty`, and by how much the vehicle rolled back after each fix."""

    path: Path
    following: Ints
    start: Ints
    fix: Ints
    edge: Ints
    begin_mm: Ints
    end_mm: Ints
    back_mm: Ints
    is_certain: NDArray[np.bool_]


def judge(network: Network, fixes: Fixes, max_gap_us: int) -> Judged:
    path = paths.likeliest(network, fixes, max_gap_us)
    rows = _rows(path)
    if rows.fix.size == 0:
        return rows
    plausible_mm, is_near = _plausible_mm(path, rows, fixes.accuracy_mm, max_gap_us)
    states = (path.states.start, path.states.edge, path.states.along_mm)
    near_mm = path.fixes[4]
    ways = (network.graph, network.entry, network.adjacency[1])
    fits = matching.possible(ways, states, is_near, plausible_mm, near_mm, path.chosen)
    columns = (rows.start, rows.edge, rows.end_mm - rows.begin_mm)
    side = matching.sides(states, fits, path.chosen, columns, plausible_mm, near_mm)
    is_certain = matching.certain(ways, states, side, columns, plausible_mm)
    entered = matching.entered(ways, states, fits, columns, plausible_mm, is_certain)
    rows = replace(rows, is_certain=is_certain == 1)
    return _trimmed(rows, _off_mm(network, path, side), plausible_mm, _bounds_mm(network, rows, entered))


def _off_mm(network: Network, path: Path, side: Ints) -> tuple[Ints, Ints]:
    """Say how far ahead of each matched fix, and how far behind, a vehicle may be: fix by fix."""
    ahead_mm, behind_mm = (np.zeros(path.chosen.size, np.int64) for _ in range(2))
    for fix in np.flatnonzero(path.chosen >= 0).tolist():
        state, sides = path.chosen[fix], side[path.states.start[fix] : path.states.start[fix + 1]].tolist()
        low_mm, high_mm = extent_mm(network, path, fix, int(path.states.edge[state]))
        along_mm, round_mm = int(path.states.along_mm[state]), 2 * int(path.fixes[4][fix])
        ahead_mm[fix] = max(high_mm - along_mm, round_mm if matching.AHEAD in sides else 0)
        behind_mm[fix] = max(along_mm - low_mm, round_mm if matching.BEHIND in sides else 0)
    return ahead_mm, behind_mm


def _bounds_mm(network: Network, rows: Judged, entered: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Say along each row's edge how far on a vehicle may have begun, and how early it may have ended."""
    came_mm, went_mm = (column.copy() for column in entered)
    for row in range(rows.fix.size):
        fix, edge = int(rows.fix[row]), int(rows.edge[row])
        if came_mm[row] >= 0:
            came_mm[row] = extent_mm(network, rows.path, fix, edge)[1]
        if went_mm[row] >= 0:
            went_mm[row] = extent_mm(network, rows.path, fix + 1, edge)[0]
    return came_mm, went_mm


def extent_mm(network: Network, path: Path, fix: int, edge: int) -> tuple[int, int]:
    """Find from where to where along an edge it is near a fix."""
    _, x_mm, y_mm, _, near_mm = (column[[fix]] for column in path.fixes)
    asked = np.array([0], np.int64), np.array([edge], np.int64)
    found = matching.extents(network.vertices, network.vertex_segment, (x_mm, y_mm, near_mm), asked)
    return int(found[0][0]), int(found[1][0])


def links(path: Path, accuracy_mm: NDArray[np.int32], max_gap_us: int) -> Ints:
    """Say how long the way from each fix to the next may be, -1 where nothing is certain."""
    return _plausible_mm(path, _rows(path), accuracy_mm, max_gap_us)[0]


def _rows(path: Path) -> Judged:
    """Order the rows of the path by the fix they follow."""
    count = path.source.size
    linked = np.flatnonzero(path.source >= 0)
    following = np.full(count, -1, np.int64)
    following[path.source[linked]] = linked
    sizes = np.zeros(count, np.int64)
    sizes[path.source[linked]] = np.diff(path.row_start)[linked]
    start = np.concatenate(([0], np.cumsum(sizes)))
    fix = np.repeat(np.arange(count), sizes)
    back_mm = np.zeros(count, np.int64)
    last, until = start[path.source[linked] + 1] - 1, path.chosen[linked]
    is_same = path.edge[last] == path.states.edge[until]
    rolled_mm = path.end_mm[last] - path.states.along_mm[until]
    back_mm[path.source[linked]] = np.where(is_same, np.maximum(rolled_mm, 0), 0)
    is_certain = np.zeros(fix.size, np.bool_)
    return Judged(path, following, start, fix, path.edge, path.begin_mm, path.end_mm, back_mm, is_certain)


def _plausible_mm(path: Path, rows: Judged, said_mm: NDArray[np.int32], max_gap_us: int) -> tuple[Ints, Ints]:
    """Say for each fix how long a way to the next may be, -1 where nothing is certain; and which states are near."""
    t_us, _, _, accuracy_mm, near_mm = path.fixes
    counts = np.diff(path.states.start)
    is_near = path.states.distance_mm <= np.repeat(near_mm, counts)
    gap_ms = np.minimum(np.diff(t_us), _GAP_MAX_US) // 1_000
    slack_mm = near_mm[:-1] + near_mm[1:]
    strange_mm = paths.STRANGE_MM + (accuracy_mm[:-1] + accuracy_mm[1:]) // 2
    walked_mm = np.concatenate(([0], np.cumsum(rows.end_mm - rows.begin_mm)))
    driven_mm = np.diff(walked_mm[rows.start])[:-1]
    longer_mm = np.maximum(_PLAUSIBLE_RATIO * driven_mm, driven_mm + _PLAUSIBLE_COST * strange_mm)
    urban_mm, fastest_mm = (gap_ms * speed // 1_000 for speed in (paths.URBAN_MMPS, paths.TOP_MMPS))
    plausible_mm = np.minimum(np.maximum(longer_mm, urban_mm), fastest_mm) + slack_mm
    # A fix beyond its error of the path, with more streets around than were looked at, or with an error wider than
    # was searched, proves nothing.
    is_trusted = path.chosen >= 0
    is_trusted[is_trusted] = is_near[path.chosen[is_trusted]]
    near_counts = np.concatenate(([0], np.cumsum(is_near)))[path.states.start]
    is_trusted &= np.diff(near_counts) < paths.STREETS_MAX
    is_trusted &= paths.NEAR_ACCURACIES * said_mm.astype(np.int64) <= paths.SEARCH_MAX_MM
    is_asked = (rows.following[:-1] == np.arange(1, t_us.size)) & (np.diff(t_us) <= max_gap_us)
    is_asked &= is_trusted[:-1] & is_trusted[1:] & ~_turns(path, rows)[:-1]
    # The last fix has none after it; its place is kept, so that fixes and ways are counted alike.
    return np.append(np.where(is_asked, plausible_mm, -1), -1), is_near.astype(np.int64)


def _turns(path: Path, rows: Judged) -> NDArray[np.bool_]:
    """Tell from which fixes on the path turns round before the next."""
    turns = np.zeros(rows.following.size, np.bool_)
    is_round = (rows.edge[1:] == rows.edge[:-1] ^ 1) & (rows.fix[1:] == rows.fix[:-1])
    turns[rows.fix[1:][is_round]] = True
    # Round in one street: the row is of the one direction, and one of the fixes of the other.
    linked = np.flatnonzero(rows.following >= 0)
    edges = path.states.edge
    turns[linked] |= edges[path.chosen[linked]] != rows.edge[rows.start[linked]]
    turns[linked] |= edges[path.chosen[rows.following[linked]]] != rows.edge[rows.start[linked + 1] - 1]
    return turns


def _trimmed(rows: Judged, off_mm: tuple[Ints, Ints], plausible_mm: Ints, entered: tuple[Ints, Ints]) -> Judged:
    """Take certainty from both ends of each chain, by the errors of the fixes there, cutting rows in two or three.

    So also where a vehicle may have begun in a street of the path, or ended (`kernels.matching.entered`).
    """
    length_mm = rows.end_mm - rows.begin_mm
    walked_mm = np.concatenate(([0], np.cumsum(length_mm)))
    # Where each fix lies along the path: not what was walked, as fixes of a vehicle that stands go to and fro.
    rolled_mm = walked_mm[rows.start[:-1]] - np.concatenate(([0], np.cumsum(rows.back_mm)))[:-1]
    before_mm = rolled_mm[rows.fix] + walked_mm[:-1] - walked_mm[rows.start[rows.fix]]
    after_mm = before_mm + length_mm
    # It began no further on than every fix allows, and came at least as far as one fix proves.
    chain, bounds = _chains_of(plausible_mm[:-1] >= 0)
    far = np.iinfo(np.int64).max
    chain = np.append(chain, -1)
    from_mm = np.minimum.reduceat(np.append(rolled_mm + off_mm[0], far), bounds)[::2][chain[rows.fix]]
    until_mm = np.maximum.reduceat(np.append(rolled_mm - off_mm[1], -far), bounds)[::2][chain[rows.fix]]
    # Who began in the street, or ended in it, was no further off than a fix allows; so for all rows after, or before.
    came_mm, went_mm = (before_mm + column - rows.begin_mm for column in entered)
    came_mm = np.where(entered[0] >= 0, came_mm, -far)
    went_mm = np.where(entered[1] >= 0, went_mm, far)
    from_mm = np.maximum(from_mm, np.maximum.accumulate(came_mm))
    until_mm = np.minimum(until_mm, np.minimum.accumulate(went_mm[::-1])[::-1])
    is_inside = (from_mm <= before_mm) & (after_mm <= until_mm)
    from_mm = np.where(rows.is_certain, np.clip(from_mm, before_mm, after_mm), after_mm)
    until_mm = np.where(rows.is_certain, np.clip(until_mm, from_mm, after_mm), after_mm)
    stands = is_inside & rows.is_certain & (length_mm == 0)
    cuts_mm = np.stack([before_mm, from_mm, until_mm, after_mm])
    offset_mm = cuts_mm - before_mm + rows.begin_mm
    is_kept = np.diff(cuts_mm, axis=0) > 0
    # A row of no length has no part that is longer; it is kept once, and certain if it was.
    is_kept[0] |= (length_mm == 0) & ~stands
    is_kept[1] |= stands
    row, part = np.nonzero(is_kept.T)
    fix = rows.fix[row]
    return replace(
        rows,
        start=np.searchsorted(fix, np.arange(rows.start.size)),
        fix=fix,
        edge=rows.edge[row],
        begin_mm=offset_mm[part, row],
        end_mm=offset_mm[part + 1, row],
        is_certain=part == 1,
    )


def _chains_of(is_link: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Number the chains of pairs that are links, each other pair being one of its own.

    Gives the chain of each pair, and for each chain its first fix and the one after its last, one after the other.
    """
    is_first = np.concatenate(([True], ~(is_link[1:] & is_link[:-1])))[: is_link.size]
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], is_link.size)[: first.size] - 1
    return np.cumsum(is_first) - 1, np.stack([first, last + 2]).T.ravel()


def traversals_of(network: Network, judged: Judged, t_us: Ints) -> tuple[Traversals, Ints]:
    length_mm = judged.end_mm - judged.begin_mm
    walked_mm = np.concatenate(([0], np.cumsum(length_mm)))
    first, after = judged.start[judged.fix], judged.start[judged.fix + 1]
    before_mm = walked_mm[:-1] - walked_mm[first]
    whole_mm = walked_mm[after] - walked_mm[first]
    begun_us, ended_us = t_us[judged.fix], t_us[judged.following[judged.fix]]
    enter_us = begun_us + _share(ended_us - begun_us, before_mm, whole_mm)
    leave_us = np.where(
        whole_mm > 0, begun_us + _share(ended_us - begun_us, before_mm + length_mm, whole_mm), ended_us
    )
    is_first = np.diff(judged.fix, prepend=-1) != 0
    kept = np.flatnonzero((length_mm > 0) | ((whole_mm == 0) & is_first))
    segment, is_against = judged.edge // 2, judged.edge % 2 == 1
    end_of_line_mm = network.length_mm[segment]
    from_mm = np.where(is_against, end_of_line_mm - judged.end_mm, judged.begin_mm)
    to_mm = np.where(is_against, end_of_line_mm - judged.begin_mm, judged.end_mm)
    rows = Traversals(
        fix=judged.fix[kept].astype(np.int32),
        segment=segment[kept].astype(np.int32),
        from_mm=from_mm[kept].astype(np.int32),
        to_mm=to_mm[kept].astype(np.int32),
        direction=np.where(is_against, -1, 1)[kept].astype(np.int8),
        enter_us=enter_us[kept],
        leave_us=leave_us[kept],
        is_certain=judged.is_certain[kept],
    )
    return rows, kept


def _share(gap_us: Ints, part_mm: Ints, whole_mm: Ints) -> Ints:
    """Take part / whole of a time, rounded down; in two steps, as the product of a long gap would not fit."""
    whole_mm = np.maximum(whole_mm, 1)
    return gap_us // whole_mm * part_mm + gap_us % whole_mm * part_mm // whole_mm
