"""A rule pack: bounds of a jurisdiction, each with where it is from, who looked at it, and whether it is confirmed.

What a law says is data, never code: another country is another file. Code knows the kinds of bound only.
"""

import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from rules.consequences import Nature
from rules.days import Weekday
from rules.errors import PackError
from rules.numbers import NAME, Duration, Percent, Ratio, Table


class _Entry(Table):
    """What every bound says of itself."""

    id: str = Field(pattern=NAME)
    source: str = Field(min_length=1, description="Where it is said.")
    date: date
    reviewer: str = Field("", description="Who held it against its source; nobody where it is empty.")
    status: Literal["confirmed", "unconfirmed"]

    @model_validator(mode="after")
    def _is_reviewed(self) -> Self:
        if self.status == "confirmed" and not self.reviewer.strip():
            raise ValueError("a confirmed entry names its reviewer")
        return self


class NatureCap(_Entry):
    """Most that some natures may cost together, in percent of the contract's or of a month's base sums."""

    bounds: Literal["nature_cap"]
    natures: Annotated[tuple[Nature, ...], Field(min_length=1)]
    pct: Percent
    of: Literal["contract", "month"]


class DefenceDays(_Entry):
    """Least days for a defence, and days of the week that may count for it."""

    bounds: Literal["defence"]
    least: Annotated[int, Field(ge=1)] | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)]


class Deemed(_Entry):
    """No notification counts as received sooner."""

    bounds: Literal["deemed"]
    least: Duration


class Vat(_Entry):
    """Rate of the tax, and natures that do not change the sum on which it is due."""

    bounds: Literal["vat"]
    rate: Ratio | None = None
    untaxed: tuple[Nature, ...] = ()


class IndexMonths(_Entry):
    """Of which months the value of a series may count."""

    bounds: Literal["index_months"]
    series: str
    months: Annotated[tuple[Literal["fact", "act", "payment"], ...], Field(min_length=1)]


class InvoiceDays(_Entry):
    """Most days in which an invoice is answered, or paid."""

    bounds: Literal["invoice_answer", "invoice_payment"]
    most: Annotated[int, Field(ge=1)]


class CitySilenceOutcomes(_Entry):
    """What may follow from the city's silence."""

    bounds: Literal["city_silence"]
    outcomes: Annotated[tuple[Literal["annulled", "open", "upheld"], ...], Field(min_length=1)]


class Forgiving(_Entry):
    """Natures that no office may forgive at will."""

    bounds: Literal["forgiving"]
    natures: Annotated[tuple[Nature, ...], Field(min_length=1)]


Entry = (
    NatureCap | DefenceDays | Deemed | Vat | IndexMonths | InvoiceDays | CitySilenceOutcomes | Forgiving
)  # fmt: skip


class Pack(Table):
    """The bounds of one jurisdiction."""

    jurisdiction: str = Field(pattern=r"^[a-z]{2}(-[a-z0-9]{1,8})?$")
    entry: tuple[Annotated[Entry, Field(discriminator="bounds")], ...]

    @model_validator(mode="after")
    def _has_names(self) -> Self:
        if repeated := [name for name, n in Counter(one.id for one in self.entry).items() if n > 1]:
            raise ValueError(f"{', '.join(repeated)} stands more than once")
        return self


def read_pack(text: str) -> Pack:
    """Read a pack.

    Parameters
    ----------
    text : str
        TOML.

    Raises
    ------
    PackError
        When it is none.
    """
    try:
        return Pack.model_validate(tomllib.loads(text, parse_float=Decimal))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise PackError(f"a rule pack cannot be read: {error}") from error


def value_of(entry: Entry) -> str:
    """Write what an entry bounds to, as its file says it."""
    match entry:
        case NatureCap():
            return f"{', '.join(entry.natures)} <= {entry.pct[-1].value} % of {entry.of}"
        case DefenceDays():
            least = f">= {entry.least} days, " if entry.least else ""
            return f"{least}{', '.join(entry.weekdays)}"
        case Deemed():
            return f">= {entry.least[-1].value}"
        case Vat():
            rate = [f"rate {entry.rate[-1].value}"] if entry.rate else []
            return "; ".join([*rate, *([f"untaxed {', '.join(entry.untaxed)}"] if entry.untaxed else [])])
        case IndexMonths():
            return f"{entry.series}: {', '.join(entry.months)}"
        case InvoiceDays():
            return f"<= {entry.most} days"
        case CitySilenceOutcomes():
            return ", ".join(entry.outcomes)
        case Forgiving():
            return f"never {', '.join(entry.natures)}"
