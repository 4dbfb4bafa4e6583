"""What a contract remembers from month to month: points, events, what caps on the whole took, what was retained.

The history is part of the closing state. A month that is settled again is remembered as it is known now.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction

from rules.calendar import month_days, month_of, previous_month
from rules.consequences import CountWindow
from rules.contract import Terms
from rules.payments.money import read

# Month to kind (`points`, `not_met`, `total_cap`, `score`, `retained`, `counts`) to name to what there was.
History = Mapping[str, Mapping[str, Mapping[str, str]]]


def remembered(history: History) -> dict[str, dict[str, dict[str, str]]]:
    """Leave out what there is nothing of, so that terms without such clauses remember nothing.

    Parameters
    ----------
    history : mapping
    """
    found: dict[str, dict[str, dict[str, str]]] = {}
    for month in sorted(history):
        kinds = {kind: dict(names) for kind, names in history[month].items() if names}
        if kinds:
            found[month] = kinds
    return found


def spent_before(terms: Terms, history: History, period: str) -> dict[str, Fraction]:
    """What months before one have charged under each cap on the whole, since its span began. [currency].

    Parameters
    ----------
    terms : Terms
    history : mapping
    period : str
    """
    return {
        cap.id: sum(
            (
                read(history[month].get("total_cap", {}).get(cap.id, "0"))
                for month in span_of(terms, cap.per, period)
                if month in history and month < period
            ),
            Fraction(0),
        )
        for cap in terms.file.total_cap
    }


def span_of(terms: Terms, per: str, period: str) -> list[str]:
    """All months that share a span with one, as far as the terms hold; counted from the contract's first.

    Parameters
    ----------
    terms : Terms
    per : str
        `month`, `half_year`, `contract_year` or `contract`.
    period : str
    """
    first, last = month_of(terms.begun), previous_month(month_of(terms.file.contract.effective.until))
    elapsed, held = months_between(first, period), months_between(first, last) + 1
    length = {"month": 1, "half_year": 6, "contract_year": 12, "contract": held}[per]
    begun = elapsed - elapsed % length
    return months_until(last, held)[begun : begun + length]


def counted_before(terms: Terms, history: History, period: str) -> Counter[str]:
    """Events of months before one that still count in it, by step, standard, consequence and what they count for.

    Parameters
    ----------
    terms : Terms
    history : mapping
    period : str
    """
    found: Counter[str] = Counter()
    for standard in terms.file.standard:
        for month in earlier_months(terms, standard.count_window, period):
            for name, count in history.get(month, {}).get("counts", {}).items():
                if name.split("/")[1] == standard.id:
                    found[name] += int(count)
    return found


def earlier_months(terms: Terms, window: CountWindow, period: str) -> list[str]:
    """Months before one whose events count with its own.

    Parameters
    ----------
    terms : Terms
    window : CountWindow
    period : str
    """
    match window.kind:
        case "calendar_month":
            return []
        case "rolling_months":
            return months_until(period, window.months or 1)[:-1]
        case "contract_year" | "contract":
            return [month for month in span_of(terms, window.kind, period) if month < period]


def months_between(first: str, last: str) -> int:
    """How many months lie from one to another; nought for the same.

    Parameters
    ----------
    first, last : str
        For example `2026-09`.
    """
    begun, ended = month_days(first)[0], month_days(last)[0]
    return (ended.year - begun.year) * 12 + ended.month - begun.month


def months_until(period: str, count: int) -> list[str]:
    """So many months that follow each other, the last of them a given one.

    Parameters
    ----------
    period : str
    count : int
    """
    found = [period]
    while len(found) < count:
        found.append(previous_month(found[-1]))
    return found[::-1]


def last_day(period: str) -> date:
    """Last local day of a month."""
    return month_days(period)[1] - timedelta(days=1)


def total(history: History, kind: str, name: str, months: Iterable[str]) -> Fraction:
    """Add up what is remembered of some months; those that are not remembered count nothing.

    Parameters
    ----------
    history : mapping
    kind, name : str
    months : iterable of str
    """
    return sum((read(history.get(month, {}).get(kind, {}).get(name, "0")) for month in months), Fraction(0))
