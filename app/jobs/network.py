"""Streets of an OpenStreetMap extract → segments that join where they meet, as GeoJSON that the product reads.

A way becomes one segment between each two nodes where it meets another way that may be driven, or itself. What may
be driven is what a vehicle of the service may use: no footways, no private drives, service roads where they are asked
for. It believes the tags; restrictions of turns are not in the format and are let be.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PlaceE7 = tuple[int, int]

_E7: Final = 10_000_000
_ROADS: Final = frozenset(
    {"residential", "unclassified", "living_street", "road"}
    | {kind + link for kind in ("motorway", "trunk", "primary", "secondary", "tertiary") for link in ("", "_link")}
)
_SERVICE: Final = "service"
# The narrower word rules: `access=no` with `motor_vehicle=yes` may be driven.
_ACCESS: Final = ("motorcar", "motor_vehicle", "vehicle", "access")
_SHUT: Final = frozenset({"no", "private", "agricultural", "forestry", "emergency"})
_ONEWAY: Final = ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway")
_ALONG: Final = frozenset({"yes", "true", "1"})
_AGAINST: Final = frozenset({"-1", "reverse"})
_CIRCLES: Final = frozenset({"roundabout", "circular"})


@dataclass(frozen=True, slots=True)
class Way:
    """A way that may be driven.

    Parameters
    ----------
    way_id : int
    nodes : tuple of int
        In the direction of the way.
    places : tuple of (tuple of int) or None
        Longitude and latitude of each node, None where the extract does not hold it. [1e-7 degree]
    name : str
        Empty where there is none.
    direction : int
        1 along the nodes only, -1 against them only, 0 both.
    """

    way_id: int
    nodes: tuple[int, ...]
    places: tuple[PlaceE7 | None, ...]
    name: str
    direction: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A street between two junctions.

    Parameters
    ----------
    segment_id : str
        The way's number and the piece's, as in `8042.3`; pieces are counted along the way from 1.
    line_e7 : tuple of tuple of int
        Longitude and latitude, in the direction of traffic where there is only one. [1e-7 degree]
    name : str
    is_oneway : bool
    """

    segment_id: str
    line_e7: tuple[PlaceE7, ...]
    name: str
    is_oneway: bool


def is_driven(tags: Mapping[str, str], *, with_service: bool) -> bool:
    """Tell whether a way is a street that vehicles may use."""
    kind = tags.get("highway", "")
    if kind not in _ROADS and not (with_service and kind == _SERVICE):
        return False
    if tags.get("area") == "yes":
        return False
    said = next((tags[key] for key in _ACCESS if key in tags), "yes")
    return said not in _SHUT


def direction_of(tags: Mapping[str, str]) -> int:
    """Say which way traffic goes: 1 along the nodes, -1 against them, 0 both.

    Roundabouts and motorways go along where nothing is said. A direction that changes with the hour counts as both.
    """
    said = next((tags[key] for key in _ONEWAY if key in tags), None)
    if said is None:
        return 1 if tags.get("junction") in _CIRCLES or tags.get("highway") == "motorway" else 0
    if said in _ALONG:
        return 1
    return -1 if said in _AGAINST else 0


def split(ways: Iterable[Way]) -> Iterator[Segment]:
    """Cut ways where they meet and where the extract does not know a place; in the order of their numbers.

    Parameters
    ----------
    ways : iterable of Way

    Yields
    ------
    Segment
        None for a piece of one place only.

    Notes
    -----
    A piece's number counts the pieces of its way, and so changes when a street that joins is added before it, or left
    out. A loop stays one segment whose ends coincide.
    """
    ordered = sorted(ways, key=lambda way: way.way_id)
    visits = Counter(node for way in ordered for node in way.nodes)
    for way in ordered:
        for count, line in enumerate(_pieces(way, visits), 1):
            turned = line[::-1] if way.direction < 0 else line
            yield Segment(f"{way.way_id}.{count}", tuple(turned), way.name, way.direction != 0)


def geojson(segments: Iterable[Segment]) -> Iterator[str]:
    """Write segments as a FeatureCollection, one feature a line; coordinates are exact."""
    yield '{"type":"FeatureCollection","features":[\n'
    before = ""
    for segment in segments:
        said: dict[str, str | bool] = {"segment_id": segment.segment_id, "oneway": segment.is_oneway}
        if segment.name:
            said["name"] = segment.name
        properties = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        line = ",".join(f"[{_degrees(lon)},{_degrees(lat)}]" for lon, lat in segment.line_e7)
        geometry = f'{{"type":"LineString","coordinates":[{line}]}}'
        yield f'{before}{{"type":"Feature","properties":{properties},"geometry":{geometry}}}'
        before = ",\n"
    yield "\n]}\n"


def _pieces(way: Way, visits: Mapping[int, int]) -> Iterator[Sequence[PlaceE7]]:
    """Give the lines between junctions; a place that follows on itself stands once."""
    line: list[PlaceE7] = []
    for node, place in zip(way.nodes, way.places, strict=True):
        if place is not None and (not line or line[-1] != place):
            line.append(place)
        if place is None or visits[node] > 1:
            if len(line) > 1:
                yield line
            line = [] if place is None else [place]
    if len(line) > 1:
        yield line


def _degrees(angle_e7: int) -> str:
    """Write 1e-7 degrees as a number without loss and without trailing zeros."""
    whole, rest = divmod(abs(angle_e7), _E7)
    digits = f"{rest:07d}".rstrip("0") or "0"
    return f"{'-' if angle_e7 < 0 else ''}{whole}.{digits}"
