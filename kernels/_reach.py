"""The loops behind `kernels.reach`, which checks the columns and says what the numbers mean."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, inner, int64, kernel, pair, several

Ints = NDArray[np.int64]
Town = tuple[Ints, Ints, Ints, Ints, Ints]
Near = tuple[Ints, Ints, Ints, Ints]

FAR: Final = 2**61
"""Twice this still fits; no sum of lengths comes near it."""

_ENDS: Final = 3
"""A street is come to by its tail, by its head, or begun on."""

_PARTS: Final = 3
"""What is reached of it lies at its tail, around the fixes, or at its head."""


@inner(int64(several(I64, 5), several(I64, 4), int64, int64, NEW_I64, NEW_I64), is_laid_in=True)
def _spread(town: Town, near: Near, fix: int, limit_mm: int, away_mm: Ints, nodes: Ints) -> int:
    """Measure how far nodes lie from around a fix, up to a limit; gives how many there are in `nodes`."""
    tail, head, length_mm, node_start, node_street = town
    start, street, low_mm, high_mm = near
    count = 0
    for one in range(start[fix], start[fix + 1]):
        for way in range(2):
            node = head[street[one]] if way else tail[street[one]]
            off_mm = length_mm[street[one]] - high_mm[one] if way else low_mm[one]
            if off_mm <= limit_mm and off_mm < away_mm[node]:
                if away_mm[node] == FAR:
                    nodes[count] = node
                    count += 1
                away_mm[node] = off_mm
    done = 0
    while done < count:
        nearest = done
        for place in range(done + 1, count):
            if away_mm[nodes[place]] < away_mm[nodes[nearest]]:
                nearest = place
        nodes[done], nodes[nearest] = nodes[nearest], nodes[done]
        node = nodes[done]
        done += 1
        for place in range(node_start[node], node_start[node + 1]):
            one = node_street[place]
            other = head[one] if tail[one] == node else tail[one]
            off_mm = away_mm[node] + length_mm[one]
            if off_mm <= limit_mm and off_mm < away_mm[other]:
                if away_mm[other] == FAR:
                    nodes[count] = other
                    count += 1
                away_mm[other] = off_mm
    return count


@inner(int64(several(I64, 4), int64, int64, NEW_I64), is_laid_in=True)
def _begins(near: Near, fix: int, street: int, span_mm: Ints) -> int:
    """Find the part of a street near a fix; gives nought where there is one, else `FAR`."""
    start, streets, low_mm, high_mm = near
    for one in range(start[fix], start[fix + 1]):
        if streets[one] == street:
            span_mm[0], span_mm[1] = low_mm[one], high_mm[one]
            return 0
    return FAR


@inner(int64(several(NEW_I64, 3), int64, int64, NEW_I64), is_laid_in=True)
def _parts(ends: tuple[Ints, Ints, Ints], length_mm: int, limit_mm: int, part_mm: Ints) -> int:
    """Find which parts of a street lie on ways no longer than a limit: from its tail, around the fixes, to its head.

    `ends` holds what it takes to come to the tail, the head and the part near the fix, first from the one fix, then
    from the other, and where each of the six begins and stops along the street. `part_mm` is filled with where each
    of three parts begins and ends; one that is none ends where it begins, or before.
    """
    off_mm, low_mm, high_mm = ends
    part_mm[0], part_mm[1] = 0, 0
    part_mm[2], part_mm[3] = length_mm, 0
    part_mm[4], part_mm[5] = length_mm, length_mm
    for one in range(_ENDS):
        if off_mm[one] > limit_mm:
            continue
        for other in range(_ENDS, 2 * _ENDS):
            apart_mm = max(low_mm[one] - high_mm[other], low_mm[other] - high_mm[one], 0)
            spare_mm = limit_mm - off_mm[one] - off_mm[other] - apart_mm
            if spare_mm < 0:
                continue
            from_mm = max(min(low_mm[one], low_mm[other]) - spare_mm // 2, 0)
            until_mm = min(max(high_mm[one], high_mm[other]) + spare_mm // 2, length_mm)
            if one == 0 and other == _ENDS:
                part_mm[1] = until_mm
            elif one == 1 and other == _ENDS + 1:
                part_mm[4] = from_mm
            else:
                part_mm[2], part_mm[3] = min(part_mm[2], from_mm), max(part_mm[3], until_mm)
    # What touches is one part.
    if part_mm[2] <= part_mm[1] and part_mm[2] < part_mm[3]:
        part_mm[1] = max(part_mm[1], part_mm[3])
        part_mm[3] = part_mm[2]
    if part_mm[3] >= part_mm[4] and part_mm[2] < part_mm[3]:
        part_mm[4] = min(part_mm[4], part_mm[2])
        part_mm[3] = part_mm[2]
    if part_mm[1] >= part_mm[4]:
        part_mm[1], part_mm[4] = length_mm, length_mm
    return _PARTS


@inner(int64(several(I64, 5), several(I64, 4), int64, NEW_I64, int64, NEW_I64), is_laid_in=True)
def _around(town: Town, near: Near, fix: int, nodes: Ints, count: int, streets: Ints) -> int:
    """List the streets at some nodes and near a fix, some of them more than once; gives how many."""
    _, _, _, node_start, node_street = town
    total = 0
    for one in range(near[0][fix], near[0][fix + 1]):
        streets[total] = near[1][one]
        total += 1
    for place in range(count):
        for one in range(node_start[nodes[place]], node_start[nodes[place] + 1]):
            streets[total] = node_street[one]
            total += 1
    return total


@kernel(pair(NEW_I64)(I64))
def meeting(heads: Ints) -> tuple[Ints, Ints]:
    """List the streets that meet at each node: where each node's begin, and they, ascending."""
    nodes = heads.max() + 1 if heads.shape[0] else 0
    start, street = np.zeros(nodes + 1, np.int64), np.empty(heads.shape[0], np.int64)
    for edge in range(heads.shape[0]):
        start[heads[edge] + 1] += 1
    for node in range(nodes):
        start[node + 1] += start[node]
    for edge in range(heads.shape[0] - 1, -1, -1):
        start[heads[edge] + 1] -= 1
        street[start[heads[edge] + 1]] = edge // 2
    # Each start has become that of the node before.
    start[:nodes] = start[1:]
    start[nodes] = heads.shape[0]
    return start, street


