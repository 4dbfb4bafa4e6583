"""Findings on terms that parse: what contradicts itself, refers to nothing, or would be unjust.

Each check is a generator of findings; a check says nothing where another one already speaks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import cast

from pydantic import BaseModel

from rules.assets import Register
from rules.consequences import Inconclusive
from rules.contract import Bearer, Standard, Step, Terms
from rules.days import lint_markets
from rules.lint_consequences import lint_consequences
from rules.lint_instruments import lint_instruments
from rules.lint_measures import lint_measure
from rules.lint_windows import lint_window
from rules.measures import FeedMeasure, FullMeasure, PassMeasure, SpeedMeasure, SweptMeasure
from rules.numbers import Clause, Dated
from rules.records import Finding, FindingCode, GapCause

_FILE = "contract.toml"
_CHARGED = (Step.OVERLAP, Step.ALLOWANCE, Step.INDEX, Step.REPEAT)
# A step may only stand after these, where both are declared.
_AFTER = {
    # What is excused is no event: it uses up nothing and absorbs nothing.
    Step.OVERLAP: (Step.RELIEF,),
    Step.ALLOWANCE: (Step.RELIEF,),
    Step.TARIFF: (Step.RELIEF,),
    Step.REPEAT: (Step.TARIFF,),
    Step.BEDDING_IN: (Step.TARIFF, Step.REPEAT),
    Step.INDEX: (Step.TARIFF, Step.BEDDING_IN),
    Step.CAP: (Step.TARIFF, Step.INDEX, Step.BEDDING_IN),
    Step.POINTS: (Step.OVERLAP, Step.ALLOWANCE, Step.TARIFF, Step.REPEAT, Step.BEDDING_IN),
    # What is compared with the limit is what would be charged; what a cap on the whole counts is what is.
    Step.DE_MINIMIS: (*_CHARGED, Step.CAP, Step.POINTS, Step.BEDDING_IN),
    Step.TOTAL_CAP: (*_CHARGED, Step.CAP, Step.POINTS, Step.DE_MINIMIS),
    Step.ROUND: tuple(step for step in Step if step != Step.ROUND),
}


def lint_terms(terms: Terms) -> list[Finding]:
    """Find what is wrong with terms that parse."""
    effective = terms.file.contract.effective
    return [
        *_ids(terms),
        *_validity(terms),
        *_gap_bearers(terms),
        *_steps(terms),
        *_indexes(terms),
        *lint_instruments(terms),
        *_zones(terms),
        *lint_markets(terms.markets.values(), terms.zone, (effective.since, effective.until)),
        *(found for standard in terms.file.standard for found in _standard(standard, terms)),
        *_values(terms.file, effective.since),
    ]


def lint_register(register: Register, terms: Terms) -> list[Finding]:
    """Find what is wrong with assets and installations.

    Parameters
    ----------
    register : Register
    terms : Terms
    """
    return [*_places(register, terms), *_installations(register, terms)]


def _ids(terms: Terms) -> Iterator[Finding]:
    for table in ("base", "goal", "standard"):
        counted = Counter(cast("str", row.id) for row in getattr(terms.file, table))
        for name, n in counted.items():
            if n > 1:
                yield Finding(FindingCode.DUPLICATE_ID, _FILE, f"{table}[{name}].id", name)
    for standard in terms.file.standard:
        # A line is named after its consequence's nature, so one of each.
        for (nature, _), n in Counter((one.nature, one.on) for one in standard.consequence).items():
            if n > 1:
                yield Finding(
                    FindingCode.DUPLICATE_ID, _FILE, f"standard[{standard.id}].consequence.nature", nature.value
                )


def _validity(terms: Terms) -> Iterator[Finding]:
    contract = terms.file.contract
    if contract.published.tzinfo is None:
        yield Finding(FindingCode.MALFORMED, _FILE, "contract.published", str(contract.published))
    elif contract.published.date() > contract.effective.since:
        yield Finding(FindingCode.PUBLISHED_LATE, _FILE, "contract.published", str(contract.published))
    if contract.begun and contract.begun > contract.effective.since:
        yield Finding(FindingCode.VALUE_DATES, _FILE, "contract.begun", str(contract.begun))
    if contract.supersedes and contract.begun is None and _has_spans(terms):
        # Half a year that began under the version before must not begin anew.
        yield Finding(FindingCode.UNDECLARED, _FILE, "contract.begun")
    if contract.effective.until <= contract.effective.since:
        yield Finding(FindingCode.VALUE_DATES, _FILE, "contract.effective.until", str(contract.effective.until))
    days = {"effective.from": contract.effective.since, "effective.until": contract.effective.until}
    for key, day in {**days, **({"begun": contract.begun} if contract.begun else {})}.items():
        if day.day != 1:
            yield Finding(FindingCode.EFFECTIVE_INSIDE_PERIOD, _FILE, f"contract.{key}", str(day))


def _has_spans(terms: Terms) -> bool:
    """Whether anything is counted in months from the contract's first."""
    file = terms.file
    return bool(
        file.retention
        or any(cap.per != "month" for cap in file.total_cap)
        or any(one.adjustment for one in file.base)
    )


