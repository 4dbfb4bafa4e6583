"""The loops behind `kernels.matching`: the edges driven between linked fixes."""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel, pair, several, triple
from kernels._path import BACK, BEND_MM, KEPT, NEXT, ROUND, ROUND_MM, Triple, kind_of, link_of
from kernels._trellis import Fixes, States, fixes_type, states_type
from kernels._ways import (
    HEAP_COUNT,
    LABELS_MAX,
    LENGTH,
    NOWHERE,
    RECORD,
    ROW,
    aim,
    clear,
    edge_of,
    empty_search,
    entry_before,
    entry_of,
    follow,
    label_before,
    settle,
)

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]
Rows = tuple[Ints, Ints, Ints, Ints]


@kernel(int64(triple(I64), NEW_I64, int64, int64, int64, NEW_I64))
def _between(  # the network, the labels, from where to where, what is filled
    streets: Triple, search: Ints, edge: int, following: int, limit_mm: int, between: Ints
) -> int:
    """List the edges between two, the last first; give their number."""
    graph, entry, leaving = streets
    row = graph[RECORD * edge + ROW]
    place = entry_of(entry, row, following)
    count = 0
    if place != NOWHERE:
        place = entry_before(entry, row, place)
        while place != NOWHERE:
            between[count] = edge_of(entry, row, place)
            place = entry_before(entry, row, place)
            count += 1
        return count
    only = np.array([following])
    aim(graph, only, 0 * only, 0 * only + 1, 0, 1, search)
    follow(graph, leaving, search, (edge, 0, NOWHERE), limit_mm, NOWHERE)
    while search[HEAP_COUNT] > 0:
        label = settle(graph, leaving, search, limit_mm, NOWHERE)
        if search[label] == following:
            label = label_before(search, label)
            while label != NOWHERE:
                between[count] = search[label]
                label = label_before(search, label)
                count += 1
            break
    clear(search)
    return count


@kernel(several(NEW_I64, 4)(triple(I64), states_type, fixes_type, I64, pair(I64)))
def routes(streets: Triple, states: States, fixes: Fixes, weights: Ints, matched: Pair) -> Rows:
    """List the edges driven between linked fixes; see `kernels.matching`."""
    chosen, source = matched
    _, state_edge, along_mm, _ = states
    t_us, x_mm, y_mm, accuracy_mm, near_mm = fixes
    graph = streets[0]
    count = chosen.shape[0]
    row_start = np.zeros(count + 1, np.int64)
    room = 2 * count + 16
    edges, begins_mm, ends_mm = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    search, between = empty_search(weights[BEND_MM], weights[ROUND_MM]), np.empty(LABELS_MAX, np.int64)
    total = 0
    for fix in range(count):
        row_start[fix] = total
        if source[fix] == NOWHERE:
            continue
        one, other = chosen[source[fix]], chosen[fix]
        edge, following = int(state_edge[one]), int(state_edge[other])
        at_mm, until_mm, length_mm = int(along_mm[one]), int(along_mm[other]), int(graph[RECORD * edge + LENGTH])
        kind = kind_of(graph, edge, at_mm, following, until_mm, int(near_mm[source[fix]] + near_mm[fix]))
        inner = 0
        if kind == KEPT:
            # As far as the way was looked for, which began at the first state.
            link = link_of(t_us, x_mm, y_mm, accuracy_mm, near_mm, weights, source[fix], fix)
            limit_mm = link[2] - length_mm + at_mm
            inner = _between(streets, search, edge, following, limit_mm, between)
        size = inner + 2 if kind in (NEXT, KEPT) else 1
        if total + size > edges.shape[0]:
            more = np.empty(total + size, np.int64)
            edges = np.concatenate((edges, more))
            begins_mm, ends_mm = np.concatenate((begins_mm, more)), np.concatenate((ends_mm, more))
        for row in range(size):
            driven = between[inner - row] if 0 < row < size - 1 else (edge if row == 0 else following)
            edges[total + row], begins_mm[total + row] = driven, 0
            ends_mm[total + row] = graph[RECORD * driven + LENGTH]
        begins_mm[total] = at_mm
        ends_mm[total + size - 1] = at_mm if kind == BACK else until_mm
        if kind == ROUND:
            # Where it turned nobody saw; the shortest way turns at the one place or at the other.
            if length_mm - until_mm >= at_mm:
                ends_mm[total] = length_mm - until_mm
            else:
                edges[total], begins_mm[total] = following, length_mm - at_mm
        total += size
    row_start[count] = total
    return row_start, edges[:total].copy(), begins_mm[:total].copy(), ends_mm[:total].copy()
