"""Why nothing is known of a span: inferred at assessment, from what else was heard meanwhile.

An *outage* is a span in which nearly all devices behind one gateway, or nearly all gateways of a source, were silent
together, each for longer than it is its habit. A silence is cut at the edges of outages, so that what a device kept
silent by itself, before or after, stays its own. Of that the device's last word may tell why.

Times are event times, so what was buffered fills an outage and no order of arrival decides. Evidence ends `max_gap`
beyond what is measured, so that an outage is told from a coincidence at the edges too; no reading further off can
change a cause.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from rules.assets import Installation, Register
from rules.records import GapCause
from sensors.columns import Columns

# Two silent devices are a coincidence of two weak batteries often enough; of three it is rare, and three is also the
# least of which most can be told from half.
GATEWAY_DEVICES_MIN = 3
# Without gateways nothing but the number speaks: devices of one contract also share a maker, a firmware and a depot.
NETWORK_DEVICES_MIN = 5
# One in this many may be heard during an outage: it has another gateway in reach. Of fewer all must be silent, so
# that nobody with access to most containers of a street can make an outage.
ONE_IN = 10
# From so many readings on a device has a habit: of two intervals neither is the rule and neither the exception.
HABIT_READINGS_MIN = 3
# A silence this many times the habit (3 : 2) has swallowed at least one reading; at 1 : 1 it may be jitter.
_HABIT_TIMES = (3, 2)
# A lithium cell of 3.6 V stays flat until it is nearly spent and then falls within days; radios of that class give up
# between 2.8 and 1.8 V. A healthy cell of 3.0 V stays above, what says less than 1.8 V is another kind of supply.
BATTERY_SPENT_MV = (1_800, 2_800)
_LEVEL_KIND = "fill_level"
# Kinds whose readings say something of the battery or the ignition.
_TELLING_KINDS = (_LEVEL_KIND, "position_fix")
# The wider first: where both are out, the network is.
_OUT = (GapCause.NETWORK, GapCause.GATEWAY)


@dataclass(frozen=True, slots=True)
class Looked:
    """What an opportunity looks at.

    Parameters
    ----------
    kind : str
        Of the readings: others may be loaded for other spans, and are no evidence.
    first_us, until_us : int
        Of the samples: `max_gap` further than what is measured. Half open. [us since 1970, UTC]
    max_gap_us : int
        Readings further apart say nothing of the time between. [us]
    """

    kind: str
    first_us: int
    until_us: int
    max_gap_us: int

    @property
    def evidence_us(self) -> tuple[int, int]:
        """Span in which it counts who was heard. Half open. [us since 1970, UTC]."""
        return self.first_us - self.max_gap_us, self.until_us + self.max_gap_us


@dataclass(frozen=True, slots=True)
class Silence:
    """A span of which nothing is known, and why.

    Parameters
    ----------
    from_us, until_us : int
        Half open. [us since 1970, UTC]
    cause : GapCause
    """

    from_us: int
    until_us: int
    cause: GapCause


@dataclass(frozen=True, slots=True)
class Presence:
    """When devices, gateways and sources were heard.

    Parameters
    ----------
    register : Register
    readings : mapping of (kind, source, device) to Columns
    """

    register: Register
    readings: Mapping[tuple[str, str, str], Columns]
    _heard: dict[tuple[str, str, str], NDArray[np.int64]] = field(
        default_factory=dict[tuple[str, str, str], NDArray[np.int64]], init=False, repr=False, compare=False
    )
    _outages: dict[tuple[Looked, str], dict[str, tuple[Silence, ...]]] = field(
        default_factory=dict[tuple[Looked, str], dict[str, tuple[Silence, ...]]],
        init=False,
        repr=False,
        compare=False,
    )

    def heard_us(self, kind: str, source: str, device: str) -> NDArray[np.int64]:
        """When a device was heard, ascending; a reading whose clock was wrong tells no time.

        Parameters
        ----------
        kind, source, device : str
        """
        key = (kind, source, device)
        if key not in self._heard:
            said = self.readings.get(key)
            times_us = np.empty(0, np.int64) if said is None else said.event_time_us[~said.is_doubted]
            self._heard[key] = np.unique(times_us)
        return self._heard[key]

    def outages(self, looked: Looked, source: str, gateway: str) -> tuple[Silence, ...]:
        """Find when a gateway, or all that its source has, was out: ascending, apart, each longer than `max_gap`.

        Parameters
        ----------
        looked : Looked
        source, gateway : str
            Without a gateway's name, outages of the source only.

        Notes
        -----
        At an instant a device is *silent* (within a silence longer than `max_gap` and than its habit), *speaking*
        (within none longer than `max_gap`), or no evidence: its habit is too slow to tell. A gateway is out where at
        least `GATEWAY_DEVICES_MIN` are silent and nearly none of the others speaks; a source, where that holds of
        nearly all its gateways. A level sensor that nobody heard in the whole span is silent about fill levels if its
        asset stands in a zone: else an outage of two days would be none on the second. Of other devices it is not
        known whether they owe the kind at all. Once for each source and span: O(d r), d devices of r
        readings.
        """
        key = (looked, source)
        if key not in self._outages:
            self._outages[key] = _find_outages(self, looked, source)
        return self._outages[key].get(gateway, ())


def silence_cause(presence: Presence, installation: Installation, from_us: int, until_us: int) -> GapCause:
    """Say what a device's last word tells of the silence after it.

    Parameters
    ----------
    presence : Presence
    installation : Installation
    from_us, until_us : int
        From its last reading before to its first one after. [us since 1970, UTC]

    Returns
    -------
    GapCause
        `operator_off` where it said that the ignition is off, `device` where its battery was spent, else `unknown`.
        So too where it said nothing at `from_us`, or was heard in the span after all.
    """
    for kind in _TELLING_KINDS:
        key = (kind, installation.source, installation.device)
        said = presence.readings.get(key)
        if said is None or not len(said):
            continue
        heard_us = presence.heard_us(*key)
        here, after = np.searchsorted(heard_us, (from_us, from_us + 1))
        if here == after or (after < len(heard_us) and heard_us[after] < until_us):
            continue
        word = said.between(from_us, from_us + 1)
        word = word.rows(~word.is_doubted)
        ignition, battery_mv = word.numbers.get("ignition"), word.numbers.get("battery_mv")
        # Of two contents at one instant neither is believed against the other.
        if ignition is not None and bool(np.all(ignition == 0)):
            return GapCause.OPERATOR_OFF
        spent_mv = BATTERY_SPENT_MV
        if battery_mv is not None and bool(np.all((spent_mv[0] <= battery_mv) & (battery_mv <= spent_mv[1]))):
            return GapCause.DEVICE
    return GapCause.UNKNOWN


def silences(
    presence: Presence, looked: Looked, installations: Sequence[Installation], gap: tuple[int, int], own: GapCause
) -> list[Silence]:
    """Cut a gap at the edges of outages.

    Parameters
    ----------
    presence : Presence
    looked : Looked
    installations : sequence of Installation
        At the asset; the outage of any of them is one of the gap.
    gap : tuple of int
        Within what is looked at. Half open. [us since 1970, UTC]
    own : GapCause
        Of what no outage covers.

    Returns
    -------
    list of Silence
        Ascending, without holes, neighbours of different causes.

    Notes
    -----
    What is left beside an outage and not longer than `max_gap` belongs to it: the device spoke as often as it had to
    before the outage and after. An outage of which the gap holds no more than that is none of the gap's: the device
    itself was heard in it.
    """
    from_us, until_us = gap
    hung = [(max(from_us, one.since_us), min(until_us, one.until_us), one) for one in installations]
    outages = [
        Silence(max(lo_us, out.from_us), min(hi_us, out.until_us), out.cause)
        for lo_us, hi_us, one in hung
        for out in presence.outages(looked, one.source, one.gateway)
        if max(lo_us, out.from_us) < min(hi_us, out.until_us)
    ]
    if not outages:
        return [Silence(from_us, until_us, own)]
    edges_us = sorted({from_us, until_us, *(us for out in outages for us in (out.from_us, out.until_us))})
    parts = _merged(Silence(*span, _worst(outages, span[0], own)) for span in pairwise(edges_us))
    kept: list[Silence] = []
    for is_out, group in groupby(parts, lambda part: part.cause in _OUT):
        run = list(group)
        begin_us, end_us = run[0].from_us, run[-1].until_us
        # At the edge of what is looked at it was cut short by that, not by a word of the device.
        is_cut = looked.first_us < begin_us and end_us < looked.until_us and end_us - begin_us <= looked.max_gap_us
        kept += [Silence(begin_us, end_us, own)] if is_out and is_cut else run
    parts = _merged(kept)
    for k, part in enumerate(parts):
        if part.cause not in _OUT and part.until_us - part.from_us <= looked.max_gap_us and len(parts) > 1:
            beside = parts[k - 1] if k else parts[k + 1]
            parts[k] = Silence(part.from_us, part.until_us, beside.cause)
    return _merged(parts)


def _worst(outages: Sequence[Silence], at_us: int, own: GapCause) -> GapCause:
    causes = {out.cause for out in outages if out.from_us <= at_us < out.until_us}
    return next((cause for cause in _OUT if cause in causes), own)


def _merged(parts: Iterable[Silence]) -> list[Silence]:
    found: list[Silence] = []
    for part in parts:
        if found and found[-1].cause == part.cause:
            part = Silence(found.pop().from_us, part.until_us, part.cause)  # noqa: PLW2901
        found.append(part)
    return found


def _find_outages(presence: Presence, looked: Looked, source: str) -> dict[str, tuple[Silence, ...]]:
    """Sweep over the silences of a source's devices."""
    devices = [one for one in presence.register.installations if one.source == source]
    ways = {way: k for k, way in enumerate(sorted({one.gateway for one in devices}))}
    is_level = looked.kind == _LEVEL_KIND
    levelled = {asset.asset for asset in presence.register.assets if asset.zone and is_level}
    # From an instant on: so many more devices of a way are silent, so many more speak.
    turns: list[tuple[int, int, int, int]] = []
    for one in devices:
        turns += _turns(
            presence, looked, one, ways[one.gateway], is_mute_counted=one.asset in levelled and _is_level_sensor(one)
        )
    points_us = np.array(sorted({turn[0] for turn in turns}), np.int64)
    silent = np.zeros((len(ways), len(points_us)), np.int64)
    speaking = np.zeros_like(silent)
    places = {int(us): k for k, us in enumerate(points_us)}
    for us, way, more_silent, more_speaking in turns:
        silent[way, places[us]] += more_silent
        speaking[way, places[us]] += more_speaking
    silent, speaking = silent.cumsum(axis=1), speaking.cumsum(axis=1)
    is_mute = (silent > 0) & _nearly(silent, speaking)
    mute = is_mute.sum(axis=0)
    loud = ((silent + speaking > 0) & ~is_mute).sum(axis=0)
    named = np.array([bool(way) for way in ways], np.bool_)
    needed = np.where(mute > 1, GATEWAY_DEVICES_MIN, NETWORK_DEVICES_MIN)
    # A single gateway cannot be told from its network: it is the nearer of the two.
    is_several = (mute > 1) | ~(is_mute & named[:, None]).any(axis=0)
    network, is_down = _runs(
        points_us, (mute > 0) & _nearly(mute, loud) & is_several & (silent.sum(axis=0) >= needed), looked.max_gap_us
    )
    found: dict[str, tuple[Silence, ...]] = {}
    for way, k in ways.items():
        is_out = is_mute[k] & (silent[k] >= GATEWAY_DEVICES_MIN) & named[k] & ~is_down
        gateway, _ = _runs(points_us, is_out, looked.max_gap_us)
        parts = [(*span, GapCause.NETWORK) for span in network] + [(*span, GapCause.GATEWAY) for span in gateway]
        found[way] = tuple(Silence(*part) for part in sorted(parts))
    return found


