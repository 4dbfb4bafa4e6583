"""Plain payment: what a month pays, worked out with fractions and lists, from the terms as a clerk reads them.

Written from the rules of the contract language, not from the code, and used to check it. The steps:

- sums that are held until an act compare with nothing; a cap serves them last; they use up an allowance only where
  the contractor bears the doubt;
- *overlap*: of the events of one container, day and nature under standards that keep the highest, only the dearest
  counts (of equals the earliest, then the standard's first consequence, then the first name);
- *allowance*: the first events of the month are free, counted for the contract, the zone or the container;
- *tariff*, *index*: so many units each, at the unit's value in the month of the fact;
- *cap*: in the order of time until the percentage of the base sum is spent; what it leaves nothing of is out;
- *round*: each line, or at the end the total; rounding never lifts a deduction above its cap.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, cast

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
    counts: bool = True

    @property
    def consequence(self) -> Table:
        """The consequence's table."""
        return self.standard["consequence"][self.place]

    @property
    def day(self) -> date:
        """Local day of the fact."""
        return date.fromisoformat(self.fact.day)

    @property
    def name(self) -> str:
        """Id of the line, after the period."""
        several = len(self.standard["consequence"]) > 1
        nature = f"/{self.consequence['nature']}" if several else ""
        return f"{self.fact.standard}/{self.fact.subject}/{self.fact.day}{nature}"


@dataclass
class Month:
    """What a month pays: amounts as the contractor sees them."""

    settled: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    firm: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    open: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    carry: Fraction = NOUGHT
    rounding: Fraction = NOUGHT
    paid: Fraction = NOUGHT


def number(said: object, day: date) -> Fraction:
    """Value of a number of the terms on a day."""
    if not isinstance(said, list):
        return Fraction(str(said))
    rows = cast("list[dict[str, Any]]", said)
    value = rows[0]["value"]
    for row in rows:
        if row.get("from") is None or row["from"] <= day:
            value = row["value"]
    return Fraction(str(value))


def to_step(amount: Fraction, step: Fraction, mode: str) -> Fraction:
    """Round a sum that is not negative."""
    whole, rest = divmod(amount, step)
    is_up = {"half_up": 2 * rest >= step, "down": False}.get(
        mode, 2 * rest > step or (2 * rest == step and whole % 2 == 1)
    )
    return (whole + 1 if is_up else whole) * step


