"""Who speaks what in the demo: the file of sources loads, and the register knows the same names."""

import csv
from io import StringIO

import pytest

from app.jobs.demo_field import Field, field_of, messages_of, register_of
from app.jobs.demo_sources import sources_toml
from ingest.accept import accept, source_of
from ingest.sources import read_sources
from sensors.fleet import SOURCE, readings_a_message
from sensors.sources import Source

CONTAINERS = 20


@pytest.fixture(scope="module")
def field() -> Field:
    return field_of(7, CONTAINERS, is_perfect=False, days=3, is_mixed=True)


@pytest.fixture(scope="module")
def sources(field: Field) -> tuple[Source, ...]:
    return read_sources(sources_toml(field.voices.values()))


def installed(field: Field) -> list[dict[str, str]]:
    return [*csv.DictReader(StringIO(register_of(field)["installations.csv"]))]


def test_sources_are_six_with_the_native_one_when_loaded(sources: tuple[Source, ...]) -> None:
    formats = {"chirpstack", "things_stack", "sensorthings", "ngsi", "traccar"}
    assert formats == {source.format for source in sources}
    assert all(source.is_closed for source in sources)


def test_register_knows_every_device_of_the_sources_when_mixed(field: Field, sources: tuple[Source, ...]) -> None:
    declared = {(source.name, device.name) for source in sources for device in source.devices.values()}
    links = {(row["source"], row["device"]) for row in installed(field)}
    assert declared == {link for link in links if link[0] != SOURCE}


def test_every_reading_is_of_an_installed_device_when_published(field: Field, sources: tuple[Source, ...]) -> None:
    links = {(row["source"], row["device"]) for row in installed(field)}
    heard = {
        (reading.source, reading.device)
        for one in messages_of(field, 1)
        for reading in accept(source_of(sources, one.topic), one.topic, one.payload).readings
    }
    assert links == heard


def test_containers_are_shared_out_when_there_are_many(field: Field) -> None:
    by_source: dict[str, int] = {}
    for row in installed(field):
        if row["asset"].startswith("VP-"):
            by_source[row["source"]] = by_source.get(row["source"], 0) + 1
    assert {SOURCE: 10, "chirpstack": 6, "things-stack": 2, "sensorthings": 1, "fiware": 1} == by_source


def test_frame_codec_is_that_of_the_device_when_it_keeps_readings(field: Field, sources: tuple[Source, ...]) -> None:
    (source,) = (one for one in sources if one.format == "chirpstack")
    keeping = {
        f"24e124713b{place + 0x401:06x}" for place in range(CONTAINERS) if readings_a_message(field.plan, place) > 1
    }
    assert keeping & set(source.devices) == {
        name for name, device in source.devices.items() if device.codec == "milesight_em500"
    }


def test_everything_is_native_when_not_mixed() -> None:
    plain = field_of(7, 2, is_perfect=False, days=2)
    assert ({SOURCE}, "") == ({row["source"] for row in installed(plain)}, sources_toml(plain.voices.values()))
