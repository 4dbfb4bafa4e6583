"""Plain payment, month after month: what caps carry over, what is decided, what is paid in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from rules.contract import Terms
from rules.numbers import value_on
from rules.records import Determination
from tests.payment_oracle import Payment
from tests.plain_events import NOUGHT, Event, Table
from tests.plain_numbers import number, to_step


@dataclass
class Month:
    """What a month pays: amounts as the contractor sees them."""

    settled: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    firm: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    open: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    carry: Fraction = NOUGHT
    cut: dict[str, list[tuple[str, Fraction]]] = field(default_factory=dict[str, list[tuple[str, Fraction]]])
    rounding: Fraction = NOUGHT
    paid: Fraction = NOUGHT


def carry(payment: Payment, month: Month, earlier: Month, events: Sequence[Event]) -> None:
    """Charge what was cut off before, then put aside what is cut off now."""
    for standard in payment.terms["standard"]:
        for place, consequence in enumerate(standard["consequence"]):
            cap = consequence.get("cap", {})
            if cap.get("carry_over") != "next_month":
                continue
            own = [event for event in events if (event.fact.standard, event.place) == (standard["id"], place)]
            zones = ("VP-01", "VP-02") if cap["per"] == "zone_month" else ("all",)
            for zone in zones:
                mine = [event for event in own if zone in {"all", event.fact.zone}]
                key = f"{standard['id']}/{consequence['nature']}/{zone}"
                queue = list(earlier.cut.get(key, []))
                if queue:
                    charged = charge_queue(payment, queue, mine, cap)
                    place_of = month.open if consequence["nature"] in {"fine", "damages"} else month.settled
                    place_of[f"{payment.period}/carry-over/{key}"] = -charged
                if cut := sum((event.cut for event in mine), NOUGHT):
                    queue.append((payment.period, cut))
                if queue:
                    month.cut[key] = queue


def charge_queue(payment: Payment, queue: list[tuple[str, Fraction]], mine: Sequence[Event], cap: Table) -> Fraction:
    """Charge the oldest first, as far as the month's own events leave room; what is charged leaves the queue."""
    last = date.fromisoformat(f"{payment.period}-28")
    limit = number(cap["amount"], last) if "amount" in cap else NOUGHT
    if "pct" in cap:
        limit = payment.base(cap["base"]) * number(cap["pct"], last) / 100
    room = max(limit - sum((event.amount for event in mine), NOUGHT), NOUGHT)
    owed = sum((amount for _, amount in queue), NOUGHT)
    charged = payment.line(min(owed, room), last)
    if payment.rounding["at"] == "line":
        charged = min(charged, to_step(room, number(payment.rounding["step"], last), "down"))
    taken = owed if charged >= payment.line(owed, last) else charged
    while queue and taken >= queue[0][1]:
        taken -= queue.pop(0)[1]
    if queue:
        queue[0] = (queue[0][0], queue[0][1] - taken)
    return charged


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
        Line id to `firm`, `annulled`, or the sum to which it is reduced.
    """
    month, earlier, decided = Month(), before or Month(), decisions or {}
    events = payment.settle(facts)
    for base in payment.terms["base"]:
        name = f"{payment.period}/base/{base['id']}"
        month.settled[name] = payment.line(payment.base(base["id"]), payment.first)
    for event in events:
        is_fine = event.consequence["nature"] in {"fine", "damages"}
        place = month.open if is_fine or (event.counts and event.is_held) else month.settled
        place[f"{payment.period}/{event.name}"] = event.amount if event.is_bonus else -event.amount
    for account in payment.terms.get("points", []):
        place = month.open if account["nature"] in {"fine", "damages"} else month.settled
        place[f"{payment.period}/points/{account['id']}"] = -payment.accounts[account["id"]]
    carry(payment, month, earlier, events)
    for name, amount in earlier.open.items():
        if amount and name not in decided:
            month.open[name] = amount
        elif amount:
            month.firm[name] = decided_amount(payment, amount, decided[name])
    due = sum(month.settled.values(), NOUGHT) + sum(month.firm.values(), NOUGHT) - earlier.carry
    month.carry, month.paid = max(-due, NOUGHT), max(due, NOUGHT)
    if payment.rounding["at"] == "total":
        exact = month.paid
        month.paid = to_step(exact, number(payment.rounding["step"], payment.first), payment.rounding["mode"])
        month.rounding = month.paid - exact
    return month


def decided_amount(payment: Payment, amount: Fraction, decision: str) -> Fraction:
    """What is charged of a line that an act has decided."""
    if decision in {"firm", "annulled"}:
        return amount if decision == "firm" else NOUGHT
    return -min(payment.line(Fraction(decision), payment.first), -amount)


def step_of(terms: Terms) -> Fraction:
    """Slack where the total is rounded; where lines are, a law holds exactly."""
    rounding = terms.file.money.rounding
    return value_on(rounding.step, date(2026, 9, 1)) if rounding.at == "total" else NOUGHT