def _gap_bearers(terms: Terms) -> Iterator[Finding]:
    for cause in GapCause:
        if cause not in terms.file.evidence.gap_bearer:
            yield Finding(
                FindingCode.UNDECLARED, _FILE, f"evidence.gap_bearer.{cause}", "", tuple(bearer for bearer in Bearer)
            )


def _steps(terms: Terms) -> Iterator[Finding]:
    order = terms.file.money.order
    needed = {Step.OVERLAP, Step.TARIFF, Step.ROUND}
    consequences = [one for standard in terms.file.standard for one in standard.consequence]
    needed |= {Step.ALLOWANCE} if any(one.allowance for one in consequences) else set[Step]()
    needed |= {Step.CAP} if any(one.cap for one in consequences) else set[Step]()
    needed |= {Step.INDEX} if any(_is_indexed(terms, one.tariff.unit) for one in consequences) else set[Step]()
    needed |= {Step.REPEAT} if any(one.repeat for one in consequences) else set[Step]()
    needed |= {Step.RELIEF} if any(one.effect == "spares_deduction" for one in terms.file.relief) else set[Step]()
    needed |= {Step.BEDDING_IN} if terms.file.bedding_in else set[Step]()
    needed |= {Step.POINTS} if terms.file.points else set[Step]()
    needed |= {Step.DE_MINIMIS} if terms.file.money.de_minimis else set[Step]()
    needed |= {Step.TOTAL_CAP} if terms.file.total_cap else set[Step]()
    missing = [step for step in Step if step in needed and step not in order]
    if missing or len(set(order)) < len(order):
        yield Finding(FindingCode.UNDECLARED, _FILE, "money.order", ", ".join(order), tuple(missing))
        return
    if _frees_and_absorbs(terms) and order.index(Step.OVERLAP) < order.index(Step.ALLOWANCE):
        # A free event would absorb one that costs something: more breaches would cost less.
        yield Finding(FindingCode.STEP_ORDER, _FILE, "money.order", Step.OVERLAP, (Step.ALLOWANCE,))
    for place, step in enumerate(order):
        if late := [other for other in _AFTER.get(step, ()) if other in order[place:]]:
            yield Finding(FindingCode.STEP_ORDER, _FILE, "money.order", step, tuple(late))


def _is_indexed(terms: Terms, unit: str) -> bool:
    return unit != terms.file.money.currency and terms.account(unit) is None


def _frees_and_absorbs(terms: Terms) -> bool:
    """Whether charges of one nature that compare with each other also have free events."""
    natures = [
        consequence.nature
        for standard in terms.file.standard
        if standard.overlap.group != "none" and standard.overlap.keep == "highest"
        for consequence in standard.consequence
    ]
    return any(
        consequence.allowance and natures.count(consequence.nature) > 1
        for standard in terms.file.standard
        if standard.overlap.group != "none" and standard.overlap.keep == "highest"
        for consequence in standard.consequence
    )


def _indexes(terms: Terms) -> Iterator[Finding]:
    declared = {index.series for index in terms.file.money.indexes}
    known = {series for series, _ in terms.index_values}
    for standard in terms.file.standard:
        for consequence in standard.consequence:
            unit = consequence.tariff.unit
            key = f"standard[{standard.id}].consequence.tariff.unit"
            accounts = [account.id for account in terms.file.points]
            if unit not in (terms.file.money.currency, *declared, *accounts):
                choices = (terms.file.money.currency, *sorted(declared), *accounts)
                yield Finding(FindingCode.INDEX_UNDECLARED, _FILE, key, unit, choices)
            elif unit in declared and unit not in known:
                yield Finding(FindingCode.UNKNOWN_REFERENCE, "indexes.csv", "series", unit, tuple(sorted(known)))


