"""The loops behind `kernels.matching`: chains of linked fixes, and the states on the likeliest path.

A fix that cannot be reached, or only by a way that is stranger than an outlier, is passed over; too many of them, or
too long a time, end the chain and the next begins with the first of them.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel, several, triple
from kernels._path import BEAM, BRIDGE_US, SKIP, SKIPS_MAX, Triple, advance, link_of
from kernels._ways import NOWHERE, UNREACHED, empty_search

Ints = NDArray[np.int64]
Fixes = tuple[Ints, Ints, Ints, Ints, Ints]
States = tuple[Ints, Ints, Ints, Ints]
Chains = tuple[Ints, Ints, Ints, Ints, Ints, Ints]

fixes_type = several(I64, 5)
states_type = several(I64, 4)
_chains = several(NEW_I64, 6)
_states = triple(int64)  # pyright: ignore[reportArgumentType]  # numbers make a triple as arrays do


@kernel(NEW_I64(NEW_I64, int64))
def _grown(column: Ints, size: int) -> Ints:
    """Give a column room for that many elements."""
    if size <= column.shape[0]:
        return column
    larger = np.empty(max(size, 2 * column.shape[0]), np.int64)
    larger[: column.shape[0]] = column
    return larger


@kernel(_chains(triple(I64), states_type, fixes_type, I64))
def chains(  # noqa: PLR0915  # one loop, of which every turn needs all that is known of the last
    streets: Triple, states: States, fixes: Fixes, weights: Ints
) -> Chains:
    """Link fixes forwards.

    Gives of each state its cost and the state before; of each fix the one before, whether it is in a chain, and where
    the costs of the ways to it begin; and those costs.
    """
    start, edges, along_mm, emission = states
    t_us, x_mm, y_mm, accuracy_mm, near_mm = fixes
    count, size = t_us.shape[0], edges.shape[0]
    cost, new, second = np.full(size, UNREACHED), np.full(size, UNREACHED), np.full(size, UNREACHED)
    before, came, second_came = np.full(size, NOWHERE), np.full(size, NOWHERE), np.full(size, NOWHERE)
    source, way_start = np.full(count, NOWHERE), np.zeros(count, np.int64)
    is_linked, least, rise = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    way = np.empty(1024, np.int64)
    search = empty_search()
    used, fix, last, skipped, skips = 0, 0, NOWHERE, NOWHERE, 0
    while fix < count or skipped != NOWHERE:
        if fix == count:
            fix, last, skipped = skipped, NOWHERE, NOWHERE
        begin, end = start[fix], start[fix + 1]
        if begin == end:
            fix += 1
            continue
        if last == NOWHERE:
            cost[begin:end] = emission[begin:end]
            least[fix], is_linked[fix] = cost[begin:end].min(), 1
            last, skips = fix, 0
            fix += 1
            continue
        at = used
        after = at + (start[last + 1] - start[last]) * (end - begin)
        way = _grown(way, after)
        span = (int(start[last]), int(start[last + 1]), int(begin), int(end), int(at))
        link = link_of(t_us, x_mm, y_mm, accuracy_mm, near_mm, weights, last, fix)
        columns = (edges, along_mm, emission)
        found = advance(streets, columns, (cost, new, came, way), search, link, weights[BEAM], span)
        previous = int(source[last])
        if previous != NOWHERE and rise[last] > weights[SKIP]:
            way = _grown(way, after + (start[previous + 1] - start[previous]) * (end - begin))
            span = (int(start[previous]), int(start[previous + 1]), int(begin), int(end), int(after))
            link = link_of(t_us, x_mm, y_mm, accuracy_mm, near_mm, weights, previous, fix)
            work = (cost, second, second_came, way)
            other = advance(streets, columns, work, search, link, weights[BEAM], span)
            if other < UNREACHED and other + weights[SKIP] < found:
                # The last fix was an outlier: as if it had not been.
                is_linked[last], source[last] = 0, NOWHERE
                found, last, at = other + weights[SKIP], previous, after
                after += (start[previous + 1] - start[previous]) * (end - begin)
                for state in range(begin, end):
                    came[state] = second_came[state]
                    new[state] = min(second[state] + weights[SKIP], UNREACHED)
        if found < UNREACHED:
            cost[begin:end], before[begin:end] = new[begin:end], came[begin:end]
            source[fix], way_start[fix], is_linked[fix] = last, at, 1
            least[fix], rise[fix] = found, found - least[last]
            used, last, skipped, skips = after, fix, NOWHERE, 0
        elif skips == weights[SKIPS_MAX] or t_us[fix] - t_us[last] > weights[BRIDGE_US]:
            fix = fix if skipped == NOWHERE else skipped
            last, skipped = NOWHERE, NOWHERE
            continue
        else:
            skipped = fix if skipped == NOWHERE else skipped
            skips += 1
        fix += 1
    return cost, before, source, is_linked, way_start, way


@kernel(int64(I64, I64, NEW_I64, _states, int64, int64))
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


@kernel(triple(NEW_I64)(states_type, several(I64, 6)))
def decode(states: States, linked: Chains) -> Triple:
    """Choose the likeliest state of each fix; see `kernels.matching`."""
    cost, before, source, is_linked, way_start, way = linked
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
            at = way_start[fix]
            for one in range(start[previous], start[previous + 1]):
                rest[one] = UNREACHED
                for state in range(first, last):
                    if 0 <= way[at] < UNREACHED and cost[state] < UNREACHED and rest[state] < UNREACHED:
                        rest[one] = min(rest[one], way[at] + emission[state] + rest[state])
                    at += 1
        own = chosen[fix]
        behind = chosen[previous] if previous != NOWHERE else own
        ahead = chosen[following[fix]] if following[fix] != NOWHERE else own
        margin[fix] = _margin(edges, cost, rest, (int(own), int(behind), int(ahead)), first, last)
    return chosen, source.copy(), margin
