"""Fill levels against a threshold, and emptyings: what is proven, what is borne, what is possible.

*What is known.* A sample is an interval [lo_ppm, hi_ppm] of the fill that surely contains the true one at its time
t_us: the sensor's error, conflicting readings and rounding are already inside. Times ascend strictly. Between two
samples no further apart than max_gap_us the contract says: surely above at both, above all along; surely below at
both, below all along; otherwise the state changed at an unknown instant, or is uncertain. Two samples further apart
enclose a *gap*: nothing is known in between, though both samples stay known. The time before the first sample and
after the last is a gap, always.

*What comes out.* Windows are half-open, [start, end), and each measure comes as three integers, never decreasing:

- *proven*: true whatever was not seen;
- *borne*: what results if every gap that the contractor bears hid the worst, and every other uncertainty favours the
  contractor;
- *possible*: cannot be excluded.

Who bears a gap comes in as ``adverse``, one number for each of the n+1 intervals that n samples make: adverse[k] = 1
if the contractor bears the gap between sample k-1 and sample k (k = 0: before the first; k = n: after the last).
Where the interval is no gap it is not looked at.

*What is left to others.* How a distance becomes a fill, why a gap came about, which window counts, and what follows
from a measure. Without samples all is gap, so proven is nought and possible the whole window.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import _levels, _runs, intervals
from kernels._columns import column, times, whole, windows
from kernels._levels import ABOVE, BELOW, GAP, HIDDEN, NONE, SURE, UNCERTAIN

__all__ = [
    "ABOVE",
    "BELOW",
    "GAP",
    "HIDDEN",
    "NONE",
    "SURE",
    "UNCERTAIN",
    "Measure",
    "drops",
    "emptying_count",
    "longest_run",
    "longest_unemptied",
    "states",
    "time_above",
]

Measure = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def states(
    lo_ppm: NDArray[np.int32], hi_ppm: NDArray[np.int32], threshold_ppm: NDArray[np.int32]
) -> NDArray[np.int8]:
    """Compare samples with a threshold.

    Parameters
    ----------
    lo_ppm, hi_ppm : ndarray of int32
        Bounds of the fill at each sample. Shape (n,). [ppm]
    threshold_ppm : ndarray of int32
        The threshold in force at each sample. Shape (n,). [ppm]

    Returns
    -------
    ndarray of int8
        `ABOVE` 1 surely at or above (lo >= threshold), `BELOW` 0 surely below (hi < threshold), `UNCERTAIN` -1
        neither. Shape (n,). [code]

    Raises
    ------
    TypeError
        If an array is not of int32.
    ValueError
        If the columns differ in length, or a lower bound exceeds its upper bound.

    Notes
    -----
    Two comparisons for each sample, O(n).

    References
    ----------
    S. C. Kleene, Introduction to Metamathematics, section 64 (three-valued logic), 1952.
    """
    lo_ppm, hi_ppm = _bounds(lo_ppm, hi_ppm)
    threshold_ppm = column("threshold_ppm", threshold_ppm, np.int32, lo_ppm.size)
    return _levels.compare(lo_ppm, hi_ppm, threshold_ppm)


def longest_run(  # noqa: PLR0917  # columns first, windows last, as in every measure
    t_us: NDArray[np.int64],
    state: NDArray[np.int8],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    scan_start_us: NDArray[np.int64],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> Measure:
    """Measure, for each window, the longest continuous run at or above the threshold.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    state : ndarray of int8
        State of each sample, as `states` gives it. Shape (n,). [code]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before sample k (k = n: after the last). Shape (n+1,). [flag]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]
    scan_start_us : ndarray of int64
        Where a run may begin. The window's start cuts runs there; an earlier instant lets a run carry in.
        Shape (m,). [us]
    start_us, end_us : ndarray of int64
        The windows. A run is cut at the end, and counts if it ends after the start. Shape (m,). [us]

    Returns
    -------
    proven_us : ndarray of int64
        The longest run of intervals no longer than `max_gap_us` with both ends surely above. Shape (m,). [us]
    borne_us : ndarray of int64
        The same, where borne gaps count too. Two intervals hang together at a sample that is surely above, and only
        there: an uncertain sample ends the run, in the contractor's favour. Shape (m,). [us]
    possible_us : ndarray of int64
        The longest time with no sample surely below inside it and no interval that is below all along: at most from
        one sample surely below to the next. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, lengths do not fit, bounds of a window are out of order, `max_gap_us` is negative.

    Notes
    -----
    One walk over each window's scan for all three bounds: O(n) to check, and O(log n + k) for a window whose scan
    holds k samples; for many containers at once see `kernels.runs`. A sample surely below breaks every run, also
    between two gaps; what lies in a gap on either side of it may still be a run of the gap's whole length. No instant
    of a change is interpolated.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1 (bounds from missing outcomes
    without assumptions about them), 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    scan_start_us, start_us, end_us = windows(scan_start_us=scan_start_us, start_us=start_us, end_us=end_us)
    state, adverse, max_gap_us = _checked(t_us, state, adverse, max_gap_us)
    bounds_us = (scan_start_us, start_us, end_us)
    proven_us, borne_us, possible_us = _runs.measure(t_us, state, adverse, max_gap_us, bounds_us, _runs.LONGEST)
    return proven_us, borne_us, possible_us


