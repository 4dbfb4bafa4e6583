"""A program that ends when our process does, even by SIGKILL.

The other side is ``guard.py``, which stands between us and the program and holds its leash.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app.local import guard
from app.local.account import Account, launch_options
from app.local.errors import ServerFailedError

# What the guard itself may take, beyond the server's own time, to start up or to leave.
_GUARD_MARGIN_S = 5.0


class GuardedProcess:
    """A running program under guard, in a session of its own.

    The own session keeps a terminal's Ctrl-C from the program, so that our orderly stop comes first.

    Parameters
    ----------
    command : Sequence of str
        The program, by absolute path, and its arguments.
    log : Path
        File that its output is added to.
    stop_signal : signal.Signals
        What asks it for an orderly end.
    grace_s : float
        How long an orderly end may take before force is used. [s]
    account : Account or None
        The account it runs as; None for our own.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        stop_signal: signal.Signals,
        grace_s: float,
        account: Account | None,
    ) -> None:
        own = launch_options(None)
        uid, gid = (account.uid, account.gid) if account else (-1, -1)
        # The guard stays with our account: our Python may be where the other account cannot enter.
        arguments = [str(stop_signal.value), str(grace_s), str(uid), str(gid), *command]
        self._grace_s = grace_s
        with log.open("ab") as output:
            self._guard = subprocess.Popen(  # noqa: S603  # a list, no shell
                [sys.executable, "-I", "-S", guard.__file__, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                **own,
            )
        self.pid = self._read_pid()

    def _read_pid(self) -> int:
        answers = self._guard.stdout
        if answers is None:
            raise ServerFailedError("the guard has no output; it was started without a pipe")
        with answers:
            line = answers.readline()
        if not line:
            self._drop_leash()
            code = self._guard.wait(_GUARD_MARGIN_S)
            raise ServerFailedError(f"the guard process ended with code {code} before it started a server")
        return int(line)

    def poll(self) -> int | None:
        """Give the exit code, or None while it runs."""
        return self._guard.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the end at most so long; give the exit code, or None while it still runs."""
        try:
            return self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> int:
        """Ask for an orderly end, force it after the grace; give the exit code."""
        self._drop_leash()
        return self._reap(self._grace_s + _GUARD_MARGIN_S)

    def kill(self) -> int:
        """End it at once, without any orderly stop, and wait until it is gone; give the exit code."""
        leash = self._guard.stdin
        # Broken: it had ended by itself, which is what is wanted.
        with contextlib.suppress(BrokenPipeError):
            if leash is not None and not leash.closed:
                _ = os.write(leash.fileno(), guard.KILL_ORDER)
        try:
            return self._reap(_GUARD_MARGIN_S)
        finally:
            self._drop_leash()

    def _drop_leash(self) -> None:
        if self._guard.stdin is not None:
            self._guard.stdin.close()

    def _reap(self, timeout_s: float) -> int:
        code = self.wait(timeout_s)
        if code is not None:
            return code
        # The guard is stuck, which it never should be: end both, the server first while it is known.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._guard.kill()
        return self._guard.wait()
