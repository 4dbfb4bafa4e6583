"""Sources as they are declared in TOML: who publishes on which topics, in which format, under which names.

Nothing is guessed: an unknown key, format, codec or zone, and a topic that two sources would claim, are refused with
what is allowed, before anything is subscribed to. Native topics need no declaration, and none may claim them.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from functools import cache
from importlib.resources import files
from itertools import combinations
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import SourcesError
from sensors.codecs.sensorthings import RESULTS
from sensors.framing import formats, frame_codecs
from sensors.sources import Device, Source
from sensors.topics import is_part, normal_device, subscription

# Each is a subscription, and each topic is held against all of them; a city has a handful of networks.
SOURCES_MAX = 100
# MQTT 5, section 1.5.4. [bytes]
_FILTER_BYTES_MAX = 65_535
_NATIVE, _SENSORTHINGS = "native", "sensorthings"
# Formats that carry a radio's frames.
_FRAMED = ("chirpstack", "things_stack")
_PART = "1 to 64 of a-z 0-9 . _ -, beginning with a-z 0-9"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _DeviceTable(_Table):
    device: str
    codec: str = ""


class _SourceTable(_Table):
    name: str
    topic: str
    format: str
    codec: str = ""
    time_zone: str | None = None
    only_known: bool = False
    devices: dict[str, _DeviceTable] = {}


class _File(_Table):
    source: list[_SourceTable] = Field([], max_length=SOURCES_MAX)


def read_sources(text: str) -> tuple[Source, ...]:
    """Read the declared sources.

    Parameters
    ----------
    text : str
        TOML, one `[[source]]` each.

    Raises
    ------
    SourcesError
        When something is undeclared, unknown, or claimed twice.
    """
    try:
        tables = _File.model_validate(tomllib.loads(text)).source
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SourcesError(f"sources do not load: {said}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourcesError(f"sources are no TOML: {error}") from error
    sources = tuple(_source(table) for table in tables)
    _check_distinct("sources", [source.name for source in sources])
    _check_overlaps(sources)
    return sources


def subscriptions(sources: Sequence[Source]) -> list[str]:
    """List the topic filters to subscribe to: that of native readings, and one of each source."""
    return [subscription(), *(source.filter for source in sources)]


def _source(table: _SourceTable) -> Source:
    where = f"source {table.name!r}"
    if not is_part(table.name):
        raise SourcesError(f"{where}: its name is not {_PART}")
    # Native topics name their source themselves.
    known = [name for name in formats() if name != _NATIVE]
    _check_choice(f"{where}: format", table.format, known)
    _check_filter(f"{where}: topic {table.topic!r}", table.topic)
    for said, codec in (
        ("codec", table.codec),
        *((f"codec of {key!r}", one.codec) for key, one in table.devices.items()),
    ):
        _check_codec(f"{where}: {said}", table.format, codec)
    zone = _zone(where, table.time_zone) if table.time_zone is not None else None
    devices = _devices(where, table.devices)
    return Source(table.name, table.topic, table.format, table.codec, zone, devices, table.only_known)


def _devices(where: str, tables: Mapping[str, _DeviceTable]) -> Mapping[str, Device]:
    for key, table in tables.items():
        if not is_part(normal_device(table.device)):
            raise SourcesError(f"{where}: device {table.device!r} of {key!r} is not {_PART}")
    # By its normal form a device is looked up, so "AB" and "ab" would be one; and two of one name would be mixed up.
    _check_distinct(f"{where}: devices", [normal_device(key) for key in tables])
    _check_distinct(f"{where}: devices are called", [normal_device(table.device) for table in tables.values()])
    return {normal_device(key): Device(normal_device(one.device), one.codec) for key, one in tables.items()}


def _check_choice(what: str, said: str, known: Iterable[str]) -> None:
    known = list(known)
    if said not in known:
        raise SourcesError(f"{what} {said!r} is none of {', '.join(known)}")


def _check_codec(what: str, form: str, codec: str) -> None:
    if not codec:
        return
    if form in _FRAMED:
        _check_choice(what, codec, frame_codecs())
    elif form == _SENSORTHINGS:
        _check_choice(what, codec, RESULTS)
    else:
        raise SourcesError(
            f"{what} {codec!r} means nothing: messages of format {form} say what they hold; take it out"
        )


def _check_filter(what: str, topic_filter: str) -> None:
    """Hold a filter against MQTT 5, section 4.7; where it begins with `$` it is the broker's own affair."""
    levels = topic_filter.split("/")
    if not 1 <= len(topic_filter.encode()) <= _FILTER_BYTES_MAX or "\0" in topic_filter:
        raise SourcesError(f"{what} is not 1 to {_FILTER_BYTES_MAX} bytes without NUL")
    if topic_filter.startswith("$"):
        raise SourcesError(f"{what} begins with $; write the topics' own levels, without $share or $SYS")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        raise SourcesError(f"{what} has # elsewhere than alone in its last level")
    if any("+" in level and level != "+" for level in levels):
        raise SourcesError(f"{what} has + beside other characters; it stands for a whole level")


def _check_distinct(what: str, names: Sequence[str]) -> None:
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise SourcesError(f"{what} {', '.join(twice)} more than once; each needs a name of its own")


def _check_overlaps(sources: Sequence[Source]) -> None:
    """Refuse topics that two filters claim: brokers deliver them twice, and the order would say whose they are."""
    claims = [("native readings", subscription()), *((f"source {one.name!r}", one.filter) for one in sources)]
    for (first, one), (second, other) in combinations(claims, 2):
        if _overlap(one.split("/"), other.split("/")):
            raise SourcesError(
                f"{second}: topic {other!r} has topics of {first}, {one!r}; make each a filter of its own"
            )


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether a topic could be of both filters."""
    for left, right in zip(one, other, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    # `a/#` is of `a` too.
    rest = max(one, other, key=len)[min(len(one), len(other)) :]
    return not rest or rest[0] == "#"


def _zone(where: str, name: str) -> tzinfo:
    if name not in _zone_names():
        raise SourcesError(f"{where}: time zone {name!r} is not known; write an IANA name such as America/Santiago")
    # Of the wheel: the system's copy can be another version, and the process's environment can point elsewhere.
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
