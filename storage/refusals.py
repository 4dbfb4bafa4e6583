"""What could not be accepted: kept once per distinct message, for people to look into; counted at each arrival.

A payload is evidence, and may be a position that must not be kept: it is stored only where nobody with a collection
mask can have sent it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from sensors.readings import Rejection
from storage.masks import Masks
from storage.sql import query

# A rejected payload is evidence, not cargo: its head tells what went wrong.
REJECTED_PAYLOAD_BYTES = 4_096
# An error's text can repeat a piece of the payload, so it stays out with it.
WITHHELD = "withheld: the sender's positions may not be kept"


@dataclass(frozen=True, slots=True)
class Refused:
    """A message of which something was rejected."""

    topic: str
    payload: bytes
    received_time: datetime
    rejections: tuple[Rejection, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the message could be read."""
        return any(rejection.index < 0 for rejection in self.rejections)


def add(connection: psycopg.Connection, refused: Sequence[Refused], masks: Masks, batch_seq: int) -> None:
    """Keep what was refused inside the batch's transaction."""
    rows = [row for one in refused for row in _rows(one, masks, batch_seq)]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(query("readings", "add_rejection"), rows)


def _rows(one: Refused, masks: Masks, batch_seq: int) -> list[dict[str, Any]]:
    is_withheld = _may_be_masked(one, masks)
    said = f"{one.topic}\n".encode() + one.payload
    # Without the secret, who has a guess at the position could confirm it by the digest.
    digest = masks.digest(said) if is_withheld else hashlib.blake2b(said, digest_size=16).digest()
    return [
        {
            "digest": UUID(bytes=digest),
            "element": rejection.index,
            "reason": rejection.reason,
            "detail": WITHHELD if is_withheld else rejection.detail.replace("\0", "")[:1_000],
            "topic": one.topic.replace("\0", "")[:1_000],
            "payload": b"" if is_withheld else one.payload[:REJECTED_PAYLOAD_BYTES],
            "payload_bytes": len(one.payload),
            "received_time": one.received_time,
            "batch_seq": batch_seq,
        }
        for rejection in one.rejections
    ]


def _may_be_masked(one: Refused, masks: Masks) -> bool:
    """Whether a device with a mask sent it, or may have: nobody else is named."""
    if not masks.areas:
        return False
    names = {(rejection.source, rejection.device) for rejection in one.rejections}
    return any(not device or (source, device) in masks.areas for source, device in names)
