"""Masks of stored contracts: each under its own name, each version over its own days."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg
import pytest

from app.jobs.contracts import add_folder
from app.jobs.templates import contract_files, own_contract, write_contract
from storage import masks, readings
from storage.connection import Connection, connect

NOW = datetime(2026, 8, 15, tzinfo=UTC)
TRACKER = ("sim", "gps-862531047718305")
CLASS_ROW = "BA-01,,sweeper,2026-08-01,\n"
HOURS = ("start = 22:00:00, end = 05:00:00", "start = 00:00:00, end = 03:00:00")
# Within the box around the template's streets.
HERE = (-334_300_000, -706_530_000)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with closing(connect(database, "test")) as connected:
        readings.prepare(connected)
        yield connected


def _add(connection: Connection, folder: Path, *changes: tuple[str, str], assets: tuple[str, str] = ("", "")) -> str:
    terms = own_contract(folder)["contract.toml"]
    for old, new in changes:
        assert old in terms
        terms = terms.replace(old, new)
    register = contract_files()["assets.csv"].replace(*assets) if assets[0] else contract_files()["assets.csv"]
    write_contract(folder, {"contract.toml": terms, "assets.csv": register})
    return add_folder(connection, folder, NOW)[0].terms.id


def _version(number: int, first: str) -> tuple[tuple[str, str], ...]:
    return (
        ("version = 1 ", f"version = {number} "),
        ("from = 2026-09-01, until = 2028-09-01", f"from = {first}, until = 2028-09-01"),
    )


def _keeps(connection: psycopg.Connection, *texts: str, device: tuple[str, str] = TRACKER) -> list[bool]:
    times = np.array([readings.microseconds(datetime.fromisoformat(text)) for text in texts], np.int64)
    latitude, longitude = (np.full(len(times), one, np.int64) for one in HERE)
    held = masks.read(connection)
    assert device in held.areas
    return held.keeps(device, times, latitude, longitude).tolist()


def test_sweeper_has_a_mask_when_the_template_is_added(connection: Connection, tmp_path: Path) -> None:
    _add(connection, tmp_path / "one")
    assert _keeps(connection, "2026-09-10T23:00-03:00", "2026-09-10T14:00-03:00") == [True, False]


def test_masks_are_stored_for_each_contract(connection: Connection, tmp_path: Path) -> None:
    nights, days = "2026-09-10T23:00-03:00", "2026-09-10T14:00-03:00"
    _add(connection, tmp_path / "one")
    _add(connection, tmp_path / "two", (HOURS[0], "start = 13:00:00, end = 15:00:00"))
    assert _keeps(connection, nights, days) == [True, True]
    rows = connection.execute(
        "select distinct contract from mask_revision where (source, device) = (%s, %s) order by 1", TRACKER
    )
    assert rows.fetchall() == [("one",), ("two",)]
    masks.replace(connection, "one", {TRACKER: []}, NOW)
    assert _keeps(connection, nights, days) == [False, True]


def test_windows_are_the_newest_version_s_when_it_took_effect(connection: Connection, tmp_path: Path) -> None:
    _add(connection, tmp_path / "one")
    _add(connection, tmp_path / "a" / "one", *_version(2, "2026-10-01"), HOURS)
    # A fix of September that comes late is September's terms' affair, and so is all of the month's last night.
    assert _keeps(connection, "2026-09-10T22:40-03:00", "2026-10-01T04:30-03:00") == [True, True]
    later = ("2026-11-10T22:40-03:00", "2026-11-10T04:30-03:00", "2026-11-10T01:00-03:00")
    assert _keeps(connection, *later) == [False, False, True]


def test_version_between_is_cut_when_there_are_three(connection: Connection, tmp_path: Path) -> None:
    _add(connection, tmp_path / "one")
    _add(connection, tmp_path / "a" / "one", *_version(2, "2026-10-01"), HOURS)
    _add(
        connection, tmp_path / "b" / "one", *_version(3, "2026-11-01"), (HOURS[0], "start = 13:00:00, end = 15:00:00")
    )
    night, morning, day = "T23:00-03:00", "T01:00-03:00", "T14:00-03:00"
    found = [
        _keeps(connection, *(f"2026-{month}-10{at}" for at in (night, morning, day))) for month in ("09", 10, 11)
    ]
    assert found == [[True, True, False], [False, True, False], [False, False, True]]


def test_spare_has_a_mask_when_it_was_a_sweeper(connection: Connection, tmp_path: Path) -> None:
    rows = "BA-01,,sweeper,2026-08-01,2026-10-01\nBA-01,,spare,2026-10-01,\n"
    _add(connection, tmp_path / "one", assets=(CLASS_ROW, rows))
    assert _keeps(connection, "2026-09-10T23:00-03:00", "2026-10-10T23:00-03:00") == [True, False]


def test_nothing_is_kept_when_no_later_version_looks(connection: Connection, tmp_path: Path) -> None:
    _add(connection, tmp_path / "one")
    others = (('"sweeper"', '"truck"'),)
    rows = CLASS_ROW + "BA-02,,truck,2026-08-01,\n"
    _add(connection, tmp_path / "a" / "one", *_version(2, "2026-10-01"), *others, assets=(CLASS_ROW, rows))
    assert _keeps(connection, "2026-09-10T23:00-03:00", "2026-10-10T23:00-03:00") == [True, False]
