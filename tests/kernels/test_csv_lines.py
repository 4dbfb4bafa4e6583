"""Lines of a path, against the same lines made of the standard library's parts."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import csv_lines
from tests.kernels.cases import i64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = ["S-1", "", "Ñuñoa 20", '"a,b"']
_LENGTHS_MM = [1_000_000, 3, 0, 123_457]

# Some come often, so that a row is entered when the one before was left.
instants = st.one_of(st.datetimes(timezones=st.just(UTC)), st.sampled_from([_EPOCH, _EPOCH + timedelta(hours=7)]))
rows = st.integers(0, len(_NAMES) - 1).flatmap(
    lambda segment: st.tuples(
        st.just(segment),
        st.tuples(st.integers(0, _LENGTHS_MM[segment]), st.integers(0, _LENGTHS_MM[segment])),
        st.tuples(instants, instants),
        st.integers(0, 3),
    )
)
Row = tuple[int, tuple[int, int], tuple[datetime, datetime], int]


def _bytes(said: str) -> NDArray[np.uint8]:
    return np.frombuffer(said.encode(), np.uint8)


def _time(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _ratio(segment: int, mm: int) -> str:
    return str((Decimal(mm) / max(_LENGTHS_MM[segment], 1)).quantize(Decimal("0.000001"), ROUND_HALF_UP))


def _line(vehicle: str, seq: int, row: Row) -> str:
    segment, mm, span, mark = row
    direction, proven = ("forward", "backward")[mark % 2], ("false", "true")[mark // 2]
    cells = [vehicle, seq, _NAMES[segment], direction, *map(_time, span)]
    cells += [*(_ratio(segment, one) for one in mm), proven]
    return ",".join(map(str, cells)) + "\n"


def _us(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


@given(st.sampled_from(["sw-07", "", "é"]), st.lists(rows, max_size=12))
@example("v", [(0, (0, 1_000_000), (_EPOCH, datetime(2000, 2, 29, tzinfo=UTC)), 3)])
@example("v", [(0, (0, 1), (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)), 1)])
def test_path_lines_when_made_of_parts(vehicle: str, path: list[Row]) -> None:
    sizes = [len(name.encode()) for name in _NAMES]
    lines = csv_lines.path_lines(
        _bytes(vehicle),
        _bytes("".join(_NAMES)),
        (np.concatenate(([0], np.cumsum(sizes))).astype(np.int64), i64(_LENGTHS_MM)),
        (i64([row[0] for row in path]), i64([row[1][0] for row in path]), i64([row[1][1] for row in path])),
        (i64([_us(row[2][0]) for row in path]), i64([_us(row[2][1]) for row in path])),
        (i64([row[3] % 2 for row in path]), i64([row[3] // 2 for row in path])),
    )
    assert "".join(_line(vehicle, seq, row) for seq, row in enumerate(path, 1)) == lines.tobytes().decode()
