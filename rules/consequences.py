"""What follows from a standard not met: nature, tariff, allowance, cap, and what they count over."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rules.numbers import NAME, Amount, ClauseOrArticle, Count, Percent, Table, exact


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


class CountWindow(Table):
    """Over which span events are counted, and when the count begins anew."""

    kind: Literal["calendar_month"]
    reset: Literal["period"]


class Overlap(Table):
    """What happens when one fact falls under several standards."""

    group: Literal["none", "asset_day"]
    keep: Literal["sum", "highest"]


_UNIT = "The currency, or an indexed unit."


class EventTariff(Table):
    """A fixed sum for each event."""

    kind: Literal["per_event"]
    amount: Amount
    unit: str = Field(description=_UNIT)


class HourTariff(Table):
    """A sum for each started hour by which a time misses its target."""

    kind: Literal["per_started_hour"]
    amount: Amount
    unit: str = Field(description=_UNIT)
    of: Literal["excess"] = Field("excess", description="Hours beyond the target, not those up to it.")


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


# What one event costs.
Tariff = EventTariff | HourTariff | UnitTariff | ShareTariff | BandTariff | NthTariff


class Allowance(Table):
    """Events of the count window that cost nothing."""

    free: Count
    per: Literal["contract", "zone", "asset"]


class Cap(Table):
    """Most that a consequence may cost in a period."""

    per: Literal["month", "zone_month"]
    pct: Percent
    base: str = Field(description="Id of the base sum of which it is a percentage.")
    carry_over: Literal["none", "next_month"] = Field(
        "none", description="What becomes of the sum that the cap cuts off."
    )


class Consequence(Table):
    """What follows from a standard not met."""

    nature: Nature
    tariff: Tariff = Field(discriminator="kind")
    allowance: Allowance | None = None
    cap: Cap | None = None
