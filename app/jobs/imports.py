"""Rows of a city's files → messages, through a declared mapping; the same ones for import and for publishing.

Files are CSV, or Parquet by the ending of their names.

A mapping names every column of the files: what it means, or that it is ignored. Each row becomes one native message,
which is then accepted as if a device had sent it: one way in, whatever the door. Of files that are polls of a feed
the name says when the poll was made, which is when the gateway received what stands in them.
"""

import csv
import json
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from io import TextIOWrapper
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from app import zones
from app.errors import UsageError
from app.jobs import folders
from ingest.client import Delivery
from ingest.decoding import Decoding
from ingest.storing import parts
from rules.calendar import Zone
from sensors.errors import TopicError
from sensors.readings import Kind, Reason, Rejection
from sensors.registry import kinds
from sensors.topics import ReadingTopic, build, normal_device
from storage import readings
from storage.connection import Connection
from storage.instants import microseconds
from storage.readings import Batch, Stored
from storage.refusals import Refused

# Directives that say a time of day, and those whose meaning depends on the machine's locale or zone.
_CLOCK = ("%H", "%I")
_LOCAL = ("%c", "%x", "%X", "%Z")
# Rows a transaction: enough to be quick, few enough for TimescaleDB's locks on a year of chunks.
ROWS_A_BATCH = 10_000
# Feeds repeat the same times over and over, and reading one costs more than all else about a row.
_TIMES_KEPT = 65_536
# Where a row's cells beyond the last column are kept: no column of a file is called so.
_SURPLUS = "\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARQUET = ".parquet"
# Text, and where a file keeps times as such, a date, a local time, or with a zone an instant.
_Cells: TypeAlias = Mapping[str, str | date | None]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _same_everywhere(form: str) -> str:
    if wrong := [directive for directive in _LOCAL if directive in form]:
        raise ValueError(f"{', '.join(wrong)} means something else on another machine; write %d, %m, %H ...")
    return form


def _distinct(header: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(header)) < len(header) or "" in header:
        raise ValueError(f"columns {', '.join(header)} need names, each its own")
    return header


_Form = Annotated[str, AfterValidator(_same_everywhere)]


def _check_zone(form: str, time_zone: str | None) -> None:
    """Refuse a local time whose zone nobody declared: a guess would move every reading by hours."""
    if time_zone is None and "%z" not in form:
        raise ValueError(f"{form!r} says a local time; declare its time_zone, for example America/New_York")


def _says_clock(form: str) -> bool:
    return any(directive in form for directive in _CLOCK)


class TimeColumn(_Table):
    """A column that holds a local date or time; a time with an offset (%z) is an instant by itself."""

    column: str
    format: _Form | None = Field(None, description="As for strptime, for example %d-%m-%Y. Of times that are text.")
    time_zone: str | None = None
    at: time = Field(time(12), description="Time of day that a date alone stands for.")

    @model_validator(mode="after")
    def _declare(self) -> Self:
        if self.format is not None:
            _check_zone(self.format, self.time_zone)
        return self


class FileTime(_Table):
    """The name of each file, which says when the rows in it were received."""

    file_name: _Form = Field(description="As for strptime, for example poll-%Y%m%dT%H%M%S.csv.")
    time_zone: str | None = None

    @model_validator(mode="after")
    def _declare(self) -> Self:
        _check_zone(self.file_name, self.time_zone)
        if not _says_clock(self.file_name):
            raise ValueError(f"{self.file_name!r} says no time of day, and a date alone is no time of reception")
        return self


class ValueColumn(_Table):
    """A column that holds a number."""

    column: str
    divide_by: Annotated[Decimal, BeforeValidator(str), Field(gt=0)] = Decimal(1)


class WordColumn(_Table):
    """A column that holds a name."""

    column: str


def _known(name: str) -> str:
    if name not in kinds():
        raise ValueError(f"{name!r} is no kind of reading; there are {', '.join(kinds())}")
    return name


