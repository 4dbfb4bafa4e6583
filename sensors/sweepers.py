"""Virtual sweepers on their night routes: the truth, and what their trackers publish.

A sweeper leaves its depot, sweeps every street of its zones, a two-way street once in each direction, and comes home.
It drives on the line of the street, on a plane that is true to a few centimetres within a district. Its tracker says
every ten seconds where it is, once a minute while it stands, and at once when broom or ignition changes; what it says
is off by metres, never by more than the accuracy it declares. Trackers sleep outside of hours unless told otherwise.

Nights go by the evening: night 0 begins on the plan's first day. The one before it is driven too, because a street
that is not swept on the first night was swept on some night before.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sensors.fleet import HOUR_US, MINUTE_US, SOURCE, Message, Plan, Said, Sender, iso, sent
from sensors.streets import Plane, Street, Town, Way, town_of
from sensors.topics import ReadingTopic, build

SECOND_US = 1_000_000
# Broom up, in streets of a market.
TRANSIT_MPS = 8.0
SWEEP_MPS = (1.2, 2.2)
# Of a receiver under an open sky, on each axis; its errors change over a minute or so. [m, s]
NOISE_M = 1.2
NOISE_S = 60.0
_MOVING_US = 10 * SECOND_US
_STANDING_US = 60 * SECOND_US
_FIXES_A_MESSAGE = 60
# Wall clock: trackers are heard from eight in the evening to six in the morning; service is from ten to five.
_HEARD = (20, 30)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle and its tracker."""

    asset: str
    device: str


SWEEPERS = (
    Vehicle("BA-01", "gps-862531047718305"),
    Vehicle("BA-02", "gps-862531047718412"),
    Vehicle("BA-03", "gps-862531047718529"),
)


@dataclass(frozen=True, slots=True)
class Swept:
    """A stretch that was truly swept, broom down, in one go.

    Parameters
    ----------
    vehicle : str
        Its asset.
    night : int
        Day of the plan on whose evening the night began.
    segment_id : str
    from_m, to_m : float
        From the beginning of the segment's line, whichever way it was driven. [m]
    is_forward : bool
        Driven along the line.
    enter_us, leave_us : int
        [us since 1970, UTC]
    """

    vehicle: str
    night: int
    segment_id: str
    from_m: float
    to_m: float
    is_forward: bool
    enter_us: int
    leave_us: int


@dataclass(frozen=True, slots=True)
class Leg:
    """Part of a way, driven evenly; or standing.

    Parameters
    ----------
    start_us, end_us : int
        [us since 1970, UTC]
    way : Way
    from_m, to_m : float
        From the way's tail; the same where it stands. [m]
    is_down : bool
        Whether the broom is down.
    ignition : int
    """

    start_us: int
    end_us: int
    way: Way
    from_m: float
    to_m: float
    is_down: bool
    ignition: int

    @property
    def is_moving(self) -> bool:
        """Whether it is driven."""
        return self.to_m > self.from_m


