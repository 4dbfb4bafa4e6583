"""The page on matching: its example gives what it says, and it names every column."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import main
from app.jobs.fix_file import NEEDED, OPTIONAL
from app.jobs.matching import PATH_COLUMNS, SEGMENT_COLUMNS
from tests.docs.fenced import blocks
from tests.docs.pages import assert_named, page
from tests.house.sources import ROOT

MATCH = page("match.md")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "match"
    shutil.copytree(ROOT / "docs" / "examples" / "match", folder)
    monkeypatch.chdir(folder)
    return folder


def test_columns_when_looked_up() -> None:
    assert_named(MATCH, (*NEEDED, *OPTIONAL, *PATH_COLUMNS, *SEGMENT_COLUMNS))


def test_path_when_run(example: Path) -> None:
    (expected,) = blocks(MATCH, "csv")
    done = CliRunner().invoke(main, ["match", "streets.geojson", "fixes.csv", "--path", "path.csv"])
    assert "" == done.stdout
    assert f"{expected}\n" == (example / "path.csv").read_text(encoding="utf-8")
    assert done.stderr in MATCH


@pytest.mark.usefixtures("example")
def test_segments_when_run() -> None:
    (expected,) = (re.sub(r"^.*\n", "", block) for block in blocks(MATCH, "text") if "--format csv" in block)
    done = CliRunner().invoke(main, ["match", "streets.geojson", "fixes.csv", "--format", "csv"])
    assert f"{expected}\n" == done.stdout
