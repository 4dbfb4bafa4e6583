"""The loops behind `kernels.matching`: shortest ways over directed streets, bounded in length.

A street s, driven along its line, is the directed edge 2 s; driven against it, 2 s + 1. A *graph* holds a record of
`RECORD` numbers for each edge (the places below), so that what is asked of an edge lies together; *leaving* holds the
edges that leave each node, only such as may be driven.

Labels belong to edges and not to nodes, so that turns can be told and charged. A label's *key* is the length from
the start to the edge's tail, with `bend` for each turn by a right angle, twice that for one right round, and `round`
for a turn-round in the street (an edge followed by its own reverse). Ties go to the lower edge.

A *search* is one column: the numbers of labels, of those in the heap, and of slots; what turns cost; the goal; of
each label its edge, key, the label before and its place in the heap (0: not there); the heap; a hash table from edges
to labels. It is as large as the largest search, not as the network; of the hash table only a part is used until more
labels come, so that little memory is touched. A *table* keeps the first labels of every edge, so that few searches
are made.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels._jit import I64, NEW_I64, float64, inner, int64, kernel, pair, prefetch, several

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
COUNT_BITS: Final = 10
COUNT_MASK: Final = 2**10 - 1
# A direction is a vector of this length: an angle is told to a tenth of a degree. East and north make one number.
UNIT: Final = 1_024
_AXIS_BITS: Final = 12

# More edges than lie within two kilometres in the densest of cities; a search that would need more gives up.
LABELS_MAX: Final = 16_384
_LABEL: Final = 4
_FIRST_LABEL: Final = 16
_HEAP: Final = _FIRST_LABEL + _LABEL * LABELS_MAX
_SLOT: Final = _HEAP + LABELS_MAX + 1
_SLOTS: Final = 2 * LABELS_MAX
_SLOTS_FIRST: Final = 512
# Places in a search: the numbers of labels, of those in the heap, and of slots; what a bend costs and turning round;
# of the goal its middle, its radius, and the least way from there on, which is negative where there is no goal.
COUNT, HEAP_COUNT, _SLOT_COUNT, _BEND_MM, _ROUND_MM, _EAST_MM, _NORTH_MM, _RADIUS_MM, _ONWARD_MM = range(9)
_KEY, _BEFORE, _PLACE = 1, 2, 3

# The ways of some 400 m where blocks are long; in a network of few edges, or of short ones, more are kept.
_ROW_MIN: Final = 64
_ROW_MAX: Final = 512
_ENTRIES: Final = 4_000_000
# An entry is an edge, a key below 16 km, and the place of the entry before in the row. A row is a hash table of which
# both directions of a street begin at one line of memory: finding one waits for memory once.
_LINE: Final = 8
_EDGE_BIT: Final = 34
_KEY_BIT: Final = 10
_KEY_MASK: Final = 2**24 - 1
_BEFORE_MASK: Final = 2**10 - 1
TABLE_MM_MAX: Final = 16_000_000
# Lengths are sums of rounded pieces, so that a way may be measured shorter than the straight line.
_ROUNDED_MM: Final = 1_000


@kernel(NEW_I64(int64, int64))
def empty_search(bend_mm: int, round_mm: int) -> Ints:
    """Make a search without labels and without a goal, in which turns cost so much."""
    search = np.empty(_SLOT + _SLOTS, np.int64)
    search[:_FIRST_LABEL] = 0
    search[_SLOT : _SLOT + _SLOTS_FIRST] = NOWHERE
    search[_SLOT_COUNT], search[_BEND_MM], search[_ROUND_MM] = _SLOTS_FIRST, bend_mm, round_mm
    search[_ONWARD_MM] = NOWHERE
    return search


@inner(int64(NEW_I64, int64), is_laid_in=True)
def _slot(search: Ints, edge: int) -> int:
    """Find the slot of an edge's label, or the empty one it would have."""
    # The edges of one place have near numbers: eight lie together in memory, the eights spread by Knuth's multiplier.
    mask = search[_SLOT_COUNT] - 1
    slot = ((edge >> 3) * 2_654_435_761 >> 12 << 3 | edge & 7) & mask
    while search[_SLOT + slot] != NOWHERE and search[search[_SLOT + slot]] != edge:
        slot = (slot + 1) & mask
    return int(_SLOT + slot)


