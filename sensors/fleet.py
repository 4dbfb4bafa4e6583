"""A virtual fleet: containers that fill and are emptied, and what their sensors would publish.

Everything follows from a seed. The fleet knows the truth, a fill curve for each container, so that what the product
concludes can be held against it. Its field misbehaves as real ones do: messages come twice, late, out of order or
broken, a device falls silent, another has a wrong clock. Not all randomness is of the seed: the order of arrival has
one of its own, because nothing may depend on it.
"""

import json
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sensors.topics import ReadingTopic, build

MINUTE_US = 60 * 1_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
SOURCE = "sim"
# Noise of an ultrasonic sensor over a metre of air. [mm]
NOISE_MM = 8
_STEP_US = 10 * MINUTE_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    """

    seed: int
    containers: int
    zones: tuple[str, ...]
    first_us: int
    days: int
    is_perfect: bool = False


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
    """

    asset: str
    zone: str
    device: str
    empty_mm: int
    full_mm: int
    times_us: tuple[int, ...]
    fills: tuple[float, ...]
    emptyings_us: tuple[int, ...]

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
class _Habit:
    """How a device behaves."""

    phase_us: int
    every: int
    silences: tuple[tuple[int, int], ...]
    clock_error_us: int


def containers(plan: Plan) -> list[Container]:
    """Make the containers and the truth about them."""
    return [_container(plan, number) for number in range(plan.containers)]


def messages(plan: Plan, delivery_seed: int) -> list[Message]:
    """All that the fleet publishes, in the order of arrival.

    Parameters
    ----------
    plan : Plan
    delivery_seed : int
        Decides delays, and so the order of arrival; not what is said.
    """
    chance = random.Random(delivery_seed)
    sent = [message for one in containers(plan) for message in _messages_of(plan, one)]
    delayed = [Message(one.arrival_us + _delay_us(plan, chance), one.topic, one.payload) for one in sent]
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
    hour_us = plan.first_us + 2 * HOUR_US + chance.randrange(0, 120) * MINUTE_US
    rounds = [
        hour_us + day * DAY_US + chance.randrange(-20, 20) * MINUTE_US
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
    )


def _grow(
    plan: Plan, chance: random.Random, rate: float, rounds: list[int]
) -> tuple[list[int], list[float], list[int]]:
    """Fill in steps, faster in market hours; empty at each round, and in time where the contractor is perfect."""
    now_us, end_us = plan.first_us - 2 * DAY_US, plan.first_us + (plan.days + 2) * DAY_US
    fill = chance.uniform(0.05, 0.3)
    times_us, fills, emptied = [now_us], [fill], list[int]()
    waiting = sorted(rounds)
    while now_us < end_us:
        now_us += _STEP_US
        hour = (now_us - plan.first_us) % DAY_US // HOUR_US
        weight = 2.2 if 6 <= hour < 15 else 0.35  # the market's day is mostly over by three
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


def _habit(plan: Plan, number: int, chance: random.Random) -> _Habit:
    """Seven in ten send twelve readings every six hours, the others each by itself; a few are in trouble."""
    phase_us = chance.randrange(0, 30) * MINUTE_US
    every = 12 if chance.random() < 0.7 else 1  # seven in ten
    trouble = -1 if plan.is_perfect else number % 20
    first_us = plan.first_us
    silences: tuple[tuple[int, int], ...] = ()
    if trouble == 7:  # one in twenty dies on the twelfth day
        silences = ((first_us + 11 * DAY_US, first_us + 400 * DAY_US),)
    elif trouble == 13:  # one in twenty is away for two days and a bit
        begin_us = first_us + 17 * DAY_US + 5 * HOUR_US
        silences = ((begin_us, begin_us + 55 * HOUR_US),)
    is_fast = trouble == 17 and number < 20  # a single clock is three days fast
    return _Habit(phase_us, every, silences, 3 * DAY_US if is_fast else 0)


