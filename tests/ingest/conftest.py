"""A broker of each test's own: the worker subscribes to every device, so a shared one would mix the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.broker import LocalMosquitto
from tests.storage.databases import empty_database

__all__ = ["empty_database"]


@pytest.fixture
def mosquitto(mosquitto_binary: Path, server_folder: Path) -> Iterator[LocalMosquitto]:
    """Give a running Mosquitto that nobody else uses."""
    with LocalMosquitto(mosquitto_binary, server_folder / "mosquitto") as server:
        yield server
