"""Pages that must keep up with the code: commands and settings."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from typer.main import get_command

from app.settings import Settings
from tests.house.sources import ROOT, assert_none

_PREFIX = "PONIENTE_"


def _page(name: str) -> str:
    path = ROOT / "docs" / name
    assert path.is_file(), f"docs/{name} is not there"
    return path.read_text(encoding="utf-8")


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:  # typer bundles its click privately
    """Give each command that does something, with the words that call it."""
    inner: dict[str, Any] | None = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, found in sorted(inner.items()):
        yield from _commands(f"{path} {name}", found)


def _program() -> dict[str, Any]:
    return dict(_commands("poniente", get_command(import_module("app.cli.main").main)))


def _is_in(words: str, text: str) -> bool:
    return re.search(rf"{re.escape(words)}(?![\w-])", text) is not None


def _settings() -> set[str]:
    prefix = Settings.model_config.get("env_prefix")
    assert prefix == _PREFIX
    return {_PREFIX + name.upper() for name in Settings.model_fields}


def test_commands_when_counted() -> None:
    assert {"poniente demo"} <= set(_program())


def test_help_when_read() -> None:
    # An example is a line that one could type; typer shows the epilog below the help.
    program = _program()
    assert_none(f"{path}: no help" for path, command in program.items() if not command.help)
    shown = {path: f"{command.help} {command.epilog}" for path, command in program.items()}
    assert_none(f"{path}: no example" for path, text in shown.items() if not _is_in(path, text))


def test_commands_when_looked_up_in_page() -> None:
    page = _page("cli.md")
    assert_none(path for path in _program() if not _is_in(path, page))


def test_settings_when_looked_up_in_page() -> None:
    page = _page("settings.md")
    assert_none(name for name in _settings() if not _is_in(name, page))


def test_page_when_it_names_settings() -> None:
    stated = set(re.findall(rf"\b{_PREFIX}[A-Z0-9_]+", _page("settings.md")))
    assert_none(stated - _settings())
