"""The ledger in a bundle, and what must agree with it: issue record, body, closing and opening state, acts."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from app.bundle import layout
from app.bundle.manifest import canonical_json
from app.bundle.report import Code, Difference
from app.errors import BrokenBundleError
from rules.calendar import previous_month
from rules.payments.checks import Checks
from rules.records import ENGINE, Act, Determination, canonical, digest
from storage.ledger import Entry, Head, entry_hash


def read_ledger(content: bytes) -> list[Entry]:
    """Read the ledger's entries.

    Raises
    ------
    BrokenBundleError
        When a line is no entry in canonical JSON.
    """
    found: list[Entry] = []
    *lines, rest = content.split(b"\n")
    if rest or not lines:
        raise BrokenBundleError(f"{layout.LEDGER} does not end with a line feed", layout.LEDGER)
    for number, line in enumerate(lines, 1):
        said = canonical_json(line, f"{layout.LEDGER}, line {number}")
        try:
            entry = Entry(**said)
            _ = entry.content["seq"]
        except (TypeError, ValueError, KeyError) as error:
            raise BrokenBundleError(f"{layout.LEDGER}, line {number} is no entry: {error}", layout.LEDGER) from error
        found.append(entry)
    return found


def check_chain(entries: Sequence[Entry], head: Mapping[str, Any]) -> list[Difference]:
    """Hold each entry against the one before it, and the last against the head that the issue record names."""
    found: list[Difference] = []
    before = Head(0, "")
    for one in entries:
        expected = entry_hash(before.hash, before.entry + 1, one.kind, one.body)
        follows = {"entry": before.entry + 1, "previous_hash": before.hash, "hash": expected}
        found += _differences(layout.LEDGER, str(one.entry), asdict(one), follows)
        before = Head(one.entry, one.hash)
    return found + _differences(layout.LEDGER, str(before.entry), asdict(before), head)


def check_issue(
    files: Mapping[str, bytes],
    entry: Entry,
    about: tuple[str, str],
    found: Sequence[Determination] | None,
) -> list[Difference]:
    """Hold the issue record and the ledger's entry of the statement against body and states.

    Parameters
    ----------
    files : mapping of str to bytes
    entry : Entry
        The ledger's last.
    about : tuple of str
        Contract and period.
    found : sequence of Determination or None
        Of the period, where they are there.
    """
    contract, period = about
    issue = canonical_json(files[layout.ISSUE], layout.ISSUE)
    body = canonical_json(files[layout.STATEMENT], layout.STATEMENT)
    body_sha256, closing_sha256 = (_sha256(files[name]) for name in (layout.STATEMENT, layout.CLOSING))
    said = entry.content
    follows = {"period": period, "body_sha256": body_sha256, "closing_sha256": closing_sha256}
    differences = _differences(layout.LEDGER, str(entry.entry), {"kind": entry.kind}, {"kind": "statement"})
    differences += _differences(layout.LEDGER, str(entry.entry), said, follows)
    record: dict[str, Any] = {
        "contract": contract,
        "period": period,
        "engine": ENGINE,
        "body_sha256": body_sha256,
        "issued": said.get("recorded"),
    }
    if found is not None:
        record["completeness"] = Checks.of(found).completeness()
    differences += _differences(layout.ISSUE, "", issue, record)
    stated = {"contract": contract, "period": period, "closing_sha256": closing_sha256}
    return differences + _differences(layout.STATEMENT, "", body, stated)


def read_acts(content: bytes) -> list[Act]:
    """Read the acts.

    Raises
    ------
    BrokenBundleError
        When one is none.
    """
    try:
        return [Act(**one) for one in canonical_json(content, layout.ACTS)["acts"]]
    except (KeyError, TypeError) as error:
        raise BrokenBundleError(f"{layout.ACTS} holds something else than acts: {error}", layout.ACTS) from error


def check_acts(acts: Sequence[Act], entries: Sequence[Entry], known_through: int) -> list[Difference]:
    """Hold the acts against those that the ledger knew when the statement was issued."""
    stated = {one.line: one.content() for one in acts}
    entered: dict[str, dict[str, Any]] = {}
    for entry in entries:
        said = entry.content
        if entry.kind == "act" and said["seq"] <= known_through:
            entered[said["line"]] = {key: said[key] for key in said if key not in {"seq", "recorded"}}
    found = [Difference(Code.ABSENT, layout.ACTS, line) for line in sorted(entered.keys() - stated.keys())]
    found += [Difference(Code.SURPLUS, layout.ACTS, line) for line in sorted(stated.keys() - entered.keys())]
    for line in sorted(stated.keys() & entered.keys()):
        follows = dict.fromkeys(stated[line]) | entered[line]
        found += _differences(layout.ACTS, line, stated[line], follows)
    return found


def check_opening(files: Mapping[str, bytes], entries: Sequence[Entry], period: str) -> list[Difference]:
    """Hold the opening state against the month before, as the ledger has it closed; the first month has none."""
    before = previous_month(period)
    closed = {said["period"]: said["closing_sha256"] for said in statements_of(entries)}
    if layout.OPENING not in files:
        earlier = any(month < period for month in closed)
        return [Difference(Code.MISSING, layout.OPENING)] if earlier else []
    canonical_json(files[layout.OPENING], layout.OPENING)
    stated = {"closing_sha256": _sha256(files[layout.OPENING])}
    return _differences(layout.OPENING, before, stated, {"closing_sha256": closed.get(before, "")})


def statements_of(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """What the ledger says of each statement."""
    return [one.content for one in entries if one.kind == "statement"]


def _differences(file: str, place: str, said: Mapping[str, Any], follows: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(Code.DIFFERS, file, place, key, shown(said.get(key)), shown(expected))
        for key, expected in follows.items()
        if said.get(key) != expected
    ]


def shown(value: object) -> str:
    """Write a value for people who compare: text as it is, all else as canonical JSON."""
    return value if isinstance(value, str) else canonical(value)


def compare(file: str, place: str, said: object, expected: object, key: str = "") -> list[Difference]:
    """Find where two JSON values differ, by the path of keys that leads there.

    Lists of lines are held against each other by their ids, others place by place.
    """
    if said == expected and type(said) is type(expected):
        return []
    if isinstance(said, dict) and isinstance(expected, dict):
        one, other = cast("dict[str, Any]", said), cast("dict[str, Any]", expected)
        return [
            difference
            for name in sorted(one.keys() | other.keys())
            for difference in compare(file, place, one.get(name), other.get(name), f"{key}.{name}".removeprefix("."))
        ]
    if isinstance(said, list) and isinstance(expected, list):
        ones, others = cast("list[Any]", said), cast("list[Any]", expected)
        if _has_ids(ones) and _has_ids(others):
            return _by_id(file, ones, others)
        if len(ones) == len(others):
            pairs = enumerate(zip(ones, others, strict=True))
            return [
                difference
                for number, (left, right) in pairs
                for difference in compare(file, place, left, right, f"{key}[{number}]")
            ]
    return [Difference(Code.DIFFERS, file, place, key, *map(shown, cast("tuple[object, object]", (said, expected))))]


def _has_ids(several: Sequence[Any]) -> bool:
    return all(isinstance(one, dict) and "id" in one for one in several)


def _by_id(file: str, said: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> list[Difference]:
    ones, others = ({str(one["id"]): one for one in several} for several in (said, expected))
    found = [Difference(Code.ABSENT, file, name) for name in sorted(others.keys() - ones.keys())]
    found += [Difference(Code.SURPLUS, file, name) for name in sorted(ones.keys() - others.keys())]
    for name in sorted(ones.keys() & others.keys()):
        found += compare(file, name, ones[name], others[name])
    return found or [Difference(Code.DIFFERS, file, "", "lines", digest(list(said)), digest(list(expected)))]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
