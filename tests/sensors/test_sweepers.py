"""Sweepers: the template's streets, what is truly swept, and what trackers say of it."""

import json
import math
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from ingest.accept import NATIVE, accept
from sensors.fleet import DAY_US, HOUR_US, Message, Plan, delivered
from sensors.readings import Reading
from sensors.sweepers import SWEEPERS, Drive, Street, Swept, drives, fixes, swept
from tests.acceptance.truth import longest_without_pass_us, passes_us, swept_m

CONTRACT = Path(__file__).parents[2] / "app" / "templates" / "contract"
ZONES = ("VP-01", "VP-02", "VP-03", "VP-04")
# 1 September 2026, midnight in Santiago; the clocks go forward at the end of the 5th.
FIRST_US = 1_788_235_200_000_000
CLOCKS_GO_FORWARD = 5
DAYS = 61
SLACK_M = 1e-6


def plan_of(*, days: int = DAYS, seed: int = 7, is_perfect: bool = False) -> Plan:
    midnights_us = tuple(FIRST_US + day * DAY_US - HOUR_US * (day > CLOCKS_GO_FORWARD) for day in range(days + 1))
    return Plan(seed, 12, ZONES, FIRST_US, days, is_perfect, midnights_us)


def features(name: str) -> list[dict[str, Any]]:
    return json.loads((CONTRACT / name).read_text(encoding="utf-8"))["features"]


def streets() -> list[Street]:
    return [
        Street(
            one["properties"]["segment_id"],
            one["properties"]["zone_id"],
            one["properties"].get("oneway", False),
            tuple((round(x * 1e7), round(y * 1e7)) for x, y in one["geometry"]["coordinates"]),
        )
        for one in features("segments.geojson")
    ]


def length_m(street: Street) -> float:
    """Length by another formula than the fleet's: the sphere of the same radius of curvature, nearly."""
    metres = [
        (x * 1e-7 * 111_320 * math.cos(math.radians(-33.43)) * 1.001, y * 1e-7 * 110_913) for x, y in street.points
    ]
    return sum(math.dist(one, other) for one, other in pairwise(metres))


def reached(start: tuple[int, int], leads: dict[tuple[int, int], list[tuple[int, int]]]) -> set[tuple[int, int]]:
    found, waiting = {start}, [start]
    while waiting:
        fresh = [one for one in leads.get(waiting.pop(), []) if one not in found]
        found.update(fresh)
        waiting += fresh
    return found


def readings_of(messages: list[Message]) -> dict[str, list[Reading]]:
    """Accepted readings of each device, by sequence; what was said twice with another content is left out."""
    said = {
        (one.device, one.sequence, one.values): one
        for message in messages
        for one in accept(NATIVE, message.topic, message.payload).readings
    }
    count = Counter((device, sequence) for device, sequence, _ in said)
    found: dict[str, list[Reading]] = {}
    for one in sorted(said.values(), key=lambda one: one.sequence):
        if count[one.device, one.sequence] == 1:
            found.setdefault(one.device, []).append(one)
    return found


def value(reading: Reading, name: str) -> int:
    names = [quantity.name for quantity in reading.kind.quantities]
    return reading.values[names.index(name)]


@pytest.fixture(scope="module")
def driven() -> list[Drive]:
    return drives(plan_of(), streets())


@pytest.fixture(scope="module")
def heard() -> dict[str, list[Reading]]:
    return readings_of(fixes(plan_of(), streets()))


def test_streets_when_measured() -> None:
    network = streets()
    in_zones = [one for one in network if one.zone is not None]
    assert len({one.segment_id for one in network}) == len(network)
    assert {
        zone: 12 <= count <= 15 for zone, count in Counter(one.zone for one in in_zones).items()
    } == dict.fromkeys(ZONES, True)
    assert [] == [one.segment_id for one in network if not 40 <= length_m(one) <= 160]


