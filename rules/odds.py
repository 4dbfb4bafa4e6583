"""The likeliest path → between fixes far from each other, the streets that were likelier driven than not.

The path of `rules.paths` names one way between two fixes, and money follows what is certain of it. Who asks where a
vehicle went wants each street that was likelier driven than not, and no other: a street that was not has done more
harm in a path than one that is missing. What drivers and their vehicles are like stands here, as numbers with
reasons. Nothing of it is proof.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import odds
from rules import paths
from rules.paths import Path
from rules.places import TURNS_MM, Network

Ints = NDArray[np.int64]
Pieces = tuple[Ints, Ints, Ints, Ints, Ints, Ints]
Row = tuple[int, ...]

_PPM: Final = 1_000_000

# Fixes less than a block apart in time leave no choice of ways.
_FAR_US: Final = 20_000_000
# Drivers turn round about once in ten kilometres: on the way between two fixes half a minute or a minute apart, one
# in 27 (e**3.3).
_TURN_ROUND_COST: Final = 3_300_000
# By how much ways of a trip are longer than the straight line grows with the way: corners and one-way streets add a
# quarter of it.
_STRANGE_MMPS: Final = 2_000
# A vehicle's own speed is what four in five of its links do not exceed: the fifth is let off lightly (15 % more),
# halts too (30 % less).
_SPEED_PERCENT, _SPEEDS_MIN = 80, 8
_UP_PPM, _DOWN_PPM = 150_000, 300_000
_LIKELIER_PPM: Final = 500_000
# What a street costs scatters among drivers by a lognormal law of 0.3: the middles of sixteen equal shares of it.
_LIKED: Final = (
    *(571_884, 673_408, 738_601, 792_212, 840_516, 886_322, 931_312, 976_751),
    *(1_023_803, 1_073_754, 1_128_258, 1_189_746, 1_262_289, 1_353_910, 1_484_983, 1_748_607),
)


@dataclass(frozen=True, slots=True)
class Likelier:
    """The streets that were likelier driven than not between fixes far from each other.

    Parameters
    ----------
    is_asked : ndarray of bool
        Whether they were asked for on the way to each fix. Shape (n,).
    fix : ndarray of int64
        The fix to which each piece leads; pieces in the order of driving. Shape (m,). [index]
    edge : ndarray of int64
        Shape (m,). [index]
    begin_mm, end_mm : ndarray of int64
        Along the edge, from where it begins. Shape (m,). [mm]
    from_ppm, to_ppm : ndarray of int64
        Which part of the way between the two fixes lies before it, and before its end. Shape (m,). [1e-6]
    is_proven : ndarray of bool
        Whether it is proven. Shape (m,).
    state : ndarray of int64
        A state on the likeliest street of each fix at an end of such a link, -1 of others. Shape (n,). [index]
    """

    is_asked: NDArray[np.bool_]
    fix: Ints
    edge: Ints
    begin_mm: Ints
    end_mm: Ints
    from_ppm: Ints
    to_ppm: Ints
    is_proven: NDArray[np.bool_]
    state: Ints


def is_asking(path: Path) -> bool:
    """Tell whether any two neighbouring fixes of a path are so far from each other that streets are asked for."""
    return bool((_links(path)[1] >= _FAR_US).any())


def _links(path: Path) -> tuple[Ints, Ints]:
    """Find the fixes to which a link leads, and how long it takes."""
    fix = np.flatnonzero(path.source >= 0)
    return fix, path.fixes[0][fix] - path.fixes[0][path.source[fix]]


def likelier(network: Network, path: Path, proven: Pieces) -> Likelier:
    """Find the streets that were likelier driven than not.

    Parameters
    ----------
    network : Network
    path : Path
        The likeliest.
    proven : tuple of six ndarray of int64
        Pieces that are proven, whatever their odds: the fix that each leads to, edge, begin and end, and which parts
        of the way between the two fixes lie before them. Shape (m,) each. [index, index, mm, mm, 1e-6, 1e-6]

    Returns
    -------
    Likelier

    Notes
    -----
    See `kernels.odds`.
    """
    numbers = np.array(
        [
            *(TURNS_MM[0], _TURN_ROUND_COST, paths.STRANGE_MM, _STRANGE_MMPS, paths.TOP_MMPS, paths.URBAN_MMPS),
            *(_speed_mmps(path), _UP_PPM, _DOWN_PPM, _FAR_US, _LIKELIER_PPM, *_LIKED),
        ],
        np.int64,
    )
    ways = (network.graph, network.entry, network.adjacency[1])
    states = (path.states.start, path.states.edge, path.states.along_mm, path.states.cost)
    asked, fix, edge, begin_mm, end_mm, _, from_ppm, to_ppm, state = odds.odds(
        ways, states, path.fixes, (path.chosen, path.source), numbers
    )
    is_asked = asked == 1
    pieces, is_proven = _marked((fix, edge, begin_mm, end_mm, from_ppm, to_ppm), proven, is_asked)
    order = np.lexsort((pieces[5], pieces[4], pieces[0]))
    fix, edge, begin_mm, end_mm, from_ppm, to_ppm = (column[order] for column in pieces)
    from_ppm, to_ppm = _in_turn(network, (fix, edge, begin_mm, end_mm), from_ppm, to_ppm)
    return Likelier(is_asked, fix, edge, begin_mm, end_mm, from_ppm, to_ppm, is_proven[order], state)


def _marked(pieces: Pieces, proven: Pieces, is_asked: NDArray[np.bool_]) -> tuple[Pieces, NDArray[np.bool_]]:
    """Cut pieces where proof begins and ends, and add what is proven and not among them."""
    kept = is_asked[proven[0]] & (proven[2] < proven[3])
    sure = [(*row,) for row in np.stack(proven, axis=1)[kept].tolist()]
    is_proven_to = np.zeros(is_asked.size, np.bool_)
    is_proven_to[proven[0][kept]] = True
    is_touched = is_proven_to[pieces[0]]
    likely = [(*row,) for row in np.stack(pieces, axis=1)[is_touched].tolist()]
    cut = [(row, True) for row, is_inside in _cut(sure, likely) if not is_inside] + _cut(likely, sure)
    added = np.array([row for row, _ in cut], np.int64).reshape(-1, len(pieces))
    columns = [np.concatenate((column[~is_touched], added[:, at])) for at, column in enumerate(pieces)]
    is_proven = np.concatenate((np.zeros(int((~is_touched).sum()), np.bool_), [flag for _, flag in cut]))
    return (columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]), is_proven.astype(np.bool_)


def _cut(rows: list[Row], others: list[Row]) -> list[tuple[Row, bool]]:
    """Cut rows where others of the same link and edge begin or end; tell of each part whether one holds it."""
    by_place: dict[tuple[int, int], list[Row]] = {}
    for row in others:
        by_place.setdefault((row[0], row[1]), []).append(row)
    found: list[tuple[Row, bool]] = []
    for fix, edge, begin, end, first, last in rows:
        beside = by_place.get((fix, edge), [])
        ends = {begin, end, *(cut for row in beside for cut in row[2:4] if begin < cut < end)}
        for low, high in pairwise(sorted(ends)):
            shares = (first + (last - first) * (cut - begin) // (end - begin) for cut in (low, high))
            is_inside = any(row[2] <= low and high <= row[3] for row in beside)
            found.append(((fix, edge, low, high, *shares), is_inside))
    return found


def _in_turn(
    network: Network, pieces: tuple[Ints, Ints, Ints, Ints], from_ppm: Ints, to_ppm: Ints
) -> tuple[Ints, Ints]:
    """Let pieces that meet end and begin at once, and none begin before another has ended."""
    fix, edge, begin_mm, end_mm = pieces
    if fix.size == 0:
        return from_ppm, to_ppm
    head, length_mm = network.edges
    goes_on = (edge[1:] == edge[:-1]) & (begin_mm[1:] == end_mm[:-1])
    turns = (begin_mm[1:] == 0) & (end_mm[:-1] == length_mm[edge[:-1]]) & (head[edge[1:] ^ 1] == head[edge[:-1]])
    meets = (fix[1:] == fix[:-1]) & (goes_on | turns)
    middle_ppm = (from_ppm[1:] + to_ppm[:-1]) // 2
    turn = np.stack((from_ppm, to_ppm), axis=1)
    turn[1:, 0] = np.where(meets, middle_ppm, from_ppm[1:])
    turn[:-1, 1] = np.where(meets, middle_ppm, to_ppm[:-1])
    # Each link after all of the one before, so that one running maximum serves them all.
    apart = 2 * _PPM * fix[:, None]
    turn = np.maximum.accumulate((turn + apart).ravel()).reshape(-1, 2) - apart
    return turn[:, 0].copy(), np.minimum(turn[:, 1], _PPM)


def _speed_mmps(path: Path) -> int:
    """Find the speed that four of five links do not exceed; 0 where there are too few to tell."""
    fix, gap_us = _links(path)
    far = np.flatnonzero(gap_us >= _FAR_US)
    if far.size < _SPEEDS_MIN:
        return 0
    walked_mm = np.concatenate(([0], np.cumsum(path.end_mm - path.begin_mm)))
    driven_mm = walked_mm[path.row_start[fix[far] + 1]] - walked_mm[path.row_start[fix[far]]]
    speed_mmps = np.sort(driven_mm * 1_000 // np.maximum(gap_us[far] // 1_000, 1))
    return int(speed_mmps[far.size * _SPEED_PERCENT // 100])
