"""The loops behind `kernels.coverage`, which checks the columns and says what the numbers mean."""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I8, I32, I64, NEW_I32, NEW_I64, U8, inner, int64, kernel, pair, several, triple

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]

# Up to here the pieces of a group are put in order by hand; more of them are handed to a sort.
_FEW = 64

# How many rows to either side of a piece tell when it was driven: more than lie within the widest error.
_ROWS_MAX = 12

FAR = 2**60
"""Further than any way is long."""

NOWHERE = -1
"""Group of a piece that counts for none."""


@inner(pair(int64)(I32, I32, I8, pair(I32), U8, NEW_I64, int64))  # pyright: ignore[reportArgumentType]
def _walk(  # noqa: PLR0917  # columns of rows first, then what is filled, and from where
    fix: Rows,
    segment: Rows,
    direction: NDArray[np.int8],
    ends_mm: tuple[Rows, Rows],
    chosen: NDArray[np.uint8],
    begin_mm: Ints,
    first: int,
) -> tuple[int, int]:
    """Fill in where each row of a run begins along its way; gives the run's last row, and where that ends.

    Fixes of a vehicle that stands go to and fro: what was driven already is not counted anew.
    """
    from_mm, to_mm = ends_mm
    last, walked_mm = first, 0
    for row in range(first, fix.shape[0]):
        if not chosen[row]:
            continue
        if fix[row] - fix[last] > 1:
            break
        if row > first and segment[row] == segment[last] and direction[row] == direction[last]:
            behind, here = (last, row) if direction[row] > 0 else (row, last)
            walked_mm -= max(to_mm[behind] - from_mm[here], 0)
        begin_mm[row] = walked_mm
        walked_mm += to_mm[row] - from_mm[row]
        last = row
    return last, walked_mm


@inner(pair(int64)(I32, pair(I32), U8, I64, int64, int64))  # pyright: ignore[reportArgumentType]
def _corners(  # the rows, and which run
    segment: Rows, ends_mm: tuple[Rows, Rows], chosen: NDArray[np.uint8], begin_mm: Ints, first: int, last: int
) -> tuple[int, int]:
    """Find where along a run's way it comes to its first corner, and leaves its last; `FAR` and 0 - `FAR` if none."""
    first_mm, last_mm, before = FAR, -FAR, first
    for row in range(first + 1, last + 1):
        if chosen[row]:
            if segment[row] != segment[before]:
                if first_mm == FAR:
                    first_mm = begin_mm[before] + ends_mm[1][before] - ends_mm[0][before]
                last_mm = begin_mm[row]
            before = row
    return int(first_mm), int(last_mm)


@kernel(triple(NEW_I32)(I32, I32, I8, pair(I32), U8, I64))
def pieces(  # columns of rows first, then what is asked of them
    fix: Rows,
    segment: Rows,
    direction: NDArray[np.int8],
    ends_mm: tuple[Rows, Rows],
    chosen: NDArray[np.uint8],
    error_mm: Ints,
) -> tuple[Rows, Rows, Rows]:
    """Narrow the chosen rows at the ends of runs; see `coverage.pieces`."""
    count = fix.shape[0]
    row_of, begin_mm = np.empty(count, np.int32), np.empty(count, np.int64)
    from_mm, until_mm = np.empty(count, np.int32), np.empty(count, np.int32)
    found, first = 0, 0
    while first < count:
        if not chosen[first]:
            first += 1
            continue
        last, walked_mm = _walk(fix, segment, direction, ends_mm, chosen, begin_mm, first)
        corner_mm, left_mm = _corners(segment, ends_mm, chosen, begin_mm, first, last)
        begins_mm, ends = error_mm[fix[first]], error_mm[fix[last] + 1]
        begins_mm *= 2 if begins_mm > corner_mm else 1
        ends *= 2 if ends > walked_mm - left_mm else 1
        for row in range(first, last + 1):
            if not chosen[row]:
                continue
            length_mm = np.int64(ends_mm[1][row]) - ends_mm[0][row]
            before_mm = min(max(begins_mm - begin_mm[row], 0), length_mm)
            after_mm = min(max(begin_mm[row] + length_mm - (walked_mm - ends), 0), length_mm)
            low_mm, high_mm = (before_mm, after_mm) if direction[row] > 0 else (after_mm, before_mm)
            if low_mm + high_mm < length_mm:
                row_of[found] = row
                from_mm[found], until_mm[found] = ends_mm[0][row] + low_mm, ends_mm[1][row] - high_mm
                found += 1
        first = last + 1
    return row_of[:found].copy(), from_mm[:found].copy(), until_mm[:found].copy()


