"""Files as offices and feeds keep them: broken rows, instants in other forms, folders, files that are none."""

import json
import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.errors import UsageError
from app.jobs.imports import Row, read_mapping, rows
from app.jobs.playing import messages_of

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

_FEED = """
source = "feed"
kind = "position_fix"
device = "truck"
delimiter = "|"
header = ["lat", "lon", "truck", "address", "time"]
ignored = ["address"]
[time]
column = "time"
format = "%Y-%m-%dT%H:%M:%S"
time_zone = "America/New_York"
[network_time]
file_name = "poll-%m%d%y-%H%M%S.csv"
time_zone = "UTC"
[values]
latitude.column = "lat"
longitude.column = "lon"
"""
_TICKETS = """
source = "yard"
kind = "weigh_ticket"
device = "scale"
time = { column = "at", format = "%Y%m%d%H%M%z" }
values = { weight_kg = { column = "kg" } }
words = { ticket = { column = "no" }, stream = { column = "waste" } }
"""
_LINE = "40.68903|-74.08922|S-4|21 Linden Ave|2015-12-08T16:43:12\n"
# Named so that the order of names is not that of the times they say.
_POLLS = {
    "poll-010116-050000.csv": "40.7|-74.1|101||2015-12-31T23:59:58\n",
    "poll-123115-235900.csv": _LINE,
}


def _mapping(folder: Path, text: str) -> Path:
    (folder / "mapping.toml").write_text(text)
    return folder / "mapping.toml"


def _folder(folder: Path, files: Mapping[str, str]) -> Path:
    made = folder / "polls"
    for name, text in files.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    return made


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


