"""The loops behind `kernels.odds`: the streets between two fixes as a small network, and the ways over it.

A *part* of the network holds the edges that some way of bounded length between the states of two fixes goes over,
numbered from 0, each with those that follow it in the part and what the turn costs. A search over it needs no hash
table and can be told other lengths than the true ones: so a driver who likes one street better than another is
searched for as fast as the shortest way.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, inner, int64, kernel, pair, several, triple
from kernels._path import Span, span_type
from kernels._ways import (
    COUNT,
    COUNT_BITS,
    COUNT_MASK,
    HEAP_COUNT,
    LABELS_MAX,
    LEAVING,
    LENGTH,
    NOWHERE,
    RECORD,
    UNREACHED,
    aim,
    empty_search,
    follow,
    label_of,
    settle,
    turn_mm,
)

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]
Triple = tuple[Ints, Ints, Ints]
Part = tuple[Ints, Ints, Ints, Ints]
Work = tuple[Ints, Ints, Ints, Ints]

# A part of more edges than this is that of a silence of minutes: what a vehicle did in it is anybody's guess.
PART_MAX: Final = 2_048

part_type: Final = several(I64, 4)
_terms: Final = triple(int64)  # pyright: ignore[reportArgumentType]  # numbers make a tuple as arrays do


@kernel(several(NEW_I64, 4)(triple(I64), triple(I64), span_type, _terms))
def part_of(streets: Triple, states: Triple, span: Span, terms: tuple[int, int, int]) -> Part:
    """Cut out the part of the network between two fixes.

    `states` are where each fix's begin, their edges and how far along; `span` the first state of the one fix, its
    end, the first of the other, its end; `terms` the longest way, and what a bend costs and turning round. Gives the
    edges, where those that follow each begin, and of those their numbers and the costs of turns; no edge at all where
    the part is too large.
    """
    limit_mm, bend_mm, round_mm = terms
    graph, _, leaving = streets
    _, edges, along_mm = states
    begin, middle, first, last = span
    search, is_aim = empty_search(bend_mm, round_mm), np.ones(last - first, np.int64)
    aim(graph, edges, along_mm, is_aim, first, last, search)
    for source in range(begin, middle):
        rest_mm = graph[RECORD * edges[source] + LENGTH] - along_mm[source]
        follow(graph, leaving, search, (edges[source], rest_mm, NOWHERE), limit_mm, NOWHERE)
    inside, number = np.empty(PART_MAX, np.int64), np.full(LABELS_MAX + 8, NOWHERE)
    count = 0
    while search[HEAP_COUNT] > 0 and count < PART_MAX:
        label = settle(graph, leaving, search, limit_mm, NOWHERE)
        inside[count], number[label // 4] = search[label], count
        count += 1
    if search[HEAP_COUNT] > 0 or search[COUNT] == LABELS_MAX:
        count = 0
    start = np.zeros(count + 1, np.int64)
    onward, turn = np.empty(count * 8, np.int64), np.empty(count * 8, np.int64)
    total = 0
    for one in range(count):
        listed = graph[RECORD * inside[one] + LEAVING]
        for index in range(listed >> COUNT_BITS, (listed >> COUNT_BITS) + (listed & COUNT_MASK)):
            label = label_of(search, leaving[index])
            if label != NOWHERE and total < onward.shape[0]:
                onward[total] = number[label // 4]
                turn[total] = turn_mm(graph, inside[one], leaving[index], bend_mm, round_mm)
                total += 1
        start[one + 1] = total
    return inside[:count].copy(), start, onward[:total].copy(), turn[:total].copy()


@inner(int64(I64, int64))
def number_of(inside: Ints, edge: int) -> int:
    """Find the number of an edge in a part, `NOWHERE` if it is not there."""
    for one in range(inside.shape[0]):
        if inside[one] == edge:
            return one
    return NOWHERE


@kernel(pair(NEW_I64)(I64, I64, I64, int64, int64))
def costs(graph: Ints, inside: Ints, edges: Ints, first: int, last: int) -> Pair:
    """Give the lengths of a part's edges, and the numbers of the edges of some states."""
    length_mm, aims = np.empty(inside.shape[0], np.int64), np.empty(last - first, np.int64)
    for one in range(inside.shape[0]):
        length_mm[one] = graph[RECORD * inside[one] + LENGTH]
    for state in range(first, last):
        aims[state - first] = number_of(inside, edges[state])
    return length_mm, aims


@inner(int64(part_type))
def heap_room(part: Part) -> int:
    """Say how many values the heap of a walk may hold: each edge once to begin with, then each turn once."""
    return int(part[0].shape[0] + part[2].shape[0])


@inner(int64(NEW_I64, int64, int64))
def _push(heap: Ints, size: int, value: int) -> int:
    """Put a value into a heap; gives its size."""
    at = size
    while at > 0 and heap[(at - 1) // 2] > value:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = value
    return size + 1


@inner(int64(NEW_I64, int64))
def _pop(heap: Ints, size: int) -> int:
    """Take the least value out of a heap, which is one smaller then."""
    taken, value = int(heap[0]), heap[size - 1]
    size -= 1
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value
    return taken


@inner(int64(I64, NEW_I64))
def mark(aims: Ints, is_aim: Ints) -> int:
    """Mark the edges of a part that are to be reached, and no others; gives how many they are."""
    is_aim[:] = 0
    count = 0
    for place in range(aims.shape[0]):
        if aims[place] != NOWHERE and is_aim[aims[place]] == 0:
            is_aim[aims[place]] = 1
            count += 1
    return count


@inner(int64(triple(I64), part_type, I64, int64, several(NEW_I64, 4), int64, int64, int64))
def walk(  # noqa: PLR0917  # the network, the part, what its edges cost, from where, what is filled, costs of turns
    streets: Triple, part: Part, cost_mm: Ints, edge: int, work: Work, bend_mm: int, round_mm: int, aims: int
) -> int:
    """Find the cheapest ways from an edge's head to so many marked edges of a part; gives how many are left.

    `work` is filled with each edge's key, `UNREACHED` where no way was found, and the edge before, `NOWHERE` for the
    first; its third column is room for a heap, the last says which edges are marked. What lies further off than the
    last of them is known in part only.
    """
    graph, _, leaving = streets
    inside, start, onward, turn = part
    key, before, heap, is_aim = work
    for one in range(inside.shape[0]):
        key[one], before[one] = UNREACHED, NOWHERE
    size = 0
    listed = graph[RECORD * edge + LEAVING]
    for index in range(listed >> COUNT_BITS, (listed >> COUNT_BITS) + (listed & COUNT_MASK)):
        one = number_of(inside, leaving[index])
        if one != NOWHERE:
            key[one] = turn_mm(graph, edge, leaving[index], bend_mm, round_mm)
            size = _push(heap, size, key[one] * PART_MAX + one)
    while size > 0 and aims > 0:
        taken = _pop(heap, size)
        size -= 1
        one = taken % PART_MAX
        if taken // PART_MAX > key[one]:
            continue
        aims -= is_aim[one]
        for index in range(start[one], start[one + 1]):
            other, so_far = onward[index], key[one] + cost_mm[one] + turn[index]
            if so_far < key[other]:
                key[other], before[other] = so_far, one
                size = _push(heap, size, so_far * PART_MAX + other)
    return aims
