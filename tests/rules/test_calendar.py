"""Local time against zoneinfo, whose own code is another; windows, months, durations."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import (
    DAY_US,
    SECOND_US,
    Window,
    duration_us,
    each_day,
    month_days,
    month_of,
    previous_month,
    window_on,
)
from tests.rules.contracts import HOUR_US, SANTIAGO, utc_us, zone_info, zone_of

NAMES = (SANTIAGO, "America/Sao_Paulo", "Europe/Madrid", "Europe/London", "Australia/Lord_Howe", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
walls = st.datetimes(datetime(1996, 1, 1), datetime(2036, 1, 1))  # noqa: DTZ001  # wall clocks
# Minutes around midnight of the days on which Chile, Brazil and Europe change their clocks, and any others.
changes = st.sampled_from([(2026, 4, 4), (2026, 9, 5), (2018, 11, 3), (2018, 2, 17), (2026, 3, 28), (2026, 10, 24)])


def instant_of(name: str, wall: datetime) -> int:
    aware = wall.replace(tzinfo=zone_info(name), fold=0)
    return (aware.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


@given(st.sampled_from(NAMES), walls)
def test_instant_is_that_of_zoneinfo_when_the_wall_clock_is_any(name: str, wall: datetime) -> None:
    assert instant_of(name, wall) == zone_of(name).instant(wall.date(), wall.time())


@given(st.sampled_from(NAMES), changes, st.integers(0, 2 * 86_400))
def test_instant_is_the_first_when_clocks_change(name: str, day: tuple[int, int, int], after_s: int) -> None:
    wall = datetime(*day) + timedelta(seconds=after_s)  # noqa: DTZ001  # a wall clock
    assert instant_of(name, wall) == zone_of(name).instant(wall.date(), wall.time())


@given(st.sampled_from(NAMES), st.integers(820_454_400, 2_082_758_400), st.integers(0, 999_999))
def test_local_is_that_of_zoneinfo_when_the_instant_is_any(name: str, second: int, microsecond: int) -> None:
    aware = EPOCH + timedelta(seconds=second, microseconds=microsecond)
    expected = aware.astimezone(zone_info(name)).replace(tzinfo=None, fold=0)
    assert expected == zone_of(name).local(second * SECOND_US + microsecond)


@given(st.sampled_from(NAMES), st.integers(820_454_400, 2_082_758_400))
def test_instant_comes_back_when_the_clock_shows_it_once(name: str, second: int) -> None:
    zone = zone_of(name)
    wall = zone.local(second * SECOND_US)
    aware = wall.replace(tzinfo=zone_info(name))
    if aware.utcoffset() == aware.replace(fold=1).utcoffset():
        assert second * SECOND_US == zone.instant(wall.date(), wall.time())


def night(day: date) -> Window:
    return window_on(zone_of(SANTIAGO), day, time(22), time(5))


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 9, 4), 7), (date(2026, 9, 5), 6), (date(2026, 9, 6), 7), (date(2026, 4, 4), 8)],
)
def test_night_has_its_elapsed_hours_when_clocks_change(day: date, hours: int) -> None:
    window = night(day)
    assert hours * HOUR_US == window.end_us - window.start_us
    assert day == window.day


def test_night_starts_and_ends_by_the_wall_clock_when_clocks_go_forward() -> None:
    window = night(date(2026, 9, 5))
    assert utc_us("2026-09-05T22:00-04:00") == window.start_us
    assert utc_us("2026-09-06T05:00-03:00") == window.end_us


def test_window_is_a_whole_day_when_start_equals_end() -> None:
    days = (date(2026, 9, 1), date(2026, 9, 10))
    laid = [window_on(zone_of(SANTIAGO), day, time(0), time(0)) for day in each_day(days)]
    # Midnight of 6 September does not exist in Santiago: the clock jumps from 24:00 to 01:00.
    assert [24] * 5 + [23] + [24] * 3 == [(one.end_us - one.start_us) // HOUR_US for one in laid]
    assert all(one.end_us == after.start_us for one, after in pairwise(laid))


def test_days_are_none_when_they_run_backwards() -> None:
    assert [] == list(each_day((date(2026, 9, 2), date(2026, 9, 1))))


@given(st.dates(date(1996, 1, 1), date(2035, 1, 1)), st.sampled_from(NAMES), st.times(), st.times())
def test_window_never_runs_backwards_when_clocks_are_any(day: date, name: str, start: time, end: time) -> None:
    window = window_on(zone_of(name), day, start, end)
    assert -HOUR_US <= window.end_us - window.start_us <= DAY_US + HOUR_US


@pytest.mark.parametrize(
    ("period", "first", "until"),
    [
        ("2026-09", date(2026, 9, 1), date(2026, 10, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2028-02", date(2028, 2, 1), date(2028, 3, 1)),
    ],
)
def test_month_has_its_days_when_written_well(period: str, first: date, until: date) -> None:
    assert (first, until) == month_days(period)
    assert period == month_of(first)


@pytest.mark.parametrize("period", ["2026-13", "2026-00", "2026-9", "26-09", "2026-09-01", "2026-09 ", "", "0000-01"])
def test_month_is_refused_when_written_badly(period: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        month_days(period)


def test_month_before_is_december_when_it_is_january() -> None:
    assert "2025-12" == previous_month("2026-01")


@given(st.integers(0, 999), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_duration_is_exact_when_written_in_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) // timedelta(microseconds=1)
    assert expected == duration_us(f"P{days}DT{hours}H{minutes}M{seconds}S")


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "4H", "PT4", "PT1.5H", "-PT4H", "P1M", "P1W", "P1Y", "PT4H ", "pt4h", "PT3M4H"]
)
def test_duration_is_refused_when_written_badly(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration_us(text)
