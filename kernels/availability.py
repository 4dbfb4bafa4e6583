"""What was measured of a window, and what was not: slots with a sample, and gaps.

Two questions that contracts put and that differ. *How many of the expected samples arrived* (`slots`) is a data duty:
the window is cut into slots of one step each, and a slot counts if it holds at least one sample. *Over which time is
nothing known* (`unmeasured`, `gaps`) is what bounds a measure: two samples further apart than max_gap_us enclose a
gap, and so do the time before the first sample and after the last (`kernels.levels`). A window can have all its slots
and still be unmeasured, where max_gap_us is shorter than a step.

Sample times ascend strictly; windows are half-open, [start, end). What the step is, why a gap came about and who
bears it is left to others.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import intervals
from kernels._columns import times, whole, windows
from kernels._jit import I64, NEW_I64, NEW_U8, U8, int64, kernel, pair
from kernels.intervals import BREAK, JOIN, first_after


def slots(
    t_us: NDArray[np.int64], step_us: int, start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, for each window, the slots that hold a sample and the slots there are.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    step_us : int
        Length of a slot. [us]
    start_us, end_us : ndarray of int64
        The windows. Shape (m,). [us]

    Returns
    -------
    received : ndarray of int64
        Slots [start + j step, start + (j+1) step) with at least one sample, never more than `expected`.
        Shape (m,). [count]
    expected : ndarray of int64
        Whole slots in the window; what is left over at its end is none. Shape (m,). [count]

    Raises
    ------
    TypeError
        If an array is not of int64, or `step_us` is no integer.
    ValueError
        If times do not ascend, a window ends before it starts, or `step_us` is less than one.

    Notes
    -----
    Binary search, then a walk over the samples: O(log n + k) for a window of k samples.

    References
    ----------
    D. E. Knuth, The Art of Computer Programming, volume 3, section 6.2.1, 1998.
    """
    t_us = times(t_us)
    start_us, end_us = windows(start_us=start_us, end_us=end_us)
    received, expected = _slots(t_us, whole("step_us", step_us, 1), start_us, end_us)
    return received, expected


def unmeasured(
    t_us: NDArray[np.int64], max_gap_us: int, start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Add up the time of each window that lies in gaps.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]
    start_us, end_us : ndarray of int64
        The windows. Shape (m,). [us]

    Returns
    -------
    ndarray of int64
        The total, the whole window where there is no sample. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is not of int64, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend, a window ends before it starts, or `max_gap_us` is negative.

    Notes
    -----
    Each interval is classified once, then `kernels.intervals.total` walks: O(n) and O(log n + k) for a window of k
    samples. A gap counts from sample to sample, without an allowance of `max_gap_us`.

    References
    ----------
    J. F. Allen, Maintaining knowledge about temporal intervals, Communications of the ACM 26(11), 1983,
    doi:10.1145/182.358434.
    """
    t_us = times(t_us)
    start_us, end_us = windows(start_us=start_us, end_us=end_us)
    return intervals.total(t_us, _gap_parts(t_us, whole("max_gap_us", max_gap_us, 0)), start_us, end_us)


def gaps(
    t_us: NDArray[np.int64], max_gap_us: int, start_us: int, end_us: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the gaps of one window.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]
    start_us, end_us : int
        The window. [us]

    Returns
    -------
    from_us, until_us : ndarray of int64
        The gaps, cut to the window, none of them empty, in order. Two gaps with one sample between them stay two:
        each has its own cause. Shape (g,). [us]

    Raises
    ------
    TypeError
        If `t_us` is no array of int64, or a number no integer.
    ValueError
        If times do not ascend, the window ends before it starts, or `max_gap_us` is negative.

    Notes
    -----
    O(n); the lengths add up to `unmeasured`.

    References
    ----------
    J. F. Allen, Maintaining knowledge about temporal intervals, Communications of the ACM 26(11), 1983,
    doi:10.1145/182.358434.
    """
    t_us = times(t_us)
    start_us = whole("start_us", start_us)
    from_us, until_us = _gaps(
        t_us,
        _gap_parts(t_us, whole("max_gap_us", max_gap_us, 0)),
        start_us,
        whole("end_us", end_us, start_us),
    )
    return from_us, until_us


@kernel(pair(NEW_I64)(I64, int64, I64, I64))
def _slots(
    t_us: NDArray[np.int64], step_us: int, start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count in each window; see `slots`."""
    received = np.zeros(start_us.shape[0], np.int64)
    expected = np.zeros(start_us.shape[0], np.int64)
    for window in range(start_us.shape[0]):
        expected[window] = (end_us[window] - start_us[window]) // step_us
        sample = first_after(t_us, start_us[window] - 1)
        last_slot = -1
        while sample < t_us.shape[0]:
            slot = (t_us[sample] - start_us[window]) // step_us
            if slot >= expected[window]:
                break
            if slot > last_slot:
                received[window] += 1
                last_slot = slot
            sample += 1
    return received, expected


@kernel(NEW_U8(I64, int64))
def _gap_parts(t_us: NDArray[np.int64], max_gap_us: int) -> NDArray[np.uint8]:
    """Mark the intervals that are gaps."""
    count = t_us.shape[0]
    part = np.full(count + 1, JOIN, np.uint8)
    for interval in range(1, count):
        if t_us[interval] - t_us[interval - 1] <= max_gap_us:
            part[interval] = BREAK
    return part


@kernel(pair(NEW_I64)(I64, U8, int64, int64))
def _gaps(
    t_us: NDArray[np.int64], part: NDArray[np.uint8], start_us: int, end_us: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the marked intervals of one window; see `gaps`."""
    count = t_us.shape[0]
    from_us = np.empty(count + 1, np.int64)
    until_us = np.empty(count + 1, np.int64)
    found = 0
    reached_us = start_us
    interval = first_after(t_us, start_us)
    while reached_us < end_us:
        begun_us = reached_us
        reached_us = end_us if interval == count else min(t_us[interval], end_us)
        if part[interval] != BREAK:
            from_us[found] = begun_us
            until_us[found] = reached_us
            found += 1
        interval += 1
    return from_us[:found].copy(), until_us[:found].copy()
