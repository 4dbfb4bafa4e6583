"""Strategies: contracts that load, and the determinations of their month."""

from collections.abc import Sequence
from datetime import date, time
from fractions import Fraction
from functools import cache
from itertools import permutations
from typing import Any, TypeVar

from hypothesis import strategies as st

from rules.contract import Standard, Terms
from rules.records import Determination, Op, Relief, Unit, Verdict
from tests.rules.contracts import HOUR_US, Table, contract_table, full_standard, utc_us

Drawn = TypeVar("Drawn")

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
    "us": ("per_event", "per_time", "nth", "planned_share", "range"),
    "ppm": ("per_event", "proportional", "band", "nth", "planned_share", "range"),
    "count": ("per_event", "per_unit", "nth", "planned_share", "range"),
}
# Tariffs that may be in points: the others are parts of a base sum.
POINTED = ("per_event", "per_time", "proportional", "per_unit", "nth")


# Built once: to build a strategy, and to look it through, costs more than to draw from it.
_BUILT: dict[tuple[Any, ...], st.SearchStrategy[Any]] = {}


def of(*values: Drawn) -> st.SearchStrategy[Drawn]:
    """Draw one of some values."""
    if values not in _BUILT:
        _BUILT[values] = st.sampled_from(values)
    return _BUILT[values]


amounts = of("0", "0.5", "1", "2.345", "0.333", "7", "150.505", "20000")
shares = of("0", "0.001", "1.25", "10", "12.5", "100")


_STARTS = st.sets(of("0.25", "0.5", "0.795", "0.8", "1"))
_LADDERS = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=3)
_TURNS = st.sets(of(1, 2, 4, 9), min_size=1)
_MONTHLY: Table = {"kind": "calendar_month", "reset": "period"}
_COUNTED = st.sampled_from(
    [
        *[_MONTHLY] * 3,
        {"kind": "rolling_months", "reset": "never", "months": 2},
        {"kind": "contract_year", "reset": "period"},
    ]
)


@cache
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
def tariffs(draw: st.DrawFn, unit: str, *, is_pointed: bool = False) -> Table:
    """Draw a tariff that fits a measure of the unit, in points where it is asked."""
    kind = draw(of(*(kind for kind in KINDS[unit] if kind in POINTED or not is_pointed)))
    currency = "pts" if is_pointed else draw(of("CLP", "UTM"))
    match kind:
        case "range":
            least, most = sorted(draw(st.tuples(amounts, amounts)), key=Fraction)
            return {"kind": kind, "min": least, "max": most, "unit": currency}
        case "planned_share":
            excused = draw(of("done", "out_of_plan"))
            return {"kind": kind, "base": "monthly-fee", "unit": "CLP", "excused": excused}
        case "per_time":
            said = {"time": of("PT1H", "PT40M"), "of": of("excess", "whole")}
            count = draw(of("started", "completed", "exact"))
            drawn: Table = {name: draw(values) for name, values in said.items()}
            return {"kind": kind, "amount": draw(dated(amounts)), "unit": currency, "count": count, **drawn}
        case "band":
            starts = sorted(draw(_STARTS), reverse=True)
            pcts = draw(st.lists(shares, min_size=len(starts) + 1, max_size=len(starts) + 1))
            rows = zip([*starts, "0"], sorted(pcts, key=Fraction), strict=True)
            bands = [{"from": start, "pct": pct} for start, pct in rows]
            return {"kind": kind, "bands": bands, "base": "monthly-fee", "unit": "CLP"}
        case "nth":
            ladders = draw(_LADDERS)
            first, later = (sorted(column, key=Fraction) for column in zip(*ladders, strict=True))
            rows = zip(first, later, strict=True)
            changing = [[{"value": one}, {"value": other, "from": date(2026, 9, 10)}] for one, other in rows]
            key = draw(of("contract", "zone", "asset"))
            return {"kind": kind, "amounts": draw(st.sampled_from([first, changing])), "key": key, "unit": currency}
        case _:
            return {"kind": kind, "amount": draw(dated(amounts)), "unit": currency}


