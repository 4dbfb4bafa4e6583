"""Standards of cases: how long each complaint or work order waited for its answer.

What counts is what the city's desk opened; the contractor may open cases too, and may say that it responded or
resolved, but not that a case is closed. A record is no sample: who answered and did not say so has not answered.
Contents in conflict leave a doubt, and so does what was resolved and never confirmed: to confirm is the city's act.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from rules.calendar import Window
from rules.contract import Standard, Terms
from rules.measures import RespondMeasure
from rules.numbers import value_on
from rules.records import Determination, GapCause
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, zones_of
from rules.standards.people import (
    CASE_DESK,
    CONTRACTOR_DESK,
    Content,
    Entry,
    entries,
    entries_digest,
    is_installed,
    speakers,
    speakers_digest,
)

_KIND = "case"
_OPENED, _REOPENED, _WITHDRAWN = "opened", "reopened", "withdrawn"
# What answers: who has resolved has responded, and what the city confirms was resolved.
_ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "responded": ("responded", "resolved", "confirmed"),
    "resolved": ("resolved", "confirmed"),
    "confirmed": ("confirmed",),
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a case, as one desk says it; not sure where another content of the same key says something else."""

    time_us: int
    step: str
    entry: Entry
    is_sure: bool

    @property
    def is_citys(self) -> bool:
        return self.entry.asset_class == CASE_DESK


@dataclass(frozen=True, slots=True)
class _Opened:
    """A case from its opening to its horizon.

    Parameters
    ----------
    case, zone : str
    entry : Entry
        Its opening.
    is_sure : bool
        Whether it was opened at all, as a case that the standard covers, and not open already.
    void : str
        Why there is nothing to judge: `withdrawn`, or `repeated` where it was open already.
    steps : tuple of _Step
        From the opening on.
    """

    case: str
    zone: str
    entry: Entry
    is_sure: bool
    void: str
    steps: tuple[_Step, ...]


def _looks(standard: Standard, window: Window) -> tuple[int, int]:
    horizon_us = _horizon_us(standard, window)
    return window.start_us - horizon_us, window.end_us + horizon_us


def _horizon_us(standard: Standard, window: Window) -> int:
    return int(value_on(_measure(standard).horizon, window.day, "us"))


def _measure(standard: Standard) -> RespondMeasure:
    return cast("RespondMeasure", standard.measure)


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    spans = [_looks(standard, window) for window in windows]
    if not spans:
        return
    heard = speakers(facts, _KIND, CASE_DESK, CONTRACTOR_DESK)
    by_case: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries(heard, min(first for first, _ in spans), max(until for _, until in spans)):
        for case in {one.words["case"] for one in (*entry.contents, *entry.excluded)}:
            by_case[case].append(entry)
    for case, said in sorted(by_case.items()):
        for window in windows:
            if opened := _opened(facts.terms, standard, window, case, said):
                yield determination(facts.terms, standard, _judged(facts, standard, window, opened, said))


FAMILY = Family((_KIND,), _looks, None, _judge)


def _opened(terms: Terms, standard: Standard, window: Window, case: str, said: Sequence[Entry]) -> _Opened | None:
    """Find a case's first opening in a window, if it is of a zone and priority that the standard covers."""
    horizon_us = _horizon_us(standard, window)
    openings = [one for one in said if one.asset_class == CASE_DESK and one.is_any(_says(case, _OPENED))]
    entry = next((one for one in openings if window.start_us <= one.time_us < window.end_us), None)
    if entry is None:
        return None
    zones, priorities = zones_of(terms, standard), _measure(standard).priority

    def is_covered(one: Content) -> bool:
        is_chosen = not priorities or one.words["priority"] in priorities
        return _says(case, _OPENED)(one) and one.words["zone"] in zones and is_chosen

    covered = [one.words["zone"] for one in entry.contents if is_covered(one)]
    if not covered:
        return None
    steps = _steps(case, _between(said, entry.time_us, entry.time_us + horizon_us))
    is_withdrawn = any(one.step == _WITHDRAWN and one.is_citys and one.is_sure for one in steps)
    earlier = [one for one in openings if entry.time_us - horizon_us <= one.time_us < entry.time_us]
    is_repeated = any(one.is_sure(_says(case, _OPENED)) for one in earlier)
    void = "repeated" if is_repeated else "withdrawn" if is_withdrawn else ""
    return _Opened(case, min(covered), entry, entry.is_sure(is_covered) and not earlier, void, tuple(steps))


def _says(case: str, step: str) -> Callable[[Content], bool]:
    return lambda one: one.words["case"] == case and one.words["step"] == step


