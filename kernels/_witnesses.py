"""Which fixes of a vehicle are witnesses of their own; behind `kernels.matching`."""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, float64, int64, kernel

Ints = NDArray[np.int64]


@kernel(int64(I64, I64, int64, int64, float64))
def _turned(x_mm: Ints, y_mm: Ints, last: int, fix: int, least_mm: float) -> int:
    """Find of the fixes between two the furthest from the later one, if further than asked; else the earlier."""
    most, found = least_mm * least_mm, last
    for between in range(last + 1, fix):
        east, north = float(x_mm[fix] - x_mm[between]), float(y_mm[fix] - y_mm[between])
        if east * east + north * north > most:
            most, found = east * east + north * north, between
    return found


@kernel(NEW_I64(I64, I64, I64, I64, int64))
def witnesses(t_us: Ints, x_mm: Ints, y_mm: Ints, apart_mm: Ints, apart_us: int) -> Ints:
    """Choose fixes that are far enough from each other, in place or in time, to be witnesses of their own.

    Parameters
    ----------
    t_us : ndarray of int64
        Times, ascending. Shape (n,). [us]
    x_mm, y_mm : ndarray of int64
        Places on a plane. Shape (n,) each. [mm]
    apart_mm : ndarray of int64
        How far from the last one that was chosen a fix must lie. Shape (n,). [mm]
    apart_us : int
        How long after it a fix is chosen wherever it lies. A longer silence has a witness at both ends. [us]

    Returns
    -------
    ndarray of int64
        Places of the chosen fixes, ascending; the first and the last fix are always among them. Of those between two,
        the furthest from the later one is chosen too, where it lies further from it than the earlier one by half the
        distance asked for: there the vehicle turned round. Shape (m,). [index]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    Each fix is looked at twice, O(n).

    References
    ----------
    P. Newson, J. Krumm, Hidden Markov map matching through noise and sparseness, 17th ACM SIGSPATIAL, 2009, section
    4.1: fixes within two standard deviations of the one before are left out, doi:10.1145/1653771.1653818.
    """
    count = t_us.shape[0]
    chosen = np.empty(count, np.int64)
    size, last = 0, 0
    for fix in range(count):
        east, north = float(x_mm[fix] - x_mm[last]), float(y_mm[fix] - y_mm[last])
        apart = float(apart_mm[fix])
        is_end = fix in (0, count - 1) or t_us[fix + 1] - t_us[fix] >= apart_us
        if is_end or t_us[fix] - t_us[last] >= apart_us or east * east + north * north >= apart * apart:
            turned = _turned(x_mm, y_mm, last, fix, np.sqrt(east * east + north * north) + apart / 2)
            if turned > last:
                chosen[size] = turned
                size += 1
            chosen[size] = fix
            size += 1
            last = fix
    return chosen[:size].copy()
