"""Position fixes of a vehicle → the streets it drove, when, in which direction, and how surely.

The likeliest path over the network is found first (`kernels.matching`). Then each part of it is asked whether the
vehicle must have driven there: *certain* is what every way of plausible length between two fixes goes over, from
wherever within the one fix's error to wherever within the other's. Doubt is left as doubt: two carriageways side by
side, a block that could have been rounded on either side, the last metres before a turn. What a traversal is worth,
which ones sweep, and who bears a gap is left to others.

The numbers below are a model of receivers and drivers, not terms of a contract; each has its reason beside it.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import matching
from kernels._columns import column, times, whole
from rules.places import Network, to_local

Ints = NDArray[np.int64]

# How far a vehicle drives from the line in the map: half a street, and the draughtsman's hand.
_STREET_MM: Final = 4_000
# Three standard deviations: a fix beyond is one in 370. Less than 25 m loses wide streets, more than 200 m guesses.
_SEARCH_ACCURACIES: Final = 3
_SEARCH_MIN_MM, _SEARCH_MAX_MM = 25_000, 200_000
# More streets than meet at any junction; what is cut off counts as doubt.
_STREETS_MAX: Final = 16
# A way of the same trip is some metres longer than the straight line: corners, and the errors of both fixes.
_STRANGE_MM: Final = 5_000
# e**3: of twenty fixes that seem to turn back, one vehicle does.
_TURN_COST: Final = 3 * matching.COST_UNIT
# 144 km/h: no vehicle on a street, whatever its receiver says.
_SPEED_MAX_MM_S: Final = 40_000
# A block around in place of a street forbidden; in a grid of one-way streets the way is up to three times as long.
_DETOUR_MM, _DETOUR_RATIO = 500_000, 3
# How near another street must come to be a doubt: two standard deviations, and never less than a carriageway.
_NEAR_ACCURACIES, _NEAR_MIN_MM = 2, 8_000
# A way counts as plausible up to odds of one to e**10 against the matched one, up to twice its length, and up to what
# can be driven at 50 km/h, the usual limit in towns: whichever is the most. Without the last one, a vehicle that had
# driven the other way round a block between two fixes half a minute apart passed for one that drove this way.
_PLAUSIBLE_COST, _PLAUSIBLE_RATIO, _SPEED_URBAN_MM_S = 10, 2, 13_900
# 24 days at the top speed; keeps products within 64 bits.
_GAP_MAX_US: Final = 2**41


@dataclass(frozen=True, slots=True)
class Fixes:
    """Fixes of one vehicle, strictly ascending in time.

    Parameters
    ----------
    t_us : ndarray of int64
        Shape (n,). [us since 1970, UTC]
    lon_e7, lat_e7 : ndarray of int32
        Shape (n,). [1e-7 degree]
    accuracy_mm : ndarray of int32
        Radius that holds the true place in two of three cases; the contract's default where a fix says none.
        Shape (n,). [mm]
    speed_mmps, course_cdeg : ndarray of int32, optional
        Speed, and heading clockwise from north, as the device said them; -1 where it said none. Shape (n,) each.
        [mm/s, 0.01 degree]
    """

    t_us: Ints
    lon_e7: NDArray[np.int32]
    lat_e7: NDArray[np.int32]
    accuracy_mm: NDArray[np.int32]
    speed_mmps: NDArray[np.int32] | None = None
    course_cdeg: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Traversals:
    """What was driven: one row for each two neighbouring fixes and segment, or part of one, in order of time.

    Parameters
    ----------
    fix : ndarray of int32
        k where the row lies between fix k and fix k + 1. Shape (m,). [index]
    segment : ndarray of int32
        Shape (m,). [index into the network]
    from_mm, to_mm : ndarray of int32
        Along the line from its first vertex, from <= to. Shape (m,). [mm]
    direction : ndarray of int8
        1 along the line, -1 against it. Shape (m,). [code]
    enter_us, leave_us : ndarray of int64
        Linear in the length of the way between the two fixes. Shape (m,). [us since 1970, UTC]
    is_certain : ndarray of bool
        False where another way could as well have been driven. Shape (m,).
    """

    fix: NDArray[np.int32]
    segment: NDArray[np.int32]
    from_mm: NDArray[np.int32]
    to_mm: NDArray[np.int32]
    direction: NDArray[np.int8]
    enter_us: Ints
    leave_us: Ints
    is_certain: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Model:
    """The fixes on the plane, and what is asked of each two neighbours; lengths in millimetres."""

    accuracy: Ints
    near: Ints
    straight: Ints
    strange: Ints
    limit: Ints
    slack: Ints
    urban: Ints
    fastest: Ints


@dataclass(frozen=True, slots=True)
class _Match:
    """States of all fixes, the ways between them, and the likeliest path."""

    states: tuple[Ints, Ints, Ints]
    distance_mm: Ints
    pair_start: Ints
    way: tuple[Ints, Ints]
    chosen: Ints
    linked: Ints


@dataclass(frozen=True, slots=True)
class _Rows:
    """The path edge by edge: where each pair's rows start, and of each row edge, beginning and end along it.

    `back_mm` says of each pair by how much the vehicle seems to have rolled back.
    """

    start: Ints
    pair: Ints
    edge: Ints
    begin_mm: Ints
    end_mm: Ints
    back_mm: Ints
    is_certain: NDArray[np.bool_]


def traverse(network: Network, fixes: Fixes, max_gap_us: int) -> Traversals:
    """Match fixes to streets and tell what was driven, and what surely.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle.
    max_gap_us : int
        The longest interval over which two fixes vouch for the way between them. [us]

    Returns
    -------
    Traversals
        A pair of fixes further apart than `max_gap_us`, off all streets, or without a plausible way gives no rows.
        A vehicle that stands gives one row of no length for each pair, with the whole time; streets that a way
        only touches give none. One that seems to roll back by no more than both errors stands.

    Raises
    ------
    TypeError
        If a column is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend strictly, columns differ in length, an accuracy or `max_gap_us` is negative.

    Notes
    -----
    A row is certain if the fixes on both sides lie within their error of the path, the way between them does not turn
    round, and no other fits, turning round or not: from no place within error of the one fix to any within error of
    the other, on whatever street, is there a way around the row that is plausible in length (`_plausible_mm`).
    Places that no vehicle can have come to or gone on from are left out, and so is the path itself a little before or
    after a fix: an error along the street changes when it was driven, not whether. It does change it at the ends of
    a chain and where the vehicle turns round, so there the error's length is not certain.

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009,
    doi:10.1145/1653771.1653818.
    """
    checked = _checked(fixes)
    max_gap_us = whole("max_gap_us", max_gap_us, 0)
    model, places = _model(network, checked, max_gap_us)
    match = _matched(network, model, places)
    rows = _driven(network, model, match)
    plausible_mm, is_near = _plausible_mm(model, match, rows)
    rows = _judged(network, model, match, rows, (plausible_mm, is_near))
    return _rows_in_time(network, checked.t_us, _trimmed(rows, model.near, plausible_mm))


def path(network: Network, fixes: Fixes, max_gap_us: int) -> list[tuple[str, int]]:
    """List the streets driven, each with its direction, without repeating one that goes on.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle.
    max_gap_us : int
        As in `traverse`. [us]

    Returns
    -------
    list of tuple of str and int
        Segment and direction, 1 along its line and -1 against it.

    Raises
    ------
    TypeError, ValueError
        As `traverse`.

    Notes
    -----
    Where a chain of fixes begins or ends on a street by less than its fix's accuracy, the vehicle may have been at
    the junction and never in that street: it is left out, unless the chain has no other.
    """
    found = traverse(network, fixes, max_gap_us)
    moved = found.to_mm > found.from_mm
    fix, segment, direction = found.fix[moved], found.segment[moved], found.direction[moved]
    length_mm = (found.to_mm - found.from_mm)[moved].astype(np.int64)
    chain = _chains(found.fix)[moved]
    steps: list[tuple[str, int]] = []
    for one in np.unique(chain):
        rows = np.flatnonzero(chain == one)
        changes = (np.diff(segment[rows], prepend=-1) != 0) | (np.diff(direction[rows], prepend=0) != 0)
        first = rows[changes]
        driven_mm = np.add.reduceat(length_mm[rows], np.flatnonzero(changes))
        ends_mm = fixes.accuracy_mm[fix[rows[0]]], fixes.accuracy_mm[fix[rows[-1]] + 1]
        begin = 1 if first.size > 1 and driven_mm[0] < ends_mm[0] else 0
        end = first.size - (1 if first.size - begin > 1 and driven_mm[-1] < ends_mm[1] else 0)
        for row in first[begin:end]:
            step = (network.segment_ids[segment[row]], int(direction[row]))
            if not steps or steps[-1] != step:
                steps.append(step)
    return steps


def _checked(fixes: Fixes) -> Fixes:
    t_us = times(fixes.t_us)
    accuracy_mm = column("accuracy_mm", fixes.accuracy_mm, np.int32, t_us.size)
    if accuracy_mm.size and accuracy_mm.min() < 0:
        raise ValueError(f"accuracy_mm holds {accuracy_mm.min()}; pass a radius")
    lon_e7 = column("lon_e7", fixes.lon_e7, np.int32, t_us.size)
    return Fixes(t_us, lon_e7, column("lat_e7", fixes.lat_e7, np.int32, t_us.size), accuracy_mm)


def _chains(fix: NDArray[np.int32]) -> Ints:
    """Number the chains of pairs that follow on each other."""
    return np.cumsum(np.diff(fix, prepend=fix[:1]) > 1, dtype=np.int64)


def _model(network: Network, fixes: Fixes, max_gap_us: int) -> tuple[_Model, tuple[Ints, Ints, Ints]]:
    """Turn accuracies and times into what the kernels are told."""
    x_mm, y_mm = to_local(network, fixes.lon_e7, fixes.lat_e7)
    accuracy = np.minimum(fixes.accuracy_mm.astype(np.int64), _SEARCH_MAX_MM)
    search = np.clip(_SEARCH_ACCURACIES * accuracy, _SEARCH_MIN_MM, _SEARCH_MAX_MM)
    near = np.clip(_NEAR_ACCURACIES * accuracy, _NEAR_MIN_MM, search)
    squared = np.diff(x_mm).astype(np.float64) ** 2 + np.diff(y_mm).astype(np.float64) ** 2
    straight = np.floor(np.sqrt(squared) + 0.5).astype(np.int64)
    slack = near[:-1] + near[1:]
    gap_us = np.diff(fixes.t_us)
    gap_ms = np.minimum(gap_us, _GAP_MAX_US) // 1_000
    fastest = gap_ms * _SPEED_MAX_MM_S // 1_000 + slack
    # What is plausible below is possible here.
    urban = gap_ms * _SPEED_URBAN_MM_S // 1_000
    limit = np.minimum(fastest, np.maximum(_DETOUR_RATIO * straight + _DETOUR_MM, urban + slack))
    # A turn-round weighs as its length in the search, so that a quick turn is not taken for a jump.
    limit = np.where((gap_us > max_gap_us) | (straight > fastest), -1, limit + matching.TURN_MM)
    strange = _STRANGE_MM + (accuracy[:-1] + accuracy[1:]) // 2
    return _Model(accuracy, near, straight, strange, limit, slack, urban, fastest), (x_mm, y_mm, search)


def _matched(network: Network, model: _Model, places: tuple[Ints, Ints, Ints]) -> _Match:
    """Find all states, the ways between them, and the likeliest path."""
    street = network.vertex_segment
    (start, segment), (at_mm, distance_mm) = matching.locate(
        network.vertices, street, network.grid, places, _STREETS_MAX
    )
    # One state for each direction in which the street may be driven.
    sizes = 2 - network.is_oneway[segment]
    state_start = np.concatenate(([0], np.cumsum(sizes)))[start]
    source = np.repeat(np.arange(segment.size), sizes)
    is_against = np.diff(source, prepend=-1) == 0
    edge = 2 * segment[source] + is_against
    along_mm = np.where(is_against, network.length_mm[segment[source]] - at_mm[source], at_mm[source])
    distance_mm = distance_mm[source]
    states = (state_start, edge, along_mm)
    counts = np.diff(state_start)
    pair_start = np.concatenate(([0], np.cumsum(np.where(model.limit < 0, 0, counts[:-1] * counts[1:]))))
    way = matching.ways(network.edges, network.adjacency, states, pair_start, model.limit, model.slack)
    variance = np.repeat(model.accuracy**2 + _STREET_MM**2, counts)
    emission = distance_mm**2 * (matching.COST_UNIT // 2) // variance
    chosen, linked = matching.decode(
        state_start, emission, pair_start, way, (model.straight, model.strange), _TURN_COST
    )
    return _Match(states, distance_mm, pair_start, way, chosen, linked)


def _driven(network: Network, model: _Model, match: _Match) -> _Rows:
    """List the edges of the path."""
    matched = (match.chosen, match.linked)
    start, edge, begin_mm = matching.routes(
        network.edges, network.adjacency, match.states, matched, model.limit, model.slack
    )
    pair = np.repeat(np.arange(start.size - 1), np.diff(start))
    end_mm = network.edges[1][edge]
    last = start[1:][match.linked == 1] - 1
    until_mm = match.states[2][match.chosen[1:][match.linked[:-1] == 1]]
    end_mm[last] = np.maximum(until_mm, begin_mm[last])
    back_mm = np.zeros(match.linked.size, np.int64)
    back_mm[match.linked == 1] = end_mm[last] - until_mm
    return _Rows(start, pair, edge, begin_mm, end_mm, back_mm, np.zeros(edge.size, np.bool_))


def _plausible_mm(model: _Model, match: _Match, rows: _Rows) -> tuple[Ints, Ints]:
    """Say for each pair how long a way may be, -1 where nothing is certain; and which states lie within error."""
    counts = np.diff(match.states[0])
    near = np.repeat(model.near, counts)
    is_near = match.distance_mm <= near
    driven_mm = np.bincount(rows.pair, rows.end_mm - rows.begin_mm, match.linked.size).astype(np.int64)[:-1]
    longer_mm = np.maximum(_PLAUSIBLE_RATIO * driven_mm, driven_mm + _PLAUSIBLE_COST * model.strange)
    plausible_mm = np.minimum(np.maximum(longer_mm, model.urban) + model.slack, model.fastest)
    # A fix beyond its error of the path, with more streets around than were looked at, or with an error wider than
    # was searched, proves nothing; nor does a pair of which not every plausible way was looked for.
    has_state = match.chosen >= 0
    is_trusted = has_state.copy()
    is_trusted[has_state] = is_near[match.chosen[has_state]]
    owner = np.repeat(np.arange(counts.size), counts)
    is_trusted &= np.bincount(owner[is_near], minlength=counts.size) < _STREETS_MAX
    is_trusted &= _NEAR_ACCURACIES * model.accuracy <= _SEARCH_MAX_MM
    turns = np.zeros(driven_mm.size, np.bool_)
    first, second = match.chosen[:-1], match.chosen[1:]
    linked = match.linked[:-1] == 1
    offset = (first - match.states[0][:-2]) * counts[1:] + second - match.states[0][1:-1]
    turns[linked] = match.way[1][(match.pair_start[:-1] + offset)[linked]] > 0
    is_asked = linked & is_trusted[:-1] & is_trusted[1:] & ~turns & (plausible_mm <= model.limit)
    return np.where(is_asked, plausible_mm, -1), is_near.astype(np.int64)


def _judged(network: Network, model: _Model, match: _Match, rows: _Rows, bounds: tuple[Ints, Ints]) -> _Rows:
    """Ask each row whether it is certain."""
    plausible_mm, is_near = bounds
    fits = matching.possible(match.states[0], is_near, match.pair_start, match.way, plausible_mm, match.chosen)
    columns = (rows.start, rows.edge, rows.end_mm - rows.begin_mm)
    side = matching.sides(match.states, fits, match.chosen, columns, plausible_mm, model.near)
    is_certain = matching.certain(network.edges, network.adjacency, match.states, side, columns, plausible_mm)
    return replace(rows, is_certain=is_certain == 1)


def _trimmed(rows: _Rows, near: Ints, plausible_mm: Ints) -> _Rows:
    """Take certainty from both ends of each chain, by the errors of the fixes there, cutting rows in two or three."""
    length_mm = rows.end_mm - rows.begin_mm
    walked_mm = np.concatenate(([0], np.cumsum(length_mm)))
    # Where each fix lies along the path: not what was walked, as fixes of a vehicle that stands go to and fro.
    rolled_mm = walked_mm[rows.start] - np.concatenate(([0], np.cumsum(rows.back_mm)))
    before_mm = rolled_mm[rows.pair] + walked_mm[:-1] - walked_mm[rows.start[rows.pair]]
    after_mm = before_mm + length_mm
    # It began no further on than every fix allows, and came at least as far as one fix proves. Round a corner the
    # way is longer than the error is wide.
    chain, bounds = _chains_of(plausible_mm >= 0)
    far = np.iinfo(np.int64).max
    from_mm = np.minimum.reduceat(np.append(rolled_mm[:-1] + 2 * near, far), bounds)[::2][chain[rows.pair]]
    until_mm = np.maximum.reduceat(np.append(rolled_mm[:-1] - 2 * near, -far), bounds)[::2][chain[rows.pair]]
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
    pair = rows.pair[row]
    return _Rows(
        np.searchsorted(pair, np.arange(rows.start.size)),
        pair,
        rows.edge[row],
        offset_mm[part, row],
        offset_mm[part + 1, row],
        rows.back_mm,
        part == 1,
    )


def _chains_of(is_link: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Number the chains of pairs that are links, each other pair being one of its own.

    Gives the chain of each pair, and for each chain its first fix and the one after its last, one after the other.
    """
    is_first = np.concatenate(([True], ~(is_link[1:] & is_link[:-1])))[: is_link.size]
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], is_link.size)[: first.size] - 1
    return np.cumsum(is_first) - 1, np.stack([first, last + 2]).T.ravel()


