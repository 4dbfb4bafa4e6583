"""Standards of the contractor's reports: each zone, each day: late, missing, or contradicted by the sensors.

A report is late or missing, never both, and one that never came contradicts nothing. It is held against lifts only as
far as lifts were watched: for hours in which a collector carried no device, there may have been as many as claimed.
So too on a day of which nobody heard any lift: a reader that is dead contradicts nobody.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, cast

from rules.assets import Register
from rules.calendar import DAY_US, Window
from rules.contract import Standard, Terms
from rules.events import sources_of, unwatched
from rules.measures import ReportMeasure
from rules.numbers import value_on
from rules.records import Determination, GapCause, digest
from rules.standards.judging import Bounds, Facts, Family, Judged, determination, register_digest, zones_of
from rules.standards.people import (
    COLLECTOR,
    CONTRACTOR_DESK,
    Content,
    Entry,
    entries,
    entries_digest,
    is_installed,
    speakers,
    speakers_digest,
)
from sensors.readings import NOT_SAID

_KINDS = ("report", "lift")
# Order of a document's versions: number, then time; one that says no number is older than any that does.
_Rank = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Version:
    """One content that is a report of the zone's day."""

    rank: _Rank
    entry: Entry
    lifts: int


@dataclass(frozen=True, slots=True)
class _Counted:
    """Lifts of a zone on a local day.

    Parameters
    ----------
    proven : int
        Distinct container and instant.
    in_conflict, unnamed : int
        What may be one more each: by the city's or the contractor's doubt, as the terms say.
    is_watched : bool
        Whether every collector carried a device for the whole day.
    is_heard : bool
        Whether any lift of the day was heard, of whatever zone.
    ignored : dict of str to int
        Lifts that count nothing here, by why.
    """

    proven: int
    in_conflict: int
    unnamed: int
    is_watched: bool
    is_heard: bool
    ignored: dict[str, int]


def _looks(standard: Standard, window: Window) -> tuple[int, int]:
    # Which instants a local day and its due time are, only the contract's zone tells: a day more at each end holds
    # them.
    waited_us = int(value_on(_measure(standard).missing_after, window.day, "us"))
    days = _measure(standard).due.days_after + 2
    return window.start_us - 2 * DAY_US, max(window.end_us, window.start_us + days * DAY_US + waited_us)


def _measure(standard: Standard) -> ReportMeasure:
    return cast("ReportMeasure", standard.measure)


def _subjects(terms: Terms, _register: Register, standard: Standard, _window: Window) -> Iterable[tuple[str, str]]:
    return [(zone, zone) for zone in zones_of(terms, standard)]


def _judge(facts: Facts, standard: Standard, windows: Sequence[Window]) -> Iterator[Determination]:
    desks, crews = speakers(facts, "report", CONTRACTOR_DESK), speakers(facts, "lift", COLLECTOR)
    is_contradicted = _measure(standard).kind == "report_contradicted"
    for window in windows:
        day_us = _day_us(facts.terms, window)
        closes_us = _measure(standard).closes_us(facts.terms.zone, window)
        # Not later than the last instant: it is within.
        reports = entries(desks, day_us[0], closes_us + 1)
        lifts = entries(crews, *day_us) if is_contradicted else []
        for zone in zones_of(facts.terms, standard):
            known = [one for one in reports if _is_about(one, _is_of(standard, zone, window))]
            report = _Report(facts, standard, zone, window, known)
            yield determination(facts.terms, standard, report.judged(lifts))


FAMILY = Family(_KINDS, _looks, _subjects, _judge)


def _day_us(terms: Terms, window: Window) -> tuple[int, int]:
    """The local day on which a window starts: from midnight to midnight."""
    return terms.zone.instant(window.day, time(0)), terms.zone.instant(window.day + timedelta(days=1), time(0))


def _is_of(standard: Standard, zone: str, window: Window) -> Callable[[Content], bool]:
    named = {"report": _measure(standard).report, "day": window.day.isoformat(), "zone": zone}
    return lambda one: named.items() <= one.words.items()


def _is_about(entry: Entry, is_of: Callable[[Content], bool]) -> bool:
    return entry.is_any(is_of) or any(is_of(one) for one in entry.excluded)


