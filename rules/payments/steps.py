"""Steps from verdicts to money, each a function over the month's charges, run in the order that the terms declare.

Every step leaves a trace on the charges it looks at: what came in, which number of the terms it used, what went out.
Charges are always taken in the order of time, so the order in which determinations arrive decides nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, assert_never

from rules.calendar import month_days, month_of
from rules.consequences import Cap, NthTariff, PlanTariff, Repeat, RepeatStep
from rules.contract import Step, Terms
from rules.instruments import ReliefCode, TotalCap
from rules.numbers import Dated, dated_on, rounded, value_on
from rules.payments.bases import agreed, base_amount, base_of, index_value, last_known
from rules.payments.charges import Charge, ChargeState, Month, Sum, parameter
from rules.payments.history import span_of
from rules.payments.money import written
from rules.payments.points import fill_accounts
from rules.payments.tariffs import Among, price
from rules.records import Determination, Relief

_NOTHING = Fraction(0)
# What shares a cap, and the most that it may cost.
_Limit = tuple[tuple[str, int, str], Fraction]


def run_steps(month: Month) -> None:
    """Run the terms' steps, in their order, on the charges of a period.

    Parameters
    ----------
    month : Month
        Changed in place.
    """
    charges = month.charges
    for step in month.terms.file.money.order:
        # A held sum awaits an act: it compares with nothing, and takes what a cap leaves it. It uses up an allowance,
        # or makes the next event a second one, only where the contractor bears the doubt: else silence about a cheap
        # event would free a dear one.
        certain = [charge for charge in charges if charge.state == ChargeState.CHARGED]
        held = [charge for charge in charges if charge.state == ChargeState.HELD]
        counted = [charge for charge in held if charge.is_counted]
        match step:
            case Step.OVERLAP:
                taken = certain
            case Step.ALLOWANCE:
                taken = sorted([*certain, *counted], key=lambda charge: charge.order)
            case _:
                taken = certain + held
        _STEPS[step](month, taken)


def _relief(month: Month, charges: list[Charge]) -> None:
    """Excuse what a granted relief covers; a check that leaves the plan for it is counted."""
    codes = {one.code: one for one in month.terms.file.relief if one.effect == "spares_deduction"}
    excused: set[str] = set()
    for charge in charges:
        if charge.is_bonus:
            continue
        found = [one for one in month.reliefs if one.code in codes and _covers(codes[one.code], one, charge)]
        if found:
            one = min(found, key=lambda relief: relief.id)
            before = charge.amount
            charge.close(ChargeState.RELIEVED)
            said = {"relief": one.id, "code": one.code, "number": one.number, "date": one.date, "signer": one.signer}
            charge.note(Step.RELIEF, before, {**said, "clause": codes[one.code].clause.article})
            if charge.determination.opportunity not in excused:
                excused.add(charge.determination.opportunity)
                name = charge.standard.id
                month.excused[name] = month.excused.get(name, 0) + 1


def _covers(code: ReliefCode, relief: Relief, charge: Charge) -> bool:
    one = charge.determination
    scopes = ((relief.standards, one.standard), (relief.zones, one.zone), (relief.subjects, one.subject))
    return all(not named or name in named for named, name in scopes) and in_span(code, relief, one)


def in_span(code: ReliefCode, relief: Relief, one: Determination) -> bool:
    """Whether a relief's span covers a check's window as its code asks.

    Parameters
    ----------
    code : ReliefCode
    relief : Relief
    one : Determination
    """
    if code.covers == "contained":
        return relief.since_us <= one.window_start_us and one.window_end_us <= relief.until_us
    return relief.since_us < one.window_end_us and one.window_start_us < relief.until_us


def _overlap(month: Month, charges: list[Charge]) -> None:
    """Of a group's facts keep the dearest of each nature, or of all; the others are absorbed and name it."""
    groups: defaultdict[tuple[str, str, str], list[Charge]] = defaultdict(list)
    for charge in charges:
        overlap = charge.standard.overlap
        if overlap.group == "asset_day" and overlap.keep == "highest":
            one = charge.determination
            if charge.is_bonus:
                continue
            nature = "" if overlap.across == "natures" else charge.consequence.nature.value
            groups[one.subject, one.day, nature].append(charge)
    for group in groups.values():
        kept = max(
            group, key=lambda charge: (_worth(month, charge), [-n for n in charge.order[:1]], charge.place == 0)
        )
        for charge in group:
            if charge is not kept:
                before = charge.amount
                charge.close(ChargeState.ABSORBED)
                charge.note(Step.OVERLAP, before, {"absorbed_by": kept.determination.id})


