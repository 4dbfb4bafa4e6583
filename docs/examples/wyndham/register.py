# ruff: noqa: INP001  # a script beside a contract folder, not part of a package
"""The city's file → assets.csv and installations.csv: which bins there are, since when, full at what.

Believes the file's bin ids, thresholds and first dates; leaves to people who may sign a joint record: the names there
are invented. A bin that falls silent stays installed, for silence does not say that it was taken away.

    python docs/examples/wyndham/register.py FILE
"""

import argparse
import csv
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

ZONE = "wyndham"
ASSET_CLASS = "litter_bin_compacting"
SOURCE = "wyndham"
SIGNED = "city-officer,site-supervisor"
_FULL = Decimal(10)


@dataclass(slots=True)
class Bin:
    """What the file says of a bin."""

    first: date
    thresholds: set[Decimal] = field(default_factory=set[Decimal])


def bins_of(file: Path) -> dict[str, Bin]:
    """Read each bin's first day and thresholds.

    Parameters
    ----------
    file : Path
        Read, never changed.
    """
    found: dict[str, Bin] = {}
    with file.open(newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            day = datetime.strptime(row["timestamp"], "%d-%m-%Y").replace(tzinfo=UTC).date()
            one = found.setdefault(row["Bin ID"], Bin(day))
            one.first = min(one.first, day)
            one.thresholds.add(Decimal(row["fullnessThreshold"]))
    return found


def tables(found: dict[str, Bin]) -> tuple[str, str]:
    """Write the two tables.

    Raises
    ------
    SystemExit
        When a bin's threshold changes: its installation would need a row for each span.
    """
    assets = ["asset,zone,class,valid_from,valid_until"]
    installations = [
        "source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor"
    ]
    for name, one in sorted(found.items()):
        if len(one.thresholds) > 1:
            raise SystemExit(f"bin {name} has thresholds {sorted(one.thresholds)}: date its installations by hand")
        (threshold,) = one.thresholds
        assets.append(f"{name},{ZONE},{ASSET_CLASS},{one.first},")
        installations.append(f"{SOURCE},{name},{name},{one.first},,,,{threshold / _FULL},{SIGNED}")
    return "\n".join(assets) + "\n", "\n".join(installations) + "\n"


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description="Derive the contract's register from the city's file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "contract")
    given = parser.parse_args()
    assets, installations = tables(bins_of(given.file))
    (given.out / "assets.csv").write_text(assets, encoding="utf-8")
    (given.out / "installations.csv").write_text(installations, encoding="utf-8")


if __name__ == "__main__":
    main()
