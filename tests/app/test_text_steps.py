"""Steps of a calculation and grounds for a notice, in words."""

from typing import Any

import pytest

from app import text
from rules.contract import Step

_NBSP = "\N{NO-BREAK SPACE}"


def test_steps_when_named() -> None:
    number = {"value": "2", "unit": "event", "clause": "7", "from": "2026-09-01", "origin": "offer"}
    step: dict[str, Any] = {"in": "0", "out": "0", "kind": "per_event", "parameter": number}
    step |= {"absorbed_by": "a/b@1/c", "until": "2026-12-01", "unit": "CLP", "limit": "1", "sum": "1"}
    step |= {"series": "UTM", "month": "2026-09", "value": "68000", "account": "faults", "restates": "x"}
    step |= {"relief": "R-1", "code": "rain", "number": "3", "date": "2026-09-20", "clause": "30"}
    step |= {"event": 4, "events": 4, "from": 1, "act": {"number": "1", "date": "2026-10-05", "signer": "alcalde"}}
    for name in (*Step, "act", "decision", "base", "pro_rata", "adjustment", "retention", "release", "restatement"):
        line = {"determinations": [], "trace": [{**step, "step": name}]}
        rows = [text.step_row(line, line["trace"][0], "CLP", language) for language in text.LANGUAGES]
        assert len(text.LANGUAGES) == len({row[2] for row in rows})
        assert "0 → 0" == rows[0][1]
    with pytest.raises(ValueError, match="nonsense"):
        text.step_row({}, {"step": "nonsense"}, "CLP", "en")


def test_step_names_the_number_that_it_took_and_the_tenders_beside_the_offers() -> None:
    number = {
        "value": "0.5",
        "unit": "UTM",
        "clause": "14.2",
        "from": "2026-09-01",
        "origin": "offer",
        "tender": "0.3",
    }
    step = {"step": "tariff", "kind": "per_event", "in": "0", "out": "0.5", "parameter": number}
    row = text.step_row({"trace": [step]}, step, "CLP", "es")
    said = "0,5 UTM: cláusula 14.2, desde el 01-09-2026 (oferta; 0,3 UTM en las bases de licitación)."
    assert ("valor del evento", "0 → 0,5", said) == row


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (
            {
                "notice": "termination",
                "of": "outage",
                "sum": "3",
                "months": ["2026-04", "2026-09"],
                "limit": {"value": "2", "unit": "not_met", "clause": "4.9"},
                "barred_by": ["R-1"],
            },
            (
                "Causal para el término anticipado del contrato (t, cláusula 4.9): unidades evaluadas de outage que "
                "no cumplen desde abril de 2026 hasta septiembre de 2026: 3; el límite es 2. La impide la causal de "
                "exención R-1."
            ),
        ),
        (
            {
                "notice": "warning",
                "of": "faults",
                "sum": "433566",
                "months": ["2026-09"],
                "limit": {"value": "180000", "unit": "points", "clause": "9"},
                "barred_by": [],
            },
            (
                "Causal para una amonestación (t, cláusula 9): puntos en la cuenta faults desde septiembre de 2026 "
                "hasta septiembre de 2026: 433.566; el límite es 180.000."
            ),
        ),
        (
            {
                "notice": "warning",
                "of": "total_cap",
                "sum": "750",
                "share": "3/4",
                "limit": {"value": "1000", "unit": "CLP", "clause": "30"},
            },
            (
                "Causal para una amonestación (t, cláusula 30): del tope de $1.000 se han usado $750, "
                f"75,0{_NBSP}% de él o más."
            ),
        ),
    ],
)
def test_notice_when_given(notice: dict[str, Any], said: str) -> None:
    told = {language: text.notice_text({"trigger": "t", **notice}, "CLP", language) for language in text.LANGUAGES}
    assert said == told["es"]
    assert len(text.LANGUAGES) == len(set(told.values()))
