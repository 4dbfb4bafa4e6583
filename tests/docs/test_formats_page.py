"""`docs/formats.md`: its examples recompute with the standard library alone, and it names what the code writes."""

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from app.bundle import layout
from app.bundle.certificates import KEYS as CERTIFICATE_KEYS
from app.bundle.certificates import SCHEMA as DESTRUCTION_SCHEMA
from app.bundle.certificates import Destruction
from app.bundle.columns import schema
from app.bundle.manifest import MANIFEST, SALTS, SIGNATURE, Entry, Kept, Manifest
from app.bundle.manifest import SCHEMA as BUNDLE_SCHEMA
from app.export.files import read_decided, read_reliefs
from app.export.tables import _DETERMINATION_COLUMNS  # pyright: ignore[reportPrivateUsage]
from app.jobs.demo_field import FIRST, MONTHS, field_of, messages_of, register_of
from app.jobs.statements import ISSUE_SCHEMA
from rules.assess import assess
from rules.assets import Installation, Register
from rules.contract import Terms
from rules.measures import Measure
from rules.payments.charges import ChargeState
from rules.payments.lines import Block, Line, LineKind
from rules.payments.restate import Earlier
from rules.payments.statement import STATE_SCHEMA, STATEMENT_SCHEMA, opening_of_nothing, settle
from rules.records import Act, Choice, Determination, Op, Relief, Unit, Verdict
from rules.records import digest as product_digest
from rules.register import load_register
from sensors.columns import Columns, nothing
from sensors.registry import kinds
from storage.ledger import Entry as LedgerEntry
from storage.ledger import entry_hash
from tests.app.test_clauses import CASES as CLAUSES
from tests.app.test_clauses import NAMES as CASES
from tests.app.test_clauses import months
from tests.docs.pages import assert_named, page
from tests.rules.contracts import contract_table, full_standard, terms_of
from tests.rules.drawn import fact
from tests.rules.field import stored

PAGE = page("formats.md")
FAR_US = 2**61


@dataclass(frozen=True, slots=True)
class Judged:
    """A field and what is judged of it."""

    terms: Terms
    register: Register
    readings: Mapping[tuple[str, str, str], Columns]
    found: list[Determination]


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
    packed = struct.pack("<QiB", 1, 640, 0)
    assert f"`{hashlib.blake2b(packed, digest_size=16).hexdigest()}`" in PAGE
    words = ["P-0104", "B", "2026-09"]
    packed = struct.pack("<QB", 0, 0) + b"".join(struct.pack("<H", len(one)) + one.encode() for one in words)
    assert f"`{hashlib.blake2b(packed, digest_size=16).hexdigest()}`" in PAGE


def test_columns_of_kinds_when_looked_up() -> None:
    for kind in kinds().values():
        cells = [
            ", ".join(f"`{one.name}`" for one in part) or "\N{EN DASH}" for part in (kind.quantities, kind.words)
        ]
        assert f"| `{kind.name}` | {cells[0]} | {cells[1]} |" in PAGE


def test_ledger_entry_when_recomputed() -> None:
    entry = next(block for block in _blocks("text") if "\nstatement\n" in block)
    previous, number, kind, body = entry.split("\n")
    assert f"Its hash is `{_sha256(entry)}`" in PAGE
    assert _sha256(entry) == entry_hash(previous, int(number), kind, body)


def test_names_of_bundles_when_looked_up() -> None:
    keys = {field.name for model in (Manifest, Entry, LedgerEntry, Destruction) for field in fields(model)}
    columns = {name for kind in kinds().values() for name in schema(kind)}
    files = {MANIFEST, SIGNATURE, SALTS, layout.ACTS, layout.LEDGER, layout.PROCESS, layout.ASSETS, layout.ZONE}
    files |= {layout.INSTALLATIONS, layout.STATEMENT, layout.ISSUE, layout.OPENING, layout.CLOSING}
    names = keys | columns | files | {one.value for one in Kept} | CERTIFICATE_KEYS
    assert_named(PAGE, names | {BUNDLE_SCHEMA, DESTRUCTION_SCHEMA})


def test_names_when_looked_up() -> None:
    keys = {field.name for model in (Line, Act) for field in fields(model)}
    names = keys | set(_DETERMINATION_COLUMNS) | {field.name for field in fields(Installation)}
    values = {str(member) for words in (Block, LineKind, ChargeState, Verdict, Unit, Op) for member in words}
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


@pytest.fixture(scope="module")
def judged() -> Judged:
    """Three days of the demo: every measure is judged, and each tariff charges something."""
    field = field_of(1, 4, is_perfect=False, days=3)
    register = load_register(register_of(field), field.terms)
    readings = stored(messages_of(field, 1))
    found = assess(field.terms, register, readings, (FIRST, FIRST + timedelta(days=3)), FAR_US)
    return Judged(field.terms, register, readings, found)


