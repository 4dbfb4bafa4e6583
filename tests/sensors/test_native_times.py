"""Native JSON: which clock rules, within which limits, and whether it can be believed."""

from typing import Any

import pytest

from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.making import receipt
from sensors.readings import (
    CLOCK_TOLERANCE_US,
    NO_TIME_US,
    Clock,
    EventTimeSource,
    Reading,
    Reason,
    content_digest,
)
from tests.sensors.cases import decode_native, levels

_TIME = "2026-09-05T22:00:00Z"
_TIME_US = 1_788_645_600_000_000
_ONE: dict[str, Any] = {"v": 1, "time": _TIME, "distance_mm": 640}


def _reading(message: object) -> Reading:
    decoded = decode_native(message)
    assert (decoded.rejections, len(decoded.readings)) == ([], 1)
    return decoded.readings[0]


def _reasons(message: object) -> list[tuple[int, Reason]]:
    return [(rejection.index, rejection.reason) for rejection in decode_native(message).rejections]


def test_network_time_rules_when_a_single_reading_has_no_time() -> None:
    reading = _reading({"v": 1, "network_time": _TIME, "distance_mm": 640})
    assert (reading.event_time_us, reading.event_time_source, reading.device_time_us, reading.clock) == (
        _TIME_US,
        EventTimeSource.NETWORK,
        NO_TIME_US,
        Clock.UNCHECKED,
    )


def test_network_time_does_not_rule_when_several_readings_have_no_time() -> None:
    # They would all be of one instant, and so conflicts of each other.
    message = {
        "v": 1,
        "network_time": _TIME,
        "readings": [{"distance_mm": 640}, {"time": _TIME, "distance_mm": 650}, {"distance_mm": 660}],
    }
    decoded = decode_native(message)
    receipt, device = EventTimeSource.RECEIPT, EventTimeSource.DEVICE
    assert ([], [(0, receipt), (_TIME_US, device), (0, receipt)]) == (
        decoded.rejections,
        [(one.event_time_us, one.event_time_source) for one in decoded.readings],
    )
    assert [NO_TIME_US, _TIME_US, NO_TIME_US] == [one.network_time_us for one in decoded.readings]


@pytest.mark.parametrize(
    ("more", "sent_us"), [({}, NO_TIME_US), ({"sent_time": _TIME}, _TIME_US)], ids=["nothing", "sent_time_only"]
)
def test_reading_is_kept_under_its_content_when_no_time_can_rule(more: dict[str, str], sent_us: int) -> None:
    values = levels(distance_mm=640)
    number = receipt(("city", "bin-1"), FILL_LEVEL, content_digest(values, Clock.UNCHECKED), 7)
    expected = Reading(
        FILL_LEVEL,
        "city",
        "bin-1",
        0,
        EventTimeSource.RECEIPT,
        number,
        NO_TIME_US,
        NO_TIME_US,
        sent_us,
        Clock.UNSET,
        values,
    )
    assert expected == _reading({"v": 1, "distance_mm": 640, "sequence": 7, **more})


@pytest.mark.parametrize(
    ("times", "numbers", "expected"),
    [
        pytest.param([0, 0], [1, 2], [Clock.REPLAYED] * 2, id="numbered_differently"),
        pytest.param([0, 0], [1, 1], [Clock.UNCHECKED] * 2, id="of_one_number"),
        pytest.param([0, 0], [0, 0], [Clock.UNCHECKED] * 2, id="not_numbered"),
        pytest.param([0, 0], [0, 1], [Clock.REPLAYED] * 2, id="one_numbered"),
        pytest.param([0, 1], [1, 2], [Clock.UNCHECKED] * 2, id="at_two_times"),
        pytest.param([0, 1, 0], [1, 2, 3], [Clock.REPLAYED, Clock.UNCHECKED, Clock.REPLAYED], id="not_neighbours"),
        pytest.param([None, None], [1, 2], [Clock.UNSET] * 2, id="without_a_time"),
    ],
)
def test_clock_is_replayed_when_one_message_stamps_several_observations_alike(
    times: list[int | None], numbers: list[int], expected: list[Clock]
) -> None:
    elements = [
        {"sequence": number, "distance_mm": 640} | ({} if time is None else {"time": f"2026-09-05T22:00:{time:02d}Z"})
        for time, number in zip(times, numbers, strict=True)
    ]
    assert expected == [one.clock for one in decode_native({"v": 1, "readings": elements}).readings]


def test_clock_is_replayed_when_the_same_instant_is_written_with_another_offset() -> None:
    elements = [{"time": time, "sequence": n} for n, time in enumerate([_TIME, "2026-09-05T18:00:00-04:00"])]
    message = {"v": 1, "readings": [{**element, "distance_mm": 640} for element in elements]}
    assert [Clock.REPLAYED] * 2 == [one.clock for one in decode_native(message).readings]


