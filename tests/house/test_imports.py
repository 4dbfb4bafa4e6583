"""Who imports whom, where import-linter's contracts cannot say it or must be held complete."""

import json
import subprocess
import sys
import tomllib
from importlib.machinery import PathFinder
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import grimp

from tests.house.sources import PACKAGES, ROOT, assert_none, imports, is_below, sources

_LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
_HEAVY = {"numba", "llvmlite", "kernels"}


def _contract(name: str) -> dict[str, Any]:
    return next(contract for contract in _LINTER["contracts"] if contract["name"] == name)


def _foreign(place: str, allowed: set[str]) -> list[str]:
    known = frozenset({*sys.stdlib_module_names, *allowed})
    return [
        f"{source.at(node)} {name}"
        for source in sources(place)
        for node, name in imports(source.tree)
        if not is_below(name, known)
    ]


def test_layers_when_compared_with_folders() -> None:
    layers = {name.strip() for layer in _contract("Imports flow one way")["layers"] for name in layer.split("|")}
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(PACKAGES) == layers == folders == set(_LINTER["root_packages"])


def test_forbidden_rules_when_compared_with_folder() -> None:
    listed = set(_contract("A worker starts without Numba and knows no contract")["forbidden_modules"])
    children: set[str] = grimp.build_graph("rules", cache_dir=None).find_children("rules")
    expected = {"kernels", "numba"} | children - {"rules.records"}
    assert_none(expected ^ listed)


def test_forbidden_dependencies_when_compared_with_project() -> None:
    listed = set(_contract("Kernels know arrays only")["forbidden_modules"])
    used = {name.partition(".")[0] for source in sources(*PACKAGES) for _, name in imports(source.tree)}
    ours = {*PACKAGES, *sys.stdlib_module_names, "numpy", "numba", "typing_extensions"}
    assert_none(used - listed - ours)


def test_imports_of_kernels_when_read() -> None:
    assert_none(_foreign("kernels", {"kernels", "numba", "numpy"}))


def test_imports_of_sensors_when_read() -> None:
    assert_none(_foreign("sensors", {"sensors", "msgspec", "numpy"}))


def test_imports_of_records_when_read() -> None:
    assert_none(_foreign("rules/records.py", set()))


def _loaded_by(module: str) -> set[str]:
    code = f"import {module}, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=60)
    return {str(name).partition(".")[0] for name in json.loads(done.stdout)}


def test_command_line_when_imported() -> None:
    assert_none(_loaded_by("app.cli.main") & _HEAVY)


def test_worker_when_imported() -> None:
    assert_none(_loaded_by("ingest.worker") & {*_HEAVY, "app"})


def test_package_names_when_looked_up() -> None:
    elsewhere: list[str] = []
    for entry in sys.path:
        for name in PACKAGES:
            spec = PathFinder.find_spec(name, [entry or str(Path.cwd())])
            places = (
                [Path(place) for place in (spec.submodule_search_locations or [spec.origin or ""])] if spec else []
            )
            elsewhere += [str(place) for place in places if place.resolve() != (ROOT / name).resolve()]
    assert_none(elsewhere)


def test_distribution_when_asked_for_its_place() -> None:
    said = distribution("poniente").read_text("direct_url.json")
    assert said is not None, "poniente is not installed from a folder: pip install --no-deps -e ."
    origin = json.loads(said)
    assert (True, ROOT.resolve().as_uri()) == (origin["dir_info"].get("editable"), origin["url"])
    others = {name: packages_distributions().get(name, []) for name in PACKAGES}
    assert_none(f"{name}: {', '.join(found)}" for name, found in others.items() if set(found) - {"poniente"})
