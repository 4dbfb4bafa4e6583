"""Relief: claims and rulings stored, and those that the payment and the clocks may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.errors import RefusedError
from app.jobs.contracts import first_day, load_stored, newest_day
from rules.process import reliefs
from rules.process.reliefs import Claim, Known, Ruling
from rules.process.terms import Process
from rules.records import Relief
from storage import contracts, registers
from storage.connection import Connection
from storage.registers import Request
from storage.sequence import ALL_KNOWN

_REGISTER = "relief"


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim, and the ruling on it where there is one."""

    claim: Claim
    ruling: Ruling | None

    @property
    def state(self) -> str:
        """`claimed`, `granted` or `refused`."""
        if self.ruling is None:
            return "claimed"
        return "granted" if self.ruling.is_granted else "refused"


def known(connection: Connection, contract: str, known_through: int = ALL_KNOWN) -> list[Known]:
    """Read all claims and rulings of a contract, as known."""
    rows = registers.read(connection, contract, _REGISTER, known_through)
    return [Known(row.seq, reliefs.said_from(row.body)) for row in rows]


def granted(connection: Connection, contract: str, known_through: int = ALL_KNOWN) -> list[Relief]:
    """Read the reliefs that were granted, as known: what the payment takes."""
    return reliefs.granted(known(connection, contract, known_through), known_through)


def asked(connection: Connection, contract: str) -> list[Asked]:
    """Read each claim with its ruling; sorted by number."""
    found = known(connection, contract)
    rulings = {one.said.id: one.said for one in reversed(found) if isinstance(one.said, Ruling)}
    claims = [one.said for one in found if isinstance(one.said, Claim)]
    return [Asked(claim, rulings.get(claim.id)) for claim in sorted(claims, key=lambda one: one.id)]


def record(connection: Connection, contract: str, said: Claim | Ruling, request: Request, now: datetime) -> int:
    """Record a claim or a ruling.

    Parameters
    ----------
    contract : str
    said : Claim or Ruling
    request : Request
    now : datetime
        Aware.

    Returns
    -------
    int
        Number of the commit.

    Raises
    ------
    RefusedError
        When the terms, the permissions or what is known do not allow it.
    """
    with contracts.alone(connection, contract):
        if (done := registers.answered(connection, contract, request)) is not None:
            return done
        process, before = _process(connection, contract), known(connection, contract)
        codes = _codes(connection, contract, said)
        if why := reliefs.why_not(process, codes, before, said):
            raise RefusedError(_told(process, codes, said, why))
        body: dict[str, Any] = said.content()
        return registers.append(connection, (contract, _REGISTER), [(said.id, body)], request, now)


def _process(connection: Connection, contract: str) -> Process:
    process = load_stored(connection, contract, newest_day(connection, contract)).terms.file.process
    if process is None:
        raise RefusedError(f"the terms of {contract} have no table process, so nobody may decide on relief; add one")
    return process


def _codes(connection: Connection, contract: str, said: Claim | Ruling) -> list[str]:
    """Codes of the terms that hold when what is claimed begins; a ruling rests on its claim."""
    if isinstance(said, Ruling):
        return []
    zone = load_stored(connection, contract, newest_day(connection, contract)).terms.zone
    day = max(zone.local(said.since_us).date(), first_day(connection, contract))
    return [one.code for one in load_stored(connection, contract, day).terms.file.relief]


def _told(process: Process, of_terms: Sequence[str], said: Claim | Ruling, why: str) -> str:
    codes = ", ".join(of_terms) or "none"
    told = {
        "id_taken": "is claimed already; give it another number",
        "code_unknown": f"names a code that the terms do not have; they have {codes}",
        "span_empty": "ends before it begins",
        "claim_unknown": "was never claimed",
        "decided": "is decided, and a ruling never changes",
        "lacking": "lacks the number, signer, reason or document of its act",
        "role_unknown": f"is decided by a role that the terms do not have; they have "
        f"{', '.join(one.id for one in process.role)}",
        "role_lacks_permission": "is decided by a role that may not decide",
    }
    return f"relief {said.id} {told[why]}"
