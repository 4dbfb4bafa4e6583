"""Rows of a city's file → messages, through a declared mapping; the same ones for import and for publishing.

A mapping names every column of the file: what it means, or that it is ignored. Each row becomes one native message,
which is then accepted as if a device had sent it: one way in, whatever the door.
"""

import csv
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app import zones
from app.errors import UsageError
from ingest.client import Delivery
from ingest.worker import decode
from rules.calendar import Zone
from sensors.errors import TopicError
from sensors.readings import KINDS, Reason, Rejection
from sensors.topics import ReadingTopic, build, normal_device
from storage import readings
from storage.connection import Connection
from storage.readings import Batch, Refused, Stored

# Directives that say a time of day, and those whose meaning depends on the machine's locale.
_CLOCK = ("%H", "%I")
_LOCAL = ("%c", "%x", "%X")
# Rows a transaction: enough to be quick, few enough for TimescaleDB's locks on a year of chunks.
ROWS_A_BATCH = 10_000
# Where a row's cells beyond the last column are kept: no column of a file is called so.
_SURPLUS = "\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _same_everywhere(form: str) -> str:
    if wrong := [directive for directive in _LOCAL if directive in form]:
        raise ValueError(f"{', '.join(wrong)} means something else on another machine; write %d, %m, %H ...")
    return form


class TimeColumn(_Table):
    """A column that holds a local date or time; a time with an offset (%z) is an instant by itself."""

    column: str
    format: Annotated[str, AfterValidator(_same_everywhere)] = Field(
        description="As for strptime, for example %d-%m-%Y."
    )
    time_zone: str
    at: time = Field(time(12), description="Time of day that a date alone stands for.")


class ValueColumn(_Table):
    """A column that holds a number."""

    column: str
    divide_by: Annotated[Decimal, BeforeValidator(str), Field(gt=0)] = Decimal(1)


class ColumnMapping(_Table):
    """What a file's columns mean."""

    source: str
    kind: Literal["fill_level"]
    device: str = Field(description="Column that names the device.")
    time: TimeColumn
    values: dict[str, ValueColumn]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: its message, or why there is none."""

    number: int
    topic: str
    payload: bytes
    refused: Rejection | None


def read_mapping(path: Path) -> ColumnMapping:
    """Read a mapping file.

    Raises
    ------
    UsageError
        When it is none, or names a value that the kind does not have.
    """
    try:
        mapping = ColumnMapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise UsageError(f"mapping {path} does not load: {error}") from error
    known = [quantity.said for quantity in KINDS[mapping.kind].quantities]
    if unknown := [name for name in mapping.values if name not in known]:
        raise UsageError(f"mapping {path} names {', '.join(unknown)}; {mapping.kind} has {', '.join(known)}")
    return mapping


def rows(path: Path, mapping: ColumnMapping) -> Iterator[Row]:
    """Turn a CSV file into messages, row by row.

    Raises
    ------
    UsageError
        When the file cannot be read, or its columns are not those of the mapping.
    """
    zone = zones.snapshot(mapping.time.time_zone, 1990, 2040)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restkey=_SURPLUS)
            _check_columns(path, mapping, list(reader.fieldnames or ()))
            for row in reader:
                yield _row(reader.line_num, row, mapping, zone)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV in UTF-8: {error}") from error


def load(connection: Connection, path: Path, mapping: ColumnMapping, now: datetime) -> Iterator[Stored]:
    """Store a file's rows, some thousand a transaction; stored again they are duplicates."""
    readings.prepare(connection)
    deliveries: list[Delivery] = []
    refused: list[Refused] = []
    for row in rows(path, mapping):
        if row.refused:
            refused.append(Refused(f"import/{path.name}", row.payload, now, (row.refused,)))
        else:
            deliveries.append(Delivery(row.topic, row.payload, now, 0, 0, 0))
        if len(deliveries) + len(refused) == ROWS_A_BATCH:
            yield _store(connection, deliveries, refused, now)
            deliveries, refused = [], []
    if deliveries or refused:
        yield _store(connection, deliveries, refused, now)


def _store(connection: Connection, deliveries: list[Delivery], refused: list[Refused], now: datetime) -> Stored:
    batch = decode(deliveries)
    whole = Batch(batch.readings, [*batch.refused, *refused], batch.messages + len(refused))
    return readings.store(connection, whole, now, what="import")


def _check_columns(path: Path, mapping: ColumnMapping, given: list[str]) -> None:
    used = [mapping.device, mapping.time.column, *(value.column for value in mapping.values.values())]
    if missing := [column for column in (*used, *mapping.ignored) if column not in given]:
        raise UsageError(f"{path} has no column {', '.join(missing)}; it has {', '.join(given)}")
    if unnamed := [column for column in given if column not in used and column not in mapping.ignored]:
        raise UsageError(f"{path} has columns the mapping does not name: {', '.join(unnamed)}; map or ignore them")


def _check_cells(row: Mapping[str, str | None]) -> None:
    """Refuse a row with more cells than the file has columns: a comma too many moves all that stands after it."""
    if _SURPLUS in row:
        raise ValueError(f"{row[_SURPLUS]} stands beyond the last column")


def _row(number: int, row: Mapping[str, str | None], mapping: ColumnMapping, zone: Zone) -> Row:
    try:
        _check_cells(row)
        said: dict[str, object] = {"v": 1, "time": _instant(row[mapping.time.column] or "", mapping.time, zone)}
        for name, value in mapping.values.items():
            if cell := (row[value.column] or "").strip():
                said[name] = _number(value, cell)
        topic = build(ReadingTopic(mapping.source, normal_device(row[mapping.device] or ""), mapping.kind))
    except (ValueError, InvalidOperation, TopicError) as error:
        raw = json.dumps(row, sort_keys=True, ensure_ascii=False).encode()
        return Row(number, "", raw, Rejection(Reason.READING_MALFORMED, f"line {number}: {error}"))
    return Row(number, topic, json.dumps(said, separators=(",", ":")).encode(), None)


def _number(value: ValueColumn, cell: str) -> float:
    try:
        return float(Decimal(cell) / value.divide_by)
    except InvalidOperation as error:
        raise ValueError(f"{value.column} {cell!r} is no number") from error


def _instant(cell: str, column: TimeColumn, zone: Zone) -> str:
    local = datetime.strptime(cell.strip(), column.format)  # noqa: DTZ007  # the zone comes from the mapping
    if local.tzinfo is not None:
        return local.astimezone(UTC).isoformat()
    is_date = not any(directive in column.format for directive in _CLOCK)
    micros = zone.instant(local.date(), column.at if is_date else local.time())
    return (_EPOCH + timedelta(microseconds=micros)).isoformat()
