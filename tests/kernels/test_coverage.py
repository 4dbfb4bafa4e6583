"""Coverage of streets: every kernel against the obvious version, and the contract's worked example."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import coverage
from tests import vehicle_oracle as oracle
from tests.kernels.cases import i8, i32, i64, u8

STREETS = 3
LENGTH_MM = (12, 30, 7)

span = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda two: (min(two), max(two)))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one vehicle: pair, street, direction, ends, whether chosen; error of each fix."""

    fix: list[int]
    segment: list[int]
    direction: list[int]
    ends: list[tuple[int, int]]
    chosen: list[int]
    error: list[int]


@st.composite
def driven(draw: st.DrawFn) -> Rows:
    """Draw rows in the order of time; some have no length, some pairs have no rows."""
    fixes = draw(st.integers(2, 6))
    fix = sorted(draw(st.lists(st.integers(0, fixes - 2), max_size=8)))
    size = len(fix)
    segment = draw(st.lists(st.integers(0, STREETS - 1), min_size=size, max_size=size))
    ends: list[tuple[int, int]] = []
    for street in segment:
        one, other = (draw(st.integers(0, LENGTH_MM[street])) for _ in range(2))
        ends.append((min(one, other), max(one, other)))
    return Rows(
        fix,
        segment,
        [1 if is_along else -1 for is_along in draw(st.lists(st.booleans(), min_size=size, max_size=size))],
        ends,
        draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)),
        draw(st.lists(st.integers(0, 9), min_size=fixes, max_size=fixes)),
    )


def both(ends: list[tuple[int, int]]) -> tuple[coverage.Rows, coverage.Rows]:
    """Make two columns of pairs."""
    return i32([begin for begin, _ in ends]), i32([end for _, end in ends])


@given(driven())
def test_pieces_are_the_oracles_when_rows_are_any(rows: Rows) -> None:
    row, from_mm, until_mm = coverage.pieces(
        i32(rows.fix),
        i32(rows.segment),
        i8(rows.direction),
        both(rows.ends),
        u8(rows.chosen),
        i64(rows.error),
    )
    expected = oracle.pieces(rows.fix, rows.segment, rows.direction, rows.ends, rows.chosen, rows.error)
    assert expected == list(zip(row.tolist(), from_mm.tolist(), until_mm.tolist(), strict=True))


@st.composite
def long_driven(draw: st.DrawFn) -> Rows:
    """Draw rows of which most go on along the street of the one before, so that many tell."""
    size = draw(st.integers(1, 30))
    fix, segment, direction = [0], [0], [1]
    for _ in range(size - 1):
        fix.append(fix[-1] + draw(st.sampled_from([0, 1, 1, 1, 1, 2])))
        turns = draw(st.sampled_from([False] * 9 + [True]))
        segment.append((segment[-1] + turns) % STREETS)
        direction.append(direction[-1] * draw(st.sampled_from([1] * 9 + [-1])))
    at = [draw(st.integers(0, 40)) for _ in range(size)]
    ends = [(one, one + draw(st.integers(0, 9))) for one in (sorted(at) if draw(st.booleans()) else at)]
    return Rows(fix, segment, direction, ends, [1] * size, [draw(st.integers(0, 30)) for _ in range(fix[-1] + 2)])


@given(long_driven(), st.data())
def test_when_is_the_oracles_when_rows_are_any(rows: Rows, data: st.DataObject) -> None:
    size = len(rows.fix)
    known = [(10 * at, error) for at, error in enumerate(rows.error)]
    piece = st.tuples(st.integers(0, size - 1), span, st.tuples(st.integers(0, 300), st.integers(0, 300)))
    pieces = data.draw(st.lists(piece, max_size=5))
    by_us, after_us = coverage.when(
        i32(rows.fix),
        i32(rows.segment),
        i8(rows.direction),
        both(rows.ends),
        (i64([t for t, _ in known]), i64(rows.error)),
        i32([row for row, _, _ in pieces]),
        both([cut for _, cut, _ in pieces]),
        (i64([enter for _, _, (enter, _) in pieces]), i64([leave for _, _, (_, leave) in pieces])),
        20,
    )
    columns = list(zip(rows.fix, rows.segment, rows.direction, rows.ends, strict=True))
    expected = [oracle.when(columns, known, one, 20) for one in pieces]
    assert expected == list(zip(by_us.tolist(), after_us.tolist(), strict=True))


parts = st.lists(st.tuples(st.integers(0, STREETS - 1), span), max_size=90)


