"""Frames delivered again: one reading at the first delivery's time, in any order of arrival, and counted as such."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby, pairwise

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.columns import Columns, nothing
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.readings import NO_TIME_US, REPEAT_US, Clock, EventTimeSource, Reading, content_digest
from storage import readings, repeats
from storage.instants import instant
from tests.sensors.cases import levels
from tests.storage.cases import EVER, LAST, START, at_us, counted, marks, put, writer

_START_US = at_us(START)
_SECOND_US = 1_000_000
_NETWORK, _DEVICE = EventTimeSource.NETWORK, EventTimeSource.DEVICE


@dataclass(frozen=True, slots=True)
class _Frame:
    """A delivery: when, under which number, saying what, by which clock."""

    at_us: int
    sequence: int = 7
    distance_mm: int = 640
    source: EventTimeSource = _NETWORK
    device: str = "bin-1"

    @property
    def digest(self) -> bytes:
        return content_digest(levels(distance_mm=self.distance_mm), Clock.UNCHECKED)

    def reading(self, city: str = "city") -> Reading:
        is_network = self.source is _NETWORK
        times = (NO_TIME_US, self.at_us, NO_TIME_US) if is_network else (self.at_us, NO_TIME_US, NO_TIME_US)
        values = levels(distance_mm=self.distance_mm)
        who = (FILL_LEVEL, city, self.device)
        return Reading(*who, self.at_us, self.source, self.sequence, *times, Clock.UNCHECKED, values)


def _at(seconds: float, **more: object) -> _Frame:
    return _Frame(_START_US + round(seconds * _SECOND_US), **more)  # pyright: ignore[reportArgumentType]


def _expected(frames: Sequence[_Frame]) -> list[tuple[str, int, int, bytes]]:
    """Say what must be read, frame by frame: each content once, at the first of deliveries minutes apart."""
    found: set[tuple[str, int, int, bytes]] = set()
    for (device, sequence, source), several in groupby(
        sorted(set(frames), key=lambda one: (one.device, one.sequence, one.source, one.at_us)),
        key=lambda one: (one.device, one.sequence, one.source),
    ):
        first_us = before_us = -(2**62)
        for one in several:
            if one.at_us - before_us > REPEAT_US or not (source is _NETWORK and sequence):
                first_us = one.at_us
            before_us = one.at_us
            found.add((device, first_us, sequence, one.digest))
    return sorted(found)


def _seen(
    connection: psycopg.Connection, city: str, span: tuple[int, int] | None = None, known_through: int = LAST
) -> list[tuple[str, int, int, bytes]]:
    rows = connection.execute("select device_id, device from device where source = %s", [city]).fetchall()
    names: dict[int, str] = dict(rows)
    within = EVER if span is None else (instant(span[0]), instant(span[1]))
    found = readings.read_columns(connection, FILL_LEVEL, sorted(names), within, known_through)
    digests = [one.tobytes() for one in found.digest]
    whose = [names[one] for one in found.device_id.tolist()]
    return list(zip(whose, found.event_time_us.tolist(), found.sequence.tolist(), digests, strict=True))


_DELIVERIES = st.lists(
    st.builds(
        _at,
        st.sampled_from([-0.000001, 0, 1, 30, 599, 600, 600.000001, 601, 1_199, 1_200, 1_500, 3_599, 3_600, 90_000]),
        sequence=st.sampled_from([0, 7, 8]),
        distance_mm=st.sampled_from([1, 2]),
        device=st.sampled_from(["bin-1", "bin-2"]),
    ),
    max_size=9,
)


# What a device timed goes by numbers of its own.
_FRAMES = _DELIVERIES.map(
    lambda several: [replace(one, source=_DEVICE, sequence=9) if one.sequence == 8 else one for one in several]
)


def test_order_of_arrival_changes_nothing_when_frames_are_delivered_again(database: str) -> None:
    number = 0
    with writer(database) as connection:

        @given(_FRAMES, st.data())
        @settings(max_examples=40)
        def holds(frames: list[_Frame], data: st.DataObject) -> None:
            nonlocal number
            number += 1
            city = f"city-{number}"
            rest = data.draw(st.permutations(frames))
            while rest:
                size = data.draw(st.integers(1, len(rest)))
                put(connection, *(one.reading(city) for one in rest[:size]))
                rest = rest[size:]
            assert _expected(frames) == sorted(_seen(connection, city))
            assert sum(counted(connection, city).values()) == len(frames)

        holds()


def test_spans_beside_each_other_give_what_one_span_gives_when_frames_are_delivered_again(database: str) -> None:
    frames = [_at(s, sequence=n, distance_mm=d) for s in range(0, 4_000, 400) for n in (1, 2) for d in (1, 2)]
    frames += [_at(s + 0.5, sequence=3) for s in (100, 5_000, 5_600, 7_300)]
    with writer(database) as connection:
        put(connection, *(one.reading() for one in frames[::-1]))
        whole = _seen(connection, "city")
        cuts = [_START_US + s * _SECOND_US for s in (-1, 1, 399, 400, 401, 2_000, 3_600, 5_100, 5_601, 9_000)]
        parts = [row for span in pairwise(cuts) for row in _seen(connection, "city", span)]
    assert (sorted(parts), sorted(whole)) == (sorted(whole), _expected(frames))


def test_what_was_known_stays_when_an_earlier_delivery_comes_later(database: str) -> None:
    with writer(database) as connection:
        known_through = put(connection, _at(30).reading()).batch_seq
        put(connection, _at(0).reading())
        found = [_seen(connection, "city", None, known) for known in (known_through, LAST)]
    assert [[("bin-1", _START_US + 30 * _SECOND_US)], [("bin-1", _START_US)]] == [
        [one[:2] for one in rows] for rows in found
    ]


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        pytest.param([[_at(0)], [_at(30)]], {"accepted": 1, "duplicate": 1}, id="same_content"),
        pytest.param([[_at(30)], [_at(0)]], {"accepted": 1, "duplicate": 1}, id="the_earlier_one_later"),
        pytest.param([[_at(0), _at(30)]], {"accepted": 1, "duplicate": 1}, id="in_one_batch"),
        pytest.param([[_at(0)], [_at(30, distance_mm=1)]], {"accepted": 1, "conflict": 1}, id="other_content"),
        pytest.param(
            [[_at(0), _at(30, distance_mm=1)]], {"accepted": 1, "conflict": 1}, id="other_content_in_one_batch"
        ),
        pytest.param([[_at(0)], [_at(600)]], {"accepted": 1, "duplicate": 1}, id="at_the_limit"),
        pytest.param([[_at(0)], [_at(600.000001)]], {"accepted": 2}, id="beyond_the_limit"),
        pytest.param([[_at(0)], [_at(30, sequence=8)]], {"accepted": 2}, id="other_number"),
        pytest.param([[_at(0, sequence=0)], [_at(30, sequence=0)]], {"accepted": 2}, id="no_number"),
        pytest.param([[_at(0)], [_at(30, device="bin-2")]], {"accepted": 2}, id="other_device"),
        pytest.param(
            [[_at(0, source=_DEVICE)], [_at(30, source=_DEVICE)]], {"accepted": 2}, id="by_the_device_s_clock"
        ),
        pytest.param([[_at(0)], [_at(0)], [_at(30)]], {"accepted": 1, "duplicate": 2}, id="and_by_the_broker"),
        pytest.param([[_at(0), _at(0), _at(30), _at(30)]], {"accepted": 1, "duplicate": 3}, id="and_in_one_batch"),
    ],
)
def test_frame_is_counted_as_what_it_is_when_it_is_delivered_again(
    database: str, batches: list[list[_Frame]], expected: dict[str, int]
) -> None:
    with writer(database) as connection:
        found = [put(connection, *(one.reading() for one in batch)).readings for batch in batches]
        assert expected == counted(connection)
    totals = {outcome: sum(one.get(outcome, 0) for one in found) for outcome in {key for one in found for key in one}}
    assert expected == {outcome.value: n for outcome, n in totals.items() if n}


@pytest.mark.parametrize("batches", [[3], [1, 1, 1], [2, 1], [1, 2]], ids=str)
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], ids=str)
@pytest.mark.parametrize("contents", [(1, 1, 2), (1, 2, 1), (2, 1, 1)], ids=str)
def test_order_of_arrival_changes_no_count_when_one_of_three_deliveries_differs(
    embedded_database: str, batches: list[int], order: tuple[int, ...], contents: tuple[int, ...]
) -> None:
    frames = [_at(30 * place, distance_mm=contents[place]) for place in order]
    with writer(embedded_database) as connection:
        for size in batches:
            put(connection, *(one.reading() for one in frames[:size]))
            frames = frames[size:]
        assert {"accepted": 1, "conflict": 1, "duplicate": 1} == counted(connection)


def test_hours_are_marked_when_an_earlier_delivery_comes_later(database: str) -> None:
    # The reading moves from one hour to the one before.
    with writer(database) as connection:
        first = put(connection, _at(10).reading()).batch_seq
        second = put(connection, _at(-10).reading()).batch_seq
        found = marks(connection)
    hour = timedelta(hours=1)
    assert (first + 1, second) == (second, found.get(("bin-1", START - hour)))


def _columns(frames: Sequence[_Frame]) -> tuple[Columns, np.ndarray[tuple[int], np.dtype[np.int16]]]:
    rows = sorted({(one.device, one.at_us, one.sequence, one.digest, one.source, one.distance_mm) for one in frames})
    empty = nothing(FILL_LEVEL)
    found = Columns(
        FILL_LEVEL,
        np.array([int(row[0][-1]) for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        np.zeros(len(rows), np.int16),
        {**{name: np.zeros(len(rows), np.int32) for name in empty.numbers},
         "distance_mm": np.array([row[5] for row in rows], np.int32)},
        {},
        np.frombuffer(b"".join(row[3] for row in rows), "V16"),
    )  # fmt: skip
    return found, np.array([row[4] for row in rows], np.int16)


@given(_FRAMES)
def test_settled_is_the_frames_one_by_one_when_they_are_any(frames: list[_Frame]) -> None:
    found, sources = _columns(frames)
    settled = repeats.settled(found, sources)
    rows = [
        (f"bin-{device}", at, sequence, digest.tobytes(), distance)
        for device, at, sequence, digest, distance in zip(
            settled.device_id.tolist(),
            settled.event_time_us.tolist(),
            settled.sequence.tolist(),
            settled.digest,
            settled.numbers["distance_mm"].tolist(),
            strict=True,
        )
    ]
    of_digest = {one.digest: one.distance_mm for one in frames}
    expected = _expected(frames)
    assert [(*one, of_digest[one[3]]) for one in expected] == rows


@pytest.mark.parametrize(
    "frames", [[], [_at(0)], [_at(0), _at(700)], [_at(0, source=_DEVICE), _at(1, source=_DEVICE)]]
)
def test_settled_gives_the_same_columns_when_nothing_repeats(frames: list[_Frame]) -> None:
    found, sources = _columns(frames)
    assert repeats.settled(found, sources) is found
