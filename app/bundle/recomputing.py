"""From a bundle's files to verdicts and money once more: terms, readings, determinations, statement.

Nothing here asks whether somebody signed. Terms are loaded from their files by the loader that every contract goes
through; determinations follow from readings, and the statement from determinations, by the same pure functions.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from app.bundle import layout
from app.bundle.chain import compare, shown
from app.bundle.columns import read_parquet
from app.bundle.manifest import canonical_json
from app.bundle.publishing import coarse_trace
from app.bundle.report import Code, Difference
from app.errors import BrokenBundleError, UsageError
from app.export.tables import determinations_csv, read_determinations
from rules.assess import assess, kinds_of, opportunities, spans_us
from rules.assets import Register
from rules.calendar import Zone, month_days
from rules.contract import Terms
from rules.errors import TermsError
from rules.load import load_terms
from rules.numbers import value_on
from rules.payments.expiry import chargeable
from rules.payments.restate import Earlier
from rules.payments.statement import settle
from rules.records import Act, Determination, Relief, canonical
from rules.register import REGISTER_FILES, read_register
from rules.standards.judging import Readings
from sensors.columns import nothing
from sensors.registry import kinds
from storage.instants import microseconds

_TERMS = "terms/"
# What holds of a bundle that was coarsened, and what was taken out of it.
_TAKEN = ("register",)


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of a contract: each version of its terms, its register, the readings by kind.

    Parameters
    ----------
    versions : list of Terms
        In their order.
    files : mapping of str to str
        The register's, by name.
    readings : mapping of (kind, source, device) to Columns
    missing : frozenset of str
        Kinds of which no readings are there.
    is_coarse : bool
        Whether register and determinations are coarsened.
    """

    versions: list[Terms]
    files: dict[str, str]
    readings: Readings
    missing: frozenset[str]
    is_coarse: bool

    def terms_on(self, month: str) -> Terms:
        """Terms in force on a month's first day.

        Raises
        ------
        BrokenBundleError
            When no version holds then.
        """
        day = month_days(month)[0]
        for terms in reversed(self.versions):
            effective = terms.file.contract.effective
            if effective.since <= day < effective.until:
                return terms
        raise BrokenBundleError(f"no version of the terms holds in {month}", _TERMS)

    def register_of(self, terms: Terms) -> Register:
        """The register, its local dates read in the terms' zone."""
        return read_register(self.files, terms.zone)


def read_terms(files: Mapping[str, bytes], contract: str) -> list[Terms]:
    """Load each version of the terms from its files.

    Raises
    ------
    BrokenBundleError
        When one does not load, or is of another contract.
    """
    by_version: dict[int, dict[str, str]] = {}
    for name, content in files.items():
        if name.startswith(_TERMS):
            _, version, file = name.split("/", 2)
            by_version.setdefault(int(version), {})[file] = content.decode()
    found: list[Terms] = []
    for version, texts in sorted(by_version.items()):
        zone = json.loads(texts.pop(layout.ZONE))
        transitions = Zone(zone["name"], tuple(zone["starts_us"]), tuple(zone["offsets_s"]))
        try:
            terms = load_terms(texts, transitions)
        except TermsError as error:
            one = error.findings[0]
            detail = f"{one.code} {one.file} {one.key} {one.value}"
            raise BrokenBundleError(f"version {version} of the terms does not load: {detail}", _TERMS) from error
        if (terms.id, terms.version) != (contract, version):
            raise BrokenBundleError(f"terms/{version} holds {terms.id}@{terms.version}, not {contract}", _TERMS)
        found.append(terms)
    return found


def read_readings(files: Mapping[str, bytes]) -> tuple[Readings, int, list[Difference]]:
    """Read all readings that are there; how many they are, and which say something else than their digest."""
    found: dict[tuple[str, str, str], Any] = {}
    differences: list[Difference] = []
    for name, content in sorted(files.items()):
        if not name.startswith(layout.READINGS):
            continue
        kind = kinds().get(name.removeprefix(layout.READINGS).removesuffix(layout.PARQUET))
        if kind is None or name != layout.readings_file(kind.name):
            raise BrokenBundleError(f"{name} is of no kind that is known", name)
        by_device, altered = read_parquet(name, kind, content)
        found |= {(kind.name, *device): columns for device, columns in by_device.items()}
        differences += [
            Difference(Code.DIFFERS, name, str(row), "digest", stated, follows) for row, stated, follows in altered
        ]
    return found, sum(map(len, found.values())), differences


