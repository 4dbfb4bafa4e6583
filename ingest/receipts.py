"""Receipts: what the worker tells a device after its readings are committed.

A broker's PUBACK says that the broker has a message; what the broker then loses no worker can find. A device that
counts its readings and listens on `poniente/receipt/{device}` learns which of them are committed, and sends the
others again. A receipt itself may be lost: the reading then comes again, is a duplicate, and is confirmed again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from sensors.readings import EventTimeSource
from storage.readings import Batch

ROOT = "poniente/receipt"
# So many runs fill some 4 kB. What does not fit is confirmed when it comes again.
RUNS_MAX = 200


class _Message(msgspec.Struct):
    v: int
    source: str
    kind: str
    sequences: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Numbers of readings that are committed.

    Parameters
    ----------
    source, kind : str
    sequences : list of tuple of int
        Runs of numbers, first and last.
    """

    source: str
    kind: str
    sequences: list[tuple[int, int]]

    def holds(self, sequence: int) -> bool:
        """Whether a number is confirmed."""
        return any(first <= sequence <= last for first, last in self.sequences)


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Message)


def topic(device: str) -> str:
    """Give the topic of a device's receipts."""
    return f"{ROOT}/{device}"


def receipts(batch: Batch, deaf: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Make the receipts for a batch that is committed: topic and payload, one a device and kind.

    Parameters
    ----------
    batch : Batch
    deaf : collection of str
        Sources whose devices listen to nobody: those behind a network or a platform.

    Notes
    -----
    A reading is confirmed whatever became of it (accepted, duplicate, conflict, reduced): sent again it would be the
    same again. One without a number has none to confirm, nor has one without a time: its number is a digest of ours.
    """
    for arrivals in batch.arrivals:
        is_own = arrivals.event_time_source != EventTimeSource.RECEIPT
        counted = np.flatnonzero(is_own & (arrivals.sequence > 0))
        order = counted[np.lexsort((arrivals.sequence[counted], arrivals.device[counted]))]
        device, sequence = arrivals.device[order], arrivals.sequence[order]
        is_first = (np.diff(device, prepend=-1) != 0) | (np.diff(sequence, prepend=-1) > 1)
        starts = np.flatnonzero(is_first)
        lasts = sequence[np.append(starts[1:], len(sequence)) - 1] if len(sequence) else sequence
        for device_of, sequences in _by_device(device[starts], (sequence[starts], lasts)).items():
            source, name = batch.devices[device_of]
            if source not in deaf:
                yield topic(name), _encode(_Message(1, source, arrivals.kind.name, sequences[:RUNS_MAX]))


def _by_device(
    device: NDArray[np.int64], runs: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> dict[int, list[tuple[int, int]]]:
    several: dict[int, list[tuple[int, int]]] = {}
    for place, first, last in zip(device.tolist(), *(part.tolist() for part in runs), strict=True):
        several.setdefault(place, []).append((first, last))
    return several


def parse(payload: bytes) -> Receipt | None:
    """Read a receipt; None where it is none."""
    try:
        said = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Receipt(said.source, said.kind, said.sequences) if said.v == 1 else None
