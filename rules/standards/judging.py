"""What every measure shares: what is known, how bounds become a verdict, how a determination is made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rules.assets import Asset, Installation, Register
from rules.calendar import Window
from rules.causes import Presence
from rules.contract import Bearer, Standard, Terms
from rules.measures import InspectedMeasure, Measure, RecordedMeasure
from rules.numbers import dated_on, rounded, value_on
from rules.records import Determination, GapCause, Op, Unit, Verdict, digest
from sensors.columns import Columns

if TYPE_CHECKING:
    from rules.shifts import Shift

# Readings by kind, source and device.
Readings = Mapping[tuple[str, str, str], Columns]
_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Facts:
    """All that an assessment knows.

    Parameters
    ----------
    terms : Terms
    register : Register
    readings : mapping of (kind, source, device) to Columns
    presence : Presence
        When devices, gateways and sources were heard: tells why one fell silent.
    bearers : mapping
        Who bears each cause of a gap, under the standard that is judged.
    sweeps : dict
        Shifts matched so far, by vehicle, window and what counts as work: a cache, never an authority.
    """

    terms: Terms
    register: Register
    readings: Readings
    presence: Presence
    bearers: Mapping[GapCause, Bearer] = field(default_factory=dict[GapCause, Bearer])
    sweeps: dict[object, "Shift"] = field(default_factory=dict[object, "Shift"])

    def is_borne(self, cause: GapCause) -> bool:
        """Whether the contractor bears a gap."""
        return (self.bearers or self.terms.file.evidence.gap_bearer)[cause] == Bearer.CONTRACTOR


@dataclass(frozen=True, slots=True)
class Family:
    """How measures of one kind are judged.

    Parameters
    ----------
    kinds : tuple of str
        Kinds of reading that it looks at.
    looks : callable
        Standard and window to the span of the readings that it looks at. Half open. [us since 1970, UTC]
    subjects : callable or None
        What a standard judges in a window, each with its zone; None where only the readings tell (cases).
    judge : callable
        Facts, standard and windows to determinations.
    """

    kinds: tuple[str, ...]
    looks: Callable[[Standard, Window], tuple[int, int]]
    subjects: Callable[[Terms, Register, Standard, Window], Iterable[tuple[str, str]]] | None
    judge: Callable[[Facts, Standard, Sequence[Window]], Iterable[Determination]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """A measure: at least, with the contractor's gaps at their worst and other doubts to its benefit, at most."""

    proven: int
    borne: int
    possible: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What one opportunity is, and what was measured of it.

    Parameters
    ----------
    subject, zone : str
    window : Window
    bounds : Bounds
    received, expected : int
        Readings by slot.
    digests : dict of str
        Of `readings` and `register`.
    trace : dict
    """

    subject: str
    zone: str
    window: Window
    bounds: Bounds
    received: int
    expected: int
    digests: dict[str, str]
    trace: dict[str, Any]


def determination(terms: Terms, standard: Standard, judged: Judged) -> Determination:
    """Hold what was measured against the target.

    Parameters
    ----------
    terms : Terms
    standard : Standard
    judged : Judged
    """
    measure, day = standard.measure, judged.window.day
    bounds, exact = _rounded(measure, judged.bounds, day)
    target = target_on(standard, day)
    one = Determination(
        contract=terms.id,
        standard=standard.id,
        terms_version=terms.version,
        subject=judged.subject,
        zone=judged.zone,
        day=day.isoformat(),
        window_start_us=judged.window.start_us,
        window_end_us=judged.window.end_us,
        verdict=Verdict.INCONCLUSIVE,
        proven=bounds.proven,
        borne=bounds.borne,
        possible=bounds.possible,
        target=target,
        received=judged.received,
        expected=judged.expected,
        digests={**judged.digests, "terms": terms.digest},
        trace={"measure": measure.kind, **judged.trace, **_hours(terms, standard, judged.window), **exact},
        op=standard.target.op,
        unit=measure.unit,
    )
    return replace(one, verdict=_verdict(one, standard, day))


def _rounded(measure: Measure, bounds: Bounds, day: date) -> tuple[Bounds, dict[str, Any]]:
    """Round a share as its clause says, before it is held against the target; tell the figures before."""
    rounding = measure.rounding if isinstance(measure, InspectedMeasure | RecordedMeasure) else None
    if rounding is None:
        return bounds, {}
    step = value_on(rounding.step, day)
    figures = (bounds.proven, bounds.borne, bounds.possible)
    near = [min(int(rounded(Fraction(one, _PPM), step, rounding.mode) * _PPM), _PPM) for one in figures]
    told = {"step": str(dated_on(rounding.step, day).value), "mode": rounding.mode, "exact": list(figures)}
    return Bounds(*near), {"rounding": told}


def _hours(terms: Terms, standard: Standard, window: Window) -> dict[str, Any]:
    """Tell which lists of the calendar a window goes by; nothing where its hours are the standard's own."""
    state, holidays = standard.window.state, standard.window.holidays
    told: dict[str, Any] = {}
    if state:
        market, exception = terms.markets[state.list], terms.markets[state.list].exception_on(window.day)
        told |= {"market": market.id, "state": state.state.value, "source": (exception or market).source}
        told |= {"from": _clock(terms, window.start_us), "until": _clock(terms, window.end_us)}
    if holidays:
        told |= {"holidays": holidays.list, "on": holidays.on}
    return {"hours": told} if told else {}


