"""Who speaks what in the demo: a city's mixture of networks and platforms, and the file that declares them.

Of ten containers five speak native JSON, three are heard by ChirpStack, one by The Things Stack, and one by a
platform, SensorThings and FIWARE by turns. In a field of days, not of months, one of three sweepers is heard by
Traccar: a fix a message would be 50,000 of them in two months. The device whose clock is to go wrong, and those
whose batteries do, are native. More radios that send each reading by itself would be as true, and would make of a
demo of a minute one of several.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sensors import dialects
from sensors.dialects import Voice
from sensors.fleet import Container, Plan, containers, readings_a_message
from sensors.sweepers import SWEEPERS

CHIRPSTACK, THINGS, SENSORTHINGS, FIWARE, TRACCAR = "chirpstack", "things-stack", "sensorthings", "fiware", "traccar"
_NATIVE = ""
# By the last digit of a container's place, then by whether the digit before is even.
_SPEAKS = (
    (_NATIVE, SENSORTHINGS, CHIRPSTACK, _NATIVE, THINGS, CHIRPSTACK, CHIRPSTACK, _NATIVE, _NATIVE, _NATIVE),
    (_NATIVE, FIWARE, CHIRPSTACK, _NATIVE, THINGS, CHIRPSTACK, CHIRPSTACK, _NATIVE, _NATIVE, _NATIVE),
)
# Assets are numbered from here on: VP-0401.
_FIRST_NUMBER = 401
_TRACCAR_SWEEPER = SWEEPERS[1]
_TRACCAR_DAYS_MAX = 7


@dataclass(frozen=True, slots=True)
class _Table:
    """How a source is declared: its topics, its format, what its devices' frames or results mean."""

    topic: str
    format: str
    codec: str = ""


_TABLES = {
    CHIRPSTACK: _Table("application/vega-poniente/device/+/event/up", "chirpstack", "milesight_em400"),
    THINGS: _Table("v3/vega-poniente@municipality/devices/+/up", "things_stack", "dragino_ldds"),
    SENSORTHINGS: _Table("v1.1/+/Observations", "sensorthings", "distance_mm"),
    FIWARE: _Table("fiware/vega-poniente/+", "ngsi"),
    TRACCAR: _Table("traccar/positions", "traccar"),
}


def voices_of(plan: Plan) -> dict[str, Voice]:
    """Give the voices of all devices that do not speak native JSON, by their native names."""
    voices: dict[str, Voice] = {}
    for place, one in enumerate(containers(plan)):
        has_memory = readings_a_message(plan, place) > 1
        voice = _voice(_SPEAKS[place // 10 % 2][place % 10], one, _FIRST_NUMBER + place, has_memory=has_memory)
        if voice is not None:
            voices[one.device] = voice
    if plan.days <= _TRACCAR_DAYS_MAX:
        tracker = _TRACCAR_SWEEPER.device
        voices[tracker] = dialects.traccar(TRACCAR, tracker, 1, tracker.removeprefix("gps-"))
    return voices


def sources_toml(voices: Iterable[Voice]) -> str:
    """Declare the sources, with the name of each device in its network and in the register."""
    by_source: dict[str, list[Voice]] = {}
    for voice in voices:
        by_source.setdefault(voice.source, []).append(voice)
    return "\n".join(_declared(source, by_source[source]) for source in _TABLES if source in by_source)


def _voice(source: str, one: Container, number: int, *, has_memory: bool) -> Voice | None:
    match source:
        case "chirpstack":
            return dialects.chirpstack(source, one.device, number, one.gateway, has_memory=has_memory)
        case "things-stack":
            return dialects.things_stack(source, f"ldds75-{number:04d}", number, one.gateway)
        case "sensorthings":
            return dialects.sensorthings(source, f"datastream-{number}", number)
        case "fiware":
            entity, span_mm = f"{one.zone}:{one.asset}", (one.empty_mm, one.full_mm)
            return dialects.fiware(source, f"container-{number:04d}", entity, span_mm)
        case _:
            return None


def _declared(source: str, voices: Sequence[Voice]) -> str:
    table = _TABLES[source]
    said: Mapping[str, str] = {"name": source, "topic": table.topic, "format": table.format, "codec": table.codec}
    # What a JSON string holds of ASCII without control characters, a basic string of TOML holds too.
    lines = ["[[source]]", *(f"{key} = {json.dumps(value)}" for key, value in said.items() if value)]
    lines += ["only_known = true", "[source.devices]"]
    for one in voices:
        codec = f", codec = {json.dumps(one.codec)}" if one.codec else ""
        lines.append(f"{json.dumps(one.name)} = {{ device = {json.dumps(one.device)}{codec} }}")
    return "\n".join(lines) + "\n"
