"""Links between the pages: the file is there, and so is the heading."""

import re
from pathlib import Path

import pytest

from tests.house.sources import ROOT, assert_none, project_files

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PAGES = [path for path in project_files() if path.suffix == ".md"]


def _anchors(path: Path) -> set[str]:
    """Name the headings as they are linked to: small letters, blanks as dashes, other marks left out."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", _PAGES, ids=str)
def test_links_when_followed(page: Path) -> None:
    broken: list[str] = []
    for link in _LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        if "://" in name:
            continue
        target = (ROOT / page).parent / name if name else ROOT / page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert_none(broken)