def _between(said: Sequence[Entry], first_us: int, until_us: int) -> Sequence[Entry]:
    first, until = (bisect_left(said, us, key=lambda one: one.time_us) for us in (first_us, until_us))
    return said[first:until]


def _steps(case: str, said: Sequence[Entry]) -> list[_Step]:
    return [
        _Step(entry.time_us, step, entry, entry.is_sure(_says(case, step)))
        for entry in said
        for step in sorted({one.words["step"] for one in entry.contents if one.words["case"] == case})
    ]


def _answer(until: str, opened: _Opened, *, is_sure: bool) -> _Step | None:
    """First answer that stands: what is sure of it, or what may be to the contractor's benefit.

    What was resolved or confirmed before the city reopened the case was not: the clock has run on. At one instant the
    answer stands.
    """
    reopened = [
        one.time_us
        for one in opened.steps
        if one.step == _REOPENED and one.is_citys and (is_sure or one.is_sure) and until != "responded"
    ]
    standing = [
        one
        for one in opened.steps
        if one.step in _ANSWERS[until]
        and (one.is_citys or one.step != "confirmed")
        and (one.is_sure or not is_sure)
        and one.time_us >= max(reopened, default=one.time_us)
    ]
    return next(iter(standing), None)


def _judged(facts: Facts, standard: Standard, window: Window, opened: _Opened, said: Sequence[Entry]) -> Judged:
    opened_us, horizon_us = opened.entry.time_us, _horizon_us(standard, window)
    span = (opened_us - horizon_us, opened_us + horizon_us)
    known = _between(said, *span)
    answer = _answer(_measure(standard).until, opened, is_sure=True)
    bounds = _bounds(facts, standard, opened, horizon_us)
    detail = {
        "case": opened.case,
        "opened": _local(facts.terms, opened_us),
        "answered": _local(facts.terms, answer.time_us) if answer else "",
        "step": _measure(standard).until,
        "void": opened.void,
    }
    return Judged(
        subject=opened.case,
        zone=opened.zone,
        window=window,
        bounds=bounds,
        # A void case is no check: nothing was expected.
        received=int(not opened.void and bounds.proven == bounds.possible),
        expected=int(not opened.void),
        digests={
            "readings": entries_digest(known),
            "register": speakers_digest(facts, (CASE_DESK, CONTRACTOR_DESK), span),
        },
        trace={
            "looked_from_us": span[0],
            "looked_until_us": span[1],
            "proven_from_us": opened_us,
            "proven_until_us": opened_us + bounds.proven,
            "detail": detail,
            "steps": [
                [one.time_us, one.step, one.entry.source, one.entry.device, one.is_sure] for one in opened.steps
            ],
            "excluded": sum(one.words["case"] == opened.case for entry in known for one in entry.excluded),
        },
    )


def _bounds(facts: Facts, standard: Standard, opened: _Opened, horizon_us: int) -> Bounds:
    if opened.void:
        return Bounds(0, 0, 0)
    opened_us, until = opened.entry.time_us, _measure(standard).until

    def waited_us(until: str, *, is_sure: bool) -> int | None:
        answer = _answer(until, opened, is_sure=is_sure)
        return answer.time_us - opened_us if answer else None

    def or_horizon(waited_us: int | None) -> int:
        return horizon_us if waited_us is None else waited_us

    possible, sure = (waited_us(until, is_sure=is_sure) for is_sure in (False, True))
    least, most = or_horizon(possible), or_horizon(sure)
    # The one doubt at its worst and the other to the contractor's benefit: of a conflict, and of the city's silence.
    in_conflict, unconfirmed = most, least
    if until == "confirmed" and sure is None:
        # To confirm is the city's: it waits no longer for the contractor than to the resolution.
        least, in_conflict = (or_horizon(waited_us("resolved", is_sure=is_sure)) for is_sure in (False, True))
    if not opened.is_sure or any(one.step == _WITHDRAWN and one.is_citys for one in opened.steps):
        least = unconfirmed = 0
    by_conflict, by_city = facts.is_borne(GapCause.CONFLICT), facts.is_borne(GapCause.CITY)
    is_heard = possible is not None or is_installed(facts, CONTRACTOR_DESK, opened_us, opened_us + horizon_us)
    if not is_heard and until != "confirmed":
        # The contractor had nothing to answer with.
        return Bounds(0, most if by_city else 0, most)
    at_worst = {(True, True): most, (True, False): in_conflict, (False, True): unconfirmed, (False, False): least}
    return Bounds(least, at_worst[by_conflict, by_city], most)


def _local(terms: Terms, instant_us: int) -> str:
    """Write an instant in the contract's zone."""
    return terms.zone.local(instant_us).isoformat(timespec="seconds")
