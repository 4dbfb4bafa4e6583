"""MQTT topics: the only place that knows the slashes.

A reading's topic is `poniente/v1/{source}/{device}/{kind}`. A source and a device belong to no contract: dated
installations say where a device hangs.
"""

import re
from dataclasses import dataclass

from sensors.errors import TopicError

ROOT = "poniente/v1"
# 64 bytes hold a DevEUI, an IMEI, a UUID and a vendor's name before them; more is a mistake or an attack.
_PART = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class ReadingTopic:
    """Who says what kind of thing."""

    source: str
    device: str
    kind: str


def is_part(name: str) -> bool:
    """Tell whether a name can be a source, a device or a kind: 1 to 64 of a-z 0-9 . _ -, in normal form."""
    # Lower case of other scripts would make one device's name of another's (the Kelvin sign is a k).
    return name.isascii() and bool(_PART.fullmatch(name))


def normal_device(device: str) -> str:
    """Bring a device's name into its one normal form: lower case, no blanks around it."""
    return device.strip().lower()


def build(topic: ReadingTopic) -> str:
    """Build the topic that a device publishes on.

    Raises
    ------
    TopicError
        When a part is not 1 to 64 characters of a-z, 0-9, dot, dash and underscore.
    """
    for part in (topic.source, topic.device, topic.kind):
        if not is_part(part):
            raise TopicError(f"topic part {part!r} is not 1 to 64 of a-z 0-9 . _ -, beginning with a-z 0-9")
    return f"{ROOT}/{topic.source}/{topic.device}/{topic.kind}"


def parse(topic: str) -> ReadingTopic | None:
    """Parse a topic; `None` where it is none of ours."""
    root, version, *rest = topic.split("/") if topic.count("/") == ROOT.count("/") + 3 else ("", "")
    # Lower case and blanks of other scripts would make one device's name of another's (the Kelvin sign is a k).
    if f"{root}/{version}" != ROOT or not topic.isascii():
        return None
    source, device, kind = rest
    parsed = ReadingTopic(source, normal_device(device), kind)
    parts = (parsed.source, parsed.device, parsed.kind)
    return parsed if all(_PART.fullmatch(part) for part in parts) else None


def subscription() -> str:
    """Filter that matches the topic of every reading."""
    return f"{ROOT}/+/+/+"
