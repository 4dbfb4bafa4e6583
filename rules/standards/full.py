"""How long a container was full: the longest run, or the total time, at or above a fill."""

import numpy as np
from numpy.typing import NDArray

from kernels.levels import ABOVE, longest_run, states, time_above
from rules.measures import FullMeasure
from rules.numbers import dated_on, value_on
from rules.standards.measured import Measured, Question
from sensors.readings import NOT_SAID


def measure(terms: FullMeasure, question: Question) -> Measured:
    """Measure one window.

    Parameters
    ----------
    terms : FullMeasure
    question : Question

    Returns
    -------
    Measured

    Notes
    -----
    A sample is full for certain when its lowest possible fill reaches the threshold, not full for certain when its
    highest stays under it. A container whose installation names no threshold is neither.
    """
    samples, window = question.samples, question.window
    threshold_ppm = _threshold(terms, question)
    lo_ppm = np.where(threshold_ppm == NOT_SAID, NOT_SAID, samples.lo_ppm - question.error_ppm)
    hi_ppm = np.where(threshold_ppm == NOT_SAID, -NOT_SAID - 1, samples.hi_ppm + question.error_ppm)
    threshold_ppm = np.where(threshold_ppm == NOT_SAID, 0, threshold_ppm).astype(np.int32)
    state = states(lo_ppm.astype(np.int32), hi_ppm.astype(np.int32), threshold_ppm)
    adverse = np.array(question.is_borne, np.uint8)
    scan, start, end = (np.array([us], np.int64) for us in (question.scan_start_us, window.start_us, window.end_us))
    if terms.kind == "total_time":
        bounds = time_above(samples.t_us, state, adverse, question.max_gap_us, start, end)
    else:
        bounds = longest_run(samples.t_us, state, adverse, question.max_gap_us, scan, start, end)
    proven, borne, possible = (int(bound[0]) for bound in bounds)
    return Measured(proven, borne, possible, *_span(question, state, proven))


def _threshold(terms: FullMeasure, question: Question) -> NDArray[np.int32]:
    day = question.window.day
    if dated_on(terms.value, day).value == "installation":
        return question.samples.full_at_ppm
    return np.full(len(question.samples.t_us), round(value_on(terms.value, day) * 1_000_000), np.int32)


def _span(question: Question, state: NDArray[np.int8], proven: int) -> tuple[int, int]:
    """Where the longest proven run lies; a total has no one place, so it is given the window's start."""
    t_us, window = question.samples.t_us, question.window
    start_us: int | None = None
    for k in range(1, len(t_us)):
        if not (state[k - 1] == ABOVE == state[k] and t_us[k] - t_us[k - 1] <= question.max_gap_us):
            start_us = None
            continue
        start_us = max(int(t_us[k - 1]), question.scan_start_us) if start_us is None else start_us
        end_us = min(int(t_us[k]), window.end_us)
        if end_us - start_us == proven and end_us > window.start_us:
            return start_us, end_us
    return window.start_us, window.start_us
