"""Terms of due process: day kinds, channels, clocks, silence, permissions; the table `process` of `contract.toml`.

Every length is dated and has its clause like any number of the terms. A list of holidays stands in `calendar.toml`
beside the terms: a holiday that is declared late comes with a new version, never into an old one.
"""

from datetime import time
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from rules.days import Weekday
from rules.numbers import NAME, ClauseOrArticle, DayCount, Duration, Percent, Table


class Permission(StrEnum):
    """What an officer's act is; roles hold them, persons act in roles."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    HEAR = "hear"
    DECIDE = "decide"
    ATTEST = "attest"
    APPROVE_PAYMENT = "approve_payment"
    PUBLISH = "publish"


class Start(StrEnum):
    """What a clock runs from."""

    FACT = "fact"
    NOTICE_DEEMED = "notice_deemed"
    DEFENCE_FILED = "defence_filed"
    DEFENCE_DEADLINE = "defence_deadline"
    DECISION_DEEMED = "decision_deemed"
    APPEAL_FILED = "appeal_filed"
    APPEAL_DEADLINE = "appeal_deadline"
    FIRM = "firm"
    INVOICE_RECEIVED = "invoice_received"


class ClockName(StrEnum):
    """The clocks of a line, and those of an invoice."""

    RAISE_BY = "raise_by"
    DEFENCE = "defence"
    DECISION = "decision"
    APPEAL = "appeal"
    APPEAL_DECISION = "appeal_decision"
    CHARGE_BY = "charge_by"
    INVOICE_ANSWER = "invoice_answer"
    INVOICE_PAYMENT = "invoice_payment"


# From what each may run: another start would be a clock that nobody could read off the records.
STARTS: dict[ClockName, tuple[Start, ...]] = {
    ClockName.RAISE_BY: (Start.FACT,),
    ClockName.DEFENCE: (Start.NOTICE_DEEMED,),
    ClockName.DECISION: (Start.DEFENCE_FILED, Start.DEFENCE_DEADLINE),
    ClockName.APPEAL: (Start.DECISION_DEEMED,),
    ClockName.APPEAL_DECISION: (Start.APPEAL_FILED, Start.APPEAL_DEADLINE),
    ClockName.CHARGE_BY: (Start.FIRM,),
    ClockName.INVOICE_ANSWER: (Start.INVOICE_RECEIVED,),
    ClockName.INVOICE_PAYMENT: (Start.INVOICE_RECEIVED,),
}


class DayKind(Table):
    """Which days count: administrative, running, banking, as the contract names them."""

    id: str = Field(pattern=NAME)
    weekdays: tuple[Weekday, ...] = Field(min_length=1, description="Days of the week that count.")
    holidays: str = Field("", description="List of `calendar.toml` whose days do not count; none where empty.")
    clause: ClauseOrArticle


class Deeming(Table):
    """When what was sent counts as received: so long after it was sent, or on the n-th day of a kind after it."""

    after: Duration | None = None
    length: DayCount | None = None
    day_kind: str = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.after is None) == (self.length is None) or (self.length is None) != (not self.day_kind):
            raise ValueError("give after, or else length and day_kind")
        return self


class Channel(Table):
    """A way by which a notification is valid; an e-mail that is none stays a courtesy copy."""

    id: str = Field(pattern=NAME)
    deemed: Deeming
    clause: ClauseOrArticle


class Clock(Table):
    """So many days of a kind, from the next day of that kind on, to the end of the last or an hour of it."""

    length: DayCount
    day_kind: str
    runs_from: Start
    ends_at: time | None = Field(None, description="Local time of the last day; its end where none is given.")
    pauses: tuple[str, ...] = Field((), description="Codes of granted reliefs during which it stands still.")
    clause: ClauseOrArticle


class Clocks(Table):
    """The clocks of a line and of an invoice. Without an appeal there is none of the two for it."""

    raise_by: Clock
    defence: Clock
    decision: Clock
    appeal: Clock | None = None
    appeal_decision: Clock | None = None
    charge_by: Clock
    invoice_answer: Clock | None = None
    invoice_payment: Clock | None = None

    def named(self, name: ClockName) -> Clock | None:
        """Return a clock by its name; none where the contract has no such step."""
        clock: Clock | None = getattr(self, name.value)
        return clock


class ContractorSilence(Table):
    """What follows when the contractor does not answer a notice in time."""

    outcome: Literal["firm_by_act", "decide"]
    clause: ClauseOrArticle


class CitySilence(Table):
    """What follows when the city does not decide in time; against the contractor only where a clause says so."""

    outcome: Literal["annulled", "open", "upheld"]
    clause: ClauseOrArticle | None = None


class Role(Table):
    """An office of the city, and which acts are its own."""

    id: str = Field(pattern=NAME)
    permissions: tuple[Permission, ...] = Field(min_length=1)


class Incompatible(Table):
    """Two acts that never meet in one person on one line."""

    acts: tuple[Permission, Permission]
    clause: ClauseOrArticle


class Alert(Table):
    """The contractor must have been warned so long before it was too late to act, else no notice holds."""

    lead: Duration
    clause: ClauseOrArticle


class Item(Table):
    """A paper of the payment checklist."""

    id: str = Field(pattern=NAME)
    clause: ClauseOrArticle


class LateInterest(Table):
    """What the city owes on an invoice that it pays late: simple interest, by the day."""

    pct: Percent = Field(description="Percent a year.")
    day_count: Literal["actual_365", "actual_360", "actual_actual"] = Field(
        description="Days of the year that each day late is a part of."
    )
    clause: ClauseOrArticle


class Process(Table):
    """Due process on a line, from the notice to the charge."""

    clause: ClauseOrArticle
    day_kind: tuple[DayKind, ...] = Field(min_length=1)
    channel: tuple[Channel, ...] = Field(min_length=1)
    clocks: Clocks
    contractor_silence: ContractorSilence
    city_silence: CitySilence
    role: tuple[Role, ...] = Field(min_length=1)
    incompatible: tuple[Incompatible, ...] = ()
    alert: Alert | None = None
    checklist: tuple[Item, ...] = ()
    late_interest: LateInterest | None = None