@inner(int64(I32, I32, I8, int64))
def _goes_on(fix: Rows, segment: Rows, direction: NDArray[np.int8], row: int) -> int:
    """Tell whether the next row goes on along the street of one."""
    is_same = segment[row] == segment[row + 1] and direction[row] == direction[row + 1]
    return 1 if is_same and fix[row + 1] - fix[row] <= 1 else 0


@kernel(pair(NEW_I64)(I32, I32, I8, pair(I32), pair(I64), I32, pair(I32), pair(I64), int64))
def when(  # noqa: PLR0917  # columns of rows and fixes first, then the pieces
    fix: Rows,
    segment: Rows,
    direction: NDArray[np.int8],
    ends_mm: tuple[Rows, Rows],
    known: tuple[Ints, Ints],
    row: Rows,
    cuts_mm: tuple[Rows, Rows],
    span_us: tuple[Ints, Ints],
    max_gap_us: int,
) -> tuple[Ints, Ints]:
    """Say by when pieces were begun, and after when they ended; see `coverage.when`."""
    t_us, off_mm = known
    by_us, after_us = span_us[1] + max_gap_us, span_us[0] - max_gap_us
    for piece in range(row.shape[0]):
        own = np.int64(row[piece])
        is_on = direction[own] > 0
        first_mm = np.int64(cuts_mm[0][piece] if is_on else -cuts_mm[1][piece])
        last_mm = np.int64(cuts_mm[1][piece] if is_on else -cuts_mm[0][piece])
        # Of those that tell, the one next to the piece tells the most.
        for before in range(own, max(own - _ROWS_MAX, -1), -1):
            if before < own and not _goes_on(fix, segment, direction, before):
                break
            begin_mm = np.int64(ends_mm[0][before] if is_on else -ends_mm[1][before])
            if begin_mm + off_mm[fix[before]] <= last_mm:
                after_us[piece] = max(after_us[piece], t_us[fix[before]])
                break
        for after in range(own, min(own + _ROWS_MAX, fix.shape[0])):
            if after > own and not _goes_on(fix, segment, direction, after - 1):
                break
            end_mm = np.int64(ends_mm[1][after] if is_on else -ends_mm[0][after])
            if end_mm - off_mm[fix[after] + 1] >= first_mm:
                by_us[piece] = min(by_us[piece], t_us[fix[after] + 1])
                break
    return by_us, after_us


@kernel(pair(NEW_I64)(I32, I64, int64))
def order(group: Rows, key: Ints, group_count: int) -> tuple[Ints, Ints]:
    """Put pieces in order by group, then by key, ties as they were: where each group starts, and the pieces."""
    count = group.shape[0]
    start = np.zeros(group_count + 1, np.int64)
    for piece in range(count):
        start[group[piece] + 1] += 1
    for one in range(group_count):
        start[one + 1] += start[one]
    place = np.empty(count, np.int64)
    filled = start.copy()
    for piece in range(count):
        place[filled[group[piece]]] = piece
        filled[group[piece]] += 1
    for one in range(group_count):
        first, until = start[one], start[one + 1]
        if until - first > _FEW:
            part = place[first:until].copy()
            turned = np.argsort(key[part], kind="mergesort")
            for k in range(until - first):
                place[first + k] = part[turned[k]]
            continue
        for k in range(first + 1, until):
            moved = place[k]
            at = k
            while at > first and key[place[at - 1]] > key[moved]:
                place[at] = place[at - 1]
                at -= 1
            place[at] = moved
    return start, place


@kernel(triple(NEW_I64)(I32, pair(I32)))
def _joined(group: Rows, ends_mm: tuple[Rows, Rows]) -> tuple[Ints, Ints, Ints]:
    """Join each piece to the one before where both are of one group and touch."""
    count = group.shape[0]
    of = np.empty(count, np.int64)
    from_mm = np.empty(count, np.int64)
    until_mm = np.empty(count, np.int64)
    found = -1
    for piece in range(count):
        if group[piece] == NOWHERE:
            continue
        begin, end = np.int64(ends_mm[0][piece]), np.int64(ends_mm[1][piece])
        is_touching = found >= 0 and of[found] == group[piece] and begin <= until_mm[found] and from_mm[found] <= end
        if is_touching:
            from_mm[found] = min(from_mm[found], begin)
            until_mm[found] = max(until_mm[found], end)
        else:
            found += 1
            of[found] = group[piece]
            from_mm[found] = begin
            until_mm[found] = end
    return of[: found + 1].copy(), from_mm[: found + 1].copy(), until_mm[: found + 1].copy()


