"""Positions of vehicles."""

from sensors.quantities import (
    ACCURACY,
    COURSE,
    HDOP,
    IGNITION,
    INPUTS,
    LATITUDE,
    LONGITUDE,
    QUALITY,
    SATELLITES,
    SPEED,
)
from sensors.readings import Kind

KIND = Kind(
    "position_fix",
    (LATITUDE, LONGITUDE, SPEED, COURSE, ACCURACY, INPUTS, IGNITION, QUALITY, HDOP, SATELLITES),
    ((LATITUDE.name,), (LONGITUDE.name,)),
    "Where a vehicle is, how fast, and what its inputs say.",
)
