# ruff: noqa: INP001  # a script beside a contract folder, not part of a package
"""Determinations and statements, as the product wrote them → two pictures as SVG.

Believes `poniente assess --determinations --format csv` and the folders of `poniente statement --out`; reads nothing
of the city's file. A verdict is told by shape as well as by colour: late is dark and full, doubt is half as high, a
day without a row is hatched.

    python docs/examples/wyndham/pictures.py determinations.csv STATEMENTS --out docs/real-data
"""

import argparse
import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

WIDTH = 800
# Of the colours of Okabe and Ito, which those who see red and green alike can tell apart; apart in grey as well.
LATE, DOUBT, MET, INK, QUIET = "#b3430a", "#56b4e9", "#e4e9ec", "#1b1f23", "#59636b"
# Half-open spans of days, one panel each.
PANELS = (
    ("June 2018 to June 2019", date(2018, 6, 26), date(2019, 7, 1)),
    ("July 2019 to June 2020", date(2019, 7, 1), date(2020, 7, 1)),
)
PITCH, BAR, LEFT, DAY = 12, 10, 62, 1.84
MONTH, GROUND, SHARE_HEIGHT, MONEY_HEIGHT, CAP = 28, 262, 190, 150, 990
_DAY = timedelta(days=1)
Classes = Mapping[str, Mapping[date, str]]


@dataclass(frozen=True, slots=True)
class Month:
    """What a month's statement says."""

    name: str
    checks: Mapping[str, int]
    deducted: Fraction
    spared: Fraction


def classes_of(file: Path) -> Classes:
    """Read what became of each bin's days: met, not_met, doubt or gap."""
    found: defaultdict[str, dict[date, str]] = defaultdict(dict)
    with file.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            verdict = row["verdict"]
            if verdict == "inconclusive":
                verdict = "gap" if int(row["received"]) < int(row["expected"]) else "doubt"
            found[row["subject"]][date.fromisoformat(row["day"])] = verdict
    return found


def months_of(folder: Path, classes: Classes) -> list[Month]:
    """Read the statements: what was deducted, and what the cap spared."""
    checks: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for days in classes.values():
        for day, verdict in days.items():
            checks[f"{day:%Y-%m}"][verdict] += 1
    months: list[Month] = []
    for path in sorted(folder.glob("*/statement.json")):
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        lines: list[dict[str, Any]] = body["blocks"]["A"]["lines"]
        capped = [step for line in lines for step in line["trace"] if step["step"] == "cap"]
        spared = sum((Fraction(step["in"]) - Fraction(step["out"]) for step in capped), Fraction(0))
        months.append(Month(body["period"], checks[body["period"]], -Fraction(body["totals"]["adjustments"]), spared))
    return months


def calendar(classes: Classes) -> str:
    """Draw bins by days."""
    late = {name: sum(verdict == "not_met" for verdict in days.values()) for name, days in classes.items()}
    names = sorted(classes, key=lambda name: (-late[name], name))
    parts = [
        text(16, 24, "Each bin's days: emptied within two days of its threshold, or not", size=15, weight="bold"),
        text(16, 42, "33 bins, most late days first; at the right, days late in the panel", fill=QUIET),
        *legend(58),
    ]
    top = 104
    for title, first, until in PANELS:
        parts += _panel((title, first, until), top, names, classes)
        top += len(names) * PITCH + 44
    return svg(top - 20, "Verdict of each bin and day", parts)


def _panel(panel: tuple[str, date, date], top: int, names: Sequence[str], classes: Classes) -> list[str]:
    title, first, until = panel
    parts = [text(LEFT, top - 18, title, size=12, weight="bold")]
    bottom = top + len(names) * PITCH
    for day in days_between(first, until):
        if day.day == 1:
            at = LEFT + (day - first).days * DAY
            parts.append(f'<path d="M{at:.1f} {top - 10}V{bottom}" stroke="#9aa5ad" stroke-width=".5"/>')
            parts.append(text(at + 2, top - 3, f"{day:%b}", size=10, fill=QUIET))
    drawn: defaultdict[str, list[str]] = defaultdict(list)
    for row, name in enumerate(names):
        y = top + row * PITCH + 1
        count = sum(verdict == "not_met" for day, verdict in classes[name].items() if first <= day < until)
        parts.append(text(LEFT - 6, y + 9, name, size=10, anchor="end"))
        parts.append(text(LEFT + (until - first).days * DAY + 6, y + 9, str(count or "·"), size=10))
        for verdict, since, length in spans(classes[name], first, until):
            at, wide = LEFT + (since - first).days * DAY, length * DAY
            up, high = (BAR / 2, BAR / 2) if verdict == "doubt" else (0, BAR)
            drawn[verdict].append(f"M{at:.1f} {y + up:g}h{wide:.1f}v{high:g}h-{wide:.1f}z")
            if verdict == "doubt":
                drawn["met"].append(f"M{at:.1f} {y}h{wide:.1f}v{BAR / 2:g}h-{wide:.1f}z")
    fills = {"met": MET, "gap": "url(#gap)", "doubt": DOUBT, "not_met": LATE}
    # Months' lines lie under the bars, so that a thin late day is not taken for one.
    return [*parts, *(f'<path d="{"".join(drawn[verdict])}" fill="{fill}"/>' for verdict, fill in fills.items())]


