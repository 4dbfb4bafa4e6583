"""`docs/formats.md`: its examples recompute with the standard library alone, and it names what the code writes."""

import hashlib
import json
import re
import struct
from dataclasses import fields

from app.export.tables import _DETERMINATION_COLUMNS  # pyright: ignore[reportPrivateUsage]
from app.jobs.statements import ISSUE_SCHEMA
from rules.payments.lines import Block, Line, LineKind
from rules.payments.statement import STATE_SCHEMA, STATEMENT_SCHEMA
from rules.payments.steps import ChargeState
from rules.records import Act, Verdict
from rules.records import digest as product_digest
from sensors.readings import FILL_LEVEL
from storage.ledger import entry_hash
from tests.docs.pages import assert_named, page

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
