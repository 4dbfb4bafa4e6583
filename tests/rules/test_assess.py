"""Verdicts: the vectors of the clauses, and what must not change them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assess import assess, spans_us
from rules.assets import Register
from rules.calendar import DAY_US
from rules.contract import Terms
from rules.records import Determination, Verdict, canonical, digest
from sensors.columns import Columns
from sensors.readings import Clock
from tests.rules.contracts import (
    ASSETS,
    HOUR_US,
    INSTALLATIONS,
    MINUTE_US,
    Said,
    Table,
    contract_table,
    full_standard,
    readings_of,
    register_of,
    terms_of,
    unemptied_standard,
    utc_us,
)

DAY = date(2026, 9, 10)
NEXT = DAY + timedelta(days=1)
SIX_US = utc_us("2026-09-10T06:00-03:00")
FAR_US = utc_us("2030-01-01T00:00+00:00")
Readings = Mapping[tuple[str, str, str], Columns]


def said(*points: tuple[str, str], day: str = "2026-09-10") -> list[Said]:
    """Write readings of a local day: clock and fill."""
    return [Said(utc_us(f"{day}T{clock}-03:00"), fill_ppm=round(float(fill) * 1_000_000)) for clock, fill in points]


def half_hours(first: int, last: int, fill: str) -> list[tuple[str, str]]:
    """Readings at each half hour from one hour to another, both included."""
    return [(f"{n // 2:02}:{n % 2 * 30:02}", fill) for n in range(2 * first, 2 * last + 1)]


W28 = [*half_hours(6, 10, "0.92"), ("10:05", "0.92"), ("10:20", "0.30"), *half_hours(11, 21, "0.30")]


def one(terms: Terms, register: Register, readings: Readings, subject: str = "C-1") -> Determination:
    (found,) = [each for each in assess(terms, register, readings, (DAY, NEXT), FAR_US) if each.subject == subject]
    return found


def judged(readings: Iterable[Said], bearer: str = "city", **changes: Any) -> Determination:
    """Judge one day of one container under the standard of W28, changed."""
    terms = terms_of(contract_table(full_standard(**changes), bearer=bearer))
    return one(terms, register_of(terms), readings_of(d1=[*readings]))


def test_run_is_a_breach_when_it_is_proven_longer() -> None:
    found = judged(said(*W28))
    expected = (Verdict.NOT_MET, 4 * HOUR_US + 5 * MINUTE_US, 4 * HOUR_US + 20 * MINUTE_US)
    assert expected == (found.verdict, found.proven, found.possible)
    assert (SIX_US, SIX_US + found.proven) == (found.trace["proven_from_us"], found.trace["proven_until_us"])


def test_run_is_inconclusive_when_the_proving_reading_is_lost() -> None:
    found = judged(said(*(point for point in W28 if point[0] != "10:05")))
    assert (Verdict.INCONCLUSIVE, 4 * HOUR_US) == (found.verdict, found.proven)
    assert 4 * HOUR_US + 20 * MINUTE_US == found.possible


def test_run_is_met_when_it_ends_at_the_limit() -> None:
    found = judged(said(*half_hours(6, 9, "0.92"), ("10:00", "0.89"), *half_hours(11, 21, "0.1")))
    assert (Verdict.MET, 4 * HOUR_US) == (found.verdict, found.possible)


def test_run_is_inconclusive_when_proven_is_exactly_the_limit() -> None:
    found = judged(said(*W28), target=limit("PT4H5M"))
    assert Verdict.INCONCLUSIVE == found.verdict


def limit(value: str) -> Table:
    return {"op": "<=", "value": value}


def test_run_is_inconclusive_when_the_error_could_lower_it() -> None:
    wide = {"signal_error": "0.03", "bound": "favour_contractor"}
    assert (Verdict.INCONCLUSIVE, 0) == ((found := judged(said(*W28), tolerance=wide)).verdict, found.proven)


def test_run_counts_when_the_fill_is_exactly_the_threshold() -> None:
    found = judged(said(*((clock, "0.9" if fill == "0.92" else fill) for clock, fill in W28)))
    assert Verdict.NOT_MET == found.verdict


def test_nothing_is_concluded_when_too_few_readings_came() -> None:
    points = said(*half_hours(6, 13, "0.92"))
    assert Verdict.NOT_MET == judged(points, completeness={"min": "0.46", "every": "PT30M"}).verdict
    found = judged(points, completeness={"min": "0.48", "every": "PT30M"})
    assert (Verdict.INCONCLUSIVE, 15, 32) == (found.verdict, found.received, found.expected)


def test_completeness_counts_a_slot_once_when_readings_crowd() -> None:
    crowd = [Said(SIX_US + second * 1_000_000, fill_ppm=10) for second in range(1_700)]
    assert (1, 32) == ((found := judged(crowd)).received, found.expected)


def test_day_without_readings_is_inconclusive_when_the_city_bears_it() -> None:
    found = judged([])
    assert (Verdict.INCONCLUSIVE, 0, 0, 16 * HOUR_US) == (found.verdict, found.proven, found.borne, found.possible)
    assert [{"from_us": SIX_US, "until_us": SIX_US + 16 * HOUR_US, "cause": "unknown"}] == found.trace["gaps"]


def test_day_without_readings_hides_the_worst_when_the_contractor_bears_it() -> None:
    assert 16 * HOUR_US == judged([], bearer="contractor").borne


def test_window_is_judged_when_its_grace_is_over() -> None:
    terms = terms_of()
    register = register_of(terms)
    end_us = SIX_US + 16 * HOUR_US + 2 * DAY_US
    assert [] == assess(terms, register, {}, (DAY, NEXT), end_us - 1)
    assert 2 == len(assess(terms, register, {}, (DAY, NEXT), end_us))


def test_nothing_is_judged_when_the_terms_do_not_hold_yet() -> None:
    terms = terms_of()
    found = assess(terms, register_of(terms), {}, (date(2026, 7, 30), date(2026, 8, 2)), FAR_US)
    assert {"2026-08-01"} == {each.day for each in found}


EVENING = [*half_hours(20, 23, "0.95"), ("23:30", "0.95")]
MORNING = half_hours(0, 9, "0.95")


@pytest.mark.parametrize(
    ("across", "hours"),
    # From 20:00 of the day before to 09:00; cut at the window's start; cut ten hours before the window's end.
    [
        ({"across_windows": True, "look_back": "P2D"}, 13),
        ({"across_windows": False}, 3),
        ({"across_windows": True, "look_back": "PT18H"}, 5),
    ],
)
def test_run_carries_in_as_far_as_declared_when_it_began_the_day_before(across: Table, hours: int) -> None:
    points = said(*EVENING, day="2026-09-09") + said(*MORNING, ("09:30", "0.1"), *half_hours(10, 21, "0.1"))
    found = judged(points, measure={**full_standard()["measure"], **across})
    assert (Verdict.NOT_MET if hours > 4 else Verdict.MET, hours * HOUR_US) == (found.verdict, found.proven)


def quarters(first: int, last: int, fill: str) -> list[tuple[str, str]]:
    """Readings at a quarter past and a quarter to, from one hour to another, both included."""
    return [(f"{n // 2:02}:{15 + n % 2 * 30}", fill) for n in range(2 * first, 2 * last + 1)]


def test_run_reaches_the_windows_end_when_the_next_reading_proves_it() -> None:
    found = judged(said(*quarters(6, 17, "0.1"), *quarters(18, 22, "0.95")), target=limit("PT3H30M"))
    # From 18:15 to 22:00; the reading of 22:15 proves the last quarter of an hour.
    assert (Verdict.NOT_MET, 3 * HOUR_US + 45 * MINUTE_US) == (found.verdict, found.proven)


def test_run_begins_with_the_window_when_the_reading_before_proves_it() -> None:
    found = judged(said(*quarters(5, 8, "0.95"), *quarters(9, 22, "0.1")), target=limit("PT2H"))
    assert (Verdict.NOT_MET, 2 * HOUR_US + 15 * MINUTE_US) == (found.verdict, found.proven)
    assert SIX_US == found.trace["proven_from_us"]


def test_total_adds_up_when_the_container_is_full_twice() -> None:
    points = said(*half_hours(6, 8, "0.95"), *half_hours(9, 18, "0.1"), *half_hours(19, 21, "0.95"))
    total = {**full_standard()["measure"], "kind": "total_time"}
    found = judged(points, measure=total)
    # Two times two hours proven; the changes after 08:00 and after 18:00, and the time after 21:00, are possible.
    assert (4 * HOUR_US, Verdict.INCONCLUSIVE) == (found.proven, found.verdict)
    assert 4 * HOUR_US + 2 * 60 * MINUTE_US + HOUR_US >= found.possible > found.proven


def test_threshold_is_the_installations_when_the_terms_say_so() -> None:
    measure = {**full_standard()["measure"], "value": "installation"}
    terms = terms_of(contract_table(full_standard(measure=measure)))
    for full_at, verdict in (("0.92", Verdict.NOT_MET), ("0.93", Verdict.MET)):
        register = register_of(terms, installations=INSTALLATIONS.replace("0.9,", f"{full_at},"))
        points = said(*W28, *half_hours(21, 23, "0.3"))
        assert verdict == one(terms, register, readings_of(d1=points)).verdict


def test_zones_outside_the_standard_are_not_judged_when_it_names_some() -> None:
    terms = terms_of(contract_table(full_standard(zones=["VP-02"])))
    assert {"C-2"} == {each.subject for each in assess(terms, register_of(terms), {}, (DAY, NEXT), FAR_US)}


def test_asset_is_judged_where_it_stands_when_it_moves_between_zones() -> None:
    terms = terms_of()
    rows = ASSETS.replace(
        "C-1,VP-01,container_1100l,2026-01-01,\n",
        "C-1,VP-01,container_1100l,2026-01-01,2026-09-10T06:00\nC-1,VP-02,container_1100l,2026-09-10T06:00,\n",
    )
    days = (DAY - timedelta(days=2), DAY + timedelta(days=2))
    found = assess(terms, register_of(terms, assets=rows), {}, days, FAR_US)
    # It moves at the instant at which the window of the 10th starts: that window is its new zone's, and only its.
    zones = [f"{each.day[-2:]} {each.zone}" for each in found if each.subject == "C-1"]
    assert ["08 VP-01", "09 VP-01", "10 VP-02", "11 VP-02"] == sorted(zones)


def rising(days: Sequence[int], emptied: Sequence[tuple[int, int]], floor: str = "0.05") -> list[Said]:
    """Half-hourly readings of days of September, rising by a tenth each six hours, back to a floor when emptied."""
    found: list[Said] = []
    start_us = utc_us(f"2026-09-{days[0]:02}T00:00-03:00")
    instants = {utc_us(f"2026-09-{day:02}T{hour:02}:00-03:00") for day, hour in emptied}
    fill = low = round(float(floor) * 1_000_000)
    for n in range(48 * (days[-1] - days[0] + 1)):
        t_us = start_us + n * 30 * MINUTE_US
        fill = low if t_us in instants else fill + 8_000
        found.append(Said(t_us, fill_ppm=fill))
    return found


def unemptied(points: Iterable[Said], bearer: str = "city") -> Determination:
    terms = terms_of(contract_table(unemptied_standard(), bearer=bearer))
    return one(terms, register_of(terms), readings_of(d1=[*points]))


def test_neglect_is_proven_when_no_fall_is_seen_for_longer() -> None:
    found = unemptied(rising([5, 6, 7, 8, 9, 10, 11], [(7, 20), (10, 20)]))
    # Emptied between 19:30 and 20:00 on the 7th; above the residual from 05:30 on; emptied again after 19:30.
    assert Verdict.NOT_MET == found.verdict
    assert 2 * DAY_US < found.proven <= found.possible == 3 * DAY_US + 30 * MINUTE_US


def test_neglect_is_disproven_when_falls_are_seen_in_time() -> None:
    found = unemptied(rising([5, 6, 7, 8, 9, 10, 11], [(6, 20), (8, 10), (10, 8)]))
    assert (Verdict.MET, 46 * HOUR_US + 30 * MINUTE_US) == (found.verdict, found.possible)


@pytest.mark.parametrize(("error", "verdict"), [("0", Verdict.MET), ("0.02", Verdict.INCONCLUSIVE)])
def test_fall_is_an_emptying_when_the_error_cannot_explain_it(error: str, verdict: Verdict) -> None:
    tolerance = {"signal_error": error, "bound": "favour_contractor"}
    terms = terms_of(contract_table(unemptied_standard(tolerance=tolerance)))
    start_us, fall = utc_us("2026-09-05T00:00-03:00"), 4 * 48 + 18
    points = [Said(start_us + n * 30 * MINUTE_US, fill_ppm=500_000 if n < fall else 190_000) for n in range(48 * 7)]
    assert verdict == one(terms, register_of(terms), readings_of(d1=points)).verdict


def test_container_is_inconclusive_when_it_stays_nearly_empty() -> None:
    start_us = utc_us("2026-09-05T00:00-03:00")
    found = unemptied(Said(start_us + n * 30 * MINUTE_US, fill_ppm=150_000) for n in range(48 * 7))
    assert (Verdict.INCONCLUSIVE, 0) == (found.verdict, found.proven)
    assert found.borne <= found.target


def shuffled(register: Register, order: Sequence[int]) -> Register:
    rows = [register.installations[n] for n in order]
    return Register(tuple(reversed(register.assets)), tuple(rows))


FOUR = INSTALLATIONS + "net,d3,C-1,2026-09-08,,1100,100,0.9,ana,luis\nnet,d4,C-2,2026-09-10,,900,100,0.9,ana,luis\n"
MEASURES = [full_standard(), unemptied_standard()]
minutes = st.integers(-9 * 1_440, 3 * 1_440)
fills = st.sampled_from([0, 150_000, 300_000, 895_000, 905_000, 950_000])
clocks = st.sampled_from([Clock.AGREES, Clock.AGREES, Clock.DISAGREES])
points = st.builds(
    Said,
    t_us=minutes.map(lambda minute: SIX_US + minute * MINUTE_US),
    fill_ppm=fills,
    clock=clocks,
    sequence=st.integers(0, 1),
)
spoken = st.fixed_dictionaries(
    {device: st.lists(points, max_size=60) for device in ("d1", "d2", "d3", "d4")},
)


@given(spoken, st.permutations(range(4)), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_determinations_are_one_when_readings_and_rows_come_in_any_order(
    devices: dict[str, list[Said]], order: list[int], random: Any
) -> None:
    terms = terms_of(contract_table(*MEASURES))
    register = register_of(terms, installations=FOUR)
    mixed = list(devices.items())
    random.shuffle(mixed)
    for _, one_device in mixed:
        random.shuffle(one_device)
    # A redelivered reading changes nothing either: the columns hold each content once.
    again = readings_of(**{name: [*rows, *rows[:3]] for name, rows in mixed})
    first = assess(terms, register, readings_of(**devices), (DAY, NEXT), FAR_US)
    second = assess(terms, shuffled(register, order), again, (DAY, NEXT), FAR_US)
    assert [(each.id, digest_of(each)) for each in first] == [(each.id, digest_of(each)) for each in second]


def digest_of(found: Determination) -> str:
    return digest({name: getattr(found, name) for name in found.__dataclass_fields__})


@given(spoken, spoken, st.integers(0, 1))
@settings(deadline=None, max_examples=60)
def test_determination_is_one_when_only_readings_far_off_differ(
    devices: dict[str, list[Said]], others: dict[str, list[Said]], place: int
) -> None:
    terms = terms_of(contract_table(MEASURES[place]))
    register = register_of(terms, installations=FOUR)
    first_us, until_us = spans_us(terms, (DAY, NEXT))["fill_level"]
    inside = {name: [row for row in rows if first_us <= row.t_us < until_us] for name, rows in devices.items()}
    beyond = {name: [row for row in rows if not first_us <= row.t_us < until_us] for name, rows in others.items()}
    whole = readings_of(**{name: [*inside[name], *beyond[name]] for name in inside})
    spare = readings_of(**{name: rows for name, rows in inside.items() if rows})
    days = (DAY, NEXT)
    assert assess(terms, register, whole, days, FAR_US) == assess(terms, register, spare, days, FAR_US)


@given(spoken)
@settings(deadline=None, max_examples=25)
def test_days_one_by_one_give_the_month_when_each_sees_only_its_own_span(devices: dict[str, list[Said]]) -> None:
    terms = terms_of(contract_table(*MEASURES))
    register = register_of(terms, installations=FOUR)
    days = [DAY + timedelta(days=n) for n in range(-2, 3)]
    full = assess(terms, register, readings_of(**devices), (days[0], days[-1]), FAR_US)
    parts: list[Determination] = []
    for day in days[:-1]:
        span = (day, day + timedelta(days=1))
        first_us, until_us = spans_us(terms, span)["fill_level"]
        seen = {name: [row for row in rows if first_us <= row.t_us < until_us] for name, rows in devices.items()}
        parts += assess(terms, register, readings_of(**{k: v for k, v in seen.items() if v}), span, FAR_US)
    assert {each.id: digest_of(each) for each in full} == {each.id: digest_of(each) for each in parts}
    assert len(full) == len(parts)


def test_determination_is_one_when_a_sensor_is_hung_anew_a_month_later() -> None:
    terms = terms_of()
    later = INSTALLATIONS.replace("d1,C-1,2026-01-01,", "d1,C-1,2026-01-01,2026-10-15")
    later += "net,d9,C-1,2026-10-15,,1000,100,0.9,ana,luis\n"
    readings = readings_of(d1=said(*W28))
    before = one(terms, register_of(terms), readings)
    assert before == one(terms, register_of(terms, installations=later), readings)


def test_determination_is_another_when_the_geometry_that_held_is_corrected() -> None:
    terms = terms_of()
    corrected = register_of(terms, installations=INSTALLATIONS.replace("1100,100", "1101,100"))
    readings = readings_of(d1=said(*W28))
    before, after = one(terms, register_of(terms), readings), one(terms, corrected, readings)
    assert before.opportunity == after.opportunity
    assert before.id != after.id


def test_determination_is_written_canonically_when_it_is_stored() -> None:
    found = judged(said(*W28))
    assert canonical({name: getattr(found, name) for name in found.__dataclass_fields__})
    assert found.id == replace(found, trace={}).id


def test_night_is_judged_over_its_elapsed_hours_when_clocks_change() -> None:
    window = {"start": time(22), "end": time(5), "days": "daily", "dst": "elapsed"}
    terms = terms_of(contract_table(full_standard(window=window)))
    night = (date(2026, 9, 5), date(2026, 9, 6))
    found = assess(terms, register_of(terms), {}, night, FAR_US)[0]
    assert (6 * HOUR_US, 12) == (found.possible, found.expected)


def test_hours_without_a_sensor_are_the_citys_when_the_contractor_bears_the_unknown() -> None:
    """A sensor hangs until 08:00, another from 14:00; between them nobody could have known."""
    terms = terms_of({**contract_table(full_standard(), bearer="contractor"), "evidence": CITY_BEARS_CITY})
    hung = INSTALLATIONS.replace(
        "net,d1,C-1,2026-01-01,,1100,100,0.9,ana,luis",
        "net,d1,C-1,2026-01-01,2026-09-10T08:00:00,1100,100,0.9,ana,luis\n"
        "net,d3,C-1,2026-09-10T14:00:00,,1100,100,0.9,ana,luis",
    )
    register = register_of(terms, installations=hung)
    low = said(*half_hours(6, 7, "0.2"), ("07:59", "0.2"), ("14:00", "0.2"), *half_hours(15, 21, "0.2"))
    found = one(terms, register, readings_of(d1=low[:4], d3=low[4:]))

    assert "city" in [gap["cause"] for gap in found.trace["gaps"]]
    assert HOUR_US >= found.borne
    assert 6 * HOUR_US <= found.possible


def test_silence_beside_bare_hours_is_still_the_contractors_when_it_bears_it() -> None:
    """Silent from 08:00, taken down only at 13:00: five hours are the contractor's, the rest of the day is not."""
    terms = terms_of({**contract_table(full_standard(), bearer="contractor"), "evidence": CITY_BEARS_CITY})
    hung = INSTALLATIONS.replace("net,d1,C-1,2026-01-01,,", "net,d1,C-1,2026-01-01,2026-09-10T13:00:00,")
    found = one(terms, register_of(terms, installations=hung), readings_of(d1=said(*half_hours(6, 8, "0.2"))))

    assert 5 * HOUR_US == found.borne
    assert ["unknown", "city"] == [gap["cause"] for gap in found.trace["gaps"]]


def test_hours_after_a_container_left_are_the_citys_when_it_moved_at_noon() -> None:
    terms = terms_of({**contract_table(full_standard(), bearer="contractor"), "evidence": CITY_BEARS_CITY})
    place = "C-1,VP-01,container_1100l,2026-01-01,"
    moved = ASSETS.replace(place, f"{place}2026-09-10T12:00:00")
    points = said(*half_hours(6, 11, "0.2"), ("11:30", "0.2"), *half_hours(12, 21, "0.95"))
    found = one(terms, register_of(terms, assets=moved), readings_of(d1=points))

    assert (0, 0) == (found.proven, found.borne)
    assert 12 == found.received


CITY_BEARS_CITY: Table = {
    "gap_bearer": {
        **dict.fromkeys(("device", "gateway", "network", "operator_off", "conflict", "unknown"), "contractor"),
        "city": "city",
    }
}
