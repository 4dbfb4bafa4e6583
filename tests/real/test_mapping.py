"""Files as offices keep them: rows that are broken, instants in other forms, files that are none."""

from pathlib import Path

import pytest

from app.errors import UsageError
from app.jobs.imports import Row, read_mapping, rows

_MAPPING = """
source = "city"
kind = "fill_level"
device = "bin"
[time]
column = "when"
format = "{form}"
time_zone = "Australia/Melbourne"
[values.fill_ratio]
column = "fill"
divide_by = {divide_by}
"""


def _rows(folder: Path, text: bytes, *, form: str = "%d-%m-%Y", divide_by: str = "10") -> list[Row]:
    (folder / "mapping.toml").write_text(_MAPPING.format(form=form, divide_by=divide_by))
    (folder / "rows.csv").write_bytes(b"bin,when,fill\n" + text)
    return list(rows(folder / "rows.csv", read_mapping(folder / "mapping.toml")))


@pytest.mark.parametrize(
    ("form", "said", "instant"),
    [
        # Noon in Melbourne: eleven hours ahead in January, ten in July.
        ("%d-%m-%Y", "05-01-2019", "2019-01-05T01:00:00+00:00"),
        ("%d-%m-%Y", "05-07-2019", "2019-07-05T02:00:00+00:00"),
        ("%d-%m-%Y %H:%M", "05-07-2019 00:30", "2019-07-04T14:30:00+00:00"),
        ("%d-%m-%Y %I:%M %p", "05-07-2019 01:30 PM", "2019-07-05T03:30:00+00:00"),
        ("%d-%m-%Y %H:%M %z", "05-07-2019 10:00 +02:00", "2019-07-05T08:00:00+00:00"),
    ],
)
def test_instant_when_said_as(form: str, said: str, instant: str, tmp_path: Path) -> None:
    (row,) = _rows(tmp_path, f"a,{said},4\n".encode(), form=form)
    assert f'{{"v":1,"time":"{instant}","fill_ratio":0.4}}'.encode() == row.payload


@pytest.mark.parametrize("broken", ["a,05-01-2019,4,5", "a,31-02-2019,4", "a,05-01-2019,x", ",05-01-2019,4", "a"])
def test_row_when_broken(broken: str, tmp_path: Path) -> None:
    first, second = _rows(tmp_path, f"{broken}\nb,05-01-2019,4\n".encode())
    assert first.refused is not None
    assert first.refused.detail.startswith("line 2:")
    assert second.refused is None


def test_file_when_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        _rows(tmp_path, b"\xff,05-01-2019,4\n")


def test_file_when_missing(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(_MAPPING.format(form="%d", divide_by="1"))
    with pytest.raises(UsageError, match=r"missing\.csv"):
        list(rows(tmp_path / "missing.csv", read_mapping(tmp_path / "mapping.toml")))


@pytest.mark.parametrize(("form", "divide_by"), [("%x", "10"), ("%d-%m-%Y", "0"), ("%d-%m-%Y", "-1")])
def test_mapping_when_it_would_mislead(form: str, divide_by: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not load"):
        _rows(tmp_path, b"a,05-01-2019,4\n", form=form, divide_by=divide_by)
