"""Terms: the contract as typed, dated data.

The models mirror `contract.toml` from top to bottom, in the order a lawyer reads. Every number carries unit, clause,
the date from which it holds and where it comes from; a number that says none of these takes them from its table.
Lists of choices hold what this release can compute: a term it cannot is refused, never approximated.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rules.calendar import Zone, duration_us
from rules.records import GapCause

PPM = 1_000_000


class _Table(BaseModel):
    """A table of the contract file; a key that nobody reads is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Level(StrEnum):
    """What a standard looks at."""

    INPUT = "input"
    OUTPUT = "output"
    OUTCOME = "outcome"
    DATA_DUTY = "data_duty"


class Nature(StrEnum):
    """What a consequence is in law."""

    PRICE = "price"
    FINE = "fine"


class Inconclusive(StrEnum):
    """What an inconclusive opportunity pays."""

    NO_DEDUCTION = "no_deduction"
    DEDUCT = "deduct"
    HOLD = "hold"
    BY_CAUSE = "by_cause"


class Bearer(StrEnum):
    """Who bears a gap."""

    CITY = "city"
    CONTRACTOR = "contractor"


class Origin(StrEnum):
    """Where a number comes from."""

    TENDER = "tender"
    OFFER = "offer"
    AMENDMENT = "amendment"
    COURT = "court"


class Step(StrEnum):
    """Steps from verdicts to money, in the order that the terms declare."""

    OVERLAP = "overlap"
    ALLOWANCE = "allowance"
    TARIFF = "tariff"
    INDEX = "index"
    CAP = "cap"
    ROUND = "round"


class Clause(_Table):
    """Where a term is written."""

    article: str = Field(description="Article or number, as the document counts.")
    document: str = Field("", description="File name of the document.")
    page: int | None = Field(None, description="Page of the document.")
    text_sha256: str = Field("", description="Digest of the clause's text.")


def _clause(said: object) -> object:
    return {"article": said} if isinstance(said, str) else said


ClauseOrArticle = Annotated[Clause, BeforeValidator(_clause)]


def _exact(said: object) -> object:
    if isinstance(said, bool | float):
        # pydantic would take `true` for 1
        raise ValueError(f"{said!r} is not an exact number")  # noqa: TRY004  # pydantic collects values, not types
    return said


class Dated(_Table):
    """One value of a number and from when it holds."""

    value: Annotated[str | int | Decimal, BeforeValidator(_exact)]
    since: date | None = Field(None, alias="from")
    clause: Annotated[Clause | None, BeforeValidator(_clause)] = None
    origin: Origin | None = None


def _dated(said: object) -> object:
    """One plain value holds from the beginning; a list gives each its date."""
    return cast("object", said) if isinstance(said, list | tuple) else [{"value": said}]


def _read(text: str | int | Decimal, unit: str) -> Fraction:
    return Fraction(duration_us(str(text))) if unit == "us" else Fraction(Decimal(str(text)))


class _Number:
    """Validator: every value of a number is written in its unit, and none is negative."""

    def __init__(self, unit: str, *, is_positive: bool = False, word: str | None = None) -> None:
        self.unit, self.is_positive, self.word = unit, is_positive, word

    def __call__(self, values: tuple[Dated, ...]) -> tuple[Dated, ...]:
        for dated in values:
            if dated.value != self.word:
                self._check(str(dated.value))
        return values

    def _check(self, text: str) -> None:
        try:
            value = _read(text, self.unit)
        except ArithmeticError as error:
            raise ValueError(f"{text!r} is not a decimal number") from error
        if value < 0 or (self.is_positive and not value):
            raise ValueError(f"{text!r} is not {'above' if self.is_positive else 'at least'} nought")
        if self.unit == "ratio" and value > 1:
            raise ValueError(f"{text!r} is above 1; a ratio is written as 0.85, not as 85")
        if self.unit == "count" and value.denominator != 1:
            raise ValueError(f"{text!r} is not a whole number")


# Numbers by unit: a ratio is 0..1, a duration is ISO 8601 and kept in microseconds.
_Dates = Annotated[tuple[Dated, ...], Field(min_length=1), BeforeValidator(_dated)]
Ratio = Annotated[_Dates, AfterValidator(_Number("ratio"))]
Fall = Annotated[_Dates, AfterValidator(_Number("ratio", is_positive=True))]
Threshold = Annotated[_Dates, AfterValidator(_Number("ratio", word="installation"))]
Duration = Annotated[_Dates, AfterValidator(_Number("us"))]
Every = Annotated[_Dates, AfterValidator(_Number("us", is_positive=True))]
Count = Annotated[_Dates, AfterValidator(_Number("count"))]
Amount = Annotated[_Dates, AfterValidator(_Number("amount"))]
Grain = Annotated[_Dates, AfterValidator(_Number("amount", is_positive=True))]
Percent = Annotated[_Dates, AfterValidator(_Number("percent"))]


def value_on(numbers: tuple[Dated, ...], day: date, unit: str = "amount") -> Fraction:
    """Value of a number on a day: the last one that holds from that day or before.

    Parameters
    ----------
    numbers : tuple of Dated
        In order of their dates; the first may hold from the beginning.
    day : date
    unit : str
        `us` for durations.
    """
    return _read(dated_on(numbers, day).value, unit)


def dated_on(numbers: tuple[Dated, ...], day: date) -> Dated:
    """Value of a number on a day, with its clause and origin.

    Parameters
    ----------
    numbers : tuple of Dated
        In order of their dates.
    day : date
    """
    holding = [dated for dated in numbers if dated.since is None or dated.since <= day]
    return holding[-1] if holding else numbers[0]


