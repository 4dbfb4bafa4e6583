"""The peers' side: run by the peers' Python, knows nothing of ours. Arguments: kind of contest, folder of columns.

Reads names of runners from its input; says after each how long it took, as JSON. What it found is laid into the
folder, so that both sides can be compared.
"""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

# Peers have no types here; what they give is Any.
Runners = dict[str, Callable[[], Any]]
_THRESHOLD_PPM = 900_000


def scan(folder: Path) -> Runners:
    """Longest time above a threshold of each container: by an expert, by what comes to mind, by pandas."""
    polars, pandas = (import_module(name) for name in ("polars", "pandas"))
    col = polars.col
    columns = {name: np.load(folder / f"{name}.npy") for name in ("container", "t_us", "fill_ppm")}
    frame = polars.DataFrame(columns)
    table = pandas.DataFrame(columns)

    def expert() -> Any:
        # Only the rows at which something changes leave the first, streaming, step: some in a hundred.
        is_other = col("container") != col("container").shift(1)
        edges = (
            frame.lazy()
            .select("container", "t_us", above=col("fill_ppm") >= _THRESHOLD_PPM, before=col("t_us").shift(1))
            .filter((col("above") != col("above").shift(1)).fill_null(value=True) | is_other)
        )
        last_us = int(columns["t_us"][-1])
        runs = edges.with_columns(end=col("before").shift(-1).fill_null(last_us)).filter("above")
        return runs.group_by("container").agg(run=(col("end") - col("t_us")).max()).collect()

    def gathered() -> Any:
        # The same by places instead of rows: the faster of the two counts as the expert.
        above = frame["fill_ppm"] >= _THRESHOLD_PPM
        other = frame["container"] != frame["container"].shift(1)
        place = ((above != above.shift(1)).fill_null(value=True) | other.fill_null(value=True)).arg_true()
        last = polars.concat([place[1:], polars.Series([len(frame)], dtype=place.dtype)]) - 1
        runs = polars.DataFrame({"container": frame["container"].gather(place), "above": above.gather(place)})
        runs = runs.with_columns(run=frame["t_us"].gather(last) - frame["t_us"].gather(place)).filter("above")
        return runs.group_by("container").agg(col("run").max())

    def natural() -> Any:
        above = frame.with_columns(above=col("fill_ppm") >= _THRESHOLD_PPM)
        numbered = above.with_columns(number=col("above").rle_id().over("container")).filter("above")
        runs = numbered.group_by("container", "number").agg(run=col("t_us").max() - col("t_us").min())
        return runs.group_by("container").agg(col("run").max())

    def by_pandas() -> Any:
        above = table["fill_ppm"] >= _THRESHOLD_PPM
        number = (above != above.groupby(table["container"]).shift()).cumsum()
        runs = table[above].groupby(["container", number[above]])["t_us"]
        return polars.from_pandas((runs.max() - runs.min()).groupby(level=0).max().reset_index(name="run"))

    def laid(run: Callable[[], Any]) -> Callable[[], Any]:
        def found() -> Any:
            return run().sort("container")["run"].to_numpy()

        return found

    several = {"expert polars": expert, "expert polars, gathered": gathered, "natural polars": natural}
    return {name: laid(run) for name, run in several.items()} | {"pandas": laid(by_pandas)}


def nearest(folder: Path) -> Runners:
    """Nearest street of each place, by shapely's tree."""
    shapely = import_module("shapely")
    ends = np.load(folder / "ends_mm.npy").astype(np.float64)
    tree = shapely.STRtree(shapely.linestrings(ends))
    points = shapely.points(np.load(folder / "places_mm.npy").astype(np.float64))
    farthest = float(np.load(folder / "radius_mm.npy"))

    def query() -> Any:
        found, distance = tree.query_nearest(points, max_distance=farthest, return_distance=True)
        return np.stack([found[0], found[1], distance])

    return {"shapely STRtree": query}


def fence(folder: Path) -> Runners:
    """Places inside a zone by shapely, stays in it by pandas."""
    shapely, pandas = import_module("shapely"), import_module("pandas")
    zone = shapely.Polygon(np.load(folder / "ring_mm.npy").T.astype(np.float64))
    shapely.prepare(zone)
    x_mm, y_mm = np.load(folder / "places_mm.npy").astype(np.float64)
    t_us = np.load(folder / "t_us.npy")

    def stays() -> Any:
        inside = pandas.Series(shapely.contains_xy(zone, x_mm, y_mm))
        times = pandas.Series(t_us)[inside]
        stay = times.groupby((inside != inside.shift()).cumsum()[inside])
        return np.array([int(inside.sum()), int((stay.max() - stay.min()).sum())])

    return {"shapely and pandas": stays}