@inner(int64(NEW_I64, int64))
def label_of(search: Ints, edge: int) -> int:
    """Find the label of an edge, `NOWHERE` if it has none."""
    return int(search[_slot(search, edge)])


@inner(int64(NEW_I64))
def _empty(search: Ints) -> int:
    """Empty the slots; gives the number of labels."""
    count = int(search[COUNT])
    # The last first, so that no chain of slots is broken before it was used.
    for index in range(count - 1, -1, -1):
        search[_slot(search, search[_FIRST_LABEL + _LABEL * index])] = NOWHERE
    return count


@inner(int64(NEW_I64), is_laid_in=True)
def clear(search: Ints) -> int:
    """Forget every label."""
    count = _empty(search)
    search[_SLOT_COUNT] = _SLOTS_FIRST
    search[COUNT] = 0
    search[HEAP_COUNT] = 0
    return count


@inner(int64(NEW_I64))
def _spread(search: Ints) -> int:
    """Use four times as many slots, as far as there are."""
    count = _empty(search)
    slots = min(4 * search[_SLOT_COUNT], _SLOTS)
    search[_SLOT : _SLOT + slots] = NOWHERE
    search[_SLOT_COUNT] = slots
    for index in range(count):
        label = _FIRST_LABEL + _LABEL * index
        search[_slot(search, search[label])] = label
    return count


@inner(int64(NEW_I64, int64, int64))
def _is_before(search: Ints, one: int, other: int) -> int:
    """Tell whether a label is to be taken before another."""
    key, other_key = search[one + _KEY], search[other + _KEY]
    return 1 if key < other_key or (key == other_key and search[one] < search[other]) else 0


@inner(int64(NEW_I64, int64), is_laid_in=True)
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


@inner(int64(NEW_I64), is_laid_in=True)
def _take(search: Ints) -> int:
    """Take the first label out of the heap."""
    taken = int(search[_HEAP + 1])
    search[taken + _PLACE] = 0
    count = search[HEAP_COUNT]
    label = search[_HEAP + count]
    count -= 1
    search[HEAP_COUNT] = count
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


@inner(int64(NEW_I64, int64, int64, int64), is_laid_in=True)
def _reach(search: Ints, edge: int, key: int, before: int) -> int:
    """Reach the tail of an edge, if this is nearer than what was known."""
    slot = _slot(search, edge)
    label = search[slot]
    if label == NOWHERE:
        if search[COUNT] == LABELS_MAX:
            return 0
        if 2 * search[COUNT] >= search[_SLOT_COUNT] and search[_SLOT_COUNT] < _SLOTS:
            _spread(search)
            slot = _slot(search, edge)
        label = _FIRST_LABEL + _LABEL * search[COUNT]
        search[slot] = label
        search[COUNT] += 1
        search[label] = edge
        search[label + _PLACE] = 0
    elif key >= search[label + _KEY]:
        return 0
    search[label + _KEY] = key
    search[label + _BEFORE] = before
    if search[label + _PLACE] == 0:
        search[HEAP_COUNT] += 1
        search[_HEAP + search[HEAP_COUNT]] = label
        search[label + _PLACE] = search[HEAP_COUNT]
    _rise(search, int(search[label + _PLACE]))
    return 1


@inner(int64(I64, int64, int64, int64, int64), is_laid_in=True)
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


