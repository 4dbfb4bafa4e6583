"""Emptyings in what real sensors say: noise, jumping echoes, lids, slow drains, sensors hung anew.

`kernels.levels.drops` believes every sample; that is right for samples that surely hold the truth. Sensors also err
in other ways than by their declared error, and two of them would pass for emptyings:

- a reading that is no fill (a lid, a strut, another echo) lasts a reading or two, then the fill is where it was.
  `screen` finds it by the medians of both sides and lets it say only what they allow;
- a fall that stays is found by `detect`: of the pairs of one sample before and one after it, a declared share must
  fall by half the declared drop. One or two wrong readings in five change no majority; an echo that jumps to and fro
  never has one.

A fall that stays is still not always an emptying: `detect` tells those that leave more than a residual (pressed down,
half taken out) and those that took too long (a drain), and `floors` those after which every emptying ends lower or
higher than before: the sensor was hung anew, or the container was exchanged. `confirm` takes back the certainty of
`drops` where no emptying was found. It never makes anything more certain, so bounds only widen.

Whether a lift was heard, and what an emptying is worth, is left to the rules.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import _emptyings
from kernels._columns import column, times, whole
from kernels._emptyings import DRAINED, EMPTIED, PARTIAL, REHUNG

__all__ = ["DRAINED", "EMPTIED", "PARTIAL", "REHUNG", "Falls", "confirm", "detect", "floors", "screen"]

_PPM = 1_000_000
# A window of samples on either side; more would see the next emptying but one.
_REACH_MAX = 100


class Falls(NamedTuple):
    """Falls of the fill that stay, in the order of time; all of shape (e,).

    Parameters
    ----------
    first, last : ndarray of int64
        The last sample before the fall and the first one after it. [index]
    fall_ppm : ndarray of int64
        How far the fill fell. [ppm]
    floor_ppm : ndarray of int64
        What was left. [ppm]
    confidence_ppm : ndarray of int64
        Share of the pairs of samples before and after that agree, of all that a full reach on both sides has: low
        too where little has been heard since. [ppm]
    code : ndarray of int8
        `EMPTIED` 1, `PARTIAL` 2 (more than the residual was left), `DRAINED` 3 (it took too long), `REHUNG` 4.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    fall_ppm: NDArray[np.int64]
    floor_ppm: NDArray[np.int64]
    confidence_ppm: NDArray[np.int64]
    code: NDArray[np.int8]


