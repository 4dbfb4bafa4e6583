"""Terms of due process for the tests: the example of `docs/due-process.md`, as a clerk would copy it."""

import re

from tests.docs.pages import page


def process_terms() -> dict[str, str]:
    """Give the two files of the example: what is added to `contract.toml`, and `calendar.toml`."""
    terms, calendar = re.findall(r"^```toml\n(.*?)^```$", page("due-process.md"), re.MULTILINE | re.DOTALL)
    return {"contract.toml": terms, "calendar.toml": calendar}
