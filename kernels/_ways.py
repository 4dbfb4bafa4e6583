"""The loops behind `kernels.matching`: shortest ways over directed streets, bounded in length.

A street s, driven along its line, is the directed edge 2 s; driven against it, 2 s + 1. Which edges leave a node is
said by an adjacency; an edge that may not be driven is in none. Labels belong to edges and not to nodes, so that a
turn-round (an edge followed by its own reverse) can be told and charged. A label's key is the length from the start
to the edge's tail, plus `TURN_MM` for each turn-round. Ties go to the lower edge.

Labels are three columns over edges: key, number of turn-rounds, edge before. The queue is a binary heap, also three:
the heap of edges, each edge's place in it (0: not there), and the edges that carry a label; the first element of the
first and the last column holds their number. All is emptied again after use, at the cost of what was touched.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel, pair, triple

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]

UNREACHED: Final = 2**62
NOWHERE: Final = -1
# What a driver goes out of the way to avoid turning round in the street; only chooses between ways.
TURN_MM: Final = 50_000

_STRAIGHT: Final = 0
_BACK: Final = 1
_ROUND: Final = 2
_NETWORK: Final = 3

_edges = pair(I64)
_states = triple(I64)
_work = triple(NEW_I64)
_found = triple(int64)  # pyright: ignore[reportArgumentType]  # numbers make a triple as arrays do


@kernel(triple(NEW_I64)(int64))
def empty_labels(edge_count: int) -> Triple:
    """Make labels for that many edges, none of them reached."""
    return (
        np.full(edge_count, UNREACHED, np.int64),
        np.zeros(edge_count, np.int64),
        np.full(edge_count, NOWHERE, np.int64),
    )


@kernel(triple(NEW_I64)(int64))
def empty_queue(edge_count: int) -> Triple:
    """Make a queue for that many edges."""
    return np.zeros(edge_count + 1, np.int64), np.zeros(edge_count, np.int64), np.zeros(edge_count + 1, np.int64)


@kernel(int64(I64, int64, int64))
def _is_before(key: Ints, one: int, other: int) -> int:
    """Tell whether an edge is to be taken before another."""
    return 1 if key[one] < key[other] or (key[one] == key[other] and one < other) else 0


@kernel(int64(NEW_I64, NEW_I64, NEW_I64, int64))
def _rise(key: Ints, heap: Ints, place: Ints, at: int) -> int:
    """Move the edge at a place of the heap up to where it belongs."""
    edge = heap[at]
    while at > 1 and _is_before(key, edge, heap[at // 2]):
        heap[at] = heap[at // 2]
        place[heap[at]] = at
        at //= 2
    heap[at] = edge
    place[edge] = at
    return at


@kernel(int64(NEW_I64, NEW_I64, NEW_I64))
def _take(key: Ints, heap: Ints, place: Ints) -> int:
    """Take the first edge out of the heap."""
    taken = int(heap[1])
    place[taken] = 0
    edge = int(heap[heap[0]])
    heap[0] -= 1
    if heap[0] == 0:
        return taken
    at = 1
    while 2 * at <= heap[0]:
        child = 2 * at
        if child < heap[0] and _is_before(key, heap[child + 1], heap[child]):
            child += 1
        if not _is_before(key, heap[child], edge):
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    heap[at] = edge
    place[edge] = at
    return taken


@kernel(int64(_work, _work, int64, int64, int64, int64))
def _label(labels: Triple, queue: Triple, edge: int, key: int, turns: int, before: int) -> int:
    """Reach the tail of an edge, if this is nearer than what was known."""
    if key >= labels[0][edge]:
        return 0
    if labels[0][edge] == UNREACHED:
        queue[2][0] += 1
        queue[2][queue[2][0]] = edge
    labels[0][edge] = key
    labels[1][edge] = turns
    labels[2][edge] = before
    if queue[1][edge] == 0:
        queue[0][0] += 1
        queue[0][queue[0][0]] = edge
        queue[1][edge] = queue[0][0]
    _rise(labels[0], queue[0], queue[1], queue[1][edge])
    return 1


@kernel(int64(_work, _work))
def clear(labels: Triple, queue: Triple) -> int:
    """Forget every label."""
    for index in range(1, queue[2][0] + 1):
        edge = queue[2][index]
        labels[0][edge] = UNREACHED
        labels[1][edge] = 0
        labels[2][edge] = NOWHERE
        queue[1][edge] = 0
    queue[0][0] = 0
    count = queue[2][0]
    queue[2][0] = 0
    return count


@kernel(int64(_edges, _edges, _work, _work, int64, int64, int64))
def leave(  # noqa: PLR0917  # the network, the labels, then from where
    edges: Pair, adjacency: Pair, labels: Triple, queue: Triple, edge: int, at_mm: int, limit_mm: int
) -> int:
    """Start from a place on an edge: reach the edges that leave its head."""
    rest_mm = edges[1][edge] - at_mm
    node = edges[0][edge]
    for index in range(adjacency[0][node], adjacency[0][node + 1]):
        following = adjacency[1][index]
        turn = 1 if following == edge ^ 1 else 0
        if rest_mm + turn * TURN_MM <= limit_mm:
            _label(labels, queue, following, rest_mm + turn * TURN_MM, turn, NOWHERE)
    return 0


@kernel(int64(_edges, _edges, _work, _work, int64, int64))
def spread(edges: Pair, adjacency: Pair, labels: Triple, queue: Triple, limit_mm: int, shut: int) -> int:
    """Reach every edge whose tail lies within the limit, without driving through the street ``shut``."""
    key, turns, _ = labels
    while queue[0][0] > 0:
        edge = _take(key, queue[0], queue[1])
        if edge // 2 == shut or key[edge] + edges[1][edge] > limit_mm:
            continue
        node = edges[0][edge]
        for index in range(adjacency[0][node], adjacency[0][node + 1]):
            following = adjacency[1][index]
            turn = 1 if following == edge ^ 1 else 0
            reached_mm = key[edge] + edges[1][edge] + turn * TURN_MM
            if reached_mm <= limit_mm:
                _label(labels, queue, following, reached_mm, turns[edge] + turn, edge)
    return 0


@kernel(_found(_edges, _work, _states, int64, int64, int64, int64))
def _way(  # noqa: PLR0917  # the network, the labels, then from where to where
    edges: Pair, labels: Triple, states: Triple, source: int, target: int, limit_mm: int, slack_mm: int
) -> tuple[int, int, int]:
    """Find the way between two states, the labels being spread from the first: length, turn-rounds, kind."""
    edge, following = states[1][source], states[1][target]
    at_mm, until_mm = states[2][source], states[2][target]
    if edge == following and 0 <= until_mm - at_mm <= limit_mm:
        return until_mm - at_mm, 0, _STRAIGHT
    if edge == following and 0 < at_mm - until_mm <= slack_mm:
        return 0, 0, _BACK
    found_mm, found_turns, kind = NOWHERE, 0, _NETWORK
    best = limit_mm + 1
    if labels[0][following] < UNREACHED and labels[0][following] + until_mm < best:
        best = labels[0][following] + until_mm
        found_turns = int(labels[1][following])
        found_mm = best - found_turns * TURN_MM
    ahead_mm = until_mm - (edges[1][edge] - at_mm)
    if following == edge ^ 1 and ahead_mm >= 0 and ahead_mm + TURN_MM < best:
        return ahead_mm, 1, _ROUND
    return found_mm, found_turns, kind


@kernel(pair(NEW_I64)(_edges, _edges, _states, I64, I64, I64))
def ways(edges: Pair, adjacency: Pair, states: Triple, pair_start: Ints, limit_mm: Ints, slack_mm: Ints) -> Pair:
    """Find the ways between all states of neighbouring fixes; see `kernels.matching`."""
    count = limit_mm.shape[0]
    length_mm = np.full(pair_start[count], NOWHERE, np.int64)
    turns = np.zeros(pair_start[count], np.int64)
    labels, queue = empty_labels(edges[0].shape[0]), empty_queue(edges[0].shape[0])
    for fix in range(count):
        if limit_mm[fix] < 0:
            continue
        at = pair_start[fix]
        for source in range(states[0][fix], states[0][fix + 1]):
            leave(edges, adjacency, labels, queue, states[1][source], states[2][source], limit_mm[fix])
            spread(edges, adjacency, labels, queue, limit_mm[fix], NOWHERE)
            for target in range(states[0][fix + 1], states[0][fix + 2]):
                length_mm[at], turns[at], _ = _way(
                    edges, labels, states, source, target, limit_mm[fix], slack_mm[fix]
                )
                at += 1
            clear(labels, queue)
    return length_mm, turns


@kernel(triple(NEW_I64)(_edges, _edges, _states, pair(I64), I64, I64))
def routes(edges: Pair, adjacency: Pair, states: Triple, matched: Pair, limit_mm: Ints, slack_mm: Ints) -> Triple:
    """List the edges driven between neighbouring matched fixes; see `kernels.matching`."""
    chosen, linked = matched
    row_start = np.zeros(chosen.shape[0] + 1, np.int64)
    row_edge = np.empty(16, np.int64)
    row_begin_mm = np.empty(16, np.int64)
    labels, queue = empty_labels(edges[0].shape[0]), empty_queue(edges[0].shape[0])
    count = 0
    for fix in range(chosen.shape[0]):
        row_start[fix] = count
        if linked[fix] == 0:
            continue
        source, target = chosen[fix], chosen[fix + 1]
        first, last = states[1][source], states[1][target]
        leave(edges, adjacency, labels, queue, int(first), int(states[2][source]), limit_mm[fix])
        spread(edges, adjacency, labels, queue, limit_mm[fix], NOWHERE)
        kind = _way(edges, labels, states, source, target, limit_mm[fix], slack_mm[fix])[2]
        size = 1
        if kind == _NETWORK:
            size = 2
            edge = labels[2][last]
            while edge != NOWHERE:
                size += 1
                edge = labels[2][edge]
        while count + size > row_edge.shape[0]:
            row_edge = np.concatenate((row_edge, np.empty_like(row_edge)))
            row_begin_mm = np.concatenate((row_begin_mm, np.empty_like(row_begin_mm)))
        edge = last
        for row in range(count + size - 1, count, -1):
            row_edge[row] = edge
            row_begin_mm[row] = 0
            edge = labels[2][edge]
        row_edge[count] = last if kind == _ROUND else first
        row_begin_mm[count] = edges[1][first] - states[2][source] if kind == _ROUND else states[2][source]
        count += size
        clear(labels, queue)
    row_start[chosen.shape[0]] = count
    return row_start, row_edge[:count].copy(), row_begin_mm[:count].copy()