def test_traces_when_a_field_is_judged(judged: Judged) -> None:
    found = judged.found
    measures = {kind for model in get_args(Measure) for kind in get_args(model.model_fields["kind"].annotation)}
    # The first two are told as another of their family is; of the others the template has no standard.
    untold = {"total_time", "mean_grade", "time_above_speed", "recorded"}
    assert measures - untold == {one.trace["measure"] for one in found}
    names = {name for one in found for part in (one.trace, one.trace.get("detail", {}), one.digests) for name in part}
    names |= {name for one in found for gap in one.trace.get("gaps", ()) for name in gap}
    names |= {name for one in found for part in one.trace.get("strata", ()) for name in part}
    assert_named(PAGE, names | measures)
    done = settle(judged.terms, found, MONTHS[0])
    lines = [line for block in done.body["blocks"].values() for line in block["lines"]]
    says = {name for line in lines if line["kind"] == LineKind.DEDUCTION for name in line["says"]}
    told = {name for line in lines for step in line["trace"] for name in (step["step"], *step)}
    assert_named(PAGE, says | told)


def test_carried_sum_when_looked_up() -> None:
    consequence = {
        "nature": "price",
        "tariff": {"kind": "per_event", "amount": "1000", "unit": "CLP"},
        "cap": {"per": "month", "pct": "0.001", "base": "monthly-fee", "carry_over": "next_month"},
    }
    terms = terms_of(contract_table(full_standard(consequence=[consequence])))
    found = [fact(terms, "container-full", "C-1", "2026-09-10", Verdict.NOT_MET)]
    september = settle(terms, found, "2026-09", opening_of_nothing(terms, "2026-09"))
    october = settle(terms, [], "2026-10", september.closing)
    (line,) = (one for one in october.body["blocks"]["A"]["lines"] if one["kind"] == LineKind.CARRY_OVER)
    assert "2026-10/carry-over/container-full/price/all" == line["id"]
    assert {"2026-09": {"container-full/price/all"}} == {
        month: set(rows) for month, rows in september.closing["cap_carry"].items()
    }
    told = {name for step in line["trace"] for name in step}
    assert_named(PAGE, {*september.closing, *line["says"], line["says"]["code"], *told})


def test_clauses_when_looked_up(tmp_path: Path) -> None:
    names: set[str] = set()
    for name in CASES:
        for body in months(CLAUSES / name, tmp_path):
            lines = [line for block in body["blocks"].values() for line in block["lines"]]
            parts = [*lines, *(line["says"] for line in lines), *body.get("notices", ())]
            names |= {*body}.union(*parts)
            steps = [step for line in lines for step in line["trace"]]
            names |= {step["step"] for step in steps}.union(*steps)
    for state in tmp_path.glob("20*.json"):
        closing = json.loads(state.read_text(encoding="utf-8"))
        names |= {*closing}.union(*closing.get("history", {}).values())
    assert {"notices", "release", "retention", "choice", "shadow", "total_cap"} <= names
    assert_named(PAGE, names)


def test_files_of_decisions_when_read(tmp_path: Path) -> None:
    choices, reliefs = _blocks("json")[1:]
    (tmp_path / "inputs.json").write_text(choices, encoding="utf-8")
    (tmp_path / "reliefs.json").write_text(reliefs, encoding="utf-8")
    assert 1 == len(read_decided(tmp_path / "inputs.json"))
    assert 1 == len(read_reliefs(tmp_path / "reliefs.json"))
    assert_named(
        PAGE, {field.name for model in (Choice, Relief) for field in fields(model)} - {"since_us", "until_us"}
    )


def test_digests_when_recomputed(judged: Judged) -> None:
    for one in judged.found:
        span = (one.trace["looked_from_us"], one.trace["looked_until_us"])
        match one.trace["measure"]:
            case "longest_run" | "longest_unemptied":
                assets, kind = [one.subject], "fill_level"
            case "feed_completeness":
                assets, kind = [one.subject], "position_fix"
            case "share_at_or_above":
                assets, kind = _of_class(judged.register, "inspection"), "inspection"
            case "swept_share":
                assets, kind = _of_class(judged.register, "sweeper"), ""
                parts = [[each, _columns(judged, [each], "position_fix", span)] for each in assets]
                assert _sha256(_written(parts)) == one.digests["readings"]
            case _:
                continue
        assert _sha256(_written(_held(judged.register, assets, span))) == one.digests["register"]
        assert not kind or _columns(judged, assets, kind, span) == one.digests["readings"]


def _of_class(register: Register, name: str) -> list[str]:
    return sorted(one.asset for one in register.assets if one.asset_class == name)


def _written(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _held(register: Register, assets: list[str], span: tuple[int, int]) -> list[object]:
    """Write what the page says that a register digest holds; nothing changes hands in the demo's span."""
    stands = [[one.asset, one.zone, one.asset_class, *span] for one in register.assets if one.asset in assets]
    hung = [
        {**asdict(one), "since_us": span[0], "until_us": span[1]}
        for one in register.installations
        if one.asset in assets
    ]
    return [sorted(stands), sorted(hung, key=lambda one: (one["source"], one["device"]))]


def _columns(judged: Judged, assets: list[str], kind: str, span: tuple[int, int]) -> str:
    """Digest columns as the page says."""
    state = hashlib.sha256()
    for one in (link for name in assets for link in judged.register.installations if link.asset == name):
        said = judged.readings.get((kind, one.source, one.device))
        rows = said.between(*span) if said else nothing(kinds()[kind])
        if not len(rows):
            continue
        state.update(f"{one.source}\0{one.device}\0{len(rows)}\0".encode())
        state.update(struct.pack(f"<{len(rows)}q", *rows.event_time_us.tolist()))
        state.update(struct.pack(f"<{len(rows)}q", *rows.sequence.tolist()))
        state.update(rows.digest.tobytes())
    return state.hexdigest()
