"""
How fast readings come in: the worker beside what people would otherwise use, on real servers.

Run ``python tests/benchmarks/ingest_speed.py``; ``--only NAME`` for some, ``--soak MINUTES`` for a long steady run.

Prints Markdown. Everything starts here and ends here; nothing but loopback is used once Node-RED is installed.
"""

import argparse
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import structlog

from tests.benchmarks.ingest import ceiling, nodered, report
from tests.benchmarks.ingest.live import Live, live
from tests.benchmarks.ingest.loads import Load
from tests.benchmarks.ingest.race import Run, node_red, paho, poniente, race
from tests.benchmarks.ingest.rig import Rig

# Messages a run beside `--rows`: the slow ones get fewer, so that each takes some seconds, not minutes.
_SLOW, _MIDDLE, _FAST = 0.1, 0.5, 2.0
_RESENT = 0.03
_LIVE_RATE, _LIVE_S = 1_000, 30.0
_SOAK_RATE = 2_000


def contests(rows: int, version: int) -> dict[str, Callable[[Rig], Run]]:
    """Name all contests of speed, in the order in which they take turns."""

    def of(share: float, kind: str = "fill_level", resent: float = 0.0) -> Load:
        return Load(kind, max(1, round(rows * share)), resent)

    return {
        "poniente": partial(race, start=poniente, load=of(1.0)),
        "paho+INSERT": partial(race, start=paho(1, version), load=of(_SLOW)),
        "paho+executemany1000": partial(race, start=paho(1_000, version), load=of(_MIDDLE)),
        "node-red": partial(race, start=node_red(is_batched=False), load=of(_SLOW)),
        "node-red batched": partial(race, start=node_red(is_batched=True), load=of(_MIDDLE)),
        "stub": partial(ceiling.stub, load=of(_FAST)),
        "stub resent": partial(ceiling.stub, load=of(_FAST, resent=_RESENT)),
        "copy": partial(ceiling.copy, load=of(_FAST)),
        "traces": partial(race, start=poniente, load=of(0.05, "position_fix")),
    }


def main() -> None:
    """Run what is asked for and print the tables."""
    options = _options()
    _ = signal.signal(signal.SIGTERM, _interrupt)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    every = contests(options.rows, options.peer_version)
    chosen: list[str] = options.only or [*every, "latency"]
    if not nodered.version():
        _say("no Node.js that runs Node-RED here: left out")
        chosen = [name for name in chosen if "node-red" not in name]
    runs: dict[str, list[Run]] = {name: [] for name in every if name in chosen}
    steady: dict[str, Live] = {}
    parts = [report.environment()]
    with Rig() as rig:
        # By turns, so that a disturbance of the machine meets all alike.
        for turn in range(options.runs):
            for name, done in runs.items():
                done.append(every[name](rig))
                _say(f"{turn + 1}/{options.runs} {name}: {report.rate(done[-1]):,.0f}/s")
        if "latency" in chosen:
            steady["latency"] = live(rig, rate=_LIVE_RATE, seconds=_LIVE_S)
        if options.soak:
            steady["soak"] = live(rig, rate=_SOAK_RATE, seconds=60 * options.soak)
    parts += [report.table(runs)] if runs else []
    parts += [report.live_table(steady)] if steady else []
    parts += [report.bars(runs, steady), report.NOTES]
    _ = sys.stdout.write("\n\n".join(parts) + "\n")


def _options() -> argparse.Namespace:
    names = [*contests(1, 4), "latency"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    _ = parser.add_argument("--rows", type=int, default=200_000, help="messages of the worker's run")
    _ = parser.add_argument("--runs", type=int, default=3, help="runs of each, by turns")
    _ = parser.add_argument("--only", action="append", metavar="NAME", choices=names, help=f"of {', '.join(names)}")
    _ = parser.add_argument("--peer-version", type=int, choices=[4, 5], default=4, help="MQTT of paho: 4 is 3.1.1")
    _ = parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="steady load for so long")
    return parser.parse_args()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    _ = sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
