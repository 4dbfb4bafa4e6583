"""The loops behind `kernels.odds`: a link between two fixes, and how likely ways over it are."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, float64, inner, int64, several
from kernels._path import BACK, COST_UNIT, GAP_MAX_US, ROUND, STRAIGHT, Span, kind_of, span_type
from kernels._ways import LENGTH, NOWHERE, RECORD, UNREACHED

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Four = tuple[Ints, Ints, Ints, Ints]
Five = tuple[Ints, Ints, Ints, Ints, Ints]
Link = tuple[int, int, int, int, int, int, int, int, int]

# Places in the numbers.
BEND, TURNED_PPM, STRANGE, STRANGE_MMPS, TOP, URBAN, SPEED, UP_PPM, DOWN_PPM, LEAST_US, NAMED_PPM, FACTORS = range(12)

# A vehicle that stands has driven no way at all: how long it did so tells no more than that.
_EARLY_MAX: Final = 2.0
_MOST_COST: Final = 60.0
_HALVINGS: Final = 10
# As in `kernels._path`: rolling back is an error along the street.
_ROLL: Final = 9.0

link_type: Final = several(int64, 9)  # pyright: ignore[reportArgumentType]  # numbers make a tuple as arrays do
COLUMN: Final = float64[::1]


@inner(float64(float64))
def likelihood(cost: float) -> float:
    """Raise e to minus a cost by products only, so that every machine has the same."""
    if cost >= _MOST_COST:
        return 0.0
    part = max(cost, 0.0) / 2**_HALVINGS
    found = 1.0 / (1.0 + part * (1.0 + part / 2 * (1.0 + part / 3)))
    for _ in range(_HALVINGS):
        found *= found
    return found


@inner(link_type(several(I64, 5), I64, int64, int64))
def link_of(fixes: Five, numbers: Ints, one: int, other: int) -> Link:
    """Measure a link.

    Gives the straight distance, the difference that costs one, the longest way, the slack; the length beyond which a
    way costs more, and by how much one; below which it does, and by how much; and what turning round costs.
    """
    t_us, x_mm, y_mm, accuracy_mm, near_mm = fixes
    gap_ms = min(t_us[other] - t_us[one], GAP_MAX_US) // 1_000
    east, north = float(x_mm[other] - x_mm[one]), float(y_mm[other] - y_mm[one])
    straight_mm = np.int64(np.sqrt(east * east + north * north) + 0.5)
    slack_mm = near_mm[one] + near_mm[other]
    strange_mm = numbers[STRANGE] + (accuracy_mm[one] + accuracy_mm[other]) // 2
    strange_mm += gap_ms * numbers[STRANGE_MMPS] // 1_000
    most_mm, more_mm = gap_ms * numbers[URBAN] // 1_000 + slack_mm, strange_mm
    least_mm, less_mm = 0, 1
    if numbers[SPEED] > 0:
        most_mm = gap_ms * numbers[SPEED] // 1_000
        more_mm = most_mm * numbers[UP_PPM] // COST_UNIT + slack_mm // 4 + 1
        least_mm, less_mm = most_mm, most_mm * numbers[DOWN_PPM] // COST_UNIT + 1
    fastest_mm = gap_ms * numbers[TOP] // 1_000 + slack_mm
    limit_mm = min(fastest_mm, max(straight_mm, most_mm) + 4 * strange_mm) if straight_mm <= fastest_mm else -1
    return (
        int(straight_mm),
        int(strange_mm),
        int(limit_mm),
        int(slack_mm),
        int(most_mm),
        int(more_mm),
        int(least_mm),
        int(less_mm),
        int(strange_mm * numbers[TURNED_PPM] // COST_UNIT),
    )


@inner(float64(link_type, int64, int64))
def cost_of(link: Link, key: int, driven_mm: int) -> float:
    """Weigh a way by its key against the straight distance, and by its length against the time."""
    cost = abs(key - link[0]) / link[1] + max(driven_mm - link[4], 0) / link[5]
    return cost + min(max(link[6] - driven_mm, 0) / link[7], _EARLY_MAX)


@inner(int64(I64, several(I64, 4), link_type, span_type, I64, I64, COLUMN))
def weigh(  # noqa: PLR0917  # the network, the states, the link, one source, what is known, what is filled
    graph: Ints, states: Four, link: Link, span: Span, key_mm: Ints, aims: Ints, weight: Floats
) -> int:
    """Fill in how likely the ways from one source are; `span` is the source, the targets, and the first place.

    `key_mm` is of each edge of the part, `aims` the edge's number for each target.
    """
    _, edges, along_mm, _ = states
    source, first, last, at = span
    edge, at_mm = edges[source], along_mm[source]
    rest_mm = graph[RECORD * edge + LENGTH] - at_mm
    for target in range(first, last):
        until_mm, key, rolled = along_mm[target], UNREACHED, 0.0
        kind = kind_of(graph, edge, at_mm, edges[target], until_mm, link[3])
        turned = 0
        if kind == STRAIGHT:
            key = until_mm - at_mm
        elif kind == BACK:
            back = float(at_mm - until_mm) / link[3]
            key, rolled = 0, _ROLL * back * back
        elif kind == ROUND:
            turned = link[8]
            key = abs(until_mm - rest_mm) + turned
        elif aims[target - first] != NOWHERE and key_mm[aims[target - first]] < UNREACHED:
            key = rest_mm + key_mm[aims[target - first]] + until_mm
        weight[at + target - first] = 0.0
        if key < UNREACHED:
            weight[at + target - first] = likelihood(cost_of(link, key, key - turned) + rolled)
    return last - first