@dataclass(frozen=True, slots=True)
class Drive:
    """One sweeper's night, as it truly was.

    Parameters
    ----------
    vehicle : Vehicle
    night : int
    legs : tuple of Leg
        One after the other without a gap.
    silence : tuple of (int, int)
        Half open span in which its tracker says nothing; it may be over, or empty. [us since 1970, UTC]
    is_switched_off : bool
        Whether the silence begins with the tracker being switched off.
    plane : Plane
        On which the ways lie.
    """

    vehicle: Vehicle
    night: int
    legs: tuple[Leg, ...]
    silence: tuple[int, int]
    is_switched_off: bool
    plane: Plane

    def leg(self, t_us: int) -> Leg:
        """What was driven at an instant."""
        return self.legs[max(bisect_right(self.legs, t_us, key=lambda one: one.start_us) - 1, 0)]

    def place(self, t_us: int) -> tuple[float, float]:
        """True longitude and latitude at an instant, in degrees."""
        x_m, y_m, _ = _place(self.leg(t_us), t_us)
        return self.plane.longitude_e7 / 1e7 + x_m / self.plane.east_m / 1e7, (
            self.plane.latitude_e7 / 1e7 + y_m / self.plane.north_m / 1e7
        )


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What goes wrong with whom: number of the sweeper, and nights."""

    broom_up: tuple[int, int]
    off: tuple[int, tuple[int, int]]
    dead: tuple[int, int]


def drives(plan: Plan, streets: Sequence[Street], *, by_day: bool = False) -> list[Drive]:
    """Drive all nights: the truth.

    Parameters
    ----------
    plan : Plan
    streets : sequence of Street
        Connected, also where one-way streets are respected; a dead end outside of the zones is the depot.
    by_day : bool
        Whether the drives begin in the morning, with the sweepers in the depot, instead of in the evening.
    """
    town, trouble = town_of(streets), _trouble(plan)
    made: list[Drive] = []
    for number in range(len(SWEEPERS)):
        silence = (0, 0)
        for night in range(-1, plan.days):
            drive = _drive(plan, town, (number, night), trouble, silence)
            silence = drive.silence
            made.append(_from_morning(plan, drive) if by_day else drive)
    return made


def swept(plan: Plan, streets: Sequence[Street]) -> list[Swept]:
    """What was truly swept."""
    return [
        Swept(drive.vehicle.asset, drive.night, leg.way.segment_id, *_along(leg), leg.start_us, leg.end_us)
        for drive in drives(plan, streets)
        for leg in drive.legs
        if leg.is_down
    ]


def fixes(plan: Plan, streets: Sequence[Street], *, by_day: bool = False) -> list[Message]:
    """All that the sweepers' trackers send, before it is delayed on its way.

    Parameters
    ----------
    plan : Plan
    streets : sequence of Street
        As in `drives`.
    by_day : bool
        Whether trackers are heard in the day too; many cities forbid it, and it more than doubles the number.
    """
    driven = drives(plan, streets, by_day=by_day)
    return [
        message
        for number, vehicle in enumerate(SWEEPERS)
        for message in _messages_of(plan, number, [one for one in driven if one.vehicle is vehicle])
    ]


def _trouble(plan: Plan) -> _Trouble | None:
    """Give each sweeper its vice: a broom that stays up, a tracker switched off twice, a tracker that fails."""
    if plan.is_perfect:
        return None
    chance = random.Random(f"{plan.seed} sweepers in trouble")
    lazy, secretive, unlucky = chance.sample(range(len(SWEEPERS)), 3)
    half = max(plan.days // 2, 1)
    off = (chance.randrange(half), half + chance.randrange(max(plan.days - half - 1, 1)))
    return _Trouble((lazy, chance.randrange(half)), (secretive, off), (unlucky, chance.randrange(max(half - 2, 1))))


def _drive(
    plan: Plan, town: Town, who_when: tuple[int, int], trouble: _Trouble | None, silence: tuple[int, int]
) -> Drive:
    number, night = who_when
    chance = random.Random(f"{plan.seed} sweeper {number} night {night}")
    zones = [zone for k, zone in enumerate(town.zones) if _sweeper_of(k, night) == number]
    chance.shuffle(zones)
    jobs, halved = _jobs(plan, town, zones, night, chance)
    work = [k for k, (_, is_work) in enumerate(jobs) if is_work]
    is_off = trouble is not None and trouble.off[0] == number and night in trouble.off[1] and bool(work)
    is_dead = (number, night) == (trouble and trouble.dead) and bool(work)
    # Unseen after two fifths of the route, the driver does half of what is left.
    jobs = jobs[: work[len(work) * 7 // 10]] if is_off else jobs
    home = town.route(jobs[-1][0].head if jobs else town.depot, {town.depot})
    leave_us = plan.at_us(night, 22) + chance.randrange(6 * 60, 90 * 60) * SECOND_US
    stand = Way("", None, True, town.depot, town.depot, (town.plane.metres(town.depot),), (0.0,))
    legs = [
        Leg(plan.at_us(night, _HEARD[0]), leave_us - 5 * MINUTE_US, stand, 0, 0, False, 0),
        Leg(leave_us - 5 * MINUTE_US, leave_us, stand, 0, 0, False, 1),
    ]
    is_up = (number, night) == (trouble and trouble.broom_up)
    for k, (way, is_work) in enumerate([*jobs, *((way, False) for way in home)]):
        speed_mps = chance.uniform(*SWEEP_MPS) if is_work else TRANSIT_MPS
        if (is_off or is_dead) and k == work[len(work) * 2 // 5]:
            until_us = plan.at_us(night, 29.5) if is_off else plan.at_us(night + 3, _HEARD[0] - 1)
            silence = (legs[-1].end_us + _duration_us(way.length_m / 2, speed_mps), until_us)
        is_halved = way.segment_id in halved
        legs += _driven(way, legs[-1].end_us, speed_mps, is_down=is_work and not is_up, is_halved=is_halved)
    back_us = legs[-1].end_us
    legs.append(Leg(back_us, back_us + 2 * MINUTE_US, stand, 0, 0, False, 1))
    legs.append(Leg(back_us + 2 * MINUTE_US, plan.at_us(night, _HEARD[1]), stand, 0, 0, False, 0))
    return Drive(SWEEPERS[number], night, tuple(legs), silence, is_off, town.plane)


def _sweeper_of(zone_number: int, night: int) -> int:
    """One zone for each sweeper; what is left over goes round."""
    is_shared = zone_number >= len(SWEEPERS)
    return (zone_number + night) % len(SWEEPERS) if is_shared else zone_number


def _jobs(
    plan: Plan, town: Town, zones: Sequence[str], night: int, chance: random.Random
) -> tuple[list[tuple[Way, bool]], set[str]]:
    """Ways from the depot through all that is to be swept, each with whether it is work; and what is half done."""
    jobs: list[tuple[Way, bool]] = []
    halved: set[str] = set()
    for zone in zones:
        left_out, interrupted = _left_out(plan, town, zone, night)
        halved |= interrupted
        wanted = {(way.segment_id, way.is_forward) for way in town.ways_in(zone) if way.segment_id not in left_out}
        while wanted:
            at = jobs[-1][0].head if jobs else town.depot
            here = [way for way in town.ways_from[at] if (way.segment_id, way.is_forward) in wanted]
            if here:
                # Turning round in the street is left for when nothing else is.
                onward = [way for way in here if not jobs or way.segment_id != jobs[-1][0].segment_id]
                way = chance.choice(onward or here)
                wanted.remove((way.segment_id, way.is_forward))
                jobs.append((way, True))
                continue
            goals = {way.tail for way in town.ways_in(zone) if (way.segment_id, way.is_forward) in wanted}
            jobs += [(way, False) for way in town.route(at, goals)]
    return jobs, halved


def _left_out(plan: Plan, town: Town, zone: str, night: int) -> tuple[set[str], set[str]]:
    """Segments that are left out on a night, and those whose middle third is."""
    if plan.is_perfect:
        return set(), set()
    ids = sorted({way.segment_id for way in town.ways_in(zone)})
    hard = random.Random(f"{plan.seed} hard {zone}").sample(ids, math.ceil(len(ids) / 10))
    neglected = random.Random(f"{plan.seed} neglected").choice(town.zones)
    chance = random.Random(f"{plan.seed} {zone} night {night}")
    # One zone-night in ten, most of them in one zone.
    if chance.random() >= (0.22 if zone == neglected else 0.06):
        return set(), set()
    left_out = {one for one in ids if chance.random() < (0.9 if one in hard else 0.25)}  # where cars are parked
    return left_out, {one for one in ids if chance.random() < 0.15} - left_out


def _driven(way: Way, start_us: int, speed_mps: float, *, is_down: bool, is_halved: bool) -> Iterator[Leg]:
    """Drive along a way; where it is half done, with the broom up over the middle third."""
    third_m = way.length_m / 3
    cuts = (0, third_m, 2 * third_m, way.length_m) if is_down and is_halved else (0, way.length_m)
    for k, (from_m, to_m) in enumerate(pairwise(cuts)):
        end_us = start_us + _duration_us(to_m - from_m, speed_mps)
        yield Leg(start_us, end_us, way, from_m, to_m, is_down and k != 1, 1)
        start_us = end_us


def _duration_us(length_m: float, speed_mps: float) -> int:
    """Time for a stretch, in whole milliseconds, as messages are written."""
    return max(round(length_m / speed_mps * 1_000), 1) * 1_000


def _from_morning(plan: Plan, drive: Drive) -> Drive:
    first = drive.legs[0]
    morning = Leg(plan.at_us(drive.night, _HEARD[1] - 24), first.start_us, first.way, 0, 0, False, 0)
    legs = (morning, *drive.legs)
    return Drive(drive.vehicle, drive.night, legs, drive.silence, drive.is_switched_off, drive.plane)


def _along(leg: Leg) -> tuple[float, float, bool]:
    """From where to where along the segment's own line, and whether driven that way."""
    length_m = leg.way.length_m
    if leg.way.is_forward:
        return leg.from_m, leg.to_m, True
    return length_m - leg.to_m, length_m - leg.from_m, False


