"""Findings on what follows from a standard not met: tariffs that do not fit, ladders that pay for the worse, caps.

Each check is a generator of findings; a check says nothing where another one already speaks.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from rules.consequences import Band, BandTariff, Cap, Consequence, Inconclusive, NthTariff, PlanTariff, RangeTariff
from rules.contract import Standard, Step, Terms
from rules.instruments import TotalCap
from rules.numbers import value_on
from rules.payments.money import written
from rules.records import Finding, FindingCode, Op, Unit

_FILE = "contract.toml"
# Tariffs that fit a measure, by its unit.
_FITTING = {
    Unit.MICROSECONDS: ("per_event", "per_time", "nth", "planned_share", "range"),
    Unit.COUNT: ("per_event", "per_unit", "nth", "planned_share", "range"),
    Unit.PPM: ("per_event", "proportional", "band", "nth", "planned_share", "range"),
}
# Which way the target of a measure points, for the tariffs that take its value.
_OP = {"per_time": Op.AT_MOST, "per_unit": Op.AT_MOST, "proportional": Op.AT_LEAST, "band": Op.AT_LEAST}


def lint_consequences(standard: Standard, terms: Terms) -> Iterator[Finding]:
    """Find what is wrong with a standard's consequences.

    Parameters
    ----------
    standard : Standard
    terms : Terms

    Yields
    ------
    Finding
    """
    key = f"standard[{standard.id}].consequence"
    for consequence in standard.consequence:
        yield from _fit(standard, consequence, f"{key}.tariff.kind")
        match consequence.tariff:
            case BandTariff() as tariff:
                yield from _bands(tariff, terms, f"{key}.tariff", is_bonus=consequence.on == "met")
            case NthTariff() as tariff:
                yield from _amounts(tariff, terms, f"{key}.tariff.amounts")
                yield from _numbered(standard, consequence, terms)
            case PlanTariff() as tariff:
                yield from base_of(tariff.base, tariff.unit, terms, f"{key}.tariff")
            case RangeTariff() as tariff:
                yield from _range(tariff, terms, f"{key}.tariff")
            case _:
                pass
        yield from _bonus(consequence, terms, key)
        yield from _repeated(standard, consequence, terms, key)
        yield from _in_points(standard, consequence, terms, key)
        if consequence.cap:
            yield from lint_cap(consequence.cap, terms, f"{key}.cap")
        yield from _carried(standard, consequence, terms, key)


def _fit(standard: Standard, consequence: Consequence, key: str) -> Iterator[Finding]:
    kind, measure, op = consequence.tariff.kind, standard.measure, standard.target.op
    fitting = tuple(one for one in _FITTING[measure.unit] if _OP.get(one, op) == op)
    if kind not in fitting:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, key, kind, fitting)


def _bands(tariff: BandTariff, terms: Terms, key: str, *, is_bonus: bool) -> Iterator[Finding]:
    """Bands hold every share once, and a worse one never costs less, or pays more."""
    said = ", ".join(str(band.since) for band in tariff.bands)
    if any(band.since <= below.since for band, below in pairwise(tariff.bands)):
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.bands.from", said)
    elif tariff.bands[-1].since != 0:
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.bands.from", said, ("0",))
    elif any(
        (band.pct < below.pct) if is_bonus else (band.pct > below.pct) for band, below in pairwise(tariff.bands)
    ):
        said = ", ".join(str(band.pct) for band in tariff.bands)
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.bands.pct", said)
    else:
        yield from _ends(tariff, terms, f"{key}.bands")
    yield from base_of(tariff.base, tariff.unit, terms, key)


def _ends(tariff: BandTariff, terms: Terms, key: str) -> Iterator[Finding]:
    """Find shares that two bands hold, or none, where the clause says of a band where it ends."""
    first = terms.file.contract.effective.since
    base = next((value_on(one.amount, first) for one in terms.file.base if one.id == tariff.base), Fraction(0))

    def told(band: Band) -> str:
        return f"{band.pct} % = {written(base * Fraction(band.pct) / 100)} {tariff.unit}"

    top = tariff.bands[0]
    if top.until is not None and top.until < 1:
        yield Finding(FindingCode.BANDS_GAP, _FILE, key, f"{top.until}\N{EN DASH}1", (told(top),))
    for above, band in pairwise(tariff.bands):
        if band.until is None or band.until == above.since:
            continue
        low, high = sorted((band.until, above.since))
        code = FindingCode.BANDS_OVERLAP if band.until > above.since else FindingCode.BANDS_GAP
        yield Finding(code, _FILE, key, f"{low}\N{EN DASH}{high}", (told(above), told(band)))


def base_of(base: str, unit: str, terms: Terms, key: str) -> Iterator[Finding]:
    """Find a base sum that there is not, and a part of one in another unit than the currency.

    Parameters
    ----------
    base, unit : str
    terms : Terms
    key : str

    Yields
    ------
    Finding
    """
    bases = tuple(one.id for one in terms.file.base)
    if not base:
        yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.base", "", bases)
    elif base not in bases:
        yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.base", base, bases)
    currency = terms.file.money.currency
    if unit != currency:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.unit", unit, (currency,))


def lint_cap(cap: Cap | TotalCap, terms: Terms, key: str) -> Iterator[Finding]:
    """Find a cap that is neither a percentage nor a sum, or both, or of a base sum that there is not.

    Parameters
    ----------
    cap : Cap or TotalCap
    terms : Terms
    key : str

    Yields
    ------
    Finding
    """
    if (cap.pct is None) == (cap.amount is None):
        code = FindingCode.UNDECLARED if cap.pct is None else FindingCode.MALFORMED
        yield Finding(code, _FILE, f"{key}.pct", "" if cap.pct is None else "pct, amount", ("pct", "amount"))
    elif cap.pct is not None:
        yield from base_of(cap.base, terms.file.money.currency, terms, key)


def _range(tariff: RangeTariff, terms: Terms, key: str) -> Iterator[Finding]:
    """What an officer may choose lies between a least and a most."""
    first = terms.file.contract.effective.since
    days = {first, *(one.since for one in (*tariff.min, *tariff.max) if one.since and one.since > first)}
    if any(value_on(tariff.min, day) > value_on(tariff.max, day) for day in days):
        said = f"{tariff.min[-1].value}, {tariff.max[-1].value}"
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.min", said)


# What pays for more than the target asks.
_BONUSES = ("per_event", "per_unit", "band", "nth")


def _bonus(consequence: Consequence, terms: Terms, key: str) -> Iterator[Finding]:
    """A bonus is a price, in money, paid for what goes beyond the target; it is not free, and does not come again."""
    if consequence.on == "not_met":
        return
    if not consequence.nature.is_settled:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.nature", consequence.nature.value, ("price", "credit"))
    if consequence.tariff.kind not in _BONUSES:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.tariff.kind", consequence.tariff.kind, _BONUSES)
    if terms.account(consequence.tariff.unit):
        choices = (terms.file.money.currency,)
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.tariff.unit", consequence.tariff.unit, choices)
    for name in ("allowance", "repeat"):
        if getattr(consequence, name):
            yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.on", "met", ("not_met",))


def _repeated(standard: Standard, consequence: Consequence, terms: Terms, key: str) -> Iterator[Finding]:
    """Steps rise; and no dearer fact takes from the count of those that come again."""
    repeat = consequence.repeat
    if repeat is None:
        return
    if any(one.since >= later.since or one.multiplier > later.multiplier for one, later in pairwise(repeat.steps)):
        said = ", ".join(f"{one.since}: {one.multiplier}" for one in repeat.steps)
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.repeat.steps", said)
    yield from _counted_first(standard, consequence, terms, Step.REPEAT)


def _in_points(standard: Standard, consequence: Consequence, terms: Terms, key: str) -> Iterator[Finding]:
    """Points are no money: no cap in money, nothing held in them, and they compare with points alone."""
    unit = consequence.tariff.unit
    account = terms.account(unit)
    if account is None:
        return
    if consequence.cap:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.cap", unit, (terms.file.money.currency,))
    if standard.inconclusive == Inconclusive.HOLD:
        choices = (Inconclusive.BY_CAUSE, Inconclusive.NO_DEDUCTION)
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"standard[{standard.id}].inconclusive", "hold", choices)
    if consequence.nature != account.nature:
        yield Finding(
            FindingCode.NOT_A_CHOICE, _FILE, f"{key}.nature", consequence.nature.value, (account.nature.value,)
        )
    if standard.overlap.group != "none" and standard.overlap.keep == "highest":
        others = {
            one.tariff.unit
            for other in terms.file.standard
            if other.overlap.group == standard.overlap.group and other.overlap.keep == "highest"
            for one in other.consequence
        }
        if others != {unit}:
            told = ", ".join(sorted(others))
            yield Finding(FindingCode.OVERLAP_DISAGREES, _FILE, f"{key}.tariff.unit", told, (unit,))


def _amounts(tariff: NthTariff, terms: Terms, key: str) -> Iterator[Finding]:
    """Find values out of order, and a later event that costs less than the one before it on any day."""
    first = terms.file.contract.effective.since
    for values in tariff.amounts:
        is_late = values[0].since is not None and values[0].since > first
        if is_late or any(
            later.since is None or (one.since and one.since >= later.since) for one, later in pairwise(values)
        ):
            dates = ", ".join(str(one.since) for one in values)
            yield Finding(FindingCode.VALUE_DATES, _FILE, key, dates)
            return
    changes = {one.since for values in tariff.amounts for one in values if one.since and one.since > first}
    for day in (first, *sorted(changes)):
        on_day = [value_on(values, day) for values in tariff.amounts]
        if any(one > later for one, later in pairwise(on_day)):
            yield Finding(FindingCode.MALFORMED, _FILE, key, ", ".join(str(one) for one in on_day))
            return


def _numbered(standard: Standard, consequence: Consequence, terms: Terms) -> Iterator[Finding]:
    """Find where the dearest of a day is chosen before it is known which event of the month each is."""
    yield from _counted_first(standard, consequence, terms, Step.TARIFF)


def _counted_first(standard: Standard, consequence: Consequence, terms: Terms, step: Step) -> Iterator[Finding]:
    """Find where a step that counts events stands after the one in which others absorb them."""
    order = terms.file.money.order
    natures = [
        one.nature
        for other in terms.file.standard
        if other.overlap.group != "none" and other.overlap.keep == "highest"
        for one in other.consequence
    ]
    is_compared = standard.overlap.group != "none" and standard.overlap.keep == "highest"
    has_rivals = natures.count(consequence.nature) > 1 or (standard.overlap.across == "natures" and len(natures) > 1)
    steps_are_known = Step.OVERLAP in order and step in order
    if is_compared and has_rivals and steps_are_known and order.index(Step.OVERLAP) < order.index(step):
        yield Finding(FindingCode.STEP_ORDER, _FILE, "money.order", Step.OVERLAP, (step,))


def _carried(standard: Standard, consequence: Consequence, terms: Terms, key: str) -> Iterator[Finding]:
    """What a cap cuts off is carried over once it is a debt: after all that may free it, never while it is held."""
    if consequence.cap is None or consequence.cap.carry_over == "none":
        return
    order = terms.file.money.order
    if Step.CAP in order:
        before = (Step.OVERLAP, Step.ALLOWANCE, Step.REPEAT)
        later = tuple(step for step in before if step in order[order.index(Step.CAP) :])
        if later:
            yield Finding(FindingCode.STEP_ORDER, _FILE, "money.order", Step.CAP, later)
    # What a later month charges for this one would pass a cap on the whole by.
    small = terms.file.money.de_minimis
    is_shared = any(consequence.nature in cap.natures for cap in terms.file.total_cap)
    is_shared |= small is not None and consequence.nature in small.natures
    is_single = consequence.cap.per == "event" or consequence.on == "met"
    if standard.inconclusive == Inconclusive.HOLD or is_single or is_shared:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.cap.carry_over", "next_month", ("none",))
