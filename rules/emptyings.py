"""Emptyings of a container: what its sensor says, what else speaks for each, and what does not fit together.

A fill drop is the only evidence that a container was emptied. A lift proves that it was lifted, a dwell that a
vehicle stood there, a drive-by that one passed, a photo what is on it; none of these took anything out. So a lift
makes an emptying that is seen more certain, and one without a fill drop is no emptying but a *sign* that somebody
should look: signs are never money.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import emptyings as kernels
from kernels.levels import GAP
from rules.assets import Installation
from rules.events import Samples
from rules.numbers import PPM
from sensors.readings import CLOCK_TOLERANCE_US

_MINUTE_US: Final = 60_000_000
# A reading off both its sides is judged by up to three on either: two in a row may be wrong, as of a lid that
# somebody left open; and by none further off than four hours, which hold three at the slowest usual interval.
SCREEN_REACH: Final = 3
SCREEN_WITHIN_US: Final = 240 * _MINUTE_US
# A fall that stays is judged by five readings on either side, of whose pairs six in ten must agree: with one wrong
# reading on either side 16 of 25 still do; an echo that jumps at every other reading has 9.
FALL_REACH: Final = 5
FALL_SHARE_PPM: Final = 600_000
# A container is emptied in a minute, and seen emptied with the next reading or the one after it.
QUICK_US: Final = 90 * _MINUTE_US


class Evidence(StrEnum):
    """What speaks for a visit to a container."""

    DRIVE_BY = "drive_by"
    DWELL = "dwell"
    LIFT = "lift"
    FILL_DROP = "fill_drop"
    PHOTO = "photo"


class Fact(StrEnum):
    """What can be proved of a visit."""

    NEAR = "near"
    STOPPED = "stopped"
    LIFTED = "lifted"
    EMPTIED = "emptied"
    SEEN = "seen"


PROVES: Final[Mapping[Evidence, frozenset[Fact]]] = {
    Evidence.DRIVE_BY: frozenset({Fact.NEAR}),
    Evidence.DWELL: frozenset({Fact.NEAR, Fact.STOPPED}),
    Evidence.LIFT: frozenset({Fact.NEAR, Fact.STOPPED, Fact.LIFTED}),
    Evidence.FILL_DROP: frozenset({Fact.EMPTIED}),
    Evidence.PHOTO: frozenset({Fact.SEEN}),
}


class What(StrEnum):
    """What a fall of the fill is."""

    EMPTIED = "emptied"
    PARTIAL = "partial"
    DRAINED = "drained"
    REHUNG = "rehung"


_WHAT: Final = {
    kernels.EMPTIED: What.EMPTIED,
    kernels.PARTIAL: What.PARTIAL,
    kernels.DRAINED: What.DRAINED,
    kernels.REHUNG: What.REHUNG,
}


class SignCode(StrEnum):
    """What does not fit together."""

    LIFT_WITHOUT_DROP = "lift_without_drop"
    LIFT_LEFT_WASTE = "lift_left_waste"
    SENSOR_REHUNG = "sensor_rehung"
    FLOOR_CHANGED = "floor_changed"
    DRAINED = "drained"
    READINGS_JUMP = "readings_jump"


# One wrong reading in ten is a sensor to look at: with more, two wrong ones in five are no rarity any more.
JUMPS_MAX_PPM: Final = 100_000


@dataclass(frozen=True, slots=True)
class Fall:
    """A fall of the fill that stays.

    Parameters
    ----------
    from_us, until_us : int
        It took place after the first and not after the second. [us since 1970, UTC]
    fall_ppm, floor_ppm : int
        How far the fill fell, and what was left. [ppm]
    confidence_ppm : int
        Share of the readings around it that agree. [ppm]
    what : What
    shift_ppm : int
        By how much the floor of all emptyings changed with it; 0 where it did not. [ppm]
    evidence : frozenset of Evidence
    """

    from_us: int
    until_us: int
    fall_ppm: int
    floor_ppm: int
    confidence_ppm: int
    what: What
    shift_ppm: int = 0
    evidence: frozenset[Evidence] = frozenset({Evidence.FILL_DROP})

    @property
    def proves(self) -> frozenset[Fact]:
        """What its evidence proves; a fill drop that is no emptying proves none."""
        counts = self.evidence if self.what == What.EMPTIED else self.evidence - {Evidence.FILL_DROP}
        return frozenset(fact for one in counts for fact in PROVES[one])


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that somebody should look at.

    Parameters
    ----------
    code : SignCode
    from_us, until_us : int
        [us since 1970, UTC]
    value_ppm : int
        How much: of the fill, or of the readings. [ppm]
    """

    code: SignCode
    from_us: int
    until_us: int
    value_ppm: int


def jump_of(installations: Iterable[Installation]) -> int:
    """Give how far a reading may lie off its neighbours: the widest that the installations declare. [ppm].

    Parameters
    ----------
    installations : iterable of Installation
    """
    return max((one.jump_ppm for one in installations), default=PPM)


def screened(samples: Samples, jump_ppm: int) -> Samples:
    """Let readings that jump away and come back say only what both their sides allow.

    Parameters
    ----------
    samples : Samples
        Of what is looked at, and nothing else: what lies beyond must not change a verdict.
    jump_ppm : int
        How far a reading may lie off its neighbours. [ppm]
    """
    lo_ppm, hi_ppm = kernels.screen(
        samples.t_us, samples.lo_ppm, samples.hi_ppm, SCREEN_REACH, SCREEN_WITHIN_US, jump_ppm
    )
    return replace(samples, lo_ppm=lo_ppm, hi_ppm=hi_ppm)


