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
    is_certain, entered = _certain(network, path, is_near, plausible_mm, columns)
    rows = (start, fix, path.edge, path.begin_mm, path.end_mm, is_certain)
    start, fix, edge, begin_mm, end_mm, is_certain = matching.trimmed(
        rows, back_mm, path.fixes[4], plausible_mm, entered
    )
    return Judged(path, following, start, fix, edge, begin_mm, end_mm, is_certain == 1)


def _certain(
    network: Network, path: Path, is_near: Ints, plausible_mm: Ints, columns: tuple[Ints, Ints, Ints]
) -> tuple[Ints, tuple[Ints, Ints]]:
    """Mark the rows that are certain, and say where on them a vehicle may have begun and ended."""
    near_mm = path.fixes[4]
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
    return is_certain, matching.entered(ways, states, fits, columns, plausible_mm, is_certain)
