"""A city's month, from columns in memory to the measures of all determinations: containers, then sweepers."""

import resource
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels import coverage
from rules.assets import Asset, Installation, Register
from rules.causes import Presence
from rules.shifts import Field, shift_of
from rules.standards.judging import Facts
from rules.standards.months import Measures, measures
from rules.sweeps import Pieces, Work
from rules.windows import standard_windows
from sensors.columns import Columns
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.readings import NOT_SAID, Kind
from tests.benchmarks.kernel.contest import Bar, Contest, Runner, Setup, forked, timed
from tests.benchmarks.kernel.field import DAY_US, FIRST_US, QUARTER_US, SECOND_US, city, drive, levels
from tests.rules.contracts import contract_table, full_standard, terms_of

_CONTAINERS, _SWEEPERS, _DAYS = 10_000, 300, 30
# One container in so many is silent for six hours once in the month.
_SILENT_ONE_IN, _SILENT_QUARTERS = 20, 24
_SEGMENTS = 20_000
_SHIFT_FIXES, _STEP_S = 2_880, 10
_WORK: Final = Work(300, 6_000, 20_000, 30 * SECOND_US, 120 * SECOND_US)
_GPS_MM = 7_500
_MONTH_MAX_S = 60.0

Readings = dict[tuple[str, str, str], Columns]


def _register(names: Sequence[str], zone: str, asset_class: str) -> Register:
    """Let one device hang at each asset, all along."""
    ever = (0, 2**62)
    assets = [Asset(name, zone, asset_class, *ever) for name in names]
    hung = [Installation("net", f"d-{name}", name, *ever, 1_100, 100, 900_000, "ana", "luis") for name in names]
    return Register(tuple(assets), tuple(hung))


def _laid(kind: Kind, t_us: NDArray[np.int64], said: dict[str, NDArray[np.int32]]) -> Columns:
    """Lay readings into columns, with every quantity of their kind, as storage gives them."""
    numbers = {one.name: said.get(one.name, np.full(t_us.size, NOT_SAID, np.int32)) for one in kind.quantities}
    whole, clock = np.zeros(t_us.size, np.int64), np.zeros(t_us.size, np.int16)
    return Columns(kind, whole, t_us, whole.copy(), clock, numbers, {}, np.zeros(t_us.size, "V16"))


