"""Drives with known truth: a route that a driver may choose, a clock along it, and what a receiver says of it.

*Route.* From place to place over streets whose costs are drawn anew for each leg (lognormal), so that it is near the
shortest way and seldom it; one-ways hold, now and then the driver turns round in mid-block. *Clock.* Speeds by
street, slow corners, halts at junctions. *Receiver.* An error that drifts (Gauss-Markov) and one that does not
(white); the vehicle keeps to the right of a two-way street's line; now and then nothing is heard for a while.

Nothing here knows how fixes are matched.
"""

import heapq
import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import geodesy
from rules.places import Network
from rules.traversals import Fixes

Floats = NDArray[np.float64]

# Costs of streets as drivers see them.
COST_SIGMA: Final = 0.3
# Turning round at a junction is what one does at dead ends only.
_TURN_BACK_MM: Final = 1_000_000
# At the end of a leg, in mid-block: about once in 7 km.
_TURN_SHARE, _TURN_LENGTH_MM = 0.1, 40_000
_SPEED_MPS, _SPEED_SIGMA = 9.5, 0.2
_BRAKE_MPS2, _THROTTLE_MPS2 = 2.0, 1.5
# Cosine of the angle between coming and going, and the speed below which it is driven.
_CORNERS: Final = ((0.87, math.inf), (-0.2, 6.0), (-0.95, 4.0), (-1.1, 1.5))
# The share of junctions at which one waits, and how long: a red light, or the queue before one.
_HALT_SHARE, _HALT_S, _HALT_SIGMA = 0.15, 16.0, 0.7
_CREEP_MPS: Final = 0.5
# How fast a receiver's error drifts, and which part of its variance does not.
_DRIFT_S, _WHITE_SHARE = 45.0, 0.2
_RIGHT_M: Final = 2.0
# Nothing heard: once in 20 minutes, for so long.
_GAP_EVERY_S, _GAP_S = 1_200.0, (15.0, 60.0)
# Radius that holds two of three fixes whose error has a standard deviation of one on each axis.
RADIUS_OF_SIGMA: Final = 1.515
# 2026-11-02 06:00 UTC.
_START_US: Final = 1_793_599_200_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a street driven in one go: directed edge, and from where to where along it. [mm]."""

    edge: int
    begin_mm: int
    end_mm: int


@dataclass(frozen=True, slots=True)
class Drive:
    """A route with its clock, and a receiver's error of standard deviation one.

    Parameters
    ----------
    pieces : tuple of Piece
    ends_m : tuple of float
        How far along the route each piece ends. [m]
    clock_s : ndarray of float64
        When each metre of the route is passed. [s]
    error : ndarray of float64
        To the east and to the north, each second, standard deviation 1. Shape (2, seconds).
    silent : tuple of tuple of float
        Begin and end of spans in which nothing is heard. [s]
    """

    pieces: tuple[Piece, ...]
    ends_m: tuple[float, ...]
    clock_s: Floats
    error: Floats
    silent: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a receiver said of a drive, and what was true between its first and last word.

    Parameters
    ----------
    fixes : Fixes
    sigma_m : float
        The error's standard deviation on each axis. [m]
    truth : tuple of Piece
    edges : tuple of int
        Directed edge on which the vehicle was at each fix.
    """

    fixes: Fixes
    sigma_m: float
    truth: tuple[Piece, ...]
    edges: tuple[int, ...]

    @property
    def truth_mm(self) -> int:
        """How far was driven. [mm]."""
        return sum(piece.end_mm - piece.begin_mm for piece in self.truth)


def round_trip_edges(network: Network) -> list[int]:
    """List the edges among the nodes that can all be reached from each other, the most there are of."""
    start: list[int] = network.adjacency[0].tolist()
    leaving: list[int] = network.adjacency[1].tolist()
    head: list[int] = network.edges[0].tolist()
    onward = [[head[edge] for edge in leaving[start[node] : start[node + 1]]] for node in range(len(start) - 1)]
    back: list[list[int]] = [[] for _ in onward]
    for node, reached in enumerate(onward):
        for one in reached:
            back[one].append(node)
    best: set[int] = set()
    seen: set[int] = set()
    for node in range(len(onward)):
        if node not in seen:
            found = _reach(onward, node) & _reach(back, node)
            seen |= found
            best = max(best, found, key=len)
    return sorted(edge for edge in leaving if head[edge] in best and head[edge ^ 1] in best)


def drive(network: Network, random: Random, length_m: float, usable: list[int] | None = None) -> Drive:
    """Drive about so far."""
    edges = usable if usable is not None else round_trip_edges(network)
    pieces = _route(network, random, length_m, edges)
    ends_m = np.cumsum([(piece.end_mm - piece.begin_mm) / 1_000 for piece in pieces])
    clock_s = _clock(network, random, pieces, ends_m)
    seconds = int(clock_s[-1]) + 2
    silent: list[tuple[float, float]] = []
    at_s = random.expovariate(1 / _GAP_EVERY_S)
    while at_s < seconds:
        until_s = at_s + random.uniform(*_GAP_S)
        silent.append((at_s, until_s))
        at_s = until_s + random.expovariate(1 / _GAP_EVERY_S)
    return Drive(tuple(pieces), tuple(ends_m.tolist()), clock_s, _error(random, seconds), tuple(silent))


