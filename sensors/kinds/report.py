"""The contractor's own reports."""

from sensors.quantities import DAY, LIFTS, REPORT, VERSION, ZONE
from sensors.readings import Kind

KIND = Kind(
    "report",
    (VERSION, LIFTS),
    ((REPORT.name,), (DAY.name,)),
    "What the contractor declares of a day and zone.",
    words=(
        REPORT,
        DAY,
        ZONE,
    ),
)
