"""What one vehicle swept: against the obvious version, and what fixes that come by the second say."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.fixes import IDLE, UNSAID, WORKING, Gap, Track
from rules.paths import some_of, witnesses
from rules.places import Network, network_of
from rules.records import GapCause
from rules.sweeps import Pieces, Sweep, Work, sweep_of
from rules.traversals import Fixes, traverse
from sensors.readings import NOT_SAID
from tests import sweep_oracle as oracle
from tests.benchmarks.kernel.field import city, drive
from tests.rules.test_traversals import LINE, SECOND_US
from tests.rules.test_traversals import fixes as fixes_at

WORK = Work(500, 4_000, 20_000, 30 * SECOND_US, 120 * SECOND_US)
TOWN = city(60)
FIXES = 90


def told(fixes: Fixes) -> Track:
    """Say at each fix that the vehicle works, and nothing of its speed."""
    size, none = fixes.t_us.size, np.empty(0, np.int64)
    return Track(fixes, np.full(size, NOT_SAID, np.int32), np.full(size, WORKING, np.int8), none, none)


def drawn(seed: int, step_s: int) -> Track:
    """Drive through a small town with all that a tracker may say or leave unsaid."""
    random = np.random.default_rng(seed)
    track = told(drive(TOWN, seed, FIXES, step_s, speed_mps=float(random.uniform(1, 8))))
    kept = np.repeat(random.random(FIXES) > 0.1, random.integers(1, 9))[:FIXES] & (random.random(FIXES) > 0.05)
    fixes = some_of(track.fixes, np.flatnonzero(kept))
    size = fixes.t_us.size
    fixes = replace(
        fixes,
        accuracy_mm=random.choice(
            np.array([3_000, 7_500, 25_000, 150_000], np.int32), size, p=[0.5, 0.43, 0.05, 0.02]
        ),
    )
    working = np.repeat(random.choice([WORKING, WORKING, IDLE, UNSAID], FIXES), random.integers(1, 40))[:size]
    speed_mmps = np.where(random.random(size) < 0.9, random.integers(300, 4_300, size), NOT_SAID)
    if seed % 3 == 0:
        speed_mmps[:] = NOT_SAID
    return replace(told(fixes), working=working.astype(np.int8), speed_mmps=speed_mmps.astype(np.int32))


def gaps_in(track: Track, window: tuple[int, int]) -> list[Gap]:
    """Find silences, cut in two where they are long."""
    ends = [window[0] - SECOND_US, *track.fixes.t_us.tolist(), window[1] + SECOND_US]
    found: list[Gap] = []
    for before, (left_us, right_us) in enumerate(pairwise(ends), -1):
        after = before + 1 if before + 1 < len(track) else -1
        if right_us - left_us > WORK.max_gap_us:
            middle_us = (left_us + right_us) // 2
            found += [Gap(left_us, middle_us, before, after, GapCause.CITY)]
            found += [Gap(middle_us, right_us, before, after, GapCause.DEVICE)]
        elif right_us - left_us > WORK.every_us:
            found.append(Gap(left_us, right_us, before, after, GapCause.UNKNOWN))
    return found


def rows_of(pieces: Pieces) -> list[oracle.Piece]:
    columns = (getattr(pieces, name).tolist() for name in Pieces.__slots__)
    return sorted(zip(*columns, strict=True))


def proven_mm(found: Sweep) -> int:
    return int(found.visits.proven_mm.sum())


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 10, 25]))
@settings(max_examples=40, deadline=None)
def test_sweep_is_the_oracles_when_a_vehicle_drives(seed: int, step_s: int) -> None:
    track = drawn(seed, step_s)
    first_us, last_us = int(track.fixes.t_us[0]), int(track.fixes.t_us[-1])
    window = (first_us + (last_us - first_us) // 10, last_us - seed % 3 * SECOND_US)
    gaps = gaps_in(track, window)
    found = sweep_of(TOWN, track, gaps, window, WORK)

    chosen = set(witnesses(TOWN, track.fixes).tolist()) | {one for gap in gaps for one in (gap.before, gap.after)}
    turned = [one for one in range(1, len(track)) if track.working[one] != track.working[one - 1]]
    within = [one for one, us in enumerate(track.fixes.t_us.tolist()) if window[0] <= us <= window[1]]
    chosen = sorted((chosen | {*turned, *(one - 1 for one in turned), within[0], within[-1]}) - {-1})
    rows = traverse(TOWN, some_of(track.fixes, np.array(chosen)), WORK.max_gap_us)
    expected = oracle.swept(oracle.Scene(TOWN, track, chosen, rows, WORK), gaps, window)

    assert expected.proven == rows_of(found.proven)
    assert expected.possible == rows_of(found.possible)
    visits = found.visits
    columns = (visits.segment, visits.enter_us, visits.leave_us, visits.proven_mm, visits.possible_mm)
    assert expected.visits == list(zip(*(column.tolist() for column in columns), strict=True))
    runs = found.runs
    columns = (runs.segment, runs.enter_us, runs.proven_mm, runs.by_us, runs.until_us)
    assert expected.runs == list(zip(*(column.tolist() for column in columns), strict=True))
    assert expected.hidden == [(one.span, one.most_mm, one.segments.tolist()) for one in found.hidden]


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("network", [network_of([LINE]), network_of([])])
def test_sweep_when_fixes_are_few(network: Network, count: int) -> None:
    track = told(fixes_at(*[(20.0, 0.0)] * count))
    gap = Gap(0, 60 * SECOND_US, count - 1, -1, GapCause.DEVICE)
    found = sweep_of(network, track, [gap], (0, 60 * SECOND_US), WORK)

    assert 0 == found.proven.segment.size == found.possible.segment.size == found.visits.segment.size
    assert [list(range(len(network.segment_ids)))] == [one.segments.tolist() for one in found.hidden]


def along(step_s: float, until_m: float = 200) -> Fixes:
    """Drive along the line at two metres a second."""
    return fixes_at(*((x, 0.0) for x in np.arange(0, until_m + 0.01, 2 * step_s).tolist()), step_s=step_s)


# A tracker that says no speed does not prove work over a pair shorter than the errors: its drive ends with a witness.
@pytest.mark.parametrize(
    ("step_s", "said_mmps", "until_m"),
    [
        *((step_s, 2_000, 200) for step_s in (1, 2, 4)),
        (1, NOT_SAID, 140),
        (2, NOT_SAID, 160),
        (4, NOT_SAID, 160),
    ],
)
def test_proven_is_no_less_when_fixes_come_more_often(step_s: int, said_mmps: int, until_m: float) -> None:
    network, window = network_of([LINE]), (-SECOND_US, 200 * SECOND_US)
    tracks = [told(along(one, until_m)) for one in (10, step_s)]
    said = [replace(one, speed_mmps=np.full(len(one), said_mmps, np.int32)) for one in tracks]
    sparse, dense = (sweep_of(network, one, [], window, WORK) for one in said)

    assert 0 < proven_mm(sparse) <= proven_mm(dense)


@pytest.mark.parametrize("said", [IDLE, UNSAID])
def test_nothing_is_proven_when_one_fix_between_two_witnesses_does_not_say_so(said: int) -> None:
    network, window = network_of([LINE]), (-SECOND_US, 200 * SECOND_US)
    track = told(along(1))
    track.working[50] = said
    found = sweep_of(network, track, [], window, WORK)
    # It was at 100 m then; the error of 5 m is taken from both sides.
    begun = (found.proven.from_mm < 95_000) & (found.proven.until_mm > 98_000)

    assert 0 < proven_mm(found) < proven_mm(sweep_of(network, told(along(1)), [], window, WORK))
    assert not begun.any()


def test_work_is_possible_when_one_fix_between_two_witnesses_may_say_so() -> None:
    network, window = network_of([LINE]), (-SECOND_US, 200 * SECOND_US)
    track = told(along(1))
    idle = replace(track, working=np.full(len(track), IDLE, np.int8))
    nothing = sweep_of(network, idle, [], window, WORK)
    idle.working[50] = WORKING
    found = sweep_of(network, idle, [], window, WORK)

    assert 0 == nothing.possible.segment.size
    assert 0 == proven_mm(found)
    assert found.possible.from_mm.min() <= 98_000
    assert found.possible.until_mm.max() >= 102_000


def test_speed_counts_when_a_fix_between_two_witnesses_says_another() -> None:
    network, window = network_of([LINE]), (-SECOND_US, 200 * SECOND_US)
    track = replace(told(along(1)), speed_mmps=np.full(101, 2_000, np.int32))
    whole = proven_mm(sweep_of(network, track, [], window, WORK))
    track.speed_mmps[52] = WORK.fastest_mmps + 1
    found = sweep_of(network, track, [], window, WORK)

    assert 0 < proven_mm(found) < whole
    assert int(found.possible.until_mm.max()) == int(network.length_mm[0])
