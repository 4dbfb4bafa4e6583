"""Numbers of the terms: each with its unit, the date from which it holds, its clause and where it comes from.

A plain value holds from the beginning and takes its clause from the table around it; a list gives each its date.
A ratio is 0..1; a duration is ISO 8601 and kept in microseconds.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal, assert_never, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rules.calendar import duration_us

PPM = 1_000_000
Mode = Literal["half_up", "half_even", "down"]


class Table(BaseModel):
    """A table of the contract file; a key that nobody reads is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Origin(StrEnum):
    """Where a number comes from."""

    TENDER = "tender"
    OFFER = "offer"
    AMENDMENT = "amendment"
    COURT = "court"


class Clause(Table):
    """Where a term is written."""

    article: str = Field(description="Article or number, as the document counts.")
    document: str = Field("", description="File name of the document.")
    page: int | None = Field(None, description="Page of the document.")
    text_sha256: str = Field("", description="Digest of the clause's text.")


def _clause(said: object) -> object:
    return {"article": said} if isinstance(said, str) else said


ClauseOrArticle = Annotated[Clause, BeforeValidator(_clause)]


def exact(said: object) -> object:
    """Refuse what is no exact number."""
    if isinstance(said, bool | float):
        # pydantic would take `true` for 1
        raise ValueError(f"{said!r} is not an exact number")  # noqa: TRY004  # pydantic collects values, not types
    return said


class Dated(Table):
    """One value of a number and from when it holds."""

    value: Annotated[str | int | Decimal, BeforeValidator(exact)]
    since: date | None = Field(None, alias="from")
    clause: Annotated[Clause | None, BeforeValidator(_clause)] = None
    origin: Origin | None = None
    tender: Annotated[str | int | Decimal | None, BeforeValidator(exact)] = Field(
        None, description="The tender's value that this one, of the offer, overrides: kept, and never used."
    )


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
        unit = "us" if self.unit == "limit" and text.startswith("P") else self.unit
        try:
            value = _read(text, unit)
        except ArithmeticError as error:
            duration = " and no duration such as PT4H" if self.unit == "limit" else ""
            raise ValueError(f"{text!r} is not a decimal number{duration}") from error
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
DayCount = Annotated[_Dates, AfterValidator(_Number("count", is_positive=True))]
Amount = Annotated[_Dates, AfterValidator(_Number("amount"))]
Grain = Annotated[_Dates, AfterValidator(_Number("amount", is_positive=True))]
Speed = Annotated[_Dates, AfterValidator(_Number("mps", is_positive=True))]
# What a speed may be off by: it may be nought.
Slip = Annotated[_Dates, AfterValidator(_Number("mps"))]
Metres = Annotated[_Dates, AfterValidator(_Number("m"))]
# What a target may be: its measure says which of these it must be.
Limit = Annotated[_Dates, AfterValidator(_Number("limit"))]
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


def rounded(amount: Fraction, step: Fraction, mode: Mode) -> Fraction:
    """Round to a whole number of steps.

    Parameters
    ----------
    amount : Fraction
        Negative amounts are rounded as the same sum owed the other way.
    step : Fraction
        Smallest unit paid, above nought.
    mode : str
        `half_up` away from nought at one half, `half_even` to the even step, `down` towards nought.
    """
    steps = abs(amount) / step
    if steps.denominator == 1:
        return amount
    match mode:
        case "half_up":
            whole = (2 * steps + 1) // 2
        case "half_even":
            whole = round(steps)
        case "down":
            whole = steps // 1
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
    return whole * step if amount >= 0 else -whole * step


# Part of every path: lower case, digits, dashes; anchored, because a pattern is searched for.
NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
