"""What was stored lately: a guess that costs nothing, so that a batch with a few resends need not be looked up whole.

A link that drops sends some messages again, most within minutes. Which of them are there already the server can tell
only key by key, at ten times the price of copying them in. So each connection remembers the keys that it stored, a
million or so, in two Bloom filters. A key may be taken for another, and a key of another worker is not known: it is a
guess. Whoever is guessed to be there goes through the stage, where the server decides; if one is there that nobody
guessed, the server refuses the copy, and all go through the stage. Nothing but speed depends on it.

References
----------
B. H. Bloom, Space/time trade-offs in hash coding with allowable errors, Communications of the ACM 13(7), 1970,
doi:10.1145/362686.362692.
"""

from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from numpy.typing import NDArray

# Flags a filter, looks a key, and keys until the other filter is begun anew: one guess in 90,000 is wrong at the
# worst, one batch in ten, for 32 MB each. With one look nearly every batch had some, and went to the stage for them.
_FLAGS = 2**25
_KEYS_MAX = 500_000
_SHIFT = np.uint64(64 - 25)
# Odd numbers that mix all bits (from the fractions of the golden ratio and of the square roots of 3, 5 and 7).
_MIX = tuple(
    np.uint64(one) for one in (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1)
)


class Recent:
    """Keys that were stored lately, by guess."""

    def __init__(self) -> None:
        self._newer = np.zeros(_FLAGS, np.bool_)
        self._older = np.zeros(_FLAGS, np.bool_)
        self._count = 0

    def holds(self, places: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Guess which keys are there. Shape (n,)."""
        found = np.zeros(places.shape[1], np.bool_)
        for flags in (self._newer, self._older):
            # Few pass the first look.
            left = np.flatnonzero(flags[places[0]])
            for look in places[1:]:
                left = left[flags[look[left]]]
            found[left] = True
        return found

    def add(self, places: NDArray[np.uint64]) -> None:
        """Remember keys."""
        if self._count > _KEYS_MAX:
            self._older, self._newer = self._newer, self._older
            self._newer[:] = False
            self._count = 0
        self._newer[places] = True
        self._count += places.shape[1]


def places_of(kind: str, *key: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash keys (device, event time, sequence) of a kind to places in a filter. Shape (looks, n)."""
    mixed = np.full(len(key[0]), np.uint64(sum(kind.encode()) + 1))
    for part, odd in zip(key, _MIX, strict=False):
        mixed = (mixed ^ part.astype(np.uint64)) * odd
        mixed ^= mixed >> np.uint64(29)
    looks: list[NDArray[np.uint64]] = []
    for odd in _MIX:
        mixed = mixed * odd
        mixed ^= mixed >> np.uint64(32)
        looks.append(mixed * odd >> _SHIFT)
    return np.stack(looks)


_recent: "WeakKeyDictionary[psycopg.Connection, Recent]" = WeakKeyDictionary()


def recent_of(connection: psycopg.Connection) -> Recent:
    """Give what a connection has stored lately."""
    found = _recent.get(connection)
    if found is None:
        found = _recent[connection] = Recent()
    return found
