"""What truly happened to a virtual container, computed from its fill curve alone."""

from itertools import pairwise

from sensors.fleet import Container


def longest_full_us(one: Container, start_us: int, end_us: int, threshold: float) -> float:
    """Longest true run at or above a fill within [start, end)."""
    longest = run_start = 0.0
    is_running = False
    times, fills = one.times_us, one.fills
    for k in range(1, len(times)):
        left_us, right_us, left, right = times[k - 1], times[k], fills[k - 1], fills[k]
        if right_us <= start_us or left_us >= end_us or left_us == right_us:
            # At an emptying two fills share an instant: the run, if any, ends there.
            is_running = is_running and not (left_us == right_us and right < threshold)
            continue
        crossing = left_us + (threshold - left) * (right_us - left_us) / (right - left) if left != right else left_us
        above_from = left_us if left >= threshold else (crossing if right >= threshold else None)
        above_until = right_us if right >= threshold else (crossing if left >= threshold else None)
        if above_from is None or above_until is None:
            is_running = False
            continue
        begin, end = max(above_from, start_us), min(above_until, end_us)
        run_start = run_start if is_running and left >= threshold else begin
        longest = max(longest, end - run_start)
        is_running = right >= threshold
    return longest


def longest_unemptied_us(one: Container, scan_us: int, start_us: int, end_us: int) -> float:
    """Longest true time without an emptying within [scan, end) that reaches into [start, end)."""
    edges = [scan_us, *(t for t in one.emptyings_us if scan_us < t < end_us), end_us]
    return max(right - left for left, right in pairwise(edges) if right > start_us)
