"""An issued statement → the files that it can be recomputed from: what was known when it was issued, and no more."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from app.bundle import layout
from app.bundle.columns import parquet
from app.bundle.recomputing import cited
from app.export.tables import determinations_csv
from app.jobs import statements
from app.jobs.contracts import Loaded, load_stored
from rules.assess import is_held, opportunities, spans_us
from rules.calendar import month_days, previous_month
from rules.records import Determination, canonical
from rules.register import REGISTER_FILES
from sensors.registry import kinds
from storage import contracts, determinations, ledger, readings, registers
from storage import statements as stored
from storage.connection import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Span = tuple[int, int]


def files(connection: Connection, contract: str, period: str) -> dict[str, bytes]:
    """Collect what an issued statement rests on, as it was known when it was issued.

    Parameters
    ----------
    connection : Connection
    contract, period : str

    Returns
    -------
    dict of str to bytes
        By the names of `app.bundle.layout`.

    Raises
    ------
    RefusedError
        When the statement is not issued.
    """
    issued = statements.issued(connection, contract, period)
    body, known_through = statements.body_of(issued), issued.issue["known_through"]
    entries = ledger.entries(connection, contract, issued.issue["ledger_head"]["entry"])
    months = [*sorted(body["restates"]), period]
    acts = stored.acts(connection, contract, known_through)
    found = {
        layout.STATEMENT: issued.body,
        layout.ISSUE: canonical(issued.issue),
        layout.CLOSING: canonical(issued.closing),
        layout.ACTS: canonical({"acts": [one.content() for one in sorted(acts, key=lambda one: one.line)]}),
        layout.RELIEFS: _records(connection, contract, "relief", known_through),
        layout.PROCESS: _records(connection, contract, "process", known_through),
        layout.LEDGER: "".join(f"{canonical(asdict(one))}\n" for one in entries),
        **_contract_files(connection, contract, known_through),
    }
    if before := stored.read(connection, contract, previous_month(period)):
        found[layout.OPENING] = canonical(before.closing)
    loaded = {month: load_stored(connection, contract, month_days(month)[0], known_through) for month in months}
    # Its own number lies behind those of the assessments that it was issued with.
    held_through, there = entries[-1].content["seq"], set[str]()
    for month in months:
        held = _held(connection, loaded[month], month, held_through)
        found[layout.determinations_file(month)] = determinations_csv(held)
        there |= {one.id for one in held}
    if elsewhere := cited(body) - there:
        several = [determinations.read_one(connection, name) for name in sorted(elsewhere, key=str.encode)]
        found[layout.CITED] = determinations_csv(several)
    texts = {name: text.encode() for name, text in found.items()}
    return texts | _readings(connection, loaded, known_through)


def _records(connection: Connection, contract: str, register: str, known_through: int) -> str:
    """Write a register as it was recorded, with the numbers of its commits; sorted by subject, place."""
    found: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for row in registers.read(connection, contract, register, known_through):
        places[row.subject] = places.get(row.subject, 0) + 1
        found.append({"seq": row.seq, "subject": row.subject, "place": places[row.subject], "body": row.body})
    # The database's order depends on its collation.
    return canonical({"records": sorted(found, key=lambda one: (one["subject"].encode(), one["place"]))})


def _contract_files(connection: Connection, contract: str, known_through: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for version, content in contracts.versions(connection, contract, known_through).items():
        found |= {layout.terms_file(version, name): text for name, text in content["files"].items()}
        found[layout.terms_file(version, layout.ZONE)] = canonical(content["zone"])
    register = contracts.register(connection, contract, known_through)
    return found | {f"register/{name}": register[name] for name in REGISTER_FILES}


def _held(connection: Connection, loaded: Loaded, month: str, known_through: int) -> list[Determination]:
    """Find what held for a month's checks when the statement was issued."""
    days = month_days(month)
    expected = opportunities(loaded.terms, loaded.register, days)
    found = determinations.read(connection, loaded.terms.id, days, known_through)
    held = [one for one in found if is_held(loaded.terms, expected, one)]
    # The database's order depends on its collation.
    return sorted(held, key=lambda one: one.opportunity.encode())


def _readings(connection: Connection, loaded: dict[str, Loaded], known_through: int) -> dict[str, bytes]:
    """Read what the months' checks look at; of what two of them look at, each reading once."""
    spans: dict[str, list[Span]] = {}
    for month, one in loaded.items():
        for kind, span in spans_us(one.terms, month_days(month)).items():
            spans.setdefault(kind, []).append(span)
    installed = {(link.source, link.device) for one in loaded.values() for link in one.register.installations}
    ids = readings.device_ids(connection, installed)
    found: dict[str, bytes] = {}
    for name, several in spans.items():
        kind = kinds()[name]
        parts = [
            readings.read_columns(connection, kind, sorted(ids.values()), _instants(span), known_through)
            for span in united(several)
        ]
        by_device = {
            device: [part.of_device(device_id) for part in parts if len(part.of_device(device_id))]
            for device, device_id in ids.items()
        }
        found[layout.readings_file(name)] = parquet(kind, by_device)
    return found


def _instants(span: Span) -> tuple[datetime, datetime]:
    first, until = (_EPOCH + timedelta(microseconds=us) for us in span)
    return first, until


def united(spans: list[Span]) -> list[Span]:
    """Unite spans that touch or overlap; ascending, apart."""
    found: list[Span] = []
    for first_us, until_us in sorted(spans):
        if found and first_us <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until_us))
        else:
            found.append((first_us, until_us))
    return found
