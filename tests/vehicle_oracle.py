"""The obvious version of the kernels of vehicles: millimetres counted one by one, every pair and every choice tried.

Slow, in plain Python, without arrays; shares nothing with the kernels.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise, product

Ints = Sequence[int]
Span = tuple[int, int]
Place = tuple[int, int]
Visit = tuple[int, int, int, int, int, int]
"""From, until, first, last, stay, whether it is sure."""


def pieces(  # as the kernel
    fix: Ints, segment: Ints, direction: Ints, ends: Sequence[Span], chosen: Ints, error: Ints
) -> list[tuple[int, int, int]]:
    """Narrow each run of chosen rows at both of its ends, along its way."""
    runs: list[list[int]] = []
    for row in (row for row, is_chosen in enumerate(chosen) if is_chosen):
        if runs and fix[row] - fix[runs[-1][-1]] <= 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    found: list[tuple[int, int, int]] = []
    for run in runs:
        length = {row: ends[row][1] - ends[row][0] for row in run}
        begin, end, walked = dict[int, int](), dict[int, int](), 0
        for before, row in pairwise([run[0], *run]):
            if begin and (segment[row], direction[row]) == (segment[before], direction[before]):
                again = ends[before][1] - ends[row][0] if direction[row] > 0 else ends[row][1] - ends[before][0]
                walked -= max(again, 0)
            begin[row], end[row] = walked, walked + length[row]
            walked = end[row]
        corners = [(one, other) for one, other in pairwise(run) if segment[one] != segment[other]]
        first, last = error[fix[run[0]]], error[fix[run[-1]] + 1]
        first *= 2 if corners and first > end[corners[0][0]] else 1
        last *= 2 if corners and last > walked - begin[corners[-1][1]] else 1
        for row in run:
            low, high = ends[row]
            before, after = max(first - begin[row], 0), max(end[row] - (walked - last), 0)
            low, high = (low + before, high - after) if direction[row] > 0 else (low + after, high - before)
            if low < high:
                found.append((row, low, high))
    return found


def when(  # as the kernel
    rows: Sequence[tuple[int, int, int, Span]],
    known: Sequence[tuple[int, int]],
    piece: tuple[int, Span, Span],
    max_gap: int,
) -> tuple[int, int]:
    """Take the best that any fix tells of a piece: by when its beginning was driven, after when its end."""
    own, cut, (enter, leave) = piece
    sign = rows[own][2]

    def goes_on(one: int) -> bool:
        (fix, *street, _), (next_fix, *next_street, _) = rows[one], rows[one + 1]
        return street == next_street and next_fix - fix <= 1

    def at(ends: Span) -> Span:
        return ends if sign > 0 else (-ends[1], -ends[0])

    by, after = [leave + max_gap], [enter - max_gap]
    for row in range(max(0, own - 11), min(len(rows), own + 12)):
        if not all(goes_on(one) for one in range(min(row, own), max(row, own))):
            continue
        fix, (begin, end) = rows[row][0], at(rows[row][3])
        if row <= own and begin + known[fix][1] <= at(cut)[1]:
            after.append(known[fix][0])
        if row >= own and end - known[fix + 1][1] >= at(cut)[0]:
            by.append(known[fix + 1][0])
    return min(by), max(after)


def covered(spans: Sequence[Span]) -> int:
    """Count the units that lie in any of some spans."""
    return len({unit for begin, end in spans for unit in range(begin, end)})


def stays(spans: Sequence[Span], apart: int) -> list[list[int]]:
    """Put together what is no further apart than allowed, until nothing changes; in the order of time."""
    groups = [[index] for index in range(len(spans))]

    def reach(group: list[int]) -> Span:
        return min(spans[index][0] for index in group), max(spans[index][1] for index in group)

    def is_one(one: list[int], other: list[int]) -> bool:
        first, second = sorted((reach(one), reach(other)))
        return second[0] - first[1] <= apart

    while found := next(((a, b) for a, b in combinations(groups, 2) if is_one(a, b)), None):
        groups = [*(group for group in groups if group not in found), sorted(found[0] + found[1])]
    return sorted(groups, key=reach)


def square(begin: Place, end: Place, place: Place) -> Fraction:
    """Square of the distance from a place to an edge, exactly."""
    east, north = end[0] - begin[0], end[1] - begin[1]
    length = east * east + north * north
    along = (place[0] - begin[0]) * east + (place[1] - begin[1]) * north
    share = min(max(Fraction(along, length), Fraction(0)), Fraction(1)) if length else Fraction(0)
    return (begin[0] + share * east - place[0]) ** 2 + (begin[1] + share * north - place[1]) ** 2


def side(rings: Sequence[Sequence[Place]], place: Place, reach: int) -> int:
    """Say on which side of an area's edge a place lies: 1 inside, 0 outside, -1 too near to tell."""
    edges = [edge for ring in rings for edge in pairwise([*ring, ring[0]])]
    if any(square(*edge, place) <= reach * reach for edge in edges):
        return -1
    crossed = 0
    for (x, y), (other_x, other_y) in edges:
        if (y <= place[1]) != (other_y <= place[1]):
            crossed += x + Fraction((place[1] - y) * (other_x - x), other_y - y) > place[0]
    return crossed % 2


