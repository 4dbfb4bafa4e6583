"""`poniente match`: what a file of fixes may look like, what is refused, and what comes out."""

import csv
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli.main import explain, main

HEADER = "vehicle_id,t,lon,lat"
# Three blocks of 111 m along the equator, from west to east.
STREETS = {"A": (0, 1), "B": (1, 2), "C": (2, 3)}
# The same file, written by another program.
CHANGES: list[Callable[[bytes], bytes]] = [
    lambda text: b"\xef\xbb\xbf" + text,
    lambda text: text.replace(b"\n", b"\r\n"),
    lambda text: text.rstrip(b"\n"),
    lambda text: text.replace(b"\n", b"\n\n"),
    lambda text: text.replace(b"Z,", b".000+00:00,"),
    lambda text: text.replace(b"T10:", b"T06:").replace(b"Z,", b"-04:00,"),
    lambda text: text.replace(b"\nv,", b'\n"v" , '),
]


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"segment_id": name},
            "geometry": {"type": "LineString", "coordinates": [[west / 1000, 0], [east / 1000, 0]]},
        }
        for name, (west, east) in STREETS.items()
    ]
    file = tmp_path / "streets.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return file


@pytest.fixture
def run(streets: Path, tmp_path: Path) -> Callable[..., Result]:
    """Match rows given as bytes or lines."""

    def match(rows: bytes | Sequence[str], *options: str) -> Result:
        fixes = tmp_path / "fixes.csv"
        fixes.write_bytes(rows if isinstance(rows, bytes) else "".join(f"{row}\n" for row in rows).encode())
        common = ["--format", "json", "--accuracy", "3"]
        return CliRunner().invoke(main, ["match", str(streets), str(fixes), *common, *options])

    return match


def _drive(vehicle: str = "v", count: int = 31, more: str = "", start: str = "2026-09-01T10") -> list[str]:
    """Drive eastwards at 10 m each 10 s."""
    return [
        f"{vehicle},{start}:{second // 60:02}:{second % 60:02}Z,{second // 10 * 0.00009:.7f},0.0000000{more}"
        for second in range(0, count * 10, 10)
    ]


def _metres(result: Result, key: str) -> list[float]:
    return [float(row[key]) for row in json.loads(result.stdout)]


