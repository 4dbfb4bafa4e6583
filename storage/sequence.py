"""The one number line: every commit that can change a result takes the next number, in commit order."""

from datetime import datetime

import psycopg

from storage.errors import StorageError
from storage.sql import query

# More than will ever be committed: all that is known.
ALL_KNOWN = 2**63 - 1


def take(connection: psycopg.Connection, what: str, now: datetime) -> int:
    """Take the next number inside the current transaction; the next taker waits until it ends.

    Parameters
    ----------
    what : str
        What is committed under the number, for people who read the table.
    now : datetime
        Aware.
    """
    row = connection.execute(query("sequence", "take"), {"what": what, "now": now}).fetchone()
    if row is None:
        raise StorageError("the sequence has no row; run poniente migrate")
    return int(row[0])


def hold_commit(connection: psycopg.Connection) -> None:
    """Announce that the current transaction commits next: `last` waits until everybody can read what it wrote.

    PostgreSQL makes a commit visible a moment before it tells other connections of tables made in it. A reader that
    plans its query in between has the number in its snapshot and not the chunk of the hypertable with the readings.
    """
    connection.execute(query("sequence", "hold_commit"))


def last(connection: psycopg.Connection) -> int:
    """Return the last number committed; statements that follow see all that was committed under it."""
    row = connection.execute(query("sequence", "select_last")).fetchone()
    connection.execute(query("sequence", "await_commits"))
    return int(row[0]) if row else 0


def last_by(connection: psycopg.Connection, instant: datetime) -> int:
    """Return the last number committed by an instant; nought where there was none.

    Parameters
    ----------
    instant : datetime
        Aware.
    """
    row = connection.execute(query("sequence", "select_last_by"), {"instant": instant}).fetchone()
    return int(row[0]) if row else 0
