"""A virtual fleet: containers that fill and are emptied, and what their sensors would publish.

Everything follows from a seed. The fleet knows the truth, a fill curve for each container, so that what the product
concludes can be held against it. Its field misbehaves as real ones do: messages come twice, late, out of order or
broken, a device falls silent, another has a wrong clock, a gateway is out for hours. Not all randomness is of the
seed: the order of arrival has one of its own, because nothing may depend on it. People keep to the wall clock: the
plan is told when each local day begins. Vehicles and people are modules of their own, and publish as devices do here.
"""

import json
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from sensors.topics import ReadingTopic, build

MINUTE_US = 60 * 1_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
SOURCE = "sim"
GATEWAYS = ("gw-01", "gw-02", "gw-03", "gw-04", "gw-05")
# Noise of an ultrasonic sensor over a metre of air. [mm]
NOISE_MM = 8
_STEP_US = 10 * MINUTE_US
# What a lithium cell still gives when its sensor stops; and how long it falls before. [V, us]
_EMPTY_V = 2.9
_FALL_US = 6 * DAY_US
_NEVER_US = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Said: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    Parameters
    ----------
    seed : int
    containers : int
    zones : tuple of str
        Containers are spread over them in turn.
    first_us : int
        Local midnight of the first day. [us since 1970, UTC]
    days : int
    is_perfect : bool
        Whether the contractor misses nothing and the field misbehaves not at all.
    midnights_us : tuple of int
        Local midnight of each day and of the one after the last, so that rounds and reports follow the wall clock;
        none where every day has 24 hours. [us since 1970, UTC]
    """

    seed: int
    containers: int
    zones: tuple[str, ...]
    first_us: int
    days: int
    is_perfect: bool = False
    midnights_us: tuple[int, ...] = ()

    def midnight_us(self, day: int) -> int:
        """Local midnight at which a day begins; days outside the plan have 24 hours."""
        known = self.midnights_us or (self.first_us, self.first_us + self.days * DAY_US)
        if not self.midnights_us or day < 0:
            return known[0] + day * DAY_US
        last = len(known) - 1
        return known[min(day, last)] + max(day - last, 0) * DAY_US

    def at_us(self, day: int, hour: float) -> int:
        """Instant at which the wall clock shows an hour of a day, or of one after it from 24 on.

        An hour that the clocks skip is taken to lie at the day's beginning, as in Chile.
        """
        day, hour = day + int(hour // 24), hour % 24
        begin_us = self.midnight_us(day)
        skipped_us = max(begin_us + DAY_US - self.midnight_us(day + 1), 0)
        return begin_us + max(round(hour * HOUR_US) - skipped_us, 0)

    def day_of(self, t_us: int) -> int:
        """Day of the plan, from 0, in which an instant lies."""
        day = (t_us - self.first_us) // DAY_US
        while self.midnight_us(day) > t_us:
            day -= 1
        while self.midnight_us(day + 1) <= t_us:
            day += 1
        return day

    def date_of(self, day: int) -> date:
        """Local date of a day."""
        # Noon at a place within half a day of Greenwich is the same date there.
        return (_EPOCH + timedelta(microseconds=self.midnight_us(0) + 12 * HOUR_US)).date() + timedelta(days=day)


@dataclass(frozen=True, slots=True)
class Container:
    """A container, its sensor, and the truth about its fill.

    Parameters
    ----------
    asset, zone, device : str
    empty_mm, full_mm : int
        Distance read when empty and when full. [mm]
    times_us : tuple of int
        Ascending; between two of them the fill grows evenly. [us since 1970, UTC]
    fills : tuple of float
        Fill at each time; at an emptying two entries share the time, before and after.
    emptyings_us : tuple of int
        When it was emptied. [us since 1970, UTC]
    gateway : str
        Through which its sensor is heard.
    """

    asset: str
    zone: str
    device: str
    empty_mm: int
    full_mm: int
    times_us: tuple[int, ...]
    fills: tuple[float, ...]
    emptyings_us: tuple[int, ...]
    gateway: str

    def fill(self, t_us: int) -> float:
        """True fill at an instant, after an emptying at that instant."""
        place = min(max(bisect_right(self.times_us, t_us), 1), len(self.times_us) - 1)
        left_us, right_us = self.times_us[place - 1], self.times_us[place]
        left, right = self.fills[place - 1], self.fills[place]
        return left if right_us == left_us else left + (right - left) * (t_us - left_us) / (right_us - left_us)


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way: when the broker gets it, and what it is."""

    arrival_us: int
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Outage:
    """A span in which a gateway forwarded nothing, in microseconds since 1970, UTC."""

    gateway: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Sender:
    """A device as a sender of messages.

    Parameters
    ----------
    plan : Plan
    chance : Random
        Of what goes wrong on the way.
    topic : str
    misspelt : str
        Name of a value, which a broken message gets wrong.
    alter : callable, optional
        Makes another reading of the same instant, a fault of the firmware; none where it has no such fault.
    clock_error_us : int
        How far its clock is ahead. [us]
    """

    plan: Plan
    chance: random.Random
    topic: str
    misspelt: str
    alter: Callable[[random.Random, Said], Said] | None = None
    clock_error_us: int = 0


