"""What several tests of the application share."""

from collections.abc import Iterator

import pytest

from tests.app.bundles import Issued, issued
from tests.servers import Addresses, fresh_database


@pytest.fixture(scope="session")
def two_months(server_addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    """Two months of a small contract, issued in a real database, with a bundle of each."""
    with (
        fresh_database(server_addresses.embedded_port) as database,
        issued(tmp_path_factory.mktemp("bundles"), database) as made,
    ):
        yield made
