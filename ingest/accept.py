"""From topic and bytes to readings or rejections, by the source that the topic belongs to; pure."""

from collections.abc import Sequence

from sensors.framing import formats
from sensors.making import refused
from sensors.readings import Decoded, Reason
from sensors.sources import Source, matches
from sensors.topics import parse, subscription

# 500 readings of 100 bytes with their envelope; a ChirpStack uplink heard by 30 gateways has some 12 kB. A message
# beyond it is a mistake or an attack, and what it costs is bounded before it is parsed.
PAYLOAD_BYTES_MAX = 65_536
NATIVE = Source("", subscription(), "native")


def source_of(sources: Sequence[Source], topic: str) -> Source | None:
    """Find the first source whose filter a topic is of; native topics need no declaration."""
    for source in (*sources, NATIVE):
        if matches(source.filter, topic):
            return source
    return None


def accept(source: Source | None, topic: str, payload: bytes) -> Decoded:
    """Decode one message, whoever sent it and whatever it is.

    Parameters
    ----------
    source : Source, optional
        What `source_of` gave for the topic.
    topic : str
    payload : bytes
        Not looked at beyond `PAYLOAD_BYTES_MAX`.

    Returns
    -------
    Decoded
        Never empty-handed: what cannot be read is a rejection with its reason.
    """
    if source is None:
        return refused(Reason.TOPIC_UNKNOWN, "topic is not poniente/v1/{source}/{device}/{kind} nor of a source")
    if len(payload) > PAYLOAD_BYTES_MAX:
        detail = f"payload of {len(payload)} bytes exceeds {PAYLOAD_BYTES_MAX}"
        named = parse(topic)
        return refused(Reason.PAYLOAD_TOO_LARGE, detail, (named.source, named.device) if named else (source.name, ""))
    return formats()[source.format](source, topic, payload)
