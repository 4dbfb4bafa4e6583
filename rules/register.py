"""Assets and installations of a contract folder → register, as one revision."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction

from rules.assets import JUMP_PPM, Asset, Installation, Register
from rules.calendar import Zone
from rules.contract import Terms
from rules.errors import TermsError
from rules.lint import lint_register
from rules.measures import RecordedMeasure
from rules.records import Finding, FindingCode
from rules.tables import rows_of

REGISTER_FILES = ("assets.csv", "installations.csv")
_ASSETS = ("asset", "zone", "class", "valid_from", "valid_until")
_INSTALLATIONS = (
    "source", "device", "asset", "valid_from", "valid_until", "empty_mm", "full_mm", "full_at", "signed_city",
    "signed_contractor",
)  # fmt: skip
# For devices behind a shared gateway, for vehicles, and for sensors whose echoes jump less, or more, than most.
_OPTIONAL = ("gateway", "working", "jump")
# Still standing, still hanging: the year 2200.
_OPEN_END_US = 7_258_118_400_000_000


def read_register(files: Mapping[str, str], zone: Zone) -> Register:
    """Read assets and installations, as they were stored; which terms know their zones is not asked.

    Parameters
    ----------
    files : mapping of str to str
        `REGISTER_FILES` by name; without one there are none of its rows.
    zone : Zone
        For dates without an offset.

    Raises
    ------
    TermsError
        When a row cannot be read.
    """
    findings = list[Finding]()
    stands = rows_of(files, "assets.csv", _ASSETS, findings) if "assets.csv" in files else ()
    hangs = (
        rows_of(files, "installations.csv", _INSTALLATIONS, findings, _OPTIONAL)
        if "installations.csv" in files
        else ()
    )
    assets = [Asset(row["asset"], row["zone"], row["class"], *_span(row, zone)) for row in stands]
    installations = [_installation(row, zone) for row in hangs]
    if findings:
        raise TermsError(tuple(findings))
    return Register(tuple(assets), tuple(installations))


def load_register(files: Mapping[str, str], terms: Terms) -> Register:
    """Read assets and installations, and hold them against the terms.

    Parameters
    ----------
    files : mapping of str to str
        `REGISTER_FILES` by name.
    terms : Terms

    Raises
    ------
    TermsError
        With every finding.
    """
    # What people record needs neither containers nor devices; all else does.
    if any(not isinstance(one.measure, RecordedMeasure) for one in terms.file.standard):
        missing = [Finding(FindingCode.FILE_MISSING, name, "") for name in REGISTER_FILES if name not in files]
        if missing:
            raise TermsError(tuple(missing))
    register = read_register(files, terms.zone)
    if findings := lint_register(register, terms):
        raise TermsError(tuple(findings))
    return register


def _span(row: Mapping[str, str], zone: Zone) -> tuple[int, int]:
    until_us = _instant(row["valid_until"], zone) if row["valid_until"] else _OPEN_END_US
    return _instant(row["valid_from"], zone), until_us


def _instant(text: str, zone: Zone) -> int:
    """Instant of a local date (its midnight), a local time, or a time with an offset."""
    said = datetime.fromisoformat(text)
    if said.tzinfo is None:
        return zone.instant(date(said.year, said.month, said.day), time(said.hour, said.minute, said.second))
    return round(Fraction(said.timestamp()) * 1_000_000)


def _installation(row: Mapping[str, str], zone: Zone) -> Installation:
    since_us, until_us = _span(row, zone)
    number, _, level = row["working"].partition(":")
    return Installation(
        source=row["source"],
        device=row["device"].lower(),
        asset=row["asset"],
        since_us=since_us,
        until_us=until_us,
        empty_mm=int(row["empty_mm"]) if row["empty_mm"] else None,
        full_mm=int(row["full_mm"]) if row["full_mm"] else None,
        full_at_ppm=round(Decimal(row["full_at"]) * 1_000_000) if row["full_at"] else None,
        signed_city=row["signed_city"],
        signed_contractor=row["signed_contractor"],
        gateway=row["gateway"],
        working_input=int(number or 0),
        is_working_high=level != "low",
        jump_ppm=round(Decimal(row["jump"]) * 1_000_000) if row["jump"] else JUMP_PPM,
    )
