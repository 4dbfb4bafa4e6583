"""Silence never pays the one who bears it, nor costs the other: whole months of readings, to the last peso.

Devices speak every half hour and the longest gap is three quarters of one, so whatever is taken away leaves a gap:
two readings no further apart than that vouch for the time between them, and that is the contract's word, not silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rules.assess import assess
from rules.assets import Register
from rules.contract import Terms
from rules.payments.statement import opening_of_nothing, settle
from rules.records import Determination, GapCause
from tests.rules.contracts import (
    HOUR_US,
    MINUTE_US,
    STARTED,
    Said,
    Table,
    contract_table,
    full_standard,
    readings_of,
    register_of,
    terms_of,
    unemptied_standard,
    utc_us,
)

FIRST, UNTIL = date(2026, 9, 8), date(2026, 9, 11)
# Two days before the first window, for what carries in, and half a day after the last.
START_US = utc_us("2026-09-06T00:00-03:00")
SLOTS = 48 * 6
FAR_US = utc_us("2030-01-01T00:00+00:00")
DEVICES = tuple(f"d{n}" for n in range(8))
GATEWAYS = {"north": DEVICES[:4], "south": DEVICES[4:]}
ASSETS = "asset,zone,class,valid_from,valid_until\n" + "".join(
    f"C-{n},VP-0{n % 2 + 1},container_1100l,2026-01-01,\n" for n in range(8)
)
INSTALLATIONS = (
    "source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor,gateway\n"
    + "".join(
        f"net,{device},C-{device[1:]},2026-01-01,,1100,100,0.9,ana,luis,{gateway}\n"
        for gateway, devices in GATEWAYS.items()
        for device in devices
    )
)
FEW = settings(max_examples=20)
Readings = Mapping[str, Sequence[Said]]


def price(amount: str, **parts: Any) -> Table:
    return {"nature": "price", "tariff": {"kind": "per_event", "amount": amount, "unit": "CLP"}, **parts}


def fine(amount: str, **parts: Any) -> Table:
    return {"nature": "fine", "tariff": {**STARTED, "amount": amount, "unit": "UTM"}, **parts}


# Prices and fines, with allowances and caps of every scope, some reached and some not.
CONSEQUENCES: tuple[list[Table], ...] = (
    [price("9000", beside="20"), fine("0.05", cap={"per": "month", "pct": "20", "base": "monthly-fee"})],
    [price("7000.5", allowance={"free": "2", "per": "asset"}, beside="20"), fine("0.1")],
    [
        price("5000", allowance={"free": "3", "per": "zone"}, beside="20"),
        fine("0.02", allowance={"free": "1", "per": "contract"}),
    ],
    [
        fine(
            "0.3",
            allowance={"free": "4", "per": "contract"},
            cap={"per": "zone_month", "pct": "3", "base": "monthly-fee"},
        )
    ],
)
MEASURES = ("longest_run", "total_time")


@cache
def loaded(bearers: str, place: int, kind: str) -> tuple[Terms, Register]:
    """Load a contract of both standards; `mixed`: the city bears its own, the gateways' and the network's gaps."""
    one, other = CONSEQUENCES[place], CONSEQUENCES[(place + 1) % len(CONSEQUENCES)]
    measure = {**full_standard()["measure"], "kind": kind, "across_windows": kind == "longest_run"}
    if kind == "longest_run":
        measure["look_back"] = "P1DT12H"
    full = full_standard(target={"op": "<=", "value": "PT3H"}, consequence=one, measure=measure)
    unemptied = unemptied_standard(
        target={"op": "<=", "value": "P1D"},
        consequence=other,
        measure={**unemptied_standard()["measure"], "look_back": "P2D"},
    )
    table = contract_table(full, unemptied, bearer="city" if bearers == "city" else "contractor")
    if bearers == "mixed":
        table["evidence"]["gap_bearer"] |= dict.fromkeys(("gateway", "network", "city"), "city")
    terms = terms_of(table, assets=ASSETS, installations=INSTALLATIONS)
    return terms, register_of(terms, assets=ASSETS, installations=INSTALLATIONS)


@cache
def world(seed: int) -> dict[str, tuple[Said, ...]]:
    """Draw what every device said: containers that fill and are emptied; some words in conflict, some worthless."""
    random = np.random.default_rng(seed)
    said: dict[str, tuple[Said, ...]] = {}
    for n, device in enumerate(DEVICES):
        phase_us = START_US + int(random.integers(0, 30)) * MINUTE_US
        fill, rate = float(random.uniform(0, 1)), float(random.uniform(0.005, 0.04))
        rows: list[Said] = []
        for slot in range(SLOTS):
            t_us = phase_us + slot * 30 * MINUTE_US
            fill = float(random.uniform(0, 0.3)) if random.random() < 0.02 + 0.005 * n else min(fill + rate, 1.05)
            rows.append(Said(t_us, fill_ppm=int(fill * 1_000_000)))
            luck = random.random()
            if luck < 0.02:
                rows.append(Said(t_us, fill_ppm=int(random.integers(0, 1_000_000)), sequence=1))
            elif luck < 0.04:
                rows.append(Said(t_us + 7 * MINUTE_US, fill_ppm=500_000, quality=1))
        said[device] = tuple(rows)
    return said


@dataclass(frozen=True)
class Outcome:
    """What a month comes to: its determinations, and all that the contractor loses, now or in procedure."""

    found: list[Determination]
    lost: Fraction


def outcome(contract: tuple[Terms, Register], said: Readings) -> Outcome:
    terms, register = contract
    found = assess(terms, register, readings_of(**said), (FIRST, UNTIL), FAR_US)
    body = settle(terms, found, "2026-09", opening_of_nothing(terms, "2026-09")).body
    lines = [line for block in body["blocks"].values() for line in block["lines"]]
    return Outcome(
        found, sum((-Fraction(line["amount"]) for line in lines if line["kind"] == "deduction"), Fraction(0))
    )


@cache
def undisturbed(bearers: str, place: int, kind: str, seed: int) -> Outcome:
    """Settle a world from which nothing was taken."""
    return outcome(loaded(bearers, place, kind), world(seed))


@dataclass(frozen=True)
class Cut:
    """What is taken away: some instants, a span or all of some devices."""

    devices: tuple[str, ...]
    from_us: int
    until_us: int
    share: float
    seed: int

    def of(self, said: Readings) -> dict[str, tuple[Said, ...]]:
        random = np.random.default_rng(self.seed)
        left: dict[str, tuple[Said, ...]] = {}
        for device, rows in said.items():
            # Whole instants: of two contents at one, neither goes alone.
            gone = {
                t_us
                for t_us in sorted({row.t_us for row in rows})
                if random.random() < self.share and device in self.devices and self.from_us <= t_us < self.until_us
            }
            left[device] = tuple(row for row in rows if row.t_us not in gone)
        return left


@st.composite
def cuts(
    draw: st.DrawFn, devices: st.SearchStrategy[Sequence[str]], hours: tuple[int, int], shares: Sequence[float]
) -> Cut:
    """Draw a cut that begins at some half hour and lasts some hours."""
    from_us = START_US + draw(st.integers(0, SLOTS)) * HOUR_US // 2
    until_us = from_us + draw(st.integers(*hours)) * HOUR_US
    names, share, seed = draw(devices), draw(st.sampled_from(shares)), draw(st.integers(0, 1_000))
    return Cut(tuple(names), from_us, until_us, share, seed)


some_devices = st.lists(st.sampled_from(DEVICES), min_size=1, max_size=8, unique=True)
whole_gateways = st.sampled_from([*GATEWAYS.values(), DEVICES])
any_cuts = st.lists(cuts(some_devices | whole_gateways, (1, 150), (1.0, 0.5, 0.1)), min_size=1, max_size=3)
contracts = st.tuples(st.integers(0, len(CONSEQUENCES) - 1), st.sampled_from(MEASURES))
seeds = st.integers(0, 3)


def without(said: Readings, taken: Sequence[Cut]) -> Readings:
    for cut in taken:
        said = cut.of(said)
    return said


def tell(before: Outcome, after: Outcome) -> None:
    """Let `--hypothesis-show-statistics` show how often a law was put to the test."""
    event("lost more" if after.lost > before.lost else "lost less" if after.lost < before.lost else "lost the same")


def causes_of(found: Sequence[Determination]) -> set[str]:
    return {gap["cause"] for one in found for gap in one.trace["gaps"]}


def rising(before: Outcome, after: Outcome) -> list[str]:
    """List the opportunities in which the contractor's gaps count for more than before."""
    return [one.opportunity for one, other in zip(before.found, after.found, strict=True) if one.borne < other.borne]