@st.composite
def caps(draw: st.DrawFn, *, carries: bool) -> Table:
    """Draw a cap: a percentage of a base sum, or a sum."""
    cap: Table = {"per": draw(of("month", "zone_month", "event"))}
    if draw(st.booleans()):
        cap |= {"pct": draw(dated(shares)), "base": "monthly-fee"}
    else:
        cap["amount"] = draw(dated(amounts))
    if carries and cap["per"] != "event" and draw(st.booleans()):
        cap["carry_over"] = "next_month"
    return cap


@st.composite
def repeats(draw: st.DrawFn) -> Table:
    """Draw what makes events dearer that come again."""
    starts = sorted(draw(_TURNS))
    factors = sorted(draw(of("1", "1.5", "2", "3")) for _ in starts)
    steps = [{"from": start, "multiplier": factor} for start, factor in zip(starts, factors, strict=True)]
    hits = draw(of("later", "graded", "top"))
    return {"per": draw(of("contract", "zone", "asset")), "steps": steps, "hits": hits}


@st.composite
def consequences(
    draw: st.DrawFn,
    unit: str,
    *,
    has_cap: bool = True,
    carries: bool = False,
    account: str = "",
    bonuses: bool = False,
) -> list[Table]:
    """Draw one consequence, or one of each nature; those of an account's nature may be in its points."""
    found: list[Table] = []
    pairs = of(("price",), ("fine",), ("price", "fine"), ("fine", "price"), ("damages",), ("credit", "damages"))
    for nature in draw(pairs):
        is_pointed = nature == account and draw(st.booleans())
        one: Table = {"nature": nature, "tariff": draw(tariffs(unit, is_pointed=is_pointed))}
        if draw(st.integers(0, 3)) == 0:
            one["repeat"] = draw(repeats())
        if draw(st.booleans()):
            per = draw(of("contract", "zone", "asset"))
            one["allowance"] = {"free": draw(dated(of("0", "1", "3"))), "per": per}
        if has_cap and not is_pointed and draw(st.booleans()):
            one["cap"] = draw(caps(carries=carries))
        found.append(one)
    if len(found) > 1:
        found[0]["beside"] = "23"
    if bonuses and draw(st.integers(0, 3)) == 0:
        kind = draw(of("per_event", "per_unit", "nth") if unit == "count" else of("per_event", "nth"))
        ladder: Table = {"amounts": ["1", "20"], "key": "zone"} if kind == "nth" else {"amount": draw(dated(amounts))}
        bonus: Table = {"nature": "price", "on": "met", "tariff": {"kind": kind, "unit": "CLP", **ladder}}
        if has_cap and draw(st.booleans()):
            bonus["cap"] = draw(caps(carries=False))
        found.append(bonus)
    return found


