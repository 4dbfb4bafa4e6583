"""What commands print: data on standard output, everything else on standard error."""

import csv
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def console() -> "Console":
    """Return the console of standard output; as wide as need be where it is no terminal."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 118)


def note(message: str) -> None:
    """Tell people something, on standard error."""
    sys.stderr.write(f"{message}\n")


def print_rows(
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    form: Format,
    *,
    title: str = "",
    right: Sequence[str] = (),
) -> None:
    """Print rows.

    Parameters
    ----------
    columns : mapping of str to str
        Key in a row to heading; the headings are for tables only.
    rows : sequence of mapping
    form : Format
    title : str
        Above a table.
    right : sequence of str
        Keys of columns that hold numbers.
    """
    match form:
        case Format.JSON:
            json.dump([{key: row[key] for key in columns} for row in rows], sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
        case Format.CSV:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([row[key] for key in columns] for row in rows)
        case Format.TABLE:
            from rich.table import Table

            table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, title_style="bold")
            table.show_header = any(columns.values())
            for key, heading in columns.items():
                table.add_column(heading, justify="right" if key in right else "left", overflow="fold")
            for row in rows:
                table.add_row(*(str(row[key]) for key in columns))
            console().print(table)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex: what is recorded of a document.

    Raises
    ------
    UsageError
        When it cannot be read.
    """
    from app.errors import UsageError

    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
