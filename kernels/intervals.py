"""Walks over the intervals between samples: the longest run, the leading run, and the total, of those that count.

Interval k lies between sample k-1 and sample k; interval 0 is the time before the first sample, interval n the time
after the last, without end. So n samples make n+1 intervals. Which of them count, and which hang together, is said by
one *part* for each:

- `BREAK` 0: does not count, and ends the run before it;
- `JOIN` 1: counts, and goes on with the run before it;
- `ANEW` 2: counts, but begins a new run (something at the sample before it forbids that they hang together);
- `SHARED` 3: counts twice, as the end of the run before it and as the beginning of a new one (something took place in
  it at an unknown instant, and each of the two runs may claim the whole of it).

What makes an interval count is left to the modules that call: these walks know neither fill levels nor contracts.
Windows are half-open, [start, end). Everything is an integer, so the order of summation does not matter.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, U8, int64, kernel

BREAK: Final = 0
JOIN: Final = 1
ANEW: Final = 2
SHARED: Final = 3


@kernel(int64(I64, int64))
def first_after(t_us: NDArray[np.int64], instant_us: int) -> int:
    """Find the interval that holds an instant.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    instant_us : int
        The instant. [us]

    Returns
    -------
    int
        Index of the first sample after the instant, which is the index of the interval that begins at the instant or
        holds it; n if there is none. [index]

    Notes
    -----
    Binary search, O(log n).

    References
    ----------
    D. E. Knuth, The Art of Computer Programming, volume 3, section 6.2.1, 1998.
    """
    low = 0
    high = t_us.shape[0]
    while low < high:
        middle = (low + high) // 2
        if t_us[middle] <= instant_us:
            low = middle + 1
        else:
            high = middle
    return low


@kernel(NEW_I64(I64, U8, I64, I64, I64))
def longest(
    t_us: NDArray[np.int64],
    part: NDArray[np.uint8],
    scan_start_us: NDArray[np.int64],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Measure the longest run of each window.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    part : ndarray of uint8
        What each interval is: `BREAK`, `JOIN`, `ANEW` or `SHARED`. Shape (n+1,). [code]
    scan_start_us : ndarray of int64
        Where a run may begin: runs are cut there. Not after the window's start. Shape (m,). [us]
    start_us, end_us : ndarray of int64
        The windows; a run is cut at the end, and counts if it ends after the start. Shape (m,). [us]

    Returns
    -------
    ndarray of int64
        The longest run, nought if there is none. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    For each window: find the interval at the scan's start by binary search, then walk to its end. O(log n + k) for a
    window whose scan holds k samples.

    References
    ----------
    J. F. Allen, Maintaining knowledge about temporal intervals, Communications of the ACM 26(11), 1983,
    doi:10.1145/182.358434.
    """
    count = t_us.shape[0]
    best_us = np.zeros(start_us.shape[0], np.int64)
    for window in range(start_us.shape[0]):
        scan_us = scan_start_us[window]
        stop_us = end_us[window]
        run_us = scan_us
        is_open = False
        until_us = scan_us
        interval = first_after(t_us, scan_us)
        while until_us < stop_us:
            from_us = until_us
            until_us = stop_us if interval == count else min(t_us[interval], stop_us)
            code = part[interval]
            if code == BREAK:
                is_open = False
            else:
                if code == ANEW or not is_open:
                    run_us = from_us
                is_open = True
                if until_us > start_us[window]:
                    best_us[window] = max(best_us[window], until_us - run_us)
                if code == SHARED:
                    run_us = from_us
            interval += 1
    return best_us


@kernel(NEW_I64(I64, U8, I64, I64))
def total(
    t_us: NDArray[np.int64],
    part: NDArray[np.uint8],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Add up the time of each window that lies in intervals that count.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    part : ndarray of uint8
        What each interval is: all but `BREAK` count, once. Shape (n+1,). [code]
    start_us, end_us : ndarray of int64
        The windows. Shape (m,). [us]

    Returns
    -------
    ndarray of int64
        The total. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Binary search, then a walk: O(log n + k) for a window that holds k samples.

    References
    ----------
    J. F. Allen, Maintaining knowledge about temporal intervals, Communications of the ACM 26(11), 1983,
    doi:10.1145/182.358434.
    """
    count = t_us.shape[0]
    total_us = np.zeros(start_us.shape[0], np.int64)
    for window in range(start_us.shape[0]):
        stop_us = end_us[window]
        until_us = start_us[window]
        interval = first_after(t_us, until_us)
        while until_us < stop_us:
            from_us = until_us
            until_us = stop_us if interval == count else min(t_us[interval], stop_us)
            if part[interval] != BREAK:
                total_us[window] += until_us - from_us
            interval += 1
    return total_us


@kernel(NEW_I64(I64, U8, I64, I64))
def leading(
    t_us: NDArray[np.int64],
    part: NDArray[np.uint8],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Measure the run with which each window begins.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    part : ndarray of uint8
        What each interval is: `BREAK`, `JOIN`, `ANEW` or `SHARED`. Shape (n+1,). [code]
    start_us, end_us : ndarray of int64
        The windows. Shape (m,). [us]

    Returns
    -------
    ndarray of int64
        How long the run that holds the window's start lasts from there on, cut at the end; nought where there is
        none. Shape (m,). [us]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Two codes read otherwise where the window starts inside their interval: what begins anew may have begun before
    the start, and what a shared interval holds may have taken place before it, so neither ends the run there.
    Binary search, then a walk: O(log n + k) for a run over k samples.

    References
    ----------
    J. F. Allen, Maintaining knowledge about temporal intervals, Communications of the ACM 26(11), 1983,
    doi:10.1145/182.358434.
    """
    count = t_us.shape[0]
    run_us = np.zeros(start_us.shape[0], np.int64)
    for window in range(start_us.shape[0]):
        stop_us = end_us[window]
        until_us = start_us[window]
        interval = first_after(t_us, until_us)
        while until_us < stop_us:
            code = part[interval]
            is_whole = interval > 0 and t_us[interval - 1] >= start_us[window]
            if code == BREAK or (code == ANEW and is_whole):
                break
            until_us = stop_us if interval == count else min(t_us[interval], stop_us)
            run_us[window] = until_us - start_us[window]
            if code == SHARED and is_whole:
                break
            interval += 1
    return run_us
