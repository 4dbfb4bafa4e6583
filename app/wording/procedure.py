"""Due process in words: states, time limits and how they were computed, what may come next, what has no effect.

What the contractor files and what an officer signs keep the names that the law gives them in each place.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from app.wording.catalogue import Language, counted, marked, told
from app.wording.figures import amount, count, day, instant
from rules.calendar import Zone
from rules.process.clocks import Deadline
from rules.process.records import Record, RecordKind, is_digest
from rules.process.standing import Cause, Refusal, Refused, State
from rules.process.terms import ClockName, Permission

_STATES = {
    State.DRAFT.value: marked("draft"),
    State.NOTIFIED.value: marked("notified"),
    State.DEFENDED.value: marked("defence filed"),
    State.DECIDED.value: marked("decided by an act"),
    State.APPEALED.value: marked("appealed"),
    State.FIRM.value: marked("firm"),
    State.ANNULLED.value: marked("annulled"),
    State.EXPIRED.value: marked("expired"),
    State.FORGIVEN.value: marked("not applied, with reasons"),
    "withdrawn": marked("withdrawn"),
}
_CAUSES = {
    Cause.RAISE_BY.value: marked("no notice in time"),
    Cause.CHARGE_BY.value: marked("not charged in time"),
    Cause.CITY_SILENCE.value: marked("the city did not decide in time"),
}
_CLOCKS = {
    ClockName.RAISE_BY: marked("Time limit to notify"),
    ClockName.DEFENCE: marked("Time limit for the defence"),
    ClockName.DECISION: marked("Time limit to decide"),
    ClockName.APPEAL: marked("Time limit to appeal"),
    ClockName.APPEAL_DECISION: marked("Time limit to decide the appeal"),
    ClockName.CHARGE_BY: marked("Time limit to charge"),
    ClockName.INVOICE_ANSWER: marked("Time limit to accept or reject the invoice"),
    ClockName.INVOICE_PAYMENT: marked("Time limit to pay the invoice"),
}
_RECORDS = {
    RecordKind.ALERT: marked("alert"),
    RecordKind.NOTICE: marked("act that proposes the line"),
    RecordKind.NOTIFICATION: marked("notification"),
    RecordKind.DEFENCE: marked("defence"),
    RecordKind.HEARING: marked("report on the defence"),
    RecordKind.DECISION: marked("decision"),
    RecordKind.APPEAL: marked("appeal"),
    RecordKind.APPEAL_DECISION: marked("decision on the appeal"),
    RecordKind.FIRM: marked("act that makes the line firm"),
    RecordKind.FORGIVING: marked("reasoned act not to apply it"),
    RecordKind.EXPIRY: marked("act that notes what time has ended"),
}
_OUTCOMES = {
    "upheld": marked("upheld"),
    "accepted": marked("defence or appeal accepted"),
    "reduced": marked("reduced to {amount}"),
}
_PERMISSIONS = {
    Permission.OBSERVE.value: marked("who observes"),
    Permission.PROPOSE.value: marked("who proposes"),
    Permission.HEAR.value: marked("who hears"),
    Permission.DECIDE.value: marked("who decides"),
    Permission.ATTEST.value: marked("who attests"),
    Permission.APPROVE_PAYMENT.value: marked("who approves payment"),
    Permission.PUBLISH.value: marked("who publishes"),
}
_REFUSALS = {
    Refusal.LACKING: marked("incomplete"),
    Refusal.ROLE_UNKNOWN: marked("signed in a role that the terms do not have"),
    Refusal.ROLE_LACKS_PERMISSION: marked("signed in a role that may not do this"),
    Refusal.INCOMPATIBLE_ACT: marked("signed by somebody who did an incompatible act on the line"),
    Refusal.NOT_NOW: marked("cannot be done as the line stands"),
    Refusal.TOO_EARLY: marked("before {limit}"),
    Refusal.TOO_LATE: marked("after the time limit, {limit}"),
    Refusal.CHANNEL_UNKNOWN: marked("by a channel that the terms do not have"),
    Refusal.NO_ALERT: marked("without proof that the alert came in time to act"),
    Refusal.NO_CLAUSE: marked("without a clause that allows it"),
    Refusal.AMOUNT: marked("to an amount that is no reduction"),
}
_HEADINGS = {
    "line": marked("line"),
    "state": marked("state"),
    "amount": marked("amount"),
    "next": marked("what may come next"),
    "by": marked("by whom"),
    "from": marked("from"),
    "until": marked("until"),
    "at": marked("local time"),
    "record": marked("record"),
    "person": marked("signed or filed by"),
    "role": marked("office"),
    "month": marked("month"),
    "lines": marked("lines"),
    "number": marked("number of the act"),
    "effect": marked("effect"),
    "id": marked("number"),
    "code": marked("code"),
    "scope": marked("scope"),
    "subject": marked("subject"),
    "left": marked("amount left"),
    "set_off": marked("set-off"),
    "answer_by": marked("accept or reject by"),
    "pay_by": marked("pay by"),
    "interest": marked("interest owed"),
    "says": marked("says"),
    "document": marked("document"),
    "proof": marked("proof"),
}
# What a step of a register says.
_FIELDS = {
    "amount": marked("amount"),
    "month": marked("month"),
    "document": marked("document"),
    "reason": marked("reason"),
    "to": marked("to"),
    "kind": marked("kind"),
    "issuer": marked("issuer"),
    "currency": marked("currency"),
    "expires": marked("expires"),
    "custodian": marked("custodian"),
    "number": marked("number"),
    "valid_until": marked("valid until"),
}
# What became of a claim of relief, of an invoice, a guarantee, a paper of the checklist: by its last step.
_STEPS = {
    "claimed": marked("claimed"),
    "granted": marked("granted"),
    "refused": marked("refused"),
    "issue": marked("issued"),
    "receive": marked("received"),
    "reject": marked("rejected"),
    "accept": marked("accepted"),
    "accepted_by_silence": marked("accepted by silence"),
    "assign": marked("assigned"),
    "pay": marked("paid"),
    "lodge": marked("lodged"),
    "draw": marked("drawn on"),
    "replenish": marked("replenished"),
    "extend": marked("extended"),
    "release": marked("given back"),
    "approve": marked("approved"),
    "expired": marked("expired"),
}


def procedure_state(state: str, cause: Cause | None, language: Language) -> str:
    """Name where a line stands, and what brought it there where no act did."""
    said = told(_STATES[state], language)
    return said if cause is None else f"{said} ({told(_CAUSES[cause.value], language)})"


def expired_text(expired: Mapping[str, Mapping[str, Any]], currency: str, language: Language) -> str:
    """Say how many lines time alone has ended, by what ran out, and what they asked for.

    Parameters
    ----------
    expired : mapping
        Of an issue record.
    currency : str
        ISO 4217.
    language : str
    """
    told_by_cause = [
        counted(
            "{cause}: {count} line, {amount}",
            "{cause}: {count} lines, {amount}",
            said["count"],
            language,
            cause=told(_CAUSES[cause], language),
            count=count(said["count"], language),
            amount=amount(said["amount"], currency, language),
        )
        for cause in _CAUSES
        if (said := expired.get(cause))
    ]
    return told("Ended by time, nothing charged: {causes}.", language, causes="; ".join(told_by_cause))


def record_name(kind: RecordKind, language: Language) -> str:
    """Name what was done or may be."""
    return told(_RECORDS[kind], language)


def record_says(record: Record, currency: str, language: Language) -> str:
    """Say what a record brings, decides and gives as its reason, and by which channel it went."""
    said: list[str] = []
    if record.of:
        said.append(record_name(RecordKind(record.of), language))
    if record.outcome:
        reduced = amount(record.amount, currency, language) if record.amount else ""
        said.append(told(_OUTCOMES[record.outcome], language, amount=reduced))
    if record.channel:
        said.append(told("by {channel}", language, channel=record.channel))
    return "; ".join([*said, *([record.reason] if record.reason else [])])


def permission_name(permission: Permission | None, language: Language) -> str:
    """Name who may do it; the contractor where no permission is needed."""
    return told("contractor", language) if permission is None else told(_PERMISSIONS[permission.value], language)


def heading(key: str, language: Language) -> str:
    """Head a column."""
    said = told(_HEADINGS[key], language)
    return said[:1].upper() + said[1:]


def step_name(step: str, language: Language) -> str:
    """Name what became of a register's subject."""
    return told(_STEPS[step], language)


