"""Compile every kernel ahead of need.

The first import after an installation takes some seconds, each later one a fraction: machine code is kept
(`kernels._jit`). A program that will need kernels soon runs `warm` in a background process while it does other work.
When that is worth it is left to the caller.
"""

import numpy as np

from kernels import availability, levels


def warm() -> None:
    """Import all kernels and call each once, on one sample and one window.

    Raises
    ------
    RuntimeError
        If a kernel does not give what is known for this input: the machine code kept is damaged.

    Notes
    -----
    Takes the time of compiling, or of loading from the cache; the calls themselves take none.

    References
    ----------
    Numba documentation, "Compiling Python code with @jit", sections on eager compilation and on ``cache``.
    """
    t_us = np.array([0], np.int64)
    fill_ppm = np.array([0], np.int32)
    city = np.zeros(2, np.uint8)
    start_us, end_us = np.array([0], np.int64), np.array([1], np.int64)
    state = levels.states(fill_ppm, fill_ppm, fill_ppm)
    kind = levels.drops(t_us, fill_ppm, fill_ppm, 1, 0, 1)
    measures = (
        *levels.longest_run(t_us, state, city, 1, start_us, start_us, end_us),
        *levels.time_above(t_us, state, city, 1, start_us, end_us),
        *levels.longest_unemptied(t_us, kind, city, 1, start_us, start_us, end_us),
        *levels.emptying_count(kind, t_us, start_us, end_us),
        *availability.slots(t_us, 1, start_us, end_us),
        availability.unmeasured(t_us, 1, start_us, end_us),
        *availability.gaps(t_us, 1, 0, 1),
    )
    found = [int(measure[0]) for measure in measures]
    expected = [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 2, 1, 1, 1, 0, 1]
    if found != expected:
        raise RuntimeError(f"kernels give {found} in place of {expected}; remove the folder of NUMBA_CACHE_DIR")
