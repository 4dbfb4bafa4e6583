"""The loops behind `kernels.matching`: shortest ways over directed streets, bounded in length.

A street s, driven along its line, is the directed edge 2 s; driven against it, 2 s + 1. A *graph* holds a record of
`RECORD` numbers for each edge (the places below), so that what is asked of an edge lies together; *leaving* holds the
edges that leave each node, only such as may be driven.

Labels belong to edges and not to nodes, so that turns can be told and charged. A label's *key* is the length from
the start to the edge's tail, with `bend` for each turn by a right angle, twice that for one right round, and `round`
for a turn-round in the street (an edge followed by its own reverse). Ties go to the lower edge.

A *search* is one column: the numbers of labels and of those in the heap; of each label its edge, key, the label
before and its place in the heap (0: not there); the heap; a hash table from edges to labels. It is as large as the
largest search, not as the network. A *table* keeps the first labels of every edge, so that few searches are made.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, int64, kernel, pair

Ints = NDArray[np.int64]
Pair = tuple[Ints, Ints]

UNREACHED: Final = 2**62
NOWHERE: Final = -1

RECORD: Final = 8
# Places in an edge's record: nodes at its ends, length, direction it sets out in, where its row of the table begins,
# the least key that the row may lack, where the edges that follow on it begin, where its head lies.
HEAD, TAIL, LENGTH, SETTING_OUT, ROW, BOUND, LEAVING, PLACE = range(8)
# East and north of a place in one number: a network reaches less than a thousand kilometres to either side.
_PLACE_BITS: Final = 31
# A row and a list of edges are a place and a number.
_COUNT_BITS: Final = 10
_COUNT_MASK: Final = 2**10 - 1
# A direction is a vector of this length: an angle is told to a tenth of a degree. East and north make one number.
UNIT: Final = 1_024
_AXIS_BITS: Final = 12

# More edges than lie within two kilometres in the densest of cities; a search that would need more gives up.
LABELS_MAX: Final = 16_384
_LABEL: Final = 4
_FIRST_LABEL: Final = 8
_HEAP: Final = _FIRST_LABEL + _LABEL * LABELS_MAX
_SLOT: Final = _HEAP + LABELS_MAX + 1
_SLOTS: Final = 2 * LABELS_MAX
_KEY, _BEFORE, _PLACE = 1, 2, 3

# The ways of some 400 m where blocks are long; in a network of few edges, or of short ones, more are kept.
_ROW_MIN: Final = 64
_ROW_MAX: Final = 512
_ENTRIES: Final = 4_000_000
# An entry is an edge, a key below 16 km, and the place of the entry before in the row.
_EDGE_BIT: Final = 34
_KEY_BIT: Final = 10
_KEY_MASK: Final = 2**24 - 1
_BEFORE_MASK: Final = 2**10 - 1
TABLE_MM_MAX: Final = 16_000_000
# Lengths are sums of rounded pieces, so that a way may be measured shorter than the straight line.
_ROUNDED_MM: Final = 1_000


@kernel(NEW_I64())
def empty_search() -> Ints:
    """Make a search without labels."""
    search = np.empty(_SLOT + _SLOTS, np.int64)
    search[:_FIRST_LABEL] = 0
    search[_SLOT:] = NOWHERE
    return search


@kernel(int64(NEW_I64, int64))
def _slot(search: Ints, edge: int) -> int:
    """Find the slot of an edge's label, or the empty one it would have."""
    # The edges of one place have near numbers: eight lie together in memory, the eights spread by Knuth's multiplier.
    slot = ((edge >> 3) * 2_654_435_761 >> 12 << 3 | edge & 7) & (_SLOTS - 1)
    while search[_SLOT + slot] != NOWHERE and search[search[_SLOT + slot]] != edge:
        slot = (slot + 1) & (_SLOTS - 1)
    return _SLOT + slot


@kernel(int64(NEW_I64, int64))
def label_of(search: Ints, edge: int) -> int:
    """Find the label of an edge, `NOWHERE` if it has none."""
    return int(search[_slot(search, edge)])


@kernel(int64(NEW_I64))
def clear(search: Ints) -> int:
    """Forget every label."""
    count = int(search[0])
    # The last first, so that no chain of slots is broken before it was used.
    for index in range(count - 1, -1, -1):
        search[_slot(search, search[_FIRST_LABEL + _LABEL * index])] = NOWHERE
    search[0] = 0
    search[1] = 0
    return count


@kernel(int64(NEW_I64, int64, int64))
def _is_before(search: Ints, one: int, other: int) -> int:
    """Tell whether a label is to be taken before another."""
    key, other_key = search[one + _KEY], search[other + _KEY]
    return 1 if key < other_key or (key == other_key and search[one] < search[other]) else 0