@dataclass(frozen=True, slots=True)
class _Habit:
    """How a device behaves."""

    phase_us: int
    every: int
    silences: tuple[tuple[int, int], ...]
    clock_error_us: int
    dies_us: int


def containers(plan: Plan) -> list[Container]:
    """Make the containers and the truth about them."""
    return [_container(plan, number) for number in range(plan.containers)]


def readings_a_message(plan: Plan, number: int) -> int:
    """How many readings the sensor of a container, by its place in the plan, sends together."""
    return _habit(plan, number, _chance_of(plan, number)).every


def gateway_outages(plan: Plan) -> list[Outage]:
    """Say which gateway was out, and when: one, for some nine hours of a day of the first month."""
    if plan.is_perfect:
        return []
    chance = random.Random(f"{plan.seed} gateways")
    day = chance.randrange(min(plan.days, 28))
    start_us = plan.at_us(day, 7 + chance.randrange(300) / 60)  # in the morning
    length_us = 9 * HOUR_US + chance.randrange(-20, 20) * MINUTE_US
    return [Outage(chance.choice(GATEWAYS), start_us, start_us + length_us)]


def levels(plan: Plan) -> list[Message]:
    """All that the containers' sensors send, before it is delayed on its way."""
    return [message for one in containers(plan) for message in _messages_of(plan, one)]


def messages(plan: Plan, delivery_seed: int) -> list[Message]:
    """All that the containers' sensors publish, in the order of arrival.

    Parameters
    ----------
    plan : Plan
    delivery_seed : int
        Decides delays, and so the order of arrival; not what is said.
    """
    return delivered(plan, levels(plan), delivery_seed)


def delivered(plan: Plan, sent_messages: Sequence[Message], delivery_seed: int) -> list[Message]:
    """Delay messages on their way, and put them into the order of arrival.

    Parameters
    ----------
    plan : Plan
    sent_messages : sequence of Message
        Of devices of every kind.
    delivery_seed : int
        Decides delays, and so the order of arrival; not what is said.
    """
    chance = random.Random(delivery_seed)
    delayed = [Message(one.arrival_us + _delay_us(plan, chance), one.topic, one.payload) for one in sent_messages]
    return sorted(delayed, key=lambda message: message.arrival_us)


def _container(plan: Plan, number: int) -> Container:
    chance = random.Random(f"{plan.seed} container {number}")
    full_mm = chance.randrange(200, 300)
    rate = chance.uniform(0.16, 0.42)  # of the container a day
    # Collected every second night; every night where it would not last two days.
    rhythm_days = 1 if rate > 0.33 else 2  # a third a day
    offset = number % rhythm_days
    misses = (
        set[int]() if plan.is_perfect else {day for day in range(plan.days) if chance.random() < 0.10}
    )  # one round in ten
    hour = 2 + chance.randrange(0, 120) / 60  # between two and four in the morning
    rounds = [
        plan.at_us(day, hour) + chance.randrange(-20, 20) * MINUTE_US
        for day in range(-1, plan.days + 1)
        if (day - offset) % rhythm_days == 0 and day not in misses
    ]
    times_us, fills, emptied = _grow(plan, chance, rate, rounds)
    return Container(
        asset=f"VP-{number + 401:04d}",
        zone=plan.zones[number % len(plan.zones)],
        device=f"24e124713b{number + 0x401:06x}",
        empty_mm=full_mm + chance.randrange(1_100, 1_300),
        full_mm=full_mm,
        times_us=tuple(times_us),
        fills=tuple(fills),
        emptyings_us=tuple(emptied),
        gateway=GATEWAYS[number % len(GATEWAYS)],
    )


