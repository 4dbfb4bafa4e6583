"""The door to Numba: where machine code is kept, and that the ways of running a kernel agree."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from kernels import _jit, intervals
from tests.kernels.cases import i64, u8

ROOT: Final = Path(__file__).parents[2]
TIMEOUT_S: Final = 100

PROGRAM: Final = """
import json
import numpy as np
from numba import config
from kernels import availability, levels

t_us = np.array([0, 5, 9, 30, 31, 40, 44, 47], np.int64)
fill_ppm = np.array([900, 950, 300, 320, 905, 910, 100, 890], np.int32)
lo_ppm, hi_ppm = fill_ppm - 20, fill_ppm + 20
adverse = np.array([0, 1, 0, 1, 0, 1, 0, 1, 1], np.uint8)
scan_us, start_us, end_us = (np.array(bound, np.int64) for bound in ([-5, 3, 40], [0, 9, 40], [60, 31, 41]))
state = levels.states(lo_ppm, hi_ppm, np.full(8, 880, np.int32))
kind = levels.drops(t_us, lo_ppm, hi_ppm, 300, 150, 10)
found = [
    [state, kind],
    levels.longest_run(t_us, state, adverse, 10, scan_us, start_us, end_us),
    levels.time_above(t_us, state, adverse, 10, start_us, end_us),
    levels.longest_unemptied(t_us, kind, adverse, 10, scan_us, start_us, end_us),
    levels.emptying_count(kind, t_us, start_us, end_us),
    availability.slots(t_us, 7, start_us, end_us),
    [availability.unmeasured(t_us, 10, start_us, end_us)],
    availability.gaps(t_us, 10, -5, 60),
]
print(json.dumps({
    "cache": config.CACHE_DIR,
    "compiled": hasattr(levels._levels.compare, "signatures"),
    "bounds_checked": bool(config.BOUNDSCHECK),
    "found": [[column.tolist() for column in columns] for columns in found],
}))
"""


def run(*, home: Path, **settings: str) -> dict[str, object]:
    """Run the program in a process of its own, with a cache of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**kept, "XDG_CACHE_HOME": str(home), **settings},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.stderr == ""
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Run the program as it is usually run, with an empty cache."""
    return run(home=tmp_path_factory.mktemp("plain"))


def test_kernels_are_compiled_and_kept_when_nothing_is_set(plain: dict[str, object]) -> None:
    folder = Path(str(plain["cache"]))
    assert plain["compiled"] is True
    assert _jit.sources_digest(ROOT / "kernels") == folder.name.rsplit("-", 1)[1]
    assert list(folder.rglob("*.nbc"))


def test_results_are_the_same_when_bounds_are_checked(plain: dict[str, object], tmp_path: Path) -> None:
    checked = run(home=tmp_path, NUMBA_BOUNDSCHECK="1")
    assert checked["bounds_checked"] is True
    assert plain["found"] == checked["found"]
    assert not list(tmp_path.rglob("*.nbc"))


def test_results_are_the_same_when_compiling_is_switched_off(plain: dict[str, object], tmp_path: Path) -> None:
    interpreted = run(home=tmp_path, NUMBA_DISABLE_JIT="1")
    assert interpreted["compiled"] is False
    assert plain["found"] == interpreted["found"]


def test_results_are_the_same_when_loaded_from_the_cache(plain: dict[str, object]) -> None:
    home = Path(str(plain["cache"])).parents[1]
    before = sorted(home.rglob("*.nbc"))
    assert plain == run(home=home)
    assert before == sorted(home.rglob("*.nbc"))


def test_cache_is_the_users_when_it_is_set(tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert str(own) == run(home=tmp_path, NUMBA_CACHE_DIR=str(own))["cache"]


def test_cache_is_chosen_anew_when_a_parent_process_has_other_sources(tmp_path: Path) -> None:
    stale = tmp_path / "poniente" / "numba-0.0.0-0123456789abcdef"
    found = run(home=tmp_path, NUMBA_CACHE_DIR=str(stale))["cache"]
    assert str(tmp_path / "poniente" / _jit_name()) == found


def _jit_name() -> str:
    folder = _jit.cache_folder()
    assert folder is not None
    return folder.name


def test_digest_changes_when_a_source_changes(tmp_path: Path) -> None:
    source = tmp_path / "one.py"
    source.write_text("A = 1\n")
    before = _jit.sources_digest(tmp_path)
    source.write_text("A = 2\n")
    assert before != _jit.sources_digest(tmp_path)


def test_folder_is_below_the_temporary_one_when_the_cache_folder_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = _jit.cache_folder()
    assert folder is not None
    assert tmp_path / f"poniente-{os.getuid()}" == folder.parent


def test_folder_is_below_home_when_the_stated_one_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = _jit.cache_folder()
    assert folder is not None
    assert tmp_path / ".cache" / "poniente" == folder.parent


def test_folder_is_none_when_none_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(blocked))
    assert _jit.cache_folder() is None


def test_folder_is_refused_when_everybody_may_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "poniente"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = _jit.cache_folder()
    assert folder is not None
    assert shared != folder.parent


def test_kernels_start_when_nothing_can_be_kept(tmp_path: Path, plain: dict[str, object]) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    found = run(home=blocked, NUMBA_CACHE_DIR=str(blocked / "below"))
    assert plain["found"] == found["found"]


def test_kernel_has_one_signature_when_called_with_read_only_and_writeable_arrays() -> None:
    part, window = u8([1, 1]), i64([0])
    for writeable in (True, False):
        t_us = i64([5])
        t_us.flags.writeable = writeable
        assert intervals.total(t_us, part, window, i64([9])).tolist() == [9]
    if hasattr(intervals.total, "signatures"):  # not where compiling is switched off
        assert len(getattr(intervals.total, "signatures", [])) == 1


def test_kernel_raises_when_an_array_is_of_another_type() -> None:
    if not hasattr(intervals.total, "signatures"):
        return
    wrong: object = np.array([0.5])
    with pytest.raises(TypeError, match="No matching definition"):
        intervals.total(wrong, u8([1, 1]), i64([0]), i64([9]))  # pyright: ignore[reportArgumentType]