def _place(leg: Leg, t_us: int) -> tuple[float, float, float]:
    share = (t_us - leg.start_us) / (leg.end_us - leg.start_us)
    return leg.way.place(leg.from_m + (leg.to_m - leg.from_m) * min(max(share, 0), 1))


def _times(drive: Drive) -> Iterator[tuple[int, Leg]]:
    """When the tracker looks where it is: at even steps, and at once when something changes."""
    next_us, before = 0, (False, -1, False)
    for leg in drive.legs:
        state = (leg.is_down, leg.ignition, leg.is_moving)
        next_us = leg.start_us if state != before else next_us
        before = state
        while next_us < leg.end_us:
            yield next_us, leg
            next_us += _MOVING_US if leg.is_moving else _STANDING_US


def _messages_of(plan: Plan, number: int, driven: Sequence[Drive]) -> Iterator[Message]:
    chance = random.Random(f"{plan.seed} tracker {number}")
    topic = build(ReadingTopic(SOURCE, SWEEPERS[number].device, "position_fix"))
    sender = Sender(plan, chance, topic, "latitude", _other_place)
    sequence = 0
    for drive in driven:
        waiting: list[Said] = []
        last_us = 0
        for said_us, said in _said(chance, drive):
            sequence += 1
            # What is waiting when the tracker falls silent is not lost with it.
            is_after_silence = said_us > last_us + _STANDING_US
            if waiting and (len(waiting) == _FIXES_A_MESSAGE or is_after_silence):
                yield from sent(sender, waiting, last_us)
                waiting = []
            waiting.append({"time": iso(said_us), "sequence": sequence, **said})
            last_us = said_us
        if waiting:
            yield from sent(sender, waiting, last_us)