def matching(folder: Path) -> Runners:
    """Map matching by Meili, in memory and file to file; by the others on one drive."""
    valhalla = import_module("valhalla")
    exchange, meili, leuven, mappy = (
        import_module(f"tests.accuracy.peers.{name}") for name in ("exchange", "meili", "leuven", "mappy")
    )
    streets = _streets(folder / "streets.geojson", exchange)
    meili.write_extract(folder / "streets.osm.pbf", streets)
    (folder / "tiles").mkdir()
    config = valhalla.get_config(tile_extract="", tile_dir=str(folder / "tiles"), verbose=False)
    for part in ("mjolnir", "meili", "thor", "loki", "odin"):
        config[part].setdefault("logging", {})["type"] = ""
    file = folder / "meili.json"
    _ = file.write_text(json.dumps(config))
    build = Path(str(valhalla.__file__)).parent / "bin" / "valhalla_build_tiles"
    command = [str(build), "-c", str(file), str(folder / "streets.osm.pbf")]
    _ = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    actor = valhalla.Actor(str(file))
    requests = [json.dumps(_request(rows)) for rows in _traces(folder / "once.csv").values()]
    first = next(iter(_traces(folder / "once.csv").values()))
    plane = [_plane((float(row["lon"]), float(row["lat"]))) for row in first]
    line = [(float(row["lon"]), float(row["lat"])) for row in first]
    trace = exchange.Trace([_seconds(row["t"]) for row in first], line, plane, 5.0)

    def by_files() -> Any:
        with (folder / "meili.csv").open("w", encoding="utf-8") as out:
            for vehicle, rows in _traces(folder / "once.csv").items():
                said = json.loads(actor.trace_attributes(json.dumps(_request(rows))))
                out.writelines(
                    f"{vehicle},{place},{edge['way_id']},{edge.get('forward', '')}\n"
                    for place, edge in enumerate(said["edges"])
                )
        return np.zeros(0)

    question = exchange.Question(streets, [trace], {})
    others = {"leuvenmapmatching": leuven.prepare(question), "mappymatch": mappy.prepare(question)}

    def slow(name: str) -> Callable[[], Any]:
        return lambda: np.array(others[name](trace).segments)

    in_memory = {"Meili": lambda: np.array([len(actor.trace_attributes(one)) for one in requests])}
    return {**in_memory, "Meili, file to file": by_files, **{name: slow(name) for name in others}}


def readback(folder: Path) -> Runners:
    """Rows of the database as Arrow columns, by ADBC."""
    dbapi = import_module("adbc_driver_postgresql.dbapi")
    asked: dict[str, Any] = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    # The inner question of the COPY, its bound values written in: whole numbers and instants of our own.
    question = asked["copy"].strip().removeprefix("copy (").rpartition(") to stdout")[0]
    question = question.replace("%(first)s", f"'{asked['first']}'").replace("%(until)s", f"'{asked['until']}'")
    question = question.replace("%(known_through)s", str(2**62))
    host = dict(part.split("=", 1) for part in asked["dsn"].split())
    address = f"postgresql://{host['user']}@{host['host']}:{host['port']}/{host['dbname']}"
    connection = dbapi.connect(address)

    def read() -> Any:
        rows = 0
        for zone in asked["zones"]:
            numbers = ",".join(map(str, zone))
            with connection.cursor() as cursor:
                _ = cursor.execute(question.replace("%(device_ids)s", f"'{{{numbers}}}'::bigint[]"))
                rows += cursor.fetch_arrow_table().num_rows
        return np.array([rows])

    return {"ADBC": read}


def _streets(file: Path, exchange: Any) -> list[Any]:
    """Read the network's file as streets for peers."""
    said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return [
        exchange.Street(
            [(lon, lat) for lon, lat in one["geometry"]["coordinates"]],
            [_plane((lon, lat)) for lon, lat in one["geometry"]["coordinates"]],
            bool(one["properties"].get("oneway")),
        )
        for one in said["features"]
    ]


def _plane(place: tuple[float, float]) -> tuple[float, float]:
    """Lay a place of Helsinki on a plane of metres."""
    return (place[0] - 24.94) * 111_320.0 * 0.4976, (place[1] - 60.17) * 111_320.0


def _traces(file: Path) -> dict[str, list[dict[str, str]]]:
    """Read fixes by vehicle."""
    found: dict[str, list[dict[str, str]]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["vehicle_id"], []).append(row)
    return found


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _request(rows: list[dict[str, str]]) -> dict[str, Any]:
    shape = [{"lon": float(row["lon"]), "lat": float(row["lat"]), "time": _seconds(row["t"])} for row in rows]
    options = {"gps_accuracy": 5.0, "search_radius": 25}
    return {"shape": shape, "costing": "auto", "shape_match": "map_snap", "trace_options": options}


_KINDS: dict[str, Callable[[Path], Runners]] = {
    "scan": scan,
    "nearest": nearest,
    "fence": fence,
    "matching": matching,
    "readback": readback,
}


def main() -> None:
    """Run what is asked for, until nobody asks."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    runners = _KINDS[kind](folder)
    for line in sys.stdin:
        name = line.strip()
        begun, spent = time.perf_counter(), time.process_time()
        found = runners[name]()
        said = {"wall_s": time.perf_counter() - begun, "cpu_s": time.process_time() - spent}
        np.save(folder / f"found {name}.npy", found)
        _ = sys.stdout.write(json.dumps(said) + "\n")
        _ = sys.stdout.flush()


if __name__ == "__main__":
    main()
