"""SQL files: queries have names, migrations have numbers, and none that stores readings names a kind."""

import ast
import re
from collections import Counter

from sensors.registry import kinds
from tests.house.sources import ROOT, assert_none, sources

_MIGRATION = re.compile(r"(\d{4})_(?:pre|post)_[a-z_]+\.sql")
_QUERY = re.compile(r"^-- name: (.*)$", re.MULTILINE)
# What reads a kind of its own accord may name it; what stores and gives back readings may not.
_FOR_EVERY_KIND = {"kinds.sql", "masks.sql", "readings.sql"}
_STRING = re.compile(r"\$\$.*?\$\$|'[^']*'|--[^\n]*", re.DOTALL)


def _files(folder: str) -> dict[str, str]:
    paths = sorted((ROOT / "storage" / folder).iterdir())
    return {path.name: path.read_text(encoding="utf-8") for path in paths if not path.name.startswith((".", "__"))}


def test_migrations_when_numbered() -> None:
    names = list(_files("migrations"))
    matches = [_MIGRATION.fullmatch(name) for name in names]
    assert_none(name for name, match in zip(names, matches, strict=True) if match is None)
    assert list(range(1, len(names) + 1)) == [int(match.group(1)) for match in matches if match]


def test_tables_of_kinds_when_searched_in_sql() -> None:
    # They are made from declarations; one written down would be what a new kind has to touch.
    names = {name for kind in kinds() for name in (kind, f"{kind}_conflict", f"stage_{kind}")}
    after = re.compile(r"\b(?:from|into|join|table|update|copy)\s+(?:if not exists\s+)?([a-z_]+)")
    queries = {file: text for file, text in _files("queries").items() if file in _FOR_EVERY_KIND}
    texts = {**_files("migrations"), **queries}
    assert _FOR_EVERY_KIND == set(queries)
    assert_none(f"{file}: {name}" for file, text in texts.items() for name in set(after.findall(text)) & names)


def test_queries_when_named() -> None:
    wrong: list[str] = []
    for file, text in _files("queries").items():
        names = _QUERY.findall(text)
        wrong += [f"{file}: {name!r} is no name" for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]
        wrong += [f"{file}: {name} twice" for name, count in Counter(names).items() if count > 1]
        before, *queries = _QUERY.split(text)
        if _STRING.sub("", before).strip():
            wrong.append(f"{file}: SQL before the first name")
        bodies = dict(zip(queries[::2], queries[1::2], strict=True))
        wrong += [
            f"{file}: {name} is not one statement"
            for name, body in bodies.items()
            if not (bare := _STRING.sub("", body).strip()) or ";" in bare.rstrip(";")
        ]
    assert_none(wrong)


def test_queries_when_asked_for() -> None:
    known = {
        (file.removesuffix(".sql"), name) for file, text in _files("queries").items() for name in _QUERY.findall(text)
    }
    asked: set[tuple[str, str]] = set()
    for source in sources("storage"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "query":
                words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                asked |= {(str(words[0]), str(words[1]))} if len(words) == len(node.args) else set()
    assert_none(asked - known)
