"""A month's checks as columns: they say what the determinations say, one by one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.contract import Terms
from rules.errors import CalculationError
from rules.payments.checks import Checks, Named, digest_of
from rules.payments.restate import Earlier
from rules.payments.statement import opening_of_nothing, settle
from rules.records import Act, Choice, Determination, Verdict, canonical, digest
from tests.rules.contracts import contract_table, full_standard, terms_of
from tests.rules.drawn import PERIOD, fact, facts, reliefs, tables

SOME = settings(max_examples=60)
STANDARD = "container-full"


def stored(found: Sequence[Determination]) -> Checks:
    """Lay determinations into columns as storage has them: ids, and texts whose digests are the determinations'."""
    return Checks.of_texts([one.id for one in found], [canonical(one.content()) for one in found])


def said(terms: Terms, *verdicts: Verdict) -> list[Determination]:
    """Make checks of the first days of the month."""
    return [fact(terms, STANDARD, "C-1", f"{PERIOD}-{n:02}", one) for n, one in enumerate(verdicts, 1)]


@pytest.mark.timeout(600)  # two months a contract, twice; longer on a busy machine
@given(st.data())
@settings(max_examples=1_000)
def test_statements_are_the_same_bytes_when_checks_are_columns_or_a_sequence(data: st.DataObject) -> None:
    random = data.draw(st.randoms(use_true_random=False))
    terms = terms_of(data.draw(tables(bonuses=True)))
    before, found, granted = data.draw(facts(terms, "2026-08")), data.draw(facts(terms)), data.draw(reliefs(terms))
    late = [one for one in before if random.random() < 0.8]
    first = settle(terms, before, "2026-08")
    waiting = [line["id"] for line in first.closing["in_procedure"]]
    acts = [Act(line, "firm", "D-1", "2026-10-20", "alcalde", "f" * 64) for line in waiting[::2]]
    mixed = list(found)
    random.shuffle(mixed)
    second = [
        settle(terms, now, PERIOD, first.closing, [*acts, *granted], {"2026-08": Earlier(terms, again)})
        for now, again in ((found, late), (stored(mixed), stored(late[::-1])))
    ]
    texts = [canonical([one.body, one.closing]) for one in second]
    assert texts[0] == texts[1]
    # By the words of docs/formats.md, without columns.
    plain = digest(sorted([one.id, digest(one.content())] for one in found))
    assert plain == second[1].body["determinations"]["sha256"]
    assert {one.value: sum(fact.verdict == one for fact in found) for one in Verdict} == {
        one.value: second[1].body["determinations"][one.value] for one in Verdict
    }


def test_choice_is_found_when_checks_are_columns() -> None:
    consequence = {"nature": "fine", "tariff": {"kind": "range", "min": "5", "max": "50", "unit": "CLP"}}
    table = contract_of(consequence)
    terms = terms_of(table)
    found = said(terms, Verdict.NOT_MET, Verdict.MET)
    chosen = Choice(STANDARD, "C-1", f"{PERIOD}-01", "fine", "20", "repeated", "D-2", "2026-10-01", "alcalde")
    settled = settle(terms, stored(found), PERIOD, opening_of_nothing(terms, PERIOD), [chosen])
    (line,) = settled.body["blocks"]["C"]["lines"]
    assert "-20" == line["amount"]


def contract_of(consequence: dict[str, Any]) -> dict[str, Any]:
    return contract_table(full_standard(consequence=[consequence]))


@pytest.mark.parametrize("rows", [1, 511, 512, 513, 1500])
def test_digest_is_that_of_the_whole_list_when_it_is_made_in_pieces(rows: int) -> None:
    ids = [hashlib.sha256(bytes([n % 251, n // 251])).hexdigest() + ' "ñ\\\n漢' for n in range(rows)]
    digests = [str(n) for n in range(rows)]
    whole = digest(sorted([name, one] for name, one in zip(ids, digests, strict=True)))
    assert whole == digest_of(ids, digests)


def test_digest_is_that_of_an_empty_list_when_nothing_is_checked() -> None:
    assert digest([]) == digest_of([], []) == Checks.of([]).sha256 == stored([]).sha256


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contract": "elsewhere"}, "other terms"),
        ({"digests": {}}, "other terms"),
        ({"standard": "unknown"}, "a standard that"),
        ({"day": "2026-10-01"}, f"not of {PERIOD}"),
        ({"day": "2026-9-1"}, f"not of {PERIOD}"),
    ],
)
def test_check_is_refused_by_its_id_when_it_is_foreign(change: dict[str, Any], words: str) -> None:
    terms = terms_of()
    first, second = said(terms, Verdict.MET, Verdict.MET)
    odd = replace(second, **change)
    with pytest.raises(CalculationError, match=words) as refusal:
        Checks.of([first, odd]).refuse_foreign(terms, PERIOD)
    assert odd.id in str(refusal.value)


def test_later_check_is_named_when_two_judge_the_same() -> None:
    terms = terms_of()
    first, second, third = said(terms, *[Verdict.MET] * 3)
    twins = [replace(one, digests={**one.digests, "readings": "9" * 64}) for one in (third, second)]
    with pytest.raises(CalculationError, match=f"two determinations judge {third.opportunity}"):
        Checks.of([first, second, third, *twins]).refuse_foreign(terms, PERIOD)
    # Another version of the terms judges something else.
    Checks.of([first, replace(first, terms_version=2)]).refuse_foreign(terms, PERIOD)


@given(st.data())
@SOME
def test_check_is_refused_when_any_is_judged_twice(data: st.DataObject) -> None:
    terms = terms_of(data.draw(tables()))
    found = data.draw(facts(terms).filter(bool))
    Checks.of(found).refuse_foreign(terms, PERIOD)
    again = data.draw(st.sampled_from(found))
    with pytest.raises(CalculationError, match=f"two determinations judge {again.opportunity}"):
        Checks.of(data.draw(st.permutations([*found, again]))).refuse_foreign(terms, PERIOD)


@pytest.mark.parametrize("change", [{"borne": 2**63}, {"target": -(2**70)}, {"possible": 10**30}])
def test_number_is_refused_when_it_has_no_place_in_a_column(change: dict[str, Any]) -> None:
    (one,) = said(terms_of(), Verdict.NOT_MET)
    for lay in (Checks.of, stored):
        with pytest.raises(CalculationError, match="64 bits"):
            lay([replace(one, **change)])


@pytest.mark.parametrize(
    "change", [{"borne": 1.5}, {"verdict": "perhaps"}, {"target": "7"}, {"digests": {"readings": ""}}, {"day": None}]
)
def test_text_is_refused_when_it_is_no_determination(change: dict[str, Any]) -> None:
    (one,) = said(terms_of(), Verdict.NOT_MET)
    content = {**one.content(), **change}
    with pytest.raises(CalculationError, match="no determination"):
        Checks.of_texts([one.id], [json.dumps(content)])


@given(st.lists(st.sampled_from(["", "a", "b", "ñ"])), st.lists(st.sampled_from(["a", "ñ", "z"])))
def test_named_says_where_texts_stand_when_they_come_in_any_order(texts: list[str], looked: list[str]) -> None:
    column = Named.of(texts)
    assert [text in looked for text in texts] == column.where(*looked).tolist()
    assert {text: texts.count(text) for text in texts} == column.counts()
    rows = column.where(*looked)
    assert {text: texts.count(text) for text in texts if text in looked} == {
        text: count for text, count in column.counts(rows).items() if count
    }
