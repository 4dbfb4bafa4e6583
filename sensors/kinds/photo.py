"""Photos, by digest."""

from sensors.quantities import LATITUDE, LONGITUDE, PHOTO, PLACE
from sensors.readings import Kind

KIND = Kind(
    "photo",
    (LATITUDE, LONGITUDE),
    ((PHOTO.name,),),
    "That a photo was taken, and its digest.",
    words=(
        PHOTO,
        PLACE,
    ),
)
