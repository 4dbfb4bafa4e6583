"""A relief that an act granted reaches the money: its month, months issued before, the bundle, its verification."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.bundle import layout, manifest
from app.bundle.manifest import Bundle
from app.bundle.publishing import publish
from app.bundle.report import Check, Code, Difference, Result
from app.bundle.verifying import verify
from app.jobs import assess, bundling, explaining, periods, reliefs, statements
from app.text import sentence
from rules.process.registers import Taken
from rules.process.reliefs import Claim, Ruling
from storage import sequence
from storage.connection import Connection
from tests.app.bundles import KEY, chain_again, forged, ledger_of, rewrite, salt_of
from tests.app.offices import CONTRACT, DIGEST, LINE, NO_KEY, NOTIFIED, NOW, OTHER, record, tell, us
from tests.app.test_bundle import PUBLIC, is_named, results

# Before September is older than its sixty days, and closed for good.
TODAY = datetime(2026, 12, 1, 12, tzinfo=UTC)
GRANTED = datetime(2026, 10, 20, 12, tzinfo=UTC)
WHO = b"Aseos SpA"


def _grant(
    office: Connection, day: str, name: str = "R-1", *, is_granted: bool = True, now: datetime = GRANTED
) -> int:
    """Claim relief for a September day, and decide on it."""
    span = (us(f"2026-09-{day}T11:00:00Z"), us(f"2026-09-{day}T14:00:00Z"))
    asked_us, ruled_us = us("2026-10-06T12:00:00Z"), us("2026-10-20T12:00:00Z")
    claim = Claim(
        name, "market-closed", *span, asked_us, "Aseos SpA", evidence=(DIGEST,), subjects=("VP-0401",), reason="corte"
    )
    reliefs.record(office, CONTRACT, claim, NO_KEY, now)
    ruling = Ruling(name, is_granted, ruled_us, "Vera", "mayor", "DA-9", "2026-10-20", DIGEST, "acreditada")
    return reliefs.record(office, CONTRACT, ruling, NO_KEY, now)


def _lines(
    office: Connection, block: str, month: str = "2026-10", known_by: datetime | None = None
) -> dict[str, str]:
    body = statements.draft(office, CONTRACT, month, TODAY, known_by).statement.body
    return {line["id"]: line["amount"] for line in body["blocks"][block]["lines"]}


def test_fine_in_procedure_is_withdrawn_when_relief_is_granted(office: Connection) -> None:
    assert {LINE: "-34000", OTHER: "-34000"} == _lines(office, "C")
    _grant(office, "14")
    assert {LINE: "0", OTHER: "-34000"} == _lines(office, "C")
    body = statements.draft(office, CONTRACT, "2026-10", TODAY).statement.body
    (line,) = [one for one in body["blocks"]["C"]["lines"] if one["id"] == LINE]
    assert ("withdrawn", LINE) == (line["state"], line["says"]["restates"])
    (step,) = [one for one in line["trace"] if one["step"] == "relief"]
    assert ("R-1", "DA-9", "30.2") == (step["relief"], step["number"], step["clause"])
    told = sentence(line, "CLP", "es")
    assert "Causal de exención R-1 (market-closed, cláusula 30.2), acogida por el acto DA-9 del 20-10-2026." in told
    assert "Retirada" in told or "no se cobra" in told.lower()


def test_nothing_is_spared_when_relief_is_refused_or_only_claimed(office: Connection) -> None:
    _grant(office, "14", is_granted=False)
    assert {LINE: "-34000", OTHER: "-34000"} == _lines(office, "C")


def test_fine_that_was_charged_is_given_back_when_relief_is_granted_after(office: Connection) -> None:
    tell(office, *NOTIFIED, record("firm", "2026-10-26T12:00"))
    statements.issue(office, CONTRACT, "2026-10", datetime(2026, 11, 20, 12, tzinfo=UTC), is_hasty=True)
    _grant(office, "14", now=datetime(2026, 11, 25, 12, tzinfo=UTC))
    assess.run(office, CONTRACT, (date(2026, 11, 1), date(2026, 12, 1)), NOW)
    body = statements.draft(office, CONTRACT, "2026-11", TODAY).statement.body
    (line,) = body["blocks"]["B"]["lines"]
    assert (f"2026-11/restatement/{LINE}", "34000", "restatement") == (line["id"], line["amount"], line["kind"])
    assert "R-1" in sentence(line, "CLP", "en")


def test_relief_is_not_known_before_it_was_granted(office: Connection) -> None:
    _grant(office, "14", now=datetime(2026, 11, 25, 12, tzinfo=UTC))
    assert "-34000" == _lines(office, "C", known_by=datetime(2026, 11, 24, 12, tzinfo=UTC))[LINE]
    assert "0" == _lines(office, "C", known_by=datetime(2026, 11, 26, 12, tzinfo=UTC))[LINE]


def test_closed_month_knows_of_no_relief_that_was_granted_after(office: Connection) -> None:
    said = Taken("2026-10", "close", us("2026-10-19T12:00:00Z"), "Rojas", "secretary")
    through, _ = periods.close(office, CONTRACT, said, NO_KEY, GRANTED)
    assert _grant(office, "14") > through
    issued = statements.issue(office, CONTRACT, "2026-10", datetime(2026, 11, 20, 12, tzinfo=UTC), is_hasty=True)
    lines = json.loads(issued.body)["blocks"]["C"]["lines"]
    assert {LINE: "-34000", OTHER: "-34000"} == {line["id"]: line["amount"] for line in lines}
    assert through < sequence.last(office)


def test_explanation_of_a_withdrawn_line_names_the_relief(office: Connection) -> None:
    _grant(office, "14")
    statements.issue(office, CONTRACT, "2026-10", datetime(2026, 11, 20, 12, tzinfo=UTC), is_hasty=True)
    body = statements.body_of(statements.issued(office, CONTRACT, "2026-10"))
    assert [LINE] == [one["id"] for one in body["blocks"]["C"]["lines"] if one["state"] == "withdrawn"]
    why = explaining.explain(office, CONTRACT, LINE, NOW)
    # As the last statement says it: October, which takes it back.
    assert ("withdrawn", "0") == (why.line["state"], why.line["amount"])
    assert "R-1" in [step.get("relief") for step in why.line["trace"]]


def test_month_itself_states_what_is_relieved(office: Connection) -> None:
    _grant(office, "14")
    body = statements.draft(office, CONTRACT, "2026-09", NOW).statement.body
    lines = {line["id"]: (line["amount"], line["state"]) for line in body["blocks"]["C"]["lines"]}
    assert {LINE: ("0", "relieved"), OTHER: ("-34000", "charged")} == lines


@pytest.fixture
def bundle(office: Connection) -> Bundle:
    """October's bundle: one fine reduced, one relieved by a relief that was granted, another relief claimed."""
    steps = (
        record("alert", "2026-09-15T13:00", line=OTHER),
        record("notice", "2026-10-05T12:00", line=OTHER),
        record("notification", "2026-10-05T13:00", line=OTHER, channel="platform"),
        record("defence", "2026-10-20T12:00", line=OTHER),
        record("decision", "2026-11-04T12:00", line=OTHER, outcome="reduced", amount="20000", reason="x"),
        record("notification", "2026-11-04T13:00", line=OTHER, of="decision"),
        record("firm", "2026-11-19T12:00", line=OTHER),
    )
    tell(office, *steps, now=datetime(2026, 11, 19, 18, tzinfo=UTC))
    _grant(office, "14")
    claim = Claim("R-2", "strike", us("2026-09-15T00:00:00Z"), us("2026-09-16T00:00:00Z"), 1, "Aseos SpA")
    reliefs.record(office, CONTRACT, claim, NO_KEY, GRANTED)
    statements.issue(office, CONTRACT, "2026-10", datetime(2026, 11, 20, 12, tzinfo=UTC), is_hasty=True)
    # What is granted since is no part of it.
    _grant(office, "15", "R-3", now=datetime(2026, 11, 25, 12, tzinfo=UTC))
    return manifest.build((CONTRACT, "2026-10"), bundling.files(office, CONTRACT, "2026-10"), KEY, salt_of)