def time_above(
    t_us: NDArray[np.int64],
    state: NDArray[np.int8],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> Measure:
    """Measure, for each window, the total time at or above the threshold.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    state : ndarray of int8
        State of each sample, as `states` gives it. Shape (n,). [code]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before sample k (k = n: after the last). Shape (n+1,). [flag]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]
    start_us, end_us : ndarray of int64
        The windows. Shape (m,). [us]

    Returns
    -------
    proven_us : ndarray of int64
        Time in intervals no longer than `max_gap_us` with both ends surely above. Shape (m,). [us]
    borne_us : ndarray of int64
        The same, and the borne gaps. Shape (m,). [us]
    possible_us : ndarray of int64
        The window less the intervals no longer than `max_gap_us` with both ends surely below. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, lengths do not fit, bounds of a window are out of order, `max_gap_us` is negative.

    Notes
    -----
    As `longest_run`: O(n) and O(log n + k) for a window of k samples.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    start_us, end_us = windows(start_us=start_us, end_us=end_us)
    state, adverse, max_gap_us = _checked(t_us, state, adverse, max_gap_us)
    bounds_us = (start_us, start_us, end_us)
    proven_us, borne_us, possible_us = _runs.measure(t_us, state, adverse, max_gap_us, bounds_us, _runs.TOTAL)
    return proven_us, borne_us, possible_us


def drops(
    t_us: NDArray[np.int64],
    lo_ppm: NDArray[np.int32],
    hi_ppm: NDArray[np.int32],
    drop_ppm: int,
    residual_ppm: int,
    max_gap_us: int,
) -> NDArray[np.int8]:
    """Say of each interval whether an emptying took place in it.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    lo_ppm, hi_ppm : ndarray of int32
        Bounds of the fill at each sample. Shape (n,). [ppm]
    drop_ppm : int
        The least fall of the fill that is an emptying. [ppm]
    residual_ppm : int
        The most that an emptied container may still hold. [ppm]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]

    Returns
    -------
    ndarray of int8
        For the interval between samples k-1 and k, by the first that holds: `SURE` 2 if lo[k-1] - hi[k] >= drop,
        however long it is; `GAP` 3 if it is longer than `max_gap_us`, or before the first sample, or after the last;
        `HIDDEN` 1 (one may hide there) if lo[k] <= residual or hi[k-1] - lo[k] >= drop; `NONE` 0, surely none.
        Shape (n+1,). [code]

    Raises
    ------
    TypeError
        If an array is of another type, or a number no integer.
    ValueError
        If times do not ascend, lengths differ, a lower bound exceeds its upper bound, `drop_ppm` is less than one
        or `max_gap_us` negative.

    Notes
    -----
    `NONE` rests on the contract's word that within `max_gap_us` no container is emptied and filled again so far that
    neither the fall nor a remainder shows. O(n).

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    lo_ppm, hi_ppm = _bounds(lo_ppm, hi_ppm, t_us.size)
    return _levels.classify_drops(
        t_us,
        lo_ppm,
        hi_ppm,
        whole("drop_ppm", drop_ppm, 1),
        whole("residual_ppm", residual_ppm),
        whole("max_gap_us", max_gap_us, 0),
    )


