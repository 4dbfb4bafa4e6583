"""Databases without a schema."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import sql

from tests.servers import Addresses, dsn


@pytest.fixture(params=["embedded", "timescale"])
def empty_database(request: pytest.FixtureRequest, server_addresses: Addresses) -> Iterator[str]:
    """Give a fresh database that was never migrated, on each kind of server in turn: its connection string."""
    is_embedded = request.param == "embedded"
    port = server_addresses.embedded_port if is_embedded else server_addresses.timescale_port
    name = f"empty_{secrets.token_hex(6)}"
    with closing(psycopg.connect(dsn(port, "postgres"), autocommit=True)) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield dsn(port, name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
