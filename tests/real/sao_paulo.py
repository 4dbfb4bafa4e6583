"""A piece of São Paulo's streets and five logged paths, read from their files into what the product takes.

A log is a line: places without times, errors or directions. Fixes are let come every half minute, and every error be
`ACCURACY_M`, which is what the one log that misses the streets needs: its fixes lie up to 110 m from the street
that was driven, so a receiver that promises less would not be believed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from rules.traversals import Fixes

ACCURACY_M = 50
INTERVAL_US = 30_000_000
MAX_GAP_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Log:
    """One logged path, and the links that its makers say were driven; minus is against the link's line."""

    name: int
    places: tuple[tuple[Decimal, Decimal], ...]
    expected: tuple[int, ...]


def segments(folder: Path) -> str:
    """Write the links as `segments.geojson`: a link that may be driven against its line only is turned round."""
    features: list[dict[str, Any]] = []
    for link in _features(folder / "links.geojson"):
        direction, line = link["properties"]["direction"], _line(link)
        features.append(
            {
                "type": "Feature",
                "properties": {"segment_id": str(link["properties"]["id"]), "oneway": direction != 0},
                "geometry": {"type": "LineString", "coordinates": line[::-1] if direction < 0 else line},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}, default=float)


def is_turned(folder: Path) -> Mapping[str, bool]:
    """Say which links `segments` has turned round."""
    links = _features(folder / "links.geojson")
    return {str(link["properties"]["id"]): link["properties"]["direction"] < 0 for link in links}


def logs(folder: Path) -> list[Log]:
    """Read the logs with what is expected of them."""
    expected = {one["id"]: tuple(one["path"]) for one in _json(folder / "expectedResults.json")}
    return [
        Log(log["properties"]["id"], tuple((lon, lat) for lon, lat in _line(log)), expected[log["properties"]["id"]])
        for log in _features(folder / "pathLogs.geojson")
    ]


def fixes(log: Log, accuracy_m: int = ACCURACY_M) -> Fixes:
    """Make fixes of a log's places."""
    count = len(log.places)
    return Fixes(
        t_us=np.arange(count, dtype=np.int64) * INTERVAL_US,
        lon_e7=np.array([round(lon * 10_000_000) for lon, _ in log.places], np.int32),
        lat_e7=np.array([round(lat * 10_000_000) for _, lat in log.places], np.int32),
        accuracy_mm=np.full(count, accuracy_m * 1_000, np.int32),
    )


def _line(feature: Mapping[str, Any]) -> Sequence[tuple[Decimal, Decimal]]:
    return feature["geometry"]["coordinates"]


def _features(file: Path) -> list[dict[str, Any]]:
    return _json(file)["features"]


def _json(file: Path) -> Any:  # whatever JSON holds
    return json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
