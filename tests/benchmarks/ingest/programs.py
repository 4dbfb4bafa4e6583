"""Programs that a run starts: what they say, what they use of the machine, and their end."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[3]
_STOP_MAX_S = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")
_TAIL_BYTES = 2_000


class Program:
    """A child process, ended at the end; a context manager.

    Parameters
    ----------
    command : sequence of str
    log : Path
        File for what it says and nobody reads.
    environment : mapping of str to str
        On top of ours.
    is_heard : bool
        Whether it speaks lines of JSON on its output.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        is_heard: bool = False,
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE if is_heard else subprocess.DEVNULL,
                stdout=subprocess.PIPE if is_heard else output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def check(self) -> None:
        """Raise when it has ended.

        Raises
        ------
        ChildProcessError
            With the end of its log.
        """
        if self._process.poll() is not None:
            said = self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
            raise ChildProcessError(f"{self._process.args} ended with code {self._process.returncode}:\n{said}")

    def hear(self, limit_s: float) -> dict[str, Any]:
        """Wait for its next line.

        Raises
        ------
        ChildProcessError
            When it ends before it says something, or says nothing for `limit_s` and is ended.
        """
        assert self._process.stdout is not None
        guard = threading.Timer(limit_s, self._process.kill)
        guard.start()
        try:
            line = self._process.stdout.readline()
        finally:
            guard.cancel()
        if not line:
            _ = self._process.wait(_STOP_MAX_S)
            self.check()
        return json.loads(line)

    def go(self) -> None:
        """Give the sign that it waits for."""
        assert self._process.stdin is not None
        _ = self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """End it: politely, then by force."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                _ = self._process.wait(_STOP_MAX_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                _ = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def python(module: str, log: Path, options: Mapping[str, Any], *, is_heard: bool = True) -> Program:
    """Start one of this folder's modules with JSON as its argument."""
    command = [sys.executable, "-m", f"tests.benchmarks.ingest.{module}", json.dumps(options)]
    return Program(command, log=log, is_heard=is_heard)


def cpu_s(pids: Iterable[int]) -> float:
    """Sum the processor time of processes, of what they started, and of those of these that ended. [s]."""
    return sum(sum(map(int, _stat(one)[11:15])) for pid in pids for one in _tree(pid)) / _TICKS


def memory_mb(pid: int) -> tuple[float, float]:
    """Give resident memory of a process and what it started: now, and at its highest. [MB]."""
    now = peak = 0.0
    for one in _tree(pid):
        try:
            lines = Path(f"/proc/{one}/status").read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            continue
        kilobytes = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
        now += kilobytes.get("VmRSS:", 0) / 1_024
        peak += kilobytes.get("VmHWM:", 0) / 1_024
    return now, peak


def _stat(pid: int) -> list[str]:
    """Give the fields of a process after its name, state first; zeros when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 50
    return text.rpartition(")")[2].split()


def _tree(root: int) -> list[int]:
    parents = {int(path.name): int(_stat(int(path.name))[1]) for path in Path("/proc").glob("[0-9]*")}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found
