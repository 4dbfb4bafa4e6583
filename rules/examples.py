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
    """

    choice: str
    amount: Fraction
    currency: str


def readings_of(finding: Finding, files: Mapping[str, str], zone: Zone) -> list[Reading]:
    """Price each choice of an undeclared key on the example.

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
    if finding.code != FindingCode.UNDECLARED or not finding.choices or finding.file != "contract.toml":
        return []
    found: list[Reading] = []
    for choice in finding.choices:
        try:
            said = copy.deepcopy(said_in(files))
            _fill(said, finding.key, choice)
            terms = read_terms(said, files, zone)
            found.append(Reading(choice, example_cost(terms), terms.file.money.currency))
        except (RulesError, LookupError, TypeError, ValueError):
            # Another term is open too, or the choice is a table: then no single sum follows from it.
            continue
    return found if len({one.amount for one in found}) > 1 else []


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
    facts = [one for standard in terms.file.standard for one in _missed(terms, standard, period)]
    body = settle(terms, facts, period).body
    lines = [line for block in body["blocks"].values() for line in block["lines"]]
    return -sum((read(line["amount"]) for line in lines if line["kind"] == "deduction"), Fraction(0))


def _missed(terms: Terms, standard: Standard, period: str) -> list[Determination]:
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
        is_least = standard.measure.op_needed == Op.AT_LEAST
        value = max(target - beyond, 0) if is_least else target + beyond
        judged = Judged(f"example-{place}", zone, window, Bounds(value, value, value), 1, 1, digests, {})
        found.append(determination(terms, standard, judged))
    return found


def _fill(said: dict[str, Any], key: str, choice: str) -> None:
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
