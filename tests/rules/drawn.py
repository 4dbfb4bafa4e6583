"""Strategies: contracts that load, and the determinations of their month."""

from collections.abc import Sequence
from datetime import date, time
from fractions import Fraction
from itertools import permutations
from typing import Any

from hypothesis import strategies as st

from rules.contract import Standard, Terms
from rules.records import Determination, Op, Unit, Verdict
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
# Measures and targets by their unit.
MEASURES: dict[str, Table] = {
    "us": {},
    "ppm": {
        "measure": {"kind": "feed_completeness", "of": "fill_level", "assets": "container_1100l", "every": "PT30M"},
        "target": {"op": ">=", "value": "0.8"},
        "tolerance": {"bound": "favour_contractor"},
    },
    "count": {
        "subject": "zone",
        "measure": {
            "kind": "report_contradicted",
            "report": "daily",
            "due": {"days_after": 1, "at": time(12)},
            "missing_after": "P5D",
            "claim": "lifts",
            "margin": "1",
        },
        "target": {"op": "<=", "value": "2"},
        "tolerance": {"bound": "favour_contractor"},
    },
}
TARGETS = {Unit.MICROSECONDS: 4 * HOUR_US, Unit.PPM: 800_000, Unit.COUNT: 2}
# The least by which a drawn fact misses, and the most that a measure can be.
MISSES = {Unit.MICROSECONDS: HOUR_US, Unit.PPM: 1, Unit.COUNT: 1}
MOST = {Unit.MICROSECONDS: 16 * HOUR_US, Unit.PPM: 1_000_000, Unit.COUNT: 30}
KINDS = {
    "us": ("per_event", "per_started_hour", "nth"),
    "ppm": ("per_event", "proportional", "band", "nth"),
    "count": ("per_event", "per_unit", "nth"),
}

amounts = st.sampled_from(["0", "0.5", "1", "2.345", "0.333", "7", "150.505", "20000"])
shares = st.sampled_from(["0", "0.001", "1.25", "10", "12.5", "100"])