class Effective(_Table):
    """From when until when these terms hold, local dates, the second excluded."""

    since: date = Field(alias="from", description="First day; the first of a payment period.")
    until: date = Field(description="Day after the last.")


# Part of every path: lower case, digits, dashes; anchored, because a pattern is searched for.
_ID = r"^[a-z0-9][a-z0-9-]{0,63}$"


class Contract(_Table):
    """Who agreed what, in which version."""

    id: str = Field(pattern=_ID, description="Short name, in every path.")
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


class Calendar(_Table):
    """Local time and periods."""

    time_zone: str
    period: Literal["calendar_month"]
    payment_period: Literal["calendar_month"]


class Rounding(_Table):
    """How money is rounded, and where."""

    mode: Literal["half_up", "half_even", "down"]
    step: Grain
    at: Literal["line", "total"]


class Index(_Table):
    """An indexed unit and the month whose value counts."""

    series: str
    month: Literal["fact"]


class Money(_Table):
    """Currency, rounding, order of steps."""

    currency: Literal["CLP", "BRL", "EUR", "GBP", "USD", "AUD"]
    amounts: Literal["net", "gross"]
    rounding: Rounding
    disputed_money: Literal["paid_until_firm"]
    order: tuple[Step, ...]
    indexes: tuple[Index, ...] = ()


class Late(_Table):
    """How long is waited for readings."""

    grace: Duration
    late_cutoff: Duration


class Evidence(_Table):
    """Who bears which gap."""

    gap_bearer: dict[GapCause, Bearer]


class Base(_Table):
    """A fixed sum of the payment period."""

    id: str = Field(pattern=_ID)
    amount: Amount
    clause: ClauseOrArticle


class Goal(_Table):
    """What the city wants, in words."""

    id: str = Field(pattern=_ID)
    text: dict[Literal["en", "es", "pt"], str] = Field(min_length=1)
    indicator: str = ""


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Hours(_Table):
    """Hours in which a standard holds."""

    start: time
    end: time
    days: Literal["daily"] | Annotated[tuple[Weekday, ...], Field(min_length=1)]
    dst: Literal["elapsed"]


class FullMeasure(_Table):
    """How long a container was at or above a fill."""

    kind: Literal["longest_run", "total_time"]
    of: Literal["fill_ratio"]
    op: Literal[">="]
    value: Threshold = Field(description='A ratio, or "installation": the fill at which each one counts as full.')
    max_gap: Duration = Field(description="Readings further apart say nothing of the time between.")
    across_windows: bool = Field(description="Whether a run carries in from before the window.")
    look_back: Duration | None = Field(None, description="How far back a run may begin, with across_windows.")


class EmptiedMeasure(_Table):
    """Longest time that a container was not emptied."""

    kind: Literal["longest_unemptied"]
    of: Literal["fill_ratio"]
    drop: Fall = Field(description="A fall of the fill by this much is an emptying.")
    residual: Ratio = Field(description="At or below this fill an emptying could pass unseen.")
    max_gap: Duration
    look_back: Duration = Field(description="How far back is looked; more than the target.")


class Target(_Table):
    """What the measure is held against."""

    op: Literal["<="]
    value: Duration


class Tolerance(_Table):
    """Error of the signal, and who has the benefit of the bound."""

    signal_error: Ratio
    bound: Literal["favour_contractor"]


class Completeness(_Table):
    """Share of expected readings under which a check is inconclusive; what it pays, the terms say."""

    min: Ratio
    every: Every


class CountWindow(_Table):
    """Over which span events are counted, and when the count begins anew."""

    kind: Literal["calendar_month"]
    reset: Literal["period"]


class Overlap(_Table):
    """What happens when one fact falls under several standards."""

    group: Literal["none", "asset_day"]
    keep: Literal["sum", "highest"]


class Tariff(_Table):
    """What one event costs."""

    kind: Literal["per_event"]
    amount: Amount
    unit: str = Field(description="The currency, or an indexed unit.")


class Allowance(_Table):
    """Events of the count window that cost nothing."""

    free: Count
    per: Literal["contract", "zone", "asset"]


class Cap(_Table):
    """Most that a consequence may cost in a period."""

    per: Literal["month", "zone_month"]
    pct: Percent
    base: str = Field(description="Id of the base sum of which it is a percentage.")


class Consequence(_Table):
    """What follows from a standard not met."""

    nature: Nature
    tariff: Tariff
    allowance: Allowance | None = None
    cap: Cap | None = None


class Standard(_Table):
    """One service standard."""

    id: str = Field(pattern=_ID)
    goal: str
    level: Level
    clause: ClauseOrArticle
    origin: Origin | None = None
    subject: Literal["container"]
    zones: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)]
    window: Hours
    measure: FullMeasure | EmptiedMeasure = Field(discriminator="kind")
    target: Target
    tolerance: Tolerance
    completeness: Completeness
    inconclusive: Inconclusive
    count_window: CountWindow
    overlap: Overlap
    consequence: tuple[Consequence, ...] = Field(min_length=1)


class ContractFile(_Table):
    """The whole of `contract.toml`."""

    contract: Contract
    calendar: Calendar
    money: Money
    late: Late
    evidence: Evidence
    base: tuple[Base, ...] = Field(min_length=1)
    goal: tuple[Goal, ...] = Field(min_length=1)
    standard: tuple[Standard, ...] = Field(min_length=1)


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
    """

    file: ContractFile
    zone: Zone
    zones: dict[str, str]
    index_values: dict[tuple[str, str], Fraction]
    digest: str

    @property
    def id(self) -> str:
        """The contract's short name."""
        return self.file.contract.id

    @property
    def version(self) -> int:
        """Version of the terms."""
        return self.file.contract.version