@kernel(several(NEW_I64, 4)(several(I64, 5), several(I64, 4), I64))
def reached(town: Town, near: Near, limit_mm: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """List the parts of streets that lie on ways between fixes; see `reach.reached`."""
    tail, head, length_mm, node_start, node_street = town
    count = node_start.shape[0] - 1
    one_mm, other_mm = np.full(count, FAR, np.int64), np.full(count, FAR, np.int64)
    ones, others = np.empty(count, np.int64), np.empty(count, np.int64)
    seen = np.full(length_mm.shape[0], -1, np.int64)
    streets = np.empty(node_street.shape[0] + length_mm.shape[0], np.int64)
    off_mm, low_mm, high_mm = np.zeros(6, np.int64), np.zeros(6, np.int64), np.zeros(6, np.int64)
    span_mm, part_mm = np.zeros(2, np.int64), np.zeros(6, np.int64)
    found = np.empty(4 * 256, np.int64)
    total = 0
    for link in range(limit_mm.shape[0]):
        if limit_mm[link] < 0:
            continue
        near_count = _spread(town, near, link, limit_mm[link], one_mm, ones)
        far_count = _spread(town, near, link + 1, limit_mm[link], other_mm, others)
        for place in range(_around(town, near, link, ones, near_count, streets)):
            street = streets[place]
            if seen[street] == link:
                continue
            seen[street] = link
            for side in range(2):
                away_mm = other_mm if side else one_mm
                off_mm[3 * side], off_mm[3 * side + 1] = away_mm[tail[street]], away_mm[head[street]]
                low_mm[3 * side + 1] = high_mm[3 * side + 1] = length_mm[street]
                off_mm[3 * side + 2] = _begins(near, link + side, street, span_mm)
                low_mm[3 * side + 2], high_mm[3 * side + 2] = span_mm[0], span_mm[1]
            parts = _parts((off_mm, low_mm, high_mm), int(length_mm[street]), limit_mm[link], part_mm)
            if 4 * (total + _PARTS) > found.shape[0]:
                found = np.concatenate((found, np.empty_like(found)))
            for part in range(parts):
                if part_mm[2 * part] < part_mm[2 * part + 1]:
                    found[4 * total], found[4 * total + 1] = link, street
                    found[4 * total + 2], found[4 * total + 3] = part_mm[2 * part], part_mm[2 * part + 1]
                    total += 1
        for place in range(near_count):
            one_mm[ones[place]] = FAR
        for place in range(far_count):
            other_mm[others[place]] = FAR
    rows = found[: 4 * total].reshape(total, 4)
    return rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy(), rows[:, 3].copy()
