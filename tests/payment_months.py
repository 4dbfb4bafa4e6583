"""Plain payment, month after month: what caps carry over, what is decided, what is paid in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from rules.contract import Terms
from rules.numbers import value_on
from rules.payments.bases import base_amount
from rules.payments.statement import Statement
from rules.records import Determination
from tests.payment_oracle import NOUGHT, Event, Payment, Table
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
        Line id to `firm` or `annulled`.
    """
    month, earlier, decided = Month(), before or Month(), decisions or {}
    events = payment.events(facts)
    payment.run(events)
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
            month.firm[name] = amount if decided[name] == "firm" else NOUGHT
    due = sum(month.settled.values(), NOUGHT) + sum(month.firm.values(), NOUGHT) - earlier.carry
    month.carry, month.paid = max(-due, NOUGHT), max(due, NOUGHT)
    if payment.rounding["at"] == "total":
        exact = month.paid
        month.paid = to_step(exact, number(payment.rounding["step"], payment.first), payment.rounding["mode"])
        month.rounding = month.paid - exact
    return month


def step_of(terms: Terms) -> Fraction:
    """Slack where the total is rounded; where lines are, a law holds exactly."""
    rounding = terms.file.money.rounding
    return value_on(rounding.step, date(2026, 9, 1)) if rounding.at == "total" else NOUGHT


def plan_slack(terms: Terms, found: Sequence[Determination], relieved: Statement) -> Fraction:
    """By how much a relief may cost where what it excuses leaves the plan.

    Fewer checks share the same base sum, so each costs more. That is made up for by those that are excused, but where
    these would have cost nothing: in the first months, within an allowance, absorbed by a dearer one. Then a relief
    costs at most the share of the plan that it excuses. And each share is rounded by itself.
    """
    first, slack = date(2026, 9, 1), NOUGHT
    rounding = terms.file.money.rounding
    lines = [line for block in relieved.body["blocks"].values() for line in block["lines"]]
    for standard in terms.file.standard:
        planned = sum(one.standard == standard.id for one in found)
        gone = len(
            {
                (one["subject"], one["id"].split("/")[3])
                for one in lines
                if one["standard"] == standard.id and one["state"] == "relieved"
            }
        )
        for one in standard.consequence:
            if getattr(one.tariff, "excused", "") != "out_of_plan" or not gone:
                continue
            if rounding.at == "line":
                slack += planned * value_on(rounding.step, first)
            if terms.file.bedding_in or one.allowance or standard.overlap.group != "none":
                times = max((Fraction(step.multiplier) for step in one.repeat.steps), default=1) if one.repeat else 1
                slack += max(times, 1) * base_amount(terms, "monthly-fee", first) * Fraction(gone, planned)
    return slack
