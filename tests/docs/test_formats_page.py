"""`docs/formats.md`: its examples recompute with the standard library alone, and it names what the code writes."""

import hashlib
import json
import re
import struct
from dataclasses import fields

from app.export.tables import _DETERMINATION_COLUMNS  # pyright: ignore[reportPrivateUsage]
from app.jobs.statements import ISSUE_SCHEMA
from rules.payments.lines import Block, Line, LineKind
from rules.payments.restate import Earlier
from rules.payments.statement import STATE_SCHEMA, STATEMENT_SCHEMA, opening_of_nothing, settle
from rules.payments.steps import ChargeState
from rules.records import Act, Verdict
from rules.records import digest as product_digest
from sensors.readings import FILL_LEVEL
from storage.ledger import entry_hash
from tests.docs.pages import assert_named, page
from tests.rules.contracts import contract_table, full_standard, terms_of
from tests.rules.drawn import fact

PAGE = page("formats.md")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_small_example_when_hashed() -> None:
    example = '{"a":"0.10","b":["café",2]}'
    assert f"`{example}` has the digest `{_sha256(example)}`" in PAGE
    assert _sha256(example) == product_digest(json.loads(example))


def test_determination_id_when_recomputed() -> None:
    inputs = _blocks("json")[0]
    written = json.dumps(json.loads(inputs), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    identity = next(block for block in _blocks("text") if block.startswith("vega-poniente-2026/"))
    assert inputs == written
    assert _sha256(inputs)[:16] == identity.rsplit("/", 1)[1]
    assert product_digest(json.loads(inputs)) == _sha256(inputs)


def test_content_digest_when_recomputed() -> None:
    not_said = -(2**31)
    values = [640] + [not_said] * (len(FILL_LEVEL.quantities) - 1)
    packed = struct.pack(f"<{len(values)}iB", *values, 0)
    assert f"`{hashlib.blake2b(packed, digest_size=16).hexdigest()}`" in PAGE


def test_ledger_entry_when_recomputed() -> None:
    entry = next(block for block in _blocks("text") if "\nstatement\n" in block)
    previous, number, kind, body = entry.split("\n")
    assert f"Its hash is `{_sha256(entry)}`" in PAGE
    assert _sha256(entry) == entry_hash(previous, int(number), kind, body)


def test_names_when_looked_up() -> None:
    keys = {field.name for model in (Line, Act) for field in fields(model)}
    names = keys | set(_DETERMINATION_COLUMNS) | {quantity.name for quantity in FILL_LEVEL.quantities}
    values = {str(member) for words in (Block, LineKind, ChargeState, Verdict) for member in words}
    assert_named(PAGE, names | values | {STATEMENT_SCHEMA, STATE_SCHEMA, ISSUE_SCHEMA})


def test_keys_of_body_and_state_when_looked_up() -> None:
    consequence = {"nature": "price", "tariff": {"kind": "per_event", "amount": "1000", "unit": "CLP"}}
    terms = terms_of(contract_table(full_standard(consequence=[consequence])))
    found = [fact(terms, "container-full", "C-1", "2026-09-10", Verdict.NOT_MET)]
    september = settle(terms, found, "2026-09", opening_of_nothing(terms, "2026-09"))
    october = settle(terms, [], "2026-10", september.closing, (), {"2026-09": Earlier(terms, [])})
    (stated,) = september.closing["stated"]["2026-09"].values()
    (line,) = (one for one in october.body["blocks"]["A"]["lines"] if one["kind"] == LineKind.RESTATEMENT)
    names = {*october.body, *october.body["restates"]["2026-09"], *opening_of_nothing(terms, "2026-09"), *stated}
    assert_named(PAGE, names | {*line["says"]} - {"code"} | {"settled", "open", "firm", "annulled", "withdrawn"})


def test_restatement_example_when_read() -> None:
    says = json.loads(next(block for block in _blocks("text") if '"code":"restatement"' in block))
    assert {"after", "before", "clause", "code", "restates"} == says.keys()