@inner(int64(I64, I64, NEW_I64, int64, int64, int64, int64), is_laid_in=True)
def _follow_all(  # noqa: PLR0917  # the network, the labels, then from where
    graph: Ints, leaving: Ints, search: Ints, edge: int, key: int, limit_mm: int, before: int
) -> int:
    """Reach all edges that leave an edge's head, which is reached with a key."""
    listed = graph[RECORD * edge + LEAVING]
    begin = listed >> COUNT_BITS
    for index in range(begin, begin + (listed & COUNT_MASK)):
        following = leaving[index]
        reached_mm = key + turn_mm(graph, edge, following, search[_BEND_MM], search[_ROUND_MM])
        if reached_mm <= limit_mm:
            _reach(search, following, reached_mm, before)
    return 0


@inner(int64(I64, int64))
def _east_mm(graph: Ints, edge: int) -> int:
    """Read where an edge's head lies."""
    return int((graph[RECORD * edge + PLACE] >> _PLACE_BITS) - (1 << (_PLACE_BITS - 1)))


@inner(int64(I64, int64))
def _north_mm(graph: Ints, edge: int) -> int:
    """Read where an edge's head lies."""
    return int((graph[RECORD * edge + PLACE] & ((1 << _PLACE_BITS) - 1)) - (1 << (_PLACE_BITS - 1)))


@inner(int64(I64, I64, I64, I64, int64, int64, NEW_I64))
def aim(  # noqa: PLR0917  # the network, the states, which of them, then for what
    graph: Ints, edges: Ints, along_mm: Ints, is_aim: Ints, first: int, last: int, search: Ints
) -> int:
    """Make a search's goal of some states: a circle around where their edges begin, and the least way from there on.

    `is_aim` is asked from its beginning. Gives the number of those states.
    """
    count, east, north = 0, 0, 0
    radius_mm, onward_mm = 0, UNREACHED
    for state in range(first, last):
        if is_aim[state - first]:
            count += 1
            east += _east_mm(graph, edges[state] ^ 1)
            north += _north_mm(graph, edges[state] ^ 1)
            onward_mm = min(onward_mm, along_mm[state])
    if count == 0:
        return 0
    east, north = east // count, north // count
    for state in range(first, last):
        if is_aim[state - first]:
            beside = float(_east_mm(graph, edges[state] ^ 1) - east)
            above = float(_north_mm(graph, edges[state] ^ 1) - north)
            radius_mm = max(radius_mm, np.int64(np.sqrt(beside * beside + above * above)) + _ROUNDED_MM)
    search[_EAST_MM], search[_NORTH_MM], search[_RADIUS_MM], search[_ONWARD_MM] = east, north, radius_mm, onward_mm
    return count


@inner(float64(I64, int64, I64), is_laid_in=True)
def _off(graph: Ints, edge: int, search: Ints) -> float:
    """Measure the square of how far an edge's head lies from the middle of the goal."""
    beside, above = float(_east_mm(graph, edge) - search[_EAST_MM]), float(_north_mm(graph, edge) - search[_NORTH_MM])
    return beside * beside + above * above


@inner(int64(float64, I64, int64), is_laid_in=True)
def _is_within(off: float, search: Ints, room_mm: int) -> int:
    """Tell whether a place, given the square of how far off it is, lies no further outside the goal than that."""
    reach = float(search[_RADIUS_MM] + room_mm)
    return 1 if room_mm >= 0 and off <= reach * reach else 0


@inner(int64(I64, int64, int64, int64), is_laid_in=True)
def may_lead(graph: Ints, edge: int, following: int, room_mm: int) -> int:
    """Tell whether the straight line from an edge's head to where another begins is no longer than that."""
    beside = float(_east_mm(graph, edge) - _east_mm(graph, following ^ 1))
    above = float(_north_mm(graph, edge) - _north_mm(graph, following ^ 1))
    reach = float(room_mm + _ROUNDED_MM)
    return 1 if room_mm >= 0 and beside * beside + above * above <= reach * reach else 0


