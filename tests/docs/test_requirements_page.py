"""`docs/requirements.md` names all that real contracts ask for, and what it says shows it is there."""

import re

import pytest

from tests.docs.pages import page
from tests.house.sources import ROOT, assert_none

CASES = ROOT / "tests" / "cases"
_ROW = re.compile(r"^\| ([RL]\d+) \| (.+) \| (.*) \|$", re.MULTILINE)
_NAMED = re.compile(r"`([^`]+)`|\]\(([^)]+)\)")
ROWS = _ROW.findall(page("requirements.md"))
# Planning a purchase, publishing, personal tracks and guarantees of the city's own books are other pages' matter.
L_IN_SCOPE = (1, 2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 16, 17, 23, 27, 28)


def _is_there(named: str) -> bool:
    """Whether a case, a test or a decision exists."""
    if named.startswith("decisions/"):
        return (ROOT / "docs" / named).is_file()
    if named.startswith("broken/"):
        return (CASES / f"{named}.toml").is_file()
    if not named.startswith("tests/"):
        return (CASES / named / "expected.json").is_file()
    file, _, function = named.partition("::")
    path = ROOT / file
    return path.is_file() and (not function or f"def {function}(" in path.read_text(encoding="utf-8"))


def test_every_requirement_has_one_row_when_counted() -> None:
    expected = [*(f"R{n}" for n in range(1, 49)), *(f"L{n}" for n in L_IN_SCOPE)]

    assert [name for name, _, _ in ROWS] == expected


@pytest.mark.parametrize(("name", "shown"), [(name, shown) for name, _, shown in ROWS], ids=[row[0] for row in ROWS])
def test_what_shows_it_is_there_when_looked_for(name: str, shown: str) -> None:
    named = [code or link for code, link in _NAMED.findall(shown)]

    assert named, f"{name} is shown by nothing"
    assert_none([one for one in named if not _is_there(one)])