def test_bundle_holds_the_reliefs_and_verifies(bundle: Bundle) -> None:
    report = verify(bundle.packed(), PUBLIC)
    assert report.holds, report.differences
    assert (Check.RELIEFS, 3) in {(one.check, one.count) for one in report.checks}
    records = json.loads(bundle.files[layout.RELIEFS])["records"]
    assert ["R-1", "R-1", "R-2"] == [one["subject"] for one in records]


def test_public_bundle_tells_reliefs_without_who_asked(bundle: Bundle) -> None:
    told = publish(bundle, KEY, salt_of)
    assert WHO in bundle.files[layout.RELIEFS]
    assert WHO not in told.files[layout.RELIEFS]
    assert [] == json.loads(told.files[layout.RELIEFS])["records"][0]["body"]["evidence"]
    report = verify(told.packed(), PUBLIC)
    assert report.holds, report.differences
    assert Result.PARTLY == results(report)[Check.RELIEFS]


def test_reduced_fine_is_charged_and_a_forged_reduction_named(bundle: Bundle) -> None:
    (line,) = json.loads(bundle.files[layout.STATEMENT])["blocks"]["B"]["lines"]
    assert (OTHER, "-20000", "reduced") == (line["id"], line["amount"], line["state"])

    def lower(said: dict[str, Any]) -> None:
        said["acts"][0]["amount"] = "10000"

    report = verify(forged(bundle, lambda files: rewrite(files, layout.ACTS, lower)).packed())
    assert is_named(report, Difference(Code.DIFFERS, layout.ACTS, OTHER, "amount", "10000", "20000"))
    assert is_named(report, Difference(Code.DIFFERS, layout.STATEMENT, OTHER, "amount", "-20000", "-10000"))


