"""Files of a statement: the body as issued, its lines, and the issue record beside it."""

import json
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from app.errors import UsageError
from app.export.tables import statement_csv
from rules.records import Act, Choice, Relief, canonical
from storage.instants import microseconds


def write_statement(folder: Path, body: str, record: dict[str, Any]) -> None:
    """Write statement.json, statement.csv and issue.json.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    body : str
        Canonical JSON; written byte for byte.
    record : dict
        The issue record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "statement.json").write_text(body, encoding="utf-8", newline="")
    # A spreadsheet takes UTF-8 for what it is only with the mark before it.
    (folder / "statement.csv").write_text(statement_csv(json.loads(body)), encoding="utf-8-sig", newline="")
    (folder / "issue.json").write_text(canonical(record), encoding="utf-8", newline="")


def write_text(path: Path, content: str) -> None:
    """Write a file.

    Raises
    ------
    UsageError
        When it cannot be written there.
    """
    try:
        path.write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}") from error


def read_text(path: Path) -> str:
    """Read a file.

    Raises
    ------
    UsageError
        When it cannot be read as UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def read_decided(path: Path) -> list[Act | Choice]:
    """Read what officers decided: a JSON object with a list `acts`, or `choices`, or both.

    Raises
    ------
    UsageError
        When there is neither, or one is incomplete.
    """
    said = read_json(path)
    if not any(isinstance(said.get(name), list) for name in ("acts", "choices")):
        raise UsageError(f"{path} has no list `acts`, and none `choices`")
    acts = [Act(**one) for one in _complete(said.get("acts", []), Act, f"act %d of {path}")]
    return [*acts, *(Choice(**one) for one in _complete(said.get("choices", []), Choice, f"choice %d of {path}"))]


def _complete(rows: list[dict[str, str]], kind: type[Act | Choice], told: str) -> list[dict[str, str]]:
    names = [field.name for field in fields(kind) if field.default is MISSING]
    optional = {field.name for field in fields(kind)} - set(names)
    for number, one in enumerate(rows, start=1):
        if sorted(one.keys() - optional) != sorted(names):
            raise UsageError(f"{told % number} must have {', '.join(names)}, no more and no less")
    return rows


def read_reliefs(path: Path) -> list[Relief]:
    """Read reliefs that were granted: a JSON object with a list `reliefs`; instants are ISO 8601 with their offset.

    Raises
    ------
    UsageError
        When a relief is incomplete.
    """
    said = read_json(path).get("reliefs")
    if not isinstance(said, list):
        raise UsageError(f"{path} has no list `reliefs`")
    reliefs: list[Relief] = []
    for number, one in enumerate(cast("list[dict[str, Any]]", said), start=1):
        try:
            reliefs.append(_relief(one))
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"relief {number} of {path} cannot be read: {error!r}") from error
    return reliefs


def _relief(said: dict[str, Any]) -> Relief:
    known = dict(said)
    since, until = (datetime.fromisoformat(known.pop(name)) for name in ("since", "until"))
    if since.tzinfo is None or until.tzinfo is None or since >= until:
        raise ValueError(f"{since} to {until} is no span of instants with their offsets")
    scopes: dict[str, Any] = {
        name: tuple(known.pop(name, ())) for name in ("standards", "zones", "subjects", "evidence")
    }
    return Relief(since_us=microseconds(since), until_us=microseconds(until), **known, **scopes)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    UsageError
        When it is none.
    """
    try:
        said = json.loads(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise UsageError(f"{path} is no JSON object")
    return cast("dict[str, Any]", said)
