"""Time above a threshold in many containers at once: a city's month in one call.

Means by each number what `kernels.levels` means, and gives the same numbers; there one container is measured, whose
states somebody has looked at, here are columns of many, one after the other. *Series* k is one container: it holds
the samples from ``sample_start[k]`` to ``sample_start[k + 1]`` and is measured in the windows from
``window_start[k]`` to ``window_start[k + 1]``. Its n samples make n+1 intervals, so ``adverse`` has one element a
sample and one a series more: those of series k begin at ``sample_start[k] + k``.

Series have nothing to do with each other: who has two cores gives each half of them, and gets the same numbers.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import _runs
from kernels._columns import column, times, whole, windows
from kernels.levels import Measure

Ints = NDArray[np.int64]
Fills = tuple[NDArray[np.int32], NDArray[np.int32]]


def longest_runs(  # noqa: PLR0917  # columns first, windows last, as in every measure
    t_us: Ints,
    fills: Fills,
    limits: Fills,
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    series: tuple[Ints, Ints],
    bounds_us: tuple[Ints, Ints, Ints],
) -> Measure:
    """Measure the longest continuous run at or above the threshold, in each window of each container.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending within a series. Shape (n,). [us]
    fills : tuple of two ndarray of int32
        Least and greatest fill of each sample; may be one array. Shape (n,) each. [ppm]
    limits : tuple of two ndarray of int32
        From which least fill on a sample of a series is surely above the threshold, and under which greatest fill it
        is surely below: the threshold plus and minus the signal's error. Shape (series,) each. [ppm]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before a sample, or after the last. Shape (n + series,). [flag]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]
    series : tuple of two ndarray of int64
        Where each series' samples and windows begin, and where the last one's end. Shape (series + 1,) each. [index]
    bounds_us : tuple of three ndarray of int64
        Where a run may begin, and beginning and end of each window. Shape (m,) each. [us]

    Returns
    -------
    proven_us, borne_us, possible_us : ndarray of int64
        As `kernels.levels.longest_run`. Shape (m,) each. [us]

    Raises
    ------
    TypeError
        If an array is of another type, or `max_gap_us` is no integer.
    ValueError
        If times do not ascend in a series that has windows, its bounds of the fill cross, lengths do not fit, bounds
        of a window are out of order, or `max_gap_us` is negative.

    Notes
    -----
    Each series is checked, compared and walked while it lies in the processor's cache. O(n + m log n).

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    return _measured(t_us, fills, limits, adverse, max_gap_us, series, bounds_us, _runs.LONGEST)


def times_above(  # noqa: PLR0917  # as longest_runs
    t_us: Ints,
    fills: Fills,
    limits: Fills,
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    series: tuple[Ints, Ints],
    bounds_us: tuple[Ints, Ints],
) -> Measure:
    """Measure the total time at or above the threshold, in each window of each container.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending within a series. Shape (n,). [us]
    fills : tuple of two ndarray of int32
        Least and greatest fill of each sample; may be one array. Shape (n,) each. [ppm]
    limits : tuple of two ndarray of int32
        From which least fill on a sample of a series is surely above the threshold, and under which greatest fill it
        is surely below: the threshold plus and minus the signal's error. Shape (series,) each. [ppm]
    adverse : ndarray of uint8
        1 where the contractor bears the gap before a sample, or after the last. Shape (n + series,). [flag]
    max_gap_us : int
        The longest interval over which two samples vouch for the time between them. [us]
    series : tuple of two ndarray of int64
        Where each series' samples and windows begin, and where the last one's end. Shape (series + 1,) each. [index]
    bounds_us : tuple of two ndarray of int64
        Beginning and end of each window. Shape (m,) each. [us]

    Returns
    -------
    proven_us, borne_us, possible_us : ndarray of int64
        As `kernels.levels.time_above`. Shape (m,) each. [us]

    Raises
    ------
    TypeError, ValueError
        As `longest_runs`.

    Notes
    -----
    As `longest_runs`. O(n + m log n).

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    start_us, end_us = bounds_us
    return _measured(t_us, fills, limits, adverse, max_gap_us, series, (start_us, start_us, end_us), _runs.TOTAL)


def _measured(  # noqa: PLR0917  # what it is told
    t_us: Ints,
    fills: Fills,
    limits: Fills,
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    series: tuple[Ints, Ints],
    bounds_us: tuple[Ints, Ints, Ints],
    how: int,
) -> Measure:
    """Check the columns and measure."""
    t_us = column("t_us", t_us, np.int64)
    scan_us, start_us, end_us = windows(scan_start_us=bounds_us[0], start_us=bounds_us[1], end_us=bounds_us[2])
    sample_start = _starts("sample_start", series[0], t_us.size)
    window_start = _starts("window_start", series[1], scan_us.size, sample_start.size)
    lo_ppm, hi_ppm = (
        column(name, fill, np.int32, t_us.size) for name, fill in zip(("lo_ppm", "hi_ppm"), fills, strict=True)
    )
    above_ppm, below_ppm = (
        column(name, limit, np.int32, sample_start.size - 1)
        for name, limit in zip(("above_ppm", "below_ppm"), limits, strict=True)
    )
    found = _runs.scan(
        t_us,
        (lo_ppm, hi_ppm),
        (above_ppm, below_ppm),
        column("adverse", adverse, np.uint8, t_us.size + sample_start.size - 1),
        whole("max_gap_us", max_gap_us, 0),
        (sample_start, window_start),
        (scan_us, start_us, end_us),
        how,
    )
    wrong = np.flatnonzero(found[0] == _runs.WRONG)
    if wrong.size:
        place = int(np.searchsorted(window_start, wrong[0], side="right")) - 1
        here = slice(int(sample_start[place]), int(sample_start[place + 1]))
        _ = times(t_us[here])
        at = here.start + int(np.flatnonzero(lo_ppm[here] > hi_ppm[here])[0])
        raise ValueError(f"lo_ppm[{at}] = {lo_ppm[at]} exceeds hi_ppm[{at}] = {hi_ppm[at]}; swap the bounds")
    return found


def _starts(name: str, values: object, end: int, size: int | None = None) -> Ints:
    """Check where series begin: from nought, never descending, to the end."""
    starts = column(name, values, np.int64, size)
    if starts.size == 0 or starts[0] != 0 or starts[-1] != end or (np.diff(starts) < 0).any():
        raise ValueError(f"{name} must ascend from 0 to {end}; give one more than there are series")
    return starts
