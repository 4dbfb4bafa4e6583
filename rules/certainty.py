"""The likeliest path of a vehicle → which parts of it the vehicle must have driven.

Each part is asked: *certain* is what every way of plausible length between two fixes goes over, from wherever within
the one fix's error to wherever within the other's. Doubt is left as doubt: two carriageways side by side, a block
that could have been rounded on either side, the last metres before a turn.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import matching
from kernels._columns import whole
from rules import paths
from rules.paths import Fixes, Path
from rules.places import Network

Ints = NDArray[np.int64]

# A way counts as plausible up to odds of one to e**10 against the matched one, up to twice its length, and up to what
# can be driven at 50 km/h, the usual limit in towns: whichever is the most. Without the last one, a vehicle that had
# driven the other way round a block between two fixes half a minute apart passed for one that drove this way.
_PLAUSIBLE_COST, _PLAUSIBLE_RATIO = 10, 2
# 24 days; keeps products with a speed within 64 bits.
_GAP_MAX_US: Final = 2**41


@dataclass(frozen=True, slots=True)
class Judged:
    """The path edge by edge, each row between two linked fixes.

    Parameters
    ----------
    path : Path
    following : ndarray of int64
        The fix that follows each fix on the path, -1 where none. Shape (n,). [index]
    start : ndarray of int64
        The rows from fix k on are those from ``start[k]`` to before ``start[k + 1]``. Shape (n + 1,). [index]
    fix : ndarray of int64
        The fix that each row follows. Shape (m,). [index]
    edge : ndarray of int64
        Shape (m,). [index]
    begin_mm, end_mm : ndarray of int64
        Along the edge, from where it begins. Shape (m,). [mm]
    back_mm : ndarray of int64
        By how much the vehicle seems to have rolled back after each fix. Shape (n,). [mm]
    is_certain : ndarray of bool
        Shape (m,).
    """

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
    """Find the likeliest path, and what of it is certain.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle.
    max_gap_us : int
        The longest interval over which two fixes vouch for the way between them. [us]

    Returns
    -------
    Judged
        Rows in the order of time, cut where certainty begins or ends.

    Raises
    ------
    TypeError
        If a column is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend strictly, columns differ in length, an accuracy or `max_gap_us` is negative.

    Notes
    -----
    A row is certain if the fixes on both sides are neighbours and lie within their error of the path, the way between
    them does not turn round, and no other fits, turning round or not: from no place within error of the one fix to
    any within error of the other, on whatever street, is there a way around the row that is plausible in length
    (`_plausible_mm`). Places that no vehicle can have come to or gone on from are left out, and so is the path itself
    a little before or after a fix: an error along the street changes when it was driven, not whether. It does change
    it at the ends of a chain and where the vehicle turns round, so there the error's length is not certain.

    References
    ----------
    None: the definition is this project's own.
    """
    max_gap_us = whole("max_gap_us", max_gap_us, 0)
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
    return _trimmed(replace(rows, is_certain=is_certain == 1), near_mm, plausible_mm, entered)


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


def _trimmed(rows: Judged, near_mm: Ints, plausible_mm: Ints, entered: tuple[Ints, Ints]) -> Judged:
    """Take certainty from both ends of each chain, by the errors of the fixes there, cutting rows in two or three.

    So also where a vehicle may have begun in a street of the path, or ended (`kernels.matching.entered`).
    """
    length_mm = rows.end_mm - rows.begin_mm
    walked_mm = np.concatenate(([0], np.cumsum(length_mm)))
    # Where each fix lies along the path: not what was walked, as fixes of a vehicle that stands go to and fro.
    rolled_mm = walked_mm[rows.start[:-1]] - np.concatenate(([0], np.cumsum(rows.back_mm)))[:-1]
    before_mm = rolled_mm[rows.fix] + walked_mm[:-1] - walked_mm[rows.start[rows.fix]]
    after_mm = before_mm + length_mm
    # It began no further on than every fix allows, and came at least as far as one fix proves. Round a corner the
    # way is longer than the error is wide.
    chain, bounds = _chains_of(plausible_mm[:-1] >= 0)
    far = np.iinfo(np.int64).max
    chain = np.append(chain, -1)
    from_mm = np.minimum.reduceat(np.append(rolled_mm + 2 * near_mm, far), bounds)[::2][chain[rows.fix]]
    until_mm = np.maximum.reduceat(np.append(rolled_mm - 2 * near_mm, -far), bounds)[::2][chain[rows.fix]]
    # Who began in the street, or ended in it, was no further off than a fix allows; so for all rows after, or before.
    came_mm, went_mm = (before_mm + column - rows.begin_mm for column in entered)
    came_mm = np.where(entered[0] >= 0, came_mm + 2 * near_mm[rows.fix], -far)
    went_mm = np.where(entered[1] >= 0, went_mm - 2 * near_mm[rows.fix + 1], far)
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
