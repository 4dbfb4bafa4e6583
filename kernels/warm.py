"""Compile every kernel ahead of need.

The first call of a kernel after an installation takes some seconds, in each later program a fraction: machine code is
kept (`kernels._jit`). A program that will need kernels soon runs `warm` in a background process while it does other
work. When that is worth it is left to the caller.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import (
    around,
    availability,
    coverage,
    csv_cells,
    csv_lines,
    driven,
    dwell,
    emptyings,
    geofence,
    levels,
    matching,
    odds,
    reach,
    runs,
    waits,
)
from kernels._jit import make_all

# Compiled; what they give is not looked at here.
_ALSO = (around, csv_cells, csv_lines, driven, odds, reach, runs)


def warm() -> None:
    """Compile all kernels and call each once, on one sample and one window.

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
    make_all()
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
        *_fallen(),
    )
    found = [int(measure[0]) for measure in measures]
    expected = [
        *[0, 0, 1] * 3,
        0,
        2,
        *[0, 0, 1] * 3,
        1,
        1,
        1,
        0,
        1,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        1,
        0,
        10,
        10,
        *[1] * 4,
        9,
        9,
        2,
        1,
        2,
    ]
    if found != expected:
        raise RuntimeError(f"kernels give {found} in place of {expected}; remove the folder of NUMBA_CACHE_DIR")


def _matched() -> tuple[NDArray[np.int64], ...]:
    """Match two fixes to one street of 10 mm, drivable along its line: all of it is driven, and surely."""
    zero, one = (np.array([number], np.int64) for number in (0, 1))
    ends, street, none = np.array([0, 10], np.int64), np.array([0, 0], np.int64), np.array([0, 0], np.int64)
    vertices, shape = (ends, none, ends), np.array([0, 0, 10, 2, 1], np.int64)
    cells = matching.cells(vertices, street, shape)
    located = matching.locate(vertices, street, (shape, *cells), (ends, none, np.array([1, 1], np.int64)), 1)
    columns = (ends, np.array([5, 5], np.int64), none, none)
    found = matching.states(vertices, located, (10 * one, one), columns, np.array([1, 1, 1], np.int64))
    states, distance_mm = found[:4], found[4]
    edges, adjacency = (np.array([1, 0], np.int64), np.array([10, 10], np.int64)), (np.array([0, 1, 1]), zero)
    graph, entry = matching.table(edges, (ends[::-1].copy(), none), (none, none), adjacency, none)
    ways, weights = (graph, entry, zero), np.array([0, 0, 1, 0, 10**6, 10**6, 0, 1, 10**9, 10**9, 0, 10], np.int64)
    fixes = (ends, ends, none, none, np.array([5, 5], np.int64))
    chosen, source, _ = matching.decode(states, matching.chains(ways, states, fixes, weights))
    start, edge, begin_mm, end_mm = matching.routes(ways, states, fixes, weights, (chosen, source))
    # Rows of each fix to the next begin where those before end: one more than there are fixes.
    begins = np.append(start[1:], start[-1:])
    rows, plausible_mm = (begins, edge, end_mm - begin_mm), np.array([20, -1], np.int64)
    fits = matching.possible(ways, states[:3], distance_mm + 1, plausible_mm, fixes[4], chosen)
    side = matching.sides(states[:3], fits, chosen, rows, plausible_mm, fixes[4])
    certain = matching.certain(ways, states[:3], side, rows, plausible_mm)
    came, _ = matching.entered(ways, states[:3], fits, rows, plausible_mm, certain)
    nearest = matching.nearest(matching.nearest_grid(vertices, street, 10, 5), ends, none)
    return (
        cells[0],
        states[2],
        chosen,
        edge,
        fits,
        *nearest,
        certain,
        came,
    )


def _driven() -> tuple[NDArray[np.int64], ...]:
    """Sweep one street of 10 mm from end to end, standing in a triangle all the while: all of it is proven."""
    zero, ten, one = np.array([0], np.int32), np.array([10], np.int32), np.array([1], np.uint8)
    t_us, corner_mm = np.array([0, 1], np.int64), np.array([0, 9, 9], np.int64)
    fixes, along = (zero, zero, np.array([1], np.int8)), (zero, ten)
    _, from_mm, until_mm = coverage.pieces(*fixes, along, one, 0 * t_us)
    covered_mm = coverage.covered(zero, (from_mm, until_mm), 1)
    stays = coverage.visits(zero, (from_mm, until_mm), (t_us[:1], t_us[1:]), one, 0, 1)
    triangle = geofence.area(corner_mm, np.array([0, 0, 9], np.int64), 0 * corner_mm)
    side = geofence.sides(triangle, 0 * t_us + 6, 0 * t_us + 3, t_us)
    visits = dwell.visits(t_us, side, 1, 0, 1)
    plan = (t_us[:1], 2 + t_us[:1], t_us[:1])
    made, _ = dwell.stops(t_us, visits, *plan)
    in_order = np.array(dwell.in_order(t_us, visits, *plan), np.int64)
    bounds_us = dwell.above(t_us, side, (t_us[:1], t_us[:1] + 20), 1, 2, 1)
    fast_us, _, _ = dwell.time_above(t_us, bounds_us, np.zeros(3, np.uint8), 1, t_us[:1], t_us[1:])
    return covered_mm, stays[2][0], visits.stay_us, made, in_order, fast_us


def _fallen() -> tuple[NDArray[np.int64] | NDArray[np.int32] | NDArray[np.int8], ...]:
    """Let a fill of 9 fall to nought: all of it is an emptying."""
    t_us, fill_ppm = np.array([0, 1], np.int64), np.array([9, 0], np.int32)
    lo_ppm, _ = emptyings.screen(t_us, fill_ppm, fill_ppm, 1, 1, 1)
    kind = levels.drops(t_us, fill_ppm, fill_ppm, 9, 0, 1)
    falls = emptyings.detect(t_us, fill_ppm, fill_ppm, 9, 0, 1, 1, 1)
    code, _ = emptyings.floors(falls, 1)
    return lo_ppm, falls.fall_ppm, kind[1:], code, emptyings.confirm(kind, falls, 0)[1:]
