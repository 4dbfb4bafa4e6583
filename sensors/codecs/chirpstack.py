"""ChirpStack, version 4: `application/{application}/device/{devEui}/event/up`.

Fields whose value is 0 may be missing, and unknown ones are passed over: the server adds some with each release. Of
the device only its EUI is taken; names, tags and places of gateways stay outside. Other events (join, status, ack)
are no readings; subscribe to `event/up` alone.

Up to release 4.5 a gateway's time is `time` in `rxInfo`; from 4.6 on it is `gwTime`, and `nsTime` is the server's
own. The outer `time` may be copied from a gateway, so gateways are held against `nsTime` where it is said.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from sensors.making import microseconds, refused
from sensors.readings import NO_TIME_US, Decoded, Reason
from sensors.sources import Source
from sensors.uplinks import FRAME_COUNTER_MAX, PORT_MAX, Uplink, network_time, read

EVENTS = ("join", "ack", "txack", "status", "log", "location", "integration")


class _DeviceInfo(msgspec.Struct, rename="camel"):
    dev_eui: str


class _Reception(msgspec.Struct, rename="camel"):
    at: datetime | None = msgspec.field(default=None, name="time")
    gw_time: datetime | None = None
    ns_time: datetime | None = None


class _Event(msgspec.Struct, rename="camel"):
    device_info: _DeviceInfo
    dev_addr: str = ""
    f_cnt: Annotated[int, msgspec.Meta(ge=0, le=FRAME_COUNTER_MAX)] = 0
    f_port: Annotated[int, msgspec.Meta(ge=0, le=PORT_MAX)] = 0
    data: bytes | None = None
    server_fields: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="object")
    rx_info: list[_Reception] | None = None
    at: datetime | None = msgspec.field(default=None, name="time")


_decoder = msgspec.json.Decoder(_Event)


def decode(source: Source, topic: str, payload: bytes) -> Decoded:
    """Decode one event."""
    *_, group, event = ["", *topic.split("/")]
    if (group, event) != ("event", "up"):
        what = f"event {event} is" if group == "event" and event in EVENTS else "topic is"
        return refused(Reason.TOPIC_UNKNOWN, f"{what} no uplink; subscribe to event/up only", (source.name, ""))
    try:
        said = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), (source.name, ""))
    uplink = Uplink(
        said.device_info.dev_eui,
        said.f_port,
        said.data or b"",
        said.dev_addr,
        said.f_cnt,
        _received_us(said),
        bytes(said.server_fields),
    )
    return read(source, uplink)


def _received_us(said: _Event) -> int:
    receptions = said.rx_info or []
    own = [at for one in receptions if (at := microseconds(one.ns_time)[0]) != NO_TIME_US]
    server_us = min(own, default=microseconds(said.at)[0])
    return network_time(server_us, (microseconds(when)[0] for one in receptions for when in (one.at, one.gw_time)))
