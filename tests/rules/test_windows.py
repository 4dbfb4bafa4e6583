"""Windows go by holidays and by the states of a market, each day by the calendar of its version."""

from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.assess import opportunities
from rules.calendar import Window
from rules.contract import Terms
from rules.lint_windows import holidays_ended
from rules.load import load_terms
from rules.records import FindingCode
from rules.windows import daily_windows, standard_windows
from tests.rules.contracts import (
    HOUR_US,
    SANTIAGO,
    contract_table,
    folder,
    full_standard,
    register_of,
    utc_us,
    zone_of,
)

CALENDAR = """
[[holidays]]
id = "chile"
source = "Diario Oficial"
published = 2026-01-02
days = [2026-09-18, 2026-09-19, 2027-01-01, 2028-01-01]

[[market]]
id = "vega"
source = "ordinance"
published = 2026-07-01
hours = [
    { state = "selling", days = ["mon", "tue", "wed", "thu", "fri"], start = 06:00:00, end = 14:00:00 },
    { state = "closing", days = ["mon", "tue", "wed", "thu", "fri"], start = 14:00:00, end = 16:00:00 },
    { state = "closed", days = ["fri"], start = 20:00:00, end = 05:00:00 },
]

  [[market.exception]]
  days = [2026-09-17]
  source = "decree 1432"
  published = 2026-08-20
  hours = [{ state = "selling", start = 06:00:00, end = 22:00:00 }]

  [[market.exception]]
  days = [2026-09-18]
  source = "decree 1432"
  published = 2026-08-20
  hours = []
"""
OWN: dict[str, Any] = {"start": time(6), "end": time(22), "days": "daily"}
SEPTEMBER = (date(2026, 9, 1), date(2026, 10, 1))


def terms(calendar: str = CALENDAR, **window: Any) -> Terms:
    standard = full_standard(window={**window, "dst": "elapsed"})
    standard["target"] = {"op": "<=", "value": "PT1H"}
    return load_terms({**folder(contract_table(standard)), "calendar.toml": calendar}, zone_of(SANTIAGO))


def laid(found: Terms, days: tuple[date, date] = SEPTEMBER) -> list[Window]:
    return daily_windows(found, found.file.standard[0], days)


def test_days_are_left_out_when_they_are_holidays() -> None:
    found = laid(terms(**OWN, holidays={"list": "chile", "on": "skip"}))
    assert set(range(1, 31)) - {18, 19} == {one.day.day for one in found}


def test_days_are_holidays_alone_when_a_standard_holds_on_them_only() -> None:
    assert [18, 19] == [one.day.day for one in laid(terms(**OWN, holidays={"list": "chile", "on": "only"}))]


def test_hours_are_those_of_the_state_when_a_market_has_its_own() -> None:
    found = {one.day.day: one for one in laid(terms(state={"list": "vega", "state": "selling"}))}
    assert {n for n in range(1, 31) if date(2026, 9, n).weekday() < 5} - {18} == set(found)
    assert utc_us("2026-09-16T06:00-03:00") == found[16].start_us
    assert [8, 16] == [(found[day].end_us - found[day].start_us) // HOUR_US for day in (16, 17)]


def test_night_belongs_to_the_day_it_starts_when_a_state_runs_over_midnight() -> None:
    found = laid(terms(state={"list": "vega", "state": "closed"}))
    assert [4, 11, 25] == [one.day.day for one in found]
    assert utc_us("2026-09-12T05:00-03:00") == found[1].end_us


def test_month_runs_from_its_first_window_to_its_last_when_a_state_has_a_span() -> None:
    found = terms(state={"list": "vega", "state": "closing"})
    every = laid(found)
    standard = found.file.standard[0].model_copy(
        update={"window": found.file.standard[0].window.model_copy(update={"span": "month"})}
    )
    (whole,) = standard_windows(found, standard, SEPTEMBER)
    assert (every[0].start_us, every[-1].end_us) == (whole.start_us, whole.end_us)


def test_checks_are_foreseen_on_market_days_alone_when_terms_go_by_a_market() -> None:
    found = terms(state={"list": "vega", "state": "selling"})
    assert 2 * len(laid(found)) == len(opportunities(found, register_of(found), SEPTEMBER))


def test_version_is_another_one_when_a_holiday_is_declared_late() -> None:
    late = CALENDAR.replace("2026-09-19,", "2026-09-19, 2026-09-21,")
    before, after = (terms(text, **OWN, holidays={"list": "chile", "on": "skip"}) for text in (CALENDAR, late))
    assert before.digest != after.digest
    assert {21} == {one.day.day for one in laid(before)} - {one.day.day for one in laid(after)}


@given(st.dates(date(2026, 8, 1), date(2028, 7, 30)), st.integers(1, 60))
def test_skip_and_only_share_all_days_when_a_list_is_any(first: date, count: int) -> None:
    days = (first, date.fromordinal(first.toordinal() + count))
    parts = [laid(_BY[on], days) for on in ("skip", "only")]
    assert laid(_BY["none"], days) == sorted((one for part in parts for one in part), key=lambda one: one.start_us)


_BY = {
    "none": terms(**OWN),
    **{on: terms(**OWN, holidays={"list": "chile", "on": on}) for on in ("skip", "only")},
}


@pytest.mark.parametrize(
    ("days", "missing"), [("2026-09-18, 2027-01-01, 2028-01-01", []), ("2026-09-18", ["2027, 2028"])]
)
def test_year_without_holidays_is_asked_about_when_terms_run_on(days: str, missing: list[str]) -> None:
    calendar = CALENDAR.replace("2026-09-18, 2026-09-19, 2027-01-01, 2028-01-01", days)
    found = list(holidays_ended(terms(calendar, **OWN, holidays={"list": "chile", "on": "skip"})))
    assert missing == [one.value for one in found]
    assert all(one.code == FindingCode.HOLIDAYS_MISSING for one in found)
