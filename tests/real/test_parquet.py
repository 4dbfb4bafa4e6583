"""Parquet files through a mapping: the same messages as of CSV, times that are typed, columns that would mislead."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from app.errors import UsageError
from app.jobs import parquet
from app.jobs.imports import Row, read_mapping, rows
from app.jobs.playing import messages_of

_MAPPING = """
source = "city"
kind = "fill_level"
device = "bin"
ignored = ["street"]
[time]
column = "when"
{time}
[values.fill_ratio]
column = "fill"
divide_by = 10
[values.battery_v]
column = "battery"
"""
_TYPED = _MAPPING.format(time="")
_ZONED = _MAPPING.format(time='time_zone = "America/Santiago"')
_TEXT = _MAPPING.format(time='format = "%d-%m-%Y"\ntime_zone = "America/Santiago"')
_TICKETS = """
source = "yard"
kind = "weigh_ticket"
device = "scale"
time = { column = "at" }
values = { weight_kg = { column = "kg" } }
words = { ticket = { column = "no" }, stream = { column = "waste" } }
"""
_INSTANT = datetime(2026, 9, 5, 22, 14, 3, 123_456, UTC)
_COLUMNS: dict[str, Any] = {
    "bin": ["B-1", "b-2"],
    "when": [_INSTANT, _INSTANT],
    "fill": [4, None],
    "battery": [3.6, 3.5],
    "street": [[1], [2]],
}


def _mapping(folder: Path, text: str = _TYPED) -> Path:
    (folder / "mapping.toml").write_text(text)
    return folder / "mapping.toml"


def _rows(folder: Path, columns: Mapping[str, Any], text: str = _TYPED) -> list[Row]:
    pl.DataFrame(columns).write_parquet(folder / "rows.parquet")
    return list(rows(folder / "rows.parquet", read_mapping(_mapping(folder, text))))


def _payload(folder: Path, text: str = _TYPED, **columns: object) -> bytes:
    row, *_ = _rows(folder, {**_COLUMNS, **columns}, text)
    assert row.refused is None
    return row.payload


def test_messages_when_file_is_read(tmp_path: Path) -> None:
    first, second = _rows(tmp_path, {**_COLUMNS, "fill": [4, 5]})
    assert ("rows.parquet", 1, "poniente/v1/city/b-1/fill_level") == (first.file, first.number, first.topic)
    said = b'{"v":1,"time":"2026-09-05T22:14:03.123456+00:00","fill_ratio":0.4,"battery_v":3.6}'
    assert (said, 2, "poniente/v1/city/b-2/fill_level") == (first.payload, second.number, second.topic)


def test_messages_when_the_same_rows_are_in_csv(tmp_path: Path) -> None:
    text = "bin,when,fill,battery,street\nB-1,31-12-2026,0.1,3.60,\nb-2,05-07-2026,7,,x\n"
    (tmp_path / "rows.csv").write_text(text)
    columns = {
        "bin": ["B-1", "b-2"],
        "when": [date(2026, 12, 31), date(2026, 7, 5)],
        "fill": [0.1, 7],
        "battery": [Decimal("3.60"), None],
        "street": [None, "x"],
    }
    in_csv = [row.payload for row in rows(tmp_path / "rows.csv", read_mapping(_mapping(tmp_path, _TEXT)))]
    assert in_csv == [row.payload for row in _rows(tmp_path, columns, _TEXT)]


@pytest.mark.parametrize(
    ("cells", "kept_as", "mapping", "instant"),
    [
        # Of a column with a zone only the instant is read, whatever the zone's rules are here.
        ([_INSTANT], pl.Datetime("us", "America/Santiago"), _TYPED, "2026-09-05T22:14:03.123456+00:00"),
        ([_INSTANT], pl.Datetime("ns", "UTC"), _TEXT, "2026-09-05T22:14:03.123456+00:00"),
        ([_INSTANT], pl.Datetime("ms", "UTC"), _TYPED, "2026-09-05T22:14:03.123000+00:00"),
        ([datetime(1969, 12, 31, tzinfo=UTC)], pl.Datetime("ms", "UTC"), _TYPED, "1969-12-31T00:00:00+00:00"),
        ([datetime(2026, 9, 5, 18, 14)], pl.Datetime("us"), _ZONED, "2026-09-05T22:14:00+00:00"),  # noqa: DTZ001  # local
        # Noon in Santiago: three hours behind in January, four in July.
        ([date(2026, 1, 5)], pl.Date, _ZONED, "2026-01-05T15:00:00+00:00"),
        ([date(2026, 7, 5)], pl.Date, _TEXT, "2026-07-05T16:00:00+00:00"),
        (["05-07-2026"], pl.String, _TEXT, "2026-07-05T16:00:00+00:00"),
        (["05-07-2026"], pl.Categorical, _TEXT, "2026-07-05T16:00:00+00:00"),
    ],
)
def test_instant_when_kept_as(cells: list[Any], kept_as: Any, mapping: str, instant: str, tmp_path: Path) -> None:
    when = pl.Series(cells * 2).cast(kept_as)
    assert f'"time":"{instant}"'.encode() in _payload(tmp_path, mapping, when=when)


@pytest.mark.parametrize(
    ("cells", "kept_as", "said"),
    [
        ([4], pl.Int8, "0.4"),
        ([4], pl.UInt64, "0.4"),
        ([0.1], pl.Float64, "0.01"),
        ([0.5], pl.Float32, "0.05"),
        ([Decimal("1.234567")], pl.Decimal(20, 6), "0.1234567"),
        ([True], pl.Boolean, "0.1"),
        ([" 4.50 "], pl.String, "0.45"),
    ],
)
def test_number_when_kept_as(cells: list[Any], kept_as: Any, said: str, tmp_path: Path) -> None:
    assert f'"fill_ratio":{said},'.encode() in _payload(tmp_path, fill=pl.Series(cells * 2, dtype=kept_as))


def test_names_when_they_are_numbers(tmp_path: Path) -> None:
    columns = {"scale": [3520940], "at": [_INSTANT], "kg": [7420], "no": [19], "waste": [None]}
    (row,) = _rows(tmp_path, columns, _TICKETS)
    assert "poniente/v1/yard/3520940/weigh_ticket" == row.topic
    assert row.payload.endswith(b'"weight_kg":7420.0,"ticket":"19"}')


@pytest.mark.parametrize(
    ("columns", "detail"),
    [
        ({"fill": ["x", "4"]}, "row 1: fill 'x' is no number"),
        ({"fill": [math.nan, 4]}, "row 1: fill 'nan' is no number"),
        ({"fill": [math.inf, 4]}, "row 1: fill 'inf' is no number"),
        ({"fill": ["1e400", "4"]}, "row 1: fill '1e400' is no number"),
        ({"bin": ["", "b"]}, "row 1: topic part ''"),
        ({"bin": [None, "b"]}, "row 1: topic part ''"),
        ({"when": [None, _INSTANT]}, "row 1: "),
        ({"when": pl.Series([2**62, 0]).cast(pl.Datetime("us", "UTC"))}, "row 1: "),
        ({"when": ["31-02-2026", "01-02-2026"]}, "row 1: "),
    ],
)
def test_row_when_broken(columns: dict[str, Any], detail: str, tmp_path: Path) -> None:
    first, second = _rows(tmp_path, {**_COLUMNS, **columns}, _TEXT)
    assert first.refused is not None
    assert first.refused.detail.startswith(detail)
    assert second.refused is None


def test_row_when_a_typed_time_is_empty(tmp_path: Path) -> None:
    first, second = _rows(tmp_path, {**_COLUMNS, "when": [None, _INSTANT]})
    assert (first.refused is not None, second.refused) == (True, None)


@pytest.mark.parametrize(
    ("columns", "mapping", "why"),
    [
        ({"bin": [1.0, 2.0]}, _TYPED, "bin is of type Float64; a name needs text or whole numbers"),
        ({"bin": [b"1", b"2"]}, _TYPED, "bin is of type Binary"),
        ({"fill": [[1], [2]]}, _TYPED, r"fill is of type List\(Int64\); a value needs numbers or text"),
        ({"fill": [date(2026, 1, 1)] * 2}, _TYPED, "fill is of type Date"),
        ({"when": [1_788_646_443, 1_788_646_443]}, _ZONED, "when is of type Int64; a time needs timestamps"),
        ({"when": ["05-07-2026"] * 2}, _ZONED, r"when says times as text; declare their time\.format"),
        ({"when": [date(2026, 1, 1)] * 2}, _TYPED, r"when says local times; declare their time\.time_zone"),
        ({"when": pl.Series([0, 0]).cast(pl.Datetime("us"))}, _TYPED, "when says local times"),
        ({"height": [1, 2]}, _TYPED, "columns the mapping does not name: height"),
    ],
)
def test_file_when_it_would_mislead(columns: dict[str, Any], mapping: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"rows\.parquet.*{why}"):
        _rows(tmp_path, {**_COLUMNS, **columns}, mapping)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_file_when_cut_short(share: float, tmp_path: Path) -> None:
    _rows(tmp_path, _COLUMNS)
    whole = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "rows.parquet").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UsageError, match=r"rows\.parquet cannot be read as Parquet: "):
        list(rows(tmp_path / "rows.parquet", read_mapping(_mapping(tmp_path))))


def test_file_when_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.parquet cannot be read as Parquet"):
        list(rows(tmp_path / "missing.parquet", read_mapping(_mapping(tmp_path))))


def test_rows_when_more_than_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS_AT_ONCE", 3)
    columns = {name: cells[:1] * 7 for name, cells in _COLUMNS.items()} | {"bin": [f"b-{n}" for n in range(7)]}
    found = _rows(tmp_path, columns)
    assert [(n + 1, f"b-{n}") for n in range(7)] == [(row.number, row.topic.split("/")[3]) for row in found]


@pytest.mark.parametrize("count", [0, 3])
def test_rows_when_as_many_as_are_read_at_once(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS_AT_ONCE", 3)
    frame = pl.DataFrame({**_COLUMNS, "fill": [4, 5]})
    frame = pl.concat([frame, frame]).head(count)
    assert count == len(_rows(tmp_path, frame.to_dict()))


def test_file_when_in_folder_with_csv(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    pl.DataFrame({**_COLUMNS, "when": ["05-07-2026"] * 2}).write_parquet(tmp_path / "day" / "b.PARQUET")
    (tmp_path / "day" / "a.csv").write_text("bin,when,fill,battery,street\nB-9,05-07-2026,4,,\n")
    found = list(rows(tmp_path / "day", read_mapping(_mapping(tmp_path, _TEXT))))
    assert [("a.csv", 2), ("b.PARQUET", 1), ("b.PARQUET", 2)] == [(row.file, row.number) for row in found]


def test_csv_when_mapping_has_no_form_of_times(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("bin,when,fill,battery,street\n")
    with pytest.raises(UsageError, match=r"rows\.csv: when says times as text; declare their time\.format"):
        list(rows(tmp_path / "rows.csv", read_mapping(_mapping(tmp_path))))


def test_publish_when_file_is_parquet(tmp_path: Path) -> None:
    made = [row.payload for row in _rows(tmp_path, _COLUMNS)]
    assert made == [payload for _, payload in messages_of(tmp_path / "rows.parquet", _mapping(tmp_path))]
