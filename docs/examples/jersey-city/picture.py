# ruff: noqa: INP001  # a script beside a mapping, not part of a package
"""Positions, as the product stored them, and what doctor says of them → a map as SVG.

Believes the tables of position fixes and `poniente doctor --format csv`; reads nothing of the feed's files. What a
unit is, its mark tells by shape as well as by colour: with new positions a disc, at rest a ring, stale a cross.

    python docs/examples/jersey-city/picture.py doctor.csv --out docs/real-data
"""

import argparse
import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

SOURCE = "jersey-city"
WIDTH, TOP = 800, 78
# Of the colours of Okabe and Ito, which those who see red and green alike can tell apart; apart in grey as well.
STALE, TRACK, DOUBT, INK, QUIET = "#b3430a", "#0072b2", "#e69f00", "#1b1f23", "#59636b"
# Beyond this between two fixes nobody knows the way. [s]
GAP_S = 300
_FIRST = """
select device, event_time, network_time, latitude_e7, longitude_e7
from device join position_fix using (device_id) where source = %(source)s order by event_time
"""
_OTHER = """
select a.latitude_e7, a.longitude_e7, b.latitude_e7, b.longitude_e7
from device join position_fix a using (device_id) join position_fix_conflict b using (device_id, event_time)
where source = %(source)s
"""
Place = tuple[float, float]


