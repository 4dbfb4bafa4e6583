"""Loader of the SQL files: `query(file, name)`.

A query begins with a line `-- name: its_name`; the comment lines after it describe it and are not sent.
"""

from functools import cache
from importlib.resources import files
from typing import LiteralString, cast


@cache
def _queries(file: str) -> dict[str, str]:
    text = (files("storage") / "queries" / f"{file}.sql").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for block in text.split("-- name: ")[1:]:
        name, _, body = block.partition("\n")
        found[name.strip()] = body.strip()
    return found


def query(file: str, name: str) -> LiteralString:
    """Return one named query of a file in `storage/queries`.

    Raises
    ------
    KeyError
        When the file has no query of that name.
    """
    # A file of this package is as literal as a string in the code; parameters are always bound.
    return cast("LiteralString", _queries(file)[name])
