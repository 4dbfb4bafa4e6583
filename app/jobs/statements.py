"""Determinations → statement: a draft at any time, issued once; the issue record beside it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from app.errors import RefusedError
from app.jobs import assess, periods, process, reliefs
from app.jobs.contracts import Loaded, first_day, load_stored, newest_day
from rules.assess import is_held, opportunities, ripe_us, spans_us
from rules.calendar import month_days, month_of, previous_month
from rules.contract import Terms
from rules.numbers import value_on
from rules.payments.checks import Checks
from rules.payments.expiry import chargeable
from rules.payments.money import read
from rules.payments.restate import Earlier
from rules.payments.statement import Statement, settle
from rules.records import ENGINE, Act, Determination
from sensors.readings import Outcome
from storage import contracts, determinations, health, readings, sequence, statements
from storage.connection import Connection
from storage.sequence import ALL_KNOWN
from storage.statements import Issued

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISSUE_SCHEMA = "poniente.issue/1"
# A worker that has more to store commits every second or so.
_QUIET = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement that is not issued, and what it rests on."""

    statement: Statement
    loaded: Loaded
    checks: Checks
    missing: int
    known_through: int


def draft(
    connection: Connection, contract: str, period: str, now: datetime, known_by: datetime | None = None
) -> Draft:
    """Compute the statement of a period from what is stored.

    Parameters
    ----------
    contract, period : str
    now : datetime
        Decides which issued months are still open to late data. Aware.
    known_by : datetime, optional
        Look at no more than what was committed by then; at all by default. Aware.

    Raises
    ------
    RefusedError
        When nothing of the period is assessed, or the period before is not issued.
    """
    months = open_months(connection, contract, period, now if known_by is None else min(now, known_by))
    if known_by is not None:
        known_through = sequence.last_by(connection, known_by)
        return _draft(connection, contract, period, months, known_through, held_through=known_through)
    return _draft(connection, contract, period, months, sequence.last(connection))


def open_months(connection: Connection, contract: str, period: str, now: datetime) -> list[str]:
    """Issued months before a period that late data still restate: not older than the terms' late cut-off."""
    found: list[str] = []
    for month, issued in statements.issued_before(connection, contract, period).items():
        terms = load_stored(connection, contract, month_days(month)[0]).terms
        cutoff_us = value_on(terms.file.late.late_cutoff, month_days(month)[0], "us")
        if now < issued + timedelta(microseconds=int(cutoff_us)):
            found.append(month)
    return found


def _draft(
    connection: Connection,
    contract: str,
    period: str,
    months: Sequence[str],
    known_through: int,
    *,
    held_through: int = ALL_KNOWN,
) -> Draft:
    """Compute a statement under terms, register, acts and reliefs as known; its checks are those held by a number.

    What a month's issue assesses is committed later than what it looks at, so these are two numbers.
    """
    loaded, found, missing = _known(connection, contract, period, known_through, held_through)
    if missing and not found:
        first, until = month_days(period)
        raise RefusedError(
            f"nothing of {period} is assessed; run poniente assess {contract} --from {first} --to {until}"
        )
    opening = _opening(connection, contract, period)
    earlier: dict[str, Earlier] = {}
    for month in months:
        before, again, _ = _known(connection, contract, month, known_through, held_through)
        earlier[month] = Earlier(before.terms, again)
    granted = reliefs.granted(connection, contract, known_through)
    pending: list[dict[str, Any]] = opening["in_procedure"] if opening else []
    terms_in = _terms_in(connection, contract, pending, known_through)
    said = statements.acts(connection, contract, known_through)
    acts = chargeable(said, pending, period, terms_in, granted)
    charging = replace(loaded.terms, index_later=terms_in[""].index_values)
    settled = settle(charging, found, period, opening, [*acts, *granted], earlier)
    return Draft(settled, loaded, found, missing, known_through)


def _terms_in(
    connection: Connection, contract: str, pending: Sequence[dict[str, Any]], known_through: int
) -> dict[str, Terms]:
    """Terms of the months of some lines' facts, and under the empty text the newest that are known."""
    newest = newest_day(connection, contract, known_through)
    days = {"": newest} | {line["fact_month"]: month_days(line["fact_month"])[0] for line in pending}
    return {month: load_stored(connection, contract, day, known_through).terms for month, day in days.items()}


