"""Contract folders and stored contracts → loaded terms and register."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app import zones
from app.errors import RefusedError, UsageError
from app.jobs import masks
from rules.assets import Register
from rules.calendar import Zone
from rules.contract import Terms
from rules.errors import TermsError
from rules.examples import Reading, readings_of
from rules.load import TERMS_FILES, load_terms, zone_needed
from rules.records import Finding, FindingCode, digest
from rules.register import REGISTER_FILES, load_register, read_register
from storage import contracts
from storage.connection import Connection
from storage.contracts import Added
from storage.sequence import ALL_KNOWN

_ZONE_EXAMPLE = "an IANA name such as America/Santiago"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A contract: its terms, its assets and installations."""

    terms: Terms
    register: Register


def read_folder(folder: Path) -> dict[str, str]:
    """Read a contract folder's files as text.

    Raises
    ------
    UsageError
        When there is no such folder, or a file is not UTF-8.
    """
    if not folder.is_dir():
        if folder.is_file():
            raise UsageError(f"{folder} is a file; name the folder in which it lies")
        raise UsageError(f"{folder} is no folder; poniente new contract {folder} makes one")
    found: dict[str, str] = {}
    for name in (*TERMS_FILES, *REGISTER_FILES):
        path = folder / name
        if path.is_file():
            try:
                found[name] = path.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as error:
                raise UsageError(f"{path} is not UTF-8: {error}") from error
    return found


def load_files(files: dict[str, str]) -> Loaded:
    """Load a contract from its files, with this machine's time-zone data.

    Raises
    ------
    TermsError
        With all findings.
    """
    needed = zone_needed(files)
    try:
        zone = zones.snapshot(needed.name, needed.first_year, needed.last_year)
    except UsageError as error:
        wrong = Finding(FindingCode.MALFORMED, "contract.toml", "calendar.time_zone", needed.name, (_ZONE_EXAMPLE,))
        raise TermsError((wrong,)) from error
    terms = load_terms(files, zone)
    return Loaded(terms, load_register(files, terms))


def open_readings(files: dict[str, str], found: Sequence[Finding]) -> dict[Finding, list[Reading]]:
    """Price the readings of each clause that the terms leave open, on the same example."""
    try:
        needed = zone_needed(files)
        zone = zones.snapshot(needed.name, needed.first_year, needed.last_year)
    except (TermsError, UsageError):
        return {}
    return {one: readings_of(one, files, zone) for one in found}


def add_folder(connection: Connection, folder: Path, now: datetime) -> tuple[Loaded, Added]:
    """Check a contract folder and store what is new of it: a version of the terms, a revision of the register.

    Raises
    ------
    TermsError
        With all findings; nothing is stored then.
    AlreadyThereError
        When the version is stored with other content.
    """
    files = read_folder(folder)
    loaded = load_files(files)
    terms = loaded.terms
    terms_files = {name: files[name] for name in TERMS_FILES if name in files}
    register_files = {name: files[name] for name in REGISTER_FILES if name in files}
    content = {"files": terms_files, "zone": _zone_content(terms.zone)}
    added = contracts.add(
        connection,
        terms.id,
        terms.version,
        # Only the files make a version another one: newer time-zone data must not, and is not taken either.
        (content, digest(terms_files)),
        (register_files, digest(register_files)),
        now,
    )
    masks.store(connection, _versions(connection, terms.id, ALL_KNOWN), loaded.register, now)
    return loaded, added


def load_stored(connection: Connection, contract: str, day: date, known_through: int = ALL_KNOWN) -> Loaded:
    """Load the terms in force on a day, and the register, as known.

    Raises
    ------
    NotThereError
        When the contract is not stored.
    RefusedError
        When no version holds on the day.
    """
    stored = _versions(connection, contract, known_through)
    register = contracts.register(connection, contract, known_through)
    for terms in reversed(stored):
        effective = terms.file.contract.effective
        if effective.since <= day < effective.until:
            return Loaded(terms, read_register(register, terms.zone))
    spans = ", ".join(
        f"{terms.version} from {terms.file.contract.effective.since} until {terms.file.contract.effective.until}"
        for terms in stored
    )
    raise RefusedError(f"no version of {contract} holds on {day}; stored: {spans}")


def first_day(connection: Connection, contract: str) -> date:
    """First day of a contract, by its versions."""
    return min(terms.file.contract.effective.since for terms in _versions(connection, contract, ALL_KNOWN))


def newest_day(connection: Connection, contract: str, known_through: int = ALL_KNOWN) -> date:
    """First day of a contract's newest version, as known."""
    return _versions(connection, contract, known_through)[-1].file.contract.effective.since


def _versions(connection: Connection, contract: str, known_through: int) -> list[Terms]:
    """Versions of a contract's terms, in their order, with the transitions they were stored with."""
    stored = sorted(contracts.versions(connection, contract, known_through).items())
    return [load_terms(content["files"], _zone(content["zone"])) for _, content in stored]


def _zone(content: dict[str, Any]) -> Zone:
    return Zone(content["name"], tuple(content["starts_us"]), tuple(content["offsets_s"]))


def _zone_content(zone: Zone) -> dict[str, Any]:
    return {"name": zone.name, "starts_us": list(zone.starts_us), "offsets_s": list(zone.offsets_s)}
