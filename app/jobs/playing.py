"""Recorded messages: files of one JSON object a line, `topic` and `payload` or, where that is no text, `base64`."""

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.errors import UsageError
from app.jobs import imports


def write(path: Path, messages: Iterable[tuple[str, bytes]]) -> None:
    """Write messages to a file."""
    with path.open("w", encoding="utf-8") as stream:
        for topic, payload in messages:
            try:
                said = {"topic": topic, "payload": payload.decode()}
            except UnicodeDecodeError:
                said = {"topic": topic, "base64": base64.b64encode(payload).decode()}
            stream.write(json.dumps(said, ensure_ascii=False) + "\n")


def messages_of(path: Path, mapping: Path | None) -> Iterator[tuple[str, bytes]]:
    """Messages of a recorded file, or of the rows of CSV files through a mapping.

    Raises
    ------
    UsageError
        When a line is no message, or a row cannot be mapped.
    """
    # A mapping that does not load is refused before anybody is called.
    return _recorded(path) if mapping is None else _mapped(path, imports.read_mapping(mapping))


def _recorded(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                yield _message(path, number, line)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _mapped(path: Path, mapping: imports.ColumnMapping) -> Iterator[tuple[str, bytes]]:
    """Read twice, which costs less than a month of polls in memory."""
    bad, first = 0, ""
    for row in imports.rows(path, mapping):
        if row.refused:
            bad += 1
            where = "" if row.file == path.name else f"{row.file} "
            first = first or where + row.refused.detail
    # Before anything is sent: half a file published helps nobody.
    if bad:
        raise UsageError(f"{path}: {bad} rows cannot be read, nothing is published; the first: {first}")
    yield from ((row.topic, row.payload) for row in imports.rows(path, mapping))


def _message(path: Path, number: int, line: str) -> tuple[str, bytes]:
    try:
        said = json.loads(line)
        payload = base64.b64decode(said["base64"]) if "base64" in said else said["payload"].encode()
        return str(said["topic"]), payload
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} line {number} is no message with topic and payload: {error}") from error
