"""
How fast a month becomes a statement, and draft terms are priced on it.

Run ``make bench-pay``; ``ARGS="--only columns --runs 9"`` for some, ``--share 0.1`` for a tenth of the size.

Prints Markdown: medians of the runs, on the wall and of the processors, and the memory held before and at most. Each
contest has a process of its own.
"""

import argparse
import resource
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeAlias

from rules.contract import Terms
from rules.payments.checks import Checks, digest_of
from rules.payments.money import read
from rules.payments.reprice import rejudge
from rules.payments.statement import Statement, settle
from rules.records import digest
from tests.benchmarks.kernel.contest import Took, timed
from tests.benchmarks.kernel.report import environment, markdown
from tests.benchmarks.payment.months import PERIOD, drafts, month, terms_drawn

_MONTH, _SEQUENCE, _BACKTEST, _DRAFTS = 1_000_000, 100_000, 50_000, 1_000
_PROCESSES: Final = 2
_MONTH_MAX_S, _DRAFTS_MAX_S = 5.0, 60.0
_HEAD = ["run", "checks", "runs", "seconds", "processor s", "held MB", "peak MB", "asked", ""]
# Makes what a run works on, and gives the run.
Maker: TypeAlias = Callable[[int, int], Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Contest:
    """What is measured: how much of it, how it is made, and what is asked of it; nought where nothing is."""

    title: str
    count: int
    make: Maker
    asked_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Times of the runs, and the memory of the process, in megabytes."""

    took: list[Took]
    held: int
    peak: int


def columns(count: int, _: int, *, is_mixed: bool) -> Callable[[], Statement]:
    """Start with columns: ids, digests, arrays of what all checks are asked; charges are read from their texts."""
    terms, stored = month(count)
    stored = stored.mixed() if is_mixed else stored
    checks, ids = stored.checks(), stored.ids
    digests = tuple(digest(one.content()) for one in map(checks.fact, range(count)))

    def run() -> Statement:
        return settle(terms, replace(checks, sha256=digest_of(ids, digests)), PERIOD)

    return run


def texts(count: int, _: int) -> Callable[[], Statement]:
    """Start with what storage gives: ids and texts."""
    terms, stored = month(count)
    return lambda: settle(terms, stored.checks(), PERIOD)


def sequence(count: int, _: int) -> Callable[[], Statement]:
    """Start with an object for each check."""
    terms, stored = month(count)
    found = stored.determinations()
    return lambda: settle(terms, found, PERIOD)


def backtest(count: int, many: int) -> Callable[[], list[str]]:
    """Start with columns of facts, and drafts as tables; each is loaded, and the facts are priced under it."""
    terms, stored = month(count)
    checks, said = Checks.of(stored.determinations()), terms_drawn(many)

    def run() -> list[str]:
        parts = [said[nth::_PROCESSES] for nth in range(_PROCESSES)]
        # Forked, so that the facts are there; a worker gets drafts, and gives what each would pay.
        with ProcessPoolExecutor(_PROCESSES, get_context("fork"), _share, (terms, checks)) as pool:
            return [pay for part in pool.map(_priced, parts) for pay in part]

    return run


_shared: list[tuple[Terms, Checks]] = []


def _share(judged: Terms, checks: Checks) -> None:
    _shared.append((judged, checks))


def _priced(said: Sequence[dict[str, object]]) -> list[str]:
    ((judged, checks),) = _shared
    found = [settle(draft, rejudge(draft, judged, checks), PERIOD).body["totals"]["net"] for draft in drafts(said)]
    return found if all(read(net) > 0 for net in found) else []


_CONTESTS: dict[str, Contest] = {
    "columns": Contest("columns to a statement", _MONTH, partial(columns, is_mixed=False), _MONTH_MAX_S),
    "columns-mixed": Contest("the same, in no order", _MONTH, partial(columns, is_mixed=True), _MONTH_MAX_S),
    "texts": Contest("stored texts to a statement", _MONTH, texts),
    "sequence": Contest("determinations to a statement", _SEQUENCE, sequence),
    "drafts": Contest(f"{_DRAFTS:,} draft terms, {_PROCESSES} processes", _BACKTEST, backtest, _DRAFTS_MAX_S),
}


def measured(name: str, share: float, runs: int) -> Measured:
    """Make what a contest works on, and run it."""
    contest = _CONTESTS[name]
    run = contest.make(round(contest.count * share), round(_DRAFTS * share))
    took: list[Took] = []
    held, peak = _memory("VmRSS"), 0
    for turn in range(runs):
        # From here on the highest is that of the run.
        _ = Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        children_s = _children_s()
        one = timed(run)()
        took.append(Took(one.wall_s, one.cpu_s + _children_s() - children_s))
        peak = max(peak, _memory("VmHWM"))
        _ = sys.stderr.write(f"{turn + 1}/{runs} {name}: {took[-1].wall_s:.2f} s\n")
    return Measured(took, held, peak)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(key: str) -> int:
    """Memory of this process. [MB]."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) // 1024


def _row(name: str, share: float, found: Measured) -> list[str]:
    contest = _CONTESTS[name]
    wall_s, cpu_s = (
        statistics.median(times) for times in zip(*((one.wall_s, one.cpu_s) for one in found.took), strict=True)
    )
    asked = contest.asked_s
    verdict = "" if not asked or share < 1 else "met" if wall_s <= asked else "MISSED"
    count = f"{round(contest.count * share):,}"
    times = [str(len(found.took)), f"{wall_s:.2f}", f"{cpu_s:.2f}", f"{found.held:,}", f"{found.peak:,}"]
    return [contest.title, count, *times, f"<= {asked:g} s" if asked else "", verdict]


def main() -> None:
    """Run what is asked for and print the table."""
    options = _options()
    head, rows = environment(), list[list[str]]()
    for name in options.only or _CONTESTS:
        with ProcessPoolExecutor(1, get_context("spawn")) as alone:
            found = alone.submit(measured, name, options.share, options.runs).result()
        rows.append(_row(name, options.share, found))
    _ = sys.stdout.write(f"{head}\n\n{markdown(_HEAD, rows)}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    _ = parser.add_argument("--runs", type=int, default=5, help="runs of each")
    _ = parser.add_argument(
        "--only", action="append", metavar="NAME", choices=list(_CONTESTS), help=f"of {', '.join(_CONTESTS)}"
    )
    _ = parser.add_argument("--share", type=float, default=1.0, help="of the full size")
    return parser.parse_args()


if __name__ == "__main__":
    main()
