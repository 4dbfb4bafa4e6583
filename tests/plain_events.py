"""An event of the plain payment: one consequence of one determination, as the terms' tables say it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from rules.records import Determination

Table = Mapping[str, Any]
NOUGHT = Fraction(0)


@dataclass
class Event:
    """One consequence of one determination."""

    fact: Determination
    standard: Table
    place: int
    is_held: bool
    amount: Fraction = NOUGHT
    cut: Fraction = NOUGHT
    counts: bool = True
    shadow: Fraction = NOUGHT

    @property
    def consequence(self) -> Table:
        """The consequence's table."""
        return self.standard["consequence"][self.place]

    @property
    def day(self) -> date:
        """Local day of the fact."""
        return date.fromisoformat(self.fact.day)

    @property
    def is_bonus(self) -> bool:
        """Whether it is paid to the contractor."""
        return self.consequence.get("on") == "met"

    @property
    def is_borne(self) -> bool:
        """Whether what the contractor bears misses the target."""
        fact = self.fact
        return fact.borne > fact.target if fact.op.value == "<=" else fact.borne < fact.target

    @property
    def value(self) -> int:
        """Value that is charged."""
        if self.is_borne or self.is_bonus:
            return self.fact.borne
        return self.fact.target + 1 if self.fact.op.value == "<=" else self.fact.target - 1

    def scope(self, per: str) -> str:
        """What it is counted with."""
        return {"contract": "", "zone": self.fact.zone, "asset": self.fact.subject}[per]

    @property
    def name(self) -> str:
        """Id of the line, after the period."""
        several = len(self.standard["consequence"]) > 1
        nature = f"/{self.consequence['nature']}" if several else ""
        nature += "/bonus" if several and self.is_bonus else ""
        return f"{self.fact.standard}/{self.fact.subject}/{self.fact.day}{nature}"
