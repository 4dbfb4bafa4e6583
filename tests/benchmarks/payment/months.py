"""Months to be paid for: so many checks as storage has them, of a contract with three standards.

Two of a hundred checks are not met, by one to five hours; three are in doubt for gaps that the city bears, and cost
nothing. One standard has an allowance and a cap by zone, two are compared with each other, one fines by the hour.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

from rules.calendar import Window, month_days
from rules.contract import Standard, Terms
from rules.payments.checks import Checks
from rules.records import Determination, canonical, digest
from rules.standards.judging import Bounds, Judged, determination, target_on
from rules.windows import standard_windows
from tests.rules.contracts import HOUR_US, STARTED, Table, changed, contract_table, full_standard, terms_of

PERIOD = "2026-09"
_SUBJECT, _ZONES = "SUBJECT", ("VP-01", "VP-02")
_HOURS = (time(6), time(22)), (time(0), time(6)), (time(22), time(6))


@dataclass(frozen=True, slots=True)
class Stored:
    """A month's determinations as they are stored.

    Parameters
    ----------
    ids, texts : tuple of str
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]

    def mixed(self) -> "Stored":
        """Bring them into an order that means nothing."""
        order = list(range(len(self.ids)))
        random.Random(1).shuffle(order)  # noqa: S311  # an order, no secret
        return Stored(*(tuple(column[row] for row in order) for column in (self.ids, self.texts)))

    def checks(self) -> Checks:
        """Lay them into columns."""
        return Checks.of_texts(self.ids, self.texts)

    def determinations(self) -> list[Determination]:
        """Make an object of each."""
        return [Determination.read(text) for text in self.texts]


def contract(amount: str = "0.5", cap: str = "10", repeat: str = "1.5") -> Table:
    """Write the contract; drafts of it differ in what is charged."""
    overlap = {"group": "asset_day", "keep": "highest"}
    parts: tuple[Table, ...] = (
        {
            "nature": "price",
            "tariff": {"kind": "per_event", "amount": amount, "unit": "UTM"},
            "allowance": {"free": "1", "per": "asset"},
            "cap": {"per": "zone_month", "pct": cap, "base": "monthly-fee"},
        },
        {"nature": "price", "tariff": {**STARTED, "amount": "1200.5", "unit": "CLP"}},
        {
            "nature": "fine",
            "tariff": {**STARTED, "amount": "0.25", "unit": "UTM"},
            "repeat": {"per": "asset", "steps": [{"from": 2, "multiplier": repeat}], "hits": "later"},
        },
    )
    standards = [
        full_standard(
            id=f"standard-{n}",
            window={"start": start, "end": end, "days": "daily", "dst": "elapsed"},
            consequence=[part],
            overlap=overlap if n < len(parts) - 1 else {"group": "none", "keep": "sum"},
        )
        for n, (part, (start, end)) in enumerate(zip(parts, _HOURS, strict=True))
    ]
    table = changed(contract_table(*standards), "contract.effective.from", date(2026, 9, 1))
    table = changed(table, "base.0.amount", "1479000000")
    order = ["allowance", "overlap", "tariff", "repeat", "index", "cap", "round"]
    return changed(table, "money.order", order)


def terms_drawn(count: int) -> list[Table]:
    """Write so many drafts of the contract, no two alike."""
    return [contract(f"0.{n + 100}", str(5 + n % 20), f"{1 + n % 7}.5") for n in range(count)]


def month(count: int) -> tuple[Terms, Stored]:
    """Make a month of so many checks, in the order in which storage gives them."""
    terms = terms_of(contract())
    standards = terms.file.standard
    windows = {one.id: standard_windows(terms, one, month_days(PERIOD)) for one in standards}
    ids: list[str] = []
    texts: list[str] = []
    forms: dict[tuple[str, int, int, str], tuple[str, str]] = {}
    for row in range(count):
        nth, place = divmod(row, len(standards) * len(windows[standards[0].id]))
        day, which = divmod(place, len(standards))
        key = (standards[which].id, day, _kind(row), _ZONES[nth % len(_ZONES)])
        if key not in forms:
            forms[key] = _form(terms, standards[which], windows[standards[which].id][day], key[2:])
        name, text = forms[key]
        ids.append(name.replace(_SUBJECT, f"C-{nth:06}"))
        texts.append(text.replace(_SUBJECT, f"C-{nth:06}"))
    order = sorted(range(count), key=ids.__getitem__)
    return terms, Stored(*(tuple(column[row] for row in order) for column in (ids, texts)))


def _kind(row: int) -> int:
    """By how many hours a check is missed; 0 where it is met, less where it is in doubt."""
    # Two and three of a hundred, over all standards and days.
    return 1 + row // 50 % 5 if row % 50 == 7 else -(row % 100 in {11, 46, 83})


def _form(terms: Terms, standard: Standard, window: Window, said: tuple[int, str]) -> tuple[str, str]:
    """Write a determination of a subject that is filled in later: its id, and its text."""
    hours, zone = said
    target = target_on(standard, window.day)
    missed = target + hours * HOUR_US - 1 if hours > 0 else 0
    bounds = Bounds(missed, missed, target + HOUR_US if hours < 0 else max(missed, target // 2))
    digests = {"readings": digest({"hours": hours}), "register": digest({"zone": zone})}
    trace = {"proven_from_us": window.start_us, "proven_until_us": window.start_us + missed, "gaps": [[1, 2, "city"]]}
    one = determination(terms, standard, Judged(_SUBJECT, zone, window, bounds, 32, 32, digests, trace))
    return one.id, canonical(one.content())


def drafts(said: Sequence[Table]) -> list[Terms]:
    """Load draft terms."""
    return [terms_of(one) for one in said]
