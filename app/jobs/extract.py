"""OpenStreetMap extracts, read with osmium: the ways of a file that vehicles may use."""

from collections.abc import Iterator
from pathlib import Path

from osmium import FileProcessor
from osmium.filter import EntityFilter, KeyFilter
from osmium.osm import WAY
from osmium.osm.types import Way as OsmWay

from app.errors import RefusedError, UsageError
from app.jobs.network import PlaceE7, Way, direction_of, is_driven


def read_ways(file: Path, *, with_service: bool) -> Iterator[Way]:
    """Read the ways that may be driven.

    Parameters
    ----------
    file : Path
        Any form that osmium knows by the file's name: `.osm.pbf`, `.osm`, `.osm.bz2`, `.opl`.
    with_service : bool
        Whether service roads are wanted.

    Yields
    ------
    Way

    Raises
    ------
    UsageError
        When there is no such file.
    RefusedError
        When it is no extract, or a damaged one.

    Notes
    -----
    Nodes are kept as places of 8 bytes each by osmium, and never become objects of Python.
    """
    if not file.is_file():
        raise UsageError(f"{file} is no file; name an extract such as city.osm.pbf")
    processor = FileProcessor(file).with_locations().with_filter(EntityFilter(WAY)).with_filter(KeyFilter("highway"))
    try:
        for found in processor:
            if isinstance(found, OsmWay):
                tags = {tag.k: tag.v for tag in found.tags}
                if is_driven(tags, with_service=with_service):
                    yield _way(found, tags)
    except (RuntimeError, ValueError) as error:
        raise RefusedError(f"{file} cannot be read as an OpenStreetMap extract: {error}") from error


def _way(found: OsmWay, tags: dict[str, str]) -> Way:
    nodes = tuple(node.ref for node in found.nodes)
    places: list[PlaceE7 | None] = [
        (node.x, node.y) if node.location.valid() else None  # what an extract's edge has cut off has no place
        for node in found.nodes
    ]
    return Way(found.id, nodes, tuple(places), tags.get("name", ""), direction_of(tags))