class Payment:
    """The calculation of one month."""

    def __init__(self, terms: Table, indexes: Mapping[tuple[str, str], Fraction], period: str) -> None:
        self.terms, self.indexes, self.period = terms, indexes, period
        self.first = date.fromisoformat(f"{period}-01")
        self.rounding: Table = terms["money"]["rounding"]

    def unit(self, event: Event) -> Fraction:
        """Value of the tariff's unit."""
        unit = event.consequence["tariff"]["unit"]
        return Fraction(1) if unit == self.terms["money"]["currency"] else self.indexes[unit, event.fact.day[:7]]

    def events(self, facts: Sequence[Determination]) -> list[Event]:
        """Events that cost something, or may, in the order of time."""
        standards = {one["id"]: one for one in self.terms["standard"]}
        found: list[Event] = []
        for fact in facts:
            standard = standards[fact.standard]
            policy = standard["inconclusive"] if fact.verdict.value == "inconclusive" else fact.verdict.value
            if policy == "by_cause":
                policy = "deduct" if fact.borne > fact.target else "met"
            if policy in {"not_met", "deduct", "hold"}:
                found += [Event(fact, standard, n, policy == "hold") for n in range(len(standard["consequence"]))]
        found.sort(key=lambda one: (one.fact.window_start_us, one.fact.standard, one.fact.subject, one.place))
        return found

    def run(self, events: list[Event]) -> None:
        """Take the steps in the order that the terms declare."""
        steps: dict[str, Callable[[list[Event]], None]] = {
            "overlap": self.overlap,
            "allowance": self.allowance,
            "tariff": self.tariff,
            "index": self.index,
            "cap": self.cap,
            "round": self.round,
        }
        for step in self.terms["money"]["order"]:
            live = [event for event in events if event.counts]
            certain = [event for event in live if not event.is_held]
            held = [event for event in live if event.is_held]
            counted = [event for event in live if not event.is_held or event.fact.borne > event.fact.target]
            steps[step](certain if step == "overlap" else counted if step == "allowance" else certain + held)

    def overlap(self, events: list[Event]) -> None:
        """Keep the dearest of each container and day."""
        order = list(self.terms["money"]["order"])
        is_capped = order.index("cap") < order.index("overlap")

        def cost(event: Event) -> Fraction:
            if is_capped:
                return event.amount
            return number(event.consequence["tariff"]["amount"], event.day) * self.unit(event)

        groups: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for event in events:
            if event.standard["overlap"] == {"group": "asset_day", "keep": "highest"}:
                groups[event.fact.subject, event.fact.day, event.consequence["nature"]].append(event)
        for group in groups.values():
            group.sort(key=lambda one: (-cost(one), one.fact.window_start_us, one.place != 0, one.fact.standard))
            for event in group[1:]:
                event.counts, event.amount = False, NOUGHT

    @staticmethod
    def allowance(events: list[Event]) -> None:
        """Free the first of the month."""
        seen: defaultdict[tuple[str, int, str], int] = defaultdict(int)
        for event in events:
            said = event.consequence.get("allowance")
            if said:
                per = {"contract": "", "zone": event.fact.zone, "asset": event.fact.subject}[said["per"]]
                key = (event.fact.standard, event.place, per)
                seen[key] += 1
                if seen[key] <= number(said["free"], event.day):
                    event.counts, event.amount = False, NOUGHT

    @staticmethod
    def tariff(events: list[Event]) -> None:
        """Price each."""
        for event in events:
            event.amount = number(event.consequence["tariff"]["amount"], event.day)

    def index(self, events: list[Event]) -> None:
        """Turn units into the currency."""
        for event in events:
            event.amount *= self.unit(event)

    def room(self, event: Event) -> tuple[tuple[Any, ...], Fraction] | None:
        """What shares the event's cap, and the cap."""
        cap = event.consequence.get("cap")
        if not cap:
            return None
        base = next(one for one in self.terms["base"] if one["id"] == cap["base"])
        limit = number(base["amount"], event.day.replace(day=1)) * number(cap["pct"], event.day) / 100
        return (event.fact.standard, event.place, cap["per"] == "zone_month" and event.fact.zone), limit

    def cap(self, events: list[Event]) -> None:
        """Charge until the cap is spent."""
        spent: defaultdict[tuple[Any, ...], Fraction] = defaultdict(Fraction)
        for event in events:
            if room := self.room(event):
                left = max(room[1] - spent[room[0]], NOUGHT)
                if event.amount > left:
                    event.amount, event.counts = left, left > 0
                spent[room[0]] += event.amount

    def line(self, amount: Fraction, day: date) -> Fraction:
        """Round one line, where lines are rounded."""
        if self.rounding["at"] != "line":
            return amount
        return to_step(amount, number(self.rounding["step"], day), self.rounding["mode"])

    def round(self, events: list[Event]) -> None:
        """Round each line, never above its cap."""
        spent: defaultdict[tuple[Any, ...], Fraction] = defaultdict(Fraction)
        for event in events:
            event.amount = self.line(event.amount, event.day)
            room = self.room(event)
            if room and self.rounding["at"] == "line":
                left = max(room[1] - spent[room[0]], NOUGHT)
                event.amount = min(event.amount, to_step(left, number(self.rounding["step"], event.day), "down"))
                spent[room[0]] += event.amount


def pay(
    payment: Payment,
    facts: Sequence[Determination],
    before: Month | None = None,
    decisions: Mapping[str, str] | None = None,
) -> Month:
    """Work out a month.

    Parameters
    ----------
    payment : Payment
    facts : sequence of Determination
    before : Month, optional
        The month before.
    decisions : mapping of str to str, optional
        Line id to `firm` or `annulled`.
    """
    month, earlier, decided = Month(), before or Month(), decisions or {}
    events = payment.events(facts)
    payment.run(events)
    for base in payment.terms["base"]:
        name = f"{payment.period}/base/{base['id']}"
        month.settled[name] = payment.line(number(base["amount"], payment.first), payment.first)
    for event in events:
        is_open = event.counts and (event.is_held or event.consequence["nature"] == "fine")
        place = month.open if is_open or event.consequence["nature"] == "fine" else month.settled
        place[f"{payment.period}/{event.name}"] = -event.amount
    for name, amount in earlier.open.items():
        if amount and name not in decided:
            month.open[name] = amount
        elif amount:
            month.firm[name] = amount if decided[name] == "firm" else NOUGHT
    due = sum(month.settled.values(), NOUGHT) + sum(month.firm.values(), NOUGHT) - earlier.carry
    month.carry, month.paid = max(-due, NOUGHT), max(due, NOUGHT)
    if payment.rounding["at"] == "total":
        exact = month.paid
        month.paid = to_step(exact, number(payment.rounding["step"], payment.first), payment.rounding["mode"])
        month.rounding = month.paid - exact
    return month
