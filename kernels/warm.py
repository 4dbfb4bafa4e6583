"""Compile every kernel ahead of need.

The first import after an installation takes some seconds, each later one a fraction: machine code is kept
(`kernels._jit`). A program that will need kernels soon runs `warm` in a background process while it does other work.
When that is worth it is left to the caller.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import availability, levels, matching, waits


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
        *waits.longest_wait(t_us, state, kind, city, 1, start_us, start_us, end_us),
        *waits.time_to_emptying(t_us, kind, city, 1, start_us, end_us),
        *waits.carried(t_us, state, city, 1, start_us, end_us),
        *availability.slots(t_us, 1, start_us, end_us),
        availability.unmeasured(t_us, 1, start_us, end_us),
        *availability.gaps(t_us, 1, 0, 1),
        *_matched(),
    )
    found = [int(measure[0]) for measure in measures]
    expected = [*[0, 0, 1] * 3, 0, 2, *[0, 0, 1] * 3, 1, 1, 1, 0, 1, 0, 2, 0, 0, 0, 1, 0, 1]
    if found != expected:
        raise RuntimeError(f"kernels give {found} in place of {expected}; remove the folder of NUMBA_CACHE_DIR")


def _matched() -> tuple[NDArray[np.int64], ...]:
    """Match two fixes to one street of 10 mm, drivable along its line: all of it is driven, and surely."""
    zero, one = (np.array([number], np.int64) for number in (0, 1))
    ends, street = np.array([0, 10], np.int64), np.array([0, 0], np.int64)
    vertices, shape = (ends, street, ends), np.array([0, 0, 10, 2, 1], np.int64)
    cells = matching.cells(vertices, street, shape)
    (start, found), (at_mm, distance_mm) = matching.locate(vertices, street, (shape, *cells), (ends, street, ends), 1)
    edges, adjacency = (np.array([1, 0], np.int64), np.array([10, 10], np.int64)), (np.array([0, 1, 1]), zero)
    states, pair_start = (start, 2 * found, at_mm), np.array([0, 1], np.int64)
    way = matching.ways(edges, adjacency, states, pair_start, 20 * one, zero)
    chosen, linked = matching.decode(start, distance_mm, pair_start, way, (10 * one, one), 1)
    row_start, row_edge, _ = matching.routes(edges, adjacency, states, (chosen, linked), 20 * one, zero)
    rows = (row_start, row_edge, 10 * one)
    fits = matching.possible(start, np.array([1, 1], np.int64), pair_start, way, 20 * one, chosen)
    side = matching.sides(states, fits, chosen, rows, 20 * one, ends)
    certain = matching.certain(edges, adjacency, states, side, rows, 20 * one)
    nearest_mm = matching.distances(vertices, street, 12, 0)
    return cells[0], nearest_mm, at_mm, chosen, row_edge, fits, way[1], certain
