"""Contests over traces: map matching beside Meili, in memory and file to file, on the centre of Helsinki."""

import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

import numpy as np

from rules import paths
from rules.matched import match
from rules.places import Network
from rules.traversals import Fixes
from tests.accuracy import drives
from tests.accuracy.contest import network_of_extract
from tests.accuracy.peers.environment import helsinki
from tests.benchmarks.kernel.contest import Bar, Contest, Setup, peer, program, timed
from tests.benchmarks.kernel.field import SEED, city, drive

_LENGTH_M, _SIGMA_M = 8_000.0, 5.0
_DRIVES, _FIXES = 40, 1_000_000
_MAX_GAP_US = 60_000_000
_CITIES = (2_000, 20_000, 200_000)


def matched(network: Network, traces: Sequence[Fixes], threads: int) -> int:
    """Match traces, in one thread or several; the number of rows, so that nothing is left out."""

    def one(fixes: Fixes) -> int:
        return match(network, fixes, _MAX_GAP_US).fix.size

    if threads == 1:
        return sum(map(one, traces))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(one, traces))


def likeliest(network: Network, traces: Sequence[Fixes]) -> int:
    """Find paths and their odds, and ask of nothing whether it is proven: what Meili does; the number of rows."""
    total = 0
    for fixes in traces:
        seen = paths.some_of(fixes, paths.witnesses(network, fixes))
        total += paths.likeliest(network, seen, _MAX_GAP_US).edge.size
    return total


def _streets_file(extract: Path, file: Path) -> None:
    """Make the network's file as `poniente network` does."""
    from app.jobs.extract import read_ways  # noqa: PLC0415  # osmium is an extra
    from app.jobs.network import geojson, split  # noqa: PLC0415  # beside it

    _ = file.write_text("".join(geojson(split(read_ways(extract, with_service=False)))), encoding="utf-8")


def _fixes_file(traces: Sequence[Fixes], file: Path) -> None:
    """Write fixes as `poniente match` reads them, each trace a vehicle."""
    with file.open("w", encoding="utf-8") as lines:
        _ = lines.write("vehicle_id,t,lon,lat\n")
        for number, fixes in enumerate(traces):
            times = np.datetime_as_string(fixes.t_us.astype("datetime64[us]"), unit="ms")
            lines.writelines(
                f"v{number:05},{t}Z,{lon / 1e7:.7f},{lat / 1e7:.7f}\n"
                for t, lon, lat in zip(times, fixes.lon_e7.tolist(), fixes.lat_e7.tolist(), strict=True)
            )


def _matching(step_s: int, setup: Setup) -> Generator[Contest]:
    """Compare on the same drives: ours match each several times, as so many vehicles, Meili once, slow peers one."""
    extract = helsinki(setup.python)
    network = network_of_extract(extract)
    usable = drives.round_trip_edges(network)
    seeds = range(SEED, SEED + setup.of(_DRIVES, 8))
    made = [drives.drive(network, Random(seed), _LENGTH_M, usable) for seed in seeds]  # noqa: S311  # no secrets
    several = [drives.seen(network, one, step_s, _SIGMA_M).fixes for one in made]
    once = sum(fixes.t_us.size for fixes in several)
    traces = several * max(1, round(setup.of(_FIXES) / once))
    _streets_file(extract, setup.folder / "streets.geojson")
    _fixes_file(traces, setup.folder / "fixes.csv")
    _fixes_file(several, setup.folder / "once.csv")
    # Told of the same error as the fixes in memory are, and Meili in both contests.
    told_m = f"{int(several[0].accuracy_mm[0]) / 1_000:g}"
    command = [sys.executable, "-m", "app.cli.main", "match", str(setup.folder / "streets.geojson")]
    ends = ["--path", str(setup.folder / "path.csv"), "--accuracy", told_m, "--threads", "1"]
    # Byte code is made at first use.
    _ = program([*command, str(setup.folder / "once.csv"), *ends])()
    many = sum(fixes.t_us.size for fixes in traces)
    least = several[0].t_us.size
    with peer(setup, "matching") as others:
        runners = {
            "poniente, 1 thread": timed(lambda: matched(network, traces, 1)),
            "poniente, 2 threads": timed(lambda: matched(network, traces, 2)),
            "poniente, path and odds alone": timed(lambda: likeliest(network, traces)),
            "poniente match, file to file": program([*command, str(setup.folder / "fixes.csv"), *ends]),
            "Meili": others.runner("Meili"),
            "Meili, file to file": others.runner("Meili, file to file"),
        }
        amounts = {name: once if "Meili" in name else many for name in runners}
        for name in ("leuvenmapmatching", "mappymatch"):
            runners[name], amounts[name] = others.runner(name), least
        bars = [
            Bar("poniente, 1 thread", "Meili", 8.0, is_by_core=True),
            Bar("poniente, path and odds alone", "Meili", 8.0, is_by_core=True),
            Bar("poniente match, file to file", "Meili, file to file", 5.0, is_by_core=True),
            Bar("poniente, 2 threads", "poniente, 1 thread", 1.7),
        ]
        told = (
            f"A fix every {step_s} s, 5 m of error, {len(network.segment_ids):,} segments; one thread but where two "
            "are said. Path and odds alone: nothing is asked to be proven, as nothing is by Meili. In memory Meili "
            "is given the text of its requests, and its answers are not read. File to file ours includes the start "
            "of the program, the network's file and what is proven; Meili's tiles are there before. All are told of "
            "the error."
        )
        yield Contest(f"Map matching, each {step_s} s", "fixes", amounts, runners, bars, [told])


@contextmanager
def dense(setup: Setup) -> Generator[Contest]:
    """Match traces of a fix a second."""
    yield from _matching(1, setup)


@contextmanager
def sparse(setup: Setup) -> Generator[Contest]:
    """Match traces of a fix each ten seconds, as a sweeper's."""
    yield from _matching(10, setup)


@contextmanager
def sizes(setup: Setup) -> Generator[Contest]:
    """Show that a fix costs hardly more in a large network than in a small one."""
    networks = {f"{size:,} segments": city(size) for size in _CITIES}
    vehicles = setup.of(100, 4)
    traces = {name: [drive(one, k, 2_880, 10) for k in range(vehicles)] for name, one in networks.items()}
    runners = {name: timed(lambda name=name: matched(networks[name], traces[name], 2)) for name in networks}
    amounts = dict.fromkeys(networks, vehicles * 2_880)
    first, *others = networks
    bars = [Bar(name, first, 0.5) for name in others]
    yield Contest("Map matching in networks of different size", "fixes", amounts, runners, bars)


@contextmanager
def growth(setup: Setup) -> Generator[Contest]:
    """Show that the cost of matching is linear in the fixes."""
    network = city(_CITIES[1])
    counts = [setup.of(one, 1) for one in (350, 3_500, 35_000)]
    # A hundred million fixes are so many different drives, over and over: no cache holds what they were matched with.
    traces = [drive(network, k, 2_880, 10) for k in range(min(counts[-1], 350))]
    several = {f"{count * 2_880:,} fixes": (traces * (count // len(traces) + 1))[:count] for count in counts}
    runners = {name: timed(lambda some=some: matched(network, some, 2)) for name, some in several.items()}
    amounts = {name: len(some) * 2_880 for name, some in several.items()}
    first, *others = several
    yield Contest(
        "Map matching, more and more fixes",
        "fixes",
        amounts,
        runners,
        [Bar(one, first, 0.8) for one in others],
        runs_max=1,
    )