def monthly(months: Sequence[Month]) -> str:
    """Draw the months: what was found, and what it cost."""
    parts = [
        text(16, 24, "What each month's statement rests on, and what it deducts", size=15, weight="bold"),
        *legend(40),
        text(16, GROUND - SHARE_HEIGHT + 4, "100 %", size=10, fill=QUIET),
        text(16, GROUND, "0", size=10, fill=QUIET),
        text(16, GROUND + 16, "late", size=10, fill=QUIET),
        text(
            16,
            GROUND + 54,
            "Deduction in AUD, 15 a day late; hatched: what the cap of 10 % of the fee leaves off",
            size=12,
        ),
    ]
    ground = GROUND + 84 + MONEY_HEIGHT
    scale = MONEY_HEIGHT / 1400
    cap = ground - CAP * scale
    parts.append(f'<path d="M{LEFT} {cap:.1f}H{LEFT + MONTH * len(months)}" stroke="{INK}" stroke-dasharray="5 4"/>')
    parts.append(text(16, cap + 4, "cap 990", size=10))
    for place, month in enumerate(months):
        at, y, total = LEFT + place * MONTH + 3, float(GROUND), sum(month.checks.values())
        for verdict, fill in (("not_met", LATE), ("doubt", DOUBT), ("gap", "url(#gap)"), ("met", MET)):
            high = SHARE_HEIGHT * month.checks.get(verdict, 0) / total
            y -= high
            parts.append(bar(at, y, high, fill))
        middle = at + (MONTH - 6) / 2
        parts.append(text(middle, GROUND + 16, str(month.checks.get("not_met", 0)), size=10, anchor="middle"))
        high, spared = float(month.deducted) * scale, float(month.spared) * scale
        parts += [bar(at, ground - high, high, LATE), bar(at, ground - high - spared, spared, "url(#spared)")]
        if month.deducted:
            asked = f"{float(month.deducted + month.spared):.0f}"
            parts.append(text(middle, ground - high - spared - 4, asked, size=10, anchor="middle", halo=True))
        if month.spared:
            paid = f"{float(month.deducted):.0f}"
            parts.append(text(middle, ground - high + 14, paid, size=10, anchor="middle", fill="#fff"))
        parts.append(
            text(middle, ground + 14, f"{date.fromisoformat(month.name + '-01'):%b}", size=10, anchor="middle")
        )
        if place == 0 or month.name.endswith("-01"):
            parts.append(text(middle, ground + 28, month.name[:4], size=11, weight="bold", anchor="middle"))
    return svg(int(ground) + 44, "Checks and deduction of each month", parts)


def spans(days: Mapping[date, str], first: date, until: date) -> Iterable[tuple[str, date, int]]:
    """Join neighbouring days of one kind; days on which the bin was not there are left out."""
    kind, since, length = "", first, 0
    for day in days_between(first, until + _DAY):
        known = days.get(day, "") if day < until else ""
        if known == kind:
            length += 1
            continue
        if kind:
            yield kind, since, length
        kind, since, length = known, day, 1


def days_between(first: date, until: date) -> list[date]:
    """List the days of a half-open span."""
    return [first + timedelta(days=number) for number in range((until - first).days)]


def legend(top: int) -> list[str]:
    """Draw what the shapes and colours mean."""
    kinds = (
        (MET, "met", BAR),
        (LATE, "not met: a day late", BAR),
        (DOUBT, "inconclusive: rows do not decide", BAR / 2),
        ("url(#gap)", "inconclusive: no row that day", BAR),
    )
    parts: list[str] = []
    for place, (fill, meaning, high) in enumerate(kinds):
        at = (16, 92, 250, 480)[place]
        parts.append(f'<rect x="{at}" y="{top + BAR - high:g}" width="18" height="{high:g}" fill="{fill}"/>')
        parts.append(text(at + 24, top + 9, meaning))
    return parts


def bar(x: float, y: float, high: float, fill: str) -> str:
    """Draw a bar of a month; nothing where there is nothing."""
    return f'<rect x="{x}" y="{y:.1f}" width="{MONTH - 6}" height="{high:.1f}" fill="{fill}"/>' if high else ""


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
    around = ' stroke="#fff" stroke-width="4" paint-order="stroke"' if halo else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}{around}>{said}</text>'


def svg(height: int, title: str, parts: Sequence[str]) -> str:
    """Put a picture together."""
    root = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
    return "\n".join(
        [
            f'{root} font-family="system-ui, sans-serif">',
            f"<title>{title}</title>",
            f"<defs>{hatch('gap', '#87929a', '1.4')}{hatch('spared', LATE, '2')}</defs>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *filter(None, parts),
            "</svg>\n",
        ]
    )


def hatch(name: str, colour: str, wide: str) -> str:
    """Make a pattern of slanting lines."""
    size = 'width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"'
    return f'<pattern id="{name}" {size}><path d="M0 0V5" stroke="{colour}" stroke-width="{wide}"/></pattern>'


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description="Draw what determinations and statements say.")
    parser.add_argument("determinations", type=Path)
    parser.add_argument("statements", type=Path, help="Folder with one folder a month.")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    classes = classes_of(given.determinations)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "calendar.svg").write_text(calendar(classes), encoding="utf-8")
    (given.out / "months.svg").write_text(monthly(months_of(given.statements, classes)), encoding="utf-8")


if __name__ == "__main__":
    main()
