"""How results look in a terminal: what came in, compliance, determinations, the statement."""

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, cast, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from app import text
from app.bundle.report import Check, Report
from app.cli.output import Format, console, print_rows
from app.errors import UsageError
from app.export.tables import STATEMENT_COLUMNS, determination_rows, statement_rows
from app.jobs.contracts import load_files, read_folder
from app.jobs.demo import Outcome
from app.jobs.stakes import Stake
from app.settings import Settings
from app.text import Language
from rules.compliance import Compliance, by_standard
from rules.compliance import compliance as summed
from rules.contract import Level
from rules.examples import Reading
from rules.payments.lines import Block, LineKind
from rules.payments.money import written
from rules.records import Determination, Finding, Op

# Lines of each block shown in the demo; the files have them all.
_DEMO_LINES = {Block.SETTLEMENT: 3, Block.FIRM: 1, Block.IN_PROCEDURE: 2}
_INDENT = "    "
# Headings are broken, so that the rows below them are not.
_NAME_WIDTH, _COUNT_WIDTH = 24, 12
_PERCENT = "%\N{NO-BREAK SPACE}"
_OPS = {Op.AT_MOST: "≤", Op.AT_LEAST: "≥"}


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
    """Show a demo's results: what came in, then each month's compliance and statement, and where all of it is."""
    server = outcome.server
    edition = f" + TimescaleDB {server.timescaledb}" if server.timescaledb else ""
    way = f"{outcome.broker} → PostgreSQL {server.postgresql}{edition}"
    counts = [(f"{_heading('published', lang)}, {way}", outcome.published)]
    counts += [
        (f"{_heading(f'{unit}s', lang)}: {text.outcome_name(what, lang)}", n)
        for (unit, what), n in outcome.counts.items()
    ]
    rows = [{"what": what, "n": text.count(n, lang)} for what, n in counts]
    print_rows({"what": "", "n": ""}, rows, Format.TABLE, title=_heading("counts", lang), right=("n",))
    rejected = ", ".join(f"{reason} {text.count(n, lang)}" for reason, n in outcome.rejections.items())
    console().print(f"{_heading('distinct_rejections', lang)}: {rejected or 0}")
    standards = load_files(read_folder(out / "contract")).terms.file.standard
    levels = {one.id: one.level for one in sorted(standards, key=lambda one: list(Level).index(one.level))}
    for month in outcome.months:
        console().print()
        _compliance(by_standard(month.compliance), Format.TABLE, lang, levels)
        body = json.loads(month.issued.body)
        statement(body, month.issued.issue, Format.TABLE, lang, most=_DEMO_LINES)
    period = outcome.months[0].period
    console().print(
        f"\n{out}/  {'  '.join(f'{one.period}/' for one in outcome.months)}  acts/  contract/  field/  keys/\n"
        "  each month: statement.json  statement.csv  issue.json  closing.json  determinations.csv\n"
        f"  poniente pay {out}/contract {out}/{period}/determinations.csv --period {period} | "
        f"cmp - {out}/{period}/statement.json\n"
        f"  poniente verify {outcome.bundle} --key {out}/keys/public-key.pem\n"
        f"{outcome.bundle}: {_verified(outcome.report, lang)}",
        soft_wrap=True,
    )


def _verified(report: Report, lang: Language) -> str:
    """Say how a verification ended, in one line."""
    if not report.holds:
        return text.differences_told(len(report.differences), lang)
    judged = sum(one.count for one in report.checks if one.check == Check.DETERMINATIONS)
    return f"{text.bundle_word('all_holds', lang)} {_heading('checks', lang)}: {text.count(judged, lang)}."


def compliance(found: Iterable[Determination], form: Format, lang: Language) -> None:
    """Show compliance by zone and standard."""
    _compliance(summed(found), form, lang)


def _compliance(
    rows: Sequence[Compliance], form: Format, lang: Language, levels: Mapping[str, str] | None = None
) -> None:
    """Show compliance; by level instead of by zone where levels are given, in their order."""
    if levels:
        rows = sorted(rows, key=lambda one: list(levels).index(one.standard))
    place = "level" if levels else "zone"
    counts = ("checks", "met", "not_met", "inconclusive")
    if form == Format.TABLE:
        shown = [
            {
                place: text.level_name(levels[one.standard], lang) if levels else one.zone,
                "standard": one.standard,
                **{key: text.count(getattr(one, key), lang) for key in counts},
                "share_met": _bounds(one, lang),
                "completeness": text.share(one.completeness, lang) if one.expected else "",
            }
            for one in rows
        ]
    else:
        shown = [
            {
                **{key: getattr(one, key) for key in (place, "standard", *counts, "received", "expected")},
                "share_proven": written(one.share_proven),
                "share_possible": written(one.share_possible),
            }
            for one in rows
        ]
    keys = list(shown[0]) if shown else [place, "standard", *counts]
    headings = {key: key for key in keys}
    if form == Format.TABLE:
        headings = {key: _folded(key, lang) for key in keys}
    print_rows(headings, shown, form, right=keys[2:])


