"""Why a device was silent: who else was, what its last word told, and what must not change the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assets import Asset, Installation, Register
from rules.causes import Looked, Presence, Silence, silence_cause, silences
from rules.records import GapCause
from sensors.columns import Columns
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.kinds.position_fix import KIND as POSITION_FIX
from sensors.readings import NOT_SAID, Clock, Kind

FAR = 10**9
GAP = 45
# A day in minutes: what is looked at, and as far again as `max_gap` on both sides.
LOOKED = Looked("fill_level", 0, 1_440, GAP)
EARLY, LATE = LOOKED.evidence_us
Said = Mapping[str, Sequence[int]]


def hung(device: str, gateway: str = "", since: int = -FAR, until: int = FAR) -> Installation:
    return Installation("net", device, f"C-{device}", since, until, 1100, 100, None, "ana", "luis", gateway)


def columns(kind: Kind, times: Sequence[int], clock: Clock = Clock.AGREES, **numbers: Sequence[int]) -> Columns:
    rows = len(times)
    said = {one.name: np.full(rows, NOT_SAID, np.int32) for one in kind.quantities}
    said |= {name: np.array(values, np.int32) for name, values in numbers.items()}
    whole = np.array(times, np.int64)
    empty = np.zeros(rows, "V16")
    return Columns(kind, np.ones(rows, np.int64), whole, whole, np.full(rows, clock, np.int16), said, {}, empty)


def presence_of(installations: Sequence[Installation], said: Said, zone: str = "VP-01", **parts: Any) -> Presence:
    assets = tuple(Asset(one.asset, zone, "container", -FAR, FAR) for one in installations)
    readings = {("fill_level", "net", name): columns(FILL_LEVEL, times) for name, times in said.items()}
    return Presence(Register(assets, tuple(installations)), {**readings, **parts.get("more", {})})


def regular(phase: int, *without: tuple[int, int], every: int = 30) -> list[int]:
    """Speak every half hour all day long, but in some spans."""
    times = range(EARLY - 600 + phase, LATE + 600, every)
    return [t for t in times if not any(begin <= t < end for begin, end in without)]


def fleet(*gateways: str) -> list[Installation]:
    """Hang devices d0, d1, … behind gateways."""
    return [hung(f"d{n}", gateway) for n, gateway in enumerate(gateways)]


def causes(presence: Presence, one: Installation, gap: tuple[int, int]) -> list[Silence]:
    return silences(presence, LOOKED, [one], gap, GapCause.UNKNOWN)


def gap_around(times: Sequence[int], at: int) -> tuple[int, int]:
    """Find the silence that holds an instant, within what is looked at."""
    ends = [LOOKED.first_us, *(t for t in times if 0 <= t < LOOKED.until_us), LOOKED.until_us]
    return max(t for t in ends if t <= at), min(t for t in ends if t > at)


def heard(installations: Sequence[Installation], silent: Mapping[str, tuple[int, int]]) -> dict[str, list[int]]:
    return {
        one.device: regular(7 * n % 30, *([silent[one.device]] if one.device in silent else []))
        for n, one in enumerate(installations)
    }


OUT = (600, 780)
TWO_GATEWAYS = ("a", "a", "a", "a", "b", "b", "b")


def judged(installations: Sequence[Installation], silent: Sequence[str], of: str = "d0") -> list[GapCause]:
    """Silence some devices for three hours and ask why one of them was."""
    said = heard(installations, dict.fromkeys(silent, OUT))
    one = next(one for one in installations if one.device == of)
    return [found.cause for found in causes(presence_of(installations, said), one, gap_around(said[of], 700))]


@pytest.mark.parametrize(
    ("gateways", "silent", "cause"),
    [
        (TWO_GATEWAYS, "d0 d1 d2 d3", GapCause.GATEWAY),
        (TWO_GATEWAYS, "d0 d1 d2", GapCause.UNKNOWN),
        (TWO_GATEWAYS, "d0 d4 d5 d6", GapCause.UNKNOWN),
        (TWO_GATEWAYS, "d0 d1 d2 d3 d4 d5 d6", GapCause.NETWORK),
        # Two behind a gateway are too few; a single gateway is the nearer of the two.
        (("a", "a", "b", "b", "b"), "d0 d1", GapCause.UNKNOWN),
        (("a", "a", "a"), "d0 d1 d2", GapCause.GATEWAY),
        # Without names of gateways five make a network, four do not.
        (("",) * 5, "d0 d1 d2 d3 d4", GapCause.NETWORK),
        (("",) * 4, "d0 d1 d2 d3", GapCause.UNKNOWN),
        (("",) * 6, "d0 d1 d2 d3 d4", GapCause.UNKNOWN),
        # Of ten one may have another gateway in reach, of nine none.
        (("a",) * 10 + ("b",) * 3, "d0 d1 d2 d3 d4 d5 d6 d7 d8", GapCause.GATEWAY),
        (("a",) * 9 + ("b",) * 3, "d0 d1 d2 d3 d4 d5 d6 d7", GapCause.UNKNOWN),
    ],
)
def test_cause_is_what_most_share_when_devices_fall_silent_together(
    gateways: tuple[str, ...], silent: str, cause: GapCause
) -> None:
    assert [cause] == judged(fleet(*gateways), silent.split())


def test_silence_is_cut_when_the_device_was_silent_before_the_outage() -> None:
    all_a = fleet(*TWO_GATEWAYS)
    said = heard(all_a, {"d0": (400, 780), **dict.fromkeys(("d1", "d2", "d3"), OUT)})
    found = causes(presence_of(all_a, said), all_a[0], gap_around(said["d0"], 700))
    # The last of the others spoke at 599; what d0 lacks after the outage is no more than it always may.
    assert [(GapCause.UNKNOWN, 599), (GapCause.GATEWAY, 795)] == [(one.cause, one.until_us) for one in found]


def test_gap_belongs_to_the_outage_when_its_edges_are_ordinary_intervals() -> None:
    said = heard(fleet(*TWO_GATEWAYS), dict.fromkeys(("d0", "d1", "d2", "d3"), OUT))
    gap = gap_around(said["d0"], 700)
    found = causes(presence_of(fleet(*TWO_GATEWAYS), said), hung("d0", "a"), gap)
    assert [Silence(*gap, GapCause.GATEWAY)] == found


def test_gap_is_the_devices_when_it_was_heard_in_the_outage_just_before_its_end() -> None:
    devices = fleet(*TWO_GATEWAYS)
    said = heard(devices, {"d0": (760, 900), **dict.fromkeys(("d1", "d2", "d3"), OUT)})
    said["d0"] = [t for t in said["d0"] if not 600 <= t < 755]  # it speaks at 755 again, the others from 786 on
    said["d0"].append(755)
    found = causes(presence_of(devices, said), devices[0], (755, 915))
    assert [Silence(755, 915, GapCause.UNKNOWN)] == found


def test_outage_is_none_when_buffered_readings_fill_it() -> None:
    devices = fleet(*TWO_GATEWAYS)
    said = heard(devices, dict.fromkeys(("d0", "d1", "d2"), OUT))
    assert [GapCause.UNKNOWN] == [
        one.cause for one in causes(presence_of(devices, said), devices[0], gap_around(said["d0"], 700))
    ]


def test_reading_tells_no_time_when_its_clock_disagrees() -> None:
    devices = fleet(*TWO_GATEWAYS)
    said = heard(devices, dict.fromkeys(("d0", "d1", "d2"), OUT))
    wrong = columns(FILL_LEVEL, said["d3"], Clock.DISAGREES)
    presence = presence_of(devices, said, more={("fill_level", "net", "d3"): wrong})
    found = causes(presence, devices[0], gap_around(said["d0"], 700))
    assert [GapCause.GATEWAY] == [one.cause for one in found]


def test_outage_is_none_when_silences_meet_for_less_than_a_gap() -> None:
    devices = fleet(*TWO_GATEWAYS)
    # Each misses one reading or two; all four together are silent for some forty minutes.
    spans = {"d0": (600, 660), "d1": (600, 630), "d2": (630, 660), "d3": (600, 660)}
    said = heard(devices, spans)
    found = causes(presence_of(devices, said), devices[0], gap_around(said["d0"], 640))
    assert [GapCause.UNKNOWN] == [one.cause for one in found]


def test_slow_devices_are_no_evidence_when_a_quick_one_falls_silent() -> None:
    devices = fleet(*TWO_GATEWAYS)
    said = heard(devices, {"d0": OUT})
    said |= {name: regular(7 * n, every=240) for n, name in enumerate(("d1", "d2", "d3"))}
    found = causes(presence_of(devices, said), devices[0], gap_around(said["d0"], 700))
    assert {GapCause.UNKNOWN} == {one.cause for one in found}


@pytest.mark.parametrize(("zone", "cause"), [("VP-01", GapCause.GATEWAY), ("", GapCause.UNKNOWN)])
def test_gateway_is_out_on_the_second_day_when_nobody_was_heard_all_day(zone: str, cause: GapCause) -> None:
    """Devices at assets of no zone, trackers, never say a fill level: their silence about it is no evidence."""
    devices = fleet(*TWO_GATEWAYS)
    said = heard(devices, dict.fromkeys(("d0", "d1", "d2", "d3"), (EARLY - 600, LATE + 600)))
    found = causes(presence_of(devices, said, zone), devices[0], (LOOKED.first_us, LOOKED.until_us))
    assert [Silence(LOOKED.first_us, LOOKED.until_us, cause)] == found


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        # A container's sensor never owes a position, nor a tracker a fill level, though its vehicle have a zone.
        ("position_fix", {}),
        ("fill_level", {"empty_mm": None, "full_mm": None, "full_at_ppm": None}),
    ],
)
@pytest.mark.parametrize("gateways", [("a", "a", "a", "a"), ("a", "b", "c", "d", "e", "f", "g", "h", "i")])
def test_device_is_no_evidence_when_it_never_owes_the_kind(
    kind: str, changes: dict[str, Any], gateways: tuple[str, ...]
) -> None:
    others = [replace(one, **changes) for one in fleet(*gateways)]
    quiet, lively = hung("t0", "a"), hung("t1", "z")
    said = {
        (kind, "net", one.device): columns(POSITION_FIX if kind == "position_fix" else FILL_LEVEL, times)
        for one, times in ((quiet, regular(0, OUT)), (lively, regular(0)))
    }
    presence = presence_of([quiet, lively, *others], {}, more=said)
    found = silences(presence, replace(LOOKED, kind=kind), [quiet], (590, 790), GapCause.UNKNOWN)
    assert [Silence(590, 790, GapCause.UNKNOWN)] == found


@pytest.mark.parametrize("geometry", [(1100, 100, None), (None, None, 900_000)])
def test_level_sensor_is_evidence_when_it_was_never_heard(geometry: tuple[int | None, ...]) -> None:
    changes = dict(zip(("empty_mm", "full_mm", "full_at_ppm"), geometry, strict=True))
    devices = [replace(one, **changes) for one in fleet(*TWO_GATEWAYS)]
    said = {one.device: regular(0) for one in devices if one.gateway == "b"}
    found = causes(presence_of(devices, said), devices[0], (LOOKED.first_us, LOOKED.until_us))
    assert [GapCause.GATEWAY] == [one.cause for one in found]


def test_device_is_no_evidence_when_it_hung_there_at_another_time() -> None:
    devices = [*fleet("a", "a"), hung("d2", "a", until=300), hung("d3", "a", since=900), hung("d4", "b")]
    assert [GapCause.UNKNOWN] == judged(devices, ["d0", "d1", "d2", "d3"])


def test_outage_of_either_counts_when_two_devices_hang_at_an_asset() -> None:
    devices = fleet(*TWO_GATEWAYS)
    said = heard(devices, {**dict.fromkeys(("d0", "d1", "d2", "d3"), OUT), "d4": OUT})
    presence = presence_of(devices, said)
    found = silences(presence, LOOKED, [devices[4], devices[0]], (590, 790), GapCause.UNKNOWN)
    assert [GapCause.GATEWAY] == [one.cause for one in found]


@pytest.mark.parametrize(
    ("battery_mv", "cause"),
    [
        ([3_600, 2_800], GapCause.DEVICE),
        ([3_600, 2_801], GapCause.UNKNOWN),
        ([2_700, 3_600], GapCause.UNKNOWN),
        ([3_600, 1_800], GapCause.DEVICE),
        ([3_600, 1_500], GapCause.UNKNOWN),
        ([3_600, 0], GapCause.UNKNOWN),
        ([3_600, NOT_SAID], GapCause.UNKNOWN),
    ],
)
def test_battery_was_spent_when_the_last_word_says_so(battery_mv: list[int], cause: GapCause) -> None:
    said = {("fill_level", "net", "d0"): columns(FILL_LEVEL, [10, 20], battery_mv=battery_mv)}
    assert cause == silence_cause(Presence(Register((), ()), said), hung("d0"), 20, 500)


@pytest.mark.parametrize(
    ("ignition", "cause"),
    [([1, 0], GapCause.OPERATOR_OFF), ([0, 1], GapCause.UNKNOWN), ([1, NOT_SAID], GapCause.UNKNOWN)],
)
def test_operator_switched_off_when_the_last_word_says_so(ignition: list[int], cause: GapCause) -> None:
    said = {("position_fix", "net", "d0"): columns(POSITION_FIX, [10, 20], ignition=ignition)}
    assert cause == silence_cause(Presence(Register((), ()), said), hung("d0"), 20, 500)


def test_last_word_tells_nothing_when_it_contradicts_itself() -> None:
    said = {("position_fix", "net", "d0"): columns(POSITION_FIX, [20, 20], ignition=[0, 1])}
    assert GapCause.UNKNOWN == silence_cause(Presence(Register((), ()), said), hung("d0"), 20, 500)


@pytest.mark.parametrize(("from_us", "until_us"), [(19, 500), (21, 500), (20, 31)])
def test_last_word_tells_nothing_when_it_is_not_the_last_before_the_gap(from_us: int, until_us: int) -> None:
    said = {("position_fix", "net", "d0"): columns(POSITION_FIX, [20, 30], ignition=[0, 1])}
    assert GapCause.UNKNOWN == silence_cause(Presence(Register((), ()), said), hung("d0"), from_us, until_us)
    assert GapCause.OPERATOR_OFF == silence_cause(Presence(Register((), ()), said), hung("d0"), 20, 30)


MANY = [*fleet("a", "a", "a", "b", "b", ""), hung("d6", "b", until=500), hung("d7", "a", since=800)]


def drawn(seed: int) -> dict[str, list[int]]:
    """Draw what many devices said: three outages of a gateway or of all, and silences of each one's own."""
    random = np.random.default_rng(seed)
    outages = [
        (int(begin), int(begin + random.integers(20, 300)), str(random.choice(["a", "b", "ab"])))
        for begin in random.integers(EARLY - 100, LATE, 3)
    ]
    said: dict[str, list[int]] = {}
    for one in MANY:
        own = [(int(t), int(t + random.integers(30, 300))) for t in random.integers(EARLY, LATE, 2)]
        out = [(begin, end) for begin, end, ways in outages if one.gateway in ways]
        every = int(random.choice([20, 30, 30, 40, 60]))
        said[one.device] = regular(int(random.integers(0, every)), *own, *out, every=every)
    return said


