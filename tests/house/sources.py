"""The checkout as data: files, syntax trees, and the names that code refers to."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("sensors", "kernels", "rules", "storage", "ingest", "app")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Documented: TypeAlias = Function | ast.ClassDef | ast.Module


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file.

    Parameters
    ----------
    path : Path
        From the root of the checkout.
    text : str
    tree : ast.Module
    """

    path: Path
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """Say where a node stands, as editors understand it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    @property
    def is_public(self) -> bool:
        """Whether no part of its path begins with an underscore."""
        return not any(part.startswith("_") for part in self.path.parts)


@cache
def sources(*places: str) -> tuple[Source, ...]:
    """Read the Python files below folders, or single files, of the checkout."""
    paths = [path for place in places for path in sorted((ROOT / place).rglob("*.py"))]
    paths += [ROOT / place for place in places if place.endswith(".py")]
    if not paths:
        raise FileNotFoundError(f"no Python files in {places}: the house rules must be told where they went")
    texts = [(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in paths]
    return tuple(Source(path, text, ast.parse(text, str(path))) for path, text in texts)


@cache
def project_files() -> tuple[Path, ...]:
    """List the files that are, or with the next commit may be, in the repository; from its root."""
    # The checkout may belong to somebody else than who runs the tests, as in a container.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30)
    return tuple(sorted(path for name in said.stdout.split("\0") if name and (ROOT / (path := Path(name))).is_file()))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Give all functions and methods, inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def without_docstring(node: Documented) -> list[ast.stmt]:
    """Give a body without its docstring."""
    return node.body if ast.get_docstring(node, clean=False) is None else node.body[1:]


def imports(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Give each imported module or member by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def _bindings(tree: ast.AST) -> dict[str, str]:
    """Map the names that imports bind to what they stand for."""
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            # `import a.b` binds a.
            bound |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            bound |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return bound


def _dotted(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)) is not None:
        return f"{before}.{node.attr}"
    return None


def references(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Give every name and attribute with what it stands for: `dt.now` as `datetime.datetime.now`.

    Imports count as references to what they name. Assignments are not followed.
    """
    yield from imports(tree)
    bound = _bindings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (dotted := _dotted(node)) is not None:
            first, dot, rest = dotted.partition(".")
            yield node, bound.get(first, first) + dot + rest


def is_below(name: str, places: frozenset[str]) -> bool:
    """Tell whether a dotted name is one of some places or lies below one."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in places for count in range(1, len(parts) + 1))


def assert_none(found: Iterable[object]) -> None:
    """Fail with the whole list of what breaks a rule, one a line."""
    if lines := sorted(str(each) for each in found):
        pytest.fail("\n".join(lines), pytrace=False)
