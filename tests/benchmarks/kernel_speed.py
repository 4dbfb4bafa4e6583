"""
How fast the kernels are: beside what a city could take instead, in one run.

Run ``python tests/benchmarks/kernel_speed.py``; ``--only NAME`` for some, ``--share 0.1`` for a tenth of the size.

Prints Markdown. Runs take turns, so that a disturbance of the machine meets all alike; medians are compared. Peers
are installed once, into `.venv-peers`.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.accuracy.peers.environment import python_of_peers
from tests.benchmarks.kernel import matches, months, readback, report, scans, vehicles
from tests.benchmarks.kernel.contest import Maker, Setup, Took, folder

_MAKERS: dict[str, Maker] = {
    "scan": scans.scan,
    "scan-growth": scans.growth,
    "match-1s": matches.dense,
    "match-10s": matches.sparse,
    "match-growth": matches.growth,
    "match-networks": matches.sizes,
    "nearest": vehicles.nearest,
    "coverage": vehicles.streets,
    "fence": vehicles.fence,
    "city-containers": months.containers,
    "city-sweepers": months.sweepers,
    "read-back": readback.contest,
}


def main() -> None:
    """Run what is asked for and print the tables."""
    options = _options()
    python = Path(options.peers) if options.peers else python_of_peers()
    parts = [report.environment(), _warmed()]
    for name in options.only or _MAKERS:
        with folder() as place, _MAKERS[name](Setup(options.share, python, place)) as contest:
            runs: dict[str, list[Took]] = {runner: [] for runner in contest.runners}
            turns = min(options.runs, contest.runs_max)
            for turn in range(turns):
                for runner, took in runs.items():
                    took.append(contest.runners[runner]())
                    _say(f"{turn + 1}/{turns} {name}: {runner} {took[-1].wall_s:.3f} s")
            parts.append(report.section(contest, runs))
    _ = sys.stdout.write("\n\n".join(parts) + "\n")


def _warmed() -> str:
    """Load the kernels, or compile them; and say how long it took, apart from all that follows."""
    begun, spent = time.perf_counter(), time.process_time()
    from kernels.warm import warm  # noqa: PLC0415  # it compiles

    warm()
    took = f"{time.perf_counter() - begun:.1f} s ({time.process_time() - spent:.1f} s of a processor)"
    return f"Kernels ready after {took}: compiled the first time, loaded from disk after that."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    _ = parser.add_argument("--runs", type=int, default=5, help="runs of each, by turns")
    _ = parser.add_argument(
        "--only", action="append", metavar="NAME", choices=list(_MAKERS), help=f"of {', '.join(_MAKERS)}"
    )
    _ = parser.add_argument("--share", type=float, default=1.0, help="of the full size")
    _ = parser.add_argument("--peers", default="", metavar="PYTHON", help="another Python that has the peers")
    return parser.parse_args()


def _say(text: str) -> None:
    _ = sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
