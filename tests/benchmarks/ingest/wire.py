"""As much MQTT as the publisher and the stub need: packets built beforehand, sent in big pieces, answers counted.

A client library spends tens of microseconds a message, several times what the broker does; a publisher made of one
would be what is measured.
"""

import json
import select
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PUBLISH_QOS0, _PUBLISH_QOS1, _PUBACK, _PINGREQ = 0x30, 0x32, 0x40, 0xC0
_PINGRESP = b"\xd0\x00"
_PIECE_BYTES = 256 * 1024
# Packet numbers are 16 bits, from 1; the window is far smaller, so none is taken twice at once.
_NUMBERS = 65_535


@dataclass(frozen=True, slots=True)
class Stream:
    """Packets one after the other.

    Parameters
    ----------
    data : bytes
    ends : ndarray of int64
        Where each packet ends in `data`.
    """

    data: bytes
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)


def publishing(messages: Iterable[tuple[str, bytes]], *, version: int = 4) -> Stream:
    """Lay messages into PUBLISH packets of QoS 1."""
    properties = b"\x00" if version == 5 else b""
    parts: list[bytes] = []
    for place, (topic, payload) in enumerate(messages):
        name = topic.encode()
        number = place % _NUMBERS + 1
        body = len(name).to_bytes(2) + name + number.to_bytes(2) + properties + payload
        parts.append(bytes([_PUBLISH_QOS1]) + varint(len(body)) + body)
    return Stream(b"".join(parts), np.cumsum([len(part) for part in parts], dtype=np.int64))


def varint(value: int) -> bytes:
    """Write a length as MQTT does: seven bits a byte, the low ones first."""
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packets(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take whole packets off the front of a buffer: first byte and body."""
    found: list[tuple[int, bytes]] = []
    start = 0
    while True:
        length, shift, place = 0, 0, start + 1
        while place < len(buffer) and buffer[place] & 0x80:
            length |= (buffer[place] & 0x7F) << shift
            shift, place = shift + 7, place + 1
        if place >= len(buffer):
            break
        length |= buffer[place] << shift
        end = place + 1 + length
        if end > len(buffer):
            break
        found.append((buffer[start], bytes(buffer[place + 1 : end])))
        start = end
    del buffer[:start]
    return found


def connect(host: str, port: int, client_id: str) -> socket.socket:
    """Connect as an MQTT 3.1.1 client with a clean session and no keep-alive."""
    line = socket.create_connection((host, port), timeout=10)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2) + name
    line.sendall(b"\x10" + varint(len(body)) + body)
    answer = line.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise ConnectionError(f"the broker answered CONNECT with {answer.hex()}")
    return line


class Acknowledged:
    """Counts acknowledgements as they come, by packet number."""

    def __init__(self) -> None:
        self.count = 0
        self.by_number = np.zeros(_NUMBERS + 1, np.int64)
        self.pings = 0
        self._rest = bytearray()

    def take(self, data: bytes) -> None:
        """Count what is in a piece of the answers."""
        self._rest += data
        whole = len(self._rest) // 4 * 4
        fours = np.frombuffer(bytes(self._rest[:whole]), np.uint8).reshape(-1, 4)
        # Mostly there is nothing but acknowledgements without a reason: four bytes each.
        if (fours[:, 0] == _PUBACK).all() and (fours[:, 1] == 2).all():
            del self._rest[:whole]
            self._add(fours[:, 2].astype(np.int64) * 256 + fours[:, 3])
            return
        numbers: list[int] = []
        for kind, body in packets(self._rest):
            if kind == _PUBACK:
                numbers.append(int.from_bytes(body[:2]))
            elif kind == _PINGREQ:
                self.pings += 1
            # What a client itself publishes with QoS 0 wants no answer: the worker's receipts.
            elif kind != _PUBLISH_QOS0:
                raise ConnectionError(f"packet 0x{kind:02x} came instead of an acknowledgement")
        self._add(np.array(numbers, np.int64))

    def _add(self, numbers: NDArray[np.int64]) -> None:
        self.count += len(numbers)
        np.add.at(self.by_number, numbers, 1)


def pump(line: socket.socket, stream: Stream, *, window: int, limit_s: float) -> float:
    """Send all, with no more than `window` unanswered, until the last is acknowledged.

    Returns
    -------
    float
        How long it took. [s]

    Raises
    ------
    TimeoutError
        When it takes longer than `limit_s`.
    ConnectionError
        When the other side leaves, or acknowledges something else than was sent.
    """
    line.setblocking(False)
    view, sent, total = memoryview(stream.data), 0, len(stream)
    acknowledged = Acknowledged()
    began_s = time.monotonic()
    while acknowledged.count < total:
        limit = int(stream.ends[min(acknowledged.count + window, total) - 1])
        ready, free, _ = select.select([line], [line] if sent < limit else [], [], 1.0)
        if ready:
            data = line.recv(_PIECE_BYTES)
            if not data:
                raise ConnectionError(f"the other side left after {acknowledged.count} of {total}")
            acknowledged.take(data)
        if free:
            sent += line.send(view[sent : min(limit, sent + _PIECE_BYTES)])
        if time.monotonic() - began_s > limit_s:
            raise TimeoutError(f"{acknowledged.count} of {total} acknowledged after {limit_s:g} s")
    took_s = time.monotonic() - began_s
    line.setblocking(True)
    if acknowledged.pings:
        line.sendall(_PINGRESP)
    expected = np.bincount(np.arange(total) % _NUMBERS + 1, minlength=_NUMBERS + 1)
    if not np.array_equal(acknowledged.by_number, expected):
        raise ConnectionError("some messages were acknowledged twice and others never")
    return took_s


def tell(**facts: Any) -> None:
    """Say something to the process that started this one."""
    _ = sys.stdout.write(json.dumps(facts) + "\n")
    _ = sys.stdout.flush()
