"""The publisher, a process of its own: all at once as fast as the broker takes it, or at a steady rate.

Run with one argument, JSON. Says ``ready``, waits for a line, sends, and says what it did.
"""

import contextlib
import json
import socket
import sys
import time
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.ingest import wire
from tests.benchmarks.ingest.loads import DEVICES, Load, level, messages

# As many as a broker's receive buffer and its own window keep busy; more only fills memory.
_WINDOW = 10_000
# Devices do not fire in one instant; a tick is short beside what is measured.
_TICK_S = 0.01
_ANSWERS_BYTES = 65_536


def main() -> None:
    """Publish what the argument says."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    line = wire.connect("127.0.0.1", options["port"], "bench-publisher")
    limit_s = float(options["limit_s"])
    if "rate" in options:
        wire.tell(ready=True)
        _ = sys.stdin.readline()
        began_s = time.monotonic()
        sent = _steadily(line, int(options["rate"]), float(options["seconds"]))
        wire.tell(sent=sent, took_s=time.monotonic() - began_s)
        return
    stream = wire.publishing(messages(Load(**options["load"])))
    wire.tell(ready=True, bytes=len(stream.data))
    _ = sys.stdin.readline()
    took_s = wire.pump(line, stream, window=_WINDOW, limit_s=limit_s)
    wire.tell(sent=len(stream), took_s=took_s)


def _steadily(line: socket.socket, rate: int, seconds: float) -> int:
    """Send `rate` messages a second; the first of each tick is of device 0, which is watched."""
    a_tick = round(rate * _TICK_S)
    began_s, sent, answered = time.monotonic(), 0, 0
    for tick in range(round(seconds / _TICK_S)):
        if (left_s := began_s + tick * _TICK_S - time.monotonic()) > 0:
            time.sleep(left_s)
        made: list[tuple[str, bytes]] = []
        for place in range(a_tick):
            device = 1 + (sent + place) % (DEVICES - 1) if place else 0
            made.append(level(device, datetime.now(UTC).isoformat(), sent + place))
        line.sendall(wire.publishing(made).data)
        sent += a_tick
        # Taken as they come, not waited for: Mosquitto's answers are held together by the kernel (Nagle), for 40 ms.
        with contextlib.suppress(BlockingIOError):
            answered += len(line.recv(_ANSWERS_BYTES, socket.MSG_DONTWAIT))
    while answered < 4 * sent:
        piece = line.recv(_ANSWERS_BYTES)
        if not piece:
            raise ConnectionError(f"the broker left after {answered // 4} of {sent} answers")
        answered += len(piece)
    return sent


if __name__ == "__main__":
    main()
