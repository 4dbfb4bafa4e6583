"""Terms: the contract as typed, dated data.

The models mirror `contract.toml` from top to bottom, in the order a lawyer reads. Every number carries unit, clause,
the date from which it holds and where it comes from; a number that says none of these takes them from its table.
Lists of choices hold what this release can compute: a term it cannot is refused, never approximated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from rules.calendar import Zone
from rules.consequences import Consequence, CountWindow, Inconclusive, Nature, Overlap
from rules.days import Market, Weekday
from rules.instruments import (
    Adjustment,
    BeddingIn,
    DeMinimis,
    NatureOf,
    Points,
    ReliefCode,
    Retention,
    TotalCap,
    Trigger,
)
from rules.measures import Completeness, Hours, Measure, Target, Tolerance
from rules.numbers import NAME, Amount, ClauseOrArticle, Duration, Grain, Origin, Ratio, Table
from rules.places import Network
from rules.process.terms import Process
from rules.records import GapCause


class Level(StrEnum):
    """What a standard looks at."""

    INPUT = "input"
    OUTPUT = "output"
    OUTCOME = "outcome"
    DATA_DUTY = "data_duty"


class Bearer(StrEnum):
    """Who bears a gap."""

    CITY = "city"
    CONTRACTOR = "contractor"


class Step(StrEnum):
    """Steps from verdicts to money, in the order that the terms declare."""

    RELIEF = "relief"
    OVERLAP = "overlap"
    ALLOWANCE = "allowance"
    TARIFF = "tariff"
    REPEAT = "repeat"
    BEDDING_IN = "bedding_in"
    INDEX = "index"
    CAP = "cap"
    POINTS = "points"
    DE_MINIMIS = "de_minimis"
    TOTAL_CAP = "total_cap"
    ROUND = "round"


class Effective(Table):
    """From when until when these terms hold, local dates, the second excluded."""

    since: date = Field(alias="from", description="First day; the first of a payment period.")
    until: date = Field(description="Day after the last.")


class Contract(Table):
    """Who agreed what, in which version."""

    id: str = Field(pattern=NAME, description="Short name, in every path.")
    title: dict[Literal["en", "es", "pt"], str] = Field(min_length=1)
    buyer: str
    contractor: str
    vocabulary: Literal["es-CL", "pt-BR", "en"]
    version: int = Field(ge=1)
    published: datetime
    effective: Effective
    clause: ClauseOrArticle
    origin: Origin = Origin.TENDER
    ocid: str = Field("", description="Open Contracting id, the national one.")
    supersedes: str = ""
    begun: date | None = Field(
        None, description="First day of the first version: spans of months are counted from it."
    )
    jurisdiction: str = Field("", pattern=r"^([a-z]{2}(-[a-z0-9]{1,8})?)?$", description="Whose rule pack is asked.")


class Calendar(Table):
    """Local time and periods."""

    time_zone: str
    period: Literal["calendar_month"]
    payment_period: Literal["calendar_month"]


class Rounding(Table):
    """How money is rounded, and where."""

    mode: Literal["half_up", "half_even", "down"]
    step: Grain
    at: Literal["line", "total"]


class Index(Table):
    """An indexed unit and the month whose value counts."""

    series: str
    month: Literal["fact", "act", "payment"] = Field(
        description="Of the fact, of the act that makes a line firm, of the payment that charges it."
    )


class Money(Table):
    """Currency, rounding, order of steps."""

    currency: Literal["CLP", "BRL", "EUR", "GBP", "USD", "AUD"]
    amounts: Literal["net", "gross"]
    rounding: Rounding
    disputed_money: Literal["paid_until_firm"]
    order: tuple[Step, ...]
    indexes: tuple[Index, ...] = ()
    de_minimis: DeMinimis | None = None
    natures: tuple[NatureOf, ...] = ()
    vat: Ratio | None = Field(None, description="Rate of the tax on what is taxed; totals are said with and without.")


class Late(Table):
    """How long is waited for readings."""

    grace: Duration
    late_cutoff: Duration


class Evidence(Table):
    """Who bears which gap."""

    gap_bearer: dict[GapCause, Bearer]


class WorkingDays(Table):
    """Which days count where a sum is weighted by working days."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    holidays: str = Field("", description="List of `calendar.toml` whose days do not count; none where empty.")