@st.composite
def tables(
    draw: st.DrawFn,
    *,
    bearer: str | None = None,
    has_cap: bool = True,
    orders: Sequence[tuple[str, ...]] = ORDERS,
    policies: Sequence[str] = (),
    is_shared: bool = True,
    bonuses: bool = False,
) -> Table:
    """Draw a contract that loads; `is_shared` where standards may share accounts and caps, or multiply.

    With `bonuses`, some standards pay where they are met.
    """
    who = bearer or draw(of("city", "contractor", "mixed"))
    chosen = list(policies) or [
        "by_cause",
        "hold",
        *{"city": ["no_deduction"], "contractor": ["deduct"]}.get(who, []),
    ]
    keep, across = draw(of("highest", "sum")), draw(of("", "", "natures"))
    account = draw(of("", "", "price", "fine")) if is_shared else ""
    standards: list[Table] = []
    for n in range(draw(st.integers(1, 3))):
        unit, policy = draw(of("us", "us", "ppm", "count")), draw(of(*chosen))
        overlap = {"group": draw(of("none", "asset_day")), "keep": keep}
        if across:
            overlap["across"] = across
        # Points compare with points alone, and are not held.
        is_free = overlap["group"] == "none" and policy != "hold"
        pointed = account if is_free else ""
        found = draw(consequences(unit, has_cap=has_cap, carries=policy != "hold", account=pointed, bonuses=bonuses))
        if not is_shared:
            found = [{name: part for name, part in one.items() if name != "repeat"} for one in found]
        said: Table = {"id": f"s{n}", "count_window": draw(_COUNTED), "inconclusive": policy, "overlap": overlap}
        standards.append(standard_of(unit, consequence=found, **said))
    table = contract_table(*standards, bearer="city" if who == "mixed" else who)
    if who == "mixed":
        table["evidence"]["gap_bearer"]["operator_off"] = "contractor"
    if account:
        table["points"] = [draw(accounts(account))]
    if draw(st.booleans()):
        covers = draw(of("touched", "contained"))
        table["relief"] = [{"code": "road_closed", "clause": "20", "effect": "spares_deduction", "covers": covers}]
        table["relief"].append({**table["relief"][0], "code": "force_majeure", "effect": "bars_termination"})
    if draw(st.integers(0, 3)) == 0:
        counts = draw(st.booleans())
        table["bedding_in"] = {"until": date(2026, 9, 10), "clause": "21", "counts_for_triggers": counts}
    if has_cap and is_shared and draw(st.booleans()):
        drawn = [["price"], ["fine", "damages"], ["price", "fine", "credit"]]
        found = [one for standard in standards for one in standard["consequence"]]
        carried = {one["nature"] for one in found if "carry_over" in one.get("cap", {})}
        natures = draw(st.sampled_from([*(some for some in drawn if not carried & set(some)), ["retention"]]))
        per = draw(of("month", "half_year", "contract_year", "contract"))
        cap: Table = {"id": "whole", "clause": "22", "natures": natures, "per": per}
        shares = [{"pct": "10", "base": "monthly-fee", "of": of} for of in ("month", "span")]
        cap |= draw(st.sampled_from([*shares, {"amount": "20000"}, {"amount": "30.5"}]))
        table["total_cap"] = [cap]
    if is_shared and draw(st.integers(0, 3)) == 0:
        table["money"] |= draw(_little(standards))
    order = draw(of(*_loading(orders, standards, keep)))
    table["money"]["order"] = draw(_extended(order, table, keep))
    table["money"]["rounding"] = {
        "mode": draw(of("half_up", "half_even", "down")),
        "step": draw(of("1", "10", "0.01", "0.5", "3")),
        "at": draw(of("line", "total")),
    }
    table["base"] = draw(_bases())
    return table


@st.composite
def _little(draw: st.DrawFn, standards: Sequence[Table]) -> Table:
    """Draw a limit below which some natures together are not charged; nothing where caps carry them over."""
    found = [one for standard in standards for one in standard["consequence"]]
    carried = {one["nature"] for one in found if "carry_over" in one.get("cap", {})}
    every = {"price", "fine", "damages", "credit"}
    is_across = any("across" in standard["overlap"] for standard in standards)
    drawn = [every] if is_across else [every, {"price"}, {"fine", "damages"}]
    natures = [sorted(some) for some in drawn if not carried & some]
    if not natures:
        return {}
    amount = draw(of("0.5", "3", "20", "300.5", "20000"))
    return {"de_minimis": {"amount": amount, "natures": draw(st.sampled_from(natures)), "clause": "24"}}


@st.composite
def _bases(draw: st.DrawFn) -> list[Table]:
    """Draw one base sum or two; the first may change within the month."""
    found = [{"id": "monthly-fee", "amount": draw(of("1005", "1479000.45")), "clause": "7"}]
    if draw(st.integers(0, 3)) == 0:
        found[0] |= draw(_split())
    if draw(st.booleans()):
        found.append({"id": "extra", "amount": draw(amounts), "clause": "8"})
    return found


@st.composite
def _split(draw: st.DrawFn) -> Table:
    """Draw a base sum that changes within the month, and how its parts weigh."""
    kind = draw(of("none", "days", "working_days"))
    later = date(2026, 9, draw(st.integers(2, 30)))
    said: Table = {"pro_rata": kind, "amount": [{"value": draw(amounts)}, {"value": "1479000.45", "from": later}]}
    if kind == "working_days":
        said["working_days"] = {"days": draw(st.sampled_from([["mon", "tue", "wed", "thu", "fri"], ["sun"]]))}
    return said


