"""How well a match follows the truth: lengths on directed streets, each as often as it was driven."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.accuracy.drives import Piece


@dataclass(frozen=True, slots=True)
class Score:
    """Sums over drives. [mm, mm, mm, count, count]."""

    true_mm: int = 0
    found_mm: int = 0
    extra_mm: int = 0
    fixes: int = 0
    right: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def recall(self) -> float:
        """Share of the true length that was found."""
        return self.found_mm / self.true_mm

    @property
    def extra(self) -> float:
        """Length matched that was not driven, as a share of the true length."""
        return self.extra_mm / self.true_mm

    @property
    def hit(self) -> float:
        """Share of fixes on the true street."""
        return self.right / self.fixes


def score(
    truth: Iterable[Piece], matched: Iterable[Piece], true_segments: Sequence[int], segments: Sequence[int]
) -> Score:
    """Compare one drive with its match.

    Parameters
    ----------
    truth, matched : iterable of Piece
        Driven twice counts twice, and so does matched twice.
    true_segments, segments : sequence of int
        Street of each fix, -1 for none.
    """
    spans: dict[int, tuple[list[Piece], list[Piece]]] = {}
    for side, pieces in enumerate((truth, matched)):
        for piece in pieces:
            spans.setdefault(piece.edge, ([], []))[side].append(piece)
    true_mm = found_mm = extra_mm = 0
    for true, said in spans.values():
        cuts = np.unique([cut for piece in (*true, *said) for cut in (piece.begin_mm, piece.end_mm)]).astype(np.int64)
        width = np.diff(cuts)
        times = [_times(cuts, pieces) for pieces in (true, said)]
        true_mm += int(width @ times[0])
        found_mm += int(width @ np.minimum(*times))
        extra_mm += int(width @ np.maximum(times[1] - times[0], 0))
    right = sum(one == other for one, other in zip(true_segments, segments, strict=True))
    return Score(true_mm, found_mm, extra_mm, len(true_segments), right)


def _times(cuts: NDArray[np.int64], pieces: Iterable[Piece]) -> NDArray[np.int64]:
    """Count how often each span between two cuts is covered."""
    count = np.zeros(max(cuts.size - 1, 0), np.int64)
    for piece in pieces:
        count[np.searchsorted(cuts, piece.begin_mm) : np.searchsorted(cuts, piece.end_mm)] += 1
    return count
