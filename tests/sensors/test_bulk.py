"""Reading in bulk: never anything but what the codec says of each message, and a clean message really is taken."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors import bulk
from sensors.arrivals import Arrivals, of_readings
from sensors.codecs.native import READINGS_MAX
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.making import ROLLOVER_US
from sensors.quantities import Quantity, Word
from sensors.readings import CLOCK_TOLERANCE_US, Clock, Kind, Reading
from sensors.registry import kinds
from tests.sensors.cases import declared, decode_native, message_of, said_by, word_of

_KINDS = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
_OF_NUMBERS = [kind for kind in kinds().values() if not kind.words]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_DAY_US = 86_400_000_000
_TIME_US = 1_788_645_600_000_000
_LIMITS_US = (0, 946_684_800_000_000, 4_102_444_800_000_000, 2**32 * 1_000_000)
_OFFSETS = st.sampled_from([UTC, timezone(timedelta(hours=-4)), timezone(timedelta(hours=5, minutes=45))])


def _written(time_us: int, zone: timezone = UTC) -> str:
    return (_EPOCH + time_us * _TICK).astimezone(zone).isoformat()


# Instants, as microseconds: plain, and on each side of every limit.
_INSTANTS_US = st.one_of(
    st.integers(_LIMITS_US[1], _LIMITS_US[2] - 1),
    st.sampled_from([_TIME_US, _TIME_US + 1]),
    st.sampled_from([limit + side for limit in _LIMITS_US for side in (-1, 0, 1)]),
)
# From the time of the observation, by which the clock is judged.
_BEHIND_US = st.one_of(
    st.integers(-2 * CLOCK_TOLERANCE_US, 2 * CLOCK_TOLERANCE_US),
    st.sampled_from(
        [
            around + side * limit + tick
            for around in (0, ROLLOVER_US, 2 * ROLLOVER_US)
            for limit in (CLOCK_TOLERANCE_US, _DAY_US)
            for side in (-1, 1)
            for tick in (-1, 0, 1)
        ]
    ),
)
_NO_INSTANT = st.sampled_from(
    ["null", '"2026-09-05T22:00:00"', '"2026-09-05"', "1788645600", '"x"', '"9999-12-31T23:59:59.9999999Z"',
     '"0001-01-01T00:00:00+14:00"', '"2026-09-05T22:00:00.1234567Z"']
)  # fmt: skip
_TIMES = st.tuples(_INSTANTS_US, _OFFSETS).map(lambda said: json.dumps(_written(*said))) | _NO_INSTANT
_COUNTERS = st.integers(0, 2**53).map(str) | st.sampled_from(
    ["0", "1", "1.0", "1.5", "-1", str(2**53), str(2**53 + 1), str(2**64), "null", "true", '"1"']
)
_VERSIONS = st.sampled_from(["1", "1", "1", "0", "2", "1.0", "null", "true", '"1"', str(10**30)])
_WRONG = st.sampled_from(
    ["null", "true", '"640"', "[]", "{}", "1e308", "-1e308", "1e400", "1" + 400 * "0", str(2**63)]
)


def _number(quantity: Quantity) -> st.SearchStrategy[str]:
    """Write a number in and around its range, halves of what is kept included."""
    ends = [end + side for end in (quantity.minimum, quantity.maximum) for side in (-1, -0.5, -0.49, 0, 0.49, 0.5, 1)]
    inside = st.integers(quantity.minimum, quantity.maximum)
    halves = inside.map(lambda one: one + 0.5)
    stored = st.sampled_from(ends) | inside | halves | st.floats(quantity.minimum, quantity.maximum)
    return stored.map(lambda one: json.dumps(one / quantity.scale)) | st.floats(allow_nan=False).map(json.dumps)


def _value(one: Quantity | Word) -> st.SearchStrategy[str]:
    if isinstance(one, Word):
        return st.sampled_from([json.dumps(word_of(one.pattern)), '""', "null", "1"])
    return _number(one) | _WRONG if one.scale == 1 else _number(one)


def _element(kind: Kind) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Draw the fields of a reading as text: mostly right, some twice, some of no kind."""
    right = said_by(kind).map(
        lambda said: [(name, json.dumps(value)) for name, value in message_of(kind, said).items()]
    )
    names = [one.said for one in declared(kind).values()]
    values = {one.said: _value(one) for one in declared(kind).values()}
    any_field = st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), values[name]))
    odd = st.tuples(st.sampled_from(["x", "Time", "v", "readings", "sent_time"]), st.just("1"))
    time, sequence = st.tuples(st.just("time"), _TIMES), st.tuples(st.just("sequence"), _COUNTERS)
    plain_time = _INSTANTS_US.map(lambda time_us: ("time", json.dumps(_written(time_us))))
    some = st.lists(any_field | any_field | time | sequence | odd, max_size=2)
    return st.tuples(st.lists(plain_time, max_size=1), right, st.lists(sequence, max_size=1), some).map(
        lambda parts: [field for part in parts for field in part]
    )