@inner(int64(I64, I64, NEW_I64, several(int64, 3), int64, int64), is_laid_in=True)  # pyright: ignore[reportArgumentType]
def follow(  # the network, the labels, from where, then how far
    graph: Ints, leaving: Ints, search: Ints, begun: tuple[int, int, int], limit_mm: int, shut: int
) -> int:
    """Reach the edges that leave an edge's head; `begun` is the edge, its head's key, and the label before.

    Nothing is reached from where the straight line to the goal is too long. No edge of the goal begins outside its
    circle, so there only such edges are reached as lead on, and none of the street `shut`.
    """
    edge, key, before = begun
    onward_mm = search[_ONWARD_MM]
    if onward_mm < 0:
        return _follow_all(graph, leaving, search, edge, key, limit_mm, before)
    # Squares are compared: a root takes as long as all the rest.
    off = _off(graph, edge, search)
    if _is_within(off, search, limit_mm - key - onward_mm) == 0:
        return 0
    if _is_within(off, search, 0):
        return _follow_all(graph, leaving, search, edge, key, limit_mm, before)
    listed = graph[RECORD * edge + LEAVING]
    begin = listed >> COUNT_BITS
    for index in range(begin, begin + (listed & COUNT_MASK)):
        following = leaving[index]
        reached_mm = key + turn_mm(graph, edge, following, search[_BEND_MM], search[_ROUND_MM])
        room_mm = limit_mm - reached_mm - graph[RECORD * following + LENGTH] - onward_mm
        if following // 2 != shut and _is_within(_off(graph, following, search), search, room_mm):
            _reach(search, following, reached_mm, before)
    return 0


@inner(int64(I64, I64, NEW_I64, int64, int64))
def settle(graph: Ints, leaving: Ints, search: Ints, limit_mm: int, shut: int) -> int:
    """Take the next label, and reach what follows on it, but nothing from the street `shut`; give the label."""
    label = _take(search)
    edge = search[label]
    key = search[label + _KEY] + graph[RECORD * edge + LENGTH]
    if edge // 2 != shut and key <= limit_mm:
        follow(graph, leaving, search, (edge, key, label), limit_mm, shut)
    return label


@inner(int64(NEW_I64, int64))
def key_at(search: Ints, label: int) -> int:
    """Read a label's key."""
    return int(search[label + _KEY])


@inner(int64(NEW_I64, int64))
def label_before(search: Ints, label: int) -> int:
    """Read from which label a label was reached, `NOWHERE` for the first."""
    return int(search[label + _BEFORE])


@kernel(int64(I64, I64, NEW_I64, NEW_I64, int64))
def _row(graph: Ints, leaving: Ints, search: Ints, row: Ints, edge: int) -> int:
    """Make one row of the table; gives the number of its entries, and puts behind them what it may lack."""
    most = row.shape[0] - 1
    _follow_all(graph, leaving, search, edge, 0, TABLE_MM_MAX, NOWHERE)
    count = 0
    while search[HEAP_COUNT] > 0 and count < most:
        label = settle(graph, leaving, search, TABLE_MM_MAX, NOWHERE)
        row[count] = (search[label] << _EDGE_BIT) | (search[label + _KEY] << _KEY_BIT)
        count += 1
    row[most] = search[search[_HEAP + 1] + _KEY] if search[HEAP_COUNT] > 0 else TABLE_MM_MAX
    row[:count].sort()
    for at in range(count):
        before = label_before(search, label_of(search, row[at] >> _EDGE_BIT))
        place = _BEFORE_MASK
        if before != NOWHERE:
            place = np.searchsorted(row[:count], search[before] << _EDGE_BIT)
        row[at] |= place
    clear(search)
    return count


