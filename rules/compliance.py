"""Compliance by zone and standard: how many checks were met, with both bounds, and how complete the data are."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from rules.records import Determination, Verdict

# What is summed up, in the order of the fields.
_COUNTS = ("checks", "met", "not_met", "inconclusive", "received", "expected")


@dataclass(frozen=True, slots=True)
class Compliance:
    """One standard in one zone.

    Parameters
    ----------
    zone, standard : str
        The zone is empty where all zones are summed up.
    checks, met, not_met, inconclusive : int
    received, expected : int
        Readings by slot, over all checks.
    """

    zone: str
    standard: str
    checks: int
    met: int
    not_met: int
    inconclusive: int
    received: int
    expected: int

    @property
    def share_proven(self) -> Fraction:
        """Share of checks that were met for certain."""
        return Fraction(self.met, self.checks)

    @property
    def share_possible(self) -> Fraction:
        """Share of checks that may have been met."""
        return Fraction(self.met + self.inconclusive, self.checks)

    @property
    def completeness(self) -> Fraction:
        """Share of the expected readings that are there."""
        return Fraction(self.received, self.expected) if self.expected else Fraction(0)


def compliance(determinations: Iterable[Determination]) -> list[Compliance]:
    """Sum determinations up by zone and standard, sorted by both."""
    verdicts: defaultdict[tuple[str, str], Counter[Verdict]] = defaultdict(Counter)
    slots: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in determinations:
        key = (one.zone, one.standard)
        verdicts[key][one.verdict] += 1
        slots[key][0] += one.received
        slots[key][1] += one.expected
    return [
        Compliance(
            zone,
            standard,
            counted.total(),
            counted[Verdict.MET],
            counted[Verdict.NOT_MET],
            counted[Verdict.INCONCLUSIVE],
            *slots[zone, standard],
        )
        for (zone, standard), counted in sorted(verdicts.items())
    ]


def by_standard(rows: Iterable[Compliance]) -> list[Compliance]:
    """Sum up over all zones, sorted by standard.

    Parameters
    ----------
    rows : iterable of Compliance
        Of one month.
    """
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in rows:
        sums[one.standard].update({name: getattr(one, name) for name in _COUNTS})
    return [
        Compliance("", standard, *(counted[name] for name in _COUNTS)) for standard, counted in sorted(sums.items())
    ]
