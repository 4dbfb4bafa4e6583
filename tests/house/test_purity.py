"""What code may not touch: the clock, the environment, files, binary floats."""

import ast
from collections.abc import Callable, Iterator

from tests.house.sources import Source, assert_none, imports, is_below, references, sources

# References are followed through imports, not through variables: nobody hides a clock by accident.
_CLOCKS = frozenset(
    {
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "time",
    }
)
_PROCESS = frozenset(
    {"os.environ", "os.environb", "os.getenv", "os.getenvb", "zoneinfo", "time.localtime", "time.tzset"}
)
# Numba takes its cache folder from the environment while it is imported: before anybody could hand over a setting.
# Numba's cache folder; the time zones of a wheel; where a test lets a worker die.
_ENVIRONMENT_DOORS = {"kernels/_jit.py", "ingest/sources.py", "ingest/failpoints.py"}
_WORLD = frozenset(
    {
        *("asyncio", "ctypes", "glob", "http", "importlib", "logging", "multiprocessing", "os", "pathlib", "secrets"),
        *("shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "urllib"),
        *("locale", "paho", "psycopg", "structlog", "time", "uuid", "zoneinfo"),
        *("input", "open", "print"),
        *("io.open", "io.FileIO", "io.open_code"),
        *(
            "numpy.load",
            "numpy.save",
            "numpy.savez",
            "numpy.fromfile",
            "numpy.loadtxt",
            "numpy.savetxt",
            "numpy.memmap",
        ),
    }
)
_GENERATORS = {"numpy.random.default_rng", "random.Random"}


def _named(places: tuple[str, ...], names: frozenset[str], doors: set[str] | None = None) -> list[str]:
    """List what refers to any of some names, or to anything below one."""
    found = {
        f"{source.at(node)} {name}"
        for source in sources(*places)
        if source.path.as_posix() not in (doors or set())
        for node, name in references(source.tree)
        if is_below(name, names)
    }
    return sorted(found)


def _calls(places: tuple[str, ...], is_bad: Callable[[ast.Call, str], bool]) -> list[str]:
    return [
        f"{source.at(call)} {name}"
        for source in sources(*places)
        for call, name in _called(source)
        if is_bad(call, name)
    ]


def _called(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Give each call with the full name of what it calls; of a method of an expression, its own name."""
    full = {id(node): name for node, name in references(source.tree)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            own = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            yield node, full.get(id(node.func), own)


def _takes_process_zone(call: ast.Call, name: str) -> bool:
    last = name.rpartition(".")[2]
    count = len(call.args) + len(call.keywords)
    return (last == "astimezone" and count == 0) or (last == "fromtimestamp" and count <= 1)


def _is_unseeded(call: ast.Call, name: str) -> bool:
    if name in _GENERATORS:
        return not call.args and not call.keywords
    return is_below(name, frozenset({"random", "numpy.random"}))


def test_clock_when_below_ingest() -> None:
    assert_none(_named(("sensors", "kernels", "rules", "storage"), _CLOCKS))


def test_environment_when_below_app() -> None:
    assert_none(_named(("sensors", "kernels", "rules", "storage", "ingest"), _PROCESS, _ENVIRONMENT_DOORS))


def test_process_zone_when_below_app() -> None:
    assert_none(_calls(("sensors", "kernels", "rules", "storage", "ingest"), _takes_process_zone))


def test_environment_doors_when_read() -> None:
    # A door that reads no more is no longer one.
    reading = {door for door in _ENVIRONMENT_DOORS if _named((door,), _PROCESS)}
    assert_none(_ENVIRONMENT_DOORS - reading)


def test_world_when_in_rules() -> None:
    assert_none(_named(("rules",), _WORLD))


def test_randomness_when_in_results() -> None:
    assert_none(_calls(("rules", "kernels", "storage"), _is_unseeded))


def test_storage_names_when_outside_storage() -> None:
    assert_none(_named(("sensors", "kernels", "rules", "ingest", "app"), frozenset({"psycopg.sql"})))


def test_statements_when_executed() -> None:
    def is_formatted(call: ast.Call, name: str) -> bool:
        is_execute = name.rpartition(".")[2] in {"execute", "executemany", "copy"}
        return is_execute and any(isinstance(argument, ast.JoinedStr | ast.BinOp) for argument in call.args[:1])

    assert_none(_calls(("storage", "ingest", "app"), is_formatted))


def test_floats_when_near_money() -> None:
    places = ("rules/payments", "rules/contract.py")
    literals = [
        f"{source.at(node)} {node.value!r}"
        for source in sources(*places)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
    ]
    assert_none(literals)
    assert_none(_calls(places, lambda _call, name: name in {"float", "complex"}))
    assert_none(
        source.at(node) for source in sources(*places) for node, name in imports(source.tree) if name == "math"
    )
