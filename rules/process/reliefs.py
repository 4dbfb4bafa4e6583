"""Relief: what is claimed, what is decided, and which reliefs the payment may use."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from rules.errors import CalculationError
from rules.process.clocks import Pause
from rules.process.permits import Permits
from rules.process.terms import Permission, Process
from rules.records import Relief


@dataclass(frozen=True, slots=True)
class Claim:
    """A relief that is asked for.

    Parameters
    ----------
    id : str
        Number of the claim.
    code : str
        One of the codes of the terms.
    since_us, until_us : int
        Half open. [us since 1970, UTC]
    at_us : int
        When it was claimed. [us since 1970, UTC]
    person : str
    standards, zones, subjects : tuple of str
        What it is limited to; empty means all.
    evidence : tuple of str
        SHA-256 of the documents that it rests on.
    reason : str
        In the words of who claims it.
    """

    id: str
    code: str
    since_us: int
    until_us: int
    at_us: int
    person: str
    standards: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    reason: str = ""

    def content(self) -> dict[str, Any]:
        """All fields by name; what is stored and digested."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision on a claim.

    Parameters
    ----------
    id : str
        Number of the claim.
    is_granted : bool
    at_us : int
        Date of the act. [us since 1970, UTC]
    person, role, number, date, document_sha256 : str
        Signer, office, number, local date (ISO) and document of the act.
    reason : str
    """

    id: str
    is_granted: bool
    at_us: int
    person: str
    role: str
    number: str
    date: str
    document_sha256: str
    reason: str

    def content(self) -> dict[str, Any]:
        """All fields by name; what is stored and digested."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Known:
    """A claim or a ruling, and the number under which it was committed."""

    seq: int
    said: Claim | Ruling


def said_from(stored: Mapping[str, Any]) -> Claim | Ruling:
    """Read a claim or a ruling out of what was stored.

    Raises
    ------
    CalculationError
        When it is neither.
    """
    kind = Ruling if "is_granted" in stored else Claim
    names = {one.name for one in fields(kind)}
    # JSON has lists where these have tuples.
    stated: dict[str, Any] = {
        name: tuple(cast("list[str]", value)) if isinstance(value, list) else value
        for name, value in stored.items()
        if name in names
    }
    try:
        return kind(**stated)
    except TypeError as error:
        raise CalculationError(f"what was stored is no claim of relief: {error}") from error


def why_not(process: Process, codes: Collection[str], known: Iterable[Known], said: Claim | Ruling) -> str:
    """Say why a claim or a ruling cannot be taken; empty where it can.

    Parameters
    ----------
    process : Process
    codes : collection of str
        Codes of relief that the terms have.
    known : iterable of Known
        What is known before it.
    said : Claim or Ruling

    Returns
    -------
    str
        `id_taken`, `code_unknown`, `span_empty`, `claim_unknown`, `decided`, `lacking`, or what the permissions say.
    """
    before = [one.said for one in known if one.said.id == said.id]
    if isinstance(said, Claim):
        if before:
            return "id_taken"
        if said.code not in codes:
            return "code_unknown"
        if said.until_us <= said.since_us:
            return "span_empty"
        return "" if said.person.strip() else "lacking"
    if not any(isinstance(one, Claim) for one in before):
        return "claim_unknown"
    if any(isinstance(one, Ruling) for one in before):
        return "decided"
    if not all(one.strip() for one in (said.number, said.person, said.reason, said.document_sha256)):
        return "lacking"
    return Permits(process).why_not(said.person, said.role, Permission.DECIDE)


def granted(known: Iterable[Known], known_through: int) -> list[Relief]:
    """Reliefs that the payment uses: claims that an act has granted, as known; sorted by number.

    Parameters
    ----------
    known : iterable of Known
        In any order. Of two rulings on one claim the one committed first holds.
    known_through : int
        Last number to look at.
    """
    seen = sorted((one for one in known if one.seq <= known_through), key=lambda one: one.seq)
    claims = {one.said.id: one.said for one in seen if isinstance(one.said, Claim)}
    rulings: dict[str, Ruling] = {}
    for one in seen:
        if isinstance(one.said, Ruling):
            rulings.setdefault(one.said.id, one.said)
    return [
        _relief(claims[name], ruling)
        for name, ruling in sorted(rulings.items())
        if ruling.is_granted and name in claims
    ]


def _relief(claim: Claim, ruling: Ruling) -> Relief:
    return Relief(
        id=claim.id,
        code=claim.code,
        since_us=claim.since_us,
        until_us=claim.until_us,
        number=ruling.number,
        date=ruling.date,
        signer=ruling.person,
        reason=ruling.reason,
        standards=claim.standards,
        zones=claim.zones,
        subjects=claim.subjects,
        evidence=claim.evidence,
    )


def pauses_of(reliefs: Sequence[Relief], standard: str, zone: str, subject: str) -> tuple[Pause, ...]:
    """Spans in which the clocks of a line may stand still: reliefs whose scope takes the line in.

    Parameters
    ----------
    reliefs : sequence of Relief
        Granted.
    standard, zone, subject : str
        Of the line.
    """
    return tuple(
        Pause(one.code, one.since_us, one.until_us)
        for one in reliefs
        if all(
            not scope or said in scope
            for scope, said in ((one.standards, standard), (one.zones, zone), (one.subjects, subject))
        )
    )
