"""Where what stands in a bundle: names of its files."""

ACTS, RELIEFS, LEDGER, PROCESS = "acts.json", "reliefs.json", "ledger.jsonl", "process.json"
ASSETS, INSTALLATIONS = "register/assets.csv", "register/installations.csv"
ZONE = "zone.json"
READINGS, PARQUET = "readings/", ".parquet"
DETERMINATIONS = "determinations/"
# Those of other months, or of what was known earlier, that lines still rest on: fines that became firm later.
CITED = f"{DETERMINATIONS}cited.csv"
STATEMENT, ISSUE, OPENING, CLOSING = "statement.json", "issue.json", "opening.json", "closing.json"


def terms_file(version: int, name: str) -> str:
    """A file of a version of the terms."""
    return f"terms/{version}/{name}"


def readings_file(kind: str) -> str:
    """Readings of a kind."""
    return f"{READINGS}{kind}{PARQUET}"


def determinations_file(month: str) -> str:
    """Determinations of a month: of the statement's own, or of one that it restates."""
    return f"{DETERMINATIONS}{month}.csv"
