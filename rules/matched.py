"""Position fixes of a vehicle → its likeliest path over the streets, with what of it the fixes prove.

A path has holes where a vehicle was off all streets or silent for too long, and stretches that no fix saw: those are
*interpolated*. They are in the path, so that it can be followed, and are never proven. Between fixes far from each
other the path holds what was likelier driven than not (`rules.odds`), and has a hole where no street was.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import matching
from rules import paths
from rules.certainty import Judged, judge
from rules.odds import FAR_US, Likelier, Pieces, is_asking, likelier
from rules.paths import Fixes
from rules.places import Network, to_local
from rules.traversals import Traversals, traversals_of

Ints = NDArray[np.int64]

_PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Rows:
    """What was driven: one row for each two neighbouring fixes and segment, or part of one, in the order of driving.

    Parameters
    ----------
    fix : ndarray of int32
        k where the row lies between fix k and the next that was matched. Shape (m,). [index]
    segment : ndarray of int32
        Shape (m,). [index into the network]
    from_mm, to_mm : ndarray of int32
        Along the line from its first vertex, from <= to. Shape (m,). [mm]
    direction : ndarray of int8
        1 along the line, -1 against it. Shape (m,). [code]
    enter_us, leave_us : ndarray of int64
        Linear in the length of the way between the two fixes. Shape (m,). [us since 1970, UTC]
    is_proven : ndarray of bool
        False where the stretch is interpolated, or where another way could as well have been driven. Shape (m,).
    """

    fix: NDArray[np.int32]
    segment: NDArray[np.int32]
    from_mm: NDArray[np.int32]
    to_mm: NDArray[np.int32]
    direction: NDArray[np.int8]
    enter_us: Ints
    leave_us: Ints
    is_proven: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Matched(Rows):
    """The likeliest way from fix to fix as rows, all that is proven among them, and the path.

    Parameters
    ----------
    confidence_ppm : ndarray of int32
        How likely the vehicle was on this segment, in this direction, against its best rival. Shape (m,). [1e-6]
    fix_segment : ndarray of int32
        Segment that each fix lies on, -1 for none. Shape (n,). [index into the network]
    path : Rows
        The same rows, but between fixes far from each other: there, what is proven, and what else was likelier driven
        than not.
    """

    confidence_ppm: NDArray[np.int32]
    fix_segment: NDArray[np.int32]
    path: Rows


def match(network: Network, fixes: Fixes, max_gap_us: int) -> Matched:
    """Match the fixes of one vehicle to streets.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle; speed and course are used where they are said.
    max_gap_us : int
        The longest interval over which two fixes vouch for the way between them. [us]

    Returns
    -------
    Matched
        Where a chain of fixes breaks there is no row: ``leave_us`` of one row lies before ``enter_us`` of the next.
        So it is in its path where no street was likelier driven than not.

    Raises
    ------
    TypeError
        If a column is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend strictly, columns differ in length, an accuracy or `max_gap_us` is negative.

    Notes
    -----
    Of fixes that come by the second, those that are witnesses of their own decide (`rules.paths.witnesses`). A row is
    proven if it is certain (`rules.certainty.judge`) and a fix lies on its segment, within its error at least. The
    confidence is the odds of the path against the best one that is elsewhere at the fix: 500,000 is even. It speaks
    of the fixes at both ends of a row, not of what happened in between.

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009,
    doi:10.1145/1653771.1653818.
    """
    checked = paths.checked_of(fixes)
    chosen = paths.witnesses(network, checked)
    judged = judge(network, paths.some_of(checked, chosen), max_gap_us)
    rows, kept = traversals_of(network, judged, checked.t_us[chosen])
    path = judged.path
    before, after = judged.fix[kept], judged.following[judged.fix[kept]]
    segment = path.states.edge // 2
    is_seen = (segment[path.chosen[before]] == rows.segment) | (segment[path.chosen[after]] == rows.segment)
    fix_segment = np.full(checked.t_us.size, -1, np.int32)
    is_on = path.chosen >= 0
    fix_segment[chosen[is_on]] = segment[path.chosen[is_on]]
    fix, row = _others(network, checked, chosen, rows)
    fix_segment[fix] = rows.segment[row]
    is_seen[row] = True
    confidence_ppm = _confidence_ppm(path.margin)
    is_proven = rows.is_certain & is_seen
    told = found = Rows(
        fix=chosen[rows.fix].astype(np.int32),
        segment=rows.segment,
        from_mm=rows.from_mm,
        to_mm=rows.to_mm,
        direction=rows.direction,
        enter_us=rows.enter_us,
        leave_us=rows.leave_us,
        is_proven=is_proven,
    )
    if is_asking(path):
        t_us = checked.t_us[chosen]
        is_far = t_us[after] - t_us[before] >= FAR_US
        likely = likelier(network, path, _proven(network, judged, rows, t_us, is_proven & is_far))
        is_told = likely.state >= 0
        fix_segment[chosen[is_told]] = segment[likely.state[is_told]]
        told = _path(network, found, likely, (chosen, path.source, checked.t_us), likely.is_asked[after])
    return Matched(
        **{column.name: getattr(found, column.name) for column in fields(Rows)},
        confidence_ppm=np.minimum(confidence_ppm[before], confidence_ppm[after]),
        fix_segment=fix_segment,
        path=told,
    )


def _proven(network: Network, judged: Judged, rows: Traversals, t_us: Ints, is_proven: NDArray[np.bool_]) -> Pieces:
    """Give what is proven as pieces along edges."""
    before, segment = rows.fix[is_proven].astype(np.int64), rows.segment[is_proven].astype(np.int64)
    after = judged.following[before]
    is_back = rows.direction[is_proven] < 0
    low_mm, high_mm = (column[is_proven].astype(np.int64) for column in (rows.from_mm, rows.to_mm))
    begin_mm = np.where(is_back, network.length_mm[segment] - high_mm, low_mm)
    gap_us = np.maximum((t_us[after] - t_us[before]) // 1_000, 1)
    from_ppm, to_ppm = (
        (column[is_proven] - t_us[before]) * 1_000 // gap_us for column in (rows.enter_us, rows.leave_us)
    )
    return after, 2 * segment + is_back, begin_mm, begin_mm + high_mm - low_mm, from_ppm, to_ppm


def _path(
    network: Network, rows: Rows, likely: Likelier, fixes: tuple[Ints, Ints, Ints], is_asked: NDArray[np.bool_]
) -> Rows:
    """Put what was likelier driven than not in the place of rows; who stood still stands where nothing else is."""
    if not is_asked.any():
        return rows
    chosen, source, t_us = fixes
    first, last = chosen[source[likely.fix]], chosen[likely.fix]
    gap_us = t_us[last] - t_us[first]
    is_back = likely.edge % 2 == 1
    segment = likely.edge // 2
    length_mm = network.length_mm[segment]
    new = Rows(
        fix=first.astype(np.int32),
        segment=segment.astype(np.int32),
        from_mm=np.where(is_back, length_mm - likely.end_mm, likely.begin_mm).astype(np.int32),
        to_mm=np.where(is_back, length_mm - likely.begin_mm, likely.end_mm).astype(np.int32),
        direction=(1 - 2 * is_back).astype(np.int8),
        enter_us=t_us[first] + gap_us // _PPM * likely.from_ppm + gap_us % _PPM * likely.from_ppm // _PPM,
        leave_us=t_us[first] + gap_us // _PPM * likely.to_ppm + gap_us % _PPM * likely.to_ppm // _PPM,
        is_proven=likely.is_proven,
    )
    is_told = np.zeros(t_us.size, np.bool_)
    is_told[new.fix] = True
    stands = (rows.from_mm == rows.to_mm) & ~is_told[rows.fix]
    kept = ~is_asked | stands
    order = np.argsort(np.concatenate((rows.fix[kept], new.fix)), kind="stable")
    names = [column.name for column in fields(Rows)]
    joined = {name: np.concatenate((getattr(rows, name)[kept], getattr(new, name)))[order] for name in names}
    return Rows(**joined)


def _others(network: Network, fixes: Fixes, chosen: Ints, rows: Traversals) -> tuple[Ints, Ints]:
    """Find of the fixes that were not looked at those that lie within error of the path, and the row of each."""
    is_other = np.ones(fixes.t_us.size, np.bool_)
    is_other[chosen] = False
    fix = np.flatnonzero(is_other)
    if fix.size == 0:
        return fix, fix
    x_mm, y_mm = to_local(network, fixes.lon_e7[fix], fixes.lat_e7[fix])
    near_mm = np.minimum(paths.doubt_mm_of(fixes.accuracy_mm[fix]), paths.SEARCH_MAX_MM)
    path = (rows.fix.astype(np.int64), rows.segment.astype(np.int64), rows.enter_us, rows.leave_us)
    row = matching.beside(network.vertices, network.vertex_segment, path, (fixes.t_us[fix], x_mm, y_mm, near_mm))
    is_in = row >= 0
    return fix[is_in], row[is_in]


def _confidence_ppm(margin: Ints) -> NDArray[np.int32]:
    """Turn odds into shares: e**m to one is m's first six terms to one, which no library decides."""
    # Rivals beyond the beam were not looked at; and what is not in the model is likelier than they.
    m = np.minimum(np.maximum(margin, 0), paths.BEAM) / matching.COST_UNIT
    odds = 1 + m * (1 + m / 2 * (1 + m / 3 * (1 + m / 4 * (1 + m / 5 * (1 + m / 6)))))
    return np.floor(1_000_000 * (odds / (odds + 1))).astype(np.int32)