def _grow(
    plan: Plan, chance: random.Random, rate: float, rounds: list[int]
) -> tuple[list[int], list[float], list[int]]:
    """Fill in steps, faster in market hours; empty at each round, and in time where the contractor is perfect."""
    now_us, end_us = plan.midnight_us(0) - 2 * DAY_US, plan.midnight_us(plan.days) + 2 * DAY_US
    fill = chance.uniform(0.05, 0.3)
    times_us, fills, emptied = [now_us], [fill], list[int]()
    waiting = sorted(rounds)
    day = -3
    opens_us = closes_us = now_us
    while now_us < end_us:
        now_us += _STEP_US
        while plan.midnight_us(day + 1) <= now_us:
            day += 1
            opens_us, closes_us = plan.at_us(day, 6), plan.at_us(day, 15)
        weight = 2.2 if opens_us <= now_us < closes_us else 0.35  # the market's day is mostly over by three
        fill = min(fill + rate * weight * _STEP_US / DAY_US * chance.uniform(0.5, 1.5), 1.05)
        times_us.append(now_us)
        fills.append(fill)
        is_due = bool(waiting) and waiting[0] <= now_us
        if is_due or (plan.is_perfect and fill > 0.75):  # well before it counts as full
            waiting = waiting[1:] if is_due else waiting
            fill = chance.uniform(0.01, 0.05)
            times_us.append(now_us)
            fills.append(fill)
            emptied.append(now_us)
    return times_us, fills, emptied


def _chance_of(plan: Plan, number: int) -> random.Random:
    return random.Random(f"{plan.seed} device {number}")


def _habit(plan: Plan, number: int, chance: random.Random) -> _Habit:
    """Seven in ten send twelve readings every six hours, the others each by itself; a few are in trouble."""
    phase_us = chance.randrange(0, 30) * MINUTE_US
    every = 12 if chance.random() < 0.7 else 1  # seven in ten
    trouble = -1 if plan.is_perfect else number % 20
    silences = [
        (one.start_us, one.end_us) for one in gateway_outages(plan) if one.gateway == GATEWAYS[number % len(GATEWAYS)]
    ]
    dies_us = _NEVER_US
    if trouble == 7:  # one in twenty dies on the twelfth day
        dies_us = plan.midnight_us(11)
        silences.append((dies_us, _NEVER_US))
    elif trouble == 13:  # one in twenty is away for two days and a bit
        begin_us = plan.midnight_us(17) + 5 * HOUR_US
        silences.append((begin_us, begin_us + 55 * HOUR_US))
    is_fast = trouble == 17 and number < 20  # a single clock is three days fast
    return _Habit(phase_us, every, tuple(silences), 3 * DAY_US if is_fast else 0, dies_us)


