"""Files of a contract folder → terms and register, or the findings that keep them from loading.

The files come in as text: from a folder, or from the database where a version was stored. Nothing is guessed: what is
undeclared, unknown or misspelt is a finding that names file, key and choices.
"""

import csv
import io
import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rules.calendar import Zone, month_days
from rules.contract import Asset, ContractFile, Installation, Register, Terms
from rules.errors import TermsError
from rules.lint import lint_register, lint_terms
from rules.records import Finding, FindingCode, digest

TERMS_FILES = ("contract.toml", "zones.geojson", "indexes.csv")
REGISTER_FILES = ("assets.csv", "installations.csv")
# Still standing, still hanging: the year 2200.
_OPEN_END_US = 7_258_118_400_000_000
_CONTRACT = "contract.toml"
# How pydantic names the branches of a union or a validator in a path; no key of the file.
_BRANCHES = ("function-", "constrained-", "literal[", "tuple[", "[key]")


@dataclass(frozen=True, slots=True)
class ZoneNeeded:
    """The time zone whose transitions a contract needs, and the years over which it needs them."""

    name: str
    first_year: int
    last_year: int


def zone_needed(files: Mapping[str, str]) -> ZoneNeeded:
    """Read which time zone must be looked up before the terms can load.

    Raises
    ------
    TermsError
        When the file cannot be read that far.
    """
    said = _toml(files)
    name = _table(said, "calendar").get("time_zone")
    effective = _table(_table(said, "contract"), "effective")
    first, last = effective.get("from"), effective.get("until")
    if not isinstance(name, str):
        raise TermsError((Finding(FindingCode.UNDECLARED, _CONTRACT, "calendar.time_zone"),))
    # Installations can be some years older than the terms.
    years = (first.year - 3, last.year + 1) if isinstance(first, date) and isinstance(last, date) else (2000, 2050)
    return ZoneNeeded(name, *years)


