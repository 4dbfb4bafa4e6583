"""Receipts: exactly the numbers of a batch, as runs, one message a device and kind; junk is none."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.receipts import RUNS_MAX, Receipt, parse, receipts, topic
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.readings import NOT_SAID, EventTimeSource, Reading
from storage.readings import Batch
from tests.storage.cases import batch_of, reading


def _fix(device: str, sequence: int) -> Reading:
    values = (1, 2, *[NOT_SAID] * (len(POSITION_FIX.quantities) - 2))
    return replace(reading(device, sequence=sequence), kind=POSITION_FIX, values=values)


def _given(several: Sequence[Reading]) -> list[tuple[str, Receipt]]:
    given_ = [(to, parse(payload)) for to, payload in receipts(batch_of(several))]
    return [(to, one) for to, one in given_ if one is not None or pytest.fail("what was sent is no receipt")]


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        ([1], [(1, 1)]),
        ([1, 2, 3], [(1, 3)]),
        ([3, 1, 2], [(1, 3)]),
        ([2, 2, 2], [(2, 2)]),
        ([1, 1, 2, 2, 3], [(1, 3)]),
        ([1, 3], [(1, 1), (3, 3)]),
        ([5, 1, 4, 9, 2, 2**53], [(1, 2), (4, 5), (9, 9), (2**53, 2**53)]),
        ([0, 1], [(1, 1)]),
        ([0], None),
        ([], None),
    ],
)
def test_runs_are_the_numbers_when_a_batch_is_committed(
    sequences: list[int], expected: list[tuple[int, int]] | None
) -> None:
    found = _given([reading(sequence=sequence, distance_mm=place) for place, sequence in enumerate(sequences)])
    receipt = [] if expected is None else [(topic("bin-1"), Receipt("city", "fill_level", expected))]
    assert receipt == found


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["city", "town"]), st.booleans(), st.integers(0, 30)),
        max_size=40,
    )
)
def test_receipts_hold_what_came_and_nothing_else_when_a_batch_is_any(
    drawn: list[tuple[str, str, bool, int]],
) -> None:
    several = [
        replace(_fix(device, sequence) if is_fix else reading(device, sequence=sequence), source=source)
        for device, source, is_fix, sequence in drawn
    ]
    found = _given(several)
    keys = [(to, receipt.source, receipt.kind) for to, receipt in found]
    assert sorted(set(keys)) == sorted(keys)
    for to, receipt in found:
        came = {
            one.sequence
            for one in several
            if (topic(one.device), one.source, one.kind.name) == (to, receipt.source, receipt.kind)
        }
        assert came - {0} == {number for number in range(40) if receipt.holds(number)}
    assert {(topic(one.device), one.source, one.kind.name) for one in several if one.sequence} == set(keys)


def test_number_is_not_confirmed_when_it_is_a_digest_of_ours() -> None:
    untimed = replace(reading(sequence=7), event_time_source=EventTimeSource.RECEIPT, event_time_us=0)
    assert [] == _given([untimed])
    assert [(topic("bin-1"), Receipt("city", "fill_level", [(3, 3)]))] == _given([untimed, reading(sequence=3)])


@pytest.mark.parametrize("count", [RUNS_MAX, RUNS_MAX + 1, 3 * RUNS_MAX])
def test_runs_are_bounded_when_numbers_have_gaps(count: int) -> None:
    several = [reading(sequence=1 + 2 * place) for place in range(count)]
    ((_, receipt),) = _given(several)
    assert [(1 + 2 * place, 1 + 2 * place) for place in range(RUNS_MAX)] == receipt.sequences
    ((_, payload),) = receipts(batch_of(several))
    assert len(payload) < 8_192


def test_nothing_is_said_to_devices_when_their_source_is_deaf() -> None:
    several = [replace(reading(sequence=3), source=source) for source in ("lns", "city", "gps")]
    found = [parse(payload) for _, payload in receipts(batch_of(several), frozenset({"lns", "gps"}))]
    assert [Receipt("city", "fill_level", [(3, 3)])] == found


def test_nothing_is_said_when_there_are_no_readings() -> None:
    assert [] == list(receipts(Batch((), (), (), 3)))


def test_payload_is_as_documented_when_written() -> None:
    ((to, payload),) = receipts(batch_of([reading(sequence=one) for one in (1, 2, 7)]))
    said = {"v": 1, "source": "city", "kind": "fill_level", "sequences": [[1, 2], [7, 7]]}
    assert ("poniente/receipt/bin-1", said) == (to, json.loads(payload))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"v":1}',
        b'{"v":2,"source":"city","kind":"x","sequences":[]}',
        b'{"v":1,"source":1,"kind":"x","sequences":[]}',
        b'{"v":1,"source":"city","kind":"x","sequences":[1]}',
        b'{"v":1,"source":"city","kind":"x","sequences":[[1]]}',
        b'{"v":1,"source":"city","kind":"x","sequences":[[1,2,3]]}',
        b'{"v":1,"source":"city","kind":"x","sequences":[["1",2]]}',
        b'{"v":1,"source":"city","kind":"x","sequences":null}',
        b'{"v":1,"source":"\xff","kind":"x","sequences":[]}',
        b'{"v":1,"source":"city","kind":"x","sequences":' + 100_000 * b"[",
    ],
)
def test_parse_gives_nothing_when_it_is_no_receipt(payload: bytes) -> None:
    assert parse(payload) is None


@given(st.binary(max_size=60))
def test_parse_raises_nothing_when_bytes_are_any(payload: bytes) -> None:
    assert parse(payload) is None or payload.strip().startswith(b"{")


def test_receipt_holds_the_ends_of_its_runs() -> None:
    receipt = Receipt("city", "fill_level", [(2, 4), (9, 9)])
    assert [2, 3, 4, 9] == [number for number in range(12) if receipt.holds(number)]