def _around(times: Sequence[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Draw what stands beside the readings: when it was sent and received, near one of their times or anywhere."""
    near = _BEHIND_US
    if times:
        said = _EPOCH + _TIME_US * _TICK if "+" not in times[0] else datetime.fromisoformat(json.loads(times[0]))
        since_us = (said - _EPOCH) // _TICK
        near = _BEHIND_US.map(lambda behind_us: max(0, since_us + behind_us))
    instants = near.map(lambda time_us: json.dumps(_written(time_us))) | _TIMES
    names = st.sampled_from(["sent_time", "network_time"])
    return st.lists(st.tuples(names, instants), max_size=3)


def _text(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


def _times_in(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [value for name, value in pairs if name == "time" and value.endswith('+00:00"')]


@st.composite
def _messages(draw: st.DrawFn, kind: Kind) -> bytes:
    some = [["1"], ["1"], ["1"], [], ["0"], ["2"], ["0", "1"], ["1", "0"], ["1", "1"], ["null", "1"], ["2", "1"]]
    versions = draw(st.sampled_from(some) | st.lists(_VERSIONS, max_size=2))
    head = [("v", version) for version in versions]
    if draw(st.booleans()):
        element = draw(_element(kind))
        pairs = [*head, *element, *draw(_around(_times_in(element)))]
    else:
        elements = draw(st.lists(_element(kind), max_size=4))
        if elements and draw(st.booleans()):
            elements.append(draw(st.sampled_from(elements)))
        several = [_text(one) for one in elements] + draw(st.lists(st.sampled_from(["null", "1", "{}"]), max_size=1))
        times = [time for one in elements for time in _times_in(one)]
        pairs = [*head, ("readings", f"[{','.join(several)}]"), *draw(_around(times))]
        pairs += draw(st.lists(st.sampled_from([("readings", "[]"), ("readings", "null"), ("x", "1")]), max_size=1))
    text = _text(draw(st.permutations(pairs)))
    text = text.replace('"time"', draw(st.sampled_from(['"time"', '"time"', '"\\u0074ime"'])))
    text = text.replace('"readings"', draw(st.sampled_from(['"readings"', '"readings"', '"\\u0072eadings"'])))
    return text.encode() + draw(st.sampled_from([b"", b"", b"", b" \n", b"x", b"\0", b"\xff"]))


@st.composite
def _clean(draw: st.DrawFn, kind: Kind) -> bytes:
    """Draw a message that is clean in every respect."""
    times = draw(st.lists(st.integers(_LIMITS_US[1], _LIMITS_US[2] - 1), min_size=1, max_size=5, unique=True))
    elements = [
        {"time": _written(time_us, draw(_OFFSETS)), **message_of(kind, draw(said_by(kind)))}
        | draw(st.fixed_dictionaries({}, optional={"sequence": st.integers(0, 2**53)}))
        for time_us in times
    ]
    beside = {
        name: _written(min(max(0, times[0] + draw(_BEHIND_US)), _LIMITS_US[3] - 1))
        for name in draw(st.sets(st.sampled_from(["sent_time", "network_time"])))
    }
    is_single = len(elements) == 1 and draw(st.booleans())
    return json.dumps({"v": 1, **(elements[0] if is_single else {"readings": elements}), **beside}).encode()


def _expected(kind: Kind, payloads: Sequence[bytes], places: Sequence[int]) -> Arrivals:
    """Lay what the codec says of some messages into columns; it must have nothing to say against them."""
    readings: list[tuple[Reading, int]] = []
    for place in places:
        decoded = decode_native(payloads[place], kind.name)
        assert (decoded.rejections, decoded.simulated) == ([], [])
        readings += [(one, 0) for one in decoded.readings]
    return of_readings(kind, readings, lambda _source, _device: 0)


def _assert_is_what_the_codec_says(kind: Kind, payloads: Sequence[bytes]) -> bulk.Read:
    read = bulk.read(kind, payloads)
    taken = sorted(set(read.message.tolist()))
    assert sorted([*taken, *read.left]) == list(range(len(payloads)))
    expected = _expected(kind, payloads, taken)
    # In the order of messages, those of one in their own.
    found = read.arrivals.rows(np.argsort(read.message, kind="stable"))
    assert (kind, len(expected)) == (found.kind, len(found))
    for one in fields(Arrivals):
        if one.name not in {"kind", "words"}:
            mine, its = getattr(found, one.name), getattr(expected, one.name)
            assert (its.dtype, its.tolist()) == (mine.dtype, mine.tolist()), one.name
    assert found.words == expected.words
    return read


@_KINDS
@given(st.data())
@settings(max_examples=40)
def test_what_is_taken_is_what_the_codec_says_when_messages_are_any(kind: Kind, data: st.DataObject) -> None:
    payloads = data.draw(st.lists(_messages(kind) | _clean(kind) | st.binary(max_size=9), max_size=6))
    _assert_is_what_the_codec_says(kind, payloads)


@pytest.mark.parametrize("kind", _OF_NUMBERS, ids=lambda kind: kind.name)
@given(st.data())
@settings(max_examples=40)
def test_all_is_taken_when_messages_are_clean(kind: Kind, data: st.DataObject) -> None:
    payloads = data.draw(st.lists(_clean(kind), min_size=1, max_size=6))
    assert [] == _assert_is_what_the_codec_says(kind, payloads).left


@pytest.mark.parametrize("kind", _OF_NUMBERS, ids=lambda kind: kind.name)
@given(st.data())
@settings(max_examples=40)
def test_clean_messages_are_taken_when_others_are_among_them(kind: Kind, data: st.DataObject) -> None:
    clean = data.draw(st.lists(_clean(kind), max_size=3))
    broken = data.draw(st.lists(_clean(kind).map(lambda payload: payload[:-1]), max_size=3))
    mixed = data.draw(st.permutations([*((one, True) for one in clean), *((one, False) for one in broken)]))
    read = _assert_is_what_the_codec_says(kind, [payload for payload, _ in mixed])
    assert [place for place, (_, is_clean) in enumerate(mixed) if not is_clean] == read.left


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if kind.words], ids=lambda kind: kind.name)
@given(st.data())
@settings(max_examples=5)
def test_all_is_left_when_the_kind_has_words(kind: Kind, data: st.DataObject) -> None:
    payloads = data.draw(st.lists(_clean(kind), max_size=3))
    read = bulk.read(kind, payloads)
    assert (list(range(len(payloads))), 0, 0) == (read.left, len(read.arrivals), len(read.message))


def test_kinds_of_numbers_alone_are_these_when_looked_up() -> None:
    # Were there none, the tests above would hold of nothing.
    assert {FILL_LEVEL, POSITION_FIX} <= set(_OF_NUMBERS)


_ONE = b'"time":"2026-09-05T22:00:00Z","distance_mm":640'


@pytest.mark.parametrize(
    ("payload", "is_taken"),
    [
        (b'{"v":1,%s}' % _ONE, True),
        (b' { "v" : 1 , %s } \r\n' % _ONE, True),
        (b"{%s}" % _ONE, False),
        (b'{"v":0,%s}' % _ONE, False),
        (b'{"v":2,%s}' % _ONE, False),
        (b'{"v":true,%s}' % _ONE, False),
        (b'{"v":2,%s,"v":1}' % _ONE, False),
        (b'{"v":0,%s,"v":1}' % _ONE, False),
        (b'{"v":0,"readings":[{%s}],"v":1}' % _ONE, False),
        (b'{"v":1,%s,"v":1}' % _ONE, True),
        (b'{"v":1,%s,"v":2}' % _ONE, False),
        (b'{"v":1,"distance_mm":"x",%s}' % _ONE, False),
        (b'{"v":1,"distance_mm":20001,%s}' % _ONE, True),
        (b'{"v":1,%s,"distance_mm":20001}' % _ONE, False),
        (b'{"v":1,"time":"1999-01-01T00:00:00Z",%s}' % _ONE, True),
        (b'{"v":1,%s,"x":1}' % _ONE, False),
        (b'{"v":1,"readings":[{%s}]}' % _ONE, True),
        (b'{"v":1,"readings":[]}', False),
        (b'{"v":1,"readings":[{%s},{%s}]}' % (_ONE, _ONE), False),
        (b'{"v":1,"readings":[{%s},{}]}' % _ONE, False),
        (b'{"v":1,"readings":[{%s}],"v":0}' % _ONE, False),
        (b'{"readings":[{%s}]}' % _ONE, False),
        (b'{"v":1,"readings":[],"readings":[{%s}]}' % _ONE, True),
        (b'{"v":1,"readings":[{%s}],"readings":[]}' % _ONE, False),
        (b'{"v":1,"\\u0072eadings":[{%s}]}' % _ONE, False),
        (b'{"v":1,"readings":[{%s}],%s}' % (_ONE, _ONE), False),
        (b'{"v":1,"distance_mm":640,"network_time":"2026-09-05T22:00:00Z"}', False),
        (b'{"v":1,"time":null,"distance_mm":640}', False),
        (b'{"v":1,"time":"2026-09-05T22:00:00","distance_mm":640}', False),
        (b'{"v":1,"time":"2026-09-05T22:00:00Z","battery_v":3}', False),
        (b"", False),
        (b"\xff", False),
        (100_000 * b"[", False),
        (b'{"v":1,"readings":' + 100_000 * b"[", False),
    ],
)
def test_message_is_taken_or_left_when_it_is_odd(payload: bytes, *, is_taken: bool) -> None:
    read = _assert_is_what_the_codec_says(FILL_LEVEL, [payload])
    assert ([] if is_taken else [0]) == read.left


@pytest.mark.parametrize(("count", "left"), [(READINGS_MAX, []), (READINGS_MAX + 1, [0])])
def test_array_is_taken_when_it_is_not_too_long(count: int, left: list[int]) -> None:
    elements = [{"time": _written(_TIME_US + place), "distance_mm": place} for place in range(count)]
    payload = json.dumps({"v": 1, "readings": elements}).encode()
    assert left == _assert_is_what_the_codec_says(FILL_LEVEL, [payload]).left


@pytest.mark.parametrize("quantity", FILL_LEVEL.quantities, ids=lambda quantity: quantity.name)
@pytest.mark.parametrize("by", [-1, -0.51, -0.5, 0, 0.5, 0.51, 1, 1e300])
@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_number_is_taken_or_left_as_the_codec_does_when_it_is_at_its_limit(
    quantity: Quantity, by: float, end: str
) -> None:
    said = (getattr(quantity, end) + by) / quantity.scale
    message: dict[str, Any] = {"v": 1, "time": _written(_TIME_US), "distance_mm": 640, quantity.said: said}
    payload = json.dumps(message).encode()
    is_refused = bool(decode_native(payload).rejections)
    assert [0] * is_refused == _assert_is_what_the_codec_says(FILL_LEVEL, [payload]).left


@pytest.mark.parametrize("limit_us", _LIMITS_US)
@pytest.mark.parametrize("tick_us", [-1, 0, 1])
@pytest.mark.parametrize("field", ["time", "sent_time", "network_time"])
def test_time_is_exact_when_it_is_at_a_limit(limit_us: int, tick_us: int, field: str) -> None:
    message = {"v": 1, "time": _written(_TIME_US), "distance_mm": 640, field: _written(limit_us + tick_us)}
    _assert_is_what_the_codec_says(FILL_LEVEL, [json.dumps(message).encode()])


@pytest.mark.parametrize(
    ("network_us", "sent_us", "expected"),
    [
        (None, None, Clock.UNCHECKED),
        (None, 0, Clock.UNCHECKED),
        (0, None, Clock.UNCHECKED),
        (0, 0, Clock.AGREES),
        (0, CLOCK_TOLERANCE_US, Clock.AGREES),
        (0, CLOCK_TOLERANCE_US + 1, Clock.DISAGREES),
        (-CLOCK_TOLERANCE_US, None, Clock.UNCHECKED),
        (-CLOCK_TOLERANCE_US - 1, None, Clock.DISAGREES),
        (ROLLOVER_US + _DAY_US, None, Clock.ROLLED_OVER),
        (ROLLOVER_US + _DAY_US + 1, None, Clock.UNCHECKED),
        (2 * ROLLOVER_US - _DAY_US, 0, Clock.ROLLED_OVER),
        (2 * ROLLOVER_US - _DAY_US - 1, 2 * ROLLOVER_US, Clock.DISAGREES),
    ],
)
def test_clock_is_judged_when_taken_in_bulk(network_us: int | None, sent_us: int | None, expected: Clock) -> None:
    event_us = _LIMITS_US[1]
    beside = {"network_time": network_us, "sent_time": sent_us}
    times = {name: _written(event_us + at_us) for name, at_us in beside.items() if at_us is not None}
    message = {"v": 1, "time": _written(event_us), "distance_mm": 640, **times}
    read = _assert_is_what_the_codec_says(FILL_LEVEL, [json.dumps(message).encode()])
    assert ([], [expected]) == (read.left, read.arrivals.clock.tolist())


def test_nothing_is_read_when_there_is_nothing() -> None:
    read = bulk.read(FILL_LEVEL, [])
    assert (0, 0, []) == (len(read.arrivals), len(read.message), read.left)
