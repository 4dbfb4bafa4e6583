"""How an explanation looks in a terminal: a line, its steps, the determinations behind it, and their readings."""

from fractions import Fraction
from typing import Any

from rich.markup import escape
from rich.table import Table

from app import text
from app.cli.output import console
from app.jobs.explaining import Evidence, Explanation, Heard
from app.text import Language
from rules.calendar import Zone
from rules.payments.money import written
from rules.records import Determination, Op
from sensors.quantities import Quantity, Word
from sensors.readings import Clock
from storage.instants import microseconds

# A month of a tracker that is often silent has more; the longest tell most.
_GAPS_MAX = 12
_DIGEST_DIGITS = 8


def explanation(why: Explanation, lang: Language, *, with_readings: bool) -> None:
    """Show a line, its steps, the determinations behind it and what those rest on."""
    out, line = console(), why.line
    out.print(f"[bold]{line['id']}[/bold]  {text.amount(line['amount'], why.currency, lang)}")
    out.print(text.sentence(line, why.currency, lang))
    if remedy := text.remedy(line, lang):
        out.print(remedy)
    for step in line["trace"]:
        name, change, said = text.step_row(line, step, why.currency, lang)
        out.print(f"  {name}: {change}  [dim]{escape(said)}[/dim]")
    for evidence in why.evidence:
        _evidence(evidence, lang)
        if evidence.segments or evidence.passes:
            _streets(evidence, why, lang)
        for heard in evidence.heard:
            _heard(heard, evidence.loaded.terms.zone, lang, with_readings=with_readings)


def _evidence(evidence: Evidence, lang: Language) -> None:
    """Show a determination: bounds in their unit, gaps with causes, small facts, digests."""
    out, one, zone = console(), evidence.determination, evidence.loaded.terms.zone
    out.print(f"\n[bold]{one.id}[/bold]  {text.verdict_name(one.verdict, lang)}")
    out.print(f"  {_bounds(one, lang)}")
    gaps: list[dict[str, Any]] = one.trace.get("gaps", [])
    longest = sorted(gaps, key=lambda gap: gap["from_us"] - gap["until_us"])[:_GAPS_MAX]
    for gap in sorted(longest, key=lambda gap: (gap["from_us"], gap.get("vehicle", ""))):
        whose = f" {gap['vehicle']}" if "vehicle" in gap else ""
        out.print(
            f"  {_heading('gap', lang)}{whose}: {_instant(zone, gap['from_us'], lang)} → "
            f"{_instant(zone, gap['until_us'], lang)}, {text.cause_name(gap['cause'], lang)}"
        )
    if more := len(gaps) - len(longest):
        out.print(f"  {_heading('gap', lang)}: … +{text.count(more, lang)}")
    if missing := one.trace.get("not_inspected"):
        out.print(f"  {_heading('not_inspected', lang)}: {', '.join(missing)}")
    if "lifts" in (detail := one.trace.get("detail", {})):
        out.print(f"  {_heading('recorded_lifts', lang)}: {text.count(detail['lifts'], lang)}")
    for name, value in sorted(one.digests.items()):
        out.print(f"  [dim]sha256 {name:<9} {value}[/dim]")


def _bounds(one: Determination, lang: Language) -> str:
    """All bounds; that with the contractor's gaps where it is not the one that favours the contractor."""
    is_least_due = one.op == Op.AT_LEAST
    said = [("proven", one.proven, False), ("possible", one.possible, True)]
    if one.borne != (one.possible if is_least_due else one.proven):
        said.append(("borne", one.borne, is_least_due))
    scale = {"unit": one.unit, "target": one.target}
    parts = [f"{_heading(key, lang)} {text.bound(value, scale, lang, is_upper=is_up)}" for key, value, is_up in said]
    limit = f"{_heading('due_least' if is_least_due else 'limit', lang)} {text.quantity(one.target, one.unit, lang)}"
    return " · ".join([*parts, limit, f"{_heading('received', lang)} {one.received}/{one.expected}"])


