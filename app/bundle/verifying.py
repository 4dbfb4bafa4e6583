"""A bundle's bytes → what of it holds, offline: archive, signature, digests, ledger, then all of it computed again.

Each step asks only for what the step before has found sound. Whatever a forged file makes of a check is that file's
difference, never this program's failure.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.bundle import chain, claims, layout, recomputing
from app.bundle.certificates import Destruction, certified
from app.bundle.manifest import MANIFEST, SALTS, SIGNATURE, Bundle, Entry, Kept, canonical_json, read, salted
from app.bundle.report import Check, Code, Difference, FileFound, FileState, Report
from app.errors import BrokenBundleError
from rules.assess import spans_us
from rules.calendar import month_days
from rules.records import Determination
from storage.ledger import Entry as LedgerEntry

_NEEDED = (
    layout.STATEMENT, layout.ISSUE, layout.CLOSING, layout.ACTS, layout.RELIEFS, layout.PROCESS, layout.LEDGER,
    layout.ASSETS, layout.INSTALLATIONS,
)  # fmt: skip


def verify(raw: bytes, public_key: str = "", certificates: Mapping[str, bytes] | None = None) -> Report:
    """Verify a bundle.

    Parameters
    ----------
    raw : bytes
        The whole archive.
    public_key : str
        Of who must have signed, as 64 hex digits; empty to take the manifest's own.
    certificates : mapping of str to bytes, optional
        Of destruction, beside those in the bundle, by name.

    Returns
    -------
    Report
    """
    report = Report()
    try:
        bundle = read(raw)
    except BrokenBundleError as error:
        is_signature = error.file in {MANIFEST, SIGNATURE, SALTS}
        if is_signature:
            report.add(Check.ARCHIVE, [], 1)
        check = Check.SIGNATURE if is_signature else Check.ARCHIVE
        report.add(check, [Difference(Code.UNREADABLE, error.file, said=str(error))], 1)
        return report
    report.contract, report.period = bundle.manifest.contract, bundle.manifest.period
    report.public_key = bundle.manifest.public_key
    report.add(Check.ARCHIVE, [], 1)
    report.add(Check.SIGNATURE, [], 1)
    if public_key:
        is_other = public_key != report.public_key
        wrong = [Difference(Code.OTHER_KEY, MANIFEST, "", "public_key", report.public_key, public_key)]
        report.add(Check.KEY, wrong if is_other else [], 1)
    if _check_files(bundle, certificates or {}, report):
        _Recomputation(bundle, report).run()
    return report


def _check_files(bundle: Bundle, certificates: Mapping[str, bytes], report: Report) -> bool:
    """Hold each file against its digest; say whether all that is there is what the manifest says."""
    destroyed: dict[str, Destruction] = {}
    differences: list[Difference] = []
    for name, content in [*bundle.certificates.items(), *certificates.items()]:
        try:
            destroyed |= certified(bundle, name, content)
        except BrokenBundleError as error:
            # Of those given beside, some are of other bundles.
            if name in bundle.certificates:
                differences.append(Difference(Code.CERTIFICATE, name, said=str(error)))
    listed = {one.name for one in bundle.manifest.files if one.kept != Kept.WITHHELD}
    unlisted = (bundle.files.keys() | bundle.salts.keys()) - listed
    differences += [Difference(Code.UNLISTED, name) for name in sorted(unlisted)]
    for entry in bundle.manifest.files:
        found, difference = _file(bundle, entry, destroyed.get(entry.name))
        report.files.append(found)
        differences += [difference] if difference else []
    report.add(Check.FILES, differences, len(bundle.files))
    return not differences


def _file(bundle: Bundle, entry: Entry, act: Destruction | None) -> tuple[FileFound, Difference | None]:
    content, salt = bundle.files.get(entry.name), bundle.salts.get(entry.name)
    if entry.kept == Kept.WITHHELD:
        return FileFound(entry, FileState.WITHHELD), None
    if content is None and salt is None and act is not None:
        return FileFound(entry, FileState.DESTROYED, act.act, act.date), None
    if content is None or salt is None:
        return FileFound(entry, FileState.BROKEN), Difference(Code.MISSING, entry.name)
    follows = salted(bytes.fromhex(salt), content)
    if (len(content), follows) != (entry.size, entry.sha256):
        difference = Difference(Code.ALTERED, entry.name, "", "sha256", entry.sha256, follows)
        return FileFound(entry, FileState.BROKEN), difference
    state = FileState.COARSENED if entry.kept == Kept.COARSENED else FileState.VALID
    return FileFound(entry, state), None


class _Recomputation:
    """The checks that read what the files say; each is told by what it needs."""

    def __init__(self, bundle: Bundle, report: Report) -> None:
        self._files = bundle.files
        self._listed = {one.name for one in bundle.manifest.files}
        self._is_coarse = any(one.kept == Kept.COARSENED for one in bundle.manifest.files)
        self._about = (bundle.manifest.contract, bundle.manifest.period)
        self._report = report
        self._entries = list[LedgerEntry]()
        self._held = dict[str, list[Determination]]()
        self._field: recomputing.Field | None = None

    def run(self) -> None:
        """Do all checks that something is there for."""
        missing = [Difference(Code.MISSING, name) for name in _NEEDED if name not in self._listed]
        if missing:
            self._report.add(Check.FILES, missing, len(self._files))
            return
        self._do(Check.LEDGER, (layout.LEDGER, layout.ISSUE), self._ledger)
        if not self._entries:
            return
        needed = (layout.STATEMENT, layout.ISSUE, layout.CLOSING)
        self._do(Check.ISSUE, needed, self._issue)
        self._do(Check.ACTS, (layout.ACTS, layout.ISSUE), self._acts)
        for check, file in ((Check.RELIEFS, layout.RELIEFS), (Check.PROCESS, layout.PROCESS)):
            self._do(check, (file, layout.ISSUE), partial(self._records, check, file))
        opening = (layout.OPENING,) if layout.OPENING in self._listed else ()
        self._do(Check.OPENING, opening, self._opening)
        terms = tuple(name for name in sorted(self._listed) if name.startswith("terms/"))
        self._do(Check.TERMS, (*terms, layout.ASSETS, layout.INSTALLATIONS, *needed), self._terms)
        self._do(Check.DETERMINATIONS, (layout.ISSUE, layout.STATEMENT), self._determinations)
        held = tuple(layout.determinations_file(month) for month in self._months())
        self._do(Check.STATEMENT, (*needed, *held, *opening, layout.ACTS, layout.RELIEFS), self._statement)

    def _do(self, check: Check, needed: tuple[str, ...], action: Callable[[], None]) -> None:
        """Do a check for which all is there; say of another that it was not done."""
        is_there = all(name in self._files for name in needed)
        if not is_there or (check in {Check.DETERMINATIONS, Check.STATEMENT} and self._field is None):
            self._report.add(check, [], 0, 1)
            return
        try:
            action()
        except Exception as error:  # noqa: BLE001  # a forged file can make a check fail in any way
            file = error.file if isinstance(error, BrokenBundleError) else ""
            self._report.add(check, [Difference(Code.UNREADABLE, file, said=f"{error}" or type(error).__name__)], 0)

    def _json(self, name: str) -> dict[str, Any]:
        return canonical_json(self._files[name], name)

    def _months(self) -> list[str]:
        if layout.STATEMENT not in self._files:
            return []
        try:
            body: dict[str, Any] = json.loads(self._files[layout.STATEMENT])
            return [*sorted(body["restates"]), self._about[1]]
        except (ValueError, KeyError, TypeError):
            return [self._about[1]]

    def _ledger(self) -> None:
        entries = chain.read_ledger(self._files[layout.LEDGER])
        differences = chain.check_chain(entries, self._json(layout.ISSUE)["ledger_head"])
        self._report.add(Check.LEDGER, differences, len(entries))
        self._entries = entries

    def _issue(self) -> None:
        name = layout.determinations_file(self._about[1])
        found = recomputing.read_held(self._files, self._about[1]) if name in self._files else None
        differences = chain.check_issue(self._files, self._entries[-1], self._about, found)
        self._report.add(Check.ISSUE, differences, 1)

    def _acts(self) -> None:
        acts = chain.read_acts(self._files[layout.ACTS])
        known_through = self._json(layout.ISSUE)["known_through"]
        self._report.add(Check.ACTS, chain.check_acts(acts, self._entries, known_through), len(acts))

    def _records(self, check: Check, file: str) -> None:
        recorded = claims.read_records(self._files, file)
        known_through = self._json(layout.ISSUE)["known_through"]
        differences = claims.check_records(file, recorded, self._entries, known_through, is_coarse=self._is_coarse)
        self._report.add(check, differences, len(recorded), is_coarse=self._is_coarse and bool(recorded))

    def _opening(self) -> None:
        self._report.add(Check.OPENING, chain.check_opening(self._files, self._entries, self._about[1]), 1)

    def _terms(self) -> None:
        versions = recomputing.read_terms(self._files, self._about[0])
        readings, count, differences = recomputing.read_readings(self._files)
        field = recomputing.read_field(self._files, versions, readings, is_coarse=self._is_coarse)
        self._report.add(Check.TERMS, self._unlisted_of(field), len(versions))
        withheld = {name for name in self._listed if name.startswith(layout.READINGS)} - self._files.keys()
        self._report.add(Check.READINGS, differences, count, len(withheld))
        self._field = field

    def _unlisted_of(self, field: recomputing.Field) -> list[Difference]:
        """Find files that the terms ask for and the manifest does not name: left out without a word."""
        needed: set[str] = set()
        for month in self._months():
            needed |= {layout.determinations_file(month)}
            needed |= {layout.readings_file(kind) for kind in spans_us(field.terms_on(month), month_days(month))}
        return [Difference(Code.MISSING, name) for name in sorted(needed - self._listed)]

    def _determinations(self) -> None:
        assert self._field is not None  # noqa: S101  # asked for in `_do`
        issued = self._json(layout.ISSUE)["issued"]
        differences: list[Difference] = []
        count = left_out = 0
        for month in self._months():
            if layout.determinations_file(month) not in self._files:
                left_out += 1
                continue
            self._held[month] = recomputing.read_held(self._files, month)
            more, done, open_ = recomputing.judge_again(self._field, month, self._held[month], issued)
            differences += more
            count, left_out = count + done, left_out + open_
        is_there = layout.CITED in self._files or layout.CITED not in self._listed
        if is_there and len(self._held) == len(self._months()):
            differences += recomputing.check_cited(self._json(layout.STATEMENT), self._held, self._files)
        self._report.add(Check.DETERMINATIONS, differences, count, left_out, is_coarse=self._is_coarse)

    def _statement(self) -> None:
        assert self._field is not None  # noqa: S101  # asked for in `_do`
        issued, body = self._json(layout.ISSUE)["issued"], self._json(layout.STATEMENT)
        closed = chain.statements_of(self._entries)
        months = recomputing.months_open(self._field, closed, self._about[1], issued)
        differences = recomputing.check_months(body, months)
        granted = claims.granted_of(claims.read_records(self._files, layout.RELIEFS))
        decided = (chain.read_acts(self._files[layout.ACTS]), granted)
        differences += recomputing.settle_again(self._field, self._about[1], self._held, decided, self._files)
        lines = sum(len(block["lines"]) for block in body["blocks"].values())
        self._report.add(Check.STATEMENT, differences, lines, is_coarse=self._is_coarse)
