"""Clocks: held against days counted one by one with another calendar, over nights of the change and year ends."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import SECOND_US
from rules.days import WEEKDAYS
from rules.errors import CalculationError
from rules.process.clocks import Days, Pause, days_of, deadline, deemed_us
from rules.process.terms import Channel, Clock, ClockName, DayKind
from tests.rules.contracts import SANTIAGO, zone_info, zone_of

_ZONES = (SANTIAGO, "America/Sao_Paulo", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_H_US = 3_600 * SECOND_US
_WORKING = ("mon", "tue", "wed", "thu", "fri")


def _days(
    zone: str = SANTIAGO, weekdays: tuple[str, ...] = _WORKING, holidays: frozenset[date] = frozenset()
) -> Days:
    kind = DayKind.model_validate({"id": "working", "weekdays": weekdays, "holidays": "list", "clause": "1"})
    return days_of(zone_of(zone), [kind], {"list": holidays})


def _clock(length: int = 1, **more: object) -> Clock:
    said = {"length": length, "day_kind": "working", "runs_from": "fact", "clause": "2", **more}
    return Clock.model_validate(said)


def _us(zone: str, local: datetime) -> int:
    """Instant of a wall clock by the standard library, its first reading where there are two."""
    return (local.replace(tzinfo=zone_info(zone)).astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _end(days: Days, clock: Clock, since_us: int, *pauses: Pause) -> int:
    return deadline(days, ClockName.DEFENCE, clock, since_us, pauses).until_us


def _local(first: str, days: int) -> st.SearchStrategy[datetime]:
    """Draw wall clocks from a day on, by the minute."""
    minutes = st.integers(0, days * 1_440)
    return minutes.map(lambda minute: datetime.fromisoformat(first) + timedelta(minutes=minute))


_SPANS = st.tuples(st.integers(0, 60), st.integers(1, 10))


@given(
    zone=st.sampled_from(_ZONES),
    start=_local("2020-01-01", 3_650),
    length=st.integers(1, 60),
    weekdays=st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(tuple),
    free=st.sets(st.integers(0, 80), max_size=20),
    stops=st.lists(_SPANS, max_size=3),
)
def test_deadline_when_days_are_counted_one_by_one(
    zone: str,
    start: datetime,
    length: int,
    weekdays: tuple[str, ...],
    free: set[int],
    stops: list[tuple[int, int]],
) -> None:
    since_us = _us(zone, start)
    first = (_EPOCH + timedelta(microseconds=since_us)).astimezone(zone_info(zone)).date()
    holidays = frozenset(first + timedelta(days=one) for one in free)
    stopped = {first + timedelta(days=day) for begin, count in stops for day in range(begin, begin + count)}
    pauses = [
        Pause(
            "strike",
            _us(zone, datetime.combine(first + timedelta(days=begin), time(12))),
            _us(zone, datetime.combine(first + timedelta(days=begin + count - 1), time(13))),
        )
        for begin, count in stops
    ]
    found = deadline(
        _days(zone, weekdays, holidays), ClockName.DEFENCE, _clock(length, pauses=["strike"]), since_us, pauses
    )

    day, left = first, length
    while left:
        day += timedelta(days=1)
        left -= day.strftime("%a").lower() in weekdays and day not in holidays | stopped
    assert day.isoformat() == found.last_day
    assert _us(zone, datetime.combine(day + timedelta(days=1), time(0))) == found.until_us
    assert (day - first).days == length + len(found.skipped)


@given(start=_local("2024-01-01", 1_460), length=st.integers(1, 30))
def test_deadline_never_comes_earlier_when_it_starts_later_or_holidays_are_added(
    start: datetime, length: int
) -> None:
    since_us = _us(SANTIAGO, start)
    plain = _end(_days(), _clock(length), since_us)
    assert plain <= _end(_days(), _clock(length), since_us + 5 * _H_US)
    assert plain <= _end(_days(holidays=frozenset({start.date() + timedelta(days=2)})), _clock(length), since_us)
    assert since_us < plain


@pytest.mark.parametrize(
    ("since", "until"),
    [
        # Saturday to Sunday 5 to 6 September 2026: midnight becomes one o'clock, and the day has 23 hours.
        ("2026-09-05T10:00", "2026-09-07T00:00"),
        ("2026-04-03T10:00", "2026-04-05T00:00"),
        ("2026-04-04T23:30", "2026-04-06T00:00"),
    ],
)
def test_deadline_when_the_clocks_change_in_the_night(since: str, until: str) -> None:
    days, clock = _days(weekdays=WEEKDAYS), _clock()
    expected = _us(SANTIAGO, datetime.fromisoformat(until))
    assert expected == _end(days, clock, _us(SANTIAGO, datetime.fromisoformat(since)))


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-10-01T09:00", "2026-10-02T18:00"),
        ("2026-10-02T19:00", "2026-10-05T18:00"),
        ("2026-12-31T23:59", "2027-01-04T18:00"),
    ],
)
def test_next_day_at_six_when_counted(since: str, until: str) -> None:
    days = _days(holidays=frozenset({date(2027, 1, 1)}))
    found = _end(days, _clock(ends_at=time(18)), _us(SANTIAGO, datetime.fromisoformat(since)))
    assert _us(SANTIAGO, datetime.fromisoformat(until)) == found


def test_pause_counts_only_when_the_clock_names_its_code() -> None:
    since_us = _us(SANTIAGO, datetime.fromisoformat("2026-10-05T09:00"))
    pause = Pause("strike", since_us, since_us + 72 * _H_US)
    without = _end(_days(), _clock(3), since_us)
    assert without == _end(_days(), _clock(3), since_us, pause)
    assert without < _end(_days(), _clock(3, pauses=["strike"]), since_us, pause)


def test_length_when_it_changes_with_a_date() -> None:
    length = [{"value": 5}, {"value": 10, "from": date(2026, 10, 1), "clause": "A1", "origin": "amendment"}]
    clock = Clock.model_validate({"length": length, "day_kind": "working", "runs_from": "fact", "clause": "2"})
    before = deadline(_days(), ClockName.DEFENCE, clock, _us(SANTIAGO, datetime.fromisoformat("2026-09-30T12:00")))
    after = deadline(_days(), ClockName.DEFENCE, clock, _us(SANTIAGO, datetime.fromisoformat("2026-10-01T12:00")))
    assert [(5, "2"), (10, "A1")] == [(one.length, one.clause) for one in (before, after)]


def test_deadline_is_an_error_when_its_days_never_come() -> None:
    every = frozenset(date(2026, 1, 1) + timedelta(days=one) for one in range(25 * 366))
    with pytest.raises(CalculationError, match="never come"):
        _end(_days(holidays=every), _clock(), _us(SANTIAGO, datetime.fromisoformat("2026-10-01")))


@pytest.mark.parametrize(
    ("rule", "sent", "deemed"),
    [
        ({"after": "PT24H"}, "2026-10-05T12:00", "2026-10-06T12:00"),
        # Twenty-four hours over the night that lacks one.
        ({"after": "PT24H"}, "2026-09-05T12:00", "2026-09-06T13:00"),
        ({"length": 3, "day_kind": "working"}, "2026-10-01T12:00", "2026-10-06T00:00"),
        ({"length": 1, "day_kind": "working"}, "2026-10-02T12:00", "2026-10-05T00:00"),
    ],
)
def test_deemed_when_sent(rule: dict[str, object], sent: str, deemed: str) -> None:
    channel = Channel.model_validate({"id": "a", "deemed": rule, "clause": "3"})
    found = deemed_us(_days(), channel, _us(SANTIAGO, datetime.fromisoformat(sent)))
    assert _us(SANTIAGO, datetime.fromisoformat(deemed)) == found