@kernel(int64(NEW_I64, int64))
def _rise(search: Ints, at: int) -> int:
    """Move the label at a place of the heap up to where it belongs."""
    label = search[_HEAP + at]
    while at > 1 and _is_before(search, label, search[_HEAP + at // 2]):
        search[_HEAP + at] = search[_HEAP + at // 2]
        search[search[_HEAP + at] + _PLACE] = at
        at //= 2
    search[_HEAP + at] = label
    search[label + _PLACE] = at
    return at


@kernel(int64(NEW_I64))
def _take(search: Ints) -> int:
    """Take the first label out of the heap."""
    taken = int(search[_HEAP + 1])
    search[taken + _PLACE] = 0
    count = search[1]
    label = search[_HEAP + count]
    count -= 1
    search[1] = count
    if count == 0:
        return taken
    at = 1
    while 2 * at <= count:
        child = 2 * at
        if child < count and _is_before(search, search[_HEAP + child + 1], search[_HEAP + child]):
            child += 1
        if not _is_before(search, search[_HEAP + child], int(label)):
            break
        search[_HEAP + at] = search[_HEAP + child]
        search[search[_HEAP + at] + _PLACE] = at
        at = child
    search[_HEAP + at] = label
    search[label + _PLACE] = at
    return taken


@kernel(int64(NEW_I64, int64, int64, int64))
def _reach(search: Ints, edge: int, key: int, before: int) -> int:
    """Reach the tail of an edge, if this is nearer than what was known."""
    slot = _slot(search, edge)
    label = search[slot]
    if label == NOWHERE:
        if search[0] == LABELS_MAX:
            return 0
        label = _FIRST_LABEL + _LABEL * search[0]
        search[slot] = label
        search[0] += 1
        search[label] = edge
        search[label + _PLACE] = 0
    elif key >= search[label + _KEY]:
        return 0
    search[label + _KEY] = key
    search[label + _BEFORE] = before
    if search[label + _PLACE] == 0:
        search[1] += 1
        search[_HEAP + search[1]] = label
        search[label + _PLACE] = search[1]
    _rise(search, int(search[label + _PLACE]))
    return 1


@kernel(int64(I64, int64, int64, int64, int64))
def turn_mm(graph: Ints, edge: int, following: int, bend_mm: int, round_mm: int) -> int:
    """Charge the turn from an edge into one that leaves its head."""
    back = edge ^ 1
    if following == back:
        return round_mm
    one, other = graph[RECORD * back + SETTING_OUT], graph[RECORD * following + SETTING_OUT]
    half, mask = 1 << (_AXIS_BITS - 1), (1 << _AXIS_BITS) - 1
    # How far the way on and the way back agree: all for a hairpin, not at all for straight on.
    agreed = ((one >> _AXIS_BITS) - half) * ((other >> _AXIS_BITS) - half)
    agreed += ((one & mask) - half) * ((other & mask) - half)
    # Directions are rounded, so that two may agree by more than all.
    return int(max(UNIT * UNIT + agreed, 0) * bend_mm // (UNIT * UNIT))


@kernel(int64(I64, I64, NEW_I64, I64, int64, int64, int64, int64))
def follow(  # noqa: PLR0917  # the network, the labels, what turns cost, then from where
    graph: Ints, leaving: Ints, search: Ints, turns_mm: Ints, edge: int, key: int, limit_mm: int, before: int
) -> int:
    """Reach the edges that leave an edge's head, which is reached with a key."""
    listed = graph[RECORD * edge + LEAVING]
    begin = listed >> _COUNT_BITS
    for index in range(begin, begin + (listed & _COUNT_MASK)):
        following = leaving[index]
        reached_mm = key + turn_mm(graph, edge, following, turns_mm[0], turns_mm[1])
        if reached_mm <= limit_mm:
            _reach(search, following, reached_mm, before)
    return 0


@kernel(int64(I64, int64))
def _east_mm(graph: Ints, edge: int) -> int:
    """Read where an edge's head lies."""
    return int((graph[RECORD * edge + PLACE] >> _PLACE_BITS) - (1 << (_PLACE_BITS - 1)))


@kernel(int64(I64, int64))
def _north_mm(graph: Ints, edge: int) -> int:
    """Read where an edge's head lies."""
    return int((graph[RECORD * edge + PLACE] & ((1 << _PLACE_BITS) - 1)) - (1 << (_PLACE_BITS - 1)))


@kernel(int64(I64, I64, I64, I64, int64, int64, NEW_I64))
def aim(  # noqa: PLR0917  # the network, the states, which of them, then what is filled
    graph: Ints, edges: Ints, along_mm: Ints, is_aim: Ints, first: int, last: int, goal: Ints
) -> int:
    """Draw a circle around where the edges of some states begin: middle, radius, and the least way from there on.

    `is_aim` is asked from its beginning. Gives the number of those states.
    """
    count, east, north = 0, 0, 0
    goal[2], goal[3] = 0, UNREACHED
    for state in range(first, last):
        if is_aim[state - first]:
            count += 1
            east += _east_mm(graph, edges[state] ^ 1)
            north += _north_mm(graph, edges[state] ^ 1)
            goal[3] = min(goal[3], along_mm[state])
    if count == 0:
        return 0
    goal[0], goal[1] = east // count, north // count
    for state in range(first, last):
        if is_aim[state - first]:
            beside = float(_east_mm(graph, edges[state] ^ 1) - goal[0])
            above = float(_north_mm(graph, edges[state] ^ 1) - goal[1])
            goal[2] = max(goal[2], np.int64(np.sqrt(beside * beside + above * above)) + _ROUNDED_MM)
    return count


@kernel(int64(I64, int64, I64))
def _outside_mm(graph: Ints, edge: int, goal: Ints) -> int:
    """Measure how far an edge's head lies outside the goal's circle; 0 or less within it."""
    beside, above = float(_east_mm(graph, edge) - goal[0]), float(_north_mm(graph, edge) - goal[1])
    return int(np.int64(np.sqrt(beside * beside + above * above)) - goal[2])


@kernel(int64(I64, int64, int64))
def apart_mm(graph: Ints, edge: int, following: int) -> int:
    """Give what a way from an edge's head to where another edge begins measures at least."""
    beside = float(_east_mm(graph, edge) - _east_mm(graph, following ^ 1))
    above = float(_north_mm(graph, edge) - _north_mm(graph, following ^ 1))
    return int(max(np.int64(np.sqrt(beside * beside + above * above)) - _ROUNDED_MM, 0))


@kernel(int64(I64, I64, NEW_I64, I64, int64, int64, I64))
def settle(  # noqa: PLR0917  # the network, the labels, what turns cost, how far, around and to what
    graph: Ints, leaving: Ints, search: Ints, turns_mm: Ints, limit_mm: int, shut: int, goal: Ints
) -> int:
    """Take the next label, and reach what follows on it; give the label.

    Nothing is reached from the street ``shut``, nor from where the straight line to the goal is too long. No edge of
    the goal begins outside its circle, so there only such edges are reached as lead on.
    """
    label = _take(search)
    edge = search[label]
    key = search[label + _KEY] + graph[RECORD * edge + LENGTH]
    if edge // 2 == shut or key > limit_mm:
        return label
    if goal[3] < 0:
        follow(graph, leaving, search, turns_mm, edge, key, limit_mm, label)
        return label
    outside_mm = _outside_mm(graph, edge, goal)
    if key + max(outside_mm, 0) + goal[3] > limit_mm:
        return label
    if outside_mm <= 0:
        follow(graph, leaving, search, turns_mm, edge, key, limit_mm, label)
        return label
    listed = graph[RECORD * edge + LEAVING]
    begin = listed >> _COUNT_BITS
    for index in range(begin, begin + (listed & _COUNT_MASK)):
        following = leaving[index]
        reached_mm = key + turn_mm(graph, edge, following, turns_mm[0], turns_mm[1])
        onward_mm = reached_mm + graph[RECORD * following + LENGTH] + goal[3]
        if following // 2 != shut and onward_mm + max(_outside_mm(graph, following, goal), 0) <= limit_mm:
            _reach(search, following, reached_mm, label)
    return label


@kernel(int64(NEW_I64, int64))
def key_at(search: Ints, label: int) -> int:
    """Read a label's key."""
    return int(search[label + _KEY])


@kernel(int64(NEW_I64, int64))
def label_before(search: Ints, label: int) -> int:
    """Read from which label a label was reached, `NOWHERE` for the first."""
    return int(search[label + _BEFORE])


@kernel(int64(I64, I64, NEW_I64, NEW_I64, I64, int64))
def _row(graph: Ints, leaving: Ints, search: Ints, row: Ints, turns_mm: Ints, edge: int) -> int:
    """Make one row of the table; gives the number of its entries, and puts behind them what it may lack."""
    most, nowhere = row.shape[0] - 1, np.array([0, 0, 0, NOWHERE])
    follow(graph, leaving, search, turns_mm, edge, 0, TABLE_MM_MAX, NOWHERE)
    count = 0
    while search[1] > 0 and count < most:
        label = settle(graph, leaving, search, turns_mm, TABLE_MM_MAX, NOWHERE, nowhere)
        row[count] = (search[label] << _EDGE_BIT) | (search[label + _KEY] << _KEY_BIT)
        count += 1
    row[most] = search[search[_HEAP + 1] + _KEY] if search[1] > 0 else TABLE_MM_MAX
    row[:count].sort()
    for at in range(count):
        before = label_before(search, label_of(search, row[at] >> _EDGE_BIT))
        place = _BEFORE_MASK
        if before != NOWHERE:
            place = np.searchsorted(row[:count], search[before] << _EDGE_BIT)
        row[at] |= place
    clear(search)
    return count


@kernel(pair(NEW_I64)(pair(I64), pair(I64), pair(I64), pair(I64), I64))
def table(edges: Pair, place: Pair, setting_out: Pair, adjacency: Pair, turns_mm: Ints) -> Pair:
    """Make the records of all edges, and the table of the shortest ways around each; see `kernels.matching`."""
    count = edges[0].shape[0]
    graph = np.zeros(RECORD * count, np.int64)
    half = 1 << (_AXIS_BITS - 1)
    for edge in range(count):
        at, node = RECORD * edge, edges[0][edge]
        graph[at + HEAD], graph[at + TAIL], graph[at + LENGTH] = node, edges[0][edge ^ 1], edges[1][edge]
        graph[at + SETTING_OUT] = ((setting_out[0][edge] + half) << _AXIS_BITS) + setting_out[1][edge] + half
        begin = adjacency[0][node]
        graph[at + LEAVING] = (begin << _COUNT_BITS) | min(adjacency[0][node + 1] - begin, _COUNT_MASK)
        graph[at + BOUND] = TABLE_MM_MAX
        middle = 1 << (_PLACE_BITS - 1)
        graph[at + PLACE] = ((place[0][edge] + middle) << _PLACE_BITS) | (place[1][edge] + middle)
    most = min(max(_ENTRIES // (adjacency[1].shape[0] + 1), _ROW_MIN), _ROW_MAX)
    entry, row = np.empty(16, np.int64), np.empty(most + 1, np.int64)
    search = empty_search()
    total = 0
    for index in range(adjacency[1].shape[0]):
        edge = adjacency[1][index]
        size = _row(graph, adjacency[1], search, row, turns_mm, edge)
        if total + size > entry.shape[0]:
            entry = np.concatenate((entry, np.empty_like(entry), np.empty(most, np.int64)))
        entry[total : total + size] = row[:size]
        graph[RECORD * edge + ROW] = (total << _COUNT_BITS) | size
        graph[RECORD * edge + BOUND] = row[most]
        total += size
    return graph, entry[:total].copy()


@kernel(int64(I64, int64, int64))
def place_of(entry: Ints, row: int, following: int) -> int:
    """Find where in a row an edge's entry is, or would be."""
    low = row >> _COUNT_BITS
    high, wanted = low + (row & _COUNT_MASK), following << _EDGE_BIT
    while low < high:
        middle = (low + high) >> 1
        if entry[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@kernel(int64(I64, int64, int64, int64))
def entry_at(entry: Ints, row: int, place: int, following: int) -> int:
    """Tell whether an edge's entry is at a place of a row: the place, else `NOWHERE`."""
    is_in = place < (row >> _COUNT_BITS) + (row & _COUNT_MASK)
    return place if is_in and entry[place] >> _EDGE_BIT == following else NOWHERE


@kernel(int64(I64, int64, int64))
def entry_of(entry: Ints, row: int, following: int) -> int:
    """Find the entry of an edge in a row, `NOWHERE` if it has none."""
    return int(entry_at(entry, row, place_of(entry, row, following), following))


@kernel(int64(I64, int64))
def key_of(entry: Ints, at: int) -> int:
    """Read an entry's key."""
    return int((entry[at] >> _KEY_BIT) & _KEY_MASK)


@kernel(int64(I64, int64, int64))
def entry_before(entry: Ints, row: int, at: int) -> int:
    """Find the entry before one of a row, `NOWHERE` if it comes first."""
    place = int(entry[at] & _BEFORE_MASK)
    return NOWHERE if place == _BEFORE_MASK else (row >> _COUNT_BITS) + place


@kernel(int64(I64, int64))
def edge_of(entry: Ints, at: int) -> int:
    """Read an entry's edge."""
    return int(entry[at] >> _EDGE_BIT)
