"""What the runs say: medians and ratios in Markdown, and the bars that the product has to clear."""

import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.ingest import nodered
from tests.benchmarks.ingest.live import Live
from tests.benchmarks.ingest.race import Run
from tests.servers import mosquitto_program, timescale_binaries_folder

Runs = Mapping[str, Sequence[Run]]
_GROUPS = ("subscriber", "broker", "database", "publisher")
NOTES = """\
Same broker, database, table, durability (`fsync` and `synchronous_commit` on), QoS 1 and window for all; everything
sent is checked to be stored, once. Publisher, broker, subscriber and database share the machine. Node-RED
acknowledges on receipt, before it writes: weaker than the others, which acknowledge after their commit. The peers
check nothing, digest nothing and count nothing. `copy` has no message at all: it is the server's ceiling.\
"""
# Numerator, denominator, least ratio of readings a second.
_RATIOS = (
    ("poniente", "paho+INSERT", 7.0),
    ("poniente", "node-red batched", 1.6),
    ("poniente", "node-red", 7.5),
    ("stub", "copy", 0.55),
    ("stub resent", "copy", 0.30),
)
_TRACES_MIN, _P99_MAX_S, _MEMORY_MAX_MB = 100_000, 2.0, 300.0


def environment() -> str:
    """Say on what the runs will run; to be asked before they do."""
    said = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {_cpu()}, Linux {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f} processes at once in the minute before (ratios are of a quiet machine)",
        "Python": f"{platform.python_version()}, paho-mqtt {version('paho-mqtt')}, psycopg {version('psycopg')}",
        "database": _database(),
        "broker": _first_line([str(mosquitto_program()), "-h"]),
    }
    node = nodered.node_version()
    running = f"{nodered.version()} on Node.js {'.'.join(map(str, node))}, pg {nodered.PG_VERSION}"
    said["Node-RED"] = running if node else "no Node.js on this machine"
    return "\n".join(f"- {name}: {what}" for name, what in said.items())


def rate(run: Run) -> float:
    """Give distinct readings a second; what is sent again is work, not yield."""
    return run.rows / run.took_s


def table(runs: Runs) -> str:
    """Lay out what each contestant did."""
    head = ["run", "messages", "runs", "per second", "least", "most", "poniente is", "peak MB"]
    head += [f"{group} CPU" for group in _GROUPS]
    own = _median(runs.get("poniente", ()))
    rows: list[list[str]] = []
    for name, all_runs in runs.items():
        rates = [rate(run) for run in all_runs]
        median = statistics.median(rates)
        row = [name, f"{all_runs[0].messages:,}", str(len(rates)), f"{median:,.0f}"]
        row += [f"{min(rates):,.0f}", f"{max(rates):,.0f}"]
        row += [f"{own / median:.2f}x" if own else "", f"{max(run.peak_mb for run in all_runs):.0f}"]
        rows.append(row + [_cpu_us(all_runs, group) for group in _GROUPS])
    return f"{_markdown(head, rows)}\n\nPer second: readings committed. CPU: us a reading."


def live_table(found: Mapping[str, Live]) -> str:
    """Lay out the steady runs."""
    head = ["run", "messages/s", "sent", "p50 s", "p99 s", "worst s", "RSS at the end MB", "peak MB", "growth MB/h"]
    rows: list[list[str]] = []
    for name, one in found.items():
        row = [name, f"{one.rate:,}", f"{one.sent:,}", *(f"{value:.3f}" for value in one.latency_s)]
        row += [f"{one.memory_mb[-1][1]:.0f}", f"{one.peak_mb:.0f}", f"{one.slope_mb_per_h:.1f}"]
        rows.append(row)
    return _markdown(head, rows)


def bars(runs: Runs, found: Mapping[str, Live]) -> str:
    """Hold what was measured against what is asked for; what was not run is left out."""
    rows: list[list[str]] = []
    for over, under, least in _RATIOS:
        if runs.get(over) and runs.get(under):
            ratio = _median(runs[over]) / _median(runs[under])
            rows.append([f"{over} / {under}", f">= {least:g}", f"{ratio:.2f}", _verdict(is_met=ratio >= least)])
    if traces := runs.get("traces"):
        fixes = _median(traces)
        rows.append(
            ["traces, fixes/s", f">= {_TRACES_MIN:,}", f"{fixes:,.0f}", _verdict(is_met=fixes >= _TRACES_MIN)]
        )
    if latency := found.get("latency"):
        p99_s = latency.latency_s[1]
        rows.append(["p99, s", f"<= {_P99_MAX_S:g}", f"{p99_s:.3f}", _verdict(is_met=p99_s <= _P99_MAX_S)])
    peaks = [run.peak_mb for name in ("poniente", "traces", "stub", "stub resent") for run in runs.get(name, ())]
    peaks += [one.peak_mb for one in found.values()]
    if peaks:
        is_met = max(peaks) <= _MEMORY_MAX_MB
        rows.append(["worker's peak RSS, MB", f"<= {_MEMORY_MAX_MB:g}", f"{max(peaks):.0f}", _verdict(is_met=is_met)])
    return _markdown(["bar", "asked", "measured", ""], rows)


def _median(runs: Sequence[Run]) -> float:
    return statistics.median(rate(run) for run in runs) if runs else 0.0


def _verdict(*, is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def _cpu_us(runs: Sequence[Run], group: str) -> str:
    used = [run.cpu_s[group] / run.rows * 1e6 for run in runs if group in run.cpu_s]
    return f"{statistics.median(used):.1f}" if used else ""


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---" if place == 0 else "---:" for place in range(len(head))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")


def _database() -> str:
    folder = timescale_binaries_folder()
    control = folder.parents[3] / "share" / "postgresql" / folder.parent.name / "extension" / "timescaledb.control"
    lines = control.read_text(encoding="utf-8").splitlines()
    extension = next(line.partition("=")[2].strip(" '") for line in lines if line.startswith("default_version"))
    return f"{_first_line([str(folder / 'postgres'), '--version'])}, TimescaleDB {extension}"


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    return (done.stdout or done.stderr).splitlines()[0]
