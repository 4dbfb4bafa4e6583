"""The city's file judged a second time: plain Python from its rows alone, sharing nothing with the product.

One row a day leaves few cases, so each is written out in days instead of intervals: on a day a bin is surely full
(every row at its threshold), surely not, or neither (rows disagree, or there is none).
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

# The terms, as their text says them.
LIMIT_S = 2 * 86_400
LOOK_BACK_S = 14 * 86_400
PRICE, CAP = 15, 990
END = date(2020, 7, 1)

_PLACE = ZoneInfo("Australia/Melbourne")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of one bin on one day; durations in seconds."""

    verdict: str
    proven_s: int
    possible_s: int
    has_row: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin's threshold and the fills that its rows say, by day."""

    threshold: int
    fills: dict[date, list[int]]

    @property
    def first_day(self) -> date:
        """Day of the bin's first row, from which the register lets it stand there."""
        return min(self.fills)

    def is_full(self, day: date) -> bool:
        """Whether every row of the day is at the threshold or above."""
        return day in self.fills and min(self.fills[day]) >= self.threshold

    def is_not_full(self, day: date) -> bool:
        """Whether every row of the day is below the threshold."""
        return day in self.fills and max(self.fills[day]) < self.threshold


def read(file: Path) -> dict[str, Bin]:
    """Read the file."""
    thresholds: dict[str, int] = {}
    fills: defaultdict[str, dict[date, list[int]]] = defaultdict(dict)
    with file.open(newline="") as stream:
        for row in csv.DictReader(stream):
            day, month, year = map(int, row["timestamp"].split("-"))
            thresholds[row["Bin ID"]] = int(row["fullnessThreshold"])
            fills[row["Bin ID"]].setdefault(date(year, month, day), []).append(int(row["Fullness"]))
    return {name: Bin(threshold, fills[name]) for name, threshold in thresholds.items()}


def judge(bins: dict[str, Bin]) -> Iterator[tuple[str, date, Judged]]:
    """Judge every bin on every day since its first row."""
    for name, one in bins.items():
        day = one.first_day
        while day < END:
            yield name, day, _judged(one, day)
            day += _DAY


def _judged(one: Bin, day: date) -> Judged:
    proven_s, possible_s, has_row = _proven_s(one, day), _possible_s(one, day), day in one.fills
    if has_row and possible_s <= LIMIT_S:
        verdict = "met"
    else:
        verdict = "not_met" if has_row and proven_s > LIMIT_S else "inconclusive"
    return Judged(verdict, proven_s, possible_s, has_row)


def _proven_s(one: Bin, day: date) -> int:
    """From the first of the full days in a row until noon, or until midnight where the next day is full too."""
    if not one.is_full(day):
        return 0
    first = day
    while one.is_full(first - _DAY):
        first -= _DAY
    until = _midnight(day + _DAY) if one.is_full(day + _DAY) else _noon(day)
    return until - max(_noon(first), _reach(one, day))


def _possible_s(one: Bin, day: date) -> int:
    """From the last row that was not full to the next; between two such rows of neighbouring days, nothing."""
    last = day - _DAY
    while _noon(last) > _reach(one, day) and not one.is_not_full(last):
        last -= _DAY
    since = max(_noon(last), _reach(one, day))
    if not one.is_not_full(day):
        return _midnight(day + _DAY) - since
    before = 0 if one.is_not_full(day - _DAY) else _noon(day) - since
    after = 0 if one.is_not_full(day + _DAY) else _midnight(day + _DAY) - _noon(day)
    return max(before, after)


def _reach(one: Bin, day: date) -> int:
    """From where a run may carry in; not from before the bin stood there."""
    return max(_midnight(day + _DAY) - LOOK_BACK_S, _midnight(one.first_day))


@cache
def _noon(day: date) -> int:
    return int(datetime.combine(day, time(12), _PLACE).timestamp())


@cache
def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(0), _PLACE).timestamp())
