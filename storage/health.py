"""What the database itself can tell of the health of what reports into it.

A device that a gateway or a feed goes on reporting, with the position it had long ago, is not silent, and yet says
nothing of today. Duplicates leave the first arrival as it is; that they came is told by their counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.connection import Connection
from storage.sql import query


@dataclass(frozen=True, slots=True)
class Stale:
    """A device that is reported and does not move on.

    Parameters
    ----------
    source, device : str
    event_time : datetime
        Of its newest position.
    network_time : datetime
        The newest at which its source was received.
    """

    source: str
    device: str
    event_time: datetime
    network_time: datetime


def stale_devices(connection: Connection, age: timedelta) -> list[Stale]:
    """List the devices whose newest position is older than an age, and was reported all the same.

    Parameters
    ----------
    connection : Connection
    age : timedelta
        Between the newest position and the newest reception of its source, above which it is stale.

    Returns
    -------
    list of Stale
        By source and device. Sources without a network clock have none.

    Notes
    -----
    One look into an index for each device, O(devices * chunks) at the worst.
    """
    return [Stale(*row) for row in connection.execute(query("health", "select_stale"), {"age": age})]


def positioned_devices(connection: Connection) -> list[tuple[str, str]]:
    """List the devices that have sent positions, by source and name."""
    return [(source, device) for source, device in connection.execute(query("health", "select_positioned"))]
