"""Degrees on the ground to millimetres on a plane around an origin.

Angles are integers of 1e-7 degrees (11 mm of latitude), places integers of millimetres: x to the east, y to the
north. The mathematical library is asked once for each origin, for two factors, and what it says is kept as integers;
after that there are only integer multiplications, so that every machine puts a fix on the same millimetre. It
believes that streets and fixes lie within a city: how far the plane bends away from the ground stands at `factors`.
Which origin is used is left to others; streets and fixes must share one.
"""

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._columns import column, whole
from kernels._jit import I32, NEW_I64, int64, kernel, pair

Ints = NDArray[np.int64]
Angles = NDArray[np.int32]

DEGREE_E7: Final = 10_000_000
_SEMI_MAJOR_MM: Final = 6_378_137_000
_FLATTENING: Final = 1 / 298.257223563
# A factor is below 11.2 mm, so factor and angle multiply to less than 2**60; half a unit is 3e-9 of a length.
_FRACTION_BITS: Final = 24
_TURN_E7: Final = 360 * DEGREE_E7


@lru_cache(maxsize=64, typed=True)
def factors(lat_e7: int) -> tuple[int, int]:
    """Say how long 1e-7 degrees are, to the east and to the north, at a latitude.

    Parameters
    ----------
    lat_e7 : int
        Latitude of the origin, at most 89 degrees north or south. [1e-7 degree]

    Returns
    -------
    x, y : int
        Millimetres for each unit of longitude and of latitude, times 2**24. [2**-24 mm]

    Raises
    ------
    TypeError
        If the latitude is no integer.
    ValueError
        If it lies outside the bounds.

    Notes
    -----
    Radii of curvature of WGS 84 at the origin (prime vertical times the cosine, and meridian). At a distance d north
    or south of the origin a length to the east comes out wrong by tan(latitude) d / 6371 km: 0.16 % at 45 degrees
    and 10 km, half a metre in a street of 300 m. A length to the north: less than 0.001 % there. Sine, cosine and
    root are taken here only; a last digit that differs between libraries is rounded away.

    References
    ----------
    J. P. Snyder, Map Projections: A Working Manual, USGS Professional Paper 1395, section 12 and equations 4-18 to
    4-20, 1987, doi:10.3133/pp1395.
    """
    lat = whole("lat_e7", lat_e7, -89 * DEGREE_E7)
    if lat > 89 * DEGREE_E7:
        raise ValueError(f"lat_e7 = {lat} lies outside {-89 * DEGREE_E7} to {89 * DEGREE_E7}")
    lat_rad = math.radians(lat / DEGREE_E7)
    squared_eccentricity = _FLATTENING * (2 - _FLATTENING)
    shrunk = 1 - squared_eccentricity * math.sin(lat_rad) ** 2
    prime_vertical_mm = _SEMI_MAJOR_MM / math.sqrt(shrunk)
    meridian_mm = prime_vertical_mm * (1 - squared_eccentricity) / shrunk
    unit = math.radians(1 / DEGREE_E7) * 2**_FRACTION_BITS
    return round(prime_vertical_mm * math.cos(lat_rad) * unit), round(meridian_mm * unit)


@kernel(pair(NEW_I64)(I32, I32, int64, int64, int64, int64))
def _laid(  # the places, the origin, and what a unit is long
    lon_e7: Angles, lat_e7: Angles, origin_lon: int, origin_lat: int, x_factor: int, y_factor: int
) -> tuple[Ints, Ints]:
    """Lay places on the plane; see `project`."""
    count, half, half_turn = lon_e7.shape[0], 1 << (_FRACTION_BITS - 1), _TURN_E7 // 2
    x_mm, y_mm = np.empty(count, np.int64), np.empty(count, np.int64)
    for place in range(count):
        east = (np.int64(lon_e7[place]) - origin_lon + half_turn) % _TURN_E7 - half_turn
        north = np.int64(lat_e7[place]) - origin_lat
        x_mm[place] = (east * x_factor + half) >> _FRACTION_BITS
        y_mm[place] = (north * y_factor + half) >> _FRACTION_BITS
    return x_mm, y_mm


def project(
    lon_e7: NDArray[np.int32], lat_e7: NDArray[np.int32], origin_e7: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay places on the plane around an origin.

    Parameters
    ----------
    lon_e7, lat_e7 : ndarray of int32
        Places. Shape (n,). [1e-7 degree]
    origin_e7 : tuple of int
        Longitude and latitude of the origin. [1e-7 degree]

    Returns
    -------
    x_mm, y_mm : ndarray of int64
        To the east and to the north of the origin, rounded to the nearest millimetre, halves up. Shape (n,). [mm]

    Raises
    ------
    TypeError
        If an array is not of int32, or the origin no integers.
    ValueError
        If the arrays differ in length, or the origin lies too near to a pole.

    Notes
    -----
    Integer arithmetic, O(n). Longitudes are taken the short way round, so that a city may lie across the
    antimeridian. For the size of the error see `factors`.

    References
    ----------
    J. P. Snyder, Map Projections: A Working Manual, section 12 (equidistant cylindrical), 1987, doi:10.3133/pp1395.
    """
    lon = column("lon_e7", lon_e7, np.int32)
    lat = column("lat_e7", lat_e7, np.int32, lon.size)
    return _laid(lon, lat, whole("origin_e7[0]", origin_e7[0]), int(origin_e7[1]), *factors(origin_e7[1]))
