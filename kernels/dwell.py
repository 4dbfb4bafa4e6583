"""How long, how often and in which order: visits to an area, planned stops, and time above a speed.

*What is known.* A fix says where a vehicle surely was or was not (`kernels.geofence.sides`: inside 1, outside 0,
uncertain -1), and whether its speed surely was above a limit or not, with the same codes. Times ascend strictly.
Between two fixes no further apart than max_gap_us the contract's word holds: inside at both, inside all along. Fixes
further apart enclose a gap, of which nothing is known; so do the times before the first and after the last.

*What comes out.* A visit, with the spans in which it surely and possibly began and ended; whether planned stops were
made, and in their order; time above a speed. All as bounds: proven, whatever was not seen; possible, as nothing
excludes it. How long a vehicle was in an area altogether, and its longest stay, are the total time and the longest
run of `kernels.levels`, whose codes of state these are.

*What is left to others.* What is planned, who bears a gap, and what follows from a stop missed or a limit exceeded.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import _dwell
from kernels._columns import column, times, whole, windows

Ints = NDArray[np.int64]

SPEED_MAX_MMPS: Final = 1_000_000
GAP_MAX_US: Final = 2**41
"""A thousand metres a second and 25 days: products of the two stay within 64 bits."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits to one area, in the order of time.

    Parameters
    ----------
    from_us, until_us : ndarray of int64
        The last instant before, and the first after, at which the vehicle surely was outside; where there is none,
        the ends of the span looked at. Shape (v,) each. [us]
    first_us, last_us : ndarray of int64
        The first and last instant at which it surely was inside: it came after `from_us` and no later than
        `first_us`, at that instant where it was inside from the start. Where it may not have come at all, `first_us`
        is `until_us` and `last_us` is `from_us`.
        Shape (v,) each. [us]
    stay_us : ndarray of int64
        Time that it surely was inside. Shape (v,). [us]
    is_sure : ndarray of int64
        1 where it surely came. Shape (v,). [flag]
    """

    from_us: Ints
    until_us: Ints
    first_us: Ints
    last_us: Ints
    stay_us: Ints
    is_sure: Ints


def visits(t_us: Ints, side: NDArray[np.int8], max_gap_us: int, start_us: int, end_us: int) -> Visits:
    """List the visits to an area, sure and possible.

    Parameters
    ----------
    t_us : ndarray of int64
        Times of the fixes, strictly ascending, all of them within the span. Shape (n,). [us]
    side : ndarray of int8
        Side of each fix: 1 surely inside, 0 surely outside, -1 uncertain. Shape (n,). [code]
    max_gap_us : int
        The longest interval over which two fixes vouch for the time between them. [us]
    start_us, end_us : int
        The span looked at. [us]

    Returns
    -------
    Visits
        One for each stretch between two sure absences in which the vehicle was, or may have been, inside.

    Raises
    ------
    TypeError
        If an array is of another type, or a number no integer.
    ValueError
        If times do not ascend or lie outside the span, a code is none, lengths differ, or `max_gap_us` is negative.

    Notes
    -----
    Only a sure absence ends a visit: a fix at the edge does not, and a gap does not prove two. One walk, O(n).

    References
    ----------
    L. O. Alvares et al., A model for enriching trajectories with semantic geographical information, 15th ACM GIS,
    2007, doi:10.1145/1341012.1341041.
    """
    t_us = times(t_us)
    start_us = whole("start_us", start_us)
    end_us = whole("end_us", end_us, start_us)
    if t_us.size and not start_us <= int(t_us[0]) <= int(t_us[-1]) <= end_us:
        raise ValueError(f"t_us goes from {t_us[0]} to {t_us[-1]}; pass fixes within {start_us} to {end_us}")
    return Visits(*_dwell.visits(t_us, _states("side", side, t_us.size), _gap(max_gap_us), start_us, end_us))


def stops(start: Ints, visits: Visits, opens_us: Ints, closes_us: Ints, least_us: Ints) -> tuple[Ints, Ints]:
    """Say which planned stops were made: arrived at in time, and stayed at for long enough.

    Parameters
    ----------
    start : ndarray of int64
        The visits of planned stop i are ``start[i]:start[i + 1]``. Shape (p + 1,). [index]
    visits : Visits
        Of all stops, stop by stop.
    opens_us, closes_us : ndarray of int64
        When a vehicle may arrive at each. Half open. Shape (p,) each. [us]
    least_us : ndarray of int64
        How long it must stay. Shape (p,). [us]

    Returns
    -------
    proven, possible : ndarray of int64
        1 where a visit surely, and possibly, is as planned. Shape (p,) each. [flag]

    Raises
    ------
    TypeError
        If an array is of another type.
    ValueError
        If lengths differ, or a stop closes before it opens.

    Notes
    -----
    O(p + v).

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    proven, possible = _dwell.stops(*_planned(start, visits, opens_us, closes_us, least_us))
    return proven, possible


