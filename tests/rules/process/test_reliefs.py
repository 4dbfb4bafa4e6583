"""Relief: what is granted, as known, and for which lines it stops a clock."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import CalculationError
from rules.process.reliefs import Claim, Known, Ruling, granted, pauses_of, said_from, why_not
from rules.records import Relief, canonical
from tests.rules.process.cases import DIGEST, at, process_of

CLAIM = Claim(
    "R-1",
    "strike",
    at("2026-09-14"),
    at("2026-09-16"),
    at("2026-09-20"),
    "Aseos",
    zones=("VP-01",),
    evidence=(DIGEST,),
    reason="huelga",
)
GRANT = Ruling("R-1", True, at("2026-10-01"), "Vera", "mayor", "DA-9", "2026-10-01", DIGEST, "acreditada")
RELIEF = Relief(
    "R-1",
    "strike",
    at("2026-09-14"),
    at("2026-09-16"),
    "DA-9",
    "2026-10-01",
    "Vera",
    "acreditada",
    zones=("VP-01",),
    evidence=(DIGEST,),
)


def test_relief_is_granted_when_an_act_has_granted_its_claim() -> None:
    known = [Known(4, CLAIM), Known(7, GRANT)]
    assert [RELIEF] == granted(known, 7)
    assert [] == granted(known, 6)
    assert [] == granted([Known(4, CLAIM)], 9)
    assert [] == granted([Known(4, CLAIM), Known(7, replace(GRANT, is_granted=False))], 9)


def test_first_ruling_holds_when_there_are_two() -> None:
    refused = replace(GRANT, is_granted=False, number="DA-10")
    assert [RELIEF] == granted([Known(9, refused), Known(7, GRANT), Known(4, CLAIM)], 9)


@given(st.permutations([Known(4, CLAIM), Known(7, GRANT), Known(8, replace(CLAIM, id="R-2"))]))
def test_granted_when_known_in_any_order(known: list[Known]) -> None:
    assert [RELIEF] == granted(known, 9)


@pytest.mark.parametrize(
    ("known", "said", "why"),
    [
        ([], CLAIM, ""),
        ([CLAIM], CLAIM, "id_taken"),
        ([], replace(CLAIM, code="rain"), "code_unknown"),
        ([], replace(CLAIM, until_us=CLAIM.since_us), "span_empty"),
        ([], replace(CLAIM, person=" "), "lacking"),
        ([], GRANT, "claim_unknown"),
        ([CLAIM], GRANT, ""),
        ([CLAIM, GRANT], GRANT, "decided"),
        ([CLAIM], replace(GRANT, reason=""), "lacking"),
        ([CLAIM], replace(GRANT, role="inspector"), "role_lacks_permission"),
        ([CLAIM], replace(GRANT, role="gardener"), "role_unknown"),
    ],
)
def test_claim_and_ruling_when_taken_or_refused(known: list[Any], said: Any, why: str) -> None:
    assert why == why_not(process_of(), ("strike",), [Known(place, one) for place, one in enumerate(known)], said)


def test_claim_and_ruling_when_stored_and_read_again() -> None:
    for said in (CLAIM, GRANT):
        assert said == said_from(json.loads(canonical(said.content())))
    with pytest.raises(CalculationError, match="no claim of relief"):
        said_from({"id": "R-1"})


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        ({}, 1),
        ({"zones": ("VP-01",)}, 1),
        ({"zones": ("VP-02",)}, 0),
        ({"standards": ("container-full",), "subjects": ("C-1",)}, 1),
        ({"standards": ("other",), "subjects": ("C-1",)}, 0),
        ({"subjects": ("C-2", "C-3")}, 0),
    ],
)
def test_pauses_when_a_relief_is_limited(limits: dict[str, tuple[str, ...]], count: int) -> None:
    relief = replace(RELIEF, **{"zones": (), **limits})
    assert count == len(pauses_of([relief], "container-full", "VP-01", "C-1"))
