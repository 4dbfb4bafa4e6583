"""Virtual people at work: the truck's crew, inspectors, the city's desk, the contractor's office.

Of each there is the truth, in a function whose name is a participle (`lifted`, `inspected`), and what is published
of it (`lifts`, `inspections`). They keep to the wall clock of the plan. Which points are inspected, and when, is
drawn by the product; it hands over what it drew.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from sensors.fleet import SOURCE, Message, Plan, Said, Sender, containers, iso, sent
from sensors.topics import ReadingTopic, build

# Vehicle, and devices by what they are.
TRUCK = "RC-01"
TRUCK_DEVICE = "lift-01"
INSPECTOR_DEVICE = "tablet-01"
DESK_DEVICE = "linea-verde"
OFFICE_DEVICE = "aseos-ops"
REPORT = "parte-diario"
# From the best to the worst, half grades as in the English NI 195.
GRADES = ("A", "B+", "B", "B-", "C+", "C", "C-", "D")
_SECOND_US = 1_000_000
_GOOD = ("A", "B+", "B")
_FAIR = ("B-", "C+")
_BAD = ("C", "C-", "D")


@dataclass(frozen=True, slots=True)
class Lift:
    """An emptying, and what the truck says of it.

    Parameters
    ----------
    container, zone : str
    emptied_us : int or None
        None for a phantom: said, and nothing was emptied. [us since 1970, UTC]
    said_us : int or None
        When the truck says it was; None where it says nothing. [us since 1970, UTC]
    weight_kg : float
    """

    container: str
    zone: str
    emptied_us: int | None
    said_us: int | None
    weight_kg: float


@dataclass(frozen=True, slots=True)
class Inspected:
    """A point that was to be inspected, or was.

    Parameters
    ----------
    point, zone : str
    month : str
        Of the sampling plan followed; empty off plan.
    grade : str
        Empty where nobody went.
    said_us : int or None
        None where nobody went. [us since 1970, UTC]
    """

    point: str
    zone: str
    month: str
    grade: str
    said_us: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint.

    Parameters
    ----------
    case, zone, priority : str
    opened_us : int
        [us since 1970, UTC]
    responded_us, resolved_us, confirmed_us : int or None
        When each step was taken, None where it never was. [us since 1970, UTC]
    """

    case: str
    zone: str
    priority: str
    opened_us: int
    responded_us: int | None
    resolved_us: int | None
    confirmed_us: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """One version of the contractor's report of a zone's day.

    Parameters
    ----------
    zone : str
    day : int
        Of the plan.
    version : int
    lifts_true, lifts_said : int
        Emptyings on that local day, and what the report declares.
    due_us : int
        [us since 1970, UTC]
    said_us : int or None
        None where it never came. [us since 1970, UTC]
    """

    zone: str
    day: int
    version: int
    lifts_true: int
    lifts_said: int
    due_us: int
    said_us: int | None


def lifted(plan: Plan) -> list[Lift]:
    """Every emptying from the day before the plan to its end, and phantoms; in the order of the emptyings."""
    begin_us, end_us = plan.midnight_us(-1), plan.midnight_us(plan.days)
    found: list[Lift] = []
    for one in containers(plan):
        chance = random.Random(f"{plan.seed} lifts of {one.asset}")
        for t_us in one.emptyings_us:
            if not begin_us <= t_us < end_us:
                continue
            # Stopwatch and fill curve agree to three minutes: the truck waits, lifts, and sets down.
            said_us = t_us + chance.randrange(-180, 181) * _SECOND_US
            is_silent, has_phantom = chance.random() < 1 / 60, chance.random() < 1 / 100
            said = None if is_silent and not plan.is_perfect else said_us
            found.append(Lift(one.asset, one.zone, t_us, said, round(chance.uniform(60, 180), 1)))
            if has_phantom and not plan.is_perfect:
                later_us = t_us + chance.randrange(5 * 3_600, 15 * 3_600) * _SECOND_US
                found.append(Lift(one.asset, one.zone, None, later_us, round(chance.uniform(5, 30), 1)))
    return sorted(found, key=lambda one: (one.emptied_us or one.said_us or 0, one.container))


