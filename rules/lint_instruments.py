"""Findings on what standards share: points accounts, caps on the whole, retentions, triggers, reliefs."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from rules.calendar import month_of
from rules.contract import Base, Terms
from rules.instruments import Adjustment, PointRatchet, Points, Retention
from rules.lint_consequences import base_of, lint_cap
from rules.numbers import value_on
from rules.payments.history import months_between
from rules.process.terms import Permission
from rules.records import Finding, FindingCode

_FILE = "contract.toml"


def lint_instruments(terms: Terms) -> Iterator[Finding]:
    """Find what is wrong with the tables that stand beside the standards.

    Parameters
    ----------
    terms : Terms

    Yields
    ------
    Finding
    """
    yield from _names(terms)
    yield from _small(terms)
    yield from _forgiving(terms)
    for account in terms.file.points:
        yield from _account(account, terms, f"points[{account.id}]")
    for cap in terms.file.total_cap:
        yield from lint_cap(cap, terms, f"total_cap[{cap.id}]")
        if cap.pct is not None and cap.of is None and cap.per != "month":
            yield Finding(FindingCode.UNDECLARED, _FILE, f"total_cap[{cap.id}].of", "", ("month", "span"))
    for one in terms.file.retention:
        yield from _retention(one, terms, f"retention[{one.id}]")
    counted = (*(one.id for one in terms.file.points), *(one.id for one in terms.file.standard))
    for base in terms.file.base:
        yield from _weighing(base, terms, f"base[{base.id}]")
        if base.adjustment:
            yield from _adjustment(base.adjustment, terms, f"base[{base.id}].adjustment")
    for trigger in terms.file.trigger:
        if trigger.of not in counted:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"trigger[{trigger.id}].of", trigger.of, counted)


def _small(terms: Terms) -> Iterator[Finding]:
    """What a fact of one nature absorbs of another must not fall under the limit for it: more would cost less."""
    small = terms.file.money.de_minimis
    if small is None:
        return
    for standard in terms.file.standard:
        natures = {one.nature for one in standard.consequence if one.on == "not_met"}
        is_compared = standard.overlap.group != "none" and standard.overlap.keep == "highest"
        if is_compared and standard.overlap.across == "natures" and not natures <= set(small.natures):
            said = ", ".join(small.natures)
            yield Finding(FindingCode.OVERLAP_DISAGREES, _FILE, "money.de_minimis.natures", said, (standard.id,))


def _names(terms: Terms) -> Iterator[Finding]:
    """Find names that come twice; an account's is a unit, so no currency or index may have it, nor a standard."""
    file = terms.file
    tables = {
        "points": [one.id for one in file.points],
        "total_cap": [one.id for one in file.total_cap],
        "retention": [one.id for one in file.retention],
        "trigger": [one.id for one in file.trigger],
        "relief": [one.code for one in file.relief],
        "money.natures": [one.nature.value for one in file.money.natures],
    }
    for table, names in tables.items():
        for name, count in Counter(names).items():
            if count > 1:
                yield Finding(FindingCode.DUPLICATE_ID, _FILE, f"{table}[{name}]", name)
    taken = {file.money.currency, *(one.series for one in file.money.indexes), *(one.id for one in file.standard)}
    for name in sorted(taken & set(tables["points"])):
        yield Finding(FindingCode.DUPLICATE_ID, _FILE, f"points[{name}].id", name)


def _forgiving(terms: Terms) -> Iterator[Finding]:
    """Nobody forgives without a clause, nor without an office of the process that may decide."""
    process = terms.file.process
    offices = [one.id for one in process.role if Permission.DECIDE in one.permissions] if process else []
    for one in terms.file.money.natures:
        key = f"money.natures[{one.nature}]"
        if one.forgiven_by and not (one.clause and one.clause.article.strip()):
            yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.clause")
        if one.forgiven_by and one.forgiven_by not in offices:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.forgiven_by", one.forgiven_by, tuple(offices))


def _account(account: Points, terms: Terms, key: str) -> Iterator[Finding]:
    """Points become money or an indexed unit, and more of them never cost less."""
    unit = account.to_money.unit
    units = (terms.file.money.currency, *(one.series for one in terms.file.money.indexes))
    if unit not in units:
        yield Finding(FindingCode.INDEX_UNDECLARED, _FILE, f"{key}.to_money.unit", unit, units)
    if isinstance(account.to_money, PointRatchet):
        slices = account.to_money.slices
        rises = all(one.above < later.above and one.multiplier <= later.multiplier for one, later in pairwise(slices))
        if slices[0].above != 0 or not rises:
            said = ", ".join(f"{one.above}: {one.multiplier}" for one in slices)
            yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.to_money.slices", said)
    elif account.to_money.kind == "bands":
        first = terms.file.contract.effective.since
        if value_on(account.to_money.band, first) == 0:
            yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.to_money.band", "0")


def _weighing(base: Base, terms: Terms, key: str) -> Iterator[Finding]:
    """A sum that changes within a month says how its parts count."""
    first = terms.file.contract.effective.since
    is_split = any(one.since and one.since > first and one.since.day > 1 for one in base.amount)
    if is_split and base.pro_rata is None:
        choices = ("none", "days", "working_days")
        yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.pro_rata", "", choices)
    if (base.pro_rata == "working_days") != (base.working_days is not None):
        yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.working_days", "", ("days", "holidays"))
    elif base.working_days and base.working_days.holidays not in {"", *terms.holidays}:
        place = f"{key}.working_days.holidays"
        known = tuple(terms.holidays)
        yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, place, base.working_days.holidays, known)


def _adjustment(one: Adjustment, terms: Terms, key: str) -> Iterator[Finding]:
    """The whole sum follows indexes known when it was agreed; what is gained is taken off in a declared way."""
    total = sum(index.weight for index in one.terms)
    if total != 1:
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.terms.weight", str(total), ("1",))
    for index in one.terms:
        if (index.series, one.base_month) not in terms.index_values:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, "indexes.csv", "series", f"{index.series} {one.base_month}")
    for name, said, choices in (
        ("less", one.less, ("subtracted", "compounded")),
        ("taken", one.taken, ("once", "each_time")),
    ):
        if (one.efficiency is None) != (said is None):
            yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.{name}", "", choices)


def _retention(one: Retention, terms: Terms, key: str) -> Iterator[Finding]:
    """What is given back rises with the score, holds every score, and is never more than was kept."""
    yield from base_of(one.base, terms.file.money.currency, terms, key)
    standards = tuple(standard.id for standard in terms.file.standard)
    if one.standard not in standards:
        yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.standard", one.standard, standards)
    effective = terms.file.contract.effective
    whole = months_between(month_of(terms.begun), month_of(effective.until)) if terms.begun < effective.until else 0
    if whole % one.months and one.at_end is None:
        choices = ("release", "next_version")
        yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.at_end", "", choices)
    bands = one.returned
    falls = all(band.since > below.since and band.pct >= below.pct for band, below in pairwise(bands))
    kept = value_on(one.pct, terms.file.contract.effective.since)
    if bands[-1].since != 0 or not falls or bands[0].pct > kept:
        said = ", ".join(f"{band.since}: {band.pct}" for band in bands)
        yield Finding(FindingCode.MALFORMED, _FILE, f"{key}.returned", said)