class ColumnMapping(_Table):
    """What a file's columns mean."""

    source: str
    kind: Annotated[str, AfterValidator(_known)]
    device: str = Field(description="Column that names the device.")
    delimiter: str = Field(",", min_length=1, max_length=1, description="What stands between two cells.")
    header: Annotated[tuple[str, ...], AfterValidator(_distinct)] = Field(
        (), description="Columns of a file that has no header line."
    )
    time: TimeColumn
    network_time: FileTime | None = None
    values: dict[str, ValueColumn] = {}
    words: dict[str, WordColumn] = {}
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: its message, or why there is none."""

    file: str
    number: int
    topic: str
    payload: bytes
    refused: Rejection | None


def read_mapping(path: Path) -> ColumnMapping:
    """Read a mapping file.

    Raises
    ------
    UsageError
        When it is none, or names a value that the kind does not have, or none that the kind must have.
    """
    try:
        mapping = ColumnMapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {_plain(one['msg'])}" for one in error.errors())
        raise UsageError(f"mapping {path} does not load: {said}") from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"mapping {path} does not load: {error}") from error
    _check_names(path, mapping, kinds()[mapping.kind])
    return mapping


def _plain(said: str) -> str:
    # What pydantic puts before the words of a check of ours.
    return said.removeprefix("Value error, ")


def _check_names(path: Path, mapping: ColumnMapping, kind: Kind) -> None:
    for given, has in ((mapping.values, kind.quantities), (mapping.words, kind.words)):
        known = [one.said for one in has]
        if unknown := [name for name in given if name not in known]:
            raise UsageError(f"mapping {path} names {', '.join(unknown)}; {kind.name} has {', '.join(known)}")
    said = {one.name: one.said for one in (*kind.quantities, *kind.words)}
    for group in kind.needs:
        names = [said[name] for name in group]
        if not any(name in mapping.values or name in mapping.words for name in names):
            raise UsageError(f"mapping {path} maps no {' or '.join(names)}, without which {kind.name} says nothing")


def rows(path: Path, mapping: ColumnMapping) -> Iterator[Row]:
    """Turn a CSV or Parquet file, or those of a folder or a tar archive, into messages, row by row.

    Files come in the order of the times that their names say, else of their names.

    Raises
    ------
    UsageError
        When a file cannot be read, its columns are not those of the mapping, or its name says no time.
    """
    making = _Making(mapping)
    try:
        with folders.opened(path) as files:
            for network_time, name in sorted((making.network_time(path, name), name) for name in files):
                shown = str(path) if [path.name] == list(files) else f"{path}/{name}"
                with files[name]() as raw:
                    read = _rows_of_parquet if _is_parquet(name) else _rows_of_csv
                    yield from read(raw, mapping, making, (shown, name, network_time))
    except (*folders.UNREADABLE, UnicodeDecodeError, csv.Error) as error:
        form = "Parquet" if _is_parquet(path.name) else "CSV in UTF-8"
        raise UsageError(f"{path} cannot be read as {form}: {error}") from error


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(_PARQUET)


def _rows_of_csv(
    raw: IO[bytes], mapping: ColumnMapping, making: "_Making", file: tuple[str, str, str]
) -> Iterator[Row]:
    shown, name, network_time = file
    if mapping.time.format is None:
        raise UsageError(f"{shown}: {mapping.time.column} says times as text; declare their time.format")
    with TextIOWrapper(raw, encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, mapping.header or None, restkey=_SURPLUS, delimiter=mapping.delimiter)
        _check_columns(shown, mapping, list(reader.fieldnames or ()))
        for row in reader:
            yield _row(making, row, (name, "line", reader.line_num), network_time)


def _rows_of_parquet(
    raw: IO[bytes], mapping: ColumnMapping, making: "_Making", file: tuple[str, str, str]
) -> Iterator[Row]:
    shown, name, network_time = file
    from app.jobs.parquet import Wanted, table_of  # noqa: PLC0415  # polars is heavy, and CSV does not need it

    table, said = table_of(shown, raw), mapping.time
    _check_columns(shown, mapping, list(table.schema))
    names = [mapping.device, *(one.column for one in mapping.words.values())]
    values = [one.column for one in mapping.values.values()]
    wanted = Wanted(said.column, names, values, said.format is not None, said.time_zone is not None)
    for number, row in enumerate(table.rows(wanted), start=1):
        yield _row(making, row, (name, "row", number), network_time)


def _row(making: "_Making", row: _Cells, place: tuple[str, str, int], network_time: str) -> Row:
    name, what, number = place
    try:
        return Row(name, number, *making.message(row, network_time), None)
    except (ValueError, InvalidOperation, TopicError) as error:
        raw = json.dumps(row, sort_keys=True, ensure_ascii=False, default=str).encode()
        return Row(name, number, "", raw, Rejection(Reason.READING_MALFORMED, f"{what} {number}: {error}"))


def load(connection: Connection, path: Path, mapping: ColumnMapping, now: datetime) -> Iterator[Stored]:
    """Store the rows of files, some thousand a transaction; stored again they are duplicates."""
    readings.prepare(connection)
    decoding = Decoding()
    delivery, refused = _nothing(), list[Refused]()
    for row in rows(path, mapping):
        if row.refused:
            refused.append(Refused(f"import/{row.file}", row.payload, now, (row.refused,)))
        else:
            delivery.add(Delivery([row.topic.encode()], [row.payload], [0], [microseconds(now)], 0))
        if len(delivery) + len(refused) == ROWS_A_BATCH:
            yield from _store(connection, decoding.batch(delivery), refused, now)
            delivery, refused = _nothing(), []
    if len(delivery) or refused:
        yield from _store(connection, decoding.batch(delivery), refused, now)


def _nothing() -> Delivery:
    return Delivery([], [], [], [], 0)


def _store(connection: Connection, batch: Batch, refused: list[Refused], now: datetime) -> Iterator[Stored]:
    whole = replace(batch, refused=[*batch.refused, *refused], messages=batch.messages + len(refused))
    for part in parts(whole):
        yield readings.store(connection, part, now, what="import")


def _check_columns(shown: str, mapping: ColumnMapping, given: Sequence[str]) -> None:
    columns = [*mapping.values.values(), *mapping.words.values()]
    used = [mapping.device, mapping.time.column, *(one.column for one in columns)]
    if missing := [column for column in (*used, *mapping.ignored) if column not in given]:
        raise UsageError(f"{shown} has no column {', '.join(missing)}; it has {', '.join(given)}")
    if unnamed := [column for column in given if column not in used and column not in mapping.ignored]:
        raise UsageError(f"{shown} has columns the mapping does not name: {', '.join(unnamed)}; map or ignore them")


class _Making:
    """Makes messages of rows."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._mapping = mapping
        said = mapping.time
        self._zone = _zone(said.time_zone or "UTC")
        self._instant = _reader(said.format, said.time_zone, said.at) if said.format else _no_instant
        name = mapping.network_time
        self._network_time = _reader(name.file_name, name.time_zone, time()) if name else None

    def network_time(self, path: Path, name: str) -> str:
        """Read when a file's rows were received; empty where nobody declared that its name says so.

        Raises
        ------
        UsageError
            When the name says none.
        """
        if self._network_time is None:
            return ""
        try:
            return self._network_time(PurePosixPath(name).name)
        except ValueError as error:
            raise UsageError(f"{path}: {error}; take the file out, or correct network_time.file_name") from error

    def message(self, row: _Cells, network_time: str) -> tuple[str, bytes]:
        """Make topic and payload of a row.

        Raises
        ------
        ValueError, InvalidOperation, TopicError
            When a cell does not say what the mapping means it to.
        """
        mapping = self._mapping
        _check_cells(row)
        said: dict[str, object] = {"v": 1, "time": self._time(row[mapping.time.column])}
        if network_time:
            said["network_time"] = network_time
        for name, value in mapping.values.items():
            if cell := _text(row[value.column]):
                said[name] = _number(value, cell)
        for name, word in mapping.words.items():
            if cell := _text(row[word.column]):
                said[name] = cell
        topic = build(ReadingTopic(mapping.source, normal_device(_text(row[mapping.device])), mapping.kind))
        return topic, json.dumps(said, separators=(",", ":")).encode()

    def _time(self, cell: str | date | None) -> str:
        match cell:
            case datetime() if cell.tzinfo is not None:
                return cell.isoformat()
            case datetime():
                return _in_zone(self._zone, cell.date(), cell.time())
            case date():
                return _in_zone(self._zone, cell, self._mapping.time.at)
            case _:
                return self._instant(_text(cell))


