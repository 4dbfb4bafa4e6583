"""`docs/real-data.md`: its numbers of Jersey City and São Paulo are counted again; Wyndham's in `tests/real`."""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rules import traversals
from rules.places import read_network
from tests.docs.pages import page
from tests.house.sources import ROOT
from tests.real import jersey_city, sao_paulo
from tests.real.jersey_city import Key, Line

DATA = ROOT.parent / "shared" / "data"
ARCHIVE = DATA / "jersey_city_trucks" / "polls_first_12h.tar.xz"
LINKS = DATA / "map_matching_alpha"
# Without the breaks of its lines, which fall anywhere.
PAGE = " ".join(page("real-data.md").split())
DAY = timedelta(days=1)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the sibling folder shared/data is not there")


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return jersey_city.read(ARCHIVE)


def test_pictures_when_named() -> None:
    names = {"calendar.svg", "months.svg", "jersey-city.svg", "sao-paulo.svg"}
    assert all(f"](real-data/{name})" in PAGE for name in names)
    assert names == {path.name for path in Path(ROOT / "docs" / "real-data").glob("*.svg")}


def test_counts_when_counted_again(lines: list[Line]) -> None:
    became = jersey_city.outcomes(lines)
    rows = {
        f"in the {len({line.polled for line in lines})} files": len(lines),
        "distinct lines": len({line.text for line in lines}),
        "distinct (unit, time): accepted": became["accepted"],
        "same unit and time, another position: conflicts": became["conflict"],
        "said before, word for word: duplicates": became["duplicate"],
        "rejected": 0,
    }
    assert [] == [said for said in (f"| {name} | {n:,} |" for name, n in rows.items()) if said not in PAGE]


def test_clocks_when_compared_again(lines: list[Line]) -> None:
    first = _first(lines)
    by_hour = Counter(line.wall_clock.hour for line in first.values() if _is_of_the_day(line))
    assert f"{by_hour[6]} new positions come between 6 and 7" in PAGE
    assert f"{by_hour[7]} between 7 and 8 and {by_hour[8]} between 8 and 9" in PAGE
    newest: dict[datetime, timedelta] = {}
    for line in lines:
        ahead = line.polled.replace(tzinfo=None) - line.wall_clock
        newest[line.polled] = min(ahead, newest.get(line.polled, ahead))
    ahead = sorted(newest.values())
    assert f"never less than {_spoken(ahead[0])}, in half of the polls not more than" in PAGE
    assert f"not more than {_spoken(ahead[len(ahead) // 2])}, in" in PAGE
    assert f"in {sum(one <= timedelta(hours=5, minutes=5) for one in ahead)} not more than 5 h 5 min" in PAGE
    began = min(line.polled for line in lines)
    fresh = [line.polled - key[1] < timedelta(minutes=2) for key, line in first.items() if line.polled != began]
    assert (
        f"Of the {len(fresh):,} positions that appear after the first poll, {sum(fresh):,} are less than two" in PAGE
    )


def test_stale_when_counted_again(lines: list[Line]) -> None:
    last = max(line.polled for line in lines)
    newest: dict[str, timedelta] = {}
    for line in lines:
        newest[line.key[0]] = min(last - line.key[1], newest.get(line.key[0], last - line.key[1]))
    ages, stale = sorted(newest.values()), jersey_city.stale(lines)
    assert f"reports {len(stale)} of the {len(ages)} units as `device_stale`" in PAGE
    edges = {
        "less than 24 hours": (0, 1), "1 to 7 days": (1, 7), "7 to 30 days": (7, 30), "30 to 180 days": (30, 180),
        "180 to 365 days": (180, 365), "more than a year": (365, 10_000),
    }  # fmt: skip
    for name, (low, high) in edges.items():
        assert f"| {name} | {sum(low * DAY <= age < high * DAY for age in ages)} |" in PAGE
    assert not [age for age in ages if timedelta(hours=22.4) < age < timedelta(hours=40)]


def test_contradictions_when_counted_again(lines: list[Line]) -> None:
    said = {key: len(places) for key, places in jersey_city.contents(lines).items() if len(places) > 1}
    several = Counter(said.values())
    assert f"In {len(said)} pairs of unit and time, of {len({unit for unit, _ in said})} units" in PAGE
    assert f"two positions {several[2]} times, three {several[3]} times, nine once" in PAGE
    assert {2, 3, 9} == several.keys()


def test_paths_when_matched_again() -> None:
    network = read_network(sao_paulo.segments(LINKS), [])
    assert network is not None
    assert f"{len(network.segment_ids)} links of São Paulo's streets" in PAGE
    sure: list[int] = []
    driven: list[int] = []
    for log in sao_paulo.logs(LINKS):
        found = traversals.traverse(network, sao_paulo.fixes(log), sao_paulo.MAX_GAP_US)
        length_mm = (found.to_mm - found.from_mm).astype(np.int64)
        sure.append(int(length_mm[found.is_certain].sum()))
        driven.append(int(length_mm.sum()))
    assert f"good to {sao_paulo.ACCURACY_M} m" in PAGE
    # "About a fifth of what was driven is certain, and none of log 4."
    assert sum(driven) * 3 / 20 < sum(sure) < sum(driven) / 4
    assert 0 == sure[4]


def _first(lines: list[Line]) -> dict[Key, Line]:
    """Give the line with which each unit and time appears."""
    return {line.key: line for line in reversed(lines)}


def _is_of_the_day(line: Line) -> bool:
    return line.wall_clock.date() == date(2015, 12, 10)


def _spoken(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    return f"{minutes // 60} h {minutes % 60} min {seconds} s"
