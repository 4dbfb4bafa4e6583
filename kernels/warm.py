"""Compile every kernel ahead of need.

The first import after an installation takes some seconds, each later one a fraction: machine code is kept
(`kernels._jit`). A program that will need kernels soon runs `warm` in a background process while it does other work.
When that is worth it is left to the caller.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import availability, coverage, dwell, geofence, levels, matching, waits


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
        *_driven(),
    )
    found = [int(measure[0]) for measure in measures]
    expected = [*[0, 0, 1] * 3, 0, 2, *[0, 0, 1] * 3, 1, 1, 1, 0, 1, 0, 2, 0, 0, 0, 1, 0, 1, 10, 10, *[1] * 6]
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


def _driven() -> tuple[NDArray[np.int64], ...]:
    """Sweep one street of 10 mm from end to end, standing in a triangle all the while: all of it is proven."""
    zero, ten, one = np.array([0], np.int32), np.array([10], np.int32), np.array([1], np.uint8)
    t_us, corner_mm = np.array([0, 1], np.int64), np.array([0, 9, 9], np.int64)
    fixes, along = (zero, zero, np.array([1], np.int8)), (zero, ten)
    _, from_mm, until_mm = coverage.pieces(*fixes, along, one, 0 * t_us, 10 * t_us[1:])
    covered_mm = coverage.covered(zero, (from_mm, until_mm), 1)
    stays = coverage.visits(zero, (from_mm, until_mm), (t_us[:1], t_us[1:]), one, 0, 1)
    counts, without_us = coverage.passes(*stays, covered_mm, 0, 2)
    triangle = geofence.area(corner_mm, np.array([0, 0, 9], np.int64), 0 * corner_mm)
    side = geofence.sides(triangle, 0 * t_us + 6, 0 * t_us + 3, t_us)
    visits = dwell.visits(t_us, side, 1, 0, 1)
    plan = (t_us[:1], 2 + t_us[:1], t_us[:1])
    made, _ = dwell.stops(t_us, visits, *plan)
    in_order = np.array(dwell.in_order(t_us, visits, *plan), np.int64)
    bounds_us = dwell.above(t_us, side, (t_us[:1], t_us[:1] + 20), 1, 2, 1)
    fast_us, _, _ = dwell.time_above(t_us, bounds_us, np.zeros(3, np.uint8), 1, t_us[:1], t_us[1:])
    return covered_mm, stays[2][0], counts[0], without_us[0], visits.stay_us, made, in_order, fast_us
