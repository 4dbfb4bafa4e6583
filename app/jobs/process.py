"""Due process on the lines of issued statements: records stored, where each line stands, what the payment is told."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from fractions import Fraction
from typing import Any

from app.errors import RefusedError
from app.jobs import reliefs
from app.jobs.contracts import Loaded, load_stored, newest_day
from rules.calendar import Zone, month_days
from rules.consequences import Nature
from rules.contract import Terms
from rules.payments.money import read, written
from rules.process.clocks import Days, days_of
from rules.process.fold import stand
from rules.process.permits import one_spelling
from rules.process.records import Record, RecordKind, record_from
from rules.process.reliefs import pauses_of
from rules.process.standing import ENDED, Cause, Effect, Matter, Refused, Standing, State
from rules.process.terms import Process
from rules.records import Act, Determination, Op, Unit
from storage import contracts, determinations, registers, statements
from storage.connection import Connection
from storage.instants import instant, microseconds
from storage.registers import Request

_REGISTER = "process"
# What the contractor files is kept whether or not it has an effect: only so can it be shown that it came too late.
_FILED = frozenset({RecordKind.DEFENCE, RecordKind.APPEAL})


@dataclass(frozen=True, slots=True)
class Case:
    """A line in procedure, or one that was.

    Parameters
    ----------
    line : dict
        As the last statement that has it says it.
    matter : Matter
    process : Process
    days : Days
    standing : Standing
    act : Act or None
        What the payment was told.
    currency : str
        ISO 4217.
    """

    line: dict[str, Any]
    matter: Matter
    process: Process
    days: Days
    standing: Standing
    act: Act | None
    currency: str

    @property
    def state(self) -> str:
        """State of the line; `withdrawn` where nothing is left of it."""
        if self.act is not None and self.standing.state not in ENDED:
            return self.act.effect
        if not Fraction(self.matter.amount) and self.standing.state not in ENDED:
            return "withdrawn"
        return self.standing.state.value


@dataclass(frozen=True, slots=True)
class Forgiven:
    """What one officer forgave in one month.

    Parameters
    ----------
    month : str
        Of the acts.
    person, role : str
        The person in one spelling.
    lines : int
    amount : str
        What the lines asked for together. [currency]
    """

    month: str
    person: str
    role: str
    lines: int
    amount: str


@dataclass(frozen=True, slots=True)
class Signed:
    """In which office an act was signed, and why.

    Parameters
    ----------
    role, reason : str
    """

    role: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording did.

    Parameters
    ----------
    seq : int
        Number of the commit.
    cases : list of Case
        The lines, as they stand with it.
    refused : list of Refused
        What was recorded and has no effect.
    """

    seq: int
    cases: list[Case]
    refused: list[Refused]


def cases(
    connection: Connection,
    contract: str,
    now: datetime,
    more: Sequence[Record] = (),
    names: Collection[str] | None = None,
) -> dict[str, Case]:
    """Find where every line stands that is or was in procedure and whose terms have due process.

    Parameters
    ----------
    contract : str
    now : datetime
        Instant asked about. Aware.
    more : sequence of Record
        Records to look at beside those stored.
    names : collection of str, optional
        Lines to look at; all where none are given.
    """
    lines, asked, charged = _lines(connection, contract)
    if not lines:
        return {}
    holidays = load_stored(connection, contract, newest_day(connection, contract)).terms.holidays
    records = [*(record_from(row.body) for row in registers.read(connection, contract, _REGISTER)), *more]
    granted = reliefs.granted(connection, contract)
    acts = {act.line: act for act in statements.acts(connection, contract)}
    by_month: dict[str, Loaded] = {}
    found: dict[str, Case] = {}
    for name, line in sorted(lines.items()):
        if names is not None and name not in names:
            continue
        month = line["fact_month"]
        if month not in by_month:
            by_month[month] = load_stored(connection, contract, month_days(month)[0])
        terms = by_month[month].terms
        process = terms.file.process
        if process is None:
            continue
        days = days_of(terms.zone, process.day_kind, holidays)
        fact_us, act_by_us = _fact_us(connection, line, terms.zone)
        matter = Matter(
            line=name,
            fact_us=fact_us,
            amount=written(abs(read(line["amount"]))),
            pauses=pauses_of(granted, line["standard"], line["zone"], line["subject"]),
            is_charged=name in charged,
            act_by_us=act_by_us,
            asked=written(asked[name]),
            forgiven_by=_forgiven_by(terms, line),
        )
        standing = stand(matter, process, days, records, microseconds(now))
        currency = terms.file.money.currency
        found[name] = Case(line, matter, process, days, standing, acts.get(name), currency)
    return found


def case(connection: Connection, contract: str, line: str, now: datetime) -> Case:
    """Find where one line stands.

    Raises
    ------
    RefusedError
        When it is and was not in procedure, or its terms have no due process.
    """
    return _one(cases(connection, contract, now, names={line}), line)


