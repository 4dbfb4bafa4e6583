"""Collection masks: where and when a vehicle's position may be kept.

A mask is derived elsewhere, from terms and installations, and stored here as a list of areas in space and time. Under
each contract a device's newest revision holds; a device that serves two contracts keeps what either mask keeps. A fix
of a device with a mask, outside all its areas, is reduced to a count per hour before anything of it is stored. A
device that no revision names is kept whole.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from numpy.typing import NDArray

from sensors.readings import EVENT_TIME_MAX_US, EVENT_TIME_MIN_US
from storage import sequence
from storage.errors import StorageError
from storage.instants import instant, microseconds
from storage.sql import query

# Ten years of two shifts a day in three areas; more is a mistake that every worker would hold in memory.
AREAS_MAX = 25_000
_EMPTY = np.empty((0, 6), np.int64)


@dataclass(frozen=True, slots=True)
class Area:
    """A box of coordinates over a span of time.

    Parameters
    ----------
    since_us, until_us : int
        Half open. [us since 1970, UTC]
    min_latitude_e7, max_latitude_e7, min_longitude_e7, max_longitude_e7 : int
        Edges are in. Whoever crosses the antimeridian needs two. [1e-7 deg]
    """

    since_us: int
    until_us: int
    min_latitude_e7: int
    max_latitude_e7: int
    min_longitude_e7: int
    max_longitude_e7: int


@dataclass(frozen=True, slots=True)
class Masks:
    """All masks that hold.

    Parameters
    ----------
    revision : int
        Number of the newest revision, 0 where there is none.
    secret : bytes
        Of this database, for the digests of what is not kept.
    areas : mapping of (source, device) to ndarray of int64
        Shape (n, 6), columns as in `Area`; a device without a mask is missing, one that keeps nothing has none.
    """

    revision: int
    secret: bytes
    areas: Mapping[tuple[str, str], NDArray[np.int64]]

    def keeps(
        self,
        device: tuple[str, str],
        time_us: NDArray[np.int64],
        latitude_e7: NDArray[np.int64],
        longitude_e7: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Say which fixes of a device may be kept: a look-up per area, then a comparison per fix in its span."""
        areas = self.areas.get(device)
        if areas is None:
            return np.ones(len(time_us), np.bool_)
        kept = np.zeros(len(time_us), np.bool_)
        order = np.argsort(time_us)
        first, until = np.searchsorted(time_us[order], areas[:, 0]), np.searchsorted(time_us[order], areas[:, 1])
        for place in np.flatnonzero(first < until):
            _, _, south, north, west, east = areas[place]
            rows = order[first[place] : until[place]]
            latitude, longitude = latitude_e7[rows], longitude_e7[rows]
            is_in = (latitude >= south) & (latitude <= north) & (longitude >= west) & (longitude <= east)
            kept[rows[is_in]] = True
        return kept

    def digest(self, *parts: bytes) -> bytes:
        """Digest what must not be kept under the database's secret: 16 bytes."""
        return hashlib.blake2b(b"".join(parts), digest_size=16, key=self.secret).digest()


# What each connection read last. A connection's own, so that nothing outlives a change of database.
_read: "WeakKeyDictionary[psycopg.Connection, Masks]" = WeakKeyDictionary()


def current(connection: psycopg.Connection) -> Masks:
    """Give the masks that hold, read again only when there is a newer revision."""
    row = connection.execute(query("masks", "select_newest")).fetchone()
    known = _read.get(connection)
    if known is None or row is None or known.revision != row[0]:
        known = _read[connection] = read(connection)
    return known


def read(connection: psycopg.Connection) -> Masks:
    """Read the masks that hold.

    Raises
    ------
    StorageError
        When the database has no secret: its schema is not of this release.
    """
    newest = connection.execute(query("masks", "select_newest")).fetchone()
    secret = connection.execute(query("masks", "select_secret")).fetchone()
    if newest is None or secret is None:
        raise StorageError("the database holds no secret for digests; run poniente migrate")
    return Masks(newest[0], secret[0], _held(connection, None))


def replace(
    connection: psycopg.Connection,
    contract: str,
    masks: Mapping[tuple[str, str], Sequence[Area]],
    now: datetime,
) -> int:
    """Store the masks that hold from now on for some devices under a contract; those that are the same stay.

    A device that is not named keeps its mask: to end one is to store it without the areas of later times.

    Parameters
    ----------
    contract : str
    masks : mapping of (source, device) to sequence of Area
        None at all: nothing of the device is kept under this contract.
    now : datetime
        Aware.

    Returns
    -------
    int
        Sequence number; whoever stores readings under a later one applies these masks.

    Raises
    ------
    StorageError
        When a mask has too many areas, or one with its edges the wrong way round.
    """
    wanted = {device: table_of(areas) for device, areas in masks.items()}
    with connection.transaction():
        seq = sequence.take(connection, "mask", now)
        held = _held(connection, contract)
        for device, table in sorted(wanted.items(), key=lambda one: one[0]):
            if device in held and np.array_equal(held[device], table):
                continue
            key = {"contract": contract, "source": device[0], "device": device[1], "seq": seq}
            row = connection.execute(query("masks", "insert_revision"), key).fetchone()
            connection.execute(query("masks", "insert_areas"), {"revision": row[0] if row else None, **_lists(table)})
    return seq


def table_of(areas: Sequence[Area]) -> NDArray[np.int64]:
    """Lay areas into rows in one order, cut to the times that a reading can have."""
    if len(areas) > AREAS_MAX:
        raise StorageError(f"mask of {len(areas)} areas exceeds {AREAS_MAX}; leave out spans that are over")
    for area in areas:
        if area.min_latitude_e7 > area.max_latitude_e7 or area.min_longitude_e7 > area.max_longitude_e7:
            raise StorageError(f"area {astuple(area)} has its edges the wrong way round; cut it at the antimeridian")
    rows = {
        (max(area.since_us, EVENT_TIME_MIN_US), min(area.until_us, EVENT_TIME_MAX_US), *astuple(area)[2:])
        for area in areas
    }
    return np.array(sorted(row for row in rows if row[0] < row[1]), np.int64).reshape(-1, 6)


def _lists(table: NDArray[np.int64]) -> dict[str, list[Any]]:
    since, until, south, north, west, east = table.T.tolist()
    return {
        "since": [instant(time_us) for time_us in since],
        "until": [instant(time_us) for time_us in until],
        "min_latitude_e7": south,
        "max_latitude_e7": north,
        "min_longitude_e7": west,
        "max_longitude_e7": east,
    }


def _held(connection: psycopg.Connection, contract: str | None) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Read the areas that hold, of one contract or of all, in one order."""
    rows = connection.execute(query("masks", "select_held"), {"contract": contract}).fetchall()
    found: dict[tuple[str, str], NDArray[np.int64]] = {}
    for device, group in groupby(rows, key=lambda row: (str(row[0]), str(row[1]))):
        areas = [
            (microseconds(since), microseconds(until), *edges)
            for _, _, since, until, *edges in group
            if since is not None
        ]
        found[device] = np.array(areas, np.int64) if areas else _EMPTY
    return found
