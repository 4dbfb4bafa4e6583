"""Position fixes in a CSV file → columns, vehicle by vehicle in the order of time.

Every cell is read exactly or refused with the number of its line. The order of rows never matters: they are sorted,
fixes of one instant and place are made one, and an instant at which a vehicle is in two places counts as unmeasured.
What the fixes show is left to others.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.errors import RefusedError, UsageError
from kernels import csv_cells

Ints = NDArray[np.int64]

NEEDED: Final = ("vehicle_id", "t", "lon", "lat")
OPTIONAL: Final = ("accuracy_m", "speed_mps", "course_deg", "working")
ON, UNSAID, OFF = 2, 1, 0
"""What a fix says of the work: on, nothing, off."""

# Text in memory at once beside the columns: cells are found in it by 16 bytes each.
_CHUNK_BYTES: Final = 1 << 22
# No header is longer; beyond it lies a file that is none of fixes.
_HEADER_BYTES_MAX: Final = 1 << 16
_LINE_END: Final = ord("\n")
_TURN_CDEG: Final = 36_000
_LATEST_US: Final = 7_258_118_400_000_000  # 2200-01-01
_WORKING: Final = {b"true": ON, b"1": ON, b"false": OFF, b"0": OFF, b"": UNSAID}


@dataclass(frozen=True, slots=True)
class _Number:
    """How a column of numbers is read: places kept, the least and the most in its unit, what is wrong otherwise."""

    places: int
    least: int
    most: int
    says: str

    def bounds(self) -> tuple[int, int]:
        """Give the bounds as they are kept."""
        return self.least * 10**self.places, self.most * 10**self.places


_NUMBERS: Final[Mapping[str, _Number]] = {
    "lon": _Number(7, -180, 180, "degrees east of Greenwich, -180 to 180"),
    "lat": _Number(7, -90, 90, "degrees north of the equator, -90 to 90"),
    "accuracy_m": _Number(3, 0, 1_000_000, "metres, 0 to 1000000, or nothing where it is not known"),
    "speed_mps": _Number(3, 0, 1_000, "metres a second, 0 to 1000, or nothing where it is not known"),
    "course_deg": _Number(2, 0, 360, "degrees, 0 to 360, or nothing where it is not known"),
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Fixes of all vehicles, sorted by vehicle and time; -1 stands for what is not said.

    Parameters
    ----------
    vehicle_ids : tuple of str
        Sorted.
    vehicle, t_us : ndarray of int64
        Which vehicle, and when. Shape (n,). [index, us since 1970, UTC]
    lon_e7, lat_e7, accuracy_mm, speed_mmps, course_cdeg : ndarray of int32
        Shape (n,). [1e-7 degree, mm, mm/s, 1e-2 degree]
    working : ndarray of int8
        `ON`, `UNSAID` or `OFF`; `ON` throughout where the file has no such column. Shape (n,). [code]
    line : ndarray of int64
        Where it stands in the file, from 1 on. Shape (n,). [count]
    """

    vehicle_ids: tuple[str, ...]
    vehicle: Ints
    t_us: Ints
    lon_e7: NDArray[np.int32]
    lat_e7: NDArray[np.int32]
    accuracy_mm: NDArray[np.int32]
    speed_mmps: NDArray[np.int32]
    course_cdeg: NDArray[np.int32]
    working: NDArray[np.int8]
    line: Ints

    def take(self, rows: NDArray[np.bool_] | Ints | slice) -> "Rows":
        """Choose rows."""
        names = ("vehicle", "t_us", "lon_e7", "lat_e7", "accuracy_mm", "speed_mmps", "course_cdeg", "working", "line")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


