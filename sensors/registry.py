"""Which kinds of reading there are: every module under `sensors/kinds`, found by itself."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from sensors import kinds as folder
from sensors.readings import Kind


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by name, in the order of their names."""
    modules = (
        importlib.import_module(f"{folder.__name__}.{one.name}") for one in pkgutil.iter_modules(folder.__path__)
    )
    found: list[Kind] = [module.KIND for module in modules]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}