def visits(t: Ints, side: Ints, max_gap: int, start: int, end: int) -> list[Visit]:
    """List what lies between sure absences and may hold a visit."""
    away = [start, *(time for time, code in zip(t, side, strict=True) if code == 0), end]
    found: list[Visit] = []
    for place, (begin, until) in enumerate(pairwise(away)):
        # The first stretch begins before any fix, the last one goes on after all of them.
        between = [
            (time, code)
            for time, code in zip(t, side, strict=True)
            if (begin < time or (place == 0 and code != 0))
            and (time < until or (place == len(away) - 2 and code != 0))
        ]
        inside = [time for time, code in between if code == 1]
        is_outer = place in (0, len(away) - 2)
        known = [time for time in t if begin <= time <= until]
        is_gap = any(other - time > max_gap for time, other in pairwise(known))
        if not between and not is_gap and not (is_outer and until > begin):
            continue
        if not between and is_outer and place == 0 and begin in t:
            continue
        stay = sum(
            other[0] - one[0]
            for one, other in pairwise(between)
            if one[1] == other[1] == 1 and other[0] - one[0] <= max_gap
        )
        first, last = (inside[0], inside[-1]) if inside else (until, begin)
        found.append((begin, until, first, last, stay, int(bool(inside))))
    return found


def is_as_planned(visit: Visit, plan: tuple[int, int, int]) -> tuple[bool, bool]:
    """Try each instant of arrival: whether a visit surely, and possibly, is as planned."""
    opens, closes, least = plan
    arrivals = [opens <= instant < closes for instant in range(min(visit[0] + 1, visit[2]), visit[2] + 1)]
    proven = visit[5] == 1 and visit[4] >= least and all(arrivals)
    return proven and bool(arrivals), any(arrivals) and visit[1] - visit[0] >= least


def in_order(stops: Sequence[Sequence[Visit]], plans: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """Try each part of the plan and each choice of visits, and the earliest arrivals that follow on each other."""
    proven = possible = 0
    for size in range(len(stops) + 1):
        for part in combinations(range(len(stops)), size):
            for choice in product(*(stops[stop] for stop in part)):
                how = [is_as_planned(visit, plans[stop]) for stop, visit in zip(part, choice, strict=True)]
                if all(sure for sure, _ in how) and all(a[2] <= b[0] for a, b in pairwise(choice)):
                    proven = max(proven, size)
                reached, is_feasible = -(2**62), all(may for _, may in how)
                for stop, visit in zip(part, choice, strict=True):
                    reached = max(reached, min(visit[0] + 1, visit[2]), plans[stop][0])
                    is_feasible &= reached <= visit[2] and reached < plans[stop][1]
                if is_feasible:
                    possible = max(possible, size)
    return proven, possible


def time_above(  # as the kernel
    t: Ints, least: Ints, most: Ints, adverse: Ints, max_gap: int, window: Span
) -> tuple[int, int, int]:
    """Add up interval by interval what of it lies in a window."""
    proven = borne = possible = 0
    bounds = [-(2**40), *t, 2**40]
    for k, (begin, end) in enumerate(pairwise(bounds)):
        inside = max(min(end, window[1]) - max(begin, window[0]), 0)
        is_gap = k in {0, len(t)} or end - begin > max_gap
        here = max(least[k] - (end - begin - inside), 0)
        proven += here
        possible += min(most[k], inside)
        borne += inside if is_gap and adverse[k] else here
    return proven, borne, possible
