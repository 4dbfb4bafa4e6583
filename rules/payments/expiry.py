"""What may not be charged any more: a line that an act made firm, and that no statement charged in time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from rules.calendar import month_days
from rules.contract import Terms
from rules.process.clocks import Days, days_of, deadline
from rules.process.reliefs import pauses_of
from rules.process.terms import ClockName
from rules.records import Act, Relief


def chargeable(
    acts: Iterable[Act],
    in_procedure: Iterable[Mapping[str, Any]],
    period: str,
    terms_in: Mapping[str, Terms],
    reliefs: Sequence[Relief] = (),
) -> list[Act]:
    """Say of acts what they are when a month begins to be charged: a firm line not charged in time has expired.

    Parameters
    ----------
    acts : iterable of Act
        As they were recorded.
    in_procedure : iterable of mapping
        Lines of the opening state.
    period : str
        Month whose statement charges.
    terms_in : mapping of str to Terms
        Those of the month of each line's fact; and, under the empty text, the newest, whose holidays count.
    reliefs : sequence of Relief
        Granted; those that a line's clock names stop it.
    """
    lines = {line["id"]: line for line in in_procedure}
    found: list[Act] = []
    for act in acts:
        line = lines.get(act.line)
        is_late = line is not None and act.effect != "annulled" and _is_late(act, line, period, terms_in, reliefs)
        found.append(replace(act, effect="annulled", amount="") if is_late else act)
    return found


def _is_late(
    act: Act, line: Mapping[str, Any], period: str, terms_in: Mapping[str, Terms], reliefs: Sequence[Relief]
) -> bool:
    terms = terms_in[line["fact_month"]]
    process = terms.file.process
    if process is None:
        return False
    days: Days = days_of(terms.zone, process.day_kind, terms_in[""].holidays)
    pauses = pauses_of(reliefs, line["standard"], line["zone"], line["subject"])
    signed_us = terms.zone.midnight(date.fromisoformat(act.date))
    limit = deadline(days, ClockName.CHARGE_BY, process.clocks.charge_by, signed_us, pauses)
    return limit.until_us <= terms.zone.midnight(month_days(period)[0])