def test_clock_is_not_replayed_when_what_else_is_stamped_so_is_malformed() -> None:
    # Of what cannot be read nobody knows whether it is another observation.
    elements = [{"time": _TIME, "distance_mm": 1, "sequence": 1}, {"time": _TIME, "sequence": 2, "x": 1}]
    assert [Clock.UNCHECKED] == [one.clock for one in decode_native({"v": 1, "readings": elements}).readings]


@pytest.mark.parametrize("field", ["time", "sent_time", "network_time"])
@pytest.mark.parametrize(
    "said",
    [
        pytest.param("2026-09-05T22:00:00", id="naive"),
        pytest.param("2026-09-05", id="a_date"),
        pytest.param(1_788_645_600, id="a_number"),
        pytest.param("2026-02-29T22:00:00Z", id="no_such_day"),
        pytest.param("2026-09-05T24:00:00Z", id="hour_24"),
        pytest.param("2026-09-05T23:59:60Z", id="leap_second"),
        pytest.param("2026-09-05T22:00:00+24:00", id="no_such_offset"),
        pytest.param("9999-12-31T23:59:59.9999999Z", id="rounds_beyond_the_last_year"),
        pytest.param("", id="empty"),
    ],
)
def test_decode_rejects_when_a_time_is_no_instant(field: str, said: object) -> None:
    assert _reasons({**_ONE, field: said}) == [(0, Reason.READING_MALFORMED)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1969-12-31T23:59:59.999999Z", None),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:59:59+01:00", None),
        ("2106-02-07T06:28:15.999999Z", 2**32 * 1_000_000 - 1),
        ("2106-02-07T06:28:16Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
@pytest.mark.parametrize("field", ["time", "network_time"])
def test_event_time_is_bounded_when_the_clock_is_absurd(field: str, said: str, expected: int | None) -> None:
    message = {"v": 1, "distance_mm": 640, field: said}
    if expected is None:
        assert _reasons(message) == [(0, Reason.TIME_OUT_OF_RANGE)]
    else:
        reading = _reading(message)
        # A device's clock before 2000 or after 2100 was never set; of the network's no such thing is asked.
        clock = Clock.UNSET if field == "time" else Clock.UNCHECKED
        assert (reading.event_time_us, reading.clock) == (expected, clock)


@pytest.mark.parametrize(
    ("sent_s", "network_s", "expected"),
    [
        pytest.param(None, None, Clock.UNCHECKED, id="nothing_to_compare"),
        pytest.param(0, None, Clock.UNCHECKED, id="no_network"),
        pytest.param(None, 0, Clock.UNCHECKED, id="not_said_when_sent"),
        pytest.param(0, 0, Clock.AGREES, id="same"),
        pytest.param(0, 120, Clock.AGREES, id="slow_at_the_limit"),
        pytest.param(0, 121, Clock.DISAGREES, id="slow"),
        pytest.param(120, 0, Clock.AGREES, id="fast_at_the_limit"),
        pytest.param(121, 0, Clock.DISAGREES, id="fast"),
        pytest.param(None, -120, Clock.UNCHECKED, id="received_before_observed_within_the_tolerance"),
        pytest.param(None, -121, Clock.DISAGREES, id="received_before_observed"),
        pytest.param(-121, -121, Clock.DISAGREES, id="sent_and_received_before_observed"),
        pytest.param(86_400, 86_400, Clock.AGREES, id="a_day_in_the_device"),
    ],
)
@pytest.mark.parametrize("is_array", [False, True], ids=["single", "array"])
def test_clock_is_judged_when_network_time_is_said(
    *, sent_s: int | None, network_s: int | None, expected: Clock, is_array: bool
) -> None:
    event_s = _TIME_US // 1_000_000
    offsets = {"sent_time": sent_s, "network_time": network_s}
    times = {name: _said(event_s + offset) for name, offset in offsets.items() if offset is not None}
    element = {"time": _TIME, "distance_mm": 640}
    message = {"v": 1, "readings": [element], **times} if is_array else {"v": 1, **element, **times}
    assert _reading(message).clock is expected


def test_clock_tolerance_is_whole_seconds_when_the_cases_above_hold() -> None:
    assert CLOCK_TOLERANCE_US == 120_000_000


def _said(instant_s: int) -> str:
    day_s = instant_s - _TIME_US // 1_000_000 + 22 * 3_600
    days, rest_s = divmod(day_s, 86_400)
    return f"2026-09-{5 + days:02d}T{rest_s // 3_600:02d}:{rest_s // 60 % 60:02d}:{rest_s % 60:02d}Z"
