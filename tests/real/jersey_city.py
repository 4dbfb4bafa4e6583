"""The feed's lines counted a second time: plain Python from the archive alone, sharing nothing with the product.

What records.md says, in the words of this feed: a truck and a time are one key. The first content of a key is
accepted, the same content again is a duplicate, each other content is a conflict.
"""

import tarfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

Key = tuple[str, datetime]
Content = tuple[int, int]

STALE_AFTER = timedelta(hours=24)
with files("tzdata").joinpath("zoneinfo", "America", "New_York").open("rb") as _rules:
    _PLACE = ZoneInfo.from_file(_rules)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one poll."""

    text: str
    polled: datetime
    truck: str
    wall_clock: datetime
    latitude_e7: int
    longitude_e7: int

    @property
    def key(self) -> Key:
        """The truck in small letters, and when it was there, in UTC."""
        return self.truck.lower(), self.wall_clock.replace(tzinfo=_PLACE).astimezone(UTC)

    @property
    def content(self) -> Content:
        """What it says."""
        return self.latitude_e7, self.longitude_e7


def polls(archive: Path) -> Iterator[tuple[str, str]]:
    """Give name and text of each poll."""
    with tarfile.open(archive) as polled:
        for member in polled:
            stream = polled.extractfile(member)
            assert stream is not None
            yield member.name, stream.read().decode()


def read(archive: Path) -> list[Line]:
    """Read every line of every poll."""
    return [_line(name, text) for name, poll in polls(archive) for text in poll.splitlines()]


def contents(lines: Collection[Line]) -> dict[Key, set[Content]]:
    """Give what each truck said of each time."""
    found: defaultdict[Key, set[Content]] = defaultdict(set)
    for line in lines:
        found[line.key].add(line.content)
    return dict(found)


def outcomes(lines: Collection[Line]) -> dict[str, int]:
    """Count what must become of the lines."""
    said = contents(lines)
    distinct = sum(map(len, said.values()))
    return {"accepted": len(said), "conflict": distinct - len(said), "duplicate": len(lines) - distinct}


def stale(lines: Collection[Line]) -> set[str]:
    """Name the trucks that the last poll still shows where they were more than a day before."""
    last = max(line.polled for line in lines)
    newest: dict[str, datetime] = {}
    for line in lines:
        truck, at = line.key
        newest[truck] = max(at, newest.get(truck, at))
    return {truck for truck, at in newest.items() if last - at > STALE_AFTER}


def _line(name: str, text: str) -> Line:
    latitude, longitude, truck, _address, at = text.split("|")
    polled = datetime.strptime(name, "jc-data-%m%d%y-%H%M%S.csv").replace(tzinfo=UTC)
    return Line(text, polled, truck, datetime.fromisoformat(at), _e7(latitude), _e7(longitude))


def _e7(degrees: str) -> int:
    scaled = Decimal(degrees).scaleb(7)
    assert scaled == int(scaled), degrees
    return int(scaled)
