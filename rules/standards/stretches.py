"""Longest stretch without a pass, where passes are known to within spans only, or may not have been at all.

One stretch is one fact: what was longer than the target before the window began was judged in the window before, and
counts anew from this one's start. So a pass shortly before the window can make a stretch longer, and each doubt there
is tried both ways.
"""

from bisect import bisect_right
from collections.abc import Sequence

Span = tuple[int, int]
Edges = tuple[int, int, int, int]


def at_least(
    sure: Sequence[Span], benign: Sequence[Span], adverse: Sequence[Span], edges: Edges
) -> tuple[int, int, int]:
    """Find the longest stretch that surely was without a pass and reaches into a window.

    Parameters
    ----------
    sure : sequence of tuple of int
        Spans, both ends included, in each of which there was a pass; when in it, is resolved to the contractor's
        benefit. [us since 1970, UTC]
    benign, adverse : sequence of tuple of int
        Spans in which there may have been passes, resolved to the contractor's benefit, or against it.
    edges : tuple of int
        From where a stretch may begin, the window's start and end, and the target. [us]

    Returns
    -------
    tuple of int
        Length [us], from when until when [us since 1970, UTC].
    """
    scan_us, start_us, end_us, target_us = edges
    stretches: list[Span] = []
    reached_us = scan_us
    for broken_us, until_us in [*sorted([*sure, *benign]), (end_us, end_us)]:
        begin_us = min(broken_us, end_us)
        if begin_us > start_us and begin_us > reached_us:
            stretches.append((reached_us, begin_us))
        reached_us = max(reached_us, min(until_us, end_us))
    counted_us = start_us - target_us
    # The last pass before the window was no earlier.
    passed_us = max((begin_us for begin_us, until_us in sure if until_us <= start_us), default=scan_us)
    found = [(start_us, start_us)]
    for from_us, until_us in stretches:
        is_old = (
            from_us < start_us
            and min(from_us, passed_us) < counted_us
            and (from_us > scan_us or scan_us < counted_us)
        )
        found.append((start_us if is_old else from_us, until_us))
        if from_us < start_us:
            found += [
                (max(low_us, counted_us, from_us), until_us)
                for low_us, high_us in adverse
                if low_us <= start_us and max(low_us, counted_us, from_us) <= min(high_us, start_us)
            ]
    return _longest(found)


def at_most(sure: Sequence[Span], doubtful: Sequence[Span], edges: Edges) -> tuple[int, int, int]:
    """Find the longest stretch that may have been without a pass and reaches into a window.

    Parameters
    ----------
    sure : sequence of tuple of int
        As in `at_least`; one pass may be that of several spans.
    doubtful : sequence of tuple of int
        Spans in which there may have been passes.
    edges : tuple of int
        As in `at_least`.

    Returns
    -------
    tuple of int
        As `at_least`.

    Notes
    -----
    A stretch may begin wherever there may have been a pass, and goes on until one of the sure passes that can only
    have been after it must have been. Of all beginnings in a span the earliest gives the longest stretch, but for
    those at which another sure pass need not be any more: there that one's span begins.
    """
    scan_us, start_us, end_us, target_us = edges
    ordered = sorted(sure)
    # By when the first of the passes from each place on has been.
    by_us = [end_us]
    for _, until_us in reversed(ordered):
        by_us.append(min(by_us[-1], until_us))
    by_us.reverse()
    counted_us = start_us - target_us
    begins = {scan_us}
    for low_us, high_us in (*sure, *doubtful):
        begins |= {max(us, scan_us) for us in (low_us, counted_us) if low_us <= us <= high_us}
    found = [(start_us, start_us)]
    for from_us in begins:
        until_us = by_us[bisect_right(ordered, from_us, key=lambda span: span[0])]
        if until_us > start_us:
            found.append((from_us if from_us >= counted_us else start_us, until_us))
    return _longest(found)


def _longest(found: Sequence[Span]) -> tuple[int, int, int]:
    from_us, until_us = max(found, key=lambda one: (one[1] - one[0], -one[0]))
    return until_us - from_us, from_us, until_us