def _text(cell: str | date | None) -> str:
    return cell.strip() if isinstance(cell, str) else str(cell or "")


def _check_cells(row: _Cells) -> None:
    """Refuse a row with more cells than the file has columns: a comma too many moves all that stands after it."""
    if _SURPLUS in row:
        raise ValueError(f"{row[_SURPLUS]} stands beyond the last column")


def _number(value: ValueColumn, cell: str) -> float:
    try:
        number = float(Decimal(cell) / value.divide_by)
    except InvalidOperation as error:
        raise ValueError(f"{value.column} {cell!r} is no number") from error
    if not math.isfinite(number):
        raise ValueError(f"{value.column} {cell!r} is no number")
    return number


def _no_instant(cell: str) -> str:
    # Only a file that types its times needs no form, and there it is a cell that holds none.
    raise ValueError(f"{cell!r} is no time")


def _reader(form: str, time_zone: str | None, at: time) -> Callable[[str], str]:
    """Make the function that reads times of one form, as instants in UTC."""
    # Where none is declared each time says its own offset.
    zone = _zone(time_zone or "UTC")

    @lru_cache(_TIMES_KEPT)
    def read(cell: str) -> str:
        return _instant(cell, form, zone, at)

    return read


@cache
def _zone(name: str) -> Zone:
    return zones.snapshot(name, 1990, 2040)


def _instant(cell: str, form: str, zone: Zone, at: time) -> str:
    local = datetime.strptime(cell, form)  # noqa: DTZ007  # the zone comes from the mapping
    if local.tzinfo is not None:
        return local.astimezone(UTC).isoformat()
    return _in_zone(zone, local.date(), local.time() if _says_clock(form) else at)


def _in_zone(zone: Zone, day: date, clock: time) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=zone.instant(day, clock))).isoformat()
    except OverflowError as error:
        raise ValueError(f"day {day} has no instant") from error
