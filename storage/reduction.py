"""Reduction: of a position fix outside its vehicle's collection mask only a count per hour is kept.

Applied inside the batch's transaction and before anything else of the fix is written, whichever door it came in by.
"""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import numpy as np
import psycopg

from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.quantities import LATITUDE, LONGITUDE
from sensors.readings import Outcome
from storage.instants import hour_of, instant
from storage.masks import Masks
from storage.sql import query
from storage.staging import Arrived, are_present, digests_of

# Source, device, event's hour, outcome.
Reduced: TypeAlias = Counter[tuple[str, str, datetime, Outcome]]
_LATITUDE, _LONGITUDE = (POSITION_FIX.quantities.index(quantity) for quantity in (LATITUDE, LONGITUDE))


def reduce(
    connection: psycopg.Connection, fixes: Sequence[Arrived], masks: Masks, known: Mapping[tuple[str, str], int]
) -> tuple[Sequence[Arrived], Reduced]:
    """Take out the fixes that may not be kept, and count them.

    A fix counted before, or stored while no mask forbade it, is a duplicate. One that a later, wider mask lets in
    when it is delivered again is accepted, although it was counted as reduced: what may be kept is kept.

    Parameters
    ----------
    fixes : sequence of (Reading, datetime)
        Position fixes.
    masks : Masks
    known : mapping of (source, device) to int
        Device ids.

    Returns
    -------
    tuple
        Fixes to be stored, and counts of the others.
    """
    kept = _kept(fixes, masks)
    outside = [fix for fix, is_kept in zip(fixes, kept, strict=True) if not is_kept]
    if not outside:
        return fixes, Counter()
    present = are_present(connection, POSITION_FIX, outside, known)
    fresh = [fix for place, fix in enumerate(outside) if place not in present]
    remembered = _remember(connection, fresh, masks)
    counts: Reduced = Counter()
    for reading, _ in outside:
        counts[reading.source, reading.device, hour_of(instant(reading.event_time_us)), Outcome.DUPLICATE] += 1
    for reading, _ in remembered:
        key = (reading.source, reading.device, hour_of(instant(reading.event_time_us)))
        counts[*key, Outcome.REDUCED] += 1
        counts[*key, Outcome.DUPLICATE] -= 1
    return [fix for fix, is_kept in zip(fixes, kept, strict=True) if is_kept], +counts


def _kept(fixes: Sequence[Arrived], masks: Masks) -> list[bool]:
    """Say of each fix whether its device's mask lets it in."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, (reading, _) in enumerate(fixes):
        places.setdefault((reading.source, reading.device), []).append(place)
    kept = np.ones(len(fixes), np.bool_)
    for device, mine in places.items():
        if device in masks.areas:
            said = [fixes[place][0] for place in mine]
            table = np.array(
                [(one.event_time_us, one.values[_LATITUDE], one.values[_LONGITUDE]) for one in said], np.int64
            )
            kept[mine] = masks.keeps(device, *table.T)
    return kept.tolist()


def _remember(connection: psycopg.Connection, fixes: Sequence[Arrived], masks: Masks) -> list[Arrived]:
    """Remember fixes by their digest alone; give those that were not known."""
    found: dict[UUID, Arrived] = {}
    for fix, content in zip(fixes, digests_of(fixes), strict=True):
        reading = fix[0]
        name = f"{reading.source}/{reading.device}/".encode()
        numbers = struct.pack("<qq", reading.event_time_us, reading.sequence)
        found.setdefault(UUID(bytes=masks.digest(name, numbers, content)), fix)
    if not found:
        return []
    hours = [hour_of(received) for _, received in found.values()]
    parameters = {"digests": list(found), "hours": hours}
    rows = connection.execute(query("masks", "insert_reduced"), parameters)
    return [found[digest] for (digest,) in rows]
