"""Frames that a network delivered more than once: one reading, at the time of the first delivery.

A network's time is of the delivery, and one frame heard by two gateways is delivered twice, moments apart, under one
counter. Both are kept as the network said. Here they become one again, by content and counter alone, whichever came
in first: the same bytes are one reading, other bytes are conflicting contents of one key.
"""

import numpy as np
from numpy.typing import NDArray

from sensors.columns import Columns
from sensors.readings import REPEAT_US, EventTimeSource


def settled(found: Columns, event_time_source: NDArray[np.int16]) -> Columns:
    """Let frames delivered again within minutes stand under the first delivery's time, each content once.

    Parameters
    ----------
    found : Columns
        Sorted by device, event time, sequence and digest.
    event_time_source : ndarray of int16
        Which clock ruled, of each reading. Shape (n,).
    """
    frames = np.flatnonzero((event_time_source == EventTimeSource.NETWORK) & (found.sequence != 0))
    if len(frames) < 2:  # noqa: PLR2004  # one alone repeats nothing
        return found
    device_id, sequence, time_us = found.device_id[frames], found.sequence[frames], found.event_time_us[frames]
    order = np.lexsort((time_us, sequence, device_id))
    parts = (device_id[order], sequence[order])
    is_first = np.logical_or.reduce([np.diff(part, prepend=part[0] - 1) != 0 for part in parts])
    is_first |= np.diff(time_us[order], prepend=time_us[order][0]) > REPEAT_US
    if is_first.all():
        return found
    first_us = time_us[order][is_first][np.cumsum(is_first) - 1]
    event_time_us = found.event_time_us.copy()
    event_time_us[frames[order]] = first_us
    digest = np.array([one.tobytes() for one in found.digest], "S16")
    place = np.lexsort((digest, found.sequence, event_time_us, found.device_id))
    keys = (found.device_id[place], event_time_us[place], found.sequence[place])
    is_new = np.logical_or.reduce([np.diff(key, prepend=key[0] - 1) != 0 for key in keys])
    is_new[1:] |= digest[place][1:] != digest[place][:-1]
    return found.moved(event_time_us).rows(place[is_new])
