"""Files in, files out: a network and position fixes → the path of each vehicle, and what of each street was driven.

Vehicles are matched one by one, on several threads if asked, and written in the order of their names: the same input
gives the same bytes, however the rows of a file lie and however many threads there are.
"""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from app.errors import UsageError
from app.jobs.driven import Path as Driven
from app.jobs.driven import Pieces, joined, path_of, pieces_of, united_mm
from app.jobs.fix_file import FixFile, Rows, read_fixes
from kernels import csv_lines
from rules.errors import TermsError
from rules.matched import match
from rules.places import Network, read_network
from rules.traversals import Fixes

if TYPE_CHECKING:
    from rules.records import Finding

Ints = NDArray[np.int64]

PATH_COLUMNS: Final = (
    "vehicle_id",
    "seq",
    "segment_id",
    "direction",
    "t_enter",
    "t_leave",
    "from_ratio",
    "to_ratio",
    "proven",
)
SEGMENT_COLUMNS: Final = ("segment_id", "length_m", "proven_m", "possible_m", "pass_count")
# Vehicles that wait, matched or not, for each thread: enough that none is idle, few enough for memory.
_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class Segments:
    """What was driven of each segment, in the order of the network.

    Parameters
    ----------
    length_mm, proven_mm, possible_mm, pass_count : ndarray of int64
        Shape (s,). [mm, mm, mm, count]
    """

    length_mm: Ints
    proven_mm: Ints
    possible_mm: Ints
    pass_count: Ints


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Parameters
    ----------
    segments : Segments
    vehicles, fixes, unmatched, gaps : int
        Unmatched are fixes that lie on no street; gaps are pairs of neighbouring fixes further apart than allowed.
        [count]
    """

    segments: Segments
    vehicles: int
    fixes: int
    unmatched: int
    gaps: int


@dataclass(frozen=True, slots=True)
class _Vehicle:
    """What one vehicle drove, and the lines that tell it."""

    lines: bytes
    pieces: Pieces
    passes: Ints
    fixes: int
    unmatched: int
    gaps: int


def network_of_file(file: Path) -> Network:
    """Read a network.

    Raises
    ------
    UsageError
        When the file cannot be read.
    TermsError
        When something is wrong in it.
    """
    findings: list[Finding] = []
    try:
        network = read_network(file.read_text(encoding="utf-8-sig"), findings)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} cannot be read: it is not UTF-8") from error
    if network is None:
        raise TermsError(tuple(replace(finding, file=file.name) for finding in findings))
    return network


def fixes_of_file(file: Path, accuracy_m: float) -> FixFile:
    """Read fixes; those that do not say their accuracy have this one [m]."""
    return read_fixes(file, round(accuracy_m * 1_000))


def whereabouts(network: Network, rows: Rows) -> str:
    """Say where streets and fixes lie, in whole hundredths of a degree of longitude and latitude."""
    west, south, east, north = network.bounds_e7
    lon, lat = (int(np.median(column)) for column in (rows.lon_e7, rows.lat_e7))
    streets = f"{(west + east) / 2e7:.2f}, {(south + north) / 2e7:.2f}"
    return f"the streets lie around {streets}, the fixes around {lon / 1e7:.2f}, {lat / 1e7:.2f}"


def match_all(network: Network, rows: Rows, max_gap_us: int, threads: int, path: IO[bytes] | None) -> Summary:
    """Match all vehicles, and write their paths.

    Parameters
    ----------
    network : Network
    rows : Rows
    max_gap_us : int
        The longest interval over which two fixes vouch for the way between them. [us]
    threads : int
        Vehicles at once. [count]
    path : file, optional
        Where the paths go.
    """
    if path:
        path.write((",".join(PATH_COLUMNS) + "\n").encode())
    names = _Names(network) if path else None
    pieces: list[Pieces] = []
    passes = [np.empty(0, np.int64)]
    vehicles = fixes = unmatched = gaps = 0
    for one in _matched(network, rows, max_gap_us, threads, names):
        if path:
            path.write(one.lines)
        pieces.append(one.pieces)
        passes.append(one.passes)
        vehicles, fixes = vehicles + 1, fixes + one.fixes
        unmatched, gaps = unmatched + one.unmatched, gaps + one.gaps
    counts = np.bincount(np.concatenate(passes), minlength=network.length_mm.size).astype(np.int64)
    return Summary(_segments(network, joined(pieces), counts), vehicles, fixes, unmatched, gaps)


def segment_lines(network: Network, segments: Segments) -> str:
    """Write what was driven of each segment as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(SEGMENT_COLUMNS)
    writer.writerows(row.values() for row in segment_rows(network, segments))
    return out.getvalue()


