"""The whole flow on this machine: two simulated months of a small Vega Poniente, from sensors to the statements.

Nothing is short-cut: the field's messages go through a real broker, the worker that a city would run stores them in a
real database, and the statements are computed from what is there. The second month restates the first by what came
late, and charges a fine that has become firm. The months lie in the past of their own clock.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.bundle import keys, manifest
from app.bundle.report import Report
from app.bundle.verifying import verify
from app.errors import RefusedError, UsageError
from app.export import files, tables
from app.jobs import bundling, playing, statements
from app.jobs.contracts import add_folder
from app.jobs.demo_field import CONTAINERS, MONTHS, field_of, hold_back, messages_of, register_of
from app.jobs.demo_sources import sources_toml
from app.jobs.sources import read_sources_file
from app.jobs.templates import TEMPLATE_ID, write_contract
from app.local.account import clear_dead_runs, make_run_folder
from app.local.broker import demo_broker
from app.local.postgres import LocalPostgres, embedded_binaries
from ingest.accept import source_of
from rules.calendar import month_days
from rules.compliance import Compliance, compliance
from rules.records import Act, canonical
from sensors.fleet import Message
from storage import contracts, determinations, readings
from storage.connection import Connection, connect
from storage.migrate import Server, migrate
from storage.statements import Issued

CONTRACT = TEMPLATE_ID
# The demo's own clock: when the contract is signed, when each month is issued (after it, the longest wait for an
# answer and the terms' grace), and when an officer decides on fines of the first month.
SIGNED = datetime(2026, 8, 31, 12, tzinfo=UTC)
ISSUED = (datetime(2026, 10, 6, 12, tzinfo=UTC), datetime(2026, 11, 6, 12, tzinfo=UTC))
DECIDED = datetime(2026, 11, 4, 15, tzinfo=UTC)
SOURCES_FILE = "sources.toml"
_MARK = ".poniente-demo"
_PATIENCE_S = 60.0
# This database is thrown away at the end: what a failure of power would do to it is nobody's loss.
_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a demo.

    Parameters
    ----------
    out : Path
    seed : int
    scale : float
        Of the number of containers.
    delivery_seed : int
        Decides the order of arrival.
    database, broker : str
        Servers to use; empty for own ones.
    is_perfect : bool
    """

    out: Path
    seed: int
    scale: float
    delivery_seed: int
    database: str
    broker: str
    is_perfect: bool


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a demo."""

    period: str
    compliance: list[Compliance]
    issued: Issued


@dataclass(frozen=True, slots=True)
class _Servers:
    """Database's connection string, broker's address and name, and the file that declares who publishes what."""

    database: str
    broker: str
    broker_name: str
    sources: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a demo has to show.

    Parameters
    ----------
    server : Server
    broker : str
    published : int
        Messages.
    formats : dict of str to int
        Of them, by the format of their topics.
    counts : dict of (str, str) to int
        By message or reading, and outcome.
    rejections : dict of str to int
        By reason.
    months : list of Month
    bundle : Path
        Of the last statement.
    report : Report
        What verifying the bundle found.
    """

    server: Server
    broker: str
    published: int
    formats: dict[str, int]
    counts: dict[tuple[str, str], int]
    rejections: dict[str, int]
    months: list[Month]
    bundle: Path
    report: Report


