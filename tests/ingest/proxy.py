"""A line between a client and a server that can be cut, in mid-message, and closed for a while."""

import socket
import struct
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

_BLOCK_BYTES = 4_096
# Closed so, a socket sends a reset: a line that breaks, not a goodbye.
_ABRUPTLY = struct.pack("ii", 1, 0)


class Proxy:
    """A TCP proxy on loopback in threads of this process; a context manager.

    Parameters
    ----------
    server_port : int, optional
        Where to pass on to; without it whoever calls is hung up on, until `open`.
    cut_at : sequence of int
        Numbers of bytes passed in all, both ways, at each of which every line is cut.
    """

    def __init__(self, server_port: int | None = None, *, cut_at: Sequence[int] = ()) -> None:
        self._server_port = server_port
        self._cut_at = sorted(cut_at, reverse=True)
        self._lock = threading.Lock()
        self._lines: set[socket.socket] = set()
        self._passed = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.turned_away = 0
        self.cuts = 0

    @property
    def port(self) -> int:
        """The port to call instead of the server's."""
        return int(self._door.getsockname()[1])

    def open(self, server_port: int) -> None:
        """Pass on to this port from now."""
        self._server_port = server_port

    def close_door(self) -> None:
        """Break every line and hang up on whoever calls, until `open`."""
        self._server_port = None
        self.cut()

    def cut(self) -> None:
        """Break every line there is."""
        with self._lock:
            self.cuts += 1
            for line in self._lines:
                self._break(line)
            self._lines.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._answer, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone does not wake the thread that waits for callers.
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def _answer(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                return
            if self._server_port is None:
                self.turned_away += 1
                caller.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port), timeout=5)
            except OSError:
                caller.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._lines |= {caller, server}
            for source, target in ((caller, server), (server, caller)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while block := source.recv(_BLOCK_BYTES):
                if self._is_over(len(block)):
                    # Half of the block has left: the cut is in the middle of something.
                    target.sendall(block[: len(block) // 2])
                    self.cut()
                    return
                target.sendall(block)
        except OSError:
            pass
        with self._lock:
            for line in (source, target):
                self._lines.discard(line)
                self._break(line)

    def _is_over(self, size: int) -> bool:
        with self._lock:
            self._passed += size
            if self._cut_at and self._passed >= self._cut_at[-1]:
                self._cut_at.pop()
                return True
            return False

    @staticmethod
    def _break(line: socket.socket) -> None:
        try:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        line.close()