def set_off_text(language: Language, *, is_blocked: bool, to: str) -> str:
    """Say whether a fine may be set off against an invoice."""
    if is_blocked:
        return told("blocked: belongs to {to}", language, to=to)
    return told("possible", language)


def refusal_text(refused: Refused, zone: Zone, language: Language) -> str:
    """Say why a record has no effect."""
    limit = "" if refused.until_us is None else local_text(zone, refused.until_us, language)
    return told("no effect: {why}", language, why=told(_REFUSALS[refused.why], language, limit=limit))


def local_text(zone: Zone, instant_us: int, language: Language) -> str:
    """Write an instant in the contract's local time."""
    return instant(zone.local(instant_us).isoformat(timespec="minutes"), language)


def deadline_text(deadline: Deadline, zone: Zone, language: Language) -> str:
    """Say a time limit: its days, their kind, from which day to which, when it ends, which days did not count."""
    said = counted(
        "{clock}: {length} day ({day_kind}), from {first} to {last}; ends {until}. Clause {clause}.",
        "{clock}: {length} days ({day_kind}), from {first} to {last}; ends {until}. Clause {clause}.",
        deadline.length,
        language,
        clock=told(_CLOCKS[deadline.clock], language),
        length=count(deadline.length, language),
        day_kind=deadline.day_kind,
        first=day(deadline.first_day, language),
        last=day(deadline.last_day, language),
        until=local_text(zone, deadline.until_us, language),
        clause=deadline.clause,
    )
    special = [one for one in deadline.skipped if one.reason != "weekday"]
    if not special:
        return said
    days = ", ".join(f"{day(one.day, language)} ({_reason(one.reason, language)})" for one in special)
    beside = told("Not counted, beside days of the week: {days}.", language, days=days)
    return f"{said} {beside}"


def _reason(reason: str, language: Language) -> str:
    return told("holiday", language) if reason == "holiday" else reason


def says_text(says: Mapping[str, str], language: Language) -> str:
    """Write what a step says, key by key; dates as the language writes them, digests short."""
    return ", ".join(f"{told(_FIELDS[key], language)} {_value(value, language)}" for key, value in says.items())


def _value(value: str, language: Language) -> str:
    try:
        return day(date.fromisoformat(value).isoformat(), language)
    except ValueError:
        return f"{value[:12]}…" if is_digest(value) else value