def in_order(start: Ints, visits: Visits, opens_us: Ints, closes_us: Ints, least_us: Ints) -> tuple[int, int]:
    """Count how many planned stops were made one after the other as planned, leaving out the fewest.

    Parameters
    ----------
    start : ndarray of int64
        The visits of planned stop i are ``start[i]:start[i + 1]``; stops in the order planned. Shape (p + 1,).
        [index]
    visits : Visits
        Of all stops, stop by stop.
    opens_us, closes_us : ndarray of int64
        When a vehicle may arrive at each. Half open. Shape (p,) each. [us]
    least_us : ndarray of int64
        How long it must stay. Shape (p,). [us]

    Returns
    -------
    proven, possible : int
        Length of the longest part of the plan whose arrivals surely, and possibly, follow on each other. [count]

    Raises
    ------
    TypeError
        If an array is of another type.
    ValueError
        If lengths differ, or a stop closes before it opens.

    Notes
    -----
    For each number of stops the earliest arrival at the last of them is kept. O(p (p + v)).

    References
    ----------
    M. L. Fredman, On computing the length of longest increasing subsequences, Discrete Mathematics 11(1), 1975,
    doi:10.1016/0012-365X(75)90103-X.
    """
    counts = _dwell.in_order(*_planned(start, visits, opens_us, closes_us, least_us))
    return int(counts[0]), int(counts[1])


def above(
    t_us: Ints, state: NDArray[np.int8], length_mm: tuple[Ints, Ints], limit_mmps: int, top_mmps: int, max_gap_us: int
) -> tuple[Ints, Ints]:
    """Bound the time above a speed within each interval between fixes.

    Parameters
    ----------
    t_us : ndarray of int64
        Times of the fixes, strictly ascending. Shape (n,). [us]
    state : ndarray of int8
        What the device says at each fix: 1 surely above the limit, 0 surely not, -1 unsaid or uncertain.
        Shape (n,). [code]
    length_mm : tuple of two ndarray of int64
        At least and at most how far it is from each fix to the next; -1 as the most where nothing bounds it.
        Shape (n - 1,) each. [mm]
    limit_mmps, top_mmps : int
        The limit, and a speed that no vehicle exceeds. [mm/s]
    max_gap_us : int
        The longest interval over which two fixes vouch for the time between them. [us]

    Returns
    -------
    least_us, most_us : ndarray of int64
        Of the interval before fix k; the first and last one, and gaps, may hold nothing or all. Shape (n + 1,) each.
        [us]

    Raises
    ------
    TypeError
        If an array is of another type, or a number no integer.
    ValueError
        If times do not ascend, a code is none, lengths do not fit, or the top speed does not exceed the limit.

    Notes
    -----
    Who drove d in a time T was faster than the limit for at least (d - limit T) / (top - limit), and for at most
    d / limit. Where devices and places contradict each other, what either says may hold. The most where nothing
    bounds it is 2**62. O(n).

    References
    ----------
    R. E. Moore, Interval Analysis, chapter 2, 1966.
    """
    t_us = times(t_us)
    limit_mmps = whole("limit_mmps", limit_mmps, 0)
    top_mmps = whole("top_mmps", top_mmps, limit_mmps + 1)
    if top_mmps > SPEED_MAX_MMPS:
        raise ValueError(f"top_mmps = {top_mmps} exceeds {SPEED_MAX_MMPS}; pass a vehicle's speed")
    pairs = max(t_us.size - 1, 0)
    least_mm, most_mm = (column("length_mm", one, np.int64, pairs) for one in length_mm)
    if np.any((least_mm < 0) | ((least_mm > most_mm) & (most_mm >= 0)) | (np.maximum(least_mm, most_mm) > 2**40)):
        raise ValueError("length_mm holds bounds below nought, above 2**40 or out of order")
    least_us, most_us = _dwell.above(
        t_us, _states("state", state, t_us.size), (least_mm, most_mm), limit_mmps, top_mmps, _gap(max_gap_us)
    )
    return least_us, most_us


