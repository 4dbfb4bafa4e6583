"""The field of the demo: a virtual Vega Poniente over two months, its register, and all that it publishes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from app import zones
from app.jobs.demo_sources import voices_of
from app.jobs.templates import contract_files
from rules.calendar import Zone, month_days
from rules.contract import Terms
from rules.load import load_terms, zone_needed
from rules.measures import InspectedMeasure
from rules.sampling import plan
from sensors import fleet, people, sweepers
from sensors.dialects import Voice, spoken
from sensors.fleet import Message, Plan
from sensors.streets import Street

FIRST = date(2026, 9, 1)
MONTHS = ("2026-09", "2026-10")
CONTAINERS = 40
# One sensor's logger is read out by hand, weeks after the month was stated.
READ_OUT = datetime(2026, 10, 20, 12, tzinfo=UTC)
_E7 = 10_000_000
# As good as full.
_FULL = 0.95
_INSTALLATIONS = (
    "source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor,gateway,"
    "working"
)


@dataclass(frozen=True, slots=True)
class Field:
    """What the demo simulates.

    Parameters
    ----------
    plan : Plan
    streets : tuple of Street
    terms : Terms
        The template's.
    voices : mapping of str to Voice
        Of devices that do not speak native JSON, by their native names.
    """

    plan: Plan
    streets: tuple[Street, ...]
    terms: Terms
    voices: Mapping[str, Voice]


def field_of(
    seed: int, containers: int, *, is_perfect: bool, days: int | None = None, is_mixed: bool = False
) -> Field:
    """Make the field; zones, streets, points and clocks are the contract's.

    Parameters
    ----------
    seed, containers : int
    is_perfect : bool
    days : int, optional
        Two whole months by default.
    is_mixed : bool
        Whether devices are heard through networks and platforms as in a city, instead of all in native JSON.
    """
    files = contract_files()
    needed = zone_needed(files)
    zone = zones.snapshot(needed.name, needed.first_year, needed.last_year)
    terms = load_terms(files, zone)
    count = days or (month_days(MONTHS[-1])[1] - FIRST).days
    midnights_us = tuple(zone.instant(FIRST + timedelta(days=n), clock(0)) for n in range(count + 1))
    planned = Plan(
        seed=seed,
        containers=containers,
        zones=tuple(terms.zones),
        first_us=midnights_us[0],
        days=count,
        is_perfect=is_perfect,
        midnights_us=midnights_us,
    )
    voices = voices_of(planned) if is_mixed else {}
    return Field(planned, tuple(_streets(files["segments.geojson"])), terms, voices)


def register_of(field: Field) -> dict[str, str]:
    """Write the register of the field: assets and installations, as files of a contract folder."""
    assets = ["asset,zone,class,valid_from,valid_until"]
    installations = [_INSTALLATIONS]

    def add(asset: tuple[str, str, str], device: str, geometry: str = ",,", more: str = ",") -> None:
        name, zone, asset_class = asset
        assets.append(f"{name},{zone},{asset_class},2026-08-01,")
        voice = field.voices.get(device)
        link = f"{voice.source},{voice.device}" if voice else f"{fleet.SOURCE},{device}"
        link = f"{link},{name},2026-08-01,"
        installations.append(f"{link},{geometry},its-01,jefe-terreno-01,{more}")

    for one in fleet.containers(field.plan):
        geometry = f"{one.empty_mm},{one.full_mm},"
        add((one.asset, one.zone, "container_1100l"), one.device, geometry, f"{one.gateway},")
    for vehicle in sweepers.SWEEPERS:
        add((vehicle.asset, "", "sweeper"), vehicle.device, more=",1:high")
    add((people.TRUCK, "", "collector"), people.TRUCK_DEVICE)
    add(("ITS-01", "", "inspection"), people.INSPECTOR_DEVICE)
    add(("OIRS", "", "case_desk"), people.DESK_DEVICE)
    add(("OFICINA", "", "contractor_desk"), people.OFFICE_DEVICE)
    return {"assets.csv": "\n".join(assets) + "\n", "installations.csv": "\n".join(installations) + "\n"}


def messages_of(field: Field, delivery_seed: int) -> list[Message]:
    """All that the field publishes, in the order of arrival.

    Parameters
    ----------
    field : Field
    delivery_seed : int
        Decides delays, and so the order of arrival; not what is said.
    """
    planned = field.plan
    sent = [
        *fleet.levels(planned),
        *sweepers.fixes(planned, field.streets),
        *people.lifts(planned),
        *people.inspections(planned, [*drawn_of(field)]),
        *people.cases(planned),
        *people.reports(planned, people.lifted(planned)),
    ]
    return fleet.delivered(planned, [*spoken(sent, field.voices)], delivery_seed)


def drawn_of(field: Field) -> Iterator[tuple[str, str, int]]:
    """Points that the terms draw for inspection, with zone and when they are due, spread over each month's days."""
    terms = field.terms
    for standard in terms.file.standard:
        measure = standard.measure
        if not isinstance(measure, InspectedMeasure):
            continue
        for month in MONTHS:
            first, until = month_days(month)
            for zone in terms.zones:
                for names in plan(terms, measure.sample, zone, first).values():
                    for place, name in enumerate(names):
                        day = first + timedelta(days=(place * 2 + 1) % (until - first).days)
                        if (day - FIRST).days < field.plan.days:
                            yield name, zone, _closing(terms.zone, day)


def hold_back(field: Field, messages: list[Message]) -> list[Message]:
    """Let the messages of one sensor's worst day come weeks later, out of its logger.

    It is one that speaks native JSON: what a network forwards has no logger.

    Parameters
    ----------
    field : Field
    messages : list of Message
        In the order of arrival.

    Returns
    -------
    list of Message
        In the new order of arrival.
    """
    if field.plan.is_perfect:
        return messages
    containers = [one for one in fleet.containers(field.plan) if one.device not in field.voices]
    worst, day = max(
        ((one, day) for one in containers for day in range(5, min(25, field.plan.days))),
        key=lambda found: sum(found[0].fill(field.plan.at_us(found[1], hour)) > _FULL for hour in range(6, 22)),
    )
    since_us, until_us = field.plan.at_us(day, 0), field.plan.at_us(day + 1, 6)
    late_us = int(READ_OUT.timestamp()) * 1_000_000

    def arrival_us(one: Message) -> int:
        is_held = f"/{worst.device}/" in one.topic and since_us <= one.arrival_us < until_us
        return late_us if is_held else one.arrival_us

    return sorted((replace(one, arrival_us=arrival_us(one)) for one in messages), key=lambda one: one.arrival_us)


def _closing(zone: Zone, day: date) -> int:
    return zone.instant(day, clock(16, 30))


def _streets(text: str) -> Iterator[Street]:
    for feature in json.loads(text)["features"]:
        said = feature["properties"]
        points = tuple((round(lon * _E7), round(lat * _E7)) for lon, lat in feature["geometry"]["coordinates"])
        yield Street(said["segment_id"], said.get("zone_id"), bool(said.get("oneway")), points)
