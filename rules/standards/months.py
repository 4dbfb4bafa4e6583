"""Measures of a fill, for many containers and windows at once: what the judging of each would find, without a trace.

A city asks for the measures of a month before it asks why: which containers were full for how long. Where nothing was
silent, and one sensor hung at the asset all along, the columns of all assets go into one walk (`kernels.runs`); any
other window is measured by itself, with the causes of its gaps, as it is when it is judged. So the numbers are the
same, whichever way they came.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels.availability import slots
from kernels.runs import longest_runs, times_above
from rules.assets import Asset, Installation
from rules.calendar import Window
from rules.contract import Standard
from rules.measures import FullMeasure
from rules.numbers import PPM, dated_on, value_on
from rules.standards.containers import Known, is_judged, judged_window, known_of, numbers_of
from rules.standards.judging import Facts, Judged
from sensors.readings import NOT_SAID

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measures:
    """Bounds of each asset in each window, in the order of assets, then windows.

    Parameters
    ----------
    assets : tuple of str
    windows : tuple of Window
    asset, window : ndarray of int64
        Place of each row's asset and window. Shape (m,). [index]
    proven, borne, possible : ndarray of int64
        Shape (m,). [us]
    received, expected : ndarray of int64
        Readings by slot. Shape (m,). [count]
    """

    assets: tuple[str, ...]
    windows: tuple[Window, ...]
    asset: Ints
    window: Ints
    proven: Ints
    borne: Ints
    possible: Ints
    received: Ints
    expected: Ints


def measures(facts: Facts, standard: Standard, windows: Sequence[Window], assets: Sequence[Asset]) -> Measures:
    """Measure how long containers were full, in all windows.

    Parameters
    ----------
    facts : Facts
    standard : Standard
        With the measure of a fill.
    windows : sequence of Window
        Of a span of days; nearly all have the numbers of the first, and go together.
    assets : sequence of Asset
        All of the register's, or a part of them: parts have nothing to do with each other, so that several threads
        may each take one.

    Returns
    -------
    Measures
        As `rules.assess.assess` would find them.

    Raises
    ------
    TypeError
        If the standard measures something else.

    Notes
    -----
    O(readings) for assets without a silence; a window with one costs as much as when it is judged.
    """
    if not isinstance(standard.measure, FullMeasure):
        raise TypeError(f"{standard.measure.kind} is no measure of how long a container was full")
    facts = replace(facts, bearers=facts.terms.bearers(standard))
    installed: defaultdict[str, list[Installation]] = defaultdict(list)
    for one in facts.register.installations:
        installed[one.asset].append(one)
    asked = _Asked(standard, windows)
    laid, rows, row = _Laid(), list[tuple[Ints, Ints]](), 0
    slow: list[tuple[int, Judged]] = []
    for place, asset in enumerate(assets):
        judged = np.array(
            [k for k, one in enumerate(windows) if is_judged(facts.terms, standard, asset, one)], np.int64
        )
        rows.append((np.full(judged.size, place), judged))
        if judged.size == 0:
            continue
        known = known_of(facts, asset, installed[asset.asset])
        is_plain = _is_plain(asked, known, judged)
        here = np.arange(row, row + judged.size)
        row += judged.size
        slow += [
            (int(here[k]), judged_window(facts, standard, known, windows[int(judged[k])]))
            for k in np.flatnonzero(~is_plain).tolist()
        ]
        if is_plain.any():
            laid.add(known, asked.limits_of(known), (here[is_plain], judged[is_plain]))
    found = np.zeros((5, row), np.int64)
    for at, one in slow:
        found[:, at] = one.bounds.proven, one.bounds.borne, one.bounds.possible, one.received, one.expected
    laid.measure(asked, found)
    places = [np.concatenate([np.empty(0, np.int64), *(pair[k] for pair in rows)]) for k in (0, 1)]
    return Measures(tuple(one.asset for one in assets), tuple(windows), places[0], places[1], *found)


class _Asked:
    """A standard's windows as columns, and its numbers, looked up once.

    Parameters
    ----------
    standard : Standard
    windows : sequence of Window
    """

    def __init__(self, standard: Standard, windows: Sequence[Window]) -> None:
        several = [numbers_of(standard, one.day) for one in windows]
        declared = [_declared_ppm(standard, one) for one in windows]
        self.kind = standard.measure.kind
        self.start_us, self.end_us = (
            np.array([bound(one) for one in windows], np.int64) for bound in (_start_us, _end_us)
        )
        self.scan_us = self.start_us
        if isinstance(standard.measure, FullMeasure) and standard.measure.across_windows:
            look_back_us = np.array([one.look_back_us for one in several], np.int64)
            self.scan_us = np.minimum(self.start_us, self.end_us - look_back_us)
        # Windows of a day on which other numbers hold are measured one by one.
        self.is_usual = np.array(
            [(one, ppm) == (several[0], declared[0]) for one, ppm in zip(several, declared, strict=True)]
        )
        self.numbers = several[0] if several else None
        self._declared_ppm = declared[0] if declared else None

    def limits_of(self, known: Known) -> tuple[int, int]:
        """From which fill on a sample is surely full, and under which it surely is not. [ppm]."""
        full_ppm = self._declared_ppm
        if full_ppm is None:
            full_ppm = known.sources[0].installation.full_at_ppm
        if full_ppm is None or self.numbers is None:
            # Without a threshold a sample is neither: no fill reaches the one, all reach the other.
            return -NOT_SAID - 1, NOT_SAID
        return full_ppm + self.numbers.error_ppm, full_ppm - self.numbers.error_ppm


class _Laid:
    """Columns of assets whose windows are measured together, and the rows of these."""

    def __init__(self) -> None:
        self._known: list[Known] = []
        self._limits: list[tuple[int, int]] = []
        self._rows: list[tuple[Ints, Ints]] = []

    def add(self, known: Known, limits: tuple[int, int], rows: tuple[Ints, Ints]) -> None:
        """Put an asset beside the others: its limits, its rows and their windows."""
        self._known.append(known)
        self._limits.append(limits)
        self._rows.append(rows)

    def measure(self, asked: _Asked, found: Ints) -> None:
        """Measure, and write what is found into its rows."""
        if not self._known or asked.numbers is None:
            return
        several = [one.samples for one in self._known]
        row, window = (np.concatenate([rows[k] for rows in self._rows]) for k in (0, 1))
        series = (_starts([one.t_us for one in several]), _starts([rows[0] for rows in self._rows]))
        t_us = np.concatenate([one.t_us for one in several])
        fills = (np.concatenate([one.lo_ppm for one in several]), np.concatenate([one.hi_ppm for one in several]))
        above_ppm, below_ppm = (np.array([limits[k] for limits in self._limits], np.int32) for k in (0, 1))
        # No gap lies in these windows, so nobody has to bear one.
        adverse = np.zeros(t_us.size + len(several), np.uint8)
        scan_us, start_us, end_us = (bound[window] for bound in (asked.scan_us, asked.start_us, asked.end_us))
        columns = (t_us, fills, (above_ppm, below_ppm), adverse, asked.numbers.max_gap_us, series)
        if asked.kind == "total_time":
            found[:3, row] = times_above(*columns, (start_us, end_us))
        else:
            found[:3, row] = longest_runs(*columns, (scan_us, start_us, end_us))
        for place, one in enumerate(several):
            here = slice(series[1][place], series[1][place + 1])
            found[3:, row[here]] = slots(one.t_us, asked.numbers.every_us, start_us[here], end_us[here])


def _start_us(window: Window) -> int:
    return window.start_us


def _end_us(window: Window) -> int:
    return window.end_us


def _declared_ppm(standard: Standard, window: Window) -> int | None:
    """Fill that counts as full on a window's day, None where each installation says its own. [ppm]."""
    value = standard.measure.value if isinstance(standard.measure, FullMeasure) else ()
    return None if dated_on(value, window.day).value == "installation" else round(value_on(value, window.day) * PPM)