def container_facts(containers: int) -> Facts:
    """Let containers speak each quarter of an hour over a month and two days around it."""
    samples = 96 * (_DAYS + 2)
    seen = levels(containers, samples)
    kept = np.ones(seen.t_us.size, np.bool_)
    for number in range(0, containers, _SILENT_ONE_IN):
        begin = number * samples + 96 + number * 7 % (96 * _DAYS)
        kept[begin : begin + _SILENT_QUARTERS] = False
    distance_mm = (1_100 - seen.fill_ppm[kept] // 1_000).astype(np.int32)
    whole = _laid(FILL_LEVEL, seen.t_us[kept] - DAY_US, {"distance_mm": distance_mm})
    ends = np.concatenate(([0], np.cumsum(kept)))[seen.starts]
    names = [f"C-{number:05}" for number in range(containers)]
    register = _register(names, "VP-01", "container_1100l")
    readings = {
        (FILL_LEVEL.name, "net", f"d-{name}"): whole.rows(slice(ends[k], ends[k + 1])) for k, name in enumerate(names)
    }
    standard = full_standard(tolerance={"signal_error": "0.02", "bound": "favour_contractor"})
    return Facts(terms_of(contract_table(standard)), register, readings, Presence(register, readings))


def containers_part(facts: Facts, number: int, parts: int) -> Measures:
    """Measure one of so many parts of all containers in all windows of September."""
    (standard,) = facts.terms.file.standard
    windows = list(standard_windows(facts.terms, standard, (date(2026, 9, 1), date(2026, 10, 1))))
    assets = facts.register.assets
    first, last = (len(assets) * k // parts for k in (number, number + 1))
    return measures(facts, standard, windows, assets[first:last])


def sweeper_field(sweepers: int, days: int) -> Field:
    """Let sweepers drive eight hours a day, a fix each ten seconds, the broom down."""
    network = city(_SEGMENTS)
    names = [f"S-{number:03}" for number in range(sweepers)]
    readings: Readings = {}
    for number, name in enumerate(names):
        shifts = [drive(network, number * 100 + day, _SHIFT_FIXES, _STEP_S, speed_mps=2.0) for day in range(days)]
        said = {
            "latitude_e7": np.concatenate([one.lat_e7 for one in shifts]),
            "longitude_e7": np.concatenate([one.lon_e7 for one in shifts]),
            "accuracy_mm": np.concatenate([one.accuracy_mm for one in shifts]),
            "inputs": np.ones(days * _SHIFT_FIXES, np.int32),
        }
        t_us = np.concatenate([one.t_us + day * DAY_US for day, one in enumerate(shifts)])
        readings[POSITION_FIX.name, "net", f"d-{name}"] = _laid(POSITION_FIX, t_us, said)
    register = _register(names, "", "sweeper")
    hung = [replace(one, working_input=1) for one in register.installations]
    register = Register(register.assets, tuple(hung))
    return Field(network, register, readings, Presence(register, readings))


def sweepers_part(field: Field, days: int, number: int, parts: int) -> list[tuple[int, int]]:
    """Measure what each of one of so many parts of the sweepers swept in all shifts; millimetres, least and most."""
    window_us = [(FIRST_US + day * DAY_US, FIRST_US + day * DAY_US + 32 * QUARTER_US) for day in range(days)]

    def one(asset: Asset) -> tuple[int, int]:
        own = Register((asset,), tuple(one for one in field.register.installations if one.asset == asset.asset))
        mine = Field(field.network, own, field.readings, field.presence)
        sweeps = [shift_of(mine, asset, window, _WORK, _GPS_MM).sweep for window in window_us]
        return sum(_united_mm(field, one.proven) for one in sweeps), sum(
            _united_mm(field, one.possible) for one in sweeps
        )

    return [one(asset) for asset in field.register.assets[number::parts]]


def _united_mm(field: Field, pieces: Pieces) -> int:
    ends_mm = (pieces.from_mm, pieces.until_mm)
    return int(coverage.covered(pieces.segment, ends_mm, len(field.network.segment_ids)).sum())


@contextmanager
def containers(setup: Setup) -> Generator[Contest]:
    """Measure a month of all containers: 10,000, each 15 min."""
    count = setup.of(_CONTAINERS)
    facts = container_facts(count)
    readings = sum(len(one) for one in facts.readings.values())
    runners = _by_parts(lambda number, parts: containers_part(facts, number, parts))
    amounts = dict.fromkeys(runners, readings)
    told = (
        f"{count:,} containers, {count * _DAYS:,} measures with all bounds and completeness; one container in "
        f"{_SILENT_ONE_IN} silent for six hours."
    )
    bars = [Bar("2 processes", "", 28_800_000 / _MONTH_MAX_S)]
    yield Contest("City-month, containers", "readings", amounts, runners, bars, [told, _memory])


@contextmanager
def sweepers(setup: Setup) -> Generator[Contest]:
    """Measure a month of all sweepers: 300, eight hours a day, each 10 s."""
    count, days = setup.of(_SWEEPERS, 2), min(_DAYS, setup.of(_DAYS, 1))
    field = sweeper_field(count, days)
    runners = _by_parts(lambda number, parts: sweepers_part(field, days, number, parts))
    amounts = dict.fromkeys(runners, count * days * _SHIFT_FIXES)
    told = [f"{count} sweepers, {days} days.", _memory]
    bars = [Bar("2 processes", "", 26_000_000 / _MONTH_MAX_S)]
    yield Contest("City-month, sweepers", "fixes", amounts, runners, bars, told)


def _by_parts(work: Callable[[int, int], object]) -> dict[str, Runner]:
    """Make runners of work that may be done in parts: in one, in two threads, and in two processes."""

    def threaded() -> list[object]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(work, (0, 1), (2, 2)))

    return {
        "1 thread": timed(lambda: work(0, 1)),
        "2 threads": timed(threaded),
        "2 processes": timed(forked(lambda number: work(number, 2), 2)),
    }


def _memory() -> str:
    """Say how much was in memory; what was there before a process was forked counts once."""
    whole, forked_gb = (
        resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return f"Peak memory: {whole:.1f} GB, and of the larger of two forked processes {forked_gb:.1f} GB."
