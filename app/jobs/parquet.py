"""Rows of Parquet files, as cells that mean what the same cells of a CSV file would.

Numbers become text, exactly as they are kept, so that one way of reading numbers serves both. Times do not: a
timestamp that is typed as one is an instant, or a local time where its column has no zone, without a form to declare.
Columns of a type that would lose something on the way (a ticket's number kept as a float) are refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import IO

import polars as pl

from app.errors import UsageError

# Rows in memory at once: some megabytes, whatever the file's size.
_ROWS_AT_ONCE = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds in one unit of a column, as numerator and denominator.
_UNITS = {"ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Columns by what is to be read from them.

    Parameters
    ----------
    time : str
    names : sequence of str
        Columns of the device and of words.
    values : sequence of str
        Columns of numbers.
    has_format, has_zone : bool
        Whether a form of times that are text, and a zone of local ones, are declared.
    """

    time: str
    names: Sequence[str]
    values: Sequence[str]
    has_format: bool
    has_zone: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A file of which the columns are known and the rows not yet read."""

    shown: str
    frame: pl.LazyFrame
    schema: Mapping[str, pl.DataType]

    def rows(self, wanted: Wanted) -> Iterator[dict[str, str | date | None]]:
        """Read the wanted cells of each row.

        Yields
        ------
        dict of str to str, date or None
            A datetime with a zone is an instant, one without a local time; both stand in the time's column only.

        Raises
        ------
        UsageError
            When a column's type does not say what is wanted of it, or the file is damaged.
        """
        self._check(wanted)
        columns = [wanted.time, *(name for name in (*wanted.names, *wanted.values) if name != wanted.time)]
        time_type = self.schema[wanted.time]
        # As the numbers they are kept as: no zone has to be known for it.
        kept = pl.col(wanted.time).cast(pl.Int64) if isinstance(time_type, pl.Datetime) else pl.col(wanted.time)
        frame = self.frame.select(kept, *(pl.col(name) for name in dict.fromkeys(columns[1:])))
        offset = 0
        while True:
            try:
                part = frame.slice(offset, _ROWS_AT_ONCE).collect()
            except pl.exceptions.PolarsError as error:
                raise _unreadable(self.shown, error) from error
            for row in part.iter_rows(named=True):
                made = {name: _text(cell) for name, cell in row.items()}
                yield {**made, wanted.time: _time(row[wanted.time], time_type)}
            if len(part) < _ROWS_AT_ONCE:
                return
            offset += len(part)

    def _check(self, wanted: Wanted) -> None:
        for name in wanted.names:
            if not _is_name(self.schema[name]):
                raise self._untold(name, "text or whole numbers", "a name")
        for name in wanted.values:
            if not _is_value(self.schema[name]):
                raise self._untold(name, "numbers or text", "a value")
        one = self.schema[wanted.time]
        if not (_is_text(one) or isinstance(one, (pl.Date, pl.Datetime))):
            raise self._untold(wanted.time, "timestamps, dates or text", "a time")
        if _is_text(one) and not wanted.has_format:
            raise UsageError(f"{self.shown}: {wanted.time} says times as text; declare their time.format")
        is_local = isinstance(one, pl.Date) or (isinstance(one, pl.Datetime) and one.time_zone is None)
        if is_local and not wanted.has_zone:
            detail = "says local times; declare their time.time_zone, for example America/New_York"
            raise UsageError(f"{self.shown}: {wanted.time} {detail}")

    def _untold(self, name: str, allowed: str, what: str) -> UsageError:
        return UsageError(f"{self.shown}: {name} is of type {self.schema[name]}; {what} needs {allowed}")


def table_of(shown: str, raw: IO[bytes]) -> Table:
    """Look into a file; rows are read later, from the same open file.

    Raises
    ------
    UsageError
        When it is no Parquet file.
    """
    try:
        frame = pl.scan_parquet(raw)
        return Table(shown, frame, frame.collect_schema())
    except pl.exceptions.PolarsError as error:
        raise _unreadable(shown, error) from error


def _unreadable(shown: str, error: Exception) -> UsageError:
    return UsageError(f"{shown} cannot be read as Parquet: {str(error).partition(chr(10))[0]}")


def _is_text(one: pl.DataType) -> bool:
    return isinstance(one, (pl.String, pl.Categorical, pl.Enum))


def _is_name(one: pl.DataType) -> bool:
    # A column that never holds anything has no type of its own.
    return _is_text(one) or one.is_integer() or isinstance(one, (pl.Date, pl.Null))


def _is_value(one: pl.DataType) -> bool:
    return _is_text(one) or one.is_numeric() or isinstance(one, (pl.Boolean, pl.Null))


def _text(cell: object) -> str:
    """Write a cell as a CSV file would; a float as the shortest text that is the same float."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, bool) else str(cell)


def _time(cell: object, kept: pl.DataType) -> str | date | None:
    if not isinstance(kept, pl.Datetime) or not isinstance(cell, int):
        return cell if isinstance(cell, date) else _text(cell)
    numerator, denominator = _UNITS[kept.time_unit]
    try:
        instant = _EPOCH + timedelta(microseconds=cell * numerator // denominator)
    except OverflowError:
        return str(cell)  # beyond the year 9999: no time, and refused as such
    return instant if kept.time_zone else instant.replace(tzinfo=None)
