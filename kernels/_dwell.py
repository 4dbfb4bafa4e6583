"""The loops behind `kernels.dwell`, which checks the columns and says what the numbers mean."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I8, I64, NEW_I64, U8, int64, kernel, pair, several, triple
from kernels.intervals import first_after

Ints = NDArray[np.int64]

UNBOUNDED_US: Final = 2**62
_SECOND_US: Final = 1_000_000
_INSIDE, _OUTSIDE = 1, 0


@kernel(several(NEW_I64, 6)(I64, I8, int64, int64, int64))
def visits(
    t_us: Ints, side: NDArray[np.int8], max_gap_us: int, start_us: int, end_us: int
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    """List the stretches between sure absences; see `dwell.visits`."""
    count = t_us.shape[0]
    found = np.zeros((6, count + 1), np.int64)
    visit = 0
    from_us = start_us
    first_us = end_us
    last_us = start_us
    stay_us = 0
    # Whether anything since the last sure absence leaves room for a visit: a fix, or a gap.
    is_open = count == 0 or t_us[0] > start_us
    is_sure = 0
    for k in range(count + 1):
        is_end = k == count
        if k > 0 and not is_end and t_us[k] - t_us[k - 1] > max_gap_us:
            is_open = True
        if not is_end and side[k] != _OUTSIDE:
            is_open = True
            if side[k] == _INSIDE:
                if not is_sure:
                    first_us = t_us[k]
                is_sure = 1
                last_us = t_us[k]
                if k > 0 and side[k - 1] == _INSIDE and t_us[k] - t_us[k - 1] <= max_gap_us:
                    stay_us += t_us[k] - t_us[k - 1]
            continue
        until_us = end_us if is_end else t_us[k]
        # After the last fix nothing is known.
        if is_open or (is_end and until_us > from_us):
            found[0, visit] = from_us
            found[1, visit] = until_us
            found[2, visit] = first_us if is_sure else until_us
            found[3, visit] = last_us if is_sure else from_us
            found[4, visit] = stay_us
            found[5, visit] = is_sure
            visit += 1
        from_us = until_us
        is_open = False
        is_sure = 0
        stay_us = 0
    return (
        found[0, :visit].copy(),
        found[1, :visit].copy(),
        found[2, :visit].copy(),
        found[3, :visit].copy(),
        found[4, :visit].copy(),
        found[5, :visit].copy(),
    )


@kernel(int64(several(I64, 5), triple(I64), int64, int64))
def _is_as_planned(columns: tuple[Ints, ...], plan: tuple[Ints, Ints, Ints], stop: int, visit: int) -> int:
    """Say of one visit whether it surely (2), possibly (1) or surely not (0) is as planned."""
    from_us, until_us, first_us = columns[0][visit], columns[1][visit], columns[2][visit]
    opens_us, closes_us, least_us = plan[0][stop], plan[1][stop], plan[2][stop]
    # It arrived after `from_us` and no later than `first_us`, where it was inside from the start at that instant.
    begun_us = min(from_us + 1, first_us)
    if max(begun_us, opens_us) > min(first_us, closes_us - 1) or until_us - from_us < least_us:
        return 0
    is_sure = columns[4][visit] == 1 and columns[3][visit] >= least_us
    return 2 if is_sure and begun_us >= opens_us and first_us < closes_us else 1


@kernel(pair(NEW_I64)(I64, several(I64, 5), triple(I64)))
def stops(start: Ints, columns: tuple[Ints, ...], plan: tuple[Ints, Ints, Ints]) -> tuple[Ints, Ints]:
    """Say which stops were made; see `dwell.stops`."""
    proven = np.zeros(plan[0].shape[0], np.int64)
    possible = np.zeros(plan[0].shape[0], np.int64)
    for stop in range(plan[0].shape[0]):
        for visit in range(start[stop], start[stop + 1]):
            how = _is_as_planned(columns, plan, stop, visit)
            if how == 2:  # noqa: PLR2004  # surely
                proven[stop] = 1
            if how >= 1:
                possible[stop] = 1
    return proven, possible


@kernel(NEW_I64(I64, several(I64, 5), triple(I64)))
def in_order(start: Ints, columns: tuple[Ints, ...], plan: tuple[Ints, Ints, Ints]) -> Ints:
    """Count the stops made in order; see `dwell.in_order`."""
    count = plan[0].shape[0]
    longest = np.zeros(2, np.int64)
    for turn in range(2):
        # The earliest arrival at the last of so many stops.
        reached_us = np.full(count + 1, UNBOUNDED_US, np.int64)
        reached_us[0] = -UNBOUNDED_US
        for stop in range(count):
            for made in range(longest[turn], -1, -1):
                for visit in range(start[stop], start[stop + 1]):
                    from_us, first_us = columns[0][visit], columns[2][visit]
                    how = _is_as_planned(columns, plan, stop, visit)
                    if turn == 0:
                        is_next = how == 2 and reached_us[made] <= from_us  # noqa: PLR2004  # surely
                        arrival_us = first_us
                    else:
                        arrival_us = max(reached_us[made], min(from_us + 1, first_us), plan[0][stop])
                        is_next = how >= 1 and arrival_us <= first_us and arrival_us < plan[1][stop]
                    if is_next:
                        reached_us[made + 1] = min(reached_us[made + 1], arrival_us)
            if longest[turn] < count and reached_us[longest[turn] + 1] < UNBOUNDED_US:
                longest[turn] += 1
    return longest


@kernel(pair(NEW_I64)(I64, I8, pair(I64), int64, int64, int64))
def above(  # columns first
    t_us: Ints,
    state: NDArray[np.int8],
    length_mm: tuple[Ints, Ints],
    limit_mmps: int,
    top_mmps: int,
    max_gap_us: int,
) -> tuple[Ints, Ints]:
    """Bound the time above a speed; see `dwell.above`."""
    count = t_us.shape[0]
    least_us = np.zeros(count + 1, np.int64)
    most_us = np.full(count + 1, UNBOUNDED_US, np.int64)
    for k in range(1, count):
        span_us = t_us[k] - t_us[k - 1]
        if span_us > max_gap_us:
            most_us[k] = span_us
            continue
        said_least = span_us if state[k - 1] == 1 and state[k] == 1 else 0
        said_most = 0 if state[k - 1] == 0 and state[k] == 0 else span_us
        beyond = length_mm[0][k - 1] * _SECOND_US - limit_mmps * span_us
        least = min(max(beyond, 0) // (top_mmps - limit_mmps), span_us)
        most = span_us
        if limit_mmps > 0 and length_mm[1][k - 1] >= 0:
            most = min((length_mm[1][k - 1] * _SECOND_US + limit_mmps - 1) // limit_mmps, span_us)
        if max(said_least, least) <= min(said_most, most):
            least_us[k] = max(said_least, least)
            most_us[k] = min(said_most, most)
        else:
            least_us[k] = min(said_least, least)
            most_us[k] = max(said_most, most)
    return least_us, most_us


@kernel(triple(NEW_I64)(I64, pair(I64), U8, int64, I64, I64))
def time_above(  # columns first, windows last
    t_us: Ints,
    bounds_us: tuple[Ints, Ints],
    adverse: NDArray[np.uint8],
    max_gap_us: int,
    start_us: Ints,
    end_us: Ints,
) -> tuple[Ints, Ints, Ints]:
    """Add up what intervals hold; see `dwell.time_above`."""
    count = t_us.shape[0]
    proven_us = np.zeros(start_us.shape[0], np.int64)
    borne_us = np.zeros(start_us.shape[0], np.int64)
    possible_us = np.zeros(start_us.shape[0], np.int64)
    for window in range(start_us.shape[0]):
        stop_us = end_us[window]
        until_us = start_us[window]
        k = first_after(t_us, until_us)
        while until_us < stop_us:
            from_us = until_us
            until_us = stop_us if k == count else min(t_us[k], stop_us)
            part_us = until_us - from_us
            is_outer = k in (0, count)
            least = 0
            if not is_outer:
                # What lies outside the window may be what counts.
                least = max(bounds_us[0][k] - (t_us[k] - t_us[k - 1] - part_us), 0)
            proven_us[window] += least
            possible_us[window] += min(bounds_us[1][k], part_us)
            is_gap = is_outer or t_us[k] - t_us[k - 1] > max_gap_us
            borne_us[window] += part_us if is_gap and adverse[k] else least
            k += 1
    return proven_us, borne_us, possible_us
