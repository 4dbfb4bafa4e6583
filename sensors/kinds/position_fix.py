"""Positions of vehicles."""

from sensors.quantities import ACCURACY, COURSE, IGNITION, INPUTS, LATITUDE, LONGITUDE, SPEED
from sensors.readings import Kind

KIND = Kind(
    "position_fix",
    (LATITUDE, LONGITUDE, SPEED, COURSE, ACCURACY, INPUTS, IGNITION),
    ((LATITUDE.name,), (LONGITUDE.name,)),
    "Where a vehicle is, how fast, and what its inputs say.",
)
