"""Where a line stands: its state, its time limits, what had no effect and why, what may come next and by whom."""

from dataclasses import dataclass
from enum import StrEnum

from rules.process.clocks import Deadline, Pause
from rules.process.records import Record, RecordKind
from rules.process.terms import Permission


class State(StrEnum):
    """State of a line in procedure."""

    DRAFT = "draft"
    NOTIFIED = "notified"
    DEFENDED = "defended"
    DECIDED = "decided"
    APPEALED = "appealed"
    FIRM = "firm"
    ANNULLED = "annulled"
    EXPIRED = "expired"
    FORGIVEN = "forgiven"


ENDED = frozenset({State.FIRM, State.ANNULLED, State.EXPIRED, State.FORGIVEN})


class Refusal(StrEnum):
    """Why a record has no effect."""

    LACKING = "lacking"
    ROLE_UNKNOWN = "role_unknown"
    ROLE_LACKS_PERMISSION = "role_lacks_permission"
    INCOMPATIBLE_ACT = "incompatible_act"
    NOT_NOW = "not_now"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    CHANNEL_UNKNOWN = "channel_unknown"
    NO_ALERT = "no_alert"
    NO_CLAUSE = "no_clause"
    AMOUNT = "amount"


class Cause(StrEnum):
    """What ended or moved a line without an act."""

    RAISE_BY = "raise_by"
    CHARGE_BY = "charge_by"
    CITY_SILENCE = "city_silence"


@dataclass(frozen=True, slots=True)
class Matter:
    """What is in procedure.

    Parameters
    ----------
    line : str
        Id of the line.
    fact_us : int
        When the fact was complete. [us since 1970, UTC]
    amount : str
        What the line asks for, positive. [currency]
    pauses : tuple of Pause
        Reliefs granted to the line.
    is_charged : bool
        Whether an issued statement has charged it.
    act_by_us : int or None
        Until when the contractor could have kept the fact from happening; `fact_us` where None.
        [us since 1970, UTC]
    asked : str
        The most that the line ever asked for, by which a reduction is one; `amount` where empty. [currency]
    forgiven_by : str
        Office that a clause lets forgive sums of the line's nature; nobody where empty.
    """

    line: str
    fact_us: int
    amount: str
    pauses: tuple[Pause, ...] = ()
    is_charged: bool = False
    act_by_us: int | None = None
    asked: str = ""
    forgiven_by: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A record without effect, and why.

    Parameters
    ----------
    record : Record
    why : Refusal
    until_us : int or None
        The time limit that it missed or did not await. [us since 1970, UTC]
    what : tuple of str
        Fields that it lacks.
    """

    record: Record
    why: Refusal
    until_us: int | None = None
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Next:
    """What may be done next.

    Parameters
    ----------
    kind : RecordKind
    by : Permission or None
        None where it is the contractor's.
    since_us, until_us : int or None
        From when and until when. [us since 1970, UTC]
    """

    kind: RecordKind
    by: Permission | None
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the payment is told of a line.

    Parameters
    ----------
    effect : str
        `firm`, `reduced` or `annulled`.
    amount : str
        What is charged, positive; `0` where nothing is. [currency]
    record : Record
        The act behind it.
    """

    effect: str
    amount: str
    record: Record


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a line stands.

    Parameters
    ----------
    line : str
    state : State
    cause : Cause or None
        What brought it there, where no act did.
    amount : str
        What it asks for now, positive. [currency]
    deadlines : tuple of Deadline
        All that have begun to run, in their order.
    held : tuple of Record
        Records that had an effect.
    refused : tuple of Refused
        Records that had none.
    following : tuple of Next
        What may come next; empty where the line has ended.
    effect : Effect or None
        Once an act has ended it.
    """

    line: str
    state: State
    cause: Cause | None
    amount: str
    deadlines: tuple[Deadline, ...]
    held: tuple[Record, ...]
    refused: tuple[Refused, ...]
    following: tuple[Next, ...]
    effect: Effect | None