@given(contracts, seeds, any_cuts)
@FEW
def test_silence_never_pays_when_the_contractor_bears_all_causes(
    contract: tuple[int, str], seed: int, taken: Sequence[Cut]
) -> None:
    before = undisturbed("contractor", *contract, seed)
    after = outcome(loaded("contractor", *contract), without(world(seed), taken))
    tell(before, after)
    assert [] == rising(after, before)
    assert before.lost <= after.lost


@given(contracts, seeds, any_cuts)
@FEW
def test_silence_never_costs_when_the_city_bears_all_causes(
    contract: tuple[int, str], seed: int, taken: Sequence[Cut]
) -> None:
    before = undisturbed("city", *contract, seed)
    after = outcome(loaded("city", *contract), without(world(seed), taken))
    tell(before, after)
    assert [] == rising(before, after)
    assert before.lost >= after.lost


# Half of a gateway's devices go on speaking: no silence of the others is an outage.
two_devices = st.lists(st.sampled_from(DEVICES), min_size=1, max_size=2, unique=True)


@given(contracts, seeds, two_devices, st.data())
@FEW
def test_own_silence_never_pays_when_the_city_bears_outages(
    contract: tuple[int, str], seed: int, devices: list[str], data: st.DataObject
) -> None:
    taken = data.draw(st.lists(cuts(st.just(devices), (1, 150), (1.0, 0.5, 0.1)), min_size=1, max_size=3))
    before = undisturbed("mixed", *contract, seed)
    after = outcome(loaded("mixed", *contract), without(world(seed), taken))
    tell(before, after)
    assert not {GapCause.GATEWAY, GapCause.NETWORK} & causes_of(after.found)
    assert [] == rising(after, before)
    assert before.lost <= after.lost


