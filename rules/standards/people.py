"""What people say: inspectors, desks, offices and crews, each by the class of the asset that speaks.

Unlike a sensor's, each of their readings is a statement of its own. Contents in conflict under one key are all kept:
any of them may be the true one. A reading whose clock was wrong says nothing, but is counted.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rules.assets import Asset
from rules.events import Source, sources_of
from rules.records import digest
from rules.standards.judging import Facts, register_digest
from sensors.columns import Columns

# Classes of the assets that speak.
INSPECTION: Final = "inspection"
CASE_DESK: Final = "case_desk"
CONTRACTOR_DESK: Final = "contractor_desk"
COLLECTOR: Final = "collector"
CLASSES: Final = (INSPECTION, CASE_DESK, CONTRACTOR_DESK, COLLECTOR)


@dataclass(frozen=True, slots=True)
class Speaker:
    """An asset of some class, and the readings of one of its installations while it was of that class."""

    asset: Asset
    source: Source


@dataclass(frozen=True, slots=True)
class Content:
    """What one reading says: numbers and words by name."""

    numbers: Mapping[str, int]
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """All that was said under one key.

    Parameters
    ----------
    time_us, sequence : int
        [us since 1970, UTC]
    source, device, asset_class : str
        Who said it.
    contents : tuple of Content
        Several are in conflict; none where the clock was wrong.
    excluded : tuple of Content
        Said with a wrong clock.
    digests : tuple of str
        Of all of them.
    """

    time_us: int
    sequence: int
    source: str
    device: str
    asset_class: str
    contents: tuple[Content, ...]
    excluded: tuple[Content, ...]
    digests: tuple[str, ...]

    def is_any(self, fits: Callable[[Content], bool]) -> bool:
        """Whether it may be so."""
        return any(fits(one) for one in self.contents)

    def is_sure(self, fits: Callable[[Content], bool]) -> bool:
        """Whether it is so, whichever content is the true one."""
        return bool(self.contents) and all(fits(one) for one in self.contents)


def speakers(facts: Facts, kind: str, *classes: str) -> list[Speaker]:
    """Find who speaks: assets of some classes, and what they said while they were of these.

    Parameters
    ----------
    facts : Facts
    kind : str
        Of the readings.
    *classes : str
    """
    return [
        Speaker(asset, Source(one.installation, one.readings.between(asset.since_us, asset.until_us)))
        for asset in sorted(facts.register.assets, key=lambda asset: (asset.asset, asset.since_us))
        if asset.asset_class in classes
        for one in sources_of(asset.asset, kind, facts.register.installations, facts.readings)
    ]


def is_installed(facts: Facts, asset_class: str, first_us: int, until_us: int) -> bool:
    """Whether anything of a class had a device in a span: else what it did not say proves nothing.

    Parameters
    ----------
    facts : Facts
    asset_class : str
    first_us, until_us : int
        Half open. [us since 1970, UTC]
    """
    held = {
        one.asset
        for one in facts.register.assets
        if one.asset_class == asset_class and one.since_us < until_us and first_us < one.until_us
    }
    return any(
        one.asset in held and one.since_us < until_us and first_us < one.until_us
        for one in facts.register.installations
    )


def entries(heard: Iterable[Speaker], first_us: int, until_us: int) -> list[Entry]:
    """List what was said in a span, in the order of time, sequence, source and device.

    Parameters
    ----------
    heard : iterable of Speaker
    first_us, until_us : int
        Half open. [us since 1970, UTC]
    """
    found = [entry for one in heard for entry in _entries(one, one.source.readings.between(first_us, until_us))]
    return sorted(found, key=lambda entry: (entry.time_us, entry.sequence, entry.source, entry.device))


def entries_digest(said: Iterable[Entry]) -> str:
    """SHA-256 of what was said: who, when, and the digests of the contents."""
    rows = [[one.source, one.device, one.asset_class, one.time_us, one.sequence, *one.digests] for one in said]
    return digest(rows)


def speakers_digest(facts: Facts, classes: tuple[str, ...], span: tuple[int, int]) -> str:
    """SHA-256 of who could speak in a span: assets of some classes, and what was installed at them.

    Parameters
    ----------
    facts : Facts
    classes : tuple of str
    span : tuple of int
        Half open. [us since 1970, UTC]
    """
    assets = [asset for asset in facts.register.assets if asset.asset_class in classes]
    names = {asset.asset for asset in assets}
    return register_digest(assets, [one for one in facts.register.installations if one.asset in names], span)


def _entries(speaker: Speaker, part: Columns) -> Iterable[Entry]:
    keys = list(zip(map(int, part.event_time_us), map(int, part.sequence), strict=True))
    installation, doubted = speaker.source.installation, part.is_doubted
    for (time_us, sequence), rows in groupby(range(len(part)), key=lambda row: keys[row]):
        contents, excluded, digests = list[Content](), list[Content](), list[str]()
        for row in rows:
            (excluded if doubted[row] else contents).append(_content(part, row))
            digests.append(part.digest[row].tobytes().hex())
        yield Entry(
            time_us,
            sequence,
            installation.source,
            installation.device,
            speaker.asset.asset_class,
            tuple(contents),
            tuple(excluded),
            tuple(digests),
        )


def _content(part: Columns, row: int) -> Content:
    return Content(
        {name: int(column[row]) for name, column in part.numbers.items()},
        {name: str(column[row]) for name, column in part.words.items()},
    )
