"""Past facts under draft terms: what a month would have cost under terms that differ in money alone.

What was measured stays: bounds, windows, who bears which gap. So draft terms may change what follows from it
(targets, tariffs, caps, order of steps, policies on doubt) and nothing that leads to it; who changes that assesses
again. The facts keep their ids and their digest: a draft rests on the determinations as they were judged.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rules.contract import ContractFile, Standard, Terms
from rules.errors import CalculationError
from rules.numbers import PPM, value_on
from rules.payments.checks import Checks, Mask, Named
from rules.places import Network
from rules.records import Determination, Op, Verdict
from rules.standards.judging import target_on

# What no measurement looks at; of anything else, also of what a later release adds, draft terms must say the same.
_FILE_MONEY = frozenset({"contract", "money", "base", "bedding_in", "relief", "points", "total_cap"}) | {
    "retention",
    "trigger",
    "goal",
    "standard",
    "process",
}
_STANDARD_MONEY = frozenset({"goal", "level", "clause", "origin", "target"}) | {
    "inconclusive",
    "count_window",
    "overlap",
    "consequence",
}
# Measures whose bounds the target itself takes part in: a stretch that was too long before counts from there.
AIMED = frozenset({"longest_without_pass"})
_VERDICTS = {verdict: code for code, verdict in enumerate(Verdict)}


def rejudge(draft: Terms, judged: Terms, checks: Checks) -> Checks:
    """Hold a month's facts against draft terms, for `settle` to price.

    Verdicts stay where the target of the day does; elsewhere they follow from the bounds that were measured.

    Parameters
    ----------
    draft : Terms
        They must hold in the month.
    judged : Terms
        Those that the facts were judged under.
    checks : Checks
        The month's.

    Raises
    ------
    CalculationError
        When the draft would measure something else, or has another target for what is measured by it.

    Notes
    -----
    A few array operations in the number of checks; nothing is digested. Only what the draft charges becomes a
    determination, with the draft's target and verdict and the id of the fact as it was judged.
    """
    _refuse_other_facts(draft, judged)
    target, least_ppm = checks.target.copy(), np.zeros(len(checks), np.int64)
    for standard in draft.file.standard:
        rows, days = checks.standard.where(standard.id), [date.fromisoformat(day) for day in checks.day.names]
        codes = checks.day.codes[rows]
        target[rows] = np.array([target_on(standard, day) for day in days], np.int64)[codes]
        if standard.completeness:
            least = [round(value_on(standard.completeness.min, day) * PPM) for day in days]
            least_ppm[rows] = np.array(least, np.int64)[codes]
    changed = target != checks.target
    for standard in draft.file.standard:
        if standard.measure.kind in AIMED and (changed & checks.standard.where(standard.id)).any():
            raise CalculationError(f"standard {standard.id} measures by its target; assess the month under the draft")
    verdict = np.where(changed, _verdicts(checks, target, least_ppm), _codes(checks.verdict))
    return replace(
        checks,
        contract=Named.same(draft.id, len(checks)),
        terms=Named.same(draft.digest, len(checks)),
        verdict=Named(verdict, {one.value: code for one, code in _VERDICTS.items()}),
        target=target,
        fact=partial(_fact, checks.fact, (changed, target, verdict)),
    )


def _verdicts(checks: Checks, target: NDArray[np.int64], least_ppm: NDArray[np.int64]) -> NDArray[np.intp]:
    """Hold bounds against targets, as assessment does (`rules.standards.judging`)."""
    at_most = checks.op.where(Op.AT_MOST)
    missed = np.where(at_most, checks.proven > target, checks.possible < target)
    met = np.where(at_most, checks.possible <= target, checks.proven >= target)
    scant = checks.received * PPM < least_ppm * checks.expected
    cases: list[Mask] = [scant, missed, met]
    codes = [_VERDICTS[one] for one in (Verdict.INCONCLUSIVE, Verdict.NOT_MET, Verdict.MET)]
    return np.select(cases, codes, _VERDICTS[Verdict.INCONCLUSIVE])


def _codes(verdict: Named) -> NDArray[np.intp]:
    return np.array([_VERDICTS[Verdict(name)] for name in verdict.names], np.intp)[verdict.codes]


def _fact(
    fact: Callable[[int], Determination],
    columns: tuple[Mask, NDArray[np.int64], NDArray[np.intp]],
    row: int,
) -> Determination:
    changed, target, verdict = columns
    one = fact(row)
    return replace(one, target=int(target[row]), verdict=list(Verdict)[verdict[row]]) if changed[row] else one


def _refuse_other_facts(draft: Terms, judged: Terms) -> None:
    version = f"{judged.id}@{judged.version}"
    for name in ContractFile.model_fields.keys() - _FILE_MONEY:
        if getattr(draft.file, name) != getattr(judged.file, name):
            raise CalculationError(f"the draft's {name} is not that of {version}; assess the month under the draft")
    places = ("zone", "zones", "points", "holidays", "markets")
    if any(getattr(draft, name) != getattr(judged, name) for name in places) or not _is_same_network(draft, judged):
        raise CalculationError(f"the draft's places or days are not those of {version}; assess the month under it")
    known = {one.id: one for one in judged.file.standard}
    for standard in draft.file.standard:
        before = known.get(standard.id)
        other = [
            name
            for name in Standard.model_fields.keys() - _STANDARD_MONEY
            if before is None or getattr(standard, name) != getattr(before, name)
        ]
        if other:
            said = ", ".join(sorted(other)) if before else "id"
            raise CalculationError(
                f"standard {standard.id} differs from {version} in {said}; assess the month under the draft"
            )


def _is_same_network(draft: Terms, judged: Terms) -> bool:
    left, right = draft.network, judged.network
    if left is None or right is None or left is right:
        return left is right
    mine, others = _parts(left), _parts(right)
    return len(mine) == len(others) and all(map(np.array_equal, mine, others))


def _parts(network: Network) -> list[NDArray[Any]]:
    parts: list[NDArray[Any]] = []
    for one in fields(network):
        value: object = getattr(network, one.name)
        parts += map(np.asarray, cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,))
    return parts
