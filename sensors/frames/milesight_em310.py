"""Milesight EM310-UDL, ultrasonic; and what the whole EM family shares: a frame is a row of channels.

A channel is two bytes (id, type) and data of a known length, little-endian. Ids differ inside the family, so each
model has its own layout. What is believed here:

- A channel that the layout does not name refuses the frame. That goes for `FF` too: information on the device, and
  answers to downlinks, hold no observation.
- What may be said once (the distance now) is said once; a frame that says it twice does not say which one holds.
- A distance of `FFFD` or `FFFF` is a measurement without a target or without a sensor. The published tables do not
  name these codes, but no model measures beyond ten metres. It is no distance: the observation says quality 1,
  rejected by the device. `making` then refuses it as a value that is missing, not as a broken frame.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sensors.errors import FrameError
from sensors.framing import Observation
from sensors.readings import NO_TIME_US

PORT = 85
NO_DISTANCE = (0xFFFD, 0xFFFF)
REJECTED_BY_DEVICE = 1
_HEAD_BYTES = 2


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a layout.

    Parameters
    ----------
    says : str
        What it says; at most one channel of a frame says that, unless it has a time of its own.
    size : int
        Length of its data. [bytes]
    read : callable
        Data to observation.
    """

    says: str
    size: int
    read: Callable[[bytes], Observation]


def read_channels(port: int, frame: bytes, layout: Mapping[bytes, Channel]) -> list[Observation]:
    """Read a row of channels: what holds now as one observation, then each kept one, in the order of the frame.

    Raises
    ------
    FrameError
        Of another port, of an empty frame, of a channel that is unknown, cut off or repeated.
    """
    if port != PORT:
        raise FrameError(f"port {port} is not {PORT}")
    if not frame:
        raise FrameError("frame is empty")
    now: dict[str, Observation] = {}
    kept: list[Observation] = []
    start = 0
    while start < len(frame):
        head = frame[start : start + _HEAD_BYTES]
        channel = layout.get(head)
        if channel is None:
            raise FrameError(f"channel {head.hex()} at byte {start} is none of this device's measurements")
        data = frame[start + _HEAD_BYTES : start + _HEAD_BYTES + channel.size]
        if len(data) < channel.size:
            raise FrameError(f"channel {head.hex()} at byte {start} has {len(data)} of {channel.size} bytes")
        observation = channel.read(data)
        if observation.device_us != NO_TIME_US:
            kept.append(observation)
        elif channel.says in now:
            raise FrameError(f"channel {head.hex()} at byte {start} says the {channel.says} a second time")
        else:
            now[channel.says] = observation
        start += _HEAD_BYTES + channel.size
    return ([_together(now)] if now else []) + kept


def _together(now: Mapping[str, Observation]) -> Observation:
    """Put what several channels say of one moment into one observation; their alarms are different bits."""
    said: dict[str, float] = {}
    for observation in now.values():
        alarm = said.get("alarm", 0) + observation.said.get("alarm", 0)
        said |= observation.said
        if "alarm" in said:
            said["alarm"] = alarm
    return Observation(said)


def distance(raw: int, per_mm: int = 1) -> dict[str, float]:
    """Give a distance, or say that the device rejects its own measurement."""
    return {"quality": REJECTED_BY_DEVICE} if raw in NO_DISTANCE else {"distance_mm": raw / per_mm}


def one_of(known: int, code: int, what: str) -> int:
    """Check a code against how many the maker numbers, from 0."""
    if code >= known:
        raise FrameError(f"{what} {code} is not below {known}")
    return code


def read_battery(data: bytes) -> Observation:
    """Read the charge, in percent."""
    return Observation({"battery_pct": data[0]})


def read_distance(data: bytes) -> Observation:
    """Read a distance in millimetres."""
    (raw,) = struct.unpack("<H", data)
    return Observation(distance(raw))


def read_position(data: bytes) -> Observation:
    """Read whether the device hangs askew, by 20 degrees or more."""
    return Observation({"tilted": one_of(2, data[0], "position")})


BATTERY = Channel("battery", 1, read_battery)
_LAYOUT = {
    b"\x01\x75": BATTERY,
    b"\x03\x82": Channel("distance", 2, read_distance),
    b"\x04\x00": Channel("position", 1, read_position),
}


def decode(port: int, frame: bytes) -> list[Observation]:
    """Decode one frame."""
    return read_channels(port, frame, _LAYOUT)
