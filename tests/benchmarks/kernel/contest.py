"""Contests: runners that do one thing by turns, ours here and peers in a process of their own.

A peer is a process that reads names of its runners from its standard input and says after each, as JSON, how long it
took (`tests/benchmarks/kernel/peers.py`); what both sides work on lies in a folder. Time is said twice: on the wall,
and of the processors, which is what a run costs where others share the machine.
"""

import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

_ROOT: Final = Path(__file__).parents[3]
_PEERS: Final = Path(__file__).with_name("peers.py")
_CLOSE_MAX_S: Final = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Took:
    """Time of one run, on the wall and of all processors together, in seconds."""

    wall_s: float
    cpu_s: float


Runner: TypeAlias = Callable[[], Took]


@dataclass(frozen=True, slots=True)
class Bar:
    """What is asked for: so many times as fast as another, on the wall, or at least so many a second and core."""

    over: str
    under: str
    least: float
    is_by_core: bool = False


@dataclass(frozen=True, slots=True)
class Contest:
    """Runners that do one thing, and what is asked of them.

    Parameters
    ----------
    title : str
    unit : str
        What is counted.
    amounts : mapping of str to int
        How many a run of each works on; slow ones get fewer.
    runners : mapping of str to callable
        In the order in which they take turns.
    bars : sequence of Bar
    notes : sequence of str or callable
        What was checked, and how; a callable is asked after the runs.
    runs_max : int, optional
        No more turns than this: one that takes minutes needs none.
    """

    title: str
    unit: str
    amounts: Mapping[str, int]
    runners: Mapping[str, Runner]
    bars: Sequence[Bar] = ()
    notes: Sequence[str | Callable[[], str]] = ()
    runs_max: int = 100


@dataclass(frozen=True, slots=True)
class Setup:
    """What a contest is told: how large, which Python has the peers, a folder of its own."""

    share: float
    python: Path
    folder: Path

    def of(self, count: int, least: int = 1) -> int:
        """Give so many, or the share of them that was asked for."""
        return max(least, round(count * self.share))


Maker: TypeAlias = Callable[[Setup], AbstractContextManager[Contest]]


def timed(work: Callable[[], object]) -> Runner:
    """Make a runner of a function of this process, and of those that it starts and waits for."""

    def run() -> Took:
        begun, spent = time.perf_counter(), time.process_time() + _children_s()
        _ = work()
        return Took(time.perf_counter() - begun, time.process_time() + _children_s() - spent)

    return run


def forked(work: Callable[[int], T], count: int) -> Callable[[], list[T]]:
    """Let so many processes each do a part of some work, on what lies in this one's memory; all that they find."""

    def run() -> list[T]:
        _PARTS.append(work)
        try:
            with get_context("fork").Pool(count) as pool:
                found = pool.map(_part, range(count))
                pool.close()
                pool.join()
                return found
        finally:
            _ = _PARTS.pop()

    return run


_PARTS: Final[list[Callable[[int], Any]]] = []


def _part(number: int) -> Any:
    """Do the part of a forked process."""
    return _PARTS[-1](number)


def program(command: Sequence[str]) -> Runner:
    """Make a runner of a program, from its start to its end; byte code is kept, as it is where nobody forbids it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run() -> Took:
        begun, spent = time.perf_counter(), _children_s()
        _ = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)
        return Took(time.perf_counter() - begun, _children_s() - spent)

    return run


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Peer:
    """A process of peers.

    Parameters
    ----------
    process : Popen
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def runner(self, name: str) -> Runner:
        """Make a runner of one of its own."""

        def run() -> Took:
            said = self.ask(name)
            return Took(said["wall_s"], said["cpu_s"])

        return run

    def ask(self, name: str) -> dict[str, float]:
        """Let it run and hear what it says."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ChildProcessError("the peer has no pipes")
        _ = self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ChildProcessError(f"the peer ended while it ran {name}")
        said: dict[str, float] = json.loads(line)
        return said


@contextmanager
def peer(setup: Setup, kind: str) -> Generator[Peer]:
    """Start the peers of a contest; they read what they work on from its folder."""
    command = [str(setup.python), str(_PEERS), kind, str(setup.folder)]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Peer(process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            _ = process.wait(_CLOSE_MAX_S)


def keep(folder: Path, **columns: NDArray[np.generic]) -> None:
    """Lay columns into a folder, for the peers."""
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)


@contextmanager
def folder() -> Generator[Path]:
    """Make a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="poniente-bench-") as name:
        yield Path(name)
