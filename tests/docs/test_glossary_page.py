"""`docs/glossary.md` has a word for all kinds, quantities, measures, tariffs, outcomes and verdicts."""

from typing import get_args

from rules.consequences import Consequence
from rules.contract import Level
from rules.measures import Measure
from rules.payments.lines import LineKind
from rules.records import Verdict
from sensors.readings import Outcome
from sensors.registry import kinds
from tests.docs.pages import assert_named, page

PAGE = page("glossary.md")


def _kinds_of(annotation: object) -> set[str]:
    """Choices of `kind` over the models of a union."""
    return {kind for model in get_args(annotation) for kind in get_args(model.model_fields["kind"].annotation)}


def test_readings_when_looked_up() -> None:
    said = {
        name for kind in kinds().values() for one in (*kind.quantities, *kind.words) for name in (one.name, one.said)
    }
    outcomes = {one.value for one in Outcome if one is not Outcome.REJECTED}
    assert_named(PAGE, said | set(kinds()) | outcomes)


def test_terms_when_looked_up() -> None:
    tariffs = _kinds_of(Consequence.model_fields["tariff"].annotation)
    assert_named(PAGE, _kinds_of(Measure) | tariffs | {one.value for one in Verdict})


def test_words_of_money_when_looked_up() -> None:
    assert_named(PAGE, {one.value for one in LineKind} | {Level.DATA_DUTY.value})


def test_rows_when_read() -> None:
    # A cell too few would put a Portuguese word under Spanish.
    tables = [part.strip().splitlines() for part in PAGE.split("\n\n") if part.lstrip().startswith("| term |")]
    assert [] == [row for table in tables for row in table[2:] if row.count(" | ") != table[0].count(" | ")]
    assert 4 == len(tables)
