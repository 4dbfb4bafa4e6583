"""Findings on the terms of due process."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date

from rules.process.terms import STARTS, Clock, ClockName, Process
from rules.records import Finding, FindingCode

_FILE = "contract.toml"


def lint_process(
    process: Process | None, holidays: Mapping[str, frozenset[date]], codes: tuple[str, ...]
) -> Iterator[Finding]:
    """Find what is wrong with the terms of due process.

    Parameters
    ----------
    process : Process or None
        Nothing is found where the contract has none.
    holidays : mapping
        List of holidays to its days.
    codes : tuple of str
        Codes of relief that the terms have.
    """
    if process is None:
        return
    yield from _ids(process)
    kinds = tuple(one.id for one in process.day_kind)
    for kind in process.day_kind:
        if kind.holidays and kind.holidays not in holidays:
            key = f"process.day_kind[{kind.id}].holidays"
            yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, key, kind.holidays, tuple(holidays))
    for channel in process.channel:
        if channel.deemed.day_kind and channel.deemed.day_kind not in kinds:
            key = f"process.channel[{channel.id}].deemed.day_kind"
            yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, key, channel.deemed.day_kind, kinds)
    for name in ClockName:
        if clock := process.clocks.named(name):
            yield from _clock(name, clock, kinds, codes)
    if (process.clocks.appeal is None) != (process.clocks.appeal_decision is None):
        missing = "appeal" if process.clocks.appeal is None else "appeal_decision"
        yield Finding(FindingCode.UNDECLARED, _FILE, f"process.clocks.{missing}")
    if process.late_interest and process.clocks.invoice_payment is None:
        yield Finding(FindingCode.UNDECLARED, _FILE, "process.clocks.invoice_payment")
    yield from _silence(process)


def _ids(process: Process) -> Iterator[Finding]:
    for table in ("day_kind", "channel", "role", "checklist"):
        yield from _repeated(f"process.{table}", [row.id for row in getattr(process, table)], _FILE)
    for pair in process.incompatible:
        if pair.acts[0] == pair.acts[1]:
            # An act that may not meet itself could be done once a line by nobody twice, which is no rule of two acts.
            yield Finding(FindingCode.DUPLICATE_ID, _FILE, "process.incompatible.acts", pair.acts[0])


def _repeated(table: str, ids: list[str], file: str) -> Iterator[Finding]:
    for name, n in Counter(ids).items():
        if n > 1:
            yield Finding(FindingCode.DUPLICATE_ID, file, f"{table}[{name}].id", name)


def _clock(name: ClockName, clock: Clock, kinds: tuple[str, ...], codes: tuple[str, ...]) -> Iterator[Finding]:
    key = f"process.clocks.{name}"
    if clock.day_kind not in kinds:
        yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.day_kind", clock.day_kind, kinds)
    if clock.runs_from not in STARTS[name]:
        yield Finding(FindingCode.NOT_A_CHOICE, _FILE, f"{key}.runs_from", clock.runs_from, STARTS[name])
    for code in clock.pauses:
        if code not in codes:
            yield Finding(FindingCode.UNKNOWN_REFERENCE, _FILE, f"{key}.pauses", code, codes)


def _silence(process: Process) -> Iterator[Finding]:
    """The city's own delay never counts against the contractor unless a clause says so."""
    city = process.city_silence
    if city.outcome == "upheld" and (city.clause is None or not city.clause.article.strip()):
        choices = ("annulled", "open")
        yield Finding(FindingCode.CITY_SILENCE_CONDEMNS, _FILE, "process.city_silence", city.outcome, choices)
