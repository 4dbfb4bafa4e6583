"""`poniente network`: an OpenStreetMap extract → segments."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.main import explain, main
from app.errors import RefusedError, UsageError
from app.jobs.network import Segment, Way, direction_of, geojson, is_driven, split
from rules.places import read_network

PLACES = {
    1: ("24.9432708", "60.1665138"),
    2: ("24.9433654", "60.1664439"),
    3: ("24.94", "60.1664"),
    4: ("24.9434029", "60.166408"),
    5: ("24.95", "60.17"),
    6: ("24.951", "60.17"),
    7: ("24.951", "60.171"),
}
WAYS: dict[int, tuple[tuple[int, ...], dict[str, str]]] = {
    12: ((1, 2, 4), {"highway": "residential", "name": "Erottajankatu"}),
    11: ((2, 3), {"highway": "tertiary", "oneway": "-1"}),
    13: ((4, 5, 6, 7, 5), {"highway": "unclassified"}),
    14: ((6, 99, 7), {"highway": "residential", "oneway": "yes"}),
    15: ((3, 5), {"highway": "service"}),
    16: ((3, 7), {"highway": "footway"}),
    17: ((3, 6), {"highway": "residential", "access": "private"}),
}


def extract(folder: Path) -> Path:
    """Write an extract as XML; node 99 lies beyond its edge."""
    nodes = "".join(f'<node id="{node}" lon="{lon}" lat="{lat}"/>' for node, (lon, lat) in PLACES.items())
    ways = ""
    for way, (refs, tags) in WAYS.items():
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        inner += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        ways += f'<way id="{way}">{inner}</way>'
    file = folder / "city.osm"
    file.write_text(f'<osm version="0.6">{nodes}{ways}</osm>', encoding="utf-8")
    return file


def run(*words: object) -> str:
    done = CliRunner().invoke(main, ["network", *map(str, words)])
    if done.exception:
        raise done.exception
    return done.stdout


def features(text: str) -> dict[str, dict[str, Any]]:
    return {one["properties"]["segment_id"]: one for one in json.loads(text, parse_float=str)["features"]}


def test_network_when_made_of_an_extract(tmp_path: Path) -> None:
    found = features(run(extract(tmp_path)))
    # 14 ends where it leaves the extract: pieces of one place are none.
    assert ["11.1", "12.1", "12.2", "13.1", "13.2", "13.3", "13.4"] == list(found)
    assert {"11.1"} == {name for name, one in found.items() if one["properties"]["oneway"]}
    assert {"12.1", "12.2"} == {name for name, one in found.items() if "name" in one["properties"]}


def test_coordinates_when_written(tmp_path: Path) -> None:
    found = features(run(extract(tmp_path)))
    assert [["24.9432708", "60.1665138"], ["24.9433654", "60.1664439"]] == found["12.1"]["geometry"]["coordinates"]
    # One-way against its nodes: turned round.
    assert [["24.94", "60.1664"], ["24.9433654", "60.1664439"]] == found["11.1"]["geometry"]["coordinates"]


def test_service_roads_when_asked_for(tmp_path: Path) -> None:
    assert {"15.1"} == set(features(run(extract(tmp_path), "--service"))) - set(features(run(extract(tmp_path))))


def test_network_when_read_back(tmp_path: Path) -> None:
    out = tmp_path / "network.geojson"
    assert "" == run(extract(tmp_path), "--out", out)
    network = read_network(out.read_text(encoding="utf-8"), [])
    assert network is not None
    # Places 1 to 7, joined at five: 4, 5, 6 and 7 by way 13, 2 by way 12.
    assert (7, 7) == (len(network.segment_ids), network.adjacency[0].size - 1)


def test_files_when_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no file"):
        run(tmp_path / "city.osm.pbf")
    (tmp_path / "city.osm.pbf").write_bytes(b"no extract")
    with pytest.raises(RefusedError, match="cannot be read"):
        run(tmp_path / "city.osm.pbf")
    (tmp_path / "empty.osm").write_text('<osm version="0.6"></osm>')
    with pytest.raises(RefusedError, match="no street"):
        run(tmp_path / "empty.osm")
    with pytest.raises(UsageError, match="cannot be written"):
        run(extract(tmp_path), "--out", tmp_path / "missing" / "network.geojson")


def test_osmium_when_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "app.jobs.extract", raising=False)
    monkeypatch.setitem(sys.modules, "osmium", None)
    with pytest.raises(UsageError, match=r"pip install osmium") as caught:
        run(extract(tmp_path))
    assert 2 == explain(caught.value)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, 0),
        ({"oneway": "yes"}, 1),
        ({"oneway": "1"}, 1),
        ({"oneway": "-1"}, -1),
        ({"oneway": "reversible"}, 0),
        ({"oneway": "yes", "oneway:motor_vehicle": "no"}, 0),
        ({"junction": "roundabout"}, 1),
        ({"junction": "roundabout", "oneway": "-1"}, -1),
        ({"highway": "motorway"}, 1),
        ({"highway": "motorway", "oneway": "no"}, 0),
        ({"highway": "motorway_link"}, 0),
    ],
)
def test_direction_when_tagged(tags: dict[str, str], expected: int) -> None:
    assert expected == direction_of(tags)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "primary_link"}, True),
        ({"highway": "footway"}, False),
        ({"highway": "construction"}, False),
        ({"highway": "residential", "area": "yes"}, False),
        ({"highway": "residential", "access": "no"}, False),
        ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, True),
        ({"highway": "residential", "motorcar": "no"}, False),
        ({"highway": "residential", "access": "permissive"}, True),
        ({"highway": "service"}, False),
        ({"building": "yes"}, False),
    ],
)
def test_street_when_tagged(tags: dict[str, str], *, expected: bool) -> None:
    assert expected == is_driven(tags, with_service=False)


def test_segments_when_ways_come_in_another_order() -> None:
    ways = [Way(one, (one, one + 1), ((one, 0), (one + 1, 0)), "", 0) for one in range(5)]
    assert [*geojson(split(ways))] == [*geojson(split(ways[::-1]))]


def test_line_when_a_way_is_a_loop_or_stands_still() -> None:
    loop = Way(1, (1, 2, 3, 1), ((0, 0), (5, 0), (5, 5), (0, 0)), "", 0)
    still = Way(2, (8, 9), ((7, 7), (7, 7)), "", 0)
    assert [Segment("1.1", ((0, 0), (5, 0), (5, 5), (0, 0)), "", is_oneway=False)] == list(split([loop, still]))


def test_degrees_when_south_and_west() -> None:
    text = "".join(geojson([Segment("1.1", ((-1, -705_000_000), (0, 10_000_000)), "Año «1»", is_oneway=False)]))
    assert "[-0.0000001,-70.5],[0.0,1.0]" in text
    assert "Año «1»" == json.loads(text)["features"][0]["properties"]["name"]
