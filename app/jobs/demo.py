"""The whole flow on this machine: a simulated month of a small Vega Poniente, from sensors to the statement.

Nothing is short-cut: the fleet's messages go through a real broker, the worker that a city would run stores them in a
real database, and the statement is computed from what is there. The month lies in the past of its own clock.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock
from pathlib import Path

from app import zones
from app.errors import RefusedError, UsageError
from app.export import files, tables
from app.jobs import playing, statements
from app.jobs.contracts import add_folder
from app.jobs.templates import TEMPLATE_ID, contract_files, write_contract
from app.local.account import clear_dead_runs, make_run_folder
from app.local.broker import demo_broker
from app.local.postgres import LocalPostgres, embedded_binaries
from rules.calendar import month_days
from rules.compliance import Compliance, compliance
from rules.load import zone_needed
from sensors import fleet
from storage import contracts, determinations, readings
from storage.connection import Connection, connect
from storage.migrate import Server, migrate
from storage.statements import Issued

CONTRACT = TEMPLATE_ID
MONTH = "2026-09"
DAYS = 30
CONTAINERS = 60
# The demo's own clock when it assesses and issues: after the month and the terms' grace.
NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
_MARK = ".poniente-demo"
_PATIENCE_S = 60.0


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
class Outcome:
    """What a demo has to show."""

    server: Server
    broker: str
    published: int
    counts: dict[tuple[str, str], int]
    rejections: dict[str, int]
    compliance: list[Compliance]
    issued: Issued


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
    plan = plan_of(wish)
    _make_out(wish.out)
    write_contract(wish.out / "contract", contract_of(plan))
    with ExitStack() as running:
        running.enter_context(_warming())
        tell("servers", 0, 1)
        database, broker_address, broker_name = _servers(wish, running)
        server = migrate(database).server
        tell("servers", 1, 1)
        connection = running.enter_context(connect(database, "demo"))
        if contracts.contracts(connection) or readings.all_devices(connection):
            raise RefusedError("the database holds contracts or readings; a demo wants an empty one")
        add_folder(connection, wish.out / "contract", NOW)
        published = _play(wish, plan, (database, broker_address, broker_name), connection, tell)
        tell("assessment", 0, 1)
        issued = statements.issue(connection, CONTRACT, MONTH, NOW)
        found = determinations.read(connection, CONTRACT, month_days(MONTH))
        tell("assessment", 1, 1)
        files.write_statement(wish.out, issued.body, issued.issue)
        (wish.out / "determinations.csv").write_text(tables.determinations_csv(found), encoding="utf-8")
        return Outcome(
            server,
            broker_name,
            published,
            readings.count_by_outcome(connection),
            readings.count_rejections(connection),
            compliance(found),
            issued,
        )


def plan_of(wish: Wish) -> fleet.Plan:
    """Make the fleet's plan; the zones and the month are the contract's."""
    needed = zone_needed(contract_files())
    zone = zones.snapshot(needed.name, needed.first_year, needed.last_year)
    return fleet.Plan(
        seed=wish.seed,
        containers=max(round(CONTAINERS * wish.scale), 1),
        zones=("VP-01", "VP-02", "VP-03", "VP-04"),
        first_us=zone.instant(date(2026, 9, 1), clock(0)),
        days=DAYS,
        is_perfect=wish.is_perfect,
    )


def contract_of(plan: fleet.Plan) -> dict[str, str]:
    """Write the register of the fleet: assets and installations."""
    assets = ["asset,zone,class,valid_from,valid_until"]
    installations = [
        "source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor"
    ]
    for one in fleet.containers(plan):
        assets.append(f"{one.asset},{one.zone},container_1100l,2026-08-01,")
        installations.append(
            f"{fleet.SOURCE},{one.device},{one.asset},2026-08-01,,{one.empty_mm},{one.full_mm},,its-01,jefe-terreno-01"
        )
    return {"assets.csv": "\n".join(assets) + "\n", "installations.csv": "\n".join(installations) + "\n"}


def _make_out(out: Path) -> None:
    """Make the output folder; an earlier demo's is emptied, anything else is left alone."""
    if out.exists():
        if not out.is_dir() or (any(out.iterdir()) and not (out / _MARK).exists()):
            raise UsageError(f"{out} holds something that no demo made; name another folder with --out")
        shutil.rmtree(out)
    (out / "field").mkdir(parents=True)
    (out / _MARK).touch()