def _said(chance: random.Random, drive: Drive) -> Iterator[tuple[int, Said]]:
    """Fixes of a night that the tracker takes: when, and what."""
    from_us, until_us = drive.silence
    east_m = north_m = 0.0
    last_us = drive.legs[0].start_us - HOUR_US
    is_over = not drive.is_switched_off
    for t_us, leg in _times(drive):
        if not is_over and t_us >= from_us:
            is_over = True
            yield from_us, _fix(chance, drive, drive.leg(from_us), from_us, (east_m, north_m)) | {"ignition": 0}
        if from_us <= t_us < until_us:
            continue
        kept = math.exp(-(t_us - last_us) / SECOND_US / NOISE_S)
        fresh_m = NOISE_M * math.sqrt(1 - kept * kept)
        east_m, north_m = (kept * one + chance.gauss(0, fresh_m) for one in (east_m, north_m))
        last_us = t_us
        yield t_us, _fix(chance, drive, leg, t_us, (east_m, north_m))


def _fix(chance: random.Random, drive: Drive, leg: Leg, t_us: int, error_m: tuple[float, float]) -> Said:
    """Say where the vehicle is, wrong by at most what is said with it."""
    x_m, y_m, course_deg = _place(leg, t_us)
    accuracy_m = round(chance.uniform(2.5, 4.0), 1)
    # Kept within the circle, but for the rounding to 1e-7 degrees, which is a centimetre.
    shrink = min(1.0, (accuracy_m - 0.02) / max(math.hypot(*error_m), 1e-9))
    longitude, latitude = drive.plane.degrees(x_m + error_m[0] * shrink, y_m + error_m[1] * shrink)
    said: Said = {"latitude": latitude, "longitude": longitude, "speed_mps": 0.0}
    if leg.is_moving:
        speed_mps = (leg.to_m - leg.from_m) / (leg.end_us - leg.start_us) * SECOND_US
        said["speed_mps"] = round(max(speed_mps + chance.gauss(0, 0.05), 0), 2)
        said["course_deg"] = round(course_deg, 1)
    return {**said, "accuracy_m": accuracy_m, "inputs": int(leg.is_down), "ignition": leg.ignition}


def _other_place(chance: random.Random, said: Said) -> Said:
    """Make a fix some streets away."""
    latitude = said["latitude"]
    moved = latitude + chance.uniform(0.001, 0.003) if isinstance(latitude, float) else latitude
    return {**said, "latitude": moved}
