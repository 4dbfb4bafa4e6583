# the expected value stands on the left
"""Emptyings in what real sensors say: against the obvious version, and by what goes wrong in the field."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import emptyings, levels
from kernels.emptyings import DRAINED, EMPTIED, PARTIAL, REHUNG, Falls
from tests import emptyings_oracle
from tests.kernels.cases import MINUTE_US, Case, cases, i8, i32, i64

HALF_HOUR_US = 30 * MINUTE_US
DROP, RESIDUAL, JUMP = 200_000, 120_000, 150_000
REACH, SHARE = 5, 600_000
QUICK_US = 90 * MINUTE_US
LEAST = 360_000


def percent(*fills: float) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Half-hourly samples of fills in percent."""
    t_us = np.arange(len(fills), dtype=np.int64) * HALF_HOUR_US
    return t_us, np.array([round(fill * 10_000) for fill in fills], np.int32)


def heard(*fills: float) -> Falls:
    """Screen half-hourly samples and find the falls."""
    t_us, fill_ppm = percent(*fills)
    lo_ppm, hi_ppm = emptyings.screen(t_us, fill_ppm, fill_ppm, 3, 4 * 60 * MINUTE_US, JUMP)
    return emptyings.detect(t_us, lo_ppm, hi_ppm, DROP, RESIDUAL, REACH, QUICK_US, SHARE)


def told(falls: Falls) -> list[tuple[int, int, int]]:
    """Say of each fall between which samples it lies and what it is."""
    return [(int(a), int(b), int(c)) for a, b, c in zip(falls.first, falls.last, falls.code, strict=True)]


@given(cases(levels=6, samples=14), st.integers(1, 4), st.integers(0, 20), st.sampled_from([0, 50, 100, 150]))
def test_screen_is_the_oracles_when_samples_are_any(case: Case, reach: int, within_us: int, jump_ppm: int) -> None:
    expected = emptyings_oracle.screen(case.t_us, case.lo_ppm, case.hi_ppm, reach, within_us, jump_ppm)
    found = emptyings.screen(i64(case.t_us), i32(case.lo_ppm), i32(case.hi_ppm), reach, within_us, jump_ppm)
    assert expected == (found[0].tolist(), found[1].tolist())


@given(
    cases(levels=6, samples=20),
    st.sampled_from([1, 100, 200, 300]),
    st.sampled_from([0, 100, 200]),
    st.integers(1, 5),
    st.integers(0, 8),
    st.sampled_from([0, 360_000, 600_000, 999_999]),
)
@example(Case(t_us=[], lo_ppm=[], hi_ppm=[], threshold_ppm=[], adverse=[1], max_gap_us=1, scan_start_us=[],
              start_us=[], end_us=[]), 1, 0, 1, 0, 1)  # fmt: skip
@example(Case(t_us=[3], lo_ppm=[5], hi_ppm=[5], threshold_ppm=[1], adverse=[1, 1], max_gap_us=1, scan_start_us=[],
              start_us=[], end_us=[]), 1, 0, 1, 0, 1)  # fmt: skip
def test_detect_is_the_oracles_when_samples_are_any(  # the kernel's own parameters
    case: Case, drop_ppm: int, residual_ppm: int, reach: int, quick_us: int, share_ppm: int
) -> None:
    asked = (drop_ppm, residual_ppm, reach, quick_us, share_ppm)
    expected = emptyings_oracle.detect(case.t_us, case.lo_ppm, case.hi_ppm, *asked)
    found = emptyings.detect(i64(case.t_us), i32(case.lo_ppm), i32(case.hi_ppm), *asked)
    assert expected == list(zip(*(column.tolist() for column in found), strict=True))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9), st.integers(-4, 9)), max_size=12), st.integers(1, 4))