@dataclass(frozen=True, slots=True)
class _Report:
    """What there is to say of one zone's day."""

    facts: Facts
    standard: Standard
    zone: str
    window: Window
    known: Sequence[Entry]

    @property
    def said(self) -> list[Entry]:
        """What was said of it, without what a wrong clock dated."""
        return [one for one in self.known if one.is_any(_is_of(self.standard, self.zone, self.window))]

    def judged(self, lifts: Sequence[Entry]) -> Judged:
        """Judge it; without lifts where they are not asked for."""
        measure, zone = _measure(self.standard), self.facts.terms.zone
        day_us, due_us = _day_us(self.facts.terms, self.window), measure.due_us(zone, self.window.day)
        closes_us = measure.closes_us(zone, self.window)
        first = self._first()
        detail: dict[str, Any] = {
            "report": measure.report,
            "due": zone.local(due_us).isoformat(timespec="seconds"),
            "came": "" if first is None else zone.local(first).isoformat(timespec="seconds"),
        }
        trace: dict[str, Any] = {"due_us": due_us, "missing_from_us": closes_us}
        span = (day_us[0], closes_us + 1)
        register = speakers_digest(self.facts, (CONTRACTOR_DESK,), span)
        match measure.kind:
            case "report_late":
                bounds = self._late(due_us)
            case "report_missing":
                bounds = self._missing((day_us[0], closes_us))
            case "report_contradicted":
                spoke = speakers_digest(self.facts, (CONTRACTOR_DESK, COLLECTOR), span)
                register = digest([spoke, self._stood_digest(lifts, day_us)])
                counted = self._counted(lifts, day_us)
                claims = sorted({one.lifts for one in self._latest() if one is not None and one.lifts != NOT_SAID})
                bounds = self._contradicted(counted)
                detail |= {"claimed": claims[-1] if claims else None, "lifts": counted.proven}
                detail["margin"] = self._margin()
                trace |= {
                    "claims": claims,
                    "in_conflict": counted.in_conflict,
                    "unnamed": counted.unnamed,
                    "is_watched": counted.is_watched,
                    "is_heard": counted.is_heard,
                    "ignored": counted.ignored,
                }
        return Judged(
            subject=self.zone,
            zone=self.zone,
            window=self.window,
            bounds=bounds,
            received=int(first is not None),
            expected=1,
            digests={"readings": entries_digest([*self.known, *lifts]), "register": register},
            trace={
                "looked_from_us": span[0],
                "looked_until_us": span[1],
                "detail": detail,
                "versions": [
                    [one.entry.time_us, one.rank[0] if one.rank[0] != NOT_SAID else None, self._is_sure(one.entry)]
                    for one in self._versions()
                ],
                "excluded": sum(len(one.excluded) for one in self.known),
                **trace,
            },
        )

    def _versions(self) -> list[_Version]:
        is_of = _is_of(self.standard, self.zone, self.window)
        return [
            _Version((one.numbers["version"], entry.time_us, entry.sequence), entry, one.numbers["lifts"])
            for entry in self.said
            for one in entry.contents
            if is_of(one)
        ]

    def _is_sure(self, entry: Entry) -> bool:
        return entry.is_sure(_is_of(self.standard, self.zone, self.window))

    def _first(self) -> int | None:
        """When the first version came for certain."""
        return min((one.time_us for one in self.said if self._is_sure(one)), default=None)

    def _is_borne(self) -> bool:
        return self.facts.is_borne(GapCause.CONFLICT)

    def _late(self, due_us: int) -> Bounds:
        first = self._first()
        firsts = [one.time_us for one in self.said if first is None or one.time_us <= first]
        values = [int(one > due_us) for one in firsts] + ([0] if first is None else [])
        return _spread(values, is_borne=self._is_borne())

    def _missing(self, span: tuple[int, int]) -> Bounds:
        if self._first() is not None:
            return Bounds(0, 0, 0)
        if not self.said and not is_installed(self.facts, CONTRACTOR_DESK, *span):
            # Nobody could have been heard.
            return _spread([0, 1], is_borne=self.facts.is_borne(GapCause.CITY))
        return _spread([0, 1] if self.said else [1], is_borne=self._is_borne())

    def _latest(self) -> list[_Version | None]:
        """Versions of which each may be the latest: one, unless contents are in conflict; None where none is sure."""
        versions = self._versions()
        least: dict[int, _Rank | None] = {
            place: min(one.rank for one in versions if one.entry is entry) if self._is_sure(entry) else None
            for place, entry in enumerate(self.said)
        }
        found: list[_Version | None] = [
            one
            for one in versions
            if all(rank is None or self.said[k] is one.entry or rank <= one.rank for k, rank in least.items())
        ]
        return found if any(rank is not None for rank in least.values()) else [*found, None]

    def _margin(self) -> int:
        margin = _measure(self.standard).margin
        return int(value_on(margin, self.window.day)) if margin else 0

    def _contradicted(self, counted: _Counted) -> Bounds:
        """By how many lifts, beyond the margin, the claim is off: three bounds over claims and lifts in doubt."""
        claims = [one.lifts if one and one.lifts != NOT_SAID else None for one in self._latest()]
        most = max((claim for claim in claims if claim is not None), default=0)
        # What the contractor's doubts may be, and the city's: lifts that nobody watched are the city's.
        by_contractor = counted.in_conflict if self._is_borne() else 0
        by_contractor += counted.unnamed if self.facts.is_borne(GapCause.UNKNOWN) else 0
        by_city = counted.in_conflict + counted.unnamed - by_contractor
        lost = most - counted.proven
        if not counted.is_watched:
            by_city = max(by_city, lost)
        elif not counted.is_heard and self.facts.is_borne(GapCause.UNKNOWN):
            by_contractor = max(by_contractor, lost)
        elif not counted.is_heard:
            by_city = max(by_city, lost)
        least_off = [self._off(claim, counted.proven, by_contractor + by_city) for claim in claims]
        most_off = [
            max(self._off(claim, counted.proven + more, 0) for more in (0, by_contractor + by_city))
            for claim in claims
        ]
        borne_off = [
            max(self._off(claim, counted.proven + more, by_city) for more in (0, by_contractor)) for claim in claims
        ]
        return Bounds(min(least_off), max(borne_off) if self._is_borne() else min(borne_off), max(most_off))

    def _off(self, claim: int | None, lifts: int, more: int) -> int:
        """How far, beyond the margin, a claim lies outside of so many lifts to so many more."""
        if claim is None:
            return 0
        return max(max(claim - lifts - more, lifts - claim) - self._margin(), 0)

    def _counted(self, lifts: Sequence[Entry], day_us: tuple[int, int]) -> _Counted:
        proven = set[tuple[str, int]]()
        in_conflict = unnamed = 0
        ignored = Counter[str]()
        for entry in lifts:
            places = {self._place(one, entry.time_us) for one in entry.contents}
            if not entry.contents:
                ignored["excluded"] += 1
            elif "here" not in places and "unnamed" not in places:
                ignored[min(places)] += 1
            elif len(entry.contents) > 1:
                in_conflict += 1
            elif "unnamed" in places:
                unnamed += 1
            else:
                proven |= {(one.words["container"], entry.time_us) for one in entry.contents}
        return _Counted(
            len(proven),
            in_conflict,
            unnamed,
            is_watched=_is_watched(self.facts, day_us),
            is_heard=any(entry.contents for entry in lifts),
            ignored=dict(sorted(ignored.items())),
        )

    def _stood_digest(self, lifts: Sequence[Entry], day_us: tuple[int, int]) -> str:
        """SHA-256 of where the lifted containers stood on the day: it decides which lifts count here."""
        named = {one.words["container"] for entry in lifts for one in entry.contents}
        return register_digest([one for one in self.facts.register.assets if one.asset in named], (), day_us)

    def _place(self, lift: Content, at_us: int) -> str:
        """Where a lift was: where its container stood; what names none is where its crew says."""
        container = lift.words["container"]
        if not container:
            return "unnamed" if lift.words["zone"] == self.zone else "elsewhere"
        stood = {
            asset.zone
            for asset in self.facts.register.assets
            if asset.asset == container and asset.since_us <= at_us < asset.until_us
        }
        if not stood:
            return "unknown_container"
        return "here" if self.zone in stood else "elsewhere"


def _spread(values: Sequence[int], *, is_borne: bool) -> Bounds:
    """Bounds over what may be true."""
    least, most = min(values), max(values)
    return Bounds(least, most if is_borne else least, most)


def _is_watched(facts: Facts, day_us: tuple[int, int]) -> bool:
    """Whether there was a collector all day, and each carried a device all the time it was one."""
    first_us, until_us = day_us
    reached_us = first_us
    for asset in sorted(facts.register.assets, key=lambda asset: asset.since_us):
        since_us, end_us = max(first_us, asset.since_us), min(until_us, asset.until_us)
        if asset.asset_class != COLLECTOR or since_us >= end_us:
            continue
        sources = sources_of(asset.asset, "lift", facts.register.installations, facts.readings)
        if since_us > reached_us or unwatched(asset, sources, since_us, end_us):
            return False
        reached_us = max(reached_us, end_us)
    return reached_us >= until_us
