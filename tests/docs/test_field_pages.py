"""The pages on ingest and import name what a device may say and what becomes of it; their examples decode."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.jobs.imports import ColumnMapping, FileTime, TimeColumn, ValueColumn, WordColumn, read_mapping, rows
from app.settings import Settings
from ingest.accept import NATIVE, PAYLOAD_BYTES_MAX, accept, source_of
from ingest.receipts import RUNS_MAX
from ingest.receipts import parse as parse_receipt
from ingest.sources import SOURCES_MAX
from ingest.worker import BATCH_MESSAGES_MAX, WINDOW
from rules.masks import MARGIN_E7, MARGIN_US
from sensors.codecs.native import READINGS_MAX, fields
from sensors.making import Times, make
from sensors.readings import CLOCK_TOLERANCE_US, REPEAT_US, Kind, Outcome, Reading, Reason
from sensors.registry import kinds
from sensors.topics import ROOT, subscription
from sensors.uplinks import FRAME_BYTES_MAX
from storage.kinds import check_names, tables
from storage.refusals import REJECTED_PAYLOAD_BYTES
from tests.docs.fenced import blocks
from tests.docs.pages import assert_named, page
from tests.house.sources import assert_none

INGEST = page("ingest.md")
PROMISES = page("ingest-promises.md")
IMPORT = page("import.md")
KINDS = list(kinds().values())


def _rows(heading: str) -> dict[str, list[str]]:
    """Give the rows of the table that begins with a heading, by their first cell."""
    table = INGEST.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    cells = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in cells}


def _plain(number: float) -> str:
    return f"{number:.10g}"


def test_names_when_looked_up() -> None:
    quantities = {quantity for kind in KINDS for quantity in kind.quantities}
    names = {name for quantity in quantities for name in (quantity.said, quantity.name)} | set(kinds())
    assert_named(INGEST, names | {subscription()})
    assert_named(PROMISES, set(Reason) | set(Outcome))


def test_lists_when_they_name_more() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \| (?:message|reading) \|", INGEST + PROMISES, re.MULTILINE))
    fields = {"v", "sent_time", "network_time", "readings", "time", "sequence"}
    assert_none(listed ^ (set(Reason) | fields))


def test_kinds_when_looked_up() -> None:
    listed = _rows("kind")
    assert list(kinds()) == list(listed)
    for kind in KINDS:
        says, fields, needs = listed[kind.name]
        said = {one.name: one.said for one in (*kind.quantities, *kind.words)}
        groups = [" or ".join(f"`{said[name]}`" for name in group) for group in kind.needs]
        assert kind.meaning.rstrip(".").lower() == says.lower()
        assert ", ".join(f"`{name}`" for name in said.values()) == fields
        assert not kind.needs or set(groups) == set(needs.split(" and "))


def test_numbers_when_looked_up() -> None:
    listed = _rows("number")
    for quantity in (quantities := {one for kind in KINDS for one in kind.quantities}):
        of, unit, span, kept = listed[quantity.said]
        assert {kind.name for kind in KINDS if quantity in kind.quantities} == set(re.findall(r"`(\w+)`", of))
        assert f"{_plain(quantity.minimum / quantity.scale)} to {_plain(quantity.maximum / quantity.scale)}" == span
        assert unit.startswith(quantity.unit)
        assert kept.startswith(f"`{quantity.name}`")
    assert {one.said for one in quantities} == set(listed)


def test_words_when_looked_up() -> None:
    listed = _rows("word")
    for word in (words := {one for kind in KINDS for one in kind.words}):
        of, pattern = listed[word.said]
        assert {kind.name for kind in KINDS if word in kind.words} == set(re.findall(r"`(\w+)`", of))
        assert f"`{word.pattern}`" in pattern or word.pattern.split("|") == re.findall(r"`(\w+)`", pattern)
    assert {one.said for one in words} == set(listed)


def test_limits_when_looked_up() -> None:
    assert f"{PAYLOAD_BYTES_MAX} bytes a message, {READINGS_MAX} readings a message" in INGEST
    for said in (
        f"{CLOCK_TOLERANCE_US // 1_000_000} s after the network",
        f"first {REJECTED_PAYLOAD_BYTES} bytes",
        f"| {MARGIN_US // 60_000_000} minutes before and after |",
        f"| {MARGIN_E7 / 10_000_000:g} degrees on each side: ",
        f"| payload | {PAYLOAD_BYTES_MAX} bytes |",
        f"| readings a message | {READINGS_MAX} |",
        f"| frame | {FRAME_BYTES_MAX} bytes |",
        f"| sources | {SOURCES_MAX} |",
        f"| frame delivered again | {REPEAT_US // 60_000_000} minutes |",
        f"| batch | {BATCH_MESSAGES_MAX:,} messages, ",
        f"| window | {WINDOW:,} messages (`PONIENTE_WINDOW`) |",
        f"{RUNS_MAX} runs a receipt at most",
    ):
        assert said in PROMISES


@pytest.mark.parametrize("example", blocks(INGEST, "json"))
def test_example_when_decoded(example: str) -> None:
    kind = "position_fix" if "latitude" in example else "fill_level"
    topic = f"{ROOT}/city/24e124713b0009f1/{kind}"
    decoded = accept(source_of((), topic), topic, example.encode())
    assert decoded.readings
    assert_none(decoded.rejections)


def test_receipt_when_read() -> None:
    (example,) = blocks(PROMISES, "json")
    receipt = parse_receipt(example.encode())
    assert receipt is not None
    assert (True, False) == (receipt.holds(1_540), receipt.holds(1_541))


def test_new_kind_when_declared() -> None:
    declared: dict[str, Any] = {}
    exec(blocks(INGEST, "python")[0], declared)  # noqa: S102  # the page's own example
    kind: Kind = declared["KIND"]
    check_names(kind)
    assert_named(INGEST, tables(kind))
    assert {"level_db", "place"} <= {name for name, *_ in fields(kind, version=int, unsaid=1)[1]}
    said = {"level_db": 71.5, "place": "VP-01"}
    reading = make(kind, ("city", "meter-1"), Times(1_788_645_600_000_000), said)
    assert isinstance(reading, Reading)
    assert ((71_500,), ("VP-01",)) == (reading.values, reading.words)


def test_mapping_example_when_run(tmp_path: Path) -> None:
    table, mapping = tmp_path / "fullness.csv", tmp_path / "fullness.toml"
    table.write_text(next(b for b in blocks(IMPORT, "text") if b.startswith("Serial")) + "\n", encoding="utf-8")
    mapping.write_text(blocks(IMPORT, "toml")[0], encoding="utf-8")
    made = list(rows(table, read_mapping(mapping)))
    accepted = [accept(NATIVE, row.topic, row.payload).readings for row in made if row.refused is None]
    devices = ["bin-0007", "bin-0007", "bin-0008"]
    assert devices == [reading.device for readings in accepted for reading in readings]
    assert [5, 6] == [row.number for row in made if row.refused is not None]


def test_mapping_keys_when_looked_up() -> None:
    tables_of = {
        "": ColumnMapping,
        "time.": TimeColumn,
        "network_time.": FileTime,
        "values.NAME.": ValueColumn,
        "words.NAME.": WordColumn,
    }
    keys = {f"{prefix}{name}" for prefix, model in tables_of.items() for name in model.model_fields}
    assert_named(IMPORT, keys - {"time", "network_time", "values", "words"})
    assert "time" in tomllib.loads(blocks(IMPORT, "toml")[0])


def test_defaults_of_settings_when_looked_up() -> None:
    text = page("settings.md")
    for name, field in Settings.model_fields.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `PONIENTE_{name.upper()}` |"))
        assert f"`{field.default}`" in row or not field.default
