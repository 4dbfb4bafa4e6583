"""Crews present at a place, as a count."""

from sensors.quantities import COUNT, PLACE
from sensors.readings import Kind

KIND = Kind(
    "presence",
    (COUNT,),
    ((COUNT.name,), (PLACE.name,)),
    "How many workers were at a place; never who.",
    words=(PLACE,),
)
