"""The template's contract with some of its standards only, told of containers alone; how their fills are imported."""

CONTAINERS = ("container-full", "emptied-every-three-days")
_HEAD = "[[standard]]"
# How rows of device, local time and fill are imported.
FILLS_MAPPING = """
source = "sim"
kind = "fill_level"
device = "device"
time = { column = "time", format = "%Y-%m-%dT%H:%M", time_zone = "America/Santiago" }
values = { fill_ratio = { column = "fill" } }
"""


def only(terms: str, *names: str) -> str:
    """Leave out all standards but some from the text of `contract.toml`."""
    head, *standards = terms.split(_HEAD)
    kept = [one for one in standards if any(f'id = "{name}"' in one for name in names)]
    return _HEAD.join([head, *kept])


def rows_of(text: str, name: str) -> str:
    """Keep the head of a table, and the rows that name something."""
    head, *rows = text.splitlines(keepends=True)
    return "".join([head, *(row for row in rows if name in row)])