def read_field(files: Mapping[str, bytes], versions: list[Terms], readings: Readings, *, is_coarse: bool) -> Field:
    """Put terms, register and readings together."""
    texts = {name: files[f"register/{name}"].decode() for name in REGISTER_FILES}
    missing = {name for name in kinds() if layout.readings_file(name) not in files}
    return Field(versions, texts, readings, frozenset(missing), is_coarse)


def read_held(files: Mapping[str, bytes], month: str) -> list[Determination]:
    """Read a month's determinations; the id of each follows from its row.

    Raises
    ------
    BrokenBundleError
        When one does not, a row is none, or the file is not written as it has to be.
    """
    return _read_sorted(files, layout.determinations_file(month), attrgetter("opportunity"))


def cited(body: Mapping[str, Any]) -> set[str]:
    """Ids of all determinations that a statement's lines rest on."""
    return {name for block in body["blocks"].values() for line in block["lines"] for name in line["determinations"]}


def read_cited(files: Mapping[str, bytes]) -> list[Determination]:
    """Read the determinations that lines rest on and no month's file holds; the id of each follows from its row.

    Raises
    ------
    BrokenBundleError
        When one does not, a row is none, or the file is not written as it has to be.
    """
    if layout.CITED not in files:
        return []
    if not (found := _read_sorted(files, layout.CITED, attrgetter("id"))):
        raise BrokenBundleError(f"{layout.CITED} holds nothing, and so has no place in a bundle", layout.CITED)
    return found


def _read_sorted(files: Mapping[str, bytes], name: str, key: Callable[[Determination], str]) -> list[Determination]:
    """Read a file of determinations in its one form: sorted by a key, which none shares with another."""
    try:
        found = read_determinations(files[name].decode())
    except (UsageError, UnicodeDecodeError) as error:
        raise BrokenBundleError(f"{name}: {error}", name) from error
    # A check that stands there twice would be charged twice, and yet each of the two follows from the readings.
    if len(found) > len(set(map(key, found))):
        raise BrokenBundleError(f"{name} judges something twice", name)
    # Neither another column nor another order: of these determinations there is one file.
    in_order = sorted(found, key=lambda one: key(one).encode())
    if determinations_csv(in_order).encode() != files[name]:
        raise BrokenBundleError(f"{name} is not written as determinations are, each at its place", name)
    return found


def check_cited(
    body: Mapping[str, Any], held: Mapping[str, Sequence[Determination]], files: Mapping[str, bytes]
) -> list[Difference]:
    """Hold what lines rest on against what is there: of another month, or of what was known before, too."""
    there = {one.id for several in held.values() for one in several}
    elsewhere, said = cited(body) - there, {one.id for one in read_cited(files)}
    found = [Difference(Code.ABSENT, layout.CITED, name) for name in sorted(elsewhere - said)]
    return found + [Difference(Code.SURPLUS, layout.CITED, name) for name in sorted(said - elsewhere)]


def judge_again(
    field: Field, month: str, held: Sequence[Determination], issued: str
) -> tuple[list[Difference], int, int]:
    """Judge a month's checks from the readings, and hold what was stated against it.

    Parameters
    ----------
    field : Field
    month : str
    held : sequence of Determination
        As stated.
    issued : str
        When the statement was issued, ISO.

    Returns
    -------
    differences : list of Difference
    count, left_out : int
        Checks that were judged again, and those whose readings are not all there.
    """
    file, terms, days = layout.determinations_file(month), field.terms_on(month), month_days(month)
    register = field.register_of(terms)
    open_names = {one.id for one in terms.file.standard if not field.missing.isdisjoint(kinds_of(one))}
    known = _cut(field, terms, register, month)
    follows = {
        one.opportunity: one
        for one in assess(terms, register, known, days, microseconds(datetime.fromisoformat(issued)))
        if one.standard not in open_names
    }
    stated = {one.opportunity: one for one in held if one.standard not in open_names}
    differences = [Difference(Code.ABSENT, file, name) for name in sorted(follows.keys() - stated.keys())]
    differences += [Difference(Code.SURPLUS, file, one) for one in sorted(stated.keys() - follows.keys())]
    for name in sorted(stated.keys() & follows.keys()):
        left, right = (_comparable(one, is_coarse=field.is_coarse) for one in (stated[name], follows[name]))
        if canonical(left) != canonical(right):
            differences += compare(file, stated[name].id, left, right)
    # Whether a check was left out can be told without its readings.
    expected = {name for name in opportunities(terms, register, days) if _standard_of(name) in open_names}
    left_out = {one.opportunity for one in held if one.standard in open_names}
    differences += [Difference(Code.ABSENT, file, name) for name in sorted(expected - left_out)]
    return differences, len(stated), len(left_out)


