"""Uplinks of LoRaWAN networks: from a frame to readings, the same for every network server.

A server's format says who sent which bytes and when they were received; the frame's codec, named for the device, says
what they mean. The server's own decoding is never a value: it depends on a script that anybody may exchange. Where it
gives another distance, the reading is marked suspicious.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from sensors.errors import FrameError
from sensors.framing import Observation, frame_codecs
from sensors.making import DETAIL_MAX, Times, device_of, make, refused
from sensors.readings import CLOCK_TOLERANCE_US, NO_TIME_US, Decoded, Reading, Reason, Rejection
from sensors.sources import Device, Source
from sensors.topics import is_part, normal_device

# The longest frame that LoRaWAN's regional parameters allow in any region and data rate: some 30 observations.
FRAME_BYTES_MAX = 242
PORT_MAX = 255
# LoRaWAN counts frames in 32 bits.
FRAME_COUNTER_BITS = 32
FRAME_COUNTER_MAX = 2**FRAME_COUNTER_BITS - 1
# What a server's script makes of the same bytes may be rounded.
DISAGREEMENT_MM = 1
SUSPICIOUS = 3
# Bounded digits: what is longer is no distance.
_MILLIMETRES = re.compile(r" {0,4}([0-9]{1,9}(?:\.[0-9]{1,9})?) {0,4}(?:mm)? {0,4}")


class _ServerFields(msgspec.Struct):
    distance: msgspec.Raw = msgspec.Raw(b"")
    distance_titled: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="Distance")
    distance_mm: msgspec.Raw = msgspec.Raw(b"")


_fields_decoder = msgspec.json.Decoder(_ServerFields)
_number_decoder: msgspec.json.Decoder[float | str] = msgspec.json.Decoder(float | str)


@dataclass(frozen=True, slots=True)
class Uplink:
    """One frame, as a network server hands it over.

    Parameters
    ----------
    name : str
        The network's name of the device.
    port : int
    frame : bytes
    session : str
        Names the session in which frames are counted.
    frame_counter : int
    network_us : int
        When the network received it; `NO_TIME_US` where it does not say. [us since 1970]
    server_fields : bytes
        What the server's own script made of the frame, as JSON; only held against ours.
    """

    name: str
    port: int
    frame: bytes
    session: str
    frame_counter: int
    network_us: int
    server_fields: bytes = b""


def read(source: Source, uplink: Uplink) -> Decoded:
    """Make readings of an uplink.

    Returns
    -------
    Decoded
        Each observation of the frame is a reading or a rejection at its place; a bad one leaves the others alone.
    """
    # Lower case of other scripts would make one device's name of another's (the Kelvin sign is a k).
    network_name = uplink.name if uplink.name.isascii() else ""
    device = device_of(source, network_name)
    if device is None:
        name = normal_device(network_name)
        who = (source.name, name if is_part(name) else "")
        return refused(Reason.DEVICE_UNKNOWN, "the source declares no such device", who)
    who = (source.name, device.name)
    observations = _observations(device, uplink)
    if isinstance(observations, Rejection):
        return refused(observations.reason, observations.detail, who)
    decoded = Decoded([], [])
    replayed = _replayed(observations)
    for index, observation in enumerate(observations):
        times = Times(observation.device_us, uplink.network_us, is_replayed=observation.device_us in replayed)
        is_live = observation.device_us == NO_TIME_US
        # A kept observation is the same one in whichever frame it comes: the frame's number is not its own.
        sequence = frame_sequence(uplink.session, uplink.frame_counter) if is_live else 0
        said = _checked(observation.said, uplink.server_fields) if is_live else observation.said
        reading = make(observation.kind, who, times, said, sequence=sequence)
        if isinstance(reading, Reading):
            decoded.readings.append(reading)
        else:
            decoded.rejections.append(Rejection(reading.reason, reading.detail[:DETAIL_MAX], index, *who))
    return decoded


def network_time(server_us: int, gateways_us: Iterable[int]) -> int:
    """Give the time of reception: the earliest gateway's whose clock can be believed, else the server's.

    Parameters
    ----------
    server_us : int
        The network server's own time. [us since 1970]
    gateways_us : iterable of int
        The gateways' times; `NO_TIME_US` of those that do not say. [us since 1970]

    Notes
    -----
    A gateway's clock is believed within two minutes of the server's. Without the server's time none can be: then
    there is no time of reception, and the reading proves nothing.
    """
    believed = [one for one in gateways_us if abs(one - server_us) <= CLOCK_TOLERANCE_US]
    return server_us if server_us == NO_TIME_US else min(believed, default=server_us)


def frame_sequence(session: str, frame_counter: int) -> int:
    """Number a frame by session and counter, in 63 bits: counters begin again with each session."""
    digest = hashlib.blake2b(session.encode(), digest_size=FRAME_COUNTER_BITS // 8).digest()
    return ((int.from_bytes(digest, "little") >> 1) or 1) << FRAME_COUNTER_BITS | frame_counter


def _observations(device: Device, uplink: Uplink) -> list[Observation] | Rejection:
    codec = frame_codecs().get(device.codec)
    if codec is None:
        codecs = ", ".join(frame_codecs())
        detail = f"frame codec {device.codec!r} is none of {codecs}" if device.codec else "no frame codec is declared"
        return Rejection(Reason.DEVICE_UNKNOWN, detail)
    if len(uplink.frame) > FRAME_BYTES_MAX:
        detail = f"frame of {len(uplink.frame)} bytes exceeds {FRAME_BYTES_MAX}"
        return Rejection(Reason.FRAME_MALFORMED, detail)
    try:
        return codec(uplink.port, uplink.frame)
    except FrameError as error:
        return Rejection(Reason.FRAME_MALFORMED, str(error))


def _replayed(observations: Sequence[Observation]) -> frozenset[int]:
    """Give the instants under which one frame says different things."""
    said: dict[int, Mapping[str, float]] = {}
    different = [one.device_us for one in observations if said.setdefault(one.device_us, one.said) != one.said]
    return frozenset(different)


def _checked(said: Mapping[str, float], server_fields: bytes) -> Mapping[str, float]:
    """Mark what the server decoded otherwise as suspicious, where the device itself judges nothing."""
    if "distance_mm" not in said or "quality" in said:
        return said
    distances = _server_distances(server_fields)
    if all(abs(one - said["distance_mm"]) <= DISAGREEMENT_MM for one in distances):
        return said
    return {**said, "quality": SUSPICIOUS}


def _server_distances(server_fields: bytes) -> list[float]:
    """Give the distances in millimetres that the server decoded; what cannot be read is as if not said."""
    try:
        fields = _fields_decoder.decode(server_fields)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    read = [_server_distance(raw) for raw in (fields.distance, fields.distance_titled, fields.distance_mm)]
    return [one for one in read if one is not None and math.isfinite(one)]


def _server_distance(raw: msgspec.Raw) -> float | None:
    try:
        value = _number_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(value, str):
        return value
    matched = _MILLIMETRES.fullmatch(value)
    return float(matched[1]) if matched else None