@dataclass(slots=True)
class Unit:
    """A unit's stored positions, in the order of time."""

    name: str
    fixes: list[tuple[datetime, Place]] = field(default_factory=list[tuple[datetime, Place]])
    is_stale: bool = False

    @property
    def place(self) -> Place:
        """Where it was last."""
        return self.fixes[-1][1]

    @property
    def kind(self) -> str:
        """Which mark it gets."""
        return "stale" if self.is_stale else "moved" if len(self.fixes) > 1 else "rest"


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of the ground on a piece of the paper."""

    south: float
    west: float
    north: float
    left: float
    top: float
    width: float
    height: float

    @property
    def scale(self) -> float:
        """Pixels a degree of latitude."""
        return self.height / (self.north - self.south)

    def at(self, place: Place) -> tuple[float, float]:
        """Put a place onto the paper."""
        shrink = math.cos(math.radians((self.south + self.north) / 2))
        x = self.left + (place[1] - self.west) * shrink * self.scale
        return x, self.top + (self.north - place[0]) * self.scale

    def holds(self, place: Place) -> bool:
        """Tell whether a place is on this piece."""
        x, y = self.at(place)
        return self.left <= x <= self.left + self.width and self.top <= y <= self.top + self.height


CITY = Frame(40.675, -74.168, 40.795, 16, TOP, 478, 533)
YARD = Frame(40.6864, -74.0945, 40.6912, 506, TOP, 278, 278)


def read(database: str, stale: set[str]) -> tuple[list[Unit], list[tuple[Place, Place]], datetime]:
    """Read units, pairs of places under one time, and when the source was last heard."""
    units: dict[str, Unit] = {}
    with psycopg.connect(database) as connection:
        heard = datetime.fromtimestamp(0, UTC)
        for device, at, network, *place in connection.execute(_FIRST, {"source": SOURCE}):
            unit = units.setdefault(device, Unit(device, is_stale=f"{SOURCE}/{device}" in stale))
            unit.fixes.append((at.astimezone(UTC), _degrees(place)))
            heard = max(heard, network.astimezone(UTC))
        pairs = [(_degrees(row[:2]), _degrees(row[2:])) for row in connection.execute(_OTHER, {"source": SOURCE})]
    # Not by the server, whose order of letters is its own.
    return [units[name] for name in sorted(units)], sorted(pairs), heard


def _degrees(e7: Sequence[int]) -> Place:
    return e7[0] / 1e7, e7[1] / 1e7


def stale_of(file: Path) -> set[str]:
    """Read which devices doctor calls stale."""
    with file.open(newline="", encoding="utf-8") as stream:
        return {row["where"] for row in csv.DictReader(stream) if row["what"] == "device_stale"}


def map_of(units: Sequence[Unit], pairs: Sequence[tuple[Place, Place]], heard: datetime) -> str:
    """Draw the map, the yard larger, and the list of stale units."""
    kinds = {kind: [unit for unit in units if unit.kind == kind] for kind in ("rest", "stale", "moved")}
    title = f"{len(units)} units, {sum(len(unit.fixes) for unit in units):,} positions"
    parts = [
        text(16, 24, title, size=15, weight="bold"),
        text(16, 42, "Where each was last; left the city, right the yard where most of them stand", fill=QUIET),
        *_legend(56, {kind: len(found) for kind, found in kinds.items()}, len(pairs)),
    ]
    for frame, name in ((CITY, "city"), (YARD, "yard")):
        parts += [*_ground(frame, name), f'<g clip-path="url(#{name})">']
        parts += [_tracks(frame, kinds["moved"]), _doubts(frame, pairs)]
        parts += [_mark(frame, unit) for found in kinds.values() for unit in found if frame.holds(unit.place)]
        parts.append("</g>")
    parts += [_box(CITY, YARD), *_labels(units)]
    far = [f"{unit.name} ({unit.place[0]:.2f}, {unit.place[1]:.2f})" for unit in units if not CITY.holds(unit.place)]
    parts.append(text(16, TOP + CITY.height + 16, f"Outside the map: {', '.join(far)}", size=10, fill=QUIET))
    parts += _list(kinds["stale"], heard)
    return svg(int(TOP + CITY.height + 28), "Positions of Jersey City's trucks", parts)


def _ground(frame: Frame, name: str) -> list[str]:
    """Draw a frame with a line for each hundredth of a degree, or thousandth, and a bar of length."""
    step, metres, said = (0.02, 2_000, "2 km") if name == "city" else (0.001, 100, "100 m")
    place = f'x="{frame.left:g}" y="{frame.top:g}" width="{frame.width:g}" height="{frame.height:g}"'
    parts = [
        f'<clipPath id="{name}"><rect {place}/></clipPath>',
        f'<rect {place} fill="#f4f6f7" stroke="#9aa5ad"/>',
    ]
    lines: list[str] = []
    for number in range(math.ceil(frame.south / step), math.floor(frame.north / step) + 1):
        y = frame.at((number * step, frame.west))[1]
        lines.append(f"M{frame.left:g} {y:.1f}h{frame.width:g}")
        if name == "city":
            parts.append(text(frame.left + 3, y - 3, f"{number * step:.2f}° N", size=9, fill=QUIET))
    shrink = math.cos(math.radians((frame.south + frame.north) / 2))
    east = frame.west + frame.width / frame.scale / shrink
    for number in range(math.ceil(frame.west / step), math.floor(east / step) + 1):
        x = frame.at((frame.south, number * step))[0]
        lines.append(f"M{x:.1f} {frame.top:g}v{frame.height:g}")
        if name == "city":
            parts.append(text(x + 3, frame.top + 10, f"{-number * step:.2f}° W", size=9, fill=QUIET))
    parts.append(f'<path d="{"".join(lines)}" stroke="#d5dbdf" stroke-width=".6"/>')
    long = metres / 111_195 * frame.scale
    x, y = frame.left + frame.width - 10 - long, frame.top + frame.height - 10
    parts.append(f'<path d="M{x:.1f} {y:.1f}h{long:.1f}" stroke="{INK}" stroke-width="2"/>')
    parts.append(text(x + long / 2, y - 5, said, size=10, anchor="middle"))
    return parts


def _tracks(frame: Frame, units: Iterable[Unit]) -> str:
    """Join each unit's fixes, but not over a gap in which it may have been anywhere."""
    drawn: list[str] = []
    for unit in units:
        ways = zip(unit.fixes, unit.fixes[1:], strict=False)
        drawn += [
            _way(frame, before, after)
            for (since, before), (at, after) in ways
            if before != after and (at - since).total_seconds() <= GAP_S
        ]
    return f'<path d="{"".join(drawn)}" stroke="{TRACK}" stroke-width=".8" opacity=".45"/>'


def _doubts(frame: Frame, pairs: Iterable[tuple[Place, Place]]) -> str:
    drawn = [_way(frame, *pair) for pair in pairs]
    return f'<path d="{"".join(drawn)}" stroke="{DOUBT}" stroke-width="1.4" opacity=".8"/>'


def _way(frame: Frame, start: Place, end: Place) -> str:
    """Draw a straight line, where some of it may be on the paper."""
    (x, y), (u, v) = frame.at(start), frame.at(end)
    box = (min(x, u), min(y, v), max(x, u), max(y, v))
    if not _overlap(box, (frame.left, frame.top, frame.left + frame.width, frame.top + frame.height)):
        return ""
    return f"M{x:.0f} {y:.0f}l{round(u) - round(x)} {round(v) - round(y)}"