def _is_level_sensor(one: Installation) -> bool:
    return one.empty_mm is not None or one.full_at_ppm is not None


def _nearly(some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    return some * ONE_IN >= (ONE_IN - 1) * (some + others)


def _turns(
    presence: Presence, looked: Looked, one: Installation, way: int, *, is_mute_counted: bool
) -> list[tuple[int, int, int, int]]:
    """When a device falls silent and speaks again: instant, way, change of the silent, change of the speaking."""
    first_us, until_us = looked.evidence_us
    lo_us, hi_us = max(one.since_us, first_us), min(one.until_us, until_us)
    heard_us = presence.heard_us(looked.kind, one.source, one.device)
    heard_us = heard_us[slice(*np.searchsorted(heard_us, (lo_us, hi_us)))]
    if lo_us >= hi_us or not (len(heard_us) or is_mute_counted):
        return []
    ends_us = np.concatenate(([lo_us], heard_us, [hi_us]))
    lengths_us = np.diff(ends_us)
    habit_us = 0
    if len(heard_us) >= HABIT_READINGS_MIN:
        between_us = lengths_us[1:-1]
        # The lower median: a number that was seen, never one between two.
        middle = (len(between_us) - 1) // 2
        habit_us = int(np.partition(between_us, middle)[middle])
    turns = [(lo_us, way, 0, 1), (hi_us, way, 0, -1)]
    for k in np.flatnonzero(lengths_us > looked.max_gap_us):
        more, times = _HABIT_TIMES
        is_telling = int(int(lengths_us[k]) * times >= more * habit_us)
        turns += [(int(ends_us[k]), way, is_telling, -1), (int(ends_us[k + 1]), way, -is_telling, 1)]
    return turns


def _runs(
    points_us: NDArray[np.int64], holds: NDArray[np.bool_], longer_us: int
) -> tuple[list[tuple[int, int]], NDArray[np.bool_]]:
    """Find the spans in which something holds for longer, and mark the points in them."""
    edges = np.flatnonzero(np.diff(holds.astype(np.int8), prepend=np.int8(0), append=np.int8(0)))
    spans: list[tuple[int, int]] = []
    marked = np.zeros_like(holds)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        # At the last point every device has left, so nothing holds there.
        if points_us[end] - points_us[begin] > longer_us:
            spans.append((int(points_us[begin]), int(points_us[end])))
            marked[begin:end] = True
    return spans, marked