def record(
    connection: Connection, contract: str, made: Sequence[Record], request: Request, now: datetime
) -> Recorded:
    """Record what was done on lines, all or nothing, and tell the payment what it has ended.

    Parameters
    ----------
    contract : str
    made : sequence of Record
    request : Request
    now : datetime
        Aware.

    Raises
    ------
    RefusedError
        When an act is not allowed, is still to come, or would undo what holds.
    AlreadyThereError
        When something else was asked for under the request's key.
    """
    with contracts.alone(connection, contract):
        names = sorted({one.line for one in made})
        if (seq := registers.answered(connection, contract, request)) is not None:
            now_standing = cases(connection, contract, now, names=names)
            return Recorded(seq, [now_standing[name] for name in names], [])
        before = cases(connection, contract, now, names=names)
        for one in made:
            _check_open(_one(before, one.line), one, now)
        after = cases(connection, contract, now, made, names)
        refused = [one for name in names for one in after[name].standing.refused if one.record in made]
        for one in refused:
            if one.record.kind not in _FILED or one.what:
                raise RefusedError(told(one, after[one.record.line].days.zone))
        for name in names:
            _check_kept(before[name].standing, after[name].standing)
        with connection.transaction():
            bodies = [(one.line, one.content()) for one in made]
            seq = registers.append(connection, (contract, _REGISTER), bodies, request, now)
            for name in names:
                if (effect := after[name].standing.effect) is not None:
                    act = act_of(effect, after[name].days.zone)
                    statements.record_act(connection, contract, act, now)
                    after[name] = replace(after[name], act=act)
        return Recorded(seq, [after[name] for name in names], refused)


def follow(connection: Connection, contract: str, act: Act, signed: Signed, now: datetime) -> None:
    """Record an act that ends a line, where the process allows it; the same act again changes nothing.

    Parameters
    ----------
    contract : str
    act : Act
    signed : Signed
    now : datetime
        Aware.

    Raises
    ------
    RefusedError
        When the process does not allow it, or knows another way for it.
    """
    found = case(connection, contract, act.line, now)
    if found.act is not None and found.act in {act, replace(act, effect=found.act.effect, amount=found.act.amount)}:
        return
    if act.effect == "reduced":
        raise RefusedError(f"{act.line} has due process: a decision reduces it; see poniente process decide")
    signed_us = found.days.zone.instant(date.fromisoformat(act.date), time(0))
    kind, outcome = RecordKind.FIRM, ""
    if act.effect == "annulled":
        kind, outcome = _annulling(found.standing)
    said = Record(
        kind=kind,
        line=act.line,
        at_us=signed_us,
        person=act.signer,
        role=signed.role,
        number=act.number,
        document_sha256=act.document_sha256,
        outcome=outcome,
        reason=signed.reason,
    )
    record(connection, contract, [said], Request("", {}), now)


def _annulling(standing: Standing) -> tuple[RecordKind, str]:
    """Say what an act is that annuls: it notes what time has ended, or else accepts the defence or the appeal."""
    if any(one.kind == RecordKind.EXPIRY for one in standing.following):
        return RecordKind.EXPIRY, ""
    is_appealed = standing.state == State.APPEALED
    return (RecordKind.APPEAL_DECISION if is_appealed else RecordKind.DECISION), "accepted"


def act_of(effect: Effect, zone: Zone) -> Act:
    """Say an effect as the act that the payment takes."""
    record = effect.record
    day = zone.local(record.at_us).date().isoformat()
    amount = effect.amount if effect.effect == "reduced" else ""
    return Act(record.line, effect.effect, record.number, day, record.person, record.document_sha256, amount)


def has_process(connection: Connection, contract: str, line: Mapping[str, Any]) -> bool:
    """Whether the terms of a line's month have due process."""
    day = month_days(line["fact_month"])[0]
    return load_stored(connection, contract, day).terms.file.process is not None


def forgiven(found: Mapping[str, Case]) -> list[Forgiven]:
    """Report what was forgiven, by month of the act and who signed it.

    Parameters
    ----------
    found : mapping of str to Case
    """
    sums: dict[tuple[str, str, str], list[Fraction]] = {}
    for one in found.values():
        if one.standing.state == State.FORGIVEN and one.standing.effect is not None:
            act = one.standing.effect.record
            month = f"{one.days.day_of(act.at_us):%Y-%m}"
            sums.setdefault((month, one_spelling(act.person), act.role), []).append(Fraction(one.matter.amount))
    return [Forgiven(*who, len(amounts), written(sum(amounts, Fraction(0)))) for who, amounts in sorted(sums.items())]


