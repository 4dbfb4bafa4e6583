"""What truly happened in the virtual field, computed from its own records alone, in the plainest way."""

from collections.abc import Collection, Iterable
from itertools import pairwise

from sensors.fleet import Container
from sensors.people import Case, Inspected, Report
from sensors.sweepers import Swept


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


def swept_m(swept: Iterable[Swept], segment_id: str, start_us: int, end_us: int) -> float:
    """Length of a segment that was swept at least once within [start, end)."""
    return _union_m(_stretch(one, start_us, end_us) for one in swept if one.segment_id == segment_id)


def passes_us(swept: Iterable[Swept], segment_id: str, needed_m: float) -> list[int]:
    """When, in each vehicle's night, so much of a segment had been swept as makes a pass."""
    found: list[int] = []
    stretches: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for one in sorted(swept, key=lambda one: one.leave_us):
        if one.segment_id != segment_id:
            continue
        done = stretches.setdefault((one.vehicle, one.night), [])
        had_passed = _union_m(done) >= needed_m
        done.append((one.from_m, one.to_m))
        if not had_passed and _union_m(done) >= needed_m:
            found.append(one.leave_us)
    return found


def longest_without_pass_us(passed_us: Iterable[int], scan_us: int, start_us: int, end_us: int) -> int:
    """Longest true time without a pass within [scan, end) that reaches into [start, end)."""
    edges = [scan_us, *sorted(t for t in passed_us if scan_us < t < end_us), end_us]
    return max(right - left for left, right in pairwise(edges) if right > start_us)


def case_delays_us(cases: Iterable[Case]) -> dict[str, int | None]:
    """Time from the opening of each case to the first answer; None where there was none."""
    return {one.case: None if one.responded_us is None else one.responded_us - one.opened_us for one in cases}


def late_cases(cases: Iterable[Case], target_us: int) -> set[str]:
    """Cases that were answered later than the target, or never."""
    return {case for case, delay_us in case_delays_us(cases).items() if delay_us is None or delay_us > target_us}


def late_reports(reports: Iterable[Report], missing_after_us: int) -> set[tuple[str, int]]:
    """Zone and day of reports that came after they were due, but before they counted as missing."""
    return {
        key
        for key, one in _versions(reports, 1).items()
        if one.said_us and 0 < one.said_us - one.due_us <= missing_after_us
    }


def missing_reports(reports: Iterable[Report], missing_after_us: int) -> set[tuple[str, int]]:
    """Zone and day of reports that never came, or so late that they counted as missing."""
    return {
        key
        for key, one in _versions(reports, 1).items()
        if one.said_us is None or one.said_us - one.due_us > missing_after_us
    }


def overstated_reports(reports: Iterable[Report], margin: int, *, is_first: bool = False) -> set[tuple[str, int]]:
    """Zone and day of reports whose last version, or first, declares more lifts than were done, beyond a margin."""
    judged = _versions(reports, 1 if is_first else 10_000)
    return {
        key for key, one in judged.items() if one.said_us is not None and one.lifts_said - one.lifts_true > margin
    }


def lifts_off(reports: Iterable[Report]) -> dict[tuple[str, int], int]:
    """By how many lifts the last version of each report that came is off: of zone and day."""
    return {
        key: abs(one.lifts_said - one.lifts_true)
        for key, one in _versions(reports, 10_000).items()
        if one.said_us is not None
    }


def good_share(inspected: Iterable[Inspected], zone: str, month: str, good: Collection[str]) -> tuple[int, int]:
    """How many of a zone's points inspected by a month's plan were good, and how many were inspected."""
    grades = [one.grade for one in inspected if one.grade and (one.zone, one.month) == (zone, month)]
    return sum(grade in good for grade in grades), len(grades)


def _stretch(one: Swept, start_us: int, end_us: int) -> tuple[float, float]:
    """Part of a stretch that was swept within [start, end); it is driven evenly."""
    span_us = one.leave_us - one.enter_us
    first, last = (min(max((t - one.enter_us) / span_us, 0), 1) for t in (start_us, end_us))
    length_m = one.to_m - one.from_m
    if one.is_forward:
        return one.from_m + first * length_m, one.from_m + last * length_m
    return one.to_m - last * length_m, one.to_m - first * length_m


def _union_m(stretches: Iterable[tuple[float, float]]) -> float:
    total = until = 0.0
    for from_m, to_m in sorted(stretches):
        total += max(to_m - max(from_m, until), 0)
        until = max(until, to_m)
    return total


def _versions(reports: Iterable[Report], version_max: int) -> dict[tuple[str, int], Report]:
    """Latest version of each report, up to one."""
    ordered = sorted(reports, key=lambda one: one.version)
    return {(one.zone, one.day): one for one in ordered if one.version <= version_max}
