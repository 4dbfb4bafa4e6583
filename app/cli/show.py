"""How results look in a terminal: what came in, compliance, the statement, why a line is what it is."""

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, cast, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from app import text
from app.cli.output import Format, console, print_rows
from app.errors import UsageError
from app.export.tables import STATEMENT_COLUMNS, determination_rows, statement_rows
from app.jobs.demo import Outcome
from app.jobs.explaining import Evidence, Explanation
from app.settings import Settings
from app.text import Language
from rules.calendar import Zone
from rules.compliance import Compliance
from rules.compliance import compliance as summed
from rules.payments.money import written
from rules.records import Determination
from sensors.readings import Clock
from storage.readings import Said

# Lines of each block shown in the demo; the files have them all.
_DEMO_LINES = 3


class Progress:
    """Bars on standard error while the demo works."""

    def __init__(self) -> None:
        self._bar = Bar(
            TextColumn("{task.description:<11}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, what: str, done: int, of: int) -> None:
        """Show how far something is."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=of)
        self._bar.update(self._tasks[what], completed=done)


def language(said: str | None) -> Language:
    """Language of the option, or else of the settings.

    Raises
    ------
    UsageError
        When it is none of ours.
    """
    chosen = said or Settings().language
    if chosen not in get_args(Language):
        raise UsageError(f"language {chosen!r} is none of {', '.join(get_args(Language))}")
    return cast("Language", chosen)


def demo(outcome: Outcome, lang: Language, out: Path) -> None:
    """Show a demo's results."""
    server = outcome.server
    edition = f" + TimescaleDB {server.timescaledb}" if server.timescaledb else ""
    way = f"{outcome.broker} → PostgreSQL {server.postgresql}{edition}"
    counts = [(f"{_heading('published', lang)}, {way}", outcome.published)]
    counts += [
        (f"{_heading(f'{unit}s', lang)}: {text.outcome_name(what, lang)}", n)
        for (unit, what), n in outcome.counts.items()
    ]
    counts += [(f"{_heading('distinct_rejections', lang)}: {reason}", n) for reason, n in outcome.rejections.items()]
    rows = [{"what": what, "n": text.count(n, lang)} for what, n in counts]
    print_rows({"what": "", "n": ""}, rows, Format.TABLE, title=_heading("counts", lang), right=("n",))
    console().print()
    _compliance(outcome.compliance, Format.TABLE, lang)
    console().print()
    statement(json.loads(outcome.issued.body), outcome.issued.issue, Format.TABLE, lang, most=_DEMO_LINES)
    console().print(f"\n{out}/  statement.json  statement.csv  issue.json  determinations.csv  contract/  field/")


def compliance(found: Iterable[Determination], form: Format, lang: Language) -> None:
    """Show compliance by zone and standard."""
    _compliance(summed(found), form, lang)


def _compliance(rows: Sequence[Compliance], form: Format, lang: Language) -> None:
    counts = ("zone", "standard", "checks", "met", "not_met", "inconclusive")
    if form == Format.TABLE:
        shown = [
            {
                **{key: getattr(one, key) for key in counts},
                "share_met": _bounds(one, lang),
                "completeness": text.share(one.completeness, lang),
            }
            for one in rows
        ]
    else:
        shown = [
            {
                **{key: getattr(one, key) for key in (*counts, "received", "expected")},
                "share_proven": written(one.share_proven),
                "share_possible": written(one.share_possible),
            }
            for one in rows
        ]
    keys = list(shown[0]) if shown else list(counts)
    headings = {key: _heading(key, lang) if form == Format.TABLE else key for key in keys}
    print_rows(headings, shown, form, right=keys[2:])


def _bounds(one: Compliance, lang: Language) -> str:
    low, high = text.share(one.share_proven, lang), text.share(one.share_possible, lang)
    return low if low == high else f"{low} \N{EN DASH} {high}"


def determinations(found: Sequence[Determination], form: Format) -> None:
    """Show each determination; as CSV the file that `poniente pay` reads."""
    rows = determination_rows(found)
    columns = list(rows[0]) if rows else ["id"]
    keys = ["id", *(column for column in columns if column != "id")] if form != Format.TABLE else [
        "id", "verdict", "proven", "borne", "possible", "target", "received", "expected",
    ]  # fmt: skip
    print_rows({key: key for key in keys}, rows, form)


def statement(
    body: Mapping[str, Any], record: Mapping[str, Any], form: Format, lang: Language, *, most: int = 1_000_000
) -> None:
    """Show a statement: its blocks with a sentence for each line, its totals, what stands beside it."""
    if form != Format.TABLE:
        print_rows({key: key for key in STATEMENT_COLUMNS}, statement_rows(body), form)
        return
    out, currency = console(), body["currency"]
    out.print(
        f"[bold]{body['contract']} · {text.month(body['period'], lang)} · {_heading('version', lang)} "
        f"{body['terms']['version']}[/bold]"
    )
    for block in sorted(body["blocks"]):
        _block(block, body["blocks"][block], currency, lang, most)
    totals = Table(box=None, pad_edge=False, show_header=False)
    totals.add_column()
    totals.add_column(justify="right")
    for key in ("base", "adjustments", "firm", "net", "in_procedure"):
        style = "bold" if key == "net" else ""
        totals.add_row(_heading(key, lang), text.amount(body["totals"][key], currency, lang), style=style)
    out.print()
    out.print(totals)
    if record:
        counted = ", ".join(
            f"{text.outcome_name(key, lang)} {text.count(n, lang)}" for key, n in record["readings"].items()
        )
        out.print(f"{_heading('readings_of_month', lang)}: {counted}")
        rejected: dict[str, int] = record["rejected_since_last_issue"]
        units = ", ".join(f"{text.word(f'{unit}s', lang)} {text.count(n, lang)}" for unit, n in rejected.items())
        name = text.outcome_name("rejected", lang)
        out.print(f"{name[:1].upper()}{name[1:]}: {units or 0}")
        if head := record.get("ledger_head"):
            out.print(f"ledger {head['entry']} {head['hash'][:16]}…  body {record['body_sha256'][:16]}…")


def _block(block: str, content: Mapping[str, Any], currency: str, lang: Language, most: int) -> None:
    out = console()
    # Lines that cost nothing (free, absorbed, capped) are in the files; a short view shows money.
    lines = [line for line in content["lines"] if most >= len(content["lines"]) or line["amount"] != "0"]
    out.print(f"\n[bold]{text.block_name(block, lang)}[/bold]  {text.amount(content['total'], currency, lang)}")
    for line in lines[:most]:
        out.print(f"  [dim]{line['id']}[/dim]  {text.amount(line['amount'], currency, lang)}")
        out.print(f"    {text.sentence(line, currency, lang)}")
    if more := len(content["lines"]) - min(most, len(lines)):
        out.print(f"  … +{more} → statement.csv")


def explanation(why: Explanation, lang: Language, *, with_readings: bool) -> None:
    """Show a line, its steps, the determinations behind it and the readings behind those."""
    out, line = console(), why.line
    out.print(f"[bold]{line['id']}[/bold]  {text.amount(line['amount'], why.currency, lang)}")
    out.print(text.sentence(line, why.currency, lang))
    if line["determinations"]:
        out.print(text.remedy(line, lang))
    for step in line["trace"]:
        detail = " ".join(f"{key}={_flat(value)}" for key, value in step.items() if key not in ("step", "in", "out"))
        out.print(f"  {step['step']:<10} {step['in']} → {step['out']}  [dim]{detail}[/dim]")
    for evidence in why.evidence:
        _evidence(evidence, why.loaded.terms.zone, lang, with_readings=with_readings)


def _evidence(evidence: Evidence, zone: Zone, lang: Language, *, with_readings: bool) -> None:
    out, one = console(), evidence.determination
    out.print(f"\n[bold]{one.id}[/bold]  {text.verdict_name(one.verdict, lang)}")
    out.print(
        f"  {_heading('proven', lang)} {text.duration(one.proven, lang)} · {_heading('possible', lang)} "
        f"{text.duration(one.possible, lang)} · {_heading('limit', lang)} {text.duration(one.target, lang)} · "
        f"{_heading('received', lang)} {one.received}/{one.expected}"
    )
    for gap in one.trace["gaps"]:
        begin, end = (zone.local(gap[key]).isoformat(timespec="seconds") for key in ("from_us", "until_us"))
        out.print(
            f"  {_heading('gap', lang)}: {text.instant(begin, lang)} → {text.instant(end, lang)}, "
            f"{text.cause_name(gap['cause'], lang)}"
        )
    for name, value in sorted(one.digests.items()):
        out.print(f"  [dim]sha256 {name:<9} {value}[/dim]")
    for (source, device), said in evidence.said.items():
        out.print(f"  {_heading('device', lang)} {source}/{device}: {_heading('received', lang)} {len(said)}")
        if with_readings:
            _readings(said, zone)


def _readings(said: Sequence[Said], zone: Zone) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("local time", "sequence", "distance_mm", "fill_ppm", "clock", "digest"):
        table.add_column(column)
    for one in said:
        local = zone.local(round(Fraction(one.event_time.timestamp()) * 1_000_000))
        cells = (one.sequence, one.distance_mm, one.fill_ppm, Clock(one.clock).name.lower())
        table.add_row(
            f"    {local:%Y-%m-%d %H:%M:%S}", *("" if c is None else str(c) for c in cells), one.digest[:13]
        )
    console().print(table)


def _flat(value: object) -> str:
    if isinstance(value, dict):
        said = cast("dict[str, object]", value)
        return ",".join(f"{key}:{_flat(part)}" for key, part in said.items())
    return str(value)


def _heading(key: str, lang: Language) -> str:
    said = text.word(key, lang)
    return said[:1].upper() + said[1:]
