"""How long a container waits: from being full to being emptied, from an instant to the next emptying, overnight.

What is known of samples, gaps and windows, and what *proven*, *borne* and *possible* mean, is said in
`kernels.levels`. Three more measures:

- `longest_wait`: from the instant at which a container became full to its emptying. Only an emptying ends it: waste
  that is pressed down, or settles, or is taken out by half, leaves the container waiting although its fill is below
  the threshold.
- `time_to_emptying`: from an instant, as of an alarm, to the first emptying after it.
- `carried`: how far into a window, as a night, a container stays full that was full as the window began. A container
  full through the whole window is carried over.

What is an emptying is left to `kernels.levels.drops` and `kernels.emptyings`, which instant counts to the rules.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import _levels, _waits, intervals
from kernels._columns import column, times, whole, windows
from kernels.levels import Measure

__all__ = ["carried", "longest_wait", "time_to_emptying"]


def longest_wait(  # noqa: PLR0917  # columns first, windows last, as in every measure
    t_us: NDArray[np.int64],
    state: NDArray[np.int8],
    kind: NDArray[np.int8],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    scan_start_us: NDArray[np.int64],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> Measure:
    """Measure, for each window, the longest time from full to emptied.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    state : ndarray of int8
        State of each sample, as `kernels.levels.states` gives it. Shape (n,). [code]
    kind : ndarray of int8
        Kind of each interval, as `kernels.levels.drops` gives it. Shape (n+1,). [code]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before sample k (k = n: after the last). Shape (n+1,). [flag]
    max_gap_us : int
        The value that `kernels.levels.drops` was given. [us]
    scan_start_us : ndarray of int64
        Where a wait may begin. The window's start cuts waits there; an earlier instant lets one carry in.
        Shape (m,). [us]
    start_us, end_us : ndarray of int64
        The windows. A wait is cut at the end, and counts if it ends after the start. Shape (m,). [us]

    Returns
    -------
    proven_us : ndarray of int64
        The longest time from a sample surely above to the last sample up to which surely no emptying took place,
        whatever the fill was in between. Shape (m,). [us]
    borne_us : ndarray of int64
        The same, where a borne gap counts as full from its beginning; one that holds a sure emptying as the end of
        the wait before it and as the beginning of the wait after it. Shape (m,). [us]
    possible_us : ndarray of int64
        The longest time from the earliest instant at which the container may have been full after a sure emptying to
        the latest instant of the next, or the scan's ends. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, lengths do not fit, bounds of a window are out of order, `max_gap_us` is negative.

    Notes
    -----
    What was before the first sample is not known, so the container may have been full then, and wait until it is
    surely emptied: a scan that begins before an emptying makes the upper bound narrow. Each interval is classified
    once, then `kernels.intervals.longest` walks: O(n) and O(log n + k) for a window whose scan holds k samples.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1 (bounds from missing outcomes
    without assumptions about them), 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    scan_start_us, start_us, end_us = windows(scan_start_us=scan_start_us, start_us=start_us, end_us=end_us)
    parts = _waits.waiting_parts(
        t_us,
        column("state", state, np.int8, t_us.size),
        column("kind", kind, np.int8, t_us.size + 1),
        column("adverse", adverse, np.uint8, t_us.size + 1),
        whole("max_gap_us", max_gap_us, 0),
    )
    proven_us, borne_us, possible_us = (
        intervals.longest(t_us, part, scan_start_us, start_us, end_us) for part in parts
    )
    return proven_us, borne_us, possible_us


def time_to_emptying(
    t_us: NDArray[np.int64],
    kind: NDArray[np.int8],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> Measure:
    """Measure the time from each window's start to the first emptying after it.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    kind : ndarray of int8
        Kind of each interval, as `kernels.levels.drops` gives it. Shape (n+1,). [code]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before sample k (k = n: after the last). Shape (n+1,). [flag]
    max_gap_us : int
        The value that `kernels.levels.drops` was given. [us]
    start_us : ndarray of int64
        The instants, as of alarms. Shape (m,). [us]
    end_us : ndarray of int64
        How long each is waited for; the measure is cut there. Shape (m,). [us]

    Returns
    -------
    proven_us : ndarray of int64
        Time over which surely no emptying took place. Shape (m,). [us]
    borne_us : ndarray of int64
        The same, where borne gaps count too, up to the end of one that holds a sure emptying. Shape (m,). [us]
    possible_us : ndarray of int64
        Time to the latest instant of the first sure emptying that surely came after the start. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, lengths do not fit, a window ends before it starts, `max_gap_us` is negative.

    Notes
    -----
    A sure emptying in the very interval in which the start lies may have come before it, so the wait may go on.
    O(n) and O(log n + k) for a wait over k samples.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    start_us, end_us = windows(start_us=start_us, end_us=end_us)
    parts = _levels.unemptied_parts(
        t_us,
        column("kind", kind, np.int8, t_us.size + 1),
        column("adverse", adverse, np.uint8, t_us.size + 1),
        whole("max_gap_us", max_gap_us, 0),
    )
    proven_us, borne_us, possible_us = (intervals.leading(t_us, part, start_us, end_us) for part in parts)
    return proven_us, borne_us, possible_us


def carried(
    t_us: NDArray[np.int64],
    state: NDArray[np.int8],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> Measure:
    """Measure how far into each window a container stays full that was full as the window began.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    state : ndarray of int8
        State of each sample, as `kernels.levels.states` gives it. Shape (n,). [code]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before sample k (k = n: after the last). Shape (n+1,). [flag]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]
    start_us, end_us : ndarray of int64
        The windows, as the nights between two days of service. Shape (m,). [us]

    Returns
    -------
    proven_us, borne_us, possible_us : ndarray of int64
        As of `kernels.levels.longest_run`, of the one run that holds the window's start. Equal to the window's
        length where the container is carried over. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, lengths do not fit, a window ends before it starts, `max_gap_us` is negative.

    Notes
    -----
    O(n) and O(log n + k) for a run over k samples. No night is assumed to have a length: nights in which clocks are
    set have six or eight hours where others have seven.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    t_us = times(t_us)
    start_us, end_us = windows(start_us=start_us, end_us=end_us)
    parts = _waits.full_parts(
        t_us,
        column("state", state, np.int8, t_us.size),
        column("adverse", adverse, np.uint8, t_us.size + 1),
        whole("max_gap_us", max_gap_us, 0),
    )
    proven_us, borne_us, possible_us = (intervals.leading(t_us, part, start_us, end_us) for part in parts)
    return proven_us, borne_us, possible_us