def _worth(month: Month, charge: Charge) -> Fraction:
    """What a charge would cost; where the cap stands before, what the cap left of it."""
    order = month.terms.file.money.order
    done = order[: order.index(Step.OVERLAP)]
    if Step.INDEX in done or Step.CAP in done:
        return charge.amount
    tariff = charge.consequence.tariff
    # Before the tariff no event has its number; the linter refuses a tariff that needs one.
    is_priced = Step.TARIFF in done
    among = Among(planned=month.planned[charge.standard.id])
    amount = charge.amount if is_priced else price(month.terms, tariff, charge.determination, among).amount
    # Points compare with points alone: the linter sees to it.
    is_points = month.terms.account(tariff.unit) is not None
    return amount if is_points else amount * index_value(month.terms, tariff.unit, charge.day)


def _allowance(month: Month, charges: list[Charge]) -> None:
    """Leave the first events of the count window free."""
    for charge in charges:
        allowance = charge.consequence.allowance
        if allowance is None:
            continue
        key = charge.counter(Step.ALLOWANCE, allowance.per)
        month.counted[key] += 1
        event = month.counted[key] + month.counted_before.get(key, 0)
        if event <= value_on(allowance.free, charge.day):
            before = charge.amount
            charge.close(ChargeState.FREE)
            number = parameter(month.terms, charge.standard, dated_on(allowance.free, charge.day), "event")
            detail = {"parameter": number, "event": event, "per": allowance.per}
            charge.note(Step.ALLOWANCE, before, detail)


def _tariff(month: Month, charges: list[Charge]) -> None:
    # In the order of time, held ones among the certain: a tariff may ask which event of the month it is.
    for charge in sorted(charges, key=lambda charge: charge.order):
        tariff, before, name = charge.consequence.tariff, charge.amount, charge.standard.id
        key = charge.counter(Step.TARIFF, tariff.key if isinstance(tariff, NthTariff) else "contract")
        occurrence = month.counted[key] + month.counted_before.get(key, 0) + 1
        is_less = isinstance(tariff, PlanTariff) and tariff.excused == "out_of_plan"
        excused = month.excused.get(name, 0) if is_less else 0
        planned = month.planned[name] - (0 if name in month.in_plan else excused)
        choice = month.choices.get((charge.determination.opportunity, charge.consequence.nature))
        found = price(month.terms, tariff, charge.determination, Among(occurrence, planned, choice, charge.is_bonus))
        month.counted[key] += charge.is_counted
        charge.amount = found.amount
        number = parameter(month.terms, charge.standard, found.number, found.unit)
        stay = {"stay_in_plan": excused} if excused and name in month.in_plan else {}
        charge.note(Step.TARIFF, before, {"parameter": number, **found.detail, **stay})


def _repeat(month: Month, charges: list[Charge]) -> None:
    """Multiply events that come again: those from a number on, or earlier ones too, as the terms say."""
    taken = sorted((one for one in charges if one.consequence.repeat), key=lambda charge: charge.order)
    totals = Counter(_repeated(charge) for charge in taken if charge.is_counted)
    for charge in taken:
        repeat, key, before = charge.consequence.repeat, _repeated(charge), charge.amount
        earlier = month.counted_before.get(key, 0)
        occurrence = month.counted[key] + earlier + 1
        total = max(totals[key] + earlier, occurrence)
        month.counted[key] += charge.is_counted
        if repeat and (step := _step_of(repeat, occurrence, total)):
            charge.amount *= Fraction(step.multiplier)
            number = Dated.model_validate({"value": str(step.multiplier), "clause": step.clause})
            detail = {"event": occurrence, "events": total, "from": step.since, "hits": repeat.hits}
            said = parameter(month.terms, charge.standard, number, "times")
            charge.note(Step.REPEAT, before, {"parameter": said, "per": repeat.per, **detail})


def _repeated(charge: Charge) -> str:
    return charge.counter(Step.REPEAT, charge.consequence.repeat.per if charge.consequence.repeat else "contract")


def _step_of(repeat: Repeat, occurrence: int, total: int) -> RepeatStep | None:
    """Which step an event falls under, none where it costs what the tariff says."""
    match repeat.hits:
        case "later":
            reached = occurrence
        case "graded":
            # Once the first step is reached, the events before it are of it too.
            reached = max(occurrence, min(total, repeat.steps[0].since))
        case "top":
            reached = total
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
    return next((step for step in reversed(repeat.steps) if step.since <= reached), None)


