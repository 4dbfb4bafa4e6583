"""What is measured: made-up months of containers, cities of streets and drives through them, all from one seed."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import geodesy
from rules.places import Network, Street, network_of
from rules.traversals import Fixes

Ints = NDArray[np.int64]

SEED: Final = 20_261_128
SECOND_US: Final = 1_000_000
QUARTER_US: Final = 15 * 60 * SECOND_US
DAY_US: Final = 96 * QUARTER_US
THRESHOLD_PPM: Final = 900_000
ERROR_PPM: Final = 20_000
# 2026-09-01 00:00 in Santiago.
FIRST_US: Final = 1_788_235_200_000_000
# A street of 100 m along a meridian at the equator's scale: lengths count here, not places.
_BLOCK_E7: Final = 9_000
_LON_E7, _LAT_E7 = -706_500_000, -334_500_000


@dataclass(frozen=True, slots=True)
class Levels:
    """Fill levels of containers, one after the other, each 15 min.

    Parameters
    ----------
    t_us : ndarray of int64
    container : ndarray of int32
    fill_ppm : ndarray of int32
    starts : ndarray of int64
        Where each container's samples begin, and the last one's end.
    """

    t_us: Ints
    container: NDArray[np.int32]
    fill_ppm: NDArray[np.int32]
    starts: Ints


def levels(containers: int, samples: int) -> Levels:
    """Let containers fill up within three days, be emptied, and be seen through a noisy sensor."""
    random = np.random.default_rng(SEED)
    phase = random.integers(0, 300, (containers, 1))
    steady = (np.arange(samples) + phase) * 3_400 % 1_000_000
    noisy = steady + random.integers(-4_000, 4_001, (containers, samples))
    return Levels(
        np.tile(FIRST_US + np.arange(samples) * QUARTER_US, containers),
        np.repeat(np.arange(containers, dtype=np.int32), samples),
        np.ascontiguousarray(noisy.ravel(), np.int32),
        np.arange(containers + 1, dtype=np.int64) * samples,
    )


def city(segments: int) -> Network:
    """Lay out a grid of about so many streets of a hundred metres; every third row is one-way."""
    side = max(2, round((segments / 2) ** 0.5))
    random = np.random.default_rng(SEED)
    # Crossings a little off the grid, so that no two distances are the same.
    lon = _LON_E7 + np.arange(side) * _BLOCK_E7 + random.integers(-800, 801, (side, side))
    lat = _LAT_E7 + np.arange(side)[:, None] * _BLOCK_E7 + random.integers(-800, 801, (side, side))
    crossing = [[(int(lon[y, x]), int(lat[y, x])) for x in range(side)] for y in range(side)]
    streets = [
        Street(f"e{y}-{x}", (crossing[y][x], crossing[y][x + 1]), f"z{y // 20}", is_oneway=y % 3 == 1)
        for y in range(side)
        for x in range(side - 1)
    ]
    streets += [
        Street(f"n{y}-{x}", (crossing[y][x], crossing[y + 1][x]), f"z{y // 20}")
        for y in range(side - 1)
        for x in range(side)
    ]
    return network_of(streets)


def drive(network: Network, vehicle: int, fixes: int, step_s: int, *, speed_mps: float = 4.0) -> Fixes:
    """Drive at random, never back where one came from if there is another way, seen with 5 m of error."""
    random = np.random.default_rng((SEED, vehicle))
    head, adjacency = network.edges[0].tolist(), [column.tolist() for column in network.adjacency]
    length_mm = network.edges[1].tolist()
    edge = int(network.adjacency[1][random.integers(network.adjacency[1].size)])
    way, end_mm, walked = [edge], [length_mm[edge]], fixes * step_s * speed_mps * 1_000
    draws = random.random(int(walked / 50_000) + 8).tolist()
    while end_mm[-1] < walked:
        begin, end = adjacency[0][head[edge]], adjacency[0][head[edge] + 1]
        onward = [one for one in adjacency[1][begin:end] if one != edge ^ 1] or [edge ^ 1]
        edge = onward[int(draws[len(way) % len(draws)] * len(onward))]
        way.append(edge)
        end_mm.append(end_mm[-1] + length_mm[edge])
    at_mm = np.arange(fixes) * (step_s * speed_mps * 1_000)
    place = np.searchsorted(end_mm, at_mm, side="right")
    edges = np.array(way)[place]
    share = (at_mm - np.concatenate(([0], end_mm))[place]) / network.edges[1][edges]
    share = np.where(edges % 2 == 0, share, 1 - share)
    first = np.searchsorted(network.vertex_segment, edges // 2)
    x_mm, y_mm = (
        column[first] + share * (column[first + 1] - column[first]) + random.normal(0, 5_000, fixes)
        for column in network.vertices[:2]
    )
    lon_e7, lat_e7 = to_degrees(network, x_mm, y_mm)
    t_us = FIRST_US + np.arange(fixes, dtype=np.int64) * step_s * SECOND_US
    return Fixes(t_us, lon_e7, lat_e7, np.full(fixes, 7_500, np.int32))


def to_degrees(
    network: Network, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give places of the network's plane in units of 1e-7 degrees."""
    lon_e7, lat_e7 = network.origin_e7
    x_factor, y_factor = geodesy.factors(lat_e7)
    east_e7, north_e7 = x_mm * 2**24 / x_factor, y_mm * 2**24 / y_factor
    return np.rint(lon_e7 + east_e7).astype(np.int32), np.rint(lat_e7 + north_e7).astype(np.int32)
