"""The likeliest path → between fixes far from each other, the streets that were likelier driven than not.

The path of `rules.paths` names one way between two fixes, and money follows what is certain of it. Who asks where a
vehicle went wants each street that was likelier driven than not, and no other: a street that was not has done more
harm in a path than one that is missing. What drivers and their vehicles are like stands here, as numbers with
reasons. Nothing of it is proof.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import odds
from rules import paths
from rules.paths import Path
from rules.places import TURNS_MM, Network

Ints = NDArray[np.int64]

# Fixes less than a block apart in time leave no choice of ways.
FAR_US: Final = 20_000_000
# Drivers turn round about once in ten kilometres. At a minute's distance this is odds of one to e**2.5.
_TURN_ROUND_MM: Final = 300_000
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
    odds_ppm : ndarray of int64
        How likely it was driven. Shape (m,). [1e-6]
    from_ppm, to_ppm : ndarray of int64
        Which part of the way between the two fixes lies before it, and before its end. Shape (m,). [1e-6]
    state : ndarray of int64
        A state on the likeliest street of each fix at an end of such a link, -1 of others. Shape (n,). [index]
    """

    is_asked: NDArray[np.bool_]
    fix: Ints
    edge: Ints
    begin_mm: Ints
    end_mm: Ints
    odds_ppm: Ints
    from_ppm: Ints
    to_ppm: Ints
    state: Ints


def likelier(network: Network, path: Path, least_us: int = FAR_US) -> Likelier:
    """Find the streets that were likelier driven than not.

    Parameters
    ----------
    network : Network
    path : Path
        The likeliest.
    least_us : int
        From which interval on it is asked. [us]

    Returns
    -------
    Likelier

    Notes
    -----
    See `kernels.odds`.
    """
    numbers = np.array(
        [
            *(TURNS_MM[0], _TURN_ROUND_MM, paths.STRANGE_MM, _STRANGE_MMPS, paths.TOP_MMPS, paths.URBAN_MMPS),
            *(_speed_mmps(path, least_us), _UP_PPM, _DOWN_PPM, least_us, _LIKELIER_PPM, *_LIKED),
        ],
        np.int64,
    )
    ways = (network.graph, network.entry, network.adjacency[1])
    states = (path.states.start, path.states.edge, path.states.along_mm, path.states.cost)
    is_asked, fix, edge, begin_mm, end_mm, odds_ppm, from_ppm, to_ppm, state = odds.odds(
        ways, states, path.fixes, (path.chosen, path.source), numbers
    )
    order = np.lexsort((to_ppm, from_ppm, fix))
    columns = (fix, edge, begin_mm, end_mm, odds_ppm, from_ppm, to_ppm)
    return Likelier(is_asked == 1, *(column[order] for column in columns), state)


def _speed_mmps(path: Path, least_us: int) -> int:
    """Find the speed that four of five links do not exceed; 0 where there are too few to tell."""
    fix = np.flatnonzero(path.source >= 0)
    gap_us = path.fixes[0][fix] - path.fixes[0][path.source[fix]]
    far = np.flatnonzero(gap_us >= least_us)
    if far.size < _SPEEDS_MIN:
        return 0
    walked_mm = np.concatenate(([0], np.cumsum(path.end_mm - path.begin_mm)))
    driven_mm = walked_mm[path.row_start[fix[far] + 1]] - walked_mm[path.row_start[fix[far]]]
    speed_mmps = np.sort(driven_mm * 1_000 // np.maximum(gap_us[far] // 1_000, 1))
    return int(speed_mmps[far.size * _SPEED_PERCENT // 100])