def test_streets_when_held_against_zones() -> None:
    rings = {one["properties"]["zone_id"]: one["geometry"]["coordinates"][0] for one in features("zones.geojson")}
    outside = [
        one.segment_id
        for one in streets()
        if one.zone is not None
        for point in one.points
        for k in (0, 1)  # the zones are rectangles
        if not min(p[k] for p in rings[one.zone]) < point[k] / 1e7 < max(p[k] for p in rings[one.zone])
    ]
    assert [] == outside


def test_streets_when_every_way_is_driven() -> None:
    there: dict[tuple[int, int], list[tuple[int, int]]] = {}
    back: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for one in streets():
        pairs = [(one.points[0], one.points[-1])]
        pairs += [] if one.oneway else [(one.points[-1], one.points[0])]
        for tail, head in pairs:
            there.setdefault(tail, []).append(head)
            back.setdefault(head, []).append(tail)
    junctions = set(there) | set(back)
    start = min(junctions)
    assert (junctions, junctions) == (reached(start, there), reached(start, back))


def test_points_when_counted() -> None:
    rows = [line.split(",") for line in (CONTRACT / "points.csv").read_text(encoding="utf-8").splitlines()]
    assert ["point", "zone", "stratum"] == rows[0]
    assert {(zone, stratum) for zone in ZONES for stratum in ("street", "hall")} == {(z, s) for _, z, s in rows[1:]}
    assert dict.fromkeys(ZONES, 20) == Counter(zone for _, zone, _ in rows[1:])
    assert len(rows) - 1 == len({point for point, _, _ in rows[1:]})


def test_fixes_are_the_same_bytes_when_seed_is() -> None:
    plan = plan_of(days=3)
    assert fixes(plan, streets()) == fixes(plan_of(days=3), streets())
    assert fixes(plan, streets()) != fixes(plan_of(days=3, seed=8), streets())


def test_delivery_changes_order_alone() -> None:
    plan = plan_of(days=3)
    sent = fixes(plan, streets())
    one, other = (delivered(plan, sent, seed) for seed in (1, 2))
    assert [m.payload for m in one] != [m.payload for m in other]
    assert sorted(m.payload for m in one) == sorted(m.payload for m in other)


def test_every_segment_is_swept_every_night_when_perfect() -> None:
    plan, network = plan_of(is_perfect=True), streets()
    by_night = {night: list(found) for night, found in groupby(sorted(swept(plan, network), key=night_of), night_of)}
    for night in range(-1, plan.days):
        start_us, end_us = plan.at_us(night, 22), plan.at_us(night, 29)
        for one in network:
            done_m = swept_m(by_night[night], one.segment_id, start_us, end_us)
            assert done_m == pytest.approx(0 if one.zone is None else length_m(one), rel=0.002)


def night_of(one: Swept) -> int:
    return one.night


def test_one_way_streets_are_driven_along_the_line(driven: list[Drive]) -> None:
    one_way = {one.segment_id for one in streets() if one.oneway}
    assert {True} == {leg.way.is_forward for one in driven for leg in one.legs if leg.way.segment_id in one_way}


def test_drives_have_no_jump_and_no_gap(driven: list[Drive]) -> None:
    for one in driven:
        for before, after in pairwise(one.legs):
            assert before.end_us == after.start_us
            assert before.way.place(before.to_m)[:2] == pytest.approx(after.way.place(after.from_m)[:2])


def test_work_fits_when_the_night_has_six_hours(driven: list[Drive]) -> None:
    plan = plan_of()
    assert 6 * HOUR_US == plan.at_us(4, 29) - plan.at_us(4, 22)
    for one in driven:
        moving = [leg for leg in one.legs if leg.is_moving]
        assert plan.at_us(one.night, 22) <= moving[0].start_us
        assert moving[-1].end_us <= plan.at_us(one.night, 29)


