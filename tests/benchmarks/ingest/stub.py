"""A stand-in for the broker, a process of its own: what the worker does when no broker takes from the machine.

It speaks to one client, as much MQTT 3.1.1 or 5 as a subscriber needs: CONNACK, SUBACK, then PUBLISH packets built
beforehand, never more unacknowledged than the client said it takes.
"""

import contextlib
import json
import select
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.ingest import wire
from tests.benchmarks.ingest.loads import Load, messages

_CONNECT, _SUBSCRIBE, _PINGREQ, _DISCONNECT = 0x10, 0x82, 0xC0, 0xE0
_RECEIVE_MAXIMUM = 0x21
# Bytes after the identifier of the properties that a CONNECT may carry; the others hold a length of their own.
_PROPERTY_BYTES = {0x11: 4, 0x17: 1, 0x19: 1, 0x21: 2, 0x22: 2, 0x27: 4}
_CLIENT_MAX_S = 60.0
# A client may subscribe several times; after the last it is quiet.
_QUIET_S = 0.3


@dataclass(frozen=True, slots=True)
class Client:
    """What a CONNECT said: the protocol's level, and the most it takes unacknowledged (0: no word)."""

    level: int
    receive_maximum: int


def main() -> None:
    """Serve one client with what the argument says."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    version = int(options["version"])
    stream = wire.publishing(messages(Load(**options["load"])), version=version)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_CLIENT_MAX_S)
        wire.tell(port=server.getsockname()[1], sent=len(stream))
        line, _ = server.accept()
    with line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _greet(line)
        if client.level != version:
            raise ConnectionError(f"the client speaks level {client.level}, the packets are of {version}")
        wire.tell(ready=True)
        _ = sys.stdin.readline()
        window = min(int(options["window"]), client.receive_maximum or 65_535)
        took_s = wire.pump(line, stream, window=window, limit_s=float(options["limit_s"]))
        wire.tell(sent=len(stream), took_s=took_s, window=window)
        # The line stays up until the client leaves, or it would spend its time reconnecting.
        line.settimeout(_CLIENT_MAX_S)
        with contextlib.suppress(ConnectionError):
            while line.recv(4_096):
                pass


def _greet(line: socket.socket) -> Client:
    """Answer until the client has subscribed and is quiet."""
    buffer, client, is_subscribed = bytearray(), None, False
    until_s = time.monotonic() + _CLIENT_MAX_S
    while time.monotonic() < until_s:
        ready, _, _ = select.select([line], [], [], _QUIET_S)
        if not ready:
            if client is not None and is_subscribed:
                return client
            continue
        data = line.recv(4_096)
        if not data:
            break
        buffer += data
        for kind, body in wire.packets(buffer):
            if kind == _CONNECT:
                client = read_connect(body)
                line.sendall(b"\x20\x03\x00\x00\x00" if client.level == 5 else b"\x20\x02\x00\x00")
            elif kind == _SUBSCRIBE and client is not None:
                line.sendall(_suback(body, client.level))
                is_subscribed = True
            elif kind == _PINGREQ:
                line.sendall(b"\xd0\x00")
            elif kind == _DISCONNECT:
                break
    raise ConnectionError("the client left, or did not subscribe")


def read_connect(body: bytes) -> Client:
    """Read level and receive maximum from the body of a CONNECT."""
    level = body[6]
    if level != 5:
        return Client(level, 0)
    place, end = 11, 11 + body[10]
    if body[10] & 0x80:
        raise ConnectionError("a CONNECT with 128 bytes of properties or more is not understood")
    while place < end:
        name = body[place]
        if name == _RECEIVE_MAXIMUM:
            return Client(level, int.from_bytes(body[place + 1 : place + 3]))
        size = _PROPERTY_BYTES.get(name)
        if size is None:
            raise ConnectionError(f"property 0x{name:02x} of a CONNECT is not understood")
        place += 1 + size
    return Client(level, 0)


def _suback(body: bytes, level: int) -> bytes:
    """Grant QoS 1 to every filter of a SUBSCRIBE."""
    place = 2 + (1 + body[2] if level == 5 else 0)
    filters = 0
    while place < len(body):
        place += 2 + int.from_bytes(body[place : place + 2]) + 1
        filters += 1
    answer = body[:2] + (b"\x00" if level == 5 else b"") + b"\x01" * filters
    return b"\x90" + wire.varint(len(answer)) + answer


if __name__ == "__main__":
    main()
