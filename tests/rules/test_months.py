# the expected value stands on the left
"""A month of many containers at once: the numbers that each window has when it is judged by itself."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from rules.assess import assess
from rules.causes import Presence
from rules.standards.judging import Facts
from rules.standards.months import measures
from rules.windows import standard_windows
from tests.rules.contracts import (
    MINUTE_US,
    Said,
    contract_table,
    full_standard,
    readings_of,
    register_of,
    terms_of,
    unemptied_standard,
    utc_us,
)

FIRST, UNTIL = date(2026, 9, 1), date(2026, 9, 7)
FAR_US = utc_us("2030-01-01T00:00+00:00")
HEAD = "source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor\n"
# C-2 gets its sensor on the third day, C-3 has two, C-4 none; C-6 stands there from the fourth day.
INSTALLATIONS = HEAD + "".join(
    f"net,{device},{asset},{since},,1100,100,{full_at},ana,luis\n"
    for device, asset, since, full_at in (
        ("d1", "C-1", "2026-01-01", "0.9"),
        ("d2", "C-2", "2026-09-03", "0.9"),
        ("d3", "C-3", "2026-01-01", "0.8"),
        ("d4", "C-3", "2026-09-02", "0.8"),
        ("d5", "C-5", "2026-01-01", "0.6"),
        ("d6", "C-6", "2026-01-01", "0.7"),
    )
)
ASSETS = "asset,zone,class,valid_from,valid_until\n" + "".join(
    f"C-{k},VP-0{1 + k % 2},container_1100l,{'2026-09-04' if k == 6 else '2026-01-01'},\n" for k in range(1, 7)
)


def said_of(seed: int) -> list[Said]:
    """Each quarter of an hour for eight days, with noise, doubtful readings and silences."""
    random = np.random.default_rng(seed)
    begun_us = utc_us("2026-08-31T00:00-03:00") + int(random.integers(0, 15)) * MINUTE_US
    silent = random.integers(0, 768, 2)
    return [
        Said(
            begun_us + 15 * k * MINUTE_US,
            distance_mm=1_100 - int((seed * 97 + 4 * k) % 1_000) + int(random.integers(-9, 10)),
            quality=254 if random.random() < 0.005 else -(2**31),
        )
        for k in range(768)
        if not any(0 <= k - begin < 20 for begin in silent)
    ]


@pytest.mark.parametrize(
    "measure",
    [
        {},
        {"value": "installation"},
        {"kind": "total_time", "value": "installation"},
        {"across_windows": True, "look_back": "P2D"},
    ],
)
def test_measures_are_those_of_determinations_when_a_city_is_measured_at_once(measure: dict[str, Any]) -> None:
    standard = full_standard(tolerance={"signal_error": "0.02", "bound": "favour_contractor"})
    standard = {**standard, "measure": {**standard["measure"], **measure}}
    terms = terms_of(contract_table(standard, bearer="contractor"), assets=ASSETS, installations=INSTALLATIONS)
    register = register_of(terms, assets=ASSETS, installations=INSTALLATIONS)
    readings = readings_of(**{f"d{k}": said_of(k) for k in range(1, 7)})
    (one,) = terms.file.standard
    judged = assess(terms, register, readings, (FIRST, UNTIL), FAR_US)
    expected = {
        (each.subject, each.window_start_us): (each.proven, each.borne, each.possible, each.received, each.expected)
        for each in judged
    }
    facts = Facts(terms, register, readings, Presence(register, readings))
    windows = list(standard_windows(terms, one, (FIRST, UNTIL)))
    found = measures(facts, one, windows, register.assets)
    rows = zip(found.proven, found.borne, found.possible, found.received, found.expected, strict=True)
    assert expected == {
        (found.assets[asset], windows[int(window)].start_us): tuple(map(int, row))
        for asset, window, row in zip(found.asset, found.window, rows, strict=True)
    }
    assert (UNTIL - FIRST) // timedelta(days=1) * 5 + 3 == len(expected)


def test_measures_are_refused_when_the_standard_measures_something_else() -> None:
    terms = terms_of(contract_table(unemptied_standard()))
    register = register_of(terms)
    facts = Facts(terms, register, {}, Presence(register, {}))
    with pytest.raises(TypeError, match="longest_unemptied is no measure"):
        measures(facts, terms.file.standard[0], [], register.assets)
