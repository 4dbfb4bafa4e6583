"""Fill levels of containers."""

from sensors.quantities import (
    ALARM,
    BATTERY,
    BATTERY_SHARE,
    DISTANCE,
    ECHO_1,
    ECHO_2,
    ECHO_3,
    ECHO_4,
    FILL,
    QUALITY,
    TEMPERATURE,
    TILT,
    TILTED,
)
from sensors.readings import Kind

KIND = Kind(
    "fill_level",
    (
        *(DISTANCE, FILL, BATTERY, TEMPERATURE, TILT, QUALITY),
        *(BATTERY_SHARE, ECHO_1, ECHO_2, ECHO_3, ECHO_4, TILTED, ALARM),
    ),
    ((DISTANCE.name, FILL.name, ECHO_1.name),),
    "How full a container is, as a distance, as echoes, or as a share.",
)
