"""Good messages of every format, and seeded ways to spoil them."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.sources import read_sources
from sensors.sources import Source

_TESTS = Path(__file__).parents[1]
SOURCES = (_TESTS / "faults" / "sources.toml").read_text(encoding="utf-8")
_AT = "2026-09-05T22:14:03Z"
# Of each format one that is accepted: topic and message.
_GOLDEN: dict[str, tuple[str, dict[str, Any]]] = {
    "native": ("poniente/v1/city/any-1/fill_level", {"v": 1, "time": _AT, "sequence": 1532, "distance_mm": 640}),
    "chirpstack": (
        "application/city/device/24e124713b000417/event/up",
        {
            "time": _AT,
            "deviceInfo": {"devEui": "24E124713B000417"},
            "devAddr": "00189440",
            "fCnt": 1532,
            "fPort": 85,
            "data": "AXVcA2fDAASCgAIFAAA=",
            "object": {"battery": 92, "distance": 640},
            "rxInfo": [{"gatewayId": "0016c001f153a14c", "time": _AT, "rssi": -97, "snr": 7.2}],
        },
    ),
    "things_stack": (
        "v3/city@ttn/devices/bin-0588/up",
        {
            "end_device_ids": {"device_id": "bin-0588", "dev_eui": "A84041FFFF180588", "dev_addr": "260B1234"},
            "received_at": _AT,
            "uplink_message": {"f_port": 2, "f_cnt": 208, "frm_payload": "DU0CgAAAAAE=", "received_at": _AT},
        },
    ),
    "traccar": (
        "traccar/positions",
        {
            "position": {
                "serverTime": _AT,
                "deviceTime": _AT,
                "fixTime": _AT,
                "valid": True,
                "latitude": -33.42871,
                "longitude": -70.6521,
                "speed": 4.32,
                "accuracy": 6.0,
                "attributes": {"ignition": True, "sat": 11, "io1": 1},
            },
            "device": {"uniqueId": "352094081234567"},
        },
    ),
    "owntracks": (
        "owntracks/somebody/phone-7",
        {"_type": "location", "tst": 1_788_657_002, "lat": -33.42871, "lon": -70.6521, "acc": 6, "vel": 8},
    ),
    "sensorthings": (
        "v1.1/Datastreams(417)/Observations",
        {"phenomenonTime": _AT, "resultTime": _AT, "result": 640, "parameters": {"fcnt": 1532}},
    ),
    "ngsi": (
        "ngsi/city",
        {
            "id": "urn:ngsi-ld:WasteContainer:VP-03:bin-0417",
            "type": "WasteContainer",
            "fillingLevel": 0.675,
            "temperature": 19.5,
            "binLoggedTime": _AT,
        },
    ),
}
# What is put in the place of a value, as text: numbers that are none, other types, times of other ages.
_VALUES = (
    *("NaN", "Infinity", "1e400", "-1e400", "18446744073709551616", "9007199254740993", "-1", "0.1", "true", "null"),
    *('""', '"640 mm"', "[]", "{}", '"1970-01-01T00:00:00Z"', '"2038-01-19T03:14:08Z"', '"9999-12-31T23:59:59Z"'),
    *('"2026-09-05T22:14:03"', '"\\ud800"', '"\\u0000"', "139.7", "1e308", "[[[[[[[[]]]]]]]]"),
)


def golden(form: str) -> tuple[str, bytes]:
    """Give topic and payload of a good message."""
    topic, message = _GOLDEN[form]
    return topic, json.dumps(message).encode()


def forms() -> tuple[str, ...]:
    """Name the formats that there is a good message of."""
    return tuple(_GOLDEN)


def sources() -> dict[str, Source]:
    """Give a source of each format but the native one, by format."""
    return {one.format: one for one in read_sources(SOURCES)}


def spoilt(chance: random.Random, payload: bytes) -> bytes:
    """Spoil a message: a value, some bytes, its end, or all of it."""
    lot = chance.random()
    if lot < 0.5:
        return _with_value(chance, payload)
    if lot < 0.6:
        return payload[: chance.randrange(len(payload) + 1)]
    if lot < 0.65:
        return chance.randbytes(chance.randrange(300))
    changed = bytearray(payload)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        changed[place : place + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    return bytes(changed)


def _with_value(chance: random.Random, payload: bytes) -> bytes:
    """Put something else in the place of a value, a name, or both."""
    message = json.loads(payload)
    places = list(_places(message))
    holder, key = chance.choice(places)
    mark = "mark-of-what-is-replaced"
    lot = chance.random()
    if lot < 0.15:
        holder[f"{key}x"] = holder.pop(key)
    elif lot < 0.3:
        del holder[key]
    else:
        holder[key] = mark
    return json.dumps(message).replace(f'"{mark}"', chance.choice(_VALUES)).encode()


def _places(message: Any) -> Iterator[tuple[dict[str, Any], str]]:  # JSON holds anything
    if isinstance(message, dict):
        for key, value in message.items():  # pyright: ignore[reportUnknownVariableType]
            yield message, str(key)  # pyright: ignore[reportUnknownArgumentType]
            yield from _places(value)
    elif isinstance(message, list):
        for value in message:  # pyright: ignore[reportUnknownVariableType]
            yield from _places(value)
