"""What every server on this machine has in common: a folder, a port, a start, a stop and a kill.

A server listens on loopback only. It keeps the port of its first start, so that whoever holds its address
can come back to it after a restart.
"""

import abc
import errno
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import structlog

from app.local.account import Account, server_account
from app.local.errors import ServerFailedError
from app.local.guarded import GuardedProcess

_log = structlog.stdlib.get_logger()

# Below the range that outgoing connections take their ports from (32768 up on Linux): inside it a client
# that keeps trying a server which is down can end up connected to itself, on the server's port.
_PORTS = range(15000, 30000)
_PORT_TRIES_MAX = 50
# A start takes below a second; a loaded machine, or recovery after a kill, may need many times that.
_START_MAX_S = 60.0
_PAUSE_S = 0.01
_LOG_TAIL_BYTES = 4000


class LocalServer(abc.ABC):
    """A server on this machine that ends with our process; a context manager.

    Parameters
    ----------
    folder : Path
        Where it keeps its files and its log; made when missing. The servers' account must be able to enter
        it, so when we are root it lies below `app.local.account.state_folder`.
    settings : Mapping of str to str
        Settings in the server's own words, on top of ours.
    """

    name: ClassVar[str]
    host: ClassVar[str] = "127.0.0.1"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    grace_s: ClassVar[float] = 10.0
    # What the log says when the same start may succeed a moment later, or on another port.
    transient: ClassVar[tuple[str, ...]] = ("address already in use",)

    def __init__(self, folder: Path, *, settings: Mapping[str, str]) -> None:
        self.folder = folder.resolve()
        self.settings = dict(settings)
        self.account: Account | None = server_account()
        self._port: int | None = None
        self._process: GuardedProcess | None = None

    @property
    def log_file(self) -> Path:
        """The file that holds what the server says."""
        return self.folder / "server.log"

    @property
    def port(self) -> int:
        """The port it listens on, the same after a restart."""
        if self._port is None:
            raise ServerFailedError(f"{self.name} in {self.folder} has no port before its first start; call start()")
        return self._port

    @property
    def pid(self) -> int:
        """The number of the server's process."""
        if self._process is None:
            raise ServerFailedError(f"{self.name} in {self.folder} is not running; call start()")
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers; nothing when it is running.

        Raises
        ------
        ServerNotFoundError
            When the program is missing or out of the account's reach.
        ServerFailedError
            When it ends, or does not answer in time; with the end of its log.
        """
        if self.is_running():
            return
        if self._process is not None:
            # It ended by itself: let go of what is left of it.
            _ = self._process.stop()
            self._process = None
        began_s = time.monotonic()
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            # Whatever the umask: the servers' account has to pass through.
            self.folder.chmod(0o755)
        self._prepare()
        while not self._try_start(self._port or free_port(), began_s + _START_MAX_S):
            # Another program took the port, or the remains of a killed server are still leaving.
            time.sleep(_PAUSE_S * 5)
        took_s = round(time.monotonic() - began_s, 3)
        _log.info("server_started", server=self.name, port=self.port, pid=self.pid, took_s=took_s)

    def _try_start(self, port: int, deadline_s: float) -> bool:
        """Start on the port; False when it is worth another try."""
        if not _is_free(port):
            # Looked at first: whoever has the port would answer for ours while ours is still failing.
            if time.monotonic() < deadline_s:
                return False
            raise ServerFailedError(
                f"{self.name} cannot have its port {port} back after {_START_MAX_S:g} s; stop what listens there"
            )
        log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        process = GuardedProcess(
            self._command(port),
            log=self.log_file,
            stop_signal=self.stop_signal,
            grace_s=self.grace_s,
            account=self.account,
        )
        try:
            is_up = self._wait_for_answer(process, port, deadline_s)
        except BaseException:
            _ = process.kill()
            raise
        if is_up:
            self._port, self._process = port, process
            return True
        code = process.stop()
        said = self._log_tail(log_start)
        if time.monotonic() < deadline_s and any(words in said.lower() for words in self.transient):
            return False
        raise ServerFailedError(
            f"{self.name} did not start (exit code {code}, limit {_START_MAX_S:g} s);"
            f" the end of {self.log_file}:\n{said}"
        )

    def _wait_for_answer(self, process: GuardedProcess, port: int, deadline_s: float) -> bool:
        while not self._answers(port):
            if process.wait(_PAUSE_S) is not None or time.monotonic() > deadline_s:
                return False
        return process.poll() is None

    def _log_tail(self, start: int) -> str:
        with self.log_file.open("rb") as log:
            size = log.seek(0, 2)
            _ = log.seek(max(start, size - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip()

    def stop(self) -> None:
        """Stop the server in good order, by force after its grace; nothing when it is not running."""
        if self._process is None:
            return
        code = self._process.stop()
        self._process = None
        _log.info("server_stopped", server=self.name, port=self.port, exit_code=code)

    def kill(self) -> None:
        """End the server as a power cut would and wait until it is gone; nothing when not running."""
        if self._process is None:
            return
        _ = self._process.kill()
        self._process = None
        _log.info("server_killed", server=self.name, port=self.port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Make what must be there before the program runs; again at every start."""

    @abc.abstractmethod
    def _command(self, port: int) -> list[str]:
        """Give the program, by absolute path, and its arguments."""

    def _answers(self, port: int) -> bool:
        """Tell whether the server takes connections."""
        try:
            with socket.create_connection((self.host, port), timeout=1.0):
                return True
        except OSError:
            return False


def free_port() -> int:
    """Find a loopback port that nobody listens on; it may be taken by the time it is used.

    Raises
    ------
    ServerFailedError
        When none of the ports tried is free.
    """
    for _ in range(_PORT_TRIES_MAX):
        # Not the seeded generator: parallel test processes share its seed.
        port = secrets.choice(_PORTS)
        if _is_free(port):
            return port
    raise ServerFailedError(
        f"no free port among {_PORT_TRIES_MAX} tried between {_PORTS.start} and {_PORTS.stop - 1};"
        " stop something that listens there"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still fading is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True
