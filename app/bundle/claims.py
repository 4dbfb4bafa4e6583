"""Registers in a bundle: reliefs and due process as they were recorded, held against the ledger; what reliefs grant.

The ledger holds a digest of each commit's records. Of a public bundle, in which claims say less, it can still be told
which records there must be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.bundle import layout
from app.bundle.chain import shown
from app.bundle.manifest import canonical_json
from app.bundle.report import Code, Difference
from app.errors import BrokenBundleError
from rules.errors import CalculationError
from rules.process.records import record_from
from rules.process.reliefs import Known, granted, said_from
from rules.records import Relief, canonical
from storage.ledger import Entry
from storage.registers import rows_digest

# Which register each file holds.
_REGISTERS = {layout.RELIEFS: "relief", layout.PROCESS: "process"}
# What of a claim tells who asked, in which words, with which papers. A ruling is an officer's act, and public.
_COARSE: Mapping[str, Any] = {"person": "", "reason": "", "evidence": []}


@dataclass(frozen=True, slots=True)
class Recorded:
    """Something as it was recorded: a claim, a ruling, a step of due process.

    Parameters
    ----------
    seq : int
        Number of its commit.
    subject : str
        Number of the claim; line of the statement.
    place : int
        Which record of the subject it is; 1 is the first.
    body : mapping
    """

    seq: int
    subject: str
    place: int
    body: Mapping[str, Any]


def read_records(files: Mapping[str, bytes], file: str) -> list[Recorded]:
    """Read the records of a register.

    Parameters
    ----------
    files : mapping of str to bytes
    file : str
        `layout.RELIEFS` or `layout.PROCESS`.

    Raises
    ------
    BrokenBundleError
        When one is none.
    """
    try:
        found = [Recorded(**one) for one in canonical_json(files[file], file)["records"]]
        _ = granted_of(found) if file == layout.RELIEFS else [record_from(one.body) for one in found]
    except (KeyError, TypeError, CalculationError) as error:
        raise BrokenBundleError(f"{file} holds something else than it should: {error}", file) from error
    return found


def check_records(
    file: str, recorded: Sequence[Recorded], entries: Sequence[Entry], known_through: int, *, is_coarse: bool
) -> list[Difference]:
    """Hold the records of a register against those that the ledger knew when the statement was issued.

    Parameters
    ----------
    file : str
    recorded : sequence of Recorded
    entries : sequence of Entry
        Of the ledger.
    known_through : int
    is_coarse : bool
        Whether claims say less than was recorded, so that their digests do not follow.
    """
    stated: dict[int, list[Recorded]] = {}
    for one in recorded:
        stated.setdefault(one.seq, []).append(one)
    said = [entry.content for entry in entries if entry.kind == "record"]
    entered = {one["seq"]: one for one in said if one["register"] == _REGISTERS[file] and one["seq"] <= known_through}
    found: list[Difference] = []
    for seq, one in sorted(entered.items()):
        rows = stated.pop(seq, [])
        follows = {"subjects": one["subjects"], "count": one["count"], "rows_sha256": one["rows_sha256"]}
        told = {
            "subjects": sorted({row.subject for row in rows}),
            "count": len(rows),
            "rows_sha256": _digest(file, rows),
        }
        place = ", ".join(one["subjects"])
        if not rows:
            found.append(Difference(Code.ABSENT, file, place))
            continue
        found += [
            Difference(Code.DIFFERS, file, place, key, shown(told[key]), shown(follows[key]))
            for key in (("subjects", "count") if is_coarse else follows)
            if told[key] != follows[key]
        ]
    for rows in stated.values():
        found += [Difference(Code.SURPLUS, file, row.subject) for row in rows]
    return found


def granted_of(recorded: Sequence[Recorded]) -> list[Relief]:
    """Reliefs that the statement was made with."""
    known = [Known(one.seq, said_from(one.body)) for one in recorded]
    return granted(known, max((one.seq for one in known), default=0))


def coarsened(content: bytes) -> bytes:
    """Leave out of claims who asked, why and with which papers: the payment asks for none of it."""
    rows = [
        {**one, "body": one["body"] if "is_granted" in one["body"] else {**one["body"], **_COARSE}}
        for one in canonical_json(content, layout.RELIEFS)["records"]
    ]
    return canonical({"records": rows}).encode()


def _digest(file: str, rows: Sequence[Recorded]) -> str:
    return rows_digest(_REGISTERS[file], [(row.subject, row.place, canonical(dict(row.body))) for row in rows])
