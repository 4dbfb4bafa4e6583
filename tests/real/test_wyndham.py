"""Wyndham's real bins through the product: import, statements of two years, and the same month over a broker."""

import csv
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app.jobs import assess, health, imports, statements
from app.jobs.contracts import add_folder
from app.local.broker import LocalMosquitto
from rules.calendar import month_days
from rules.records import Determination
from storage import determinations, readings
from storage.connection import Connection, connect
from tests.real import wyndham

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FILE = DATA / "wyndham_bins" / "fullness_2018-06_2020-06.csv"
EXAMPLE = ROOT / "docs" / "examples" / "wyndham"
MAPPING = EXAMPLE / "fullness.toml"
CONTRACT = "wyndham-bins-2018"
MONTHS = [f"{year}-{month:02}" for year in (2018, 2019, 2020) for month in range(1, 13)][5:30]
NOW = datetime(2020, 8, 1, tzinfo=UTC)
DEADLINE_S = 30.0

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the sibling folder shared/data is not there")


def imported(connection: Connection) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for stored in imports.load(connection, FILE, imports.read_mapping(MAPPING), NOW):
        counts.update({outcome.value: n for outcome, n in stored.readings.items() if n})
    return dict(counts)


def test_file_when_counted() -> None:
    with FILE.open(newline="") as stream:
        rows = [(row["Bin ID"], row["timestamp"], row["Fullness"]) for row in csv.DictReader(stream)]
    pairs = Counter(row[:2] for row in rows)
    fills = Counter(row[:2] for row in set(rows))
    assert (21_659, 20_891) == (len(rows), len(pairs))
    assert 160 == sum(n > 1 for n in pairs.values())
    assert 2 == sum(n > 1 for n in fills.values())


def test_register_when_derived_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, EXAMPLE / "register.py", FILE, "--out", tmp_path], check=True, timeout=30)
    for name in ("assets.csv", "installations.csv"):
        assert (EXAMPLE / "contract" / name).read_text() == (tmp_path / name).read_text()


# Twenty-five statements of two years, twice as long where other tests run beside it.
@pytest.mark.timeout(300)
def test_two_years_when_settled(database: str) -> None:
    with closing(connect(database, "test")) as connection:
        add_folder(connection, EXAMPLE / "contract", NOW)
        # 768 surplus rows: all but two say what is known already.
        assert {"accepted": 20_891, "duplicate": 766, "conflict": 2} == imported(connection)
        assert {"duplicate": 21_659} == imported(connection)
        bodies = {month: statements.body_of(statements.issue(connection, CONTRACT, month, NOW)) for month in MONTHS}
        found = determinations.read(connection, CONTRACT, (month_days(MONTHS[0])[0], month_days(MONTHS[-1])[1]))
        assert [] == health.findings(connection)
    judged = {(name, day): one for name, day, one in wyndham.judge(wyndham.read(FILE))}
    assert judged == {(one.subject, date.fromisoformat(one.day)): _judged(one) for one in found}
    late = Counter(f"{day:%Y-%m}" for (_, day), one in judged.items() if one.verdict == "not_met")
    owed = {month: str(-min(late[month] * wyndham.PRICE, wyndham.CAP)) for month in MONTHS}
    assert owed == {month: body["totals"]["adjustments"] for month, body in bodies.items()}
    page = (ROOT / "docs" / "real-data.md").read_text().splitlines()
    rows = [row for row in page if row.startswith(("| 2018-", "| 2019-", "| 2020-"))]
    assert rows == [_row(month, Counter(_verdicts(found, month)), owed[month]) for month in MONTHS]


def test_bounds_when_doubted() -> None:
    # The same, told of days that anybody can look up in the file: what the second judge itself is held against.
    judged = {(name, day): one for name, day, one in wyndham.judge(wyndham.read(FILE))}
    verdicts = Counter(one.verdict for one in judged.values())
    assert {"met": 19_556, "not_met": 567, "inconclusive": 3_637} == verdicts
    assert 2_869 == sum(not one.has_row for one in judged.values())
    # Rows of 8 and of 0 on one day, with thirteen days missing before it.
    assert "inconclusive" == judged["1511205", date(2019, 1, 24)].verdict
    # Rows of 4 and of 6, both under the threshold of 8: a conflict that decides nothing.
    assert "met" == judged["1511203", date(2019, 1, 31)].verdict
    # Full on every row since 28 February.
    assert "not_met" == judged["1511191", date(2019, 5, 1)].verdict