@kernel(NEW_I64(I32, pair(I32), int64))
def covered(group: Rows, ends_mm: tuple[Rows, Rows], group_count: int) -> Ints:
    """Measure the union of each group's pieces; see `coverage.covered`."""
    of, from_mm, until_mm = _joined(group, ends_mm)
    start, place = order(of.astype(np.int32), from_mm, group_count)
    total_mm = np.zeros(group_count, np.int64)
    for one in range(group_count):
        if start[one] == start[one + 1]:
            continue
        reached_mm = from_mm[place[start[one]]]
        for k in range(start[one], start[one + 1]):
            piece = place[k]
            if until_mm[piece] > reached_mm:
                total_mm[one] += until_mm[piece] - max(from_mm[piece], reached_mm)
                reached_mm = until_mm[piece]
    return total_mm


@kernel(several(NEW_I64, 4)(I32, pair(I64), int64))
def _blocks(segment: Rows, span_us: tuple[Ints, Ints], apart_us: int) -> tuple[Ints, ...]:
    """Join each piece to the one before where both are of one street and one stay: few are left to be sorted."""
    count = segment.shape[0]
    of = np.empty(count, np.int64)
    from_us = np.empty(count, np.int64)
    until_us = np.empty(count, np.int64)
    block = np.empty(count, np.int64)
    found = -1
    for piece in range(count):
        enter_us, leave_us = span_us[0][piece], span_us[1][piece]
        is_same = found >= 0 and of[found] == segment[piece]
        if is_same and enter_us - until_us[found] <= apart_us and from_us[found] - leave_us <= apart_us:
            from_us[found] = min(from_us[found], enter_us)
            until_us[found] = max(until_us[found], leave_us)
        else:
            found += 1
            of[found] = segment[piece]
            from_us[found] = enter_us
            until_us[found] = leave_us
        block[piece] = found
    return of[: found + 1].copy(), from_us[: found + 1].copy(), until_us[: found + 1].copy(), block


@kernel(several(NEW_I64, 4)(I32, pair(I64), int64, int64))
def stays(segment: Rows, span_us: tuple[Ints, Ints], apart_us: int, segment_count: int) -> tuple[Ints, ...]:
    """Gather pieces into stays: where each street's stays start, from and until when, and the stay of each piece."""
    of, enter_us, leave_us, block = _blocks(segment, span_us, apart_us)
    start, place = order(of.astype(np.int32), enter_us, segment_count)
    first = np.zeros(segment_count + 1, np.int64)
    from_us = np.empty(of.shape[0], np.int64)
    until_us = np.empty(of.shape[0], np.int64)
    stay = np.empty(of.shape[0], np.int64)
    found = 0
    for one in range(segment_count):
        for k in range(start[one], start[one + 1]):
            piece = place[k]
            if found > first[one] and enter_us[piece] - until_us[found - 1] <= apart_us:
                until_us[found - 1] = max(until_us[found - 1], leave_us[piece])
            else:
                from_us[found] = enter_us[piece]
                until_us[found] = leave_us[piece]
                found += 1
            stay[piece] = found - 1
        first[one + 1] = found
    return first, from_us[:found].copy(), until_us[:found].copy(), stay[block]


@kernel(several(NEW_I64, 5)(I32, pair(I32), pair(I64), U8, int64, int64))
def visits(  # columns of pieces first, then what is asked of them
    segment: Rows,
    ends_mm: tuple[Rows, Rows],
    span_us: tuple[Ints, Ints],
    is_proven: NDArray[np.uint8],
    apart_us: int,
    segment_count: int,
) -> tuple[Ints, ...]:
    """Gather pieces into visits and measure them; see `coverage.visits`."""
    start, from_us, until_us, stay = stays(segment, span_us, apart_us, segment_count)
    of = stay.astype(np.int32)
    possible_mm = covered(of, ends_mm, from_us.shape[0])
    for piece in range(segment.shape[0]):
        if not is_proven[piece]:
            of[piece] = NOWHERE
    return start, from_us, until_us, covered(of, ends_mm, from_us.shape[0]), possible_mm