def _messages_of(plan: Plan, container: Container) -> Iterator[Message]:
    number = int(container.asset.removeprefix("VP-")) - 401
    chance = _chance_of(plan, number)
    habit = _habit(plan, number, chance)
    topic = build(ReadingTopic(SOURCE, container.device, "fill_level"))
    sender = Sender(plan, chance, topic, "distance_mm", _other_distance, habit.clock_error_us)
    waiting: list[Said] = []
    last_us = plan.midnight_us(plan.days) + 12 * HOUR_US
    for slot in range(-48, (last_us - plan.first_us) // (30 * MINUTE_US)):
        t_us = plan.first_us + slot * 30 * MINUTE_US + habit.phase_us
        if any(begin <= t_us < end for begin, end in habit.silences):
            continue
        waiting.append(_reading(container, chance, t_us, habit, slot + 100))
        if len(waiting) == habit.every:
            yield from sent(sender, waiting, t_us)
            waiting = []
    if waiting:
        yield from sent(sender, waiting, last_us + habit.phase_us)


def _reading(container: Container, chance: random.Random, t_us: int, habit: _Habit, sequence: int) -> Said:
    span_mm = container.empty_mm - container.full_mm
    distance_mm = round(container.empty_mm - container.fill(t_us) * span_mm) + chance.randint(-NOISE_MM, NOISE_MM)
    healthy_v = 3.6 - 0.0005 * (sequence // 48)
    spent = min(max((t_us - habit.dies_us + _FALL_US) / _FALL_US, 0), 1)
    return {
        "time": iso(t_us + habit.clock_error_us),
        "sequence": sequence,
        "distance_mm": max(distance_mm, 0),
        "battery_v": round(healthy_v - spent * (healthy_v - _EMPTY_V), 3),
        "temperature_degc": round(14 + 8 * chance.random(), 1),
    }


def _other_distance(chance: random.Random, said: Said) -> Said:
    return {**said, "distance_mm": 50 + chance.randrange(1_000)}


def sent(sender: Sender, said: Sequence[Said], t_us: int) -> Iterator[Message]:
    """Put readings on their way: once, or twice, or with a broken message beside them.

    Parameters
    ----------
    sender : Sender
    said : sequence of dict
        Readings, the oldest first.
    t_us : int
        When they are sent. [us since 1970, UTC]
    """
    chance, topic = sender.chance, sender.topic
    clocks = {"sent_time": iso(t_us + 2_000_000 + sender.clock_error_us), "network_time": iso(t_us + 3_000_000)}
    head = {"v": 1, **clocks}
    content = {**head, **said[0]} if len(said) == 1 else {**head, "readings": said}
    message = Message(t_us + 3_000_000, topic, json.dumps(content, separators=(",", ":")).encode())
    yield message
    if sender.plan.is_perfect:
        return
    luck = chance.random()
    if luck < 0.02:  # sent again: no answer was heard
        yield message
    elif luck < 0.03:  # sent again later, with the clocks of the later sending
        clocks = {"sent_time": iso(t_us + HOUR_US + sender.clock_error_us), "network_time": iso(t_us + HOUR_US)}
        yield Message(t_us + HOUR_US, topic, json.dumps({**content, **clocks}).encode())
    elif luck < 0.0315:  # the same reading with another content: a fault of the firmware
        if sender.alter is not None:
            other = {**head, **sender.alter(chance, said[-1])}
            yield Message(message.arrival_us + MINUTE_US, topic, json.dumps(other).encode())
    elif luck < 0.036:  # broken on the way
        yield Message(message.arrival_us, *_garbage(sender, message.payload))


def _garbage(sender: Sender, payload: bytes) -> tuple[str, bytes]:
    """Make a message that nobody can read."""
    chance, topic = sender.chance, sender.topic
    match chance.randrange(6):
        case 0:
            return topic, payload[: len(payload) // 2]
        case 1:
            return topic, bytes(chance.randrange(256) for _ in range(40))
        case 2:
            return topic, payload.replace(f'"{sender.misspelt}"'.encode(), f'"{sender.misspelt}s"'.encode())
        case 3:
            return topic, payload.replace(b'"v":1', b'"v":9')
        case 4:
            return topic.rpartition("/")[0] + "/humidity", payload
        case _:
            return topic, b'{"v":1,"time":"2026-09-01T00:00:00Z","distance_mm":999999}'


def _delay_us(plan: Plan, chance: random.Random) -> int:
    """How long a message is on its way: seconds, hours through a bad gateway, days in a device's buffer."""
    luck = chance.random()
    if plan.is_perfect or luck < 0.85:  # most
        return chance.randrange(0, 5_000_000)
    return chance.randrange(0, 2 * HOUR_US) if luck < 0.98 else chance.randrange(0, 3 * DAY_US)  # few


def iso(t_us: int) -> str:
    """Write an instant as messages do."""
    return (_EPOCH + timedelta(microseconds=t_us)).isoformat().replace("+00:00", "Z")
