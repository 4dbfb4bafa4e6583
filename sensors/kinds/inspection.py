"""Inspections of sampled points."""

from sensors.quantities import COUNT, GRADE, PHOTO, PLAN, POINT
from sensors.readings import Kind

KIND = Kind(
    "inspection",
    (COUNT,),
    ((POINT.name,), (GRADE.name,)),
    "The grade that an inspector gave a point.",
    words=(
        POINT,
        GRADE,
        PLAN,
        PHOTO,
    ),
)
