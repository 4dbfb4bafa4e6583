"""Fill levels of containers."""

from sensors.quantities import BATTERY, DISTANCE, FILL, QUALITY, TEMPERATURE, TILT
from sensors.readings import Kind

KIND = Kind(
    "fill_level",
    (DISTANCE, FILL, BATTERY, TEMPERATURE, TILT, QUALITY),
    ((DISTANCE.name, FILL.name),),
    "How full a container is, as a distance or a share.",
)
