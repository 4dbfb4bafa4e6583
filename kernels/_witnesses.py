"""Which fixes of a vehicle are witnesses of their own; behind `kernels.matching`."""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel

Ints = NDArray[np.int64]


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
        Places of the chosen fixes, ascending; the first and the last fix are always among them. Shape (m,). [index]

    Raises
    ------
    TypeError
        If an array is of another type than declared. Nothing else is checked here.

    Notes
    -----
    One walk, O(n).

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
            chosen[size] = fix
            size += 1
            last = fix
    return chosen[:size].copy()
