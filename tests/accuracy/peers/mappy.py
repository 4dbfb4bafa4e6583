# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""`mappymatch`: its LCSS matcher over the same streets on the plane."""

import contextlib
import sys
from collections.abc import Callable

import geopandas
import networkx as nx
import pandas as pd
import pyproj
import shapely
from mappymatch.constructs.trace import Trace as MappyTrace
from mappymatch.maps.nx.nx_map import NxMap
from mappymatch.matchers.lcss.lcss import LCSSMatcher

from tests.accuracy.peers.exchange import Answer, Piece, Point, Question, Trace, serve

# Any plane in metres; both the streets and the fixes are laid on it already.
_PLANE = pyproj.CRS("EPSG:3857")


def prepare(question: Question) -> Callable[[Trace], Answer]:
    """Make the graph."""
    graph = nx.MultiDiGraph(crs=_PLANE, distance_weight="kilometers", time_weight="minutes")
    ends: dict[Point, int] = {}
    lengths: list[float] = []
    for index, street in enumerate(question.streets):
        lengths.append(street.measures()[-1])
        head, tail = (ends.setdefault(street.plane[at], len(ends)) for at in (-1, 0))
        said = {"kilometers": lengths[-1] / 1_000, "minutes": lengths[-1] / 1_000 / 40 * 60}
        graph.add_edge(tail, head, key=2 * index, geometry=shapely.LineString(street.plane), **said)
        if not street.is_oneway:
            line = shapely.LineString(street.plane[::-1])
            graph.add_edge(head, tail, key=2 * index + 1, geometry=line, **said)
    # It fails where there is no way; the largest part of a network has ways everywhere.
    part = max(nx.strongly_connected_components(graph), key=len)
    streets = NxMap(graph.subgraph(part).copy())
    settings = question.settings

    def match(trace: Trace) -> Answer:
        frame = pd.DataFrame(trace.plane, columns=["x", "y"])
        points = geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(frame["x"], frame["y"]), crs=_PLANE)
        matcher = LCSSMatcher(
            streets,
            distance_epsilon=max(settings.get("reach", 5) * trace.sigma_m, settings.get("least_m", 25)),
            similarity_cutoff=settings.get("cutoff", 0.9),
            cutting_threshold=settings.get("cutting_m", 10),
        )
        with contextlib.redirect_stdout(sys.stderr):
            found = matcher.match_trace(MappyTrace(points))
        segments = [one.road.road_id.key // 2 if one.road is not None else -1 for one in found.matches]
        edges = [road.road_id.key for road in found.path or []]
        pieces: list[Piece] = [(edge, 0.0, lengths[edge // 2]) for edge in edges]
        if pieces:
            # Roads are given whole; the path begins and ends where the first and the last fix are nearest.
            pieces[0] = (edges[0], along(question, edges[0], trace.plane[0], lengths), pieces[0][2])
            pieces[-1] = (edges[-1], pieces[-1][1], along(question, edges[-1], trace.plane[-1], lengths))
        return Answer([one for one in pieces if one[2] > one[1]], segments)

    return match


def along(question: Question, edge: int, place: Point, lengths: list[float]) -> float:
    """How far along a directed edge a place is. [m]."""
    at_m = question.streets[edge // 2].measure(place)
    return lengths[edge // 2] - at_m if edge % 2 else at_m


if __name__ == "__main__":
    serve(prepare)
