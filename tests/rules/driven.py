"""Small towns and a sweeper's nights in them, known metre by metre and instant by instant; and what its tracker says.

The vehicle drives on the lines of the streets. It turns round in mid-block, stops, lifts its broom, works too fast.
The tracker errs by up to twice the accuracy that it declares, steadily, by drift, or anew each time; it speaks at
even steps and at once when broom or speed change, and is off for a while.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from math import cos, exp, hypot, pi, sin, sqrt
from random import Random

import numpy as np

from rules.assets import Register
from rules.contract import Terms
from rules.load import load_terms
from rules.places import Network
from tests.rules.contracts import SECOND_US, Table, contract_table, folder, zone_of
from tests.rules.standards_cases import Told, local_us, register, standard

METRE_E7 = 90
"""Near the equator, nearly the same to the east as to the north."""

DAYS = (date(2026, 9, 1), date(2026, 10, 1))
# Service is on Tuesdays; on the other three of the month nothing is heard.
NIGHTS = ("2026-09-01", "2026-09-08")
HOUR = {"start": time(22), "end": time(23), "days": ["tue"], "dst": "elapsed"}
MAX_GAP_S, SLOWEST_MMPS, FASTEST_MMPS, ABOVE_MMPS = 75, 500, 3_600, 4_000
ASSETS = "asset,zone,class,valid_from,valid_until\nSW-1,,sweeper,2026-01-01,\n"
TRACKERS = (
    "source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor,working\n"
    "net,s1,SW-1,2026-01-01,,,,,ana,luis,1:high\n"
)

Line = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Leg:
    """A stretch driven evenly along one segment, or a stop. [us since 1970, mm along the line, mm/s]."""

    start_us: int
    end_us: int
    segment: int
    from_mm: float
    to_mm: float
    is_down: bool
    speed_mmps: int

    @property
    def is_work(self) -> bool:
        """Whether what is driven counts as swept."""
        return self.is_down and SLOWEST_MMPS <= self.speed_mmps <= FASTEST_MMPS

    def at_mm(self, t_us: int) -> float:
        """Where it is at an instant."""
        return self.from_mm + (self.to_mm - self.from_mm) * (t_us - self.start_us) / (self.end_us - self.start_us)


@dataclass(frozen=True)
class World:
    """A town, what was driven there, and what was said of it."""

    terms: Terms
    held: Register
    legs: list[Leg]
    said: list[Told]

    @cached_property
    def worked(self) -> list[Leg]:
        """What counts as swept."""
        return [leg for leg in self.legs if leg.is_work]

    @property
    def network(self) -> Network:
        """Streets of the terms."""
        assert self.terms.network is not None
        return self.terms.network


def world(seed: int) -> World:
    """Draw a town, drive two nights in it, and listen to the tracker."""
    random = Random(seed)  # noqa: S311  # a drawn town keeps no secrets
    # Where no speed is said, that of the way counts, which says nothing of turns and laps between two fixes.
    is_speed_said = random.random() < 0.7
    step_s = random.choice([1, 2, 5, 10, 15, 30, 60] if is_speed_said else [1, 2, 5, 10])
    every_s = max(15, step_s * 5 // 4)
    lines = [*_lines(random)]
    terms = load_terms({**folder(_table(every_s)), "segments.geojson": _streets(random, lines)}, zone_of(_ZONE))
    assert terms.network is not None
    legs: list[Leg] = []
    said: list[Told] = []
    for night in NIGHTS:
        begun_us = local_us(f"{night}T22:00") + random.randint(-200, 600) * SECOND_US
        driven = [*_driven(random, terms.network, begun_us, hurries=0.1 * is_speed_said)]
        legs += driven
        said += _said(random, terms.network, driven, (step_s, every_s), is_speed_said=is_speed_said)
    return World(terms, register(terms, assets=ASSETS, installations=TRACKERS), legs, said)


_ZONE = "America/Santiago"


def _table(every_s: int) -> Table:
    streets: Table = {
        "vehicles": "sweeper",
        "working": "broom_down",
        "speed_mps": {"min": "0.5", "max": "3.6"},
        "every": f"PT{every_s}S",
        "max_gap": f"PT{MAX_GAP_S}S",
        "travel_mps": "14",
    }
    share: Table = {"kind": "swept_share", "sides": "either", **streets}
    passes: Table = {"kind": "longest_without_pass", "pass_share": "0.6", "look_back": "P20D", **streets}
    speed: Table = {
        "kind": "time_above_speed",
        "vehicles": "sweeper",
        "working": "broom_down",
        "above_mps": "4",
        "max_gap": f"PT{MAX_GAP_S}S",
        "travel_mps": "14",
    }
    gps: Table = {"gps_m": "5", "bound": "favour_contractor"}
    said = {"window": HOUR, "tolerance": gps}
    month = {**said, "window": {**HOUR, "span": "month"}}
    errs = {**said, "tolerance": {**gps, "speed_mps": "0.1"}}
    return contract_table(
        standard("zone", share, {"op": ">=", "value": "0.9"}, id="swept", zones=["VP-01"], **said),
        standard("segment", passes, {"op": "<=", "value": "P19D"}, id="passed", zones=["VP-01"], **month),
        standard("vehicle", speed, {"op": "<=", "value": "PT1M"}, id="fast", **errs),
    )


def _lines(random: Random) -> Iterator[Line]:
    """Draw a crooked grid, or carriageways side by side, in metres."""
    if random.random() < 0.7:
        block_m, size = random.choice([40, 60, 90, 130]), random.choice([2, 3])
        nodes = {
            (x, y): (block_m * x + random.randint(-8, 8), block_m * y + random.randint(-8, 8))
            for x in range(size)
            for y in range(size)
        }
        for (x, y), place in nodes.items():
            for other in ((x + 1, y), (x, y + 1)):
                if other in nodes and random.random() < 0.85:
                    yield place, nodes[other]
        # A dead end, so that there is always a street.
        yield nodes[0, 0], (-block_m, random.randint(-20, 20))
        return
    apart_m, length_m = random.choice([6, 10, 15, 25]), random.choice([100, 200, 400])
    for number in range(2):
        yield (0, number * apart_m), (length_m, number * apart_m)
    for x in (0, length_m):
        yield (x, 0), (x, apart_m)


def _streets(random: Random, lines: Iterable[Line]) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"segment_id": f"S-{number}", "zone_id": "VP-01", "oneway": random.random() < 0.15},
            "geometry": {
                "type": "LineString",
                "coordinates": [[x * METRE_E7 / 1e7, y * METRE_E7 / 1e7] for x, y in line],
            },
        }
        for number, line in enumerate(lines)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def _driven(random: Random, network: Network, t_us: int, *, hurries: float) -> Iterator[Leg]:
    """Drive about for a quarter of an hour or more, wherever streets may be driven."""
    start, leaving = (column.tolist() for column in network.adjacency)
    heads, until_us = network.edges[0].tolist(), t_us + random.choice([900, 1_800]) * SECOND_US
    turns, changes = random.choice([0, 0.1, 0.3]), random.choice([0, 0.1, 0.3])
    edge, at_mm, is_down = random.choice(leaving), 0.0, True
    speed_mmps = _speed(random, hurries if is_down else 1)
    while t_us < until_us:
        length_mm = int(network.length_mm[edge // 2])
        what = random.random()
        is_short = what < turns + changes
        to_mm = random.uniform(at_mm, length_mm) if is_short else length_mm
        end_us = t_us + max(round((to_mm - at_mm) / speed_mmps * SECOND_US), 1)
        ends_mm = (length_mm - at_mm, length_mm - to_mm) if edge % 2 else (at_mm, to_mm)
        yield Leg(t_us, end_us, edge // 2, *ends_mm, is_down, speed_mmps)
        t_us, at_mm = end_us, to_mm
        if what < turns and not network.is_oneway[edge // 2]:
            edge, at_mm = edge ^ 1, length_mm - at_mm
        elif is_short:
            stop_us = random.choice([0, 10, 60, 200]) * SECOND_US
            if stop_us:
                yield Leg(t_us, t_us + stop_us, edge // 2, ends_mm[1], ends_mm[1], is_down, 0)
            t_us, is_down = t_us + stop_us, random.random() < 0.7
            speed_mmps = _speed(random, hurries if is_down else 1)
        else:
            onward = leaving[start[heads[edge]] : start[heads[edge] + 1]]
            if not onward:
                return
            onward = [one for one in onward if one != edge ^ 1] or onward
            edge, at_mm = random.choice(onward), 0.0


def _speed(random: Random, hurries: float) -> int:
    """As the terms want work to be, or too fast for it."""
    return random.randint(4_500, 12_000) if random.random() < hurries else random.randint(600, 3_300)


def _said(
    random: Random, network: Network, legs: list[Leg], steps_s: tuple[int, int], *, is_speed_said: bool
) -> Iterator[Told]:
    step_s, every_s = steps_s
    accuracy_m, reach, error = random.choice([3, 5, 12]), random.choice([1, 2]), _Error(random)
    silences = [
        (from_us, from_us + random.randint(max(MAX_GAP_S, every_s) + 1, 400) * SECOND_US)
        for from_us in (random.randint(legs[0].start_us, legs[-1].end_us) for _ in range(random.choice([0, 0, 2])))
    ]
    next_us, before = 0, (False, -1)
    for leg in legs:
        next_us = leg.start_us if (leg.is_down, leg.speed_mmps) != before else next_us
        before = (leg.is_down, leg.speed_mmps)
        while next_us < leg.end_us:
            if not any(from_us <= next_us < until_us for from_us, until_us in silences):
                away_m = error.at(next_us, accuracy_m * reach)
                speed = (("speed_mmps", leg.speed_mmps),) if is_speed_said else ()
                numbers = (("accuracy_mm", 1_000 * accuracy_m), ("inputs", int(leg.is_down)), *speed)
                yield Told(next_us, (), (*_place(network, leg, next_us, away_m), *numbers))
            next_us += step_s * SECOND_US


def _place(network: Network, leg: Leg, t_us: int, away_m: tuple[float, float]) -> tuple[tuple[str, int], ...]:
    own = network.vertex_segment == leg.segment
    x_mm, y_mm, measure_mm = (column[own] for column in network.vertices)
    at = [float(np.interp(leg.at_mm(t_us), measure_mm, column)) / 1_000 for column in (x_mm, y_mm)]
    east_m, north_m = (there + away for there, away in zip(at, away_m, strict=True))
    # The plane is true to two in a thousand of these metres.
    east_e7, north_e7 = network.origin_e7
    return ("longitude_e7", east_e7 + round(east_m * _EAST_E7)), (
        "latitude_e7",
        north_e7 + round(north_m * _NORTH_E7),
    )


# Of a metre at the equator, by the radii of the ellipsoid there.
_EAST_E7, _NORTH_E7 = 89.8315, 90.4369


class _Error:
    """A receiver's error: the same all night, drifting, or anew at each fix."""

    def __init__(self, random: Random) -> None:
        self._random, self._kind = random, random.choice(["same", "drift", "anew", "edge"])
        self._turn, self._drift, self._last_us = random.uniform(0, 2 * pi), (0.0, 0.0), 0

    def at(self, t_us: int, limit_m: float) -> tuple[float, float]:
        """Err at an instant, to the east and north, by less than a limit."""
        if self._kind in {"same", "edge"}:
            turn = self._turn if self._kind == "same" else self._random.uniform(0, 2 * pi)
            return 0.99 * limit_m * cos(turn), 0.99 * limit_m * sin(turn)
        kept = exp((self._last_us - t_us) / SECOND_US / 60) if self._kind == "drift" else 0.0
        fresh_m = limit_m / 2 * sqrt(1 - kept * kept)
        east_m, north_m = (kept * one + self._random.gauss(0, fresh_m) for one in self._drift)
        shrink = min(1.0, 0.99 * limit_m / max(hypot(east_m, north_m), 1e-9))
        self._drift, self._last_us = (east_m * shrink, north_m * shrink), t_us
        return self._drift
