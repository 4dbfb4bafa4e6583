"""Registers: which steps follow which, what they must say, and what time and sums make of them."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.process.registers import (
    Entry,
    Taken,
    closed_through,
    entries,
    missing_items,
    record_of,
    step_from,
    why_not,
)
from tests.rules.process.cases import DIGEST, at, days_for, process_of

PROCESS = process_of()
DAYS = days_for(PROCESS)
ISSUED = Taken(
    "F-1", "issue", at("2026-10-13"), "Aseos", "", {"amount": "40965000", "month": "2026-09", "document": DIGEST}, 1
)
RECEIVED = Taken("F-1", "receive", at("2026-10-13T09:00"), "Oficina de partes", seq=2)
ASSIGNED = Taken("F-1", "assign", at("2026-10-22T10:00"), "Aseos", "", {"to": "Factoring", "document": DIGEST}, 3)
REJECTED = Taken("F-1", "reject", at("2026-10-21T23:59"), "Silva", "finance", {"reason": "monto"}, 4)
LODGED = Taken(
    "B-1",
    "lodge",
    at("2026-09-01"),
    "Aseos",
    "",
    {
        "kind": "boleta",
        "issuer": "Banco",
        "amount": "1000000.50",
        "currency": "CLP",
        "expires": "2028-12-01",
        "custodian": "Tesorería",
    },
    1,
)
DRAWN = Taken(
    "B-1",
    "draw",
    at("2026-12-01"),
    "Vera",
    "mayor",
    {"amount": "34000", "reason": "multa", "number": "DA-7", "document": DIGEST},
    2,
)


def _entry(register: str, steps: list[Taken], when: str) -> Entry:
    (found,) = entries(register, PROCESS, DAYS, steps, at(when))
    return found


@pytest.mark.parametrize(
    ("steps", "when", "state"),
    [
        ([ISSUED], "2026-10-14", "issue"),
        ([ISSUED, RECEIVED], "2026-10-21T23:59", "receive"),
        # Eight days from the 14th: over with the 21st.
        ([ISSUED, RECEIVED], "2026-10-22", "accepted_by_silence"),
        ([ISSUED, RECEIVED, REJECTED], "2026-12-01", "reject"),
        ([ISSUED, RECEIVED, replace(REJECTED, step="accept", says={})], "2026-12-01", "accept"),
    ],
)
def test_invoice_when_time_passes(steps: list[Taken], when: str, state: str) -> None:
    assert state == _entry("invoice", steps, when).state


def test_invoice_blocks_set_off_when_it_is_assigned() -> None:
    before = _entry("invoice", [ISSUED, RECEIVED], "2026-10-22T11:00")
    after = _entry("invoice", [ISSUED, RECEIVED, ASSIGNED], "2026-10-22T11:00")
    assert (False, True) == (before.blocks_set_off, after.blocks_set_off)
    assert ["2026-10-21", "2026-11-12"] == [one.last_day for one in after.deadlines]


def test_rejection_is_refused_when_the_eight_days_are_over() -> None:
    before = [ISSUED, RECEIVED]
    assert () == why_not("invoice", PROCESS, before, REJECTED, DAYS)
    late = replace(REJECTED, at_us=at("2026-10-22"))
    assert ("too_late", "2026-10-21") == why_not("invoice", PROCESS, before, late, DAYS)


@pytest.mark.parametrize(
    ("register", "before", "step", "why"),
    [
        ("invoice", [], RECEIVED, ("not_now", "", "issue")),
        ("invoice", [ISSUED], ISSUED, ("not_now", "issue", "")),
        ("invoice", [], replace(ISSUED, step="burn"), ("step_unknown", "issue")),
        ("invoice", [], replace(ISSUED, says={"amount": "1", "month": "2026-09"}), ("lacking", "document")),
        ("invoice", [], replace(ISSUED, says={**ISSUED.says, "amount": "-1"}), ("malformed", "amount")),
        ("invoice", [], replace(ISSUED, says={**ISSUED.says, "amount": "1.2.3"}), ("malformed", "amount")),
        ("invoice", [], replace(ISSUED, says={**ISSUED.says, "month": "2026-13"}), ("malformed", "month")),
        ("invoice", [], replace(ISSUED, says={**ISSUED.says, "document": "x"}), ("malformed", "document")),
        ("invoice", [], replace(ISSUED, says={**ISSUED.says, "colour": "red"}), ("malformed", "colour")),
        ("invoice", [], replace(ISSUED, person=""), ("lacking", "person")),
        ("invoice", [ISSUED, RECEIVED], replace(REJECTED, role="inspector"), ("role_lacks_permission",)),
        ("guarantee", [], replace(LODGED, says={**LODGED.says, "expires": "soon"}), ("malformed", "expires")),
        (
            "guarantee",
            [LODGED],
            replace(DRAWN, says={**DRAWN.says, "amount": "1000000.51"}),
            ("exceeds", "2000001/2"),
        ),
        (
            "checklist",
            [],
            Taken("2026-09/poem", "receive", 0, "Aseos", "", {"valid_until": "2026-12-01", "document": DIGEST}),
            ("item_unknown", "labour-certificate"),
        ),
    ],
)
def test_step_is_refused_when_it_cannot_be(
    register: str, before: list[Taken], step: Taken, why: tuple[str, ...]
) -> None:
    assert why == why_not(register, PROCESS, before, step, DAYS)[: len(why)]


def test_guarantee_when_drawn_on_and_replenished() -> None:
    back = Taken("B-1", "replenish", at("2026-12-10"), "Aseos", "", {"amount": "34000"}, 3)
    assert Fraction("966000.50") == _entry("guarantee", [LODGED, DRAWN], "2026-12-02").left
    assert Fraction("1000000.50") == _entry("guarantee", [LODGED, DRAWN, back], "2026-12-11").left
    assert "expired" == _entry("guarantee", [LODGED], "2028-12-02").state


@given(st.lists(st.integers(1, 700_000), max_size=8))
def test_guarantee_never_gives_more_than_is_left(amounts: list[int]) -> None:
    steps = [LODGED]
    for place, amount in enumerate(amounts, 2):
        draw = replace(DRAWN, says={**DRAWN.says, "amount": str(amount)}, seq=place)
        if not why_not("guarantee", PROCESS, steps, draw, DAYS):
            steps.append(draw)
    left = _entry("guarantee", steps, "2026-12-02").left
    assert left is not None
    assert left >= 0


def test_checklist_when_a_paper_is_missing_approved_and_expired() -> None:
    paper = "2026-09/labour-certificate"
    received = Taken(
        paper, "receive", at("2026-10-08"), "Aseos", "", {"valid_until": "2026-11-08", "document": DIGEST}, 1
    )
    approved = Taken(paper, "approve", at("2026-10-09"), "Silva", "finance", seq=2)

    def missing(steps: list[Taken], when: str) -> list[str]:
        return missing_items(PROCESS, "2026-09", entries("checklist", PROCESS, DAYS, steps, at(when)))

    assert ["labour-certificate"] == missing([received], "2026-10-10")
    assert [] == missing([received, approved], "2026-10-10")
    assert ["labour-certificate"] == missing([received, approved], "2026-11-09")


def test_month_is_closed_through_its_last_close() -> None:
    closed = Taken("2026-09", "close", 5, "Rojas", "secretary", seq=12)
    opened = Taken("2026-09", "reopen", 6, "Rojas", "secretary", {"reason": "x"}, 15)
    again = replace(closed, at_us=7, seq=20)
    assert [None, 12, None, 20, None] == [
        closed_through([], "2026-09"),
        closed_through([closed], "2026-09"),
        closed_through([opened, closed], "2026-09"),
        closed_through([opened, again, closed], "2026-09"),
        closed_through([closed], "2026-10"),
    ]


def test_step_when_stored_and_read_again() -> None:
    assert ISSUED == step_from(record_of(ISSUED), 1)
