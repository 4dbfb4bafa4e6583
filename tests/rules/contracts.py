"""Small contract folders as text, the zones' transitions, and readings as columns.

A contract is built as the nested table that its TOML file would be read into, so that a test can change or remove any
key by its path, and is written to TOML before it is loaded: what is tested is always the text that a clerk writes.
"""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np

from rules.assets import Register
from rules.calendar import SECOND_US, Zone
from rules.contract import Terms
from rules.load import load_terms
from rules.register import load_register
from sensors.columns import Columns
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.readings import NOT_SAID, Clock, content_digest

Table = dict[str, Any]
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
SANTIAGO = "America/Santiago"
# A tariff by the hour begun beyond the target, without its amount.
STARTED: Table = {"kind": "per_time", "time": "PT1H", "count": "started", "of": "excess"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1995, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

ZONES = """{"type": "FeatureCollection", "features": [
  {"type": "Feature", "properties": {"zone_id": "VP-01", "name": "Patio norte"}, "geometry": null},
  {"type": "Feature", "properties": {"zone_id": "VP-02", "name": "Patio sur"}, "geometry": null}
]}
"""
INDEXES = """series,month,value,published,source
UTM,2026-08,67000,2026-07-31,SII
UTM,2026-09,68000,2026-08-31,SII
UTM,2026-10,68500.55,2026-09-30,SII
"""
ASSETS = """asset,zone,class,valid_from,valid_until
C-1,VP-01,container_1100l,2026-01-01,
C-2,VP-02,container_1100l,2026-01-01,
"""
INSTALLATIONS = """source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor
net,d1,C-1,2026-01-01,,1100,100,0.9,ana,luis
net,d2,C-2,2026-01-01,,1100,100,0.9,ana,luis
"""


def utc_us(text: str) -> int:
    """Read an instant written with its offset. [us since 1970]."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


@cache
def zone_info(name: str) -> ZoneInfo:
    """Read a time zone from the wheel, never from the system."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def zone_of(name: str) -> Zone:
    """Find a zone's transitions from 1995 to 2036 by looking, not by reading its file."""
    info = zone_info(name)

    def offset_s(instant: datetime) -> int:
        return int(cast("timedelta", instant.astimezone(info).utcoffset()).total_seconds())

    starts_us, offsets_s = [-(2**62)], [offset_s(_FIRST)]
    stride = timedelta(hours=12)
    instant = _FIRST
    while instant < _LAST:
        if offset_s(instant + stride) != offset_s(instant):
            low, high = instant, instant + stride
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if offset_s(middle) == offset_s(low) else (low, middle)
            starts_us.append((high - _EPOCH) // timedelta(microseconds=1))
            offsets_s.append(offset_s(high))
        instant += stride
    return Zone(name, tuple(starts_us), tuple(offsets_s))


def full_standard(**changes: Any) -> Table:
    """W28: a container at 90 % for more than four hours between 06:00 and 22:00, half a UTM."""
    standard = {
        "id": "container-full",
        "goal": "clean-market",
        "level": "output",
        "clause": {"article": "14.2", "page": 31},
        "subject": "container",
        "zones": "all",
        "window": {"start": time(6), "end": time(22), "days": "daily", "dst": "elapsed"},
        "measure": {
            "kind": "longest_run",
            "of": "fill_ratio",
            "op": ">=",
            "value": "0.90",
            "max_gap": "PT45M",
            "across_windows": False,
        },
        "target": {"op": "<=", "value": "PT4H"},
        "tolerance": {"signal_error": "0", "bound": "favour_contractor"},
        "completeness": {"min": "0.5", "every": "PT30M"},
        "inconclusive": "by_cause",
        "count_window": {"kind": "calendar_month", "reset": "period"},
        "overlap": {"group": "none", "keep": "sum"},
        "consequence": [{"nature": "price", "tariff": {"kind": "per_event", "amount": "0.5", "unit": "UTM"}}],
    }
    return {**standard, **changes}


def unemptied_standard(**changes: Any) -> Table:
    """A container that nobody has emptied for more than two days."""
    standard = full_standard(
        id="unemptied",
        window={"start": time(0), "end": time(0), "days": "daily", "dst": "elapsed"},
        measure={
            "kind": "longest_unemptied",
            "of": "fill_ratio",
            "drop": "0.30",
            "residual": "0.20",
            "max_gap": "PT45M",
            "look_back": "P4D",
        },
        target={"op": "<=", "value": "P2D"},
        consequence=[{"nature": "price", "tariff": {"kind": "per_event", "amount": "9000", "unit": "CLP"}}],
    )
    return {**standard, **changes}


def contract_table(*standards: Table, bearer: str = "city") -> Table:
    """Build the nested table of a contract that loads; one standard where none is given."""
    causes = ("device", "gateway", "network", "operator_off", "city", "conflict", "unknown")
    return {
        "contract": {
            "id": "vega-poniente",
            "title": {"es": "Aseo del sector Vega Poniente", "en": "Sanitation", "pt": "Limpeza urbana"},
            "buyer": "municipalidad",
            "contractor": "aseos",
            "vocabulary": "es-CL",
            "version": 1,
            "published": datetime(2026, 7, 10, 12, tzinfo=UTC),
            "effective": {"from": date(2026, 8, 1), "until": date(2028, 8, 1)},
            "clause": "1",
        },
        "calendar": {"time_zone": SANTIAGO, "period": "calendar_month", "payment_period": "calendar_month"},
        "money": {
            "currency": "CLP",
            "amounts": "net",
            "rounding": {"mode": "half_up", "step": "1", "at": "line"},
            "disputed_money": "paid_until_firm",
            "order": ["overlap", "allowance", "tariff", "index", "cap", "round"],
            "indexes": [{"series": "UTM", "month": "fact"}],
        },
        "late": {"grace": "P2D", "late_cutoff": "P60D"},
        "evidence": {"gap_bearer": dict.fromkeys(causes, bearer)},
        "base": [{"id": "monthly-fee", "amount": "1479000", "clause": "7.1"}],
        "goal": [{"id": "clean-market", "text": {"es": "El mercado abre limpio"}}],
        "standard": [copy.deepcopy(one) for one in standards or (full_standard(),)],
    }


def changed(table: Table, path: str, value: Any) -> Table:
    """Set a key by its path (`standard.0.goal`), in a copy."""
    copied = copy.deepcopy(table)
    parent, last = _parent(copied, path)
    parent[last] = value
    return copied


def without(table: Table, path: str) -> Table:
    """Remove a key by its path, in a copy."""
    copied = copy.deepcopy(table)
    parent, last = _parent(copied, path)
    del parent[last]
    return copied


def _parent(table: Any, path: str) -> tuple[Any, Any]:
    *parts, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in parts:
        table = table[part]
    return table, last


def folder(table: Table | None = None, **parts: str) -> dict[str, str]:
    """Write a contract folder: file name to text; `assets=` replaces `assets.csv` and so on."""
    given = {"zones": ZONES, "indexes": INDEXES, "assets": ASSETS, "installations": INSTALLATIONS, **parts}
    written = {f"{name}.{'geojson' if name == 'zones' else 'csv'}": text for name, text in given.items()}
    return {"contract.toml": as_toml(contract_table() if table is None else table), **written}


def as_toml(table: Mapping[str, Any]) -> str:
    """Write a nested table as TOML."""
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items())


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else f'"{name}"'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in members.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in cast("Iterable[Any]", value)) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def terms_of(table: Table | None = None, **parts: str) -> Terms:
    """Load the terms of a contract folder."""
    said = contract_table() if table is None else table
    return load_terms(folder(said, **parts), zone_of(said["calendar"]["time_zone"]))


