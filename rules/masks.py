"""Collection masks: when and where a vehicle's position is anybody's business.

A position is kept within the windows of the standards that look at it, with a margin, and within the box around the
contract's streets, with a margin; outside it is reduced to a count before it is stored. Derived from terms and
register alone, so that anyone can recompute what was kept.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rules.assets import Asset, Installation, Register
from rules.contract import Terms
from rules.measures import FeedMeasure, PassMeasure, SpeedMeasure, SweptMeasure
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


def masks_of(terms: Terms, register: Register, successors: Sequence[Terms] = ()) -> list[Mask]:
    """Derive the masks of all vehicles that a contract watches.

    Parameters
    ----------
    terms : Terms
    register : Register
    successors : sequence of Terms
        Later versions of the same terms: the windows of days on which one of them holds are theirs. A night belongs
        to the day on which it begins.

    Returns
    -------
    list of Mask
        Of each device at an asset that at any time is of a class that is watched; without spans where that time is
        not the device's. None where the terms have no streets: then nothing says where a position matters.
    """
    if terms.network is None:
        return []
    box = _box(terms.network.bounds_e7)
    spans_us = _spans_us(terms, successors)
    rows: defaultdict[str, list[Asset]] = defaultdict(list)
    for row in register.assets:
        if row.asset_class in spans_us:
            rows[row.asset].append(row)
    found: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for one in register.installations:
        for row in rows.get(one.asset, ()):
            found[one.source, one.device] += _cut(spans_us[row.asset_class], one, row)
    return [Mask(*device, tuple(merged(spans)), box) for device, spans in sorted(found.items())]


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that touch or overlap, ascending."""
    joined: list[tuple[int, int]] = []
    for since_us, until_us in sorted(spans):
        if joined and since_us <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until_us))
        else:
            joined.append((since_us, until_us))
    return joined


def _watched(measure: object) -> str:
    """Class of the assets whose positions a measure looks at."""
    match measure:
        case SweptMeasure() | PassMeasure() | SpeedMeasure():
            return measure.vehicles
        case FeedMeasure() if measure.of == "position_fix":
            return measure.assets
        case _:
            return ""


def _spans_us(terms: Terms, successors: Sequence[Terms]) -> dict[str, list[tuple[int, int]]]:
    """Lay for each class the spans in which it is watched, with their margins, ascending and apart."""
    effective, later = terms.file.contract.effective, [one.file.contract.effective for one in successors]
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for standard in terms.file.standard:
        if name := _watched(standard.measure):
            found[name] += [
                (window.start_us - MARGIN_US, window.end_us + MARGIN_US)
                for window in daily_windows(terms, standard, (effective.since, effective.until))
                if not any(one.since <= window.day < one.until for one in later)
            ]
    return {name: merged(spans) for name, spans in found.items()}


def _cut(spans: Iterable[tuple[int, int]], one: Installation, row: Asset) -> Iterator[tuple[int, int]]:
    """Cut spans to the time in which a device hung at an asset while the asset was what its row says."""
    since_us, until_us = max(one.since_us, row.since_us), min(one.until_us, row.until_us)
    for span in spans:
        if max(span[0], since_us) < min(span[1], until_us):
            yield max(span[0], since_us), min(span[1], until_us)


def _box(bounds_e7: tuple[int, int, int, int]) -> Box:
    west, south, east, north = bounds_e7
    return Box(south - MARGIN_E7, north + MARGIN_E7, west - MARGIN_E7, east + MARGIN_E7)
