"""Dragino LDDS75 and LDDS45, ultrasonic: eight bytes, big-endian.

Battery (the lower 14 bits are millivolts), distance, interrupt flag, temperature of the probe, sensor flag. What is
believed here:

- No sensor is a distance of 0 or a sensor flag of 0; a distance of 20 stands for every one too near to be measured.
  None of these is a distance: the observation says quality 1, rejected by the device.
- The probe of temperature is optional. Without one the device says 0, which nothing tells from frost: kept as said.
- The interrupt flag says that the pin, not the interval, made the device send: kept as the alarm.
- Older firmware sends five bytes without the flags: refused. Port 5 is the device's status and settings: refused.
"""

import struct

from sensors.errors import FrameError
from sensors.framing import Observation

PORT = 2
_LAYOUT = struct.Struct(">HHBhB")
_BATTERY_MASK = 0x3FFF
# Both models measure from beyond this; the maker sets to it what is nearer than its model can measure. [mm]
INVALID_MM_MAX = 20
REJECTED_BY_DEVICE = 1
_FLAGS = (0, 1)
_MILLIVOLTS = 1_000
_TENTHS = 10


def decode(port: int, frame: bytes) -> list[Observation]:
    """Decode one frame."""
    if port != PORT:
        raise FrameError(f"port {port} is not {PORT}")
    if len(frame) != _LAYOUT.size:
        raise FrameError(f"frame of {len(frame)} bytes has not {_LAYOUT.size}")
    battery, distance_mm, interrupt, tenths_degc, sensor = _LAYOUT.unpack(frame)
    if interrupt not in _FLAGS or sensor not in _FLAGS:
        raise FrameError(f"interrupt flag {interrupt} or sensor flag {sensor} is neither 0 nor 1")
    said: dict[str, float] = {
        "battery_v": (battery & _BATTERY_MASK) / _MILLIVOLTS,
        "temperature_degc": tenths_degc / _TENTHS,
        "alarm": interrupt,
    }
    if sensor and distance_mm > INVALID_MM_MAX:
        said["distance_mm"] = distance_mm
    else:
        said["quality"] = REJECTED_BY_DEVICE
    return [Observation(said)]
