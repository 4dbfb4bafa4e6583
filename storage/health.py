"""What the database itself can tell of the health of what reports into it.

A device that a gateway or a feed goes on reporting, with the position it had long ago, is not silent, and yet says
nothing of today. Duplicates leave the first arrival as it is; that they came is told by their counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.registry import kinds
from storage.connection import Connection
from storage.kinds import statement
from storage.sequence import ALL_KNOWN
from storage.sql import query

# A device that says something each minute and is out of reach for a week misses so many.
STEP_MAX = 10_000


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


@dataclass(frozen=True, slots=True)
class Continuity:
    """What the devices' own counters tell of their readings.

    Parameters
    ----------
    missing : int
        Numbers that no reading came with: lost on the way, for who counted them.
    resets : int
        How often a count began anew within a session.
    late : int
        Readings received after what was still in time.
    """

    missing: int
    resets: int
    late: int


def continuity(
    connection: Connection,
    devices: Sequence[int],
    span: tuple[datetime, datetime],
    *,
    late_from: datetime,
    reduced: int = 0,
    known_through: int = ALL_KNOWN,
) -> Continuity:
    """Look at the counters of some devices over a span of event time.

    Derived from the readings themselves, so it depends on no order of arrival.

    Parameters
    ----------
    devices : sequence of int
        Device ids.
    span : tuple of datetime
        Aware, half open.
    late_from : datetime
        Received from then on is late. Aware.
    reduced : int
        Position fixes of the span that were only counted: their numbers are not missing.
    known_through : int
        Last sequence number that counts.
    """
    parameters = {
        "device_ids": list(devices),
        "first": span[0],
        "until": span[1],
        "late_from": late_from,
        "known_through": known_through,
        "step_max": STEP_MAX,
    }
    found = Continuity(0, 0, 0)
    for kind in kinds().values():
        row = connection.execute(statement(kind, "count_numbers"), parameters).fetchone()
        missing, resets, late = row or (0, 0, 0)
        if kind.name == POSITION_FIX.name:
            missing = max(missing - reduced, 0)
        found = Continuity(found.missing + missing, found.resets + resets, found.late + late)
    return found