def _known(
    connection: Connection, contract: str, period: str, known_through: int, held_through: int
) -> tuple[Loaded, Checks, int]:
    """Find what holds for a month's checks, and how many of them are not judged."""
    days = month_days(period)
    loaded = load_stored(connection, contract, days[0], known_through)
    expected = opportunities(loaded.terms, loaded.register, days)
    # What was judged before the register changed may be no check any more.
    held = [
        one
        for one in determinations.read_texts(connection, contract, days, held_through)
        if one.opportunity in expected or is_held(loaded.terms, expected, Determination.read(one.body))
    ]
    checks = Checks.of_texts([one.id for one in held], [one.body for one in held])
    return loaded, checks, len(expected - {one.opportunity for one in held})


def issue(connection: Connection, contract: str, period: str, now: datetime, *, is_hasty: bool = False) -> Issued:
    """Assess the period once more, so that nothing that came in is left out, and issue its statement.

    Parameters
    ----------
    contract, period : str
    now : datetime
        Aware.
    is_hasty : bool
        Issue although readings are still coming in, or none of the month ever came.

    Returns
    -------
    Issued
        One that is issued already is given back as it was.

    Raises
    ------
    RefusedError
        When some of the period's windows are not over, nothing was heard in it, or the period before is not issued.
    """
    with contracts.alone(connection, contract):
        if issued := statements.read(connection, contract, period):
            return issued
        if not is_hasty:
            _check_quiet(connection, now)
            _check_heard(connection, contract, period)
        # Before anything is assessed: what is refused leaves nothing behind.
        _opening(connection, contract, period)
        months = open_months(connection, contract, period, now)
        known_through = periods.closed_through(connection, contract, period) or sequence.last(connection)
        for month in (*(month for month in months if _is_touched(connection, contract, month)), period):
            assess.run(connection, contract, month_days(month), now, known_through)
        drafted = _draft(connection, contract, period, months, known_through)
        ripe = _EPOCH + timedelta(microseconds=ripe_us(drafted.loaded.terms, month_days(period)))
        if drafted.missing or now < ripe:
            raise RefusedError(
                f"{drafted.missing or 'some'} checks of {period} cannot be judged yet: their windows, and the terms' "
                f"grace after them, are not over before {ripe:%Y-%m-%d %H:%M} UTC"
            )
        record = issue_record(connection, drafted, period, now)
        body = (drafted.statement.body, drafted.statement.closing)
        return statements.issue(connection, period, body, record, now)


def _is_touched(connection: Connection, contract: str, month: str) -> bool:
    """Whether anything that an issued month looked at was touched since it was issued."""
    issued = statements.read(connection, contract, month)
    loaded = load_stored(connection, contract, month_days(month)[0])
    spans = spans_us(loaded.terms, month_days(month)).values()
    first, until = (
        _EPOCH + timedelta(microseconds=us) for us in (min(one[0] for one in spans), max(one[1] for one in spans))
    )
    devices = {(one.source, one.device) for one in loaded.register.installations}
    known_through = issued.issue["known_through"] if issued else 0
    return readings.is_touched_since(connection, devices, (first, until), known_through)


def _check_quiet(connection: Connection, now: datetime) -> None:
    """Refuse while the worker is still catching up: what comes a minute later would be left out for good."""
    last = readings.last_ingested(connection)
    if last and timedelta(0) <= now - last < _QUIET:
        seconds = (now - last).total_seconds()
        raise RefusedError(
            f"readings came in {seconds:.0f} s ago; wait until poniente ingest --status stands still for "
            f"{_QUIET.total_seconds():.0f} s, or say --now"
        )


def _check_heard(connection: Connection, contract: str, period: str) -> None:
    """Refuse a month of which no device said anything: sooner the worker did not run than all of them fell silent."""
    loaded = load_stored(connection, contract, month_days(period)[0])
    devices, span = _heard_in(loaded, period)
    if devices and not readings.count_of_devices(connection, devices, span):
        raise RefusedError(
            f"no reading of {period} is stored for any of {contract}'s {len(devices)} devices; "
            f"let poniente ingest take in what they said, or say --now"
        )


def issued(connection: Connection, contract: str, period: str) -> Issued:
    """Read an issued statement.

    Raises
    ------
    RefusedError
        When it is not issued.
    """
    found = statements.read(connection, contract, period)
    if found is None:
        raise RefusedError(f"the statement of {contract} for {period} is not issued")
    return found


def body_of(issued: Issued) -> dict[str, Any]:
    """Body of an issued statement."""
    body: dict[str, Any] = json.loads(issued.body)
    return body


def lines_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """All lines of a statement's body, block by block."""
    return [line for block in sorted(body["blocks"]) for line in body["blocks"][block]["lines"]]