class Base(Table):
    """A fixed sum of the payment period."""

    id: str = Field(pattern=NAME)
    amount: Amount
    clause: ClauseOrArticle
    pro_rata: Literal["none", "days", "working_days"] | None = Field(
        None, description="How a sum that changes within a month counts: that of the first day, or each by its days."
    )
    working_days: WorkingDays | None = None
    adjustment: Adjustment | None = None


class Goal(Table):
    """What the city wants, in words."""

    id: str = Field(pattern=NAME)
    text: dict[Literal["en", "es", "pt"], str] = Field(min_length=1)
    indicator: str = ""


Subject = Literal["container", "zone", "segment", "case", "vehicle"]


class Standard(Table):
    """One service standard."""

    id: str = Field(pattern=NAME)
    goal: str
    level: Level
    clause: ClauseOrArticle
    origin: Origin | None = None
    subject: Subject
    zones: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)]
    window: Hours
    measure: Measure = Field(discriminator="kind")
    target: Target
    tolerance: Tolerance
    completeness: Completeness | None = Field(None, description="Where a measure counts readings by slot.")
    gap_bearer: dict[GapCause, Bearer] = Field(
        default={}, description="Causes that somebody else bears under this standard than under `evidence`."
    )
    inconclusive: Inconclusive
    count_window: CountWindow
    overlap: Overlap
    consequence: tuple[Consequence, ...] = Field(min_length=1)


class ContractFile(Table):
    """The whole of `contract.toml`."""

    contract: Contract
    calendar: Calendar
    money: Money
    late: Late
    evidence: Evidence
    base: tuple[Base, ...] = Field(min_length=1)
    bedding_in: BeddingIn | None = None
    relief: tuple[ReliefCode, ...] = ()
    points: tuple[Points, ...] = ()
    total_cap: tuple[TotalCap, ...] = ()
    retention: tuple[Retention, ...] = ()
    trigger: tuple[Trigger, ...] = ()
    goal: tuple[Goal, ...] = Field(min_length=1)
    standard: tuple[Standard, ...] = Field(min_length=1)
    process: Process | None = Field(None, description="Due process; without it an act alone makes a line firm.")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the sampling frame: where inspectors may be sent."""

    point: str
    zone: str
    stratum: str


@dataclass(frozen=True, slots=True)
class Terms:
    """A loaded version of the terms.

    Parameters
    ----------
    file : ContractFile
    zone : Zone
        The contract's time zone.
    zones : dict of str
        Contract zones: id to name.
    index_values : dict
        (series, month) to value.
    digest : str
        SHA-256 of the files and the zone's transitions.
    points : tuple of Point
        The sampling frame; empty where nothing is inspected.
    network : Network or None
        The streets; none where nothing is swept.
    holidays : mapping
        List of `calendar.toml` to its days.
    markets : mapping
        Market of `calendar.toml` to its hours.
    index_later : mapping
        (series, month) to value of the newest version that is known: what was published since fixes sums that wait
        for an act, and changes no other.
    """

    file: ContractFile
    zone: Zone
    zones: dict[str, str]
    index_values: dict[tuple[str, str], Fraction]
    digest: str
    points: tuple[Point, ...] = ()
    network: Network | None = None
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict[str, frozenset[date]])
    markets: Mapping[str, Market] = field(default_factory=dict[str, Market])
    index_later: Mapping[tuple[str, str], Fraction] = field(default_factory=dict[tuple[str, str], Fraction])

    def account(self, unit: str) -> Points | None:
        """The points account of that name, if it is one."""
        return next((account for account in self.file.points if account.id == unit), None)

    def nature(self, nature: Nature) -> NatureOf | None:
        """What the city's table says of a nature, if it says anything."""
        return next((one for one in self.file.money.natures if one.nature == nature), None)

    def index_month(self, series: str) -> str:
        """Which month's value of an index counts: `fact`, `act` or `payment`."""
        return next((one.month for one in self.file.money.indexes if one.series == series), "fact")

    def bearers(self, standard: Standard) -> dict[GapCause, Bearer]:
        """Who bears each cause of a gap under a standard."""
        return {**self.file.evidence.gap_bearer, **standard.gap_bearer}

    @property
    def id(self) -> str:
        """The contract's short name."""
        return self.file.contract.id

    @property
    def begun(self) -> date:
        """First day of the contract, whichever version held then: spans of months are counted from it."""
        return self.file.contract.begun or self.file.contract.effective.since

    @property
    def version(self) -> int:
        """Version of the terms."""
        return self.file.contract.version
