"""The loops behind `kernels.matching`: chains of linked fixes, and the states on the likeliest path.

A fix that cannot be reached, or only by a way that is stranger than an outlier, is passed over; too many of them, or
too long a time, end the chain and the next begins with the first of them.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, inner, int64, kernel, several, triple
from kernels._path import (
    BEAM,
    BEND_MM,
    BRIDGE_US,
    ROUND_MM,
    SKIP,
    SKIPS_MAX,
    Triple,
    Work,
    advance,
    keep,
    link_of,
    pair_of,
    work_type,
)
from kernels._ways import NOWHERE, UNREACHED, empty_search

Ints = NDArray[np.int64]
Fixes = tuple[Ints, Ints, Ints, Ints, Ints]
States = tuple[Ints, Ints, Ints, Ints]
Chains = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]

fixes_type = several(I64, 5)
states_type = several(I64, 4)
_chains = several(NEW_I64, 7)
_states = triple(int64)  # pyright: ignore[reportArgumentType]  # numbers make a triple as arrays do


@kernel(NEW_I64(NEW_I64, int64))
def _grown(column: Ints, size: int) -> Ints:
    """Give a column room for that many elements."""
    if size <= column.shape[0]:
        return column
    larger = np.empty(max(size, 2 * column.shape[0]), np.int64)
    larger[: column.shape[0]] = column
    return larger


@inner(int64(I64, NEW_I64, int64, int64))
def _begin(emission: Ints, cost: Ints, first: int, last: int) -> int:
    """Begin a chain with a fix's states; gives the least cost."""
    least = UNREACHED
    for state in range(first, last):
        cost[state] = emission[state]
        least = min(least, emission[state])
    return int(least)


@inner(int64(work_type, NEW_I64, int64, int64, int64))
def _go_on(work: Work, before: Ints, more: int, first: int, last: int) -> int:
    """Let a fix's states cost what they will, and so much more, each coming from the state found for it."""
    cost, new, came, _, _ = work
    for state in range(first, last):
        cost[state], before[state] = min(new[state - first] + more, UNREACHED), came[state - first]
    return 0


@kernel(_chains(triple(I64), states_type, fixes_type, I64))
def chains(  # noqa: PLR0915  # one loop, of which every turn needs all that is known of the last
    streets: Triple, states: States, fixes: Fixes, weights: Ints
) -> Chains:
    """Link fixes forwards.

    Gives of each state its cost and the state before; of each fix the one before, whether it is in a chain, and where
    the ways to it begin and end; and those ways (`kernels._path.pair_of`).
    """
    start, edges, along_mm, emission = states
    t_us, x_mm, y_mm, accuracy_mm, near_mm = fixes
    count, size = t_us.shape[0], edges.shape[0]
    cost, before = np.full(size, UNREACHED), np.full(size, NOWHERE)
    source = np.full(count, NOWHERE)
    pair_start, pair_end, pairs = np.zeros(count, np.int64), np.zeros(count, np.int64), np.empty(8 * count, np.int64)
    is_linked, least, rise = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    # As many as one fix has.
    most = 1
    for fix in range(count):
        most = max(most, start[fix + 1] - start[fix])
    new, second = np.empty(most, np.int64), np.empty(most, np.int64)
    came, second_came = np.empty(most, np.int64), np.empty(most, np.int64)
    ways, second_ways = np.empty(most * most + 1, np.int64), np.empty(most * most + 1, np.int64)
    asked = np.empty(most * most + most + 2, np.int64)
    search = empty_search(weights[BEND_MM], weights[ROUND_MM])
    # Whatever is put together within the loop counts references at each turn.
    columns, work = (edges, along_mm, emission), (cost, new, came, ways, asked)
    second_work = (cost, second, second_came, second_ways, asked)
    used, fix, last, skipped, skips = 0, 0, NOWHERE, NOWHERE, 0
    while fix < count or skipped != NOWHERE:
        if fix == count:
            fix, last, skipped = skipped, NOWHERE, NOWHERE
        begin, end = start[fix], start[fix + 1]
        if begin == end:
            fix += 1
            continue
        if last == NOWHERE:
            least[fix], is_linked[fix] = _begin(emission, cost, begin, end), 1
            last, skips = fix, 0
            fix += 1
            continue
        span = (int(start[last]), int(start[last + 1]), int(begin), int(end))
        link = link_of(t_us, x_mm, y_mm, accuracy_mm, near_mm, weights, last, fix)
        found = advance(streets, columns, work, search, link, span)
        previous, most = int(source[last]), found + weights[BEAM]
        is_outlier = False
        # However cheap that is: too many in a row are none.
        are_few = previous != NOWHERE and fix - previous <= weights[SKIPS_MAX] + 1
        if are_few and rise[last] > weights[SKIP]:
            second_span = (int(start[previous]), int(start[previous + 1]), int(begin), int(end))
            link = link_of(t_us, x_mm, y_mm, accuracy_mm, near_mm, weights, previous, fix)
            other = advance(streets, columns, second_work, search, link, second_span)
            if other < UNREACHED and other + weights[SKIP] < found:
                # The last fix was an outlier: as if it had not been.
                is_linked[last], source[last] = 0, NOWHERE
                found, last, span, most = other + weights[SKIP], previous, second_span, other + weights[BEAM]
                is_outlier = True
        if found < UNREACHED:
            if used + (span[1] - span[0]) * (end - begin) > pairs.shape[0]:
                pairs = _grown(pairs, used + (span[1] - span[0]) * (end - begin))
            pair_start[fix] = used
            if is_outlier:
                _go_on(second_work, before, weights[SKIP], begin, end)
                used = keep(emission, cost, second_ways, pairs, used, most, span)
            else:
                _go_on(work, before, 0, begin, end)
                used = keep(emission, cost, ways, pairs, used, most, span)
            source[fix], pair_end[fix], is_linked[fix] = last, used, 1
            least[fix], rise[fix] = found, found - least[last]
            last, skipped, skips = fix, NOWHERE, 0
        elif skips == weights[SKIPS_MAX] or t_us[fix] - t_us[last] > weights[BRIDGE_US]:
            fix = fix if skipped == NOWHERE else skipped
            last, skipped = NOWHERE, NOWHERE
            continue
        else:
            skipped = fix if skipped == NOWHERE else skipped
            skips += 1
        fix += 1
    return cost, before, source, is_linked, pair_start, pair_end, pairs


