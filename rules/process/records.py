"""Records of due process: what was done on a line, when, by whom, with which document.

A record is never changed. Whether it had an effect is not in it: that follows from all records of the line and the
terms (`rules.process.standing`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from rules.errors import CalculationError
from rules.process.terms import Permission


class RecordKind(StrEnum):
    """What was done."""

    ALERT = "alert"
    NOTICE = "notice"
    NOTIFICATION = "notification"
    DEFENCE = "defence"
    HEARING = "hearing"
    DECISION = "decision"
    APPEAL = "appeal"
    APPEAL_DECISION = "appeal_decision"
    FIRM = "firm"
    FORGIVING = "forgiving"
    EXPIRY = "expiry"


# Which permission each act of the city needs. What the contractor files needs none.
PERMISSIONS: dict[RecordKind, Permission] = {
    RecordKind.ALERT: Permission.OBSERVE,
    RecordKind.NOTICE: Permission.PROPOSE,
    RecordKind.NOTIFICATION: Permission.PROPOSE,
    RecordKind.HEARING: Permission.HEAR,
    RecordKind.DECISION: Permission.DECIDE,
    RecordKind.APPEAL_DECISION: Permission.DECIDE,
    RecordKind.FIRM: Permission.ATTEST,
    RecordKind.FORGIVING: Permission.DECIDE,
    RecordKind.EXPIRY: Permission.ATTEST,
}
# Records that an administrative act stands behind: number, date, signer, document.
ACTS = frozenset(
    {
        RecordKind.NOTICE,
        RecordKind.DECISION,
        RecordKind.APPEAL_DECISION,
        RecordKind.FIRM,
        RecordKind.FORGIVING,
        RecordKind.EXPIRY,
    }
)
DECISIONS = frozenset({RecordKind.DECISION, RecordKind.APPEAL_DECISION})
NOTIFIED = frozenset({RecordKind.NOTICE, *DECISIONS})
OUTCOMES = ("upheld", "accepted", "reduced")
_DIGEST_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was done on a line.

    Parameters
    ----------
    kind : RecordKind
    line : str
        Id of the line.
    at_us : int
        When it was signed, sent or filed; an act that has a date alone, at the beginning of the local day.
        [us since 1970, UTC]
    person : str
        Who signed, sent or filed it.
    role : str
        The office in which they acted; empty for the contractor.
    number : str
        Of the act.
    document_sha256 : str
        Digest of what was signed or filed.
    channel, proof_sha256 : str
        By which channel it was sent, and the digest of the proof that it was.
    of : str
        What a notification brings: a notice or a decision.
    outcome, amount : str
        Of a decision: upheld, accepted (the defence is), or reduced to an amount. [currency, positive]
    reason : str
        Reason of a decision, ground of a defence, in the words of who gives it.
    """

    kind: RecordKind
    line: str
    at_us: int
    person: str
    role: str = ""
    number: str = ""
    document_sha256: str = ""
    channel: str = ""
    proof_sha256: str = ""
    of: str = ""
    outcome: str = ""
    amount: str = ""
    reason: str = ""

    def content(self) -> dict[str, Any]:
        """All fields by name; what is stored and digested."""
        return asdict(self)


def record_from(said: Mapping[str, Any]) -> Record:
    """Read a record out of what was stored.

    Raises
    ------
    CalculationError
        When it is none.
    """
    known = {one.name for one in fields(Record)}
    try:
        stated: dict[str, Any] = {name: value for name, value in said.items() if name in known}
        stated["kind"] = RecordKind(said["kind"])
        return Record(**stated)
    except (TypeError, ValueError, KeyError) as error:
        raise CalculationError(f"what was stored is no record of due process: {error}") from error


def lacking(record: Record) -> tuple[str, ...]:
    """Name what a record must say and does not.

    A defence needs a document and nothing more: nobody loses a right for want of a form. A notification without proof
    is none, for the clocks would then run from what nobody can show.
    """
    needed = ["person"]
    if record.kind in PERMISSIONS:
        needed.append("role")
    if record.kind in ACTS:
        needed += ["number", "document_sha256"]
    if record.kind in {RecordKind.DEFENCE, RecordKind.APPEAL, RecordKind.HEARING}:
        needed.append("document_sha256")
    if record.kind in {RecordKind.NOTIFICATION, RecordKind.ALERT}:
        needed += ["channel", "proof_sha256"]
    if record.kind in DECISIONS or record.kind == RecordKind.FORGIVING:
        needed.append("reason")
    missing = [name for name in needed if not str(getattr(record, name)).strip()]
    for name in ("document_sha256", "proof_sha256"):
        if name in needed and name not in missing and not is_digest(getattr(record, name)):
            missing.append(name)
    if record.kind in DECISIONS and record.outcome not in OUTCOMES:
        missing.append("outcome")
    if record.kind == RecordKind.NOTIFICATION and record.of not in NOTIFIED:
        missing.append("of")
    return tuple(missing)


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256 in hex."""
    return len(text) == _DIGEST_LENGTH and all(one in "0123456789abcdef" for one in text)
