"""Steps of complaints and work orders."""

from sensors.quantities import CASE, PRIORITY, STEP, ZONE
from sensors.readings import Kind

KIND = Kind(
    "case",
    (),
    ((CASE.name,), (STEP.name,)),
    "One step in the life of a complaint or work order.",
    words=(
        CASE,
        STEP,
        ZONE,
        PRIORITY,
    ),
)