@pytest.mark.parametrize(
    ("form", "divide_by"), [("%x", "10"), ("%d-%m-%Y %Z", "10"), ("%d-%m-%Y", "0"), ("%d-%m-%Y", "-1")]
)
def test_mapping_when_it_would_mislead(form: str, divide_by: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not load"):
        _rows(tmp_path, b"a,05-01-2019,4\n", form=form, divide_by=divide_by)


def test_message_when_poll_has_no_header(tmp_path: Path) -> None:
    polls = _folder(tmp_path, {"poll-121015-034002.csv": _LINE})
    (row,) = rows(polls, read_mapping(_mapping(tmp_path, _FEED)))
    said = '"time":"2015-12-08T21:43:12+00:00","network_time":"2015-12-10T03:40:02+00:00"'
    assert "poniente/v1/feed/s-4/position_fix" == row.topic
    assert f'{{"v":1,{said},"latitude":40.68903,"longitude":-74.08922}}'.encode() == row.payload


def test_polls_when_in_folder(tmp_path: Path) -> None:
    made = list(rows(_folder(tmp_path, _POLLS), read_mapping(_mapping(tmp_path, _FEED))))
    assert ["poll-123115-235900.csv", "poll-010116-050000.csv"] == [row.file for row in made]


@pytest.mark.parametrize("form", ["tar", "gztar", "bztar", "xztar"])
def test_polls_when_in_archive(form: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path, {**_POLLS, ".notes": "of some system"})
    archive = Path(shutil.make_archive(str(tmp_path / "made"), form, folder))
    mapping = read_mapping(_mapping(tmp_path, _FEED))
    in_folder = [row.payload for row in rows(folder, mapping)]
    assert in_folder == [row.payload for row in rows(archive, mapping)]


def test_files_when_names_say_no_time(tmp_path: Path) -> None:
    # Without a time of the poll, by name.
    untimed = _FEED.replace('[network_time]\nfile_name = "poll-%m%d%y-%H%M%S.csv"\ntime_zone = "UTC"\n', "")
    folder = _folder(tmp_path, {"b.csv": _LINE, "a/c.csv": _LINE})
    made = list(rows(folder, read_mapping(_mapping(tmp_path, untimed))))
    assert ["a/c.csv", "b.csv"] == [row.file for row in made]
    assert all(b"network_time" not in row.payload for row in made)


@pytest.mark.parametrize("files", [{}, {"readme.txt": ""}, {"poll-123115-235900.csv": _LINE, "poll-2.csv": _LINE}])
def test_folder_when_it_holds_something_else(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "polls").mkdir()
    with pytest.raises(UsageError, match=r"no files|does not match|remains"):
        list(rows(_folder(tmp_path, files), read_mapping(_mapping(tmp_path, _FEED))))


def test_archive_when_it_holds_a_link(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "polls.tar", "w") as archive:
        link = tarfile.TarInfo("poll-123115-235900.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(UsageError, match="a link or a device"):
        list(rows(tmp_path / "polls.tar", read_mapping(_mapping(tmp_path, _FEED))))


def test_archive_when_cut_short(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {name: text * 4_000 for name, text in _POLLS.items()})
    with tarfile.open(tmp_path / "polls.tar.gz", "w:gz") as archive:
        archive.add(folder, "polls")
    whole = (tmp_path / "polls.tar.gz").read_bytes()
    (tmp_path / "polls.tar.gz").write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(UsageError, match="cannot be read"):
        list(rows(tmp_path / "polls.tar.gz", read_mapping(_mapping(tmp_path, _FEED))))


@pytest.mark.parametrize("declared", ['time_zone = "America/New_York"', 'time_zone = "UTC"'])
def test_mapping_when_local_time_has_no_zone(declared: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="says a local time; declare its time_zone"):
        read_mapping(_mapping(tmp_path, _FEED.replace(declared, "")))


def test_zone_when_time_has_offset(tmp_path: Path) -> None:
    feed = _FEED.replace('time_zone = "America/New_York"', "").replace("S-4|", "s-4|").replace("%S", "%S%z", 1)
    polls = _folder(tmp_path, {"poll-121015-034002.csv": _LINE.replace(":12", ":12-05:00")})
    (row,) = rows(polls, read_mapping(_mapping(tmp_path, feed)))
    assert b'"time":"2015-12-08T21:43:12+00:00"' in row.payload


@pytest.mark.parametrize(
    ("wall_clock", "instant"),
    [
        # Comes twice on 1 November, the first is meant; skipped on 8 March, read with the offset before.
        ("2015-11-01T01:30:00", "2015-11-01T05:30:00"),
        ("2015-03-08T02:30:00", "2015-03-08T07:30:00"),
    ],
)
def test_local_time_when_clocks_change(wall_clock: str, instant: str, tmp_path: Path) -> None:
    polls = _folder(tmp_path, {"poll-121015-034002.csv": _LINE.replace("2015-12-08T16:43:12", wall_clock)})
    (row,) = rows(polls, read_mapping(_mapping(tmp_path, _FEED)))
    assert f'"time":"{instant}+00:00"'.encode() in row.payload


@pytest.mark.parametrize(
    ("said", "instead", "why"),
    [
        ('"position_fix"', '"weather"', "no kind of reading"),
        ('longitude.column = "lon"', "", "maps no longitude"),
        ("longitude.column", "fill_ratio.column", "position_fix has latitude"),
        ('"lat", "lon", "truck"', '"lat", "lat", "truck"', "each its own"),
        ('delimiter = "|"', 'delimiter = "||"', "delimiter"),
        ("poll-%m%d%y-%H%M%S", "poll-%m%d%y", "no time of day"),
    ],
)
def test_feed_mapping_when_it_would_mislead(said: str, instead: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=why):
        read_mapping(_mapping(tmp_path, _FEED.replace(said, instead)))


def test_message_when_words_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").write_text("scale,at,kg,no,waste\nw1,201512081643+0000,7420,T-19,\n")
    (row,) = rows(tmp_path / "tickets.csv", read_mapping(_mapping(tmp_path, _TICKETS)))
    assert b'{"v":1,"time":"2015-12-08T16:43:00+00:00","weight_kg":7420.0,"ticket":"T-19"}' == row.payload


def test_publish_when_a_row_of_a_poll_is_broken(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {**_POLLS, "poll-121015-034002.csv": _LINE + "40.7|-74.1|102||yesterday\n"})
    with pytest.raises(UsageError, match=r"1 rows cannot be read.*: poll-121015-034002\.csv line 2: "):
        list(messages_of(folder, _mapping(tmp_path, _FEED)))


def test_page_when_its_polls_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text().partition("## Polls of a feed")[2]
    names = re.findall(r"`polls/(\S+\.csv)`", page)
    texts = re.findall(r"^```text\n(-.*?)```", page, re.MULTILINE | re.DOTALL)
    (mapping,) = re.findall(r"^```toml\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    polls = dict(zip(names, texts, strict=True))
    made = list(rows(_folder(tmp_path, polls), read_mapping(_mapping(tmp_path, mapping))))
    assert ["t-11", "t-12"] * 2 == [row.topic.split("/")[3] for row in made]
    times = [json.loads(row.payload)["network_time"] for row in made]
    assert ["2026-11-14T15:59:03+00:00", "2026-11-14T16:00:02+00:00"] == times[::2]