def _bounds(one: Compliance, lang: Language) -> str:
    low, high = text.share(one.share_proven, lang), text.share(one.share_possible, lang)
    return low if low == high else f"{low.rstrip(_PERCENT)}\N{EN DASH}{high}"


def determinations(found: Sequence[Determination], form: Format, lang: Language) -> None:
    """Show each determination, its values in their unit; as CSV the file that `poniente pay` reads."""
    if form == Format.TABLE:
        shown = [
            {
                "standard": one.standard,
                "asset": one.subject,
                "day": text.day(one.day, lang),
                "result": text.word(one.verdict.value, lang),
                "proven": text.bound(one.proven, {"unit": one.unit, "target": one.target}, lang, is_upper=False),
                "possible": text.bound(one.possible, {"unit": one.unit, "target": one.target}, lang, is_upper=True),
                "required": f"{_OPS[one.op]} {text.quantity(one.target, one.unit, lang)}",
                "received": f"{one.received}/{one.expected}",
            }
            for one in found
        ]
        keys = ("standard", "asset", "day", "result", "proven", "possible", "required", "received")
        print_rows({key: _folded(key, lang) for key in keys}, shown, form, right=keys[4:])
        return
    rows = determination_rows(found)
    columns = list(rows[0]) if rows else ["id"]
    print_rows({key: key for key in ("id", *(one for one in columns if one != "id"))}, rows, form)


def findings(
    found: Sequence[Finding],
    form: Format,
    lang: Language,
    readings: Mapping[Finding, Sequence[Reading]] | None = None,
) -> None:
    """Show what the linter found; and what an open clause would cost by each of its readings."""
    rows = [
        {
            **asdict(one),
            "choices": ", ".join(one.choices),
            "basis": one.basis.entry if one.basis else "",
            "status": one.basis.status if one.basis else "",
            "says": text.finding_text(one, lang),
            "example": text.readings_text((readings or {}).get(one, ()), lang),
        }
        for one in found
    ]
    if form == Format.TABLE:
        for row in rows:
            sys.stdout.write(f"{row['code']}: {row['says']}\n")
            if row["example"]:
                sys.stdout.write(f"  {row['example']}\n")
    else:
        keys = ("code", "file", "key", "value", "choices", "says", "example", "basis", "status")
        print_rows({key: key for key in keys}, rows, form)


def stakes(found: Sequence[Stake], currency: str, form: Format, lang: Language) -> None:
    """Show where the money of a contract lies: by level, the most that it can cost in a month."""
    keys = ("level", "standards", "most", "share")
    if form != Format.TABLE:
        rows = [
            {
                "level": one.level.value,
                "standards": " ".join(one.standards),
                "most": written(one.amount),
                "currency": currency,
                "share": written(one.share),
                "unforeseen": " ".join(one.unforeseen),
            }
            for one in found
        ]
        print_rows({key: key for key in (*keys[:3], "currency", "share", "unforeseen")}, rows, form)
        return
    rows = [
        {
            "level": text.level_name(one.level, lang),
            "standards": ", ".join(one.standards),
            "most": text.amount(written(one.amount), currency, lang),
            "share": text.share(Fraction(round(one.share * 1_000), 1_000), lang),
        }
        for one in found
    ]
    print_rows({key: _heading(key, lang) for key in keys}, rows, form, right=keys[2:])
    if unforeseen := [name for one in found for name in one.unforeseen]:
        console().print(f"{_heading('unforeseen', lang)}: {', '.join(unforeseen)}")


def statement(
    body: Mapping[str, Any],
    record: Mapping[str, Any],
    form: Format,
    lang: Language,
    *,
    most: Mapping[Block, int] | None = None,
) -> None:
    """Show a statement: its blocks with a sentence for each line, its totals, what stands beside it.

    With `most`, no more lines of a block than that; nothing of a block that has none.
    """
    if form != Format.TABLE:
        print_rows({key: key for key in STATEMENT_COLUMNS}, statement_rows(body), form)
        return
    out, currency = console(), body["currency"]
    out.print(
        f"\n[bold]{body['contract']} · {text.month(body['period'], lang)} · {_heading('version', lang)} "
        f"{body['terms']['version']}[/bold]"
    )
    for block in sorted(body["blocks"]):
        lines = body["blocks"][block]["lines"]
        shown = lines if most is None else _chosen(lines, most[Block(block)])
        if most is None:
            out.print()
        if shown or most is None:
            _block(block, body["blocks"][block], shown, currency, lang, with_remedies=most is None)
    if most is None:
        out.print()
    out.print(_totals(body, lang))
    for notice in body.get("notices", ()):
        out.print(text.notice_text(notice, currency, lang), soft_wrap=True)
    if record:
        _beside(record, currency, lang)