def test_floors_are_the_oracles_when_falls_are_any(events: list[tuple[int, int, int]], jump_ppm: int) -> None:
    code, fall, floor = ([one[k] for one in events] for k in range(3))
    nothing = i64([0] * len(events))
    falls = Falls(nothing, nothing, i64(fall), i64(floor), nothing, i8(code))
    found = emptyings.floors(falls, jump_ppm)
    assert emptyings_oracle.floors(code, fall, floor, jump_ppm) == (found[0].tolist(), found[1].tolist())


@given(cases(levels=6, samples=20))
def test_confirm_is_the_oracles_when_samples_are_any(case: Case) -> None:
    t_us, lo_ppm, hi_ppm = i64(case.t_us), i32(case.lo_ppm), i32(case.hi_ppm)
    kind = levels.drops(t_us, lo_ppm, hi_ppm, 200, 100, case.max_gap_us)
    falls = emptyings.detect(t_us, lo_ppm, hi_ppm, 200, 100, 3, 5, SHARE)
    kept = [
        (int(first), int(last))
        for first, last, confidence, code in zip(
            falls.first, falls.last, falls.confidence_ppm, falls.code, strict=True
        )
        if code == EMPTIED and confidence >= LEAST
    ]
    assert emptyings_oracle.confirm(kind.tolist(), kept) == emptyings.confirm(kind, falls, LEAST).tolist()


@given(cases(levels=6, samples=14))
def test_screen_only_widens_when_samples_are_any(case: Case) -> None:
    lo_ppm, hi_ppm = i32(case.lo_ppm), i32(case.hi_ppm)
    low_ppm, high_ppm = emptyings.screen(i64(case.t_us), lo_ppm, hi_ppm, 3, 20, 100)
    assert np.all(low_ppm <= lo_ppm)
    assert np.all(high_ppm >= hi_ppm)


RISE = (62, 65, 68, 70, 73, 76, 79, 82)
LOW = (3, 4, 5, 7, 9, 12, 15)


def test_emptying_is_found_with_full_confidence_when_nothing_goes_wrong() -> None:
    falls = heard(*RISE, *LOW)
    assert [(7, 8, EMPTIED)] == told(falls)
    assert (790_000, 30_000, 1_000_000) == (falls.fall_ppm[0], falls.floor_ppm[0], falls.confidence_ppm[0])


@pytest.mark.parametrize(
    "fills",
    [
        (*RISE[:4], 112, *RISE[4:]),  # a lid above the sensor
        (*RISE[:4], 112, 111, *RISE[4:]),  # for two readings
        (*RISE[:4], 2, *RISE[4:]),  # an echo from elsewhere
        (*RISE[:4], 1, 2, *RISE[4:]),
        (*LOW, 95, 15, 16, 17, 18),  # somebody stood before it
        (60, 30, 60, 30, 60, 30, 60, 30, 60, 30, 60, 30),  # echoes that jump to and fro
        (60, 61, 30, 62, 63, 31, 64, 65, 33, 66, 67),
        (90, 92, 93, 88, 84, 82, 81, 81, 82),  # waste settles
        (82, 80, 78, 76, 74, 72, 70, 68, 66, 64, 62, 60, 58),  # a drain, far too slow to be seen locally
    ],
)
def test_no_fall_is_believed_when_the_waste_stays(fills: tuple[float, ...]) -> None:
    falls = heard(*fills)
    assert [] == falls.code[falls.confidence_ppm >= LEAST].tolist()


@pytest.mark.parametrize("wrong", [(7,), (8,), (9,), (6,), (5, 10), (10, 11)])
def test_emptying_is_found_once_when_readings_beside_it_are_wrong(wrong: tuple[int, ...]) -> None:
    fills = [*RISE, *LOW]
    for at in wrong:
        fills[at] = 110
    falls = heard(*fills)
    assert [EMPTIED] == falls.code.tolist()
    # Two wrong ones soon after it leave its time open for so long, and no longer.
    assert 6 <= falls.first[0] <= 7
    assert 8 <= falls.last[0] <= 12
    assert LEAST <= int(falls.confidence_ppm[0])


