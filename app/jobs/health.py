"""What is wrong with an installation, for `poniente doctor`."""

from dataclasses import dataclass
from datetime import timedelta

from app.jobs.contracts import load_stored, newest_day
from sensors.readings import Outcome
from storage import audit, contracts, health, ledger, masks, readings
from storage.connection import Connection
from storage.errors import LedgerError

# A tracker at rest still reports, every hour to once a day: a position a day behind its source says nothing of today.
STALE_AFTER = timedelta(hours=24)
# As far as counters are looked at: a link that loses something loses it every day.
_COUNTERS_OVER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that is wrong.

    Parameters
    ----------
    what, where, says : str
        Stable code; contract or device; a sentence.
    """

    what: str
    where: str
    says: str


def findings(connection: Connection) -> list[Ailment]:
    """Look at ledgers, at devices against the installations of each contract's newest version, at stale devices."""
    found: list[Ailment] = []
    installed: set[tuple[str, str]] = set()
    for contract, _ in contracts.contracts(connection):
        try:
            ledger.check(connection, contract)
            audit.check(connection, contract)
        except LedgerError as error:
            found.append(Ailment("ledger_broken", contract, str(error)))
        loaded = load_stored(connection, contract, newest_day(connection, contract))
        devices = {(one.source, one.device) for one in loaded.register.installations}
        heard = readings.device_ids(connection, devices)
        found += [
            Ailment("device_unheard", f"{source}/{device}", f"installed for {contract}, has never sent a reading")
            for source, device in sorted(devices - heard.keys())
        ]
        installed |= devices
    found += [
        Ailment("device_not_installed", f"{source}/{device}", "sends readings, but no contract has installed it")
        for source, device in readings.all_devices(connection)
        if (source, device) not in installed
    ]
    masked = masks.read(connection).areas
    found += [
        Ailment("mask_missing", f"{source}/{device}", "sends positions that no collection mask limits: all are kept")
        for source, device in health.positioned_devices(connection)
        if (source, device) in installed and (source, device) not in masked
    ]
    found += [
        Ailment("device_stale", f"{one.source}/{one.device}", _stale(one))
        for one in health.stale_devices(connection, STALE_AFTER)
    ]
    return found


def counters(connection: Connection) -> health.Continuity | None:
    """Look at the counters of all devices over the week before the worker last stored something."""
    last = readings.last_ingested(connection)
    if last is None:
        return None
    devices = readings.all_devices(connection)
    ids = sorted(readings.device_ids(connection, devices).values())
    span = (last - _COUNTERS_OVER, last)
    reduced = readings.count_of_devices(connection, devices, span).get(Outcome.REDUCED, 0)
    return health.continuity(connection, ids, span, late_from=last, reduced=reduced)


def _stale(one: health.Stale) -> str:
    age_h = (one.network_time - one.event_time) // timedelta(hours=1)
    last, heard = (f"{instant:%Y-%m-%d %H:%M}" for instant in (one.event_time, one.network_time))
    return f"still reported, with a position of {last} UTC: {age_h} h before its source was last heard, {heard} UTC"