def _zones(terms: Terms) -> Iterator[Finding]:
    """Streets and points lie in zones that there are."""
    streets = {zone for zone in terms.network.zone_ids if zone} if terms.network else set[str]()
    named = {"segments.geojson": streets, "points.csv": {point.zone for point in terms.points}}
    for file, found in named.items():
        for zone in sorted(found - terms.zones.keys()):
            key = "zone" if file == "points.csv" else "zone_id"
            yield Finding(FindingCode.UNKNOWN_REFERENCE, file, key, zone, tuple(terms.zones))


def _standard(standard: Standard, terms: Terms) -> Iterator[Finding]:
    key = f"standard[{standard.id}]"
    goals = tuple(goal.id for goal in terms.file.goal)
    if standard.goal not in goals:
        yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.goal", standard.goal, goals)
    for zone in standard.zones if standard.zones != "all" else ():
        if zone not in terms.zones:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.zones", zone, tuple(terms.zones))
    yield from _twice(standard, key)
    yield from _counted(standard, f"{key}.count_window")
    yield from lint_consequences(standard, terms)
    yield from _silence(standard, terms, key)
    hours = [*lint_window(standard, terms)]
    yield from hours
    if not hours:
        yield from lint_measure(standard, terms)
    for other in terms.file.standard:
        same = other.overlap.group == standard.overlap.group != "none"
        for name in ("keep", "across"):
            said: str = getattr(standard.overlap, name)
            if same and getattr(other.overlap, name) != said and other.id > standard.id:
                yield Finding(FindingCode.OVERLAP_DISAGREES, _FILE, f"{key}.overlap.{name}", said, (other.id,))


def _counted(standard: Standard, key: str) -> Iterator[Finding]:
    """A count that rolls says over how many months, and never begins anew; another one does."""
    window = standard.count_window
    is_rolling = window.kind == "rolling_months"
    if is_rolling != (window.months is not None):
        yield Finding(FindingCode.UNDECLARED, _FILE, f"{key}.months")
    if is_rolling != (window.reset == "never"):
        choices = ("never",) if is_rolling else ("period",)
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.reset", window.reset, choices)


def _twice(standard: Standard, key: str) -> Iterator[Finding]:
    """Find a fact that hits in two natures at once: only where a clause lets it, or the dearest absorbs the rest."""
    charging = [one for one in standard.consequence if one.on == "not_met"]
    is_absorbed = standard.overlap.keep == "highest" and standard.overlap.across == "natures"
    if len({one.nature for one in charging}) > 1 and not is_absorbed and not any(one.beside for one in charging):
        said = ", ".join(one.nature.value for one in charging)
        choices = ("consequence.beside", 'overlap.across = "natures"')
        yield Finding(FindingCode.CHARGED_TWICE, _FILE, f"{key}.consequence.nature", said, choices)


def _silence(standard: Standard, terms: Terms, key: str) -> Iterator[Finding]:
    """Find where a gap pays the contractor who bears it, or costs the one who does not."""
    bearers = terms.bearers(standard)
    by_contractor = tuple(cause for cause, bearer in bearers.items() if bearer == Bearer.CONTRACTOR)
    by_city = tuple(cause for cause, bearer in bearers.items() if bearer == Bearer.CITY)
    place = f"{key}.inconclusive"
    is_tracked = isinstance(standard.measure, SweptMeasure | PassMeasure)
    told = {bearers.get(cause) for cause in (GapCause.OPERATOR_OFF, GapCause.DEVICE, GapCause.UNKNOWN)}
    if is_tracked and len(told) > 1 and GapCause.UNKNOWN not in by_contractor:
        # A tracker's last word tells what becomes of it: whoever keeps that back must not be better off.
        yield Finding(FindingCode.SILENCE_PAYS, _FILE, f"{key}.gap_bearer.unknown", Bearer.CITY, (Bearer.CONTRACTOR,))
    if standard.inconclusive == Inconclusive.NO_DEDUCTION and by_contractor:
        yield Finding(
            FindingCode.SILENCE_PAYS, _FILE, place, ", ".join(by_contractor), (Inconclusive.BY_CAUSE, "hold")
        )
    if standard.inconclusive == Inconclusive.DEDUCT and by_city:
        choices = (Inconclusive.BY_CAUSE, Inconclusive.HOLD)
        yield Finding(FindingCode.GAP_COSTS_CONTRACTOR, _FILE, place, ", ".join(by_city), choices)