@inner(int64(I64, I64, NEW_I64, _states, int64, int64))
def _margin(edges: Ints, cost: Ints, rest: Ints, path: tuple[int, int, int], first: int, last: int) -> int:
    """Find by how much a fix's best state off the path costs more than the path; `UNREACHED` if there is none.

    `path` are the states chosen of the fix itself, of the one before and of the one after.
    """
    own = path[0]
    edge, behind, ahead = edges[own], edges[path[1]], edges[path[2]]
    margin = UNREACHED
    for state in range(first, last):
        is_off = edges[state] not in (edge, ahead, behind)
        if not is_off or cost[state] >= UNREACHED or rest[state] >= UNREACHED:
            continue
        margin = min(margin, cost[state] + rest[state] - cost[own] - rest[own])
    return margin


@kernel(triple(NEW_I64)(states_type, several(I64, 7)))
def decode(states: States, linked: Chains) -> Triple:
    """Choose the likeliest state of each fix; see `kernels.matching`."""
    cost, before, source, is_linked, pair_start, pair_end, pairs = linked
    start, edges, _, emission = states
    count = source.shape[0]
    chosen, margin = np.full(count, NOWHERE), np.full(count, NOWHERE)
    following = np.full(count, NOWHERE)
    # What the rest of the chain costs from each state on.
    rest = np.zeros(cost.shape[0], np.int64)
    for fix in range(count - 1, -1, -1):
        if is_linked[fix] == 0:
            continue
        first, last = start[fix], start[fix + 1]
        if following[fix] == NOWHERE:
            chosen[fix] = first + np.argmin(cost[first:last])
        previous = source[fix]
        if previous != NOWHERE:
            chosen[previous] = before[chosen[fix]]
            following[previous] = fix
            rest[start[previous] : start[previous + 1]] = UNREACHED
            for at in range(pair_start[fix], pair_end[fix]):
                one, state, way = pair_of(pairs, at)
                one, state = one + start[previous], state + first
                if rest[state] < UNREACHED:
                    rest[one] = min(rest[one], way + emission[state] + rest[state])
        own = chosen[fix]
        behind = chosen[previous] if previous != NOWHERE else own
        ahead = chosen[following[fix]] if following[fix] != NOWHERE else own
        margin[fix] = _margin(edges, cost, rest, (int(own), int(behind), int(ahead)), first, last)
    return chosen, source.copy(), margin
