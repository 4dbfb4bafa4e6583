"""Time worked above a speed: a sweeper's day, what its tracker says or does not, and who bears what is missing."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assets import Register
from rules.contract import Terms
from rules.errors import TermsError
from rules.records import Determination, FindingCode, Verdict
from tests.rules.contracts import MINUTE_US, Table, contract_table, terms_of
from tests.rules.standards_cases import (
    ASSETS,
    INSTALLATIONS,
    Told,
    assert_bounded,
    bounds,
    judge,
    local_us,
    register,
    standard,
)

DAY = date(2026, 9, 10)
NEXT = DAY + timedelta(days=1)
FIX = ("position_fix", "s1")
START_US = local_us("2026-09-10T00:00")
FLEET = ASSETS + "SW-1,,sweeper,2026-01-01,\n"
TRACKERS = (
    INSTALLATIONS.replace("signed_contractor\n", "signed_contractor,working\n").replace(",ana,luis\n", ",ana,luis,\n")
    + "net,s1,SW-1,2026-01-01,,,,,ana,luis,1:high\n"
)
# Eight miles an hour, and a device that is off by a tenth of a metre a second.
LIMIT_MMPS, ERROR_MMPS = 3_576, 100


def speeding(**changes: Any) -> Table:
    """No more than an hour a day faster than 8 mph with the broom down."""
    measure: Table = {
        "kind": "time_above_speed",
        "vehicles": "sweeper",
        "working": "broom_down",
        "above_mps": "3.576",
        "max_gap": "PT2M",
        "travel_mps": "25",
    }
    tolerance = {"gps_m": "5", "speed_mps": "0.1", "bound": "favour_contractor"}
    measure |= changes.pop("measure", {})
    return standard("vehicle", measure, {"op": "<=", "value": "PT1H"}, tolerance=tolerance, **changes)


def fleet(terms: Terms) -> Register:
    return register(terms, assets=FLEET, installations=TRACKERS)


def fix(minute: int, speed_mmps: int | None, *, inputs: int = 1, north_e7: int = 0) -> Told:
    """Say where a sweeper is so many minutes into the day, how fast, and whether its broom is down."""
    said = () if speed_mmps is None else (("speed_mmps", speed_mmps),)
    place = (("latitude_e7", -334_500_000 + north_e7), ("longitude_e7", -706_600_000))
    return Told(START_US + minute * MINUTE_US, (), (*place, ("inputs", inputs), *said))


def a_day(fast: Sequence[int], **said: Any) -> list[Told]:
    """Send a fix each minute from the day before to the day after; fast in some minutes, else slow."""
    quick = set(fast)
    return [fix(minute, 5_000 if minute in quick else 2_000, **said) for minute in range(-2, 1_443)]


def day(said: Sequence[Told], bearer: str = "contractor") -> Determination:
    """Judge the sweeper's day."""
    terms = terms_of(contract_table(speeding(), bearer=bearer))
    (found,) = judge(terms, {FIX: said}, (DAY, NEXT), fleet(terms))
    return found


def minutes(found: Determination) -> tuple[float, ...]:
    return tuple(one / MINUTE_US for one in bounds(found))


@pytest.mark.parametrize(
    ("fast", "verdict", "expected"),
    [
        # From fast fix to fast fix; a minute on either side may have been either.
        (range(600, 631), Verdict.MET, (30, 30, 32)),
        (range(600, 660), Verdict.INCONCLUSIVE, (59, 59, 61)),
        (range(600, 661), Verdict.INCONCLUSIVE, (60, 60, 62)),
        (range(600, 662), Verdict.NOT_MET, (61, 61, 63)),
        ((), Verdict.MET, (0, 0, 0)),
    ],
)
def test_day_is_judged_by_the_hour_when_a_device_says_how_fast(
    fast: Sequence[int], verdict: Verdict, expected: tuple[int, ...]
) -> None:
    found = day(a_day(fast))
    assert (verdict, expected) == (found.verdict, minutes(found))


def test_time_counts_for_the_day_in_which_it_lies_when_work_goes_on_past_midnight() -> None:
    found = day(a_day([*range(1_400, 1_443)]))
    assert (40, 40, 41) == minutes(found)


@pytest.mark.parametrize("speed_mmps", [LIMIT_MMPS - ERROR_MMPS + 1, LIMIT_MMPS, LIMIT_MMPS + ERROR_MMPS])
def test_nothing_is_sure_when_a_speed_is_within_its_error_of_the_limit(speed_mmps: int) -> None:
    found = day([fix(minute, speed_mmps) for minute in range(-2, 1_443)])
    assert (Verdict.INCONCLUSIVE, (0, 0, 1_440)) == (found.verdict, minutes(found))


def test_broom_up_is_no_work_when_a_vehicle_drives_fast() -> None:
    found = day(a_day(range(1_440), inputs=0))
    assert (Verdict.MET, (0, 0, 0)) == (found.verdict, minutes(found))


def test_places_prove_a_speed_when_no_device_says_one() -> None:
    # A thousand metres in a minute: (1000 - 16 - 3.576 * 60) / (25 - 3.576) = 35.9 s at the least.
    still = [fix(minute, 2_000) for minute in range(-2, 600)]
    dash = [fix(600, None), fix(601, None, north_e7=90_180)]
    found = day([*still, *dash, *(fix(minute, 2_000, north_e7=90_180) for minute in range(602, 1_443))])
    assert found.proven == pytest.approx(35.9 * MINUTE_US / 60, rel=0.01)


@pytest.mark.parametrize(("bearer", "borne"), [("contractor", 10), ("city", 0)])
def test_gap_counts_as_fast_when_the_contractor_bears_it(bearer: str, borne: int) -> None:
    heard = [one for one in a_day(()) if not 600 * MINUTE_US < one.t_us - START_US < 610 * MINUTE_US]
    found = day(heard, bearer)
    assert (0, borne, 10) == minutes(found)
    assert 1 == len(found.trace["gaps"])


def test_whole_day_is_possible_when_nothing_was_heard() -> None:
    assert (0, 1_440, 1_440) == minutes(day([]))


def test_terms_are_refused_when_no_vehicle_could_be_that_fast() -> None:
    with pytest.raises(TermsError) as refused:
        terms_of(contract_table(speeding(measure={"travel_mps": "3"})))
    assert FindingCode.MALFORMED in {found.code for found in refused.value.findings}


fixes = st.lists(
    st.builds(
        fix,
        st.integers(-3, 1_445),
        st.sampled_from([None, 0, 3_500, 3_700, 9_000]),
        inputs=st.integers(0, 1),
        north_e7=st.integers(0, 200_000),
    ),
    max_size=12,
)


@given(fixes, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_laws_hold_when_fixes_are_any(said: list[Told], random: Any) -> None:
    terms = terms_of(contract_table(speeding(), bearer="contractor"))
    held = fleet(terms)
    found = judge(terms, {FIX: said}, (DAY, NEXT), held)
    assert_bounded(found)
    shuffled = list(said)
    random.shuffle(shuffled)
    assert found == judge(terms, {FIX: shuffled}, (DAY, NEXT), held)
    inside = [one for one in said if -2 * MINUTE_US <= one.t_us - START_US < 1_442 * MINUTE_US]
    assert found == judge(terms, {FIX: inside}, (DAY, NEXT), held)
