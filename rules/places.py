"""Streets of a contract: the text of `segments.geojson` → arrays on a plane of millimetres, or what is wrong with it.

A street is a line with two ends; streets join where ends coincide to 1e-7 degrees (11 mm), and nowhere else: a bridge
crosses, it does not join. It may be driven both ways unless it says `oneway`, which is along its line. It believes
that a network is a city, not a continent. Which streets are to be swept, and when, is left to the terms.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from kernels import geodesy, matching
from rules.records import Finding, FindingCode

SEGMENTS_FILE: Final = "segments.geojson"
# Half the length of a usual block: few pieces to a cell, few cells to a search.
_CELL_MM: Final = 50_000
# What a turn by a right angle weighs, and one right round in the street: the way of four seconds and of ten or more.
TURNS_MM: Final = (20_000, 100_000)
# Streets further than this from the first one are a slip of the pen; at 200 km lengths are wrong by per cents.
_EXTENT_MAX_MM: Final = 200_000_000
_LON_MAX, _LAT_MAX = Decimal(180), Decimal(85)
_E7: Final = 10_000_000

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Street:
    """One segment as its file says it.

    Parameters
    ----------
    segment_id : str
    line_e7 : tuple of tuple of int
        Longitude and latitude of two or more vertices. [1e-7 degree]
    zone_id : str
        Empty where no zone sweeps it.
    name : str
    is_oneway : bool
        Whether it may be driven along its line only.
    """

    segment_id: str
    line_e7: tuple[tuple[int, int], ...]
    zone_id: str = ""
    name: str = ""
    is_oneway: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """Streets as arrays; a segment is named by its index. All arrays are read-only.

    Parameters
    ----------
    segment_ids, zone_ids, names : tuple of str
        Of each segment; a zone or a name is empty where there is none. Shape (s,).
    length_mm : ndarray of int64
        Length along the line. Shape (s,). [mm]
    origin_e7 : tuple of int
        Longitude and latitude of the plane's origin. [1e-7 degree]
    vertices : tuple of three ndarray of int64
        x, y and measure along the segment of each vertex, segment by segment. Shape (v,) each. [mm]
    vertex_segment : ndarray of int64
        Segment of each vertex. Shape (v,). [index]
    grid : tuple of three ndarray of int64
        Shape of the grid, where each cell's pieces start, and the pieces (`kernels.matching.cells`).
    edges : tuple of two ndarray of int64
        Node at the head, and length, of each directed edge: 2 s along the line of segment s, 2 s + 1 against it.
        Shape (2 s,) each. [index, mm]
    adjacency : tuple of two ndarray of int64
        The edges that leave node n are ``adjacency[1][adjacency[0][n]:adjacency[0][n + 1]]``; only such as may be
        driven. Shapes (nodes + 1,) and (drivable edges,). [index]
    is_oneway : ndarray of int64
        Shape (s,). [flag]
    bounds_e7 : tuple of int
        West, south, east and north edge of the box around all streets. [1e-7 degree]
    graph, entry : ndarray of int64
        Records of the edges, and the shortest ways from each to those around it (`kernels.matching.table`).
    """

    segment_ids: tuple[str, ...]
    zone_ids: tuple[str, ...]
    names: tuple[str, ...]
    length_mm: Ints
    origin_e7: tuple[int, int]
    vertices: tuple[Ints, Ints, Ints]
    vertex_segment: Ints
    grid: tuple[Ints, Ints, Ints]
    edges: tuple[Ints, Ints]
    adjacency: tuple[Ints, Ints]
    is_oneway: Ints
    bounds_e7: tuple[int, int, int, int]
    graph: Ints
    entry: Ints


def read_network(text: str, findings: list[Finding]) -> Network | None:
    """Read the streets.

    Parameters
    ----------
    text : str
        Content of `segments.geojson`: a FeatureCollection of LineStrings with `segment_id`, and where they apply
        `zone_id`, `oneway` and `name`.
    findings : list of Finding
        What is wrong is appended.

    Returns
    -------
    Network or None
        None where anything was found.

    Notes
    -----
    Coordinates are read as decimals and rounded to 1e-7 degrees, halves to even: the last digits of a binary
    fraction never decide whether two ends meet. A third coordinate is passed over.

    References
    ----------
    H. Butler et al., The GeoJSON Format, RFC 7946, 2016, doi:10.17487/RFC7946.
    """
    try:
        features = _listed(json.loads(text, parse_float=Decimal, parse_constant=_refuse)["features"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        said = "it is JSON of another kind" if isinstance(error, KeyError) else f"it is no GeoJSON ({error})"
        findings.append(Finding(FindingCode.FILE_MALFORMED, SEGMENTS_FILE, "features", said))
        return None
    before = len(findings)
    streets: list[Street] = []
    for place, feature in enumerate(features, 1):
        try:
            streets.append(_street(feature))
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            findings.append(Finding(FindingCode.MALFORMED, SEGMENTS_FILE, f"features[{place}]", _said(error)))
    counts = Counter(street.segment_id for street in streets)
    repeated = (name for name, count in counts.items() if count > 1)
    findings += [Finding(FindingCode.DUPLICATE_ID, SEGMENTS_FILE, "segment_id", name) for name in repeated]
    findings += _misplaced(streets)
    return network_of(streets) if len(findings) == before else None


def network_of(streets: Sequence[Street]) -> Network:
    """Lay streets on a plane and join their ends.

    Parameters
    ----------
    streets : sequence of Street
        In the order in which they shall be indexed. A street without length is let be.

    Returns
    -------
    Network

    Notes
    -----
    The origin is the middle of the bounding box, as seen from the first vertex. Lengths are rounded to the
    millimetre for each straight piece and added up. Linear in the number of vertices and cells.

    References
    ----------
    J. P. Snyder, Map Projections: A Working Manual, section 12, 1987, doi:10.3133/pp1395.
    """
    places = np.array([vertex for street in streets for vertex in street.line_e7], np.int32).reshape(-1, 2)
    sizes = [len(street.line_e7) for street in streets]
    segment = np.repeat(np.arange(len(streets), dtype=np.int64), sizes)
    lon_e7, lat_e7 = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
    origin_e7 = _middle_e7(lon_e7, lat_e7)
    x_mm, y_mm = geodesy.project(lon_e7, lat_e7, origin_e7)
    measure_mm, length_mm = _measures(x_mm, y_mm, segment, len(streets))
    is_oneway = np.array([street.is_oneway for street in streets], np.int64)
    head, adjacency = _joined(streets, is_oneway)
    shape = _grid_shape(x_mm, y_mm)
    cells = matching.cells((x_mm, y_mm, measure_mm), segment, shape)
    edge_mm, setting_out = np.repeat(length_mm, 2), _setting_out(x_mm, y_mm, segment, len(streets))
    heads = _heads(x_mm, y_mm, segment, len(streets))
    graph, entry = matching.table((head, edge_mm), heads, setting_out, adjacency, np.array(TURNS_MM, np.int64))
    return Network(
        segment_ids=tuple(street.segment_id for street in streets),
        zone_ids=tuple(street.zone_id for street in streets),
        names=tuple(street.name for street in streets),
        length_mm=_kept(length_mm),
        origin_e7=origin_e7,
        vertices=(_kept(x_mm), _kept(y_mm), _kept(measure_mm)),
        vertex_segment=_kept(segment),
        grid=(_kept(shape), _kept(cells[0]), _kept(cells[1])),
        edges=(_kept(head), _kept(edge_mm)),
        adjacency=(_kept(adjacency[0]), _kept(adjacency[1])),
        is_oneway=_kept(is_oneway),
        bounds_e7=_bounds_e7(lon_e7, lat_e7),
        graph=_kept(graph),
        entry=_kept(entry),
    )


def to_local(network: Network, lon_e7: NDArray[np.int32], lat_e7: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Lay places on the network's plane.

    Parameters
    ----------
    network : Network
    lon_e7, lat_e7 : ndarray of int32
        Places. Shape (n,). [1e-7 degree]

    Returns
    -------
    x_mm, y_mm : ndarray of int64
        To the east and to the north of the origin. Shape (n,). [mm]

    Notes
    -----
    See `kernels.geodesy.project` for the error.
    """
    return geodesy.project(lon_e7, lat_e7, network.origin_e7)


