"""Tickets of weighbridges."""

from sensors.quantities import STREAM, TICKET, WEIGHT, ZONE
from sensors.readings import Kind

KIND = Kind(
    "weigh_ticket",
    (WEIGHT,),
    ((TICKET.name,), (WEIGHT.name,)),
    "Weight of a load, as the weighbridge says.",
    words=(
        TICKET,
        STREAM,
        ZONE,
    ),
)
