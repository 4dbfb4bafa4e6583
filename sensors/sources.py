"""Sources: who publishes on which topics, in which format, and under which names its devices are known.

A source stands before the decoder: topic filter → format, and for a network's devices the name and the frame codec of
each. What a source says of contracts or places does not count: dated installations say where a device hangs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Device:
    """What a source knows of one device.

    Parameters
    ----------
    name : str
        In normal form; what readings are stored under.
    codec : str
        Name of its frames' codec; empty for the source's.
    """

    name: str
    codec: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One publisher of readings.

    Parameters
    ----------
    name : str
        Stored with each reading. Of native topics the topic's own source is.
    filter : str
        MQTT topic filter, `+` and `#` as in MQTT.
    format : str
        Name of a module in `sensors.codecs`.
    codec : str
        Name of a module in `sensors.frames`, for devices that have none of their own.
    zone : tzinfo, optional
        Zone of local times without an offset; without one such times are refused.
    devices : mapping of str to Device
        By the name that the source uses, in normal form.
    is_closed : bool
        Whether a device that is not named is refused; else it goes by the source's name for it.
    """

    name: str
    filter: str
    format: str
    codec: str = ""
    zone: tzinfo | None = None
    devices: Mapping[str, Device] = field(default_factory=dict[str, Device])
    is_closed: bool = False


def matches(topic_filter: str, topic: str) -> bool:
    """Tell whether a topic is of a filter (MQTT 5, section 4.7): wildcards never match a first level with `$`."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if levels[0].startswith("$") and not wanted[0].startswith("$"):
        return False
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)
