"""Milesight EM500-UDL, ultrasonic, which keeps what it could not send.

A kept observation (`20 CE`) carries the device's own clock; a frame holds as many as fit. The alarm (`83 E9`), and it
alone, gives the distance in tenths of a millimetre. It also says by how much the distance jumped; the jump follows
from two distances and is not kept. Alarms are 0 ended, 1 threshold, 2 jump.
"""

import struct

from sensors.frames.milesight_em310 import BATTERY, Channel, distance, one_of, read_channels, read_distance
from sensors.framing import Observation

_ALARM_STATES = 3
_TENTHS = 10
_SECOND_US = 1_000_000


def decode(port: int, frame: bytes) -> list[Observation]:
    """Decode one frame."""
    return read_channels(port, frame, _LAYOUT)


def _alarm(data: bytes) -> Observation:
    raw, _jump, code = struct.unpack("<HHB", data)
    return Observation({**distance(raw, _TENTHS), "alarm": one_of(_ALARM_STATES, code, "alarm")})


def _kept(data: bytes) -> Observation:
    unix_s, raw = struct.unpack("<IH", data)
    return Observation(distance(raw), unix_s * _SECOND_US)


_LAYOUT = {
    b"\x01\x75": BATTERY,
    b"\x03\x82": Channel("distance", 2, read_distance),
    b"\x83\xe9": Channel("distance", 5, _alarm),
    b"\x20\xce": Channel("kept distance", 6, _kept),
}
