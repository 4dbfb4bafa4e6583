"""SQL files: queries have names, migrations have numbers, tables follow the declared readings."""

import ast
import re
from collections import Counter

from sensors.readings import FILL_LEVEL
from tests.house.sources import ROOT, assert_none, sources

_MIGRATION = re.compile(r"(\d{4})_(?:pre|post)_[a-z_]+\.sql")
_QUERY = re.compile(r"^-- name: (.*)$", re.MULTILINE)
_STRING = re.compile(r"\$\$.*?\$\$|'[^']*'|--[^\n]*", re.DOTALL)


def _files(folder: str) -> dict[str, str]:
    paths = sorted((ROOT / "storage" / folder).iterdir())
    return {path.name: path.read_text(encoding="utf-8") for path in paths if not path.name.startswith((".", "__"))}


def test_migrations_when_numbered() -> None:
    names = list(_files("migrations"))
    matches = [_MIGRATION.fullmatch(name) for name in names]
    assert_none(name for name, match in zip(names, matches, strict=True) if match is None)
    assert list(range(1, len(names) + 1)) == [int(match.group(1)) for match in matches if match]


def _columns(table: str) -> list[tuple[str, str]]:
    """Read a table's columns, name and type, from the first migration."""
    text = next(iter(_files("migrations").values()))
    match = re.search(rf"^create table {table} \(\n(.*?)^\);", text, re.DOTALL | re.MULTILINE)
    assert match is not None, f"the first migration does not create {table}"
    columns = [line.split() for line in match.group(1).splitlines() if not line.strip().startswith("primary key")]
    return [(column[0], column[1].rstrip(",")) for column in columns]


def test_fill_level_columns_when_compared_with_declaration() -> None:
    expected = [(quantity.name, "integer") for quantity in FILL_LEVEL.quantities]
    for table in ("fill_level", "fill_level_conflict"):
        columns = _columns(table)
        names = [name for name, _ in columns]
        assert expected == columns[names.index("clock") + 1 : names.index("digest")]


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
