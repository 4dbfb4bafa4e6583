"""`docs/ingest.md` and `docs/import.md` name what a device may say and what becomes of it; their examples decode."""

import re
import tomllib
from pathlib import Path

import pytest

from app.jobs.imports import ColumnMapping, TimeColumn, ValueColumn, read_mapping, rows
from app.settings import Settings
from ingest.accept import accept
from sensors.codecs.native import PAYLOAD_BYTES_MAX, READINGS_MAX
from sensors.readings import CLOCK_TOLERANCE_US, KINDS, Outcome, Reason
from sensors.topics import ROOT, subscription
from storage.readings import REJECTED_PAYLOAD_BYTES
from tests.docs.pages import assert_named, page
from tests.house.sources import assert_none

INGEST = page("ingest.md")
IMPORT = page("import.md")
TOPIC = f"{ROOT}/city/24e124713b0009f1/fill_level"


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


def test_names_when_looked_up() -> None:
    quantities = {quantity for kind in KINDS.values() for quantity in kind.quantities}
    names = {name for quantity in quantities for name in (quantity.said, quantity.name)} | set(KINDS)
    assert_named(INGEST, names | set(Reason) | set(Outcome) | {subscription()})


def test_lists_when_they_name_more() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \| (?:message|reading) \|", INGEST, re.MULTILINE))
    fields = {"v", "sent_time", "network_time", "readings", "time", "sequence"}
    assert_none(listed ^ (set(Reason) | fields))


def test_ranges_when_looked_up() -> None:
    for quantity in {quantity for kind in KINDS.values() for quantity in kind.quantities}:
        row = next(line for line in INGEST.splitlines() if line.startswith(f"| `{quantity.said}` |"))
        assert f"| {quantity.minimum / quantity.scale:g} to {quantity.maximum / quantity.scale:g} |" in row
        assert f"| {quantity.unit}" in row


def test_limits_when_looked_up() -> None:
    assert f"{PAYLOAD_BYTES_MAX} bytes a message, {READINGS_MAX} readings a message" in INGEST
    assert f"{CLOCK_TOLERANCE_US // 1_000_000} s after the network" in INGEST
    assert f"first {REJECTED_PAYLOAD_BYTES} bytes" in INGEST


@pytest.mark.parametrize("example", _blocks(INGEST, "json"))
def test_example_when_decoded(example: str) -> None:
    decoded = accept(TOPIC, example.encode())
    assert decoded.readings
    assert_none(decoded.rejections)


def test_published_line_when_decoded() -> None:
    said = re.search(r"-t (\S+) \\\n\s+-m '([^']+)'", INGEST)
    assert said is not None
    assert accept(said[1], said[2].encode()).readings


def test_mapping_example_when_run(tmp_path: Path) -> None:
    table, mapping = tmp_path / "fullness.csv", tmp_path / "fullness.toml"
    table.write_text(next(b for b in _blocks(IMPORT, "text") if b.startswith("Serial")) + "\n", encoding="utf-8")
    mapping.write_text(_blocks(IMPORT, "toml")[0], encoding="utf-8")
    made = list(rows(table, read_mapping(mapping)))
    accepted = [accept(row.topic, row.payload).readings for row in made if row.refused is None]
    devices = ["bin-0007", "bin-0007", "bin-0008"]
    assert devices == [reading.device for readings in accepted for reading in readings]
    assert [5, 6] == [row.number for row in made if row.refused is not None]


def test_mapping_keys_when_looked_up() -> None:
    tables = {"": ColumnMapping, "time.": TimeColumn, "values.NAME.": ValueColumn}
    keys = {f"{prefix}{name}" for prefix, model in tables.items() for name in model.model_fields}
    assert_named(IMPORT, keys - {"time", "values"})
    assert "time" in tomllib.loads(_blocks(IMPORT, "toml")[0])


def test_defaults_of_settings_when_looked_up() -> None:
    text = page("settings.md")
    for name, field in Settings.model_fields.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `PONIENTE_{name.upper()}` |"))
        assert f"`{field.default}`" in row or not field.default
