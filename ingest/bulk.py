"""paho, reading in bulk.

Stock paho spends most of its time on taking apart one message at a time: a call a byte of the header, an object, a
callback and a log line each. This subclass takes what the socket gives and cuts it into packets in one loop. Only
plain PUBLISH packets are taken that way: quality of service 0 or 1, a topic, no properties. Everything else, and
whatever is not as it should be, goes to paho's own handlers, so session, handshake, keep-alive, TLS, reconnect and
errors stay paho's.

It leans on names of paho that are not public, so it is for one release line; `new_client` takes stock paho with any
other (docs/decisions/0013). Tests hold both against each other on the same bytes, split at every offset.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from paho.mqtt import __version__ as paho_version
from paho.mqtt.client import Client
from paho.mqtt.enums import LogLevel, MessageType, MQTTErrorCode, MQTTProtocolVersion

# The release line whose insides this file knows.
PAHO = "2.2."
# Some thousand messages at a time; more only makes the first of them wait.
_READ_BYTES = 262_144
# After a read of less than that, so long is waited for more to come together: nobody notices, and a busy line is read
# by the hundred messages. [s]
_FEW_BYTES, _GATHER_S = 65_536, 0.002
# A length of more than four bytes is no packet (MQTT 5, section 1.5.5).
_LENGTH_BYTES_MAX = 4
_PUBLISH, _PUBACK = MessageType.PUBLISH >> 4, MessageType.PUBACK

# Topics, payloads, packet numbers (0 where nothing is to be acknowledged).
Messages: TypeAlias = tuple[list[bytes], list[bytes], list[int]]


def fits() -> bool:
    """Tell whether the installed paho is the one that this file knows."""
    return paho_version.startswith(PAHO)


class BulkClient(Client):
    """A client that hands over messages by the list: set `on_messages`; `on_message` gets what is not plain."""

    on_messages: Callable[[Messages], None] | None = None
    _rest = b""
    _rest_of: object = None

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002  # paho's signature
        """Read what is there, and handle each whole packet in it."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        try:
            data = self._sock_recv(_READ_BYTES)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        if not data:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        if len(data) < _FEW_BYTES:
            # A broker writes one message at a time. Waking up for each costs more than all else about it.
            time.sleep(_GATHER_S)
        if self._rest_of is not self._sock:
            # Half a packet of a connection that is gone.
            self._rest, self._rest_of = b"", self._sock
        outcome = self._take_apart(self._rest + data)
        return outcome if outcome == MQTTErrorCode.MQTT_ERR_SUCCESS else self._loop_rc_handle(outcome)

    def _take_apart(self, data: bytes) -> MQTTErrorCode:  # noqa: C901  # a call a message would double its price
        """Cut bytes into packets; what is left of the last waits for more."""
        has_properties = self._protocol == MQTTProtocolVersion.MQTTv5
        found: Messages = ([], [], [])
        topics, payloads, numbers = found
        at, end = 0, len(data)
        while at + 2 <= end:
            command, length, body = data[at], data[at + 1], at + 2
            if length & 0x80:
                # Two bytes, up to 16,383, are the length of nearly all; the call would cost as much as the rest.
                if body < end and not data[body] & 0x80:
                    length, body = length & 0x7F | data[body] << 7, body + 1
                else:
                    length, body = _length(data, at + 1)
                if body == 0:
                    break
                if body < 0:
                    self._flush(found)
                    return MQTTErrorCode.MQTT_ERR_PROTOCOL
            after = body + length
            if after > end:
                break
            # Quality 1 is 0x02 of the flags, retained 0x01, delivered again 0x08; quality 2 is paho's.
            if command >> 4 == _PUBLISH and not command & 0x04 and length > 2:  # noqa: PLR2004
                start = body + 2
                topic_end = start + (data[body] << 8 | data[body + 1])
                payload = topic_end + (2 if command & 0x02 else 0)
                is_plain = start < topic_end and payload <= after
                if is_plain and has_properties:
                    is_plain = payload < after and data[payload] == 0
                    payload += 1
                if is_plain:
                    topics.append(data[start:topic_end])
                    payloads.append(data[payload:after])
                    numbers.append(data[topic_end] << 8 | data[topic_end + 1] if command & 0x02 else 0)
                    at = after
                    continue
            self._flush(found)
            found = ([], [], [])
            topics, payloads, numbers = found
            outcome = self._handle_one(command, data[body:after])
            if outcome > 0 or self._sock is not self._rest_of:
                return outcome
            at = after
        self._rest = data[at:]
        self._flush(found)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _flush(self, found: Messages) -> None:
        if found[0] and self.on_messages is not None:
            self.on_messages(found)

    def _handle_one(self, command: int, body: bytes) -> MQTTErrorCode:
        """Let paho handle a whole packet, as if it had read it itself."""
        packet = self._in_packet
        packet["command"], packet["have_remaining"] = command, 1
        packet["remaining_length"], packet["packet"] = len(body), bytearray(body)
        packet["to_process"], packet["pos"] = 0, 0
        try:
            outcome = self._packet_handle()
        except Exception as error:  # noqa: BLE001  # paho's decoders raise what they meet; stock paho's thread dies of it
            self._easy_log(LogLevel.MQTT_LOG_ERR, "packet %d is malformed: %s", command >> 4, error)
            outcome = MQTTErrorCode.MQTT_ERR_PROTOCOL
        packet["command"], packet["have_remaining"], packet["packet"] = 0, 0, bytearray()
        return outcome

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """Acknowledge packets of this connection, all in one write."""
        packets = np.empty((len(numbers), 4), np.uint8)
        packets[:, 0], packets[:, 1] = _PUBACK, 2
        of_packet = np.asarray(numbers, np.uint16)
        packets[:, 2], packets[:, 3] = of_packet >> 8, of_packet & 0xFF
        self.send(packets.tobytes())

    def send(self, packets: bytes) -> None:
        """Queue whole packets that need no answer."""
        # As an acknowledgement, after which paho has nothing to do when it is written.
        self._packet_queue(_PUBACK, packets, 0, 0)


def packet_of(topic: str, payload: bytes, *, has_properties: bool) -> bytes:
    """Build a PUBLISH packet of quality of service 0; `has_properties` for MQTT 5."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + b"\0" * has_properties + payload
    length, left = bytearray(), len(body)
    while True:
        left, low = left >> 7, left & 0x7F
        length.append(low | 0x80 if left else low)
        if not left:
            return bytes([MessageType.PUBLISH]) + length + body


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Read a packet's length of several bytes; 0 for its end when more is needed, -1 when it can be none."""
    value = 0
    for place in range(_LENGTH_BYTES_MAX):
        if at + place >= len(data):
            return 0, 0
        value |= (data[at + place] & 0x7F) << 7 * place
        if not data[at + place] & 0x80:
            return value, at + place + 1
    return 0, -1