def _refuse(constant: str) -> Decimal:
    raise ValueError(f"{constant} is no number")


def _listed(features: object) -> list[Any]:
    if not isinstance(features, list):
        raise TypeError(f"features is {type(features).__name__}; write a list")
    return cast("list[Any]", features)


def _said(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)


def _street(feature: Any) -> Street:  # noqa: ANN401  # whatever JSON holds
    """Read one feature, or say in an error what is wrong with it."""
    said: Mapping[str, Any] = feature["properties"]
    geometry = feature["geometry"]
    if geometry["type"] != "LineString":
        raise ValueError(f"geometry.type is {geometry['type']}; only LineString is a street")
    line_e7 = tuple(_vertex_e7(vertex) for vertex in geometry["coordinates"])
    if len(set(line_e7)) < 2:  # noqa: PLR2004  # a line has two ends
        raise ValueError("geometry.coordinates holds no two different places")
    is_oneway = said.get("oneway")
    if is_oneway is not None and not isinstance(is_oneway, bool):
        raise TypeError(f"properties.oneway is {is_oneway!r}; write true or false")
    segment_id = _name(said["segment_id"], "segment_id")
    if not segment_id:
        raise ValueError("properties.segment_id is empty")
    zone_id, name = (_name(said.get(key), key) for key in ("zone_id", "name"))
    return Street(segment_id, line_e7, zone_id, name, is_oneway=bool(is_oneway))


