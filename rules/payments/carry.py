"""What a cap cuts off and the terms carry over: a line of the next month, for as much as that month's cap leaves.

A month's own charges come first, so that they follow from its own facts alone; what is carried takes the room that
they leave, the oldest first, and the rest goes on. In all the same is charged as in any other order. What is carried
is a function of the months' facts: settling an earlier month again gives what it should have carried.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rules.consequences import Cap, Consequence, Nature
from rules.contract import Standard, Terms
from rules.numbers import Mode, dated_on, rounded, value_on
from rules.payments.charges import Charge, ChargeState, parameter
from rules.payments.history import last_day
from rules.payments.lines import Block, Line, LineKind
from rules.payments.money import read, written
from rules.payments.steps import limit_on

# `standard/nature/zone`, or `standard/nature/all` under a cap of all zones: month of the facts to what is still to
# be charged. [currency]
Carried = Mapping[str, Mapping[str, str]]
_NOTHING = Fraction(0)


@dataclass(slots=True)
class _Room:
    """What a month's own charges leave of a cap."""

    standard: Standard
    cap: Cap
    limit: Fraction
    spent: Fraction

    @property
    def left(self) -> Fraction:
        return max(self.limit - self.spent, _NOTHING)


def carry_over(
    terms: Terms, charges: Iterable[Charge], opening: Carried, period: str
) -> tuple[list[Line], dict[str, dict[str, str]]]:
    """Charge what earlier months carried over, as far as this month's caps leave room.

    Parameters
    ----------
    terms : Terms
        The version that holds in the month.
    charges : iterable of Charge
        The month's own, after all steps.
    opening : mapping
        What the month before carried over.
    period : str
        The month.

    Returns
    -------
    lines : list of Line
        One for each key of `opening`; of nought where no room is left, or the terms carry nothing over any more.
    carried : dict
        What goes on to the month after: what was left of `opening`, and what this month's caps cut off.
    """
    own = list(charges)
    rooms: dict[tuple[str, str, str], _Room] = {}
    lines: list[Line] = []
    carried: dict[str, dict[str, str]] = {}
    for key in sorted(opening):
        owed = sum((read(amount) for amount in opening[key].values()), _NOTHING)
        room = _room(terms, own, key, period, rooms)
        line, charged = _line(terms, (key, opening[key]), owed, room, period)
        lines.append(line)
        rest = _rest(opening[key], owed if charged >= _rounded(terms, owed, period) else charged)
        if rest:
            carried[key] = rest
    for key, cut in sorted(_cuts(own).items()):
        carried.setdefault(key, {})[period] = written(cut)
    return lines, carried


def _consequence(terms: Terms, key: str) -> tuple[Standard, Consequence] | None:
    name, nature, _ = key.split("/", 2)
    for standard in terms.file.standard:
        for one in standard.consequence:
            if (standard.id, one.nature) == (name, nature) and one.cap and one.cap.carry_over == "next_month":
                return standard, one
    return None


def _room(
    terms: Terms, own: list[Charge], key: str, period: str, rooms: dict[tuple[str, str, str], _Room]
) -> _Room | None:
    """Find the room that a key is charged to, none where the terms carry nothing over any more."""
    found = _consequence(terms, key)
    if found is None or (cap := found[1].cap) is None:
        return None
    standard, consequence = found
    zone = key.split("/", 2)[2] if cap.per == "zone_month" else "all"
    place = (standard.id, consequence.nature.value, zone)
    if place not in rooms:
        spent = sum(
            (
                charge.amount
                for charge in own
                if (charge.standard.id, charge.consequence.nature) == (standard.id, consequence.nature)
                and not charge.is_bonus  # what is paid takes no room under a cap on what is deducted
                and zone in {"all", charge.determination.zone}
            ),
            _NOTHING,
        )
        # It is charged last, so by the percentage of the last day.
        rooms[place] = _Room(standard, cap, limit_on(terms, cap, last_day(period)), spent)
    return rooms[place]


def _line(
    terms: Terms, said: tuple[str, Mapping[str, str]], owed: Fraction, room: _Room | None, period: str
) -> tuple[Line, Fraction]:
    """Charge one key, and take it off the room."""
    key, rows = said
    name, nature, zone = key.split("/", 2)
    exact = min(owed, room.left) if room else _NOTHING
    charged = min(_rounded(terms, exact, period), _rounded(terms, room.left, period, "down")) if room else _NOTHING
    trace = [_step(terms, room, owed, exact, period)]
    if charged != exact:
        mode = terms.file.money.rounding.mode
        rounding = {"mode": mode, "unit": terms.file.money.currency}
        trace.append({"step": "round", "in": written(exact), "out": written(charged), **rounding})
    if room:
        room.spent += charged
    is_settled = Nature(nature).is_settled
    month = period if is_settled else ""
    line = Line(
        id=f"{period}/carry-over/{key}",
        block=Block.SETTLEMENT if is_settled else Block.IN_PROCEDURE,
        kind=LineKind.CARRY_OVER,
        nature=nature,
        amount=written(-charged),
        fact_month=min(rows),
        firm_month=month,
        charge_month=month,
        state=ChargeState.CHARGED if exact else ChargeState.CAPPED,
        standard=name,
        zone="" if zone == "all" else zone,
        says={
            "code": "cap_carry",
            "months": sorted(rows),
            "owed": written(owed),
            "limit": written(room.limit) if room else "",
            "clause": room.standard.clause.article if room else "",
        },
        trace=trace,
    )
    return line, charged


def _step(terms: Terms, room: _Room | None, owed: Fraction, charged: Fraction, period: str) -> dict[str, Any]:
    said = {"step": "cap", "in": written(owed), "out": written(charged)}
    if room is None:
        return said
    numbers, unit = (
        (room.cap.amount, terms.file.money.currency) if room.cap.amount else (room.cap.pct or (), "percent")
    )
    number = parameter(terms, room.standard, dated_on(numbers, last_day(period)), unit)
    base = {"limit": written(room.limit), "base": room.cap.base, "per": room.cap.per}
    return {**said, **base, "spent": written(room.spent), "parameter": number}


def _rest(rows: Mapping[str, str], charged: Fraction) -> dict[str, str]:
    """What is left of the months' sums once so much is charged, the oldest first."""
    left: dict[str, str] = {}
    for month in sorted(rows):
        taken = min(read(rows[month]), charged)
        charged -= taken
        if rest := read(rows[month]) - taken:
            left[month] = written(rest)
    return left


def _cuts(own: Iterable[Charge]) -> dict[str, Fraction]:
    cuts: defaultdict[str, Fraction] = defaultdict(Fraction)
    for charge in own:
        if charge.cut and (cap := charge.consequence.cap):
            zone = charge.determination.zone if cap.per == "zone_month" else "all"
            cuts[f"{charge.standard.id}/{charge.consequence.nature}/{zone}"] += charge.cut
    return dict(cuts)


def _rounded(terms: Terms, amount: Fraction, period: str, mode: Mode | None = None) -> Fraction:
    """Round where lines are rounded; where the total is, a line stays exact."""
    rounding = terms.file.money.rounding
    if rounding.at == "total":
        return amount
    return rounded(amount, value_on(rounding.step, last_day(period)), mode or rounding.mode)
