"""Terms of due process for the tests, and short ways to write the records of a line."""

import copy
from datetime import date, datetime
from typing import Any

from rules.process.clocks import Days, Pause, days_of
from rules.process.fold import stand
from rules.process.records import Record, RecordKind
from rules.process.standing import Matter, Standing
from rules.process.terms import Process
from tests.rules.contracts import SANTIAGO, changed, zone_of

LINE = "2026-09/container-full/VP-0401/2026-09-14"
DIGEST = "0" * 64
ZONE = zone_of(SANTIAGO)
# The national holidays of Chile from September to January, as the tests count by them.
HOLIDAYS = {
    "chile": frozenset(
        {
            date(2026, 9, 18),
            date(2026, 9, 19),
            date(2026, 10, 12),
            date(2026, 10, 31),
            date(2026, 11, 1),
            date(2026, 12, 8),
            date(2026, 12, 25),
            date(2027, 1, 1),
        }
    )
}
TABLE: dict[str, Any] = {
    "clause": "28",
    "day_kind": [
        {
            "id": "administrative",
            "weekdays": ["mon", "tue", "wed", "thu", "fri"],
            "holidays": "chile",
            "clause": "2.4",
        },
        {"id": "running", "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "clause": "2.5"},
    ],
    "channel": [
        {"id": "platform", "deemed": {"after": "PT24H"}, "clause": "28.2"},
        {
            "id": "registered-letter",
            "deemed": {"length": 3, "day_kind": "administrative"},
            "clause": "28.2",
        },
    ],
    "clocks": {
        "raise_by": {"length": 60, "day_kind": "running", "runs_from": "fact", "clause": "28.1"},
        "defence": {
            "length": 10,
            "day_kind": "administrative",
            "runs_from": "notice_deemed",
            "pauses": ["strike"],
            "clause": "28.3",
        },
        "decision": {"length": 15, "day_kind": "administrative", "runs_from": "defence_filed", "clause": "28.4"},
        "appeal": {"length": 5, "day_kind": "administrative", "runs_from": "decision_deemed", "clause": "28.5"},
        "appeal_decision": {
            "length": 15,
            "day_kind": "administrative",
            "runs_from": "appeal_filed",
            "clause": "28.5",
        },
        "charge_by": {"length": 90, "day_kind": "running", "runs_from": "firm", "clause": "28.7"},
        "invoice_answer": {"length": 8, "day_kind": "running", "runs_from": "invoice_received", "clause": "31.2"},
        "invoice_payment": {"length": 30, "day_kind": "running", "runs_from": "invoice_received", "clause": "31.3"},
    },
    "contractor_silence": {"outcome": "firm_by_act", "clause": "28.3"},
    "city_silence": {"outcome": "annulled", "clause": "28.4"},
    "role": [
        {"id": "inspector", "permissions": ["observe", "propose"]},
        {"id": "legal", "permissions": ["hear"]},
        {"id": "mayor", "permissions": ["decide"]},
        {"id": "secretary", "permissions": ["attest", "publish"]},
        {"id": "finance", "permissions": ["approve_payment"]},
        {
            "id": "all",
            "permissions": ["observe", "propose", "hear", "decide", "attest", "approve_payment", "publish"],
        },
    ],
    "incompatible": [
        {"acts": ["propose", "decide"], "clause": "27"},
        {"acts": ["hear", "decide"], "clause": "27"},
    ],
    "checklist": [{"id": "labour-certificate", "clause": "31.1"}],
}


def process_of(*changes: tuple[str, Any]) -> Process:
    """Load the terms of the tests, some keys changed by their path (`city_silence.outcome`)."""
    table = copy.deepcopy(TABLE)
    for path, value in changes:
        table = changed(table, path, value)
    return Process.model_validate(table)


def days_for(process: Process, holidays: dict[str, frozenset[date]] | None = None) -> Days:
    """Which days count under the terms of the tests."""
    return days_of(ZONE, process.day_kind, HOLIDAYS if holidays is None else holidays)


def at(local: str) -> int:
    """Instant of a local time in Santiago, written `2026-10-05` or `2026-10-05T16:30`."""
    said = datetime.fromisoformat(local)
    return ZONE.instant(said.date(), said.time())


def record(kind: str, when: str, **fields: str) -> Record:
    """Write a record that lacks nothing, by the person and role that it takes."""
    who = {
        "alert": ("Soto", "inspector"),
        "notice": ("Soto", "inspector"),
        "notification": ("Soto", "inspector"),
        "defence": ("Aseos", ""),
        "appeal": ("Aseos", ""),
        "hearing": ("Lagos", "legal"),
        "decision": ("Vera", "mayor"),
        "appeal_decision": ("Vera", "mayor"),
        "firm": ("Rojas", "secretary"),
        "forgiving": ("Vera", "mayor"),
        "expiry": ("Rojas", "secretary"),
    }[kind]
    said: dict[str, Any] = {
        "line": LINE,
        "person": who[0],
        "role": who[1],
        "number": f"{kind}-1",
        "document_sha256": DIGEST,
    }
    if kind in {"notification", "alert"}:
        said |= {"channel": "platform", "proof_sha256": DIGEST, "number": "", "document_sha256": ""}
        said |= {"of": "notice"} if kind == "notification" else {}
    if kind in {"decision", "appeal_decision", "forgiving"}:
        said |= {"reason": "visto", "outcome": "upheld"}
    return Record(kind=RecordKind(kind), at_us=at(when), **{**said, **fields})


def matter(*pauses: Pause, fact: str = "2026-09-15", amount: str = "34000", is_charged: bool = False) -> Matter:
    """A fine of $34,000 for a fact that was complete on 15 September, which a clause lets the mayor forgive."""
    return Matter(LINE, at(fact), amount, pauses, is_charged, forgiven_by="mayor")


def standing(
    records: list[Record], when: str, process: Process | None = None, what: Matter | None = None
) -> Standing:
    """Where the line stands at a local time."""
    terms = process or process_of()
    return stand(what or matter(), terms, days_for(terms), records, at(when))


# From the notice to the firm fine, every step taken: Wednesday 7 October to Thursday 17 December.
NOTICE = record("notice", "2026-10-05")
SENT = record("notification", "2026-10-05T12:00")
DEFENCE = record("defence", "2026-10-20T15:00")
DECISION = record("decision", "2026-11-04")
DECISION_SENT = record("notification", "2026-11-04T10:00", of="decision")
APPEAL = record("appeal", "2026-11-11T09:00")
APPEAL_DECISION = record("appeal_decision", "2026-12-01")
APPEAL_SENT = record("notification", "2026-12-01T10:00", of="appeal_decision")
FIRM = record("firm", "2026-12-03")
ALL = [NOTICE, SENT, DEFENCE, DECISION, DECISION_SENT, APPEAL, APPEAL_DECISION, APPEAL_SENT, FIRM]
