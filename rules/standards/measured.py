"""What a measure says of one window."""

from dataclasses import dataclass

from rules.calendar import Window
from rules.events import Samples


@dataclass(frozen=True, slots=True)
class Measured:
    """Bounds of a measure, and where its proven part lies.

    Parameters
    ----------
    proven, borne, possible : int
        At least, with every gap that the contractor bears at its worst, at most. [us]
    from_us, until_us : int
        Span of the proven stretch; equal where nothing is proven. [us since 1970, UTC]
    """

    proven: int
    borne: int
    possible: int
    from_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one window.

    Parameters
    ----------
    samples : Samples
        From `max_gap` before the scan to `max_gap` after the window.
    is_borne : tuple of bool
        For each of the n + 1 intervals between n samples: whether the contractor bears it if it is a gap.
    scan_start_us : int
        From where a stretch may carry in; the window's start where none may. [us since 1970, UTC]
    window : Window
    error_ppm, max_gap_us : int
        Error of the signal [ppm]; readings further apart say nothing of the time between. [us]
    is_literal : bool
        Whether every sample is taken at its word, though its neighbours speak against it.
    """

    samples: Samples
    is_borne: tuple[bool, ...]
    scan_start_us: int
    window: Window
    error_ppm: int
    max_gap_us: int
    is_literal: bool = False
