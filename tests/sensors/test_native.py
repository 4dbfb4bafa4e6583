"""Native JSON: golden messages, every way to be refused, and each number at its limits."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.quantities import Quantity
from sensors.readings import (
    NO_TIME_US,
    Clock,
    EventTimeSource,
    Kind,
    Reading,
    Reason,
)
from sensors.registry import kinds
from sensors.topics import ROOT
from tests.sensors.cases import declared, decode_native, least, levels, message_of, word_of

_TIME = "2026-09-05T22:00:00Z"
_TIME_US = 1_788_645_600_000_000
_ONE: dict[str, Any] = {"v": 1, "time": _TIME, "distance_mm": 640}
_QUANTITIES = [
    pytest.param(kind, quantity, id=f"{kind.name}.{quantity.name}")
    for kind in kinds().values()
    for quantity in kind.quantities
]
_KINDS = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)


def _reading(message: object) -> Reading:
    decoded = decode_native(message)
    assert (decoded.rejections, len(decoded.readings)) == ([], 1)
    return decoded.readings[0]


def _least(kind: Kind) -> dict[str, Any]:
    return {"v": 1, "time": _TIME, **message_of(kind, least(kind))}


def _reasons(message: object) -> list[tuple[int, Reason]]:
    return [(rejection.index, rejection.reason) for rejection in decode_native(message).rejections]


def test_decode_gives_the_golden_reading_when_everything_is_said() -> None:
    payload = (
        b'{"v":1,"time":"2026-09-05T22:00:00.000001-04:00","sequence":1532,"distance_mm":640,"fill_ratio":0.725,'
        b'"battery_v":3.605,"temperature_degc":-19.5,"tilt_deg":2,"quality":4,'
        b'"sent_time":"2026-09-06T02:00:02Z","network_time":"2026-09-06T02:00:03Z"}'
    )
    event_us = _TIME_US + 4 * 3_600_000_000 + 1
    expected = Reading(
        FILL_LEVEL,
        "city",
        "bin-1",
        event_us,
        EventTimeSource.DEVICE,
        1532,
        event_us,
        event_us - 1 + 3_000_000,
        event_us - 1 + 2_000_000,
        Clock.AGREES,
        levels(
            distance_mm=640, fill_ppm=725_000, battery_mv=3_605, temperature_mdegc=-19_500, tilt_deg=2, quality_code=4
        ),
    )
    assert expected == _reading(payload)


def test_decode_gives_the_golden_reading_when_the_least_is_said() -> None:
    expected = Reading(
        FILL_LEVEL,
        "city",
        "bin-1",
        _TIME_US,
        EventTimeSource.DEVICE,
        0,
        _TIME_US,
        NO_TIME_US,
        NO_TIME_US,
        Clock.UNCHECKED,
        levels(distance_mm=640),
    )
    assert expected == _reading(_ONE)


def test_decode_gives_the_same_reading_when_it_stands_alone_or_in_an_array() -> None:
    times = {"sent_time": "2026-09-05T22:00:02Z", "network_time": "2026-09-05T22:00:03Z"}
    element = {"time": _TIME, "sequence": 3, "distance_mm": 640}
    assert _reading({"v": 1, **element, **times}) == _reading({"v": 1, "readings": [element], **times})


@pytest.mark.parametrize("said", ["2026-09-05T18:00:00-04:00", "2026-09-06T03:30:00+05:30", "2026-09-05 22:00:00z"])
def test_decode_gives_one_instant_when_the_offset_differs(said: str) -> None:
    assert _reading({**_ONE, "time": said}).event_time_us == _TIME_US


# Values


@pytest.mark.parametrize(("kind", "quantity"), _QUANTITIES)
@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_value_is_kept_when_it_is_the_end_of_its_range(kind: Kind, quantity: Quantity, end: str) -> None:
    stored: int = getattr(quantity, end)
    message = {**_least(kind), quantity.said: stored / quantity.scale}
    decoded = decode_native(message, kind.name)
    assert [stored] == [reading.values[kind.quantities.index(quantity)] for reading in decoded.readings]


@pytest.mark.parametrize(("kind", "quantity"), _QUANTITIES)
@pytest.mark.parametrize("side", [-1, 1], ids=["below", "above"])
@pytest.mark.parametrize("by", ["one", "sentinel", "overflow", "widest"])
def test_value_is_rejected_when_it_is_beyond_its_range(kind: Kind, quantity: Quantity, side: int, by: str) -> None:
    end = quantity.minimum if side < 0 else quantity.maximum
    said = {
        "one": (end + side) / quantity.scale,
        "sentinel": side * 2**31 / quantity.scale,
        "overflow": side * 1e308,
        "widest": side * float(2**53),
    }[by]
    # What else is needed is said, so that only this one can be at fault.
    message = {**_least(kind), quantity.said: said}
    decoded = decode_native(message, kind.name)
    assert [rejection.reason for rejection in decoded.rejections] == [Reason.VALUE_OUT_OF_RANGE]


@pytest.mark.parametrize(("kind", "quantity"), _QUANTITIES)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_value_is_the_nearest_stored_one_or_rejected_when_it_is_any(
    kind: Kind, quantity: Quantity, value: float
) -> None:
    message = {**_least(kind), quantity.said: value}
    decoded = decode_native(message, kind.name)
    place = kind.quantities.index(quantity)
    scaled = value * quantity.scale
    nearest = [round(scaled)] if math.isfinite(scaled) else []
    expected = [stored for stored in nearest if quantity.minimum <= stored <= quantity.maximum]
    assert expected == [reading.values[place] for reading in decoded.readings]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"distance_mm": 640.4}, {"distance_mm": 640}),
        ({"distance_mm": 640.6}, {"distance_mm": 641}),
        ({"distance_mm": -0.4}, {"distance_mm": 0}),
        ({"distance_mm": 20_000.4}, {"distance_mm": 20_000}),
        ({"fill_ratio": 0.1}, {"fill_ppm": 100_000}),
        ({"fill_ratio": 0.3000004}, {"fill_ppm": 300_000}),
        ({"fill_ratio": 1.15}, {"fill_ppm": 1_150_000}),
        ({"fill_ratio": -0.02}, {"fill_ppm": -20_000}),
        ({"fill_ratio": 1, "battery_v": 3.6049}, {"fill_ppm": 1_000_000, "battery_mv": 3_605}),
    ],
)
def test_value_is_rounded_when_it_is_finer_than_its_column(said: dict[str, float], expected: dict[str, int]) -> None:
    assert levels(**expected) == _reading({"v": 1, "time": _TIME, **said}).values


@pytest.mark.parametrize(
    "number", [b"1e400", b"-1e400", b"1" + 400 * b"0", b"0x10", b'"640"', b"true", b"[640]", b"{}"]
)
@pytest.mark.parametrize(("kind", "quantity"), _QUANTITIES)
def test_decode_rejects_when_a_value_is_no_number(kind: Kind, quantity: Quantity, number: bytes) -> None:
    payload = b'{"v":1,"time":"2026-09-05T22:00:00Z","%s":%s}' % (quantity.said.encode(), number)
    others = {name: value for name, value in message_of(kind, least(kind)).items() if name != quantity.said}
    payload = json.dumps({**others, "v": 1}).encode()[:-1] + b"," + payload[len(b'{"v":1,') :]
    decoded = decode_native(payload, kind.name)
    assert (decoded.readings, len(decoded.rejections)) == ([], 1)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "nan", "+1", ".5", "1.", "01"])
def test_decode_rejects_when_a_number_is_not_json(number: str) -> None:
    payload = f'{{"v":1,"time":"{_TIME}","distance_mm":{number}}}'.encode()
    assert [rejection.reason for rejection in decode_native(payload).rejections] == [Reason.PAYLOAD_MALFORMED]


@pytest.mark.parametrize(
    "said", [{}, {"battery_v": 3.6}, {"distance_mm": None, "fill_ratio": None}, {"quality": 4, "tilt_deg": 0}]
)
def test_decode_rejects_when_nothing_needed_is_said(said: dict[str, object]) -> None:
    assert _reasons({"v": 1, "time": _TIME, **said}) == [(0, Reason.VALUE_MISSING)]


def test_a_null_is_not_said_when_another_value_is() -> None:
    assert levels(distance_mm=640) == _reading({**_ONE, "fill_ratio": None, "battery_v": None}).values


@pytest.mark.parametrize("sequence", [0, 1, 65_535, 2**32, 2**53])
def test_sequence_is_kept_when_it_fits(sequence: int) -> None:
    assert sequence == _reading({**_ONE, "sequence": sequence}).sequence


@pytest.mark.parametrize("sequence", [-1, 2**53 + 1, 2**64, 1.5, "1", True, None, math.pi])
def test_decode_rejects_when_a_sequence_is_no_counter(sequence: object) -> None:
    assert _reasons({**_ONE, "sequence": sequence}) == [(0, Reason.READING_MALFORMED)]


# Form


@_KINDS
@pytest.mark.parametrize("is_single", [True, False], ids=["single", "array"])
def test_fields_are_the_declared_ones_when_decoded(*, kind: Kind, is_single: bool) -> None:
    said = {one.said for one in declared(kind).values()}
    known = {"time", "sequence", "v", "sent_time", "network_time", *said, *declared(kind)}
    element = {"time": _TIME, **message_of(kind, least(kind))}
    values: dict[str, Any] = {"time": _TIME, "sent_time": _TIME, "network_time": _TIME, **element}
    values |= {word.said: word_of(word.pattern) for word in kind.words}
    taken: set[str] = set()
    for name in known:
        more = {**element, name: values.get(name, 1)}
        message = {"v": 1, **more} if is_single else {"v": 1, "readings": [more]}
        if not decode_native(message, kind.name).rejections:
            taken.add(name)
    expected = {"time", "sequence", *said}
    assert taken == (expected | {"v", "sent_time", "network_time"} if is_single else expected)


@pytest.mark.parametrize("name", ["distance", "Distance_mm", "distance_mm ", "fill_ppm", "battery_mv", "", "\u0000"])
def test_decode_rejects_when_a_field_is_unknown(name: str) -> None:
    assert _reasons({**_ONE, name: 1}) == [(0, Reason.READING_MALFORMED)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param({}, Reason.VERSION_UNKNOWN, id="no_version"),
        pytest.param({**_ONE, "v": 2}, Reason.VERSION_UNKNOWN, id="version_2"),
        pytest.param({**_ONE, "v": 10**30}, Reason.VERSION_UNKNOWN, id="version_huge"),
        pytest.param({**_ONE, "v": "1"}, Reason.PAYLOAD_MALFORMED, id="version_text"),
        pytest.param({**_ONE, "v": True}, Reason.PAYLOAD_MALFORMED, id="version_true"),
        pytest.param({**_ONE, "v": None}, Reason.PAYLOAD_MALFORMED, id="version_null"),
        pytest.param([_ONE], Reason.PAYLOAD_MALFORMED, id="a_bare_array"),
        pytest.param({"v": 1, "readings": None}, Reason.PAYLOAD_MALFORMED, id="readings_null"),
        pytest.param({"v": 1, "readings": _ONE}, Reason.PAYLOAD_MALFORMED, id="readings_an_object"),
        pytest.param({"v": 1, "readings": "x"}, Reason.PAYLOAD_MALFORMED, id="readings_text"),
        pytest.param({**_ONE, "readings": []}, Reason.PAYLOAD_MALFORMED, id="both_forms"),
        pytest.param({"v": 1, "readings": [], "x": 1}, Reason.PAYLOAD_MALFORMED, id="unknown_beside_the_array"),
        pytest.param(
            {"v": 1, "readings": [], "sent_time": "2026-09-05T22:00:00"}, Reason.PAYLOAD_MALFORMED, id="naive_beside"
        ),
        pytest.param(b"", Reason.PAYLOAD_MALFORMED, id="nothing"),
        pytest.param(b" ", Reason.PAYLOAD_MALFORMED, id="a_blank"),
        pytest.param(b"null", Reason.PAYLOAD_MALFORMED, id="null"),
        pytest.param(b"\x00", Reason.PAYLOAD_MALFORMED, id="a_zero_byte"),
        pytest.param(b"\xff\xfe{", Reason.PAYLOAD_MALFORMED, id="utf_16"),
        pytest.param(b'\xef\xbb\xbf{"v":1}', Reason.PAYLOAD_MALFORMED, id="byte_order_mark"),
        pytest.param(b'{"v":1,"time":"2026', Reason.PAYLOAD_MALFORMED, id="cut_off"),
        pytest.param(b'{"v":1}{"v":1}', Reason.PAYLOAD_MALFORMED, id="two_documents"),
        pytest.param(b'{"v":1,"x":"\\ud800"}', Reason.PAYLOAD_MALFORMED, id="half_a_surrogate_pair"),
        pytest.param(100_000 * b"[", Reason.PAYLOAD_MALFORMED, id="100_kB_of_brackets"),
        pytest.param(60_000 * b"[", Reason.PAYLOAD_MALFORMED, id="60_kB_of_brackets"),
        pytest.param(b'{"v":1,"readings":' + 60_000 * b"[", Reason.PAYLOAD_MALFORMED, id="60_kB_of_brackets_inside"),
        pytest.param(b'{"v":1,"x":' + 60_000 * b"[", Reason.PAYLOAD_MALFORMED, id="60_kB_of_brackets_in_a_field"),
    ],
)
def test_message_is_rejected_as_a_whole_when_its_form_is_wrong(message: object, reason: Reason) -> None:
    decoded = decode_native(message)
    assert ([], [(-1, reason)], True) == (
        decoded.readings,
        [(rejection.index, rejection.reason) for rejection in decoded.rejections],
        decoded.is_message_rejected,
    )


@pytest.mark.parametrize("shape", [b"%s", b'{"v":1,"x":%s}', b'{"v":1,"readings":%s}', b'{"v":1,"readings":[%s]}'])
def test_nothing_is_raised_when_brackets_nest_to_any_depth(shape: bytes) -> None:
    # Python's recursion limit lies somewhere in between; what one decoder passes, the next may not.
    unnoticed = [
        depth for depth in range(1, 1_100) if not decode_native(shape % (depth * b"[" + depth * b"]")).rejections
    ]
    assert unnoticed == ([1] if b"readings" in shape and b"[%s]" not in shape else [])


def test_text_that_is_not_utf8_rejects_only_its_element_when_in_an_array() -> None:
    payload = b'{"v":1,"readings":[{"\xff":1},{"time":"2026-09-05T22:00:00Z","distance_mm":1}]}'
    decoded = decode_native(payload)
    assert (len(decoded.readings), _reasons(payload)) == (1, [(0, Reason.READING_MALFORMED)])


def test_elements_are_independent_when_some_are_bad() -> None:
    good = {"time": _TIME, "distance_mm": 640}
    bad: list[tuple[object, Reason]] = [
        ({"time": "1969-01-01T00:00:00Z", "distance_mm": 640}, Reason.TIME_OUT_OF_RANGE),
        ({"time": _TIME}, Reason.VALUE_MISSING),
        ({"time": _TIME, "distance_mm": 20_001}, Reason.VALUE_OUT_OF_RANGE),
        ({"time": _TIME, "distance": 640}, Reason.READING_MALFORMED),
        ({"time": _TIME, "distance_mm": 640, "v": 1}, Reason.READING_MALFORMED),
        (None, Reason.READING_MALFORMED),
        ([], Reason.READING_MALFORMED),
        ("x", Reason.READING_MALFORMED),
        (640, Reason.READING_MALFORMED),
    ]
    elements = [element for one, _ in bad for element in (good, one)] + [good]
    message = {"v": 1, "readings": elements}
    expected = [(2 * place + 1, reason) for place, (_, reason) in enumerate(bad)]
    assert (expected, len(bad) + 1) == (_reasons(message), len(decode_native(message).readings))


@pytest.mark.parametrize("count", [0, 1, 500])
def test_every_element_is_read_when_there_are_not_too_many(count: int) -> None:
    assert count == len(decode_native({"v": 1, "readings": [{"time": _TIME, "distance_mm": 640}] * count}).readings)


def test_message_is_rejected_when_it_holds_501_readings() -> None:
    assert _reasons({"v": 1, "readings": [{"time": _TIME, "distance_mm": 640}] * 501}) == [
        (-1, Reason.TOO_MANY_READINGS)
    ]


def test_rejections_name_source_and_device_when_the_topic_did() -> None:
    decoded = decode_native(b'{"v":1,"readings":[{},null]}')
    assert [(one.source, one.device) for one in decoded.rejections] == [("city", "bin-1")] * 2


@pytest.mark.parametrize(
    ("topic", "reason", "who"),
    [
        (f"{ROOT}/city/bin-1/noise", Reason.KIND_UNKNOWN, ("city", "bin-1")),
        (f"{ROOT}/city/bin 1/fill_level", Reason.TOPIC_UNKNOWN, ("", "")),
        ("elsewhere", Reason.TOPIC_UNKNOWN, ("", "")),
    ],
)
def test_message_is_rejected_as_a_whole_when_its_topic_is_wrong(
    topic: str, reason: Reason, who: tuple[str, str]
) -> None:
    decoded = decode_native(_ONE, topic=topic)
    assert ([], [(-1, reason, who)]) == (
        decoded.readings,
        [(one.index, one.reason, (one.source, one.device)) for one in decoded.rejections],
    )


def test_every_reason_of_the_format_is_reached_when_all_cases_are_taken_together() -> None:
    cases: list[object] = [
        b"{",
        {"v": 2},
        {"v": 1, "readings": [{}] * 501},
        {**_ONE, "x": 1},
        {**_ONE, "time": "1950-01-01T00:00:00Z"},
        {"v": 1, "time": _TIME},
        {**_ONE, "distance_mm": -1},
    ]
    reached = {reason for case in cases for _, reason in _reasons(case)}
    # The others are the topic's, of other formats, or the database's.
    assert reached == {
        Reason.PAYLOAD_MALFORMED,
        Reason.VERSION_UNKNOWN,
        Reason.TOO_MANY_READINGS,
        Reason.READING_MALFORMED,
        Reason.TIME_OUT_OF_RANGE,
        Reason.VALUE_MISSING,
        Reason.VALUE_OUT_OF_RANGE,
    }