def test_fall_is_partial_when_more_than_the_residual_is_left() -> None:
    assert [(7, 8, PARTIAL)] == told(heard(*RISE, 40, 41, 42, 43, 45))


def test_fall_is_a_drain_when_it_takes_hours() -> None:
    assert [DRAINED] == heard(90, 90, 90, 80, 70, 60, 50, 40, 30, 20, 10, 10, 10, 10).code.tolist()


def test_fall_is_an_emptying_when_it_is_seen_in_two_steps() -> None:
    assert [(7, 9, EMPTIED)] == told(heard(*RISE, 40, *LOW))


def test_confidence_is_low_when_little_was_heard_since() -> None:
    falls = heard(*RISE, 3)
    assert [(7, 8, EMPTIED)] == told(falls)
    assert 200_000 == falls.confidence_ppm[0]


def rounds(*floors: float, top: float = 80.0) -> list[float]:
    """Fill from each floor to a top, in 24 samples a round; the floors are what emptyings leave."""
    return [floor + (top - floor) * step / 23 for floor in floors for step in range(24)]


def test_sensor_is_found_hung_anew_when_every_later_floor_is_lower() -> None:
    before, after = rounds(3, 4, 3, 4), [fill - 45 for fill in rounds(3, 4, 3, 4)]
    # Hung higher in the middle of a round: the fill seems to fall by 45 % and nothing was taken out.
    middle = [*before[:84], *(fill - 45 for fill in before[84:]), *after]
    falls = heard(*middle)
    code, shift_ppm = emptyings.floors(falls, JUMP)
    assert [EMPTIED] * 3 + [REHUNG] + [EMPTIED] * 4 == code.tolist()
    assert not shift_ppm.any()


def test_container_is_found_exchanged_when_the_floor_changes_with_an_emptying() -> None:
    falls = heard(*rounds(3, 4, 3, 4), *rounds(25, 26, 25, 26, top=90))
    code, shift_ppm = emptyings.floors(falls, JUMP)
    assert REHUNG not in code
    assert [(3, 210_000)] == [(at, int(by)) for at, by in enumerate(shift_ppm) if by]


def test_half_emptying_is_not_sure_when_it_is_confirmed() -> None:
    t_us, fill_ppm = percent(*RISE, 40, 41, 42, 43, 45, *(3, 4, 5, 6, 7))
    kind = levels.drops(t_us, fill_ppm, fill_ppm, DROP, 0, HALF_HOUR_US)
    falls = emptyings.detect(t_us, fill_ppm, fill_ppm, DROP, RESIDUAL, REACH, QUICK_US, SHARE)
    assert [8, 13] == np.flatnonzero(kind == levels.SURE).tolist()
    assert [13] == np.flatnonzero(emptyings.confirm(kind, falls, LEAST) == levels.SURE).tolist()


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"reach": 0}, "reach = 0 lies outside 1"), ({"reach": 101}, "reach = 101 lies outside 1 to 100"),
     ({"drop_ppm": 0}, "drop_ppm = 0 lies outside 1"), ({"quick_us": -1}, "quick_us = -1 lies outside 0")],
)  # fmt: skip
def test_detect_raises_when_a_number_is_out_of_range(changed: dict[str, int], message: str) -> None:
    asked = {"drop_ppm": 1, "residual_ppm": 0, "reach": 1, "quick_us": 0, "share_ppm": 1} | changed
    with pytest.raises(ValueError, match=message):
        emptyings.detect(i64([]), i32([]), i32([]), **asked)


def test_screen_raises_when_samples_are_not_in_order() -> None:
    with pytest.raises(ValueError, match=r"t_us\[1\] = 3 does not come after t_us\[0\] = 5"):
        emptyings.screen(i64([5, 3]), i32([0, 0]), i32([0, 0]), 1, 1, 1)