def _standard_of(opportunity: str) -> str:
    return opportunity.split("/")[1].partition("@")[0]


def _cut(field: Field, terms: Terms, register: Register, month: str) -> Readings:
    """Give the month's checks what they look at: a bundle holds that of the months it restates too."""
    found: dict[tuple[str, str, str], Any] = {}
    for kind, span_us in spans_us(terms, month_days(month)).items():
        for one in register.installations:
            said = field.readings.get((kind, one.source, one.device))
            found[kind, one.source, one.device] = nothing(kinds()[kind]) if said is None else said.between(*span_us)
    return found


def _comparable(one: Determination, *, is_coarse: bool) -> dict[str, Any]:
    """What can be held against each other: all but what was taken out of a public bundle."""
    content: dict[str, Any] = json.loads(canonical(one.content()))
    if not is_coarse:
        return {**content, "id": one.id}
    digests = {key: value for key, value in content["digests"].items() if key not in _TAKEN}
    return {**content, "digests": digests, "trace": coarse_trace(content["trace"])}


def settle_again(
    field: Field,
    period: str,
    held: Mapping[str, Sequence[Determination]],
    decided: tuple[Sequence[Act], Sequence[Relief]],
    files: Mapping[str, bytes],
) -> list[Difference]:
    """Make the statement from its determinations, and hold it and its closing state against the stated ones."""
    opening = canonical_json(files[layout.OPENING], layout.OPENING) if layout.OPENING in files else None
    earlier = {month: Earlier(field.terms_on(month), found) for month, found in held.items() if month != period}
    said, granted = decided
    pending: list[dict[str, Any]] = opening["in_procedure"] if opening else []
    terms_in = {"": field.versions[-1]} | {line["fact_month"]: field.terms_on(line["fact_month"]) for line in pending}
    acts = chargeable(said, pending, period, terms_in, granted)
    charging = replace(field.terms_on(period), index_later=terms_in[""].index_values)
    done = settle(charging, held[period], period, opening, [*acts, *granted], earlier)
    differences: list[Difference] = []
    for name, follows in ((layout.STATEMENT, done.body), (layout.CLOSING, done.closing)):
        expected = json.loads(canonical(follows))
        said = canonical_json(files[name], name)
        if field.is_coarse and name == layout.STATEMENT:
            said, expected = _without_digests(said), _without_digests(expected)
        differences += compare(name, "", said, expected)
    return differences


def _without_digests(body: dict[str, Any]) -> dict[str, Any]:
    """Take out digests of whole determinations, which do not follow from coarsened ones."""
    counted = {key: value for key, value in body["determinations"].items() if key != "sha256"}
    restates = {month: {"terms_version": one["terms_version"]} for month, one in body["restates"].items()}
    return {**body, "determinations": counted, "restates": restates}


def months_open(field: Field, closed: Sequence[Mapping[str, Any]], period: str, issued: str) -> list[str]:
    """Months that a statement must restate: issued before it, and not older than the terms' late cut-off."""
    now = datetime.fromisoformat(issued)
    found: list[str] = []
    for said in closed:
        if said["period"] >= period:
            continue
        day = month_days(said["period"])[0]
        cutoff_us = int(value_on(field.terms_on(said["period"]).file.late.late_cutoff, day, "us"))
        if now < datetime.fromisoformat(said["recorded"]) + timedelta(microseconds=cutoff_us):
            found.append(said["period"])
    return sorted(found)


def check_months(body: Mapping[str, Any], expected: Sequence[str]) -> list[Difference]:
    """Hold the months that a statement says it restates against those that it had to."""
    stated = sorted(body["restates"])
    if stated == list(expected):
        return []
    return [Difference(Code.DIFFERS, layout.STATEMENT, "", "restates", shown(stated), shown(list(expected)))]
