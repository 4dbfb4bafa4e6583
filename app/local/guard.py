"""Run one server, and end it when whoever wanted it is gone: ``guard.py SIGNAL GRACE_S UID GID PROGRAM …``.

A program of its own, started by file name with ``python -I -S``, so it imports the least it can (15 ms).
Its standard input is the leash. End of file, which also comes when the other end is killed, means: end
the server with SIGNAL and, after GRACE_S seconds, by force. The byte ``k`` means: kill it at once. It
writes the server's process number to standard output and leaves with the server's exit code (128 + n
after signal n). A UID below 0 keeps the account.

Only the leash counts, never the parent's number: a parent that forks without exec would keep the server.
"""

import os
import select
import signal
import sys
import time

KILL_ORDER = b"k"
CANNOT_RUN = 127
_LEASH = 0
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _note(_signal_number: int, _frame: object) -> None:
    """Do nothing: the number arrives through the wake-up pipe."""


def _wake_pipe() -> int:
    """Make signals readable, so that one ``select`` waits for them and for the leash."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    _ = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *_ENDING):
        # A handler, not "ignore": exec resets handlers, but an ignored SIGINT would be inherited by
        # PostgreSQL, whose orderly stop it is. Jobs in the background of a script start that way.
        _ = signal.signal(number, _note)
    return reading


def _become_server(command: list[str], uid: int, gid: int) -> None:
    """Turn the forked child into the server; never returns."""
    try:
        _ = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        _ = os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _ = os.dup2(2, 1)
        if uid >= 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        os.execv(command[0], command)  # noqa: S606  # no shell is what we want
    except OSError as error:
        _ = os.write(2, f"cannot run {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(CANNOT_RUN)


def _read_orders(ready: list[int], wake: int, inputs: list[int]) -> tuple[bool, bool]:
    """Tell whether to end the server and whether to kill it."""
    is_end = is_kill = False
    if wake in ready:
        is_end = any(number in _ENDING for number in os.read(wake, 64))
    if _LEASH in ready:
        orders = os.read(_LEASH, 64)
        is_kill = KILL_ORDER in orders
        if not orders:
            inputs.remove(_LEASH)
            is_end = True
    return is_end, is_kill


def _watch(pid: int, wake: int, stop_signal: int, grace_s: float) -> int:
    """Obey until the server has ended; return its wait status."""
    inputs = [_LEASH, wake]
    deadline_s: float | None = None
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        wait_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
        ready, _, _ = select.select(inputs, [], [], wait_s)
        is_end, is_kill = _read_orders(ready, wake, inputs)
        if is_kill or not ready:
            # Not reaped yet, so the number still is the server's.
            os.kill(pid, signal.SIGKILL)
            deadline_s = None
        elif is_end and deadline_s is None:
            os.kill(pid, stop_signal)
            deadline_s = time.monotonic() + grace_s


def main(arguments: list[str]) -> int:
    """Run the server named in the arguments; return its exit code."""
    stop_signal, grace_s, uid, gid = arguments[:4]
    wake = _wake_pipe()
    pid = os.fork()
    if pid == 0:
        _become_server(arguments[4:], int(uid), int(gid))
    _ = os.write(1, b"%d\n" % pid)
    os.close(1)
    code = os.waitstatus_to_exitcode(_watch(pid, wake, int(stop_signal), float(grace_s)))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
