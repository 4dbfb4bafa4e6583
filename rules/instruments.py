"""Terms over all standards together: points accounts, triggers, caps on the whole, retention, relief, bedding-in.

What a standard costs by itself stands at the standard; what several of them share stands here.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rules.consequences import Nature
from rules.numbers import NAME, Amount, ClauseOrArticle, Percent, Ratio, Table, exact


class LinearPoints(Table):
    """So much a point."""

    kind: Literal["linear"]
    amount: Amount
    unit: str


class PointBands(Table):
    """So much for each whole band of points; what does not fill a band costs nothing."""

    kind: Literal["bands"]
    band: Amount = Field(description="Points of a band.")
    amount: Amount
    unit: str


class PointSlice(Table):
    """Above how many points each costs how many times as much."""

    above: Annotated[Decimal, BeforeValidator(exact), Field(ge=0)]
    multiplier: Annotated[Decimal, BeforeValidator(exact), Field(ge=0)]
    clause: ClauseOrArticle | None = None


class PointRatchet(Table):
    """So much a point, more the more points there are."""

    kind: Literal["ratchet"]
    amount: Amount
    unit: str
    slices: Annotated[tuple[PointSlice, ...], Field(min_length=1)] = Field(description="From the lowest, at nought.")
    hits: Literal["slice", "whole"] = Field(
        description="Whether each slice has its multiplier, or the highest reached holds for all."
    )


class Points(Table):
    """An account of points: tariffs in its unit fill it, and at the month's end it becomes money."""

    id: str = Field(pattern=NAME, description="The unit that tariffs name.")
    clause: ClauseOrArticle
    nature: Nature
    free: Amount = Field(description="Points of the month that cost nothing.")
    to_money: LinearPoints | PointBands | PointRatchet = Field(discriminator="kind")


class Trigger(Table):
    """A sum over months whose passing is a ground for a notice; the notice is no money."""

    id: str = Field(pattern=NAME)
    clause: ClauseOrArticle
    of: str = Field(description="A points account, or a standard, whose events not met are counted.")
    months: Annotated[int, Field(ge=1, le=60)] = Field(
        description="Months that follow each other, this one the last."
    )
    op: Literal[">", ">="]
    value: Amount
    notice: Literal["warning", "termination"]


class TotalCap(Table):
    """Most that all consequences of some natures may cost together."""

    id: str = Field(pattern=NAME)
    clause: ClauseOrArticle
    natures: Annotated[tuple[Nature, ...], Field(min_length=1)]
    per: Literal["month", "half_year", "contract_year", "contract"]
    pct: Percent | None = None
    base: str = Field("", description="Id of the base sum of which it is a percentage.")
    of: Literal["month", "span"] | None = Field(
        None,
        description="Whether the percentage is of one month's base sum, or of those of all months that share it.",
    )
    amount: Amount | None = Field(None, description="In the currency, in place of a percentage.")
    warn_at: tuple[Ratio, ...] = Field((), description="Shares of the cap at which a warning is given.")
    reached: Literal["warning", "termination"] | None = Field(
        None, description="What notice there is ground for in the month that uses the cap up."
    )


class DeMinimis(Table):
    """Sum below which a month's deductions of some natures are not charged: they cost more than they bring."""

    amount: Amount = Field(description="In the currency; what reaches it is charged whole.")
    natures: Annotated[tuple[Nature, ...], Field(min_length=1)] = Field(description="Whose sums count together.")
    clause: ClauseOrArticle


class ReturnBand(Table):
    """What is given back from a score upwards."""

    since: Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1)] = Field(alias="from")
    pct: Annotated[Decimal, BeforeValidator(exact), Field(ge=0)]
    clause: ClauseOrArticle | None = None


class Retention(Table):
    """A part of each month's base sum that is kept, and given back by a score."""

    id: str = Field(pattern=NAME)
    clause: ClauseOrArticle
    base: str
    pct: Percent
    months: Annotated[int, Field(ge=1, le=24)] = Field(
        description="After so many months, counted from the first, it is decided what of them is given back."
    )
    standard: str = Field(description="The score is the share of its checks that were not failed.")
    at_end: Literal["release", "next_version"] | None = Field(
        None, description="What becomes of months that are not over when these terms end."
    )
    returned: Annotated[tuple[ReturnBand, ...], Field(min_length=1)] = Field(
        description="Percent of the base sum, from the highest score to the lowest, which begins at nought."
    )


class ReliefCode(Table):
    """A ground of relief that the contract knows, and what it does."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    clause: ClauseOrArticle
    effect: Literal["spares_deduction", "bars_termination", "stops_clocks"] = Field(
        description="Clocks of due process that name a code stand still under it; the last does nothing else."
    )
    covers: Literal["touched", "contained"] = Field(
        description="Whether a check is excused whose window the span touches, or holds whole."
    )


class NatureOf(Table):
    """What follows from a nature, by the city's table: tax, budget account, who may forgive."""

    nature: Nature
    taxed: bool = Field(description="Whether it changes the sum on which VAT is due.")
    budget: str = Field(min_length=1, description="Account to which it is booked.")
    forgiven_by: str = Field(
        "", description="Office that may forgive it by a reasoned act; nobody where none is named."
    )
    clause: ClauseOrArticle | None = Field(None, description="What allows forgiving; must, where an office may.")


class IndexTerm(Table):
    """One index of an adjustment, and how much of the sum follows it."""

    series: str
    weight: Annotated[Decimal, BeforeValidator(exact), Field(gt=0, le=1)]


class Adjustment(Table):
    """How a base sum follows indexes: its sum times the weighted growth of them, less an efficiency."""

    clause: ClauseOrArticle
    terms: Annotated[tuple[IndexTerm, ...], Field(min_length=1)] = Field(description="Weights make 1 together.")
    base_month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] = Field(
        description="Month whose values the sum was agreed at."
    )
    every: Literal[1, 3, 6, 12] = Field(description="Months between two adjustments, counted from the first.")
    lag: Annotated[int, Field(ge=0, le=12)] = Field(
        description="How many months before the adjustment values are of."
    )
    efficiency: Percent | None = Field(None, description="What the contractor must gain.")
    less: Literal["subtracted", "compounded"] | None = Field(
        None, description="With an efficiency: taken off the growth, or off the grown sum."
    )
    taken: Literal["once", "each_time"] | None = Field(
        None,
        description="With an efficiency: off the whole growth, or at each adjustment off the growth since the last.",
    )


class BeddingIn(Table):
    """First months in which everything is measured and stated, and nothing charged."""

    until: date = Field(description="Day after the last on which nothing is charged.")
    clause: ClauseOrArticle
    counts_for_triggers: bool
