"""Binary COPY to and from NumPy arrays, for rows of fixed width.

PostgreSQL's binary COPY is a header, per row a field count and per field a length and big-endian bytes, and a
trailer (PostgreSQL documentation, COPY, "Binary Format"). A NULL is a length of -1 without bytes. So a structured
array *is* the format: a column that is NULL throughout has no bytes in its layout, and where only some rows are NULL
their bytes are cut out of the array. On the way in `NOT_SAID` and `NO_TIME_US` become NULL; on the way out the
queries turn NULL into these, so that every row has one width.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from sensors.readings import NO_TIME_US, NOT_SAID

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


_NULL = {"integer": NOT_SAID, "timestamptz": NO_TIME_US}


def _layout(types: Sequence[str], nowhere: Sequence[bool]) -> np.dtype[np.void]:
    """Lay out a row; `nowhere` says which columns have no value at all."""
    fields: list[tuple[str, str]] = [("field_count", ">i2")]
    for place, (kind, is_null) in enumerate(zip(types, nowhere, strict=True)):
        fields.append((f"length_{place}", ">i4"))
        if not is_null:
            fields.append((f"value_{place}", _WIRE[kind][0]))
    return np.dtype(fields)


def encode(types: Sequence[str], columns: Sequence[Sequence[Any] | NDArray[Any]]) -> bytes:
    """Build the whole COPY stream.

    Parameters
    ----------
    types : sequence of str
        PostgreSQL types: smallint, integer, bigint, timestamptz, uuid.
    columns : sequence of sequence
        One per type, all of one length. Instants in microseconds since 1970, uuids as 16 bytes. `NOT_SAID` in an
        integer and `NO_TIME_US` in an instant become NULL.

    Returns
    -------
    bytes
    """
    arrays: list[NDArray[Any]] = [
        np.asarray(column, _MEMORY[kind]) for kind, column in zip(types, columns, strict=True)
    ]
    nulls = [array == _NULL[kind] if kind in _NULL else None for kind, array in zip(types, arrays, strict=True)]
    nowhere = [null is not None and bool(null.all()) for null in nulls]
    layout = _layout(types, nowhere)
    rows = np.empty(len(arrays[0]), layout)
    rows["field_count"] = len(types)
    somewhere: list[tuple[int, NDArray[np.bool_]]] = []
    for place, (kind, array, null) in enumerate(zip(types, arrays, nulls, strict=True)):
        if nowhere[place]:
            rows[f"length_{place}"] = -1
            continue
        rows[f"length_{place}"] = _WIRE[kind][1]
        rows[f"value_{place}"] = array - PG_EPOCH_US if kind == "timestamptz" else array
        if null is not None and null.any():
            rows[f"length_{place}"][null] = -1
            somewhere.append((place, null))
    return _SIGNATURE + _cut(rows, somewhere) + _TRAILER


def _cut(rows: NDArray[np.void], somewhere: Sequence[tuple[int, NDArray[np.bool_]]]) -> bytes:
    """Cut the values of NULL fields out of rows."""
    if not somewhere:
        return rows.tobytes()
    fields: dict[str, tuple[Any, ...]] = {str(name): field for name, field in (rows.dtype.fields or {}).items()}
    said = np.ones((len(rows), rows.dtype.itemsize), np.bool_)
    for place, null in somewhere:
        field, first = fields[f"value_{place}"][:2]
        said[null, first : first + field.itemsize] = False
    return rows.view(np.uint8).reshape(said.shape)[said].tobytes()


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
    rows = np.frombuffer(stream[len(_SIGNATURE) : -len(_TRAILER)], _layout(types, [False] * len(types)))
    columns: list[NDArray[Any]] = []
    for place, kind in enumerate(types):
        values: NDArray[Any] = rows[f"value_{place}"].astype(_MEMORY[kind])
        if kind == "timestamptz":
            values = np.where(values == NO_TIME_US, NO_TIME_US, values + PG_EPOCH_US)
        columns.append(np.ascontiguousarray(values))
    return columns
