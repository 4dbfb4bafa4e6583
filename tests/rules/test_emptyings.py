"""Falls of the fill, what else speaks for them, and what does not fit together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rules.assets import JUMP_PPM, Installation
from rules.emptyings import (
    PROVES,
    Evidence,
    Fact,
    Fall,
    Sign,
    SignCode,
    What,
    corroborated,
    falls_of,
    jump_of,
    screened,
    signs_of,
)
from rules.events import Samples
from sensors.readings import NOT_SAID
from tests.rules.contracts import MINUTE_US

DROP, RESIDUAL = 200_000, 120_000
RISE = (62, 65, 68, 70, 73, 76, 79, 82)
LOW = (3, 4, 5, 7, 9, 12, 15)
# Of half-hourly readings: between the last of RISE and the first of LOW.
EMPTIED_US = 225 * MINUTE_US


def samples_of(fills: Sequence[float]) -> Samples:
    """Half-hourly samples of fills in percent."""
    fill_ppm = np.array([round(fill * 10_000) for fill in fills], np.int32)
    t_us = np.arange(len(fills), dtype=np.int64) * 30 * MINUTE_US
    return Samples(t_us, fill_ppm, fill_ppm, np.full(len(fills), NOT_SAID, np.int32), np.empty(0, np.int64))


def falls(fills: Sequence[float]) -> list[Fall]:
    return falls_of(screened(samples_of(fills), JUMP_PPM), DROP, RESIDUAL, JUMP_PPM)


def signs(fills: Sequence[float], lifts_us: Sequence[int] = ()) -> list[Sign]:
    known = samples_of(fills)
    return signs_of(known, screened(known, JUMP_PPM), falls(fills), lifts_us, DROP + RESIDUAL)


def test_emptying_is_found_when_the_fill_falls() -> None:
    expected = Fall(210 * MINUTE_US, 240 * MINUTE_US, 790_000, 30_000, 1_000_000, What.EMPTIED)
    assert [expected] == falls([*RISE, *LOW])


def test_emptying_is_corroborated_when_a_lift_is_heard_in_its_time() -> None:
    found = falls([*RISE, *LOW])
    at_once = corroborated(found, {Evidence.LIFT: [EMPTIED_US], Evidence.PHOTO: [0]})
    assert [{Evidence.FILL_DROP, Evidence.LIFT}] == [one.evidence for one in at_once]
    assert {Fact.NEAR, Fact.STOPPED, Fact.LIFTED, Fact.EMPTIED} == at_once[0].proves


@pytest.mark.parametrize("minutes", [207, 243])
def test_lift_is_of_another_visit_when_it_lies_beyond_the_tolerance_of_clocks(minutes: int) -> None:
    found = corroborated(falls([*RISE, *LOW]), {Evidence.LIFT: [minutes * MINUTE_US]})
    assert {Evidence.FILL_DROP} == found[0].evidence


def test_only_a_fill_drop_proves_an_emptying_when_evidence_is_weighed() -> None:
    assert {Evidence.FILL_DROP} == {one for one, facts in PROVES.items() if Fact.EMPTIED in facts}
    assert set(Evidence) == set(PROVES)


def test_fill_drop_proves_nothing_when_it_is_no_emptying() -> None:
    half = falls([*RISE, 40, 41, 42, 43, 45])
    assert [What.PARTIAL] == [one.what for one in half]
    assert frozenset() == half[0].proves


def test_lift_is_a_sign_when_nothing_was_taken_out() -> None:
    found = signs([*RISE, 83, 84, 85, 86, 87], [EMPTIED_US])
    assert [Sign(SignCode.LIFT_WITHOUT_DROP, EMPTIED_US, EMPTIED_US, 820_000)] == found


def test_lift_is_a_sign_when_half_was_left() -> None:
    found = signs([*RISE, 40, 41, 42, 43, 45], [EMPTIED_US])
    assert [Sign(SignCode.LIFT_LEFT_WASTE, EMPTIED_US, EMPTIED_US, 400_000)] == found


@pytest.mark.parametrize("lift_us", [EMPTIED_US, 10 * 24 * 60 * MINUTE_US])
def test_lift_is_no_sign_when_the_container_was_emptied_or_not_watched(lift_us: int) -> None:
    assert [] == signs([*RISE, *LOW], [lift_us])


def test_lift_is_no_sign_when_the_container_was_nearly_empty() -> None:
    assert [] == signs([3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [75 * MINUTE_US])


def test_readings_that_jump_are_a_sign_when_they_are_many() -> None:
    assert [SignCode.READINGS_JUMP] == [one.code for one in signs([60, 61, 30, 62, 63, 64, 31, 65, 66, 67])]


def test_drain_is_a_sign_when_the_fill_sinks_for_hours() -> None:
    found = signs([90, 90, 90, 80, 70, 60, 50, 40, 30, 20, 10, 10, 10, 10])
    assert [SignCode.DRAINED] == [one.code for one in found]


def test_sensor_hung_anew_is_a_sign_when_all_floors_are_lower() -> None:
    days = [floor + (80 - floor) * step / 23 for floor in (3, 4, 3, 4, 3, 4, 3) for step in range(24)]
    fills = [fill if at < 84 else fill - 45 for at, fill in enumerate(days)]
    assert [SignCode.SENSOR_REHUNG] == [one.code for one in signs(fills)]


def test_jump_is_the_widest_when_installations_declare_several() -> None:
    one = Installation("net", "d1", "C-1", 0, 1, 1100, 100, None, "ana", "luis")
    assert 300_000 == jump_of([one, replace(one, jump_ppm=300_000)])
    assert JUMP_PPM == jump_of([one])