@dataclass(frozen=True, slots=True)
class FixFile:
    """What a file holds.

    Parameters
    ----------
    rows : Rows
        One fix for each vehicle and instant.
    ignored : tuple of str
        Columns that mean nothing here.
    merged : int
        Rows that repeat the place of another at its instant. [count]
    left_out : tuple of int
        Lines of the rows that contradict another at its instant.
    """

    rows: Rows
    ignored: tuple[str, ...]
    merged: int
    left_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells of some rows: where each begins and ends, column by column, and the line of each row."""

    file: Path
    text: NDArray[np.uint8]
    columns: Mapping[str, int]
    start: Ints
    stop: Ints
    line: Ints

    def of(self, name: str) -> tuple[Ints, Ints]:
        """Give the cells of a column."""
        return self.start[self.columns[name]], self.stop[self.columns[name]]

    def bytes_of(self, name: str, row: int) -> bytes:
        """Give one cell, without quotes."""
        start, stop = self.of(name)
        return self.text[start[row] : stop[row]].tobytes().replace(b'""', b'"')

    def refused(self, name: str, row: int, says: str) -> RefusedError:
        """Say what is wrong with a cell."""
        said = self.bytes_of(name, row).decode(errors="replace")
        return RefusedError(f"{self.file}, line {self.line[row]}: {name} {said!r} {says}")


def read_fixes(file: Path, accuracy_mm: int) -> FixFile:
    """Read a file of fixes.

    Parameters
    ----------
    file : Path
    accuracy_mm : int
        Of fixes that say none, or nought, which is no receiver's accuracy. [mm]

    Raises
    ------
    UsageError
        When the file cannot be read.
    RefusedError
        When a line is not what it should be; the message names it.
    """
    text = _bytes_of(file)
    header, begin = _header(file, text)
    columns = {name: header.index(name) for name in (*NEEDED, *OPTIONAL) if name in header}
    parts: list[dict[str, NDArray[np.generic]]] = []
    vehicles: dict[str, int] = {}
    line = 2
    while begin < text.size:
        end = _chunk_end(text, begin)
        cells = _cells(file, text, (begin, end), (line, len(header)), columns)
        parts.append(_columns(cells, vehicles))
        line += int(np.count_nonzero(text[begin:end] == _LINE_END))
        begin = end
    if not parts:
        raise RefusedError(f"{file} holds no fixes, only a header")
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    del parts
    unsaid = joined["accuracy_m"] <= np.int32(0)
    joined["accuracy_m"][unsaid] = accuracy_mm
    rows, merged, left_out = _one_an_instant(_in_order(joined, vehicles))
    ignored = tuple(name for name in header if name not in columns)
    return FixFile(rows, ignored, merged, left_out)


def _bytes_of(file: Path) -> NDArray[np.uint8]:
    """Give the bytes of a file; of a plain one without reading them yet."""
    try:
        if file.is_file() and file.stat().st_size:
            return np.asarray(np.memmap(file, np.uint8, "r"))
        return np.frombuffer(file.read_bytes(), np.uint8)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _header(file: Path, text: NDArray[np.uint8]) -> tuple[list[str], int]:
    """Read the names of the columns; they end where the rows begin."""
    head = text[:_HEADER_BYTES_MAX].tobytes()
    if not head.strip():
        raise RefusedError(f"{file} is empty; needed is a header with {', '.join(NEEDED)}, then a line for each fix")
    first, end, _ = head.partition(b"\n")
    try:
        header = [cell.strip() for row in csv.reader([first.decode("utf-8-sig").strip()]) for cell in row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RefusedError(f"{file}, line 1 is no header in UTF-8; save the file as CSV in UTF-8") from error
    if len(header) == 1 and ";" in header[0]:
        raise RefusedError(f"{file}, line 1: cells are parted by semicolons; save the file with commas")
    for name in NEEDED:
        if name not in header:
            raise RefusedError(f"{file}, line 1: there is no column {name}; needed are {', '.join(NEEDED)}")
    twice = next((name for name in (*NEEDED, *OPTIONAL) if header.count(name) > 1), None)
    if twice:
        raise RefusedError(f"{file}, line 1: column {twice} stands twice; remove one")
    return header, len(first) + len(end)


def _chunk_end(text: NDArray[np.uint8], begin: int) -> int:
    """Find the end of the last line that begins within the next bytes."""
    end = begin + _CHUNK_BYTES
    while end < text.size:
        found = np.flatnonzero(text[end - 1 : end - 1 + _HEADER_BYTES_MAX] == _LINE_END)
        if found.size:
            return end + int(found[0])
        end += _HEADER_BYTES_MAX
    return text.size


def _cells(
    file: Path,
    text: NDArray[np.uint8],
    stretch: tuple[int, int],
    shape: tuple[int, int],
    columns: Mapping[str, int],
) -> _Cells:
    """Find the cells of a stretch, which begins at a line and has so many columns."""
    first_line, width = shape
    (start, stop), (line, fault) = csv_cells.cells(text, *stretch, width)
    if fault.size:
        at = f"{file}, line {first_line + int(fault[0])}"
        if fault[1] == csv_cells.FAULT_QUOTE:
            raise RefusedError(f'{at}: a quotation mark stands astray; a cell in quotes ends on its line, "" is one')
        raise RefusedError(f"{at} has not the {width} cells of the header; write all, empty where nothing is known")
    starts, stops = (one.reshape(width, -1)[:, : line.size] for one in (start, stop))
    return _Cells(file, text, columns, starts, stops, line + first_line)


def _columns(cells: _Cells, vehicles: dict[str, int]) -> dict[str, NDArray[np.generic]]:
    """Read all columns of some rows; vehicles that are new are numbered."""
    read: dict[str, NDArray[np.generic]] = {name: _numbers(cells, name, number) for name, number in _NUMBERS.items()}
    code, first = csv_cells.codes(cells.text, *cells.of("vehicle_id"))
    known = [vehicles.setdefault(_vehicle_id(cells, int(row)), len(vehicles)) for row in first]
    read["vehicle"] = np.array(known, np.int64)[code]
    read["t"] = _instants(cells)
    read["working"] = _working(cells)
    read["line"] = cells.line
    return read


def _vehicle_id(cells: _Cells, row: int) -> str:
    try:
        name = cells.bytes_of("vehicle_id", row).decode()
    except UnicodeDecodeError:
        raise cells.refused("vehicle_id", row, "is no UTF-8; save the file as CSV in UTF-8") from None
    if not name:
        raise cells.refused("vehicle_id", row, "is empty; say which vehicle it was")
    return name


def _instants(cells: _Cells) -> Ints:
    t_us, outcome = csv_cells.instants(cells.text, *cells.of("t"))
    wrong = np.flatnonzero((outcome != csv_cells.READ) | (t_us < 0) | (t_us >= _LATEST_US))
    if wrong.size:
        row = int(wrong[0])
        match int(outcome[row]):
            case csv_cells.NO_OFFSET:
                says = "does not say its offset; write Z or +hh:mm behind it"
            case csv_cells.READ:
                says = "lies outside the years 1970 to 2199"
            case _:
                says = "is no time; write it as 2026-09-01T23:33:45Z"
        raise cells.refused("t", row, says)
    return t_us


def _numbers(cells: _Cells, name: str, number: _Number) -> NDArray[np.int32]:
    if name not in cells.columns:
        return np.full(cells.line.size, -1, np.int32)
    value, outcome = csv_cells.decimals(cells.text, *cells.of(name), number.places)
    least, most = number.bounds()
    empty = outcome == csv_cells.EMPTY
    wrong = (outcome == csv_cells.MALFORMED) | (value < least) | (value > most)
    if name in NEEDED:
        wrong |= empty
    if wrong.any():
        raise cells.refused(name, int(np.argmax(wrong)), f"is none of {number.says}")
    if name not in NEEDED:
        value[empty] = -1
    return value.astype(np.int32)


def _working(cells: _Cells) -> NDArray[np.int8]:
    if "working" not in cells.columns:
        return np.full(cells.line.size, ON, np.int8)
    code, first = csv_cells.codes(cells.text, *cells.of("working"))
    known: list[int] = []
    for row in first:
        said = cells.bytes_of("working", int(row)).lower()
        if said not in _WORKING:
            raise cells.refused("working", int(row), "is none of true, false, 1, 0 and nothing")
        known.append(_WORKING[said])
    return np.array(known, np.int8)[code]


def _in_order(read: Mapping[str, NDArray[Any]], vehicles: Mapping[str, int]) -> Rows:
    """Sort the rows by vehicle and time."""
    names = sorted(vehicles)
    rank = np.empty(len(names), np.int64)
    rank[[vehicles[name] for name in names]] = np.arange(len(names))
    rows = Rows(
        vehicle_ids=tuple(names),
        vehicle=rank[read["vehicle"]],
        t_us=read["t"],
        lon_e7=read["lon"],
        lat_e7=read["lat"],
        accuracy_mm=read["accuracy_m"],
        speed_mmps=read["speed_mps"],
        course_cdeg=np.where(read["course_deg"] == _TURN_CDEG, np.int32(0), read["course_deg"]),
        working=read["working"],
        line=read["line"],
    )
    step = np.diff(rows.vehicle)
    if np.all((step > 0) | ((step == 0) & (np.diff(rows.t_us) >= 0))):
        return rows
    return rows.take(np.lexsort((rows.t_us, rows.vehicle)))


def _one_an_instant(rows: Rows) -> tuple[Rows, int, tuple[int, ...]]:
    """Leave one fix for each vehicle and instant: rows, how many were merged, and the lines left out."""
    is_same = (np.diff(rows.vehicle, prepend=-1) == 0) & (np.diff(rows.t_us, prepend=-1) == 0)
    if not is_same.any():
        return rows, 0, ()
    first = np.flatnonzero(~is_same)
    sizes = np.diff(first, append=is_same.size)

    def is_one(column: NDArray[Any]) -> NDArray[np.bool_]:
        return np.minimum.reduceat(column, first) == np.maximum.reduceat(column, first)

    is_kept = is_one(rows.lon_e7) & is_one(rows.lat_e7)
    # Of what two rows say of one place the more doubtful counts: the wider error, and nothing where they differ.
    merged = replace(
        rows.take(first),
        accuracy_mm=np.maximum.reduceat(rows.accuracy_mm, first),
        speed_mmps=np.where(is_one(rows.speed_mmps), rows.speed_mmps[first], np.int32(-1)),
        course_cdeg=np.where(is_one(rows.course_cdeg), rows.course_cdeg[first], np.int32(-1)),
        working=np.where(is_one(rows.working), rows.working[first], np.int8(UNSAID)),
    ).take(is_kept)
    left_out = rows.line[np.repeat(~is_kept, sizes)]
    return merged, int((sizes[is_kept] - 1).sum()), tuple(sorted(left_out.tolist()))
