"""Collection masks of a contract: derived from its terms and register, stored for the worker."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from rules.assets import Register
from rules.contract import Terms
from rules.masks import masks_of
from storage import masks
from storage.connection import Connection
from storage.masks import Area


def store(connection: Connection, versions: Sequence[Terms], register: Register, now: datetime) -> int:
    """Derive and store the masks of a contract's vehicles.

    Parameters
    ----------
    versions : sequence of Terms
        All that are stored, in their order: a fix of last month that comes late is last month's terms' affair, and of
        a day the newest version's that holds on it.
    register : Register
    now : datetime
        Aware.

    Returns
    -------
    int
        How many devices have one.
    """
    areas: defaultdict[tuple[str, str], list[Area]] = defaultdict(list)
    for place, terms in enumerate(versions, 1):
        for one in masks_of(terms, register, versions[place:]):
            box = (one.box.south_e7, one.box.north_e7, one.box.west_e7, one.box.east_e7)
            areas[one.source, one.device] += [Area(*span, *box) for span in one.spans_us]
    if areas:
        masks.replace(connection, versions[-1].id, areas, now)
    return len(areas)
