"""Collection masks: when and where a vehicle's position is anybody's business.

A position is kept within the windows of the standards that look at it, with a margin, and within the box around the
contract's streets, with a margin; outside it is reduced to a count before it is stored. Derived from terms and
register alone, so that anyone can recompute what was kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.assets import Installation, Register
from rules.contract import Terms
from rules.measures import FeedMeasure, PassMeasure, SweptMeasure
from rules.windows import daily_windows

# Vehicles leave and come home around a shift, and a gap at its edge needs a fix beside it.
MARGIN_US = 30 * 60 * 1_000_000
# About 110 m: half a block around the outermost street, and more than any fix's error.
MARGIN_E7 = 10_000


@dataclass(frozen=True, slots=True)
class Box:
    """Edges of an area. [1e-7 deg]."""

    south_e7: int
    north_e7: int
    west_e7: int
    east_e7: int


@dataclass(frozen=True, slots=True)
class Mask:
    """What may be kept of one device's positions.

    Parameters
    ----------
    source, device : str
    spans_us : tuple of tuple of int
        Half open, ascending, apart. [us since 1970, UTC]
    box : Box
    """

    source: str
    device: str
    spans_us: tuple[tuple[int, int], ...]
    box: Box


def masks_of(terms: Terms, register: Register) -> list[Mask]:
    """Derive the masks of all vehicles that a contract watches.

    Parameters
    ----------
    terms : Terms
    register : Register

    Returns
    -------
    list of Mask
        None where the terms have no streets: then nothing says where a position matters.
    """
    if terms.network is None:
        return []
    box = _box(terms.network.bounds_e7)
    classes = {one.asset: one.asset_class for one in register.assets}
    found: list[Mask] = []
    for device in sorted({(one.source, one.device) for one in register.installations}):
        held = [one for one in register.installations if (one.source, one.device) == device]
        watched = [one for one in held if classes.get(one.asset) in _classes(terms)]
        if watched:
            spans = merged(span for one in watched for span in _spans(terms, one, classes[one.asset]))
            found.append(Mask(*device, tuple(spans), box))
    return found


def merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that touch or overlap, ascending."""
    joined: list[tuple[int, int]] = []
    for since_us, until_us in sorted(spans):
        if joined and since_us <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until_us))
        else:
            joined.append((since_us, until_us))
    return joined


def _classes(terms: Terms) -> set[str]:
    return {name for standard in terms.file.standard if (name := _watched(standard.measure))}


def _watched(measure: object) -> str:
    """Class of the assets whose positions a measure looks at."""
    match measure:
        case SweptMeasure() | PassMeasure():
            return measure.vehicles
        case FeedMeasure() if measure.of == "position_fix":
            return measure.assets
        case _:
            return ""


def _spans(terms: Terms, one: Installation, asset_class: str) -> Iterator[tuple[int, int]]:
    effective = terms.file.contract.effective
    for standard in terms.file.standard:
        if _watched(standard.measure) == asset_class:
            for window in daily_windows(terms, standard, (effective.since, effective.until)):
                since_us = max(window.start_us - MARGIN_US, one.since_us)
                until_us = min(window.end_us + MARGIN_US, one.until_us)
                if since_us < until_us:
                    yield since_us, until_us


def _box(bounds_e7: tuple[int, int, int, int]) -> Box:
    west, south, east, north = bounds_e7
    return Box(south - MARGIN_E7, north + MARGIN_E7, west - MARGIN_E7, east + MARGIN_E7)
