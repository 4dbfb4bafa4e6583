"""The fold of a line: its records, the terms and the instant asked about → where it stands.

Records come in the order of what they say, and time passes between them. An act that comes too early, too late,
without proof or by the wrong person has no effect, and the reason is part of the result: nothing is dropped in
silence. Time alone never makes a line firm; that takes an act which the process allows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from rules.numbers import value_on
from rules.process.clocks import Days, Deadline, deadline, deemed_us
from rules.process.permits import Permits
from rules.process.records import PERMISSIONS, Record, RecordKind, lacking
from rules.process.standing import ENDED, Cause, Effect, Matter, Next, Refusal, Refused, Standing, State
from rules.process.terms import Channel, ClockName, Permission, Process, Start
from rules.records import canonical

_ORDER = list(RecordKind)


def stand(matter: Matter, process: Process, days: Days, records: Iterable[Record], as_of_us: int) -> Standing:
    """Find where a line stands.

    Parameters
    ----------
    matter : Matter
    process : Process
    days : Days
    records : iterable of Record
        Of any line, in any order; those of other lines or after `as_of_us` are left out.
    as_of_us : int
        [us since 1970, UTC]
    """
    case = _Case(matter, process, days)
    mine = {one for one in records if one.line == matter.line and one.at_us <= as_of_us}
    for record in sorted(mine, key=_place):
        case.pass_time(record.at_us)
        case.take(record)
    case.pass_time(as_of_us)
    return case.standing()


def _place(record: Record) -> tuple[int, int, str]:
    """Order of records: by instant, at one instant as the process goes, then by content."""
    # A notification belongs right behind the act that it brings.
    kind = _ORDER.index(RecordKind(record.of)) if record.of in _ORDER else _ORDER.index(record.kind)
    follows = 1 if record.kind == RecordKind.NOTIFICATION else 0
    return record.at_us, 2 * kind + follows, canonical(record.content())


@dataclass(slots=True)
class _Case:
    """The fold's state."""

    matter: Matter
    process: Process
    days: Days
    state: State = State.DRAFT
    cause: Cause | None = None
    amount: str = ""
    deadlines: dict[ClockName, Deadline] = field(default_factory=dict[ClockName, Deadline])
    # The act of each kind that holds, and when it is deemed to have reached the contractor.
    acts: dict[RecordKind, Record] = field(default_factory=dict[RecordKind, Record])
    deemed_us: dict[RecordKind, int] = field(default_factory=dict[RecordKind, int])
    held: list[Record] = field(default_factory=list[Record])
    refused: list[Refused] = field(default_factory=list[Refused])
    effect: Effect | None = None
    permits: Permits = field(init=False)

    def __post_init__(self) -> None:
        self.permits = Permits(self.process)
        self.amount = self.matter.asked or self.matter.amount
        self._run(ClockName.RAISE_BY, self.matter.fact_us)

    def pass_time(self, until_us: int) -> None:
        """Let happen what time alone brings about."""
        if self.state == State.DRAFT and self._is_over(ClockName.RAISE_BY, until_us):
            self.state, self.cause = State.EXPIRED, Cause.RAISE_BY
        if self.state == State.NOTIFIED and self.process.contractor_silence.outcome == "decide":
            defence = self.deadlines[ClockName.DEFENCE]
            if defence.until_us <= until_us:
                self._run(ClockName.DECISION, defence.until_us)
        if self.state in {State.NOTIFIED, State.DEFENDED} and self._is_over(ClockName.DECISION, until_us):
            self._city_was_silent(RecordKind.DECISION)
        if self.state == State.APPEALED and self._is_over(ClockName.APPEAL_DECISION, until_us):
            self._city_was_silent(RecordKind.APPEAL_DECISION)
        is_uncharged = self.state == State.FIRM and not self.matter.is_charged
        if is_uncharged and self._is_over(ClockName.CHARGE_BY, until_us):
            self.state, self.cause, self.effect = State.EXPIRED, Cause.CHARGE_BY, None

    def _city_was_silent(self, awaited: RecordKind) -> None:
        match self.process.city_silence.outcome:
            case "annulled":
                self.state, self.cause = State.ANNULLED, Cause.CITY_SILENCE
            case "upheld":
                # Only where a clause is cited: the linter refuses it otherwise.
                until_us = self.deadlines[_awaiting(awaited)].until_us
                self.state, self.cause = State.DECIDED, Cause.CITY_SILENCE
                self.deemed_us[awaited] = until_us
                if awaited == RecordKind.DECISION:
                    self._run(ClockName.APPEAL, until_us)
            case "open":
                pass

    def _run(self, name: ClockName, since_us: int) -> None:
        """Start a clock, once."""
        clock = self.process.clocks.named(name)
        if clock is not None and name not in self.deadlines:
            self.deadlines[name] = deadline(self.days, name, clock, since_us, self.matter.pauses)

    def _is_over(self, name: ClockName, at_us: int) -> bool:
        return name in self.deadlines and at_us >= self.deadlines[name].until_us

    def take(self, record: Record) -> None:
        """Give a record its effect, or the reason why it has none."""
        refused = self._why_not(record) or self._apply(record)
        if refused:
            self.refused.append(refused)
            return
        self.held.append(record)
        if permission := PERMISSIONS.get(record.kind):
            self.permits.note(record.person, permission)

    def _why_not(self, record: Record) -> Refused | None:
        if what := lacking(record):
            return Refused(record, Refusal.LACKING, what=what)
        permission = PERMISSIONS.get(record.kind)
        why = self.permits.why_not(record.person, record.role, permission) if permission else ""
        return Refused(record, Refusal(why)) if why else None

    def _apply(self, record: Record) -> Refused | None:
        handlers = {
            RecordKind.ALERT: self._warn,
            RecordKind.NOTICE: self._propose,
            RecordKind.NOTIFICATION: self._notify,
            RecordKind.DEFENCE: self._defend,
            RecordKind.HEARING: self._hear,
            RecordKind.DECISION: self._decide,
            RecordKind.APPEAL: self._appeal,
            RecordKind.APPEAL_DECISION: self._decide,
            RecordKind.FIRM: self._make_firm,
            RecordKind.FORGIVING: self._forgive,
            RecordKind.EXPIRY: self._seal,
        }
        return handlers[record.kind](record)

    def _warn(self, record: Record) -> Refused | None:
        return None if self._channel(record) else Refused(record, Refusal.CHANNEL_UNKNOWN)

    def _hear(self, record: Record) -> Refused | None:
        is_open = self.state in {State.DEFENDED, State.APPEALED}
        return None if is_open else Refused(record, Refusal.NOT_NOW)

    def _propose(self, record: Record) -> Refused | None:
        if self.state != State.DRAFT:
            return self._not_now(record, ClockName.RAISE_BY)
        if RecordKind.NOTICE in self.acts:
            return Refused(record, Refusal.NOT_NOW)
        self.acts[RecordKind.NOTICE] = record
        return None

    def _notify(self, record: Record) -> Refused | None:
        of = RecordKind(record.of)
        # What time has ended says which limit was missed, whatever was prepared before.
        if self.state == State.EXPIRED:
            return self._not_now(record, ClockName.RAISE_BY)
        if of not in self.acts or of in self.deemed_us or self.state in ENDED:
            return Refused(record, Refusal.NOT_NOW)
        channel = self._channel(record)
        if channel is None:
            return Refused(record, Refusal.CHANNEL_UNKNOWN)
        deemed = deemed_us(self.days, channel, record.at_us)
        if of == RecordKind.NOTICE:
            if self._is_over(ClockName.RAISE_BY, deemed):
                return self._late(record, ClockName.RAISE_BY)
            if not self._is_alerted():
                return Refused(record, Refusal.NO_ALERT)
            self.state = State.NOTIFIED
            self._run(ClockName.DEFENCE, deemed)
        elif of == RecordKind.DECISION:
            self._run(ClockName.APPEAL, deemed)
        self.deemed_us[of] = deemed
        return None

    def _defend(self, record: Record) -> Refused | None:
        if self.state != State.NOTIFIED:
            return self._not_now(record, ClockName.DEFENCE)
        if self._is_over(ClockName.DEFENCE, record.at_us):
            return self._late(record, ClockName.DEFENCE)
        self.state = State.DEFENDED
        starts_late = self.process.clocks.decision.runs_from == Start.DEFENCE_DEADLINE
        self._run(ClockName.DECISION, self.deadlines[ClockName.DEFENCE].until_us if starts_late else record.at_us)
        return None

    def _decide(self, record: Record) -> Refused | None:
        is_first = record.kind == RecordKind.DECISION
        is_awaited = self.state == (State.DEFENDED if is_first else State.APPEALED)
        if self.state == State.NOTIFIED and is_first:
            # The city may correct itself at any time; against the contractor only after the time to be heard.
            is_unheard = ClockName.DECISION not in self.deadlines
            if is_unheard and record.outcome != "accepted":
                defence = self.deadlines[ClockName.DEFENCE]
                is_over = self._is_over(ClockName.DEFENCE, record.at_us)
                why = Refusal.NOT_NOW if is_over else Refusal.TOO_EARLY
                return Refused(record, why, None if is_over else defence.until_us)
            is_awaited = True
        if not is_awaited:
            return self._not_now(record, _awaiting(record.kind))
        amount = self._decided_amount(record)
        if amount is None:
            return Refused(record, Refusal.AMOUNT)
        self.acts[record.kind] = record
        self.amount = amount
        if record.outcome == "accepted":
            self.state, self.effect = State.ANNULLED, Effect("annulled", "0", record)
        else:
            self.state = State.DECIDED
        return None

    def _decided_amount(self, record: Record) -> str | None:
        """What a decision leaves; None where it reduces to what is no reduction of what the line asks for now."""
        if record.outcome == "accepted":
            return "0"
        if record.outcome == "upheld":
            return self.amount
        reduced, before = _amount(record.amount), _amount(self.amount)
        if reduced is None or before is None or not 0 < reduced < before:
            return None
        return record.amount

    def _appeal(self, record: Record) -> Refused | None:
        if self.process.clocks.appeal is None:
            return Refused(record, Refusal.NO_CLAUSE)
        if self.state != State.DECIDED or self._is_final():
            return self._not_now(record, ClockName.APPEAL)
        if self._is_over(ClockName.APPEAL, record.at_us):
            return self._late(record, ClockName.APPEAL)
        self.state = State.APPEALED
        clock = self.process.clocks.appeal_decision
        awaits = clock is not None and clock.runs_from == Start.APPEAL_DEADLINE and ClockName.APPEAL in self.deadlines
        since_us = self.deadlines[ClockName.APPEAL].until_us if awaits else record.at_us
        self._run(ClockName.APPEAL_DECISION, since_us)
        return None

    def _is_final(self) -> bool:
        """Whether the appeal is decided, by an act or by a silence that a clause counts as one."""
        return RecordKind.APPEAL_DECISION in self.acts or RecordKind.APPEAL_DECISION in self.deemed_us

    def _make_firm(self, record: Record) -> Refused | None:
        opens_us = self._firm_from_us()
        if opens_us is None:
            return Refused(record, Refusal.NOT_NOW)
        if record.at_us < opens_us:
            return Refused(record, Refusal.TOO_EARLY, opens_us)
        self.state = State.FIRM
        is_reduced = _amount(self.amount) != _amount(self.matter.asked or self.matter.amount)
        self.effect = Effect("reduced" if is_reduced else "firm", self.amount, record)
        self._run(ClockName.CHARGE_BY, record.at_us)
        return None

    def _firm_from_us(self) -> int | None:
        """From when an act may make the line firm; None while nothing that is known opens the way."""
        if self.state == State.NOTIFIED and self.process.contractor_silence.outcome == "firm_by_act":
            return self.deadlines[ClockName.DEFENCE].until_us
        if self.state != State.DECIDED:
            return None
        if self._is_final():
            return self.deemed_us.get(RecordKind.APPEAL_DECISION)
        if self.process.clocks.appeal is None:
            return self.deemed_us.get(RecordKind.DECISION)
        return self.deadlines[ClockName.APPEAL].until_us if ClockName.APPEAL in self.deadlines else None

    def _forgive(self, record: Record) -> Refused | None:
        if not self.matter.forgiven_by:
            return Refused(record, Refusal.NO_CLAUSE)
        if record.role != self.matter.forgiven_by:
            return Refused(record, Refusal.ROLE_LACKS_PERMISSION)
        if self.state in ENDED:
            return Refused(record, Refusal.NOT_NOW)
        self.state, self.amount, self.effect = State.FORGIVEN, "0", Effect("annulled", "0", record)
        return None

    def _seal(self, record: Record) -> Refused | None:
        """Note by an act what time has ended, so that the payment is told."""
        if self.cause is None or self.state not in {State.EXPIRED, State.ANNULLED} or self.effect:
            return Refused(record, Refusal.NOT_NOW)
        self.amount, self.effect = "0", Effect("annulled", "0", record)
        return None

    def _channel(self, record: Record) -> Channel | None:
        return next((one for one in self.process.channel if one.id == record.channel), None)

    def _is_alerted(self) -> bool:
        alert = self.process.alert
        if alert is None:
            return True
        lead_us = int(value_on(alert.lead, self.days.day_of(self.matter.fact_us), "us"))
        act_by_us = self.matter.fact_us if self.matter.act_by_us is None else self.matter.act_by_us
        latest_us = act_by_us - lead_us
        warned = [one for one in self.held if one.kind == RecordKind.ALERT]
        return any(
            deemed_us(self.days, channel, one.at_us) <= latest_us
            for one in warned
            if (channel := self._channel(one)) is not None
        )

    def _not_now(self, record: Record, name: ClockName) -> Refused:
        """Refuse what cannot be done in this state; too late where its time limit has passed."""
        return self._late(record, name) if self._is_over(name, record.at_us) else Refused(record, Refusal.NOT_NOW)

    def _late(self, record: Record, name: ClockName) -> Refused:
        return Refused(record, Refusal.TOO_LATE, self.deadlines[name].until_us)

    def standing(self) -> Standing:
        """What the fold has found."""
        return Standing(
            line=self.matter.line,
            state=self.state,
            cause=self.cause,
            amount="0" if self.state in {State.ANNULLED, State.EXPIRED, State.FORGIVEN} else self._left(),
            deadlines=tuple(sorted(self.deadlines.values(), key=lambda one: (one.since_us, one.until_us))),
            held=tuple(self.held),
            refused=tuple(self.refused),
            following=tuple(self._following()),
            effect=self.effect,
        )

    def _left(self) -> str:
        """What the line asks for: late data may have lowered it below what a decision left."""
        decided, now = _amount(self.amount), _amount(self.matter.amount)
        return self.matter.amount if decided is not None and now is not None and now < decided else self.amount

    def _following(self) -> Iterator[Next]:
        match self.state:
            case State.DRAFT:
                kind = RecordKind.NOTIFICATION if RecordKind.NOTICE in self.acts else RecordKind.NOTICE
                yield self._next(kind, ClockName.RAISE_BY)
            case State.NOTIFIED:
                yield self._next(RecordKind.DEFENCE, ClockName.DEFENCE)
                if self.process.contractor_silence.outcome == "firm_by_act":
                    yield Next(RecordKind.FIRM, Permission.ATTEST, self._firm_from_us())
                else:
                    yield self._next(RecordKind.DECISION, ClockName.DECISION)
            case State.DEFENDED:
                yield self._next(RecordKind.DECISION, ClockName.DECISION)
            case State.APPEALED:
                yield self._next(RecordKind.APPEAL_DECISION, ClockName.APPEAL_DECISION)
            case State.DECIDED:
                yield from self._after_decision()
            case State.ANNULLED | State.EXPIRED:
                if self.effect is None:
                    yield Next(RecordKind.EXPIRY, Permission.ATTEST)
            case State.FIRM | State.FORGIVEN:
                pass

    def _after_decision(self) -> Iterator[Next]:
        kind = RecordKind.APPEAL_DECISION if self._is_final() else RecordKind.DECISION
        if kind not in self.deemed_us:
            # Its clocks stand still until the contractor knows of it.
            yield Next(RecordKind.NOTIFICATION, Permission.PROPOSE)
        if kind == RecordKind.DECISION and self.process.clocks.appeal is not None:
            yield self._next(RecordKind.APPEAL, ClockName.APPEAL)
        if (since_us := self._firm_from_us()) is not None:
            yield Next(RecordKind.FIRM, Permission.ATTEST, since_us)

    def _next(self, kind: RecordKind, clock: ClockName) -> Next:
        until_us = self.deadlines[clock].until_us if clock in self.deadlines else None
        return Next(kind, PERMISSIONS.get(kind), None, until_us)


def _awaiting(kind: RecordKind) -> ClockName:
    """Name the clock by which a decision is due."""
    return ClockName.DECISION if kind == RecordKind.DECISION else ClockName.APPEAL_DECISION


def _amount(text: str) -> Fraction | None:
    """Read an amount of money exactly; None where it is none."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
