# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""`leuvenmapmatching`: its distance matcher, with states between fixes, over the same streets on the plane."""

from collections.abc import Callable
from itertools import pairwise

from leuvenmapmatching.map.inmem import InMemMap
from leuvenmapmatching.matcher.distance import DistanceMatcher

from tests.accuracy.peers.exchange import Answer, Piece, Point, Question, Trace, directed, serve


def prepare(question: Question) -> Callable[[Trace], Answer]:
    """Lay out the streets."""
    streets, places, lengths = lay(question)
    settings = question.settings

    def match(trace: Trace) -> Answer:
        pieces: list[Piece] = []
        segments = [-1] * len(trace.plane)
        first = 0
        # Where it finds no way on, it says so; a user starts again from there.
        while first < len(trace.plane) - 1:
            matcher = DistanceMatcher(
                streets,
                max_dist=max(settings.get("reach", 4) * trace.sigma_m, 25),
                max_dist_init=max(settings.get("reach", 4) * trace.sigma_m, 25),
                obs_noise=trace.sigma_m,
                obs_noise_ne=settings.get("between", 3) * trace.sigma_m,
                dist_noise=settings.get("dist_noise", 3) * trace.sigma_m,
                min_prob_norm=settings.get("min_prob_norm", 0.001),
                non_emitting_length_factor=settings.get("length_factor", 0.95),
                max_lattice_width=int(settings.get("width", 8)),
                non_emitting_states=True,
            )
            _, last = matcher.match(list(trace.plane[first:]))
            best = matcher.lattice_best or []
            steps = [(places[one.edge_m.l1, one.edge_m.l2], one.edge_m.ti, one) for one in best]
            for (street, _, _), _, one in steps:
                if one.obs_ne == 0:
                    segments[first + one.obs] = street
            pieces += driven(steps, lengths)
            first += last + 1 if best else 1
        return Answer(pieces, segments)

    return match


def lay(question: Question) -> tuple[InMemMap, dict[tuple[int, int], tuple[int, float, float]], list[float]]:
    """Lay the straight pieces of all streets into a map in memory; what each piece is of, and lengths of streets."""
    streets = InMemMap("streets", use_latlon=False, index_edges=True)
    ends: dict[Point, int] = {}
    count = 0
    # Straight piece, by its two nodes: street, and where it begins and ends along its line.
    places: dict[tuple[int, int], tuple[int, float, float]] = {}
    lengths: list[float] = []
    for index, street in enumerate(question.streets):
        measures = street.measures()
        lengths.append(measures[-1])
        labels: list[int] = []
        for at, place in enumerate(street.plane):
            is_end = at in {0, len(street.plane) - 1}
            label = ends.get(place) if is_end else None
            if label is None:
                count += 1
                label = count
                streets.add_node(label, place)
            if is_end:
                ends[place] = label
            labels.append(label)
        for at, (one, other) in enumerate(pairwise(labels)):
            streets.add_edge(one, other)
            places.setdefault((one, other), (index, measures[at], measures[at + 1]))
            if not street.is_oneway:
                streets.add_edge(other, one)
                places.setdefault((other, one), (index, measures[at + 1], measures[at]))
    return streets, places, lengths


def driven(steps: list, lengths: list[float]) -> list[Piece]:
    """Follow the states: along a straight piece, or to its end and on from the next one's beginning."""
    found: list[Piece] = []

    def add(street: int, from_m: float, to_m: float) -> None:
        if from_m != to_m:
            found.append(directed(street, lengths[street], from_m, to_m))

    for ((street, begin_m, end_m), share, _), (other, next_share, _) in pairwise(steps):
        next_street, next_begin_m, next_end_m = other
        at_m = begin_m + share * (end_m - begin_m)
        until_m = next_begin_m + next_share * (next_end_m - next_begin_m)
        if (street, begin_m, end_m) == other:
            # Backwards on the same piece is jitter, no driving.
            if (until_m - at_m) * (end_m - begin_m) > 0:
                add(street, at_m, until_m)
        else:
            add(street, at_m, end_m)
            add(next_street, next_begin_m, until_m)
    return found


if __name__ == "__main__":
    serve(prepare)