def run(wish: Wish, tell: Callable[[str, int, int], None]) -> Outcome:
    """Run the demo.

    Parameters
    ----------
    wish : Wish
    tell : callable
        Called with what is being done, how much is done, and how much there is to do.

    Raises
    ------
    UsageError
        When the output folder holds something else.
    RefusedError
        When a program of the demo fails.
    """
    containers = max(round(CONTAINERS * wish.scale), 1)
    field = field_of(wish.seed, containers, is_perfect=wish.is_perfect, is_mixed=True)
    _make_out(wish.out)
    write_contract(wish.out / "contract", register_of(field))
    files.write_text(wish.out / SOURCES_FILE, sources_toml(field.voices.values()))
    with ExitStack() as running:
        tell("servers", 0, 1)
        servers = _servers(wish, running)
        server = migrate(servers.database).server
        tell("servers", 1, 1)
        connection = running.enter_context(connect(servers.database, "demo"))
        if contracts.contracts(connection) or readings.all_devices(connection):
            raise RefusedError("the database holds contracts or readings; a demo wants an empty one")
        add_folder(connection, wish.out / "contract", SIGNED)
        tell("fleet", 0, 1)
        sent = hold_back(field, messages_of(field, wish.delivery_seed))
        tell("fleet", 1, 1)
        first_us = int(ISSUED[0].timestamp()) * 1_000_000
        split = sum(one.arrival_us < first_us for one in sent)
        months: list[Month] = []
        for period, part, now in zip(MONTHS, (sent[:split], sent[split:]), ISSUED, strict=True):
            if months:
                _decide(connection, wish.out)
            _play(wish.out / "field" / f"messages-{period}.jsonl", part, servers, connection, tell)
            months.append(_issue(connection, wish.out, period, now, tell))
        counts, rejections = readings.count_by_outcome(connection), readings.count_rejections(connection)
        formats = _formats(wish.out / SOURCES_FILE, sent)
        bundle, report = _bundle(connection, wish.out, MONTHS[-1], tell)
        return Outcome(server, servers.broker_name, len(sent), formats, counts, rejections, months, bundle, report)


def _issue(
    connection: Connection, out: Path, period: str, now: datetime, tell: Callable[[str, int, int], None]
) -> Month:
    """Assess and issue a month; write all that its statement can be recomputed from."""
    tell(period, 0, 1)
    issued = statements.issue(connection, CONTRACT, period, now)
    found = determinations.read(connection, CONTRACT, month_days(period))
    folder = out / period
    files.write_statement(folder, issued.body, issued.issue)
    files.write_text(folder / "closing.json", canonical(issued.closing))
    files.write_text(folder / "determinations.csv", tables.determinations_csv(found))
    for month in statements.body_of(issued)["restates"]:
        again = determinations.read(connection, CONTRACT, month_days(month))
        files.write_text(folder / f"restated-{month}.csv", tables.determinations_csv(again))
    tell(period, 1, 1)
    return Month(period, compliance(found), issued)


def _bundle(
    connection: Connection, out: Path, period: str, tell: Callable[[str, int, int], None]
) -> tuple[Path, Report]:
    """Bundle a month's statement under a key of the demo's own, and verify it as its contractor would."""
    tell("bundle", 0, 1)
    private, public = keys.make(out / "keys")
    made = manifest.build(
        (CONTRACT, period), bundling.files(connection, CONTRACT, period), keys.read_private(private)
    )
    path = out / f"bundle-{period}.zip"
    path.write_bytes(made.packed())
    report = verify(path.read_bytes(), keys.read_public(public))
    tell("bundle", 1, 1)
    return path, report


def _decide(connection: Connection, out: Path) -> None:
    """Let an officer make the first fine of the first month firm, and annul the second."""
    first = statements.issued(connection, CONTRACT, MONTHS[0])
    pending = [one["id"] for one in first.closing["in_procedure"] if one["nature"] == "fine"]
    acts: list[Act] = []
    for line, effect, number in zip(pending, ("firm", "annulled"), ("2113", "2114"), strict=False):
        text = f"Decreto alcaldicio {number}: {line}: {effect}\n"
        document = out / "acts" / f"{number}.txt"
        document.parent.mkdir(exist_ok=True)
        files.write_text(document, text)
        day = DECIDED.date().isoformat()
        act = Act(
            line, effect, f"DA-{number}/2026", day, "administrador-01", hashlib.sha256(text.encode()).hexdigest()
        )
        statements.record_act(connection, CONTRACT, act, DECIDED)
        acts.append(act)
    if acts:
        files.write_text(out / "acts" / "acts.json", canonical({"acts": [one.content() for one in acts]}))


