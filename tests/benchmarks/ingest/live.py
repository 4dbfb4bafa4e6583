"""The worker under a steady load: how long a reading takes from its device to its commit, and what memory does.

One device of the fleet is watched: it sends the first message of every tick, and its event time is the instant of
sending. A reading counts as committed when another connection sees it.
"""

import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import psycopg

from tests.benchmarks.ingest.loads import SOURCE
from tests.benchmarks.ingest.programs import memory_mb, python
from tests.benchmarks.ingest.race import poniente, subscribed
from tests.benchmarks.ingest.rig import Rig, ask

_POLL_S = 0.004
_SAMPLE_S = 5.0
# What is not there this long after the last was sent is lost.
_AFTER_MAX_S = 30.0
# Caches fill and the first batches allocate; a leak goes on.
_WARM_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Live:
    """What was seen.

    Parameters
    ----------
    sent : int
        Messages, all of them stored.
    rate : int
        Asked for. [1/s]
    latency_s : tuple of float
        From sending to visible commit: half of the readings at most, 99 of 100 at most, the worst. [s]
    memory_mb : list of tuple of (float, float)
        Seconds since the start, resident memory. [s, MB]
    peak_mb : float
        [MB]
    """

    sent: int
    rate: int
    latency_s: tuple[float, float, float]
    memory_mb: list[tuple[float, float]]
    peak_mb: float

    @property
    def slope_mb_per_h(self) -> float:
        """How fast memory grows after the beginning. [MB/h]."""
        kept = self.memory_mb[int(len(self.memory_mb) * _WARM_SHARE) :]
        if len(kept) < 3:
            return float("nan")
        at_s, used_mb = [one for one, _ in kept], [one for _, one in kept]
        return statistics.linear_regression(at_s, used_mb).slope * 3_600


def live(rig: Rig, *, rate: int, seconds: float) -> Live:
    """Publish steadily and watch.

    Raises
    ------
    AssertionError
        When not exactly what was sent is stored.
    """
    with subscribed(rig, poniente) as (dsn, port, program, _):
        options = {"port": port, "rate": rate, "seconds": seconds, "limit_s": seconds + _AFTER_MAX_S}
        with python("publisher", rig.folder / "publisher.log", options) as publisher:
            _ = publisher.hear(_AFTER_MAX_S)
            since = datetime.now(UTC)
            publisher.go()
            latency_s, memory = _watch(dsn, program.pid, since, seconds)
            said = publisher.hear(_AFTER_MAX_S)
        sent = int(said["sent"])
        # A publisher that fell behind would have measured something easier.
        assert said["took_s"] < seconds + 1.0, f"the publisher needed {said['took_s']:.1f} s for {seconds:g} s"
        until_s = time.monotonic() + _AFTER_MAX_S
        question = "select count(*) from fill_level where event_time >= %s"
        while ask(dsn, question, since) != (sent,) and time.monotonic() < until_s:
            time.sleep(0.1)
        assert ask(dsn, question, since) == (sent,), f"{sent} were sent, {ask(dsn, question, since)[0]} are stored"
        p50_s, p99_s = np.percentile(latency_s, [50, 99])
        worst = (float(p50_s), float(p99_s), max(latency_s))
        return Live(sent, rate, worst, memory, memory_mb(program.pid)[1])


def _watch(dsn: str, pid: int, since: datetime, seconds: float) -> tuple[list[float], list[tuple[float, float]]]:
    """Look every few milliseconds for new readings of the watched device."""
    latency_s: list[float] = []
    memory: list[tuple[float, float]] = []
    began_s = time.monotonic()
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        (device,) = ask(dsn, "select device_id from device where source = %s and device = 'bin-0'", SOURCE)
        last = since
        while (at_s := time.monotonic() - began_s) < seconds + 2.0:
            rows = connection.execute(
                "select event_time from fill_level where device_id = %s and event_time > %s order by 1",
                [device, last],
            ).fetchall()
            now = datetime.now(UTC)
            times: list[datetime] = [row[0] for row in rows]
            latency_s += [(now - one).total_seconds() for one in times]
            last = max([last, *times])
            if at_s >= len(memory) * _SAMPLE_S:
                memory.append((at_s, memory_mb(pid)[0]))
            time.sleep(_POLL_S)
    assert latency_s, "nothing of the watched device was seen"
    return latency_s, memory
