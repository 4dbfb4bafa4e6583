"""People and containers of the virtual field: what they do, and what is said of it."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.accept import NATIVE, accept
from sensors import people
from sensors.fleet import DAY_US, HOUR_US, Message, Plan, containers, gateway_outages, levels
from sensors.readings import Reading
from tests.acceptance.truth import (
    case_delays_us,
    good_share,
    late_cases,
    late_reports,
    missing_reports,
    overstated_reports,
)

ZONES = ("VP-01", "VP-02", "VP-03", "VP-04")
# 1 September 2026, midnight in Santiago; the clocks go forward at the end of the 5th.
FIRST_US = 1_788_235_200_000_000
CLOCKS_GO_FORWARD = 5
DAYS = 61


def plan_of(*, days: int = DAYS, seed: int = 7, is_perfect: bool = False) -> Plan:
    midnights_us = tuple(FIRST_US + day * DAY_US - HOUR_US * (day > CLOCKS_GO_FORWARD) for day in range(days + 1))
    return Plan(seed, 20, ZONES, FIRST_US, days, is_perfect, midnights_us)


def drawn_of(plan: Plan) -> list[tuple[str, str, int]]:
    return [
        (f"P-{zone[-2:]}{day % 20 + 1:02d}", zone, plan.at_us(day, hour))
        for zone in plan.zones
        for day in range(plan.days)
        for hour in (7, 16)
    ]


def all_messages(plan: Plan) -> list[Message]:
    return [
        *levels(plan),
        *people.lifts(plan),
        *people.inspections(plan, drawn_of(plan)),
        *people.cases(plan),
        *people.reports(plan, people.lifted(plan)),
    ]


def decoded(messages: list[Message]) -> list[Reading]:
    """Accepted readings, each once."""
    found = {
        (one.kind.name, one.device, one.event_time_us, one.sequence, one.values, one.words): one
        for message in messages
        for one in accept(NATIVE, message.topic, message.payload).readings
    }
    return list(found.values())


def word(reading: Reading, name: str) -> str:
    return reading.words[[one.name for one in reading.kind.words].index(name)]


def said(message: Message) -> dict[str, Any]:
    return json.loads(message.payload)


def test_wall_clock_when_the_clocks_go_forward() -> None:
    plan = plan_of()
    # Midnight is one o'clock; what would be in the lost hour is at once.
    assert plan.at_us(5, 2) == plan.midnight_us(5) + HOUR_US
    assert plan.midnight_us(5) == plan.at_us(5, 0.5)
    assert 12 * HOUR_US == plan.at_us(4, 12) - plan.midnight_us(4)
    assert 11 * HOUR_US == plan.at_us(4, 36) - plan.midnight_us(5)
    assert "2026-09-06T15:00:00+00:00" == datetime.fromtimestamp(plan.at_us(5, 12) / 1e6, UTC).isoformat()


def test_days_when_instants_lie_at_their_edges() -> None:
    plan = plan_of()
    for day in range(-2, DAYS + 2):
        assert day == plan.day_of(plan.midnight_us(day))
        assert day - 1 == plan.day_of(plan.midnight_us(day) - 1)
    assert "2026-09-06" == plan.date_of(5).isoformat()
    assert "2026-10-31" == plan.date_of(60).isoformat()


def test_days_are_even_when_nobody_says_when_they_begin() -> None:
    plan = Plan(7, 1, ZONES, FIRST_US, 30)
    assert FIRST_US + 6 * DAY_US == plan.midnight_us(6)
    assert 6 == plan.day_of(FIRST_US + 6 * DAY_US)


def test_rounds_are_at_night_when_summer_begins() -> None:
    plan = plan_of()
    for one in containers(plan):
        for t_us in one.emptyings_us:
            day = plan.day_of(t_us)
            if 0 <= day < DAYS:
                assert plan.at_us(day, 1.5) <= t_us <= plan.at_us(day, 4.6)


@pytest.mark.parametrize("is_perfect", [True, False])
def test_messages_are_the_same_bytes_when_seed_is(*, is_perfect: bool) -> None:
    once, again = (all_messages(plan_of(days=9, is_perfect=is_perfect)) for _ in range(2))
    other = all_messages(plan_of(days=9, seed=8, is_perfect=is_perfect))
    assert once == again
    assert once != other


def test_every_message_is_accepted_when_perfect() -> None:
    messages = all_messages(plan_of(days=9, is_perfect=True))
    assert [] == [one for message in messages for one in accept(NATIVE, message.topic, message.payload).rejections]


def test_devices_of_a_gateway_are_silent_when_it_is_out() -> None:
    plan = plan_of()
    (out,) = gateway_outages(plan)
    assert 8 * HOUR_US < out.end_us - out.start_us < 10 * HOUR_US
    assert 0 <= plan.day_of(out.start_us) < 30
    gateways = {one.device: one.gateway for one in containers(plan)}
    assert 5 == len(set(gateways.values()))
    during = {one.device for one in decoded(levels(plan)) if out.start_us <= one.event_time_us < out.end_us}
    # Two of the twenty may be silent for reasons of their own.
    assert out.gateway not in {gateways[device] for device in during}
    assert len(during) >= 14


def test_battery_falls_when_a_device_is_about_to_die() -> None:
    plan = plan_of()
    dead = containers(plan)[7].device
    by_device: dict[str, list[Reading]] = {}
    for one in decoded(levels(plan)):
        by_device.setdefault(one.device, []).append(one)
    lowest = {
        device: min(one.values[2] for one in readings if one.values[2] > 0) for device, readings in by_device.items()
    }
    assert dead == min(lowest, key=lambda device: lowest[device])
    assert 2_890 <= lowest[dead] < 2_950
    assert min(value for device, value in lowest.items() if device != dead) > 3_500
    assert max(one.event_time_us for one in by_device[dead]) < plan.midnight_us(11)


def test_lifts_are_the_emptyings_when_perfect() -> None:
    plan = plan_of(is_perfect=True)
    emptied = Counter(
        (one.asset, t_us)
        for one in containers(plan)
        for t_us in one.emptyings_us
        if plan.midnight_us(-1) <= t_us < plan.midnight_us(DAYS)
    )
    done = people.lifted(plan)
    assert emptied == Counter((one.container, one.emptied_us) for one in done)
    assert all(one.said_us and one.emptied_us and abs(one.said_us - one.emptied_us) <= HOUR_US // 20 for one in done)
    published = Counter((word(one, "container"), one.event_time_us) for one in decoded(people.lifts(plan)))
    assert published == Counter((one.container, one.said_us) for one in done)


def test_some_lifts_are_silent_and_some_phantoms_when_not_perfect() -> None:
    done = people.lifted(plan_of())
    assert 0 < sum(one.said_us is None for one in done) < len(done) / 25
    assert 0 < sum(one.emptied_us is None for one in done) < len(done) / 40


def test_inspections_are_good_when_perfect() -> None:
    plan = plan_of(is_perfect=True)
    drawn = drawn_of(plan)
    found = people.inspected(plan, drawn)
    assert [(point, zone) for point, zone, _ in drawn] == [(one.point, one.zone) for one in found]
    assert {"A", "B+", "B"} == {one.grade for one in found}
    assert {"2026-09", "2026-10"} == {one.month for one in found}


def test_inspections_do_not_depend_on_the_order_of_the_draw() -> None:
    plan = plan_of()
    found = people.inspected(plan, drawn_of(plan))
    assert set(found) == set(people.inspected(plan, reversed(drawn_of(plan))))
    assert len(found) == len(set(found))


def test_one_zone_is_dirty_in_one_month_when_not_perfect() -> None:
    plan = plan_of()
    found = people.inspected(plan, drawn_of(plan))
    shares = {
        (zone, month): good / all_of
        for zone in ZONES
        for month in ("2026-09", "2026-10")
        for good, all_of in [good_share(found, zone, month, people.GRADES[:5])]
    }
    worst = min(shares, key=lambda key: shares[key])
    assert "2026-09" == worst[1]
    assert shares[worst] < 0.86
    assert min(share for key, share in shares.items() if key != worst) > 0.82
    assert {"", *people.GRADES} == {one.grade for one in found}
    assert any(not one.month and one.grade for one in found)


def test_off_plan_inspections_name_no_plan() -> None:
    plan = plan_of()
    months = Counter(one.month for one in people.inspected(plan, drawn_of(plan)) if one.said_us is not None)
    sent = decoded(people.inspections(plan, drawn_of(plan)))
    assert months == Counter(word(one, "plan") for one in sent)


def test_cases_are_answered_in_time_when_perfect() -> None:
    found = people.complained(plan_of(is_perfect=True))
    assert set() == late_cases(found, 18 * HOUR_US)
    assert 0.2 < len(found) / DAYS / len(ZONES) < 0.4
    assert len(found) == len({one.case for one in found})


def test_cases_are_late_or_forgotten_when_not_perfect() -> None:
    found = [one for seed in range(5) for one in people.complained(plan_of(seed=seed))]
    delays_us = [
        delay for seed in range(5) for delay in case_delays_us(people.complained(plan_of(seed=seed))).values()
    ]
    assert [] == [one for one in delays_us if one is not None and 18 * HOUR_US < one < 26 * HOUR_US]
    assert 0.005 < delays_us.count(None) / len(found) < 0.06
    assert 0.06 < sum(one is not None and one > 24 * HOUR_US for one in delays_us) / len(found) < 0.2


def test_steps_of_a_case_come_from_who_takes_them() -> None:
    sent = decoded(people.cases(plan_of(is_perfect=True)))
    steps = {(one.device, word(one, "step")) for one in sent}
    city, contractor = people.DESK_DEVICE, people.OFFICE_DEVICE
    assert steps == {
        (city, "opened"),
        (city, "confirmed"),
        (contractor, "responded"),
        (contractor, "resolved"),
    }


def test_reports_declare_what_was_done_when_perfect() -> None:
    plan = plan_of(is_perfect=True)
    done = Counter((one.zone, plan.day_of(t_us)) for one in containers(plan) for t_us in one.emptyings_us)
    found = people.reported(plan, people.lifted(plan))
    assert [(zone, day) for day in range(DAYS) for zone in ZONES] == [(one.zone, one.day) for one in found]
    assert all(one.lifts_said == one.lifts_true == done[one.zone, one.day] for one in found)
    assert all(one.said_us and plan.at_us(one.day + 1, 10) <= one.said_us < one.due_us for one in found)
    assert set() == late_reports(found, DAY_US) | missing_reports(found, DAY_US) | overstated_reports(found, 0)


def test_reports_are_late_missing_and_wrong_when_not_perfect() -> None:
    found = [people.reported(plan, people.lifted(plan)) for plan in (plan_of(seed=seed) for seed in range(3))]
    total = 3 * DAYS * len(ZONES)
    assert 0.02 < sum(len(late_reports(one, DAY_US)) for one in found) / total < 0.07
    assert 0.005 < sum(len(missing_reports(one, DAY_US)) for one in found) / total < 0.04
    first = [overstated_reports(one, 3, is_first=True) for one in found]
    last = [overstated_reports(one, 3) for one in found]
    assert 0.01 < sum(map(len, first)) / total < 0.05
    assert 0 < sum(map(len, last)) < sum(map(len, first))
    assert all(one <= other for one, other in zip(last, first, strict=True))


def test_reports_are_published_as_they_were_written() -> None:
    plan = plan_of(days=3, is_perfect=True)
    found = people.reported(plan, people.lifted(plan))
    sent = [said(one) for one in people.reports(plan, people.lifted(plan))]
    written = {(plan.date_of(one.day).isoformat(), one.zone, one.version, one.lifts_said) for one in found}
    assert written == {(one["day"], one["zone"], one["version"], one["lifts"]) for one in sent}
    assert {people.REPORT} == {one["report"] for one in sent}
