"""Triggers: sums over months whose passing is a ground for a notice, and caps nearly used up. Never money."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from rules.calendar import month_days
from rules.contract import Terms
from rules.instruments import TotalCap, Trigger
from rules.numbers import dated_on, value_on
from rules.payments.charges import parameter
from rules.payments.history import History, last_day, months_until, span_of, spent_before, total
from rules.payments.money import read, written
from rules.payments.steps import limit_on
from rules.records import Relief


def notices(terms: Terms, history: History, period: str, reliefs: Iterable[Relief]) -> list[dict[str, Any]]:
    """Find which notices the month gives ground for.

    Parameters
    ----------
    terms : Terms
    history : mapping
        This month in it.
    period : str
    reliefs : iterable of Relief
        Those that bar a termination stand beside the notice.

    Returns
    -------
    list of dict
        Codes and numbers: which trigger, sum, limit, months, clause, by which reliefs it is barred.
    """
    granted = list(reliefs)
    found = [_notice(terms, trigger, history, period, granted) for trigger in terms.file.trigger]
    warned = [_warning(terms, cap, history, period, granted) for cap in terms.file.total_cap]
    return [one for one in (*found, *warned) if one]


def _notice(
    terms: Terms, trigger: Trigger, history: History, period: str, reliefs: list[Relief]
) -> dict[str, Any] | None:
    months = months_until(period, trigger.months)
    kind = "points" if terms.account(trigger.of) else "not_met"
    reached, day = total(history, kind, trigger.of, months), last_day(period)
    limit = value_on(trigger.value, day)
    if not (reached > limit or (trigger.op == ">=" and reached == limit)):
        return None
    return {
        "trigger": trigger.id,
        "notice": trigger.notice,
        "of": trigger.of,
        "sum": written(reached),
        "op": trigger.op,
        "limit": parameter(terms, trigger.clause, dated_on(trigger.value, day), kind),
        "months": [month for month in months if month in history],
        "barred_by": _barred(terms, reliefs, months) if trigger.notice == "termination" else [],
    }


def _barred(terms: Terms, reliefs: list[Relief], months: list[str]) -> list[str]:
    """Reliefs that bar a termination on what happened in some months."""
    barring = {one.code for one in terms.file.relief if one.effect == "bars_termination"}
    return sorted(one.id for one in reliefs if one.code in barring and _touches(terms, one, months))


def _touches(terms: Terms, relief: Relief, months: list[str]) -> bool:
    zone = terms.zone
    begun, ended = month_days(months[0])[0], month_days(months[-1])[1]
    return relief.since_us < zone.midnight(ended) and zone.midnight(begun) < relief.until_us


def _warning(
    terms: Terms, cap: TotalCap, history: History, period: str, reliefs: list[Relief]
) -> dict[str, Any] | None:
    """A cap on the whole of which a share is used up this month that was not before; the highest such share."""
    first = month_days(period)[0]
    before = spent_before(terms, history, period)[cap.id]
    limit = limit_on(terms, cap, first)
    now = before + read(history.get(period, {}).get("total_cap", {}).get(cap.id, "0"))
    shares = [*(value_on(one, first) for one in cap.warn_at), *([Fraction(1)] if cap.reached else [])]
    reached = [share for share in shares if before < share * limit <= now]
    if not reached:
        return None
    share = max(reached)
    kind = cap.reached or "warning" if share == 1 else "warning"
    barred = _barred(terms, reliefs, span_of(terms, cap.per, period)) if kind == "termination" else []
    return {
        "trigger": cap.id,
        "notice": kind,
        "of": "total_cap",
        "sum": written(now),
        "share": written(share),
        "limit": {"value": written(limit), "unit": terms.file.money.currency, "clause": cap.clause.article},
        "per": cap.per,
        **({"barred_by": barred} if kind == "termination" else {}),
    }