spoken = st.integers(0, 10_000).map(drawn)


def state_at(one: Installation, times: Sequence[int], t: int) -> bool | None:
    """Tell at one instant whether a device is silent, speaking (False), or no evidence."""
    lo, hi = max(EARLY, one.since_us), min(LATE, one.until_us)
    if not lo <= t < hi:
        return None
    known = sorted(time for time in times if lo <= time < hi)
    before, after = max([lo, *(s for s in known if s <= t)]), min([hi, *(s for s in known if s > t)])
    if after - before <= GAP:
        return False
    habits = sorted(later - earlier for earlier, later in pairwise(known))
    is_slow = len(known) >= 3 and 2 * (after - before) < 3 * habits[(len(habits) - 1) // 2]
    return None if is_slow else True


def out_at(said: Said, t: int) -> set[str]:
    """Tell at one instant what is out, by looking at every device: gateways by name, `*` for all."""
    ways: dict[str, list[bool]] = {}
    for one in MANY:
        if (state := state_at(one, said[one.device], t)) is not None:
            ways.setdefault(one.gateway, []).append(state)
    mute = {way for way, states in ways.items() if 10 * sum(states) >= 9 * len(states)}
    silent = sum(sum(states) for states in ways.values())
    out = {way for way in mute if way and sum(ways[way]) >= 3}
    is_all = 10 * len(mute) >= 9 * len(ways) and silent >= (3 if len(mute) > 1 else 5)
    return out | {"*"} if is_all and (len(mute) > 1 or mute == {""}) else out


def runs(holds: Sequence[bool]) -> list[tuple[int, int]]:
    """Find the spans longer than a gap in which something holds, minute by minute."""
    ends = [-1, *(k for k, held in enumerate(holds) if not held), len(holds)]
    return [(EARLY + a + 1, EARLY + b) for a, b in pairwise(ends) if b - a - 1 > GAP]


@pytest.mark.parametrize("seed", range(12))
def test_outages_are_those_of_every_instant_when_each_is_looked_at(seed: int) -> None:
    said = drawn(seed)
    presence = presence_of(MANY, said)
    out = [out_at(said, t) for t in range(EARLY, LATE)]
    network = runs(["*" in each for each in out])
    rest = [set[str]() if any(a <= EARLY + k < b for a, b in network) else each for k, each in enumerate(out)]
    for way in ("a", "b", ""):
        gateway = runs([bool(way) and way in each for each in rest])
        expected = [Silence(*span, GapCause.NETWORK) for span in network]
        expected += [Silence(*span, GapCause.GATEWAY) for span in gateway]
        assert sorted(expected, key=lambda one: one.from_us) == list(presence.outages(LOOKED, "net", way))


@given(spoken, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_causes_are_one_when_only_readings_far_off_and_orders_differ(said: Said, random: Any) -> None:
    near = {name: [t for t in times if EARLY <= t < LATE] for name, times in said.items()}
    mixed = list(MANY)
    random.shuffle(mixed)
    far, shuffled = presence_of(MANY, said), presence_of(mixed, near)
    for way in ("a", "b", ""):
        assert far.outages(LOOKED, "net", way) == shuffled.outages(LOOKED, "net", way)


@given(spoken, st.integers(0, 1_300), st.integers(1, 600), st.permutations(MANY))
@settings(max_examples=60)
def test_parts_fill_the_gap_when_it_is_cut(said: Said, begin: int, length: int, devices: list[Installation]) -> None:
    gap = (begin, min(begin + length, LOOKED.until_us))
    found = silences(presence_of(MANY, said), LOOKED, devices[:2], gap, GapCause.DEVICE)
    assert gap == (found[0].from_us, found[-1].until_us)
    for one, other in pairwise(found):
        assert (one.until_us, True) == (other.from_us, one.cause != other.cause)


def test_presence_is_found_once_when_it_is_asked_again() -> None:
    presence = presence_of(fleet(*TWO_GATEWAYS), heard(fleet(*TWO_GATEWAYS), {}))
    assert presence.outages(LOOKED, "net", "a") is presence.outages(replace(LOOKED), "net", "a")
