"""Contract folders out of the product's own template."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from app.errors import UsageError
from rules.schema import NAME as SCHEMA
from rules.schema import contract_schema

TEMPLATE_ID = "vega-poniente-2026"


def contract_files() -> dict[str, str]:
    """Read the template's files."""
    folder = files("app") / "templates" / "contract"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def own_contract(folder: Path) -> dict[str, str]:
    """Give the template's terms the folder's name for an id, so that it is no demo's."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:64] or "contract"
    return {"contract.toml": contract_files()["contract.toml"].replace(TEMPLATE_ID, name, 1)}


def write_contract(folder: Path, changed: Mapping[str, str] | None = None) -> None:
    """Write a contract folder.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    changed : mapping of str to str, optional
        Files that differ from the template.

    Raises
    ------
    UsageError
        When something is there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    schema = json.dumps(contract_schema(), indent=1, ensure_ascii=False) + "\n"
    for name, content in {**contract_files(), SCHEMA: schema, **(changed or {})}.items():
        (folder / name).write_text(content, encoding="utf-8")