beside = st.tuples(st.integers(2, 20), st.integers(2, 20))


@given(contracts, seeds, whole_gateways, beside, cuts(st.just(()), (2, 80), (1.0,)), st.integers(0, 3))
@FEW
def test_outage_never_costs_when_the_city_bears_outages(
    contract: tuple[int, str], seed: int, devices: tuple[str, ...], hours: tuple[int, int], span: Cut, apart_h: int
) -> None:
    """One device behind each gateway is silent by itself too, before and after, or apart: that stays what it was.

    An outage is drawn long enough to be one: each silence is then longer than a gap, and than its habit.
    """
    known, outage = loaded("mixed", *contract), replace(span, devices=devices)
    from_us, until_us = span.from_us - apart_h * HOUR_US, span.until_us + apart_h * HOUR_US
    own = (
        Cut(("d0", "d4"), from_us - hours[0] * HOUR_US, from_us, 1.0, 0),
        Cut(("d0", "d4"), until_us, until_us + hours[1] * HOUR_US, 1.0, 0),
    )
    said = without(world(seed), own)
    before, after = outcome(known, said), outcome(known, outage.of(said))
    tell(before, after)
    assert [] == rising(before, after)
    assert before.lost >= after.lost


@given(contracts, seeds, st.sampled_from(["north", "south"]), beside, cuts(st.just(()), (2, 30), (1.0,)))
@FEW
def test_own_silence_never_pays_when_it_lies_beside_an_outage(
    contract: tuple[int, str], seed: int, gateway: str, hours: tuple[int, int], span: Cut
) -> None:
    """A device goes silent hours before the outage of its gateway, and comes back hours after."""
    known, outage = loaded("mixed", *contract), replace(span, devices=GATEWAYS[gateway])
    said = outage.of(world(seed))
    one, *others = GATEWAYS[gateway]
    times_us = [row.t_us for device in others for row in said[device]]
    # The outage is what the others' words leave; what the device said within it tells nothing of its own silence.
    begun_us = max((us for us in times_us if us < span.from_us), default=span.from_us)
    ended_us = min((us for us in times_us if us >= span.until_us), default=span.until_us)
    own = (
        Cut((one,), begun_us - hours[0] * HOUR_US, begun_us, 1.0, 0),
        Cut((one,), ended_us, ended_us + hours[1] * HOUR_US, 1.0, 0),
    )
    before, after = outcome(known, said), outcome(known, without(said, own))
    tell(before, after)
    assert [] == rising(after, before)
    assert before.lost <= after.lost


