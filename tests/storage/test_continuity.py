"""What the devices' own counters tell: numbers missing, counts begun anew, readings that came late."""

from datetime import timedelta

from storage import health
from storage.health import STEP_MAX, Continuity
from tests.storage.cases import START, put, reading, writer

_HOUR = timedelta(hours=1)
_SPAN = (START, START + timedelta(days=2))
# Everything put is received a day after the start.
_AFTER, _BEFORE = START + timedelta(days=1, seconds=1), START + timedelta(days=1)


def _told(dsn: str, *sequences: int, late_from: object = _AFTER) -> Continuity:
    with writer(dsn) as connection:
        put(connection, *(reading(at=START + place * _HOUR, sequence=one) for place, one in enumerate(sequences)))
        (device_id,) = connection.execute("select device_id from device").fetchone() or (0,)
        return health.continuity(
            connection, [device_id], _SPAN, late_from=_BEFORE if late_from is _BEFORE else _AFTER
        )


def test_nothing_is_missing_when_each_number_came(embedded_database: str) -> None:
    assert Continuity(0, 0, 0) == _told(embedded_database, 1, 2, 3, 4)


def test_numbers_are_missing_when_they_are_between_two(embedded_database: str) -> None:
    assert Continuity(3, 0, 0) == _told(embedded_database, 1, 2, 5, 7)


def test_a_count_begins_anew_when_a_number_is_lower(embedded_database: str) -> None:
    assert Continuity(1, 1, 0) == _told(embedded_database, 8, 9, 1, 3)


def test_a_count_begins_anew_when_the_step_is_more_than_anybody_loses(embedded_database: str) -> None:
    assert Continuity(STEP_MAX - 1, 1, 0) == _told(embedded_database, 1, 1 + STEP_MAX, 2 + 2 * STEP_MAX)


def test_a_session_is_no_reset_when_frames_count_from_nought(embedded_database: str) -> None:
    first, second = 5 << 32, 3 << 32
    assert Continuity(1, 0, 0) == _told(embedded_database, first + 7, first + 9, second, second + 1)


def test_devices_without_a_counter_miss_nothing_when_they_say_nought(embedded_database: str) -> None:
    assert Continuity(0, 0, 0) == _told(embedded_database, 0, 0, 0)


def test_readings_are_late_when_received_from_then_on(embedded_database: str) -> None:
    assert Continuity(0, 0, 3) == _told(embedded_database, 1, 2, 3, late_from=_BEFORE)