def time_above(  # columns first, windows last, as in every measure
    t_us: Ints,
    bounds_us: tuple[Ints, Ints],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    start_us: Ints,
    end_us: Ints,
) -> tuple[Ints, Ints, Ints]:
    """Add up, for each window, what intervals hold.

    Parameters
    ----------
    t_us : ndarray of int64
        Times of the fixes, strictly ascending. Shape (n,). [us]
    bounds_us : tuple of two ndarray of int64
        At least and at most how much of each interval counts, as `above` gives it. Shape (n + 1,) each. [us]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before fix k (k = n: after the last). Shape (n + 1,). [flag]
    max_gap_us : int
        The longest interval over which two fixes vouch for the time between them. [us]
    start_us, end_us : ndarray of int64
        The windows. Shape (m,) each. [us]

    Returns
    -------
    proven_us, borne_us, possible_us : ndarray of int64
        The least; the same with every gap that the contractor bears counted whole; the most. Shape (m,) each. [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, lengths do not fit, a window ends before it starts, or a bound is out of order.

    Notes
    -----
    Of an interval that a window cuts, the least may all lie outside, and the most all inside. O(log n + k) for a
    window of k fixes.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    least_us, most_us = (column("bounds_us", one, np.int64, t_us.size + 1) for one in bounds_us)
    if np.any((least_us < 0) | (least_us > most_us)):
        raise ValueError("bounds_us holds bounds below nought or out of order")
    start_us, end_us = windows(start_us=start_us, end_us=end_us)
    proven_us, borne_us, possible_us = _dwell.time_above(
        t_us,
        (least_us, most_us),
        column("adverse", adverse, np.uint8, t_us.size + 1),
        whole("max_gap_us", max_gap_us, 0),
        start_us,
        end_us,
    )
    return proven_us, borne_us, possible_us


def _states(name: str, codes: NDArray[np.int8], size: int) -> NDArray[np.int8]:
    """Check codes of state."""
    checked = column(name, codes, np.int8, size)
    if checked.size and not -1 <= int(checked.min()) <= int(checked.max()) <= 1:
        raise ValueError(f"{name} holds {checked.min()} to {checked.max()}; pass 1, 0 or -1")
    return checked


def _gap(max_gap_us: int) -> int:
    """Check the longest interval that fixes vouch for."""
    checked = whole("max_gap_us", max_gap_us, 0)
    if checked > GAP_MAX_US:
        raise ValueError(f"max_gap_us = {checked} exceeds {GAP_MAX_US}; nobody vouches for that long")
    return checked


def _planned(
    start: Ints, visits: Visits, opens_us: Ints, closes_us: Ints, least_us: Ints
) -> tuple[Ints, tuple[Ints, ...], tuple[Ints, Ints, Ints]]:
    """Check a plan and the visits to its stops."""
    opens_us, closes_us = windows(opens_us=opens_us, closes_us=closes_us)
    least_us = column("least_us", least_us, np.int64, opens_us.size)
    start = column("start", start, np.int64, opens_us.size + 1)
    count = column("from_us", visits.from_us, np.int64).size
    if int(start[0]) != 0 or int(start[-1]) != count or np.any(start[1:] < start[:-1]):
        raise ValueError(
            f"start goes from {start[0]} to {start[-1]} over {count} visits; pass where each stop's start"
        )
    columns = (visits.from_us, visits.until_us, visits.first_us, visits.stay_us, visits.is_sure)
    return start, tuple(column("visits", one, np.int64, count) for one in columns), (opens_us, closes_us, least_us)