@inner(int64(int64, int64))
def line_of(row: int, edge: int) -> int:
    """Say from which place of a row on the edges of a street are looked for."""
    # Knuth's multiplier spreads the streets; the product's share of 32 bits is that of the lines.
    spread = (edge >> 1) * 2_654_435_761 & 0xFFFF_FFFF
    return _LINE * (spread * ((row & COUNT_MASK) // _LINE) >> 32)


@inner(int64(int64))
def _slots_of(size: int) -> int:
    """Say how many places a row of so many entries has: a quarter is empty, and one at least."""
    return _LINE * (size // 6 + 1)


@inner(int64(I64, NEW_I64, NEW_I64, int64, int64))
def _put(row: Ints, places: Ints, entry: Ints, count: int, listed: int) -> int:
    """Put the entries of a row, each with the index of the one before, where they are found; gives their number."""
    begin, size = listed >> COUNT_BITS, listed & COUNT_MASK
    entry[begin : begin + size] = NOWHERE
    for at in range(count):
        place = line_of(listed, row[at] >> _EDGE_BIT)
        while entry[begin + place] >= 0:
            place = place + 1 if place + 1 < size else 0
        entry[begin + place] = row[at]
        places[at] = place
    for at in range(count):
        before = row[at] & _BEFORE_MASK
        if before != _BEFORE_MASK:
            entry[begin + places[at]] += places[before] - before
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
        graph[at + LEAVING] = (begin << COUNT_BITS) | min(adjacency[0][node + 1] - begin, COUNT_MASK)
        graph[at + BOUND] = TABLE_MM_MAX
        middle = 1 << (_PLACE_BITS - 1)
        graph[at + PLACE] = ((place[0][edge] + middle) << _PLACE_BITS) | (place[1][edge] + middle)
    most = min(max(_ENTRIES // (adjacency[1].shape[0] + 1), _ROW_MIN), _ROW_MAX)
    entry, row, places = np.empty(16, np.int64), np.empty(most + 1, np.int64), np.empty(most, np.int64)
    search = empty_search(turns_mm[0], turns_mm[1])
    total = 0
    for index in range(adjacency[1].shape[0]):
        edge = adjacency[1][index]
        count = _row(graph, adjacency[1], search, row, edge)
        size = _slots_of(count)
        if total + size > entry.shape[0]:
            entry = np.concatenate((entry, np.empty_like(entry), np.empty(_slots_of(most), np.int64)))
        listed = (total << COUNT_BITS) | size
        graph[RECORD * edge + ROW], graph[RECORD * edge + BOUND] = listed, row[most]
        _put(row, places, entry, count, listed)
        total += size
    return graph, entry[:total].copy()


@inner(int64(I64, int64, int64), is_laid_in=True)
def expect(entry: Ints, row: int, following: int) -> int:
    """Ask for the memory in which an edge is looked for in a row."""
    prefetch(entry, (row >> COUNT_BITS) + line_of(row, following))
    return 0


@inner(int64(I64, int64, int64), is_laid_in=True)
def entry_of(entry: Ints, row: int, following: int) -> int:
    """Find the place of an edge in a row, `NOWHERE` if it is not there."""
    begin, size = row >> COUNT_BITS, row & COUNT_MASK
    place = line_of(row, following)
    while size > 0 and entry[begin + place] >= 0:
        if entry[begin + place] >> _EDGE_BIT == following:
            return place
        place = place + 1 if place + 1 < size else 0
    return NOWHERE


@inner(int64(I64, int64, int64))
def edge_of(entry: Ints, row: int, place: int) -> int:
    """Read the edge of an entry."""
    return int(entry[(row >> COUNT_BITS) + place] >> _EDGE_BIT)


@inner(int64(I64, int64, int64))
def key_of(entry: Ints, row: int, place: int) -> int:
    """Read the key of an entry."""
    return int((entry[(row >> COUNT_BITS) + place] >> _KEY_BIT) & _KEY_MASK)


@inner(int64(I64, int64, int64))
def entry_before(entry: Ints, row: int, place: int) -> int:
    """Find the place of the entry before one of a row, `NOWHERE` if it comes first."""
    before = int(entry[(row >> COUNT_BITS) + place] & _BEFORE_MASK)
    return NOWHERE if before == _BEFORE_MASK else before
