"""What the runs say, in Markdown: medians, ratios, and the bars."""

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.kernel.contest import Contest, Took

Runs = Mapping[str, Sequence[Took]]


def environment() -> str:
    """Say on what the runs will run; to be asked before they do."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    said = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {model}, Linux {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f} processes at once in the minute before (ratios are of a quiet machine)",
        "Python": f"{platform.python_version()}, NumPy {version('numpy')}, Numba {version('numba')}",
    }
    return "\n".join(f"- {name}: {what}" for name, what in said.items())


def section(contest: Contest, runs: Runs) -> str:
    """Lay out one contest."""
    head = ["run", contest.unit, "runs", "seconds", f"{contest.unit}/s", "cores used", "ns a piece and core"]
    rows: list[list[str]] = []
    for name, took in runs.items():
        amount = contest.amounts[name]
        wall_s, cpu_s = (
            statistics.median(times) for times in zip(*((one.wall_s, one.cpu_s) for one in took), strict=True)
        )
        cores = f"{cpu_s / wall_s:.1f}"
        rows.append(
            [
                name,
                f"{amount:,}",
                str(len(took)),
                f"{wall_s:.3f}",
                f"{amount / wall_s:,.0f}",
                cores,
                f"{cpu_s / amount * 1000000000.0:,.1f}",
            ]
        )
    parts = [f"### {contest.title}", markdown(head, rows)]
    if bars := [_bar(contest, runs, place) for place in range(len(contest.bars))]:
        parts.append(markdown(["bar", "asked", "measured", "by processor time", ""], [one for one in bars if one]))
    return "\n\n".join([*parts, *(note if isinstance(note, str) else note() for note in contest.notes)])


def _bar(contest: Contest, runs: Runs, place: int) -> list[str]:
    bar = contest.bars[place]
    if bar.over not in runs or (bar.under and bar.under not in runs):
        return []
    over_wall, over_cpu = _rates(contest, runs, bar.over)
    if not bar.under:
        found, cpu = (over_cpu, over_cpu) if bar.is_by_core else (over_wall, over_cpu)
        unit = f"{contest.unit}/s" + (" a core" if bar.is_by_core else "")
        verdict = "met" if found >= bar.least else "MISSED"
        return [f"{bar.over}, {unit}", f">= {bar.least:,.0f}", f"{found:,.0f}", f"{cpu:,.0f}", verdict]
    under_wall, under_cpu = _rates(contest, runs, bar.under)
    wall, cpu = over_wall / under_wall, over_cpu / under_cpu
    verdict = "met" if (cpu if bar.is_by_core else wall) >= bar.least else "MISSED"
    return [f"{bar.over} / {bar.under}", f">= {bar.least:g}", f"{wall:.2f}", f"{cpu:.2f}", verdict]


def _rates(contest: Contest, runs: Runs, name: str) -> tuple[float, float]:
    """Pieces a second on the wall, and a second of a processor."""
    amount = contest.amounts[name]
    return (
        amount / statistics.median(one.wall_s for one in runs[name]),
        amount / max(statistics.median(one.cpu_s for one in runs[name]), 1e-9),
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table."""
    lines = [head, ["---" if place == 0 else "---:" for place in range(len(head))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