def _clock(terms: Terms, instant_us: int) -> str:
    return terms.zone.local(instant_us).isoformat(timespec="seconds")


def _verdict(one: Determination, standard: Standard, day: date) -> Verdict:
    """Both bounds decide: met if the whole interval meets the target, not met if none of it does."""
    if standard.completeness:
        least_ppm = round(value_on(standard.completeness.min, day) * _PPM)
        if one.received * _PPM < least_ppm * one.expected:
            return Verdict.INCONCLUSIVE
    if one.is_missed:
        return Verdict.NOT_MET
    is_met = one.possible <= one.target if one.op == Op.AT_MOST else one.proven >= one.target
    return Verdict.MET if is_met else Verdict.INCONCLUSIVE


def target_on(standard: Standard, day: date) -> int:
    """Target of a day, in the measure's unit.

    Parameters
    ----------
    standard : Standard
    day : date
    """
    match standard.measure.unit:
        case Unit.MICROSECONDS:
            return int(value_on(standard.target.value, day, "us"))
        case Unit.PPM:
            return round(value_on(standard.target.value, day) * _PPM)
        case Unit.COUNT:
            return int(value_on(standard.target.value, day))


def zones_of(terms: Terms, standard: Standard) -> list[str]:
    """Zones that a standard covers, sorted.

    Parameters
    ----------
    terms : Terms
    standard : Standard
    """
    return sorted(terms.zones if standard.zones == "all" else set(standard.zones) & set(terms.zones))


def register_digest(assets: Sequence[Asset], installations: Iterable[Installation], span: tuple[int, int]) -> str:
    """SHA-256 of some assets' places and installations within a span.

    What was hung or taken down outside the span is no input: a sensor re-hung in October must not give September's
    determinations other ids.

    Parameters
    ----------
    assets : sequence of Asset
    installations : iterable of Installation
        Of these assets.
    span : tuple of int
        Half open. [us since 1970, UTC]
    """
    first_us, until_us = span
    held = [
        asdict(replace(one, since_us=max(one.since_us, first_us), until_us=min(one.until_us, until_us)))
        for one in sorted(installations, key=lambda one: (one.source, one.device, one.since_us))
        if one.since_us < until_us and first_us < one.until_us
    ]
    stands = [
        [one.asset, one.zone, one.asset_class, max(one.since_us, first_us), min(one.until_us, until_us)]
        for one in sorted(assets, key=lambda one: (one.asset, one.since_us))
        if one.since_us < until_us and first_us < one.until_us
    ]
    return digest([stands, held])