def screen(
    t_us: NDArray[np.int64],
    lo_ppm: NDArray[np.int32],
    hi_ppm: NDArray[np.int32],
    reach: int,
    within_us: int,
    jump_ppm: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Let readings that jump away and come back say only what both their sides allow.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    lo_ppm, hi_ppm : ndarray of int32
        Bounds of the fill at each sample. Shape (n,). [ppm]
    reach : int
        How many samples on either side are looked at. [count]
    within_us : int
        How far away in time they may be. [us]
    jump_ppm : int
        How far a reading may lie off both sides' medians. [ppm]

    Returns
    -------
    lo_ppm, hi_ppm : ndarray of int32
        As they came in; where a reading lies further than `jump_ppm` above both medians, of the samples before it and
        of those after it, or below both, the bounds hold all three. Shape (n,). [ppm]

    Raises
    ------
    TypeError
        If an array is of another type, or a number no integer.
    ValueError
        If times do not ascend, lengths differ, `reach` is less than one or more than 100, or another number is
        negative.

    Notes
    -----
    A Hampel identifier with two differences. The scale is declared and not estimated: the median deviation of three
    values says little. And the window is parted at the sample, so that at an edge, where the sides disagree, the
    samples belong to one of them; a sample with nothing on one side is left as it is. With a reach of three, runs of
    up to two wrong readings are found. Of a cost of O(n reach^2).

    References
    ----------
    L. Davies and U. Gather, The identification of multiple outliers, Journal of the American Statistical Association
    88(423), 1993, doi:10.1080/01621459.1993.10476339.
    """
    t_us = times(t_us)
    lo_ppm = column("lo_ppm", lo_ppm, np.int32, t_us.size)
    hi_ppm = column("hi_ppm", hi_ppm, np.int32, t_us.size)
    low_ppm, high_ppm = _emptyings.screen(
        t_us,
        lo_ppm.astype(np.int64),
        hi_ppm.astype(np.int64),
        _reach(reach),
        whole("within_us", within_us, 0),
        whole("jump_ppm", jump_ppm, 0),
    )
    return low_ppm.astype(np.int32), high_ppm.astype(np.int32)


def detect(  # noqa: PLR0917  # columns first, then what is declared
    t_us: NDArray[np.int64],
    lo_ppm: NDArray[np.int32],
    hi_ppm: NDArray[np.int32],
    drop_ppm: int,
    residual_ppm: int,
    reach: int,
    quick_us: int,
    share_ppm: int,
) -> Falls:
    """Find falls of the fill that stay, and say what they are.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times, strictly ascending. Shape (n,). [us]
    lo_ppm, hi_ppm : ndarray of int32
        Bounds of the fill at each sample, as `screen` gives them; samples whose bounds lie further apart than
        `drop_ppm` are passed over. Shape (n,). [ppm]
    drop_ppm : int
        The least fall of the fill that is an emptying. [ppm]
    residual_ppm : int
        The most that an emptied container may still hold. [ppm]
    reach : int
        How many samples on either side are looked at. [count]
    quick_us : int
        The longest time that an emptying takes; what takes longer in small steps is a drain. [us]
    share_ppm : int
        More than this share of the pairs of a sample before and a sample after must agree. [ppm]

    Returns
    -------
    Falls

    Raises
    ------
    TypeError
        If an array is of another type, or a number no integer.
    ValueError
        If times do not ascend, lengths differ, `reach` or `drop_ppm` is less than one, `reach` more than 100,
        or `quick_us` or `share_ppm` negative.

    Notes
    -----
    The share of agreeing pairs is the Mann-Whitney statistic of the two windows, shifted by half the drop, as it is
    used for edges in noise. It is asked where one sample lies a quarter of the drop below the one before; such steps
    side by side are one fall, with the pairs of the one that has most. O(n), and O(reach^2) for each such step.

    References
    ----------
    R. Fried, On the robust detection of edges in time series filtering, Computational Statistics and Data Analysis
    52(2), 2007, doi:10.1016/j.csda.2007.06.011. H. B. Mann and D. R. Whitney, On a test of whether one of two random
    variables is stochastically larger than the other, Annals of Mathematical Statistics 18(1), 1947,
    doi:10.1214/aoms/1177730491.
    """
    t_us = times(t_us)
    lo_ppm = column("lo_ppm", lo_ppm, np.int32, t_us.size)
    hi_ppm = column("hi_ppm", hi_ppm, np.int32, t_us.size)
    drop_ppm, reach = whole("drop_ppm", drop_ppm, 1), _reach(reach)
    tells = np.flatnonzero(hi_ppm.astype(np.int64) - lo_ppm <= drop_ppm)
    level = (lo_ppm.astype(np.int64) + hi_ppm)[tells]
    first, last, pairs = _emptyings.edges(level, drop_ppm, reach, whole("share_ppm", share_ppm, 0))
    code = _emptyings.codes(
        t_us[tells],
        level,
        (first, last),
        drop_ppm,
        whole("residual_ppm", residual_ppm),
        whole("quick_us", quick_us, 0),
    )
    kept = code != 0
    first, last = first[kept], last[kept]
    return Falls(
        tells[first],
        tells[last],
        (level[first] - level[last]) // 2,
        level[last] // 2,
        pairs[kept] * _PPM // (reach * reach),
        code[kept],
    )


def floors(falls: Falls, jump_ppm: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Find falls after which the floor is another one: a sensor hung anew, a container exchanged.

    Parameters
    ----------
    falls : Falls
        As `detect` gives them.
    jump_ppm : int
        The least change of the floor that is one. [ppm]

    Returns
    -------
    code : ndarray of int8
        As of `falls`, `REHUNG` where the floors of the next emptyings lie below those of the last ones by as much as
        the fill fell: nothing was taken out, the scale was moved. Shape (e,). [code]
    shift_ppm : ndarray of int64
        Where the floor changed otherwise with an emptying, by how much; else nought. Shape (e,). [ppm]

    Raises
    ------
    TypeError
        If `jump_ppm` is no integer.
    ValueError
        If it is less than one.

    Notes
    -----
    Lower medians of up to three floors on either side, at least two, none of which differ among themselves by the
    jump; so it is known only after two more emptyings. O(e).

    References
    ----------
    R. Fried, On the robust detection of edges in time series filtering, Computational Statistics and Data Analysis
    52(2), 2007, doi:10.1016/j.csda.2007.06.011.
    """
    code, shift_ppm = _emptyings.floors(falls.code, falls.fall_ppm, falls.floor_ppm, whole("jump_ppm", jump_ppm, 1))
    return code.astype(np.int8), shift_ppm


def confirm(kind: NDArray[np.int8], falls: Falls, least_ppm: int) -> NDArray[np.int8]:
    """Leave sure only those emptyings that were found.

    Parameters
    ----------
    kind : ndarray of int8
        Kind of each interval, as `kernels.levels.drops` gives it. Shape (n+1,). [code]
    falls : Falls
        Of the same samples.
    least_ppm : int
        The least confidence that counts. [ppm]

    Returns
    -------
    ndarray of int8
        As `kind`; `SURE` becomes `HIDDEN` outside of emptyings of enough confidence, and so does `NONE` inside one
        that took several intervals. Shape (n+1,). [code]

    Raises
    ------
    TypeError
        If `kind` is no array of int8, or `least_ppm` no integer.
    ValueError
        If `least_ppm` is negative.

    Notes
    -----
    O(n + e). What was not sure does not become so.

    References
    ----------
    C. F. Manski, Partial Identification of Probability Distributions, chapter 1, 2003, doi:10.1007/b97478.
    """
    counts = (falls.code == EMPTIED) & (falls.confidence_ppm >= whole("least_ppm", least_ppm, 0))
    return _emptyings.confirm(column("kind", kind, np.int8), falls.first[counts], falls.last[counts])


def _reach(reach: int) -> int:
    """Check a reach."""
    reach = whole("reach", reach, 1)
    if reach > _REACH_MAX:
        raise ValueError(f"reach = {reach} lies outside 1 to {_REACH_MAX}")
    return reach
