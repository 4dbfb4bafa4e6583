"""What a virtual field publishes, as the rules see it once stored: no server between."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from ingest.accept import NATIVE, accept
from sensors.columns import Columns
from sensors.fleet import Message
from sensors.readings import Kind, Reading, content_digest
from sensors.registry import kinds


def stored(messages: Iterable[Message]) -> dict[tuple[str, str, str], Columns]:
    """Decode messages and lay what is distinct into columns, by kind, source and device."""
    said: defaultdict[tuple[str, str, str], set[Reading]] = defaultdict(set)
    for message in messages:
        for reading in accept(NATIVE, message.topic, message.payload).readings:
            said[reading.kind.name, reading.source, reading.device].add(reading)
    return {key: columns_of(kinds()[key[0]], readings) for key, readings in said.items()}


def columns_of(kind: Kind, readings: Iterable[Reading]) -> Columns:
    """Lay readings of one device into columns, sorted by their full key, each content once."""
    rows = sorted({_key(one): one for one in readings}.items())
    digests, kept = [key[2] for key, _ in rows], [one for _, one in rows]

    def column(values: Iterable[Any], dtype: Any) -> Any:
        return np.array([*values], dtype)

    return Columns(
        kind,
        np.ones(len(kept), np.int64),
        column((one.event_time_us for one in kept), np.int64),
        column((one.sequence for one in kept), np.int64),
        column((one.clock for one in kept), np.int16),
        {
            quantity.name: column((one.values[place] for one in kept), np.int32)
            for place, quantity in enumerate(kind.quantities)
        },
        {word.name: column((one.words[place] for one in kept), np.str_) for place, word in enumerate(kind.words)},
        np.frombuffer(b"".join(digests), "V16"),
    )


def _key(one: Reading) -> tuple[int, int, bytes]:
    return one.event_time_us, one.sequence, content_digest(one.values, one.clock, one.words)
