"""Files of a contract folder → terms and register, or the findings that keep them from loading.

The files come in as text: from a folder, or from the database where a version was stored. Nothing is guessed: what is
undeclared, unknown or misspelt is a finding that names file, key and choices.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rules.calendar import Zone
from rules.contract import ContractFile, Point, Terms
from rules.days import read_calendar
from rules.errors import TermsError
from rules.lint import lint_terms
from rules.places import Network, read_network
from rules.process.lint import lint_process
from rules.records import Finding, FindingCode, digest
from rules.tables import rows_of

TERMS_FILES = ("contract.toml", "zones.geojson", "segments.geojson", "points.csv", "indexes.csv", "calendar.toml")
_CONTRACT = "contract.toml"
# No contract runs longer, and no government has said what its clocks do later.
_LAST_YEAR = 2200
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
    said = said_in(files)
    name = _table(said, "calendar").get("time_zone")
    effective = _table(_table(said, "contract"), "effective")
    first, last = effective.get("from"), effective.get("until")
    if not isinstance(name, str):
        raise TermsError((Finding(FindingCode.UNDECLARED, _CONTRACT, "calendar.time_zone"),))
    if not (isinstance(first, date) and isinstance(last, date)):
        return ZoneNeeded(name, 2000, 2050)
    # Installations can be some years older than the terms.
    return ZoneNeeded(name, max(first.year - 3, 1900), min(last.year + 1, _LAST_YEAR))


def _table(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def load_terms(files: Mapping[str, str], zone: Zone) -> Terms:
    """Load one version of the terms.

    Parameters
    ----------
    files : mapping of str to str
        `TERMS_FILES` by name; `indexes.csv` may be missing where nothing is indexed, `segments.geojson` where
        nothing is swept, `points.csv` where nothing is inspected, `calendar.toml` where no day kind or window
        needs it.
    zone : Zone
        Transitions of the contract's time zone.

    Raises
    ------
    TermsError
        With every finding.
    """
    return read_terms(said_in(files), files, zone)


def read_terms(said: Mapping[str, Any], files: Mapping[str, str], zone: Zone) -> Terms:
    """Load terms whose main file is read already; as `load_terms` does, which reads it.

    Parameters
    ----------
    said : mapping
        As `said_in` gives it, whoever may have filled in what was open.
    files : mapping of str to str
        The folder's; the digest is theirs.
    zone : Zone

    Raises
    ------
    TermsError
        With every finding.
    """
    try:
        parsed = ContractFile.model_validate(said)
    except ValidationError as error:
        raise TermsError(tuple(_finding(said, one) for one in error.errors() if not _is_echo(one))) from error
    findings: list[Finding] = []
    zones = _zones(files, findings)
    index_values = _index_values(files, findings)
    content = {name: files[name] for name in TERMS_FILES if name in files}
    transitions = [zone.name, list(zone.starts_us), list(zone.offsets_s)]
    version = digest({"files": content, "zone": transitions})
    points, network = _points(files, findings), _network(files, findings)
    calendar = read_calendar(files, findings)
    holidays = {one.id: frozenset(one.days) for one in calendar.holidays}
    markets = {one.id: one for one in calendar.market}
    terms = Terms(parsed, zone, zones, index_values, version, points, network, holidays, markets)
    findings += [
        *lint_terms(terms),
        *lint_process(parsed.process, holidays, tuple(one.code for one in parsed.relief)),
    ]
    if findings:
        raise TermsError(tuple(findings))
    return terms


def said_in(files: Mapping[str, str]) -> dict[str, Any]:
    """Read the terms' main file as it is written; decimals stay exact.

    Parameters
    ----------
    files : mapping of str to str

    Raises
    ------
    TermsError
        When it is missing, or no TOML.
    """
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


def _points(files: Mapping[str, str], findings: list[Finding]) -> tuple[Point, ...]:
    if "points.csv" not in files:
        return ()
    points = [Point(**row) for row in rows_of(files, "points.csv", ("point", "zone", "stratum"), findings)]
    repeated = _repeated(one.point for one in points)
    findings += [Finding(FindingCode.DUPLICATE_ID, "points.csv", "point", one) for one in repeated]
    return tuple(points)


def _network(files: Mapping[str, str], findings: list[Finding]) -> Network | None:
    text = files.get("segments.geojson")
    return None if text is None else read_network(text, findings)


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _index_values(files: Mapping[str, str], findings: list[Finding]) -> dict[tuple[str, str], Fraction]:
    if "indexes.csv" not in files:
        return {}
    values: dict[tuple[str, str], Fraction] = {}
    columns = ("series", "month", "value", "published", "source")
    for row in rows_of(files, "indexes.csv", columns, findings):
        key = (row["series"], row["month"])
        if key in values:
            findings.append(Finding(FindingCode.DUPLICATE_ID, "indexes.csv", "series, month", " ".join(key)))
        values[key] = Fraction(Decimal(row["value"]))
    return values


def _is_echo(problem: Any) -> bool:  # noqa: ANN401  # pydantic's own error record
    """Whether another problem says the same: rows that failed leave a list too short, a choice is no list either."""
    is_branch = any(str(part).startswith("tuple[") for part in problem["loc"])
    return (problem["type"] == "too_short" and bool(problem["input"])) or (
        problem["type"] == "tuple_type" and is_branch
    )


def _finding(said: Mapping[str, Any], problem: Any) -> Finding:  # noqa: ANN401  # pydantic's own error record
    location = tuple(part for part in problem["loc"] if not str(part).startswith(_BRANCHES))
    key, choices = _key_and_choices(said, location)
    given = problem["input"]
    match problem["type"]:
        case "missing" | "union_tag_not_found":
            return Finding(FindingCode.UNDECLARED, _CONTRACT, key, "", choices)
        case "extra_forbidden":
            _, siblings = _key_and_choices(said, location[:-1])
            return Finding(FindingCode.UNKNOWN_KEY, _CONTRACT, key, str(given), siblings)
        case "union_tag_invalid":
            kinds = tuple(kind.strip(" '") for kind in problem["ctx"]["expected_tags"].split(","))
            key = f"{key}.{problem['ctx']['discriminator'].strip(chr(39))}"
            return Finding(FindingCode.NOT_A_CHOICE, _CONTRACT, key, problem["ctx"]["tag"], kinds)
        case "literal_error" | "enum":
            return Finding(FindingCode.NOT_A_CHOICE, _CONTRACT, key, str(given), choices)
        case _:
            return Finding(
                FindingCode.MALFORMED,
                _CONTRACT,
                key,
                f"{given!r}: {problem['msg'].removeprefix('Value error, ')}",
                choices,
            )


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
            rows = cast("list[Any]", said) if isinstance(said, list) else []
            # A pair that lacks its second half is missing what no row holds.
            said = rows[part] if part < len(rows) else None
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