def _mark(frame: Frame, unit: Unit) -> str:
    x, y = frame.at(unit.place)
    return _shape(unit.kind, x, y, unit.name)


def _shape(kind: str, x: float, y: float, name: str = "") -> str:
    said = f"<title>{name}</title>" if name else ""
    match kind:
        case "stale":
            way = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
            return f'<path d="{way}" stroke="{STALE}" stroke-width="1.8">{said}</path>'
        case "moved":
            look = f'r="3" fill="{TRACK}" stroke="#fff" stroke-width=".6"'
        case _:
            look = f'r="2.8" fill="#fff" stroke="{INK}" stroke-width="1.2"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" {look}>{said}</circle>'


def _box(outer: Frame, inner: Frame) -> str:
    """Show on the city's map where the yard is."""
    x, y = outer.at((inner.north, inner.west))
    long = inner.height / inner.scale * outer.scale
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{long:.1f}" height="{long:.1f}" fill="none" stroke="{INK}"/>'


def _labels(units: Sequence[Unit]) -> list[str]:
    """Name the units outside the yard, where there is room."""
    shown = [unit for unit in units if CITY.holds(unit.place) and not YARD.holds(unit.place)]
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in (CITY.at(unit.place) for unit in shown)]
    parts: list[str] = []
    for unit in shown:
        x, y = CITY.at(unit.place)
        wide = 5.2 * len(unit.name)
        for left, base in ((x + 5, y + 3), (x - 5 - wide, y + 3), (x - wide / 2, y - 6), (x - wide / 2, y + 12)):
            box = (left, base - 7, left + wide, base + 1)
            if (
                CITY.left <= box[0]
                and box[2] <= CITY.left + CITY.width
                and not any(_overlap(box, one) for one in taken)
            ):
                taken.append(box)
                fill = STALE if unit.is_stale else INK
                parts.append(text(left, base, unit.name, size=9, fill=fill, halo=True))
                break
    return parts


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _list(stale: Sequence[Unit], heard: datetime) -> list[str]:
    """List the stale units, oldest first, with the days since their newest position."""
    top = YARD.top + YARD.height + 24
    parts = [text(YARD.left, top, "Stale: unit and days behind its source", size=12, weight="bold")]
    ages = sorted(((heard - unit.fixes[-1][0]).total_seconds() / 86_400, unit.name) for unit in stale)[::-1]
    rows = math.ceil(len(ages) / 4)
    for place, (age, name) in enumerate(ages):
        x, y = YARD.left + place // rows * 71, top + 18 + place % rows * 13.4
        parts.append(text(x, y, name, size=10))
        parts.append(text(x + 58, y, f"{age:.1f}", size=10, anchor="end", fill=STALE))
    return parts


def _legend(top: int, counts: Mapping[str, int], pairs: int) -> list[str]:
    meanings = {
        "moved": ("with new positions", 20),
        "rest": ("at rest for less than a day", 180),
        "stale": ("stale: for more than a day", 365),
    }
    parts: list[str] = []
    for kind, (meaning, at) in meanings.items():
        parts += [_shape(kind, at, top), text(at + 8, top + 4, f"{counts[kind]} {meaning}")]
    parts.append(f'<path d="M560 {top}h14" stroke="{DOUBT}" stroke-width="2"/>')
    parts.append(text(580, top + 4, f"{pairs} conflicts: two places, one time"))
    return parts


def text(  # noqa: PLR0913  # a text has a place and a look
    x: float,
    y: float,
    said: str,
    *,
    size: int = 11,
    weight: str = "normal",
    anchor: str = "start",
    fill: str = INK,
    halo: bool = False,
) -> str:
    """Draw a text; a halo keeps it readable over a line."""
    look = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    around = ' stroke="#fff" stroke-width="3" paint-order="stroke"' if halo else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}{around}>{said}</text>'


def svg(height: int, title: str, parts: Sequence[str]) -> str:
    """Put a picture together."""
    root = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
    head = [f'{root} font-family="system-ui, sans-serif">', f"<title>{title}</title>"]
    return "\n".join([*head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *parts, "</svg>\n"])


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description="Draw where the units are, as stored.")
    parser.add_argument("doctor", type=Path, help="What `poniente doctor --format csv` wrote.")
    parser.add_argument("--database", default=os.environ.get("PONIENTE_DATABASE", ""))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    drawn = map_of(*read(given.database, stale_of(given.doctor)))
    (given.out / "jersey-city.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