def _totals(body: Mapping[str, Any], lang: Language) -> Table:
    """Lay out the totals; with the tax, where the terms have a rate."""
    totals = Table(box=None, pad_edge=False, show_header=False)
    totals.add_column()
    totals.add_column(justify="right")
    for key in ("base", "adjustments", "firm", "net", "in_procedure"):
        style = "bold" if key == "net" else ""
        totals.add_row(_heading(key, lang), text.amount(body["totals"][key], body["currency"], lang), style=style)
    if tax := body.get("tax"):
        for key, name in (("net", "without_vat"), ("tax", "vat"), ("gross", "with_vat")):
            totals.add_row(_heading(name, lang), text.amount(tax[key], body["currency"], lang))
    return totals


def _beside(record: Mapping[str, Any], currency: str, lang: Language) -> None:
    """Show what stands beside a statement: readings, rejections, what time has ended, the ledger's head."""
    out = console()
    counted = ", ".join(
        f"{text.outcome_name(key, lang)} {text.count(n, lang)}" for key, n in record["readings"].items()
    )
    counters: dict[str, int] = record["continuity"]
    # A history that was played in afterwards is late as a whole, which says nothing.
    is_played = counters["late"] >= record["readings"].get("accepted", 0)
    names = [name for name in ("late", "missing", "resets") if name != "late" or not is_played]
    told = ", ".join(f"{text.outcome_name(name, lang)} {text.count(counters[name], lang)}" for name in names)
    out.print(f"{_heading('readings_of_month', lang)}: {counted}; {told}")
    rejected: dict[str, int] = record["rejected_since_last_issue"]
    units = ", ".join(f"{text.word(f'{unit}s', lang)} {text.count(n, lang)}" for unit, n in rejected.items())
    name = text.outcome_name("rejected", lang)
    out.print(f"{name[:1].upper()}{name[1:]}: {units or 0}")
    if expired := record.get("expired"):
        out.print(text.expired_text(expired, currency, lang), soft_wrap=True)
    if head := record.get("ledger_head"):
        out.print(f"ledger {head['entry']} {head['hash'][:16]}…  body {record['body_sha256'][:16]}…")


def _block(
    block: str,
    content: Mapping[str, Any],
    shown: Sequence[Mapping[str, Any]],
    currency: str,
    lang: Language,
    *,
    with_remedies: bool,
) -> None:
    out = console()
    out.print(f"[bold]{text.block_name(block, lang)}[/bold]  {text.amount(content['total'], currency, lang)}")
    for line in shown:
        out.print(f"  [dim]{line['id']}[/dim]  {text.amount(line['amount'], currency, lang)}")
        said = [text.sentence(line, currency, lang)]
        if with_remedies and line["amount"] != "0":
            said.append(text.remedy(line, lang))
        for row in textwrap.wrap(" ".join(said), out.width, initial_indent=_INDENT, subsequent_indent=_INDENT):
            out.print(row, soft_wrap=True)
    if more := len(content["lines"]) - len(shown):
        out.print(f"  … +{text.count(more, lang)} → statement.csv")


def _chosen(lines: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """Choose lines for a short view, in their order: one of each kind and state, then one of each standard.

    A short view shows what changes the money: not the base sum, which the totals name, and no line that costs
    nothing (free, absorbed, capped, annulled).
    """
    costly = [line for line in lines if line["amount"] != "0" and line["kind"] != LineKind.BASE]
    seen: set[object] = set()
    ranked: list[tuple[int, int]] = []
    for place, line in enumerate(costly):
        kind, standard = (line["kind"], line["state"]), line["standard"]
        ranked.append((0 if kind not in seen else 1 if standard not in seen else 2, place))
        seen |= {kind, standard}
    return [costly[place] for place in sorted(place for _, place in sorted(ranked)[:most])]


def _folded(key: str, lang: Language) -> str:
    return textwrap.fill(_heading(key, lang), _NAME_WIDTH if key == "standard" else _COUNT_WIDTH)


def _heading(key: str, lang: Language) -> str:
    said = text.word(key, lang)
    return said[:1].upper() + said[1:]