def _make_out(out: Path) -> None:
    """Make the output folder; an earlier demo's is emptied, anything else is left alone."""
    if out.exists():
        if not out.is_dir() or (any(out.iterdir()) and not (out / _MARK).exists()):
            raise UsageError(f"{out} holds something that no demo made; name another folder with --out")
        shutil.rmtree(out)
    (out / "field").mkdir(parents=True)
    (out / _MARK).touch()


def _formats(sources_file: Path, sent: Sequence[Message]) -> dict[str, int]:
    """Count messages by the format of their topics, the most frequent first."""
    sources = read_sources_file(str(sources_file))
    topics = Counter(one.topic for one in sent)
    formats: Counter[str] = Counter()
    for topic, count in topics.items():
        if (source := source_of(sources, topic)) is not None:
            formats[source.format] += count
    return dict(formats.most_common())


def _servers(wish: Wish, running: ExitStack) -> _Servers:
    """Start what is not given."""
    clear_dead_runs()
    folder = make_run_folder()
    running.callback(shutil.rmtree, folder, ignore_errors=True)
    database = wish.database
    if not database:
        postgres = running.enter_context(LocalPostgres(embedded_binaries(), folder / "postgres", settings=_SETTINGS))
        database = postgres.dsn()
    sources = wish.out / SOURCES_FILE
    if wish.broker:
        return _Servers(database, wish.broker, "broker", sources)
    broker = running.enter_context(demo_broker(folder / "broker"))
    return _Servers(database, f"{broker.host}:{broker.port}", broker.name, sources)


def _play(
    recorded: Path,
    sent: Sequence[Message],
    servers: _Servers,
    connection: Connection,
    tell: Callable[[str, int, int], None],
) -> None:
    """Publish messages and wait until the worker has stored all of them."""
    playing.write(recorded, ((one.topic, one.payload) for one in sent))
    before = _messages_in(connection)
    with ExitStack() as running:
        log = running.enter_context(recorded.with_suffix(".log").open("w"))
        worker = running.enter_context(_program(["ingest"], servers, log.fileno()))
        # Before the worker's session exists the broker would keep nothing for it.
        _wait_ready(Path(log.name), worker)
        publisher = running.enter_context(_program(["publish", str(recorded)], servers, log.fileno()))
        stalled_since, arrived = time.monotonic(), 0
        while arrived < len(sent):
            now_arrived = _messages_in(connection) - before
            stalled_since = time.monotonic() if now_arrived > arrived else stalled_since
            arrived = now_arrived
            tell(recorded.stem, arrived, len(sent))
            if worker.poll() is not None or publisher.poll() not in (None, 0):
                raise RefusedError(f"a program of the demo ended early; see {log.name}")
            if time.monotonic() - stalled_since > _PATIENCE_S:
                raise RefusedError(f"{arrived} of {len(sent)} messages arrived, then none for 60 s; see {log.name}")
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        worker.wait(_PATIENCE_S)


def _wait_ready(log: Path, worker: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while "ingest_ready" not in log.read_text():
        if worker.poll() is not None or time.monotonic() > until:
            raise RefusedError(f"the worker did not come up; see {log}")
        time.sleep(0.05)


@contextmanager
def _program(arguments: list[str], servers: _Servers, log: int) -> Generator[subprocess.Popen[bytes]]:
    """Run one of the product's own commands as a city would."""
    host, _, port = servers.broker.rpartition(":")
    environment = {
        **os.environ,
        "PONIENTE_DATABASE": servers.database,
        "PONIENTE_BROKER_HOST": host,
        "PONIENTE_BROKER_PORT": port,
        # The embedded broker knows MQTT 3.1.1 only.
        "PONIENTE_BROKER_VERSION": "4" if servers.broker_name == "iotcore" else "5",
        "PONIENTE_SOURCES": str(servers.sources),
    }
    process = subprocess.Popen(  # noqa: S603  # this program itself
        [sys.executable, "-m", "app.cli.main", *arguments], env=environment, stdout=log, stderr=log
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_PATIENCE_S)


def _messages_in(connection: Connection) -> int:
    return readings.count_messages(connection)
