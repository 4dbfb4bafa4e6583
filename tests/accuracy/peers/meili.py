# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""Valhalla's Meili, through `pyvalhalla`: tiles built from the same streets, each a way of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import osmium
import valhalla
from osmium.osm import mutable

from tests.accuracy.peers.exchange import Answer, Piece, Point, Question, Street, Trace, directed, serve


def prepare(question: Question) -> Callable[[Trace], Answer]:
    """Build the tiles."""
    folder = Path(tempfile.mkdtemp(prefix="meili-"))
    write_extract(folder / "streets.osm.pbf", question.streets)
    (folder / "tiles").mkdir()
    config = valhalla.get_config(tile_extract="", tile_dir=str(folder / "tiles"), verbose=False)
    for part in ("mjolnir", "meili", "thor", "loki", "odin"):
        config[part].setdefault("logging", {})["type"] = ""
    settings = question.settings
    config["meili"]["default"]["breakage_distance"] = settings.get("breakage_distance", 2_000)
    for key in ("beta", "max_route_distance_factor", "max_route_time_factor", "interpolation_distance"):
        if key in settings:
            config["meili"]["default"][key] = settings[key]
    (folder / "config.json").write_text(json.dumps(config))
    build = valhalla.PYVALHALLA_DIR / "bin" / "valhalla_build_tiles"
    command = [str(build), "-c", str(folder / "config.json"), str(folder / "streets.osm.pbf")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr or done.stdout)
    actor = valhalla.Actor(str(folder / "config.json"))
    lengths = [street.measures()[-1] for street in question.streets]
    origin = question.streets[0].line[0], question.streets[0].plane[0]
    other = question.streets[-1].line[-1], question.streets[-1].plane[-1]
    to_plane = plane_of(origin, other)

    def match(trace: Trace) -> Answer:
        sigma_m = trace.sigma_m
        options = {"gps_accuracy": sigma_m, "search_radius": min(max(settings.get("reach", 4) * sigma_m, 25), 100)}
        if "turn_penalty_factor" in settings:
            options["turn_penalty_factor"] = settings["turn_penalty_factor"]
        shape = [
            {"lon": lon, "lat": lat, "time": time} for (lon, lat), time in zip(trace.line, trace.t_s, strict=True)
        ]
        request = {"shape": shape, "costing": "auto", "shape_match": "map_snap", "trace_options": options}
        try:
            said = actor.trace_attributes(request)
        except RuntimeError:
            return Answer([], [-1] * len(shape))
        points = [to_plane(point) for point in decode(said["shape"])]
        pieces: list[Piece] = []
        for edge in said["edges"]:
            street = edge["way_id"] - 1
            part = points[edge["begin_shape_index"] : edge["end_shape_index"] + 1]
            pieces += pieces_of(question.streets[street], street, lengths[street], part)
        ways = [edge["way_id"] - 1 for edge in said["edges"]]
        segments = [ways[point["edge_index"]] if has_edge(point, ways) else -1 for point in said["matched_points"]]
        return Answer(pieces, segments)

    return match


def has_edge(point: dict, ways: list[int]) -> bool:
    """Tell whether a fix was matched to an edge; one that was not has an index beyond all."""
    return point["type"] != "unmatched" and point.get("edge_index", len(ways)) < len(ways)


def pieces_of(street: Street, index: int, length_m: float, part: list[Point]) -> list[Piece]:
    """Place what was driven of a street, given as points on the plane, along its line."""
    measures = [street.measure(point) for point in part]
    is_loop = street.plane[0] == street.plane[-1]
    if is_loop and len(measures) > 2:
        # Both ends of a loop are the same place: the points between say which end is which.
        measures[0] = 0.0 if measures[1] < measures[2] else measures[0] or length_m
        measures[-1] = length_m if measures[-2] > measures[-3] else 0.0
    return [directed(index, length_m, measures[0], measures[-1])] if len(measures) > 1 else []


def plane_of(one: tuple[Point, Point], other: tuple[Point, Point]) -> Callable[[Point], Point]:
    """Find the map from degrees to the plane, which is linear, of two places known on both."""
    (one_line, one_plane), (other_line, other_plane) = one, other
    x = (other_plane[0] - one_plane[0]) / (other_line[0] - one_line[0])
    y = (other_plane[1] - one_plane[1]) / (other_line[1] - one_line[1])
    return lambda point: (
        one_plane[0] + x * (point[0] - one_line[0]),
        one_plane[1] + y * (point[1] - one_line[1]),
    )


def decode(shape: str) -> list[Point]:
    """Read an encoded line of six decimals."""
    numbers: list[int] = []
    value = shift = 0
    for letter in shape:
        bits = ord(letter) - 63
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    found: list[Point] = []
    lat = lon = 0
    for north, east in zip(numbers[::2], numbers[1::2], strict=True):
        lat, lon = lat + north, lon + east
        found.append((lon / 1e6, lat / 1e6))
    return found


def write_extract(file: Path, streets: Sequence[Street]) -> None:
    """Write the streets as ways numbered from 1, joined at their ends and nowhere else."""
    ends: dict[Point, int] = {}
    nodes: list[Point] = []

    def node(place: Point, is_end: bool) -> int:  # noqa: FBT001  # local
        if is_end and place in ends:
            return ends[place]
        nodes.append(place)
        if is_end:
            ends[place] = len(nodes)
        return len(nodes)

    ways = [
        [node(place, at in {0, len(street.line) - 1}) for at, place in enumerate(street.line)] for street in streets
    ]
    with osmium.SimpleWriter(str(file), overwrite=True) as writer:
        for number, place in enumerate(nodes, 1):
            writer.add_node(mutable.Node(id=number, version=1, location=place))
        for number, (refs, street) in enumerate(zip(ways, streets, strict=True), 1):
            tags = {"highway": "residential", "oneway": "yes" if street.is_oneway else "no"}
            writer.add_way(mutable.Way(id=number, version=1, nodes=refs, tags=tags))


if __name__ == "__main__":
    serve(prepare)