def expired(found: Mapping[str, Case]) -> dict[str, dict[str, Any]]:
    """Count the lines that time alone ended, by what ran out, with what they asked for. [currency].

    Parameters
    ----------
    found : mapping of str to Case
    """
    ended = [one for one in found.values() if one.standing.state in {State.EXPIRED, State.ANNULLED}]
    said: dict[str, dict[str, Any]] = {}
    for cause in Cause:
        amounts = [Fraction(one.matter.asked) for one in ended if one.standing.cause == cause]
        if amounts:
            said[cause.value] = {"count": len(amounts), "amount": written(sum(amounts, Fraction(0)))}
    return said


def told(refused: Refused, zone: Zone) -> str:
    """Say why a record has no effect, for who made it."""
    record = refused.record
    name = f"{record.kind} on {record.line}"
    limit = "" if refused.until_us is None else f"{zone.local(refused.until_us):%Y-%m-%d %H:%M}"
    said = {
        "lacking": f"lacks {', '.join(refused.what)}",
        "role_unknown": f"is made in role {record.role!r}, which the terms do not have",
        "role_lacks_permission": f"is made in role {record.role!r}, which may not do this",
        "incompatible_act": f"is made by {record.person}, who has done an act on this line that does not go with it",
        "not_now": "cannot be done as the line stands; see poniente process show",
        "too_early": f"comes before {limit}",
        "too_late": f"comes after the time limit, {limit}",
        "channel_unknown": f"uses channel {record.channel!r}, which the terms do not have",
        "no_alert": "has no proof that the alert reached the contractor in time to act; record it with poniente "
        "process alert",
        "no_clause": "has no clause in the terms that allows it",
        "amount": f"reduces to {record.amount!r}, which is not above nought and below what the line asks for",
    }
    return f"{name} {said[refused.why]}"


def _lines(connection: Connection, contract: str) -> tuple[dict[str, dict[str, Any]], dict[str, Fraction], set[str]]:
    """Lines that are or were in procedure, as last said; the most that each asked for; those charged."""
    last = statements.last(connection, contract)
    if last is None:
        return {}, {}, set()
    bodies = [json.loads(last.body)]
    months = statements.issued_before(connection, contract, str(bodies[0]["period"]))
    found = [statements.read(connection, contract, month) for month in months]
    bodies += [json.loads(one.body) for one in found if one is not None]
    lines: dict[str, dict[str, Any]] = {}
    asked: dict[str, Fraction] = {}
    charged: set[str] = set()
    for body in sorted(bodies, key=lambda one: str(one["period"])):
        for line in body["blocks"]["C"]["lines"]:
            name = str(line["id"])
            lines[name] = line
            asked[name] = max(asked.get(name, Fraction(0)), abs(read(line["amount"])))
        charged |= {str(line["id"]) for line in body["blocks"]["B"]["lines"] if line["charge_month"]}
    return lines, asked, charged


def _fact_us(connection: Connection, line: Mapping[str, Any], zone: Zone) -> tuple[int, int]:
    """When a line's fact was complete, and until when the contractor could have kept it from happening.

    Complete is a check with its window, what rests on no check with its month. What must not last longer than a limit
    could be ended until the limit was reached; all else until it was complete.
    """
    found = [determinations.read_one(connection, one) for one in line["determinations"]]
    if not found:
        month_us = zone.instant(month_days(line["fact_month"])[1], time(0))
        return month_us, month_us
    return max(one.window_end_us for one in found), min(_act_by_us(one) for one in found)


def _act_by_us(one: Determination) -> int:
    began_us = one.trace.get("proven_from_us")
    if began_us is None or one.unit != Unit.MICROSECONDS or one.op != Op.AT_MOST:
        return one.window_end_us
    return min(int(began_us) + one.target, one.window_end_us)


def _forgiven_by(terms: Terms, line: Mapping[str, Any]) -> str:
    nature = terms.nature(Nature(line["nature"]))
    return nature.forgiven_by if nature else ""


def _one(found: Mapping[str, Case], line: str) -> Case:
    if line not in found:
        raise RefusedError(f"{line!r} is no line in procedure of an issued statement whose terms have due process")
    return found[line]


def _check_open(case: Case, made: Record, now: datetime) -> None:
    if case.act is not None:
        raise RefusedError(
            f"{made.line} is {case.act.effect} by act {case.act.number} of {case.act.date}; nothing can follow"
        )
    if case.state == "withdrawn":
        raise RefusedError(f"{made.line} is withdrawn: nothing is asked for any more")
    if made.at_us > microseconds(now):
        raise RefusedError(
            f"{made.kind} on {made.line} is dated {instant(made.at_us):%Y-%m-%d %H:%M} UTC, which is still to come"
        )


def _check_kept(before: Standing, after: Standing) -> None:
    """Refuse what was recorded so late that it would undo what was done since."""
    undone = [one for one in before.held if one not in after.held]
    if undone:
        raise RefusedError(
            f"{before.line}: this would undo the {undone[0].kind} recorded already; record it with its own date, or "
            "let the officer decide anew"
        )
