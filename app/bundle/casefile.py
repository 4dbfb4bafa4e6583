"""The papers of one line of a statement, as a page to print: out of a bundle, with nothing beside it.

Whether the bundle holds is `verify`'s affair; the page shows what stands in it. A browser numbers the pages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from app import text
from app.bundle import layout
from app.bundle.claims import read_records
from app.bundle.manifest import Bundle
from app.bundle.recomputing import Field, read_cited, read_field, read_held, read_readings, read_terms
from app.errors import RefusedError
from app.text import Language
from rules.assess import kinds_of
from rules.assets import Installation
from rules.contract import Terms
from rules.payments.money import written
from rules.process.records import record_from
from rules.records import Determination, Op
from sensors.columns import Columns
from sensors.readings import NOT_SAID
from sensors.registry import kinds

# A month of a tracker has more than anybody prints; the bundle has them all.
_READINGS_MAX = 400
_OPS = {Op.AT_MOST: "≤", Op.AT_LEAST: "≥"}
_PLACES = ("line", "results", "steps", "acts", "procedure", "readings")
_STYLE = (
    "@page{size:A4;margin:20mm;@bottom-right{content:counter(page) ' / ' counter(pages)}}"
    "body{font:11pt/1.4 serif;max-width:170mm;margin:auto}h2{break-after:avoid;margin-top:1.5em}"
    "table{border-collapse:collapse;width:100%;font-size:9pt}td,th{border-bottom:1px solid #999;padding:1mm;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}thead{display:table-header-group}tr{break-inside:avoid}"
)


def write(bundle: Bundle, line_id: str, lang: Language) -> str:
    """Write the papers of a line.

    Parameters
    ----------
    bundle : Bundle
    line_id : str
    lang : str

    Returns
    -------
    str
        HTML that needs no other file.

    Raises
    ------
    RefusedError
        When the statement has no such line.
    """
    body: dict[str, Any] = json.loads(bundle.files[layout.STATEMENT])
    lines = [line for block in body["blocks"].values() for line in block["lines"] if line["id"] == line_id]
    if not lines:
        raise RefusedError(f"the statement of {body['period']} has no line {line_id!r}")
    line: dict[str, Any] = lines[0]
    found = _determinations(bundle.files, line["determinations"])
    parts = {
        "line": _line(line, body["currency"], lang),
        "results": _results(found, lang),
        "steps": _table(text.step_row(line, step, body["currency"], lang) for step in line["trace"]),
        "acts": _acts(bundle.files, line_id, lang),
        "procedure": _procedure(bundle, line_id, body["currency"], lang),
        "readings": _readings(bundle, found, lang),
    }
    none = f"<p>{escape(text.bundle_word('none', lang))}</p>"
    title = f"{text.bundle_word('case_file', lang)}: {line_id}"
    contents = "".join(f'<li><a href="#{key}">{_heading(key, lang)}</a></li>' for key in _PLACES)
    sections = "".join(f'<h2 id="{key}">{_heading(key, lang)}</h2>{parts[key] or none}' for key in _PLACES)
    about = f"{body['contract']} · {text.month(body['period'], lang)} · {bundle.manifest.public_key}"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(about)}</p>"
        f"<h2>{_heading('contents', lang)}</h2><ol>{contents}</ol>{sections}</body></html>\n"
    )


def _heading(key: str, lang: Language) -> str:
    said = text.bundle_word(key, lang)
    return escape(said[:1].upper() + said[1:])


def _table(rows: Iterable[Sequence[str]], heads: Sequence[str] = ()) -> str:
    head = f"<thead><tr>{''.join(f'<th>{escape(one)}</th>' for one in heads)}</tr></thead>" if heads else ""
    cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return f"<table>{head}<tbody>{''.join(f'<tr>{row}</tr>' for row in cells)}</tbody></table>" if cells else ""


def _line(line: Mapping[str, Any], currency: str, lang: Language) -> str:
    rows = [(text.bundle_word("amount", lang), text.amount(line["amount"], currency, lang))]
    if clause := line["says"].get("clause"):
        rows.append((text.bundle_word("clause", lang), str(clause)))
    rows.append((text.bundle_word("state", lang), text.state_name(line["state"], lang)))
    said = f"{text.sentence(line, currency, lang)} {text.remedy(line, lang)}"
    return f"<p>{escape(said.rstrip())}</p>{_table(rows)}"


def _acts(files: Mapping[str, bytes], line_id: str, lang: Language) -> str:
    acts = json.loads(files.get(layout.ACTS, b'{"acts":[]}'))["acts"]
    rows = [
        (
            one["number"],
            text.state_name(one["effect"], lang),
            text.day(one["date"], lang),
            one["signer"],
            one["document_sha256"],
        )
        for one in acts
        if one["line"] == line_id
    ]
    heads = [text.bundle_word(key, lang) for key in ("acts", "state", "date", "signer", "document")]
    return _table(rows, heads)


def _procedure(bundle: Bundle, line_id: str, currency: str, lang: Language) -> str:
    """Show what was done on the line, in the order in which it was recorded."""
    if layout.PROCESS not in bundle.files:
        return ""
    recorded = [one for one in read_records(bundle.files, layout.PROCESS) if one.subject == line_id]
    zone = read_terms(bundle.files, bundle.manifest.contract)[0].zone
    rows: list[tuple[str, ...]] = []
    for one in sorted(recorded, key=lambda one: one.place):
        record = record_from(one.body)
        rows.append(
            (
                text.local_text(zone, record.at_us, lang),
                text.record_name(record.kind, lang),
                ", ".join(filter(None, (record.person, record.role))),
                record.number,
                text.record_says(record, currency, lang),
                record.document_sha256,
                record.proof_sha256,
            )
        )
    heads = [text.heading(key, lang) for key in ("at", "record", "person", "number", "says", "document", "proof")]
    return _table(rows, heads)


def _determinations(files: Mapping[str, bytes], ids: Sequence[str]) -> list[Determination]:
    names = [name for name in files if name.startswith(layout.DETERMINATIONS) and name != layout.CITED]
    months = sorted(name.removeprefix(layout.DETERMINATIONS).removesuffix(".csv") for name in names)
    found = [*read_cited(files), *(one for month in months for one in read_held(files, month))]
    return [one for one in found if one.id in set(ids)]


def _results(found: Sequence[Determination], lang: Language) -> str:
    rows: list[tuple[str, ...]] = []
    for one in found:
        scale = {"unit": one.unit, "target": one.target}
        low, high = (
            text.bound(value, scale, lang, is_upper=is_upper)
            for value, is_upper in ((one.proven, False), (one.possible, True))
        )
        limit = f"{_OPS[one.op]} {text.quantity(one.target, one.unit, lang)}"
        rows.append(
            (one.id, text.verdict_name(one.verdict, lang), low, high, limit, f"{one.received}/{one.expected}")
        )
    heads = ("result", "", "proven", "possible", "required", "received")
    return _table(rows, [text.word(key, lang) if key else "" for key in heads])


def _readings(bundle: Bundle, found: Sequence[Determination], lang: Language) -> str:
    """Show the readings that the line's checks looked at, as their kinds declare them."""
    is_there = {layout.ASSETS, layout.INSTALLATIONS} <= bundle.files.keys()
    if not (found and is_there):
        return ""
    readings, _, _ = read_readings(bundle.files)
    versions = read_terms(bundle.files, bundle.manifest.contract)
    field = read_field(bundle.files, versions, readings, is_coarse=False)
    return "".join(_looked_at(field, one, lang) for one in found)


