"""How due process and registers look in a terminal, and how local times are typed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app import text
from app.cli.output import Format, console, print_rows
from app.errors import UsageError
from app.jobs.contracts import load_stored, newest_day
from app.jobs.process import Case, Forgiven, Recorded, told
from app.jobs.reliefs import Asked
from app.text import Language
from rules.calendar import Zone
from rules.contract import Terms
from rules.payments.money import written
from rules.process.clocks import Deadline
from rules.process.registers import Entry
from rules.process.terms import ClockName
from rules.records import utc
from storage.connection import Connection
from storage.instants import microseconds

_COLUMNS = ("line", "state", "amount", "next", "by", "from", "until")
_ENTRY_COLUMNS = ("subject", "state", "says", "left", "set_off", "answer_by", "pay_by", "interest")
_FORGIVEN_COLUMNS = ("month", "person", "role", "lines", "amount")
_CLAIM_COLUMNS = ("id", "code", "state", "from", "until", "scope", "number", "person")


def instant_us(connection: Connection, contract: str, said: str) -> int:
    """Read a local date or a local time of the contract; now where nothing is said.

    Raises
    ------
    UsageError
        When it is neither.
    """
    if not said:
        return microseconds(datetime.now(UTC))
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise UsageError(f"{said!r} is no local date or time; write it as 2026-10-05 or 2026-10-05T12:00") from error
    if moment.tzinfo is not None:
        return microseconds(moment)
    zone = load_stored(connection, contract, newest_day(connection, contract)).terms.zone
    return zone.instant(moment.date(), moment.time())


def cases(found: Iterable[Case], form: Format, lang: Language) -> None:
    """Show where lines stand: one row for each thing that may come next."""
    rows = [row for one in found for row in (_row(one, place, form, lang) for place in range(_rows_of(one)))]
    headings = {key: text.heading(key, lang) for key in _COLUMNS}
    print_rows(headings, rows, form, right=("amount",))


def _rows_of(one: Case) -> int:
    return max(len(one.standing.following), 1)


def _row(one: Case, place: int, form: Format, lang: Language) -> dict[str, str]:
    standing, zone = one.standing, one.days.zone
    is_open = bool(standing.following) and one.act is None and one.state != "withdrawn"
    following = standing.following[place] if is_open else None
    spans = (following.since_us, following.until_us) if following else (None, None)
    if form != Format.TABLE:
        return {
            "line": standing.line,
            "state": one.state,
            "amount": standing.amount,
            "next": following.kind.value if following else "",
            "by": (following.by.value if following.by else "contractor") if following else "",
            "from": "" if spans[0] is None else utc(spans[0]),
            "until": "" if spans[1] is None else utc(spans[1]),
        }
    return {
        "line": standing.line if place == 0 else "",
        "state": text.procedure_state(one.state, _cause(one), lang) if place == 0 else "",
        "amount": text.amount(standing.amount, one.currency, lang) if place == 0 else "",
        "next": text.record_name(following.kind, lang) if following else "",
        "by": text.permission_name(following.by, lang) if following else "",
        "from": "" if spans[0] is None else text.local_text(zone, spans[0], lang),
        "until": "" if spans[1] is None else text.local_text(zone, spans[1], lang),
    }


def _cause(one: Case) -> Any:  # noqa: ANN401  # a cause where the state is that of the fold
    return one.standing.cause if one.state == one.standing.state else None


def case(one: Case, lang: Language) -> None:
    """Show one line: its state, its time limits with how they were computed, its records, what may come next."""
    standing, zone, out = one.standing, one.days.zone, console()
    state = text.procedure_state(one.state, _cause(one), lang)
    asked = text.amount(standing.amount, one.currency, lang)
    out.print(f"{standing.line}  {state}  {asked}", soft_wrap=True)
    for limit in standing.deadlines:
        out.print(f"  {text.deadline_text(limit, zone, lang)}", soft_wrap=True)
    refused = {refusal.record: text.refusal_text(refusal, zone, lang) for refusal in standing.refused}
    records = sorted([*standing.held, *refused], key=lambda record: record.at_us)
    columns = ("at", "record", "person", "number", "effect")
    rows = [
        {
            "at": text.local_text(zone, record.at_us, lang),
            "record": text.record_name(record.kind, lang),
            "person": record.person,
            "number": record.number,
            "effect": refused.get(record, ""),
        }
        for record in records
    ]
    print_rows({key: text.heading(key, lang) for key in columns}, rows, Format.TABLE)
    cases([one], Format.TABLE, lang)


def recorded(done: Recorded) -> Iterator[str]:
    """Say what recording did: the state of each line, and what has no effect."""
    refused = {one.record.line: one for one in done.refused}
    for one in done.cases:
        yield f"{one.standing.line} is {one.state}"
        if one.standing.line in refused:
            yield f"kept, without effect: {told(refused[one.standing.line], one.days.zone)}"
        if one.standing.effect is not None and one.standing.effect.effect == "reduced":
            yield f"{one.standing.effect.amount} is firm; the next statement charges it"


def expired(ended: Mapping[str, Mapping[str, Any]], currency: str, lang: Language) -> None:
    """Say how many lines time alone has ended."""
    console().print(text.expired_text(ended, currency, lang), soft_wrap=True)


def forgiven(found: Iterable[Forgiven], form: Format, lang: Language) -> None:
    """Show what was forgiven, by month and by who signed it."""
    rows = [asdict(one) for one in found]
    print_rows({key: text.heading(key, lang) for key in _FORGIVEN_COLUMNS}, rows, form, right=("lines", "amount"))


def entries(found: Sequence[Entry], terms: Terms, form: Format, lang: Language) -> None:
    """Show the subjects of a register; columns that none of them fills are left out of a table."""
    rows = [_entry_row(one, terms, form, lang) for one in found]
    columns = [key for key in _ENTRY_COLUMNS if form != Format.TABLE or any(row[key] for row in rows)]
    print_rows({key: text.heading(key, lang) for key in columns}, rows, form, right=("left", "interest"))


def _entry_row(one: Entry, terms: Terms, form: Format, lang: Language) -> dict[str, Any]:
    zone, owed = terms.zone, "" if one.interest is None else written(one.interest)
    limits = {limit.clock: limit for limit in one.deadlines}
    is_invoice = bool(one.deadlines) or one.blocks_set_off
    row = {
        "subject": one.subject,
        "left": "" if one.left is None else written(one.left),
        "answer_by": _end(limits.get(ClockName.INVOICE_ANSWER), zone, form, lang),
        "pay_by": _end(limits.get(ClockName.INVOICE_PAYMENT), zone, form, lang),
    }
    if form != Format.TABLE:
        set_off = ("blocked" if one.blocks_set_off else "possible") if is_invoice else ""
        return {**row, "state": one.state, "says": dict(one.says), "set_off": set_off, "interest": owed}
    to = one.says.get("to", "")
    set_off = text.set_off_text(lang, is_blocked=one.blocks_set_off, to=to) if is_invoice else ""
    return {
        **row,
        "state": text.step_name(one.state, lang),
        "says": text.says_text(one.says, lang),
        "set_off": set_off,
        "interest": text.amount(owed, terms.file.money.currency, lang) if owed else "",
    }


def _end(limit: Deadline | None, zone: Zone, form: Format, lang: Language) -> str:
    if limit is None:
        return ""
    return text.local_text(zone, limit.until_us, lang) if form == Format.TABLE else utc(limit.until_us)


def claims(found: Sequence[Asked], zone: Zone, form: Format, lang: Language) -> None:
    """Show claims of relief and what was decided on them."""
    is_table = form == Format.TABLE
    rows = [
        {
            "id": one.claim.id,
            "code": one.claim.code,
            "state": text.step_name(one.state, lang) if is_table else one.state,
            "from": text.local_text(zone, one.claim.since_us, lang) if is_table else utc(one.claim.since_us),
            "until": text.local_text(zone, one.claim.until_us, lang) if is_table else utc(one.claim.until_us),
            "scope": " ".join((*one.claim.standards, *one.claim.zones, *one.claim.subjects)),
            "number": one.ruling.number if one.ruling else "",
            "person": one.ruling.person if one.ruling else one.claim.person,
        }
        for one in found
    ]
    print_rows({key: text.heading(key, lang) for key in _CLAIM_COLUMNS}, rows, form)
