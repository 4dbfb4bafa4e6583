"""Reduction: of a position fix outside its vehicle's collection mask only a count per hour is kept.

Applied inside the batch's transaction and before anything else of the fix is written, whichever door it came in by.
"""

import struct
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray

from sensors.arrivals import Arrivals
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.quantities import LATITUDE, LONGITUDE
from sensors.readings import Outcome
from storage.instants import hour_number, hour_of, instant
from storage.masks import Masks
from storage.sql import query
from storage.staging import are_present
from storage.tallies import Tally, tally_of

_LATITUDE, _LONGITUDE = (POSITION_FIX.quantities.index(quantity) for quantity in (LATITUDE, LONGITUDE))


def reduce(
    connection: psycopg.Connection,
    fixes: Arrivals,
    masks: Masks,
    devices: Sequence[tuple[str, str]],
    ids: NDArray[np.int64],
) -> tuple[Arrivals, dict[Outcome, Tally]]:
    """Take out the fixes that may not be kept, and count them.

    A fix counted before, or stored while no mask forbade it, is a duplicate. One that a later, wider mask lets in
    when it is delivered again is accepted, although it was counted as reduced: what may be kept is kept.

    Parameters
    ----------
    fixes : Arrivals
        Position fixes.
    masks : Masks
    devices : sequence of (source, device)
        In which the fixes' devices are places.
    ids : ndarray of int64
        The database's number of each of these devices. Shape (devices,).

    Returns
    -------
    tuple
        Fixes to be stored, and counts of the others by outcome.
    """
    kept = _kept(fixes, masks, devices)
    if kept.all():
        return fixes, {}
    outside = fixes.rows(~kept)
    places: list[int] = outside.device.tolist()
    named = [devices[place] for place in places]
    present = are_present(connection, outside, ids[outside.device])
    fresh = [place for place in range(len(outside)) if place not in present]
    remembered = set(_remember(connection, outside, fresh, masks, named))
    rows: dict[Outcome, list[tuple[int, int, int]]] = {Outcome.REDUCED: [], Outcome.DUPLICATE: []}
    for place, time_us in enumerate(outside.event_time_us.tolist()):
        outcome = Outcome.REDUCED if place in remembered else Outcome.DUPLICATE
        rows[outcome].append((int(ids[places[place]]), hour_number(time_us), 1))
    return fixes.rows(kept), {outcome: tally_of(several) for outcome, several in rows.items()}


def _kept(fixes: Arrivals, masks: Masks, devices: Sequence[tuple[str, str]]) -> NDArray[np.bool_]:
    """Say of each fix whether its device's mask lets it in."""
    kept = np.ones(len(fixes), np.bool_)
    latitude_e7, longitude_e7 = fixes.values[[_LATITUDE, _LONGITUDE]].astype(np.int64)
    places: list[int] = np.unique(fixes.device).tolist()
    for place in places:
        if devices[place] in masks.areas:
            mine = np.flatnonzero(fixes.device == place)
            table = (fixes.event_time_us[mine], latitude_e7[mine], longitude_e7[mine])
            kept[mine] = masks.keeps(devices[place], *table)
    return kept


def _remember(
    connection: psycopg.Connection,
    fixes: Arrivals,
    places: Sequence[int],
    masks: Masks,
    named: Sequence[tuple[str, str]],
) -> list[int]:
    """Remember fixes by their digest alone; give the places of those that were not known."""
    content = fixes.digest
    found: dict[UUID, int] = {}
    for place in places:
        name = f"{'/'.join(named[place])}/".encode()
        numbers = struct.pack("<qq", int(fixes.event_time_us[place]), int(fixes.sequence[place]))
        found.setdefault(UUID(bytes=masks.digest(name, numbers, content[place].tobytes())), place)
    if not found:
        return []
    hours = [hour_of(instant(int(fixes.received_us[place]))) for place in found.values()]
    parameters = {"digests": list(found), "hours": hours}
    return [found[digest] for (digest,) in connection.execute(query("masks", "insert_reduced"), parameters)]
