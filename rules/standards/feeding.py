"""Data duties: each container's or vehicle's device, each window: the share of the readings it owes that came.

A reading that did not come is missing for certain; what is open is only who bears it. What the city bears counts as
come in the upper bounds, so a device behind the city's dead gateway owes nothing while that is dead.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from kernels.availability import slots
from rules.assets import Asset, Register
from rules.calendar import DAY_US, Window
from rules.causes import Looked, Silence
from rules.contract import Standard, Terms
from rules.events import Samples, Source, bounded, gap_causes, readings_digest, sources_of, unwatched
from rules.measures import FeedMeasure
from rules.numbers import PPM, value_on
from rules.records import Determination, digest
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, register_digest, zones_of
from sensors.quantities import REJECTED_QUALITY_CODES

# Why a device fell silent its last word may tell (ignition off, battery spent): of a shift a day ago, it should be
# heard. Further back the last word says little of today.
_LOOK_BACK_US = DAY_US
_KINDS = ("fill_level", "position_fix")


@dataclass(frozen=True, slots=True)
class _Known:
    asset: Asset
    sources: tuple[Source, ...]
    samples: Samples


def _measure(standard: Standard) -> FeedMeasure:
    return cast("FeedMeasure", standard.measure)


def _looks(standard: Standard, window: Window) -> tuple[int, int]:
    every_us = _every_us(standard, window)
    return window.start_us - max(_LOOK_BACK_US, every_us), window.end_us + every_us


def _every_us(standard: Standard, window: Window) -> int:
    return int(value_on(_measure(standard).every, window.day, "us"))


def _subjects(terms: Terms, register: Register, standard: Standard, window: Window) -> Iterable[tuple[str, str]]:
    return [(asset.asset, asset.zone) for asset in register.assets if _is_judged(terms, standard, asset, window)]


def _is_judged(terms: Terms, standard: Standard, asset: Asset, window: Window) -> bool:
    """Whether an asset of the class stands, as the window starts, in a covered zone; a vehicle may belong to none."""
    is_mobile = standard.subject == "vehicle" and not asset.zone
    is_covered = asset.asset_class == _measure(standard).assets and (
        is_mobile or asset.zone in zones_of(terms, standard)
    )
    return is_covered and asset.since_us <= window.start_us < asset.until_us


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    for asset in sorted(facts.register.assets, key=lambda asset: (asset.asset, asset.since_us)):
        judged = [window for window in windows if _is_judged(facts.terms, standard, asset, window)]
        if judged:
            sources = sources_of(asset.asset, _measure(standard).of, facts.register.installations, facts.readings)
            known = _Known(asset, tuple(sources), _heard(sources).between(asset.since_us, asset.until_us))
            for window in judged:
                yield determination(facts.terms, standard, _judged(facts, standard, known, window))


FAMILY = Family(_KINDS, _looks, _subjects, _judge)


def _heard(sources: Sequence[Source]) -> Samples:
    """When an asset's devices were heard; what its device rejected, or a wrong clock dated, did not come."""
    valid, others = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for source in sources:
        readings = source.readings
        comes = ~readings.is_doubted
        if "quality_code" in readings.numbers:
            comes &= ~np.isin(readings.numbers["quality_code"], REJECTED_QUALITY_CODES)
        valid.append(readings.event_time_us[comes])
        others.append(readings.event_time_us[~comes])
    t_us = np.unique(np.concatenate(valid))
    nothing = np.zeros(len(t_us), np.int32)
    return Samples(t_us, nothing, nothing, nothing, np.sort(np.concatenate(others)))


def _judged(facts: Facts, standard: Standard, known: _Known, window: Window) -> Judged:
    asset, every_us = known.asset, _every_us(standard, window)
    first_us, until_us = _looks(standard, window)
    first_us = max(first_us, asset.since_us)
    samples = known.samples.between(first_us, until_us)
    bare = unwatched(asset, known.sources, first_us, until_us)
    looked = Looked(_measure(standard).of, first_us, until_us, every_us)
    silent = gap_causes(bounded(samples, bare, first_us, until_us), bare, known.sources, facts.presence, looked)
    starts_us = _slots(window, every_us)
    came, _ = slots(samples.t_us, every_us, starts_us, starts_us + every_us)
    missing_us = [int(us) for us, count in zip(starts_us, came, strict=True) if not count]
    causes = [_causes(silent, us, us + every_us) for us in missing_us]
    spared = sum(any(not facts.is_borne(one.cause) for one in parts) for parts in causes)
    expected, received = len(starts_us), len(starts_us) - len(missing_us)
    gaps = [
        {
            "from_us": max(one.from_us, window.start_us),
            "until_us": min(one.until_us, window.end_us),
            "cause": one.cause.value,
        }
        for one in silent
        if one.from_us < window.end_us and window.start_us < one.until_us
    ]
    return Judged(
        subject=asset.asset,
        zone=asset.zone,
        window=window,
        bounds=_bounds(received, spared, expected),
        received=received,
        expected=expected,
        digests={
            "readings": readings_digest(known.sources, first_us, until_us),
            "register": register_digest([asset], [one.installation for one in known.sources], (first_us, until_us)),
            "causes": digest([[one["from_us"], one["until_us"], one["cause"]] for one in gaps]),
        },
        trace={
            "looked_from_us": first_us,
            "looked_until_us": until_us,
            "excluded": len(samples.excluded_us),
            "detail": _detail(facts, received, expected, every_us, causes),
            "gaps": gaps,
        },
    )


def _slots(window: Window, every_us: int) -> NDArray[np.int64]:
    """Starts of the whole slots of a window. [us since 1970, UTC]."""
    count = (window.end_us - window.start_us) // every_us
    return window.start_us + every_us * np.arange(count, dtype=np.int64)


def _causes(silent: Sequence[Silence], first_us: int, until_us: int) -> list[Silence]:
    """Silences that meet a slot: a slot without a reading lies within one, or within several end to end."""
    return [one for one in silent if one.from_us < until_us and first_us < one.until_us]


def _bounds(received: int, spared: int, expected: int) -> Bounds:
    """Share that came, and that share with what the city bears. Where nothing is owed, all of it came."""
    if not expected:
        return Bounds(PPM, PPM, PPM)
    possible = -(-(received + spared) * PPM // expected)
    return Bounds(received * PPM // expected, possible, possible)


def _detail(
    facts: Facts, received: int, expected: int, every_us: int, causes: Sequence[Sequence[Silence]]
) -> dict[str, Any]:
    """Counts; a slot that several causes share is told of the one that spares it, else of the first."""
    missing = Counter(
        next((one.cause.value for one in parts if not facts.is_borne(one.cause)), parts[0].cause.value)
        for parts in causes
    )
    return {
        "received": received,
        "expected": expected,
        "every_us": every_us,
        "missing": dict(sorted(missing.items())),
    }
