"""Every way written out: the odds that streets were driven, by lists and loops, to hold `kernels.odds` against."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from kernels._odds_link import FACTORS
from kernels._ways import turn_mm
from rules.paths import Path
from rules.places import Network

Piece = tuple[int, int, int]
Way = tuple[int, ...]


class Odds:
    """The odds of one path between fixes that are all far from each other."""

    def __init__(self, network: Network, path: Path, numbers: list[int]) -> None:
        self.network, self.path, self.numbers = network, path, numbers
        self.length: list[int] = network.edges[1].tolist()
        self.states = [range(*path.states.start[fix : fix + 2].tolist()) for fix in range(path.chosen.size)]
        self.edge: list[int] = path.states.edge.tolist()
        self.along: list[int] = path.states.along_mm.tolist()
        self.known: dict[tuple[int, int, int], float] = {}

    def masses(self, fix: int) -> dict[Piece, float]:
        """Tell how likely each piece was driven on the way to a fix: over all states of all fixes."""
        found: dict[Piece, float] = defaultdict(float)
        pairs: dict[tuple[int, int], float] = defaultdict(float)
        for chain in product(*self.states):
            likely = 1.0
            for at, state in enumerate(chain):
                likely *= math.exp(-int(self.path.states.cost[state]) / 1e6)
                likely *= self._shortest(at, chain[at - 1], state) if at else 1.0
            pairs[chain[fix - 1], chain[fix]] += likely
        total = sum(pairs.values())
        for (one, other), likely in pairs.items():
            if likely == 0:
                continue
            for piece, share in self._pieces(fix, one, other):
                found[piece] += share * likely / total
        return found

    def above(self, fix: int, least: float) -> dict[Piece, float]:
        """Cut edges where a piece begins or ends, and join what is likelier than that."""
        found: dict[Piece, float] = {}
        masses = self.masses(fix)
        for edge in {piece[0] for piece in masses}:
            own = [(begin, end, mass) for (one, begin, end), mass in masses.items() if one == edge]
            cuts = sorted({cut for begin, end, _ in own for cut in (begin, end)})
            last: Piece | None = None
            for low, high in pairwise(cuts):
                mass = sum(mass for begin, end, mass in own if begin <= low and high <= end)
                if mass < least:
                    last = None
                    continue
                piece = (edge, last[1] if last else low, high)
                found[piece] = min(mass, found.pop(last)) if last else mass
                last = piece
        return found

    def _link(self, fix: int) -> tuple[float, float, float, float]:
        """Give the straight distance, the difference that costs one, the slack, and the time. [mm, mm, mm, ms]."""
        t_us, x_mm, y_mm, accuracy_mm, near_mm = (column[fix - 1 : fix + 1].tolist() for column in self.path.fixes)
        gap_ms = (t_us[1] - t_us[0]) // 1_000
        strange = self.numbers[2] + sum(accuracy_mm) // 2 + gap_ms * self.numbers[3] // 1_000
        return round(math.dist(*zip(x_mm, y_mm, strict=True))), strange, sum(near_mm), gap_ms

    def _likely(self, fix: int, key: float, driven: float) -> float:
        straight, strange, slack, gap_ms = self._link(fix)
        cost = abs(key - straight) / strange
        if self.numbers[6]:
            far = gap_ms * self.numbers[6] // 1_000
            cost += max(driven - far, 0) / (far * self.numbers[7] // 1_000_000 + slack // 4 + 1)
            cost += min(max(far - driven, 0) / (far * self.numbers[8] // 1_000_000 + 1), 2)
        else:
            cost += max(driven - gap_ms * self.numbers[5] // 1_000 - slack, 0) / strange
        return math.exp(-cost) if cost < 60 else 0.0

    def _near(self, fix: int, one: int, other: int) -> tuple[float, list[Piece]] | None:
        """Give the way that needs no search, if there is one: how likely it is, and its pieces."""
        edge, at, until = self.edge[one], self.along[one], self.along[other]
        slack = self._link(fix)[2]
        if self.edge[other] == edge and until >= at:
            return self._likely(fix, until - at, until - at), [(edge, at, until)]
        if self.edge[other] == edge and at - until <= slack:
            return self._likely(fix, 0, 0) * math.exp(-9 * ((at - until) / slack) ** 2), []
        if self.edge[other] == edge ^ 1:
            turn = self.length[edge] - until
            piece = (edge, at, turn) if turn >= at else (edge ^ 1, self.length[edge] - at, until)
            driven = abs(turn - at)
            return self._likely(fix, driven + self._round(fix), driven), [piece]
        return None

    def _shortest(self, fix: int, one: int, other: int) -> float:
        if (fix, one, other) not in self.known:
            self.known[fix, one, other] = self._searched(fix, one, other)
        return self.known[fix, one, other]

    def _searched(self, fix: int, one: int, other: int) -> float:
        near = self._near(fix, one, other)
        if near:
            return near[0]
        keys = [self._key(fix, one, other, way) for way in self._ways(self.edge[one], self.edge[other])]
        return self._likely(fix, min(keys), min(keys)) if keys else 0.0

    def _key(self, fix: int, one: int, other: int, way: Way, factors: dict[int, int] | None = None) -> int:
        """Measure a way, turns included; its streets as one driver likes them, if it is told."""
        edges = (self.edge[one], *way, self.edge[other])
        key = self.length[edges[0]] - self.along[one] + self.along[other]
        key += sum(self.length[edge] * (factors[edge // 2] if factors else 10**6) // 10**6 for edge in way)
        return key + sum(self._turn(fix, *pair) for pair in pairwise(edges))

    def _turn(self, fix: int, edge: int, following: int) -> int:
        return turn_mm(self.network.graph, edge, following, self.numbers[0], self._round(fix))

    def _round(self, fix: int) -> int:
        return int(self._link(fix)[1] * self.numbers[1] // 1_000_000)

    def _ways(self, edge: int, goal: int, before: Way = ()) -> Iterator[Way]:
        """Write out the edges between two: all ways that go over none twice."""
        start, leaving = self.network.adjacency
        head = int(self.network.edges[0][edge])
        for following in leaving[start[head] : start[head + 1]].tolist():
            if following == goal:
                yield before
            elif following not in before:
                yield from self._ways(following, goal, (*before, following))

    def _pieces(self, fix: int, one: int, other: int) -> Iterator[tuple[Piece, float]]:
        """Give the pieces between two states, each with the share of drivers who go over it."""
        near = self._near(fix, one, other)
        if near:
            yield from ((piece, 1.0) for piece in near[1])
            return
        ways = [*self._ways(self.edge[one], self.edge[other])]
        chosen = [min(ways, key=lambda way: self._key(fix, one, other, way, liked)) for liked in self._drivers()]
        keys = [self._key(fix, one, other, way) for way in chosen]
        shares = [self._likely(fix, key, key) + 1e-30 for key in keys]
        for way, share in zip(chosen, shares, strict=True):
            likely = share / sum(shares)
            yield (self.edge[one], self.along[one], self.length[self.edge[one]]), likely
            yield from (((edge, 0, self.length[edge]), likely) for edge in way)
            yield (self.edge[other], 0, self.along[other]), likely

    def _drivers(self) -> list[dict[int, int]]:
        """Say by which factor each of sixteen drivers likes each street: another one each."""
        drawn = [((street + 1) * 2_654_435_761) >> 9 for street in range(len(self.network.segment_ids))]
        places = [[(one + driver * (2 * (one >> 4) + 1)) % 16 for one in drawn] for driver in range(16)]
        return [{street: self.numbers[FACTORS + at] for street, at in enumerate(own)} for own in places]


def as_dict(columns: Sequence[NDArray[np.int64]], fix: int) -> dict[Piece, float]:
    """Read what the kernel gave for one fix."""
    fixes, edge, begin, end, odds = (column.tolist() for column in columns[:5])
    rows = zip(fixes, edge, begin, end, odds, strict=True)
    return {row[1:4]: row[4] / 1e6 for row in rows if row[0] == fix}