def _path(tmp_path: Path) -> list[dict[str, Any]]:
    with (tmp_path / "path.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_segments_when_driven_once(run: Callable[..., Result]) -> None:
    done = run([HEADER, *_drive()])
    assert 0 == done.exit_code
    lengths, proven, possible = (_metres(done, key) for key in ("length_m", "proven_m", "possible_m"))
    assert [111.319] * 3 == pytest.approx(lengths, abs=0.01)
    assert lengths[1] == proven[1] == possible[1]
    assert all(low <= high <= length for low, high, length in zip(proven, possible, lengths, strict=True))
    assert [1, 1, 1] == [row["pass_count"] for row in json.loads(done.stdout)]


def test_path_when_driven_there_and_back(run: Callable[..., Result], tmp_path: Path) -> None:
    there = _drive()
    back = [
        f"v,2026-09-01T10:{second // 60 + 20:02}:{second % 60:02}Z,{0.0027 - second // 10 * 0.00009:.7f},0"
        for second in range(0, 310, 10)
    ]
    done = run([HEADER, *there, *back], "--path", str(tmp_path / "path.csv"))
    path = _path(tmp_path)
    assert "" == done.stdout
    assert [str(seq) for seq in range(1, len(path) + 1)] == [row["seq"] for row in path]
    for direction, ratios in (("forward", ("0.000000", "1.000000")), ("backward", ("1.000000", "0.000000"))):
        middle = [row for row in path if row["segment_id"] == "B" and row["direction"] == direction]
        assert ratios == (middle[0]["from_ratio"], middle[-1]["to_ratio"])
    assert all(row["t_enter"] <= row["t_leave"] for row in path)
    assert all(before["t_leave"] <= after["t_enter"] for before, after in pairwise(path))


def test_result_when_rows_are_mixed_and_threads_differ(run: Callable[..., Result], tmp_path: Path) -> None:
    rows = [*_drive("v"), *_drive("w", 20), *_drive('"a b,c"', 25)]
    wanted: set[bytes] = set()
    for order, threads in ((rows, "1"), (rows[::-1], "1"), (sorted(rows, key=lambda row: row[5:30]), "2")):
        run([HEADER, *order], "--path", str(tmp_path / "path.csv"), "--threads", threads)
        wanted.add((tmp_path / "path.csv").read_bytes())
    assert 1 == len(wanted)
    assert ["a b,c", "v", "w"] == list(dict.fromkeys(row["vehicle_id"] for row in _path(tmp_path)))


@pytest.mark.parametrize("change", CHANGES)
def test_result_when_written_otherwise(run: Callable[..., Result], change: Callable[[bytes], bytes]) -> None:
    text = "\n".join([HEADER, *_drive(), ""]).encode()
    assert run(text).stdout == run(change(text)).stdout


def test_columns_when_in_another_order_and_more(run: Callable[..., Result]) -> None:
    turned = [",".join(reversed(row.split(","))) + ",x" for row in (HEADER, *_drive())]
    done = run(turned)
    assert run([HEADER, *_drive()]).stdout == done.stdout
    assert "columns not used: x" in done.stderr


def test_work_when_said(run: Callable[..., Result]) -> None:
    rows = _drive(more=",true")
    rows[12:24] = [row.replace("true", "false") for row in rows[12:24]]
    proven, possible = (_metres(run([f"{HEADER},working", *rows]), key) for key in ("proven_m", "possible_m"))
    # Of B, from 111 to 223 m, only the way between the fixes 11 and 12, at 110 and 120 m, is not denied by both.
    assert [0, 12 * 10.019 - 111.319] == pytest.approx([proven[1], possible[1]], abs=0.05)


@pytest.mark.parametrize(("said", "proven", "possible"), [("", 0, 111.319), ("0", 0, 0), ("1", 111.319, 111.319)])
def test_work_when_the_same_throughout(run: Callable[..., Result], said: str, proven: float, possible: float) -> None:
    done = run([f"{HEADER},working", *_drive(more=f",{said}")])
    assert [proven, possible] == pytest.approx(
        [_metres(done, key)[1] for key in ("proven_m", "possible_m")], abs=0.01
    )


def test_instants_when_twice(run: Callable[..., Result]) -> None:
    rows = _drive()
    done = run([HEADER, *rows, rows[3], rows[3]])
    assert run([HEADER, *rows]).stdout == done.stdout
    assert "counted once: 2" in done.stderr


def test_instants_when_in_two_places(run: Callable[..., Result]) -> None:
    rows = _drive()
    done = run([HEADER, *rows, rows[3].replace(",0.00027", ",0.00150")])
    assert run([HEADER, *rows[:3], *rows[4:]]).stdout == done.stdout
    assert "one instant: 2, lines 5, 33" in done.stderr


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        (HEADER, "v,2026-09-01T10:00:00,0,0", "line 3: t '2026-09-01T10:00:00' does not say its offset"),
        (HEADER, "v,yesterday,0,0", "line 3: t 'yesterday' is no time"),
        (HEADER, "v,1969-12-31T23:59:59Z,0,0", "line 3: t '1969-12-31T23:59:59Z' lies outside"),
        (HEADER, "v,2026-09-01T10:00:00Z,NaN,0", "line 3: lon 'NaN' is none of degrees"),
        (HEADER, "v,2026-09-01T10:00:00Z,180.0000001,0", "line 3: lon '180.0000001'"),
        (HEADER, "v,2026-09-01T10:00:00Z,0,-91", "line 3: lat '-91'"),
        (HEADER, "v,2026-09-01T10:00:00Z,,0", "line 3: lon '' is none of"),
        (HEADER, ",2026-09-01T10:00:00Z,0,0", "line 3: vehicle_id '' is empty"),
        (HEADER, "v,2026-09-01T10:00:00Z,0", "line 3 has not the 4 cells"),
        (HEADER, 'v,2026-09-01T10:00:00Z,0,"0', "line 3: a quotation mark"),
        (f"{HEADER},accuracy_m", "v,2026-09-01T10:00:00Z,0,0,-1", "line 3: accuracy_m '-1' is none of metres"),
        (f"{HEADER},speed_mps", "v,2026-09-01T10:00:00Z,0,0,fast", "line 3: speed_mps 'fast'"),
        (f"{HEADER},course_deg", "v,2026-09-01T10:00:00Z,0,0,361", "line 3: course_deg '361'"),
        (f"{HEADER},working", "v,2026-09-01T10:00:00Z,0,0,yes", "line 3: working 'yes' is none of true, false"),
    ],
)
def test_refusal_when_a_cell_is_wrong(run: Callable[..., Result], header: str, row: str, says: str) -> None:
    good = "v,2026-09-01T09:00:00Z,0,0" + "," * (header.count(",") - 3)
    done = run([header, good, row])
    assert done.exception is not None
    assert says in str(done.exception)
    assert 1 == explain(done.exception)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "is empty"),
        (b"vehicle,t,lon,lat\n", "line 1: there is no column vehicle_id"),
        (b"vehicle_id,t,lon\n", "line 1: there is no column lat"),
        (b"vehicle_id;t;lon;lat\n", "semicolons"),
        (b"vehicle_id,t,lon,lat,t\n", "column t stands twice"),
        (b"vehicle_id,t,lon,lat\n", "holds no fixes"),
        ("vehicle_id,t,lon,lat\n".encode("utf-16"), "UTF-8"),
    ],
)
def test_refusal_when_the_header_is_wrong(run: Callable[..., Result], text: bytes, says: str) -> None:
    assert says in str(run(text).exception)


def test_status_when_a_file_is_missing(streets: Path, tmp_path: Path) -> None:
    for names in ((str(tmp_path / "no"), str(streets)), (str(streets), str(tmp_path / "no"))):
        error = CliRunner().invoke(main, ["match", *names]).exception
        assert isinstance(error, Exception)
        assert 2 == explain(error)


def test_vehicle_when_off_all_streets(run: Callable[..., Result]) -> None:
    done = run([HEADER, *(row.replace(",0.0000000", ",45.0") for row in _drive())])
    assert [0.0] * 3 == _metres(done, "possible_m")
    assert "on no street 31" in done.stderr
    assert "no fix lies near a street" in done.stderr


def test_refusal_when_streets_come_last(streets: Path, tmp_path: Path) -> None:
    fixes = tmp_path / "fixes.csv"
    fixes.write_text("vehicle_id,t,lon,lat\n")
    assert "streets come first" in str(CliRunner().invoke(main, ["match", str(fixes), str(streets)]).exception)


def test_vehicle_when_it_sends_one_fix(run: Callable[..., Result]) -> None:
    assert [0.0] * 3 == _metres(run([HEADER, _drive()[0]]), "possible_m")
