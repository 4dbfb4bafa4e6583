"""Milesight EM400-MUD, -TLD and -UDL: ultrasonic or laser, with temperature, position and alarms.

Distance is channel `04 82` here, not `03 82` as on the EM310. An alarm frame says the value and its alarm's state, 0
for ended and 1 for begun: kept as bit 1 for the distance, 256 for the temperature, since both may stand in one frame.
An alarm of temperature may come without a distance; it is given as it is. The channel with coordinates is sent over
NB-IoT only, in another envelope: on this network it is unknown, and refused.
"""

import struct

from sensors.frames.milesight_em310 import (
    BATTERY,
    Channel,
    distance,
    one_of,
    read_channels,
    read_distance,
    read_position,
)
from sensors.framing import Observation

_ALARM_STATES = 2
# Above the eight bits in which the maker numbers an alarm's states.
TEMPERATURE_ALARM = 256
_TENTHS = 10


def decode(port: int, frame: bytes) -> list[Observation]:
    """Decode one frame."""
    return read_channels(port, frame, _LAYOUT)


def _temperature(data: bytes) -> Observation:
    (raw,) = struct.unpack("<h", data)
    return Observation({"temperature_degc": raw / _TENTHS})


def _temperature_alarm(data: bytes) -> Observation:
    raw, code = struct.unpack("<hB", data)
    state = one_of(_ALARM_STATES, code, "alarm of temperature")
    return Observation({"temperature_degc": raw / _TENTHS, "alarm": state * TEMPERATURE_ALARM})


def _distance_alarm(data: bytes) -> Observation:
    raw, code = struct.unpack("<HB", data)
    return Observation({**distance(raw), "alarm": one_of(_ALARM_STATES, code, "alarm of distance")})


_LAYOUT = {
    b"\x01\x75": BATTERY,
    b"\x03\x67": Channel("temperature", 2, _temperature),
    b"\x83\x67": Channel("temperature", 3, _temperature_alarm),
    b"\x04\x82": Channel("distance", 2, read_distance),
    b"\x84\x82": Channel("distance", 3, _distance_alarm),
    b"\x05\x00": Channel("position", 1, read_position),
}