def segment_rows(network: Network, segments: Segments) -> Iterator[dict[str, str | int]]:
    """Give what was driven of each segment, lengths in metres to the millimetre."""
    columns = (segments.length_mm, segments.proven_mm, segments.possible_mm, segments.pass_count)
    for name, *numbers, count in zip(network.segment_ids, *(column.tolist() for column in columns), strict=True):
        metres = (f"{number // 1_000}.{number % 1_000:03}" for number in numbers)
        yield dict(zip(SEGMENT_COLUMNS, (name, *metres, count), strict=True))


class _Names:
    """The names of segments, one after the other, as they stand in a file."""

    def __init__(self, network: Network) -> None:
        names = [_cell(name) for name in network.segment_ids]
        self.text = np.frombuffer(b"".join(names), np.uint8)
        self.start = np.concatenate(([0], np.cumsum([len(name) for name in names], dtype=np.int64)))
        self.length_mm = network.length_mm


def _cell(text: str) -> bytes:
    """Write a text as a cell of a CSV file."""
    if any(mark in text for mark in ',"\r\n') or text != text.strip():
        return ('"' + text.replace('"', '""') + '"').encode()
    return text.encode()


def _matched(network: Network, rows: Rows, max_gap_us: int, threads: int, names: _Names | None) -> Iterator[_Vehicle]:
    """Match vehicle by vehicle, in their order."""
    first = np.flatnonzero(np.diff(rows.vehicle, prepend=-1))
    bounds = np.append(first, rows.vehicle.size).tolist()
    spans = [slice(*span) for span in pairwise(bounds)]

    def one(span: slice) -> _Vehicle:
        return _vehicle(network, rows.take(span), max_gap_us, names)

    if threads == 1:
        yield from map(one, spans)
        return
    with ThreadPoolExecutor(threads) as pool:
        for at in range(0, len(spans), threads * _AHEAD):
            yield from pool.map(one, spans[at : at + threads * _AHEAD])


def _vehicle(network: Network, rows: Rows, max_gap_us: int, names: _Names | None) -> _Vehicle:
    """Match one vehicle."""
    fixes = Fixes(rows.t_us, rows.lon_e7, rows.lat_e7, rows.accuracy_mm, rows.speed_mmps, rows.course_cdeg)
    matched = match(network, fixes, max_gap_us)
    pieces, passes = pieces_of(matched, rows.t_us, rows.working)
    lines = _lines(names, rows.vehicle_ids[int(rows.vehicle[0])], path_of(matched)) if names else b""
    return _Vehicle(
        lines=lines,
        pieces=pieces,
        passes=passes,
        fixes=rows.t_us.size,
        unmatched=int((matched.fix_segment < 0).sum()),
        gaps=int((np.diff(rows.t_us) > max_gap_us).sum()),
    )


def _lines(names: _Names, vehicle_id: str, path: Driven) -> bytes:
    """Write the path of a vehicle."""
    vehicle = np.frombuffer(_cell(vehicle_id), np.uint8)
    place, times_us = (path.segment, path.from_mm, path.to_mm), (path.enter_us, path.leave_us)
    segments, flags = (names.start, names.length_mm), (path.is_against, path.is_proven)
    return csv_lines.path_lines(vehicle, names.text, segments, place, times_us, flags).tobytes()


def _segments(network: Network, pieces: Pieces, passes: Ints) -> Segments:
    """Unite what all vehicles drove."""
    count = network.length_mm.size
    proven = np.flatnonzero(pieces.is_proven)
    return Segments(
        length_mm=network.length_mm,
        proven_mm=united_mm(pieces.segment[proven], pieces.from_mm[proven], pieces.to_mm[proven], count),
        possible_mm=united_mm(pieces.segment, pieces.from_mm, pieces.to_mm, count),
        pass_count=passes,
    )
