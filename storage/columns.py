"""Binary COPY to and from NumPy arrays, for rows of fixed width.

PostgreSQL's binary COPY is a header, per row a field count and per field a length and big-endian bytes, and a
trailer (PostgreSQL documentation, COPY, "Binary Format"). A NULL is a length of -1 without bytes. So a structured
array *is* the format: a column that is NULL throughout has no bytes in its layout, and where only some rows are NULL
their bytes are cut out of the array. On the way in `NOT_SAID` and `NO_TIME_US` become NULL; on the way out the
queries turn NULL into these, so that every row has one width.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


# A server sends a row a block. Each column is taken from all rows read together: these must stay in the cache.
_DECODED_BYTES = 192 * 1024
_NULL = {"integer": NOT_SAID, "timestamptz": NO_TIME_US}


def _layout(types: Sequence[str], widths: Sequence[int]) -> np.dtype[np.void]:
    """Lay out a row; a width of nought or less has no bytes."""
    fields: list[tuple[str, str]] = [("field_count", ">i2")]
    for place, (kind, width) in enumerate(zip(types, widths, strict=True)):
        fields.append((f"length_{place}", ">i4"))
        if width > 0:
            fields.append((f"value_{place}", f"S{width}" if kind == "text" else _WIRE[kind][0]))
    return np.dtype(fields)


@dataclass(frozen=True, slots=True)
class Laid:
    """Rows of a COPY stream, not yet in their order.

    Parameters
    ----------
    rows : ndarray of void
        Shape (n,).
    said : ndarray of bool, optional
        Which bytes of each row are sent, where some rows have a NULL that others have not. Shape (n, bytes).
    """

    rows: NDArray[np.void]
    said: NDArray[np.bool_] | None

    def block(self, order: NDArray[np.intp], told: Mapping[int, NDArray[np.int64]]) -> bytes:
        """Give rows in an order, told the values of some bigint columns: by place, in that order."""
        rows = self.rows[order]
        for place, values in told.items():
            rows[f"value_{place}"] = values
        return rows.tobytes() if self.said is None else _bytes(rows)[self.said[order]].tobytes()


def encode(types: Sequence[str], columns: Sequence[Sequence[Any] | NDArray[Any] | bytes]) -> bytes:
    """Build the whole COPY stream of what `lay` lays out."""
    return stream([rows_of(types, columns)])


def stream(blocks: Iterable[bytes]) -> bytes:
    """Put rows between header and trailer."""
    return b"".join((_SIGNATURE, *blocks, _TRAILER))


def rows_of(types: Sequence[str], columns: Sequence[Sequence[Any] | NDArray[Any] | bytes]) -> bytes:
    """Build rows of a COPY stream; as `lay`."""
    laid = lay(types, columns)
    return laid.rows.tobytes() if laid.said is None else _bytes(laid.rows)[laid.said].tobytes()


def lay(types: Sequence[str], columns: Sequence[Sequence[Any] | NDArray[Any] | bytes]) -> Laid:
    """Lay out rows of a COPY stream.

    Parameters
    ----------
    types : sequence of str
        PostgreSQL types: smallint, integer, bigint, timestamptz, uuid, text.
    columns : sequence of sequence
        One per type, all of one length. Instants in microseconds since 1970, uuids as 16 bytes; a text is the same
        in all rows, and given once, as bytes without a zero. `NOT_SAID` in an integer and `NO_TIME_US` in an instant
        become NULL.
    """
    arrays: list[NDArray[Any] | bytes] = [
        column if isinstance(column, bytes) else np.asarray(column, _MEMORY[kind])
        for kind, column in zip(types, columns, strict=True)
    ]
    nulls = [
        array == _NULL[kind] if kind in _NULL and not isinstance(array, bytes) else None
        for kind, array in zip(types, arrays, strict=True)
    ]
    widths = [
        len(array) if isinstance(array, bytes) else -1 if null is not None and bool(null.all()) else _WIRE[kind][1]
        for kind, array, null in zip(types, arrays, nulls, strict=True)
    ]
    count = max(len(array) for array in arrays if not isinstance(array, bytes))
    rows = np.empty(count, _layout(types, widths))
    rows["field_count"] = len(types)
    somewhere: list[tuple[int, NDArray[np.bool_]]] = []
    for place, (kind, array, null) in enumerate(zip(types, arrays, nulls, strict=True)):
        rows[f"length_{place}"] = widths[place]
        if widths[place] > 0:
            is_instant = kind == "timestamptz" and not isinstance(array, bytes)
            rows[f"value_{place}"] = np.subtract(array, PG_EPOCH_US) if is_instant else array
            if null is not None and null.any():
                rows[f"length_{place}"][null] = -1
                somewhere.append((place, null))
    return Laid(rows, _said(rows, somewhere))


def _said(rows: NDArray[np.void], somewhere: Sequence[tuple[int, NDArray[np.bool_]]]) -> NDArray[np.bool_] | None:
    """Say which bytes are sent, without the values of NULL fields; None where all are."""
    if not somewhere:
        return None
    fields: dict[str, tuple[Any, ...]] = {str(name): field for name, field in (rows.dtype.fields or {}).items()}
    said = np.ones((len(rows), rows.dtype.itemsize), np.bool_)
    for place, null in somewhere:
        field, first = fields[f"value_{place}"][:2]
        said[null, first : first + field.itemsize] = False
    return said


def _bytes(rows: NDArray[np.void]) -> NDArray[np.uint8]:
    return rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)


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
    layout = _layout(types, [_WIRE[kind][1] for kind in types])
    pieces = [_decoded(types, np.frombuffer(rows, layout)) for rows in _whole_rows(blocks, layout.itemsize) if rows]
    columns: list[NDArray[Any]] = []
    for place, kind in enumerate(types):
        columns.append(np.concatenate([np.empty(0, _MEMORY[kind]), *(piece[place] for piece in pieces)]))
    return columns


def _whole_rows(blocks: Iterable[Buffer], size: int) -> Iterator[bytes]:
    """Cut a COPY stream, without header and trailer, into runs of whole rows that fit the processor's cache.

    A block is added to the others at once. Kept in a list they would wake the search for garbage every few hundred
    rows, and in a process with kernels that takes as long as all the rest.
    """
    waiting, skip = bytearray(), len(_SIGNATURE)
    for block in blocks:
        waiting += block
        if len(waiting) >= _DECODED_BYTES:
            end = _end(waiting, skip, size)
            yield bytes(waiting[skip:end])
            del waiting[:end]
            skip = 0
    yield bytes(waiting[skip : _end(waiting, skip, size)])


def _end(waiting: bytearray, skip: int, size: int) -> int:
    """Where whole rows end; what may be the trailer stays behind."""
    return skip + max(len(waiting) - skip - len(_TRAILER), 0) // size * size


def _decoded(types: Sequence[str], rows: NDArray[np.void]) -> list[NDArray[Any]]:
    """Read rows into one array a column."""
    columns: list[NDArray[Any]] = []
    for place, kind in enumerate(types):
        values: NDArray[Any] = rows[f"value_{place}"].astype(_MEMORY[kind])
        if kind == "timestamptz":
            values = np.where(values == NO_TIME_US, NO_TIME_US, values + PG_EPOCH_US)
        columns.append(values)
    return columns