def confirmed(
    kind: NDArray[np.int8], samples: Samples, drop_ppm: int, residual_ppm: int, max_gap_us: int
) -> NDArray[np.int8]:
    """Leave sure only those emptyings that stay and leave no more than the residual.

    Parameters
    ----------
    kind : ndarray of int8
        As `kernels.levels.drops` gives it. Shape (n+1,).
    samples : Samples
    drop_ppm, residual_ppm : int
        [ppm]
    max_gap_us : int
        An emptying in a longer interval that is not confirmed leaves a gap: it must not end what the gap hides. [us]
    """
    told = kernels.confirm(kind, _detected(samples, drop_ppm, residual_ppm), 0)
    is_gap = np.concatenate(([True], np.diff(samples.t_us) > max_gap_us, [True]))[: len(kind)]
    return np.where(is_gap & (told != kind), np.int8(GAP), told)


def falls_of(samples: Samples, drop_ppm: int, residual_ppm: int, jump_ppm: int) -> list[Fall]:
    """Find the falls of the fill that stay, and say what each is.

    Parameters
    ----------
    samples : Samples
        As `screened` gives them.
    drop_ppm, residual_ppm, jump_ppm : int
        The least fall, what an emptied container may still hold, the least change of the floor. [ppm]
    """
    falls = _detected(samples, drop_ppm, residual_ppm)
    code, shift_ppm = kernels.floors(falls, jump_ppm)
    return [
        Fall(*map(int, row), what=_WHAT[int(what)], shift_ppm=int(shift))
        for *row, what, shift in zip(
            samples.t_us[falls.first],
            samples.t_us[falls.last],
            falls.fall_ppm,
            falls.floor_ppm,
            falls.confidence_ppm,
            code,
            shift_ppm,
            strict=True,
        )
    ]


def corroborated(falls: Sequence[Fall], heard_us: Mapping[Evidence, Sequence[int]]) -> list[Fall]:
    """Add to each fall what else was heard of a visit in its time.

    Parameters
    ----------
    falls : sequence of Fall
    heard_us : mapping of Evidence to sequence of int
        When lifts of the container were heard, dwells beside it, photos. [us since 1970, UTC]
    """
    return [
        replace(
            one, evidence=one.evidence | {kind for kind, us in heard_us.items() if any(_is_in(one, t) for t in us)}
        )
        for one in falls
    ]


def signs_of(
    known: Samples, samples: Samples, falls: Sequence[Fall], lifts_us: Sequence[int], least_ppm: int
) -> list[Sign]:
    """List what does not fit together, in the order of time.

    Parameters
    ----------
    known, samples : Samples
        Before and after `screened`.
    falls : sequence of Fall
    lifts_us : sequence of int
        When lifts of the container were heard. [us since 1970, UTC]
    least_ppm : int
        A lift of a container that held less needs no fall: what fell could not be seen. [ppm]

    Notes
    -----
    A lift in a time without readings on either side within four hours tells nothing.
    """
    found = [
        Sign(code, one.from_us, one.until_us, one.shift_ppm if code == SignCode.FLOOR_CHANGED else one.fall_ppm)
        for one in falls
        for code in _codes(one)
    ]
    for lift_us in lifts_us:
        within = [one for one in falls if _is_in(one, lift_us)]
        if any(one.what == What.PARTIAL for one in within):
            partial = next(one for one in within if one.what == What.PARTIAL)
            found.append(Sign(SignCode.LIFT_LEFT_WASTE, lift_us, lift_us, partial.floor_ppm))
        elif not within and (held_ppm := _held_ppm(samples, lift_us)) is not None and held_ppm >= least_ppm:
            found.append(Sign(SignCode.LIFT_WITHOUT_DROP, lift_us, lift_us, held_ppm))
    jumps = int(np.count_nonzero((known.lo_ppm != samples.lo_ppm) | (known.hi_ppm != samples.hi_ppm)))
    if jumps * PPM > JUMPS_MAX_PPM * len(known.t_us):
        share_ppm = jumps * PPM // len(known.t_us)
        found.append(Sign(SignCode.READINGS_JUMP, int(known.t_us[0]), int(known.t_us[-1]), share_ppm))
    return sorted(found, key=lambda one: (one.from_us, one.code))


def _detected(samples: Samples, drop_ppm: int, residual_ppm: int) -> kernels.Falls:
    known = (samples.t_us, samples.lo_ppm, samples.hi_ppm)
    return kernels.detect(*known, drop_ppm, residual_ppm, FALL_REACH, QUICK_US, FALL_SHARE_PPM)


def _is_in(fall: Fall, at_us: int) -> bool:
    """Tell whether an instant lies in the time of a fall; clocks of sensor and vehicle may differ."""
    return fall.from_us - CLOCK_TOLERANCE_US <= at_us <= fall.until_us + CLOCK_TOLERANCE_US


def _codes(fall: Fall) -> list[SignCode]:
    codes = {What.REHUNG: [SignCode.SENSOR_REHUNG], What.DRAINED: [SignCode.DRAINED]}.get(fall.what, [])
    return [*codes, SignCode.FLOOR_CHANGED] if fall.shift_ppm else codes


def _held_ppm(samples: Samples, at_us: int) -> int | None:
    """Give what a container surely held at an instant, by the readings on either side; None where there are none."""
    place = int(np.searchsorted(samples.t_us, at_us))
    beside = [k for k in (place - 1, place) if 0 <= k < len(samples.t_us)]
    if len(beside) < len((place - 1, place)):
        return None
    if any(abs(int(samples.t_us[k]) - at_us) > SCREEN_WITHIN_US for k in beside):
        return None
    return min(int(samples.lo_ppm[k]) for k in beside)