def lifts(plan: Plan) -> list[Message]:
    """All that the truck sends, before it is delayed on its way."""
    said: list[tuple[int, Said]] = [
        (one.said_us, {"container": one.container, "weight_kg": one.weight_kg})
        for one in lifted(plan)
        if one.said_us is not None
    ]
    return _published(plan, TRUCK_DEVICE, "lift", "container", said)


def inspected(plan: Plan, drawn: Iterable[tuple[str, str, int]]) -> list[Inspected]:
    """What inspectors found.

    Parameters
    ----------
    plan : Plan
    drawn : iterable of (str, str, int)
        Point, zone, and when it is to be inspected. [us since 1970, UTC]
    """
    zone_in_decline = random.Random(f"{plan.seed} inspections").choice(plan.zones)
    first_month = f"{plan.date_of(0):%Y-%m}"
    found: list[Inspected] = []
    for point, zone, due_us in drawn:
        chance = random.Random(f"{plan.seed} inspection {point} {due_us}")
        month = f"{plan.date_of(plan.day_of(due_us)):%Y-%m}"
        is_bad_spell = zone == zone_in_decline and month == first_month
        grade = _grade(plan, chance, 0.25 if is_bad_spell else 0.08)  # C or worse: a quarter, else one in twelve
        said_us = due_us + chance.randrange(-20 * 60, 40 * 60) * _SECOND_US
        is_skipped, is_extra = chance.random() < 0.03, chance.random() < 0.04  # a few
        if plan.is_perfect or not is_skipped:
            found.append(Inspected(point, zone, month, grade, said_us))
        else:
            found.append(Inspected(point, zone, month, "", None))
        if is_extra and not plan.is_perfect:
            # Somebody complained on the way: off plan one goes where it is dirty.
            other_us = said_us + chance.randrange(3_600, 5 * 3_600) * _SECOND_US
            found.append(Inspected(point, zone, "", _grade(plan, chance, 0.6), other_us))
    return found


def inspections(plan: Plan, drawn: Iterable[tuple[str, str, int]]) -> list[Message]:
    """All that the inspectors' tablet sends, before it is delayed on its way; arguments as of `inspected`."""
    said: list[tuple[int, Said]] = []
    for one in inspected(plan, drawn):
        if one.said_us is not None:
            followed = {"plan": one.month} if one.month else {}
            said.append((one.said_us, {"point": one.point, "grade": one.grade, **followed}))
    return _published(plan, INSPECTOR_DEVICE, "inspection", "grade", said)


