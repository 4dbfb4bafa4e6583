"""What each reading of an open clause would give: the choices of an undeclared key, priced on an example.

The example is the same for all: in the first month ten checks of every standard are missed, on the first ten days or
on ten subjects, each by a little more than three hours, by three, or by a tenth.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from rules.calendar import SECOND_US, Zone, month_days, month_of
from rules.consequences import Inconclusive
from rules.contract import Standard, Terms
from rules.errors import RulesError
from rules.load import read_terms, said_in
from rules.numbers import PPM
from rules.payments.money import read
from rules.payments.statement import settle
from rules.records import Determination, Finding, FindingCode, Op, Unit, digest
from rules.standards.judging import Bounds, Judged, determination, target_on
from rules.windows import standard_windows

_EVENTS = 10
# Three and two fifths of an hour: begun, completed and exact hours differ.
_BEYOND = {Unit.MICROSECONDS: 12_240 * SECOND_US, Unit.COUNT: 3, Unit.PPM: PPM // 10}
# What a clause that does not say it at all may mean, in short.
_TABLES: Mapping[str, tuple[dict[str, str], ...]] = {
    "overlap": ({"group": "none", "keep": "sum"}, {"group": "asset_day", "keep": "highest"}),
}
_DOUBTED = (FindingCode.SILENCE_PAYS, FindingCode.GAP_COSTS_CONTRACTOR)
_NAMED = re.compile(r"standard\[([^\]]+)\]")
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read an open clause, and what the example then costs.

    Parameters
    ----------
    choice : str
    amount : Fraction
        All deductions of the example's month. [currency]
    currency : str
    is_doubt : bool
        Whether the example's checks are in doubt by gaps, and not missed.
    """

    choice: str
    amount: Fraction
    currency: str
    is_doubt: bool = False


def readings_of(finding: Finding, files: Mapping[str, str], zone: Zone) -> list[Reading]:
    """Price on an example each way to settle what is undeclared, charged twice, or paid for by silence.

    Parameters
    ----------
    finding : Finding
    files : mapping of str to str
        The contract folder's.
    zone : Zone

    Returns
    -------
    list of Reading
        Empty where something else is wrong too, or the choices make no difference.
    """
    if not finding.choices or finding.file != "contract.toml":
        return []
    found: list[Reading] = []
    doubted = _NAMED.match(finding.key) if finding.code in _DOUBTED else None
    for choice, changes in _ways(finding):
        try:
            said = copy.deepcopy(said_in(files))
            for key, value in changes.items():
                _fill(said, key, value)
            if finding.code == FindingCode.CHARGED_TWICE:
                _agree(said)
            terms = read_terms(said, files, zone)
            cost = doubt_cost(terms, doubted[1], finding.code) if doubted else example_cost(terms)
            found.append(Reading(choice, cost, terms.file.money.currency, bool(doubted)))
        except (RulesError, LookupError, TypeError, ValueError):
            # Another term is open too, or the choice is a table: then no single sum follows from it.
            continue
    if found and finding.code == FindingCode.SILENCE_PAYS:
        # What stands there now does not load, and costs nothing.
        found.insert(0, Reading(Inconclusive.NO_DEDUCTION, Fraction(0), found[0].currency, is_doubt=True))
    return found if len({one.amount for one in found}) > 1 else []


def _ways(finding: Finding) -> list[tuple[str, dict[str, Any]]]:
    """Ways to settle a finding: how each is told, and what it writes where."""
    match finding.code:
        case FindingCode.UNDECLARED:
            tables = _TABLES.get(finding.key.rpartition(".")[2])
            if tables and set(finding.choices) > set(tables[0]):
                told = [", ".join(f'{key} = "{value}"' for key, value in table.items()) for table in tables]
                return [(name, {finding.key: table}) for name, table in zip(told, tables, strict=True)]
            return [(choice, {finding.key: choice}) for choice in finding.choices]
        case FindingCode.SILENCE_PAYS | FindingCode.GAP_COSTS_CONTRACTOR if finding.key.endswith(".inconclusive"):
            return [(choice, {finding.key: choice}) for choice in finding.choices]
        case FindingCode.CHARGED_TWICE:
            place = finding.key.removesuffix(".consequence.nature")
            dearest = {"group": "asset_day", "keep": "highest", "across": "natures"}
            changes = ({f"{place}.consequence[1].beside": "-"}, {f"{place}.overlap": dearest})
            return list(zip(finding.choices, changes, strict=True))
        case _:
            return []


