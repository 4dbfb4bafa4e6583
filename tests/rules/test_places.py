"""Streets as text to a network, and what is found wrong with them."""

import json
from typing import Any

import numpy as np
import pytest

from kernels.around import around
from rules.places import Network, Street, network_of, read_network, to_local
from rules.records import Finding, FindingCode


def feature(segment_id: object, line: object, **properties: object) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"segment_id": segment_id, **properties},
        "geometry": {"type": "LineString", "coordinates": line},
    }


def read(*features: object) -> tuple[Network | None, list[Finding]]:
    findings: list[Finding] = []
    return read_network(json.dumps({"type": "FeatureCollection", "features": features}), findings), findings


WEST, EAST = [-70.65, -33.45], [-70.64, -33.45]


def test_network_when_read() -> None:
    found, findings = read(
        feature("a", [WEST, EAST], zone_id="VP-03", name="Unión"),
        feature(7, [EAST, [-70.64, -33.44], WEST], zone_id=None, oneway=True),
    )
    assert [] == findings
    assert found is not None
    assert (("a", "7"), ("VP-03", ""), ("Unión", "")) == (found.segment_ids, found.zone_ids, found.names)
    # A hundredth of a degree to the east: 929.81 m at 33.445 degrees, the middle; 5 cm less where the street is.
    assert 929_812 == pytest.approx(found.length_mm[0], abs=20)
    # Two nodes; a may be driven both ways, 7 only along its line, from the eastern end to the western.
    assert [0, 1, 3] == found.adjacency[0].tolist()
    assert [0, 1, 2] == found.adjacency[1].tolist()


@pytest.mark.parametrize(
    ("coordinate", "is_joined"), [("-70.64000004", True), ("-70.64000006", False), ("-70.640000", True)]
)
def test_ends_when_written_with_more_digits(coordinate: str, is_joined: bool) -> None:  # noqa: FBT001  # a case
    findings: list[Finding] = []
    line = '{{"properties":{{"segment_id":"{}"}},"geometry":{{"type":"LineString","coordinates":[[{},{}],[{},{}]]}}}}'
    one = line.format("a", "-70.65", "-33.45", "-70.64", "-33.45")
    other = line.format("b", coordinate, "-33.45", "-70.64", "-33.44")
    found = read_network(f'{{"features":[{one},{other}]}}', findings)
    assert found is not None
    assert (3 if is_joined else 4) == found.adjacency[0].size - 1


def test_network_when_empty() -> None:
    found, findings = read()
    assert [] == findings
    assert found is not None
    assert 0 == found.length_mm.size


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": 1}', '{"features": [NaN]}', "{" * 9_999])
def test_findings_when_file_is_malformed(text: str) -> None:
    findings: list[Finding] = []
    assert read_network(text, findings) is None
    assert [FindingCode.FILE_MALFORMED] == [one.code for one in findings]


@pytest.mark.parametrize(
    "wrong",
    [
        1,
        {},
        feature("a", [WEST]),
        feature("a", [WEST, WEST]),
        feature("a", [WEST, ["-70.64", -33.45]]),
        feature("a", [WEST, [-70.64]]),
        feature("a", [WEST, [-33.45, -95.64]]),
        feature("a", [WEST, [True, False]]),
        feature("", [WEST, EAST]),
        feature(None, [WEST, EAST]),
        feature("a", [WEST, EAST], oneway="yes"),
        feature("a", [WEST, EAST], zone_id=1.5),
        {"properties": {"segment_id": "a"}, "geometry": {"type": "Point", "coordinates": WEST}},
    ],
)
def test_findings_when_feature_is_malformed(wrong: object) -> None:
    found, findings = read(feature("b", [WEST, EAST]), wrong)
    assert found is None
    assert [(FindingCode.MALFORMED, "segments.geojson", "features[2]")] == [
        (one.code, one.file, one.key) for one in findings
    ]


def test_findings_when_ids_repeat_and_streets_lie_far_away() -> None:
    found, findings = read(feature("a", [WEST, EAST]), feature("a", [WEST, [-46.6, -23.5]]))
    assert found is None
    assert [FindingCode.DUPLICATE_ID, FindingCode.MALFORMED] == [one.code for one in findings]


def test_distances_when_measured() -> None:
    network = network_of([Street("a", ((0, 0), (10_000, 0))), Street("b", ((0, 9_000), (10_000, 9_000)))])
    x_mm, y_mm = to_local(network, np.array([5_000], np.int32), np.array([0], np.int32))
    # 9,000 units of latitude at the equator: 99.5 m.
    places = (x_mm, y_mm, np.array([200_000], np.int64))
    _, segment, _, off_mm = around(network.vertices, network.vertex_segment, network.grid, places)
    assert ([0, 1], [0, 99_517]) == (segment.tolist(), pytest.approx(off_mm.tolist(), abs=2))


def test_network_when_across_the_antimeridian() -> None:
    network = network_of([Street("a", ((1_799_990_000, 0), (-1_799_990_000, 0)))])
    assert 222_639 == pytest.approx(network.length_mm[0], abs=2)


def test_columns_when_written_to() -> None:
    network = network_of([Street("a", ((0, 0), (10_000, 0)))])
    with pytest.raises(ValueError, match="read-only"):
        network.length_mm[0] = 1
