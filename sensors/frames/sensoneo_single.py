"""Sensoneo Single Sensor 3.0: seventeen bytes with four echoes of one measurement, on any port.

`FF FF`, type and role, firmware, id (little-endian), events, four echoes, battery, temperature, tilt, count. All four
echoes are kept; no distance is made of them here. What is believed:

- Type stands in the upper four bits, as the maker lists it first: not yet seen on a device whose role tells the order
  (a standalone one says 22 either way). Were it otherwise, frames would be refused, none misread.
- Echoes are of this frame only where its events say that a measurement ended (bit 1). A frame sent for fire or tilt
  alone may repeat old ones: it gives the rest, without echoes.
- Temperature is signed: the maker's page says a byte, and containers freeze.
- Id and count of events are no measurements; who sent the frame, the network says.
"""

import struct

from sensors.errors import FrameError
from sensors.framing import Observation

_LAYOUT = struct.Struct("<HBBIB4BBbBB")
_HEAD = 0xFFFF
# Single sensor, as master, slave or standalone.
_TYPES = (0x20, 0x21, 0x22)
MEASURED = 0x01
_ECHO_MM = 20
_BATTERY_MIN_MV, _BATTERY_STEP_MV, _MILLIVOLTS = 2_500, 10, 1_000


def decode(_port: int, frame: bytes) -> list[Observation]:
    """Decode one frame."""
    if len(frame) != _LAYOUT.size:
        raise FrameError(f"frame of {len(frame)} bytes has not {_LAYOUT.size}")
    head, kind, _firmware, _id, events, *echoes, battery, temperature_degc, tilt_deg, _count = _LAYOUT.unpack(frame)
    if head != _HEAD or kind not in _TYPES:
        raise FrameError(f"frame begins {frame[:3].hex()}, not as a single sensor's")
    said: dict[str, float] = {
        "battery_v": (_BATTERY_MIN_MV + battery * _BATTERY_STEP_MV) / _MILLIVOLTS,
        "temperature_degc": temperature_degc,
        "tilt_deg": tilt_deg,
        "alarm": events,
    }
    if events & MEASURED:
        said |= {f"echo_{place}_mm": echo * _ECHO_MM for place, echo in enumerate(echoes, 1)}
    return [Observation(said)]