def _bedding_in(month: Month, charges: list[Charge]) -> None:
    """State what would have been charged in the first months, and charge nothing."""
    bedding = month.terms.file.bedding_in
    for charge in charges:
        if bedding and charge.day < bedding.until:
            before, unit = charge.amount, charge.consequence.tariff.unit
            charge.points = before if month.terms.account(unit) else _NOTHING
            charge.close(ChargeState.SHADOW)
            detail = {"until": bedding.until.isoformat(), "clause": bedding.clause.article, "unit": unit}
            charge.note(Step.BEDDING_IN, before, detail)


def _index(month: Month, charges: list[Charge]) -> None:
    for charge in charges:
        unit = charge.consequence.tariff.unit
        if unit == month.terms.file.money.currency or month.terms.account(unit):
            continue
        before, said = charge.amount, {"series": unit, "month": month_of(charge.day)}
        if not charge.consequence.nature.is_settled and month.terms.index_month(unit) != "fact":
            # Its month is not known before an act: until then the last value that is known stands for it.
            said["month"] = last_known(month.terms, unit, said["month"])
            said["until"] = month.terms.index_month(unit)
        value = index_value(month.terms, unit, month_days(said["month"])[0])
        charge.amount *= value
        charge.note(Step.INDEX, before, {**said, "value": written(value)})


def limit_on(terms: Terms, cap: Cap | TotalCap, day: date) -> Fraction:
    """Most that a consequence may cost by the percentage, or the sum, of a day. [currency].

    Parameters
    ----------
    terms : Terms
    cap : Cap or TotalCap
    day : date

    Raises
    ------
    CalculationError
        When the terms have no such base sum.
    """
    if cap.amount is not None:
        return value_on(cap.amount, day)
    if isinstance(cap, TotalCap) and cap.of == "span":
        # As agreed: what indexes will make of later months nobody knows, and the room must not change with them.
        base, months = base_of(terms, cap.base), span_of(terms, cap.per, month_of(day))
        sums = (agreed(terms, base, month_days(month)[0])[0] for month in months)
        return sum(sums, _NOTHING) * value_on(cap.pct or (), day) / 100
    # The base sum is that of the month, as its line pays it; the linter asks for a percentage where no sum is said.
    return base_amount(terms, cap.base, day) * value_on(cap.pct or (), day) / 100


def _limit(month: Month, charge: Charge, cap: Cap) -> _Limit:
    """What shares a cap, and the most that it may cost."""
    shares = {"month": "", "zone_month": charge.determination.zone, "event": charge.determination.opportunity}
    return (charge.standard.id, charge.place, shares[cap.per]), limit_on(month.terms, cap, charge.day)


def _cap_parameter(month: Month, charge: Charge, cap: Cap) -> Mapping[str, Any]:
    numbers, unit = (cap.amount, month.terms.file.money.currency) if cap.amount else (cap.pct or (), "percent")
    return parameter(month.terms, charge.standard, dated_on(numbers, charge.day), unit)


def _cap(month: Month, charges: list[Charge]) -> None:
    """Charge in the order of time until the cap of the period is reached."""
    spent: defaultdict[tuple[str, int, str], Fraction] = defaultdict(Fraction)
    for charge in charges:
        cap = charge.consequence.cap
        if cap is None:
            continue
        key, limit = _limit(month, charge, cap)
        # A cap lowered within the month may be spent already; what was charged before is not given back.
        before, left = charge.amount, max(limit - spent[key], _NOTHING)
        if before > left:
            detail: dict[str, Any] = {"limit": written(limit), "base": cap.base, "per": cap.per}
            # What is held would be no debt yet: the linter refuses to carry it over.
            if cap.carry_over == "next_month":
                charge.cut = before - left
                detail["carried"] = written(charge.cut)
            charge.amount = left
            charge.state = ChargeState.CAPPED if left == 0 else charge.state
            charge.note(Step.CAP, before, {**detail, "parameter": _cap_parameter(month, charge, cap)})
        spent[key] += charge.amount


