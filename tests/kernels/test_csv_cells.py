"""Cells, numbers and instants of CSV text, against the standard library's."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import csv_cells
from kernels.csv_cells import EMPTY, MALFORMED, NO_OFFSET, READ
from tests.kernels.cases import i64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

cell = st.text(alphabet='ab 1.,"é\t', max_size=6).map(lambda text: text.strip(" \t"))
tables = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), max_size=6))


def _text(said: str) -> NDArray[np.uint8]:
    return np.frombuffer(said.encode(), np.uint8)


def _column(*cells: str) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Lay cells one after the other."""
    sizes = [len(one.encode()) for one in cells]
    stop = np.cumsum(sizes, dtype=np.int64)
    return _text("".join(cells)), stop - i64(sizes), stop


def _rows(said: str, width: int) -> list[list[str]]:
    text = _text(said)
    (start, stop), (line, fault) = csv_cells.cells(text, 0, text.size, width)
    assert [] == fault.tolist()
    bounds = (one.reshape(width, -1).T[: line.size].tolist() for one in (start, stop))
    return [
        [text[a:b].tobytes().decode().replace('""', '"') for a, b in zip(*row, strict=True)]
        for row in zip(*bounds, strict=True)
    ]


@given(tables, st.sampled_from(["\n", "\r\n"]))
def test_cells_when_written_by_the_library(table: list[list[str]], end: str) -> None:
    out = io.StringIO()
    # A row of one empty cell is written as two quotes, and so is not a blank line.
    csv.writer(out, lineterminator=end).writerows(table)
    assert table == _rows(out.getvalue(), len(table[0]) if table else 1)


def test_cells_when_blanks_and_blank_lines_stand_between() -> None:
    assert [["a", "b c"], ["", "d "], ["e", ""]] == _rows('\n a ,\tb c \r\n\r\n,"d " \ne,', 2)


def test_cells_when_empty() -> None:
    assert [] == _rows("", 3)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("a,b\nc\n", [1, csv_cells.FAULT_COUNT]),
        ("a,b\n\nc,d,e", [2, csv_cells.FAULT_COUNT]),
        ('a,b\nc,"d\ne,f"', [1, csv_cells.FAULT_QUOTE]),
        ('a,b"c', [0, csv_cells.FAULT_QUOTE]),
        ('a,"b" c', [0, csv_cells.FAULT_QUOTE]),
    ],
)
def test_cells_when_a_line_is_wrong(said: str, fault: list[int]) -> None:
    text = _text(said)
    assert fault == csv_cells.cells(text, 0, text.size, 2)[1][1].tolist()


def test_lines_when_some_are_blank() -> None:
    text = _text("a\n\n\nb\nc")
    assert [0, 3, 4] == csv_cells.cells(text, 0, text.size, 1)[1][0].tolist()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9), st.integers(0, 9))
@example(Decimal("0.00000005"), 7)
@example(Decimal("0.00000015"), 7)
@example(Decimal("1.5E-30"), 7)
@example(Decimal("0.000000050000000000000000000000001"), 7)
@example(Decimal("-70.64654425"), 7)
def test_decimals_when_written_by_the_library(number: Decimal, places: int) -> None:
    expected = int(number.scaleb(places).to_integral_value(ROUND_HALF_EVEN))
    for said in (str(number), f"{number:e}", f"{number:f}" if abs(number.as_tuple().exponent) < 40 else str(number)):  # type: ignore[arg-type]
        value, outcome = csv_cells.decimals(*_column(said), places)
        assert ([expected], [READ]) == (value.tolist(), outcome.tolist())


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-180, max_value=180))
def test_decimals_when_written_as_floats(number: float) -> None:
    expected = int(Decimal(repr(number)).scaleb(7).to_integral_value(ROUND_HALF_EVEN))
    assert [expected] == csv_cells.decimals(*_column(repr(number)), 7)[0].tolist()


