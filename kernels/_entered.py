"""The loops behind `kernels.matching`: where a vehicle may be on a street of the path without having come along it.

A street that every vehicle drives is driven from its beginning by all who came in there. One who began on it, or came
from its other end and turned round in mid-block, drove only what lies beyond: that may be as far from the fix as its
error, and no other fix speaks of it. Where what comes before on the path is certain, there is none such. Likewise at
the end, where vehicles may have gone off. Whoever is on the street at several fixes on end came in before the first.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._certain import TURN_MM, most_of
from kernels._jit import I64, NEW_I64, inner, int64, kernel, pair, triple
from kernels._path import Triple
from kernels._ways import (
    COUNT,
    HEAP_COUNT,
    LABELS_MAX,
    LENGTH,
    NOWHERE,
    RECORD,
    aim,
    clear,
    empty_search,
    follow,
    key_at,
    settle,
)

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]


@inner(int64(triple(I64), I64, int64, int64))
def _state_on(states: Triple, fits: Ints, fix: int, edge: int) -> int:
    """Find a fix's state on an edge, `NOWHERE` if it has none that fits."""
    start, edges, _ = states
    for state in range(start[fix], start[fix + 1]):
        if edges[state] == edge and fits[state]:
            return state
    return NOWHERE


@inner(int64(triple(I64), triple(I64), I64, NEW_I64, NEW_I64, triple(int64)))  # pyright: ignore[reportArgumentType]
def _comes_in(
    streets: Triple, states: Triple, fits: Ints, search: Ints, is_aim: Ints, at: tuple[int, int, int]
) -> int:
    """Tell whether a vehicle from another street can have come to a state, within a link's length.

    `at` is the state, the fix before, and how long the way may be.
    """
    target, fix, limit_mm = at
    graph, _, leaving = streets
    start, edges, along_mm = states
    edge = edges[target]
    is_aim[0] = 1
    aim(graph, edges, along_mm, is_aim, target, target + 1, search)
    for source in range(start[fix], start[fix + 1]):
        if fits[source] and edges[source] // 2 != edge // 2:
            rest_mm = graph[RECORD * edges[source] + LENGTH] - along_mm[source]
            follow(graph, leaving, search, (edges[source], rest_mm, NOWHERE), limit_mm, edge // 2)
    is_in = 0
    while search[HEAP_COUNT] > 0 and is_in == 0:
        label = settle(graph, leaving, search, limit_mm, edge // 2)
        is_in = 1 if search[label] == edge and key_at(search, label) + along_mm[target] <= limit_mm else 0
    is_in = is_in if search[COUNT] < LABELS_MAX else 1
    clear(search)
    return is_in


@inner(int64(triple(I64), triple(I64), I64, NEW_I64, NEW_I64, triple(int64)))  # pyright: ignore[reportArgumentType]
def _goes_off(
    streets: Triple, states: Triple, fits: Ints, search: Ints, is_aim: Ints, at: tuple[int, int, int]
) -> int:
    """Tell whether a vehicle can have gone from a state to another street, within a link's length.

    `at` is the state, the fix after, and how long the way may be.
    """
    source, fix, limit_mm = at
    graph, _, leaving = streets
    start, edges, along_mm = states
    edge = edges[source]
    first, last = start[fix], start[fix + 1]
    for target in range(first, last):
        is_aim[target - first] = 1 if fits[target] and edges[target] // 2 != edge // 2 else 0
    aims = aim(graph, edges, along_mm, is_aim, first, last, search)
    if aims > 0:
        rest_mm = graph[RECORD * edge + LENGTH] - along_mm[source]
        follow(graph, leaving, search, (edge, rest_mm, NOWHERE), limit_mm, edge // 2)
    is_off = 0
    while search[HEAP_COUNT] > 0 and is_off == 0:
        label = settle(graph, leaving, search, limit_mm, edge // 2)
        for target in range(first, last):
            is_short = key_at(search, label) + along_mm[target] <= limit_mm
            if is_aim[target - first] and edges[target] == search[label] and is_short:
                is_off = 1
    is_off = is_off if search[COUNT] < LABELS_MAX else 1
    clear(search)
    return is_off


@inner(int64(triple(I64), triple(I64), I64, I64, NEW_I64, NEW_I64, int64, int64))
def _came(  # noqa: PLR0917  # the network, the states, then when and on which edge
    streets: Triple, states: Triple, fits: Ints, plausible_mm: Ints, search: Ints, is_aim: Ints, fix: int, edge: int
) -> int:
    """Tell whether a vehicle on a street at a fix can have come in over the edge's end, or been there all along."""
    while True:
        back = _state_on(states, fits, fix, edge ^ 1)
        if back == NOWHERE and _state_on(states, fits, fix, edge) == NOWHERE:
            return 0
        if fix == 0 or plausible_mm[fix - 1] < 0:
            return 1
        if back != NOWHERE and _comes_in(
            streets, states, fits, search, is_aim, (back, fix - 1, plausible_mm[fix - 1])
        ):
            return 1
        fix -= 1


@inner(int64(triple(I64), triple(I64), I64, I64, NEW_I64, NEW_I64, int64, int64))
def _went(  # noqa: PLR0917  # the network, the states, then when and on which edge
    streets: Triple, states: Triple, fits: Ints, plausible_mm: Ints, search: Ints, is_aim: Ints, fix: int, edge: int
) -> int:
    """Tell whether a vehicle on a street at a fix can go off over the edge's beginning, or stay there."""
    while True:
        back = _state_on(states, fits, fix, edge ^ 1)
        if back == NOWHERE and _state_on(states, fits, fix, edge) == NOWHERE:
            return 0
        if plausible_mm[fix] < 0:
            return 1
        if back != NOWHERE and _goes_off(streets, states, fits, search, is_aim, (back, fix + 1, plausible_mm[fix])):
            return 1
        fix += 1


@inner(int64(I64, triple(I64), I64, int64, int64))
def _place_on(graph: Ints, states: Triple, fits: Ints, fix: int, edge: int) -> int:
    """Give where along an edge a fix's states on its street are."""
    state = _state_on(states, fits, fix, edge)
    if state != NOWHERE:
        return int(states[2][state])
    return int(graph[RECORD * edge + LENGTH] - states[2][_state_on(states, fits, fix, edge ^ 1)])


@kernel(pair(NEW_I64)(triple(I64), triple(I64), I64, triple(I64), I64, I64))
def entered(  # the network, the states, then the path and what is known of it
    streets: Triple, states: Triple, fits: Ints, rows: Triple, plausible_mm: Ints, is_certain: Ints
) -> Pair:
    """Give where along certain rows a vehicle may have begun, and ended; see `kernels.matching`."""
    row_start, row_edge, _ = rows
    total = row_edge.shape[0]
    came_mm, went_mm = np.full(total, NOWHERE), np.full(total, NOWHERE)
    search, is_aim = empty_search(0, TURN_MM), np.zeros(most_of(states[0]), np.int64)
    for fix in range(plausible_mm.shape[0] - 1):
        for row in range(row_start[fix], row_start[fix + 1]):
            edge = int(row_edge[row])
            if is_certain[row] == 0:
                continue
            is_begun = row > 0 and is_certain[row - 1] == 1
            if not is_begun and _came(streets, states, fits, plausible_mm, search, is_aim, fix, edge):
                came_mm[row] = _place_on(streets[0], states, fits, fix, edge)
            goes_on = row + 1 < total and is_certain[row + 1] == 1
            if not goes_on and _went(streets, states, fits, plausible_mm, search, is_aim, fix + 1, edge):
                went_mm[row] = _place_on(streets[0], states, fits, fix + 1, edge)
    return came_mm, went_mm