def _table(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def load_terms(files: Mapping[str, str], zone: Zone) -> Terms:
    """Load one version of the terms.

    Parameters
    ----------
    files : mapping of str to str
        `TERMS_FILES` by name; `indexes.csv` may be missing where nothing is indexed.
    zone : Zone
        Transitions of the contract's time zone.

    Raises
    ------
    TermsError
        With every finding.
    """
    said = _toml(files)
    try:
        parsed = ContractFile.model_validate(said)
    except ValidationError as error:
        raise TermsError(tuple(_finding(said, one) for one in error.errors() if not _is_echo(one))) from error
    findings: list[Finding] = []
    zones = _zones(files, findings)
    index_values = _index_values(files, findings)
    content = {name: files[name] for name in TERMS_FILES if name in files}
    transitions = [zone.name, list(zone.starts_us), list(zone.offsets_s)]
    terms = Terms(parsed, zone, zones, index_values, digest({"files": content, "zone": transitions}))
    findings += lint_terms(terms)
    if findings:
        raise TermsError(tuple(findings))
    return terms


def load_register(files: Mapping[str, str], terms: Terms) -> Register:
    """Load assets and installations.

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
    findings: list[Finding] = []
    assets = [
        Asset(row["asset"], row["zone"], row["class"], *_span(row, terms.zone))
        for row in _rows(files, "assets.csv", ("asset", "zone", "class", "valid_from", "valid_until"), findings)
    ]
    columns = ("source", "device", "asset", "valid_from", "valid_until", "empty_mm", "full_mm", "full_at")
    installations = [
        _installation(row, terms.zone)
        for row in _rows(files, "installations.csv", (*columns, "signed_city", "signed_contractor"), findings)
    ]
    register = Register(tuple(assets), tuple(installations))
    findings += lint_register(register, terms)
    if findings:
        raise TermsError(tuple(findings))
    return register


def _toml(files: Mapping[str, str]) -> dict[str, Any]:
    if _CONTRACT not in files:
        raise TermsError((Finding(FindingCode.FILE_MISSING, _CONTRACT, ""),))
    try:
        return tomllib.loads(files[_CONTRACT], parse_float=Decimal)
    except (tomllib.TOMLDecodeError, InvalidOperation) as error:
        raise TermsError((Finding(FindingCode.FILE_MALFORMED, _CONTRACT, "", str(error)),)) from error


def _zones(files: Mapping[str, str], findings: list[Finding]) -> dict[str, str]:
    name = "zones.geojson"
    if name not in files:
        findings.append(Finding(FindingCode.FILE_MISSING, name, ""))
        return {}
    try:
        features = json.loads(files[name], parse_float=Decimal)["features"]
        found = [(str(feature["properties"]["zone_id"]), str(feature["properties"]["name"])) for feature in features]
    except (ValueError, LookupError, TypeError) as error:
        findings.append(Finding(FindingCode.FILE_MALFORMED, name, "features[].properties.zone_id, name", str(error)))
        return {}
    findings += [Finding(FindingCode.DUPLICATE_ID, name, "zone_id", one) for one in _repeated(z for z, _ in found)]
    return dict(found)


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _index_values(files: Mapping[str, str], findings: list[Finding]) -> dict[tuple[str, str], Fraction]:
    if "indexes.csv" not in files:
        return {}
    values: dict[tuple[str, str], Fraction] = {}
    columns = ("series", "month", "value", "published", "source")
    for row in _rows(files, "indexes.csv", columns, findings):
        key = (row["series"], row["month"])
        if key in values:
            findings.append(Finding(FindingCode.DUPLICATE_ID, "indexes.csv", "series, month", " ".join(key)))
        values[key] = Fraction(Decimal(row["value"]))
    return values


def _rows(
    files: Mapping[str, str], name: str, columns: Sequence[str], findings: list[Finding]
) -> list[dict[str, str]]:
    """Rows of a CSV file whose every cell can be read; the others are findings."""
    if name not in files:
        findings.append(Finding(FindingCode.FILE_MISSING, name, ""))
        return []
    reader = csv.DictReader(io.StringIO(files[name]), strict=True)
    given = tuple(reader.fieldnames or ())
    if missing := [column for column in columns if column not in given]:
        findings.append(Finding(FindingCode.UNDECLARED, name, ", ".join(missing), ", ".join(given), tuple(columns)))
        return []
    good: list[dict[str, str]] = []
    for number, row in enumerate(reader, start=2):
        if problem := next((bad for column in columns if (bad := _problem(column, row[column]))), ""):
            findings.append(Finding(FindingCode.MALFORMED, name, f"line {number}", problem))
        else:
            good.append({column: row[column].strip() for column in columns})
    return good


def _problem(column: str, cell: str | None) -> str:
    """Say what is wrong with a cell, by its column's name."""
    if cell is None:
        return f"{column} is missing"
    text = cell.strip()
    try:
        if column in ("valid_from", "valid_until") and (text or column == "valid_from"):
            datetime.fromisoformat(text)
        elif column.endswith("_mm") and text:
            int(text)
        elif (column == "full_at" and text) or column == "value":
            number = Decimal(text)
            if not number.is_finite() or number <= 0:
                return f"{column} {text!r}"
        elif column == "month":
            month_days(text)
        elif column in ("asset", "zone", "source", "device", "series", "month", "published") and not text:
            return f"{column} is empty"
    except (ValueError, InvalidOperation):
        return f"{column} {text!r}"
    return ""


def _span(row: Mapping[str, str], zone: Zone) -> tuple[int, int]:
    return _instant(row["valid_from"], zone), _instant(row["valid_until"], zone) if row[
        "valid_until"
    ] else _OPEN_END_US


def _instant(text: str, zone: Zone) -> int:
    """Instant of a local date (its midnight), a local time, or a time with an offset."""
    said = datetime.fromisoformat(text)
    if said.tzinfo is None:
        return zone.instant(date(said.year, said.month, said.day), time(said.hour, said.minute, said.second))
    return round(Fraction(said.timestamp()) * 1_000_000)


def _installation(row: Mapping[str, str], zone: Zone) -> Installation:
    since_us, until_us = _span(row, zone)
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
    )


