"""Every matcher on the same drives: the product's own, and peers in their own environment."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from kernels import geodesy
from rules.places import Network, read_network, to_local
from tests.accuracy import drives, ours
from tests.accuracy.drives import Drive, Piece, Seen
from tests.accuracy.peers import exchange
from tests.accuracy.scores import Score, score

# Committed seeds: drive n is drawn from this and n. The settings of peers were chosen on drives of another one.
SEED: Final = 20_260_900
TUNING_SEED: Final = 7_000
LENGTH_M: Final = 8_000.0
_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
# Beside the fixes' error, which every matcher is told. Chosen on the tuning drives for all steps from the first on.
_SETTINGS: Final[Mapping[str, Mapping[int, Mapping[str, float]]]] = {
    "meili": {1: {}},
    "leuven": {1: {}},
    "mappy": {1: {}},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table: a step of time, an error, and the drives seen so."""

    step_s: int
    sigma_m: float
    seen: Sequence[Seen]


def network_of_extract(extract: Path) -> Network:
    """Make the network as `poniente network` does."""
    from app.jobs.extract import read_ways  # noqa: PLC0415  # osmium is an extra
    from app.jobs.network import geojson, split  # noqa: PLC0415  # beside it

    network = read_network("".join(geojson(split(read_ways(extract, with_service=False)))), [])
    if network is None:
        raise ValueError(f"{extract} makes no network")
    # What is known of the extract: another network would make another table.
    length_m = int(network.length_mm.sum()) // 1_000
    if not (700 < len(network.segment_ids) < 900 and 15_000 < length_m < 30_000):
        raise ValueError(f"{extract} makes {len(network.segment_ids)} segments of {length_m} m together")
    return network


def driven(network: Network, count: int, seed: int = SEED) -> list[Drive]:
    """Make the drives."""
    usable = drives.round_trip_edges(network)
    return [drives.drive(network, _random(seed + number), LENGTH_M, usable) for number in range(count)]


def cases(network: Network, made: Sequence[Drive], steps: Sequence[int], sigmas: Sequence[float]) -> list[Case]:
    """See all drives at each step and with each error."""
    return [
        Case(step_s, sigma_m, [drives.seen(network, one, step_s, sigma_m) for one in made])
        for step_s in steps
        for sigma_m in sigmas
    ]


def settings_of(name: str, step_s: int) -> Mapping[str, float]:
    """Give a peer's settings for a step of time."""
    return _SETTINGS[name][max(first for first in _SETTINGS[name] if first <= step_s)]


def our_scores(network: Network, case: Case) -> list[Score]:
    """Match with the product; a score for each drive."""
    return [_scored(seen, *ours.answer(network, seen)) for seen in case.seen]


def peer_scores(
    network: Network, case: Case, name: str, python: Path, settings: Mapping[str, float]
) -> tuple[list[Score], float]:
    """Match with a peer; a score for each drive, and how long it took. [s]."""
    question = exchange.Question(_streets(network), [_trace(network, one) for one in case.seen], dict(settings))
    done = subprocess.run(
        [str(python), str(_HERE / "peers" / f"{name}.py")],
        input=exchange.ask(question),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    if done.returncode:
        raise ChildProcessError(f"{name} failed: {done.stderr[-2_000:]}")
    answers, seconds = exchange.read_answers(done.stdout)
    found: list[Score] = []
    for seen, answer in zip(case.seen, answers, strict=True):
        # A peer's lengths are its own: no street is longer than it is.
        lengths = network.edges[1]
        pieces = [
            Piece(edge, max(round(1_000 * begin), 0), min(round(1_000 * end), int(lengths[edge])))
            for edge, begin, end in answer.pieces
        ]
        found.append(_scored(seen, [one for one in pieces if one.begin_mm < one.end_mm], answer.segments))
    return found, seconds


def _random(seed: int) -> Random:
    return Random(seed)  # noqa: S311  # a simulation keeps no secrets


def _scored(seen: Seen, pieces: Sequence[Piece], segments: Sequence[int]) -> Score:
    return score(seen.truth, pieces, [edge // 2 for edge in seen.edges], segments)


def _streets(network: Network) -> list[exchange.Street]:
    """Give the streets to peers: as degrees of seven decimals, and as metres."""
    bounds = np.searchsorted(network.vertex_segment, np.arange(len(network.segment_ids) + 1))
    x_mm, y_mm, _ = network.vertices
    lon, lat = _degrees(network, x_mm, y_mm)
    found: list[exchange.Street] = []
    for index in range(len(network.segment_ids)):
        own = slice(int(bounds[index]), int(bounds[index + 1]))
        line = [*zip(lon[own], lat[own], strict=True)]
        plane = [*zip((x_mm[own] / 1_000).tolist(), (y_mm[own] / 1_000).tolist(), strict=True)]
        found.append(exchange.Street(line, plane, bool(network.is_oneway[index])))
    return found


def _degrees(network: Network, x_mm: ours.Ints, y_mm: ours.Ints) -> tuple[list[float], list[float]]:
    x_factor, y_factor = geodesy.factors(network.origin_e7[1])
    lon_e7 = network.origin_e7[0] + np.rint(x_mm * 2**24 / x_factor)
    lat_e7 = network.origin_e7[1] + np.rint(y_mm * 2**24 / y_factor)
    return (lon_e7 / 1e7).tolist(), (lat_e7 / 1e7).tolist()


def _trace(network: Network, seen: Seen) -> exchange.Trace:
    fixes = seen.fixes
    x_mm, y_mm = to_local(network, fixes.lon_e7, fixes.lat_e7)
    line = [*zip((fixes.lon_e7 / 1e7).tolist(), (fixes.lat_e7 / 1e7).tolist(), strict=True)]
    plane = [*zip((x_mm / 1_000).tolist(), (y_mm / 1_000).tolist(), strict=True)]
    return exchange.Trace((fixes.t_us / 1e6).tolist(), line, plane, seen.sigma_m)