def _total_cap(month: Month, charges: list[Charge]) -> None:
    """Charge, events in the order of time and then the accounts, until a cap on the whole is reached."""
    for cap in month.terms.file.total_cap:
        limit, spent = limit_on(month.terms, cap, month.first), month.spent.get(cap.id, _NOTHING)
        before_month = spent
        charged: list[Charge | Sum] = [
            one for one in charges if one.consequence.nature in cap.natures and not one.is_bonus
        ]
        charged += [one for one in month.sums if one.account.nature in cap.natures]
        for one in charged:
            before, left = one.amount, max(limit - spent, _NOTHING)
            if before > left:
                one.amount = left
                if isinstance(one, Charge) and left == 0:
                    one.state = ChargeState.CAPPED
                detail = {"limit": written(limit), "cap": cap.id, "per": cap.per, "spent": written(before_month)}
                one.note(Step.TOTAL_CAP, before, {**detail, "clause": cap.clause.article})
            spent += one.amount
        month.capped[cap.id] = spent - before_month


def _points(month: Month, charges: list[Charge]) -> None:
    month.sums += fill_accounts(month, charges)


def _de_minimis(month: Month, charges: list[Charge]) -> None:
    """Leave off a month's sums that together are too little to be charged; what reaches the limit is charged whole.

    What is held by a doubt of the city's does not lift the others to the limit.
    """
    small = month.terms.file.money.de_minimis
    if small is None:
        return
    taken: list[Charge | Sum] = [
        one for one in charges if one.consequence.nature in small.natures and not one.is_bonus
    ]
    taken += [one for one in month.sums if one.account.nature in small.natures]
    limit, whole = value_on(small.amount, month.first), sum((one.amount for one in taken), _NOTHING)
    sure = sum((one.amount for one in taken if not _is_citys_doubt(one)), _NOTHING)
    for one in taken:
        total, before = whole if _is_citys_doubt(one) else sure, one.amount
        if before and total < limit:
            month.spared.append(before)
            one.close(ChargeState.DE_MINIMIS)
            detail = {"sum": written(total), "limit": written(limit), "clause": small.clause.article}
            one.note(Step.DE_MINIMIS, before, detail)


def _is_citys_doubt(one: Charge | Sum) -> bool:
    return isinstance(one, Charge) and one.state == ChargeState.HELD and not one.is_counted


def _round(month: Month, charges: list[Charge]) -> None:
    """Round each line where the terms say so; what rounding up would add beyond a cap is left off."""
    rounding = month.terms.file.money.rounding
    if rounding.at != "line":
        return
    spent: defaultdict[tuple[str, int, str], Fraction] = defaultdict(Fraction)
    for one in (*charges, *month.sums):
        before, day = one.amount, one.day if isinstance(one, Charge) else month.first
        step = value_on(rounding.step, day)
        one.amount = rounded(before, step, rounding.mode)
        for key, limit in _limits(month, one):
            one.amount = min(one.amount, rounded(max(limit - spent[key], _NOTHING), step, "down"))
        for key, _ in _limits(month, one):
            spent[key] += one.amount
        if one.amount != before:
            one.note(Step.ROUND, before, {"mode": rounding.mode, "unit": month.terms.file.money.currency})
    for cap in month.terms.file.total_cap:
        month.capped[cap.id] = spent[cap.id, -1, ""]


def _limits(month: Month, one: Charge | Sum) -> list[_Limit]:
    """All caps that a charge falls under, less what earlier months have spent of them."""
    found: list[_Limit] = []
    if isinstance(one, Charge) and (cap := one.consequence.cap) and _is_last(month, one):
        found.append(_limit(month, one, cap))
    if isinstance(one, Charge) and one.is_bonus:
        return found
    nature = one.consequence.nature if isinstance(one, Charge) else one.account.nature
    for cap in month.terms.file.total_cap:
        if nature in cap.natures:
            left = limit_on(month.terms, cap, month.first) - month.spent.get(cap.id, _NOTHING)
            found.append(((cap.id, -1, ""), left))
    return found


def _is_last(month: Month, charge: Charge) -> bool:
    """Whether the cap holds for what is charged in the end: terms may multiply after it."""
    order = month.terms.file.money.order
    return charge.consequence.repeat is None or order.index(Step.REPEAT) < order.index(Step.CAP)


_STEPS: dict[Step, Callable[[Month, list[Charge]], None]] = {
    Step.RELIEF: _relief,
    Step.OVERLAP: _overlap,
    Step.ALLOWANCE: _allowance,
    Step.TARIFF: _tariff,
    Step.REPEAT: _repeat,
    Step.BEDDING_IN: _bedding_in,
    Step.INDEX: _index,
    Step.CAP: _cap,
    Step.POINTS: _points,
    Step.DE_MINIMIS: _de_minimis,
    Step.TOTAL_CAP: _total_cap,
    Step.ROUND: _round,
}