def _name(said: object, key: str) -> str:
    """Take a name; numbers are names too, as many files number their streets."""
    if said is None and key != "segment_id":
        return ""
    if isinstance(said, bool) or not isinstance(said, str | int):
        raise TypeError(f"properties.{key} is {said!r}; write a text")
    return str(said)


def _vertex_e7(vertex: Any) -> tuple[int, int]:  # noqa: ANN401  # whatever JSON holds
    lon, lat = (_degrees(number) for number in (vertex[0], vertex[1]))
    if abs(lon) > _LON_MAX or abs(lat) > _LAT_MAX:
        raise ValueError(f"geometry.coordinates holds {lon}, {lat}; longitude comes first, latitude is at most 85")
    return _rounded_e7(lon), _rounded_e7(lat)


def _degrees(number: object) -> Decimal:
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        raise TypeError(f"geometry.coordinates holds {number!r}, which is no number")
    return Decimal(number)


def _rounded_e7(degrees: Decimal) -> int:
    return int((degrees * _E7).to_integral_value(ROUND_HALF_EVEN))


def _misplaced(streets: Sequence[Street]) -> Iterator[Finding]:
    """Find the streets that lie too far from the first one to be of the same city."""
    if not streets:
        return
    places = np.array([vertex for street in streets for vertex in street.line_e7], np.int32)
    lon_e7, lat_e7 = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
    x_mm, y_mm = geodesy.project(lon_e7, lat_e7, streets[0].line_e7[0])
    start = np.concatenate(([0], np.cumsum([len(street.line_e7) for street in streets])[:-1]))
    furthest_mm = np.maximum.reduceat(np.maximum(np.abs(x_mm), np.abs(y_mm)), start)
    for index in np.flatnonzero(furthest_mm > _EXTENT_MAX_MM).tolist():
        value = f"{streets[index].segment_id}: {furthest_mm[index] // 1_000_000} km from the first street"
        yield Finding(FindingCode.MALFORMED, SEGMENTS_FILE, "geometry.coordinates", value)


def _bounds_e7(lon_e7: NDArray[np.int32], lat_e7: NDArray[np.int32]) -> tuple[int, int, int, int]:
    if lon_e7.size == 0:
        return 0, 0, 0, 0
    return int(lon_e7.min()), int(lat_e7.min()), int(lon_e7.max()), int(lat_e7.max())


def _middle_e7(lon_e7: NDArray[np.int32], lat_e7: NDArray[np.int32]) -> tuple[int, int]:
    """Find the middle of the bounding box, also across the antimeridian."""
    if lon_e7.size == 0:
        return 0, 0
    first, half_turn = int(lon_e7[0]), 180 * _E7
    east = (lon_e7.astype(np.int64) - first + half_turn) % (2 * half_turn) - half_turn
    lon = first + (int(east.min()) + int(east.max())) // 2
    return (lon + half_turn) % (2 * half_turn) - half_turn, (int(lat_e7.min()) + int(lat_e7.max())) // 2