def longest_unemptied(  # noqa: PLR0917  # as longest_run
    t_us: NDArray[np.int64],
    kind: NDArray[np.int8],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    scan_start_us: NDArray[np.int64],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> Measure:
    """Measure, for each window, the longest time without an emptying.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    kind : ndarray of int8
        Kind of each interval, as `drops` gives it. Shape (n+1,). [code]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before sample k (k = n: after the last). Shape (n+1,). [flag]
    max_gap_us : int
        The value that `drops` was given. [us]
    scan_start_us : ndarray of int64
        Where the time may begin. The window's start cuts it there; an earlier instant lets it carry in.
        Shape (m,). [us]
    start_us, end_us : ndarray of int64
        The windows. The time is cut at the end, and counts if it ends after the start. Shape (m,). [us]

    Returns
    -------
    proven_us : ndarray of int64
        The longest run of intervals that surely hold no emptying. Shape (m,). [us]
    borne_us : ndarray of int64
        The same, where borne gaps count too. A borne gap with a sure emptying in it counts as the end of the run
        before it and as the beginning of the run after it: the emptying may have been its last instant, or its
        first. Shape (m,). [us]
    possible_us : ndarray of int64
        The longest time between two sure emptyings, from the earliest instant of the one to the latest instant of
        the other, or the scan's ends. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, lengths do not fit, bounds of a window are out of order, `max_gap_us` is negative.

    Notes
    -----
    As `longest_run`: O(n) and O(log n + k) for a window whose scan holds k samples. Without the rule for a gap with
    a sure emptying, silence would pay: a container left for a week, its sensor mute until after the late emptying,
    would count as emptied in time.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    scan_start_us, start_us, end_us = windows(scan_start_us=scan_start_us, start_us=start_us, end_us=end_us)
    parts = _levels.unemptied_parts(
        t_us,
        column("kind", kind, np.int8, t_us.size + 1),
        column("adverse", adverse, np.uint8, t_us.size + 1),
        whole("max_gap_us", max_gap_us, 0),
    )
    proven_us, borne_us, possible_us = (
        intervals.longest(t_us, part, scan_start_us, start_us, end_us) for part in parts
    )
    return proven_us, borne_us, possible_us


def emptying_count(
    kind: NDArray[np.int8], t_us: NDArray[np.int64], start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, for each window, the emptyings.

    Parameters
    ----------
    kind : ndarray of int8
        Kind of each interval, as `drops` gives it. Shape (n+1,). [code]
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    start_us, end_us : ndarray of int64
        The windows. Shape (m,). [us]

    Returns
    -------
    sure : ndarray of int64
        Sure emptyings that are first seen in the window: their interval ends there. Shape (m,). [count]
    possible : ndarray of int64
        Intervals that touch the window and may hold an emptying: sure ones, hidden ones, gaps. Shape (m,). [count]

    Raises
    ------
    TypeError
        If an array is of another type.
    ValueError
        If times do not ascend, lengths do not fit, or a window ends before it starts.

    Notes
    -----
    A sure emptying belongs to the window in which it is seen, so that windows laid end to end count it once; it may
    have taken place before the window. An interval counts once, though a long one may hold several emptyings, and it
    touches the window if an instant after its first sample, up to and with its second, lies there. An empty window
    holds none. O(log n + k) for a window of k samples.

    References
    ----------
    J. F. Allen, Maintaining knowledge about temporal intervals, Communications of the ACM 26(11), 1983,
    doi:10.1145/182.358434.
    """
    t_us = times(t_us)
    start_us, end_us = windows(start_us=start_us, end_us=end_us)
    sure, possible = _levels.count_emptyings(column("kind", kind, np.int8, t_us.size + 1), t_us, start_us, end_us)
    return sure, possible


def _bounds(
    lo_ppm: NDArray[np.int32], hi_ppm: NDArray[np.int32], size: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Check the bounds of the fill."""
    lo_ppm = column("lo_ppm", lo_ppm, np.int32, size)
    hi_ppm = column("hi_ppm", hi_ppm, np.int32, lo_ppm.size)
    crossed = np.flatnonzero(lo_ppm > hi_ppm)
    if crossed.size:
        at = int(crossed[0])
        raise ValueError(f"lo_ppm[{at}] = {lo_ppm[at]} exceeds hi_ppm[{at}] = {hi_ppm[at]}; swap the bounds")
    return lo_ppm, hi_ppm


def _checked(
    t_us: NDArray[np.int64], state: NDArray[np.int8], adverse: NDArray[np.uint8], max_gap_us: int
) -> tuple[NDArray[np.int8], NDArray[np.uint8], int]:
    """Check what `longest_run` and `time_above` are given besides times and windows."""
    return (
        column("state", state, np.int8, t_us.size),
        column("adverse", adverse, np.uint8, t_us.size + 1),
        whole("max_gap_us", max_gap_us, 0),
    )