def _is_echo(problem: Any) -> bool:  # noqa: ANN401  # pydantic's own error record
    """Whether another problem says the same: rows that failed leave a list too short, a choice is no list either."""
    is_branch = any(str(part).startswith("tuple[") for part in problem["loc"])
    return (problem["type"] == "too_short" and bool(problem["input"])) or (
        problem["type"] == "tuple_type" and is_branch
    )


def _finding(said: dict[str, Any], problem: Any) -> Finding:  # noqa: ANN401  # pydantic's own error record
    location = tuple(part for part in problem["loc"] if not str(part).startswith(_BRANCHES))
    key, choices = _key_and_choices(said, location)
    given = problem["input"]
    match problem["type"]:
        case "missing" | "union_tag_not_found":
            return Finding(FindingCode.UNDECLARED, _CONTRACT, key, "", choices)
        case "extra_forbidden":
            _, siblings = _key_and_choices(said, location[:-1])
            return Finding(FindingCode.UNKNOWN_KEY, _CONTRACT, key, str(given), siblings)
        case "literal_error" | "enum" | "union_tag_invalid":
            return Finding(FindingCode.NOT_A_CHOICE, _CONTRACT, key, str(given), choices)
        case _:
            return Finding(FindingCode.MALFORMED, _CONTRACT, key, f"{given!r}: {problem['msg']}", choices)


def _key_and_choices(said: object, location: Sequence[int | str]) -> tuple[str, tuple[str, ...]]:
    """Path of a key as a person would name it, and what may stand there."""
    annotation: Any = ContractFile
    path = ""
    for part in location:
        candidates = _unwrapped(annotation)
        model = next((one for one in candidates if _is_model(one) and part in _fields(one)), None)
        if model is not None:
            annotation = _fields(model)[part]
            path += f".{part}" if path else str(part)
            said = cast("dict[str, Any]", said).get(str(part)) if isinstance(said, dict) else None
        elif isinstance(part, int):
            said = cast("list[Any]", said)[part] if isinstance(said, list) else None
            name = cast("dict[str, Any]", said).get("id", part + 1) if isinstance(said, dict) else part + 1
            path += f"[{name}]"
        elif not any(part in _tags(one) for one in candidates):
            path += f".{part}" if path else str(part)
            annotation = str
    return path, _choices(annotation)


def _choices(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401  # an annotation is no class
    found: list[str] = []
    for one in _unwrapped(annotation):
        if get_origin(one) is Literal:
            found += [str(choice) for choice in get_args(one)]
        elif isinstance(one, type) and issubclass(one, StrEnum):
            found += [member.value for member in one]
        elif one is bool:
            found += ["true", "false"]
        elif _is_model(one) and one.__name__ != "Dated":
            found += [str(name) for name in _fields(one)]
    return tuple(dict.fromkeys(found))


def _unwrapped(annotation: Any) -> list[Any]:  # noqa: ANN401  # an annotation is no class
    """Take apart unions, lists, mappings and annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if origin is tuple or origin is list or origin is Union or origin is UnionType:
        return [one for part in get_args(annotation) if part not in (Ellipsis, NoneType) for one in _unwrapped(part)]
    if origin is dict:
        return _unwrapped(get_args(annotation)[0])
    return [annotation]


def _is_model(annotation: Any) -> bool:  # noqa: ANN401  # an annotation is no class
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: Any) -> dict[Any, Any]:  # noqa: ANN401  # an annotation is no class
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _tags(model: Any) -> tuple[Any, ...]:  # noqa: ANN401  # an annotation is no class
    """Values of a model's `kind`, by which pydantic names it in a path."""
    return get_args(_fields(model)["kind"]) if _is_model(model) and "kind" in _fields(model) else ()
