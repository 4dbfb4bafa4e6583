"""Print a month's determinations and statement in canonical form: run in other processes, to compare the bytes."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

import numpy as np

from rules.assess import assess
from rules.payments.statement import opening_of_nothing, settle
from rules.records import canonical
from sensors.columns import Columns
from tests.rules.contracts import (
    MINUTE_US,
    Said,
    contract_table,
    full_standard,
    readings_of,
    register_of,
    terms_of,
    unemptied_standard,
    utc_us,
)


def readings() -> Mapping[tuple[str, str, str], Columns]:
    """Draw the readings of two devices over September."""
    start_us = utc_us("2026-08-27T00:00+00:00")
    devices: dict[str, list[Said]] = {}
    for seed, device in enumerate(("d1", "d2")):
        random = np.random.default_rng(seed)
        minutes = np.cumsum(random.integers(5, 60, 1_600))
        fill_ppm = np.abs(np.cumsum(random.integers(-150_000, 200_000, 1_600))) % 1_000_000
        devices[device] = [
            Said(start_us + int(minute) * MINUTE_US, fill_ppm=int(fill))
            for minute, fill in zip(minutes, fill_ppm, strict=True)
        ]
    return readings_of(**devices)


def statement() -> str:
    """Assess and settle September."""
    fine = {
        "nature": "fine",
        "tariff": {"kind": "per_event", "amount": "0.333", "unit": "UTM"},
        "cap": {"per": "zone_month", "pct": "1.5", "base": "monthly-fee"},
    }
    full = full_standard(target={"op": "<=", "value": "PT30M"}, consequence=[fine])
    terms = terms_of(contract_table(full, unemptied_standard(), bearer="contractor"))
    days = (date(2026, 9, 1), date(2026, 10, 1))
    found = assess(terms, register_of(terms), readings(), days, utc_us("2027-01-01T00:00+00:00"))
    settled = settle(terms, found, "2026-09", opening_of_nothing(terms, "2026-09"))
    return canonical([[asdict(one) for one in found], settled.body, settled.closing])


if __name__ == "__main__":
    import sys

    sys.stdout.buffer.write(statement().encode())
