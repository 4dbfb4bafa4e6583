"""Netvox R718X, ultrasonic with temperature and tilt: eleven bytes, big-endian, on port 6.

Version, device type, report type, battery, status, distance, temperature, fill, tilt. The share of fill depends on a
depth that was set in the device; it is given beside the distance, to be held against it. Status 1 says that the
distance fell below the device's own threshold, and bit 7 of the battery that it is low: kept as alarm 1 and 128.

The report of versions (type 0) holds no observation and is refused, as is the sibling R718PE (type B1), whose bytes
mean other things, and port 7, the device's settings.
"""

import struct

from sensors.errors import FrameError
from sensors.framing import Observation

PORT = 6
_LAYOUT = struct.Struct(">BBBBBHhBB")
_HEAD = (0x01, 0x34, 0x01)
LOW_BATTERY = 0x80
_STATES = (0, 1)
_TENTHS = 10
_PERCENT = 100


def decode(port: int, frame: bytes) -> list[Observation]:
    """Decode one frame."""
    if port != PORT:
        raise FrameError(f"port {port} is not {PORT}")
    if len(frame) != _LAYOUT.size:
        raise FrameError(f"frame of {len(frame)} bytes has not {_LAYOUT.size}")
    *head, battery, status, distance_mm, tenths_degc, fill_pct, tilt_deg = _LAYOUT.unpack(frame)
    if tuple(head) != _HEAD:
        raise FrameError(f"version, device and report {frame[:3].hex()} are not {bytes(_HEAD).hex()}")
    if status not in _STATES:
        raise FrameError(f"status {status} is neither 0 nor 1")
    low_battery = battery & LOW_BATTERY
    said: dict[str, float] = {
        "distance_mm": distance_mm,
        "fill_ratio": fill_pct / _PERCENT,
        "battery_v": (battery - low_battery) / _TENTHS,
        "temperature_degc": tenths_degc / _TENTHS,
        "tilt_deg": tilt_deg,
        "alarm": status + low_battery,
    }
    return [Observation(said)]