def seen(network: Network, driven: Drive, step_s: int, sigma_m: float) -> Seen:
    """See a drive every so often, with an error of so much on each axis."""
    second = np.arange(0, int(driven.clock_s[-1]) + 1, step_s)
    for begin_s, end_s in driven.silent:
        second = second[(second < begin_s) | (second > end_s)]
    metre = np.interp(second, driven.clock_s, np.arange(driven.clock_s.size))
    # The last metre may be a part of one.
    metre = np.minimum(metre, driven.ends_m[-1])
    index = [min(bisect_right(driven.ends_m, at), len(driven.pieces) - 1) for at in metre.tolist()]
    x_mm, y_mm = np.empty(metre.size), np.empty(metre.size)
    for place, (at_m, piece) in enumerate(zip(metre.tolist(), index, strict=True)):
        x_mm[place], y_mm[place] = _place(network, driven, at_m, piece)
    x_mm += 1_000 * sigma_m * driven.error[0, second]
    y_mm += 1_000 * sigma_m * driven.error[1, second]
    x_factor, y_factor = geodesy.factors(network.origin_e7[1])
    fixes = Fixes(
        t_us=_START_US + second.astype(np.int64) * 1_000_000,
        lon_e7=(network.origin_e7[0] + np.rint(x_mm * 2**24 / x_factor)).astype(np.int32),
        lat_e7=(network.origin_e7[1] + np.rint(y_mm * 2**24 / y_factor)).astype(np.int32),
        accuracy_mm=np.full(metre.size, round(1_000 * RADIUS_OF_SIGMA * sigma_m), np.int32),
    )
    edges = tuple(driven.pieces[piece].edge for piece in index)
    return Seen(fixes, sigma_m, tuple(_between(driven, float(metre[0]), float(metre[-1]))), edges)


def _reach(onward: list[list[int]], node: int) -> set[int]:
    found, waiting = {node}, [node]
    while waiting:
        for one in onward[waiting.pop()]:
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _route(network: Network, random: Random, length_m: float, usable: list[int]) -> list[Piece]:
    lengths: list[int] = network.edges[1].tolist()
    following = _following(network, usable)
    drivable = set(usable)
    edge = random.choice(usable)
    pieces = [Piece(edge, 0, lengths[edge])]
    walked_mm = lengths[edge]
    while walked_mm < 1_000 * length_m:
        costs = {one: lengths[one] * random.lognormvariate(0, COST_SIGMA) for one in usable}
        for one in _leg(following, costs, pieces[-1].edge, random.choice(usable)):
            pieces.append(Piece(one, 0, lengths[one]))
            walked_mm += lengths[one]
        edge = pieces[-1].edge
        is_long = pieces[-1].begin_mm == 0 and lengths[edge] >= _TURN_LENGTH_MM
        if is_long and edge ^ 1 in drivable and random.random() < _TURN_SHARE:
            at_mm = round(lengths[edge] * random.uniform(0.2, 0.8))
            pieces[-1:] = [Piece(edge, 0, at_mm), Piece(edge ^ 1, lengths[edge] - at_mm, lengths[edge])]
    return pieces


def _following(network: Network, usable: list[int]) -> dict[int, list[tuple[int, int]]]:
    """Give for each edge those that follow, each with what turning back costs."""
    head: list[int] = network.edges[0].tolist()
    leaving: dict[int, list[int]] = {}
    for edge in usable:
        leaving.setdefault(head[edge ^ 1], []).append(edge)
    found: dict[int, list[tuple[int, int]]] = {}
    for edge in usable:
        onward = leaving[head[edge]]
        is_end = onward == [edge ^ 1]
        found[edge] = [(one, _TURN_BACK_MM if one == edge ^ 1 and not is_end else 0) for one in onward]
    return found


def _leg(following: dict[int, list[tuple[int, int]]], costs: dict[int, float], source: int, goal: int) -> list[int]:
    """Find the cheapest way from one edge to another; the edges after the first."""
    best, before = {source: 0.0}, dict[int, int]()
    queue = [(0.0, source)]
    while queue:
        cost, edge = heapq.heappop(queue)
        if edge == goal:
            break
        if cost > best[edge]:
            continue
        for one, turn in following[edge]:
            reached = cost + costs[one] + turn
            if reached < best.get(one, math.inf):
                best[one], before[one] = reached, edge
                heapq.heappush(queue, (reached, one))
    way = list[int]()
    while goal != source:
        way.append(goal)
        goal = before[goal]
    return way[::-1]