def _measures(x_mm: Ints, y_mm: Ints, segment: Ints, count: int) -> tuple[Ints, Ints]:
    """Measure each vertex along its segment, and each segment."""
    squared = np.diff(x_mm, prepend=0) ** 2 + np.diff(y_mm, prepend=0) ** 2
    piece_mm = np.floor(np.sqrt(squared.astype(np.float64)) + 0.5).astype(np.int64)
    piece_mm[np.diff(segment, prepend=-1) != 0] = 0
    walked_mm = np.cumsum(piece_mm)
    first = np.searchsorted(segment, np.arange(count))
    last = np.searchsorted(segment, np.arange(count), side="right") - 1
    return walked_mm - walked_mm[first][segment], walked_mm[last] - walked_mm[first]


def _heads(x_mm: Ints, y_mm: Ints, segment: Ints, count: int) -> tuple[Ints, Ints]:
    """Say where each edge leads to: along its line to the last vertex, against it to the first."""
    first = np.searchsorted(segment, np.arange(count))
    last = np.searchsorted(segment, np.arange(count), side="right") - 1
    vertex = np.stack([last, first]).T.ravel()
    return x_mm[vertex], y_mm[vertex]


def _setting_out(x_mm: Ints, y_mm: Ints, segment: Ints, count: int) -> tuple[Ints, Ints]:
    """Find the direction in which each edge begins: that of the line's first piece, or of its last turned round."""
    first = np.searchsorted(segment, np.arange(count))
    last = np.searchsorted(segment, np.arange(count), side="right") - 1
    near = np.stack([first, last], axis=1).ravel()
    far = np.stack([first + 1, last - 1], axis=1).ravel()
    east, north = (x_mm[far] - x_mm[near]).astype(np.float64), (y_mm[far] - y_mm[near]).astype(np.float64)
    length = np.maximum(np.sqrt(east * east + north * north), 1)
    # Rounded, halves up; a piece without length has no direction.
    return (
        np.floor(1_024 * east / length + 0.5).astype(np.int64),
        np.floor(1_024 * north / length + 0.5).astype(np.int64),
    )


def _joined(streets: Sequence[Street], is_oneway: Ints) -> tuple[Ints, tuple[Ints, Ints]]:
    """Number the places where streets end; give each edge's head, and which edges leave each node."""
    nodes: dict[tuple[int, int], int] = {}
    head = np.zeros(2 * len(streets), np.int64)
    for index, street in enumerate(streets):
        head[2 * index + 1] = nodes.setdefault(street.line_e7[0], len(nodes))
        head[2 * index] = nodes.setdefault(street.line_e7[-1], len(nodes))
    edge = np.arange(head.size)
    drivable = edge[(edge % 2 == 0) | (np.repeat(is_oneway, 2) == 0)]
    tail = head[drivable ^ 1]
    order = np.lexsort((drivable, tail))
    start = np.searchsorted(tail[order], np.arange(len(nodes) + 1))
    return head, (start.astype(np.int64), drivable[order].astype(np.int64))


def _grid_shape(x_mm: Ints, y_mm: Ints) -> Ints:
    """Choose a grid of no more cells than some for each vertex, however far apart the streets lie."""
    if x_mm.size == 0:
        return np.array([0, 0, _CELL_MM, 1, 1], np.int64)
    west, south = int(x_mm.min()), int(y_mm.min())
    width, height = int(x_mm.max()) - west, int(y_mm.max()) - south
    # Cells so large that the box holds no more than 16 for each vertex; a narrow box is as many cells long.
    cells_max = 16 * x_mm.size
    side = max(_CELL_MM, math.isqrt(width * height // cells_max), max(width, height) // cells_max)
    return np.array([west, south, side, width // side + 1, height // side + 1], np.int64)


def _kept(column: Ints) -> Ints:
    """Make a column read-only, so that a frozen network is one."""
    column = np.ascontiguousarray(column, np.int64)
    column.flags.writeable = False
    return column
