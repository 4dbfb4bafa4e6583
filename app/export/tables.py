"""Tables as files: CSV that a spreadsheet opens without surprises, and reads back the same."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app import text
from app.errors import UsageError
from rules.contract import Terms
from rules.facts import COLUMNS, facts_of
from rules.records import Determination, Op, Unit, Verdict, canonical

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
STATEMENT_COLUMNS = (
    "contract", "period", "block", "line", "kind", "nature", "state", "standard", "subject", "zone", "fact_month",
    "firm_month", "charge_month", "amount", "currency", "determinations", "sentence_en", "sentence_es", "sentence_pt",
    "remedy_en", "remedy_es", "remedy_pt",
)  # fmt: skip
_DETERMINATION_COLUMNS = (
    "id", "contract", "standard", "terms_version", "subject", "zone", "day", "window_start_us", "window_end_us",
    "verdict", "unit", "proven", "borne", "possible", "op", "target", "received", "expected", "digests", "trace",
    "engine",
)  # fmt: skip
_WHOLE = (
    "terms_version", "window_start_us", "window_end_us", "proven", "borne", "possible", "target", "received",
    "expected",
)  # fmt: skip


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as CSV; text that a spreadsheet would take for a formula is made inert.

    Parameters
    ----------
    columns : sequence of str
    rows : iterable of mapping
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_inert(row[column]) for column in columns] for row in rows)
    return stream.getvalue()


def statement_rows(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make a row of each line of a statement; in each language its sentence, and what would have avoided the line."""
    shared = {"contract": body["contract"], "period": body["period"], "currency": body["currency"]}
    rows: list[dict[str, Any]] = []
    for block in sorted(body["blocks"]):
        for line in body["blocks"][block]["lines"]:
            said = {
                f"sentence_{language}": text.sentence(line, body["currency"], language) for language in text.LANGUAGES
            }
            said |= {f"remedy_{language}": text.remedy(line, language) for language in text.LANGUAGES}
            known = {**line, "line": line["id"], "determinations": " ".join(line["determinations"])}
            rows.append({**known, **shared, **said})
    return rows


def statement_csv(body: Mapping[str, Any]) -> str:
    """Write a statement's lines."""
    return write_csv(STATEMENT_COLUMNS, statement_rows(body))


def determination_rows(determinations: Iterable[Determination]) -> list[dict[str, Any]]:
    """Make a row of each determination, digests and trace as canonical JSON."""
    return [
        {**one.content(), "id": one.id, "digests": canonical(one.digests), "trace": canonical(one.trace)}
        for one in determinations
    ]


def determinations_csv(determinations: Iterable[Determination]) -> str:
    """Write determinations so that `read_determinations` gives them back."""
    return write_csv(_DETERMINATION_COLUMNS, determination_rows(determinations))


def read_checks(said: str, terms: Terms) -> list[Determination]:
    """Read a month's checks: determinations with their ids, or a clerk's plain facts, which the terms judge.

    Parameters
    ----------
    said : str
        CSV; plain facts have no column `id`.
    terms : Terms

    Raises
    ------
    UsageError
        When a row is neither, or its id does not follow from its content.
    CalculationError
        When a fact does not fit the terms.
    """
    rows = csv.DictReader(io.StringIO(said))
    columns = rows.fieldnames or ()
    if "id" in columns:
        return read_determinations(said)
    if missing := [name for name in COLUMNS[:5] if name not in columns]:
        semicolons = "; it is separated by semicolons, save it with commas" if ";" in "".join(columns) else ""
        raise UsageError(
            f"neither determinations nor facts: there is no column id, nor {', '.join(missing)}{semicolons}"
        )
    return facts_of(terms, rows)


def read_determinations(said: str) -> list[Determination]:
    """Read what `determinations_csv` wrote.

    Raises
    ------
    UsageError
        When a row is not a determination, or its id does not follow from its content.
    """
    found: list[Determination] = []
    for number, row in enumerate(csv.DictReader(io.StringIO(said)), start=2):
        try:
            known: dict[str, Any] = {column: row[column] for column in _DETERMINATION_COLUMNS if column != "id"}
            known |= {column: int(row[column]) for column in _WHOLE}
            known |= {"verdict": Verdict(row["verdict"]), "op": Op(row["op"]), "unit": Unit(row["unit"])}
            known |= {"digests": json.loads(row["digests"]), "trace": json.loads(row["trace"])}
            one = Determination(**known)
        except (KeyError, ValueError, TypeError) as error:
            raise UsageError(f"line {number} is no determination: {error}") from error
        if one.id != row["id"]:
            raise UsageError(f"line {number}: id {row['id']} does not follow from the row, which gives {one.id}")
        found.append(one)
    return found


def _inert(cell: object) -> object:
    """Keep numbers as they are; a text that begins like a formula gets a quote before it."""
    if isinstance(cell, str) and cell.startswith(_FORMULA) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).replace("/", "", 1).isdigit()
