"""Position fixes of a vehicle → its likeliest path over the streets, edge by edge.

What receivers and drivers are like stands here, as numbers with reasons; what follows for a contract is left to
others, and so is what of the path is proven. An edge is a segment with a direction (`rules.places.Network`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import matching
from kernels._columns import column, times
from rules.places import TURNS_MM, Network, to_local

Ints = NDArray[np.int64]

# How far a vehicle drives from the line in the map: half a street, and the draughtsman's hand.
_STREET_MM: Final = 4_000
# Three radii: no fix is further off by chance. But receivers between houses promise more than they hold: told 10 m of
# an error of 15 m, the matcher added 7 % that was not driven with 25 m at least, and 2 % with 40 m. More than 200 m
# guesses.
SEARCH_ACCURACIES: Final = 3
SEARCH_MIN_MM, SEARCH_MAX_MM = 50_000, 200_000
# More streets than meet at any junction; what is cut off counts as doubt.
STREETS_MAX: Final = 16
# How near another street must come to be a doubt: two standard deviations, and never less than a carriageway.
NEAR_ACCURACIES, NEAR_MIN_MM = 2, 8_000
# Errors of a receiver drift with the satellites and the walls around: two fixes within this are not two witnesses.
_INDEPENDENT_US: Final = 5_000_000
# So of fixes that come by the second, those are looked at that lie four deviations apart, and a street's width, or
# some seconds: of a crowd of others each would pull the path to its own side (4.1 of Newson and Krumm).
_APART_DEVIATIONS, _APART_MM, _APART_US = 4, 10_000, 8_000_000
# A heading told at a walk or slower is that of the last movement. [mm/s]
_HEADING_MIN_MMPS: Final = 2_000
# Headings of a moving receiver are good to some ten degrees, but a lane change is more: e**4 at right angles.
_HEADING_COST: Final = 4 * matching.COST_UNIT
# A way of the same trip is some metres longer than the straight line: the errors of both fixes; and by some for each
# second of driving: corners, and drivers who take what they like and not what is shortest. [mm, mm/s]
STRANGE_MM: Final = 5_000
_STRANGE_MMPS: Final = 750
# 144 km/h: no vehicle on a street, whatever its receiver says; and 50 km/h, the usual limit in towns.
TOP_MMPS, URBAN_MMPS = 40_000, 13_900
# A block around in place of a street forbidden; in a grid of one-way streets the way is up to three times as long.
_DETOUR_MM, _DETOUR_RATIO = 500_000, 3
# A state of odds of one to e**12 is not followed; one fix in e**12 is an outlier, and three in a row are none.
BEAM, _SKIP, _SKIPS_MAX = 12 * matching.COST_UNIT, 12 * matching.COST_UNIT, 3
# What vehicles do in five minutes out of sight is anybody's guess.
_BRIDGE_US: Final = 300_000_000
_DEGREE_CDEG: Final = 100


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
class States:
    """Where each fix may have come from: places on edges.

    Parameters
    ----------
    start : ndarray of int64
        The states of fix k are those from ``start[k]`` to before ``start[k + 1]``. Shape (n + 1,). [index]
    edge : ndarray of int64
        Shape (states,). [index]
    along_mm : ndarray of int64
        From where the edge begins. Shape (states,). [mm]
    cost : ndarray of int64
        Shape (states,). [1e-6]
    distance_mm : ndarray of int64
        From the fix. Shape (states,). [mm]
    """

    start: Ints
    edge: Ints
    along_mm: Ints
    cost: Ints
    distance_mm: Ints


@dataclass(frozen=True, slots=True)
class Path:
    """The likeliest path.

    Parameters
    ----------
    fixes : tuple of five ndarray of int64
        Times, places on the plane, accuracies, and the radii within which streets are in doubt. Shape (n,) each.
        [us, mm, mm, mm, mm]
    states : States
    chosen : ndarray of int64
        State of each fix, -1 where it is on no street or passed over. Shape (n,). [index]
    source : ndarray of int64
        The fix from which the path comes to each fix, -1 where none. Shape (n,). [index]
    margin : ndarray of int64
        What the best rival of the chosen state costs more, -1 where nothing is chosen. Shape (n,). [1e-6]
    row_start : ndarray of int64
        The rows that lead to fix k are those from ``row_start[k]`` to before ``row_start[k + 1]``. Shape (n + 1,).
    edge, begin_mm, end_mm : ndarray of int64
        Of each row; along the edge, from where it begins. Shape (rows,). [index, mm, mm]
    """

    fixes: tuple[Ints, Ints, Ints, Ints, Ints]
    states: States
    chosen: Ints
    source: Ints
    margin: Ints
    row_start: Ints
    edge: Ints
    begin_mm: Ints
    end_mm: Ints


def likeliest(network: Network, fixes: Fixes, bridge_us: int) -> Path:
    """Find the likeliest path of one vehicle.

    Parameters
    ----------
    network : Network
    fixes : Fixes
    bridge_us : int
        The longest interval without a fix on a street over which the path goes on. [us]

    Returns
    -------
    Path

    Raises
    ------
    TypeError
        If a column is of another type.
    ValueError
        If times do not ascend strictly, columns differ in length, or an accuracy is negative.

    Notes
    -----
    A hidden Markov model: see `kernels.matching`.

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009,
    doi:10.1145/1653771.1653818.
    """
    checked = checked_of(fixes)
    x_mm, y_mm = to_local(network, checked.lon_e7, checked.lat_e7)
    accuracy_mm, search_mm, near_mm = _radii_mm(checked.accuracy_mm)
    places = (checked.t_us, x_mm, y_mm, accuracy_mm, near_mm)
    located = matching.locate(
        network.vertices, network.vertex_segment, network.grid, (x_mm, y_mm, search_mm), STREETS_MAX
    )
    headings = _headings(checked)
    streets = (network.length_mm, network.is_oneway)
    # The radius that holds two of three places is half as much again as the deviation to one side.
    sigma_mm = accuracy_mm * 2 // 3
    states = States(
        *matching.states(network.vertices, located, streets, (checked.t_us, sigma_mm, *headings), _PLACE_WEIGHTS)
    )
    weights = _weights(bridge_us)
    columns = (states.start, states.edge, states.along_mm, states.cost)
    ways = (network.graph, network.entry, network.adjacency[1])
    linked = matching.chains(ways, columns, places, weights)
    chosen, source, margin = matching.decode(columns, linked)
    rows = matching.routes(ways, columns, places, weights, (chosen, source))
    return Path(places, states, chosen, source, margin, *rows)


_PLACE_WEIGHTS: Final = np.array([_STREET_MM, _INDEPENDENT_US, _HEADING_COST], np.int64)


def _weights(bridge_us: int) -> Ints:
    """Put the numbers in the order in which the kernels take them."""
    bridge_us = max(bridge_us, _BRIDGE_US)
    numbers = (*TURNS_MM, STRANGE_MM, _STRANGE_MMPS, TOP_MMPS, URBAN_MMPS, _DETOUR_MM, _DETOUR_RATIO)
    return np.array([*numbers, BEAM, _SKIP, _SKIPS_MAX, bridge_us], np.int64)


def doubt_mm_of(accuracy_mm: NDArray[np.int32]) -> Ints:
    """Say within how far of each fix the vehicle may have been, and streets are in doubt. Shape (n,). [mm].

    However far streets are looked for: of a fix in doubt beyond that nothing is proven, and more is possible.
    """
    return np.maximum(NEAR_ACCURACIES * accuracy_mm.astype(np.int64), NEAR_MIN_MM)


def _radii_mm(accuracy_mm: NDArray[np.int32]) -> tuple[Ints, Ints, Ints]:
    """Say of each fix how accurate it is, within how far streets are looked for, and within how far in doubt."""
    # Two calls for each `clip`: they take a third of the time, which short traces feel.
    accuracy = np.minimum(accuracy_mm.astype(np.int64), SEARCH_MAX_MM)
    search_mm = np.minimum(np.maximum(SEARCH_ACCURACIES * accuracy, SEARCH_MIN_MM), SEARCH_MAX_MM)
    return accuracy, search_mm, np.minimum(doubt_mm_of(accuracy_mm), search_mm)


def witnesses(network: Network, fixes: Fixes) -> Ints:
    """Choose the fixes that say something of their own; one after a few seconds is always among them.

    Parameters
    ----------
    network : Network
    fixes : Fixes
        Of one vehicle.

    Returns
    -------
    ndarray of int64
        Ascending. Shape (m,). [index]

    Raises
    ------
    TypeError, ValueError
        As `likeliest`.

    Notes
    -----
    See `kernels.matching.witnesses`.
    """
    checked = checked_of(fixes)
    x_mm, y_mm = to_local(network, checked.lon_e7, checked.lat_e7)
    sigma_mm = np.minimum(checked.accuracy_mm.astype(np.int64), SEARCH_MAX_MM) * 2 // 3
    apart_mm = np.maximum(_APART_DEVIATIONS * sigma_mm, _APART_MM)
    return matching.witnesses(checked.t_us, x_mm, y_mm, apart_mm, _APART_US)


def some_of(fixes: Fixes, chosen: Ints) -> Fixes:
    """Take some of the fixes.

    Parameters
    ----------
    fixes : Fixes
    chosen : ndarray of int64
        Shape (m,). [index]
    """
    speed, course = fixes.speed_mmps, fixes.course_cdeg
    return Fixes(
        fixes.t_us[chosen],
        fixes.lon_e7[chosen],
        fixes.lat_e7[chosen],
        fixes.accuracy_mm[chosen],
        None if speed is None else speed[chosen],
        None if course is None else course[chosen],
    )


def checked_of(fixes: Fixes) -> Fixes:
    """Check the columns of fixes; errors as of `likeliest`."""
    t_us = times(fixes.t_us)
    size = t_us.size
    accuracy_mm = column("accuracy_mm", fixes.accuracy_mm, np.int32, size)
    if size and accuracy_mm.min() < 0:
        raise ValueError(f"accuracy_mm holds {accuracy_mm.min()}; pass a radius")
    lon_e7, lat_e7 = (column(name, getattr(fixes, name), np.int32, size) for name in ("lon_e7", "lat_e7"))
    speed, course = fixes.speed_mmps, fixes.course_cdeg
    speed = None if speed is None else column("speed_mmps", speed, np.int32, size)
    course = None if course is None else column("course_cdeg", course, np.int32, size)
    return Fixes(t_us, lon_e7, lat_e7, accuracy_mm, speed, course)


def _headings(fixes: Fixes) -> tuple[Ints, Ints]:
    """Turn courses into vectors; those of vehicles that hardly move say nothing."""
    if fixes.course_cdeg is None:
        none = np.zeros(fixes.t_us.size, np.int64)
        return none, none
    is_said = fixes.course_cdeg >= 0
    if fixes.speed_mmps is not None:
        is_said &= fixes.speed_mmps >= _HEADING_MIN_MMPS
    degree = fixes.course_cdeg // _DEGREE_CDEG % 360
    return np.where(is_said, _EAST[degree], 0), np.where(is_said, _NORTH[degree], 0)


# Asked of the mathematical library once, and rounded: every machine has the same.
_RADIANS: Final = np.arange(360) * (np.pi / 180)
_EAST: Final = np.round(1_024 * np.sin(_RADIANS)).astype(np.int64)
_NORTH: Final = np.round(1_024 * np.cos(_RADIANS)).astype(np.int64)