def _values(table: BaseModel, first_day: date, path: str = "") -> Iterator[Finding]:
    """Clauses are named; values of a number stand in order of their dates, and the first holds from the beginning."""
    for name in type(table).model_fields:
        value = getattr(table, name)
        here = f"{path}.{name}" if path else name
        if isinstance(value, Clause) and not value.article.strip():
            yield Finding(FindingCode.CLAUSE_MISSING, _FILE, here)
        if isinstance(value, BaseModel):
            yield from _values(value, first_day, here)
        elif isinstance(value, tuple) and value and isinstance(value[0], Dated):
            values = cast("tuple[Dated, ...]", value)
            is_late = values[0].since is not None and values[0].since > first_day
            if is_late or any(
                later.since is None or (one.since and one.since >= later.since) for one, later in pairwise(values)
            ):
                yield Finding(FindingCode.VALUE_DATES, _FILE, here, ", ".join(str(one.since) for one in values))
        elif isinstance(value, tuple):
            for row in cast("Iterable[object]", value):
                if isinstance(row, BaseModel):
                    yield from _values(row, first_day, f"{here}[{getattr(row, 'id', '')}]")


def _vehicles(terms: Terms) -> set[str]:
    """Classes of assets that a measure names: where none is registered, nothing can be measured."""
    measures = [standard.measure for standard in terms.file.standard]
    return _sweeping(terms) | {one.assets for one in measures if isinstance(one, FeedMeasure)}


def _sweeping(terms: Terms) -> set[str]:
    measures = [standard.measure for standard in terms.file.standard]
    return {one.vehicles for one in measures if isinstance(one, SweptMeasure | PassMeasure | SpeedMeasure)}


def _places(register: Register, terms: Terms) -> Iterator[Finding]:
    # What a level sensor hangs at stands somewhere; vehicles, tablets and desks need not.
    standing = {
        one.asset for one in register.installations if one.empty_mm is not None or one.full_at_ppm is not None
    }
    known = {asset.asset_class for asset in register.assets}
    for name in sorted(_vehicles(terms) - known):
        yield Finding(FindingCode.UNKNOWN_REFERENCE, "assets.csv", "class", name, tuple(sorted(known)))
    for asset in register.assets:
        if asset.until_us <= asset.since_us:
            yield Finding(FindingCode.VALUE_DATES, "assets.csv", f"{asset.asset}.valid_until", asset.asset)
        if asset.zone not in terms.zones and (asset.zone or asset.asset in standing):
            yield Finding(
                FindingCode.UNKNOWN_REFERENCE, "assets.csv", f"{asset.asset}.zone", asset.zone, tuple(terms.zones)
            )
    spans = sorted((asset.asset, asset.since_us, asset.until_us) for asset in register.assets)
    for (name, _, until), (other, since, _) in pairwise(spans):
        if name == other and since < until:
            yield Finding(FindingCode.DUPLICATE_ID, "assets.csv", f"{name}.valid_from", name)


def _installations(register: Register, terms: Terms) -> Iterator[Finding]:
    file = "installations.csv"
    assets = {asset.asset for asset in register.assets}
    sweeping = {asset.asset for asset in register.assets if asset.asset_class in _sweeping(terms)}
    by_installation = any(
        isinstance(standard.measure, FullMeasure)
        and any(dated.value == "installation" for dated in standard.measure.value)
        for standard in terms.file.standard
    )
    for one in register.installations:
        place = f"{one.source}/{one.device}"
        if one.until_us <= one.since_us:
            yield Finding(FindingCode.VALUE_DATES, file, f"{place}.valid_until", one.asset)
        if one.asset not in assets:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, file, f"{place}.asset", one.asset)
        if (one.empty_mm is None) != (one.full_mm is None) or (
            one.empty_mm is not None and one.full_mm is not None and one.empty_mm <= one.full_mm
        ):
            yield Finding(FindingCode.GEOMETRY_MISSING, file, f"{place}.empty_mm, full_mm", str(one.empty_mm))
        if by_installation and one.full_at_ppm is None:
            yield Finding(FindingCode.GEOMETRY_MISSING, file, f"{place}.full_at")
        if one.asset in sweeping and not one.working_input:
            yield Finding(FindingCode.GEOMETRY_MISSING, file, f"{place}.working")
        if not (one.signed_city and one.signed_contractor):
            yield Finding(FindingCode.UNSIGNED, file, f"{place}.signed_city, signed_contractor")
    spans = sorted((one.source, one.device, one.since_us, one.until_us) for one in register.installations)
    for (source, device, _, until), (next_source, next_device, since, _) in pairwise(spans):
        if (source, device) == (next_source, next_device) and since < until:
            yield Finding(FindingCode.INSTALLATION_OVERLAP, file, f"{source}/{device}.valid_from", device)
