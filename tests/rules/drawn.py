"""Strategies: contracts that load, and the determinations of their month."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import permutations
from typing import Any

from hypothesis import strategies as st

from rules.contract import Terms
from rules.records import Determination, Verdict
from tests.rules.contracts import HOUR_US, Table, contract_table, full_standard, utc_us

PERIOD = "2026-09"
INDEXES = {("UTM", f"2026-{n:02}"): Fraction(value) for n, value in ((8, 67_000), (9, 68_000), (10, "68500.55"))}
ZONES = {"C-1": "VP-01", "C-2": "VP-02", "C-3": "VP-02"}
STEPS = ("overlap", "allowance", "tariff", "index", "cap", "round")
# What money demands of the order: units before pesos, pesos before their cap, rounding last.
ORDERS = [
    order
    for order in permutations(STEPS)
    if order.index("tariff") < order.index("index") < order.index("cap") and order[-1] == "round"
]
# Orders in which an event that the allowance frees, or the cap stops, absorbs no other.
FAIR_ORDERS = [order for order in ORDERS if order.index("allowance") < order.index("overlap")]

amounts = st.sampled_from(["0", "0.5", "1", "2.345", "0.333", "7", "150.505", "20000"])
shares = st.sampled_from(["0", "0.001", "1.25", "10", "12.5", "100"])


def dated(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Draw one value, or one that changes in the middle of the month."""

    def changing(said: tuple[str, str, int]) -> list[Table]:
        return [{"value": said[0]}, {"value": said[1], "from": date(2026, 9, said[2])}]

    return values | st.tuples(values, values, st.integers(2, 28)).map(changing)


@st.composite
def consequences(draw: st.DrawFn, *, has_cap: bool = True) -> list[Table]:
    """Draw one consequence, or one of each nature."""
    found: list[Table] = []
    for nature in draw(st.sampled_from([("price",), ("fine",), ("price", "fine"), ("fine", "price")])):
        unit = draw(st.sampled_from(["CLP", "UTM"]))
        one: Table = {
            "nature": nature,
            "tariff": {"kind": "per_event", "amount": draw(dated(amounts)), "unit": unit},
        }
        if draw(st.booleans()):
            per = draw(st.sampled_from(["contract", "zone", "asset"]))
            one["allowance"] = {"free": draw(dated(st.sampled_from(["0", "1", "3"]))), "per": per}
        if has_cap and draw(st.booleans()):
            per = draw(st.sampled_from(["month", "zone_month"]))
            one["cap"] = {"per": per, "pct": draw(dated(shares)), "base": "monthly-fee"}
        found.append(one)
    return found


@st.composite
def tables(
    draw: st.DrawFn,
    *,
    bearer: str | None = None,
    has_cap: bool = True,
    orders: Sequence[tuple[str, ...]] = ORDERS,
) -> Table:
    """Draw a contract that loads."""
    who = bearer or draw(st.sampled_from(["city", "contractor", "mixed"]))
    policies = ["by_cause", "hold"]
    policies += {"city": ["no_deduction"], "contractor": ["deduct"]}.get(who, [])
    keep = draw(st.sampled_from(["highest", "sum"]))
    standards = [
        full_standard(
            id=f"s{n}",
            inconclusive=draw(st.sampled_from(policies)),
            overlap={"group": draw(st.sampled_from(["none", "asset_day"])), "keep": keep},
            consequence=draw(consequences(has_cap=has_cap)),
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    table = contract_table(*standards, bearer="city" if who == "mixed" else who)
    if who == "mixed":
        table["evidence"]["gap_bearer"]["operator_off"] = "contractor"
    # Where facts absorb each other the terms do not load unless the free ones are taken out before.
    absorbs = keep == "highest" and any("allowance" in one for each in standards for one in each["consequence"])
    fair = [order for order in orders if order in FAIR_ORDERS]
    table["money"]["order"] = list(draw(st.sampled_from(fair if absorbs else orders)))
    table["money"]["rounding"] = {
        "mode": draw(st.sampled_from(["half_up", "half_even", "down"])),
        "step": draw(st.sampled_from(["1", "10", "0.01", "0.5", "3"])),
        "at": draw(st.sampled_from(["line", "total"])),
    }
    table["base"] = [{"id": "monthly-fee", "amount": draw(st.sampled_from(["1005", "1479000.45"])), "clause": "7"}]
    if draw(st.booleans()):
        table["base"].append({"id": "extra", "amount": draw(amounts), "clause": "8"})
    return table


def fact(
    terms: Terms, standard: str, subject: str, day: str, verdict: Verdict, *, is_borne: bool = False
) -> Determination:
    """Make a determination as assessment would; `is_borne` where the contractor's gaps could hide a breach."""
    start_us = utc_us(f"{day}T06:00-03:00")
    target = 4 * HOUR_US
    bounds = {
        Verdict.MET: (0, 0, HOUR_US),
        Verdict.NOT_MET: (5 * HOUR_US, 5 * HOUR_US, 6 * HOUR_US),
        Verdict.INCONCLUSIVE: (0, target + 1 if is_borne else target, 16 * HOUR_US),
    }
    proven, borne, possible = bounds[verdict]
    return Determination(
        contract=terms.id,
        standard=standard,
        terms_version=terms.version,
        subject=subject,
        zone=ZONES.get(subject, "VP-01"),
        day=day,
        window_start_us=start_us,
        window_end_us=start_us + 16 * HOUR_US,
        verdict=verdict,
        proven=proven,
        borne=borne,
        possible=possible,
        target=target,
        received=32,
        expected=32,
        digests={"readings": "0" * 64, "register": "1" * 64, "terms": terms.digest},
        trace={"proven_from_us": start_us, "proven_until_us": start_us + proven},
    )


@st.composite
def facts(draw: st.DrawFn, terms: Terms, period: str = PERIOD, size: int = 30) -> list[Determination]:
    """Draw the determinations of a month, each opportunity once, in any order."""
    names = [standard.id for standard in terms.file.standard]
    place = st.tuples(st.sampled_from(names), st.sampled_from(sorted(ZONES)), st.sampled_from([1, 2, 9, 14, 15, 28]))
    found: list[Determination] = []
    for name, subject, day in draw(st.lists(place, unique=True, max_size=size)):
        verdict = draw(st.sampled_from([Verdict.NOT_MET, Verdict.NOT_MET, Verdict.MET, Verdict.INCONCLUSIVE]))
        is_borne = draw(st.booleans())
        found.append(fact(terms, name, subject, f"{period}-{day:02}", verdict, is_borne=is_borne))
    return found
