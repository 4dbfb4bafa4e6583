"""The product's matcher as one of those that are compared."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.matched import Rows, match
from rules.places import Network
from tests.accuracy.drives import Piece, Seen

# Ways are looked for over every silence of the drives; what is proven over it is another question.
MAX_GAP_US: Final = 180_000_000

Ints = NDArray[np.int64]
Answer = tuple[list[Piece], Sequence[int]]


def answer(network: Network, seen: Seen) -> Answer:
    """Match what was seen; what was driven, and the street of each fix."""
    found = match(network, seen.fixes, MAX_GAP_US)
    return pieces_of(network, found.path), found.fix_segment.tolist()


def pieces_of(network: Network, found: Rows) -> list[Piece]:
    """Turn rows along a line into pieces along the way."""
    is_back = found.direction < 0
    length_mm = network.length_mm[found.segment]
    edge = 2 * found.segment.astype(np.int64) + is_back
    begin_mm = np.where(is_back, length_mm - found.to_mm, found.from_mm)
    end_mm = np.where(is_back, length_mm - found.from_mm, found.to_mm)
    rows = np.flatnonzero(end_mm > begin_mm)
    return [Piece(*map(int, row)) for row in zip(edge[rows], begin_mm[rows], end_mm[rows], strict=True)]
