"""The template's contract with some of its standards only, for what is told of containers alone."""

CONTAINERS = ("container-full", "emptied-every-three-days")
_HEAD = "[[standard]]"


def only(terms: str, *names: str) -> str:
    """Leave out all standards but some from the text of `contract.toml`."""
    head, *standards = terms.split(_HEAD)
    kept = [one for one in standards if any(f'id = "{name}"' in one for name in names)]
    return _HEAD.join([head, *kept])


def rows_of(text: str, name: str) -> str:
    """Keep the head of a table, and the rows that name something."""
    head, *rows = text.splitlines(keepends=True)
    return "".join([head, *(row for row in rows if name in row)])
