"""How long a container went without being emptied."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kernels.levels import NONE, drops, longest_unemptied
from rules.emptyings import confirmed
from rules.measures import EmptiedMeasure
from rules.numbers import value_on
from rules.standards.measured import Measured, Question


def measure(terms: EmptiedMeasure, question: Question) -> Measured:
    """Measure one window.

    Parameters
    ----------
    terms : EmptiedMeasure
    question : Question

    Returns
    -------
    Measured

    Notes
    -----
    An emptying is a fall of the fill that stays, not a fill under a threshold. Where the fill is at or below the
    residual an emptying could pass unseen, so time spent there proves no neglect.
    """
    samples, window = question.samples, question.window
    drop_ppm, residual_ppm = (round(value_on(n, window.day) * 1_000_000) for n in (terms.drop, terms.residual))
    lo_ppm, hi_ppm = samples.lo_ppm - question.error_ppm, samples.hi_ppm + question.error_ppm
    kind = drops(
        samples.t_us,
        lo_ppm.astype(np.int32),
        hi_ppm.astype(np.int32),
        drop_ppm,
        residual_ppm,
        question.max_gap_us,
    )
    if not question.is_literal:
        kind = confirmed(kind, samples, drop_ppm, residual_ppm, question.max_gap_us)
    adverse = np.array(question.is_borne, np.uint8)
    scan, start, end = (np.array([us], np.int64) for us in (question.scan_start_us, window.start_us, window.end_us))
    bounds = longest_unemptied(samples.t_us, kind, adverse, question.max_gap_us, scan, start, end)
    proven, borne, possible = (int(bound[0]) for bound in bounds)
    return Measured(proven, borne, possible, *_span(question, kind, proven))


def _span(question: Question, kind: NDArray[np.int8], proven: int) -> tuple[int, int]:
    """Where the longest stretch without any emptying lies."""
    window, scan_us = question.window, question.scan_start_us
    inside = np.clip(question.samples.t_us, scan_us, window.end_us)
    start_us: int | None = None
    for k, (left_us, right_us) in enumerate(pairwise([scan_us, *map(int, inside), window.end_us])):
        if kind[k] != NONE:
            start_us = None
            continue
        start_us = left_us if start_us is None else start_us
        if right_us - start_us == proven and right_us > window.start_us:
            return start_us, right_us
    return window.start_us, window.start_us
