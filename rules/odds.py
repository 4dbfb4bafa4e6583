"""The likeliest path → between fixes far from each other, the streets that were likelier driven than not.

The path of `rules.paths` names one way between two fixes, and money follows what is certain of it. Who asks where a
vehicle went wants each street that was likelier driven than not, and no other: a street that was not has done more
harm in a path than one that is missing. What drivers and their vehicles are like stands here, as numbers with
reasons. Nothing of it is proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import odds
from rules import paths
from rules.paths import Path
from rules.places import TURNS_MM, Network

Ints = NDArray[np.int64]
Pieces = tuple[Ints, Ints, Ints, Ints, Ints, Ints]


class _Piece(NamedTuple):
    """As one row of `Likelier`."""

    fix: int
    edge: int
    begin_mm: int
    end_mm: int
    from_ppm: int
    to_ppm: int


_PPM: Final = 1_000_000

# Fixes less than a block apart in time leave no choice of ways.
FAR_US: Final = 20_000_000
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
    return bool((_links(path)[1] >= FAR_US).any())


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
            *(_speed_mmps(path), _UP_PPM, _DOWN_PPM, FAR_US, _LIKELIER_PPM, *_LIKED),
        ],
        np.int64,
    )
    ways = (network.graph, network.entry, network.adjacency[1])
    states = (path.states.start, path.states.edge, path.states.along_mm, path.states.cost)
    asked, fix, edge, begin_mm, end_mm, _, from_ppm, to_ppm, state = odds.odds(
        ways, states, path.fixes, (path.chosen, path.source), numbers
    )
    is_asked = asked == 1
    sure = [one for one in _pieces(*proven) if is_asked[one.fix] and one.begin_mm < one.end_mm]
    likely = _pieces(fix, edge, begin_mm, end_mm, from_ppm, to_ppm)
    marked = [(one, True) for one, is_inside in _cut(sure, likely) if not is_inside] + _cut(likely, sure)
    marked.sort(key=_when)
    pieces = _in_turn(network, [one for one, _ in marked])
    columns = np.array(pieces, np.int64).reshape(-1, len(_Piece._fields)).T.copy()
    is_proven = np.array([flag for _, flag in marked], np.bool_)
    return Likelier(is_asked, *columns, is_proven=is_proven, state=state)


def _pieces(*columns: Ints) -> list[_Piece]:
    """Put columns side by side: links so far apart are few, and lists of few take less time than arrays."""
    return [_Piece(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _when(marked: tuple[_Piece, bool]) -> tuple[int, int, int]:
    """Say in which order pieces were driven: link by link, and by which part of the way lies before them."""
    one = marked[0]
    return one.fix, one.from_ppm, one.to_ppm


def _cut(pieces: Sequence[_Piece], others: Sequence[_Piece]) -> list[tuple[_Piece, bool]]:
    """Cut pieces where others of the same link and edge begin or end; tell of each part whether one holds it."""
    by_place: dict[tuple[int, int], list[_Piece]] = {}
    for one in others:
        by_place.setdefault((one.fix, one.edge), []).append(one)
    found: list[tuple[_Piece, bool]] = []
    for fix, edge, begin, end, first, last in pieces:
        beside = by_place.get((fix, edge), [])
        ends = {begin, end, *(cut for one in beside for cut in (one.begin_mm, one.end_mm) if begin < cut < end)}
        for low, high in pairwise(sorted(ends)):
            shares = (first + (last - first) * (cut - begin) // (end - begin) for cut in (low, high))
            is_inside = any(one.begin_mm <= low and high <= one.end_mm for one in beside)
            found.append((_Piece(fix, edge, low, high, *shares), is_inside))
    return found


def _in_turn(network: Network, pieces: Sequence[_Piece]) -> list[_Piece]:
    """Let pieces that meet end and begin at once, and none begin before another has ended."""
    head, length_mm = network.edges
    spans = [[one.from_ppm, one.to_ppm] for one in pieces]
    for place, (one, other) in enumerate(pairwise(pieces)):
        goes_on = other.edge == one.edge and other.begin_mm == one.end_mm
        is_whole = other.begin_mm == 0 and one.end_mm == length_mm[one.edge]
        turns = is_whole and head[other.edge ^ 1] == head[one.edge]
        if other.fix == one.fix and (goes_on or turns):
            spans[place][1] = spans[place + 1][0] = (spans[place + 1][0] + spans[place][1]) // 2
    found: list[_Piece] = []
    link, reached = -1, 0
    for one, (begin, end) in zip(pieces, spans, strict=True):
        begun = begin if one.fix != link else max(begin, reached)
        link, reached = one.fix, max(begun, end)
        found.append(one._replace(from_ppm=begun, to_ppm=min(reached, _PPM)))
    return found


def _speed_mmps(path: Path) -> int:
    """Find the speed that four of five links do not exceed; 0 where there are too few to tell."""
    fix, gap_us = _links(path)
    far = np.flatnonzero(gap_us >= FAR_US)
    if far.size < _SPEEDS_MIN:
        return 0
    walked_mm = np.concatenate(([0], np.cumsum(path.end_mm - path.begin_mm)))
    driven_mm = walked_mm[path.row_start[fix[far] + 1]] - walked_mm[path.row_start[fix[far]]]
    speed_mmps = np.sort(driven_mm * 1_000 // np.maximum(gap_us[far] // 1_000, 1))
    return int(speed_mmps[far.size * _SPEED_PERCENT // 100])