def dated(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Draw one value, or one that changes in the middle of the month."""

    def changing(said: tuple[str, str, int]) -> list[Table]:
        return [{"value": said[0]}, {"value": said[1], "from": date(2026, 9, said[2])}]

    return values | st.tuples(values, values, st.integers(2, 28)).map(changing)


def standard_of(unit: str, **changes: Any) -> Table:
    """Build a standard whose measure counts in a unit."""
    standard = full_standard(**MEASURES[unit], **changes)
    if unit != "us":
        del standard["completeness"]
    return standard


@st.composite
def tariffs(draw: st.DrawFn, unit: str) -> Table:
    """Draw a tariff that fits a measure of the unit."""
    kind = draw(st.sampled_from(KINDS[unit]))
    currency = draw(st.sampled_from(["CLP", "UTM"]))
    match kind:
        case "band":
            starts = sorted(draw(st.sets(st.sampled_from(["0.25", "0.5", "0.795", "0.8", "1"]))), reverse=True)
            pcts = draw(st.lists(shares, min_size=len(starts) + 1, max_size=len(starts) + 1))
            rows = zip([*starts, "0"], sorted(pcts, key=Fraction), strict=True)
            bands = [{"from": start, "pct": pct} for start, pct in rows]
            return {"kind": kind, "bands": bands, "base": "monthly-fee", "unit": "CLP"}
        case "nth":
            ladders = draw(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=3))
            first, later = (sorted(column, key=Fraction) for column in zip(*ladders, strict=True))
            rows = zip(first, later, strict=True)
            changing = [[{"value": one}, {"value": other, "from": date(2026, 9, 10)}] for one, other in rows]
            key = draw(st.sampled_from(["contract", "zone", "asset"]))
            return {"kind": kind, "amounts": draw(st.sampled_from([first, changing])), "key": key, "unit": currency}
        case _:
            return {"kind": kind, "amount": draw(dated(amounts)), "unit": currency}


@st.composite
def consequences(draw: st.DrawFn, unit: str, *, has_cap: bool = True, carries: bool = False) -> list[Table]:
    """Draw one consequence, or one of each nature."""
    found: list[Table] = []
    for nature in draw(st.sampled_from([("price",), ("fine",), ("price", "fine"), ("fine", "price")])):
        one: Table = {"nature": nature, "tariff": draw(tariffs(unit))}
        if draw(st.booleans()):
            per = draw(st.sampled_from(["contract", "zone", "asset"]))
            one["allowance"] = {"free": draw(dated(st.sampled_from(["0", "1", "3"]))), "per": per}
        if has_cap and draw(st.booleans()):
            per = draw(st.sampled_from(["month", "zone_month"]))
            one["cap"] = {"per": per, "pct": draw(dated(shares)), "base": "monthly-fee"}
            if carries and draw(st.booleans()):
                one["cap"]["carry_over"] = "next_month"
        found.append(one)
    return found


@st.composite
def tables(
    draw: st.DrawFn,
    *,
    bearer: str | None = None,
    has_cap: bool = True,
    orders: Sequence[tuple[str, ...]] = ORDERS,
    policies: Sequence[str] = (),
) -> Table:
    """Draw a contract that loads."""
    who = bearer or draw(st.sampled_from(["city", "contractor", "mixed"]))
    chosen = list(policies) or [
        "by_cause",
        "hold",
        *{"city": ["no_deduction"], "contractor": ["deduct"]}.get(who, []),
    ]
    keep = draw(st.sampled_from(["highest", "sum"]))
    standards: list[Table] = []
    for n in range(draw(st.integers(1, 3))):
        unit, policy = draw(st.sampled_from(["us", "us", "ppm", "count"])), draw(st.sampled_from(chosen))
        standards.append(
            standard_of(
                unit,
                id=f"s{n}",
                inconclusive=policy,
                overlap={"group": draw(st.sampled_from(["none", "asset_day"])), "keep": keep},
                consequence=draw(consequences(unit, has_cap=has_cap, carries=policy != "hold")),
            )
        )
    table = contract_table(*standards, bearer="city" if who == "mixed" else who)
    if who == "mixed":
        table["evidence"]["gap_bearer"]["operator_off"] = "contractor"
    table["money"]["order"] = list(draw(st.sampled_from(_loading(orders, standards, keep))))
    table["money"]["rounding"] = {
        "mode": draw(st.sampled_from(["half_up", "half_even", "down"])),
        "step": draw(st.sampled_from(["1", "10", "0.01", "0.5", "3"])),
        "at": draw(st.sampled_from(["line", "total"])),
    }
    table["base"] = [{"id": "monthly-fee", "amount": draw(st.sampled_from(["1005", "1479000.45"])), "clause": "7"}]
    if draw(st.booleans()):
        table["base"].append({"id": "extra", "amount": draw(amounts), "clause": "8"})
    return table


def _loading(orders: Sequence[tuple[str, ...]], standards: Sequence[Table], keep: str) -> list[tuple[str, ...]]:
    """Orders with which the terms load."""
    found = [one for standard in standards for one in standard["consequence"]]
    loading = list(orders)
    if keep == "highest" and any("allowance" in one for one in found):
        # The free ones are taken out before they could absorb others.
        loading = [order for order in loading if order in FAIR_ORDERS]
    if keep == "highest" and any(one["tariff"]["kind"] == "nth" for one in found):
        loading = [order for order in loading if order.index("tariff") < order.index("overlap")]
    if any("carry_over" in one.get("cap", {}) for one in found):
        loading = [order for order in loading if order[-2] == "cap"]
    return loading


def fact(
    terms: Terms, standard: str, subject: str, day: str, verdict: Verdict, *, is_borne: bool = False, worse: int = 0
) -> Determination:
    """Make a determination as assessment would.

    `is_borne` where the contractor's gaps could hide a breach; `worse` is by how much more than by the least it
    misses, in the measure's unit.
    """
    measure = terms_standard(terms, standard).measure
    target, most = TARGETS[measure.unit], MOST[measure.unit]
    by = MISSES[measure.unit] + worse
    doubt = 1 + worse if is_borne else 0
    if measure.op_needed == Op.AT_MOST:
        least, missed = target // 4, target + by
        bounds = {
            Verdict.MET: (0, 0, least),
            Verdict.NOT_MET: (missed, missed, max(missed, most)),
            Verdict.INCONCLUSIVE: (0, target + doubt, max(target + doubt, most)),
        }
    else:
        missed = max(target - by, 0)
        bounds = {
            Verdict.MET: (target, most, most),
            Verdict.NOT_MET: (0, missed, missed),
            Verdict.INCONCLUSIVE: (0, max(target - doubt, 0), most),
        }
    return determined(terms, terms_standard(terms, standard), (subject, day), bounds[verdict], verdict)


def terms_standard(terms: Terms, name: str) -> Standard:
    """Find a standard by its id."""
    return next(one for one in terms.file.standard if one.id == name)


def judged(standard: Standard, bounds: tuple[int, int, int]) -> Verdict:
    """Hold both bounds against the target."""
    target, (proven, _, possible) = TARGETS[standard.measure.unit], bounds
    if standard.measure.op_needed == Op.AT_MOST:
        is_met, is_missed = possible <= target, proven > target
    else:
        is_met, is_missed = proven >= target, possible < target
    return Verdict.MET if is_met else Verdict.NOT_MET if is_missed else Verdict.INCONCLUSIVE


def determined(
    terms: Terms, standard: Standard, place: tuple[str, str], bounds: tuple[int, int, int], verdict: Verdict
) -> Determination:
    """Make the determination of a subject and day with these bounds: proven, borne, possible."""
    (subject, day), (proven, borne, possible) = place, bounds
    start_us = utc_us(f"{day}T06:00-03:00")
    is_time = standard.measure.unit == Unit.MICROSECONDS
    return Determination(
        contract=terms.id,
        standard=standard.id,
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
        target=TARGETS[standard.measure.unit],
        received=32,
        expected=32,
        digests={"readings": "0" * 64, "register": "1" * 64, "terms": terms.digest},
        trace={"proven_from_us": start_us, "proven_until_us": start_us + proven} if is_time else {},
        op=standard.measure.op_needed,
        unit=standard.measure.unit,
    )


@st.composite
def facts(draw: st.DrawFn, terms: Terms, period: str = PERIOD, size: int = 30) -> list[Determination]:
    """Draw the determinations of a month, each opportunity once, in any order."""
    standards = {standard.id: standard for standard in terms.file.standard}
    place = st.tuples(
        st.sampled_from(sorted(standards)), st.sampled_from(sorted(ZONES)), st.sampled_from([1, 2, 9, 14, 15, 28])
    )
    found: list[Determination] = []
    for name, subject, day in draw(st.lists(place, unique=True, max_size=size)):
        bounds = draw(bounds_of(standards[name]))
        verdict = judged(standards[name], bounds)
        # Too few readings conclude nothing, whatever the bounds.
        verdict = draw(st.sampled_from([verdict, verdict, verdict, Verdict.INCONCLUSIVE]))
        found.append(determined(terms, standards[name], (subject, f"{period}-{day:02}"), bounds, verdict))
    return found


@st.composite
def bounds_of(draw: st.DrawFn, standard: Standard) -> tuple[int, int, int]:
    """Draw proven, borne and possible around the target."""
    unit = standard.measure.unit
    target, most = TARGETS[unit], MOST[unit]
    near = st.sampled_from([target - 1, target, target + 1, target + MISSES[unit], target - MISSES[unit]])
    values = sorted(draw(st.lists(near | st.integers(0, most), min_size=3, max_size=3)))
    return values[0], values[1], values[2]