def test_declared_accuracy_holds_the_truth(driven: list[Drive], heard: dict[str, list[Reading]]) -> None:
    for vehicle in SWEEPERS:
        own = [one for one in driven if one.vehicle is vehicle]
        k = 0
        for fix in heard[vehicle.device]:
            while k + 1 < len(own) and own[k + 1].legs[0].start_us <= fix.event_time_us:
                k += 1
            x, y = own[k].place(fix.event_time_us)
            east_m = (value(fix, "longitude_e7") / 1e7 - x) * 1e7 * own[k].plane.east_m
            north_m = (value(fix, "latitude_e7") / 1e7 - y) * 1e7 * own[k].plane.north_m
            assert math.hypot(east_m, north_m) * 1_000 <= value(fix, "accuracy_mm")
            assert value(fix, "inputs") == own[k].leg(fix.event_time_us).is_down
    assert 140_000 <= sum(len(said) for said in heard.values()) <= 200_000


def test_fixes_are_a_minute_apart_at_most_when_perfect() -> None:
    plan = plan_of(days=3, is_perfect=True)
    sent = fixes(plan, streets(), by_day=True)
    assert [] == [one for message in sent for one in accept(NATIVE, message.topic, message.payload).rejections]
    for said in readings_of(sent).values():
        times_us = [one.event_time_us for one in said]
        assert plan.at_us(-1, 6) == times_us[0]
        assert max(b - a for a, b in pairwise(times_us)) <= 60_000_000


def test_trackers_fall_silent_when_in_trouble(driven: list[Drive], heard: dict[str, list[Reading]]) -> None:
    plan = plan_of()
    silent = [one for one in driven if one.legs[0].start_us < one.silence[0] < one.legs[-1].end_us]
    assert [False, True, True] == sorted(one.is_switched_off for one in silent)
    for one in silent:
        said = heard[one.vehicle.device]
        last = max((fix for fix in said if fix.event_time_us <= one.silence[0]), key=lambda fix: fix.event_time_us)
        first = min((fix for fix in said if fix.event_time_us > one.silence[0]), key=lambda fix: fix.event_time_us)
        assert one.leg(one.silence[0]).is_moving
        assert value(last, "ignition") == (0 if one.is_switched_off else 1)
        assert one.silence[0] - last.event_time_us <= 10_000_000
        nights = 1 if one.is_switched_off else 3
        assert plan.at_us(one.night + nights - 1, 29) < first.event_time_us <= plan.at_us(one.night + nights, 20)


def test_little_is_swept_when_nobody_sees_it(driven: list[Drive]) -> None:
    done_m = [sum(leg.to_m - leg.from_m for leg in one.legs if leg.is_down) for one in driven]
    assert 1 == done_m.count(0.0)
    hidden = [done for done, one in zip(done_m, driven, strict=True) if one.is_switched_off]
    assert max(hidden) < 0.8 * max(done_m)


def test_the_same_segments_are_left_out_again_and_again() -> None:
    plan, network = plan_of(), streets()
    done = Counter(one.segment_id for one in {(o.segment_id, o.night): o for o in swept(plan, network)}.values())
    nights = sorted((done[one.segment_id] / (plan.days + 1), one.segment_id) for one in network if one.zone)
    assert nights[0][0] < 0.85
    assert sum(share for share, _ in nights) / len(nights) > 0.93


def test_passes_when_a_stretch_is_left_out() -> None:
    def stretch(night: int, from_m: float, to_m: float, hour: int) -> Swept:
        return Swept("BA-01", night, "S-1", from_m, to_m, True, hour * HOUR_US, (hour + 1) * HOUR_US)

    done = [stretch(0, 0, 30, 0), stretch(0, 60, 90, 1), stretch(1, 0, 30, 24), stretch(1, 20, 90, 25)]
    assert 60 == swept_m(done, "S-1", 0, DAY_US)
    assert 45 == pytest.approx(swept_m(done, "S-1", 0, HOUR_US + HOUR_US // 2), abs=SLACK_M)
    assert 90 == swept_m(done, "S-1", 0, 2 * DAY_US)
    assert [26 * HOUR_US] == passes_us(done, "S-1", 80)
    assert 22 * HOUR_US == longest_without_pass_us(passes_us(done, "S-1", 80), 10 * HOUR_US, DAY_US, 2 * DAY_US)