@st.composite
def accounts(draw: st.DrawFn, nature: str) -> Table:
    """Draw a points account."""
    money: Table = {"amount": draw(amounts), "unit": draw(of("CLP", "UTM"))}
    match draw(of("linear", "bands", "ratchet")):
        case "linear":
            money["kind"] = "linear"
        case "bands":
            money |= {"kind": "bands", "band": draw(of("1", "2.5", "7"))}
        case _:
            factors = sorted(draw(st.lists(of("0", "1", "1.2", "3"), min_size=3, max_size=3)))
            slices = [{"above": a, "multiplier": m} for a, m in zip(["0", "2", "7.5"], factors, strict=True)]
            money |= {"kind": "ratchet", "slices": slices, "hits": draw(of("slice", "whole"))}
    free = draw(of("0", "2", "5"))
    return {"id": "pts", "clause": "9", "nature": nature, "free": free, "to_money": money}


@st.composite
def _extended(draw: st.DrawFn, order: tuple[str, ...], table: Table, keep: str) -> list[str]:
    """Put the steps that only some terms need where the terms load."""
    found = [one for standard in table["standard"] for one in standard["consequence"]]
    steps = list(order)
    if any("repeat" in one for one in found):
        carries = any("carry_over" in one.get("cap", {}) for one in found)
        last = steps.index("overlap") if keep == "highest" else steps.index("cap" if carries else "round")
        first = steps.index("tariff") + 1
        if last < first:
            # What comes again is counted before others absorb it.
            steps.remove("overlap")
            first = last = steps.index("tariff") + 1
            steps.insert(first, "overlap")
        last = min(last, steps.index("index")) if "bedding_in" in table else last
        steps.insert(draw(st.integers(first, max(first, last))), "repeat")
    if "bedding_in" in table:
        first = max(steps.index(one) for one in ("tariff", "repeat") if one in steps) + 1
        steps.insert(draw(st.integers(first, max(first, steps.index("index")))), "bedding_in")
    for step in ("points", "de_minimis", "total_cap"):
        if step in {**table, **table["money"]}:
            steps.insert(len(steps) - 1, step)
    return (["relief"] if "relief" in table else []) + steps


@st.composite
def reliefs(draw: st.DrawFn, terms: Terms, period: str = PERIOD) -> list[Relief]:
    """Draw reliefs that were granted; terms without codes have none."""
    found: list[Relief] = []
    codes = [one.code for one in terms.file.relief]
    for n in range(draw(st.integers(0, 3)) if codes else 0):
        start_us = utc_us(f"{period}-01T00:00-03:00") + draw(st.integers(0, 700)) * HOUR_US
        found.append(
            Relief(
                id=f"R-{n}",
                code=draw(of(*codes)),
                since_us=start_us,
                until_us=start_us + draw(st.integers(1, 200)) * HOUR_US,
                number="7",
                date=f"{period}-28",
                signer="ana",
                reason="works",
                standards=draw(of((), ("s0",), ("s0", "s1"))),
                zones=draw(of((), (), ("VP-02",))),
                subjects=draw(of((), (), ("C-1",))),
            )
        )
    return found


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
    found: list[Determination] = []
    for name, subject, day in draw(_places(tuple(sorted(standards)), size)):
        bounds = draw(_bounds(standards[name].measure.unit))
        verdict = judged(standards[name], bounds)
        # Too few readings conclude nothing, whatever the bounds.
        verdict = draw(of(verdict, verdict, verdict, Verdict.INCONCLUSIVE))
        found.append(determined(terms, standards[name], (subject, f"{period}-{day:02}"), bounds, verdict))
    return found


@cache
def _places(standards: tuple[str, ...], size: int) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    """Draw standards, subjects and days, each opportunity once."""
    place = st.tuples(of(*standards), of(*sorted(ZONES)), of(1, 2, 9, 14, 15, 28))
    return st.lists(place, unique=True, max_size=size)


@cache
def _bounds(unit: Unit) -> st.SearchStrategy[tuple[int, int, int]]:
    """Draw proven, borne and possible around the target."""
    target, most = TARGETS[unit], MOST[unit]
    near = of(target - 1, target, target + 1, target + MISSES[unit], target - MISSES[unit])
    value = near | st.integers(0, most)

    def in_order(values: tuple[int, int, int]) -> tuple[int, int, int]:
        least, middle, greatest = sorted(values)
        return least, middle, greatest

    return st.tuples(value, value, value).map(in_order)
