"""The likeliest path of a vehicle → which parts of it the vehicle must have driven.

Each part is asked: *certain* is what every way of plausible length between two fixes goes over, from wherever within
the one fix's error to wherever within the other's. Doubt is left as doubt: two carriageways side by side, a block
that could have been rounded on either side, the last metres before a turn.
"""

from dataclasses import dataclass
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
# A fix beyond its error of the path, with more streets around than were looked at, or with an error wider than was
# searched, proves nothing.
_LIMITS: Final = (
    *(paths.STRANGE_MM, _PLAUSIBLE_COST, _PLAUSIBLE_RATIO, paths.URBAN_MMPS, paths.TOP_MMPS),
    *(paths.STREETS_MAX, paths.NEAR_ACCURACIES, paths.SEARCH_MAX_MM),
)


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
    states = (path.states.start, path.states.edge, path.states.along_mm, path.states.distance_mm)
    lengths_mm = path.end_mm - path.begin_mm
    following, start, fix, back_mm = matching.ordered(
        (path.chosen, path.source, path.row_start), (path.edge, path.end_mm), states
    )
    columns = (start, path.edge, lengths_mm)
    limits = np.array([max_gap_us, *_LIMITS], np.int64)
    plausible_mm, is_near = matching.vouched(
        path.fixes, fixes.accuracy_mm, states, (path.chosen, following), columns, limits
    )
    is_certain, off_mm, entered = _certain(network, path, is_near, plausible_mm, (fix, columns))
    rows = (start, fix, path.edge, path.begin_mm, path.end_mm, is_certain)
    start, fix, edge, begin_mm, end_mm, is_certain = matching.trimmed(rows, back_mm, off_mm, plausible_mm, entered)
    return Judged(path, following, start, fix, edge, begin_mm, end_mm, is_certain == 1)


def _certain(
    network: Network, path: Path, is_near: Ints, plausible_mm: Ints, rows: tuple[Ints, tuple[Ints, Ints, Ints]]
) -> tuple[Ints, tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Mark the rows that are certain; say how far off each fix, and where on rows, a vehicle may begin and end."""
    near_mm, (fix, columns) = path.fixes[4], rows
    ways = (network.graph, network.entry, network.adjacency[1])
    # Most states are none that matters here: without them every loop over a fix's states is short.
    states = (path.states.start, path.states.edge, path.states.along_mm)
    start, edge, along_mm, chosen = matching.kept(states, is_near, path.chosen)
    states = (start, edge, along_mm)
    fits = matching.possible(ways, states, np.ones(edge.size, np.int64), plausible_mm, near_mm, chosen)
    start, edge, along_mm, chosen = matching.kept(states, fits, chosen)
    states, fits = (start, edge, along_mm), np.ones(edge.size, np.int64)
    side = matching.sides(states, fits, chosen, columns, plausible_mm, near_mm)
    is_certain = matching.certain(ways, states, side, columns, plausible_mm)
    came_mm, went_mm = matching.entered(ways, states, fits, columns, plausible_mm, is_certain)
    # Who was on a row's street at its fix was there no further on, and no earlier, than the fix is near.
    for bound_mm, which in ((came_mm, 0), (went_mm, 1)):
        row = np.flatnonzero(bound_mm >= 0)
        bound_mm[row] = _extents(network, path, fix[row] + which, columns[1][row])[1 - which]
    return is_certain, _off_mm(network, path, side, (states, chosen)), (came_mm, went_mm)


def _extents(network: Network, path: Path, fix: Ints, edge: Ints) -> tuple[Ints, Ints]:
    """Find from where to where along edges they are near some fixes."""
    _, x_mm, y_mm, _, near_mm = path.fixes
    return matching.extents(network.vertices, network.vertex_segment, (x_mm, y_mm, near_mm), (fix, edge))


def _off_mm(
    network: Network, path: Path, side: Ints, kept: tuple[tuple[Ints, Ints, Ints], Ints]
) -> tuple[Ints, Ints]:
    """Say how far ahead along the path, and how far behind, a vehicle may be of where each fix was matched.

    In the street where it was matched, as far as that is near; round a corner the way is longer than the error is
    wide.
    """
    (start, edge, along_mm), chosen = kept
    fix, near_mm = np.flatnonzero(chosen >= 0), path.fixes[4]
    state = chosen[fix]
    low_mm, high_mm = _extents(network, path, fix, edge[state])
    of, count = np.repeat(np.arange(chosen.size), np.diff(start)), chosen.size
    found: list[Ints] = []
    for where, own_mm in ((matching.AHEAD, high_mm - along_mm[state]), (matching.BEHIND, along_mm[state] - low_mm)):
        is_round = np.bincount(of[side == where], minlength=count) > 0
        off_mm = np.where(is_round, 2 * near_mm, 0)
        off_mm[fix] = np.maximum(off_mm[fix], own_mm)
        found.append(off_mm)
    return found[0], found[1]