def _looked_at(field: Field, one: Determination, lang: Language) -> str:
    terms = next(terms for terms in field.versions if terms.version == one.terms_version)
    standard = next(standard for standard in terms.file.standard if standard.id == one.standard)
    parts: list[str] = []
    for link in field.register_of(terms).installations:
        # A street's or a case's subject hangs on no device: all that its kinds say is looked at.
        if link.asset != one.subject and any(each.asset == one.subject for each in field.register_of(terms).assets):
            continue
        for kind in kinds_of(standard):
            said = field.readings.get((kind, link.source, link.device))
            if said is not None:
                parts.append(_device(terms, link, said.between(*_span(one, link)), lang))
    return "".join(parts)


def _span(one: Determination, link: Installation) -> tuple[int, int]:
    first_us = one.trace.get("looked_from_us", one.window_start_us)
    until_us = one.trace.get("looked_until_us", one.window_end_us)
    return max(first_us, link.since_us), min(until_us, link.until_us)


def _device(terms: Terms, link: Installation, said: Columns, lang: Language) -> str:
    if not len(said):
        return ""
    declared = [*kinds()[said.kind.name].quantities]
    quantities = [one for one in declared if (said.numbers[one.name] != NOT_SAID).any()]
    words = [one.name for one in said.kind.words if (said.words[one.name] != "").any()]
    rows: list[list[str]] = []
    for place in range(min(len(said), _READINGS_MAX)):
        local = terms.zone.local(int(said.event_time_us[place]))
        values = [int(said.numbers[one.name][place]) for one in quantities]
        numbers = [
            "" if value == NOT_SAID else written(Fraction(value) / one.scale)
            for value, one in zip(values, quantities, strict=True)
        ]
        rows.append([f"{local:%Y-%m-%d %H:%M:%S}", *numbers, *(str(said.words[name][place]) for name in words)])
    heads = [text.word("local_time", lang), *(one.said for one in quantities), *words]
    name = f"{link.source}/{link.device} ({link.asset}), {text.kind_name(said.kind.name, lang)}: {len(said)}"
    more = f"<p>… +{len(said) - _READINGS_MAX}</p>" if len(said) > _READINGS_MAX else ""
    return f"<h3>{escape(name)}</h3>{_table(rows, heads)}{more}"