def _messages_of(plan: Plan, container: Container) -> Iterator[Message]:
    number = int(container.asset.removeprefix("VP-")) - 401
    chance = random.Random(f"{plan.seed} device {number}")
    habit = _habit(plan, number, chance)
    topic = build(ReadingTopic(SOURCE, container.device, "fill_level"))
    waiting: list[dict[str, object]] = []
    for slot in range(-48, plan.days * 48 + 24):
        t_us = plan.first_us + slot * 30 * MINUTE_US + habit.phase_us
        if any(begin <= t_us < end for begin, end in habit.silences):
            continue
        waiting.append(_reading(container, chance, t_us, habit.clock_error_us, slot + 100))
        if len(waiting) == habit.every:
            yield from _sent(plan, chance, topic, waiting, t_us, habit.clock_error_us)
            waiting = []
    if waiting:
        t_us = plan.first_us + (plan.days * 24 + 12) * HOUR_US + habit.phase_us
        yield from _sent(plan, chance, topic, waiting, t_us, habit.clock_error_us)


def _reading(
    container: Container, chance: random.Random, t_us: int, clock_error_us: int, sequence: int
) -> dict[str, object]:
    span_mm = container.empty_mm - container.full_mm
    distance_mm = round(container.empty_mm - container.fill(t_us) * span_mm) + chance.randint(-NOISE_MM, NOISE_MM)
    return {
        "time": _iso(t_us + clock_error_us),
        "sequence": sequence,
        "distance_mm": max(distance_mm, 0),
        "battery_v": round(3.6 - 0.0005 * (sequence // 48), 3),
        "temperature_degc": round(14 + 8 * chance.random(), 1),
    }


def _sent(
    plan: Plan, chance: random.Random, topic: str, said: list[dict[str, object]], t_us: int, clock_error_us: int
) -> Iterator[Message]:
    """Put readings on their way: once, or twice, or with a broken message beside them."""
    clocks = {"sent_time": _iso(t_us + 2_000_000 + clock_error_us), "network_time": _iso(t_us + 3_000_000)}
    head = {"v": 1, **clocks}
    content = {**head, **said[0]} if len(said) == 1 else {**head, "readings": said}
    message = Message(t_us + 3_000_000, topic, json.dumps(content, separators=(",", ":")).encode())
    yield message
    if plan.is_perfect:
        return
    luck = chance.random()
    if luck < 0.02:  # sent again: no answer was heard
        yield message
    elif luck < 0.03:  # sent again later, with the clocks of the later sending
        again = {**content, "sent_time": _iso(t_us + HOUR_US + clock_error_us), "network_time": _iso(t_us + HOUR_US)}
        yield Message(t_us + HOUR_US, topic, json.dumps(again).encode())
    elif luck < 0.0315:  # the same reading with another content: a fault of the firmware
        other = {**head, **said[-1], "distance_mm": 50 + chance.randrange(1_000)}
        yield Message(message.arrival_us + MINUTE_US, topic, json.dumps(other).encode())
    elif luck < 0.036:  # broken on the way
        yield Message(message.arrival_us, *_garbage(chance, topic, message.payload))


def _garbage(chance: random.Random, topic: str, payload: bytes) -> tuple[str, bytes]:
    """Make a message that nobody can read."""
    match chance.randrange(6):
        case 0:
            return topic, payload[: len(payload) // 2]
        case 1:
            return topic, bytes(chance.randrange(256) for _ in range(40))
        case 2:
            return topic, payload.replace(b"distance_mm", b"distanse_mm")
        case 3:
            return topic, payload.replace(b'"v":1', b'"v":9')
        case 4:
            return topic.replace("fill_level", "humidity"), payload
        case _:
            return topic, b'{"v":1,"time":"2026-09-01T00:00:00Z","distance_mm":999999}'


def _delay_us(plan: Plan, chance: random.Random) -> int:
    """How long a message is on its way: seconds, hours through a bad gateway, days in a device's buffer."""
    luck = chance.random()
    if plan.is_perfect or luck < 0.85:  # most
        return chance.randrange(0, 5_000_000)
    return chance.randrange(0, 2 * HOUR_US) if luck < 0.98 else chance.randrange(0, 3 * DAY_US)  # few


def _iso(t_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=t_us)).isoformat().replace("+00:00", "Z")