def test_laws_are_put_to_the_test_when_a_gateway_falls_silent() -> None:
    """The contracts lose something, the outage is seen, and what bears it decides which way the sum goes."""
    whole = Cut(GATEWAYS["north"], START_US + 54 * HOUR_US, START_US + 80 * HOUR_US, 1.0, 0)
    lost: dict[str, tuple[Fraction, Fraction]] = {}
    for bearers in ("contractor", "mixed", "city"):
        known = loaded(bearers, 1, "longest_run")
        before, after = outcome(known, world(1)), outcome(known, whole.of(world(1)))
        assert GapCause.GATEWAY in causes_of(after.found)
        lost[bearers] = (before.lost, after.lost)
    assert 0 < lost["contractor"][0] < lost["contractor"][1]
    assert lost["mixed"][1] < lost["mixed"][0]
    assert lost["city"][1] < lost["city"][0]


def one_of(said: Readings) -> Determination:
    known = loaded("mixed", 0, "longest_run")
    found = assess(*known, readings_of(**said), (FIRST, UNTIL), FAR_US)
    return next(
        one for one in found if (one.subject, one.standard, one.day) == ("C-0", "container-full", "2026-09-09")
    )


def test_id_is_another_when_only_others_presence_tells_another_cause() -> None:
    noon = START_US + 84 * HOUR_US
    own = Cut(("d0",), noon, noon + 4 * HOUR_US, 1.0, 0).of(world(1))
    others = Cut(("d1", "d2", "d3"), noon, noon + 4 * HOUR_US, 1.0, 0).of(own)
    alone, together = one_of(own), one_of(others)
    assert ({"unknown"}, {"gateway"}) == (causes_of([alone]), causes_of([together]))
    assert alone.digests["readings"] == together.digests["readings"]
    assert alone.id != together.id
    # What is proven and what is possible follows from the container's own readings.
    assert (alone.proven, alone.possible) == (together.proven, together.possible)


def test_id_is_one_when_others_differ_and_the_causes_do_not() -> None:
    noon = START_US + 84 * HOUR_US
    own = Cut(("d0",), noon, noon + 4 * HOUR_US, 1.0, 0).of(world(1))
    fewer = Cut(("d1", "d5"), noon, noon + 4 * HOUR_US, 1.0, 0).of(own)
    louder = {**own, "d1": [Said(row.t_us + MINUTE_US, fill_ppm=1) for row in own["d1"]]}
    assert {one_of(own).id} == {one_of(fewer).id, one_of(louder).id}
    assert one_of(own) == one_of(fewer)


@given(contracts, seeds, any_cuts)
@settings(max_examples=8)
def test_result_is_one_when_the_id_is(contract: tuple[int, str], seed: int, taken: Sequence[Cut]) -> None:
    """Whatever happens to others: a container whose own readings are the same has the same id, or other causes."""
    disturbed = {**without(world(seed), taken), "d0": world(seed)["d0"]}
    after = outcome(loaded("mixed", *contract), disturbed)
    for one, other in zip(undisturbed("mixed", *contract, seed).found, after.found, strict=True):
        if one.id == other.id:
            assert one == other
