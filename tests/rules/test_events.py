"""From what devices said to intervals that surely hold the true fill."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.assets import Installation, Register
from rules.causes import Looked, Presence
from rules.events import (
    ECHO_SPREAD_MAX_MM,
    FLOOR_MIN_PPM,
    RIM_MAX_PPM,
    Samples,
    gap_causes,
    readings_digest,
    samples_of,
    sources_of,
)
from rules.numbers import PPM
from rules.records import GapCause
from sensors.readings import NOT_SAID, Clock
from tests.rules.contracts import Said, columns, readings_of

FAR_US = 10**15


def hung(
    device: str = "d1",
    since_us: int = 0,
    until_us: int = FAR_US,
    empty_mm: int | None = 1100,
    full_mm: int | None = 100,
    full_at_ppm: int | None = None,
) -> Installation:
    return Installation("net", device, "C-1", since_us, until_us, empty_mm, full_mm, full_at_ppm, "ana", "luis")


def causes_of(known: Samples, max_gap_us: int = 1) -> list[GapCause]:
    looked = Looked("fill_level", 0, 100, max_gap_us)
    return [one.cause for one in gap_causes(known, [], [], Presence(Register((), ()), {}), looked)]


def samples(said: list[Said], *installations: Installation) -> Samples:
    return samples_of(sources_of("C-1", "fill_level", installations or (hung(),), readings_of(d1=said)))


@given(st.integers(0, 20_000), st.integers(1, 20_000), st.integers(0, 19_999))
def test_fill_lies_in_the_narrowest_interval_when_derived_from_distance(said_mm: int, empty: int, full: int) -> None:
    full %= empty
    found = samples([Said(5, distance_mm=said_mm)], hung(empty_mm=empty, full_mm=full))
    exact = Fraction(empty - said_mm, empty - full) * PPM
    if exact < FLOOR_MIN_PPM - 1:  # nothing lies so far under the floor
        assert [] == found.t_us.tolist()
        return
    assume(len(found.t_us))
    lo, hi = int(found.lo_ppm[0]), int(found.hi_ppm[0])
    assert 0 <= hi - lo <= 1
    if abs(exact) < 2**29:
        assert lo <= exact <= hi
    else:  # far beyond any threshold, and still on the right side
        assert (exact > 0) == (lo > 10 * PPM)


@pytest.mark.parametrize(
    ("distance_mm", "bounds"),
    [(1100, (0, 0)), (100, (PPM, PPM)), (200, (900_000, 900_000)), (1103, (-3_000, -3_000)), (0, (1_100_000,) * 2)],
)
def test_fill_is_exact_when_the_distance_divides(distance_mm: int, bounds: tuple[int, int]) -> None:
    found = samples([Said(5, distance_mm=distance_mm)])
    assert bounds == (found.lo_ppm[0], found.hi_ppm[0])


@pytest.mark.parametrize(("distance_mm", "bounds"), [(2, (714_285, 714_286)), (8, (-142_858, -142_857))])
def test_fill_is_widened_when_the_distance_does_not_divide(distance_mm: int, bounds: tuple[int, int]) -> None:
    found = samples([Said(5, distance_mm=distance_mm)], hung(empty_mm=7, full_mm=0))
    assert bounds == (found.lo_ppm[0], found.hi_ppm[0])


def test_distance_rules_when_the_device_says_both() -> None:
    found = samples([Said(5, fill_ppm=100_000, distance_mm=200)])
    assert (900_000, 900_000) == (found.lo_ppm[0], found.hi_ppm[0])


def test_distance_proves_nothing_when_the_installation_has_no_geometry() -> None:
    found = samples([Said(5, distance_mm=200), Said(6, fill_ppm=400_000)], hung(empty_mm=None, full_mm=None))
    assert [6] == found.t_us.tolist()
    assert [5] == found.excluded_us.tolist()


@given(st.permutations([910_000, 300_000, 650_000]), st.permutations([0, 1, 2]))
def test_conflict_covers_every_value_when_the_order_is_any(fills: list[int], sequences: list[int]) -> None:
    said = [Said(5, fill_ppm=fill, sequence=n // 2) for fill, n in zip(fills, sequences, strict=True)]
    found = samples([*said, Said(9, fill_ppm=1)])
    assert [5, 9] == found.t_us.tolist()
    assert (300_000, 910_000) == (found.lo_ppm[0], found.hi_ppm[0])


def test_two_devices_become_one_interval_when_they_speak_at_one_instant() -> None:
    readings = readings_of(d1=[Said(5, distance_mm=200)], d2=[Said(5, fill_ppm=700_000), Said(6, fill_ppm=10)])
    for installations in ([hung(), hung("d2")], [hung("d2"), hung()]):
        found = samples_of(sources_of("C-1", "fill_level", installations, readings))
        assert [(5, 700_000, 900_000), (6, 10, 10)] == list(zip(found.t_us, found.lo_ppm, found.hi_ppm, strict=True))


@pytest.mark.parametrize(
    ("said", "proves"),
    [
        (Said(5, fill_ppm=9, clock=Clock.DISAGREES), False),
        (Said(5, fill_ppm=9, clock=Clock.UNCHECKED), True),
        (Said(5, fill_ppm=9, clock=Clock.AGREES), True),
        (Said(5, fill_ppm=9, quality=1), False),
        (Said(5, fill_ppm=9, quality=2), False),
        (Said(5, fill_ppm=9, quality=0), True),
        (Said(5, fill_ppm=9, quality=3), True),
        (Said(5, fill_ppm=9, quality=4), True),
    ],
)
def test_reading_proves_something_when_neither_clock_nor_device_reject_it(said: Said, *, proves: bool) -> None:
    found = samples([said])
    assert ([5], []) == (found.t_us.tolist(), found.excluded_us.tolist()) or not proves
    assert ([], [5]) == (found.t_us.tolist(), found.excluded_us.tolist()) or proves


def test_gap_has_the_device_as_cause_when_only_its_word_proves_nothing() -> None:
    said = [Said(10, fill_ppm=1), Said(15, fill_ppm=1, quality=1), Said(20, fill_ppm=1), Said(30, fill_ppm=1)]
    causes = causes_of(samples(said))
    assert [GapCause.UNKNOWN, GapCause.DEVICE, GapCause.UNKNOWN, GapCause.UNKNOWN] == causes


def test_gap_has_one_cause_when_there_is_no_sample() -> None:
    assert [GapCause.UNKNOWN] == causes_of(samples([]))
    assert [GapCause.DEVICE] == causes_of(samples([Said(15, fill_ppm=1, clock=Clock.DISAGREES)]))


def test_geometry_is_that_of_the_instant_when_a_sensor_is_hung_anew() -> None:
    first, second = hung(until_us=100), hung(since_us=100, empty_mm=2000, full_mm=0)
    said = [Said(t_us, distance_mm=1000) for t_us in (99, 100, 101)]
    for installations in ((first, second), (second, first)):
        assert [100_000, 500_000, 500_000] == samples(said, *installations).lo_ppm.tolist()


def test_installation_is_half_open_when_readings_fall_on_its_bounds() -> None:
    said = [Said(t_us, fill_ppm=1) for t_us in (9, 10, 11, 19, 20, 21)]
    assert [10, 11, 19] == samples(said, hung(since_us=10, until_us=20)).t_us.tolist()


def test_samples_are_cut_half_open_when_taken_between() -> None:
    said = [Said(t_us, fill_ppm=1, quality=t_us % 2) for t_us in range(10, 30)]
    found = samples(said).between(12, 16)
    assert ([12, 14], [13, 15]) == (found.t_us.tolist(), found.excluded_us.tolist())


def test_device_of_another_container_says_nothing_when_asked_for_this_one() -> None:
    other = Installation("net", "d2", "C-2", 0, FAR_US, 1100, 100, None, "ana", "luis")
    readings = readings_of(d1=[Said(5, fill_ppm=1)], d2=[Said(6, fill_ppm=1)])
    assert [5] == samples_of(sources_of("C-1", "fill_level", (hung(), other), readings)).t_us.tolist()


def test_threshold_is_the_installations_when_it_has_one() -> None:
    said = [Said(5, fill_ppm=1), Said(15, fill_ppm=1)]
    found = samples(said, hung(until_us=10), hung(since_us=10, full_at_ppm=850_000))
    assert [NOT_SAID, 850_000] == found.full_at_ppm.tolist()


def test_digest_is_one_when_a_device_is_silent_or_not_there() -> None:
    here, there = [sources_of("C-1", "fill_level", (hung(),), readings) for readings in (readings_of(d1=[]), {})]
    assert readings_digest(here, 0, 100) == readings_digest(there, 0, 100)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2), st.integers(0, 3)), max_size=12))
def test_digest_tells_apart_what_was_said_when_anything_inside_differs(rows: list[tuple[int, int, int]]) -> None:
    said = {Said(t_us, fill_ppm=fill, sequence=sequence) for t_us, fill, sequence in rows}
    inside = {one for one in said if 10 <= one.t_us < 30}
    digests = {
        readings_digest(
            sources_of("C-1", "fill_level", (hung(),), {("fill_level", "net", "d1"): columns(some)}), 10, 30
        )
        for some in (said, inside)
    }
    assert 1 == len(digests)
    for left_out in inside:
        fewer = sources_of("C-1", "fill_level", (hung(),), {("fill_level", "net", "d1"): columns(said - {left_out})})
        assert readings_digest(fewer, 10, 30) not in digests


def test_columns_are_of_their_types_when_nothing_was_said() -> None:
    found = samples([])
    assert (np.int64, np.int32, np.int32) == (found.t_us.dtype, found.lo_ppm.dtype, found.hi_ppm.dtype)


def test_reading_proves_nothing_when_its_clock_was_wrong_once_and_it_is_sent_again() -> None:
    # A device whose clock runs ahead repeats itself until its time has come: nothing contradicts it any more.
    ahead = Said(5, fill_ppm=900_000, clock=Clock.DISAGREES)
    again = Said(5, fill_ppm=900_000, clock=Clock.UNCHECKED)
    other = Said(9, fill_ppm=100_000)

    found = samples([ahead, again, other])

    assert [9] == found.t_us.tolist()
    assert [5, 5] == found.excluded_us.tolist()


def echoing(*echoes_mm: int, distance_mm: int = NOT_SAID, installation: Installation | None = None) -> Samples:
    """Samples of one reading with these echoes."""
    said = columns([Said(5, distance_mm=distance_mm)])
    names = ("echo_1_mm", "echo_2_mm", "echo_3_mm", "echo_4_mm")
    numbers = {**said.numbers, **{name: np.array([mm], np.int32) for name, mm in zip(names, echoes_mm, strict=False)}}
    readings = {("fill_level", "net", "d1"): replace(said, numbers=numbers)}
    return samples_of(sources_of("C-1", "fill_level", (installation or hung(),), readings))


@given(st.permutations([200, 300, 400, 420]))
def test_fill_is_of_the_lower_median_when_only_echoes_are_said(echoes_mm: list[int]) -> None:
    found = echoing(*echoes_mm)
    assert ([5], [800_000], [800_000]) == (found.t_us.tolist(), found.lo_ppm.tolist(), found.hi_ppm.tolist())


@pytest.mark.parametrize(
    ("echoes_mm", "fill_ppm"),
    [
        ((600,), 500_000),
        ((NOT_SAID, 600, NOT_SAID, 500), 600_000),
        ((600, 500, 550), 550_000),
        ((20,) * 4, 1_080_000),
    ],
)
def test_fill_is_of_the_echoes_said_when_some_are_missing(echoes_mm: tuple[int, ...], fill_ppm: int) -> None:
    assert [fill_ppm] == echoing(*echoes_mm).lo_ppm.tolist()


@pytest.mark.parametrize(
    ("echoes_mm", "proves"),
    [
        ((400, 400, 400, 400 + ECHO_SPREAD_MAX_MM), True),
        ((400, 400, 400, 401 + ECHO_SPREAD_MAX_MM), False),
        ((NOT_SAID, 400, NOT_SAID, 401 + ECHO_SPREAD_MAX_MM), False),
        ((0, 0, 0, 0), False),
        ((0, 20_000, 20_000, 20_000), False),
    ],
)
def test_reading_proves_nothing_when_its_echoes_disagree(echoes_mm: tuple[int, ...], *, proves: bool) -> None:
    found = echoing(*echoes_mm)
    assert ([5], []) == (found.t_us.tolist(), found.excluded_us.tolist()) or not proves
    assert ([], [5]) == (found.t_us.tolist(), found.excluded_us.tolist()) or proves


def test_distance_rules_when_the_device_says_echoes_too() -> None:
    assert [900_000] == echoing(0, 1_000, 3_000, distance_mm=200).lo_ppm.tolist()


def test_echoes_prove_nothing_when_the_installation_has_no_geometry() -> None:
    assert [5] == echoing(600, 600, installation=hung(empty_mm=None, full_mm=None)).excluded_us.tolist()


@pytest.mark.parametrize(
    ("said", "proves"),
    [
        (Said(5, distance_mm=1100), True),
        (Said(5, distance_mm=1350), True),
        (Said(5, distance_mm=1352), False),
        (Said(5, distance_mm=5_080), False),  # 254, twice in centimetres: nothing came back
        (Said(5, fill_ppm=2_540_000), False),  # 254 %
        (Said(5, fill_ppm=RIM_MAX_PPM), True),
        (Said(5, fill_ppm=RIM_MAX_PPM + 1), False),
        (Said(5, fill_ppm=FLOOR_MIN_PPM - 1), False),
        (Said(5, distance_mm=0), True),  # heaped to the sensor
    ],
)
def test_reading_proves_nothing_when_no_fill_can_be_such(said: Said, *, proves: bool) -> None:
    found = samples([said])
    assert (([5], []) if proves else ([], [5])) == (found.t_us.tolist(), found.excluded_us.tolist())
