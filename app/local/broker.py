"""MQTT brokers on this machine: Mosquitto where there is one, else the one in the Python dependencies.

Mosquitto is the one to trust. The other (iotcore) redelivers what was not acknowledged too, but it keeps
everything in memory and speaks MQTT 3.1.1 only.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from app.local.account import can_reach, make_owned_folder
from app.local.errors import ServerNotFoundError
from app.local.server import LocalServer

# Packages put it where the PATH of a plain user does not look.
_MOSQUITTO_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
# iotcore's default of 20480 cuts off whoever sends a longer one: an hour of fixes in JSON has more.
_PAYLOAD_MAX_BYTES = 262_144
# Its own command line takes neither the payload limit nor a quiet log (it logs each packet as an error).
_IOTCORE_PROGRAM = """
import json, logging, sys
sys.path.insert(0, sys.argv[1])
logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
logging.getLogger("rumqttd").setLevel("CRITICAL")
from iotcore import Broker
Broker(**json.loads(sys.argv[2])).run_forever()
"""


class LocalMosquitto(LocalServer):
    """One Mosquitto broker on loopback, open to all on this machine.

    Parameters
    ----------
    binary : Path
        The program.
    folder : Path
        Where its configuration, its log and, if asked for, its store are.
    settings : Mapping of str to str
        Lines of its configuration by name, on top of ours. With ``persistence`` ``true`` the store is in
        ``folder/store``.
    """

    name: ClassVar[str] = "mosquitto"

    def __init__(self, binary: Path, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, settings=settings or {})
        self.binary = binary.absolute()
        self.store = self.folder / "store"
        self._config = self.folder / "mosquitto.conf"

    def _prepare(self) -> None:
        if not self.binary.is_file():
            raise ServerNotFoundError(f"not there: {self.binary}; give the path of a Mosquitto program")
        make_owned_folder(self.store, self.account)
        if not can_reach(self.account, [self.binary]):
            raise ServerNotFoundError(
                f"the servers' account cannot run {self.binary}; put it where all accounts may enter"
            )

    def _command(self, port: int) -> list[str]:
        settings = {
            "allow_anonymous": "true",
            # By default it sends 20 at once and, past 1000 waiting, drops in silence. A worker that
            # acknowledges after its commit meets both.
            "max_inflight_messages": "2000",
            "max_queued_messages": "0",
            "persistence": "false",
            "persistence_location": f"{self.store}/",
            "log_dest": "stderr",
            "connection_messages": "false",
            **self.settings,
        }
        if self.account is not None:
            # It is started as this account already; without the line it would look for its own.
            _ = settings.setdefault("user", self.account.name)
        lines = [f"listener {port} {self.host}", *(f"{name} {value}" for name, value in settings.items())]
        _ = self._config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._config.chmod(0o644)
        return [str(self.binary), "-c", str(self._config)]


class LocalIotcore(LocalServer):
    """One iotcore broker on loopback, as our own account; its memory ends with it.

    Parameters
    ----------
    folder : Path
        Where its log is.
    settings : Mapping of str to str
        Its options by name, with their values in JSON, on top of ours.
    """

    name: ClassVar[str] = "iotcore"

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, settings=settings or {})
        # Our Python may be where the servers' account cannot enter, and this program is our Python.
        self.account = None
        self._packages = ""

    def _prepare(self) -> None:
        spec = find_spec("iotcore")
        if spec is None or spec.origin is None:
            raise ServerNotFoundError(
                "the package iotcore is not installed; install the run-time dependencies, or Mosquitto"
            )
        # The child's Python is told, for it does not inherit where ours looks.
        self._packages = str(Path(spec.origin).parents[1])

    def _command(self, port: int) -> list[str]:
        options: dict[str, object] = {
            "listen": self.host,
            "port": port,
            "max_payload_size": _PAYLOAD_MAX_BYTES,
            **{name: json.loads(value) for name, value in self.settings.items()},
        }
        return [sys.executable, "-I", "-c", _IOTCORE_PROGRAM, self._packages, json.dumps(options)]


def installed_mosquitto() -> Path | None:
    """Find the Mosquitto of this machine, None when there is none."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *_MOSQUITTO_FOLDERS])
    found = shutil.which("mosquitto", path=folders)
    return Path(found) if found else None


def demo_broker(folder: Path) -> LocalMosquitto | LocalIotcore:
    """Choose the best broker there is for a demonstration; it is not started yet."""
    binary = installed_mosquitto()
    return LocalIotcore(folder) if binary is None else LocalMosquitto(binary, folder)