@given(parts)
def test_covered_is_the_oracles_when_pieces_are_any(pieces: list[tuple[int, tuple[int, int]]]) -> None:
    found = coverage.covered(i32([street for street, _ in pieces]), both([ends for _, ends in pieces]), STREETS)
    expected = [oracle.covered([ends for at, ends in pieces if at == street]) for street in range(STREETS)]
    assert expected == found.tolist()


@given(parts, st.randoms(use_true_random=False))
def test_covered_when_pieces_come_in_another_order(pieces: list[tuple[int, tuple[int, int]]], random: Random) -> None:
    def found() -> list[int]:
        ends = both([ends for _, ends in pieces])
        return coverage.covered(i32([street for street, _ in pieces]), ends, STREETS).tolist()

    before = found()
    random.shuffle(pieces)
    assert before == found()


stay = st.tuples(st.integers(0, STREETS - 1), span, span, st.integers(0, 1))


@given(st.lists(stay, max_size=12), st.integers(0, 5))
def test_visits_are_the_oracles_when_pieces_are_any(
    pieces: list[tuple[int, tuple[int, int], tuple[int, int], int]], apart: int
) -> None:
    streets, ends = [piece[0] for piece in pieces], [piece[1] for piece in pieces]
    spans, proven = [piece[2] for piece in pieces], [piece[3] for piece in pieces]
    times = (i64([begin for begin, _ in spans]), i64([end for _, end in spans]))
    start, span_us, covered_mm = coverage.visits(i32(streets), both(ends), times, u8(proven), apart, STREETS)
    found = list(zip(*(column.tolist() for column in (*span_us, *covered_mm)), strict=True))
    for street in range(STREETS):
        here = [index for index, one in enumerate(streets) if one == street]
        expected: list[tuple[int, int, int, int]] = []
        for group in oracle.stays([spans[index] for index in here], apart):
            members = [here[index] for index in group]
            times_of = [spans[index] for index in members]
            expected.append(
                (
                    min(begin for begin, _ in times_of),
                    max(end for _, end in times_of),
                    oracle.covered([ends[index] for index in members if proven[index]]),
                    oracle.covered([ends[index] for index in members]),
                )
            )
        assert expected == found[start[street] : start[street + 1]]


def test_share_of_a_zone_when_some_of_it_lies_in_a_gap() -> None:
    # 31 streets of 400 m: 12,400 m. The vehicle drives 10,400 m without a break, in steps of 20 m; 900 m of them,
    # from 4,000 m to 4,900 m, lie in a gap and prove nothing.
    step_mm = 20_000
    along = np.arange(0, 10_400_000, step_mm)
    fix = np.arange(along.size, dtype=np.int32)
    segment, from_mm = (along // 400_000).astype(np.int32), (along % 400_000).astype(np.int32)
    ends = (from_mm, (from_mm + step_mm).astype(np.int32))
    is_known = ((along < 4_000_000) | (along >= 4_900_000)).astype(np.uint8)
    no_error, direction = np.zeros(along.size + 1, np.int64), np.ones(along.size, np.int8)
    metres: list[int] = []
    for chosen in (is_known, np.ones_like(is_known)):
        row, *left = coverage.pieces(fix, segment, direction, ends, chosen, no_error)
        metres.append(int(coverage.covered(segment[row], (left[0], left[1]), 31).sum()) // 1_000)
    assert [9_500, 10_400] == metres
    assert ["76.61", "83.87"] == [f"{100 * one / 12_400:.2f}" for one in metres]


def test_kerbs_when_a_street_is_driven_along_one_of_them() -> None:
    # Along the line all of it, against it the last third: groups of twice the street, and one more against the line.
    segment, against = i32([0, 0]), i32([0, 1])
    found = coverage.covered(2 * segment + against, (i32([0, 20]), i32([30, 30])), 2)
    assert [30, 10] == found.tolist()


def test_covered_when_there_is_nothing() -> None:
    assert [0, 0] == coverage.covered(i32([]), (i32([]), i32([])), 2).tolist()
    assert [] == coverage.covered(i32([]), (i32([]), i32([])), 0).tolist()


def test_covered_when_a_group_is_not_there() -> None:
    with pytest.raises(ValueError, match="group holds 0 to 2"):
        coverage.covered(i32([0, 2]), (i32([0, 0]), i32([1, 1])), 2)


def test_covered_when_a_piece_ends_before_it_begins() -> None:
    with pytest.raises(ValueError, match="swap the ends"):
        coverage.covered(i32([0]), (i32([2]), i32([1])), 1)


def test_pieces_when_rows_are_out_of_order() -> None:
    with pytest.raises(ValueError, match="order of time"):
        coverage.pieces(i32([1, 0]), i32([0, 0]), i8([1, 1]), (i32([0, 0]), i32([1, 1])), u8([1, 1]), i64([0, 0, 0]))
