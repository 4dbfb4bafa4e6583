"""What is asked of a peer and what it answers: JSON on standard input and output.

A peer runs in an environment of its own, in which nothing of the product is installed; this file needs the standard
library only. Directed edges are numbered as in the product: 2 s along the line of street s, 2 s + 1 against it.
"""

import json
import math
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

Point = tuple[float, float]
# Directed edge, and from where to where along it. [m]
Piece = tuple[int, float, float]


@dataclass(frozen=True, slots=True)
class Street:
    """A street: the same line as longitude and latitude, and as metres on a plane."""

    line: Sequence[Point]
    plane: Sequence[Point]
    is_oneway: bool

    def measures(self) -> list[float]:
        """How far along the line each vertex is. [m]."""
        found = [0.0]
        for one, other in zip(self.plane, self.plane[1:], strict=False):
            found.append(found[-1] + math.dist(one, other))
        return found

    def measure(self, place: Point) -> float:
        """How far along the line a place on the plane is. [m]."""
        best, found = math.inf, 0.0
        walked = 0.0
        for one, other in zip(self.plane, self.plane[1:], strict=False):
            length = math.dist(one, other)
            share = 0.0
            if length > 0:
                dot = (place[0] - one[0]) * (other[0] - one[0]) + (place[1] - one[1]) * (other[1] - one[1])
                share = min(max(dot / length**2, 0.0), 1.0)
            foot = one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])
            if math.dist(place, foot) < best:
                best, found = math.dist(place, foot), walked + share * length
            walked += length
        return found


@dataclass(frozen=True, slots=True)
class Trace:
    """Fixes of one drive: times, both kinds of coordinates, and the error's standard deviation on each axis."""

    t_s: Sequence[float]
    line: Sequence[Point]
    plane: Sequence[Point]
    sigma_m: float


@dataclass(frozen=True, slots=True)
class Question:
    """Streets, drives, and the matcher's settings."""

    streets: Sequence[Street]
    traces: Sequence[Trace]
    settings: dict[str, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was driven, and the street of each fix, -1 for none."""

    pieces: list[Piece]
    segments: list[int]


def ask(question: Question) -> str:
    """Write a question."""
    return json.dumps(asdict(question))


def read_answers(text: str) -> tuple[list[Answer], float]:
    """Read the answers, and how long matching took. [s]."""
    said = json.loads(text.splitlines()[-1])
    answers = [Answer([(edge, one, two) for edge, one, two in each[0]], each[1]) for each in said["answers"]]
    return answers, said["seconds"]


def serve(prepare: Callable[[Question], Callable[[Trace], Answer]]) -> None:
    """Answer one question; what is prepared beforehand does not count as time."""
    said = json.load(sys.stdin)
    streets = [Street(_points(one["line"]), _points(one["plane"]), one["is_oneway"]) for one in said["streets"]]
    traces = [
        Trace(one["t_s"], _points(one["line"]), _points(one["plane"]), one["sigma_m"]) for one in said["traces"]
    ]
    match = prepare(Question(streets, traces, said["settings"]))
    begun = time.process_time()
    answers = [match(trace) for trace in traces]
    seconds = time.process_time() - begun
    lines = [[one.pieces, one.segments] for one in answers]
    sys.stdout.write("\n" + json.dumps({"answers": lines, "seconds": seconds}) + "\n")


def directed(street: int, length_m: float, from_m: float, to_m: float) -> Piece:
    """Make a piece of a stretch that goes from one place along a line to another."""
    if to_m >= from_m:
        return 2 * street, from_m, to_m
    return 2 * street + 1, length_m - from_m, length_m - to_m


def place_at(plane: Sequence[Point], measures: Sequence[float], at_m: float) -> Point:
    """Find the place so far along a line."""
    at = min(max(bisect_right(measures, at_m) - 1, 0), len(plane) - 2)
    length = measures[at + 1] - measures[at]
    share = (at_m - measures[at]) / length if length else 0.0
    one, other = plane[at], plane[at + 1]
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


def _points(said: Sequence[Sequence[float]]) -> list[Point]:
    return [(one[0], one[1]) for one in said]
