"""What follows from a standard not met: nature, tariff, allowance, cap, and what they count over."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rules.numbers import NAME, Amount, ClauseOrArticle, Count, Every, Percent, Table, exact


class Nature(StrEnum):
    """What a consequence is in law: what it is charged with, and when, follows from it."""

    PRICE = "price"
    FINE = "fine"
    DAMAGES = "damages"
    RETENTION = "retention"
    CREDIT = "credit"

    @property
    def is_settled(self) -> bool:
        """Whether it settles with the month of the fact; what does not is charged when an act has made it firm."""
        return self not in {Nature.FINE, Nature.DAMAGES}


class Inconclusive(StrEnum):
    """What an inconclusive opportunity pays."""

    NO_DEDUCTION = "no_deduction"
    DEDUCT = "deduct"
    HOLD = "hold"
    BY_CAUSE = "by_cause"


class CountWindow(Table):
    """Over which span events are counted, and when the count begins anew."""

    kind: Literal["calendar_month", "rolling_months", "contract_year", "contract"]
    reset: Literal["period", "never"] = Field(description="With the next span, or never where it rolls.")
    months: Annotated[int, Field(ge=2, le=60)] | None = Field(
        None, description="With rolling_months: how many, this month the last."
    )


class Overlap(Table):
    """What happens when one fact falls under several standards."""

    group: Literal["none", "asset_day"]
    keep: Literal["sum", "highest"]
    across: Literal["nature", "natures"] = Field(
        "nature", description="Whether the highest of each nature stays, or the highest of all."
    )


_UNIT = "The currency, an indexed unit, or a points account."


class EventTariff(Table):
    """A fixed sum for each event."""

    kind: Literal["per_event"]
    amount: Amount
    unit: str = Field(description=_UNIT)


class TimeTariff(Table):
    """A sum for each hour, day or other length of a time that misses its target."""

    kind: Literal["per_time"]
    amount: Amount
    unit: str = Field(description=_UNIT)
    length: Every = Field(alias="time", description="Length of what is counted: PT1H, P1D.")
    count: Literal["started", "completed", "exact"] = Field(description="What becomes of a part of one.")
    of: Literal["excess", "whole"] = Field(description="The time beyond the target, or all of it.")


class UnitTariff(Table):
    """A sum for each one by which a count passes its target."""

    kind: Literal["per_unit"]
    amount: Amount
    unit: str = Field(description=_UNIT)


class ShareTariff(Table):
    """A sum of which the share not rendered is taken off."""

    kind: Literal["proportional"]
    amount: Amount = Field(description="What the whole service is worth.")
    unit: str = Field(description=_UNIT)


class Band(Table):
    """What a share costs from a value upwards, up to where the band above begins."""

    since: Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1)] = Field(
        alias="from", description="Lowest share in the band."
    )
    until: Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1)] | None = Field(
        None, description="Where the clause says it too: the share at which the band ends, itself not in it; else 1."
    )
    pct: Annotated[Decimal, BeforeValidator(exact), Field(ge=0)] = Field(description="Percent of the base sum.")
    clause: ClauseOrArticle | None = None


class BandTariff(Table):
    """A percentage of a base sum, by the band into which a share falls."""

    kind: Literal["band"]
    bands: Annotated[tuple[Band, ...], Field(min_length=1)] = Field(
        description="From the highest to the lowest, which begins at nought."
    )
    base: str = Field(pattern=NAME, description="Id of the base sum of which it is a percentage.")
    unit: str = Field(description="The currency: a percentage of a base sum is money already.")


class NthTariff(Table):
    """A sum for the first event of the count window, another for the second; the last repeats."""

    kind: Literal["nth"]
    amounts: Annotated[tuple[Amount, ...], Field(min_length=1)] = Field(description="None lower than the one before.")
    key: Literal["contract", "zone", "asset"] = Field(description="For what events are counted together.")
    unit: str = Field(description=_UNIT)


class PlanTariff(Table):
    """A base sum of which each failed check costs its part: paid is the share of the plan that was done."""

    kind: Literal["planned_share"]
    base: str = Field(pattern=NAME, description="Id of the base sum that the whole plan is worth.")
    unit: str = Field(description="The currency: a share of a base sum is money already.")
    excused: Literal["done", "out_of_plan"] = Field(
        description="Whether a check that relief excuses counts as done, or leaves the plan."
    )


class RangeTariff(Table):
    """A sum that an officer chooses within a range, with a reason; nobody's choice is the least."""

    kind: Literal["range"]
    min: Amount
    max: Amount
    unit: str = Field(description=_UNIT)


# What one event costs.
Tariff = EventTariff | TimeTariff | UnitTariff | ShareTariff | BandTariff | NthTariff | PlanTariff | RangeTariff


class Allowance(Table):
    """Events of the count window that cost nothing."""

    free: Count
    per: Literal["contract", "zone", "asset"]


class RepeatStep(Table):
    """From which event on a sum is multiplied, and by what."""

    since: Annotated[int, Field(ge=1)] = Field(alias="from", description="Number of the event; 4 is the fourth.")
    multiplier: Annotated[Decimal, BeforeValidator(exact), Field(ge=1)]
    clause: ClauseOrArticle | None = None


class Repeat(Table):
    """Events of the count window that cost more because they come again."""

    per: Literal["contract", "zone", "asset"] = Field(description="For what events are counted together.")
    steps: Annotated[tuple[RepeatStep, ...], Field(min_length=1)]
    hits: Literal["later", "graded", "top"] = Field(
        description="Which events: those from each step on; those before the first step too; all by the highest step."
    )


class Cap(Table):
    """Most that a consequence may cost: a percentage of a base sum, or a sum."""

    per: Literal["event", "month", "zone_month"]
    pct: Percent | None = None
    base: str = Field("", description="Id of the base sum of which it is a percentage.")
    amount: Amount | None = Field(None, description="In the currency, in place of a percentage.")
    carry_over: Literal["none", "next_month"] = Field(
        "none", description="What becomes of the sum that the cap cuts off."
    )


class Consequence(Table):
    """What follows from a standard not met; or met, where it is a bonus."""

    nature: Nature
    on: Literal["not_met", "met"] = Field("not_met", description="A deduction, or a bonus.")
    beside: ClauseOrArticle | None = Field(
        None, description="Clause that lets it stand beside a consequence of another nature for the same fact."
    )
    tariff: Tariff = Field(discriminator="kind")
    allowance: Allowance | None = None
    repeat: Repeat | None = None
    cap: Cap | None = None
