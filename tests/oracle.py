"""The obvious version of every kernel, written from the definitions: slow, in plain Python, without arrays.

Time is cut at every sample and every bound of a window into elementary segments, inside which nothing changes. Each
question is then put to each segment. Nothing here is shared with the kernels, not even the codes.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise, product

Ints = Sequence[int]
Measure = tuple[list[int], list[int], list[int]]


def states(lo_ppm: Ints, hi_ppm: Ints, threshold_ppm: Ints) -> list[int]:
    """Compare samples with a threshold: 1 surely at or above, 0 surely below, -1 uncertain."""
    above = [low >= limit for low, limit in zip(lo_ppm, threshold_ppm, strict=True)]
    below = [high < limit for high, limit in zip(hi_ppm, threshold_ppm, strict=True)]
    return [1 if a else 0 if b else -1 for a, b in zip(above, below, strict=True)]


def segments(t_us: Ints, start_us: int, end_us: int) -> list[tuple[int, int]]:
    """Cut a window at every sample."""
    cuts = {start_us, end_us} | {t for t in t_us if start_us < t < end_us}
    return list(pairwise(sorted(cuts)))


def neighbours(t_us: Ints, segment: tuple[int, int]) -> tuple[int | None, int | None]:
    """Find the last sample not after a segment and the first not before it."""
    before = [index for index, t in enumerate(t_us) if t <= segment[0]]
    after = [index for index, t in enumerate(t_us) if t >= segment[1]]
    return (before[-1] if before else None), (after[0] if after else None)


def is_gap(t_us: Ints, segment: tuple[int, int], max_gap_us: int) -> bool:
    """Tell whether a segment lies in a gap."""
    before, after = neighbours(t_us, segment)
    return before is None or after is None or t_us[after] - t_us[before] > max_gap_us


def both(t_us: Ints, state: Ints, segment: tuple[int, int], wanted: int) -> bool:
    """Tell whether the samples on both sides of a segment have a state."""
    before, after = neighbours(t_us, segment)
    return before is not None and after is not None and state[before] == state[after] == wanted


def is_borne(t_us: Ints, adverse: Ints, segment: tuple[int, int], max_gap_us: int) -> bool:
    """Tell whether a segment lies in a gap that the contractor bears."""
    _, after = neighbours(t_us, segment)
    return is_gap(t_us, segment, max_gap_us) and adverse[len(t_us) if after is None else after] == 1


def runs(
    pieces: list[tuple[int, int]], counts: Callable[[tuple[int, int]], bool], hangs: Callable[[int], bool]
) -> list[tuple[int, int]]:
    """Join the segments that count, where they meet at an instant at which they hang together."""
    found: list[tuple[int, int]] = []
    for piece in pieces:
        if not counts(piece):
            continue
        if found and found[-1][1] == piece[0] and hangs(piece[0]):
            found[-1] = (found[-1][0], piece[1])
        else:
            found.append(piece)
    return found


def reaching(found: list[tuple[int, int]], start_us: int) -> int:
    """Measure the longest of the runs that end after an instant."""
    return max((until - begun for begun, until in found if until > start_us), default=0)


def level_claims(
    t_us: Ints, state: Ints, adverse: Ints, max_gap_us: int
) -> list[tuple[Callable[[tuple[int, int]], bool], Callable[[int], bool]]]:
    """Say which segments are above, and at which instants runs hang together: proven, borne, possible."""

    def at(instant: int) -> int | None:
        return state[t_us.index(instant)] if instant in t_us else None

    def proven(segment: tuple[int, int]) -> bool:
        return not is_gap(t_us, segment, max_gap_us) and both(t_us, state, segment, 1)

    def borne(segment: tuple[int, int]) -> bool:
        return proven(segment) or is_borne(t_us, adverse, segment, max_gap_us)

    def possible(segment: tuple[int, int]) -> bool:
        return is_gap(t_us, segment, max_gap_us) or not both(t_us, state, segment, 0)

    return [
        (proven, lambda instant: at(instant) == 1),
        (borne, lambda instant: at(instant) == 1),
        (possible, lambda instant: at(instant) != 0),
    ]


def longest_run(  # noqa: PLR0917  # the kernel's own order
    t_us: Ints,
    state: Ints,
    adverse: Ints,
    max_gap_us: int,
    scan_start_us: Ints,
    start_us: Ints,
    end_us: Ints,
) -> Measure:
    """Measure the longest run at or above the threshold."""
    measures: Measure = ([], [], [])
    for scan, start, end in zip(scan_start_us, start_us, end_us, strict=True):
        for measure, (counts, hangs) in zip(measures, level_claims(t_us, state, adverse, max_gap_us), strict=True):
            measure.append(reaching(runs(segments(t_us, scan, end), counts, hangs), start))
    return measures


def time_above(t_us: Ints, state: Ints, adverse: Ints, max_gap_us: int, start_us: Ints, end_us: Ints) -> Measure:
    """Measure the total time at or above the threshold."""
    measures: Measure = ([], [], [])
    for start, end in zip(start_us, end_us, strict=True):
        for measure, (counts, _) in zip(measures, level_claims(t_us, state, adverse, max_gap_us), strict=True):
            measure.append(
                sum(until - begun for begun, until in segments(t_us, start, end) if counts((begun, until)))
            )
    return measures


def drops(t_us: Ints, lo_ppm: Ints, hi_ppm: Ints, drop_ppm: int, residual_ppm: int, max_gap_us: int) -> list[int]:
    """Say of each interval whether an emptying took place: 2 surely, 3 a gap, 1 may hide, 0 surely none."""
    kinds = [3]
    for one, two in pairwise(range(len(t_us))):
        least_fall, greatest_fall = lo_ppm[one] - hi_ppm[two], hi_ppm[one] - lo_ppm[two]
        kind = 1 if lo_ppm[two] <= residual_ppm or greatest_fall >= drop_ppm else 0
        if t_us[two] - t_us[one] > max_gap_us:
            kind = 3
        kinds.append(2 if least_fall >= drop_ppm else kind)
    return kinds + [3] * (len(t_us) > 0)


def longest_unemptied(  # noqa: PLR0917  # the kernel's own order
    t_us: Ints,
    kind: Ints,
    adverse: Ints,
    max_gap_us: int,
    scan_start_us: Ints,
    start_us: Ints,
    end_us: Ints,
) -> Measure:
    """Measure the longest time without an emptying.

    For the borne one, every way is tried in which the sure emptyings in borne gaps may have taken place at the very
    beginning or at the very end of their gap.
    """
    sure = [index for index in range(1, len(t_us)) if kind[index] == 2]
    muted = [index for index in sure if adverse[index] == 1 and t_us[index] - t_us[index - 1] > max_gap_us]

    def kind_of(segment: tuple[int, int]) -> tuple[int, bool]:
        _, after = neighbours(t_us, segment)
        index = len(t_us) if after is None else after
        return kind[index], (kind[index] == 3 and adverse[index] == 1) or index in muted

    measures: Measure = ([], [], [])
    for scan, start, end in zip(scan_start_us, start_us, end_us, strict=True):
        pieces = segments(t_us, scan, end)
        proven = runs(pieces, lambda piece: kind_of(piece)[0] == 0, lambda _: True)
        measures[0].append(reaching(proven, start))
        worst = 0
        for ends in product((0, 1), repeat=len(muted)):
            emptied = {t_us[index - end] for index, end in zip(muted, ends, strict=True)}
            borne = runs(
                pieces,
                lambda piece: kind_of(piece)[0] == 0 or kind_of(piece)[1],
                lambda instant, emptied=emptied: instant not in emptied,
            )
            worst = max(worst, reaching(borne, start))
        measures[1].append(worst)
        begins = [scan, *(t_us[index - 1] for index in sure)]
        stops = [*(t_us[index] for index in sure), end]
        cut = [
            (max(begun, scan), min(until, end))
            for begun, until in zip(begins, stops, strict=True)
            if until > scan and begun < end
        ]
        measures[2].append(max(0, reaching(cut, start)))
    return measures


def emptying_count(kind: Ints, t_us: Ints, start_us: Ints, end_us: Ints) -> tuple[list[int], list[int]]:
    """Count the sure emptyings seen in a window, and the intervals touching it that may hold one."""
    edges = [float("-inf"), *t_us, float("inf")]
    intervals = list(zip(kind, edges[:-1], edges[1:], strict=True))
    sure: list[int] = []
    possible: list[int] = []
    for start, end in zip(start_us, end_us, strict=True):
        sure.append(sum(code == 2 and start <= until < end for code, _, until in intervals))
        possible.append(
            sum(code != 0 and start < end and begun < end and until >= start for code, begun, until in intervals)
        )
    return sure, possible


def slots(t_us: Ints, step_us: int, start_us: Ints, end_us: Ints) -> tuple[list[int], list[int]]:
    """Count the slots that hold a sample, and the slots there are."""
    received: list[int] = []
    expected: list[int] = []
    for start, end in zip(start_us, end_us, strict=True):
        starts = [at for at in range(start, end, step_us) if at + step_us <= end]
        received.append(sum(any(at <= t < at + step_us for t in t_us) for at in starts))
        expected.append(len(starts))
    return received, expected


def unmeasured(t_us: Ints, max_gap_us: int, start_us: Ints, end_us: Ints) -> list[int]:
    """Add up the time in gaps."""
    return [
        sum(until - begun for begun, until in segments(t_us, start, end) if is_gap(t_us, (begun, until), max_gap_us))
        for start, end in zip(start_us, end_us, strict=True)
    ]


def gaps(t_us: Ints, max_gap_us: int, start_us: int, end_us: int) -> tuple[list[int], list[int]]:
    """List the gaps of a window."""
    found = [piece for piece in segments(t_us, start_us, end_us) if is_gap(t_us, piece, max_gap_us)]
    return [begun for begun, _ in found], [until for _, until in found]


def longest(t_us: Ints, part: Ints, scan_start_us: Ints, start_us: Ints, end_us: Ints) -> list[int]:
    """Measure the longest run of parts: 0 breaks, 1 joins, 2 begins anew, 3 ends one run and begins another."""
    edges: list[float] = [float("-inf"), *t_us, float("inf")]
    measure: list[int] = []
    for scan, start, end in zip(scan_start_us, start_us, end_us, strict=True):
        found = 0
        for first in range(len(part)):
            for last in range(first, len(part)):
                # A run of several parts: none breaks, only the first may begin anew, none inside is shared.
                hangs = all(part[at] != 0 for at in range(first, last + 1))
                hangs = hangs and all(part[at] != 2 for at in range(first + 1, last + 1))
                hangs = hangs and all(part[at] != 3 for at in range(first + 1, last))
                begun, until = max(edges[first], scan), min(edges[last + 1], end)
                if hangs and until > start and begun < until:
                    found = max(found, int(until - begun))
        measure.append(found)
    return measure


def total(t_us: Ints, part: Ints, start_us: Ints, end_us: Ints) -> list[int]:
    """Add up the time of the parts that count."""
    edges: list[float] = [float("-inf"), *t_us, float("inf")]
    return [
        int(sum(max(0, min(edges[at + 1], end) - max(edges[at], start)) for at, code in enumerate(part) if code != 0))
        for start, end in zip(start_us, end_us, strict=True)
    ]


def first_after(t_us: Ints, instant_us: int) -> int:
    """Find the first sample after an instant."""
    return sum(t <= instant_us for t in t_us)
