"""Making readings: the clock on each side of every limit, receipts, local hours that come twice, what is said."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.kinds.lift import KIND as LIFT
from sensors.kinds.presence import KIND as PRESENCE
from sensors.making import (
    DETAIL_MAX,
    ROLLOVER_US,
    SET_MAX_US,
    SET_MIN_US,
    Fault,
    Times,
    look_at_clock,
    make,
    microseconds,
    receipt,
    refused,
)
from sensors.readings import (
    CLOCK_TOLERANCE_US,
    NO_TIME_US,
    NOT_SAID,
    Clock,
    EventTimeSource,
    Reading,
    Reason,
    Rejection,
    content_digest,
)
from tests.sensors.cases import levels

_WHO = ("city", "bin-1")
_TIME_US = 1_788_645_600_000_000
_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US
_TWO_MINUTES_US = 120 * _SECOND_US
_WEEKS_1024_US = 1_024 * 7 * _DAY_US


def _made(times: Times, *, sequence: int = 0, distance_mm: float = 640) -> Reading:
    made = make(FILL_LEVEL, _WHO, times, {"distance_mm": distance_mm}, sequence=sequence)
    assert isinstance(made, Reading)
    return made


def _clock(device_us: int, network_us: int = NO_TIME_US, sent_us: int = NO_TIME_US) -> Clock:
    return _made(Times(device_us, network_us, sent_us)).clock


def test_limits_are_these_when_the_cases_below_hold() -> None:
    limits = (SET_MIN_US, SET_MAX_US, ROLLOVER_US, CLOCK_TOLERANCE_US)
    set_min, set_max = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    expected = (microseconds(set_min)[0], microseconds(set_max)[0], _WEEKS_1024_US, _TWO_MINUTES_US)
    assert expected == limits


# Clock


@pytest.mark.parametrize(
    ("device_us", "expected"),
    [
        (0, Clock.UNSET),
        (SET_MIN_US - 1, Clock.UNSET),
        (SET_MIN_US, Clock.UNCHECKED),
        (SET_MAX_US - 1, Clock.UNCHECKED),
        (SET_MAX_US, Clock.UNSET),
        (2**32 * _SECOND_US - 1, Clock.UNSET),
    ],
)
def test_clock_is_unset_when_the_device_says_before_2000_or_after_2100(device_us: int, expected: Clock) -> None:
    assert expected is _clock(device_us)
    # Whatever the network says: a clock that starts at 1980 is neither rolled over nor a little off.
    if expected is Clock.UNSET:
        assert {expected} == {_clock(device_us, device_us + off, device_us) for off in (0, ROLLOVER_US, _DAY_US)}


@pytest.mark.parametrize("network_us", [0, SET_MIN_US - 1, SET_MAX_US, 2**32 * _SECOND_US - 1])
def test_clock_is_unchecked_when_only_the_network_says_a_time(network_us: int) -> None:
    reading = _made(Times(NO_TIME_US, network_us))
    expected = (network_us, EventTimeSource.NETWORK, Clock.UNCHECKED)
    assert expected == (reading.event_time_us, reading.event_time_source, reading.clock)


@pytest.mark.parametrize("weeks", [1, 2])
@pytest.mark.parametrize(
    ("off_us", "is_rolled_over"),
    [
        (-_DAY_US - 1, False),
        (-_DAY_US, True),
        (-1, True),
        (0, True),
        (_DAY_US, True),
        (_DAY_US + 1, False),
    ],
)
@pytest.mark.parametrize("is_sent", [True, False])
def test_clock_has_rolled_over_when_it_is_1024_weeks_behind(
    *, weeks: int, off_us: int, is_rolled_over: bool, is_sent: bool
) -> None:
    device_us = SET_MIN_US + _DAY_US
    network_us = device_us + weeks * _WEEKS_1024_US + off_us
    otherwise = Clock.DISAGREES if is_sent else Clock.UNCHECKED
    expected = Clock.ROLLED_OVER if is_rolled_over else otherwise
    assert expected is _clock(device_us, network_us, device_us if is_sent else NO_TIME_US)


@pytest.mark.parametrize("behind_us", [-_WEEKS_1024_US, 3 * _WEEKS_1024_US])
def test_clock_has_not_rolled_over_when_it_is_ahead_or_too_far_behind(behind_us: int) -> None:
    device_us = SET_MIN_US + _DAY_US if behind_us > 0 else _TIME_US
    expected = Clock.UNCHECKED if behind_us > 0 else Clock.DISAGREES
    assert expected is _clock(device_us, device_us + behind_us)


@pytest.mark.parametrize(
    ("network_us", "sent_us", "expected"),
    [
        (NO_TIME_US, NO_TIME_US, Clock.UNCHECKED),
        (NO_TIME_US, -_DAY_US, Clock.UNCHECKED),
        (0, NO_TIME_US, Clock.UNCHECKED),
        (_DAY_US, NO_TIME_US, Clock.UNCHECKED),
        (-_TWO_MINUTES_US, NO_TIME_US, Clock.UNCHECKED),
        (-_TWO_MINUTES_US - 1, NO_TIME_US, Clock.DISAGREES),
        (-_TWO_MINUTES_US - 1, -_TWO_MINUTES_US - 1, Clock.DISAGREES),
        (-_TWO_MINUTES_US, -_TWO_MINUTES_US, Clock.AGREES),
        (0, 0, Clock.AGREES),
        (0, _TWO_MINUTES_US, Clock.AGREES),
        (0, _TWO_MINUTES_US + 1, Clock.DISAGREES),
        (0, -_TWO_MINUTES_US, Clock.AGREES),
        (0, -_TWO_MINUTES_US - 1, Clock.DISAGREES),
        (30 * _DAY_US, 30 * _DAY_US, Clock.AGREES),
        (30 * _DAY_US, 0, Clock.DISAGREES),
    ],
)
def test_clock_is_held_against_the_networks_when_both_speak(network_us: int, sent_us: int, expected: Clock) -> None:
    network_us, sent_us = (one if one == NO_TIME_US else _TIME_US + one for one in (network_us, sent_us))
    assert expected is _clock(_TIME_US, network_us, sent_us)


def test_clock_is_the_worst_that_can_be_said_when_several_can() -> None:
    # Replayed before doubtful before unset before all that the network says.
    found = [
        look_at_clock(Times(at_us, _TIME_US, _TIME_US, is_doubtful=doubtful, is_replayed=replayed), at_us)
        for replayed, doubtful, at_us in product([True, False], [True, False], [0, _TIME_US])
    ]
    assert found == [
        *[Clock.REPLAYED] * 4,
        Clock.DISAGREES,
        Clock.DISAGREES,
        Clock.UNSET,
        Clock.AGREES,
    ]


_SAID_US = st.integers(0, 2**32 * _SECOND_US - 1) | st.just(NO_TIME_US)


@given(
    device_us=_SAID_US, network_us=_SAID_US, sent_us=_SAID_US, is_doubtful=st.booleans(), is_replayed=st.booleans()
)
def test_times_are_kept_as_said_when_they_are_any(
    *, device_us: int, network_us: int, sent_us: int, is_doubtful: bool, is_replayed: bool
) -> None:
    times = Times(device_us, network_us, sent_us, is_doubtful=is_doubtful, is_replayed=is_replayed)
    reading = _made(times)
    assert (device_us, network_us, sent_us) == (reading.device_time_us, reading.network_time_us, reading.sent_time_us)
    ruling = [
        (device_us, EventTimeSource.DEVICE),
        (network_us, EventTimeSource.NETWORK),
        (0, EventTimeSource.RECEIPT),
    ]
    expected = next(one for one in ruling if one[0] != NO_TIME_US)
    assert expected == (reading.event_time_us, reading.event_time_source)


# Event time


@pytest.mark.parametrize("event_us", [-1, 2**32 * _SECOND_US, -(2**62), 2**62])
@pytest.mark.parametrize("by", ["device", "network"])
def test_event_time_is_refused_when_it_is_no_time_of_this_field(event_us: int, by: str) -> None:
    times = Times(event_us, _TIME_US) if by == "device" else Times(NO_TIME_US, event_us)
    made = make(FILL_LEVEL, _WHO, times, {"distance_mm": 640})
    assert isinstance(made, Fault)
    assert made.reason is Reason.TIME_OUT_OF_RANGE


def test_other_times_are_kept_when_they_are_no_times_of_this_field() -> None:
    reading = _made(Times(_TIME_US, -5, 2**62))
    assert (_TIME_US, -5, 2**62) == (reading.device_time_us, reading.network_time_us, reading.sent_time_us)
    assert Clock.DISAGREES is reading.clock


# Receipts


def test_reading_proves_nothing_when_nobody_says_a_time() -> None:
    reading = _made(Times(sent_us=_TIME_US), sequence=7)
    values = levels(distance_mm=640)
    number = receipt(_WHO, FILL_LEVEL, content_digest(values, Clock.UNCHECKED), 7)
    expected = (0, EventTimeSource.RECEIPT, number, NO_TIME_US, NO_TIME_US, _TIME_US, Clock.UNSET, values)
    found = (reading.event_time_us, reading.event_time_source, reading.sequence, reading.device_time_us)
    assert expected == (*found, reading.network_time_us, reading.sent_time_us, reading.clock, reading.values)
    assert (True, True) == (reading.clock.is_wrong, 0 <= reading.sequence < 2**63)


def test_receipt_is_the_same_for_ever_when_the_content_is() -> None:
    # Stored as a key: another number would store again what is there.
    content = content_digest(levels(distance_mm=640), Clock.UNCHECKED)
    assert receipt(_WHO, FILL_LEVEL, content, 7) == 3_618_814_432_951_559_825


def test_receipt_differs_when_anything_said_does() -> None:
    base = (_WHO, FILL_LEVEL, 7, 640)
    others = [
        (("city", "bin-2"), FILL_LEVEL, 7, 640),
        (("town", "bin-1"), FILL_LEVEL, 7, 640),
        (("city-bin", "1"), FILL_LEVEL, 7, 640),
        (_WHO, PRESENCE, 7, 640),
        (_WHO, FILL_LEVEL, 8, 640),
        (_WHO, FILL_LEVEL, 7, 641),
        base,
    ]
    numbers = [
        receipt(who, kind, content_digest((value,), Clock.UNCHECKED), sequence)
        for who, kind, sequence, value in others
    ]
    assert len(others) == len(set(numbers))


@given(st.integers(0, 2**53), st.integers(0, 20_000), _SAID_US)
def test_receipt_does_not_hang_on_transport_when_it_is_sent_again(
    sequence: int, distance_mm: int, sent_us: int
) -> None:
    first, again = (
        _made(Times(sent_us=us), sequence=sequence, distance_mm=distance_mm) for us in (NO_TIME_US, sent_us)
    )
    assert (first.sequence, first.event_time_us) == (again.sequence, again.event_time_us)


# Local times

_SANTIAGO = ZoneInfo("America/Santiago")


def _wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "expected", "is_doubtful"),
    [
        # Clocks go back at 24:00 on 4 April 2026: from 23:00 to 24:00 comes twice.
        ("2026-04-04T22:59:59.999999", "2026-04-05T01:59:59.999999+00:00", False),
        ("2026-04-04T23:00:00", "2026-04-05T02:00:00+00:00", True),
        ("2026-04-04T23:59:59.999999", "2026-04-05T02:59:59.999999+00:00", True),
        ("2026-04-05T00:00:00", "2026-04-05T04:00:00+00:00", False),
        # They go forth at 24:00 on 5 September: the hour after it is not there.
        ("2026-09-05T23:59:59.999999", "2026-09-06T03:59:59.999999+00:00", False),
        ("2026-09-06T00:00:00", "2026-09-06T04:00:00+00:00", True),
        ("2026-09-06T00:59:59.999999", "2026-09-06T04:59:59.999999+00:00", True),
        ("2026-09-06T01:00:00", "2026-09-06T04:00:00+00:00", False),
        ("2026-07-01T12:00:00", "2026-07-01T16:00:00+00:00", False),
    ],
)
def test_local_time_is_doubtful_when_its_hour_comes_twice_or_never(
    text: str, expected: str, *, is_doubtful: bool
) -> None:
    assert (microseconds(datetime.fromisoformat(expected))[0], is_doubtful) == microseconds(_wall(text), _SANTIAGO)


def test_instant_is_not_doubtful_when_it_carries_an_offset() -> None:
    for hours in (-3, -4):
        said = _wall("2026-04-04T23:30:00").replace(tzinfo=timezone(timedelta(hours=hours)))
        assert (microseconds(said)[0], False) == microseconds(said, _SANTIAGO)


def test_local_time_is_no_time_when_no_zone_is_declared() -> None:
    assert (NO_TIME_US, False) == microseconds(_wall("2026-04-04T23:30:00"))
    assert (NO_TIME_US, False) == microseconds(None, _SANTIAGO)


def test_reading_proves_nothing_when_its_local_time_is_doubtful() -> None:
    device_us, is_doubtful = microseconds(_wall("2026-04-04T23:30:00"), _SANTIAGO)
    assert Clock.DISAGREES is _made(Times(device_us, device_us, device_us, is_doubtful=is_doubtful)).clock


# What is said


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"weight_kg": "12"}, Reason.READING_MALFORMED),
        ({"container": 12.0}, Reason.READING_MALFORMED),
        ({"weight_kg": -1.0}, Reason.VALUE_OUT_OF_RANGE),
        ({"weight_kg": float("inf")}, Reason.VALUE_OUT_OF_RANGE),
        ({"weight_kg": float("nan")}, Reason.VALUE_OUT_OF_RANGE),
        ({"weight_kg": 1e308}, Reason.VALUE_OUT_OF_RANGE),
        ({"container": "a b"}, Reason.VALUE_OUT_OF_RANGE),
        ({"container": ""}, Reason.VALUE_OUT_OF_RANGE),
    ],
)
def test_reading_is_refused_when_something_said_is_none_of_its_kind(
    said: dict[str, float | str | None], expected: Reason
) -> None:
    made = make(LIFT, _WHO, Times(_TIME_US), said)
    assert isinstance(made, Fault)
    assert (expected, True) == (made.reason, len(made.detail) <= DETAIL_MAX)


def test_reading_says_what_was_said_when_some_of_it_is_not_of_the_kind() -> None:
    said: dict[str, float | str | None] = {"weight_kg": 1.5, "container": "V-7", "zone": None, "distance_mm": 5}
    made = make(LIFT, _WHO, Times(_TIME_US), said)
    assert isinstance(made, Reading)
    assert ((1_500, NOT_SAID, NOT_SAID), ("V-7", "")) == (made.values, made.words)


@pytest.mark.parametrize(
    ("said", "missing"),
    [({"count": 1}, "place is not said"), ({"place": "x"}, "count is not said"), ({}, "count is not said")],
)
def test_fault_names_what_is_missing_when_a_need_is_not_said(
    said: dict[str, float | str | None], missing: str
) -> None:
    assert Fault(Reason.VALUE_MISSING, missing) == make(PRESENCE, _WHO, Times(_TIME_US), said)


def test_detail_is_cut_when_it_is_long() -> None:
    expected = Rejection(Reason.PAYLOAD_MALFORMED, DETAIL_MAX * "x", -1, "city", "bin-1")
    decoded = refused(Reason.PAYLOAD_MALFORMED, 5_000 * "x", _WHO)
    assert ([expected], True) == (decoded.rejections, decoded.is_message_rejected)
