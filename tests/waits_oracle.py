"""The obvious version of `kernels.waits`: every span between two intervals is tried. Nothing is shared with it."""

from collections.abc import Callable, Sequence

Ints = Sequence[int]
Measure = tuple[list[int], list[int], list[int]]
INFINITE = float("inf")
BELOW, ABOVE = 0, 1
NONE, HIDDEN, SURE, GAP = range(4)


class Intervals:
    """The intervals between samples, and what is asked of them."""

    def __init__(self, t_us: Ints, state: Ints, kind: Ints, adverse: Ints, max_gap_us: int) -> None:
        """Keep the columns."""
        self.edges = [-INFINITE, *t_us, INFINITE]
        self.state = [None, *state, None]  # of the sample at the interval's beginning; of the next one, at its end
        self.kind, self.adverse = kind, adverse
        self.max_gap_us = max_gap_us

    def is_gap(self, at: int) -> bool:
        """Whether nothing is known of an interval."""
        return self.edges[at + 1] - self.edges[at] > self.max_gap_us

    def is_low(self, at: int) -> bool:
        """Whether an interval is below all along."""
        return not self.is_gap(at) and self.state[at] == self.state[at + 1] == BELOW

    def is_mute(self, at: int) -> bool:
        """Whether an interval is a gap that the contractor bears, with or without a sure emptying."""
        return self.is_gap(at) and self.adverse[at] == 1 and self.kind[at] in {SURE, GAP}

    def waits(self, first: int, last: int) -> tuple[bool, bool, bool]:
        """Whether a wait may span the intervals from first to last: proven, borne, possible."""
        inner = range(first, last + 1)
        quiet = all(self.kind[at] == NONE and at > 0 for at in inner)
        proven = quiet and self.state[first] == ABOVE
        mute = all((self.kind[at] == NONE and at > 0) or self.is_mute(at) for at in inner)
        single = all(self.kind[at] != SURE for at in inner[1:-1])
        begins = self.state[first] == ABOVE or self.is_mute(first)
        borne = mute and single and begins
        refills = first == last or self.kind[first] != SURE or self.is_gap(first) or self.state[first + 1] != BELOW
        possible = single and refills and not self.is_low(first)
        return proven, borne, possible


def longest_wait(  # noqa: PLR0917  # the kernel's own order
    t_us: Ints,
    state: Ints,
    kind: Ints,
    adverse: Ints,
    max_gap_us: int,
    scan_start_us: Ints,
    start_us: Ints,
    end_us: Ints,
) -> Measure:
    """Measure the longest time from full to emptied."""
    known = Intervals(t_us, state, kind, adverse, max_gap_us)
    measures: Measure = ([], [], [])
    for scan, start, end in zip(scan_start_us, start_us, end_us, strict=True):
        best = [0, 0, 0]
        for first in range(len(kind)):
            for last in range(first, len(kind)):
                begun, until = max(known.edges[first], scan), min(known.edges[last + 1], end)
                if until > start and begun < until:
                    spans = known.waits(first, last)
                    best = [max(one, int(until - begun) * is_wait) for one, is_wait in zip(best, spans, strict=True)]
        for measure, one in zip(measures, best, strict=True):
            measure.append(one)
    return measures


def leading(t_us: Ints, part: Ints, start_us: Ints, end_us: Ints) -> list[int]:
    """Measure the run of parts with which each window begins: 0 breaks, 1 joins, 2 begins anew, 3 ends it."""
    edges = [-INFINITE, *t_us, INFINITE]
    found: list[int] = []
    for start, end in zip(start_us, end_us, strict=True):
        inside = [at for at in range(len(part)) if edges[at + 1] > start and edges[at] < end and start < end]
        lasts = [0]
        for count in range(1, len(inside) + 1):
            run = inside[:count]
            whole = [at for at in run if edges[at] >= start]
            hangs = all(part[at] != 0 for at in run) and all(part[at] != 2 for at in whole)
            if hangs and all(part[at] != 3 or at == run[-1] for at in whole):
                lasts.append(int(min(edges[run[-1] + 1], end)) - start)
        found.append(max(lasts))
    return found


def time_to_emptying(t_us: Ints, kind: Ints, adverse: Ints, max_gap_us: int, start_us: Ints, end_us: Ints) -> Measure:
    """Measure the time to the first emptying."""
    known = Intervals(t_us, [0] * len(t_us), kind, adverse, max_gap_us)

    def ends(at: int, start: int) -> int:
        return 3 if known.edges[at] >= start else 1

    def proven(at: int, _start: int) -> int:
        return int(kind[at] == NONE)

    def borne(at: int, start: int) -> int:
        if kind[at] == SURE:
            return ends(at, start) if known.is_mute(at) else 0
        return int(kind[at] == NONE or (kind[at] == GAP and adverse[at] == 1))

    def possible(at: int, start: int) -> int:
        return ends(at, start) if kind[at] == SURE else 1

    return _leads(t_us, len(kind), (proven, borne, possible), start_us, end_us)


def carried(t_us: Ints, state: Ints, adverse: Ints, max_gap_us: int, start_us: Ints, end_us: Ints) -> Measure:
    """Measure how long a window stays full from its beginning."""
    known = Intervals(t_us, state, [GAP] * (len(t_us) + 1), adverse, max_gap_us)

    def is_high(at: int) -> bool:
        return not known.is_gap(at) and known.state[at] == known.state[at + 1] == ABOVE

    def proven(at: int, _start: int) -> int:
        return int(is_high(at))

    def borne(at: int, start: int) -> int:
        hangs = known.edges[at] < start or known.state[at] == ABOVE
        return int(is_high(at) or (known.is_mute(at) and hangs))

    def possible(at: int, start: int) -> int:
        return int(not known.is_low(at) and (known.edges[at] < start or known.state[at] != BELOW))

    return _leads(t_us, len(t_us) + 1, (proven, borne, possible), start_us, end_us)


def _leads(
    t_us: Ints, size: int, claims: tuple[Callable[[int, int], int], ...], start_us: Ints, end_us: Ints
) -> Measure:
    measures: Measure = ([], [], [])
    for start, end in zip(start_us, end_us, strict=True):
        for measure, claim in zip(measures, claims, strict=True):
            measure.extend(leading(t_us, [claim(at, start) for at in range(size)], [start], [end]))
    return measures
