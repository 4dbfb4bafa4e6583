# ruff: noqa: INP001  # a script beside its picture, not part of a package
"""Five logged paths in São Paulo, matched → a picture as SVG, one panel each.

Believes the folder of links, logs and expected paths; matches by the product, as the tests do.

    PYTHONPATH=. python docs/examples/sao-paulo/picture.py FOLDER --out docs/real-data
"""

import argparse
from pathlib import Path

import numpy as np

from rules import traversals
from rules.places import Network, read_network, to_local
from tests.real import sao_paulo

FONT = 'role="img" font-family="system-ui, sans-serif"'
WIDTH, PANEL, PLOT, TOP = 800, 256, 240, 56
# Of the colours of Okabe and Ito; certain and doubtful differ in width too.
SURE, DOUBT, FIX, STREET, INK, QUIET = "#0072b2", "#56b4e9", "#b3430a", "#c9d0d5", "#1b1f23", "#59636b"


class Frame:
    """Where millimetres of the plane come to lie in a panel."""

    def __init__(self, network: Network, panel: int) -> None:
        x_mm, y_mm = network.vertices[:2]
        self.west, self.north = int(x_mm.min()), int(y_mm.max())
        self.scale = (PLOT - 24) / max(int(np.ptp(x_mm)), int(np.ptp(y_mm)))
        self.left, self.top = 16 + panel % 3 * PANEL, TOP + panel // 3 * (PANEL + 16) + 20

    def at(self, x_mm: float, y_mm: float) -> str:
        """Write a place as coordinates of the picture."""
        x, y = self.left + 12 + (x_mm - self.west) * self.scale, self.top + 12 + (self.north - y_mm) * self.scale
        return f"{x:.1f} {y:.1f}"


def panel(network: Network, log: sao_paulo.Log, frame: Frame) -> list[str]:
    """Draw streets, the path driven, and the fixes over it."""
    fixes = sao_paulo.fixes(log)
    found = traversals.traverse(network, fixes, sao_paulo.MAX_GAP_US)
    parts = [text(frame.left, frame.top, f"Log {log.name}: {len(log.places)} fixes", INK, "bold")]
    whole = [(segment, 0, int(length_mm)) for segment, length_mm in enumerate(network.length_mm)]
    parts += [stroke(frame, network, part, (STREET, 1.5)) for part in whole]
    rows = zip(found.segment, found.from_mm, found.to_mm, found.is_certain, strict=True)
    for segment, from_mm, to_mm, is_certain in sorted((tuple(map(int, row)) for row in rows), key=lambda row: row[3]):
        parts.append(stroke(frame, network, (segment, from_mm, to_mm), (SURE, 4) if is_certain else (DOUBT, 2.5)))
    for x_mm, y_mm in zip(*to_local(network, fixes.lon_e7, fixes.lat_e7), strict=True):
        x, y = frame.at(int(x_mm), int(y_mm)).split()
        parts.append(f'<circle cx="{x}" cy="{y}" r="3.2" fill="{FIX}" stroke="#fff" stroke-width=".8"/>')
    return parts


def stroke(frame: Frame, network: Network, part: tuple[int, int, int], pen: tuple[str, float]) -> str:
    """Draw a part of a street, from and to along its line."""
    segment, from_mm, to_mm = part
    own = network.vertex_segment == segment
    x_mm, y_mm, measure_mm = (column[own] for column in network.vertices)
    inner = measure_mm[(measure_mm > from_mm) & (measure_mm < to_mm)]
    stops = np.concatenate(([from_mm], inner, [to_mm]))
    places = zip(np.interp(stops, measure_mm, x_mm), np.interp(stops, measure_mm, y_mm), strict=True)
    line = "L".join(frame.at(float(x), float(y)) for x, y in places)
    return f'<path d="M{line}" fill="none" stroke="{pen[0]}" stroke-width="{pen[1]}" stroke-linecap="round"/>'


def text(x: float, y: float, words: str, colour: str, weight: str = "normal") -> str:
    """Write a line of words."""
    return f'<text x="{x}" y="{y}" font-size="12" font-weight="{weight}" fill="{colour}">{words}</text>'


def legend() -> list[str]:
    """Say what the colours mean, in the place of a sixth panel."""
    x, y = 16 + 2 * PANEL, TOP + PANEL + 16 + 60
    items = [
        (STREET, 1.5, "street"),
        (SURE, 4, "matched, and certain"),
        (DOUBT, 2.5, "matched, another way fits too"),
    ]
    parts = [f'<circle cx="{x + 12}" cy="{y - 4}" r="3.2" fill="{FIX}"/>', text(x + 36, y, "logged fix", INK)]
    for row, (colour, width, words) in enumerate(items, 1):
        line = y + 24 * row
        parts.append(f'<path d="M{x} {line - 4}h24" stroke="{colour}" stroke-width="{width}"/>')
        parts.append(text(x + 36, line, words, INK))
    return parts


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path())
    said = parser.parse_args()
    network = read_network(sao_paulo.segments(said.folder), [])
    if network is None:
        raise SystemExit("the links are no network")
    height = TOP + 2 * (PANEL + 16) + 8
    title = "Five logged paths in São Paulo, and the streets they were matched to"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        text(16, 24, title, INK, "bold"),
        text(
            16,
            42,
            "All five are the expected streets in the expected directions; fixes taken as 30 s apart, good to 50 m",
            QUIET,
        ),
    ]
    for log in sao_paulo.logs(said.folder):
        parts += panel(network, log, Frame(network, log.name))
    file = said.out / "sao-paulo.svg"
    file.write_text("\n".join([*parts, *legend(), "</svg>", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