def _rows_in_time(network: Network, t_us: Ints, rows: _Rows) -> Traversals:
    """Give rows their times and their place along the line, and drop the streets only touched."""
    length_mm = rows.end_mm - rows.begin_mm
    walked_mm = np.concatenate(([0], np.cumsum(length_mm)))
    before_mm = walked_mm[:-1] - walked_mm[rows.start[rows.pair]]
    whole_mm = walked_mm[rows.start[rows.pair + 1]] - walked_mm[rows.start[rows.pair]]
    begun_us, ended_us = t_us[rows.pair], t_us[rows.pair + 1]
    enter_us = begun_us + _share(ended_us - begun_us, before_mm, whole_mm)
    leave_us = np.where(
        whole_mm > 0, begun_us + _share(ended_us - begun_us, before_mm + length_mm, whole_mm), ended_us
    )
    is_first = np.diff(rows.pair, prepend=-1) != 0
    kept = np.flatnonzero((length_mm > 0) | ((whole_mm == 0) & is_first))
    segment, is_against = rows.edge // 2, rows.edge % 2 == 1
    end_of_line_mm = network.length_mm[segment]
    from_mm = np.where(is_against, end_of_line_mm - rows.end_mm, rows.begin_mm)
    to_mm = np.where(is_against, end_of_line_mm - rows.begin_mm, rows.end_mm)
    return Traversals(
        fix=rows.pair[kept].astype(np.int32),
        segment=segment[kept].astype(np.int32),
        from_mm=from_mm[kept].astype(np.int32),
        to_mm=to_mm[kept].astype(np.int32),
        direction=np.where(is_against, -1, 1)[kept].astype(np.int8),
        enter_us=enter_us[kept],
        leave_us=leave_us[kept],
        is_certain=rows.is_certain[kept],
    )


def _share(gap_us: Ints, part_mm: Ints, whole_mm: Ints) -> Ints:
    """Take part / whole of a time, rounded down; in two steps, as the product of a long gap would not fit."""
    whole_mm = np.maximum(whole_mm, 1)
    return gap_us // whole_mm * part_mm + gap_us % whole_mm * part_mm // whole_mm


def near_of(accuracy_mm: int) -> int:
    """How near another street must come to a fix to be a doubt [mm]."""
    return max(_NEAR_ACCURACIES * accuracy_mm, _NEAR_MIN_MM)