def _streets(evidence: Evidence, why: Explanation, lang: Language) -> None:
    """Show a zone's streets, the worst first, or a street's passes; and how to go on from there."""
    if evidence.asked:
        _passes(evidence, lang)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column(f"  {_heading('segment', lang)}")
    table.add_column(_heading("street", lang))
    for key in ("length", "proven", "possible", "passes"):
        table.add_column(_heading(key, lang), justify="right")
    for one in evidence.segments:
        shares = (Fraction(one.proven_mm, one.length_mm), Fraction(one.possible_mm, one.length_mm))
        proven, possible = (text.share(share, lang) for share in shares)
        length = text.length(one.length_mm, lang)
        table.add_row(f"  {one.segment}", one.street, length, proven, possible, text.count(one.passes, lang))
    console().print(table)
    # One on which nobody was has no fixes to show.
    worst = next((one.segment for one in evidence.segments if one.passes), evidence.segments[0].segment)
    console().print(
        f"  → poniente explain {evidence.determination.contract} {why.line['id']} --segment {worst}", soft_wrap=True
    )


def _passes(evidence: Evidence, lang: Language) -> None:
    if not evidence.passes:
        console().print(f"  {evidence.asked}: {_heading('passes', lang)} 0")
        return
    table, zone = Table(box=None, pad_edge=False), evidence.loaded.terms.zone
    table.add_column(f"  {_heading('segment', lang)}")
    for key in ("vehicle", "from", "until", "proven"):
        table.add_column(_heading(key, lang), justify="right" if key == "proven" else "left")
    for one in evidence.passes:
        begun, ended = _instant(zone, one.from_us, lang), _instant(zone, one.until_us, lang)
        table.add_row(f"  {one.segment}", one.vehicle, begun, ended, text.length(one.proven_mm, lang))
    console().print(table)


def _heard(heard: Heard, zone: Zone, lang: Language, *, with_readings: bool) -> None:
    """Show what a device said: columns as its kind declares them, those only that anything was said in."""
    count = text.count(len(heard.said), lang)
    console().print(
        f"  {_heading('device', lang)} {heard.source}/{heard.device} ({heard.asset}), "
        f"{text.kind_name(heard.kind.name, lang)}: {count}"
    )
    if not (with_readings and heard.said):
        return
    declared: list[Quantity | Word] = [*heard.kind.quantities, *heard.kind.words]
    said = [one for one in declared if any(_is_said(row.values[one.name]) for row in heard.said)]
    # Where every clock agrees, and no device counts, a column would say nothing.
    has_sequence = any(row.sequence for row in heard.said)
    has_doubt = any(row.clock != Clock.AGREES for row in heard.said)
    heads = [*(["sequence"] if has_sequence else []), *(one.said for one in said), *(["clock"] if has_doubt else [])]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(f"    {_heading('local_time', lang)}", no_wrap=True)
    for head in (*heads, "digest"):
        table.add_column(head, overflow="fold")
    for row in heard.said:
        local = zone.local(microseconds(row.event_time))
        table.add_row(
            f"    {local:%Y-%m-%d %H:%M:%S}",
            *([str(row.sequence)] if has_sequence else []),
            *(_value(row.values[one.name], one) for one in said),
            *([Clock(row.clock).name.lower()] if has_doubt else []),
            row.digest[:_DIGEST_DIGITS],
        )
    console().print(table)


def _is_said(value: int | str | None) -> bool:
    return value is not None and value != ""


def _value(value: int | str | None, declared: Quantity | Word) -> str:
    """Write a value in the unit in which it is said, without loss."""
    if value is None or isinstance(declared, Word):
        return value if isinstance(value, str) else ""
    return written(Fraction(value) / declared.scale)


def _instant(zone: Zone, instant_us: int, lang: Language) -> str:
    return text.instant(zone.local(instant_us).isoformat(timespec="seconds"), lang)


def _heading(key: str, lang: Language) -> str:
    said = text.word(key, lang)
    return said[:1].upper() + said[1:]
