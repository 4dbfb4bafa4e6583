"""The Things Stack, version 3: `v3/{application}@{tenant}/devices/{device}/up`.

The empty text, 0 and false are left out, so each has that meaning where it is missing. Of the device only its EUI is
taken, or the network's id where it says no EUI. What is marked as simulated was typed in at a console: it is decoded
and counted, and never becomes a reading.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from sensors.making import microseconds, refused
from sensors.readings import NO_TIME_US, Decoded, Reason
from sensors.sources import Source
from sensors.uplinks import FRAME_COUNTER_MAX, PORT_MAX, Uplink, network_time, read

_DEVICES_PLACE, _UP_PLACE = -3, -1


class _Device(msgspec.Struct):
    device_id: str = ""
    dev_eui: str = ""
    dev_addr: str = ""


class _Reception(msgspec.Struct):
    at: datetime | None = msgspec.field(default=None, name="time")


class _UplinkMessage(msgspec.Struct):
    session_key_id: str = ""
    f_port: Annotated[int, msgspec.Meta(ge=0, le=PORT_MAX)] = 0
    f_cnt: Annotated[int, msgspec.Meta(ge=0, le=FRAME_COUNTER_MAX)] = 0
    frm_payload: bytes | None = None
    decoded_payload: msgspec.Raw = msgspec.Raw(b"")
    rx_metadata: list[_Reception] | None = None
    received_at: datetime | None = None


class _Message(msgspec.Struct):
    end_device_ids: _Device
    uplink_message: _UplinkMessage
    received_at: datetime | None = None
    simulated: bool = False


_decoder = msgspec.json.Decoder(_Message)


def decode(source: Source, topic: str, payload: bytes) -> Decoded:
    """Decode one message."""
    levels = ["", "", *topic.split("/")]
    if (levels[_DEVICES_PLACE], levels[_UP_PLACE]) != ("devices", "up"):
        detail = "topic is no uplink; subscribe to devices/+/up only"
        return refused(Reason.TOPIC_UNKNOWN, detail, (source.name, ""))
    try:
        said = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), (source.name, ""))
    device, message = said.end_device_ids, said.uplink_message
    uplink = Uplink(
        device.dev_eui or device.device_id,
        message.f_port,
        message.frm_payload or b"",
        message.session_key_id or device.dev_addr,
        message.f_cnt,
        _received_us(said),
        bytes(message.decoded_payload),
    )
    decoded = read(source, uplink)
    return Decoded([], decoded.rejections, decoded.readings) if said.simulated else decoded


def _received_us(said: _Message) -> int:
    server_us = microseconds(said.uplink_message.received_at)[0]
    if server_us == NO_TIME_US:
        server_us = microseconds(said.received_at)[0]
    gateways = said.uplink_message.rx_metadata or []
    return network_time(server_us, (microseconds(one.at)[0] for one in gateways))