def _clock(network: Network, random: Random, pieces: list[Piece], ends_m: Floats) -> Floats:
    """Say when each metre is passed: the fastest that streets, corners, halts, brakes and throttle allow."""
    count = math.ceil(ends_m[-1]) + 1
    speed = np.empty(count)
    halt_s = np.zeros(count)
    leaving = np.diff(network.adjacency[0])
    liked = {piece.edge // 2: _SPEED_MPS * random.lognormvariate(0, _SPEED_SIGMA) for piece in pieces}
    begin = 0
    for index, piece in enumerate(pieces):
        end = min(math.ceil(ends_m[index]), count - 1)
        speed[begin : end + 1] = liked[piece.edge // 2]
        begin = end
    for index, (piece, onward) in enumerate(pairwise(pieces)):
        at = min(round(ends_m[index]), count - 1)
        angle = _heading(network, piece, -1) @ _heading(network, onward, 0)
        speed[at] = min(speed[at], next(limit for least, limit in _CORNERS if angle >= least))
        if leaving[network.edges[0][piece.edge]] > 2 and random.random() < _HALT_SHARE:
            speed[at] = _CREEP_MPS
            halt_s[at] += random.lognormvariate(math.log(_HALT_S), _HALT_SIGMA)
    speed[[0, -1]] = _CREEP_MPS
    for at in range(count - 2, -1, -1):
        speed[at] = min(speed[at], math.sqrt(speed[at + 1] ** 2 + 2 * _BRAKE_MPS2))
    for at in range(1, count):
        speed[at] = min(speed[at], math.sqrt(speed[at - 1] ** 2 + 2 * _THROTTLE_MPS2))
    return np.concatenate(([0.0], np.cumsum(2 / (speed[1:] + speed[:-1]) + halt_s[1:])))


def _heading(network: Network, piece: Piece, which: int) -> Floats:
    """Give the direction in which a piece begins (0) or ends (-1)."""
    x_mm, y_mm = _line(network, piece.edge)[:2]
    step = np.array([np.diff(x_mm)[which], np.diff(y_mm)[which]])
    return step / max(float(np.hypot(*step)), 1.0)


def _line(network: Network, edge: int) -> tuple[Floats, Floats, Floats]:
    """Give x, y and measure of an edge's vertices, in the direction of driving."""
    first, last = np.searchsorted(network.vertex_segment, [edge // 2, edge // 2 + 1])
    x_mm, y_mm, measure_mm = (column[first:last].astype(np.float64) for column in network.vertices)
    if edge % 2:
        return x_mm[::-1], y_mm[::-1], measure_mm[-1] - measure_mm[::-1]
    return x_mm, y_mm, measure_mm


def _place(network: Network, driven: Drive, at_m: float, index: int) -> tuple[float, float]:
    """Find where the vehicle is: on the line, or to the right of it where traffic comes the other way."""
    piece = driven.pieces[index]
    along_mm = piece.end_mm - 1_000 * (driven.ends_m[index] - at_m)
    x_mm, y_mm, measure_mm = _line(network, piece.edge)
    x, y = float(np.interp(along_mm, measure_mm, x_mm)), float(np.interp(along_mm, measure_mm, y_mm))
    if network.is_oneway[piece.edge // 2]:
        return x, y
    at = min(max(int(np.searchsorted(measure_mm, along_mm)) - 1, 0), measure_mm.size - 2)
    east, north = x_mm[at + 1] - x_mm[at], y_mm[at + 1] - y_mm[at]
    length = max(math.hypot(east, north), 1.0)
    return x + 1_000 * _RIGHT_M * north / length, y - 1_000 * _RIGHT_M * east / length


def _between(driven: Drive, from_m: float, to_m: float) -> list[Piece]:
    """Cut the route to what lies between two places along it."""
    found: list[Piece] = []
    for piece, end_m in zip(driven.pieces, driven.ends_m, strict=True):
        begin_m = end_m - (piece.end_mm - piece.begin_mm) / 1_000
        begin_mm = piece.begin_mm + round(1_000 * max(from_m - begin_m, 0.0))
        end_mm = piece.end_mm - round(1_000 * max(end_m - to_m, 0.0))
        if begin_mm < end_mm:
            found.append(Piece(piece.edge, begin_mm, end_mm))
    return found


def _error(random: Random, seconds: int) -> Floats:
    """Draw an error of standard deviation one: a part that drifts and a white one."""
    drawn = np.random.default_rng(random.getrandbits(64)).standard_normal((4, seconds))
    kept = math.exp(-1 / _DRIFT_S)
    drift = drawn[:2]
    drift[:, 1:] *= math.sqrt(1 - kept * kept)
    for at in range(1, seconds):
        drift[:, at] += kept * drift[:, at - 1]
    return math.sqrt(1 - _WHITE_SHARE) * drift + math.sqrt(_WHITE_SHARE) * drawn[2:]
