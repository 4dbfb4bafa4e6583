"""A Mosquitto that runs the shipped files, its users, its certificates, and a worker beside it."""

import base64
import hashlib
import os
import secrets
import subprocess
import threading
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from app.local.account import make_owned_folder
from app.local.server import LocalServer, free_port
from ingest.client import Broker
from ingest.worker import Options, Tally, run
from tests.house.sources import ROOT

SHIPPED = ROOT / "deploy" / "mosquitto"
PASSWORD = "a password of the tests"  # noqa: S105
DEADLINE_S = 15.0
_OPENSSL_MAX_S = 60
# As mosquitto_passwd makes them; it is not in the servers' folder.
_HASH_ROUNDS, _SALT_BYTES, _HASH_BYTES = 101, 12, 64


class ShippedMosquitto(LocalServer):
    """One broker with `deploy/mosquitto`: only its two folders and its two ports are others.

    Parameters
    ----------
    binary, folder : Path
    users : collection of str
        Users with `PASSWORD`.
    instead : mapping of str to str, optional
        Lines that a test has otherwise, by their first word; empty for a line that is taken out.
    """

    name: ClassVar[str] = "mosquitto"

    def __init__(
        self, binary: Path, folder: Path, users: Collection[str], *, instead: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, settings=instead or {})
        self._binary = binary
        self._users = users
        self._etc = self.folder / "etc"
        self.certificates = self._etc / "certificates"
        self.tls_port = 0
        self._was_up = False

    def user(self, name: str) -> Broker:
        """Give the address by which a user with a password comes."""
        return Broker(self.host, self.port, name, PASSWORD)

    def holder(self, name: str, *, authority: str = "ca") -> Broker:
        """Give the address by which the holder of a certificate comes."""
        key, certificate = issue(self.certificates, name, authority)
        ca_file = str(self.certificates / "ca.crt")
        return Broker(self.host, self.tls_port, ca_file=ca_file, cert_file=str(certificate), key_file=str(key))

    def _prepare(self) -> None:
        store = self.folder / "store"
        for one in (store, self._etc, self.certificates):
            make_owned_folder(one, self.account)
        (self._etc / "acl").write_bytes((SHIPPED / "acl").read_bytes())
        lines = [f"{name}:{_hashed(PASSWORD)}\n" for name in self._users]
        (self._etc / "passwords").write_text("".join(lines), encoding="utf-8")
        if not (self.certificates / "server.crt").exists():
            found_authority(self.certificates, "ca")
            issue(self.certificates, "server", "ca")
        for one in self._etc.rglob("*"):
            if self.account is not None:
                os.chown(one, self.account.uid, self.account.gid)
            one.chmod(0o700)

    def _answers(self, port: int) -> bool:
        # It opens them one after the other, and ends when the second is taken.
        is_up = super()._answers(port) and super()._answers(self.tls_port)
        self._was_up = self._was_up or is_up
        return is_up

    def _command(self, port: int) -> list[str]:
        if not self._was_up:
            # Another one with each try; the same after a restart.
            self.tls_port = free_port()
        text = (SHIPPED / "mosquitto.conf").read_text(encoding="utf-8")
        replaced = {
            "/etc/mosquitto/": f"{self._etc}/",
            "/var/lib/mosquitto/": f"{self.folder / 'store'}/",
            "\nlistener 1883 127.0.0.1\n": f"\nlistener {port} {self.host}\n",
            "\nlistener 8883\n": f"\nlistener {self.tls_port} {self.host}\n",
        }
        for shipped, ours in replaced.items():
            assert shipped in text
            text = text.replace(shipped, ours)
        for name, value in self.settings.items():
            found = [line for line in text.splitlines() if line.startswith(f"{name} ")]
            assert 1 == len(found)
            text = text.replace(f"\n{found[0]}\n", f"\n{name} {value}\n" if value else "\n")
        if self.account is not None:
            # It is started as this account already; without the line it would look for its own.
            text += f"user {self.account.name}\n"
        config = self.folder / "mosquitto.conf"
        config.write_text(text, encoding="utf-8")
        return [str(self._binary), "-c", str(config)]


def found_authority(folder: Path, name: str) -> None:
    """Make a certificate authority."""
    what = ["req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}"]
    _openssl(*what, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")


def issue(folder: Path, name: str, authority: str) -> tuple[Path, Path]:
    """Let an authority sign a certificate; gives key and certificate."""
    key, request, certificate = (folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
    extensions = folder / f"{name}.ext"
    extensions.write_text("basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\n", encoding="utf-8")
    _openssl("req", "-new", *_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    signed = ["x509", "-req", "-in", request, "-days", "2", "-extfile", extensions, "-out", certificate]
    _openssl(*signed, "-CA", folder / f"{authority}.crt", "-CAkey", folder / f"{authority}.key", "-CAcreateserial")
    return key, certificate


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["/usr/bin/env", "openssl", *arguments], check=True, capture_output=True, timeout=_OPENSSL_MAX_S)


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _HASH_ROUNDS, _HASH_BYTES)
    return f"$7${_HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


@contextmanager
def running(dsn: str, broker: Broker, options: Options) -> Generator[Tally, None, None]:
    """Run a worker; what it died of fails the test."""
    stop, tally = threading.Event(), Tally()
    died: list[Exception] = []

    def work() -> None:
        try:
            run(dsn, broker, stop, options, tally)
        except Exception as error:  # noqa: BLE001  # told to the test, which fails of it
            died.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield tally
    finally:
        stop.set()
        thread.join(DEADLINE_S)
    assert died == []
    assert not thread.is_alive(), "the worker does not stop"
