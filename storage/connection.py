"""Connections: one place that says how the product talks to its database."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from storage.errors import ConnectionStringError

# The type that others pass around, and what the driver raises when the server is away or cuts the line.
Connection = psycopg.Connection
REFUSED = psycopg.DatabaseError
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)

# What it raises when the fault lies in a row: sent again, the same row is refused again.
UNACCEPTABLE = (psycopg.DataError, psycopg.IntegrityError)


def connect(dsn: str, program: str) -> Connection:
    """Connect; statements commit one by one unless a transaction is opened.

    Parameters
    ----------
    dsn : str
        Connection string or address.
    program : str
        Shown in the server's list of connections.

    Raises
    ------
    psycopg.OperationalError
        When the server is away.
    ConnectionStringError
        When the string cannot be read.
    """
    try:
        options = conninfo_to_dict(dsn).get("options", "")
    except psycopg.ProgrammingError as error:
        raise ConnectionStringError(f"connection string cannot be read: {str(error).strip()}") from error
    return psycopg.connect(
        dsn,
        autocommit=True,
        application_name=f"poniente {program}",
        connect_timeout=5,
        options=f"{options} -c timezone=UTC -c datestyle=ISO",
        # A broken network must be noticed before the sensors' next readings, half an hour later at the most.
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
    )