def register_of(terms: Terms, **parts: str) -> Register:
    """Load the assets and installations of a contract folder."""
    return load_register(folder(None, **parts), terms)


@dataclass(frozen=True, slots=True)
class Said:
    """What a device said at one instant. [us, ppm, mm]."""

    t_us: int
    fill_ppm: int = NOT_SAID
    distance_mm: int = NOT_SAID
    clock: Clock = Clock.AGREES
    quality: int = NOT_SAID
    sequence: int = 0

    @property
    def digest(self) -> bytes:
        """Digest of what was said, as ingest makes it."""
        rest = (NOT_SAID, NOT_SAID, NOT_SAID)
        return content_digest((self.distance_mm, self.fill_ppm, *rest, self.quality), self.clock)


def columns(said: Iterable[Said]) -> Columns:
    """Lay fill levels of one device into columns, sorted by their full key as storage gives them."""
    rows = sorted(set(said), key=lambda one: (one.t_us, one.sequence, one.digest))
    numbers = {quantity.name: np.full(len(rows), NOT_SAID, np.int32) for quantity in FILL_LEVEL.quantities}
    numbers["distance_mm"] = np.array([one.distance_mm for one in rows], np.int32)
    numbers["fill_ppm"] = np.array([one.fill_ppm for one in rows], np.int32)
    numbers["quality_code"] = np.array([one.quality for one in rows], np.int32)
    return Columns(
        FILL_LEVEL,
        np.ones(len(rows), np.int64),
        np.array([one.t_us for one in rows], np.int64),
        np.array([one.sequence for one in rows], np.int64),
        np.array([one.clock for one in rows], np.int16),
        numbers,
        {},
        np.array([one.digest for one in rows], "V16"),
    )


def readings_of(**devices: Sequence[Said]) -> dict[tuple[str, str, str], Columns]:
    """Fill levels of the devices of source `net`, by kind, source and device."""
    return {("fill_level", "net", device): columns(said) for device, said in devices.items()}
