"""Readings of one kind as a Parquet file, and back."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl

from app.errors import BrokenBundleError
from sensors.arrivals import digests
from sensors.columns import Columns
from sensors.readings import NOT_SAID, Kind

# Source and device.
Named = tuple[str, str]
_KEY = ("source", "device", "event_time_us", "sequence", "digest")


def schema(kind: Kind) -> dict[str, pl.DataType]:
    """Columns of a kind's file, and their types."""
    return {
        "source": pl.String(),
        "device": pl.String(),
        "event_time_us": pl.Int64(),
        "sequence": pl.Int64(),
        "clock": pl.Int16(),
        **{one.name: pl.Int32() for one in kind.quantities},
        **{one.name: pl.String() for one in kind.words},
        "digest": pl.Binary(),
    }


def parquet(kind: Kind, several: Mapping[Named, Sequence[Columns]]) -> bytes:
    """Write readings of one kind, sorted by source, device, event time, sequence and digest.

    Parameters
    ----------
    kind : Kind
    several : mapping of (source, device) to sequence of Columns
        Parts in the order of time.
    """
    frames = [_frame(kind, name, part) for name in sorted(several) for part in several[name]]
    whole = pl.concat(frames) if frames else pl.DataFrame(schema=schema(kind))
    written = BytesIO()
    whole.write_parquet(written, compression="zstd")
    return written.getvalue()


def _frame(kind: Kind, name: Named, said: Columns) -> pl.DataFrame:
    count = len(said)
    numbers = {
        one.name: pl.Series(said.numbers[one.name], dtype=pl.Int32).replace(NOT_SAID, None) for one in kind.quantities
    }
    return pl.DataFrame(
        {
            "source": [name[0]] * count,
            "device": [name[1]] * count,
            "event_time_us": said.event_time_us,
            "sequence": said.sequence,
            "clock": said.clock,
            **numbers,
            **{one.name: said.words[one.name].tolist() for one in kind.words},
            "digest": [one.tobytes() for one in said.digest],
        },
        schema=schema(kind),
    )


def read_parquet(name: str, kind: Kind, content: bytes) -> tuple[dict[Named, Columns], list[tuple[int, str, str]]]:
    """Read what `parquet` wrote, and digest again what each reading says.

    Parameters
    ----------
    name : str
        Of the file.
    kind : Kind
    content : bytes

    Returns
    -------
    readings : dict of (source, device) to Columns
        With the digests that follow, not those that stand in the file.
    altered : list of (int, str, str)
        Rows, from 1, whose digest is not that of what they say: the one that stands there, and the one that follows.

    Raises
    ------
    BrokenBundleError
        When the file is not one of this kind in its order.
    """
    try:
        frame = pl.read_parquet(BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BrokenBundleError(f"{name} cannot be read as Parquet: {error}", name) from error
    if dict(frame.schema) != schema(kind):
        raise BrokenBundleError(f"{name} has other columns than {', '.join(schema(kind))}", name)
    keys = frame.select(_KEY)
    if keys.null_count().sum_horizontal().sum() or not keys.equals(keys.unique().sort(_KEY)):
        raise BrokenBundleError(f"{name} is not sorted by {', '.join(_KEY)}, each once", name)
    found = _columns(kind, frame)
    stated = [bytes(one) for one in frame["digest"]]
    altered = [
        (row, one.hex(), other.tobytes().hex())
        for row, (one, other) in enumerate(zip(stated, found.digest, strict=True), 1)
        if one != other.tobytes()
    ]
    named = frame.select("source", "device").with_row_index("row")
    parts = named.group_by("source", "device", maintain_order=True).agg(pl.col("row").min(), pl.len().alias("count"))
    by_device: dict[Named, Columns] = {}
    for number, (source, device, first, count) in enumerate(parts.iter_rows(), 1):
        rows = found.rows(slice(first, first + count))
        by_device[source, device] = Columns(
            kind,
            np.full(len(rows), number, np.int64),
            rows.event_time_us,
            rows.sequence,
            rows.clock,
            rows.numbers,
            rows.words,
            rows.digest,
        )
    return by_device, altered


def _columns(kind: Kind, frame: pl.DataFrame) -> Columns:
    numbers = {one.name: frame[one.name].fill_null(NOT_SAID).to_numpy().astype(np.int32) for one in kind.quantities}
    said: list[list[Any]] = [frame[one.name].fill_null("").to_list() for one in kind.words]
    words = {one.name: np.array(column, np.str_) for one, column in zip(kind.words, said, strict=True)}
    clock = frame["clock"].to_numpy().astype(np.int16)
    values = np.array([*numbers.values()], np.int32).reshape(len(kind.quantities), len(frame))
    follows = digests(values, clock, list(zip(*said, strict=True))) if len(frame) else np.empty(0, "V16")
    whole = frame["event_time_us"].to_numpy().astype(np.int64)
    sequence = frame["sequence"].to_numpy().astype(np.int64)
    return Columns(kind, np.zeros(len(frame), np.int64), whole, sequence, clock, numbers, words, follows)
