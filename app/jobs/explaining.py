"""From a line of a statement back to the readings, in three steps: line, determination, readings."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.errors import RefusedError, UsageError
from app.jobs import statements
from app.jobs.contracts import Loaded, load_stored
from rules.calendar import month_days
from rules.records import Determination
from storage import determinations, readings
from storage import statements as stored
from storage.connection import Connection
from storage.readings import Said
from storage.sequence import ALL_KNOWN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A determination, and the readings that it looked at, by (source, device)."""

    determination: Determination
    said: dict[tuple[str, str], list[Said]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line and all that it rests on."""

    line: dict[str, Any]
    currency: str
    is_issued: bool
    loaded: Loaded
    evidence: list[Evidence]


def explain(connection: Connection, contract: str, line_id: str, now: datetime) -> Explanation:
    """Find a line in its month's statement and what it rests on.

    Raises
    ------
    UsageError
        When the id does not begin with a month.
    RefusedError
        When the month's statement has no such line.
    """
    month = line_id.split("/", 1)[0]
    try:
        first, _ = month_days(month)
    except ValueError as error:
        raise UsageError(f"line {line_id!r} does not begin with a month such as 2026-09/") from error
    issued = stored.read(connection, contract, month)
    body = statements.body_of(issued) if issued else statements.draft(connection, contract, month, now).statement.body
    line = next((one for one in statements.lines_of(body) if one["id"] == line_id), None)
    if line is None:
        raise RefusedError(f"the statement of {contract} for {month} has no line {line_id!r}")
    # The register of the day of issue: a container's sensor may be another one by now.
    known_through = issued.issue["known_through"] if issued else ALL_KNOWN
    loaded = load_stored(connection, contract, first, known_through)
    evidence = [
        _evidence(connection, loaded, determinations.read_one(connection, one)) for one in line["determinations"]
    ]
    return Explanation(line, body["currency"], issued is not None, loaded, evidence)


def _evidence(connection: Connection, loaded: Loaded, one: Determination) -> Evidence:
    looked = (one.trace["looked_from_us"], one.trace["looked_until_us"])
    said: dict[tuple[str, str], list[Said]] = {}
    for each in loaded.register.installations:
        since_us, until_us = max(each.since_us, looked[0]), min(each.until_us, looked[1])
        ids = readings.device_ids(connection, [(each.source, each.device)])
        if each.asset == one.subject and since_us < until_us and ids:
            span = (_EPOCH + timedelta(microseconds=since_us), _EPOCH + timedelta(microseconds=until_us))
            found = readings.said_between(connection, ids[each.source, each.device], span)
            said.setdefault((each.source, each.device), []).extend(found)
    return Evidence(one, said)
