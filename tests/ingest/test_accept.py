"""Topic and bytes: whatever comes, something is said about it and nothing is raised."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.accept import NATIVE, PAYLOAD_BYTES_MAX, accept, source_of
from sensors.readings import NOT_SAID, Decoded, Reason
from sensors.registry import kinds
from sensors.sources import Source
from sensors.topics import ROOT

_OURS = f"{ROOT}/city/bin-1/fill_level"
_OF_A_KIND = st.sampled_from(sorted(kinds())).map(lambda kind: f"{ROOT}/city/bin-1/{kind}")
_TOPICS = st.one_of(
    _OF_A_KIND,
    st.text(max_size=100),
    st.tuples(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9)).map(
        lambda parts: "/".join((ROOT, *parts))
    ),
)
_INSTANTS = st.one_of(
    st.datetimes().map(lambda instant: instant.isoformat() + "Z"),
    st.datetimes().map(lambda instant: instant.isoformat() + "-14:00"),
    st.sampled_from(["2026-09-05T22:00:00Z", "2026-09-05T22:00:00", "", "x"]),
)
_SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), _INSTANTS
)
_NAMES = st.sampled_from(
    [
        "time",
        "sequence",
        "sent_time",
        "network_time",
        "v",
        "x",
        *(one.said for kind in kinds().values() for one in (*kind.quantities, *kind.words)),
    ]
)
_ELEMENTS = st.dictionaries(_NAMES, _SCALARS, max_size=8) | st.fixed_dictionaries(
    {"time": _INSTANTS, "distance_mm": st.floats() | st.integers(0, 20_000)}
)
_ARRAYS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"v": st.just(1), "readings": st.lists(_ELEMENTS | _SCALARS, max_size=6)}
)
_MESSAGES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    _ELEMENTS.map(lambda element: {"v": 1, **element}),
    _ARRAYS,
    st.tuples(_ARRAYS, _INSTANTS, _INSTANTS).map(
        lambda parts: {**parts[0], "sent_time": parts[1], "network_time": parts[2]}
    ),
)


def _accept(topic: str, payload: bytes) -> Decoded:
    return accept(source_of((), topic), topic, payload)


def _is_consistent(decoded: Decoded) -> bool:
    return all(
        (stored == NOT_SAID or quantity.minimum <= stored <= quantity.maximum)
        and 0 <= reading.event_time_us < 2**32 * 1_000_000
        for reading in decoded.readings
        for quantity, stored in zip(reading.kind.quantities, reading.values, strict=True)
    )


@given(_TOPICS, st.binary(max_size=300))
def test_accept_says_something_when_topic_and_bytes_are_any(topic: str, payload: bytes) -> None:
    decoded = _accept(topic, payload)
    assert decoded.readings or decoded.rejections


@given(_OF_A_KIND, _MESSAGES)
def test_accept_accounts_for_every_element_when_the_message_is_nearly_right(
    topic: str, message: dict[str, Any]
) -> None:
    decoded = _accept(topic, json.dumps(message).encode())
    elements = len(message["readings"]) if isinstance(message.get("readings"), list) else 1
    assert _is_consistent(decoded)
    assert decoded.is_message_rejected or elements == len(decoded.readings) + len(decoded.rejections)


@given(_MESSAGES, st.data())
def test_accept_says_something_when_bytes_of_a_message_are_changed(
    message: dict[str, Any], data: st.DataObject
) -> None:
    payload = bytearray(json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass"))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=3))
        if not payload:
            break
    decoded = _accept(_OURS, bytes(payload))
    assert _is_consistent(decoded)
    assert decoded.readings or decoded.rejections or b'"readings"' in payload


def test_accept_rejects_when_the_topic_is_foreign() -> None:
    assert [(one.index, one.reason) for one in _accept("x", b"{}").rejections] == [(-1, Reason.TOPIC_UNKNOWN)]


@pytest.mark.parametrize("kind", ["position", "fill-level", "status", "cmd"])
def test_accept_rejects_when_the_kind_is_unknown(kind: str) -> None:
    decoded = _accept(f"{ROOT}/city/bin-1/{kind}", b"{}")
    assert [(one.index, one.reason, one.source, one.device) for one in decoded.rejections] == [
        (-1, Reason.KIND_UNKNOWN, "city", "bin-1")
    ]


def test_accept_has_nothing_to_say_when_an_array_is_empty() -> None:
    assert Decoded([], []) == _accept(_OURS, b'{"v":1,"readings":[]}')


_GOOD = b'{"v":1,"time":"2026-09-05T22:00:00Z","distance_mm":640}'


@pytest.mark.parametrize(("spare", "expected"), [(0, []), (1, [Reason.PAYLOAD_TOO_LARGE])])
def test_payload_is_bounded_when_it_is_long(spare: int, expected: list[Reason]) -> None:
    decoded = _accept(_OURS, _GOOD.ljust(PAYLOAD_BYTES_MAX + spare))
    assert expected == [one.reason for one in decoded.rejections]
    assert (1 - len(expected), bool(expected)) == (len(decoded.readings), decoded.is_message_rejected)


@pytest.mark.parametrize("source", [NATIVE, Source("hub", "hub/#", "ngsi")])
def test_payload_is_not_looked_at_when_it_is_too_long(source: Source) -> None:
    topic = _OURS if source is NATIVE else "hub/a"
    (rejection,) = accept(source, topic, (PAYLOAD_BYTES_MAX + 1) * b"\xff").rejections
    who = ("city", "bin-1") if source is NATIVE else ("hub", "")
    assert (Reason.PAYLOAD_TOO_LARGE, -1, *who) == (
        rejection.reason,
        rejection.index,
        rejection.source,
        rejection.device,
    )


def test_source_is_the_first_whose_filter_has_the_topic() -> None:
    several = [Source("a", "hub/+", "ngsi"), Source("b", "hub/#", "ngsi"), Source("c", "other", "ngsi")]
    topics = ["hub/x", "hub/x/y", "hub", "other", "other/x", _OURS, f"{ROOT}/city/bin-1"]
    found = [source_of(several, topic) for topic in topics]
    assert ["a", "b", "b", "c", None, "", None] == [None if one is None else one.name for one in found]
