"""What no file of the repository may hold: addresses of package registries, paths of somebody's machine."""

import re

from tests.house.sources import ROOT, assert_none, project_files

# Not "https://.../home/" and not "~/work/": a path that begins there.
_MACHINE_PATH = re.compile(r"(?<![\w.~$})*/-])/(?:home|root|work|Users)/")
_ADDRESS = re.compile(r"https?://")


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="ignore")


def test_locks_when_read() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert_none(line for line in _text(name).splitlines() if _ADDRESS.search(line))


def test_locks_when_compared() -> None:
    # The tests run with what the programs run with.
    lines = set(_text("requirements-dev.lock").splitlines())
    assert_none(line for line in _text("requirements.lock").splitlines() if line not in lines)


def test_locks_when_other_formats() -> None:
    assert_none(path for path in project_files() if path.name in {"uv.lock", "pylock.toml"})


def test_files_when_searched_for_machine_paths() -> None:
    found: list[str] = []
    for path in project_files():
        lines = _text(str(path)).splitlines()
        found += [f"{path}:{number}" for number, line in enumerate(lines, 1) if _MACHINE_PATH.search(line)]
    assert_none(found)
