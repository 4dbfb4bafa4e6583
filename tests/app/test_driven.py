"""Lengths and paths made of matched rows, against plain loops."""

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.jobs.driven import path_of, pieces_of, united_mm
from rules.matched import Matched, Rows

SEGMENTS = 3
Row = tuple[int, int, int, int, bool]

pieces = st.tuples(st.integers(0, SEGMENTS - 1), st.integers(0, 9), st.integers(0, 9)).map(
    lambda piece: (piece[0], min(piece[1:]), max(piece[1:]))
)
# Between each two neighbouring fixes one row, a second apart: segment, from, to, direction, proven.
rows = st.lists(
    st.tuples(pieces, st.sampled_from([1, -1]), st.booleans()).map(lambda row: (*row[0], row[1], row[2])), max_size=12
)


def _ints(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _matched(path: list[Row]) -> Matched:
    seconds = _ints(list(range(len(path))))
    columns = [np.array([row[at] for row in path], np.int32) for at in range(3)]
    driven = Rows(
        fix=seconds.astype(np.int32),
        segment=columns[0],
        from_mm=columns[1],
        to_mm=columns[2],
        direction=np.array([row[3] for row in path], np.int8),
        enter_us=seconds,
        leave_us=seconds + 1,
        is_proven=np.array([row[4] for row in path], np.bool_),
    )
    return Matched(
        **{column.name: getattr(driven, column.name) for column in fields(Rows)},
        confidence_ppm=np.zeros(len(path), np.int32),
        fix_segment=np.zeros(len(path) + 1, np.int32),
        path=driven,
    )


@given(st.lists(pieces, max_size=20))
def test_united_when_counted_millimetre_by_millimetre(found: list[tuple[int, int, int]]) -> None:
    covered = {(segment, mm) for segment, low, high in found for mm in range(low, high)}
    expected = [sum(segment == one for segment, _ in covered) for one in range(SEGMENTS)]
    columns = [_ints([piece[at] for piece in found]) for at in range(3)]
    assert expected == united_mm(columns[0], columns[1], columns[2], SEGMENTS).tolist()


@given(rows)
def test_path_when_joined_in_a_loop(found: list[Row]) -> None:
    expected: list[list[int]] = []
    for at, (segment, low, high, direction, is_proven) in enumerate(found):
        first, last = (low, high) if direction > 0 else (high, low)
        goes_on = expected and [segment, direction, first] == [expected[-1][0], expected[-1][1], expected[-1][3]]
        if goes_on and (low == high or is_proven == expected[-1][4]):
            expected[-1][3], expected[-1][6] = last, at + 1
        else:
            expected.append([segment, direction, first, last, is_proven, at, at + 1])
    path = path_of(_matched(found))
    columns = (path.segment, np.where(path.is_against, -1, 1), path.from_mm, path.to_mm, path.is_proven)
    made = np.array([*columns, path.enter_us, path.leave_us]).T.tolist()
    assert expected == made


@given(rows, st.lists(st.integers(0, 2), min_size=13, max_size=13))
def test_pieces_and_passes_when_chosen_in_a_loop(found: list[Row], said: list[int]) -> None:
    expected: list[Row] = []
    passes: list[int] = []
    before: tuple[int, int, int] | None = None
    is_counted = False
    for at, (segment, low, high, direction, is_proven) in enumerate(found):
        if low == high:
            continue
        is_sure = is_proven and said[at] == said[at + 1] == 2
        if said[at] or said[at + 1]:
            expected.append((segment, low, high, direction, is_sure))
        first, last = (low, high) if direction > 0 else (-high, -low)
        if before is None or before[:2] != (segment, direction) or first < before[2]:
            is_counted = False
        if is_sure and not is_counted:
            passes.append(segment)
            is_counted = True
        before = segment, direction, last
    t_us = _ints(list(range(len(found) + 1)))
    made, counted = pieces_of(_matched(found), t_us, np.array(said[: len(found) + 1], np.int8))
    assert [(row[0], row[1], row[2], row[4]) for row in expected] == list(
        zip(*(column.tolist() for column in (made.segment, made.from_mm, made.to_mm, made.is_proven)), strict=True)
    )
    assert passes == counted.tolist()