def test_decimals_when_of_all_forms() -> None:
    cells = ["+3", ".5", "5.", "-0", "007", "1e3", "1E+03", "2e-1", "", "1e400", "-1e400", "0e999999999999"]
    value, outcome = csv_cells.decimals(*_column(*cells), 1)
    huge = csv_cells.HUGE
    assert [30, 5, 50, 0, 70, 10_000, 10_000, 2, 0, huge, -huge, 0] == value.tolist()
    assert [READ] * 8 + [EMPTY] + [READ] * 3 == outcome.tolist()


@pytest.mark.parametrize(
    "said", ["NaN", "inf", "-", ".", "e5", "1e", "1e+", "1.2.3", "1,5", "0x1", "1 2", "--1", "é"]
)
def test_decimals_when_none(said: str) -> None:
    assert [MALFORMED] == csv_cells.decimals(*_column(said), 3)[1].tolist()


offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timedelta(minutes=minutes))


@given(st.datetimes(), offsets, st.sampled_from("Tt "))
@example(datetime(2000, 2, 29, 23, 59, 59, 999_999), timedelta(0), "T")  # noqa: DTZ001  # the offset comes apart
@example(datetime(1, 1, 1), timedelta(hours=23), "T")  # noqa: DTZ001
def test_instants_when_written_by_the_library(local: datetime, offset: timedelta, between: str) -> None:
    east_min = offset // timedelta(minutes=1)
    sign, minutes = "-" if east_min < 0 else "+", abs(east_min)
    expected = (local.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND - east_min * 60_000_000
    said = local.isoformat(between)
    ends = [f"{sign}{minutes // 60:02}:{minutes % 60:02}", f"{sign}{minutes // 60:02}{minutes % 60:02}"]
    t_us, outcome = csv_cells.instants(*_column(*(said + end for end in ends)))
    assert ([expected] * 2, [READ] * 2) == (t_us.tolist(), outcome.tolist())


def test_instants_when_fractions_are_short_or_long() -> None:
    cells = [f"1970-01-01T00:00:00{part}Z" for part in (".5", ",25", ".000001", ".0000019999", "")]
    assert [500_000, 250_000, 1, 1, 0] == csv_cells.instants(*_column(*cells))[0].tolist()


def test_instants_when_offsets_are_hours_or_letters() -> None:
    cells = [f"1970-01-01T03:00:00{end}" for end in ("+03", "-04:00", "z")]
    assert [0, 7 * 3_600_000_000, 3 * 3_600_000_000] == csv_cells.instants(*_column(*cells))[0].tolist()


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("", EMPTY),
        ("2026-09-01T10:00:00", NO_OFFSET),
        ("2026-09-01T10:00:00.5", NO_OFFSET),
        ("2026-02-29T10:00:00Z", MALFORMED),
        ("1900-02-29T10:00:00Z", MALFORMED),
        ("2026-04-31T10:00:00Z", MALFORMED),
        ("2026-00-01T10:00:00Z", MALFORMED),
        ("2026-09-01T24:00:00Z", MALFORMED),
        ("2026-09-01T10:60:00Z", MALFORMED),
        ("2026-06-30T23:59:60Z", MALFORMED),
        ("2026-09-01T10:00:00.Z", MALFORMED),
        ("2026-09-01T10:00:00Zz", MALFORMED),
        ("2026-09-01T10:00:00+3", MALFORMED),
        ("2026-09-01T10:00:00+03:", MALFORMED),
        ("2026-09-01T10:00:00+03:60", MALFORMED),
        ("2026-09-01T10:00:00+24:00", MALFORMED),
        ("2026-09-01", MALFORMED),
        ("01/09/2026 10:00:00Z", MALFORMED),
        ("1788256800", MALFORMED),
    ],
)
def test_instants_when_none(said: str, outcome: int) -> None:
    assert [outcome] == csv_cells.instants(*_column(said))[1].tolist()


@given(st.lists(st.text(alphabet="abé", max_size=3), max_size=60))
def test_codes_when_texts_repeat(texts: list[str]) -> None:
    code, first = csv_cells.codes(*_column(*texts))
    expected = list(dict.fromkeys(texts))
    assert expected == [texts[row] for row in first]
    assert texts == [expected[one] for one in code]
