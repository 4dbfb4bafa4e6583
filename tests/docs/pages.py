"""The pages of `docs/`, and whether they name what the code has."""

import re
from collections.abc import Iterable

from tests.house.sources import ROOT, assert_none


def page(name: str) -> str:
    """Read a page."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def assert_named(text: str, names: Iterable[str]) -> None:
    """Fail with the names that do not stand in the text as code, each alone or in a list between backquotes."""
    spans = re.findall(r"`([^`\n]+)`", text)
    known = {word for span in spans for word in (span, *re.split(r"[\s,=|{}\"]+", span))}
    assert_none(f"not named: {name}" for name in names if name not in known)
