"""Signals of work: water, pump, brush, compactor."""

from sensors.quantities import SIGNAL, STATE
from sensors.readings import Kind

KIND = Kind(
    "work_signal",
    (STATE,),
    ((SIGNAL.name,), (STATE.name,)),
    "A signal of work that went on or off.",
    words=(SIGNAL,),
)
