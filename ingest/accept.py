"""From topic and bytes to readings or rejections; pure."""

from sensors.codecs import native
from sensors.readings import Decoded, Reason, Rejection
from sensors.registry import kinds
from sensors.topics import parse


def accept(topic: str, payload: bytes) -> Decoded:
    """Decode one message, whoever sent it and whatever it is.

    Parameters
    ----------
    topic : str
    payload : bytes

    Returns
    -------
    Decoded
        Never empty-handed: what cannot be read is a rejection with its reason.
    """
    parsed = parse(topic)
    if parsed is None:
        return Decoded([], [Rejection(Reason.TOPIC_UNKNOWN, "topic is not poniente/v1/{source}/{device}/{kind}")])
    kind = kinds().get(parsed.kind)
    if kind is None:
        detail = f"kind {parsed.kind!r} is none of {', '.join(kinds())}"
        return Decoded([], [Rejection(Reason.KIND_UNKNOWN, detail, -1, parsed.source, parsed.device)])
    return native.decode(parsed, kind, payload)