def _agree(said: dict[str, Any]) -> None:
    """Let all standards of the group say the same of natures, as the terms must."""
    tables: list[dict[str, Any]] = [one["overlap"] for one in said["standard"]]
    if any(one.get("across") == "natures" for one in tables):
        for one in tables:
            one.update({"keep": "highest", "across": "natures"} if one["group"] == "asset_day" else {})


def doubt_cost(terms: Terms, standard: str, code: FindingCode) -> Fraction:
    """What ten checks of a standard cost that are in doubt by gaps of the one who bears them. [currency].

    Parameters
    ----------
    terms : Terms
    standard : str
        Its id.
    code : FindingCode
        Whose gaps they are: the contractor's where silence pays, else the city's.

    Raises
    ------
    CalculationError
        When an index has no value for the first month.
    """
    period = month_of(terms.file.contract.effective.since)
    one = next(one for one in terms.file.standard if one.id == standard)
    return _cost(terms, _checks(terms, one, period, code), period)


def example_cost(terms: Terms) -> Fraction:
    """What the example costs under some terms, in procedure or not. [currency].

    Parameters
    ----------
    terms : Terms

    Raises
    ------
    CalculationError
        When an index has no value for the first month.
    """
    period = month_of(terms.file.contract.effective.since)
    facts = [one for standard in terms.file.standard for one in _checks(terms, standard, period)]
    return _cost(terms, facts, period)


def _cost(terms: Terms, facts: list[Determination], period: str) -> Fraction:
    body = settle(terms, facts, period).body
    lines = [line for block in body["blocks"].values() for line in block["lines"]]
    return -sum((read(line["amount"]) for line in lines if line["kind"] == "deduction"), Fraction(0))


def _checks(terms: Terms, standard: Standard, period: str, doubt: FindingCode | None = None) -> list[Determination]:
    """Lay the example's checks: missed for certain, or in doubt by gaps of the contractor's or of the city's."""
    laid = standard_windows(terms, standard, month_days(period))[:_EVENTS]
    if not laid:
        # The hours come later than the first month.
        return []
    zone = next(iter(sorted(terms.zones if standard.zones == "all" else standard.zones)), "")
    digests = {"readings": digest({}), "register": digest({})}
    found: list[Determination] = []
    for place in range(_EVENTS):
        window = laid[place % len(laid)]
        target, beyond = target_on(standard, window.day), _BEYOND[standard.measure.unit]
        is_least = standard.target.op == Op.AT_LEAST
        value = max(target - beyond, 0) if is_least else target + beyond
        low, high = (value, target) if is_least else (target, value)
        borne = value if (doubt == FindingCode.SILENCE_PAYS) else target
        bounds = Bounds(value, value, value) if doubt is None else Bounds(low, borne, high)
        judged = Judged(f"example-{place}", zone, window, bounds, 1, 1, digests, {})
        found.append(determination(terms, standard, judged))
    return found


def _fill(said: dict[str, Any], key: str, choice: object) -> None:
    """Set a key by its path as findings write it: `standard[container-full].consequence[1].repeat.hits`."""
    parts = [(name, number) for name, number in _STEP.findall(key)]
    here: Any = said
    for name, number in parts[:-1]:
        rows = cast("list[dict[str, Any]]", here)
        if number:
            here = _row(rows, number)
        else:
            # A path that does not tell several tables apart means the first.
            here = (rows[0] if isinstance(here, list) else cast("dict[str, Any]", here))[name]
    last = cast("dict[str, Any]", here[0] if isinstance(here, list) else here)
    last[parts[-1][0]] = choice


def _row(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for row in rows:
        if name in {row.get("id"), row.get("code")}:
            return row
    return rows[int(name) - 1]
