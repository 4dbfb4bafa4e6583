"""From a line back to the street: what is shown of a determination, its streets, passes and readings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.cli import evidence
from app.jobs.contracts import Loaded, load_files
from app.jobs.explaining import Evidence, Explanation, Heard, Pass, passes_of, segments_of
from app.jobs.templates import contract_files
from rules.records import Determination, Op, Unit, Verdict
from sensors.readings import Clock, Kind
from sensors.registry import kinds
from storage.readings import Said

_START = datetime(2026, 9, 12, 2, 27, 31, tzinfo=UTC)
_US = 1_000_000
_START_US = int(_START.timestamp()) * _US
_NIGHT = Determination(
    contract="vega-poniente-2026",
    standard="night-sweep",
    terms_version=1,
    subject="VP-03",
    zone="VP-03",
    day="2026-09-11",
    window_start_us=_START_US,
    window_end_us=_START_US + 7 * 3_600 * _US,
    verdict=Verdict.INCONCLUSIVE,
    proven=642_000,
    borne=657_223,
    possible=1_000_000,
    target=900_000,
    received=743,
    expected=1_008,
    digests={"readings": "ab" * 32},
    trace={
        "segments": [
            ["S-0302", 144_000, 144_000, 144_000, 144_000],
            ["S-0304", 106_000, 37_200, 60_000, 106_000],
            ["S-0311", 128_000, 0, 0, 128_000],
            ["S-0306", 127_000, 0, 0, 127_000],
        ],
        "passes": [
            ["S-0304", "BA-03", _START_US, _START_US + 26 * _US, 37_200],
            ["S-0302", "BA-03", _START_US - 600 * _US, _START_US - 500 * _US, 144_000],
        ],
        "gaps": [
            {"vehicle": "BA-03", "from_us": _START_US, "until_us": _START_US + 5 * _US, "cause": "operator_off"},
            *({"from_us": us, "until_us": us + 1, "cause": "network"} for us in range(20)),
        ],
    },
    op=Op.AT_LEAST,
    unit=Unit.PPM,
)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_files(contract_files())


def _explanation(one: Evidence) -> Explanation:
    says = {"code": "base", "base": "monthly-fee", "clause": "7.1"}
    line: dict[str, Any] = {
        "id": "2026-09/night-sweep/VP-03/2026-09-11",
        "amount": "-37705",
        "says": says,
        "determinations": [],
        "trace": [{"step": "tariff", "in": "0", "out": "37705.47", "parameter": {"value": "110000", "unit": "CLP"}}],
    }
    return Explanation(line, "CLP", is_issued=True, evidence=[one])


def _said(kind: Kind, clock: Clock, **values: int | str | None) -> Said:
    every = {one.name: values.get(one.name) for one in (*kind.quantities, *kind.words)}
    return Said(_START, 9_408, clock, every, "a1b93a87-0000", _START + timedelta(seconds=2))


def test_segments_when_some_were_not_swept(loaded: Loaded) -> None:
    found = segments_of(_NIGHT, loaded.terms, passes_of([_NIGHT]))
    assert [("S-0311", 0), ("S-0306", 0), ("S-0304", 1), ("S-0302", 1)] == [
        (one.segment, one.passes) for one in found
    ]
    assert all(one.street for one in found)


def test_passes_when_read_from_several_nights() -> None:
    later = replace(_NIGHT, trace={"passes": [["S-0311", "BA-01", _START_US + 9, _START_US + 10, 0]]})
    other = replace(_NIGHT, trace={})
    found = passes_of([later, other, _NIGHT])
    assert ["S-0302", "S-0304", "S-0311"] == [one.segment for one in found]
    assert Pass("S-0311", "BA-01", _START_US + 9, _START_US + 10, 0) == found[-1]


def test_explanation_when_a_zone_was_not_swept(loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    segments = segments_of(_NIGHT, loaded.terms, passes_of([_NIGHT]))
    evidence.explanation(_explanation(Evidence(_NIGHT, loaded, segments)), "en", with_readings=True)
    said = capsys.readouterr().out
    assert "Proven minimum 64.2% · Possible maximum 100.0% · With the contractor's gaps 65.8% · Least due 90%" in said
    assert (
        "Gap in the data BA-03: 11 Sep 2026 23:27:31 → 11 Sep 2026 23:27:36, switched off by the contractor" in said
    )
    assert "Gap in the data: … +9" in said
    rows = [line.split()[0] for line in said.splitlines() if line.startswith("  S-")]
    assert ["S-0311", "S-0306", "S-0304", "S-0302"] == rows
    asked = "poniente explain vega-poniente-2026 2026-09/night-sweep/VP-03/2026-09-11 --segment S-0304"
    assert asked in said


def test_explanation_when_a_street_is_asked_for(loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    kind = kinds()["position_fix"]
    fix = _said(kind, Clock.AGREES, latitude_e7=-334_268_937, longitude_e7=-706_533_323, speed_mmps=2_060, inputs=1)
    heard = Heard(kind, "sim", "gps-3", "BA-03", [fix])
    passes = [one for one in passes_of([_NIGHT]) if one.segment == "S-0304"]
    shown = Evidence(_NIGHT, loaded, passes=passes, asked="S-0304", heard=[heard])
    evidence.explanation(_explanation(shown), "es", with_readings=True)
    said = capsys.readouterr().out
    assert "S-0304          BA-03     11-09-2026 23:27:31  11-09-2026 23:27:57            37 m" in said
    assert "sim/gps-3 (BA-03), posición GPS: 1" in said
    # Columns as the kind declares them, those only that were said; in the unit of the message.
    (head,) = (line.split() for line in said.splitlines() if "sequence" in line)
    assert ["Hora", "local", "sequence", "latitude", "longitude", "speed_mps", "inputs", "digest"] == head
    assert "2026-09-11 23:27:31 9408     -33.4268937 -70.6533323 2.06      1      a1b93a87" in said


def test_readings_when_a_clock_was_wrong(loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    kind = kinds()["case"]
    step = _said(kind, Clock.DISAGREES, case="R-1", step="opened", zone="", priority="")
    shown = Evidence(_NIGHT, loaded, heard=[Heard(kind, "sim", "desk", "OIRS", [step])])
    evidence.explanation(_explanation(shown), "pt", with_readings=True)
    said = capsys.readouterr().out
    (head,) = (line.split() for line in said.splitlines() if "sequence" in line)
    assert ["Hora", "local", "sequence", "case", "step", "clock", "digest"] == head
    assert "disagrees" in said

    evidence.explanation(_explanation(shown), "pt", with_readings=False)
    assert "sequence" not in capsys.readouterr().out


def test_explanation_when_nobody_was_there(loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Evidence(_NIGHT, loaded, asked="S-0311", segments=segments_of(_NIGHT, loaded.terms, []))
    evidence.explanation(_explanation(shown), "en", with_readings=True)
    assert "S-0311: Passes 0" in capsys.readouterr().out
