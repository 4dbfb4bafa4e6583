"""A contract held against a rule pack: what passes a bound of the jurisdiction, with the bound's source and status.

A pack is no part of the terms: what passes a bound loads all the same, and the parties are told.
"""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from rules.calendar import month_days
from rules.consequences import Nature
from rules.contract import Terms
from rules.numbers import dated_on, value_on
from rules.packs.model import (
    CitySilenceOutcomes,
    Deemed,
    DefenceDays,
    Entry,
    Forgiving,
    IndexMonths,
    InvoiceDays,
    NatureCap,
    Pack,
    Vat,
)
from rules.payments.bases import agreed
from rules.payments.history import span_of
from rules.payments.money import written
from rules.payments.steps import limit_on
from rules.process.terms import ClockName, Process
from rules.records import Basis, Finding, FindingCode

_FILE = "contract.toml"


def lint_pack(terms: Terms, pack: Pack) -> Iterator[Finding]:
    """Find what passes a bound of a pack.

    Parameters
    ----------
    terms : Terms
    pack : Pack

    Yields
    ------
    Finding
        With the entry as its basis.
    """
    for entry in pack.entry:
        yield from _found(terms, entry, _basis(pack, entry))


def _basis(pack: Pack, entry: Entry) -> Basis:
    reviewer = entry.reviewer
    return Basis(f"{pack.jurisdiction}/{entry.id}", entry.source, entry.date.isoformat(), reviewer, entry.status)


def _found(terms: Terms, entry: Entry, basis: Basis) -> Iterator[Finding]:
    match entry:
        case NatureCap():
            yield from _cap(terms, entry, basis)
        case Vat():
            yield from _vat(terms, entry, basis)
        case IndexMonths():
            yield from _index(terms, entry, basis)
        case Forgiving():
            yield from _forgiving(terms, entry, basis)
        case DefenceDays() | Deemed() | InvoiceDays() | CitySilenceOutcomes():
            if terms.file.process:
                yield from _process(terms.file.process, terms.file.contract.effective.since, entry, basis)


def _process(
    process: Process, first: date, entry: DefenceDays | Deemed | InvoiceDays | CitySilenceOutcomes, basis: Basis
) -> Iterator[Finding]:
    match entry:
        case DefenceDays():
            yield from _defence(process, first, entry, basis)
        case Deemed():
            yield from _deemed(process, first, entry, basis)
        case InvoiceDays():
            yield from _invoice(process, first, entry, basis)
        case CitySilenceOutcomes():
            said, key = process.city_silence.outcome, "process.city_silence.outcome"
            if said not in entry.outcomes:
                yield Finding(FindingCode.PACK_CITY_SILENCE, _FILE, key, said, entry.outcomes, basis)


def _index(terms: Terms, entry: IndexMonths, basis: Basis) -> Iterator[Finding]:
    for one in terms.file.money.indexes:
        if one.series == entry.series and one.month not in entry.months:
            key = f"money.indexes[{one.series}].month"
            yield Finding(FindingCode.PACK_INDEX, _FILE, key, one.month, entry.months, basis)


def _charged(terms: Terms) -> set[Nature]:
    """Natures in which the contract charges anything."""
    every = (one for standard in terms.file.standard for one in standard.consequence if one.on == "not_met")
    return {one.nature for one in every} | {one.nature for one in terms.file.points}


def _cap(terms: Terms, entry: NatureCap, basis: Basis) -> Iterator[Finding]:
    """The natures that the contract charges stand together under one cap that is no higher than the bound."""
    first, natures = terms.file.contract.effective.since, set(entry.natures) & _charged(terms)
    if not natures:
        return
    period = f"{first:%Y-%m}"
    months = span_of(terms, entry.of, period)
    sums = [agreed(terms, base, month_days(month)[0])[0] for base in terms.file.base for month in months]
    most = sum(sums, Fraction(0)) * value_on(entry.pct, first) / 100
    said, bound = "", (written(most),)
    for cap in terms.file.total_cap:
        spans = len(span_of(terms, cap.per, period))
        if natures <= set(cap.natures) and entry.of in {cap.per, "contract"}:
            # A cap of each month, or year, holds the contract by as many as there are.
            times = Fraction(len(months), spans) if entry.of == "contract" else Fraction(1)
            limit = limit_on(terms, cap, first) * -(-times // 1)
            if limit <= most:
                return
            said = written(limit)
    yield Finding(FindingCode.PACK_CAP, _FILE, "total_cap", said, bound, basis)


def _defence(process: Process, first: date, entry: DefenceDays, basis: Basis) -> Iterator[Finding]:
    clock, key = process.clocks.defence, "process.clocks.defence"
    days = value_on(clock.length, first)
    if entry.least and days < entry.least:
        bound = (str(entry.least),)
        yield Finding(FindingCode.PACK_DEFENCE, _FILE, f"{key}.length", written(days), bound, basis)
    for kind in process.day_kind:
        if kind.id == clock.day_kind and (more := [day for day in kind.weekdays if day not in entry.weekdays]):
            said = ", ".join(more)
            yield Finding(FindingCode.PACK_DEFENCE, _FILE, f"{key}.day_kind", said, entry.weekdays, basis)


def _deemed(process: Process, first: date, entry: Deemed, basis: Basis) -> Iterator[Finding]:
    for channel in process.channel:
        after = channel.deemed.after
        if after is not None and value_on(after, first, "us") < value_on(entry.least, first, "us"):
            key, bound = f"process.channel[{channel.id}].deemed.after", str(entry.least[-1].value)
            said = str(dated_on(after, first).value)
            yield Finding(FindingCode.PACK_DEEMED, _FILE, key, said, (bound,), basis)


def _vat(terms: Terms, entry: Vat, basis: Basis) -> Iterator[Finding]:
    money, first = terms.file.money, terms.file.contract.effective.since
    if entry.rate and money.vat and value_on(money.vat, first) != value_on(entry.rate, first):
        said = (written(value_on(money.vat, first)), (str(entry.rate[-1].value),))
        yield Finding(FindingCode.PACK_VAT, _FILE, "money.vat", *said, basis)
    if money.vat is None:
        return
    for nature in entry.untaxed:
        row = terms.nature(nature)
        if nature in _charged(terms) and (row is None or row.taxed):
            key = f"money.natures[{nature}].taxed"
            yield Finding(FindingCode.PACK_VAT, _FILE, key, "true" if row else "", ("false",), basis)


def _invoice(process: Process, first: date, entry: InvoiceDays, basis: Basis) -> Iterator[Finding]:
    clock = process.clocks.named(ClockName(entry.bounds))
    days = value_on(clock.length, first) if clock else 0
    if days > entry.most:
        key, bound = f"process.clocks.{entry.bounds}.length", (str(entry.most),)
        yield Finding(FindingCode.PACK_INVOICE, _FILE, key, written(Fraction(days)), bound, basis)


def _forgiving(terms: Terms, entry: Forgiving, basis: Basis) -> Iterator[Finding]:
    for nature in entry.natures:
        row = terms.nature(nature)
        if row and row.forgiven_by:
            key = f"money.natures[{nature}].forgiven_by"
            yield Finding(FindingCode.PACK_FORGIVING, _FILE, key, row.forgiven_by, (), basis)