def test_month_when_published(
    embedded_database: str, timescale_database: str, mosquitto_binary: Path, server_folder: Path, tmp_path: Path
) -> None:
    # January 2019 has everything: both conflicts, bursts of duplicates, weeks without a row.
    published = tmp_path / "published.csv"
    count = _excerpt(published, date(2018, 12, 10), date(2019, 2, 4))
    with closing(connect(embedded_database, "test")) as connection:
        imported(connection)
        by_import = _january(connection)
    with closing(connect(timescale_database, "test")) as connection:
        with LocalMosquitto(mosquitto_binary, server_folder / "mosquitto") as broker:
            _play(published, count, connection, timescale_database, f"{broker.host}:{broker.port}")
        by_broker = _january(connection)
    assert 992 == len(by_import)
    assert [one.id for one in by_import] == [one.id for one in by_broker]
    assert by_import == by_broker


def _verdicts(found: list[Determination], month: str) -> Iterator[str]:
    for one in found:
        if one.day.startswith(month):
            yield from (one.verdict, "received") if one.received else (one.verdict,)


def _row(month: str, counts: Counter[str], owed: str) -> str:
    """Write a month's row of the page."""
    met, late, doubt = counts["met"], counts["not_met"], counts["inconclusive"]
    checks = met + late + doubt
    share = f"{100 * counts['received'] / checks:.1f} %"
    return f"| {month} | {checks:,} | {met:,} | {late} | {doubt} | {share} | {owed.removeprefix('-')} |"


def _judged(one: Determination) -> wyndham.Judged:
    return wyndham.Judged(one.verdict, one.proven // 1_000_000, one.possible // 1_000_000, bool(one.received))


def _january(connection: Connection) -> list[Determination]:
    add_folder(connection, EXAMPLE / "contract", NOW)
    return assess.run(connection, CONTRACT, month_days("2019-01"), NOW).found


def _excerpt(path: Path, first: date, until: date) -> int:
    """Write the file's rows of a span of days; give how many."""
    with FILE.open(newline="") as stream, path.open("w", newline="") as target:
        reader = csv.DictReader(stream)
        writer = csv.DictWriter(target, reader.fieldnames or ())
        writer.writeheader()
        days = {row["timestamp"]: date(*map(int, row["timestamp"].split("-")[::-1])) for row in reader}
        stream.seek(0)
        kept = [row for row in csv.DictReader(stream) if first <= days[row["timestamp"]] < until]
        writer.writerows(kept)
    return len(kept)


def _play(file: Path, count: int, connection: Connection, database: str, broker: str) -> None:
    """Publish a file to a broker, with a worker running, until all is stored."""
    log = file.with_suffix(".log")
    with _worker(["ingest", "--database", database, "--broker", broker], log) as worker:
        _wait(lambda: "ingest_ready" in log.read_text(), worker, log)
        command = [sys.executable, "-m", "app.cli.main", "publish", str(file), "--mapping", str(MAPPING)]
        subprocess.run([*command, "--broker", broker], check=True, timeout=DEADLINE_S, cwd=ROOT)
        _wait(lambda: sum(_messages(connection)) >= count, worker, log)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(DEADLINE_S) == 0
    assert [count] == _messages(connection)


def _messages(connection: Connection) -> list[int]:
    counts = readings.count_by_outcome(connection)
    return [n for (unit, _), n in counts.items() if unit == "message" and n]


@contextmanager
def _worker(arguments: list[str], log: Path) -> Generator[subprocess.Popen[bytes]]:
    with log.open("w") as stream:
        command = [sys.executable, "-m", "app.cli.main", *arguments]
        worker = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=ROOT)
        try:
            yield worker
        finally:
            worker.kill()
            worker.wait(DEADLINE_S)


def _wait(holds: Callable[[], bool], worker: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + DEADLINE_S
    while not holds():
        assert worker.poll() is None, f"the worker ended: {log.read_text()}"
        assert time.monotonic() < until, f"waited {DEADLINE_S:g} s in vain: {log.read_text()}"
        time.sleep(0.05)