def complained(plan: Plan) -> list[Case]:
    """All complaints of the plan's days, in the order of their opening."""
    opened = [
        (plan.at_us(day, chance.uniform(8, 20)) // _SECOND_US * _SECOND_US, zone, chance)
        for zone in plan.zones
        for day in range(plan.days)
        for chance in _complaints(plan, zone, day)
    ]
    opened.sort(key=itemgetter(0, 1))
    year = plan.date_of(0).year
    return [
        _case(plan, chance, f"R-{year}-{number:06d}", zone, opened_us)
        for number, (opened_us, zone, chance) in enumerate(opened, 101)
    ]


def cases(plan: Plan) -> list[Message]:
    """All that the city's desk and the contractor's office say of complaints, before it is delayed on its way."""
    desk: list[tuple[int, Said]] = []
    office: list[tuple[int, Said]] = []
    for one in complained(plan):
        about: Said = {"case": one.case, "zone": one.zone, "priority": one.priority}
        desk += _steps(about, opened=one.opened_us, confirmed=one.confirmed_us)
        office += _steps(about, responded=one.responded_us, resolved=one.resolved_us)
    return [
        *_published(plan, DESK_DEVICE, "case", "case", desk),
        *_published(plan, OFFICE_DEVICE, "case", "case", office),
    ]


def reported(plan: Plan, lifts_done: Iterable[Lift]) -> list[Report]:
    """Every report that was due, and corrections of some; by day, zone, and version.

    Parameters
    ----------
    plan : Plan
    lifts_done : iterable of Lift
        As `lifted` gives them; phantoms are not counted.
    """
    counted = Counter((plan.day_of(one.emptied_us), one.zone) for one in lifts_done if one.emptied_us is not None)
    return [
        report
        for day in range(plan.days)
        for zone in plan.zones
        for report in _reports_of(plan, day, zone, counted[day, zone])
    ]


def reports(plan: Plan, lifts_done: Iterable[Lift]) -> list[Message]:
    """All daily reports that the contractor sends, before they are delayed; arguments as of `reported`."""
    said: list[tuple[int, Said]] = []
    for one in reported(plan, lifts_done):
        if one.said_us is not None:
            day = plan.date_of(one.day).isoformat()
            about: Said = {"report": REPORT, "day": day, "version": one.version, "lifts": one.lifts_said}
            said.append((one.said_us, {**about, "zone": one.zone}))
    return _published(plan, OFFICE_DEVICE, "report", "lifts", said)


def _grade(plan: Plan, chance: random.Random, bad_share: float) -> str:
    luck = chance.random()
    if not plan.is_perfect and luck < bad_share:
        return chance.choices(_BAD, (6, 3, 1))[0]  # most of what is bad is C
    is_fair = not plan.is_perfect and luck > 0.93  # one in fourteen
    return chance.choice(_FAIR if is_fair else _GOOD)


def _complaints(plan: Plan, zone: str, day: int) -> list[random.Random]:
    """One source of chance for each complaint of a zone's day: 0.3 on average."""
    chance = random.Random(f"{plan.seed} complaints {zone} {day}")
    number = 0
    while chance.random() < 0.23:  # 0.23 + 0.23 ** 2 + ... = 0.3
        number += 1
    return [random.Random(f"{plan.seed} complaint {zone} {day} {k}") for k in range(number)]


def _case(plan: Plan, chance: random.Random, case: str, zone: str, opened_us: int) -> Case:
    priority = "urgent" if chance.random() < 0.15 else "normal"  # one in seven
    luck = 1.0 if plan.is_perfect else chance.random()
    if luck < 1 / 40:  # forgotten
        return Case(case, zone, priority, opened_us, None, None, None)
    is_late = luck < 1 / 40 + 1 / 8
    responded_us = _later(chance, opened_us, (26, 60) if is_late else (2, 18))
    resolved_us = _later(chance, responded_us, (1, 12))
    return Case(case, zone, priority, opened_us, responded_us, resolved_us, _later(chance, resolved_us, (4, 30)))


def _reports_of(plan: Plan, day: int, zone: str, lifts_true: int) -> list[Report]:
    chance = random.Random(f"{plan.seed} report {zone} {day}")
    due_us = plan.at_us(day + 1, 12)
    in_time_us = plan.at_us(day + 1, 10 + chance.randrange(3_600) / 3_600)
    luck = 1.0 if plan.is_perfect else chance.random()
    if luck < 1 / 60:  # forgotten
        return [Report(zone, day, 1, lifts_true, 0, due_us, None)]
    said_us = _later(chance, due_us, (1, 20)) if luck < 1 / 60 + 1 / 25 else in_time_us
    is_overstated = not plan.is_perfect and chance.random() < 1 / 40
    if not is_overstated:
        return [Report(zone, day, 1, lifts_true, lifts_true, due_us, said_us)]
    first = Report(zone, day, 1, lifts_true, lifts_true + chance.randint(5, 9), due_us, said_us)
    if chance.random() < 0.5:  # every second one is never put right
        return [first]
    return [first, Report(zone, day, 2, lifts_true, lifts_true, due_us, _later(chance, said_us, (3, 30)))]


def _later(chance: random.Random, t_us: int, hours: tuple[int, int]) -> int:
    return t_us + chance.randrange(hours[0] * 3_600, hours[1] * 3_600) * _SECOND_US


def _steps(about: Said, **taken_us: int | None) -> list[tuple[int, Said]]:
    return [(t_us, {**about, "step": step}) for step, t_us in taken_us.items() if t_us is not None]


def _published(plan: Plan, device: str, kind: str, misspelt: str, said: Sequence[tuple[int, Said]]) -> list[Message]:
    """Send what one device says, each by itself, numbered by time."""
    sender = Sender(plan, random.Random(f"{plan.seed} {device} {kind}"), _topic(device, kind), misspelt)
    return [
        message
        for number, (t_us, one) in enumerate(sorted(said, key=itemgetter(0)), 1)
        for message in sent(sender, [{"time": iso(t_us), "sequence": number, **one}], t_us)
    ]


def _topic(device: str, kind: str) -> str:
    return build(ReadingTopic(SOURCE, device, kind))