def record_act(
    connection: Connection, contract: str, act: Act, now: datetime, signed: process.Signed | None = None
) -> None:
    """Record an act on a line that is in procedure in the contract's last issued statement.

    Parameters
    ----------
    contract : str
    act : Act
    now : datetime
        Aware.
    signed : Signed, optional
        The signer's office and reason, where the terms have due process.

    Raises
    ------
    RefusedError
        When no such line is in procedure, or due process does not allow the act.
    """
    if not (act.number.strip() and act.signer.strip()):
        raise RefusedError("an act needs a number and a signer: nothing is charged without a named officer")
    if date.fromisoformat(act.date) > now.date():
        raise RefusedError(f"act {act.number} is dated {act.date}, which is still to come")
    last = statements.last(connection, contract)
    if last is None:
        raise RefusedError(f"no statement of {contract} is issued, so no line is in procedure; issue the month first")
    lines = {line["id"]: line for line in last.closing["in_procedure"]}
    if act.line not in lines:
        raise RefusedError(f"{act.line!r} is not in procedure in the last statement; {len(lines)} lines are")
    month = lines[act.line]["fact_month"]
    if act.date[:7] < month:
        raise RefusedError(f"act {act.number} of {act.date} is older than the fact, which is of {month}")
    if act.amount and not Fraction(0) < _read_sum(act.amount) < abs(read(lines[act.line]["amount"])):
        raise RefusedError(
            f"act {act.number} reduces {act.line} to {act.amount}, which is not above nought and below "
            f"{lines[act.line]['amount'].removeprefix('-')}"
        )
    if process.has_process(connection, contract, lines[act.line]):
        process.follow(connection, contract, act, signed or process.Signed(), now)
    else:
        statements.record_act(connection, contract, act, now)


def _read_sum(text: str) -> Fraction:
    try:
        return read(text)
    except (ValueError, ZeroDivisionError) as error:
        raise RefusedError(f"amount {text!r} is no sum; write it as 20000 or 20000.50") from error


def issue_record(connection: Connection, drafted: Draft, period: str, now: datetime) -> dict[str, Any]:
    """What stands beside a statement: how the readings came in, how complete, what was known, what expired."""
    terms = drafted.loaded.terms
    devices, span = _heard_in(drafted.loaded, period)
    return {
        "schema": ISSUE_SCHEMA,
        "contract": terms.id,
        "period": period,
        "engine": ENGINE,
        "known_through": drafted.known_through,
        "readings": readings.count_of_devices(connection, devices, span),
        "continuity": asdict(_continuity(connection, drafted, devices, span)),
        "rejected_since_last_issue": readings.count_rejected_since(
            connection, _last_issue(connection, terms.id, period)
        ),
        "completeness": drafted.checks.completeness(),
        "expired": process.expired(process.cases(connection, terms.id, now)),
    }


def _continuity(
    connection: Connection, drafted: Draft, devices: set[tuple[str, str]], span: tuple[datetime, datetime]
) -> health.Continuity:
    """What counters tell of the month, and how much of it came after the terms' grace."""
    ids = sorted(readings.device_ids(connection, devices).values())
    grace_us = value_on(drafted.loaded.terms.file.late.grace, span[0].date(), "us")
    late_from = span[1] + timedelta(microseconds=int(grace_us))
    reduced = readings.count_of_devices(connection, devices, span).get(Outcome.REDUCED, 0)
    return health.continuity(
        connection,
        ids,
        span,
        late_from=late_from,
        reduced=reduced,
        known_through=drafted.known_through,
    )


def _opening(connection: Connection, contract: str, period: str) -> dict[str, Any] | None:
    """Closing state of the period before; nothing for the contract's first period."""
    before = previous_month(period)
    if issued := statements.read(connection, contract, before):
        return issued.closing
    if period > month_of(first_day(connection, contract)):
        raise RefusedError(f"the statement of {before} is not issued, so that of {period} has no opening state")
    return None


def _last_issue(connection: Connection, contract: str, period: str) -> datetime:
    before = statements.read(connection, contract, previous_month(period))
    return datetime.fromisoformat(before.issue["issued"]) if before else _EPOCH


def _heard_in(loaded: Loaded, period: str) -> tuple[set[tuple[str, str]], tuple[datetime, datetime]]:
    """Devices that a month may hear, and when it begins and ends."""
    first, until = (_local_midnight(loaded, day) for day in month_days(period))
    return {(one.source, one.device) for one in loaded.register.installations}, (first, until)


def _local_midnight(loaded: Loaded, day: date) -> datetime:
    return _EPOCH + timedelta(microseconds=loaded.terms.zone.instant(day, time(0)))