def _is_plain(asked: _Asked, known: Known, judged: Ints) -> NDArray[np.bool_]:
    """Tell in which windows nothing was silent, and one sensor hung there and the asset stood there all along."""
    if len(known.sources) != 1 or asked.numbers is None:
        return np.zeros(judged.size, np.bool_)
    hung, asset, t_us = known.sources[0].installation, known.asset, known.samples.t_us
    scan_us, end_us, max_gap_us = asked.scan_us[judged], asked.end_us[judged], asked.numbers.max_gap_us
    is_plain = (max(hung.since_us, asset.since_us) <= scan_us - max_gap_us) & asked.is_usual[judged]
    is_plain &= end_us + max_gap_us <= min(hung.until_us, asset.until_us)
    # From the last sample before the scan to the first one after the window no two are too far apart.
    before, after = np.searchsorted(t_us, scan_us, side="right") - 1, np.searchsorted(t_us, end_us)
    is_plain &= (before >= 0) & (after < t_us.size)
    silent = np.concatenate(([0], np.cumsum(np.diff(t_us) > max_gap_us)))
    inside = np.clip(np.stack([before, after]), 0, silent.size - 1)
    return is_plain & (silent[inside[1]] == silent[inside[0]])


def _starts(several: Sequence[Ints]) -> Ints:
    return np.concatenate(([0], np.cumsum([one.size for one in several], dtype=np.int64)))
