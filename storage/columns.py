"""Binary COPY to and from NumPy arrays, for rows of fixed width.

PostgreSQL's binary COPY is a header, per row a field count and per field a length and big-endian bytes, and a
trailer (PostgreSQL documentation, COPY, "Binary Format"). With no NULL in it every row has the same width, so a
structured array *is* the format. What was not said travels as `NOT_SAID` or `NO_TIME_US`; the queries turn these
into NULL and back.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from sensors.readings import NO_TIME_US

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
# PostgreSQL counts microseconds from 2000-01-01. [us]
PG_EPOCH_US = 946_684_800_000_000

_WIRE = {
    "smallint": (">i2", 2),
    "integer": (">i4", 4),
    "bigint": (">i8", 8),
    "timestamptz": (">i8", 8),
    "uuid": ("V16", 16),
}
_MEMORY = {"smallint": np.int16, "integer": np.int32, "bigint": np.int64, "timestamptz": np.int64, "uuid": "V16"}


def _layout(types: Sequence[str]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("field_count", ">i2")]
    for place, kind in enumerate(types):
        fields += [(f"length_{place}", ">i4"), (f"value_{place}", _WIRE[kind][0])]
    return np.dtype(fields)


def encode(types: Sequence[str], columns: Sequence[Sequence[Any] | NDArray[Any]]) -> bytes:
    """Build the whole COPY stream.

    Parameters
    ----------
    types : sequence of str
        PostgreSQL types: smallint, integer, bigint, timestamptz, uuid.
    columns : sequence of sequence
        One per type, all of one length. Instants in microseconds since 1970, uuids as 16 bytes.

    Returns
    -------
    bytes
    """
    rows = np.empty(len(columns[0]), _layout(types))
    rows["field_count"] = len(types)
    for place, (kind, column) in enumerate(zip(types, columns, strict=True)):
        rows[f"length_{place}"] = _WIRE[kind][1]
        values: NDArray[Any] = np.asarray(column, _MEMORY[kind])
        if kind == "timestamptz":
            values = np.where(values == NO_TIME_US, NO_TIME_US, values - PG_EPOCH_US)
        rows[f"value_{place}"] = values
    return _SIGNATURE + rows.tobytes() + _TRAILER


def decode(types: Sequence[str], blocks: Iterable[Buffer]) -> list[NDArray[Any]]:
    """Read a COPY stream into one array a column.

    Parameters
    ----------
    types : sequence of str
        As in `encode`.
    blocks : iterable of Buffer
        As the server sends them.

    Returns
    -------
    list of ndarray
        Native byte order, contiguous, writeable. Instants in microseconds since 1970.
    """
    stream = b"".join(blocks)
    rows = np.frombuffer(stream[len(_SIGNATURE) : -len(_TRAILER)], _layout(types))
    columns: list[NDArray[Any]] = []
    for place, kind in enumerate(types):
        values: NDArray[Any] = rows[f"value_{place}"].astype(_MEMORY[kind])
        if kind == "timestamptz":
            values = np.where(values == NO_TIME_US, NO_TIME_US, values + PG_EPOCH_US)
        columns.append(np.ascontiguousarray(values))
    return columns
