"""Lifts of containers by vehicles."""

from sensors.quantities import CONTAINER, LATITUDE, LONGITUDE, WEIGHT, ZONE
from sensors.readings import Kind

KIND = Kind(
    "lift",
    (WEIGHT, LATITUDE, LONGITUDE),
    (),
    "A container emptied by a vehicle, as the vehicle says.",
    words=(
        CONTAINER,
        ZONE,
    ),
)
