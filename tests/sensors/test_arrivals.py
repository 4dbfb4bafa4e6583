"""Readings as columns: digests as the readings' own, rows and joints that mix nothing up."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.arrivals import Arrivals, digests, joined, of_readings
from sensors.readings import NO_TIME_US, Clock, EventTimeSource, Kind, Reading, content_digest
from sensors.registry import kinds
from tests.sensors.cases import numbers_of, said_by, words_of

_KINDS = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
_INSTANTS_US = st.integers(0, 2**52)
_MAYBE_US = _INSTANTS_US | st.just(NO_TIME_US)


@st.composite
def _reading(draw: st.DrawFn, kind: Kind) -> tuple[Reading, int]:
    said = draw(said_by(kind))
    return (
        Reading(
            kind,
            "city",
            draw(st.sampled_from(["a", "b", "c"])),
            draw(_INSTANTS_US),
            draw(st.sampled_from(EventTimeSource)),
            draw(st.integers(0, 2**63 - 1)),
            draw(_MAYBE_US),
            draw(_MAYBE_US),
            draw(_MAYBE_US),
            draw(st.sampled_from(Clock)),
            numbers_of(kind, said),
            words_of(kind, said),
        ),
        draw(_INSTANTS_US),
    )


def _readings(kind: Kind) -> st.SearchStrategy[list[tuple[Reading, int]]]:
    return st.lists(_reading(kind), max_size=8)


def _laid(kind: Kind, several: Sequence[tuple[Reading, int]], devices: list[tuple[str, str]]) -> Arrivals:
    def place_of(source: str, device: str) -> int:
        if (source, device) not in devices:
            devices.append((source, device))
        return devices.index((source, device))

    return of_readings(kind, several, place_of)


def _read_back(arrivals: Arrivals, devices: Sequence[tuple[str, str]]) -> list[tuple[Reading, int]]:
    """Make readings of columns again, row by row."""
    kind = arrivals.kind
    return [
        (
            Reading(
                kind,
                *devices[int(arrivals.device[row])],
                int(arrivals.event_time_us[row]),
                EventTimeSource(int(arrivals.event_time_source[row])),
                int(arrivals.sequence[row]),
                int(arrivals.device_time_us[row]),
                int(arrivals.network_time_us[row]),
                int(arrivals.sent_time_us[row]),
                Clock(int(arrivals.clock[row])),
                tuple(arrivals.values[:, row].tolist()),
                arrivals.words[row] if kind.words else (),
            ),
            int(arrivals.received_us[row]),
        )
        for row in range(len(arrivals))
    ]


def _digests_of(several: Sequence[tuple[Reading, int]]) -> list[bytes]:
    return [content_digest(one.values, one.clock, one.words) for one, _ in several]


@_KINDS
@given(st.data())
@settings(max_examples=30)
def test_columns_hold_every_field_and_digest_when_readings_are_any(kind: Kind, data: st.DataObject) -> None:
    several = data.draw(_readings(kind))
    devices: list[tuple[str, str]] = []
    arrivals = _laid(kind, several, devices)
    assert several == _read_back(arrivals, devices)
    assert _digests_of(several) == [one.tobytes() for one in arrivals.digest]
    assert (len(several), (len(kind.quantities), len(several))) == (len(arrivals), arrivals.values.shape)


@_KINDS
@given(st.data())
@settings(max_examples=30)
def test_digest_of_each_row_is_its_reading_s_when_made_together(kind: Kind, data: st.DataObject) -> None:
    several = data.draw(_readings(kind))
    values = np.array([one.values for one, _ in several], np.int32).reshape(len(several), len(kind.quantities)).T
    clock = np.array([one.clock for one, _ in several], np.int16)
    words = tuple(one.words for one, _ in several) if kind.words else ()
    assert _digests_of(several) == [one.tobytes() for one in digests(values, clock, words)]


@_KINDS
@given(st.data())
@settings(max_examples=15)
def test_rows_are_those_chosen_when_cut(kind: Kind, data: st.DataObject) -> None:
    several = data.draw(_readings(kind))
    devices: list[tuple[str, str]] = []
    arrivals = _laid(kind, several, devices)
    is_chosen = data.draw(st.lists(st.booleans(), min_size=len(several), max_size=len(several)))
    kept = arrivals.rows(np.array(is_chosen, np.bool_))
    expected = [one for one, chosen in zip(several, is_chosen, strict=True) if chosen]
    assert expected == _read_back(kept, devices)
    assert _digests_of(expected) == [one.tobytes() for one in kept.digest]
    order = data.draw(st.permutations(range(len(several))))
    moved = arrivals.rows(np.array(order, np.intp))
    assert [several[place] for place in order] == _read_back(moved, devices)


@_KINDS
@given(st.data())
@settings(max_examples=15)
def test_joined_is_one_behind_the_other_when_parts_are_any(kind: Kind, data: st.DataObject) -> None:
    parts = data.draw(st.lists(_readings(kind), min_size=1, max_size=3))
    devices: list[tuple[str, str]] = []
    whole = joined([_laid(kind, part, devices) for part in parts])
    expected = [one for part in parts for one in part]
    assert expected == _read_back(whole, devices)
    assert _digests_of(expected) == [one.tobytes() for one in whole.digest]
    types = {
        one.name: getattr(whole, one.name).dtype for one in fields(Arrivals) if one.name not in {"kind", "words"}
    }
    assert types == {
        **dict.fromkeys(("event_time_source", "clock"), np.dtype(np.int16)),
        **dict.fromkeys(("device", "event_time_us", "sequence", "device_time_us"), np.dtype(np.int64)),
        **dict.fromkeys(("network_time_us", "sent_time_us", "received_us"), np.dtype(np.int64)),
        "values": np.dtype(np.int32),
        "digest": np.dtype("V16"),
    }


def test_told_changes_who_and_when_alone() -> None:
    kind = kinds()["fill_level"]
    one = Reading(kind, "city", "a", 5, EventTimeSource.DEVICE, 1, 5, 6, 7, Clock.AGREES, (1, *[2] * 12))
    arrivals = of_readings(kind, [(one, 0)], lambda _source, _device: 0)
    told = arrivals.told(np.array([3], np.int64), np.array([9], np.int64))
    assert ([3], [9]) == (told.device.tolist(), told.received_us.tolist())
    assert [(one, 9)] == _read_back(told, [("", "")] * 3 + [("city", "a")])
