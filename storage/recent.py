"""What was stored lately: a guess that costs nothing, so that a batch with a few resends need not be looked up whole.

A link that drops sends some messages again, most within minutes. Which of them are there already the server can tell
only key by key, at ten times the price of copying them in. So each connection remembers the keys that it stored, a
million or so, in two tables of flags under a hash. A flag may be of another key, and a key of another worker has
none: it is a guess. Whoever is guessed to be there goes through the stage, where the server decides; if one is there
that nobody guessed, the server refuses the copy, and all go through the stage. Nothing but speed depends on it.
"""

from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from numpy.typing import NDArray

# Flags a table, and keys until the other table is begun anew: one guess in 30 is wrong at the worst, for 16 MB each.
_FLAGS = 2**24
_KEYS_MAX = 500_000
# Odd numbers that mix all bits (from the fractions of the golden ratio and of the square roots of 3 and 5).
_MIX = tuple(np.uint64(one) for one in (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B))
_SHIFT = np.uint64(64 - 24)


class Recent:
    """Keys that were stored lately, by guess."""

    def __init__(self) -> None:
        self._newer = np.zeros(_FLAGS, np.bool_)
        self._older = np.zeros(_FLAGS, np.bool_)
        self._count = 0

    def holds(self, places: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Guess which keys are there. Shape (n,)."""
        return self._newer[places] | self._older[places]

    def add(self, places: NDArray[np.uint64]) -> None:
        """Remember keys."""
        if self._count > _KEYS_MAX:
            self._older, self._newer = self._newer, self._older
            self._newer[:] = False
            self._count = 0
        self._newer[places] = True
        self._count += len(places)


def places_of(kind: str, *key: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash keys (device, event time, sequence) of a kind to places in a table of flags. Shape (n,)."""
    mixed = np.full(len(key[0]), np.uint64(sum(kind.encode()) + 1))
    for part, odd in zip(key, _MIX, strict=True):
        mixed = (mixed ^ part.astype(np.uint64)) * odd
        mixed ^= mixed >> np.uint64(29)
    return mixed * _MIX[0] >> _SHIFT


_recent: "WeakKeyDictionary[psycopg.Connection, Recent]" = WeakKeyDictionary()


def recent_of(connection: psycopg.Connection) -> Recent:
    """Give what a connection has stored lately."""
    found = _recent.get(connection)
    if found is None:
        found = _recent[connection] = Recent()
    return found
