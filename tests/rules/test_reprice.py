"""Past facts under draft terms: priced as if they had been judged under them, and refused where they could not be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assess import assess, opportunities
from rules.contract import Terms
from rules.errors import CalculationError
from rules.payments.checks import Checks
from rules.payments.reprice import AIMED, rejudge
from rules.payments.statement import Statement, settle
from rules.places import Network
from rules.records import Determination, Verdict, canonical
from tests.rules.contracts import (
    HOUR_US,
    Said,
    Table,
    changed,
    contract_table,
    full_standard,
    readings_of,
    register_of,
    terms_of,
    unemptied_standard,
    utc_us,
)
from tests.rules.drawn import facts, tables

AUGUST = "2026-08"
DAYS = (date(2026, 8, 3), date(2026, 8, 6))
FAR_US = utc_us("2030-01-01T00:00+00:00")
ROOT = Path(__file__).parents[2]


def judged_under(terms: Terms, fills: Sequence[tuple[int, int]]) -> list[Determination]:
    """Judge days in which two containers said how full they were, at some slots."""
    start_us = utc_us("2026-08-02T00:00-04:00")
    said = [Said(start_us + slot * HOUR_US // 2, fill * 100_000) for slot, fill in fills]
    register = register_of(terms)
    found = assess(terms, register, readings_of(d1=said, d2=said[::2]), DAYS, FAR_US)
    assert opportunities(terms, register, DAYS) == {one.opportunity for one in found}
    return found


def money(statement: Statement) -> str:
    """Write what a statement says of money: not which facts it rests on, nor under which terms they were judged."""

    def without(said: object) -> object:
        if isinstance(said, list):
            return [without(one) for one in cast("list[object]", said)]
        if not isinstance(said, dict):
            return said
        parts = cast("dict[str, object]", said)
        return {key: without(one) for key, one in parts.items() if key not in {"determinations", "absorbed_by"}}

    body = {key: one for key, one in statement.body.items() if key not in {"opening_sha256", "closing_sha256"}}
    counts = {verdict.value: statement.body["determinations"][verdict.value] for verdict in Verdict}
    return canonical([without(body), counts])


drafts = st.fixed_dictionaries(
    {
        "value": st.sampled_from(["PT1H", "PT2H", "PT4H", "PT9H"]),
        "inconclusive": st.sampled_from(["by_cause", "hold", "no_deduction"]),
        "amount": st.sampled_from(["0.5", "7"]),
        "unemptied": st.sampled_from(["P1D", "P2D", "P3D"]),
        "min": st.just("0.5"),
    }
)


def draft_of(chosen: dict[str, str], version: int = 1) -> Table:
    """Write draft terms: targets, policies and a tariff."""
    dated = [{"value": "PT4H"}, {"value": chosen["value"], "from": date(2026, 8, 4)}]
    full = full_standard(
        target={"op": "<=", "value": dated},
        inconclusive=chosen["inconclusive"],
        consequence=[{"nature": "price", "tariff": {"kind": "per_event", "amount": chosen["amount"], "unit": "UTM"}}],
        completeness={"min": chosen["min"], "every": "PT30M"},
    )
    table = contract_table(full, unemptied_standard(target={"op": "<=", "value": chosen["unemptied"]}))
    return changed(table, "contract.version", version)


@given(st.lists(st.tuples(st.integers(0, 191), st.integers(0, 10)), max_size=120), drafts, drafts)
@settings(max_examples=60)
def test_month_costs_what_it_would_have_when_judged_under_the_draft(
    fills: list[tuple[int, int]], before: dict[str, str], after: dict[str, str]
) -> None:
    judged, draft = terms_of(draft_of(before)), terms_of(draft_of(after, 2))
    found = judged_under(judged, fills)
    again = rejudge(draft, judged, Checks.of(found))
    assert money(settle(draft, judged_under(draft, fills), AUGUST)) == money(settle(draft, again, AUGUST))
    assert Checks.of(found).sha256 == again.sha256


@given(st.data())
@settings(max_examples=60)
def test_verdicts_stay_when_targets_do(data: st.DataObject) -> None:
    table = data.draw(tables(bonuses=True))
    terms = terms_of(table)
    found = data.draw(facts(terms))
    # Verdicts that do not follow from the bounds, as of too few readings.
    same = rejudge(terms, terms, Checks.of(found))
    first, second = settle_late(terms, found), settle_late(terms, same)
    assert canonical([first.body, first.closing]) == canonical([second.body, second.closing])


def settle_late(terms: Terms, found: Sequence[Determination] | Checks) -> Statement:
    opening = settle(terms, [], AUGUST).closing
    return settle(terms, found, "2026-09", opening)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("standard.0.measure.value", "0.80", "measure"),
        ("standard.0.tolerance.signal_error", "0.02", "tolerance"),
        ("standard.0.completeness.min", "0.6", "completeness"),
        ("standard.0.gap_bearer", {"operator_off": "contractor"}, "gap_bearer"),
        ("standard.0.zones", ["VP-01"], "zones"),
        ("standard.0.id", "another", "in id"),
        ("evidence.gap_bearer.operator_off", "contractor", "evidence"),
        ("late.grace", "P3D", "late"),
        ("calendar.time_zone", "America/Sao_Paulo", "calendar"),
    ],
)
def test_draft_is_refused_when_it_would_measure_something_else(path: str, value: object, words: str) -> None:
    judged, draft = terms_of(), terms_of(changed(contract_table(), path, value))
    with pytest.raises(CalculationError, match=words):
        _ = rejudge(draft, judged, Checks.of(judged_under(judged, [(0, 1)])))


def test_draft_is_refused_when_its_places_are_others() -> None:
    judged = terms_of()
    checks = Checks.of(judged_under(judged, [(0, 1)]))
    for draft in (replace(judged, zones={}), replace(judged, network=streets(1)), replace(judged, holidays={"h": 1})):
        with pytest.raises(CalculationError, match="places or days"):
            _ = rejudge(draft, judged, checks)
    assert len(checks) == len(
        rejudge(replace(judged, network=streets(1)), replace(judged, network=streets(1)), checks)
    )
    with pytest.raises(CalculationError, match="places or days"):
        _ = rejudge(replace(judged, network=streets(1)), replace(judged, network=streets(2)), checks)


def streets(length_mm: int) -> Network:
    one = np.array([length_mm], np.int64)
    none = (one, one, one)
    return Network(
        ("s",), ("",), ("",), one, (0, 0), none, one, none, (one, one), (one, one), one, (0, 0, 0, 0), one, one
    )


def test_standard_that_the_draft_lacks_is_refused_when_it_was_judged() -> None:
    both, one = terms_of(contract_table(full_standard(), unemptied_standard())), terms_of()
    checks = rejudge(one, both, Checks.of(judged_under(both, [(0, 1)])))
    with pytest.raises(CalculationError, match="a standard that"):
        _ = settle(one, checks, AUGUST)


def test_target_is_refused_when_the_measure_goes_by_it() -> None:
    judged, draft = (as_passes(terms_of(draft_of(said(value)))) for value in ("PT4H", "PT2H"))
    checks = Checks.of(judged_under(terms_of(draft_of(said("PT4H"))), [(0, 1)]))
    assert len(checks) == len(rejudge(judged, judged, checks))
    with pytest.raises(CalculationError, match="measures by its target"):
        _ = rejudge(draft, judged, checks)


def said(value: str) -> dict[str, str]:
    return {"value": value, "inconclusive": "by_cause", "amount": "7", "unemptied": "P2D", "min": "0.5"}


def as_passes(terms: Terms) -> Terms:
    """Take the first standard for one of a measure that goes by its target."""
    first, *others = terms.file.standard
    measure = first.measure.model_copy(update={"kind": "longest_without_pass"})
    standards = (first.model_copy(update={"measure": measure}), *others)
    return replace(terms, file=terms.file.model_copy(update={"standard": standards}))


def test_bounds_rest_on_the_target_only_where_drafts_may_not_change_it() -> None:
    # Whoever else looks at a target measures by it: its measures belong to those of which drafts keep the target.
    found = {path.name for path in (ROOT / "rules/standards").glob("*.py") if "target" in path.read_text("utf-8")}
    assert {"judging.py", "passes.py", "stretches.py"} == found
    assert {"longest_without_pass"} == AIMED