@contextmanager
def _warming() -> Generator[None]:
    """Compile the kernels in a process of their own while messages are on their way."""
    warming = subprocess.Popen([sys.executable, "-c", "from kernels.warm import warm; warm()"])
    try:
        yield
    finally:
        warming.terminate()
        warming.wait()


def _servers(wish: Wish, running: ExitStack) -> tuple[str, str, str]:
    """Start what is not given: database's connection string, broker's address, broker's name."""
    clear_dead_runs()
    folder = make_run_folder()
    running.callback(shutil.rmtree, folder, ignore_errors=True)
    database = wish.database
    if not database:
        postgres = running.enter_context(LocalPostgres(embedded_binaries(), folder / "postgres"))
        database = postgres.dsn()
    if wish.broker:
        return database, wish.broker, "broker"
    broker = running.enter_context(demo_broker(folder / "broker"))
    return database, f"{broker.host}:{broker.port}", broker.name


def _play(
    wish: Wish,
    plan: fleet.Plan,
    servers: tuple[str, str, str],
    connection: Connection,
    tell: Callable[[str, int, int], None],
) -> int:
    """Publish the month and wait until the worker has stored all of it."""
    recorded = wish.out / "field" / "messages.jsonl"
    tell("fleet", 0, 1)
    sent = fleet.messages(plan, wish.delivery_seed)
    playing.write(recorded, ((one.topic, one.payload) for one in sent))
    tell("fleet", 1, 1)
    before = _messages_in(connection)
    with ExitStack() as running:
        log = running.enter_context((wish.out / "field" / "ingest.log").open("w"))
        worker = running.enter_context(_program(["ingest"], servers, log.fileno()))
        # Before the worker's session exists the broker would keep nothing for it.
        _wait_ready(Path(log.name), worker)
        publisher = running.enter_context(_program(["publish", str(recorded)], servers, log.fileno()))
        stalled_since, arrived = time.monotonic(), 0
        while arrived < len(sent):
            now_arrived = _messages_in(connection) - before
            stalled_since = time.monotonic() if now_arrived > arrived else stalled_since
            arrived = now_arrived
            tell("messages", arrived, len(sent))
            if worker.poll() is not None or publisher.poll() not in (None, 0):
                raise RefusedError(f"a program of the demo ended early; see {log.name}")
            if time.monotonic() - stalled_since > _PATIENCE_S:
                raise RefusedError(f"{arrived} of {len(sent)} messages arrived, then none for 60 s; see {log.name}")
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        worker.wait(_PATIENCE_S)
    return len(sent)


def _wait_ready(log: Path, worker: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while "ingest_ready" not in log.read_text():
        if worker.poll() is not None or time.monotonic() > until:
            raise RefusedError(f"the worker did not come up; see {log}")
        time.sleep(0.05)


@contextmanager
def _program(arguments: list[str], servers: tuple[str, str, str], log: int) -> Generator[subprocess.Popen[bytes]]:
    """Run one of the product's own commands as a city would."""
    database, broker, name = servers
    host, _, port = broker.rpartition(":")
    environment = {
        **os.environ,
        "PONIENTE_DATABASE": database,
        "PONIENTE_BROKER_HOST": host,
        "PONIENTE_BROKER_PORT": port,
        # The embedded broker knows MQTT 3.1.1 only.
        "PONIENTE_BROKER_VERSION": "4" if name == "iotcore" else "5",
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
    return sum(n for (unit, _), n in readings.count_by_outcome(connection).items() if unit == "message")
