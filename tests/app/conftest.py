"""What several tests of the application share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.connection import Connection
from tests.app.bundles import Issued, issued
from tests.app.offices import folder_of, opened
from tests.servers import Addresses, fresh_database


@pytest.fixture(scope="session")
def two_months(server_addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    """Two months of a small contract, issued in a real database, with a bundle of each."""
    with (
        fresh_database(server_addresses.embedded_port) as database,
        issued(tmp_path_factory.mktemp("bundles"), database) as made,
    ):
        yield made


@pytest.fixture
def contract_folder(tmp_path: Path) -> Path:
    """Folder of a contract with due process."""
    return folder_of(tmp_path)


@pytest.fixture
def office(contract_folder: Path, embedded_database: str) -> Iterator[Connection]:
    """Database in which September is issued with two fines."""
    yield from opened(contract_folder, embedded_database)
