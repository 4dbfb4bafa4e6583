"""Due process out of a real database: what reaches the payment, what is refused, what two officers do at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors import RefusedError
from app.jobs import health, periods, process, registers, reliefs, statements
from app.jobs.contracts import add_folder
from app.text import sentence
from rules.process.records import Record
from rules.process.registers import Taken
from rules.process.reliefs import Claim, Ruling
from rules.records import Act
from storage import ledger, sequence
from storage import registers as stored
from storage.connection import Connection, connect
from storage.errors import AlreadyThereError
from storage.registers import Request
from tests.app.offices import CONTRACT, DIGEST, LINE, NO_KEY, NOTIFIED, NOW, OTHER, load, record, tell, us


def _charged(office: Connection) -> dict[str, str]:
    body = statements.draft(office, CONTRACT, "2026-10", NOW).statement.body
    return {line["id"]: line["amount"] for line in body["blocks"]["B"]["lines"]}


def test_fine_is_charged_when_the_process_lets_an_act_make_it_firm(office: Connection) -> None:
    tell(office, *NOTIFIED)
    assert {} == _charged(office)
    (case,) = tell(office, record("firm", "2026-10-26T12:00")).cases
    assert ("firm", "2026-10-26") == (case.state, case.act.date if case.act else "")
    assert {LINE: "-34000"} == _charged(office)
    assert [] == [one for one in health.findings(office) if one.what == "ledger_broken"]


def test_fine_is_annulled_when_its_defence_is_accepted(office: Connection) -> None:
    tell(office, *NOTIFIED, record("defence", "2026-10-20T12:00"))
    decided = record("decision", "2026-11-04T12:00", outcome="accepted", reason="calle cerrada")
    (case,) = tell(office, decided).cases
    assert "annulled" == case.state
    assert {LINE: "0"} == _charged(office)


REDUCED = (
    *NOTIFIED,
    record("defence", "2026-10-20T12:00"),
    record("decision", "2026-11-04T12:00", outcome="reduced", amount="20000", reason="x"),
    record("notification", "2026-11-04T13:00", of="decision"),
)


def test_reduced_fine_is_charged_with_what_the_decision_left(office: Connection) -> None:
    tell(office, *REDUCED)
    assert {} == _charged(office)
    act = Act(LINE, "firm", "DA-6", "2026-11-20", "Rojas", DIGEST)
    statements.record_act(office, CONTRACT, act, NOW, process.Signed("secretary"))
    statements.record_act(office, CONTRACT, act, NOW, process.Signed("secretary"))
    assert {LINE: "-20000"} == _charged(office)
    (line,) = statements.draft(office, CONTRACT, "2026-10", NOW).statement.body["blocks"]["B"]["lines"]
    step = line["trace"][-1]
    assert ("decision", "-34000", "-20000", "DA-6", "20000") == (
        step["step"], step["in"], step["out"], step["act"]["number"], step["act"]["amount"],
    )  # fmt: skip
    assert "Multa de $34.000, rebajada a $20.000, firme por acto administrativo DA-6" in sentence(line, "CLP", "es")


def test_reduction_is_no_act_alone_when_there_is_a_process(office: Connection) -> None:
    tell(office, *NOTIFIED)
    act = Act(LINE, "reduced", "DA-6", "2026-11-20", "Vera", DIGEST, "20000")
    with pytest.raises(RefusedError, match="poniente process decide"):
        statements.record_act(office, CONTRACT, act, NOW, process.Signed("mayor", "x"))
    for amount in ("34000", "0", "much"):
        with pytest.raises(RefusedError, match=r"not above nought|is no sum"):
            statements.record_act(office, CONTRACT, replace(act, amount=amount), NOW)


def test_act_annuls_as_the_process_allows(office: Connection) -> None:
    annulled = Act(LINE, "annulled", "DA-7", "2026-11-04", "Vera", DIGEST)
    then = datetime(2026, 11, 5, 12, tzinfo=UTC)
    mayor = process.Signed("mayor", "calle cerrada")
    with pytest.raises(RefusedError, match="cannot be done as the line stands"):
        statements.record_act(office, CONTRACT, annulled, then, mayor)
    tell(office, *NOTIFIED, record("defence", "2026-10-20T12:00"), now=then)
    for signed, why in (
        (process.Signed(), "lacks role"),
        (process.Signed("mayor"), "lacks reason"),
        (process.Signed("secretary", "x"), "may not do this"),
    ):
        with pytest.raises(RefusedError, match=why):
            statements.record_act(office, CONTRACT, annulled, then, signed)
    statements.record_act(office, CONTRACT, annulled, then, mayor)
    statements.record_act(office, CONTRACT, annulled, then, mayor)
    assert ("annulled", {LINE: "0"}) == (process.case(office, CONTRACT, LINE, NOW).state, _charged(office))


def test_act_that_annuls_notes_what_time_has_ended(office: Connection) -> None:
    """Sixty days after the fact nobody was notified: whoever attests notes that the line has expired."""
    noted = Act(LINE, "annulled", "DA-8", "2026-11-20", "Rojas", DIGEST)
    statements.record_act(office, CONTRACT, noted, NOW, process.Signed("secretary"))
    assert {LINE: "0"} == _charged(office)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (record("firm", "2026-10-21T12:00"), "comes before 2026-10-22 00:00"),
        (record("firm", "2026-12-11T12:00"), "still to come"),
        (record("decision", "2026-10-10T12:00", outcome="upheld", reason="x"), "comes before 2026-10-22 00:00"),
        (record("notice", "2026-10-06T12:00"), "cannot be done as the line stands"),
        (record("firm", "2026-10-26T12:00", role="mayor"), "which may not do this"),
        (record("firm", "2026-10-26T12:00", line="2026-09/x"), "is no line in procedure"),
        (record("firm", "2026-10-26T12:00", number=""), "lacks number"),
        (record("defence", "2026-10-10T12:00", document_sha256=""), "lacks document_sha256"),
    ],
)
def test_record_is_refused_and_nothing_stays_when_it_is_not_allowed(
    office: Connection, made: Record, told: str
) -> None:
    tell(office, *NOTIFIED)
    before = ledger.head(office, CONTRACT)
    with pytest.raises(RefusedError, match=told):
        tell(office, made)
    assert before == ledger.head(office, CONTRACT)


def test_alert_after_the_breach_warns_nobody(office: Connection) -> None:
    """Full from 09:00 with four hours allowed: until 11:00 the alert would have left two hours to act."""
    late = record("alert", "2026-09-14T14:01")
    with pytest.raises(RefusedError, match="no proof that the alert"):
        tell(office, late, *NOTIFIED[1:])
    tell(office, record("alert", "2026-09-14T14:00"), NOTIFIED[2])


def test_late_defence_is_kept_without_effect(office: Connection) -> None:
    done = tell(office, *NOTIFIED, record("defence", "2026-10-22T12:00"))
    assert ["too_late"] == [one.why.value for one in done.refused]
    assert {"defence"} == {
        row.body["kind"] for row in stored.read(office, CONTRACT, "process") if row.body["person"] == "Aseos"
    }
    assert "firm" == tell(office, record("firm", "2026-10-26T12:00")).cases[0].state


def test_nothing_follows_when_the_payment_was_told(office: Connection) -> None:
    tell(office, *NOTIFIED, record("firm", "2026-10-26T12:00"))
    with pytest.raises(RefusedError, match="nothing can follow"):
        tell(office, record("defence", "2026-10-20T12:00"))


def test_record_is_refused_when_it_would_undo_what_holds(office: Connection) -> None:
    tell(office, *NOTIFIED, record("defence", "2026-10-20T12:00"))
    with pytest.raises(RefusedError, match="would undo the notice"):
        tell(office, record("notice", "2026-10-04T11:00", number="0"))


def test_several_lines_are_recorded_together_or_not_at_all(office: Connection) -> None:
    warned = [record("alert", "2026-09-14T13:00"), record("alert", "2026-09-15T13:00", line=OTHER)]
    done = process.record(office, CONTRACT, warned, NO_KEY, NOW)
    assert [LINE, OTHER] == [one.standing.line for one in done.cases]
    head = ledger.head(office, CONTRACT)
    both = [record("notice", "2026-10-05T12:00"), record("notice", "2026-10-05T12:00", line=OTHER, number="")]
    with pytest.raises(RefusedError, match="lacks number"):
        process.record(office, CONTRACT, both, NO_KEY, NOW)
    assert head == ledger.head(office, CONTRACT)


def test_twenty_equal_requests_record_one_thing(office: Connection, embedded_database: str) -> None:
    tell(office, *NOTIFIED[:2])
    head = ledger.head(office, CONTRACT)
    together = threading.Barrier(20)
    request = Request("acuse-101", {"kind": "notification", "line": LINE})

    def ask(_: int) -> int:
        with closing(connect(embedded_database, "test")) as own:
            together.wait(timeout=60)
            return process.record(own, CONTRACT, [NOTIFIED[2]], request, NOW).seq

    with ThreadPoolExecutor(20) as pool:
        assert 1 == len(set(pool.map(ask, range(20))))
    assert head.entry + 1 == ledger.head(office, CONTRACT).entry
    other = Request("acuse-101", {"kind": "notification", "line": OTHER})
    with pytest.raises(AlreadyThereError, match="something else"):
        process.record(office, CONTRACT, [record("notification", "2026-10-06T12:00", line=OTHER)], other, NOW)


def test_act_alone_makes_nothing_firm_when_there_is_a_process(office: Connection) -> None:
    act = Act(LINE, "firm", "DA-6", "2026-10-26", "Rojas", DIGEST)
    with pytest.raises(RefusedError, match="cannot be done as the line stands"):
        statements.record_act(office, CONTRACT, act, NOW, process.Signed("secretary"))
    tell(office, *NOTIFIED)
    with pytest.raises(RefusedError, match="lacks role"):
        statements.record_act(office, CONTRACT, act, NOW)
    statements.record_act(office, CONTRACT, act, NOW, process.Signed("secretary"))
    statements.record_act(office, CONTRACT, act, NOW, process.Signed("secretary"))
    assert {LINE: "-34000"} == _charged(office)


def test_holiday_declared_late_counts_with_its_version_and_moves_no_length(
    office: Connection, contract_folder: Path
) -> None:
    tell(office, *NOTIFIED)

    def defence() -> tuple[str, int]:
        case = process.case(office, CONTRACT, LINE, NOW)
        (found,) = [one for one in case.standing.deadlines if one.clock == "defence"]
        return found.last_day, found.length

    assert ("2026-10-21", 10) == defence()
    terms, calendar = contract_folder / "contract.toml", contract_folder / "calendar.toml"
    text = terms.read_text().replace("version = 1 ", "version = 2 ")
    text = text.replace("from = 2026-09-01, until", "from = 2026-12-01, until")
    terms.write_text(text.replace("defence = { length = 10", "defence = { length = 3"))
    calendar.write_text(calendar.read_text().replace("2026-10-12,", "2026-10-12, 2026-10-19,"))
    add_folder(office, contract_folder, NOW)
    assert ("2026-10-22", 10) == defence()


def _claim(name: str = "R-1") -> Claim:
    span = (us("2026-10-13T03:00:00Z"), us("2026-10-16T03:00:00Z"))
    return Claim(name, "strike", *span, us("2026-10-17T12:00:00Z"), "Aseos", evidence=(DIGEST,))


def _ruling(name: str = "R-1", role: str = "mayor") -> Ruling:
    at_us = us("2026-10-20T12:00:00Z")
    return Ruling(name, True, at_us, "Vera", role, "DA-9", "2026-10-20", DIGEST, "acreditada")


def test_relief_is_known_to_the_payment_and_stops_clocks_when_granted(office: Connection) -> None:
    tell(office, *NOTIFIED)
    reliefs.record(office, CONTRACT, _claim(), NO_KEY, NOW)
    assert [] == reliefs.granted(office, CONTRACT)
    seq = reliefs.record(office, CONTRACT, _ruling(), NO_KEY, NOW)
    assert ["R-1"] == [one.id for one in reliefs.granted(office, CONTRACT)]
    assert [] == reliefs.granted(office, CONTRACT, seq - 1)
    assert ["granted"] == [one.state for one in reliefs.asked(office, CONTRACT)]
    limits = {one.clock.value: one for one in process.case(office, CONTRACT, LINE, NOW).standing.deadlines}
    assert "2026-10-26" == limits["defence"].last_day


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (_claim(), "claimed already"),
        (_ruling("R-7"), "never claimed"),
        (_ruling(role="finance"), "may not decide"),
    ],
)
def test_relief_is_refused_when_it_cannot_be(office: Connection, said: Claim | Ruling, told: str) -> None:
    reliefs.record(office, CONTRACT, _claim(), NO_KEY, NOW)
    with pytest.raises(RefusedError, match=told):
        reliefs.record(office, CONTRACT, said, NO_KEY, NOW)


def test_two_closers_make_one_close(office: Connection, embedded_database: str) -> None:
    together = threading.Barrier(2)

    def close(person: str) -> tuple[int, bool]:
        with closing(connect(embedded_database, "test")) as own:
            together.wait(timeout=60)
            said = Taken("2026-10", "close", us("2026-12-10T11:00:00Z"), person, "secretary")
            return periods.close(own, CONTRACT, said, NO_KEY, NOW)

    with ThreadPoolExecutor(2) as pool:
        numbers, is_new = zip(*pool.map(close, ("Rojas", "Paz")), strict=True)
    assert (1, 1) == (len(set(numbers)), sum(is_new))
    assert 1 == len(stored.read(office, CONTRACT, "period"))


def test_closed_month_knows_nothing_that_comes_later(office: Connection, contract_folder: Path) -> None:
    said = Taken("2026-10", "close", us("2026-12-10T11:00:00Z"), "Rojas", "secretary")
    through, _ = periods.close(office, CONTRACT, said, NO_KEY, NOW)
    load(office, contract_folder.parent, ["24e124713b000401,2026-09-14T12:10,0.05"])
    reason = {"reason": "llegaron datos"}
    again = Taken("2026-10", "reopen", us("2026-12-10T11:30:00Z"), "Rojas", "secretary", reason)
    with pytest.raises(RefusedError, match="lacking reason"):
        periods.reopen(office, CONTRACT, Taken("2026-10", "reopen", again.at_us, "Rojas", "secretary"), NO_KEY, NOW)
    issued = statements.issue(office, CONTRACT, "2026-10", NOW, is_hasty=True)
    assert through == issued.issue["known_through"]
    amounts = {line["id"]: line["amount"] for line in statements.body_of(issued)["blocks"]["C"]["lines"]}
    assert {LINE: "-34000", OTHER: "-34000"} == amounts
    with pytest.raises(RefusedError, match="never changes"):
        periods.reopen(office, CONTRACT, again, NO_KEY, NOW)


def test_month_opened_again_knows_what_came(office: Connection, contract_folder: Path) -> None:
    said = Taken("2026-10", "close", us("2026-12-10T11:00:00Z"), "Rojas", "secretary")
    periods.close(office, CONTRACT, said, NO_KEY, NOW)
    load(office, contract_folder.parent, ["24e124713b000401,2026-09-14T12:10,0.05"])
    reason = {"reason": "llegaron datos"}
    again = Taken("2026-10", "reopen", us("2026-12-10T11:30:00Z"), "Rojas", "secretary", reason)
    periods.reopen(office, CONTRACT, again, NO_KEY, NOW)
    issued = statements.issue(office, CONTRACT, "2026-10", datetime(2026, 11, 20, tzinfo=UTC), is_hasty=True)
    amounts = {line["id"]: line["amount"] for line in statements.body_of(issued)["blocks"]["C"]["lines"]}
    assert {LINE: "0", OTHER: "-34000"} == amounts


def test_draft_as_known_on_a_day_knows_no_act_of_later(office: Connection) -> None:
    tell(office, *NOTIFIED, now=datetime(2026, 10, 26, tzinfo=UTC))
    tell(office, record("firm", "2026-10-26T12:00"), now=NOW)
    before = statements.draft(office, CONTRACT, "2026-10", NOW, known_by=datetime(2026, 11, 30, tzinfo=UTC))
    after = statements.draft(office, CONTRACT, "2026-10", NOW, known_by=NOW)
    assert ["0", "-34000"] == [one.statement.body["totals"]["firm"] for one in (before, after)]
    assert sequence.last(office) == sequence.last_by(office, NOW)


def test_register_step_is_refused_when_it_is_still_to_come(office: Connection) -> None:
    says = {"amount": "5", "month": "2026-09", "document": DIGEST}
    step = Taken("F-1", "issue", us("2026-12-11T12:00:00Z"), "Aseos", "", says)
    with pytest.raises(RefusedError, match="which is to come"):
        registers.take(office, (CONTRACT, "invoice"), step, NO_KEY, NOW)
    assert [] == registers.entries(office, CONTRACT, "invoice", NOW)


def test_doctor_finds_it_when_the_ledgers_tail_is_cut_off(office: Connection) -> None:
    office.execute("set session_replication_role = replica")
    # The chain is whole up to its end.
    cut = "delete from ledger where entry >= (select min(entry) from ledger where kind = 'statement')"
    assert office.execute(cut).rowcount > 0
    ledger.check(office, CONTRACT)
    (found,) = [one for one in health.findings(office) if one.what == "ledger_broken"]
    assert "as the issue record of 2026-09 names it" in found.says