def _of(records: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one["body"] for one in records if one["subject"] == name]


def test_forged_relief_is_named(bundle: Bundle) -> None:
    def widen(said: dict[str, Any]) -> None:
        _of(said["records"], "R-1")[0]["until_us"] += 86_400_000_000

    report = verify(forged(bundle, lambda files: rewrite(files, layout.RELIEFS, widen)).packed())
    assert Result.FAILS == results(report)[Check.RELIEFS] == results(report)[Check.STATEMENT]
    assert is_named(report, Difference(Code.DIFFERS, layout.RELIEFS, "R-1", "rows_sha256"))


def test_relief_is_named_when_left_out_or_put_in(bundle: Bundle) -> None:
    def drop(said: dict[str, Any]) -> None:
        said["records"] = [one for one in said["records"] if one["subject"] != "R-1"]

    def add(said: dict[str, Any]) -> None:
        said["records"] += [{**one, "seq": 9_999, "subject": "R-9"} for one in said["records"][:1]]

    for change, found in (
        (drop, Difference(Code.ABSENT, layout.RELIEFS, "R-1")),
        (add, Difference(Code.SURPLUS, layout.RELIEFS, "R-9")),
    ):
        report = verify(forged(bundle, lambda files, change=change: rewrite(files, layout.RELIEFS, change)).packed())
        assert is_named(report, found)


def test_bundle_holds_what_was_done_on_lines_and_a_forged_step_is_named(bundle: Bundle) -> None:
    report = verify(bundle.packed(), PUBLIC)
    told = {one["subject"] for one in json.loads(bundle.files[layout.PROCESS])["records"]}
    assert {OTHER} == told
    assert Result.HOLDS == results(report)[Check.PROCESS]

    def earlier(said: dict[str, Any]) -> None:
        _of(said["records"], OTHER)[0]["at_us"] -= 1

    def drop(said: dict[str, Any]) -> None:
        said["records"] = [one for one in said["records"] if one["subject"] != OTHER]

    for change in (earlier, drop):
        report = verify(forged(bundle, lambda files, change=change: rewrite(files, layout.PROCESS, change)).packed())
        assert Result.FAILS == results(report)[Check.PROCESS]
        assert {layout.PROCESS} == {one.file for one in report.differences}
    # A defence is the contractor's, in its own words: nobody else's to read.
    public = publish(bundle, KEY, salt_of)
    assert layout.PROCESS not in public.files
    assert Result.NOT_DONE == results(verify(public.packed(), PUBLIC))[Check.PROCESS]


def test_statement_without_its_relief_is_named_though_the_ledger_is_forged_too(bundle: Bundle) -> None:
    def forge(files: dict[str, bytes]) -> None:
        rewrite(files, layout.RELIEFS, lambda said: said.update(records=[]))
        chain_again(files, [one for one in ledger_of(files) if one[1].get("register") != "relief"])

    report = verify(forged(bundle, forge).packed())
    assert Result.HOLDS == results(report)[Check.RELIEFS]
    assert is_named(report, Difference(Code.DIFFERS, layout.STATEMENT, LINE, "amount", "0", "-34000"))
